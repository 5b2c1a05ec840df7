// The events that tell of the end of a run, to the letter (03 §15.3).
#include "fixture.h"

static int setup(void **state) {
	struct fixture *f = mem_calloc(1, sizeof *f);
	fixture_open(f);
	fixture_register(f, "app", "app-a|x/y|0");
	*state = f;
	return 0;
}

// The data of the n-th event of the last batch, with RUN for the run's id.
static const char *data_of(const struct fixture *f, unsigned n, const struct ulid *run_id) {
	static char text[4096];
	const struct history_item *item = fixture_history(f, HISTORY_EVENT, n);
	assert_non_null(item);
	struct str data = item->event.late_data != NULL ? payload_str(item->event.late_data->text) : item->event.data;
	assert_true(data.len < sizeof text);
	memcpy(text, data.ptr, data.len);
	text[data.len] = '\0';
	char id[ULID_TEXT_LEN + 1];
	ulid_text(run_id, id);
	char *at = strstr(text, id);
	assert_non_null(at);
	memcpy(at, "RUN", 3);
	memmove(at + 3, at + ULID_TEXT_LEN, strlen(at + ULID_TEXT_LEN) + 1);
	return text;
}

static struct target start(struct fixture *f, const char *event) {
	fixture_event(f, event);
	return fixture_target(fixture_call(f, 0));
}

// With the run's events at hand, and with them in the store alone.
static void finish_twice(struct fixture *f, const char *event, int status, const char *body, const char *name,
			 const char *expected) {
	for (int at_rest = 0; at_rest < 2; at_rest++) {
		struct target run = start(f, event);
		if (at_rest) {
			assert_int_equal(fixture_restart(f), 0);
			run = fixture_target(fixture_call(f, 0));
			f->without_events_of_failures = true;
		}
		if (status > 0) {
			fixture_answer(f, run, status, "1", body);
		} else {
			struct command *cancel = command_new(COMMAND_CANCEL);
			cancel->run.run_id = run.run_id;
			fixture_apply(f, cancel);
		}
		f->without_events_of_failures = false;
		f->now += RUN_IDEMPOTENCY_MS;
		const struct history_item *first = fixture_history(f, HISTORY_EVENT, 0);
		assert_true(str_eq(first->event.name, STR("inngest/function.finished")));
		assert_string_equal(data_of(f, 0, &run.run_id), expected);
		if (name[0] == '\0') continue;
		const struct history_item *second = fixture_history(f, HISTORY_EVENT, 1);
		assert_true(str_eq_cstr(second->event.name, name));
		char id[ULID_TEXT_LEN + 1];
		ulid_text(&run.run_id, id);
		assert_true(str_eq_cstr(second->event.id, id));
		assert_string_equal(data_of(f, 1, &run.run_id), expected);
	}
}

static void test_completed(void **state) {
	finish_twice(*state, "{\"name\":\"x/y\",\"id\":\"i\",\"ts\":1700000000000,\"data\":{\"k\":1}}", 200, "null", "",
		     "{\"_inngest\":{\"status\":\"Completed\"},"
		     "\"event\":{\"data\":{\"k\":1},\"id\":\"i\",\"name\":\"x/y\","
		     "\"ts\":1700000000000,\"user\":{}},"
		     "\"events\":[{\"data\":{\"k\":1},\"id\":\"i\",\"name\":\"x/y\","
		     "\"ts\":1700000000000}],"
		     "\"function_id\":\"app-a\",\"result\":null,\"run_id\":\"RUN\"}");
}

static void test_failed(void **state) {
	finish_twice(
		*state, "{\"name\":\"x/y\",\"id\":\"i\",\"ts\":1700000000000,\"user\":{\"u\":1}}", 400,
		"{\"name\":\"MyErr\",\"message\":\"boom\"}", "inngest/function.failed",
		"{\"_inngest\":{\"status\":\"Failed\"},"
		"\"error\":{\"error\":\"NonRetriableError\",\"message\":\"boom\",\"name\":\"MyErr\"},"
		"\"event\":{\"data\":{},\"id\":\"i\",\"name\":\"x/y\",\"ts\":1700000000000,\"user\":{\"u\":1}},"
		"\"events\":[{\"data\":null,\"id\":\"i\",\"name\":\"x/y\",\"ts\":1700000000000,\"user\":{\"u\":1}}],"
		"\"function_id\":\"app-a\",\"result\":{\"message\":\"boom\",\"name\":\"MyErr\"},\"run_id\":\"RUN\"}");
}

