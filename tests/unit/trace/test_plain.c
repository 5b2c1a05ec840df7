// The trees of spec 06 §16, with its improvements: no attempt is due once the run has ended, checkpointed steps are in
// it, skipped and queued runs have a root.
#include "scenarios.h"

static void test_sequential(void **state) {
	struct fixture *f = *state;
	scenario_sequential(f);
	check_plain(f, "app-fn COMPLETED isRoot q0 st108 en419 dur311 out{efin}\n"
		       "  first step COMPLETED RUN q1 st110 en128 dur18 id e1 step 98bf98df out{u1}\n"
		       "  second COMPLETED RUN q130 st255 en315 dur60 id e2 step 352f7829 out{u2}\n"
		       "  function success COMPLETED q317 st404 en418 dur14 id efin out{efin}\n");
}

// The one request comes last, though it began first.
static void test_checkpointing(void **state) {
	struct fixture *f = *state;
	scenario_checkpointing(f);
	check_plain(f, "app-fn COMPLETED isRoot q0 st137 en221 dur84 out{e1}\n"
		       "  first step COMPLETED RUN q151 st151 en152 dur1 id fbd6b50f step 98bf98df out{fbd6b50f}\n"
		       "  second COMPLETED RUN q160 st160 en210 dur50 id 63eae357 step 352f7829 out{63eae357}\n"
		       "  0737c22d COMPLETED q1 st137 en221 dur84 id e1 step 0737c22d out{e1}\n");
}

static void test_parallel(void **state) {
	struct fixture *f = *state;
	scenario_parallel(f);
	check_plain(f, "app-fn COMPLETED isRoot q0 st14 en480 dur466 out{efin}\n"
		       "  p-a COMPLETED RUN q27 st160 en254 dur94 id e-p-a step p-a out{e-p-a}\n"
		       "  p-b COMPLETED RUN q28 st160 en272 dur112 id e-p-b step p-b out{e-p-b}\n"
		       "  p-c COMPLETED RUN q29 st160 en263 dur103 id e-p-c step p-c out{e-p-c}\n"
		       "  join COMPLETED RUN q290 st300 en313 dur13 id e-join step join out{e-join}\n"
		       "  function success COMPLETED q320 st400 en478 dur78 id efin out{efin}\n");
}

// Reported as planned while a request goes on: it runs. Planned by a request: its own request is to come.
static void test_planned(void **state) {
	struct fixture *f = *state;
	add_root(f, SPAN_RUNNING, 14, NONE);
	f->subject.status = TRACE_RUN_RUNNING;
	f->subject.now_ns = at(100);
	set_op(add_step(f, "s1", "", SPAN_RUNNING, 20, NONE, 20, NONE), OPCODE_STEP_PLANNED, "one", "one");
	set_op(add_step(f, "s2", "", SPAN_QUEUED, 30, 30, 29, NONE), OPCODE_STEP_PLANNED, "two", "two");
	check_plain(f, "app-fn RUNNING isRoot q0 st14 en- dur86\n"
		       "  one RUNNING RUN q20 st20 en- dur80 id s1 step one\n");
}

static void test_retry(void **state) {
	struct fixture *f = *state;
	scenario_retry(f, true);
	check_plain(
		f, "app-fn COMPLETED isRoot q0 st7 en21608 dur21601 out{efin}\n"
		   "  flaky COMPLETED RUN attempts1 q1 st7 en21458 dur21451 id steprun-03276177 step 0612bcf5 out{u1}\n"
		   "    Attempt 0 FAILED RUN q1 st7 en19 dur12 id e0 step 0612bcf5 out{u0}\n"
		   "    Attempt 1 COMPLETED RUN attempts1 q21394 st21453 en21458 dur5 id e1 step 0612bcf5 out{u1}\n"
		   "  function success COMPLETED q21460 st21550 en21607 dur57 id efin out{efin}\n");
}

static void test_retry_due(void **state) {
	struct fixture *f = *state;
	scenario_retry(f, false);
	f->subject.now_ns = at(1007);
	check_plain(f, "app-fn RUNNING isRoot q0 st7 en- dur1000\n"
		       "  flaky RUNNING RUN q1 st7 en- dur1000 id exec-03276177 step 0612bcf5\n"
		       "    Attempt 0 FAILED RUN q1 st7 en19 dur12 id e0 step 0612bcf5 out{u0}\n"
		       "    Attempt 1 QUEUED attempts1 q19 st- en- dur0 id queued\n");
}

