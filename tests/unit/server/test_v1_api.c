// What people and tests read: /v1/events, /v1/runs, /v1/apps, /dev, over a real store and history.
#include "history_fixture.h"

static const struct uuid app_id = {{1}};
static const struct uuid function_id = {{2}};
static struct ulid event_ids[30];
static char event_texts[30][ULID_TEXT_LEN + 1];
static struct ulid running, completed, cancelled, batched, batch_id;

static void write_events(struct history_writer *writer, uint64_t now_ms) {
	for (uint8_t i = 0; i < ARRAY_LEN(event_ids); i++) {
		event_ids[i] = make_id(now_ms - 60000 + i, i);
		ulid_text(&event_ids[i], event_texts[i]);
		struct history_item item = {.kind = HISTORY_EVENT, .at_ms = now_ms - 60000 + i};
		item.event.internal_id = event_ids[i];
		item.event.id = i == 0 ? STR("mine") : str_from_cstr(event_texts[i]);
		item.event.name = i == 1 ? STR("inngest/function.finished") : i == 2 ? STR("rare") : STR("demo");
		item.event.text = payload_new(STR("{\"x\":1}{}"));
		item.event.data = str_make(item.event.text->bytes, 7);
		item.event.user = str_make(item.event.text->bytes + 7, 2);
		item.event.ts_ms = 1700000000000 + i;
		write_item(writer, &item);
		payload_unref(item.event.text);
	}
}

static void write_runs(struct history_writer *writer, uint64_t now_ms) {
	static const struct {
		struct ulid *id;
		const char *status, *output;
	} runs[] = {
		{&running, NULL, NULL}, {&completed, "Completed", "{\"done\":true}"}, {&cancelled, "Cancelled", NULL}};
	for (uint8_t i = 0; i < ARRAY_LEN(runs); i++) {
		*runs[i].id = make_id(now_ms - 1000, i + 1);
		struct history_item item = {.kind = HISTORY_RUN};
		item.run.run_id = *runs[i].id;
		item.run.event_id = event_ids[0];
		item.run.function_id = function_id;
		item.run.started_ms = now_ms;
		write_run(writer, now_ms, &item, runs[i].status, runs[i].output);
	}
}

// A batch of events 20 and 21, and what became of event 22.
static void write_flow_control(struct history_writer *writer, uint64_t now_ms) {
	static const struct {
		enum event_outcome outcome;
		enum outcome_reason reason;
	} outcomes[] = {{OUTCOME_RATE_LIMITED, REASON_NONE}, {OUTCOME_SKIPPED, REASON_SINGLETON}};
	struct history_item item = {.kind = HISTORY_RUN};
	batched = item.run.run_id = make_id(now_ms - 500, 1);
	item.run.event_id = event_ids[20];
	item.run.function_id = function_id;
	write_run(writer, now_ms, &item, NULL, NULL);
	char ids[2 * ULID_TEXT_LEN + 2];
	(void)snprintf(ids, sizeof ids, "%s,%s", event_texts[20], event_texts[21]);
	item = (struct history_item){.kind = HISTORY_EVENT_BATCH, .at_ms = now_ms};
	batch_id = item.event_batch.batch_id = make_id(now_ms - 700, 1);
	item.event_batch.run_id = batched;
	item.event_batch.event_ids = str_from_cstr(ids);
	write_item(writer, &item);
	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
		item = (struct history_item){.kind = HISTORY_OUTCOME, .at_ms = 1700000000500};
		item.outcome.event_id = event_ids[22];
		item.outcome.function_id = function_id;
		item.outcome.outcome = outcomes[i].outcome;
		item.outcome.reason = outcomes[i].reason;
		if (i == 1) item.outcome.run_id = make_id(1700000000000, 1);
		if (i == 1) item.outcome.other_id = make_id(1700000000000, 2);
		write_item(writer, &item);
	}
}

static void write_history(struct history_writer *writer, uint64_t now_ms) {
	write_app(writer, now_ms, &app_id, "shop");
	write_function(writer, now_ms, &app_id, &function_id, "shop-hello");
	write_events(writer, now_ms);
	write_runs(writer, now_ms);
	write_flow_control(writer, now_ms);
}

