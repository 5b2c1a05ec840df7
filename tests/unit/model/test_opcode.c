// Opcodes: parsing, types, sizes and memoised forms (spec 02 §6, §8).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "model/limits.h"
#include "model/opcode.h"
#include "text_asserts.h"

struct fixture {
	struct arena arena;
	struct opcode *ops;
	size_t count;
	struct error error;
};

static int setup(void **state) {
	struct fixture *f = mem_calloc(1, sizeof(*f));
	arena_init(&f->arena, 4096);
	*state = f;
	return 0;
}

static void clear(struct fixture *f) {
	for (size_t i = 0; i < f->count; i++) opcode_release(&f->ops[i]);
	f->count = 0;
}

static int teardown(void **state) {
	struct fixture *f = *state;
	clear(f);
	arena_free(&f->arena);
	free(f);
	return 0;
}

static enum err parse(struct fixture *f, struct str body, bool no_retry) {
	clear(f);
	f->error.message[0] = '\0';
	return opcodes_parse(&f->arena, body, no_retry, &f->ops, &f->count, &f->error);
}

static enum err parse_checkpoint(struct fixture *f, struct str steps) {
	clear(f);
	f->error.message[0] = '\0';
	yyjson_doc *doc = json_read(steps, false, NULL, NULL);
	assert_non_null(doc);
	enum err err = opcodes_parse_value(&f->arena, yyjson_doc_get_root(doc), false, &f->ops, &f->count, &f->error);
	yyjson_doc_free(doc);
	return err;
}

static void assert_output(const struct opcode *op, const char *expected) {
	if (expected == NULL) {
		assert_null(op->output);
		return;
	}
	assert_non_null(op->output);
	assert_text(payload_str(op->output), expected);
}

static void expect_error(struct fixture *f, const char *body, const char *message) {
	assert_int_equal(parse(f, str_from_cstr(body), false), ERR_INVALID);
	assert_int_equal(f->count, 0);
	assert_string_equal(f->error.message, message);
}

static void test_names(void **state) {
	(void)state;
	enum opcode_kind kind;
	for (int i = 0; i < OPCODE_COUNT; i++) {
		assert_true(opcode_from_name(str_from_cstr(opcode_table[i].name), &kind));
		assert_int_equal(kind, i);
	}
	assert_true(opcode_from_name(STR("STEPRUN"), &kind));
	assert_int_equal(kind, OPCODE_STEP_RUN);
	assert_true(opcode_from_name(STR("aigateway"), &kind));
	assert_false(opcode_from_name(STR("StepNotFound"), &kind));
	assert_false(opcode_from_name(STR(""), &kind));
}

static void test_table(void **state) {
	(void)state;
	assert_true(opcode_table[OPCODE_STEP_RUN].sync && opcode_table[OPCODE_DEFER_ADD].sync);
	assert_false(opcode_table[OPCODE_STEP_ERROR].sync || opcode_table[OPCODE_SLEEP].sync);
	assert_true(opcode_table[OPCODE_STEP_PLANNED].plan && opcode_table[OPCODE_SLEEP].plan);
	assert_false(opcode_table[OPCODE_STEP_RUN].plan || opcode_table[OPCODE_RUN_COMPLETE].plan);
	assert_true(opcode_table[OPCODE_DEFER_ABORT].lazy);
}

static void test_step_run(void **state) {
	struct fixture *f = *state;
	assert_int_equal(parse(f,
			       STR(" [{\"id\":\"86f7\",\"op\":\"StepRun\",\"name\":\"a\",\"displayName\":\"A\","
				   "\"opts\":{\"type\":\"step.sendEvent\",\"parallelMode\":\"RACE\"},"
				   "\"data\":{\"b\":1.10,\"a\":1e21},\"timing\":{\"a\":7,\"b\":-2},\"mode\":\"sync\","
				   "\"userland\":{\"id\":\"a\",\"index\":3}}]\n"),
			       false),
			 ERR_OK);
	assert_int_equal(f->count, 1);
	const struct opcode *op = &f->ops[0];
	assert_int_equal(op->kind, OPCODE_STEP_RUN);
	assert_text(op->id, "86f7");
	assert_text(op->name, "a");
	assert_text(op->display_name, "A");
	assert_text(op->opts, "{\"parallelMode\":\"RACE\",\"type\":\"step.sendEvent\"}");
	assert_text(op->opts_type, "step.sendEvent");
	assert_int_equal(op->parallel, PARALLEL_RACE);
	assert_int_equal(op->timing_start_ns, 7);
	assert_int_equal(op->timing_ns, -2);
	assert_output(op, "{\"data\":{\"a\":1e+21,\"b\":1.1}}");
}

