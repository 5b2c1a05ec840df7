// One span as a node (spec 06 §15.2, §15.3).
#include "trace/tree_internal.h"

static const enum trace_status status_table[SPAN_STATUS_COUNT] = {
	[SPAN_STATUS_NONE] = TRACE_RUNNING, [SPAN_UNKNOWN] = TRACE_RUNNING,  [SPAN_SCHEDULED] = TRACE_QUEUED,
	[SPAN_QUEUED] = TRACE_QUEUED,       [SPAN_RUNNING] = TRACE_RUNNING,  [SPAN_WAITING] = TRACE_WAITING,
	[SPAN_SLEEPING] = TRACE_WAITING,    [SPAN_INVOKING] = TRACE_RUNNING, [SPAN_COMPLETED] = TRACE_COMPLETED,
	[SPAN_FAILED] = TRACE_FAILED,       [SPAN_ERRORED] = TRACE_FAILED,   [SPAN_CANCELLED] = TRACE_CANCELLED_NODE,
	[SPAN_TIMED_OUT] = TRACE_COMPLETED, [SPAN_SKIPPED] = TRACE_SKIPPED,
};

bool trace_status_is_ended(enum trace_status status) {
	return status == TRACE_COMPLETED || status == TRACE_FAILED || status == TRACE_CANCELLED_NODE ||
	       status == TRACE_SKIPPED;
}

int64_t trace_ms_between(int64_t start_ns, int64_t end_ns) {
	if ((start_ns < 0) != (end_ns < 0)) return end_ns / 1000000 - start_ns / 1000000; // cannot overflow
	return (end_ns - start_ns) / 1000000;
}

static int64_t time_or_none(int64_t ns) {
	return ns != 0 ? ns : TRACE_NO_TIME;
}

static void set_times(struct trace_node *node, const struct trace_branch *branch) {
	const struct span *span = branch->span;
	node->queued_ns = span->queued_ns != 0 ? span->queued_ns : branch->start_ns;
	node->scheduled_ns = time_or_none(span->scheduled_ns);
	node->started_ns = time_or_none(span->started_ns);
	node->ended_ns = time_or_none(span->ended_ns);
	if (!node->is_userland) return;
	node->started_ns = time_or_none(branch->start_ns);
	node->ended_ns = time_or_none(branch->end_ns);
}

// What a cancelled run left open ended with it. A run that ended by itself may have left waits, and steps that were
// planned and never asked for: its other branches.
static bool ends_with_run(const struct trace_subject *subject, enum span_status status) {
	if (subject->status == TRACE_RUN_CANCELLED) return true;
	if (subject->status != TRACE_RUN_COMPLETED && subject->status != TRACE_RUN_FAILED) return false;
	return status == SPAN_WAITING || status == SPAN_SLEEPING || status == SPAN_INVOKING || status == SPAN_QUEUED;
}

static void close_open(const struct trace_context *context, struct trace_node *node, enum span_status status) {
	const struct trace_subject *subject = context->subject;
	if (subject->keeps_open || !ends_with_run(subject, status)) return;
	if (node->is_root || trace_status_is_ended(node->status)) return;
	node->status = TRACE_CANCELLED_NODE;
	if (node->ended_ns == TRACE_NO_TIME && node->started_ns != TRACE_NO_TIME)
		node->ended_ns = time_or_none(context->root->span->ended_ns);
}

static void set_status(const struct trace_context *context, struct trace_node *node, const struct span *span) {
	node->status = status_table[span->status];
	bool is_unset = span->status == SPAN_STATUS_NONE || span->status == SPAN_UNKNOWN;
	if (node->is_userland && is_unset && node->ended_ns != TRACE_NO_TIME) node->status = TRACE_COMPLETED;
	if (node->status == TRACE_QUEUED)
		node->started_ns = TRACE_NO_TIME; // of a planned step it is when it was planned
	close_open(context, node, span->status);
	bool is_ended = trace_status_is_ended(node->status) || node->is_userland;
	if (!is_ended) node->ended_ns = TRACE_NO_TIME;
	node->has_duration = is_ended && node->started_ns != TRACE_NO_TIME && node->ended_ns != TRACE_NO_TIME;
	if (node->has_duration) node->duration_ms = trace_ms_between(node->started_ns, node->ended_ns);
}

// A cancelled run has the status code 0 and no headers, and shows it all the same (§21).
static void set_response(struct trace_node *node, const struct span *span) {
	bool of_cancel = node->is_root && span->status == SPAN_CANCELLED && span->status_code == 0;
	node->has_response = span->has_response && (span->has_headers || of_cancel);
	if (!node->has_response) return;
	node->status_code = span->status_code;
	node->headers = span->headers.len > 0 ? span->headers : STR("{}");
}

static void set_userland(struct trace_node *node, const struct span *span) {
	node->name = node->user_name = span->name;
	node->user_kind = span->user_kind;
	node->service_name = span->service_name;
	node->scope_name = span->scope_name;
	node->scope_version = span->scope_version;
	node->user_attributes = span->user_attributes;
}

static struct str stored_name(const struct span *span) {
	if (span->name.len > 0 || span->kind == SPAN_OTHER) return span->name;
	return str_from_cstr(span_kind_names[span->kind]);
}

static void set_step(struct trace_node *node, const struct span *span) {
	node->name = span->step_name.len > 0 ? span->step_name : stored_name(span);
	node->group_id = span->group_id;
	node->step_op = trace_step_op(span->op);
	node->step_id = span->step_id;
	node->info = trace_info_of(span, node->queued_ns);
}

struct trace_node *trace_convert(const struct trace_context *context, const struct trace_branch *branch) {
	const struct span *span = branch->span;
	struct trace_node *node = ARENA_NEW(context->arena, struct trace_node);
	node->span_id = span->id;
	node->trace_id = span->trace_id;
	node->is_root = branch == context->root;
	// A userland span may hang elsewhere than it said.
	bool moved = span->kind == SPAN_USERLAND && branch->parent != NULL;
	node->parent_id = node->is_root ? STR(SPAN_ID_NONE) : moved ? branch->parent->span->id : span->parent;
	node->is_userland = span->kind == SPAN_USERLAND;
	node->attempts = span->has_attempt ? span->attempt : 0;
	set_times(node, branch);
	set_status(context, node, span);
	if (node->is_userland)
		set_userland(node, span);
	else
		set_step(node, span);
	set_response(node, span);
	node->debug_run_id = span->debug_run_id;
	node->debug_session_id = span->debug_session_id;
	node->skip_reason = span->skip_reason;
	node->skip_existing_run_id = span->skip_existing_run_id;
	node->metadata = branch->metadata;
	node->metadata_count = branch->metadata_count;
	node->input = span->input;
	node->output = *branch->output;
	return node;
}
