// What a function must be, in the order and the words of spec 01 §11. The keys of throttle and singleton are not looked
// at (§9.3).
#include "base/clock.h"
#include "model/cron.h"
#include "model/expression_check.h"
#include "model/function_input.h"
#include "model/limits.h"
#include "model/members.h"

#define SECOND_NS 1000000000ll
#define HOUR_NS (3600 * SECOND_NS)
#define DAY_NS (24 * HOUR_NS)
// Elements of one list that are looked at one by one. Every list that long is refused for its length as well.
#define ELEMENTS_MAX 100u

static size_t looked_at(size_t count) {
	return count < ELEMENTS_MAX ? count : ELEMENTS_MAX;
}

// --- Stage 1: conversion ---

static enum err batch_read(struct function_input *in, struct error *error) {
	static const struct member_rule rules[] = {{STR_INIT("maxSize"), MEMBER_INTEGER},
						   {STR_INIT("timeout"), MEMBER_STRING},
						   {STR_INIT("key"), MEMBER_STRING},
						   {STR_INIT("if"), MEMBER_STRING}};
	yyjson_val *m[4];
	enum err err = members_read(in->batch.source, rules, 4, m, "batchEvents.", error);
	if (err != ERR_OK) {
		error_prefix(error, "failed to decode batch config");
		return err;
	}
	in->batch.size_max = input_integer(m[0]);
	in->batch.timeout = json_str(m[1]);
	in->batch.key = optional_text_make(m[2]);
	in->batch.condition = optional_text_make(m[3]);
	err = duration_parse_go(in->batch.timeout, &in->batch.timeout_ns, error);
	if (err != ERR_OK) error_prefix(error, "failed to parse time duration");
	return err;
}

static struct str url_scheme(struct arena *arena, struct step_input *step) {
	bool valid;
	struct str scheme;
	struct str rest;
	step->uri = url_normalise(arena, step->url.text, &valid);
	return valid && str_cut(step->uri, ':', &scheme, &rest) ? scheme : STR("");
}

bool function_convert(struct arena *arena, struct function_input *in, struct problems *problems) {
	struct error error;
	if (in->batch.present && batch_read(in, &error) != ERR_OK) {
		PROBLEM_ADD(problems, PROBLEM_UNKNOWN, "%s", error.message);
		return false;
	}
	for (size_t i = 0; i < in->step_count; i++) {
		struct step_input *step = &in->steps[i];
		if (!step->url.present) {
			PROBLEM_ADD(problems, PROBLEM_UNKNOWN, "No SDK URL provided for function '%.*s'",
				    STR_ARG(problem_quote(in->name)));
			return false;
		}
		step->scheme = url_scheme(arena, step);
	}
	return true;
}

// --- Stage 2: validation ---

// A function under validation, and where its problems go.
struct check {
	const struct function_input *in;
	struct problems *problems;
};

#define REJECT(check, code, ...) PROBLEM_ADD((check)->problems, (code), __VA_ARGS__)

// Where an expression may stand, what is asked of it there, and what the message about a bad one begins with: `before`,
// what it quotes, `after`.
struct expression_place {
	enum expression_level level;
	const char *code;
	const char *before;
	const char *after;
};
static const struct expression_place step_key = {EXPRESSION_SYNTAX, PROBLEM_UNKNOWN, "Invalid concurrency key '",
						 "': "};
static const struct expression_place function_key = {EXPRESSION_SYNTAX, PROBLEM_UNKNOWN,
						     "invalid function concurrency key '", "': "};
static const struct expression_place trigger_if = {EXPRESSION_TYPED, PROBLEM_UNKNOWN, "invalid trigger expression on '",
						   "': "};
static const struct expression_place batch_key = {EXPRESSION_TYPED, "batch_key_expression_invalid",
						  "batch key expression is invalid: ", ""};
static const struct expression_place batch_if = {EXPRESSION_TYPED, "batch_if_expression_invalid",
						 "conditional batch expression is invalid ", ""};
static const struct expression_place priority_run = {EXPRESSION_SYNTAX, PROBLEM_UNKNOWN,
						     "Priority.Run expression is invalid: ", ""};
static const struct expression_place cancel_if = {EXPRESSION_RESTRICTIVE, PROBLEM_UNKNOWN,
						  "Cancellation expression is invalid: ", ""};
