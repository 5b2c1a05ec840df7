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
		TEST(test_no_history),
		TEST(test_exported),
		TEST(test_stats),
		TEST(test_ai_steps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
