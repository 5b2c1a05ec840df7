// Which spans facts bring to their end, and what is told of them.
#include "facts_fixture.h"
#include "trace/export.h"
#include "trace/otlp.h"

#define SLEEPS "c2640f79b4ed481b838ce4ad75330aa3f825d4d9"

static struct otlp_span *told;
static size_t told_count;

// All facts from `first` to the one before `end`.
static void export(struct fixture *f, size_t first, size_t end) {
	static const struct otlp_attribute all[] = {{STR_INIT("_inngest.run.id"), true, STR_INIT("R")}};
	static const struct otlp_attribute root[] = {{STR_INIT("_inngest.cron.schedule"), true, STR_INIT("* * * * *")}};
	make_spans(f);
	struct trace_export from = {.run_id = f->run.id,
				    .ended_ns = f->run.ended_ms > 0 ? (int64_t)f->run.ended_ms * 1000000 : INT64_MIN,
				    .facts = f->facts,
				    .fact_count = end,
				    .first_new = first,
				    .spans = &f->spans,
				    .function_slug = STR("shop-pay"),
				    .all = all,
				    .all_count = 1,
				    .root = root,
				    .root_count = 1};
	trace_export(&f->arena, &from, &told, &told_count);
}

static const struct otlp_span *named(const char *name) {
	for (size_t i = 0; i < told_count; i++)
		if (str_eq_cstr(told[i].name, name)) return &told[i];
	return NULL;
}

static const struct otlp_attribute *attribute(const struct otlp_span *span, const char *key) {
	for (size_t i = 0; i < span->attribute_count; i++)
		if (str_eq_cstr(span->attributes[i].key, key)) return &span->attributes[i];
	return NULL;
}

static void expect_attribute(const struct otlp_span *span, const char *key, bool is_text, const char *value) {
	const struct otlp_attribute *found = attribute(span, key);
	if (found == NULL) fail_msg("no attribute %s", key);
	assert_str(found->value, value);
	assert_int_equal(found->is_text, is_text);
}

static void expect_names(const char *expected) {
	char text[512] = "";
	for (size_t i = 0; i < told_count; i++) {
		size_t len = strlen(text);
		snprintf(text + len, sizeof text - len, "%s%.*s", len > 0 ? "," : "", STR_ARG(told[i].name));
	}
	assert_string_equal(text, expected);
}

static uint64_t ns(uint64_t at) {
	return (AT + at) * 1000000;
}

// A step in one request, and the result in another.
static void make_sequence(struct fixture *f) {
	struct trace_op *op = add_op(f, add_call(f, 7, 0, 1, 10, 30), OPCODE_STEP_RUN, FIRST_STEP, "first step");
	took(op, 15, 20);
	memoise(f, OPCODE_STEP_RUN, FIRST_STEP);
	struct trace_fact *result = add_call(f, 8, 7, 31, 40, 50);
	result->outcome = TRACE_RESULT;
	result->status = 200;
	end_run(f, TRACE_RUN_COMPLETED, 50);
	add_fact(f, FACT_ENDED, 50);
}

static void each_span_once(void **state) {
	struct fixture *f = *state;
	make_sequence(f);
	export(f, 0, 1);
	expect_names("first step,Attempt 0,first step");
	export(f, 1, 2);
	expect_names("Finalization,Attempt 0,executor.nonstep");
	export(f, 2, 3);
	expect_names("shop-pay");
	export(f, 3, 3);
	expect_names("");
	export(f, 0, 3);
	assert_int_equal(told_count, 7);
}

static void a_step(void **state) {
	struct fixture *f = *state;
	make_sequence(f);
	export(f, 0, 1);
	const struct otlp_span *group = &told[0], *attempt = &told[1], *step = &told[2];
	assert_string_equal(step->id, "fbd6b50f698332d5");
	struct span_id root = span_id_run(&f->run.id);
	char trace_id[TRACE_ID_LEN + 1];
	span_trace_id(&f->run.id, trace_id);
	assert_string_equal(step->trace_id, trace_id);
	assert_string_equal(step->parent_id, root.text);
	assert_string_equal(group->parent_id, root.text);
	assert_string_equal(attempt->parent_id, group->id);
	assert_int_equal(step->start_ns, ns(15));
	assert_int_equal(step->end_ns, ns(20));
	assert_int_equal(group->start_ns, ns(10)); // those of its attempts
	assert_int_equal(group->end_ns, ns(30));
	assert_int_equal(attempt->kind, OTLP_CLIENT);
	assert_int_equal(step->kind, OTLP_INTERNAL);
	assert_int_equal(step->status, OTLP_OK);
	expect_attribute(step, "_inngest.span.type", true, "executor.step");
	expect_attribute(step, "_inngest.run.id", true, "R");
	expect_attribute(step, "_inngest.step.id", true, FIRST_STEP);
	expect_attribute(step, "_inngest.step.op", true, "StepRun");
	expect_attribute(step, "_inngest.step.attempt", false, "0");
	expect_attribute(step, "_inngest.started_at", true, "1795249334023");
	expect_attribute(step, "_inngest.dynamic.status", true, "Completed");
	expect_attribute(attempt, "_inngest.response.status_code", false, "206");
	assert_null(attribute(step, "_inngest.cron.schedule"));
	assert_null(attribute(attempt, "_inngest.response.headers"));
}

