// The queries behind REST v1 (spec 05 §12), over rows of ours and of the reference server.
#include "history_test.h"

#define AT UINT64_C(1795249334008) // 2026-11-21 08:22:14.008
#define NS(ms) ((int64_t)(ms)*1000000)

static void add_event(struct fixture *f, uint64_t id_ms, uint8_t n, uint64_t received_ms, const char *name) {
	struct history_item item = {.kind = HISTORY_EVENT, .at_ms = received_ms};
	item.event.internal_id = make_ulid(id_ms, n);
	item.event.id = STR("client-id");
	item.event.name = str_from_cstr(name);
	item.event.data = STR("{\"a\":1}");
	item.event.user = STR("{}");
	item.event.ts_ms = received_ms;
	write_item(f, &item);
}

static struct history_events_query make_query(uint64_t after_ms, uint64_t before_ms) {
	return (struct history_events_query){.limit = 20, .after_ns = NS(after_ms), .before_ns = NS(before_ms)};
}

// The last bytes of the ids found, in order: "3 2 1 ".
static const char *found(struct fixture *f, const struct history_events_query *query) {
	static char text[512];
	size_t count, len = 0;
	struct history_event *events;
	assert_ok(history_events(f->reader, &f->arena, query, &events, &count, &f->error), &f->error);
	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%u ", events[i].internal_id.bytes[15]);
	return text;
}

static void test_event(void **state) {
	struct fixture *f = *state;
	struct ulid id = make_ulid(AT, 1);
	struct history_event event;
	assert_int_equal(history_event(f->reader, &f->arena, &id, &event, &f->error), ERR_NOT_FOUND);
	struct history_item item = {.kind = HISTORY_EVENT, .at_ms = AT};
	item.event.internal_id = id;
	item.event.id = STR("client-id");
	item.event.name = STR("shop/order");
	item.event.data = STR("{\"a\":1}");
	item.event.user = STR("{\"id\":2}");
	item.event.v = STR("7");
	item.event.ts_ms = AT - 5;
	write_item(f, &item);
	assert_ok(history_event(f->reader, &f->arena, &id, &event, &f->error), &f->error);
	assert_int_equal(ulid_cmp(&event.internal_id, &id), 0);
	assert_int_equal(event.received_ns, NS(AT));
	assert_int_equal(event.ts_ms, AT - 5);
	assert_str(event.id, "client-id");
	assert_str(event.name, "shop/order");
	assert_str(event.data, "{\"a\":1}");
	assert_str(event.user, "{\"id\":2}");
	assert_str(event.v, "7");
}

static void test_event_without_user(void **state) {
	struct fixture *f = *state;
	static const char *const users[] = {"{}", "null", ""};
	for (uint8_t i = 0; i < ARRAY_LEN(users); i++) {
		struct history_item item = {.kind = HISTORY_EVENT, .at_ms = AT};
		item.event.internal_id = make_ulid(AT, i);
		item.event.user = str_from_cstr(users[i]);
		write_item(f, &item);
		struct history_event event;
		assert_ok(history_event(f->reader, &f->arena, &item.event.internal_id, &event, &f->error), &f->error);
		assert_str(event.user, "");
		assert_str(event.v, "");
		assert_str(event.data, "null");
	}
}

static void test_list(void **state) {
	struct fixture *f = *state;
	struct history_events_query query = make_query(AT - 3600000, AT + 1000);
	assert_string_equal(found(f, &query), "");
	for (uint8_t n = 1; n <= 5; n++) add_event(f, AT + n, n, AT + n, n % 2 == 0 ? "even" : "odd");
	add_event(f, AT + 6, 6, AT + 6, "inngest/function.finished");
	assert_string_equal(found(f, &query), "5 4 3 2 1 ");
	query.name = STR("even");
	assert_string_equal(found(f, &query), "4 2 ");
	query.name = STR("eve");
	assert_string_equal(found(f, &query), "");
	query.name = STR("inngest/function.finished");
	assert_string_equal(found(f, &query), "");
	query.name = (struct str){NULL, 0};
	query.limit = 2;
	assert_string_equal(found(f, &query), "5 4 ");
	query.has_cursor = true;
	query.cursor = make_ulid(AT + 4, 4);
	assert_string_equal(found(f, &query), "3 2 ");
	query.cursor = make_ulid(AT + 2, 2);
	assert_string_equal(found(f, &query), "1 ");
	query.cursor = make_ulid(AT + 1, 1);
	assert_string_equal(found(f, &query), "");
}

