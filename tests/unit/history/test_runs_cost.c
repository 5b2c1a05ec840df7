// What pages and counts of lists cost: steps of the library's machine, where there are far more runs than a page has.
// One step is about a tenth of a row, so to go through all runs is more than ten times the bound.
#include "history/history_internal.h"
#include "runs_test.h"

#define RUNS 60000
#define STEPS_MAX 40000

// Nearly all are of `huge`; the oldest quarter of `old`, all completed; failed runs are of `failing` alone. The last
// quarter is queued, of `huge`, but for few that are running.
static const char make_sql[] =
	"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %d),"
	" r(i, f, s) AS (SELECT i, CASE WHEN i < %d / 4 THEN 'old' WHEN i %% 10 = 0 AND i < %d * 3 / 4 THEN 'failing'"
	" ELSE 'huge' END, CASE WHEN i < %d / 4 THEN 300 WHEN i >= %d * 3 / 4 THEN iif(i %% 500 = 0, 200, 100)"
	" WHEN i %% 10 = 0 THEN 400 ELSE 300 END FROM n)"
	"INSERT INTO function_runs(run_id, function_id, function_version, event_id, engine_status, engine_started_at,"
	" engine_ended_at, engine_flags)"
	" SELECT run_id_of(%llu + i, i), iif(f = 'old', '%s', iif(f = 'huge', '%s', '%s')), 0, x'',"
	" s, iif(s = 100, NULL, %llu + i + 3), iif(s < 300, NULL, %llu + i + 5), 0 FROM r";

static void run_id_of(sqlite3_context *context, int count, sqlite3_value **values) {
	(void)count;
	struct ulid id = ulid_floor((uint64_t)sqlite3_value_int64(values[0]));
	uint32_t n = (uint32_t)sqlite3_value_int(values[1]);
	for (int i = 0; i < 4; i++) id.bytes[15 - i] = (uint8_t)(n >> 8 * i);
	sqlite3_result_blob(context, id.bytes, sizeof id.bytes, SQLITE_TRANSIENT);
}

static struct uuid of_huge, of_old, of_failing;

static int set_up_many(void **state) {
	set_up_runs(state);
	struct fixture *f = *state;
	char huge[UUID_TEXT_LEN + 1], old[UUID_TEXT_LEN + 1], failing[UUID_TEXT_LEN + 1];
	unsigned long long at = AT;
	of_huge = make_uuid("huge");
	of_old = make_uuid("old");
	of_failing = make_uuid("failing");
	uuid_text(&of_huge, huge);
	uuid_text(&of_old, old);
	uuid_text(&of_failing, failing);
	char *sql = sqlite3_mprintf(make_sql, RUNS, RUNS, RUNS, RUNS, RUNS, at, old, huge, failing, at, at);
	sqlite3_create_function(f->db, "run_id_of", 2, SQLITE_UTF8, NULL, run_id_of, NULL, NULL);
	exec(f->db, sql);
	sqlite3_free(sql);
	f->reader->try_steps = 2000;
	return 0;
}

static void check_cost(struct fixture *f, const struct run_query *query, size_t rows, const char *what) {
	struct run_query next = *query;
	struct run_page page;
	(void)steps_taken(f->db);
	assert_ok(history_runs(f->reader, &f->arena, &next, &page, &f->error), &f->error);
	int steps = steps_taken(f->db);
	if (page.count != rows) fail_msg("%s: %zu rows", what, page.count);
	if (steps > STEPS_MAX) fail_msg("%s: %d steps", what, steps);
	struct run_cursor cursor = page.end;
	next.after = &cursor;
	if (!page.has_more) return;
	assert_ok(history_runs(f->reader, &f->arena, &next, &page, &f->error), &f->error);
	steps = steps_taken(f->db);
	if (page.count == 0 || steps > STEPS_MAX) fail_msg("%s, second page: %d steps", what, steps);
}

