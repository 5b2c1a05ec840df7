// Facts that the engine leaves of a run, told one a line: what happened, to which step, and from which call it came.
#include "flow_fixture.h"

static struct arena facts_arena;

static int set_up(void **state) {
	arena_init(&facts_arena, 4096);
	return flow_setup(state);
}
static int tear_down(void **state) {
	arena_free(&facts_arena);
	return flow_teardown(state);
}
#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static bool find(const struct fixture *f, unsigned n, struct trace_fact *out) {
	const struct history_item *item = fixture_history(f, HISTORY_TRACE, n);
	struct error error;
	if (item != NULL) assert_int_equal(trace_fact_decode(&facts_arena, item->trace.data, out, &error), ERR_OK);
	return item != NULL;
}

static void tell_ops(char *out, const struct trace_fact *fact) {
	for (size_t i = 0; i < fact->op_count; i++) {
		char text[256];
		snprintf(text, sizeof text, " %s:%.*s", opcode_table[fact->ops[i].op].name, STR_ARG(fact->ops[i].id));
		flow_add(out, 1024, text);
	}
}

static void tell(char *out, const struct trace_fact *fact) {
	static const char *const names[] = {
		[FACT_CALL] = "call",       [FACT_CHECKPOINT] = "checkpoint", [FACT_WAIT] = "wait",
		[FACT_RESUMED] = "resumed", [FACT_INVOKED] = "invoked",       [FACT_CANCELLED] = "cancelled",
		[FACT_ENDED] = "end"};
	static const char *const outcomes[] = {[TRACE_OPCODES] = "",
					       [TRACE_RESULT] = " result",
					       [TRACE_ERROR] = " error",
					       [TRACE_CANCELLED] = " ended"};
	char text[512];
	flow_add(out, 1024, names[fact->kind]);
	if (fact->kind == FACT_CALL) {
		snprintf(text, sizeof text, " #%u/%u%s%s%.*s%s%.*s%s%s", fact->attempt, fact->max_attempts,
			 fact->parent_job != 0 ? "" : " first", fact->target.len > 0 ? " target " : "",
			 STR_ARG(fact->target), fact->slept.len > 0 ? " after " : "", STR_ARG(fact->slept),
			 outcomes[fact->outcome], fact->will_retry ? " retry" : "");
		flow_add(out, 1024, text);
	} else if (fact->kind != FACT_CHECKPOINT) {
		snprintf(text, sizeof text, " %s:%.*s%s%s", opcode_table[fact->op].name, STR_ARG(fact->step_id),
			 fact->is_timeout ? " timeout" : "", fact->is_error ? " error" : "");
		flow_add(out, 1024, text);
	}
	tell_ops(out, fact);
}

// Those of the last batch, in lines.
static void expect_facts(const struct fixture *f, const char *expected) {
	char text[1024] = "";
	struct trace_fact fact;
	for (unsigned n = 0; find(f, n, &fact); n++) {
		if (n > 0) flow_add(text, sizeof text, "\n");
		tell(text, &fact);
	}
	assert_string_equal(text, expected);
}

static struct trace_fact only(const struct fixture *f) {
	struct trace_fact fact;
	assert_true(find(f, 0, &fact));
	return fact;
}

static void register_one(struct fixture *f) {
	fixture_register_functions(f, FLOW("app-a", "x/a", NO_SETTINGS) "," FLOW("app-child", "x/child", NO_SETTINGS));
}

static void test_steps_and_result(void **state) {
	struct fixture *f = *state;
	register_one(f);
	begin(f, 'a', "x/a", NULL);
	const struct history_item *run = fixture_history(f, HISTORY_RUN, 0);
	assert_int_equal(run->run.started_ms, f->now); // the call is made in the batch that begins it
	assert_int_equal(fixture_histories(f, HISTORY_RUN_STARTED), 0);
	uint64_t begun = f->now;
	f->now += 5;
	answer(f, 'a',
	       "[{\"op\":\"StepRun\",\"id\":\"s\",\"displayName\":\"First\",\"data\":1,"
	       "\"timing\":{\"a\":1800000000002000000,\"b\":3000000}}]");
	expect_facts(f, "call #0/4 first StepRun:s");
	struct trace_fact first = only(f);
	assert_int_equal(first.started_ms, begun);
	assert_int_equal(first.at_ms, begun + 5);
	assert_true(str_eq_cstr(first.ops[0].name, "First"));
	assert_int_equal(first.ops[0].ended_ms - first.ops[0].started_ms, 3);
	assert_int_equal(first.ops[0].output.len, 0); // it is in the step's record
	f->now += 5;
	done(f, 'a');
	expect_facts(f, "call #0/4 result");
	struct trace_fact last = only(f);
	assert_true(last.parent_job == first.job);
	assert_int_equal(last.queued_ms, first.at_ms);
}

