// Defers: what a run wants to have run when it has ended, kept with the run and started by its end (03 §24.1).
#include "fixture.h"
#include "model/defer.h"

#define LATER                                                                                                     \
	"\"triggers\":[{\"event\":\"inngest/deferred.schedule\",\"expression\":\"event.data._inngest.fn_slug == " \
	"'app-b' && event.data.n > 0\"}]"

static int setup(void **state) {
	struct fixture *f = mem_calloc(1, sizeof *f);
	f->config.workers = 1000;
	fixture_open(f);
	fixture_register_functions(
		f,
		FIXTURE_FUNCTION("app-a", "\"triggers\":[{\"event\":\"x/y\"}]") "," FIXTURE_FUNCTION("app-b", LATER));
	*state = f;
	return 0;
}

static void answer(struct fixture *f, struct target to, const char *ops) {
	fixture_answer(f, to, 206, "2", ops);
}

#define ADD(id, input)                                                     \
	"{\"op\":\"DeferAdd\",\"id\":\"" id "\",\"displayName\":\"the " id \
	"\",\"opts\":{\"fn_slug\":\"app-b\",\"input\":" input "}}"
#define ABORT(id) "{\"op\":\"DeferAbort\",\"id\":\"ab" id "\",\"opts\":{\"target_hashed_id\":\"" id "\"}}"
#define WAIT "{\"op\":\"WaitForEvent\",\"id\":\"w\",\"opts\":{\"event\":\"x/go\",\"timeout\":\"1h\"}}"
#define STEP(id) "{\"op\":\"StepRun\",\"id\":\"" id "\",\"data\":1}"
#define END "{\"op\":\"RunComplete\",\"id\":\"c\",\"data\":1}"

static struct target start(struct fixture *f) {
	fixture_event(f, "{\"name\":\"x/y\"}");
	return fixture_target(fixture_call(f, 0));
}

static struct str told(const struct fixture *f) {
	assert_int_equal(fixture_calls(f), 1);
	return fixture_call(f, 0)->defers;
}

static void assert_told(const struct fixture *f, const char *expected) {
	assert_true(str_eq_cstr(told(f), expected));
}

// The data of the event of the only call there is.
static void assert_data(struct fixture *f, const char *beginning, const char *end) {
	assert_int_equal(fixture_calls(f), 1);
	const struct payload_ref *ref = &fixture_call(f, 0)->events;
	struct payload *body = payload_ref(ref->data);
	struct error error;
	if (body == NULL)
		assert_int_equal(store_body(f->store, ref->kind, str_make(ref->key, ref->key_len), &body, &error),
				 ERR_OK);
	struct str text = payload_str(body);
	if (!str_starts_with(text, str_from_cstr(beginning)) || str_find_str(text, str_from_cstr(end)) < 0)
		fail_msg("%.*s", STR_ARG(text));
	payload_unref(body);
}

static void test_end_starts_them(void **state) {
	struct fixture *f = *state;
	struct target run = start(f);
	assert_told(f, "{}");
	answer(f, run, "[" ADD("d", "{\"z\":[1],\"A\":2,\"n\":1,\"_inngest\":0}") "," WAIT "]");
	const struct history_item *item = fixture_history(f, HISTORY_DEFER, 0);
	assert_true(str_eq_cstr(item->defer.id, "d") && str_eq_cstr(item->defer.name, "the d"));
	assert_int_equal(item->defer.status, DEFER_AFTER_RUN);
	fixture_assert_stored(f);
	fixture_event(f, "{\"name\":\"x/go\"}");
	assert_told(f, "{\"d\":{\"abortable\":true}}");
	run = fixture_target(fixture_call(f, 0));
	fixture_answer(f, run, 200, "2", "1");
	struct ulid event_id = defer_event_id(&run.run_id, STR("d"));
	bool found = false;
	for (size_t i = 0; i < f->batch->history_count; i++) {
		const struct history_item *event = &f->batch->history[i];
		if (event->kind != HISTORY_EVENT || !str_eq(event->event.name, DEFER_EVENT)) continue;
		found = ulid_cmp(&event->event.internal_id, &event_id) == 0;
	}
	assert_true(found);
	fixture_assert_stored(f);
	assert_int_equal(fixture_load_held(f), 1);
	assert_true(fixture_history(f, HISTORY_RUN, 0)->run.is_deferred);
	assert_data(f, "[{\"data\":{\"A\":2,\"_inngest\":{\"fn_slug\":\"app-b\",\"parent_app_id\":\"",
		    "\"},\"n\":1,\"z\":[1]},\"id\":\"");
	fixture_assert_stored(f);
}

