// The cursor of the export of spans, and what stands behind it.
#include "trace_test.h"

#include "history/exports.h"
#include "history/retention.h"

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

static uint64_t cursor_of(struct fixture *f) {
	uint64_t cursor;
	assert_ok(history_exports_cursor(f->reader, &cursor, &f->error), &f->error);
	return cursor;
}

static struct export_window window_of(struct fixture *f, uint64_t after, size_t max) {
	struct export_window window;
	assert_ok(history_exports_window(f->reader, &f->arena, after, max, &window, &f->error), &f->error);
	return window;
}

static struct export_memory *memory;

static int set_up_export(void **state) {
	memory = export_memory_new(EXPORT_MEMORY_MAX);
	return set_up_store(state);
}

static int tear_down_export(void **state) {
	export_memory_free(memory);
	return tear_down(state);
}

static size_t spans_of(struct fixture *f, const struct ulid *run_id, uint64_t after, uint64_t last) {
	size_t sum = 0;
	bool more = true;
	while (more) {
		struct otlp_span *spans;
		size_t count;
		assert_ok(history_exports_run(f->reader, memory, &f->arena, run_id, after, last, &spans, &count, &more,
					      &f->error),
			  &f->error);
		sum += count;
	}
	return sum;
}

static void begin(struct fixture *f) {
	assert_ok(history_exports_begin(f->db, &f->error), &f->error);
}

static void a_new_cursor_is_at_the_end(void **state) {
	struct fixture *f = *state;
	uint64_t cursor;
	assert_int_equal(history_exports_cursor(f->reader, &cursor, &f->error), ERR_NOT_FOUND);
	begin(f); // row 1
	assert_int_equal(cursor_of(f), 0);
	struct ulid run = add_run(f, 1, AT);
	add_call(f, &run, 1);
	add_call(f, &run, 2);
	begin(f);
	assert_int_equal(cursor_of(f), 0); // what came since is to be told
	save(f, 3);
	assert_int_equal(cursor_of(f), 3);
	save(f, 3); // twice is no harm
	assert_int_equal(cursor_of(f), 3);
	assert_rows(f->db, "SELECT count(*) FROM engine_trace WHERE run_id = x''", "1");
	assert_ok(history_exports_forget(f->db, &f->error), &f->error);
	begin(f);
	assert_int_equal(cursor_of(f), 3);
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
	struct export_window window = window_of(f, cursor_of(f), 10);
	assert_int_equal(window.run_count, 1);
	assert_memory_equal(&window.runs[0], &b, sizeof b);
	assert_int_equal(window.lost, 0);
	assert_int_equal(spans_of(f, &b, 5, window.last), 2);
	save(f, window.last);
	assert_int_equal(cursor_of(f), window.last);
}

// The same when retention was there before the cursor: what has been sent may be gone when that is written.
static void ids_only_grow_behind_a_late_cursor(void **state) {
	struct fixture *f = *state;
	struct ulid a = add_run(f, 1, AT), b = add_run(f, 2, AT);
	for (uint64_t job = 1; job <= 5; job++) add_call(f, &a, job);
	exec(f->db, "DELETE FROM engine_trace");
	save(f, 5);
	add_call(f, &b, 1);
	struct export_window window = window_of(f, cursor_of(f), 10);
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
	assert_int_equal(cursor_of(f), 3);
	exec(f->db, "ALTER TABLE engine_trace RENAME TO gone");
	uint64_t cursor;
	assert_int_not_equal(history_exports_cursor(f->reader, &cursor, &f->error), ERR_OK);
	exec(f->db, "ALTER TABLE gone RENAME TO engine_trace");
	assert_int_equal(cursor_of(f), 3);
}

// ---- long runs -----------------------------------------------------------------------------------------------------

#define MANY 21000 // more than a trace shows

static uint64_t last_id(struct fixture *f) {
	return window_of(f, 0, 100000).last;
}

static void add_wait(struct fixture *f, const struct ulid *run_id, enum trace_fact_kind kind, const char *step) {
	add_fact(f, run_id,
		 &(struct trace_fact){.kind = kind,
				      .op = OPCODE_WAIT_FOR_EVENT,
				      .at_ms = AT + 1,
				      .until_ms = AT + 1000,
				      .step_id = str_from_cstr(step)});
}

// Calls of many jobs, by the database itself: each fact is the first one with another job.
static void add_many(struct fixture *f, const struct ulid *run_id, unsigned count) {
	exec(f->db, "BEGIN");
	for (unsigned i = 0; i < count; i++) add_call(f, run_id, 100 + i);
	exec(f->db, "COMMIT");
}

// In windows, as the exporter does it.
static size_t spans_in_windows(struct fixture *f, const struct ulid *run_id, uint64_t after) {
	size_t sum = 0;
	for (struct export_window window = window_of(f, after, 512); window.count > 0;
	     window = window_of(f, after, 512)) {
		if (window.run_count > 0) sum += spans_of(f, run_id, after, window.last);
		after = window.last;
	}
	return sum;
}

static uint64_t facts_read(const struct ulid *run_id) {
	struct export_run *run = export_memory_open(memory, run_id);
	uint64_t read = run->read;
	export_memory_close(memory, run, read > 0);
	return read;
}

