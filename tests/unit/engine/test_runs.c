// Runs from event to end: steps, parallel groups, sleeps, retries, failures, restarts.
#include "fixture.h"

static struct target begin(struct fixture *f, const char *retries) {
	char spec[64];
	snprintf(spec, sizeof spec, "app-f|t/f|%s", retries);
	fixture_register(f, "app", spec);
	fixture_event(f, "{\"name\":\"t/f\",\"data\":{\"k\":1}}");
	assert_int_equal(fixture_calls(f), 1);
	return fixture_target(fixture_call(f, 0));
}

static void test_first_call(void **state) {
	struct fixture *f = *state;
	begin(f, "2");
	const struct call *call = fixture_call(f, 0);
	assert_int_equal(call->request_version, -1);
	assert_int_equal(call->attempt, 0);
	assert_int_equal(call->max_attempts, 3);
	assert_int_equal(call->generation, 1);
	assert_int_equal(call->stack_current, 0);
	assert_int_equal(call->step_count, 0);
	assert_true(str_eq(call->target, STR("")));
	assert_true(str_starts_with(payload_str(call->events.data), STR("[{\"data\":{\"k\":1},\"id\":\"")));
	assert_int_equal(call->first_event_len + 2, call->events.data->len);
	assert_non_null(fixture_history(f, HISTORY_EVENT, 0));
	assert_non_null(fixture_history(f, HISTORY_RUN, 0));
}

static void test_sequence_to_result(void **state) {
	struct fixture *f = *state;
	struct target to = begin(f, "2");
	fixture_answer(f, to, 206, "1", "[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":{\"x\":1}}]");
	const struct call *call = fixture_call(f, 0);
	assert_int_equal(call->request_version, 1);
	assert_int_equal(call->stack_current, 1);
	assert_int_equal(call->step_count, 1);
	assert_true(str_eq(call->steps[0].id, STR("a")));
	assert_true(str_eq(payload_str(call->steps[0].value.data), STR("{\"data\":{\"x\":1}}")));
	fixture_answer(f, fixture_target(call), 200, "1", "{\"done\":true}");
	assert_string_equal(fixture_status(f), "Completed");
	assert_true(str_eq(payload_str(fixture_history(f, HISTORY_FINISH, 0)->finish.output), STR("{\"done\":true}")));
	const struct history_item *event = fixture_history(f, HISTORY_EVENT, 0);
	assert_true(str_eq(event->event.name, STR("inngest/function.finished")));
	assert_true(str_find_str(event->event.data, STR("\"result\":{\"done\":true}")) >= 0);
	assert_true(str_find_str(event->event.data, STR("\"_inngest\":{\"status\":\"Completed\"}")) >= 0);
	assert_int_equal(fixture_runs(f), 0);
}

static void test_doubled_answer_is_dropped(void **state) {
	struct fixture *f = *state;
	struct target to = begin(f, "2");
	fixture_answer(f, to, 206, "1", "[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":1}]");
	assert_int_equal(fixture_calls(f), 1);
	fixture_answer(f, to, 206, "1", "[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":2}]");
	assert_int_equal(fixture_calls(f), 0);
}

// Spec 02 §20 T5: version 2 joins once; the flag goes off.
static void test_parallel_joins_once(void **state) {
	struct fixture *f = *state;
	struct target to = begin(f, "2");
	fixture_answer(f, to, 206, "2",
		       "[{\"op\":\"StepPlanned\",\"id\":\"p1\"},{\"op\":\"StepPlanned\",\"id\":\"p2\"}]");
	assert_int_equal(fixture_calls(f), 2);
	struct target one = fixture_target(fixture_call(f, 0)), two = fixture_target(fixture_call(f, 1));
	assert_true(str_eq(fixture_call(f, 0)->target, STR("p1")));
	assert_true(fixture_call(f, 0)->disable_immediate_execution);
	fixture_answer(f, two, 206, "2", "[{\"op\":\"StepRun\",\"id\":\"p2\",\"data\":2}]");
	assert_int_equal(fixture_calls(f), 0);
	fixture_answer(f, one, 206, "2", "[{\"op\":\"StepRun\",\"id\":\"p1\",\"data\":1}]");
	assert_int_equal(fixture_calls(f), 1);
	const struct call *call = fixture_call(f, 0);
	assert_false(call->disable_immediate_execution);
	assert_int_equal(call->stack_current, 2);
	// 02 §10.5 and §10.6: "<run id>-<hex xxh64(run id, 0, p1, 0, p2)>-discover"
	char id[27], text[64];
	uint8_t seed[32];
	ulid_text(&call->run_id, id);
	memcpy(seed, id, 26);
	memcpy(seed + 26, "\0p1\0p2", 6);
	snprintf(text, sizeof text, "%s-%016llx-discover", id, (unsigned long long)hash_bytes(seed, 32));
	assert_int_equal(call->job_hash, hash_xxh64(str_from_cstr(text)));
}

