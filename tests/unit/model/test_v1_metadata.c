// The body of POST /v1/runs/{id}/metadata.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "model/limits.h"
#include "model/v1_metadata.h"

static struct arena arena;
static struct v1_metadata body;
static struct str problem;

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

static enum err parse(const char *text) {
	return v1_metadata_parse(&arena, str_from_cstr(text), &body, &problem);
}

static void expect_problem(const char *text, const char *expected) {
	if (parse(text) != ERR_INVALID || !str_eq_cstr(problem, expected))
		fail_msg("%s: got `%.*s`", text, STR_ARG(problem));
}

static void expect_target(const char *target, enum metadata_scope scope, const char *step, int64_t attempt,
			  const char *span_id) {
	assert_int_equal(parse(arena_printf(&arena, "{\"target\":%s,\"metadata\":[]}", target).ptr), ERR_OK);
	assert_int_equal(body.target.scope, scope);
	assert_string_equal(body.target.step, step);
	assert_int_equal(body.target.has_attempt, attempt >= 0);
	if (attempt >= 0) assert_int_equal(body.target.attempt, attempt);
	assert_string_equal(body.target.span_id, span_id);
}

#define HASH_A "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"
#define HASH_A2 "20276a922b7f092ff864f0fedcec18a7ff3bfeab" // of a:2

static void targets(void **state) {
	(void)state;
	expect_target("null", METADATA_RUN, "", -1, "");
	expect_target("{}", METADATA_RUN, "", -1, "");
	expect_target("{\"step_id\":null}", METADATA_RUN, "", -1, "");
	expect_target("{\"step_id\":\"a\"}", METADATA_STEP, HASH_A, -1, "");
	expect_target("{\"step_id\":\"a\",\"step_index\":0}", METADATA_STEP, HASH_A, -1, "");
	expect_target("{\"step_id\":\"a\",\"step_index\":2}", METADATA_STEP, HASH_A2, -1, "");
	expect_target("{\"step_id\":\"a\",\"step_attempt\":-1}", METADATA_STEP, HASH_A, -1, "");
	expect_target("{\"step_id\":\"a\",\"step_attempt\":3}", METADATA_STEP, HASH_A, 3, "");
	expect_target("{\"step_id\":\"a\",\"span_id\":\"1222ceb2701ceb83\"}", METADATA_STEP, HASH_A, -1, "");
	expect_target("{\"Step_ID\":\"a\",\"step_attempt\":-1,\"span_id\":\"1222CEB2701ceb83\"}",
		      METADATA_EXTENDED_TRACE, HASH_A, -1, "1222ceb2701ceb83");
	static const char *const wrong[] = {
		"{\"step_index\":1}",
		"{\"step_attempt\":-1}",
		"{\"span_id\":\"1222ceb2701ceb83\"}",
		"{\"step_id\":\"a\",\"step_attempt\":-2}",
		"{\"step_id\":\"a\",\"step_attempt\":4294967296}",
		"{\"step_id\":\"a\",\"step_attempt\":1.5}",
		"{\"step_id\":1}",
		"{\"step_id\":\"a\",\"step_attempt\":1,\"span_id\":\"x\"}",
		"[]",
	};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		expect_problem(arena_printf(&arena, "{\"target\":%s}", wrong[i]).ptr, "Invalid metadata target");
}

static void expect_record(size_t i, const char *kind, enum metadata_op op, const char *values, size_t size) {
	assert_true(i < body.count);
	const struct metadata_record *record = &body.records[i];
	assert_true(str_eq_cstr(record->kind, kind) && str_eq_cstr(record->values, values));
	assert_int_equal(record->op, op);
	assert_int_equal(record->size, size);
	assert_int_equal(record->scope, METADATA_STEP);
}

