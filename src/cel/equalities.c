// Equality extraction: the terms of a conjunction that an index can look up instead of evaluating the whole.
#include "base/check.h"
#include "base/hash.h"
#include "cel/functions.h"
#include "cel/program.h"

struct collector {
	const struct cel_program *program;
	struct arena *arena;
	struct cel_equality *out;
	size_t count, max;
};

// Selections and literal string indexes from a root, at least one.
static bool read_path(struct arena *arena, const struct node *node, struct cel_path *out) {
	if (node->kind != NODE_REFERENCE || node->reference.variable >= 0 || node->reference.count == 0) return false;
	const struct reference *reference = &node->reference;
	struct str *fields = ARENA_ARRAY(arena, struct str, reference->count);
	for (uint32_t i = 0; i < reference->count; i++) {
		const struct node *index = reference->segments[i].index;
		if (index != NULL && (index->kind != NODE_LITERAL || index->literal.type != CEL_STRING)) return false;
		fields[i] = reference->segments[i].field;
	}
	*out = (struct cel_path){.root = reference->root, .fields = fields, .count = reference->count};
	return true;
}

static bool is_value(const struct node *node) {
	if (node->kind != NODE_LITERAL) return false;
	return cel_is_number(&node->literal) || node->literal.type == CEL_STRING || node->literal.type == CEL_BOOL;
}

// A path below it is checked too: when that one is missing, this one counts as missing, whatever it holds (§B5).
static bool may_be_hidden(const struct collector *collector, const struct reference *reference) {
	uint32_t count = reference->end - reference->first;
	if (count == 0) return false;
	return count > 1 || collector->program->paths[reference->first].count > reference->count;
}

static bool read_equality(const struct collector *collector, const struct node *a, const struct node *b,
			  struct cel_equality *out) {
	*out = (struct cel_equality){.value = cel_simple(CEL_UNKNOWN)};
	if (!read_path(collector->arena, a, &out->path)) return false;
	if (is_value(b)) {
		out->value = b->literal;
		return true;
	}
	return read_path(collector->arena, b, &out->other) && !may_be_hidden(collector, &a->reference) &&
	       !may_be_hidden(collector, &b->reference);
}

// A conjunction is as low as the parser balanced it.
static void collect(struct collector *collector, const struct node *node) {
	if (collector->count == collector->max) return;
	if (node->kind == NODE_AND) {
		collect(collector, node->logic.a);
		collect(collector, node->logic.b);
		return;
	}
	if (node->kind != NODE_CALL || node->call.function == NULL || node->call.function->op != OPERATOR_EQUAL) return;
	struct node *const *sides = node->call.args;
	struct cel_equality *next = &collector->out[collector->count];
	if (read_equality(collector, sides[0], sides[1], next) || read_equality(collector, sides[1], sides[0], next))
		collector->count++;
}

size_t cel_equalities(const struct cel_program *program, struct arena *arena, struct cel_equality *out, size_t max) {
	struct collector collector = {.program = program, .arena = arena, .out = out, .max = max};
	collect(&collector, program->root);
	return collector.count;
}

bool cel_path_value(const struct cel_path *path, const struct cel_input *input, struct cel_value *out) {
	bool found = false;
	for (size_t i = 0; i < input->count && !found; i++) {
		found = input->bindings[i].value != NULL && str_eq(input->bindings[i].name, path->root);
		if (found) *out = cel_from_json(input->bindings[i].value);
	}
	for (uint32_t i = 0; i < path->count && found; i++) {
		struct cel_value map = *out;
		found = map.type == CEL_MAP && cel_map_get_name(&map, path->fields[i], out);
	}
	return found;
}

uint64_t cel_hash(const struct cel_value *value) {
	double number = 0;
	switch ((enum cel_type)value->type) {
	case CEL_STRING:
		return hash_xxh64(value->text);
	case CEL_BOOL:
		return value->boolean ? 2 : 1;
	case CEL_INT: // what rounds to the same double shares its bucket
		number = (double)value->integer;
		break;
	case CEL_UINT:
		number = (double)value->uinteger;
		break;
	case CEL_DOUBLE:
		number = value->number + 0.0; // no negative zero
		break;
	default:
		return 0;
	}
	return hash_xxh64(str_make(&number, sizeof number));
}
