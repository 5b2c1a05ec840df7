// Spans of facts one by one: what waits, ends badly, is told of twice, or is missing (spec 06 §14).
#include "facts_fixture.h"

static int64_t ns(uint64_t ms) {
	return (int64_t)((AT + ms) * 1000000);
}

static const struct span *step_span(struct fixture *f, const char *step_id) {
	struct span_id id = span_id_step(str_from_cstr(step_id));
	return find_span(&f->spans, str_from_cstr(id.text));
}

static const struct span *wait_span(struct fixture *f, const char *step_id) {
	struct span_id id = span_id_wait(&f->run.id, str_from_cstr(step_id));
	return find_span(&f->spans, str_from_cstr(id.text));
}

static const struct span *execution_span(struct fixture *f, uint64_t job, uint32_t attempt) {
	struct span_id id = span_id_execution(&f->run.id, job, attempt);
	return find_span(&f->spans, str_from_cstr(id.text));
}

static const struct span *root_span(struct fixture *f) {
	struct span_id id = span_id_run(&f->run.id);
	return find_span(&f->spans, str_from_cstr(id.text));
}

// ---- the root ------------------------------------------------------------------------------------------------------

static void test_queued(void **state) {
	struct fixture *f = *state;
	f->run.status = TRACE_RUN_QUEUED;
	f->run.started_ms = 0;
	f->run.scheduled_ms = AT + 500;
	make_spans(f);
	assert_int_equal(f->spans.count, 1);
	const struct span *root = root_span(f);
	assert_int_equal(root->status, SPAN_QUEUED);
	assert_str(root->name, "executor.run");
	assert_str(root->parent, SPAN_ID_NONE);
	assert_int_equal(root->queued_ns, ns(0));
	assert_int_equal(root->scheduled_ns, ns(500));
	assert_int_equal(root->started_ns, 0);
	assert_int_equal(root->input.source, SPAN_OF_EVENTS);
	assert_str(root->input.row_id, root->id.ptr);
	assert_int_equal(root->output.source, SPAN_NOTHING);
}

static void test_skipped(void **state) {
	struct fixture *f = *state;
	f->run.status = TRACE_RUN_SKIPPED;
	f->run.skip_reason = STR("Singleton");
	f->run.skip_existing_run_id = STR("01M7YJ5BWCF0PFDBZ4W11SMC6R");
	add_call(f, 1, 0, 1, 2, 3); // cannot be
	make_spans(f);
	assert_int_equal(f->spans.count, 1);
	const struct span *root = root_span(f);
	assert_int_equal(root->status, SPAN_SKIPPED);
	assert_str(root->skip_reason, "Singleton");
	assert_str(root->skip_existing_run_id, "01M7YJ5BWCF0PFDBZ4W11SMC6R");
	assert_int_equal(root->started_ns, 0);
	assert_int_equal(root->ended_ns, 0);
}

static void test_cancelled(void **state) {
	struct fixture *f = *state;
	add_call(f, 1, 0, 1, 10, 20);
	struct trace_fact *call = add_call(f, 2, 1, 20, 30, 40);
	call->outcome = TRACE_CANCELLED;
	call->status = 0;
	add_fact(f, FACT_CANCELLED, 40);
	end_run(f, TRACE_RUN_CANCELLED, 40);
	make_spans(f);
	const struct span *root = root_span(f);
	assert_int_equal(root->status, SPAN_CANCELLED);
	assert_true(root->has_response && root->has_headers);
	assert_int_equal(root->status_code, 0);
	assert_int_equal(root->output.source, SPAN_NOTHING);
	assert_int_equal(root->ended_ns, ns(40));
	const struct span *execution = execution_span(f, 2, 0);
	assert_int_equal(execution->status, SPAN_CANCELLED);
	assert_int_equal(execution->ended_ns, ns(40));
	assert_false(execution->has_response);
}

