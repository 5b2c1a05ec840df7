// What is no expression: where it says so, and the limits of spec 04 §B13.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/json.h"
#include "cel/cel.h"

static const struct str roots[] = {STR_INIT("event"), STR_INIT("async"), STR_INIT("vars")};

static bool compiles(struct str text, enum cel_mode mode, struct cel_failure *failure) {
	struct arena arena;
	arena_init(&arena, 0);
	const struct cel_program *program = cel_compile(&arena, text, mode, failure);
	bool good = program != NULL && (mode == CEL_EVALUATE || cel_check(program, roots, 3, failure));
	arena_free(&arena);
	return good;
}

static void test_failures_name_the_place(void **state) {
	static const struct {
		const char *text;
		uint32_t line, column;
		const char *message; // a part of it
	} cases[] = {
		{"", 1, 1, "<EOF>"},
		{"  // nothing", 1, 13, "<EOF>"},
		{"event.data.n ==", 1, 16, "<EOF>"},
		{"event.data.n === 42", 1, 16, "token recognition error"},
		{"event.data.n == 'x", 1, 17, "not closed"},
		{"event.data.n == 'a\nb'", 1, 17, "not closed"},
		{"event.data.é", 1, 12, "token recognition error"},
		{"event.data.n == 1\n&& async.data.x == @", 2, 20, "token recognition error"},
		{"'é' == foo", 1, 8, "undeclared reference to 'foo' (in container '')"},
		{"event.data.s.toLowerCase() == 'x'", 1, 14, "undeclared reference to 'toLowerCase'"},
		{"lowercase(1) == 'x'", 1, 1, "found no matching overload for 'lowercase' applied to '(int)'"},
		{"'a'.contains(1)", 1, 5, "found no matching overload for 'contains' applied to 'string.(int)'"},
		{"event.data.k || 'default'", 1, 17, "expected type 'bool' but found 'string'"},
		{"1 in 'abc'", 1, 3, "found no matching overload for '@in' applied to '(int, string)'"},
		{"event[0] == 1", 1, 1, "found no matching overload for '_[_]' applied to '(map(string, dyn), int)'"},
		{"5 / 2.0", 1, 3, "'_/_' applied to '(int, double)'"},
		{"true ? 1 : 'a'", 1, 6, "'_?_:_' applied to '(bool, int, string)'"},
		{"'abc'.x", 1, 7, "type 'string' does not support field selection"},
		{"'abc'.exists(x, true)", 1, 1, "expression of type 'string' cannot be range of a comprehension"},
		{"[1].exists(x, x)", 1, 15, "expected type 'bool' but found 'int'"},
		{"[1].exists(x.y, true)", 1, 12, "argument must be a simple name"},
		{"has(event)", 1, 1, "invalid argument to has() macro"},
		{"9223372036854775808", 1, 1, "out of range"},
		{"18446744073709551616u", 1, 1, "out of range"},
		{"-1u", 1, 2, "out of range"},
		{"1e999", 1, 1, "out of range"},
		{"'\\q'", 1, 1, "unknown escape sequence"},
		{"'\\ud800'", 1, 1, "unknown escape sequence"},
		{"while == 1", 1, 1, "reserved identifier: while"},
		{"event.in", 1, 7, "extraneous input in"},
		{"Foo{a: 1}", 1, 4, "extraneous input {"},
		{"1 2", 1, 3, "extraneous input 2"},
		{"12abc", 1, 3, "a number may not be followed by a name"},
		{"(1", 1, 3, "<EOF>"},
		{"[1, 2", 1, 6, "<EOF>"},
		{"{1: 2, 3}", 1, 9, "extraneous input }"},
		{"!-1", 1, 2, "extraneous input -"},
		{"f(1,)", 1, 5, "extraneous input )"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cel_failure failure;
		assert_false(compiles(str_from_cstr(cases[i].text), CEL_STANDARD, &failure));
		if (failure.line != cases[i].line || failure.column != cases[i].column ||
		    strstr(failure.message, cases[i].message) == NULL)
			fail_msg("%s: %u:%u %s", cases[i].text, failure.line, failure.column, failure.message);
	}
}

static void test_good_ones(void **state) {
	static const char *const texts[] = {
		"-9223372036854775808 < 0",
		"18446744073709551615u > 0u",
		"[1, 2,].size() == 2",
		"{'a': 1,}.a == 1",
		"'''a\nb''' == \"\"\"a\nb\"\"\"",
		"r'\\d' == '\\\\d'",
		"b'\\xff' == b'\\377'",
		"'\\U0001f600' == '😀'",
		".event.data.x == 1",
		"event.while == 1 // a field may be called so",
		"dyn([1]).map(x, x > 0, x)[0] == 1",
		"'a' in {'a': 1}",
		"[[1], [2]].all(l, l.exists(x, x > 0))",
		"type(1) == int",
		"now() > timestamp('2020-01-01T00:00:00Z') + duration('1h')",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct cel_failure failure;
		if (!compiles(str_from_cstr(texts[i]), CEL_STANDARD, &failure))
			fail_msg("%s: %u:%u %s", texts[i], failure.line, failure.column, failure.message);
	}
}

static struct str repeat(struct buf *out, const char *before, const char *piece, size_t times, const char *after) {
	buf_init(out, 64u << 20);
	buf_str(out, str_from_cstr(before));
	for (size_t i = 0; i < times; i++) buf_str(out, str_from_cstr(piece));
	buf_str(out, str_from_cstr(after));
	assert_false(out->overflow);
	return buf_view(out);
}

// Long chains of && and || are fine; whatever nests is refused long before the stack ends.
static void test_nesting(void **state) {
	static const struct {
		const char *before, *piece, *after;
		size_t times;
		bool good;
	} cases[] = {
		{"", "event.data.x == 1 && ", "true", 4000, true},
		{"", "event.data.x == 1 || ", "true", 4000, true},
		{"event", ".a", "", 40000, true},
		{"", "(", "", 90000, false},
		{"", "[", "", 90000, false},
		{"", "{1:", "", 30000, false},
		{"", "-", "event.data.n", 90000, true}, // pairs vanish
		{"1", "+1", "", 40000, false},
		{"x", "[0]", "", 30000, true},
		{"f()", "[0]", "", 30000, false},
		{"f()", ".a", "", 40000, false},
		{"x", "[x", "", 40000, false},
		{"", "a?b:", "c", 20000, false},
		{"", "f(", "", 40000, false},
		{"a", ".f()", "", 20000, false},
		{"", "!(", "", 30000, false},
		{"x", ".map(x,x)", "", 10000, false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf text;
		struct cel_failure failure;
		struct str whole = repeat(&text, cases[i].before, cases[i].piece, cases[i].times, cases[i].after);
		bool good = compiles(whole, CEL_EVALUATE, &failure);
		if (good != cases[i].good)
			fail_msg("%s%s…: %d %s", cases[i].before, cases[i].piece, good, failure.message);
		buf_free(&text);
	}
}

static void test_length(void **state) {
	struct buf text;
	struct cel_failure failure;
	(void)state;
	assert_true(compiles(repeat(&text, "'", "é", CEL_TEXT_MAX - 2, "'"), CEL_EVALUATE, &failure));
	buf_free(&text);
	assert_false(compiles(repeat(&text, "'", "é", CEL_TEXT_MAX - 1, "'"), CEL_EVALUATE, &failure));
	assert_non_null(strstr(failure.message, "size exceeds limit"));
	buf_free(&text);
}

// Macros in macros over data, and text that doubles: both end with an error.
static void test_cost(void **state) {
	static const char *const texts[] = {
		"event.l.all(a, event.l.all(b, event.l.all(c, true)))",
		"event.l.exists(a, event.l.exists(b, event.l == [a, b]))",
		"['aaaaaaaaaaaaaaaa'].map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a)"
		".map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a)"
		".map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a)",
		("[event.l].map(a, a+a+a+a).map(a, a+a+a+a).map(a, a+a+a+a).map(a, a+a+a+a).map(a, a+a+a+a)"
		 ".map(a, a+a+a+a).map(a, a+a+a+a).map(a, a+a+a+a).map(a, a+a+a+a).map(a, a+a+a+a).map(a, a+a+a+a)"),
	};
	struct buf text;
	struct error error;
	(void)state;
	yyjson_doc *doc = json_read(repeat(&text, "{\"l\":[1", ",1", 999, "]}"), false, NULL, &error);
	buf_free(&text);
	struct cel_binding binding = {STR("event"), yyjson_doc_get_root(doc)};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct arena arena;
		arena_init(&arena, 0);
		const struct cel_program *program = cel_compile(&arena, str_from_cstr(texts[i]), CEL_EVALUATE, NULL);
		assert_non_null(program);
		struct cel_input input = {.bindings = &binding, .count = 1};
		struct cel_value value = cel_eval(program, &input, &arena);
		if (value.type != CEL_ERROR || value.error != CEL_COST) fail_msg("%s", texts[i]);
		arena_free(&arena);
	}
	yyjson_doc_free(doc);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failures_name_the_place),
		cmocka_unit_test(test_good_ones),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_cost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
