// Handing over: the rows that the reference server reads, made of facts (spec 09 §4.5, §4.7, §4.8, §7).
#include "history/hand_over.h"

#include "base/codec.h"
#include "trace_test.h"

static int set_up_shop(void **state) {
	int failed = set_up_store(state);
	struct fixture *f = *state;
	struct history_item app = {.kind = HISTORY_APP, .at_ms = AT};
	app.app.id = make_uuid("app");
	app.app.name = STR("shop");
	app.app.sdk_language = STR("js");
	app.app.sdk_version = STR("v4.24.0");
	app.app.metadata = STR("{}");
	app.app.url = STR("http://localhost/api");
	write_item(f, &app);
	struct history_item function = {.kind = HISTORY_FUNCTION, .at_ms = AT};
	function.function.id = make_uuid("f");
	function.function.app_id = make_uuid("app");
	function.function.name = STR("Sequence");
	function.function.slug = STR("shop-seq");
	function.function.config = STR("{\"fv\":3}");
	write_item(f, &function);
	return failed;
}

// ---- runs ----------------------------------------------------------------------------------------------------------

static void add_event(struct fixture *f, uint8_t n) {
	struct history_item item = {.kind = HISTORY_EVENT, .at_ms = AT};
	item.event.internal_id = make_ulid(AT, n);
	item.event.id = STR("mine");
	item.event.name = STR("shop/go");
	item.event.data = STR("{\"k\":1}");
	item.event.ts_ms = AT;
	write_item(f, &item);
}

