// Limits of single functions, and the testing API (05 §11.4, §16).
#include "fixture.h"

#define FUNCTION "a8fd5300-06f2-541e-8b69-ded0c0c7c233"
#define RUN_ID "01JQDAE4RQF8MBCR55T5AK4KXS"
#define FORM "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"

static int setup(void **state) {
	struct fixture *fixture = mem_calloc(1, sizeof *fixture);
	fixture->test_mode = true;
	fixture_start(fixture);
	*state = fixture;
	return 0;
}

// --- limits ---------------------------------------------------------------------------------------------------

static struct reply *engine_takes_limits(struct fixture *fixture, struct command *command) {
	char id[UUID_TEXT_LEN + 1];
	uuid_text(&command->limit.function_id, id);
	assert_int_equal(command->kind, COMMAND_FUNCTION_LIMIT);
	(void)snprintf(fixture->noted, sizeof fixture->noted, "%s %s %llu %s",
		       command->limit.limit == RUN_LIMIT_STEPS ? "steps" : "state",
		       command->limit.removed ? "removed" : "set", (unsigned long long)command->limit.value, id);
	if (!command->limit.removed || command->limit.limit == RUN_LIMIT_STATE)
		return reply_new(command->request, REPLY_OK, 200);
	struct reply *reply = reply_new(command->request, REPLY_FAILED, 404);
	reply->text = STR("No step limit set for function: " FUNCTION);
	return reply;
}

static void expect_limit(struct fixture *fixture, const char *method, const char *path, const char *headers,
			 const char *body, const char *noted) {
	fixture->noted[0] = '\0';
	struct http http = call_with(fixture, method, path, headers, body);
	assert_reply(http, 200, "");
	assert_string_equal(fixture->noted, noted);
}

static void test_limits(void **state) {
	struct fixture *fixture = *state;
	fixture->engine = engine_takes_limits;
	expect_limit(fixture, "POST", "/fn/step-limit?functionId=" FUNCTION "&limit=5", "", "",
		     "steps set 5 " FUNCTION);
	expect_limit(fixture, "POST", "/fn/step-limit", FORM, "limit=7&functionId=" FUNCTION, "steps set 7 " FUNCTION);
	// The form comes first.
	expect_limit(fixture, "POST", "/fn/state-size-limit?limit=1", FORM, "functionId=" FUNCTION "&limit=1024",
		     "state set 1024 " FUNCTION);
	expect_limit(fixture, "POST", "/fn/state-size-limit?limit=0", FORM, "functionId=" FUNCTION,
		     "state set 0 " FUNCTION);
	expect_limit(fixture, "DELETE", "/fn/state-size-limit?functionId=" FUNCTION, "", NULL,
		     "state removed 0 " FUNCTION);
	struct http http = call(fixture, "DELETE", "/fn/step-limit?functionId=" FUNCTION, NULL);
	assert_reply(http, 404,
		     "{\"error\":\"No step limit set for function: " FUNCTION "\",\"data\":null,\"status\":404}\n");
	fixture->engine = engine_says_ok;
}

static void test_limits_refused(void **state) {
	static const struct {
		const char *method, *path, *headers, *body, *error;
	} cases[] = {
		{"POST", "/fn/step-limit?functionId=" FUNCTION, "", "", "Invalid limit: "},
		{"POST", "/fn/step-limit?limit=x&functionId=" FUNCTION, "", "", "Invalid limit: x"},
		{"POST", "/fn/state-size-limit?limit=1.5&functionId=" FUNCTION, "", "", "Invalid limit: 1.5"},
		{"POST", "/fn/state-size-limit?limit=-1&functionId=" FUNCTION, "", "", "Invalid limit: -1"},
		{"POST", "/fn/step-limit?limit=99999999999999999999&functionId=" FUNCTION, "", "",
		 "Invalid limit: 99999999999999999999"},
		{"POST", "/fn/step-limit?limit=5&functionId=shop", "", "", "Invalid function ID: shop"},
		{"POST", "/fn/step-limit?limit=5", "", "functionId=" FUNCTION, "Invalid function ID: "}, // no form
		{"DELETE", "/fn/step-limit", FORM, "functionId=" FUNCTION, "Invalid function ID: "},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char body[256];
		(void)snprintf(body, sizeof body, "{\"error\":\"%s\",\"data\":null,\"status\":400}\n", cases[i].error);
		struct http http = call_with(*state, cases[i].method, cases[i].path, cases[i].headers, cases[i].body);
		assert_reply(http, 400, body);
	}
	struct http http = call(*state, "GET", "/fn/step-limit", NULL);
	assert_string_equal(http_header(&http, "Allow"), "POST, DELETE");
	assert_reply(http, 405, "");
}

