// One run, and what started it (spec 06 §5.2, §5.3, §5.5). Rows of lists have the same fields.
#include "base/hash.h"
#include "server/gql/types.h"
#include "trace/ids.h"

#define BAD_RUN_ID "error parsing runID: ulid: bad data size when unmarshaling"

// ---- loading -------------------------------------------------------------------------------------------------------

enum err api_run_load(struct gql_context *context, struct arena *arena, const struct ulid *id, struct api_run **out,
		      struct error *error) {
	void **known = context_memo(context, "run", str_make(id->bytes, sizeof id->bytes));
	*out = *known;
	if (*known != NULL) return ERR_OK;
	struct history_reader *reader = context_reader(context, error);
	struct run_row *rows;
	size_t count;
	if (reader == NULL) return ERR_BUSY;
	enum err err = history_runs_by_id(reader, arena, id, 1, true, &rows, &count, error);
	if (err != ERR_OK) return err;
	if (count == 0) return error_set(error, ERR_NOT_FOUND, NO_ROWS);
	*known = *out = runs_make(arena, rows, 1, true);
	return ERR_OK;
}

// The run that the argument `runID` names; else all is answered.
static const struct api_run *wanted_run(struct gql_call *call) {
	struct ulid id;
	struct api_run *run = NULL;
	struct error error;
	if (!ulid_parse(gql_argument_str(call, "runID"), &id))
		fail_all(call, BAD_RUN_ID);
	else if (api_run_load(call->context, call->arena, &id, &run, &error) != ERR_OK)
		fail_all(call, "error retrieving run: %s", error.message);
	else
		return run;
	return NULL;
}

void resolve_run(struct gql_call *call) {
	const struct api_run *run = wanted_run(call);
	if (run != NULL) resolve_all(call, gql_object(run));
}

enum err run_event_ids(struct gql_context *context, struct arena *arena, const struct run_row *row, struct ulid **out,
		       size_t *count, struct error *error) {
	*count = 0;
	if (!ulid_is_none(&row->batch_id)) {
		struct history_reader *reader = context_reader(context, error);
		return reader != NULL ? history_run_event_ids(reader, arena, &row->id, out, count, error) : ERR_BUSY;
	}
	*out = ARENA_NEW(arena, struct ulid);
	**out = row->event_id;
	*count = !ulid_is_none(&row->event_id);
	return ERR_OK;
}

// In rows ordered by id.
static const struct run_row *find_row(const struct run_row *rows, size_t count, const struct ulid *id) {
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = ulid_cmp(&rows[middle].id, id);
		if (order == 0) return &rows[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

// ---- fields --------------------------------------------------------------------------------------------------------

const char *run_status_name(enum trace_run_status status) {
	switch (status) {
	case TRACE_RUN_QUEUED:
		return "QUEUED";
	case TRACE_RUN_COMPLETED:
		return "COMPLETED";
	case TRACE_RUN_FAILED:
		return "FAILED";
	case TRACE_RUN_CANCELLED:
		return "CANCELLED";
	case TRACE_RUN_SKIPPED:
		return "SKIPPED";
	case TRACE_RUN_RUNNING:
		break;
	}
	return "RUNNING";
}

bool run_is_over(const struct run_row *row) {
	return row->status == TRACE_RUN_COMPLETED || row->status == TRACE_RUN_FAILED ||
	       row->status == TRACE_RUN_CANCELLED;
}

void resolve_run_status(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_text(str_from_cstr(run_status_name(PARENT(struct api_run, i)->row.status)));
}

struct gql_value time_or_null(struct arena *arena, int64_t ns) {
	return ns != NO_TIME ? gql_time(arena, ns) : (struct gql_value){.kind = GQL_NULL};
}

// A skipped run counts as started when it came about.
static void resolve_started(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct run_row *row = &PARENT(struct api_run, i)->row;
		bool skipped = row->status == TRACE_RUN_SKIPPED && row->started_ns == NO_TIME;
		call->out[i] = time_or_null(call->arena, skipped ? row->queued_ns : row->started_ns);
	}
}

static void resolve_ended(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct run_row *row = &PARENT(struct api_run, i)->row;
		call->out[i] = time_or_null(call->arena, run_is_over(row) ? row->ended_ns : NO_TIME);
	}
}

static void resolve_trace_id(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		char text[TRACE_ID_LEN + 1];
		span_trace_id(&PARENT(struct api_run, i)->row.id, text);
		call->out[i] = gql_text(arena_dup(call->arena, str_make(text, TRACE_ID_LEN)));
	}
}

