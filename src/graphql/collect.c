// Which fields a selection has, with fragments in their place (GraphQL October 2021 §6.3.2).
//
// Iterative: fragments make selections deeper than their text is.
#include "base/hash.h"
#include "graphql/execute.h"

#define FIRST_FRAMES 32

// ---- walks ---------------------------------------------------------------------------------------------------------

struct walk {
	struct gql_execution *execution;
	const struct gql_type *type; // NULL: any
	const struct gql_sets *sets;
	size_t set;   // next one of the sets
	size_t depth; // of the stack
};

static struct walk walk_start(struct gql_execution *execution, const struct gql_type *type,
			      const struct gql_sets *sets) {
	if (execution->seen == NULL) {
		execution->seen = ARENA_ARRAY(execution->arena, uint32_t, execution->document.fragment_count);
	}
	execution->walk_count++;
	return (struct walk){.execution = execution, .type = type, .sets = sets};
}

static void push(struct walk *walk, const struct gql_selections *selections) {
	struct gql_execution *execution = walk->execution;
	if (walk->depth == execution->stack_capacity) {
		size_t capacity = walk->depth > 0 ? 2 * walk->depth : FIRST_FRAMES;
		struct gql_frame *larger = ARENA_ARRAY(execution->arena, struct gql_frame, capacity);
		if (walk->depth > 0) memcpy(larger, execution->stack, walk->depth * sizeof *larger);
		execution->stack = larger;
		execution->stack_capacity = capacity;
	}
	execution->stack[walk->depth++] = (struct gql_frame){.in = selections};
}

// The directive's `if`; a variable without a value, or with null, counts as false.
static bool condition_of(const struct gql_execution *execution, const struct gql_directive *directive) {
	for (size_t i = 0; i < directive->argument_count; i++) {
		const struct gql_argument *argument = &directive->arguments[i];
		if (!str_eq(argument->name, STR("if"))) continue;
		const struct gql_literal *value = &argument->value;
		if (value->kind == GQL_LITERAL_BOOL) return str_eq(value->text, STR("true"));
		if (value->kind != GQL_LITERAL_VARIABLE) return false;
		return yyjson_mut_get_bool(yyjson_mut_obj_getn(execution->variables, value->text.ptr, value->text.len));
	}
	return false;
}

// @defer asks for nothing that has to be done.
static bool is_wanted(const struct gql_execution *execution, const struct gql_selection *selection) {
	for (size_t i = 0; i < selection->directive_count; i++) {
		const struct gql_directive *directive = &selection->directives[i];
		bool is_skip = str_eq(directive->name, STR("skip"));
		if (!is_skip && !str_eq(directive->name, STR("include"))) continue;
		if (condition_of(execution, directive) == is_skip) return false;
	}
	return true;
}

static void enter(struct walk *walk, const struct gql_selections *selections, const struct gql_type *condition) {
	if (condition == NULL || walk->type == NULL || gql_type_is(walk->type, condition)) push(walk, selections);
}

// Each fragment once: a second time could add nothing.
static void enter_fragment(struct walk *walk, const struct gql_fragment *fragment) {
	struct gql_execution *execution = walk->execution;
	uint32_t *seen = &execution->seen[fragment - execution->document.fragments];
	if (*seen == execution->walk_count) return;
	*seen = execution->walk_count;
	enter(walk, &fragment->selections, fragment->type);
}

// The next field, or NULL.
static const struct gql_selection *walk_next(struct walk *walk) {
	for (;;) {
		if (walk->depth == 0) {
			if (walk->set == walk->sets->count) return NULL;
			push(walk, walk->sets->items[walk->set++]);
		}
		struct gql_frame *top = &walk->execution->stack[walk->depth - 1];
		if (top->at == top->in->count) {
			walk->depth--;
			continue;
		}
		const struct gql_selection *selection = &top->in->items[top->at++];
		walk->execution->visits++;
		if (!is_wanted(walk->execution, selection)) continue;
		if (selection->kind == GQL_SELECTION_FIELD) return selection;
		if (selection->kind == GQL_SELECTION_INLINE) {
			enter(walk, &selection->children, selection->type);
		} else {
			enter_fragment(walk, selection->fragment);
		}
	}
}

// ---- columns -------------------------------------------------------------------------------------------------------

void gql_sets_add(struct arena *arena, struct gql_sets *sets, const struct gql_selections *selections) {
	if (sets->count == sets->capacity) {
		size_t capacity = sets->count > 0 ? 2 * sets->count : 1;
		const struct gql_selections **larger = ARENA_ARRAY(arena, const struct gql_selections *, capacity);
		if (sets->count > 0) memcpy(larger, sets->items, sets->count * sizeof *larger);
		sets->items = larger;
		sets->capacity = capacity;
	}
	sets->items[sets->count++] = selections;
}

static struct gql_column *column_find(const struct map *by_key, struct str key, uint64_t hash) {
	for (struct map_node *node = map_first(by_key, hash); node != NULL; node = map_next(node)) {
		struct gql_column *column = container_of(node, struct gql_column, by_key);
		if (str_eq(column->key, key)) return column;
	}
	return NULL;
}

static struct gql_column *column_new(struct gql_execution *execution, const struct gql_selection *selection) {
	struct gql_column *column = ARENA_NEW(execution->arena, struct gql_column);
	column->key = selection->key;
	column->selection = selection;
	column->field = selection->field;
	column->ref = gql_ref_of_text(execution->schema, selection->field->type);
	column->selected.execution = execution;
	execution->places++;
	return column;
}

void gql_collect(struct gql_execution *execution, struct gql_group *group, const struct gql_sets *sets) {
	struct map by_key;
	map_init(&by_key);
	struct gql_column **tail = &group->columns;
	struct walk walk = walk_start(execution, group->type, sets);
	for (const struct gql_selection *selection; (selection = walk_next(&walk)) != NULL;) {
		uint64_t hash = hash_bytes(selection->key.ptr, selection->key.len);
		struct gql_column *column = column_find(&by_key, selection->key, hash);
		if (column == NULL) {
			column = column_new(execution, selection);
			map_insert(&by_key, &column->by_key, hash);
			*tail = column;
			tail = &column->next;
		}
		if (selection->children.count == 0) continue;
		gql_sets_add(execution->arena, &column->selected.sets, &selection->children);
	}
	map_free(&by_key);
}

// ---- what resolvers may ask ----------------------------------------------------------------------------------------

bool gql_selects(const struct gql_call *call, const char *path) {
	struct gql_execution *execution = call->selected->execution;
	struct gql_sets sets = call->selected->sets;
	struct str name, rest = str_from_cstr(path);
	for (bool more = true; more;) {
		more = str_cut(rest, '.', &name, &rest);
		struct gql_sets inner = {0};
		bool found = false;
		struct walk walk = walk_start(execution, NULL, &sets);
		for (const struct gql_selection *selection; (selection = walk_next(&walk)) != NULL;) {
			if (!str_eq(selection->name, name)) continue;
			found = true;
			gql_sets_add(execution->arena, &inner, &selection->children);
		}
		if (!found) return false;
		sets = inner;
	}
	return true;
}
