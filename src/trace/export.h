// Our own spans for others (spec 05 §24): those of a run that some of its trace facts have brought to their end, in the
// form of OTLP. A span is told once, when it is over; what a run leaves open is over with the run (FACT_ENDED).
//
// Ids, parents and times are those of the tree (06 §15), and so are the names, where a span is seen in it; the root is
// named after its function. Attributes are those of 06 §13. Inputs, outputs and headers stay here.
//
// Facts of a long run come in parts: `needed` says which of those given have to come before the next part, as some span
// that they tell of is open, and `told` keeps what is over, which apps may report again.
//
// Pure; any thread. All that is made lives in the arena, texts may point into what was given.
#ifndef INNGEST_TRACE_EXPORT_H
#define INNGEST_TRACE_EXPORT_H

#include "base/map.h"
#include "trace/otlp.h"
#include "trace/tree.h"

// Ids of spans that are over.
struct trace_told {
	struct arena arena;
	struct map ids;
};
void trace_told_init(struct trace_told *told);
void trace_told_free(struct trace_told *told);
#define TRACE_TOLD_BYTES 32u // about, of one of them: `ids.count`

struct trace_export {
	struct ulid run_id;
	int64_t ended_ns;               // of the run; INT64_MIN: not yet
	const struct trace_fact *facts; // of the run, from its first on, or those needed and what came after them
	size_t fact_count;
	size_t first_new; // facts before this one have been told
	const struct trace_spans *spans;
	struct str function_slug;
	// Of the run, for all of its spans (`all`) and for its root.
	const struct otlp_attribute *all, *root;
	size_t all_count, root_count;
	struct trace_told *told; // read and added to; NULL: all facts are given
	bool *needed;            // of each fact; filled in unless NULL
};
void trace_export(struct arena *arena, const struct trace_export *from, struct otlp_span **out, size_t *count);

#endif
