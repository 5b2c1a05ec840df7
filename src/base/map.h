// Intrusive chained hash map: the element carries its node, the map only its bucket array.
//
// The caller computes a good 64-bit hash (hash_bytes) and compares keys itself while walking the matches:
//
//	for (struct map_node *n = map_first(&map, hash); n != NULL; n = map_next(n)) ... // same full hash
//
// Grows by doubling, never shrinks. One thread at a time. Iteration order depends on hashes and insertions only,
// never on addresses, so a deterministic caller stays deterministic.
#ifndef INNGEST_BASE_MAP_H
#define INNGEST_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_node {
	struct map_node *next;
	uint64_t hash;
};
struct map {
	struct map_node **buckets; // NULL until the first insert
	size_t mask;
	size_t count;
};

void map_init(struct map *map);
void map_free(struct map *map);                                         // the buckets only
void map_insert(struct map *map, struct map_node *node, uint64_t hash); // does not look for duplicates
void map_remove(struct map *map, struct map_node *node);                // must be in the map
struct map_node *map_first(const struct map *map, uint64_t hash);
struct map_node *map_next(const struct map_node *node); // next with the same full hash
// Over everything: map_walk(map, NULL), then map_walk(map, node). Only nodes it has left behind may go meanwhile.
struct map_node *map_walk(const struct map *map, const struct map_node *node);

#endif
