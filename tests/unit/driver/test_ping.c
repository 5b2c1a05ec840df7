#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "driver/ping.h"
#include "exchange_helper.h"

struct outcome {
	struct signal done;
	char error[512];
	bool is_sdk;
	bool cancelled;
};

static void keep_outcome(void *context, const struct ping_result *result) {
	struct outcome *outcome = context;
	snprintf(outcome->error, sizeof outcome->error, "%.*s", STR_ARG(result->error));
	outcome->is_sdk = result->is_sdk;
	outcome->cancelled = result->cancelled;
	signal_raise(&outcome->done);
}

// ---- the mapping ----------------------------------------------------------------------------------------------

static void expect_mapping(enum http_failure failure, int status, const char *body, const char *expected) {
	struct http_exchange exchange;
	struct buf out;
	http_exchange_init(&exchange);
	buf_init(&out, 1000);
	exchange.failure = failure;
	exchange.status = status;
	exchange.reply.max_bytes = 1000;
	snprintf(exchange.failure_text, sizeof exchange.failure_text, "parse \"x\": bad");
	buf_append(&exchange.reply, body, strlen(body));
	ping_error(&exchange, &out);
	buf_byte(&out, '\0');
	if (expected != NULL)
		assert_string_equal(out.ptr, expected);
	else
		assert_true(out.ptr[0] != '\0');
	buf_free(&out);
	http_exchange_clear(&exchange);
}

static void failures(void **state) {
	(void)state;
	expect_mapping(HTTP_FAILURE_CONNECT, 0, "", "unreachable");
	expect_mapping(HTTP_FAILURE_RESOLVE, 0, "", "unreachable");
	expect_mapping(HTTP_FAILURE_TIMEOUT, 0, "", "unreachable");
	expect_mapping(HTTP_FAILURE_REDIRECTS, 302, "", "unreachable");
	expect_mapping(HTTP_FAILURE_TLS, 0, "", "unreachable");
	expect_mapping(HTTP_FAILURE_OTHER, 0, "", "unreachable");
	expect_mapping(HTTP_FAILURE_PROTOCOL, 0, "", "unsupported_protocol");
	expect_mapping(HTTP_FAILURE_URL, 0, "", "parse \"x\": bad");
	expect_mapping(HTTP_FAILURE_ENCODING, 200, "", "");
	expect_mapping(HTTP_FAILURE_RECV, 200, "", "");
	expect_mapping(HTTP_FAILURE_RECV, 400, "{", "unreachable");
	expect_mapping(HTTP_FAILURE_CLOSED, 0, "", "");
}

static void statuses(void **state) {
	(void)state;
	static const int silent[] = {200, 201, 204, 302, 402, 405, 501, 502, 503};
	for (size_t i = 0; i < ARRAY_LEN(silent); i++) expect_mapping(HTTP_FAILURE_NONE, silent[i], "x", "");
	expect_mapping(HTTP_FAILURE_NONE, 401, "", "unauthorized");
	expect_mapping(HTTP_FAILURE_NONE, 403, "", "forbidden");
	expect_mapping(HTTP_FAILURE_NONE, 404, "", "url_not_found");
	expect_mapping(HTTP_FAILURE_NONE, 500, "", "internal_server_error");
}

