// Spans of rows of the table `spans` (spec 06 §13, 09 §4.8).
#include "facts_fixture.h"

#define ROOT "1222ceb2701ceb83"

struct rows_fixture {
	struct fixture base;
	struct span_row rows[ITEMS_MAX];
	size_t count;
};

static int set_up_rows(void **state) {
	struct rows_fixture *f = mem_calloc(1, sizeof *f);
	arena_init(&f->base.arena, 0);
	*state = f;
	return 0;
}

static struct span_row *add_row(struct rows_fixture *f, const char *name, const char *id, const char *dynamic_id,
				const char *parent, int64_t at, const char *attributes) {
	assert_true(f->count < ITEMS_MAX);
	struct span_row *row = &f->rows[f->count++];
	*row = (struct span_row){.span_id = str_from_cstr(id),
				 .trace_id = STR("41a0847972bf9c6fa980989993b092a2"),
				 .parent_id = str_from_cstr(parent),
				 .dynamic_id = str_from_cstr(dynamic_id),
				 .name = str_from_cstr(name),
				 .start_ns = at,
				 .end_ns = at,
				 .attributes = str_from_cstr(attributes)};
	return row;
}

static const struct trace_spans *make(struct rows_fixture *f) {
	trace_spans_of_rows(&f->base.arena, f->rows, f->count, &f->base.spans);
	return &f->base.spans;
}

#define K "\"_inngest."

static void test_merge(void **state) {
	struct rows_fixture *f = *state;
	// In any order: the later one wins by its time.
	struct span_row *row = add_row(f, "EXTEND", "bbbb", ROOT, SPAN_ID_NONE, 300,
				       "{" K "dynamic.status\":\"Completed\"," K "ended_at\":\"1795249334200\"," K
				       "response.status_code\":200," K "response.headers\":{\"a\":[\"1\",\"2\"]}}");
	row->status = STR("Completed");
	row->has_output = true;
	row = add_row(f, "executor.run", "aaaa", ROOT, SPAN_ID_NONE, 100,
		      "{" K "queued_at\":\"1795249334008\"," K "dynamic.status\":\"Queued\"," K
		      "step.name\":\"old\",\"other\":1}");
	row->status = STR("Queued");
	row->has_input = true;
	add_row(f, "EXTEND", "cccc", ROOT, SPAN_ID_NONE, 200,
		"\"{\\\"_inngest.dynamic.status\\\":\\\"Running\\\",\\\"_inngest.started_at\\\":\\\"1795249334100\\\"}"
		"\"");
	const struct trace_spans *spans = make(f);
	assert_int_equal(spans->count, 1);
	const struct span *span = &spans->spans[0];
	assert_int_equal(span->kind, SPAN_RUN);
	assert_str(span->id, ROOT);
	assert_str(span->name, "executor.run");
	assert_str(span->parent, SPAN_ID_NONE);
	assert_int_equal(span->status, SPAN_COMPLETED);
	assert_int_equal(span->first_ns, 100);
	assert_int_equal(span->last_ns, 300);
	assert_int_equal(span->queued_ns, (int64_t)AT * 1000000);
	assert_int_equal(span->started_ns, 1795249334100 * 1000000);
	assert_int_equal(span->ended_ns, 1795249334200 * 1000000);
	assert_true(span->has_response && span->has_headers);
	assert_int_equal(span->status_code, 200);
	assert_str(span->headers, "{\"a\":[\"1\",\"2\"]}");
	assert_int_equal(span->row_id_count, 3);
	assert_int_equal(span->output.source, SPAN_OF_ROW);
	assert_str(span->output.row_id, "bbbb");
	assert_int_equal(span->input.source, SPAN_OF_ROW_INPUT);
	assert_str(span->input.text, "aaaa");
	assert_int_equal(span->user_attributes.len, 0);
}

