// Runs that people ask for: through the API, again, again from a step on; and what holds a run back (03 §6, §21).
#include "fixture.h"

#define TRIGGER "\"triggers\":[{\"event\":\"x/y\"}]"

static int setup(void **state) {
	struct fixture *f = mem_calloc(1, sizeof *f);
	f->config.workers = 1000;
	fixture_open(f);
	fixture_register_functions(f, FIXTURE_FUNCTION("app-a", TRIGGER) "," FIXTURE_FUNCTION(
					      "app-i", "\"triggers\":[],\"idempotency\":\"event.data.id\""));
	*state = f;
	return 0;
}

static struct command *start_command(struct fixture *f, const char *function, const char *event) {
	struct command *events = fixture_event_command(f, event);
	struct command *command = command_new(COMMAND_START);
	command->request = ++f->next_request;
	command->start.function = str_from_cstr(function);
	command->start.event = events->events.events[0];
	command->start.event.id = arena_dup(&command->arena, command->start.event.id);
	command->start.event.name = arena_dup(&command->arena, command->start.event.name);
	events->events.events[0].text = NULL;
	command_free(events);
	return command;
}

static const struct reply *reply(const struct fixture *f) {
	assert_non_null(f->batch->replies);
	return (const struct reply *)f->batch->replies;
}

static void test_rerun(void **state) {
	struct fixture *f = *state;
	struct command *command = start_command(f, "app-a", "{\"name\":\"x/y\",\"id\":\"one\",\"data\":{\"k\":1}}");
	uint8_t entropy[10] = {9};
	struct ulid original = command->start.original_run_id = ulid_make(f->now - 5000, entropy);
	fixture_apply(f, command);
	assert_int_equal(reply(f)->kind, REPLY_STARTED);
	assert_int_equal(fixture_histories(f, HISTORY_EVENT), 0); // the event is there already
	const struct history_item *run = fixture_history(f, HISTORY_RUN, 0);
	assert_true(ulid_cmp(&run->run.run_id, &reply(f)->run_id) == 0);
	assert_true(ulid_cmp(&run->run.original_run_id, &original) == 0);
	assert_int_equal(fixture_calls(f), 1);
	fixture_apply(f, start_command(f, "app-a", "{\"name\":\"x/y\",\"id\":\"one\"}")); // as often as one likes
	assert_int_equal(reply(f)->kind, REPLY_STARTED);
}

static void test_unknown_function(void **state) {
	struct fixture *f = *state;
	fixture_apply(f, start_command(f, "app-nope", "{\"name\":\"x/y\"}"));
	assert_int_equal(reply(f)->status, 404);
	assert_int_equal(f->batch->record_count, 0);
}

// An event in the future has been waited for by the first run.
static void test_rerun_begins_now(void **state) {
	struct fixture *f = *state;
	char event[100];
	snprintf(event, sizeof event, "{\"name\":\"x/y\",\"ts\":%llu}", (unsigned long long)f->now + 60000);
	fixture_apply(f, start_command(f, "app-a", event));
	assert_int_equal(fixture_calls(f), 1);
}

static void test_invoke_with_a_key(void **state) {
	struct fixture *f = *state;
	struct command *command = start_command(f, "app-a", "{\"name\":\"x/i\"}");
	command->start.is_new_event = true;
	command->start.key = STR("key");
	fixture_apply(f, command);
	assert_int_equal(reply(f)->status, 200);
	assert_int_equal(fixture_histories(f, HISTORY_EVENT), 1);
	struct ulid run_id = reply(f)->run_id;
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 200, "1", "1");
	for (int again = 0; again < 2; again++) {
		command = start_command(f, "app-a", "{\"name\":\"x/i\"}");
		command->start.is_new_event = true;
		command->start.key = STR("key");
		fixture_apply(f, command);
		assert_int_equal(reply(f)->kind, REPLY_STARTED);
		assert_int_equal(reply(f)->status, 409);
		assert_true(ulid_cmp(&reply(f)->run_id, &run_id) == 0);
		assert_int_equal(fixture_calls(f), 0);
		assert_int_equal(fixture_restart(f), 0);
	}
	f->now += RUN_IDEMPOTENCY_MS;
	command = start_command(f, "app-a", "{\"name\":\"x/i\"}");
	command->start.is_new_event = true;
	command->start.key = STR("key");
	fixture_apply(f, command);
	assert_int_equal(reply(f)->status, 200);
}

