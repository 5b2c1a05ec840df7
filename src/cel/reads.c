// Which data a program may look at.
#include "cel/program.h"

// Could the reference lead to the path, through it or to what holds it? Indexes that are only known later match any
// field.
static bool may_touch(const struct reference *reference, const struct cel_path *path) {
	if (reference->variable >= 0 || !str_eq(reference->root, path->root)) return false;
	for (uint32_t i = 0; i < reference->count && i < path->count; i++) {
		const struct segment *segment = &reference->segments[i];
		if (segment->index != NULL && segment->index->kind != NODE_LITERAL) continue;
		if (segment->index != NULL && segment->index->literal.type != CEL_STRING) return false;
		if (!str_eq(segment->field, path->fields[i])) return false;
	}
	return true;
}

static bool reads(const struct node *node, const struct cel_path *path);

static bool any_reads(struct node *const *nodes, uint32_t count, const struct cel_path *path) {
	for (uint32_t i = 0; i < count; i++) {
		if (reads(nodes[i], path)) return true;
	}
	return false;
}

static bool reference_reads(const struct reference *reference, const struct cel_path *path) {
	if (may_touch(reference, path)) return true;
	for (uint32_t i = 0; i < reference->count; i++) {
		if (reads(reference->segments[i].index, path)) return true;
	}
	return false;
}

// As deep as the parser lets expressions nest.
static bool reads(const struct node *node, const struct cel_path *path) {
	if (node == NULL) return false;
	switch ((enum node_kind)node->kind) {
	case NODE_LITERAL:
		break;
	case NODE_REFERENCE:
		return reference_reads(&node->reference, path);
	case NODE_SELECT:
	case NODE_INDEX:
	case NODE_HAS:
		return reads(node->select.operand, path) || reads(node->select.index, path);
	case NODE_CALL:
		return reads(node->call.receiver, path) || any_reads(node->call.args, node->call.count, path);
	case NODE_AND:
	case NODE_OR:
	case NODE_CONDITION:
		return reads(node->logic.a, path) || reads(node->logic.b, path) || reads(node->logic.c, path);
	case NODE_LIST:
	case NODE_MAP:
		return any_reads(node->items.items, node->items.count, path) ||
		       (node->items.keys != NULL && any_reads(node->items.keys, node->items.count, path));
	case NODE_MACRO:
		return reads(node->macro.range, path) || reads(node->macro.predicate, path) ||
		       reads(node->macro.transform, path);
	}
	return false;
}

bool cel_reads(const struct cel_program *program, const struct cel_path *path) {
	return reads(program->root, path);
}
