// Limits of runs between their first call and their end (04 §A13, §A4, §A22.6).
#include "flow_fixture.h"

#define RUNS(limit) "\"concurrency\":{\"fn\":[{\"limit\":" limit "}]}"
#define RUNS_BY(key, limit) "\"concurrency\":{\"fn\":[{\"limit\":" limit ",\"key\":\"" key "\"}]}"

static void set_up(struct fixture *f, const char *settings) {
	char function[1024];
	snprintf(function, sizeof function, FLOW("app-a", "x/a", "%s"), settings);
	fixture_register_functions(f, function);
}

// Three runs of which one may be under way: a.
static void begin_three(struct fixture *f) {
	for (char c = 'a'; c <= 'c'; c++) begin(f, c, "x/a", NULL);
	expect_calls("a");
}

// ---- how long a slot is held ---------------------------------------------------------------------------------------

static void test_held_over_steps_and_sleeps(void **state) {
	struct fixture *f = *state;
	set_up(f, RUNS("1"));
	begin_three(f);
	answer(f, 'a', STEP("s"));
	expect_calls("a"); // it needs none for what comes later
	answer(f, 'a', SLEEP("z", "1h"));
	expect_calls("");
	fixture_tick(f, 3600 * SECOND);
	expect_calls("a");
	answer(f, 'a',
	       "[{\"op\":\"WaitForEvent\",\"id\":\"w\",\"name\":\"w\",\"opts\":{\"event\":\"t/a\","
	       "\"timeout\":\"1h\"}}]");
	expect_calls("");
	fixture_event(f, "{\"name\":\"t/a\"}");
	expect_calls("a");
	done(f, 'a');
	expect_calls("b");
}

static void test_released_once_by_each_end(void **state) {
	struct fixture *f = *state;
	set_up(f, RUNS("1") ",\"timeouts\":{\"finish\":\"1m\"}");
	for (char c = 'a'; c <= 'f'; c++) begin(f, c, "x/a", NULL);
	expect_calls("a");
	done(f, 'a');
	expect_calls("b");
	fails_for_good(f, 'b');
	expect_calls("c");
	cancel(f, 'c');
	expect_calls("d");
	answer(f, 'd', SLEEP("s", "1h"));
	cancel(f, 'd');
	expect_calls("e");
	answer(f, 'e', SLEEP("s", "1h"));
	fixture_tick(f, 60 * SECOND);
	expect_calls("f");
	expect_ends("a+b-cxdxex");
	done(f, 'f');
	begin_three(f);
}

static void test_retry_of_the_first_call_takes_no_second_slot(void **state) {
	struct fixture *f = *state;
	set_up(f, RUNS("1"));
	begin_three(f);
	fails(f, 'a');
	expect_calls(""); // nor does it give its own back
	fixture_tick(f, RETRY_AFTER);
	expect_calls("a");
	done(f, 'a');
	expect_calls("b");
}

static void test_cancelled_while_waiting_for_its_slot(void **state) {
	struct fixture *f = *state;
	set_up(f, RUNS("1"));
	begin_three(f);
	cancel(f, 'b');
	expect_calls("");
	done(f, 'a');
	expect_calls("c");
}

static void test_start_timeout_while_waiting(void **state) {
	struct fixture *f = *state;
	set_up(f, RUNS("1") ",\"timeouts\":{\"start\":\"10s\"}");
	begin_three(f);
	fixture_tick(f, 10 * SECOND);
	expect_ends("bxcx");
	begin(f, 'd', "x/a", NULL);
	done(f, 'a');
	expect_calls("d");
}

// ---- keys ----------------------------------------------------------------------------------------------------------

static void test_keys(void **state) {
	struct fixture *f = *state;
	set_up(f, RUNS_BY("event.data.k", "1"));
	begin_key(f, 'a', "x/a", "1");
	begin_key(f, 'b', "x/a", "\"1\"");
	begin_key(f, 'c', "x/a", "2");
	begin(f, 'd', "x/a", NULL); // missing, false and the text are one
	begin_key(f, 'e', "x/a", "false");
	begin_key(f, 'g', "x/a", "\"false\"");
	expect_calls("acd");
	done(f, 'd');
	done(f, 'e');
	expect_calls("eg");
}

// Those share a value too, which is another one.
static void test_keys_that_fail(void **state) {
	struct fixture *f = *state;
	set_up(f, RUNS_BY("event.data.k.startsWith('a')", "1"));
	begin_key(f, 'a', "x/a", "\"b\""); // false
	begin_key(f, 'b', "x/a", "1");
	begin_key(f, 'c', "x/a", "2");
	expect_calls("ab");
	done(f, 'b');
	expect_calls("c");
}