static void test_late_start(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, FLOW("app-a", "x/a", "\"concurrency\":[{\"limit\":1}]"));
	begin(f, 'a', "x/a", NULL);
	begin(f, 'b', "x/a", NULL);
	assert_int_equal(fixture_history(f, HISTORY_RUN, 0)->run.started_ms, 0);
	f->now += 9;
	done(f, 'a');
	assert_int_equal(fixture_histories(f, HISTORY_RUN_STARTED), 1);
	const struct history_item *started = fixture_history(f, HISTORY_RUN_STARTED, 0);
	assert_int_equal(started->at_ms, f->now);
	assert_int_equal(ulid_cmp(&started->run.run_id, &flow.ids['b']), 0);
}

static void test_retries(void **state) {
	struct fixture *f = *state;
	register_one(f);
	begin(f, 'a', "x/a", NULL);
	fails(f, 'a');
	expect_facts(f, "call #0/4 first error retry");
	assert_true(str_find_str(only(f).output, STR("{\"error\":{\"error\":")) == 0);
	uint64_t job = only(f).job, failed = f->now;
	fixture_tick(f, RETRY_AFTER);
	answer(f, 'a', "[{\"op\":\"StepError\",\"id\":\"s\",\"error\":{\"name\":\"E\",\"message\":\"m\"}}]");
	expect_facts(f, "call #1/4 first retry StepError:s");
	assert_true(only(f).job == job);
	assert_int_equal(only(f).queued_ms, failed);
	assert_int_equal(only(f).due_ms, failed + RETRY_AFTER);
	assert_true(str_find_str(only(f).ops[0].output, STR("\"message\":\"m\"")) > 0);
	fixture_tick(f, RETRY_AFTER);
	fails_for_good(f, 'a');
	expect_facts(f, "call #2/4 first error");
	assert_int_equal(only(f).output.len, 0);
}

static void test_sleep(void **state) {
	struct fixture *f = *state;
	register_one(f);
	begin(f, 'a', "x/a", NULL);
	answer(f, 'a', SLEEP("nap", "1h"));
	expect_facts(f, "call #0/4 first Sleep:nap\nwait Sleep:nap");
	struct trace_fact wait;
	assert_true(find(f, 1, &wait));
	assert_int_equal(wait.until_ms, f->now + 3600 * SECOND);
	assert_true(wait.parent == only(f).job);
	uint64_t job = only(f).job;
	restart(f);
	fixture_tick(f, 3600 * SECOND);
	restart(f); // the call is made again: what is known of it has been stored
	done(f, 'a');
	expect_facts(f, "call #0/4 after nap result");
	assert_true(only(f).parent_job == job);
}

static void test_parallel(void **state) {
	struct fixture *f = *state;
	register_one(f);
	begin(f, 'a', "x/a", NULL);
	answer(f, 'a', PLAN("p", "q"));
	expect_facts(f, "call #0/4 first StepPlanned:p StepPlanned:q");
	uint64_t plan = only(f).job;
	answer(f, 'a', "[{\"op\":\"StepRun\",\"id\":\"q\",\"data\":1}]"); // the last call is that of q
	expect_facts(f, "call #0/4 target q StepRun:q");
	assert_true(only(f).parent_job == plan);
}

