// The schema: fresh, again, and over files that another server left at an older or a newer version.
#include "base/codec.h"
#include "history_test.h"

static void migrate(sqlite3 *db) {
	struct error error;
	assert_ok(history_migrate(db, &error), &error);
}

static int set_up_empty(void **state) {
	struct fixture *f = mem_calloc(1, sizeof *f);
	assert_int_equal(sqlite3_open(":memory:", &f->db), SQLITE_OK);
	arena_init(&f->arena, 0);
	*state = f;
	return 0;
}

static void test_fresh(void **state) {
	struct fixture *f = *state;
	migrate(f->db);
	assert_rows(f->db,
		    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name",
		    "apps;engine_annotations;engine_batch_events;engine_debug_runs;engine_defers;"
		    "engine_event_outcomes;engine_event_skew;engine_migration;engine_open_runs;engine_retention;"
		    "engine_strays;"
		    "engine_trace;event_batches;"
		    "events;function_"
		    "finishes;function_runs;functions;"
		    "goose_db_version;history;migrations;queue_snapshot_chunks;spans;trace_runs;traces;"
		    "worker_connections");
	assert_rows(f->db, "SELECT id, version_id, is_applied FROM goose_db_version",
		    "1|0|1;2|1|1;3|2|1;4|3|1;5|4|1;6|5|1");
	assert_rows(f->db, "SELECT count(*) FROM goose_db_version WHERE tstamp LIKE '____-__-__ __:__:__'", "6");
	assert_rows(f->db,
		    "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
		    " AND name NOT LIKE 'engine%' ORDER BY name",
		    "apps_name_unique_key;functions_app_id_slug_active_key;idx_spans_account_status_time;"
		    "idx_spans_run_id;idx_spans_run_id_dynamic_start_time;idx_spans_run_status;idx_spans_status;"
		    "version_unique");
}

// Name, type, NOT NULL, default and key of each column, as the tables of spec 09 §4 say.
static void test_columns(void **state) {
	struct fixture *f = *state;
	migrate(f->db);
#define COLUMNS(table) "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info('" table "')"
	assert_rows(f->db, COLUMNS("events"),
		    "internal_id|BLOB|0|NULL|0;account_id|CHAR(36)|0|NULL|0;workspace_id|CHAR(36)|0|NULL|0;"
		    "source|VARCHAR(255)|0|NULL|0;source_id|CHAR(35)|0|NULL|0;"
		    "received_at|TIMESTAMP|1|CURRENT_TIMESTAMP|0;event_id|VARCHAR|1|NULL|0;"
		    "event_name|VARCHAR|1|NULL|0;event_data|VARCHAR|1|'{}'|0;event_user|VARCHAR|1|'{}'|0;"
		    "event_v|VARCHAR|0|NULL|0;event_ts|TIMESTAMP|1|NULL|0;engine_meta|VARCHAR|0|NULL|0;engine_flags|"
		    "INT|0|NULL|0");
	assert_rows(f->db, COLUMNS("function_runs"),
		    "run_id|BLOB|1|NULL|0;run_started_at|TIMESTAMP|1|CURRENT_TIMESTAMP|0;"
		    "function_id|CHAR(36)|0|NULL|0;function_version|INT|1|NULL|0;trigger_type|VARCHAR|1|'event'|0;"
		    "event_id|BLOB|1|NULL|0;batch_id|BLOB|0|NULL|0;original_run_id|BLOB|0|NULL|0;"
		    "cron|VARCHAR|0|NULL|0;workspace_id|UUID|0|NULL|0;engine_status|INT|0|NULL|0;"
		    "engine_started_at|INT|0|NULL|0;engine_ended_at|INT|0|NULL|0;engine_flags|INT|0|NULL|0");
	assert_rows(f->db, COLUMNS("functions"),
		    "id|CHAR(36)|0|NULL|1;app_id|CHAR(36)|0|NULL|0;name|VARCHAR|1|NULL|0;slug|VARCHAR|1|NULL|0;"
		    "config|VARCHAR|1|NULL|0;created_at|TIMESTAMP|1|CURRENT_TIMESTAMP|0;"
		    "archived_at|TIMESTAMP|0|NULL|0;engine_paused_at|INT|0|NULL|0");
	assert_rows(f->db, "SELECT group_concat(name) FROM pragma_table_info('spans') WHERE pk > 0",
		    "span_id,trace_id");
	assert_rows(f->db, "SELECT count(*) FROM pragma_table_info('worker_connections')", "26");
	assert_rows(f->db, "SELECT count(*) FROM pragma_table_info('history')", "24");
	assert_rows(f->db, "SELECT count(*) FROM pragma_table_info('spans')", "22");
}

