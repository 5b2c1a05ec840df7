// What resolvers gave becomes what may stand in a response (GraphQL October 2021 §6.4.3 and §6.4.4).
#include "graphql/execute.h"

#define REQUIRED_IS_NULL "the requested element is null which the schema does not allow"
#define SHOWN_BYTES 100
#define NOT_THAT_TYPE "internal system error" // a resolver's fault (spec 06 §1.3)

// Fields of groups. Requests have hundreds; fragments in fragments can make a million out of a short document, each for
// a single value, which costs more memory than many values at one place.
#define PLACES_MAX 200000

bool gql_charge(struct gql_execution *execution, size_t count) {
	if (count > execution->cost_max - execution->cost || execution->visits > execution->visits_max ||
	    execution->places > PLACES_MAX || arena_is_spent(execution->arena)) {
		execution->is_too_large = true;
		return false;
	}
	execution->cost += count;
	return true;
}

// Texts are in memory once and in the response for each of its aliases.
static void charge_text(struct gql_execution *execution, size_t bytes) {
	if (bytes > execution->text_bytes_max - execution->text_bytes)
		execution->is_too_large = true;
	else
		execution->text_bytes += bytes;
}

// ---- paths ---------------------------------------------------------------------------------------------------------

// An index in a list, and the list it is in.
struct place {
	const struct place *up;
	size_t index;
};

// Grows from its last step to its first.
struct path {
	struct arena *arena;
	const struct gql_step *last;
	struct gql_step *first;
};

static void path_add(struct path *path, struct str key, size_t index) {
	struct gql_step *step = ARENA_NEW(path->arena, struct gql_step);
	step->key = key;
	step->index = index;
	if (path->first != NULL) {
		path->first->parent = step;
	} else {
		path->last = step;
	}
	path->first = step;
}

// Whether the row is in the value; adds the indexes that lead to it.
static bool path_add_to_row(struct path *path, const struct gql_value *value, const struct gql_row *row) {
	if (value->kind == GQL_OBJECT) return value->object == row;
	if (value->kind != GQL_LIST) return false;
	for (size_t i = 0; i < value->count; i++) {
		if (!path_add_to_row(path, &value->items[i], row)) continue;
		path_add(path, (struct str){NULL, 0}, i);
		return true;
	}
	return false;
}

// From a row to the root. Searches, which is slow; rows that know their parents would cost every request, errors are
// few (GQL_ERRORS_MAX).
static void path_add_parents(struct path *path, const struct gql_group *group, size_t row) {
	while (group->parent != NULL) {
		const struct gql_column *column = group->column;
		size_t parent = 0;
		while (!path_add_to_row(path, &column->values[parent], &group->rows[row])) {
			parent++;
			CHECK(parent < group->parent->count);
		}
		path_add(path, column->key, 0);
		group = group->parent;
		row = parent;
	}
}

const struct gql_step *gql_path(struct gql_execution *execution, const struct gql_group *group, size_t row,
				const struct gql_column *column) {
	struct path path = {.arena = execution->arena};
	path_add(&path, column->key, 0);
	path_add_parents(&path, group, row);
	return path.last;
}

// ---- values --------------------------------------------------------------------------------------------------------

struct completion {
	struct gql_execution *execution;
	struct gql_group *group;
	struct gql_column *column;
	size_t row;
};

// The value becomes null, with an error.
static void fail(const struct completion *completion, struct gql_value *value, const struct place *place,
		 struct str message) {
	struct gql_execution *execution = completion->execution;
	value->kind = GQL_NULL;
	if (execution->errors.count >= GQL_ERRORS_MAX) return;
	struct path path = {.arena = execution->arena};
	for (; place != NULL; place = place->up) path_add(&path, (struct str){NULL, 0}, place->index);
	path_add(&path, completion->column->key, 0);
	path_add_parents(&path, completion->group, completion->row);
	struct gql_error *error = gql_error_add(&execution->errors);
	error->message = gql_repair(execution->arena, message);
	error->path = path.last;
}

static void complete_value(const struct completion *completion, struct gql_value *value, const struct gql_ref *ref,
			   const struct place *place);

