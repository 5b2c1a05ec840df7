// Children folded into their parent (spec 06 §15.4): the numbers are those of its rules.
#include "base/check.h"
#include "trace/tree_internal.h"

#define NAME_FINALIZATION "Finalization"

struct fold {
	struct arena *arena;
	const struct trace_branch *branch;
	struct trace_node *node;           // the parent
	const struct trace_node *previous; // attempt before
	struct trace_metadata *carried;    // of omitted discoveries, for the next step
	size_t carried_count;
	bool has_finalization;
	struct trace_node **visible;
	size_t visible_count;
};

// Parents whose children are attempts.
static bool takes_attempts(const struct trace_branch *branch) {
	return branch->span->kind == SPAN_DISCOVERY || branch->span->kind == SPAN_STEP;
}

static struct trace_metadata *join(struct arena *arena, const struct trace_metadata *a, size_t a_count,
				   const struct trace_metadata *b, size_t b_count) {
	struct trace_metadata *all = ARENA_ARRAY(arena, struct trace_metadata, a_count + b_count);
	if (a_count > 0) memcpy(all, a, a_count * sizeof *all);
	if (b_count > 0) memcpy(all + a_count, b, b_count * sizeof *all);
	return all;
}

static void add_metadata(struct arena *arena, struct trace_node *node, const struct trace_metadata *more,
			 size_t count) {
	if (count == 0) return;
	node->metadata = join(arena, node->metadata, node->metadata_count, more, count);
	node->metadata_count += count;
}

static bool is_omitted(const struct trace_branch *child) {
	if (child->span->kind != SPAN_DISCOVERY) return false;
	for (size_t i = 0; i < child->child_count; i++)
		if (!child->children[i]->span->is_dropped) return false;
	return true;
}

// Rule 1.
static void omit(struct fold *f, const struct trace_node *child) {
	if (child->metadata_count > 0) {
		f->carried = join(f->arena, f->carried, f->carried_count, child->metadata, child->metadata_count);
		f->carried_count += child->metadata_count;
	}
	if (f->node->is_root && f->node->started_ns == TRACE_NO_TIME) f->node->started_ns = child->started_ns;
}

static void hand_carried(struct fold *f, struct trace_node *child) {
	add_metadata(f->arena, child, f->carried, f->carried_count);
	f->carried = NULL;
	f->carried_count = 0;
}

// Rule 3: `child` is attempt `i` of the parent.
static void fold_attempt(struct fold *f, struct trace_node *child, bool is_output, size_t i) {
	struct trace_node *node = f->node;
	node->ended_ns = child->ended_ns;
	node->status = child->status;
	if (f->previous == NULL) node->started_ns = child->started_ns;
	if (child->output_id.len > 0) {
		node->output_id = child->output_id;
		node->output = child->output;
		node->input = child->input;
	}
	if (is_output)
		node->name = STR(NAME_FINALIZATION);
	else if (str_starts_with(node->name, STR("executor.")))
		node->name = child->name;
	child->name = arena_printf(f->arena, "Attempt %zu", i);
	if (child->step_op.len > 0) node->step_op = child->step_op;
	if (child->step_id.len > 0) node->step_id = child->step_id;
	if (child->info.kind != TRACE_INFO_NONE) node->info = child->info;
	if (child->attempts > node->attempts) node->attempts = child->attempts;
	int64_t queued_ns = f->previous == NULL ? node->queued_ns : f->previous->ended_ns;
	if (queued_ns != TRACE_NO_TIME) child->queued_ns = queued_ns;
	f->previous = child;
}

static void fold_child(struct fold *f, const struct trace_branch *child, size_t i) {
	if (is_omitted(child)) {
		omit(f, child->node);
		return;
	}
	if (f->node->is_root && str_eq(child->node->name, STR(NAME_FINALIZATION))) { // rule 2
		if (f->has_finalization) return;
		f->has_finalization = true;
	}
	if (child->span->kind == SPAN_STEP) hand_carried(f, child->node);
	if (takes_attempts(f->branch) && !child->node->is_userland)
		fold_attempt(f, child->node, child->span->is_output, i);
	f->visible[f->visible_count++] = child->node;
}

void trace_unwrap(struct trace_node *node) {
	if (node->is_userland || node->child_count != 1) return;
	const struct trace_node *wrapper = node->children[0];
	if (!wrapper->is_userland || !str_eq(wrapper->name, STR("inngest.execution"))) return;
	node->children = wrapper->children;
	node->child_count = wrapper->child_count;
}

// Rule 6.
static void fold_single_attempt(struct arena *arena, struct trace_node *node) {
	if (node->child_count != 1) return;
	const struct trace_node *child = node->children[0];
	if (child->is_userland || child->status != TRACE_COMPLETED) return;
	node->has_response = child->has_response;
	node->status_code = child->status_code;
	node->headers = child->headers;
	add_metadata(arena, node, child->metadata, child->metadata_count);
	node->children = child->children;
	node->child_count = child->child_count;
}

// Rule 7.
static void finish_root(struct trace_node *node) {
	if (node->started_ns == TRACE_NO_TIME && node->child_count > 0)
		node->started_ns = node->children[0]->started_ns;
	node->has_duration = node->started_ns != TRACE_NO_TIME && node->ended_ns != TRACE_NO_TIME;
	node->duration_ms = node->has_duration ? trace_ms_between(node->started_ns, node->ended_ns) : 0;
}

// Rule 8.
static void rename_stored(struct trace_node *node) {
	static const struct str names[][2] = {
		{STR_INIT("executor.run"), STR_INIT("Run")},
		{STR_INIT("executor.step"), STR_INIT("Unknown step")},
		{STR_INIT("executor.step.discovery"), STR_INIT("Discovery step")},
		{STR_INIT("executor.execution"), STR_INIT("Execution")},
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!str_eq(node->name, names[i][0])) continue;
		node->name = names[i][1];
		return;
	}
}

void trace_fold(struct arena *arena, struct trace_branch *branch) {
	struct fold f = {.arena = arena, .branch = branch, .node = branch->node};
	struct trace_node *node = branch->node;
	f.visible = ARENA_ARRAY(arena, struct trace_node *, branch->child_count);
	for (size_t i = 0; i < branch->child_count; i++) fold_child(&f, branch->children[i], i);
	node->children = f.visible;
	node->child_count = f.visible_count;
	if (takes_attempts(branch) && str_eq(node->name, STR(NAME_FINALIZATION))) { // rule 4
		node->step_id = node->output_id = (struct str){NULL, 0};
		node->output = node->input = (struct span_text){.source = SPAN_NOTHING};
	}
	trace_unwrap(node);
	if (takes_attempts(branch)) fold_single_attempt(arena, node);
	if (node->is_root) finish_root(node);
	if (branch->stored_child_count > 0 && !node->is_userland) rename_stored(node);
}
