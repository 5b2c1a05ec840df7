// Requests to the app in the plain tree (spec 06 §16): a leaf when the first attempt did it, else a group of attempts.
#include "trace/plain_internal.h"

static bool is_result(const struct span *span) {
	return span->is_output || span->op == OPCODE_RUN_COMPLETE || span->op == OPCODE_SYNC_RUN_COMPLETE;
}

static bool is_step(const struct span *span) {
	switch (span->op) {
	case OPCODE_STEP:
	case OPCODE_STEP_RUN:
	case OPCODE_STEP_ERROR:
	case OPCODE_STEP_FAILED:
	case OPCODE_AI_GATEWAY:
	case OPCODE_GATEWAY:
		return true;
	default:
		return false;
	}
}

static bool is_run_ended(const struct plain *p) {
	return p->context.subject->status >= TRACE_RUN_COMPLETED;
}

static int64_t number_of(const struct plain_request *request, size_t i) {
	const struct span *span = request->attempts[i]->span;
	return span->has_attempt ? span->attempt : (int64_t)i;
}

// A step that must not be tried again says so; that a function must not is known when its run ends with it.
static bool is_retried(const struct plain *p, const struct plain_request *request) {
	const struct span *last = request->last->span;
	if (is_run_ended(p) || request->last->node->status != TRACE_FAILED || last->op == OPCODE_STEP_FAILED)
		return false;
	return number_of(request, request->count - 1) + 1 < (int64_t)last->max_attempts;
}

bool plain_request_read(const struct plain *p, const struct trace_branch *discovery, struct plain_request *out) {
	*out = (struct plain_request){.discovery = discovery};
	out->attempts = ARENA_ARRAY(p->context.arena, struct trace_branch *, discovery->child_count);
	bool is_listed = false;
	for (size_t i = 0; i < discovery->child_count; i++) {
		struct trace_branch *attempt = discovery->children[i];
		const struct span *span = attempt->span;
		if (attempt->node->is_userland) continue;
		out->attempts[out->count++] = attempt;
		out->last = attempt;
		if (is_step(span)) out->step = attempt;
		if (is_step(span) || is_result(span) || attempt->node->status != TRACE_COMPLETED) is_listed = true;
	}
	if (!is_listed) return false;
	out->is_open = !trace_status_is_ended(out->last->node->status);
	out->is_retried = is_retried(p, out);
	out->is_final = is_result(out->last->span) && !out->is_retried;
	return true;
}

static struct str name_of(const struct plain_request *request) {
	const struct span *last = request->last->span;
	if (is_result(last)) {
		if (last->step_name.len > 0) return last->step_name; // of a RunComplete
		if (request->last->node->status == TRACE_COMPLETED) return STR("function success");
		return request->count == 1 && !request->is_retried ? STR("function error") : STR("execute");
	}
	if (request->step != NULL && request->step->span->step_name.len > 0) return request->step->span->step_name;
	return STR("execute");
}

static struct str group_id_of(const struct plain *p, const struct plain_request *request) {
	const struct span *last = request->last->span;
	bool ran = (last->op == OPCODE_STEP_RUN || last->op == OPCODE_STEP) &&
		   request->last->node->status == TRACE_COMPLETED;
	struct str group = last->group_id.len > 0 ? last->group_id : request->discovery->span->id;
	return arena_printf(p->context.arena, "%s-%.*s", ran ? "steprun" : "exec", STR_ARG(group));
}

// The index of the last attempt, or how many there were when none is left.
static int64_t attempts_of(const struct plain_request *request) {
	int64_t last = number_of(request, request->count - 1), most = request->last->span->max_attempts;
	return request->last->node->status == TRACE_FAILED && most > 0 && last + 1 >= most ? most : last;
}

static struct str attempt_name(const struct plain *p, int64_t number) {
	return arena_printf(p->context.arena, "Attempt %lld", (long long)number);
}

static void add_attempts(const struct plain *p, const struct plain_request *request, struct trace_node *group) {
	for (size_t i = 0; i < request->count; i++) {
		struct trace_node *attempt = request->attempts[i]->node;
		attempt->name = attempt_name(p, number_of(request, i));
		attempt->parent_id = group->span_id;
		trace_unwrap(attempt);
		group->children[group->child_count++] = attempt;
	}
	if (!request->is_retried) return;
	int64_t next = number_of(request, request->count - 1) + 1;
	struct trace_node *queued = plain_child(p, group, STR("queued"), attempt_name(p, next), TRACE_QUEUED);
	queued->attempts = next;
	if (request->last->node->ended_ns != TRACE_NO_TIME) queued->queued_ns = request->last->node->ended_ns;
	group->children[group->child_count++] = queued;
}

static struct trace_node *group_node(const struct plain *p, const struct plain_request *request) {
	const struct trace_node *first = request->attempts[0]->node, *last = request->last->node;
	bool tells_step = request->step != NULL && !is_result(request->last->span);
	const struct trace_node *step = tells_step ? request->step->node : last;
	struct trace_node *group = ARENA_NEW(p->context.arena, struct trace_node);
	*group = *last;
	group->span_id = group_id_of(p, request);
	group->attempts = attempts_of(request);
	group->queued_ns = first->queued_ns;
	group->started_ns = first->started_ns;
	group->step_op = step->step_op;
	group->step_id = step->step_id;
	group->info = step->info;
	if (request->is_retried) {
		group->status = TRACE_RUNNING;
		group->ended_ns = TRACE_NO_TIME;
		group->output = (struct span_text){.source = SPAN_NOTHING};
		group->output_id = (struct str){NULL, 0};
	}
	plain_set_duration(p, group);
	group->children = ARENA_ARRAY(p->context.arena, struct trace_node *, request->count + 1);
	group->child_count = 0;
	add_attempts(p, request, group);
	return group;
}

struct trace_node *plain_request_node(const struct plain *p, const struct plain_request *request) {
	bool is_leaf = request->count == 1 && request->last->node->status == TRACE_COMPLETED;
	struct str name = name_of(request);
	struct trace_node *node = is_leaf ? request->last->node : group_node(p, request);
	if (is_leaf) trace_unwrap(node);
	node->name = name;
	node->parent_id = p->context.root->span->id;
	plain_adopt(p, node, request->discovery->node->children, request->discovery->node->child_count);
	return node;
}
