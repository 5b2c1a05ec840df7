// Variables from JSON, and arguments from literals and variables: results as canonical JSON.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "graphql/internal.h"
#include "small_schema.h"

struct request {
	struct arena arena;
	struct gql_schema *schema;
	struct gql_document document;
	struct gql_errors errors;
	yyjson_doc *given;
	yyjson_mut_doc *doc;
	yyjson_mut_val *variables;
};

static void open_request(struct request *request, const char *text, const char *json) {
	struct error error;
	*request = (struct request){.schema = small_schema_new()};
	arena_init(&request->arena, 0);
	bool good = gql_parse(&request->arena, str_from_cstr(text), &request->document, &request->errors) &&
		    gql_validate(request->schema, &request->arena, &request->document, &request->errors);
	if (!good) print_error("%s: %.*s\n", text, STR_ARG(request->errors.items[0].message));
	assert_true(good);
	request->given = json_read(str_from_cstr(json), false, NULL, &error);
	assert_non_null(request->given);
	request->doc = yyjson_mut_doc_new(NULL);
	request->variables =
		gql_coerce_variables(request->schema, &request->arena, request->doc, &request->document.operations[0],
				     yyjson_doc_get_root(request->given), &request->errors);
	assert_int_equal(request->variables != NULL, request->errors.count == 0);
}

static void close_request(struct request *request) {
	yyjson_mut_doc_free(request->doc);
	yyjson_doc_free(request->given);
	arena_free(&request->arena);
	gql_schema_free(request->schema);
}

