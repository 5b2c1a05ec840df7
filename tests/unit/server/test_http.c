// Transport and routing: what every request goes through.
#include "fixture.h"
#include "model/limits.h"

static void test_health_and_ready(void **state) {
	struct fixture *fixture = *state;
	struct http http = call(fixture, "GET", "/health", NULL);
	assert_string_equal(http_header(&http, "Content-Type"), "application/json");
	assert_string_equal(http_header(&http, "X-Inngest-Server-Kind"), "dev");
	assert_string_equal(http_header(&http, "Vary"), "Origin");
	assert_null(http_header(&http, "Access-Control-Allow-Origin"));
	assert_reply(http, 200, "{\"status\":200,\"message\":\"OK\"}\n");
	http = call(fixture, "HEAD", "/health", NULL);
	assert_string_equal(http_header(&http, "Content-Length"), "30");
	assert_reply(http, 200, "");
	http = call(fixture, "GET", "/ready", NULL);
	assert_reply(http, 200, "{\"status\":200,\"message\":\"OK\"}\n");
	fixture->not_ready = true;
	http = call(fixture, "GET", "/ready", NULL);
	assert_reply(http, 503, "{\"status\":503,\"message\":\"Not ready\"}\n");
	fixture->not_ready = false;
}

static struct reply *engine_tells(struct fixture *fixture, struct command *command) {
	(void)fixture;
	assert_int_equal(command->kind, COMMAND_STATS);
	struct reply *reply = reply_new(command->request, REPLY_STATS, 200);
	reply->stats = (struct engine_stats){.runs = 7,
					     .items_ready = 1,
					     .items_later = 20,
					     .calls_in_flight = 300,
					     .events_waiting = 4000,
					     .schedules = 50000,
					     .functions = 8,
					     .apps = 9};
	static const struct function_stats functions[] = {
		{STR_INIT("b-\"quoted\\\n"), {[TALLY_RUN_SCHEDULED] = 1}},
		{STR_INIT("a-twice"), {[TALLY_RUN_SCHEDULED] = 2, [TALLY_RUN_CANCELLED] = 5, [TALLY_CALL_ERRORED] = 6}},
		{STR_INIT("c-idle"), {0}},
		{STR_INIT("a-twice"), {[TALLY_RUN_SCHEDULED] = 3, [TALLY_RUN_COMPLETED] = 4}},
	};
	reply->functions = ARENA_ARRAY(&reply->arena, struct function_stats, ARRAY_LEN(functions));
	memcpy(reply->functions, functions, sizeof functions);
	reply->function_count = ARRAY_LEN(functions);
	return reply;
}

