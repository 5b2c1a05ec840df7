// GET /v2/runs/{id}/trace (05 §13.10): the folded tree of 06 §15.
#include "server/traces.h"
#include "server/v2.h"

struct trace_reply {
	struct request *request;
	struct reading *reading;
	struct ulid run_id;
	bool with_output;
};

// ---- inputs and outputs --------------------------------------------------------------------------------------------

// Empty when there is none, or it is no longer there.
static struct str read_text(const struct trace_reply *reply, const struct span_text *text) {
	struct str stored = {NULL, 0};
	struct error unused;
	if (!reply->with_output || text->source == SPAN_NOTHING) return stored;
	enum err err = history_trace_text(reply->reading->history, &reply->request->arena, &reply->run_id, text,
					  &stored, &unused);
	return err == ERR_OK ? stored : (struct str){NULL, 0};
}

static void write_output(const struct trace_reply *reply, const struct span_text *text) {
	struct buf *out = &reply->request->out;
	struct str stored = read_text(reply, text);
	if (stored.len == 0) return;
	struct trace_output shown;
	trace_output_show(&reply->request->arena, stored, &shown);
	if (!shown.has_error) {
		v2_free_form(out, "output", shown.data);
		return;
	}
	v2_object_open(out, "output");
	v2_object_open(out, "error");
	if (shown.cause.len > 0) {
		v2_member(out, "cause");
		buf_str(out, shown.cause);
	}
	v2_text(out, "message", shown.message);
	v2_text(out, "name", shown.name);
	v2_text(out, "stack", shown.stack);
	v2_object_close(out);
	v2_object_close(out);
}

// ---- metadata ------------------------------------------------------------------------------------------------------

// Each value as the text of its JSON.
static void write_values(struct buf *out, struct str values) {
	yyjson_doc *doc = json_read(values, false, NULL, NULL);
	struct buf text;
	buf_init(&text, HTTP_REPLY_MAX);
	v2_object_open(out, "values");
	yyjson_obj_iter iter = yyjson_obj_iter_with(yyjson_doc_get_root(doc));
	bool first = true;
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL; first = false) {
		buf_clear(&text);
		json_canonical(&text, yyjson_obj_iter_get_val(key));
		if (!first) buf_byte(out, ',');
		buf_json_str(out, json_str(key));
		buf_byte(out, ':');
		buf_json_str(out, buf_view(&text));
	}
	v2_object_close(out);
	buf_free(&text);
	yyjson_doc_free(doc);
}

static void write_metadata(struct buf *out, const struct trace_node *node) {
	if (node->metadata_count == 0) return;
	v2_member(out, "metadata");
	buf_byte(out, '[');
	for (size_t i = 0; i < node->metadata_count; i++) {
		const struct trace_metadata *metadata = &node->metadata[i];
		v2_element_open(out);
		v2_text(out, "kind", metadata->kind);
		v2_text(out, "scope", metadata->scope);
		v2_time(out, "updatedAt", metadata->updated_ns);
		write_values(out, metadata->values);
		v2_object_close(out);
	}
	buf_byte(out, ']');
}

// ---- spans ---------------------------------------------------------------------------------------------------------

// Also of groups, which have a start and an end but no duration of their own.
static void write_duration(struct buf *out, const struct trace_node *node) {
	int64_t ms = node->duration_ms;
	if (!node->has_duration) {
		if (node->started_ns == TRACE_NO_TIME || node->ended_ns == TRACE_NO_TIME) return;
		ms = node->ended_ns > node->started_ns ? (node->ended_ns - node->started_ns) / 1000000 : 0;
	}
	v2_member(out, "durationMs");
	buf_printf(out, "\"%lld\"", (long long)ms);
}

// The tree is not deep: what nests in it without end is cut (06 §19).
static void write_span(const struct trace_reply *reply, const struct trace_node *node) {
	struct buf *out = &reply->request->out;
	if (node->child_count > 0) {
		v2_member(out, "children");
		buf_byte(out, '[');
		for (size_t i = 0; i < node->child_count; i++) {
			v2_element_open(out);
			write_span(reply, node->children[i]);
			v2_object_close(out);
		}
		buf_byte(out, ']');
	}
	write_duration(out, node);
	v2_time(out, "endedAt", node->ended_ns);
	v2_text(out, "id", node->span_id);
	v2_free_form(out, "input", read_text(reply, &node->input));
	write_metadata(out, node);
	v2_text(out, "name", node->name);
	write_output(reply, &node->output);
	v2_time(out, "queuedAt", node->queued_ns);
	v2_time(out, "startedAt", node->started_ns);
	if (node->status != TRACE_QUEUED)
		v2_cstr(out, "status", trace_status_names[node->status]); // v2 has no such one
	v2_text(out, "stepId", node->step_id);
	v2_text(out, "stepOp", node->step_op);
}

static void send_trace(const struct trace_reply *reply) {
	struct request *request = reply->request;
	struct trace_loaded loaded;
	struct error error;
	enum err err = trace_open(reply->reading, &request->arena, &reply->run_id, &loaded, &error);
	if (err != ERR_OK && err != ERR_NOT_FOUND) {
		v2_reply_internal(request, &error);
		return;
	}
	struct trace_node *root = err == ERR_OK ? trace_tree(&request->arena, &loaded.subject, &loaded.spans) : NULL;
	if (root == NULL) {
		v2_reply_error(request, 404, STR("not_found"), STR("Trace not found"));
		return;
	}
	v2_envelope_open(request);
	buf_byte(&request->out, '{');
	v2_object_open(&request->out, "rootSpan");
	write_span(reply, root);
	v2_object_close(&request->out);
	v2_ulid(&request->out, "runId", &reply->run_id);
	v2_object_close(&request->out);
	v2_envelope_close(request);
	respond_out(request, 200);
}

void v2_trace_work(struct request *request) {
	static const struct v2_query_rule rules[] = {{"includeOutput", "include_output", V2_QUERY_BOOL, 0}};
	enum tristate include = UNSET;
	struct reading reading;
	struct trace_reply reply = {.request = request, .reading = &reading};
	if (!v2_run_id(request, &reply.run_id) || !v2_query_read(request, rules, ARRAY_LEN(rules), &include) ||
	    !reading_open(&reading, request)) {
		return;
	}
	reply.with_output = include == YES;
	send_trace(&reply);
	reading_close(&reading);
}
