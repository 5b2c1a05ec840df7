#include "gql.h"

#include <stdio.h>

#include "base/json.h"

#define BODY_MAX (1u << 20)
#define PATH "/v0/gql"

#define LIST_VARIABLES                                                                                        \
	"($startTime: Time!, $endTime: Time, $timeField: RunsV2OrderByField!, $status: [FunctionRunStatus!]," \
	" $functionIDs: [UUID!], $appIDs: [UUID!], $functionRunCursor: String = null, $celQuery: String = null)"
#define LIST                                                                                       \
	"runs(filter: {from: $startTime, until: $endTime, timeField: $timeField, status: $status," \
	" functionIDs: $functionIDs, appIDs: $appIDs, query: $celQuery},"                          \
	" orderBy: [{field: $timeField, direction: DESC}], after: $functionRunCursor, preview: true)"

const char gql_runs[] = "query GetRuns" LIST_VARIABLES " { " LIST
			" { edges { node { app { externalID name } cronSchedule eventName function { name slug }"
			" id isBatch queuedAt endedAt startedAt status hasAI isDeferred } }"
			" pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";

const char gql_count[] = "query CountRuns" LIST_VARIABLES " { " LIST " { totalCount(preview: true) } }";

const char gql_run[] =
	"fragment TraceDetails on RunTraceSpan { name status attempts queuedAt startedAt endedAt isRoot isUserland"
	" userlandSpan { spanName spanKind serviceName scopeName scopeVersion spanAttrs resourceAttrs } outputID stepID"
	" spanID stepOp stepType groupID debugRunID debugSessionID debugPaused"
	" metadata { scope kind values updatedAt } response { statusCode headers } stepInfo {"
	" ... on InvokeStepInfo { triggeringEventID functionID timeout returnEventID runID timedOut }"
	" ... on SleepStepInfo { sleepUntil }"
	" ... on WaitForEventStepInfo { eventName expression timeout foundEventID timedOut }"
	" ... on RunStepInfo { type } ... on WaitForSignalStepInfo { signal timeout timedOut } } }"
	" query GetRun($runID: String!) { run(runID: $runID) { function { app { name } id name slug } status hasAI"
	" trace(preview: true) { ...TraceDetails childrenSpans { ...TraceDetails childrenSpans { ...TraceDetails"
	" childrenSpans { ...TraceDetails } } } } } }";

enum err gql_exchange(struct client *client, const char *query, struct str variables, struct str *reply,
		      struct error *error) {
	struct buf body;
	buf_init(&body, BODY_MAX);
	buf_lit(&body, "{\"query\":");
	buf_json_str(&body, str_from_cstr(query));
	buf_lit(&body, ",\"variables\":");
	buf_str(&body, variables);
	buf_byte(&body, '}');
	enum err err = client_exchange(client, "POST", PATH, buf_view(&body), reply, error);
	buf_free(&body);
	if (err != ERR_OK || str_find_str(*reply, STR("\"errors\":[")) < 0) return err;
	return error_set(error, ERR_INVALID, "%s: %.*s", PATH, STR_ARG(str_first(*reply, 300)));
}

enum err gql_read(struct client *client, const char *query, struct str variables, yyjson_doc **out,
		  struct error *error) {
	struct str reply;
	enum err err = gql_exchange(client, query, variables, &reply, error);
	if (err != ERR_OK) return err;
	*out = json_read(reply, false, NULL, error);
	return *out != NULL ? ERR_OK : ERR_INVALID;
}

void gql_text(yyjson_doc *doc, const char *pointer, char out[GQL_TEXT_MAX]) {
	yyjson_val *value = yyjson_doc_ptr_get(doc, pointer);
	const char *text = yyjson_is_str(value) && yyjson_get_len(value) < GQL_TEXT_MAX ? yyjson_get_str(value) : "";
	snprintf(out, GQL_TEXT_MAX, "%s", text);
}
