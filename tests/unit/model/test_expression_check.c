// What an expression has to be at each level, and how the message points at what is wrong.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "cel/cel.h"
#include "model/expression_check.h"
#include "model/utf8.h"

#define AT(place) "error compiling expression: ERROR: <input>:" place ": "
#define SYNTAX(place) AT(place) "Syntax error: "

// `expected` NULL: it passes.
static void expect(struct str text, enum expression_level level, const char *expected) {
	struct buf reason;
	buf_init(&reason, 1u << 20);
	bool good = expression_check(text, level, &reason);
	assert_int_equal(good, expected == NULL);
	if (!str_eq_cstr(buf_view(&reason), expected))
		fail_msg("%.*s (%d)\ngave %.*s\nnot  %s", STR_ARG(str_first(text, 200)), level,
			 STR_ARG(buf_view(&reason)), expected);
	buf_free(&reason);
}

#define NEVER (EXPRESSION_RESTRICTIVE + 1)

static void levels(void **state) {
	static const struct {
		const char *text;
		int refused; // from this level on
		const char *message;
	} cases[] = {
		{"event.data.id == async.data.id && int(event.ts) > 5", NEVER, NULL},
		{"!(event.data['a'] in ['x', 'y']) || vars.x == null ? true : event.data.n >= 2.5", NEVER, NULL},
		{"'result types are not looked at'", NEVER, NULL},
		{"event.data.id ==", EXPRESSION_SYNTAX,
		 SYNTAX("1:17") "mismatched input '<EOF>'\n | event.data.id ==\n | ................^"},
		{"", EXPRESSION_SYNTAX, SYNTAX("1:1") "mismatched input '<EOF>'\n | \n | ^"},
		{"'\\q'", EXPRESSION_SYNTAX,
		 SYNTAX("1:1") "the string holds an unknown escape sequence\n | '\\q'\n | ^"},
		{"customer.id", EXPRESSION_TYPED,
		 AT("1:1") "undeclared reference to 'customer' (in container '')\n | customer.id\n | ^"},
		{"event.data.s.trim()", EXPRESSION_TYPED,
		 AT("1:14") "undeclared reference to 'trim' (in container '')"
			    "\n | event.data.s.trim()\n | .............^"},
		{"lowercase(1)", EXPRESSION_TYPED,
		 AT("1:1") "found no matching overload for 'lowercase' applied to '(int)'\n | lowercase(1)\n | ^"},
		{"event.data.k || 'x'", EXPRESSION_TYPED,
		 AT("1:17") "expected type 'bool' but found 'string'\n | event.data.k || 'x'\n | ................^"},
		{"has(event.data.x)", EXPRESSION_RESTRICTIVE,
		 "validation failed: 1 error occurred:\n\t* macros are disallowed (uses 'has')\n\n"},
		{"event.data.n + 1 == 2 && event.data.l.exists(x, x > 1 + 1) && size(event.data.l) > 1",
		 EXPRESSION_RESTRICTIVE,
		 "validation failed: 3 errors occurred:\n\t* function calls are disallowed (uses '_+_')"
		 "\n\t* macros are disallowed (contains 'exists')\n\t* function calls are disallowed (uses "
		 "'size')\n\n"},
		{"event.data.s.contains('x')", EXPRESSION_RESTRICTIVE,
		 "validation failed: 1 error occurred:\n\t* function calls are disallowed (uses 'contains')\n\n"},
		// The policy does not look into these.
		{"event.data.n in [1, size('x')] && {'a': 1 + 1}.a == 2", NEVER, NULL},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (int level = EXPRESSION_SYNTAX; level <= EXPRESSION_RESTRICTIVE; level++)
			expect(str_from_cstr(cases[i].text), (enum expression_level)level,
			       level >= cases[i].refused ? cases[i].message : NULL);
	}
}

static void messages_point_at_the_place(void **state) {
	(void)state;
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"event.data.a == 1 &&\n\tevent.data.b == @ ||\nfalse",
		 SYNTAX("2:18") "token recognition error\n |  event.data.b == @ ||\n | .................^"},
		{"event.data.a == 1 &&\r\n", SYNTAX("2:1") "mismatched input '<EOF>'\n | \n | ^"},
		{"event.data.a == 1\r\n)", SYNTAX("2:1") "extraneous input )\n | )\n | ^"},
		{"1 2\r\n", SYNTAX("1:3") "extraneous input 2\n | 1 2 \n | ..^"},
		{"'é😀' == nobody", AT("1:9") "undeclared reference to 'nobody' (in container '')"
					     "\n | 'é😀' == nobody\n | ........^"},
		{"event.data.größe == 1", SYNTAX("1:14") "token recognition error"
							 "\n | event.data.größe == 1\n | .............^"},
		{"  // nothing but a comment", SYNTAX("1:27") "mismatched input '<EOF>'\n |   // nothing but a "
							      "comment\n | ..........................^"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect(str_from_cstr(cases[i].text), EXPRESSION_TYPED, cases[i].message);
	expect(STR("1 == \0"), EXPRESSION_TYPED, SYNTAX("1:6") "token recognition error\n | 1 ==  \n | .....^");
}

