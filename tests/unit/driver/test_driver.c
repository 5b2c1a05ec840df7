// Calls from end to end: struct call in, COMMAND_ANSWER out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>

#include "call_helper.h"
#include "exchange_helper.h"
#include "model/limits.h"

enum { CLIENTS = 2 };

static struct http_client *clients[CLIENTS];
static struct driver *driver;
static struct mailbox *answers;
static pthread_mutex_t posters_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_t posters[CLIENTS]; // the threads that answers came from
static int poster_count;

static void note_poster(void) {
	pthread_mutex_lock(&posters_mutex);
	bool known = false;
	for (int i = 0; i < poster_count; i++) known = known || pthread_equal(posters[i], pthread_self());
	if (!known) {
		assert_true(poster_count < CLIENTS);
		posters[poster_count++] = pthread_self();
	}
	pthread_mutex_unlock(&posters_mutex);
}

static void post(void *context, struct message *chain) {
	note_poster();
	mailbox_post_chain(context, chain);
}

static enum err load(void *context, uint8_t kind, struct str key, struct payload **out, struct error *error) {
	(void)context;
	(void)kind;
	(void)key;
	(void)out;
	return error_set(error, ERR_NOT_FOUND, "nothing");
}

static void open_driver(void) {
	poster_count = 0;
	for (int i = 0; i < CLIENTS; i++) clients[i] = client_open();
	answers = mailbox_new(1000, NULL, NULL);
	struct driver_config config = {.client_count = CLIENTS, .load = load, .post = post, .context = answers};
	memcpy(config.clients, clients, sizeof clients);
	driver = driver_new(&config);
}
static void free_clients(void) {
	for (int i = 0; i < CLIENTS; i++) http_client_free(clients[i]);
}
static void close_driver(void) {
	free_clients();
	driver_free(driver);
	mailbox_free(answers);
}
static int set_up(void **state) {
	(void)state;
	open_driver();
	return 0;
}
static int tear_down(void **state) {
	(void)state;
	close_driver();
	return 0;
}

static struct command *next_answer(void) {
	struct message *message;
	while ((message = mailbox_take(answers, 1)) == NULL) mailbox_wait(answers, UINT64_MAX);
	return container_of(message, struct command, message);
}

static struct command *call_and_wait(int port, const char *path) {
	char url[256];
	snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
	driver_call(driver, call_make(url, 0));
	struct command *command = next_answer();
	struct ulid run;
	assert_int_equal(command->kind, COMMAND_ANSWER);
	assert_true(ulid_parse(STR(CALL_RUN), &run) && ulid_cmp(&run, &command->answer.run_id) == 0);
	assert_int_equal(command->answer.slot, 7);
	assert_int_equal(command->answer.dispatch, 99);
	return command;
}

#define SDK "X-Inngest-SDK: inngest-js:v4.24.0\r\nX-Inngest-Req-Version: 2\r\n"

static enum app_next sdk(struct app_request *request) {
	struct str line = request->line;
	if (str_find_str(line, STR("/ops")) > 0) {
		app_reply(request, 206, SDK,
			  "[{\"op\":\"StepRun\",\"id\":\"86f7e4\",\"name\":\"a\",\"data\":{\"x\":1}}]");
	} else if (str_find_str(line, STR("/boom")) > 0) {
		app_reply(request, 500, SDK "X-Inngest-No-Retry: true\r\n",
			  "{\"name\":\"Error\",\"message\":\"boom\"}");
	} else if (str_find_str(line, STR("/zstd")) > 0) {
		app_reply(request, 200, SDK "Content-Encoding: zstd\r\n", "x");
	} else if (str_find_str(line, STR("/huge")) > 0) {
		struct buf body;
		buf_init(&body, CALL_RESPONSE_MAX + 1);
		buf_reserve(&body, CALL_RESPONSE_MAX + 1);
		for (size_t i = 0; i <= CALL_RESPONSE_MAX; i++) buf_byte(&body, '1');
		app_reply_bytes(request, 200, SDK, body.ptr, body.len);
		buf_free(&body);
	} else if (str_find_str(line, STR("/close")) > 0) {
		return APP_CLOSE;
	} else if (str_find_str(line, STR("/half")) > 0) {
		app_text(request, "HTTP/1.1 200 OK\r\n" SDK "Content-Length: 10\r\n\r\n123");
		return APP_CLOSE;
	} else if (str_find_str(line, STR("/lambda")) > 0) {
		app_reply(request, 200, "",
			  "{\"statusCode\":200,\"headers\":{\"x-inngest-sdk\":\"js:v4.0.0\"},\"body\":\"1\"}");
	} else {
		app_reply(request, 200, SDK, "{\"ok\":true}");
	}
	return APP_KEEP;
}