static void test_wait_for_event(void **state) {
	struct fixture *f = *state;
	register_one(f);
	begin(f, 'a', "x/a", "{\"k\":1}");
	answer(f, 'a',
	       "[{\"op\":\"WaitForEvent\",\"id\":\"w\",\"name\":\"t/go\",\"opts\":{\"event\":\"t/go\",\"timeout\":"
	       "\"1h\",\"if\":\"event.data.k == async.data.k\"}}]");
	struct trace_fact wait;
	assert_true(find(f, 1, &wait));
	assert_true(str_eq_cstr(wait.event, "t/go"));
	assert_true(str_find_str(wait.expression, STR("async.data.k")) >= 0);
	assert_true(str_find_str(wait.expression, STR("event.data.k")) < 0);
	send(f, "t/go", "{\"k\":1}");
	expect_facts(f, "resumed WaitForEvent:w");
	struct trace_fact resumed = only(f);
	struct ulid none = {{0}};
	assert_int_not_equal(ulid_cmp(&resumed.event_id, &none), 0);
	done(f, 'a');
	expect_facts(f, "call #0/4 result"); // comes from the call that began the wait
}

static void test_wait_timeout(void **state) {
	struct fixture *f = *state;
	register_one(f);
	begin(f, 'a', "x/a", NULL);
	answer(f, 'a',
	       "[{\"op\":\"WaitForSignal\",\"id\":\"w\",\"name\":\"w\",\"opts\":{\"signal\":\"s\",\"timeout\":\"1h\"}}"
	       "]");
	struct trace_fact wait;
	assert_true(find(f, 1, &wait));
	assert_true(str_eq_cstr(wait.signal, "s"));
	fixture_tick(f, 3600 * SECOND);
	expect_facts(f, "resumed WaitForSignal:w timeout");
	done(f, 'a');
	expect_facts(f, "call #0/4 first result");
}

static void test_invoke(void **state) {
	struct fixture *f = *state;
	register_one(f);
	begin(f, 'a', "x/a", NULL);
	coming("c");
	answer(f, 'a', "[" INVOKE("i", "app-child", "{}") "]");
	expect_facts(f, "call #0/4 first InvokeFunction:i\nwait InvokeFunction:i\ninvoked InvokeFunction:i");
	struct trace_fact wait, invoked;
	assert_true(find(f, 1, &wait) && find(f, 2, &invoked));
	assert_true(str_eq_cstr(wait.function, "app-child"));
	assert_int_equal(ulid_cmp(&invoked.run_id, &flow.ids['c']), 0);
	assert_int_equal(ulid_cmp(&fixture_history(f, HISTORY_TRACE, 2)->trace.run_id, &flow.ids['a']), 0);
	fails_for_good(f, 'c');
	expect_facts(f, "call #0/4 first error\nresumed InvokeFunction:i error");
	struct trace_fact resumed;
	assert_true(find(f, 1, &resumed));
	assert_int_equal(ulid_cmp(&resumed.run_id, &flow.ids['c']), 0);
	const struct history_item *finished = fixture_history(f, HISTORY_EVENT, 0);
	assert_int_equal(ulid_cmp(&resumed.event_id, &finished->event.internal_id), 0);
}

static void test_cancelled_in_a_call(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, FLOW("app-a", "x/a", "\"cancel\":[{\"event\":\"t/stop\"}]"));
	begin(f, 'a', "x/a", NULL);
	send(f, "t/stop", NULL);
	expect_facts(f, "cancelled None:\ncall #0/4 first ended");
	struct trace_fact cancelled = only(f);
	const struct history_item *stop = fixture_history(f, HISTORY_EVENT, 0);
	assert_int_equal(ulid_cmp(&cancelled.event_id, &stop->event.internal_id), 0);
}

static const struct reply *ask_trace(struct fixture *f, char name) {
	struct command *command = command_new(COMMAND_RUN_TRACE);
	command->request = ++f->next_request;
	command->run.run_id = flow.ids[(int)name];
	fixture_apply(f, command);
	assert_int_equal(flow_reply(f)->kind, REPLY_RUN_TRACE);
	return flow_reply(f);
}

