// Forms: decoding, and finding a field.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "model/form.h"

static void test_decode(void **state) {
	(void)state;
	static const struct {
		const char *text, *decoded; // NULL: none
	} cases[] = {{"", ""},      {"a+b%20c", "a b c"}, {"%2B%2f", "+/"}, {"%", NULL},
		     {"a%2", NULL}, {"%zz", NULL},        {"%4", NULL},     {"%C3%A4", "\xC3\xA4"}};
	struct arena arena;
	arena_init(&arena, 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str out;
		bool good = form_decode(&arena, str_from_cstr(cases[i].text), &out);
		assert_int_equal(good, cases[i].decoded != NULL);
		if (good) assert_true(str_eq_cstr(out, cases[i].decoded));
	}
	arena_free(&arena);
}

static void test_find(void **state) {
	(void)state;
	static const struct {
		const char *form, *value; // of field "a b"; NULL: none
	} cases[] = {{"", NULL},      {"a+b=1", "1"},           {"x=2&a%20b=1&a+b=3", "1"}, // the first
		     {"a+b", ""},     {"a+b=x=y", "x=y"},       {"a+b=%zz&a+b=2", "2"},     {"a+b=1;2&a+b=2", "2"},
		     {"&&a+b=&", ""}, {"%zz=1&A+b=1&a=1", NULL}};
	struct arena arena;
	arena_init(&arena, 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str out;
		bool found = form_find(&arena, str_from_cstr(cases[i].form), STR("a b"), &out);
		if (found != (cases[i].value != NULL)) fail_msg("%s", cases[i].form);
		if (found) assert_true(str_eq_cstr(out, cases[i].value));
	}
	arena_free(&arena);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_find),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