static int setup(void **state) {
	*state = history_fixture_start(write_history);
	return 0;
}
static int teardown(void **state) {
	history_fixture_stop(*state);
	return 0;
}

static struct http get(void **state, const char *path) {
	return call(*state, "GET", path, NULL);
}

// The body as JSON; free the document.
static yyjson_doc *parse(struct http *http) {
	yyjson_doc *doc = yyjson_read(http->body, http->body_len, 0);
	assert_non_null(doc);
	return doc;
}
static const char *text_at(yyjson_doc *doc, const char *pointer) {
	const char *text = yyjson_get_str(yyjson_doc_ptr_get(doc, pointer));
	return text != NULL ? text : "";
}

static void test_events_list(void **state) {
	static const struct {
		const char *path;
		size_t count;
	} cases[] = {{"/v1/events", 20},
		     {"/v1/events?limit=0", 20},
		     {"/v1/events?limit=x", 20},
		     {"/v1/events?limit=-5", 1},
		     {"/v1/events?limit=3", 3},
		     {"/v1/events?limit=1000", 29},
		     {"/v1/events?name=rare", 1},
		     {"/v1/events?name=%72are", 1},
		     {"/v1/events?name=inngest/function.finished", 0},
		     {"/v1/events?received_before=2020-01-01", 0},
		     {"/v1/events?received_after=2020-01-01T00:00:00Z&limit=50", 29}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http http = get(state, cases[i].path);
		assert_int_equal(http.status, 200);
		assert_null(http_header(&http, "Cache-Control"));
		yyjson_doc *doc = parse(&http);
		if (yyjson_arr_size(yyjson_doc_ptr_get(doc, "/data")) != cases[i].count) fail_msg("%s", cases[i].path);
		assert_non_null(text_at(doc, "/metadata/fetched_at"));
		yyjson_doc_free(doc);
		http_free(&http);
	}
}

static void test_events_pages(void **state) {
	struct http http = get(state, "/v1/events?limit=2");
	yyjson_doc *doc = parse(&http);
	assert_string_equal(text_at(doc, "/data/0/internal_id"), event_texts[29]);
	assert_string_equal(text_at(doc, "/data/1/internal_id"), event_texts[28]);
	char path[100];
	(void)snprintf(path, sizeof path, "/v1/events?limit=2&cursor=%s", text_at(doc, "/data/1/internal_id"));
	yyjson_doc_free(doc);
	http_free(&http);
	http = get(state, path);
	doc = parse(&http);
	assert_string_equal(text_at(doc, "/data/0/internal_id"), event_texts[27]);
	yyjson_doc_free(doc);
	http_free(&http);
}

static void test_events_bad_query(void **state) {
	struct http http = get(state, "/v1/events?cursor=x");
	assert_reply(http, 400, "{\"error\":\"Invalid cursor query parameter\",\"data\":null,\"status\":400}\n");
	static const char *const paths[] = {"/v1/events?received_after=yesterday",
					    "/v1/events?received_before=1700000000"};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		http = get(state, paths[i]);
		assert_reply(http, 400,
			     "{\"error\":\"Invalid received_after query parameter\",\"data\":null,\"status\":400}\n");
	}
}

static void test_event(void **state) {
	char path[100];
	(void)snprintf(path, sizeof path, "/v1/events/%s", event_texts[0]);
	struct http http = get(state, path);
	assert_int_equal(http.status, 200);
	assert_string_equal(http_header(&http, "Cache-Control"), "private, max-age=5");
	yyjson_doc *doc = parse(&http);
	assert_string_equal(text_at(doc, "/data/id"), "mine");
	assert_string_equal(text_at(doc, "/data/account_id"), "00000000-0000-0000-0000-000000000000");
	assert_string_equal(text_at(doc, "/data/environment_id"), "00000000-0000-0000-0000-000000000000");
	assert_int_equal(yyjson_get_uint(yyjson_doc_ptr_get(doc, "/data/ts")), 1700000000000);
	assert_int_equal(yyjson_get_int(yyjson_doc_ptr_get(doc, "/data/data/x")), 1);
	assert_null(yyjson_doc_ptr_get(doc, "/data/user"));
	assert_non_null(text_at(doc, "/metadata/cached_until"));
	yyjson_doc_free(doc);
	http_free(&http);
	http = get(state, "/v1/events/01JQDAE4RQF8MBCR55T5AK4KXS");
	assert_reply(http, 404, "{\"error\":\"Event not found\",\"data\":null,\"status\":404}\n");
	http = get(state, "/v1/events/a%22b");
	assert_reply(http, 400, "{\"error\":\"Invalid event ID: a\\\"b\",\"data\":null,\"status\":400}\n");
}

