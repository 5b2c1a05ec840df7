// The older, simpler tree (spec 06 §16): one node for each request and each wait, the final request last. Steps that
// were reported while a request went on are in it, which the reference server leaves out. Requests: plain_request.c.
#include "base/check.h"
#include "base/hash.h"
#include "trace/plain_internal.h"

// ---- nodes ---------------------------------------------------------------------------------------------------------

static int64_t cut_to_ms(int64_t ns) {
	return ns == TRACE_NO_TIME ? ns : ns - ns % 1000000;
}

static void set_times(const struct plain *p, struct trace_node *node) {
	if (node->scheduled_ns > node->queued_ns) node->queued_ns = node->scheduled_ns;
	node->scheduled_ns = TRACE_NO_TIME;
	node->queued_ns = cut_to_ms(node->queued_ns);
	node->started_ns = cut_to_ms(node->started_ns);
	node->ended_ns = cut_to_ms(node->ended_ns);
	plain_set_duration(p, node);
}

void plain_set_duration(const struct plain *p, struct trace_node *node) {
	int64_t end_ns = node->ended_ns, now_ns = p->context.subject->now_ns;
	if (end_ns == TRACE_NO_TIME && !trace_status_is_ended(node->status) && now_ns > node->started_ns)
		end_ns = now_ns;
	bool is_known = node->started_ns != TRACE_NO_TIME && end_ns != TRACE_NO_TIME;
	node->has_duration = true;
	node->duration_ms = is_known ? trace_ms_between(node->started_ns, end_ns) : 0;
}

static struct str output_id_of(const struct plain *p, const struct trace_node *node) {
	if (node->output.source == SPAN_NOTHING) return (struct str){NULL, 0};
	const struct trace_subject *subject = p->context.subject;
	struct trace_output_id id = {
		.run_id = subject->run_id,
		.app_id = subject->app_id,
		.function_id = subject->function_id,
		.trace_id = node->trace_id,
		.row_id = node->output.row_id,
	};
	return trace_output_id_text(p->context.arena, &id);
}

static struct trace_node *make_node(const struct plain *p, const struct trace_branch *branch) {
	struct trace_node *node = trace_convert(&p->context, branch);
	if (branch->parent != NULL) node->parent_id = branch->parent->span->id;
	node->group_id = (struct str){NULL, 0};
	node->metadata = NULL;
	node->metadata_count = 0;
	node->has_response = false;
	node->output_id = output_id_of(p, node);
	set_times(p, node);
	return node;
}

void plain_adopt(const struct plain *p, struct trace_node *node, struct trace_node *const *more, size_t count) {
	if (count == 0) return;
	struct trace_node **all = ARENA_ARRAY(p->context.arena, struct trace_node *, node->child_count + count);
	if (node->child_count > 0) memcpy(all, node->children, node->child_count * sizeof *all);
	memcpy(all + node->child_count, more, count * sizeof *all);
	node->children = all;
	node->child_count += count;
}

struct trace_node *plain_child(const struct plain *p, const struct trace_node *parent, struct str id, struct str name,
			       enum trace_status status) {
	struct trace_node *node = ARENA_NEW(p->context.arena, struct trace_node);
	node->span_id = id;
	node->parent_id = parent->span_id;
	node->trace_id = parent->trace_id;
	node->name = name;
	node->status = status;
	node->queued_ns = parent->queued_ns;
	node->scheduled_ns = node->started_ns = node->ended_ns = TRACE_NO_TIME;
	node->has_duration = true;
	return node;
}

// ---- steps ---------------------------------------------------------------------------------------------------------

// Which result an execution and the step's own span tell of alike. Failed attempts are told apart.
struct result {
	enum { RESULT_NONE, RESULT_OK, RESULT_FAILED, RESULT_GATEWAY } kind;
	uint32_t attempt;
};

static struct result result_of(const struct span *span, bool ok, bool failed) {
	if (span->op == OPCODE_AI_GATEWAY || span->op == OPCODE_GATEWAY) return (struct result){RESULT_GATEWAY, 0};
	if (failed) return (struct result){RESULT_FAILED, span->attempt};
	return (struct result){ok ? RESULT_OK : RESULT_NONE, 0};
}

static struct result result_of_execution(const struct span *span) {
	return result_of(span, span->op == OPCODE_STEP || span->op == OPCODE_STEP_RUN,
			 span->op == OPCODE_STEP_ERROR || span->op == OPCODE_STEP_FAILED);
}

static struct result result_of_step(const struct span *span) {
	return result_of(span, span->status == SPAN_COMPLETED,
			 span->status == SPAN_FAILED || span->status == SPAN_ERRORED);
}

