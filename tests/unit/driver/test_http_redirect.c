// Redirects as spec 02 §4.7 wants them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "exchange_helper.h"

// "/<status>/<location>" redirects there; "/loop" for ever; "/gone" has no Location; everything else is answered.
static enum app_next redirect(struct app_request *request) {
	int status = 0;
	char location[256], headers[300];
	char *line = str_to_cstr(request->line);
	if (strstr(line, " /loop") != NULL)
		app_reply(request, 302, "Location: /loop\r\n", "again");
	else if (strstr(line, " /gone") != NULL)
		app_reply(request, 302, "", "no location");
	else if (sscanf(line, "%*s /%d/%255[^? ]", &status, location) == 2) {
		snprintf(headers, sizeof headers, "Location: %s\r\n%s", location,
			 status == 308 ? "Content-Encoding: deflate\r\n" : ""); // of no interest on the way
		app_reply(request, status, headers, "moved");
	} else {
		app_reply(request, 200, "", "arrived");
	}
	free(line);
	return APP_KEEP;
}

static void redirect_one(struct app *app, struct trial *trial, const char *path, bool keep_method) {
	trial_init(trial, "POST", app->port, path, "{\"a\":1}");
	assert_true(http_exchange_header(&trial->exchange, STR("X-Run-Id"), STR("r")));
	trial->exchange.keep_method_on_redirect = keep_method;
	trial_run(trial, client);
}

static void method_body_headers_and_query(void **state) {
	(void)state;
	static const struct {
		const char *path;
		bool keep;
		const char *line;
	} cases[] = {
		{"/301//to?stepId=step&fnId=a-b", true, "POST /to?fnId=a-b&stepId=step HTTP/1.1"},
		{"/302//to?stepId=step", true, "POST /to?stepId=step HTTP/1.1"},
		{"/303//to?stepId=step", true, "POST /to?stepId=step HTTP/1.1"},
		{"/307//to?stepId=step", true, "POST /to?stepId=step HTTP/1.1"},
		{"/308//to?stepId=step", false, "POST /to?stepId=step HTTP/1.1"},
		{"/307//to?stepId=step", false, "POST /to?stepId=step HTTP/1.1"},
		{"/301//to?stepId=step", false, "GET /to?stepId=step HTTP/1.1"},
		{"/303//to", false, "GET /to HTTP/1.1"},
	};
	struct app app = {0};
	assert_true(app_start(&app, redirect));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct trial trial;
		redirect_one(&app, &trial, cases[i].path, cases[i].keep);
		assert_int_equal(trial.exchange.failure, HTTP_FAILURE_NONE);
		assert_int_equal(trial.exchange.status, 200);
		assert_str(buf_view(&trial.exchange.reply), "arrived");
		assert_str(app_last_line(&app), cases[i].line);
		assert_str(app_last_header(&app, "X-Run-Id"), "r");
		assert_str(app_last_header(&app, "Content-Length"), "7");
		assert_str(app_last_body(&app), "{\"a\":1}");
		check_timing(&trial.exchange.timing);
		assert_true(trial.exchange.timing.server_us > 0);
		trial_clear(&trial);
	}
	assert_true(app.connections <= 2); // the redirecting replies keep their connection
	app_stop(&app);
}

static enum app_next redirect_with_query(struct app_request *request) {
	if (str_find_str(request->line, STR(" /a")) > 0)
		app_reply(request, 307, "Location: b?fnId=other&keep=1&keep=2#frag\r\n", "");
	else
		app_reply(request, 200, "", "arrived");
	return APP_KEEP;
}

static void original_parameters_win(void **state) {
	(void)state;
	struct app app = {0};
	struct trial trial;
	assert_true(app_start(&app, redirect_with_query));
	redirect_one(&app, &trial, "/x/y/../a?fnId=mine&stepId=a+b", true);
	assert_int_equal(trial.exchange.status, 200);
	trial_clear(&trial);
	redirect_one(&app, &trial, "/a?fnId=mine&stepId=a+b", true);
	assert_str(app_last_line(&app), "POST /b?fnId=mine&keep=1&keep=2&stepId=a+b HTTP/1.1");
	trial_clear(&trial);
	app_stop(&app);
}

static void other_hosts_are_followed(void **state) {
	(void)state;
	struct app first = {0}, second = {0};
	struct trial trial;
	char path[128];
	assert_true(app_start(&first, redirect) && app_start(&second, redirect));
	snprintf(path, sizeof path, "/308/http://127.0.0.1:%d/there?q=1", second.port);
	redirect_one(&first, &trial, path, true);
	assert_int_equal(trial.exchange.status, 200);
	assert_str(app_last_line(&second), "POST /there?q=1 HTTP/1.1");
	assert_str(app_last_body(&second), "{\"a\":1}");
	trial_clear(&trial);
	app_stop(&first);
	app_stop(&second);
}

static void loops_end(void **state) {
	(void)state;
	struct app app = {0};
	struct trial trial;
	assert_true(app_start(&app, redirect));
	redirect_one(&app, &trial, "/loop", true);
	assert_int_equal(trial.exchange.failure, HTTP_FAILURE_REDIRECTS);
	assert_string_equal(trial.exchange.failure_text, "stopped after 60 redirects");
	assert_int_equal(app.requests, 61);
	trial_clear(&trial);
	app_stop(&app);
}

static void without_location_it_is_a_reply(void **state) {
	(void)state;
	struct app app = {0};
	struct trial trial;
	assert_true(app_start(&app, redirect));
	redirect_one(&app, &trial, "/gone", true);
	assert_int_equal(trial.exchange.failure, HTTP_FAILURE_NONE);
	assert_int_equal(trial.exchange.status, 302);
	assert_str(buf_view(&trial.exchange.reply), "no location");
	trial_clear(&trial);
	app_stop(&app);
}

static void bad_targets(void **state) {
	(void)state;
	struct app app = {0};
	struct trial trial;
	assert_true(app_start(&app, redirect));
	redirect_one(&app, &trial, "/301/gopher://x/", true);
	assert_int_equal(trial.exchange.failure, HTTP_FAILURE_PROTOCOL);
	trial_clear(&trial);
	redirect_one(&app, &trial, "/301/http://[::1", true);
	assert_true(trial.exchange.failure == HTTP_FAILURE_OTHER || trial.exchange.failure == HTTP_FAILURE_URL);
	trial_clear(&trial);
	app_stop(&app);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(method_body_headers_and_query),  cmocka_unit_test(original_parameters_win),
		cmocka_unit_test(other_hosts_are_followed),       cmocka_unit_test(loops_end),
		cmocka_unit_test(without_location_it_is_a_reply), cmocka_unit_test(bad_targets),
	};
	return cmocka_run_group_tests(tests, open_client, close_client);
}
