// What a dashboard shows of a function's settings.
#include "model/function_view.h"

#include "base/clock.h"
#include "model/function_input.h"

static int64_t number(yyjson_val *object, struct str name, int64_t otherwise) {
	yyjson_val *value = json_get_exact(object, name);
	if (yyjson_is_uint(value)) return yyjson_get_uint(value) > INT64_MAX ? INT64_MAX : yyjson_get_sint(value);
	return yyjson_is_sint(value) ? yyjson_get_sint(value) : otherwise;
}

static size_t list_size(yyjson_val *list) {
	size_t size = yyjson_arr_size(list);
	return size < FUNCTION_VIEW_LIST_MAX ? size : FUNCTION_VIEW_LIST_MAX;
}

static void triggers_read(struct arena *arena, yyjson_val *list, struct function_view *out) {
	size_t size = list_size(list);
	out->triggers = ARENA_ARRAY(arena, struct view_trigger, size);
	yyjson_arr_iter iter = yyjson_arr_iter_with(list);
	while (out->trigger_count < size) {
		yyjson_val *value = yyjson_arr_iter_next(&iter);
		struct view_trigger *trigger = &out->triggers[out->trigger_count++];
		trigger->value = stored_text(arena, value, STR("cron"));
		trigger->is_cron = trigger->value.len > 0;
		if (trigger->is_cron) continue;
		trigger->value = stored_text(arena, value, STR("event"));
		trigger->condition = stored_text(arena, value, STR("expression"));
	}
}

static void step_read(struct arena *arena, yyjson_val *step, struct function_view *out) {
	out->url = stored_text(arena, step, STR("uri"));
	out->retries = number(step, STR("retries"), FUNCTION_RETRIES_DEFAULT);
	out->retries_default = out->retries == FUNCTION_RETRIES_DEFAULT;
}

// ---- concurrency: a number, a limit, a list of limits, or the lists of runs and of steps ---------------------------

static void limit_add(struct arena *arena, yyjson_val *value, struct function_view *out) {
	struct view_limit limit = {.scope = SCOPE_FN, .key = stored_text(arena, value, STR("key"))};
	struct str scope = json_str(json_get_exact(value, STR("scope")));
	if (scope.len > 0 && !concurrency_scope_read(scope, &limit.scope)) return;
	limit.value = yyjson_is_int(value) ? yyjson_get_sint(value) : number(value, STR("limit"), 0);
	limit.is_plan_limit = limit.value == -1;
	out->concurrency[out->concurrency_count++] = limit;
	if (limit.scope == SCOPE_FN && limit.key.len == 0 && out->concurrency_limit == 0 && limit.value > 0)
		out->concurrency_limit = limit.value;
}

static void limits_add(struct arena *arena, yyjson_val *list, struct function_view *out) {
	size_t left = list_size(list);
	yyjson_arr_iter iter = yyjson_arr_iter_with(list);
	for (; left > 0; left--) limit_add(arena, yyjson_arr_iter_next(&iter), out);
}

static void concurrency_read(struct arena *arena, yyjson_val *value, struct function_view *out) {
	yyjson_val *runs = json_get_exact(value, STR("fn"));
	yyjson_val *steps = yyjson_is_arr(value) ? value : json_get_exact(value, STR("step"));
	out->concurrency = ARENA_ARRAY(arena, struct view_limit, list_size(runs) + list_size(steps) + 1);
	limits_add(arena, runs, out);
	limits_add(arena, steps, out);
	bool is_single = yyjson_is_int(value) || (yyjson_is_obj(value) && json_get_exact(value, STR("limit")) != NULL);
	if (is_single) limit_add(arena, value, out);
	if (out->concurrency_count > 0) return;
	out->concurrency[0] = (struct view_limit){.scope = SCOPE_ACCOUNT, .value = -1, .is_plan_limit = true};
	out->concurrency_count = 1;
}

