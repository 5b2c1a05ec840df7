// From an event to runs: history row, triggers, invokes, idempotency, the first queue item (03 §4–§6).
#include <stdlib.h>

#include "engine/engine_internal.h"

// ---- idempotency of stable event ids -------------------------------------------------------------------------------

static bool idem_claim(struct engine *engine, const struct function *function, uint64_t key_hash) {
	uint64_t hash = function->id_hash ^ key_hash;
	for (struct map_node *node = map_first(&engine->idem, hash); node != NULL; node = map_next(node)) {
		struct idem *idem = container_of(node, struct idem, by_key);
		if (idem->function_hash == function->id_hash && idem->key_hash == key_hash &&
		    idem->expires_ms > engine->now && engine->config.planted_bug != 4) {
			return false;
		}
	}
	struct idem *idem = mem_calloc(1, sizeof *idem);
	idem->function_hash = function->id_hash;
	idem->key_hash = key_hash;
	idem->expires_ms = engine->now + RUN_IDEMPOTENCY_MS;
	map_insert(&engine->idem, &idem->by_key, hash);
	list_push_back(&engine->idem_age, &idem->by_age);
	record_idem(engine, idem, false);
	return true;
}

void idem_expire(struct engine *engine, uint32_t limit) {
	for (uint32_t i = 0; i < limit && !list_empty(&engine->idem_age); i++) {
		struct idem *idem = list_entry(engine->idem_age.next, struct idem, by_age);
		if (idem->expires_ms > engine->now) return;
		record_idem(engine, idem, true);
		list_remove(&idem->by_age);
		map_remove(&engine->idem, &idem->by_key);
		free(idem);
	}
}

// ---- one event -----------------------------------------------------------------------------------------------------

// What the runs of one event share: the array text is made once, for the first run.
struct source {
	const struct event *event;
	const struct late_event *late;
	struct payload *array;
};

static void source_prepare(struct source *source) {
	if (source->array != NULL || source->late != NULL) return;
	struct str text = payload_str(source->event->text);
	source->array = payload_alloc(text.len + 2);
	source->array->bytes[0] = '[';
	memcpy(source->array->bytes + 1, text.ptr, text.len);
	source->array->bytes[text.len + 1] = ']';
}

static void attach_events(struct engine *engine, struct run *run, const struct source *source) {
	run_touch(engine, run);
	if (source->late == NULL) {
		run->events = payload_ref(source->array);
		run->events_len = source->array->len;
		run->dirty_what |= DIRTY_NEW;
	} else { // the body is written now, the head with the rest
		run->events_len = source->late->array_len;
		struct record *record = batch_record(engine->batch, RECORD_PUT, RECORD_RUN,
						     str_make(run->id.bytes, sizeof run->id.bytes));
		record->late_body = source->late->array;
		source->late->array->is_used = true;
	}
	run->first_event_len = run->events_len - 2;
	run->state_bytes = run->events_len;
}

static bool ends_quietly(struct str name) {
	return str_eq(name, STR("inngest/function.finished")) || str_eq(name, STR("inngest/function.failed"));
}

static void schedule(struct engine *engine, struct function *function, struct source *source, bool invoked) {
	const struct event *event = source->event;
	uint64_t key_hash = hash_xxh64(event->id);
	if (event->stable_id && !idem_claim(engine, function, key_hash)) return;
	source_prepare(source);
	uint8_t entropy[10];
	rng_bytes(&engine->rng, entropy, sizeof entropy);
	struct ulid id = ulid_make(engine->now, entropy);
	struct run *run = run_new(engine, &id, function);
	run->event_id = event->internal_id;
	run->function_version = function->version;
	run->key_hash = key_hash;
	if (ends_quietly(event->name)) run->flags |= RUN_QUIET;
	if (invoked) engine->invoke_result = INVOKE_STARTED;
	// Only the named target answers an invoke (03 §5.3).
	if (invoked && event->correlation_id.len > 0) {
		run->correlation = mem_strndup(event->correlation_id.ptr, event->correlation_id.len);
	}
	attach_events(engine, run, source);
	struct item *item = item_new(engine, run, ITEM_START, event->ts_ms > engine->now ? event->ts_ms : engine->now);
	item->job_hash = job_hash_make(run, STR(""), "");
	item_queue(engine, item);
	struct history_item *history = batch_history(engine->batch, HISTORY_RUN, engine->now);
	history->run.run_id = run->id;
	history->run.event_id = event->internal_id;
	history->run.function_id = function->id;
}

struct starter {
	struct engine *engine;
	struct source *source;
};

static void start(void *context, struct function *function) {
	struct starter *starter = context;
	schedule(starter->engine, function, starter->source, false);
}

static void match_invoke(struct engine *engine, const struct event *event, struct source *source) {
	struct uuid id;
	struct function *function = NULL;
	engine->invoke_result = INVOKE_UNKNOWN;
	if (uuid_parse(event->invoke_fn_id, &id)) function = function_find(engine, &id);
	if (function == NULL) function = function_find_slug(engine, event->invoke_fn_id);
	if (function == NULL || !function->indexed) return;
	function->matched = engine->match_stamp;
	engine->invoke_result = INVOKE_REPEATED;
	schedule(engine, function, source, true);
}

static void write_history(struct engine *engine, const struct event *event, const struct late_event *late) {
	struct arena *arena = &engine->batch->arena;
	struct history_item *item = batch_history(engine->batch, HISTORY_EVENT, event->received_ms);
	item->event.internal_id = event->internal_id;
	item->event.maybe_stored = event->stable_id;
	item->event.id = arena_dup(arena, event->id);
	item->event.name = arena_dup(arena, event->name);
	item->event.v = arena_dup(arena, event->v);
	item->event.ts_ms = event->ts_ms;
	item->event.data = event->data; // in `text`, which the item keeps
	item->event.user = event->user;
	item->event.text = payload_ref(event->text);
	if (late != NULL) {
		item->event.late_data = late->data;
		late->data->is_used = true;
	}
}

void event_match(struct engine *engine, const struct event *event, const struct late_event *late) {
	struct source source = {.event = event, .late = late};
	struct event_form form;
	event_form_init(&form, event, late != NULL ? late->known_data : STR(""));
	engine->match_stamp++;
	if (event->invoke_fn_id.len > 0) match_invoke(engine, event, &source);
	struct starter starter = {engine, &source};
	triggers_match(engine, event->name, &form, start, &starter);
	event_form_free(engine, &form);
	payload_unref(source.array);
	if (late == NULL) waits_match(engine, event);
}

void event_handle(struct engine *engine, const struct event *event, const struct late_event *late) {
	write_history(engine, event, late);
	bool needs_all = triggers_need_all(engine, event->name) || match_index_needs_all(&engine->waits, event->name);
	if (late != NULL && needs_all)
		event_hold(engine, event, late);
	else
		event_match(engine, event, late);
}

void apply_events(struct engine *engine, struct command *command) {
	for (size_t i = 0; i < command->events.count; i++) event_handle(engine, &command->events.events[i], NULL);
	batch_reply(engine->batch, reply_new(command->request, REPLY_OK, 200));
}
