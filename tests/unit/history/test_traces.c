// Traces as they are read from the file: our runs from facts, those of the reference server from their rows.
#include "trace_test.h"

#include "base/codec.h"

#define NS(ms) ((int64_t)(AT + (ms)) * 1000000)

// ---- what others have written --------------------------------------------------------------------------------------

static void add_function(struct fixture *f) {
	struct history_item item = {.kind = HISTORY_FUNCTION, .at_ms = AT};
	item.function.id = make_uuid("f");
	item.function.app_id = make_uuid("app");
	item.function.name = STR("seq");
	item.function.slug = STR("app-seq");
	item.function.config = STR("{}");
	write_item(f, &item);
}

static void add_event(struct fixture *f, uint8_t n, const char *data, const char *user, const char *v) {
	struct history_item item = {.kind = HISTORY_EVENT, .at_ms = AT};
	item.event.internal_id = make_ulid(AT, n);
	item.event.id = STR("client-\"id\"");
	item.event.name = STR("app/go");
	item.event.data = str_from_cstr(data);
	item.event.user = str_from_cstr(user);
	item.event.v = str_from_cstr(v);
	item.event.ts_ms = AT - 5;
	write_item(f, &item);
}

static void add_step(struct fixture *f, const struct ulid *run_id, uint8_t position, const char *id, const char *value,
		     bool is_input) {
	struct buf head;
	buf_init(&head, 4096);
	put_u8(&head, 3);
	put_u8(&head, is_input ? 2 : 0);
	put_u32(&head, (uint32_t)strlen(value));
	put_text(&head, str_from_cstr(id));
	put_u8(&head, OPCODE_STEP_RUN);
	put_text(&head, STR("name"));
	uint8_t key[20] = {0};
	memcpy(key, run_id->bytes, 16);
	key[19] = position;
	sqlite3_stmt *insert;
	assert_int_equal(sqlite3_prepare_v2(f->db, "INSERT INTO engine_body(body) VALUES(?1)", -1, &insert, NULL), 0);
	sqlite3_bind_text(insert, 1, value, -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
	sqlite3_finalize(insert);
	assert_int_equal(sqlite3_prepare_v2(f->db, "INSERT INTO engine_record VALUES(5, ?1, ?2, last_insert_rowid())",
					    -1, &insert, NULL),
			 0);
	sqlite3_bind_blob(insert, 1, key, sizeof key, SQLITE_STATIC);
	sqlite3_bind_blob64(insert, 2, head.ptr, head.len, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
	sqlite3_finalize(insert);
	buf_free(&head);
}

static struct trace_op done = {.op = OPCODE_STEP_RUN, .id = STR_INIT(STEP), .name = STR_INIT("first step")};

static struct trace_fact make_call(uint64_t job, uint64_t at) {
	return (struct trace_fact){.kind = FACT_CALL,
				   .at_ms = AT + at,
				   .job = job,
				   .max_attempts = 4,
				   .queued_ms = AT + at - 10,
				   .due_ms = AT + at - 10,
				   .started_ms = AT + at - 5,
				   .status = 206,
				   .headers = STR("{}")};
}

// ---- what is seen of it --------------------------------------------------------------------------------------------

static void test_unknown(void **state) {
	struct fixture *f = *state;
	struct ulid id = make_ulid(AT, 9);
	struct trace_loaded loaded;
	assert_int_equal(history_trace(f->reader, &f->arena, &id, NULL, 0, &loaded, &f->error), ERR_NOT_FOUND);
}

static void test_our_run(void **state) {
	struct fixture *f = *state;
	add_function(f);
	add_event(f, 1, "{\"k\":1}", "{}", "");
	struct ulid run = add_run(f, 7, 0), other = add_run(f, 8, 0);
	struct trace_loaded loaded = load(f, &run);
	assert_int_equal(loaded.run.status, TRACE_RUN_QUEUED);
	assert_int_equal(loaded.spans.count, 1);
	assert_int_equal(loaded.run.started_ns, INT64_MIN);

	struct history_item started = {.kind = HISTORY_RUN_STARTED, .at_ms = AT + 5};
	started.run.run_id = run;
	write_item(f, &started);
	struct trace_fact call = make_call(1, 20);
	call.ops = &done;
	call.op_count = 1;
	add_fact(f, &run, &call);
	add_fact(f, &other, &call);
	add_step(f, &run, 0, "input", "[7]", true);
	add_step(f, &run, 1, STEP, "{\"data\":1}", false);
	add_step(f, &other, 0, STEP, "{\"data\":2}", false);
	struct trace_fact last = make_call(2, 50);
	last.outcome = TRACE_RESULT;
	add_fact(f, &run, &last);
	exec(f->db, "INSERT INTO engine_trace(run_id, data) SELECT run_id, x'01ff' FROM engine_trace LIMIT 1");
	add_finish(f, &run, "Completed", "{\"data\":[2]}");

	loaded = load(f, &run);
	assert_int_equal(loaded.run.status, TRACE_RUN_COMPLETED);
	assert_int_equal(loaded.run.queued_ns, NS(0));
	assert_int_equal(loaded.run.started_ns, NS(5));
	assert_int_equal(loaded.run.ended_ns, NS(100));
	assert_str(loaded.run.event_name, "app/go");
	assert_str(loaded.subject.function_slug, "app-seq");
	struct uuid app = make_uuid("app");
	assert_true(uuid_eq(&loaded.subject.app_id, &app));
	assert_int_equal(loaded.subject.status, TRACE_RUN_COMPLETED);
	assert_int_equal(loaded.spans.count, 7); // root, two discoveries with executions, step, nonstep
	const struct span *step = span_of(&loaded, SPAN_STEP), *root = span_of(&loaded, SPAN_RUN);
	assert_str(step->step_name, "first step");
	assert_str(text_of(f, &run, &step->output), "{\"data\":1}");
	assert_str(text_of(f, &run, &root->output), "{\"data\":{\"data\":[2]}}");
	assert_str(text_of(f, &run, &root->input),
		   "[{\"data\":{\"k\":1},\"id\":\"client-\\\"id\\\"\",\"name\":\"app/go\",\"ts\":1795249334003}]");
	struct span_text nothing = {.source = SPAN_NOTHING};
	struct str out;
	assert_int_equal(history_trace_text(f->reader, &f->arena, &run, &nothing, &out, &f->error), ERR_NOT_FOUND);
	struct span_text lost = {.source = SPAN_OF_STEP, .text = STR("input")};
	assert_int_equal(history_trace_text(f->reader, &f->arena, &run, &lost, &out, &f->error), ERR_NOT_FOUND);
	exec(f->db, "UPDATE function_runs SET engine_flags = 8; DELETE FROM engine_record");
	loaded = load(f, &run);
	assert_int_equal(span_of(&loaded, SPAN_STEP)->output.source, SPAN_NOTHING);
	assert_int_equal(span_of(&loaded, SPAN_RUN)->output.source, SPAN_NOTHING);
	struct span_text plain = {.source = SPAN_INLINE, .text = STR("x")};
	assert_str(text_of(f, &run, &plain), "x");
}

static void test_failed_run(void **state) {
	struct fixture *f = *state;
	struct ulid run = add_run(f, 7, AT + 3);
	struct trace_fact last = make_call(2, 50);
	last.outcome = TRACE_ERROR;
	last.status = 500;
	add_fact(f, &run, &last);
	add_finish(f, &run, "Failed", "{\"message\":\"no\"}");
	struct trace_loaded loaded = load(f, &run);
	assert_int_equal(loaded.run.started_ns, NS(3));
	assert_str(text_of(f, &run, &span_of(&loaded, SPAN_NONSTEP)->output), "{\"error\":{\"message\":\"no\"}}");
	run = add_run(f, 8, AT + 3);
	add_finish(f, &run, "Cancelled", NULL);
	loaded = load(f, &run);
	assert_int_equal(loaded.run.status, TRACE_RUN_CANCELLED);
	assert_int_equal(span_of(&loaded, SPAN_RUN)->output.source, SPAN_NOTHING);
}

// What the engine says of a run comes before the row of its start, perhaps.
static void test_under_way(void **state) {
	struct fixture *f = *state;
	struct ulid run = add_run(f, 7, 0);
	struct trace_live live = {
		.job = 1, .queued_ms = AT, .due_ms = AT, .started_ms = AT + 4, .max_attempts = 4, .is_call = true};
	struct trace_loaded loaded;
	assert_ok(history_trace(f->reader, &f->arena, &run, &live, 1, &loaded, &f->error), &f->error);
	assert_int_equal(loaded.run.status, TRACE_RUN_RUNNING);
	assert_int_equal(loaded.run.started_ns, NS(4));
	assert_int_equal(loaded.spans.count, 3);
	assert_int_equal(span_of(&loaded, SPAN_EXECUTION)->status, SPAN_RUNNING);
}

static void test_batch(void **state) {
	struct fixture *f = *state;
	add_event(f, 1, "1", "{\"id\":2}", "7");
	add_event(f, 2, "null", "{}", "");
	struct ulid run = add_run(f, 7, 0);
	struct history_item item = {.kind = HISTORY_EVENT_BATCH, .at_ms = AT};
	item.event_batch.batch_id = make_ulid(AT, 20);
	item.event_batch.run_id = run;
	char ids[3][ULID_TEXT_LEN + 1];
	for (uint8_t i = 0; i < 3; i++) {
		struct ulid id = make_ulid(AT, (uint8_t)(3 - i)); // the first of them is gone
		ulid_text(&id, ids[i]);
	}
	item.event_batch.event_ids = arena_printf(&f->arena, "%s,%s,%s", ids[0], ids[1], ids[2]);
	write_item(f, &item);
	struct trace_loaded loaded = load(f, &run);
	assert_str(loaded.run.event_name, "");
	assert_str(
		text_of(f, &run, &span_of(&loaded, SPAN_RUN)->input),
		"[{\"data\":null,\"id\":\"client-\\\"id\\\"\",\"name\":\"app/go\",\"ts\":1795249334003},"
		"{\"data\":1,\"id\":\"client-\\\"id\\\"\",\"name\":\"app/go\",\"ts\":1795249334003,\"user\":{\"id\":2},"
		"\"v\":\"7\"}]");
}

static void test_skipped(void **state) {
	struct fixture *f = *state;
	add_function(f);
	add_event(f, 1, "{}", "{}", "");
	struct history_item item = {.kind = HISTORY_OUTCOME, .at_ms = AT};
	item.outcome.event_id = make_ulid(AT, 1);
	item.outcome.function_id = make_uuid("f");
	item.outcome.outcome = OUTCOME_SKIPPED;
	item.outcome.reason = REASON_SINGLETON;
	item.outcome.run_id = make_ulid(AT, 7);
	item.outcome.other_id = make_ulid(AT, 8);
	write_item(f, &item);
	struct ulid run = item.outcome.run_id;
	struct trace_loaded loaded = load(f, &run);
	assert_int_equal(loaded.run.status, TRACE_RUN_SKIPPED);
	assert_str(loaded.subject.function_slug, "app-seq");
	assert_str(loaded.run.event_name, "app/go");
	const struct span *root = span_of(&loaded, SPAN_RUN);
	assert_str(root->skip_reason, "Singleton");
	assert_int_equal(root->skip_existing_run_id.len, ULID_TEXT_LEN);
	assert_int_equal(text_of(f, &run, &root->input).ptr[0], '[');
}

// ---- rows ----------------------------------------------------------------------------------------------------------

static void insert_span(struct fixture *f, const struct ulid *run_id, const char *columns, const char *values) {
	char id[ULID_TEXT_LEN + 1];
	ulid_text(run_id, id);
	struct str sql =
		arena_printf(&f->arena,
			     "INSERT INTO spans(trace_id, account_id, app_id, function_id, env_id, start_time,"
			     " end_time, run_id, %s) VALUES('t', '', '', '', '',"
			     " '2026-11-21 08:22:14.1 +0000 UTC', '2026-11-21 08:22:14.2 +0000 UTC', '%s', %s)",
			     columns, id, values);
	exec(f->db, sql.ptr);
}

static void test_reference_run(void **state) {
	struct fixture *f = *state;
	struct ulid run = add_run(f, 7, 0);
	exec(f->db, "UPDATE function_runs SET engine_status = NULL, engine_flags = NULL");
	insert_span(f, &run, "span_id, dynamic_span_id, parent_span_id, name, status, attributes, input",
		    "'a1', 'root', '0000000000000000', 'executor.run', 'Completed',"
		    " '{\"_inngest.started_at\":\"1795249334010\",\"_inngest.ended_at\":\"1795249334050\"}', "
		    "'[{\"a\":1}]'");
	insert_span(f, &run, "span_id, dynamic_span_id, parent_span_id, name, output",
		    "'a2', 'step', 'root', 'executor.step', '\"{\\\"data\\\":3}\"'");
	insert_span(f, &run, "span_id, dynamic_span_id, parent_span_id, name, attributes",
		    "'m1', 'm', 'root', 'metadata', '{\"_inngest.metadata.kind\":\"userland.x\","
		    "\"_inngest.metadata.values\":{\"a\":1}}'");
	struct trace_loaded loaded = load(f, &run);
	assert_int_equal(loaded.spans.count, 2);
	assert_int_equal(loaded.spans.metadata_count, 1);
	assert_int_equal(loaded.run.status, TRACE_RUN_COMPLETED);
	assert_int_equal(loaded.run.started_ns, NS(2));
	assert_int_equal(loaded.run.ended_ns, NS(42));
	const struct span *root = span_of(&loaded, SPAN_RUN), *step = span_of(&loaded, SPAN_STEP);
	assert_str(root->id, "root");
	assert_int_equal(root->first_ns, NS(92));
	assert_str(text_of(f, &run, &root->input), "[{\"a\":1}]");
	assert_str(text_of(f, &run, &step->output), "{\"data\":3}");
	exec(f->db, "UPDATE spans SET output = '\"text\"'");
	assert_str(text_of(f, &run, &step->output), "\"text\"");
	exec(f->db, "UPDATE spans SET output = NULL");
	struct str out;
	assert_int_equal(history_trace_text(f->reader, &f->arena, &run, &step->output, &out, &f->error), ERR_NOT_FOUND);
}

// Metadata and spans of the app come in as rows, beside our facts.
static void test_rows_of_our_run(void **state) {
	struct fixture *f = *state;
	struct ulid run = add_run(f, 7, AT + 3);
	struct trace_fact call = make_call(1, 20);
	add_fact(f, &run, &call);
	struct span_id execution = span_id_execution(&run, 1, 0);
	struct str values = arena_printf(&f->arena, "'u1', 'u1', '%s', 'userland', '{\"a\":1}'", execution.text);
	insert_span(f, &run, "span_id, dynamic_span_id, parent_span_id, name, attributes", values.ptr);
	struct trace_loaded loaded = load(f, &run);
	assert_int_equal(loaded.spans.count, 4);
	const struct span *userland = span_of(&loaded, SPAN_USERLAND);
	assert_str(userland->parent, execution.text);
	assert_str(userland->user_attributes, "{\"a\":1}");
	assert_int_equal(userland->started_ns, NS(92));
}

// Beyond a sum the payloads of facts are left out, and then facts.
static void test_large_facts(void **state) {
	struct fixture *f = *state;
	struct ulid run = add_run(f, 7, AT + 3);
	char *large = mem_alloc(TRACE_PAYLOAD_MAX);
	memset(large, '1', TRACE_PAYLOAD_MAX);
	struct trace_fact call = make_call(1, 20);
	call.outcome = TRACE_ERROR;
	call.will_retry = true;
	call.output = str_make(large, TRACE_PAYLOAD_MAX);
	for (call.attempt = 0; call.attempt < 140; call.attempt++) add_fact(f, &run, &call);
	struct trace_loaded loaded = load(f, &run);
	assert_int_equal(loaded.spans.count, 2 + 2 * 140);
	size_t with_output = 0;
	for (size_t i = 0; i < loaded.spans.count; i++)
		if (loaded.spans.spans[i].output.source == SPAN_INLINE) with_output++;
	assert_int_equal(with_output, 2 * 127); // 32 MiB
	free(large);
}

// A view of all of it: within one transaction, and none is left open.
static int note_reading(unsigned what, void *context, void *statement, void *text) {
	(void)what;
	(void)text;
	struct {
		size_t inside, outside;
	} *count = context;
	if (!sqlite3_stmt_readonly(statement) || strncmp(sqlite3_sql(statement), "SELECT", 6) != 0) return 0;
	if (sqlite3_get_autocommit(sqlite3_db_handle(statement)) != 0)
		count->outside++;
	else
		count->inside++;
	return 0;
}

static void test_one_view(void **state) {
	struct fixture *f = *state;
	struct {
		size_t inside, outside;
	} count = {0, 0};
	add_function(f);
	struct ulid run = add_run(f, 10, AT + 5), unknown = make_ulid(AT, 77);
	struct trace_loaded loaded;
	sqlite3_trace_v2(f->db, SQLITE_TRACE_STMT, note_reading, &count);
	assert_ok(history_trace(f->reader, &f->arena, &run, NULL, 0, &loaded, &f->error), &f->error);
	assert_int_equal(count.outside, 0);
	assert_in_range(count.inside, 4, 100);
	assert_int_equal(history_trace(f->reader, &f->arena, &unknown, NULL, 0, &loaded, &f->error), ERR_NOT_FOUND);
	assert_int_equal(count.outside, 0);
	assert_int_not_equal(sqlite3_get_autocommit(f->db), 0);
	sqlite3_trace_v2(f->db, 0, NULL, NULL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_unknown, set_up_store, tear_down),
		cmocka_unit_test_setup_teardown(test_our_run, set_up_store, tear_down),
		cmocka_unit_test_setup_teardown(test_failed_run, set_up_store, tear_down),
		cmocka_unit_test_setup_teardown(test_under_way, set_up_store, tear_down),
		cmocka_unit_test_setup_teardown(test_batch, set_up_store, tear_down),
		cmocka_unit_test_setup_teardown(test_skipped, set_up_store, tear_down),
		cmocka_unit_test_setup_teardown(test_reference_run, set_up_store, tear_down),
		cmocka_unit_test_setup_teardown(test_rows_of_our_run, set_up_store, tear_down),
		cmocka_unit_test_setup_teardown(test_one_view, set_up_store, tear_down),
		cmocka_unit_test_setup_teardown(test_large_facts, set_up_store, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
