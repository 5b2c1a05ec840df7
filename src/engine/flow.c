// The expressions of a function's flow control: compiled with its configuration, evaluated over an event (04 §A4).
#include "engine/engine_internal.h"

#define PRIORITY_MAX_S 43200 // 04 §A9

// ---- configuration -------------------------------------------------------------------------------------------------

struct key {
	struct str text;
	const struct cel_program **program;
	uint64_t *hash; // of the text; NULL: not wanted
};

static void compile(struct function *function, const struct key *key) {
	if (key->hash != NULL) *key->hash = hash_xxh64(key->text);
	if (key->text.len > 0) *key->program = cel_compile(&function->arena, key->text, CEL_EVALUATE, NULL);
	if (*key->program != NULL && finish_lacks(*key->program)) function->flow.lack = true;
}

// Functions that put events aside want them whole.
static bool puts_aside(const struct flow_control *flow) {
	return flow->debounce.period_ms > 0 || flow->batch.size_max > 0;
}

void flow_compile(struct function *function) {
	const struct flow_control *flow = &function->config.flow;
	struct flow_programs *out = &function->flow;
	*out = (struct flow_programs){.lack = puts_aside(flow)};
	function->call_limit = UINT32_MAX;
	for (size_t i = 0; i < flow->step_count; i++) {
		const struct concurrency_limit *limit = &flow->steps[i];
		compile(function, &(struct key){limit->key, &out->calls[i], &out->calls_hash[i]});
		if (limit->key.len == 0 && limit->limit > 0 && limit->limit < function->call_limit)
			function->call_limit = limit->limit;
	}
	const struct key keys[] = {
		{flow->runs.key, &out->runs, &out->runs_hash},
		{flow->throttle.key, &out->throttle, &out->throttle_hash},
		{flow->rate_limit.key, &out->rate_limit, NULL},
		{flow->debounce.key, &out->debounce, NULL},
		{flow->batch.key, &out->batch_key, NULL},
		{flow->batch.condition, &out->batch_if, NULL},
		{flow->priority, &out->priority, NULL},
		{flow->singleton.key, &out->singleton, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) compile(function, &keys[i]);
}

// ---- values --------------------------------------------------------------------------------------------------------

enum key_result flow_key(struct engine *engine, struct event_form *form, const struct cel_program *program,
			 struct str *out) {
	*out = STR("it does not compile");
	if (program == NULL) return KEY_ERROR; // passed registration unchecked
	struct cel_value value = event_form_eval(engine, form, program);
	struct buf text;
	buf_init(&text, UINT32_MAX);
	if (value.type == CEL_ERROR)
		cel_error_text(&text, &value);
	else
		cel_text(&text, &value);
	*out = arena_dup(&engine->batch->arena, buf_view(&text));
	buf_free(&text);
	if (value.type == CEL_ERROR) return KEY_ERROR;
	return value.type == CEL_BOOL && !value.boolean ? KEY_FALSE : KEY_VALUE;
}

// Of integers only: a number of an event is none.
int32_t flow_priority(struct engine *engine, const struct function *function, struct event_form *form) {
	if (function->flow.priority == NULL) return 0;
	struct cel_value value = event_form_eval(engine, form, function->flow.priority);
	if (value.type != CEL_INT) return 0;
	if (value.integer > PRIORITY_MAX_S) return PRIORITY_MAX_S;
	return value.integer < -PRIORITY_MAX_S ? -PRIORITY_MAX_S : (int32_t)value.integer;
}

struct event_key event_key_make(unsigned tag, const struct uuid *owner, struct str value) {
	struct buf text;
	buf_init(&text, SIZE_MAX);
	buf_append(&text, &tag, sizeof tag);
	buf_append(&text, owner->bytes, sizeof owner->bytes);
	buf_str(&text, value);
	uint8_t digest[32];
	hash_sha256(buf_view(&text), digest);
	buf_free(&text);
	struct event_key key;
	memcpy(&key.a, digest, sizeof key.a);
	memcpy(&key.b, digest + sizeof key.a, sizeof key.b);
	return key;
}

uint64_t flow_id(unsigned tag, const struct uuid *owner, uint64_t key_hash, struct str value) {
	uint64_t parts[5] = {tag, 0, 0, key_hash, hash_xxh64(value)};
	memcpy(&parts[1], owner->bytes, sizeof owner->bytes);
	return hash_bytes(parts, sizeof parts);
}
