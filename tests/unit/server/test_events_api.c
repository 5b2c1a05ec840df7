// POST /e/{key}, POST /api/events and POST /invoke/{slug}: what reaches the engine and what the sender reads.
#include "base/buf.h"
#include "fixture.h"
#include "model/limits.h"

#define SEED "x-inngest-event-id-seed: 1743130137367,eii2YKXRVTJPuA==\r\n"

static void note_events(struct fixture *fixture, const struct command *command) {
	struct buf note;
	buf_init(&note, sizeof fixture->noted - 1);
	for (size_t i = 0; i < command->events.count; i++) {
		char id[ULID_TEXT_LEN + 1];
		ulid_text(&command->events.events[i].internal_id, id);
		buf_printf(&note, "%s%s %.*s", i > 0 ? ";" : "", id, STR_ARG(command->events.events[i].name));
	}
	buf_byte(&note, '\0');
	memcpy(fixture->noted, note.ptr, note.len);
	buf_free(&note);
}

static struct reply *engine_notes(struct fixture *fixture, struct command *command) {
	assert_int_equal(command->kind, COMMAND_EVENTS);
	note_events(fixture, command);
	return reply_new(command->request, REPLY_OK, 200);
}

static int setup(void **state) {
	struct fixture *fixture = mem_calloc(1, sizeof *fixture);
	fixture->engine = engine_notes;
	fixture_start(fixture);
	*state = fixture;
	return 0;
}

static void test_seeded_ids(void **state) {
	struct fixture *fixture = *state;
	struct http http = call_with(fixture, "POST", "/e/key", SEED, "[{\"name\":\"a\"},{\"name\":\"b\"}]");
	assert_string_equal(fixture->noted, "01JQDAE4RQF8MBCR55T5AK4KXS a;01JQDAE4RQF8MBCR55T5AK4KXT b");
	assert_string_equal(http_header(&http, "Content-Type"), "application/json");
	assert_reply(http, 200,
		     "{\"ids\":[\"01JQDAE4RQF8MBCR55T5AK4KXS\",\"01JQDAE4RQF8MBCR55T5AK4KXT\"],\"status\":200}\n");
	http = call_with(fixture, "POST", "/api/events", SEED, "{\"name\":\"a\"}");
	assert_reply(http, 200, "{\"ids\":[\"01JQDAE4RQF8MBCR55T5AK4KXS\"],\"status\":200}\n");
}

static void test_empty_bodies(void **state) {
	static const char *const bodies[] = {"", "[]", " \n"};
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct http http = call(*state, "POST", "/e/key", bodies[i]);
		assert_reply(http, 200, "{\"ids\":[],\"status\":200}\n");
	}
}

