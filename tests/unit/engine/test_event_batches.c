// Batches of events: what is in them, when they go, and their runs (04 §A8, §A4, §A21; 03 §18).
#include "flow_fixture.h"

#define BATCH(rest) "\"batchEvents\":{" rest "}"
#define OF_THREE BATCH("\"maxSize\":3,\"timeout\":\"10s\"")
#define BY_KEY BATCH("\"maxSize\":2,\"timeout\":\"10s\",\"key\":\"event.data.k\"")

static void set_up(struct fixture *f, const char *settings) {
	char functions[2048];
	snprintf(functions, sizeof functions, OUTER "," FLOW("app-a", "x/a", "%s"), settings);
	fixture_register_functions(f, functions);
}

static void number(struct fixture *f, int n) {
	char data[64];
	snprintf(data, sizeof data, "{\"n\":%d}", n);
	send(f, "x/a", data);
}

static void pass(struct fixture *f, uint64_t ms) {
	fixture_tick(f, ms);
	fixture_settle(f);
}

// With what is under way the run begins at once.
static void expect_run(struct fixture *f, char name, const char *numbers) {
	coming((char[]){name, '\0'});
	fixture_settle(f);
	expect_calls(((char[]){name, '\0'}));
	expect_events(f, name, numbers);
}

static struct command *app_remove(void) {
	struct command *command = command_new(COMMAND_APP_REMOVE);
	command->app.url = STR("http://localhost:3000/api");
	return command;
}

// ---- when it goes --------------------------------------------------------------------------------------------------

static void test_full(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	for (int n = 1; n <= 3; n++) {
		pass(f, SECOND); // slowly
		expect_calls("");
		number(f, n);
	}
	expect_run(f, 'a', "123"); // in the order of arrival
	number(f, 4);
	pass(f, 10 * SECOND - 1);
	expect_calls("");
	f->now += 1;
	expect_run(f, 'b', "4");
}

static void test_timeout_counts_from_the_first(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	number(f, 1);
	pass(f, 9 * SECOND);
	number(f, 2);
	assert_true(engine_deadline(f->engine) <= f->now + SECOND);
	pass(f, SECOND - 1);
	expect_calls("");
	f->now += 1;
	expect_run(f, 'a', "12");
}

// They may have been removed while they waited for so long.
static void test_events_are_told_again(void **state) {
	struct fixture *f = *state;
	set_up(f, BATCH("\"maxSize\":9,\"timeout\":\"24h\""));
	for (int n = 1; n <= 2; n++) number(f, n);
	pass(f, 24u * 3600 * SECOND - 1);
	number(f, 3);
	struct ulid last = fixture_history(f, HISTORY_EVENT, 0)->event.internal_id;
	f->now += 1;
	expect_run(f, 'a', "123");
	assert_int_equal(fixture_histories(f, HISTORY_EVENT_AGAIN), 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct history_item *again = fixture_history(f, HISTORY_EVENT_AGAIN, i);
		assert_true(str_eq_cstr(again->event.data, i == 0 ? "{\"n\":1}" : "{\"n\":2}"));
		assert_true(ulid_cmp(&again->event.internal_id, &last) != 0);
	}
}

// Without a run, which takes them along when it goes, nothing would ever take them.
static void test_events_without_a_run_are_not(void **state) {
	struct fixture *f = *state;
	set_up(f, BATCH("\"maxSize\":9,\"timeout\":\"24h\""));
	for (int n = 1; n <= 2; n++) number(f, n);
	pause_function(f, "app-a", true);
	pass(f, 24u * 3600 * SECOND);
	assert_int_equal(fixture_histories(f, HISTORY_EVENT_AGAIN), 0);
	expect_outcomes("Skipped:FunctionPaused Skipped:FunctionPaused");
}

// Time is over, although nothing has woken it: the next event opens another one.
static void test_event_at_the_very_end(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	number(f, 1);
	f->now += 10 * SECOND;
	number(f, 2);
	expect_run(f, 'a', "1");
	f->now += 10 * SECOND;
	expect_run(f, 'b', "2");
}

// It has gone to fetch its events when others come.
static void test_events_while_it_goes(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	for (int n = 1; n <= 3; n++) number(f, n);
	assert_int_equal(f->batch->load_count, 1);
	struct event_load load = f->batch->loads[0];
	struct late_text text = {.text = payload_ref(load.data->text)};
	load.data = &text;
	for (int n = 4; n <= 6; n++) number(f, n);
	expect_run(f, 'b', "456");
	coming("a");
	fixture_load(f, &load);
	expect_calls("a");
	expect_events(f, 'a', "123");
	fixture_load(f, &load); // a second time means nothing
	expect_calls("");
	payload_unref(text.text);
}