static void test_no_reply(void **state) {
	struct fixture *f = *state;
	struct trace_fact *call = add_call(f, 1, 0, 1, 10, 20);
	call->outcome = TRACE_ERROR;
	call->status = call->total_ms = 0;
	call->headers = (struct str){NULL, 0};
	call->output = STR("{\"error\":{\"name\":\"Error\"}}");
	call->will_retry = true;
	make_spans(f);
	const struct span *execution = execution_span(f, 1, 0);
	assert_int_equal(execution->status, SPAN_FAILED);
	assert_false(execution->has_headers);
	assert_true(execution->is_output);
	assert_str(execution->output.text, "{\"error\":{\"name\":\"Error\"}}");
	assert_int_equal(f->spans.metadata_count, 0);
	struct uuid group = span_group_id(&f->run.id, 1);
	struct span_id id = span_id_nonstep(&group, 0);
	const struct span *nonstep = find_span(&f->spans, str_from_cstr(id.text));
	assert_int_equal(nonstep->status, SPAN_ERRORED);
	assert_int_equal(nonstep->output.source, SPAN_INLINE);
}

// ---- waiting -------------------------------------------------------------------------------------------------------

static struct trace_fact *resume(struct fixture *f, enum opcode_kind op, uint64_t at, const char *id) {
	struct trace_fact *fact = add_fact(f, FACT_RESUMED, at);
	fact->op = op;
	fact->step_id = str_from_cstr(id);
	return fact;
}

// Retention has taken its result.
static void test_sleep_without_step(void **state) {
	struct fixture *f = *state;
	add_wait(f, OPCODE_SLEEP, 1, 10, 50, NAP, "nap");
	end_run(f, TRACE_RUN_CANCELLED, 40);
	struct span_id id = span_id_sleep(STR(NAP));
	make_spans(f);
	assert_int_equal(find_span(&f->spans, str_from_cstr(id.text))->status, SPAN_SLEEPING);
	end_run(f, TRACE_RUN_COMPLETED, 60);
	make_spans(f);
	assert_int_equal(find_span(&f->spans, str_from_cstr(id.text))->status, SPAN_COMPLETED);
	assert_int_equal(find_span(&f->spans, str_from_cstr(id.text))->ended_ns, ns(50));
}

static void test_wait_for_event(void **state) {
	struct fixture *f = *state;
	struct trace_fact *wait = add_wait(f, OPCODE_WAIT_FOR_EVENT, 1, 72, 3600072, "wwww", "wait-it");
	wait->event = STR("app/go");
	wait->expression = STR("async.data.k == 1.0");
	make_spans(f);
	const struct span *span = wait_span(f, "wwww");
	assert_int_equal(span->kind, SPAN_STEP);
	assert_int_equal(span->status, SPAN_WAITING);
	assert_int_equal(span->queued_ns, ns(72));
	assert_int_equal(span->scheduled_ns, ns(72));
	assert_int_equal(span->started_ns, ns(72));
	assert_int_equal(span->ended_ns, 0);
	assert_true(span->has_expiry);
	assert_int_equal(span->expiry_ns, ns(3600072));
	assert_int_equal(span->is_expired, UNSET);
	assert_str(span->step_name, "wait-it");
	assert_str(span->step_id, "wwww");
	assert_str(span->wait_event, "app/go");
	assert_str(span->wait_expression, "async.data.k == 1.0");
	assert_str(span->parent, root_span(f)->id.ptr);
	assert_int_equal(span->group_id.len, UUID_TEXT_LEN);

	resume(f, OPCODE_WAIT_FOR_EVENT, 12329, "wwww")->event_id = make_run_id();
	memoise(f, OPCODE_WAIT_FOR_EVENT, "wwww");
	make_spans(f);
	span = wait_span(f, "wwww");
	assert_int_equal(span->status, SPAN_COMPLETED);
	assert_int_equal(span->ended_ns, ns(12329));
	assert_int_equal(span->is_expired, NO);
	assert_int_equal(span->matched_event_id.len, ULID_TEXT_LEN);
	assert_int_equal(span->output.source, SPAN_OF_STEP);
	assert_str(span->output.text, "wwww");
	assert_str(span->output.row_id, span->id.ptr);
}

