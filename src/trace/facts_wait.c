// Sleeps, waits for events and signals, and invokes (spec 06 §14): one span each, which begins and ends by itself.
#include "trace/facts.h"

static enum span_status open_status(enum opcode_kind op) {
	switch (op) {
	case OPCODE_SLEEP:
		return SPAN_SLEEPING;
	case OPCODE_INVOKE_FUNCTION:
		return SPAN_INVOKING;
	default:
		return SPAN_WAITING;
	}
}

static struct span *open_wait(struct facts *facts, const struct trace_fact *fact) {
	struct span_id id =
		fact->op == OPCODE_SLEEP ? span_id_sleep(fact->step_id) : span_id_wait(&facts->run->id, fact->step_id);
	bool is_new;
	struct span *span = facts_span(facts, SPAN_STEP, &id, facts->root_id, &is_new);
	span_seen(span, span_time(fact->at_ms));
	if (is_new) {
		span->status = open_status(fact->op);
		span->op = fact->op;
		span->step_id = fact->step_id;
		span->step_name = span_step_name(fact->step_id);
	}
	if (fact->name.len > 0) span->step_name = span_step_name(fact->name);
	return span;
}

static void set_sleep(struct facts *facts, struct span *span, const struct trace_fact *fact) {
	uint64_t until_ms = fact->until_ms > fact->at_ms ? fact->until_ms : fact->at_ms;
	span->has_sleep = true;
	span->sleep_ms = (span_time(until_ms) - span_time(fact->at_ms)) / 1000000;
	// Retention may have taken the step of a run that is over.
	bool is_over = facts_step(facts, fact->step_id) != NULL || until_ms <= facts->run->ended_ms;
	if (!is_over) return;
	span->status = SPAN_COMPLETED;
	span->ended_ns = span_time(until_ms);
	span_seen(span, span->ended_ns);
}

void facts_wait(struct facts *facts, const struct trace_fact *fact) {
	struct span *span = open_wait(facts, fact);
	span->queued_ns = span->scheduled_ns = span->started_ns = span_time(fact->at_ms);
	span->group_id = facts_group(facts, fact->parent);
	if (fact->op == OPCODE_SLEEP) return set_sleep(facts, span, fact);
	span->has_expiry = true;
	span->expiry_ns = span_time(fact->until_ms);
	span->wait_event = fact->event;
	span->wait_expression = fact->expression;
	span->signal = fact->signal;
	span->invoke_function = fact->function;
	span->trigger_event_id = facts_ulid(facts, &fact->event_id);
}

// A time that is up is an error of an invoke, and none of a wait.
static enum span_status end_status(const struct trace_fact *fact) {
	bool is_invoke = fact->op == OPCODE_INVOKE_FUNCTION;
	if (fact->is_error) return is_invoke ? SPAN_ERRORED : SPAN_FAILED;
	return fact->is_timeout && is_invoke ? SPAN_ERRORED : SPAN_COMPLETED;
}

// A signal that another run waits for: the run fails by it, and has the error.
static bool is_conflict(const struct trace_fact *fact) {
	return fact->is_error && fact->op == OPCODE_WAIT_FOR_SIGNAL;
}

void facts_resumed(struct facts *facts, const struct trace_fact *fact) {
	struct span *span = open_wait(facts, fact);
	bool is_invoke = fact->op == OPCODE_INVOKE_FUNCTION;
	span->status = end_status(fact);
	span->ended_ns = span_time(fact->at_ms);
	if (span->ended_ns < span->started_ns) span->ended_ns = span->started_ns; // the clock was put right
	span->is_expired = fact->is_timeout ? YES : is_conflict(fact) ? UNSET : NO;
	if (is_conflict(fact))
		span->output = facts_run_output(facts, span);
	else if (!fact->is_timeout || is_invoke)
		span->output = facts_step_output(facts, fact->step_id, span);
	struct str event_id = facts_ulid(facts, &fact->event_id), run_id = facts_ulid(facts, &fact->run_id);
	if (event_id.len > 0) span->matched_event_id = event_id;
	if (run_id.len > 0) span->invoke_run_id = run_id;
}

void facts_invoked(struct facts *facts, const struct trace_fact *fact) {
	struct str run_id = facts_ulid(facts, &fact->run_id);
	struct span *span = open_wait(facts, fact);
	if (run_id.len > 0) span->invoke_run_id = run_id;
}