static void test_again(void **state) {
	struct fixture *f = *state;
	migrate(f->db);
	exec(f->db, "INSERT INTO apps(id, name, sdk_language, sdk_version, status, checksum, url)"
		    " VALUES('a', 'shop', 'js', 'v4', '', 'c', 'u')");
	const char *schema = rows_of(f->db, "SELECT group_concat(sql) FROM sqlite_schema");
	char *before = mem_strndup(schema, strlen(schema));
	migrate(f->db);
	assert_rows(f->db, "SELECT group_concat(sql) FROM sqlite_schema", before);
	assert_rows(f->db, "SELECT count(*) FROM goose_db_version", "6");
	assert_rows(f->db, "SELECT name FROM apps", "shop");
	free(before);
}

static void test_inside_a_transaction(void **state) {
	struct fixture *f = *state;
	exec(f->db, "BEGIN");
	migrate(f->db);
	exec(f->db, "ROLLBACK");
	assert_rows(f->db, "SELECT count(*) FROM sqlite_schema", "0");
}

#define GOOSE                                                                                              \
	"CREATE TABLE goose_db_version(id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL," \
	" is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')));"
#define APPS                                                                                               \
	"CREATE TABLE apps(id CHAR(36) PRIMARY KEY, name VARCHAR NOT NULL, sdk_language VARCHAR NOT NULL," \
	" sdk_version VARCHAR NOT NULL, framework VARCHAR, metadata VARCHAR NOT NULL DEFAULT '{}',"        \
	" status VARCHAR NOT NULL, error TEXT, checksum VARCHAR NOT NULL,"                                 \
	" created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, archived_at TIMESTAMP, url VARCHAR NOT NULL);"
#define FUNCTIONS                                                                                            \
	"CREATE TABLE functions(id CHAR(36), app_id CHAR(36), name VARCHAR NOT NULL, slug VARCHAR NOT NULL," \
	" config VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, archived_at TIMESTAMP);"