static void test_attributes(void **state) {
	struct rows_fixture *f = *state;
	add_row(f, "executor.step", "aaaa", "", ROOT, 1,
		"{" K "step.id\":\"h\"," K "step.name\":\"n\"," K "step.op\":\"WaitForEvent\"," K "step.attempt\":2," K
		"step.max_attempts\":\"4\"," K "job.group.id\":\"g\"," K "step.wait.expiry\":\"1795249334009\"," K
		"step.wait.expired\":false," K "step.wait_for_event.name\":\"app/go\"," K
		"step.wait_for_event.if\":\"x\"," K "step.wait_for_event.matched_id\":\"M\"," K
		"step.sleep.duration\":2000," K "step.signal.name\":\"s\"," K "step.invoke.function.id\":\"fn\"," K
		"step.invoke.trigger.event.id\":\"T\"," K "step.invoke.run.id\":\"R\"," K "executor.drop\":true," K
		"is.function.output\":true," K "step.run.type\":\"step.fetch\"," K "step.output_ref\":\"ref\"," K
		"response.headers\":\"{\\\"a\\\":\\\"b\\\"}\"," K "dynamic.trace.id\":\"t\"," K
		"run.skip_reason\":\"Singleton\"}");
	const struct span *span = &make(f)->spans[0];
	assert_int_equal(span->kind, SPAN_STEP);
	assert_str(span->id, "aaaa"); // it has no logical id
	assert_int_equal(span->row_id_count, 0);
	assert_str(span->step_id, "h");
	assert_str(span->step_name, "n");
	assert_int_equal(span->op, OPCODE_WAIT_FOR_EVENT);
	assert_true(span->has_attempt && span->attempt == 2 && span->max_attempts == 4);
	assert_str(span->group_id, "g");
	assert_true(span->has_expiry && span->expiry_ns == (int64_t)(AT + 1) * 1000000);
	assert_int_equal(span->is_expired, NO);
	assert_str(span->wait_event, "app/go");
	assert_str(span->wait_expression, "x");
	assert_str(span->matched_event_id, "M");
	assert_true(span->has_sleep && span->sleep_ms == 2000);
	assert_str(span->signal, "s");
	assert_str(span->invoke_function, "fn");
	assert_str(span->trigger_event_id, "T");
	assert_str(span->invoke_run_id, "R");
	assert_true(span->is_dropped && span->is_output);
	assert_str(span->run_type, "step.fetch");
	assert_str(span->output_ref, "ref");
	assert_str(span->headers, "{\"a\":\"b\"}");
	assert_str(span->trace_id, "t");
	assert_str(span->skip_reason, "Singleton");
}

// Their ids are drawn and say nothing.
static void test_metadata_of_one_moment(void **state) {
	struct rows_fixture *f = *state;
	static const char *const ids[] = {"f", "a", "e", "b"};
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		char attributes[256];
		snprintf(attributes, sizeof attributes,
			 "{" K "metadata.kind\":\"userland.x\"," K "metadata.values\":{\"n\":%zu}}", i);
		add_row(f, "metadata", ids[i], ids[i], ROOT, 10,
			arena_dup(&f->base.arena, str_from_cstr(attributes)).ptr);
	}
	const struct trace_spans *spans = make(f);
	assert_int_equal(spans->metadata_count, ARRAY_LEN(ids));
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		char values[32];
		snprintf(values, sizeof values, "{\"n\":%zu}", i);
		assert_str(spans->metadata[i].values, values);
	}
}

static void test_metadata(void **state) {
	struct rows_fixture *f = *state;
	add_row(f, "metadata", "m2", "m", ROOT, 20,
		"{" K "metadata.kind\":\"userland.x\"," K "metadata.scope\":\"run\"," K "metadata.op\":\"add\"," K
		"metadata.values\":\"{\\\"n\\\":2}\"}");
	add_row(f, "metadata", "m1", "m", ROOT, 10,
		"{" K "metadata.kind\":\"userland.x\"," K "metadata.scope\":\"run\"," K "metadata.op\":\"set\"," K
		"metadata.values\":{\"n\":1}}");
	add_row(f, "metadata", "m3", "m3", ROOT, 5, "{" K "metadata.kind\":\"userland.x\"}");
	add_row(f, "metadata", "m4", "m4", ROOT, 5, "[]");
	add_row(f, "executor.defer", "d1", "d1", ROOT, 5, "{}");
	const struct trace_spans *spans = make(f);
	assert_int_equal(spans->count, 0);
	assert_int_equal(spans->metadata_count, 2);
	assert_str(spans->metadata[0].values, "{\"n\":1}");
	assert_str(spans->metadata[0].op, "set");
	assert_str(spans->metadata[1].values, "{\"n\":2}");
	assert_str(spans->metadata[1].scope, "run");
	assert_str(spans->metadata[1].parent, ROOT);
	assert_int_equal(spans->metadata[1].updated_ns, 20);
}

static void test_userland(void **state) {
	struct rows_fixture *f = *state;
	struct span_row *row =
		add_row(f, "userland", "aaaa", "aaaa", "pppp", 10,
			"{" K "userland\":true," K "userland.name\":\"GET\"," K "userland.kind\":\"client\"," K
			"userland.service.name\":\"svc\"," K "userland.scope.name\":\"sc\"," K
			"userland.scope.version\":\"1\"," K "step.id\":\"h\"," K
			"step.attempt\":1,\"http.method\":\"GET\",\"list\":[1,\"a\"]}");
	row->end_ns = 30;
	row->status = STR("Completed");
	const struct span *span = &make(f)->spans[0];
	assert_int_equal(span->kind, SPAN_USERLAND);
	assert_str(span->name, "GET");
	assert_str(span->user_kind, "client");
	assert_str(span->service_name, "svc");
	assert_str(span->scope_name, "sc");
	assert_str(span->scope_version, "1");
	assert_str(span->user_attributes, "{\"http.method\":\"GET\",\"list\":[1,\"a\"]}");
	assert_true(span->has_attempt && span->attempt == 1);
	assert_int_equal(span->started_ns, 10);
	assert_int_equal(span->ended_ns, 30);
}

