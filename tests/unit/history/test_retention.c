// What goes and what stays when its time is over.
#include "base/hash.h"
#include "history/retention.h"
#include "history_test.h"
#include "model/trace_fact.h"

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
		"INSERT INTO engine_defers VALUES(x'%s', 'a', '', '', 2), (x'%s', 'b', '', '', 3);"
		"INSERT INTO engine_body(id, body) VALUES(%u, 'memo');"
		"INSERT INTO engine_record(kind, key, head, body_id) VALUES(5, x'%s00000001', x'00', %u);"
		"INSERT INTO spans(span_id, trace_id, name, start_time, end_time, account_id, app_id, function_id, "
		"run_id,"
		" env_id, output) VALUES('s%u', 't', 'metadata', '', '', '', '', '', '%s', '', '1');",
		event_hex, run_hex, event_hex, ended, run_hex, run_hex, run_hex, run_hex, run_hex, n, run_hex, n, n,
		text);
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
	assert_rows(f->db, "SELECT count(*) FROM engine_defers", "4");
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
	// The other one is as old, but its run has its payloads.
	assert_rows(f->db, "SELECT event_data, engine_flags FROM events", "null|1;{\"n\":1}|NULL");
	keep(f, &retention);
	assert_rows(f->db, COUNTS, "2|2|2|1|1|2|2"); // nothing more
}

// A further run of the event of run `n`.
static void add_rerun(struct fixture *f, uint64_t event_ms, uint8_t n, uint64_t ended_ms, uint8_t rerun) {
	struct ulid run = id_at(event_ms, rerun), event = id_at(event_ms, (uint8_t)(100 + n));
	char ended[32] = "NULL";
	if (ended_ms > 0) snprintf(ended, sizeof ended, "%llu", (unsigned long long)ended_ms);
	exec(f->db, arena_printf(&f->arena,
				 "INSERT INTO function_runs(run_id, function_version, event_id, engine_status,"
				 " engine_ended_at, engine_flags) VALUES(x'%s', 0, x'%s', 300, %s, 0)",
				 hex(f, &run), hex(f, &event), ended)
			    .ptr);
}

static void link_batch(struct fixture *f, uint64_t ms, uint8_t event_n, uint8_t run_n) {
	struct ulid event = id_at(ms, event_n), run = id_at(ms, run_n);
	char text[ULID_TEXT_LEN + 1];
	ulid_text(&event, text);
	exec(f->db,
	     arena_printf(&f->arena,
			  "INSERT INTO events(internal_id, event_id, event_name, event_data, event_ts, received_at)"
			  " VALUES(x'%s', 'batched', 'x/b', '{}', '', '2020-01-01 00:00:00 +0000 UTC');"
			  "INSERT INTO engine_batch_events(event_id, run_id) VALUES(x'%s', x'%s');"
			  "INSERT INTO event_batches(id, run_id, started_at, event_ids)"
			  " VALUES(x'%s', x'%s', '', CAST('%s' AS BLOB))",
			  hex(f, &event), hex(f, &event), hex(f, &run), hex(f, &run), hex(f, &run), text)
		     .ptr);
}

#define BARE_EVENTS "SELECT count(*) FROM events WHERE engine_flags = 1 AND event_data = 'null'"

static void test_data_stays_while_a_run_needs_it(void **state) {
	struct fixture *f = *state;
	const uint64_t then = NOW - 20 * DAY, old = NOW - 15 * DAY;
	struct retention retention = {.age_ms = 300 * DAY, .payload_age_ms = 10 * DAY};
	add_run(f, then, old, 1);
	add_rerun(f, then, 1, 0, 51); // is under way
	add_run(f, then, old, 2);
	add_rerun(f, then, 2, NOW - DAY, 52); // has its payloads
	add_run(f, then, 0, 3);
	add_run(f, then, 0, 4);
	link_batch(f, then, 150, 4); // the same through a batch
	keep(f, &retention);
	assert_rows(f->db, BARE_EVENTS, "0");
	assert_rows(f->db, "SELECT count(*) FROM engine_record", "2"); // of those that are under way
	// With the last of its runs it goes, although the walk over events has long passed it by.
	exec(f->db, "UPDATE function_runs SET engine_ended_at = 1799000000000 WHERE engine_ended_at IS NULL");
	exec(f->db, "DELETE FROM engine_retention WHERE name = 'payloads: runs'");
	keep(f, &retention);
	assert_rows(f->db, BARE_EVENTS, "4");
	assert_rows(f->db, "SELECT event_data FROM events WHERE event_name = 'x/a' AND engine_flags IS NULL",
		    "{\"n\":1}");
}

