// The body of POST /v2/runs/{runId}/scores.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "model/limits.h"
#include "model/v2_body.h"
#include "text_asserts.h"

static struct arena arena;
static struct v2_score *scores;
static size_t count;
static struct v2_refusal refusal;

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

static enum err parse(const char *body) {
	return v2_scores_parse(&arena, str_from_cstr(body), &scores, &count, &refusal);
}

static void expect_refusal(const char *body, const char *code, const char *text) {
	assert_int_equal(parse(body), ERR_INVALID);
	assert_int_equal(refusal.status, 400);
	assert_string_equal(refusal.code, code);
	if (text != NULL) assert_text(refusal.text, text);
	assert_int_equal(count, 0);
}

static void read_scores(void **state) {
	(void)state;
	assert_int_equal(parse("[{\"name\":\"a\",\"value\":1.50},{\"name\":\"b\",\"value\":false,\"step_id\":\"s\","
			       "\"experiment\":null},{\"value\":-1e3,\"name\":\"c\",\"experiment\":{\"variant\":\"v\","
			       "\"id\":\"e\"}}]"),
			 ERR_OK);
	assert_int_equal(count, 3);
	assert_text(scores[0].value, "1.5");
	assert_text(scores[1].value, "false");
	assert_text(scores[1].step_id, "s");
	assert_text(scores[2].value, "-1000");
	assert_text(scores[2].experiment_id, "e");
	assert_text(scores[2].variant, "v");
}

static void become_records(void **state) {
	(void)state;
	struct metadata_target target;
	struct metadata_record records[V2_SCORE_RECORDS_MAX];
	assert_int_equal(
		parse("[{\"name\":\"a\",\"value\":true,\"stepId\":\"a\"},{\"name\":\"\\\"\",\"value\":1,\"experiment\":"
		      "{\"id\":\"e\",\"variant\":\"v\"}}]"),
		ERR_OK);
	assert_int_equal(v2_score_records(&arena, &scores[0], &target, records), 1);
	assert_int_equal(target.scope, METADATA_STEP);
	assert_string_equal(target.step, "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8");
	assert_false(target.has_attempt);
	assert_text(records[0].kind, "inngest.score");
	assert_text(records[0].values, "{\"a\":{\"value\":true}}");
	assert_int_equal(records[0].scope, METADATA_STEP);
	assert_int_equal(records[0].op, METADATA_MERGE);
	assert_int_equal(records[0].size, 15);
	assert_int_equal(v2_score_records(&arena, &scores[1], &target, records), 2);
	assert_int_equal(target.scope, METADATA_RUN);
	assert_string_equal(target.step, "");
	assert_text(records[0].values, "{\"\\\"\":{\"value\":1}}");
	assert_text(records[1].kind, "inngest.experiment");
	assert_text(records[1].values, "{\"name\":\"e\",\"variant\":\"v\"}");
}

static void bodies(void **state) {
	(void)state;
	expect_refusal("", "api_error", NULL);
	expect_refusal("{}", "api_error", NULL);
	expect_refusal("[1]", "api_error", NULL);
	expect_refusal("[{\"name\":1}]", "api_error", NULL);
	expect_refusal("[{\"name\":\"a\",\"value\":1,\"more\":1}]", "api_error", NULL);
	expect_refusal("[{\"name\":\"a\",\"value\":1,\"experiment\":{\"x\":1}}]", "api_error", NULL);
	expect_refusal("[]", "invalid_field_format", "At least one score is required");
	struct buf many;
	buf_init(&many, 10000);
	for (unsigned i = 0; i <= V2_SCORES_MAX; i++) {
		buf_byte(&many, i == 0 ? '[' : ',');
		buf_lit(&many, "{\"name\":\"a\",\"value\":1}");
	}
	buf_lit(&many, "]");
	expect_refusal(arena_dup(&arena, buf_view(&many)).ptr, "invalid_field_format",
		       "At most 100 scores are allowed");
	buf_free(&many);
}

static void one_wrong_score(void **state) {
	(void)state;
	char text[V2_EXPERIMENT_MAX + 2];
	memset(text, 'x', sizeof text);
	text[V2_EXPERIMENT_MAX + 1] = '\0';
	const struct {
		const char *score, *text;
	} cases[] = {
		{"\"value\":1", "Score name is required"},
		{"\"name\":\"a\"", "Score value is required"},
		{"\"name\":\"a\",\"value\":\"1\"", "Score value must be a finite number or boolean"},
		{"\"name\":\"a\",\"value\":1,\"stepId\":\"\"", "Step ID must not be empty when provided"},
		{"\"name\":\"a\",\"value\":1,\"stepId\":\"s\",\"experiment\":{}",
		 "Experiment scores must be run-scoped"},
		{"\"name\":\"a\",\"value\":1,\"experiment\":{}",
		 "Experiment ID is required when experiment is provided"},
		{arena_printf(&arena, "\"name\":\"a\",\"value\":1,\"experiment\":{\"id\":\"%s\"}", text).ptr,
		 "Experiment ID must be at most 128 UTF-8 bytes"},
		{"\"name\":\"a\",\"value\":1,\"experiment\":{\"id\":\"e\"}",
		 "Experiment variant is required when experiment is provided"},
		{arena_printf(&arena, "\"name\":\"a\",\"value\":1,\"experiment\":{\"id\":\"e\",\"variant\":\"%s\"}",
			      text)
			 .ptr,
		 "Experiment variant must be at most 128 UTF-8 bytes"},
		{"\"name\":\"a'\",\"value\":1",
		 "Score name or value is invalid; names must be at most 128 UTF-8 bytes, must not contain control "
		 "characters or single quotes, and values must be a finite number or boolean"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_refusal(arena_printf(&arena, "[{\"name\":\"a\",\"value\":1},{%s}]", cases[i].score).ptr,
			       "invalid_field_format", arena_printf(&arena, "scores[1]: %s", cases[i].text).ptr);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(read_scores, set_up, tear_down),
		cmocka_unit_test_setup_teardown(become_records, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bodies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_wrong_score, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