// Version 1: functions without a key and with duplicates, apps with the same name, no is_deferred.
static void test_old_version(void **state) {
	struct fixture *f = *state;
	exec(f->db, GOOSE APPS FUNCTIONS
	     "INSERT INTO goose_db_version(version_id, is_applied) VALUES(0, 1), (1, 1);"
	     "CREATE TABLE spans(span_id TEXT NOT NULL, trace_id TEXT NOT NULL, parent_span_id TEXT, name TEXT NOT "
	     "NULL,"
	     " start_time DATETIME NOT NULL, end_time DATETIME NOT NULL, attributes JSON, links JSON,"
	     " dynamic_span_id TEXT, account_id TEXT NOT NULL, app_id TEXT NOT NULL, function_id TEXT NOT NULL,"
	     " run_id TEXT NOT NULL, env_id TEXT NOT NULL, output JSON, debug_run_id CHAR(36),"
	     " debug_session_id CHAR(36), status TEXT, input JSON, event_ids JSON, PRIMARY KEY(trace_id, span_id));"
	     "INSERT INTO apps(id, name, sdk_language, sdk_version, status, checksum, url, created_at) VALUES"
	     " ('a1', 'shop', '', '', '', '', 'u1', '2026-01-01 00:00:00'),"
	     " ('a2', 'shop', '', '', '', '', 'u2', '2026-01-02 00:00:00'),"
	     " ('a3', 'shop', '', '', '', '', 'u3', '2026-01-03 00:00:00'),"
	     " ('p1', '', '', '', '', '', 'u4', '2026-01-03 00:00:00'), ('p2', '', '', '', '', '', 'u5', '2026-01-03');"
	     "UPDATE apps SET archived_at = '2026-01-04 00:00:00' WHERE id = 'a3';"
	     "INSERT INTO functions(id, app_id, name, slug, config) VALUES"
	     " ('f1', 'a1', 'old', 'shop-x', '{}'), ('f1', 'a1', 'new', 'shop-x', '{}'),"
	     " ('f2', 'a1', 'y', 'shop-y', '{}'), ('f3', 'a1', 'y again', 'shop-y', '{}'), ('f4', NULL, 'z', 's', "
	     "'{}')");
	migrate(f->db);
	assert_rows(f->db, "SELECT version_id FROM goose_db_version", "0;1;2;3;4;5");
	assert_rows(f->db, "SELECT id, name, archived_at IS NULL FROM functions ORDER BY id",
		    "f1|new|1;f2|y|0;f3|y again|1;f4|z|1");
	assert_rows(f->db, "SELECT id, name, archived_at IS NULL FROM apps ORDER BY id",
		    "a1|shop|1;a2|shop (id:a2)|0;a3|shop (id:a3)|0;p1||1;p2||1");
	assert_rows(f->db, "SELECT archived_at FROM apps WHERE id = 'a3'", "2026-01-04 00:00:00");
	assert_rows(f->db, "SELECT type FROM pragma_table_info('spans') WHERE name = 'is_deferred'", "BOOLEAN");
	assert_rows(f->db, "SELECT pk FROM pragma_table_info('functions') WHERE name = 'id'", "1");
	assert_rows(f->db, "SELECT count(*) FROM pragma_table_info('apps') WHERE name IN ('method', 'app_version')",
		    "2");
	// And it can be used.
	assert_ok(history_writer_new(f->db, &f->writer, &f->error), &f->error);
	assert_ok(history_reader_new(f->db, &f->reader, &f->error), &f->error);
}

static void test_newer_version(void **state) {
	struct fixture *f = *state;
	migrate(f->db);
	exec(f->db, "INSERT INTO goose_db_version(version_id, is_applied) VALUES(6, 1), (7, 1);"
		    "ALTER TABLE apps ADD COLUMN colour TEXT; CREATE TABLE shiny(x);"
		    "DROP INDEX engine_events_id");
	migrate(f->db);
	assert_rows(f->db, "SELECT version_id FROM goose_db_version", "0;1;2;3;4;5;6;7");
	assert_rows(f->db, "SELECT count(*) FROM sqlite_schema WHERE name = 'engine_events_id'", "1");
	assert_ok(history_writer_new(f->db, &f->writer, &f->error), &f->error);
	assert_ok(history_reader_new(f->db, &f->reader, &f->error), &f->error);
}

// Batches that the reference server wrote get their links: all at first, later those behind the last one that has some.
static void test_batches_of_another_server(void **state) {
	struct fixture *f = *state;
#define BATCH(n, ids)                                                                                             \
	"INSERT INTO event_batches(id, run_id, started_at, event_ids) VALUES(x'000000000000000000000000000000b" n \
	"', x'000000000000000000000000000000a" n "', '2026-11-21 08:22:14 +0000 UTC', CAST('" ids "' AS BLOB));"
#define EVENT_1 "00000000000000000000000001"
#define EVENT_2 "00000000000000000000000002"
#define LINKS "SELECT substr(hex(event_id), 32) || substr(hex(run_id), 31) FROM engine_batch_events ORDER BY 1"
	migrate(f->db);
	exec(f->db,
	     "DROP TABLE engine_batch_events; DROP TABLE engine_event_outcomes; DROP INDEX engine_batches_run;" BATCH(
		     "1", EVENT_1 "," EVENT_2) BATCH("2", EVENT_2 "," EVENT_2) BATCH("3", "no,ids"));
	migrate(f->db);
	assert_rows(f->db, LINKS, "1A1;2A1;2A2");
	exec(f->db, "DELETE FROM engine_batch_events WHERE run_id < x'000000000000000000000000000000a2';" // not sought
	     BATCH("4", "," EVENT_1 ",") BATCH("5", ""));
	migrate(f->db);
	migrate(f->db);
	assert_rows(f->db, LINKS, "1A4;2A2");
	assert_rows(f->db, "SELECT count(*) FROM sqlite_schema WHERE name = 'engine_batches_run'", "1");
	assert_rows(f->db, "SELECT count(*) FROM engine_event_outcomes", "0");
}

