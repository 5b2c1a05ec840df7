// Throttles: how often runs start (04 §A11, §A4, §A22.4).
#include "flow_fixture.h"

#define THROTTLE(rest) "\"throttle\":{" rest "}"
#define BY_KEY THROTTLE("\"limit\":1,\"period\":\"10s\",\"key\":\"event.data.k\"")
#define ONE THROTTLE("\"limit\":1,\"period\":\"10s\"")

static void set_up(struct fixture *f, const char *settings) {
	char function[1024];
	snprintf(function, sizeof function, FLOW("app-a", "x/a", "%s"), settings);
	fixture_register_functions(f, function);
}

static void begin_many(struct fixture *f, const char *names) {
	for (; *names != '\0'; names++) begin(f, *names, "x/a", NULL);
}

// The engine is woken at this moment, not earlier, and then these start.
static void expect_next(struct fixture *f, uint64_t after_ms, const char *calls) {
	assert_true(engine_deadline(f->engine) <= f->now + after_ms);
	fixture_tick(f, after_ms - 1);
	expect_calls("");
	fixture_tick(f, 1);
	expect_calls(calls);
}

// ---- rhythm --------------------------------------------------------------------------------------------------------

static void test_limit_at_once_and_then_one_each_interval(void **state) {
	struct fixture *f = *state;
	set_up(f, THROTTLE("\"limit\":2,\"period\":\"5s\""));
	begin_many(f, "abcde");
	expect_calls("ab");
	expect_next(f, 2500, "c");
	expect_next(f, 2500, "d");
	expect_next(f, 2500, "e");
	fixture_tick(f, 5000); // it has rested
	begin_many(f, "abc");
	expect_calls("ab");
}

static void test_burst(void **state) {
	struct fixture *f = *state;
	set_up(f, THROTTLE("\"limit\":2,\"period\":\"5s\",\"burst\":1"));
	begin_many(f, "abcd");
	expect_calls("abc");
	expect_next(f, 2500, "d");
}

static void test_limit_of_zero_is_one(void **state) {
	struct fixture *f = *state;
	set_up(f, THROTTLE("\"limit\":0,\"period\":\"5s\""));
	begin_many(f, "ab");
	expect_calls("a");
	expect_next(f, 5000, "b");
}

// Neither cut to whole seconds nor to milliseconds.
static void test_periods_are_exact(void **state) {
	struct fixture *f = *state;
	set_up(f, THROTTLE("\"limit\":1,\"period\":\"500ms\""));
	begin_many(f, "ab");
	expect_calls("a");
	expect_next(f, 500, "b");
	set_up(f, THROTTLE("\"limit\":3,\"period\":\"1s\",\"key\":\"'other'\""));
	begin_many(f, "abcde");
	expect_calls("abc");
	expect_next(f, 334, "d"); // never early
	expect_next(f, 333, "e");
}

static void test_woken_in_between_nothing_starts(void **state) {
	struct fixture *f = *state;
	set_up(f, ONE);
	begin_many(f, "abc");
	for (int i = 0; i < 9; i++) fixture_tick(f, SECOND);
	expect_calls("a");
	begin_many(f, "d");
	fixture_tick(f, SECOND);
	expect_calls("b");
}

// ---- what counts ---------------------------------------------------------------------------------------------------

static void test_only_starts_count(void **state) {
	struct fixture *f = *state;
	set_up(f, ONE);
	begin_many(f, "ab");
	answer(f, 'a', STEP("s"));
	answer(f, 'a', SLEEP("z", "2s"));
	expect_calls("aa");
	fixture_tick(f, 2 * SECOND);
	expect_calls("a");
	expect_next(f, 8 * SECOND, "b");
}

static void test_retry_of_the_first_call_does_not_count(void **state) {
	struct fixture *f = *state;
	set_up(f, ONE);
	begin_many(f, "abc");
	fails(f, 'a');
	expect_calls("a");
	fixture_tick(f, RETRY_AFTER);
	expect_calls("a");
	expect_next(f, 10 * SECOND - RETRY_AFTER, "b");
	expect_next(f, 10 * SECOND, "c");
}

static void test_cancelled_while_waiting(void **state) {
	struct fixture *f = *state;
	set_up(f, ONE);
	begin_many(f, "abc");
	cancel(f, 'b');
	expect_calls("a");
	expect_next(f, 10 * SECOND, "c"); // b has used nothing
	begin_many(f, "d");
	cancel(f, 'd');
	begin_many(f, "e");
	expect_next(f, 10 * SECOND, "e");
}