static const struct expression_place debounce_key = {EXPRESSION_TYPED, PROBLEM_UNKNOWN,
						     "Debounce expression is invalid: ", ""};
static const struct expression_place rate_limit_key = {EXPRESSION_TYPED, PROBLEM_UNKNOWN, "key is invalid: ", ""};

static bool expression_rejected(const struct check *check, const struct expression_place *place,
				struct optional_text expression, struct str quoted) {
	struct buf reason;
	buf_init(&reason, SIZE_MAX / 2);
	bool rejected = expression.present && !expression_check(expression.text, place->level, &reason);
	if (rejected)
		REJECT(check, place->code, "%s%.*s%s%.*s", place->before, STR_ARG(problem_quote(quoted)), place->after,
		       STR_ARG(buf_view(&reason)));
	buf_free(&reason);
	return rejected;
}

static bool step_limit_rejected(const struct check *check, const struct step_limit *limit) {
	static const char *const scopes[SCOPE_COUNT] = {NULL, "Env", "Account"};
	if (limit->scope != SCOPE_FN && !limit->key.present) {
		REJECT(check, PROBLEM_UNKNOWN, "A concurrency key must be specified for %s scoped limits",
		       scopes[limit->scope]);
		return true;
	}
	return expression_rejected(check, &step_key, limit->key, limit->key.text);
}

static void function_limit_check(const struct check *check, const struct function_limit *limit) {
	if (limit->limit <= 0) {
		REJECT(check, PROBLEM_UNKNOWN, "function concurrency limit must be > 0");
	} else if (expression_rejected(check, &function_key, limit->key, limit->key.text)) {
		return;
	} else if (str_eq(limit->scope, STR("app"))) {
		REJECT(check, PROBLEM_UNKNOWN, "app-scoped function concurrency cannot be set by users");
	} else if (limit->scope.len > 0 && !str_eq(limit->scope, STR("fn"))) {
		REJECT(check, PROBLEM_UNKNOWN, "invalid function concurrency scope: %.*s",
		       STR_ARG(problem_quote(limit->scope)));
	}
}

static void concurrency_check(const struct check *check) {
	const struct concurrency_input *in = &check->in->concurrency;
	if (in->step_count > FUNCTION_CONCURRENCY_MAX) {
		REJECT(check, "concurrency_limit_invalid",
		       "There are more concurrency limits specified than the allowed max of: %u",
		       FUNCTION_CONCURRENCY_MAX);
		return;
	}
	for (size_t i = 0; i < in->step_count; i++) {
		if (step_limit_rejected(check, &in->steps[i])) return;
	}
	if (in->function_count > 1) {
		REJECT(check, "concurrency_limit_invalid", "Only one function concurrency limit is allowed");
	} else if (in->function_count == 1) {
		function_limit_check(check, in->functions);
	}
}

static bool optional_text_eq(struct optional_text a, struct optional_text b) {
	return a.present == b.present && str_eq(a.text, b.text);
}

static bool trigger_eq(const struct trigger_input *a, const struct trigger_input *b) {
	return a->is_event == b->is_event && a->is_cron == b->is_cron && str_eq(a->event, b->event) &&
	       str_eq(a->cron, b->cron) && optional_text_eq(a->expression, b->expression) &&
	       optional_text_eq(a->jitter, b->jitter);
}

static void trigger_duplicate_check(const struct check *check, size_t index) {
	const struct trigger_input *trigger = &check->in->triggers[index];
	bool same = false;
	bool same_cron = false;
	for (size_t i = 0; i < index; i++) {
		const struct trigger_input *other = &check->in->triggers[i];
		same = same || trigger_eq(trigger, other);
		same_cron = same_cron || (trigger->is_cron && other->is_cron && str_eq(trigger->cron, other->cron));
	}
	struct str name = problem_quote(trigger->is_event ? trigger->event : trigger->cron);
	if (same && (trigger->is_event || trigger->is_cron))
		REJECT(check, PROBLEM_UNKNOWN, "duplicate trigger %s: %.*s", trigger->is_event ? "event" : "cron",
		       STR_ARG(name));
	if (same_cron)
		REJECT(check, PROBLEM_UNKNOWN, "duplicate cron expression: %.*s",
		       STR_ARG(problem_quote(trigger->cron)));
}

