// Debounces: which event runs, when, and what becomes of the others (04 §A7, §A4, §A21).
#include "flow_fixture.h"

#define DEBOUNCE(rest) "\"debounce\":{\"period\":\"10s\"" rest "}"
#define BY_KEY DEBOUNCE(",\"key\":\"event.data.k\"")

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

// The run begins after this time, not earlier, with these events.
static void expect_run(struct fixture *f, char name, uint64_t after_ms, const char *numbers) {
	coming((char[]){name, '\0'});
	assert_true(engine_deadline(f->engine) <= f->now + after_ms);
	pass(f, after_ms - 1);
	expect_calls("");
	pass(f, 1);
	expect_calls(((char[]){name, '\0'}));
	expect_events(f, name, numbers);
}

// ---- time ----------------------------------------------------------------------------------------------------------

static void test_latest_event_after_silence(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(""));
	for (int n = 1; n <= 3; n++) {
		number(f, n);
		expect_calls("");
		pass(f, 9 * SECOND);
	}
	expect_run(f, 'a', SECOND, "3");
	expect_outcomes("Debounced Debounced");
	number(f, 4); // opens another one
	expect_run(f, 'b', 10 * SECOND, "4");
}

// It may have been removed while it waited for so long.
static void test_event_is_told_again(void **state) {
	struct fixture *f = *state;
	set_up(f, "\"debounce\":{\"period\":\"2h\"}");
	number(f, 1);
	struct ulid event = fixture_history(f, HISTORY_EVENT, 0)->event.internal_id;
	coming("a");
	fixture_tick(f, 7200 * SECOND);
	fixture_settle(f);
	expect_calls("a");
	assert_int_equal(fixture_histories(f, HISTORY_EVENT_AGAIN), 1);
	const struct history_item *again = fixture_history(f, HISTORY_EVENT_AGAIN, 0);
	assert_true(ulid_cmp(&again->event.internal_id, &event) == 0);
	assert_true(str_eq_cstr(again->event.data, "{\"n\":1}"));
	set_up(f, DEBOUNCE(""));
	number(f, 2);
	coming("b");
	fixture_tick(f, 10 * SECOND);
	fixture_settle(f);
	expect_calls("b");
	assert_int_equal(fixture_histories(f, HISTORY_EVENT_AGAIN), 0);
}

// Without a run, which takes it along when it goes, nothing would ever take it.
static void test_event_without_a_run_is_not(void **state) {
	struct fixture *f = *state;
	set_up(f, "\"debounce\":{\"period\":\"2h\"}");
	number(f, 1);
	pause_function(f, "app-a", true);
	pass(f, 7200 * SECOND);
	assert_int_equal(fixture_histories(f, HISTORY_EVENT_AGAIN), 0);
	expect_outcomes("Skipped:FunctionPaused");
}

static void test_outcome_names_the_winner(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(""));
	number(f, 1);
	struct ulid first = fixture_history(f, HISTORY_EVENT, 0)->event.internal_id;
	number(f, 2);
	struct ulid second = fixture_history(f, HISTORY_EVENT, 0)->event.internal_id;
	const struct history_item *outcome = fixture_history(f, HISTORY_OUTCOME, 0);
	assert_true(ulid_cmp(&outcome->outcome.event_id, &first) == 0);
	assert_true(ulid_cmp(&outcome->outcome.other_id, &second) == 0);
	coming("a");
	f->now += 10 * SECOND;
	fixture_settle(f);
	expect_calls("a");
	assert_int_equal(fixture_histories(f, HISTORY_EVENT), 0); // it has been stored before
	assert_true(ulid_cmp(&fixture_history(f, HISTORY_RUN, 0)->run.event_id, &second) == 0);
}

static void test_timeout(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(",\"timeout\":\"25s\""));
	number(f, 1);
	pass(f, 9 * SECOND);
	number(f, 2);
	pass(f, 9 * SECOND);
	number(f, 3); // 28 s would be its end
	expect_run(f, 'a', 7 * SECOND, "3");
}

static void test_timeout_shorter_than_the_period(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(",\"timeout\":\"2500ms\""));
	number(f, 1);
	expect_run(f, 'a', 2500, "1");
}

static void test_periods_are_exact(void **state) {
	struct fixture *f = *state;
	set_up(f, "\"debounce\":{\"period\":\"1500ms\"}");
	number(f, 1);
	expect_run(f, 'a', 1500, "1");
}

