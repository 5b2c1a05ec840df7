// POST /v2/runs/{id}/cancel and /rerun.
#include <sqlite3.h>

#include "server/server_internal.h"
#include "v2_fixture.h"

#define UNKNOWN "01JQDAE4RQF8MBCR55T5AK4KXS"

static const struct uuid function_id = {{2}};
#define FUNCTION "02000000-0000-0000-0000-000000000000"

enum { RUNNING, COMPLETED, FAILED, CANCELLED, RERUN, LOST, RUNS };
static struct ulid runs[RUNS];
static char run_texts[RUNS][ULID_TEXT_LEN + 1];
static struct ulid event_id;

static void write_event(struct history_writer *writer, uint64_t now_ms) {
	event_id = make_id(now_ms - 2000, 1);
	struct history_item item = {.kind = HISTORY_EVENT, .at_ms = now_ms - 2000};
	item.event.internal_id = event_id;
	item.event.id = STR("mine");
	item.event.name = STR("a/b");
	item.event.v = STR("2");
	item.event.text = payload_new(STR("{\"x\":null}{\"u\":1}"));
	item.event.data = str_make(item.event.text->bytes, 10);
	item.event.user = str_make(item.event.text->bytes + 10, 7);
	item.event.ts_ms = 1700000000123;
	write_item(writer, &item);
	payload_unref(item.event.text);
}

static void write_history(struct history_writer *writer, uint64_t now_ms) {
	static const char *const statuses[RUNS] = {
		[COMPLETED] = "Completed", [FAILED] = "Failed", [CANCELLED] = "Cancelled", [RERUN] = "Completed"};
	write_event(writer, now_ms);
	for (uint8_t i = 0; i < RUNS; i++) {
		runs[i] = make_id(now_ms - 1000, i);
		ulid_text(&runs[i], run_texts[i]);
		struct history_item item = {.kind = HISTORY_RUN};
		item.run.run_id = runs[i];
		item.run.event_id = i == LOST ? make_id(1, 1) : event_id;
		item.run.function_id = function_id;
		if (i == RERUN) item.run.original_run_id = runs[COMPLETED];
		write_run(writer, now_ms, &item, statuses[i], "{}");
	}
}

static int setup(void **state) {
	struct fixture *fixture = history_fixture_start(write_history);
	fixture->engine = engine_notes;
	*state = fixture;
	return 0;
}
static int teardown(void **state) {
	history_fixture_stop(*state);
	return 0;
}

// Five steps: two of one name, one that is called as another is known by id.
static int reset(void **state) {
	struct fixture *fixture = *state;
	static const struct history_step steps[] = {
		{STR_INIT("id-a"), STR_INIT("a"), OPCODE_STEP_RUN, STR_INIT("{\"data\":1}")},
		{STR_INIT("id-nap"), STR_INIT("nap"), OPCODE_SLEEP, STR_INIT("null")},
		{STR_INIT("id-twice"), STR_INIT("twice"), OPCODE_STEP, STR_INIT("{\"bare\":null}")},
		{STR_INIT("id-twice:1"), STR_INIT("twice"), OPCODE_STEP_RUN, STR_INIT("{\"data\":null}")},
		{STR_INIT("id-bad"), STR_INIT("id-nap"), OPCODE_STEP_RUN, STR_INIT("{\"error\":{\"name\":\"E\"}}")},
		{STR_INIT("id-last"), STR_INIT("last"), OPCODE_STEP_FAILED, STR_INIT("{\"error\":{}}")},
	};
	memcpy(played.steps, steps, sizeof steps);
	played.count = ARRAY_LEN(steps);
	played.broken = false;
	played.run_id = (struct ulid){{0}};
	commands = 0;
	fixture->noted[0] = '\0';
	answer.kind = REPLY_STARTED;
	answer.status = 200;
	answer.code = answer.text = NULL;
	(void)ulid_parse(STR("01JQDAE4RQF8MBCR55T5AK4KXT"), &answer.run_id);
	return 0;
}

static struct http post(void **state, const char *run_id, const char *verb, const char *body) {
	char path[100];
	(void)snprintf(path, sizeof path, "/api/v2/runs/%s/%s", run_id, verb);
	return call(*state, "POST", path, body);
}

// ---- cancel ------------------------------------------------------------------------------------------------------

