// The trees of spec 06 §21, as the reference server shows them but for the improvements of §14, §19 and §21.
#include "scenarios.h"

static void test_sequential(void **state) {
	struct fixture *f = *state;
	scenario_sequential(f);
	check_tree(f, "Run COMPLETED isRoot q0 sch0 st108 en419 dur311 grp 18eb0f4c response 200 md[run inngest.usage] "
		      "out{final,events}\n"
		      "  first step COMPLETED RUN q1 sch- st110 en128 dur- step 98bf98df response 206 md(req) out{u1}\n"
		      "  first step COMPLETED RUN q1 sch1 st125 en126 dur1 grp 3dad2b5c step 98bf98df out{fbd6b50f}\n"
		      "  second COMPLETED RUN q130 sch- st255 en315 dur- grp 3dad2b5c step 352f7829 response 206 "
		      "md(req) out{u2}\n"
		      "  second COMPLETED RUN q130 sch130 st263 en313 dur50 grp 0ea8c191 step 352f7829 out{63eae357}\n"
		      "  Finalization COMPLETED q317 sch- st404 en418 dur- grp 0ea8c191 type FINALIZATION response 200 "
		      "md(req)\n"
		      "  executor.nonstep COMPLETED q317 sch317 st404 en419 dur15 grp 18eb0f4c out{nonstep}\n");
}

static void test_checkpointing(void **state) {
	struct fixture *f = *state;
	scenario_checkpointing(f);
	check_tree(
		f,
		"0737c22d COMPLETED isRoot q0 sch1 st137 en221 dur84 grp 90070c9e step 0737c22d md[run inngest.usage] "
		"out{final,events}\n"
		"  executor.nonstep COMPLETED q1 sch1 st137 en221 dur84 grp 90070c9e out{nonstep}\n"
		"  first step COMPLETED RUN q151 sch- st151 en152 dur1 step 98bf98df md(req) out{fbd6b50f}\n"
		"  second COMPLETED RUN q160 sch- st160 en210 dur50 step 352f7829 out{63eae357}\n");
}

static void test_parallel(void **state) {
	struct fixture *f = *state;
	scenario_parallel(f);
	check_tree(
		f,
		"Run COMPLETED isRoot q0 sch0 st14 en480 dur466 md[run inngest.usage] out{final,events}\n"
		"  p-a COMPLETED RUN q27 sch- st160 en254 dur- grp d5b76b43 step p-a response 206 md(req) out{e-p-a}\n"
		"  p-b COMPLETED RUN q28 sch- st160 en272 dur- grp d5b76b43 step p-b response 206 md(req) out{e-p-b}\n"
		"  p-c COMPLETED RUN q29 sch- st160 en263 dur- grp d5b76b43 step p-c response 206 md(req) out{e-p-c}\n"
		"  p-a COMPLETED RUN q27 sch27 st172 en252 dur80 grp g-p-a step p-a md(req) out{s-p-a}\n"
		"  p-c COMPLETED RUN q29 sch29 st181 en261 dur80 grp g-p-c step p-c out{s-p-c}\n"
		"  p-b COMPLETED RUN q28 sch28 st190 en270 dur80 grp g-p-b step p-b out{s-p-b}\n"
		"  join COMPLETED RUN q290 sch- st300 en313 dur- grp g-p-b step join response 206 md(req) out{e-join}\n"
		"  join COMPLETED RUN q290 sch290 st310 en311 dur1 grp g-join step join out{s-join}\n"
		"  Finalization COMPLETED q320 sch- st400 en478 dur- grp g-join type FINALIZATION response 200 "
		"md(req)\n"
		"  executor.nonstep COMPLETED q320 sch320 st400 en479 dur79 grp g-fin out{nonstep}\n");
}

// The last request ends with RunComplete and has reported join on its way.
static void test_parallel_checkpointing(void **state) {
	struct fixture *f = *state;
	struct span *root = add_root(f, SPAN_COMPLETED, 14, 480);
	set_op(root, OPCODE_RUN_COMPLETE, "0737c22d", "0737c22d");
	add_discovery(f, "d0", "", 1);
	add_execution(f, "e0", "d0", "g0", SPAN_COMPLETED, 1, 1, 14, 26)->is_dropped = true;
	add_run_step(f, "p-a", "p-a", "g0", "g-a", 27, 160, 172, 252);
	add_run_step(f, "p-b", "p-b", "g0", "g-b", 28, 160, 190, 270);
	add_discovery(f, "d1", "g-b", 290);
	struct span *last = add_execution(f, "e1", "d1", "g1", SPAN_COMPLETED, 290, 290, 300, 479);
	set_op(last, OPCODE_RUN_COMPLETE, "0737c22d", "0737c22d");
	set_result(last, 206);
	struct span *result = add(f, SPAN_NONSTEP, "nonstep", ROOT);
	result->status = SPAN_COMPLETED;
	set_times(result, 290, 290, 300, 480);
	set_op(add_step(f, "join", "", SPAN_COMPLETED, 310, NONE, 310, 311), OPCODE_STEP_RUN, "join", "join");
	check_tree(f, "0737c22d COMPLETED isRoot q0 sch0 st14 en480 dur466 step 0737c22d md[run inngest.usage] "
		      "out{final,events}\n"
		      "  p-a COMPLETED RUN q27 sch- st160 en254 dur- grp g0 step p-a response 206 md(req) out{e-p-a}\n"
		      "  p-b COMPLETED RUN q28 sch- st160 en272 dur- grp g0 step p-b response 206 md(req) out{e-p-b}\n"
		      "  p-a COMPLETED RUN q27 sch27 st172 en252 dur80 grp g-a step p-a md(req) out{s-p-a}\n"
		      "  p-b COMPLETED RUN q28 sch28 st190 en270 dur80 grp g-b step p-b out{s-p-b}\n"
		      "  executor.nonstep COMPLETED q290 sch290 st300 en480 dur180\n"
		      "  join COMPLETED RUN q310 sch- st310 en311 dur1 step join md(req)\n");
}

