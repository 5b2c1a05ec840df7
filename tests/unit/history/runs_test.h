// Shared by the tests of lists: a database with the engine's tables, and rows of runs as they stand when they are over.
#ifndef INNGEST_TESTS_RUNS_TEST_H
#define INNGEST_TESTS_RUNS_TEST_H

#include "history/runs.h"
#include "history_test.h"

#define AT UINT64_C(1795249334008) // 2026-11-21 08:22:14.008
#define NS(ms) ((int64_t)(ms)*1000000)
#define NONE INT64_MIN

static inline int set_up_runs(void **state) {
	set_up(state);
	struct fixture *f = *state;
	exec(f->db,
	     "CREATE TABLE engine_record(kind INTEGER NOT NULL, key BLOB NOT NULL, head BLOB NOT NULL, body BLOB,"
	     " body_id INTEGER, PRIMARY KEY(kind, key)) WITHOUT ROWID");
	return 0;
}

struct test_run {
	struct ulid id;
	struct uuid function_id;
	enum trace_run_status status;
	int64_t started_ms, ended_ms; // NONE
	unsigned flags;
	struct ulid event_id;
	const char *cron; // NULL: none
	bool is_foreign;  // when it has not ended: of another server
};

static inline void bind_ms(sqlite3_stmt *statement, int index, int64_t ms) {
	if (ms != NONE)
		sqlite3_bind_int64(statement, index, ms);
	else
		sqlite3_bind_null(statement, index);
}

static inline void add_run(struct fixture *f, const struct test_run *run) {
	char function[UUID_TEXT_LEN + 1];
	uuid_text(&run->function_id, function);
	sqlite3_stmt *insert;
	assert_int_equal(sqlite3_prepare_v2(f->db,
					    "INSERT INTO function_runs(run_id, function_id, function_version, event_id,"
					    " cron, engine_status, engine_started_at, engine_ended_at, engine_flags)"
					    " VALUES(?1, ?2, 0, ?3, ?4, ?5, ?6, ?7, ?8)",
					    -1, &insert, NULL),
			 SQLITE_OK);
	sqlite3_bind_blob(insert, 1, run->id.bytes, 16, SQLITE_STATIC);
	sqlite3_bind_text(insert, 2, function, -1, SQLITE_STATIC);
	sqlite3_bind_blob(insert, 3, run->event_id.bytes, 16, SQLITE_STATIC);
	sqlite3_bind_text(insert, 4, run->cron, -1, SQLITE_STATIC);
	sqlite3_bind_int(insert, 5, run->status);
	bind_ms(insert, 6, run->started_ms);
	bind_ms(insert, 7, run->ended_ms);
	sqlite3_bind_int(insert, 8, (int)run->flags);
	assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
	sqlite3_finalize(insert);
	if (run->ended_ms != NONE) return;
	const char *sql = run->is_foreign ? "INSERT INTO engine_open_runs(run_id) VALUES(?1)"
					  : "INSERT INTO engine_record(kind, key, head) VALUES(4, ?1, x'')";
	assert_int_equal(sqlite3_prepare_v2(f->db, sql, -1, &insert, NULL), SQLITE_OK);
	sqlite3_bind_blob(insert, 1, run->id.bytes, 16, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
	sqlite3_finalize(insert);
}

static inline void add_finish(struct fixture *f, const struct ulid *run_id, const char *status, const char *output) {
	sqlite3_stmt *insert;
	assert_int_equal(sqlite3_prepare_v2(f->db,
					    "INSERT INTO function_finishes(run_id, status, output) VALUES(?1, ?2, ?3)",
					    -1, &insert, NULL),
			 SQLITE_OK);
	sqlite3_bind_blob(insert, 1, run_id->bytes, 16, SQLITE_STATIC);
	sqlite3_bind_text(insert, 2, status, -1, SQLITE_STATIC);
	sqlite3_bind_text(insert, 3, output, -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
	sqlite3_finalize(insert);
}

static inline void add_event_data(struct fixture *f, const struct ulid *id, const char *name, const char *data) {
	struct history_item item = {.kind = HISTORY_EVENT, .at_ms = ulid_time_ms(id)};
	item.event.internal_id = *id;
	item.event.id = STR("client-id");
	item.event.name = str_from_cstr(name);
	item.event.data = str_from_cstr(data);
	item.event.ts_ms = item.at_ms;
	write_item(f, &item);
}

static inline void add_app_function(struct fixture *f, const char *app, const char *function) {
	struct history_item item = {.kind = HISTORY_FUNCTION, .at_ms = AT};
	item.function.id = make_uuid(function);
	item.function.app_id = make_uuid(app);
	item.function.slug = item.function.name = str_from_cstr(function);
	item.function.config = STR("{}");
	write_item(f, &item);
}

static inline struct run_query make_query(void) {
	return (struct run_query){.from_ns = INT64_MIN, .until_ns = INT64_MAX, .limit = 100};
}

#endif
