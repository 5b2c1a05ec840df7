// The engine as a whole: life, the table of commands, deadlines.
#include "engine/engine.h"

#include <stdlib.h>

#include "engine/engine_internal.h"

#define WORKERS_DEFAULT 100u
#define REST_AFTER_DEFAULT_MS 1000u
// Work of one tick: bounded, so that a million sleepers due at once do not make one giant transaction.
#define WAKE_MAX 1000u
#define EXPIRE_MAX 1000u
#define TICKS_MAX 100u
#define DEBOUNCES_MAX 1000u
#define EVENT_BATCHES_MAX 100u

struct engine *engine_new(const struct engine_config *config, uint64_t seed) {
	struct engine *engine = mem_calloc(1, sizeof *engine);
	engine->config = *config;
	if (engine->config.workers == 0) engine->config.workers = WORKERS_DEFAULT;
	if (engine->config.steps_max == 0) engine->config.steps_max = RUN_STEPS_MAX;
	if (engine->config.rest_after_ms == 0) engine->config.rest_after_ms = REST_AFTER_DEFAULT_MS;
	rng_seed(&engine->rng, seed);
	trace_init(engine);
	list_init(&engine->apps);
	list_init(&engine->dirty_runs);
	list_init(&engine->dirty_items);
	list_init(&engine->idem_age);
	list_init(&engine->turns);
	list_init(&engine->cancellations);
	list_init(&engine->cancelling);
	list_init(&engine->resting);
	list_init(&engine->dirty_rates);
	list_init(&engine->fresh_batches);
	struct map *maps[] = {&engine->lines,         &engine->orphans,
			      &engine->constraints,   &engine->backlogs,
			      &engine->rates,         &engine->singletons,
			      &engine->debounces,     &engine->debounces_by_id,
			      &engine->event_batches, &engine->event_batches_by_id};
	for (size_t i = 0; i < ARRAY_LEN(maps); i++) map_init(maps[i]);
	struct heap *heaps[] = {&engine->throttles, &engine->rates_old, &engine->debounces_due,
				&engine->event_batches_due};
	for (size_t i = 0; i < ARRAY_LEN(heaps); i++) heap_init(heaps[i]);
	map_init(&engine->apps_by_id);
	map_init(&engine->functions);
	map_init(&engine->slugs);
	map_init(&engine->limit_overrides);
	match_index_init(&engine->triggers, STR("event"));
	match_index_init(&engine->waits, STR("async"));
	map_init(&engine->signals);
	map_init(&engine->runs);
	map_init(&engine->held);
	map_init(&engine->idem);
	heap_init(&engine->timers);
	heap_init(&engine->crons);
	return engine;
}

static void free_runs(struct engine *engine) {
	for (struct map_node *node = map_walk(&engine->runs, NULL), *next; node != NULL; node = next) {
		next = map_walk(&engine->runs, node);
		run_free(engine, container_of(node, struct run, by_id));
	}
}

static void free_apps(struct engine *engine) {
	for (struct list *node; (node = list_pop_front(&engine->apps)) != NULL;) {
		struct app *app = list_entry(node, struct app, all);
		for (struct list *f; (f = list_pop_front(&app->functions)) != NULL;) {
			struct function *function = list_entry(f, struct function, of_app);
			triggers_remove(engine, function);
			crons_free(engine, function);
			function_free(function);
		}
		app_free(app);
	}
}

void engine_free(struct engine *engine) {
	if (engine == NULL) return;
	free_runs(engine);
	orphans_free(engine);
	debounces_free(engine);
	event_batches_free(engine);
	rates_free(engine);
	cancellations_free(engine);
	limits_clear(engine);
	free_apps(engine);
	for (struct list *node; (node = list_pop_front(&engine->idem_age)) != NULL;) {
		free(list_entry(node, struct idem, by_age));
	}
	for (struct map_node *node = map_walk(&engine->held, NULL), *next; node != NULL; node = next) {
		next = map_walk(&engine->held, node);
		held_free(engine, container_of(node, struct held_event, by_id));
	}
	map_free(&engine->held);
	map_free(&engine->constraints);
	map_free(&engine->backlogs);
	map_free(&engine->lines);
	map_free(&engine->singletons);
	heap_free(&engine->throttles);
	buf_free(&engine->fact_text);
	free(engine->json_pool);
	free(engine->deferred);
	map_free(&engine->apps_by_id);
	map_free(&engine->functions);
	map_free(&engine->slugs);
	map_free(&engine->limit_overrides);
	match_index_free(&engine->triggers);
	match_index_free(&engine->waits);
	map_free(&engine->signals);
	map_free(&engine->runs);
	map_free(&engine->idem);
	heap_free(&engine->timers);
	heap_free(&engine->crons);
	free(engine);
}

static void apply_tick(struct engine *engine, struct command *command) {
	(void)command;
	idem_expire(engine, EXPIRE_MAX);
	rates_expire(engine, EXPIRE_MAX);
}

static void apply_event_loaded(struct engine *engine, struct command *command) {
	static void (*const loaded[LOAD_COUNT])(struct engine *, struct command *) = {
		[LOAD_HELD] = held_loaded,
		[LOAD_RUN] = cancellations_run_loaded,
		[LOAD_DEBOUNCE] = debounce_loaded,
		[LOAD_BATCH] = event_batch_loaded,
	};
	loaded[command->loaded.kind](engine, command);
}