static void test_what_is_under_way(void **state) {
	struct fixture *f = *state;
	register_one(f);
	begin(f, 'a', "x/a", NULL);
	f->now += 3;
	const struct reply *reply = ask_trace(f, 'a');
	assert_int_equal(reply->live_count, 1);
	assert_true(reply->live[0].is_call);
	assert_int_equal(reply->live[0].started_ms, f->now - 3);
	answer(f, 'a', PLAN("p", "q"));
	reply = ask_trace(f, 'a');
	assert_int_equal(reply->live_count, 2);
	assert_true(reply->live[0].is_planned);
	assert_true(str_eq_cstr(reply->live[1].target, "q"));
	cancel(f, 'a');
	assert_int_equal(ask_trace(f, 'a')->live_count, 0);
}

static void test_ai_steps(void **state) {
	struct fixture *f = *state;
	register_one(f);
	begin(f, 'a', "x/a", NULL);
	answer(f, 'a',
	       "[{\"op\":\"StepRun\",\"id\":\"s\",\"data\":1,\"opts\":{\"type\":\"step.ai.wrap\",\"input\":[{\"b\":1,"
	       "\"a\":2}]},\"metadata\":[{\"kind\":\"userland.x\",\"op\":\"merge\",\"values\":{\"n\":1}}]}]");
	assert_int_equal(fixture_histories(f, HISTORY_RUN_AI), 1);
	struct trace_op op = only(f).ops[0];
	assert_true(str_eq_cstr(op.type, "step.ai.wrap"));
	assert_true(str_eq_cstr(op.input, "[{\"a\":2,\"b\":1}]"));
	assert_true(str_eq_cstr(op.metadata, "[{\"kind\":\"userland.x\",\"op\":\"merge\",\"values\":{\"n\":1}}]"));
	answer(f, 'a', "[{\"op\":\"StepRun\",\"id\":\"t\",\"data\":1,\"opts\":{\"type\":\"step.ai.wrap\"}}]");
	assert_int_equal(fixture_histories(f, HISTORY_RUN_AI), 0); // it is known
}

// ---- checkpoints ---------------------------------------------------------------------------------------------------

// With the job that the last call of the run is.
static int checkpoint(struct fixture *f, char name, uint64_t job, const char *ops) {
	struct command *command = command_new(COMMAND_CHECKPOINT);
	command->request = ++f->next_request;
	command->checkpoint.run_id = flow.ids[(int)name];
	char wire[BASE36_LEN + 1];
	base36_text(job, wire);
	struct buf item;
	buf_init(&item, 256);
	struct str text = arena_printf(&command->arena, "%s::default", wire);
	base64_append(&item, text, true);
	command->checkpoint.item = arena_dup(&command->arena, buf_view(&item));
	buf_free(&item);
	struct error error;
	assert_int_equal(opcodes_parse(&command->arena, str_from_cstr(ops), false, &command->checkpoint.ops,
				       &command->checkpoint.op_count, &error),
			 ERR_OK);
	fixture_apply(f, command);
	return flow_reply(f)->status;
}

#define RUN(id) "{\"op\":\"StepRun\",\"id\":\"" id "\",\"data\":1}"
#define PLANNED(id) "{\"op\":\"StepPlanned\",\"id\":\"" id "\"}"

static void test_checkpoints(void **state) {
	struct fixture *f = *state;
	register_one(f);
	begin(f, 'a', "x/a", NULL);
	assert_int_equal(checkpoint(f, 'a', 0, "[" RUN("a") "," PLANNED("b") "]"), 200);
	expect_facts(f, "checkpoint StepRun:a StepPlanned:b");
	// Sent again, as its reply was lost, and with what came since.
	assert_int_equal(checkpoint(f, 'a', 0, "[" RUN("a") "," RUN("b") "]"), 200);
	expect_facts(f, "checkpoint StepRun:b");
	assert_int_equal(checkpoint(f, 'a', 0, "[" RUN("a") "," PLANNED("b") "]"), 200);
	expect_facts(f, "");
	// Refused, but for what comes before.
	assert_int_equal(checkpoint(f, 'a', 0, "[" RUN("c") ",{\"op\":\"RunComplete\",\"id\":\"x\"}]"), 400);
	expect_facts(f, "checkpoint StepRun:c");
	answer(f, 'a', "[" RUN("c") "]"); // the fallback
	expect_facts(f, "call #0/4 first StepRun:c");
}