// Spec 02 §20 T4: version 1 discovers after every branch, and plans are de-duplicated.
static void test_parallel_version_1(void **state) {
	struct fixture *f = *state;
	struct target to = begin(f, "2");
	fixture_answer(f, to, 206, "1",
		       "[{\"op\":\"StepPlanned\",\"id\":\"p1\"},{\"op\":\"StepPlanned\",\"id\":\"p2\"}]");
	struct target one = fixture_target(fixture_call(f, 0)), two = fixture_target(fixture_call(f, 1));
	fixture_answer(f, one, 206, "1", "[{\"op\":\"StepRun\",\"id\":\"p1\",\"data\":1}]");
	assert_int_equal(fixture_calls(f), 1);
	assert_true(fixture_call(f, 0)->disable_immediate_execution);
	struct target discovery = fixture_target(fixture_call(f, 0));
	fixture_answer(f, discovery, 206, "1", "[{\"op\":\"StepPlanned\",\"id\":\"p2\"}]");
	assert_int_equal(fixture_calls(f), 0);
	fixture_answer(f, two, 206, "1", "[{\"op\":\"StepRun\",\"id\":\"p2\",\"data\":2}]");
	assert_int_equal(fixture_calls(f), 1);
}

static void test_race_goes_on_with_the_first(void **state) {
	struct fixture *f = *state;
	struct target to = begin(f, "2");
	fixture_answer(f, to, 206, "2",
		       "[{\"op\":\"StepPlanned\",\"id\":\"fast\",\"opts\":{\"parallelMode\":\"race\"}},"
		       "{\"op\":\"Sleep\",\"id\":\"slow\",\"name\":\"4s\",\"opts\":{\"parallelMode\":\"race\"}}]");
	struct target fast = fixture_target(fixture_call(f, 0));
	fixture_answer(f, fast, 206, "2",
		       "[{\"op\":\"StepRun\",\"id\":\"fast\",\"data\":1,\"opts\":{\"parallelMode\":\"race\"}}]");
	assert_int_equal(fixture_calls(f), 1);
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 206, "2",
		       "[{\"op\":\"Sleep\",\"id\":\"slow\",\"name\":\"4s\"}]");
	assert_int_equal(fixture_calls(f), 0);
	fixture_tick(f, 4000);
	assert_int_equal(fixture_calls(f), 1);
	assert_int_equal(fixture_call(f, 0)->stack_current, 2);
}

static void test_sleep(void **state) {
	struct fixture *f = *state;
	struct target to = begin(f, "2");
	fixture_answer(f, to, 206, "1", "[{\"op\":\"Sleep\",\"id\":\"z\",\"name\":\"2s\"}]");
	assert_int_equal(fixture_calls(f), 0);
	assert_int_equal(engine_deadline(f->engine), f->now + 2000);
	fixture_tick(f, 1999);
	assert_int_equal(fixture_calls(f), 0);
	fixture_tick(f, 1);
	const struct call *call = fixture_call(f, 0);
	assert_int_equal(call->step_count, 1);
	assert_null(call->events.data); // at rest: the driver fetches it
	assert_true(str_eq(payload_str(call->steps[0].value.data), STR("null")));
	assert_int_equal(call->stack_current, 1);
}

static void test_sleep_too_long(void **state) {
	struct fixture *f = *state;
	fixture_answer(f, begin(f, "2"), 206, "1", "[{\"op\":\"Sleep\",\"id\":\"z\",\"name\":\"367d\"}]");
	assert_string_equal(fixture_status(f), "Failed");
	assert_true(str_find_str(payload_str(fixture_history(f, HISTORY_FINISH, 0)->finish.output),
				 STR("InngestErrTimeoutTooLong")) >= 0);
}

