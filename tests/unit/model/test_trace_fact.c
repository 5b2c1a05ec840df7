// The encoding of trace facts: there and back, and damaged in every way.
#include "encoding_fixture.h"
#include "model/trace_fact.h"

static struct str encode(struct fixture *f, const struct trace_fact *fact) {
	buf_clear(&f->text);
	trace_fact_encode(fact, &f->text);
	assert_false(f->text.overflow);
	return buf_view(&f->text);
}

static struct trace_fact decode(struct fixture *f, struct str text) {
	struct trace_fact fact;
	struct error error;
	if (trace_fact_decode(&f->arena, text, &fact, &error) != ERR_OK) fail_msg("%s", error.message);
	return fact;
}

// Every prefix is found to be one. The bytes stand at the end of their memory, for the sanitizer to see reads beyond.
static void assert_cut_is_corrupt(struct fixture *f, struct str text) {
	for (size_t len = 0; len < text.len; len++) {
		char *copy = mem_strndup(text.ptr, len);
		struct trace_fact fact;
		struct error error;
		assert_int_equal(trace_fact_decode(&f->arena, str_make(copy, len), &fact, &error), ERR_CORRUPT);
		free(copy);
	}
}

static bool same(struct str a, struct str b) {
	return str_eq(a, b);
}

static struct trace_op ops[] = {
	{.op = OPCODE_STEP_ERROR,
	 .id = STR_INIT("98bf"),
	 .name = STR_INIT("first"),
	 .type = STR_INIT("step.sendEvent"),
	 .started_ms = 1795249334008,
	 .ended_ms = 1795249334009,
	 .output = STR_INIT("{\"error\":{}}"),
	 .input = STR_INIT("[1]"),
	 .metadata = STR_INIT("[{}]")},
	{.op = OPCODE_STEP_PLANNED},
};

static struct trace_fact make_call(void) {
	return (struct trace_fact){.kind = FACT_CALL,
				   .at_ms = 1795249334008,
				   .job = UINT64_MAX,
				   .parent_job = 7,
				   .target = STR("target"),
				   .slept = STR("slept"),
				   .attempt = 3,
				   .max_attempts = 4,
				   .told_attempt = 1,
				   .queued_ms = 10,
				   .due_ms = 20,
				   .started_ms = 300,
				   .outcome = TRACE_ERROR,
				   .will_retry = true,
				   .output = STR("{}"),
				   .status = 500,
				   .headers = STR("{\"a\":\"b\"}"),
				   .output_bytes = 1000,
				   .dns_ms = 1,
				   .connect_ms = 2,
				   .tls_ms = 3,
				   .server_ms = 4,
				   .transfer_ms = 5,
				   .total_ms = UINT32_MAX,
				   .ops = ops,
				   .op_count = ARRAY_LEN(ops)};
}

static void assert_same_ops(const struct trace_fact *a, const struct trace_fact *b) {
	assert_int_equal(a->op_count, b->op_count);
	for (size_t i = 0; i < a->op_count; i++) {
		const struct trace_op *x = &a->ops[i], *y = &b->ops[i];
		assert_int_equal(x->op, y->op);
		assert_true(same(x->id, y->id) && same(x->name, y->name) && same(x->type, y->type));
		assert_true(x->started_ms == y->started_ms && x->ended_ms == y->ended_ms);
		assert_true(same(x->output, y->output) && same(x->input, y->input) && same(x->metadata, y->metadata));
	}
}

