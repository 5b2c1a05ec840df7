// The enums of the API (spec 06 §2.5).
#include "server/gql/types.h"

#define V(value) \
	{ #value, NULL }
#define ENUM(variable, enum_name, ...)                                                        \
	static const struct gql_enum_value variable##_values[] = {__VA_ARGS__, {NULL, NULL}}; \
	const struct gql_type variable = {.kind = GQL_ENUM, .name = (enum_name), .values = variable##_values};

ENUM(type_app_method, "AppMethod", V(SERVE), V(CONNECT), V(API))
ENUM(type_function_trigger_types, "FunctionTriggerTypes", V(EVENT), V(CRON))
ENUM(type_function_run_status, "FunctionRunStatus", V(COMPLETED), V(FAILED), V(CANCELLED), V(RUNNING), V(QUEUED),
     V(SKIPPED))
ENUM(type_function_status, "FunctionStatus", V(RUNNING), V(COMPLETED), V(FAILED), V(CANCELLED))
ENUM(type_function_event_type, "FunctionEventType", V(STARTED), V(COMPLETED), V(FAILED), V(CANCELLED))
ENUM(type_event_status, "EventStatus", V(RUNNING), V(COMPLETED), V(PAUSED), V(FAILED), V(PARTIALLY_FAILED),
     V(NO_FUNCTIONS))
ENUM(type_stream_type, "StreamType", V(EVENT), V(CRON))
ENUM(type_step_event_type, "StepEventType", V(SCHEDULED), V(STARTED), V(COMPLETED), V(ERRORED), V(FAILED), V(WAITING))
ENUM(type_concurrency_scope, "ConcurrencyScope", V(ACCOUNT), V(ENVIRONMENT), V(FUNCTION))
ENUM(type_singleton_mode, "SingletonMode", V(SKIP), V(CANCEL))
ENUM(type_history_type, "HistoryType", V(FunctionCancelled), V(FunctionCompleted), V(FunctionFailed),
     V(FunctionScheduled), V(FunctionSkipped), V(FunctionStarted), V(FunctionStatusUpdated), V(None), V(StepCompleted),
     V(StepErrored), V(StepFailed), V(StepInvoking), V(StepScheduled), V(StepSleeping), V(StepStarted), V(StepWaiting))
ENUM(type_history_step_type, "HistoryStepType", V(Run), V(Send), V(Sleep), V(Wait))
ENUM(type_runs_v2_order_by_field, "RunsV2OrderByField", V(QUEUED_AT), V(STARTED_AT), V(ENDED_AT))
ENUM(type_runs_order_by_direction, "RunsOrderByDirection", V(ASC), V(DESC))
ENUM(type_run_trace_span_status, "RunTraceSpanStatus", V(FAILED), V(QUEUED), V(RUNNING), V(COMPLETED), V(WAITING),
     V(CANCELLED), V(SKIPPED))
ENUM(type_step_op, "StepOp", V(INVOKE), V(RUN), V(SLEEP), V(WAIT_FOR_EVENT), V(AI_GATEWAY), V(WAIT_FOR_SIGNAL))
ENUM(type_run_defer_status, "RunDeferStatus", V(SCHEDULED), V(ABORTED), V(REJECTED))
ENUM(type_connect_v1_connection_status, "ConnectV1ConnectionStatus", V(CONNECTED), V(READY), V(DRAINING),
     V(DISCONNECTING), V(DISCONNECTED))
ENUM(type_connect_v1_worker_connections_order_by_field, "ConnectV1WorkerConnectionsOrderByField", V(CONNECTED_AT),
     V(LAST_HEARTBEAT_AT), V(DISCONNECTED_AT))
ENUM(type_connect_v1_worker_connections_order_by_direction, "ConnectV1WorkerConnectionsOrderByDirection", V(ASC),
     V(DESC))
