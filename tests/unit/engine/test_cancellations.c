// Bulk cancellations (03 §16.3).
#include "fixture.h"

static int setup(void **state) {
	struct fixture *f = mem_calloc(1, sizeof *f);
	f->config.workers = 10000;
	fixture_open(f);
	fixture_register(f, "app", "app-a|x/y|0 app-b|x/z|0");
	*state = f;
	return 0;
}

static struct target start(struct fixture *f, const char *event) {
	fixture_event(f, event);
	return fixture_target(fixture_call(f, 0));
}

static struct target start_sleeping(struct fixture *f, const char *event) {
	struct target run = start(f, event);
	fixture_answer(f, run, 206, "1", "[{\"op\":\"Sleep\",\"id\":\"s\",\"name\":\"1h\"}]");
	return run;
}

static struct reply *cancel(struct fixture *f, const char *function, uint64_t after, uint64_t before,
			    const char *condition) {
	struct command *command = command_new(COMMAND_CANCEL_MANY);
	command->request = ++f->next_request;
	uint8_t entropy[10] = {++f->events};
	command->cancellation.id = ulid_make(f->now, entropy);
	command->cancellation.app_name = STR("app");
	command->cancellation.function = str_from_cstr(function);
	command->cancellation.has_after = after > 0;
	command->cancellation.after_ms = after;
	command->cancellation.before_ms = before;
	command->cancellation.condition = str_from_cstr(condition);
	fixture_apply(f, command);
	return (struct reply *)f->batch->replies;
}

static struct ulid only_cancellation(struct fixture *f) {
	struct command *command = command_new(COMMAND_CANCELLATIONS);
	command->request = ++f->next_request;
	fixture_apply(f, command);
	struct str text = ((struct reply *)f->batch->replies)->text;
	long at = str_find_str(text, STR("\"id\":\""));
	struct ulid id;
	assert_true(at > 0);
	assert_true(ulid_parse(str_make(text.ptr + at + 6, ULID_TEXT_LEN), &id));
	return id;
}

static void test_span_of_time(void **state) {
	struct fixture *f = *state;
	start_sleeping(f, "{\"name\":\"x/y\"}");
	f->now += 10;
	uint64_t after = f->now;
	struct target run = start_sleeping(f, "{\"name\":\"x/y\"}");
	start_sleeping(f, "{\"name\":\"x/z\"}"); // another function
	f->now += 10;
	start_sleeping(f, "{\"name\":\"x/y\"}");
	f->now += 10;
	struct reply *reply = cancel(f, "a", after, after, "");
	assert_int_equal(reply->kind, REPLY_TEXT);
	assert_true(str_find_str(reply->text, STR("\"function_id\":\"app-a\"")) > 0);
	assert_true(str_find_str(reply->text, STR("\"kind\":\"bulk_run\",\"cause\":\"API\"")) > 0);
	assert_true(fixture_finished(f, &run.run_id, "Cancelled"));
	assert_int_equal(fixture_settle(f), 1);
	assert_int_equal(fixture_runs(f), 3);
	assert_int_equal(cancel(f, "app-a", 0, after + 1, "")->kind, REPLY_TEXT); // by its full slug, no lower bound
	fixture_settle(f);
	assert_int_equal(fixture_runs(f), 2);
}

static void test_unknown_function(void **state) {
	struct fixture *f = *state;
	struct reply *reply = cancel(f, "nope", 0, f->now, "");
	assert_int_equal(reply->status, 404);
	assert_true(str_eq(reply->text, STR("function not found")));
}

// Runs under way are looked at directly, those at rest once their event has been loaded.
static void test_condition(void **state) {
	struct fixture *f = *state;
	struct target a = start_sleeping(f, "{\"name\":\"x/y\",\"data\":{\"n\":1}}");
	struct target b = start_sleeping(f, "{\"name\":\"x/y\",\"data\":{\"n\":2}}");
	struct target c = start(f, "{\"name\":\"x/y\",\"data\":{\"n\":2}}");
	start(f, "{\"name\":\"x/y\",\"data\":{\"n\":3}}");
	cancel(f, "a", 0, f->now, "event.data.n == 2");
	assert_true(fixture_finished(f, &c.run_id, "Cancelled"));
	assert_int_equal(f->batch->load_count, 2);
	assert_int_equal(fixture_settle(f), 2);
	assert_int_equal(fixture_runs(f), 2);
	(void)a, (void)b;
}

// More than one piece; a crash in the middle loses nothing of it.
static void test_many(void **state) {
	struct fixture *f = *state;
	for (unsigned i = 0; i < 1000; i++)
		start_sleeping(f, i % 2 == 0 ? "{\"name\":\"x/y\",\"data\":{\"even\":true}}" : "{\"name\":\"x/y\"}");
	cancel(f, "a", 0, f->now, "event.data.even == true");
	assert_int_equal(fixture_restart(f), 0);
	fixture_settle(f);
	assert_int_equal(fixture_runs(f), 500);
	cancel(f, "a", 0, f->now, "");
	assert_true(fixture_runs(f) > 0);
	fixture_tick(f, 0);
	assert_int_equal(fixture_restart(f), 0);
	fixture_settle(f);
	assert_int_equal(fixture_runs(f), 0);
	assert_int_equal(fixture_restart(f), 0);
}

// The bound may be up to five seconds ahead: runs that begin until then belong to it.
static void test_runs_that_begin_later(void **state) {
	struct fixture *f = *state;
	cancel(f, "a", 0, f->now + 5000, "event.data.k == 1");
	fixture_settle(f);
	f->now += 1000;
	fixture_event(f, "{\"name\":\"x/y\",\"data\":{\"k\":1}}");
	assert_int_equal(fixture_settle(f), 1);
	fixture_event(f, "{\"name\":\"x/y\",\"data\":{\"k\":2}}");
	fixture_settle(f);
	f->now += 5000;
	fixture_event(f, "{\"name\":\"x/y\",\"data\":{\"k\":1}}");
	fixture_settle(f);
	assert_int_equal(fixture_runs(f), 2);
}

