// cancelOn: which events cancel which runs (03 §14.8).
#include "fixture.h"

static int setup(void **state) {
	struct fixture *f = mem_calloc(1, sizeof *f);
	f->config.workers = 10000;
	fixture_open(f);
	*state = f;
	return 0;
}

#define ON(rules) FIXTURE_FUNCTION("app-a", "\"triggers\":[{\"event\":\"x/y\"}],\"cancel\":[" rules "]")

static struct target start(struct fixture *f, const char *event) {
	fixture_event(f, event);
	return fixture_target(fixture_call(f, 0));
}

static void assert_cancelled(struct fixture *f, struct target run) {
	assert_true(fixture_finished(f, &run.run_id, "Cancelled"));
	assert_int_equal(fixture_calls(f), 0);
	assert_int_equal(fixture_runs(f), 0);
}

static void sleep_long(struct fixture *f, struct target run) {
	fixture_answer(f, run, 206, "1", "[{\"op\":\"Sleep\",\"id\":\"s\",\"name\":\"1h\"}]");
}

static void test_sleeping(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, ON("{\"event\":\"t/stop\"}"));
	struct target run = start(f, "{\"name\":\"x/y\"}");
	sleep_long(f, run);
	fixture_event(f, "{\"name\":\"t/go\"}");
	assert_int_equal(fixture_runs(f), 1);
	fixture_event(f, "{\"name\":\"t/stop\"}");
	assert_cancelled(f, run);
	assert_int_equal(fixture_histories(f, HISTORY_EVENT), 3); // t/stop, function.finished, function.cancelled
	fixture_event(f, "{\"name\":\"t/stop\"}");
	assert_int_equal(fixture_histories(f, HISTORY_FINISH), 0);
}

static void test_in_a_call(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, ON("{\"event\":\"t/stop\"}"));
	struct target run = start(f, "{\"name\":\"x/y\"}");
	fixture_event(f, "{\"name\":\"t/stop\"}");
	assert_cancelled(f, run);
	fixture_answer(f, run, 206, "1", "[{\"op\":\"StepRun\",\"id\":\"s\",\"data\":1}]");
	assert_int_equal(f->batch->record_count, 0);
	assert_int_equal(fixture_calls(f), 0);
}

static void test_not_begun(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, ON("{\"event\":\"t/stop\"}"));
	char event[100];
	snprintf(event, sizeof event, "{\"name\":\"x/y\",\"ts\":%llu}", (unsigned long long)f->now + 5000);
	fixture_event(f, event);
	assert_int_equal(fixture_calls(f), 0);
	fixture_event(f, "{\"name\":\"t/stop\"}");
	assert_int_equal(fixture_runs(f), 0);
	fixture_tick(f, 6000);
	assert_int_equal(fixture_calls(f), 0);
}

static void test_waiting_for_the_same_event(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, ON("{\"event\":\"t/stop\"}"));
	struct target run = start(f, "{\"name\":\"x/y\"}");
	fixture_answer(f, run, 206, "1",
		       "[{\"op\":\"WaitForEvent\",\"id\":\"w\",\"name\":\"w\",\"opts\":{\"event\":\"t/"
		       "stop\",\"timeout\":\"1h\"}}]");
	fixture_event(f, "{\"name\":\"t/stop\"}");
	assert_cancelled(f, run);
}

static void test_conditions(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, ON("{\"event\":\"t/stop\",\"if\":\"event.data.id == async.data.id\"},"
					 "{\"event\":\"t/halt\",\"if\":\"async.data.n > event.data.n\"}"));
	struct target a = start(f, "{\"name\":\"x/y\",\"data\":{\"id\":\"a\",\"n\":1}}");
	struct target b = start(f, "{\"name\":\"x/y\",\"data\":{\"id\":\"b\",\"n\":5}}");
	struct target c = start(f, "{\"name\":\"x/y\",\"data\":{\"n\":9}}");
	fixture_event(f, "{\"name\":\"t/stop\",\"data\":{\"id\":\"c\"}}");
	assert_int_equal(fixture_runs(f), 3);
	fixture_event(f, "{\"name\":\"t/stop\",\"data\":{\"id\":\"b\"}}");
	assert_true(fixture_finished(f, &b.run_id, "Cancelled"));
	fixture_event(f, "{\"name\":\"t/halt\",\"data\":{\"n\":1}}");
	assert_int_equal(fixture_runs(f), 2);
	fixture_event(f, "{\"name\":\"t/halt\",\"data\":{\"n\":2}}");
	assert_true(fixture_finished(f, &a.run_id, "Cancelled"));
	fixture_event(f, "{\"name\":\"t/stop\"}"); // both missing: null == null
	assert_cancelled(f, c);
}

