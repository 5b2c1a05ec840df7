// REST v2: its paths and errors, its health, and POST /v2/events.
#include "model/limits.h"
#include "v2_fixture.h"

static void write_nothing(struct history_writer *writer, uint64_t now_ms) {
	(void)writer;
	(void)now_ms;
}

static int setup(void **state) {
	struct fixture *fixture = history_fixture_start(write_nothing);
	fixture->engine = engine_notes;
	*state = fixture;
	return 0;
}
static int teardown(void **state) {
	history_fixture_stop(*state);
	return 0;
}
static int reset(void **state) {
	(void)state;
	commands = 0;
	answer.kind = REPLY_OK;
	answer.status = 200;
	return 0;
}

static void health_is_told(void **state) {
	static const char *const paths[] = {"/v2/health", "/api/v2/health"};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct http http = call(*state, "GET", paths[i], NULL);
		assert_data(http, 200, "{\"status\":\"ok\"}");
	}
}

static void unknown_paths_and_methods(void **state) {
	static const struct {
		const char *method, *path;
		int status;
		const char *message;
	} cases[] = {
		{"GET", "/v2/nothing", 404, "Not Found"},
		{"GET", "/v2/", 404, "Not Found"},
		{"GET", "/api/v2/", 404, "Not Found"},
		{"POST", "/v2/runs//cancel", 404, "Not Found"},
		{"POST", "/v2/apps/a/functions//invoke", 404, "Not Found"},
		{"GET", "/v2", 400, "Bad Request"},
		{"POST", "/api/v2", 400, "Bad Request"},
		{"POST", "/v2/health", 501, "Method Not Allowed"},
		{"HEAD", "/v2/health", 501, ""},
		{"GET", "/v2/events", 501, "Method Not Allowed"},
		{"DELETE", "/api/v2/runs/x/rerun", 501, "Method Not Allowed"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http http = call(*state, cases[i].method, cases[i].path, NULL);
		char body[100] = "";
		if (cases[i].message[0] != '\0') {
			(void)snprintf(body, sizeof body, V2_ERROR("api_error", "%s"), cases[i].message);
		}
		if (http.status != cases[i].status) fail_msg("%s %s: %d", cases[i].method, cases[i].path, http.status);
		assert_null(http_header(&http, "Allow"));
		assert_string_equal(http_header(&http, "Content-Type"), "application/json");
		assert_reply(http, cases[i].status, body);
	}
}

static void what_only_begins_like_v2_is_not_of_it(void **state) {
	static const char *const paths[] = {"/v22", "/api/v22/health", "/api/v1/health", "/api", "//v2"};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct http http = call(*state, "GET", paths[i], NULL);
		assert_reply(http, 404, "404 page not found\n");
	}
	struct http http = call(*state, "GET", "/v2/%zz", NULL);
	assert_reply(http, 400, "400 Bad Request"); // although no route is there (05 §1)
	http = call(*state, "POST", "/v2/runs/%zz/cancel", NULL);
	assert_reply(http, 400, "400 Bad Request");
}

// An unknown path with a body that is too large to be read is answered before it.
static void unknown_path_with_a_large_body(void **state) {
	int fd = client_connect(*state);
	client_text(fd, "POST /v2/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n");
	struct http http = client_read(fd, false);
	assert_reply(http, 404, V2_ERROR("api_error", "Not Found"));
	close(fd);
}

static void event_is_taken(void **state) {
	struct fixture *fixture = *state;
	struct http http = call(fixture, "POST", "/v2/events",
				"{\"name\":\"a/b\",\"id\":\"mine\",\"ts\":\"1700000000123\",\"user\":{\"u\":1},"
				"\"data\":{\"z\":null,\"_inngest\":1}}");
	char id[ULID_TEXT_LEN + 1] = "";
	assert_int_equal(sscanf(http.body, "{\"data\":{\"eventId\":\"%26s\"", id), 1);
	struct ulid parsed;
	assert_true(ulid_parse(str_from_cstr(id), &parsed));
	char data[100];
	(void)snprintf(data, sizeof data, "{\"eventId\":\"%s\"}", id);
	assert_data(http, 200, data);
	assert_string_equal(
		fixture->noted,
		"event "
		"{\"data\":{\"z\":null},\"id\":\"mine\",\"name\":\"a/b\",\"ts\":1700000000123,\"user\":{\"u\":1}}");
	// The content type does not matter, and without data there is an empty object.
	http = call_with(fixture, "POST", "/api/v2/events", "Content-Type: application/x-www-form-urlencoded\r\n",
			 "{\"name\":\"c\",\"ts\":1700000000123}");
	assert_int_equal(http.status, 200);
	http_free(&http);
	assert_non_null(strstr(fixture->noted, "event {\"data\":{},\"id\":\"01"));
}

