// What the tests of validation share: a document and the messages it gets.
#ifndef INNGEST_TESTS_GRAPHQL_VALIDATION_H
#define INNGEST_TESTS_GRAPHQL_VALIDATION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "graphql/internal.h"
#include "small_schema.h"

// The messages, each with its place: "1:2 Cannot query …\n".
static inline void validate(struct str text, struct buf *out) {
	struct arena arena;
	struct gql_document document;
	struct gql_errors errors = {.count = 0};
	struct gql_schema *schema = small_schema_new();
	arena_init(&arena, 0);
	buf_init(out, 1u << 20);
	bool good = gql_parse(&arena, text, &document, &errors);
	if (!good) print_error("%.*s: %.*s\n", STR_ARG(str_first(text, 300)), STR_ARG(errors.items[0].message));
	assert_true(good);
	good = gql_validate(schema, &arena, &document, &errors);
	assert_int_equal(good, errors.count == 0);
	for (size_t i = 0; i < errors.count; i++) {
		const struct gql_error *error = &errors.items[i];
		assert_string_equal(error->code, "GRAPHQL_VALIDATION_FAILED");
		buf_printf(out, "%u:%u %.*s\n", error->location.line, error->location.column, STR_ARG(error->message));
	}
	arena_free(&arena);
	gql_schema_free(schema);
}

static inline void finds_in(struct str text, const char *expected) {
	struct buf out;
	validate(text, &out);
	buf_byte(&out, '\0');
	if (strcmp(out.ptr, expected) != 0) print_error("%.*s\n", STR_ARG(str_first(text, 300)));
	assert_string_equal(out.ptr, expected);
	buf_free(&out);
}
static inline void finds(const char *text, const char *expected) {
	finds_in(str_from_cstr(text), expected);
}
static inline void is_valid(const char *text) {
	finds(text, "");
}

#endif
