// What people will see of a run: a trace fact for everything that happens to it (model/trace_fact.h).
#include "base/check.h"
#include "base/json.h"
#include "engine/engine_internal.h"
#include "model/step_metadata.h"

#define FACT_KEPT (64u << 10) // bytes of memory that stay for the next one

static void write_fact(struct engine *engine, const struct run *run, struct trace_fact *fact) {
	if (engine->config.no_history) return;
	fact->at_ms = engine->now;
	struct buf *text = &engine->fact_text;
	trace_fact_encode(fact, text);
	CHECK(!text->overflow);
	struct history_item *item = batch_history(engine->batch, HISTORY_TRACE, engine->now);
	item->trace.run_id = run->id;
	item->trace.function_id = run->function->id;
	item->trace.data = arena_dup(&engine->batch->arena, buf_view(text));
	if (text->cap > FACT_KEPT) buf_free(text);
}

void trace_init(struct engine *engine) {
	buf_init(&engine->fact_text, TRACE_FACT_MAX);
}

// ---- calls ---------------------------------------------------------------------------------------------------------

// The step that a discovery comes after, when that was a sleep.
static struct str slept(const struct item *item) {
	if (!item->is_after_sleep) return STR("");
	uint32_t done = 0;
	for (uint32_t i = 0; i < item->run->step_count; i++) {
		const struct step *step = &item->run->steps[i];
		if ((step->flags & STEP_INPUT) == 0 && ++done == item->lead) return str_make(step->id, step->id_len);
	}
	return STR("");
}

// What an AI step was called with (opts.input).
static struct str op_input(struct engine *engine, const struct opcode *op) {
	struct error error;
	if (!str_starts_with(op->opts_type, STR("step.ai."))) return STR("");
	yyjson_doc *doc = json_read(op->opts, false, NULL, &error);
	if (doc == NULL) return STR("");
	struct buf text;
	buf_init(&text, TRACE_PAYLOAD_MAX);
	yyjson_val *input = json_get_exact(yyjson_doc_get_root(doc), STR("input"));
	if (input != NULL) json_canonical(&text, input);
	struct str out = text.overflow ? STR("") : arena_dup(&engine->batch->arena, buf_view(&text));
	buf_free(&text);
	yyjson_doc_free(doc);
	return out;
}

static struct trace_op op_fact(struct engine *engine, const struct opcode *op, bool keeps_error) {
	uint64_t start = op->timing_start_ns > 0 ? (uint64_t)op->timing_start_ns / 1000000 : 0;
	uint64_t length = op->timing_ns > 0 ? (uint64_t)op->timing_ns / 1000000 : 0;
	struct trace_op out = {.op = op->kind,
			       .id = op->id,
			       .name = op->display_name,
			       .type = op->opts_type,
			       .started_ms = start,
			       .ended_ms = start > 0 ? start + length : 0,
			       .input = op_input(engine, op),
			       .metadata = step_metadata(&engine->batch->arena, op)};
	if (keeps_error && op->kind == OPCODE_STEP_ERROR) out.output = payload_str(op->output);
	return out;
}

static bool is_ai(const struct opcode *op) {
	return op->kind == OPCODE_AI_GATEWAY || str_starts_with(op->opts_type, STR("step.ai."));
}

static void note_ai(struct engine *engine, struct run *run) {
	if ((run->flags & RUN_AI) != 0) return;
	run->flags |= RUN_AI;
	run_touch(engine, run);
	batch_history(engine->batch, HISTORY_RUN_AI, engine->now)->run.run_id = run->id;
}

static void add_op(struct engine *engine, struct run *run, struct trace_fact *fact, const struct opcode *op,
		   bool keeps_error) {
	if (opcode_table[op->kind].lazy) return; // about other runs
	fact->ops[fact->op_count++] = op_fact(engine, op, keeps_error);
	if (is_ai(op)) note_ai(engine, run);
}

// How people count the attempts of a job: on and on, while a checkpoint gives it a fresh budget.
static uint32_t attempt_number(const struct item *item) {
	return item->generation - 1;
}

static uint32_t attempts_shown(const struct item *item, uint32_t told) {
	uint32_t most = max_attempts(item->run);
	return attempt_number(item) + (most > told ? most - told : 1); // the function may be allowed fewer by now
}

static struct trace_fact call_fact(const struct engine *engine, const struct item *item) {
	bool by_budget = engine->config.planted_bug == 23;
	return (struct trace_fact){.kind = FACT_CALL,
				   .job = item->job_hash,
				   .parent_job = item->parent_job,
				   .target = item->kind == ITEM_STEP ? item_target(item) : STR(""),
				   .slept = slept(item),
				   .attempt = by_budget ? item->call_attempt : attempt_number(item),
				   .max_attempts = attempts_shown(item, item->call_attempt),
				   .told_attempt = item->call_attempt,
				   .queued_ms = item->queued_ms,
				   .due_ms = item->due_ms,
				   .started_ms = item->started_ms};
}