static void test_wait_times_out(void **state) {
	struct fixture *f = *state;
	add_wait(f, OPCODE_WAIT_FOR_EVENT, 1, 72, 1072, "wwww", "wait-it");
	resume(f, OPCODE_WAIT_FOR_EVENT, 1072, "wwww")->is_timeout = true;
	memoise(f, OPCODE_WAIT_FOR_EVENT, "wwww");
	make_spans(f);
	const struct span *span = wait_span(f, "wwww");
	assert_int_equal(span->status, SPAN_COMPLETED);
	assert_int_equal(span->is_expired, YES);
	assert_int_equal(span->output.source, SPAN_NOTHING);
	assert_int_equal(span->matched_event_id.len, 0);
}

static void test_signal_conflict(void **state) {
	struct fixture *f = *state;
	add_wait(f, OPCODE_WAIT_FOR_SIGNAL, 1, 72, 1072, "ssss", "signal")->signal = STR("ready");
	resume(f, OPCODE_WAIT_FOR_SIGNAL, 72, "ssss")->is_error = true;
	end_run(f, TRACE_RUN_FAILED, 72);
	make_spans(f);
	const struct span *span = wait_span(f, "ssss");
	assert_int_equal(span->status, SPAN_FAILED);
	assert_str(span->signal, "ready");
	assert_int_equal(span->is_expired, UNSET);
	assert_int_equal(span->output.source, SPAN_OF_RUN); // which failed by it
	assert_true(span->output.is_result);
}

// The run ended with it: its root shows the same.
static void test_conflict_in_root(void **state) {
	struct fixture *f = *state;
	struct trace_fact *call = add_call(f, 1, 0, 1, 60, 72);
	add_op(f, call, OPCODE_WAIT_FOR_SIGNAL, "ssss", "signal");
	add_wait(f, OPCODE_WAIT_FOR_SIGNAL, 1, 72, 1072, "ssss", "signal")->signal = STR("ready");
	resume(f, OPCODE_WAIT_FOR_SIGNAL, 72, "ssss")->is_error = true;
	end_run(f, TRACE_RUN_FAILED, 72);
	make_spans(f);
	const struct span *root = root_span(f);
	assert_str(root->step_id, "ssss");
	assert_str(root->signal, "ready");
	assert_true(root->has_expiry);
	assert_int_equal(root->expiry_ns, ns(1072));
	assert_int_equal(root->is_expired, UNSET);
}

static void test_cancelled_by_event(void **state) {
	struct fixture *f = *state;
	struct trace_fact *call = add_call(f, 1, 0, 1, 60, 72);
	call->output_bytes = 17;
	struct trace_fact *cancelled = add_fact(f, FACT_CANCELLED, 80);
	cancelled->event_id = ulid_make(AT, (const uint8_t[10]){7});
	cancelled->expression = STR("async.data.id == 7.0");
	end_run(f, TRACE_RUN_CANCELLED, 80);
	make_spans(f);
	assert_int_equal(root_span(f)->matched_event_id.len, ULID_TEXT_LEN);
	assert_str(root_span(f)->wait_expression, "async.data.id == 7.0");
	assert_int_equal(execution_span(f, 1, 0)->output_bytes, 17);
}

// The clock may have been put right meanwhile.
static void test_wait_ends_before_it_begins(void **state) {
	struct fixture *f = *state;
	add_wait(f, OPCODE_WAIT_FOR_SIGNAL, 1, 72, 1072, "ssss", "signal");
	resume(f, OPCODE_WAIT_FOR_SIGNAL, 50, "ssss");
	make_spans(f);
	assert_int_equal(wait_span(f, "ssss")->started_ns, ns(72));
	assert_int_equal(wait_span(f, "ssss")->ended_ns, ns(72));
}