// A condition that is false whatever comes leaves no pause.
static void test_condition_known_to_be_false(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, ON("{\"event\":\"t/stop\",\"if\":\"event.data.k == 'no'\"}"));
	start(f, "{\"name\":\"x/y\",\"data\":{\"k\":\"yes\"}}");
	struct engine_stats stats;
	engine_stats(f->engine, &stats);
	assert_int_equal(stats.items_later, 0);
	struct target b = start(f, "{\"name\":\"x/y\",\"data\":{\"k\":\"no\"}}");
	fixture_event(f, "{\"name\":\"t/stop\"}");
	assert_true(fixture_finished(f, &b.run_id, "Cancelled"));
	assert_int_equal(fixture_runs(f), 1);
}

static void test_own_event_does_not_cancel(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, ON("{\"event\":\"x/y\"}"));
	struct target a = start(f, "{\"name\":\"x/y\"}");
	assert_int_equal(fixture_runs(f), 1);
	fixture_event(f, "{\"name\":\"x/y\"}"); // begins one and ends the other
	assert_true(fixture_finished(f, &a.run_id, "Cancelled"));
	assert_int_equal(fixture_calls(f), 1);
	assert_int_equal(fixture_runs(f), 1);
}

static void test_timeout(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, ON("{\"event\":\"t/stop\",\"timeout\":\"10s\"}"));
	struct target run = start(f, "{\"name\":\"x/y\"}");
	sleep_long(f, run);
	fixture_tick(f, 10000);
	fixture_event(f, "{\"name\":\"t/stop\"}");
	assert_int_equal(fixture_runs(f), 1);
	fixture_tick(f, 3600000);
	assert_int_equal(fixture_calls(f), 1);
}

// What only watches a run does not keep it from being asked again when nothing else would wake it.
static void test_stalled_run(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, ON("{\"event\":\"t/stop\"}"));
	fixture_answer(f, start(f, "{\"name\":\"x/y\"}"), 206, "1", "[]");
	fixture_tick(f, 1000);
	assert_int_equal(fixture_calls(f), 1);
}

static void test_restart(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, ON("{\"event\":\"t/stop\",\"if\":\"event.data.id == async.data.id\"}"));
	struct target a = start(f, "{\"name\":\"x/y\",\"data\":{\"id\":\"a\"}}");
	sleep_long(f, a);
	assert_int_equal(fixture_restart(f), 0);
	fixture_event(f, "{\"name\":\"t/stop\",\"data\":{\"id\":\"b\"}}");
	assert_int_equal(fixture_runs(f), 1);
	fixture_event(f, "{\"name\":\"t/stop\",\"data\":{\"id\":\"a\"}}");
	assert_cancelled(f, a);
	assert_int_equal(fixture_restart(f), 0);
}

// An event about a run at rest is held; it cancels only what began before it.
static void test_held_event(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(
		f,
		ON("{\"event\":\"inngest/function.finished\",\"if\":\"async.data.function_id == 'app-b' && "
		   "async.data.event.data.k == event.data.k\"}") "," FIXTURE_FUNCTION("app-b", "\"triggers\":[{"
											       "\"event\":\"x/z\"}]"));
	fixture_event(f, "{\"name\":\"x/z\",\"data\":{\"k\":1}}");
	struct target other = fixture_target(fixture_call(f, 0));
	fixture_answer(f, other, 206, "1", "[{\"op\":\"Sleep\",\"id\":\"s\",\"name\":\"1h\"}]");
	struct target before = start(f, "{\"name\":\"x/y\",\"data\":{\"k\":1}}");
	struct target unlike = start(f, "{\"name\":\"x/y\",\"data\":{\"k\":2}}");
	f->now += 5;
	struct command *cancel = command_new(COMMAND_CANCEL);
	cancel->run.run_id = other.run_id;
	fixture_apply(f, cancel);
	assert_int_equal(f->batch->load_count, 1);
	struct event_load load = f->batch->loads[0];
	struct payload *data = payload_ref(load.data->text);
	f->now += 5;
	struct target after = start(f, "{\"name\":\"x/y\",\"data\":{\"k\":1}}");
	struct command *loaded = command_new(COMMAND_EVENT_LOADED);
	loaded->loaded.id = load.id;
	loaded->loaded.data = data;
	fixture_apply(f, loaded);
	assert_true(fixture_finished(f, &before.run_id, "Cancelled"));
	assert_int_equal(fixture_runs(f), 2);
	(void)unlike, (void)after;
}

