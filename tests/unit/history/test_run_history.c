// Rows of history from spans (spec 06 §8.2).
#include "history/run_history.h"
#include "history_test.h"

#define RUN_MS UINT64_C(1795249334008)
#define SPANS_MAX 16

struct case_of {
	struct arena arena;
	struct run_row run;
	struct history_subject subject;
	struct span spans[SPANS_MAX];
	struct trace_spans all;
	struct history_rows rows;
};

static int64_t at(int64_t ms) {
	return ((int64_t)RUN_MS + ms) * 1000000;
}

static int setup(void **state) {
	static const uint8_t entropy[10] = {1};
	struct case_of *f = mem_calloc(1, sizeof *f);
	f->run = (struct run_row){.id = ulid_make(RUN_MS, entropy),
				  .status = TRACE_RUN_RUNNING,
				  .queued_ns = at(0),
				  .started_ns = at(5),
				  .ended_ns = INT64_MIN};
	f->subject.run = &f->run;
	f->all.spans = f->spans;
	*state = f;
	return 0;
}
static int teardown(void **state) {
	struct case_of *f = *state;
	arena_free(&f->arena);
	free(f);
	return 0;
}

static struct span *add(struct case_of *f, enum span_kind kind, const char *id, enum span_status status, int64_t from,
			int64_t to) {
	struct span *span = &f->spans[f->all.count++];
	*span = (struct span){.kind = kind, .id = str_from_cstr(id), .status = status, .queued_ns = at(from)};
	span->started_ns = at(from);
	span->ended_ns = to != 0 ? at(to) : 0;
	return span;
}

// "type name/kind" of each row, a comma between two.
static void check(struct case_of *f, const char *expected) {
	char text[2048] = "";
	history_rows_make(&f->arena, &f->subject, &f->all, &f->rows);
	for (size_t i = 0; i < f->rows.count; i++) {
		const struct history_row *row = &f->rows.items[i];
		(void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s %.*s/%s", i > 0 ? ", " : "",
			       row->type, STR_ARG(row->step_name), row->step_type != NULL ? row->step_type : "");
		for (size_t k = 0; k < i; k++) assert_int_not_equal(ulid_cmp(&row->id, &f->rows.items[k].id), 0);
	}
	assert_string_equal(text, expected);
}

static void a_run_and_its_end(void **state) {
	struct case_of *f = *state;
	check(f, "FunctionScheduled /, FunctionStarted /");
	struct ulid scheduled = f->rows.items[0].id;
	f->run.ended_ns = at(20);
	struct span *root = add(f, SPAN_RUN, "root", SPAN_COMPLETED, 0, 20);
	root->has_output_bytes = true;
	root->output_bytes = 7;
	f->run.status = TRACE_RUN_COMPLETED;
	check(f, "FunctionScheduled /, FunctionStarted /, FunctionCompleted /");
	assert_int_equal(ulid_cmp(&scheduled, &f->rows.items[0].id), 0); // the same whenever somebody looks
	assert_int_equal(f->rows.items[2].duration_ms, 15);
	assert_int_equal(f->rows.items[2].size_bytes, 7);
	f->run.status = TRACE_RUN_FAILED;
	check(f, "FunctionScheduled /, FunctionStarted /, FunctionFailed /");
	f->run.status = TRACE_RUN_CANCELLED;
	check(f, "FunctionScheduled /, FunctionStarted /, FunctionCancelled /");
	f->run.status = TRACE_RUN_SKIPPED;
	check(f, "FunctionSkipped /");
}

static void requests(void **state) {
	struct case_of *f = *state;
	(void)add(f, SPAN_DISCOVERY, "d1", SPAN_STATUS_NONE, 1, 0);
	struct span *first = add(f, SPAN_EXECUTION, "e1", SPAN_FAILED, 6, 8);
	first->max_attempts = 2;
	struct span *second = add(f, SPAN_EXECUTION, "e2", SPAN_COMPLETED, 10, 12);
	second->attempt = 1;
	second->max_attempts = 2;
	second->op = OPCODE_STEP_RUN;
	second->has_output_bytes = true;
	second->output_bytes = 40;
	second->step_name = STR("one");
	(void)add(f, SPAN_DISCOVERY, "d2", SPAN_STATUS_NONE, 13, 0);
	struct span *third = add(f, SPAN_EXECUTION, "e3", SPAN_FAILED, 14, 15);
	third->attempt = 1;
	third->max_attempts = 2;
	(void)add(f, SPAN_EXECUTION, "e4", SPAN_RUNNING, 16, 0);
	check(f, "FunctionScheduled /, FunctionStarted /, StepStarted step/, StepErrored step/, StepScheduled one/, "
		 "StepStarted step/, StepCompleted one/Run, StepScheduled /, StepScheduled step/, StepStarted step/, "
		 "StepFailed step/, StepStarted step/");
	assert_int_equal(f->rows.items[3].size_bytes, 0);
	assert_int_equal(f->rows.items[6].size_bytes, 40);
}

static void waits(void **state) {
	struct case_of *f = *state;
	struct span *sleep = add(f, SPAN_STEP, "s", SPAN_COMPLETED, 10, 20);
	sleep->op = OPCODE_SLEEP;
	sleep->step_name = STR("nap");
	struct span *wait = add(f, SPAN_STEP, "w", SPAN_WAITING, 21, 0);
	wait->op = OPCODE_WAIT_FOR_EVENT;
	wait->step_name = STR("wait");
	struct span *invoke = add(f, SPAN_STEP, "i", SPAN_ERRORED, 22, 23);
	invoke->op = OPCODE_INVOKE_FUNCTION;
	invoke->step_name = STR("call");
	struct span *reported = add(f, SPAN_STEP, "c", SPAN_COMPLETED, 24, 25);
	reported->op = OPCODE_STEP_RUN;
	reported->run_type = STR("step.sendEvent");
	reported->step_name = STR("send");
	struct span *grouped = add(f, SPAN_STEP, "g", SPAN_COMPLETED, 26, 27); // told by its request
	grouped->op = OPCODE_STEP_RUN;
	grouped->group_id = STR("x");
	check(f, "FunctionScheduled /, FunctionStarted /, StepSleeping nap/Sleep, StepWaiting wait/Wait, StepInvoking "
		 "call/, "
		 "StepFailed call/, StepCompleted send/Send");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_run_and_its_end, setup, teardown),
		cmocka_unit_test_setup_teardown(requests, setup, teardown),
		cmocka_unit_test_setup_teardown(waits, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
