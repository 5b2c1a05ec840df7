// The input types of the API (spec 06 §2.4).
#include "server/gql/types.h"

#define INPUT(variable, input_name, ...)                                                   \
	static const struct gql_input variable##_fields[] = {__VA_ARGS__, {.name = NULL}}; \
	const struct gql_type variable = {.kind = GQL_INPUT_TYPE, .name = (input_name), .inputs = variable##_fields};

INPUT(type_apps_filter_v1, "AppsFilterV1", ARGUMENT("method", "AppMethod"))
INPUT(type_function_query, "FunctionQuery", ARGUMENT_OR("workspaceId", "ID!", "\"local\""),
      ARGUMENT("functionSlug", "String!"))
INPUT(type_function_run_query, "FunctionRunQuery", ARGUMENT_OR("workspaceId", "ID!", "\"local\""),
      ARGUMENT("functionRunId", "ID!"))
INPUT(type_function_runs_query, "FunctionRunsQuery", ARGUMENT_OR("workspaceId", "ID!", "\"local\""))
INPUT(type_event_query, "EventQuery", ARGUMENT_OR("workspaceId", "ID!", "\"local\""), ARGUMENT("eventId", "ID!"))
INPUT(type_events_query, "EventsQuery", ARGUMENT_OR("workspaceId", "ID!", "\"local\""), ARGUMENT("lastEventId", "ID"))
INPUT(type_events_filter, "EventsFilter", ARGUMENT("eventNames", "[String!]"), ARGUMENT("from", "Time!"),
      ARGUMENT_OR("includeInternalEvents", "Boolean!", "false"), ARGUMENT("query", "String"), ARGUMENT("until", "Time"))
INPUT(type_stream_query, "StreamQuery", ARGUMENT("after", "ID"), ARGUMENT("before", "ID"),
      ARGUMENT_OR("limit", "Int!", "20"), ARGUMENT("includeInternalEvents", "Boolean"))
INPUT(type_runs_filter_v2, "RunsFilterV2", ARGUMENT("from", "Time!"), ARGUMENT("until", "Time"),
      ARGUMENT_OR("timeField", "RunsV2OrderByField", "QUEUED_AT"), ARGUMENT("status", "[FunctionRunStatus!]"),
      ARGUMENT("functionIDs", "[UUID!]"), ARGUMENT("appIDs", "[UUID!]"), ARGUMENT("isDeferred", "Boolean"),
      ARGUMENT("query", "String"))
INPUT(type_runs_v2_order_by, "RunsV2OrderBy", ARGUMENT("field", "RunsV2OrderByField!"),
      ARGUMENT("direction", "RunsOrderByDirection!"))
INPUT(type_connect_v1_worker_connections_filter, "ConnectV1WorkerConnectionsFilter", ARGUMENT("from", "Time"),
      ARGUMENT("until", "Time"), ARGUMENT_OR("timeField", "ConnectV1WorkerConnectionsOrderByField", "CONNECTED_AT"),
      ARGUMENT("status", "[ConnectV1ConnectionStatus!]"), ARGUMENT("appIDs", "[UUID!]"))
INPUT(type_connect_v1_worker_connections_order_by, "ConnectV1WorkerConnectionsOrderBy",
      ARGUMENT("field", "ConnectV1WorkerConnectionsOrderByField!"),
      ARGUMENT("direction", "ConnectV1WorkerConnectionsOrderByDirection!"))
INPUT(type_debug_run_query, "DebugRunQuery", ARGUMENT_OR("workspaceId", "ID!", "\"local\""),
      ARGUMENT("functionSlug", "String!"), ARGUMENT("debugRunID", "String"), ARGUMENT("runID", "String"))
INPUT(type_debug_session_query, "DebugSessionQuery", ARGUMENT_OR("workspaceId", "ID!", "\"local\""),
      ARGUMENT("functionSlug", "String!"), ARGUMENT("debugSessionID", "String"), ARGUMENT("runID", "String"))
INPUT(type_action_version_query, "ActionVersionQuery", ARGUMENT("dsn", "String!"), ARGUMENT("versionMajor", "Int"),
      ARGUMENT("versionMinor", "Int"))
INPUT(type_create_app_input, "CreateAppInput", ARGUMENT("url", "String!"))
INPUT(type_update_app_input, "UpdateAppInput", ARGUMENT("id", "String!"), ARGUMENT("url", "String!"))
INPUT(type_rerun_from_step_input, "RerunFromStepInput", ARGUMENT("stepID", "String!"), ARGUMENT("input", "Bytes"))
INPUT(type_create_debug_session_input, "CreateDebugSessionInput", ARGUMENT_OR("workspaceId", "ID!", "\"local\""),
      ARGUMENT("functionSlug", "String!"), ARGUMENT("runID", "String"))