static void take_exchange(struct trace_fact *fact, const struct answer_exchange *exchange) {
	fact->status = exchange->status;
	fact->headers = exchange->headers;
	fact->output_bytes = exchange->output_bytes;
	fact->dns_ms = exchange->dns_ms;
	fact->connect_ms = exchange->connect_ms;
	fact->tls_ms = exchange->tls_ms;
	fact->server_ms = exchange->server_ms;
	fact->transfer_ms = exchange->transfer_ms;
	fact->total_ms = exchange->total_ms;
}

static struct str retried_error(struct engine *engine, const struct answer *answer) {
	const struct payload *error = answer->standard_error != NULL ? answer->standard_error : answer->output;
	if (error == NULL) return STR("");
	struct arena *arena = &engine->batch->arena;
	return arena_cat(arena, arena_cat(arena, STR("{\"error\":"), payload_str(error)), STR("}"));
}

size_t trace_answer(struct engine *engine, struct item *item, const struct answer *answer, bool will_retry,
		    bool keep_errors) {
	static const enum trace_outcome outcomes[] = {
		[ANSWER_OPCODES] = TRACE_OPCODES, [ANSWER_RESULT] = TRACE_RESULT, [ANSWER_ERROR] = TRACE_ERROR};
	size_t index = engine->batch->history_count;
	if (engine->config.no_history) return index;
	struct trace_fact fact = call_fact(engine, item);
	take_exchange(&fact, &answer->exchange);
	fact.outcome = outcomes[answer->kind];
	fact.will_retry = will_retry;
	if (answer->kind == ANSWER_ERROR && will_retry) fact.output = retried_error(engine, answer);
	if (answer->kind == ANSWER_OPCODES && answer->op_count <= ANSWER_OPCODES_MAX) {
		fact.ops = ARENA_ARRAY(&engine->batch->arena, struct trace_op, answer->op_count + 1);
		for (size_t i = 0; i < answer->op_count; i++)
			add_op(engine, item->run, &fact, &answer->ops[i], keep_errors);
	}
	index = engine->batch->history_count; // after what was noted of the run
	write_fact(engine, item->run, &fact);
	return index;
}

void trace_not_retried(struct engine *engine, size_t index) {
	if (engine->config.no_history) return;
	struct history_item *item = &engine->batch->history[index];
	struct trace_fact fact;
	struct error error;
	enum err err = trace_fact_decode(&engine->batch->arena, item->trace.data, &fact, &error);
	CHECK(item->kind == HISTORY_TRACE && err == ERR_OK);
	fact.will_retry = false;
	trace_fact_encode(&fact, &engine->fact_text);
	item->trace.data = arena_dup(&engine->batch->arena, buf_view(&engine->fact_text));
}

// When the item's attempt was called before a crash, and has not been again; 0: it was not, as far as we know.
static uint64_t cut_ms(const struct item *item) {
	bool is_first = item->kind == ITEM_START && item->generation == 1 && item->started_ms == 0;
	if (item->called_ms == 0 && is_first && (item->run->flags & RUN_STARTED) != 0) return item->run->started_ms;
	return item->called_ms;
}

static void write_cancelled(struct engine *engine, const struct item *item) {
	struct trace_fact fact = call_fact(engine, item);
	fact.outcome = TRACE_CANCELLED;
	if (item->state != ITEM_IN_CALL) {
		fact.started_ms = cut_ms(item);
		fact.told_attempt = item->attempt;
		fact.max_attempts = attempts_shown(item, item->attempt);
	}
	write_fact(engine, item->run, &fact);
}

void trace_ended(struct engine *engine, const struct run *run) {
	list_for_each(node, &run->items) {
		const struct item *item = list_entry(node, struct item, of_run);
		if (item_table[item->kind].is_timer || engine->config.planted_bug == 25) continue;
		if (item->state == ITEM_IN_CALL || cut_ms(item) > 0) write_cancelled(engine, item);
	}
	if (engine->config.exports_spans) write_fact(engine, run, &(struct trace_fact){.kind = FACT_ENDED});
}

void trace_checkpoint(struct engine *engine, struct run *run, const struct opcode *const *ops, size_t count) {
	if (engine->config.no_history || count == 0) return;
	struct trace_fact fact = {.kind = FACT_CHECKPOINT,
				  .ops = ARENA_ARRAY(&engine->batch->arena, struct trace_op, count)};
	for (size_t i = 0; i < count; i++) add_op(engine, run, &fact, ops[i], false);
	write_fact(engine, run, &fact);
}

// ---- waiting -------------------------------------------------------------------------------------------------------

static enum opcode_kind op_of(const struct item *item) {
	static const enum opcode_kind ops[ITEM_KIND_COUNT] = {[ITEM_SLEEP] = OPCODE_SLEEP,
							      [ITEM_WAIT] = OPCODE_WAIT_FOR_EVENT,
							      [ITEM_INVOKE] = OPCODE_INVOKE_FUNCTION,
							      [ITEM_SIGNAL] = OPCODE_WAIT_FOR_SIGNAL};
	return ops[item->kind];
}