// ---- Columns of ours in function_runs ----

#define ID(n) "x'01900000000000000000000000000a" n "'" // of the millisecond below
#define QUEUED "1717986918400"
#define FOREIGN_RUN(n) \
	"INSERT INTO function_runs(run_id, function_id, function_version, event_id) VALUES(" ID(n) ", 'f', 0, x'');"
#define FINISH(n, status, at) \
	"INSERT INTO function_finishes(run_id, status, created_at) VALUES(" ID(n) ", '" status "', '" at "');"
#define TRACE_RUN(n, status, started, ended, ai)                                                                 \
	"INSERT INTO trace_runs(run_id, account_id, workspace_id, app_id, function_id, trace_id, queued_at,"     \
	" started_at, ended_at, status, source_id, trigger_ids, is_debounce, cron_schedule, has_ai) VALUES(" ID( \
		n) ", '', '', 'a', 'f', x'', " QUEUED ", " started ", " ended ", " status ", '', CAST('" EVENT_1 \
		   "," EVENT_2 "' AS BLOB), 0, 'cron', " ai ");"
#define SPAN(n, id, name, dynamic, at, status, debug, deferred)                                                   \
	"INSERT INTO spans(span_id, trace_id, name, start_time, end_time, dynamic_span_id, account_id, app_id,"   \
	" function_id, run_id, env_id, status, debug_run_id, is_deferred) VALUES('" id "', 't', '" name "', '" at \
	"', '" at "', '" dynamic "', '', '', '', '01J000000000000000000002" n "', '', " status ", " debug         \
	", " deferred ");"
#define RUNS                                                                                                       \
	"SELECT substr(hex(run_id), 31), engine_status, engine_started_at - " QUEUED ", engine_ended_at - " QUEUED \
	", engine_flags FROM function_runs ORDER BY run_id"
#define OPEN "SELECT group_concat(substr(hex(run_id), 31)) FROM engine_open_runs"
#define BY_MS(n) "2024-06-10 02:35:18." n " +0000 UTC"

// From finish rows, older traces and spans.
static void test_runs_of_another_server(void **state) {
	struct fixture *f = *state;
	migrate(f->db);
	exec(f->db,
	     FOREIGN_RUN("01") FINISH("01", "Completed", BY_MS("500") " m=+1.5") FINISH("01", "Failed", BY_MS("9"))
		     TRACE_RUN("01", "200", "1717986918450", "-62135596800000", "1") FOREIGN_RUN("02")
			     FINISH("02", "Cancelled", BY_MS("600")) FOREIGN_RUN("03")
				     TRACE_RUN("03", "400", "-62135596800000", "1717986918700", "0"));
	exec(f->db, FOREIGN_RUN("04") FOREIGN_RUN("05") TRACE_RUN("05", "100", "-62135596800000", "0", "0")
			    FOREIGN_RUN("06") TRACE_RUN("06", "2", "0", "0", "0"));
	migrate(f->db);
	assert_rows(f->db, RUNS,
		    "01|300|50|100|4;02|500|NULL|200|0;03|400|0|300|0;04|200|NULL|NULL|0;05|100|NULL|NULL|0;"
		    "06|400|0|0|0");
	assert_rows(f->db, OPEN, "04,05");
	// The other server goes on with one of them.
	exec(f->db, FINISH("05", "Completed", BY_MS("480")) FOREIGN_RUN("07") FINISH("07", "Completed", "garbage"));
	migrate(f->db);
	assert_rows(f->db, RUNS " LIMIT 3 OFFSET 4", "05|300|0|80|0;06|400|0|0|0;07|300|0|0|0");
	assert_rows(f->db, OPEN, "04");
}

