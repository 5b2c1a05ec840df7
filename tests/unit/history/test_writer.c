// Rows and their encodings (spec 09 §3.3, §4, §6).
#include "history_test.h"

#define AT UINT64_C(1795249334008) // 2026-11-21 08:22:14.008
#define AT_SECOND UINT64_C(1795249334000)

static struct history_item make_app(const char *id, const char *name, const char *url) {
	struct history_item item = {.kind = HISTORY_APP, .at_ms = AT};
	item.app.id = make_uuid(id);
	item.app.name = str_from_cstr(name);
	item.app.url = str_from_cstr(url);
	return item;
}

static void test_app(void **state) {
	struct fixture *f = *state;
	struct history_item item = make_app("1", "", "http://localhost:3000/api/inngest");
	item.app.error = STR("unreachable");
	write_item(f, &item);
	assert_rows(f->db,
		    "SELECT name, sdk_language, sdk_version, framework, metadata, status, error, checksum, created_at,"
		    " archived_at, url, method, app_version FROM apps",
		    "|||NULL|||unreachable||2026-11-21 08:22:14|NULL|http://localhost:3000/api/inngest|serve|NULL");
	char expected[64];
	snprintf(expected, sizeof expected, "text|%s", uuid_of("1"));
	assert_rows(f->db, "SELECT typeof(id), id FROM apps", expected);

	item = make_app("1", "shop", "http://localhost:3001/api/inngest");
	item.at_ms = AT + 60000;
	item.app.sdk_language = STR("js");
	item.app.sdk_version = STR("v4.24.0");
	item.app.framework = STR("express");
	item.app.metadata = STR("{\"a\":\"b\"}");
	item.app.checksum = STR("c0ffee");
	item.app.method = STR("connect");
	item.app.app_version = STR("7");
	write_item(f, &item);
	assert_rows(f->db,
		    "SELECT name, sdk_language, sdk_version, framework, metadata, status, error, checksum, created_at,"
		    " archived_at, url, method, app_version FROM apps",
		    "shop|js|v4.24.0|express|{\"a\":\"b\"}||NULL|c0ffee|2026-11-21 08:22:14|NULL|"
		    "http://localhost:3001/api/inngest|connect|7");
	item = make_app("1", "", "u"); // an empty name keeps the old one
	write_item(f, &item);
	assert_rows(f->db, "SELECT name, url FROM apps", "shop|u");
}

static void test_app_error_and_archive(void **state) {
	struct fixture *f = *state;
	struct history_item item = make_app("1", "shop", "u");
	write_item(f, &item);
	item = (struct history_item){.kind = HISTORY_APP_ERROR, .at_ms = AT};
	item.app.id = make_uuid("1");
	item.app.error = STR("sdk_version_denied");
	write_item(f, &item);
	assert_rows(f->db, "SELECT name, error FROM apps", "shop|sdk_version_denied");
	item.app.error = (struct str){NULL, 0};
	write_item(f, &item);
	assert_rows(f->db, "SELECT name, error FROM apps", "shop|NULL");
	item.kind = HISTORY_APP_ARCHIVE;
	write_item(f, &item);
	item.at_ms += 60000; // archived already: the first time stays
	write_item(f, &item);
	assert_rows(f->db, "SELECT archived_at FROM apps", "2026-11-21 08:22:14");
	item = make_app("1", "shop", "u");
	write_item(f, &item);
	assert_rows(f->db, "SELECT archived_at FROM apps", "NULL");
}

static void test_app_takes_name_over(void **state) {
	struct fixture *f = *state;
	exec(f->db, "INSERT INTO apps(id, name, sdk_language, sdk_version, status, checksum, url)"
		    " VALUES('old', 'shop', 'js', 'v3', '', '', 'u')");
	struct history_item item = make_app("1", "shop", "v");
	write_item(f, &item);
	assert_rows(f->db, "SELECT name, url, archived_at FROM apps ORDER BY url",
		    "shop (id:old)|u|2026-11-21 08:22:14;shop|v|NULL");
}

static struct history_item make_function(const char *id, const char *app, const char *slug, const char *config) {
	struct history_item item = {.kind = HISTORY_FUNCTION, .at_ms = AT};
	item.function.id = make_uuid(id);
	item.function.app_id = make_uuid(app);
	item.function.name = STR("Name");
	item.function.slug = str_from_cstr(slug);
	item.function.config = str_from_cstr(config);
	return item;
}

