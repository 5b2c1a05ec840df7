#include "cel/explain.h"

#include "base/check.h"
#include "cel/program.h"

#define TEXT_MAX (64u << 10) // of a path that hides another, of an index

struct explainer {
	struct cel_program program; // with spans
	const struct cel_input *input;
	struct arena *arena;
	struct frame *frame;
	struct cel_reason *reasons;
	struct cel_missing *missing;
	size_t reason_count, missing_count;
	bool is_spent; // the budget
	bool is_cut;
};

struct outcome { // of a node
	struct cel_value value;
	bool aborted; // the evaluation ends there
};

static struct outcome evaluate(struct explainer *explainer, const struct node *node) {
	struct outcome outcome;
	outcome.value = cel_frame_eval(explainer->frame, node, &outcome.aborted);
	if (outcome.aborted && outcome.value.error == CEL_COST) explainer->is_spent = explainer->is_cut = true;
	return outcome;
}

static struct str text_of(const struct explainer *explainer, const struct node *node) {
	const struct spanned_node *spanned = (const struct spanned_node *)node;
	return str_make(explainer->program.text.ptr + spanned->start, spanned->end - spanned->start);
}

static bool is_constant(const struct node *node) {
	if (node->kind == NODE_LITERAL) return true;
	if (node->kind != NODE_LIST && node->kind != NODE_MAP) return false;
	for (uint32_t i = 0; i < node->items.count; i++) {
		if (!is_constant(node->items.items[i])) return false;
		if (node->items.keys != NULL && !is_constant(node->items.keys[i])) return false;
	}
	return true;
}

// ---- missing data ----------------------------------------------------------------------------------------------

static bool is_absence(const struct cel_value *value) {
	return value->type == CEL_ERROR && (value->error == CEL_NO_SUCH_KEY || value->error == CEL_NO_SUCH_ATTRIBUTE ||
					    value->error == CEL_INDEX_OUT_OF_BOUNDS);
}

// Whether the first `count` segments of a reference lead nowhere, other paths left aside.
static bool leads_nowhere(struct explainer *explainer, const struct node *node, uint32_t count) {
	struct node start = *node;
	start.reference.count = count;
	start.reference.path = -1;
	start.reference.before_count = start.reference.first = start.reference.end = 0;
	struct outcome outcome = evaluate(explainer, &start);
	return is_absence(&outcome.value);
}

static struct str index_text(struct explainer *explainer, const struct node *index) {
	struct buf text;
	struct outcome outcome = evaluate(explainer, index);
	buf_init(&text, TEXT_MAX);
	cel_text(&text, &outcome.value);
	struct str copy = arena_dup(explainer->arena, buf_view(&text));
	buf_free(&text);
	return copy;
}

static struct str absent_segment(struct explainer *explainer, const struct node *node) {
	uint32_t low = 0, high = node->reference.count; // what is missing stays so: search for where it begins
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (leads_nowhere(explainer, node, middle))
			high = middle;
		else
			low = middle + 1;
	}
	if (low == 0) return node->reference.root;
	const struct segment *segment = &node->reference.segments[low - 1];
	return segment->index == NULL ? segment->field : index_text(explainer, segment->index);
}

static void add_missing(struct explainer *explainer, const struct node *node, struct str absent) {
	struct str text = text_of(explainer, node);
	for (size_t i = 0; i < explainer->missing_count; i++) {
		if (str_eq(explainer->missing[i].text, text)) return;
	}
	if (explainer->missing_count == CEL_MISSING_MAX)
		explainer->is_cut = true;
	else
		explainer->missing[explainer->missing_count++] = (struct cel_missing){text, absent};
}

// A selection or index of something that is no reference.
static void check_member(struct explainer *explainer, const struct node *node) {
	struct outcome member = evaluate(explainer, node), base;
	if (!is_absence(&member.value)) return;
	base = evaluate(explainer, node->select.operand);
	if (base.value.type == CEL_ERROR || base.value.type == CEL_UNKNOWN) return;
	add_missing(explainer, node,
		    node->kind == NODE_SELECT ? node->select.field : index_text(explainer, node->select.index));
}

static void find_missing(struct explainer *explainer, const struct node *node, bool in_macro);

static void find_missing_in(struct explainer *explainer, struct node *const *nodes, uint32_t count, bool in_macro) {
	for (uint32_t i = 0; nodes != NULL && i < count; i++) find_missing(explainer, nodes[i], in_macro);
}