static void give(struct command *command, unsigned n, const char *id, enum opcode_kind op, bool is_input,
		 const char *value) {
	command->start.steps[n] = (struct given_step){.id = str_from_cstr(id),
						      .name = str_from_cstr(id),
						      .op = (uint8_t)op,
						      .is_input = is_input,
						      .value = payload_new(str_from_cstr(value))};
	command->start.step_count = n + 1;
}

// The result of the step takes the place of its input, and comes last in the stack.
static void test_rerun_from_a_step_with_input(void **state) {
	struct fixture *f = *state;
	struct command *command = start_command(f, "app-a", "{\"name\":\"x/y\"}");
	command->start.steps = ARENA_ARRAY(&command->arena, struct given_step, 3);
	give(command, 0, "s1", OPCODE_STEP_RUN, false, "{\"data\":1}");
	give(command, 1, "s2", OPCODE_SLEEP, false, "null");
	give(command, 2, "s3", OPCODE_STEP_RUN, true, "{\"input\":[7]}");
	command->start.target = STR("s3");
	fixture_apply(f, command);
	const struct call *call = fixture_call(f, 0);
	assert_non_null(call);
	assert_true(str_eq(call->target, STR("s3")));
	assert_int_equal(call->stack_current, 2);
	assert_int_equal(call->step_count, 3);
	assert_true(!call->steps[0].is_input && !call->steps[1].is_input && call->steps[2].is_input);
	assert_int_equal(fixture_restart(f), 0);
	call = fixture_call(f, 0);
	assert_int_equal(call->step_count, 3);
	assert_true(call->steps[2].is_input);
	fixture_answer(f, fixture_target(call), 206, "2", "[{\"op\":\"StepRun\",\"id\":\"s3\",\"data\":8}]");
	call = fixture_call(f, 0);
	assert_non_null(call);
	assert_int_equal(call->target.len, 0);
	assert_int_equal(call->stack_current, 3);
	assert_int_equal(call->step_count, 3);
	assert_false(call->steps[2].is_input);
	assert_true(str_eq(payload_str(call->steps[2].value.data), STR("{\"data\":8}")));
	assert_int_equal(fixture_restart(f), 0);
	call = fixture_call(f, 0);
	assert_int_equal(call->step_count, 3);
	fixture_answer(f, fixture_target(call), 200, "2", "1");
	assert_string_equal(fixture_status(f), "Completed");
	assert_int_equal(fixture_restart(f), 0);
}

static void test_rerun_from_a_sleep(void **state) {
	struct fixture *f = *state;
	struct command *command = start_command(f, "app-a", "{\"name\":\"x/y\"}");
	command->start.steps = ARENA_ARRAY(&command->arena, struct given_step, 1);
	give(command, 0, "s1", OPCODE_STEP_RUN, false, "{\"data\":1}");
	fixture_apply(f, command);
	const struct call *call = fixture_call(f, 0);
	assert_int_equal(call->target.len, 0);
	assert_int_equal(call->stack_current, 1);
	assert_int_equal(call->attempt, 0);
}

// ---- idempotency ---------------------------------------------------------------------------------------------------

static void invoke(struct fixture *f, const char *data) {
	char event[200];
	snprintf(event, sizeof event, "{\"name\":\"x/i\",\"data\":%s}", data);
	struct command *command = start_command(f, "app-i", event);
	command->start.is_new_event = true;
	fixture_apply(f, command);
}

static void test_idempotency_expression(void **state) {
	struct fixture *f = *state;
	invoke(f, "{\"id\":\"a\"}");
	assert_int_equal(reply(f)->status, 200);
	invoke(f, "{\"id\":\"a\"}");
	assert_int_equal(reply(f)->status, 422);
	assert_true(str_eq(reply(f)->code, STR("rate_limited")));
	assert_int_equal(fixture_histories(f, HISTORY_RUN), 0);
	invoke(f, "{\"id\":\"b\"}");
	assert_int_equal(reply(f)->status, 200);
	invoke(f, "{\"id\":1}");
	assert_int_equal(reply(f)->status, 200);
	invoke(f, "{\"id\":\"1\"}"); // the same text
	assert_int_equal(reply(f)->status, 422);
	for (int i = 0; i < 2; i++) { // no value: no limit
		invoke(f, "{}");
		assert_int_equal(reply(f)->status, 200);
		invoke(f, "{\"id\":false}");
		assert_int_equal(reply(f)->status, 200);
	}
	assert_int_equal(fixture_restart(f), 0);
	invoke(f, "{\"id\":\"a\"}");
	assert_int_equal(reply(f)->status, 422);
	f->now += RUN_IDEMPOTENCY_MS;
	invoke(f, "{\"id\":\"a\"}");
	assert_int_equal(reply(f)->status, 200);
}

