// The cursor of the export of spans, and what stands behind it.
#include "trace_test.h"

#include "history/exports.h"

static void add_call(struct fixture *f, const struct ulid *run_id, uint64_t job) {
	add_fact(f, run_id, &(struct trace_fact){.kind = FACT_CALL, .at_ms = AT + 9, .job = job, .started_ms = AT});
}

static void add_end(struct fixture *f, const struct ulid *run_id) {
	struct history_item item = {.kind = HISTORY_FINISH, .at_ms = AT + 10};
	item.finish.run_id = *run_id;
	item.finish.status = "Completed";
	write_item(f, &item);
	add_fact(f, run_id, &(struct trace_fact){.kind = FACT_ENDED, .at_ms = AT + 10});
}

static void save(struct fixture *f, uint64_t cursor) {
	struct history_item item = {.kind = HISTORY_EXPORTED};
	item.exported.cursor = cursor;
	write_item(f, &item);
}

static uint64_t cursor_of(struct fixture *f, bool expect_new) {
	uint64_t cursor;
	bool is_new;
	assert_ok(history_exports_cursor(f->reader, &cursor, &is_new, &f->error), &f->error);
	assert_int_equal(is_new, expect_new);
	return cursor;
}

static struct export_window window_of(struct fixture *f, uint64_t after, size_t max) {
	struct export_window window;
	assert_ok(history_exports_window(f->reader, &f->arena, after, max, &window, &f->error), &f->error);
	return window;
}

static size_t spans_of(struct fixture *f, const struct ulid *run_id, uint64_t after, uint64_t last) {
	struct otlp_span *spans;
	size_t count;
	assert_ok(history_exports_run(f->reader, &f->arena, run_id, after, last, &spans, &count, &f->error), &f->error);
	return count;
}

static void a_new_cursor_is_at_the_end(void **state) {
	struct fixture *f = *state;
	assert_int_equal(cursor_of(f, true), 0);
	struct ulid run = add_run(f, 1, AT);
	add_call(f, &run, 1);
	add_call(f, &run, 2);
	assert_int_equal(cursor_of(f, true), 2);
	save(f, 2);
	assert_int_equal(cursor_of(f, false), 2);
	save(f, 2); // twice is no harm
	assert_int_equal(cursor_of(f, false), 2);
	assert_rows(f->db, "SELECT count(*) FROM engine_trace WHERE run_id = x''", "1");
	assert_ok(history_exports_forget(f->db, &f->error), &f->error);
	assert_int_equal(cursor_of(f, true), 2);
}

static void runs_in_windows(void **state) {
	struct fixture *f = *state;
	struct ulid a = add_run(f, 1, AT), b = add_run(f, 2, AT);
	add_call(f, &a, 1); // 1
	add_call(f, &b, 1); // 2
	add_call(f, &a, 2); // 3
	add_end(f, &a);     // 4
	struct export_window window = window_of(f, 0, 3);
	assert_int_equal(window.count, 3);
	assert_int_equal(window.last, 3);
	assert_int_equal(window.lost, 0);
	assert_int_equal(window.run_count, 2);
	assert_memory_equal(&window.runs[0], &a, sizeof a);
	assert_memory_equal(&window.runs[1], &b, sizeof b);
	assert_int_equal(spans_of(f, &a, 0, 3), 4); // two requests with an attempt each
	assert_int_equal(spans_of(f, &a, 0, 1), 2);
	assert_int_equal(spans_of(f, &b, 0, 3), 2);
	window = window_of(f, 3, 3);
	assert_int_equal(window.last, 4);
	assert_int_equal(spans_of(f, &a, 3, 4), 1); // the run itself
	assert_int_equal(spans_of(f, &a, 0, 4), 5);
	assert_int_equal(window_of(f, 4, 3).count, 0);
	struct ulid unknown = make_ulid(AT, 77);
	assert_int_equal(spans_of(f, &unknown, 0, 4), 0);
}

// The last rows may be deleted, and SQLite would give their ids again: behind the cursor they are new all the same.
static void ids_only_grow(void **state) {
	struct fixture *f = *state;
	struct ulid a = add_run(f, 1, AT), b = add_run(f, 2, AT);
	for (uint64_t job = 1; job <= 5; job++) add_call(f, &a, job);
	save(f, 5);
	assert_int_equal(window_of(f, 5, 10).run_count, 0);               // the cursor itself is of no run
	exec(f->db, "DELETE FROM engine_trace WHERE length(run_id) > 0"); // retention
	add_call(f, &b, 1);
	struct export_window window = window_of(f, cursor_of(f, false), 10);
	assert_int_equal(window.run_count, 1);
	assert_memory_equal(&window.runs[0], &b, sizeof b);
	assert_int_equal(window.lost, 0);
	assert_int_equal(spans_of(f, &b, 5, window.last), 2);
	save(f, window.last);
	assert_int_equal(cursor_of(f, false), window.last);
}

// The same when retention was there before the cursor: what has been sent may be gone when that is written.
static void ids_only_grow_behind_a_late_cursor(void **state) {
	struct fixture *f = *state;
	struct ulid a = add_run(f, 1, AT), b = add_run(f, 2, AT);
	for (uint64_t job = 1; job <= 5; job++) add_call(f, &a, job);
	exec(f->db, "DELETE FROM engine_trace");
	save(f, 5);
	add_call(f, &b, 1);
	struct export_window window = window_of(f, cursor_of(f, false), 10);
	assert_int_equal(window.run_count, 1);
	assert_memory_equal(&window.runs[0], &b, sizeof b);
	assert_int_equal(window.lost, 0);
}

static void holes_are_counted(void **state) {
	struct fixture *f = *state;
	struct ulid a = add_run(f, 1, AT), b = add_run(f, 2, AT);
	save(f, 0);                                                   // row 1
	for (uint64_t job = 1; job <= 5; job++) add_call(f, &a, job); // 2 to 6
	add_call(f, &b, 1);                                           // 7
	exec(f->db, "DELETE FROM engine_trace WHERE id BETWEEN 2 AND 6");
	struct export_window window = window_of(f, 0, 10);
	assert_int_equal(window.lost, 5);
	assert_int_equal(window.last, 7);
	save(f, 7);
	add_call(f, &b, 2);
	assert_int_equal(window_of(f, 7, 10).lost, 0);
}

// A cursor that cannot be read is none: it must not be taken for the first one.
static void a_cursor_that_cannot_be_read(void **state) {
	struct fixture *f = *state;
	save(f, 3);
	assert_int_equal(cursor_of(f, false), 3);
	exec(f->db, "ALTER TABLE engine_trace RENAME TO gone");
	uint64_t cursor;
	bool is_new = true;
	assert_int_not_equal(history_exports_cursor(f->reader, &cursor, &is_new, &f->error), ERR_OK);
	assert_false(is_new);
	exec(f->db, "ALTER TABLE gone RENAME TO engine_trace");
	assert_int_equal(cursor_of(f, false), 3);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_store, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_new_cursor_is_at_the_end),         TEST(runs_in_windows),   TEST(ids_only_grow),
		TEST(ids_only_grow_behind_a_late_cursor), TEST(holes_are_counted), TEST(a_cursor_that_cannot_be_read)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
