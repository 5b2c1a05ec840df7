// Waits for events: a queue item that is due at the timeout, and its pause in the index of conditions; and what an
// event does to them and to the runs that it cancels (03 §14).
#include <stdlib.h>

#include "base/clock.h"
#include "cel/interpolate.h"
#include "engine/engine_internal.h"
#include "model/expression_check.h"

#define REASON_MAX 4096 // bytes

struct pause {
	struct match_entry match;
	struct match_index *index;
	struct item *item;
	char *event;
	char *expression; // over `async`; NULL: every event of the name will do
	// The expression, compiled, of a pause that is not found by a value; others are compiled when they are found.
	struct arena arena;
	const struct cel_program *program;
};

// ---- pauses --------------------------------------------------------------------------------------------------------

void pause_new(struct engine *engine, struct item *item, struct str event, struct str expression, bool is_conditional) {
	struct pause *pause = mem_calloc(1, sizeof *pause);
	item->pause = pause;
	pause->item = item;
	pause->index = &engine->waits;
	pause->event = mem_strndup(event.ptr, event.len);
	arena_init(&pause->arena, 512);
	if (is_conditional) {
		pause->expression = mem_strndup(expression.ptr, expression.len);
		pause->program = cel_compile(&pause->arena, expression, CEL_INTERPOLATED, NULL);
		if (pause->program == NULL) return; // it was made by cel_interpolate, and yet: it never holds
	}
	match_index_add(pause->index, &pause->match, event, pause->program, true);
	if (pause->match.group == NULL) return;
	pause->program = NULL;
	arena_free(&pause->arena);
}

void pause_free(struct pause *pause) {
	if (pause == NULL) return;
	match_index_remove(pause->index, &pause->match);
	arena_free(&pause->arena);
	free(pause->event);
	free(pause->expression);
	free(pause);
}

void pause_encode(const struct pause *pause, struct str *event, struct str *expression, bool *is_conditional) {
	*event = str_from_cstr(pause->event);
	*expression = str_from_cstr(pause->expression);
	*is_conditional = pause->expression != NULL;
}

// ---- beginning -----------------------------------------------------------------------------------------------------

static bool fail(struct engine *engine, struct run *run, struct str name, struct str message, struct str stack) {
	struct payload *error = standard_error_make(name, name, message, stack);
	run_finish(engine, run, RUN_END_FAILED, error, error);
	payload_unref(error);
	return false;
}

static bool fail_expression(struct engine *engine, struct run *run, struct str reason) {
	return fail(engine, run, STR("InvalidExpression"), STR("Wait for event If expression failed to compile"),
		    reason);
}

static bool check_expression(struct engine *engine, struct run *run, struct str text) {
	struct buf reason;
	buf_init(&reason, REASON_MAX);
	bool good = expression_check(text, EXPRESSION_TYPED, &reason);
	if (!good) fail_expression(engine, run, buf_view(&reason));
	buf_free(&reason);
	return good;
}

// What the run knows of its first event is put into the expression, which then needs it no more (04 §B10).
static bool interpolate(struct engine *engine, struct run *run, struct str text, struct str *out) {
	static const struct str unknown[] = {STR_INIT("async")};
	struct cel_failure failure;
	struct event_form form;
	if (run->events == NULL) // they come with the answer when they were at rest
		return fail(engine, run, STR("invalid_wait"), STR("The run's event is not there."), STR(""));
	struct str first = str_first(str_skip(payload_str(run->events), 1), run->first_event_len);
	event_form_init_text(&form, first);
	struct cel_input input = event_form_input(engine, &form);
	bool good = cel_interpolate(&engine->batch->arena, text, &input, unknown, ARRAY_LEN(unknown), out, &failure);
	event_form_free(engine, &form);
	if (!good) fail_expression(engine, run, str_from_cstr(failure.message));
	return good;
}

static bool read_timeout(struct engine *engine, struct run *run, struct str text, uint64_t *delay) {
	struct error error;
	if (delay_parse(text, engine->now, delay, &error) != ERR_OK)
		return fail(engine, run, STR("invalid_timeout"), str_from_cstr(error.message), STR(""));
	if (*delay <= SLEEP_MAX_MS) return true;
	struct str message =
		arena_printf(&engine->batch->arena,
			     "The wait-for-event timeout \"%.*s\" expires more than one year in the future; "
			     "timeouts may last at most one year.",
			     STR_ARG(str_first(text, 256)));
	return fail(engine, run, STR("InngestErrTimeoutTooLong"), message, STR(""));
}

bool wait_begin(struct engine *engine, struct run *run, const struct opcode *op, uint64_t coalesce) {
	struct str event = op->wait_event.len > 0 ? op->wait_event : op->name, expression = STR("");
	uint64_t delay = 0;
	if (event.len == 0)
		return fail(engine, run, STR("invalid_wait"), STR("A wait for an event must name the event."), STR(""));
	if (!read_timeout(engine, run, op->wait_timeout, &delay)) return false;
	if (op->wait_is_conditional &&
	    (!check_expression(engine, run, op->wait_if) || !interpolate(engine, run, op->wait_if, &expression)))
		return false;
	struct item *item = item_new(engine, run, ITEM_WAIT, engine->now + delay);
	item_set_step(item, op);
	item->coalesce = coalesce;
	item->job_hash = job_hash_make(run, op->id, "");
	pause_new(engine, item, event, expression, op->wait_is_conditional);
	trace_wait(engine, item, op, NULL);
	item_queue(engine, item);
	return true;
}