static void test_ten_mebibytes(void **state) {
	struct fixture *f = *state;
	set_up(f, BATCH("\"maxSize\":100,\"timeout\":\"10s\""));
	size_t len = EVENT_BATCH_BYTES_MAX / 4;
	char *json = mem_alloc(len + 100);
	int at = sprintf(json, "{\"name\":\"x/a\",\"data\":{\"n\":1,\"t\":\"");
	memset(json + at, 'x', len);
	memcpy(json + (size_t)at + len, "\"}}", 4);
	for (int i = 0; i < 3; i++) {
		fixture_event(f, json);
		assert_int_equal(f->batch->load_count, 0);
	}
	fixture_event(f, json);
	free(json);
	coming("a");
	fixture_settle(f);
	expect_calls("a");
	number(f, 2);
	f->now += 10 * SECOND;
	expect_run(f, 'b', "2");
}

// Closed by the command that adds the last event, while the first ones are in an output batch that is not out yet.
static void test_filled_within_one_batch_of_commands(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	number(f, 1);
	fixture_join(f);
	number(f, 2);
	number(f, 3);
	number(f, 4);
	fixture_part(f);
	expect_run(f, 'a', "123");
	fixture_join(f);
	for (int n = 5; n <= 9; n++) number(f, n);
	fixture_part(f);
	coming("bc");
	fixture_settle(f);
	expect_calls("bc");
	expect_events(f, 'b', "456");
	expect_events(f, 'c', "789");
}

static void test_opened_and_closed_by_one_request(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	struct command *command = command_new(COMMAND_EVENTS);
	struct event_seed seed = {.present = true, .time_ms = f->now};
	struct error error;
	assert_int_equal(events_parse_body(&command->arena,
					   STR("[{\"name\":\"x/a\",\"data\":{\"n\":1}},{\"name\":\"x/a\",\"data\":{"
					       "\"n\":2}},{\"name\":\"x/a\",\"data\":{\"n\":3}}]"),
					   STR("application/json"), &seed, f->now, &command->events.events,
					   &command->events.count, &error),
			 ERR_OK);
	fixture_apply(f, command);
	expect_run(f, 'a', "123");
}

// ---- what is in it -------------------------------------------------------------------------------------------------

static void test_condition(void **state) {
	struct fixture *f = *state;
	set_up(f, BATCH("\"maxSize\":2,\"timeout\":\"10s\",\"if\":\"event.data.n > 1\""));
	coming("abc");
	number(f, 1); // a run of its own
	send(f, "x/a", "{}");
	send(f, "x/a", "{\"n\":\"x\"}"); // cannot be evaluated
	expect_calls("abc");
	expect_events(f, 'a', "1");
	expect_outcomes("");
	number(f, 2);
	number(f, 3);
	expect_run(f, 'd', "23");
}

static void test_condition_of_another_type(void **state) {
	struct fixture *f = *state;
	set_up(f, BATCH("\"maxSize\":2,\"timeout\":\"10s\",\"if\":\"event.data.n\""));
	coming("a");
	number(f, 1);
	expect_calls("a");
}

static void test_keys(void **state) {
	struct fixture *f = *state;
	set_up(f, BY_KEY);
	send(f, "x/a", "{\"n\":1,\"k\":1}");
	send(f, "x/a", "{\"n\":2,\"k\":\"1\"}");
	expect_run(f, 'a', "12");
	send(f, "x/a", "{\"n\":3,\"k\":null}");
	send(f, "x/a", "{\"n\":4}");
	send(f, "x/a", "{\"n\":5,\"k\":\"false\"}");
	expect_run(f, 'b', "45");
	send(f, "x/a", "{\"n\":6,\"k\":false}");
	send(f, "x/a", "{\"n\":7}");
	expect_run(f, 'c', "67");
	f->now += 10 * SECOND;
	expect_run(f, 'd', "3");
}

static void test_keys_that_fail_start_nothing(void **state) {
	struct fixture *f = *state;
	set_up(f, BATCH("\"maxSize\":2,\"timeout\":\"10s\",\"key\":\"event.data.k.startsWith('a')\""));
	for (unsigned i = 0; i < 2; i++) {
		send(f, "x/a", "{\"k\":1}");
		expect_outcomes("Dropped:ExpressionFailed");
		assert_int_equal(f->batch->complaint_count, i == 0);
	}
	pass(f, 10 * SECOND);
	expect_calls("");
}

