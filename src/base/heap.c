#include "base/heap.h"

#include <stdlib.h>

#include "base/check.h"

#define FIRST_CAPACITY 16

void heap_init(struct heap *heap) {
	*heap = (struct heap){0};
}

void heap_free(struct heap *heap) {
	free(heap->nodes);
	heap_init(heap);
}

static bool before(const struct heap_node *a, const struct heap_node *b) {
	return a->key != b->key ? a->key < b->key : a->seq < b->seq;
}

static void place(struct heap *heap, uint32_t index, struct heap_node *node) {
	heap->nodes[index] = node;
	node->index = index;
}

static void sift_up(struct heap *heap, uint32_t index, struct heap_node *node) {
	while (index > 0) {
		uint32_t parent = (index - 1) / 2;
		if (!before(node, heap->nodes[parent])) break;
		place(heap, index, heap->nodes[parent]);
		index = parent;
	}
	place(heap, index, node);
}

static void sift_down(struct heap *heap, uint32_t index, struct heap_node *node) {
	for (;;) {
		uint64_t child = 2 * (uint64_t)index + 1;
		if (child >= heap->count) break;
		if (child + 1 < heap->count && before(heap->nodes[child + 1], heap->nodes[child])) child++;
		if (!before(heap->nodes[child], node)) break;
		place(heap, index, heap->nodes[child]);
		index = (uint32_t)child;
	}
	place(heap, index, node);
}

void heap_push(struct heap *heap, struct heap_node *node, uint64_t key, uint64_t seq) {
	CHECK(heap->count < HEAP_ABSENT - 1);
	if (heap->count == heap->cap) {
		uint64_t cap = heap->cap > 0 ? 2 * (uint64_t)heap->cap : FIRST_CAPACITY;
		heap->cap = cap < HEAP_ABSENT ? (uint32_t)cap : HEAP_ABSENT - 1;
		heap->nodes = mem_realloc(heap->nodes, (size_t)heap->cap * sizeof(struct heap_node *));
	}
	node->key = key;
	node->seq = seq;
	sift_up(heap, heap->count++, node);
}

void heap_remove(struct heap *heap, struct heap_node *node) {
	if (!heap_contains(node)) return;
	uint32_t hole = node->index;
	CHECK(hole < heap->count && heap->nodes[hole] == node);
	node->index = HEAP_ABSENT;
	struct heap_node *last = heap->nodes[--heap->count];
	if (last == node) return;
	if (hole > 0 && before(last, heap->nodes[(hole - 1) / 2])) {
		sift_up(heap, hole, last);
	} else {
		sift_down(heap, hole, last);
	}
}

struct heap_node *heap_pop(struct heap *heap) {
	struct heap_node *first = heap_peek(heap);
	if (first != NULL) heap_remove(heap, first);
	return first;
}