// In a copy of the items, since a resolver may give the same list to several parents.
static void complete_list(const struct completion *completion, struct gql_value *value, const struct gql_ref *ref,
			  const struct place *place) {
	struct gql_execution *execution = completion->execution;
	if (!gql_charge(execution, value->count)) return;
	struct gql_value *items = ARENA_ARRAY(execution->arena, struct gql_value, value->count);
	if (value->count > 0) memcpy(items, value->items, value->count * sizeof *items);
	value->items = items;
	bool is_null = false;
	for (size_t i = 0; i < value->count && !execution->is_too_large; i++) {
		struct place inner = {place, i};
		complete_value(completion, &items[i], ref->of, &inner);
		if (items[i].kind == GQL_NULL && ref->of->is_required) is_null = true;
	}
	if (is_null) value->kind = GQL_NULL;
}

static void complete_enum(const struct completion *completion, struct gql_value *value, const struct gql_type *type,
			  const struct place *place) {
	if (value->kind != GQL_TEXT) {
		fail(completion, value, place, STR(NOT_THAT_TYPE));
	} else if (!gql_enum_has(type, value->text)) {
		struct str shown = str_first(value->text, SHOWN_BYTES);
		fail(completion, value, place,
		     arena_printf(completion->execution->arena, "%.*s is not a valid %s", STR_ARG(shown), type->name));
	}
}

static void complete_scalar(const struct completion *completion, struct gql_value *value, const struct gql_type *type,
			    const struct place *place) {
	(void)type;
	bool fits =
		value->kind == GQL_TEXT || value->kind == GQL_JSON || value->kind == GQL_INT || value->kind == GQL_BOOL;
	if (!fits) fail(completion, value, place, STR(NOT_THAT_TYPE));
}

static void complete_object(const struct completion *completion, struct gql_value *value, const struct gql_type *type,
			    const struct place *place) {
	if (value->kind != GQL_OBJECT) {
		fail(completion, value, place, STR(NOT_THAT_TYPE));
	} else {
		value->type = type->name;
	}
}

static void complete_member(const struct completion *completion, struct gql_value *value, const struct gql_type *type,
			    const struct place *place) {
	if (value->kind != GQL_OBJECT || value->type == NULL || !gql_union_has(type, str_from_cstr(value->type))) {
		fail(completion, value, place, STR(NOT_THAT_TYPE));
	}
}

typedef void complete_type(const struct completion *completion, struct gql_value *value, const struct gql_type *type,
			   const struct place *place);
static complete_type *const by_kind[] = {
	[GQL_SCALAR] = complete_scalar,
	[GQL_ENUM] = complete_enum,
	[GQL_OBJECT_TYPE] = complete_object,
	[GQL_UNION] = complete_member,
};

static bool is_null(const struct gql_value *value) {
	if (value->kind == GQL_OBJECT) return value->object == NULL;
	if (value->kind == GQL_JSON) return value->text.len == 0 || str_eq(value->text, STR("null"));
	return value->kind == GQL_NULL;
}

// Lists of scalars may be JSON.
static bool is_json_list(const struct gql_value *value, const struct gql_ref *ref) {
	return value->kind == GQL_JSON && value->text.ptr[0] == '[' && gql_ref_named(ref)->kind == GQL_SCALAR;
}

// Recursion: a step for each list that the field's type has.
static void complete_value(const struct completion *completion, struct gql_value *value, const struct gql_ref *ref,
			   const struct place *place) {
	if (value->kind == GQL_TEXT || value->kind == GQL_JSON) charge_text(completion->execution, value->text.len);
	if (value->kind == GQL_ERROR) {
		fail(completion, value, place, value->text);
	} else if (is_null(value)) {
		value->kind = GQL_NULL;
		if (ref->is_required) fail(completion, value, place, STR(REQUIRED_IS_NULL));
	} else if (ref->type != NULL) {
		by_kind[ref->type->kind](completion, value, ref->type, place);
	} else if (value->kind == GQL_LIST) {
		complete_list(completion, value, ref, place);
	} else if (!is_json_list(value, ref)) {
		fail(completion, value, place, STR(NOT_THAT_TYPE));
	}
}

// ---- groups --------------------------------------------------------------------------------------------------------

struct gql_group *gql_group_new(struct gql_execution *execution, const struct gql_type *type) {
	struct gql_group *group = ARENA_NEW(execution->arena, struct gql_group);
	group->type = type;
	list_push_back(&execution->groups, &group->all);
	return group;
}