static void test_invoke(void **state) {
	struct fixture *f = *state;
	// The other run may be known before.
	struct trace_fact *invoked = add_fact(f, FACT_INVOKED, 118);
	invoked->op = OPCODE_INVOKE_FUNCTION;
	invoked->step_id = STR("iiii");
	invoked->run_id = make_run_id();
	struct trace_fact *wait = add_wait(f, OPCODE_INVOKE_FUNCTION, 1, 118, 31536000118, "iiii", "call-child");
	wait->function = STR("app-child");
	wait->event_id = make_run_id();
	make_spans(f);
	const struct span *span = wait_span(f, "iiii");
	assert_int_equal(span->status, SPAN_INVOKING);
	assert_str(span->step_name, "call-child");
	assert_str(span->invoke_function, "app-child");
	assert_int_equal(span->invoke_run_id.len, ULID_TEXT_LEN);
	assert_int_equal(span->trigger_event_id.len, ULID_TEXT_LEN);
	assert_int_equal(span->matched_event_id.len, 0);
	struct trace_fact *resumed = resume(f, OPCODE_INVOKE_FUNCTION, 762, "iiii");
	resumed->is_error = true;
	resumed->event_id = make_run_id();
	memoise(f, OPCODE_INVOKE_FUNCTION, "iiii");
	make_spans(f);
	span = wait_span(f, "iiii");
	assert_int_equal(span->status, SPAN_ERRORED);
	assert_int_equal(span->is_expired, NO);
	assert_int_equal(span->matched_event_id.len, ULID_TEXT_LEN);
	assert_int_equal(span->output.source, SPAN_OF_STEP);
	resumed->is_timeout = true;
	resumed->is_error = false;
	resumed->event_id = (struct ulid){0};
	make_spans(f);
	span = wait_span(f, "iiii");
	assert_int_equal(span->status, SPAN_ERRORED);
	assert_int_equal(span->is_expired, YES);
	assert_int_equal(span->matched_event_id.len, 0);
	assert_int_equal(span->invoke_run_id.len, ULID_TEXT_LEN);
	assert_int_equal(span->output.source, SPAN_OF_STEP);
}

// ---- steps ---------------------------------------------------------------------------------------------------------

static void test_clocks(void **state) {
	struct fixture *f = *state;
	static const struct {
		uint64_t started, ended, shown_started, shown_ended;
	} cases[] = {
		{150, 160, 150, 160}, {0, 0, 110, 200}, // it said nothing
		{20, 60, 110, 200},                     // before it was queued, by a slow clock
		{150, 140, 150, 200},                   // ends before it starts
		{300, 0, 300, 300},                     // a fast clock
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		f->run.fact_count = 0;
		struct trace_fact *call = add_call(f, 1, 0, 100, 110, 200);
		struct trace_op *op = add_op(f, call, OPCODE_STEP_RUN, "aaaa", "a");
		if (cases[i].started > 0) op->started_ms = AT + cases[i].started;
		if (cases[i].ended > 0) op->ended_ms = AT + cases[i].ended;
		make_spans(f);
		const struct span *span = step_span(f, "aaaa");
		assert_int_equal(span->started_ns, ns(cases[i].shown_started));
		assert_int_equal(span->ended_ns, ns(cases[i].shown_ended));
		assert_int_equal(span->output.source, SPAN_NOTHING); // not memoised
	}
}

