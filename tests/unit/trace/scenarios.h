// The runs of spec 06 §21 as spans, for both trees. Times are those that were observed, where the spec has them.
#ifndef INNGEST_TESTS_TRACE_SCENARIOS_H
#define INNGEST_TESTS_TRACE_SCENARIOS_H

#include "trace_test.h"

// A step that one request has run: the group and the `executor.step`.
static inline void add_run_step(struct fixture *f, const char *n, const char *name, const char *before,
				const char *group, int64_t queued, int64_t requested, int64_t started, int64_t ended) {
	struct arena *arena = &f->arena;
	const char *d = arena_printf(arena, "d-%s", n).ptr, *e = arena_printf(arena, "e-%s", n).ptr;
	const char *s = arena_printf(arena, "s-%s", n).ptr;
	add_discovery(f, d, before, queued);
	struct span *execution = add_execution(f, e, d, group, SPAN_COMPLETED, queued, queued, requested, ended + 2);
	set_op(execution, OPCODE_STEP_RUN, n, name);
	set_output(execution, e);
	struct span *step = add_step(f, s, group, SPAN_COMPLETED, queued, queued, started, ended);
	set_op(step, OPCODE_STEP_RUN, n, name);
	set_output(step, s);
}

static inline void scenario_sequential(struct fixture *f) {
	struct span *root = add_root(f, SPAN_COMPLETED, 108, 419);
	root->group_id = STR("18eb0f4c");
	respond(root, 200);
	add_discovery(f, "d1", "", 1);
	struct span *e1 = add_execution(f, "e1", "d1", "3dad2b5c", SPAN_COMPLETED, 1, 1, 110, 128);
	set_op(e1, OPCODE_STEP_RUN, "98bf98df", "first step");
	set_output(e1, "u1");
	struct span *s1 = add_step(f, "fbd6b50f", "3dad2b5c", SPAN_COMPLETED, 1, 1, 125, 126);
	set_op(s1, OPCODE_STEP_RUN, "98bf98df", "first step");
	set_output(s1, "fbd6b50f");
	add_discovery(f, "d2", "3dad2b5c", 130);
	struct span *e2 = add_execution(f, "e2", "d2", "0ea8c191", SPAN_COMPLETED, 130, 130, 255, 315);
	set_op(e2, OPCODE_STEP_RUN, "352f7829", "second");
	set_output(e2, "u2");
	struct span *s2 = add_step(f, "63eae357", "0ea8c191", SPAN_COMPLETED, 130, 130, 263, 313);
	set_op(s2, OPCODE_STEP_RUN, "352f7829", "second");
	set_output(s2, "63eae357");
	add_result(f, "0ea8c191", "18eb0f4c", 317, 404, 419);
}

// One request that reports all: RunComplete, which is dropped, and the steps on its way.
static inline void scenario_checkpointing(struct fixture *f) {
	struct span *root = add_root(f, SPAN_COMPLETED, 137, 221);
	root->scheduled_ns = at(1);
	root->group_id = STR("90070c9e");
	root->has_response = true; // no headers: not shown
	root->status_code = 206;
	set_op(root, OPCODE_RUN_COMPLETE, "0737c22d", "0737c22d");
	add_discovery(f, "d1", "", 1);
	struct span *e1 = add_execution(f, "e1", "d1", "90070c9e", SPAN_COMPLETED, 1, 1, 137, 221);
	set_op(e1, OPCODE_RUN_COMPLETE, "0737c22d", "0737c22d");
	set_result(e1, 206);
	struct span *result = add(f, SPAN_NONSTEP, "nonstep", ROOT);
	result->status = SPAN_COMPLETED;
	result->group_id = STR("90070c9e");
	set_times(result, 1, 1, 137, 221);
	set_result(result, 0);
	struct span *s1 = add_step(f, "fbd6b50f", "", SPAN_COMPLETED, 151, NONE, 151, 152);
	set_op(s1, OPCODE_STEP_RUN, "98bf98df", "first step");
	set_output(s1, "fbd6b50f");
	struct span *s2 = add_step(f, "63eae357", "", SPAN_COMPLETED, 160, NONE, 160, 210);
	set_op(s2, OPCODE_STEP_RUN, "352f7829", "second");
	set_output(s2, "63eae357");
}

