// What the HTTP client makes of apps that break down.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "exchange_helper.h"

static void expect_failure(const char *url, enum http_failure failure, const char *text) {
	struct trial trial;
	trial_init(&trial, "POST", 1, "/", "{}");
	trial_set_url(&trial, url);
	trial_run(&trial, client);
	assert_int_equal(trial.exchange.failure, failure);
	if (text != NULL)
		assert_string_equal(trial.exchange.failure_text, text);
	else
		assert_true(trial.exchange.failure_text[0] != '\0');
	assert_int_equal(trial.exchange.timing.server_us, 0);
	trial_clear(&trial);
}

static void expect_app_failure(enum app_next (*handler)(struct app_request *), enum http_failure failure) {
	struct app app = {0};
	struct trial trial;
	assert_true(app_start(&app, handler));
	trial_init(&trial, "POST", app.port, "/", "{}");
	trial_run(&trial, client);
	assert_int_equal(trial.exchange.failure, failure);
	check_timing(&trial.exchange.timing);
	trial_clear(&trial);
	app_stop(&app);
	assert_int_equal(app.requests, 1); // a first connection is never tried again
}

static void refused(void **state) {
	(void)state;
	struct app app = {0};
	char url[64];
	assert_true(app_start(&app, NULL));
	snprintf(url, sizeof url, "http://127.0.0.1:%d/", app.port);
	app_stop(&app); // now nobody listens there
	expect_failure(url, HTTP_FAILURE_CONNECT, NULL);
}

static void unresolved(void **state) {
	(void)state;
	expect_failure("http://no-such-host.invalid/", HTTP_FAILURE_RESOLVE, NULL);
}

static void bad_urls(void **state) {
	(void)state;
	expect_failure("http://a b/c", HTTP_FAILURE_URL,
		       "parse \"http://a b/c\": invalid character \" \" in host name");
	expect_failure("", HTTP_FAILURE_PROTOCOL, "unsupported protocol scheme \"\"");
	expect_failure("ftp://127.0.0.1/", HTTP_FAILURE_PROTOCOL, "unsupported protocol scheme \"ftp\"");
	expect_failure("http:///x", HTTP_FAILURE_URL, "http: no Host in request URL");
}

static enum app_next just_close(struct app_request *request) {
	(void)request;
	return APP_CLOSE;
}
static enum app_next just_reset(struct app_request *request) {
	(void)request;
	return APP_RESET;
}
static enum app_next half_head(struct app_request *request) {
	app_text(request, "HTTP/1.1 200 OK\r\nX-Half: ");
	return APP_CLOSE;
}
static enum app_next half_body(struct app_request *request) {
	app_text(request, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
	return APP_CLOSE;
}
static enum app_next half_chunks(struct app_request *request) {
	app_text(request, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n");
	return APP_CLOSE;
}
static enum app_next garbage(struct app_request *request) {
	app_text(request, "SSH-2.0-OpenSSH_9.2\r\n");
	return APP_CLOSE;
}

// The reset comes when the body's first half has been read.
static enum app_next reset_in_body(struct app_request *request) {
	app_text(request, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
	app_wait_gate(request->app);
	return APP_RESET;
}

static void closed_without_reply(void **state) {
	(void)state;
	expect_app_failure(just_close, HTTP_FAILURE_CONNECT);
}
static void reset_without_reply(void **state) {
	(void)state;
	expect_app_failure(just_reset, HTTP_FAILURE_CONNECT);
}
static void broken_body(void **state) {
	(void)state;
	expect_app_failure(half_body, HTTP_FAILURE_RECV);
	expect_app_failure(half_chunks, HTTP_FAILURE_RECV);
}
static void broken_head(void **state) {
	(void)state;
	expect_app_failure(half_head, HTTP_FAILURE_OTHER);
}
static void not_http(void **state) {
	(void)state;
	expect_app_failure(garbage, HTTP_FAILURE_OTHER);
}

static void reset_while_the_body_is_read(void **state) {
	(void)state;
	struct app app = {0};
	struct trial trial;
	assert_true(app_start(&app, reset_in_body));
	trial_init(&trial, "POST", app.port, "/", "{}");
	http_client_start(client, &trial.exchange);
	app_wait_requests(&app, 1);
	app_open_gate(&app);
	signal_wait(&trial.done, 1);
	// A reset may overtake the head: then nothing of the reply was seen.
	assert_true(trial.exchange.failure == HTTP_FAILURE_RECV ||
		    (trial.exchange.failure == HTTP_FAILURE_CONNECT && trial.exchange.status == 0));
	trial_clear(&trial);
	app_stop(&app);
}

static enum app_next huge_head(struct app_request *request) {
	app_text(request, "HTTP/1.1 200 OK\r\n");
	char line[1026];
	memset(line, 'x', sizeof line);
	memcpy(line, "A: ", 3);
	memcpy(line + sizeof line - 2, "\r\n", 2);
	for (int i = 0; i < 400; i++) app_write(request->fd, line, sizeof line);
	app_text(request, "\r\n");
	return APP_CLOSE;
}

static void huge_reply_head(void **state) {
	(void)state;
	expect_app_failure(huge_head, HTTP_FAILURE_OTHER);
}

static enum app_next never(struct app_request *request) {
	app_wait_gate(request->app);
	return APP_CLOSE;
}

static void time_out(void **state) {
	(void)state;
	struct app app = {0};
	struct trial trial;
	assert_true(app_start(&app, never));
	trial_init(&trial, "POST", app.port, "/", "{}");
	trial.exchange.timeout_ms = 50;
	trial_run(&trial, client);
	assert_int_equal(trial.exchange.failure, HTTP_FAILURE_TIMEOUT);
	trial_clear(&trial);
	app_stop(&app);
}

static void plain_http_where_tls_is_expected(void **state) {
	(void)state;
	struct app app = {.greeting = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"};
	char url[64];
	assert_true(app_start(&app, NULL));
	snprintf(url, sizeof url, "https://127.0.0.1:%d/", app.port);
	expect_failure(url, HTTP_FAILURE_PROTOCOL, NULL);
	app_stop(&app);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(unresolved),
		cmocka_unit_test(bad_urls),
		cmocka_unit_test(closed_without_reply),
		cmocka_unit_test(reset_without_reply),
		cmocka_unit_test(broken_body),
		cmocka_unit_test(broken_head),
		cmocka_unit_test(not_http),
		cmocka_unit_test(reset_while_the_body_is_read),
		cmocka_unit_test(huge_reply_head),
		cmocka_unit_test(time_out),
		cmocka_unit_test(plain_http_where_tls_is_expected),
	};
	return cmocka_run_group_tests(tests, open_client, close_client);
}
