// Constraints: how much of a limit is in use for one value of its key, and how much there may be (04 §A11–A14).
#include <stdlib.h>

#include "engine/engine_internal.h"
#include "model/gcra.h"
#include "model/utf8.h"

#define NS_PER_MS 1000000u
#define VALUE_SHOWN_MAX 256u // bytes of a key's value that are kept, for people

// ---- objects -------------------------------------------------------------------------------------------------------

static const struct uuid *owner(const struct function *function, enum concurrency_scope scope, struct uuid *shared) {
	if (scope == SCOPE_FN) return &function->id;
	CHECK(uuid_parse(scope == SCOPE_ENV ? STR(ENV_ID) : STR(ACCOUNT_ID), shared));
	return shared;
}

struct constraint *constraint_get(struct engine *engine, enum constraint_kind kind, enum concurrency_scope scope,
				  const struct function *function, uint64_t key_hash, struct str value) {
	struct uuid shared;
	uint64_t id = flow_id((unsigned)kind << 8 | (unsigned)scope, owner(function, scope, &shared), key_hash, value);
	return constraint_restore(engine, kind, scope, id, key_hash, value);
}

struct constraint *constraint_restore(struct engine *engine, enum constraint_kind kind, enum concurrency_scope scope,
				      uint64_t id, uint64_t key_hash, struct str value) {
	struct map_node *node = map_first(&engine->constraints, id);
	if (node != NULL) {
		struct constraint *known = container_of(node, struct constraint, by_id);
		known->refs++;
		return known;
	}
	value = utf8_clip(value, VALUE_SHOWN_MAX);
	struct constraint *constraint = mem_calloc(1, sizeof *constraint + value.len);
	constraint->kind = (uint8_t)kind;
	constraint->scope = (uint8_t)scope;
	constraint->key_hash = key_hash;
	constraint->refs = 1;
	constraint->value_len = (uint32_t)value.len;
	if (value.len > 0) memcpy(constraint->value, value.ptr, value.len);
	list_init(&constraint->lines);
	heap_node_init(&constraint->wake);
	map_insert(&engine->constraints, &constraint->by_id, id);
	return constraint;
}

void constraint_drop(struct engine *engine, struct constraint *constraint) {
	if (constraint == NULL || --constraint->refs > 0) return;
	CHECK(list_empty(&constraint->lines) && constraint->in_use == 0);
	heap_remove(&engine->throttles, &constraint->wake);
	map_remove(&engine->constraints, &constraint->by_id);
	free(constraint);
}

// ---- room ----------------------------------------------------------------------------------------------------------

const struct concurrency_limit *constraint_limit(const struct function *function, const struct constraint *constraint) {
	const struct flow_control *flow = &function->config.flow;
	if (constraint->kind == CONSTRAINT_RUNS)
		return flow->runs.limit > 0 && function->flow.runs_hash == constraint->key_hash ? &flow->runs : NULL;
	for (size_t i = 0; i < flow->step_count; i++) {
		const struct concurrency_limit *limit = &flow->steps[i];
		if (limit->key.len > 0 && limit->limit > 0 && limit->scope == constraint->scope &&
		    function->flow.calls_hash[i] == constraint->key_hash)
			return limit;
	}
	return NULL;
}

static bool throttles(const struct function *function, const struct constraint *constraint) {
	return function->config.flow.throttle.limit > 0 && function->flow.throttle_hash == constraint->key_hash;
}

static struct gcra throttle_of(const struct function *function) {
	const struct flow_control *flow = &function->config.flow;
	return gcra_of_throttle(flow->throttle.limit, flow->throttle.burst, flow->throttle.period_ns);
}

static uint64_t throttle_id(const struct constraint *constraint) {
	return constraint->by_id.hash;
}

uint64_t throttle_next_ms(const struct engine *engine, const struct function *function,
			  const struct constraint *constraint) {
	if (!throttles(function, constraint)) return 0;
	struct gcra gcra = throttle_of(function);
	uint64_t tat = rate_get(engine, throttle_id(constraint));
	if (gcra_admits(&gcra, tat, engine->now * NS_PER_MS)) return 0;
	return gcra_next_ns(&gcra, tat) / NS_PER_MS + (gcra_next_ns(&gcra, tat) % NS_PER_MS > 0);
}