static void test_forms(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *body, *output;
	} cases[] = {
		{"{\"op\":\"StepRun\",\"id\":\"x\"}", "{\"data\":null}"},
		{"{\"op\":\"StepRun\",\"data\":null}", "{\"data\":null}"},
		{"{\"op\":\"Step\",\"data\":{\"data\":[1, 2]}}", "{\"data\":[1,2]}"},
		{"{\"op\":\"Step\"}", "null"},
		{"{\"op\":\"RunComplete\",\"data\":{\"data\":1}}", "{\"data\":1}"},
		{"{\"op\":\"RunComplete\"}", "null"},
		{"{\"op\":\"SyncRunComplete\",\"data\":{\"data\":{\"status\":200}}}", "{\"data\":{\"status\":200}}"},
		{"{\"op\":\"StepPlanned\",\"data\":null}", NULL},
		{"{\"op\":\"Sleep\",\"name\":\"1s\"}", NULL},
		{"{\"op\":\"StepFailed\",\"error\":{\"name\":\"N\",\"message\":\"m\",\"noRetry\":true},"
		 "\"data\":{\"__serialized\":true}}",
		 "{\"error\":{\"message\":\"m\",\"name\":\"N\",\"noRetry\":true}}"},
		{"{\"op\":\"StepFailed\"}", "{\"error\":{\"message\":\"Unknown error\",\"name\":\"Error\"}}"},
		{"{\"op\":\"StepError\",\"error\":{}}", "{\"error\":{\"message\":\"\",\"name\":\"\"}}"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(parse(f, str_from_cstr(cases[i].body), false), ERR_OK);
		assert_int_equal(f->count, 1);
		assert_output(&f->ops[0], cases[i].output);
	}
}

static void test_step_error(void **state) {
	struct fixture *f = *state;
	struct str body =
		STR("[{\"id\":\"1902e3\",\"op\":\"StepError\",\"error\":{\"name\":\"TypeError\",\"message\":\"bad "
		    "\\u00e9\","
		    "\"stack\":\"s\",\"__serialized\":true,\"code\":5,\"data\":{\"z\":1,\"a\":2},\"noRetry\":true,"
		    "\"cause\":{\"code\":1,\"b\":[]}},\"data\":null}]");
	assert_int_equal(parse(f, body, false), ERR_OK);
	assert_text(f->ops[0].error_name, "TypeError");
	assert_text(f->ops[0].error_message, "bad é");
	// The header decides about noRetry, not the op.
	assert_output(&f->ops[0], "{\"error\":{\"cause\":{\"b\":[],\"code\":1},\"data\":{\"a\":2,\"z\":1},"
				  "\"message\":\"bad é\",\"name\":\"TypeError\",\"stack\":\"s\"}}");
	assert_int_equal(parse(f, body, true), ERR_OK);
	assert_output(&f->ops[0], "{\"error\":{\"cause\":{\"b\":[],\"code\":1},\"data\":{\"a\":2,\"z\":1},"
				  "\"message\":\"bad é\",\"name\":\"TypeError\",\"noRetry\":true,\"stack\":\"s\"}}");
}

static void test_letter_case(void **state) {
	struct fixture *f = *state;
	assert_int_equal(parse(f,
			       STR("{\"OP\":\"steprun\",\"Id\":\"x\",\"Data\":1,\"DISPLAYNAME\":\"\",\"Name\":\"n\"}"),
			       false),
			 ERR_OK);
	assert_int_equal(f->ops[0].kind, OPCODE_STEP_RUN);
	assert_text(f->ops[0].id, "x");
	assert_text(f->ops[0].display_name, "n");
	assert_output(&f->ops[0], "{\"data\":1}");
}

