// From facts to what people see: the observed trees of spec 06 §21.
#include "base/buf.h"
#include "facts_fixture.h"
#include "trace/tree.h"

// ---- a tree as text ------------------------------------------------------------------------------------------------

struct dump {
	struct fixture *f;
	struct buf text;
};

static void put_time(struct dump *d, const char *name, int64_t ns) {
	if (ns == TRACE_NO_TIME)
		buf_printf(&d->text, " %s-", name);
	else
		buf_printf(&d->text, " %s%lld", name, (long long)(ns / 1000000 - (int64_t)AT));
}

// The job whose group it is.
static void put_group(struct dump *d, struct str group) {
	if (group.len == 0) return;
	for (uint64_t job = 1; job < 20; job++) {
		struct uuid id = span_group_id(&d->f->run.id, job);
		char text[UUID_TEXT_LEN + 1];
		uuid_text(&id, text);
		if (str_eq_cstr(group, text)) buf_printf(&d->text, " grp%d", (int)job);
	}
}

static void put_node(struct dump *d, const struct trace_node *node, int depth) {
	buf_printf(&d->text, "%*s%.*s %s", 2 * depth, "", STR_ARG(node->name), trace_status_names[node->status]);
	if (node->step_type.len > 0) buf_printf(&d->text, " %.*s", STR_ARG(node->step_type));
	if (node->attempts > 0) buf_printf(&d->text, " attempt%d", (int)node->attempts);
	put_time(d, "q", node->queued_ns);
	put_time(d, "sch", node->scheduled_ns);
	put_time(d, "st", node->started_ns);
	put_time(d, "en", node->ended_ns);
	if (node->has_duration) buf_printf(&d->text, " dur%lld", (long long)node->duration_ms);
	put_group(d, node->group_id);
	if (node->step_id.len > 0) buf_printf(&d->text, " id:%.*s", STR_ARG(str_first(node->step_id, 4)));
	if (node->has_response) buf_printf(&d->text, " response%d", (int)node->status_code);
	for (size_t i = 0; i < node->metadata_count && !node->is_root; i++)
		buf_printf(&d->text, "%s%.*s", i == 0 ? " md:" : ",", STR_ARG(str_skip(node->metadata[i].kind, 8)));
	if (node->output.source != SPAN_NOTHING) buf_printf(&d->text, " out%d", (int)node->output.source);
	if (node->input.source != SPAN_NOTHING) buf_lit(&d->text, " in");
	buf_byte(&d->text, '\n');
	for (size_t i = 0; i < node->child_count; i++) put_node(d, node->children[i], depth + 1);
}

static void assert_tree(struct fixture *f, const char *expected) {
	struct trace_subject subject = {.run_id = f->run.id, .status = f->run.status};
	make_spans(f);
	struct trace_node *root = trace_tree(&f->arena, &subject, &f->spans);
	assert_non_null(root);
	assert_non_null(trace_tree_plain(&f->arena, &subject, &f->spans));
	struct dump d = {.f = f};
	buf_init(&d.text, 1u << 20);
	put_node(&d, root, 0);
	buf_byte(&d.text, '\0');
	assert_string_equal(d.text.ptr, expected);
	buf_free(&d.text);
}

// ---- the runs ------------------------------------------------------------------------------------------------------

#define MD " md:http.timing,timing"
#define STEP_OUT " out2"
#define RUN_OUT " out3"
#define INLINE_OUT " out1"

static void finish(struct fixture *f, uint64_t job, uint64_t parent, uint64_t queued, uint64_t started, uint64_t at) {
	struct trace_fact *last = add_call(f, job, parent, queued, started, at);
	last->outcome = TRACE_RESULT;
	last->status = 200;
	end_run(f, TRACE_RUN_COMPLETED, at);
}

static void test_sequential(void **state) {
	struct fixture *f = *state;
	struct trace_fact *call = add_call(f, 1, 0, 1, 108, 128);
	took(add_op(f, call, OPCODE_STEP_RUN, FIRST_STEP, "first step"), 125, 126);
	memoise(f, OPCODE_STEP_RUN, FIRST_STEP);
	call = add_call(f, 2, 1, 130, 255, 315);
	took(add_op(f, call, OPCODE_STEP_RUN, "352f", "second"), 263, 313);
	memoise(f, OPCODE_STEP_RUN, "352f");
	finish(f, 3, 2, 317, 404, 418);
	f->run.started_ms = AT + 108;
	assert_tree(f, "Run COMPLETED q0 sch0 st108 en418 dur310 grp3 response200" RUN_OUT " in\n"
		       "  first step COMPLETED RUN q1 sch- st108 en128 id:98bf response206" MD STEP_OUT "\n"
		       "  first step COMPLETED RUN q1 sch1 st125 en126 dur1 grp1 id:98bf" STEP_OUT "\n"
		       "  second COMPLETED RUN q130 sch- st255 en315 grp1 id:352f response206" MD STEP_OUT "\n"
		       "  second COMPLETED RUN q130 sch130 st263 en313 dur50 grp2 id:352f" STEP_OUT "\n"
		       "  Finalization COMPLETED FINALIZATION q317 sch- st404 en418 grp2 response200" MD "\n"
		       "  executor.nonstep COMPLETED q317 sch317 st404 en418 dur14 grp3" RUN_OUT "\n");
}

