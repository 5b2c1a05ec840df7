// Steps that an app has run, or means to (spec 06 §14): one span for each, however often it is told of, and one for
// each failed attempt.
#include "base/check.h"
#include "trace/facts.h"

bool facts_is_error_op(enum opcode_kind op) {
	return op == OPCODE_STEP_ERROR || op == OPCODE_STEP_FAILED;
}

bool facts_is_gateway(enum opcode_kind op) {
	return op == OPCODE_AI_GATEWAY || op == OPCODE_GATEWAY;
}

// Retention may have taken the step of a run that is over.
bool facts_is_done(const struct facts *facts, struct str step_id) {
	return facts_step(facts, step_id) != NULL || facts->run->status == TRACE_RUN_COMPLETED ||
	       facts->run->status == TRACE_RUN_FAILED;
}

void facts_op_attributes(struct span *span, const struct trace_op *op) {
	span->op = op->op;
	span->step_id = op->id;
	span->step_name = span_step_name(op->name.len > 0 ? op->name : op->id);
	span->run_type = op->type;
	if (op->input.len > 0) span->input = facts_inline(op->input, span);
}

// Whether an error is the step's result, or another attempt follows.
static bool is_retried(const struct facts *facts, const struct op_context *context, const struct trace_op *op) {
	if (op->op != OPCODE_STEP_ERROR) return false;
	if (context->will_retry) return true;
	const struct trace_step *step = facts_step(facts, op->id);
	return step != NULL ? !facts_is_error_op(step->op) : context->request == NULL;
}

static bool is_over(const struct span *span) {
	return span->status == SPAN_COMPLETED || span->status == SPAN_FAILED;
}

// ---- times ---------------------------------------------------------------------------------------------------------

static uint64_t at_least(uint64_t ms, uint64_t min_ms) {
	return ms > min_ms ? ms : min_ms;
}

// Of a step that a request ran: the app's clock where it makes sense, ours elsewhere.
static void request_times(struct facts *facts, struct span *span, const struct op_context *context,
			  const struct trace_op *op) {
	const struct request *request = context->request;
	uint64_t started_ms = op->started_ms;
	if (started_ms == 0 || started_ms < request->queued_ms) started_ms = request->started_ms;
	uint64_t ended_ms = op->ended_ms;
	if (ended_ms == 0 || ended_ms < started_ms) ended_ms = at_least(context->at_ms, started_ms);
	span->queued_ns = span_time(request->queued_ms);
	span->scheduled_ns = span_time(at_least(request->due_ms, request->queued_ms));
	span->started_ns = span_time(started_ms);
	span->ended_ns = span_time(ended_ms);
	span->group_id = facts_group(facts, request->job);
	span->attempt = request->attempt;
	span->max_attempts = request->max_attempts;
	if (request->slept.len > 0) facts_start_with_sleep(facts, span, request->slept);
}

static void checkpoint_times(struct span *span, const struct op_context *context, const struct trace_op *op) {
	uint64_t started_ms = op->started_ms > 0 ? op->started_ms : context->at_ms;
	uint64_t ended_ms = op->ended_ms > 0 ? op->ended_ms : context->at_ms;
	span->queued_ns = span->started_ns = span_time(started_ms);
	span->scheduled_ns = 0;
	span->ended_ns = span_time(at_least(ended_ms, started_ms));
	span->group_id = (struct str){NULL, 0};
	span->attempt = 0;
}

static void set_times(struct facts *facts, struct span *span, const struct op_context *context,
		      const struct trace_op *op) {
	span->has_attempt = true;
	if (context->request != NULL)
		request_times(facts, span, context, op);
	else
		checkpoint_times(span, context, op);
	span_seen(span, span->started_ns);
	span_seen(span, span->ended_ns);
}

// Metadata for an attempt names it by its seed, whatever came of it (05 §12.9), and by the number that the app knows.
static void know_attempt(struct facts *facts, struct span *span, struct str step_id, const struct request *request) {
	uint32_t numbers[] = {span->attempt, request != NULL ? request->told_attempt : 0};
	span->row_ids = ARENA_ARRAY(facts->arena, struct str, ARRAY_LEN(numbers));
	span->row_id_count = 0;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (i > 0 && numbers[i] == numbers[0]) continue;
		struct span_id id = span_id_attempt(step_id, numbers[i]);
		if (str_eq(str_make(id.text, SPAN_ID_LEN), span->id)) continue;
		span->row_ids[span->row_id_count++] = facts_text(facts, &id);
	}
}

