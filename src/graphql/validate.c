// The order of the rules, and those about the definitions themselves.
#include "graphql/validate.h"

#include <stdarg.h>
#include <stdio.h>

void gql_invalid(struct arena *arena, struct gql_errors *errors, struct gql_location at, const char *format, ...) {
	char text[2048]; // names in it are clipped
	if (errors->count >= GQL_ERRORS_MAX) return;
	va_list values;
	va_start(values, format);
	int len = vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	CHECK(len >= 0);
	struct str written = str_make(text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1);
	struct gql_error *error = gql_error_add(errors);
	error->message = arena_dup(arena, str_first(written, str_utf8_prefix(written)));
	error->location = at;
	error->code = "GRAPHQL_VALIDATION_FAILED";
}

// ---- definitions ---------------------------------------------------------------------------------------------------

static void check_operation_names(struct gql_validator *v) {
	const struct gql_document *document = v->document;
	struct gql_names names;
	gql_names_init(&names, v->arena, document->operation_count);
	for (size_t i = 0; i < document->operation_count; i++) {
		const struct gql_operation *operation = &document->operations[i];
		if (operation->name.len == 0) {
			if (document->operation_count > 1)
				INVALID(v, operation->location,
					"This anonymous operation must be the only defined operation.");
		} else if (!gql_names_add(&names, operation->name, NULL)) {
			INVALID(v, operation->location, "There can be only one operation named \"%.*s\".",
				SHOWN(operation->name));
		}
	}
}

static void index_fragments(struct gql_validator *v) {
	struct gql_document *document = v->document;
	gql_names_init(&v->fragments, v->arena, document->fragment_count);
	for (size_t i = 0; i < document->fragment_count; i++) {
		struct gql_fragment *fragment = &document->fragments[i];
		size_t number = i;
		if (!gql_names_add(&v->fragments, fragment->name, &number))
			INVALID(v, fragment->location, "There can be only one fragment named \"%.*s\".",
				SHOWN(fragment->name));
		fragment->type = gql_check_condition(v, fragment->condition, fragment->name, fragment->location);
	}
}

static void check_operation(struct gql_validator *v, struct gql_operation *operation) {
	static const struct {
		const char *name;
		enum gql_place place;
	} kinds[] = {
		[GQL_QUERY] = {"query", GQL_ON_QUERY},
		[GQL_MUTATION] = {"mutation", GQL_ON_MUTATION},
		[GQL_SUBSCRIPTION] = {"subscription", GQL_ON_SUBSCRIPTION},
	};
	const struct gql_type *const roots[] = {
		[GQL_QUERY] = v->schema->query,
		[GQL_MUTATION] = v->schema->mutation,
		[GQL_SUBSCRIPTION] = NULL,
	};
	const struct gql_type *root = roots[operation->kind];
	if (root == NULL)
		INVALID(v, operation->location, "Schema does not support operation type \"%s\"",
			kinds[operation->kind].name);
	gql_check_directives(v, operation->directives, operation->directive_count, kinds[operation->kind].place);
	gql_check_selections(v, &operation->selections, root);
}

static void check_fragment(struct gql_validator *v, struct gql_fragment *fragment) {
	gql_check_directives(v, fragment->directives, fragment->directive_count, GQL_ON_FRAGMENT_DEFINITION);
	gql_check_selections(v, &fragment->selections, fragment->type);
}

static void check_parts(struct gql_validator *v) {
	struct gql_document *document = v->document;
	v->operation_parts = ARENA_ARRAY(v->arena, struct gql_part, document->operation_count);
	v->fragment_parts = ARENA_ARRAY(v->arena, struct gql_part, document->fragment_count);
	for (size_t i = 0; i < document->operation_count; i++) {
		v->part = &v->operation_parts[i];
		check_operation(v, &document->operations[i]);
	}
	for (size_t i = 0; i < document->fragment_count; i++) {
		v->part = &v->fragment_parts[i];
		check_fragment(v, &document->fragments[i]);
	}
}

bool gql_validate(const struct gql_schema *schema, struct arena *arena, struct gql_document *document,
		  struct gql_errors *errors) {
	struct gql_validator v = {.schema = schema, .arena = arena, .document = document, .errors = errors};
	size_t before = errors->count;
	check_operation_names(&v);
	index_fragments(&v);
	check_parts(&v);
	bool is_finite = gql_check_cycles(&v);
	gql_check_variables(&v);
	if (is_finite) gql_check_merges(&v);
	return errors->count == before;
}