// A branch that waits for capacity: its discovery is omitted, and its start is not yet (§14, improved).
static void test_planned(void **state) {
	struct fixture *f = *state;
	add_root(f, SPAN_RUNNING, 14, NONE);
	f->subject.status = TRACE_RUN_RUNNING;
	add_run_step(f, "qa", "qa", "d5b76b43", "g-qa", 56, 60, 70, 80);
	add_discovery(f, "d-qb", "d5b76b43", 57);
	struct span *planned = add_step(f, "s-qb", "", SPAN_QUEUED, 58, 58, 57, NONE);
	set_op(planned, OPCODE_STEP_PLANNED, "qb", "qb");
	check_tree(f, "Run RUNNING isRoot q0 sch0 st14 en- dur- md[run inngest.usage] out{,events}\n"
		      "  qa COMPLETED RUN q56 sch- st60 en82 dur- grp d5b76b43 step qa response 206 md(req) out{e-qa}\n"
		      "  qb QUEUED RUN q58 sch58 st- en- dur- step qb\n"
		      "  qa COMPLETED RUN q56 sch56 st70 en80 dur10 grp g-qa step qa out{s-qa}\n");
	f->subject.status = TRACE_RUN_CANCELLED;
	f->spans[0].status = SPAN_CANCELLED;
	f->spans[0].ended_ns = at(100);
	check_tree(f, "Run CANCELLED isRoot q0 sch0 st14 en100 dur86 md[run inngest.usage] out{,events}\n"
		      "  qa COMPLETED RUN q56 sch- st60 en82 dur- grp d5b76b43 step qa response 206 md(req) out{e-qa}\n"
		      "  qb CANCELLED RUN q58 sch58 st- en- dur- step qb\n"
		      "  qa COMPLETED RUN q56 sch56 st70 en80 dur10 grp g-qa step qa out{s-qa}\n");
}

static void test_retry(void **state) {
	struct fixture *f = *state;
	scenario_retry(f, true);
	check_tree(
		f,
		"Run COMPLETED isRoot q0 sch0 st7 en21608 dur21601 md[run inngest.usage] out{final,events}\n"
		"  flaky COMPLETED RUN attempts1 q1 sch- st7 en21458 dur- step 0612bcf5 out{u1}\n"
		"    Attempt 0 FAILED RUN q1 sch1 st7 en19 dur12 grp 03276177 step 0612bcf5 response 206 md(req) "
		"out{u0}\n"
		"    Attempt 1 COMPLETED RUN attempts1 q19 sch21394 st21453 en21458 dur5 grp 03276177 step 0612bcf5 "
		"response 206 md(req) out{u1}\n"
		"  flaky FAILED RUN q1 sch1 st17 en18 dur1 grp 03276177 step 0612bcf5 out{3549b3c9}\n"
		"  flaky COMPLETED RUN attempts1 q24 sch21394 st21457 en21458 dur1 grp 03276177 step 0612bcf5 "
		"out{ae22bffa}\n"
		"  Finalization COMPLETED q21460 sch- st21550 en21607 dur- grp 03276177 type FINALIZATION response 200 "
		"md(req)\n"
		"  executor.nonstep COMPLETED q21460 sch21460 st21550 en21608 dur58 grp 9c2f1d60 out{nonstep}\n");
}

// While the retry waits the group is FAILED already.
static void test_retry_due(void **state) {
	struct fixture *f = *state;
	scenario_retry(f, false);
	check_tree(f, "Run RUNNING isRoot q0 sch0 st7 en- dur- md[run inngest.usage] out{,events}\n"
		      "  flaky FAILED RUN q1 sch- st7 en19 dur- step 0612bcf5 out{u0}\n"
		      "    Attempt 0 FAILED RUN q1 sch1 st7 en19 dur12 grp 03276177 step 0612bcf5 response 206 md(req) "
		      "out{u0}\n"
		      "  flaky FAILED RUN q1 sch1 st17 en18 dur1 grp 03276177 step 0612bcf5 out{3549b3c9}\n");
}

static void test_fails_for_good(void **state) {
	struct fixture *f = *state;
	scenario_fails_for_good(f);
	check_tree(
		f,
		"Run FAILED isRoot q0 sch0 st10 en41720 dur41710 response 400 md[run inngest.usage] out{final,events}\n"
		"  always fails FAILED RUN attempts1 q1 sch- st10 en20020 dur- step c0ffee00\n"
		"    Attempt 0 FAILED RUN q1 sch1 st10 en20 dur10 grp 7bd1a2c3 step c0ffee00 response 206 md(req)\n"
		"    Attempt 1 FAILED attempts1 q20 sch20000 st20010 en20020 dur10 grp 7bd1a2c3 step c0ffee00 response "
		"206 "
		"md(req)\n"
		"  always fails FAILED RUN q1 sch1 st12 en13 dur1 grp 7bd1a2c3 step c0ffee00\n"
		"  always fails FAILED attempts1 q25 sch20000 st20012 en20013 dur1 grp 7bd1a2c3 step c0ffee00\n"
		"  Finalization FAILED q41700 sch- st41710 en41719 dur- type FINALIZATION\n"
		"    Attempt 0 FAILED q41700 sch41700 st41710 en41719 dur9 grp 2fed83ed response 400 md(req) "
		"out{efin}\n"
		"  executor.nonstep FAILED q41700 sch41700 st41710 en41720 dur10 grp 2fed83ed out{nonstep}\n");
}