static void the_end_of_a_long_run(void **state) {
	struct fixture *f = *state;
	struct ulid run = add_run(f, 1, AT);
	add_wait(f, &run, FACT_WAIT, "long");
	add_many(f, &run, MANY);
	assert_int_equal(spans_in_windows(f, &run, 0), 2 * MANY);
	assert_int_equal(facts_read(&run), MANY + 1); // each of them once
	uint64_t after = last_id(f);
	add_wait(f, &run, FACT_RESUMED, "long");
	add_call(f, &run, 1);
	add_end(f, &run);
	struct otlp_span *spans;
	size_t count;
	bool more;
	assert_ok(history_exports_run(f->reader, memory, &f->arena, &run, after, last_id(f), &spans, &count, &more,
				      &f->error),
		  &f->error);
	assert_int_equal(count, 4); // root, wait, request, attempt
	assert_false(more);
	assert_int_equal(spans[1].start_ns, (AT + 1) * 1000000); // as its first fact says
	assert_int_equal(facts_read(&run), 0);                   // forgotten
}

// Nothing was remembered: a new process, or what was gathered has not been sent.
static void from_the_beginning_again(void **state) {
	struct fixture *f = *state;
	struct ulid run = add_run(f, 1, AT);
	add_wait(f, &run, FACT_WAIT, "long");
	add_many(f, &run, 2000);
	uint64_t after = last_id(f);
	add_wait(f, &run, FACT_RESUMED, "long");
	add_call(f, &run, 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(spans_of(f, &run, after, last_id(f)), 3);
		assert_int_equal(facts_read(&run), 2003);
		assert_int_equal(spans_of(f, &run, after, last_id(f)), 0); // has been told
		export_memory_clear(memory);
	}
}

// What waited is told when it is over and not again, though apps report it once more.
static void each_span_once(void **state) {
	struct fixture *f = *state;
	struct ulid run = add_run(f, 1, AT);
	struct trace_op op = {.op = OPCODE_STEP_PLANNED, .id = STR("planned"), .name = STR("planned")};
	struct trace_fact plan = {.kind = FACT_CHECKPOINT, .at_ms = AT + 1, .ops = &op, .op_count = 1};
	add_fact(f, &run, &plan);
	add_many(f, &run, 600);
	assert_int_equal(spans_in_windows(f, &run, 0), 1200);
	uint64_t after = last_id(f);
	op.op = OPCODE_STEP_RUN;
	add_fact(f, &run, &plan);
	assert_int_equal(spans_of(f, &run, after, last_id(f)), 1);
	after = last_id(f);
	add_fact(f, &run, &plan);
	op.op = OPCODE_STEP_PLANNED;
	add_fact(f, &run, &plan);
	assert_int_equal(spans_of(f, &run, after, last_id(f)), 0);
	after = last_id(f);
	add_end(f, &run);
	assert_int_equal(spans_of(f, &run, after, last_id(f)), 1); // the run
}

static void memory_is_bounded(void **state) {
	struct fixture *f = *state;
	struct ulid a = add_run(f, 1, AT), b = add_run(f, 2, AT);
	export_memory_free(memory);
	memory = export_memory_new(1);
	add_many(f, &a, 300);
	add_many(f, &b, 300);
	assert_int_equal(spans_of(f, &a, 0, 600), 600);
	assert_int_equal(facts_read(&a), 300);
	assert_int_equal(spans_of(f, &b, 0, 600), 600);
	assert_int_equal(facts_read(&a), 0);
	add_call(f, &a, 1);
	assert_int_equal(spans_of(f, &a, 600, 601), 2);
}

// Retention takes the last facts before the cursor has moved behind them.
static void retention_gives_no_id_again(void **state) {
	struct fixture *f = *state;
	struct history_keeper *keeper;
	struct retention retention = {.age_ms = 1000};
	assert_ok(history_keeper_new(f->db, &retention, &keeper, &f->error), &f->error);
	begin(f);
	struct ulid a = add_run(f, 1, AT), b = add_run(f, 2, AT + 100000);
	add_many(f, &a, 5);
	add_end(f, &a);
	uint64_t sent = last_id(f);
	bool more = true;
	while (more) assert_ok(history_keep(keeper, AT + 50000, &more, &f->error), &f->error);
	assert_rows(f->db, "SELECT count(*) FROM engine_trace WHERE run_id <> x''", "0");
	assert_int_equal(window_of(f, 0, 10).lost, 6);
	add_call(f, &b, 1);
	save(f, sent);
	assert_int_equal(cursor_of(f), sent);
	assert_int_equal(window_of(f, sent, 10).run_count, 1);
	assert_int_equal(window_of(f, sent, 10).lost, 0);
	history_keeper_free(keeper);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_export, tear_down_export)
	const struct CMUnitTest tests[] = {TEST(a_new_cursor_is_at_the_end),
					   TEST(runs_in_windows),
					   TEST(ids_only_grow),
					   TEST(ids_only_grow_behind_a_late_cursor),
					   TEST(holes_are_counted),
					   TEST(a_cursor_that_cannot_be_read),
					   TEST(the_end_of_a_long_run),
					   TEST(from_the_beginning_again),
					   TEST(each_span_once),
					   TEST(memory_is_bounded),
					   TEST(retention_gives_no_id_again)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
