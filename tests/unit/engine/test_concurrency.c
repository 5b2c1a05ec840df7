// Limits of calls at once: what counts, who shares, who goes next (04 §A4, §A12, §A14, §A15, §A19, §A22).
#include "flow_fixture.h"

#define LIMIT(settings) "\"concurrency\":" settings
#define KEYED(key, limit) "{\"key\":\"" key "\",\"limit\":" limit "}"
#define SHARED(key, limit, scope) "{\"key\":\"" key "\",\"limit\":" limit ",\"scope\":\"" scope "\"}"
#define BY_KEY(limit) LIMIT("[" KEYED("event.data.k", limit) "]")

static void set_up(struct fixture *f, const char *functions) {
	fixture_register_functions(f, functions);
}

// ---- of a function -------------------------------------------------------------------------------------------------

static void test_limit_of_a_function(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("2")));
	for (char c = 'a'; c <= 'd'; c++) begin(f, c, "x/a", NULL);
	expect_calls("ab");
	done(f, 'b');
	expect_calls("c");
	fails_for_good(f, 'a');
	expect_calls("d");
}

static void test_smallest_of_two_without_key(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("[{\"limit\":3},{\"limit\":1}]")));
	for (char c = 'a'; c <= 'c'; c++) begin(f, c, "x/a", NULL);
	expect_calls("a");
}

static void test_limit_of_zero_is_none(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("[{\"limit\":0}," KEYED("event.data.k", "0") "]")));
	for (char c = 'a'; c <= 'e'; c++) begin(f, c, "x/a", NULL);
	expect_calls("abcde");
}

static void test_each_parallel_step_counts(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("1")));
	begin(f, 'a', "x/a", NULL);
	answer(f, 'a', PLAN("s", "t"));
	expect_calls("aa"); // the first call, then one of both
	answer(f, 'a', STEP("s"));
	expect_calls("a");
	answer(f, 'a', STEP("t"));
	expect_calls("a");
}

// ---- keys ----------------------------------------------------------------------------------------------------------

static void test_limit_of_a_key(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", BY_KEY("1")));
	begin_key(f, 'a', "x/a", "\"one\"");
	begin_key(f, 'b', "x/a", "\"one\"");
	begin_key(f, 'c', "x/a", "\"two\""); // is not held up by b
	expect_calls("ac");
	done(f, 'c');
	expect_calls("");
	done(f, 'a');
	expect_calls("b");
}

static void test_missing_and_false_keys_share(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", BY_KEY("1")));
	begin(f, 'a', "x/a", NULL);
	begin(f, 'b', "x/a", "{}");
	begin_key(f, 'c', "x/a", "false");
	begin_key(f, 'd', "x/a", "\"false\"");
	begin_key(f, 'e', "x/a", "null"); // a key of its own
	expect_calls("ae");
	for (const char *next = "abc"; *next != '\0'; next++) {
		done(f, *next);
		expect_calls(((char[]){(char)(*next + 1), '\0'}));
	}
}

static void test_equal_texts_share(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", BY_KEY("1")));
	begin_key(f, 'a', "x/a", "1");
	begin_key(f, 'b', "x/a", "\"1\"");
	expect_calls("a");
}

static void test_keys_that_fail_share_the_value_false(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("[" KEYED("int(event.data.k)", "1") "]")));
	begin_key(f, 'a', "x/a", "\"x\"");
	begin_key(f, 'b', "x/a", "\"y\"");
	begin_key(f, 'c', "x/a", "7");
	expect_calls("ac");
}

static void test_undeclared_variable_shares_the_value_false(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("[" KEYED("nobody.knows", "1") "]")));
	begin_key(f, 'a', "x/a", "1");
	begin_key(f, 'b', "x/a", "2");
	expect_calls("a");
}