static void event_trigger_check(const struct check *check, const struct trigger_input *trigger) {
	if (trigger->event.len == 0) {
		REJECT(check, PROBLEM_UNKNOWN, "An event trigger must specify an event name");
	} else {
		expression_rejected(check, &trigger_if, trigger->expression, trigger->event);
	}
}

static void jitter_check(const struct check *check, struct str jitter) {
	int64_t ns = 0;
	if (str_trim(jitter).len == 0) return;
	if (duration_parse(jitter, &ns, NULL) != ERR_OK) {
		REJECT(check, PROBLEM_UNKNOWN, "'%.*s' isn't a valid jitter duration", STR_ARG(problem_quote(jitter)));
	} else if (ns < 0) {
		REJECT(check, PROBLEM_UNKNOWN, "cron jitter must be greater than or equal to zero");
	} else if (ns > 0 && ns < CRON_JITTER_MIN_NS) {
		REJECT(check, PROBLEM_UNKNOWN, "cron jitter must be at least 1s");
	} else if (ns > CRON_JITTER_MAX_NS) {
		REJECT(check, PROBLEM_UNKNOWN, "cron jitter must be less than or equal to 5m0s");
	}
}

static void trigger_check(const struct check *check, const struct trigger_input *trigger) {
	if (!trigger->is_event && !trigger->is_cron) {
		REJECT(check, PROBLEM_UNKNOWN, "A trigger must supply an event name or a cron schedule");
	} else if (trigger->is_event && trigger->is_cron) {
		REJECT(check, PROBLEM_UNKNOWN, "A trigger cannot have both an event and a cron trigger");
	} else if (trigger->is_event) {
		event_trigger_check(check, trigger);
	} else if (!cron_valid(trigger->cron)) {
		REJECT(check, PROBLEM_UNKNOWN, "'%.*s' isn't a valid cron schedule",
		       STR_ARG(problem_quote(trigger->cron)));
	} else {
		jitter_check(check, trigger->jitter.text);
	}
	if (trigger->cron.len > FUNCTION_CRON_MAX)
		REJECT(check, "schedule_invalid", "cron is too long. maximum length is %u characters",
		       FUNCTION_CRON_MAX);
	if (trigger->event.len > EVENT_TRIGGER_NAME_MAX)
		REJECT(check, "event_name_invalid", "event name is too long. maximum length is %u characters",
		       EVENT_TRIGGER_NAME_MAX);
}

static void triggers_check(const struct check *check) {
	if (check->in->trigger_count > FUNCTION_TRIGGERS_MAX)
		REJECT(check, PROBLEM_UNKNOWN, "This function exceeds the max number of triggers: %u",
		       FUNCTION_TRIGGERS_MAX);
	for (size_t i = 0; i < looked_at(check->in->trigger_count); i++) {
		trigger_duplicate_check(check, i);
		trigger_check(check, &check->in->triggers[i]);
	}
}

// That the timeout can be read has been seen to by the conversion.
static void batch_check(const struct check *check) {
	const struct function_input *in = check->in;
	if (!in->batch.present) return;
	if (in->batch.size_max < 2) {
		REJECT(check, "batch_size_invalid", "batch size cannot be smaller than 2: %lld",
		       (long long)in->batch.size_max);
	} else if (in->batch.timeout_ns < SECOND_NS) {
		REJECT(check, "batch_timeout_invalid", "batch timeout should be more than 1s");
	} else if (!expression_rejected(check, &batch_key, in->batch.key, STR(""))) {
		expression_rejected(check, &batch_if, in->batch.condition, STR(""));
	}
}

static void combinations_check(const struct check *check) {
	const struct function_input *in = check->in;
	const struct {
		bool both;
		const char *message;
	} rules[] = {
		{in->cancel_count > 0, "Batching and cancellation are mutually exclusive"},
		{in->debounce.present, "Batching and debouncing are mutually exclusive"},
		{in->singleton.present, "Batching and singletons are mutually exclusive"},
	};
	for (size_t i = 0; in->batch.present && i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (rules[i].both) REJECT(check, "combo_unsupported", "%s", rules[i].message);
	}
}

