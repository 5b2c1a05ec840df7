#include "trace/builder.h"

#include "base/check.h"
#include "base/hash.h"
#include "model/utf8.h"

#define NS_PER_MS 1000000

int64_t span_time(uint64_t ms) {
	return ms < SPAN_TIME_MAX_NS / NS_PER_MS ? (int64_t)ms * NS_PER_MS : SPAN_TIME_MAX_NS;
}

struct str span_step_name(struct str name) {
	size_t len = 0;
	for (unsigned i = 0; i < STEP_NAME_SHOWN_MAX && len < name.len; i++) {
		size_t sequence = utf8_sequence(str_skip(name, len));
		len += sequence > 0 ? sequence : 1;
	}
	return str_first(name, len);
}

// ---- spans ---------------------------------------------------------------------------------------------------------

static void add_node(struct span_builder *builder, struct span_node *node) {
	map_insert(&builder->by_id, &node->by_id, hash_xxh64(node->span.id));
	*builder->tail = node;
	builder->tail = &node->next;
	builder->count++;
}

void span_builder_init(struct span_builder *builder, struct arena *arena, const struct trace_spans *out) {
	*builder = (struct span_builder){.arena = arena, .tail = &builder->first};
	map_init(&builder->by_id);
	for (size_t i = 0; i < out->count; i++) {
		struct span_node *node = ARENA_NEW(arena, struct span_node);
		node->span = out->spans[i];
		add_node(builder, node);
	}
	for (size_t i = 0; i < out->metadata_count; i++) span_metadata_add(builder, &out->metadata[i]);
}

void span_builder_finish(struct span_builder *builder, struct trace_spans *out) {
	out->spans = ARENA_ARRAY(builder->arena, struct span, builder->count);
	out->count = 0;
	for (struct span_node *node = builder->first; node != NULL; node = node->next)
		out->spans[out->count++] = node->span;
	out->metadata = builder->metadata;
	out->metadata_count = builder->metadata_count;
	map_free(&builder->by_id);
}

struct span *span_find(const struct span_builder *builder, struct str id) {
	for (struct map_node *at = map_first(&builder->by_id, hash_xxh64(id)); at != NULL; at = map_next(at)) {
		struct span_node *node = container_of(at, struct span_node, by_id);
		if (str_eq(node->span.id, id)) return &node->span;
	}
	return NULL;
}

struct span *span_open(struct span_builder *builder, enum span_kind kind, struct str id, struct str parent,
		       bool *is_new) {
	struct span *span = span_find(builder, id);
	if (is_new != NULL) *is_new = span == NULL;
	if (span != NULL) return span;
	struct span_node *node = ARENA_NEW(builder->arena, struct span_node);
	node->span.kind = kind;
	node->span.id = id;
	node->span.parent = parent;
	node->span.name = str_from_cstr(span_kind_names[kind]);
	if (builder->ranks) node->span.rank = (uint32_t)builder->count + 1;
	add_node(builder, node);
	return &node->span;
}

void span_seen(struct span *span, int64_t at_ns) {
	if (span->first_ns == 0 || at_ns < span->first_ns) span->first_ns = at_ns;
	if (at_ns > span->last_ns) span->last_ns = at_ns;
}

// ---- metadata ------------------------------------------------------------------------------------------------------

static struct span_metadata *metadata_slot(struct span_builder *builder) {
	if (builder->metadata_count == builder->metadata_cap) {
		size_t cap = builder->metadata_cap == 0 ? 16 : 2 * builder->metadata_cap;
		struct span_metadata *larger = ARENA_ARRAY(builder->arena, struct span_metadata, cap);
		if (builder->metadata_count > 0)
			memcpy(larger, builder->metadata, builder->metadata_count * sizeof *larger);
		builder->metadata = larger;
		builder->metadata_cap = cap;
	}
	return &builder->metadata[builder->metadata_count++];
}

void span_metadata_add(struct span_builder *builder, const struct span_metadata *metadata) {
	*metadata_slot(builder) = *metadata;
}