// ---- ending --------------------------------------------------------------------------------------------------------

void wait_end(struct engine *engine, struct item *item, struct payload *value, const char *suffix,
	      const struct wait_result *ended) {
	struct run *run = item->run;
	struct step_result result = item_result(engine, item, value);
	uint64_t coalesce = item->coalesce;
	enum parallel_mode mode = (enum parallel_mode)item->parallel;
	uint64_t cause = engine->cause_job;
	engine->cause_job = ended->is_timeout ? 0 : item->parent_job;
	trace_resumed(engine, item, ended);
	item_finish(engine, item);
	if (save_and_discover(engine, run, &result, coalesce, mode, suffix)) run_stall_guard(engine, run);
	engine->cause_job = cause;
}

void wait_timeout(struct engine *engine, struct item *item) {
	struct payload *null = payload_new(STR("null"));
	wait_end(engine, item, null, "-timeout", &(struct wait_result){.is_timeout = true});
	payload_unref(null);
}

// A wait or a run that an event ends: the run may be gone when its turn comes.
struct met {
	struct ulid run_id;
	uint32_t slot;
	uint8_t kind;
};

struct search {
	struct engine *engine;
	const struct event *event;
	bool is_held;
	struct event_form *form;
	struct met *met;
	size_t count, cap;
};

static bool is_true(const struct search *search, const struct cel_program *program) {
	struct cel_value result = event_form_eval(search->engine, search->form, program);
	return result.type == CEL_BOOL && result.boolean; // an error counts as not met (04 §B8)
}

static bool holds(const struct search *search, const struct pause *pause) {
	if (pause->expression == NULL) return true;
	if (pause->program != NULL) return is_true(search, pause->program);
	struct arena arena;
	arena_init(&arena, 1024);
	const struct cel_program *program =
		cel_compile(&arena, str_from_cstr(pause->expression), CEL_INTERPOLATED, NULL);
	bool holds = program != NULL && is_true(search, program);
	arena_free(&arena);
	return holds;
}

// The ids of the events of one seeded request differ in the counter at their end. One that is not behind the other was
// sent again, as its sender did not hear that it had come (03 §3.1).
static bool is_repeated(const struct ulid *id, const struct ulid *other) {
	uint32_t counts[2] = {0, 0};
	for (size_t i = 12; i < sizeof id->bytes; i++) {
		counts[0] = counts[0] << 8 | id->bytes[i];
		counts[1] = counts[1] << 8 | other->bytes[i];
	}
	return memcmp(id->bytes, other->bytes, 12) == 0 && (int32_t)(counts[0] - counts[1]) <= 0;
}

// A run is cancelled by events that come after its own. Events are looked at in the order in which they came, but for
// those that are held: their ids tell (03 §14.3).
static bool comes_after(const struct search *search, const struct run *run) {
	if (is_repeated(&search->event->internal_id, &run->event_id)) return false; // its own, too
	return !search->is_held || ulid_cmp(&search->event->internal_id, &run->id) > 0;
}

static void take(void *context, struct match_entry *match) {
	struct search *search = context;
	const struct pause *pause = container_of(match, struct pause, match);
	const struct item *item = pause->item;
	if (item->due_ms < search->engine->now) return;
	if (item->kind == ITEM_CANCEL_ON && !comes_after(search, item->run)) return;
	if (!holds(search, pause)) return;
	if (search->count == search->cap) {
		search->cap = search->cap > 0 ? 2 * search->cap : 16;
		search->met = mem_realloc(search->met, search->cap * sizeof *search->met);
	}
	search->met[search->count++] = (struct met){item->run->id, item->slot, item->kind};
}

static struct item *find_met(const struct engine *engine, const struct met *met) {
	const struct run *run = run_find(engine, &met->run_id);
	if (run == NULL) return NULL;
	list_for_each(node, &run->items) {
		struct item *item = list_entry(node, struct item, of_run);
		if (item->slot == met->slot && item->kind == met->kind) return item;
	}
	return NULL;
}

// Runs that the event cancels go first: what else it means for them is of no account then.
static void end_met(struct search *search, bool cancels) {
	struct payload *value = NULL;
	for (size_t i = 0; i < search->count; i++) {
		if ((search->met[i].kind == ITEM_CANCEL_ON) != cancels) continue;
		struct item *item = find_met(search->engine, &search->met[i]);
		if (item == NULL) continue;
		if (cancels) {
			if (search->engine->config.planted_bug == 9) return;
			trace_cancelled(search->engine, item, search->event);
			run_finish(search->engine, item->run, RUN_END_CANCELLED, NULL, NULL);
			continue;
		}
		if (value == NULL) value = event_form_payload(search->form);
		struct wait_result result = {.event_id = search->event->internal_id};
		wait_end(search->engine, item, value, "-event", &result);
	}
	payload_unref(value);
}

void waits_match(struct engine *engine, const struct event *event, bool is_held) {
	if (!match_index_needs_all(&engine->waits, event->name)) return;
	struct event_form form;
	event_form_init(&form, event, STR(""));
	form.root = engine->waits.root;
	struct search search = {.engine = engine, .event = event, .is_held = is_held, .form = &form};
	match_index_visit(engine, &engine->waits, event->name, &form, take, &search);
	if (engine->config.planted_bug == 6 && search.count > 1) search.count--;
	end_met(&search, true);
	end_met(&search, false);
	free(search.met);
	event_form_free(engine, &form);
}