static void test_checkpointing(void **state) {
	struct fixture *f = *state;
	struct trace_fact *steps = add_fact(f, FACT_CHECKPOINT, 155);
	took(add_op(f, steps, OPCODE_STEP_RUN, FIRST_STEP, "first step"), 151, 152);
	memoise(f, OPCODE_STEP_RUN, FIRST_STEP);
	steps = add_fact(f, FACT_CHECKPOINT, 212);
	took(add_op(f, steps, OPCODE_STEP_RUN, "352f", "second"), 160, 210);
	memoise(f, OPCODE_STEP_RUN, "352f");
	struct trace_fact *call = add_call(f, 1, 0, 1, 137, 221);
	add_op(f, call, OPCODE_RUN_COMPLETE, COMPLETE, COMPLETE);
	end_run(f, TRACE_RUN_COMPLETED, 221);
	f->run.started_ms = AT + 137;
	assert_tree(f, COMPLETE " COMPLETED q0 sch0 st137 en221 dur84 grp1 id:0737" RUN_OUT " in\n"
				"  executor.nonstep COMPLETED q1 sch1 st137 en221 dur84 grp1" RUN_OUT "\n"
				"  first step COMPLETED RUN q151 sch- st151 en152 dur1 id:98bf" MD STEP_OUT "\n"
				"  second COMPLETED RUN q160 sch- st160 en210 dur50 id:352f" STEP_OUT "\n");
}

static void plan(struct fixture *f, struct trace_fact *call, const char *id, const char *name) {
	add_op(f, call, OPCODE_STEP_PLANNED, id, name);
}

static void test_parallel(void **state) {
	struct fixture *f = *state;
	struct trace_fact *call = add_call(f, 1, 0, 1, 10, 28);
	plan(f, call, "aaaa", "p-a");
	plan(f, call, "bbbb", "p-b");
	call = add_call(f, 2, 1, 28, 160, 255);
	call->target = STR("aaaa");
	took(add_op(f, call, OPCODE_STEP_RUN, "aaaa", "p-a"), 172, 252);
	memoise(f, OPCODE_STEP_RUN, "aaaa");
	struct trace_live *live = &f->live[f->run.live_count++];
	*live = (struct trace_live){.job = 3,
				    .parent_job = 1,
				    .queued_ms = AT + 28,
				    .due_ms = AT + 28,
				    .max_attempts = 2,
				    .is_call = true,
				    .is_planned = true,
				    .target = STR("bbbb"),
				    .name = STR("p-b")};
	f->run.started_ms = AT + 10;
	assert_tree(f, "Run RUNNING q0 sch0 st10 en- in\n"
		       "  p-a COMPLETED RUN q27 sch- st160 en255 grp1 id:aaaa response206" MD STEP_OUT "\n"
		       "  p-b QUEUED RUN q28 sch28 st- en- id:bbbb" MD "\n"
		       "  p-a COMPLETED RUN q28 sch28 st172 en252 dur80 grp2 id:aaaa" STEP_OUT "\n");
	live->started_ms = AT + 300;
	assert_tree(f, "Run RUNNING q0 sch0 st10 en- in\n"
		       "  p-a COMPLETED RUN q27 sch- st160 en255 grp1 id:aaaa response206" MD STEP_OUT "\n"
		       "  Execution RUNNING q27 sch- st300 en- grp1\n"
		       "    Attempt 0 RUNNING q27 sch28 st300 en- grp3\n"
		       "  p-b QUEUED RUN q28 sch28 st- en- id:bbbb" MD "\n"
		       "  p-a COMPLETED RUN q28 sch28 st172 en252 dur80 grp2 id:aaaa" STEP_OUT "\n");
	// Over meanwhile.
	call = add_call(f, 3, 1, 28, 300, 310);
	call->target = STR("bbbb");
	took(add_op(f, call, OPCODE_STEP_RUN, "bbbb", "p-b"), 302, 309);
	plan(f, call, "aaaa", "p-a"); // again, of no interest; but what brings two ops is dropped
	memoise(f, OPCODE_STEP_RUN, "bbbb");
	assert_tree(f, "Run RUNNING q0 sch0 st10 en- in\n"
		       "  p-a COMPLETED RUN q27 sch- st160 en255 grp1 id:aaaa response206" MD STEP_OUT "\n"
		       "  p-a COMPLETED RUN q28 sch28 st172 en252 dur80 grp2 id:aaaa" MD ",http.timing,timing" STEP_OUT
		       "\n"
		       "  p-b COMPLETED RUN q28 sch28 st302 en309 dur7 grp3 id:bbbb" STEP_OUT "\n");
}

