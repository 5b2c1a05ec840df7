// Lists of runs: every combination of filters and orders against a list in memory, page by page; plans; rows.
#include <stdlib.h>

#include "history/history_internal.h"
#include "runs_test.h"

// ---- Against a list in memory --------------------------------------------------------------------------------------

#define RUNS 400
#define FUNCTIONS 5
#define APPS 2

static const char *const functions[FUNCTIONS] = {"f0", "f1", "f2", "f3", "f4"}; // f4 belongs to no app
static const char *const apps[APPS] = {"a0", "a1"};

static uint32_t seed;
static uint32_t roll(uint32_t sides) {
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % sides;
}

static struct test_run runs[RUNS];

static void make_runs(struct fixture *f) {
	static const enum trace_run_status statuses[] = {TRACE_RUN_QUEUED,    TRACE_RUN_RUNNING, TRACE_RUN_COMPLETED,
							 TRACE_RUN_COMPLETED, TRACE_RUN_FAILED,  TRACE_RUN_CANCELLED};
	for (int i = 0; i < FUNCTIONS - 1; i++) add_app_function(f, apps[i % APPS], functions[i]);
	for (int i = 0; i < RUNS; i++) {
		uint64_t ms = AT + roll(60);
		struct test_run *run = &runs[i];
		*run = (struct test_run){.function_id = make_uuid(functions[roll(FUNCTIONS)]), .ended_ms = NONE};
		run->id = make_ulid(ms, (uint8_t)roll(256));
		run->id.bytes[14] = (uint8_t)i;
		run->id.bytes[13] = (uint8_t)(i >> 8);
		run->status = statuses[roll(ARRAY_LEN(statuses))];
		run->started_ms = run->status == TRACE_RUN_QUEUED ? NONE : (int64_t)ms + roll(20);
		bool may_lack = run->status == TRACE_RUN_RUNNING || run->status == TRACE_RUN_CANCELLED;
		if (may_lack && roll(4) == 0) run->started_ms = NONE;
		int64_t since_ms = run->started_ms != NONE ? run->started_ms : (int64_t)ms;
		if (run->status >= TRACE_RUN_COMPLETED) run->ended_ms = since_ms + roll(30);
		run->flags = roll(8) == 0 ? RUN_ROW_DEBUG : roll(4) == 0 ? RUN_ROW_DEFERRED : 0;
		run->is_foreign = roll(3) == 0;
		add_run(f, run);
	}
}

static bool has_app(const struct run_query *query, const struct uuid *function) {
	for (int i = 0; i < FUNCTIONS - 1; i++) {
		struct uuid id = make_uuid(functions[i]), app = make_uuid(apps[i % APPS]);
		for (size_t k = 0; k < query->app_count && uuid_eq(&id, function); k++) {
			if (uuid_eq(&query->apps[k], &app)) return true;
		}
	}
	return false;
}

static bool is_due(const struct run_query *query, const struct test_run *run) {
	bool asked = !query->has_functions;
	for (size_t i = 0; i < query->function_count; i++)
		asked = asked || uuid_eq(&query->functions[i], &run->function_id);
	if (!asked || (query->has_apps && !has_app(query, &run->function_id))) return false;
	unsigned bits = query->statuses & 0x3e;
	if (bits != 0 && (bits & 1u << run->status / 100) == 0) return false;
	if ((run->flags & RUN_ROW_DEBUG) != 0) return false;
	bool deferred = (run->flags & RUN_ROW_DEFERRED) != 0;
	if (query->is_deferred != UNSET && deferred != (query->is_deferred == YES)) return false;
	int64_t at = NS(ulid_time_ms(&run->id));
	if (query->time == RUN_TIME_ENDED) {
		if (run->ended_ms == NONE) return false;
		at = NS(run->ended_ms);
	}
	return at >= query->from_ns && at <= query->until_ns;
}