static void test_client_ids_are_not_looked_at(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"one\",\"data\":{\"n\":1}}");
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"one\",\"data\":{\"n\":2}}");
	f->now += 10 * SECOND;
	expect_run(f, 'a', "12");
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"one\",\"data\":{\"n\":3}}");
	f->now += 10 * SECOND;
	expect_run(f, 'b', "3");
	expect_outcomes("");
}

static struct command *seeded(struct fixture *f) {
	struct command *command = command_new(COMMAND_EVENTS);
	struct event_seed seed = {.present = true, .time_ms = T0, .entropy = {7}};
	struct error error;
	assert_int_equal(events_parse_body(&command->arena, STR("{\"name\":\"x/a\",\"data\":{\"n\":1}}"),
					   STR("application/json"), &seed, f->now, &command->events.events,
					   &command->events.count, &error),
			 ERR_OK);
	return command;
}

// A request sent again brings the same events, by their internal ids; for half an hour they are known.
static void test_repeated_requests(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	fixture_apply(f, seeded(f));
	restart(f);
	fixture_apply(f, seeded(f));
	f->now += 10 * SECOND;
	expect_run(f, 'a', "1");
	fixture_apply(f, seeded(f)); // after the batch has gone, too
	pass(f, 10 * SECOND);
	expect_calls("");
	f->now += BATCH_MEMORY_MS;
	fixture_apply(f, seeded(f));
	f->now += 10 * SECOND;
	expect_run(f, 'b', "1");
}

static void test_functions_have_their_own(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(
		f, FLOW("app-a", "x/a", OF_THREE) "," FLOW("app-b", "x/a", BATCH("\"maxSize\":2,\"timeout\":\"10s\"")));
	coming("ba");
	for (int n = 1; n <= 3; n++) {
		number(f, n);
		fixture_settle(f);
	}
	expect_calls("ba");
	expect_events(f, 'b', "12");
	expect_events(f, 'a', "123");
}

// ---- restarts, changes ---------------------------------------------------------------------------------------------

static void test_restart_while_open(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	number(f, 1);
	restart(f);
	number(f, 2);
	restart(f);
	number(f, 3);
	restart(f); // full, and on its way
	expect_run(f, 'a', "123");
	restart(f);
	fixture_settle(f);
	expect_calls("a"); // the call once more, no second run
	assert_int_equal(fixture_runs(f), 1);
}

static void test_restart_when_full(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	for (int n = 1; n <= 3; n++) number(f, n);
	number(f, 4);                                          // is in another one
	set_up(f, BATCH("\"maxSize\":9,\"timeout\":\"10s\"")); // the first is full all the same
	restart(f);
	expect_run(f, 'a', "123");
	f->now += 10 * SECOND;
	expect_run(f, 'b', "4");
}

static void test_time_was_over_while_the_server_was_down(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	number(f, 1);
	number(f, 2);
	f->now += 60 * SECOND;
	restart(f);
	restart(f);
	expect_run(f, 'a', "12");
}

static void test_changed_size(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	number(f, 1);
	set_up(f, BATCH("\"maxSize\":2,\"timeout\":\"1h\"")); // its time stays what it was
	number(f, 2);
	expect_run(f, 'a', "12");
	number(f, 3);
	set_up(f, BATCH("\"maxSize\":4,\"timeout\":\"10s\""));
	number(f, 4);
	number(f, 5);
	pass(f, 60 * SECOND);
	expect_calls("");
	number(f, 6);
	expect_run(f, 'b', "3456");
}

static void test_removed_setting(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	number(f, 1);
	set_up(f, NO_SETTINGS);
	coming("a");
	number(f, 2);
	expect_calls("a");
	f->now += 10 * SECOND;
	expect_run(f, 'b', "1");
}

static void test_removed_function(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	number(f, 1);
	begin(f, 'o', "x/go", NULL);
	answer(f, 'o', "[" INVOKE("i", "app-a", "{}") "]");
	expect_calls("o");
	fixture_register_functions(f, OUTER);
	pass(f, 10 * SECOND);
	expect_outcomes("Dropped:FunctionRemoved Dropped:FunctionRemoved");
	expect_calls("o");
	expect_memo(f, "i", "\"error\":{");
}

static void test_removed_app(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	number(f, 1);
	fixture_apply(f, app_remove());
	restart(f);
	pass(f, 10 * SECOND);
	expect_outcomes("Dropped:FunctionRemoved");
	restart(f);
	pass(f, 10 * SECOND);
	expect_outcomes("");
}

// ---- its run -------------------------------------------------------------------------------------------------------

