// Runs and their memoised steps: memory, indexes, parallel groups.
#include <stdlib.h>

#include "base/check.h"
#include "engine/engine_internal.h"
#include "model/utf8.h"

static uint64_t run_hash(const struct ulid *id) {
	return hash_bytes(id->bytes, sizeof id->bytes);
}

struct run *run_find(const struct engine *engine, const struct ulid *id) {
	for (struct map_node *node = map_first(&engine->runs, run_hash(id)); node != NULL; node = map_next(node)) {
		struct run *run = container_of(node, struct run, by_id);
		if (ulid_cmp(&run->id, id) == 0) return run;
	}
	return NULL;
}

struct run *run_new(struct engine *engine, const struct ulid *id, struct function *function) {
	struct run *run = mem_calloc(1, sizeof *run);
	run->id = *id;
	run->function = function;
	run->request_version = -1;
	run->free_slot = SLOT_NONE;
	list_init(&run->items);
	list_init(&run->dirty);
	list_push_back(&function->runs, &run->of_function);
	map_insert(&engine->runs, &run->by_id, run_hash(id));
	return run;
}

void run_drop_items(struct engine *engine, struct run *run) {
	for (struct list *node; (node = list_pop_front(&run->items)) != NULL;) {
		struct item *item = list_entry(node, struct item, of_run);
		item_unqueue(engine, item);
		item_free(item);
	}
}

void run_free(struct engine *engine, struct run *run) {
	run_drop_items(engine, run);
	run_limits_end(engine, run);
	map_remove(&engine->runs, &run->by_id);
	list_remove(&run->dirty);
	list_remove(&run->of_function);
	for (uint32_t i = 0; i < run->step_count; i++) {
		payload_unref(run->steps[i].value);
		free(run->steps[i].id);
	}
	free(run->steps);
	free(run->group);
	free(run->correlation);
	free(run->meta);
	free(run->debug);
	defers_free(run);
	payload_unref(run->events);
	free(run);
}

static void run_list_dirty(struct engine *engine, struct run *run) {
	if ((run->dirty_what & DIRTY_LISTED) != 0) return;
	run->dirty_what |= DIRTY_LISTED;
	list_remove(&run->dirty); // from engine->resting
	list_push_back(&engine->dirty_runs, &run->dirty);
}

void run_touch(struct engine *engine, struct run *run) {
	run_list_dirty(engine, run);
	run->dirty_what |= DIRTY_HEAD;
}

void item_touch(struct engine *engine, struct item *item) {
	run_list_dirty(engine, item->run);
	if (item->dirty.next == &item->dirty) list_push_back(&engine->dirty_items, &item->dirty);
}

void run_note(struct engine *engine, struct run *run) {
	run_list_dirty(engine, run);
}

void run_rest(struct run *run) {
	payload_unref(run->events);
	run->events = NULL;
	for (uint32_t i = 0; i < run->step_count; i++) {
		payload_unref(run->steps[i].value);
		run->steps[i].value = NULL;
	}
	defers_rest(run);
}

struct step *run_step(const struct run *run, struct str id) {
	uint64_t hash = id_hash(id);
	for (uint32_t i = run->step_count; i-- > 0;) {
		struct step *step = &run->steps[i];
		if (step->hash == hash && str_eq(str_make(step->id, step->id_len), id)) return step;
	}
	return NULL;
}

// Id and name in one piece; `name` becomes what is kept of it.
static char *labelled_id(struct str id, struct str *name) {
	*name = utf8_clip(*name, STEP_NAME_MAX);
	char *text = mem_alloc(id.len + name->len + 1);
	if (id.len > 0) memcpy(text, id.ptr, id.len);
	if (name->len > 0) memcpy(text + id.len, name->ptr, name->len);
	return text;
}

struct step *run_append_step(struct run *run, struct str id, struct str name, uint32_t size, uint32_t position) {
	CHECK(id.len <= STEP_ID_MAX);
	if (run->step_count == run->step_cap) {
		run->step_cap = run->step_cap == 0 ? 2 : run->step_cap * 2;
		run->steps = mem_realloc(run->steps, run->step_cap * sizeof *run->steps);
	}
	struct step *step = &run->steps[run->step_count++];
	*step = (struct step){.hash = id_hash(id),
			      .id = labelled_id(id, &name),
			      .id_len = (uint16_t)id.len,
			      .name_len = (uint8_t)name.len,
			      .size = size,
			      .position = position};
	run->next_position = position + 1;
	run->state_bytes += size;
	return step;
}

uint32_t run_lead(const struct run *run, const struct step *step) {
	uint32_t lead = (uint32_t)(step - run->steps) + 1;
	for (const struct step *at = run->steps; run->input_count > 0 && at < step; at++)
		lead -= (at->flags & STEP_INPUT) != 0;
	return lead;
}

// The result of a step takes the place of what it was to be called with.
static void drop_input(struct engine *engine, struct run *run, struct step *step) {
	record_step_delete(engine, run, step->position);
	run->state_bytes -= step->size;
	run->input_count--;
	payload_unref(step->value);
	free(step->id);
	size_t behind = (size_t)(run->steps + run->step_count - (step + 1));
	memmove(step, step + 1, behind * sizeof *step);
	run->step_count--;
}

enum save_result run_save_step(struct engine *engine, struct run *run, const struct step_result *result) {
	struct payload *value = result->value;
	struct step *step = run_step(run, result->id);
	if (step != NULL && (step->flags & STEP_INPUT) == 0) {
		if (engine->config.planted_bug == 1) { // breaks "first write wins"
			payload_unref(step->value);
			step->value = payload_ref(value);
			record_step(engine, run, step, true);
		}
		run_group_done(run, step->hash);
		return SAVE_EXISTS;
	}
	const uint64_t *limits = run->function->limits;
	if (run->step_count - run->input_count >= limits[RUN_LIMIT_STEPS]) return SAVE_TOO_MANY;
	uint64_t input = step != NULL ? step->size : 0;
	if (run->state_bytes - input + value->len > limits[RUN_LIMIT_STATE]) return SAVE_TOO_LARGE;
	if (step != NULL) drop_input(engine, run, step);
	step = run_append_step(run, result->id, result->name, value->len, run->next_position);
	step->op = (uint8_t)result->op;
	step->value = payload_ref(value);
	run_group_done(run, step->hash);
	if (run->stalls > 0) {
		run->stalls = 0;
		run_touch(engine, run);
	}
	run_note(engine, run);
	return SAVE_NEW;
}

void run_group_set(struct engine *engine, struct run *run, const uint64_t *hashes, uint32_t count, uint64_t key) {
	free(run->group);
	run->group = mem_alloc(count * sizeof *run->group);
	memcpy(run->group, hashes, count * sizeof *run->group);
	run->group_count = run->pending_count = count;
	run->coalesce = key;
	run_touch(engine, run);
}

// Moves a completed member behind the pending ones; the stored group keeps all of them.
void run_group_done(struct run *run, uint64_t hash) {
	for (uint32_t i = 0; i < run->pending_count; i++) {
		if (run->group[i] != hash) continue;
		run->pending_count--;
		run->group[i] = run->group[run->pending_count];
		run->group[run->pending_count] = hash;
		return;
	}
}
