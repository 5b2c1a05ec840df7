// The history of a run as older tools see it (spec 06 §8.2, 09 §4.5): rows that are derived from its trace.
//
// Pure; all in the arena, any thread.
#ifndef INNGEST_HISTORY_RUN_HISTORY_H
#define INNGEST_HISTORY_RUN_HISTORY_H

#include "history/runs.h"

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
	const char *step_type;    // of HistoryStepType; NULL: none
	const struct span *span;  // that it is about; NULL: the run as such
	const struct span *cause; // of FunctionCancelled: tells what event; NULL: not known
	bool has_result;
	int64_t duration_ms;
	int64_t size_bytes; // of the answer that brought the result
};
struct history_rows {
	struct history_row *items; // oldest first
	size_t count, cap;
};
// From the spans of a trace.
void history_rows_make(struct arena *arena, const struct history_subject *of, const struct trace_spans *spans,
		       struct history_rows *out);

#endif
