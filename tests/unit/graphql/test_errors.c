#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "graphql/graphql.h"

static void written(const struct gql_errors *errors, const char *expected) {
	struct buf out;
	buf_init(&out, 1u << 20);
	gql_errors_write(&out, errors);
	buf_byte(&out, '\0');
	assert_string_equal(out.ptr, expected);
	buf_free(&out);
}

static void test_members(void **state) {
	struct gql_errors errors = {.count = 0};
	struct gql_step run = {.key = STR("run"), .parent = NULL}, item = {.index = 3, .parent = &run},
			name = {.key = STR("a<b"), .parent = &item};
	(void)state;
	written(&errors, "[]");
	gql_error_add(&errors)->message = STR("plain");
	struct gql_error *full = gql_error_add(&errors);
	*full = (struct gql_error){STR("full"), {2, 14}, &name, "A_CODE"};
	gql_error_add(&errors)->path = &run;
	written(&errors, "[{\"message\":\"plain\"},"
			 "{\"message\":\"full\",\"path\":[\"run\",3,\"a\\u003cb\"],"
			 "\"locations\":[{\"line\":2,\"column\":14}],\"extensions\":{\"code\":\"A_CODE\"}},"
			 "{\"message\":\"\",\"path\":[\"run\"]}]");
}

static void test_escapes(void **state) {
	struct gql_errors errors = {.count = 0};
	(void)state;
	gql_error_add(&errors)->message = STR("<a href=\"x&y\">\n\x01\\\xc3\xa9<");
	written(&errors, "[{\"message\":\"\\u003ca href=\\\"x\\u0026y\\\"\\u003e\\n\\u0001\\\\\xc3\xa9\\u003c\"}]");
}

static void test_maximum(void **state) {
	struct gql_errors errors = {.count = 0};
	(void)state;
	for (int i = 0; i < GQL_ERRORS_MAX; i++) gql_error_add(&errors)->message = STR("first");
	gql_error_add(&errors)->message = STR("spare");
	assert_null(gql_error_add(&errors)->message.ptr);
	assert_int_equal(errors.count, GQL_ERRORS_MAX);
	for (size_t i = 0; i < errors.count; i++) assert_true(str_eq(errors.items[i].message, STR("first")));
}

static void test_body(void **state) {
	struct buf out;
	(void)state;
	buf_init(&out, 1u << 20);
	gql_write_error(&out, STR("a & b"), NULL);
	assert_true(str_eq(buf_view(&out), STR("{\"errors\":[{\"message\":\"a \\u0026 b\"}],\"data\":null}")));
	buf_clear(&out);
	gql_write_error(&out, STR("operation  not found"), "GRAPHQL_VALIDATION_FAILED");
	assert_true(str_eq(buf_view(&out), STR("{\"errors\":[{\"message\":\"operation  not found\",\"extensions\":"
					       "{\"code\":\"GRAPHQL_VALIDATION_FAILED\"}}],\"data\":null}")));
	buf_free(&out);
}

static void test_full_buffer(void **state) {
	struct gql_errors errors = {.count = 0};
	(void)state;
	for (int i = 0; i < 10; i++) gql_error_add(&errors)->message = STR("<one> & <two>");
	for (size_t max = 0; max < 200; max++) {
		struct buf out;
		buf_init(&out, max);
		gql_errors_write(&out, &errors);
		assert_true(out.overflow && out.len <= max);
		buf_free(&out);
	}
}

static void test_clip(void **state) {
	char text[300];
	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(gql_clip(str_make(text, 50)).len, 50);
	assert_int_equal(gql_clip(str_make(text, 300)).len, 100);
	memcpy(text + 99, "\xc3\xa9", 2);
	assert_int_equal(gql_clip(str_make(text, 300)).len, 99);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members), cmocka_unit_test(test_escapes),     cmocka_unit_test(test_maximum),
		cmocka_unit_test(test_body),    cmocka_unit_test(test_full_buffer), cmocka_unit_test(test_clip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
