#include "validation.h"

static void test_fields(void **state) {
	(void)state;
	is_valid("{apps{id name functions{name app{id}}} __typename}");
	is_valid("{a:apps{x:id} info{__typename}}");
	finds("{apps{nope}}", "1:7 Cannot query field \"nope\" on type \"App\". Did you mean \"name\"?\n");
	finds("{apps{\n  zzzzzzz\n}}", "2:3 Cannot query field \"zzzzzzz\" on type \"App\".\n");
	finds("{apps{parentx}}",
	      "1:7 Cannot query field \"parentx\" on type \"App\". Did you mean \"parent\" or \"parents\"?\n");
	finds("{apps{nam: ID}}", "1:7 Cannot query field \"ID\" on type \"App\". Did you mean \"id\"?\n");
	finds("{info{until}}", "1:7 Cannot query field \"until\" on type \"StepInfo\". "
			       "Did you mean to use an inline fragment on \"InvokeInfo\" or \"SleepInfo\"?\n");
	finds("{info{nope{a(b:$c)}}}", "1:7 Cannot query field \"nope\" on type \"StepInfo\".\n"
				       "1:16 Variable \"$c\" is not defined.\n");
	finds("mutation{apps{id}}", "1:10 Cannot query field \"apps\" on type \"Mutation\".\n");
}

static void test_leaves(void **state) {
	(void)state;
	finds("{apps{name{x}}}",
	      "1:7 Field \"name\" must not have a selection since type \"String!\" has no subfields.\n");
	finds("{apps{functions{app}}}", "1:17 Field \"app\" of type \"App!\" must have a selection of subfields. "
					"Did you mean \"app { ... }\"?\n");
	finds("{apps{method{a} parent}}",
	      "1:7 Field \"method\" must not have a selection since type \"AppMethod!\" has no subfields.\n"
	      "1:17 Field \"parent\" of type \"App\" must have a selection of subfields. "
	      "Did you mean \"parent { ... }\"?\n");
}

static void test_introspection(void **state) {
	(void)state;
	is_valid("{__schema{types{name fields{name}}} __type(name:\"App\"){kind}}");
	finds("{apps{__schema{types{name}}}}", "1:7 Cannot query field \"__schema\" on type \"App\".\n");
	finds("{__type{name}}",
	      "1:2 Field \"__type\" argument \"name\" of type \"String!\" is required, but it was not provided.\n");
}

static void test_arguments(void **state) {
	(void)state;
	is_valid("{app(id:\"3b241101-e2bb-4255-8caf-4136c566a962\"){id}}");
	finds("{app{id}}",
	      "1:2 Field \"app\" argument \"id\" of type \"UUID!\" is required, but it was not provided.\n");
	finds("{apps(metod:API){id}}",
	      "1:7 Unknown argument \"metod\" on field \"Query.apps\". Did you mean \"method\"?\n");
	finds("{apps(method:API x:1 method:API){id}}", "1:22 There can be only one argument named \"method\".\n"
						       "1:18 Unknown argument \"x\" on field \"Query.apps\".\n");
	finds("{info(a:1 a:{b:1 b:2}){__typename}}", "1:11 There can be only one argument named \"a\".\n"
						     "1:7 Unknown argument \"a\" on field \"Query.info\".\n"
						     "1:11 Unknown argument \"a\" on field \"Query.info\".\n"
						     "1:18 There can be only one input field named \"b\".\n");
}

