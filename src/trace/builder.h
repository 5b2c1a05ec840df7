// What the makers of spans share (facts*.c, rows.c): spans found by their logical id, so that whatever tells of one
// more thing about a span adds to it. Private to this layer.
#ifndef INNGEST_TRACE_BUILDER_H
#define INNGEST_TRACE_BUILDER_H

#include "base/json.h"
#include "base/map.h"
#include "trace/span.h"

// Times beyond are cut: two of them can be added.
#define SPAN_TIME_MAX_NS (INT64_MAX / 2)

#define TRACE_SPANS_MAX 50000u   // of one run; what comes later is left out
#define STEP_NAME_SHOWN_MAX 256u // characters (06 §13)

struct span_node {
	struct map_node by_id;
	struct span_node *next; // as they came about
	struct span span;
};

struct span_builder {
	struct arena *arena;
	struct map by_id;
	struct span_node *first, **tail;
	size_t count;
	bool ranks; // facts tell whole milliseconds only: what came first stays first
	struct span_metadata *metadata;
	size_t metadata_count, metadata_cap;
};

// Starts with what is in `out`, which stays as it is until the end.
void span_builder_init(struct span_builder *builder, struct arena *arena, const struct trace_spans *out);
void span_builder_finish(struct span_builder *builder, struct trace_spans *out); // frees what is not the arena's

// NULL when there is none. Addresses of spans stay until the end.
struct span *span_find(const struct span_builder *builder, struct str id);
// The span with this id, made if there is none; `id` and `parent` are kept, not copied. `is_new` may be NULL.
struct span *span_open(struct span_builder *builder, enum span_kind kind, struct str id, struct str parent,
		       bool *is_new);
// The span had a row at this time.
void span_seen(struct span *span, int64_t at_ns);

// Its texts are kept, not copied.
void span_metadata_add(struct span_builder *builder, const struct span_metadata *metadata);

int64_t span_time(uint64_t ms); // as nanoseconds
struct str span_step_name(struct str name);

#endif
