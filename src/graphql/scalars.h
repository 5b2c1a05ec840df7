// Inside the library: literals as JSON, and the five scalars that every schema has.
#ifndef INNGEST_GRAPHQL_SCALARS_H
#define INNGEST_GRAPHQL_SCALARS_H

#include "graphql/internal.h"

struct gql_builtin {
	const char *name;
	const char *complaint; // "Int cannot represent non-integer value": a literal follows
	unsigned kinds;        // of literals: 1 << GQL_LITERAL_INT …
	// False when the literal, of one of these kinds, or the JSON value is out of range. Texts are borrowed.
	bool (*of_literal)(const struct gql_literal *literal, yyjson_val *out);
	yyjson_mut_val *(*of_json)(yyjson_mut_doc *doc, yyjson_val *value); // NULL: it is none of this type
};
const struct gql_builtin *gql_builtin_of(const struct gql_type *type); // or NULL

// A literal that is no list, object or variable. False when it is a number that no double can hold. Texts are borrowed.
bool gql_leaf_json(const struct gql_literal *literal, yyjson_val *out);
yyjson_mut_val *gql_json_mutable(yyjson_mut_doc *doc, const yyjson_val *leaf); // the text is borrowed
// Any literal; `variables` may be NULL: none has a value. NULL: as above. Texts are borrowed.
yyjson_mut_val *gql_literal_json(yyjson_mut_doc *doc, const struct gql_literal *literal, yyjson_mut_val *variables);
bool gql_literal_has_variable(const struct gql_literal *literal);
// A copy for another place in the same document, or in one that does not live longer: texts are borrowed.
yyjson_mut_val *gql_json_share(yyjson_mut_doc *doc, yyjson_mut_val *value);
// What the type's `accepts` says of a value that is being made.
bool gql_type_accepts(const struct gql_type *type, yyjson_mut_val *value, struct error *error);
// As written, more or less; cut when it is long.
struct str gql_literal_show(struct arena *arena, const struct gql_literal *literal);

#endif
