// Rate limits: which events start a run, and that nothing is lost without a trace (04 §A6, §A4, §A5, §A21).
#include "flow_fixture.h"

#define RATE(rest) "\"rateLimit\":{" rest "}"
#define ONE RATE("\"limit\":1,\"period\":\"10s\"")
#define BY_KEY RATE("\"limit\":1,\"period\":\"10s\",\"key\":\"event.data.k\"")

static void set_up(struct fixture *f, const char *settings) {
	char functions[2048];
	snprintf(functions, sizeof functions, OUTER "," FLOW("app-a", "x/a", "%s"), settings);
	fixture_register_functions(f, functions);
}

// How many of so many events begin a run.
static unsigned accepted(struct fixture *f, unsigned events, const char *data) {
	unsigned runs = 0;
	for (unsigned i = 0; i < events; i++) {
		send(f, "x/a", data);
		runs += fixture_histories(f, HISTORY_RUN);
		assert_int_equal(fixture_histories(f, HISTORY_EVENT), 1);
	}
	flow.outcomes[0] = flow.calls[0] = '\0';
	return runs;
}

// ---- rhythm --------------------------------------------------------------------------------------------------------

static void test_two_in_ten_seconds(void **state) {
	struct fixture *f = *state;
	set_up(f, RATE("\"limit\":2,\"period\":\"10s\""));
	assert_int_equal(accepted(f, 3, NULL), 1); // no window
	f->now += 4999;
	assert_int_equal(accepted(f, 1, NULL), 0);
	f->now += 1;
	assert_int_equal(accepted(f, 2, NULL), 1);
}

static void test_twenty_in_ten_seconds(void **state) {
	struct fixture *f = *state;
	set_up(f, RATE("\"limit\":20,\"period\":\"10s\""));
	assert_int_equal(accepted(f, 5, NULL), 3);
	for (int i = 0; i < 4; i++) {
		f->now += 499;
		assert_int_equal(accepted(f, 1, NULL), 0);
		f->now += 1;
		assert_int_equal(accepted(f, 2, NULL), 1);
	}
	f->now += 60 * SECOND;
	assert_int_equal(accepted(f, 5, NULL), 3);
}

static void test_periods_are_exact(void **state) {
	struct fixture *f = *state;
	set_up(f, RATE("\"limit\":1,\"period\":\"500ms\""));
	assert_int_equal(accepted(f, 2, NULL), 1);
	f->now += 499;
	assert_int_equal(accepted(f, 1, NULL), 0);
	f->now += 1;
	assert_int_equal(accepted(f, 1, NULL), 1);
	set_up(f, RATE("\"limit\":1,\"period\":\"1500ms\",\"key\":\"'other'\""));
	assert_int_equal(accepted(f, 1, NULL), 1);
	f->now += 1499;
	assert_int_equal(accepted(f, 1, NULL), 0);
	f->now += 1;
	assert_int_equal(accepted(f, 1, NULL), 1);
}

// Denied events use nothing.
static void test_denials_do_not_count(void **state) {
	struct fixture *f = *state;
	set_up(f, ONE);
	assert_int_equal(accepted(f, 1, NULL), 1);
	for (int i = 0; i < 9; i++) {
		f->now += SECOND;
		assert_int_equal(accepted(f, 1, NULL), 0);
	}
	f->now += SECOND;
	assert_int_equal(accepted(f, 1, NULL), 1);
}

static void test_outcome(void **state) {
	struct fixture *f = *state;
	set_up(f, ONE);
	send(f, "x/a", NULL);
	expect_outcomes("");
	send(f, "x/a", NULL);
	const struct history_item *outcome = fixture_history(f, HISTORY_OUTCOME, 0);
	struct ulid event_id = fixture_history(f, HISTORY_EVENT, 0)->event.internal_id;
	assert_true(ulid_cmp(&outcome->outcome.event_id, &event_id) == 0);
	expect_outcomes("RateLimited");
	assert_int_equal(fixture_runs(f), 1);
}

// ---- keys ----------------------------------------------------------------------------------------------------------

static void test_keys(void **state) {
	struct fixture *f = *state;
	set_up(f, BY_KEY);
	assert_int_equal(accepted(f, 2, "{\"k\":1}"), 1);
	assert_int_equal(accepted(f, 1, "{\"k\":\"1\"}"), 0);
	assert_int_equal(accepted(f, 2, "{\"k\":2}"), 1);
	assert_int_equal(accepted(f, 2, "{\"k\":null}"), 1);
	assert_int_equal(accepted(f, 2, "{\"k\":true}"), 1);
	assert_int_equal(accepted(f, 2, "{\"k\":\"false\"}"), 1); // text
}

static void test_missing_and_false_keys_are_not_limited(void **state) {
	struct fixture *f = *state;
	set_up(f, BY_KEY);
	assert_int_equal(accepted(f, 3, NULL), 3);
	assert_int_equal(accepted(f, 3, "{}"), 3);
	assert_int_equal(accepted(f, 3, "{\"k\":false}"), 3);
}