// More than a slice holds, all of the same millisecond.
static void test_many_ends_at_once(void **state) {
	struct fixture *f = *state;
	const uint64_t then = NOW - 20 * DAY;
	for (unsigned n = 0; n < 700; n++) add_rerun(f, then - n, 1, NOW - 15 * DAY, (uint8_t)n);
	keep(f, &(struct retention){.age_ms = 300 * DAY, .payload_age_ms = 10 * DAY});
	assert_rows(f->db, "SELECT count(*), count(nullif(engine_flags, 8)) FROM function_runs", "700|0");
}

static void add_fact(struct fixture *f, const struct ulid *run, const struct trace_fact *fact) {
	struct buf data;
	buf_init(&data, 1 << 20);
	trace_fact_encode(fact, &data);
	struct history_item item = {.kind = HISTORY_TRACE, .at_ms = NOW};
	item.trace.run_id = *run;
	item.trace.data = arena_dup(&f->arena, buf_view(&data));
	write_item(f, &item);
	buf_free(&data);
}

static void test_facts_lose_their_texts(void **state) {
	struct fixture *f = *state;
	struct ulid run = id_at(NOW - 20 * DAY, 1);
	add_run(f, NOW - 20 * DAY, NOW - 15 * DAY, 1);
	exec(f->db, "DELETE FROM engine_trace");
	struct trace_op op = {.op = OPCODE_STEP_ERROR,
			      .id = STR("a"),
			      .name = STR("charge"),
			      .output = STR("\"SECRET out\""),
			      .input = STR("\"SECRET in\"")};
	struct trace_fact call = {.kind = FACT_CALL,
				  .job = 7,
				  .status = 206,
				  .output = STR("{\"error\":\"SECRET\"}"),
				  .headers = STR("{\"x\":\"SECRET\"}"),
				  .ops = &op,
				  .op_count = 1};
	struct trace_fact wait = {.kind = FACT_WAIT,
				  .op = OPCODE_WAIT_FOR_EVENT,
				  .step_id = STR("w"),
				  .event = STR("x/paid"),
				  .expression = STR("async.data.card == 'SECRET'")};
	add_fact(f, &run, &call);
	for (int i = 0; i < 900; i++) add_fact(f, &run, &wait); // more than a slice takes
	keep(f, &(struct retention){.payload_age_ms = 10 * DAY});
	assert_rows(f->db, "SELECT count(*), sum(instr(data, CAST('SECRET' AS BLOB)) > 0) FROM engine_trace", "901|0");
	assert_rows(f->db,
		    "SELECT sum(instr(data, CAST('charge' AS BLOB)) > 0), sum(instr(data, CAST('x/paid' AS BLOB))"
		    " > 0) FROM engine_trace",
		    "1|900");
}