static void test_sleep(void **state) {
	struct fixture *f = *state;
	assert_int_equal(parse(f,
			       STR("[{\"op\":\"Sleep\",\"id\":\"a\",\"name\":\"2s\",\"opts\":{}},"
				   "{\"op\":\"Sleep\",\"id\":\"b\",\"name\":\"x\",\"opts\":{\"duration\":\"3s\"}},"
				   "{\"op\":\"Sleep\",\"id\":\"c\",\"opts\":{\"duration\":3}},"
				   "{\"op\":\"StepPlanned\",\"id\":\"d\",\"name\":\"x\"}]"),
			       false),
			 ERR_OK);
	assert_int_equal(f->count, 4);
	assert_text(f->ops[0].duration, "2s");
	assert_text(f->ops[0].opts, "{}");
	assert_text(f->ops[1].duration, "3s");
	assert_text(f->ops[2].duration, "");
	assert_text(f->ops[2].display_name, "c");
	assert_text(f->ops[3].duration, "");
	assert_text(f->ops[3].opts, "");
}

static void test_wait_for_signal(void **state) {
	struct fixture *f = *state;
	assert_int_equal(
		parse(f,
		      STR("[{\"op\":\"WaitForSignal\",\"id\":\"a\",\"name\":\"n\",\"opts\":{\"signal\":\"s\","
			  "\"timeout\":\"1h\",\"conflict\":\"replace\",\"parallelMode\":\"race\"}},"
			  "{\"op\":\"WaitForSignal\",\"id\":\"b\",\"opts\":{\"signal\":\"s\",\"conflict\":\"fail\"}},"
			  "{\"op\":\"WaitForSignal\",\"id\":\"c\",\"opts\":{\"signal\":1,\"timeout\":[ 5 "
			  "],\"conflict\":[]}},"
			  "{\"op\":\"WaitForSignal\",\"id\":\"d\",\"name\":\"n\",\"opts\":{\"timeout\":null}},"
			  "{\"op\":\"WaitForSignal\",\"id\":\"e\",\"name\":\"n\"}]"),
		      false),
		ERR_OK);
	assert_int_equal(f->count, 5);
	assert_text(f->ops[0].signal_name, "s");
	assert_text(f->ops[0].signal_timeout, "1h");
	assert_true(f->ops[0].signal_replaces);
	assert_int_equal(f->ops[0].parallel, PARALLEL_RACE);
	assert_text(f->ops[1].signal_timeout, "");
	assert_false(f->ops[1].signal_replaces);
	assert_text(f->ops[2].signal_name, "");
	assert_text(f->ops[2].signal_timeout, "[5]");
	assert_false(f->ops[2].signal_replaces);
	assert_text(f->ops[3].signal_timeout, "");
	assert_text(f->ops[4].signal_name, "");
}

static void test_none(void **state) {
	struct fixture *f = *state;
	assert_int_equal(parse(f, STR("[]"), false), ERR_OK);
	assert_int_equal(f->count, 1);
	assert_int_equal(f->ops[0].kind, OPCODE_NONE);
	assert_int_equal(f->ops[0].id.len, 0);
	assert_int_equal(parse(f, STR("{}"), false), ERR_OK);
	assert_int_equal(f->count, 1);
	assert_int_equal(f->ops[0].kind, OPCODE_NONE);
	assert_null(f->ops[0].output);
}

