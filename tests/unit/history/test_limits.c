// How much time and memory a reading may take: deadlines of readers, and pages that end early.
#include "history/events.h"
#include "history/history_internal.h"
#include "history/search.h"
#include "runs_test.h"

#define MIB ((size_t)1 << 20)

static void add_runs(struct fixture *f, size_t count, const char *output) {
	for (size_t i = 0; i < count; i++) {
		struct test_run run = {.id = make_ulid(AT + i, (uint8_t)i),
				       .status = TRACE_RUN_COMPLETED,
				       .started_ms = (int64_t)AT,
				       .ended_ms = (int64_t)AT + 1};
		run.event_id = make_ulid(AT, 200);
		add_run(f, &run);
		add_finish(f, &run.id, "Completed", output);
	}
}

// ---- Time ----------------------------------------------------------------------------------------------------------

static enum err count_for_long(struct fixture *f, int64_t *count) {
	sqlite3_stmt *row;
	enum err err =
		statement_get(f->reader,
			      STR("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
				  " SELECT count(*) FROM n"),
			      &row, &f->error);
	while (err == ERR_OK && sql_row(row, &err, &f->error)) *count = sqlite3_column_int64(row, 0);
	return err;
}

static void test_statements_end_in_time(void **state) {
	struct fixture *f = *state;
	int64_t count = 0;
	history_deadline(f->reader, 1);
	assert_int_equal(count_for_long(f, &count), ERR_BUSY);
	assert_string_equal(f->error.message, "the request takes too long");
	// The next one who has the reader.
	history_deadline(f->reader, 0);
	assert_int_equal(count_for_long(f, &count), ERR_OK);
	assert_int_equal(count, 100000);
}

// However late it is: a reader must not keep its view of the store.
static void test_readings_end(void **state) {
	struct fixture *f = *state;
	int64_t count = 0;
	history_deadline(f->reader, 1);
	for (int i = 0; i < 3 * PROGRESS_STEPS; i++) { // more than enough steps for a look at the clock
		bool began = reading_begin(f->reader);
		assert_true(began);
		if (i % PROGRESS_STEPS == 0) assert_int_equal(count_for_long(f, &count), ERR_BUSY);
		reading_end(f->reader, began);
		if (sqlite3_get_autocommit(f->db) == 0) fail_msg("reading %d has not ended", i);
	}
}

static void test_searches_get_what_is_left(void **state) {
	struct fixture *f = *state;
	add_runs(f, 100, "{\"x\":1}");
	struct run_search *search;
	assert_ok(run_search_new(&f->arena, STR("output.x == 2"), &search, &f->error), &f->error);
	struct run_query query = {
		.from_ns = INT64_MIN, .until_ns = INT64_MAX, .limit = 10, .search = search, .budget_ms = 600000};
	struct run_page page;
	assert_ok(history_runs(f->reader, &f->arena, &query, &page, &f->error), &f->error);
	assert_int_equal(page.count, 0);
	assert_false(page.is_cut);
	history_deadline(f->reader, 1);
	assert_ok(history_runs(f->reader, &f->arena, &query, &page, &f->error), &f->error);
	assert_true(page.is_cut && page.has_more); // and says how far it got
	assert_int_equal(ulid_time_ms(&page.end.run_id), AT);
	// A search puts its own clock in the place of the reader's, and that back.
	int64_t count;
	assert_int_equal(count_for_long(f, &count), ERR_BUSY);
}

// ---- Memory --------------------------------------------------------------------------------------------------------

static char *large_json(void) {
	char *text = mem_calloc(1, MIB);
	memset(text, 'x', MIB - 1);
	text[0] = text[MIB - 2] = '"';
	return text;
}

static void test_pages_of_outputs(void **state) {
	struct fixture *f = *state;
	char *large = large_json();
	add_runs(f, 40, large);
	struct run_order newest = {.by = RUN_TIME_QUEUED, .descending = true};
	struct run_query query = {.from_ns = INT64_MIN, .until_ns = INT64_MAX, .limit = 40, .with_output = true};
	query.orders[0] = newest;
	query.order_count = 1;
	size_t seen = 0, pages = 0;
	struct run_page page = {.has_more = true};
	for (struct run_cursor after; page.has_more; pages++) {
		size_t before = f->arena.bytes;
		assert_ok(history_runs(f->reader, &f->arena, &query, &page, &f->error), &f->error);
		assert_in_range(f->arena.bytes - before, 1, HISTORY_PAGE_BYTES + 4 * MIB);
		for (size_t i = 0; i < page.count; i++)
			assert_int_equal(ulid_time_ms(&page.rows[i].id), AT + 39 - seen - i);
		seen += page.count;
		after = page.end;
		query.after = &after;
	}
	assert_int_equal(seen, 40);
	assert_int_equal(pages, 3);
	// Without outputs all of them are one page.
	query.after = NULL;
	query.with_output = false;
	assert_ok(history_runs(f->reader, &f->arena, &query, &page, &f->error), &f->error);
	assert_int_equal(page.count, 40);
	assert_false(page.has_more);
	free(large);
}

