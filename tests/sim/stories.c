// What is left of runs for people agrees with what they did: each answered call has one fact, across crashes; what is
// told comes in an order that makes sense; the columns of a run's row follow from what happened; and when the run has
// ended, its trace is complete.
//
// As it looks at committed batches, nothing has to be taken back by a crash: a call that was cut by one is made again,
// as the same attempt.
#include <stdlib.h>

#include "base/check.h"
#include "engine/step_record.h"
#include "sim.h"
#include "stories.h"
#include "trace/tree.h"

struct told_call { // one attempt of a job
	struct list of_story;
	uint64_t job, dispatch;
	uint32_t attempt, told;
	unsigned epoch; // of the server that made it last
	bool is_over;   // and a fact tells of it
};
struct told_wait {
	struct list of_story;
	struct str step_id;
	enum opcode_kind op;
	bool is_over, is_invoked;
};
struct story {
	struct map_node by_id;
	struct ulid id;
	struct uuid function_id;
	struct arena arena;
	struct list calls, waits;
	struct trace_fact *facts;
	struct trace_step *steps; // memoised
	size_t fact_count, fact_cap, step_count, step_cap;
	size_t given_count;                     // first steps, with which it began: they are nobody's doing
	uint64_t begun_ms, started_ms, last_ms; // started: 0: no call yet
	const char *cancelled;                  // a fact has told that it will end: why
	bool has_ended;
};

// ---- stories -------------------------------------------------------------------------------------------------------

static struct story *find_story(const struct sim *sim, const struct ulid *id) {
	struct map_node *node = map_first(&sim->stories, hash_bytes(id->bytes, sizeof id->bytes));
	return node != NULL ? container_of(node, struct story, by_id) : NULL;
}

static struct story *need_story(const struct sim *sim, const struct ulid *id, const char *what) {
	struct story *story = find_story(sim, id);
	if (story == NULL) sim_fail(sim, "%s of a run that has not begun", what);
	if (story->has_ended) sim_fail(sim, "%s of a run that has ended", what);
	return story;
}

static struct story *add_story(struct sim *sim, const struct ulid *id) {
	struct story *story = mem_calloc(1, sizeof *story);
	story->id = *id;
	arena_init(&story->arena, 1024);
	list_init(&story->calls);
	list_init(&story->waits);
	map_insert(&sim->stories, &story->by_id, hash_bytes(id->bytes, sizeof id->bytes));
	return story;
}

// One that may begin in the same batch.
static struct story *open_story(struct sim *sim, const struct ulid *id, const char *what) {
	struct story *story = find_story(sim, id);
	if (story == NULL) return add_story(sim, id);
	if (story->has_ended) sim_fail(sim, "%s of a run that has ended", what);
	return story;
}

// That it has ended is remembered.
static void forget(struct story *story) {
	for (struct list *node; (node = list_pop_front(&story->calls)) != NULL;)
		free(list_entry(node, struct told_call, of_story));
	for (struct list *node; (node = list_pop_front(&story->waits)) != NULL;)
		free(list_entry(node, struct told_wait, of_story));
	free(story->facts);
	free(story->steps);
	arena_free(&story->arena);
	story->facts = NULL;
	story->steps = NULL;
	story->fact_count = story->step_count = 0;
}

void stories_free(struct sim *sim) {
	for (struct map_node *node = map_walk(&sim->stories, NULL), *next; node != NULL; node = next) {
		next = map_walk(&sim->stories, node);
		struct story *story = container_of(node, struct story, by_id);
		forget(story);
		free(story);
	}
	map_free(&sim->stories);
}

static struct told_call *find_call(const struct story *story, uint64_t job, uint32_t attempt) {
	list_for_each(node, &story->calls) {
		struct told_call *call = list_entry(node, struct told_call, of_story);
		if (call->job == job && call->attempt == attempt) return call;
	}
	return NULL;
}

static struct told_wait *find_wait(const struct story *story, struct str step_id) {
	list_for_each(node, &story->waits) {
		struct told_wait *wait = list_entry(node, struct told_wait, of_story);
		if (str_eq(wait->step_id, step_id)) return wait;
	}
	return NULL;
}

// ---- calls ---------------------------------------------------------------------------------------------------------