static void cancel_of_a_run_under_way(void **state) {
	struct fixture *fixture = *state;
	static const char *const bodies[] = {NULL, "{}", " \n", "{\"runId\":\"other\"}", "{\"run_id\":null}"};
	char data[100], noted[100];
	(void)snprintf(data, sizeof data, "{\"runId\":\"%s\"}", run_texts[RUNNING]);
	(void)snprintf(noted, sizeof noted, "cancel %s", run_texts[RUNNING]);
	answer.kind = REPLY_OK;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct http http = post(state, run_texts[RUNNING], "cancel", bodies[i]);
		assert_data(http, 200, data);
		assert_string_equal(fixture->noted, noted);
	}
	assert_int_equal(commands, ARRAY_LEN(bodies));
}

static void cancel_of_a_run_that_is_over(void **state) {
	struct http http = post(state, run_texts[COMPLETED], "cancel", NULL);
	assert_reply(http, 409, V2_ERROR("run_already_ended", "Cannot cancel an ended run"));
	http = post(state, run_texts[FAILED], "cancel", "{}");
	assert_reply(http, 409, V2_ERROR("run_already_ended", "Cannot cancel an ended run"));
	http = post(state, run_texts[CANCELLED], "cancel", NULL);
	assert_reply(http, 409, V2_ERROR("run_already_cancelled", "Run is already cancelled"));
	http = post(state, "x", "cancel", NULL);
	assert_reply(http, 400, V2_ERROR("invalid_field_format", "Run ID must be a valid ULID"));
	assert_int_equal(commands, 0);
}

// Without history the engine alone knows the runs that are under way.
static void cancel_of_a_run_that_history_does_not_know(void **state) {
	answer.kind = REPLY_OK;
	struct http http = post(state, UNKNOWN, "cancel", NULL);
	assert_data(http, 200, "{\"runId\":\"" UNKNOWN "\"}");
	answer.kind = REPLY_FAILED;
	answer.status = 404;
	http = post(state, UNKNOWN, "cancel", NULL);
	assert_reply(http, 404, V2_ERROR("not_found", "Run not found"));
	assert_int_equal(commands, 2);
}

static void end_run(struct fixture *fixture, const struct ulid *run_id, const char *status) {
	struct history_writer *writer = NULL;
	struct error error;
	assert_int_equal(history_writer_new(store_sql(fixture->store), &writer, &error), ERR_OK);
	assert_int_equal(store_begin(fixture->store, &error), ERR_OK);
	struct history_item item = {.kind = HISTORY_FINISH, .at_ms = 1700000000500};
	item.finish.run_id = *run_id;
	item.finish.status = status;
	write_item(writer, &item);
	assert_int_equal(store_commit(fixture->store, &error), ERR_OK);
	history_writer_free(writer);
}

// The run ends, or somebody else cancels it, between the look at history and the command.
static struct reply *engine_ends_run(struct fixture *fixture, struct command *command) {
	end_run(fixture, &command->run.run_id, answer.text);
	return reply_new(command->request, REPLY_FAILED, 404);
}

static void cancel_that_comes_too_late(void **state) {
	struct fixture *fixture = *state;
	answer.kind = REPLY_FAILED;
	answer.status = 404;
	struct http http = post(state, run_texts[LOST], "cancel", NULL);
	assert_reply(http, 404, V2_ERROR("not_found", "Run not found"));
	answer.status = 500;
	http = post(state, run_texts[LOST], "cancel", NULL);
	assert_reply(http, 500, V2_ERROR("internal_error", "Unable to cancel run"));
	fixture->engine = engine_ends_run;
	answer.text = "Completed";
	http = post(state, run_texts[LOST], "cancel", NULL);
	assert_reply(http, 409, V2_ERROR("run_already_ended", "Cannot cancel an ended run"));
	answer.text = "Cancelled";
	http = post(state, run_texts[RUNNING], "cancel", NULL);
	assert_reply(http, 409, V2_ERROR("run_already_cancelled", "Run is already cancelled"));
	fixture->engine = engine_notes;
}

// ---- rerun -------------------------------------------------------------------------------------------------------

#define EVENT \
	"{\"data\":{\"x\":null},\"id\":\"mine\",\"name\":\"a/b\",\"ts\":1700000000123,\"user\":{\"u\":1},\"v\":\"2\"}"

// Reruns, and checks what the engine was asked: `given` stands between the original run and the event.
static void check_rerun(void **state, int run, const char *body, int root, const char *given) {
	struct fixture *fixture = *state;
	char noted[2048];
	(void)snprintf(noted, sizeof noted, "start " FUNCTION " of=%s%s " EVENT, run_texts[root], given);
	struct http http = post(state, run_texts[run], "rerun", body);
	assert_data(http, 200, "{\"runId\":\"01JQDAE4RQF8MBCR55T5AK4KXT\"}");
	assert_string_equal(fixture->noted, noted);
}

