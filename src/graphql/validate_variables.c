// Variables: defined once, with an input type, used, and used where their type may stand. What an operation uses, it
// uses by way of fragments too; so this is also where fragments that nothing uses are found.
#include "graphql/validate.h"

struct scope {
	struct gql_validator *validator;
	const struct gql_operation *operation;
	struct gql_names names;      // numbers of variables
	const struct gql_ref **refs; // types of these; NULL: unknown
	bool *is_used;
};

// ---- definitions ---------------------------------------------------------------------------------------------------

static const struct gql_ref *check_type(struct gql_validator *v, const struct gql_variable *variable) {
	const struct gql_type *type = gql_type_find(v->schema, variable->type.name);
	if (type == NULL) {
		gql_unknown_type(v, variable->type.name, variable->location);
		return NULL;
	}
	const struct gql_ref *ref = gql_ref_of_name(v->schema, v->arena, &variable->type);
	if (gql_is_input(type)) return ref;
	INVALID(v, variable->location, "Variable \"$%.*s\" cannot be non-input type \"%.*s\".", SHOWN(variable->name),
		SHOWN(str_from_cstr(ref->text)));
	return NULL;
}

static void define(struct scope *scope) {
	struct gql_validator *v = scope->validator;
	size_t count = scope->operation->variable_count;
	gql_names_init(&scope->names, v->arena, count);
	scope->refs = ARENA_ARRAY(v->arena, const struct gql_ref *, count);
	scope->is_used = ARENA_ARRAY(v->arena, bool, count);
	for (size_t i = 0; i < count; i++) {
		const struct gql_variable *variable = &scope->operation->variables[i];
		size_t number = i;
		if (!gql_names_add(&scope->names, variable->name, &number))
			INVALID(v, variable->location, "There can be only one variable named \"$%.*s\".",
				SHOWN(variable->name));
		scope->refs[i] = check_type(v, variable);
		if (variable->has_fallback) gql_check_value(v, &variable->fallback, scope->refs[i], false);
		gql_check_directives(v, variable->directives, variable->directive_count, GQL_ON_VARIABLE_DEFINITION);
	}
}

// ---- use -----------------------------------------------------------------------------------------------------------

// Whether a value of the first type can stand where the second is wanted. Their outermost "required" are given apart.
static bool is_compatible(const struct gql_ref *ref, bool is_required, const struct gql_ref *wanted,
			  bool wants_required) {
	for (;;) {
		if (wants_required && !is_required) return false;
		if (wanted->of == NULL || ref->of == NULL)
			return wanted->of == NULL && ref->of == NULL && wanted->type == ref->type;
		wanted = wanted->of;
		ref = ref->of;
		wants_required = wanted->is_required;
		is_required = ref->is_required;
	}
}

static bool is_allowed(const struct gql_variable *variable, const struct gql_ref *ref, const struct gql_usage *usage) {
	bool wants_required = usage->ref->is_required;
	// A fallback stands in for what is missing; a null that is given all the same is an error of its own.
	if (usage->has_fallback || (variable->has_fallback && variable->fallback.kind != GQL_LITERAL_NULL))
		wants_required = false;
	return is_compatible(ref, ref->is_required, usage->ref, wants_required);
}

static void check_usage(struct scope *scope, const struct gql_usage *usage) {
	struct gql_validator *v = scope->validator;
	struct str name = usage->variable->text;
	struct gql_location at = usage->variable->location;
	size_t number;
	if (!gql_names_find(&scope->names, name, &number)) {
		if (scope->operation->name.len > 0) {
			INVALID(v, at, "Variable \"$%.*s\" is not defined by operation \"%.*s\".", SHOWN(name),
				SHOWN(scope->operation->name));
		} else {
			INVALID(v, at, "Variable \"$%.*s\" is not defined.", SHOWN(name));
		}
		return;
	}
	const struct gql_ref *ref = scope->refs[number];
	scope->is_used[number] = true;
	if (ref == NULL || usage->ref == NULL || is_allowed(&scope->operation->variables[number], ref, usage)) return;
	INVALID(v, at, "Variable \"$%.*s\" of type \"%.*s\" used in position expecting type \"%s\".", SHOWN(name),
		SHOWN(str_from_cstr(ref->text)), usage->ref->text);
}

// The fragments that operations reach. One at a time is looked at.
struct reach {
	size_t *waiting; // room for all
	size_t waiting_count;
	size_t *visit; // of each fragment: the number of the operation that came by last, from 1
};

static void check_part(struct scope *scope, struct reach *reach, const struct gql_part *part, size_t visit) {
	for (size_t i = 0; i < part->usage_count; i++) check_usage(scope, &part->usages[i]);
	for (size_t i = 0; i < part->spread_count; i++) {
		size_t target = part->spreads[i];
		if (reach->visit[target] == visit) continue;
		reach->visit[target] = visit;
		reach->waiting[reach->waiting_count++] = target;
	}
}

static void report_unused(struct scope *scope) {
	for (size_t i = 0; i < scope->operation->variable_count; i++) {
		const struct gql_variable *variable = &scope->operation->variables[i];
		size_t number;
		// A second definition of a name is never used, and has been reported.
		if (!gql_names_find(&scope->names, variable->name, &number) || number != i || scope->is_used[i])
			continue;
		if (scope->operation->name.len > 0) {
			INVALID(scope->validator, variable->location,
				"Variable \"$%.*s\" is never used in operation \"%.*s\".", SHOWN(variable->name),
				SHOWN(scope->operation->name));
		} else {
			INVALID(scope->validator, variable->location, "Variable \"$%.*s\" is never used.",
				SHOWN(variable->name));
		}
	}
}

static void check_operation(struct gql_validator *v, size_t number, struct reach *reach) {
	struct scope scope = {.validator = v, .operation = &v->document->operations[number]};
	v->part = &v->operation_parts[number];
	define(&scope);
	check_part(&scope, reach, v->part, number + 1);
	while (reach->waiting_count > 0) {
		size_t fragment = reach->waiting[--reach->waiting_count];
		check_part(&scope, reach, &v->fragment_parts[fragment], number + 1);
	}
	report_unused(&scope);
}

void gql_check_variables(struct gql_validator *v) {
	size_t count = v->document->fragment_count;
	struct reach reach = {
		.waiting = ARENA_ARRAY(v->arena, size_t, count),
		.visit = ARENA_ARRAY(v->arena, size_t, count),
	};
	for (size_t i = 0; i < v->document->operation_count; i++) check_operation(v, i, &reach);
	for (size_t i = 0; i < count; i++) {
		const struct gql_fragment *fragment = &v->document->fragments[i];
		size_t number;
		bool is_first = gql_names_find(&v->fragments, fragment->name, &number) && number == i;
		if (is_first && reach.visit[i] == 0)
			INVALID(v, fragment->location, "Fragment \"%.*s\" is never used.", SHOWN(fragment->name));
	}
}