static void memoise(struct fixture *f, const struct ulid *run_id, const char *id, const char *value) {
	struct buf head;
	uint8_t key[20] = {0};
	sqlite3_stmt *insert;
	buf_init(&head, 4096);
	put_u8(&head, 3);
	put_u8(&head, 0);
	put_u32(&head, (uint32_t)strlen(value));
	put_text(&head, str_from_cstr(id));
	put_u8(&head, OPCODE_STEP_RUN);
	put_text(&head, STR("name"));
	memcpy(key, run_id->bytes, 16);
	assert_int_equal(
		sqlite3_prepare_v2(f->db, "INSERT INTO engine_body(body) VALUES(CAST(?1 AS BLOB))", -1, &insert, NULL),
		SQLITE_OK);
	sqlite3_bind_text(insert, 1, value, -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
	sqlite3_finalize(insert);
	assert_int_equal(sqlite3_prepare_v2(f->db, "INSERT INTO engine_record VALUES(5, ?1, ?2, last_insert_rowid())",
					    -1, &insert, NULL),
			 SQLITE_OK);
	sqlite3_bind_blob(insert, 1, key, sizeof key, SQLITE_STATIC);
	sqlite3_bind_blob64(insert, 2, head.ptr, head.len, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
	sqlite3_finalize(insert);
	buf_free(&head);
}

static struct trace_fact make_call(uint64_t job, uint64_t at) {
	return (struct trace_fact){.kind = FACT_CALL,
				   .at_ms = AT + at,
				   .job = job,
				   .max_attempts = 4,
				   .queued_ms = AT + at - 10,
				   .due_ms = AT + at - 10,
				   .started_ms = AT + at - 5,
				   .status = 206,
				   .output_bytes = 33,
				   .headers = STR("{\"a\":\"b\"}")};
}

// A step, and the end.
static struct ulid add_sequence(struct fixture *f, uint8_t n) {
	struct ulid run = add_run(f, n, AT + 3);
	struct trace_op op = {.op = OPCODE_STEP_RUN, .id = STR(STEP), .name = STR("first step")};
	struct trace_fact call = make_call(1, 20);
	call.ops = &op;
	call.op_count = 1;
	add_fact(f, &run, &call);
	memoise(f, &run, STEP, "{\"data\":\"ä\"}");
	struct trace_fact last = make_call(2, 50);
	last.outcome = TRACE_RESULT;
	last.status = 200;
	add_fact(f, &run, &last);
	add_finish(f, &run, "Completed", "{\"done\":true}");
	return run;
}

// ---- handing over --------------------------------------------------------------------------------------------------

static bool go_on(void *context, const struct hand_over_counts *counts) {
	unsigned *left = context;
	assert_true(counts->done <= counts->total);
	return left == NULL || --*left > 0;
}

static struct hand_over_counts hand_over(struct fixture *f) {
	struct hand_over_counts counts;
	assert_ok(history_hand_over(f->db, go_on, NULL, &counts, &f->error), &f->error);
	assert_true(counts.is_complete);
	assert_int_equal(counts.done, counts.total);
	return counts;
}

// id, op and value of each step: what a rerun from a step is given.
static const char *steps_of(struct fixture *f, const struct ulid *run_id) {
	static char text[1024];
	struct history_step *steps;
	size_t count, len = 0;
	assert_ok(history_run_steps(f->reader, &f->arena, run_id, &steps, &count, &f->error), &f->error);
	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%.*s %d %.*s;", STR_ARG(steps[i].id),
					(int)steps[i].op, STR_ARG(steps[i].value));
	return text;
}

#define NOT_JSON(column) "count(*) FILTER (WHERE " column " IS NOT NULL AND NOT json_valid(" column "))"

// What the reference server could not read.
static void check_json(struct fixture *f) {
	assert_rows(f->db,
		    "SELECT " NOT_JSON("attributes") ", " NOT_JSON("output") ", " NOT_JSON("input") ", " NOT_JSON(
			    "event_ids") ", count(*) FILTER (WHERE json_type(attributes) <> 'object') FROM spans",
		    "0|0|0|0|0");
	assert_rows(
		f->db,
		"SELECT " NOT_JSON("cancel_request") ", " NOT_JSON("sleep") ", " NOT_JSON(
			"wait_for_event") ", " NOT_JSON("wait_result") ", " NOT_JSON("invoke_function") ", " NOT_JSON("invoke_function_result") ", " NOT_JSON("result") ", count(*) FILTER (WHERE result IS NULL) FROM history",
		"0|0|0|0|0|0|0|0");
}

static void test_sequence(void **state) {
	struct fixture *f = *state;
	add_event(f, 1);
	struct ulid run = add_sequence(f, 7);
	struct hand_over_counts counts = hand_over(f);
	assert_int_equal(counts.total, 1);
	assert_int_equal(counts.open + counts.skipped_runs, 0);
	check_json(f);
	// Root thrice, two discoveries, two requests twice with two records each, the step, the result.
	assert_int_equal(counts.spans, 3 + 2 + 4 + 4 + 1 + 1);
	assert_rows(f->db, "SELECT name, count(*) FROM spans GROUP BY name ORDER BY name",
		    "EXTEND|4;executor.execution|2;executor.nonstep|1;executor.run|1;executor.step|1;"
		    "executor.step.discovery|2;metadata|4");
	assert_rows(
		f->db,
		"SELECT start_time, end_time, status, parent_span_id, links, account_id, env_id, run_id,"
		" event_ids, input, output, debug_run_id, is_deferred, dynamic_span_id = span_id FROM spans"
		" WHERE name = 'executor.run'",
		"2026-11-21 08:22:14.008 +0000 UTC|2026-11-21 08:22:14.008 +0000 UTC|Queued|0000000000000000|null|"
		"00000000-0000-4000-a000-000000000000|00000000-0000-4000-b000-000000000000|"
		"01M7YK5SQR0000000000000007|[\"01M7YK5SQR0000000000000001\"]|"
		"[{\"data\":{\"k\":1},\"id\":\"mine\",\"name\":\"shop/go\",\"ts\":1795249334008}]|NULL|NULL|NULL|1");
	assert_rows(f->db,
		    "SELECT json_extract(attributes, '$.\"_inngest.event.trigger.name\"'),"
		    " json_extract(attributes, '$.\"_inngest.app.name\"'),"
		    " json_extract(attributes, '$.\"_inngest.function.slug\"'),"
		    " json_extract(attributes, '$.\"_inngest.function.version\"'),"
		    " json_extract(attributes, '$.\"_inngest.event.ids\"[0]') FROM spans WHERE name = 'executor.run'",
		    "shop/go|shop|shop-seq|3|01M7YK5SQR0000000000000001");
	assert_rows(f->db,
		    "SELECT status, output FROM spans WHERE parent_span_id = '0000000000000000' AND name = 'EXTEND'"
		    " ORDER BY start_time",
		    "Running|NULL;Completed|{\"data\":{\"done\":true}}");
	assert_rows(f->db, "SELECT status, output FROM spans WHERE name = 'executor.step'",
		    "Completed|{\"data\":\"ä\"}");
	assert_rows(f->db,
		    "SELECT typeof(run_id), hex(run_id), function_id = (SELECT id FROM functions), app_id ="
		    " (SELECT id FROM apps), typeof(trace_id), CAST(trace_id AS TEXT) = (SELECT trace_id FROM spans "
		    "LIMIT 1),"
		    " queued_at, started_at, ended_at, status, source_id, CAST(trigger_ids AS TEXT), typeof(output),"
		    " CAST(output AS TEXT), is_debounce, hex(batch_id), cron_schedule, has_ai FROM trace_runs",
		    "blob|01A1FD32E6F800000000000000000007|1|1|blob|1|1795249334008|1795249334011|1795249334108|300||"
		    "01M7YK5SQR0000000000000001|blob|{\"done\":true}|0|00000000000000000000000000000000|NULL|0");
	assert_rows(f->db, "SELECT type, step_name, step_type, step_id, latency_ms, attempt FROM history ORDER BY id",
		    "FunctionScheduled|NULL|NULL|NULL|NULL|0;FunctionStarted|NULL|NULL|NULL|3|0;"
		    "StepStarted|step|NULL|step|5|0;StepCompleted|first step|Run|" STEP "|NULL|0;"
		    "StepScheduled|NULL|NULL|step|NULL|0;StepStarted|step|NULL|step|5|0;"
		    "StepCompleted|step|NULL|step|NULL|0;FunctionCompleted|NULL|NULL|NULL|NULL|0");
	assert_rows(
		f->db,
		"SELECT result FROM history WHERE type IN ('StepCompleted', 'FunctionCompleted') ORDER BY id LIMIT 1",
		"{\"response_duration_ms\":5,\"error_code\":null,\"framework\":null,"
		"\"response_headers\":{\"a\":\"b\"},\"output\":\"{\\\"data\\\":\\\"ä\\\"}\",\"raw_output\":null,"
		"\"platform\":null,\"sdk_language\":\"js\",\"sdk_version\":\"v4.24.0\",\"response_size_bytes\":33,"
		"\"stack\":null}");
	assert_rows(f->db, "SELECT json_extract(result, '$.output') FROM history WHERE type = 'FunctionCompleted'",
		    "{\"done\":true}");

	// The facts are preferred, until they are gone.
	struct trace_loaded loaded = load(f, &run);
	assert_int_equal(loaded.spans.count, 7);
	assert_int_equal(loaded.spans.metadata_count, 4);
	assert_int_equal(span_of(&loaded, SPAN_STEP)->output.source, SPAN_OF_STEP);
	exec(f->db, "DELETE FROM engine_trace; DELETE FROM engine_record; DELETE FROM engine_body");
	loaded = load(f, &run);
	assert_int_equal(loaded.spans.count, 7);
	assert_int_equal(loaded.spans.metadata_count, 4);
	assert_int_equal(loaded.run.status, TRACE_RUN_COMPLETED);
	assert_str(text_of(f, &run, &span_of(&loaded, SPAN_STEP)->output), "{\"data\":\"ä\"}");
	assert_str(text_of(f, &run, &span_of(&loaded, SPAN_RUN)->output), "{\"data\":{\"done\":true}}");
	assert_int_equal(text_of(f, &run, &span_of(&loaded, SPAN_RUN)->input).ptr[0], '[');
	assert_string_equal(steps_of(f, &run), STEP " 2 {\"data\":\"ä\"};");
	assert_int_equal(hand_over(f).total, 0);
}

// A run that another one has deferred is still known as such.
static void test_deferred(void **state) {
	struct fixture *f = *state;
	struct history_item event = {.kind = HISTORY_EVENT, .at_ms = AT};
	event.event.internal_id = make_ulid(AT, 1);
	event.event.name = DEFER_EVENT;
	event.event.data = STR("{\"_inngest\":{\"parent_run_id\":\"01M7YK5SQR0000000000000006\"}}");
	event.event.ts_ms = AT;
	write_item(f, &event);
	struct history_item item = {.kind = HISTORY_RUN, .at_ms = AT};
	item.run.run_id = make_ulid(AT, 7);
	item.run.event_id = event.event.internal_id;
	item.run.function_id = make_uuid("f");
	item.run.started_ms = AT + 3;
	item.run.is_deferred = true;
	write_item(f, &item);
	struct trace_fact last = make_call(1, 50);
	last.outcome = TRACE_RESULT;
	add_fact(f, &item.run.run_id, &last);
	add_finish(f, &item.run.run_id, "Completed", "1");
	assert_int_equal(hand_over(f).done, 1);
	check_json(f);
	assert_rows(f->db,
		    "SELECT name, is_deferred, json_extract(attributes, '$.\"_inngest.defer.parent_run_ids\"') FROM"
		    " spans WHERE is_deferred IS NOT NULL",
		    "executor.run|1|[\"01M7YK5SQR0000000000000006\"]");
	assert_int_equal(load(f, &item.run.run_id).spans.spans[0].kind, SPAN_RUN);
}

// Waits of all kinds, and what cancelled runs leave.
static void test_waits(void **state) {
	struct fixture *f = *state;
	struct ulid run = add_run(f, 7, AT + 3);
	static const enum opcode_kind kinds[] = {OPCODE_SLEEP, OPCODE_WAIT_FOR_EVENT, OPCODE_WAIT_FOR_SIGNAL,
						 OPCODE_INVOKE_FUNCTION};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct trace_fact fact = {.kind = FACT_WAIT, .at_ms = AT + 10 + i, .op = kinds[i]};
		fact.step_id = arena_printf(&f->arena, "w%zu", i);
		fact.until_ms = AT + 60;
		fact.event = STR("shop/paid");
		fact.expression = STR("a == \"b\"");
		fact.function = STR("shop-child");
		fact.event_id = make_ulid(AT, 9);
		add_fact(f, &run, &fact);
		fact.kind = FACT_RESUMED;
		fact.at_ms = AT + 20 + i;
		if (kinds[i] != OPCODE_SLEEP) add_fact(f, &run, &fact);
	}
	struct trace_fact cancelled = {.kind = FACT_CANCELLED, .at_ms = AT + 90, .expression = STR("c == 1")};
	cancelled.event_id = make_ulid(AT, 9);
	add_fact(f, &run, &cancelled);
	add_finish(f, &run, "Cancelled", NULL);
	assert_int_equal(hand_over(f).done, 1);
	check_json(f);
	assert_rows(f->db, "SELECT status, typeof(output) FROM trace_runs", "500|null");
	assert_rows(f->db,
		    "SELECT type, sleep, wait_for_event, wait_result, invoke_function, invoke_function_result,"
		    " cancel_request FROM history WHERE type NOT LIKE 'FunctionS%' ORDER BY created_at, id",
		    "StepSleeping|{\"until\":\"2026-11-21T08:22:14.068Z\"}|null|null|null|null|null;"
		    "StepWaiting|null|{\"event_name\":\"shop/paid\",\"expression\":\"a == \\\"b\\\"\",\"timeout\":"
		    "\"2026-11-21T08:22:14.068Z\"}|null|null|null|null;"
		    "StepWaiting|null|null|null|null|null|null;"
		    "StepInvoking|null|null|null|{\"correlation_id\":\"01M7YK5SQR0000000000000007.w3\",\"event_id\":"
		    "\"01M7YK5SQR0000000000000009\",\"function_id\":\"shop-child\",\"timeout\":"
		    "\"2026-11-21T08:22:14.068Z\"}|null|null;"
		    "StepCompleted|null|null|{\"event_id\":\"01M7YK5SQR0000000000000009\",\"timeout\":false}|null|null|"
		    "null;"
		    "StepCompleted|null|null|{\"event_id\":\"01M7YK5SQR0000000000000009\",\"timeout\":false}|null|null|"
		    "null;"
		    "StepCompleted|null|null|null|null|{\"event_id\":\"01M7YK5SQR0000000000000009\",\"run_id\":null,"
		    "\"timeout\":false}|null;"
		    "FunctionCancelled|null|null|null|null|null|{\"EventID\":\"01M7YK5SQR0000000000000009\","
		    "\"Expression\":\"c == 1\",\"UserID\":null,"
		    "\"CancellationID\":null,\"ForceLifecycleHook\":false}");
}