static void test_fails_for_good(void **state) {
	struct fixture *f = *state;
	scenario_fails_for_good(f);
	check_plain(f, "app-fn FAILED isRoot q0 st10 en41720 dur41710 out{efin}\n"
		       "  always fails FAILED attempts2 q1 st10 en20020 dur20010 id exec-7bd1a2c3 step c0ffee00\n"
		       "    Attempt 0 FAILED RUN q1 st10 en20 dur10 id e0 step c0ffee00\n"
		       "    Attempt 1 FAILED attempts1 q20000 st20010 en20020 dur10 id e1 step c0ffee00\n"
		       "  function error FAILED q41700 st41710 en41719 dur9 id exec-2fed83ed out{efin}\n"
		       "    Attempt 0 FAILED q41700 st41710 en41719 dur9 id efin out{efin}\n");
}

// No other attempt is due: the reference server would show one.
static void test_non_retriable(void **state) {
	struct fixture *f = *state;
	scenario_non_retriable(f, true);
	f->subject.status = TRACE_RUN_RUNNING;
	f->spans[0].status = SPAN_RUNNING;
	f->spans[0].ended_ns = 0;
	f->all.count = 4;
	check_plain(f, "app-fn RUNNING isRoot q0 st10 en- dur0\n"
		       "  fatal FAILED q1 st10 en20 dur10 id exec-7bd1a2c3 step fa7a1000\n"
		       "    Attempt 0 FAILED q1 st10 en20 dur10 id e0 step fa7a1000\n"
		       "  Queued step QUEUED q20 st- en- dur0 id queued\n");
}

static void test_function_throws(void **state) {
	struct fixture *f = *state;
	scenario_function_throws(f, true);
	check_plain(f, "app-fn FAILED isRoot q0 st56 en20710 dur20654 out{e1}\n"
		       "  execute FAILED attempts2 q1 st58 en20709 dur20651 id exec-4a4a4a4a out{e1}\n"
		       "    Attempt 0 FAILED q1 st58 en68 dur10 id e0 out{e0}\n"
		       "    Attempt 1 FAILED attempts1 q20702 st20704 en20709 dur5 id e1 out{e1}\n");
}

static void test_function_retries(void **state) {
	struct fixture *f = *state;
	scenario_function_throws(f, false);
	check_plain(f, "app-fn RUNNING isRoot q0 st56 en- dur0\n"
		       "  execute RUNNING q1 st58 en- dur0 id exec-4a4a4a4a\n"
		       "    Attempt 0 FAILED q1 st58 en68 dur10 id e0 out{e0}\n"
		       "    Attempt 1 QUEUED attempts1 q68 st- en- dur0 id queued\n");
}

static void test_in_flight(void **state) {
	struct fixture *f = *state;
	scenario_in_flight(f);
	f->subject.now_ns = at(237);
	check_plain(f, "app-fn RUNNING isRoot q0 st137 en- dur100\n"
		       "  execute RUNNING q1 st137 en- dur100 id exec-90070c9e\n"
		       "    Attempt 0 RUNNING q1 st137 en- dur100 id e1\n"
		       "  first step COMPLETED RUN q151 st151 en152 dur1 id fbd6b50f step 98bf98df out{fbd6b50f}\n");
}

static void test_sleep(void **state) {
	struct fixture *f = *state;
	scenario_sleep(f);
	check_plain(f, "app-fn COMPLETED isRoot q0 st100 en2363 dur2263 out{efin}\n"
		       "  pre COMPLETED RUN q1 st110 en123 dur13 id e-pre step pre out{e-pre}\n"
		       "  nap COMPLETED SLEEP q321 st321 en2321 dur2000 id 178a6591 step c2640f79 until 2321\n"
		       "  post COMPLETED RUN q2321 st2323 en2329 dur6 id e-post step post out{u-post}\n"
		       "  function success COMPLETED q2330 st2340 en2362 dur22 id efin out{efin}\n");
}

