// From an event to what it brings about: its history row, the runs that it starts, the waits and runs that it ends (03
// §4, §5); and runs of one function that people ask for.
#include <stdlib.h>

#include "engine/engine_internal.h"

// ---- one event -----------------------------------------------------------------------------------------------------

struct starter {
	struct engine *engine;
	struct source *source;
};

static void start(void *context, struct function *function) {
	struct starter *starter = context;
	const struct event *event = starter->source->event;
	struct run_start run = {.function = function, .key = event->id, .is_claimed = event->stable_id};
	run_begin(starter->engine, starter->source, &run);
}

static void start_direct(struct engine *engine, struct source *source, struct run_start *direct) {
	if (direct->function == NULL || !direct->function->indexed) return;
	direct->function->matched = engine->match_stamp;
	run_begin(engine, source, direct);
}

struct function *function_named(const struct engine *engine, struct str name) {
	struct uuid id;
	struct function *function = NULL;
	if (uuid_parse(name, &id)) function = function_find(engine, &id);
	if (function == NULL) function = function_find_slug(engine, name);
	return function != NULL && function->indexed ? function : NULL;
}

// Only the named target answers an invoke (03 §5.3).
static void start_invoked(struct engine *engine, struct source *source) {
	const struct event *event = source->event;
	struct run_start run = {.function = function_named(engine, event->invoke_fn_id),
				.key = event->id,
				.is_claimed = event->stable_id,
				.correlation = event->correlation_id,
				.debug = event->debug};
	start_direct(engine, source, &run);
}

static void write_history(struct engine *engine, const struct event *event, const struct late_event *late,
			  enum history_kind kind) {
	if (engine->config.no_history) return;
	struct arena *arena = &engine->batch->arena;
	struct history_item *item = batch_history(engine->batch, kind, event->received_ms);
	item->event.internal_id = event->internal_id;
	item->event.maybe_stored = event->stable_id;
	item->event.id = arena_dup(arena, event->id);
	item->event.name = arena_dup(arena, event->name);
	item->event.v = arena_dup(arena, event->v);
	item->event.meta = arena_dup(arena, event->meta);
	item->event.ts_ms = event->ts_ms;
	item->event.data = event->data; // in `text`, which the item keeps
	item->event.user = event->user;
	item->event.text = payload_ref(event->text);
	if (late != NULL) {
		item->event.late_data = late->data;
		late->data->is_used = true;
	}
}

void event_write_again(struct engine *engine, const struct event *event) {
	if (engine->now < event->received_ms + EVENT_STAYS_MS) return;
	write_history(engine, event, NULL, HISTORY_EVENT_AGAIN);
}

// A loaded event has been held until now.
static void match(struct engine *engine, const struct event *event, const struct late_event *late,
		  struct run_start *direct, bool is_held) {
	struct event_form form;
	event_form_init(&form, event, late != NULL ? late->known_data : STR(""));
	struct source source = {.event = event, .late = late, .form = &form};
	engine->match_stamp++;
	if (direct != NULL)
		start_direct(engine, &source, direct);
	else if (event->invoke_fn_id.len > 0)
		start_invoked(engine, &source);
	struct starter starter = {engine, &source};
	triggers_match(engine, event->name, &form, start, &starter);
	event_form_free(engine, &form);
	source_free(&source);
	if (late == NULL) waits_match(engine, event, is_held);
}

// ---- events that events bring about --------------------------------------------------------------------------------

// Runs that cancel each other could go on for ever: beyond this many events in one command they are held, and come back
// in commands of their own.
#define CASCADE_MAX 1000u
#define DEFERRED_KEPT 1024u // room for so many stays

struct deferred_event {
	struct event event; // with a reference to the text
	struct late_event late;
	bool is_late;
};

static void defer(struct engine *engine, const struct event *event, const struct late_event *late) {
	if (engine->deferred_count == engine->deferred_cap) {
		engine->deferred_cap = engine->deferred_cap > 0 ? 2 * engine->deferred_cap : 16;
		engine->deferred = mem_realloc(engine->deferred, engine->deferred_cap * sizeof *engine->deferred);
	}
	struct deferred_event *deferred = &engine->deferred[engine->deferred_count++];
	*deferred = (struct deferred_event){.event = *event, .is_late = late != NULL};
	deferred->event.text = payload_ref(event->text);
	if (late != NULL) deferred->late = *late;
}

static void hold_whole(struct engine *engine, const struct event *event) {
	struct late_event late = {.data = batch_late(engine->batch, 1)};
	late.data->parts[0].literal = arena_dup(&engine->batch->arena, event->data);
	event_hold(engine, event, &late);
}