struct cover {
	struct map_node node;
	struct result result;
	struct trace_branch *branch;
};

static uint64_t cover_hash(const struct span *span, struct result result) {
	return hash_xxh64(span->step_id) + result.attempt * 4ull + (uint64_t)result.kind;
}

static struct trace_branch *find_cover(const struct plain *p, const struct span *span, struct result result) {
	if (span->step_id.len == 0 || result.kind == RESULT_NONE) return NULL;
	for (struct map_node *node = map_first(&p->covers, cover_hash(span, result)); node != NULL;
	     node = map_next(node)) {
		const struct cover *cover = container_of(node, struct cover, node);
		if (cover->result.kind == result.kind && cover->result.attempt == result.attempt &&
		    str_eq(cover->branch->span->step_id, span->step_id))
			return cover->branch;
	}
	return NULL;
}

static void enter_cover(struct plain *p, struct trace_branch *branch) {
	const struct span *span = branch->span;
	struct result result = result_of_execution(span);
	if (span->kind != SPAN_EXECUTION || span->step_id.len == 0 || result.kind == RESULT_NONE) return;
	const struct trace_branch *discovery = branch->parent; // of requests that have nodes
	if (discovery == NULL || discovery->span->kind != SPAN_DISCOVERY || discovery->parent != p->context.root)
		return;
	if (find_cover(p, span, result) != NULL) return;
	struct cover *cover = ARENA_NEW(p->context.arena, struct cover);
	cover->result = result;
	cover->branch = branch;
	map_insert(&p->covers, &cover->node, cover_hash(span, result));
}

// By the clock: what ends a sleep may not have been written yet.
static void set_sleep(const struct plain *p, struct trace_node *node) {
	if (node->status != TRACE_WAITING) return;
	bool is_over = node->info.kind == TRACE_INFO_SLEEP && p->context.subject->now_ns >= node->info.sleep_until_ns;
	node->status = is_over ? TRACE_COMPLETED : TRACE_RUNNING;
	if (is_over) node->ended_ns = cut_to_ms(node->info.sleep_until_ns);
	plain_set_duration(p, node);
}

static void clear_output(struct trace_node *node) {
	node->output = (struct span_text){.source = SPAN_NOTHING};
	node->output_id = (struct str){NULL, 0};
}

static void set_wait(const struct plain *p, struct trace_node *node, enum opcode_kind op) {
	if (op == OPCODE_SLEEP) set_sleep(p, node);
	if (op == OPCODE_INVOKE_FUNCTION && node->info.timed_out == YES) node->info.run_id = (struct str){NULL, 0};
	if (op == OPCODE_WAIT_FOR_EVENT && node->info.timed_out == YES) clear_output(node);
	if (node->status != TRACE_RUNNING) return;
	clear_output(node);
	struct str id = arena_printf(p->context.arena, "exec-%.*s", STR_ARG(node->span_id));
	struct trace_node *attempt = plain_child(p, node, id, STR("Attempt 0"), TRACE_RUNNING);
	attempt->started_ns = node->started_ns;
	attempt->duration_ms = node->duration_ms;
	plain_adopt(p, node, &attempt, 1);
}

static bool is_wait(enum opcode_kind op) {
	return op == OPCODE_SLEEP || op == OPCODE_WAIT_FOR_EVENT || op == OPCODE_INVOKE_FUNCTION ||
	       op == OPCODE_WAIT_FOR_SIGNAL;
}

// NULL: the request that it came with tells of it.
static struct trace_node *step_node(struct plain *p, struct trace_branch *branch) {
	const struct span *span = branch->span;
	struct trace_node *node = branch->node;
	trace_unwrap(node);
	if (is_wait(span->op)) {
		set_wait(p, node, span->op);
		return node;
	}
	if (span->op == OPCODE_STEP_PLANNED && node->started_ns == TRACE_NO_TIME) return NULL; // no request of it yet
	return find_cover(p, span, result_of_step(span)) == NULL ? node : NULL;
}

// ---- the tree ------------------------------------------------------------------------------------------------------

static void list(struct plain *p, struct trace_node *node) {
	p->children[p->child_count++] = node;
}

static void list_child(struct plain *p, struct trace_branch *branch) {
	struct plain_request request;
	struct trace_node *node = NULL;
	switch (branch->span->kind) {
	case SPAN_DISCOVERY:
		if (!plain_request_read(p, branch, &request)) return;
		node = plain_request_node(p, &request);
		p->has_call = p->has_call || request.is_open;
		if (request.is_final) {
			if (p->final != NULL) list(p, p->final);
			p->final = node;
			return;
		}
		break;
	case SPAN_STEP:
		node = step_node(p, branch);
		break;
	case SPAN_USERLAND:
		node = branch->node;
		break;
	case SPAN_RUN:
	case SPAN_EXECUTION:
	case SPAN_NONSTEP: // the request's result
	case SPAN_OTHER:
	case SPAN_KIND_COUNT:
		break;
	}
	if (node != NULL) list(p, node);
}