static void test_checkpoint(void **state) {
	struct fixture *f = *state;
	struct trace_fact *fact = add_fact(f, FACT_CHECKPOINT, 50);
	took(add_op(f, fact, OPCODE_STEP_PLANNED, "aaaa", "a"), 40, 40);
	add_op(f, fact, OPCODE_STEP_RUN, "bbbb", "b");
	add_op(f, fact, OPCODE_STEP_ERROR, "cccc", "c");
	add_op(f, fact, OPCODE_STEP_ERROR, "dddd", "d");
	memoise(f, OPCODE_STEP_RUN, "bbbb");
	memoise(f, OPCODE_STEP_ERROR, "dddd");
	make_spans(f);
	const struct span *span = step_span(f, "aaaa");
	assert_int_equal(span->status, SPAN_RUNNING);
	assert_int_equal(span->started_ns, ns(40));
	span = step_span(f, "bbbb");
	assert_int_equal(span->status, SPAN_COMPLETED);
	assert_int_equal(span->queued_ns, ns(50));
	assert_int_equal(span->scheduled_ns, 0);
	assert_int_equal(span->ended_ns, ns(50));
	assert_int_equal(span->group_id.len, 0);
	assert_null(step_span(f, "cccc"));
	struct span_id retried = span_id_attempt(STR("cccc"), 0);
	assert_int_equal(find_span(&f->spans, str_from_cstr(retried.text))->status, SPAN_ERRORED);
	assert_int_equal(step_span(f, "dddd")->status, SPAN_FAILED);
	assert_int_equal(step_span(f, "dddd")->output.source, SPAN_OF_STEP);

	took(add_op(f, add_fact(f, FACT_CHECKPOINT, 90), OPCODE_STEP_RUN, "aaaa", "a"), 40, 80);
	make_spans(f);
	assert_int_equal(step_span(f, "aaaa")->status, SPAN_COMPLETED);
	assert_int_equal(step_span(f, "aaaa")->ended_ns, ns(80));
}

// The first report of a step is what was memoised.
static void test_reported_twice(void **state) {
	struct fixture *f = *state;
	took(add_op(f, add_call(f, 1, 0, 1, 10, 20), OPCODE_STEP_RUN, "aaaa", "a"), 11, 12);
	took(add_op(f, add_call(f, 2, 0, 1, 10, 30), OPCODE_STEP_RUN, "aaaa", "a"), 21, 22);
	add_op(f, add_call(f, 3, 0, 1, 10, 40), OPCODE_STEP_PLANNED, "aaaa", "a");
	make_spans(f);
	assert_int_equal(step_span(f, "aaaa")->ended_ns, ns(12));
	assert_int_equal(step_span(f, "aaaa")->status, SPAN_COMPLETED);
}

static struct str metadata_once = STR_INIT("[{\"kind\":\"userland.x\",\"op\":\"add\",\"values\":{\"n\":1}}]");

// Nor is what it brings along added again.
static void test_metadata_reported_twice(void **state) {
	struct fixture *f = *state;
	static const enum opcode_kind kinds[] = {OPCODE_STEP_RUN, OPCODE_STEP_PLANNED, OPCODE_SLEEP};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		f->run.fact_count = 0;
		add_op(f, add_call(f, 1, 0, 1, 10, 20), kinds[i], "aaaa", "a")->metadata = metadata_once;
		if (kinds[i] == OPCODE_SLEEP) add_wait(f, OPCODE_SLEEP, 1, 20, 1020, "aaaa", "a");
		add_op(f, add_call(f, 2, 1, 20, 20, 30), kinds[i], "aaaa", "a")->metadata = metadata_once;
		make_spans(f);
		size_t count = 0;
		for (size_t m = 0; m < f->spans.metadata_count; m++)
			count += str_eq_cstr(f->spans.metadata[m].kind, "userland.x");
		assert_int_equal(count, 1);
	}
}