static void results_and_opcodes(void **state) {
	(void)state;
	struct app app = {0};
	assert_true(app_start(&app, sdk));
	struct command *command = call_and_wait(app.port, "/api/inngest?fnId=a-b");
	assert_int_equal(command->answer.answer.kind, ANSWER_RESULT);
	assert_str(payload_str(command->answer.answer.output), "{\"ok\":true}");
	assert_str(app_last_line(&app), "POST /api/inngest?fnId=a-b&stepId=step HTTP/1.1");
	assert_str(app_last_header(&app, "User-Agent"), "Inngest");
	assert_str(app_last_header(&app, "X-Run-Id"), CALL_RUN);
	assert_str(app_last_header(&app, "X-Inngest-Generation-Id"), "2");
	assert_true(str_starts_with(app_last_body(&app), STR("{\"ctx\":{\"attempt\":1,")));
	command_free(command);
	command = call_and_wait(app.port, "/ops");
	assert_int_equal(command->answer.answer.kind, ANSWER_OPCODES);
	assert_int_equal(command->answer.answer.op_count, 1);
	assert_int_equal(command->answer.answer.request_version, 2);
	assert_str(command->answer.answer.ops[0].id, "86f7e4");
	assert_str(payload_str(command->answer.answer.ops[0].output), "{\"data\":{\"x\":1}}");
	command_free(command);
	assert_int_equal(app.connections, 1);
	app_stop(&app);
}

static void expect_error(int port, const char *path, const char *text) {
	struct command *command = call_and_wait(port, path);
	assert_int_equal(command->answer.answer.kind, ANSWER_ERROR);
	assert_str(command->answer.answer.error, text);
	command_free(command);
}

static void errors(void **state) {
	(void)state;
	struct app app = {0};
	assert_true(app_start(&app, sdk));
	expect_error(app.port, "/boom", "NonRetriableError");
	expect_error(app.port, "/zstd", "unsupported content encoding: \"zstd\"");
	expect_error(app.port, "/close", "Unable to reach SDK URL");
	expect_error(app.port, "/half",
		     "Your server reset the connection while we were reading the reply: Unexpected ending response");
	struct command *command = call_and_wait(app.port, "/huge");
	assert_int_equal(command->answer.answer.kind, ANSWER_ERROR);
	assert_str(command->answer.answer.error, "output_too_large");
	command_free(command);
	int port = app.port;
	app_stop(&app);
	expect_error(port, "/", "Unable to reach SDK URL");
	driver_call(driver, call_make("gopher://x/", 0));
	command = next_answer();
	assert_str(command->answer.answer.error, "error performing request: unsupported protocol scheme \"gopher\"");
	command_free(command);
}

static void expect_exchange(const struct answer *answer, uint32_t status, const char *headers, uint32_t bytes) {
	assert_int_equal(answer->exchange.status, status);
	assert_str(answer->exchange.headers, headers);
	assert_int_equal(answer->exchange.output_bytes, bytes);
}

static void call_and_expect(int port, const char *path, uint32_t status, const char *headers, uint32_t bytes) {
	struct command *command = call_and_wait(port, path);
	const struct answer_exchange *exchange = &command->answer.answer.exchange;
	expect_exchange(&command->answer.answer, status, headers, bytes);
	assert_true(exchange->dns_ms + exchange->connect_ms + exchange->tls_ms + exchange->server_ms +
			    exchange->transfer_ms <=
		    exchange->total_ms);
	command_free(command);
}

