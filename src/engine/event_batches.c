// Event batches: events of a function, or of one value of its key, that are collected until there are enough of them or
// the first has waited long enough, and then start one run (03 §18, 04 §A8). The events are in the store meanwhile.
#include <stdlib.h>

#include "base/codec.h"
#include "engine/engine_internal.h"

#define TAG_BATCH 0x40000u
#define TAG_BATCHED 0x40001u
#define NS_PER_MS 1000000u

struct member {
	struct ulid event_id;
	struct payload *text; // until the batch that stores it is out
	char *correlation;    // of the invoke that sent it, or NULL
	uint32_t number;      // in the record key: grows
	uint32_t size;
	uint8_t depth;
	uint64_t received_ms;
};

struct event_batch {
	struct map_node by_key;  // in engine->event_batches while it is open
	struct map_node by_ulid; // in engine->event_batches_by_id
	struct heap_node due;    // in engine->event_batches_due while it is open
	struct list fresh;       // in engine->fresh_batches
	struct function *function;
	struct ulid id;
	struct event_key key; // of the function and the key's value
	uint64_t due_ms;
	uint64_t bytes;
	struct member *members;
	uint32_t count, cap;
	bool is_full;
};

// ---- life ----------------------------------------------------------------------------------------------------------

static uint64_t id_hash_of(const struct ulid *id) {
	return hash_bytes(id->bytes, sizeof id->bytes);
}

static struct event_batch *find_id(const struct engine *engine, const struct ulid *id) {
	for (struct map_node *node = map_first(&engine->event_batches_by_id, id_hash_of(id)); node != NULL;
	     node = map_next(node)) {
		struct event_batch *eb = container_of(node, struct event_batch, by_ulid);
		if (ulid_cmp(&eb->id, id) == 0) return eb;
	}
	return NULL;
}

static struct event_batch *find_key(const struct engine *engine, struct event_key key) {
	for (struct map_node *node = map_first(&engine->event_batches, key.a); node != NULL; node = map_next(node)) {
		struct event_batch *found = container_of(node, struct event_batch, by_key);
		if (found->key.b == key.b) return found;
	}
	return NULL;
}

static struct event_batch *event_batch_new(struct engine *engine, struct function *function, const struct ulid *id,
					   struct event_key key, uint64_t due_ms) {
	struct event_batch *eb = mem_calloc(1, sizeof *eb);
	eb->function = function;
	eb->id = *id;
	eb->key = key;
	eb->due_ms = due_ms;
	list_init(&eb->fresh);
	heap_node_init(&eb->due);
	map_insert(&engine->event_batches, &eb->by_key, key.a);
	map_insert(&engine->event_batches_by_id, &eb->by_ulid, id_hash_of(id));
	heap_push(&engine->event_batches_due, &eb->due, due_ms, engine->sequence++);
	return eb;
}

static void drop_texts(struct event_batch *eb) {
	for (uint32_t i = eb->count; i-- > 0 && eb->members[i].text != NULL;) {
		payload_unref(eb->members[i].text);
		eb->members[i].text = NULL;
	}
	list_remove(&eb->fresh);
}

void event_batches_rest(struct engine *engine) {
	while (!list_empty(&engine->fresh_batches))
		drop_texts(list_entry(engine->fresh_batches.next, struct event_batch, fresh));
}

static void event_batch_free(struct engine *engine, struct event_batch *eb) {
	if (heap_contains(&eb->due)) map_remove(&engine->event_batches, &eb->by_key);
	heap_remove(&engine->event_batches_due, &eb->due);
	map_remove(&engine->event_batches_by_id, &eb->by_ulid);
	drop_texts(eb);
	for (uint32_t i = 0; i < eb->count; i++) free(eb->members[i].correlation);
	free(eb->members);
	free(eb);
}