static int64_t number(struct fixture *f, const char *sql) {
	sqlite3_stmt *row;
	assert_int_equal(sqlite3_prepare_v2(f->db, sql, -1, &row, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(row), SQLITE_ROW);
	int64_t out = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	return out;
}

// One run with much in it goes in several slices, each of them bounded.
static void test_slices_are_bounded_by_bytes(void **state) {
	struct fixture *f = *state;
	add_run(f, NOW - 40 * DAY, NOW - 35 * DAY, 1);
	struct ulid run = id_at(NOW - 40 * DAY, 1);
	for (unsigned n = 2; n < 34; n++)
		exec(f->db,
		     arena_printf(&f->arena,
				  "INSERT INTO engine_body(id, body) VALUES(%u, zeroblob(300000));"
				  "INSERT INTO engine_record(kind, key, head, body_id) VALUES(5, x'%s%08x', x'00', %u)",
				  n, hex(f, &run), n, n)
			     .ptr);
	struct error error;
	struct retention retention = {.age_ms = 30 * DAY};
	assert_int_equal(history_keeper_new(f->db, &retention, &keeper, &error), ERR_OK);
	int slices = 0;
	for (bool more = true; more && slices < 1000; slices++) {
		int64_t before = number(f, "SELECT coalesce(sum(length(body)), 0) FROM engine_body");
		assert_int_equal(history_keep(keeper, NOW, &more, &error), ERR_OK);
		assert_true(before - number(f, "SELECT coalesce(sum(length(body)), 0) FROM engine_body") < 1500000);
		int64_t left = number(f, "SELECT count(*) FROM engine_body");
		if (left == 0) continue;
		assert_rows(f->db, "SELECT engine_flags FROM function_runs", "8"); // nobody takes over half of it
		assert_rows(f->db, "SELECT count(*) FROM events", "1");
	}
	assert_in_range(slices, 5, 20);
	assert_rows(f->db, COUNTS, "0|0|0|0|0|0|0");
}

// A new process goes on where the last one stopped, and a slice that was rolled back is done again.
static void test_places_are_stored(void **state) {
	struct fixture *f = *state;
	struct error error;
	bool more;
	struct retention retention = {.age_ms = 30 * DAY};
	add_run(f, NOW - 40 * DAY, NOW - 29 * DAY, 1); // its event is passed by
	add_run(f, NOW - 40 * DAY, NOW - 35 * DAY, 2);
	assert_int_equal(history_keeper_new(f->db, &retention, &keeper, &error), ERR_OK);
	exec(f->db, "BEGIN");
	assert_int_equal(history_keep(keeper, NOW, &more, &error), ERR_OK);
	assert_rows(f->db, COUNTS, "1|1|1|1|1|1|1");
	exec(f->db, "ROLLBACK");
	assert_rows(f->db, COUNTS, "2|2|2|2|2|2|2");
	keep(f, &retention);
	assert_rows(f->db, COUNTS, "1|1|1|1|1|1|1");
	struct ulid passed = id_at(NOW - 40 * DAY, 101);
	assert_rows(f->db,
		    "SELECT hex(substr(at, 9)) = (SELECT hex(internal_id) FROM events) FROM engine_retention"
		    " WHERE name = 'events'",
		    "1");
	history_keeper_free(keeper);
	keeper = NULL;
	exec(f->db, arena_printf(&f->arena,
				 "UPDATE function_runs SET engine_ended_at = 1; UPDATE events SET event_name ="
				 " 'still' WHERE internal_id = x'%s'",
				 hex(f, &passed))
			    .ptr);
	keep(f, &retention);
	assert_rows(f->db, COUNTS, "0|0|0|0|0|0|0"); // with its run
}

static void test_the_count_goes_on(void **state) {
	struct fixture *f = *state;
	for (uint8_t n = 1; n <= 20; n++) add_run(f, NOW - DAY, NOW - DAY + n, n);
	struct retention retention = {.runs_max = 10};
	keep(f, &retention);
	assert_rows(f->db, "SELECT count(*) FROM function_runs", "10");
	for (uint8_t n = 21; n <= 24; n++) add_run(f, NOW - DAY, NOW - DAY + n, n);
	keep(f, &retention);
	assert_rows(f->db, "SELECT count(*), min(engine_ended_at) FROM function_runs", "10|1799913600015");
	assert_rows(f->db, "SELECT count(*) FROM events", "24"); // for ever, as none was said for their age
}

// What no run leads to goes by its own age.
static void test_strays(void **state) {
	struct fixture *f = *state;
	struct ulid old = id_at(NOW - 40 * DAY, 1), fresh = id_at(NOW - DAY, 2), open = id_at(NOW - 40 * DAY, 3);
	const struct ulid *ids[] = {&old, &fresh, &open};
	add_run(f, NOW - 40 * DAY, 0, 3);
	exec(f->db, "DELETE FROM engine_body; DELETE FROM engine_record; DELETE FROM spans");
	for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
		char text[ULID_TEXT_LEN + 1];
		ulid_text(ids[i], text);
		const char *id = hex(f, ids[i]);
		uint64_t ms = ulid_time_ms(ids[i]);
		const char *at = i == 1 ? "2027-01-14 08:00:00" : "2026-12-06 08:00:00";
		struct str sql = arena_printf(
			&f->arena,
			"INSERT INTO traces(timestamp, timestamp_unix_ms, trace_id, span_id, span_name, span_kind,"
			" service_name, resource_attributes, scope_name, scope_version, span_attributes, duration,"
			" status_code, events, links, run_id) VALUES('', %llu, 't', 's', '', '', '', '', '', '', '', "
			"0, '',"
			" '', '', x'%s');"
			"INSERT INTO spans(span_id, trace_id, name, start_time, end_time, account_id, app_id, "
			"function_id,"
			" run_id, env_id) VALUES('%u', 't', 'executor.run', '%s', '', '', '', '', '%s', '');"
			"INSERT INTO trace_runs(run_id, account_id, workspace_id, app_id, function_id, trace_id, "
			"queued_at,"
			" started_at, ended_at, status, source_id, trigger_ids, is_debounce) VALUES(x'%s', '', '', '', "
			"'',"
			" x'00', 0, 0, 0, 700, '', x'00', 0);"
			"INSERT INTO history(run_id, function_version, event_id, idempotency_key, type, attempt)"
			" VALUES(x'%s', 0, x'00', '', 'FunctionStarted', 0);",
			(unsigned long long)ms, id, i, at, text, id, id);
		exec(f->db, sql.ptr);
		sql = arena_printf(
			&f->arena,
			"INSERT INTO function_finishes(run_id, status, output) VALUES(x'%s', 'Completed', '1');"
			"INSERT INTO event_batches(id, run_id, started_at, event_ids) VALUES(x'%s', x'%s', '', x'00');"
			"INSERT INTO engine_record(kind, key, head) VALUES(5, x'%s00000001', x'00');"
			"INSERT INTO worker_connections(account_id, workspace_id, app_name, id, gateway_id, "
			"instance_id,"
			" status, worker_ip, connected_at, last_heartbeat_at, recorded_at, inserted_at, group_hash, "
			"sdk_lang,"
			" sdk_version, sdk_platform, function_count, cpu_cores, mem_bytes, os) VALUES('', '', 'a', "
			"x'%s', '',"
			" '', 0, '', 0, %llu, 0, 0, '', '', '', '', 0, 0, 0, '');",
			id, id, id, id, id, (unsigned long long)ms);
		exec(f->db, sql.ptr);
	}
	keep(f, &(struct retention){.age_ms = 30 * DAY});
	assert_rows(
		f->db,
		"SELECT (SELECT count(*) FROM traces), (SELECT count(*) FROM spans), (SELECT count(*) FROM trace_runs),"
		" (SELECT count(*) FROM history), (SELECT count(*) FROM function_finishes),"
		" (SELECT count(*) FROM event_batches), (SELECT count(*) FROM engine_record),"
		" (SELECT count(*) FROM worker_connections)",
		"2|2|2|2|2|2|2|1");
	// Once its run is over, all of that goes with it.
	exec(f->db, "UPDATE function_runs SET engine_ended_at = 1");
	keep(f, &(struct retention){.age_ms = 30 * DAY});
	assert_rows(f->db,
		    "SELECT (SELECT count(*) FROM traces), (SELECT count(*) FROM spans),"
		    " (SELECT count(*) FROM trace_runs), (SELECT count(*) FROM event_batches)",
		    "1|1|1|1");
}