static void test_function(void **state) {
	struct fixture *f = *state;
	struct history_item item = make_function("f", "a", "shop-x", "{\"fv\":1}");
	write_item(f, &item);
	assert_rows(f->db, "SELECT name, slug, config, created_at, archived_at FROM functions",
		    "Name|shop-x|{\"fv\":1}|2026-11-21 08:22:14.008 +0000 UTC|NULL");
	item = (struct history_item){.kind = HISTORY_FUNCTION_ARCHIVE, .at_ms = AT};
	item.function.id = make_uuid("f");
	write_item(f, &item);
	assert_rows(f->db, "SELECT archived_at FROM functions", "2026-11-21 08:22:14");
	item = make_function("f", "a", "shop-x", "{\"fv\":2}");
	item.at_ms += 1000;
	write_item(f, &item);
	assert_rows(f->db, "SELECT config, created_at, archived_at FROM functions",
		    "{\"fv\":2}|2026-11-21 08:22:14.008 +0000 UTC|NULL");
	item = make_function("g", "a", "shop-x", "{\"fv\":3}"); // the slug moves to another id
	write_item(f, &item);
	assert_rows(f->db, "SELECT config, archived_at FROM functions ORDER BY config",
		    "{\"fv\":2}|2026-11-21 08:22:14;{\"fv\":3}|NULL");
}

static void test_pause(void **state) {
	struct fixture *f = *state;
	struct history_item item = make_function("f", "a", "shop-x", "{}");
	write_item(f, &item);
	item = (struct history_item){.kind = HISTORY_FUNCTION_PAUSE, .at_ms = 7000};
	item.pause.function_id = make_uuid("f");
	item.pause.is_paused = true;
	write_item(f, &item);
	item.at_ms = 9000; // said again, as at a start
	write_item(f, &item);
	assert_rows(f->db, "SELECT engine_paused_at FROM functions", "7000");
	item.pause.is_paused = false;
	write_item(f, &item);
	assert_rows(f->db, "SELECT engine_paused_at FROM functions", "NULL");
}

static struct history_item make_event(uint8_t n) {
	struct history_item item = {.kind = HISTORY_EVENT, .at_ms = AT};
	item.event.internal_id = make_ulid(AT, n);
	item.event.id = STR("client-id");
	item.event.name = STR("shop/order");
	item.event.data = STR("{\"a\":1}");
	item.event.user = STR("{\"id\":2}");
	item.event.ts_ms = AT_SECOND;
	return item;
}

static void test_event(void **state) {
	struct fixture *f = *state;
	struct history_item item = make_event(1);
	item.event.v = STR("v7");
	item.event.meta = STR("{\"sessions\":{\"a\":\"b\"}}");
	write_item(f, &item);
	assert_rows(f->db, "SELECT * FROM events",
		    "01a1fd32e6f800000000000000000001|NULL|NULL|NULL|NULL|2026-11-21 08:22:14.008 +0000 UTC|client-id|"
		    "shop/order|{\"a\":1}|{\"id\":2}|v7|2026-11-21 08:22:14 +0000 UTC|"
		    "{\"sessions\":{\"a\":\"b\"}}|NULL");
	assert_rows(f->db, "SELECT typeof(internal_id) FROM events", "blob");
	item = make_event(2);
	item.event.data = item.event.user = (struct str){NULL, 0};
	write_item(f, &item);
	assert_rows(f->db, "SELECT event_data, event_user, event_v FROM events WHERE rowid = 2", "null|null|NULL");
	struct late_text late = {.text = payload_new(STR("{\"late\":true}"))};
	item = make_event(3);
	item.event.late_data = &late;
	write_item(f, &item);
	payload_unref(late.text);
	assert_rows(f->db, "SELECT event_data FROM events WHERE rowid = 3", "{\"late\":true}");
	assert_rows(f->db, "SELECT count(*) FROM engine_event_skew", "0");
	item = make_event(3);
	item.kind = HISTORY_EVENT_AGAIN; // it is there
	write_item(f, &item);
	assert_rows(f->db, "SELECT count(*) FROM events", "3");
	item = make_event(4);
	item.kind = HISTORY_EVENT_AGAIN;
	write_item(f, &item);
	assert_rows(f->db, "SELECT event_data FROM events WHERE rowid = 4", "{\"a\":1}");
	// Retention has taken its data.
	exec(f->db, "UPDATE events SET event_data = 'null', event_user = 'null', engine_flags = 1 WHERE rowid = 4");
	write_item(f, &item);
	assert_rows(f->db, "SELECT event_data, event_user, engine_flags FROM events WHERE rowid = 4",
		    "{\"a\":1}|{\"id\":2}|0");
	assert_rows(f->db, "SELECT count(*) FROM events", "4");
}

