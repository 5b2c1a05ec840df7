// Resolvers of a run's history (spec 06 §8.2).
#include "server/gql/run_history.h"

#include "server/gql/types.h"

// ---- loading -------------------------------------------------------------------------------------------------------

static int64_t version_of(struct str config) {
	struct error unused;
	yyjson_doc *doc = json_read(config, false, NULL, &unused);
	int64_t version = yyjson_get_sint(yyjson_obj_get(yyjson_doc_get_root(doc), "fv"));
	yyjson_doc_free(doc);
	return version;
}

// What the apps and functions of all parents say. An app or function that is gone says nothing.
static enum err load_subjects(struct gql_call *call, struct history_subject *out, struct error *error) {
	struct ids app_ids = {.arena = call->arena}, function_ids = {.arena = call->arena};
	for (size_t i = 0; i < call->count; i++) {
		ids_add(&app_ids, PARENT(struct api_run, i)->row.app_id.bytes);
		ids_add(&function_ids, PARENT(struct api_run, i)->row.function_id.bytes);
	}
	ids_sort(&app_ids);
	ids_sort(&function_ids);
	struct history_reader *reader = call_reader(call, error);
	struct catalogue_app *apps;
	struct catalogue_function *functions;
	size_t app_count, function_count;
	if (reader == NULL) return ERR_BUSY;
	enum err err =
		catalogue_apps_by_id(reader, call->arena, ids_uuids(&app_ids), app_ids.count, &apps, &app_count, error);
	if (err == ERR_OK)
		err = catalogue_functions_by_id(reader, call->arena, ids_uuids(&function_ids), function_ids.count,
						&functions, &function_count, error);
	for (size_t i = 0; err == ERR_OK && i < call->count; i++) {
		const struct run_row *run = &PARENT(struct api_run, i)->row;
		const struct catalogue_app *app = catalogue_find_app(apps, app_count, &run->app_id);
		const struct catalogue_function *function =
			catalogue_find_function(functions, function_count, &run->function_id);
		out[i].run = run;
		if (function != NULL) out[i].function_version = version_of(function->config);
		if (app == NULL) continue;
		out[i].url = app->url;
		out[i].sdk_language = app->sdk_language;
		out[i].sdk_version = app->sdk_version;
	}
	return err;
}

static enum err load_rows(struct gql_call *call, const struct history_subject *of, struct history_rows *out,
			  struct error *error) {
	struct trace_loaded *trace;
	enum err err = trace_load(call->context, call->arena, &of->run->id, &trace, error);
	if (err == ERR_OK) history_rows_make(call->arena, of, &trace->spans, out);
	return err;
}

void resolve_history(struct gql_call *call) {
	struct history_subject *subjects = ARENA_ARRAY(call->arena, struct history_subject, call->count);
	struct error error;
	if (load_subjects(call, subjects, &error) != ERR_OK) {
		fail_all(call, "%s", error.message);
		return;
	}
	for (size_t i = 0; i < call->count; i++) {
		struct history_rows rows;
		if (load_rows(call, &subjects[i], &rows, &error) == ERR_OK)
			call->out[i] = list_of(call->arena, rows.items, rows.count, sizeof *rows.items);
		else
			call->out[i] = gql_fail(call->arena, "%s", error.message);
	}
}

// ---- outputs -------------------------------------------------------------------------------------------------------

static struct gql_value output_of_row(struct gql_call *call, const struct history_row *row) {
	static const struct gql_value nothing = {.kind = GQL_NULL};
	struct span_text of_run = {.source = SPAN_OF_RUN, .is_result = row->of->run->status == TRACE_RUN_FAILED};
	const struct span_text *text = row->span != NULL ? &row->span->output : &of_run;
	if (text->source == SPAN_NOTHING || (row->span == NULL && !row->has_result)) return nothing;
	struct error error;
	struct str output;
	struct history_reader *reader = call_reader(call, &error);
	enum err err = reader == NULL
			       ? ERR_BUSY
			       : history_trace_text(reader, call->arena, &row->of->run->id, text, &output, &error);
	if (err == ERR_NOT_FOUND) return nothing;
	return err == ERR_OK ? gql_text(output) : gql_fail(call->arena, "%s", error.message);
}

void resolve_history_output(struct gql_call *call) {
	struct ulid id = {{0}};
	(void)ulid_parse(gql_argument_str(call, "id"), &id);
	for (size_t i = 0; i < call->count; i++) {
		struct history_subject subject = {.run = &PARENT(struct api_run, i)->row};
		struct history_rows rows;
		struct error error;
		if (load_rows(call, &subject, &rows, &error) != ERR_OK) {
			call->out[i] = gql_fail(call->arena, "%s", error.message);
			continue;
		}
		for (size_t k = 0; k < rows.count; k++)
			if (ulid_cmp(&rows.items[k].id, &id) == 0) call->out[i] = output_of_row(call, &rows.items[k]);
	}
}

