// Arrays that grow in an arena: they double whenever their count reaches a power of two.
#ifndef INNGEST_GRAPHQL_ARRAY_H
#define INNGEST_GRAPHQL_ARRAY_H

#include "base/arena.h"

static inline void *gql_grow(struct arena *arena, void *items, size_t count, size_t size) {
	if ((count & (count - 1)) != 0) return items;
	void *larger = arena_alloc(arena, (count > 0 ? 2 * count : 1) * size);
	if (count > 0) memcpy(larger, items, count * size);
	return larger;
}
// GQL_PUSH(arena, things, thing_count, thing)
#define GQL_PUSH(arena, items, count, item) \
	((items) = gql_grow((arena), (items), (count), sizeof *(items)), (items)[(count)++] = (item))

#endif
