// Runs by their debug ids, which are written with the runs themselves.
#include "history/debug_runs.h"
#include "history/runs.h"
#include "history_test.h"

#define MS 1700000000000

// 0: no id.
static void write_run(struct fixture *f, uint8_t n, uint8_t debug, uint8_t session) {
	struct history_item item = {.kind = HISTORY_RUN, .at_ms = MS};
	item.run.run_id = make_ulid(MS + n, n);
	item.run.function_id = make_uuid("f");
	if (debug > 0) item.run.debug.run_id = make_ulid(MS, debug);
	if (session > 0) item.run.debug.session_id = make_ulid(MS, session);
	write_item(f, &item);
}

static int set_up_runs(void **state) {
	(void)set_up(state);
	write_run(*state, 1, 0, 0);
	write_run(*state, 2, 101, 201);
	write_run(*state, 3, 102, 201);
	write_run(*state, 4, 101, 201);
	write_run(*state, 5, 0, 201);
	write_run(*state, 6, 103, 0);
	return 0;
}

static void check(struct fixture *f, bool of_session, uint8_t id, uint32_t limit, const char *expected) {
	struct ulid wanted = make_ulid(MS, id);
	struct debug_row *rows;
	size_t count;
	char text[64] = "";
	assert_ok(history_debug_runs(f->reader, &f->arena, of_session, &wanted, limit, &rows, &count, &f->error),
		  &f->error);
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(text);
		(void)snprintf(text + len, sizeof text - len, "%u:%u ", rows[i].run_id.bytes[15],
			       rows[i].ids.run_id.bytes[15]);
	}
	assert_string_equal(text, expected);
}

static void test_runs(void **state) {
	check(*state, false, 101, 10, "2:101 4:101 ");
	check(*state, false, 101, 1, "4:101 "); // the last ones
	check(*state, false, 103, 10, "6:103 ");
	check(*state, false, 201, 10, "");
	check(*state, true, 201, 10, "2:101 3:102 4:101 5:0 ");
	check(*state, true, 101, 10, "");
}

static void test_ids_of_a_run(void **state) {
	struct fixture *f = *state;
	struct debug_ids ids;
	struct ulid run = make_ulid(MS + 3, 3), plain = make_ulid(MS + 1, 1);
	assert_ok(history_debug_ids(f->reader, &run, &ids, &f->error), &f->error);
	assert_int_equal(ids.run_id.bytes[15], 102);
	assert_int_equal(ids.session_id.bytes[15], 201);
	assert_ok(history_debug_ids(f->reader, &plain, &ids, &f->error), &f->error);
	assert_false(debug_ids_has_any(&ids));
}

// Only a debug run id takes a run out of the lists.
static void test_flags(void **state) {
	struct fixture *f = *state;
	assert_rows(f->db, "SELECT group_concat(engine_flags) FROM (SELECT * FROM function_runs ORDER BY run_id)",
		    "0,1,1,1,0,1");
	struct run_query query = {.from_ns = INT64_MIN, .until_ns = INT64_MAX, .limit = 10};
	struct run_page page;
	assert_ok(history_runs(f->reader, &f->arena, &query, &page, &f->error), &f->error);
	assert_int_equal(page.count, 2);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_runs, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_ids_of_a_run, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_flags, set_up_runs, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