static struct str repeat(struct buf *out, const char *before, const char *piece, size_t times, const char *after) {
	buf_clear(out);
	buf_str(out, str_from_cstr(before));
	for (size_t i = 0; i < times; i++) buf_str(out, str_from_cstr(piece));
	buf_str(out, str_from_cstr(after));
	return buf_view(out);
}

static void long_lines_are_cut(void **state) {
	(void)state;
	struct buf text, expected;
	buf_init(&text, 1u << 20);
	buf_init(&expected, 1u << 20);
	repeat(&expected, AT("1:507") "undeclared reference to 'x' (in container '')\n | …", "é", 55, "' == x");
	buf_str(&expected, STR(" || '"));
	for (int i = 0; i < 54; i++) buf_lit(&expected, "ß");
	buf_lit(&expected, "…\n | ");
	for (int i = 0; i < 61; i++) buf_byte(&expected, '.');
	buf_str(&expected, str_make("^", 2)); // with the NUL
	repeat(&text, "'", "é", 500, "' == x || '");
	for (int i = 0; i < 400; i++) buf_lit(&text, "ß");
	buf_lit(&text, "' == x");
	expect(buf_view(&text), EXPRESSION_TYPED, expected.ptr);
	buf_free(&text);
	buf_free(&expected);
}

static void expect_message(struct str text, enum expression_level level, const char *message) {
	struct buf reason;
	buf_init(&reason, 4096);
	assert_false(expression_check(text, level, &reason));
	assert_false(reason.overflow);
	assert_true(utf8_valid(buf_view(&reason)));
	if (!str_starts_with(buf_view(&reason), str_from_cstr(message)))
		fail_msg("gave %.*s\nnot  %s", STR_ARG(buf_view(&reason)), message);
	buf_free(&reason);
}

static void limits(void **state) {
	(void)state;
	struct buf text;
	buf_init(&text, 64u << 20);
	expect(repeat(&text, "'", "😀", CEL_TEXT_MAX - 2, "'"), EXPRESSION_RESTRICTIVE, NULL);
	for (int level = EXPRESSION_SYNTAX; level <= EXPRESSION_RESTRICTIVE; level++)
		expect_message(repeat(&text, "'", "😀", CEL_TEXT_MAX - 1, "'"), (enum expression_level)level,
			       AT("1:1") "expression code point size exceeds limit: size: 100001, limit 100000\n | '😀");
	repeat(&text, "", "(", CEL_NESTING_MAX - 1, "1");
	for (unsigned i = 1; i < CEL_NESTING_MAX; i++) buf_byte(&text, ')');
	expect(buf_view(&text), EXPRESSION_RESTRICTIVE, NULL);
	repeat(&text, "", "(", CEL_NESTING_MAX, "1");
	for (unsigned i = 0; i < CEL_NESTING_MAX; i++) buf_byte(&text, ')');
	expect_message(buf_view(&text), EXPRESSION_SYNTAX,
		       SYNTAX("1:251") "expression recursion limit exceeded: 250\n | …((((");
	buf_free(&text);
}

// Texts of the client's inside a message are cut, be it within a character, and never break the line.
static void messages_are_bounded(void **state) {
	(void)state;
	struct buf text;
	buf_init(&text, 64u << 20);
	expect_message(repeat(&text, "1 '''\nx", "😀", 10000, "'''"), EXPRESSION_SYNTAX,
		       SYNTAX("1:3") "extraneous input ''' x😀😀");
	expect_message(repeat(&text, "1 '''", "é", 40000, "'''"), EXPRESSION_SYNTAX,
		       SYNTAX("1:3") "extraneous input '''éé");
	expect_message(repeat(&text, "", "f", 90000, "()"), EXPRESSION_TYPED, AT("1:1") "undeclared reference to 'fff");
	expect_message(repeat(&text, "[", "[1,{'a':2}],", 4000, "1] && true"), EXPRESSION_TYPED, AT("1:1"));
	expect_message(repeat(&text, "1", " && has(event.a)", 6000, ""), EXPRESSION_RESTRICTIVE, AT("1:1"));
	expect_message(repeat(&text, "true", " && has(event.a)", 6000, ""), EXPRESSION_RESTRICTIVE,
		       "validation failed: 6000 errors occurred:\n\t* macros are disallowed (uses 'has')\n\t* ");
	buf_free(&text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels),
		cmocka_unit_test(messages_point_at_the_place),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(limits),
		cmocka_unit_test(messages_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