void throttle_adapt(struct engine *engine, const struct function *function, const struct constraint *constraint) {
	if (constraint->kind != CONSTRAINT_THROTTLE || !throttles(function, constraint)) return;
	struct gcra gcra = throttle_of(function);
	rate_adapt(engine, throttle_id(constraint), &gcra);
}

bool constraint_has_room(const struct engine *engine, const struct function *function,
			 const struct constraint *constraint) {
	if (constraint->kind == CONSTRAINT_THROTTLE) return throttle_next_ms(engine, function, constraint) == 0;
	const struct concurrency_limit *limit = constraint_limit(function, constraint);
	return limit == NULL || constraint->in_use < limit->limit;
}

struct constraint *constraint_blocking(const struct engine *engine, const struct backlog *backlog) {
	struct constraint *all[FUNCTION_CONCURRENCY_MAX + 2] = {backlog->throttle, backlog->runs};
	for (size_t i = 0; i < FUNCTION_CONCURRENCY_MAX; i++) all[2 + i] = backlog->calls[i];
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i] != NULL && !constraint_has_room(engine, backlog->function, all[i])) return all[i];
	}
	return NULL;
}

// ---- use -----------------------------------------------------------------------------------------------------------

static void take_start(struct engine *engine, struct run *run) {
	struct run_limits *limits = run->limits;
	if (limits->runs != NULL) limits->runs->in_use++;
	if (limits->throttle == NULL || !throttles(run->function, limits->throttle)) return;
	struct gcra gcra = throttle_of(run->function);
	uint64_t id = throttle_id(limits->throttle);
	rate_adapt(engine, id, &gcra);
	rate_set(engine, id, gcra_admit(&gcra, rate_get(engine, id), engine->now * NS_PER_MS));
}

void constraints_keep(struct item *item) {
	struct run *run = item->run;
	item->holds = true;
	run->function->calls++;
	for (size_t i = 0; run->limits != NULL && i < FUNCTION_CONCURRENCY_MAX; i++) {
		if (run->limits->calls[i] != NULL) run->limits->calls[i]->in_use++;
	}
}

// What is in a call when the server stops keeps its slots (04 §A22.8): so they are recorded where there are limits.
void constraints_take(struct engine *engine, struct item *item) {
	struct run *run = item->run;
	if (run->limits != NULL && (run->flags & RUN_STARTED) == 0) take_start(engine, run);
	if (item->holds) return;
	constraints_keep(item);
	bool is_limited = run->function->call_limit != UINT32_MAX;
	if (!is_limited && (run->limits == NULL || run->limits->calls[0] == NULL)) return;
	item->is_leased = true;
	item_touch(engine, item);
}

static void give_back(struct engine *engine, struct function *function, struct constraint *const *calls) {
	function->calls--;
	function_offer(engine, function);
	for (size_t i = 0; calls != NULL && i < FUNCTION_CONCURRENCY_MAX; i++) {
		if (calls[i] == NULL) continue;
		calls[i]->in_use--;
		constraint_freed(engine, calls[i]);
	}
}

void constraints_release(struct engine *engine, struct item *item) {
	struct run *run = item->run;
	if (!item->holds) return;
	if (engine->config.planted_bug == 17 && item->call_attempt > 0) return;
	item->holds = item->is_leased = false;
	give_back(engine, run->function, run->limits != NULL ? run->limits->calls : NULL);
}

void call_ended(struct engine *engine, struct function *function, struct constraint *const *calls) {
	engine->calls--;
	function->app->calls--;
	give_back(engine, function, calls);
}

// What waits for a time of the other clock is looked at now.
void throttles_reconsider(struct engine *engine) {
	struct heap old = engine->throttles;
	heap_init(&engine->throttles);
	for (struct heap_node *node; (node = heap_pop(&old)) != NULL;)
		heap_push(&engine->throttles, node, 0, engine->sequence++);
	heap_free(&old);
}

void throttles_wake(struct engine *engine, uint32_t limit) {
	for (uint32_t i = 0; i < limit; i++) {
		struct heap_node *node = heap_peek(&engine->throttles);
		if (node == NULL || node->key > engine->now) return;
		constraint_freed(engine, container_of(heap_pop(&engine->throttles), struct constraint, wake));
	}
}