static void test_non_retriable(void **state) {
	struct fixture *f = *state;
	scenario_non_retriable(f, false);
	check_tree(f, "Run FAILED isRoot q0 sch0 st10 en60 dur50 md[run inngest.usage] out{final,events}\n"
		      "  fatal FAILED q1 sch1 st12 en13 dur1 grp 7bd1a2c3 step fa7a1000\n"
		      "  Finalization FAILED q30 sch- st40 en59 dur- type FINALIZATION\n"
		      "    Attempt 0 FAILED q30 sch30 st40 en59 dur19 grp 2fed83ed response 400 md(req) out{efin}\n"
		      "  executor.nonstep FAILED q30 sch30 st40 en60 dur20 grp 2fed83ed out{nonstep}\n");
}

static void test_caught(void **state) {
	struct fixture *f = *state;
	scenario_non_retriable(f, true);
	check_tree(
		f,
		"Run COMPLETED isRoot q0 sch0 st10 en60 dur50 md[run inngest.usage] out{final,events}\n"
		"  fatal FAILED q1 sch1 st12 en13 dur1 grp 7bd1a2c3 step fa7a1000\n"
		"  Finalization COMPLETED q30 sch- st40 en59 dur- grp 7bd1a2c3 type FINALIZATION response 200 md(req)\n"
		"  executor.nonstep COMPLETED q30 sch30 st40 en60 dur20 grp 2fed83ed out{nonstep}\n");
}

static void test_function_throws(void **state) {
	struct fixture *f = *state;
	scenario_function_throws(f, true);
	check_tree(
		f,
		"Run FAILED isRoot q0 sch0 st56 en20710 dur20654 response 400 md[run inngest.usage] out{final,events}\n"
		"  Finalization FAILED attempts1 q1 sch- st58 en20709 dur- type FINALIZATION\n"
		"    Attempt 0 FAILED q1 sch1 st58 en68 dur10 grp 4a4a4a4a response 500 md(req) out{e0}\n"
		"    Attempt 1 FAILED attempts1 q68 sch20702 st20704 en20709 dur5 grp 4a4a4a4a response 400 md(req) "
		"out{e1}\n"
		"  executor.nonstep FAILED q1 sch1 st56 en69 dur13\n"
		"  executor.nonstep FAILED attempts1 q69 sch20702 st20702 en20710 dur8\n");
}

// post and nap start in the same millisecond: the id decides, also who takes the metadata of the omitted request.
static void test_sleep(void **state) {
	struct fixture *f = *state;
	scenario_sleep(f);
	check_tree(f,
		   "Run COMPLETED isRoot q0 sch0 st100 en2363 dur2263 md[run inngest.usage] out{final,events}\n"
		   "  pre COMPLETED RUN q1 sch- st110 en123 dur- step pre response 206 md(req) out{e-pre}\n"
		   "  pre COMPLETED RUN q1 sch1 st120 en121 dur1 grp g-pre step pre out{s-pre}\n"
		   "  post COMPLETED RUN q321 sch2321 st321 en2329 dur2008 grp g-post step post md(req) out{164da22a}\n"
		   "  nap COMPLETED SLEEP q321 sch321 st321 en2321 dur2000 grp 9f77c0eb step c2640f79 until 2321\n"
		   "  post COMPLETED RUN q2321 sch- st2323 en2329 dur- grp 9f77c0eb step post response 206 md(req) "
		   "out{u-post}\n"
		   "  Finalization COMPLETED q2330 sch- st2340 en2362 dur- grp g-post type FINALIZATION response 200 "
		   "md(req)\n"
		   "  executor.nonstep COMPLETED q2330 sch2330 st2340 en2363 dur23 grp g-fin out{nonstep}\n");
}

static void test_asleep(void **state) {
	struct fixture *f = *state;
	add_root(f, SPAN_RUNNING, 100, NONE);
	f->subject.status = TRACE_RUN_RUNNING;
	add_waiting_request(f, OPCODE_SLEEP, "c2640f79", "", 1, 310, 320);
	add_sleep(f, "178a6591", "nap", SPAN_SLEEPING, 321, 2000);
	add_discovery(f, "c9e1efe2", "9f77c0eb", 2321);
	check_tree(f, "Run RUNNING isRoot q0 sch0 st100 en- dur- md[run inngest.usage] out{,events}\n"
		      "  nap WAITING SLEEP q321 sch321 st321 en- dur- grp 9f77c0eb step c2640f79 md(req) until 2321\n");
}

