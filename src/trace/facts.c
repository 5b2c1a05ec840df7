// Spans of our own runs (spec 06 §14): the root, and what the makers of all others share.
#include "trace/facts.h"

#include "base/check.h"
#include "base/hash.h"

// ---- small things --------------------------------------------------------------------------------------------------

struct str facts_text(struct facts *facts, const struct span_id *id) {
	return arena_dup(facts->arena, str_from_cstr(id->text));
}

struct span *facts_span(struct facts *facts, enum span_kind kind, const struct span_id *id, struct str parent,
			bool *is_new) {
	struct span *span = span_find(&facts->spans, str_from_cstr(id->text));
	if (is_new != NULL) *is_new = span == NULL;
	if (span != NULL) return span;
	span = span_open(&facts->spans, kind, facts_text(facts, id), parent, NULL);
	span->trace_id = facts->trace_id;
	return span;
}

struct str facts_group(struct facts *facts, uint64_t job) {
	if (job == 0) return (struct str){NULL, 0};
	struct uuid group = span_group_id(&facts->run->id, job);
	char text[UUID_TEXT_LEN + 1];
	uuid_text(&group, text);
	return arena_dup(facts->arena, str_from_cstr(text));
}

struct str facts_ulid(struct facts *facts, const struct ulid *id) {
	static const struct ulid none;
	if (ulid_cmp(id, &none) == 0) return (struct str){NULL, 0};
	char text[ULID_TEXT_LEN + 1];
	ulid_text(id, text);
	return arena_dup(facts->arena, str_from_cstr(text));
}

// ---- outputs -------------------------------------------------------------------------------------------------------

static void index_steps(struct facts *facts) {
	map_init(&facts->steps);
	for (size_t i = 0; i < facts->run->step_count; i++) {
		struct step_node *node = ARENA_NEW(facts->arena, struct step_node);
		node->step = &facts->run->steps[i];
		map_insert(&facts->steps, &node->by_id, hash_xxh64(node->step->id));
	}
}

const struct trace_step *facts_step(const struct facts *facts, struct str step_id) {
	struct map_node *node = map_first(&facts->steps, hash_xxh64(step_id));
	for (; node != NULL; node = map_next(node)) {
		const struct trace_step *step = container_of(node, struct step_node, by_id)->step;
		if (str_eq(step->id, step_id)) return step;
	}
	return NULL;
}

struct span_text facts_step_output(const struct facts *facts, struct str step_id, const struct span *span) {
	if (facts_step(facts, step_id) == NULL) return (struct span_text){.source = SPAN_NOTHING};
	return (struct span_text){.source = SPAN_OF_STEP, .text = step_id, .row_id = span->id};
}

struct span_text facts_run_output(const struct facts *facts, const struct span *span) {
	if (!facts->run->has_output) return (struct span_text){.source = SPAN_NOTHING};
	return (struct span_text){
		.source = SPAN_OF_RUN, .row_id = span->id, .is_result = facts->run->status == TRACE_RUN_FAILED};
}

struct span_text facts_inline(struct str text, const struct span *span) {
	if (text.len == 0) return (struct span_text){.source = SPAN_NOTHING};
	return (struct span_text){.source = SPAN_INLINE, .text = text, .row_id = span->id};
}

// ---- the root ------------------------------------------------------------------------------------------------------

bool facts_is_result(const struct trace_fact *call) {
	if (call->outcome == TRACE_RESULT) return true;
	if (call->outcome != TRACE_OPCODES) return false;
	for (size_t i = 0; i < call->op_count; i++)
		if (call->ops[i].op == OPCODE_RUN_COMPLETE || call->ops[i].op == OPCODE_SYNC_RUN_COMPLETE) return true;
	return false;
}

// The call that ended the run; if none did (its time was up), the last one that was answered.
static const struct trace_fact *ending_call(const struct trace_run *run) {
	const struct trace_fact *last = NULL, *end = NULL;
	for (size_t i = 0; i < run->fact_count; i++) {
		const struct trace_fact *fact = &run->facts[i];
		if (fact->kind != FACT_CALL || fact->outcome == TRACE_CANCELLED) continue;
		last = fact;
		if (facts_is_result(fact) || (fact->outcome == TRACE_ERROR && !fact->will_retry)) end = fact;
	}
	return end != NULL ? end : last;
}

static enum span_status root_status(enum trace_run_status status) {
	switch (status) {
	case TRACE_RUN_QUEUED:
		return SPAN_QUEUED;
	case TRACE_RUN_RUNNING:
		return SPAN_RUNNING;
	case TRACE_RUN_COMPLETED:
		return SPAN_COMPLETED;
	case TRACE_RUN_FAILED:
		return SPAN_FAILED;
	case TRACE_RUN_CANCELLED:
		return SPAN_CANCELLED;
	case TRACE_RUN_SKIPPED:
		return SPAN_SKIPPED;
	}
	return SPAN_UNKNOWN;
}