static void test_all_limits_need_room(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("[" KEYED("event.data.k", "1") "," KEYED("event.data.j", "2") "]")));
	begin(f, 'a', "x/a", "{\"k\":1,\"j\":1}");
	begin(f, 'b', "x/a", "{\"k\":1,\"j\":2}"); // k
	begin(f, 'c', "x/a", "{\"k\":2,\"j\":1}");
	begin(f, 'd', "x/a", "{\"k\":3,\"j\":1}"); // j
	expect_calls("ac");
	done(f, 'a'); // room for both
	expect_calls_of("bd");
}

static void test_the_same_key_twice_counts_once(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("[" KEYED("event.data.k", "4") "," KEYED("event.data.k", "3") "]")));
	for (char c = 'a'; c <= 'e'; c++) begin_key(f, c, "x/a", "1");
	expect_calls("abc");
	done(f, 'a');
	expect_calls("d");
}

// ---- shared over functions and apps --------------------------------------------------------------------------------

static void test_keys_of_a_function_are_its_own(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", BY_KEY("1")) "," FLOW("app-b", "x/b", BY_KEY("1")));
	begin_key(f, 'a', "x/a", "1");
	begin_key(f, 'b', "x/b", "1");
	expect_calls("ab");
}

static void test_shared_by_functions(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("[" SHARED("event.data.k", "1", "env") "]")) "," FLOW(
			  "app-b", "x/b", LIMIT("[" SHARED("event.data.k", "2", "env") "]")));
	begin_key(f, 'a', "x/a", "1");
	begin_key(f, 'b', "x/b", "1"); // its own limit is 2
	begin_key(f, 'c', "x/a", "1");
	begin_key(f, 'd', "x/b", "1");
	expect_calls("ab");
	done(f, 'a');
	expect_calls("d"); // one in use is enough for the other function
	done(f, 'd');
	expect_calls("");
	done(f, 'b'); // the slot frees in another function
	expect_calls("c");
}

static void test_shared_by_apps(void **state) {
	struct fixture *f = *state;
	fixture_register_app(f, "one", FLOW("one-a", "x/a", LIMIT("[" SHARED("'all'", "1", "account") "]")));
	fixture_register_app(f, "two", FLOW("two-a", "x/b", LIMIT("[" SHARED("'all'", "1", "account") "]")));
	begin(f, 'a', "x/a", NULL);
	begin(f, 'b', "x/b", NULL);
	expect_calls("a");
	done(f, 'a');
	expect_calls("b");
	restart(f);
	expect_calls("b");
	begin(f, 'c', "x/a", NULL);
	expect_calls("");
	done(f, 'b');
	expect_calls("c");
}

static void test_other_text_or_scope_does_not_share(void **state) {
	struct fixture *f = *state;
	set_up(f,
	       FLOW("app-a", "x/a", LIMIT("[" SHARED("event.data.k", "1", "env") "]")) "," FLOW(
		       "app-b", "x/b",
		       LIMIT("[" SHARED("event.data.kk", "1",
					"env") "]")) "," FLOW("app-c", "x/c",
							      LIMIT("[" SHARED("event.data.k", "1", "account") "]")));
	begin(f, 'a', "x/a", "{\"k\":1}");
	begin(f, 'b', "x/b", "{\"kk\":1}");
	begin(f, 'c', "x/c", "{\"k\":1}");
	expect_calls("abc");
}

static void test_functions_take_turns_for_what_they_share(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("[" SHARED("'all'", "1", "env") "]")) "," FLOW(
			  "app-b", "x/b", LIMIT("[" SHARED("'all'", "1", "env") "]")));
	for (char c = 'a'; c <= 'd'; c++) begin(f, c, "x/a", NULL);
	begin(f, 'w', "x/b", NULL);
	begin(f, 'x', "x/b", NULL);
	expect_calls("a");
	for (const char *at = "abwc"; *at != '\0'; at++) done(f, *at);
	expect_calls("bwcx");
}

// ---- who holds no slot ---------------------------------------------------------------------------------------------

