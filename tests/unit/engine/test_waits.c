// Waits for events: what ends them, and what becomes of their runs (03 §14).
#include "fixture.h"

static int setup(void **state) {
	struct fixture *f = mem_calloc(1, sizeof *f);
	f->config.workers = 1000;
	fixture_open(f);
	fixture_register(f, "app", "app-a|x/y|0 app-b|x/z|0");
	*state = f;
	return 0;
}

static struct target start(struct fixture *f, const char *event) {
	fixture_event(f, event);
	return fixture_target(fixture_call(f, 0));
}

static void answer(struct fixture *f, struct target to, const char *ops) {
	fixture_answer(f, to, 206, "1", ops);
}

// Starts a run and lets it wait with these options.
static struct target start_waiting(struct fixture *f, const char *options) {
	char ops[2000];
	struct target run = start(f, "{\"name\":\"x/y\",\"data\":{\"id\":\"o_1\",\"n\":7}}");
	snprintf(ops, sizeof ops, "[{\"op\":\"WaitForEvent\",\"id\":\"w\",\"name\":\"wait\",\"opts\":{%s}}]", options);
	answer(f, run, ops);
	return run;
}

static struct str memo(struct fixture *f, const struct call *call, const char *id) {
	static char text[4096];
	for (size_t i = 0; i < call->step_count; i++) {
		if (!str_eq_cstr(call->steps[i].id, id)) continue;
		struct payload *body = payload_ref(call->steps[i].value.data);
		struct error error;
		const struct payload_ref *ref = &call->steps[i].value;
		if (body == NULL)
			assert_int_equal(
				store_body(f->store, ref->kind, str_make(ref->key, ref->key_len), &body, &error),
				ERR_OK);
		assert_true(body->len < sizeof text);
		memcpy(text, body->bytes, body->len);
		struct str value = str_make(text, body->len);
		payload_unref(body);
		return value;
	}
	fail_msg("step %s is not memoised", id);
	return STR("");
}

static void assert_memo(struct fixture *f, const char *expected) {
	assert_int_equal(fixture_calls(f), 1);
	struct str value = memo(f, fixture_call(f, 0), "w");
	if (!str_eq_cstr(value, expected)) print_error("%.*s\n%s\n", STR_ARG(value), expected);
	assert_true(str_eq_cstr(value, expected));
}

static void assert_memo_has(struct fixture *f, const char *piece) {
	assert_int_equal(fixture_calls(f), 1);
	struct str value = memo(f, fixture_call(f, 0), "w");
	if (str_find_str(value, str_from_cstr(piece)) < 0) print_error("%.*s\n", STR_ARG(value));
	assert_true(str_find_str(value, str_from_cstr(piece)) >= 0);
}

static void test_event_ends_the_wait(void **state) {
	struct fixture *f = *state;
	start_waiting(f, "\"event\":\"t/ping\",\"timeout\":\"1h\"");
	assert_int_equal(fixture_calls(f), 0);
	fixture_event(f, "{\"name\":\"t/pong\"}");
	assert_int_equal(fixture_calls(f), 0);
	fixture_event(f,
		      "{\"name\":\"t/ping\",\"id\":\"i\",\"ts\":1700000000123,\"data\":{\"a\":1},\"user\":{\"u\":2}}");
	assert_memo(f, "{\"data\":{\"a\":1},\"id\":\"i\",\"name\":\"t/ping\",\"ts\":1700000000123,\"user\":{\"u\":2}}");
	fixture_event(f, "{\"name\":\"t/ping\"}");
	assert_int_equal(fixture_calls(f), 0);
}

static void test_data_is_an_object(void **state) {
	struct fixture *f = *state;
	start_waiting(f, "\"event\":\"t/ping\",\"timeout\":\"1h\"");
	fixture_event(f, "{\"name\":\"t/ping\",\"id\":\"i\",\"ts\":1700000000123}");
	assert_memo(f, "{\"data\":{},\"id\":\"i\",\"name\":\"t/ping\",\"ts\":1700000000123,\"user\":{}}");
}

