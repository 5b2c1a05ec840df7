// Waits for signals: who gets a signal, what becomes of the others, and of their names (03 §14.7).
#include "fixture.h"

static int setup(void **state) {
	struct fixture *f = mem_calloc(1, sizeof *f);
	fixture_open(f);
	fixture_register(f, "app", "app-a|x/y|0");
	*state = f;
	return 0;
}

// Starts a run and answers its first call with these ops.
static struct target begin(struct fixture *f, const char *version, const char *ops) {
	f->now++;
	fixture_event(f, "{\"name\":\"x/y\"}");
	struct target run = fixture_target(fixture_call(f, 0));
	fixture_answer(f, run, 206, version, ops);
	return run;
}

// Starts a run and lets it wait with these options.
static struct target start_waiting(struct fixture *f, const char *options) {
	char ops[1000];
	snprintf(ops, sizeof ops, "[{\"op\":\"WaitForSignal\",\"id\":\"w\",\"name\":\"wait\",\"opts\":{%s}}]", options);
	return begin(f, "1", ops);
}

// The reply to the last signal that was sent.
static const struct reply *send(struct fixture *f, const char *name, const char *data) {
	struct command *command = command_new(COMMAND_SIGNAL);
	command->request = ++f->next_request;
	command->signal.name = str_from_cstr(name);
	command->signal.data = payload_new(str_from_cstr(data));
	fixture_apply(f, command);
	const struct reply *reply = (const struct reply *)f->batch->replies;
	assert_non_null(reply);
	assert_null(reply->message.next);
	assert_int_equal(reply->request, f->next_request);
	return reply;
}

static void assert_hits(struct fixture *f, const char *name, struct target run) {
	const struct reply *reply = send(f, name, "1");
	assert_int_equal(reply->kind, REPLY_OK);
	assert_int_equal(reply->status, 200);
	assert_memory_equal(reply->run_id.bytes, run.run_id.bytes, 16);
	assert_int_equal(fixture_calls(f), 1);
	assert_memory_equal(fixture_call(f, 0)->run_id.bytes, run.run_id.bytes, 16);
}

static void assert_misses(struct fixture *f, const char *name) {
	const struct reply *reply = send(f, name, "1");
	assert_int_equal(reply->kind, REPLY_FAILED);
	assert_int_equal(reply->status, 404);
	assert_true(str_eq(reply->text, STR("No signal found")));
}

// The value of a step in the one call of the last command.
static void assert_memo(struct fixture *f, const char *id, const char *expected) {
	assert_int_equal(fixture_calls(f), 1);
	const struct call *call = fixture_call(f, 0);
	for (size_t i = 0; i < call->step_count; i++) {
		if (!str_eq_cstr(call->steps[i].id, id)) continue;
		const struct payload_ref *ref = &call->steps[i].value;
		struct payload *value = payload_ref(ref->data);
		struct error error;
		if (value == NULL)
			assert_int_equal(
				store_body(f->store, ref->kind, str_make(ref->key, ref->key_len), &value, &error),
				ERR_OK);
		assert_string_equal(value->bytes, expected);
		payload_unref(value);
		return;
	}
	fail_msg("step %s is not memoised", id);
}

static void assert_failed(struct fixture *f, const char *message) {
	assert_string_equal(fixture_status(f), "Failed");
	struct str output = payload_str(fixture_history(f, HISTORY_FINISH, 0)->finish.output);
	if (str_find_str(output, str_from_cstr(message)) < 0) print_error("%.*s\n", STR_ARG(output));
	assert_true(str_find_str(output, str_from_cstr(message)) >= 0);
}
#define CONFLICT                                                                                      \
	"{\"error\":\"Error\",\"message\":\"Signal conflict; signal wait already exists for another " \
	"run\",\"name\":\"Error\"}"

static void cancel(struct fixture *f, struct target run) {
	struct command *command = command_new(COMMAND_CANCEL);
	command->run.run_id = run.run_id;
	fixture_apply(f, command);
	assert_string_equal(fixture_status(f), "Cancelled");
}

static void restart(struct fixture *f) {
	fixture_assert_stored(f);
	f->now++;
	assert_int_equal(fixture_restart(f), 0);
	fixture_assert_stored(f);
}

// ---- one wait ------------------------------------------------------------------------------------------------------