// What cannot be read is as if it were not there.
static void test_strange(void **state) {
	struct rows_fixture *f = *state;
	add_row(f, "EXTEND", "", "", "", 0, ""); // no id
	add_row(f, "EXTEND", "a", "a", "", INT64_MAX, "{");
	add_row(f, "something", "b", "b", "", INT64_MIN,
		"{" K "queued_at\":\"-5\"," K "started_at\":\"99999999999999999999\"," K
		"ended_at\":\"9223372036854775807\"," K "step.attempt\":-1," K "step.op\":\"Nothing\"," K
		"dynamic.status\":7," K "step.sleep.duration\":1e300," K "response.headers\":\"[]\"," K
		"response.status_code\":99999999999," K "step.name\":{}," K "executor.drop\":\"yes\"}");
	const struct trace_spans *spans = make(f);
	assert_int_equal(spans->count, 2);
	assert_int_equal(spans->spans[1].kind, SPAN_OTHER);
	assert_str(spans->spans[1].name, "EXTEND");
	assert_int_equal(spans->spans[1].last_ns, INT64_MAX / 2);
	const struct span *span = &spans->spans[0];
	assert_str(span->name, "something");
	assert_int_equal(span->queued_ns, 0);
	assert_int_equal(span->started_ns, 0);
	assert_int_equal(span->ended_ns, INT64_MAX / 2);
	assert_false(span->has_attempt || span->has_sleep || span->has_headers || span->has_response);
	assert_false(span->is_dropped);
	assert_int_equal(span->op, OPCODE_NONE);
	assert_int_equal(span->status, SPAN_STATUS_NONE);
}

// In the order of their starts; those made of facts say theirs.
static void test_order(void **state) {
	struct rows_fixture *f = *state;
	static const char *const ids[] = {"d", "a", "c", "b"};
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		add_row(f, "executor.step", ids[i], ids[i], ROOT, (int64_t)(i / 2) + 100, "{}");
	struct span_row *last = add_row(f, "executor.step", "y", "y", ROOT, 1, "{}");
	struct span_row *first = add_row(f, "executor.step", "z", "z", ROOT, 2, "{}");
	first->is_made = last->is_made = true;
	first->rank = 1;
	last->rank = 2;
	const struct trace_spans *spans = make(f);
	static const char *const expected[] = {"z", "y", "a", "d", "b", "c"};
	assert_int_equal(spans->count, ARRAY_LEN(expected));
	for (size_t i = 0; i < spans->count; i++) assert_str(spans->spans[i].id, expected[i]);
}

// Of a run that began in the reference server and went on in this one.
static void test_beside_facts(void **state) {
	struct rows_fixture *f = *state;
	f->base.run = (struct trace_run){.id = make_run_id(), .status = TRACE_RUN_RUNNING};
	make_spans(&f->base);
	struct span_id root = span_id_run(&f->base.run.id);
	add_row(f, "executor.run", "aaaa", root.text, SPAN_ID_NONE, 10, "{" K "dynamic.status\":\"Queued\"}");
	add_row(f, "executor.step", "bbbb", "ssss", "aaaa", 20, "{}");
	const struct trace_spans *spans = make(f);
	assert_int_equal(spans->count, 2);
	assert_int_equal(spans->spans[0].status, SPAN_RUNNING);
	assert_int_equal(spans->spans[0].row_id_count, 1);
	assert_str(spans->spans[0].row_ids[0], "aaaa");
	assert_str(spans->spans[1].parent, "aaaa");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_merge, set_up_rows, tear_down),
		cmocka_unit_test_setup_teardown(test_attributes, set_up_rows, tear_down),
		cmocka_unit_test_setup_teardown(test_metadata_of_one_moment, set_up_rows, tear_down),
		cmocka_unit_test_setup_teardown(test_metadata, set_up_rows, tear_down),
		cmocka_unit_test_setup_teardown(test_userland, set_up_rows, tear_down),
		cmocka_unit_test_setup_teardown(test_strange, set_up_rows, tear_down),
		cmocka_unit_test_setup_teardown(test_order, set_up_rows, tear_down),
		cmocka_unit_test_setup_teardown(test_beside_facts, set_up_rows, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
