// Traces as trees of RunTraceSpan (spec 06 §5.6, §15, §16).
#include "server/gql/types.h"
#include "server/traces.h"

#include <stdlib.h>

#define NO_ULID "00000000000000000000000000"
#define NO_DATE "0001-01-01T00:00:00Z" // what mandatory times without a value look like (§15.5)

struct api_span { // RunTraceSpan and what hangs on it
	struct trace_node node;
	const struct trace_subject *subject;
};

// ---- loading -------------------------------------------------------------------------------------------------------

enum err trace_load(struct gql_context *context, struct arena *arena, const struct ulid *run_id,
		    struct trace_loaded **out, struct error *error) {
	if (context_reader(context, error) == NULL) return ERR_BUSY;
	*out = ARENA_NEW(arena, struct trace_loaded);
	return trace_open(&context->reading, arena, run_id, *out, error);
}

static const struct api_span *span_make(struct arena *arena, const struct trace_node *node,
					const struct trace_subject *subject) {
	struct api_span *span = ARENA_NEW(arena, struct api_span);
	span->node = *node;
	span->subject = subject;
	return span;
}

static struct gql_value tree_of(struct gql_context *context, struct arena *arena, const struct run_row *run,
				bool is_preview) {
	struct trace_loaded *trace;
	struct error error;
	if (trace_load(context, arena, &run->id, &trace, &error) != ERR_OK)
		return gql_fail(arena, "error retrieving trace: %s", error.message);
	const struct trace_node *root = is_preview ? trace_tree(arena, &trace->subject, &trace->spans)
						   : trace_tree_plain(arena, &trace->subject, &trace->spans);
	if (root != NULL) return gql_object(span_make(arena, root, &trace->subject));
	return gql_fail(arena, is_preview ? "error retrieving trace: no root span found for run " NO_ULID
					  : "no function run span found");
}

void resolve_trace_of_run(struct gql_call *call) {
	bool is_preview = yyjson_is_true(gql_argument_get(call, "preview"));
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = tree_of(call->context, call->arena, &PARENT(struct api_run, i)->row, is_preview);
}

void resolve_run_trace(struct gql_call *call) {
	struct ulid id;
	struct api_run *run;
	struct error error;
	if (!ulid_parse(gql_argument_str(call, "runID"), &id)) {
		fail_all(call, "error parsing runID: ulid: bad data size when unmarshaling");
		return;
	}
	enum err err = api_run_load(call->context, call->arena, &id, &run, &error);
	if (err == ERR_NOT_FOUND)
		fail_all(call, "error retrieving trace: no root span found for run " NO_ULID);
	else if (err != ERR_OK)
		fail_all(call, "error retrieving trace: %s", error.message);
	else
		resolve_all(call, tree_of(call->context, call->arena, &run->row, true));
}

// What has not started stands last.
static int compare_starts(const void *a, const void *b) {
	const struct trace_node *left = &(*(const struct api_span *const *)a)->node;
	const struct trace_node *right = &(*(const struct api_span *const *)b)->node;
	int64_t l = left->started_ns == TRACE_NO_TIME ? INT64_MAX : left->started_ns;
	int64_t r = right->started_ns == TRACE_NO_TIME ? INT64_MAX : right->started_ns;
	if (l != r) return l < r ? -1 : 1;
	return left->queued_ns < right->queued_ns ? -1 : left->queued_ns > right->queued_ns;
}

struct gql_value trace_trees(struct gql_context *context, struct arena *arena, const struct ulid *run_ids,
			     size_t count) {
	const struct api_span **spans = ARENA_ARRAY(arena, const struct api_span *, count + 1);
	size_t found = 0;
	for (size_t i = 0; i < count; i++) {
		struct trace_loaded *trace;
		struct error error;
		enum err err = trace_load(context, arena, &run_ids[i], &trace, &error);
		if (err == ERR_NOT_FOUND) continue;
		if (err != ERR_OK) return gql_fail(arena, "error retrieving trace: %s", error.message);
		const struct trace_node *root = trace_tree(arena, &trace->subject, &trace->spans);
		if (root != NULL) spans[found++] = span_make(arena, root, &trace->subject);
	}
	qsort(spans, found, sizeof(const struct api_span *), compare_starts);
	struct gql_value list = gql_list(arena, found);
	for (size_t i = 0; i < found; i++) list.items[i] = gql_object(spans[i]);
	return list;
}

// ---- fields --------------------------------------------------------------------------------------------------------

static const struct trace_node *node_of(const struct gql_call *call, size_t i) {
	return &PARENT(struct api_span, i)->node;
}

static void resolve_app_id(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_uuid(call->arena, &PARENT(struct api_span, i)->subject->app_id);
}

static void resolve_function_id(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_uuid(call->arena, &PARENT(struct api_span, i)->subject->function_id);
}

static void resolve_run_id(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_ulid(call->arena, &PARENT(struct api_span, i)->subject->run_id);
}

