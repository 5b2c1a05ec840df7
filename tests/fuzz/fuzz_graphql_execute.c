// GraphQL requests to the library of the unit tests: variables as JSON on the first line (none when it is no object),
// the query after it. Resolvers fail, give nulls and what does not fit, so that much can happen.
#include "../unit/graphql/library.h"
#include "fuzz.h"

#define COST_MAX 5000
#define BODY_MAX (16 << 20)

static const struct gql_schema *schema_of_library(void) {
	static struct gql_schema *schema;
	struct error error;
	if (schema == NULL)
		CHECK(gql_schema_new(library, ARRAY_LEN(library), "Query", "Mutation", &schema, &error) == ERR_OK);
	return schema;
}

static void check_body(struct str body, int status) {
	yyjson_doc *doc = json_read(body, false, NULL, NULL);
	yyjson_val *root = yyjson_doc_get_root(doc);
	yyjson_val *errors = yyjson_obj_get(root, "errors"), *data = yyjson_obj_get(root, "data");
	fuzz_check_utf8(body);
	CHECK(data != NULL && (errors == NULL || yyjson_arr_size(errors) > 0));
	CHECK(status == 200 || status == 406 || status == 422);
	if (status != 200) CHECK(errors != NULL && yyjson_is_null(data));
	if (yyjson_is_null(data)) CHECK(errors != NULL);
	yyjson_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct str variables, query;
	if (!str_cut(str_make(data, size), '\n', &variables, &query)) query = variables;
	yyjson_doc *doc = json_read(variables, false, NULL, NULL);
	struct gql_request request = {.query = query, .variables = yyjson_doc_get_root(doc)};
	if (!yyjson_is_obj(request.variables)) request.variables = NULL;
	struct gql_limits limits = {.depth = GQL_DEPTH_MAX, .cost = COST_MAX};
	struct asked asked = {0};
	struct arena arena = {0};
	struct buf body;
	buf_init(&body, BODY_MAX);
	int status = gql_execute(schema_of_library(), &asked, &arena, &request, &limits, &body);
	CHECK(!body.overflow);
	check_body(buf_view(&body), status);
	buf_free(&body);
	arena_free(&arena);
	yyjson_doc_free(doc);
	return 0;
}