static void note_call(struct sim *sim, const struct call *call) {
	struct story *story = open_story(sim, &call->run_id, "a call");
	uint32_t attempt = call->generation - 1;
	struct told_call *told = find_call(story, call->job_hash, attempt);
	if (told == NULL) {
		if (attempt > 0 && find_call(story, call->job_hash, attempt - 1) == NULL)
			sim_fail(sim, "attempt %u of a job comes out of order", attempt);
		told = mem_calloc(1, sizeof *told);
		list_push_back(&story->calls, &told->of_story);
	} else if (told->is_over || told->epoch == sim->epoch) {
		sim_fail(sim, "attempt %u of a job is made twice", attempt);
	}
	told->job = call->job_hash;
	told->attempt = attempt;
	told->told = call->attempt;
	told->dispatch = call->dispatch;
	told->epoch = sim->epoch;
}

static bool job_is_told(const struct story *story, uint64_t job) {
	list_for_each(node, &story->calls) {
		const struct told_call *call = list_entry(node, struct told_call, of_story);
		if (call->job == job && call->is_over) return true;
	}
	return false;
}

// ---- facts ---------------------------------------------------------------------------------------------------------

static void check_call_fact(struct sim *sim, const struct flow_note *note, struct story *story,
			    const struct trace_fact *fact) {
	struct told_call *call = find_call(story, fact->job, fact->attempt);
	if (call == NULL) sim_fail(sim, "a fact tells of a call that was not made");
	if (call->is_over) sim_fail(sim, "two facts tell of one call");
	bool is_cut = call->epoch != sim->epoch; // by a crash
	if (is_cut && fact->outcome != TRACE_CANCELLED)
		sim_fail(sim, "a fact tells of a call that nobody can answer any more");
	bool is_answer = note->cause == COMMAND_ANSWER && ulid_cmp(&note->run_id, &story->id) == 0 &&
			 note->dispatch == call->dispatch;
	if (fact->outcome != TRACE_CANCELLED && !is_answer) sim_fail(sim, "a fact tells of an answer that never came");
	if (fact->outcome == TRACE_CANCELLED) story->cancelled = "a call";
	call->is_over = true;
	if (!is_cut && fact->told_attempt != call->told) sim_fail(sim, "the app was told another attempt");
	if (fact->attempt >= fact->max_attempts) sim_fail(sim, "one attempt too many");
	if (fact->parent_job != 0 && !job_is_told(story, fact->parent_job))
		sim_fail(sim, "a call comes from one that nobody was told of");
	if (story->started_ms == 0) sim_fail(sim, "a run was called before it had started");
	if (sim->jumps) return;
	if (fact->queued_ms > fact->started_ms || fact->started_ms > fact->at_ms ||
	    fact->started_ms < story->started_ms)
		sim_fail(sim, "a call ends before it begins");
}

static void check_checkpoint_fact(struct sim *sim, const struct flow_note *note, struct story *story,
				  const struct trace_fact *fact, const struct batch *batch) {
	if (note->cause != COMMAND_CHECKPOINT) sim_fail(sim, "a fact tells of a checkpoint that never came");
	for (size_t i = 0; i < fact->op_count; i++) {
		unsigned count = 0;
		for (size_t r = 0; r < batch->record_count; r++) {
			struct step_record step;
			struct error error;
			const struct record *record = &batch->records[r];
			if (record->kind != RECORD_STEP || record->op != RECORD_PUT) continue;
			if (memcmp(record->key, story->id.bytes, sizeof story->id.bytes) != 0) continue;
			if (step_record_read(record->head, &step, &error) != ERR_OK) sim_fail(sim, "%s", error.message);
			count += str_eq(step.id, fact->ops[i].id);
		}
		if (count != 1) sim_fail(sim, "a checkpoint tells of a step that is not new");
	}
}

static void check_wait_fact(struct sim *sim, struct story *story, const struct trace_fact *fact) {
	if (find_wait(story, fact->step_id) != NULL) sim_fail(sim, "a step waits twice");
	if (!job_is_told(story, fact->parent)) sim_fail(sim, "a wait comes from a call that nobody was told of");
	if (fact->until_ms < fact->at_ms) sim_fail(sim, "a wait ends before it begins");
	struct told_wait *wait = mem_calloc(1, sizeof *wait);
	wait->step_id = fact->step_id;
	wait->op = fact->op;
	list_push_back(&story->waits, &wait->of_story);
}