// All spans of a tree are of one run, mostly.
static void resolve_run_of_span(struct gql_call *call) {
	struct api_run *run = NULL;
	for (size_t i = 0; i < call->count; i++) {
		struct error error;
		const struct ulid *id = &PARENT(struct api_span, i)->subject->run_id;
		bool is_known = run != NULL && ulid_cmp(&run->row.id, id) == 0;
		if (!is_known && api_run_load(call->context, call->arena, id, &run, &error) != ERR_OK) {
			call->out[i] = gql_fail(call->arena, "%s", error.message);
			run = NULL;
			continue;
		}
		call->out[i] = gql_object(run);
	}
}

static void resolve_span_status(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_text(str_from_cstr(trace_status_names[node_of(call, i)->status]));
}

static void resolve_duration(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct trace_node *node = node_of(call, i);
		if (node->has_duration) call->out[i] = gql_int(node->duration_ms);
	}
}

static void resolve_children(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct api_span *span = PARENT(struct api_span, i);
		struct gql_value list = gql_list(call->arena, span->node.child_count);
		for (size_t k = 0; k < list.count; k++)
			list.items[k] = gql_object(span_make(call->arena, span->node.children[k], span->subject));
		call->out[i] = list;
	}
}

static void resolve_metadata(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct trace_node *node = node_of(call, i);
		call->out[i] = list_of(call->arena, node->metadata, node->metadata_count, sizeof *node->metadata);
	}
}

static void resolve_response(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_object(node_of(call, i)->has_response ? call->parents[i] : NULL);
}

static void resolve_userland(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_object(node_of(call, i)->is_userland ? call->parents[i] : NULL);
}

static void resolve_step_info(struct gql_call *call) {
	static const char *const types[] = {[TRACE_INFO_INVOKE] = "InvokeStepInfo",
					    [TRACE_INFO_SLEEP] = "SleepStepInfo",
					    [TRACE_INFO_WAIT] = "WaitForEventStepInfo",
					    [TRACE_INFO_SIGNAL] = "WaitForSignalStepInfo",
					    [TRACE_INFO_RUN] = "RunStepInfo"};
	for (size_t i = 0; i < call->count; i++) {
		const struct trace_info *info = &node_of(call, i)->info;
		if (info->kind == TRACE_INFO_NONE) continue;
		call->out[i] = gql_object(info);
		call->out[i].type = types[info->kind];
	}
}

static struct gql_value date_or_first(struct arena *arena, int64_t ns) {
	return ns != TRACE_NO_TIME ? gql_time(arena, ns) : gql_text(STR(NO_DATE));
}

static void resolve_sleep_until(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = date_or_first(call->arena, PARENT(struct trace_info, i)->sleep_until_ns);
}

static void resolve_timeout(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = date_or_first(call->arena, PARENT(struct trace_info, i)->timeout_ns);
}

static void resolve_timed_out(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		enum tristate timed_out = PARENT(struct trace_info, i)->timed_out;
		if (timed_out != UNSET) call->out[i] = gql_bool(timed_out == YES);
	}
}

static void resolve_triggering_event(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct str id = PARENT(struct trace_info, i)->triggering_event_id;
		call->out[i] = gql_text(id.len > 0 ? id : STR(NO_ULID));
	}
}

// ---- types ---------------------------------------------------------------------------------------------------------

FIELDS(type_run_trace_span) = {
	CALL("appID", "UUID!", resolve_app_id),
	CALL("functionID", "UUID!", resolve_function_id),
	CALL("runID", "ULID!", resolve_run_id),
	CALL("run", "FunctionRun!", resolve_run_of_span),
	READ("spanID", "String!", STR, struct api_span, node.span_id),
	READ("traceID", "String!", STR, struct api_span, node.trace_id),
	READ("groupID", "String", STR_OR_NULL, struct api_span, node.group_id),
	READ("name", "String!", STR, struct api_span, node.name),
	CALL("status", "RunTraceSpanStatus!", resolve_span_status),
	READ("attempts", "Int", INT, struct api_span, node.attempts),
	CALL("duration", "Int", resolve_duration),
	READ("outputID", "String", STR_OR_NULL, struct api_span, node.output_id),
	READ("queuedAt", "Time!", TIME_NS, struct api_span, node.queued_ns),
	READ("scheduledAt", "Time", TIME_NS, struct api_span, node.scheduled_ns),
	READ("startedAt", "Time", TIME_NS, struct api_span, node.started_ns),
	READ("endedAt", "Time", TIME_NS, struct api_span, node.ended_ns),
	CALL("childrenSpans", "[RunTraceSpan!]!", resolve_children),
	READ("stepOp", "StepOp", STR_OR_NULL, struct api_span, node.step_op),
	READ("stepID", "String", STR_OR_NULL, struct api_span, node.step_id),
	CALL("stepInfo", "StepInfo", resolve_step_info),
	READ("stepType", "String!", STR, struct api_span, node.step_type),
	READ("isRoot", "Boolean!", BOOL, struct api_span, node.is_root),
	READ("parentSpanID", "String", STR_OR_NULL, struct api_span, node.parent_id),
	NEVER("parentSpan", "RunTraceSpan"),
	READ("isUserland", "Boolean!", BOOL, struct api_span, node.is_userland),
	CALL("userlandSpan", "UserlandSpan", resolve_userland),
	READ("debugRunID", "ULID", STR_OR_NULL, struct api_span, node.debug_run_id),
	READ("debugSessionID", "ULID", STR_OR_NULL, struct api_span, node.debug_session_id),
	CALL("debugPaused", "Boolean!", resolve_false),
	READ("skipReason", "String", STR_OR_NULL, struct api_span, node.skip_reason),
	READ("skipExistingRunID", "String", STR_OR_NULL, struct api_span, node.skip_existing_run_id),
	CALL("metadata", "[SpanMetadata!]!", resolve_metadata),
	CALL("response", "RunTraceSpanResponseInfo", resolve_response),
	END,
};
OBJECT(type_run_trace_span, "RunTraceSpan")

