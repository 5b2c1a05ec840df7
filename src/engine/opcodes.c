// What an app's answer does to its run: memoise, plan, sleep, retry, finish (spec 02 §6.5, §7, §9, §10).
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "engine/engine_internal.h"

// Delays before the attempt that follows attempt n (03 §12.2), then the jitter.
static const uint32_t backoff_s[] = {15, 30, 60, 120, 300, 600, 1200, 2400, 3600, 7200};
#define BACKOFF_JITTER_MS 30000u

// How often a run may be asked again without any progress before it fails, and the pause before each try.
#define STALLS_MAX 10u
#define STALL_DELAY_MS 100u

static uint64_t backoff_ms(struct engine *engine, uint32_t attempt) {
	if (engine->config.retry_interval_ms > 0) return engine->config.retry_interval_ms;
	size_t n = attempt < ARRAY_LEN(backoff_s) ? attempt : ARRAY_LEN(backoff_s) - 1;
	return backoff_s[n] * 1000ull + rng_below(&engine->rng, BACKOFF_JITTER_MS);
}

// What the job that brought the answer passes on to the jobs it leads to; the job itself is gone by then.
struct origin {
	uint32_t lead;
	uint64_t coalesce;
	enum parallel_mode mode;
};

static bool can_retry(const struct run *run, const struct item *item, const struct answer *answer) {
	return !answer->no_retry && item->call_attempt + 1 <= (uint32_t)run->function->config.retries;
}

static void retry(struct engine *engine, struct item *item, uint64_t retry_at_ms) {
	item->attempt = item->call_attempt + 1;
	item->generation++;
	item->queued_ms = engine->now;
	item->due_ms = retry_at_ms > 0 ? retry_at_ms : engine->now + backoff_ms(engine, item->call_attempt);
	item_queue(engine, item);
}

// ---- discovery -----------------------------------------------------------------------------------------------------

static uint64_t joined_job(const struct run *run, uint64_t coalesce) {
	char id[ULID_TEXT_LEN + 1], text[64];
	ulid_text(&run->id, id);
	int len = snprintf(text, sizeof text, "%s-%016llx-discover", id, (unsigned long long)coalesce);
	return hash_xxh64(str_make(text, (size_t)len));
}

static void end_parallel(struct engine *engine, struct run *run) {
	if (run->request_version < 2 || (run->flags & RUN_FORCE_PLAN) == 0) return;
	run->flags &= (uint8_t)~RUN_FORCE_PLAN;
	run_touch(engine, run);
}

static void queue_discovery(struct engine *engine, struct run *run, uint64_t job, uint32_t lead, uint64_t due_ms) {
	struct item *item = item_new(engine, run, ITEM_DISCOVERY, due_ms);
	item->job_hash = job;
	item->lead = lead;
	item_queue(engine, item);
}

void discover_after(struct engine *engine, struct run *run, struct step *step, uint64_t coalesce,
		    enum parallel_mode mode, const char *suffix) {
	if (mode != PARALLEL_RACE && run->pending_count > 0 && engine->config.planted_bug != 3) return;
	if ((step->flags & STEP_DISCOVERED) != 0) return;
	bool joined = coalesce != 0 && mode != PARALLEL_RACE;
	if (joined && run->joined == coalesce && engine->config.planted_bug != 3) return;
	step->flags |= STEP_DISCOVERED;
	if (joined) {
		run->joined = coalesce;
		run_touch(engine, run);
	}
	end_parallel(engine, run);
	struct str id = str_make(step->id, step->id_len);
	queue_discovery(engine, run, joined ? joined_job(run, coalesce) : job_hash_make(run, id, suffix),
			run_lead(run, step), engine->now);
}

// A run that nothing will ever wake again would hang for ever (the reference's stalls, 02 §21.13): ask the app once
// more, later each time, and give up when that brings nothing.
void run_stall_guard(struct engine *engine, struct run *run) {
	if (run->work_count > 0 || run->is_answered) return;
	if (run->stalls >= STALLS_MAX) {
		run_fail(engine, run, STR("no_progress"), STR("Error"),
			 STR("The app answered repeatedly without a new step, a result or an error, and nothing else "
			     "was "
			     "under way."));
		return;
	}
	char suffix[48]; // with what grows by each step: stalls begin anew after one
	snprintf(suffix, sizeof suffix, "redrive-%u-%u", run->next_position, run->stalls);
	uint64_t delay = STALL_DELAY_MS << run->stalls;
	run->stalls++;
	run_touch(engine, run);
	queue_discovery(engine, run, job_hash_make(run, STR(""), suffix), run->step_count - run->input_count,
			engine->now + delay);
}