static void test_timeout(void **state) {
	struct fixture *f = *state;
	start_waiting(f, "\"event\":\"t/ping\",\"timeout\":\"10s\"");
	fixture_tick(f, 9999);
	assert_int_equal(fixture_calls(f), 0);
	fixture_tick(f, 1);
	assert_memo(f, "null");
	fixture_event(f, "{\"name\":\"t/ping\"}");
	assert_int_equal(fixture_calls(f), 0);
}

static void test_no_timeout_ends_at_once(void **state) {
	struct fixture *f = *state;
	start_waiting(f, "\"event\":\"t/ping\",\"timeout\":\"\"");
	assert_memo(f, "null");
}

// An event that comes after the deadline, before the tick, is too late.
static void test_late_event(void **state) {
	struct fixture *f = *state;
	start_waiting(f, "\"event\":\"t/ping\",\"timeout\":\"10s\"");
	f->now += 10001;
	fixture_event(f, "{\"name\":\"t/ping\"}");
	assert_memo(f, "null");
}

static void test_name_of_the_opcode(void **state) {
	struct fixture *f = *state;
	struct target run = start(f, "{\"name\":\"x/y\"}");
	answer(f, run, "[{\"op\":\"WaitForEvent\",\"id\":\"w\",\"name\":\"t/ping\",\"opts\":{\"timeout\":\"1h\"}}]");
	fixture_event(f, "{\"name\":\"t/ping\",\"data\":{\"k\":1}}");
	assert_memo_has(f, "{\"k\":1}");
}

static void test_conditions(void **state) {
	static const struct {
		const char *condition, *misses, *hits; // data
	} cases[] = {
		{"async.data.k == 'one'", "{\"k\":\"two\"}", "{\"k\":\"one\"}"},
		{"async.data.k == 'one' && async.data.n > 2", "{\"k\":\"one\",\"n\":2}", "{\"k\":\"one\",\"n\":3}"},
		{"async.data.n > 2", "{\"n\":2}", "{\"n\":3}"},
		{"event.data.id == async.data.id", "{\"id\":\"o_2\"}", "{\"id\":\"o_1\"}"},
		{"async.data.id == event.data.id", "{}", "{\"id\":\"o_1\"}"},
		{"event.data.n < async.data.n", "{\"n\":7}", "{\"n\":8}"},
		{"async.data.list.exists(x, x == event.data.id)", "{\"list\":[\"o_2\"]}",
		 "{\"list\":[\"o_2\",\"o_1\"]}"},
		{"event.data.missing == async.data.id", "{\"id\":\"x\"}", "{\"id\":null}"},
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[500];
		snprintf(text, sizeof text, "\"event\":\"t/ping\",\"timeout\":\"1h\",\"if\":\"%s\"",
			 cases[i].condition);
		start_waiting(f, text);
		f->now++;
		if (i % 2 == 1) fixture_restart(f);
		snprintf(text, sizeof text, "{\"name\":\"t/ping\",\"data\":%s}", cases[i].misses);
		fixture_event(f, text);
		if (fixture_calls(f) != 0) print_error("%s: %s\n", cases[i].condition, text);
		assert_int_equal(fixture_calls(f), 0);
		snprintf(text, sizeof text, "{\"name\":\"t/ping\",\"data\":%s}", cases[i].hits);
		fixture_event(f, text);
		if (fixture_calls(f) != 1) print_error("%s: %s\n", cases[i].condition, text);
		struct target run = fixture_target(fixture_call(f, 0));
		fixture_answer(f, run, 200, "1", "1");
		assert_string_equal(fixture_status(f), "Completed");
	}
}

// Values with quotes and escapes are matched as they are.
static void test_awkward_values(void **state) {
	struct fixture *f = *state;
	struct target run = start(f, "{\"name\":\"x/y\",\"data\":{\"id\":\"a\\\"b\\\\c\\n\\u00e9\"}}");
	answer(f, run,
	       "[{\"op\":\"WaitForEvent\",\"id\":\"w\",\"name\":\"wait\",\"opts\":{\"event\":\"t/"
	       "ping\",\"timeout\":\"1h\","
	       "\"if\":\"event.data.id == async.data.id\"}}]");
	fixture_event(f, "{\"name\":\"t/ping\",\"data\":{\"id\":\"a\\\\\\\"b\"}}");
	assert_int_equal(fixture_calls(f), 0);
	fixture_event(f, "{\"name\":\"t/ping\",\"data\":{\"id\":\"a\\\"b\\\\c\\n\\u00e9\"}}");
	assert_int_equal(fixture_calls(f), 1);
}

