// What has begun a run once begins none again for a day: ids of events and ticks, keys of API calls, and the values of
// a function's idempotency expression (03 §6.3).
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

void idem_expire(struct engine *engine, uint32_t limit) {
	for (uint32_t i = 0; i < limit && !list_empty(&engine->idem_age); i++) {
		struct idem *idem = list_entry(engine->idem_age.next, struct idem, by_age);
		if (idem->expires_ms > engine->now) return;
		record_idem(engine, idem, true);
		list_remove(&idem->by_age);
		map_remove(&engine->idem, &idem->by_key);
		free(idem);
	}
}

// ---- the function's expression -------------------------------------------------------------------------------------

// Values share the table with ids, whose hash is of another kind.
static uint64_t value_hash(const struct function *function, const struct cel_value *value) {
	struct buf text;
	buf_init(&text, SIZE_MAX);
	buf_str(&text, function->config.idempotency);
	buf_byte(&text, '\n');
	cel_text(&text, value);
	uint64_t hash = hash_bytes(text.ptr, text.len);
	buf_free(&text);
	return hash;
}

enum start_result idempotency_admits(struct engine *engine, struct function *function, struct event_form *form) {
	static const struct ulid none;
	if (function->idempotency == NULL) return START_DONE;
	struct cel_value value = event_form_eval(engine, form, function->idempotency);
	if (value.type == CEL_ERROR) {
		if (!function->complained)
			complain_value(engine, function, function->config.idempotency, &value,
				       "an idempotency expression cannot be evaluated, so the function does not run");
		function->complained = true;
		return START_DROPPED; // 04 §A4
	}
	if (value.type == CEL_BOOL && !value.boolean) return START_DONE; // false or missing: not limited (04 §A6)
	uint64_t hash = value_hash(function, &value);
	if (idem_find(engine, function, hash) != NULL) return START_LIMITED;
	if (engine->config.planted_bug != 12) idem_claim(engine, function, hash, &none);
	return START_DONE;
}
