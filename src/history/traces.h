// What a run's trace is made from, as stored: facts, memoised steps, rows of `spans` (src/trace makes the spans).
#ifndef INNGEST_HISTORY_TRACES_H
#define INNGEST_HISTORY_TRACES_H

#include "history/history.h"
#include "history/runs.h"
#include "trace/tree.h"

// All of it; `live` is what the engine said of the run before (NULL: it does not know it). ERR_NOT_FOUND: no such run.
// `out` is filled with the spans of facts or, for a run of the reference server, of its rows; and in both cases with
// the metadata and userland spans that have come in.
struct trace_loaded { // all of it from one view of the store
	struct run_row run;
	const struct trace_fact *facts;
	size_t fact_count;
	struct trace_subject subject;
	struct trace_spans spans;
};
ERR_CHECKED enum err history_trace(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
				   const struct trace_live *live, size_t live_count, struct trace_loaded *out,
				   struct error *error);

// The same of what the facts of a run tell, whatever rows there are: for hand_over.h, which makes rows of it.
ERR_CHECKED enum err history_trace_facts(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
					 struct trace_loaded *out, struct error *error);

// The same of facts that are given, some of the run's: for exports.h. `out` points to them.
ERR_CHECKED enum err history_trace_given(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
					 const struct trace_fact *facts, size_t count, struct trace_loaded *out,
					 struct error *error);

// A span's text (06 §17): of one that history_trace gave. ERR_NOT_FOUND: it is no longer there.
ERR_CHECKED enum err history_trace_text(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
					const struct span_text *text, struct str *out, struct error *error);

#endif