// What the last answer was: RunComplete names the root after its hashed id and has no headers (§14 "run ends").
static void root_response(struct facts *facts, struct span *root) {
	const struct trace_fact *end = facts->end;
	if (facts->run->status == TRACE_RUN_CANCELLED) { // shown as an answer with status 0 (§21)
		root->has_response = root->has_headers = true;
		root->headers = STR("{}");
		return;
	}
	if (end == NULL) return;
	root->group_id = facts_group(facts, end->job);
	root->has_response = true;
	root->status_code = (int)end->status;
	root->has_headers = end->headers.len > 0;
	root->headers = end->headers;
	root->has_output_bytes = true;
	root->output_bytes = end->output_bytes;
	if (end->outcome != TRACE_OPCODES || end->op_count != 1) return;
	struct span_text events = root->input;
	facts_op_attributes(root, &end->ops[0]);
	root->input = events;
	if (facts_is_result(end)) root->has_headers = false;
}

static void make_root(struct facts *facts) {
	const struct trace_run *run = facts->run;
	struct span_id id = span_id_run(&run->id);
	struct span *root = facts_span(facts, SPAN_RUN, &id, STR(SPAN_ID_NONE), NULL);
	facts->root_id = root->id;
	root->status = root_status(run->status);
	root->queued_ns = span_time(ulid_time_ms(&run->id));
	root->scheduled_ns = run->scheduled_ms > 0 ? span_time(run->scheduled_ms) : root->queued_ns;
	span_seen(root, root->queued_ns);
	root->input = (struct span_text){.source = SPAN_OF_EVENTS, .row_id = root->id};
	root->skip_reason = run->skip_reason;
	root->skip_existing_run_id = run->skip_existing_run_id;
	root->debug_run_id = run->debug_run_id;
	root->debug_session_id = run->debug_session_id;
	if (run->status == TRACE_RUN_SKIPPED) return; // nothing further is known of it
	root->started_ns = span_time(run->started_ms);
	root->ended_ns = span_time(run->ended_ms);
	if (run->started_ms > 0) span_seen(root, root->started_ns);
	if (run->ended_ms > 0) span_seen(root, root->ended_ns);
	if (run->status == TRACE_RUN_QUEUED || run->status == TRACE_RUN_RUNNING) return;
	root->output = facts_run_output(facts, root);
	root_response(facts, root);
}

// A wait that ended its run, as a signal does that another run waits for: the root tells of it as its own span does.
static void root_wait(struct facts *facts) {
	struct span *root = span_find(&facts->spans, facts->root_id);
	struct span_id id = span_id_wait(&facts->run->id, root->step_id);
	const struct span *wait = root->step_id.len > 0 ? span_find(&facts->spans, str_from_cstr(id.text)) : NULL;
	if (wait == NULL) return;
	root->has_expiry = wait->has_expiry;
	root->expiry_ns = wait->expiry_ns;
	root->is_expired = wait->is_expired;
	root->wait_event = wait->wait_event;
	root->wait_expression = wait->wait_expression;
	root->signal = wait->signal;
	root->invoke_function = wait->invoke_function;
	root->trigger_event_id = wait->trigger_event_id;
	root->matched_event_id = wait->matched_event_id;
	root->invoke_run_id = wait->invoke_run_id;
}

// By cancelOn: the event, and the rule's condition.
static void cancelled(struct facts *facts, const struct trace_fact *fact) {
	struct span *root = span_find(&facts->spans, facts->root_id);
	root->matched_event_id = facts_ulid(facts, &fact->event_id);
	root->wait_expression = fact->expression;
}

// ---- all of it -----------------------------------------------------------------------------------------------------

static void make_others(struct facts *facts) {
	static void (*const makers[])(struct facts *, const struct trace_fact *) = {
		[FACT_CALL] = facts_call,       [FACT_CHECKPOINT] = facts_checkpoint, [FACT_WAIT] = facts_wait,
		[FACT_RESUMED] = facts_resumed, [FACT_INVOKED] = facts_invoked,       [FACT_CANCELLED] = cancelled,
	};
	for (size_t i = 0; i < facts->run->fact_count; i++) {
		const struct trace_fact *fact = &facts->run->facts[i];
		if ((size_t)fact->kind >= ARRAY_LEN(makers) || makers[fact->kind] == NULL) continue;
		if (facts->spans.count >= TRACE_SPANS_MAX) break;
		makers[fact->kind](facts, fact);
	}
	for (size_t i = 0; i < facts->run->live_count; i++) facts_live(facts, &facts->run->live[i]);
}

void trace_spans_of_facts(struct arena *arena, const struct trace_run *run, struct trace_spans *out) {
	char trace_id[TRACE_ID_LEN + 1];
	span_trace_id(&run->id, trace_id);
	struct facts facts = {.arena = arena, .run = run};
	facts.trace_id = arena_dup(arena, str_from_cstr(trace_id));
	facts.end = ending_call(run);
	*out = (struct trace_spans){0};
	span_builder_init(&facts.spans, arena, out);
	facts.spans.ranks = true;
	index_steps(&facts);
	make_root(&facts);
	if (run->status != TRACE_RUN_SKIPPED) make_others(&facts);
	root_wait(&facts);
	span_builder_finish(&facts.spans, out);
	map_free(&facts.steps);
}