static void resolve_trigger_ids(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct ulid *ids = NULL;
		size_t count = 0;
		struct error error;
		if (run_event_ids(call->context, call->arena, &PARENT(struct api_run, i)->row, &ids, &count, &error) !=
		    ERR_OK) {
			call->out[i] = gql_fail(call->arena, "%s", error.message);
			continue;
		}
		call->out[i] = gql_list(call->arena, count);
		for (size_t k = 0; k < count; k++) call->out[i].items[k] = gql_ulid(call->arena, &ids[k]);
	}
}

static void resolve_is_batch(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_bool(!ulid_is_none(&PARENT(struct api_run, i)->row.batch_id));
}

void resolve_batch_created(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct ulid *id = &PARENT(struct api_run, i)->row.batch_id;
		call->out[i] = time_or_null(call->arena, ulid_is_none(id) ? NO_TIME : ulid_time_ns(id));
	}
}

// What was found belongs to the object, where other fields find it.
static void keep_output(const struct gql_call *call, size_t i, struct str output) {
	struct api_run *run;
	memcpy(&run, &call->parents[i], sizeof run);
	run->row.output = output;
	run->has_output = true;
}

// Outputs are large, so they are read only when asked for: of all runs at once.
bool runs_load_outputs(struct gql_call *call, struct str *out) {
	struct ids ids = {.arena = call->arena};
	for (size_t i = 0; i < call->count; i++) {
		const struct api_run *run = PARENT(struct api_run, i);
		if (!run->has_output && run_is_over(&run->row)) ids_add(&ids, run->row.id.bytes);
	}
	ids_sort(&ids);
	struct run_row *rows = NULL;
	size_t count = 0;
	struct error error;
	struct history_reader *reader = ids.count > 0 ? call_reader(call, &error) : NULL;
	if (ids.count > 0 && (reader == NULL || history_runs_by_id(reader, call->arena, ids_ulids(&ids), ids.count,
								   true, &rows, &count, &error) != ERR_OK)) {
		fail_all(call, "%s", error.message);
		return false;
	}
	for (size_t i = 0; i < call->count; i++) {
		const struct api_run *run = PARENT(struct api_run, i);
		const struct run_row *row = run->has_output ? NULL : find_row(rows, count, &run->row.id);
		if (row != NULL) keep_output(call, i, row->output);
		out[i] = run_is_over(&run->row) ? run->row.output : (struct str){NULL, 0};
	}
	return true;
}

static void resolve_output(struct gql_call *call) {
	struct str *outputs = ARENA_ARRAY(call->arena, struct str, call->count);
	// The preview list shows none.
	if (call->count > 0 && PARENT(struct api_run, 0)->is_preview) return;
	if (!runs_load_outputs(call, outputs)) return;
	for (size_t i = 0; i < call->count; i++) {
		bool is_shown = outputs[i].len > 0 && PARENT(struct api_run, i)->row.status != TRACE_RUN_CANCELLED;
		if (is_shown) call->out[i] = gql_text(outputs[i]);
	}
}

static void resolve_has_ai(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_bool((PARENT(struct api_run, i)->row.flags & RUN_ROW_AI) != 0);
}

static void resolve_is_deferred(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_bool((PARENT(struct api_run, i)->row.flags & RUN_ROW_DEFERRED) != 0);
}

static void resolve_run_app(struct gql_call *call) {
	look_up_apps(call, offsetof(struct api_run, row.app_id), true);
}

static void resolve_run_function(struct gql_call *call) {
	look_up_functions(call, offsetof(struct api_run, row.function_id), true);
}

ARGUMENTS(trace_inputs, ARGUMENT("preview", "Boolean"))

FIELDS(type_function_run_v2) = {
	READ("id", "ULID!", ULID, struct api_run, row.id),
	READ("appID", "UUID!", UUID, struct api_run, row.app_id),
	CALL("app", "App!", resolve_run_app),
	READ("functionID", "UUID!", UUID, struct api_run, row.function_id),
	CALL("function", "Function!", resolve_run_function),
	CALL("traceID", "String!", resolve_trace_id),
	READ("queuedAt", "Time!", TIME_NS, struct api_run, row.queued_ns),
	CALL("startedAt", "Time", resolve_started),
	CALL("endedAt", "Time", resolve_ended),
	CALL("status", "FunctionRunStatus!", resolve_run_status),
	NEVER("sourceID", "String"),
	CALL("triggerIDs", "[ULID!]!", resolve_trigger_ids),
	READ("eventName", "String", STR_OR_NULL, struct api_run, row.event_name),
	CALL("isBatch", "Boolean!", resolve_is_batch),
	CALL("batchCreatedAt", "Time", resolve_batch_created),
	READ("cronSchedule", "String", STR_OR_NULL, struct api_run, row.cron),
	CALL("output", "Bytes", resolve_output),
	CALL_DEAR("trace", "RunTraceSpan", resolve_trace_of_run, trace_inputs, COST_TRACE),
	CALL("hasAI", "Boolean!", resolve_has_ai),
	CALL_DEAR("defers", "[RunDefer!]!", resolve_defers, NULL, COST_ROWS),
	CALL_DEAR("siblingDefers", "[RunDefer!]!", resolve_sibling_defers, NULL, COST_ROWS),
	CALL_DEAR("deferredFrom", "[RunDeferredFrom!]!", resolve_deferred_from, NULL, COST_ROWS),
	CALL("isDeferred", "Boolean!", resolve_is_deferred),
	END,
};
OBJECT(type_function_run_v2, "FunctionRunV2")