static void test_retry(void **state) {
	struct fixture *f = *state;
	struct trace_fact *call = add_call(f, 1, 0, 1, 7, 19);
	call->will_retry = true;
	struct trace_op *op = add_op(f, call, OPCODE_STEP_ERROR, FLAKY, "flaky");
	took(op, 17, 18);
	op->output = STR("{\"error\":{}}");
	struct trace_live *live = &f->live[f->run.live_count++];
	*live = (struct trace_live){
		.job = 1, .queued_ms = AT + 19, .due_ms = AT + 21394, .attempt = 1, .max_attempts = 2, .is_call = true};
	f->run.started_ms = AT + 7;
	assert_tree(f, "Run RUNNING q0 sch0 st7 en- in\n"
		       "  flaky FAILED RUN q1 sch- st7 en19 id:0612" INLINE_OUT "\n"
		       "    Attempt 0 FAILED RUN q1 sch1 st7 en19 dur12 grp1 id:0612 response206" MD INLINE_OUT "\n"
		       "  flaky FAILED RUN q1 sch1 st17 en18 dur1 grp1 id:0612" INLINE_OUT "\n");
	f->run.live_count = 0;
	call = add_call(f, 1, 0, 19, 21453, 21458);
	call->attempt = 1;
	call->due_ms = AT + 21394;
	took(add_op(f, call, OPCODE_STEP_RUN, FLAKY, "flaky"), 21457, 21458);
	memoise(f, OPCODE_STEP_RUN, FLAKY);
	assert_tree(f,
		    "Run RUNNING q0 sch0 st7 en- in\n"
		    "  flaky COMPLETED RUN attempt1 q1 sch- st7 en21458 id:0612" STEP_OUT "\n"
		    "    Attempt 0 FAILED RUN q1 sch1 st7 en19 dur12 grp1 id:0612 response206" MD INLINE_OUT "\n"
		    "    Attempt 1 COMPLETED RUN attempt1 q19 sch21394 st21453 en21458 dur5 grp1 id:0612 response206" MD
			    STEP_OUT "\n"
		    "  flaky FAILED RUN q1 sch1 st17 en18 dur1 grp1 id:0612" INLINE_OUT "\n"
		    "  flaky COMPLETED RUN attempt1 q19 sch21394 st21457 en21458 dur1 grp1 id:0612" STEP_OUT "\n");
}

static void test_step_fails(void **state) {
	struct fixture *f = *state;
	struct trace_fact *call = add_call(f, 1, 0, 1, 10, 20);
	call->will_retry = true;
	add_op(f, call, OPCODE_STEP_ERROR, FLAKY, "fails")->output = STR("{\"error\":{}}");
	call = add_call(f, 1, 0, 20, 100, 110);
	call->attempt = 1;
	add_op(f, call, OPCODE_STEP_FAILED, FLAKY, "fails");
	memoise(f, OPCODE_STEP_FAILED, FLAKY);
	call = add_call(f, 2, 1, 110, 120, 130);
	call->outcome = TRACE_ERROR;
	call->status = 400;
	end_run(f, TRACE_RUN_FAILED, 130);
	f->run.started_ms = AT + 10;
	assert_tree(f, "Run FAILED q0 sch0 st10 en130 dur120 grp2 response400" RUN_OUT " in\n"
		       "  fails FAILED RUN attempt1 q1 sch- st10 en110 id:0612" STEP_OUT "\n"
		       "    Attempt 0 FAILED RUN q1 sch1 st10 en20 dur10 grp1 id:0612 response206" MD INLINE_OUT "\n"
		       "    Attempt 1 FAILED attempt1 q20 sch20 st100 en110 dur10 grp1 id:0612 response206" MD STEP_OUT
		       "\n"
		       "  fails FAILED RUN q1 sch1 st10 en20 dur10 grp1 id:0612" INLINE_OUT "\n"
		       "  fails FAILED attempt1 q20 sch20 st100 en110 dur10 grp1 id:0612" STEP_OUT "\n"
		       "  Finalization FAILED FINALIZATION q110 sch- st120 en130 grp1\n"
		       "    Attempt 0 FAILED q110 sch110 st120 en130 dur10 grp2 response400" MD RUN_OUT "\n"
		       "  executor.nonstep FAILED q110 sch110 st120 en130 dur10 grp2" RUN_OUT "\n");
}