static void test_unreadable_sleep_fails_the_run(void **state) {
	struct fixture *f = *state;
	fixture_answer(f, begin(f, "2"), 206, "1", "[{\"op\":\"Sleep\",\"id\":\"z\",\"name\":\"soon\"}]");
	assert_string_equal(fixture_status(f), "Failed");
}

// Spec 02 §20 T9.
static void test_step_error_then_final(void **state) {
	struct fixture *f = *state;
	static const char *body =
		"[{\"op\":\"StepError\",\"id\":\"bad\",\"error\":{\"name\":\"E\",\"message\":\"m\"}}]";
	fixture_answer(f, begin(f, "1"), 206, "2", body);
	assert_int_equal(fixture_calls(f), 0);
	uint64_t delay = engine_deadline(f->engine) - f->now;
	assert_true(delay >= 15000 && delay < 45000);
	fixture_tick(f, delay);
	const struct call *call = fixture_call(f, 0);
	assert_int_equal(call->attempt, 1);
	assert_int_equal(call->generation, 2);
	fixture_answer(f, fixture_target(call), 206, "2", body);
	call = fixture_call(f, 0);
	assert_int_equal(call->attempt, 0);
	assert_int_equal(call->generation, 1);
	assert_true(
		str_eq(payload_str(call->steps[0].value.data), STR("{\"error\":{\"message\":\"m\",\"name\":\"E\"}}")));
}

static void test_exhausted_retries_fail(void **state) {
	struct fixture *f = *state;
	fixture_register(f, "app", "app-f|t/f|0 app-watch|inngest/function.failed|0");
	fixture_event(f, "{\"name\":\"t/f\"}");
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 500, "1", "{\"name\":\"MyErr\",\"message\":\"boom\"}");
	assert_string_equal(fixture_status(f), "Failed");
	const struct history_item *failed = fixture_history(f, HISTORY_EVENT, 1);
	assert_true(str_eq(failed->event.name, STR("inngest/function.failed")));
	char run[27];
	ulid_text(&fixture_history(f, HISTORY_FINISH, 0)->finish.run_id, run);
	assert_true(str_eq_cstr(failed->event.id, run));
	assert_true(str_find_str(failed->event.data, STR("\"error\":{\"error\":\"invalid status code: 500\"")) >= 0);
	// The watcher runs, and its own failure emits nothing.
	assert_int_equal(fixture_calls(f), 1);
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 400, "1", "{}");
	assert_string_equal(fixture_status(f), "Failed");
	assert_null(fixture_history(f, HISTORY_EVENT, 0));
}

static void test_unsupported_opcode_fails_with_its_name(void **state) {
	struct fixture *f = *state;
	fixture_answer(f, begin(f, "2"), 206, "2",
		       "[{\"op\":\"Gateway\",\"id\":\"w\",\"name\":\"x\",\"opts\":{\"url\":\"http://localhost\"}}]");
	assert_string_equal(fixture_status(f), "Failed");
	assert_true(str_find_str(payload_str(fixture_history(f, HISTORY_FINISH, 0)->finish.output), STR("Gateway")) >=
		    0);
}

// The reference's stalls (02 §21.13): asked again a bounded number of times, then failed.
static void test_no_progress_ends(void **state) {
	struct fixture *f = *state;
	struct target to = begin(f, "2");
	unsigned calls = 0;
	for (; fixture_runs(f) > 0 && calls < 100; calls++) {
		fixture_answer(f, to, 206, "2", "[]");
		if (fixture_runs(f) == 0) break;
		assert_int_equal(fixture_calls(f), 0);
		fixture_tick(f, engine_deadline(f->engine) - f->now);
		to = fixture_target(fixture_call(f, 0));
	}
	assert_int_equal(calls, 10);
	assert_string_equal(fixture_status(f), "Failed");
}

static void test_same_step_again_goes_on(void **state) {
	struct fixture *f = *state;
	static const char *body = "[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":1}]";
	fixture_answer(f, begin(f, "2"), 206, "2", body);
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 206, "2", body);
	fixture_tick(f, 1000);
	assert_int_equal(fixture_calls(f), 1);
}