// --- the testing API ------------------------------------------------------------------------------------------

static struct reply *engine_notes_kind(struct fixture *fixture, struct command *command) {
	char id[UUID_TEXT_LEN + 1] = "", run[ULID_TEXT_LEN + 1] = "";
	struct reply *reply = reply_new(command->request, REPLY_OK, 200);
	if (command->kind == COMMAND_FUNCTION_PAUSE) uuid_text(&command->pause.function_id, id);
	if (command->kind == COMMAND_CANCEL) ulid_text(&command->run.run_id, run);
	if (command->kind == COMMAND_QUEUE_SIZE) {
		uuid_text(&command->queue_size.function_id, id);
		reply->kind = REPLY_TEXT;
		reply->text = STR("{\"count\":3}");
	}
	(void)snprintf(fixture->noted, sizeof fixture->noted, "%d %s%s", command->kind, id, run);
	return reply;
}

static void expect_test(struct fixture *fixture, const char *method, const char *path, const char *body,
			enum command_kind kind, const char *id) {
	char noted[128];
	struct http http = call_with(fixture, method, path, body[0] != '\0' ? FORM : "", body);
	assert_reply(http, 200, kind == COMMAND_QUEUE_SIZE ? "{\"count\":3}" : "ok");
	(void)snprintf(noted, sizeof noted, "%d %s", kind, id);
	assert_string_equal(fixture->noted, noted);
}

#define OF_FUNCTION "accountId=" FUNCTION "&fnId=" FUNCTION

static void test_testing_api(void **state) {
	struct fixture *fixture = *state;
	fixture->engine = engine_notes_kind;
	struct http http = call(fixture, "GET", "/test", NULL);
	assert_string_equal(http_header(&http, "Content-Type"), "text/plain; charset=utf-8");
	assert_reply(http, 200, "OK");
	expect_test(fixture, "POST", "/test/function/pause?fnId=" FUNCTION, "", COMMAND_FUNCTION_PAUSE, FUNCTION);
	expect_test(fixture, "POST", "/test/function/pause", "fnId=" FUNCTION, COMMAND_FUNCTION_PAUSE, FUNCTION);
	expect_test(fixture, "POST", "/test/function/runs/cancel", OF_FUNCTION "&runId=" RUN_ID, COMMAND_CANCEL,
		    RUN_ID);
	expect_test(fixture, "GET", "/test/queue/function-queue-size?" OF_FUNCTION, "", COMMAND_QUEUE_SIZE, FUNCTION);
	expect_test(fixture, "POST", "/test/reset", "", COMMAND_RESET, "");
	fixture->engine = engine_says_ok;
}

static void test_testing_api_refused(void **state) {
	static const struct {
		const char *method, *path, *text;
	} cases[] = {
		{"POST", "/test/function/pause", "Invalid fnId\n"},
		{"POST", "/test/function/pause?fnId=x", "Invalid fnId\n"},
		{"GET", "/test/queue/function-queue-size?fnId=" FUNCTION, "Invalid accountId\n"},
		{"GET", "/test/queue/function-queue-size?accountId=" FUNCTION, "Invalid fnId\n"},
		{"POST", "/test/function/runs/cancel?" OF_FUNCTION "&runId=x", "Invalid runId\n"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http http = call(*state, cases[i].method, cases[i].path, "");
		assert_string_equal(http_header(&http, "Content-Type"), "text/plain; charset=utf-8");
		assert_reply(http, 400, cases[i].text);
	}
}

static void test_only_in_test_mode(void **state) {
	(void)state;
	struct fixture fixture = {0};
	fixture_start(&fixture);
	struct http http = call(&fixture, "GET", "/test", NULL);
	assert_reply(http, 404, "404 page not found\n");
	http = call(&fixture, "POST", "/test/reset", "");
	assert_reply(http, 404, "404 page not found\n");
	fixture_stop(&fixture);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_limits_refused),
		cmocka_unit_test(test_testing_api),
		cmocka_unit_test(test_testing_api_refused),
		cmocka_unit_test(test_only_in_test_mode),
	};
	return cmocka_run_group_tests(tests, setup, fixture_teardown);
}