// As they are memoised (03 §7.2), in the order of their completion; what has no result is not there.
static void test_steps_of_rows(void **state) {
	struct fixture *f = *state;
	struct ulid run = add_run(f, 7, AT + 3);
	exec(f->db,
	     "INSERT INTO spans(span_id, trace_id, parent_span_id, name, start_time, end_time, account_id, app_id,"
	     " function_id, run_id, env_id, status, output, attributes)"
	     " SELECT column1, 't', '0000000000000000', column2, '2026-11-21', '2026-11-21', '', '', '',"
	     " '01M7YK5SQR0000000000000007', '', column3, column4, '{\"_inngest.step.id\":\"' || column1 ||"
	     " '\",\"_inngest.step.op\":\"' || column5 || '\",\"_inngest.ended_at\":\"' || column6 || '\"}'"
	     " FROM (VALUES('root', 'executor.run', 'Running', NULL, 'None', 0),"
	     " ('second', 'executor.step', 'Completed', '{\"data\":2}', 'StepRun', 20),"
	     " ('first', 'executor.step', 'Completed', '{\"data\":1}', 'StepRun', 10),"
	     " ('retried', 'executor.step', 'Errored', '{\"error\":{}}', 'StepError', 11),"
	     " ('failed', 'executor.step', 'Failed', '{\"error\":{}}', 'StepFailed', 12),"
	     " ('nap', 'executor.step', 'Completed', NULL, 'Sleep', 13),"
	     " ('asleep', 'executor.step', 'Sleeping', NULL, 'Sleep', 0),"
	     " ('late', 'executor.step', 'Completed', NULL, 'WaitForEvent', 14),"
	     " ('found', 'executor.step', 'Completed', '{\"name\":\"a\"}', 'WaitForEvent', 15),"
	     " ('called', 'executor.step', 'Errored', '{\"error\":1}', 'InvokeFunction', 16),"
	     " ('lost', 'executor.step', 'Completed', NULL, 'StepRun', 17),"
	     " ('answer', 'executor.execution', 'Completed', '{\"data\":1}', 'StepRun', 18))");
	assert_string_equal(steps_of(f, &run),
			    "first 2 {\"data\":1};failed 12 {\"error\":{}};nap 5 null;late 6 null;"
			    "found 6 {\"name\":\"a\"};called 7 {\"error\":1};second 2 {\"data\":2};");
}