// A run that starts with a sleep: its result began when the sleep did.
static void test_starts_with_sleep(void **state) {
	struct fixture *f = *state;
	add_root(f, SPAN_COMPLETED, 100, 2363);
	add_waiting_request(f, OPCODE_SLEEP, "c2640f79", "", 1, 310, 320);
	add_sleep(f, "178a6591", "nap", SPAN_COMPLETED, 321, 2000);
	add_result(f, "9f77c0eb", "g-fin", 2321, 2340, 2363);
	struct span *result = &f->spans[f->all.count - 1];
	set_times(result, 321, 2321, 322, 2363);
	check_tree(
		f,
		"Run COMPLETED isRoot q0 sch0 st100 en2363 dur2263 md[run inngest.usage] out{final,events}\n"
		"  nap COMPLETED SLEEP q321 sch321 st321 en2321 dur2000 grp 9f77c0eb step c2640f79 md(req) until 2321\n"
		"  executor.nonstep COMPLETED q321 sch2321 st322 en2363 dur2041 grp g-fin out{nonstep}\n"
		"  Finalization COMPLETED q2321 sch- st2340 en2362 dur- grp 9f77c0eb type FINALIZATION response 200 "
		"md(req)\n");
}

static void test_wait(void **state) {
	struct fixture *f = *state;
	scenario_wait(f, NO);
	check_tree(
		f,
		"Run COMPLETED isRoot q0 sch0 st60 en12400 dur12340 md[run inngest.usage] out{final,events}\n"
		"  wait-it COMPLETED WAIT_FOR_EVENT q72 sch72 st77 en12329 dur12252 grp 9f77c0eb step 0e0e0e0e md(req) "
		"out{u-w1} event app/go if async.data.k == 1.0 timeout 3600072 found 01M7YJ5BWCF0PFDBZ4W11SMC6R "
		"timedOut "
		"false\n"
		"  Finalization COMPLETED q12330 sch- st12340 en12399 dur- grp 9f77c0eb type FINALIZATION response 200 "
		"md(req)\n"
		"  executor.nonstep COMPLETED q12330 sch12330 st12340 en12400 dur60 grp g-fin out{nonstep}\n");
}

static void test_waiting(void **state) {
	struct fixture *f = *state;
	scenario_wait(f, UNSET);
	check_tree(f,
		   "Run RUNNING isRoot q0 sch0 st60 en- dur- md[run inngest.usage] out{,events}\n"
		   "  wait-it WAITING WAIT_FOR_EVENT q72 sch72 st77 en- dur- grp 9f77c0eb step 0e0e0e0e md(req) event "
		   "app/go if async.data.k == 1.0 timeout 3600072 timedOut null\n");
}

static void test_wait_timed_out(void **state) {
	struct fixture *f = *state;
	scenario_wait(f, YES);
	check_tree(
		f,
		"Run COMPLETED isRoot q0 sch0 st60 en12400 dur12340 md[run inngest.usage] out{final,events}\n"
		"  wait-it COMPLETED WAIT_FOR_EVENT q72 sch72 st77 en12329 dur12252 grp 9f77c0eb step 0e0e0e0e md(req) "
		"event app/go if async.data.k == 1.0 timeout 3600072 timedOut true\n"
		"  Finalization COMPLETED q12330 sch- st12340 en12399 dur- type FINALIZATION response 200 md(req)\n"
		"  executor.nonstep COMPLETED q12330 sch12330 st12340 en12400 dur60 grp g-fin out{nonstep}\n");
}

static void test_signal(void **state) {
	struct fixture *f = *state;
	f->subject.status = TRACE_RUN_RUNNING;
	add_root(f, SPAN_RUNNING, 60, NONE);
	struct span *span = add_step(f, "w1", "9f77c0eb", SPAN_WAITING, 72, 72, 77, NONE);
	set_op(span, OPCODE_WAIT_FOR_SIGNAL, "0e0e0e0e", "wait-it");
	span->signal = STR("go");
	check_tree(f, "Run RUNNING isRoot q0 sch0 st60 en- dur- out{,events}\n"
		      "  wait-it WAITING WAIT_FOR_SIGNAL q72 sch72 st77 en- dur- grp 9f77c0eb step 0e0e0e0e signal go "
		      "timeout "
		      "- timedOut null\n");
}

static void test_invoke(void **state) {
	struct fixture *f = *state;
	scenario_invoke(f, SPAN_COMPLETED, NO);
	check_tree(f, "Run COMPLETED isRoot q0 sch0 st60 en900 dur840 md[run inngest.usage] out{final,events}\n"
		      "  call-child COMPLETED INVOKE q118 sch118 st118 en762 dur644 grp 9f77c0eb step 1a1a1a1a md(req) "
		      "out{u-i1} "
		      "by 01M7YJ5BWCF0PFDBZ4W11SMC6A fn app-child timeout 31536000118 returned "
		      "01M7YJ5BWCF0PFDBZ4W11SMC6C run "
		      "01M7YJ5BWCF0PFDBZ4W11SMC6B timedOut false\n"
		      "  Finalization COMPLETED q770 sch- st780 en899 dur- grp 9f77c0eb type FINALIZATION response 200 "
		      "md(req)\n"
		      "  executor.nonstep COMPLETED q770 sch770 st780 en900 dur120 grp g-fin out{nonstep}\n");
}

static void test_invoking(void **state) {
	struct fixture *f = *state;
	scenario_invoke(f, SPAN_INVOKING, UNSET);
	check_tree(
		f,
		"Run RUNNING isRoot q0 sch0 st60 en- dur- md[run inngest.usage] out{,events}\n"
		"  call-child RUNNING INVOKE q118 sch118 st118 en- dur- grp 9f77c0eb step 1a1a1a1a md(req) by "
		"01M7YJ5BWCF0PFDBZ4W11SMC6A fn app-child timeout 31536000118 run 01M7YJ5BWCF0PFDBZ4W11SMC6B timedOut "
		"null\n");
}

