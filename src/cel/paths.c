// Names: which references are macro variables, which paths of dots are checked for missing data, and which references
// a missing path makes unknown (spec 04 §B5).
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

static bool is_path(const struct path *path, const struct reference *reference) {
	if (path->count != reference->count || !str_eq(path->root, reference->root)) return false;
	for (uint32_t i = 0; i < path->count; i++) {
		if (!str_eq(path->fields[i], reference->segments[i].field)) return false;
	}
	return true;
}

// The first `count` segments of the reference, all of them selections.
static void add_path(struct finder *finder, const struct reference *reference, uint32_t count) {
	struct cel_program *program = finder->program;
	struct reference start = *reference;
	start.count = count;
	for (uint32_t i = 0; i < program->path_count; i++) {
		if (is_path(&program->paths[i], &start)) return;
	}
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

// Could the one be a prefix of the other? Indexes that are only known later match anything.
static bool may_relate(const struct path *path, const struct reference *reference) {
	if (!str_eq(path->root, reference->root)) return false;
	uint32_t common = path->count < reference->count ? path->count : reference->count;
	for (uint32_t i = 0; i < common; i++) {
		const struct segment *segment = &reference->segments[i];
		if (segment->index != NULL && segment->index->kind != NODE_LITERAL) continue;
		if (segment->index != NULL && segment->index->literal.type != CEL_STRING) return false;
		if (!str_eq(path->fields[i], segment->field)) return false;
	}
	return true;
}

static void relate(struct finder *finder, struct reference *reference) {
	const struct cel_program *program = finder->program;
	uint32_t *related = ARENA_ARRAY(finder->arena, uint32_t, program->path_count + 1);
	for (uint32_t i = 0; i < program->path_count; i++) {
		bool selections = true;
		if (!may_relate(&program->paths[i], reference)) continue;
		related[reference->related_count++] = i;
		for (uint32_t j = 0; j < reference->count; j++) selections &= !reference->segments[j].is_index;
		if (selections && is_path(&program->paths[i], reference)) reference->path = (int32_t)i;
	}
	reference->related = related;
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

void cel_find_variables(struct cel_program *program) {
	struct finder finder = {.program = program};
	resolve(&finder, program->root, NULL);
}

void cel_find_paths(struct arena *arena, struct cel_program *program) {
	struct finder finder = {.arena = arena, .program = program};
	walk(&finder, program->root);
	relate_all(&finder, program->root);
}