static void test_list_bounds_are_inclusive(void **state) {
	struct fixture *f = *state;
	for (uint8_t n = 1; n <= 5; n++) add_event(f, AT + n, n, AT + n, "e");
	struct history_events_query query = make_query(AT + 2, AT + 4);
	assert_string_equal(found(f, &query), "4 3 2 ");
	query.after_ns++;
	query.before_ns--;
	assert_string_equal(found(f, &query), "3 ");
	query = make_query(AT + 3, AT + 3);
	assert_string_equal(found(f, &query), "3 ");
	query = make_query(AT + 4, AT + 3);
	assert_string_equal(found(f, &query), "");
	query.after_ns = INT64_MIN;
	query.before_ns = INT64_MAX;
	assert_string_equal(found(f, &query), "5 4 3 2 1 ");
}

// Ids derived from a seed may say any time; what counts is when the event was received.
static void test_list_with_skewed_ids(void **state) {
	struct fixture *f = *state;
	const uint64_t hour = 3600000;
	add_event(f, AT, 1, AT, "e");
	add_event(f, AT - 24 * hour, 2, AT + 1, "e"); // a slow clock
	add_event(f, AT + 24 * hour, 3, AT + 2, "f"); // a fast clock
	add_event(f, AT + 11000, 4, AT, "e");         // a little fast: in reach of both parts of the query
	add_event(f, AT, 5, AT - 24 * hour, "e");     // received yesterday
	struct history_events_query query = make_query(AT - 1000, AT + 1000);
	assert_string_equal(found(f, &query), "3 4 1 2 ");
	query.name = STR("e");
	assert_string_equal(found(f, &query), "4 1 2 ");
	query.has_cursor = true;
	query.cursor = make_ulid(AT + 11000, 4);
	assert_string_equal(found(f, &query), "1 2 ");
	query.cursor = make_ulid(AT - 24 * hour, 3);
	assert_string_equal(found(f, &query), "2 ");
	query = make_query(AT - 24 * hour, AT - 24 * hour);
	assert_string_equal(found(f, &query), "5 ");
	query = make_query(AT - 25 * hour, AT + 25 * hour);
	assert_string_equal(found(f, &query), "3 4 5 1 2 ");
}

// Time texts that other programs wrote (09 §3.3).
static void test_time_texts(void **state) {
	struct fixture *f = *state;
	static const char *const texts[] = {
		"2026-11-21 08:22:14.008000123 +0000 UTC m=+12.345678901",
		"2026-11-21 08:22:14.008000123 +0000 UTC",
		"2026-11-21 08:22:14.008000123+00:00",
		"2026-11-21 08:22:14.008000123",
	};
	char sql[512];
	for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
		snprintf(sql, sizeof sql,
			 "INSERT INTO events(internal_id, received_at, event_id, event_name, event_ts)"
			 " VALUES(x'01a1fd32e6f8000000000000000000%02x', '%s', 'x', 'e', '2026-11-21 08:22:14')",
			 i + 1, texts[i]);
		exec(f->db, sql);
		struct ulid id = make_ulid(AT, (uint8_t)(i + 1));
		struct history_event event;
		assert_ok(history_event(f->reader, &f->arena, &id, &event, &f->error), &f->error);
		assert_int_equal(event.received_ns, NS(AT) + 123);
		assert_int_equal(event.ts_ms, 1795249334000);
	}
	struct history_events_query query = {.limit = 20, .after_ns = NS(AT) + 123, .before_ns = NS(AT) + 123};
	assert_string_equal(found(f, &query), "4 3 2 1 ");
	query.after_ns = query.before_ns = NS(AT) + 122;
	assert_string_equal(found(f, &query), "");
	query.after_ns = query.before_ns = NS(AT) + 124;
	assert_string_equal(found(f, &query), "");
}