static void test_signal_ends_the_wait(void **state) {
	struct fixture *f = *state;
	struct target run = start_waiting(f, "\"signal\":\"a \\\"b\\\"\\n\",\"timeout\":\"1h\"");
	assert_int_equal(fixture_calls(f), 0);
	assert_misses(f, "a");
	const struct reply *reply = send(f, "a \"b\"\n", "{\"k\":[1,null]}");
	assert_int_equal(reply->status, 200);
	assert_memory_equal(reply->run_id.bytes, run.run_id.bytes, 16);
	assert_memo(f, "w", "{\"data\":{\"data\":{\"k\":[1,null]},\"signal\":\"a \\\"b\\\"\\n\"}}");
	struct target next = fixture_target(fixture_call(f, 0));
	assert_misses(f, "a \"b\"\n"); // each signal ends one wait, each wait takes one signal
	fixture_answer(f, next, 200, "1", "1");
	assert_string_equal(fixture_status(f), "Completed");
}

static void test_names_with_any_byte(void **state) {
	struct fixture *f = *state;
	start_waiting(f, "\"signal\":\"a\\u0000b\",\"timeout\":\"1h\"");
	restart(f);
	assert_misses(f, "a");
	struct command *command = command_new(COMMAND_SIGNAL);
	command->signal.name = STR("a\0b");
	command->signal.data = payload_new(STR("null"));
	fixture_apply(f, command);
	assert_memo(f, "w", "{\"data\":{\"data\":null,\"signal\":\"a\\u0000b\"}}");
}

static void test_timeout(void **state) {
	struct fixture *f = *state;
	start_waiting(f, "\"signal\":\"s\",\"timeout\":\"10s\"");
	fixture_tick(f, 9999);
	assert_int_equal(fixture_calls(f), 0);
	fixture_tick(f, 1);
	assert_memo(f, "w", "null");
	assert_misses(f, "s");
}

static void test_timeouts(void **state) {
	static const struct {
		const char *timeout; // as JSON; empty: none
		uint64_t ms;
	} cases[] = {
		{"", 365ull * 86400000},         {"\"\"", 365ull * 86400000},         {"null", 365ull * 86400000},
		{"\"400d\"", 400ull * 86400000}, {"\"2027-01-15T08:00:10Z\"", 10000},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture *f = *state;
		f->now = T0 - 1; // 2027-01-15T08:00:00Z when it waits
		char options[100];
		snprintf(options, sizeof options, "\"signal\":\"s%zu\"%s%s", i,
			 cases[i].timeout[0] != '\0' ? ",\"timeout\":" : "", cases[i].timeout);
		start_waiting(f, options);
		fixture_tick(f, cases[i].ms - 1);
		assert_int_equal(fixture_calls(f), 0);
		fixture_tick(f, 1);
		assert_memo(f, "w", "null");
		cancel(f, fixture_target(fixture_call(f, 0)));
	}
}

static void test_no_time_to_wait(void **state) {
	static const char *const timeouts[] = {"\"0s\"", "\"2001-01-01T00:00:00Z\"", "0"};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(timeouts); i++) {
		char options[100];
		snprintf(options, sizeof options, "\"signal\":\"s\",\"timeout\":%s", timeouts[i]);
		start_waiting(f, options);
		assert_memo(f, "w", "null");
		assert_misses(f, "s");
	}
}

// A signal that comes after the deadline, before the tick, is too late.
static void test_expired(void **state) {
	struct fixture *f = *state;
	start_waiting(f, "\"signal\":\"s\",\"timeout\":\"10s\"");
	f->now += 10001;
	assert_misses(f, "s");
	assert_memo(f, "w", "null");
	start_waiting(f, "\"signal\":\"s\",\"timeout\":\"10s\"");
	f->now += 10000;
	assert_int_equal(send(f, "s", "2")->status, 200); // in the very last millisecond
	assert_memo(f, "w", "{\"data\":{\"data\":2,\"signal\":\"s\"}}");
}

static void test_after_restart(void **state) {
	struct fixture *f = *state;
	struct target run = start_waiting(f, "\"signal\":\"s\",\"timeout\":\"1h\"");
	restart(f);
	assert_hits(f, "s", run);
	restart(f);
	assert_misses(f, "s");
}

