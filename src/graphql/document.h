// GraphQL request documents: what the parser makes of a query text (GraphQL October 2021, executable definitions).
//
// Everything lives in the arena that the parser got; texts may borrow the query. The parser knows no schema: names are
// resolved by validate.c, which fills the members marked so.
#ifndef INNGEST_GRAPHQL_DOCUMENT_H
#define INNGEST_GRAPHQL_DOCUMENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#define GQL_TOKENS_MAX 20000      // of a document
#define GQL_NESTING_MAX 200       // of selections, values and types in the text
#define GQL_ERRORS_MAX 50         // reported for one request
#define GQL_STRING_MAX (64 << 20) // bytes of a string value

struct gql_field; // graphql.h
struct gql_type;

struct gql_location {
	uint32_t line, column; // from 1; columns count characters
};

enum gql_literal_kind {
	GQL_LITERAL_INT,
	GQL_LITERAL_FLOAT,
	GQL_LITERAL_STRING,
	GQL_LITERAL_BOOL,
	GQL_LITERAL_NULL,
	GQL_LITERAL_ENUM,
	GQL_LITERAL_LIST,
	GQL_LITERAL_OBJECT,
	GQL_LITERAL_VARIABLE,
};
struct gql_argument;
struct gql_literal {
	enum gql_literal_kind kind;
	struct str text;              // a number as written, a decoded string, true or false, a name without '$'
	struct gql_literal *items;    // LIST
	struct gql_argument *members; // OBJECT
	size_t count;                 // of either
	struct gql_location location;
};
struct gql_argument { // or member of an object value
	struct str name;
	struct gql_literal value;
	struct gql_location location;
};

struct gql_directive {
	struct str name;
	struct gql_argument *arguments;
	size_t argument_count;
	struct gql_location location;
};

struct gql_fragment;
struct gql_selection;
struct gql_selections {
	struct gql_selection *items;
	size_t count;
};
enum gql_selection_kind { GQL_SELECTION_FIELD, GQL_SELECTION_SPREAD, GQL_SELECTION_INLINE };
struct gql_selection {
	enum gql_selection_kind kind;
	struct str name; // of the field, or of the fragment that is spread; empty: inline fragment
	struct str key;  // FIELD: its alias, else its name
	struct gql_argument *arguments;
	size_t argument_count;
	struct gql_directive *directives;
	size_t directive_count;
	struct str condition; // INLINE: its type; empty: none
	struct gql_selections children;
	struct gql_location location;
	// resolved:
	const struct gql_field *field;       // FIELD
	const struct gql_type *type;         // INLINE: of its condition; NULL: none
	const struct gql_fragment *fragment; // SPREAD
};

// A type as it is written: [Name!]!
struct gql_type_name {
	struct str name;                // of the innermost type
	const struct gql_type_name *of; // of a list; NULL: a named type
	bool is_required;
};
struct gql_variable {
	struct str name;
	struct gql_type_name type;
	bool has_fallback;
	struct gql_literal fallback;
	struct gql_directive *directives;
	size_t directive_count;
	struct gql_location location;
};

enum gql_operation_kind { GQL_QUERY, GQL_MUTATION, GQL_SUBSCRIPTION };
struct gql_operation {
	enum gql_operation_kind kind;
	struct str name; // empty: none
	struct gql_variable *variables;
	size_t variable_count;
	struct gql_directive *directives;
	size_t directive_count;
	struct gql_selections selections;
	struct gql_location location;
};
struct gql_fragment {
	struct str name, condition;
	struct gql_directive *directives;
	size_t directive_count;
	struct gql_selections selections;
	struct gql_location location;
	// resolved:
	const struct gql_type *type;
	size_t depth, levels; // what a spread of it adds: see gql_depth; selections and spreads on its longest way down
};
struct gql_document {
	struct gql_operation *operations;
	size_t operation_count;
	struct gql_fragment *fragments;
	size_t fragment_count;
};

// ---- errors of a request -------------------------------------------------------------------------------------------

// One step of a response path or variable path.
struct gql_step {
	struct str key; // empty: an index
	size_t index;
	const struct gql_step *parent; // NULL: the first one
};
struct gql_error {
	struct str message;
	struct gql_location location; // line 0: none
	const struct gql_step *path;  // its last step; NULL: none
	const char *code;             // extensions.code; NULL: none
};
struct gql_errors {
	struct gql_error items[GQL_ERRORS_MAX];
	size_t count; // beyond the maximum errors are dropped
};
// A new entry to fill, zeroed; a spare one that nobody sees when there are too many.
struct gql_error *gql_error_add(struct gql_errors *errors);
// [{"message":…,"path":[…],"locations":[…],"extensions":{"code":…}},…]; `<`, `>`, `&` as \u003c …
void gql_errors_write(struct buf *out, const struct gql_errors *errors);
// The start of a client's text, for messages: an answer must not repeat a long name fifty times.
struct str gql_clip(struct str text);

// False with errors (code GRAPHQL_PARSE_FAILED). `text` must be UTF-8 and live as long as the document.
bool gql_parse(struct arena *arena, struct str text, struct gql_document *out, struct gql_errors *errors);
// One value without variables, as the fallbacks of a schema's tables are.
bool gql_parse_literal(struct arena *arena, struct str text, struct gql_literal *out, struct gql_errors *errors);

#endif