static void check_resumed_fact(struct sim *sim, struct story *story, const struct trace_fact *fact) {
	struct told_wait *wait = find_wait(story, fact->step_id);
	if (wait == NULL || wait->op != fact->op || wait->op == OPCODE_SLEEP)
		sim_fail(sim, "a wait ends that has not begun");
	if (wait->is_over) sim_fail(sim, "a wait ends twice");
	wait->is_over = true;
}

static void check_invoked_fact(struct sim *sim, struct story *story, const struct trace_fact *fact) {
	struct told_wait *wait = find_wait(story, fact->step_id);
	if (wait == NULL || wait->op != OPCODE_INVOKE_FUNCTION) sim_fail(sim, "a run was invoked by nobody");
	if (wait->is_invoked) sim_fail(sim, "one invoke began two runs");
	wait->is_invoked = true;
}

static struct trace_fact *keep_fact(struct sim *sim, struct story *story, const struct history_item *item) {
	if (story->fact_count == story->fact_cap) {
		story->fact_cap = story->fact_cap > 0 ? 2 * story->fact_cap : 16;
		story->facts = mem_realloc(story->facts, story->fact_cap * sizeof *story->facts);
	}
	struct trace_fact *fact = &story->facts[story->fact_count++];
	struct error error;
	if (trace_fact_decode(&story->arena, arena_dup(&story->arena, item->trace.data), fact, &error) != ERR_OK)
		sim_fail(sim, "%s", error.message);
	return fact;
}

static void check_fact(struct sim *sim, const struct flow_note *note, const struct history_item *item,
		       const struct batch *batch) {
	struct story *story = need_story(sim, &item->trace.run_id, "a fact");
	if (!uuid_eq(&item->trace.function_id, &story->function_id)) sim_fail(sim, "a fact of another function");
	const struct trace_fact *fact = keep_fact(sim, story, item);
	if (fact->at_ms < story->last_ms && !sim->jumps) sim_fail(sim, "facts are out of order");
	story->last_ms = fact->at_ms;
	switch (fact->kind) {
	case FACT_CALL:
		return check_call_fact(sim, note, story, fact);
	case FACT_CHECKPOINT:
		return check_checkpoint_fact(sim, note, story, fact, batch);
	case FACT_WAIT:
		return check_wait_fact(sim, story, fact);
	case FACT_RESUMED:
		return check_resumed_fact(sim, story, fact);
	case FACT_INVOKED:
		return check_invoked_fact(sim, story, fact);
	case FACT_CANCELLED:
		story->cancelled = "an event";
		return;
	case FACT_ENDED: // nothing is exported here
		break;
	}
	sim_fail(sim, "a fact of no kind");
}

// ---- the trace -----------------------------------------------------------------------------------------------------

static bool is_over(const struct span *span) {
	return span->status == SPAN_COMPLETED || span->status == SPAN_FAILED || span->status == SPAN_ERRORED;
}

static void check_span(struct sim *sim, const struct span *span) {
	if (span->started_ns != 0 && span->ended_ns != 0 && span->ended_ns < span->started_ns && !sim->jumps)
		sim_fail(sim, "the span %.*s ends before it begins", STR_ARG(span->step_name));
	if (span->status == SPAN_RUNNING) sim_fail(sim, "the span %.*s never ended", STR_ARG(span->step_name));
}

// The span of the step itself, not of an attempt that failed before.
static unsigned results_of(const struct trace_spans *spans, struct str step_id) {
	unsigned count = 0;
	struct span_id finished = span_id_step(step_id);
	for (size_t i = 0; i < spans->count; i++) {
		const struct span *span = &spans->spans[i];
		if (span->kind != SPAN_STEP || !str_eq(span->step_id, step_id)) continue;
		bool is_wait = span->op == OPCODE_SLEEP || span->has_expiry;
		count += is_over(span) && (is_wait || str_eq_cstr(span->id, finished.text));
	}
	return count;
}

static bool has_span(const struct trace_spans *spans, struct str id) {
	for (size_t i = 0; i < spans->count; i++)
		if (str_eq(spans->spans[i].id, id)) return true;
	return false;
}

static unsigned executions(const struct trace_spans *spans) {
	unsigned count = 0;
	for (size_t i = 0; i < spans->count; i++) count += spans->spans[i].kind == SPAN_EXECUTION;
	return count;
}

