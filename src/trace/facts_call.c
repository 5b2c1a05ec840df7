// Calls to the app: a discovery for each queued request, in it an execution for each attempt; what the function itself
// answered; and what is still to come (spec 06 §14).
#include "trace/facts.h"

static uint64_t later(uint64_t a, uint64_t b) {
	return a > b ? a : b;
}

// ---- one attempt ---------------------------------------------------------------------------------------------------

// A planned step's discovery starts 1 ms before it; one after a sleep when that is over.
static uint64_t discovery_ms(const struct request *request) {
	if (request->slept.len > 0 && request->attempt == 0) return later(request->queued_ms, request->due_ms);
	if (request->is_planned && request->queued_ms > 0) return request->queued_ms - 1;
	return request->queued_ms;
}

// The same for all attempts; its times are those of the first.
static struct span *make_discovery(struct facts *facts, const struct request *request, bool *is_new) {
	struct span_id id = request->slept.len > 0 ? span_id_after_sleep(request->slept)
						   : span_id_discovery(&facts->run->id, request->job);
	struct span *span = facts_span(facts, SPAN_DISCOVERY, &id, facts->root_id, is_new);
	span->group_id = facts_group(facts, request->parent_job);
	span_seen(span, span_time(discovery_ms(request)));
	span->queued_ns = span->first_ns;
	return span;
}

static void set_times(struct span *span, const struct request *request) {
	span->queued_ns = span_time(request->queued_ms);
	span->scheduled_ns = span_time(later(request->queued_ms, request->due_ms));
	span->started_ns = span_time(request->started_ms);
	span_seen(span, span->started_ns);
	span->has_attempt = true;
	span->attempt = request->attempt;
	span->max_attempts = request->max_attempts;
}

static struct span *make_execution(struct facts *facts, const struct request *request) {
	struct span *discovery = make_discovery(facts, request, NULL);
	struct span_id id = span_id_execution(&facts->run->id, request->job, request->attempt);
	struct span *span = facts_span(facts, SPAN_EXECUTION, &id, discovery->id, NULL);
	set_times(span, request);
	span->group_id = facts_group(facts, request->job);
	return span;
}

static struct request request_of(const struct trace_fact *fact) {
	return (struct request){.job = fact->job,
				.parent_job = fact->parent_job,
				.queued_ms = fact->queued_ms,
				.due_ms = fact->due_ms,
				.started_ms = fact->started_ms,
				.attempt = fact->attempt,
				.max_attempts = fact->max_attempts,
				.told_attempt = fact->told_attempt,
				.is_planned = fact->target.len > 0,
				.slept = fact->slept};
}

// ---- answers -------------------------------------------------------------------------------------------------------

// The one op whose attributes the execution takes over.
static const struct trace_op *single_op(const struct trace_fact *fact) {
	if (fact->outcome != TRACE_OPCODES || fact->op_count != 1) return NULL;
	return fact->ops[0].op == OPCODE_STEP_PLANNED ? NULL : &fact->ops[0];
}

static enum span_status execution_status(const struct facts *facts, const struct trace_fact *fact) {
	const struct trace_op *op = single_op(fact);
	switch (fact->outcome) {
	case TRACE_RESULT:
		return SPAN_COMPLETED;
	case TRACE_ERROR:
		return SPAN_FAILED;
	case TRACE_CANCELLED: // better than the reference, where it stays Running until the app answers
		return SPAN_CANCELLED;
	case TRACE_OPCODES:
		break;
	}
	if (op != NULL && facts_is_error_op(op->op)) return SPAN_ERRORED;
	if (op != NULL && facts_is_gateway(op->op) && !facts_is_done(facts, op->id)) return SPAN_RUNNING;
	return SPAN_COMPLETED;
}

static bool is_step(enum opcode_kind op) {
	return op == OPCODE_STEP || op == OPCODE_STEP_RUN || op == OPCODE_STEP_ERROR || facts_is_gateway(op);
}

// Steps have spans of their own; a request that brought something else is left out of the tree.
static bool is_dropped(const struct trace_fact *fact) {
	if (fact->outcome != TRACE_OPCODES || fact->op_count == 0) return false;
	return fact->op_count != 1 || !is_step(fact->ops[0].op);
}

static bool is_of_function(const struct trace_fact *fact) {
	return fact->outcome == TRACE_ERROR || facts_is_result(fact);
}

static struct span_text function_output(const struct facts *facts, const struct trace_fact *fact,
					const struct span *span) {
	return fact->will_retry ? facts_inline(fact->output, span) : facts_run_output(facts, span);
}

