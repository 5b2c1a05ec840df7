// The older form of runs (spec 06 §8.1); cancelRun and events show it too. Their history: run_history.c.
#include "server/gql/run_history.h"
#include "server/gql/types.h"

void resolve_function_run(struct gql_call *call) {
	struct str text = member_str(gql_argument_get(call, "query"), "functionRunId");
	struct ulid id;
	struct api_run *run;
	struct error error;
	if (text.len == 0) {
		fail_all(call, "function run id is required");
		return;
	}
	if (!ulid_parse(text, &id)) {
		fail_all(call, "invalid run ID: ulid: bad data size when unmarshaling");
		return;
	}
	enum err err = api_run_load(call->context, call->arena, &id, &run, &error);
	if (err == ERR_NOT_FOUND || (err == ERR_OK && run->row.status == TRACE_RUN_SKIPPED))
		fail_all(call, "not found");
	else if (err != ERR_OK)
		fail_all(call, "%s", error.message);
	else
		resolve_all(call, gql_object(run));
}

// ---- fields --------------------------------------------------------------------------------------------------------

static void resolve_function(struct gql_call *call) {
	look_up_functions(call, offsetof(struct api_run, row.function_id), false);
}

static void resolve_finished(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct run_row *row = &PARENT(struct api_run, i)->row;
		call->out[i] = time_or_null(call->arena, run_is_over(row) ? row->ended_ns : NO_TIME);
	}
}

static void resolve_output(struct gql_call *call) {
	struct str *outputs = ARENA_ARRAY(call->arena, struct str, call->count);
	if (!runs_load_outputs(call, outputs)) return;
	for (size_t i = 0; i < call->count; i++) {
		const struct run_row *row = &PARENT(struct api_run, i)->row;
		if (row->status == TRACE_RUN_CANCELLED)
			call->out[i] = gql_text(STR("{}"));
		else if (outputs[i].len > 0)
			call->out[i] = gql_text(outputs[i]);
	}
}

// The events of all runs: the first of each, or all of them. `counts` says whose they are.
static enum err load_events(struct gql_call *call, bool first_only, size_t *counts, struct api_event ***out,
			    struct error *error) {
	struct ulid **ids = ARENA_ARRAY(call->arena, struct ulid *, call->count);
	size_t total = 0;
	for (size_t i = 0; i < call->count; i++) {
		enum err err = run_event_ids(call->context, call->arena, &PARENT(struct api_run, i)->row, &ids[i],
					     &counts[i], error);
		if (err != ERR_OK) return err;
		if (first_only && counts[i] > 1) counts[i] = 1;
		total += counts[i];
	}
	struct ulid *all = ARENA_ARRAY(call->arena, struct ulid, total);
	for (size_t i = 0, at = 0; i < call->count; at += counts[i], i++)
		if (counts[i] > 0) memcpy(&all[at], ids[i], counts[i] * sizeof *all);
	*out = ARENA_ARRAY(call->arena, struct api_event *, total);
	enum err err = events_load(call->context, call->arena, all, total, *out, error);
	for (size_t i = 0; err == ERR_OK && i < total; i++)
		if ((*out)[i] != NULL) (*out)[i]->is_received_time = true;
	return err;
}

static void resolve_event_of_run(struct gql_call *call) {
	size_t *counts = ARENA_ARRAY(call->arena, size_t, call->count);
	struct api_event **events;
	struct error error;
	if (load_events(call, true, counts, &events, &error) != ERR_OK) {
		fail_all(call, "%s", error.message);
		return;
	}
	for (size_t i = 0, at = 0; i < call->count; at += counts[i], i++)
		if (counts[i] > 0) call->out[i] = gql_object(events[at]);
}