// ---- fields --------------------------------------------------------------------------------------------------------

static const struct history_row *row_of(const struct gql_call *call, size_t i) {
	return PARENT(struct history_row, i);
}
static bool is_type(const struct history_row *row, const char *type) {
	return strcmp(row->type, type) == 0;
}
// Whether the row ends what its step waited for.
static bool is_resolved(const struct history_row *row, enum opcode_kind op) {
	return row->span != NULL && row->span->kind == SPAN_STEP && row->span->op == op &&
	       (is_type(row, "StepCompleted") || is_type(row, "StepFailed"));
}

static void resolve_attempt(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_int(row_of(call, i)->span != NULL ? row_of(call, i)->span->attempt : 0);
}

static void resolve_group(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct span *span = row_of(call, i)->span;
		if (span != NULL && span->group_id.len > 0) call->out[i] = gql_text(span->group_id);
	}
}

static void resolve_version(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) call->out[i] = gql_int(row_of(call, i)->of->function_version);
}

static void resolve_url(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) call->out[i] = gql_text(row_of(call, i)->of->url);
}

// The row itself, as the object of a part that it may not have.
#define RESOLVE_PART(name, condition)                                        \
	static void resolve_##name(struct gql_call *call) {                  \
		for (size_t i = 0; i < call->count; i++) {                   \
			const struct history_row *row = row_of(call, i);     \
			call->out[i] = gql_object((condition) ? row : NULL); \
		}                                                            \
	}
RESOLVE_PART(cancel, is_type(row, "FunctionCancelled"))
RESOLVE_PART(result, row->has_result)
RESOLVE_PART(sleep, is_type(row, "StepSleeping"))
RESOLVE_PART(wait, is_type(row, "StepWaiting"))
RESOLVE_PART(wait_result, is_resolved(row, OPCODE_WAIT_FOR_EVENT) || is_resolved(row, OPCODE_WAIT_FOR_SIGNAL))
RESOLVE_PART(invoke, is_type(row, "StepInvoking"))
RESOLVE_PART(invoke_result, is_resolved(row, OPCODE_INVOKE_FUNCTION))

// Functions have no version of the SDK in their rows (§8.2).
static void resolve_sdk_language(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct str language = row_of(call, i)->of->sdk_language;
		bool is_known = row_of(call, i)->span != NULL && language.ptr != NULL;
		call->out[i] = gql_text(is_known ? language : STR(""));
	}
}

static void resolve_sdk_version(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct str version = row_of(call, i)->of->sdk_version;
		bool is_known = row_of(call, i)->span != NULL && version.ptr != NULL;
		call->out[i] = gql_text(is_known ? version : STR(""));
	}
}

static void resolve_until(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct span *span = row_of(call, i)->span;
		call->out[i] = gql_time(call->arena, span->queued_ns + span->sleep_ms * 1000000);
	}
}

static void resolve_wait_name(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct span *span = row_of(call, i)->span;
		struct str name = span->op == OPCODE_WAIT_FOR_SIGNAL ? span->signal : span->wait_event;
		call->out[i] = gql_text(name.ptr != NULL ? name : STR(""));
	}
}

static void resolve_wait_expression(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct str expression = row_of(call, i)->span->wait_expression;
		if (expression.len > 0) call->out[i] = gql_text(expression);
	}
}

static void resolve_expiry(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) call->out[i] = gql_time(call->arena, row_of(call, i)->span->expiry_ns);
}

static void resolve_matched_event(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct str id = row_of(call, i)->span->matched_event_id;
		if (id.len > 0) call->out[i] = gql_text(id);
	}
}

static void resolve_cancel_event(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct span *cause = row_of(call, i)->cause;
		if (cause != NULL && cause->matched_event_id.len > 0) call->out[i] = gql_text(cause->matched_event_id);
	}
}

static void resolve_cancel_expression(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct span *cause = row_of(call, i)->cause;
		if (cause != NULL && cause->wait_expression.len > 0) call->out[i] = gql_text(cause->wait_expression);
	}
}

static void resolve_is_timeout(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) call->out[i] = gql_bool(row_of(call, i)->span->is_expired == YES);
}