// From the store, as nothing of it is in memory.
static void test_restart(void **state) {
	struct fixture *f = *state;
	answer(f, start(f), "[" ADD("d", "{\"n\":1}") "," ADD("g", "{\"n\":2}") "," ABORT("g") "," WAIT "]");
	assert_int_equal(fixture_restart(f), 0);
	fixture_assert_stored(f);
	fixture_event(f, "{\"name\":\"x/go\"}");
	assert_told(f, "{\"d\":{\"abortable\":true},\"g\":{\"abortable\":false}}");
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 200, "2", "1");
	// The server stops before they are matched.
	assert_int_equal(fixture_restart(f), 0);
	fixture_assert_stored(f);
	assert_int_equal(fixture_load_held(f), 1);
	assert_data(f, "[{\"data\":{\"_inngest\":{\"fn_slug\":\"app-b\"", "\"},\"n\":1},\"id\":\"");
}

// One of them cannot be read any more: those that come later get numbers of their own.
static void test_after_a_quarantine(void **state) {
	struct fixture *f = *state;
	answer(f, start(f), "[" ADD("d", "{\"n\":1}") "," ADD("g", "{\"n\":2}") "," ADD("h", "{\"n\":3}") "," WAIT "]");
	fixture_damage(f, RECORD_DEFER, false);
	assert_int_equal(fixture_restart(f), 1);
	fixture_assert_stored(f);
	fixture_event(f, "{\"name\":\"x/go\"}");
	assert_told(f, "{\"g\":{\"abortable\":true},\"h\":{\"abortable\":true}}");
	answer(f, fixture_target(fixture_call(f, 0)), "[" ADD("i", "{\"n\":4}") "," STEP("s") "]");
	fixture_assert_stored(f);
	assert_int_equal(fixture_restart(f), 0);
	fixture_assert_stored(f);
	assert_told(f, "{\"g\":{\"abortable\":true},\"h\":{\"abortable\":true},\"i\":{\"abortable\":true}}");
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 200, "2", "1");
	assert_int_equal(fixture_load_held(f), 3);
}

// The data of one is lost: it is dropped, the run ends and the other one is started.
static void test_lost_data(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f,
				   FIXTURE_FUNCTION("app-a", "\"triggers\":[{\"event\":\"x/y\"}]") "," FIXTURE_FUNCTION(
					   "app-b", "\"triggers\":[{\"event\":\"inngest/deferred.schedule\"}]"));
	answer(f, start(f), "[" ADD("d", "{\"n\":1}") "," ADD("g", "{\"n\":2}") "," WAIT "]");
	fixture_damage(f, RECORD_DEFER, true);
	assert_int_equal(fixture_restart(f), 0);
	fixture_event(f, "{\"name\":\"x/go\"}");
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 200, "2", "1");
	assert_int_equal(fixture_histories(f, HISTORY_FINISH), 1);
	fixture_assert_stored(f);
	assert_int_equal(fixture_load_held(f), 1);
	assert_data(f, "[{\"data\":{\"_inngest\":{", "},\"n\":2},\"id\":\"");
	assert_int_equal(fixture_runs(f), 1);
	fixture_assert_stored(f);
}

