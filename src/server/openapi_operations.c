// The operations of REST v1 and v2, beside the route table (routes.c). Those that only the hosted platform has are left
// out.
#include "base/check.h"
#include "server/openapi.h"

#define EVENT_QUERY "limit cursor received_after received_before name"
#define FUNCTION_RUN_QUERY "limit cursor includeOutput from until timeField order status isDeferred"
#define RUN_QUERY FUNCTION_RUN_QUERY " appId functionId"
#define FUNCTION "/v2/apps/{appId}/functions/{functionId}"

const struct openapi_operation openapi_operations[] = {
	{"GET", "/v1/events", "Events of the last hour", OPENAPI_V1, "[V1Event]", EVENT_QUERY, NULL},
	{"GET", "/v1/events/{eventId}", "An event", OPENAPI_V1, "V1Event", NULL, NULL},
	{"GET", "/v1/events/{eventId}/outcomes", "Why an event started nothing", OPENAPI_V1, "[V1Outcome]", NULL, NULL},
	{"GET", "/v1/events/{eventId}/runs", "Runs of an event", OPENAPI_V1, "[V1Run]", "limit cursor", NULL},
	{"GET", "/v1/runs", "Runs", OPENAPI_V1, "[V1Run]", RUN_QUERY, NULL},
	{"GET", "/v1/runs/{runId}", "A run", OPENAPI_V1, "V1Run", NULL, NULL},
	{"DELETE", "/v1/runs/{runId}", "Cancel a run", OPENAPI_EMPTY, NULL, NULL, NULL},
	{"GET", "/v1/runs/{runId}/jobs", "What a run waits for", OPENAPI_V1, "[V1Job]", NULL, NULL},
	{"POST", "/v1/signals", "Send a signal", OPENAPI_V1, "V1SignalResult", NULL, "V1SignalRequest"},
	{"POST", "/v1/runs/{runId}/metadata", "Hang metadata on a run or step", OPENAPI_EMPTY, NULL, NULL,
	 "V1MetadataRequest"},
	{"POST", "/v1/traces/userland", "Spans of users' code, as OTLP", OPENAPI_OTLP, "OtlpResponse", NULL,
	 "OtlpRequest"},
	{"GET", "/v1/stream", "Runs, steps and events as they happen", OPENAPI_EVENTS, NULL, "run_id function_id kinds",
	 NULL},
	{"GET", "/v1/functions", "Functions", OPENAPI_V1, "[V1Function]", NULL, NULL},
	{"GET", "/v1/apps/{appName}/functions", "Functions of an app", OPENAPI_BARE, "[V1Function]", NULL, NULL},
	{"POST", "/v1/cancellations", "Cancel runs in bulk", OPENAPI_V1, "V1Cancellation", NULL,
	 "V1CancellationRequest"},
	{"GET", "/v1/cancellations", "Bulk cancellations", OPENAPI_V1, "[V1Cancellation]", NULL, NULL},
	{"DELETE", "/v1/cancellations/{cancellationId}", "Remove a bulk cancellation", OPENAPI_V1, "V1Ok", NULL, NULL},
	{"GET", "/v1/prom/{env}", "Metrics, as at /metrics", OPENAPI_METRICS, NULL, NULL, NULL},

	{"GET", "/v2/health", "Whether the server answers", OPENAPI_V2, "Health", NULL, NULL},
	{"GET", "/v2/operations", "A catalogue of operations", OPENAPI_BARE, "OperationList", NULL, NULL},
	{"GET", "/v2/account", "The account", OPENAPI_V2, "Account", NULL, NULL},
	{"GET", "/v2/envs", "The environment", OPENAPI_V2_LIST, "[Env]", "limit", NULL},
	{"GET", "/v2/keys/events", "Event keys", OPENAPI_V2_LIST, "[Key]", "limit", NULL},
	{"GET", "/v2/keys/signing", "Signing keys, masked", OPENAPI_V2_LIST, "[Key]", "limit", NULL},
	{"POST", "/v2/events", "Send an event", OPENAPI_V2, "EventId", NULL, "EventRequest"},
	{"GET", "/v2/events/{eventId}/runs", "Runs of an event", OPENAPI_V2_LIST, "[Run]", "limit cursor includeOutput",
	 NULL},
	{"GET", "/v2/apps", "Apps", OPENAPI_V2_LIST, "[App]", "limit cursor archived", NULL},
	{"GET", "/v2/apps/{appId}", "An app", OPENAPI_V2, "App", NULL, NULL},
	{"GET", "/v2/apps/{appId}/functions", "Functions of an app", OPENAPI_V2_LIST, "[Function]", "limit cursor",
	 NULL},
	{"GET", FUNCTION, "A function", OPENAPI_V2, "Function", NULL, NULL},
	{"POST", FUNCTION "/invoke", "Invoke a function", OPENAPI_V2_ONCE, "RunId", NULL, "InvokeRequest"},
	{"POST", FUNCTION "/pause", "Pause a function", OPENAPI_V2, "FunctionPause", NULL, NULL},
	{"POST", FUNCTION "/unpause", "Let a function go on", OPENAPI_V2, "FunctionPause", NULL, NULL},
	{"GET", FUNCTION "/runs", "Runs of a function", OPENAPI_V2_LIST, "[Run]", FUNCTION_RUN_QUERY, NULL},
	{"GET", "/v2/runs", "Runs", OPENAPI_V2_LIST, "[Run]", RUN_QUERY, NULL},
	{"GET", "/v2/runs/{runId}", "A run", OPENAPI_V2, "Run", "includeOutput", NULL},
	{"GET", "/v2/runs/{runId}/trace", "What a run did when", OPENAPI_V2, "Trace", "includeOutput", NULL},
	{"POST", "/v2/runs/{runId}/rerun", "Run again", OPENAPI_V2, "RunId", NULL, "RerunRequest"},
	{"POST", "/v2/runs/{runId}/scores", "Score a run", OPENAPI_V2, "[Score]", NULL, "[ScoreRequest]"},
	{"POST", "/v2/runs/{runId}/cancel", "Cancel a run", OPENAPI_V2, "RunId", NULL, NULL},
};
const size_t openapi_operation_count = ARRAY_LEN(openapi_operations);