static int64_t time_of(const struct test_run *run, enum run_time by) {
	if (by == RUN_TIME_QUEUED) return (int64_t)ulid_time_ms(&run->id);
	return by == RUN_TIME_STARTED ? run->started_ms : run->ended_ms;
}

static const struct run_query *sorting;
static int by_order(const void *left, const void *right) {
	const struct test_run *a = *(const struct test_run *const *)left, *b = *(const struct test_run *const *)right;
	for (size_t i = 0; i < sorting->order_count; i++) {
		int64_t x = time_of(a, sorting->orders[i].by), y = time_of(b, sorting->orders[i].by);
		if (x != y) return (x < y) != sorting->orders[i].descending ? -1 : 1;
	}
	return ulid_cmp(&a->id, &b->id);
}

static size_t expected(const struct run_query *query, const struct test_run **out) {
	size_t count = 0;
	for (int i = 0; i < RUNS; i++) {
		if (is_due(query, &runs[i])) out[count++] = &runs[i];
	}
	sorting = query;
	qsort(out, count, sizeof *out, by_order);
	return count;
}

// All pages of the query are what the list in memory says, and so is the count.
static void check_query(struct fixture *f, struct run_query query, uint32_t number) {
	const struct test_run *due[RUNS];
	size_t count = expected(&query, due), got = 0;
	struct run_page page = {.has_more = true};
	struct run_cursor cursor;
	uint64_t total;
	bool is_cut;
	for (query.after = NULL; page.has_more; query.after = &cursor) {
		query.limit = 1 + roll(RUNS / 2);
		assert_ok(history_runs(f->reader, &f->arena, &query, &page, &f->error), &f->error);
		for (size_t i = 0; i < page.count; i++, got++) {
			if (got >= count || ulid_cmp(&page.rows[i].id, &due[got]->id) != 0)
				fail_msg("query %u: run %zu of %zu is another one", number, got, count);
		}
		assert_int_equal(page.has_more, got < count);
		assert_false(page.is_cut);
		cursor = page.end;
	}
	assert_int_equal(got, count);
	assert_ok(history_runs_count(f->reader, &query, &total, &is_cut, &f->error), &f->error);
	if (total != count) fail_msg("query %u: counted %u of %zu", number, (unsigned)total, count);
}

static struct run_query random_query(struct uuid *chosen, struct uuid *chosen_apps) {
	struct run_query query = make_query();
	query.has_functions = roll(3) == 0;
	query.functions = chosen;
	query.function_count = query.has_functions ? roll(4) : 0;
	for (size_t i = 0; i < query.function_count; i++) chosen[i] = make_uuid(functions[roll(FUNCTIONS)]);
	query.has_apps = roll(4) == 0;
	query.apps = chosen_apps;
	query.app_count = query.has_apps ? roll(3) : 0;
	for (size_t i = 0; i < query.app_count; i++) chosen_apps[i] = make_uuid(apps[roll(APPS)]);
	query.statuses = roll(2) == 0 ? roll(128) & ~1u : 0;
	query.time = (enum run_time)roll(3);
	if (roll(3) == 0) query.from_ns = NS(AT + roll(60)) - roll(2);
	if (roll(3) == 0) query.until_ns = NS(AT + roll(80)) + roll(2);
	query.is_deferred = (enum tristate)(roll(3));
	query.order_count = roll(RUN_ORDERS_MAX + 1);
	for (size_t i = 0; i < query.order_count; i++)
		query.orders[i] = (struct run_order){(enum run_time)roll(3), roll(2) == 0};
	return query;
}

static void test_all_queries(void **state) {
	struct fixture *f = *state;
	struct uuid chosen[4], chosen_apps[4];
	seed = 42;
	make_runs(f);
	for (uint32_t i = 0; i < 1500; i++) {
		f->reader->try_steps = i % 2 == 0 ? RUNS_TRY_STEPS : 1;
		check_query(f, random_query(chosen, chosen_apps), i);
	}
}