// The planning request, whose discovery is omitted, and its three branches.
static inline void scenario_parallel(struct fixture *f) {
	static const char *const names[] = {"p-a", "p-b", "p-c"};
	static const int64_t started[] = {172, 190, 181};
	add_root(f, SPAN_COMPLETED, 14, 480);
	add_discovery(f, "d0", "", 1);
	struct span *plan = add_execution(f, "e0", "d0", "d5b76b43", SPAN_COMPLETED, 1, 1, 14, 26);
	plan->is_dropped = true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		add_run_step(f, names[i], names[i], "d5b76b43", arena_printf(&f->arena, "g-%s", names[i]).ptr,
			     27 + (int64_t)i, 160, started[i], started[i] + 80);
	add_run_step(f, "join", "join", "g-p-b", "g-join", 290, 300, 310, 311);
	add_result(f, "g-join", "g-fin", 320, 400, 479);
}

static inline void scenario_retry(struct fixture *f, bool is_over) {
	add_root(f, is_over ? SPAN_COMPLETED : SPAN_RUNNING, 7, is_over ? 21608 : NONE);
	add_discovery(f, "d1", "", 1);
	struct span *e0 = add_execution(f, "e0", "d1", "03276177", SPAN_ERRORED, 1, 1, 7, 19);
	set_op(e0, OPCODE_STEP_ERROR, "0612bcf5", "flaky");
	set_attempt(e0, 0, 4);
	set_output(e0, "u0");
	struct span *s0 = add_step(f, "3549b3c9", "03276177", SPAN_ERRORED, 1, 1, 17, 18);
	set_op(s0, OPCODE_STEP_ERROR, "0612bcf5", "flaky");
	set_attempt(s0, 0, 4);
	set_output(s0, "3549b3c9");
	f->subject.status = TRACE_RUN_RUNNING;
	if (!is_over) return;
	f->subject.status = TRACE_RUN_COMPLETED;
	struct span *e1 = add_execution(f, "e1", "d1", "03276177", SPAN_COMPLETED, 24, 21394, 21453, 21458);
	set_op(e1, OPCODE_STEP_RUN, "0612bcf5", "flaky");
	set_attempt(e1, 1, 4);
	set_output(e1, "u1");
	struct span *s1 = add_step(f, "ae22bffa", "03276177", SPAN_COMPLETED, 24, 21394, 21457, 21458);
	set_op(s1, OPCODE_STEP_RUN, "0612bcf5", "flaky");
	set_attempt(s1, 1, 4);
	set_output(s1, "ae22bffa");
	add_result(f, "03276177", "9c2f1d60", 21460, 21550, 21608);
}

// The function's own failure, on its first attempt.
static inline void add_failure(struct fixture *f, int64_t queued, int64_t started, int64_t ended) {
	add_discovery(f, "dfin", "", queued);
	struct span *execution =
		add_execution(f, "efin", "dfin", "2fed83ed", SPAN_FAILED, queued, queued, started, ended);
	set_result(execution, 400);
	set_attempt(execution, 0, 2);
	struct span *result = add(f, SPAN_NONSTEP, "nonstep", ROOT);
	result->status = SPAN_FAILED;
	result->group_id = STR("2fed83ed");
	set_times(result, queued, queued, started, ended + 1);
	set_result(result, 0);
}

