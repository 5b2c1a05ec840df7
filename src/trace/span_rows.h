// Spans as rows of the reference server's table `spans` (spec 06 §13, §14; 09 §4.8): the inverse of rows.c, for runs
// whose trace is kept as facts. A logical span gets the rows that the reference server writes of it: one when it
// begins, and an update for each thing that became known later.
//
// Pure; all in the arena, any thread. The same spans give the same rows: ids are derived.
#ifndef INNGEST_TRACE_SPAN_ROWS_H
#define INNGEST_TRACE_SPAN_ROWS_H

#include "trace/span.h"

// What all rows of a run have in common.
struct span_rows_run {
	struct ulid id;
	struct str account_id, env_id, app_id, function_id; // ids as text; empty: not known
	struct str root; // further attributes of the root, each with a comma before it; may be empty
};

struct span_row_out {
	struct span_row row;            // has_output, has_input: not set
	struct span_text output, input; // where they are
};
#define SPAN_ROWS_MAX 3

// `*number` counts the rows of the run that have no id of their own. Returns how many there are.
size_t span_rows_of_span(struct arena *arena, const struct span_rows_run *run, const struct span *span,
			 uint32_t *number, struct span_row_out out[SPAN_ROWS_MAX]);
// Of another id of the span, so that what names it finds the span: an update that changes nothing.
void span_row_of_alias(struct arena *arena, const struct span_rows_run *run, const struct span *span, struct str id,
		       struct span_row_out *out);
void span_row_of_metadata(struct arena *arena, const struct span_rows_run *run, const struct span_metadata *metadata,
			  uint32_t *number, struct span_row_out *out);

// Appends the member of an attribute to `root`.
void span_rows_add_text(struct buf *root, const char *name, struct str value);
void span_rows_add_json(struct buf *root, const char *name, struct str json);

#endif