static void test_directives(void **state) {
	(void)state;
	is_valid("query($b:Boolean!){apps @include(if:$b) @skip(if:true){id ...@include(if:false){id} ...F@defer}}"
		 "fragment F on App{id}");
	is_valid("query($b:Boolean!){apps{id ...@defer(if:$b label:\"x\"){id}}}");
	finds("{apps @nope(a:1){id}}", "1:7 Unknown directive \"@nope\".\n");
	finds("{apps @skip{id}}", "1:7 Directive \"@skip\" argument \"if\" of type \"Boolean!\" is required, "
				  "but it was not provided.\n");
	finds("{apps @skip(if:1 of:2){id}}",
	      "1:16 Boolean cannot represent a non boolean value: 1\n"
	      "1:18 Unknown argument \"of\" on directive \"@skip\". Did you mean \"if\"?\n");
	finds("query @include(if:true){apps @deprecated {id}}",
	      "1:7 Directive \"@include\" may not be used on QUERY.\n"
	      "1:30 Directive \"@deprecated\" may not be used on FIELD.\n");
	finds("{apps{...F @specifiedBy(url:\"u\")}} fragment F on App @skip(if:true) {id}",
	      "1:12 Directive \"@specifiedBy\" may not be used on FRAGMENT_SPREAD.\n"
	      "1:54 Directive \"@skip\" may not be used on FRAGMENT_DEFINITION.\n");
	finds("mutation @skip(if:true) {invoke(slug:\"\") @skip(if:true) @skip(if:false)}",
	      "1:10 Directive \"@skip\" may not be used on MUTATION.\n"
	      "1:57 The directive \"@skip\" can only be used once at this location.\n");
	finds("query($a:Int@skip(if:true)){echo(int:$a)}",
	      "1:13 Directive \"@skip\" may not be used on VARIABLE_DEFINITION.\n");
}

static void test_operations(void **state) {
	(void)state;
	is_valid("query A{echo} query B{echo} mutation C{invoke(slug:\"\")}");
	finds("query A{echo} mutation A{invoke(slug:\"\")}", "1:15 There can be only one operation named \"A\".\n");
	finds("{echo} query A{echo} {echo}", "1:1 This anonymous operation must be the only defined operation.\n"
					     "1:22 This anonymous operation must be the only defined operation.\n");
	finds("subscription{a{b}}", "1:1 Schema does not support operation type \"subscription\"\n");
}

static void test_fragments(void **state) {
	(void)state;
	is_valid("{info{...F ...on SleepInfo{seconds} ...{__typename} ...on StepInfo{__typename} ...on OtherInfo{"
		 "__typename ...on SleepInfo{until}}}} fragment F on InvokeInfo{runID}");
	finds("{apps{...F}}", "1:7 Unknown fragment \"F\".\n");
	finds("{apps{id}} fragment F on App{id}", "1:12 Fragment \"F\" is never used.\n");
	finds("{apps{...F}} fragment F on App{id} fragment F on App{name}",
	      "1:36 There can be only one fragment named \"F\".\n");
	finds("{apps{...F ...on Int{a} ...on Apps{a}}} fragment F on AppMethod{id}",
	      "1:41 Fragment \"F\" cannot condition on non composite type \"AppMethod\".\n"
	      "1:12 Fragment cannot condition on non composite type \"Int\".\n"
	      "1:25 Unknown type \"Apps\". Did you mean \"App\"?\n");
	finds("{apps{...F ...on Function{name}}} fragment F on StepInfo{...on App{id}}",
	      "1:7 Fragment \"F\" cannot be spread here as objects of type \"App\" can never be of type \"StepInfo\".\n"
	      "1:12 Fragment cannot be spread here as objects of type \"App\" can never be of type \"Function\".\n"
	      "1:58 Fragment cannot be spread here as objects of type \"StepInfo\" can never be of type \"App\".\n");
}

static void test_cycles(void **state) {
	(void)state;
	finds("{apps{...A}} fragment A on App{parent{...A}}", "1:14 Cannot spread fragment \"A\" within itself.\n");
	finds("{apps{...A}} fragment A on App{...B} fragment B on App{...C} fragment C on App{id ...A}",
	      "1:62 Cannot spread fragment \"A\" within itself via \"B\", \"C\".\n");
	finds("fragment A on App{...B ...A} fragment B on App{...A} {apps{...B}}",
	      "1:30 Cannot spread fragment \"A\" within itself via \"B\".\n"
	      "1:1 Cannot spread fragment \"A\" within itself.\n");
}