// ---- saving --------------------------------------------------------------------------------------------------------

static const struct {
	const char *name, *message;
} overflows[RUN_LIMIT_COUNT] = {
	[RUN_LIMIT_STEPS] = {"InngestErrFunctionOverflowed", "The function run exceeded the step limit of %llu steps."},
	[RUN_LIMIT_STATE] = {"InngestErrStateOverflowed",
			     "The function run exceeded the state size limit of %llu bytes."},
};

static void fail_over(struct engine *engine, struct run *run, enum run_limit limit) {
	struct str name = str_from_cstr(overflows[limit].name);
	unsigned long long value = run->function->limits[limit];
	run_fail(engine, run, name, name, arena_printf(&engine->batch->arena, overflows[limit].message, value));
}

void run_fail_steps(struct engine *engine, struct run *run) {
	fail_over(engine, run, RUN_LIMIT_STEPS);
}

static void fail_state(struct engine *engine, struct run *run) {
	fail_over(engine, run, RUN_LIMIT_STATE);
}

// Saves and goes on after it. False when the run has ended.
bool save_and_discover(struct engine *engine, struct run *run, const struct step_result *result, uint64_t coalesce,
		       enum parallel_mode mode, const char *suffix) {
	enum save_result saved = run_save_step(engine, run, result);
	if (saved == SAVE_TOO_MANY) return run_fail_steps(engine, run), false;
	if (saved == SAVE_TOO_LARGE) return fail_state(engine, run), false;
	struct step *step = run_step(run, result->id);
	uint8_t flags = step->flags;
	discover_after(engine, run, step, coalesce, mode, suffix);
	if (saved == SAVE_NEW || step->flags != flags) record_step(engine, run, step, saved == SAVE_NEW);
	return true;
}

bool sleep_due(struct engine *engine, struct item *item) {
	struct run *run = item->run;
	struct payload *null = payload_new(STR("null"));
	struct step_result result = item_result(engine, item, null);
	enum save_result saved = run_save_step(engine, run, &result);
	payload_unref(null);
	if (saved == SAVE_TOO_MANY) return run_fail_steps(engine, run), false;
	if (saved == SAVE_TOO_LARGE) return fail_state(engine, run), false;
	struct step *step = run_step(run, result.id);
	bool wait = item->parallel != PARALLEL_RACE && run->pending_count > 0;
	bool again = (step->flags & STEP_DISCOVERED) != 0;
	if (!wait) step->flags |= STEP_DISCOVERED;
	record_step(engine, run, step, saved == SAVE_NEW);
	if (wait || again) {
		item->state = ITEM_LATER; // out of the heap already
		item_finish(engine, item);
		run_stall_guard(engine, run);
		return false;
	}
	if (item->coalesce != 0 && item->parallel != PARALLEL_RACE) run->joined = item->coalesce;
	end_parallel(engine, run);
	run_touch(engine, run);
	item->kind = ITEM_DISCOVERY;
	item->is_after_sleep = true; // queued_ms stays: when the sleep began (06 §21)
	item->lead = run_lead(run, step);
	item_set_target(item, STR(""));
	item_touch(engine, item);
	return true;
}

// ---- opcodes one by one: each returns false when the run has ended -------------------------------------------------

static bool op_step(struct engine *engine, struct run *run, const struct opcode *op, const struct origin *origin) {
	struct step_result result = {op->id, op->display_name, op->kind, op->output};
	return save_and_discover(engine, run, &result, origin->coalesce, op->parallel, "");
}

static bool op_step_failed(struct engine *engine, struct run *run, const struct opcode *op,
			   const struct origin *origin) {
	struct step_result result = {op->id, op->display_name, op->kind, op->output};
	return save_and_discover(engine, run, &result, 0, origin->mode, "-failure");
}

static bool already_under_way(const struct run *run, struct str id) {
	const struct step *step = run_step(run, id);
	return (step != NULL && (step->flags & STEP_INPUT) == 0) || run_item_for(run, id) != NULL;
}

static bool op_planned(struct engine *engine, struct run *run, const struct opcode *op, const struct origin *origin) {
	if (already_under_way(run, op->id)) return true;
	struct item *item = item_new(engine, run, ITEM_STEP, engine->now);
	item_set_step(item, op);
	item->coalesce = origin->coalesce;
	item->lead = origin->lead;
	item->job_hash = job_hash_make(run, op->id, "-plan");
	item_queue(engine, item);
	return true;
}

