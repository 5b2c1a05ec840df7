// What goes and what stays when its time is over.
#include "base/hash.h"
#include "history/retention.h"
#include "history_test.h"

#define NOW UINT64_C(1800000000000)
#define DAY UINT64_C(86400000)

static struct history_keeper *keeper;

static int setup(void **state) {
	set_up(state);
	struct fixture *f = *state;
	exec(f->db, "CREATE TABLE engine_record(kind INTEGER, key BLOB, head BLOB, body BLOB, body_id INTEGER,"
		    " PRIMARY KEY(kind, key)) WITHOUT ROWID;"
		    "CREATE TABLE engine_body(id INTEGER PRIMARY KEY, body BLOB)");
	keeper = NULL;
	return 0;
}
static int teardown(void **state) {
	history_keeper_free(keeper);
	return tear_down(state);
}

static struct ulid id_at(uint64_t ms, uint8_t n) {
	uint8_t entropy[10] = {[9] = n};
	return ulid_make(ms, entropy);
}

static const char *hex(struct fixture *f, const struct ulid *id) {
	char *text = arena_alloc(&f->arena, 33);
	hex_text(id->bytes, sizeof id->bytes, text);
	return text;
}

// A run with one step, one fact and a span; `ended_ms` 0: it is under way. Its event is as old as the run.
static void add_run(struct fixture *f, uint64_t begun_ms, uint64_t ended_ms, uint8_t n) {
	struct ulid run = id_at(begun_ms, n), event = id_at(begun_ms, (uint8_t)(100 + n));
	char text[ULID_TEXT_LEN + 1], ended[32] = "NULL";
	ulid_text(&run, text);
	if (ended_ms > 0) snprintf(ended, sizeof ended, "%llu", (unsigned long long)ended_ms);
	const char *run_hex = hex(f, &run), *event_hex = hex(f, &event);
	struct str statement = arena_printf(
		&f->arena,
		"INSERT INTO events(internal_id, event_id, event_name, event_data, event_ts) VALUES(x'%s', 'e', 'x/a',"
		" '{\"n\":1}', '2020-01-01 00:00:00 +0000 UTC');"
		"UPDATE events SET received_at = '2020-01-01 00:00:00 +0000 UTC';"
		"INSERT INTO function_runs(run_id, function_version, event_id, engine_status, engine_ended_at,"
		" engine_flags) VALUES(x'%s', 0, x'%s', 300, %s, 0);"
		"INSERT INTO engine_trace(run_id, data) VALUES(x'%s', x'00');"
		"INSERT INTO engine_annotations(run_id, metadata_bytes, spans) VALUES(x'%s', 1, 1);"
		"INSERT INTO engine_debug_runs(run_id) VALUES(x'%s');"
		"INSERT INTO engine_body(id, body) VALUES(%u, 'memo');"
		"INSERT INTO engine_record(kind, key, head, body_id) VALUES(5, x'%s00000001', x'00', %u);"
		"INSERT INTO spans(span_id, trace_id, name, start_time, end_time, account_id, app_id, function_id, "
		"run_id,"
		" env_id, output) VALUES('s%u', 't', 'metadata', '', '', '', '', '', '%s', '', '1');",
		event_hex, run_hex, event_hex, ended, run_hex, run_hex, run_hex, n, run_hex, n, n, text);
	exec(f->db, statement.ptr);
	if (ended_ms == 0) return;
	statement = arena_printf(
		&f->arena, "INSERT INTO function_finishes(run_id, status, output) VALUES(x'%s', 'Completed', '5')",
		run_hex);
	exec(f->db, statement.ptr);
}

static void keep(struct fixture *f, const struct retention *retention) {
	struct error error;
	bool more = true;
	if (keeper == NULL) assert_int_equal(history_keeper_new(f->db, retention, &keeper, &error), ERR_OK);
	for (int i = 0; more && i < 1000; i++)
		if (history_keep(keeper, NOW, &more, &error) != ERR_OK) fail_msg("%s", error.message);
	assert_false(more);
}

#define COUNTS                                                                                   \
	"SELECT (SELECT count(*) FROM function_runs), (SELECT count(*) FROM function_finishes)," \
	" (SELECT count(*) FROM engine_trace), (SELECT count(*) FROM engine_record),"            \
	" (SELECT count(*) FROM engine_body), (SELECT count(*) FROM spans), (SELECT count(*) FROM events)"

static void test_old_runs_go_whole(void **state) {
	struct fixture *f = *state;
	for (uint8_t n = 1; n <= 40; n++) add_run(f, NOW - 40 * DAY, NOW - 31 * DAY, n);
	add_run(f, NOW - 40 * DAY, NOW - 29 * DAY, 41); // ended lately
	add_run(f, NOW - 40 * DAY, 0, 42);              // is under way
	keep(f, &(struct retention){.age_ms = 30 * DAY});
	assert_rows(f->db, COUNTS, "2|1|2|2|2|2|2"); // their events stay with them
	assert_rows(f->db, "SELECT output FROM function_finishes", "5");
	assert_rows(f->db, "SELECT count(*) FROM engine_annotations", "2");
	assert_rows(f->db, "SELECT count(*) FROM engine_debug_runs", "2");
}

