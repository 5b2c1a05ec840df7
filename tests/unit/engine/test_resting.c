// Runs at rest keep nothing but their skeleton in memory. That may be dropped only when it is in the store, which it is
// not before the output batch is out: several commands share one.
#include "flow_fixture.h"

static void set_up(struct fixture *f) {
	fixture_register_functions(f, FLOW("app-a", "x/a", "\"cancel\":[{\"event\":\"t/stop\"}]") "," FLOW(
					      "app-h", "inngest/function.cancelled", NO_SETTINGS));
}

// The text of an event that the last batch tells of, in history.
static void expect_history(struct fixture *f, const char *name, const char *piece) {
	for (unsigned i = 0; i < fixture_histories(f, HISTORY_EVENT); i++) {
		const struct history_item *item = fixture_history(f, HISTORY_EVENT, i);
		if (!str_eq_cstr(item->event.name, name)) continue;
		struct str data = item->event.data;
		if (item->event.late_data != NULL) data = payload_str(item->event.late_data->text);
		if (str_find_str(data, str_from_cstr(piece)) < 0) fail_msg("%.*s", STR_ARG(data));
		return;
	}
	fail_msg("no event %s", name);
}

static void future(struct fixture *f, char name, unsigned n) {
	char event[128];
	snprintf(event, sizeof event, "{\"name\":\"x/a\",\"ts\":%llu,\"data\":{\"n\":%u}}",
		 (unsigned long long)f->now + 3600000, n);
	coming((char[]){name, '\0'});
	fixture_event(f, event);
}

// Begun, at rest, and ended before the batch that has its events is out.
static void test_begun_and_cancelled_in_one_batch(void **state) {
	struct fixture *f = *state;
	set_up(f);
	fixture_join(f);
	future(f, 'a', 5);
	fixture_event(f, "{\"name\":\"t/stop\"}");
	coming("ah");
	fixture_part(f);
	expect_ends("ax");
	expect_history(f, "inngest/function.cancelled", "\"data\":{\"n\":5}");
	fixture_settle(f);
	expect_calls("h");
	done(f, 'h');
}

static void test_put_to_rest_and_cancelled_in_one_batch(void **state) {
	struct fixture *f = *state;
	set_up(f);
	begin(f, 'a', "x/a", "{\"n\":5}");
	fixture_join(f);
	answer(f, 'a', SLEEP("s", "1h"));
	cancel(f, 'a');
	coming("h");
	fixture_part(f);
	expect_ends("ax");
	expect_history(f, "inngest/function.cancelled", "\"data\":{\"n\":5}");
	fixture_settle(f);
	expect_calls("ah");
}

// Its events come from the store when the batch is out, and with the answers.
static void test_cancelled_in_the_next_batch(void **state) {
	struct fixture *f = *state;
	set_up(f);
	future(f, 'a', 5);
	coming("h");
	cancel(f, 'a');
	expect_history(f, "inngest/function.cancelled", "\"data\":{\"n\":5}");
	fixture_settle(f);
	expect_calls("h");
}

// Woken by the second command: it is at rest no more when the batch is out.
static void test_put_to_rest_and_woken_in_one_batch(void **state) {
	struct fixture *f = *state;
	set_up(f);
	begin(f, 'a', "x/a", "{\"n\":5}");
	answer(f, 'a', STEP("r"));
	fixture_join(f);
	answer(f, 'a',
	       "[{\"op\":\"WaitForEvent\",\"id\":\"w\",\"name\":\"w\",\"opts\":{\"event\":\"t/a\","
	       "\"timeout\":\"1h\"}}]");
	fixture_event(f, "{\"name\":\"t/a\",\"data\":{\"x\":7}}");
	fixture_part(f);
	expect_calls("aaa");
	expect_memo(f, "w", "{\"x\":7}");
	expect_memo(f, "r", "1");
	done(f, 'a');
	expect_ends("a+");
	expect_history(f, "inngest/function.finished", "\"data\":{\"n\":5}");
}