static unsigned calls_told(const struct story *story) {
	unsigned count = 0;
	for (size_t i = 0; i < story->fact_count; i++) count += story->facts[i].kind == FACT_CALL;
	return count;
}

// What an app has reported is memoised, now or before; of an answer that fails the run at once, nothing is.
static void check_reported(struct sim *sim, const struct story *story, const char *status) {
	for (size_t i = 0; i < story->fact_count; i++) {
		const struct trace_fact *fact = &story->facts[i];
		for (size_t n = 0; n < fact->op_count && strcmp(status, "Completed") == 0; n++) {
			const struct trace_op *op = &fact->ops[n];
			bool has_value = op->op == OPCODE_STEP_RUN || op->op == OPCODE_STEP_FAILED;
			size_t at = 0;
			while (at < story->step_count && !str_eq(story->steps[at].id, op->id)) at++;
			if (has_value && at == story->step_count)
				sim_fail(sim, "the step %.*s was never memoised", STR_ARG(op->id));
		}
	}
}

// Of a run that is over nothing is still under way or to come, in either shape.
static void check_node(struct sim *sim, const struct trace_node *node) {
	bool is_open = node->status == TRACE_RUNNING || node->status == TRACE_WAITING || node->status == TRACE_QUEUED;
	if (is_open) sim_fail(sim, "%.*s is still shown as under way", STR_ARG(node->name));
	for (size_t i = 0; i < node->child_count; i++) check_node(sim, node->children[i]);
}

static void check_trees(struct sim *sim, struct arena *arena, const struct trace_run *run,
			const struct trace_spans *spans) {
	struct trace_subject subject = {.run_id = run->id, .function_id = run->function_id, .status = run->status};
	const struct trace_node *tree = trace_tree(arena, &subject, spans);
	const struct trace_node *plain = trace_tree_plain(arena, &subject, spans);
	if (tree == NULL || plain == NULL) sim_fail(sim, "a run has no tree");
	check_node(sim, tree);
	check_node(sim, plain);
}

static enum trace_run_status status_of(const char *text) {
	if (strcmp(text, "Completed") == 0) return TRACE_RUN_COMPLETED;
	return strcmp(text, "Failed") == 0 ? TRACE_RUN_FAILED : TRACE_RUN_CANCELLED;
}

// Each call and each result has its span, and nothing that ended is still under way.
static void check_trace(struct sim *sim, const struct story *story, const struct history_item *finish) {
	struct trace_run run = {.id = story->id,
				.function_id = story->function_id,
				.status = status_of(finish->finish.status),
				.started_ms = story->started_ms,
				.ended_ms = finish->at_ms,
				.has_output = finish->finish.output != NULL,
				.facts = story->facts,
				.fact_count = story->fact_count,
				.steps = story->steps,
				.step_count = story->step_count};
	struct arena arena;
	struct trace_spans spans;
	arena_init(&arena, 16384);
	trace_spans_of_facts(&arena, &run, &spans);
	for (size_t i = 0; i < spans.count; i++) {
		const struct span *span = &spans.spans[i];
		check_span(sim, span);
		if (i == 0 ? !str_eq_cstr(span->parent, SPAN_ID_NONE) : !has_span(&spans, span->parent))
			sim_fail(sim, "the span %.*s hangs on nothing", STR_ARG(span->step_name));
	}
	if (executions(&spans) != calls_told(story)) sim_fail(sim, "two calls share a span");
	check_trees(sim, &arena, &run, &spans);
	for (size_t i = story->given_count; i < story->step_count; i++) {
		unsigned count = results_of(&spans, story->steps[i].id);
		if (count != 1) sim_fail(sim, "the step %.*s has %u spans", STR_ARG(story->steps[i].id), count);
	}
	arena_free(&arena);
}

// ---- batches -------------------------------------------------------------------------------------------------------

static void check_run(struct sim *sim, const struct history_item *item) {
	struct story *story = open_story(sim, &item->run.run_id, "the beginning");
	if (story->begun_ms > 0) sim_fail(sim, "a run began twice");
	story->begun_ms = item->at_ms;
	story->function_id = item->run.function_id;
	story->started_ms = item->run.started_ms;
}

static void check_started(struct sim *sim, const struct history_item *item) {
	struct story *story = need_story(sim, &item->run.run_id, "the start");
	if (story->started_ms > 0) sim_fail(sim, "a run started twice");
	story->started_ms = item->at_ms;
}