static void check_frees(struct fixture *f, const char *ops) {
	begin_key(f, 'a', "x/a", "1");
	begin_key(f, 'b', "x/a", "1");
	expect_calls("a");
	answer(f, 'a', ops);
	expect_calls("b");
	done(f, 'b');
	cancel(f, 'a');
	expect_ends("b+ax");
}

static void test_sleeping_and_waiting_hold_none(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", BY_KEY("1")) "," FLOW("app-i", "x/i", LIMIT("1")));
	check_frees(f, SLEEP("s", "1h"));
	check_frees(f, "[{\"op\":\"WaitForEvent\",\"id\":\"w\",\"name\":\"w\",\"opts\":{\"event\":\"t/a\","
		       "\"timeout\":\"1h\"}}]");
	check_frees(f, "[{\"op\":\"WaitForSignal\",\"id\":\"w\",\"name\":\"w\",\"opts\":{\"signal\":\"s\","
		       "\"timeout\":\"1h\"}}]");
	coming("i");
	begin(f, 'i', "x/i", NULL); // what is invoked has to wait
	expect_calls("i");
	coming("ajb");
	send(f, "x/a", "{\"k\":1}");
	answer(f, 'a', "[" INVOKE("i", "app-i", "{}") "]");
	send(f, "x/a", "{\"k\":1}");
	expect_calls("ab");
}

static void test_retries_give_the_slot_back(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", BY_KEY("1")));
	begin_key(f, 'a', "x/a", "1");
	begin_key(f, 'b', "x/a", "1");
	fails(f, 'a');
	expect_calls("ab");
	fixture_tick(f, RETRY_AFTER); // it needs a slot again
	expect_calls("");
	done(f, 'b');
	expect_calls("a");
	assert_int_equal(fixture_call(f, 0)->attempt, 1);
}

static void test_failed_step_gives_the_slot_back(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("1")));
	begin(f, 'a', "x/a", NULL);
	begin(f, 'b', "x/a", NULL);
	answer(f, 'a', "[{\"op\":\"StepError\",\"id\":\"s\",\"error\":{\"name\":\"E\",\"message\":\"no\"}}]");
	expect_calls("ab");
}

static void test_waking_up_needs_a_slot(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("1")));
	begin(f, 'a', "x/a", NULL);
	begin(f, 'b', "x/a", NULL);
	answer(f, 'a', SLEEP("s", "10s"));
	expect_calls("ab");
	fixture_tick(f, 10 * SECOND);
	expect_calls("");
	done(f, 'b');
	expect_calls("a");
}

// ---- changes of the configuration ----------------------------------------------------------------------------------

static void test_raised_limit_counts_at_once(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", BY_KEY("1")) "," FLOW("app-b", "x/b", LIMIT("1")));
	for (char c = 'a'; c <= 'd'; c++) begin_key(f, c, "x/a", "1");
	for (char c = 'w'; c <= 'z'; c++) begin(f, c, "x/b", NULL);
	expect_calls("aw");
	set_up(f, FLOW("app-a", "x/a", BY_KEY("3")) "," FLOW("app-b", "x/b", LIMIT("2")));
	expect_calls("bxc");
	set_up(f, FLOW("app-a", "x/a", BY_KEY("0")) "," FLOW("app-b", "x/b", LIMIT("0")));
	expect_calls("dyz");
}

static void test_lowered_limit_lets_calls_finish(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", BY_KEY("3")) "," FLOW("app-b", "x/b", LIMIT("3")));
	for (char c = 'a'; c <= 'e'; c++) begin_key(f, c, "x/a", "1");
	for (char c = 'v'; c <= 'z'; c++) begin(f, c, "x/b", NULL);
	expect_calls("abcvwx");
	set_up(f, FLOW("app-a", "x/a", BY_KEY("1")) "," FLOW("app-b", "x/b", LIMIT("1")));
	for (const char *at = "abvw"; *at != '\0'; at++) done(f, *at);
	expect_calls("");
	done(f, 'c');
	done(f, 'x');
	expect_calls("dy");
}