static void match_or_hold(struct engine *engine, const struct event *event, const struct late_event *late,
			  struct run_start *direct) {
	bool needs_all = triggers_need_all(engine, event->name) || match_index_needs_all(&engine->waits, event->name);
	if (late != NULL && needs_all)
		event_hold(engine, event, late);
	else
		match(engine, event, late, direct, false);
}

static void match_deferred(struct engine *engine) {
	for (size_t i = 0; i < engine->deferred_count; i++) {
		struct deferred_event deferred = engine->deferred[i]; // the array may move
		if (++engine->cascade <= CASCADE_MAX)
			match_or_hold(engine, &deferred.event, deferred.is_late ? &deferred.late : NULL, NULL);
		else if (deferred.is_late)
			event_hold(engine, &deferred.event, &deferred.late);
		else
			hold_whole(engine, &deferred.event);
		event_release(&deferred.event);
	}
	engine->deferred_count = 0;
	if (engine->deferred_cap <= DEFERRED_KEPT) return;
	free(engine->deferred); // so many come rarely
	engine->deferred = NULL;
	engine->deferred_cap = 0;
}

void event_match_held(struct engine *engine, const struct event *event) {
	engine->is_matching = true;
	match(engine, event, NULL, NULL, true);
	match_deferred(engine);
	engine->is_matching = false;
}

void event_hold_new(struct engine *engine, const struct event *event, const struct late_event *late) {
	write_history(engine, event, late, HISTORY_EVENT);
	event_hold(engine, event, late);
}

void run_begin_alone(struct engine *engine, struct source *source, struct run_start *start) {
	CHECK(!engine->is_matching);
	engine->is_matching = true;
	run_begin(engine, source, start);
	match_deferred(engine);
	engine->is_matching = false;
}

void event_handle(struct engine *engine, const struct event *event, const struct late_event *late,
		  struct run_start *direct) {
	write_history(engine, event, late, HISTORY_EVENT);
	if (engine->is_matching) {
		CHECK(direct == NULL); // whoever starts a run directly is told of it at once
		return defer(engine, event, late);
	}
	engine->is_matching = true;
	match_or_hold(engine, event, late, direct);
	match_deferred(engine);
	engine->is_matching = false;
}

void event_finished(struct engine *engine, struct str data, uint8_t depth) {
	uint8_t entropy[10];
	rng_bytes(&engine->rng, entropy, sizeof entropy);
	struct ulid internal_id = ulid_make(engine->now, entropy);
	char id[ULID_TEXT_LEN + 1];
	ulid_text(&internal_id, id);
	struct event event;
	event_make_internal(&engine->batch->arena, STR("inngest/function.finished"), str_make(id, ULID_TEXT_LEN),
			    &internal_id, data, STR(""), engine->now, &event);
	event.depth = depth;
	event_handle(engine, &event, NULL, NULL);
	event_release(&event);
}

void apply_events(struct engine *engine, struct command *command) {
	for (size_t i = 0; i < command->events.count; i++) event_handle(engine, &command->events.events[i], NULL, NULL);
	batch_reply(engine->batch, reply_new(command->request, REPLY_OK, 200));
}

static struct function *find_paused(struct engine *engine, const struct command *command) {
	static const struct uuid none;
	if (!uuid_eq(&command->pause.function_id, &none)) return function_find(engine, &command->pause.function_id);
	return function_of_app(engine, command->pause.app_name, command->pause.function);
}

void apply_function_pause(struct engine *engine, struct command *command) {
	struct function *function = find_paused(engine, command);
	struct reply *reply =
		reply_new(command->request, function != NULL ? REPLY_OK : REPLY_FAILED, function != NULL ? 200 : 404);
	if (function == NULL) {
		reply->code = STR("not_found");
		reply->text = STR("Function not found");
	} else if (function->paused != command->pause.paused) {
		function_pause(engine, function, command->pause.paused);
	}
	batch_reply(engine->batch, reply);
}

// ---- a run that people ask for -------------------------------------------------------------------------------------

