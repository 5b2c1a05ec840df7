// The queue: items that are due wait in backlogs until it is their turn and nothing holds them back (backlogs.c), the
// others in the timer heap.
//
// Apps with ready work take turns (engine->turns), so do the functions of an app (app->turns) and the backlogs of a
// function: neither a function or a key with a million items nor an app that never answers holds up another. Calls in
// flight are bounded per app.
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "engine/engine_internal.h"
#include "model/utf8.h"

const struct item_info item_table[ITEM_KIND_COUNT] = {
	[ITEM_START] = {.job_kind = "start"},
	[ITEM_DISCOVERY] = {.job_kind = "edge"},
	[ITEM_STEP] = {.job_kind = "edge", .has_target = true},
	[ITEM_SLEEP] = {.job_kind = "sleep", .is_timer = true, .has_target = true},
	[ITEM_WAIT] = {.job_kind = "pause", .is_timer = true, .has_target = true, .has_pause = true},
	[ITEM_INVOKE] = {.job_kind = "pause", .is_timer = true, .has_target = true},
	[ITEM_SIGNAL] = {.job_kind = "pause", .is_timer = true, .has_target = true},
	[ITEM_CANCEL_ON] = {.job_kind = "pause", .is_timer = true, .watches = true, .has_pause = true},
	[ITEM_START_TIMEOUT] = {.job_kind = "cancel", .is_timer = true, .watches = true},
	[ITEM_FINISH_TIMEOUT] = {.job_kind = "cancel", .is_timer = true, .watches = true},
};

struct item *item_new(struct engine *engine, struct run *run, enum item_kind kind, uint64_t due_ms) {
	struct item *item = mem_calloc(1, sizeof *item);
	item->run = run;
	item->kind = (uint8_t)kind;
	item->state = ITEM_LATER;
	item->due_ms = due_ms;
	item->queued_ms = engine->now;
	item->parent_job = engine->cause_job;
	item->generation = 1;
	if (run->free_slot != SLOT_NONE) {
		item->slot = run->free_slot; // its record is overwritten instead of deleted
		run->free_slot = SLOT_NONE;
	} else {
		item->slot = run->next_slot++;
	}
	run->work_count += !item_table[kind].watches;
	list_push_back(&run->items, &item->of_run);
	list_init(&item->dirty);
	heap_node_init(&item->node);
	return item;
}

void item_set_label(struct item *item, struct str target, struct str name) {
	CHECK(target.len <= STEP_ID_MAX);
	free(item->target);
	name = utf8_clip(name, STEP_NAME_MAX);
	item->target = NULL;
	item->target_len = (uint16_t)target.len;
	item->name_len = target.len > 0 ? (uint8_t)name.len : 0;
	if (target.len == 0) return;
	item->target = mem_alloc(target.len + name.len);
	memcpy(item->target, target.ptr, target.len);
	if (name.len > 0) memcpy(item->target + target.len, name.ptr, name.len);
}

void item_set_target(struct item *item, struct str target) {
	item_set_label(item, target, STR(""));
}

void item_set_step(struct item *item, const struct opcode *op) {
	item_set_label(item, op->id, op->display_name);
	item->parallel = (uint8_t)op->parallel;
}

struct str item_target(const struct item *item) {
	return str_make(item->target, item->target_len);
}

struct str item_name(const struct item *item) {
	return item->name_len > 0 ? str_make(item->target + item->target_len, item->name_len) : STR("");
}

struct step_result item_result(struct engine *engine, const struct item *item, struct payload *value) {
	static const enum opcode_kind ops[ITEM_KIND_COUNT] = {[ITEM_SLEEP] = OPCODE_SLEEP,
							      [ITEM_WAIT] = OPCODE_WAIT_FOR_EVENT,
							      [ITEM_INVOKE] = OPCODE_INVOKE_FUNCTION,
							      [ITEM_SIGNAL] = OPCODE_WAIT_FOR_SIGNAL};
	struct arena *arena = &engine->batch->arena;
	return (struct step_result){.id = arena_dup(arena, item_target(item)),
				    .name = arena_dup(arena, item_name(item)),
				    .op = ops[item->kind],
				    .value = value};
}

void item_free(struct item *item) {
	item->run->work_count -= !item_table[item->kind].watches;
	list_remove(&item->of_run);
	list_remove(&item->dirty);
	free(item->target);
	pause_free(item->pause);
	signal_free(item->signal);
	free(item);
}

// Work of older runs first, and of those that the priority makes older; retries and sleeps keep their own time (03
// §8.1, 04 §A9).
static uint64_t score(const struct item *item) {
	if (item->attempt > 0 || item->is_late) return item->due_ms;
	int64_t factor_ms = item->run->limits != NULL ? item->run->limits->priority_s * 1000ll : 0;
	int64_t at_ms = (int64_t)ulid_time_ms(&item->run->id) - factor_ms;
	return at_ms > 0 ? (uint64_t)at_ms : 0;
}