// One limit goes up and the other down in the same registration.
static void test_limits_changed_both_ways_at_once(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("[" KEYED("event.data.k", "1") "," KEYED("event.data.j", "3") "]")));
	for (char c = 'a'; c <= 'd'; c++) begin(f, c, "x/a", "{\"k\":1,\"j\":1}");
	expect_calls("a");
	set_up(f, FLOW("app-a", "x/a", LIMIT("[" KEYED("event.data.k", "4") "," KEYED("event.data.j", "2") "]")));
	expect_calls("b"); // now it is j that holds c back
	expect_job(f, 'c', "\"key\":\"event.data.j\"");
	done(f, 'a');
	expect_calls("c");
}

static void test_removed_key_is_not_enforced(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", BY_KEY("1")));
	for (char c = 'a'; c <= 'c'; c++) begin(f, c, "x/a", "{\"k\":1,\"j\":1}");
	expect_calls("a");
	set_up(f, FLOW("app-a", "x/a", LIMIT("[" KEYED("event.data.j", "1") "]"))); // theirs is the old one
	expect_calls("bc");
	begin(f, 'd', "x/a", "{\"k\":1,\"j\":1}");
	begin(f, 'e', "x/a", "{\"k\":1,\"j\":1}");
	expect_calls("d");
	set_up(f, FLOW("app-a", "x/a", NO_SETTINGS));
	expect_calls("e");
}

// It had been counted on all the while.
static void test_key_comes_back(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", BY_KEY("1")));
	begin_key(f, 'a', "x/a", "1");
	set_up(f, FLOW("app-a", "x/a", NO_SETTINGS));
	set_up(f, FLOW("app-a", "x/a", BY_KEY("1")));
	begin_key(f, 'b', "x/a", "1");
	expect_calls("a");
	done(f, 'a');
	expect_calls("b");
}

static void test_archived_function_frees_for_others(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("[" SHARED("'all'", "1", "env") "]")) "," FLOW(
			  "app-b", "x/b", LIMIT("[" SHARED("'all'", "1", "env") "]")));
	begin(f, 'a', "x/a", NULL);
	begin(f, 'b', "x/a", NULL);
	begin(f, 'c', "x/b", NULL);
	set_up(f, FLOW("app-b", "x/b", LIMIT("[" SHARED("'all'", "1", "env") "]")));
	expect_ends("bx");
	done(f, 'a');
	expect_calls("ac");
}

// ---- ends of those that wait ---------------------------------------------------------------------------------------

static void test_cancelled_while_waiting(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", BY_KEY("1")));
	for (char c = 'a'; c <= 'd'; c++) begin_key(f, c, "x/a", "1");
	cancel(f, 'b');
	expect_calls("a"); // it held nothing
	cancel(f, 'a');
	expect_calls(""); // the app works on
	done(f, 'a');
	expect_calls("c");
	done(f, 'c');
	expect_calls("d");
}

static int setup_two_workers(void **state) {
	flow_setup(state);
	struct fixture *f = *state;
	fixture_close(f);
	f->config.workers = 2;
	fixture_open(f);
	f->watch = flow_note;
	return 0;
}

// Who is sent to take a freed slot, and goes away while it cannot for want of a worker, passes it on.
static void test_cancelled_on_its_way_to_the_slot(void **state) {
	struct fixture *f = *state;
	set_up(f,
	       FLOW("app-a", "x/a", LIMIT("[" KEYED("event.data.k", "1") "," KEYED("event.data.j", "9") "]")) "," FLOW(
		       "app-b", "x/b", NO_SETTINGS));
	begin(f, 'a', "x/a", "{\"k\":1,\"j\":1}");
	begin(f, 'b', "x/a", "{\"k\":1,\"j\":2}");
	begin(f, 'c', "x/a", "{\"k\":1,\"j\":3}");
	begin(f, 'x', "x/b", NULL);
	begin(f, 'y', "x/b", NULL);
	expect_calls("ax");
	done(f, 'a');
	expect_calls("y"); // whose turn it was
	cancel(f, 'b');
	expect_calls("");
	done(f, 'x');
	expect_calls("c");
}