// The JSON array of its events, from the store but for those that are on their way there.
static struct late_text *array_of(struct engine *engine, const struct event_batch *eb) {
	struct late_text *late = batch_late(engine->batch, 2 * (size_t)eb->count + 1);
	for (uint32_t i = 0; i < eb->count; i++) {
		struct payload_ref *ref = ARENA_NEW(&engine->batch->arena, struct payload_ref);
		*ref = (struct payload_ref){.data = payload_ref(eb->members[i].text),
					    .size = eb->members[i].size,
					    .kind = RECORD_BATCH_EVENT};
		ref->key_len = (uint8_t)run_key(&eb->id, eb->members[i].number, ref->key);
		late->parts[2 * i] = (struct late_part){.literal = i == 0 ? STR("[") : STR(",")};
		late->parts[2 * i + 1] = (struct late_part){.ref = ref};
	}
	late->parts[2 * (size_t)eb->count] = (struct late_part){.literal = eb->count > 0 ? STR("]") : STR("[]")};
	late->is_used = true;
	return late;
}

// It takes no more events; those that it has are fetched from the store.
static void close_batch(struct engine *engine, struct event_batch *eb) {
	map_remove(&engine->event_batches, &eb->by_key);
	heap_remove(&engine->event_batches_due, &eb->due);
	*batch_load(engine->batch) =
		(struct event_load){.kind = LOAD_BATCH, .id = eb->id, .data = array_of(engine, eb)};
}

void event_batches_wake(struct engine *engine, uint32_t limit) {
	uint64_t bytes = 0; // their texts come into memory
	for (uint32_t i = 0; i < limit && bytes < EVENT_BATCH_BYTES_MAX; i++) {
		struct heap_node *node = heap_peek(&engine->event_batches_due);
		if (node == NULL || node->key > engine->now) return;
		struct event_batch *eb = container_of(node, struct event_batch, due);
		bytes += eb->bytes;
		close_batch(engine, eb);
	}
}

// ---- events --------------------------------------------------------------------------------------------------------

// Without a value, or with an error, it is not met (04 §A1).
static bool is_eligible(struct engine *engine, const struct function *function, struct event_form *form) {
	if (!function->config.flow.batch.is_conditional) return true;
	if (function->flow.batch_if == NULL) return false;
	struct cel_value value = event_form_eval(engine, form, function->flow.batch_if);
	return value.type == CEL_BOOL && value.boolean;
}

// A request that is sent again with its seed brings the same events (03 §18).
static bool is_repeated(struct engine *engine, const struct function *function, const struct event *event) {
	if (!event->stable_id) return false;
	char text[ULID_TEXT_LEN + 1];
	ulid_text(&event->internal_id, text);
	uint64_t mark = flow_id(TAG_BATCHED, &function->id, 0, str_make(text, ULID_TEXT_LEN));
	uint64_t now_ns = engine->now * NS_PER_MS;
	if (rate_get(engine, mark) > now_ns) return true;
	rate_set(engine, mark, now_ns + BATCH_MEMORY_MS * NS_PER_MS);
	return false;
}

static struct member *add_member(struct event_batch *eb, struct str correlation) {
	if (eb->count == eb->cap) {
		eb->cap = eb->cap > 0 ? 2 * eb->cap : 4;
		eb->members = mem_realloc(eb->members, eb->cap * sizeof *eb->members);
	}
	struct member *member = &eb->members[eb->count++];
	*member = (struct member){.number = eb->count > 1 ? member[-1].number + 1 : 0};
	if (correlation.len > 0) member->correlation = mem_strndup(correlation.ptr, correlation.len);
	return member;
}

static uint32_t size_max(const struct engine *engine, const struct event_batch *eb) {
	return eb->function->config.flow.batch.size_max + (engine->config.planted_bug == 19);
}

static void fill(struct engine *engine, struct event_batch *eb) {
	eb->is_full = true;
	record_event_batch(engine, eb);
	close_batch(engine, eb);
}

static void append(struct engine *engine, struct event_batch *eb, const struct event *event, struct str correlation) {
	struct member *member = add_member(eb, correlation);
	member->event_id = event->internal_id;
	member->size = event->text->len;
	member->depth = event->depth;
	member->received_ms = event->received_ms;
	member->text = payload_ref(event->text);
	eb->bytes += member->size;
	if (list_empty(&eb->fresh)) list_push_back(&engine->fresh_batches, &eb->fresh);
	record_batch_event(engine, eb, eb->count - 1, event->text);
	if (eb->count >= size_max(engine, eb) || eb->bytes >= EVENT_BATCH_BYTES_MAX) fill(engine, eb);
}