static void test_errors(void **state) {
	struct fixture *f = *state;
	expect_error(f, "", "no response data");
	expect_error(f, " \n\t", "no response data");
	expect_error(f, "null", "expected JSON object or array");
	expect_error(f, "\"[]\"", "expected JSON object or array");
	expect_error(f, "<html>", "expected JSON object or array");
	expect_error(f, "[{\"op\":\"StepRun\"},null]", "error validating generator opcode 1: opcode cannot be null");
	expect_error(f, "[{\"op\":\"StepNotFound\"}]", "StepNotFound does not belong to Opcode values");
	expect_error(f, "[{\"op\":2}]", "Opcode should be a string, got 2");
	expect_error(f, "[{\"op\":null}]", "Opcode should be a string, got null");
	expect_error(f, "[{\"op\":[1]}]", "Opcode should be a string, got an array");
	expect_error(f, "[5]", "opcode 0 should be an object, got a number");
	expect_error(f, "{\"op\":\"StepRun\",\"name\":5}", "opcode 0: name should be a string, got a number");
	expect_error(f, "{\"op\":\"StepRun\",\"id\":{}}", "opcode 0: id should be a string, got an object");
	expect_error(f, "{\"op\":\"StepError\",\"error\":{\"message\":1}}",
		     "error.message should be a string, got a number");
	expect_error(f, "{\"op\":\"StepRun\",\"error\":{\"name\":1}}", "error.name should be a string, got a number");
	expect_error(f, "{\"op\":\"StepError\",\"error\":\"x\"}", "opcode 0: error should be an object, got a string");
	expect_error(f, "{\"op\":\"StepRun\",\"timing\":{\"a\":1.5}}", "timing.a should be an integer, got a number");
	expect_error(f, "{\"op\":\"StepRun\",\"timing\":{\"b\":18446744073709551615}}",
		     "timing.b should be an integer, got a number");
	expect_error(f, "{\"op\":\"StepRun\",\"userland\":{\"index\":\"0\"}}",
		     "userland.index should be an integer, got a string");
	expect_error(f, "{\"op\":\"StepRun\",\"metadata\":{}}", "opcode 0: metadata should be an array, got an object");
	expect_error(f, "{\"op\":\"StepRun\",\"metadata\":[{\"scope\":\"moon\"}]}",
		     "moon does not belong to metadata scope values");
	expect_error(f, "{\"op\":\"StepRun\",\"metadata\":[{\"scope\":\"run\",\"op\":\"eat\"}]}",
		     "eat does not belong to metadata op values");
	expect_error(f, "{\"op\":\"StepError\",\"id\":\"i\"}",
		     "error validating generator opcode i: a StepError must have an error");
	assert_int_equal(parse(f, STR("[{\"op\":\"StepRun\"}"), false), ERR_INVALID);
	assert_int_equal(parse(f, STR("{} trailing"), false), ERR_INVALID);
	// Null is as good as absent.
	assert_int_equal(parse(f,
			       STR("{\"op\":\"StepRun\",\"id\":null,\"name\":null,\"displayName\":null,\"opts\":null,"
				   "\"error\":null,\"timing\":null,\"userland\":{\"index\":null},\"metadata\":[null]}"),
			       false),
			 ERR_OK);
	assert_int_equal(f->ops[0].opts.len, 0);
}

// `prefix` + n times 'x' + `suffix`.
static struct str large(struct arena *arena, const char *prefix, size_t n, const char *suffix) {
	size_t before = strlen(prefix), after = strlen(suffix);
	char *text = arena_alloc(arena, before + n + after);
	memcpy(text, prefix, before);
	memset(text + before, 'x', n);
	memcpy(text + before + n, suffix, after);
	return str_make(text, before + n + after);
}

static void test_sizes(void **state) {
	struct fixture *f = *state;
	const size_t wrap = strlen("{\"data\":\"\"}");
	const char *run = "[{\"op\":\"StepRun\",\"id\":\"first\"},{\"op\":\"StepRun\",\"id\":\"big\",\"data\":\"";
	assert_int_equal(parse(f, large(&f->arena, run, STEP_OUTPUT_MAX - wrap, "\"}]"), false), ERR_OK);
	assert_int_equal(f->ops[1].output->len, STEP_OUTPUT_MAX);
	assert_int_equal(parse(f, large(&f->arena, run, STEP_OUTPUT_MAX - wrap + 1, "\"}]"), false), ERR_TOO_LARGE);
	assert_int_equal(f->count, 0);
	assert_string_equal(f->error.message,
			    "error validating generator opcode big: step output size is greater than the limit");

	const char *input = "{\"op\":\"StepRun\",\"id\":\"in\",\"opts\":{\"input\":[\"";
	assert_int_equal(parse(f, large(&f->arena, input, STEP_INPUT_MAX - 4, "\"]}}"), false), ERR_OK);
	assert_int_equal(parse(f, large(&f->arena, input, STEP_INPUT_MAX - 3, "\"]}}"), false), ERR_TOO_LARGE);
	assert_string_equal(f->error.message,
			    "error validating generator opcode in: step input size is greater than the limit");
	assert_int_equal(parse(f,
			       large(&f->arena, "{\"op\":\"AIGateway\",\"id\":\"ai\",\"opts\":{\"body\":\"",
				     STEP_INPUT_MAX, "\"}}"),
			       false),
			 ERR_TOO_LARGE);
	assert_int_equal(parse(f,
			       large(&f->arena, "{\"op\":\"StepError\",\"id\":\"e\",\"error\":{\"stack\":\"",
				     STEP_OUTPUT_MAX, "\"}}"),
			       false),
			 ERR_TOO_LARGE);
}

