// The stored form of a function: written from what an SDK sent, and read back (spec 01 §12).
#include "base/clock.h"
#include "base/hash.h"
#include "model/function_input.h"
#include "model/limits.h"

// Begins a member: the comma is written unless the object has just been opened.
static void key_write(struct buf *out, const char *name) {
	if (out->len > 0 && out->ptr[out->len - 1] != '{') buf_byte(out, ',');
	buf_json_str(out, str_from_cstr(name));
	buf_byte(out, ':');
}

static void text_member(struct buf *out, const char *name, struct str text) {
	key_write(out, name);
	buf_json_str(out, text);
}

static void optional_member(struct buf *out, const char *name, struct optional_text text) {
	if (text.present) text_member(out, name, text.text);
}

static void integer_member(struct buf *out, const char *name, int64_t value) {
	key_write(out, name);
	buf_i64(out, value);
}

static void duration_member(struct buf *out, const char *name, int64_t ns) {
	struct buf text;
	buf_init(&text, 128);
	duration_format(&text, ns);
	text_member(out, name, buf_view(&text));
	buf_free(&text);
}

// Comma before every element but the first.
static void element_begin(struct buf *out) {
	if (out->ptr[out->len - 1] != '[') buf_byte(out, ',');
	buf_byte(out, '{');
}

static void batch_write(struct buf *out, const struct function_input *in) {
	if (!in->batch.present) return;
	key_write(out, "batchEvents");
	buf_byte(out, '{');
	optional_member(out, "if", in->batch.condition);
	optional_member(out, "key", in->batch.key);
	integer_member(out, "maxSize", in->batch.size_max);
	text_member(out, "timeout", in->batch.timeout);
	buf_byte(out, '}');
}

