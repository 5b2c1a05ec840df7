#include "validation.h"

#define ALIASES ". Use different aliases on the fields to fetch both if this was intentional.\n"

static void test_same(void **state) {
	(void)state;
	is_valid("{apps{id id} apps{id name}}");
	is_valid("{a:echo(int:1 text:\"x\") a:echo(text:\"x\" int:1)}");
	is_valid("{a:echo(map:{a:1 b:[2]}) a:echo(map:{b:[2] a:1})}");
	is_valid("{apps{...F ...F id}} fragment F on App{id parent{id}}");
	is_valid("query($a:Int){echo(int:$a) ...{echo(int:$a)}}");
}

static void test_conflicts(void **state) {
	(void)state;
	finds("{apps{x:id x:name}}",
	      "1:7 Fields \"x\" conflict because \"id\" and \"name\" are different fields" ALIASES);
	finds("{echo(int:1) echo(int:2)}",
	      "1:2 Fields \"echo\" conflict because they have differing arguments" ALIASES);
	finds("{echo(int:1) echo}", "1:2 Fields \"echo\" conflict because they have differing arguments" ALIASES);
	finds("{echo(map:{a:1}) echo(map:{a:\"1\"})}",
	      "1:2 Fields \"echo\" conflict because they have differing arguments" ALIASES);
	finds("{echo(ints:[1,2]) echo(ints:[2,1])}",
	      "1:2 Fields \"echo\" conflict because they have differing arguments" ALIASES);
	finds("{apps{x:id ...F}} fragment F on App{x:name}",
	      "1:7 Fields \"x\" conflict because \"id\" and \"name\" are different fields" ALIASES);
	finds("{apps{x:id} apps{x:name}}", "1:2 Fields \"apps\" conflict because subfields \"x\" conflict because "
					   "\"id\" and \"name\" are different fields" ALIASES);
	finds("{apps{...F}} fragment F on App{parent{...G} parent{parent{x:url}}} fragment G on App{parent{x:id}}",
	      "1:32 Fields \"parent\" conflict because subfields \"parent\" conflict because subfields \"x\" conflict "
	      "because \"id\" and \"url\" are different fields" ALIASES);
	finds("query A{...F} query B{...F} fragment F on Query{apps{x:id x:url}}",
	      "1:54 Fields \"x\" conflict because \"id\" and \"url\" are different fields" ALIASES);
}

static void test_unions(void **state) {
	(void)state;
	is_valid("{info{...on InvokeInfo{stop x:app{y:id}} ...on SleepInfo{stop x:app{y:id}} __typename}}");
	// Never both in one object, and of one shape.
	is_valid("{info{...on InvokeInfo{x:app{a:url}} ...on SleepInfo{x:app{a:error}}}}");
	is_valid("{info{...on InvokeInfo{x:until} ...on SleepInfo{x:seconds}}}");
	finds("{info{...on InvokeInfo{until} ...on SleepInfo{until}}}",
	      "1:24 Fields \"until\" conflict because they return conflicting types \"Int\" and \"Time!\"" ALIASES);
	finds("{info{...on InvokeInfo{x:app{y:id}} ...on SleepInfo{x:app{y:name}}}}",
	      "1:24 Fields \"x\" conflict because subfields \"y\" conflict because they return conflicting types "
	      "\"ID!\" and \"String!\"" ALIASES);
	finds("{other{...on App{x:parent{id}} ...on SleepInfo{x:seconds}}}",
	      "1:18 Fields \"x\" conflict because they return conflicting types \"App\" and \"Int\"" ALIASES);
	finds("{other{...on App{x:parent{id}} ...on SleepInfo{x:app{id}}}}", "");
	finds("{other{...on App{x:parents{id}} ...on SleepInfo{x:app{id}}}}",
	      "1:18 Fields \"x\" conflict because they return conflicting types \"[App]\" and \"App\"" ALIASES);
	finds("{info{x:__typename ...on InvokeInfo{x:runID}}}",
	      "1:7 Fields \"x\" conflict because \"__typename\" and \"runID\" are different fields" ALIASES);
	is_valid("{info{x:__typename ...on InvokeInfo{x:__typename} ...on SleepInfo{x:__typename}}}");
}

// Returns what is said about it.
static struct str said(const struct buf *text, struct buf *out) {
	validate(buf_view(text), out);
	return buf_view(out);
}

static void test_many_fields(void **state) {
	struct buf text, out;
	(void)state;
	buf_init(&text, 1u << 20);
	buf_lit(&text, "{apps{id ");
	for (int i = 0; i < 4000; i++) buf_lit(&text, "parent{id}");
	buf_lit(&text, "}}");
	assert_int_equal(said(&text, &out).len, 0);
	buf_free(&out);
	buf_clear(&text);
	buf_byte(&text, '{');
	for (int i = 0; i < 3000; i++) buf_printf(&text, "echo(int:%d)", i);
	buf_byte(&text, '}');
	assert_true(str_find_str(said(&text, &out), STR("differing arguments")) > 0);
	buf_free(&out);
	buf_free(&text);
}

// An automaton of fragments: which of them meet depends on the last ten keys, so that there are 2^10 collections.
// Without a bound it would be any power of two.
static void test_many_collections(void **state) {
	struct buf text, out;
	(void)state;
	buf_init(&text, 1u << 20);
	buf_lit(&text, "{apps{...A0}}");
	for (int i = 0; i < 60; i++) {
		buf_printf(&text, "fragment A%d on App{a:parent{...A%d ...B%d_0} b:parent{...A%d}}", i, i + 1, i + 1,
			   i + 1);
		for (int k = 0; k < 10 && k < i; k++)
			buf_printf(&text, "fragment B%d_%d on App{a:parent{...B%d_%d} b:parent{...B%d_%d}}", i, k,
				   i + 1, k + 1, i + 1, k + 1);
		if (i > 10) buf_printf(&text, "fragment B%d_10 on App{id}", i);
	}
	buf_lit(&text, "fragment A60 on App{id}");
	for (int k = 0; k <= 10; k++) buf_printf(&text, "fragment B60_%d on App{id}", k);
	struct str found = said(&text, &out);
	if (str_find_str(found, STR("overlap too often")) < 0) print_error("%.*s\n", STR_ARG(str_first(found, 300)));
	assert_true(str_find_str(found, STR("overlap too often")) > 0);
	buf_free(&out);
	buf_free(&text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_conflicts),
		cmocka_unit_test(test_unions),
		cmocka_unit_test(test_many_fields),
		cmocka_unit_test(test_many_collections),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