static void test_runs_known_by_spans(void **state) {
	struct fixture *f = *state;
	migrate(f->db);
	exec(f->db, FOREIGN_RUN("01") SPAN("R1", "s1", "executor.run", "d1", BY_MS("410"), "'Running'", "NULL", "1")
			    SPAN("R1", "s2", "EXTEND", "d1", BY_MS("500"), "'Completed'", "NULL",
				 "NULL") SPAN("R1", "s3", "EXTEND", "d1", BY_MS("900"), "NULL", "NULL", "NULL")
				    SPAN("R1", "s4", "executor.step", "d2", BY_MS("950"), "'Failed'", "NULL", "NULL"));
	exec(f->db, FOREIGN_RUN("02") SPAN("R2", "s5", "executor.run", "d3", BY_MS("410"), "'Queued'",
					   "'01J0000000000000000000000R'", "NULL"));
	char text[ULID_TEXT_LEN + 1];
	struct ulid id = {{0x01, 0x90}};
	id.bytes[14] = 0x0a;
	for (id.bytes[15] = 1; id.bytes[15] <= 2; id.bytes[15]++) {
		ulid_text(&id, text);
		char *sql =
			sqlite3_mprintf("UPDATE spans SET run_id = '%s' WHERE run_id LIKE '%%R%d'", text, id.bytes[15]);
		exec(f->db, sql);
		sqlite3_free(sql);
	}
	migrate(f->db);
	assert_rows(f->db, RUNS, "01|300|0|100|2;02|100|NULL|NULL|1");
	assert_rows(f->db, "SELECT substr(hex(run_id), 31), hex(debug_run_id), session_id FROM engine_debug_runs",
		    "02|01900000000000000000000000000018|NULL");
}

// Runs that only the older traces know; each is looked for once.
static void test_runs_known_by_traces_only(void **state) {
	struct fixture *f = *state;
	migrate(f->db);
	exec(f->db, TRACE_RUN("01", "300", "1717986918450", "1717986918500", "0")
			    TRACE_RUN("02", "600", "1717986918450", "0", "0"));
	migrate(f->db);
	assert_rows(f->db, RUNS, "01|300|50|100|0");
	assert_rows(f->db,
		    "SELECT run_started_at, function_id, hex(event_id), cron, length(batch_id) FROM function_runs",
		    "2024-06-10 02:35:18.4 +0000 UTC|f|00000000000000000000000000000001|cron|16");
	exec(f->db, "DELETE FROM function_runs;" TRACE_RUN("03", "500", "0", "1717986918500", "0"));
	migrate(f->db);
	assert_rows(f->db, RUNS, "03|500|NULL|100|0");
	exec(f->db, "DELETE FROM function_runs; DELETE FROM trace_runs;" // as after a VACUUM: the rows' ids are lower
	     TRACE_RUN("04", "500", "0", "1717986918500", "0"));
	migrate(f->db);
	assert_rows(f->db, RUNS, "04|500|NULL|100|0");
}

static int count_steps(void *context) {
	++*(int64_t *)context;
	return 0;
}

// In hundreds of SQLite's instructions.
static int64_t cost_of_start(struct fixture *f) {
	int64_t steps = 0;
	sqlite3_progress_handler(f->db, 100, count_steps, &steps);
	migrate(f->db);
	sqlite3_progress_handler(f->db, 0, NULL, NULL);
	return steps;
}

// What has been looked at costs nothing at the next start, and what another server has added since is seen.
static void test_traces_are_looked_at_once(void **state) {
	struct fixture *f = *state;
	migrate(f->db);
	exec(f->db, TRACE_RUN("01", "300", "1717986918450", "1717986918500", "0"));
	migrate(f->db);
	int64_t before = cost_of_start(f);
	exec(f->db,
	     "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
	     " INSERT INTO trace_runs SELECT CAST(substr(run_id, 1, 12) || printf('%04d', i) AS BLOB), account_id,"
	     " workspace_id, app_id, function_id, trace_id, queued_at, started_at, ended_at, status, source_id,"
	     " trigger_ids, output, is_debounce, batch_id, cron_schedule, has_ai FROM n, trace_runs");
	int64_t first = cost_of_start(f), second = cost_of_start(f);
	assert_true(first > before + 100);
	assert_in_range(second, 0, before + 5);
	exec(f->db, TRACE_RUN("02", "300", "1717986918450", "1717986918500", "0"));
	assert_in_range(cost_of_start(f), 0, before + 10);
	assert_rows(f->db, "SELECT count(*) FROM function_runs", "5001");
}

