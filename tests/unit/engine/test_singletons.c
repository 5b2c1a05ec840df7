// Singletons: one run at a time (04 §A10, §A4, §A21; 03 §17).
#include "flow_fixture.h"

#define SKIP "\"singleton\":{\"mode\":\"skip\"}"
#define CANCEL "\"singleton\":{\"mode\":\"cancel\"}"
#define SKIP_BY(key) "\"singleton\":{\"mode\":\"skip\",\"key\":\"" key "\"}"
#define CANCEL_BY(key) "\"singleton\":{\"mode\":\"cancel\",\"key\":\"" key "\"}"

static void set_up(struct fixture *f, const char *settings) {
	char functions[2048];
	snprintf(functions, sizeof functions, OUTER "," FLOW("app-a", "x/a", "%s"), settings);
	fixture_register_functions(f, functions);
}

static void expect_skipped(struct fixture *f, char holder) {
	const struct history_item *item = fixture_history(f, HISTORY_OUTCOME, 0);
	assert_non_null(item);
	struct ulid event_id = fixture_history(f, HISTORY_EVENT, 0)->event.internal_id, none = {{0}};
	assert_true(ulid_cmp(&item->outcome.event_id, &event_id) == 0);
	assert_true(ulid_cmp(&item->outcome.other_id, &flow.ids[(int)holder]) == 0);
	assert_true(ulid_cmp(&item->outcome.run_id, &none) != 0); // of the run that never was
	expect_outcomes("Skipped:Singleton");
	assert_int_equal(fixture_histories(f, HISTORY_RUN), 0);
}

// ---- skip ----------------------------------------------------------------------------------------------------------

static void test_skip_while_a_run_is_under_way(void **state) {
	struct fixture *f = *state;
	set_up(f, SKIP);
	begin(f, 'a', "x/a", NULL);
	send(f, "x/a", NULL);
	expect_skipped(f, 'a');
	answer(f, 'a', SLEEP("s", "1h")); // sleeps, waits and retries keep the lock
	send(f, "x/a", NULL);
	expect_skipped(f, 'a');
	fixture_tick(f, 3600 * SECOND);
	fails(f, 'a');
	restart(f);
	send(f, "x/a", NULL);
	expect_skipped(f, 'a');
	fixture_tick(f, RETRY_AFTER);
	done(f, 'a');
	begin(f, 'b', "x/a", NULL);
	expect_calls("aaab");
}

static void test_lock_is_held_from_the_creation(void **state) {
	struct fixture *f = *state;
	set_up(f, SKIP ",\"throttle\":{\"limit\":1,\"period\":\"1m\"}");
	begin(f, 'a', "x/a", NULL);
	done(f, 'a');
	begin(f, 'b', "x/a", NULL); // waits
	send(f, "x/a", NULL);
	expect_skipped(f, 'b');
	expect_calls("a");
}

static void test_each_end_frees_it(void **state) {
	struct fixture *f = *state;
	set_up(f, SKIP ",\"timeouts\":{\"finish\":\"1m\"}");
	begin(f, 'a', "x/a", NULL);
	fails_for_good(f, 'a');
	begin(f, 'b', "x/a", NULL);
	cancel(f, 'b');
	begin(f, 'c', "x/a", NULL);
	answer(f, 'c', SLEEP("s", "1h"));
	fixture_tick(f, 60 * SECOND);
	begin(f, 'd', "x/a", NULL);
	expect_ends("a-bxcx");
	expect_calls("abcd");
}

static void test_skipped_run_emits_nothing(void **state) {
	struct fixture *f = *state;
	set_up(f, SKIP);
	begin(f, 'a', "x/a", NULL);
	send(f, "x/a", NULL);
	assert_int_equal(fixture_histories(f, HISTORY_EVENT), 1);
	assert_int_equal(fixture_histories(f, HISTORY_FINISH), 0);
	assert_int_equal(fixture_runs(f), 1);
}