static void the_root(void **state) {
	struct fixture *f = *state;
	make_sequence(f);
	export(f, 2, 3);
	assert_int_equal(told_count, 1);
	assert_string_equal(told->parent_id, "");
	assert_int_equal(told->start_ns, ns(100)); // as the fixture says
	assert_int_equal(told->status, OTLP_OK);
	expect_attribute(told, "_inngest.cron.schedule", true, "* * * * *");
	expect_attribute(told, "_inngest.span.type", true, "executor.run");
}

// The request stays open until no other attempt follows.
static void a_retry(void **state) {
	struct fixture *f = *state;
	struct trace_fact *first = add_call(f, 7, 0, 1, 10, 30);
	first->will_retry = true;
	add_op(f, first, OPCODE_STEP_ERROR, FLAKY, "flaky")->output = STR("{\"error\":{}}");
	struct trace_fact *second = add_call(f, 7, 0, 31, 200, 230);
	second->attempt = 1;
	add_op(f, second, OPCODE_STEP_RUN, FLAKY, "flaky");
	memoise(f, OPCODE_STEP_RUN, FLAKY);
	export(f, 0, 1);
	expect_names("Attempt 0,flaky");
	assert_int_equal(named("flaky")->status, OTLP_ERROR);
	assert_string_equal(named("flaky")->id, "3549b3c9415fe0e0"); // of the attempt
	assert_int_equal(named("Attempt 0")->status, OTLP_ERROR);
	export(f, 1, 2);
	expect_names("flaky,Attempt 1,flaky");
	assert_int_equal(told[0].start_ns, ns(10));
	assert_int_equal(told[0].end_ns, ns(230));
	assert_int_equal(told[0].status, OTLP_OK);
}

static void a_sleep_is_over_with_what_follows(void **state) {
	struct fixture *f = *state;
	add_wait(f, OPCODE_SLEEP, 7, 10, 1010, SLEEPS, "nap");
	memoise(f, OPCODE_SLEEP, SLEEPS);
	struct trace_fact *next = add_call(f, 8, 7, 10, 1011, 1020);
	next->slept = STR(SLEEPS);
	export(f, 0, 1);
	expect_names("");
	export(f, 1, 2);
	const struct otlp_span *nap = named("nap");
	assert_non_null(nap);
	assert_int_equal(nap->start_ns, ns(10));
	assert_int_equal(nap->end_ns, ns(1010));
	expect_attribute(nap, "_inngest.step.sleep.duration", false, "1000");
}

static void a_wait_and_an_invoke(void **state) {
	struct fixture *f = *state;
	const uint8_t entropy[10] = {9};
	add_wait(f, OPCODE_WAIT_FOR_EVENT, 7, 10, 1010, FIRST_STEP, "wait")->event = STR("app/go");
	add_wait(f, OPCODE_INVOKE_FUNCTION, 7, 11, 1010, FLAKY, "call");
	for (size_t i = 0; i < 2; i++) {
		struct trace_fact *fact = add_fact(f, FACT_RESUMED, 500 + i);
		fact->op = i == 0 ? OPCODE_WAIT_FOR_EVENT : OPCODE_INVOKE_FUNCTION;
		fact->step_id = i == 0 ? STR(FIRST_STEP) : STR(FLAKY);
		fact->is_error = i == 1;
		fact->event_id = ulid_make(AT, entropy);
	}
	export(f, 0, 2);
	expect_names("");
	export(f, 2, 3);
	expect_names("wait");
	assert_int_equal(told->end_ns, ns(500));
	expect_attribute(told, "_inngest.step.wait_for_event.name", true, "app/go");
	expect_attribute(told, "_inngest.step.wait.expired", false, "false");
	assert_non_null(attribute(told, "_inngest.step.wait_for_event.matched_id"));
	assert_null(attribute(told, "_inngest.step.invoke.finish.event.id"));
	export(f, 3, 4);
	expect_names("call");
	assert_int_equal(told->status, OTLP_ERROR);
	assert_null(attribute(told, "_inngest.step.wait_for_event.matched_id"));
	assert_non_null(attribute(told, "_inngest.step.invoke.finish.event.id"));
}

