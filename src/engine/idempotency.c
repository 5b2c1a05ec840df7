// What has begun a run once begins none again for a day: ids of events and ticks, keys of API calls (03 §6.3). The
// expression `idempotency` of a function is a rate limit (rates.c).
#include <stdlib.h>

#include "engine/engine_internal.h"

static uint64_t map_hash(const struct function *function, uint64_t key_hash) {
	return function->id_hash ^ key_hash;
}

const struct idem *idem_find(const struct engine *engine, const struct function *function, uint64_t key_hash) {
	if (engine->config.planted_bug == 4) return NULL;
	for (struct map_node *node = map_first(&engine->idem, map_hash(function, key_hash)); node != NULL;
	     node = map_next(node)) {
		const struct idem *idem = container_of(node, struct idem, by_key);
		if (idem->function_hash == function->id_hash && idem->key_hash == key_hash &&
		    idem->expires_ms > engine->now)
			return idem;
	}
	return NULL;
}

void idem_add(struct engine *engine, const struct idem *from) {
	struct idem *idem = mem_calloc(1, sizeof *idem);
	idem->function_hash = from->function_hash;
	idem->key_hash = from->key_hash;
	idem->expires_ms = from->expires_ms;
	idem->run_id = from->run_id;
	map_insert(&engine->idem, &idem->by_key, idem->function_hash ^ idem->key_hash);
	list_push_back(&engine->idem_age, &idem->by_age);
}

void idem_claim(struct engine *engine, const struct function *function, uint64_t key_hash, const struct ulid *run_id) {
	struct idem idem = {.function_hash = function->id_hash,
			    .key_hash = key_hash,
			    .expires_ms = engine->now + RUN_IDEMPOTENCY_MS,
			    .run_id = *run_id};
	idem_add(engine, &idem);
	record_idem(engine, &idem, false);
}

static struct idem *oldest(const struct engine *engine) {
	return list_empty(&engine->idem_age) ? NULL : list_entry(engine->idem_age.next, struct idem, by_age);
}

static void forget(struct engine *engine, struct idem *idem) {
	record_idem(engine, idem, true);
	list_remove(&idem->by_age);
	map_remove(&engine->idem, &idem->by_key);
	free(idem);
}

void idem_expire(struct engine *engine, uint32_t limit) {
	struct idem *idem;
	for (uint32_t i = 0; i < limit && (idem = oldest(engine)) != NULL; i++) {
		if (idem->expires_ms > engine->now) return;
		forget(engine, idem);
	}
}

void idem_clear(struct engine *engine) {
	for (struct idem *idem; (idem = oldest(engine)) != NULL;) forget(engine, idem);
}
