// Names: which references are macro variables, which paths of dots are checked for missing data, and which references
// a missing path makes unknown (spec 04 §B5).
#include <stdlib.h>

#include "base/check.h"
#include "cel/program.h"

struct scope { // of a macro
	struct str name;
	uint32_t variable;
	const struct scope *outer;
};

struct finder {
	struct arena *arena;
	struct cel_program *program;
	uint32_t path_cap;
	uint32_t depth; // of macros
};

// ---- variables -------------------------------------------------------------------------------------------------

static void resolve(struct finder *finder, struct node *node, const struct scope *scope);

static void resolve_reference(struct finder *finder, struct node *node, const struct scope *scope) {
	struct reference *reference = &node->reference;
	for (const struct scope *at = scope; at != NULL && reference->variable < 0; at = at->outer) {
		if (str_eq(at->name, reference->root)) reference->variable = (int32_t)at->variable;
	}
	for (uint32_t i = 0; i < reference->count; i++) {
		if (reference->segments[i].index != NULL) resolve(finder, reference->segments[i].index, scope);
	}
}

static void resolve_macro(struct finder *finder, struct macro *macro, const struct scope *scope) {
	struct scope inner = {.name = macro->name, .variable = finder->depth, .outer = scope};
	resolve(finder, macro->range, scope);
	macro->variable = finder->depth++;
	if (finder->depth > finder->program->variable_count) finder->program->variable_count = finder->depth;
	if (macro->predicate != NULL) resolve(finder, macro->predicate, &inner);
	if (macro->transform != NULL) resolve(finder, macro->transform, &inner);
	finder->depth--;
}

static void resolve(struct finder *finder, struct node *node, const struct scope *scope) {
	if (node == NULL) return;
	switch ((enum node_kind)node->kind) {
	case NODE_LITERAL:
		break;
	case NODE_REFERENCE:
		resolve_reference(finder, node, scope);
		break;
	case NODE_SELECT:
	case NODE_INDEX:
	case NODE_HAS:
		resolve(finder, node->select.operand, scope);
		resolve(finder, node->select.index, scope);
		break;
	case NODE_CALL:
		resolve(finder, node->call.receiver, scope);
		for (uint32_t i = 0; i < node->call.count; i++) resolve(finder, node->call.args[i], scope);
		break;
	case NODE_AND:
	case NODE_OR:
	case NODE_CONDITION:
		resolve(finder, node->logic.a, scope);
		resolve(finder, node->logic.b, scope);
		resolve(finder, node->logic.c, scope);
		break;
	case NODE_LIST:
	case NODE_MAP:
		for (uint32_t i = 0; i < node->items.count; i++) {
			if (node->items.keys != NULL) resolve(finder, node->items.keys[i], scope);
			resolve(finder, node->items.items[i], scope);
		}
		break;
	case NODE_MACRO:
		resolve_macro(finder, &node->macro, scope);
		break;
	}
}

// ---- checked paths ---------------------------------------------------------------------------------------------

// The first `count` segments of the reference, all of them selections.
static void add_path(struct finder *finder, const struct reference *reference, uint32_t count) {
	struct cel_program *program = finder->program;
	if (program->path_count == finder->path_cap) {
		uint32_t cap = finder->path_cap > 0 ? finder->path_cap * 2 : 4;
		struct path *paths = ARENA_ARRAY(finder->arena, struct path, cap);
		if (program->path_count > 0) memcpy(paths, program->paths, program->path_count * sizeof *paths);
		program->paths = paths;
		finder->path_cap = cap;
	}
	struct path *path = &program->paths[program->path_count++];
	path->root = reference->root;
	path->count = count;
	path->fields = ARENA_ARRAY(finder->arena, struct str, count);
	for (uint32_t i = 0; i < count; i++) path->fields[i] = reference->segments[i].field;
}

static int compare_paths(const void *left, const void *right) {
	const struct path *a = left, *b = right;
	int order = str_cmp(a->root, b->root);
	for (uint32_t i = 0; order == 0 && i < a->count && i < b->count; i++)
		order = str_cmp(a->fields[i], b->fields[i]);
	return order != 0 ? order : a->count < b->count ? -1 : a->count > b->count;
}

static void sort_paths(struct cel_program *program) {
	if (program->path_count < 2) return;
	qsort(program->paths, program->path_count, sizeof *program->paths, compare_paths);
	uint32_t kept = 1;
	for (uint32_t i = 1; i < program->path_count; i++) {
		if (compare_paths(&program->paths[kept - 1], &program->paths[i]) != 0)
			program->paths[kept++] = program->paths[i];
	}
	program->path_count = kept;
}

static void walk(struct finder *finder, const struct node *node);

// Indexes at the end are calls, whose operand and index are walked; one before a selection hides all before it.
static void walk_reference(struct finder *finder, const struct reference *reference) {
	uint32_t count = reference->count;
	while (count > 0 && reference->segments[count - 1].is_index) {
		if (reference->segments[count - 1].index != NULL) walk(finder, reference->segments[count - 1].index);
		count--;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (reference->segments[i].is_index) return;
	}
	if (count > 0 && reference->variable < 0) add_path(finder, reference, count);
}

