// Inputs and outputs of spans (spec 06 §17.2).
#include "server/gql/types.h"

struct span_output { // RunTraceSpanOutput, StepError
	bool has_input;
	struct str input;
	struct trace_output output;
};

static const struct span_text *output_at(const struct trace_spans *spans, struct str row_id) {
	for (size_t i = 0; i < spans->count && row_id.len > 0; i++) {
		const struct span_text *output = &spans->spans[i].output;
		if (output->source != SPAN_NOTHING && str_eq(output->row_id, row_id)) return output;
	}
	return NULL;
}

static const struct span_text *input_at(const struct trace_spans *spans, struct str row_id) {
	for (size_t i = 0; i < spans->count && row_id.len > 0; i++) {
		const struct span_text *input = &spans->spans[i].input;
		if (input->source != SPAN_NOTHING && str_eq(input->row_id, row_id)) return input;
	}
	return NULL;
}

// A text that is no longer there counts as none.
static enum err read_text(struct gql_call *call, const struct ulid *run_id, const struct span_text *text, bool *found,
			  struct str *out, struct error *error) {
	*found = false;
	if (text == NULL) return ERR_OK;
	struct history_reader *reader = call_reader(call, error);
	if (reader == NULL) return ERR_BUSY;
	enum err err = history_trace_text(reader, call->arena, run_id, text, out, error);
	*found = err == ERR_OK;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err load(struct gql_call *call, const struct trace_output_id *id, struct span_output *out,
		     struct error *error) {
	struct api_run *run;
	struct trace_loaded *trace;
	enum err err = api_run_load(call->context, call->arena, &id->run_id, &run, error);
	if (err == ERR_OK) err = trace_load(call->context, call->arena, &run->row.id, &trace, error);
	if (err != ERR_OK) return err;
	const struct span_text *output = output_at(&trace->spans, id->row_id);
	const struct span_text *input = input_at(&trace->spans, id->input_row_id);
	bool found = false;
	struct str text = STR("");
	if ((err = read_text(call, &id->run_id, input, &out->has_input, &out->input, error)) != ERR_OK) return err;
	if ((err = read_text(call, &id->run_id, output, &found, &text, error)) != ERR_OK) return err;
	if (!found && !id->is_preview) return error_set(error, ERR_NOT_FOUND, "no output found");
	if (found) trace_output_show(call->arena, text, &out->output);
	return ERR_OK;
}

void resolve_span_output(struct gql_call *call) {
	struct trace_output_id id;
	struct span_output *output = ARENA_NEW(call->arena, struct span_output);
	struct error error;
	enum err err = trace_output_id_parse(call->arena, gql_argument_str(call, "outputID"), &id, &error);
	if (err == ERR_OK && ulid_is_none(&id.run_id)) err = error_set(&error, ERR_NOT_FOUND, "no output found");
	if (err == ERR_OK) err = load(call, &id, output, &error);
	if (err == ERR_OK)
		resolve_all(call, gql_object(output));
	else
		fail_all(call, "%s", error.message);
}

static void resolve_input(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct span_output *output = PARENT(struct span_output, i);
		if (output->has_input) call->out[i] = gql_text(output->input);
	}
}

static void resolve_data(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct trace_output *output = &PARENT(struct span_output, i)->output;
		if (!output->has_error) call->out[i] = gql_text(output->data.ptr != NULL ? output->data : STR(""));
	}
}

static void resolve_error(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_object(PARENT(struct span_output, i)->output.has_error ? call->parents[i] : NULL);
}

FIELDS(type_run_trace_span_output) = {
	CALL("input", "Bytes", resolve_input),
	CALL("data", "Bytes", resolve_data),
	CALL("error", "StepError", resolve_error),
	END,
};
OBJECT(type_run_trace_span_output, "RunTraceSpanOutput")

FIELDS(type_step_error) = {
	READ("message", "String!", STR, struct span_output, output.message),
	READ("name", "String", STR_OR_NULL, struct span_output, output.name),
	READ("stack", "String", STR_OR_NULL, struct span_output, output.stack),
	READ("cause", "Unknown", JSON, struct span_output, output.cause),
	END,
};
OBJECT(type_step_error, "StepError")