static inline void scenario_fails_for_good(struct fixture *f) {
	struct span *root = add_root(f, SPAN_FAILED, 10, 41720);
	respond(root, 400);
	f->subject.status = TRACE_RUN_FAILED;
	add_discovery(f, "d1", "", 1);
	struct span *e0 = add_execution(f, "e0", "d1", "7bd1a2c3", SPAN_ERRORED, 1, 1, 10, 20);
	set_op(e0, OPCODE_STEP_ERROR, "c0ffee00", "always fails");
	set_attempt(e0, 0, 2);
	struct span *e1 = add_execution(f, "e1", "d1", "7bd1a2c3", SPAN_FAILED, 25, 20000, 20010, 20020);
	set_op(e1, OPCODE_STEP_FAILED, "c0ffee00", "always fails");
	set_attempt(e1, 1, 2);
	struct span *s0 = add_step(f, "s0", "7bd1a2c3", SPAN_ERRORED, 1, 1, 12, 13);
	set_op(s0, OPCODE_STEP_ERROR, "c0ffee00", "always fails");
	set_attempt(s0, 0, 2);
	struct span *s1 = add_step(f, "s1", "7bd1a2c3", SPAN_FAILED, 25, 20000, 20012, 20013);
	set_op(s1, OPCODE_STEP_FAILED, "c0ffee00", "always fails");
	set_attempt(s1, 1, 2);
	add_failure(f, 41700, 41710, 41719);
}

static inline void scenario_non_retriable(struct fixture *f, bool is_caught) {
	add_root(f, is_caught ? SPAN_COMPLETED : SPAN_FAILED, 10, 60);
	f->subject.status = is_caught ? TRACE_RUN_COMPLETED : TRACE_RUN_FAILED;
	add_discovery(f, "d1", "", 1);
	struct span *e0 = add_execution(f, "e0", "d1", "7bd1a2c3", SPAN_FAILED, 1, 1, 10, 20);
	set_op(e0, OPCODE_STEP_FAILED, "fa7a1000", "fatal");
	set_attempt(e0, 0, 4);
	struct span *s0 = add_step(f, "s0", "7bd1a2c3", SPAN_FAILED, 1, 1, 12, 13);
	set_op(s0, OPCODE_STEP_FAILED, "fa7a1000", "fatal");
	set_attempt(s0, 0, 4);
	if (is_caught)
		add_result(f, "7bd1a2c3", "2fed83ed", 30, 40, 60);
	else
		add_failure(f, 30, 40, 59);
}

static inline void scenario_function_throws(struct fixture *f, bool is_over) {
	struct span *root = add_root(f, is_over ? SPAN_FAILED : SPAN_RUNNING, 56, is_over ? 20710 : NONE);
	f->subject.status = TRACE_RUN_RUNNING;
	add_discovery(f, "d1", "", 1);
	struct span *e0 = add_execution(f, "e0", "d1", "4a4a4a4a", SPAN_FAILED, 1, 1, 58, 68);
	set_result(e0, 500);
	set_attempt(e0, 0, 2);
	struct span *n0 = add(f, SPAN_NONSTEP, "n0", ROOT);
	n0->status = SPAN_FAILED;
	set_times(n0, 1, 1, 56, 69);
	set_attempt(n0, 0, 2);
	if (!is_over) return;
	respond(root, 400);
	f->subject.status = TRACE_RUN_FAILED;
	struct span *e1 = add_execution(f, "e1", "d1", "4a4a4a4a", SPAN_FAILED, 68, 20702, 20704, 20709);
	set_result(e1, 400);
	set_attempt(e1, 1, 2);
	struct span *n1 = add(f, SPAN_NONSTEP, "n1", ROOT);
	n1->status = SPAN_FAILED;
	set_times(n1, 69, 20702, 20702, 20710);
	set_attempt(n1, 1, 2);
}

// The request that began a wait: omitted.
static inline void add_waiting_request(struct fixture *f, enum opcode_kind op, const char *step, const char *before,
				       int64_t queued, int64_t started, int64_t ended) {
	add_discovery(f, "dwait", before, queued);
	struct span *execution =
		add_execution(f, "ewait", "dwait", "9f77c0eb", SPAN_COMPLETED, queued, queued, started, ended);
	set_op(execution, op, step, step);
}

