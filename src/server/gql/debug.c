// Debug runs and sessions (spec 06 §11). No run carries their ids here, so there is nothing to find.
#include "base/clock.h"
#include "base/rng.h"
#include "server/gql/types.h"

// Any text for objects without members that are read.
static const char debugged[] = "";

void resolve_debug_run(struct gql_call *call) {
	struct str text = member_str(gql_argument_get(call, "query"), "debugRunID");
	struct ulid id;
	if (text.len == 0) return;
	if (ulid_parse(text, &id))
		resolve_all(call, gql_object(debugged));
	else
		fail_all(call, "invalid debugRunID: ulid: bad data size when unmarshaling");
}

void resolve_debug_session(struct gql_call *call) {
	struct str text = member_str(gql_argument_get(call, "query"), "debugSessionID");
	struct ulid id;
	if (text.len == 0)
		fail_all(call, "debug session not found");
	else if (ulid_parse(text, &id))
		resolve_all(call, gql_object(debugged));
	else
		fail_all(call, "invalid debugSessionID: ulid: bad data size when unmarshaling");
}

struct debug_ids { // CreateDebugSessionResponse
	struct ulid session_id, run_id;
};

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

FIELDS(type_debug_run) = {
	CALL("debugTraces", "[RunTraceSpan!]", resolve_empty_list),
	END,
};
OBJECT(type_debug_run, "DebugRun")

FIELDS(type_debug_session) = {
	NEVER("debugRuns", "[DebugSessionRun!]"),
	END,
};
OBJECT(type_debug_session, "DebugSession")

FIELDS(type_debug_session_run) = {
	NEVER("status", "RunTraceSpanStatus!"),
	NEVER("queuedAt", "Time!"),
	NEVER("startedAt", "Time"),
	NEVER("endedAt", "Time"),
	NEVER("debugRunID", "ULID"),
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
