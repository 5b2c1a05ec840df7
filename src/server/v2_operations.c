// GET /v2/operations: what tools can find out about the API (05 §14.3). Not what the MCP endpoint calls it, as there is
// none yet.
#include "server/v2.h"

#define FUNCTION "/v2/apps/{appId}/functions/{functionId}"

static const struct {
	const char *id, *method, *path, *summary, *description;
} operations[] = {
	{"Health", "GET", "/v2/health", "Health", "Whether the server answers"},
	{"GetApp", "GET", "/v2/apps/{appId}", "Get an app", "An app, by its id or its name"},
	{"GetApps", "GET", "/v2/apps", "List apps", "Apps, page by page"},
	{"GetFunctions", "GET", "/v2/apps/{appId}/functions", "List functions", "Functions of an app, page by page"},
	{"GetFunction", "GET", FUNCTION, "Get a function", "A function with its triggers and settings"},
	{"ListRuns", "GET", "/v2/runs", "List runs", "Runs by time, status, app and function, page by page"},
	{"ListFunctionRuns", "GET", FUNCTION "/runs", "List runs of a function",
	 "Runs of a function by time and status, page by page"},
	{"GetFunctionRun", "GET", "/v2/runs/{runId}", "Get a run", "A run, with its output when asked for"},
	{"GetFunctionTrace", "GET", "/v2/runs/{runId}/trace", "Get the trace of a run", "What a run did when"},
	{"GetEventRuns", "GET", "/v2/events/{eventId}/runs", "List runs of an event", "Runs that an event started"},
	{"Rerun", "POST", "/v2/runs/{runId}/rerun", "Run again",
	 "Starts a new run with the same event, from its beginning or from a step"},
	{"CancelRun", "POST", "/v2/runs/{runId}/cancel", "Cancel a run", "Ends a run that is under way"},
	{"InvokeFunction", "POST", FUNCTION "/invoke", "Invoke a function", "Starts a run of one function"},
};

static void write_operation(struct buf *out, size_t i) {
	v2_element_open(out);
	v2_cstr(out, "description", operations[i].description);
	v2_object_open(out, "http");
	v2_cstr(out, "method", operations[i].method);
	v2_cstr(out, "path", operations[i].path);
	v2_object_close(out);
	v2_cstr(out, "id", operations[i].id);
	v2_cstr(out, "summary", operations[i].summary);
	v2_object_close(out);
}

void v2_operations_start(struct request *request) {
	struct buf *out = respond_begin(request);
	buf_lit(out, "{\"data\":{\"operations\":[");
	for (size_t i = 0; i < ARRAY_LEN(operations); i++) write_operation(out, i);
	buf_lit(out, "]}}");
	respond_header(request, "Cache-Control", "public, max-age=300, stale-while-revalidate=3600");
	if (request_header(request, "Origin").len == 0) respond_header(request, "Access-Control-Allow-Origin", "*");
	respond_out(request, 200);
}