static void test_checkpoint_over_the_limit(void **state) {
	struct fixture *f = *state;
	engine_free(f->engine);
	f->config.steps_max = 2;
	f->engine = engine_new(&f->config, 7);
	register_one(f);
	begin(f, 'a', "x/a", NULL);
	assert_int_equal(checkpoint(f, 'a', 0, "[" RUN("a") "," RUN("b") "," RUN("c") "]"), 400);
	expect_facts(f, "checkpoint StepRun:a StepRun:b\ncall #0/4 first ended");
	expect_ends("a-");
}

// A checkpoint gives the job a fresh budget, which counts when the call is made again after a crash.
static void test_attempts_count_on(void **state) {
	struct fixture *f = *state;
	register_one(f);
	begin(f, 'a', "x/a", NULL);
	fails(f, 'a');
	uint64_t job = only(f).job;
	fixture_tick(f, RETRY_AFTER);
	assert_int_equal(fixture_call(f, 0)->attempt, 1);
	assert_int_equal(checkpoint(f, 'a', job, "[" RUN("s") "]"), 200);
	assert_int_equal(ask_trace(f, 'a')->live[0].attempt, 1);
	restart(f);
	const struct call *call = fixture_call(f, 0);
	assert_int_equal(call->attempt, 0);
	assert_int_equal(call->generation, 2); // from which the app's spans know their place
	struct trace_live live = ask_trace(f, 'a')->live[0];
	assert_int_equal(live.attempt, 1);
	assert_int_equal(live.max_attempts, 5);
	fails(f, 'a');
	expect_facts(f, "call #1/5 first error retry");
	assert_int_equal(only(f).told_attempt, 0);
	fixture_tick(f, RETRY_AFTER);
	assert_int_equal(fixture_call(f, 0)->attempt, 1);
	done(f, 'a');
	expect_facts(f, "call #2/5 first result");
}

// ---- answers that end the run --------------------------------------------------------------------------------------

#define FAILING(id) "{\"op\":\"StepError\",\"id\":\"" id "\",\"error\":{\"name\":\"E\",\"message\":\"m\"}}"
#define SIGNAL_WAIT(id)                                                                                             \
	"{\"op\":\"WaitForSignal\",\"id\":\"" id "\",\"name\":\"w\",\"opts\":{\"signal\":\"s\",\"timeout\":\"1h\"," \
	"\"conflict\":\"fail\"}}"

static bool has_step_record(const struct fixture *f, const char *piece) {
	for (size_t i = 0; i < f->batch->record_count; i++) {
		const struct record *record = &f->batch->records[i];
		if (record->kind == RECORD_STEP && record->op == RECORD_PUT &&
		    str_find_str(payload_str(record->body), str_from_cstr(piece)) >= 0)
			return true;
	}
	return false;
}

static void test_complete_with_steps(void **state) {
	struct fixture *f = *state;
	register_one(f);
	begin(f, 'a', "x/a", NULL);
	answer(f, 'a',
	       "[" FAILING("e") ",{\"op\":\"StepRun\",\"id\":\"s\",\"data\":\"kept\"},"
				"{\"op\":\"RunComplete\",\"id\":\"c\",\"data\":1}]");
	expect_facts(f, "call #0/4 first StepError:e StepRun:s RunComplete:c"); // and no retry
	expect_ends("a+");
	assert_true(has_step_record(f, "kept")); // for people
	assert_true(has_step_record(f, "\"message\":\"m\""));
}

static void test_unsupported(void **state) {
	struct fixture *f = *state;
	register_one(f);
	begin(f, 'a', "x/a", NULL);
	answer(f, 'a', "[" FAILING("e") ",{\"op\":\"SyncRunComplete\",\"id\":\"x\"}]");
	expect_facts(f, "call #0/4 first StepError:e SyncRunComplete:x");
	assert_true(str_find_str(only(f).ops[0].output, STR("\"message\":\"m\"")) > 0); // nothing else has it
	expect_ends("a-");
}

