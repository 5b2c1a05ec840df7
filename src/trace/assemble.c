// Spans put together (spec 06 §15.1). What comes from outside may name any parent: who does not hang on the root in the
// end, by an unknown parent or in a circle, is never reached.
#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/map.h"
#include "trace/tree_internal.h"

// A text that means a span: its id, the id of one of its rows, or its step and attempt.
struct entry {
	struct map_node node;
	struct str text;
	uint32_t attempt;
	struct trace_branch *branch;
};

struct assembler {
	struct arena *arena;
	struct trace_branch *branches;
	size_t count;
	struct trace_branch *root;
	struct map ids, attempts;
};

static struct trace_branch *find(const struct map *map, struct str text, uint32_t attempt) {
	uint64_t hash = hash_xxh64(text) + attempt;
	for (struct map_node *node = map_first(map, hash); node != NULL; node = map_next(node)) {
		const struct entry *entry = container_of(node, struct entry, node);
		if (entry->attempt == attempt && str_eq(entry->text, text)) return entry->branch;
	}
	return NULL;
}

// The first one has the name.
static void enter(struct assembler *a, struct map *map, struct str text, uint32_t attempt,
		  struct trace_branch *branch) {
	if (text.len == 0 || find(map, text, attempt) != NULL) return;
	struct entry *entry = ARENA_NEW(a->arena, struct entry);
	entry->text = text;
	entry->attempt = attempt;
	entry->branch = branch;
	map_insert(map, &entry->node, hash_xxh64(text) + attempt);
}

static bool has_no_parent(const struct span *span) {
	return span->parent.len == 0 || str_eq(span->parent, STR(SPAN_ID_NONE));
}

// Rows that are no spans of the tree (§15.1 step 2).
static bool is_hidden(const struct span *span) {
	return span->kind == SPAN_OTHER &&
	       (str_eq(span->name, STR("executor.defer")) || str_eq(span->name, STR("metadata")));
}

static void make_branches(struct assembler *a, const struct trace_spans *spans) {
	a->branches = ARENA_ARRAY(a->arena, struct trace_branch, spans->count);
	for (size_t i = 0; i < spans->count; i++) {
		const struct span *span = &spans->spans[i];
		if (is_hidden(span)) continue;
		a->branches[a->count++] = (struct trace_branch){
			.span = span,
			.start_ns = span->started_ns != 0 ? span->started_ns : span->first_ns,
			.end_ns = span->ended_ns != 0 ? span->ended_ns : span->last_ns,
			.output = &span->output,
		};
	}
}

static struct trace_branch *find_root(const struct assembler *a) {
	struct trace_branch *found = NULL;
	for (size_t i = 0; i < a->count; i++) {
		const struct span *span = a->branches[i].span;
		if (span->kind == SPAN_USERLAND || !has_no_parent(span)) continue;
		if (span->kind == SPAN_RUN) return &a->branches[i];
		if (found == NULL) found = &a->branches[i];
	}
	return found;
}

static void enter_attempts(struct assembler *a, enum span_kind kind) {
	for (size_t i = 0; i < a->count; i++) {
		const struct span *span = a->branches[i].span;
		if (span->kind == kind) enter(a, &a->attempts, span->step_id, span->attempt, &a->branches[i]);
	}
}

static void enter_all(struct assembler *a) {
	for (size_t i = 0; i < a->count; i++) enter(a, &a->ids, a->branches[i].span->id, 0, &a->branches[i]);
	for (size_t i = 0; i < a->count; i++) {
		const struct span *span = a->branches[i].span;
		for (size_t r = 0; r < span->row_id_count; r++) enter(a, &a->ids, span->row_ids[r], 0, &a->branches[i]);
	}
	enter_attempts(a, SPAN_STEP);
	enter_attempts(a, SPAN_EXECUTION);
}