static void test_history(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	char ids[2 * ULID_TEXT_LEN + 2] = "";
	for (int n = 1; n <= 2; n++) {
		number(f, n);
		char id[ULID_TEXT_LEN + 1];
		ulid_text(&fixture_history(f, HISTORY_EVENT, 0)->event.internal_id, id);
		if (n > 1) strcat(ids, ",");
		strcat(ids, id);
	}
	fixture_tick(f, 10 * SECOND);
	struct event_load load = f->batch->loads[0];
	fixture_load(f, &load);
	assert_int_equal(fixture_histories(f, HISTORY_EVENT), 0);
	const struct history_item *run = fixture_history(f, HISTORY_RUN, 0);
	const struct history_item *batch = fixture_history(f, HISTORY_EVENT_BATCH, 0);
	assert_true(ulid_cmp(&batch->event_batch.run_id, &run->run.run_id) == 0);
	assert_true(str_eq_cstr(batch->event_batch.event_ids, ids));
	const struct call *call = fixture_call(f, 0);
	assert_int_equal(call->first_event_len * 2 + 3, call->events.size);
}

// Keys are those of the first event; priority, rate limit and debounce mean nothing to it.
static void test_other_limits_are_those_of_the_first_event(void **state) {
	struct fixture *f = *state;
	set_up(f,
	       BATCH("\"maxSize\":2,\"timeout\":\"10s\"") ",\"concurrency\":[{\"limit\":1,\"key\":\"event.data.k\"}],"
							  "\"rateLimit\":{\"limit\":1,\"period\":\"1h\"}");
	coming("abc");
	const char *const events[] = {"{\"n\":1,\"k\":1}", "{\"n\":2,\"k\":2}", "{\"n\":3,\"k\":2}",
				      "{\"n\":4,\"k\":1}", "{\"n\":5,\"k\":1}", "{\"n\":6,\"k\":2}"};
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		send(f, "x/a", events[i]);
		fixture_settle(f);
	}
	expect_calls("ab");
	done(f, 'b');
	expect_calls("");
	done(f, 'a');
	expect_calls("c");
	expect_events(f, 'c', "56");
}

static void test_no_time_of_events_and_no_start_timeout(void **state) {
	struct fixture *f = *state;
	set_up(f, BATCH("\"maxSize\":2,\"timeout\":\"10s\"") ",\"timeouts\":{\"start\":\"5s\"},\"concurrency\":1");
	char event[100];
	snprintf(event, sizeof event, "{\"name\":\"x/a\",\"ts\":%llu,\"data\":{\"n\":1}}",
		 (unsigned long long)f->now + 60000);
	fixture_event(f, event);
	number(f, 2);
	expect_run(f, 'a', "12"); // at once
	number(f, 3);
	number(f, 4);
	fixture_settle(f);
	pass(f, 60 * SECOND);
	expect_ends("");
	assert_int_equal(fixture_runs(f), 2);
	done(f, 'a');
	expect_ends("a+");
	assert_int_equal(fixture_calls(f), 1); // nor is it looked at before the first call
}

// Each of its events has one outcome.
static void test_paused_function(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	number(f, 1);
	begin(f, 'o', "x/go", NULL);
	answer(f, 'o', "[" INVOKE("i", "app-a", "{}") "]");
	pause_function(f, "app-a", true);
	number(f, 3);
	fixture_settle(f);
	expect_outcomes("Skipped:FunctionPaused Skipped:FunctionPaused Skipped:FunctionPaused");
	expect_calls("oo");
	restart(f);
	fixture_settle(f);
	expect_outcomes("");
}

// The setting was taken back while the batch was open, and the function is a singleton now.
static void test_singleton_by_now(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	number(f, 1);
	number(f, 2);
	set_up(f, "\"singleton\":{\"mode\":\"skip\"}");
	coming("a");
	number(f, 3);
	expect_calls("a");
	pass(f, 10 * SECOND);
	expect_outcomes("Skipped:Singleton Skipped:Singleton");
}

// ---- invokes, and who is not batched -------------------------------------------------------------------------------

static void test_several_invokes_get_the_result(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	number(f, 1);
	for (char c = 'o'; c <= 'p'; c++) {
		begin(f, c, "x/go", NULL);
		answer(f, c, "[" INVOKE("i", "app-a", "{\"data\":{\"n\":2}}") "]");
		if (c == 'o') restart(f);
	}
	expect_calls("op");
	expect_run(f, 'a', "122");
	restart(f);
	expect_calls("a");
	done(f, 'a');
	expect_calls("op");
	expect_memo(f, "i", "{\"data\":1}");
	// One event for the first, which is none, and one for each invoke.
	unsigned finished = 0;
	for (unsigned i = 0; i < fixture_histories(f, HISTORY_EVENT); i++)
		finished += str_eq(fixture_history(f, HISTORY_EVENT, i)->event.name, STR("inngest/function.finished"));
	assert_int_equal(finished, 3);
}

