// The beginning of a run: what may hold it back, its state, what watches it, and its first queue item (03 §6).
#include <stdlib.h>

#include "engine/engine_internal.h"
#include "model/defer.h"

static void source_prepare(struct source *source) {
	if (source->array != NULL || source->late != NULL) return;
	struct str text = payload_str(source->event->text);
	source->array = payload_alloc(text.len + 2);
	source->array->bytes[0] = '[';
	memcpy(source->array->bytes + 1, text.ptr, text.len);
	source->array->bytes[text.len + 1] = ']';
}

void source_free(struct source *source) {
	payload_unref(source->array);
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
		run->late_events = source->late->array;
	}
	run->first_event_len = source->first_len > 0 ? source->first_len : run->events_len - 2;
	run->state_bytes = run->events_len;
}

// What a rerun takes over from the run that it repeats.
static void attach_steps(struct engine *engine, struct run *run, const struct run_start *start) {
	for (size_t i = 0; i < start->step_count; i++) {
		const struct given_step *given = &start->steps[i];
		if (run_step(run, given->id) != NULL) continue;
		struct step *step = run_append_step(run, given->id, given->name, given->value->len, run->next_position);
		step->value = payload_ref(given->value);
		step->op = given->op;
		step->flags = given->is_input ? STEP_INPUT : STEP_DISCOVERED;
		run->input_count += given->is_input;
		if (engine->config.planted_bug == 14) step->flags = STEP_DISCOVERED; // the step counts as done
		record_step(engine, run, step, true);
	}
}

static bool ends_quietly(struct str name) {
	return str_eq(name, STR("inngest/function.finished")) || str_eq(name, STR("inngest/function.failed"));
}

// Of a batch with invokes there is a line for each event.
static void take_correlation(struct engine *engine, struct run *run, struct str correlation) {
	run->correlation = mem_strndup(correlation.ptr, correlation.len);
	for (bool more = true; more;) {
		struct str line;
		more = str_cut(correlation, '\n', &line, &correlation);
		if (line.len > 0) trace_invoked(engine, line, &run->id);
	}
}

static void take_debug(struct run *run, const struct debug_ids *debug) {
	run->debug = mem_alloc(sizeof *run->debug);
	*run->debug = *debug;
	run->flags |= RUN_DEBUGGED;
}

static struct run *create(struct engine *engine, const struct source *source, const struct run_start *start,
			  const struct ulid *id) {
	const struct event *event = source->event;
	struct run *run = run_new(engine, id, start->function);
	char id_text[ULID_TEXT_LEN + 1];
	ulid_text(id, id_text);
	run->event_id = event->internal_id;
	run->function_version = start->function->version;
	run->key_hash = hash_xxh64(start->key.len > 0 ? start->key : str_make(id_text, ULID_TEXT_LEN));
	run->depth = event->depth;
	if (ends_quietly(event->name) || event->depth >= RUN_DEPTH_MAX) run->flags |= RUN_QUIET;
	if (source->late == NULL && str_eq(event->data, STR("null"))) run->flags |= RUN_NO_DATA;
	if (str_eq(event->user, STR("{}")) && event->v.len == 0) run->flags |= RUN_EMPTY_USER;
	if (start->is_batch) run->flags |= RUN_OF_BATCH;
	if (event->meta.len > 0) run->meta = mem_strndup(event->meta.ptr, event->meta.len);
	if (debug_ids_has_any(&start->debug)) take_debug(run, &start->debug);
	if (start->correlation.len > 0) take_correlation(engine, run, start->correlation);
	attach_events(engine, run, source);
	attach_steps(engine, run, start);
	return run;
}

static void queue_first(struct engine *engine, struct run *run, const struct source *source,
			const struct run_start *start) {
	uint64_t due = start->at_ms > 0 ? start->at_ms : start->is_batch ? engine->now : source->event->ts_ms;
	struct item *item = item_new(engine, run, start->target.len > 0 ? ITEM_STEP : ITEM_START,
				     due > engine->now ? due : engine->now);
	if (start->target.len > 0) item_set_target(item, start->target);
	item->lead = run->step_count - run->input_count;
	item->job_hash = job_hash_make(run, STR(""), "");
	item->parent_job = 0;
	item_queue(engine, item);
}

static void write_history(struct engine *engine, struct run *run, const struct run_start *start, bool is_deferred) {
	if (engine->config.no_history) return;
	run->history_index = (uint32_t)engine->batch->history_count;
	struct history_item *history = batch_history(engine->batch, HISTORY_RUN, engine->now);
	history->run.run_id = run->id;
	history->run.event_id = run->event_id;
	history->run.function_id = run->function->id;
	history->run.original_run_id = start->original_run_id;
	history->run.debug = start->debug;
	history->run.is_deferred = is_deferred;
	history->run.cron = arena_dup(&engine->batch->arena, start->cron);
}