// ---- Plans ---------------------------------------------------------------------------------------------------------

// No statement that was prepared goes through all runs without an index, or sorts.
static void check_plans(sqlite3 *db) {
	for (sqlite3_stmt *next = sqlite3_next_stmt(db, NULL); next != NULL; next = sqlite3_next_stmt(db, next)) {
		char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sqlite3_sql(next));
		sqlite3_stmt *row;
		if (strstr(sqlite3_sql(next), "EXPLAIN") != NULL || strstr(sql, "engine_runs") == NULL) {
			sqlite3_free(sql);
			continue;
		}
		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
		while (sqlite3_step(row) == SQLITE_ROW) {
			const char *step = (const char *)sqlite3_column_text(row, 3);
			// Flagged runs and those of another server are few.
			bool few = strstr(step, "engine_runs_flagged") != NULL;
			bool counts_all = strstr(step, "USING COVERING INDEX engine_runs_id") != NULL;
			bool scans = (strncmp(step, "SCAN r", 6) == 0 || strncmp(step, "SCAN k", 6) == 0) && !few &&
				     !counts_all;
			if (scans || strstr(step, "TEMP B-TREE FOR") != NULL) fail_msg("%s: %s", sql, step);
		}
		sqlite3_finalize(row);
		sqlite3_free(sql);
	}
}

static void test_plans(void **state) {
	struct fixture *f = *state;
	struct uuid chosen[4], chosen_apps[4];
	struct run_page page;
	uint64_t total;
	bool is_cut;
	exec(f->db, "ANALYZE"); // even when the library believes that the tables are empty
	for (uint32_t i = 0; i < 300; i++) {
		struct run_query query = random_query(chosen, chosen_apps);
		assert_ok(history_runs(f->reader, &f->arena, &query, &page, &f->error), &f->error);
		assert_ok(history_runs_count(f->reader, &query, &total, &is_cut, &f->error), &f->error);
		if (i % 10 == 0) check_plans(f->db);
	}
}

// ---- Rows ----------------------------------------------------------------------------------------------------------

static struct test_run completed(uint64_t ms, uint8_t n) {
	return (struct test_run){.id = make_ulid(ms, n),
				 .function_id = make_uuid("f0"),
				 .status = TRACE_RUN_COMPLETED,
				 .started_ms = (int64_t)ms + 5,
				 .ended_ms = (int64_t)ms + 9,
				 .event_id = make_ulid(ms - 1, n)};
}

static void test_row(void **state) {
	struct fixture *f = *state;
	struct run_query query = make_query();
	struct run_page page;
	struct test_run run = completed(AT, 1);
	add_app_function(f, "a0", "f0");
	add_event_data(f, &run.event_id, "shop/order", "{}");
	add_run(f, &run);
	add_finish(f, &run.id, "Completed", "{\"b\":2}");
	add_finish(f, &run.id, "Failed", "{}");
	assert_ok(history_runs(f->reader, &f->arena, &query, &page, &f->error), &f->error);
	assert_int_equal(page.count, 1);
	const struct run_row *row = &page.rows[0];
	assert_int_equal(ulid_cmp(&row->id, &run.id), 0);
	assert_true(uuid_eq(&row->function_id, &run.function_id));
	assert_memory_equal(&row->app_id, &(struct uuid[]){make_uuid("a0")}[0], 16);
	assert_int_equal(row->status, TRACE_RUN_COMPLETED);
	assert_int_equal(row->queued_ns, NS(AT));
	assert_int_equal(row->started_ns, NS(AT + 5));
	assert_int_equal(row->ended_ns, NS(AT + 9));
	assert_int_equal(ulid_cmp(&row->event_id, &run.event_id), 0);
	assert_str(row->event_name, "shop/order");
	assert_str(row->output, "");
	query.with_output = true;
	assert_ok(history_runs(f->reader, &f->arena, &query, &page, &f->error), &f->error);
	assert_str(page.rows[0].output, "{\"b\":2}");
}