static void records(void **state) {
	(void)state;
	assert_int_equal(
		parse("{\"target\":{\"step_id\":\"a\"},\"metadata\":["
		      "{\"kind\":\"userland.x\",\"op\":\"Merge\",\"values\":{\"b\":\"x\\ny\",\"a\":[1, 2.0]}},"
		      "{\"kind\":\"inngest.warnings\",\"op\":\"set\",\"values\":{}},"
		      "{\"kind\":\"x\",\"op\":\"DELETE\",\"values\":null},"
		      "{\"kind\":\"inngest.score\",\"op\":\"add\",\"values\":{\"good\":{\"value\":0.5},\"\xc3\xa4\":"
		      "{\"value\":false}}}]} and more"),
		ERR_OK);
	assert_int_equal(body.count, 4);
	assert_false(body.is_cut);
	expect_record(0, "userland.x", METADATA_MERGE, "{\"a\":[1,2],\"b\":\"x\\ny\"}", 13);
	expect_record(1, "inngest.warnings", METADATA_SET, "{}", 0);
	expect_record(2, "x", METADATA_DELETE, "{}", 0);
	expect_record(3, "inngest.score", METADATA_ADD, "{\"good\":{\"value\":0.5},\"\xc3\xa4\":{\"value\":false}}",
		      34);
	assert_int_equal(parse("{}"), ERR_OK);
	assert_int_equal(body.count, 0);
}

static void refusals(void **state) {
	(void)state;
	static const char *const targets_wrong[] = {
		"", "[]", "null", "{\"metadata\":{}}", "{\"metadata\":[1]}", "{\"metadata\":[{\"kind\":\"a\"}]}",
		"{\"metadata\":[{\"kind\":\"a\",\"op\":\"put\"}]}", "{\"metadata\":[{\"kind\":1,\"op\":\"set\"}]}",
		"{\"metadata\":[{\"kind\":\"a\",\"op\":\"set\",\"values\":[]}]}",
		// The ops of all entries come before the kinds of any.
		"{\"metadata\":[{\"kind\":\"inngest.no\",\"op\":\"set\"},{\"kind\":\"a\",\"op\":\"put\"}]}"};
	for (size_t i = 0; i < ARRAY_LEN(targets_wrong); i++)
		expect_problem(targets_wrong[i], "Invalid metadata target");
	static const char *const entries[] = {
		"\"kind\":\"\"",
		"\"kind\":\"inngest.timing\"",
		"\"kind\":\"inngest.\"",
		"\"kind\":\"inngest.score\",\"values\":{\"a\":1}",
		"\"kind\":\"inngest.score\",\"values\":{\"a\":{\"value\":\"1\"}}",
		"\"kind\":\"inngest.score\",\"values\":{\"a'b\":{\"value\":1}}",
		"\"kind\":\"inngest.score\",\"values\":{\"a\\u0085\":{\"value\":1}}",
		"\"kind\":\"inngest.score\",\"values\":{\"\":{\"value\":1}}",
	};
	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		expect_problem(arena_printf(&arena, "{\"metadata\":[{\"op\":\"set\",%s}]}", entries[i]).ptr,
			       "Invalid metadata");
	char name[METADATA_KIND_MAX + 2];
	memset(name, 'k', sizeof name);
	name[METADATA_KIND_MAX + 1] = '\0';
	expect_problem(arena_printf(&arena, "{\"metadata\":[{\"op\":\"set\",\"kind\":\"%s\"}]}", name).ptr,
		       "Invalid metadata");
	name[METADATA_KIND_MAX] = '\0';
	assert_int_equal(parse(arena_printf(&arena, "{\"metadata\":[{\"op\":\"set\",\"kind\":\"%s\"}]}", name).ptr),
			 ERR_OK);
}

static void sizes(void **state) {
	(void)state;
	struct buf text;
	buf_init(&text, SIZE_MAX / 2);
	buf_lit(&text,
		"{\"metadata\":[{\"kind\":\"a\",\"op\":\"set\",\"values\":{\"k\":1}},{\"kind\":\"b\",\"op\":\"set\","
		"\"values\":{\"k\":\"");
	for (unsigned i = 0; i < METADATA_RECORD_MAX - 3; i++) buf_byte(&text, 'x'); // and the key, and two quotes
	size_t end = text.len;
	buf_lit(&text, "\"}},{\"kind\":\"c\",\"op\":\"set\"}]}");
	assert_int_equal(v1_metadata_parse(&arena, buf_view(&text), &body, &problem), ERR_OK);
	assert_int_equal(body.count, 3);
	assert_int_equal(body.records[1].size, METADATA_RECORD_MAX);
	text.len = end;
	buf_lit(&text, "x\"}},{\"kind\":\"c\",\"op\":\"set\"}]}");
	assert_int_equal(v1_metadata_parse(&arena, buf_view(&text), &body, &problem), ERR_OK);
	assert_true(body.is_cut);
	assert_int_equal(body.count, 1);
	buf_free(&text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(targets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(records, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refusals, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sizes, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
