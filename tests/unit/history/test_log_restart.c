// The file's log can start over while a search is under way: between two of its chunks the search lets go of what it
// reads. A search that held on to it would let the log grow for as long as searches follow one another.
#include <string.h>
#include <unistd.h>

#include "history/events.h"
#include "history/search.h"
#include "runs_test.h"

#define RUNS 1000 // several chunks

struct log_test {
	struct fixture *f;
	char dir[32], path[48];
	sqlite3 *db; // the reader's
	struct history_reader *reader;
	int pauses, restarts; // of the search, of the log in them
};

static int set_up_file(void **state) {
	struct log_test *test = mem_calloc(1, sizeof *test);
	void *inner;
	set_up(&inner);
	test->f = inner;
	history_writer_free(test->f->writer);
	history_reader_free(test->f->reader);
	assert_int_equal(sqlite3_close(test->f->db), SQLITE_OK);
	(void)snprintf(test->dir, sizeof test->dir, "/tmp/inngest-log-XXXXXX");
	assert_non_null(mkdtemp(test->dir));
	(void)snprintf(test->path, sizeof test->path, "%s/main.db", test->dir);
	assert_int_equal(sqlite3_open(test->path, &test->f->db), SQLITE_OK);
	exec(test->f->db, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
	struct error *error = &test->f->error;
	assert_ok(history_migrate(test->f->db, error), error);
	assert_ok(history_writer_new(test->f->db, &test->f->writer, error), error);
	assert_ok(history_reader_new(test->f->db, &test->f->reader, error), error);
	assert_int_equal(sqlite3_open(test->path, &test->db), SQLITE_OK);
	exec(test->f->db, "CREATE TABLE engine_record(kind INTEGER NOT NULL, key BLOB NOT NULL, head BLOB NOT NULL,"
			  " body BLOB, body_id INTEGER, PRIMARY KEY(kind, key)) WITHOUT ROWID");
	assert_ok(history_reader_new(test->db, &test->reader, error), error);
	*state = test;
	return 0;
}

static int tear_down_file(void **state) {
	struct log_test *test = *state;
	void *inner = test->f;
	history_reader_free(test->reader);
	assert_int_equal(sqlite3_close(test->db), SQLITE_OK);
	tear_down(&inner);
	(void)unlink(test->path);
	assert_int_equal(rmdir(test->dir), 0);
	free(test);
	return 0;
}

static void add_runs(struct fixture *f) {
	exec(f->db, "BEGIN");
	for (int i = 0; i < RUNS; i++) {
		struct test_run run = {.id = make_ulid(AT + (uint64_t)i, (uint8_t)i),
				       .function_id = make_uuid("f0"),
				       .status = TRACE_RUN_COMPLETED,
				       .started_ms = (int64_t)AT,
				       .ended_ms = (int64_t)AT + i};
		run.event_id = make_ulid(AT + (uint64_t)i, (uint8_t)(i + 1));
		add_event_data(f, &run.event_id, "a", "{\"n\":1}");
		add_run(f, &run);
	}
	exec(f->db, "COMMIT");
}

// Between the chunks: something is written, and the log is copied and starts over.
static int at_pause(unsigned kind, void *argument, void *statement, void *ns) {
	struct log_test *test = argument;
	(void)kind, (void)ns;
	if (strcmp(sqlite3_sql(statement), "COMMIT") != 0) return 0;
	exec(test->f->db, "INSERT INTO engine_open_runs(run_id) VALUES(randomblob(16))");
	test->pauses++;
	if (sqlite3_wal_checkpoint_v2(test->f->db, "main", SQLITE_CHECKPOINT_RESTART, NULL, NULL) == SQLITE_OK)
		test->restarts++;
	return 0;
}

static struct run_search *nothing_matches(struct fixture *f) {
	struct run_search *search;
	assert_ok(run_search_new(&f->arena, STR("event.data.n == 2"), &search, &f->error), &f->error);
	return search;
}

static void check_pauses(struct log_test *test) {
	assert_true(test->pauses >= 3); // between chunks, and the end
	assert_int_equal(test->restarts, test->pauses);
}

static void test_search_of_runs(void **state) {
	struct log_test *test = *state;
	struct fixture *f = test->f;
	struct run_query query = make_query();
	struct run_page page;
	add_runs(f);
	query.search = nothing_matches(f);
	query.orders[0].descending = true;
	query.order_count = 1;
	query.budget_ms = 3600000;
	query.limit = 10;
	sqlite3_trace_v2(test->db, SQLITE_TRACE_PROFILE, at_pause, test);
	assert_ok(history_runs(test->reader, &f->arena, &query, &page, &f->error), &f->error);
	assert_int_equal(page.count, 0);
	check_pauses(test);
}

static void test_search_of_events(void **state) {
	struct log_test *test = *state;
	struct fixture *f = test->f;
	struct history_events_filter filter = {
		.from_ns = INT64_MIN, .until_ns = INT64_MAX, .scope = EVENTS_ALL, .limit = 10, .budget_ms = 3600000};
	struct history_events_page page;
	add_runs(f);
	filter.search = nothing_matches(f);
	sqlite3_trace_v2(test->db, SQLITE_TRACE_PROFILE, at_pause, test);
	assert_ok(history_events_search(test->reader, &f->arena, &filter, &page, &f->error), &f->error);
	assert_int_equal(page.count, 0);
	check_pauses(test);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_search_of_runs, set_up_file, tear_down_file),
		cmocka_unit_test_setup_teardown(test_search_of_events, set_up_file, tear_down_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