static void test_removal(void **state) {
	struct fixture *f = *state;
	for (unsigned i = 0; i < 600; i++) start_sleeping(f, "{\"name\":\"x/y\"}");
	cancel(f, "a", 0, f->now, "");
	struct command *command = command_new(COMMAND_CANCELLATION_REMOVE);
	command->request = ++f->next_request;
	command->cancellation.id = only_cancellation(f);
	struct ulid id = command->cancellation.id;
	uint64_t left = fixture_runs(f);
	fixture_apply(f, command);
	assert_int_equal(((struct reply *)f->batch->replies)->status, 200);
	fixture_settle(f);
	assert_true(left > 0 && fixture_runs(f) == left); // it stops
	command = command_new(COMMAND_CANCELLATION_REMOVE);
	command->request = ++f->next_request;
	command->cancellation.id = id;
	fixture_apply(f, command);
	assert_int_equal(((struct reply *)f->batch->replies)->status, 404);
	assert_int_equal(fixture_restart(f), 0);
	fixture_settle(f);
	assert_int_equal(fixture_runs(f), left);
}

static void test_too_many_to_keep(void **state) {
	struct fixture *f = *state;
	for (unsigned i = 0; i < CANCELLATIONS_MAX + 10; i++) {
		f->now++;
		cancel(f, "a", 0, f->now - 1, "");
	}
	struct command *command = command_new(COMMAND_CANCELLATIONS);
	command->request = ++f->next_request;
	fixture_apply(f, command);
	struct str text = ((struct reply *)f->batch->replies)->text;
	unsigned count = 0;
	for (size_t i = 0; i + 12 < text.len; i++) count += memcmp(text.ptr + i, "\"created_at\"", 12) == 0;
	assert_int_equal(count, CANCELLATIONS_MAX);
}

static void test_too_many_under_way(void **state) {
	struct fixture *f = *state;
	start_sleeping(f, "{\"name\":\"x/y\"}");
	fixture_restart(f); // its event is in the store alone: no cancellation is done before that is loaded
	for (unsigned i = 0; i < CANCELLATIONS_MAX; i++)
		assert_int_equal(cancel(f, "a", 0, f->now, "event.data.k == 1")->status, 200);
	struct reply *reply = cancel(f, "a", 0, f->now, "");
	assert_int_equal(reply->status, 429);
	assert_int_equal(fixture_runs(f), 1);
}

// A function that is taken away: what has not begun is cancelled, the rest goes on (03 §22).
static void test_archived_function(void **state) {
	struct fixture *f = *state;
	struct target begun = start_sleeping(f, "{\"name\":\"x/y\"}");
	char event[100];
	snprintf(event, sizeof event, "{\"name\":\"x/y\",\"ts\":%llu}", (unsigned long long)f->now + 60000);
	fixture_event(f, event);
	assert_int_equal(fixture_runs(f), 2);
	fixture_register(f, "app", "app-b|x/z|0");
	fixture_settle(f);
	assert_int_equal(fixture_runs(f), 1);
	fixture_tick(f, 3600000);
	assert_int_equal(fixture_calls(f), 1);
	assert_true(ulid_cmp(&fixture_call(f, 0)->run_id, &begun.run_id) == 0);
}

// It comes back while its runs are still being looked at: those that are left are kept.
static void test_function_that_comes_back(void **state) {
	struct fixture *f = *state;
	char event[100];
	snprintf(event, sizeof event, "{\"name\":\"x/y\",\"ts\":%llu}", (unsigned long long)f->now + 60000);
	for (unsigned i = 0; i < 300; i++) fixture_event(f, event);
	fixture_register(f, "app", "app-b|x/z|0");
	uint64_t left = fixture_runs(f);
	assert_true(left > 0);
	fixture_register(f, "app", "app-a|x/y|0 app-b|x/z|0");
	fixture_settle(f);
	assert_int_equal(fixture_runs(f), left);
}

static void test_removed_app(void **state) {
	struct fixture *f = *state;
	char event[100];
	snprintf(event, sizeof event, "{\"name\":\"x/y\",\"ts\":%llu}", (unsigned long long)f->now + 60000);
	for (unsigned i = 0; i < 300; i++) fixture_event(f, event);
	struct command *command = command_new(COMMAND_APP_REMOVE);
	command->request = ++f->next_request;
	command->app.url = STR("http://localhost:3000/api");
	fixture_apply(f, command);
	assert_true(fixture_runs(f) > 0);
	assert_int_equal(fixture_restart(f), 0); // in the middle of it
	fixture_settle(f);
	assert_int_equal(fixture_runs(f), 0);
}

// It begins by an event whose text is in the store alone, and ends before its own is there.
static void test_run_begun_by_a_late_event(void **state) {
	struct fixture *f = *state;
	fixture_register(f, "app", "app-a|x/y|0 app-b|inngest/function.cancelled|0");
	struct target run = start_sleeping(f, "{\"name\":\"x/y\"}");
	cancel(f, "b", 0, f->now + 4000, "");
	fixture_cancel(f, &run.run_id);
	fixture_settle(f);
	assert_int_equal(fixture_runs(f), 0);
	assert_int_equal(fixture_restart(f), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_span_of_time, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_unknown_function, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_condition, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_runs_that_begin_later, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_removal, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_too_many_to_keep, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_too_many_under_way, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_archived_function, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_function_that_comes_back, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_removed_app, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_run_begun_by_a_late_event, setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