// A checkpoint gives the job a fresh budget: the app is told attempt 0 again, people see the third.
static void test_attempts_are_counted_on(void **state) {
	struct fixture *f = *state;
	for (uint32_t attempt = 0; attempt < 3; attempt++) {
		struct trace_fact *call = add_call(f, 1, 0, 1, 10 + attempt, 20 + attempt);
		call->attempt = attempt;
		call->told_attempt = attempt == 2 ? 0 : attempt;
		call->will_retry = attempt < 2;
		struct trace_op *op = add_op(f, call, attempt < 2 ? OPCODE_STEP_ERROR : OPCODE_STEP_RUN, "aaaa", "a");
		if (attempt < 2) op->output = STR("{\"error\":{}}");
	}
	memoise(f, OPCODE_STEP_RUN, "aaaa");
	make_spans(f);
	for (uint32_t attempt = 0; attempt < 2; attempt++) {
		struct span_id id = span_id_attempt(STR("aaaa"), attempt);
		const struct span *span = find_span(&f->spans, str_from_cstr(id.text));
		assert_int_equal(span->attempt, attempt);
		assert_int_equal(span->status, SPAN_ERRORED);
	}
	const struct span *span = step_span(f, "aaaa");
	assert_int_equal(span->attempt, 2);
	assert_int_equal(span->row_id_count, 2); // the app may name it by either
	assert_str(span->row_ids[0], span_id_attempt(STR("aaaa"), 2).text);
	assert_str(span->row_ids[1], span_id_attempt(STR("aaaa"), 0).text);
	for (uint32_t attempt = 0; attempt < 3; attempt++) assert_non_null(execution_span(f, 1, attempt));
}

// The run ended in the same answer: nothing follows, and no step record has the error.
static void test_error_without_retry(void **state) {
	struct fixture *f = *state;
	add_op(f, add_call(f, 1, 0, 1, 10, 20), OPCODE_STEP_ERROR, "aaaa", "a")->output = STR("{\"error\":{}}");
	end_run(f, TRACE_RUN_FAILED, 20);
	make_spans(f);
	assert_int_equal(step_span(f, "aaaa")->status, SPAN_FAILED);
	assert_str(step_span(f, "aaaa")->output.text, "{\"error\":{}}");
}

static void test_ai_step(void **state) {
	struct fixture *f = *state;
	struct trace_op *op = add_op(f, add_call(f, 1, 0, 1, 10, 20), OPCODE_STEP_RUN, "aaaa", "");
	op->type = STR("step.ai.wrap");
	op->input = STR("[1]");
	make_spans(f);
	const struct span *span = step_span(f, "aaaa"), *execution = execution_span(f, 1, 0);
	assert_str(span->run_type, "step.ai.wrap");
	assert_str(span->step_name, "aaaa"); // it has none
	assert_str(span->input.text, "[1]");
	assert_str(span->input.row_id, span->id.ptr);
	assert_str(execution->input.row_id, execution->id.ptr);
	assert_int_equal(root_span(f)->input.source, SPAN_OF_EVENTS);
}

static void test_gateway(void **state) {
	struct fixture *f = *state;
	add_op(f, add_call(f, 1, 0, 1, 10, 20), OPCODE_AI_GATEWAY, "aaaa", "infer");
	make_spans(f);
	assert_int_equal(execution_span(f, 1, 0)->status, SPAN_RUNNING);
	assert_false(execution_span(f, 1, 0)->is_dropped);
	assert_int_equal(step_span(f, "aaaa")->status, SPAN_RUNNING);
	assert_int_equal(step_span(f, "aaaa")->ended_ns, 0);
	memoise(f, OPCODE_AI_GATEWAY, "aaaa");
	make_spans(f);
	assert_int_equal(execution_span(f, 1, 0)->status, SPAN_COMPLETED);
	assert_int_equal(step_span(f, "aaaa")->status, SPAN_COMPLETED);
}

static void test_long_names(void **state) {
	struct fixture *f = *state;
	char name[2 * 300 + 1];
	for (size_t i = 0; i < 300; i++) memcpy(name + 2 * i, "\xc3\xa4", 2);
	name[600] = '\0';
	add_op(f, add_call(f, 1, 0, 1, 10, 20), OPCODE_STEP_RUN, "aaaa", name);
	make_spans(f);
	assert_int_equal(step_span(f, "aaaa")->step_name.len, 2 * 256);
}

// ---- metadata ------------------------------------------------------------------------------------------------------

