#include "ask.h"

// What graphql-js 16 asks with all options on.
static const char stock_query[] =
	"query IntrospectionQuery {__schema {"
	"  description queryType {name kind} mutationType {name kind} subscriptionType {name kind}"
	"  types {...FullType}"
	"  directives {name description isRepeatable locations args(includeDeprecated: true) {...InputValue}}"
	"}}"
	"fragment FullType on __Type {"
	"  kind name description specifiedByURL isOneOf"
	"  fields(includeDeprecated: true) {"
	"    name description args(includeDeprecated: true) {...InputValue} type {...TypeRef}"
	"    isDeprecated deprecationReason"
	"  }"
	"  inputFields(includeDeprecated: true) {...InputValue}"
	"  interfaces {...TypeRef}"
	"  enumValues(includeDeprecated: true) {name description isDeprecated deprecationReason}"
	"  possibleTypes {...TypeRef}"
	"}"
	"fragment InputValue on __InputValue {"
	"  name description type {...TypeRef} defaultValue isDeprecated deprecationReason"
	"}"
	"fragment TypeRef on __Type {kind name ofType {name kind ofType {name kind ofType {name kind"
	"  ofType {name kind ofType {name kind ofType {name kind ofType {name kind ofType {name kind"
	"  ofType {name kind}}}}}}}}}}";

static yyjson_doc *read_answer(const char *query) {
	struct buf out;
	struct error error;
	buf_init(&out, SIZE_MAX);
	assert_int_equal(ask(&(struct question){.query = query}, NULL, &out), 200);
	yyjson_doc *doc = json_read(buf_view(&out), false, NULL, &error);
	assert_non_null(doc);
	assert_null(yyjson_obj_get(yyjson_doc_get_root(doc), "errors"));
	buf_free(&out);
	return doc;
}

static void expect_data(const char *query, const char *body) {
	expect(&(struct question){.query = query}, NULL, 200, body);
}

static void types_are_described(void **state) {
	(void)state;
	expect_data("{__type(name: \"Nope\") {name}}", "{\"data\":{\"__type\":null}}");
	expect_data(
		"{__type(name: \"Author\") {__typename kind name description fields {name type {kind name ofType {kind "
		"name}}}"
		" interfaces {name} possibleTypes {name} enumValues {name} inputFields {name} ofType {name} isOneOf}}",
		"{\"data\":{\"__type\":{\"__typename\":\"__Type\",\"kind\":\"OBJECT\",\"name\":\"Author\","
		"\"description\":null,\"fields\":[{\"name\":\"name\",\"type\":{\"kind\":\"NON_NULL\",\"name\":null,"
		"\"ofType\":{\"kind\":\"SCALAR\",\"name\":\"String\"}}}],\"interfaces\":[],\"possibleTypes\":null,"
		"\"enumValues\":null,\"inputFields\":null,\"ofType\":null,\"isOneOf\":null}}}");
	expect_data(
		"{__type(name: \"Item\") {kind possibleTypes {name} fields {name} interfaces {name}}}",
		"{\"data\":{\"__type\":{\"kind\":\"UNION\",\"possibleTypes\":[{\"name\":\"Book\"},{\"name\":\"Film\"}],"
		"\"fields\":null,\"interfaces\":null}}}");
	expect_data("{__type(name: \"Range\") {kind isOneOf inputFields {name description defaultValue type {name "
		    "ofType {name}}}}}",
		    "{\"data\":{\"__type\":{\"kind\":\"INPUT_OBJECT\",\"isOneOf\":false,\"inputFields\":["
		    "{\"name\":\"from\",\"description\":\"The first page.\",\"defaultValue\":\"1\","
		    "\"type\":{\"name\":null,\"ofType\":{\"name\":\"Int\"}}},"
		    "{\"name\":\"until\",\"description\":null,\"defaultValue\":null,"
		    "\"type\":{\"name\":\"Int\",\"ofType\":null}}]}}}");
}