static void test_cancelled(void **state) {
	finish_twice(
		*state, "{\"name\":\"x/y\",\"id\":\"i\",\"ts\":1700000000000,\"v\":\"2\"}", 0, "",
		"inngest/function.cancelled",
		"{\"_inngest\":{\"status\":\"Cancelled\"},"
		"\"event\":{\"data\":{},\"id\":\"i\",\"name\":\"x/y\",\"ts\":1700000000000,\"user\":{},\"v\":\"2\"},"
		"\"events\":[{\"data\":null,\"id\":\"i\",\"name\":\"x/"
		"y\",\"ts\":1700000000000,\"user\":{},\"v\":\"2\"}],"
		"\"function_id\":\"app-a\",\"run_id\":\"RUN\"}");
}

// The run's events are lost: it ends all the same, and whoever is to hear of that does, in JSON that can be read.
static void test_lost_events(void **state) {
	static const char *const events[] = {"{\"name\":\"x/y\",\"data\":{\"n\":1}}", "{\"name\":\"x/y\"}",
					     "{\"name\":\"x/y\",\"data\":{},\"user\":{\"u\":1}}"};
	struct fixture *f = *state;
	fixture_register(f, "app", "app-a|x/y|0 app-w|inngest/function.cancelled|0");
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		struct target run = start(f, events[i]);
		fixture_damage(f, RECORD_RUN, true);
		assert_int_equal(fixture_restart(f), 0);
		fixture_cancel(f, &run.run_id);
		struct error error;
		yyjson_doc *doc = json_read(str_from_cstr(data_of(f, 1, &run.run_id)), false, NULL, &error);
		yyjson_val *root = yyjson_doc_get_root(doc);
		assert_true(yyjson_is_obj(json_get(root, STR("event"))));
		assert_int_equal(yyjson_arr_size(json_get(root, STR("events"))), 1);
		yyjson_doc_free(doc);
		const struct payload_ref *ref = &fixture_call(f, 0)->events; // of the function that hears of it
		struct payload *body;
		assert_int_equal(store_body(f->store, ref->kind, str_make(ref->key, ref->key_len), &body, &error),
				 ERR_OK);
		assert_int_equal(body->len, ref->size);
		doc = json_read(payload_str(body), false, NULL, &error);
		assert_int_equal(yyjson_arr_size(yyjson_doc_get_root(doc)), 1);
		yyjson_doc_free(doc);
		payload_unref(body);
		fixture_answer(f, fixture_target(fixture_call(f, 0)), 200, "2", "1");
	}
}

// What comes with an answer is not what the run began with: as if it were lost, and nothing behind it is read.
static void test_shortened_events(void **state) {
	struct fixture *f = *state;
	struct target run = start(f, "{\"name\":\"x/y\",\"data\":{\"n\":1}}");
	struct payload *body = payload_new(STR("[{}]"));
	fixture_replace(f, RECORD_RUN, true, body);
	payload_unref(body);
	assert_int_equal(fixture_restart(f), 0);
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 200, "2", "1");
	struct error error;
	yyjson_doc *doc = json_read(str_from_cstr(data_of(f, 0, &run.run_id)), false, NULL, &error);
	yyjson_val *root = yyjson_doc_get_root(doc);
	assert_true(yyjson_is_obj(json_get(root, STR("event"))));
	assert_int_equal(yyjson_arr_size(json_get(root, STR("events"))), 1);
	yyjson_doc_free(doc);
}

static void test_sessions(void **state) {
	struct fixture *f = *state;
	static const char event[] = "{\"name\":\"x/y\",\"id\":\"%d\",\"meta\":{\"sessions\":{\"chat\":\"c1\"}}}";
	for (int at_rest = 0; at_rest < 2; at_rest++) {
		char text[200];
		snprintf(text, sizeof text, event, at_rest);
		struct target run = start(f, text);
		if (at_rest) {
			assert_int_equal(fixture_restart(f), 0);
			run = fixture_target(fixture_call(f, 0));
		}
		f->without_events_of_failures = true;
		fixture_register(f, "app", "app-a|x/y|0 app-w|inngest/function.cancelled|0");
		struct command *cancel = command_new(COMMAND_CANCEL);
		cancel->run.run_id = run.run_id;
		fixture_apply(f, cancel);
		const struct call *call = fixture_call(f, 0);
		assert_non_null(call);
		struct payload *events = payload_ref(call->events.data);
		struct error error;
		if (events == NULL)
			assert_int_equal(store_body(f->store, call->events.kind,
						    str_make(call->events.key, call->events.key_len), &events, &error),
					 ERR_OK);
		assert_true(str_find_str(payload_str(events), STR("\",\"meta\":{\"sessions\":{\"chat\":\"c1\"}},"
								  "\"name\":\"inngest/function.cancelled\",\"ts\":")) >
			    0);
		payload_unref(events);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_completed, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_failed, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_cancelled, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_lost_events, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_shortened_events, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_sessions, setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