static const struct span_metadata *metadata_of(struct fixture *f, struct str parent, const char *kind) {
	for (size_t i = 0; i < f->spans.metadata_count; i++) {
		const struct span_metadata *metadata = &f->spans.metadata[i];
		if (str_eq(metadata->parent, parent) && str_eq_cstr(metadata->kind, kind)) return metadata;
	}
	fail_msg("no %s", kind);
	return NULL;
}

static void test_price(void **state) {
	struct fixture *f = *state;
	struct trace_fact *call = add_call(f, 1, 0, 1, 10, 20);
	add_op(f, call, OPCODE_STEP_RUN, "aaaa", "a")->metadata =
		STR("[{\"kind\":\"inngest.ai\",\"values\":{\"input_tokens\":1000,\"output_tokens\":500,"
		    "\"request_model\":\"gpt-4o\"}},{\"kind\":\"userland.ai\",\"values\":{\"input_tokens\":1000,"
		    "\"request_model\":\"gpt-4o\"}}]");
	make_spans(f);
	struct str step = step_span(f, "aaaa")->id;
	assert_str(
		metadata_of(f, step, "inngest.ai")->values,
		"{\"input_tokens\":1000,\"output_tokens\":500,\"request_model\":\"gpt-4o\",\"estimated_cost\":0.0075}");
	assert_str(metadata_of(f, step, "userland.ai")->values, "{\"input_tokens\":1000,\"request_model\":\"gpt-4o\"}");
}

static void test_timing(void **state) {
	struct fixture *f = *state;
	struct trace_fact *call = add_call(f, 1, 0, 100, 150, 200);
	call->due_ms = AT + 120;
	call->dns_ms = 1, call->connect_ms = 2, call->tls_ms = 3, call->server_ms = 30, call->transfer_ms = 4;
	call->total_ms = 40;
	make_spans(f);
	struct str parent = execution_span(f, 1, 0)->id;
	const struct span_metadata *metadata = metadata_of(f, parent, "inngest.http.timing");
	assert_str(metadata->values, "{\"content_transfer_ms\":4,\"dns_lookup_ms\":1,\"server_processing_ms\":30,"
				     "\"tcp_connection_ms\":2,\"tls_handshake_ms\":3,\"total_ms\":40}");
	assert_str(metadata->scope, "request");
	assert_int_equal(metadata->updated_ns, ns(200));
	assert_str(metadata_of(f, parent, "inngest.timing")->values,
		   "{\"network_total_ms\":40,\"queue_delay_ms\":30,\"system_latency_ms\":10,\"total_inngest_ms\":40}");

	call->dns_ms = call->connect_ms = call->tls_ms = call->server_ms = call->transfer_ms = call->total_ms = 0;
	make_spans(f); // it took less than a millisecond
	assert_str(metadata_of(f, parent, "inngest.timing")->values,
		   "{\"network_total_ms\":0,\"queue_delay_ms\":30,\"system_latency_ms\":50,\"total_inngest_ms\":80}");
	assert_int_equal(f->spans.metadata_count, 2);
	call->status = 0;
	make_spans(f); // no reply
	assert_int_equal(f->spans.metadata_count, 0);
}

static void test_op_metadata(void **state) {
	struct fixture *f = *state;
	struct trace_fact *fact = add_fact(f, FACT_CHECKPOINT, 50);
	add_op(f, fact, OPCODE_STEP_RUN, "aaaa", "a")->metadata =
		STR("[{\"kind\":\"userland.x\",\"op\":\"Add\",\"values\":{\"n\":1}},null,{\"kind\":\"inngest.timing\","
		    "\"op\":\"set\",\"values\":{}},{\"kind\":\"inngest.score\",\"scope\":\"run\",\"op\":\"merge\","
		    "\"values\":{\"s\":{\"value\":1}}},{\"kind\":\"userland.y\",\"values\":7},{\"values\":{}}]");
	add_op(f, fact, OPCODE_SLEEP, NAP, "nap")->metadata = STR("[{\"kind\":\"userland.z\",\"values\":{}}]");
	add_op(f, fact, OPCODE_STEP_RUN, "bbbb", "b")->metadata = STR("{");
	make_spans(f);
	assert_int_equal(f->spans.metadata_count, 3);
	const struct span_metadata *metadata = metadata_of(f, step_span(f, "aaaa")->id, "userland.x");
	assert_str(metadata->op, "add");
	assert_str(metadata->scope, "step");
	assert_str(metadata->values, "{\"n\":1}");
	assert_str(metadata_of(f, root_span(f)->id, "inngest.score")->scope, "run");
	struct span_id sleep = span_id_sleep(STR(NAP));
	assert_str(metadata_of(f, str_from_cstr(sleep.text), "userland.z")->op, "merge");
}