#define LEFT                                                                                        \
	"SELECT (SELECT count(*) FROM engine_trace), (SELECT count(*) FROM engine_defers),"         \
	" (SELECT count(*) FROM engine_annotations), (SELECT count(*) FROM engine_debug_runs),"     \
	" (SELECT count(*) FROM engine_record WHERE kind = 5), (SELECT count(*) FROM engine_body)," \
	" (SELECT count(*) FROM spans)"

// Runs that began without history: one that is over, one whose record says that it is open, and a fresh one.
static void test_runs_without_history(void **state) {
	struct fixture *f = *state;
	for (uint8_t n = 1; n <= 4; n++) add_run(f, n == 3 ? NOW - DAY : NOW - 40 * DAY, 0, n);
	struct ulid open = id_at(NOW - 40 * DAY, 2), known = id_at(NOW - 40 * DAY, 4);
	exec(f->db, "UPDATE spans SET start_time = '2026-12-06 08:00:00'");
	exec(f->db, arena_printf(&f->arena, "DELETE FROM function_runs WHERE run_id <> x'%s'", hex(f, &known)).ptr);
	exec(f->db,
	     arena_printf(&f->arena, "INSERT INTO engine_record(kind, key, head) VALUES(4, x'%s', x'')", hex(f, &open))
		     .ptr);
	exec(f->db, "INSERT INTO engine_trace(run_id, data) VALUES(x'', 7)"); // a cursor is of no run
	static const char *const others[] = {"engine_trace(run_id, data) VALUES(x'%s', x'00')",
					     "engine_defers VALUES(x'%s', 'a', '', '', 2)",
					     "engine_annotations(run_id, metadata_bytes, spans) VALUES(x'%s', 1, 1)",
					     "engine_debug_runs(run_id) VALUES(x'%s')"};
	for (size_t i = 0; i < ARRAY_LEN(others); i++) { // that have left nothing else
		struct ulid other = id_at(NOW - 35 * DAY, (uint8_t)(10 + i));
		struct str sql = arena_cat(&f->arena, STR("INSERT INTO "), str_from_cstr(others[i]));
		int at = str_find(sql, '%');
		struct str head = arena_cat(&f->arena, str_first(sql, (size_t)at), str_from_cstr(hex(f, &other)));
		exec(f->db, arena_cat(&f->arena, head, str_skip(sql, (size_t)at + 2)).ptr);
	}
	assert_rows(f->db, LEFT, "6|9|5|5|4|4|4");
	keep(f, &(struct retention){.age_ms = 30 * DAY});
	assert_rows(f->db, LEFT, "4|6|3|3|3|3|1"); // spans go by their own age
	assert_rows(f->db, "SELECT data FROM engine_trace WHERE run_id = x''", "7");
}

