#include "validation.h"

static void test_definitions(void **state) {
	(void)state;
	is_valid("query($a:Int=1 $b:[Int!]=[1] $c:RunsFilter={from:\"1T\"}){a:echo(int:$a ints:$b) "
		 "runs(orderBy:[] filter:$c){id}}");
	finds("query($a:Int $a:Int){echo(int:$a)}", "1:14 There can be only one variable named \"$a\".\n");
	finds("query($a:[App!] $b:Integ $c:StepInfo!){echo(int:$a ints:$b text:$c)}",
	      "1:7 Variable \"$a\" cannot be non-input type \"[App!]\".\n"
	      "1:17 Unknown type \"Integ\". Did you mean \"Int\"?\n"
	      "1:26 Variable \"$c\" cannot be non-input type \"StepInfo!\".\n");
	finds("query($a:Int=\"x\" $b:[Int!]=[null] $c:OrderBy={up:1}){echo(int:$a ints:$b) runs(orderBy:$c filter:{"
	      "from:\"1T\"}){id}}",
	      "1:14 Int cannot represent non-integer value: \"x\"\n"
	      "1:29 Expected value of type \"Int!\", found null.\n"
	      "1:50 Boolean cannot represent a non boolean value: 1\n"
	      "1:46 Field \"OrderBy.field\" of required type \"OrderField!\" was not provided.\n"
	      "1:88 Variable \"$c\" of type \"OrderBy\" used in position expecting type \"[OrderBy!]!\".\n");
}

static void test_use(void **state) {
	(void)state;
	is_valid("query($a:Int){echo(int:$a)}");
	is_valid("query($a:Boolean!){apps @skip(if:$a){...F}} fragment F on App{functions{...G @skip(if:$a)}} "
		 "fragment G on Function{id @include(if:$a)}");
	finds("query($a:Int){echo}", "1:7 Variable \"$a\" is never used.\n");
	finds("query Q($a:Int){echo}", "1:9 Variable \"$a\" is never used in operation \"Q\".\n");
	finds("{echo(int:$a)}", "1:11 Variable \"$a\" is not defined.\n");
	finds("query Q{echo(int:$a)}", "1:18 Variable \"$a\" is not defined by operation \"Q\".\n");
	finds("query A($a:Int){...F} query B{...F} query C($a:Int $b:Int){...F} fragment F on Query{...G} "
	      "fragment G on Query{echo(int:$a)}",
	      "1:121 Variable \"$a\" is not defined by operation \"B\".\n"
	      "1:52 Variable \"$b\" is never used in operation \"C\".\n");
	finds("query($a:Int){...F} fragment F on Query{x:nope(a:[{b:$a c:$b}])}",
	      "1:41 Cannot query field \"nope\" on type \"Query\".\n"
	      "1:59 Variable \"$b\" is not defined.\n");
}

static void test_positions(void **state) {
	(void)state;
	is_valid("query($a:Int! $b:[Int!]! $c:[[Int!]]){echo(int:$a ints:$b grid:$c)}");
	is_valid("query($a:Int=1 $f:Time! $o:OrderField=QUEUED_AT){runs(first:$a orderBy:{field:$o} filter:{from:$f})"
		 "{id}}");
	is_valid("query($a:Int $b:Boolean){runs(first:$a orderBy:[{field:QUEUED_AT up:$b}] filter:{from:\"1T\"}){id}}");
	is_valid("query($a:Int $b:Unknown $c:Int!){echo(grid:[[$a]] any:$b ints:[$c] map:{x:$a})}");
	finds("query($a:String){echo(int:$a)}",
	      "1:27 Variable \"$a\" of type \"String\" used in position expecting type \"Int\".\n");
	finds("query($a:Int){echo(ints:$a)}",
	      "1:25 Variable \"$a\" of type \"Int\" used in position expecting type \"[Int!]\".\n");
	finds("query($a:[Int]){echo(ints:$a)}",
	      "1:27 Variable \"$a\" of type \"[Int]\" used in position expecting type \"[Int!]\".\n");
	finds("query($a:[Int!]){echo(int:$a)}",
	      "1:27 Variable \"$a\" of type \"[Int!]\" used in position expecting type \"Int\".\n");
	finds("query($a:UUID){app(id:$a){id}}",
	      "1:23 Variable \"$a\" of type \"UUID\" used in position expecting type \"UUID!\".\n");
	finds("query($a:UUID=null){app(id:$a){id}}",
	      "1:28 Variable \"$a\" of type \"UUID\" used in position expecting type \"UUID!\".\n");
	finds("query($a:Int){echo(ints:[1,$a])}",
	      "1:28 Variable \"$a\" of type \"Int\" used in position expecting type \"Int!\".\n");
	finds("query($a:Time){runs(orderBy:[] filter:{from:$a}){id}}",
	      "1:45 Variable \"$a\" of type \"Time\" used in position expecting type \"Time!\".\n");
	finds("query($a:Boolean){echo @skip(if:$a)}",
	      "1:33 Variable \"$a\" of type \"Boolean\" used in position expecting type \"Boolean!\".\n");
}

// Operations that all reach the same fragments.
static void test_many(void **state) {
	struct buf text, out;
	(void)state;
	buf_init(&text, 1u << 20);
	for (int i = 0; i < 1000; i++) buf_printf(&text, "query Q%d($v:Int){...F0}", i);
	for (int i = 0; i < 100; i++) buf_printf(&text, "fragment F%d on Query{...F%d a%d:echo(int:$v)}", i, i + 1, i);
	buf_lit(&text, "fragment F100 on Query{echo(text:$v)}");
	validate(buf_view(&text), &out);
	assert_true(str_find_str(buf_view(&out), STR("used in position expecting type \"String\"")) > 0);
	buf_free(&out);
	buf_free(&text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_definitions),
		cmocka_unit_test(test_use),
		cmocka_unit_test(test_positions),
		cmocka_unit_test(test_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