static void test_invoke_failed(void **state) {
	struct fixture *f = *state;
	scenario_invoke(f, SPAN_ERRORED, NO);
	check_tree(
		f,
		"Run FAILED isRoot q0 sch0 st60 en900 dur840 md[run inngest.usage] out{final,events}\n"
		"  call-child FAILED INVOKE q118 sch118 st118 en762 dur644 grp 9f77c0eb step 1a1a1a1a md(req) "
		"out{u-i1} by "
		"01M7YJ5BWCF0PFDBZ4W11SMC6A fn app-child timeout 31536000118 returned 01M7YJ5BWCF0PFDBZ4W11SMC6C run "
		"01M7YJ5BWCF0PFDBZ4W11SMC6B timedOut false\n"
		"  Finalization FAILED q770 sch- st780 en899 dur- type FINALIZATION\n"
		"    Attempt 0 FAILED q770 sch770 st780 en899 dur119 grp 2fed83ed response 400 md(req) out{efin}\n"
		"  executor.nonstep FAILED q770 sch770 st780 en900 dur120 grp 2fed83ed out{nonstep}\n");
}

static void test_invoke_timed_out(void **state) {
	struct fixture *f = *state;
	scenario_invoke(f, SPAN_ERRORED, YES);
	f->all.count -= 3; // without the end of the run, which the test before has
	check_tree(f, "Run FAILED isRoot q0 sch0 st60 en900 dur840 md[run inngest.usage] out{final,events}\n"
		      "  call-child FAILED INVOKE q118 sch118 st118 en762 dur644 grp 9f77c0eb step 1a1a1a1a md(req) "
		      "out{u-i1} by "
		      "01M7YJ5BWCF0PFDBZ4W11SMC6A fn app-child timeout 31536000118 run 01M7YJ5BWCF0PFDBZ4W11SMC6B "
		      "timedOut true\n");
}

#define CANCELLED_TREE                                                                                        \
	"Run CANCELLED isRoot q0 sch0 st160 en11843 dur11683 response 0 md[run inngest.usage] out{,events}\n" \
	"  one COMPLETED RUN q1 sch- st165 en173 dur- step one response 206 md(req) out{e-one}\n"             \
	"  one COMPLETED RUN q1 sch1 st170 en171 dur1 grp g-one step one out{s-one}\n"

static void test_cancelled_asleep(void **state) {
	struct fixture *f = *state;
	scenario_cancelled_asleep(f);
	check_tree(f, CANCELLED_TREE
		   "  long CANCELLED SLEEP q324 sch324 st324 en11843 dur11519 grp 9f77c0eb step c2640f79 "
		   "md(req) until 3600324\n");
	f->subject.keeps_open = true; // as in the reference server
	check_tree(
		f, CANCELLED_TREE
		"  long WAITING SLEEP q324 sch324 st324 en- dur- grp 9f77c0eb step c2640f79 md(req) until 3600324\n");
}

// The other branches of a run that failed, or that needed them no more: nothing will end their waits.
static void test_waits_of_a_run_that_ended(void **state) {
	struct fixture *f = *state;
	static const enum span_status open[] = {SPAN_SLEEPING, SPAN_WAITING, SPAN_INVOKING, SPAN_QUEUED};
	static const enum trace_run_status ends[] = {TRACE_RUN_COMPLETED, TRACE_RUN_FAILED};
	for (size_t i = 0; i < ARRAY_LEN(open) * ARRAY_LEN(ends); i++) {
		f->all.count = 0;
		f->subject.status = ends[i % ARRAY_LEN(ends)];
		f->subject.keeps_open = false;
		add_root(f, i % ARRAY_LEN(ends) == 0 ? SPAN_COMPLETED : SPAN_FAILED, 100, 500);
		struct span *span = add(f, SPAN_STEP, "s", ROOT);
		span->status = open[i / ARRAY_LEN(ends)];
		const struct trace_node *root = trace_tree(&f->arena, &f->subject, &f->all);
		assert_int_equal(root->children[0]->status, TRACE_CANCELLED_NODE);
		f->subject.keeps_open = true;
		root = trace_tree(&f->arena, &f->subject, &f->all);
		assert_int_not_equal(root->children[0]->status, TRACE_CANCELLED_NODE);
	}
}

// A request in flight when the run is cancelled ends with it, unless it has answered.
static void test_cancelled_in_flight(void **state) {
	struct fixture *f = *state;
	scenario_in_flight(f);
	f->subject.status = TRACE_RUN_CANCELLED;
	f->spans[0].status = SPAN_CANCELLED;
	f->spans[0].ended_ns = at(200);
	check_tree(f, "Run CANCELLED isRoot q0 sch0 st137 en200 dur63 out{,events}\n"
		      "  Execution CANCELLED q1 sch- st137 en200 dur-\n"
		      "    Attempt 0 CANCELLED q1 sch1 st137 en200 dur63 grp 90070c9e\n"
		      "  first step COMPLETED RUN q151 sch- st151 en152 dur1 step 98bf98df out{fbd6b50f}\n");
}