// A step that was reported has no reply of its own.
static void set_bytes(struct facts *facts, struct span *span, const struct trace_op *op) {
	const struct trace_step *step = facts_step(facts, op->id);
	span->has_output_bytes = op->output.len > 0 || step != NULL;
	span->output_bytes = op->output.len > 0 ? (uint32_t)op->output.len : step != NULL ? step->bytes : 0;
}

// ---- by op ---------------------------------------------------------------------------------------------------------

// The span, or NULL when nothing new is said of it.
static struct span *done(struct facts *facts, const struct op_context *context, const struct trace_op *op) {
	bool retried = is_retried(facts, context, op), is_new;
	struct span_id id = retried ? span_id_attempt(op->id, context->request != NULL ? context->request->attempt : 0)
				    : span_id_step(op->id);
	struct span *span = facts_span(facts, SPAN_STEP, &id, facts->root_id, &is_new);
	if (!is_new && is_over(span)) return NULL; // reported twice: the first one counted
	facts_op_attributes(span, op);
	set_times(facts, span, context, op);
	span->status = retried ? SPAN_ERRORED : facts_is_error_op(op->op) ? SPAN_FAILED : SPAN_COMPLETED;
	span->output =
		retried || op->output.len > 0 ? facts_inline(op->output, span) : facts_step_output(facts, op->id, span);
	if (context->request == NULL) set_bytes(facts, span, op);
	know_attempt(facts, span, op->id, context->request);
	return span;
}

// The step itself is still to come, and its span is this one. Apps plan again what they wait for: that says nothing.
static struct span *planned(struct facts *facts, const struct op_context *context, const struct trace_op *op) {
	bool is_new;
	struct span_id id = span_id_step(op->id);
	struct span *span = facts_span(facts, SPAN_STEP, &id, facts->root_id, &is_new);
	if (!is_new) return NULL;
	facts_op_attributes(span, op);
	bool checkpointed = context->request == NULL;
	span->status = checkpointed ? SPAN_RUNNING : SPAN_QUEUED;
	span->queued_ns = span_time(checkpointed && op->started_ms > 0 ? op->started_ms : context->at_ms);
	span_seen(span, span->queued_ns);
	if (checkpointed)
		span->started_ns = span->queued_ns;
	else
		span->scheduled_ns = span->queued_ns;
	return span;
}

// A request that the server makes for the app: it goes on until its result is memoised.
static struct span *gateway(struct facts *facts, const struct op_context *context, const struct trace_op *op) {
	const struct trace_step *step = facts_step(facts, op->id);
	struct span *span = done(facts, context, op);
	if (span == NULL) return NULL;
	if (!facts_is_done(facts, op->id)) {
		span->status = SPAN_RUNNING;
		span->ended_ns = 0;
	} else if (step != NULL && facts_is_error_op(step->op)) {
		span->status = SPAN_FAILED;
	}
	return span;
}

void facts_op(struct facts *facts, const struct op_context *context, const struct trace_op *op) {
	// Waiting has facts of its own (facts_wait.c), results are the function's (facts_call.c).
	static struct span *(*const makers[OPCODE_COUNT])(struct facts *, const struct op_context *,
							  const struct trace_op *) = {
		[OPCODE_STEP] = done,        [OPCODE_STEP_RUN] = done,        [OPCODE_STEP_ERROR] = done,
		[OPCODE_STEP_FAILED] = done, [OPCODE_STEP_PLANNED] = planned, [OPCODE_AI_GATEWAY] = gateway,
		[OPCODE_GATEWAY] = gateway,
	};
	if (op->op >= OPCODE_COUNT || facts->spans.count >= TRACE_SPANS_MAX) return;
	if (makers[op->op] == NULL) return facts_op_metadata(facts, op, NULL, context->at_ms);
	const struct span *span = makers[op->op](facts, context, op);
	if (span != NULL) facts_op_metadata(facts, op, span, context->at_ms);
}

void facts_checkpoint(struct facts *facts, const struct trace_fact *fact) {
	struct op_context context = {.at_ms = fact->at_ms};
	for (size_t i = 0; i < fact->op_count; i++) facts_op(facts, &context, &fact->ops[i]);
}
