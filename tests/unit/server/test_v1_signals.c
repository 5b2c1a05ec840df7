// POST /v1/signals: what counts as a signal, and what its sender learns.
#include "fixture.h"
#include "model/limits.h"

#define RUN_ID "01JQDAE4RQF8MBCR55T5AK4KXS"

static struct reply *engine_resumes(struct fixture *fixture, struct command *command) {
	assert_int_equal(command->kind, COMMAND_SIGNAL);
	struct str data = payload_str(command->signal.data);
	(void)snprintf(fixture->noted, sizeof fixture->noted, "%.*s %.*s", STR_ARG(command->signal.name),
		       STR_ARG(str_first(data, 1000)));
	struct reply *reply = reply_new(command->request, REPLY_OK, 200);
	assert_true(ulid_parse(STR(RUN_ID), &reply->run_id));
	return reply;
}

static struct reply *engine_finds_nobody(struct fixture *fixture, struct command *command) {
	(void)fixture;
	struct reply *reply = reply_new(command->request, REPLY_FAILED, 404);
	reply->text = STR("No signal found");
	return reply;
}

static void test_signals(void **state) {
	static const struct {
		const char *body, *noted;
	} cases[] = {
		{"{\"signal\":\"s\",\"data\":{\"b\":1.0,\"a\":[ null ]}}", "s {\"a\":[null],\"b\":1}"},
		{"{\"signal\":\"s\",\"data\":null}", "s null"},
		{" {\"data\":\"x\",\"signal\":\"a \\\"b\\\"\",\"more\":1} ", "a \"b\" \"x\""},
		{"{\"signal\":\"s\"}", "s null"},
	};
	struct fixture *fixture = *state;
	fixture->engine = engine_resumes;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http http = call(fixture, "POST", "/v1/signals", cases[i].body);
		assert_int_equal(http.status, 200);
		assert_string_equal(fixture->noted, cases[i].noted);
		static const char head[] = "{\"data\":{\"run_id\":\"" RUN_ID "\"},\"metadata\":{\"fetched_at\":\"";
		assert_memory_equal(http.body, head, sizeof head - 1);
		assert_null(strstr(http.body, "cached_until"));
		http_free(&http);
	}
}

static void test_nobody_waits(void **state) {
	struct fixture *fixture = *state;
	fixture->engine = engine_finds_nobody;
	struct http http = call(fixture, "POST", "/v1/signals", "{\"signal\":\"s\"}");
	assert_reply(http, 404, "{\"error\":\"No signal found\",\"data\":null,\"status\":404}\n");
}

static void test_what_is_no_signal(void **state) {
	static const char *const bodies[] = {"",
					     "{",
					     "null",
					     "[{\"signal\":\"s\"}]",
					     "\"s\"",
					     "{}",
					     "{\"signal\":\"\"}",
					     "{\"signal\":null,\"data\":1}",
					     "{\"signal\":5}",
					     "{\"data\":1}"};
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct http http = call(*state, "POST", "/v1/signals", bodies[i]);
		assert_reply(http, 400, "{\"error\":\"Invalid signal data\",\"data\":null,\"status\":400}\n");
	}
	struct http http = call(*state, "GET", "/v1/signals", NULL);
	assert_int_equal(http.status, 405);
	assert_string_equal(http_header(&http, "Allow"), "POST");
	http_free(&http);
}

// A body with a string of so many bytes, quotes included, as data.
static struct http send_data(struct fixture *fixture, size_t len, char filling) {
	static const char head[] = "{\"signal\":\"s\",\"data\":\"";
	char *body = mem_alloc(sizeof head + len + 2);
	memcpy(body, head, sizeof head - 1);
	memset(body + sizeof head - 1, filling, len - 2);
	memcpy(body + sizeof head - 1 + len - 2, "\"}", 3);
	struct http http = call(fixture, "POST", "/v1/signals", body);
	free(body);
	return http;
}

static void test_sizes(void **state) {
	struct fixture *fixture = *state;
	fixture->engine = engine_resumes;
	struct http http = send_data(fixture, SIGNAL_DATA_MAX, 'x');
	assert_int_equal(http.status, 200);
	http_free(&http);
	http = send_data(fixture, SIGNAL_DATA_MAX + 1, 'x');
	assert_reply(http, 413, "{\"error\":\"Signal data is too large\",\"data\":null,\"status\":413}\n");
	http = send_data(fixture, SIGNAL_BODY_MAX, 'x');
	assert_int_equal(http.status, 413);
	http_free(&http);
}

static void test_busy(void **state) {
	struct fixture *fixture = *state;
	fixture->post_result = ERR_BUSY;
	struct http http = call(fixture, "POST", "/v1/signals", "{\"signal\":\"s\"}");
	assert_int_equal(http.status, 503);
	http_free(&http);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_signals), TEST(test_nobody_waits), TEST(test_what_is_no_signal),
		TEST(test_sizes),   TEST(test_busy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