static void test_asleep(void **state) {
	struct fixture *f = *state;
	add_root(f, SPAN_RUNNING, 100, NONE);
	f->subject.status = TRACE_RUN_RUNNING;
	f->subject.now_ns = at(421);
	add_waiting_request(f, OPCODE_SLEEP, "c2640f79", "", 1, 310, 320);
	add_sleep(f, "178a6591", "nap", SPAN_SLEEPING, 321, 2000);
	add_discovery(f, "c9e1efe2", "9f77c0eb", 2321);
	check_plain(f, "app-fn RUNNING isRoot q0 st100 en- dur321\n"
		       "  nap RUNNING SLEEP q321 st321 en- dur100 id 178a6591 step c2640f79 until 2321\n"
		       "    Attempt 0 RUNNING q321 st321 en- dur100 id exec-178a6591\n");
	f->subject.now_ns = at(2321); // woken, though nobody has written it
	check_plain(f, "app-fn RUNNING isRoot q0 st100 en- dur2221\n"
		       "  nap COMPLETED SLEEP q321 st321 en2321 dur2000 id 178a6591 step c2640f79 until 2321\n"
		       "  Queued step QUEUED q2321 st- en- dur0 id queued\n");
}

static void test_cancelled_asleep(void **state) {
	struct fixture *f = *state;
	scenario_cancelled_asleep(f);
	check_plain(f, "app-fn CANCELLED isRoot q0 st160 en11843 dur11683\n"
		       "  one COMPLETED RUN q1 st165 en173 dur8 id e-one step one out{e-one}\n"
		       "  long CANCELLED SLEEP q324 st324 en11843 dur11519 id 178a6591 step c2640f79 until 3600324\n");
}

static void test_waits(void **state) {
	struct fixture *f = *state;
	scenario_wait(f, UNSET);
	check_plain(f, "app-fn RUNNING isRoot q0 st60 en- dur0\n"
		       "  wait-it WAITING WAIT_FOR_EVENT q72 st77 en- dur0 id w1 step 0e0e0e0e event app/go if "
		       "async.data.k == 1.0 timeout 3600072 timedOut null\n");
	f->all.count = 0;
	f->subject.status = TRACE_RUN_COMPLETED;
	scenario_wait(f, NO);
	check_plain(f,
		    "app-fn COMPLETED isRoot q0 st60 en12400 dur12340 out{efin}\n"
		    "  wait-it COMPLETED WAIT_FOR_EVENT q72 st77 en12329 dur12252 id w1 step 0e0e0e0e out{u-w1} event "
		    "app/go if async.data.k == 1.0 timeout 3600072 found 01M7YJ5BWCF0PFDBZ4W11SMC6R timedOut false\n"
		    "  function success COMPLETED q12330 st12340 en12399 dur59 id efin out{efin}\n");
	f->spans[3].is_expired = YES;
	f->spans[3].matched_event_id = STR("");
	check_plain(f,
		    "app-fn COMPLETED isRoot q0 st60 en12400 dur12340 out{efin}\n"
		    "  wait-it COMPLETED WAIT_FOR_EVENT q72 st77 en12329 dur12252 id w1 step 0e0e0e0e event app/go if "
		    "async.data.k == 1.0 timeout 3600072 timedOut true\n"
		    "  function success COMPLETED q12330 st12340 en12399 dur59 id efin out{efin}\n");
}

static void test_invokes(void **state) {
	struct fixture *f = *state;
	scenario_invoke(f, SPAN_INVOKING, UNSET);
	check_plain(
		f,
		"app-fn RUNNING isRoot q0 st60 en- dur0\n"
		"  call-child RUNNING INVOKE q118 st118 en- dur0 id i1 step 1a1a1a1a by 01M7YJ5BWCF0PFDBZ4W11SMC6A fn "
		"app-child timeout 31536000118 run 01M7YJ5BWCF0PFDBZ4W11SMC6B timedOut null\n"
		"    Attempt 0 RUNNING q118 st118 en- dur0 id exec-i1\n");
	f->all.count = 0;
	scenario_invoke(f, SPAN_ERRORED, YES);
	f->all.count -= 1; // without executor.nonstep, which is not in this tree
	check_plain(f, "app-fn FAILED isRoot q0 st60 en900 dur840 out{efin}\n"
		       "  call-child FAILED INVOKE q118 st118 en762 dur644 id i1 step 1a1a1a1a out{u-i1} by "
		       "01M7YJ5BWCF0PFDBZ4W11SMC6A fn app-child timeout 31536000118 timedOut true\n"
		       "  function error FAILED q770 st780 en899 dur119 id exec-2fed83ed out{efin}\n"
		       "    Attempt 0 FAILED q770 st780 en899 dur119 id efin out{efin}\n");
}