static void test_batch_and_skipped(void **state) {
	struct fixture *f = *state;
	add_event(f, 1);
	add_event(f, 2);
	struct ulid run = add_run(f, 7, 0);
	struct history_item item = {.kind = HISTORY_EVENT_BATCH, .at_ms = AT};
	item.event_batch.batch_id = make_ulid(AT, 20);
	item.event_batch.run_id = run;
	item.event_batch.event_ids = STR("01M7YK5SQR0000000000000001,01M7YK5SQR0000000000000002");
	write_item(f, &item);
	add_finish(f, &run, "Completed", "2");
	struct history_item skipped = {.kind = HISTORY_OUTCOME, .at_ms = AT};
	skipped.outcome.event_id = make_ulid(AT, 1);
	skipped.outcome.function_id = make_uuid("f");
	skipped.outcome.outcome = OUTCOME_SKIPPED;
	skipped.outcome.reason = REASON_SINGLETON;
	skipped.outcome.run_id = make_ulid(AT, 8);
	skipped.outcome.other_id = run;
	write_item(f, &skipped);
	struct hand_over_counts counts = hand_over(f);
	assert_int_equal(counts.total, 2);
	assert_int_equal(counts.skipped_runs, 1);
	check_json(f);
	assert_rows(f->db, "SELECT status, CAST(trigger_ids AS TEXT), hex(batch_id) FROM trace_runs ORDER BY status",
		    "300|01M7YK5SQR0000000000000001,01M7YK5SQR0000000000000002|01A1FD32E6F800000000000000000014;"
		    "600|01M7YK5SQR0000000000000001|00000000000000000000000000000000");
	assert_rows(f->db,
		    "SELECT status, json_extract(attributes, '$.\"_inngest.batch.id\"'), json_extract(attributes,"
		    " '$.\"_inngest.batch.ts\"'), json_extract(attributes, '$.\"_inngest.run.skip_reason\"'),"
		    " json_extract(attributes, '$.\"_inngest.run.skip_existing_run_id\"'), json_array_length(input)"
		    " FROM spans WHERE name = 'executor.run' ORDER BY status",
		    "Queued|01M7YK5SQR000000000000000M|1795249334008|NULL|NULL|2;"
		    "Skipped|NULL|NULL|Singleton|01M7YK5SQR0000000000000007|1");
	assert_rows(f->db, "SELECT count(*) FROM history WHERE type = 'FunctionSkipped'", "1");
	assert_int_equal(hand_over(f).total, 0);
}