static void test_event_stored_once(void **state) {
	struct fixture *f = *state;
	struct history_item item = make_event(1);
	item.event.maybe_stored = true;
	item.event.internal_id = make_ulid(AT - 3600000, 1); // an old seed
	for (int i = 0; i < 3; i++) write_item(f, &item);
	item.event.internal_id = make_ulid(AT + 3600000, 1); // a fast clock
	write_item(f, &item);
	assert_rows(f->db, "SELECT count(*) FROM events", "2");
	assert_rows(f->db, "SELECT count(*), min(received_ns), max(received_ns) FROM engine_event_skew",
		    "2|1795249334008000000|1795249334008000000");
}

static void test_event_of_any_time(void **state) {
	struct fixture *f = *state;
	struct history_item item = make_event(1);
	memset(&item.event.internal_id, 0xFF, sizeof item.event.internal_id); // the year 10889
	write_item(f, &item);
	struct history_event event;
	assert_ok(history_event(f->reader, &f->arena, &item.event.internal_id, &event, &f->error), &f->error);
	assert_int_equal(event.received_ns, (int64_t)AT * 1000000);
}

static void test_run_and_finish(void **state) {
	struct fixture *f = *state;
	struct history_item item = {.kind = HISTORY_RUN, .at_ms = AT + 5000};
	item.run.run_id = make_ulid(AT, 1);
	item.run.event_id = make_ulid(AT, 2);
	item.run.function_id = make_uuid("f");
	write_item(f, &item);
	char expected[512];
	snprintf(expected, sizeof expected,
		 "01a1fd32e6f800000000000000000001|2026-11-21 08:22:14.008 +0000 UTC|%s|0|event|"
		 "01a1fd32e6f800000000000000000002|00000000000000000000000000000000|00000000000000000000000000000000|"
		 "NULL|"
		 "00000000-0000-4000-b000-000000000000|100|NULL|NULL|0",
		 uuid_of("f"));
	assert_rows(f->db, "SELECT * FROM function_runs", expected);
	item.kind = HISTORY_RUN_STARTED;
	write_item(f, &item);
	assert_rows(f->db, "SELECT engine_status, engine_started_at, engine_ended_at FROM function_runs",
		    "200|1795249339008|NULL");
	item.kind = HISTORY_RUN_AI;
	write_item(f, &item);
	assert_rows(f->db, "SELECT engine_flags FROM function_runs", "4");
	item.kind = HISTORY_RUN;
	item.run.started_ms = AT + 7;
	item.run.original_run_id = make_ulid(AT, 3);
	item.run.cron = STR("* * * * *");
	write_item(f, &item);
	assert_rows(f->db, "SELECT original_run_id, cron, engine_status FROM function_runs WHERE rowid = 2",
		    "01a1fd32e6f800000000000000000003|* * * * *|200");

	item = (struct history_item){.kind = HISTORY_FINISH, .at_ms = AT};
	item.finish.run_id = make_ulid(AT, 1);
	item.finish.status = "Completed";
	item.finish.output = payload_new(STR("2"));
	write_item(f, &item);
	payload_unref(item.finish.output);
	item.finish.output = NULL;
	item.finish.status = "Cancelled";
	write_item(f, &item);
	assert_rows(f->db, "SELECT * FROM function_finishes",
		    "01a1fd32e6f800000000000000000001|Completed|2|0|2026-11-21 08:22:14.008 +0000 UTC;"
		    "01a1fd32e6f800000000000000000001|Cancelled|{}|0|2026-11-21 08:22:14.008 +0000 UTC");
	assert_rows(f->db, "SELECT typeof(output) FROM function_finishes", "text;text");
	assert_rows(f->db, "SELECT count(*) FROM engine_strays", "0");

	// One that began without history: it is only noted for retention.
	item.finish.run_id = make_ulid(AT, 77);
	write_item(f, &item);
	write_item(f, &item);
	assert_rows(f->db, "SELECT count(*) FROM function_finishes", "2");
	assert_rows(f->db, "SELECT hex(run_id) FROM engine_strays", "01A1FD32E6F80000000000000000004D");
}

