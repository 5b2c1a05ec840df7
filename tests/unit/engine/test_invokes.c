// Invokes: what the caller gets, and when (03 §14.6).
#include "fixture.h"

static int setup(void **state) {
	struct fixture *f = mem_calloc(1, sizeof *f);
	fixture_open(f);
	fixture_register(f, "app", "app-outer|x/go|0 app-inner|x/never|0");
	*state = f;
	return 0;
}

// A run that invokes with these options; returns the call of what it invoked, if there is one.
static const struct call *invoke(struct fixture *f, const char *options) {
	char ops[1000];
	fixture_event(f, "{\"name\":\"x/go\"}");
	snprintf(ops, sizeof ops, "[{\"op\":\"InvokeFunction\",\"id\":\"i\",\"name\":\"call\",\"opts\":{%s}}]",
		 options);
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 206, "1", ops);
	return fixture_call(f, 0);
}
#define INNER "\"function_id\":\"app-inner\",\"payload\":{\"data\":{\"n\":1}}"

static void assert_value(struct fixture *f, const char *expected) {
	assert_int_equal(fixture_calls(f), 1);
	const struct call *call = fixture_call(f, 0);
	assert_int_equal(call->step_count, 1);
	struct payload *value = payload_ref(call->steps[0].value.data);
	struct error error;
	const struct payload_ref *ref = &call->steps[0].value;
	if (value == NULL)
		assert_int_equal(store_body(f->store, ref->kind, str_make(ref->key, ref->key_len), &value, &error),
				 ERR_OK);
	if (str_find_str(payload_str(value), str_from_cstr(expected)) < 0)
		print_error("%.*s\n", STR_ARG(payload_str(value)));
	assert_true(str_find_str(payload_str(value), str_from_cstr(expected)) >= 0);
	payload_unref(value);
}

static void test_result(void **state) {
	struct fixture *f = *state;
	struct target inner = fixture_target(invoke(f, INNER));
	const struct history_item *event = fixture_history(f, HISTORY_EVENT, 0);
	assert_true(str_eq(event->event.name, STR("inngest/function.invoked")));
	assert_true(str_find_str(event->event.data, STR("\"fn_id\":\"app-inner\"")) >= 0);
	assert_true(str_find_str(event->event.data, STR(",\"n\":1}")) >= 0);
	fixture_answer(f, inner, 200, "1", "{\"x\":[1,null]}");
	assert_value(f, "{\"data\":{\"x\":[1,null]}}");
	assert_int_equal(fixture_runs(f), 1);
}

static void test_result_after_restart(void **state) {
	struct fixture *f = *state;
	invoke(f, INNER);
	f->now++;
	fixture_restart(f);
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 200, "1", "\"late\"");
	assert_value(f, "{\"data\":\"late\"}");
}

static void test_empty_result(void **state) {
	struct fixture *f = *state;
	fixture_answer(f, fixture_target(invoke(f, INNER)), 200, "1", "");
	assert_value(f, "{\"data\":null}");
}

static void test_failure(void **state) {
	struct fixture *f = *state;
	fixture_answer(f, fixture_target(invoke(f, INNER)), 400, "1", "{\"name\":\"Mine\",\"message\":\"no\"}");
	assert_value(f, "{\"error\":{");
	assert_value(f, "\"message\":\"no\",\"name\":\"Mine\"");
}

static void test_cancelled(void **state) {
	struct fixture *f = *state;
	struct command *command = command_new(COMMAND_CANCEL);
	command->run.run_id = invoke(f, INNER)->run_id;
	fixture_apply(f, command);
	assert_value(f, "was cancelled");
}

static void test_unknown_function(void **state) {
	struct fixture *f = *state;
	invoke(f, "\"function_id\":\"app-nobody\"");
	assert_value(f, "{\"error\":{\"error\":\"could not find function with ID: app-nobody\"");
	assert_true(str_eq(fixture_history(f, HISTORY_EVENT, 1)->event.name, STR("inngest/function.finished")));
	f->now++;
	invoke(f, "\"payload\":null");
	assert_value(f, "could not extract function ID from event");
}

// The id of the payload makes the event one that was there before: no run would ever answer.
static void test_repeated_event(void **state) {
	static const char options[] = "\"function_id\":\"app-inner\",\"payload\":{\"id\":\"same\"}";
	struct fixture *f = *state;
	struct target inner = fixture_target(invoke(f, options));
	f->now++;
	invoke(f, options);
	assert_value(f, "has already started the function");
	fixture_answer(f, inner, 200, "1", "1");
	assert_value(f, "{\"data\":1}");
}

static void test_timeout(void **state) {
	struct fixture *f = *state;
	struct target inner = fixture_target(invoke(f, INNER ",\"timeout\":\"10s\""));
	fixture_tick(f, 10000);
	assert_value(f, "\"name\":\"InngestInvokeTimeoutError\"");
	fixture_answer(f, inner, 200, "1", "1"); // too late for anybody
	assert_int_equal(fixture_calls(f), 0);
	assert_string_equal(fixture_status(f), "Completed");
}

static void test_caller_is_gone(void **state) {
	struct fixture *f = *state;
	fixture_event(f, "{\"name\":\"x/go\"}");
	struct target outer = fixture_target(fixture_call(f, 0));
	fixture_answer(f, outer, 206, "1", "[{\"op\":\"InvokeFunction\",\"id\":\"i\",\"opts\":{" INNER "}}]");
	struct target inner = fixture_target(fixture_call(f, 0));
	struct command *command = command_new(COMMAND_CANCEL);
	command->run.run_id = outer.run_id;
	fixture_apply(f, command);
	fixture_answer(f, inner, 200, "1", "1");
	assert_int_equal(fixture_calls(f), 0);
	assert_int_equal(fixture_runs(f), 0);
}

static void test_what_is_no_invoke(void **state) {
	static const char *const options[] = {INNER ",\"timeout\":\"soon\"",
					      "\"function_id\":\"app-inner\",\"payload\":{\"ts\":1}"};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		f->now++;
		assert_null(invoke(f, options[i]));
		assert_string_equal(fixture_status(f), "Failed");
	}
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_result),         TEST(test_result_after_restart),
		TEST(test_empty_result),   TEST(test_failure),
		TEST(test_cancelled),      TEST(test_unknown_function),
		TEST(test_repeated_event), TEST(test_timeout),
		TEST(test_caller_is_gone), TEST(test_what_is_no_invoke),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