// In the body of a macro only those count that are the same for each element.
static void find_missing(struct explainer *explainer, const struct node *node, bool in_macro) {
	if (node == NULL || explainer->is_spent) return;
	switch ((enum node_kind)node->kind) {
	case NODE_LITERAL:
		break;
	case NODE_REFERENCE:
		for (uint32_t i = 0; i < node->reference.count; i++)
			find_missing(explainer, node->reference.segments[i].index, in_macro);
		if (node->reference.variable >= 0 || (in_macro && node->reference.dynamic)) break;
		if (leads_nowhere(explainer, node, node->reference.count))
			add_missing(explainer, node, absent_segment(explainer, node));
		break;
	case NODE_SELECT:
	case NODE_INDEX:
		find_missing(explainer, node->select.operand, in_macro);
		if (node->kind == NODE_INDEX) find_missing(explainer, node->select.index, in_macro);
		if (!in_macro) check_member(explainer, node);
		break;
	case NODE_HAS:
		find_missing(explainer, node->select.operand, in_macro);
		break;
	case NODE_CALL:
		find_missing(explainer, node->call.receiver, in_macro);
		find_missing_in(explainer, node->call.args, node->call.count, in_macro);
		break;
	case NODE_AND:
	case NODE_OR:
	case NODE_CONDITION:
		find_missing(explainer, node->logic.a, in_macro);
		find_missing(explainer, node->logic.b, in_macro);
		find_missing(explainer, node->logic.c, in_macro);
		break;
	case NODE_LIST:
	case NODE_MAP:
		find_missing_in(explainer, node->items.keys, node->items.count, in_macro);
		find_missing_in(explainer, node->items.items, node->items.count, in_macro);
		break;
	case NODE_MACRO:
		find_missing(explainer, node->macro.range, in_macro);
		find_missing(explainer, node->macro.predicate, true);
		find_missing(explainer, node->macro.transform, true);
		break;
	}
}

// ---- reasons ---------------------------------------------------------------------------------------------------

static bool goes_on(const struct path *path, const struct reference *reference) {
	if (path->count <= reference->count || !str_eq(path->root, reference->root)) return false;
	for (uint32_t i = 0; i < reference->count; i++) {
		const struct segment *segment = &reference->segments[i];
		bool is_known = segment->index == NULL || segment->index->kind == NODE_LITERAL;
		if (is_known && !str_eq(path->fields[i], segment->field)) return false;
	}
	return true;
}

static struct str path_text(struct arena *arena, const struct path *path) {
	struct buf text;
	buf_init(&text, TEXT_MAX);
	buf_str(&text, path->root);
	for (uint32_t i = 0; i < path->count; i++) {
		buf_byte(&text, '.');
		buf_str(&text, path->fields[i]);
	}
	struct str copy = arena_dup(arena, buf_view(&text));
	buf_free(&text);
	return copy;
}

// The missing path that makes a reference unknown although it leads somewhere.
static struct str hiding_path(const struct explainer *explainer, const struct reference *reference) {
	struct cel_value ignored;
	for (uint32_t i = 0; i < explainer->program.path_count; i++) {
		const struct path *path = &explainer->program.paths[i];
		struct cel_path looked_up = {path->root, path->fields, path->count};
		if (goes_on(path, reference) && !cel_path_value(&looked_up, explainer->input, &ignored))
			return path_text(explainer->arena, path);
	}
	return STR("");
}

static void add_reasons_below(struct explainer *explainer, const struct node *node, const struct outcome *outcome,
			      uint32_t depth);

static bool is_full(struct explainer *explainer) {
	bool full = explainer->is_spent || explainer->reason_count == CEL_REASONS_MAX;
	if (full) explainer->is_cut = true;
	return full;
}

static void add_reason(struct explainer *explainer, const struct node *node, const struct outcome *outcome,
		       uint32_t depth) {
	if (depth > 0 && is_full(explainer)) return;
	struct cel_reason *reason = &explainer->reasons[explainer->reason_count++];
	*reason = (struct cel_reason){.text = text_of(explainer, node), .value = outcome->value, .depth = depth};
	if (node->kind == NODE_REFERENCE && outcome->value.type == CEL_UNKNOWN &&
	    !leads_nowhere(explainer, node, node->reference.count))
		reason->hidden_by = hiding_path(explainer, &node->reference);
	add_reasons_below(explainer, node, outcome, depth + 1);
}

