// From the JSON of one function to struct function_input (spec 01 §5.3, §10).
#include "base/clock.h"
#include "model/function_input.h"
#include "model/members.h"
#include "model/utf8.h"

#define MEMBER(name, type) \
	{ STR_INIT(name), MEMBER_##type }
#define RULES(rules) (rules), sizeof(rules) / sizeof((rules)[0])

static const struct member_rule function_members[] = {
	MEMBER("id", STRING),         MEMBER("name", STRING),        MEMBER("triggers", ARRAY),
	MEMBER("steps", OBJECT),      MEMBER("retries", INTEGER),    MEMBER("concurrency", ANY),
	MEMBER("rateLimit", OBJECT),  MEMBER("idempotency", STRING), MEMBER("throttle", OBJECT),
	MEMBER("debounce", OBJECT),   MEMBER("batchEvents", OBJECT), MEMBER("priority", OBJECT),
	MEMBER("cancel", ARRAY),      MEMBER("timeouts", OBJECT),    MEMBER("singleton", OBJECT),
	MEMBER("checkpoint", OBJECT),
};
enum {
	FN_ID,
	FN_NAME,
	FN_TRIGGERS,
	FN_STEPS,
	FN_RETRIES,
	FN_CONCURRENCY,
	FN_RATE_LIMIT,
	FN_IDEMPOTENCY,
	FN_THROTTLE,
	FN_DEBOUNCE,
	FN_BATCH,
	FN_PRIORITY,
	FN_CANCEL,
	FN_TIMEOUTS,
	FN_SINGLETON,
	FN_CHECKPOINT,
	FN_MEMBERS
};

struct optional_text optional_text_make(yyjson_val *value) {
	return (struct optional_text){json_str(value), yyjson_is_str(value)};
}

static enum err unsigned_check(yyjson_val *value, const char *what, struct error *error) {
	if (input_integer(value) >= 0) return ERR_OK;
	return error_set(error, ERR_INVALID, "%s should not be negative", what);
}

// Elements of an array may be null, which is an empty object.
static enum err element_check(yyjson_val *value, const char *what, struct error *error) {
	if (yyjson_is_obj(value) || yyjson_is_null(value)) return ERR_OK;
	return error_set(error, ERR_INVALID, "%s should be an object, got %s", what, json_type_text(value));
}

static enum err trigger_decode(yyjson_val *value, struct trigger_input *out, struct error *error) {
	static const struct member_rule rules[] = {MEMBER("event", ANY), MEMBER("expression", ANY), MEMBER("cron", ANY),
						   MEMBER("jitter", ANY)};
	yyjson_val *m[4];
	enum err err = element_check(value, "a trigger", error);
	if (err == ERR_OK) err = members_read(value, RULES(rules), m, "trigger ", error);
	for (size_t i = 0; err == ERR_OK && i < 4; i++) {
		if (m[i] == NULL || yyjson_is_str(m[i]) || yyjson_is_null(m[i])) continue;
		err = error_set(error, ERR_INVALID, "trigger %s should be a string, got %s", rules[i].name.ptr,
				json_type_text(m[i]));
	}
	if (err != ERR_OK) return err;
	out->is_event = m[0] != NULL || m[1] != NULL; // null counts as present here
	out->is_cron = m[2] != NULL || m[3] != NULL;
	out->event = json_str(m[0]);
	out->expression = optional_text_make(m[1]);
	out->cron = json_str(m[2]);
	out->jitter = optional_text_make(m[3]);
	return ERR_OK;
}

static enum err triggers_decode(struct arena *arena, yyjson_val *value, struct function_input *out,
				struct error *error) {
	out->has_triggers = value != NULL;
	out->triggers = ARENA_ARRAY(arena, struct trigger_input, yyjson_arr_size(value));
	yyjson_arr_iter iter = yyjson_arr_iter_with(value);
	for (yyjson_val *element; (element = yyjson_arr_iter_next(&iter)) != NULL;) {
		enum err err = trigger_decode(element, &out->triggers[out->trigger_count++], error);
		if (err != ERR_OK) return err;
	}
	return ERR_OK;
}

static enum err step_decode(yyjson_val *value, struct step_input *out, struct error *error) {
	static const struct member_rule rules[] = {MEMBER("id", STRING), MEMBER("name", STRING),
						   MEMBER("runtime", OBJECT), MEMBER("retries", OBJECT)};
	static const struct member_rule retries_rules[] = {MEMBER("attempts", INTEGER)};
	yyjson_val *m[4];
	yyjson_val *attempts;
	enum err err = element_check(value, "a step", error);
	if (err == ERR_OK) err = members_read(value, RULES(rules), m, "step ", error);
	if (err == ERR_OK) err = members_read(m[3], RULES(retries_rules), &attempts, "step retries.", error);
	if (err != ERR_OK) return err;
	out->id = json_str(m[0]);
	out->name = json_str(m[1]);
	out->url = optional_text_make(json_get_exact(m[2], STR("url")));
	out->has_retries = m[3] != NULL;
	out->retries = input_integer(attempts);
	return ERR_OK;
}

static enum err steps_decode(struct arena *arena, yyjson_val *value, struct function_input *out, struct error *error) {
	out->steps = ARENA_ARRAY(arena, struct step_input, yyjson_obj_size(value));
	yyjson_obj_iter iter = yyjson_obj_iter_with(value);
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		enum err err = step_decode(yyjson_obj_iter_get_val(key), &out->steps[out->step_count++], error);
		if (err != ERR_OK) return err;
	}
	return ERR_OK;
}