static void test_keys_that_fail_start_nothing(void **state) {
	struct fixture *f = *state;
	set_up(f, RATE("\"limit\":1,\"period\":\"10s\",\"key\":\"event.data.k.startsWith('a')\""));
	for (unsigned i = 0; i < 2; i++) {
		send(f, "x/a", "{\"k\":1}");
		assert_int_equal(f->batch->complaint_count, i == 0); // said once
		expect_outcomes("Dropped:ExpressionFailed");
	}
	assert_int_equal(fixture_runs(f), 0);
	assert_int_equal(accepted(f, 2, "{\"k\":\"a\"}"), 1);
}

static void test_functions_have_their_own(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, FLOW("app-a", "x/a", ONE) "," FLOW("app-b", "x/a", ONE));
	assert_int_equal(accepted(f, 2, NULL), 2);
}

// ---- changes, restarts ---------------------------------------------------------------------------------------------

static void test_new_limit_or_period_keeps_what_was_used(void **state) {
	struct fixture *f = *state;
	set_up(f, RATE("\"limit\":1,\"period\":\"10s\",\"key\":\"event.data.k\""));
	assert_int_equal(accepted(f, 2, "{\"k\":1}"), 1);
	set_up(f, RATE("\"limit\":2,\"period\":\"40s\",\"key\":\"event.data.k\""));
	assert_int_equal(accepted(f, 1, "{\"k\":1}"), 0);
	set_up(f, RATE("\"limit\":1,\"period\":\"2s\",\"key\":\"event.data.k\""));
	assert_int_equal(accepted(f, 1, "{\"k\":1}"), 0);
	f->now += 2 * SECOND;
	assert_int_equal(accepted(f, 1, "{\"k\":1}"), 1); // but it is no more than the new limit is
}

static void test_new_key_starts_afresh(void **state) {
	struct fixture *f = *state;
	set_up(f, BY_KEY);
	assert_int_equal(accepted(f, 2, "{\"k\":\"1\"}"), 1);
	set_up(f, RATE("\"limit\":1,\"period\":\"10s\",\"key\":\"string(event.data.k)\""));
	assert_int_equal(accepted(f, 2, "{\"k\":\"1\"}"), 1);
	set_up(f, ONE);
	assert_int_equal(accepted(f, 2, "{\"k\":\"1\"}"), 1);
	set_up(f, NO_SETTINGS);
	assert_int_equal(accepted(f, 2, "{\"k\":\"1\"}"), 2);
}

static void test_restart(void **state) {
	struct fixture *f = *state;
	set_up(f, BY_KEY);
	assert_int_equal(accepted(f, 2, "{\"k\":1}"), 1);
	restart(f);
	assert_int_equal(accepted(f, 2, "{\"k\":1}"), 0);
	f->now += 10 * SECOND - 2;
	restart(f);
	f->now -= 1; // a moment before
	assert_int_equal(accepted(f, 1, "{\"k\":1}"), 0);
	f->now += 1;
	assert_int_equal(accepted(f, 2, "{\"k\":1}"), 1);
	f->now += 60 * SECOND;
	fixture_tick(f, 0); // forgets it
	restart(f);
	assert_int_equal(accepted(f, 2, "{\"k\":1}"), 1);
}

// ---- who is limited ------------------------------------------------------------------------------------------------

static void test_duplicates_do_not_count(void **state) {
	struct fixture *f = *state;
	set_up(f, RATE("\"limit\":10,\"period\":\"10s\"")); // two at once
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"one\"}");
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"one\"}");
	expect_outcomes("Duplicate");
	assert_int_equal(accepted(f, 2, NULL), 1);
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"one\"}");
	expect_outcomes("Duplicate"); // not a limited one
}

static void test_invoke_fails_at_once(void **state) {
	struct fixture *f = *state;
	set_up(f, ONE);
	assert_int_equal(accepted(f, 1, NULL), 1);
	begin(f, 'o', "x/go", NULL);
	answer(f, 'o', "[" INVOKE("i", "app-a", "{}") "]");
	expect_calls("oo");
	expect_memo(f, "i", "invoked function is rate limited");
	expect_outcomes("RateLimited");
}

static void test_api(void **state) {
	struct fixture *f = *state;
	set_up(f, ONE);
	expect_reply(ask(f, "app-a", "{\"name\":\"x/i\"}", true), 200, "");
	expect_reply(ask(f, "app-a", "{\"name\":\"x/i\"}", true), 422, "rate_limited");
	assert_int_equal(fixture_histories(f, HISTORY_EVENT), 1);
	expect_outcomes("RateLimited");
	expect_reply(ask(f, "app-a", "{\"name\":\"x/a\"}", false), 200, ""); // a rerun passes
	f->now += 10 * SECOND;
	expect_reply(ask(f, "app-a", "{\"name\":\"x/a\"}", false), 200, ""); // and uses nothing
	assert_int_equal(accepted(f, 2, NULL), 1);
}