// The window is open until it fires, and it is over when its time is, although nothing has woken it.
static void test_event_at_the_very_end(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(""));
	number(f, 1);
	f->now += 10 * SECOND - 1;
	number(f, 2);
	f->now += 10 * SECOND;
	coming("a");
	number(f, 3);
	fixture_settle(f);
	expect_calls("a");
	expect_events(f, 'a', "2");
	expect_run(f, 'b', 10 * SECOND, "3");
}

// It fires while what was stored is on its way from the store: the next event begins anew.
static void test_event_while_it_fires(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(""));
	number(f, 1);
	fixture_tick(f, 10 * SECOND);
	assert_int_equal(f->batch->load_count, 1);
	struct event_load load = f->batch->loads[0];
	number(f, 2);
	expect_calls("");
	coming("a");
	fixture_load(f, &load);
	expect_calls("a");
	expect_events(f, 'a', "1");
	fixture_load(f, &load); // a second time means nothing
	expect_calls("");
	expect_run(f, 'b', 10 * SECOND, "2");
}

// ---- which event ---------------------------------------------------------------------------------------------------

static void test_older_event_is_discarded(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(""));
	number(f, 1);
	char event[100];
	pass(f, 5 * SECOND);
	snprintf(event, sizeof event, "{\"name\":\"x/a\",\"ts\":%llu,\"data\":{\"n\":2}}", (unsigned long long)T0 - 1);
	fixture_event(f, event);
	expect_outcomes("Debounced");
	snprintf(event, sizeof event, "{\"name\":\"x/a\",\"ts\":%llu,\"data\":{\"n\":3}}", (unsigned long long)T0);
	pass(f, 2 * SECOND);
	fixture_event(f, event); // as old as the stored one: takes its place
	expect_run(f, 'a', 10 * SECOND, "3");
}

// By client ids nothing is repeated; the very same event twice is one.
static void test_ids(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(""));
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"one\",\"data\":{\"n\":1}}");
	expect_run(f, 'a', 10 * SECOND, "1");
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"one\",\"data\":{\"n\":2}}");
	expect_run(f, 'b', 10 * SECOND, "2");
}

static void test_event_in_the_future(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(""));
	char event[100];
	snprintf(event, sizeof event, "{\"name\":\"x/a\",\"ts\":%llu}", (unsigned long long)f->now + 60000);
	fixture_event(f, event);
	coming("a");
	pass(f, 10 * SECOND);
	expect_calls("");
	pass(f, 50 * SECOND);
	expect_calls("a");
}

// ---- keys ----------------------------------------------------------------------------------------------------------

static void test_keys(void **state) {
	struct fixture *f = *state;
	set_up(f, BY_KEY);
	send(f, "x/a", "{\"n\":1,\"k\":1}");
	send(f, "x/a", "{\"n\":2,\"k\":\"1\"}");
	send(f, "x/a", "{\"n\":3,\"k\":2}");
	send(f, "x/a", "{\"n\":4}");
	send(f, "x/a", "{\"n\":5,\"k\":false}");
	send(f, "x/a", "{\"n\":6,\"k\":\"false\"}");
	send(f, "x/a", "{\"n\":7,\"k\":null}");
	expect_outcomes("Debounced Debounced Debounced");
	coming("abcd");
	pass(f, 10 * SECOND);
	expect_calls("abcd");
	expect_events(f, 'a', "2");
	expect_events(f, 'b', "3");
	expect_events(f, 'c', "6");
	expect_events(f, 'd', "7");
}

// One shared key, which is no value of others.
static void test_keys_that_fail(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(",\"key\":\"event.data.k.startsWith('a')\""));
	send(f, "x/a", "{\"n\":1,\"k\":\"b\"}");
	send(f, "x/a", "{\"n\":2,\"k\":1}");
	send(f, "x/a", "{\"n\":3,\"k\":2}");
	expect_outcomes("Debounced");
	coming("ab");
	pass(f, 10 * SECOND);
	expect_calls("ab");
	expect_events(f, 'a', "1");
	expect_events(f, 'b', "3");
}

static void test_empty_key_is_none(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(",\"key\":\"\""));
	send(f, "x/a", "{\"n\":1,\"k\":1}");
	send(f, "x/a", "{\"n\":2,\"k\":2}");
	expect_run(f, 'a', 10 * SECOND, "2");
}

static void test_functions_have_their_own(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, FLOW("app-a", "x/a", DEBOUNCE("")) "," FLOW("app-b", "x/a", DEBOUNCE("")));
	number(f, 1);
	expect_outcomes("");
	coming("ab");
	pass(f, 10 * SECOND);
	expect_calls("ab");
}

// ---- restarts, changes ---------------------------------------------------------------------------------------------