static void test_not_ended(void **state) {
	struct fixture *f = *state;
	scenario_queued(f);
	check_tree(f, "Run QUEUED isRoot q0 sch0 st- en- dur- out{,events}\n");
	f->all.count = 0;
	scenario_in_flight(f);
	check_tree(f, "Run RUNNING isRoot q0 sch0 st137 en- dur- out{,events}\n"
		      "  Execution RUNNING q1 sch- st137 en- dur-\n"
		      "    Attempt 0 RUNNING q1 sch1 st137 en- dur- grp 90070c9e\n"
		      "  first step COMPLETED RUN q151 sch- st151 en152 dur1 step 98bf98df out{fbd6b50f}\n");
}

// Of a run without a start of its own: the first omitted request has it.
static void test_start_of_root(void **state) {
	struct fixture *f = *state;
	add_root(f, SPAN_COMPLETED, NONE, 400);
	add_waiting_request(f, OPCODE_SLEEP, "c2640f79", "", 1, 310, 320);
	check_tree(f, "Run COMPLETED isRoot q0 sch0 st310 en400 dur90 md[run inngest.usage] out{final,events}\n");
	f->all.count = 1;
	add_run_step(f, "a", "a", "", "g", 1, 110, 120, 121);
	check_tree(f, "Run COMPLETED isRoot q0 sch0 st110 en400 dur290 md[run inngest.usage] out{final,events}\n"
		      "  a COMPLETED RUN q1 sch- st110 en123 dur- step a response 206 md(req) out{e-a}\n"
		      "  a COMPLETED RUN q1 sch1 st120 en121 dur1 grp g step a out{s-a}\n");
}

static void test_skipped(void **state) {
	struct fixture *f = *state;
	scenario_skipped(f);
	check_tree(f, "executor.run SKIPPED isRoot q0 sch0 st- en- dur- out{,events} skipped Singleton by "
		      "01M7YJ5BWCF0PFDBZ4W11SMC6D\n");
}

static void set_type(struct fixture *f, size_t first, const char *type, const char *input) {
	for (size_t i = first; i < f->all.count; i++) {
		f->spans[i].run_type = f->spans[i].op != OPCODE_NONE ? cstr(type) : (struct str){NULL, 0};
		if (f->spans[i].op != OPCODE_NONE && input[0] != '\0')
			f->spans[i].input = (struct span_text){.source = SPAN_OF_ROW, .row_id = cstr(input)};
	}
}

static void test_typed_steps(void **state) {
	struct fixture *f = *state;
	add_root(f, SPAN_RUNNING, 100, NONE);
	add_run_step(f, "send", "send", "", "g1", 1, 110, 120, 121);
	set_type(f, 1, "step.sendEvent", "");
	size_t first = f->all.count;
	add_run_step(f, "wrap", "wrap", "g1", "g2", 130, 140, 150, 151);
	set_type(f, first, "step.ai.wrap", "args");
	check_tree(
		f,
		"Run RUNNING isRoot q0 sch0 st100 en- dur- md[run inngest.usage] out{,events}\n"
		"  send COMPLETED RUN q1 sch- st110 en123 dur- step send response 206 md(req) out{e-send} info "
		"step.sendEvent\n"
		"  send COMPLETED RUN q1 sch1 st120 en121 dur1 grp g1 step send type step.sendEvent out{s-send} info "
		"step.sendEvent\n"
		"  wrap COMPLETED RUN q130 sch- st140 en153 dur- grp g1 step wrap response 206 md(req) "
		"out{e-wrap,args} info "
		"step.ai.wrap\n"
		"  wrap COMPLETED RUN q130 sch130 st150 en151 dur1 grp g2 step wrap type step.ai.wrap out{s-wrap,args} "
		"info "
		"step.ai.wrap\n");
}

// The group has only the input, the call that the server made has the rest.
static void test_gateway(void **state) {
	struct fixture *f = *state;
	add_root(f, SPAN_RUNNING, 100, NONE);
	add_run_step(f, "infer", "infer", "", "g1", 1, 110, 120, 121);
	for (size_t i = 2; i < f->all.count; i++) {
		set_op(&f->spans[i], OPCODE_AI_GATEWAY, "infer", "infer");
		f->spans[i].input = (struct span_text){.source = SPAN_OF_ROW, .row_id = STR("body")};
	}
	f->spans[2].output = (struct span_text){.source = SPAN_NOTHING};
	add_metadata(f, STR("s-infer"), "step_attempt", "inngest.http", "merge", "{\"method\":\"POST\"}");
	add_metadata(f, STR("s-infer"), "step_attempt", "inngest.ai", "merge", "{\"input_tokens\":10}");
	add_run_step(f, "fetch", "step.fetch: host", "g1", "g2", 130, 140, 150, 151);
	set_op(&f->spans[5], OPCODE_GATEWAY, "fetch", "step.fetch: host");
	set_op(&f->spans[6], OPCODE_GATEWAY, "fetch", "step.fetch: host");
	f->spans[5].output = (struct span_text){.source = SPAN_NOTHING};
	check_tree(
		f,
		"Run RUNNING isRoot q0 sch0 st100 en- dur- md[run inngest.usage] out{,events}\n"
		"  infer COMPLETED AI_GATEWAY q1 sch- st110 en123 dur- step infer response 206 md(req) out{,body}\n"
		"  infer COMPLETED AI_GATEWAY q1 sch1 st120 en121 dur1 grp g1 step infer md[step_attempt inngest.ai] "
		"md[step_attempt inngest.http] out{s-infer,body}\n"
		"  step.fetch: host COMPLETED AI_GATEWAY q130 sch- st140 en153 dur- grp g1 step fetch response 206 "
		"md(req)\n"
		"  step.fetch: host COMPLETED AI_GATEWAY q130 sch130 st150 en151 dur1 grp g2 step fetch "
		"out{s-fetch}\n");
}