// A rerun is asked for by somebody who wants it.
static void test_rerun_is_not_limited(void **state) {
	struct fixture *f = *state;
	invoke(f, "{\"id\":\"a\"}");
	fixture_apply(f, start_command(f, "app-i", "{\"name\":\"x/i\",\"data\":{\"id\":\"a\"}}"));
	assert_int_equal(reply(f)->status, 200);
}

// ---- paused functions ----------------------------------------------------------------------------------------------

static void pause(struct fixture *f, bool paused) {
	struct command *command = command_new(COMMAND_FUNCTION_PAUSE);
	command->request = ++f->next_request;
	command->pause.function = STR("app-a");
	command->pause.paused = paused;
	fixture_apply(f, command);
	assert_int_equal(reply(f)->status, 200);
}

static void test_pause(void **state) {
	struct fixture *f = *state;
	fixture_event(f, "{\"name\":\"x/y\"}");
	struct target run = fixture_target(fixture_call(f, 0));
	pause(f, true);
	pause(f, true);
	fixture_event(f, "{\"name\":\"x/y\"}"); // starts nothing
	assert_int_equal(fixture_runs(f), 1);
	fixture_apply(f, start_command(f, "app-a", "{\"name\":\"x/y\"}"));
	assert_int_equal(reply(f)->status, 422);
	fixture_answer(f, run, 206, "1", "[{\"op\":\"StepRun\",\"id\":\"s\",\"data\":1}]");
	assert_int_equal(fixture_calls(f), 0); // the run stands still
	assert_int_equal(fixture_restart(f), 0);
	assert_int_equal(fixture_calls(f), 0);
	assert_int_equal(fixture_runs(f), 1);
	assert_int_equal(fixture_histories(f, HISTORY_FUNCTION_PAUSE), 1); // history may not know it yet
	assert_true(fixture_history(f, HISTORY_FUNCTION_PAUSE, 0)->pause.is_paused);
	pause(f, false);
	assert_int_equal(fixture_restart(f), 0);
	assert_int_equal(fixture_histories(f, HISTORY_FUNCTION_PAUSE), 0);
	assert_int_equal(fixture_calls(f), 1);
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 200, "1", "1");
	assert_string_equal(fixture_status(f), "Completed");
	fixture_event(f, "{\"name\":\"x/y\"}");
	assert_int_equal(fixture_calls(f), 1);
}

static void test_pause_unknown(void **state) {
	struct fixture *f = *state;
	struct command *command = command_new(COMMAND_FUNCTION_PAUSE);
	command->request = ++f->next_request;
	command->pause.function = STR("nope");
	fixture_apply(f, command);
	assert_int_equal(reply(f)->status, 404);
}

// The key is in what the event about a run at rest does not have at hand.
static void test_idempotency_expression_over_a_late_event(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, FIXTURE_FUNCTION("app-a", TRIGGER) "," FIXTURE_FUNCTION(
					      "app-b", "\"triggers\":[{\"event\":\"inngest/function.cancelled\"}],"
						       "\"idempotency\":\"event.data.event.data.id\""));
	unsigned begun = 0;
	for (int i = 0; i < 2; i++) {
		fixture_event(f, "{\"name\":\"x/y\",\"data\":{\"id\":\"a\"}}");
		struct target run = fixture_target(fixture_call(f, 0));
		fixture_answer(f, run, 206, "1", "[{\"op\":\"Sleep\",\"id\":\"s\",\"name\":\"1h\"}]");
		fixture_cancel(f, &run.run_id);
		begun += fixture_load_held(f);
	}
	assert_int_equal(begun, 1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rerun, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_unknown_function, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_rerun_begins_now, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_invoke_with_a_key, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_rerun_from_a_step_with_input, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_rerun_from_a_sleep, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_idempotency_expression, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_rerun_is_not_limited, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_pause, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_pause_unknown, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_idempotency_expression_over_a_late_event, setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