#define PAGE 20
#define STATUS(code) (1u << (code) / 100)
#define OF(function) .has_functions = true, .functions = &(function), .function_count = 1
#define BY(time, is_descending) .orders = {{(time), (is_descending)}}, .order_count = 1
#define ENDED_FROM(part) .time = RUN_TIME_ENDED, .from_ns = NS(AT + RUNS * (part) / 100)
#define ENDED_UNTIL(part) .until_ns = NS(AT + RUNS * (part) / 100)

static void test_pages_cost_what_they_show(void **state) {
	struct fixture *f = *state;
	const struct {
		const char *what;
		struct run_query query;
		size_t rows;
	} cases[] = {
		{"all", {BY(RUN_TIME_QUEUED, true)}, PAGE},
		{"all, oldest first", {BY(RUN_TIME_QUEUED, false)}, PAGE},
		{"by end", {BY(RUN_TIME_ENDED, true)}, PAGE},
		{"by end, first those that have none", {BY(RUN_TIME_ENDED, false)}, PAGE},
		{"running before a backlog", {BY(RUN_TIME_QUEUED, true), .statuses = STATUS(200)}, PAGE},
		{"running, oldest first", {BY(RUN_TIME_QUEUED, false), .statuses = STATUS(200)}, PAGE},
		{"running of a function", {BY(RUN_TIME_QUEUED, true), .statuses = STATUS(200), OF(of_huge)}, PAGE},
		{"running of one that has none", {BY(RUN_TIME_QUEUED, true), .statuses = STATUS(200), OF(of_old)}, 0},
		{"queued", {BY(RUN_TIME_QUEUED, true), .statuses = STATUS(100)}, PAGE},
		{"failed", {BY(RUN_TIME_QUEUED, true), .statuses = STATUS(400)}, PAGE},
		{"failed of one that never fails",
		 {BY(RUN_TIME_QUEUED, true), .statuses = STATUS(400), OF(of_huge)},
		 0},
		{"the same by end", {BY(RUN_TIME_ENDED, true), .statuses = STATUS(400), OF(of_huge)}, 0},
		{"over, before a backlog",
		 {BY(RUN_TIME_QUEUED, true), .statuses = STATUS(300) | STATUS(400) | STATUS(500)},
		 PAGE},
		{"cancelled, which none is", {BY(RUN_TIME_QUEUED, true), .statuses = STATUS(500)}, 0},
		{"of a function that is quiet now", {BY(RUN_TIME_QUEUED, true), OF(of_old)}, PAGE},
		{"ended in a time", {BY(RUN_TIME_QUEUED, true), ENDED_FROM(30), ENDED_UNTIL(50)}, PAGE},
		{"ended in a time, by end", {BY(RUN_TIME_ENDED, true), ENDED_FROM(30), ENDED_UNTIL(50)}, PAGE},
		{"failed in a time",
		 {BY(RUN_TIME_QUEUED, true), ENDED_FROM(30), ENDED_UNTIL(50), .statuses = STATUS(400)},
		 PAGE},
		{"by start", {BY(RUN_TIME_STARTED, true)}, PAGE},
		{"by start, of a function", {BY(RUN_TIME_STARTED, false), OF(of_failing)}, PAGE},
		{"deferred, which none is", {BY(RUN_TIME_QUEUED, true), .is_deferred = YES}, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct run_query query = cases[i].query;
		if (query.from_ns == 0) query.from_ns = INT64_MIN;
		if (query.until_ns == 0) query.until_ns = INT64_MAX;
		query.limit = PAGE;
		check_cost(f, &query, cases[i].rows, cases[i].what);
	}
}

// All are open, and started in no order of their queueing; or they have ended in none of their start.
static void test_by_start(void **state) {
	struct fixture *f = *state;
	static const char start_sql[] =
		"UPDATE function_runs SET engine_started_at = %llu + (rowid * 104729) %% 60013,"
		" function_id = iif(rowid %% 600 <> 1 AND function_id = '%s', '%s', function_id)";
	static const char *const ends[] = {
		"engine_status = 200, engine_ended_at = NULL",
		"engine_status = 300, engine_ended_at = engine_started_at + 1000000 + (rowid * 7919) % 60013"};
	const struct {
		const char *what;
		struct run_query query;
	} cases[] = {
		{"newest start", {BY(RUN_TIME_STARTED, true)}},
		{"oldest start", {BY(RUN_TIME_STARTED, false)}},
		{"oldest start of the open", {BY(RUN_TIME_STARTED, false), .statuses = STATUS(200) | STATUS(300)}},
		{"newest start, until now", {BY(RUN_TIME_STARTED, true), .until_ns = INT64_MAX - 1}},
		{"newest start of nearly all", {BY(RUN_TIME_STARTED, true), OF(of_huge)}},
		{"newest start of a quarter", {BY(RUN_TIME_STARTED, true), OF(of_old)}},
		{"newest start of few", {BY(RUN_TIME_STARTED, true), OF(of_failing)}},
		{"newest start of the open", {BY(RUN_TIME_STARTED, true), .statuses = STATUS(200) | STATUS(300)}},
		{"newest start of the oldest", {BY(RUN_TIME_STARTED, true), .until_ns = NS(AT + 100)}},
	};
	char huge[UUID_TEXT_LEN + 1], failing[UUID_TEXT_LEN + 1];
	uuid_text(&of_huge, huge);
	uuid_text(&of_failing, failing);
	for (size_t end = 0; end < ARRAY_LEN(ends); end++) {
		char *sql = sqlite3_mprintf(start_sql, (unsigned long long)AT + RUNS, failing, huge);
		exec(f->db, sql);
		sqlite3_free(sql);
		sql = sqlite3_mprintf("UPDATE function_runs SET %s", ends[end]);
		exec(f->db, sql);
		sqlite3_free(sql);
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			struct run_query query = cases[i].query;
			if (query.from_ns == 0) query.from_ns = INT64_MIN;
			if (query.until_ns == 0) query.until_ns = INT64_MAX;
			query.limit = PAGE;
			check_cost(f, &query, PAGE, cases[i].what);
		}
	}
}

