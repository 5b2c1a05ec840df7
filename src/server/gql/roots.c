// The roots of the API (spec 06 §2.2, §2.3).
#include "server/gql/types.h"

// ---- queries -------------------------------------------------------------------------------------------------------

ARGUMENTS(apps_inputs, ARGUMENT("filter", "AppsFilterV1"))
ARGUMENTS(app_inputs, ARGUMENT("id", "UUID!"))
ARGUMENTS(slug_inputs, ARGUMENT("query", "FunctionQuery!"))
ARGUMENTS(runs_inputs, ARGUMENT_OR("first", "Int!", "100"), ARGUMENT("after", "String"),
	  ARGUMENT("orderBy", "[RunsV2OrderBy!]!"), ARGUMENT("filter", "RunsFilterV2!"), ARGUMENT("preview", "Boolean"))
ARGUMENTS(run_inputs, ARGUMENT("runID", "String!"))
ARGUMENTS(output_inputs, ARGUMENT("outputID", "String!"))
ARGUMENTS(event_v2_inputs, ARGUMENT("id", "ULID!"))
ARGUMENTS(events_v2_inputs, ARGUMENT_OR("first", "Int!", "40"), ARGUMENT("after", "String"),
	  ARGUMENT("filter", "EventsFilter!"))
ARGUMENTS(event_inputs, ARGUMENT("query", "EventQuery!"))
ARGUMENTS(events_inputs, ARGUMENT("query", "EventsQuery!"))
ARGUMENTS(stream_inputs, ARGUMENT("query", "StreamQuery!"))
ARGUMENTS(function_run_inputs, ARGUMENT("query", "FunctionRunQuery!"))
ARGUMENTS(workers_inputs, ARGUMENT_OR("first", "Int!", "100"), ARGUMENT("after", "String"),
	  ARGUMENT("orderBy", "[ConnectV1WorkerConnectionsOrderBy!]!"),
	  ARGUMENT("filter", "ConnectV1WorkerConnectionsFilter!"))
ARGUMENTS(worker_inputs, ARGUMENT("connectionId", "ULID!"))
ARGUMENTS(debug_run_inputs, ARGUMENT("query", "DebugRunQuery!"))
ARGUMENTS(debug_session_inputs, ARGUMENT("query", "DebugSessionQuery!"))

FIELDS(type_query) = {
	CALL_DEAR("apps", "[App!]!", resolve_apps, apps_inputs, COST_LIST),
	CALL_DEAR("app", "App", resolve_app, app_inputs, COST_ROWS),
	CALL_DEAR("functions", "[Function!]", resolve_functions, NULL, COST_LIST),
	CALL_DEAR("functionBySlug", "Function", resolve_function_by_slug, slug_inputs, COST_ROWS),
	CALL_DEAR("runs", "RunsV2Connection!", resolve_runs, runs_inputs, COST_LIST),
	CALL_DEAR("run", "FunctionRunV2", resolve_run, run_inputs, COST_ROWS),
	CALL_DEAR("runTrigger", "RunTraceTrigger!", resolve_run_trigger, run_inputs, COST_ROWS),
	CALL_DEAR("runTrace", "RunTraceSpan!", resolve_run_trace, run_inputs, COST_TRACE),
	CALL_DEAR("runTraceSpanOutputByID", "RunTraceSpanOutput!", resolve_span_output, output_inputs, COST_TRACE),
	CALL_DEAR("eventV2", "EventV2!", resolve_event_v2, event_v2_inputs, COST_ROWS),
	CALL_DEAR("eventsV2", "EventsConnection!", resolve_events_v2, events_v2_inputs, COST_LIST),
	CALL_DEAR("event", "Event", resolve_event, event_inputs, COST_ROWS),
	CALL_DEAR("events", "[Event!]", resolve_events, events_inputs, COST_LIST),
	CALL_DEAR("stream", "[StreamItem!]!", resolve_stream, stream_inputs, COST_LIST),
	CALL_DEAR("functionRun", "FunctionRun", resolve_function_run, function_run_inputs, COST_ROWS),
	CALL_DEAR("workerConnections", "ConnectV1WorkerConnectionsConnection!", resolve_workers, workers_inputs,
		  COST_LIST),
	CALL_DEAR("workerConnection", "ConnectV1WorkerConnection", resolve_worker, worker_inputs, COST_ROWS),
	CALL_DEAR("debugRun", "DebugRun", resolve_debug_run, debug_run_inputs, COST_ROWS),
	CALL_DEAR("debugSession", "DebugSession", resolve_debug_session, debug_session_inputs, COST_LIST),
	END,
};
OBJECT(type_query, "Query")

// ---- mutations -----------------------------------------------------------------------------------------------------

ARGUMENTS(create_app_inputs, ARGUMENT("input", "CreateAppInput!"))
ARGUMENTS(update_app_inputs, ARGUMENT("input", "UpdateAppInput!"))
ARGUMENTS(delete_app_inputs, ARGUMENT("id", "String!"))
ARGUMENTS(delete_named_inputs, ARGUMENT("name", "String!"))
ARGUMENTS(invoke_inputs, ARGUMENT("data", "Map"), ARGUMENT("functionSlug", "String!"), ARGUMENT("meta", "Map"),
	  ARGUMENT("user", "Map"), ARGUMENT("debugSessionID", "ULID"), ARGUMENT("debugRunID", "ULID"))
ARGUMENTS(cancel_inputs, ARGUMENT("runID", "ULID!"))
ARGUMENTS(rerun_inputs, ARGUMENT("runID", "ULID!"), ARGUMENT("fromStep", "RerunFromStepInput"),
	  ARGUMENT("debugSessionID", "ULID"), ARGUMENT("debugRunID", "ULID"))
ARGUMENTS(create_session_inputs, ARGUMENT("input", "CreateDebugSessionInput!"))

FIELDS(type_mutation) = {
	CALL_WITH("createApp", "App!", resolve_create_app, create_app_inputs),
	CALL_WITH("updateApp", "App!", resolve_update_app, update_app_inputs),
	CALL_WITH("deleteApp", "String!", resolve_delete_app, delete_app_inputs),
	CALL_WITH("deleteAppByName", "Boolean!", resolve_delete_app_by_name, delete_named_inputs),
	CALL_WITH("invokeFunction", "Boolean", resolve_invoke_function, invoke_inputs),
	CALL_WITH("cancelRun", "FunctionRun!", resolve_cancel_run, cancel_inputs),
	CALL_WITH("rerun", "ULID!", resolve_rerun, rerun_inputs),
	CALL_WITH("createDebugSession", "CreateDebugSessionResponse!", resolve_create_debug_session,
		  create_session_inputs),
	END,
};
OBJECT(type_mutation, "Mutation")