static void exchanges_are_described(void **state) {
	(void)state;
	struct app app = {0};
	assert_true(app_start(&app, sdk));
#define SDK_JSON "\"X-Inngest-Req-Version\":\"2\",\"X-Inngest-Sdk\":\"inngest-js:v4.24.0\"}"
	call_and_expect(app.port, "/", 200, "{\"Content-Length\":\"11\"," SDK_JSON, 11);
	call_and_expect(app.port, "/half", 200, "{\"Content-Length\":\"10\"," SDK_JSON, 3);
	call_and_expect(app.port, "/close", 0, "", 0);
	call_and_expect(app.port, "/lambda/2015-03-31/functions/function/invocations", 200,
			"{\"X-Inngest-Sdk\":\"js:v4.0.0\"}", 1);
	int port = app.port;
	app_stop(&app);
	call_and_expect(port, "/", 0, "", 0);
	driver_call(driver, call_make("gopher://x/", 0));
	struct command *command = next_answer();
	expect_exchange(&command->answer.answer, 0, "", 0);
	assert_int_equal(command->answer.answer.exchange.total_ms, 0);
	command_free(command);
}

static void missing_state_is_an_error(void **state) {
	(void)state;
	struct call *call = call_make("http://127.0.0.1:1/", 1);
	call->steps[0] = (struct call_step){.id = STR("a"), .value = {.kind = RECORD_STEP}};
	driver_call(driver, call);
	struct command *command = next_answer();
	assert_int_equal(command->answer.answer.kind, ANSWER_ERROR);
	assert_str(command->answer.answer.error,
		   "state and stack mismatch: step a has no saved value; the function has probably ended");
	command_free(command);
}

static void lambda_apps(void **state) {
	(void)state;
	struct app app = {0};
	assert_true(app_start(&app, sdk));
	struct command *command = call_and_wait(app.port, "/lambda/2015-03-31/functions/function/invocations?fnId=a");
	assert_int_equal(command->answer.answer.kind, ANSWER_RESULT);
	assert_str(payload_str(command->answer.answer.output), "1");
	assert_true(str_find_str(app_last_body(&app),
				 STR("\"queryStringParameters\":{\"fnId\":\"a\",\"stepId\":\"step\"}")) > 0);
	assert_true(str_find_str(app_last_body(&app), STR("\"x-run-id\":\"" CALL_RUN "\"")) > 0);
	command_free(command);
	app_stop(&app);
}

static enum app_next never(struct app_request *request) {
	app_wait_gate(request->app);
	return APP_CLOSE;
}

static void shutdown_posts_nothing(void **state) {
	(void)state;
	struct app app = {0};
	char url[64];
	assert_true(app_start(&app, never));
	snprintf(url, sizeof url, "http://127.0.0.1:%d/", app.port);
	for (int i = 0; i < 5; i++) driver_call(driver, call_make(url, 0));
	app_wait_requests(&app, 5);
	free_clients();
	assert_null(mailbox_take(answers, 0));
	driver_free(driver);
	mailbox_free(answers);
	open_driver(); // for the tear-down
	app_stop(&app);
}

static void a_chain_is_shared_out(void **state) {
	(void)state;
	struct app app = {0};
	char url[64];
	enum { CALLS = 30 };
	assert_true(app_start(&app, sdk));
	snprintf(url, sizeof url, "http://127.0.0.1:%d/", app.port);
	struct call *chain = call_make(url, 0);
	struct message *last = &chain->message;
	for (int i = 1; i < CALLS; i++) {
		last->next = &call_make(url, 0)->message;
		last = last->next;
	}
	last->next = NULL;
	driver_call(driver, chain);
	for (int i = 0; i < CALLS; i++) command_free(next_answer());
	assert_int_equal(app.requests, CALLS);
	assert_int_equal(poster_count, CLIENTS);
	app_stop(&app);
}

static void many_calls(void **state) {
	(void)state;
	struct app app = {0};
	char url[64];
	assert_true(app_start(&app, sdk));
	snprintf(url, sizeof url, "http://127.0.0.1:%d/ops", app.port);
	enum { CALLS = 2000, IN_FLIGHT = 50 };
	int sent = 0;
	for (; sent < IN_FLIGHT; sent++) driver_call(driver, call_make(url, 0));
	for (int received = 0; received < CALLS; received++) {
		struct command *command = next_answer();
		assert_int_equal(command->answer.answer.kind, ANSWER_OPCODES);
		command_free(command);
		if (sent++ < CALLS) driver_call(driver, call_make(url, 0));
	}
	assert_int_equal(app.requests, CALLS);
	assert_true(app.connections <= CLIENTS * IN_FLIGHT);
	app_stop(&app);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(results_and_opcodes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(errors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(exchanges_are_described, set_up, tear_down),
		cmocka_unit_test_setup_teardown(missing_state_is_an_error, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lambda_apps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(shutdown_posts_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_chain_is_shared_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_calls, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