static void test_not_started(void **state) {
	struct fixture *f = *state;
	scenario_queued(f);
	check_plain(f, "app-fn QUEUED isRoot q0 st- en- dur0\n");
	f->all.count = 0;
	scenario_skipped(f);
	check_plain(f, "app-fn SKIPPED isRoot q0 st- en- dur0 skipped Singleton by 01M7YJ5BWCF0PFDBZ4W11SMC6D\n");
}

// An attempt that fails is told of by its request; when the next one reports the step on its way, only that is told by
// the step's own span.
static void test_checkpoint_after_retry(void **state) {
	struct fixture *f = *state;
	scenario_retry(f, false);
	struct span *second = add_execution(f, "e1", "d1", "03276177", SPAN_COMPLETED, 24, 100, 110, 150);
	set_op(second, OPCODE_RUN_COMPLETE, "0737c22d", "0737c22d");
	set_attempt(second, 1, 4);
	set_result(second, 206);
	struct span *step = add_step(f, "ae22bffa", "", SPAN_COMPLETED, 112, NONE, 112, 113);
	set_op(step, OPCODE_STEP_RUN, "0612bcf5", "flaky");
	set_output(step, "ae22bffa");
	check_plain(f, "app-fn RUNNING isRoot q0 st7 en- dur0\n"
		       "  flaky COMPLETED RUN q112 st112 en113 dur1 id ae22bffa step 0612bcf5 out{ae22bffa}\n"
		       "  0737c22d COMPLETED attempts1 q1 st7 en150 dur143 id exec-03276177 step 0737c22d out{e1}\n"
		       "    Attempt 0 FAILED RUN q1 st7 en19 dur12 id e0 step 0612bcf5 out{u0}\n"
		       "    Attempt 1 COMPLETED attempts1 q100 st110 en150 dur40 id e1 step 0737c22d out{e1}\n");
}

static void test_userland(void **state) {
	struct fixture *f = *state;
	scenario_userland(f);
	check_plain(f, "app-fn COMPLETED isRoot q0 st100 en500 dur400 out{efin}\n"
		       "  work COMPLETED RUN q1 st110 en182 dur72 id e-work step work out{e-work}\n"
		       "    GET / COMPLETED userland q130 st130 en170 dur40 id 0b0b\n"
		       "      dns COMPLETED userland q131 st131 en133 dur2 id 0c0c\n"
		       "    query FAILED userland q140 st140 en150 dur10 id 0d0d\n"
		       "  function success COMPLETED q190 st400 en499 dur99 id efin out{efin}\n");
}

static void test_ids(void **state) {
	struct fixture *f = *state;
	scenario_retry(f, true);
	f->subject.app_id = (struct uuid){{1}};
	f->subject.function_id = (struct uuid){{2}};
	const struct trace_node *root = trace_tree_plain(&f->arena, &f->subject, &f->all);
	assert_int_equal(root->parent_id.len, 0);
	const struct trace_node *group = root->children[0];
	assert_true(str_eq(group->parent_id, STR(ROOT)));
	assert_true(str_eq(group->children[0]->parent_id, group->span_id));
	struct trace_output_id id;
	struct error error;
	assert_int_equal(trace_output_id_parse(&f->arena, group->output_id, &id, &error), ERR_OK);
	assert_false(id.is_preview);
	assert_true(uuid_eq(&id.app_id, &f->subject.app_id) && uuid_eq(&id.function_id, &f->subject.function_id));
	assert_true(str_eq(id.trace_id, STR("5a4ae3fe5a4ae3fe5a4ae3fe5a4ae3fe")));
	// Nothing of the other tree.
	assert_int_equal(group->group_id.len + group->step_type.len + group->metadata_count, 0);
	assert_false(group->children[0]->has_response);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TRACE_TEST(test_sequential),      TRACE_TEST(test_checkpointing),
		TRACE_TEST(test_parallel),        TRACE_TEST(test_planned),
		TRACE_TEST(test_retry),           TRACE_TEST(test_retry_due),
		TRACE_TEST(test_fails_for_good),  TRACE_TEST(test_non_retriable),
		TRACE_TEST(test_function_throws), TRACE_TEST(test_function_retries),
		TRACE_TEST(test_in_flight),       TRACE_TEST(test_sleep),
		TRACE_TEST(test_asleep),          TRACE_TEST(test_cancelled_asleep),
		TRACE_TEST(test_waits),           TRACE_TEST(test_invokes),
		TRACE_TEST(test_not_started),     TRACE_TEST(test_checkpoint_after_retry),
		TRACE_TEST(test_userland),        TRACE_TEST(test_ids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