static void resolve_events_of_run(struct gql_call *call) {
	size_t *counts = ARENA_ARRAY(call->arena, size_t, call->count);
	struct api_event **events;
	struct error error;
	if (load_events(call, false, counts, &events, &error) != ERR_OK) {
		fail_all(call, "%s", error.message);
		return;
	}
	for (size_t i = 0, at = 0; i < call->count; at += counts[i], i++) {
		size_t known = 0;
		call->out[i] = gql_list(call->arena, counts[i]);
		for (size_t k = 0; k < counts[i]; k++)
			if (events[at + k] != NULL) call->out[i].items[known++] = gql_object(events[at + k]);
		call->out[i].count = known;
	}
}

ARGUMENTS(output_inputs, ARGUMENT("id", "ULID!"))

FIELDS(type_function_run) = {
	READ("id", "ID!", ULID, struct api_run, row.id),
	READ("functionID", "String!", UUID, struct api_run, row.function_id),
	CALL("function", "Function", resolve_function),
	NEVER("workspace", "Workspace"),
	CALL("event", "Event", resolve_event_of_run),
	CALL("events", "[Event!]!", resolve_events_of_run),
	READ("batchID", "ULID", ULID_OR_NULL, struct api_run, row.batch_id),
	CALL("batchCreatedAt", "Time", resolve_batch_created),
	CALL("status", "FunctionRunStatus", resolve_run_status),
	NEVER("waitingFor", "StepEventWait"),
	{.name = "pendingSteps", .type = "Int", .resolve = resolve_zero, .deprecated = "No longer supported"},
	READ("startedAt", "Time", TIME_NS, struct api_run, row.queued_ns),
	CALL("finishedAt", "Time", resolve_finished),
	CALL("output", "String", resolve_output),
	CALL_DEAR("history", "[RunHistoryItem!]!", resolve_history, NULL, COST_TRACE),
	CALL_DEAR("historyItemOutput", "String", resolve_history_output, output_inputs, COST_TRACE),
	READ("eventID", "ID!", ULID, struct api_run, row.event_id),
	READ("cron", "String", STR_OR_NULL, struct api_run, row.cron),
	END,
};
OBJECT(type_function_run, "FunctionRun")

// ---- types that nothing gives (§2.6) -------------------------------------------------------------------------------

FIELDS(type_workspace) = {
	NEVER("id", "ID!"),
	END,
};
OBJECT(type_workspace, "Workspace")

FIELDS(type_step_event_wait) = {
	NEVER("eventName", "String"),
	NEVER("expression", "String"),
	NEVER("expiryTime", "Time!"),
	END,
};
OBJECT(type_step_event_wait, "StepEventWait")

FIELDS(type_function_event) = {
	NEVER("workspace", "Workspace"), NEVER("functionRun", "FunctionRun"), NEVER("type", "FunctionEventType"),
	NEVER("output", "String"),       NEVER("createdAt", "Time"),          END,
};
OBJECT(type_function_event, "FunctionEvent")

FIELDS(type_step_event) = {
	NEVER("workspace", "Workspace"), NEVER("functionRun", "FunctionRun"),  NEVER("stepID", "String"),
	NEVER("name", "String"),         NEVER("type", "StepEventType"),       NEVER("output", "String"),
	NEVER("createdAt", "Time"),      NEVER("waitingFor", "StepEventWait"), END,
};
OBJECT(type_step_event, "StepEvent")

static const char *const function_run_event_members[] = {"FunctionEvent", "StepEvent", NULL};
const struct gql_type type_function_run_event = {
	.kind = GQL_UNION, .name = "FunctionRunEvent", .members = function_run_event_members};

FIELDS(type_function_version) = {
	NEVER("functionId", "ID!"),  NEVER("version", "Uint!"),
	NEVER("config", "String!"),  NEVER("validFrom", "Time"),
	NEVER("validTo", "Time"),    NEVER("createdAt", "Time!"),
	NEVER("updatedAt", "Time!"), END,
};
OBJECT(type_function_version, "FunctionVersion")

FIELDS(type_run_step) = {
	NEVER("stepID", "String!"),
	NEVER("name", "String!"),
	NEVER("stepOp", "StepOp"),
	END,
};
OBJECT(type_run_step, "RunStep")