// Rows that make no sense are shown as well as they can, or left out; they never break a query.
static void test_strange_rows(void **state) {
	struct fixture *f = *state;
	exec(f->db, "INSERT INTO events(internal_id, received_at, event_id, event_name, event_ts) VALUES"
		    " (x'01a1fd32e6f800000000000000000001', 'yesterday', 'x', 'e', ''),"
		    " (x'01a1fd32e6f8', '2026-11-21 08:22:14.008', 'short', 'e', '2026-11-21'),"
		    " (NULL, '2026-11-21 08:22:14.008', 'none', 'e', '2026-11-21')");
	struct ulid id = make_ulid(AT, 1);
	struct history_event event;
	assert_ok(history_event(f->reader, &f->arena, &id, &event, &f->error), &f->error);
	assert_int_equal(event.received_ns, NS(AT)); // what the id says
	assert_int_equal(event.ts_ms, AT);
	struct history_events_query query = make_query(AT - 1000, AT + 1000);
	assert_string_equal(found(f, &query), "");
	exec(f->db, "INSERT INTO apps(id, name, sdk_language, sdk_version, status, checksum, url)"
		    " VALUES('no uuid', 'shop', '', '', '', '', '')");
	struct history_app *apps;
	size_t count;
	assert_ok(history_apps(f->reader, &f->arena, &apps, &count, &f->error), &f->error);
	assert_int_equal(count, 0);
}

static void add_run(struct fixture *f, uint8_t run, uint8_t event) {
	struct history_item item = {.kind = HISTORY_RUN, .at_ms = AT};
	item.run.run_id = make_ulid(AT, run);
	item.run.event_id = make_ulid(AT, event);
	item.run.function_id = make_uuid("f");
	if (run == 2) item.run.original_run_id = make_ulid(AT, 1);
	if (run == 2) item.run.cron = STR("* * * * *");
	write_item(f, &item);
}

static void add_finish(struct fixture *f, uint8_t run, const char *status, const char *output) {
	struct history_item item = {.kind = HISTORY_FINISH, .at_ms = AT + 7};
	item.finish.run_id = make_ulid(AT, run);
	item.finish.status = status;
	item.finish.output = payload_new(str_from_cstr(output));
	write_item(f, &item);
	payload_unref(item.finish.output);
}

static void test_run(void **state) {
	struct fixture *f = *state;
	struct ulid id = make_ulid(AT, 1), event_id = make_ulid(AT, 9);
	struct uuid function_id = make_uuid("f");
	struct history_run run;
	assert_int_equal(history_run(f->reader, &f->arena, &id, &run, &f->error), ERR_NOT_FOUND);
	add_run(f, 1, 9);
	add_run(f, 2, 9);
	assert_ok(history_run(f->reader, &f->arena, &id, &run, &f->error), &f->error);
	assert_int_equal(ulid_cmp(&run.run_id, &id), 0);
	assert_int_equal(ulid_cmp(&run.event_id, &event_id), 0);
	assert_true(uuid_eq(&run.function_id, &function_id));
	assert_false(run.has_original);
	assert_false(run.ended);
	assert_str(run.status, "");
	assert_str(run.output, "");
	assert_str(run.cron, "");
	add_finish(f, 1, "Completed", "{\"done\":true}");
	add_finish(f, 1, "Failed", "second finish");
	assert_ok(history_run(f->reader, &f->arena, &id, &run, &f->error), &f->error);
	assert_true(run.ended);
	assert_int_equal(run.ended_ns, NS(AT + 7));
	assert_str(run.status, "Completed");
	assert_str(run.output, "{\"done\":true}");
}

