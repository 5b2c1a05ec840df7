// What the server notes of steps (spec 06 §18.2): tokens of AI calls, experiments.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "model/step_metadata.h"

static void expect(const char *op_json, const char *expected) {
	struct arena arena;
	struct opcode *ops;
	size_t count;
	struct error error;
	arena_init(&arena, 4096);
	assert_int_equal(opcodes_parse(&arena, str_from_cstr(op_json), false, &ops, &count, &error), ERR_OK);
	assert_int_equal(count, 1);
	struct str got = step_metadata(&arena, &ops[0]);
	if (!str_eq_cstr(got, expected)) fail_msg("got `%.*s`, expected `%s`", STR_ARG(got), expected);
	opcode_release(&ops[0]);
	arena_free(&arena);
}

#define STEP(more) "[{\"op\":\"StepRun\",\"id\":\"a\"," more "}]"
#define AI(values) "[{\"kind\":\"inngest.ai\",\"op\":\"merge\",\"scope\":\"step_attempt\",\"values\":{" values "}}]"
#define NAMES "\"operation_name\":\"\",\"provider\":\"vercel-ai\",\"request_model\":\"\""

static void test_nothing(void **state) {
	(void)state;
	expect(STEP("\"data\":1"), "");
	expect(STEP("\"data\":{\"usage\":{\"totalUsage\":1}}"), "");
	expect(STEP("\"data\":\"\\\"usage\\\"\",\"opts\":{\"input\":[\"\\\"experimentName\\\"\"]}"), "");
	expect(STEP("\"data\":{\"steps\":[],\"usage\":{\"inputTokens\":1}}"), "");
	expect(STEP("\"data\":{\"totalUsage\":{\"inputTokens\":\"1\",\"totalTokens\":2}}"), "");
	expect(STEP("\"opts\":{\"experimentName\":\"\",\"variant\":\"b\"}"), "");
	expect("[{\"op\":\"RunComplete\",\"id\":\"a\",\"data\":{\"data\":{\"totalUsage\":{\"inputTokens\":1}}}}]", "");
}

static void test_total_usage(void **state) {
	(void)state;
	expect(STEP("\"data\":{\"totalUsage\":{\"inputTokens\":10,\"outputTokens\":5,\"totalTokens\":15,"
		    "\"reasoningTokens\":2,\"cachedInputTokens\":3},\"finishReason\":\"stop\",\"steps\":[{\"usage\":"
		    "{\"inputTokens\":1},\"model\":{\"modelId\":\"gpt-4o\"},"
		    "\"response\":{\"modelId\":\"gpt-4o-2024-08-06\",\"id\":\"r\\\"1\"}}]}"),
	       AI("\"input_tokens\":10,\"output_tokens\":5,\"total_tokens\":15,\"reasoning_tokens\":2,"
		  "\"cache_read_tokens\":3,\"operation_name\":\"\",\"provider\":\"vercel-ai\","
		  "\"request_model\":\"gpt-4o\",\"response_model\":\"gpt-4o-2024-08-06\","
		  "\"response_id\":\"r\\\"1\",\"finish_reasons\":[\"stop\"]"));
}

static void test_usage_of_first_step(void **state) {
	(void)state;
	expect(STEP("\"data\":{\"steps\":[{\"usage\":{\"promptTokens\":7},\"finishReason\":\"length\",\"request\":"
		    "{\"body\":{\"model\":\"o3\"}}},{\"usage\":{\"promptTokens\":9}}],"
		    "\"response\":{\"modelId\":\"o3-mini\"}}"),
	       AI("\"input_tokens\":7,\"output_tokens\":0,\"operation_name\":\"\",\"provider\":\"vercel-ai\","
		  "\"request_model\":\"o3\",\"response_model\":\"o3-mini\",\"finish_reasons\":[\"length\"]"));
	expect(STEP("\"data\":{\"steps\":[{\"usage\":{\"outputTokens\":0}}]}"),
	       AI("\"input_tokens\":0,\"output_tokens\":0," NAMES));
}

static void test_experiment(void **state) {
	(void)state;
	expect(STEP("\"data\":1,\"opts\":{\"experimentName\":\"checkout\",\"selectionStrategy\":\"weighted\","
		    "\"variant\":\"b\"},\"metadata\":[{\"kind\":\"userland.x\",\"values\":{}}]"),
	       "[{\"kind\":\"inngest.experiment\",\"op\":\"merge\",\"scope\":\"step\",\"values\":{\"name\":"
	       "\"checkout\","
	       "\"selection_strategy\":\"weighted\",\"variant\":\"b\"}},{\"kind\":\"userland.x\",\"values\":{}}]");
	expect("[{\"op\":\"Sleep\",\"id\":\"a\",\"name\":\"1s\",\"opts\":{\"experimentName\":\"e\",\"variant\":1}}]",
	       "[{\"kind\":\"inngest.experiment\",\"op\":\"merge\",\"scope\":\"step\",\"values\":{\"name\":\"e\","
	       "\"selection_strategy\":\"\",\"variant\":\"\"}}]");
}

// What the app says comes after what the server notes, and so counts more.
static void test_both(void **state) {
	(void)state;
	expect(STEP("\"data\":{\"totalUsage\":{\"inputTokens\":1}},\"opts\":{\"experimentName\":\"e\"},"
		    "\"metadata\":[{\"kind\":\"inngest.ai\",\"values\":{\"input_tokens\":2}}]"),
	       "[{\"kind\":\"inngest.ai\",\"op\":\"merge\",\"scope\":\"step_attempt\",\"values\":{\"input_tokens\":1,"
	       "\"output_tokens\":0," NAMES
	       "}},{\"kind\":\"inngest.experiment\",\"op\":\"merge\",\"scope\":\"step\",\"values\":{\"name\":\"e\","
	       "\"selection_strategy\":\"\",\"variant\":\"\"}},"
	       "{\"kind\":\"inngest.ai\",\"values\":{\"input_tokens\":2}}]");
}

// It is on the way of every step: large outputs are not looked into.
static void test_large(void **state) {
	(void)state;
	size_t filler = 256u << 10;
	char *json = mem_calloc(1, filler + 256);
	char *end = stpcpy(
		json, "[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":{\"totalUsage\":{\"inputTokens\":1},\"text\":\"");
	memset(end, 'x', filler);
	memcpy(end + filler, "\"}}]", sizeof "\"}}]");
	expect(json, "");
	free(json);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_total_usage),
		cmocka_unit_test(test_usage_of_first_step),
		cmocka_unit_test(test_experiment),
		cmocka_unit_test(test_both),
		cmocka_unit_test(test_large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
