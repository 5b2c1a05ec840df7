// /v1/cancellations: what the engine is asked, and what becomes of its answers.
#include "fixture.h"

#define ID "01JQDAE4RQF8MBCR55T5AK4KXS"

static struct reply *engine_cancels(struct fixture *fixture, struct command *command) {
	assert_int_equal(command->kind, COMMAND_CANCEL_MANY);
	char id[ULID_TEXT_LEN + 1];
	ulid_text(&command->cancellation.id, id);
	assert_true(ulid_time_ms(&command->cancellation.id) > 1700000000000);
	(void)snprintf(fixture->noted, sizeof fixture->noted, "%.*s %.*s %d %llu-%llu [%.*s]",
		       STR_ARG(command->cancellation.app_name), STR_ARG(command->cancellation.function),
		       command->cancellation.has_after, (unsigned long long)command->cancellation.after_ms,
		       (unsigned long long)command->cancellation.before_ms, STR_ARG(command->cancellation.condition));
	if (str_eq(command->cancellation.function, STR("nothing"))) {
		struct reply *reply = reply_new(command->request, REPLY_FAILED, 404);
		reply->text = STR("function not found");
		return reply;
	}
	struct reply *reply = reply_new(command->request, REPLY_TEXT, 200);
	reply->text = arena_printf(&reply->arena, "{\"id\":\"%s\"}", id);
	return reply;
}

static void runs_are_cancelled(void **state) {
	struct fixture *fixture = *state;
	fixture->engine = engine_cancels;
	struct http http = call(fixture, "POST", "/v1/cancellations",
				"{\"app_id\":\"shop\",\"function_id\":\"shop-hello\",\"started_after\":"
				"\"2023-11-14T22:13:20.0001Z\",\"started_before\":\"2023-11-14T23:13:21+01:00\","
				"\"if\":\"event.data.n == 1\",\"other\":1}");
	assert_int_equal(http.status, 200);
	char id[ULID_TEXT_LEN + 1] = "";
	assert_int_equal(sscanf(http.body, "{\"data\":{\"id\":\"%26s\"},\"metadata\":{\"fetched_at\":\"2", id), 1);
	struct ulid parsed;
	assert_true(ulid_parse(str_from_cstr(id), &parsed));
	assert_null(http_header(&http, "Cache-Control"));
	http_free(&http);
	assert_string_equal(fixture->noted, "shop shop-hello 1 1700000000001-1700000001000 [event.data.n == 1]");
	http = call(fixture, "POST", "/v1/cancellations",
		    "{\"app_id\":\"shop\",\"function_id\":\"nothing\",\"started_before\":\"2023-11-14T22:13:20Z\"}");
	assert_reply(http, 404, "{\"error\":\"function not found\",\"data\":null,\"status\":404}\n");
	assert_string_equal(fixture->noted, "shop nothing 0 0-1700000000000 []");
}

static void cancellation_is_refused(void **state) {
	static const struct {
		const char *body, *text;
	} cases[] = {
		{NULL, "Invalid cancellation request"},
		{"[]", "Invalid cancellation request"},
		{"{}", "app_id is required\\nfunction_id is required\\nstarted_before is required"},
		{"{\"app_id\":\"a\",\"function_id\":\"f\",\"started_before\":\"2023-11-14T22:13:20Z\",\"if\":\"event."
		 "\"}",
		 "invalid expression: error compiling expression: ERROR: <input>:1:7: Syntax error: "},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http http = call(*state, "POST", "/v1/cancellations", cases[i].body);
		assert_int_equal(http.status, 400);
		char start[200];
		(void)snprintf(start, sizeof start, "{\"error\":\"%s", cases[i].text);
		if (strncmp(http.body, start, strlen(start)) != 0) fail_msg("%s", http.body);
		assert_non_null(strstr(http.body, "\",\"data\":null,\"status\":400}\n"));
		http_free(&http);
	}
}

static struct reply *engine_lists(struct fixture *fixture, struct command *command) {
	(void)fixture;
	assert_int_equal(command->kind, COMMAND_CANCELLATIONS);
	struct reply *reply = reply_new(command->request, REPLY_TEXT, 200);
	reply->text = STR("[{\"id\":\"x\"}]");
	return reply;
}

static void cancellations_are_listed(void **state) {
	struct fixture *fixture = *state;
	fixture->engine = engine_lists;
	struct http http = call(fixture, "GET", "/v1/cancellations", NULL);
	assert_int_equal(http.status, 200);
	assert_non_null(strstr(http.body, "{\"data\":[{\"id\":\"x\"}],\"metadata\":{\"fetched_at\":\""));
	http_free(&http);
	http = call(fixture, "PUT", "/v1/cancellations", NULL);
	assert_string_equal(http_header(&http, "Allow"), "POST, GET");
	assert_reply(http, 405, "");
}

static struct reply *engine_removes(struct fixture *fixture, struct command *command) {
	(void)fixture;
	assert_int_equal(command->kind, COMMAND_CANCELLATION_REMOVE);
	char id[ULID_TEXT_LEN + 1];
	ulid_text(&command->cancellation.id, id);
	if (strcmp(id, ID) == 0) return reply_new(command->request, REPLY_OK, 200);
	struct reply *reply = reply_new(command->request, REPLY_FAILED, 404);
	reply->text = STR("Cancellation not found");
	return reply;
}

static void cancellation_is_removed(void **state) {
	struct fixture *fixture = *state;
	fixture->engine = engine_removes;
	struct http http = call(fixture, "DELETE", "/v1/cancellations/" ID, NULL);
	assert_int_equal(http.status, 200);
	assert_non_null(strstr(http.body, "{\"data\":{\"ok\":true},\"metadata\":{\"fetched_at\":\""));
	http_free(&http);
	http = call(fixture, "DELETE", "/v1/cancellations/01JQDAE4RQF8MBCR55T5AK4KXT", NULL);
	assert_reply(http, 404, "{\"error\":\"Cancellation not found\",\"data\":null,\"status\":404}\n");
	http = call(fixture, "DELETE", "/v1/cancellations/x", NULL);
	assert_reply(http, 400, "{\"error\":\"Invalid cancellation ID\",\"data\":null,\"status\":400}\n");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_are_cancelled),
		cmocka_unit_test(cancellation_is_refused),
		cmocka_unit_test(cancellations_are_listed),
		cmocka_unit_test(cancellation_is_removed),
	};
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
