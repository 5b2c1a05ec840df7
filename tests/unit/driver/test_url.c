#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "driver/url.h"

static void good_urls(void **state) {
	(void)state;
	static const char *const urls[] = {
		"http://localhost:3000/api/inngest?fnId=a&stepId=step",
		"HTTPS://user:pa%20ss@example.com",
		"http://[::1]:80/",
		"http://[fe80::1%25eth0]/",
		"http://x:/",
		"http://b\xc3\xbc.example/%20?%zz#frag",
	};
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) assert_int_equal(url_check(str_from_cstr(urls[i]), NULL), ERR_OK);
}

static void bad_urls(void **state) {
	(void)state;
	static const struct {
		const char *url, *text;
	} cases[] = {
		{"http://a b/c", "parse \"http://a b/c\": invalid character \" \" in host name"},
		{"http://a\\b/", "parse \"http://a\\b/\": invalid character \"\\\\\" in host name"},
		{"http://a^b/", "parse \"http://a^b/\": invalid character \"^\" in host name"},
		{"http://x:12a/", "parse \"http://x:12a/\": invalid port \":12a\" after host"},
		{"http://[::1]80/", "parse \"http://[::1]80/\": invalid port \"80\" after host"},
		{"http://[::1/", "parse \"http://[::1/\": missing ']' in host"},
		{"http://u ser@x/", "parse \"http://u ser@x/\": net/url: invalid userinfo"},
		{"http://x/%zz", "parse \"http://x/%zz\": invalid URL escape \"%zz\""},
		{"http://x/%2", "parse \"http://x/%2\": invalid URL escape \"%2\""},
		{"http://x%41/", "parse \"http://x%41/\": invalid URL escape \"%41\""},
		{"://x", "parse \"://x\": missing protocol scheme"},
		{"127.0.0.1:3000/x", "parse \"127.0.0.1:3000/x\": first path segment in URL cannot contain colon"},
		{"http://x/\n", "parse \"http://x/\n\": net/url: invalid control character in URL"},
		{"http://x/\x7f", "parse \"http://x/\x7f\": net/url: invalid control character in URL"},
		{"", "unsupported protocol scheme \"\""},
		{"/path", "unsupported protocol scheme \"\""},
		{"ws://x/", "unsupported protocol scheme \"ws\""},
		{"localhost:3000", "unsupported protocol scheme \"localhost\""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error error = {.message = ""};
		assert_int_not_equal(url_check(str_from_cstr(cases[i].url), &error), ERR_OK);
		assert_string_equal(error.message, cases[i].text);
	}
}

static void long_bad_url_is_cut(void **state) {
	(void)state;
	char url[5000];
	struct error error;
	memset(url, ' ', sizeof url);
	memcpy(url, "http://", 7);
	assert_int_equal(url_check(str_make(url, sizeof url), &error), ERR_INVALID);
}

static void expect_query(const char *strong, const char *weak, const char *expected) {
	struct arena arena;
	struct buf out;
	struct url_query query;
	arena_init(&arena, 0);
	buf_init(&out, 10000);
	url_query_init(&query, &arena);
	url_query_parse(&query, str_from_cstr(strong), false);
	url_query_parse(&query, str_from_cstr(weak), true);
	url_query_append(&out, &query);
	buf_byte(&out, '\0');
	assert_string_equal(out.ptr, expected);
	buf_free(&out);
	arena_free(&arena);
}

static void queries(void **state) {
	(void)state;
	expect_query("", "", "");
	expect_query("stepId=step&fnId=a-b", "", "fnId=a-b&stepId=step");
	expect_query("b=2&a=1&b=1", "", "a=1&b=2&b=1");
	expect_query("a=1", "a=2&a=3&c=4", "a=1&c=4");
	expect_query("", "a=2&a=3", "a=2&a=3");
	expect_query("a", "", "a=");
	expect_query("&&a=1&", "", "a=1");
	expect_query("a=%zz&b=1;c=2&d=%41%2f", "", "d=A%2F");
	expect_query("a=x+y%20z&e=\xc3\xa9~._-*", "", "a=x+y+z&e=%C3%A9~._-%2A");
	expect_query("a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9&j=10", "", "a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9&j=10");
}

static void splits(void **state) {
	(void)state;
	struct str base, query;
	url_split(STR("http://x/a?b=c?d#e?f"), &base, &query);
	assert_true(str_eq_cstr(base, "http://x/a") && str_eq_cstr(query, "b=c?d"));
	url_split(STR("http://x/a#b?c"), &base, &query);
	assert_true(str_eq_cstr(base, "http://x/a") && query.len == 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_urls), cmocka_unit_test(bad_urls), cmocka_unit_test(long_bad_url_is_cut),
		cmocka_unit_test(queries),   cmocka_unit_test(splits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