// ---- the other settings --------------------------------------------------------------------------------------------

static struct str go_duration(struct arena *arena, struct str text) {
	int64_t ns;
	struct error unused;
	if (duration_parse(text, &ns, &unused) != ERR_OK) return text;
	struct buf buf;
	buf_init(&buf, 64);
	duration_format_go(&buf, ns);
	struct str formatted = arena_dup(arena, buf_view(&buf));
	buf_free(&buf);
	return formatted;
}

static void rates_read(struct arena *arena, yyjson_val *root, struct function_view *out) {
	yyjson_val *value = json_get_exact(root, STR("rateLimit"));
	out->has_rate_limit = yyjson_is_obj(value);
	out->rate_limit.limit = number(value, STR("limit"), 0);
	out->rate_limit.period = stored_text(arena, value, STR("period"));
	out->rate_limit.key = stored_text(arena, value, STR("key"));
	value = json_get_exact(root, STR("throttle"));
	out->has_throttle = yyjson_is_obj(value);
	out->throttle.limit = number(value, STR("limit"), 0);
	out->throttle.burst = number(value, STR("burst"), 0);
	out->throttle.period = go_duration(arena, stored_text(arena, value, STR("period")));
	out->throttle.key = stored_text(arena, value, STR("key"));
	value = json_get_exact(root, STR("debounce"));
	out->has_debounce = yyjson_is_obj(value);
	out->debounce.period = stored_text(arena, value, STR("period"));
	out->debounce.key = stored_text(arena, value, STR("key"));
}

static void batch_read(struct arena *arena, yyjson_val *value, struct function_view *out) {
	out->has_batch = yyjson_is_obj(value);
	out->batch.size_max = number(value, STR("maxSize"), 0);
	out->batch.timeout = stored_text(arena, value, STR("timeout"));
	out->batch.key = stored_text(arena, value, STR("key"));
}

static void singleton_read(struct arena *arena, yyjson_val *value, struct function_view *out) {
	out->has_singleton = yyjson_is_obj(value);
	if (!out->has_singleton) return;
	bool cancels = str_eq_nocase(json_str(json_get_exact(value, STR("mode"))), STR("cancel"));
	out->singleton.mode = cancels ? SINGLETON_CANCEL : SINGLETON_SKIP;
	out->singleton.key = stored_text(arena, value, STR("key"));
}

static void cancellations_read(struct arena *arena, yyjson_val *list, struct function_view *out) {
	size_t size = list_size(list);
	out->cancellations = ARENA_ARRAY(arena, struct view_cancellation, size);
	yyjson_arr_iter iter = yyjson_arr_iter_with(list);
	while (out->cancellation_count < size) {
		yyjson_val *value = yyjson_arr_iter_next(&iter);
		out->cancellations[out->cancellation_count++] = (struct view_cancellation){
			.event = stored_text(arena, value, STR("event")),
			.timeout = stored_text(arena, value, STR("timeout")),
			.condition = stored_text(arena, value, STR("if")),
		};
	}
}

void function_view_read(struct arena *arena, struct str config, struct function_view *out) {
	memset(out, 0, sizeof *out);
	yyjson_doc *doc = json_read(config, false, NULL, NULL);
	yyjson_val *root = yyjson_doc_get_root(doc);
	step_read(arena, yyjson_arr_get_first(json_get_exact(root, STR("steps"))), out);
	triggers_read(arena, json_get_exact(root, STR("triggers")), out);
	concurrency_read(arena, json_get_exact(root, STR("concurrency")), out);
	out->priority = stored_text(arena, json_get_exact(root, STR("priority")), STR("run"));
	rates_read(arena, root, out);
	batch_read(arena, json_get_exact(root, STR("batchEvents")), out);
	singleton_read(arena, json_get_exact(root, STR("singleton")), out);
	cancellations_read(arena, json_get_exact(root, STR("cancel")), out);
	yyjson_doc_free(doc);
}