static void test_call(void **state) {
	struct fixture *f = *state;
	struct trace_fact in = make_call();
	struct str text = encode(f, &in);
	struct trace_fact out = decode(f, text);
	assert_true(out.kind == in.kind && out.at_ms == in.at_ms && out.job == in.job);
	assert_true(out.parent_job == in.parent_job && out.attempt == in.attempt);
	assert_int_equal(out.told_attempt, in.told_attempt);
	assert_true(same(out.target, in.target) && same(out.slept, in.slept));
	assert_true(out.max_attempts == in.max_attempts && out.queued_ms == in.queued_ms && out.due_ms == in.due_ms);
	assert_true(out.started_ms == in.started_ms && out.outcome == in.outcome && out.will_retry);
	assert_true(same(out.output, in.output) && out.status == in.status && same(out.headers, in.headers));
	assert_true(out.output_bytes == in.output_bytes && out.dns_ms == in.dns_ms && out.tls_ms == in.tls_ms);
	assert_true(out.connect_ms == in.connect_ms && out.server_ms == in.server_ms);
	assert_true(out.transfer_ms == in.transfer_ms && out.total_ms == in.total_ms);
	assert_same_ops(&in, &out);
	assert_cut_is_corrupt(f, text);
}

static void test_checkpoint(void **state) {
	struct fixture *f = *state;
	struct trace_fact in = {.kind = FACT_CHECKPOINT, .at_ms = 5, .ops = ops, .op_count = ARRAY_LEN(ops)};
	struct str text = encode(f, &in);
	struct trace_fact out = decode(f, text);
	assert_int_equal(out.at_ms, 5);
	assert_same_ops(&in, &out);
	assert_cut_is_corrupt(f, text);
}

static void test_waiting(void **state) {
	struct fixture *f = *state;
	static const enum trace_fact_kind kinds[] = {FACT_WAIT, FACT_RESUMED, FACT_INVOKED, FACT_CANCELLED};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct trace_fact in = {.kind = kinds[i],
					.at_ms = 5,
					.op = OPCODE_WAIT_FOR_SIGNAL,
					.step_id = STR("id"),
					.name = STR("name"),
					.parent = 9,
					.until_ms = UINT64_MAX,
					.event = STR("event"),
					.expression = STR("expression"),
					.signal = STR("signal"),
					.function = STR("function"),
					.event_id = {{1, 2, 3}},
					.run_id = {{4, 5, 6}},
					.is_timeout = i % 2 == 0,
					.is_error = i % 2 != 0};
		struct str text = encode(f, &in);
		struct trace_fact out = decode(f, text);
		assert_true(out.kind == in.kind && out.op == in.op && out.parent == in.parent);
		assert_true(same(out.step_id, in.step_id) && same(out.name, in.name) && same(out.event, in.event));
		assert_true(same(out.expression, in.expression) && same(out.signal, in.signal));
		assert_true(same(out.function, in.function) && out.until_ms == in.until_ms);
		assert_memory_equal(&out.event_id, &in.event_id, sizeof in.event_id);
		assert_memory_equal(&out.run_id, &in.run_id, sizeof in.run_id);
		assert_true(out.is_timeout == in.is_timeout && out.is_error == in.is_error);
		assert_cut_is_corrupt(f, text);
	}
}

static void test_limits(void **state) {
	struct fixture *f = *state;
	char *large = mem_alloc(TRACE_PAYLOAD_MAX + 1);
	memset(large, 'a', TRACE_PAYLOAD_MAX + 1);
	struct trace_op op = {.op = OPCODE_STEP_RUN,
			      .name = str_make(large, TRACE_TEXT_MAX + 1),
			      .output = str_make(large, TRACE_PAYLOAD_MAX + 1),
			      .input = str_make(large, TRACE_PAYLOAD_MAX)};
	struct trace_fact in = {.kind = FACT_CHECKPOINT, .ops = &op, .op_count = 1};
	struct trace_fact out = decode(f, encode(f, &in));
	assert_int_equal(out.ops[0].name.len, TRACE_TEXT_MAX);
	assert_true(str_eq_cstr(out.ops[0].output, TRACE_ERROR_CUT));
	assert_int_equal(out.ops[0].input.len, TRACE_PAYLOAD_MAX);
	free(large);
}

