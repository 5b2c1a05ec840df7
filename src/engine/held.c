// Held events: internal events that some trigger or wait wants to see as a whole while part of their data is only in
// the store, and those that would make a command too long. They are recorded, the journal hands their data back, and
// only then are they matched.
#include <stdlib.h>

#include "engine/engine_internal.h"

static struct held_event *held_find(const struct engine *engine, const struct ulid *id) {
	uint64_t hash = hash_bytes(id->bytes, sizeof id->bytes);
	for (struct map_node *node = map_first(&engine->held, hash); node != NULL; node = map_next(node)) {
		struct held_event *held = container_of(node, struct held_event, by_id);
		if (memcmp(held->internal_id.bytes, id->bytes, sizeof id->bytes) == 0) return held;
	}
	return NULL;
}

struct held_event *held_new(struct engine *engine, const struct ulid *internal_id, struct str name, struct str id,
			    struct str meta, uint64_t ts_ms) {
	if (held_find(engine, internal_id) != NULL) return NULL;
	struct held_event *held = mem_calloc(1, sizeof *held);
	held->internal_id = *internal_id;
	held->name = mem_strndup(name.ptr, name.len);
	held->id = mem_strndup(id.ptr, id.len);
	held->meta = mem_strndup(meta.ptr, meta.len);
	held->ts_ms = ts_ms;
	map_insert(&engine->held, &held->by_id, hash_bytes(internal_id->bytes, sizeof internal_id->bytes));
	return held;
}

void held_free(struct engine *engine, struct held_event *held) {
	map_remove(&engine->held, &held->by_id);
	free(held->name);
	free(held->id);
	free(held->meta);
	free(held);
}

void event_hold(struct engine *engine, const struct event *event, const struct late_event *late) {
	struct held_event *held =
		held_new(engine, &event->internal_id, event->name, event->id, event->meta, event->ts_ms);
	CHECK(held != NULL);
	held->depth = event->depth;
	record_held(engine, held, late->data);
	*batch_load(engine->batch) = (struct event_load){.id = event->internal_id, .data = late->data};
}

void held_start(struct engine *engine) {
	if (engine->config.planted_bug == 5) return;
	for (struct map_node *node = map_walk(&engine->held, NULL); node != NULL;
	     node = map_walk(&engine->held, node)) {
		const struct held_event *held = container_of(node, struct held_event, by_id);
		*batch_load(engine->batch) = (struct event_load){.id = held->internal_id};
	}
}

static void drop(struct engine *engine, struct held_event *held) {
	batch_record(engine->batch, RECORD_DELETE, RECORD_EVENT,
		     str_make(held->internal_id.bytes, sizeof held->internal_id.bytes));
	held_free(engine, held);
}

void held_loaded(struct engine *engine, struct command *command) {
	struct held_event *held = held_find(engine, &command->loaded.id);
	if (held == NULL) return;                                            // its data has come before
	if (command->loaded.data != NULL && command->loaded.data->len > 0) { // else it is lost, as the log says
		struct event event;
		event_make_internal(&command->arena, str_from_cstr(held->name), str_from_cstr(held->id),
				    &held->internal_id, payload_str(command->loaded.data), str_from_cstr(held->meta),
				    held->ts_ms, &event);
		event.depth = held->depth;
		event_match_held(engine, &event);
		event_release(&event);
	}
	drop(engine, held);
}

void held_clear(struct engine *engine) {
	for (struct map_node *node = map_walk(&engine->held, NULL), *next; node != NULL; node = next) {
		next = map_walk(&engine->held, node);
		drop(engine, container_of(node, struct held_event, by_id));
	}
}
