// Why a run waits: what is said of its jobs (docs/flow-control.md; `inngest runs why`).
#include "flow_fixture.h"

static void set_up(struct fixture *f, const char *settings) {
	char function[1024];
	snprintf(function, sizeof function, FLOW("app-a", "x/a", "%s"), settings);
	fixture_register_functions(f, function);
}

static int setup_one_worker(void **state) {
	flow_setup(state);
	struct fixture *f = *state;
	fixture_close(f);
	f->config.workers = 1;
	fixture_open(f);
	f->watch = flow_note;
	return 0;
}

#define WAITING(rest) "\"state\":\"waiting\",\"generation\":1,\"waiting\":{" rest "}}}]"

static void test_running(void **state) {
	struct fixture *f = *state;
	set_up(f, "\"concurrency\":1");
	begin(f, 'a', "x/a", NULL);
	expect_job(f, 'a', "\"kind\":\"start\"");
	expect_job(f, 'a', "\"state\":\"running\",\"generation\":1}}]");
}

static void test_limit_of_the_function(void **state) {
	struct fixture *f = *state;
	set_up(f, "\"concurrency\":2");
	for (char c = 'a'; c <= 'd'; c++) begin(f, c, "x/a", NULL);
	expect_job(f, 'c', WAITING("\"on\":\"concurrency\",\"scope\":\"fn\",\"limit\":2,\"in_use\":2,\"ahead\":0"));
	expect_job(f, 'd', WAITING("\"on\":\"concurrency\",\"scope\":\"fn\",\"limit\":2,\"in_use\":2,\"ahead\":1"));
}

static void test_limit_of_a_key(void **state) {
	struct fixture *f = *state;
	set_up(f, "\"concurrency\":[{\"limit\":1,\"key\":\"event.data.k + \\\"\\\"\",\"scope\":\"account\"}]");
	for (char c = 'a'; c <= 'c'; c++) begin_key(f, c, "x/a", "\"o\\\"ne\"");
	expect_job(f, 'c',
		   WAITING("\"on\":\"concurrency\",\"scope\":\"account\",\"key\":\"event.data.k + \\\"\\\"\","
			   "\"value\":\"o\\\"ne\",\"limit\":1,\"in_use\":1,\"ahead\":1"));
	set_up(f, "\"concurrency\":[{\"limit\":1,\"key\":\"event.data.k\",\"scope\":\"env\"}]");
	for (char c = 'p'; c <= 'q'; c++) begin_key(f, c, "x/a", "2");
	expect_job(f, 'q', "\"scope\":\"env\",\"key\":\"event.data.k\",\"value\":\"2\"");
}

static void test_limit_of_runs(void **state) {
	struct fixture *f = *state;
	set_up(f, "\"concurrency\":{\"fn\":[{\"limit\":1,\"key\":\"event.data.k\"}]}");
	begin_key(f, 'a', "x/a", "1");
	begin_key(f, 'b', "x/a", "1");
	expect_job(f, 'b',
		   WAITING("\"on\":\"runs\",\"scope\":\"fn\",\"key\":\"event.data.k\",\"value\":\"1\",\"limit\":1,"
			   "\"in_use\":1,\"ahead\":0"));
	set_up(f, "\"concurrency\":{\"fn\":[{\"limit\":1}]}");
	begin(f, 'p', "x/a", NULL);
	begin(f, 'q', "x/a", NULL);
	expect_job(f, 'q', WAITING("\"on\":\"runs\",\"scope\":\"fn\",\"limit\":1,\"in_use\":1,\"ahead\":0"));
}

static void test_throttle(void **state) {
	struct fixture *f = *state;
	set_up(f, "\"throttle\":{\"limit\":1,\"burst\":1,\"period\":\"90s\",\"key\":\"event.data.k\"}");
	for (char c = 'a'; c <= 'd'; c++) begin_key(f, c, "x/a", "1");
	expect_job(f, 'd',
		   WAITING("\"on\":\"throttle\",\"key\":\"event.data.k\",\"value\":\"1\",\"limit\":1,\"burst\":1,"
			   "\"period\":\"1m30s\",\"next_at\":\"2027-01-15T08:01:30Z\",\"ahead\":1"));
	set_up(f, "\"throttle\":{\"limit\":1,\"period\":\"500ms\"}");
	begin(f, 'p', "x/a", NULL);
	begin(f, 'q', "x/a", NULL);
	expect_job(f, 'q',
		   WAITING("\"on\":\"throttle\",\"limit\":1,\"burst\":0,\"period\":\"500ms\","
			   "\"next_at\":\"2027-01-15T08:00:00.5Z\",\"ahead\":0"));
}