// A fact is never lost, however much there is to tell: inputs go, errors say that they were cut, and at last ops go.
static void test_too_much(void **state) {
	struct fixture *f = *state;
	static const struct {
		size_t ops, payload, name, kept;
	} cases[] = {
		{10, TRACE_PAYLOAD_MAX, 1, 10},     // 5 MiB: all of it
		{100, TRACE_PAYLOAD_MAX, 1, 100},   // 50 MiB
		{1001, 12000, TRACE_TEXT_MAX, 500}, // the names alone are too long
		{10000, 500, 100, 10000},           // as many as a checkpoint may have
	};
	char *large = mem_alloc(TRACE_PAYLOAD_MAX);
	memset(large, 'a', TRACE_PAYLOAD_MAX);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trace_fact in = {.kind = FACT_CALL, .job = 7, .attempt = 3, .told_attempt = 2};
		in.ops = ARENA_ARRAY(&f->arena, struct trace_op, cases[i].ops);
		in.op_count = cases[i].ops;
		for (size_t n = 0; n < in.op_count; n++) {
			struct str payload = str_make(large, cases[i].payload), name = str_make(large, cases[i].name);
			in.ops[n] = (struct trace_op){
				.id = name, .name = name, .type = name, .output = payload, .input = payload};
		}
		struct str text = encode(f, &in);
		assert_true(text.len <= TRACE_FACT_MAX);
		struct trace_fact out = decode(f, text);
		assert_true(out.job == 7 && out.told_attempt == 2);
		assert_int_equal(out.op_count, cases[i].kept);
		assert_int_equal(out.ops[0].id.len, cases[i].name);
		bool is_whole = i == 0;
		assert_int_equal(out.ops[0].input.len, is_whole ? cases[i].payload : 0);
		assert_int_equal(out.ops[0].output.len, is_whole ? cases[i].payload : strlen(TRACE_ERROR_CUT));
	}
	free(large);
}

// As versions before 3 wrote it: headers were a plain text. They are too short here to be packed, and what stands
// before them besides their length says so.
static struct str make_old(struct fixture *f, const struct trace_fact *fact, char version) {
	(void)encode(f, fact);
	f->text.ptr[0] = version;
	char *headers = memmem(f->text.ptr, f->text.len, fact->headers.ptr, fact->headers.len);
	assert_true(headers != NULL && headers[-1] == 0);
	memmove(headers - 1, headers, f->text.len - (size_t)(headers - f->text.ptr));
	f->text.len--;
	return buf_view(&f->text);
}

// Version 1 did not tell which attempt the app knew of: it was the same.
static void test_first_version(void **state) {
	struct fixture *f = *state;
	struct trace_fact in = make_call();
	struct str old = make_old(f, &in, 1);
	struct trace_fact out = decode(f, str_first(old, old.len - 1));
	assert_int_equal(out.told_attempt, in.attempt);
	assert_true(same(out.headers, in.headers));
}

static void test_second_version(void **state) {
	struct fixture *f = *state;
	struct trace_fact in = make_call();
	struct trace_fact out = decode(f, make_old(f, &in, 2));
	assert_int_equal(out.told_attempt, in.told_attempt);
	assert_true(same(out.headers, in.headers));
	assert_same_ops(&in, &out);
}

// A later version adds to the end; what it means by other numbers is not known.
static void test_later_version(void **state) {
	struct fixture *f = *state;
	struct trace_fact in = make_call();
	(void)encode(f, &in);
	buf_lit(&f->text, "more");
	assert_int_equal(decode(f, buf_view(&f->text)).op_count, 2);
	struct trace_fact out;
	struct error error;
	assert_int_equal(trace_fact_decode(&f->arena, STR("\1\143\0"), &out, &error), ERR_CORRUPT);
	// Too many ops for what is there.
	assert_int_equal(trace_fact_decode(&f->arena, STR("\1\2\0\377\377\377\377\17"), &out, &error), ERR_CORRUPT);
	// An op of another kind is none.
	out = decode(f, STR("\1\2\0\1\377\0\0\0\0\0\0\0\0"));
	assert_int_equal(out.op_count, 1);
	assert_int_equal(out.ops[0].op, OPCODE_NONE);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_call, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_checkpoint, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_waiting, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_much, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_first_version, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_second_version, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_later_version, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