// What the end of such a run marks goes whatever the rest is allowed to stay for; not before it is over.
static void test_marked_runs(void **state) {
	struct fixture *f = *state;
	for (uint8_t n = 1; n <= 60; n++) add_run(f, NOW - DAY, 0, n);
	struct ulid known = id_at(NOW - DAY, 4);
	exec(f->db, arena_printf(&f->arena, "DELETE FROM function_runs WHERE run_id <> x'%s'", hex(f, &known)).ptr);
	exec(f->db, "INSERT INTO engine_strays SELECT run_id FROM engine_debug_runs");
	keep(f, &(struct retention){.runs_max = 1000});
	assert_rows(f->db, LEFT, "1|2|1|1|1|1|1");
	assert_rows(f->db, "SELECT count(*) FROM engine_strays", "0");
}

// Ids of rows are used again.
static void test_strays_behind_removed_rows(void **state) {
	struct fixture *f = *state;
	struct ulid run = id_at(NOW - 40 * DAY, 1), stray = id_at(NOW - 39 * DAY, 2);
	struct retention retention = {.age_ms = 30 * DAY};
	add_run(f, NOW - 40 * DAY, NOW - 29 * DAY, 1);
	for (unsigned i = 0; i < 5; i++)
		exec(f->db, arena_printf(&f->arena,
					 "INSERT INTO history(run_id, function_version, event_id,"
					 " idempotency_key, type, attempt) VALUES(x'%s', 0, x'00', '', 'x', 0)",
					 hex(f, &run))
				    .ptr);
	keep(f, &retention);
	assert_rows(f->db, "SELECT count(*) FROM history", "5");
	exec(f->db, "UPDATE function_runs SET engine_ended_at = 1");
	keep(f, &retention);
	for (unsigned i = 0; i < 7; i++)
		exec(f->db, arena_printf(&f->arena,
					 "INSERT INTO history(run_id, function_version, event_id,"
					 " idempotency_key, type, attempt) VALUES(x'%s', 0, x'00', '', 'x', 0)",
					 hex(f, &stray))
				    .ptr);
	keep(f, &retention);
	assert_rows(f->db, "SELECT count(*) FROM history", "0");
}