static void test_event_runs(void **state) {
	struct fixture *f = *state;
	for (uint8_t i = 1; i <= 20; i++) add_run(f, i, i % 2 == 0 ? 100 : 101);
	add_finish(f, 2, "Failed", "{\"name\":\"Error\"}");
	add_finish(f, 2, "Failed", "again");
	struct history_run *runs;
	size_t count;
	struct ulid event_id = make_ulid(AT, 100), original = make_ulid(AT, 1);
	assert_ok(history_event_runs(f->reader, &f->arena, &event_id, NULL, SIZE_MAX / 2, &runs, &count, &f->error),
		  &f->error);
	assert_int_equal(count, 10);
	for (size_t i = 0; i < count; i++) assert_int_equal(runs[i].run_id.bytes[15], 2 * (i + 1));
	assert_str(runs[0].status, "Failed");
	assert_str(runs[0].cron, "* * * * *");
	assert_true(runs[0].has_original);
	assert_int_equal(ulid_cmp(&runs[0].original_run_id, &original), 0);
	assert_false(runs[1].ended);
	event_id = make_ulid(AT, 102);
	assert_ok(history_event_runs(f->reader, &f->arena, &event_id, NULL, SIZE_MAX / 2, &runs, &count, &f->error),
		  &f->error);
	assert_int_equal(count, 0);
}

// The ids of the runs of an event, in order: "1 2 ".
static const char *runs_of(struct fixture *f, uint8_t event) {
	static char text[512];
	struct history_run *runs;
	size_t count, len = 0;
	struct ulid event_id = make_ulid(AT, event);
	assert_ok(history_event_runs(f->reader, &f->arena, &event_id, NULL, SIZE_MAX / 2, &runs, &count, &f->error),
		  &f->error);
	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		len += (size_t)snprintf(text + len, sizeof text - len, "%u%s ", runs[i].run_id.bytes[15],
					runs[i].has_batch ? "b" : "");
	}
	return text;
}

static void add_batch(struct fixture *f, uint8_t batch, uint8_t run, const uint8_t *events, size_t count) {
	add_run(f, run, events[0]);
	struct history_item item = {.kind = HISTORY_EVENT_BATCH, .at_ms = AT};
	item.event_batch.batch_id = make_ulid(AT, batch);
	item.event_batch.run_id = make_ulid(AT, run);
	for (size_t i = 0; i < count; i++) {
		struct ulid id = make_ulid(AT, events[i]);
		char text[ULID_TEXT_LEN + 1];
		ulid_text(&id, text);
		item.event_batch.event_ids = arena_printf(&f->arena, "%.*s%s%s", STR_ARG(item.event_batch.event_ids),
							  i > 0 ? "," : "", text);
	}
	write_item(f, &item);
}

// Every event of a batch finds its run, in the order of the runs, and once.
static void test_batch_runs(void **state) {
	struct fixture *f = *state;
	add_batch(f, 50, 1, (const uint8_t[]){103, 101, 102}, 3); // the first event is not the one of the lowest id
	add_run(f, 2, 102);
	add_batch(f, 51, 3, (const uint8_t[]){102, 102}, 2);
	add_batch(f, 52, 4, (const uint8_t[]){104}, 1);
	add_finish(f, 1, "Completed", "2");
	add_finish(f, 1, "Completed", "2");
	assert_string_equal(runs_of(f, 101), "1b ");
	assert_string_equal(runs_of(f, 102), "1b 2 3b ");
	assert_string_equal(runs_of(f, 103), "1b ");
	assert_string_equal(runs_of(f, 104), "4 ");
	assert_string_equal(runs_of(f, 105), "");
	struct ulid run_id = make_ulid(AT, 1), batch_id = make_ulid(AT, 50), event_id = make_ulid(AT, 103);
	struct history_run run;
	assert_ok(history_run(f->reader, &f->arena, &run_id, &run, &f->error), &f->error);
	assert_true(run.has_batch);
	assert_int_equal(ulid_cmp(&run.batch_id, &batch_id), 0);
	assert_int_equal(ulid_cmp(&run.event_id, &event_id), 0);
	run_id = make_ulid(AT, 2);
	assert_ok(history_run(f->reader, &f->arena, &run_id, &run, &f->error), &f->error);
	assert_false(run.has_batch);
}

