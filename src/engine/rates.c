// How often something may begin: the states of rate limits and throttles, one number per value of a key; and marks that
// something has been seen, which are the same thing with a fixed end (04 §A5, §A6, §A11). What lies in the past says
// nothing any more and is forgotten.
#include <stdlib.h>

#include "engine/engine_internal.h"
#include "model/gcra.h"

#define NS_PER_MS 1000000u
#define TAG_RATE 0x20000u
#define TAG_ADMITTED 0x20001u
// States are kept a little longer than they say something, until a whole second: most are wanted again soon.
#define LINGER_MS 1000u

struct rate {
	struct map_node by_id; // in engine->rates
	struct heap_node old;  // in engine->rates_old
	struct list dirty;     // in engine->dirty_rates
	uint64_t tat_ns;
};

// ---- states --------------------------------------------------------------------------------------------------------

static struct rate *rate_find(const struct engine *engine, uint64_t id) {
	struct map_node *node = map_first(&engine->rates, id);
	return node != NULL ? container_of(node, struct rate, by_id) : NULL;
}

uint64_t rate_get(const struct engine *engine, uint64_t id) {
	const struct rate *rate = rate_find(engine, id);
	return rate != NULL ? rate->tat_ns : 0;
}

static struct rate *rate_new(struct engine *engine, uint64_t id) {
	struct rate *rate = mem_calloc(1, sizeof *rate);
	list_init(&rate->dirty);
	heap_node_init(&rate->old);
	map_insert(&engine->rates, &rate->by_id, id);
	return rate;
}

static uint64_t end_of(const struct rate *rate) {
	return (rate->tat_ns / NS_PER_MS / LINGER_MS + 2) * LINGER_MS;
}

static void expect_end(struct engine *engine, struct rate *rate) {
	heap_push(&engine->rates_old, &rate->old, end_of(rate), engine->sequence++);
}

void rate_set(struct engine *engine, uint64_t id, uint64_t tat_ns) {
	struct rate *rate = rate_find(engine, id);
	if (rate == NULL) rate = rate_new(engine, id);
	rate->tat_ns = tat_ns;
	if (!heap_contains(&rate->old)) expect_end(engine, rate);
	if (list_empty(&rate->dirty)) list_push_back(&engine->dirty_rates, &rate->dirty);
}

void rate_adapt(struct engine *engine, uint64_t id, const struct gcra *gcra) {
	uint64_t most = gcra_most(gcra, engine->now * NS_PER_MS);
	if (rate_get(engine, id) > most) rate_set(engine, id, most);
}

void rate_restore(struct engine *engine, uint64_t id, uint64_t tat_ns) {
	if (engine->config.planted_bug == 22 || rate_find(engine, id) != NULL) return;
	struct rate *rate = rate_new(engine, id);
	rate->tat_ns = tat_ns;
	expect_end(engine, rate);
}

static void forget(struct engine *engine, struct rate *rate) {
	record_rate(engine, rate->by_id.hash, 0);
	list_remove(&rate->dirty);
	map_remove(&engine->rates, &rate->by_id);
	free(rate);
}

void rates_expire(struct engine *engine, uint32_t limit) {
	for (uint32_t i = 0; i < limit; i++) {
		struct heap_node *node = heap_peek(&engine->rates_old);
		if (node == NULL || node->key > engine->now) return;
		struct rate *rate = container_of(heap_pop(&engine->rates_old), struct rate, old);
		if (end_of(rate) > engine->now) {
			expect_end(engine, rate);
			continue;
		}
		forget(engine, rate);
	}
}

void rates_clear(struct engine *engine) {
	for (struct heap_node *node; (node = heap_pop(&engine->rates_old)) != NULL;)
		forget(engine, container_of(node, struct rate, old));
}

void rates_flush(struct engine *engine) {
	for (struct list *node; (node = list_pop_front(&engine->dirty_rates)) != NULL;) {
		const struct rate *rate = list_entry(node, struct rate, dirty);
		if (engine->config.planted_bug != 16) record_rate(engine, rate->by_id.hash, rate->tat_ns);
	}
}

void rates_free(struct engine *engine) {
	for (struct map_node *node = map_walk(&engine->rates, NULL), *next; node != NULL; node = next) {
		next = map_walk(&engine->rates, node);
		map_remove(&engine->rates, node);
		free(container_of(node, struct rate, by_id));
	}
	map_free(&engine->rates);
	heap_free(&engine->rates_old);
}

void rates_export(struct engine *engine) {
	for (struct map_node *node = map_walk(&engine->rates, NULL); node != NULL;
	     node = map_walk(&engine->rates, node)) {
		const struct rate *rate = container_of(node, struct rate, by_id);
		record_rate(engine, rate->by_id.hash, rate->tat_ns);
	}
}

// ---- rate limits ---------------------------------------------------------------------------------------------------

static void complain_once(struct engine *engine, struct function *function, struct str problem) {
	if (!function->complained)
		complain(engine, function, function->config.flow.rate_limit.key, problem,
			 "a key of rateLimit or idempotency cannot be evaluated, so its event does not start the "
			 "function");
	function->complained = true;
}

// The same event again within five minutes does not count again (04 §A5): it may wait in a debounce, or have been
// skipped, and so have begun no run that it would be known by.
static bool was_admitted(const struct engine *engine, const struct run_start *start, uint64_t *mark) {
	*mark = start->is_claimed ? flow_id(TAG_ADMITTED, &start->function->id, 0, start->key) : 0;
	return *mark != 0 && rate_get(engine, *mark) > engine->now * NS_PER_MS;
}

static bool may_begin_no_run(const struct function *function) {
	const struct flow_control *flow = &function->config.flow;
	return flow->debounce.period_ms > 0 || flow->singleton.mode != SINGLETON_NONE || function->paused;
}

enum start_result rate_limit_check(struct engine *engine, struct function *function, struct event_form *form,
				   const struct run_start *start) {
	const struct flow_control *flow = &function->config.flow;
	if (flow->rate_limit.limit == 0) return START_DONE;
	struct str value = STR("");
	enum key_result result = KEY_VALUE;
	if (flow->rate_limit.key.len > 0) result = flow_key(engine, form, function->flow.rate_limit, &value);
	if (result == KEY_FALSE) return START_DONE; // not limited (04 §A4)
	if (result == KEY_ERROR) return complain_once(engine, function, value), START_DROPPED;
	uint64_t mark, id = flow_id(TAG_RATE, &function->id, hash_xxh64(flow->rate_limit.key), value);
	if (was_admitted(engine, start, &mark)) return START_DONE;
	struct gcra gcra = gcra_of_rate_limit(flow->rate_limit.limit, flow->rate_limit.period_ns);
	rate_adapt(engine, id, &gcra);
	uint64_t tat = rate_get(engine, id), now_ns = engine->now * NS_PER_MS;
	if (!gcra_admits(&gcra, tat, now_ns)) return START_LIMITED;
	if (engine->config.planted_bug != 12) rate_set(engine, id, gcra_admit(&gcra, tat, now_ns));
	if (mark != 0 && may_begin_no_run(function)) rate_set(engine, mark, now_ns + RATE_MEMORY_MS * NS_PER_MS);
	return START_DONE;
}
