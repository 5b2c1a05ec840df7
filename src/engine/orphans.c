// Calls of runs that have ended meanwhile. The app works on until it answers, so they keep their slots until then (04
// §A12); their answers are nothing to anybody.
#include <stdlib.h>

#include "engine/engine_internal.h"

struct orphan {
	struct map_node by_dispatch; // in engine->orphans; its hash is the dispatch
	struct function *function;
	struct constraint *calls[FUNCTION_CONCURRENCY_MAX];
};

void orphan_adopt(struct engine *engine, struct item *item) {
	struct orphan *orphan = mem_calloc(1, sizeof *orphan);
	const struct run_limits *limits = item->run->limits;
	orphan->function = item->run->function;
	for (size_t i = 0; limits != NULL && i < FUNCTION_CONCURRENCY_MAX; i++) {
		orphan->calls[i] = limits->calls[i];
		if (orphan->calls[i] != NULL) orphan->calls[i]->refs++;
	}
	map_insert(&engine->orphans, &orphan->by_dispatch, item->dispatch);
	item->holds = item->is_leased = false;
	item->state = ITEM_LATER; // in no heap
}

void orphan_answered(struct engine *engine, uint64_t dispatch, enum tally outcome) {
	struct map_node *node = map_first(&engine->orphans, dispatch);
	if (node == NULL) return;
	struct orphan *orphan = container_of(node, struct orphan, by_dispatch);
	map_remove(&engine->orphans, node);
	call_ended(engine, orphan->function, orphan->calls);
	orphan->function->tallies[outcome]++;
	for (size_t i = 0; i < FUNCTION_CONCURRENCY_MAX; i++) constraint_drop(engine, orphan->calls[i]);
	free(orphan);
}

void orphans_free(struct engine *engine) {
	for (struct map_node *node; (node = map_walk(&engine->orphans, NULL)) != NULL;)
		orphan_answered(engine, node->hash, TALLY_CALL_FAILED);
	map_free(&engine->orphans);
}

void orphans_verify(const struct engine *engine, bool is_first_pass) {
	for (struct map_node *node = map_walk(&engine->orphans, NULL); node != NULL;
	     node = map_walk(&engine->orphans, node)) {
		const struct orphan *orphan = container_of(node, struct orphan, by_dispatch);
		for (size_t i = 0; i < FUNCTION_CONCURRENCY_MAX; i++) {
			struct constraint *constraint = orphan->calls[i];
			if (constraint == NULL) continue;
			if (is_first_pass) constraint->counted = constraint->counted_refs = 0;
			if (!is_first_pass) constraint->counted++, constraint->counted_refs++;
		}
	}
}