static void test_restart_while_open(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(",\"timeout\":\"15s\""));
	number(f, 1);
	pass(f, 5 * SECOND);
	restart(f);
	number(f, 2);
	restart(f);
	expect_outcomes("Debounced");
	expect_run(f, 'a', 10 * SECOND - 2, "2"); // by the timeout, from the first
}

static void test_restart_while_it_fires(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(""));
	number(f, 1);
	fixture_tick(f, 10 * SECOND);
	restart(f);
	coming("a");
	fixture_settle(f);
	expect_calls("a");
	expect_events(f, 'a', "1");
	done(f, 'a');
	restart(f);
	fixture_settle(f);
	expect_calls("");
}

static void test_time_was_over_while_the_server_was_down(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(""));
	number(f, 1);
	f->now += 60 * SECOND;
	restart(f);
	coming("a");
	fixture_settle(f);
	expect_calls("a");
}

static void test_removed_setting(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(""));
	number(f, 1);
	set_up(f, NO_SETTINGS);
	coming("a");
	number(f, 2); // starts at once
	expect_calls("a");
	expect_run(f, 'b', 10 * SECOND, "1");
}

static void test_removed_function(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(""));
	begin(f, 'o', "x/go", NULL);
	answer(f, 'o', "[" INVOKE("i", "app-a", "{}") "]");
	expect_calls("o");
	fixture_register_functions(f, OUTER);
	pass(f, 10 * SECOND);
	expect_outcomes("Dropped:FunctionRemoved");
	expect_calls("o"); // who invoked it learns that
	expect_memo(f, "i", "\"error\":{");
}

// ---- its run -------------------------------------------------------------------------------------------------------

static void test_other_limits_apply_to_the_run(void **state) {
	struct fixture *f = *state;
	set_up(f, BY_KEY ",\"concurrency\":1,\"throttle\":{\"limit\":1,\"period\":\"1m\"}");
	send(f, "x/a", "{\"k\":1}");
	send(f, "x/a", "{\"k\":2}");
	coming("ab");
	pass(f, 10 * SECOND);
	expect_calls("a");
	done(f, 'a');
	expect_calls("");
	fixture_tick(f, 60 * SECOND);
	expect_calls("b");
}

// The reference keeps its timer in the function's queue; ours does not wait for a slot to fire.
static void test_firing_needs_no_slot(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE("") ",\"concurrency\":1");
	number(f, 1);
	coming("ab");
	pass(f, 10 * SECOND);
	number(f, 2);
	pass(f, 10 * SECOND);
	assert_int_equal(fixture_runs(f), 2);
	expect_calls("a");
}

static void test_singleton_applies_to_the_run(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE("") ",\"singleton\":{\"mode\":\"skip\"}");
	number(f, 1);
	coming("a");
	pass(f, 10 * SECOND);
	number(f, 2);
	expect_outcomes("");
	pass(f, 10 * SECOND);
	expect_outcomes("Skipped:Singleton");
	expect_calls("a");
}

static void test_paused_function(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(""));
	number(f, 1);
	pause_function(f, "app-a", true);
	pass(f, 10 * SECOND);
	expect_outcomes("Skipped:FunctionPaused");
	assert_int_equal(fixture_runs(f), 0);
	restart(f);
	fixture_settle(f);
	expect_outcomes("");
}

// ---- who is debounced ----------------------------------------------------------------------------------------------

static void test_invoke_that_wins(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(""));
	begin(f, 'o', "x/go", NULL);
	answer(f, 'o', "[" INVOKE("i", "app-a", "{}") "]");
	restart(f);
	coming("a");
	pass(f, 10 * SECOND);
	expect_calls("oa");
	done(f, 'a');
	expect_calls("o");
	expect_memo(f, "i", "{\"data\":1}");
}

static void test_invoke_that_loses_fails_at_once(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(""));
	begin(f, 'o', "x/go", NULL);
	answer(f, 'o', "[" INVOKE("i", "app-a", "{}") "]");
	number(f, 1);
	expect_calls("oo");
	expect_memo(f, "i", "debounced");
	expect_outcomes("Debounced");
	expect_run(f, 'a', 10 * SECOND, "1");
}

// Both are of one answer; and one that is too old is told at once, too.
static void test_two_invokes(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(""));
	begin(f, 'o', "x/go", NULL);
	coming("a");
	answer(f, 'o', "[" INVOKE("i", "app-a", "{}") "," INVOKE("j", "app-a", "{}") "]");
	expect_outcomes("Debounced");
	pass(f, 10 * SECOND);
	expect_calls("oa");
	done(f, 'a');
	expect_calls("o");
	expect_memo(f, "i", "debounced");
	expect_memo(f, "j", "{\"data\":1}");
}