static inline struct span *add_sleep(struct fixture *f, const char *id, const char *name, enum span_status status,
				     int64_t queued, int64_t duration_ms) {
	int64_t ended = status == SPAN_COMPLETED ? queued + duration_ms : NONE;
	struct span *span = add_step(f, id, "9f77c0eb", status, queued, queued, queued, ended);
	set_op(span, OPCODE_SLEEP, "c2640f79", name);
	span->has_sleep = true;
	span->sleep_ms = duration_ms;
	return span;
}

// pre, nap for two seconds, post, which the queue item of the sleep runs: it starts when that was queued.
static inline void scenario_sleep(struct fixture *f) {
	add_root(f, SPAN_COMPLETED, 100, 2363);
	add_run_step(f, "pre", "pre", "", "g-pre", 1, 110, 120, 121);
	add_waiting_request(f, OPCODE_SLEEP, "c2640f79", "g-pre", 130, 310, 320);
	add_sleep(f, "178a6591", "nap", SPAN_COMPLETED, 321, 2000);
	add_discovery(f, "c9e1efe2", "9f77c0eb", 2321);
	struct span *execution =
		add_execution(f, "e-post", "c9e1efe2", "g-post", SPAN_COMPLETED, 321, 2321, 2323, 2329);
	set_op(execution, OPCODE_STEP_RUN, "post", "post");
	set_output(execution, "u-post");
	struct span *post = add_step(f, "164da22a", "g-post", SPAN_COMPLETED, 321, 2321, 321, 2329);
	set_op(post, OPCODE_STEP_RUN, "post", "post");
	set_output(post, "164da22a");
	add_result(f, "g-post", "g-fin", 2330, 2340, 2363);
}

static inline void scenario_wait(struct fixture *f, enum tristate is_expired) {
	add_root(f, is_expired == UNSET ? SPAN_RUNNING : SPAN_COMPLETED, 60, is_expired == UNSET ? NONE : 12400);
	if (is_expired == UNSET) f->subject.status = TRACE_RUN_RUNNING;
	add_waiting_request(f, OPCODE_WAIT_FOR_EVENT, "0e0e0e0e", "", 1, 60, 71);
	struct span *span = add_step(f, "w1", "9f77c0eb", is_expired == UNSET ? SPAN_WAITING : SPAN_COMPLETED, 72, 72,
				     77, is_expired == UNSET ? NONE : 12329);
	set_op(span, OPCODE_WAIT_FOR_EVENT, "0e0e0e0e", "wait-it");
	span->wait_event = STR("app/go");
	span->wait_expression = STR("async.data.k == 1.0");
	span->has_expiry = true;
	span->expiry_ns = at(3600072);
	span->is_expired = is_expired;
	if (is_expired == NO) {
		span->matched_event_id = STR("01M7YJ5BWCF0PFDBZ4W11SMC6R");
		set_output(span, "u-w1");
	}
	if (is_expired != UNSET) add_result(f, is_expired == YES ? "" : "9f77c0eb", "g-fin", 12330, 12340, 12400);
}

