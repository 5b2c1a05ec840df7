// Inside the library: what the rules of validation share.
//
// One walk over the document resolves names and checks what can be checked in place (validate_fields.c,
// validate_values.c). It leaves for each operation and fragment which variables it uses and which fragments it spreads,
// and the rules that look through fragments work on these lists (validate_fragments.c, validate_variables.c), so that
// none walks a fragment once for each way to it. Whether fields can be merged is the last question (validate_merge.c).
#ifndef INNGEST_GRAPHQL_VALIDATE_H
#define INNGEST_GRAPHQL_VALIDATE_H

#include "graphql/internal.h"
#include "graphql/names.h"

struct gql_usage { // of a variable
	const struct gql_literal *variable;
	const struct gql_ref *ref; // what is wanted at the place; NULL: anything
	bool has_fallback;         // the place has one
};
struct gql_part { // an operation or a fragment
	struct gql_usage *usages;
	size_t usage_count;
	size_t *spreads; // numbers of fragments
	size_t spread_count;
};
struct gql_validator {
	const struct gql_schema *schema;
	struct arena *arena;
	struct gql_document *document;
	struct gql_errors *errors;
	struct gql_names fragments;       // numbers
	struct gql_part *operation_parts; // one for each
	struct gql_part *fragment_parts;
	struct gql_part *part; // that is being walked
};

// An error of validation. Nothing is written once there are enough of them.
void gql_invalid(struct arena *arena, struct gql_errors *errors, struct gql_location at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
#define INVALID(validator, at, ...) gql_invalid((validator)->arena, (validator)->errors, (at), __VA_ARGS__)
// For "%.*s".
#define SHOWN(text) STR_ARG(gql_clip(text))

// validate_fields.c. `parent` is NULL where it is unknown; then only what needs no types is checked.
void gql_check_selections(struct gql_validator *validator, struct gql_selections *selections,
			  const struct gql_type *parent);
void gql_check_directives(struct gql_validator *validator, const struct gql_directive *directives, size_t count,
			  enum gql_place place);
// A composite type that a fragment is for; NULL with an error.
const struct gql_type *gql_check_condition(struct gql_validator *validator, struct str condition, struct str fragment,
					   struct gql_location at);
void gql_unknown_type(struct gql_validator *validator, struct str name, struct gql_location at);

// validate_values.c
struct gql_call_site {                 // for messages
	const struct gql_type *parent; // NULL: a directive
	struct str name;
	struct gql_location location;
};
void gql_check_arguments(struct gql_validator *validator, const struct gql_call_site *site,
			 const struct gql_input *inputs, const struct gql_argument *arguments, size_t count);
// Arguments of something unknown: what they use counts as used.
void gql_note_arguments(struct gql_validator *validator, const struct gql_argument *arguments, size_t count);
void gql_check_value(struct gql_validator *validator, const struct gql_literal *literal, const struct gql_ref *ref,
		     bool has_fallback);

// validate_fragments.c. Fills depth and levels of fragments. False when some contain themselves, or nest too deep:
// then no recursion may follow spreads.
bool gql_check_cycles(struct gql_validator *validator);

// validate_variables.c
void gql_check_variables(struct gql_validator *validator);

// validate_merge.c
void gql_check_merges(struct gql_validator *validator);

#endif