static struct trace_fact wait_fact(const struct item *item, enum trace_fact_kind kind) {
	return (struct trace_fact){
		.kind = kind, .op = op_of(item), .step_id = item_target(item), .name = item_name(item)};
}

void trace_wait(struct engine *engine, const struct item *item, const struct opcode *op, const struct ulid *event_id) {
	struct trace_fact fact = wait_fact(item, FACT_WAIT);
	fact.parent = item->parent_job;
	fact.until_ms = item->due_ms;
	bool is_conditional = false;
	if (item->kind == ITEM_WAIT) pause_encode(item->pause, &fact.event, &fact.expression, &is_conditional);
	if (item->kind == ITEM_SIGNAL) fact.signal = op->signal_name;
	if (item->kind == ITEM_INVOKE) fact.function = op->invoke_fn_id;
	if (event_id != NULL) fact.event_id = *event_id;
	write_fact(engine, item->run, &fact);
}

void trace_conflict(struct engine *engine, const struct run *run, const struct opcode *op, uint64_t until_ms) {
	struct trace_fact fact = {.kind = FACT_WAIT,
				  .op = op->kind,
				  .step_id = op->id,
				  .name = op->display_name,
				  .parent = engine->cause_job,
				  .until_ms = until_ms,
				  .signal = op->signal_name};
	write_fact(engine, run, &fact);
	fact = (struct trace_fact){
		.kind = FACT_RESUMED, .op = op->kind, .step_id = op->id, .name = op->display_name, .is_error = true};
	write_fact(engine, run, &fact);
}

void trace_resumed(struct engine *engine, const struct item *item, const struct wait_result *result) {
	struct trace_fact fact = wait_fact(item, FACT_RESUMED);
	fact.is_timeout = result->is_timeout;
	fact.is_error = result->is_error;
	fact.event_id = result->event_id;
	fact.run_id = result->run_id;
	write_fact(engine, item->run, &fact);
}

void trace_invoked(struct engine *engine, struct str correlation, const struct ulid *run_id) {
	struct str id_text, step_id;
	struct ulid id;
	if (!str_cut(correlation, '.', &id_text, &step_id) || !ulid_parse(id_text, &id)) return;
	const struct run *run = run_find(engine, &id);
	if (run == NULL) return;
	struct trace_fact fact = {
		.kind = FACT_INVOKED, .op = OPCODE_INVOKE_FUNCTION, .step_id = step_id, .run_id = *run_id};
	write_fact(engine, run, &fact);
}

void trace_cancelled(struct engine *engine, const struct item *item, const struct event *event) {
	struct trace_fact fact = {.kind = FACT_CANCELLED, .event_id = event->internal_id, .event = event->name};
	struct str name;
	bool is_conditional;
	pause_encode(item->pause, &name, &fact.expression, &is_conditional);
	write_fact(engine, item->run, &fact);
}

// ---- what is under way ---------------------------------------------------------------------------------------------

static void fill_live(struct arena *arena, const struct item *item, struct trace_live *out) {
	*out = (struct trace_live){
		.job = item->job_hash,
		.parent_job = item->parent_job,
		.queued_ms = item->queued_ms,
		.due_ms = item->due_ms,
		.started_ms = item->state == ITEM_IN_CALL ? item->started_ms : 0,
		.attempt = attempt_number(item),
		.max_attempts = attempts_shown(item, item->state == ITEM_IN_CALL ? item->call_attempt : item->attempt),
		.is_call = !item_table[item->kind].is_timer,
		.is_planned = item->kind == ITEM_STEP,
		.target = arena_dup(arena, item_target(item)),
		.name = arena_dup(arena, item_name(item)),
		.slept = arena_dup(arena, slept(item))};
}

void apply_run_trace(struct engine *engine, struct command *command) {
	const struct run *run = run_find(engine, &command->run.run_id);
	struct reply *reply = reply_new(command->request, REPLY_RUN_TRACE, 200);
	size_t count = 0;
	if (run != NULL) {
		list_for_each(node, &run->items) count++;
	}
	reply->live = ARENA_ARRAY(&reply->arena, struct trace_live, count + 1);
	for (const struct list *node = run != NULL ? run->items.next : NULL; node != NULL && node != &run->items;
	     node = node->next) {
		const struct item *item = list_entry(node, struct item, of_run);
		if (!item_table[item->kind].watches) fill_live(&reply->arena, item, &reply->live[reply->live_count++]);
	}
	batch_reply(engine->batch, reply);
}

void apply_annotate(struct engine *engine, struct command *command) {
	struct reply *reply = reply_new(command->request, REPLY_OK, 200);
	if (!engine->config.no_history) {
		struct history_item *item = batch_history(engine->batch, HISTORY_ANNOTATION, engine->now);
		item->annotation.content = command->annotation;
		item->annotation.result = &reply->annotated;
		command->annotation = NULL;
	}
	batch_reply(engine->batch, reply);
}