static bool scheme_supported(struct str scheme) {
	static const char *const schemes[] = {"http", "https", "ws", "wss"};
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (str_eq_cstr(scheme, schemes[i])) return true;
	}
	return false;
}

static void steps_check(const struct check *check) {
	for (size_t i = 0; i < looked_at(check->in->step_count); i++) {
		const struct step_input *step = &check->in->steps[i];
		if (step->name.len == 0) REJECT(check, PROBLEM_UNKNOWN, "All steps must have a name");
		if (!scheme_supported(step->scheme))
			REJECT(check, PROBLEM_UNKNOWN, "Non-supported step schema: %.*s",
			       STR_ARG(problem_quote(step->scheme)));
	}
	if (check->in->step_count != 1) REJECT(check, PROBLEM_UNKNOWN, "Functions must contain one step");
}

static void priority_check(const struct check *check) {
	const struct function_input *in = check->in;
	expression_rejected(check, &priority_run, in->priority.run, STR(""));
	if (in->priority.run.present && in->batch.present)
		REJECT(check, PROBLEM_UNKNOWN, "A function cannot specify Priority.Run and Batch together");
}

static void cancels_check(const struct check *check) {
	for (size_t i = 0; i < looked_at(check->in->cancel_count); i++)
		expression_rejected(check, &cancel_if, check->in->cancels[i].condition, STR(""));
	if (check->in->cancel_count > FUNCTION_CANCEL_MAX)
		REJECT(check, PROBLEM_UNKNOWN, "This function exceeds the max number of cancellation events: %u",
		       FUNCTION_CANCEL_MAX);
}

static void debounce_check(const struct check *check) {
	const struct function_input *in = check->in;
	if (!in->debounce.present) return;
	struct error error;
	int64_t ns = 0;
	struct str period = problem_quote(in->debounce.period);
	expression_rejected(check, &debounce_key, in->debounce.key, STR(""));
	if (duration_parse(in->debounce.period, &ns, &error) != ERR_OK) {
		ns = 0;
		REJECT(check, PROBLEM_UNKNOWN, "The debounce period of '%.*s' is invalid: %s", STR_ARG(period),
		       error.message);
	}
	if (ns < SECOND_NS)
		REJECT(check, PROBLEM_UNKNOWN, "The debounce period of '%.*s' is less than the min of: 1s",
		       STR_ARG(period));
	if (ns > 7 * DAY_NS)
		REJECT(check, PROBLEM_UNKNOWN, "The debounce period of '%.*s' is greater than the max of: 168h0m0s",
		       STR_ARG(period));
}

static void rate_limit_check(const struct check *check) {
	const struct function_input *in = check->in;
	if (!in->rate_limit.present) return;
	struct error error;
	int64_t ns;
	if (in->rate_limit.limit == 0) {
		REJECT(check, PROBLEM_UNKNOWN, "limit must be greater than 0");
	} else if (expression_rejected(check, &rate_limit_key, in->rate_limit.key, STR(""))) {
		return;
	} else if (in->rate_limit.period.len == 0) {
		REJECT(check, PROBLEM_UNKNOWN, "period must be specified");
	} else if (duration_parse(in->rate_limit.period, &ns, &error) != ERR_OK) {
		REJECT(check, PROBLEM_UNKNOWN, "failed to parse time duration: %s", error.message);
	} else if (ns > DAY_NS) {
		REJECT(check, PROBLEM_UNKNOWN, "period must be less than 24h0m0s");
	}
}

void function_validate(const struct function_input *in, struct problems *problems) {
	static void (*const checks[])(const struct check *) = {
		concurrency_check, triggers_check, batch_check,    combinations_check, steps_check,
		priority_check,    cancels_check,  debounce_check, rate_limit_check,
	};
	struct check check = {in, problems};
	if (in->name.len == 0) {
		REJECT(&check, PROBLEM_UNKNOWN, "A function name is required");
	} else if (in->slug.len == 0) { // nothing of the name can stand in an id: ours, the specs are silent
		REJECT(&check, PROBLEM_UNKNOWN,
		       "No id can be made from the function name '%.*s': a function id is required",
		       STR_ARG(problem_quote(in->name)));
	}
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) checks[i](&check);
}