static void test_runs_of_an_event(void **state) {
	struct fixture *f = *state;
	char *large = large_json();
	add_runs(f, 40, large);
	struct ulid event_id = make_ulid(AT, 200), last, ids[40];
	struct history_run *runs;
	size_t count, seen = 0;
	do {
		assert_ok(history_event_runs(f->reader, &f->arena, &event_id, seen > 0 ? &last : NULL, 1000, &runs,
					     &count, &f->error),
			  &f->error);
		assert_in_range(count, 0, 20);
		for (size_t i = 0; i < count; i++) assert_int_equal(ulid_time_ms(&runs[i].run_id), AT + seen + i);
		if (count > 0) last = runs[count - 1].run_id;
		seen += count;
	} while (count > 0);
	assert_int_equal(seen, 40);
	assert_ok(history_event_runs(f->reader, &f->arena, &event_id, NULL, 7, &runs, &count, &f->error), &f->error);
	assert_int_equal(count, 7);
	assert_ok(history_event_run_ids(f->reader, &event_id, NULL, 30, ids, &count, &f->error), &f->error);
	assert_int_equal(count, 30);
	assert_int_equal(ulid_time_ms(&ids[0]), AT + 39);
	assert_ok(history_event_run_ids(f->reader, &event_id, &ids[29], 30, &ids[30], &count, &f->error), &f->error);
	assert_int_equal(count, 10);
	for (size_t i = 0; i < 40; i++) assert_int_equal(ulid_time_ms(&ids[i]), AT + 39 - i);
	free(large);
}

// A page that its bytes have ended is the last one all the same when it has all that there is.
static void test_pages_of_events(void **state) {
	struct fixture *f = *state;
	char *large = large_json();
	for (size_t i = 0; i < 40; i++) {
		struct ulid id = make_ulid(AT + i, (uint8_t)i);
		add_event_data(f, &id, "large", large);
	}
	struct history_events_filter filter = {.from_ns = 0, .until_ns = INT64_MAX, .limit = 40};
	struct history_events_page page;
	assert_ok(history_events_search(f->reader, &f->arena, &filter, &page, &f->error), &f->error);
	assert_in_range(page.count, 10, 20);
	assert_true(page.has_more);
	char sql[100];
	(void)snprintf(sql, sizeof sql, "DELETE FROM events WHERE rowid <= %zu", 40 - page.count);
	exec(f->db, sql);
	size_t count = page.count;
	arena_free(&f->arena); // as before the first page
	arena_init(&f->arena, 0);
	assert_ok(history_events_search(f->reader, &f->arena, &filter, &page, &f->error), &f->error);
	assert_int_equal(page.count, count);
	assert_false(page.has_more);
	free(large);
}

static void test_an_arena_that_is_spent(void **state) {
	struct fixture *f = *state;
	char *large = large_json();
	add_runs(f, 20, large);
	struct ulid ids[20];
	size_t count;
	struct run_row *rows;
	for (size_t i = 0; i < 20; i++) ids[i] = make_ulid(AT + i, (uint8_t)i);
	arena_limit(&f->arena, 30 * MIB);
	assert_ok(history_runs_by_id(f->reader, &f->arena, ids, 20, true, &rows, &count, &f->error), &f->error);
	assert_int_equal(count, 20);
	arena_limit(&f->arena, 5 * MIB);
	size_t before = f->arena.bytes;
	assert_int_equal(history_runs_by_id(f->reader, &f->arena, ids, 20, true, &rows, &count, &f->error),
			 ERR_TOO_LARGE);
	assert_in_range(f->arena.bytes - before, 5 * MIB, 8 * MIB);
	free(large);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_statements_end_in_time, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_readings_end, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_searches_get_what_is_left, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_pages_of_outputs, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_runs_of_an_event, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_pages_of_events, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_an_arena_that_is_spent, set_up_runs, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
