#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/str.h"

static void compares(void **state) {
	(void)state;
	struct str none = {NULL, 0};
	assert_true(str_eq(none, STR("")));
	assert_true(str_eq_cstr(STR("abc"), "abc"));
	assert_false(str_eq(STR("abc"), STR("abd")));
	assert_true(str_eq_nocase(STR("Retry-After"), STR("rETRY-aFTER")));
	assert_false(str_eq_nocase(STR("a["), STR("A{")));
	assert_true(str_starts_with_nocase(STR("Bearer x"), STR("bearer ")));
	assert_false(str_starts_with_nocase(STR("Bear"), STR("bearer")));
	assert_true(str_starts_with(STR("abc"), none));
	assert_true(str_ends_with(STR("abc"), STR("bc")));
	assert_false(str_ends_with(STR("c"), STR("bc")));
	assert_true(str_cmp(STR("a"), STR("b")) < 0);
	assert_true(str_cmp(STR("ab"), STR("a")) > 0);
	assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
	assert_int_equal(str_cmp(none, STR("")), 0);
}

static void finds(void **state) {
	(void)state;
	struct str none = {NULL, 0};
	assert_int_equal(str_find(STR("a/b/c"), '/'), 1);
	assert_int_equal(str_rfind(STR("a/b/c"), '/'), 3);
	assert_int_equal(str_find(none, 'x'), -1);
	assert_int_equal(str_rfind(none, 'x'), -1);
	assert_int_equal(str_find_str(STR("one two two"), STR("two")), 4);
	assert_int_equal(str_find_str(STR("one"), STR("onet")), -1);
	assert_int_equal(str_find_str(STR("one"), none), 0);
	assert_int_equal(str_find_str(none, STR("a")), -1);
}

static void cuts_and_trims(void **state) {
	(void)state;
	struct str head, tail;
	assert_true(str_cut(STR("key=a=b"), '=', &head, &tail));
	assert_true(str_eq_cstr(head, "key"));
	assert_true(str_eq_cstr(tail, "a=b"));
	assert_true(str_cut(STR("key="), '=', &head, &tail));
	assert_int_equal(tail.len, 0);
	assert_false(str_cut(STR("key"), '=', &head, &tail));
	assert_true(str_eq_cstr(head, "key"));
	assert_int_equal(tail.len, 0);
	assert_true(str_eq_cstr(str_trim(STR(" \t\r\n x y \v\f")), "x y"));
	assert_int_equal(str_trim(STR("   ")).len, 0);
	assert_true(str_eq_cstr(str_skip(STR("abc"), 1), "bc"));
	assert_int_equal(str_skip(STR("abc"), 4).len, 0);
	assert_true(str_eq_cstr(str_first(STR("abc"), 9), "abc"));
}

static void reads_numbers(void **state) {
	(void)state;
	uint64_t u;
	int64_t i;
	assert_true(str_to_u64(STR("18446744073709551615"), &u));
	assert_true(u == UINT64_MAX);
	assert_true(str_to_u64(STR("007"), &u));
	assert_int_equal(u, 7);
	static const char *const wrong[] = {
		"", "-", "-1", "+1", " 1", "1 ", "1.0", "0x1", "18446744073709551616", "99999999999999999999"};
	for (size_t k = 0; k < ARRAY_LEN(wrong); k++) assert_false(str_to_u64(str_from_cstr(wrong[k]), &u));
	assert_true(str_to_i64(STR("-9223372036854775808"), &i));
	assert_true(i == INT64_MIN);
	assert_true(str_to_i64(STR("9223372036854775807"), &i));
	assert_true(i == INT64_MAX);
	assert_false(str_to_i64(STR("9223372036854775808"), &i));
	assert_false(str_to_i64(STR("-9223372036854775809"), &i));
	assert_false(str_to_i64(STR("--1"), &i));
	assert_false(str_to_i64(STR("-"), &i));
	assert_false(str_to_i64(STR(""), &i));
}

static void measures_utf8(void **state) {
	(void)state;
	static const struct {
		struct str text;
		size_t prefix;
	} cases[] = {
		{STR_INIT(""), 0},
		{STR_INIT("plain"), 5},
		{STR_INIT("gr\u00fc\u00df \u20ac \U0001F600"), 15},
		{STR_INIT("a\x80"), 1},            // continuation byte alone
		{STR_INIT("a\xc3"), 1},            // cut
		{STR_INIT("\xc0\xaf"), 0},         // overlong
		{STR_INIT("\xe0\x80\x80"), 0},     // overlong
		{STR_INIT("\xed\xa0\x80"), 0},     // surrogate
		{STR_INIT("\xf4\x90\x80\x80"), 0}, // beyond U+10FFFF
		{STR_INIT("\xf0\x9f\x98"), 0},     // cut
		{STR_INIT("ok\xff"), 2},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) assert_int_equal(str_utf8_prefix(cases[i].text), cases[i].prefix);
}

static void copies(void **state) {
	(void)state;
	char *copy = str_to_cstr(str_first(STR("hello"), 4));
	assert_string_equal(copy, "hell");
	free(copy);
	copy = str_to_cstr((struct str){NULL, 0});
	assert_string_equal(copy, "");
	free(copy);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares),      cmocka_unit_test(finds),         cmocka_unit_test(cuts_and_trims),
		cmocka_unit_test(reads_numbers), cmocka_unit_test(measures_utf8), cmocka_unit_test(copies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