void gql_group_fill(struct gql_execution *execution, struct gql_group *group, size_t count) {
	group->rows = ARENA_ARRAY(execution->arena, struct gql_row, count);
	group->objects = ARENA_ARRAY(execution->arena, const void *, count);
	group->count = 0; // counts up again when the rows are taken
}

static struct gql_group *group_of(const struct completion *completion, const char *name) {
	struct gql_group **link = &completion->column->groups;
	for (; *link != NULL; link = &(*link)->sibling) {
		if (strcmp((*link)->type->name, name) == 0) return *link;
	}
	const struct gql_type *type = gql_type_find(completion->execution->schema, str_from_cstr(name));
	struct gql_group *group = gql_group_new(completion->execution, type);
	group->parent = completion->group;
	group->column = completion->column;
	*link = group;
	return group;
}

static void count_objects(const struct completion *completion, const struct gql_value *value) {
	if (value->kind == GQL_OBJECT) group_of(completion, value->type)->count++;
	for (size_t i = 0; value->kind == GQL_LIST && i < value->count; i++) {
		count_objects(completion, &value->items[i]);
	}
}

static void take_objects(const struct completion *completion, struct gql_value *value) {
	if (value->kind == GQL_OBJECT) {
		struct gql_group *group = group_of(completion, value->type);
		struct gql_row *row = &group->rows[group->count];
		row->group = group;
		group->objects[group->count++] = value->object;
		value->object = row;
	}
	for (size_t i = 0; value->kind == GQL_LIST && i < value->count; i++) {
		take_objects(completion, &value->items[i]);
	}
}

static void make_groups(const struct completion *completion) {
	const struct gql_column *column = completion->column;
	for (size_t i = 0; i < completion->group->count; i++) count_objects(completion, &column->values[i]);
	for (struct gql_group *group = column->groups; group != NULL; group = group->sibling) {
		gql_group_fill(completion->execution, group, group->count);
	}
	for (size_t i = 0; i < completion->group->count; i++) take_objects(completion, &column->values[i]);
}

static void make_null(struct gql_group *group, size_t row) {
	group->rows[row].is_null = true;
	group->has_nulls = true;
}

void gql_complete(struct gql_execution *execution, struct gql_group *group, struct gql_column *column) {
	struct completion completion = {execution, group, column, 0};
	for (; completion.row < group->count && !execution->is_too_large; completion.row++) {
		struct gql_value *value = &column->values[completion.row];
		complete_value(&completion, value, column->ref, NULL);
		if (value->kind == GQL_NULL && column->ref->is_required) make_null(group, completion.row);
	}
	if (!execution->is_too_large && gql_is_composite(gql_ref_named(column->ref))) make_groups(&completion);
}

void gql_complete_failed(struct gql_group *group, const struct gql_column *column) {
	for (size_t i = 0; i < group->count && column->ref->is_required; i++) make_null(group, i);
}

// ---- nulls that rise -----------------------------------------------------------------------------------------------

// Whether the value is null now.
static bool settle_value(struct gql_value *value, const struct gql_ref *ref) {
	if (value->kind == GQL_OBJECT) {
		const struct gql_row *row = value->object;
		if (row->is_null) value->kind = GQL_NULL;
	} else if (value->kind == GQL_LIST) {
		bool has_null = false;
		for (size_t i = 0; i < value->count; i++) has_null |= settle_value(&value->items[i], ref->of);
		if (has_null && ref->of->is_required) value->kind = GQL_NULL;
	}
	return value->kind == GQL_NULL;
}

static bool has_null_objects(const struct gql_column *column) {
	for (const struct gql_group *group = column->groups; group != NULL; group = group->sibling) {
		if (group->has_nulls) return true;
	}
	return false;
}

void gql_settle(struct gql_execution *execution) {
	for (struct list *node = execution->groups.prev; node != &execution->groups; node = node->prev) {
		struct gql_group *group = list_entry(node, struct gql_group, all);
		for (struct gql_column *column = group->columns; column != NULL; column = column->next) {
			if (!has_null_objects(column)) continue;
			for (size_t i = 0; i < group->count; i++) {
				bool null = settle_value(&column->values[i], column->ref);
				if (null && column->ref->is_required) make_null(group, i);
			}
		}
	}
}