static void test_step_limit(void **state) {
	struct fixture *f = *state;
	fixture_close(f);
	f->config.steps_max = 2;
	fixture_open(f);
	fixture_answer(f, begin(f, "2"), 206, "2", "[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":1}]");
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 206, "2",
		       "[{\"op\":\"StepRun\",\"id\":\"b\",\"data\":1}]");
	assert_int_equal(fixture_calls(f), 1); // exactly the limit may complete
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 206, "2",
		       "[{\"op\":\"StepRun\",\"id\":\"c\",\"data\":1}]");
	assert_string_equal(fixture_status(f), "Failed");
	assert_true(str_find_str(payload_str(fixture_history(f, HISTORY_FINISH, 0)->finish.output),
				 STR("The function run exceeded the step limit of 2 steps.")) >= 0);
}

static void test_retry_after(void **state) {
	struct fixture *f = *state;
	struct target to = begin(f, "2");
	struct command *command = command_new(COMMAND_ANSWER);
	command->answer.run_id = to.run_id;
	command->answer.slot = to.slot;
	command->answer.dispatch = to.dispatch;
	struct answer_header headers[] = {{STR("X-Inngest-SDK"), STR("inngest-js:v4.24.0")},
					  {STR("Retry-After"), STR("3")}};
	struct http_reply reply = {.status = 500, .headers = headers, .header_count = 2, .body = STR("{}")};
	answer_read(&command->arena, &reply, f->now, &command->answer.answer);
	fixture_apply(f, command);
	assert_int_equal(engine_deadline(f->engine), T0 + 3000);
}

static void test_cancel_at_rest_emits_whole_events(void **state) {
	struct fixture *f = *state;
	struct target to = begin(f, "2");
	fixture_answer(f, to, 206, "1", "[{\"op\":\"Sleep\",\"id\":\"z\",\"name\":\"2d\"}]");
	struct command *command = command_new(COMMAND_CANCEL);
	command->request = 99;
	command->run.run_id = to.run_id;
	fixture_apply(f, command);
	assert_string_equal(fixture_status(f), "Cancelled");
	const struct history_item *event = fixture_history(f, HISTORY_EVENT, 1);
	assert_true(str_eq(event->event.name, STR("inngest/function.cancelled")));
	struct str data = payload_str(event->event.late_data->text);
	struct error error;
	yyjson_doc *doc = json_read(data, false, NULL, &error);
	assert_non_null(doc);
	yyjson_val *root = yyjson_doc_get_root(doc);
	assert_int_equal(yyjson_get_int(yyjson_ptr_get(root, "/event/data/k")), 1);
	assert_int_equal(yyjson_arr_size(yyjson_obj_get(root, "events")), 1);
	yyjson_doc_free(doc);
	assert_int_equal(fixture_runs(f), 0);
}

static void test_late_event_starts_a_run(void **state) {
	struct fixture *f = *state;
	fixture_register(f, "app", "app-f|t/f|2 app-w|inngest/function.cancelled|2");
	fixture_event(f, "{\"name\":\"t/f\",\"data\":{\"k\":1}}");
	struct target to = fixture_target(fixture_call(f, 0));
	fixture_answer(f, to, 206, "1", "[{\"op\":\"Sleep\",\"id\":\"z\",\"name\":\"2d\"}]");
	struct command *command = command_new(COMMAND_CANCEL);
	command->run.run_id = to.run_id;
	fixture_apply(f, command);
	const struct call *call = fixture_call(f, 0);
	assert_non_null(call);
	assert_null(call->events.data);
	struct payload *body;
	struct error error;
	assert_int_equal(store_body(f->store, call->events.kind, str_make(call->events.key, call->events.key_len),
				    &body, &error),
			 ERR_OK);
	assert_int_equal(body->len, call->events.size);
	assert_int_equal(body->len, call->first_event_len + 2);
	yyjson_doc *doc = json_read(payload_str(body), false, NULL, &error);
	assert_non_null(doc);
	yyjson_doc_free(doc);
	payload_unref(body);
}

static void test_future_event_waits(void **state) {
	struct fixture *f = *state;
	fixture_register(f, "app", "app-f|t/f|2");
	fixture_event(f, "{\"name\":\"t/f\",\"ts\":1800000060000}");
	assert_int_equal(fixture_calls(f), 0);
	fixture_tick(f, 60000);
	assert_int_equal(fixture_calls(f), 1);
}