// ---- what is missing or makes no sense -----------------------------------------------------------------------------

static void test_missing_facts(void **state) {
	struct fixture *f = *state;
	resume(f, OPCODE_WAIT_FOR_EVENT, 50, "wwww");
	struct trace_fact *call = add_call(f, 1, 7, 60, 70, 80); // attempt 0 and the call before are lost
	call->attempt = 1;
	call->slept = STR(NAP);
	add_op(f, call, OPCODE_SLEEP, "zzzz", "no fact of it");
	make_spans(f);
	const struct span *wait = wait_span(f, "wwww");
	assert_int_equal(wait->status, SPAN_COMPLETED);
	assert_str(wait->step_name, "wwww");
	struct span_id id = span_id_after_sleep(STR(NAP));
	assert_int_equal(find_span(&f->spans, str_from_cstr(id.text))->queued_ns, ns(60));
	assert_int_equal(f->spans.count, 4); // root, wait, discovery, execution
}

static void test_strange_values(void **state) {
	struct fixture *f = *state;
	struct trace_fact *call = add_call(f, 0, UINT64_MAX, 0, 0, 0);
	call->queued_ms = call->due_ms = call->started_ms = UINT64_MAX;
	call->at_ms = 0;
	struct trace_op *op = add_op(f, call, OPCODE_COUNT, "", "");
	op = add_op(f, call, OPCODE_STEP_RUN, "", "");
	op->started_ms = op->ended_ms = UINT64_MAX;
	add_op(f, call, OPCODE_NONE, "", "");
	struct trace_fact *wait = add_wait(f, OPCODE_SLEEP, 0, 100, 0, "", "");
	wait->until_ms = 5;
	add_fact(f, (enum trace_fact_kind)99, 0);
	end_run(f, TRACE_RUN_COMPLETED, 0);
	f->run.ended_ms = UINT64_MAX;
	make_spans(f);
	for (size_t i = 0; i < f->spans.count; i++) {
		const struct span *span = &f->spans.spans[i];
		assert_true(span->started_ns >= 0 && span->started_ns <= INT64_MAX / 2);
		assert_true(span->ended_ns >= 0 && span->ended_ns <= INT64_MAX / 2);
	}
	struct span_id id = span_id_sleep(STR(""));
	assert_int_equal(find_span(&f->spans, str_from_cstr(id.text))->sleep_ms, 0);
}

static void test_names(void **state) {
	(void)state;
	for (int status = SPAN_STATUS_NONE + 1; status < SPAN_STATUS_COUNT; status++)
		assert_int_equal(span_status_of(str_from_cstr(span_status_names[status])), status);
	assert_int_equal(span_status_of(STR("completed")), SPAN_STATUS_NONE);
	assert_int_equal(span_status_of(STR("")), SPAN_STATUS_NONE);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_queued, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_skipped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cancelled, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_reply, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sleep_without_step, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wait_for_event, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wait_times_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_signal_conflict, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cancelled_by_event, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_conflict_in_root, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_invoke, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wait_ends_before_it_begins, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_metadata_reported_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_attempts_are_counted_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_error_without_retry, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_clocks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_checkpoint, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reported_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ai_step, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gateway, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_price, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_timing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_op_metadata, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_missing_facts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_strange_values, set_up, tear_down),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