static void add_outcome(struct fixture *f, uint8_t event, enum event_outcome outcome, enum outcome_reason reason,
			uint8_t run, uint8_t other) {
	struct history_item item = {.kind = HISTORY_OUTCOME, .at_ms = AT + 3};
	item.outcome.event_id = make_ulid(AT, event);
	item.outcome.function_id = make_uuid("f");
	item.outcome.outcome = outcome;
	item.outcome.reason = reason;
	if (run > 0) item.outcome.run_id = make_ulid(AT, run);
	if (other > 0) item.outcome.other_id = make_ulid(AT, other);
	write_item(f, &item);
}

static void test_event_outcomes(void **state) {
	struct fixture *f = *state;
	struct history_outcome *outcomes;
	size_t count;
	struct ulid event_id = make_ulid(AT, 1);
	struct uuid function_id = make_uuid("f");
	assert_ok(history_event_outcomes(f->reader, &f->arena, &event_id, &outcomes, &count, &f->error), &f->error);
	assert_int_equal(count, 0);
	add_outcome(f, 1, OUTCOME_SKIPPED, REASON_SINGLETON, 5, 6);
	add_outcome(f, 2, OUTCOME_RATE_LIMITED, REASON_NONE, 0, 0);
	add_outcome(f, 1, OUTCOME_DEBOUNCED, REASON_NONE, 0, 7);
	assert_ok(history_event_outcomes(f->reader, &f->arena, &event_id, &outcomes, &count, &f->error), &f->error);
	assert_int_equal(count, 2);
	assert_true(uuid_eq(&outcomes[0].function_id, &function_id));
	assert_str(outcomes[0].outcome, "Skipped");
	assert_str(outcomes[0].reason, "Singleton");
	assert_true(outcomes[0].has_run);
	assert_true(outcomes[0].has_other);
	assert_int_equal(outcomes[0].run_id.bytes[15], 5);
	assert_int_equal(outcomes[0].other_id.bytes[15], 6);
	assert_int_equal(outcomes[0].at_ns, NS(AT + 3));
	assert_str(outcomes[1].outcome, "Debounced");
	assert_str(outcomes[1].reason, "None");
	assert_false(outcomes[1].has_run);
	assert_int_equal(outcomes[1].other_id.bytes[15], 7);
}

static void add_app(struct fixture *f, const char *id, const char *name, const char *framework) {
	struct history_item item = {.kind = HISTORY_APP, .at_ms = AT};
	item.app.id = make_uuid(id);
	item.app.name = str_from_cstr(name);
	item.app.url = STR("http://localhost:3000");
	item.app.sdk_language = STR("js");
	item.app.sdk_version = STR("v4.24.0");
	item.app.framework = str_from_cstr(framework);
	write_item(f, &item);
}

static void add_function(struct fixture *f, const char *id, const char *app, const char *slug) {
	struct history_item item = {.kind = HISTORY_FUNCTION, .at_ms = AT};
	item.function.id = make_uuid(id);
	item.function.app_id = make_uuid(app);
	item.function.name = STR("A name");
	item.function.slug = str_from_cstr(slug);
	item.function.config = str_from_cstr(slug); // tells them apart
	write_item(f, &item);
}

static void archive(struct fixture *f, enum history_kind kind, const char *id) {
	struct history_item item = {.kind = kind, .at_ms = AT};
	if (kind == HISTORY_APP_ARCHIVE)
		item.app.id = make_uuid(id);
	else
		item.function.id = make_uuid(id);
	write_item(f, &item);
}