static void test_cancelled(void **state) {
	struct fixture *f = *state;
	struct target run = start(f);
	answer(f, run, "[" ADD("d", "{\"n\":1}") "," WAIT "]");
	fixture_cancel(f, &run.run_id);
	assert_int_equal(fixture_load_held(f), 1);
	assert_int_equal(fixture_calls(f), 1);
}

static void test_with_the_end(void **state) {
	struct fixture *f = *state;
	answer(f, start(f),
	       "[" END
	       "," ADD("d", "{\"n\":1}") "," ADD("d", "{\"n\":2}") "," ADD("e", "{\"n\":3}") "," ABORT("e") "]");
	assert_int_equal(fixture_load_held(f), 1);
	assert_data(f, "[{\"data\":{\"_inngest\":{", "\"},\"n\":1},");
	assert_int_equal(fixture_runs(f), 1);
}

// What changes something is followed by one call at once; the rest is no progress.
static void test_alone(void **state) {
	struct fixture *f = *state;
	struct target run = start(f);
	answer(f, run, "[" ADD("d", "{}") "," ADD("e", "{}") "]");
	assert_told(f, "{\"d\":{\"abortable\":true},\"e\":{\"abortable\":true}}");
	answer(f, fixture_target(fixture_call(f, 0)), "[" ADD("d", "{}") "," ABORT("x") "]");
	assert_int_equal(fixture_calls(f), 0);
	for (unsigned i = 0; i < 12 && fixture_runs(f) > 0; i++) {
		fixture_tick(f, 200000);
		if (fixture_calls(f) > 0) answer(f, fixture_target(fixture_call(f, 0)), "[" ABORT("x") "]");
	}
	assert_true(fixture_finished(f, &run.run_id, "Failed"));
}

static void test_limits(void **state) {
	struct fixture *f = *state;
	struct buf ops;
	buf_init(&ops, SIZE_MAX);
	buf_byte(&ops, '[');
	for (unsigned i = 0; i < DEFERS_MAX + 2; i++)
		buf_printf(&ops, "{\"op\":\"DeferAdd\",\"id\":\"d%u\",\"opts\":{\"fn_slug\":\"%s\",\"input\":{}}},", i,
			   i == 1 ? "" : "app-b");
	buf_lit(&ops, WAIT "]");
	buf_byte(&ops, '\0');
	struct target run = start(f);
	answer(f, run, ops.ptr);
	buf_free(&ops);
	assert_int_equal(fixture_histories(f, HISTORY_DEFER), DEFERS_MAX);
	assert_int_equal(fixture_history(f, HISTORY_DEFER, 1)->defer.status, DEFER_REJECTED);
	assert_int_equal(f->batch->complaint_count, 3);
	assert_int_equal(fixture_restart(f), 0);
	fixture_assert_stored(f);
	fixture_cancel(f, &run.run_id);
	assert_int_equal(f->batch->load_count, DEFERS_MAX - 1);
}

static void test_checkpoint(void **state) {
	struct fixture *f = *state;
	struct target run = start(f);
	struct command *command = command_new(COMMAND_CHECKPOINT);
	command->checkpoint.run_id = run.run_id;
	struct error error;
	assert_int_equal(
		opcodes_parse(&command->arena,
			      STR("[" ADD("d", "{\"n\":1}") ",{\"op\":\"StepRun\",\"id\":\"s\",\"data\":1}," ADD(
				      "e", "{\"n\":1}") "," ABORT("e") "]"),
			      false, &command->checkpoint.ops, &command->checkpoint.op_count, &error),
		ERR_OK);
	fixture_apply(f, command);
	assert_int_equal(fixture_histories(f, HISTORY_DEFER), 3);
	answer(f, run, "[" END "]");
	assert_int_equal(fixture_load_held(f), 1);
	assert_int_equal(fixture_calls(f), 1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_end_starts_them, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_restart, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_after_a_quarantine, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_lost_data, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_cancelled, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_with_the_end, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_alone, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_limits, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_checkpoint, setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
