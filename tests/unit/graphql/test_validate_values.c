#include "validation.h"

static void test_scalars(void **state) {
	(void)state;
	is_valid("{a:echo(int:-2147483648) b:echo(int:null) c:echo(float:1) d:echo(float:1.5e3) e:echo(id:1) "
		 "f:echo(id:\"x\")"
		 "g:echo(text:\"\") h:echo(yes:false) i:echo(any:[1,{a:X}]) j:echo(map:{a:{b:[]}})}");
}

static void test_scalar_mistakes(void **state) {
	(void)state;
	finds("{echo(int:\"1\")}", "1:11 Int cannot represent non-integer value: \"1\"\n");
	finds("{echo(int:1.0)}", "1:11 Int cannot represent non-integer value: 1.0\n");
	finds("{echo(int:2147483648)}", "1:11 Int cannot represent non 32-bit signed integer value: 2147483648\n");
	finds("{echo(float:\"1\")}", "1:13 Float cannot represent non numeric value: \"1\"\n");
	finds("{echo(float:1e999)}", "1:13 Float cannot represent non numeric value: 1e999\n");
	finds("{echo(text:1)}", "1:12 String cannot represent a non string value: 1\n");
	finds("{echo(text:X)}", "1:12 String cannot represent a non string value: X\n");
	finds("{echo(yes:\"true\")}", "1:11 Boolean cannot represent a non boolean value: \"true\"\n");
	finds("{echo(id:1.5)}", "1:10 ID cannot represent a non-string and non-integer value: 1.5\n");
	finds("{echo(int:[1, {a: \"b\", c: null}])}",
	      "1:11 Int cannot represent non-integer value: [1, {a: \"b\", c: null}]\n");
	finds("{echo(map:1)}", "1:11 Expected value of type \"Map\", found 1.\n");
	finds("{echo(any:1e999)}", "1:11 Expected value of type \"Unknown\", found 1e999.\n");
	finds("{app(id:\"x\"){id}}", "1:9 Expected value of type \"UUID\", found \"x\".\n");
	finds("{app(id:null){id}}", "1:9 Expected value of type \"UUID!\", found null.\n");
}

static void test_lists(void **state) {
	(void)state;
	is_valid("{a:echo(ints:[1,2]) b:echo(ints:3) c:echo(ints:[]) d:echo(grid:1) e:echo(grid:[1,[2,null],null])}");
	finds("{echo(ints:[1,null,\"x\"])}", "1:15 Expected value of type \"Int!\", found null.\n"
					     "1:20 Int cannot represent non-integer value: \"x\"\n");
	finds("{echo(grid:[[[1]]])}", "1:14 Int cannot represent non-integer value: [1]\n");
}

static void test_enums(void **state) {
	(void)state;
	is_valid("{apps(method:API){id}}");
	finds("{apps(method:SERV){id}}",
	      "1:14 Value \"SERV\" does not exist in \"AppMethod\" enum. Did you mean the enum value \"SERVE\"?\n");
	finds("{apps(method:\"API\"){id}}", "1:14 Enum \"AppMethod\" cannot represent non-enum value: \"API\". "
					    "Did you mean the enum value \"API\"?\n");
	finds("{apps(method:1){id}}", "1:14 Enum \"AppMethod\" cannot represent non-enum value: 1.\n");
}

static void test_inputs(void **state) {
	(void)state;
	is_valid("{runs(orderBy:{field:QUEUED_AT} filter:{from:\"2026T\" methods:API inner:{from:\"1T\"}}){id}}");
	finds("{runs(orderBy:[] filter:{}){id}}",
	      "1:25 Field \"RunsFilter.from\" of required type \"Time!\" was not provided.\n");
	finds("{runs(orderBy:[{field:X},1,{up:true}] filter:{from:\"x\"}){id}}",
	      "1:23 Value \"X\" does not exist in \"OrderField\" enum.\n"
	      "1:26 Expected value of type \"OrderBy\", found 1.\n"
	      "1:28 Field \"OrderBy.field\" of required type \"OrderField!\" was not provided.\n"
	      "1:52 Expected value of type \"Time\", found \"x\". not a time\n");
	finds("{runs(orderBy:[] filter:{from:\"1T\" unti:1 limit:null from:\"1T\"}){id}}",
	      "1:54 There can be only one input field named \"from\".\n"
	      "1:36 Field \"unti\" is not defined by type \"RunsFilter\". Did you mean \"until\"?\n"
	      "1:49 Expected value of type \"Int!\", found null.\n");
	finds("mutation{invoke(slug:\"a\" data:{a:1 a:2})}", "1:36 There can be only one input field named \"a\".\n");
}

static void test_long_values(void **state) {
	struct buf text, out;
	(void)state;
	buf_init(&text, 1u << 20);
	buf_lit(&text, "{echo(int:\"");
	for (int i = 0; i < 10000; i++) buf_lit(&text, "\xc3\xa9");
	buf_lit(&text, "\" text:[");
	for (int i = 0; i < 2500; i++) buf_lit(&text, "[{a:1}],");
	buf_lit(&text, "])}");
	validate(buf_view(&text), &out);
	assert_true(str_starts_with(buf_view(&out), STR("1:11 Int cannot represent non-integer value: \"")));
	assert_true(out.len < 500);
	assert_int_equal(str_utf8_prefix(buf_view(&out)), out.len);
	buf_free(&out);
	buf_free(&text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalars), cmocka_unit_test(test_scalar_mistakes),
		cmocka_unit_test(test_lists),   cmocka_unit_test(test_enums),
		cmocka_unit_test(test_inputs),  cmocka_unit_test(test_long_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
