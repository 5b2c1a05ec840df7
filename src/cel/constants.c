// Lists and maps of literals become literals themselves, so that evaluations need not build them each time.
#include <stdlib.h>

#include "base/check.h"
#include "cel/program.h"

static bool are_literals(struct node *const *nodes, uint32_t count) {
	for (uint32_t i = 0; i < count; i++) {
		if (nodes[i]->kind != NODE_LITERAL) return false;
	}
	return true;
}

static struct cel_value *values_of(struct arena *arena, struct node *const *nodes, uint32_t count) {
	struct cel_value *values = ARENA_ARRAY(arena, struct cel_value, count);
	for (uint32_t i = 0; i < count; i++) values[i] = nodes[i]->literal;
	return values;
}

static int by_key(const void *left, const void *right) {
	const struct cel_value *a = left, *b = right;
	int order = 0;
	if (cel_order(a, b, &order)) return order;
	return (a->type > b->type) - (a->type < b->type);
}

// Keys that a map may have, each once; which of equal ones counts is left to the evaluation.
static bool are_keys(struct node *const *nodes, uint32_t count) {
	struct cel_value *keys = mem_calloc(count + (size_t)1, sizeof *keys);
	bool good = true;
	for (uint32_t i = 0; i < count && good; i++) {
		keys[i] = nodes[i]->literal;
		good = keys[i].type == CEL_BOOL || keys[i].type == CEL_INT || keys[i].type == CEL_UINT ||
		       keys[i].type == CEL_STRING;
	}
	if (good) qsort(keys, count, sizeof *keys, by_key);
	for (uint32_t i = 1; i < count && good; i++) good = by_key(&keys[i - 1], &keys[i]) != 0;
	free(keys);
	return good;
}

void cel_make_constant(struct arena *arena, struct node *node) {
	uint32_t count = node->items.count;
	if (!are_literals(node->items.items, count)) return;
	struct cel_value whole = {.type = node->kind == NODE_LIST ? CEL_LIST : CEL_MAP};
	if (node->kind == NODE_LIST) {
		struct cel_list *list = ARENA_NEW(arena, struct cel_list);
		*list = (struct cel_list){count, values_of(arena, node->items.items, count)};
		whole.list = list;
	} else {
		if (!are_literals(node->items.keys, count) || !are_keys(node->items.keys, count)) return;
		struct cel_map *map = ARENA_NEW(arena, struct cel_map);
		*map = (struct cel_map){count, values_of(arena, node->items.keys, count),
					values_of(arena, node->items.items, count)};
		whole.map = map;
	}
	node->kind = NODE_LITERAL;
	node->literal = whole;
	node->origin = NULL;
}