static void test_invoke_that_is_older(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(""));
	char event[100];
	snprintf(event, sizeof event, "{\"name\":\"x/a\",\"ts\":%llu}", (unsigned long long)f->now + 1000);
	fixture_event(f, event);
	begin(f, 'o', "x/go", NULL);
	answer(f, 'o', "[" INVOKE("i", "app-a", "{}") "]");
	expect_calls("oo");
	expect_memo(f, "i", "debounced");
}

static void test_invoke_that_is_skipped_in_the_end(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(""));
	begin(f, 'o', "x/go", NULL);
	answer(f, 'o', "[" INVOKE("i", "app-a", "{}") "]");
	pause_function(f, "app-a", true);
	pass(f, 10 * SECOND);
	expect_calls("oo");
	expect_memo(f, "i", "skipped");
}

static void test_api(void **state) {
	struct fixture *f = *state;
	set_up(f, DEBOUNCE(""));
	expect_reply(ask(f, "app-a", "{\"name\":\"x/i\",\"data\":{\"n\":1}}", true), 422, "function_debounced");
	assert_int_equal(fixture_histories(f, HISTORY_EVENT), 1);
	expect_run(f, 'a', 10 * SECOND, "1"); // it runs all the same
	coming("b");
	expect_reply(ask(f, "app-a", "{\"name\":\"x/a\"}", false), 200, ""); // a rerun, at once
	expect_calls("b");
}

static void test_schedule(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f,
				   FIXTURE_FUNCTION("app-c", "\"triggers\":[{\"cron\":\"* * * * *\"}]," DEBOUNCE("")));
	fixture_tick(f, 60 * SECOND);
	expect_calls("");
	coming("a");
	restart(f);
	pass(f, 10 * SECOND);
	expect_calls("a");
	fixture_tick(f, 50 * SECOND);
	coming("b");
	f->now += 10 * SECOND;
	fixture_tick(f, 0);
	struct event_load load = f->batch->loads[0];
	fixture_load(f, &load);
	assert_true(str_eq(fixture_history(f, HISTORY_RUN, 0)->run.cron, STR("* * * * *")));
	expect_outcomes("");
}

// What the engine itself tells of can be debounced as well, with its data from the store.
static void test_event_about_a_run(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(
		f, OUTER
		"," FIXTURE_FUNCTION("app-h", "\"triggers\":[{\"event\":\"inngest/function.failed\"}],"
					      "\"debounce\":{\"period\":\"10s\",\"key\":\"event.data.function_id\"}"));
	begin(f, 'o', "x/go", "{\"n\":5}");
	answer(f, 'o', SLEEP("s", "1h"));
	fixture_tick(f, 3600 * SECOND);
	f->without_events_of_failures = true;
	fails_for_good(f, 'o');
	fixture_settle(f);
	restart(f);
	coming("h");
	pass(f, 10 * SECOND);
	expect_calls("ooh");
	struct payload *body = NULL;
	struct error error;
	assert_int_equal(store_body(f->store, RECORD_RUN, str_make(flow.ids['h'].bytes, 16), &body, &error), ERR_OK);
	assert_true(str_find_str(payload_str(body), STR("\"data\":{\"n\":5}")) >= 0);
	payload_unref(body);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_latest_event_after_silence),
		TEST(test_event_is_told_again),
		TEST(test_event_without_a_run_is_not),
		TEST(test_outcome_names_the_winner),
		TEST(test_timeout),
		TEST(test_timeout_shorter_than_the_period),
		TEST(test_periods_are_exact),
		TEST(test_event_at_the_very_end),
		TEST(test_event_while_it_fires),
		TEST(test_older_event_is_discarded),
		TEST(test_ids),
		TEST(test_event_in_the_future),
		TEST(test_keys),
		TEST(test_keys_that_fail),
		TEST(test_empty_key_is_none),
		TEST(test_functions_have_their_own),
		TEST(test_restart_while_open),
		TEST(test_restart_while_it_fires),
		TEST(test_time_was_over_while_the_server_was_down),
		TEST(test_removed_setting),
		TEST(test_removed_function),
		TEST(test_other_limits_apply_to_the_run),
		TEST(test_firing_needs_no_slot),
		TEST(test_singleton_applies_to_the_run),
		TEST(test_paused_function),
		TEST(test_invoke_that_wins),
		TEST(test_invoke_that_loses_fails_at_once),
		TEST(test_two_invokes),
		TEST(test_invoke_that_is_older),
		TEST(test_invoke_that_is_skipped_in_the_end),
		TEST(test_api),
		TEST(test_schedule),
		TEST(test_event_about_a_run),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