static struct http get_run(void **state, const char *method, const struct ulid *run_id, const char *tail) {
	char path[100] = "/v1/runs/";
	ulid_text(run_id, path + strlen(path));
	return call(*state, method, strcat(path, tail), NULL);
}

static void test_run(void **state) {
	struct http http = get_run(state, "GET", &running, "");
	assert_int_equal(http.status, 200);
	assert_string_equal(http_header(&http, "Cache-Control"), "private, max-age=3");
	yyjson_doc *doc = parse(&http);
	assert_string_equal(text_at(doc, "/data/status"), "Running");
	assert_string_equal(text_at(doc, "/data/event_id"), event_texts[0]);
	assert_string_equal(text_at(doc, "/data/function_id"), "02000000-0000-0000-0000-000000000000");
	assert_true(yyjson_is_null(yyjson_doc_ptr_get(doc, "/data/ended_at")));
	assert_null(yyjson_doc_ptr_get(doc, "/data/output"));
	assert_null(yyjson_doc_ptr_get(doc, "/data/original_run_id"));
	assert_null(yyjson_doc_ptr_get(doc, "/data/batch_id"));
	yyjson_doc_free(doc);
	http_free(&http);
	http = get_run(state, "GET", &completed, "");
	doc = parse(&http);
	assert_string_equal(text_at(doc, "/data/status"), "Completed");
	assert_string_equal(text_at(doc, "/data/ended_at"), "2023-11-14T22:13:20.5Z");
	assert_true(yyjson_get_bool(yyjson_doc_ptr_get(doc, "/data/output/done")));
	yyjson_doc_free(doc);
	http_free(&http);
	http = get(state, "/v1/runs/01JQDAE4RQF8MBCR55T5AK4KXS");
	assert_reply(http, 404,
		     "{\"error\":\"Unable to load function run: "
		     "01JQDAE4RQF8MBCR55T5AK4KXS\",\"data\":null,\"status\":404}\n");
	http = get(state, "/v1/runs/x");
	assert_reply(http, 400, "{\"error\":\"Invalid run ID: x\",\"data\":null,\"status\":400}\n");
}

static void test_event_runs(void **state) {
	char path[100];
	(void)snprintf(path, sizeof path, "/v1/events/%s/runs", event_texts[0]);
	struct http http = get(state, path);
	assert_string_equal(http_header(&http, "Cache-Control"), "private, max-age=15");
	yyjson_doc *doc = parse(&http);
	assert_int_equal(yyjson_arr_size(yyjson_doc_ptr_get(doc, "/data")), 3);
	yyjson_doc_free(doc);
	http_free(&http);
	// Ours: pages.
	char cursor[ULID_TEXT_LEN + 1] = "";
	for (size_t seen = 0, count = 2; count > 0; seen += count) {
		(void)snprintf(path, sizeof path, "/v1/events/%s/runs?limit=2&cursor=%s", event_texts[0], cursor);
		http = get(state, path);
		doc = parse(&http);
		yyjson_val *data = yyjson_doc_ptr_get(doc, "/data");
		count = yyjson_arr_size(data);
		assert_int_equal(count, seen == 0 ? 2 : seen == 2 ? 1 : 0);
		if (count > 0)
			(void)snprintf(cursor, sizeof cursor, "%s",
				       yyjson_get_str(yyjson_obj_get(yyjson_arr_get_last(data), "run_id")));
		yyjson_doc_free(doc);
		http_free(&http);
	}
	(void)snprintf(path, sizeof path, "/v1/events/%s/runs?cursor=x", event_texts[0]);
	http = get(state, path);
	assert_reply(http, 400, "{\"error\":\"Invalid cursor query parameter\",\"data\":null,\"status\":400}\n");
	http = get(state, "/v1/events/01JQDAE4RQF8MBCR55T5AK4KXS/runs");
	assert_int_equal(http.status, 200);
	assert_non_null(strstr(http.body, "{\"data\":[],"));
	http_free(&http);
}