// Where one plan costs much, another one is taken soon.
static void test_plans_are_tried(void **state) {
	struct fixture *f = *state;
	struct run_query by_end = {BY(RUN_TIME_ENDED, true), OF(of_failing), .limit = PAGE};
	by_end.from_ns = INT64_MIN;
	by_end.until_ns = INT64_MAX;
	check_cost(f, &by_end, PAGE, "few in between, by end");
	by_end.functions = &of_huge;
	check_cost(f, &by_end, PAGE, "nearly all, by end");
}

// Few of the status that is asked for, or few of the others: neither costs a look at all.
static void test_counts(void **state) {
	struct fixture *f = *state;
	static const struct {
		unsigned statuses;
		uint64_t count;
	} cases[] = {
		{STATUS(200), RUNS / 4 / 500},
		{STATUS(100) | STATUS(300) | STATUS(400) | STATUS(500), RUNS - RUNS / 4 / 500},
		{STATUS(100) | STATUS(300) | STATUS(400), RUNS - RUNS / 4 / 500},
		{STATUS(500), 0},
		{STATUS(500) | STATUS(600), 0},
		{0, RUNS},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct run_query query = {.from_ns = INT64_MIN, .until_ns = INT64_MAX, .statuses = cases[i].statuses};
		uint64_t count;
		bool is_cut;
		(void)steps_taken(f->db);
		assert_ok(history_runs_count(f->reader, &query, &count, &is_cut, &f->error), &f->error);
		assert_int_equal(count, cases[i].count);
		assert_in_range(steps_taken(f->db), 1, STEPS_MAX);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pages_cost_what_they_show, set_up_many, tear_down),
		cmocka_unit_test_setup_teardown(test_by_start, set_up_many, tear_down),
		cmocka_unit_test_setup_teardown(test_counts, set_up_many, tear_down),
		cmocka_unit_test_setup_teardown(test_plans_are_tried, set_up_many, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