static void (*const commands[])(struct engine *, struct command *) = {
	[COMMAND_TICK] = apply_tick,
	[COMMAND_EVENTS] = apply_events,
	[COMMAND_ANSWER] = apply_answer,
	[COMMAND_CHECKPOINT] = apply_checkpoint,
	[COMMAND_REGISTER] = apply_register,
	[COMMAND_APP_ADD] = apply_app_add,
	[COMMAND_APP_ERROR] = apply_app_error,
	[COMMAND_APP_REMOVE] = apply_app_remove,
	[COMMAND_APP_URL] = apply_app_url,
	[COMMAND_CANCEL] = apply_cancel,
	[COMMAND_RUN_STATE] = apply_run_state,
	[COMMAND_RUN_JOBS] = apply_run_jobs,
	[COMMAND_RUN_TRACE] = apply_run_trace,
	[COMMAND_STATS] = apply_stats,
	[COMMAND_ANNOTATE] = apply_annotate,
	[COMMAND_EVENT_LOADED] = apply_event_loaded,
	[COMMAND_SIGNAL] = apply_signal,
	[COMMAND_START] = apply_start,
	[COMMAND_CANCEL_MANY] = apply_cancel_many,
	[COMMAND_FUNCTION_PAUSE] = apply_function_pause,
	[COMMAND_FUNCTION_LIMIT] = apply_function_limit,
	[COMMAND_CANCELLATIONS] = apply_cancellations,
	[COMMAND_CANCELLATION_REMOVE] = apply_cancellation_remove,
	[COMMAND_QUEUE_SIZE] = apply_queue_size,
	[COMMAND_RESET] = apply_reset,
};

static void settle(struct engine *engine) {
	engine->cause_job = 0; // what is due now comes from no answer
	crons_wake(engine, TICKS_MAX);
	debounces_wake(engine, DEBOUNCES_MAX);
	event_batches_wake(engine, EVENT_BATCHES_MAX);
	throttles_wake(engine, WAKE_MAX);
	queue_wake(engine, WAKE_MAX);
	cancellations_work(engine);
	queue_dispatch(engine);
	records_flush(engine);
	engine->batch = NULL;
}

void engine_apply(struct engine *engine, uint64_t now_ms, struct command *command, struct batch *batch) {
	if (now_ms < engine->now) throttles_reconsider(engine);
	engine->now = now_ms;
	engine->batch = batch;
	engine->cascade = 0;
	engine->cause_job = 0;
	if (batch->commands++ == 0) {
		runs_rest(engine);
		event_batches_rest(engine);
	}
	commands[command->kind](engine, command);
	settle(engine);
}

// Runs that nothing would ever wake: their queue items could not be read, or never were (an older release's fault).
static void repair_stalled(struct engine *engine) {
	struct run **stalled = mem_alloc((engine->runs.count + 1) * sizeof(struct run *));
	size_t count = 0;
	for (struct map_node *node = map_walk(&engine->runs, NULL); node != NULL;
	     node = map_walk(&engine->runs, node)) {
		struct run *run = container_of(node, struct run, by_id);
		if (run->work_count == 0) stalled[count++] = run;
	}
	for (size_t i = 0; i < count; i++) run_stall_guard(engine, stalled[i]);
	free(stalled);
}

void engine_start(struct engine *engine, uint64_t now_ms, struct batch *batch) {
	engine->now = now_ms;
	engine->batch = batch;
	// In the order of the records, which is that of the runs' age: what is due at the same moment then comes in
	// this order, and neighbours in the store are read and written one after the other.
	for (struct list *node; (node = list_pop_front(&engine->dirty_items)) != NULL;)
		item_resume(engine, list_entry(node, struct item, dirty));
	repair_stalled(engine);
	held_start(engine);
	event_batches_start(engine);
	cancellations_start(engine);
	crons_start(engine);
	pauses_start(engine);
	settle(engine);
}

uint64_t engine_deadline(const struct engine *engine) {
	uint64_t deadline = UINT64_MAX;
	if (cancellations_ready(engine)) return 0;
	const struct heap *heaps[] = {&engine->timers,    &engine->crons,         &engine->throttles,
				      &engine->rates_old, &engine->debounces_due, &engine->event_batches_due};
	for (size_t i = 0; i < ARRAY_LEN(heaps); i++) {
		const struct heap_node *first = heap_peek(heaps[i]);
		if (first != NULL && first->key < deadline) deadline = first->key;
	}
	if (!list_empty(&engine->idem_age)) {
		const struct idem *idem = list_entry(engine->idem_age.next, struct idem, by_age);
		if (idem->expires_ms < deadline) deadline = idem->expires_ms;
	}
	return deadline;
}

void engine_stats(const struct engine *engine, struct engine_stats *out) {
	*out = (struct engine_stats){.runs = engine->runs.count,
				     .items_ready = engine->ready_count,
				     .items_later = engine->timers.count,
				     .calls_in_flight = engine->calls,
				     .events_held = engine->held.count,
				     .events_waiting = engine->debounces_due.count + engine->event_batches_due.count,
				     .schedules = engine->crons.count,
				     .functions = engine->slugs.count};
	list_for_each(node, &engine->apps) {
		if (!list_entry(node, struct app, all)->archived) out->apps++;
	}
}
