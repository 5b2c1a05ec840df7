// Schedules: ticks, what they make, and that none is lost or doubled (03 §20).
#include "fixture.h"

// T0 is 2027-01-15T08:00:00Z, a Friday.
#define CRON(id, triggers) FIXTURE_FUNCTION(id, "\"triggers\":[" triggers "]")
#define MINUTE 60000u

static int setup(void **state) {
	struct fixture *f = mem_calloc(1, sizeof *f);
	f->config.workers = 1000;
	fixture_open(f);
	*state = f;
	return 0;
}

static const struct history_item *run_of_cron(const struct fixture *f, const char *cron) {
	for (size_t i = 0; i < f->batch->history_count; i++) {
		const struct history_item *item = &f->batch->history[i];
		if (item->kind == HISTORY_RUN && str_eq_cstr(item->run.cron, cron)) return item;
	}
	return NULL;
}

static void test_tick(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, CRON("app-a", "{\"cron\":\"*/5 * * * *\"}"));
	assert_int_equal(engine_deadline(f->engine), T0 + 5 * MINUTE);
	fixture_tick(f, 5 * MINUTE - 1);
	assert_int_equal(fixture_calls(f), 0);
	fixture_tick(f, 1);
	assert_int_equal(fixture_calls(f), 1);
	assert_non_null(run_of_cron(f, "*/5 * * * *"));
	const struct history_item *event = fixture_history(f, HISTORY_EVENT, 0);
	assert_true(str_eq(event->event.name, STR("inngest/scheduled.timer")));
	assert_true(str_eq(event->event.id, STR("2027-01-15T08:05:00Z")));
	assert_int_equal(event->event.ts_ms, T0 + 5 * MINUTE);
	assert_true(str_eq(event->event.data, STR("{\"cron\":\"*/5 * * * *\",\"fireAt\":\"2027-01-15T08:05:00Z\","
						  "\"scheduledAt\":\"2027-01-15T08:05:00Z\"}")));
	assert_int_equal(fixture_histories(f, HISTORY_EVENT), 1);
	fixture_tick(f, 0);
	assert_int_equal(fixture_calls(f), 0);
	fixture_tick(f, 5 * MINUTE);
	assert_int_equal(fixture_calls(f), 1);
}

static void test_several(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(
		f, CRON("app-a", "{\"cron\":\"*/2 * * * *\"},{\"cron\":\"*/3 * * * *\"},{\"event\":\"x/y\"}") "," CRON(
			   "app-b", "{\"cron\":\"*/3 * * * *\"}"));
	unsigned runs = 0;
	for (unsigned minute = 1; minute <= 6; minute++) {
		fixture_tick(f, MINUTE);
		runs += fixture_histories(f, HISTORY_RUN);
	}
	assert_int_equal(runs, 4 + 2); // 2, 3, 4 and once at 6; 3 and 6
	fixture_event(f, "{\"name\":\"x/y\"}");
	assert_int_equal(fixture_calls(f), 1);
}

static void test_functions_of_the_event(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(
		f, CRON("app-a", "{\"cron\":\"* * * * *\"},{\"event\":\"inngest/scheduled.timer\"}") "," CRON(
			   "app-b", "{\"event\":\"inngest/scheduled.timer\"}"));
	fixture_tick(f, MINUTE);
	assert_int_equal(fixture_histories(f, HISTORY_RUN), 2); // the first only once
	assert_int_equal(fixture_calls(f), 2);
}

// Two schedules name the same moment: two events, and one run of each function.
static void test_events_of_one_moment(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(
		f, CRON("app-a", "{\"cron\":\"* * * * *\"},{\"event\":\"inngest/scheduled.timer\"}") "," CRON(
			   "app-b", "{\"event\":\"inngest/scheduled.timer\"}") "," CRON("app-c",
											"{\"cron\":\"*/1 * * * *\"}"));
	fixture_tick(f, MINUTE);
	assert_int_equal(fixture_histories(f, HISTORY_EVENT), 2);
	assert_int_equal(fixture_histories(f, HISTORY_RUN), 3);
	assert_int_equal(fixture_restart(f), 0);
	fixture_tick(f, MINUTE);
	assert_int_equal(fixture_histories(f, HISTORY_RUN), 3);
}

// The machine slept, or its clock was set: as after a restart.
static void test_clock_goes_ahead(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, CRON("app-a", "{\"cron\":\"* * * * * *\"}"));
	f->now += 1000ull * (CRON_CATCH_UP_MAX + 500);
	unsigned runs = 0, complaints = 0;
	while (engine_deadline(f->engine) <= f->now) {
		fixture_tick(f, 0);
		runs += fixture_histories(f, HISTORY_RUN);
		complaints += (unsigned)f->batch->complaint_count;
	}
	assert_int_equal(runs, CRON_CATCH_UP_MAX);
	assert_int_equal(complaints, 1);
}

// It was set to a far year by mistake when the function was registered.
static void test_clock_goes_back(void **state) {
	struct fixture *f = *state;
	f->now += 1000ull * 86400000;
	fixture_register_functions(f, CRON("app-a", "{\"cron\":\"* * * * *\"}"));
	f->now = T0;
	assert_int_equal(fixture_restart(f), 0);
	fixture_tick(f, MINUTE);
	assert_int_equal(fixture_histories(f, HISTORY_RUN), 1);
}

static void test_jitter(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, CRON("app-a", "{\"cron\":\"* * * * *\",\"jitter\":\"30s\"}"));
	fixture_tick(f, MINUTE);
	const struct history_item *event = fixture_history(f, HISTORY_EVENT, 0);
	uint64_t fire = event->event.ts_ms;
	assert_true(fire >= T0 + MINUTE + 1000 && fire <= T0 + MINUTE + 30000);
	assert_true(str_find_str(event->event.data, STR("\"scheduledAt\":\"2027-01-15T08:01:00Z\"")) > 0);
	assert_int_equal(fixture_calls(f), 0);
	assert_int_equal(fixture_runs(f), 1);
	fixture_tick(f, fire - f->now);
	assert_int_equal(fixture_calls(f), 1);
}