static void test_signal_conflict(void **state) {
	struct fixture *f = *state;
	register_one(f);
	begin(f, 'a', "x/a", NULL);
	answer(f, 'a', "[" SIGNAL_WAIT("w") "]");
	begin(f, 'b', "x/a", NULL);
	answer(f, 'b', "[" SIGNAL_WAIT("v") "]");
	expect_facts(f, "call #0/4 first WaitForSignal:v\nwait WaitForSignal:v\nresumed WaitForSignal:v error");
	struct trace_fact call, wait;
	assert_true(find(f, 0, &call) && find(f, 1, &wait));
	assert_true(str_eq_cstr(wait.signal, "s") && str_eq_cstr(wait.name, "w"));
	assert_true(wait.parent == call.job);
	assert_int_equal(wait.until_ms, f->now + 3600 * SECOND);
	expect_ends("b-");
	// The retry that another op of the answer had asked for never comes.
	begin(f, 'c', "x/a", NULL);
	answer(f, 'c', "[" FAILING("e") "," SIGNAL_WAIT("v") "]");
	expect_facts(f, "call #0/4 first StepError:e WaitForSignal:v\nwait WaitForSignal:v\nresumed WaitForSignal:v "
			"error");
	assert_true(only(f).ops[0].output.len > 0);
	expect_ends("c-");
}

// Each call that is made again without progress is a job of its own, also after there was some.
static void test_redrives(void **state) {
	struct fixture *f = *state;
	register_one(f);
	begin(f, 'a', "x/a", NULL);
	uint64_t jobs[4];
	for (unsigned i = 0; i < 4; i++) {
		if (i == 2) answer(f, 'a', STEP("s"));
		answer(f, 'a', "[]");
		fixture_tick(f, SECOND);
		jobs[i] = fixture_call(f, 0)->job_hash;
		for (unsigned n = 0; n < i; n++) assert_true(jobs[n] != jobs[i]);
	}
}

static void test_no_history(void **state) {
	struct fixture *f = *state;
	engine_free(f->engine);
	f->config.no_history = true;
	f->engine = engine_new(&f->config, 7);
	fixture_register_functions(f, FLOW("app-a", "x/a", NO_SETTINGS));
	fixture_event(f, "{\"name\":\"x/a\"}");
	struct target target = fixture_target(fixture_call(f, 0));
	assert_int_equal(f->batch->history_count, 0);
	fixture_answer(f, target, 200, "2", "1");
	assert_int_equal(f->batch->history_count, 0);
	assert_int_equal(fixture_runs(f), 0);
}

// A call that the crash has cut, of a run that ends before it is made again.
static void expect_cut(struct fixture *f, const char *expected) {
	uint64_t called = f->now;
	pause_function(f, "app-a", true);
	f->now += 5;
	restart(f);
	assert_int_equal(fixture_calls(f), 0);
	f->now += 5;
	cancel(f, 'a');
	expect_facts(f, expected);
	assert_true(only(f).started_ms == called);
	assert_true(only(f).at_ms == f->now);
	pause_function(f, "app-a", false);
}

static void test_cut_by_a_crash(void **state) {
	struct fixture *f = *state;
	register_one(f);
	begin(f, 'a', "x/a", NULL);
	expect_cut(f, "call #0/4 first ended");
	begin(f, 'a', "x/a", NULL);
	answer(f, 'a', STEP("s"));
	expect_cut(f, "call #0/4 ended");
	begin(f, 'a', "x/a", NULL);
	answer(f, 'a', STEP("s"));
	fails(f, 'a');
	fixture_tick(f, RETRY_AFTER);
	expect_cut(f, "call #1/4 ended");
	begin(f, 'a', "x/a", NULL);
	answer(f, 'a', SLEEP("s", "5s"));
	fixture_tick(f, 5 * SECOND);
	expect_cut(f, "call #0/4 after s ended");
}

// With a slot of its own, after it had waited for that; and the first call of a run that had waited for a place.
static void test_cut_after_waiting(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, FLOW("app-a", "x/a", "\"concurrency\":[{\"limit\":1}]"));
	begin(f, 'b', "x/a", NULL);
	begin(f, 'a', "x/a", NULL);
	f->now += 5;
	done(f, 'b');
	expect_cut(f, "call #0/4 first ended");
}