static void test_paused_function_leaves_the_slot_to_others(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("[" SHARED("'all'", "1", "env") "]")) "," FLOW(
			  "app-b", "x/b", LIMIT("[" SHARED("'all'", "1", "env") "]")));
	begin(f, 'a', "x/a", NULL);
	begin(f, 'b', "x/a", NULL);
	begin(f, 'c', "x/b", NULL);
	pause_function(f, "app-a", true);
	done(f, 'a');
	expect_calls("ac");
	pause_function(f, "app-a", false);
	expect_calls("");
	done(f, 'c');
	expect_calls("b");
}

// ---- order ---------------------------------------------------------------------------------------------------------

static void test_older_runs_go_first(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", BY_KEY("1")));
	begin_key(f, 'a', "x/a", "1");
	f->now++;
	begin_key(f, 'b', "x/a", "1");
	answer(f, 'a', STEP("s"));
	expect_calls("aa");
	done(f, 'a');
	expect_calls("b");
}

// The same where starts and steps stand apart.
static void test_older_runs_go_before_starts(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a",
		       BY_KEY("1") ",\"throttle\":{\"limit\":100,\"period\":\"1s\",\"key\":\"event.data.j\"}"));
	begin(f, 'a', "x/a", "{\"k\":1,\"j\":1}");
	f->now++;
	begin(f, 'b', "x/a", "{\"k\":1,\"j\":2}");
	begin(f, 'c', "x/a", "{\"k\":1,\"j\":3}");
	expect_calls("a");
	answer(f, 'a', PLAN("s", "t"));
	expect_calls("a");
	answer(f, 'a', STEP("s"));
	expect_calls("a"); // its other step, not the start of b, which has waited longer
	answer(f, 'a', STEP("t"));
	expect_calls("a");
	done(f, 'a');
	expect_calls("b");
	done(f, 'b');
	expect_calls("c");
}

// What is done later keeps its own time: a sleeper, another attempt, an event from the future.
static void check_order_of_later(struct fixture *f, const char *ops) {
	begin_key(f, 'a', "x/a", "1");
	if (ops != NULL)
		answer(f, 'a', ops);
	else
		fails(f, 'a');
	f->now += SECOND;
	begin_key(f, 'b', "x/a", "1");
	f->now += SECOND;
	begin_key(f, 'c', "x/a", "1");
	fixture_tick(f, RETRY_AFTER);
	f->now += SECOND;
	begin_key(f, 'd', "x/a", "1");
	expect_calls("ab");
	restart(f);
	expect_calls("b");
	for (const char *at = "bcad"; *at != '\0'; at++) done(f, *at);
	expect_calls("cad");
}

static void test_order_of_what_is_later(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", BY_KEY("1")));
	check_order_of_later(f, NULL);
	check_order_of_later(f, SLEEP("s", "5s"));
	begin_key(f, 'x', "x/a", "1");
	char event[100];
	snprintf(event, sizeof event, "{\"name\":\"x/a\",\"ts\":%llu,\"data\":{\"k\":1}}",
		 (unsigned long long)f->now + 5000);
	coming("a");
	fixture_event(f, event);
	f->now += SECOND;
	begin_key(f, 'b', "x/a", "1");
	fixture_tick(f, 5 * SECOND);
	for (const char *at = "xb"; *at != '\0'; at++) done(f, *at);
	expect_calls("xba");
}