static void test_each_by_its_own_id(void **state) {
	struct fixture *f = *state;
	struct ulid runs[100];
	for (unsigned i = 0; i < ARRAY_LEN(runs); i++) {
		char event[100];
		snprintf(event, sizeof event, "{\"name\":\"x/y\",\"data\":{\"id\":\"id-%u\"}}", i);
		struct target run = start(f, event);
		runs[i] = run.run_id;
		answer(f, run,
		       "[{\"op\":\"WaitForEvent\",\"id\":\"w\",\"name\":\"wait\",\"opts\":{\"event\":\"t/ping\","
		       "\"timeout\":\"1h\",\"if\":\"event.data.id == async.data.id\"}}]");
	}
	f->now += 5000;
	fixture_restart(f);
	for (unsigned i = ARRAY_LEN(runs); i-- > 0;) {
		char event[100];
		snprintf(event, sizeof event, "{\"name\":\"t/ping\",\"data\":{\"id\":\"id-%u\"}}", i);
		fixture_event(f, event);
		assert_int_equal(fixture_calls(f), 1);
		assert_memory_equal(fixture_call(f, 0)->run_id.bytes, runs[i].bytes, 16);
		fixture_event(f, event);
		assert_int_equal(fixture_calls(f), 0);
	}
}

static void test_one_event_ends_many(void **state) {
	struct fixture *f = *state;
	for (int i = 0; i < 5; i++) start_waiting(f, "\"event\":\"t/ping\",\"timeout\":\"1h\"");
	fixture_event(f, "{\"name\":\"t/ping\"}");
	assert_int_equal(fixture_calls(f), 5);
}

static void test_cancelled_runs_wait_no_more(void **state) {
	struct fixture *f = *state;
	struct target run = start_waiting(f, "\"event\":\"t/ping\",\"timeout\":\"1h\"");
	struct command *command = command_new(COMMAND_CANCEL);
	command->run.run_id = run.run_id;
	fixture_apply(f, command);
	assert_string_equal(fixture_status(f), "Cancelled");
	fixture_event(f, "{\"name\":\"t/ping\"}");
	assert_int_equal(fixture_calls(f), 0);
	fixture_restart(f);
	fixture_event(f, "{\"name\":\"t/ping\"}");
	assert_int_equal(fixture_calls(f), 0);
}

static void test_what_is_no_wait(void **state) {
	static const struct {
		const char *options, *name, *message;
	} cases[] = {
		{"\"event\":\"e\",\"timeout\":\"1h\",\"if\":\"event.data.id ==\"", "InvalidExpression",
		 "Wait for event If expression failed to compile"},
		{"\"event\":\"e\",\"timeout\":\"1h\",\"if\":\"foo.bar == 1\"", "InvalidExpression",
		 "undeclared reference"},
		{"\"event\":\"e\",\"timeout\":\"1h\",\"if\":\"\"", "InvalidExpression", "failed to compile"},
		{"\"event\":\"e\",\"timeout\":\"367d\"", "InngestErrTimeoutTooLong", "may last at most one year"},
		{"\"event\":\"e\",\"timeout\":\"soon\"", "invalid_timeout", "invalid duration"},
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		f->now++;
		start_waiting(f, cases[i].options);
		assert_string_equal(fixture_status(f), "Failed");
		struct str output = payload_str(fixture_history(f, HISTORY_FINISH, 0)->finish.output);
		if (str_find_str(output, str_from_cstr(cases[i].message)) < 0) print_error("%.*s\n", STR_ARG(output));
		assert_true(str_find_str(output, str_from_cstr(cases[i].name)) >= 0);
		assert_true(str_find_str(output, str_from_cstr(cases[i].message)) >= 0);
	}
	struct target run = start(f, "{\"name\":\"x/y\"}");
	answer(f, run, "[{\"op\":\"WaitForEvent\",\"id\":\"w\",\"name\":\"\",\"opts\":{\"timeout\":\"1h\"}}]");
	assert_string_equal(fixture_status(f), "Failed");
}