// What migrate_runs.c remembers of trace_runs follows when the last rows go.
static void test_seen_traces(void **state) {
	struct fixture *f = *state;
	struct ulid run = id_at(NOW - 40 * DAY, 1);
	add_run(f, NOW - 40 * DAY, NOW - 35 * DAY, 1);
	exec(f->db,
	     arena_printf(&f->arena,
			  "INSERT INTO trace_runs(run_id, account_id, workspace_id, app_id, function_id, trace_id,"
			  " queued_at, started_at, ended_at, status, source_id, trigger_ids, is_debounce)"
			  " VALUES(x'%s', '', '', '', '', x'00', 0, 0, 0, 300, '', x'00', 0)",
			  hex(f, &run))
		     .ptr);
	assert_ok(history_migrate(f->db, &f->error), &f->error);
	assert_rows(f->db, "SELECT value FROM engine_migration WHERE name = 'trace_runs'", "1");
	keep(f, &(struct retention){.age_ms = 30 * DAY});
	assert_rows(f->db, "SELECT value FROM engine_migration WHERE name = 'trace_runs'", "0");
}

// One that came a little later than its id says is not passed by.
static void test_event_at_the_edge(void **state) {
	struct fixture *f = *state;
	struct ulid event = id_at(NOW - 30 * DAY - 5000, 1), later = id_at(NOW - 30 * DAY - 4000, 2);
	const struct ulid *ids[] = {&event, &later};
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		exec(f->db, arena_printf(&f->arena,
					 "INSERT INTO events(internal_id, event_id, event_name, event_ts, received_at)"
					 " VALUES(x'%s', 'e', 'x', '', '2026-12-16 08:00:0%d +0000 UTC')",
					 hex(f, ids[i]), i == 0 ? 1 : 0)
				    .ptr);
	struct retention retention = {.age_ms = 30 * DAY};
	keep(f, &retention);
	assert_rows(f->db, "SELECT count(*) FROM events", "2");
	bool more;
	assert_ok(history_keep(keeper, NOW + 2000, &more, &f->error), &f->error);
	assert_rows(f->db, "SELECT count(*) FROM events", "0");
}

// An id that says a time to come, of an event without runs.
static void test_data_of_skewed_events(void **state) {
	struct fixture *f = *state;
	struct ulid future = id_at(NOW + 1000 * DAY, 1);
	exec(f->db,
	     arena_printf(&f->arena,
			  "INSERT INTO events(internal_id, event_id, event_name, event_data, event_ts, received_at)"
			  " VALUES(x'%s', 'future', 'x', '{}', '', '2020-01-01 00:00:00 +0000 UTC');"
			  "INSERT INTO engine_event_skew(received_ns, internal_id) VALUES(1577836800000000000, x'%s')",
			  hex(f, &future), hex(f, &future))
		     .ptr);
	keep(f, &(struct retention){.payload_age_ms = 30 * DAY});
	assert_rows(f->db, BARE_EVENTS, "1");
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
		TEST(test_old_runs_go_whole),
		TEST(test_events_go_when_no_run_needs_them),
		TEST(test_skewed_events),
		TEST(test_payloads_go_first),
		TEST(test_for_ever),
		TEST(test_no_more_than_so_many_runs),
		TEST(test_data_stays_while_a_run_needs_it),
		TEST(test_many_ends_at_once),
		TEST(test_facts_lose_their_texts),
		TEST(test_slices_are_bounded_by_bytes),
		TEST(test_places_are_stored),
		TEST(test_the_count_goes_on),
		TEST(test_strays),
		TEST(test_runs_without_history),
		TEST(test_marked_runs),
		TEST(test_strays_behind_removed_rows),
		TEST(test_data_of_skewed_events),
		TEST(test_seen_traces),
		TEST(test_event_at_the_edge),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