// The slot is used when the run really starts.
static void test_used_with_the_first_call(void **state) {
	struct fixture *f = *state;
	set_up(f, ONE ",\"concurrency\":1");
	begin_many(f, "abc");
	expect_calls("a");
	fixture_tick(f, 30 * SECOND);
	expect_calls("");
	done(f, 'a');
	expect_calls("b");
	done(f, 'b');
	expect_next(f, 10 * SECOND, "c"); // counted from b's start
}

static void test_start_timeout_while_waiting(void **state) {
	struct fixture *f = *state;
	set_up(f, ONE ",\"timeouts\":{\"start\":\"15s\"}");
	begin_many(f, "abcd");
	fixture_tick(f, 10 * SECOND);
	expect_calls("ab");
	fixture_tick(f, 5 * SECOND);
	expect_ends("cxdx");
}

static void test_paused_function_uses_nothing(void **state) {
	struct fixture *f = *state;
	set_up(f, ONE);
	begin_many(f, "abc");
	pause_function(f, "app-a", true);
	fixture_tick(f, 60 * SECOND);
	expect_calls("a");
	pause_function(f, "app-a", false);
	expect_calls("b");
	expect_next(f, 10 * SECOND, "c");
}

// ---- keys ----------------------------------------------------------------------------------------------------------

static void test_keys(void **state) {
	struct fixture *f = *state;
	set_up(f, BY_KEY);
	begin_key(f, 'a', "x/a", "1");
	begin_key(f, 'b', "x/a", "\"1\"");
	begin_key(f, 'c', "x/a", "2"); // is not held up by b
	expect_calls("ac");
	expect_next(f, 10 * SECOND, "b");
}

static void test_missing_and_false_keys_share(void **state) {
	struct fixture *f = *state;
	set_up(f, BY_KEY);
	begin_many(f, "a");
	begin_key(f, 'b', "x/a", "false");
	begin_key(f, 'c', "x/a", "\"false\"");
	begin_key(f, 'd', "x/a", "null");
	expect_calls("ad");
	expect_next(f, 10 * SECOND, "b");
	expect_next(f, 10 * SECOND, "c");
}

static void test_keys_that_fail_share_the_value_false(void **state) {
	struct fixture *f = *state;
	set_up(f, THROTTLE("\"limit\":1,\"period\":\"10s\",\"key\":\"event.data.k.startsWith('a')\""));
	begin_key(f, 'a', "x/a", "\"b\""); // false
	begin_key(f, 'b', "x/a", "1");
	begin_key(f, 'c', "x/a", "\"a\"");
	expect_calls("ac");
	set_up(f, THROTTLE("\"limit\":1,\"period\":\"10s\",\"key\":\"nobody.knows\""));
	expect_calls("b"); // its key is no longer there
	begin_key(f, 'd', "x/a", "1");
	begin_key(f, 'e', "x/a", "2");
	expect_calls("d");
}

static void test_functions_have_their_own(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, FLOW("app-a", "x/a", BY_KEY) "," FLOW("app-b", "x/b", BY_KEY));
	begin_key(f, 'a', "x/a", "1");
	begin_key(f, 'b', "x/b", "1");
	expect_calls("ab");
}

// ---- changes of the configuration ----------------------------------------------------------------------------------

static void test_raised_limit_counts_at_once(void **state) {
	struct fixture *f = *state;
	set_up(f, THROTTLE("\"limit\":1,\"period\":\"1h\""));
	begin_many(f, "abc");
	expect_calls("a");
	set_up(f, THROTTLE("\"limit\":1,\"period\":\"10s\"")); // nobody waits for the rest of the hour
	expect_calls("");
	expect_next(f, 10 * SECOND, "b");
	expect_next(f, 10 * SECOND, "c");
}

// The same when nobody waited at the time.
static void test_raised_limit_counts_for_later_runs(void **state) {
	struct fixture *f = *state;
	set_up(f, THROTTLE("\"limit\":1,\"period\":\"1h\""));
	begin_many(f, "a");
	set_up(f, ONE);
	begin_many(f, "b");
	expect_calls("a");
	expect_next(f, 10 * SECOND, "b");
}

static void test_lowered_limit(void **state) {
	struct fixture *f = *state;
	set_up(f, THROTTLE("\"limit\":10,\"period\":\"10s\""));
	begin_many(f, "abcde");
	expect_calls("abcde");
	set_up(f, ONE);
	begin_many(f, "g");
	fixture_tick(f, 4 * SECOND);
	expect_calls(""); // five of ten were used
	fixture_tick(f, 6 * SECOND);
	expect_calls("g");
}

static void test_removed_throttle_is_not_enforced(void **state) {
	struct fixture *f = *state;
	set_up(f, ONE);
	begin_many(f, "abc");
	expect_calls("a");
	set_up(f, NO_SETTINGS);
	expect_calls("bc");
}