static void test_what_is_no_wait(void **state) {
	static const struct {
		const char *options, *message;
	} cases[] = {
		{"", "must name the signal"},
		{"\"signal\":\"\",\"timeout\":\"1h\"", "must name the signal"},
		{"\"signal\":7", "must name the signal"},
		{"\"signal\":\"s\",\"timeout\":\"soon\"", "invalid duration"},
		{"\"signal\":\"s\",\"timeout\":\" \"", "invalid duration"},
		{"\"signal\":\"s\",\"timeout\":5000", "missing unit in duration"},
		{"\"signal\":\"s\",\"timeout\":{}", "invalid duration"},
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		start_waiting(f, cases[i].options);
		assert_failed(f, cases[i].message);
		assert_int_equal(fixture_runs(f), 0);
	}
	begin(f, "1", "[{\"op\":\"WaitForSignal\",\"id\":\"w\",\"name\":\"s\"}]");
	assert_failed(f, "must name the signal");
}

static void test_long_names(void **state) {
	struct fixture *f = *state;
	for (size_t surplus = 0; surplus < 2; surplus++) {
		struct buf ops;
		buf_init(&ops, 1 << 20);
		buf_lit(&ops, "[{\"op\":\"WaitForSignal\",\"id\":\"w\",\"opts\":{\"signal\":\"");
		for (size_t i = 0; i < SIGNAL_NAME_MAX + surplus; i++) buf_byte(&ops, 'n');
		buf_lit(&ops, "\"}}]");
		buf_byte(&ops, '\0');
		begin(f, "1", ops.ptr);
		buf_free(&ops);
		if (surplus == 0) assert_string_equal(fixture_status(f), "none");
	}
	assert_failed(f, "at most 8192 bytes");
}

// ---- several waits -------------------------------------------------------------------------------------------------

static void test_conflict(void **state) {
	static const char *const options[] = {
		"\"signal\":\"s\"",
		"\"signal\":\"s\",\"timeout\":\"1h\",\"conflict\":\"fail\"",
		"\"signal\":\"s\",\"conflict\":\"REPLACE\"",
		"\"signal\":\"s\",\"timeout\":\"0s\",\"conflict\":true",
	};
	struct fixture *f = *state;
	struct target first = start_waiting(f, "\"signal\":\"s\",\"timeout\":\"1h\"");
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		start_waiting(f, options[i]);
		assert_failed(f, CONFLICT);
	}
	struct target other = start_waiting(f, "\"signal\":\"S\",\"timeout\":\"1h\"");
	assert_hits(f, "S", other);
	assert_hits(f, "s", first);
}

static void test_replace(void **state) {
	struct fixture *f = *state;
	start_waiting(f, "\"signal\":\"s\",\"timeout\":\"10s\"");
	uint64_t due_ms = f->now + 10000;
	struct target second = start_waiting(f, "\"signal\":\"s\",\"timeout\":\"1h\",\"conflict\":\"replace\"");
	assert_int_equal(fixture_runs(f), 2);
	assert_hits(f, "s", second);
	assert_misses(f, "s"); // the first one waits on, and yet nobody can reach it
	assert_int_equal(fixture_runs(f), 2);
	f->now = due_ms - 1;
	fixture_tick(f, 0);
	assert_int_equal(fixture_calls(f), 0);
	fixture_tick(f, 1);
	assert_memo(f, "w", "null");
}

static void test_replaced_after_restart(void **state) {
	struct fixture *f = *state;
	start_waiting(f, "\"signal\":\"s\",\"timeout\":\"10s\"");
	uint64_t due_ms = f->now + 10000;
	restart(f);
	start_waiting(f, "\"signal\":\"s\",\"timeout\":\"20s\",\"conflict\":\"replace\"");
	struct target third = start_waiting(f, "\"signal\":\"s\",\"timeout\":\"1h\",\"conflict\":\"replace\"");
	restart(f);
	start_waiting(f, "\"signal\":\"s\"");
	assert_failed(f, CONFLICT);
	assert_hits(f, "s", third);
	assert_misses(f, "s");
	restart(f);
	assert_misses(f, "s");
	f->now = due_ms;
	fixture_tick(f, 0);
	assert_memo(f, "w", "null");
	assert_int_equal(fixture_runs(f), 3);
}

