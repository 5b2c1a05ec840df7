// Inside of the trees: spans put together (assemble.c), shown one by one (convert.c), folded (fold.c). Everything lives
// in the caller's arena.
#ifndef INNGEST_TRACE_TREE_INTERNAL_H
#define INNGEST_TRACE_TREE_INTERNAL_H

#include "trace/tree.h"

// A span in its place.
struct trace_branch {
	const struct span *span;
	struct trace_branch *parent;    // NULL: the root, or it has none that is known
	struct trace_branch **children; // by start, then by id; those below TRACE_DEPTH_MAX are cut
	size_t child_count, stored_child_count;
	unsigned depth;
	int64_t start_ns, end_ns;       // of the group (§15.1 step 1)
	const struct span_text *output; // its own, or that of the span that output_ref names
	struct trace_metadata *metadata;
	size_t metadata_count;
	struct trace_node *node;
};

struct trace_assembly {
	struct trace_branch **order; // what hangs on the root, parents before children; the root is first
	size_t count;
};
// False when there is no root.
bool trace_assemble(struct arena *arena, const struct trace_spans *spans, struct trace_assembly *out);

// Folds the records (§18.1) and hangs them on their owners; NULL for those that have none. The root gets the sum.
void trace_metadata_attach(struct arena *arena, const struct span_metadata *records, size_t count,
			   struct trace_branch *const *owners, struct trace_branch *root);

// Name in GraphQL's StepOp; empty: null.
struct str trace_step_op(enum opcode_kind op);
struct trace_info trace_info_of(const struct span *span, int64_t queued_ns);

struct trace_context {
	struct arena *arena;
	const struct trace_subject *subject;
	const struct trace_branch *root;
};
// §15.2, all but output_id, step_type and children.
struct trace_node *trace_convert(const struct trace_context *context, const struct trace_branch *branch);
bool trace_status_is_ended(enum trace_status status);
int64_t trace_ms_between(int64_t start_ns, int64_t end_ns);
// §15.4: children, which have been folded, into the node of their parent.
void trace_fold(struct arena *arena, struct trace_branch *branch);
// Rule 5: the SDK's wrapper gives way to what is in it.
void trace_unwrap(struct trace_node *node);

#endif
