// What the files of src/graphql share: the resolved schema, and the seams between validation and execution.
#ifndef INNGEST_GRAPHQL_INTERNAL_H
#define INNGEST_GRAPHQL_INTERNAL_H

#include "base/check.h"
#include "base/json.h"
#include "base/map.h"
#include "graphql/graphql.h"

// A type reference, resolved: lists and required ones around a named type. Equal references are the same pointer: those
// of the tables, and of input types all that lists of one level make (T, T!, [T], [T]!, [T!], [T!]!). Others that a
// document writes are made for it.
struct gql_ref {
	const struct gql_type *type; // named; NULL: a list
	const struct gql_ref *of;    // of a list
	bool is_required;
	const char *text; // as written
};

struct gql_schema {
	struct arena arena;
	const struct gql_type *
		*types; // those of the tables, the built-in scalars, then the introspection types; each by name
	size_t type_count, table_count;
	struct map by_name, refs;
	const struct gql_type *query, *mutation; // mutation may be NULL
};

// directives.c: those that exist, for documents (validation, execution) and for introspection.
enum gql_place {
	GQL_ON_QUERY = 1 << 0,
	GQL_ON_MUTATION = 1 << 1,
	GQL_ON_SUBSCRIPTION = 1 << 2,
	GQL_ON_FIELD = 1 << 3,
	GQL_ON_FRAGMENT_DEFINITION = 1 << 4,
	GQL_ON_FRAGMENT_SPREAD = 1 << 5,
	GQL_ON_INLINE_FRAGMENT = 1 << 6,
	GQL_ON_VARIABLE_DEFINITION = 1 << 7,
	GQL_ON_SCALAR = 1 << 8,
	GQL_ON_FIELD_DEFINITION = 1 << 9,
	GQL_ON_ARGUMENT_DEFINITION = 1 << 10,
	GQL_ON_INPUT_FIELD_DEFINITION = 1 << 11,
	GQL_ON_ENUM_VALUE = 1 << 12,
};
struct gql_directive_type {
	const char *name, *description;
	unsigned places;                   // of gql_place
	const struct gql_input *arguments; // ends with a NULL name
};
extern const struct gql_directive_type gql_directive_types[];         // ends with a NULL name
const struct gql_directive_type *gql_directive_find(struct str name); // or NULL
const char *gql_place_name(enum gql_place place);                     // "FIELD_DEFINITION"

// introspection.c
extern const struct gql_type *const gql_introspection_types[]; // ends with NULL

// schema.c
const struct gql_type *gql_type_find(const struct gql_schema *schema, struct str name);  // or NULL
const struct gql_field *gql_field_find(const struct gql_type *type, struct str name);    // or NULL
const struct gql_input *gql_input_find(const struct gql_input *inputs, struct str name); // or NULL
// Of a type text of the tables ("[App!]!"), or as written in a document; NULL when the named type is unknown.
const struct gql_ref *gql_ref_of_text(const struct gql_schema *schema, const char *text);
const struct gql_ref *gql_ref_of_name(const struct gql_schema *schema, struct arena *arena,
				      const struct gql_type_name *name);
const struct gql_type *gql_ref_named(const struct gql_ref *ref); // the innermost type
static inline bool gql_is_composite(const struct gql_type *type) {
	return type->kind == GQL_OBJECT_TYPE || type->kind == GQL_UNION;
}
static inline bool gql_is_input(const struct gql_type *type) {
	return type->kind == GQL_SCALAR || type->kind == GQL_ENUM || type->kind == GQL_INPUT_TYPE;
}
bool gql_enum_has(const struct gql_type *type, struct str name);
bool gql_union_has(const struct gql_type *type, struct str name);
// Whether a selection for `condition`, an object or a union, is one for this object type.
bool gql_type_is(const struct gql_type *type, const struct gql_type *condition);
// schema_check.c
ERR_CHECKED enum err gql_schema_check(const struct gql_schema *schema, struct error *error);
// __typename of any composite type; __schema and __type of the query root (introspection.c).
extern const struct gql_field gql_typename_field, gql_schema_field, gql_type_field;

// validate.c: all rules of the specification that a client can break, and fills what `document.h` marks as resolved.
// Code GRAPHQL_VALIDATION_FAILED. False with errors.
bool gql_validate(const struct gql_schema *schema, struct arena *arena, struct gql_document *document,
		  struct gql_errors *errors);
// Depth of the selection with fragments in their place, without introspection fields; the document is valid.
size_t gql_depth(const struct gql_operation *operation);

// coerce.c
// Values of an operation's variables from the client's JSON: an object with a member for each variable that has a value
// (given, or its fallback). NULL with errors (code GRAPHQL_VALIDATION_FAILED, path ["variable", name, …]).
yyjson_mut_val *gql_coerce_variables(const struct gql_schema *schema, struct arena *arena, yyjson_mut_doc *doc,
				     const struct gql_operation *operation, yyjson_val *given,
				     struct gql_errors *errors);
// Values of the arguments of a field or directive: an object; fallbacks in their place, what was not given left out.
// The document is valid, so all that can be wrong is a variable's null in a required place: NULL with an error.
yyjson_mut_val *gql_coerce_arguments(const struct gql_schema *schema, yyjson_mut_doc *doc,
				     const struct gql_input *inputs, const struct gql_argument *arguments, size_t count,
				     yyjson_mut_val *variables, struct gql_errors *errors);
// Whether a literal can stand where this type is wanted, variables left out; adds errors.
bool gql_literal_fits(const struct gql_schema *schema, struct arena *arena, const struct gql_literal *literal,
		      const struct gql_ref *ref, struct gql_errors *errors);

#endif