static void test_batch_runs(void **state) {
	char run_text[ULID_TEXT_LEN + 1], batch_text[ULID_TEXT_LEN + 1], path[100];
	ulid_text(&batched, run_text);
	ulid_text(&batch_id, batch_text);
	for (int i = 20; i <= 21; i++) {
		(void)snprintf(path, sizeof path, "/v1/events/%s/runs", event_texts[i]);
		struct http http = get(state, path);
		yyjson_doc *doc = parse(&http);
		assert_int_equal(yyjson_arr_size(yyjson_doc_ptr_get(doc, "/data")), 1);
		assert_string_equal(text_at(doc, "/data/0/run_id"), run_text);
		assert_string_equal(text_at(doc, "/data/0/event_id"), event_texts[20]);
		assert_string_equal(text_at(doc, "/data/0/batch_id"), batch_text);
		yyjson_doc_free(doc);
		http_free(&http);
	}
	struct http http = get_run(state, "GET", &batched, "");
	yyjson_doc *doc = parse(&http);
	assert_string_equal(text_at(doc, "/data/batch_id"), batch_text);
	yyjson_doc_free(doc);
	http_free(&http);
}

static void test_event_outcomes(void **state) {
	char path[100];
	(void)snprintf(path, sizeof path, "/v1/events/%s/outcomes", event_texts[22]);
	struct http http = get(state, path);
	assert_int_equal(http.status, 200);
	assert_string_equal(http_header(&http, "Cache-Control"), "private, max-age=5");
	char run_text[ULID_TEXT_LEN + 1], other_text[ULID_TEXT_LEN + 1], expected[1024];
	struct ulid run_id = make_id(1700000000000, 1), other_id = make_id(1700000000000, 2);
	ulid_text(&run_id, run_text);
	ulid_text(&other_id, other_text);
	(void)snprintf(
		expected, sizeof expected,
		"{\"data\":[{\"function_id\":\"02000000-0000-0000-0000-000000000000\",\"outcome\":\"RateLimited\","
		"\"reason\":\"None\",\"run_id\":null,\"other_id\":null,\"at\":\"2023-11-14T22:13:20.5Z\"},"
		"{\"function_id\":\"02000000-0000-0000-0000-000000000000\",\"outcome\":\"Skipped\","
		"\"reason\":\"Singleton\",\"run_id\":\"%s\",\"other_id\":\"%s\","
		"\"at\":\"2023-11-14T22:13:20.5Z\"}],\"metadata\":{\"fetched_at\":",
		run_text, other_text);
	if (strstr(http.body, expected) != http.body) fail_msg("%s", http.body);
	http_free(&http);
	http = get(state, "/v1/events/01JQDAE4RQF8MBCR55T5AK4KXS/outcomes");
	assert_int_equal(http.status, 200);
	assert_non_null(strstr(http.body, "{\"data\":[],"));
	http_free(&http);
	static const char *const routes[] = {"", "/runs", "/outcomes"};
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		(void)snprintf(path, sizeof path, "/v1/events/x%s", routes[i]);
		http = get(state, path);
		assert_reply(http, 400, "{\"error\":\"Invalid event ID: x\",\"data\":null,\"status\":400}\n");
	}
}

// The engine knows runs under way; the others are in history.
static struct reply *engine_runs(struct fixture *fixture, struct command *command) {
	(void)fixture;
	if (ulid_cmp(&command->run.run_id, &running) != 0) return reply_new(command->request, REPLY_FAILED, 404);
	if (command->kind == COMMAND_CANCEL) return reply_new(command->request, REPLY_OK, 200);
	assert_int_equal(command->kind, COMMAND_RUN_JOBS);
	struct reply *reply = reply_new(command->request, REPLY_TEXT, 200);
	reply->text = STR("[{\"JobID\":\"j\"}]");
	return reply;
}

