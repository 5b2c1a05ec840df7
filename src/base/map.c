#include "base/map.h"

#include <stdlib.h>

#include "base/check.h"

#define FIRST_BUCKETS 16

void map_init(struct map *map) {
	*map = (struct map){0};
}

void map_free(struct map *map) {
	free(map->buckets);
	map_init(map);
}

// Splits every chain in two, each in its old order.
static void grow(struct map *map) {
	size_t old_size = map->mask + 1;
	map->buckets = mem_realloc(map->buckets, 2 * old_size * sizeof(*map->buckets));
	map->mask = 2 * old_size - 1;
	for (size_t i = 0; i < old_size; i++) {
		struct map_node *node = map->buckets[i];
		struct map_node **low = &map->buckets[i];
		struct map_node **high = &map->buckets[i + old_size];
		for (; node != NULL; node = node->next) {
			struct map_node ***tail = (node->hash & old_size) != 0 ? &high : &low;
			**tail = node;
			*tail = &node->next;
		}
		*low = *high = NULL;
	}
}

void map_insert(struct map *map, struct map_node *node, uint64_t hash) {
	if (map->buckets == NULL) {
		map->buckets = mem_calloc(FIRST_BUCKETS, sizeof(*map->buckets));
		map->mask = FIRST_BUCKETS - 1;
	} else if (map->count > map->mask) {
		grow(map);
	}
	struct map_node **bucket = &map->buckets[hash & map->mask];
	node->hash = hash;
	node->next = *bucket;
	*bucket = node;
	map->count++;
}

void map_remove(struct map *map, struct map_node *node) {
	CHECK(map->count > 0);
	struct map_node **link = &map->buckets[node->hash & map->mask];
	while (*link != node) {
		CHECK(*link != NULL);
		link = &(*link)->next;
	}
	*link = node->next;
	node->next = NULL;
	map->count--;
}

static struct map_node *same_hash(struct map_node *node, uint64_t hash) {
	while (node != NULL && node->hash != hash) node = node->next;
	return node;
}

struct map_node *map_first(const struct map *map, uint64_t hash) {
	return map->count > 0 ? same_hash(map->buckets[hash & map->mask], hash) : NULL;
}

struct map_node *map_next(const struct map_node *node) {
	return same_hash(node->next, node->hash);
}

struct map_node *map_walk(const struct map *map, const struct map_node *node) {
	if (map->count == 0) return NULL;
	if (node != NULL && node->next != NULL) return node->next;
	for (size_t i = node != NULL ? (node->hash & map->mask) + 1 : 0; i <= map->mask; i++) {
		if (map->buckets[i] != NULL) return map->buckets[i];
	}
	return NULL;
}