static void json_is(yyjson_mut_val *value, const char *expected) {
	size_t len;
	char *text = yyjson_mut_val_write(value, 0, &len);
	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void errors_are(const struct gql_errors *errors, const char *expected) {
	struct buf out;
	buf_init(&out, 1u << 20);
	gql_errors_write(&out, errors);
	buf_byte(&out, '\0');
	assert_string_equal(out.ptr, expected);
	buf_free(&out);
}

// The operation is "query(DEFINITIONS)" with a use of each variable.
static void given(const char *text, const char *json, const char *expected) {
	struct request request;
	open_request(&request, text, json);
	if (request.variables == NULL) errors_are(&request.errors, "[]");
	json_is(request.variables, expected);
	close_request(&request);
}
static void refused(const char *text, const char *json, const char *errors) {
	struct request request;
	open_request(&request, text, json);
	assert_null(request.variables);
	errors_are(&request.errors, errors);
	close_request(&request);
}
#define ERROR(path, message)                                                                                           \
	"{\"message\":\"" message "\",\"path\":[\"variable\"," path "],\"extensions\":{\"code\":\"GRAPHQL_VALIDATION_" \
	"FAILED\"}}"

#define ECHO(type, argument) "query($a:" type "){echo(" argument ":$a)}"
#define RUNS "query($f:RunsFilter!){runs(orderBy:[] filter:$f){id}}"

static void test_scalars(void **state) {
	(void)state;
	given(ECHO("Int", "int"), "{}", "{}");
	given(ECHO("Int", "int"), "null", "{}");
	given(ECHO("Int", "int"), "{\"a\":null,\"b\":1}", "{\"a\":null}");
	given(ECHO("Int", "int"), "{\"a\":-2147483648}", "{\"a\":-2147483648}");
	given(ECHO("Int", "int"), "{\"a\":1,\"a\":5.0}", "{\"a\":5}");
	given(ECHO("Float", "float"), "{\"a\":5}", "{\"a\":5.0}");
	given(ECHO("Float", "float"), "{\"a\":1.5e3}", "{\"a\":1500.0}");
	given(ECHO("String", "text"), "{\"a\":\"x\\u00e9\"}", "{\"a\":\"x\xc3\xa9\"}");
	given(ECHO("Boolean", "yes"), "{\"a\":false}", "{\"a\":false}");
	given(ECHO("ID", "id"), "{\"a\":\"x\"}", "{\"a\":\"x\"}");
	given(ECHO("ID", "id"), "{\"a\":18446744073709551615}", "{\"a\":\"18446744073709551615\"}");
	given(ECHO("ID", "id"), "{\"a\":-5}", "{\"a\":\"-5\"}");
	given(ECHO("Map", "map"), "{\"a\":{\"x\":[1,{\"y\":null}]}}", "{\"a\":{\"x\":[1,{\"y\":null}]}}");
	given(ECHO("Unknown", "any"), "{\"a\":[1]}", "{\"a\":[1]}");
}

static void test_scalar_mistakes(void **state) {
	(void)state;
	refused(ECHO("Int", "int"), "{\"a\":\"1\"}", "[" ERROR("\"a\"", "cannot use string as Int") "]");
	refused(ECHO("Int", "int"), "{\"a\":1.5}", "[" ERROR("\"a\"", "cannot use number as Int") "]");
	refused(ECHO("Int", "int"), "{\"a\":2147483648}", "[" ERROR("\"a\"", "cannot use number as Int") "]");
	refused(ECHO("Int", "int"), "{\"a\":[1]}", "[" ERROR("\"a\"", "cannot use list as Int") "]");
	refused(ECHO("Float", "float"), "{\"a\":true}", "[" ERROR("\"a\"", "cannot use bool as Float") "]");
	refused(ECHO("String", "text"), "{\"a\":1}", "[" ERROR("\"a\"", "cannot use number as String") "]");
	refused(ECHO("Boolean", "yes"), "{\"a\":\"true\"}", "[" ERROR("\"a\"", "cannot use string as Boolean") "]");
	refused(ECHO("ID", "id"), "{\"a\":1.5}", "[" ERROR("\"a\"", "cannot use number as ID") "]");
	refused(ECHO("Map", "map"), "{\"a\":1}", "[" ERROR("\"a\"", "cannot use number as Map") "]");
	refused(ECHO("Map", "map"), "{\"a\":[]}", "[" ERROR("\"a\"", "cannot use list as Map") "]");
	refused(ECHO("Int!", "int"), "{\"a\":null}", "[" ERROR("\"a\"", "cannot be null") "]");
	refused(ECHO("Int!", "int"), "{}", "[" ERROR("\"a\"", "must be defined") "]");
	refused("query($i:UUID! $a:AppMethod!){app(id:$i){id} apps(method:$a){id}}", "{\"i\":\"x\",\"a\":\"serve\"}",
		"[" ERROR("\"i\"", "cannot use string as UUID") "," ERROR("\"a\"",
									  "serve is not a valid AppMethod") "]");
	refused("query($a:AppMethod){apps(method:$a){id}}", "{\"a\":1}",
		"[" ERROR("\"a\"", "cannot use number as AppMethod") "]");
}

static void test_lists(void **state) {
	(void)state;
	given(ECHO("[Int!]", "ints"), "{\"a\":[1,2]}", "{\"a\":[1,2]}");
	given(ECHO("[Int!]", "ints"), "{\"a\":3}", "{\"a\":[3]}");
	given(ECHO("[Int!]", "ints"), "{\"a\":null}", "{\"a\":null}");
	given(ECHO("[[Int]]", "grid"), "{\"a\":1}", "{\"a\":[[1]]}");
	given(ECHO("[[Int]]", "grid"), "{\"a\":[1,[2,null],null]}", "{\"a\":[[1],[2,null],null]}");
	refused(ECHO("[Int!]", "ints"), "{\"a\":[1,null,\"x\"]}",
		"[" ERROR("\"a\",1", "cannot be null") "," ERROR("\"a\",2", "cannot use string as Int") "]");
	refused(ECHO("[[Int]]", "grid"), "{\"a\":[[1],[2,[3]]]}", "[" ERROR("\"a\",1,1", "cannot use list as Int") "]");
}

static void test_inputs(void **state) {
	(void)state;
	given(RUNS, "{\"f\":{\"from\":\"1T\"}}", "{\"f\":{\"from\":\"1T\",\"timeField\":\"QUEUED_AT\",\"limit\":20}}");
	given(RUNS, "{\"f\":{\"until\":null,\"timeField\":null,\"from\":\"1T\",\"limit\":1,\"methods\":\"API\"}}",
	      "{\"f\":{\"from\":\"1T\",\"until\":null,\"timeField\":null,\"methods\":[\"API\"],\"limit\":1}}");
	refused(RUNS, "{\"f\":{}}", "[" ERROR("\"f\",\"from\"", "must be defined") "]");
	refused(RUNS, "{\"f\":{\"from\":null,\"limit\":null}}",
		"[" ERROR("\"f\",\"from\"", "cannot be null") "," ERROR("\"f\",\"limit\"", "cannot be null") "]");
	refused(RUNS, "{\"f\":{\"from\":\"1\",\"inner\":{\"from\":\"1T\",\"methods\":[\"API\",\"X\"]},\"<b>\":1}}",
		"[" ERROR("\"f\",\"\\u003cb\\u003e\"", "unknown field") "," ERROR(
			"\"f\",\"from\"", "not a time") "," ERROR("\"f\",\"inner\",\"methods\",1",
								  "X is not a valid AppMethod") "]");
	refused(RUNS, "{\"f\":[]}", "[" ERROR("\"f\"", "must be a RunsFilter") "]");
}

static void test_fallbacks(void **state) {
	(void)state;
	given("query($a:Int=5 $b:[Int!]=6 $f:RunsFilter={from:\"1T\" methods:[API]}){echo(int:$a ints:$b) "
	      "runs(orderBy:[] filter:$f){id}}",
	      "{}",
	      "{\"a\":5,\"b\":[6],\"f\":{\"from\":\"1T\",\"timeField\":\"QUEUED_AT\",\"methods\":[\"API\"],"
	      "\"limit\":20}}");
	given("query($a:Int=5){echo(int:$a)}", "{\"a\":null}", "{\"a\":null}");
	given("query($a:Int=5){echo(int:$a)}", "{\"a\":6}", "{\"a\":6}");
	given("query($a:Map={a:[1,2.5,\"x\",Y,true,null,{b:{}}]}){echo(map:$a)}", "{}",
	      "{\"a\":{\"a\":[1,2.5,\"x\",\"Y\",true,null,{\"b\":{}}]}}");
}

static void test_many(void **state) {
	struct buf json;
	struct request request;
	(void)state;
	buf_init(&json, 1u << 22);
	buf_lit(&json, "{\"a\":[");
	for (int i = 0; i < 100000; i++) buf_lit(&json, "\"x\",");
	buf_lit(&json, "1]}");
	buf_byte(&json, '\0');
	open_request(&request, ECHO("[Int!]", "ints"), json.ptr);
	assert_int_equal(request.errors.count, GQL_ERRORS_MAX);
	close_request(&request);
	buf_clear(&json);
	buf_lit(&json, "{\"a\":");
	for (int i = 0; i < 900; i++) buf_lit(&json, "[");
	buf_byte(&json, '1');
	for (int i = 0; i < 900; i++) buf_lit(&json, "]");
	buf_lit(&json, "}");
	buf_byte(&json, '\0');
	open_request(&request, ECHO("Unknown", "any"), json.ptr);
	assert_int_equal(request.errors.count, 0);
	close_request(&request);
	buf_free(&json);
}

// ---- arguments -----------------------------------------------------------------------------------------------------

static yyjson_mut_val *arguments_of(struct request *request) {
	const struct gql_selection *field = &request->document.operations[0].selections.items[0];
	return gql_coerce_arguments(request->schema, request->doc, field->field->arguments, field->arguments,
				    field->argument_count, request->variables, &request->errors);
}

static void called(const char *text, const char *json, const char *expected) {
	struct request request;
	open_request(&request, text, json);
	yyjson_mut_val *found = arguments_of(&request);
	if (found == NULL) errors_are(&request.errors, "[]");
	json_is(found, expected);
	close_request(&request);
}
static void call_refused(const char *text, const char *json, const char *errors) {
	struct request request;
	open_request(&request, text, json);
	assert_null(arguments_of(&request));
	errors_are(&request.errors, errors);
	close_request(&request);
}

static void test_arguments(void **state) {
	(void)state;
	called("{echo}", "{}", "{\"texts\":[\"a\",null]}");
	called("{echo(texts:null yes:true)}", "{}", "{\"yes\":true,\"texts\":null}");
	called("{echo(int:1 float:2 text:\"\" id:3 map:{a:B} any:1.5 ints:4 grid:[5] texts:[])}", "{}",
	       "{\"int\":1,\"float\":2.0,\"text\":\"\",\"id\":\"3\",\"map\":{\"a\":\"B\"},\"any\":1.5,\"ints\":[4],"
	       "\"grid\":[[5]],\"texts\":[]}");
	called("{runs(orderBy:{field:ENDED_AT} filter:{from:\"1T\" inner:{from:\"2T\" limit:3}}){id}}", "{}",
	       "{\"first\":100,\"orderBy\":[{\"field\":\"ENDED_AT\",\"up\":false}],\"filter\":{\"from\":\"1T\","
	       "\"timeField\":\"QUEUED_AT\",\"limit\":20,\"inner\":{\"from\":\"2T\",\"timeField\":\"QUEUED_AT\","
	       "\"limit\":3}}}");
	called("{info{__typename}}", "{}", "{}");
}

static void test_variables_in_arguments(void **state) {
	(void)state;
	called("query($a:Int $b:[String]){echo(int:$a texts:$b)}", "{}", "{\"texts\":[\"a\",null]}");
	called("query($a:Int $b:[String]){echo(int:$a texts:$b)}", "{\"a\":null,\"b\":\"x\"}",
	       "{\"int\":null,\"texts\":[\"x\"]}");
	called("query($a:Int){echo(map:{a:$a b:[$a]} grid:[[$a]] texts:[])}", "{\"a\":7}",
	       "{\"map\":{\"a\":7,\"b\":[7]},\"grid\":[[7]],\"texts\":[]}");
	called("query($a:Int){echo(map:{a:$a} grid:[[$a] [1]] texts:[])}", "{}",
	       "{\"map\":{\"a\":null},\"grid\":[[null],[1]],\"texts\":[]}");
	called("query($a:Unknown){echo(any:$a map:{x:$a} texts:[])}", "{\"a\":{\"k\":[\"v\"]}}",
	       "{\"map\":{\"x\":{\"k\":[\"v\"]}},\"any\":{\"k\":[\"v\"]},\"texts\":[]}");
	called("query($a:Int $u:Boolean){runs(first:$a orderBy:[{field:QUEUED_AT up:$u}] filter:{from:\"1T\" limit:$a})"
	       "{id}}",
	       "{}",
	       "{\"first\":100,\"orderBy\":[{\"field\":\"QUEUED_AT\",\"up\":false}],\"filter\":{\"from\":\"1T\","
	       "\"timeField\":\"QUEUED_AT\",\"limit\":20}}");
}

static void test_nulls(void **state) {
	(void)state;
#define AT(column, message)                                                                                          \
	"[{\"message\":\"" message "\",\"locations\":[{\"line\":1,\"column\":" column "}],\"extensions\":{\"code\":" \
	"\"GRAPHQL_VALIDATION_FAILED\"}}]"
	call_refused("query($a:Int=1){runs(first:$a orderBy:[] filter:{from:\"1T\"}){id}}", "{\"a\":null}",
		     AT("28", "cannot be null"));
	call_refused("query($a:Boolean){runs(orderBy:{field:QUEUED_AT up:$a} filter:{from:\"1T\"}){id}}",
		     "{\"a\":null}", AT("52", "cannot be null"));
	call_refused("query($a:Int=1){echo(ints:[2,$a])}", "{\"a\":null}", AT("30", "cannot be null"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalars),   cmocka_unit_test(test_scalar_mistakes),
		cmocka_unit_test(test_lists),     cmocka_unit_test(test_inputs),
		cmocka_unit_test(test_fallbacks), cmocka_unit_test(test_many),
		cmocka_unit_test(test_arguments), cmocka_unit_test(test_variables_in_arguments),
		cmocka_unit_test(test_nulls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