static void test_keys_take_turns(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("[{\"limit\":1}," KEYED("event.data.k", "1") "]")));
	for (char c = 'a'; c <= 'd'; c++) begin_key(f, c, "x/a", "1");
	begin_key(f, 'x', "x/a", "2");
	begin_key(f, 'y', "x/a", "3");
	expect_calls("a");
	for (const char *at = "abxy"; *at != '\0'; at++) done(f, *at);
	expect_calls("bxyc"); // not behind all of the first key
}

static void test_functions_take_turns(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", NO_SETTINGS) "," FLOW("app-b", "x/b", NO_SETTINGS));
	for (char c = 'a'; c <= 'e'; c++) begin(f, c, "x/a", NULL);
	begin(f, 'x', "x/b", NULL);
	begin(f, 'y', "x/b", NULL);
	expect_calls("ab");
	for (const char *at = "abxc"; *at != '\0'; at++) done(f, *at);
	expect_calls("cxdy");
}

// ---- restart -------------------------------------------------------------------------------------------------------

static void test_calls_keep_their_slots_over_a_restart(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", BY_KEY("2")));
	for (char c = 'a'; c <= 'e'; c++) begin_key(f, c, "x/a", "1");
	done(f, 'a');
	expect_calls("abc");
	restart(f);
	expect_calls("bc");
	done(f, 'c');
	expect_calls("d");
	done(f, 'b');
	expect_calls("e");
}

static void test_kept_slots_go_first(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("2") ",\"priority\":{\"run\":\"event.data.k == 1 ? 100 : 0\"}"));
	begin_key(f, 'a', "x/a", "0");
	begin_key(f, 'b', "x/a", "0");
	begin_key(f, 'c', "x/a", "1"); // would go first
	restart(f);
	expect_calls("abab");
	done(f, 'a');
	expect_calls("c");
}

// The limit was lowered while they were at work: they may finish, after a restart too.
static void test_kept_slots_beyond_the_limit(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("[{\"limit\":3}," KEYED("event.data.k", "3") "]")));
	for (char c = 'a'; c <= 'd'; c++) begin_key(f, c, "x/a", "1");
	expect_calls("abc");
	set_up(f, FLOW("app-a", "x/a", LIMIT("[{\"limit\":1}," KEYED("event.data.k", "1") "]")));
	restart(f);
	expect_calls("abc");
	done(f, 'a');
	done(f, 'b');
	expect_calls("");
	done(f, 'c');
	expect_calls("d");
}

static void test_kept_slot_of_a_cancelled_run(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", BY_KEY("1")));
	begin_key(f, 'a', "x/a", "1");
	begin_key(f, 'b', "x/a", "1");
	pause_function(f, "app-a", true); // so that it is not called again
	restart(f);
	expect_calls("a");
	cancel(f, 'a');
	pause_function(f, "app-a", false);
	expect_calls("b");
}

// It was in a call when the server stopped: that its time has not come, the clock says by mistake.
static void test_kept_slot_when_the_clock_went_back(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("[{\"limit\":1}," KEYED("event.data.k", "1") "]")));
	begin_key(f, 'a', "x/a", "1");
	begin_key(f, 'b', "x/a", "1");
	f->now -= 60 * SECOND;
	restart(f);
	expect_calls("aa");
	cancel(f, 'a');
	f->now += 61 * SECOND;
	fixture_tick(f, 0);
	expect_calls("");
	done(f, 'a');
	expect_calls("b");
}

// Nothing that had a slot gets a second one, nothing that waited is lost.
static void test_restart_again_and_again(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("[{\"limit\":2}," KEYED("event.data.k", "1") "]")));
	for (char c = 'a'; c <= 'f'; c++) begin_key(f, c, "x/a", c % 2 != 0 ? "1" : "2");
	expect_calls("ab");
	for (int i = 0; i < 3; i++) {
		restart(f);
		expect_calls("ab");
	}
	fails(f, 'a');
	expect_calls("c");
	restart(f);
	expect_calls("bc");
	fixture_tick(f, RETRY_AFTER);
	for (const char *at = "bc"; *at != '\0'; at++) done(f, *at);
	expect_calls("de");
	restart(f);
	expect_calls("de");
}

