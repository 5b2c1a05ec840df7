// A function as an SDK sent it: types checked, nothing else. Private to src/model.
//
// Texts borrow from the request's JSON document; arrays live in the arena of the decoding.
// The way of a function: function_decode → function_convert → function_validate → function_config_build.
#ifndef INNGEST_MODEL_FUNCTION_INPUT_H
#define INNGEST_MODEL_FUNCTION_INPUT_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "model/function.h"
#include "model/problem.h"

struct optional_text {
	struct str text;
	bool present;
};

struct trigger_input {
	bool is_event, is_cron; // which member names were there
	struct str event, cron;
	struct optional_text expression, jitter;
};

struct step_input {
	struct str id, name;
	struct optional_text url; // as sent
	struct str uri;           // normalised, by function_convert
	struct str scheme;        // empty when the URL cannot be read
	bool has_retries;
	int64_t retries;
};

struct step_limit {
	int64_t limit;
	enum concurrency_scope scope;
	struct optional_text key;
	struct str hash;
};
struct function_limit {
	int64_t limit;
	struct str scope; // as sent
	struct optional_text key;
	struct str id;
};
struct concurrency_input {
	bool present;
	bool unreadable; // a scalar that is no integer: no limit, stored as null
	struct step_limit *steps;
	size_t step_count;
	struct function_limit *functions;
	size_t function_count;
};

struct cancel_input {
	struct str event;
	struct optional_text condition, timeout;
};

struct function_input {
	struct str name, slug;
	bool has_triggers;
	struct trigger_input *triggers;
	size_t trigger_count;
	struct step_input *steps;
	size_t step_count;
	bool has_retries;
	int64_t retries;
	struct concurrency_input concurrency;
	struct {
		bool present;
		int64_t limit;
		struct str period;
		struct optional_text key;
	} rate_limit; // or made from the member idempotency
	struct {
		bool present;
		int64_t limit, burst;
		int64_t period_ns;
		struct optional_text key;
	} throttle;
	struct {
		bool present;
		struct str period;
		struct optional_text key, timeout;
	} debounce;
	struct {
		yyjson_val *source; // its members are read late, by function_convert
		bool present;
		int64_t size_max;
		struct str timeout;
		int64_t timeout_ns;
		struct optional_text key, condition;
	} batch;
	struct {
		bool present;
		struct optional_text run;
	} priority;
	struct cancel_input *cancels;
	size_t cancel_count;
	struct {
		bool present;
		struct optional_text start, finish;
	} timeouts;
	struct {
		bool present;
		const char *mode;
		struct optional_text key;
	} singleton;
	struct {
		bool present;
		int64_t batch_steps, batch_interval_ns, max_runtime_ns;
	} checkpoint;
};

// A wrong type, enumeration value or duration makes the whole request invalid.
ERR_CHECKED enum err function_decode(struct arena *arena, yyjson_val *value, struct function_input *out,
				     struct error *error);
// The member `concurrency` in all its shapes (01 §10.3).
ERR_CHECKED enum err concurrency_decode(struct arena *arena, yyjson_val *value, struct concurrency_input *out,
					struct error *error);
bool concurrency_scope_read(struct str text, enum concurrency_scope *out); // fn, env or account, in any case
struct optional_text optional_text_make(yyjson_val *value);                // a string, or nothing
// A MEMBER_INTEGER, 0 when it is absent.
static inline int64_t input_integer(yyjson_val *value) {
	return value == NULL ? 0 : yyjson_is_sint(value) ? yyjson_get_sint(value) : (int64_t)yyjson_get_uint(value);
}

// Stage 1 of 01 §11: false when it found a problem, then the function is done with.
bool function_convert(struct arena *arena, struct function_input *in, struct problems *problems);
// Stage 2.
void function_validate(const struct function_input *in, struct problems *problems);
// Everything in `out` is copied into the arena. Only for a function without problems.
void function_config_build(struct arena *arena, const struct function_input *in, struct function_config *out);

// ---- the way back, from the stored form ----------------------------------------------------------------------------

// What lasts longer than the document is copied into the arena.
void flow_control_restore(struct arena *arena, yyjson_val *root, struct flow_control *out);
struct str stored_text(struct arena *arena, yyjson_val *object, struct str name);
uint64_t stored_duration_ns(yyjson_val *object, struct str name); // 0 for what is no positive duration
static inline uint64_t ms_rounded_up(uint64_t ns) {
	return ns / 1000000 + (ns % 1000000 != 0);
}

#endif
