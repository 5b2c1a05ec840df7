// Limits of runs that are set for one function: steps and state (05 §11.4).
#include "fixture.h"

static const struct reply *set(struct fixture *f, const struct uuid *id, enum run_limit limit, uint64_t value,
			       bool removed) {
	struct command *command = command_new(COMMAND_FUNCTION_LIMIT);
	command->request = ++f->next_request;
	command->limit.function_id = *id;
	command->limit.limit = limit;
	command->limit.value = value;
	command->limit.removed = removed;
	fixture_apply(f, command);
	assert_non_null(f->batch->replies);
	return (const struct reply *)f->batch->replies;
}

static void limit(struct fixture *f, const char *function, enum run_limit which, uint64_t value) {
	struct uuid id = fixture_function_id(function);
	assert_int_equal(set(f, &id, which, value, false)->status, 200);
}

static struct target begin(struct fixture *f, const char *event) {
	char json[64];
	snprintf(json, sizeof json, "{\"name\":\"%s\"}", event);
	fixture_event(f, json);
	assert_int_equal(fixture_calls(f), 1);
	return fixture_target(fixture_call(f, 0));
}

// Answers with the results of steps, one after the other, until the run ends or `most` are done; how many were taken.
static unsigned go_on(struct fixture *f, struct target to, unsigned most, const char *data) {
	char body[256];
	for (unsigned i = 0; i < most; i++) {
		snprintf(body, sizeof body, "[{\"op\":\"StepRun\",\"id\":\"s%u\",\"data\":\"%s\"}]", i, data);
		fixture_answer(f, to, 206, "2", body);
		if (fixture_calls(f) == 0) return i;
		to = fixture_target(fixture_call(f, 0));
	}
	return most;
}

static void assert_failed(struct fixture *f, const char *message) {
	assert_string_equal(fixture_status(f), "Failed");
	struct str output = payload_str(fixture_history(f, HISTORY_FINISH, 0)->finish.output);
	if (str_find_str(output, str_from_cstr(message)) < 0) fail_msg("%.*s", STR_ARG(output));
}

static void test_steps(void **state) {
	struct fixture *f = *state;
	fixture_register(f, "app", "app-a|t/a|0 app-b|t/b|0");
	limit(f, "app-a", RUN_LIMIT_STEPS, 3);
	assert_int_equal(go_on(f, begin(f, "t/a"), 10, "x"), 3);
	assert_failed(f, "The function run exceeded the step limit of 3 steps.");
	assert_int_equal(go_on(f, begin(f, "t/b"), 10, "x"), 10); // another function
	limit(f, "app-a", RUN_LIMIT_STEPS, 0);
	assert_int_equal(go_on(f, begin(f, "t/a"), 10, "x"), 0);
	assert_failed(f, "the step limit of 0 steps.");
}

static void test_state(void **state) {
	struct fixture *f = *state;
	fixture_register(f, "app", "app-a|t/a|0");
	struct target to = begin(f, "t/a");
	limit(f, "app-a", RUN_LIMIT_STATE, 200); // counts from now on, with the event
	unsigned taken = go_on(f, to, 10, "0123456789");
	assert_in_range(taken, 2, 7);
	assert_failed(f, "The function run exceeded the state size limit of 200 bytes.");
}

static void test_raised_lowered_and_removed(void **state) {
	struct fixture *f = *state;
	fixture_close(f);
	f->config.steps_max = 4;
	fixture_open(f);
	fixture_register(f, "app", "app-a|t/a|0");
	struct uuid id = fixture_function_id("app-a");
	limit(f, "app-a", RUN_LIMIT_STEPS, 6);
	assert_int_equal(go_on(f, begin(f, "t/a"), 10, "x"), 6);
	struct target to = begin(f, "t/a");
	assert_int_equal(go_on(f, to, 5, "x"), 5);
	to = fixture_target(fixture_call(f, 0));
	assert_int_equal(set(f, &id, RUN_LIMIT_STEPS, 0, true)->status, 200); // the run has more already
	assert_int_equal(go_on(f, begin(f, "t/a"), 10, "x"), 4);
	fixture_answer(f, to, 206, "2", "[{\"op\":\"StepRun\",\"id\":\"z\",\"data\":1}]");
	assert_failed(f, "the step limit of 4 steps.");
}

static void test_of_functions_to_come(void **state) {
	struct fixture *f = *state;
	limit(f, "app-a", RUN_LIMIT_STEPS, 1);
	limit(f, "app-b", RUN_LIMIT_STEPS, 2);
	fixture_register(f, "app", "app-a|t/a|0");
	assert_int_equal(go_on(f, begin(f, "t/a"), 10, "x"), 1);
	fixture_register(f, "app", "app-a|t/a|0 app-b|t/b|0"); // again, with another one
	assert_int_equal(go_on(f, begin(f, "t/a"), 10, "x"), 1);
	assert_int_equal(go_on(f, begin(f, "t/b"), 10, "x"), 2);
	fixture_assert_stored(f);
	fixture_restart(f); // they are in memory only
	assert_int_equal(go_on(f, begin(f, "t/b"), 10, "x"), 10);
}

static void test_removing_what_is_not_set(void **state) {
	struct fixture *f = *state;
	struct uuid id;
	assert_true(uuid_parse(STR("00000000-0000-0000-0000-0000000000ab"), &id));
	assert_int_equal(set(f, &id, RUN_LIMIT_STATE, 5, false)->status, 200);
	const struct reply *reply = set(f, &id, RUN_LIMIT_STEPS, 0, true);
	assert_int_equal(reply->status, 404);
	assert_true(str_eq(reply->text, STR("No step limit set for function: 00000000-0000-0000-0000-0000000000ab")));
	assert_int_equal(set(f, &id, RUN_LIMIT_STATE, 0, true)->status, 200);
	reply = set(f, &id, RUN_LIMIT_STATE, 0, true);
	assert_int_equal(reply->status, 404);
	assert_true(
		str_eq(reply->text, STR("No state size limit set for function: 00000000-0000-0000-0000-0000000000ab")));
}

static void test_so_many_and_no_more(void **state) {
	struct fixture *f = *state;
	struct uuid id = {{0}};
	fixture_join(f);
	for (unsigned i = 0; i < LIMIT_OVERRIDES_MAX; i++) {
		memcpy(id.bytes, &i, sizeof i);
		(void)set(f, &id, RUN_LIMIT_STEPS, 1, false);
	}
	fixture_part(f);
	id.bytes[15] = 1;
	assert_int_equal(set(f, &id, RUN_LIMIT_STEPS, 1, false)->status, 429);
	id.bytes[15] = 0;
	assert_int_equal(set(f, &id, RUN_LIMIT_STEPS, 2, false)->status, 200); // there is one of it
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_steps),
		TEST(test_state),
		TEST(test_raised_lowered_and_removed),
		TEST(test_of_functions_to_come),
		TEST(test_removing_what_is_not_set),
		TEST(test_so_many_and_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