static void deprecated_things_are_shown_when_asked_for(void **state) {
	(void)state;
	expect_data("{__type(name: \"Genre\") {a: enumValues {name} b: enumValues(includeDeprecated: true) {"
		    "name isDeprecated deprecationReason}}}",
		    "{\"data\":{\"__type\":{\"a\":[{\"name\":\"NOVEL\"},{\"name\":\"POEM\"}],\"b\":["
		    "{\"name\":\"NOVEL\",\"isDeprecated\":false,\"deprecationReason\":null},"
		    "{\"name\":\"POEM\",\"isDeprecated\":false,\"deprecationReason\":null},"
		    "{\"name\":\"ESSAY\",\"isDeprecated\":true,\"deprecationReason\":\"No longer supported\"}]}}}");
	yyjson_doc *doc = read_answer("{__type(name: \"Book\") {a: fields {name} b: fields(includeDeprecated: true) {"
				      "name isDeprecated deprecationReason description}}}");
	yyjson_val *root = yyjson_doc_get_root(doc);
	assert_int_equal(yyjson_arr_size(yyjson_ptr_get(root, "/data/__type/a")), 12);
	assert_int_equal(yyjson_arr_size(yyjson_ptr_get(root, "/data/__type/b")), 13);
	assert_string_equal(yyjson_get_str(yyjson_ptr_get(root, "/data/__type/b/12/name")), "isbn");
	assert_true(yyjson_get_bool(yyjson_ptr_get(root, "/data/__type/b/12/isDeprecated")));
	assert_string_equal(yyjson_get_str(yyjson_ptr_get(root, "/data/__type/b/12/deprecationReason")), "use \"id\"");
	assert_string_equal(yyjson_get_str(yyjson_ptr_get(root, "/data/__type/b/12/description")), "A number.");
	yyjson_doc_free(doc);
}

static void arguments_are_described(void **state) {
	(void)state;
	yyjson_doc *doc =
		read_answer("{__type(name: \"Query\") {fields {name args {name defaultValue description type {...T}}}}}"
			    "fragment T on __Type {kind name ofType {kind name ofType {kind name}}}");
	yyjson_val *root = yyjson_doc_get_root(doc);
	char *text = yyjson_val_write(yyjson_ptr_get(root, "/data/__type/fields/0"), 0, NULL);
	assert_string_equal(
		text,
		"{\"name\":\"books\",\"args\":["
		"{\"name\":\"first\",\"defaultValue\":\"3\",\"description\":\"How "
		"many.\",\"type\":{\"kind\":\"NON_NULL\","
		"\"name\":null,\"ofType\":{\"kind\":\"SCALAR\",\"name\":\"Int\",\"ofType\":null}}},"
		"{\"name\":\"genres\",\"defaultValue\":\"[NOVEL]\",\"description\":null,\"type\":{\"kind\":\"LIST\","
		"\"name\":null,\"ofType\":{\"kind\":\"NON_NULL\",\"name\":null,\"ofType\":{\"kind\":\"ENUM\","
		"\"name\":\"Genre\"}}}},"
		"{\"name\":\"range\",\"defaultValue\":null,\"description\":null,\"type\":{\"kind\":\"INPUT_OBJECT\","
		"\"name\":\"Range\",\"ofType\":null}}]}");
	free(text);
	yyjson_doc_free(doc);
}

static void directives_are_listed(void **state) {
	(void)state;
	expect_data(
		"{__schema {directives {name isRepeatable locations args {name defaultValue type {kind name}}}}}",
		"{\"data\":{\"__schema\":{\"directives\":["
		"{\"name\":\"include\",\"isRepeatable\":false,\"locations\":[\"FIELD\",\"FRAGMENT_SPREAD\",\"INLINE_"
		"FRAGMENT\"],"
		"\"args\":[{\"name\":\"if\",\"defaultValue\":null,\"type\":{\"kind\":\"NON_NULL\",\"name\":null}}]},"
		"{\"name\":\"skip\",\"isRepeatable\":false,\"locations\":[\"FIELD\",\"FRAGMENT_SPREAD\",\"INLINE_"
		"FRAGMENT\"],"
		"\"args\":[{\"name\":\"if\",\"defaultValue\":null,\"type\":{\"kind\":\"NON_NULL\",\"name\":null}}]},"
		"{\"name\":\"deprecated\",\"isRepeatable\":false,\"locations\":[\"FIELD_DEFINITION\",\"ARGUMENT_"
		"DEFINITION\","
		"\"INPUT_FIELD_DEFINITION\",\"ENUM_VALUE\"],\"args\":[{\"name\":\"reason\","
		"\"defaultValue\":\"\\\"No longer "
		"supported\\\"\",\"type\":{\"kind\":\"SCALAR\",\"name\":\"String\"}}]},"
		"{\"name\":\"specifiedBy\",\"isRepeatable\":false,\"locations\":[\"SCALAR\"],"
		"\"args\":[{\"name\":\"url\",\"defaultValue\":null,\"type\":{\"kind\":\"NON_NULL\",\"name\":null}}]},"
		"{\"name\":\"defer\",\"isRepeatable\":false,\"locations\":[\"FRAGMENT_SPREAD\",\"INLINE_FRAGMENT\"],"
		"\"args\":[{\"name\":\"if\",\"defaultValue\":\"true\",\"type\":{\"kind\":\"SCALAR\",\"name\":"
		"\"Boolean\"}},"
		"{\"name\":\"label\",\"defaultValue\":null,\"type\":{\"kind\":\"SCALAR\",\"name\":\"String\"}}]}]}}}");
}

