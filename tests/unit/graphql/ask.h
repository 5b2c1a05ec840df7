// Requests to the library.
#ifndef TESTS_GRAPHQL_ASK_H
#define TESTS_GRAPHQL_ASK_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/json.h"
#include "library.h"

static inline struct gql_schema *library_new(void) {
	struct gql_schema *schema = NULL;
	struct error error = {0};
	if (gql_schema_new(library, ARRAY_LEN(library), "Query", "Mutation", &schema, &error) != ERR_OK) {
		fail_msg("%s", error.message);
	}
	return schema;
}

struct question {
	const char *query, *operation, *variables;
	bool queries_only;
	struct gql_limits limits; // zero: the usual ones
};

// Asks the library; the body is appended to `out`.
static inline int ask(const struct question *question, struct asked *asked, struct buf *out) {
	struct gql_schema *schema = library_new();
	struct arena arena = {0};
	struct error error = {0};
	yyjson_doc *variables = NULL;
	if (question->variables != NULL) {
		variables = json_read(str_from_cstr(question->variables), false, NULL, &error);
		assert_non_null(variables);
	}
	struct gql_request request = {
		.query = str_from_cstr(question->query),
		.operation_name = str_from_cstr(question->operation),
		.variables = yyjson_doc_get_root(variables),
		.queries_only = question->queries_only,
	};
	struct gql_limits limits = question->limits;
	if (limits.depth == 0) limits.depth = GQL_DEPTH_MAX;
	if (limits.cost == 0) limits.cost = GQL_COST_MAX;
	struct asked nobody = {0};
	int status = gql_execute(schema, asked != NULL ? asked : &nobody, &arena, &request, &limits, out);
	yyjson_doc_free(variables);
	arena_free(&arena);
	gql_schema_free(schema);
	return status;
}

static inline void expect(const struct question *question, struct asked *asked, int status, const char *body) {
	struct buf out;
	buf_init(&out, SIZE_MAX);
	int got = ask(question, asked, &out);
	if (got != status || !str_eq_cstr(buf_view(&out), body)) {
		fail_msg("%.200s\ngave %d %.*s\nnot  %d %s", question->query, got, STR_ARG(buf_view(&out)), status,
			 body);
	}
	buf_free(&out);
}

#endif