static void test_metrics(void **state) {
	static const char *const paths[] = {"/metrics", "/v1/prom/dev", "/api/v1/prom/any"};
	struct fixture *fixture = *state;
	fixture->engine = engine_tells;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct http http = call(fixture, "GET", paths[i], NULL);
		assert_int_equal(http.status, 200);
		assert_string_equal(http_header(&http, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
		assert_non_null(strstr(http.body, "# TYPE inngest_queue_depth gauge\ninngest_queue_depth 54321\n"));
		assert_non_null(strstr(http.body, "\ninngest_runs_active 7\n"));
		assert_non_null(strstr(http.body, "\ninngest_calls_in_flight 300\n"));
		// Sorted, merged and escaped; what is zero is not there, a counter without any sample neither.
		assert_non_null(strstr(http.body,
				       "# TYPE inngest_function_run_scheduled_total counter\n"
				       "inngest_function_run_scheduled_total{fn=\"a-twice\"} 5\n"
				       "inngest_function_run_scheduled_total{fn=\"b-\\\"quoted\\\\\\n\"} 1\n# "));
		assert_non_null(strstr(http.body,
				       "\ninngest_function_run_ended_total{fn=\"a-twice\",status=\"completed\"} 4\n"
				       "inngest_function_run_ended_total{fn=\"a-twice\",status=\"cancelled\"} 5\n"));
		assert_non_null(
			strstr(http.body, "\ninngest_sdk_req_ended_total{fn=\"a-twice\",status=\"errored\"} 6\n"));
		assert_null(strstr(http.body, "c-idle"));
		assert_null(strstr(http.body, "inngest_sdk_req_started_total"));
		http_free(&http);
	}
	struct http http = call(fixture, "POST", "/metrics", NULL);
	assert_reply(http, 405, "");
	fixture->post_result = ERR_BUSY;
	http = call(fixture, "GET", "/metrics", NULL);
	assert_int_equal(http.status, 503);
	http_free(&http);
	fixture->post_result = ERR_OK;
	fixture->engine = engine_says_ok;
}

static void test_dev_traces(void **state) {
	static const struct {
		const char *type, *body;
		int status;
		const char *answer;
	} cases[] = {
		{"application/json", "{}", 200, ""},
		{"application/x-protobuf", "", 200, ""},
		{"application/json", "[", 400, NULL},
		{"application/json; charset=utf-8", "{}", 400,
		 "{\"error\":\"unable to handle unknown content type for traces: application/json; charset=utf-8\","
		 "\"data\":null,\"status\":400}\n"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char header[100];
		snprintf(header, sizeof header, "Content-Type: %s\r\n", cases[i].type);
		struct http http = call_with(*state, "POST", "/dev/traces", header, cases[i].body);
		assert_int_equal(http.status, cases[i].status);
		if (cases[i].answer != NULL) assert_string_equal(http.body, cases[i].answer);
		http_free(&http);
	}
}

static void test_operations(void **state) {
	static const char *const paths[] = {"/v2/operations", "/api/v2/operations"};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct http http = call(*state, "GET", paths[i], NULL);
		assert_int_equal(http.status, 200);
		assert_string_equal(http_header(&http, "Cache-Control"),
				    "public, max-age=300, stale-while-revalidate=3600");
		assert_string_equal(http_header(&http, "Access-Control-Allow-Origin"), "*");
		assert_non_null(strstr(http.body, "\"id\":\"GetFunctionRun\""));
		http_free(&http);
		http = call(*state, "POST", paths[i], "{}");
		assert_reply(http, 405, "");
	}
	struct http http = call_with(*state, "GET", paths[0], "Origin: http://a\r\n", NULL);
	assert_string_equal(http_header(&http, "Access-Control-Allow-Origin"), "http://a");
	http_free(&http);
}

static void test_unknown_paths(void **state) {
	static const char *const paths[] = {"/",        "/e",       "/e/",      "/e/a/b",  "//health",
					    "/health/", "/HEALTH",  "/v0/x",    "/v1/",    "/v1/x",
					    "/healt",   "/healthy", "/v1/runz", "/invoke", "/fn/register/"};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct http http = call(*state, "GET", paths[i], NULL);
		assert_string_equal(http_header(&http, "Content-Type"), "text/plain; charset=utf-8");
		assert_reply(http, 404, "404 page not found\n");
	}
}

static void test_wrong_methods(void **state) {
	static const struct {
		const char *method, *path, *allow;
	} cases[] = {{"POST", "/health", "GET, HEAD"}, {"GET", "/e/key", "POST"},
		     {"HEAD", "/dev", "GET"},          {"PUT", "/v1/runs/x", "GET, DELETE"},
		     {"GET", "/fn/register", "POST"},  {"OPTIONS", "/e/key", "POST"},
		     {"BREW", "/v1/events", "GET"},    {"GET", "/v1/checkpoint/x/async", "POST"}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http http = call(*state, cases[i].method, cases[i].path, NULL);
		assert_string_equal(http_header(&http, "Allow"), cases[i].allow);
		assert_reply(http, 405, "");
	}
}

static void test_cors(void **state) {
	struct http http = call_with(*state, "GET", "/health", "Origin: http://a.example\r\n", NULL);
	assert_string_equal(http_header(&http, "Access-Control-Allow-Origin"), "http://a.example");
	assert_string_equal(http_header(&http, "Access-Control-Expose-Headers"), "Link, Mcp-Session-Id");
	assert_null(http_header(&http, "Access-Control-Allow-Credentials"));
	http_free(&http);
	http = call_with(*state, "OPTIONS", "/any/path",
			 "Origin: http://a.example\r\nAccess-Control-Request-Method: POST\r\n"
			 "Access-Control-Request-Headers: content-type,x-foo, AUTHORIZATION\r\n",
			 NULL);
	assert_string_equal(http_header(&http, "Access-Control-Allow-Origin"), "http://a.example");
	assert_string_equal(http_header(&http, "Access-Control-Allow-Methods"), "POST");
	assert_string_equal(http_header(&http, "Access-Control-Allow-Headers"), "Content-Type, X-Foo, Authorization");
	assert_string_equal(http_header(&http, "Access-Control-Max-Age"), "3600");
	assert_non_null(strstr(http.head, "Vary: Access-Control-Request-Headers\r\n"));
	assert_null(http_header(&http, "X-Inngest-Server-Kind"));
	assert_reply(http, 200, "");
	http = call_with(*state, "OPTIONS", "/e/k",
			 "Origin: http://a.example\r\nAccess-Control-Request-Method: PATCH\r\n", NULL);
	assert_null(http_header(&http, "Access-Control-Allow-Origin"));
	assert_reply(http, 200, "");
	http = call_with(*state, "HEAD", "/health", "Origin: http://a.example\r\n", NULL);
	assert_null(http_header(&http, "Access-Control-Allow-Origin"));
	http_free(&http);
}