// ---- what started it -----------------------------------------------------------------------------------------------

struct trigger_of { // RunTraceTrigger
	const struct run_row *row;
	struct ulid *ids;
	size_t count;
	struct api_event **events; // NULL elements: no longer there
	int64_t at_ns;
	struct str event_name;
};

static struct str common_name(struct api_event *const *events, size_t count) {
	struct str name = {NULL, 0};
	for (size_t i = 0; i < count; i++) {
		if (events[i] == NULL) continue;
		struct str own = events[i]->event.name;
		if (name.ptr != NULL && !str_eq(name, own)) return STR("");
		name = own;
	}
	return name;
}

void resolve_run_trigger(struct gql_call *call) {
	const struct api_run *run = wanted_run(call);
	if (run == NULL) return;
	struct trigger_of *trigger = ARENA_NEW(call->arena, struct trigger_of);
	trigger->row = &run->row;
	struct error error;
	enum err err = run_event_ids(call->context, call->arena, &run->row, &trigger->ids, &trigger->count, &error);
	trigger->events = ARENA_ARRAY(call->arena, struct api_event *, trigger->count);
	if (err == ERR_OK)
		err = events_load(call->context, call->arena, trigger->ids, trigger->count, trigger->events, &error);
	if (err != ERR_OK) {
		fail_all(call, "error retrieving run: %s", error.message);
		return;
	}
	trigger->at_ns = trigger->count > 0 ? INT64_MAX : run->row.queued_ns;
	for (size_t i = 0; i < trigger->count; i++) {
		int64_t at_ns = ulid_time_ns(&trigger->ids[i]);
		if (at_ns < trigger->at_ns) trigger->at_ns = at_ns;
	}
	if (run->row.cron.len == 0) trigger->event_name = common_name(trigger->events, trigger->count);
	resolve_all(call, gql_object(trigger));
}

static void resolve_trigger_event_ids(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct trigger_of *trigger = PARENT(struct trigger_of, i);
		call->out[i] = gql_list(call->arena, trigger->count);
		for (size_t k = 0; k < trigger->count; k++)
			call->out[i].items[k] = gql_ulid(call->arena, &trigger->ids[k]);
	}
}

static void resolve_payloads(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct trigger_of *trigger = PARENT(struct trigger_of, i);
		size_t count = 0;
		call->out[i] = gql_list(call->arena, trigger->count);
		for (size_t k = 0; k < trigger->count; k++) {
			const struct api_event *event = trigger->events[k];
			if (event == NULL) continue;
			call->out[i].items[count++] = gql_text(event_text(call->arena, &event->event));
		}
		call->out[i].count = count;
	}
}

static void resolve_trigger_is_batch(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_bool(!ulid_is_none(&PARENT(struct trigger_of, i)->row->batch_id));
}

static void resolve_trigger_batch(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct ulid *id = &PARENT(struct trigger_of, i)->row->batch_id;
		if (!ulid_is_none(id)) call->out[i] = gql_ulid(call->arena, id);
	}
}

static void resolve_trigger_cron(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct str cron = PARENT(struct trigger_of, i)->row->cron;
		if (cron.len > 0) call->out[i] = gql_text(cron);
	}
}

FIELDS(type_run_trace_trigger) = {
	READ("eventName", "String", STR_OR_NULL, struct trigger_of, event_name),
	CALL("IDs", "[ULID!]!", resolve_trigger_event_ids),
	CALL("payloads", "[Bytes!]!", resolve_payloads),
	READ("timestamp", "Time!", TIME_NS, struct trigger_of, at_ns),
	CALL("isBatch", "Boolean!", resolve_trigger_is_batch),
	CALL("batchID", "ULID", resolve_trigger_batch),
	CALL("cron", "String", resolve_trigger_cron),
	END,
};
OBJECT(type_run_trace_trigger, "RunTraceTrigger")