// What was open at the end is told with it, once, and ends there.
static void a_cancelled_run(void **state) {
	struct fixture *f = *state;
	add_wait(f, OPCODE_SLEEP, 7, 10, 100000, SLEEPS, "nap");
	add_call(f, 9, 0, 1, 20, 60)->outcome = TRACE_CANCELLED;
	add_fact(f, FACT_ENDED, 200);
	end_run(f, TRACE_RUN_CANCELLED, 200);
	export(f, 0, 2);
	expect_names("Discovery step,Attempt 0");
	assert_int_equal(told[1].status, OTLP_UNSET);
	expect_attribute(&told[1], "_inngest.dynamic.status", true, "Cancelled");
	export(f, 2, 3);
	expect_names("shop-pay,nap");
	assert_int_equal(told[0].end_ns, ns(200));
	assert_int_equal(told[1].end_ns, ns(200));
	expect_attribute(&told[1], "_inngest.dynamic.status", true, "Cancelled");
	expect_attribute(&told[0], "_inngest.dynamic.status", true, "Cancelled");
}

// A run that goes on without what it waits for leaves that cancelled.
static void a_wait_that_lost(void **state) {
	struct fixture *f = *state;
	add_wait(f, OPCODE_WAIT_FOR_EVENT, 7, 10, 100000, FIRST_STEP, "lost");
	end_run(f, TRACE_RUN_COMPLETED, 200);
	add_fact(f, FACT_ENDED, 200);
	export(f, 0, 2);
	expect_names("shop-pay,lost");
	expect_attribute(&told[0], "_inngest.dynamic.status", true, "Completed");
	expect_attribute(&told[1], "_inngest.dynamic.status", true, "Cancelled");
	assert_int_equal(told[1].status, OTLP_UNSET);
	assert_int_equal(told[1].end_ns, ns(200));
}

static void a_checkpoint(void **state) {
	struct fixture *f = *state;
	struct trace_fact *fact = add_fact(f, FACT_CHECKPOINT, 40);
	took(add_op(f, fact, OPCODE_STEP_RUN, FIRST_STEP, "first step"), 20, 30);
	add_op(f, fact, OPCODE_STEP_PLANNED, FLAKY, "flaky"); // still to come
	memoise(f, OPCODE_STEP_RUN, FIRST_STEP);
	export(f, 0, 1);
	expect_names("first step");
	assert_int_equal(told->end_ns, ns(30));
}

// ---- in parts ------------------------------------------------------------------------------------------------------

static const struct otlp_span *told_before(const struct otlp_span *span, const struct otlp_span *spans, size_t count) {
	for (size_t i = 0; i < count; i++)
		if (strcmp(spans[i].id, span->id) == 0) return &spans[i];
	return NULL;
}

static void expect_same(const struct otlp_span *a, const struct otlp_span *b) {
	assert_true(str_eq(a->name, b->name));
	assert_string_equal(a->parent_id, b->parent_id);
	assert_int_equal(a->start_ns, b->start_ns);
	assert_int_equal(a->end_ns, b->end_ns);
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->attribute_count, b->attribute_count);
	for (size_t i = 0; i < a->attribute_count; i++) {
		assert_true(str_eq(a->attributes[i].key, b->attributes[i].key));
		assert_true(str_eq(a->attributes[i].value, b->attributes[i].value));
	}
}