static void test_userland(void **state) {
	struct fixture *f = *state;
	scenario_userland(f);
	check_tree(f, "Run COMPLETED isRoot q0 sch0 st100 en500 dur400 md[run inngest.usage] out{final,events}\n"
		      "  work COMPLETED RUN q1 sch- st110 en182 dur- step work response 206 md(req) out{e-work}\n"
		      "    GET / COMPLETED userland q130 sch- st130 en170 dur40\n"
		      "      dns COMPLETED userland q131 sch- st131 en133 dur2\n"
		      "  work COMPLETED RUN q1 sch1 st120 en180 dur60 grp g-work step work out{s-work}\n"
		      "    query FAILED userland q140 sch- st140 en150 dur10\n"
		      "  Finalization COMPLETED q190 sch- st400 en499 dur- grp g-work type FINALIZATION response 200 "
		      "md(req)\n"
		      "  executor.nonstep COMPLETED q190 sch190 st400 en500 dur100 grp g-fin out{nonstep}\n");
	const struct trace_node *root = trace_tree(&f->arena, &f->subject, &f->all);
	const struct trace_node *get = root->children[0]->children[0], *query = root->children[1]->children[0];
	assert_true(str_eq(get->user_name, STR("GET /")) && str_eq(get->user_kind, STR("client")));
	assert_true(str_eq(get->user_attributes, STR("{\"http.method\":\"GET\"}")));
	assert_true(str_eq(get->parent_id, STR("0a0a")));
	assert_true(str_eq(query->parent_id, STR("s-work"))); // the step that it named
}

// A checkpoint has given the job a fresh budget: the app calls its third attempt the first again.
static void test_userland_of_a_fresh_budget(void **state) {
	struct fixture *f = *state;
	add_root(f, SPAN_COMPLETED, 100, 500);
	add(f, SPAN_DISCOVERY, "d", ROOT);
	static const char *const executions[] = {"e0", "e1"}, *const steps[] = {"s0", "s1"};
	for (unsigned i = 0; i < 2; i++) {
		add_execution(f, executions[i], "d", "g", SPAN_COMPLETED, 1, 1, 110, 120)->attempt = i;
		struct span *step = add(f, SPAN_STEP, steps[i], ROOT);
		step->step_id = STR("work");
		step->has_attempt = true;
		step->attempt = i;
		set_times(step, 1, 1, 110 + i, 120 + i);
	}
	struct span *own = add_userland(f, "0d0d", "e1", "query", 112, 113);
	own->step_id = STR("work");
	own->has_attempt = true;
	const struct trace_node *root = trace_tree(&f->arena, &f->subject, &f->all);
	for (size_t i = 0; i < root->child_count; i++) {
		const struct trace_node *node = root->children[i];
		if (str_eq(node->span_id, STR("s0"))) assert_int_equal(node->child_count, 0);
		if (str_eq(node->span_id, STR("s1"))) assert_int_equal(node->child_count, 1);
	}
}

// ---- what nobody has promised --------------------------------------------------------------------------------------

static void test_no_root(void **state) {
	struct fixture *f = *state;
	assert_null(trace_tree(&f->arena, &f->subject, &f->all));
	assert_null(trace_tree_plain(&f->arena, &f->subject, &f->all));
	add_userland(f, "0a0a", "", "lonely", 1, 2);
	assert_null(trace_tree(&f->arena, &f->subject, &f->all));
}

// Unknown parents, circles, a second root, and rows that are no spans: left out.
static void test_strays(void **state) {
	struct fixture *f = *state;
	add(f, SPAN_OTHER, "second", "")->name = STR("somebody");
	add_root(f, SPAN_RUNNING, 10, NONE);
	add_step(f, "lost", "", SPAN_COMPLETED, 1, 1, 2, 3)->parent = STR("nobody");
	add_step(f, "self", "", SPAN_COMPLETED, 1, 1, 2, 3)->parent = STR("self");
	add_userland(f, "a", "b", "a", 1, 2);
	add_userland(f, "b", "a", "b", 1, 2);
	add(f, SPAN_OTHER, "defer", ROOT)->name = STR("executor.defer");
	check_tree(f, "executor.run RUNNING isRoot q0 sch0 st10 en- dur- out{,events}\n");
	check_plain(f, "app-fn COMPLETED isRoot q0 st10 en- dur0\n");
}

// A parent may be named by the id of any of its rows; an output by the span that has it.
static void test_row_ids(void **state) {
	struct fixture *f = *state;
	struct str rows[] = {STR("row1"), STR("row2")};
	struct span *root = add_root(f, SPAN_RUNNING, 10, NONE);
	root->row_ids = rows;
	root->row_id_count = 2;
	struct span *step = add_step(f, "s1", "", SPAN_COMPLETED, 1, 1, 2, 3);
	step->parent = STR("row2");
	set_op(step, OPCODE_STEP_RUN, "one", "one");
	step->output_ref = STR("s2");
	set_output(add_step(f, "s2", "", SPAN_COMPLETED, 5, 5, 6, 7), "two");
	add_metadata(f, STR("row1"), "run", "userland.x", "merge", "{\"a\":1}");
	check_tree(f, "Run RUNNING isRoot q0 sch0 st10 en- dur- md[run userland.x] md[run inngest.usage] out{,events}\n"
		      "  one COMPLETED RUN q1 sch1 st2 en3 dur1 step one out{two}\n"
		      "  executor.step COMPLETED q5 sch5 st6 en7 dur1 out{two}\n");
}