static void walk(struct finder *finder, const struct node *node) {
	if (node == NULL) return;
	switch ((enum node_kind)node->kind) {
	case NODE_REFERENCE:
		walk_reference(finder, &node->reference);
		break;
	case NODE_HAS:
		if (node->select.operand->kind == NODE_REFERENCE)
			walk_reference(finder, &node->select.operand->reference);
		break;
	case NODE_INDEX:
		walk(finder, node->select.operand);
		walk(finder, node->select.index);
		break;
	case NODE_CALL:
		for (uint32_t i = 0; i < node->call.count; i++) walk(finder, node->call.args[i]);
		break;
	case NODE_AND:
	case NODE_OR:
	case NODE_CONDITION:
		walk(finder, node->logic.a);
		walk(finder, node->logic.b);
		walk(finder, node->logic.c);
		break;
	case NODE_MACRO:
		walk(finder, node->macro.range);
		break;
	default: // literals; the elements of lists and maps; selections from anything but a name
		break;
	}
}

// ---- relations -------------------------------------------------------------------------------------------------

// A row of paths that agree in their root and first `depth` fields.
struct row {
	uint32_t first, end, depth;
};

static const struct str *text_at(const struct cel_program *program, uint32_t index, uint32_t depth) {
	const struct path *path = &program->paths[index];
	return depth == 0 ? &path->root : depth <= path->count ? &path->fields[depth - 1] : NULL;
}

// The first path from `from` on whose text at the depth is greater than `text`, or equal to it when `inclusive`.
static uint32_t bound(const struct cel_program *program, const struct row *row, struct str text, bool inclusive) {
	uint32_t low = row->first, high = row->end;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct str *other = text_at(program, middle, row->depth);
		int order = other == NULL ? -1 : str_cmp(*other, text);
		if (order < 0 || (order == 0 && !inclusive))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void narrow(const struct cel_program *program, struct row *row, struct str text) {
	uint32_t first = bound(program, row, text, true);
	row->end = bound(program, row, text, false);
	row->first = first;
	row->depth++;
}

// Nothing goes on from an index that is no text, and where one is only known later it may be any.
static void relate(struct finder *finder, struct reference *reference) {
	const struct cel_program *program = finder->program;
	struct row row = {.end = program->path_count};
	uint32_t *before = ARENA_ARRAY(finder->arena, uint32_t, reference->count + 1);
	bool selections = true;
	narrow(program, &row, reference->root);
	for (uint32_t i = 0; i < reference->count && row.first < row.end; i++) {
		const struct segment *segment = &reference->segments[i];
		if (segment->index != NULL && segment->index->kind != NODE_LITERAL) break;
		if (program->paths[row.first].count == i) before[reference->before_count++] = row.first++;
		if (segment->index != NULL && segment->index->literal.type != CEL_STRING)
			row.end = row.first;
		else
			narrow(program, &row, segment->field);
		selections &= !segment->is_index;
	}
	reference->before = before;
	reference->first = row.first;
	reference->end = row.end;
	bool whole = selections && row.first < row.end && row.depth == reference->count + 1;
	if (whole && program->paths[row.first].count == reference->count) reference->path = (int32_t)row.first;
}

static void relate_all(struct finder *finder, struct node *node) {
	if (node == NULL) return;
	switch ((enum node_kind)node->kind) {
	case NODE_LITERAL:
		break;
	case NODE_REFERENCE:
		if (node->reference.variable < 0) relate(finder, &node->reference);
		for (uint32_t i = 0; i < node->reference.count; i++)
			relate_all(finder, node->reference.segments[i].index);
		break;
	case NODE_SELECT:
	case NODE_INDEX:
	case NODE_HAS:
		relate_all(finder, node->select.operand);
		relate_all(finder, node->select.index);
		break;
	case NODE_CALL:
		relate_all(finder, node->call.receiver);
		for (uint32_t i = 0; i < node->call.count; i++) relate_all(finder, node->call.args[i]);
		break;
	case NODE_AND:
	case NODE_OR:
	case NODE_CONDITION:
		relate_all(finder, node->logic.a);
		relate_all(finder, node->logic.b);
		relate_all(finder, node->logic.c);
		break;
	case NODE_LIST:
	case NODE_MAP:
		for (uint32_t i = 0; i < node->items.count; i++) {
			if (node->items.keys != NULL) relate_all(finder, node->items.keys[i]);
			relate_all(finder, node->items.items[i]);
		}
		break;
	case NODE_MACRO:
		relate_all(finder, node->macro.range);
		relate_all(finder, node->macro.predicate);
		relate_all(finder, node->macro.transform);
		break;
	}
}

void cel_find_paths(struct arena *arena, struct cel_program *program) {
	struct finder finder = {.arena = arena, .program = program};
	resolve(&finder, program->root, NULL);
	walk(&finder, program->root);
	sort_paths(program);
	relate_all(&finder, program->root);
}