static void test_events_go_when_no_run_needs_them(void **state) {
	struct fixture *f = *state;
	add_run(f, NOW - 40 * DAY, NOW - 29 * DAY, 1);
	struct ulid batch_event = id_at(NOW - 40 * DAY, 201), lonely = id_at(NOW - 40 * DAY, 202),
		    fresh = id_at(NOW - DAY, 203), run = id_at(NOW - 40 * DAY, 1);
	const struct ulid *ids[] = {&batch_event, &lonely, &fresh};
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		exec(f->db, arena_printf(&f->arena,
					 "INSERT INTO events(internal_id, event_id, event_name, event_ts, received_at)"
					 " VALUES(x'%s', 'e%zu', 'x/b', '', '%s')",
					 hex(f, ids[i]), i,
					 i == 2 ? "2027-01-14 08:00:00 +0000 UTC" : "2020-01-01 00:00:00 +0000 UTC")
				    .ptr);
	exec(f->db, arena_printf(&f->arena, "INSERT INTO engine_batch_events(event_id, run_id) VALUES(x'%s', x'%s')",
				 hex(f, &batch_event), hex(f, &run))
			    .ptr);
	struct history_item skipped = {.kind = HISTORY_OUTCOME, .at_ms = NOW - 40 * DAY};
	skipped.outcome.event_id = lonely;
	skipped.outcome.outcome = OUTCOME_SKIPPED;
	skipped.outcome.run_id = id_at(NOW - 40 * DAY, 7);
	write_item(f, &skipped);
	keep(f, &(struct retention){.age_ms = 30 * DAY});
	assert_rows(f->db, "SELECT event_id FROM events ORDER BY event_id", "e;e0;e2");
	assert_rows(f->db, "SELECT count(*) FROM engine_event_outcomes", "0");
	assert_rows(f->db, "SELECT count(*) FROM history", "0");
}

// Ids that lie about their time are found by when they came.
static void test_skewed_events(void **state) {
	struct fixture *f = *state;
	struct ulid future = id_at(NOW + 1000 * DAY, 1), past = id_at(NOW - 1000 * DAY, 2);
	exec(f->db, arena_printf(&f->arena,
				 "INSERT INTO events(internal_id, event_id, event_name, event_ts, received_at) VALUES"
				 "(x'%s', 'future', 'x', '', '2020-01-01 00:00:00 +0000 UTC'),"
				 "(x'%s', 'past', 'x', '', '2027-01-14 08:00:00 +0000 UTC');"
				 "INSERT INTO engine_event_skew(received_ns, internal_id) VALUES"
				 "(1577836800000000000, x'%s'), (1799913600000000000, x'%s')",
				 hex(f, &future), hex(f, &past), hex(f, &future), hex(f, &past))
			    .ptr);
	keep(f, &(struct retention){.age_ms = 30 * DAY});
	assert_rows(f->db, "SELECT event_id FROM events", "past");
	assert_rows(f->db, "SELECT count(*) FROM engine_event_skew", "1");
}

static void test_payloads_go_first(void **state) {
	struct fixture *f = *state;
	add_run(f, NOW - 20 * DAY, NOW - 15 * DAY, 1);
	add_run(f, NOW - 20 * DAY, NOW - DAY, 2);
	struct retention retention = {.age_ms = 30 * DAY, .payload_age_ms = 10 * DAY};
	keep(f, &retention);
	assert_rows(f->db, COUNTS, "2|2|2|1|1|2|2");
	assert_rows(f->db, "SELECT output FROM function_finishes", "null;5");
	assert_rows(f->db, "SELECT engine_flags FROM function_runs", "8;0");
	assert_rows(f->db, "SELECT coalesce(output, '-') FROM spans", "-;1");
	assert_rows(f->db, "SELECT event_data FROM events", "null;null"); // as old as their runs
	keep(f, &retention);
	assert_rows(f->db, COUNTS, "2|2|2|1|1|2|2"); // nothing more
}

static void test_no_more_than_so_many_runs(void **state) {
	struct fixture *f = *state;
	for (uint8_t n = 1; n <= 60; n++) add_run(f, NOW - DAY, NOW - DAY + n, n);
	add_run(f, NOW - 40 * DAY, 0, 61);
	keep(f, &(struct retention){.runs_max = 5});
	assert_rows(f->db, "SELECT count(*), min(engine_ended_at) FROM function_runs", "6|1799913600056");
}

static void test_for_ever(void **state) {
	struct fixture *f = *state;
	add_run(f, NOW - 4000 * DAY, NOW - 4000 * DAY, 1);
	keep(f, &(struct retention){0});
	assert_rows(f->db, COUNTS, "1|1|1|1|1|1|1");
	assert_false(history_keeper_wants(keeper));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_old_runs_go_whole), TEST(test_events_go_when_no_run_needs_them),
		TEST(test_skewed_events),     TEST(test_payloads_go_first),
		TEST(test_for_ever),          TEST(test_no_more_than_so_many_runs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