static const struct {
	int status;
	const char *code, *text;
} start_replies[] = {
	[START_UNKNOWN] = {404, "not_found", "Function not found"},
	[START_DONE] = {200, "", ""},
	[START_REPEATED] = {409, "idempotency_conflict", ""},
	[START_LIMITED] = {422, "rate_limited", "Function execution rate limit exceeded. Please try again later."},
	[START_BATCHED] = {200, "", ""}, // these are never batched
	[START_DEBOUNCED] = {422, "function_debounced", "Function invocation was debounced."},
	[START_REPLACED] = {422, "function_debounced", "Function invocation was debounced."},
	[START_SINGLETON] = {422, "function_skipped",
			     "Function invocation was skipped because another run holds the function's singleton."},
	[START_PAUSED] = {422, "function_skipped",
			  "Function invocation was skipped because the function is paused or draining."},
	[START_DROPPED] =
		{422, "function_skipped",
		 "Function invocation was skipped because an expression of its settings cannot be evaluated."},
};

static void reply_start(struct engine *engine, const struct command *command, const struct run_start *start) {
	bool has_run = start->result == START_DONE || start->result == START_REPEATED;
	struct reply *reply = reply_new(command->request, has_run ? REPLY_STARTED : REPLY_FAILED,
					start_replies[start->result].status);
	reply->code = str_from_cstr(start_replies[start->result].code);
	reply->text = str_from_cstr(start_replies[start->result].text);
	reply->run_id = start->run_id;
	batch_reply(engine->batch, reply);
}

// The schedule that a run repeats.
static struct str cron_of(struct arena *arena, const struct event *event) {
	struct error unused;
	if (!str_eq(event->name, STR("inngest/scheduled.timer"))) return STR("");
	yyjson_doc *doc = json_read(event->data, false, NULL, &unused);
	struct str cron = arena_dup(arena, json_str(json_get_exact(yyjson_doc_get_root(doc), STR("cron"))));
	yyjson_doc_free(doc);
	return cron;
}

// The events of the batch that it repeats, as one array.
static void take_others(struct source *source, const struct command *command) {
	size_t len = 2 + (size_t)source->event->text->len;
	for (size_t i = 0; i < command->start.other_count; i++) len += 1 + command->start.others[i].text->len;
	source->array = payload_alloc(len);
	source->first_len = source->event->text->len;
	char *at = source->array->bytes;
	*at++ = '[';
	for (size_t i = 0; i <= command->start.other_count; i++) {
		struct str text = payload_str((i == 0 ? source->event : &command->start.others[i - 1])->text);
		if (i > 0) *at++ = ',';
		memcpy(at, text.ptr, text.len);
		at += text.len;
	}
	*at = ']';
}

// It is a batch of its own, with the same events.
static void write_others(struct engine *engine, const struct command *command, const struct run_start *start) {
	size_t count = 1 + command->start.other_count;
	struct ulid *ids = ARENA_ARRAY(&engine->batch->arena, struct ulid, count);
	ids[0] = command->start.event.internal_id;
	for (size_t i = 1; i < count; i++) ids[i] = command->start.others[i - 1].internal_id;
	if (start->result != START_DONE) {
		for (size_t i = 1; i < count; i++) skip_write(engine, start->function, &ids[i], &start->skip);
		return;
	}
	uint8_t entropy[10];
	rng_bytes(&engine->rng, entropy, sizeof entropy);
	struct ulid id = ulid_make(engine->now, entropy);
	if (!engine->config.no_history) event_batch_write(engine, start->function, &id, &start->run_id, ids, count);
}

// Of an event that is in history.
static void start_again(struct engine *engine, struct command *command, struct run_start *start) {
	struct event_form form;
	event_form_init(&form, &command->start.event, STR(""));
	struct source source = {.event = &command->start.event, .form = &form};
	if (command->start.other_count > 0) take_others(&source, command);
	start->is_batch = command->start.other_count > 0;
	start->at_ms = engine->now; // a time in the future was waited for the first time
	run_begin_alone(engine, &source, start);
	if (start->is_batch) write_others(engine, command, start);
	event_form_free(engine, &form);
	source_free(&source);
}

void apply_start(struct engine *engine, struct command *command) {
	const struct event *event = &command->start.event;
	struct run_start start = {
		.function = function_named(engine, command->start.function),
		.key = command->start.key,
		.is_claimed = command->start.key.len > 0,
		.passes = command->start.is_new_event ? GATE_BATCH : GATES_ALL,
		.cron = cron_of(&command->arena, event),
		.original_run_id = command->start.original_run_id,
		.debug = command->start.debug,
		.steps = command->start.steps,
		.step_count = command->start.step_count,
		.target = command->start.target,
	};
	if (command->start.is_new_event && start.function != NULL)
		event_handle(engine, event, NULL, &start);
	else if (start.function != NULL)
		start_again(engine, command, &start);
	reply_start(engine, command, &start);
}