static void test_apps(void **state) {
	struct fixture *f = *state;
	struct history_app *apps;
	size_t count;
	assert_ok(history_apps(f->reader, &f->arena, &apps, &count, &f->error), &f->error);
	assert_int_equal(count, 0);
	add_app(f, "1", "one", "express");
	add_app(f, "2", "two", "");
	add_app(f, "3", "three", "");
	archive(f, HISTORY_APP_ARCHIVE, "3");
	assert_ok(history_apps(f->reader, &f->arena, &apps, &count, &f->error), &f->error);
	assert_int_equal(count, 2);
	assert_true(memcmp(&apps[0].id, &apps[1].id, sizeof apps[0].id) < 0);
	const struct history_app *one = str_eq_cstr(apps[0].name, "one") ? &apps[0] : &apps[1];
	assert_str(one->url, "http://localhost:3000");
	assert_str(one->error, "");
	assert_str(one->method, "serve");
	assert_str(one->sdk_language, "js");
	assert_str(one->sdk_version, "v4.24.0");
	assert_str(one->framework, "express");
}

static void test_functions(void **state) {
	struct fixture *f = *state;
	add_app(f, "1", "one", "");
	add_app(f, "2", "two", "");
	add_function(f, "f1", "1", "one-a");
	add_function(f, "f2", "1", "one-b");
	add_function(f, "f3", "1", "one-archived");
	add_function(f, "f4", "2", "two-of-archived-app");
	archive(f, HISTORY_FUNCTION_ARCHIVE, "f3");
	archive(f, HISTORY_APP_ARCHIVE, "2");
	struct str *configs;
	size_t count;
	assert_ok(history_functions(f->reader, &f->arena, &configs, &count, &f->error), &f->error);
	assert_int_equal(count, 2);
	assert_true(str_starts_with(configs[0], STR("one-")) && str_starts_with(configs[1], STR("one-")));

	struct history_function *functions;
	assert_ok(history_app_functions(f->reader, &f->arena, STR("one"), &functions, &count, &f->error), &f->error);
	assert_int_equal(count, 2);
	assert_true(memcmp(&functions[0].id, &functions[1].id, sizeof functions[0].id) < 0);
	struct uuid app_id = make_uuid("1");
	assert_true(uuid_eq(&functions[0].app_id, &app_id));
	assert_str(functions[0].name, "A name");
	assert_true(str_eq(functions[0].slug, functions[0].config));
	assert_int_equal(functions[0].created_ns, NS(AT));
	assert_ok(history_app_functions(f->reader, &f->arena, STR("none"), &functions, &count, &f->error), &f->error);
	assert_int_equal(count, 0);
}

// Every query must use indexes: history has millions of rows.
static void test_no_scans(void **state) {
	struct fixture *f = *state;
	sqlite3_stmt *statement = NULL;
	int queries = 0;
	while ((statement = sqlite3_next_stmt(f->db, statement)) != NULL) {
		if (!sqlite3_stmt_readonly(statement)) continue;
		char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sqlite3_sql(statement));
		sqlite3_stmt *plan;
		assert_int_equal(sqlite3_prepare_v2(f->db, sql, -1, &plan, NULL), SQLITE_OK);
		while (sqlite3_step(plan) == SQLITE_ROW) {
			const char *detail = (const char *)sqlite3_column_text(plan, 3);
			static const char *const big[] = {"SCAN e", "SCAN r", "SCAN function_", "SCAN l", "SCAN b"};
			for (size_t i = 0; i < ARRAY_LEN(big); i++)
				if (strncmp(detail, big[i], strlen(big[i])) == 0) fail_msg("%s: %s", detail, sql);
		}
		sqlite3_finalize(plan);
		sqlite3_free(sql);
		queries++;
	}
	assert_true(queries >= 10);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_event, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_event_without_user, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_list, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_list_bounds_are_inclusive, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_list_with_skewed_ids, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_time_texts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_strange_rows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_run, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_event_runs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_batch_runs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_event_outcomes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_apps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_functions, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_scans, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
