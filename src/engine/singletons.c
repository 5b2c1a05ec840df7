// Singletons: at most one run of a function, or of each value of its key, at a time (03 §17, 04 §A10). The lock is the
// run's from its creation to its end.
#include <stdlib.h>

#include "engine/engine_internal.h"

#define TAG_SINGLETON 0x10000u

static struct run *holder_of(const struct engine *engine, uint64_t id) {
	struct map_node *node = map_first(&engine->singletons, id);
	return node != NULL ? container_of(node, struct run_limits, by_singleton)->run : NULL;
}

struct run *singleton_holder(struct engine *engine, struct function *function, struct event_form *form, uint64_t *id) {
	*id = 0;
	if (function->config.flow.singleton.mode == SINGLETON_NONE) return NULL;
	struct str value = STR("");
	bool is_keyed = function->config.flow.singleton.key.len > 0;
	// An expression without a value, or that fails: no singleton (04 §A4).
	if (is_keyed && flow_key(engine, form, function->flow.singleton, &value) != KEY_VALUE) return NULL;
	*id = flow_id(TAG_SINGLETON + is_keyed, &function->id, 0, value);
	return holder_of(engine, *id);
}

void singleton_lock(struct engine *engine, struct run *run, uint64_t id) {
	if (id == 0 || holder_of(engine, id) != NULL) return;
	if (run->limits == NULL) {
		run->limits = mem_calloc(1, sizeof *run->limits);
		run->limits->run = run;
	}
	run->limits->is_singleton = true;
	map_insert(&engine->singletons, &run->limits->by_singleton, id);
}