// A date has at least 10 characters.
enum err delay_parse(struct str text, uint64_t now, uint64_t *out, struct error *error) {
	int64_t ns = 0;
	*out = 0;
	if (text.len >= 10 && date_parse(text, &ns)) {
		int64_t left = ns - (int64_t)now * 1000000;
		*out = left > 0 ? (uint64_t)(left + 999999) / 1000000 : 0;
		return ERR_OK;
	}
	if (text.len == 0) return ERR_OK;
	enum err err = duration_parse(text, &ns, error);
	if (err == ERR_OK && ns > 0) *out = (uint64_t)(ns + 999999) / 1000000;
	return err;
}

static bool op_sleep(struct engine *engine, struct run *run, const struct opcode *op, const struct origin *origin) {
	if (already_under_way(run, op->id)) return true;
	uint64_t delay = 0;
	struct error error;
	if (delay_parse(op->duration, engine->now, &delay, &error) != ERR_OK) {
		run_fail(engine, run, STR("invalid_sleep"), STR("Error"), str_from_cstr(error.message));
		return false;
	}
	if (delay > SLEEP_MAX_MS) {
		struct str text = arena_printf(
			&engine->batch->arena,
			"The sleep \"%.*s\" ends more than one year in the future; sleeps may last at most "
			"one year.",
			STR_ARG(str_first(op->duration, 256)));
		run_fail(engine, run, STR("InngestErrTimeoutTooLong"), STR("InngestErrTimeoutTooLong"), text);
		return false;
	}
	struct item *item = item_new(engine, run, ITEM_SLEEP, engine->now + delay);
	item_set_step(item, op);
	item->coalesce = origin->coalesce;
	item->job_hash = job_hash_make(run, op->id, "");
	trace_wait(engine, item, op, NULL);
	item_queue(engine, item);
	return true;
}

static bool op_wait(struct engine *engine, struct run *run, const struct opcode *op, const struct origin *origin) {
	return already_under_way(run, op->id) || wait_begin(engine, run, op, origin->coalesce);
}

static bool op_invoke(struct engine *engine, struct run *run, const struct opcode *op, const struct origin *origin) {
	return already_under_way(run, op->id) || invoke_begin(engine, run, op, origin->coalesce);
}

static bool op_signal(struct engine *engine, struct run *run, const struct opcode *op, const struct origin *origin) {
	return already_under_way(run, op->id) || signal_begin(engine, run, op, origin->coalesce);
}

static bool op_discovery(struct engine *engine, struct run *run, const struct opcode *op, const struct origin *origin) {
	uint64_t job = job_hash_make(run, op->id, "");
	end_parallel(engine, run);
	if (run_item_job(run, job) == NULL) queue_discovery(engine, run, job, origin->lead, engine->now);
	return true;
}

static bool op_none(struct engine *engine, struct run *run, const struct opcode *op, const struct origin *origin) {
	(void)engine, (void)run, (void)op, (void)origin;
	return true; // ends this branch; the stall guard sees to the rest
}

typedef bool op_fn(struct engine *, struct run *, const struct opcode *, const struct origin *);
// Kinds without a handler fail the run with their name; RunComplete is looked for first.
static op_fn *const op_table[OPCODE_COUNT] = {
	[OPCODE_NONE] = op_none,
	[OPCODE_STEP] = op_step,
	[OPCODE_STEP_RUN] = op_step,
	[OPCODE_STEP_ERROR] = op_step_failed,
	[OPCODE_STEP_FAILED] = op_step_failed,
	[OPCODE_STEP_PLANNED] = op_planned,
	[OPCODE_SLEEP] = op_sleep,
	[OPCODE_WAIT_FOR_EVENT] = op_wait,
	[OPCODE_INVOKE_FUNCTION] = op_invoke,
	[OPCODE_WAIT_FOR_SIGNAL] = op_signal,
	[OPCODE_DISCOVERY_REQUEST] = op_discovery,
	[OPCODE_DEFER_ADD] = op_none, // done before the others
	[OPCODE_DEFER_ABORT] = op_none,
};

// ---- a whole answer ------------------------------------------------------------------------------------------------

// Facts about the opcodes of one answer.
struct survey {
	size_t non_lazy;
	bool plan;
	bool empty;                    // nothing but None without an id
	const struct opcode *complete; // RunComplete
	const struct opcode *unsupported;
	const struct opcode *step_error;
};