// ---- cancel --------------------------------------------------------------------------------------------------------

static void test_cancel_takes_the_place(void **state) {
	struct fixture *f = *state;
	set_up(f, CANCEL);
	begin(f, 'a', "x/a", NULL);
	begin(f, 'b', "x/a", NULL);
	expect_ends("ax");
	done(f, 'a'); // too late
	expect_ends("");
	answer(f, 'b', SLEEP("s", "1h"));
	restart(f);
	begin(f, 'c', "x/a", NULL);
	expect_ends("bx");
	expect_calls("abc");
	done(f, 'c');
	begin(f, 'd', "x/a", NULL);
	expect_ends("c+");
}

static void test_cancelled_while_it_waits(void **state) {
	struct fixture *f = *state;
	set_up(f, CANCEL ",\"concurrency\":{\"fn\":[{\"limit\":1}]}");
	for (char c = 'a'; c <= 'd'; c++) begin(f, c, "x/a", NULL);
	expect_ends("axbxcx");
	expect_calls("abcd"); // each gives its slot to the next
}

// What the end of the holder starts comes after the run that ended it.
static void test_ends_of_holders_start_runs(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f,
				   FLOW("app-a", "x/a", CANCEL) "," FLOW("app-h", "inngest/function.cancelled", SKIP));
	begin(f, 'a', "x/a", NULL);
	coming("bh");
	send(f, "x/a", NULL);
	fixture_settle(f);
	expect_calls("abh");
	expect_ends("ax");
}

// The event that begins the run cancels the holder by cancelOn as well.
static void test_with_cancel_on(void **state) {
	struct fixture *f = *state;
	set_up(f, CANCEL ",\"cancel\":[{\"event\":\"x/a\"}]");
	begin(f, 'a', "x/a", NULL);
	begin(f, 'b', "x/a", NULL);
	expect_ends("ax");
	expect_calls("ab");
}

static void test_duplicates_do_not_cancel(void **state) {
	struct fixture *f = *state;
	set_up(f, CANCEL);
	coming("a");
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"one\"}");
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"one\"}");
	expect_ends("");
	expect_outcomes("Duplicate");
	restart(f);
	fixture_event(f, "{\"name\":\"x/a\",\"id\":\"one\"}");
	expect_ends("");
}

static void test_limited_events_do_not_cancel(void **state) {
	struct fixture *f = *state;
	set_up(f, CANCEL ",\"rateLimit\":{\"limit\":1,\"period\":\"1m\"}");
	begin(f, 'a', "x/a", NULL);
	send(f, "x/a", NULL);
	expect_ends("");
	expect_outcomes("RateLimited");
}

// Nothing would take the holder's place.
static void test_paused_function_does_not_cancel(void **state) {
	struct fixture *f = *state;
	set_up(f, CANCEL);
	begin(f, 'a', "x/a", NULL);
	pause_function(f, "app-a", true);
	send(f, "x/a", NULL);
	expect_ends("");
	expect_outcomes("Skipped:FunctionPaused");
}

// ---- keys ----------------------------------------------------------------------------------------------------------

static void test_keys(void **state) {
	struct fixture *f = *state;
	set_up(f, SKIP_BY("event.data.k"));
	begin_key(f, 'a', "x/a", "1");
	begin_key(f, 'b', "x/a", "2");
	begin_key(f, 'c', "x/a", "null");
	begin_key(f, 'd', "x/a", "true"); // a value like others
	begin_key(f, 'e', "x/a", "\"false\"");
	expect_outcomes("");
	send(f, "x/a", "{\"k\":\"1\"}");
	expect_skipped(f, 'a');
	send(f, "x/a", "{\"k\":true}");
	expect_skipped(f, 'd');
	send(f, "x/a", "{\"k\":\"false\"}");
	expect_skipped(f, 'e');
}