// Whatever the op does with it: cut, two steps would become one. Messages show its beginning.
static void test_long_ids(void **state) {
	struct fixture *f = *state;
	const char *before = "[{\"op\":\"StepRun\",\"id\":\"first\"},{\"op\":\"Sleep\",\"id\":\"";
	assert_int_equal(parse(f, large(&f->arena, before, STEP_ID_MAX, "\"}]"), false), ERR_OK);
	assert_int_equal(f->ops[1].id.len, STEP_ID_MAX);
	assert_int_equal(f->ops[1].display_name.len, STEP_ID_MAX);
	struct str long_id = large(&f->arena, before, STEP_ID_MAX + 1, "\"}]");
	assert_int_equal(parse(f, long_id, false), ERR_INVALID);
	assert_int_equal(f->count, 0);
	struct str message = str_from_cstr(f->error.message);
	assert_true(str_starts_with(message, STR("error validating generator opcode xxx")));
	assert_true(str_ends_with(message, STR("xxx: step id is longer than 65535 bytes")));
	assert_int_equal(parse_checkpoint(f, long_id), ERR_INVALID);
	assert_int_equal(f->count, 0);
}

static void test_checkpoint(void **state) {
	struct fixture *f = *state;
	assert_int_equal(opcodes_parse_value(&f->arena, NULL, false, &f->ops, &f->count, &f->error), ERR_OK);
	assert_int_equal(f->count, 0);
	assert_int_equal(parse_checkpoint(f, STR("[]")), ERR_OK);
	assert_int_equal(f->count, 0);
	assert_int_equal(parse_checkpoint(f, STR("null")), ERR_OK);
	assert_int_equal(f->count, 0);
	assert_int_equal(parse_checkpoint(f, STR("5")), ERR_INVALID);
	assert_int_equal(parse_checkpoint(f, STR("[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":1}]")), ERR_OK);
	assert_int_equal(f->count, 1);
	assert_output(&f->ops[0], "{\"data\":1}");

	// What comes before an output that is too large still counts.
	assert_int_equal(parse_checkpoint(f, large(&f->arena,
						   "[{\"op\":\"StepRun\",\"id\":\"first\"},"
						   "{\"op\":\"StepRun\",\"id\":\"big\",\"data\":\"",
						   STEP_OUTPUT_MAX, "\"},{\"op\":\"StepRun\"}]")),
			 ERR_TOO_LARGE);
	assert_int_equal(f->count, 1);
	assert_text(f->ops[0].id, "first");
	assert_string_equal(f->error.message, "step big output too large: step output size is greater than the limit");
	// What is wrong in type leaves nothing.
	assert_int_equal(parse_checkpoint(f, STR("[{\"op\":\"StepRun\"},{\"op\":\"StepRun\",\"id\":1}]")), ERR_INVALID);
	assert_int_equal(f->count, 0);
}

static struct str many(struct arena *arena, size_t count) {
	char *text = arena_alloc(arena, count * 3 + 1);
	for (size_t i = 0; i < count; i++) memcpy(text + i * 3, i == 0 ? "[{}" : ",{}", 3);
	text[count * 3] = ']';
	return str_make(text, count * 3 + 1);
}

static void test_many(void **state) {
	struct fixture *f = *state;
	assert_int_equal(parse(f, many(&f->arena, ANSWER_OPCODES_MAX), false), ERR_OK);
	assert_int_equal(f->count, ANSWER_OPCODES_MAX);
	assert_int_equal(parse(f, many(&f->arena, 50000), false), ERR_OK);
	assert_int_equal(f->count, ANSWER_OPCODES_MAX + 1);
	assert_int_equal(parse_checkpoint(f, many(&f->arena, CHECKPOINT_OPCODES_MAX)), ERR_OK);
	assert_int_equal(f->count, CHECKPOINT_OPCODES_MAX);
	assert_int_equal(parse_checkpoint(f, many(&f->arena, CHECKPOINT_OPCODES_MAX + 1)), ERR_INVALID);
}

#define ADD(opts) "{\"op\":\"DeferAdd\",\"id\":\"d\",\"userland\":{\"id\":\"mine\"},\"data\":null,\"opts\":" opts "}"

static const struct opcode *deferred(struct fixture *f, const char *body) {
	assert_int_equal(parse(f, str_from_cstr(body), false), ERR_OK);
	assert_int_equal(f->count, 1);
	return &f->ops[0];
}

// The server puts `_inngest` where it belongs in the order of the members, and nobody else does.
static void test_defer(void **state) {
	struct fixture *f = *state;
	const struct opcode *op = deferred(
		f, ADD("{\"fn_slug\":\"a-f\",\"input\":{\"z\":{\"b\":1,\"a\":2},\"_inngest\":{\"fn_slug\":\"x\"},"
		       "\"Z\":1.50,\"_a\":0,\"z\":[1e2]}}"));
	assert_null(op->defer_refusal);
	assert_text(op->defer_function, "a-f");
	assert_text(op->defer_name, "mine");
	assert_output(op, "\"Z\":1.5,\"_a\":0\"z\":[100]");
	assert_int_equal(op->defer_split, strlen("\"Z\":1.5,\"_a\":0"));
	op = deferred(f, ADD("{\"fn_slug\":\"a-f\",\"input\":{},\"meta\":null}"));
	assert_null(op->defer_refusal);
	assert_int_equal(op->output->len + op->defer_meta.len, 0);
	op = deferred(f, ADD("{\"fn_slug\":\"a-f\",\"input\":{},\"meta\":{\"sessions\":{\"k\":1}}}"));
	assert_text(op->defer_meta, "{\"sessions\":{\"k\":\"1\"}}");
	op = deferred(f, "{\"op\":\"DeferAbort\",\"id\":\"x\",\"data\":1,\"opts\":{\"target_hashed_id\":\"d\"}}");
	assert_text(op->defer_target, "d");
	assert_null(op->output);
}

// Never an error of the answer.
static void test_refused_defer(void **state) {
	struct fixture *f = *state;
	static const char *const bad[] = {
		ADD("1"),
		ADD("[]"),
		ADD("{}"),
		ADD("{\"fn_slug\":1,\"input\":{}}"),
		ADD("{\"fn_slug\":\"a\"}"),
		ADD("{\"fn_slug\":\"a\",\"input\":[]}"),
		ADD("{\"fn_slug\":\"a\",\"input\":{},\"meta\":[]}"),
		ADD("{\"fn_slug\":\"a\",\"input\":{},\"meta\":{\"sessions\":{\"k\":true}}}"),
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct opcode *op = deferred(f, bad[i]);
		assert_non_null(op->defer_refusal);
		assert_null(op->output);
		assert_int_equal(op->defer_is_unreadable, i < 2);
	}
	char *large = mem_alloc(DEFER_INPUT_MAX + 200);
	int head = snprintf(large, 200,
			    "{\"op\":\"DeferAdd\",\"id\":\"d\",\"opts\":{\"fn_slug\":\"a\",\"input\":{\"x\":\"");
	memset(large + head, 'x', DEFER_INPUT_MAX);
	memcpy(large + head + DEFER_INPUT_MAX, "\"}}}", sizeof "\"}}}");
	assert_non_null(deferred(f, large)->defer_refusal);
	free(large);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_defer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_defer, setup, teardown),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_table),
		cmocka_unit_test_setup_teardown(test_step_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forms, setup, teardown),
		cmocka_unit_test_setup_teardown(test_step_error, setup, teardown),
		cmocka_unit_test_setup_teardown(test_letter_case, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sleep, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wait_for_signal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_ids, setup, teardown),
		cmocka_unit_test_setup_teardown(test_checkpoint, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