// What is due later than this keeps its own time (04 §A15).
#define SOON_MS 2000u

void item_queue(struct engine *engine, struct item *item) {
	item->is_late = item->due_ms > engine->now + SOON_MS;
	item_touch(engine, item);
	item_resume(engine, item);
}

void item_resume(struct engine *engine, struct item *item) {
	bool is_due = item->due_ms <= engine->now || item->holds; // what was in a call had been due, by another clock
	if (!is_due || item_table[item->kind].is_timer) {
		item->state = ITEM_LATER;
		heap_push(&engine->timers, &item->node, item->due_ms, engine->sequence++);
		return;
	}
	item->state = ITEM_READY;
	backlog_push(engine, item, score(item));
}

static void write_pause(struct engine *engine, const struct function *function) {
	struct history_item *item = batch_history(engine->batch, HISTORY_FUNCTION_PAUSE, engine->now);
	item->pause.function_id = function->id;
	item->pause.is_paused = function->paused;
}

void item_reset_attempt(struct engine *engine, struct item *item) {
	item->attempt = 0;
	item_touch(engine, item);
	if (item->state != ITEM_READY) return;
	backlog_remove(engine, item);
	backlog_push(engine, item, score(item)); // it has no time of its own any more
}

void function_pause(struct engine *engine, struct function *function, bool paused) {
	function->paused = paused;
	record_function(engine, function);
	write_pause(engine, function);
	function_offer(engine, function);
}

void pauses_start(struct engine *engine) {
	list_for_each(node, &engine->apps) {
		const struct app *app = list_entry(node, struct app, all);
		list_for_each(f, &app->functions) {
			const struct function *function = list_entry(f, struct function, of_app);
			if (function->paused) write_pause(engine, function);
		}
	}
}

void item_call_ended(struct engine *engine, struct item *item) {
	struct function *function = item->run->function;
	engine->calls--;
	function->app->calls--;
	item->state = ITEM_LATER;
	item->called_ms = 0;
	constraints_release(engine, item);
	function_offer(engine, function);
}

void item_unqueue(struct engine *engine, struct item *item) {
	switch ((enum item_state)item->state) {
	case ITEM_LATER:
		heap_remove(&engine->timers, &item->node);
		constraints_release(engine, item);
		break;
	case ITEM_READY:
		backlog_remove(engine, item);
		constraints_release(engine, item);
		break;
	case ITEM_IN_CALL:
		orphan_adopt(engine, item);
		break;
	}
	item->state = ITEM_LATER;
}

void item_finish(struct engine *engine, struct item *item) {
	struct run *run = item->run;
	item_unqueue(engine, item);
	if (run->free_slot != SLOT_NONE) record_slot_delete(engine, run, run->free_slot);
	run->free_slot = item->slot;
	run_note(engine, run);
	item_free(item);
}

struct item *run_item_for(const struct run *run, struct str target) {
	list_for_each(node, &run->items) {
		struct item *item = list_entry(node, struct item, of_run);
		if (str_eq(item_target(item), target)) return item;
	}
	return NULL;
}

struct item *run_item_job(const struct run *run, uint64_t job_hash) {
	list_for_each(node, &run->items) {
		struct item *item = list_entry(node, struct item, of_run);
		if (item->job_hash == job_hash) return item;
	}
	return NULL;
}

// Job id strings of 02 §10.6: {function UUID}:{idempotency key}[-{step}{suffix}]
uint64_t job_hash_make(const struct run *run, struct str step_id, const char *suffix) {
	char a[BASE36_LEN + 1], b[BASE36_LEN + 1];
	base36_text(run->function->id_hash, a);
	base36_text(run->key_hash, b);
	char local[512];
	int prefix = snprintf(local, sizeof local, "%s:%s-%s", run->function->id_text, a, b);
	if (step_id.len == 0 && suffix[0] == '\0') return hash_xxh64(str_make(local, (size_t)prefix));
	size_t suffix_len = strlen(suffix);
	size_t len = (size_t)prefix + 1 + step_id.len + suffix_len;
	char *text = len <= sizeof local ? local : mem_alloc(len);
	if (text != local) memcpy(text, local, (size_t)prefix);
	text[prefix] = '-';
	memcpy(text + prefix + 1, step_id.ptr, step_id.len);
	memcpy(text + prefix + 1 + step_id.len, suffix, suffix_len);
	uint64_t hash = hash_xxh64(str_make(text, len));
	if (text != local) free(text);
	return hash;
}

uint32_t max_attempts(const struct run *run) {
	return (uint32_t)run->function->config.retries + 1;
}

