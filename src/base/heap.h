// Intrusive binary min-heap over two-part keys: the smallest `key`, then the smallest `seq`, comes first.
// Elements carry their node; push, pop, remove and change are O(log n). One thread at a time.
#ifndef INNGEST_BASE_HEAP_H
#define INNGEST_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_ABSENT UINT32_MAX

struct heap_node {
	uint64_t key;
	uint64_t seq;
	uint32_t index; // HEAP_ABSENT when in no heap
};
struct heap {
	struct heap_node **nodes;
	uint32_t count;
	uint32_t cap;
};

void heap_init(struct heap *heap);
void heap_free(struct heap *heap);
static inline void heap_node_init(struct heap_node *node) {
	node->index = HEAP_ABSENT;
}
static inline bool heap_contains(const struct heap_node *node) {
	return node->index != HEAP_ABSENT;
}
void heap_push(struct heap *heap, struct heap_node *node, uint64_t key, uint64_t seq);
static inline struct heap_node *heap_peek(const struct heap *heap) {
	return heap->count > 0 ? heap->nodes[0] : NULL;
}
struct heap_node *heap_pop(struct heap *heap);               // NULL when empty
void heap_remove(struct heap *heap, struct heap_node *node); // harmless when absent

#endif
