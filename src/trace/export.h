// Our own spans for others (spec 05 §24): those of a run that some of its trace facts have brought to their end, in the
// form of OTLP. A span is told once, when it is over; what a run leaves open is over with the run (FACT_ENDED).
//
// Ids, parents and times are those of the tree (06 §15), and so are the names, where a span is seen in it; the root is
// named after its function. Attributes are those of 06 §13. Inputs, outputs and headers stay here.
//
// Pure; any thread. All that is made lives in the arena, texts may point into what was given.
#ifndef INNGEST_TRACE_EXPORT_H
#define INNGEST_TRACE_EXPORT_H

#include "trace/otlp.h"
#include "trace/tree.h"

struct trace_export {
	struct ulid run_id;
	int64_t ended_ns;               // of the run; INT64_MIN: not yet
	const struct trace_fact *facts; // of the run, from its first on
	size_t fact_count;
	size_t first_new; // facts before this one have been told
	const struct trace_spans *spans;
	struct str function_slug;
	// Of the run, for all of its spans (`all`) and for its root.
	const struct otlp_attribute *all, *root;
	size_t all_count, root_count;
};
void trace_export(struct arena *arena, const struct trace_export *from, struct otlp_span **out, size_t *count);

#endif