// It stands for one run in 24 hours, and takes the place of a rate limit.
static void test_idempotency_expression(void **state) {
	struct fixture *f = *state;
	set_up(f, RATE("\"limit\":100,\"period\":\"10s\"") ",\"idempotency\":\"event.data.k\"");
	assert_int_equal(accepted(f, 3, "{\"k\":1}"), 1);
	assert_int_equal(accepted(f, 3, "{\"k\":2}"), 1);
	assert_int_equal(accepted(f, 3, "{}"), 3);
	send(f, "x/a", "{\"k\":1}");
	expect_outcomes("RateLimited");
	f->now += 86400 * SECOND - 2;
	restart(f);
	assert_int_equal(accepted(f, 1, "{\"k\":1}"), 0);
	f->now += 1;
	assert_int_equal(accepted(f, 2, "{\"k\":1}"), 1);
}

static void test_schedule(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, FIXTURE_FUNCTION("app-c", "\"triggers\":[{\"cron\":\"* * * * *\"}]," RATE(
									"\"limit\":1,\"period\":\"90s\"")));
	coming("abc");
	for (int i = 0; i < 5; i++) fixture_tick(f, 60 * SECOND);
	expect_calls("abc"); // every other tick, and the next is not put off
	expect_outcomes("RateLimited RateLimited");
	assert_int_equal(engine_deadline(f->engine) <= f->now + 60 * SECOND, true);
}

// ---- with other settings -------------------------------------------------------------------------------------------

static void test_batched_events_are_not_limited(void **state) {
	struct fixture *f = *state;
	set_up(f, ONE ",\"batchEvents\":{\"maxSize\":2,\"timeout\":\"1m\",\"if\":\"event.data.k == 1\"}");
	coming("ab");
	for (int i = 0; i < 4; i++) {
		send(f, "x/a", "{\"k\":1}");
		fixture_settle(f);
	}
	expect_calls("ab");
	assert_int_equal(accepted(f, 2, "{\"k\":2}"), 1); // those that fail the condition are
}

static void test_limited_before_the_debounce(void **state) {
	struct fixture *f = *state;
	set_up(f, ONE ",\"debounce\":{\"period\":\"2s\"}");
	coming("a");
	send(f, "x/a", "{\"n\":1}");
	f->now += SECOND;
	send(f, "x/a", "{\"n\":2}");
	expect_outcomes("RateLimited"); // and so the window is not extended
	fixture_tick(f, SECOND);
	fixture_settle(f);
	expect_calls("a");
	expect_events(f, 'a', "1");
	expect_outcomes("");
}

// The same event again within five minutes is admitted and does not count again (04 §A5).
static void test_memory_of_admissions_with_a_debounce(void **state) {
	struct fixture *f = *state;
	set_up(f, RATE("\"limit\":1,\"period\":\"1h\"") ",\"debounce\":{\"period\":\"10s\"}");
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"one\",\"data\":{\"n\":1}}");
	f->now += 5 * SECOND;
	restart(f);
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"one\",\"data\":{\"n\":1}}");
	expect_outcomes("Debounced"); // itself, by itself
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"two\"}");
	expect_outcomes("RateLimited");
	coming("a");
	fixture_tick(f, 10 * SECOND);
	fixture_settle(f);
	expect_calls("a");
	f->now += RATE_MEMORY_MS;
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"one\"}");
	expect_outcomes("RateLimited");
}

// What is skipped has used its share: the same event again has, too.
static void test_memory_of_admissions_with_a_singleton(void **state) {
	struct fixture *f = *state;
	set_up(f, RATE("\"limit\":10,\"period\":\"10h\"") ",\"singleton\":{\"mode\":\"skip\"}");
	begin(f, 'a', "x/a", NULL);
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"one\"}");
	expect_outcomes("Skipped:Singleton");
	done(f, 'a');
	coming("b");
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"one\"}");
	expect_outcomes("");
	expect_calls("ab");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_two_in_ten_seconds),
		TEST(test_twenty_in_ten_seconds),
		TEST(test_periods_are_exact),
		TEST(test_denials_do_not_count),
		TEST(test_outcome),
		TEST(test_keys),
		TEST(test_missing_and_false_keys_are_not_limited),
		TEST(test_keys_that_fail_start_nothing),
		TEST(test_functions_have_their_own),
		TEST(test_new_limit_or_period_keeps_what_was_used),
		TEST(test_new_key_starts_afresh),
		TEST(test_restart),
		TEST(test_duplicates_do_not_count),
		TEST(test_invoke_fails_at_once),
		TEST(test_api),
		TEST(test_idempotency_expression),
		TEST(test_schedule),
		TEST(test_batched_events_are_not_limited),
		TEST(test_limited_before_the_debounce),
		TEST(test_memory_of_admissions_with_a_debounce),
		TEST(test_memory_of_admissions_with_a_singleton),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
