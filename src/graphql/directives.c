// The directives that exist: tables like those of a schema, but the same for all.
#include "graphql/internal.h"

static const struct gql_input condition[] = {
	{.name = "if", .type = "Boolean!", .description = "The condition."},
	{0},
};
static const struct gql_input reason[] = {
	{.name = "reason",
	 .type = "String",
	 .fallback = "\"No longer supported\"",
	 .description = "Why, and what to use."},
	{0},
};
static const struct gql_input url[] = {
	{.name = "url", .type = "String!", .description = "Where it is specified."},
	{0},
};
static const struct gql_input deferral[] = {
	{.name = "if", .type = "Boolean", .fallback = "true"},
	{.name = "label", .type = "String"},
	{0},
};

#define SELECTIONS (GQL_ON_FIELD | GQL_ON_FRAGMENT_SPREAD | GQL_ON_INLINE_FRAGMENT)
#define FRAGMENTS (GQL_ON_FRAGMENT_SPREAD | GQL_ON_INLINE_FRAGMENT)
#define DEFINITIONS \
	(GQL_ON_FIELD_DEFINITION | GQL_ON_ARGUMENT_DEFINITION | GQL_ON_INPUT_FIELD_DEFINITION | GQL_ON_ENUM_VALUE)

const struct gql_directive_type gql_directive_types[] = {
	{"include", "Takes the selection only if the condition is true.", SELECTIONS, condition},
	{"skip", "Takes the selection only if the condition is false.", SELECTIONS, condition},
	{"deprecated", "Marks what should not be used any more.", DEFINITIONS, reason},
	{"specifiedBy", "Says where a scalar is specified.", GQL_ON_SCALAR, url},
	{"defer", "Allows an answer in parts. Answers are always whole.", FRAGMENTS, deferral},
	{0},
};

const struct gql_directive_type *gql_directive_find(struct str name) {
	for (const struct gql_directive_type *type = gql_directive_types; type->name != NULL; type++) {
		if (str_eq_cstr(name, type->name)) return type;
	}
	return NULL;
}

const char *gql_place_name(enum gql_place place) {
	static const char *const names[] = {
		"QUERY",
		"MUTATION",
		"SUBSCRIPTION",
		"FIELD",
		"FRAGMENT_DEFINITION",
		"FRAGMENT_SPREAD",
		"INLINE_FRAGMENT",
		"VARIABLE_DEFINITION",
		"SCALAR",
		"FIELD_DEFINITION",
		"ARGUMENT_DEFINITION",
		"INPUT_FIELD_DEFINITION",
		"ENUM_VALUE",
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if ((unsigned)place == 1u << i) return names[i];
	}
	return "";
}