static void test_changed_key_starts_afresh(void **state) {
	struct fixture *f = *state;
	set_up(f, BY_KEY);
	begin_key(f, 'a', "x/a", "1");
	begin_key(f, 'b', "x/a", "1");
	expect_calls("a");
	set_up(f, THROTTLE("\"limit\":1,\"period\":\"10s\",\"key\":\"string(event.data.k)\""));
	expect_calls("b"); // no longer throttled
	begin_key(f, 'c', "x/a", "1");
	begin_key(f, 'd', "x/a", "1");
	expect_calls("c");
	set_up(f, BY_KEY); // back: what was used is known
	begin_key(f, 'e', "x/a", "1");
	expect_calls("d");
	expect_next(f, 10 * SECOND, "e");
}

// ---- restarts, order -----------------------------------------------------------------------------------------------

static void test_restart(void **state) {
	struct fixture *f = *state;
	set_up(f, THROTTLE("\"limit\":2,\"period\":\"10s\""));
	begin_many(f, "abcde"); // in one millisecond
	done(f, 'a');
	expect_calls("ab");
	restart(f);
	expect_calls("b"); // again, which does not count
	expect_next(f, 4999, "c");
	fixture_tick(f, 1 * SECOND);
	restart(f);
	expect_calls("bc");
	expect_next(f, 3999, "d");
	f->now += 60 * SECOND; // it was down for a while
	restart(f);
	expect_calls("bcde");
}

static void test_order_of_a_key(void **state) {
	struct fixture *f = *state;
	set_up(f, BY_KEY ",\"priority\":{\"run\":\"event.data.p ? 60 : 0\"}");
	begin(f, 'a', "x/a", "{\"k\":1}");
	f->now++;
	begin(f, 'b', "x/a", "{\"k\":1}");
	f->now++;
	begin(f, 'c', "x/a", "{\"k\":1}");
	begin(f, 'd', "x/a", "{\"k\":1,\"p\":true}");
	expect_calls("a");
	fixture_tick(f, 10 * SECOND);
	fixture_tick(f, 10 * SECOND);
	fixture_tick(f, 10 * SECOND);
	expect_calls("dbc");
}

// Several keys open at the same moment; a limit of the function takes them in turn.
static void test_several_keys_open_at_once(void **state) {
	struct fixture *f = *state;
	set_up(f, BY_KEY ",\"concurrency\":4");
	for (char c = 'a'; c <= 'd'; c++) begin_key(f, c, "x/a", ((char[]){'"', c, '"', '\0'}));
	for (char c = 'p'; c <= 's'; c++) begin_key(f, c, "x/a", ((char[]){'"', (char)(c - 'p' + 'a'), '"', '\0'}));
	for (char c = 'a'; c <= 'd'; c++) done(f, c);
	expect_calls("abcd");
	fixture_tick(f, 10 * SECOND);
	expect_calls("pqrs");
}

// Times of events in the future are kept.
static void test_event_in_the_future(void **state) {
	struct fixture *f = *state;
	set_up(f, ONE);
	char event[100];
	snprintf(event, sizeof event, "{\"name\":\"x/a\",\"ts\":%llu}", (unsigned long long)f->now + 5000);
	coming("a");
	fixture_event(f, event);
	begin_many(f, "b");
	expect_calls("b");
	fixture_tick(f, 5 * SECOND);
	expect_calls("");
	fixture_tick(f, 5 * SECOND);
	expect_calls("a");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_limit_at_once_and_then_one_each_interval),
		TEST(test_burst),
		TEST(test_limit_of_zero_is_one),
		TEST(test_periods_are_exact),
		TEST(test_woken_in_between_nothing_starts),
		TEST(test_only_starts_count),
		TEST(test_retry_of_the_first_call_does_not_count),
		TEST(test_cancelled_while_waiting),
		TEST(test_used_with_the_first_call),
		TEST(test_start_timeout_while_waiting),
		TEST(test_paused_function_uses_nothing),
		TEST(test_keys),
		TEST(test_missing_and_false_keys_share),
		TEST(test_keys_that_fail_share_the_value_false),
		TEST(test_functions_have_their_own),
		TEST(test_raised_limit_counts_at_once),
		TEST(test_raised_limit_counts_for_later_runs),
		TEST(test_lowered_limit),
		TEST(test_removed_throttle_is_not_enforced),
		TEST(test_changed_key_starts_afresh),
		TEST(test_restart),
		TEST(test_order_of_a_key),
		TEST(test_several_keys_open_at_once),
		TEST(test_event_in_the_future),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