static void test_first_cut_after_waiting(void **state) {
	struct fixture *f = *state;
	engine_free(f->engine);
	f->config.workers = 1;
	f->engine = engine_new(&f->config, 7);
	register_one(f);
	begin(f, 'b', "x/a", NULL);
	begin(f, 'a', "x/a", NULL);
	f->now += 5;
	done(f, 'b');
	expect_cut(f, "call #0/4 first ended");
}

// One that was answered, or is made again, is told of once.
static void test_cut_and_made_again(void **state) {
	struct fixture *f = *state;
	register_one(f);
	begin(f, 'a', "x/a", NULL);
	restart(f);
	cancel(f, 'a');
	expect_facts(f, "call #0/4 first ended");
	begin(f, 'a', "x/a", NULL);
	fails(f, 'a');
	restart(f);
	cancel(f, 'a');
	expect_facts(f, "");
}

// A run that began with history has a row, which hears how it goes whatever is kept by now.
static void test_history_turned_off(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(f, FLOW("app-a", "x/a", "\"concurrency\":[{\"limit\":1}]"));
	begin(f, 'a', "x/a", NULL);
	begin(f, 'b', "x/a", NULL); // waits for the other
	expect_ends("");
	f->config.no_history = true;
	restart(f);
	done(f, 'a');
	expect_ends("a+");
	assert_int_equal(fixture_histories(f, HISTORY_RUN_STARTED), 1); // of the other
	assert_int_equal(f->batch->history_count, 2);
	done(f, 'b');
	expect_ends("b+");
	assert_int_equal(f->batch->history_count, 1);
}

static void test_stats(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(
		f, FLOW("app-a", "x/a", NO_SETTINGS) "," FLOW("app-b", "x/b", "\"debounce\":{\"period\":\"1h\"}"));
	begin(f, 'a', "x/a", NULL);
	fixture_event(f, "{\"name\":\"x/b\"}");
	struct command *command = command_new(COMMAND_STATS);
	command->request = ++f->next_request;
	fixture_apply(f, command);
	const struct reply *reply = flow_reply(f);
	assert_int_equal(reply->kind, REPLY_STATS);
	assert_int_equal(reply->stats.runs, 1);
	assert_int_equal(reply->stats.calls_in_flight, 1);
	assert_int_equal(reply->stats.events_waiting, 1);
	assert_int_equal(reply->stats.functions, 2);
	assert_int_equal(f->batch->history_count, 0); // it only reads
	assert_int_equal(f->batch->record_count, 0);
}

static const uint64_t *tallies(struct fixture *f, const char *slug) {
	struct command *command = command_new(COMMAND_STATS);
	command->request = ++f->next_request;
	fixture_apply(f, command);
	const struct reply *reply = flow_reply(f);
	for (size_t i = 0; i < reply->function_count; i++)
		if (str_eq_cstr(reply->functions[i].slug, slug)) return reply->functions[i].tallies;
	fail_msg("no %s", slug);
	return NULL;
}

// What metrics tell of each function: every run and every call ends in one way.
static void test_tallies(void **state) {
	struct fixture *f = *state;
	fixture_register_functions(
		f, FLOW("app-a", "x/a", NO_SETTINGS) "," FLOW("app-b", "x/b", "\"cancel\":[{\"event\":\"t/stop\"}]"));
	fixture_event(f, "{\"name\":\"x/a\"}");
	struct target a = fixture_target(fixture_call(f, 0));
	fixture_answer(f, a, 500, "1", "{}");
	fixture_tick(f, 3600000);
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 200, "1", "1");
	fixture_event(f, "{\"name\":\"x/a\"}");
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 400, "1", "{}");
	fixture_event(f, "{\"name\":\"x/b\"}");
	struct target b = fixture_target(fixture_call(f, 0));
	fixture_event(f, "{\"name\":\"t/stop\"}");
	const uint64_t *of_a = tallies(f, "app-a");
	static const uint64_t all_of_a[TALLY_COUNT] = {
		[TALLY_RUN_SCHEDULED] = 2, [TALLY_RUN_STARTED] = 2,  [TALLY_RUN_COMPLETED] = 1,
		[TALLY_RUN_FAILED] = 1,    [TALLY_CALL_STARTED] = 3, [TALLY_CALL_SUCCEEDED] = 1,
		[TALLY_CALL_ERRORED] = 1,  [TALLY_CALL_FAILED] = 1};
	assert_memory_equal(of_a, all_of_a, sizeof all_of_a);
	const uint64_t *of_b = tallies(f, "app-b");
	assert_int_equal(of_b[TALLY_RUN_CANCELLED], 1);
	assert_int_equal(of_b[TALLY_CALL_STARTED], 1);
	assert_int_equal(of_b[TALLY_CALL_SUCCEEDED], 0);
	fixture_answer(f, b, 200, "1", "1"); // which nobody waits for
	assert_int_equal(tallies(f, "app-b")[TALLY_CALL_SUCCEEDED], 1);
	assert_int_equal(tallies(f, "app-b")[TALLY_RUN_COMPLETED], 0);
}

