// Debounces: of the events with one value of the key that come in quick succession, the latest starts a run when there
// has been silence for a period, or at the latest when the timeout is over (03 §19, 04 §A7). The event is in the store
// meanwhile.
#include <stdlib.h>

#include "base/codec.h"
#include "engine/engine_internal.h"

#define TAG_DEBOUNCE 0x30000u

struct debounce {
	struct map_node by_key;  // in engine->debounces while it is open
	struct map_node by_ulid; // in engine->debounces_by_id
	struct heap_node due;    // in engine->debounces_due while it is open
	struct function *function;
	struct ulid id;
	struct event_key key;    // of the function and the key's value
	uint64_t due_ms, max_ms; // max_ms 0: no timeout
	struct ulid event_id;    // the one that is stored
	uint64_t event_ts_ms, received_ms;
	char *correlation; // of the invoke that sent it, or NULL
	char *cron;        // schedule whose tick it is, or NULL
	uint8_t depth;
};

// ---- life ----------------------------------------------------------------------------------------------------------

static uint64_t id_hash_of(const struct ulid *id) {
	return hash_bytes(id->bytes, sizeof id->bytes);
}

static struct debounce *find_id(const struct engine *engine, const struct ulid *id) {
	for (struct map_node *node = map_first(&engine->debounces_by_id, id_hash_of(id)); node != NULL;
	     node = map_next(node)) {
		struct debounce *debounce = container_of(node, struct debounce, by_ulid);
		if (ulid_cmp(&debounce->id, id) == 0) return debounce;
	}
	return NULL;
}

static struct debounce *find_key(const struct engine *engine, struct event_key key) {
	for (struct map_node *node = map_first(&engine->debounces, key.a); node != NULL; node = map_next(node)) {
		struct debounce *found = container_of(node, struct debounce, by_key);
		if (found->key.b == key.b) return found;
	}
	return NULL;
}

static struct debounce *debounce_new(struct engine *engine, struct function *function, const struct ulid *id,
				     struct event_key key) {
	struct debounce *debounce = mem_calloc(1, sizeof *debounce);
	debounce->function = function;
	debounce->id = *id;
	debounce->key = key;
	heap_node_init(&debounce->due);
	map_insert(&engine->debounces_by_id, &debounce->by_ulid, id_hash_of(id));
	map_insert(&engine->debounces, &debounce->by_key, key.a);
	return debounce;
}

static void set_due(struct engine *engine, struct debounce *debounce, uint64_t due_ms) {
	debounce->due_ms = due_ms;
	heap_remove(&engine->debounces_due, &debounce->due);
	heap_push(&engine->debounces_due, &debounce->due, due_ms, engine->sequence++);
}

static void debounce_free(struct engine *engine, struct debounce *debounce) {
	if (heap_contains(&debounce->due)) map_remove(&engine->debounces, &debounce->by_key);
	heap_remove(&engine->debounces_due, &debounce->due);
	map_remove(&engine->debounces_by_id, &debounce->by_ulid);
	free(debounce->correlation);
	free(debounce->cron);
	free(debounce);
}

// It takes no more events; what it has is fetched from the store.
static void close_debounce(struct engine *engine, struct debounce *debounce) {
	map_remove(&engine->debounces, &debounce->by_key);
	heap_remove(&engine->debounces_due, &debounce->due);
	*batch_load(engine->batch) = (struct event_load){.kind = LOAD_DEBOUNCE, .id = debounce->id};
}

void debounces_wake(struct engine *engine, uint32_t limit) {
	for (uint32_t i = 0; i < limit; i++) {
		struct heap_node *node = heap_peek(&engine->debounces_due);
		if (node == NULL || node->key > engine->now) return;
		close_debounce(engine, container_of(node, struct debounce, due));
	}
}

// ---- events --------------------------------------------------------------------------------------------------------

static char *copy(struct str text) {
	return text.len > 0 ? mem_strndup(text.ptr, text.len) : NULL;
}

static void store_event(struct engine *engine, struct debounce *debounce, const struct event *event,
			const struct run_start *start) {
	free(debounce->correlation);
	free(debounce->cron);
	debounce->event_id = event->internal_id;
	debounce->event_ts_ms = event->ts_ms;
	debounce->received_ms = event->received_ms;
	debounce->correlation = copy(start->correlation);
	debounce->cron = copy(start->cron);
	debounce->depth = event->depth;
	record_debounce(engine, debounce, event->text);
}