static void add_part(struct explainer *explainer, const struct node *node, uint32_t depth) {
	if (node == NULL || is_constant(node) || is_full(explainer)) return;
	struct outcome outcome = evaluate(explainer, node);
	add_reason(explainer, node, &outcome, depth);
}

static void add_parts(struct explainer *explainer, struct node *const *nodes, uint32_t count, uint32_t depth) {
	for (uint32_t i = 0; nodes != NULL && i < count; i++) add_part(explainer, nodes[i], depth);
}

// A chain of && or of ||, whatever way the parser balanced it.
struct chain {
	enum node_kind kind;
	const struct outcome *whole;
	uint32_t depth;
};

// False when the rest of the chain decides nothing.
static bool add_terms(struct explainer *explainer, const struct chain *chain, const struct node *node) {
	if (node->kind == chain->kind)
		return add_terms(explainer, chain, node->logic.a) && add_terms(explainer, chain, node->logic.b);
	if (is_full(explainer)) return false;
	bool decisive = chain->kind == NODE_OR; // the truthiness that ends a chain
	struct outcome outcome = evaluate(explainer, node);
	bool ends = chain->whole->aborted ? outcome.aborted : cel_truthy(&outcome.value) == decisive;
	bool undecided = !chain->whole->aborted && cel_truthy(&chain->whole->value) != decisive;
	if (ends || undecided) add_reason(explainer, node, &outcome, chain->depth);
	return !ends;
}

static void add_condition(struct explainer *explainer, const struct node *node, uint32_t depth) {
	struct outcome condition = evaluate(explainer, node->logic.a);
	add_reason(explainer, node->logic.a, &condition, depth);
	if (condition.aborted) return;
	const struct node *branch = cel_truthy(&condition.value) ? node->logic.b : node->logic.c;
	struct outcome chosen = evaluate(explainer, branch);
	add_reason(explainer, branch, &chosen, depth);
}

// Recursion is bounded by the depth that the parser lets through.
static void add_reasons_below(struct explainer *explainer, const struct node *node, const struct outcome *outcome,
			      uint32_t depth) {
	struct chain chain = {(enum node_kind)node->kind, outcome, depth};
	switch ((enum node_kind)node->kind) {
	case NODE_LITERAL:
		break;
	case NODE_REFERENCE:
		for (uint32_t i = 0; i < node->reference.count; i++)
			add_part(explainer, node->reference.segments[i].index, depth);
		break;
	case NODE_SELECT:
	case NODE_INDEX:
	case NODE_HAS:
		add_part(explainer, node->select.operand, depth);
		if (node->kind == NODE_INDEX) add_part(explainer, node->select.index, depth);
		break;
	case NODE_CALL:
		add_part(explainer, node->call.receiver, depth);
		add_parts(explainer, node->call.args, node->call.count, depth);
		break;
	case NODE_AND:
	case NODE_OR:
		(void)add_terms(explainer, &chain, node);
		break;
	case NODE_CONDITION:
		add_condition(explainer, node, depth);
		break;
	case NODE_LIST:
	case NODE_MAP:
		add_parts(explainer, node->items.keys, node->items.count, depth);
		add_parts(explainer, node->items.items, node->items.count, depth);
		break;
	case NODE_MACRO:
		add_part(explainer, node->macro.range, depth);
		break;
	}
}

// ---- the whole -------------------------------------------------------------------------------------------------

void cel_explain(const struct cel_program *program, const struct cel_input *input, struct arena *arena,
		 struct cel_explanation *out) {
	struct explainer explainer = {
		.program = {.text = program->text, .mode = program->mode},
		.input = input,
		.arena = arena,
		.reasons = ARENA_ARRAY(arena, struct cel_reason, CEL_REASONS_MAX),
		.missing = ARENA_ARRAY(arena, struct cel_missing, CEL_MISSING_MAX),
	};
	explainer.program.root = cel_parse(arena, program->text, (enum cel_mode)program->mode, true, NULL);
	CHECK(explainer.program.root != NULL); // it was parsed before
	cel_find_paths(arena, &explainer.program);
	explainer.frame = cel_frame_new(&explainer.program, input, arena);
	struct outcome whole = evaluate(&explainer, explainer.program.root);
	find_missing(&explainer, explainer.program.root, false);
	add_reason(&explainer, explainer.program.root, &whole, 0);
	*out = (struct cel_explanation){
		.reasons = explainer.reasons,
		.reason_count = explainer.reason_count,
		.missing = explainer.missing,
		.missing_count = explainer.missing_count,
		.is_cut = explainer.is_cut,
	};
}