static void test_row_of_a_schedule(void **state) {
	struct fixture *f = *state;
	struct run_query query = make_query();
	struct run_page page;
	struct test_run run = completed(AT, 1);
	add_event_data(f, &run.event_id, "inngest/scheduled.timer", "{}");
	run.cron = "* * * * *";
	run.status = TRACE_RUN_CANCELLED;
	run.flags = RUN_ROW_AI;
	query.with_output = true;
	add_run(f, &run);
	add_finish(f, &run.id, "Cancelled", "{}");
	assert_ok(history_runs(f->reader, &f->arena, &query, &page, &f->error), &f->error);
	assert_str(page.rows[0].cron, "* * * * *");
	assert_str(page.rows[0].event_name, "");
	assert_str(page.rows[0].output, "");
	assert_int_equal(page.rows[0].flags, RUN_ROW_AI);
	assert_memory_equal(&page.rows[0].app_id, &(struct uuid){{0}}, 16); // nobody knows the function
}

static void test_row_under_way(void **state) {
	struct fixture *f = *state;
	struct run_query query = make_query();
	struct run_page page;
	struct test_run run = completed(AT, 1);
	run.status = TRACE_RUN_QUEUED;
	run.started_ms = run.ended_ms = NONE;
	add_run(f, &run);
	query.statuses = 1u << 1;
	assert_ok(history_runs(f->reader, &f->arena, &query, &page, &f->error), &f->error);
	assert_int_equal(page.count, 1);
	assert_int_equal(page.rows[0].status, TRACE_RUN_QUEUED);
	assert_true(page.rows[0].started_ns == INT64_MIN && page.rows[0].ended_ns == INT64_MIN);
}

static void test_nothing(void **state) {
	struct fixture *f = *state;
	struct run_query query = make_query();
	struct run_page page;
	uint64_t total;
	bool is_cut;
	assert_ok(history_runs(f->reader, &f->arena, &query, &page, &f->error), &f->error);
	assert_int_equal(page.count + page.has_more, 0);
	struct test_run run = completed(AT, 1);
	add_run(f, &run);
	query.limit = 0;
	assert_ok(history_runs(f->reader, &f->arena, &query, &page, &f->error), &f->error);
	assert_int_equal(page.count + page.has_more, 0);
	query = make_query();
	query.until_ns = -1;
	assert_ok(history_runs_count(f->reader, &query, &total, &is_cut, &f->error), &f->error);
	assert_int_equal(total, 0);
	query.until_ns = INT64_MAX - 1; // beyond what ids can say
	assert_ok(history_runs_count(f->reader, &query, &total, &is_cut, &f->error), &f->error);
	assert_int_equal(total, 1);
}

// ---- By id, of events ----------------------------------------------------------------------------------------------

static void add_skipped(struct fixture *f, const struct ulid *run_id, const struct ulid *event_id) {
	struct history_item item = {.kind = HISTORY_OUTCOME, .at_ms = AT};
	item.outcome.event_id = *event_id;
	item.outcome.function_id = make_uuid("f0");
	item.outcome.outcome = OUTCOME_SKIPPED;
	item.outcome.reason = REASON_SINGLETON;
	item.outcome.run_id = *run_id;
	write_item(f, &item);
}

