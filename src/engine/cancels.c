// cancelOn: events that cancel a run. Each rule of the function becomes a queue item of the run with a pause, which the
// event finds as it finds waits (03 §14.8).
#include "cel/interpolate.h"
#include "engine/engine_internal.h"

static const struct str unknown_roots[] = {STR_INIT("async")};

// The same would be said for run after run.
static void complain_once(struct engine *engine, struct function *function, struct str text, struct str problem,
			  const char *what) {
	if (!function->complained) complain(engine, function, text, problem, what);
	function->complained = true;
}

// The rule's condition with what is known of the run's event. False when no event can meet it.
static bool interpolate(struct engine *engine, const struct run *run, const struct cancel_rule *rule,
			struct event_form *form, struct str *out) {
	struct cel_failure failure;
	struct cel_input input = event_form_input(engine, form);
	if (cel_interpolate(&engine->batch->arena, rule->condition, &input, unknown_roots, ARRAY_LEN(unknown_roots),
			    out, &failure))
		return !str_eq(*out, STR("false"));
	complain_once(engine, run->function, rule->condition, str_from_cstr(failure.message),
		      "a condition of cancelOn cannot be used, so its event does not cancel the run");
	return false;
}

static uint64_t life_ms(struct engine *engine, const struct run *run, const struct cancel_rule *rule) {
	uint64_t life = WAIT_DEFAULT_MS;
	struct error error;
	if (rule->timeout.len == 0 || delay_parse(rule->timeout, engine->now, &life, &error) == ERR_OK) return life;
	complain_once(engine, run->function, rule->timeout, str_from_cstr(error.message),
		      "a timeout of cancelOn cannot be read, so its event cancels the run for a year");
	return WAIT_DEFAULT_MS;
}

static void begin(struct engine *engine, struct run *run, const struct cancel_rule *rule, struct event_form *form) {
	struct str condition = STR("");
	if (rule->is_conditional && !interpolate(engine, run, rule, form, &condition)) return;
	struct item *item = item_new(engine, run, ITEM_CANCEL_ON, engine->now + life_ms(engine, run, rule));
	pause_new(engine, item, rule->event, condition, rule->is_conditional);
	item_queue(engine, item);
}

void cancels_begin(struct engine *engine, struct run *run, struct event_form *form) {
	const struct function_config *config = &run->function->config;
	for (size_t i = 0; i < config->cancel_count; i++) begin(engine, run, &config->cancels[i], form);
}

static bool lacks(struct str condition) {
	struct arena arena;
	arena_init(&arena, 1024);
	const struct cel_program *program = cel_compile(&arena, condition, CEL_EVALUATE, NULL);
	bool lacks = program != NULL && finish_lacks(program);
	arena_free(&arena);
	return lacks;
}

bool cancels_lack(const struct function *function) {
	for (size_t i = 0; i < function->config.cancel_count; i++) {
		if (lacks(function->config.cancels[i].condition)) return true;
	}
	return false;
}