FIELDS(type_run_trace_span_response_info) = {
	READ("statusCode", "Int!", INT, struct api_span, node.status_code),
	READ("headers", "HTTPHeaders!", JSON, struct api_span, node.headers),
	END,
};
OBJECT(type_run_trace_span_response_info, "RunTraceSpanResponseInfo")

FIELDS(type_span_metadata) = {
	READ("scope", "SpanMetadataScope!", STR, struct trace_metadata, scope),
	READ("kind", "SpanMetadataKind!", STR, struct trace_metadata, kind),
	READ("values", "SpanMetadataValues!", JSON, struct trace_metadata, values),
	READ("updatedAt", "Time!", TIME_NS, struct trace_metadata, updated_ns),
	END,
};
OBJECT(type_span_metadata, "SpanMetadata")

FIELDS(type_userland_span) = {
	READ("spanName", "String", STR_OR_NULL, struct api_span, node.user_name),
	READ("spanKind", "String", STR_OR_NULL, struct api_span, node.user_kind),
	READ("serviceName", "String", STR_OR_NULL, struct api_span, node.service_name),
	NEVER("resourceAttrs", "Bytes"),
	READ("scopeName", "String", STR_OR_NULL, struct api_span, node.scope_name),
	READ("scopeVersion", "String", STR_OR_NULL, struct api_span, node.scope_version),
	READ("spanAttrs", "Bytes", STR_OR_NULL, struct api_span, node.user_attributes),
	END,
};
OBJECT(type_userland_span, "UserlandSpan")

static const char *const step_info_members[] = {"InvokeStepInfo", "SleepStepInfo",         "WaitForEventStepInfo",
						"RunStepInfo",    "WaitForSignalStepInfo", NULL};
const struct gql_type type_step_info = {.kind = GQL_UNION, .name = "StepInfo", .members = step_info_members};

FIELDS(type_invoke_step_info) = {
	CALL("triggeringEventID", "ULID!", resolve_triggering_event),
	READ("functionID", "String!", STR, struct trace_info, function),
	CALL("timeout", "Time!", resolve_timeout),
	READ("returnEventID", "ULID", STR_OR_NULL, struct trace_info, return_event_id),
	READ("runID", "ULID", STR_OR_NULL, struct trace_info, run_id),
	CALL("timedOut", "Boolean", resolve_timed_out),
	END,
};
OBJECT(type_invoke_step_info, "InvokeStepInfo")

FIELDS(type_sleep_step_info) = {
	CALL("sleepUntil", "Time!", resolve_sleep_until),
	END,
};
OBJECT(type_sleep_step_info, "SleepStepInfo")

FIELDS(type_wait_for_event_step_info) = {
	READ("eventName", "String!", STR, struct trace_info, event_name),
	READ("expression", "String", STR_OR_NULL, struct trace_info, expression),
	CALL("timeout", "Time!", resolve_timeout),
	READ("foundEventID", "ULID", STR_OR_NULL, struct trace_info, found_event_id),
	CALL("timedOut", "Boolean", resolve_timed_out),
	END,
};
OBJECT(type_wait_for_event_step_info, "WaitForEventStepInfo")

FIELDS(type_wait_for_signal_step_info) = {
	READ("signal", "String!", STR, struct trace_info, signal),
	CALL("timeout", "Time!", resolve_timeout),
	CALL("timedOut", "Boolean", resolve_timed_out),
	END,
};
OBJECT(type_wait_for_signal_step_info, "WaitForSignalStepInfo")

FIELDS(type_run_step_info) = {
	READ("type", "String", STR_OR_NULL, struct trace_info, type),
	END,
};
OBJECT(type_run_step_info, "RunStepInfo")