// Told fact by fact, with what is needed of the earlier ones and nothing else, each span is what it is in the whole.
static size_t expect_parts_like_whole(struct fixture *f) {
	export(f, 0, f->run.fact_count);
	const struct otlp_span *whole = told;
	size_t whole_count = told_count, sum = 0, most = 0, kept = 0;
	struct trace_fact facts[ITEMS_MAX];
	struct trace_run run = f->run;
	struct trace_told memory;
	trace_told_init(&memory);
	for (size_t i = 0; i < f->run.fact_count; i++) {
		bool needed[ITEMS_MAX];
		facts[kept] = f->facts[i];
		run.facts = facts;
		run.fact_count = kept + 1;
		trace_spans_of_facts(&f->arena, &run, &f->spans);
		struct trace_export from = {
			.run_id = run.id,
			.ended_ns = run.ended_ms > 0 ? (int64_t)run.ended_ms * 1000000 : INT64_MIN,
			.facts = facts,
			.fact_count = kept + 1,
			.first_new = kept,
			.spans = &f->spans,
			.function_slug = STR("shop-pay"),
			.all = (const struct otlp_attribute[]){{STR("_inngest.run.id"), true, STR("R")}},
			.all_count = 1,
			.root = (const struct otlp_attribute[]){{STR("_inngest.cron.schedule"), true,
								 STR("* * * * *")}},
			.root_count = 1,
			.told = &memory,
			.needed = needed};
		trace_export(&f->arena, &from, &told, &told_count);
		for (size_t k = 0; k < told_count; k++) {
			const struct otlp_span *same = told_before(&told[k], whole, whole_count);
			assert_non_null(same);
			expect_same(&told[k], same);
		}
		sum += told_count;
		size_t count = kept + 1;
		kept = 0;
		for (size_t k = 0; k < count; k++)
			if (needed[k]) facts[kept++] = facts[k];
		if (kept > most) most = kept;
	}
	assert_int_equal(sum, whole_count);
	assert_int_equal(kept, 0); // the run is over
	trace_told_free(&memory);
	return most;
}

// Attempts of one request: those between the first and the last are not needed.
static void parts_of_retries(void **state) {
	struct fixture *f = *state;
	for (uint32_t i = 0; i < 12; i++) {
		struct trace_fact *fact = add_call(f, 7, 0, 1 + 20 * i, 10 + 20 * i, 15 + 20 * i);
		fact->attempt = i;
		fact->will_retry = i < 11;
		fact->outcome = i == 3 ? TRACE_ERROR : TRACE_OPCODES;
		if (i < 11 && i != 3) add_op(f, fact, OPCODE_STEP_ERROR, FLAKY, "flaky");
		if (i == 11) add_op(f, fact, OPCODE_STEP_RUN, FLAKY, "flaky");
	}
	memoise(f, OPCODE_STEP_RUN, FLAKY);
	add_call(f, 8, 7, 300, 301, 310)->outcome = TRACE_RESULT;
	end_run(f, TRACE_RUN_COMPLETED, 310);
	add_fact(f, FACT_ENDED, 310);
	assert_in_range(expect_parts_like_whole(f), 1, 4);
}

// Waits, one of them lost, steps that are planned again and again, and a result that is reported twice.
static void parts_of_all_kinds(void **state) {
	struct fixture *f = *state;
	add_wait(f, OPCODE_SLEEP, 7, 10, 1010, NAP, "nap");
	add_wait(f, OPCODE_WAIT_FOR_EVENT, 7, 10, 100000, COMPLETE, "lost");
	for (uint64_t job = 8; job < 11; job++) {
		struct trace_fact *plan = add_call(f, job, 7, 10, 11 + job, 15 + job);
		add_op(f, plan, OPCODE_STEP_PLANNED, FIRST_STEP, "first");
		add_op(f, plan, OPCODE_STEP_PLANNED, FLAKY, "never");
	}
	add_op(f, add_call(f, 12, 8, 30, 40, 50), OPCODE_STEP_RUN, FIRST_STEP, "first");
	add_op(f, add_fact(f, FACT_CHECKPOINT, 60), OPCODE_STEP_RUN, FIRST_STEP, "first");
	add_op(f, add_call(f, 13, 8, 30, 40, 70), OPCODE_STEP_PLANNED, FIRST_STEP, "first");
	memoise(f, OPCODE_STEP_RUN, FIRST_STEP);
	memoise(f, OPCODE_SLEEP, NAP);
	add_call(f, 14, 7, 1010, 1011, 1020)->slept = STR(NAP);
	struct trace_fact *result = add_call(f, 15, 14, 1020, 1030, 1040);
	result->outcome = TRACE_RESULT;
	result->status = 200;
	add_call(f, 16, 14, 1020, 1030, 1040)->outcome = TRACE_CANCELLED;
	add_fact(f, FACT_ENDED, 1040);
	end_run(f, TRACE_RUN_COMPLETED, 1040);
	assert_in_range(expect_parts_like_whole(f), 4, 8);
}

// By a signal that another run waits for: the root tells of the wait.
static void parts_of_a_conflict(void **state) {
	struct fixture *f = *state;
	add_op(f, add_call(f, 7, 0, 1, 10, 30), OPCODE_WAIT_FOR_SIGNAL, FLAKY, "sig");
	add_wait(f, OPCODE_WAIT_FOR_SIGNAL, 7, 30, 1000, FLAKY, "sig")->signal = STR("the signal");
	struct trace_fact *fact = add_fact(f, FACT_RESUMED, 30);
	fact->op = OPCODE_WAIT_FOR_SIGNAL;
	fact->step_id = STR(FLAKY);
	fact->is_error = true;
	end_run(f, TRACE_RUN_FAILED, 30);
	add_fact(f, FACT_ENDED, 30);
	(void)expect_parts_like_whole(f);
}