static struct survey look_over(const struct answer *answer) {
	struct survey s = {.empty = true};
	for (size_t i = 0; i < answer->op_count; i++) {
		const struct opcode *op = &answer->ops[i];
		const struct opcode_info *info = &opcode_table[op->kind];
		if (op->kind != OPCODE_NONE || op->id.len > 0) s.empty = false;
		if (!info->lazy) s.non_lazy++;
		if (info->plan) s.plan = true;
		if (op->kind == OPCODE_STEP_ERROR) s.step_error = op;
		if (op->kind == OPCODE_RUN_COMPLETE)
			s.complete = op;
		else if (op_table[op->kind] == NULL)
			s.unsupported = op;
	}
	return s;
}

static int compare_ids(const void *a, const void *b) {
	return str_cmp(((const struct opcode *const *)a)[0]->id, ((const struct opcode *const *)b)[0]->id);
}

// 02 §10.5: xxh64(run id ‖ for each sorted id: 0x00 ‖ id)
static uint64_t coalesce_key(const struct run *run, const struct opcode **ops, size_t count) {
	qsort(ops, count, sizeof(const struct opcode *), compare_ids);
	struct buf text;
	buf_init(&text, SIZE_MAX);
	char id[ULID_TEXT_LEN + 1];
	ulid_text(&run->id, id);
	buf_append(&text, id, ULID_TEXT_LEN);
	for (size_t i = 0; i < count; i++) {
		buf_byte(&text, '\0');
		buf_str(&text, ops[i]->id);
	}
	uint64_t key = hash_xxh64(buf_view(&text));
	buf_free(&text);
	return key != 0 ? key : 1;
}

// Opens the parallel group of this answer and returns its key.
static uint64_t open_group(struct engine *engine, struct run *run, const struct answer *answer) {
	const struct opcode **ops = mem_alloc(answer->op_count * sizeof(const struct opcode *));
	uint64_t *hashes = mem_alloc(answer->op_count * sizeof *hashes);
	uint32_t count = 0;
	for (size_t i = 0; i < answer->op_count; i++) {
		if (opcode_table[answer->ops[i].kind].lazy) continue;
		hashes[count] = id_hash(answer->ops[i].id);
		ops[count++] = &answer->ops[i];
	}
	uint64_t key = coalesce_key(run, ops, count);
	run_group_set(engine, run, hashes, count, key);
	for (uint32_t i = 0; i < run->step_count; i++) {
		if ((run->steps[i].flags & STEP_INPUT) == 0) run_group_done(run, run->steps[i].hash);
	}
	free(ops);
	free(hashes);
	return key;
}

static void note_version(struct engine *engine, struct run *run, const struct answer *answer, size_t non_lazy) {
	int8_t version = (int8_t)(answer->request_version > 2 ? 2 : answer->request_version);
	if (run->request_version < 0) {
		run->request_version = version;
		run_touch(engine, run);
	}
	if (non_lazy > 1 && (run->flags & RUN_FORCE_PLAN) == 0) {
		run->flags |= RUN_FORCE_PLAN;
		run->request_version = version;
		run_touch(engine, run);
	}
}

// Before all else: they count whatever the rest of the answer brings about. False: they change nothing.
static bool take_defers(struct engine *engine, struct run *run, const struct answer *answer) {
	bool changed = false;
	for (size_t i = 0; i < answer->op_count; i++)
		if (opcode_table[answer->ops[i].kind].lazy) changed |= defer_take(engine, run, &answer->ops[i]);
	return changed;
}

// An answer of nothing else says no more of how the run goes on (02 §7.12).
static void discover_deferred(struct engine *engine, struct run *run, const struct answer *answer,
			      const struct origin *origin) {
	uint64_t job = job_hash_make(run, answer->ops[0].id, "");
	if (run_item_job(run, job) == NULL) queue_discovery(engine, run, job, origin->lead, engine->now);
}

// Of an answer that ends the run: for people, who look at its steps.
static void save_results(struct engine *engine, struct run *run, const struct answer *answer) {
	for (size_t i = 0; i < answer->op_count; i++) {
		const struct opcode *op = &answer->ops[i];
		if (op_table[op->kind] != op_step && op_table[op->kind] != op_step_failed) continue;
		struct step_result result = {op->id, op->display_name, op->kind, op->output};
		if (run_save_step(engine, run, &result) == SAVE_NEW)
			record_step(engine, run, run_step(run, op->id), true);
	}
}