static struct history_item make_batch(struct str event_ids) {
	struct history_item item = {.kind = HISTORY_EVENT_BATCH, .at_ms = AT + 5000};
	item.event_batch.batch_id = make_ulid(AT_SECOND, 1);
	item.event_batch.run_id = make_ulid(AT, 2);
	item.event_batch.function_id = make_uuid("f");
	item.event_batch.app_id = make_uuid("a");
	item.event_batch.event_ids = event_ids;
	return item;
}

#define EVENT_3 "01M7YK5SQR0000000000000003"
#define EVENT_4 "01M7YK5SQR0000000000000004"

// Lists rely on it that no run starts before it is queued, or ends before it starts.
static void test_clock_set_back(void **state) {
	struct fixture *f = *state;
	struct history_item item = {.kind = HISTORY_RUN, .at_ms = AT};
	item.run.run_id = make_ulid(AT, 1);
	item.run.started_ms = AT + 50;
	write_item(f, &item);
	item.run.run_id = make_ulid(AT, 2);
	item.run.started_ms = AT - 50;
	write_item(f, &item);
	item.run.run_id = make_ulid(AT, 3);
	item.run.started_ms = 0;
	write_item(f, &item);
	item = (struct history_item){.kind = HISTORY_RUN_STARTED, .at_ms = AT - 10};
	item.run.run_id = make_ulid(AT, 3);
	write_item(f, &item);
	for (uint8_t n = 1; n <= 3; n++) {
		item = (struct history_item){.kind = HISTORY_FINISH, .at_ms = AT + 20 - 30 * (n == 3)};
		item.finish.run_id = make_ulid(AT, n);
		item.finish.status = "Completed";
		write_item(f, &item);
	}
	assert_rows(f->db, "SELECT engine_started_at, engine_ended_at FROM function_runs",
		    "1795249334058|1795249334058;1795249334008|1795249334028;1795249334008|1795249334008");
	// Another writer finds in the file what has been.
	struct history_writer *next;
	assert_ok(history_writer_new(f->db, &next, &f->error), &f->error);
	exec(f->db, "UPDATE function_runs SET engine_ended_at = NULL");
	item.at_ms = AT - 1;
	item.finish.run_id = make_ulid(AT, 1);
	assert_ok(history_write(next, &item, &f->error), &f->error);
	history_writer_free(next);
	assert_rows(f->db, "SELECT engine_ended_at FROM function_runs LIMIT 1", "1795249334058");
}

static void test_event_batch(void **state) {
	struct fixture *f = *state;
	struct history_item item = make_batch(STR(EVENT_3)); // one event: no batch
	write_item(f, &item);
	assert_rows(f->db, "SELECT count(*) FROM event_batches", "0");
	item = make_batch(STR(EVENT_4 "," EVENT_3 "," EVENT_4)); // the same event can come twice
	write_item(f, &item);
	char expected[512];
	int len = snprintf(expected, sizeof expected,
			   "01a1fd32e6f000000000000000000001|00000000-0000-4000-a000-000000000000|"
			   "00000000-0000-4000-b000-000000000000|%s|",
			   uuid_of("a"));
	(void)snprintf(expected + len, sizeof expected - (size_t)len,
		       "%s|01a1fd32e6f800000000000000000002|2026-11-21 08:22:14 +0000 UTC|"
		       "2026-11-21 08:22:14.008 +0000 UTC|" EVENT_4 "," EVENT_3 "," EVENT_4,
		       uuid_of("f"));
	assert_rows(f->db,
		    "SELECT id, account_id, workspace_id, app_id, workflow_id, run_id, started_at, executed_at,"
		    " CAST(event_ids AS TEXT) FROM event_batches",
		    expected);
	assert_rows(f->db, "SELECT typeof(id), typeof(run_id), typeof(event_ids), typeof(app_id) FROM event_batches",
		    "blob|blob|blob|text");
	assert_rows(f->db, "SELECT event_id, run_id FROM engine_batch_events",
		    "01a1fd32e6f800000000000000000003|01a1fd32e6f800000000000000000002;"
		    "01a1fd32e6f800000000000000000004|01a1fd32e6f800000000000000000002");
}

