// What limits a run: the values of its function's keys over its first event, kept with it until it ends (04 §A4).
#include <stdlib.h>

#include "base/codec.h"
#include "engine/engine_internal.h"

static struct run_limits *limits_of(struct run *run) {
	if (run->limits != NULL) return run->limits;
	run->limits = mem_calloc(1, sizeof *run->limits);
	run->limits->run = run;
	return run->limits;
}

// ---- beginning -----------------------------------------------------------------------------------------------------

// Runs whose key has no value share one, and so do those whose key cannot be evaluated (04 §A4).
static struct str value_of(struct engine *engine, struct event_form *form, const struct cel_program *program,
			   struct str key, struct str failed) {
	struct str value = STR("");
	if (key.len > 0 && flow_key(engine, form, program, &value) == KEY_ERROR) return failed;
	return value;
}

// In an order that does not depend on that of the settings, so that the same keys make the same backlog.
static void add_calls(struct engine *engine, struct run *run, struct constraint *constraint) {
	struct constraint **calls = limits_of(run)->calls;
	if (calls[0] == NULL) {
		calls[0] = constraint;
	} else if (calls[0] == constraint || calls[1] != NULL) {
		constraint_drop(engine, constraint); // the same key twice: the smaller limit counts
	} else {
		bool is_first = constraint->by_id.hash < calls[0]->by_id.hash;
		calls[1] = is_first ? calls[0] : constraint;
		if (is_first) calls[0] = constraint;
	}
}

static void begin_calls(struct engine *engine, struct run *run, struct event_form *form) {
	const struct function *function = run->function;
	const struct flow_control *flow = &function->config.flow;
	for (size_t i = 0; i < flow->step_count; i++) {
		const struct concurrency_limit *limit = &flow->steps[i];
		if (limit->key.len == 0) continue; // counted by the function itself
		struct str value = value_of(engine, form, function->flow.calls[i], limit->key, STR("false"));
		add_calls(engine, run,
			  constraint_get(engine, CONSTRAINT_CALLS, limit->scope, function, function->flow.calls_hash[i],
					 value));
	}
}

void run_limits_begin(struct engine *engine, struct run *run, struct event_form *form) {
	const struct function *function = run->function;
	const struct flow_control *flow = &function->config.flow;
	begin_calls(engine, run, form);
	if (flow->runs.limit > 0) {
		struct str value = value_of(engine, form, function->flow.runs, flow->runs.key, STR(""));
		limits_of(run)->runs =
			constraint_get(engine, CONSTRAINT_RUNS, SCOPE_FN, function, function->flow.runs_hash, value);
	}
	if (flow->throttle.limit > 0) {
		struct str value = value_of(engine, form, function->flow.throttle, flow->throttle.key, STR("false"));
		limits_of(run)->throttle = constraint_get(engine, CONSTRAINT_THROTTLE, SCOPE_FN, function,
							  function->flow.throttle_hash, value);
	}
	int32_t priority_s = flow_priority(engine, function, form);
	if (priority_s != 0) limits_of(run)->priority_s = priority_s;
}

// ---- end -----------------------------------------------------------------------------------------------------------

void run_limits_end(struct engine *engine, struct run *run) {
	struct run_limits *limits = run->limits;
	if (limits == NULL) return;
	if (limits->is_singleton && engine->config.planted_bug != 20)
		map_remove(&engine->singletons, &limits->by_singleton);
	if (limits->runs != NULL && (run->flags & RUN_STARTED) != 0) {
		limits->runs->in_use--;
		constraint_freed(engine, limits->runs);
	}
	for (size_t i = 0; i < FUNCTION_CONCURRENCY_MAX; i++) constraint_drop(engine, limits->calls[i]);
	constraint_drop(engine, limits->runs);
	constraint_drop(engine, limits->throttle);
	run->limits = NULL;
	if (engine->config.planted_bug == 20 && limits->is_singleton) return; // leaked with its lock
	free(limits);
}

// ---- stored form ---------------------------------------------------------------------------------------------------

static void put_constraint(struct buf *out, const struct constraint *constraint) {
	put_u8(out, constraint != NULL);
	if (constraint == NULL) return;
	put_u8(out, constraint->scope);
	put_u64(out, constraint->by_id.hash);
	put_u64(out, constraint->key_hash);
	put_text(out, str_make(constraint->value, constraint->value_len));
}

static struct constraint *take_constraint(struct engine *engine, enum constraint_kind kind, struct decoder *d) {
	if (take_u8(d) == 0) return NULL;
	uint8_t scope = take_u8(d);
	uint64_t id = take_u64(d), key_hash = take_u64(d);
	struct str value = take_text(d);
	if (scope >= SCOPE_COUNT) d->failed = true;
	if (d->failed) return NULL;
	return constraint_restore(engine, kind, (enum concurrency_scope)scope, id, key_hash, value);
}

void run_limits_encode(const struct run *run, struct buf *out) {
	const struct run_limits *limits = run->limits;
	put_u8(out, limits != NULL);
	if (limits == NULL) return;
	for (size_t i = 0; i < FUNCTION_CONCURRENCY_MAX; i++) put_constraint(out, limits->calls[i]);
	put_constraint(out, limits->runs);
	put_constraint(out, limits->throttle);
	put_u32(out, (uint32_t)limits->priority_s);
	put_u64(out, limits->is_singleton ? limits->by_singleton.hash : 0);
}

bool run_limits_decode(struct engine *engine, struct run *run, struct decoder *d) {
	if (take_u8(d) == 0) return !d->failed;
	struct run_limits *limits = limits_of(run);
	for (size_t i = 0; i < FUNCTION_CONCURRENCY_MAX; i++)
		limits->calls[i] = take_constraint(engine, CONSTRAINT_CALLS, d);
	limits->runs = take_constraint(engine, CONSTRAINT_RUNS, d);
	limits->throttle = take_constraint(engine, CONSTRAINT_THROTTLE, d);
	limits->priority_s = (int32_t)take_u32(d);
	uint64_t singleton = take_u64(d);
	if (limits->runs != NULL && (run->flags & RUN_STARTED) != 0) limits->runs->in_use++;
	if (singleton != 0 && !d->failed) singleton_lock(engine, run, singleton);
	return !d->failed;
}