// Nodes of all spans; userland spans hang on them as they do in the other tree.
static void make_nodes(struct plain *p) {
	for (size_t i = p->assembly.count; i-- > 0;) {
		struct trace_branch *branch = p->assembly.order[i];
		struct trace_node *node = branch->node = make_node(p, branch);
		node->children = ARENA_ARRAY(p->context.arena, struct trace_node *, branch->child_count);
		for (size_t c = 0; c < branch->child_count; c++) {
			struct trace_node *child = branch->children[c]->node;
			if (child->is_userland) node->children[node->child_count++] = child;
		}
		enter_cover(p, branch);
	}
}

// What is told by a request takes the userland spans of its step.
static void move_userland(struct plain *p) {
	const struct trace_branch *root = p->assembly.order[0];
	for (size_t i = 0; i < root->child_count; i++) {
		const struct trace_branch *step = root->children[i];
		if (step->span->kind != SPAN_STEP || is_wait(step->span->op)) continue;
		struct trace_branch *cover = find_cover(p, step->span, result_of_step(step->span));
		if (cover == NULL) continue;
		trace_unwrap(cover->node);
		trace_unwrap(step->node);
		plain_adopt(p, cover->node, step->node->children, step->node->child_count);
	}
}

static enum trace_status root_status(const struct plain *p, enum trace_status stored) {
	switch (p->context.subject->status) {
	case TRACE_RUN_QUEUED:
		return TRACE_QUEUED;
	case TRACE_RUN_RUNNING:
		return TRACE_RUNNING;
	case TRACE_RUN_COMPLETED:
		return TRACE_COMPLETED;
	case TRACE_RUN_FAILED:
		return TRACE_FAILED;
	case TRACE_RUN_CANCELLED:
		return TRACE_CANCELLED_NODE;
	case TRACE_RUN_SKIPPED:
		return TRACE_SKIPPED;
	}
	return stored;
}

static void add_queued_step(struct plain *p, const struct trace_node *root) {
	if (root->status != TRACE_RUNNING || p->has_call || p->final != NULL || p->child_count == 0) return;
	const struct trace_node *last = p->children[p->child_count - 1];
	if (!trace_status_is_ended(last->status)) return;
	struct trace_node *queued = plain_child(p, root, STR("queued"), STR("Queued step"), TRACE_QUEUED);
	if (last->ended_ns != TRACE_NO_TIME) queued->queued_ns = last->ended_ns;
	list(p, queued);
}

// The output is that of the final request. A run without one has its own, or shows how far it came.
static void set_root_from_children(const struct plain *p, struct trace_node *root) {
	const struct trace_node *last = p->children[p->child_count - 1];
	if (root->started_ns == TRACE_NO_TIME) root->started_ns = p->children[0]->started_ns;
	if (!trace_status_is_ended(root->status)) clear_output(root);
	if (!trace_status_is_ended(root->status) || (p->final == NULL && root->output_id.len > 0)) return;
	root->output = last->output;
	root->output_id = last->output_id;
}

static void finish_root(struct plain *p, struct trace_node *root) {
	const struct trace_subject *subject = p->context.subject;
	root->status = root_status(p, root->status);
	root->parent_id = root->step_op = root->step_id = (struct str){NULL, 0};
	root->info = (struct trace_info){.kind = TRACE_INFO_NONE};
	if (subject->function_slug.len > 0) root->name = subject->function_slug;
	root->queued_ns = ulid_time_ns(&subject->run_id);
	if (p->child_count > 0) set_root_from_children(p, root);
	plain_set_duration(p, root);
	add_queued_step(p, root);
	root->children = p->children;
	root->child_count = p->child_count;
}

struct trace_node *trace_tree_plain(struct arena *arena, const struct trace_subject *subject,
				    const struct trace_spans *spans) {
	struct plain p = {.context = {arena, subject, NULL}};
	if (!trace_assemble(arena, spans, &p.assembly)) return NULL;
	const struct trace_branch *root = p.context.root = p.assembly.order[0];
	map_init(&p.covers);
	make_nodes(&p);
	move_userland(&p);
	p.children = ARENA_ARRAY(arena, struct trace_node *, root->child_count + 1);
	for (size_t i = 0; i < root->child_count; i++) list_child(&p, root->children[i]);
	if (p.final != NULL) list(&p, p.final);
	finish_root(&p, root->node);
	map_free(&p.covers);
	return root->node;
}