static void test_cancel(void **state) {
	static const struct ulid unknown = {{1, 2, 3}};
	const struct {
		const struct ulid *run_id;
		int v1, v0;
	} cases[] = {{&running, 200, 204}, {&completed, 200, 409}, {&cancelled, 200, 204}, {&unknown, 404, 404}};
	((struct fixture *)*state)->engine = engine_runs;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http http = get_run(state, "DELETE", cases[i].run_id, "");
		assert_int_equal(http.status, cases[i].v1);
		if (http.status == 200) assert_int_equal(http.body_len, 0);
		http_free(&http);
		char path[100] = "/v0/runs/";
		ulid_text(cases[i].run_id, path + strlen(path));
		http = call(*state, "DELETE", path, NULL);
		assert_int_equal(http.status, cases[i].v0);
		http_free(&http);
	}
	((struct fixture *)*state)->engine = engine_says_ok;
}

static void test_jobs(void **state) {
	((struct fixture *)*state)->engine = engine_runs;
	struct http http = get_run(state, "GET", &running, "/jobs");
	assert_int_equal(http.status, 200);
	assert_non_null(strstr(http.body, "{\"data\":[{\"JobID\":\"j\"}],\"metadata\":{"));
	http_free(&http);
	http = get_run(state, "GET", &completed, "/jobs");
	assert_int_equal(http.status, 200);
	assert_non_null(strstr(http.body, "{\"data\":[],"));
	http_free(&http);
	http = get(state, "/v1/runs/01JQDAE4RQF8MBCR55T5AK4KXS/jobs");
	assert_int_equal(http.status, 404);
	http_free(&http);
	((struct fixture *)*state)->engine = engine_says_ok;
}

static void test_app_functions(void **state) {
	struct http http = get(state, "/v1/apps/shop/functions");
	assert_int_equal(http.status, 200);
	yyjson_doc *doc = parse(&http);
	assert_int_equal(yyjson_arr_size(yyjson_doc_get_root(doc)), 1);
	assert_string_equal(text_at(doc, "/0/id"), "shop-hello");
	assert_string_equal(text_at(doc, "/0/config/name"), "Hello");
	assert_string_equal(text_at(doc, "/0/archived_at"), "0001-01-01T00:00:00Z");
	yyjson_doc_free(doc);
	http_free(&http);
	http = get(state, "/v1/apps/nobody/functions");
	assert_reply(http, 200, "[]\n");
}

static void test_dev(void **state) {
	struct http http = get(state, "/dev");
	assert_int_equal(http.status, 200);
	yyjson_doc *doc = parse(&http);
	assert_string_equal(text_at(doc, "/version"), "0.1.0-test");
	assert_true(yyjson_get_bool(yyjson_doc_ptr_get(doc, "/startOpts/poll")));
	assert_string_equal(text_at(doc, "/functions/0/name"), "Hello");
	assert_true(yyjson_is_null(yyjson_doc_ptr_get(doc, "/handlers")));
	assert_true(yyjson_get_bool(yyjson_doc_ptr_get(doc, "/features/run-details-v4")));
	assert_true(yyjson_is_false(yyjson_doc_ptr_get(doc, "/features/FEATURE_CEL_SEARCH")));
	assert_true(yyjson_is_false(yyjson_doc_ptr_get(doc, "/features/one")));
	assert_null(yyjson_doc_ptr_get(doc, "/features/two"));
	yyjson_doc_free(doc);
	http_free(&http);
}

int main(void) {
	setenv("INNGEST_FEATURE_FLAGS", "one=false,two=maybe,three", 1);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events_list),
		cmocka_unit_test(test_events_pages),
		cmocka_unit_test(test_events_bad_query),
		cmocka_unit_test(test_event),
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_event_runs),
		cmocka_unit_test(test_batch_runs),
		cmocka_unit_test(test_event_outcomes),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_jobs),
		cmocka_unit_test(test_app_functions),
		cmocka_unit_test(test_dev),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