// Fragments of which each spreads the next one.
static void chain(struct buf *out, size_t count, const char *open, const char *close) {
	buf_init(out, 1u << 20);
	buf_lit(out, "{apps{...F0}}");
	for (size_t i = 0; i < count; i++) buf_printf(out, "fragment F%zu on App{%s...F%zu%s}", i, open, i + 1, close);
	buf_printf(out, "fragment F%zu on App{id}", count);
}

static void test_deep_fragments(void **state) {
	struct buf text;
	(void)state;
	chain(&text, 190, "", "");
	finds_in(buf_view(&text), "");
	buf_free(&text);
	chain(&text, 90, "parent{", "}");
	finds_in(buf_view(&text), "");
	buf_free(&text);
	chain(&text, 2200, "", "");
	struct buf out;
	validate(buf_view(&text), &out);
	assert_true(str_find_str(buf_view(&out), STR("exceeds the nesting limit of 200.")) > 0);
	buf_free(&out);
	buf_free(&text);
	chain(&text, 199, "", "");
	finds_in(buf_view(&text), "1:1 The operation exceeds the nesting limit of 200.\n");
	buf_free(&text);
}

static size_t depth(const char *text) {
	struct arena arena;
	struct gql_document document;
	struct gql_errors errors = {.count = 0};
	struct gql_schema *schema = small_schema_new();
	arena_init(&arena, 0);
	assert_true(gql_parse(&arena, str_from_cstr(text), &document, &errors));
	if (!gql_validate(schema, &arena, &document, &errors)) print_error("%.*s\n", STR_ARG(errors.items[0].message));
	assert_int_equal(errors.count, 0);
	size_t found = gql_depth(&document.operations[0]);
	arena_free(&arena);
	gql_schema_free(schema);
	return found;
}

static void test_depth(void **state) {
	(void)state;
	assert_int_equal(depth("{echo}"), 1);
	assert_int_equal(depth("{echo apps{id parent{parent{id}}} info{__typename}}"), 4);
	assert_int_equal(depth("{__schema{types{fields{type{ofType{ofType{name}}}}}} __typename}"), 0);
	assert_int_equal(depth("{apps{...B ...{...on App{...A}}}} fragment A on App{parent{...B}} fragment B on App{"
			       "parent{id}}"),
			 4);
}

// Each fragment spreads the next one twice: 2^n ways.
static void test_doubling(void **state) {
	struct buf text;
	(void)state;
	buf_init(&text, 1u << 20);
	buf_lit(&text, "{apps{...F0}}");
	for (int i = 0; i < 80; i++)
		buf_printf(&text, "fragment F%d on App{a:parent{...F%d} b:parent{...F%d}}", i, i + 1, i + 1);
	buf_lit(&text, "fragment F80 on App{id}");
	finds_in(buf_view(&text), "");
	buf_free(&text);
}

static void test_many_errors(void **state) {
	struct buf text, out;
	(void)state;
	buf_init(&text, 1u << 20);
	buf_byte(&text, '{');
	for (int i = 0; i < 6000; i++) buf_printf(&text, "a%d:nope ", i);
	buf_byte(&text, '}');
	validate(buf_view(&text), &out);
	size_t lines = 0;
	for (size_t i = 0; i < out.len; i++) lines += out.ptr[i] == '\n';
	assert_int_equal(lines, GQL_ERRORS_MAX);
	buf_free(&out);
	buf_free(&text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),         cmocka_unit_test(test_leaves),
		cmocka_unit_test(test_introspection),  cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_directives),     cmocka_unit_test(test_operations),
		cmocka_unit_test(test_fragments),      cmocka_unit_test(test_cycles),
		cmocka_unit_test(test_deep_fragments), cmocka_unit_test(test_depth),
		cmocka_unit_test(test_doubling),       cmocka_unit_test(test_many_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