static void check_finish(struct sim *sim, const struct history_item *item) {
	struct story *story = need_story(sim, &item->finish.run_id, "the end");
	list_for_each(node, &story->calls) {
		const struct told_call *call = list_entry(node, struct told_call, of_story);
		if (!call->is_over && call->epoch == sim->epoch)
			sim_fail(sim, "a call has no fact, and its run is over");
	}
	if (!list_empty(&story->calls) != (story->started_ms > 0)) sim_fail(sim, "calls and start do not agree");
	if (item->at_ms < story->started_ms && !sim->jumps) sim_fail(sim, "a run ended before it had started");
	check_reported(sim, story, item->finish.status);
	check_trace(sim, story, item);
	story->has_ended = true;
	forget(story);
}

static bool begins_here(const struct batch *batch, const uint8_t *run_id) {
	for (size_t i = 0; i < batch->history_count; i++) {
		const struct history_item *item = &batch->history[i];
		if (item->kind == HISTORY_RUN && memcmp(item->run.run_id.bytes, run_id, 16) == 0) return true;
	}
	return false;
}

static void note_step(struct sim *sim, const struct record *record, const struct batch *batch) {
	struct ulid id;
	struct step_record step;
	struct error error;
	memcpy(id.bytes, record->key, sizeof id.bytes);
	if (step_record_read(record->head, &step, &error) != ERR_OK) sim_fail(sim, "%s", error.message);
	if (step.is_input) return;
	struct story *story = open_story(sim, &id, "a step");
	story->given_count += begins_here(batch, id.bytes);
	if (story->step_count == story->step_cap) {
		story->step_cap = story->step_cap > 0 ? 2 * story->step_cap : 16;
		story->steps = mem_realloc(story->steps, story->step_cap * sizeof *story->steps);
	}
	story->steps[story->step_count++] = (struct trace_step){
		.id = arena_dup(&story->arena, step.id), .name = arena_dup(&story->arena, step.name), .op = step.op};
}

static void check_history(struct sim *sim, const struct flow_note *note, const struct history_item *item,
			  const struct batch *batch) {
	switch (item->kind) {
	case HISTORY_RUN:
		return check_run(sim, item);
	case HISTORY_RUN_STARTED:
		return check_started(sim, item);
	case HISTORY_TRACE:
		return check_fact(sim, note, item, batch);
	case HISTORY_FINISH:
		return check_finish(sim, item);
	default:
		return;
	}
}

// An answer that the engine has taken is told of.
static void check_answered(struct sim *sim, const struct flow_note *note) {
	struct story *story = find_story(sim, &note->run_id);
	if (note->cause != COMMAND_ANSWER || story == NULL || story->has_ended) return;
	list_for_each(node, &story->calls) {
		const struct told_call *call = list_entry(node, struct told_call, of_story);
		if (call->dispatch == note->dispatch && call->epoch == sim->epoch && !call->is_over)
			sim_fail(sim, "an answer has no fact");
	}
}

// What foretold an end was right.
static void check_foretold(struct sim *sim, const struct batch *batch) {
	for (size_t i = 0; i < batch->history_count; i++) {
		if (batch->history[i].kind != HISTORY_TRACE) continue;
		const struct story *story = find_story(sim, &batch->history[i].trace.run_id);
		if (story->cancelled != NULL && !story->has_ended)
			sim_fail(sim, "%s is said to have ended with the run, which goes on", story->cancelled);
	}
}

void stories_check_batch(struct sim *sim, const struct flow_note *note, const struct batch *batch) {
	for (const struct message *m = batch->calls; m != NULL; m = m->next) note_call(sim, (const struct call *)m);
	for (size_t i = 0; i < batch->record_count; i++) {
		const struct record *record = &batch->records[i];
		if (record->kind == RECORD_STEP && record->op == RECORD_PUT) note_step(sim, record, batch);
	}
	for (size_t i = 0; i < batch->history_count; i++) check_history(sim, note, &batch->history[i], batch);
	check_answered(sim, note);
	check_foretold(sim, batch);
}

void stories_check_end(const struct sim *sim) {
	for (struct map_node *node = map_walk(&sim->stories, NULL); node != NULL;
	     node = map_walk(&sim->stories, node)) {
		const struct story *story = container_of(node, struct story, by_id);
		if (!story->has_ended || story->begun_ms == 0) sim_fail(sim, "a run has no end");
	}
}
