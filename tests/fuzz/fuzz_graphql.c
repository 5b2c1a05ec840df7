// GraphQL requests: a document, a NUL, and the JSON of its variables, for a small schema with one of everything. What
// is parsed is printed and parsed again; what is valid is measured, and its variables and arguments are coerced.
#include "../unit/graphql/print.h"
#include "../unit/graphql/small_schema.h"
#include "fuzz.h"

#define OUTPUT_MAX (256u << 20)

static void check_errors(const struct gql_errors *errors, const char *code) {
	struct buf out;
	struct error error;
	CHECK(errors->count > 0);
	for (size_t i = 0; i < errors->count; i++) {
		CHECK(errors->items[i].message.len > 0 && strcmp(errors->items[i].code, code) == 0);
		fuzz_check_utf8(errors->items[i].message);
	}
	buf_init(&out, OUTPUT_MAX);
	gql_errors_write(&out, errors);
	yyjson_doc *doc = json_read(buf_view(&out), false, NULL, &error);
	CHECK(doc != NULL);
	yyjson_doc_free(doc);
	buf_free(&out);
}

// The text of a document makes the same document.
static void check_print(const struct gql_document *document) {
	struct arena arena;
	struct gql_document copy;
	struct gql_errors errors = {.count = 0};
	struct buf first, second;
	arena_init(&arena, 0);
	buf_init(&first, OUTPUT_MAX);
	buf_init(&second, OUTPUT_MAX);
	print_document(&first, document);
	CHECK(gql_parse(&arena, buf_view(&first), &copy, &errors));
	print_document(&second, &copy);
	CHECK(str_eq(buf_view(&first), buf_view(&second)));
	buf_free(&first);
	buf_free(&second);
	arena_free(&arena);
}

struct request {
	const struct gql_schema *schema;
	struct arena arena;
	yyjson_mut_doc *doc;
	yyjson_mut_val *variables;
};

// What is required is there, nothing else is.
static void check_inputs(const struct request *request, const struct gql_input *inputs, yyjson_mut_val *values) {
	size_t count = 0;
	for (const struct gql_input *input = inputs; input != NULL && input->name != NULL; input++) {
		yyjson_mut_val *value = yyjson_mut_obj_get(values, input->name);
		bool is_required = gql_ref_of_text(request->schema, input->type)->is_required;
		CHECK(value != NULL || !(is_required || input->fallback != NULL));
		CHECK(!is_required || !yyjson_mut_is_null(value));
		count += value != NULL;
	}
	CHECK(yyjson_mut_obj_size(values) == count);
}

static void coerce(const struct request *request, const struct gql_input *inputs, const struct gql_argument *arguments,
		   size_t count) {
	struct gql_errors errors = {.count = 0};
	yyjson_mut_val *values = gql_coerce_arguments(request->schema, request->doc, inputs, arguments, count,
						      request->variables, &errors);
	if (values == NULL) {
		check_errors(&errors, "GRAPHQL_VALIDATION_FAILED");
	} else {
		CHECK(errors.count == 0);
		check_inputs(request, inputs, values);
	}
}

// As the text stands, without following spreads.
static void check_selections(const struct request *request, const struct gql_selections *selections) {
	for (size_t i = 0; i < selections->count; i++) {
		const struct gql_selection *item = &selections->items[i];
		CHECK((item->kind == GQL_SELECTION_FIELD) == (item->field != NULL));
		CHECK((item->kind == GQL_SELECTION_SPREAD) == (item->fragment != NULL));
		if (item->field != NULL) coerce(request, item->field->arguments, item->arguments, item->argument_count);
		for (size_t k = 0; k < item->directive_count; k++) {
			const struct gql_directive *directive = &item->directives[k];
			coerce(request, gql_directive_find(directive->name)->arguments, directive->arguments,
			       directive->argument_count);
		}
		check_selections(request, &item->children);
	}
}

static void check_operation(struct request *request, const struct gql_document *document,
			    const struct gql_operation *operation, yyjson_val *given) {
	struct gql_errors errors = {.count = 0};
	CHECK(gql_depth(operation) <= GQL_NESTING_MAX);
	request->doc = yyjson_mut_doc_new(NULL);
	request->variables =
		gql_coerce_variables(request->schema, &request->arena, request->doc, operation, given, &errors);
	if (request->variables == NULL) {
		check_errors(&errors, "GRAPHQL_VALIDATION_FAILED");
	} else {
		CHECK(errors.count == 0);
		check_selections(request, &operation->selections);
		// Variables of other operations have no value here, as if they were not given.
		for (size_t i = 0; i < document->fragment_count && document->operation_count == 1; i++)
			check_selections(request, &document->fragments[i].selections);
	}
	yyjson_mut_doc_free(request->doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct gql_schema *schema;
	struct str text, json = STR("");
	struct error error;
	struct gql_errors errors = {.count = 0};
	struct gql_document document;
	if (schema == NULL) schema = small_schema_new();
	struct request request = {.schema = schema};
	(void)str_cut(str_make(data, size), '\0', &text, &json);
	yyjson_doc *given = json_read(json, false, NULL, &error);
	arena_init(&request.arena, 0);
	if (!gql_parse(&request.arena, text, &document, &errors)) {
		check_errors(&errors, "GRAPHQL_PARSE_FAILED");
	} else {
		check_print(&document);
		if (!gql_validate(schema, &request.arena, &document, &errors)) {
			check_errors(&errors, "GRAPHQL_VALIDATION_FAILED");
		} else {
			for (size_t i = 0; i < document.operation_count; i++)
				check_operation(&request, &document, &document.operations[i],
						yyjson_doc_get_root(given));
		}
	}
	arena_free(&request.arena);
	yyjson_doc_free(given);
	return 0;
}