// What the library itself refuses: the status counts.
static void test_bad_http(void **state) {
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{"GET /health HTTP/1.1\r\n\r\n", 400}, // no Host
		{"GET /health\r\n\r\n", 400},          // no version
		{"GET /health HTTP/7.0\r\nHost: x\r\n\r\n", 505},
		{"GET http://x/health HTTP/1.1\r\nHost: x\r\n\r\n", 200},
		{"GET /health?%zz=%z HTTP/1.1\r\nHost: x\r\n\r\n", 200},
		{"POST /e/k HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400},
		{"POST /e/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
		{"POST /e/%zz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 400}, // bad escape
		{"GET /e/%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400},                       // also with a wrong method …
		{"GET /nowhere/%2 HTTP/1.1\r\nHost: x\r\n\r\n", 400},                  // … and anywhere else
		{"POST /e/k HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400},
		{"POST /e/k HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413},
		{"GET /health HTTP/1.0\r\n\r\n", 200},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int fd = client_connect(*state);
		client_text(fd, cases[i].text);
		struct http http = client_read(fd, false);
		if (http.status != cases[i].status) fail_msg("case %zu: status %d", i, http.status);
		http_free(&http);
		close(fd);
	}
}

static void test_long_headers(void **state) {
	char *value = mem_alloc(100001);
	memset(value, 'a', 100000);
	value[100000] = '\0';
	int fd = client_connect(*state);
	client_text(fd, "GET /health HTTP/1.1\r\nHost: x\r\nX-Long: ");
	client_text(fd, value);
	client_text(fd, "\r\n\r\n");
	struct http http = client_read(fd, false);
	assert_int_equal(http.status, 431);
	http_free(&http);
	close(fd);
	// Sixteen KiB are fine: what Node.js accepts at most.
	char headers[16100];
	(void)snprintf(headers, sizeof headers, "X-Long: %.16000s\r\n", value);
	http = call_with(*state, "GET", "/health", headers, NULL);
	assert_int_equal(http.status, 200);
	http_free(&http);
	free(value);
}

static void test_keep_alive_and_pipelining(void **state) {
	int fd = client_connect(*state);
	client_text(fd, "POST /e/k HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n{\"name\":\"a\"}"
			"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
			"GET /none HTTP/1.1\r\nHost: x\r\n\r\n");
	const int expected[] = {200, 200, 404};
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		struct http http = client_read(fd, false);
		assert_int_equal(http.status, expected[i]);
		http_free(&http);
	}
	// A body for a path that takes none does not end the connection.
	client_text(fd, "POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
			"GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
	struct http http = client_read(fd, false);
	assert_reply(http, 404, "404 page not found\n");
	http = client_read(fd, false);
	assert_int_equal(http.status, 200);
	http_free(&http);
	close(fd);
}

static void test_chunked_and_expect(void **state) {
	int fd = client_connect(*state);
	client_text(fd, "POST /e/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
			"5\r\n{\"nam\r\n7\r\ne\":\"a\"}\r\n0\r\n\r\n");
	struct http http = client_read(fd, false);
	assert_int_equal(http.status, 200);
	http_free(&http);
	client_text(fd, "POST /e/k HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\nExpect: 100-continue\r\n\r\n");
	http = client_read(fd, false);
	assert_int_equal(http.status, 100);
	http_free(&http);
	client_text(fd, "{\"name\":\"a\"}");
	http = client_read(fd, false);
	assert_int_equal(http.status, 200);
	http_free(&http);
	close(fd);
}

// A body of unknown length is read to its end, but kept only up to the limit of the path.
static void test_chunked_too_large(void **state) {
	static char chunk[1 << 20];
	memset(chunk, ' ', sizeof chunk);
	int fd = client_connect(*state);
	client_text(fd, "POST /fn/register HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (size_t sent = 0; sent <= REGISTER_BODY_MAX; sent += sizeof chunk) {
		client_text(fd, "100000\r\n");
		client_send(fd, chunk, sizeof chunk);
		client_text(fd, "\r\n");
	}
	client_text(fd, "0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n");
	struct http http = client_read(fd, false);
	assert_reply(
		http, 413,
		"{\"error\":\"Request body is over the max size: Max 33554432 bytes\",\"data\":null,\"status\":413}\n");
	http = client_read(fd, false);
	assert_int_equal(http.status, 200);
	http_free(&http);
	close(fd);
}

static void test_silent_clients_hold_up_nobody(void **state) {
	int silent[50];
	for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
		silent[i] = client_connect(*state);
		client_text(silent[i], i % 2 == 0 ? "POST /e/k HTTP/1.1\r\nHost: x\r\nContent-Le"
						  : "POST /e/k HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
	}
	for (int i = 0; i < 50; i++) {
		struct http http = call(*state, "POST", "/e/k", "{\"name\":\"a\"}");
		assert_int_equal(http.status, 200);
		http_free(&http);
	}
	for (size_t i = 0; i < ARRAY_LEN(silent); i++) close(silent[i]);
}

static struct reply *engine_keeps_silent(struct fixture *fixture, struct command *command) {
	(void)fixture;
	(void)command;
	return NULL;
}

static void test_stop_answers_waiting_requests(void **state) {
	(void)state;
	struct fixture fixture = {.engine = engine_keeps_silent};
	fixture_start(&fixture);
	int fd = client_connect(&fixture);
	int gone = client_connect(&fixture);
	client_text(fd, "POST /e/k HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n{\"name\":\"a\"}");
	client_text(gone, "POST /e/k HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n{\"name\":\"a\"}");
	close(gone); // nobody is told of it while the request waits
	struct http http = call(&fixture, "GET", "/health", NULL);
	http_free(&http);
	server_quiesce(fixture.server);
	fixture_stop(&fixture);
	http = client_read(fd, false);
	// Either it was waiting, or the server stopped before it had read it.
	if (http.status != 0) {
		assert_string_equal(http_header(&http, "Connection"), "close");
		assert_string_equal(http_header(&http, "Retry-After"), "1");
		assert_int_equal(http.status, 503);
	}
	http_free(&http);
	close(fd);
}

static void test_port_in_use(void **state) {
	struct fixture *fixture = *state;
	struct server_config config = {
		.host = STR("127.0.0.1"), .port = server_port(fixture->server), .server_kind = "dev"};
	struct server *server = NULL;
	struct error error;
	assert_int_equal(server_start(&config, &server, &error), ERR_EXISTS);
	assert_null(server);
	config.host = STR("no-such-host.invalid");
	assert_int_equal(server_start(&config, &server, &error), ERR_IO);
}

static void test_dual_stack(void **state) {
	struct server_config config = {.server_kind = "cloud", .threads = 1};
	(void)state;
	struct server *server = NULL;
	struct error error;
	assert_int_equal(server_start(&config, &server, &error), ERR_OK);
	struct fixture fixture = {.server = server};
	struct http http = call(&fixture, "GET", "/health", NULL);
	assert_string_equal(http_header(&http, "X-Inngest-Server-Kind"), "cloud");
	http_free(&http);
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(server_port(server))};
	address.sin6_addr = in6addr_loopback;
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
		client_text(fd, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
		http = client_read(fd, false);
		assert_int_equal(http.status, 200);
		http_free(&http);
	}
	if (fd >= 0) close(fd);
	server_stop(server);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_health_and_ready),
		cmocka_unit_test(test_metrics),
		cmocka_unit_test(test_dev_traces),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_unknown_paths),
		cmocka_unit_test(test_wrong_methods),
		cmocka_unit_test(test_cors),
		cmocka_unit_test(test_bad_http),
		cmocka_unit_test(test_long_headers),
		cmocka_unit_test(test_keep_alive_and_pipelining),
		cmocka_unit_test(test_chunked_and_expect),
		cmocka_unit_test(test_chunked_too_large),
		cmocka_unit_test(test_silent_clients_hold_up_nobody),
		cmocka_unit_test(test_stop_answers_waiting_requests),
		cmocka_unit_test(test_port_in_use),
		cmocka_unit_test(test_dual_stack),
	};
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