// Those of an older file of ours are in the engine's records while they are under way.
static void test_runs_of_ours(void **state) {
	struct fixture *f = *state;
	struct buf head;
	migrate(f->db);
	exec(f->db,
	     "CREATE TABLE engine_record(kind INTEGER NOT NULL, key BLOB NOT NULL, head BLOB NOT NULL, body BLOB,"
	     " body_id INTEGER, PRIMARY KEY(kind, key)) WITHOUT ROWID;" FOREIGN_RUN("01") FOREIGN_RUN("02")
		     FOREIGN_RUN("03") FINISH("03", "Failed", BY_MS("500")));
	buf_init(&head, 200);
	for (int i = 0; i < 53; i++) buf_byte(&head, '\0'); // run_record.h
	put_u64(&head, 1717986918410);
	sqlite3_stmt *insert;
	assert_int_equal(sqlite3_prepare_v2(f->db,
					    "INSERT INTO engine_record(kind, key, head) VALUES(4, " ID(
						    "01") ", ?1),"
							  " (4, " ID("02") ", zeroblob(90)), (5, " ID("03") ", x'')",
					    -1, &insert, NULL),
			 SQLITE_OK);
	sqlite3_bind_blob(insert, 1, head.ptr, (int)head.len, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
	sqlite3_finalize(insert);
	buf_free(&head);
	migrate(f->db);
	assert_rows(f->db, RUNS, "01|200|10|NULL|0;02|100|NULL|NULL|0;03|400|0|100|0");
	assert_rows(f->db, OPEN, "NULL");
}

static void test_failure_changes_nothing(void **state) {
	struct fixture *f = *state;
	exec(f->db, "CREATE VIEW events AS SELECT 1 AS x"); // somebody else's file
	struct error error;
	assert_int_not_equal(history_migrate(f->db, &error), ERR_OK);
	assert_non_null(strstr(error.message, "history: "));
	assert_rows(f->db, "SELECT name FROM sqlite_schema", "events");
	assert_int_equal(sqlite3_get_autocommit(f->db), 1);
	struct history_writer *writer;
	assert_int_not_equal(history_writer_new(f->db, &writer, &error), ERR_OK);
	struct history_reader *reader;
	assert_int_not_equal(history_reader_new(f->db, &reader, &error), ERR_OK);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fresh, set_up_empty, tear_down),
		cmocka_unit_test_setup_teardown(test_columns, set_up_empty, tear_down),
		cmocka_unit_test_setup_teardown(test_again, set_up_empty, tear_down),
		cmocka_unit_test_setup_teardown(test_inside_a_transaction, set_up_empty, tear_down),
		cmocka_unit_test_setup_teardown(test_old_version, set_up_empty, tear_down),
		cmocka_unit_test_setup_teardown(test_newer_version, set_up_empty, tear_down),
		cmocka_unit_test_setup_teardown(test_batches_of_another_server, set_up_empty, tear_down),
		cmocka_unit_test_setup_teardown(test_runs_of_another_server, set_up_empty, tear_down),
		cmocka_unit_test_setup_teardown(test_runs_known_by_spans, set_up_empty, tear_down),
		cmocka_unit_test_setup_teardown(test_runs_known_by_traces_only, set_up_empty, tear_down),
		cmocka_unit_test_setup_teardown(test_traces_are_looked_at_once, set_up_empty, tear_down),
		cmocka_unit_test_setup_teardown(test_runs_of_ours, set_up_empty, tear_down),
		cmocka_unit_test_setup_teardown(test_failure_changes_nothing, set_up_empty, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