static enum err rate_limit_decode(yyjson_val *value, yyjson_val *idempotency, struct function_input *out,
				  struct error *error) {
	static const struct member_rule rules[] = {MEMBER("limit", INTEGER), MEMBER("period", STRING),
						   MEMBER("key", STRING)};
	yyjson_val *m[3];
	enum err err = members_read(value, RULES(rules), m, "rateLimit.", error);
	if (err == ERR_OK) err = unsigned_check(m[0], "rateLimit.limit", error);
	if (err != ERR_OK) return err;
	out->rate_limit.present = value != NULL || idempotency != NULL;
	out->rate_limit.limit = idempotency != NULL ? 1 : input_integer(m[0]);
	out->rate_limit.period = idempotency != NULL ? STR("24h0m0s") : json_str(m[1]);
	out->rate_limit.key = optional_text_make(idempotency != NULL ? idempotency : m[2]);
	return ERR_OK;
}

static enum err throttle_decode(yyjson_val *value, struct function_input *out, struct error *error) {
	static const struct member_rule rules[] = {MEMBER("limit", INTEGER), MEMBER("period", STRING),
						   MEMBER("burst", INTEGER), MEMBER("key", STRING)};
	yyjson_val *m[4];
	if (value == NULL) return ERR_OK;
	enum err err = members_read(value, RULES(rules), m, "throttle.", error);
	if (err == ERR_OK) err = unsigned_check(m[0], "throttle.limit", error);
	if (err == ERR_OK) err = unsigned_check(m[2], "throttle.burst", error);
	if (err == ERR_OK) err = duration_parse(json_str(m[1]), &out->throttle.period_ns, error);
	if (err != ERR_OK) return err;
	out->throttle.present = true;
	out->throttle.limit = input_integer(m[0]) == 0 ? 1 : input_integer(m[0]);
	out->throttle.burst = input_integer(m[2]);
	out->throttle.key = optional_text_make(m[3]);
	if (out->throttle.period_ns < 0) out->throttle.period_ns = 0;
	return ERR_OK;
}

static enum err debounce_decode(yyjson_val *value, struct function_input *out, struct error *error) {
	static const struct member_rule rules[] = {MEMBER("period", STRING), MEMBER("key", STRING),
						   MEMBER("timeout", STRING)};
	yyjson_val *m[3];
	enum err err = members_read(value, RULES(rules), m, "debounce.", error);
	if (err != ERR_OK) return err;
	out->debounce.present = value != NULL;
	out->debounce.period = json_str(m[0]);
	out->debounce.key = optional_text_make(m[1]);
	if (out->debounce.key.text.len == 0) out->debounce.key.present = false;
	out->debounce.timeout = optional_text_make(m[2]);
	return ERR_OK;
}

static enum err priority_decode(yyjson_val *value, struct function_input *out, struct error *error) {
	static const struct member_rule rules[] = {MEMBER("run", STRING)};
	yyjson_val *run;
	enum err err = members_read(value, RULES(rules), &run, "priority.", error);
	if (err != ERR_OK) return err;
	out->priority.present = value != NULL;
	out->priority.run = optional_text_make(run);
	return ERR_OK;
}

static enum err cancels_decode(struct arena *arena, yyjson_val *value, struct function_input *out,
			       struct error *error) {
	static const struct member_rule rules[] = {MEMBER("event", STRING), MEMBER("if", STRING),
						   MEMBER("timeout", STRING)};
	out->cancels = ARENA_ARRAY(arena, struct cancel_input, yyjson_arr_size(value));
	yyjson_arr_iter iter = yyjson_arr_iter_with(value);
	for (yyjson_val *element; (element = yyjson_arr_iter_next(&iter)) != NULL;) {
		yyjson_val *m[3];
		enum err err = element_check(element, "a cancellation", error);
		if (err == ERR_OK) err = members_read(element, RULES(rules), m, "cancel.", error);
		if (err != ERR_OK) return err;
		out->cancels[out->cancel_count++] =
			(struct cancel_input){json_str(m[0]), optional_text_make(m[1]), optional_text_make(m[2])};
	}
	return ERR_OK;
}

static enum err timeouts_decode(yyjson_val *value, struct function_input *out, struct error *error) {
	static const struct member_rule rules[] = {MEMBER("start", STRING), MEMBER("finish", STRING)};
	yyjson_val *m[2];
	enum err err = members_read(value, RULES(rules), m, "timeouts.", error);
	if (err != ERR_OK) return err;
	out->timeouts.present = value != NULL;
	out->timeouts.start = optional_text_make(m[0]);
	out->timeouts.finish = optional_text_make(m[1]);
	return ERR_OK;
}