// ---- the whole schema ----------------------------------------------------------------------------------------------

static yyjson_val *type_named(yyjson_val *types, const char *name) {
	yyjson_val *type;
	yyjson_arr_iter iter = yyjson_arr_iter_with(types);
	while ((type = yyjson_arr_iter_next(&iter)) != NULL) {
		if (yyjson_equals_str(yyjson_obj_get(type, "name"), name)) return type;
	}
	return NULL;
}

// Every reference ends at a type of the list that has the kind which the reference says.
static void expect_references_known(yyjson_val *types, yyjson_val *value) {
	if (yyjson_is_obj(value) && yyjson_obj_get(value, "ofType") != NULL) {
		yyjson_val *kind = yyjson_obj_get(value, "kind");
		bool is_wrapper = yyjson_equals_str(kind, "LIST") || yyjson_equals_str(kind, "NON_NULL");
		yyjson_val *name = yyjson_obj_get(value, "name");
		assert_int_equal(is_wrapper, yyjson_is_null(name));
		assert_int_equal(is_wrapper, yyjson_is_obj(yyjson_obj_get(value, "ofType")));
		if (!is_wrapper) {
			yyjson_val *type = type_named(types, yyjson_get_str(name));
			assert_non_null(type);
			assert_true(yyjson_equals(yyjson_obj_get(type, "kind"), kind));
		}
	}
	size_t i, max;
	yyjson_val *key, *item;
	yyjson_obj_foreach(value, i, max, key, item) expect_references_known(types, item);
	yyjson_arr_foreach(value, i, max, item) expect_references_known(types, item);
}

static void a_stock_client_learns_the_schema(void **state) {
	(void)state;
	yyjson_doc *doc = read_answer(stock_query);
	yyjson_val *schema = yyjson_ptr_get(yyjson_doc_get_root(doc), "/data/__schema");
	yyjson_val *types = yyjson_obj_get(schema, "types");
	assert_int_equal(yyjson_arr_size(types), ARRAY_LEN(library) + 5 + 8);
	assert_string_equal(yyjson_get_str(yyjson_ptr_get(schema, "/queryType/name")), "Query");
	assert_string_equal(yyjson_get_str(yyjson_ptr_get(schema, "/mutationType/name")), "Mutation");
	assert_true(yyjson_is_null(yyjson_obj_get(schema, "subscriptionType")));
	static const char *const some[] = {
		"Anything",    "Item",        "Range",        "String",     "ID",
		"__Schema",    "__Type",      "__Field",      "__TypeKind", "__DirectiveLocation",
		"__EnumValue", "__Directive", "__InputValue",
	};
	for (size_t i = 0; i < ARRAY_LEN(some); i++) assert_non_null(type_named(types, some[i]));
	expect_references_known(types, schema);
	yyjson_doc_free(doc);
}

// References can be followed for ever, and each step multiplies; the cost puts an end to it.
static void following_references_has_an_end(void **state) {
	(void)state;
	struct buf query, out;
	buf_init(&query, SIZE_MAX);
	buf_init(&out, SIZE_MAX);
	buf_lit(&query, "{__type(name: \"Book\") {...F0}}");
	for (int i = 0; i < 30; i++) {
		buf_printf(&query, "fragment F%d on __Type {fields {", i);
		buf_printf(&query, "a: type {ofType {...F%d}} b: type {ofType {...F%d}}}}", i + 1, i + 1);
	}
	buf_lit(&query, "fragment F30 on __Type {name}");
	buf_byte(&query, '\0');
	assert_int_equal(ask(&(struct question){.query = query.ptr, .limits = {.cost = 20000}}, NULL, &out), 200);
	assert_true(str_eq(buf_view(&out),
			   STR("{\"errors\":[{\"message\":\"the response would be too large\"}],\"data\":null}")));
	buf_free(&query);
	buf_free(&out);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_are_described),
		cmocka_unit_test(deprecated_things_are_shown_when_asked_for),
		cmocka_unit_test(arguments_are_described),
		cmocka_unit_test(directives_are_listed),
		cmocka_unit_test(a_stock_client_learns_the_schema),
		cmocka_unit_test(following_references_has_an_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