static void check_is_none(struct fixture *f, const char *settings, const char *key) {
	set_up(f, settings);
	begin_key(f, 'a', "x/a", key);
	begin_key(f, 'b', "x/a", key);
	expect_outcomes("");
	expect_ends("");
	expect_calls("ab");
}

static void test_missing_and_false_keys_are_no_singletons(void **state) {
	struct fixture *f = *state;
	check_is_none(f, SKIP_BY("event.data.k"), "false");
	check_is_none(f, CANCEL_BY("event.data.k"), "false");
	check_is_none(f, SKIP_BY("event.data.nothing"), "1");
}

static void test_keys_that_fail_are_no_singletons(void **state) {
	struct fixture *f = *state;
	check_is_none(f, SKIP_BY("event.data.k.startsWith('a')"), "1");
	check_is_none(f, CANCEL_BY("nobody.knows"), "1");
	check_is_none(f, SKIP_BY("event.data.k =="), "1");
}

static void test_functions_have_their_own(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, FLOW("app-a", "x/a", SKIP) "," FLOW("app-b", "x/a", SKIP));
	coming("ab");
	send(f, "x/a", NULL);
	expect_calls("ab");
	expect_outcomes("");
}

static void test_changed_settings(void **state) {
	struct fixture *f = *state;
	set_up(f, NO_SETTINGS);
	begin(f, 'a', "x/a", "{\"k\":1}");
	set_up(f, SKIP); // a holds nothing
	begin(f, 'b', "x/a", "{\"k\":1}");
	set_up(f, CANCEL);
	begin(f, 'c', "x/a", "{\"k\":1}");
	expect_ends("bx");
	set_up(f, CANCEL_BY("event.data.k")); // another lock
	begin(f, 'd', "x/a", "{\"k\":1}");
	expect_ends("");
	restart(f);
	begin(f, 'e', "x/a", "{\"k\":1}");
	expect_ends("dx");
}

// ---- invokes, API, schedules ---------------------------------------------------------------------------------------

static void test_invoke_that_is_skipped_fails_at_once(void **state) {
	struct fixture *f = *state;
	set_up(f, SKIP);
	begin(f, 'a', "x/a", NULL);
	begin(f, 'o', "x/go", NULL);
	answer(f, 'o', "[" INVOKE("i", "app-a", "{}") "]");
	expect_calls("aoo");
	expect_memo(f, "i", "singleton");
}

static void test_invoke_cancels(void **state) {
	struct fixture *f = *state;
	set_up(f, CANCEL);
	begin(f, 'o', "x/go", NULL);
	coming("a");
	answer(f, 'o', "[" INVOKE("i", "app-a", "{}") "]");
	begin(f, 'p', "x/go", NULL);
	coming("b");
	answer(f, 'p', "[" INVOKE("i", "app-a", "{}") "]");
	expect_ends("ax");
	expect_calls("oapob"); // whose run was cancelled learns that
	done(f, 'b');
	expect_calls("p");
	expect_memo(f, "i", "{\"data\":1}");
}

// Two of one answer: the second takes the place of the first, whose step fails.
static void test_two_invokes_of_one_answer(void **state) {
	struct fixture *f = *state;
	set_up(f, CANCEL);
	begin(f, 'o', "x/go", NULL);
	coming("ab");
	answer(f, 'o', "[" INVOKE("i", "app-a", "{}") "," INVOKE("j", "app-a", "{}") "]");
	expect_ends("ax");
	expect_calls("ob");
	done(f, 'b');
	expect_calls("o");
	expect_memo(f, "i", "was cancelled");
	expect_memo(f, "j", "{\"data\":1}");
}