static enum err singleton_decode(yyjson_val *value, struct function_input *out, struct error *error) {
	static const struct member_rule rules[] = {MEMBER("mode", STRING), MEMBER("key", STRING)};
	static const char *const modes[] = {"skip", "cancel"};
	yyjson_val *m[2];
	if (value == NULL) return ERR_OK;
	enum err err = members_read(value, RULES(rules), m, "singleton.", error);
	if (err != ERR_OK) return err;
	out->singleton.present = true;
	out->singleton.mode = m[0] == NULL ? modes[0] : NULL;
	for (size_t i = 0; i < 2 && m[0] != NULL; i++) {
		if (str_eq_nocase(json_str(m[0]), str_from_cstr(modes[i]))) out->singleton.mode = modes[i];
	}
	if (out->singleton.mode == NULL)
		return error_set(error, ERR_INVALID, "%.*s does not belong to SingletonMode values",
				 STR_ARG(utf8_clip(json_str(m[0]), 256)));
	out->singleton.key = optional_text_make(m[1]);
	return ERR_OK;
}

// Grammar E, or a number of nanoseconds; blank and null are 0.
static enum err checkpoint_duration(yyjson_val *value, const char *what, int64_t *out, struct error *error) {
	*out = 0;
	if (value == NULL || yyjson_is_null(value)) return ERR_OK;
	if (yyjson_is_num(value)) {
		double number = yyjson_get_num(value);
		if (!(number > -9.2e18 && number < 9.2e18))
			return error_set(error, ERR_INVALID, "%s is out of range", what);
		*out = yyjson_is_real(value) ? (int64_t)number : input_integer(value);
	} else if (!yyjson_is_str(value)) {
		return error_set(error, ERR_INVALID, "%s should be a duration, got %s", what, json_type_text(value));
	} else if (str_trim(json_str(value)).len > 0) {
		enum err err = duration_parse(json_str(value), out, error);
		if (err != ERR_OK) return err;
	}
	if (*out < 0) *out = 0;
	return ERR_OK;
}

static enum err checkpoint_decode(yyjson_val *value, struct function_input *out, struct error *error) {
	static const struct member_rule rules[] = {MEMBER("batch_steps", INTEGER), MEMBER("batch_interval", ANY),
						   MEMBER("max_runtime", ANY)};
	yyjson_val *m[3];
	enum err err = members_read(value, RULES(rules), m, "checkpoint.", error);
	if (err == ERR_OK)
		err = checkpoint_duration(m[1], "checkpoint.batch_interval", &out->checkpoint.batch_interval_ns, error);
	if (err == ERR_OK)
		err = checkpoint_duration(m[2], "checkpoint.max_runtime", &out->checkpoint.max_runtime_ns, error);
	out->checkpoint.present = value != NULL;
	if (err == ERR_OK) out->checkpoint.batch_steps = input_integer(m[0]);
	return err;
}

enum err function_decode(struct arena *arena, yyjson_val *value, struct function_input *out, struct error *error) {
	yyjson_val *m[FN_MEMBERS];
	memset(out, 0, sizeof(*out));
	enum err err = element_check(value, "a function", error);
	if (err == ERR_OK) err = members_read(value, RULES(function_members), m, "", error);
	if (err != ERR_OK) return err;
	out->name = json_str(m[FN_NAME]);
	out->slug = json_str(m[FN_ID]);
	if (out->slug.len == 0) out->slug = slug_from_name(arena, out->name);
	out->has_retries = m[FN_RETRIES] != NULL;
	out->retries = input_integer(m[FN_RETRIES]);
	out->batch.source = m[FN_BATCH];
	out->batch.present = m[FN_BATCH] != NULL;
	err = triggers_decode(arena, m[FN_TRIGGERS], out, error);
	if (err == ERR_OK) err = steps_decode(arena, m[FN_STEPS], out, error);
	if (err == ERR_OK) err = concurrency_decode(arena, m[FN_CONCURRENCY], &out->concurrency, error);
	if (err == ERR_OK) err = rate_limit_decode(m[FN_RATE_LIMIT], m[FN_IDEMPOTENCY], out, error);
	if (err == ERR_OK) err = throttle_decode(m[FN_THROTTLE], out, error);
	if (err == ERR_OK) err = debounce_decode(m[FN_DEBOUNCE], out, error);
	if (err == ERR_OK) err = priority_decode(m[FN_PRIORITY], out, error);
	if (err == ERR_OK) err = cancels_decode(arena, m[FN_CANCEL], out, error);
	if (err == ERR_OK) err = timeouts_decode(m[FN_TIMEOUTS], out, error);
	if (err == ERR_OK) err = singleton_decode(m[FN_SINGLETON], out, error);
	if (err == ERR_OK) err = checkpoint_decode(m[FN_CHECKPOINT], out, error);
	return err;
}
