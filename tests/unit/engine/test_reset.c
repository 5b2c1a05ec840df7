// What the testing API asks of the engine: the size of a function's queue, pausing by id, and a clean start (05 §16).
#include "flow_fixture.h"

static void expect_size(struct fixture *f, const char *slug, const char *json) {
	struct command *command = command_new(COMMAND_QUEUE_SIZE);
	command->request = ++f->next_request;
	command->queue_size.function_id = fixture_function_id(slug);
	fixture_apply(f, command);
	assert_non_null(f->batch->replies);
	struct str text = ((const struct reply *)f->batch->replies)->text;
	if (!str_eq_cstr(text, json)) fail_msg("%.*s", STR_ARG(text));
}

static void pause_id(struct fixture *f, const char *slug, int status) {
	struct command *command = command_new(COMMAND_FUNCTION_PAUSE);
	command->request = ++f->next_request;
	command->pause.function_id = fixture_function_id(slug);
	command->pause.paused = true;
	fixture_apply(f, command);
	assert_int_equal(((const struct reply *)f->batch->replies)->status, status);
}

static void reset(struct fixture *f) {
	struct command *command = command_new(COMMAND_RESET);
	command->request = ++f->next_request;
	fixture_apply(f, command);
	assert_int_equal(((const struct reply *)f->batch->replies)->status, 200);
}

static void test_queue_size(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, FLOW("app-a", "x/a", "\"concurrency\":1,\"cancel\":[{\"event\":\"x/stop\"}]"));
	expect_size(f, "app-a", "{\"count\":0}");
	for (char name = 'a'; name <= 'c'; name++) begin(f, name, "x/a", "{}");
	expect_size(f, "app-a", "{\"count\":3}"); // what watches for x/stop is no work
	expect_size(f, "app-nobody", "{\"count\":0}");
}

static void test_pause_by_id(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, OUTER);
	pause_id(f, "app-outer", 200);
	pause_id(f, "app-nobody", 404);
	send(f, "x/go", "{}");
	expect_calls("");
	expect_outcomes("Skipped:FunctionPaused");
	reset(f);
	begin(f, 'a', "x/go", "{}");
	expect_calls("a");
}

// Everything that the engine keeps between commands, and nothing of it afterwards but apps and functions.
static void test_clean_start(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(
		f,
		OUTER "," FLOW("app-limited", "x/limited", "\"rateLimit\":{\"limit\":1,\"period\":\"1h\"}") "," FLOW(
			"app-late", "x/late",
			"\"debounce\":{\"period\":\"1h\"}") "," FLOW("app-many", "x/many",
								     "\"batchEvents\":{\"maxSize\":5,\"timeout\":"
								     "\"1h\"}") "," FLOW("app-after",
											 "inngest/function.cancelled",
											 "\"singleton\":{\"mode\":"
											 "\"skip\"}"));
	begin(f, 'a', "x/go", "{}");
	begin(f, 'b', "x/go", "{}");
	answer(f, 'b', "[{\"op\":\"WaitForEvent\",\"id\":\"w\",\"opts\":{\"event\":\"x/w\",\"timeout\":\"1h\"}}]");
	begin(f, 'c', "x/limited", "{}");
	send(f, "x/limited", "{}");
	send(f, "x/late", "{}");
	send(f, "x/many", "{}");
	expect_calls("abc");
	expect_outcomes("RateLimited");
	reset(f);
	assert_int_equal(fixture_runs(f), 0);
	assert_int_equal(strlen(flow.ends), 6); // all three are shown as cancelled …
	assert_int_equal(strcspn(flow.ends, "+-"), 6);
	flow.ends[0] = '\0';
	assert_int_equal(fixture_settle(f), 3);
	expect_calls(""); // … but nobody is told
	struct engine_stats stats;
	engine_stats(f->engine, &stats);
	assert_int_equal(stats.events_waiting + stats.events_held + stats.items_later + stats.items_ready, 0);
	assert_int_equal(stats.functions, 5);
	fixture_assert_stored(f);
	fixture_restart(f);
	assert_int_equal(fixture_runs(f), 0);
	begin(f, 'd', "x/limited", "{}"); // the rate limit has forgotten
	expect_calls("d");
	done(f, 'd');
	fixture_tick(f, 7200 * SECOND); // nothing wakes up
	fixture_settle(f);
	expect_calls("");
}

// Events that had begun runs begin them again.
static void test_ids_are_new_again(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, OUTER);
	for (int i = 0; i < 3; i++) {
		fixture_event(f, "{\"name\":\"x/go\",\"id\":\"same\"}");
		assert_int_equal(fixture_histories(f, HISTORY_RUN), i != 1);
		if (i == 1) reset(f);
	}
}

// The answer of a call that was under way is nothing to anybody, and its slot is free again then.
static void test_late_answers(void **state) {
	struct fixture *f = *state;
	fixture_close(f);
	f->config.workers = 1;
	fixture_open(f);
	fixture_register_functions(f, OUTER);
	fixture_event(f, "{\"name\":\"x/go\"}");
	struct target to = fixture_target(fixture_call(f, 0));
	reset(f);
	fixture_event(f, "{\"name\":\"x/go\"}");
	assert_int_equal(fixture_calls(f), 0); // the app is busy yet
	fixture_answer(f, to, 200, "2", "1");
	assert_int_equal(fixture_calls(f), 1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_queue_size),        TEST(test_pause_by_id),  TEST(test_clean_start),
		TEST(test_ids_are_new_again), TEST(test_late_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