// Two waits and a step side by side: the run goes on once, when all are done.
static void test_parallel(void **state) {
	struct fixture *f = *state;
	fixture_event(f, "{\"name\":\"x/y\"}");
	fixture_answer(
		f, fixture_target(fixture_call(f, 0)), 206, "2",
		"[{\"op\":\"StepPlanned\",\"id\":\"s\",\"name\":\"s\"},"
		"{\"op\":\"WaitForEvent\",\"id\":\"w\",\"name\":\"w\",\"opts\":{\"event\":\"t/a\",\"timeout\":\"1h\"}},"
		"{\"op\":\"WaitForEvent\",\"id\":\"v\",\"name\":\"v\",\"opts\":{\"event\":\"t/"
		"b\",\"timeout\":\"5s\"}}]");
	assert_int_equal(fixture_calls(f), 1);
	struct target step = fixture_target(fixture_call(f, 0));
	fixture_event(f, "{\"name\":\"t/a\",\"data\":{\"k\":1}}");
	assert_int_equal(fixture_calls(f), 0);
	fixture_tick(f, 5000);
	assert_int_equal(fixture_calls(f), 0);
	fixture_answer(f, step, 206, "2", "[{\"op\":\"StepRun\",\"id\":\"s\",\"data\":1}]");
	assert_int_equal(fixture_calls(f), 1);
	const struct call *call = fixture_call(f, 0);
	assert_int_equal(call->step_count, 3);
	assert_true(str_eq(memo(f, call, "v"), STR("null")));
}

// What a wait gets of the event about a run is all of it, also when part of that is only in the store.
static void check_event_about_run(struct fixture *f) {
	start_waiting(f, "\"event\":\"inngest/function.failed\",\"timeout\":\"10h\",\"if\":\"async.data.function_id == "
			 "'app-b' && async.data.event.data.k == 5\"");
	struct target other = start(f, "{\"name\":\"x/z\",\"data\":{\"k\":5}}");
	answer(f, other, "[{\"op\":\"Sleep\",\"id\":\"z\",\"name\":\"1h\"}]");
	fixture_tick(f, 3600000);
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 400, "1", "{\"name\":\"Error\",\"message\":\"no\"}");
	assert_string_equal(fixture_status(f), "Failed");
}

static void test_event_about_a_run(void **state) {
	struct fixture *f = *state;
	check_event_about_run(f);
	assert_int_equal(f->batch->load_count, 0); // the answer brought what was missing
	assert_memo_has(f, "\"event\":{\"data\":{\"k\":5}");
}

static void test_held_event_about_a_run(void **state) {
	struct fixture *f = *state;
	f->without_events_of_failures = true;
	check_event_about_run(f);
	assert_int_equal(fixture_calls(f), 0);
	assert_int_equal(f->batch->load_count, 1);
	struct command *loaded = command_new(COMMAND_EVENT_LOADED);
	loaded->loaded.id = f->batch->loads[0].id;
	loaded->loaded.data = payload_ref(f->batch->loads[0].data->text);
	fixture_apply(f, loaded);
	assert_memo_has(f, "\"event\":{\"data\":{\"k\":5}");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_event_ends_the_wait),
		TEST(test_data_is_an_object),
		TEST(test_timeout),
		TEST(test_no_timeout_ends_at_once),
		TEST(test_late_event),
		TEST(test_name_of_the_opcode),
		TEST(test_conditions),
		TEST(test_awkward_values),
		TEST(test_each_by_its_own_id),
		TEST(test_one_event_ends_many),
		TEST(test_cancelled_runs_wait_no_more),
		TEST(test_what_is_no_wait),
		TEST(test_parallel),
		TEST(test_event_about_a_run),
		TEST(test_held_event_about_a_run),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