// Only the first Finalization is shown.
static void test_two_finalizations(void **state) {
	struct fixture *f = *state;
	add_root(f, SPAN_RUNNING, 10, NONE);
	scenario_function_throws(f, false);
	f->spans[1].parent = STR("nobody"); // its own root
	add_result(f, "", "g-fin", 200, 210, 220);
	check_tree(f, "Run RUNNING isRoot q0 sch0 st10 en- dur- md[run inngest.usage] out{,events}\n"
		      "  Finalization FAILED q1 sch- st58 en68 dur- type FINALIZATION\n"
		      "    Attempt 0 FAILED q1 sch1 st58 en68 dur10 grp 4a4a4a4a response 500 md(req) out{e0}\n"
		      "  executor.nonstep FAILED q1 sch1 st56 en69 dur13\n"
		      "  executor.nonstep COMPLETED q200 sch200 st210 en220 dur10 grp g-fin out{nonstep}\n");
}

#define DEEP 5000

static void test_depth(void **state) {
	struct fixture *f = *state;
	struct span *spans = mem_calloc(DEEP, sizeof *spans);
	spans[0] = (struct span){.kind = SPAN_RUN, .id = STR("0"), .parent = STR(SPAN_ID_NONE)};
	for (size_t i = 1; i < DEEP; i++)
		spans[i] = (struct span){
			.kind = SPAN_USERLAND,
			.id = arena_printf(&f->arena, "%zu", i),
			.parent = arena_printf(&f->arena, "%zu", i - 1),
			.name = STR("inner"),
			.last_ns = 1,
		};
	struct trace_spans all = {.spans = spans, .count = DEEP};
	struct trace_node *(*const trees[])(struct arena *, const struct trace_subject *,
					    const struct trace_spans *) = {trace_tree, trace_tree_plain};
	for (size_t i = 0; i < ARRAY_LEN(trees); i++) {
		size_t depth = 0;
		for (const struct trace_node *node = trees[i](&f->arena, &f->subject, &all); node->child_count > 0;
		     node = node->children[0])
			depth++;
		assert_int_equal(depth, TRACE_DEPTH_MAX);
	}
	free(spans);
}

static void test_extreme_values(void **state) {
	struct fixture *f = *state;
	add_root(f, SPAN_COMPLETED, NONE, NONE);
	f->spans[0].started_ns = INT64_MIN;
	f->spans[0].ended_ns = INT64_MAX;
	struct span *sleep = add_sleep(f, "s", "s", SPAN_SLEEPING, 1, INT64_MAX / 2);
	sleep->started_ns = INT64_MAX;
	const struct trace_node *root = trace_tree(&f->arena, &f->subject, &f->all);
	assert_int_equal(root->children[0]->info.sleep_until_ns, INT64_MAX);
	assert_non_null(trace_tree_plain(&f->arena, &f->subject, &f->all));
}

static void test_names(void **state) {
	(void)state;
	for (int i = SPAN_STATUS_NONE + 1; i < SPAN_STATUS_COUNT; i++)
		assert_int_equal(span_status_of(cstr(span_status_names[i])), i);
	assert_int_equal(span_status_of(STR("completed")), SPAN_STATUS_NONE);
	assert_int_equal(span_status_of(STR("")), SPAN_STATUS_NONE);
	for (int i = 0; i < TRACE_STATUS_COUNT; i++) assert_non_null(trace_status_names[i]);
	assert_null(span_kind_names[SPAN_OTHER]);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TRACE_TEST(test_sequential),
		TRACE_TEST(test_checkpointing),
		TRACE_TEST(test_parallel),
		TRACE_TEST(test_parallel_checkpointing),
		TRACE_TEST(test_planned),
		TRACE_TEST(test_retry),
		TRACE_TEST(test_retry_due),
		TRACE_TEST(test_fails_for_good),
		TRACE_TEST(test_non_retriable),
		TRACE_TEST(test_caught),
		TRACE_TEST(test_function_throws),
		TRACE_TEST(test_sleep),
		TRACE_TEST(test_asleep),
		TRACE_TEST(test_starts_with_sleep),
		TRACE_TEST(test_wait),
		TRACE_TEST(test_waiting),
		TRACE_TEST(test_wait_timed_out),
		TRACE_TEST(test_signal),
		TRACE_TEST(test_invoke),
		TRACE_TEST(test_invoking),
		TRACE_TEST(test_invoke_failed),
		TRACE_TEST(test_invoke_timed_out),
		TRACE_TEST(test_cancelled_asleep),
		TRACE_TEST(test_waits_of_a_run_that_ended),
		TRACE_TEST(test_cancelled_in_flight),
		TRACE_TEST(test_not_ended),
		TRACE_TEST(test_start_of_root),
		TRACE_TEST(test_skipped),
		TRACE_TEST(test_typed_steps),
		TRACE_TEST(test_gateway),
		TRACE_TEST(test_userland),
		TRACE_TEST(test_userland_of_a_fresh_budget),
		TRACE_TEST(test_no_root),
		TRACE_TEST(test_strays),
		TRACE_TEST(test_row_ids),
		TRACE_TEST(test_two_finalizations),
		TRACE_TEST(test_depth),
		TRACE_TEST(test_extreme_values),
		TRACE_TEST(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