static void fill_call(struct engine *engine, struct call *call, const struct item *item) {
	const struct run *run = item->run;
	const struct function *function = run->function;
	call->run_id = run->id;
	call->slot = item->slot;
	call->generation = item->generation;
	call->dispatch = item->dispatch;
	call->function_id = function->id;
	call->app_id = function->app->id;
	call->url = arena_dup(&call->arena, function->config.uri);
	call->target = item->kind == ITEM_STEP ? arena_dup(&call->arena, item_target(item)) : (struct str){NULL, 0};
	call->attempt = item->attempt;
	call->max_attempts = max_attempts(run);
	call->request_version = run->request_version;
	call->disable_immediate_execution = (run->flags & RUN_FORCE_PLAN) != 0;
	call->job_hash = item->job_hash;
	call->stack_current = item->lead;
	call->state_bytes = run->state_bytes;
	call->first_event_len = run->first_event_len;
	call->defers = defers_text(run, &call->arena);
	run_refs(run, &call->arena, &call->events, &call->steps, &call->step_count);
	(void)engine;
}

// Most runs make their first call in the batch that begins them.
static void write_started(struct engine *engine, const struct run *run) {
	struct batch *batch = engine->batch;
	if (engine->config.no_history && !run->is_restored) return;
	if (run->history_index < batch->history_count) {
		struct history_item *begun = &batch->history[run->history_index];
		if (begun->kind == HISTORY_RUN && ulid_cmp(&begun->run.run_id, &run->id) == 0) {
			begun->run.started_ms = engine->now;
			return;
		}
	}
	if (engine->config.planted_bug == 26) return;
	struct history_item *started = batch_history(batch, HISTORY_RUN_STARTED, engine->now);
	started->run.run_id = run->id;
	started->run.function_id = run->function->id;
}

// Its trace is to show a call that a crash has cut, also when the run ends before it is made again. It is recorded
// where that costs nothing, or little: of a call that had to wait in line, and has no slot to be recorded, it is not.
static void note_called(struct engine *engine, struct item *item) {
	bool is_dirty = item->dirty.next != &item->dirty;
	if (!is_dirty && item->attempt == 0) return;
	item->called_ms = engine->now;
	item_touch(engine, item);
}

static void start_call(struct engine *engine, struct item *item) {
	struct run *run = item->run;
	item->state = ITEM_IN_CALL;
	item->call_attempt = item->attempt;
	item->dispatch = ++engine->dispatches;
	item->started_ms = engine->now;
	engine->calls++;
	run->function->app->calls++;
	run->function->tallies[TALLY_CALL_STARTED]++;
	constraints_take(engine, item);
	note_called(engine, item);
	backlog_taken(engine, item);
	run_note(engine, run);
	if ((run->flags & RUN_STARTED) == 0) {
		run->flags |= RUN_STARTED;
		run->started_ms = engine->now;
		run->function->tallies[TALLY_RUN_STARTED]++;
		run_touch(engine, run);
		write_started(engine, run);
		timeout_started(engine, run);
	}
	struct call *call = mem_calloc(1, sizeof *call);
	arena_init(&call->arena, 512 + run->step_count * (sizeof(struct call_step) + 48));
	fill_call(engine, call, item);
	batch_call(engine->batch, call);
}

void queue_dispatch(struct engine *engine) {
	while (!list_empty(&engine->turns)) {
		struct app *app = list_entry(list_pop_front(&engine->turns), struct app, turn);
		struct function *function = list_entry(list_pop_front(&app->turns), struct function, turn);
		struct item *item = backlog_next(engine, function);
		if (item != NULL && timeout_reached(engine, item->run))
			run_finish(engine, item->run, RUN_END_CANCELLED, NULL, NULL);
		else if (item != NULL)
			start_call(engine, item);
		function_offer(engine, function);
	}
}

static void item_due(struct engine *engine, struct item *item) {
	switch ((enum item_kind)item->kind) {
	case ITEM_WAIT:
	case ITEM_SIGNAL:
		return wait_timeout(engine, item);
	case ITEM_INVOKE:
		return invoke_timeout(engine, item);
	case ITEM_CANCEL_ON:
		return item_finish(engine, item);
	case ITEM_START_TIMEOUT:
	case ITEM_FINISH_TIMEOUT:
		return timeout_due(engine, item);
	case ITEM_SLEEP:
		if (!sleep_due(engine, item)) return;
		break; // it is a discovery now, and has marked itself as changed
	default:
		break;
	}
	item_resume(engine, item);
}

void queue_wake(struct engine *engine, uint32_t limit) {
	for (uint32_t i = 0; i < limit; i++) {
		struct heap_node *node = heap_peek(&engine->timers);
		if (node == NULL || node->key > engine->now) return;
		struct item *item = container_of(heap_pop(&engine->timers), struct item, node);
		item_due(engine, item);
	}
}