static struct history_item make_outcome(enum event_outcome outcome, enum outcome_reason reason) {
	struct history_item item = {.kind = HISTORY_OUTCOME, .at_ms = AT};
	item.outcome.event_id = make_ulid(AT, 3);
	item.outcome.function_id = make_uuid("f");
	item.outcome.outcome = outcome;
	item.outcome.reason = reason;
	return item;
}

static void test_outcome(void **state) {
	struct fixture *f = *state;
	struct history_item item = make_outcome(OUTCOME_RATE_LIMITED, REASON_NONE);
	write_item(f, &item);
	item = make_outcome(OUTCOME_DEBOUNCED, REASON_NONE);
	item.outcome.other_id = make_ulid(AT, 4);
	write_item(f, &item);
	item = make_outcome(OUTCOME_SKIPPED, REASON_FUNCTION_PAUSED); // without an id of a run
	write_item(f, &item);
	assert_rows(f->db, "SELECT event_id, outcome, reason, run_id, other_id, at FROM engine_event_outcomes",
		    "01a1fd32e6f800000000000000000003|RateLimited|None|NULL|NULL|2026-11-21 08:22:14.008 +0000 UTC;"
		    "01a1fd32e6f800000000000000000003|Debounced|None|NULL|01a1fd32e6f800000000000000000004|"
		    "2026-11-21 08:22:14.008 +0000 UTC;"
		    "01a1fd32e6f800000000000000000003|Skipped|FunctionPaused|NULL|NULL|"
		    "2026-11-21 08:22:14.008 +0000 UTC");
	assert_rows(f->db, "SELECT DISTINCT function_id FROM engine_event_outcomes", uuid_of("f"));
	assert_rows(f->db, "SELECT count(*) FROM history", "0");
}

// The reference server keeps a row of history, too.
static void test_skipped_run(void **state) {
	struct fixture *f = *state;
	struct history_item item = make_outcome(OUTCOME_SKIPPED, REASON_SINGLETON);
	item.outcome.run_id = make_ulid(AT, 5);
	item.outcome.other_id = make_ulid(AT, 6);
	write_item(f, &item);
	assert_rows(f->db, "SELECT outcome, reason, run_id, other_id FROM engine_event_outcomes",
		    "Skipped|Singleton|01a1fd32e6f800000000000000000005|01a1fd32e6f800000000000000000006");
	char expected[512];
	(void)snprintf(expected, sizeof expected,
		       "00000000000000000000000000000000|1970-01-01 00:00:00 +0000 UTC|"
		       "2026-11-21 08:22:14.008 +0000 UTC|%s|0|01a1fd32e6f800000000000000000005|"
		       "01a1fd32e6f800000000000000000003|00000000000000000000000000000000|NULL||FunctionSkipped|0|NULL|"
		       "NULL|NULL|NULL|NULL|null|null|null|null|null|null|null",
		       uuid_of("f"));
	assert_rows(f->db, "SELECT * FROM history", expected);
}

static void test_write_failure(void **state) {
	struct fixture *f = *state;
	exec(f->db, "CREATE TRIGGER refuse BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no room'); END");
	struct history_item item = make_event(1);
	assert_int_equal(history_write(f->writer, &item, &f->error), ERR_IO);
	assert_non_null(strstr(f->error.message, "no room"));
	exec(f->db, "DROP TRIGGER refuse");
	write_item(f, &item);
	assert_rows(f->db, "SELECT count(*) FROM events", "1");
}

// Prints only.
static void test_speed(void **state) {
	struct fixture *f = *state;
	const int count = 20000;
	exec(f->db, "BEGIN");
	uint64_t before = clock_mono_ns();
	for (int i = 0; i < count; i++) {
		struct history_item item = make_event(1);
		item.event.maybe_stored = true;
		item.event.internal_id = make_ulid(AT + (uint64_t)i, 1);
		write_item(f, &item);
	}
	exec(f->db, "COMMIT");
	print_message("%.2f us an event\n", (double)(clock_mono_ns() - before) / 1000 / count);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_app, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_app_error_and_archive, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_app_takes_name_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_function, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pause, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_event, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_event_stored_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_event_of_any_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_run_and_finish, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_clock_set_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_event_batch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_outcome, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_skipped_run, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_write_failure, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_speed, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