// One that goes on is done anew, until it is over; what it was at first does not show through.
static void test_open(void **state) {
	struct fixture *f = *state;
	struct ulid run = add_run(f, 7, 0);
	struct hand_over_counts counts = hand_over(f);
	assert_int_equal(counts.open, 1);
	assert_rows(f->db, "SELECT status, started_at, ended_at FROM trace_runs",
		    "100|-62135596800000|-62135596800000");
	assert_rows(f->db, "SELECT name, status FROM spans", "executor.run|Queued");
	struct trace_loaded loaded = load(f, &run);
	assert_int_equal(loaded.run.status, TRACE_RUN_QUEUED);
	add_finish(f, &run, "Cancelled", NULL); // without a fact
	loaded = load(f, &run);
	assert_int_equal(loaded.run.status, TRACE_RUN_CANCELLED);
	assert_int_equal(span_of(&loaded, SPAN_RUN)->status, SPAN_CANCELLED);
	assert_int_equal(hand_over(f).open, 0);
	loaded = load(f, &run);
	assert_int_equal(span_of(&loaded, SPAN_RUN)->status, SPAN_CANCELLED);
	assert_rows(f->db, "SELECT group_concat(status) FROM trace_runs", "500");
	assert_rows(f->db, "SELECT name, status FROM spans ORDER BY start_time",
		    "executor.run|Queued;EXTEND|Cancelled");
	assert_rows(f->db, "SELECT type FROM history ORDER BY id", "FunctionScheduled;FunctionCancelled");
}