static void answer_step(struct facts *facts, const struct trace_fact *fact, const struct trace_op *op,
			struct span *execution) {
	facts_op_attributes(execution, op);
	if (op->output.len > 0)
		execution->output = facts_inline(op->output, execution);
	else if (is_step(op->op) || facts_is_error_op(op->op))
		execution->output = facts_step_output(facts, op->id, execution);
	if (facts_is_result(fact)) execution->has_headers = false;
}

static void answer(struct facts *facts, const struct trace_fact *fact, struct span *execution) {
	const struct trace_op *op = single_op(fact);
	execution->status = execution_status(facts, fact);
	execution->ended_ns = span_time(later(fact->at_ms, fact->started_ms));
	span_seen(execution, execution->ended_ns);
	execution->is_dropped = is_dropped(fact);
	if (fact->outcome == TRACE_CANCELLED && fact->status == 0) return;
	execution->has_response = true;
	execution->status_code = (int)fact->status;
	execution->has_headers = fact->headers.len > 0;
	execution->headers = fact->headers;
	execution->has_output_bytes = true;
	execution->output_bytes = fact->output_bytes;
	if (op != NULL) answer_step(facts, fact, op, execution);
	if (!is_of_function(fact)) return;
	execution->is_output = true;
	execution->output = function_output(facts, fact, execution);
}

// So it is in the reference server: the sleep and what follows it start together, and their ids decide (§21).
void facts_start_with_sleep(const struct facts *facts, struct span *span, struct str slept) {
	struct span_id id = span_id_sleep(slept);
	const struct span *sleep = span_find(&facts->spans, str_make(id.text, SPAN_ID_LEN));
	span->started_ns = span->queued_ns;
	if (sleep != NULL) span->rank = sleep->rank;
}

// The function's own result or error, beside the execution. After a sleep it starts when its call was queued, as steps
// do (§14), but always comes after the sleep (§21).
static void make_nonstep(struct facts *facts, const struct trace_fact *fact, const struct request *request) {
	struct uuid group = span_group_id(&facts->run->id, fact->job);
	struct span_id id = span_id_nonstep(&group, fact->attempt);
	struct span *span = facts_span(facts, SPAN_NONSTEP, &id, facts->root_id, NULL);
	set_times(span, request);
	if (fact->slept.len > 0) span->started_ns = span->queued_ns;
	span->ended_ns = span_time(later(fact->at_ms, fact->started_ms));
	span_seen(span, span->ended_ns);
	span->group_id = facts_group(facts, fact->job);
	span->status = facts_is_result(fact) ? SPAN_COMPLETED : fact->will_retry ? SPAN_ERRORED : SPAN_FAILED;
	span->output = function_output(facts, fact, span);
}

void facts_call(struct facts *facts, const struct trace_fact *fact) {
	struct request request = request_of(fact);
	struct span *execution = make_execution(facts, &request);
	answer(facts, fact, execution);
	facts_timing(facts, fact, execution);
	struct op_context context = {.at_ms = fact->at_ms, .request = &request, .will_retry = fact->will_retry};
	if (fact->outcome == TRACE_OPCODES)
		for (size_t i = 0; i < fact->op_count; i++) facts_op(facts, &context, &fact->ops[i]);
	if (is_of_function(fact)) make_nonstep(facts, fact, &request);
}

// ---- what is under way ---------------------------------------------------------------------------------------------

static void make_planned(struct facts *facts, const struct trace_live *live) {
	struct trace_op op = {.op = OPCODE_STEP_PLANNED, .id = live->target, .name = live->name};
	struct op_context context = {.at_ms = live->queued_ms};
	struct request request = {.queued_ms = live->queued_ms};
	context.request = &request;
	facts_op(facts, &context, &op);
}

void facts_live(struct facts *facts, const struct trace_live *live) {
	if (!live->is_call) return; // facts tell of what waits
	struct request request = {.job = live->job,
				  .parent_job = live->parent_job,
				  .queued_ms = live->queued_ms,
				  .due_ms = live->due_ms,
				  .started_ms = live->started_ms,
				  .attempt = live->attempt,
				  .max_attempts = live->max_attempts,
				  .is_planned = live->is_planned,
				  .slept = live->slept};
	if (live->is_planned) make_planned(facts, live);
	// The engine was asked before the facts were read: it may be over.
	struct span_id id = span_id_execution(&facts->run->id, live->job, live->attempt);
	if (span_find(&facts->spans, str_from_cstr(id.text)) != NULL) return;
	if (live->started_ms > 0) {
		make_execution(facts, &request)->status = SPAN_RUNNING;
		return;
	}
	bool is_new;
	struct span *discovery = make_discovery(facts, &request, &is_new);
	if (is_new) discovery->status = SPAN_QUEUED; // else a retry, which the trees see from the number of attempts
}