static struct event_batch *open_batch(struct engine *engine, struct function *function, struct event_key key) {
	uint8_t entropy[10];
	rng_bytes(&engine->rng, entropy, sizeof entropy);
	struct ulid id = ulid_make(engine->now, entropy);
	struct event_batch *eb =
		event_batch_new(engine, function, &id, key, engine->now + function->config.flow.batch.timeout_ms);
	record_event_batch(engine, eb);
	return eb;
}

static enum start_result drop(struct engine *engine, struct function *function, const struct event *event,
			      struct str problem) {
	if (!function->complained)
		complain(engine, function, function->config.flow.batch.key, problem,
			 "the key of a batch cannot be evaluated, so its event does not start the function");
	function->complained = true;
	outcome_write(engine, function, &event->internal_id, OUTCOME_DROPPED, REASON_EXPRESSION_FAILED, NULL);
	return START_DROPPED;
}

// Its time may be over although no tick has said so, and it may have been allowed more events when it was opened.
static bool is_open(const struct engine *engine, const struct event_batch *eb) {
	return eb->due_ms > engine->now && !eb->is_full && eb->count < size_max(engine, eb);
}

bool event_batch_take(struct engine *engine, struct source *source, struct run_start *start) {
	struct function *function = start->function;
	const struct flow_control *flow = &function->config.flow;
	if (flow->batch.size_max == 0 || !is_eligible(engine, function, source->form)) return false;
	struct str value = STR("");
	start->result = START_BATCHED;
	if (is_repeated(engine, function, source->event)) return true;
	if (flow->batch.key.len > 0 && flow_key(engine, source->form, function->flow.batch_key, &value) == KEY_ERROR) {
		start->result = drop(engine, function, source->event, value);
		return true;
	}
	struct event_key key = event_key_make(TAG_BATCH, &function->id, value);
	struct event_batch *eb;
	while ((eb = find_key(engine, key)) != NULL && !is_open(engine, eb)) fill(engine, eb);
	if (eb == NULL) eb = open_batch(engine, function, key);
	append(engine, eb, source->event, start->correlation);
	return true;
}

// ---- its run -------------------------------------------------------------------------------------------------------

void event_batch_write(struct engine *engine, const struct function *function, const struct ulid *id,
		       const struct ulid *run_id, const struct ulid *event_ids, size_t count) {
	if (engine->config.no_history) return;
	struct buf ids;
	buf_init(&ids, SIZE_MAX);
	for (size_t i = 0; i < count; i++) {
		char text[ULID_TEXT_LEN + 1];
		ulid_text(&event_ids[i], text);
		if (i > 0) buf_byte(&ids, ',');
		buf_append(&ids, text, ULID_TEXT_LEN);
	}
	struct history_item *item = batch_history(engine->batch, HISTORY_EVENT_BATCH, engine->now);
	item->event_batch.batch_id = *id;
	item->event_batch.run_id = *run_id;
	item->event_batch.function_id = function->id;
	item->event_batch.app_id = function->app->id;
	item->event_batch.event_ids = arena_dup(&engine->batch->arena, buf_view(&ids));
	buf_free(&ids);
}

static void write_history(struct engine *engine, const struct event_batch *eb, const struct ulid *run_id) {
	struct ulid *ids = ARENA_ARRAY(&engine->batch->arena, struct ulid, eb->count);
	for (uint32_t i = 0; i < eb->count; i++) ids[i] = eb->members[i].event_id;
	event_batch_write(engine, eb->function, &eb->id, run_id, ids, eb->count);
}

static void fail_invokes(struct engine *engine, const struct event_batch *eb, struct str message) {
	for (uint32_t i = 0; i < eb->count; i++) {
		struct str correlation = str_from_cstr(eb->members[i].correlation);
		if (correlation.len > 0) invoke_fail(engine, correlation, message);
	}
}

// All of its events have the fate that has been written for the first.
static void skip_others(struct engine *engine, const struct event_batch *eb, const struct run_skip *skip) {
	for (uint32_t i = 1; i < eb->count; i++) skip_write(engine, eb->function, &eb->members[i].event_id, skip);
	fail_invokes(engine, eb, STR("invoked function was skipped"));
}