static void test_foreign(void **state) {
	struct fixture *f = *state;
	add_run(f, 7, AT + 3);
	exec(f->db,
	     "INSERT INTO spans(span_id, trace_id, parent_span_id, name, start_time, end_time, account_id, app_id,"
	     " function_id, run_id, env_id) VALUES('r', 't', '0000000000000000', 'executor.run', '2026-11-21',"
	     " '2026-11-21', '', '', '', '01M7YK5SQR0000000000000007', '')");
	struct ulid other = add_run(f, 8, AT + 3);
	exec(f->db, "INSERT INTO history(id, function_version, run_id, event_id, idempotency_key, type, attempt)"
		    " SELECT x'00', 0, run_id, event_id, 'k', 'FunctionScheduled', 0 FROM function_runs"
		    " ORDER BY run_id DESC LIMIT 1");
	add_finish(f, &other, "Completed", "1");
	struct hand_over_counts counts = hand_over(f);
	assert_int_equal(counts.done, 2);
	assert_int_equal(counts.spans + counts.history, 0);
	assert_rows(f->db,
		    "SELECT (SELECT count(*) FROM spans), (SELECT count(*) FROM history),"
		    " (SELECT count(*) FROM trace_runs)",
		    "1|1|0");
}

// Metadata that came in stays as it is; the attempt that it names is found.
static void test_metadata(void **state) {
	struct fixture *f = *state;
	struct ulid run = add_sequence(f, 7);
	struct span_id attempt = span_id_attempt(STR(STEP), 0);
	exec(f->db,
	     arena_printf(&f->arena,
			  "INSERT INTO spans(span_id, trace_id, parent_span_id, name, start_time, end_time, account_id,"
			  " app_id, function_id, run_id, env_id, dynamic_span_id, attributes) VALUES('m', 't', '%s',"
			  " 'metadata', '2026-11-21 08:22:15 +0000 UTC', '2026-11-21 08:22:15 +0000 UTC', '', '', '',"
			  " '01M7YK5SQR0000000000000007', '', 'md', '{\"_inngest.metadata.kind\":\"userland.x\","
			  "\"_inngest.metadata.scope\":\"step_attempt\",\"_inngest.metadata.op\":\"merge\","
			  "\"_inngest.metadata.values\":\"{\\\"a\\\":1}\"}')",
			  attempt.text)
		     .ptr);
	hand_over(f);
	assert_rows(f->db, "SELECT count(*) FROM spans WHERE engine_rank IS NULL", "1");
	for (int pass = 0; pass < 2; pass++) {
		struct trace_loaded loaded = load(f, &run);
		assert_int_equal(loaded.spans.metadata_count, 5);
		const struct trace_node *root = trace_tree(&f->arena, &loaded.subject, &loaded.spans);
		size_t found = 0;
		for (size_t i = 0; i < root->child_count; i++)
			for (size_t k = 0; k < root->children[i]->metadata_count; k++)
				if (str_eq(root->children[i]->metadata[k].kind, STR("userland.x"))) found++;
		assert_int_equal(found, 1);
		exec(f->db, "DELETE FROM engine_trace");
	}
}