// A store that says so is damaged: one of the two waits is set aside, and its run asked again.
static void test_two_owners_in_the_store(void **state) {
	struct fixture *f = *state;
	struct target first = start_waiting(f, "\"signal\":\"s\",\"timeout\":\"1h\"");
	start_waiting(f, "\"signal\":\"s\",\"timeout\":\"1h\",\"conflict\":\"replace\"");
	struct batch *batch = batch_new();
	struct error error;
	engine_export(f->engine, batch);
	assert_int_equal(store_begin(f->store, &error), ERR_OK);
	for (size_t i = 0; i < batch->record_count; i++) {
		struct record *record = &batch->records[i];
		if (record->kind != RECORD_ITEM || memcmp(record->key, first.run_id.bytes, 16) != 0) continue;
		char *head = arena_alloc(&batch->arena, record->head.len);
		memcpy(head, record->head.ptr, record->head.len);
		char *is_owner = head + record->head.len - 18; // before flags, queued_ms and parent_job
		assert_int_equal(*is_owner, 0);
		*is_owner = 1;
		record->head.ptr = head;
		assert_int_equal(store_write(f->store, record, &error), ERR_OK);
	}
	assert_int_equal(store_commit(f->store, &error), ERR_OK);
	batch_free(batch);
	assert_int_equal(fixture_restart(f), 1);
	assert_int_equal(fixture_runs(f), 2);
	assert_hits(f, "s", first); // whose run is the older one
}

// The end of who lost the name leaves it to its owner.
static void test_end_of_the_replaced(void **state) {
	struct fixture *f = *state;
	struct target first = start_waiting(f, "\"signal\":\"s\",\"timeout\":\"1h\"");
	struct target second = start_waiting(f, "\"signal\":\"s\",\"timeout\":\"1h\",\"conflict\":\"replace\"");
	cancel(f, first);
	restart(f);
	assert_hits(f, "s", second);
}

// An owner whose time is over is none, even if nothing has woken it: it is one command that does both.
static void test_expired_owner(void **state) {
	struct fixture *f = *state;
	start_waiting(f, "\"signal\":\"s\",\"timeout\":\"10s\"");
	fixture_event(f, "{\"name\":\"x/y\"}");
	struct target second = fixture_target(fixture_call(f, 0));
	f->now += 20000;
	fixture_answer(f, second, 206, "1", "[{\"op\":\"WaitForSignal\",\"id\":\"w\",\"opts\":{\"signal\":\"s\"}}]");
	assert_string_equal(fixture_status(f), "none");
	assert_memo(f, "w", "null"); // of the first
	restart(f);
	assert_hits(f, "s", second);
}

static void test_cancelled_runs_free_the_name(void **state) {
	struct fixture *f = *state;
	cancel(f, start_waiting(f, "\"signal\":\"s\",\"timeout\":\"1h\""));
	assert_misses(f, "s");
	struct target second = start_waiting(f, "\"signal\":\"s\",\"timeout\":\"1h\"");
	assert_string_equal(fixture_status(f), "none");
	assert_hits(f, "s", second);
}

// ---- side by side --------------------------------------------------------------------------------------------------

#define WAIT(id, options) "{\"op\":\"WaitForSignal\",\"id\":\"" id "\",\"name\":\"n\",\"opts\":{" options "}}"

// A step and two waits side by side: the run goes on once, when all are done.
static void test_parallel(void **state) {
	struct fixture *f = *state;
	begin(f, "2",
	      "[{\"op\":\"StepPlanned\",\"id\":\"s\",\"name\":\"s\"}," WAIT("w", "\"signal\":\"a\"") "," WAIT(
		      "v", "\"signal\":\"b\",\"timeout\":\"5s\"") "]");
	assert_int_equal(fixture_calls(f), 1);
	struct target step = fixture_target(fixture_call(f, 0));
	assert_int_equal(send(f, "a", "1")->status, 200);
	assert_int_equal(fixture_calls(f), 0);
	fixture_tick(f, 5000);
	assert_int_equal(fixture_calls(f), 0);
	fixture_answer(f, step, 206, "2", "[{\"op\":\"StepRun\",\"id\":\"s\",\"data\":1}]");
	assert_memo(f, "w", "{\"data\":{\"data\":1,\"signal\":\"a\"}}");
	assert_memo(f, "v", "null");
	assert_int_equal(fixture_call(f, 0)->step_count, 3);
}