// Of several, one that really holds it back.
static void test_several_limits(void **state) {
	struct fixture *f = *state;
	set_up(f, "\"concurrency\":[{\"limit\":1,\"key\":\"event.data.k\"},{\"limit\":2}]");
	begin_key(f, 'a', "x/a", "1");
	begin_key(f, 'b', "x/a", "1");
	expect_job(f, 'b', "\"key\":\"event.data.k\"");
	begin_key(f, 'c', "x/a", "2");
	begin_key(f, 'd', "x/a", "3");
	expect_job(f, 'd', WAITING("\"on\":\"concurrency\",\"scope\":\"fn\",\"limit\":2,\"in_use\":2,\"ahead\":0"));
}

static void test_workers(void **state) {
	struct fixture *f = *state;
	set_up(f, "\"concurrency\":5");
	begin(f, 'a', "x/a", NULL);
	begin(f, 'b', "x/a", NULL);
	expect_job(f, 'b', WAITING("\"on\":\"workers\",\"limit\":1,\"in_use\":1,\"ahead\":0"));
}

// What was in a call when the server stopped has its slot: only workers can be what it waits for.
static void test_kept_slot(void **state) {
	struct fixture *f = *state;
	f->config.workers = 2;
	restart(f);
	set_up(f, "\"concurrency\":2");
	begin(f, 'a', "x/a", NULL);
	begin(f, 'b', "x/a", NULL);
	f->config.workers = 1;
	restart(f);
	expect_calls("aba");
	expect_job(f, 'b', WAITING("\"on\":\"workers\",\"limit\":1,\"in_use\":1,\"ahead\":0"));
}

static void test_paused(void **state) {
	struct fixture *f = *state;
	set_up(f, "\"concurrency\":1");
	begin(f, 'a', "x/a", NULL);
	begin(f, 'b', "x/a", NULL);
	pause_function(f, "app-a", true);
	expect_job(f, 'b', WAITING("\"on\":\"paused\""));
	expect_job(f, 'a', "\"state\":\"running\"");
}

static void expect_time(struct fixture *f, char name, const char *at) {
	char waiting[100];
	snprintf(waiting, sizeof waiting, "\"waiting\":{\"on\":\"time\",\"at\":\"%s\"}}}]", at);
	expect_job(f, name, "\"state\":\"scheduled\"");
	expect_job(f, name, waiting);
}

static void test_time(void **state) {
	struct fixture *f = *state;
	set_up(f, "\"concurrency\":1");
	begin(f, 'a', "x/a", NULL);
	answer(f, 'a', SLEEP("s", "1h"));
	expect_time(f, 'a', "2027-01-15T09:00:00Z");
	expect_job(f, 'a', "\"kind\":\"sleep\"");
	begin(f, 'b', "x/a", NULL);
	answer(f, 'b',
	       "[{\"op\":\"WaitForEvent\",\"id\":\"s\",\"name\":\"w\",\"opts\":{\"event\":\"t/a\","
	       "\"timeout\":\"1m\"}}]");
	expect_time(f, 'b', "2027-01-15T08:01:00Z");
	begin(f, 'c', "x/a", NULL);
	fails(f, 'c');
	expect_job(f, 'c', "\"attempt\":1,");
	expect_time(f, 'c', "2027-01-15T08:00:05Z");
}

// Its time has come, and now it waits for something else.
static void test_time_and_then_a_limit(void **state) {
	struct fixture *f = *state;
	set_up(f, "\"concurrency\":1");
	begin(f, 'a', "x/a", NULL);
	answer(f, 'a', SLEEP("s", "1m"));
	begin(f, 'b', "x/a", NULL);
	fixture_tick(f, 60 * SECOND);
	expect_job(f, 'a', "\"on\":\"concurrency\"");
}

static void test_unknown_run(void **state) {
	struct fixture *f = *state;
	set_up(f, "\"concurrency\":1");
	begin(f, 'a', "x/a", NULL);
	done(f, 'a');
	struct command *command = command_new(COMMAND_RUN_JOBS);
	command->request = ++f->next_request;
	command->run.run_id = flow.ids['a'];
	fixture_apply(f, command);
	assert_int_equal(flow_reply(f)->status, 404);
}

// It is asked while the same batch of commands changes it.
static void test_asked_within_a_batch_of_commands(void **state) {
	struct fixture *f = *state;
	set_up(f, "\"concurrency\":1");
	begin(f, 'a', "x/a", NULL);
	begin(f, 'b', "x/a", NULL);
	fixture_join(f);
	expect_job(f, 'b', "\"on\":\"concurrency\"");
	done(f, 'a');
	fixture_part(f);
	expect_calls("ab");
	expect_job(f, 'b', "\"state\":\"running\"");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_running),
		TEST(test_limit_of_the_function),
		TEST(test_limit_of_a_key),
		TEST(test_limit_of_runs),
		TEST(test_throttle),
		TEST(test_several_limits),
		cmocka_unit_test_setup_teardown(test_workers, setup_one_worker, flow_teardown),
		TEST(test_kept_slot),
		TEST(test_paused),
		TEST(test_time),
		TEST(test_time_and_then_a_limit),
		TEST(test_unknown_run),
		TEST(test_asked_within_a_batch_of_commands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