static void rerun_from_the_start(void **state) {
	static const struct ulid none;
	check_rerun(state, COMPLETED, NULL, COMPLETED, "");
	check_rerun(state, FAILED, "{}", FAILED, "");
	check_rerun(state, CANCELLED, "{\"fromStep\":null}", CANCELLED, "");
	// A chain leads to its beginning.
	check_rerun(state, RERUN, "{\"runId\":\"\"}", COMPLETED, "");
	assert_int_equal(ulid_cmp(&played.run_id, &none), 0);
}

static void rerun_from_a_step(void **state) {
	static const struct {
		const char *step, *given;
	} cases[] = {
		{"id-a", " target=id-a"},
		{"a", " target=id-a"},
		// An id goes before a name, and no sleep is called by itself.
		{"id-nap", " id-a/a/2={\"data\":1}"},
		{"id-twice", " id-a/a/2={\"data\":1} id-nap/nap/5=null target=id-twice"},
		// Nor is a step that has failed.
		{"id-bad", " id-a/a/2={\"data\":1} id-nap/nap/5=null id-twice/twice/1={\"bare\":null}"
			   " id-twice:1/twice/2={\"data\":null}"},
		{"last", " id-a/a/2={\"data\":1} id-nap/nap/5=null id-twice/twice/1={\"bare\":null}"
			 " id-twice:1/twice/2={\"data\":null} id-bad/id-nap/2={\"error\":{\"name\":\"E\"}}"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char body[100];
		const char *format = i % 2 == 0 ? "{\"fromStep\":{\"stepId\":\"%s\"}}"
						: "{\"from_step\":{\"step_id\":\"%s\",\"input\":null}}";
		(void)snprintf(body, sizeof body, format, cases[i].step);
		check_rerun(state, COMPLETED, body, COMPLETED, cases[i].given);
		assert_int_equal(ulid_cmp(&played.run_id, &runs[COMPLETED]), 0);
		check_rerun(state, RERUN, body, COMPLETED, cases[i].given);
		assert_int_equal(ulid_cmp(&played.run_id, &runs[COMPLETED]), 0);
	}
}

static void rerun_with_input(void **state) {
	check_rerun(state, COMPLETED, "{\"fromStep\":{\"stepId\":\"a\",\"input\":[1.0, null, {\"b\":1,\"a\":[]}]}}",
		    COMPLETED, " id-a/a/2!={\"input\":[1,null,{\"a\":[],\"b\":1}]} target=id-a");
	check_rerun(state, FAILED, "{\"fromStep\":{\"stepId\":\"id-nap\",\"input\":[]}}", FAILED,
		    " id-a/a/2={\"data\":1} id-nap/nap/5!={\"input\":[]}");
	// With input a step that has failed is called by itself, however that is stored.
	played.steps[0] = played.steps[4];
	check_rerun(state, FAILED, "{\"fromStep\":{\"stepId\":\"id-bad\",\"input\":[2]}}", FAILED,
		    " id-bad/id-nap/2!={\"input\":[2]} target=id-bad");
	played.steps[0] = played.steps[5];
	check_rerun(state, FAILED, "{\"fromStep\":{\"stepId\":\"id-last\",\"input\":[2]}}", FAILED,
		    " id-last/last/12!={\"input\":[2]} target=id-last");
}

static void rerun_is_refused(void **state) {
	static const struct {
		const char *body, *reply;
	} cases[] = {
		{"{\"fromStep\":{}}", V2_ERROR("missing_field", "Step ID is required")},
		{"{\"fromStep\":{\"stepId\":\"\"}}", V2_ERROR("missing_field", "Step ID is required")},
		{"{\"fromStep\":{\"stepId\":\"A\"}}", V2_ERROR("invalid_request", "Step not found in original run")},
		{"{\"fromStep\":{\"stepId\":\"twice\",\"input\":[1]}}",
		 V2_ERROR("invalid_request", "Step name matches multiple steps in original run")},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http http = post(state, run_texts[COMPLETED], "rerun", cases[i].body);
		assert_reply(http, 400, cases[i].reply);
	}
	static const char *const not_decoded[] = {
		"[]",
		"null",
		"\"{}\"",
		"{",
		"{\"fromStep\":[]}",
		"{\"fromstep\":{}}",
		"{\"runId\":1}",
		"{\"fromStep\":{\"stepId\":\"a\",\"input\":{}}}",
		"{\"fromStep\":{\"stepId\":\"a\",\"input\":\"[]\"}}",
		"{\"fromStep\":{\"stepId\":\"a\",\"stepID\":\"a\"}}",
		"{\"fromStep\":{\"stepId\":\"a\",\"step_id\":\"a\"}}",
	};
	for (size_t i = 0; i < ARRAY_LEN(not_decoded); i++) {
		struct http http = post(state, run_texts[COMPLETED], "rerun", not_decoded[i]);
		assert_error_code(http, 400, "api_error");
	}
	struct http http = post(state, "x", "rerun", NULL);
	assert_reply(http, 400, V2_ERROR("invalid_field_format", "Run ID must be a valid ULID"));
	http = post(state, UNKNOWN, "rerun", "{\"fromStep\":{\"stepId\":\"a\"}}");
	assert_reply(http, 404, V2_ERROR("not_found", "Run not found"));
	assert_int_equal(commands, 0);
}

static void rerun_of_what_history_cannot_tell(void **state) {
	struct http http = post(state, run_texts[LOST], "rerun", NULL);
	assert_reply(http, 500, V2_ERROR("internal_error", "Unable to rerun run"));
	played.broken = true;
	http = post(state, run_texts[COMPLETED], "rerun", "{\"fromStep\":{\"stepId\":\"a\",\"input\":[1]}}");
	assert_reply(http, 500, V2_ERROR("internal_error", "Unable to rerun run"));
	assert_int_equal(commands, 0);
}

static void change(struct fixture *fixture, const char *sql) {
	char *message = NULL;
	if (sqlite3_exec(store_sql(fixture->store), sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s", message);
}

// What retention has taken is not made up.
static void rerun_of_what_has_been_removed(void **state) {
	const char *removed = V2_ERROR("payload_removed", RERUN_REMOVED_TEXT);
	const char *from_step = "{\"fromStep\":{\"stepId\":\"a\"}}";
	change(*state, "UPDATE function_runs SET engine_flags = 8"); // results of steps: the root's are asked for
	struct http http = post(state, run_texts[RERUN], "rerun", from_step);
	assert_reply(http, 410, removed);
	assert_int_equal(commands, 0);
	check_rerun(state, RERUN, NULL, COMPLETED, ""); // its event is there
	change(*state, "UPDATE function_runs SET engine_flags = 0; UPDATE events SET engine_flags = 1");
	commands = 0;
	http = post(state, run_texts[COMPLETED], "rerun", NULL);
	assert_reply(http, 410, removed);
	http = post(state, run_texts[COMPLETED], "rerun", from_step);
	assert_reply(http, 410, removed);
	assert_int_equal(commands, 0);
	change(*state, "UPDATE events SET engine_flags = NULL");
}

static void rerun_that_does_not_start(void **state) {
	static const struct {
		int status;
		const char *code, *text;
		int expected;
		const char *reply;
	} cases[] = {
		{404, "", "gone", 404, V2_ERROR("not_found", "Function not found")},
		{422, "function_debounced", "x", 422,
		 V2_ERROR("function_debounced", "Function invocation was debounced.")},
		{422, "function_skipped", "x", 422,
		 V2_ERROR("function_skipped",
			  "Function invocation was skipped because the function is paused or draining.")},
		{500, "", "out of order", 500, V2_ERROR("internal_error", "Unable to rerun run")},
		{422, "new", "x", 500, V2_ERROR("internal_error", "Unable to rerun run")},
	};
	answer.kind = REPLY_FAILED;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		answer.status = cases[i].status;
		answer.code = cases[i].code;
		answer.text = cases[i].text;
		struct http http = post(state, run_texts[COMPLETED], "rerun", NULL);
		assert_reply(http, cases[i].expected, cases[i].reply);
	}
}

static void engine_is_full(void **state) {
	struct fixture *fixture = *state;
	fixture->post_result = ERR_BUSY;
	struct http http =
		post(state, run_texts[FAILED], "rerun", "{\"fromStep\":{\"stepId\":\"twice\",\"input\":[]}}");
	assert_int_equal(http.status, 400);
	http_free(&http);
	http = post(state, run_texts[FAILED], "rerun", "{\"fromStep\":{\"stepId\":\"last\",\"input\":[]}}");
	fixture->post_result = ERR_OK;
	assert_error_code(http, 503, "internal_server_error");
	assert_int_equal(commands, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup(name, reset)
	const struct CMUnitTest tests[] = {
		TEST(cancel_of_a_run_under_way),
		TEST(cancel_of_a_run_that_is_over),
		TEST(cancel_of_a_run_that_history_does_not_know),
		TEST(rerun_from_the_start),
		TEST(rerun_from_a_step),
		TEST(rerun_with_input),
		TEST(rerun_is_refused),
		TEST(rerun_of_what_history_cannot_tell),
		TEST(rerun_of_what_has_been_removed),
		TEST(rerun_that_does_not_start),
		TEST(engine_is_full),
		TEST(cancel_that_comes_too_late), // ends runs, so it comes last
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