// The run that the end of a run at rest begins, and that ends at once: its events are nowhere yet.
static void test_begun_by_a_late_event_and_cancelled_in_one_batch(void **state) {
	struct fixture *f = *state;
	set_up(f);
	begin(f, 'a', "x/a", "{\"n\":5}");
	answer(f, 'a', SLEEP("s", "1h"));
	fixture_tick(f, SECOND);
	fixture_join(f);
	cancel(f, 'a');
	coming("h");
	flow_note_history(fixture_history(f, HISTORY_RUN, 0));
	cancel(f, 'h');
	coming("hi"); // of whose end another run tells
	fixture_part(f);
	fixture_settle(f);
	expect_ends("axhx");
	expect_calls("ahi");
	restart(f);
	expect_calls("i");
	struct payload *body = NULL;
	struct error error;
	assert_int_equal(store_body(f->store, RECORD_RUN, str_make(flow.ids['i'].bytes, 16), &body, &error), ERR_OK);
	assert_true(str_find_str(payload_str(body), STR("\"data\":{\"n\":5}")) >= 0);
	payload_unref(body);
}

// A run that a singleton cancels in the batch that began it.
static void test_singleton_cancels_in_one_batch(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, FLOW("app-a", "x/a", "\"singleton\":{\"mode\":\"cancel\"}") "," FLOW(
					      "app-h", "inngest/function.cancelled", NO_SETTINGS));
	fixture_join(f);
	future(f, 'a', 5);
	future(f, 'b', 6);
	coming("abh");
	fixture_part(f);
	expect_ends("ax");
	expect_history(f, "inngest/function.cancelled", "\"data\":{\"n\":5}");
	fixture_settle(f);
	restart(f);
	cancel(f, 'b');
	expect_history(f, "inngest/function.cancelled", "\"data\":{\"n\":6}");
}

// A bulk cancellation reads the events of runs at rest from the store.
static void test_bulk_cancellation_in_one_batch(void **state) {
	struct fixture *f = *state;
	set_up(f);
	fixture_join(f);
	future(f, 'a', 5);
	future(f, 'b', 6);
	struct command *command = command_new(COMMAND_CANCEL_MANY);
	uint8_t entropy[10] = {9};
	command->request = ++f->next_request;
	command->cancellation.id = ulid_make(f->now, entropy);
	command->cancellation.app_name = STR("app");
	command->cancellation.function = STR("app-a");
	command->cancellation.before_ms = f->now;
	command->cancellation.condition = STR("event.data.n == 5");
	fixture_apply(f, command);
	coming("ab");
	fixture_part(f);
	coming("h");
	fixture_settle(f);
	expect_ends("ax");
	assert_int_equal(fixture_runs(f), 2); // b, and h for a
}

// Steps, too: what a step brought is in the store before it leaves memory.
static void test_steps_of_runs_at_rest(void **state) {
	struct fixture *f = *state;
	set_up(f);
	begin(f, 'a', "x/a", "{\"n\":5}");
	answer(f, 'a', STEP("r"));
	answer(f, 'a', SLEEP("s", "1h"));
	fixture_tick(f, SECOND); // another batch begins
	fixture_tick(f, 3600 * SECOND);
	expect_calls("aaa");
	const struct call *call = fixture_call(f, 0);
	assert_null(call->events.data);
	assert_int_equal(call->step_count, 2);
	expect_memo(f, "r", "1");
}

// A ready run that cannot begin keeps its events as long as few wait.
static void test_waiting_for_a_limit(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, FLOW("app-a", "x/a", "\"concurrency\":1"));
	begin(f, 'a', "x/a", "{\"n\":1}");
	begin(f, 'b', "x/a", "{\"n\":2}");
	fixture_tick(f, SECOND);
	done(f, 'a');
	expect_calls("ab");
	assert_non_null(fixture_call(f, 0)->events.data);
	restart(f); // all come from the store
	expect_calls("b");
	assert_null(fixture_call(f, 0)->events.data);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_begun_and_cancelled_in_one_batch),
		TEST(test_put_to_rest_and_cancelled_in_one_batch),
		TEST(test_cancelled_in_the_next_batch),
		TEST(test_put_to_rest_and_woken_in_one_batch),
		TEST(test_begun_by_a_late_event_and_cancelled_in_one_batch),
		TEST(test_singleton_cancels_in_one_batch),
		TEST(test_bulk_cancellation_in_one_batch),
		TEST(test_steps_of_runs_at_rest),
		TEST(test_waiting_for_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