static void parts_of_a_cancelled_run(void **state) {
	struct fixture *f = *state;
	add_op(f, add_call(f, 7, 0, 1, 10, 30), OPCODE_WAIT_FOR_EVENT, FLAKY, "wait");
	add_wait(f, OPCODE_WAIT_FOR_EVENT, 7, 30, 1000, FLAKY, "wait")->event = STR("app/go");
	add_wait(f, OPCODE_INVOKE_FUNCTION, 7, 30, 1000, FIRST_STEP, "invoke");
	struct trace_fact *invoked = add_fact(f, FACT_INVOKED, 40);
	invoked->op = OPCODE_INVOKE_FUNCTION;
	invoked->step_id = STR(FIRST_STEP);
	invoked->run_id = f->run.id;
	struct trace_fact *fact = add_fact(f, FACT_CANCELLED, 100);
	const uint8_t entropy[10] = {9};
	fact->event_id = ulid_make(AT, entropy);
	fact->expression = STR("async.data.id == 1");
	end_run(f, TRACE_RUN_CANCELLED, 100);
	add_fact(f, FACT_ENDED, 100);
	(void)expect_parts_like_whole(f);
}

static void there_and_back(void **state) {
	struct fixture *f = *state;
	static const struct otlp_attribute resource[] = {{STR_INIT("service.name"), true, STR_INIT("sho\"p")}};
	make_sequence(f);
	export(f, 0, 3);
	struct otlp_attribute more[] = {{STR("b"), false, STR("true")},
					{STR("i"), false, STR("-9007199254740993")},
					{STR("d"), false, STR("0.5")},
					{STR("list"), false, STR("[1]")},
					{STR("t"), true, STR("12")}};
	told[0].attributes = more;
	told[0].attribute_count = ARRAY_LEN(more);
	struct otlp_export batch = {.resource = resource,
				    .resource_count = 1,
				    .scope_name = STR("inngest"),
				    .scope_version = STR("1"),
				    .spans = told,
				    .count = told_count};
	for (int encoding = OTLP_JSON; encoding <= OTLP_PROTOBUF; encoding++) {
		struct otlp_request read;
		struct error error;
		struct buf text;
		buf_init(&text, 1u << 20);
		otlp_write_export(&text, (enum otlp_encoding)encoding, &batch);
		assert_int_equal(otlp_read(&f->arena, (enum otlp_encoding)encoding, buf_view(&text), &read, &error),
				 ERR_OK);
		buf_free(&text);
		assert_int_equal(read.count, told_count);
		for (size_t i = 0; i < told_count; i++) {
			const struct otlp_span *a = &told[i], *b = &read.spans[i];
			assert_str(b->scope->service_name, "sho\"p");
			assert_str(b->scope->name, "inngest");
			assert_string_equal(a->trace_id, b->trace_id);
			assert_string_equal(a->id, b->id);
			assert_string_equal(a->parent_id, b->parent_id);
			assert_true(str_eq(a->name, b->name));
			assert_int_equal(a->kind, b->kind);
			assert_int_equal(a->status, b->status);
			assert_int_equal(a->start_ns, b->start_ns);
			assert_int_equal(a->end_ns, b->end_ns);
			assert_int_equal(a->attribute_count, b->attribute_count);
			for (size_t k = 0; k < a->attribute_count; k++) {
				assert_true(str_eq(a->attributes[k].key, b->attributes[k].key));
				assert_true(str_eq(a->attributes[k].value, b->attributes[k].value));
				bool is_nested = str_eq_cstr(a->attributes[k].key, "list"); // becomes a text
				assert_int_equal(a->attributes[k].is_text || is_nested, b->attributes[k].is_text);
			}
		}
	}
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(each_span_once),
		TEST(a_step),
		TEST(the_root),
		TEST(a_retry),
		TEST(a_sleep_is_over_with_what_follows),
		TEST(a_wait_and_an_invoke),
		TEST(a_cancelled_run),
		TEST(a_wait_that_lost),
		TEST(a_checkpoint),
		TEST(parts_of_retries),
		TEST(parts_of_all_kinds),
		TEST(parts_of_a_conflict),
		TEST(parts_of_a_cancelled_run),
		TEST(there_and_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