// Another event runs in its place; who invoked with it learns that at once (03 §5.4).
static void lose(struct engine *engine, const struct function *function, const struct ulid *event_id,
		 struct str correlation, const struct ulid *winner) {
	outcome_write(engine, function, event_id, OUTCOME_DEBOUNCED, REASON_NONE, winner);
	if (correlation.len > 0)
		invoke_fail(engine, correlation, STR("invoked function was debounced: a later event took the place"));
}

static uint64_t due_after(const struct engine *engine, const struct debounce *debounce) {
	uint64_t due_ms = engine->now + debounce->function->config.flow.debounce.period_ms;
	return debounce->max_ms > 0 && debounce->max_ms < due_ms ? debounce->max_ms : due_ms;
}

static void open_debounce(struct engine *engine, struct event_key key, const struct event *event,
			  const struct run_start *start) {
	uint8_t entropy[10];
	rng_bytes(&engine->rng, entropy, sizeof entropy);
	struct ulid id = ulid_make(engine->now, entropy);
	struct debounce *debounce = debounce_new(engine, start->function, &id, key);
	uint64_t timeout_ms = start->function->config.flow.debounce.timeout_ms;
	if (timeout_ms > 0) debounce->max_ms = engine->now + timeout_ms;
	set_due(engine, debounce, due_after(engine, debounce));
	store_event(engine, debounce, event, start);
}

static enum start_result meet(struct engine *engine, struct debounce *debounce, const struct event *event,
			      const struct run_start *start) {
	if (ulid_cmp(&debounce->event_id, &event->internal_id) == 0) return START_DEBOUNCED; // the same once more
	bool is_older = debounce->event_ts_ms > event->ts_ms;
	if (engine->config.planted_bug == 18) is_older = true;
	if (is_older) {
		outcome_write(engine, start->function, &event->internal_id, OUTCOME_DEBOUNCED, REASON_NONE,
			      &debounce->event_id);
		return START_REPLACED;
	}
	struct str correlation = arena_dup(&engine->batch->arena, str_from_cstr(debounce->correlation));
	struct ulid loser = debounce->event_id;
	set_due(engine, debounce, due_after(engine, debounce));
	store_event(engine, debounce, event, start);
	lose(engine, start->function, &loser, correlation, &event->internal_id);
	return START_DEBOUNCED;
}

bool debounce_take(struct engine *engine, struct source *source, struct run_start *start) {
	struct function *function = start->function;
	const struct flow_control *flow = &function->config.flow;
	if (flow->debounce.period_ms == 0) return false;
	struct str value = STR("");
	if (flow->debounce.key.len > 0 && flow_key(engine, source->form, function->flow.debounce, &value) == KEY_ERROR)
		value = STR("<invalid>"); // these share one (04 §A4)
	struct event_key key = event_key_make(TAG_DEBOUNCE, &function->id, value);
	struct debounce *debounce;
	while ((debounce = find_key(engine, key)) != NULL && debounce->due_ms <= engine->now)
		close_debounce(engine, debounce); // its time is over, although no tick has said so
	start->result = START_DEBOUNCED;
	if (debounce == NULL)
		open_debounce(engine, key, source->event, start);
	else
		start->result = meet(engine, debounce, source->event, start);
	return true;
}

// ---- its run -------------------------------------------------------------------------------------------------------

static void begin(struct engine *engine, const struct debounce *debounce, const struct event *event) {
	struct event_form form;
	char key[ULID_TEXT_LEN + 1];
	ulid_text(&event->internal_id, key);
	event_form_init(&form, event, STR(""));
	struct source source = {.event = event, .form = &form};
	struct run_start start = {.function = debounce->function,
				  .key = str_make(key, ULID_TEXT_LEN),
				  .is_claimed = true, // sent again later, it begins no second run (04 §A5)
				  .passes = GATES_ALL,
				  .correlation = str_from_cstr(debounce->correlation),
				  .debug = event->debug,
				  .cron = str_from_cstr(debounce->cron)};
	run_begin_alone(engine, &source, &start);
	if (start.result == START_DONE)
		event_write_again(engine, event); // goes with the run; without one, with its age
	if (start.correlation.len > 0 && start.result != START_DONE)
		invoke_fail(engine, start.correlation, STR("invoked function was skipped"));
	event_form_free(engine, &form);
	source_free(&source);
}

static void drop(struct engine *engine, const struct debounce *debounce, enum outcome_reason reason,
		 struct str message) {
	struct str correlation = str_from_cstr(debounce->correlation);
	outcome_write(engine, debounce->function, &debounce->event_id, OUTCOME_DROPPED, reason, NULL);
	if (correlation.len > 0) invoke_fail(engine, correlation, message);
}