// Grows within a millisecond, so that the order of ids is that of creation, after a restart too.
static struct ulid run_id_make(struct engine *engine) {
	uint8_t entropy[10];
	rng_bytes(&engine->rng, entropy, sizeof entropy);
	struct ulid id = ulid_make(engine->now, entropy);
	if (ulid_time_ms(&engine->last_run_id) == engine->now) {
		id = engine->last_run_id;
		uint32_t carry = 1 + entropy[0];
		for (size_t i = sizeof id.bytes; i-- > 6 && carry > 0; carry >>= 8) {
			carry += (uint8_t)id.bytes[i];
			id.bytes[i] = (uint8_t)carry;
		}
	}
	engine->last_run_id = id;
	return id;
}

// ---- what may hold it back -----------------------------------------------------------------------------------------

void outcome_write(struct engine *engine, const struct function *function, const struct ulid *event_id,
		   enum event_outcome outcome, enum outcome_reason reason, const struct ulid *other_id) {
	if (engine->config.no_history) return;
	struct history_item *item = batch_history(engine->batch, HISTORY_OUTCOME, engine->now);
	item->outcome.event_id = *event_id;
	item->outcome.function_id = function->id;
	item->outcome.outcome = outcome;
	item->outcome.reason = reason;
	if (other_id != NULL) item->outcome.other_id = *other_id;
}

void skip_write(struct engine *engine, const struct function *function, const struct ulid *event_id,
		const struct run_skip *skip) {
	if (engine->config.no_history) return;
	struct history_item *item = batch_history(engine->batch, HISTORY_OUTCOME, engine->now);
	item->outcome.event_id = *event_id;
	item->outcome.function_id = function->id;
	item->outcome.outcome = OUTCOME_SKIPPED;
	item->outcome.reason = skip->reason;
	item->outcome.run_id = skip->run_id;
	item->outcome.other_id = skip->other_id;
}

static bool is_repeated(struct engine *engine, const struct source *source, struct run_start *start) {
	if (!start->is_claimed) return false;
	const struct idem *idem = idem_find(engine, start->function, hash_xxh64(start->key));
	if (idem == NULL) return false;
	start->result = START_REPEATED;
	start->run_id = idem->run_id;
	outcome_write(engine, start->function, &source->event->internal_id, OUTCOME_DUPLICATE, REASON_NONE,
		      &idem->run_id);
	return true;
}

static bool is_limited(struct engine *engine, const struct source *source, struct run_start *start) {
	if ((start->passes & GATE_RATE) != 0) return false;
	start->result = rate_limit_check(engine, start->function, source->form, start);
	bool is_dropped = start->result == START_DROPPED;
	if (start->result == START_DONE) return false;
	outcome_write(engine, start->function, &source->event->internal_id,
		      is_dropped ? OUTCOME_DROPPED : OUTCOME_RATE_LIMITED,
		      is_dropped ? REASON_EXPRESSION_FAILED : REASON_NONE, NULL);
	return true;
}

// Looked at in this order (03 §6.2); an id that was seen before comes first, so that a duplicate has no effect.
static bool is_held_back(struct engine *engine, struct source *source, struct run_start *start) {
	if ((start->passes & GATE_BATCH) == 0 && event_batch_take(engine, source, start)) return true;
	if (is_repeated(engine, source, start) || is_limited(engine, source, start)) return true;
	return (start->passes & GATE_DEBOUNCE) == 0 && debounce_take(engine, source, start);
}

static bool skip(struct engine *engine, const struct source *source, struct run_start *start,
		 enum outcome_reason reason, const struct run *holder) {
	start->result = reason == REASON_SINGLETON ? START_SINGLETON : START_PAUSED;
	start->skip = (struct run_skip){.reason = reason, .run_id = run_id_make(engine)};
	if (holder != NULL) start->skip.other_id = holder->id;
	skip_write(engine, start->function, &source->event->internal_id, &start->skip);
	return false;
}

// False when the run is skipped; *lock is that of the singleton.
static bool may_run(struct engine *engine, const struct source *source, struct run_start *start, uint64_t *lock) {
	struct function *function = start->function;
	struct run *holder = singleton_holder(engine, function, source->form, lock);
	if (holder != NULL && function->config.flow.singleton.mode == SINGLETON_SKIP)
		return skip(engine, source, start, REASON_SINGLETON, holder);
	if (function->paused) return skip(engine, source, start, REASON_FUNCTION_PAUSED, NULL);
	if (holder != NULL) run_finish(engine, holder, RUN_END_CANCELLED, NULL, NULL);
	return true;
}

void run_begin(struct engine *engine, struct source *source, struct run_start *start) {
	uint64_t lock;
	if (is_held_back(engine, source, start) || !may_run(engine, source, start, &lock)) return;
	start->result = START_DONE;
	source_prepare(source);
	start->run_id = run_id_make(engine);
	if (start->is_claimed) idem_claim(engine, start->function, hash_xxh64(start->key), &start->run_id);
	struct run *run = create(engine, source, start, &start->run_id);
	run->function->tallies[TALLY_RUN_SCHEDULED]++;
	run_limits_begin(engine, run, source->form);
	singleton_lock(engine, run, lock);
	if (!start->is_batch) {
		cancels_begin(engine, run, source->form);
		timeout_begin(engine, run);
	}
	queue_first(engine, run, source, start);
	write_history(engine, run, start, str_eq(source->event->name, DEFER_EVENT));
	cancellations_run_begun(engine, run);
}