static void drop_all(struct engine *engine, const struct event_batch *eb, enum outcome_reason reason,
		     struct str message) {
	for (uint32_t i = 0; i < eb->count; i++)
		outcome_write(engine, eb->function, &eb->members[i].event_id, OUTCOME_DROPPED, reason, NULL);
	fail_invokes(engine, eb, message);
}

// Of all invokes among its events, a line each; that of the first event comes first, empty if it has none.
static struct str correlations_of(struct arena *arena, const struct event_batch *eb) {
	struct buf lines;
	buf_init(&lines, SIZE_MAX);
	for (uint32_t i = 0; i < eb->count; i++) {
		struct str correlation = str_from_cstr(eb->members[i].correlation);
		if (correlation.len == 0) continue;
		if (i > 0) buf_byte(&lines, '\n');
		buf_str(&lines, correlation);
	}
	struct str text = arena_dup(arena, buf_view(&lines));
	buf_free(&lines);
	return text;
}

// Those that have waited for long, as retention may have taken them.
static void write_again(struct engine *engine, const struct event_batch *eb, struct payload *array) {
	struct str rest = str_skip(payload_str(array), 1);
	for (uint32_t i = 0; i < eb->count && rest.len > eb->members[i].size && !engine->config.no_history; i++) {
		const struct member *member = &eb->members[i];
		struct str text = str_first(rest, member->size);
		struct event event;
		struct error error;
		struct arena arena;
		rest = str_skip(rest, member->size + 1u);
		if (engine->now < member->received_ms + EVENT_STAYS_MS) continue;
		arena_init(&arena, 1024);
		enum err err = event_reread(&arena, text, &member->event_id, member->received_ms, &event, &error);
		if (err == ERR_OK) event_write_again(engine, &event);
		if (err == ERR_OK) event_release(&event);
		arena_free(&arena);
	}
}

static void begin(struct engine *engine, const struct event_batch *eb, const struct event *first,
		  struct payload *array) {
	struct event_form form;
	char id[ULID_TEXT_LEN + 1];
	ulid_text(&eb->id, id);
	event_form_init(&form, first, STR(""));
	struct source source = {
		.event = first, .form = &form, .array = payload_ref(array), .first_len = eb->members[0].size};
	struct run_start start = {
		.function = eb->function,
		.key = arena_printf(&engine->batch->arena, "%s-%s", eb->function->id_text, id),
		.is_batch = true,
		.passes = GATES_ALL,
		.correlation = correlations_of(&engine->batch->arena, eb),
		.debug = first->debug,
	};
	run_begin_alone(engine, &source, &start);
	if (start.result == START_DONE) write_again(engine, eb, array); // they go with the run
	if (start.result == START_DONE && eb->count > 1) write_history(engine, eb, &start.run_id);
	if (start.result != START_DONE) skip_others(engine, eb, &start.skip);
	event_form_free(engine, &form);
	source_free(&source);
}

static bool reread_first(struct arena *arena, const struct event_batch *eb, struct payload *array, struct event *out) {
	struct error error;
	if (eb->count == 0 || array == NULL || array->len < eb->members[0].size + 2u) return false;
	const struct member *first = &eb->members[0];
	struct str text = str_first(str_skip(payload_str(array), 1), first->size);
	if (event_reread(arena, text, &first->event_id, first->received_ms, out, &error) != ERR_OK) return false;
	out->depth = first->depth;
	return true;
}

void event_batch_loaded(struct engine *engine, struct command *command) {
	struct event_batch *eb = find_id(engine, &command->loaded.id);
	if (eb == NULL || heap_contains(&eb->due)) return; // has come before
	struct event first;
	struct arena arena;
	arena_init(&arena, 1024);
	if (!eb->function->indexed) {
		drop_all(engine, eb, REASON_FUNCTION_REMOVED, STR("invoked function was removed"));
	} else if (reread_first(&arena, eb, command->loaded.data, &first)) {
		begin(engine, eb, &first, command->loaded.data);
		event_release(&first);
	} else {
		complain(engine, eb->function, STR(""), STR("its events cannot be read"), "a batch of events is lost");
		drop_all(engine, eb, REASON_NONE, STR("the events cannot be read"));
	}
	arena_free(&arena);
	record_event_batch_delete(engine, &eb->id);
	event_batch_free(engine, eb);
}