static void drop_unreadable(struct engine *engine, const struct debounce *debounce) {
	complain(engine, debounce->function, STR(""), STR("its event cannot be read"), "a debounced event is lost");
	drop(engine, debounce, REASON_NONE, STR("the event cannot be read"));
}

void debounce_loaded(struct engine *engine, struct command *command) {
	struct debounce *debounce = find_id(engine, &command->loaded.id);
	if (debounce == NULL || heap_contains(&debounce->due)) return; // has come before
	struct event event;
	struct error error;
	struct arena arena;
	arena_init(&arena, 1024);
	struct str text = payload_str(command->loaded.data);
	if (!debounce->function->indexed) {
		drop(engine, debounce, REASON_FUNCTION_REMOVED, STR("invoked function was removed"));
	} else if (event_reread(&arena, text, &debounce->event_id, debounce->received_ms, &event, &error) != ERR_OK) {
		drop_unreadable(engine, debounce);
	} else {
		event.depth = debounce->depth;
		begin(engine, debounce, &event);
		event_release(&event);
	}
	arena_free(&arena);
	record_debounce_delete(engine, &debounce->id);
	debounce_free(engine, debounce);
}

// ---- stored form, start, copies ------------------------------------------------------------------------------------

struct ulid debounce_id(const struct debounce *debounce) {
	return debounce->id;
}

void debounce_encode(const struct debounce *debounce, struct buf *out) {
	buf_append(out, debounce->function->id.bytes, sizeof debounce->function->id.bytes);
	put_u64(out, debounce->key.a);
	put_u64(out, debounce->key.b);
	put_u64(out, debounce->due_ms);
	put_u64(out, debounce->max_ms);
	buf_append(out, debounce->event_id.bytes, sizeof debounce->event_id.bytes);
	put_u64(out, debounce->event_ts_ms);
	put_u64(out, debounce->received_ms);
	put_text(out, str_from_cstr(debounce->correlation));
	put_text(out, str_from_cstr(debounce->cron));
	put_u8(out, debounce->depth);
}

bool debounce_decode(struct engine *engine, const struct ulid *id, struct decoder *d) {
	struct uuid function_id;
	take_bytes(d, function_id.bytes, sizeof function_id.bytes);
	struct function *function = function_find(engine, &function_id);
	struct event_key key = {.a = take_u64(d)};
	key.b = take_u64(d);
	uint64_t due_ms = take_u64(d), max_ms = take_u64(d);
	struct ulid event_id;
	take_bytes(d, event_id.bytes, sizeof event_id.bytes);
	uint64_t ts_ms = take_u64(d), received_ms = take_u64(d);
	struct str correlation = take_text(d), cron = take_text(d);
	uint8_t depth = take_u8(d);
	if (d->failed || function == NULL || find_id(engine, id) != NULL) return false;
	struct debounce *debounce = debounce_new(engine, function, id, key);
	debounce->max_ms = max_ms;
	debounce->event_id = event_id;
	debounce->event_ts_ms = ts_ms;
	debounce->received_ms = received_ms;
	debounce->correlation = copy(correlation);
	debounce->cron = copy(cron);
	debounce->depth = depth;
	set_due(engine, debounce, due_ms);
	return true;
}

void debounces_clear(struct engine *engine) {
	for (struct map_node *node = map_walk(&engine->debounces_by_id, NULL), *next; node != NULL; node = next) {
		next = map_walk(&engine->debounces_by_id, node);
		struct debounce *debounce = container_of(node, struct debounce, by_ulid);
		record_debounce_delete(engine, &debounce->id);
		debounce_free(engine, debounce);
	}
}

void debounces_free(struct engine *engine) {
	for (struct map_node *node = map_walk(&engine->debounces_by_id, NULL), *next; node != NULL; node = next) {
		next = map_walk(&engine->debounces_by_id, node);
		debounce_free(engine, container_of(node, struct debounce, by_ulid));
	}
	map_free(&engine->debounces);
	map_free(&engine->debounces_by_id);
	heap_free(&engine->debounces_due);
}

void debounces_export(struct engine *engine) {
	for (struct map_node *node = map_walk(&engine->debounces_by_id, NULL); node != NULL;
	     node = map_walk(&engine->debounces_by_id, node))
		record_debounce(engine, container_of(node, struct debounce, by_ulid), NULL);
}