static void apply_opcodes(struct engine *engine, struct run *run, struct item *item, const struct answer *answer) {
	struct survey s = look_over(answer);
	if (s.unsupported != NULL) {
		struct str text =
			arena_printf(&engine->batch->arena, "Opcode %s is not supported by this server version.",
				     opcode_table[s.unsupported->kind].name);
		run_fail(engine, run, STR("unsupported_opcode"), STR("Error"), text);
		return;
	}
	if (answer->op_count > ANSWER_OPCODES_MAX) return run_fail_steps(engine, run);
	bool has_deferred = take_defers(engine, run, answer);
	if (s.complete != NULL) {
		save_results(engine, run, answer);
		return run_finish(engine, run, RUN_END_COMPLETED, s.complete->output, NULL);
	}
	if (s.empty) {
		item_finish(engine, item);
		return run_stall_guard(engine, run);
	}
	note_version(engine, run, answer, s.non_lazy);
	struct origin origin = {
		.lead = item->lead, .coalesce = item->coalesce, .mode = (enum parallel_mode)item->parallel};
	if (s.plan && s.non_lazy > 1 && run->request_version >= 2) origin.coalesce = open_group(engine, run, answer);
	bool again = s.step_error != NULL && can_retry(run, item, answer);
	if (again)
		retry(engine, item, answer->retry_at_ms);
	else
		item_finish(engine, item);
	run->is_answered = true;
	// Waits first: what comes after them may send the event that they wait for (02 §6.5 step 8).
	for (size_t i = 0; i < 2 * answer->op_count; i++) {
		const struct opcode *op = &answer->ops[i % answer->op_count];
		if ((op->kind == OPCODE_WAIT_FOR_EVENT) != (i < answer->op_count)) continue;
		if (op->kind == OPCODE_STEP_ERROR && again) continue;
		if (!op_table[op->kind](engine, run, op, &origin)) return;
	}
	run->is_answered = false;
	if (s.non_lazy == 0 && has_deferred) discover_deferred(engine, run, answer, &origin);
	run_stall_guard(engine, run);
}

// Before it is applied: what the trace tells of it comes first.
static size_t trace(struct engine *engine, struct item *item, const struct answer *answer, bool *will_retry) {
	bool keep_errors = false;
	*will_retry = answer->kind == ANSWER_ERROR && can_retry(item->run, item, answer);
	if (answer->kind == ANSWER_OPCODES) {
		struct survey s = look_over(answer);
		bool ends = s.unsupported != NULL || s.complete != NULL || answer->op_count > ANSWER_OPCODES_MAX;
		*will_retry = !ends && s.step_error != NULL && can_retry(item->run, item, answer);
		keep_errors = *will_retry || s.unsupported != NULL;
	}
	return trace_answer(engine, item, answer, *will_retry, keep_errors);
}

static enum tally outcome_of(const struct answer *answer, bool will_retry) {
	if (will_retry) return TALLY_CALL_ERRORED;
	return answer->kind == ANSWER_ERROR ? TALLY_CALL_FAILED : TALLY_CALL_SUCCEEDED;
}

static void nobody_waits(struct engine *engine, const struct command *command) {
	orphan_answered(engine, command->answer.dispatch, outcome_of(&command->answer.answer, false));
}

// As the call was made with, unless the store is damaged: the run relies on their length.
static void take_events(struct run *run, struct payload *events) {
	if (run->events != NULL || events == NULL || events->len != run->events_len) return;
	run->events = payload_ref(events);
}

void apply_answer(struct engine *engine, struct command *command) {
	struct run *run = run_find(engine, &command->answer.run_id);
	if (run == NULL) return nobody_waits(engine, command);
	struct item *item = NULL;
	list_for_each(node, &run->items) {
		struct item *candidate = list_entry(node, struct item, of_run);
		if (candidate->slot == command->answer.slot) item = candidate;
	}
	if (item == NULL || item->state != ITEM_IN_CALL || item->dispatch != command->answer.dispatch)
		return nobody_waits(engine, command);
	item_call_ended(engine, item);
	engine->cause_job = item->job_hash;
	bool will_retry;
	size_t fact = trace(engine, item, &command->answer.answer, &will_retry);
	run->function->tallies[outcome_of(&command->answer.answer, will_retry)]++;
	take_events(run, command->answer.events);
	const struct answer *answer = &command->answer.answer;
	switch (answer->kind) {
	case ANSWER_OPCODES:
		apply_opcodes(engine, run, item, answer);
		if (will_retry && run_find(engine, &command->answer.run_id) == NULL) trace_not_retried(engine, fact);
		break;
	case ANSWER_RESULT:
		run_finish(engine, run, RUN_END_COMPLETED, answer->output, NULL);
		break;
	case ANSWER_ERROR:
		if (can_retry(run, item, answer))
			retry(engine, item, answer->retry_at_ms);
		else
			run_finish(engine, run, RUN_END_FAILED, answer->output, answer->standard_error);
		break;
	}
}