// The end of one run ends all others, whose ends …: one after the other, however many there are.
static void test_ends_that_end_others(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, ON("{\"event\":\"inngest/function.finished\"}"));
	for (unsigned i = 0; i < 3000; i++) fixture_event(f, "{\"name\":\"x/y\"}");
	assert_int_equal(fixture_runs(f), 3000);
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 200, "1", "1");
	assert_int_equal(fixture_runs(f), 0);
	assert_true(f->batch->load_count > 0); // events that nobody may be waiting for, in commands of their own
	assert_int_equal(fixture_restart(f), 0);
}

// A cancelled run starts another, and that event cancels the one before: it would go on for ever, and the events would
// grow twofold each time.
static void test_cancellations_of_cancellations(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(
		f, FIXTURE_FUNCTION("app-a",
				    "\"triggers\":[{\"event\":\"x/y\"},{\"event\":\"inngest/function.cancelled\"}],"
				    "\"cancel\":[{\"event\":\"inngest/function.cancelled\"}]"));
	fixture_event(f, "{\"name\":\"x/y\"}");
	fixture_event(f, "{\"name\":\"x/y\"}");
	struct command *command = command_new(COMMAND_CANCEL);
	command->run.run_id = fixture_call(f, 0)->run_id;
	fixture_apply(f, command);
	assert_true(fixture_histories(f, HISTORY_FINISH) > 2);
	assert_true(fixture_histories(f, HISTORY_FINISH) < 20);
	assert_int_equal(fixture_runs(f), 1);
}

#define ON_CANCELLED(rules)                                                                                 \
	FIXTURE_FUNCTION("app-a", "\"triggers\":[{\"event\":\"x/y\"}],\"cancel\":[{\"event\":\"t/stop\"}]") \
	"," FIXTURE_FUNCTION("app-b",                                                                       \
			     "\"triggers\":[{\"event\":\"inngest/function.cancelled\"}],\"cancel\":[" rules "]")

// The event of the run that ends is written by the very batch that ends it.
static void test_begun_by_a_late_event_and_ended_at_once(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, ON_CANCELLED("{\"event\":\"inngest/function.finished\"}"));
	sleep_long(f, start(f, "{\"name\":\"x/y\"}"));
	start(f, "{\"name\":\"x/y\"}");
	fixture_event(f, "{\"name\":\"t/stop\"}");
	assert_int_equal(fixture_histories(f, HISTORY_FINISH), 3);
	assert_int_equal(fixture_restart(f), 0);
}

// Held and handed back within the millisecond in which its run begins: ids do not tell which was first.
static void test_own_held_event_does_not_cancel(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(
		f, ON_CANCELLED("{\"event\":\"inngest/function.cancelled\",\"if\":\"event.data.event.data.n == "
				"async.data.event.data.n\"}"));
	for (unsigned n = 0; n < 20; n++) {
		char event[64];
		snprintf(event, sizeof event, "{\"name\":\"x/y\",\"data\":{\"n\":%u}}", n);
		struct target run = start(f, event);
		sleep_long(f, run);
		fixture_cancel(f, &run.run_id);
		assert_int_equal(fixture_load_held(f), 1);
		assert_int_equal(fixture_runs(f), n + 1);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sleeping, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_in_a_call, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_not_begun, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_waiting_for_the_same_event, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_conditions, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_condition_known_to_be_false, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_own_event_does_not_cancel, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_timeout, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_stalled_run, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_restart, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_held_event, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_ends_that_end_others, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_cancellations_of_cancellations, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_begun_by_a_late_event_and_ended_at_once, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_own_held_event_does_not_cancel, setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