// How an invoke ended: UNSET while it runs.
static inline void scenario_invoke(struct fixture *f, enum span_status status, enum tristate timed_out) {
	bool is_over = timed_out != UNSET;
	enum span_status end = status == SPAN_COMPLETED ? SPAN_COMPLETED : SPAN_FAILED;
	add_root(f, is_over ? end : SPAN_RUNNING, 60, is_over ? 900 : NONE);
	f->subject.status = !is_over                   ? TRACE_RUN_RUNNING
			    : status == SPAN_COMPLETED ? TRACE_RUN_COMPLETED
						       : TRACE_RUN_FAILED;
	add_waiting_request(f, OPCODE_INVOKE_FUNCTION, "1a1a1a1a", "", 1, 60, 117);
	struct span *span = add_step(f, "i1", "9f77c0eb", status, 118, 118, 118, is_over ? 762 : NONE);
	set_op(span, OPCODE_INVOKE_FUNCTION, "1a1a1a1a", "call-child");
	span->trigger_event_id = STR("01M7YJ5BWCF0PFDBZ4W11SMC6A");
	span->invoke_function = STR("app-child");
	span->invoke_run_id = STR("01M7YJ5BWCF0PFDBZ4W11SMC6B");
	span->has_expiry = true;
	span->expiry_ns = at(31536000118);
	span->is_expired = timed_out;
	if (timed_out == NO) span->matched_event_id = STR("01M7YJ5BWCF0PFDBZ4W11SMC6C");
	if (is_over) set_output(span, "u-i1");
	if (is_over && status == SPAN_COMPLETED) add_result(f, "9f77c0eb", "g-fin", 770, 780, 900);
	if (is_over && status != SPAN_COMPLETED) add_failure(f, 770, 780, 899);
}

static inline void scenario_cancelled_asleep(struct fixture *f) {
	struct span *root = add_root(f, SPAN_CANCELLED, 160, 11843);
	root->output = (struct span_text){.source = SPAN_NOTHING};
	root->has_response = true; // of code 0, without headers
	f->subject.status = TRACE_RUN_CANCELLED;
	add_run_step(f, "one", "one", "", "g-one", 1, 165, 170, 171);
	add_waiting_request(f, OPCODE_SLEEP, "c2640f79", "g-one", 175, 300, 320);
	add_sleep(f, "178a6591", "long", SPAN_SLEEPING, 324, 3600000);
	add_discovery(f, "c9e1efe2", "9f77c0eb", 3600324);
}

static inline void scenario_in_flight(struct fixture *f) {
	add_root(f, SPAN_RUNNING, 137, NONE);
	f->subject.status = TRACE_RUN_RUNNING;
	add_discovery(f, "d1", "", 1);
	add_execution(f, "e1", "d1", "90070c9e", SPAN_RUNNING, 1, 1, 137, NONE);
	struct span *step = add_step(f, "fbd6b50f", "", SPAN_COMPLETED, 151, NONE, 151, 152);
	set_op(step, OPCODE_STEP_RUN, "98bf98df", "first step");
	set_output(step, "fbd6b50f");
}

static inline void scenario_skipped(struct fixture *f) {
	struct span *root = add_root(f, SPAN_SKIPPED, NONE, NONE);
	root->skip_reason = STR("Singleton");
	root->skip_existing_run_id = STR("01M7YJ5BWCF0PFDBZ4W11SMC6D");
	f->subject.status = TRACE_RUN_SKIPPED;
}

static inline void scenario_queued(struct fixture *f) {
	add_root(f, SPAN_QUEUED, NONE, NONE);
	f->subject.status = TRACE_RUN_QUEUED;
	add_discovery(f, "d1", "", 1);
}

// The wrapper hangs under the request, its spans name the step.
static inline void scenario_userland(struct fixture *f) {
	add_root(f, SPAN_COMPLETED, 100, 500);
	add_run_step(f, "work", "work", "", "g-work", 1, 110, 120, 180);
	struct span *wrapper = add_userland(f, "0a0a", "e-work", "inngest.execution", 111, 181);
	wrapper->scope_name = STR("inngest");
	struct span *get = add_userland(f, "0b0b", "0a0a", "GET /", 130, 170);
	get->status = SPAN_COMPLETED;
	get->user_kind = STR("client");
	get->user_attributes = STR("{\"http.method\":\"GET\"}");
	add_userland(f, "0c0c", "0b0b", "dns", 131, 133); // unset status, yet ended
	struct span *own = add_userland(f, "0d0d", "e-work", "query", 140, 150);
	own->status = SPAN_FAILED;
	own->step_id = STR("work");
	own->has_attempt = true;
	add_result(f, "g-work", "g-fin", 190, 400, 500);
}

#endif