// When spans are exported, the end is the last fact, whatever else the end of the run brings about.
static void test_exported(void **state) {
	struct fixture *f = *state;
	engine_free(f->engine);
	f->config.exports_spans = true;
	f->engine = engine_new(&f->config, 7);
	register_one(f);
	begin(f, 'a', "x/a", NULL);
	done(f, 'a');
	expect_facts(f, "call #0/4 first result\nend None:");
}

static unsigned histories, steps_deleted;

static void note_all(struct fixture *f) {
	histories += (unsigned)f->batch->history_count;
	for (size_t i = 0; i < f->batch->record_count; i++) {
		const struct record *record = &f->batch->records[i];
		assert_int_not_equal(record->op, RECORD_RETIRE_PREFIX);
		steps_deleted += record->op == RECORD_DELETE_PREFIX && record->kind == RECORD_STEP;
	}
}

// Neither what comes of events nor batches leave rows, and the steps go with their run.
static void test_no_history_of_events(void **state) {
	struct fixture *f = *state;
	engine_free(f->engine);
	f->config.no_history = true;
	f->engine = engine_new(&f->config, 7);
	fixture_register_functions(
		f, FLOW("app-a", "x/a", "\"rateLimit\":{\"limit\":1,\"period\":\"1m\"}") "," FLOW(
			   "app-b", "x/b",
			   "\"batchEvents\":{\"maxSize\":2,\"timeout\":\"10s\"}") "," FLOW("app-c", "x/c",
											   "\"singleton\":{"
											   "\"mode\":"
											   "\"skip\"}"));
	histories = steps_deleted = 0;
	f->watch = note_all;
	send(f, "x/a", "{}");
	struct target target = fixture_target(fixture_call(f, 0));
	send(f, "x/a", "{}"); // more than the limit
	send(f, "x/b", "{}");
	send(f, "x/b", "{}"); // a batch
	fixture_settle(f);
	send(f, "x/c", "{}");
	send(f, "x/c", "{}"); // skipped
	assert_int_equal(steps_deleted, 0);
	fixture_answer(f, target, 206, "2", "[{\"op\":\"StepRun\",\"id\":\"s\",\"data\":1}]");
	fixture_answer(f, fixture_target(fixture_call(f, 0)), 200, "2", "1");
	assert_int_equal(steps_deleted, 1);
	assert_int_equal(histories, 0);
	assert_int_equal(fixture_runs(f), 2);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_steps_and_result),
		TEST(test_late_start),
		TEST(test_retries),
		TEST(test_sleep),
		TEST(test_parallel),
		TEST(test_wait_for_event),
		TEST(test_wait_timeout),
		TEST(test_invoke),
		TEST(test_cancelled_in_a_call),
		TEST(test_what_is_under_way),
		TEST(test_checkpoints),
		TEST(test_checkpoint_over_the_limit),
		TEST(test_attempts_count_on),
		TEST(test_complete_with_steps),
		TEST(test_unsupported),
		TEST(test_signal_conflict),
		TEST(test_redrives),
		TEST(test_cut_by_a_crash),
		TEST(test_cut_after_waiting),
		TEST(test_first_cut_after_waiting),
		TEST(test_cut_and_made_again),
		TEST(test_no_history),
		TEST(test_history_turned_off),
		TEST(test_exported),
		TEST(test_tallies),
		TEST(test_stats),
		TEST(test_no_history_of_events),
		TEST(test_ai_steps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