// Broken off after a transaction, and begun again.
static void test_broken_off(void **state) {
	struct fixture *f = *state;
	for (unsigned n = 0; n < 150; n++) {
		struct ulid run = add_run(f, (uint8_t)(n + 1), AT + 3);
		add_finish(f, &run, "Completed", "1");
	}
	struct hand_over_counts counts;
	unsigned left = 1;
	assert_ok(history_hand_over(f->db, go_on, &left, &counts, &f->error), &f->error);
	assert_false(counts.is_complete);
	assert_int_equal(counts.total, 150);
	assert_true(counts.done > 0 && counts.done < 150);
	assert_true(sqlite3_get_autocommit(f->db));
	assert_int_equal(hand_over(f).total, 150 - counts.done);
	assert_rows(f->db, "SELECT count(*), count(DISTINCT run_id) FROM trace_runs", "150|150");
	assert_rows(f->db, "SELECT count(*) FROM spans WHERE name = 'executor.run'", "150");
	// A start of the server finds nothing to do in them.
	assert_rows(f->db,
		    "SELECT value = (SELECT max(rowid) FROM trace_runs) FROM engine_migration WHERE name ="
		    " 'trace_runs'",
		    "1");
}

// A file that ends in the middle of a run stays as it was before it.
static void test_write_error(void **state) {
	struct fixture *f = *state;
	add_sequence(f, 7);
	exec(f->db, "CREATE TRIGGER full BEFORE INSERT ON trace_runs BEGIN SELECT RAISE(ABORT, 'no room'); END");
	struct hand_over_counts counts;
	assert_int_not_equal(history_hand_over(f->db, go_on, NULL, &counts, &f->error), ERR_OK);
	assert_non_null(strstr(f->error.message, "run 01M7YK5SQR0000000000000007"));
	assert_non_null(strstr(f->error.message, "no room"));
	assert_true(sqlite3_get_autocommit(f->db));
	assert_rows(f->db, "SELECT (SELECT count(*) FROM spans), (SELECT count(*) FROM history)", "0|0");
	exec(f->db, "DROP TRIGGER full");
	assert_int_equal(hand_over(f).done, 1);
}

#define HAND_OVER_TEST(test) cmocka_unit_test_setup_teardown(test, set_up_shop, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		HAND_OVER_TEST(test_sequence),    HAND_OVER_TEST(test_waits),
		HAND_OVER_TEST(test_deferred),    HAND_OVER_TEST(test_batch_and_skipped),
		HAND_OVER_TEST(test_open),        HAND_OVER_TEST(test_foreign),
		HAND_OVER_TEST(test_metadata),    HAND_OVER_TEST(test_broken_off),
		HAND_OVER_TEST(test_write_error), HAND_OVER_TEST(test_steps_of_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