static void test_undeclared_variable(void **state) {
	struct fixture *f = *state;
	set_up(f, RUNS_BY("nobody.knows", "1"));
	begin_three(f);
}

// ---- with other limits ---------------------------------------------------------------------------------------------

static void test_with_a_limit_of_calls(void **state) {
	struct fixture *f = *state;
	set_up(f, "\"concurrency\":{\"fn\":[{\"limit\":2}],\"step\":[{\"limit\":1}]}");
	begin_three(f);
	answer(f, 'a', SLEEP("s", "10s"));
	expect_calls("b");
	answer(f, 'b', SLEEP("s", "1h"));
	expect_calls(""); // two under way
	fixture_tick(f, 10 * SECOND);
	expect_calls("a");
	done(f, 'a');
	expect_calls("c");
}

// A slot is not taken by a run that something else holds back.
static void test_taken_with_the_first_call_only(void **state) {
	struct fixture *f = *state;
	set_up(f, "\"concurrency\":{\"fn\":[{\"limit\":2,\"key\":\"event.data.k\"}],"
		  "\"step\":[{\"limit\":1,\"key\":\"event.data.j\"}]}");
	begin(f, 'a', "x/a", "{\"k\":1,\"j\":1}");
	begin(f, 'b', "x/a", "{\"k\":1,\"j\":1}");
	begin(f, 'c', "x/a", "{\"k\":1,\"j\":2}"); // the second slot of the key is free
	expect_calls("ac");
	begin(f, 'd', "x/a", "{\"k\":1,\"j\":3}");
	expect_calls("");
	answer(f, 'a', SLEEP("s", "1h")); // for b there is a call's slot now, but no run's
	expect_calls("");
	done(f, 'c');
	expect_calls("d"); // which has stood in this line for longer
	done(f, 'd');
	expect_calls("b");
}

// ---- changes of the configuration, restarts ------------------------------------------------------------------------

static void test_changed_limit_counts_at_once(void **state) {
	struct fixture *f = *state;
	set_up(f, RUNS("1"));
	begin_three(f);
	set_up(f, RUNS("2"));
	expect_calls("b");
	set_up(f, RUNS("1"));
	done(f, 'a');
	expect_calls("");
	done(f, 'b');
	expect_calls("c");
}

static void test_removed_or_changed_key_is_not_enforced(void **state) {
	struct fixture *f = *state;
	set_up(f, RUNS("1"));
	begin_three(f);
	set_up(f, RUNS_BY("event.data.k", "1"));
	expect_calls("bc");
	begin_key(f, 'd', "x/a", "1");
	begin_key(f, 'e', "x/a", "1");
	expect_calls("d");
	set_up(f, NO_SETTINGS);
	expect_calls("e");
	set_up(f, RUNS("1")); // a, b and c were counted all the while
	begin(f, 'g', "x/a", NULL);
	expect_calls("");
	done(f, 'a');
	done(f, 'b');
	expect_calls("");
	done(f, 'c');
	expect_calls("g");
}

static void test_held_over_restarts(void **state) {
	struct fixture *f = *state;
	set_up(f, RUNS("2"));
	for (char c = 'a'; c <= 'e'; c++) begin(f, c, "x/a", NULL);
	answer(f, 'a', SLEEP("s", "10s"));
	expect_calls("ab");
	restart(f);
	expect_calls("b"); // a sleeps, and holds its slot
	fixture_tick(f, 10 * SECOND);
	expect_calls("a");
	restart(f);
	expect_calls_of("ab");
	done(f, 'b');
	expect_calls("c");
	fails(f, 'c');
	restart(f);
	expect_calls("a");
	cancel(f, 'c');
	expect_calls("d");
	done(f, 'a');
	expect_calls("e");
}

static void test_rerun_needs_a_slot(void **state) {
	struct fixture *f = *state;
	set_up(f, RUNS("1"));
	begin(f, 'a', "x/a", NULL);
	coming("b");
	expect_reply(ask(f, "app-a", "{\"name\":\"x/a\"}", false), 200, "");
	expect_calls("a");
	done(f, 'a');
	expect_calls("b");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_held_over_steps_and_sleeps),
		TEST(test_released_once_by_each_end),
		TEST(test_retry_of_the_first_call_takes_no_second_slot),
		TEST(test_cancelled_while_waiting_for_its_slot),
		TEST(test_start_timeout_while_waiting),
		TEST(test_keys),
		TEST(test_keys_that_fail),
		TEST(test_undeclared_variable),
		TEST(test_with_a_limit_of_calls),
		TEST(test_taken_with_the_first_call_only),
		TEST(test_changed_limit_counts_at_once),
		TEST(test_removed_or_changed_key_is_not_enforced),
		TEST(test_held_over_restarts),
		TEST(test_rerun_needs_a_slot),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