static void bad_requests(void **state) {
	(void)state;
	static const char *const cases[][2] = {
		{"{\"message\":\"Your signing key is invalid\"}", "invalid_signing_key"},
		{"{\"message\":\"Your signing key is invalid!\"}", "Your signing key is invalid!"},
		{"{\"message\":\"x: No functions registered.\"}", "no_functions"},
		{"{\"message\":\"The function is invalid: y\"}", "invalid_function"},
		{"{\"message\":\"You didn't specify your workspace's signing key\"}", "missing_signing_key"},
		{"{\"message\":\"No INNGEST_ENV branch name found\"}", "missing_branch_env_name"},
		{"{\"message\":\"something else\"}", "something else"},
		{"{\"Message\":\"any case\"}", "any case"},
		{"{\"message\":\"\"}", ""},
		{"{\"message\":null}", ""},
		{"{}", ""},
		{"null", ""},
		{"", "unexpected end of JSON input"},
		{"<html>", NULL},
		{"[1]", NULL},
		{"{\"message\":7}", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) expect_mapping(HTTP_FAILURE_NONE, 400, cases[i][0], cases[i][1]);
}

// ---- on the wire ----------------------------------------------------------------------------------------------

static enum app_next answer(struct app_request *request) {
	if (str_find_str(request->line, STR(" /moved")) > 0)
		app_reply(request, 301, "Location: /api/inngest\r\n", "");
	else if (str_find_str(request->line, STR(" /bad")) > 0)
		app_reply(request, 400, "X-Inngest-SDK: js\r\n", "{\"message\":\"No functions registered\"}");
	else if (str_find_str(request->line, STR(" /plain")) > 0)
		app_reply(request, 404, "", "");
	else
		app_reply(request, 200, "X-Inngest-SDK: js\r\n", "{}");
	return APP_KEEP;
}

static void send_ping(struct outcome *outcome, int port, const char *path, const char *key, bool probe) {
	char url[512];
	snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
	*outcome = (struct outcome){.done = SIGNAL_INIT};
	if (probe)
		probe_send(client, str_from_cstr(url), keep_outcome, outcome);
	else
		ping_send(client, str_from_cstr(url), "dev", str_from_cstr(key), keep_outcome, outcome);
	signal_wait(&outcome->done, 1);
}

static void pings(void **state) {
	(void)state;
	struct app app = {0};
	struct outcome outcome;
	char body[128];
	assert_true(app_start(&app, answer));
	send_ping(&outcome, app.port, "/api/inngest?a=<&>", "", false);
	assert_string_equal(outcome.error, "");
	assert_true(outcome.is_sdk);
	assert_false(outcome.cancelled);
	assert_str(app_last_line(&app), "PUT /api/inngest?a=<&> HTTP/1.1");
	snprintf(body, sizeof body, "{\"url\":\"http://127.0.0.1:%d/api/inngest?a=<&>\"}", app.port);
	assert_str(app_last_body(&app), body);
	assert_str(app_last_header(&app, "Content-Type"), "application/json");
	assert_str(app_last_header(&app, "X-Inngest-Server-Kind"), "dev");
	assert_null(app_last_header(&app, "X-Inngest-Signature").ptr);

	send_ping(&outcome, app.port, "/moved?x=1", "signkey-prod-abc", false);
	assert_string_equal(outcome.error, "");
	assert_str(app_last_line(&app), "PUT /api/inngest?x=1 HTTP/1.1");
	assert_true(str_starts_with(app_last_header(&app, "X-Inngest-Signature"), STR("t=")));

	send_ping(&outcome, app.port, "/bad", "", false);
	assert_string_equal(outcome.error, "no_functions");
	assert_true(outcome.is_sdk);
	send_ping(&outcome, app.port, "/plain", "", false);
	assert_string_equal(outcome.error, "url_not_found");
	assert_false(outcome.is_sdk);
	int port = app.port;
	app_stop(&app);
	send_ping(&outcome, port, "/", "", false);
	assert_string_equal(outcome.error, "unreachable");
}

static void probes(void **state) {
	(void)state;
	struct app app = {0};
	struct outcome outcome;
	assert_true(app_start(&app, answer));
	send_ping(&outcome, app.port, "/api/inngest", "", true);
	assert_true(outcome.is_sdk);
	assert_str(app_last_line(&app), "GET /api/inngest HTTP/1.1");
	assert_null(app_last_header(&app, "Content-Type").ptr);
	assert_null(app_last_header(&app, "X-Inngest-Server-Kind").ptr);
	assert_int_equal(app_last_body(&app).len, 0);
	send_ping(&outcome, app.port, "/bad", "", true);
	assert_true(outcome.is_sdk);
	send_ping(&outcome, app.port, "/plain", "", true);
	assert_false(outcome.is_sdk);
	app_stop(&app);
}

static enum app_next lambda(struct app_request *request) {
	app_reply(request, 200, "",
		  "{\"statusCode\":400,\"headers\":{\"X-Inngest-SDK\":\"js\"},\"body\":\"{\\\"message\\\":\\\"hm\\\"}"
		  "\"}");
	return APP_KEEP;
}

static void pings_lambda(void **state) {
	(void)state;
	struct app app = {0};
	struct outcome outcome;
	assert_true(app_start(&app, lambda));
	send_ping(&outcome, app.port, "/2015-03-31/functions/function/invocations", "", false);
	assert_string_equal(outcome.error, "hm");
	assert_true(outcome.is_sdk);
	assert_str(app_last_line(&app), "POST /2015-03-31/functions/function/invocations HTTP/1.1");
	assert_true(str_find_str(app_last_body(&app), STR("\"httpMethod\":\"PUT\"")) > 0);
	app_stop(&app);
}

static enum app_next never(struct app_request *request) {
	app_wait_gate(request->app);
	return APP_CLOSE;
}

static void shutdown_cancels(void **state) {
	(void)state;
	struct app app = {0};
	struct outcome outcome = {.done = SIGNAL_INIT};
	struct http_client *own = client_open();
	char url[64];
	assert_true(app_start(&app, never));
	snprintf(url, sizeof url, "http://127.0.0.1:%d/", app.port);
	ping_send(own, str_from_cstr(url), "dev", STR(""), keep_outcome, &outcome);
	app_wait_requests(&app, 1);
	http_client_free(own);
	assert_int_equal(outcome.done.count, 1);
	assert_true(outcome.cancelled);
	app_stop(&app);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures),         cmocka_unit_test(statuses),
		cmocka_unit_test(bad_requests),     cmocka_unit_test(pings),
		cmocka_unit_test(probes),           cmocka_unit_test(pings_lambda),
		cmocka_unit_test(shutdown_cancels),
	};
	return cmocka_run_group_tests(tests, open_client, close_client);
}