// Where a userland span hangs on one of ours, the step that it names goes before the parent that it names (step 4).
static struct trace_branch *find_parent(const struct assembler *a, const struct span *span) {
	struct trace_branch *parent = find(&a->ids, span->parent, 0);
	if (span->kind != SPAN_USERLAND || (parent != NULL && parent->span->kind == SPAN_USERLAND)) return parent;
	if (span->step_id.len == 0 || !span->has_attempt) return parent;
	// The app's number of the attempt is that of its budget, which may have begun anew: the execution knows better.
	bool is_known = parent != NULL && parent->span->kind == SPAN_EXECUTION && parent->span->has_attempt;
	struct trace_branch *step = is_known ? find(&a->attempts, span->step_id, parent->span->attempt) : NULL;
	if (step == NULL) step = find(&a->attempts, span->step_id, span->attempt);
	return step != NULL ? step : parent;
}

static void attach(struct assembler *a) {
	for (size_t i = 0; i < a->count; i++) {
		struct trace_branch *branch = &a->branches[i];
		if (branch != a->root) branch->parent = find_parent(a, branch->span);
		if (branch->parent != NULL) branch->parent->stored_child_count++;
		const struct trace_branch *other = find(&a->ids, branch->span->output_ref, 0);
		if (other != NULL && other->span->output.source != SPAN_NOTHING) branch->output = &other->span->output;
	}
	for (size_t i = 0; i < a->count; i++) {
		struct trace_branch *parent = a->branches[i].parent;
		if (parent == NULL) continue;
		if (parent->children == NULL)
			parent->children = ARENA_ARRAY(a->arena, struct trace_branch *, parent->stored_child_count);
		parent->children[parent->child_count++] = &a->branches[i];
	}
}

static int branch_order(const void *left, const void *right) {
	const struct trace_branch *a = *(struct trace_branch *const *)left, *b = *(struct trace_branch *const *)right;
	if (a->start_ns != b->start_ns) return a->start_ns < b->start_ns ? -1 : 1;
	if (a->span->rank != b->span->rank) return a->span->rank < b->span->rank ? -1 : 1;
	int order = str_cmp(a->span->id, b->span->id);
	return order != 0 ? order : (a > b) - (a < b); // both are in one array
}

// Each span has one parent and the root none, so nothing comes twice.
static void put_in_order(struct assembler *a, struct trace_assembly *out) {
	out->order = ARENA_ARRAY(a->arena, struct trace_branch *, a->count);
	out->order[0] = a->root;
	out->count = 1;
	for (size_t i = 0; i < out->count; i++) {
		struct trace_branch *branch = out->order[i];
		if (branch->depth == TRACE_DEPTH_MAX) branch->child_count = 0;
		if (branch->child_count > 0)
			qsort(branch->children, branch->child_count, sizeof(struct trace_branch *), branch_order);
		for (size_t c = 0; c < branch->child_count; c++) {
			branch->children[c]->depth = branch->depth + 1;
			out->order[out->count++] = branch->children[c];
		}
	}
}

static void attach_metadata(struct assembler *a, const struct trace_spans *spans) {
	struct trace_branch **owners = ARENA_ARRAY(a->arena, struct trace_branch *, spans->metadata_count);
	for (size_t i = 0; i < spans->metadata_count; i++) owners[i] = find(&a->ids, spans->metadata[i].parent, 0);
	trace_metadata_attach(a->arena, spans->metadata, spans->metadata_count, owners, a->root);
}

bool trace_assemble(struct arena *arena, const struct trace_spans *spans, struct trace_assembly *out) {
	struct assembler a = {.arena = arena};
	*out = (struct trace_assembly){NULL, 0};
	make_branches(&a, spans);
	a.root = find_root(&a);
	if (a.root == NULL) return false;
	map_init(&a.ids);
	map_init(&a.attempts);
	enter_all(&a);
	attach(&a);
	put_in_order(&a, out);
	attach_metadata(&a, spans);
	map_free(&a.ids);
	map_free(&a.attempts);
	return true;
}
