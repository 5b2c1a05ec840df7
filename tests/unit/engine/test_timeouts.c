// timeouts.start and timeouts.finish (03 §16.4).
#include "fixture.h"

#define WITH(timeouts) FIXTURE_FUNCTION("app-a", "\"triggers\":[{\"event\":\"x/y\"}],\"timeouts\":{" timeouts "}")

static int setup(void **state) {
	struct fixture *f = mem_calloc(1, sizeof *f);
	f->config.workers = 1;
	fixture_open(f);
	*state = f;
	return 0;
}

static struct target start(struct fixture *f) {
	fixture_event(f, "{\"name\":\"x/y\"}");
	return fixture_target(fixture_call(f, 0));
}

static void sleep_for(struct fixture *f, struct target run, const char *duration) {
	char ops[100];
	snprintf(ops, sizeof ops, "[{\"op\":\"Sleep\",\"id\":\"s\",\"name\":\"%s\"}]", duration);
	fixture_answer(f, run, 206, "1", ops);
}

static void test_start(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, WITH("\"start\":\"10s\""));
	struct target first = start(f);
	fixture_event(f, "{\"name\":\"x/y\"}"); // the only worker is busy
	assert_int_equal(fixture_calls(f), 0);
	fixture_tick(f, 9999);
	assert_int_equal(fixture_runs(f), 2);
	fixture_tick(f, 1);
	assert_string_equal(fixture_status(f), "Cancelled");
	assert_int_equal(fixture_histories(f, HISTORY_EVENT), 2);
	assert_int_equal(fixture_runs(f), 1);
	fixture_answer(f, first, 200, "1", "1");
	assert_true(fixture_finished(f, &first.run_id, "Completed"));
	assert_int_equal(fixture_calls(f), 0);
}

static void test_started_in_time(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, WITH("\"start\":\"10s\""));
	sleep_for(f, start(f), "1h");
	fixture_tick(f, 20000);
	assert_int_equal(fixture_runs(f), 1);
}

static void test_finish(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, WITH("\"finish\":\"10s\""));
	sleep_for(f, start(f), "1h");
	fixture_tick(f, 9999);
	assert_int_equal(fixture_runs(f), 1);
	assert_int_equal(fixture_restart(f), 0);
	fixture_tick(f, 1);
	assert_string_equal(fixture_status(f), "Cancelled");
	assert_int_equal(fixture_runs(f), 0);
}

// It counts from the first call on, not from the scheduling.
static void test_finish_counts_from_the_start(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, WITH("\"finish\":\"10s\",\"start\":\"1h\""));
	char event[100];
	snprintf(event, sizeof event, "{\"name\":\"x/y\",\"ts\":%llu}", (unsigned long long)f->now + 60000);
	fixture_event(f, event);
	fixture_tick(f, 60000);
	assert_int_equal(fixture_calls(f), 1);
	struct target run = fixture_target(fixture_call(f, 0));
	fixture_tick(f, 9999);
	assert_int_equal(fixture_runs(f), 1);
	fixture_tick(f, 1);
	assert_true(fixture_finished(f, &run.run_id, "Cancelled"));
	fixture_answer(f, run, 200, "1", "1");
	assert_int_equal(f->batch->record_count, 0);
}

static void test_finished_in_time(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, WITH("\"finish\":\"10s\",\"start\":\"10s\""));
	fixture_answer(f, start(f), 200, "1", "1");
	assert_string_equal(fixture_status(f), "Completed");
	fixture_tick(f, 20000);
	assert_int_equal(fixture_histories(f, HISTORY_FINISH), 0);
}

static void test_changed_settings(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, WITH("\"finish\":\"10s\""));
	sleep_for(f, start(f), "1h");
	fixture_register_functions(f, WITH("\"finish\":\"30s\"")); // extended
	fixture_tick(f, 10000);
	assert_int_equal(fixture_runs(f), 1);
	fixture_tick(f, 20000);
	assert_string_equal(fixture_status(f), "Cancelled");

	sleep_for(f, start(f), "20s");
	fixture_register_functions(f, WITH("\"finish\":\"15s\"")); // shortened: seen before the next call
	fixture_tick(f, 20000);
	assert_int_equal(fixture_calls(f), 0);
	assert_string_equal(fixture_status(f), "Cancelled");

	sleep_for(f, start(f), "1h");
	fixture_register_functions(f, WITH("\"start\":\"1h\"")); // taken back
	fixture_tick(f, 3600000);
	assert_int_equal(fixture_calls(f), 1);
}

static void test_unreadable(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, WITH("\"finish\":\"soon\",\"start\":\"-1s\""));
	sleep_for(f, start(f), "1h");
	fixture_tick(f, 3600000);
	assert_int_equal(fixture_calls(f), 1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_start, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_started_in_time, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_finish, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_finish_counts_from_the_start, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_finished_in_time, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_changed_settings, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_unreadable, setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