static void test_workers_bound_calls(void **state) {
	struct fixture *f = *state;
	fixture_close(f);
	f->config.workers = 1;
	fixture_open(f);
	fixture_register(f, "app", "app-a|t/a|2 app-b|t/b|2");
	fixture_event(f, "{\"name\":\"t/a\"}");
	struct target first = fixture_target(fixture_call(f, 0));
	fixture_event(f, "{\"name\":\"t/a\"}");
	assert_int_equal(fixture_calls(f), 0);
	fixture_event(f, "{\"name\":\"t/b\"}");
	fixture_answer(f, first, 200, "1", "1");
	assert_int_equal(fixture_calls(f), 1);
}

static void test_workers_are_per_app(void **state) {
	struct fixture *f = *state;
	fixture_close(f);
	f->config.workers = 2;
	fixture_open(f);
	fixture_register(f, "mute", "mute-a|t/a|2 mute-b|t/b|2");
	fixture_register(f, "other", "other-c|t/c|2");
	fixture_event(f, "{\"name\":\"t/a\"}");
	struct target first = fixture_target(fixture_call(f, 0));
	struct uuid mute = fixture_call(f, 0)->app_id;
	fixture_event(f, "{\"name\":\"t/b\"}");
	assert_int_equal(fixture_calls(f), 1);
	fixture_event(f, "{\"name\":\"t/a\"}"); // the third finds both workers of its app busy
	assert_int_equal(fixture_calls(f), 0);
	for (int i = 0; i < 2; i++) {
		fixture_event(f, "{\"name\":\"t/c\"}"); // which is nothing to another app
		assert_int_equal(fixture_calls(f), 1);
	}
	fixture_event(f, "{\"name\":\"t/c\"}");
	assert_int_equal(fixture_calls(f), 0);
	fixture_answer(f, first, 200, "1", "1"); // frees a worker of its own app only
	assert_int_equal(fixture_calls(f), 1);
	assert_true(uuid_eq(&fixture_call(f, 0)->app_id, &mute));
}

static void test_restart_makes_calls_again(void **state) {
	struct fixture *f = *state;
	struct target to = begin(f, "2");
	fixture_answer(f, to, 206, "2", "[{\"op\":\"StepRun\",\"id\":\"a\",\"data\":1}]");
	assert_int_equal(fixture_restart(f), 0);
	const struct call *call = fixture_call(f, 0);
	assert_non_null(call);
	assert_int_equal(call->step_count, 1);
	assert_int_equal(call->attempt, 0);
	assert_int_equal(call->request_version, 2);
}

static void test_unreadable_record_is_set_aside(void **state) {
	struct fixture *f = *state;
	begin(f, "2");
	struct error error;
	struct record bad = {.op = RECORD_PUT, .kind = RECORD_ITEM, .key_len = 3, .key = "bad", .head = STR("\x01zz")};
	assert_int_equal(store_begin(f->store, &error), ERR_OK);
	assert_int_equal(store_write(f->store, &bad, &error), ERR_OK);
	assert_int_equal(store_commit(f->store, &error), ERR_OK);
	assert_int_equal(fixture_restart(f), 1);
	assert_int_equal(fixture_calls(f), 1);
}

static void test_determinism(void **state) {
	(void)state;
	uint64_t digests[2];
	for (int i = 0; i < 2; i++) {
		struct fixture f = {0};
		fixture_open(&f);
		begin(&f, "2");
		struct target to = fixture_target(fixture_call(&f, 0));
		fixture_answer(&f, to, 500, "1", "x");
		digests[i] = batch_digest(f.batch);
		fixture_close(&f);
	}
	assert_int_equal(digests[0], digests[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_first_call),
		TEST(test_sequence_to_result),
		TEST(test_doubled_answer_is_dropped),
		TEST(test_parallel_joins_once),
		TEST(test_parallel_version_1),
		TEST(test_race_goes_on_with_the_first),
		TEST(test_sleep),
		TEST(test_sleep_too_long),
		TEST(test_unreadable_sleep_fails_the_run),
		TEST(test_step_error_then_final),
		TEST(test_exhausted_retries_fail),
		TEST(test_unsupported_opcode_fails_with_its_name),
		TEST(test_no_progress_ends),
		TEST(test_same_step_again_goes_on),
		TEST(test_step_limit),
		TEST(test_retry_after),
		TEST(test_cancel_at_rest_emits_whole_events),
		TEST(test_late_event_starts_a_run),
		TEST(test_future_event_waits),
		TEST(test_workers_bound_calls),
		TEST(test_workers_are_per_app),
		TEST(test_restart_makes_calls_again),
		TEST(test_unreadable_record_is_set_aside),
		TEST(test_determinism),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