static void test_by_id(void **state) {
	struct fixture *f = *state;
	struct test_run a = completed(AT, 1), b = completed(AT, 2);
	struct ulid skipped = make_ulid(AT, 3), unknown = make_ulid(AT, 4), event = make_ulid(AT - 1, 3);
	struct run_row *rows;
	size_t count;
	add_app_function(f, "a0", "f0");
	b.flags = RUN_ROW_DEBUG; // in no list, but there
	add_run(f, &a);
	add_run(f, &b);
	add_finish(f, &a.id, "Completed", "1");
	add_event_data(f, &event, "e", "{}");
	add_skipped(f, &skipped, &event);
	struct ulid ids[] = {skipped, unknown, b.id, a.id, a.id};
	assert_ok(history_runs_by_id(f->reader, &f->arena, ids, ARRAY_LEN(ids), true, &rows, &count, &f->error),
		  &f->error);
	assert_int_equal(count, 4);
	assert_int_equal(rows[0].status, TRACE_RUN_SKIPPED);
	assert_int_equal(rows[0].started_ns, NS(AT));
	assert_true(rows[0].ended_ns == INT64_MIN);
	assert_str(rows[0].event_name, "e");
	assert_memory_equal(&rows[0].app_id, &(struct uuid[]){make_uuid("a0")}[0], 16);
	assert_int_equal(ulid_cmp(&rows[1].id, &b.id), 0);
	assert_int_equal(ulid_cmp(&rows[2].id, &a.id), 0);
	assert_str(rows[3].output, "1");
}

static void add_batch(struct fixture *f, const struct ulid *run_id, const char *event_ids) {
	struct history_item item = {.kind = HISTORY_EVENT_BATCH, .at_ms = AT};
	item.event_batch.batch_id = make_ulid(AT, 99);
	item.event_batch.run_id = *run_id;
	item.event_batch.event_ids = str_from_cstr(event_ids);
	write_item(f, &item);
}

static void test_of_events(void **state) {
	struct fixture *f = *state;
	struct test_run a = completed(AT, 1), b = completed(AT + 1, 2), batch = completed(AT + 2, 3);
	struct ulid skipped = make_ulid(AT, 200), other = make_ulid(AT, 77);
	char first[ULID_TEXT_LEN + 1], second[ULID_TEXT_LEN + 1], both[80];
	b.event_id = a.event_id; // a rerun
	ulid_text(&batch.event_id, first);
	ulid_text(&a.event_id, second);
	(void)snprintf(both, sizeof both, "%s,%s", first, second);
	add_run(f, &batch);
	add_run(f, &b);
	add_run(f, &a);
	add_batch(f, &batch.id, both);
	add_skipped(f, &skipped, &a.event_id);
	struct ulid events[] = {other, batch.event_id, a.event_id};
	struct event_run_row *rows;
	struct ulid *ids;
	size_t count;
	assert_ok(history_runs_of_events(f->reader, &f->arena, events, 3, &rows, &count, &f->error), &f->error);
	assert_int_equal(count, 5);
	assert_int_equal(rows[0].event_index, 1);
	assert_int_equal(ulid_cmp(&rows[0].run.id, &batch.id), 0);
	assert_int_equal(ulid_time_ms(&rows[0].run.batch_id), AT);
	const struct ulid expected_ids[] = {a.id, skipped, b.id, batch.id};
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(rows[i + 1].event_index, 2);
		assert_int_equal(ulid_cmp(&rows[i + 1].run.id, &expected_ids[i]), 0);
	}
	assert_ok(history_run_event_ids(f->reader, &f->arena, &batch.id, &ids, &count, &f->error), &f->error);
	assert_int_equal(count, 2);
	assert_int_equal(ulid_cmp(&ids[0], &batch.event_id) | ulid_cmp(&ids[1], &a.event_id), 0);
	assert_ok(history_run_event_ids(f->reader, &f->arena, &skipped, &ids, &count, &f->error), &f->error);
	assert_int_equal(count, 1);
	assert_int_equal(ulid_cmp(&ids[0], &a.event_id), 0);
	assert_ok(history_run_event_ids(f->reader, &f->arena, &other, &ids, &count, &f->error), &f->error);
	assert_int_equal(count, 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_queries, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_plans, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_row, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_row_of_a_schedule, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_row_under_way, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_by_id, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_of_events, set_up_runs, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