// The server was down: each tick that it missed has its run, in order, and the log tells.
static void test_missed_ticks(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, CRON("app-a", "{\"cron\":\"* * * * *\"}"));
	fixture_tick(f, MINUTE);
	f->now += 3 * MINUTE + 100;
	assert_int_equal(fixture_restart(f), 0);
	assert_int_equal(f->batch->complaint_count, 1);
	assert_true(str_eq(f->batch->complaints[0].problem,
			   STR("3 missed from 2027-01-15T08:02:00Z to 2027-01-15T08:04:00Z, of which 0 are dropped")));
	assert_int_equal(fixture_histories(f, HISTORY_RUN), 3);
	assert_true(str_eq(fixture_history(f, HISTORY_EVENT, 2)->event.id, STR("2027-01-15T08:04:00Z")));
	assert_int_equal(fixture_restart(f), 0); // durable: no second time
	assert_int_equal(f->batch->complaint_count, 0);
	assert_int_equal(fixture_histories(f, HISTORY_RUN), 0);
}

static void test_very_many_missed_ticks(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, CRON("app-a", "{\"cron\":\"* * * * * *\"}"));
	f->now += 1000ull * (CRON_CATCH_UP_MAX + 500);
	assert_int_equal(fixture_restart(f), 0);
	unsigned runs = fixture_histories(f, HISTORY_RUN);
	while (engine_deadline(f->engine) <= f->now) {
		fixture_tick(f, 0);
		runs += fixture_histories(f, HISTORY_RUN);
	}
	assert_int_equal(runs, CRON_CATCH_UP_MAX);
}

static void test_more_missed_ticks_than_are_counted(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, CRON("app-a", "{\"cron\":\"@every 1s\"}"));
	f->now += 1000ull * 15000000;
	assert_int_equal(fixture_restart(f), 0);
	const struct history_item *first = fixture_history(f, HISTORY_EVENT, 0);
	assert_true(first->event.ts_ms > f->now - 1000ull * CRON_CATCH_UP_MAX);
}

// A new version with the same schedule neither loses a tick nor has one twice.
static void test_registered_again(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, CRON("app-a", "{\"cron\":\"* * * * *\"}"));
	f->now += MINUTE + 100; // due, not yet woken
	fixture_register_functions(f, CRON("app-a", "{\"cron\":\"* * * * *\"},{\"event\":\"x/y\"}"));
	assert_int_equal(fixture_histories(f, HISTORY_RUN), 1);
	fixture_tick(f, 0);
	assert_int_equal(fixture_histories(f, HISTORY_RUN), 0);
	fixture_tick(f, MINUTE);
	assert_int_equal(fixture_histories(f, HISTORY_RUN), 1);
	fixture_register_functions(f, CRON("app-a", "{\"cron\":\"0 0 1 1 *\"}")); // another one
	fixture_tick(f, 10 * MINUTE);
	assert_int_equal(fixture_histories(f, HISTORY_RUN), 0);
	assert_int_equal(fixture_restart(f), 0);
	assert_int_equal(engine_deadline(f->engine) > f->now + 23 * 3600000ull, true);
}

static void test_removed(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f,
				   CRON("app-a", "{\"cron\":\"* * * * *\"}") "," CRON("app-b", "{\"event\":\"x/y\"}"));
	fixture_register_functions(f, CRON("app-b", "{\"event\":\"x/y\"}"));
	assert_int_equal(engine_deadline(f->engine), UINT64_MAX);
	fixture_register_functions(f, CRON("app-a", "{\"cron\":\"* * * * *\"}")); // back
	fixture_tick(f, MINUTE);
	assert_int_equal(fixture_histories(f, HISTORY_RUN), 1);
	struct command *command = command_new(COMMAND_APP_REMOVE);
	command->app.url = STR("http://localhost:3000/api");
	fixture_apply(f, command);
	fixture_restart(f);
	fixture_tick(f, 10 * MINUTE);
	assert_int_equal(fixture_histories(f, HISTORY_RUN), 0);
	assert_int_equal(fixture_histories(f, HISTORY_EVENT), 0);
}

// Clocks go forward and back: 03 §20.1, in detail in tests/unit/model/test_cron.c.
static void test_zone(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, CRON("app-a", "{\"cron\":\"TZ=Asia/Kolkata 0 14 * * *\"}"));
	fixture_tick(f, 30 * MINUTE); // 14:00 at UTC+5:30
	assert_int_equal(fixture_histories(f, HISTORY_RUN), 1);
}

static void test_timer_of_a_paused_function(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, CRON("app-a", "{\"cron\":\"* * * * *\"}"));
	for (unsigned paused = 1; paused < 2; paused--) {
		struct command *command = command_new(COMMAND_FUNCTION_PAUSE);
		command->pause.function = STR("app-a");
		command->pause.paused = paused;
		fixture_apply(f, command);
		fixture_tick(f, MINUTE);
		assert_int_equal(fixture_histories(f, HISTORY_RUN), !paused);
		assert_int_equal(fixture_histories(f, HISTORY_EVENT), 1);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tick, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_several, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_functions_of_the_event, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_events_of_one_moment, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_clock_goes_ahead, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_clock_goes_back, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_jitter, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_missed_ticks, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_very_many_missed_ticks, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_more_missed_ticks_than_are_counted, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_registered_again, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_removed, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_zone, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_timer_of_a_paused_function, setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
