// GraphQL at the server under test, as the dashboard asks it (spec 06 §5, 10 §4). One thread per client.
#ifndef INNGEST_BENCH_GQL_H
#define INNGEST_BENCH_GQL_H

#include <yyjson.h>

#include "client.h"

#define GQL_TEXT_MAX 512 // of a value that is asked for by its path

// `variables` is a JSON object. An answer with errors is ERR_INVALID; *reply is valid until the next exchange.
ERR_CHECKED enum err gql_exchange(struct client *client, const char *query, struct str variables, struct str *reply,
				  struct error *error);
// The same, read; the caller frees it.
ERR_CHECKED enum err gql_read(struct client *client, const char *query, struct str variables, yyjson_doc **out,
			      struct error *error);
// The text at a JSON pointer; empty when there is none or it is too long.
void gql_text(yyjson_doc *doc, const char *pointer, char out[GQL_TEXT_MAX]);

// What the runs page sends, and the page of a run. Variables of the first two: $startTime, $endTime, $timeField,
// $status, $functionIDs, $appIDs, $functionRunCursor, $celQuery; of the last: $runID.
extern const char gql_runs[];
extern const char gql_count[];
extern const char gql_run[];

#endif