static void test_function_throws(void **state) {
	struct fixture *f = *state;
	struct trace_fact *call = add_call(f, 1, 0, 1, 58, 68);
	call->outcome = TRACE_ERROR;
	call->status = 500;
	call->will_retry = true;
	call->output = STR("{\"error\":{}}");
	call = add_call(f, 1, 0, 68, 20704, 20709);
	call->due_ms = AT + 20702;
	call->attempt = 1;
	call->outcome = TRACE_ERROR;
	call->status = 400;
	end_run(f, TRACE_RUN_FAILED, 20709);
	f->run.started_ms = AT + 58;
	assert_tree(f,
		    "Run FAILED q0 sch0 st58 en20709 dur20651 grp1 response400" RUN_OUT " in\n"
		    "  Finalization FAILED FINALIZATION attempt1 q1 sch- st58 en20709\n"
		    "    Attempt 0 FAILED q1 sch1 st58 en68 dur10 grp1 response500" MD INLINE_OUT "\n"
		    "    Attempt 1 FAILED attempt1 q68 sch20702 st20704 en20709 dur5 grp1 response400" MD RUN_OUT "\n"
		    "  executor.nonstep FAILED q1 sch1 st58 en68 dur10 grp1" INLINE_OUT "\n"
		    "  executor.nonstep FAILED attempt1 q68 sch20702 st20704 en20709 dur5 grp1" RUN_OUT "\n");
}

static void test_sleep(void **state) {
	struct fixture *f = *state;
	struct trace_fact *call = add_call(f, 1, 0, 1, 300, 321);
	add_op(f, call, OPCODE_SLEEP, NAP, "nap");
	add_wait(f, OPCODE_SLEEP, 1, 321, 2321, NAP, "nap");
	f->run.started_ms = AT + 300;
	assert_tree(f, "Run RUNNING q0 sch0 st300 en- in\n"
		       "  nap WAITING SLEEP q321 sch321 st321 en- grp1 id:c264" MD "\n");
	memoise(f, OPCODE_SLEEP, NAP);
	call = add_call(f, 2, 1, 321, 2323, 2329);
	call->due_ms = AT + 2321;
	call->slept = STR(NAP);
	took(add_op(f, call, OPCODE_STEP_RUN, "9057", "post"), 2325, 2329);
	memoise(f, OPCODE_STEP_RUN, "9057");
	struct span_id post = span_id_step(STR("9057")), nap = span_id_sleep(STR(NAP));
	assert_true(strcmp(nap.text, post.text) < 0); // both start at once
	assert_tree(f, "Run RUNNING q0 sch0 st300 en- in\n"
		       "  nap COMPLETED SLEEP q321 sch321 st321 en2321 dur2000 grp1 id:c264" MD "\n"
		       "  post COMPLETED RUN q321 sch2321 st321 en2329 dur2008 grp2 id:9057" STEP_OUT "\n"
		       "  post COMPLETED RUN q2321 sch- st2323 en2329 grp1 id:9057 response206" MD STEP_OUT "\n");
}

// A job whose result would come before the sleep if their ids decided.
static uint64_t job_before(const struct fixture *f, const struct span_id *sleep) {
	for (uint64_t job = 20;; job++) {
		struct uuid group = span_group_id(&f->run.id, job);
		struct span_id id = span_id_nonstep(&group, 0);
		if (strcmp(id.text, sleep->text) < 0) return job;
	}
}

static void test_result_after_sleep(void **state) {
	struct fixture *f = *state;
	struct span_id nap = span_id_sleep(STR(NAP));
	struct trace_fact *call = add_call(f, 1, 0, 1, 300, 321);
	add_op(f, call, OPCODE_SLEEP, NAP, "nap");
	add_wait(f, OPCODE_SLEEP, 1, 321, 2321, NAP, "nap");
	memoise(f, OPCODE_SLEEP, NAP);
	call = add_call(f, job_before(f, &nap), 1, 321, 2323, 2329);
	call->due_ms = AT + 2321;
	call->slept = STR(NAP);
	call->outcome = TRACE_RESULT;
	call->status = 200;
	end_run(f, TRACE_RUN_COMPLETED, 2329);
	f->run.started_ms = AT + 300;
	assert_tree(f, "Run COMPLETED q0 sch0 st300 en2329 dur2029 response200" RUN_OUT " in\n"
		       "  nap COMPLETED SLEEP q321 sch321 st321 en2321 dur2000 grp1 id:c264" MD "\n"
		       "  executor.nonstep COMPLETED q321 sch2321 st321 en2329 dur2008" RUN_OUT "\n"
		       "  Finalization COMPLETED FINALIZATION q2321 sch- st2323 en2329 grp1 response200" MD "\n");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sequential, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_checkpointing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_parallel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_retry, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_step_fails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_function_throws, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sleep, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_result_after_sleep, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