// In a race each end is told at once.
static void test_race(void **state) {
	struct fixture *f = *state;
	begin(f, "2",
	      "[" WAIT("w", "\"signal\":\"a\",\"parallelMode\":\"race\"") "," WAIT(
		      "v", "\"signal\":\"b\",\"parallelMode\":\"race\"") "]");
	assert_int_equal(send(f, "b", "1")->status, 200);
	assert_memo(f, "v", "{\"data\":{\"data\":1,\"signal\":\"b\"}}");
	struct target winner = fixture_target(fixture_call(f, 0));
	assert_int_equal(fixture_call(f, 0)->step_count, 1);
	fixture_answer(f, winner, 200, "2", "1");
	assert_string_equal(fixture_status(f), "Completed");
	assert_misses(f, "a"); // the loser went with its run
}

// The app asks again for what it waits for already, beside something new: nothing happens to that wait.
static void test_same_step_again(void **state) {
	struct fixture *f = *state;
	fixture_event(f, "{\"name\":\"x/y\"}");
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 206, "1",
		       "[{\"op\":\"StepPlanned\",\"id\":\"s\",\"name\":\"s\"}," WAIT("w", "\"signal\":\"a\"") "]");
	struct target run = fixture_target(fixture_call(f, 0));
	fixture_answer(f, run, 206, "1", "[{\"op\":\"StepRun\",\"id\":\"s\",\"data\":1}]");
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 206, "1", "[" WAIT("w", "\"signal\":\"a\"") "]");
	assert_string_equal(fixture_status(f), "none");
	assert_hits(f, "a", run);
}

// Another step of the same run is another wait.
static void test_conflict_within_a_run(void **state) {
	struct fixture *f = *state;
	begin(f, "1", "[" WAIT("w", "\"signal\":\"a\"") "," WAIT("v", "\"signal\":\"a\"") "]");
	assert_failed(f, CONFLICT);
	assert_misses(f, "a"); // what the run had registered before it failed went with it
	struct target run =
		begin(f, "1",
		      "[" WAIT("w", "\"signal\":\"a\"") "," WAIT("v", "\"signal\":\"a\",\"conflict\":\"replace\"") "]");
	restart(f);
	assert_hits(f, "a", run);
	assert_memo(f, "v", "{\"data\":{\"data\":1,\"signal\":\"a\"}}");
	assert_misses(f, "a");
}

static void test_jobs(void **state) {
	struct fixture *f = *state;
	struct command *command = command_new(COMMAND_RUN_JOBS);
	command->request = ++f->next_request;
	command->run.run_id = start_waiting(f, "\"signal\":\"s\",\"timeout\":\"1h\"").run_id;
	fixture_apply(f, command);
	struct str jobs = ((const struct reply *)f->batch->replies)->text;
	assert_true(str_find_str(jobs, STR("\"kind\":\"pause\"")) >= 0);
}

// There is no upper bound (03 §1), but nanoseconds end in 2262.
static void test_job_of_a_very_long_wait(void **state) {
	struct fixture *f = *state;
	struct command *command = command_new(COMMAND_RUN_JOBS);
	command->request = ++f->next_request;
	command->run.run_id = start_waiting(f, "\"signal\":\"s\",\"timeout\":\"2540000h\"").run_id;
	fixture_apply(f, command);
	struct str jobs = ((const struct reply *)f->batch->replies)->text;
	assert_true(str_find_str(jobs, STR("\"at\":\"2262-")) >= 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_signal_ends_the_wait),
		TEST(test_names_with_any_byte),
		TEST(test_timeout),
		TEST(test_timeouts),
		TEST(test_no_time_to_wait),
		TEST(test_expired),
		TEST(test_after_restart),
		TEST(test_what_is_no_wait),
		TEST(test_long_names),
		TEST(test_conflict),
		TEST(test_replace),
		TEST(test_replaced_after_restart),
		TEST(test_two_owners_in_the_store),
		TEST(test_end_of_the_replaced),
		TEST(test_expired_owner),
		TEST(test_cancelled_runs_free_the_name),
		TEST(test_parallel),
		TEST(test_race),
		TEST(test_same_step_again),
		TEST(test_conflict_within_a_run),
		TEST(test_jobs),
		TEST(test_job_of_a_very_long_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