// ---- stored form, start, copies ------------------------------------------------------------------------------------

struct ulid event_batch_id(const struct event_batch *eb) {
	return eb->id;
}

void event_batch_encode(const struct event_batch *eb, struct buf *out) {
	buf_append(out, eb->function->id.bytes, sizeof eb->function->id.bytes);
	put_u64(out, eb->key.a);
	put_u64(out, eb->key.b);
	put_u64(out, eb->due_ms);
	put_u8(out, eb->is_full);
}

uint32_t event_batch_number(const struct event_batch *eb, uint32_t member) {
	return eb->members[member].number;
}

void event_batch_encode_event(const struct event_batch *eb, uint32_t at, struct buf *out) {
	const struct member *member = &eb->members[at];
	buf_append(out, member->event_id.bytes, sizeof member->event_id.bytes);
	put_u32(out, member->size);
	put_u8(out, member->depth);
	put_u64(out, member->received_ms);
	put_text(out, str_from_cstr(member->correlation));
}

bool event_batch_decode(struct engine *engine, const struct ulid *id, struct decoder *d) {
	struct uuid function_id;
	take_bytes(d, function_id.bytes, sizeof function_id.bytes);
	struct function *function = function_find(engine, &function_id);
	struct event_key key = {.a = take_u64(d)};
	key.b = take_u64(d);
	uint64_t due_ms = take_u64(d);
	bool is_full = take_u8(d) != 0;
	if (d->failed || function == NULL || find_id(engine, id) != NULL) return false;
	event_batch_new(engine, function, id, key, due_ms)->is_full = is_full;
	return true;
}

bool event_batch_decode_event(struct engine *engine, const struct ulid *id, uint32_t number, struct decoder *d) {
	struct event_batch *eb = find_id(engine, id);
	if (eb == NULL || (eb->count > 0 && number <= eb->members[eb->count - 1].number)) return false;
	struct ulid event_id;
	take_bytes(d, event_id.bytes, sizeof event_id.bytes);
	uint32_t size = take_u32(d);
	uint8_t depth = take_u8(d);
	uint64_t received_ms = take_u64(d);
	struct str correlation = take_text(d);
	if (d->failed) return false;
	struct member *member = add_member(eb, correlation);
	member->event_id = event_id;
	member->number = number;
	member->size = size;
	member->depth = depth;
	member->received_ms = received_ms;
	eb->bytes += size;
	return true;
}

// Full ones go on at once, whatever their size may be by now.
void event_batches_start(struct engine *engine) {
	for (struct map_node *node = map_walk(&engine->event_batches_by_id, NULL); node != NULL;
	     node = map_walk(&engine->event_batches_by_id, node)) {
		struct event_batch *eb = container_of(node, struct event_batch, by_ulid);
		if (eb->is_full) close_batch(engine, eb);
	}
}

void event_batches_clear(struct engine *engine) {
	for (struct map_node *node = map_walk(&engine->event_batches_by_id, NULL), *next; node != NULL; node = next) {
		next = map_walk(&engine->event_batches_by_id, node);
		struct event_batch *eb = container_of(node, struct event_batch, by_ulid);
		record_event_batch_delete(engine, &eb->id);
		event_batch_free(engine, eb);
	}
}

void event_batches_free(struct engine *engine) {
	for (struct map_node *node = map_walk(&engine->event_batches_by_id, NULL), *next; node != NULL; node = next) {
		next = map_walk(&engine->event_batches_by_id, node);
		event_batch_free(engine, container_of(node, struct event_batch, by_ulid));
	}
	map_free(&engine->event_batches);
	map_free(&engine->event_batches_by_id);
	heap_free(&engine->event_batches_due);
}

void event_batches_export(struct engine *engine) {
	for (struct map_node *node = map_walk(&engine->event_batches_by_id, NULL); node != NULL;
	     node = map_walk(&engine->event_batches_by_id, node)) {
		const struct event_batch *eb = container_of(node, struct event_batch, by_ulid);
		record_event_batch(engine, eb);
		for (uint32_t i = 0; i < eb->count; i++) record_batch_event(engine, eb, i, NULL);
	}
}
