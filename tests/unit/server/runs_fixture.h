// Runs of every status of an app with two functions, for tests of what is told of them.
#ifndef INNGEST_TESTS_SERVER_RUNS_FIXTURE_H
#define INNGEST_TESTS_SERVER_RUNS_FIXTURE_H

#include <sqlite3.h>

#include "v2_fixture.h"

static const struct uuid app_id = {{1}};
static const struct uuid functions[] = {{{2}}, {{3}}};
#define T0 UINT64_C(1790000000000) // 2026-09-21T14:13:20Z

// Queued a second after one another.
enum { DONE, FAILED, CANCELLED, RUNNING, QUEUED, SKIPPED, RUNS };
static struct ulid runs[RUNS], event_id, batch_id;
static struct ulid second_id;
static char ids[RUNS][ULID_TEXT_LEN + 1], event_text[ULID_TEXT_LEN + 1], batch_text[ULID_TEXT_LEN + 1];

// A batch of two events, the first of which is everybody's.
static void write_batch(struct history_writer *writer, uint64_t now_ms) {
	char texts[2 * ULID_TEXT_LEN + 2], second[ULID_TEXT_LEN + 1];
	second_id = make_id(T0, 7);
	ulid_text(&second_id, second);
	(void)snprintf(texts, sizeof texts, "%s,%s", event_text, second);
	struct history_item item = {.kind = HISTORY_EVENT_BATCH, .at_ms = now_ms};
	item.event_batch.batch_id = batch_id;
	item.event_batch.run_id = runs[CANCELLED];
	item.event_batch.event_ids = str_from_cstr(texts);
	write_item(writer, &item);
}

static void write_skipped(struct history_writer *writer) {
	struct history_item item = {.kind = HISTORY_OUTCOME, .at_ms = T0};
	item.outcome.event_id = event_id;
	item.outcome.function_id = functions[0];
	item.outcome.outcome = OUTCOME_SKIPPED;
	item.outcome.reason = REASON_SINGLETON;
	item.outcome.run_id = runs[SKIPPED];
	write_item(writer, &item);
}

static void write_history(struct history_writer *writer, uint64_t now_ms) {
	static const char *const statuses[RUNS] = {
		[DONE] = "Completed", [FAILED] = "Failed", [CANCELLED] = "Cancelled"};
	static const char *const outputs[RUNS] = {[DONE] = "[1,2]", [FAILED] = "{\"name\":\"E\"}", [CANCELLED] = "{}"};
	event_id = make_id(T0, 9);
	ulid_text(&event_id, event_text);
	batch_id = make_id(T0, 8);
	ulid_text(&batch_id, batch_text);
	write_app(writer, now_ms, &app_id, "shop");
	write_function(writer, now_ms, &app_id, &functions[0], "shop-one");
	write_function(writer, now_ms, &app_id, &functions[1], "shop-two");
	for (uint8_t i = 0; i < RUNS; i++) {
		runs[i] = make_id(T0 + i * 1000u, i);
		ulid_text(&runs[i], ids[i]);
		if (i == SKIPPED) continue;
		struct history_item item = {.kind = HISTORY_RUN};
		item.run.run_id = runs[i];
		item.run.event_id = event_id;
		item.run.function_id = functions[i == FAILED];
		if (i == RUNNING) item.run.cron = STR("* * * * *");
		write_run(writer, T0 + i * 1000u, &item, statuses[i], outputs[i]);
	}
	write_batch(writer, now_ms);
	write_skipped(writer);
}

// What the engine's writer fills in: status, start (100 ms after the queueing) and end (after 500 ms).
static void set_columns(struct fixture *fixture, size_t run, int status) {
	char sql[400];
	bool started = run != QUEUED;
	long long queued = (long long)(T0 + run * 1000);
	(void)snprintf(sql, sizeof sql,
		       "UPDATE function_runs SET engine_flags = 0, engine_status = %d, engine_started_at = %s%lld,"
		       " engine_ended_at = %s%lld WHERE rowid = %zu",
		       status, started ? "" : "NULL AND ", queued + 100, run < RUNNING ? "" : "NULL AND ", queued + 500,
		       run + 1);
	assert_int_equal(sqlite3_exec(store_sql(fixture->store), sql, NULL, NULL, NULL), SQLITE_OK);
}

static int setup(void **state) {
	static const int statuses[] = {300, 400, 500, 200, 100};
	struct fixture *fixture = history_fixture_start(write_history);
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) set_columns(fixture, i, statuses[i]);
	*state = fixture;
	return 0;
}
static int teardown(void **state) {
	history_fixture_stop(*state);
	return 0;
}

#endif
