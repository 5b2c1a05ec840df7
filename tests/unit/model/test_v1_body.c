// The body of POST /v1/cancellations.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "model/v1_body.h"

#define NOW 1700000000000ull // 2023-11-14T22:13:20Z
#define WHO "\"app_id\":\"a\",\"function_id\":\"f\""
#define PAST "\"started_before\":\"2023-11-14T22:13:20Z\""

static void check_refused(const char *body, const char *expected) {
	struct arena arena;
	arena_init(&arena, 0);
	struct v1_cancellation got;
	struct str problem;
	if (v1_cancellation_parse(&arena, str_from_cstr(body), NOW, &got, &problem) != ERR_INVALID) {
		fail_msg("taken: %s", body);
	}
	if (!str_eq_cstr(problem, expected)) fail_msg("%s\ngave %.*s", body, STR_ARG(problem));
	arena_free(&arena);
}

static void what_is_no_request(void **state) {
	(void)state;
	static const char *const bodies[] = {
		"",
		"{",
		"null",
		"[]",
		"1",
		"{\"app_id\":1}",
		"{\"function_id\":{}}",
		"{\"if\":true}",
		"{\"started_before\":1700000000000}",
		"{\"started_before\":\"\"}",
		"{\"started_before\":\"2023-11-14\"}",
		"{\"started_before\":\"2023-11-14T22:13:20\"}",
		"{\"started_after\":\"yesterday\"}",
	};
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) check_refused(bodies[i], "Invalid cancellation request");
}

static void what_is_wrong_with_a_request(void **state) {
	(void)state;
	static const struct {
		const char *body, *problem;
	} cases[] = {
		{"{}", "app_id is required\nfunction_id is required\nstarted_before is required"},
		{"{\"app_id\":\"\",\"function_id\":null," PAST "}", "app_id is required\nfunction_id is required"},
		{"{" WHO ",\"started_before\":\"0001-01-01T00:00:00Z\"}", "started_before is required"},
		{"{" WHO ",\"started_after\":\"2024-01-01T00:00:00Z\"}", "started_before is required"},
		{"{" WHO ",\"started_before\":\"2023-11-14T22:13:25.001Z\"}", "started_before must be in the past"},
		{"{\"app_id\":\"a\",\"started_before\":\"9999-12-31T23:59:59Z\"}",
		 "function_id is required\nstarted_before must be in the past"},
		{"{" WHO "," PAST ",\"started_after\":\"2023-11-14T22:13:20.000000001Z\"}",
		 "started_after must be before started_before"},
		{"{" WHO ",\"started_before\":\"2030-01-01T00:00:00Z\",\"started_after\":\"2031-01-01T00:00:00Z\"}",
		 "started_before must be in the past\nstarted_after must be before started_before"},
		// What has no meaning for anybody is not compiled.
		{"{" WHO ",\"if\":\"(\"}", "started_before is required"},
		{"{" WHO "," PAST ",\"if\":\"other.x == 1\"}",
		 "invalid expression: error compiling expression: ERROR: <input>:1:1: undeclared reference to 'other' "
		 "(in container '')"
		 "\n | other.x == 1\n | ^"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) check_refused(cases[i].body, cases[i].problem);
}

static void check_taken(const char *body, bool has_after, uint64_t after_ms, uint64_t before_ms,
			const char *condition) {
	struct arena arena;
	arena_init(&arena, 0);
	struct v1_cancellation got;
	struct str problem = {NULL, 0};
	if (v1_cancellation_parse(&arena, str_from_cstr(body), NOW, &got, &problem) != ERR_OK) {
		fail_msg("%s\ngave %.*s", body, STR_ARG(problem));
	}
	assert_true(str_eq_cstr(got.app_id, "a") && str_eq_cstr(got.function_id, "f"));
	assert_true(str_eq_cstr(got.condition, condition));
	assert_int_equal(got.has_after, has_after);
	assert_int_equal(got.after_ms, after_ms);
	assert_int_equal(got.before_ms, before_ms);
	arena_free(&arena);
}

static void what_is_taken(void **state) {
	(void)state;
	check_taken("{" WHO "," PAST "}", false, 0, NOW, "");
	check_taken("{" WHO "," PAST ",\"if\":\"event.data.n > 5 && event.name != 'x'\"} rest", false, 0, NOW,
		    "event.data.n > 5 && event.name != 'x'");
	// A clock that is a little ahead, another zone, and other letters.
	check_taken("{\"APP_ID\":\"a\",\"Function_Id\":\"f\",\"unknown\":[],\"if\":null,"
		    "\"started_before\":\"2023-11-15T00:13:25+02:00\"}",
		    false, 0, NOW + 5000, "");
	// Milliseconds that lie within the bounds.
	check_taken("{" WHO ",\"started_after\":\"2023-11-14T22:13:19.0000001Z\",\"started_before\":"
		    "\"2023-11-14T22:13:20.0009Z\",\"if\":\"\"}",
		    true, NOW - 999, NOW, "");
	check_taken("{" WHO "," PAST ",\"started_after\":\"2023-11-14T22:13:20Z\"}", true, NOW, NOW, "");
	// Before the epoch nothing has happened.
	check_taken("{" WHO
		    ",\"started_after\":\"0001-01-01T00:00:00.5Z\",\"started_before\":\"1960-01-01T00:00:00Z\"}",
		    true, 0, 0, "");
	check_taken("{" WHO "," PAST ",\"started_after\":\"0001-01-01T00:00:00Z\"}", false, 0, NOW, "");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_request),
		cmocka_unit_test(what_is_wrong_with_a_request),
		cmocka_unit_test(what_is_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