static void test_invokes_of_one_answer(void **state) {
	struct fixture *f = *state;
	set_up(f, BATCH("\"maxSize\":2,\"timeout\":\"10s\""));
	begin(f, 'o', "x/go", NULL);
	answer(f, 'o',
	       "[" INVOKE("i", "app-a", "{\"data\":{\"n\":1}}") "," INVOKE("j", "app-a", "{\"data\":{\"n\":2}}") "]");
	expect_calls("o");
	expect_run(f, 'a', "12");
	fails_for_good(f, 'a');
	expect_calls("o");
	expect_memo(f, "i", "\"message\":\"no\"");
	expect_memo(f, "j", "\"message\":\"no\"");
}

static void test_cancelled_batch(void **state) {
	struct fixture *f = *state;
	set_up(f, BATCH("\"maxSize\":2,\"timeout\":\"10s\""));
	begin(f, 'o', "x/go", NULL);
	answer(f, 'o', "[" INVOKE("i", "app-a", "{\"data\":{\"n\":1}}") "]");
	number(f, 2);
	expect_calls("o");
	expect_run(f, 'a', "12");
	cancel(f, 'a');
	expect_calls("o");
	expect_memo(f, "i", "was cancelled");
}

static void test_api_and_reruns_are_not_batched(void **state) {
	struct fixture *f = *state;
	set_up(f, OF_THREE);
	coming("ab");
	expect_reply(ask(f, "app-a", "{\"name\":\"x/i\"}", true), 200, "");
	expect_reply(ask(f, "app-a", "{\"name\":\"x/a\"}", false), 200, "");
	expect_calls("ab");
}

static void test_schedules_are_not_batched(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(
		f, FIXTURE_FUNCTION("app-c", "\"triggers\":[{\"cron\":\"* * * * *\"},{\"event\":\"x/a\"}]," OF_THREE));
	number(f, 1);
	coming("c");
	fixture_tick(f, 60 * SECOND);
	expect_calls("c");
	fixture_settle(f);
}

// A failure handler that takes several failures at once, whose data is in the store.
static void test_events_about_runs(void **state) {
	struct fixture *f = *state;
	f->without_events_of_failures = true;
	fixture_register_functions(
		f, OUTER "," FIXTURE_FUNCTION("app-h", "\"triggers\":[{\"event\":\"inngest/function.failed\"}]," BATCH(
							       "\"maxSize\":2,\"timeout\":\"10s\"")));
	for (char c = 'p'; c <= 'q'; c++) {
		begin(f, c, "x/go", "{\"n\":5}");
		answer(f, c, SLEEP("s", "1h"));
	}
	fixture_tick(f, 3600 * SECOND);
	coming("h");
	for (char c = 'p'; c <= 'q'; c++) {
		fails_for_good(f, c);
		fixture_settle(f);
	}
	expect_calls("pqpqh");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_full),
		TEST(test_timeout_counts_from_the_first),
		TEST(test_events_are_told_again),
		TEST(test_events_without_a_run_are_not),
		TEST(test_event_at_the_very_end),
		TEST(test_events_while_it_goes),
		TEST(test_ten_mebibytes),
		TEST(test_filled_within_one_batch_of_commands),
		TEST(test_opened_and_closed_by_one_request),
		TEST(test_condition),
		TEST(test_condition_of_another_type),
		TEST(test_keys),
		TEST(test_keys_that_fail_start_nothing),
		TEST(test_client_ids_are_not_looked_at),
		TEST(test_repeated_requests),
		TEST(test_functions_have_their_own),
		TEST(test_restart_while_open),
		TEST(test_restart_when_full),
		TEST(test_time_was_over_while_the_server_was_down),
		TEST(test_changed_size),
		TEST(test_removed_setting),
		TEST(test_removed_function),
		TEST(test_removed_app),
		TEST(test_history),
		TEST(test_other_limits_are_those_of_the_first_event),
		TEST(test_no_time_of_events_and_no_start_timeout),
		TEST(test_paused_function),
		TEST(test_singleton_by_now),
		TEST(test_several_invokes_get_the_result),
		TEST(test_invokes_of_one_answer),
		TEST(test_cancelled_batch),
		TEST(test_api_and_reruns_are_not_batched),
		TEST(test_schedules_are_not_batched),
		TEST(test_events_about_runs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