static void test_order_after_a_restart_is_that_of_arrival(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", BY_KEY("1")) "," FLOW("app-b", "x/b", LIMIT("1")));
	for (char c = 'a'; c <= 'i'; c++) { // in one millisecond
		begin_key(f, c, "x/a", "1");
		begin(f, (char)(c - 'a' + 'p'), "x/b", NULL);
	}
	expect_calls("ap");
	for (char c = 'a'; c < 'i'; c++) {
		restart(f);
		expect_calls(((char[]){c, (char)(c - 'a' + 'p'), '\0'}));
		done(f, c);
		done(f, (char)(c - 'a' + 'p'));
		expect_calls(((char[]){(char)(c + 1), (char)(c - 'a' + 'q'), '\0'}));
	}
}

// What was read from the store has the same limits as what was registered.
static void test_limits_after_a_restart(void **state) {
	struct fixture *f = *state;
	set_up(f, FLOW("app-a", "x/a", LIMIT("[" KEYED("event.data.k", "2") "," KEYED("event.data.k", "1") "]")));
	begin_key(f, 'a', "x/a", "1");
	restart(f);
	begin_key(f, 'b', "x/a", "1");
	begin_key(f, 'c', "x/a", "2");
	expect_calls("aac");
	fixture_register_functions(
		f, FLOW("app-a", "x/a", LIMIT("[" KEYED("event.data.k", "2") "," KEYED("event.data.k", "2") "]")));
	expect_calls("b");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_limit_of_a_function),
		TEST(test_smallest_of_two_without_key),
		TEST(test_limit_of_zero_is_none),
		TEST(test_each_parallel_step_counts),
		TEST(test_limit_of_a_key),
		TEST(test_missing_and_false_keys_share),
		TEST(test_equal_texts_share),
		TEST(test_keys_that_fail_share_the_value_false),
		TEST(test_undeclared_variable_shares_the_value_false),
		TEST(test_all_limits_need_room),
		TEST(test_the_same_key_twice_counts_once),
		TEST(test_keys_of_a_function_are_its_own),
		TEST(test_shared_by_functions),
		TEST(test_shared_by_apps),
		TEST(test_other_text_or_scope_does_not_share),
		TEST(test_functions_take_turns_for_what_they_share),
		TEST(test_sleeping_and_waiting_hold_none),
		TEST(test_retries_give_the_slot_back),
		TEST(test_failed_step_gives_the_slot_back),
		TEST(test_waking_up_needs_a_slot),
		TEST(test_raised_limit_counts_at_once),
		TEST(test_lowered_limit_lets_calls_finish),
		TEST(test_limits_changed_both_ways_at_once),
		TEST(test_removed_key_is_not_enforced),
		TEST(test_key_comes_back),
		TEST(test_archived_function_frees_for_others),
		TEST(test_cancelled_while_waiting),
		cmocka_unit_test_setup_teardown(test_cancelled_on_its_way_to_the_slot, setup_two_workers,
						flow_teardown),
		TEST(test_paused_function_leaves_the_slot_to_others),
		TEST(test_older_runs_go_first),
		TEST(test_older_runs_go_before_starts),
		TEST(test_order_of_what_is_later),
		TEST(test_keys_take_turns),
		cmocka_unit_test_setup_teardown(test_functions_take_turns, setup_two_workers, flow_teardown),
		TEST(test_calls_keep_their_slots_over_a_restart),
		TEST(test_kept_slots_go_first),
		TEST(test_kept_slots_beyond_the_limit),
		TEST(test_kept_slot_of_a_cancelled_run),
		TEST(test_kept_slot_when_the_clock_went_back),
		TEST(test_restart_again_and_again),
		TEST(test_order_after_a_restart_is_that_of_arrival),
		TEST(test_limits_after_a_restart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
