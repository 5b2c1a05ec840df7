// Priority: which of the waiting runs goes first (04 §A9, §A15).
#include "flow_fixture.h"

// One call at a time, and the run's priority is this expression.
#define BY(expression) "\"concurrency\":1,\"priority\":{\"run\":\"" expression "\"}"

static void set_up(struct fixture *f, const char *settings) {
	char function[1024];
	snprintf(function, sizeof function, FLOW("app-a", "x/a", "%s"), settings);
	fixture_register_functions(f, function);
}

// In which order runs are called that wait for the first of them, a; each comes so much later.
static void expect_order(struct fixture *f, uint64_t apart_ms, const char *const keys[], const char *order) {
	char name = 'a';
	for (size_t i = 0; keys[i] != NULL; i++, name++) {
		begin_key(f, name, "x/a", keys[i]);
		f->now += apart_ms;
	}
	for (const char *at = order; *at != '\0'; at++) done(f, *at);
	expect_calls(order);
}

static void test_higher_goes_first(void **state) {
	struct fixture *f = *state;
	set_up(f, BY("event.data.k == 'hi' ? 100 : event.data.k == 'mid' ? 50 : 0"));
	expect_order(f, SECOND, (const char *const[]){"0", "0", "\"mid\"", "\"hi\"", "0", NULL}, "adcbe");
}

static void test_equal_ones_by_arrival(void **state) {
	struct fixture *f = *state;
	set_up(f, BY("10"));
	expect_order(f, 0, (const char *const[]){"0", "0", "0", "0", NULL}, "abcd");
}

// It makes a run so many seconds older, not more.
static void test_factor_is_in_seconds(void **state) {
	struct fixture *f = *state;
	set_up(f, BY("event.data.k == 'hi' ? 120 : 0"));
	expect_order(f, 60 * SECOND, (const char *const[]){"0", "0", "0", "0", "\"hi\"", NULL},
		     "abced"); // as old as c, by arrival
}

static void test_factor_is_clamped(void **state) {
	struct fixture *f = *state;
	set_up(f, BY("event.data.k == 'hi' ? 1000000 : event.data.k == 'lo' ? -1000000 : 0"));
	begin_key(f, 'a', "x/a", "0");
	begin_key(f, 'b', "x/a", "0");
	begin_key(f, 'c', "x/a", "\"lo\"");
	f->now += 43199 * SECOND;
	begin_key(f, 'd', "x/a", "0");
	f->now += 2 * SECOND;
	begin_key(f, 'e', "x/a", "0");
	begin_key(f, 'g', "x/a", "\"hi\""); // a second younger than b, for all that
	for (const char *at = "abgdc"; *at != '\0'; at++) done(f, *at);
	expect_calls("abgdce");
}

// A number of an event is a double; whatever is no integer counts for nothing.
static void test_only_integers_count(void **state) {
	static const char *const expressions[] = {"event.data.k",      "1.5 * 100.0",  "event.data.k > 0",  "'100'",
						  "event.data.k.none", "nobody.knows", "event.data.k + 'x'"};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(expressions); i++) {
		char settings[256];
		snprintf(settings, sizeof settings, BY("%s"), expressions[i]);
		set_up(f, settings);
		f->now += SECOND;
		expect_order(f, SECOND, (const char *const[]){"1", "1", "100", NULL}, "abc");
	}
	set_up(f, BY("int(event.data.k)"));
	expect_order(f, SECOND, (const char *const[]){"1", "1", "100", NULL}, "acb");
}

// On an idle server it is not held back, neither its start nor its steps.
static void test_negative_factor_delays_nothing(void **state) {
	struct fixture *f = *state;
	set_up(f, BY("-100"));
	begin(f, 'a', "x/a", NULL);
	answer(f, 'a', STEP("s"));
	expect_calls("aa");
	begin(f, 'b', "x/a", NULL);
	done(f, 'a');
	expect_calls("b");
}

static void test_negative_factor_lets_others_go_first(void **state) {
	struct fixture *f = *state;
	set_up(f, BY("event.data.k == 'lo' ? -100 : 0"));
	expect_order(f, SECOND, (const char *const[]){"0", "\"lo\"", "0", "0", NULL}, "acdb");
}

static void test_steps_have_it_too(void **state) {
	struct fixture *f = *state;
	set_up(f, BY("event.data.k == 'hi' ? 100 : 0"));
	begin_key(f, 'a', "x/a", "0");
	f->now += SECOND;
	begin_key(f, 'b', "x/a", "0");
	begin_key(f, 'c', "x/a", "\"hi\"");
	answer(f, 'a', STEP("s"));
	answer(f, 'c', STEP("s"));
	done(f, 'c');
	expect_calls("acca");
}

static void test_retries_keep_their_own_time(void **state) {
	struct fixture *f = *state;
	set_up(f, BY("event.data.k == 'hi' ? 100 : 0"));
	begin_key(f, 'a', "x/a", "\"hi\"");
	begin_key(f, 'b', "x/a", "0");
	begin_key(f, 'c', "x/a", "0");
	fails(f, 'a');
	fixture_tick(f, RETRY_AFTER);
	done(f, 'b');
	done(f, 'c');
	expect_calls("abca");
}

static void test_within_a_key_only(void **state) {
	struct fixture *f = *state;
	set_up(f, "\"concurrency\":[{\"limit\":1,\"key\":\"event.data.j\"}],"
		  "\"priority\":{\"run\":\"event.data.k == 'hi' ? 100 : 0\"}");
	begin(f, 'a', "x/a", "{\"j\":1}");
	begin(f, 'b', "x/a", "{\"j\":1}");
	begin(f, 'c', "x/a", "{\"j\":2}");
	begin(f, 'd', "x/a", "{\"j\":2,\"k\":\"hi\"}");
	begin(f, 'e', "x/a", "{\"j\":1,\"k\":\"hi\"}");
	done(f, 'a');
	done(f, 'e');
	expect_calls("aceb");
}

// It is the run's: neither a restart nor another configuration changes it.
static void test_stays_with_the_run(void **state) {
	struct fixture *f = *state;
	set_up(f, BY("event.data.k == 'hi' ? 100 : event.data.k == 'lo' ? -100 : 0"));
	begin_key(f, 'a', "x/a", "0");
	begin_key(f, 'b', "x/a", "\"lo\"");
	begin_key(f, 'c', "x/a", "0");
	begin_key(f, 'd', "x/a", "\"hi\"");
	set_up(f, BY("0"));
	restart(f);
	for (const char *at = "adc"; *at != '\0'; at++) done(f, *at);
	expect_calls("aadcb");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_higher_goes_first),
		TEST(test_equal_ones_by_arrival),
		TEST(test_factor_is_in_seconds),
		TEST(test_factor_is_clamped),
		TEST(test_only_integers_count),
		TEST(test_negative_factor_delays_nothing),
		TEST(test_negative_factor_lets_others_go_first),
		TEST(test_steps_have_it_too),
		TEST(test_retries_keep_their_own_time),
		TEST(test_within_a_key_only),
		TEST(test_stays_with_the_run),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