static void event_is_refused(void **state) {
	static char name[V2_EVENT_NAME_MAX + 100];
	static const struct {
		const char *body;
		const char *reply;
	} cases[] = {
		{NULL, V2_ERROR("missing_field", "Event name is required")},
		{"", V2_ERROR("missing_field", "Event name is required")},
		{"{\"name\":null,\"data\":{}}", V2_ERROR("missing_field", "Event name is required")},
		{name, V2_ERROR("invalid_field_format", "Event name cannot exceed 512 characters")},
		{"{\"name\":\"Inngest/x\"}",
		 V2_ERROR("invalid_field_format", "event name is reserved for internal use: Inngest/x")},
		{"{\"name\":\"a\",\"ts\":1}", V2_ERROR("validation_error", "timestamp is before Jan 1, 1980")},
		{"{\"name\":\"a\",\"v\":\"1\"}", V2_ERROR("api_error", "unknown field \\\"v\\\"")},
	};
	size_t len = (size_t)snprintf(name, sizeof name, "{\"name\":\"");
	memset(name + len, 'n', V2_EVENT_NAME_MAX + 1);
	strcpy(name + len + V2_EVENT_NAME_MAX + 1, "\"}");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http http = call(*state, "POST", "/v2/events", cases[i].body);
		assert_reply(http, 400, cases[i].reply);
	}
	static const char *const not_decoded[] = {"[]", "{", "{\"name\":1}", "{\"name\":\"a\",\"data\":[]}"};
	for (size_t i = 0; i < ARRAY_LEN(not_decoded); i++) {
		struct http http = call(*state, "POST", "/v2/events", not_decoded[i]);
		assert_error_code(http, 400, "api_error");
	}
	assert_int_equal(commands, 0);
}

static void event_is_too_large(void **state) {
	static const char *const reply = V2_ERROR("invalid_request", "Request body cannot exceed 3145728 bytes");
	int fd = client_connect(*state);
	client_text(fd, "POST /v2/events HTTP/1.1\r\nHost: x\r\nContent-Length: 3145729\r\n\r\n");
	struct http http = client_read(fd, false);
	assert_string_equal(http_header(&http, "Connection"), "close");
	assert_reply(http, 413, reply);
	close(fd);
	// Within the limit as it is sent, but not as it is stored.
	static char body[3145728 + 1];
	size_t len = (size_t)snprintf(body, sizeof body, "{\"name\":\"a\",\"data\":{\"a\":\"");
	memset(body + len, 'x', sizeof body - 1 - len - 3);
	strcpy(body + sizeof body - 1 - 3, "\"}}");
	assert_int_equal(strlen(body), 3145728);
	http = call(*state, "POST", "/v2/events", body);
	assert_reply(http, 400, V2_ERROR("validation_error", "Event payload cannot exceed 3145728 bytes"));
}

static void event_that_the_engine_does_not_take(void **state) {
	struct fixture *fixture = *state;
	answer.kind = REPLY_FAILED;
	answer.status = 429;
	struct http http = call(fixture, "POST", "/v2/events", "{\"name\":\"a\"}");
	assert_reply(http, 500, V2_ERROR("internal_error", "Unable to send event"));
	fixture->post_result = ERR_BUSY;
	http = call(fixture, "POST", "/v2/events", "{\"name\":\"a\"}");
	fixture->post_result = ERR_OK;
	assert_string_equal(http_header(&http, "Retry-After"), "1");
	assert_reply(http, 503, V2_ERROR("internal_server_error", "The server is busy; please try again"));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup(name, reset)
	const struct CMUnitTest tests[] = {
		TEST(health_is_told),
		TEST(unknown_paths_and_methods),
		TEST(what_only_begins_like_v2_is_not_of_it),
		TEST(unknown_path_with_a_large_body),
		TEST(event_is_taken),
		TEST(event_is_refused),
		TEST(event_is_too_large),
		TEST(event_that_the_engine_does_not_take),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
