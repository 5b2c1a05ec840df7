// Flow control of a stored function, read back (spec 01 §12, 04 §A2). The stored form may be another server's: what
// cannot be read is as if it were not there.
#include "base/clock.h"
#include "model/function_input.h"

// 0 for what is no positive number.
static uint32_t count_restore(yyjson_val *value) {
	double number = yyjson_get_num(value);
	if (!(number > 0)) return 0;
	return number >= (double)UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

// The function is the scope when none is named.
static bool scope_restore(yyjson_val *limit, enum concurrency_scope *out) {
	struct str text = json_str(json_get_exact(limit, STR("scope")));
	*out = SCOPE_FN;
	return text.len == 0 || concurrency_scope_read(text, out);
}

// Nothing for a scope that is unknown, or that is wider than the function and has no key: registration refuses both.
static void step_limit_restore(struct arena *arena, yyjson_val *value, struct flow_control *out) {
	struct concurrency_limit limit = {.key = stored_text(arena, value, STR("key"))};
	if (out->step_count == FUNCTION_CONCURRENCY_MAX || !scope_restore(value, &limit.scope)) return;
	if (limit.scope != SCOPE_FN && limit.key.len == 0) return;
	limit.limit = count_restore(yyjson_is_num(value) ? value : json_get_exact(value, STR("limit")));
	out->steps[out->step_count++] = limit;
}

static void step_limits_restore(struct arena *arena, yyjson_val *list, struct flow_control *out) {
	yyjson_arr_iter iter = yyjson_arr_iter_with(list);
	for (yyjson_val *element; (element = yyjson_arr_iter_next(&iter)) != NULL;)
		step_limit_restore(arena, element, out);
}

// The list may also hold a limit of scope app, which another server keeps there for the workers of a connected app.
static void runs_restore(struct arena *arena, yyjson_val *list, struct flow_control *out) {
	yyjson_arr_iter iter = yyjson_arr_iter_with(list);
	for (yyjson_val *element; (element = yyjson_arr_iter_next(&iter)) != NULL;) {
		enum concurrency_scope scope;
		if (!scope_restore(element, &scope) || scope != SCOPE_FN) continue;
		out->runs.limit = count_restore(json_get_exact(element, STR("limit")));
		out->runs.key = stored_text(arena, element, STR("key"));
		return;
	}
}

// Written are a list of limits of calls, or both lists (01 §12.2); a number and a single limit are what SDKs send.
static void concurrency_restore(struct arena *arena, yyjson_val *value, struct flow_control *out) {
	yyjson_val *runs = json_get_exact(value, STR("fn"));
	yyjson_val *steps = json_get_exact(value, STR("step"));
	if (yyjson_is_arr(value)) {
		step_limits_restore(arena, value, out);
	} else if (yyjson_is_arr(runs) || yyjson_is_arr(steps)) {
		runs_restore(arena, runs, out);
		step_limits_restore(arena, steps, out);
	} else if (yyjson_is_obj(value) || yyjson_is_num(value)) {
		step_limit_restore(arena, value, out);
	}
}

static void throttle_restore(struct arena *arena, yyjson_val *value, struct flow_control *out) {
	uint64_t period_ns = stored_duration_ns(value, STR("period"));
	if (period_ns == 0) return;
	uint32_t limit = count_restore(json_get_exact(value, STR("limit")));
	out->throttle.limit = limit == 0 ? 1 : limit;
	out->throttle.burst = count_restore(json_get_exact(value, STR("burst")));
	out->throttle.period_ns = period_ns;
	out->throttle.key = stored_text(arena, value, STR("key"));
}

static void rate_limit_restore(struct arena *arena, yyjson_val *value, struct flow_control *out) {
	uint64_t period_ns = stored_duration_ns(value, STR("period"));
	uint32_t limit = count_restore(json_get_exact(value, STR("limit")));
	if (limit == 0 || period_ns == 0) return;
	out->rate_limit.limit = limit;
	out->rate_limit.period_ns = period_ns;
	out->rate_limit.key = stored_text(arena, value, STR("key"));
}

static void debounce_restore(struct arena *arena, yyjson_val *value, struct flow_control *out) {
	out->debounce.period_ms = ms_rounded_up(stored_duration_ns(value, STR("period")));
	if (out->debounce.period_ms == 0) return;
	out->debounce.timeout_ms = ms_rounded_up(stored_duration_ns(value, STR("timeout")));
	out->debounce.key = stored_text(arena, value, STR("key"));
}

// Its timeout is of the narrower grammar, without days and weeks (04 §A3).
static void batch_restore(struct arena *arena, yyjson_val *value, struct flow_control *out) {
	int64_t timeout_ns;
	struct error unused;
	uint32_t size_max = count_restore(json_get_exact(value, STR("maxSize")));
	struct str timeout = json_str(json_get_exact(value, STR("timeout")));
	if (size_max < 2 || duration_parse_go(timeout, &timeout_ns, &unused) != ERR_OK || timeout_ns <= 0) return;
	out->batch.size_max = size_max;
	out->batch.timeout_ms = ms_rounded_up((uint64_t)timeout_ns);
	out->batch.key = stored_text(arena, value, STR("key"));
	out->batch.condition = stored_text(arena, value, STR("if"));
	out->batch.is_conditional = yyjson_is_str(json_get_exact(value, STR("if")));
}

static void singleton_restore(struct arena *arena, yyjson_val *value, struct flow_control *out) {
	if (!yyjson_is_obj(value)) return;
	bool cancels = str_eq_nocase(json_str(json_get_exact(value, STR("mode"))), STR("cancel"));
	out->singleton.mode = cancels ? SINGLETON_CANCEL : SINGLETON_SKIP;
	out->singleton.key = stored_text(arena, value, STR("key"));
}

void flow_control_restore(struct arena *arena, yyjson_val *root, struct flow_control *out) {
	memset(out, 0, sizeof(*out));
	concurrency_restore(arena, json_get_exact(root, STR("concurrency")), out);
	throttle_restore(arena, json_get_exact(root, STR("throttle")), out);
	rate_limit_restore(arena, json_get_exact(root, STR("rateLimit")), out);
	debounce_restore(arena, json_get_exact(root, STR("debounce")), out);
	batch_restore(arena, json_get_exact(root, STR("batchEvents")), out);
	out->priority = stored_text(arena, json_get_exact(root, STR("priority")), STR("run"));
	singleton_restore(arena, json_get_exact(root, STR("singleton")), out);
}
