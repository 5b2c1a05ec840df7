// Headers of a reply as people see them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/json.h"
#include "model/exchange.h"

static struct arena arena;
static int set_up(void **state) {
	(void)state;
	arena_init(&arena, 0);
	return 0;
}
static int tear_down(void **state) {
	(void)state;
	arena_free(&arena);
	return 0;
}

static void expect(const struct answer_header *headers, size_t count, const char *json) {
	struct str actual = exchange_headers_json(&arena, headers, count);
	if (!str_eq_cstr(actual, json)) fail_msg("got `%.*s`, expected `%s`", STR_ARG(actual), json);
}

static void names_are_canonical(void **state) {
	(void)state;
	const struct answer_header headers[] = {
		{STR("x-inngest-SDK"), STR("js")}, {STR("ETAG"), STR("W/\"1\"")},     {STR("content-type"), STR("a/b")},
		{STR("x-2a-B"), STR("")},          {STR("with blank"), STR("\xff!")}, {STR(""), STR("?")},
	};
	expect(NULL, 0, "");
	expect(headers, ARRAY_LEN(headers),
	       "{\"\":\"?\",\"Content-Type\":\"a/b\",\"Etag\":\"W/\\\"1\\\"\",\"with blank\":\"\xEF\xBF\xBD!\","
	       "\"X-2a-B\":\"\",\"X-Inngest-Sdk\":\"js\"}");
}

static void repeated_headers_are_arrays(void **state) {
	(void)state;
	const struct answer_header headers[] = {
		{STR("via"), STR("b")},
		{STR("age"), STR("1")},
		{STR("Via"), STR("a")},
		{STR("VIA"), STR("b")},
	};
	expect(headers, ARRAY_LEN(headers), "{\"Age\":\"1\",\"Via\":[\"b\",\"a\",\"b\"]}");
}

static void secrets_are_kept(void **state) {
	(void)state;
	static const char *const names[] = {"AUTHORIZATION",    "proxy-authorization", "Cookie",
					    "set-cookie",       "X-Api-Key",           "x-auth-token",
					    "WWW-Authenticate", "proxy-authenticate"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct answer_header header = {str_from_cstr(names[i]), STR("hunter2")};
		struct str json = exchange_headers_json(&arena, &header, 1);
		assert_true(str_find_str(json, STR("hunter2")) < 0 && str_ends_with(json, STR(":\"[REDACTED]\"}")));
	}
	const struct answer_header twice[] = {{STR("Set-Cookie"), STR("a")}, {STR("set-cookie"), STR("b")}};
	expect(twice, 2, "{\"Set-Cookie\":[\"[REDACTED]\",\"[REDACTED]\"]}");
}

static void what_is_too_large_is_left_out(void **state) {
	(void)state;
	char *large = mem_alloc(ANSWER_HEADERS_MAX);
	memset(large, '\n', ANSWER_HEADERS_MAX); // two bytes each in JSON
	struct answer_header headers[3] = {
		{STR("B"), str_make(large, ANSWER_HEADERS_MAX / 2 - 3)},
		{STR("A"), str_make(large, ANSWER_HEADERS_MAX / 2 - 4)},
		{STR("C"), STR("")},
	};
	expect(headers, 1, ""); // {"B":""} and the value
	assert_int_equal(exchange_headers_json(&arena, headers + 1, 1).len, ANSWER_HEADERS_MAX);
	headers[1].value.len = 1;
	expect(headers, 3, "{\"A\":\"\\n\",\"C\":\"\"}");
	free(large);
}

static void many_headers(void **state) {
	(void)state;
	enum { COUNT = 5000 };
	struct answer_header *headers = ARENA_ARRAY(&arena, struct answer_header, COUNT);
	for (size_t i = 0; i < COUNT; i++)
		headers[i] = (struct answer_header){arena_printf(&arena, "h%04zu", COUNT - i), STR("v")};
	struct str json = exchange_headers_json(&arena, headers, COUNT);
	yyjson_doc *doc = json_read(json, false, NULL, NULL);
	assert_int_equal(yyjson_obj_size(yyjson_doc_get_root(doc)), EXCHANGE_HEADERS_MAX);
	yyjson_doc_free(doc);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_are_canonical, set_up, tear_down),
		cmocka_unit_test_setup_teardown(repeated_headers_are_arrays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(secrets_are_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_too_large_is_left_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_headers, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