static void test_bad_bodies(void **state) {
	static const struct {
		const char *body, *text;
	} cases[] = {
		{"{\"name\":\"\"}", "event name is empty"},
		{"{\"name\":\"inngest/x\"}", "event name is reserved for internal use: inngest/x"},
		{"{\"name\":\"a\",\"ts\":1}", "timestamp is before Jan 1, 1980"},
		{"7", "Request body must contain an event object or an array of event objects"},
		{"{\"name\":", NULL},
		{"{\"name\":\"a\"} x", NULL},
		{"\xff\xfe", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http http = call(*state, "POST", "/e/key", cases[i].body);
		assert_int_equal(http.status, 400);
		assert_non_null(strstr(http.body, "{\"ids\":[\"\"],\"status\":400,\"error\":\""));
		if (cases[i].text != NULL) assert_non_null(strstr(http.body, cases[i].text));
		http_free(&http);
	}
}

static void test_bad_element_keeps_those_before(void **state) {
	struct fixture *fixture = *state;
	struct http http =
		call_with(fixture, "POST", "/e/key", SEED, "[{\"name\":\"a\"},{\"name\":\"\"},{\"name\":\"c\"}]");
	assert_string_equal(fixture->noted, "01JQDAE4RQF8MBCR55T5AK4KXS a");
	assert_reply(http, 400,
		     "{\"ids\":[\"01JQDAE4RQF8MBCR55T5AK4KXS\"],\"status\":400,\"error\":\"event name is empty\"}\n");
}

static void test_event_too_large(void **state) {
	char *body = mem_alloc(EVENT_SIZE_MAX + 100);
	int len = sprintf(body, "{\"name\":\"a\",\"data\":{\"x\":\"");
	memset(body + len, 'x', EVENT_SIZE_MAX);
	strcpy(body + len + EVENT_SIZE_MAX, "\"}}");
	struct http http = call(*state, "POST", "/e/key", body);
	assert_int_equal(http.status, 400);
	assert_non_null(strstr(http.body, "Event is over the max size: Max 3145728 bytes / Size 3145756 bytes"));
	http_free(&http);
	free(body);
}

// Deep values fit the stack of the server's threads, or are refused.
static void send_deep(void **state, const char *open, const char *close, size_t depth, int status) {
	struct buf body;
	buf_init(&body, EVENT_BODY_MAX);
	buf_lit(&body, "{\"name\":\"a\",\"data\":{\"x\":");
	for (size_t i = 0; i < depth; i++) buf_str(&body, str_from_cstr(open));
	buf_lit(&body, "1");
	for (size_t i = 0; i < depth; i++) buf_str(&body, str_from_cstr(close));
	buf_append(&body, "}}", 3);
	struct http http = call(*state, "POST", "/e/key", body.ptr);
	assert_int_equal(http.status, status);
	http_free(&http);
	buf_free(&body);
}

static void test_deep_data(void **state) {
	static const struct {
		size_t depth;
		int status;
	} cases[] = {{950, 200}, {1001, 400}, {300000, 400}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		send_deep(state, "[", "]", cases[i].depth, cases[i].status);
		send_deep(state, "{\"k\":", "}", cases[i].depth, cases[i].status);
	}
}

static void test_body_announced_too_large(void **state) {
	int fd = client_connect(*state);
	client_text(fd, "POST /e/k HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n{");
	struct http http = client_read(fd, false);
	assert_int_equal(http.status, 413);
	assert_non_null(
		strstr(http.body, "{\"ids\":[\"\"],\"status\":413,\"error\":\"Request body is over the max size"));
	http_free(&http);
	close(fd);
}

static void test_engine_busy(void **state) {
	struct fixture *fixture = *state;
	fixture->post_result = ERR_BUSY;
	struct http http = call(fixture, "POST", "/e/key", "{\"name\":\"a\"}");
	assert_string_equal(http_header(&http, "Retry-After"), "1");
	assert_reply(http, 503, "{\"ids\":[\"\"],\"status\":503,\"error\":\"The server is busy; please try again\"}\n");
	http = call(fixture, "POST", "/invoke/f", "{}");
	assert_string_equal(http_header(&http, "Retry-After"), "1");
	assert_reply(http, 503, "{\"error\":\"The server is busy; please try again\",\"data\":null,\"status\":503}\n");
	fixture->post_result = ERR_OK;
}

static struct reply *engine_refuses(struct fixture *fixture, struct command *command) {
	(void)fixture;
	struct reply *reply = reply_new(command->request, REPLY_FAILED, 500);
	reply->text = STR("disk \"full\"");
	return reply;
}

static void test_engine_refuses(void **state) {
	struct fixture *fixture = *state;
	fixture->engine = engine_refuses;
	struct http http = call(fixture, "POST", "/e/key", "{\"name\":\"a\"}");
	assert_reply(http, 500, "{\"ids\":[\"\"],\"status\":500,\"error\":\"disk \\\"full\\\"\"}\n");
	fixture->engine = engine_notes;
}

static void test_invoke(void **state) {
	struct fixture *fixture = *state;
	struct http http = call_with(fixture, "POST", "/invoke/app-fn", SEED, "{\"data\":{\"x\":1}}");
	assert_string_equal(fixture->noted, "01JQDAE4RQF8MBCR55T5AK4KXR inngest/function.invoked");
	assert_reply(http, 200, "{\"id\":\"01JQDAE4RQF8MBCR55T5AK4KXR\",\"status\":200}\n");
	static const struct {
		const char *path, *body, *text;
	} cases[] = {{"/invoke/f", "", "Unable to read post data request"},
		     {"/invoke/f", "[]", "Unable to read post data request"},
		     {"/invoke/f", "{\"ts\":1}", "Invalid invocation event"},
		     {"/invoke/f%25zz", "{}", "Unable to decode function slug"}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		http = call(fixture, "POST", cases[i].path, cases[i].body);
		assert_int_equal(http.status, 400);
		assert_non_null(strstr(http.body, cases[i].text));
		http_free(&http);
	}
}

static struct reply *engine_reads_slug(struct fixture *fixture, struct command *command) {
	(void)snprintf(fixture->noted, sizeof fixture->noted, "%.*s", STR_ARG(command->events.events[0].invoke_fn_id));
	return reply_new(command->request, REPLY_OK, 200);
}

static void test_invoke_slug_is_decoded_twice(void **state) {
	struct fixture *fixture = *state;
	fixture->engine = engine_reads_slug;
	struct http http = call(fixture, "POST", "/invoke/my+app%2Ffn%2521", "{}");
	assert_int_equal(http.status, 200);
	assert_string_equal(fixture->noted, "my app/fn!");
	http_free(&http);
	fixture->engine = engine_notes;
}

static void test_key_with_escaped_slash(void **state) {
	struct http http = call(*state, "POST", "/e/ab%2Fc", "{\"name\":\"a\"}");
	assert_int_equal(http.status, 200);
	http_free(&http);
}

struct sender {
	const struct fixture *fixture;
	unsigned good;
};
static void *send_many(void *context) {
	struct sender *sender = context;
	int fd = client_connect(sender->fixture);
	for (int i = 0; i < 200; i++) {
		client_text(fd, "POST /e/k HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n{\"name\":\"a\"}");
		struct http http = client_read(fd, false);
		if (http.status == 200) sender->good++;
		http_free(&http);
	}
	close(fd);
	return NULL;
}

static void test_many_at_once(void **state) {
	struct sender senders[8];
	pthread_t threads[ARRAY_LEN(senders)];
	for (size_t i = 0; i < ARRAY_LEN(senders); i++) {
		senders[i] = (struct sender){*state, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, send_many, &senders[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(senders); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(senders[i].good, 200);
	}
}

// A reply for a request that nobody knows (any more) is dropped.
static void test_unknown_token(void **state) {
	struct fixture *fixture = *state;
	server_reply(fixture->server, &reply_new(0, REPLY_OK, 200)->message);
	server_reply(fixture->server, &reply_new(12345, REPLY_OK, 200)->message);
	server_reply(fixture->server, &reply_new(UINT64_MAX, REPLY_OK, 200)->message);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seeded_ids),
		cmocka_unit_test(test_empty_bodies),
		cmocka_unit_test(test_bad_bodies),
		cmocka_unit_test(test_bad_element_keeps_those_before),
		cmocka_unit_test(test_event_too_large),
		cmocka_unit_test(test_deep_data),
		cmocka_unit_test(test_body_announced_too_large),
		cmocka_unit_test(test_engine_busy),
		cmocka_unit_test(test_engine_refuses),
		cmocka_unit_test(test_invoke),
		cmocka_unit_test(test_invoke_slug_is_decoded_twice),
		cmocka_unit_test(test_key_with_escaped_slash),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_unknown_token),
	};
	return cmocka_run_group_tests(tests, setup, fixture_teardown);
}
