// List, map, heap, random numbers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/rng.h"

struct item {
	struct list link;
	struct map_node by_key;
	struct heap_node by_time;
	int number;
};

static void list_keeps_order(void **state) {
	(void)state;
	struct item items[5];
	struct list head;
	list_init(&head);
	assert_null(list_pop_front(&head));
	for (int i = 0; i < 5; i++) {
		items[i].number = i;
		list_push_back(&head, &items[i].link);
	}
	list_remove(&items[2].link);
	list_remove(&items[2].link); // harmless
	list_push_front(&head, &items[2].link);
	static const int expected[] = {2, 0, 1, 3, 4};
	int at = 0;
	list_for_each(node, &head) assert_int_equal(list_entry(node, struct item, link)->number, expected[at++]);
	assert_int_equal(at, 5);
	list_for_each_safe(node, &head) list_remove(node);
	assert_true(list_empty(&head));
}

static void map_finds_what_was_put(void **state) {
	(void)state;
	enum { COUNT = 5000 };
	struct item *items = calloc(COUNT, sizeof(*items));
	struct map map;
	map_init(&map);
	assert_null(map_first(&map, 1));
	assert_null(map_walk(&map, NULL));
	for (int i = 0; i < COUNT; i++) {
		items[i].number = i;
		map_insert(&map, &items[i].by_key, hash_bytes(&i, sizeof(i)));
	}
	assert_int_equal(map.count, COUNT);
	for (int i = 0; i < COUNT; i++) {
		struct map_node *node = map_first(&map, hash_bytes(&i, sizeof(i)));
		assert_non_null(node);
		assert_int_equal(container_of(node, struct item, by_key)->number, i);
		assert_null(map_next(node));
	}
	for (int i = 0; i < COUNT; i += 2) map_remove(&map, &items[i].by_key);
	size_t walked = 0;
	for (struct map_node *n = map_walk(&map, NULL); n != NULL; n = map_walk(&map, n)) {
		assert_int_equal(container_of(n, struct item, by_key)->number % 2, 1);
		walked++;
	}
	assert_int_equal(walked, COUNT / 2);
	map_free(&map);
	free(items);
}

// One walk, one step ahead of what goes: to begin again for each node costs the square of their number.
static void map_is_emptied_by_a_walk(void **state) {
	(void)state;
	enum { COUNT = 5000 };
	struct map_node *nodes = calloc(COUNT, sizeof(*nodes));
	struct map map;
	map_init(&map);
	for (int i = 0; i < COUNT; i++) map_insert(&map, &nodes[i], hash_bytes(&i, sizeof(i)));
	size_t walked = 0;
	for (struct map_node *node = map_walk(&map, NULL), *next; node != NULL; node = next, walked++) {
		next = map_walk(&map, node);
		map_remove(&map, node);
		memset(node, 0xFF, sizeof *node);
	}
	assert_int_equal(walked, COUNT);
	assert_int_equal(map.count, 0);
	map_free(&map);
	free(nodes);
}

static void map_holds_equal_hashes(void **state) {
	(void)state;
	struct item items[100];
	struct map map;
	map_init(&map);
	for (int i = 0; i < 100; i++) {
		items[i].number = i;
		map_insert(&map, &items[i].by_key, (uint64_t)(i % 2) << 40); // same low bits, two hashes
	}
	int expected = 98; // the newest first, also after growing
	for (struct map_node *n = map_first(&map, 0); n != NULL; n = map_next(n), expected -= 2) {
		assert_int_equal(container_of(n, struct item, by_key)->number, expected);
	}
	assert_int_equal(expected, -2);
	for (int i = 0; i < 100; i++) map_remove(&map, &items[i].by_key);
	assert_int_equal(map.count, 0);
	assert_null(map_first(&map, 0));
	map_free(&map);
}

static void heap_pops_in_order(void **state) {
	(void)state;
	enum { COUNT = 2000 };
	struct item *items = calloc(COUNT, sizeof(*items));
	struct heap heap;
	heap_init(&heap);
	struct rng rng;
	rng_seed(&rng, 7);
	assert_null(heap_pop(&heap));
	for (int i = 0; i < COUNT; i++) {
		heap_node_init(&items[i].by_time);
		assert_false(heap_contains(&items[i].by_time));
		heap_remove(&heap, &items[i].by_time); // harmless
		heap_push(&heap, &items[i].by_time, rng_below(&rng, 50), (uint64_t)i);
	}
	for (int i = 0; i < COUNT; i += 3) heap_remove(&heap, &items[i].by_time);
	struct heap_node last = {0};
	int popped = 0;
	for (struct heap_node *node; (node = heap_pop(&heap)) != NULL; popped++) {
		assert_true(node->key > last.key || (node->key == last.key && node->seq >= last.seq));
		assert_false(heap_contains(node));
		last = *node;
	}
	assert_int_equal(popped, COUNT - (COUNT + 2) / 3);
	heap_free(&heap);
	free(items);
}

static void rng_repeats_from_its_seed(void **state) {
	(void)state;
	struct rng a, b, c;
	rng_seed(&a, 42);
	rng_seed(&b, 42);
	rng_seed(&c, 43);
	int different = 0;
	for (int i = 0; i < 100; i++) {
		uint64_t value = rng_next(&a);
		assert_true(value == rng_next(&b));
		different += value != rng_next(&c);
	}
	assert_true(different > 95);
	unsigned char x[13], y[13];
	rng_bytes(&a, x, sizeof(x));
	rng_bytes(&b, y, sizeof(y));
	assert_memory_equal(x, y, sizeof(x));
	int seen[6] = {0};
	for (int i = 0; i < 6000; i++) seen[rng_below(&a, 6)]++;
	for (int i = 0; i < 6; i++) assert_in_range(seen[i], 800, 1200);
	assert_int_equal(rng_below(&a, 1), 0);
}

static void random_bytes_never_repeat(void **state) {
	(void)state;
	unsigned char last[16] = {0}, next[16], large[1000];
	for (int i = 0; i < 100; i++) {
		random_bytes(next, sizeof(next));
		assert_memory_not_equal(last, next, sizeof(next));
		memcpy(last, next, sizeof(next));
	}
	random_bytes(large, sizeof(large));
	assert_memory_not_equal(large, large + 500, 500);
	assert_true(random_u64() != random_u64());
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_keeps_order),          cmocka_unit_test(map_finds_what_was_put),
		cmocka_unit_test(map_is_emptied_by_a_walk),  cmocka_unit_test(map_holds_equal_hashes),
		cmocka_unit_test(heap_pops_in_order),        cmocka_unit_test(rng_repeats_from_its_seed),
		cmocka_unit_test(random_bytes_never_repeat),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
