// Debug runs and sessions (spec 06 §11): what people looked into with the step debugger, one try after the other.
#include "base/clock.h"
#include "base/rng.h"
#include "history/debug_runs.h"
#include "server/gql/types.h"

// The last ones, where there are more: nobody looks at so many tries.
#define TRACES_MAX 100
#define SESSION_RUNS_MAX 1000

struct debug_traces { // DebugRun
	struct ulid *run_ids;
	size_t count;
};

struct debug_session { // DebugSession
	struct debug_try *tries;
	size_t count; // 0: null
};

struct debug_try { // DebugSessionRun
	struct ulid id;
	struct run_row run; // the last with that id
};

// The runs that an id of the argument `query` names; false: all is answered. An id that is not given: *out is NULL.
static bool find_runs(struct gql_call *call, const char *name, bool of_session, uint32_t limit, struct debug_row **out,
		      size_t *count) {
	struct str text = member_str(gql_argument_get(call, "query"), name);
	struct ulid id;
	struct error error;
	*out = NULL;
	*count = 0;
	if (text.len == 0) return true;
	struct history_reader *reader = NULL;
	if (!ulid_parse(text, &id))
		fail_all(call, "invalid %s: ulid: bad data size when unmarshaling", name);
	else if ((reader = call_reader(call, &error)) == NULL ||
		 history_debug_runs(reader, call->arena, of_session, &id, limit, out, count, &error) != ERR_OK)
		fail_all(call, "%s", error.message);
	else
		return *out = *count > 0 ? *out : ARENA_NEW(call->arena, struct debug_row), true;
	return false;
}

// ---- debug runs ----------------------------------------------------------------------------------------------------

void resolve_debug_run(struct gql_call *call) {
	struct debug_row *rows;
	struct debug_traces *traces = ARENA_NEW(call->arena, struct debug_traces);
	if (!find_runs(call, "debugRunID", false, TRACES_MAX, &rows, &traces->count) || rows == NULL) return;
	traces->run_ids = ARENA_ARRAY(call->arena, struct ulid, traces->count + 1);
	for (size_t i = 0; i < traces->count; i++) traces->run_ids[i] = rows[i].run_id;
	resolve_all(call, gql_object(traces));
}

static void resolve_traces(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct debug_traces *traces = PARENT(struct debug_traces, i);
		call->out[i] = trace_trees(call->context, call->arena, traces->run_ids, traces->count);
	}
}

// ---- sessions ------------------------------------------------------------------------------------------------------

static struct debug_try *find_try(struct debug_session *session, const struct ulid *id) {
	for (size_t i = 0; i < session->count; i++)
		if (ulid_cmp(&session->tries[i].id, id) == 0) return &session->tries[i];
	struct debug_try *new = &session->tries[session->count++];
	new->id = *id;
	return new;
}

// Rows come in the order of scheduling, so the last one of an id stays.
static enum err load_tries(struct gql_call *call, const struct debug_row *rows, size_t count,
			   struct debug_session *session, struct error *error) {
	struct ulid *ids = ARENA_ARRAY(call->arena, struct ulid, count + 1);
	struct run_row *runs = NULL;
	size_t run_count = 0, at = 0;
	struct history_reader *reader = call_reader(call, error);
	if (reader == NULL) return ERR_BUSY;
	for (size_t i = 0; i < count; i++) ids[i] = rows[i].run_id;
	enum err err = history_runs_by_id(reader, call->arena, ids, count, false, &runs, &run_count, error);
	session->tries = ARENA_ARRAY(call->arena, struct debug_try, count + 1);
	for (size_t i = 0; i < run_count; i++) {
		while (ulid_cmp(&rows[at].run_id, &runs[i].id) != 0) at++; // those that are not known are left out
		if (debug_ids_has_run(&rows[at].ids)) find_try(session, &rows[at].ids.run_id)->run = runs[i];
	}
	return err;
}

void resolve_debug_session(struct gql_call *call) {
	struct debug_row *rows;
	size_t count;
	struct error error;
	struct debug_session *session = ARENA_NEW(call->arena, struct debug_session);
	if (!find_runs(call, "debugSessionID", true, SESSION_RUNS_MAX, &rows, &count)) return;
	if (rows == NULL)
		fail_all(call, "debug session not found");
	else if (load_tries(call, rows, count, session, &error) != ERR_OK)
		fail_all(call, "%s", error.message);
	else
		resolve_all(call, gql_object(session));
}

static void resolve_tries(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct debug_session *session = PARENT(struct debug_session, i);
		if (session->count == 0) continue;
		call->out[i] = list_of(call->arena, session->tries, session->count, sizeof *session->tries);
	}
}

static void resolve_try_status(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_text(str_from_cstr(run_status_name(PARENT(struct debug_try, i)->run.status)));
}

// ---- beginning one -------------------------------------------------------------------------------------------------

// Nothing is stored: a session is what its runs say.
static struct ulid new_id(void) {
	uint8_t entropy[10];
	random_bytes(entropy, sizeof entropy);
	return ulid_make(clock_wall_ms(), entropy);
}

void resolve_create_debug_session(struct gql_call *call) {
	struct debug_ids *ids = ARENA_NEW(call->arena, struct debug_ids);
	ids->session_id = new_id();
	ids->run_id = new_id();
	resolve_all(call, gql_object(ids));
}

// ---- types ---------------------------------------------------------------------------------------------------------

FIELDS(type_debug_run) = {
	CALL_DEAR("debugTraces", "[RunTraceSpan!]", resolve_traces, NULL, COST_LIST),
	END,
};
OBJECT(type_debug_run, "DebugRun")

FIELDS(type_debug_session) = {
	CALL("debugRuns", "[DebugSessionRun!]", resolve_tries),
	END,
};
OBJECT(type_debug_session, "DebugSession")

FIELDS(type_debug_session_run) = {
	CALL("status", "RunTraceSpanStatus!", resolve_try_status),
	READ("queuedAt", "Time!", TIME_NS, struct debug_try, run.queued_ns),
	READ("startedAt", "Time", TIME_NS, struct debug_try, run.started_ns),
	READ("endedAt", "Time", TIME_NS, struct debug_try, run.ended_ns),
	READ("debugRunID", "ULID", ULID, struct debug_try, id),
	NEVER("tags", "[String!]"),
	NEVER("versions", "[String!]"),
	END,
};
OBJECT(type_debug_session_run, "DebugSessionRun")

FIELDS(type_create_debug_session_response) = {
	READ("debugSessionID", "ULID!", ULID, struct debug_ids, session_id),
	READ("debugRunID", "ULID!", ULID, struct debug_ids, run_id),
	END,
};
OBJECT(type_create_debug_session_response, "CreateDebugSessionResponse")