static void resolve_invoke_event(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct str id = row_of(call, i)->span->trigger_event_id;
		call->out[i] = gql_text(id.len > 0 ? id : STR("00000000000000000000000000"));
	}
}

static void resolve_invoked_function(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct str slug = row_of(call, i)->span->invoke_function;
		call->out[i] = gql_text(slug.ptr != NULL ? slug : STR(""));
	}
}

// `<run>.<step>` (03 §14.6).
static void resolve_correlation(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		char run_id[ULID_TEXT_LEN + 1];
		ulid_text(&row_of(call, i)->of->run->id, run_id);
		call->out[i] =
			gql_text(arena_printf(call->arena, "%s.%.*s", run_id, STR_ARG(row_of(call, i)->span->step_id)));
	}
}

static void resolve_invoked_run(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct str id = row_of(call, i)->span->invoke_run_id;
		if (id.len > 0) call->out[i] = gql_text(id);
	}
}

// ---- types ---------------------------------------------------------------------------------------------------------

FIELDS(type_run_history_item) = {
	CALL("attempt", "Int!", resolve_attempt),
	CALL("cancel", "RunHistoryCancel", resolve_cancel),
	READ("createdAt", "Time!", TIME_NS, struct history_row, at_ns),
	CALL("functionVersion", "Int!", resolve_version),
	CALL("groupID", "UUID", resolve_group),
	READ("id", "ULID!", ULID, struct history_row, id),
	CALL("result", "RunHistoryResult", resolve_result),
	CALL("sleep", "RunHistorySleep", resolve_sleep),
	READ("stepName", "String", STR_OR_NULL, struct history_row, step_name),
	READ("stepType", "HistoryStepType", CSTR, struct history_row, step_type),
	READ("type", "HistoryType!", CSTR, struct history_row, type),
	CALL("url", "String", resolve_url),
	CALL("waitForEvent", "RunHistoryWaitForEvent", resolve_wait),
	CALL("waitResult", "RunHistoryWaitResult", resolve_wait_result),
	CALL("invokeFunction", "RunHistoryInvokeFunction", resolve_invoke),
	CALL("invokeFunctionResult", "RunHistoryInvokeFunctionResult", resolve_invoke_result),
	END,
};
OBJECT(type_run_history_item, "RunHistoryItem")

FIELDS(type_run_history_cancel) = {
	CALL("eventID", "ULID", resolve_cancel_event),
	CALL("expression", "String", resolve_cancel_expression),
	NEVER("userID", "UUID"), // nobody is signed in
	END,
};
OBJECT(type_run_history_cancel, "RunHistoryCancel")

FIELDS(type_run_history_result) = {
	READ("durationMS", "Int!", INT, struct history_row, duration_ms),
	NEVER("errorCode", "String"),
	NEVER("framework", "String"),
	NEVER("platform", "String"),
	CALL("sdkLanguage", "String!", resolve_sdk_language),
	CALL("sdkVersion", "String!", resolve_sdk_version),
	READ("sizeBytes", "Int!", INT, struct history_row, size_bytes),
	END,
};
OBJECT(type_run_history_result, "RunHistoryResult")

FIELDS(type_run_history_sleep) = {
	CALL("until", "Time!", resolve_until),
	END,
};
OBJECT(type_run_history_sleep, "RunHistorySleep")

FIELDS(type_run_history_wait_for_event) = {
	CALL("eventName", "String!", resolve_wait_name),
	CALL("expression", "String", resolve_wait_expression),
	CALL("timeout", "Time!", resolve_expiry),
	END,
};
OBJECT(type_run_history_wait_for_event, "RunHistoryWaitForEvent")

FIELDS(type_run_history_wait_result) = {
	CALL("eventID", "ULID", resolve_matched_event),
	CALL("timeout", "Boolean!", resolve_is_timeout),
	END,
};
OBJECT(type_run_history_wait_result, "RunHistoryWaitResult")

FIELDS(type_run_history_invoke_function) = {
	CALL("eventID", "ULID!", resolve_invoke_event),
	CALL("functionID", "String!", resolve_invoked_function),
	CALL("correlationID", "String!", resolve_correlation),
	CALL("timeout", "Time!", resolve_expiry),
	END,
};
OBJECT(type_run_history_invoke_function, "RunHistoryInvokeFunction")

FIELDS(type_run_history_invoke_function_result) = {
	CALL("eventID", "ULID", resolve_matched_event),
	CALL("timeout", "Boolean!", resolve_is_timeout),
	CALL("runID", "ULID", resolve_invoked_run),
	END,
};
OBJECT(type_run_history_invoke_function_result, "RunHistoryInvokeFunctionResult")