// A run that invokes its own function ends by that.
static void test_invoke_of_itself(void **state) {
	struct fixture *f = *state;
	set_up(f, CANCEL);
	begin(f, 'a', "x/a", NULL);
	coming("b");
	answer(f, 'a', "[" INVOKE("i", "app-a", "{}") "," INVOKE("j", "app-a", "{}") "]");
	expect_ends("ax");
	expect_calls("ab");
	done(f, 'b');
	expect_ends("b+");
	assert_int_equal(fixture_runs(f), 0);
	set_up(f, SKIP);
	begin(f, 'c', "x/a", NULL);
	answer(f, 'c', "[" INVOKE("i", "app-a", "{}") "]");
	expect_calls("cc");
	expect_memo(f, "i", "singleton");
}

// The caller is cancelled by what it has invoked.
static void test_caller_is_cancelled(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, OUTER "," FLOW("app-a", "x/a", CANCEL) "," FLOW("app-b", "x/b", CANCEL));
	begin(f, 'a', "x/a", NULL);
	coming("b");
	answer(f, 'a', "[" INVOKE("i", "app-b", "{}") "]");
	coming("c");
	answer(f, 'b', "[" INVOKE("i", "app-a", "{}") "]");
	expect_ends("ax");
	done(f, 'c');
	expect_calls("abcb");
	expect_memo(f, "i", "{\"data\":1}");
}

static void test_api(void **state) {
	struct fixture *f = *state;
	set_up(f, SKIP);
	coming("a");
	expect_reply(ask(f, "app-a", "{\"name\":\"x/i\"}", true), 200, "");
	expect_reply(ask(f, "app-a", "{\"name\":\"x/i\"}", true), 422, "function_skipped");
	expect_skipped(f, 'a');
	expect_reply(ask(f, "app-a", "{\"name\":\"x/a\"}", false), 422, "function_skipped"); // reruns obey it
	expect_outcomes("Skipped:Singleton");
	set_up(f, CANCEL);
	coming("b");
	expect_reply(ask(f, "app-a", "{\"name\":\"x/a\"}", false), 200, "");
	expect_ends("ax");
	expect_calls("ab");
}

static void test_schedule(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, FIXTURE_FUNCTION("app-c", "\"triggers\":[{\"cron\":\"* * * * *\"}]," SKIP));
	coming("a");
	fixture_tick(f, 60 * SECOND);
	fixture_tick(f, 60 * SECOND);
	expect_outcomes("Skipped:Singleton");
	done(f, 'a');
	fixture_tick(f, SECOND);
	expect_calls("a"); // the skipped tick is not made good
	coming("b");
	fixture_tick(f, 59 * SECOND);
	expect_calls("b");
}

static void test_several_in_one_batch_of_commands(void **state) {
	struct fixture *f = *state;
	set_up(f, CANCEL);
	coming("abc");
	fixture_join(f);
	for (int i = 0; i < 3; i++) send(f, "x/a", NULL);
	fixture_part(f);
	expect_ends("axbx");
	fixture_settle(f);
	assert_int_equal(fixture_runs(f), 1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_skip_while_a_run_is_under_way),
		TEST(test_lock_is_held_from_the_creation),
		TEST(test_each_end_frees_it),
		TEST(test_skipped_run_emits_nothing),
		TEST(test_cancel_takes_the_place),
		TEST(test_cancelled_while_it_waits),
		TEST(test_ends_of_holders_start_runs),
		TEST(test_with_cancel_on),
		TEST(test_duplicates_do_not_cancel),
		TEST(test_limited_events_do_not_cancel),
		TEST(test_paused_function_does_not_cancel),
		TEST(test_keys),
		TEST(test_missing_and_false_keys_are_no_singletons),
		TEST(test_keys_that_fail_are_no_singletons),
		TEST(test_functions_have_their_own),
		TEST(test_changed_settings),
		TEST(test_invoke_that_is_skipped_fails_at_once),
		TEST(test_invoke_cancels),
		TEST(test_two_invokes_of_one_answer),
		TEST(test_invoke_of_itself),
		TEST(test_caller_is_cancelled),
		TEST(test_api),
		TEST(test_schedule),
		TEST(test_several_in_one_batch_of_commands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
