// The history of a run as older tools see it (spec 06 §8.2): rows that are derived from its trace.
#ifndef INNGEST_SERVER_GQL_RUN_HISTORY_H
#define INNGEST_SERVER_GQL_RUN_HISTORY_H

#include "server/gql/gql.h"

// What all rows of a run have in common.
struct history_subject {
	const struct run_row *run;
	int64_t function_version;
	struct str url, sdk_language, sdk_version; // of the app; NULL: not known
};
struct history_row { // RunHistoryItem
	struct ulid id;
	const struct history_subject *of;
	const char *type; // of HistoryType
	int64_t at_ns;
	size_t order; // as they were found
	struct str step_name;
	const char *step_type;   // of HistoryStepType; NULL: none
	const struct span *span; // that it is about; NULL: the run as such, which only a cancel tells more of
	bool has_result;
	int64_t duration_ms, size_bytes;
};
struct history_rows {
	struct history_row *items; // oldest first
	size_t count, cap;
};
// Pure: from the spans of a trace.
void history_rows_make(struct arena *arena, const struct history_subject *of, const struct trace_spans *spans,
		       struct history_rows *out);

void resolve_history(struct gql_call *call); // of api_run
void resolve_history_output(struct gql_call *call);

#endif