static void cancel_write(struct buf *out, const struct function_input *in) {
	if (in->cancel_count == 0) return;
	key_write(out, "cancel");
	buf_byte(out, '[');
	for (size_t i = 0; i < in->cancel_count; i++) {
		element_begin(out);
		text_member(out, "event", in->cancels[i].event);
		optional_member(out, "if", in->cancels[i].condition);
		optional_member(out, "timeout", in->cancels[i].timeout);
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
}

static void checkpoint_write(struct buf *out, const struct function_input *in) {
	if (!in->checkpoint.present) return;
	key_write(out, "checkpoint");
	buf_byte(out, '{');
	if (in->checkpoint.batch_interval_ns > 0)
		duration_member(out, "batch_interval", in->checkpoint.batch_interval_ns);
	if (in->checkpoint.batch_steps != 0) integer_member(out, "batch_steps", in->checkpoint.batch_steps);
	if (in->checkpoint.max_runtime_ns > 0) duration_member(out, "max_runtime", in->checkpoint.max_runtime_ns);
	buf_byte(out, '}');
}

// The id that a keyed limit gets when it has none: base 36 of the key's hash.
static void hash_member(struct buf *out, const char *name, struct str given, struct optional_text key) {
	char text[BASE36_LEN + 1] = "";
	size_t len = given.len == 0 && key.present ? base36_text(hash_xxh64(key.text), text) : 0;
	text_member(out, name, given.len > 0 ? given : str_make(text, len));
}

static void step_limits_write(struct buf *out, const struct concurrency_input *in) {
	static const char *const scopes[SCOPE_COUNT] = {"Fn", "Env", "Account"};
	buf_byte(out, '[');
	for (size_t i = 0; i < in->step_count; i++) {
		const struct step_limit *limit = &in->steps[i];
		element_begin(out);
		hash_member(out, "hash", limit->hash, limit->key);
		optional_member(out, "key", limit->key);
		integer_member(out, "limit", limit->limit < 0 ? 0 : limit->limit);
		text_member(out, "scope", str_from_cstr(scopes[limit->scope]));
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
}

static void function_limits_write(struct buf *out, const struct concurrency_input *in) {
	buf_byte(out, '[');
	for (size_t i = 0; i < in->function_count; i++) {
		const struct function_limit *limit = &in->functions[i];
		element_begin(out);
		if (limit->id.len > 0 || limit->key.present) hash_member(out, "id", limit->id, limit->key);
		optional_member(out, "key", limit->key);
		integer_member(out, "limit", limit->limit);
		if (limit->scope.len > 0) text_member(out, "scope", limit->scope);
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
}

static void concurrency_write(struct buf *out, const struct function_input *in) {
	const struct concurrency_input *concurrency = &in->concurrency;
	if (!concurrency->present) return;
	key_write(out, "concurrency");
	if (concurrency->unreadable) {
		buf_lit(out, "null");
	} else if (concurrency->function_count == 0) {
		step_limits_write(out, concurrency);
	} else {
		buf_byte(out, '{');
		key_write(out, "fn");
		function_limits_write(out, concurrency);
		if (concurrency->step_count > 0) {
			key_write(out, "step");
			step_limits_write(out, concurrency);
		}
		buf_byte(out, '}');
	}
}

static void debounce_write(struct buf *out, const struct function_input *in) {
	if (!in->debounce.present) return;
	key_write(out, "debounce");
	buf_byte(out, '{');
	optional_member(out, "key", in->debounce.key);
	text_member(out, "period", in->debounce.period);
	optional_member(out, "timeout", in->debounce.timeout);
	buf_byte(out, '}');
}

static void priority_write(struct buf *out, const struct function_input *in) {
	if (!in->priority.present) return;
	key_write(out, "priority");
	buf_byte(out, '{');
	key_write(out, "run");
	if (in->priority.run.present) {
		buf_json_str(out, in->priority.run.text);
	} else {
		buf_lit(out, "null");
	}
	buf_byte(out, '}');
}

static void rate_limit_write(struct buf *out, const struct function_input *in) {
	if (!in->rate_limit.present) return;
	key_write(out, "rateLimit");
	buf_byte(out, '{');
	optional_member(out, "key", in->rate_limit.key);
	integer_member(out, "limit", in->rate_limit.limit);
	text_member(out, "period", in->rate_limit.period);
	buf_byte(out, '}');
}

static void singleton_write(struct buf *out, const struct function_input *in) {
	if (!in->singleton.present) return;
	key_write(out, "singleton");
	buf_byte(out, '{');
	if (in->singleton.key.text.len > 0) text_member(out, "key", in->singleton.key.text);
	text_member(out, "mode", str_from_cstr(in->singleton.mode));
	buf_byte(out, '}');
}

// Retries of a step: its own, else the function's; false when neither says so.
static bool retries_resolve(const struct function_input *in, const struct step_input *step, int *out) {
	int64_t retries = step->has_retries ? step->retries : in->retries;
	*out = retries < 0 ? 0 : retries > FUNCTION_RETRIES_MAX ? FUNCTION_RETRIES_MAX : (int)retries;
	return step->has_retries || in->has_retries;
}

static void steps_write(struct buf *out, const struct function_input *in) {
	key_write(out, "steps");
	buf_byte(out, '[');
	for (size_t i = 0; i < in->step_count; i++) {
		int retries;
		element_begin(out);
		text_member(out, "id", in->steps[i].id);
		text_member(out, "name", in->steps[i].name);
		if (retries_resolve(in, &in->steps[i], &retries)) integer_member(out, "retries", retries);
		text_member(out, "uri", in->steps[i].uri);
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
}

static void throttle_write(struct buf *out, const struct function_input *in) {
	if (!in->throttle.present) return;
	key_write(out, "throttle");
	buf_byte(out, '{');
	integer_member(out, "burst", in->throttle.burst);
	if (in->throttle.key.text.len > 0) text_member(out, "key", in->throttle.key.text);
	integer_member(out, "limit", in->throttle.limit);
	duration_member(out, "period", in->throttle.period_ns);
	buf_byte(out, '}');
}

static void timeouts_write(struct buf *out, const struct function_input *in) {
	if (!in->timeouts.present) return;
	key_write(out, "timeouts");
	buf_byte(out, '{');
	optional_member(out, "finish", in->timeouts.finish);
	optional_member(out, "start", in->timeouts.start);
	buf_byte(out, '}');
}

static void triggers_write(struct buf *out, const struct function_input *in) {
	key_write(out, "triggers");
	if (!in->has_triggers) {
		buf_lit(out, "null");
		return;
	}
	buf_byte(out, '[');
	for (size_t i = 0; i < in->trigger_count; i++) {
		const struct trigger_input *trigger = &in->triggers[i];
		element_begin(out);
		if (trigger->is_cron) {
			text_member(out, "cron", trigger->cron);
			optional_member(out, "jitter", trigger->jitter);
		} else {
			text_member(out, "event", trigger->event);
			optional_member(out, "expression", trigger->expression);
		}
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
}

// In the order of the member names.
static void members_write(struct buf *out, const struct function_input *in) {
	batch_write(out, in);
	cancel_write(out, in);
	checkpoint_write(out, in);
	concurrency_write(out, in);
	debounce_write(out, in);
	text_member(out, "name", in->name);
	priority_write(out, in);
	rate_limit_write(out, in);
	singleton_write(out, in);
	text_member(out, "slug", in->slug);
	steps_write(out, in);
	throttle_write(out, in);
	timeouts_write(out, in);
	triggers_write(out, in);
}

static void triggers_copy(struct arena *arena, const struct function_input *in, struct function_config *out) {
	out->trigger_count = in->trigger_count;
	out->triggers = ARENA_ARRAY(arena, struct trigger, in->trigger_count);
	for (size_t i = 0; i < in->trigger_count; i++) {
		const struct trigger_input *trigger = &in->triggers[i];
		out->triggers[i] = (struct trigger){
			arena_dup(arena, trigger->event),
			arena_dup(arena, trigger->expression.text),
			arena_dup(arena, trigger->cron),
			arena_dup(arena, trigger->jitter.text),
		};
	}
}

void function_config_build(struct arena *arena, const struct function_input *in, struct function_config *out) {
	struct buf members;
	memset(out, 0, sizeof(*out));
	buf_init(&members, SIZE_MAX / 2);
	members_write(&members, in);
	out->config_members = arena_dup(arena, buf_view(&members));
	buf_free(&members);
	out->name = arena_dup(arena, in->name);
	out->slug = arena_dup(arena, in->slug);
	out->retries = FUNCTION_RETRIES_DEFAULT;
	if (in->step_count > 0) {
		int retries;
		out->uri = arena_dup(arena, in->steps[0].uri);
		if (retries_resolve(in, &in->steps[0], &retries)) out->retries = retries;
	}
	out->derived_id = uuid_v5(arena_cat(arena, out->name, out->uri));
	triggers_copy(arena, in, out);
}
