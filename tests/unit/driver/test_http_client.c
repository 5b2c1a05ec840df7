#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "exchange_helper.h"

static const unsigned char gzip_hello[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0xca,
					   0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xb2, 0x52, 0x2a, 0xcf, 0x2f, 0xca, 0x49, 0x51,
					   0xaa, 0x05, 0x00, 0xd1, 0x41, 0x09, 0xd8, 0x11, 0x00, 0x00, 0x00};
static const unsigned char brotli_hello[] = {0x0b, 0x08, 0x80, 0x7b, 0x22, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x22,
					     0x3a, 0x22, 0x77, 0x6f, 0x72, 0x6c, 0x64, 0x22, 0x7d, 0x03};
// 100,000 times 'a'
static const unsigned char gzip_bomb[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc1, 0x31, 0x01, 0x00, 0x00, 0x00, 0xc2,
	0xa0, 0xac, 0xeb, 0x5f, 0xc2, 0x1a, 0x1e, 0x40, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xaf, 0x06, 0x87, 0xfa, 0xe2, 0x1b, 0xa0, 0x86, 0x01, 0x00};

static enum app_next say_ok(struct app_request *request) {
	app_reply(request, 200, "X-Inngest-SDK: inngest-js:v4.24.0\r\nEmpty:\r\n", "{\"ok\":true}");
	return APP_KEEP;
}

static void sends_method_headers_and_body(void **state) {
	(void)state;
	struct app app = {0};
	struct trial trial;
	assert_true(app_start(&app, say_ok));
	trial_init(&trial, "PUT", app.port, "/api/inngest?a=1", "{\"x\":\"\xc3\xa9\"}");
	assert_true(http_exchange_header(&trial.exchange, STR("X-One"), STR("1")));
	assert_true(http_exchange_header(&trial.exchange, STR("X-Empty"), STR("")));
	assert_false(http_exchange_header(&trial.exchange, STR("X-Bad"), STR("a\r\nX-Injected: 1")));
	assert_false(http_exchange_header(&trial.exchange, STR("X:Bad"), STR("a")));
	assert_false(http_exchange_header(&trial.exchange, STR(""), STR("a")));
	trial_run(&trial, client);
	assert_int_equal(trial.exchange.failure, HTTP_FAILURE_NONE);
	assert_int_equal(trial.exchange.status, 200);
	assert_str(buf_view(&trial.exchange.reply), "{\"ok\":true}");
	assert_str(app_last_line(&app), "PUT /api/inngest?a=1 HTTP/1.1");
	assert_str(app_last_body(&app), "{\"x\":\"\xc3\xa9\"}");
	assert_str(app_last_header(&app, "X-One"), "1");
	assert_non_null(app_last_header(&app, "X-Empty").ptr);
	assert_int_equal(app_last_header(&app, "X-Empty").len, 0);
	assert_str(app_last_header(&app, "Accept-Encoding"), "gzip");
	assert_str(app_last_header(&app, "Content-Length"), "10");
	assert_null(app_last_header(&app, "Accept").ptr);
	assert_null(app_last_header(&app, "Expect").ptr);
	assert_null(app_last_header(&app, "X-Injected").ptr);

	struct arena arena;
	struct answer_header *headers;
	arena_init(&arena, 0);
	size_t count = http_exchange_reply_headers(&trial.exchange, &arena, &headers);
	assert_int_equal(count, 3);
	assert_str(headers[0].name, "X-Inngest-SDK");
	assert_str(headers[0].value, "inngest-js:v4.24.0");
	assert_int_equal(headers[1].value.len, 0);
	arena_free(&arena);
	trial_clear(&trial);
	app_stop(&app);
}

static void large_body_goes_out_without_expect(void **state) {
	(void)state;
	struct app app = {0};
	struct trial trial;
	assert_true(app_start(&app, say_ok));
	trial_init(&trial, "POST", app.port, "/", "");
	size_t size = 3u << 20;
	buf_reserve(&trial.exchange.body, size);
	for (size_t i = 0; i < size; i++) buf_byte(&trial.exchange.body, (char)('a' + i % 26));
	trial_run(&trial, client);
	assert_int_equal(trial.exchange.status, 200);
	assert_null(app_last_header(&app, "Expect").ptr);
	assert_int_equal(app_last_body(&app).len, size);
	assert_memory_equal(app_last_body(&app).ptr, trial.exchange.body.ptr, size);
	trial_clear(&trial);
	app_stop(&app);
}

static void keeps_connections(void **state) {
	(void)state;
	struct app app = {0};
	assert_true(app_start(&app, say_ok));
	for (int i = 0; i < 20; i++) {
		struct trial trial;
		trial_init(&trial, i % 3 == 0 ? "GET" : "POST", app.port, "/", i % 3 == 0 ? "" : "{}");
		trial_run(&trial, client);
		assert_int_equal(trial.exchange.status, 200);
		trial_clear(&trial);
	}
	assert_int_equal(app.requests, 20);
	assert_int_equal(app.connections, 1);
	app_stop(&app);
}

static enum app_next say_ok_and_close(struct app_request *request) {
	say_ok(request);
	return APP_CLOSE;
}

// The app closes the idle connection; nothing of that is to be seen.
static void idle_connection_closed_by_the_app(void **state) {
	(void)state;
	struct app app = {0};
	assert_true(app_start(&app, say_ok_and_close));
	for (int i = 1; i <= 5; i++) {
		struct trial trial;
		trial_init(&trial, "POST", app.port, "/", "{}");
		trial_run(&trial, client);
		assert_int_equal(trial.exchange.failure, HTTP_FAILURE_NONE);
		assert_int_equal(trial.exchange.status, 200);
		trial_clear(&trial);
		app_wait_no_connection(&app);
	}
	assert_int_equal(app.requests, 5);
	assert_int_equal(app.connections, 5);
	app_stop(&app);
}

// The first connection answers once and dies when the second request is there.
static enum app_next die_on_second(struct app_request *request) {
	if (request->number == 2) return APP_CLOSE;
	return say_ok(request);
}
static enum app_next reset_on_second(struct app_request *request) {
	if (request->number == 2) return APP_RESET;
	return say_ok(request);
}

static void kept_connection_dies_under_a_request(void **state) {
	(void)state;
	enum app_next (*handlers[])(struct app_request *) = {die_on_second, reset_on_second};
	for (size_t h = 0; h < 2; h++) {
		struct app app = {0};
		assert_true(app_start(&app, handlers[h]));
		for (int i = 0; i < 3; i++) {
			struct trial trial;
			trial_init(&trial, "POST", app.port, "/", "{\"n\":1}");
			trial_run(&trial, client);
			assert_int_equal(trial.exchange.failure, HTTP_FAILURE_NONE);
			assert_int_equal(trial.exchange.status, 200);
			assert_str(app_last_body(&app), "{\"n\":1}");
			trial_clear(&trial);
		}
		assert_int_equal(app.connections, 2);
		assert_int_equal(app.requests, 4);
		app_stop(&app);
	}
}

static enum app_next wait_and_say_ok(struct app_request *request) {
	if (str_starts_with(request->line, STR("POST /slow"))) app_wait_gate(request->app);
	return say_ok(request);
}

static void slow_replies_hold_up_nobody(void **state) {
	(void)state;
	enum { SLOW = 20 };
	struct app slow_app = {0}, quick_app = {0};
	struct trial slow[SLOW], quick;
	assert_true(app_start(&slow_app, wait_and_say_ok));
	assert_true(app_start(&quick_app, say_ok));
	for (int i = 0; i < SLOW; i++) {
		trial_init(&slow[i], "POST", slow_app.port, "/slow", "{}");
		http_client_start(client, &slow[i].exchange);
	}
	app_wait_requests(&slow_app, SLOW);
	trial_init(&quick, "POST", quick_app.port, "/", "{}");
	trial_run(&quick, client);
	assert_int_equal(quick.exchange.status, 200);
	trial_clear(&quick);
	trial_init(&quick, "POST", slow_app.port, "/quick", "{}");
	trial_run(&quick, client);
	assert_int_equal(quick.exchange.status, 200);
	trial_clear(&quick);
	app_open_gate(&slow_app);
	for (int i = 0; i < SLOW; i++) {
		signal_wait(&slow[i].done, 1);
		assert_int_equal(slow[i].exchange.status, 200);
		trial_clear(&slow[i]);
	}
	app_stop(&slow_app);
	app_stop(&quick_app);
}

static void ipv6(void **state) {
	(void)state;
	struct app app = {.ipv6 = true};
	struct trial trial;
	char url[64];
	if (!app_start(&app, say_ok)) skip();
	trial_init(&trial, "POST", app.port, "/", "{}");
	snprintf(url, sizeof url, "http://[::1]:%d/x", app.port);
	trial_set_url(&trial, url);
	trial_run(&trial, client);
	assert_int_equal(trial.exchange.status, 200);
	assert_str(app_last_line(&app), "POST /x HTTP/1.1");
	trial_clear(&trial);
	trial_init(&trial, "POST", app.port, "/", "{}");
	snprintf(url, sizeof url, "http://localhost:%d/y", app.port);
	trial_set_url(&trial, url);
	trial_run(&trial, client);
	assert_int_equal(trial.exchange.status, 200);
	trial_clear(&trial);
	app_stop(&app);
}

// ---- what is kept of a reply ----------------------------------------------------------------------------------

static enum app_next say_interim(struct app_request *request) {
	app_text(request, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
	app_text(request, "HTTP/1.1 206 Partial\r\nA: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
	app_text(request, "3\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: 1\r\n\r\n");
	return APP_KEEP;
}

static void interim_replies_and_trailers_are_passed_over(void **state) {
	(void)state;
	struct app app = {0};
	struct trial trial;
	assert_true(app_start(&app, say_interim));
	trial_init(&trial, "POST", app.port, "/", "{}");
	trial_run(&trial, client);
	assert_int_equal(trial.exchange.failure, HTTP_FAILURE_NONE);
	assert_int_equal(trial.exchange.status, 206);
	assert_str(buf_view(&trial.exchange.reply), "abcde");
	assert_str(buf_view(&trial.exchange.reply_headers), "A: 1\r\nTransfer-Encoding: chunked\r\n");
	trial_clear(&trial);
	app_stop(&app);
}

static enum app_next say_long(struct app_request *request) {
	app_reply(request, 200, "", "0123456789");
	return APP_KEEP;
}

static void replies_have_a_maximum(void **state) {
	(void)state;
	struct app app = {0};
	assert_true(app_start(&app, say_long));
	for (size_t max = 9; max <= 10; max++) {
		struct trial trial;
		trial_init(&trial, "POST", app.port, "/", "{}");
		trial.exchange.reply_max_bytes = max;
		trial_run(&trial, client);
		assert_int_equal(trial.exchange.failure, HTTP_FAILURE_NONE);
		assert_int_equal(trial.exchange.status, 200);
		assert_int_equal(trial.exchange.reply_too_large, max == 9);
		assert_int_equal(trial.exchange.reply.len, max);
		trial_clear(&trial);
	}
	app_stop(&app);
}

static enum app_next say_encoded(struct app_request *request) {
	struct str line = request->line;
	if (str_find_str(line, STR("/gzip")) > 0)
		app_reply_bytes(request, 200, "Content-Encoding: GZIP\r\n", gzip_hello, sizeof gzip_hello);
	else if (str_find_str(line, STR("/br")) > 0)
		app_reply_bytes(request, 200, "content-encoding: br\r\n", brotli_hello, sizeof brotli_hello);
	else if (str_find_str(line, STR("/bomb")) > 0)
		app_reply_bytes(request, 200, "Content-Encoding: gzip\r\n", gzip_bomb, sizeof gzip_bomb);
	else if (str_find_str(line, STR("/none")) > 0)
		app_reply(request, 200, "Content-Encoding: \r\n", "{\"hello\":\"world\"}");
	else if (str_find_str(line, STR("/garbage")) > 0)
		app_reply(request, 200, "Content-Encoding: gzip\r\n", "this is not gzip");
	else if (str_find_str(line, STR("/twice")) > 0)
		app_reply(request, 200, "Content-Encoding: gzip\r\nContent-Encoding: br\r\n", "x");
	else if (str_find_str(line, STR("/list")) > 0)
		app_reply(request, 200, "Content-Encoding: gzip, br\r\n", "x");
	else if (str_find_str(line, STR("/zstd")) > 0)
		app_reply(request, 200, "Content-Encoding: zstd\r\n", "x");
	else if (str_find_str(line, STR("/odd")) > 0)
		app_reply(request, 500, "Content-Encoding: rot13\r\n", "x");
	else
		app_reply(request, 200, "Content-Encoding: deflate\r\n", "x");
	return APP_KEEP;
}

static void good_encodings_are_undone(void **state) {
	(void)state;
	static const char *const paths[] = {"/gzip", "/br", "/none"};
	struct app app = {0};
	assert_true(app_start(&app, say_encoded));
	for (size_t i = 0; i < 3; i++) {
		struct trial trial;
		trial_init(&trial, "POST", app.port, paths[i], "{}");
		trial_run(&trial, client);
		assert_int_equal(trial.exchange.failure, HTTP_FAILURE_NONE);
		assert_str(buf_view(&trial.exchange.reply), "{\"hello\":\"world\"}");
		trial_clear(&trial);
	}
	struct trial trial;
	trial_init(&trial, "POST", app.port, "/bomb", "{}");
	trial.exchange.reply_max_bytes = 5000;
	trial_run(&trial, client);
	assert_true(trial.exchange.reply_too_large);
	assert_int_equal(trial.exchange.reply.len, 5000);
	trial_clear(&trial);
	app_stop(&app);
}

static void bad_encodings_are_errors(void **state) {
	(void)state;
	static const struct {
		const char *path, *text;
	} cases[] = {
		{"/deflate", "unsupported content encoding: \"deflate\""},
		{"/zstd", "unsupported content encoding: \"zstd\""},
		{"/list", "unsupported content encoding: \"gzip, br\""},
		{"/odd", "unsupported content encoding: \"rot13\""},
		{"/twice", "unsupported content encoding: \"br\""},
	};
	struct app app = {0};
	struct trial trial;
	assert_true(app_start(&app, say_encoded));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		trial_init(&trial, "POST", app.port, cases[i].path, "{}");
		trial_run(&trial, client);
		assert_int_equal(trial.exchange.failure, HTTP_FAILURE_ENCODING);
		assert_string_equal(trial.exchange.failure_text, cases[i].text);
		trial_clear(&trial);
	}
	trial_init(&trial, "POST", app.port, "/garbage", "{}");
	trial_run(&trial, client);
	assert_int_equal(trial.exchange.failure, HTTP_FAILURE_ENCODING);
	assert_true(str_starts_with(str_from_cstr(trial.exchange.failure_text),
				    STR("error decoding gzip response body: ")));
	trial_clear(&trial);
	app_stop(&app);
}

// ---- the thread -----------------------------------------------------------------------------------------------

static void shutdown_ends_what_is_under_way(void **state) {
	(void)state;
	struct http_client *own = client_open();
	struct app app = {0};
	struct trial trials[3];
	assert_true(app_start(&app, wait_and_say_ok));
	for (int i = 0; i < 3; i++) {
		trial_init(&trials[i], "POST", app.port, "/slow", "{}");
		http_client_start(own, &trials[i].exchange);
	}
	app_wait_requests(&app, 3);
	http_client_free(own);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(trials[i].done.count, 1);
		assert_int_equal(trials[i].exchange.failure, HTTP_FAILURE_CLOSED);
		trial_clear(&trials[i]);
	}
	app_stop(&app);
}

static void starts_and_stops_without_work(void **state) {
	(void)state;
	http_client_free(client_open());
	http_client_free(NULL);
}

struct chain {
	struct trial trial;
	struct message message;
	int left;
};

static void next_of_chain(struct http_exchange *exchange) {
	struct chain *chain = exchange->context;
	if (exchange->status == 200 && --chain->left > 0)
		http_client_start(client, exchange); // the same object again, from the client's thread
	else
		signal_raise(&chain->trial.done);
}

static void begin_chain(struct message *message, void *context) {
	struct chain *chain = container_of(message, struct chain, message);
	assert_ptr_equal(context, client);
	http_client_start(client, &chain->trial.exchange);
}

static void done_may_start_the_next(void **state) {
	(void)state;
	struct app app = {0};
	struct chain chain = {.left = 50};
	assert_true(app_start(&app, say_ok));
	trial_init(&chain.trial, "POST", app.port, "/", "{}");
	assert_true(http_exchange_header(&chain.trial.exchange, STR("X-A"), STR("1")));
	chain.trial.exchange.done = next_of_chain;
	chain.trial.exchange.context = &chain;
	http_client_post(client, &chain.message, begin_chain, client);
	signal_wait(&chain.trial.done, 1);
	assert_int_equal(chain.left, 0);
	assert_int_equal(app.requests, 50);
	assert_str(app_last_header(&app, "X-A"), "1");
	trial_clear(&chain.trial);
	app_stop(&app);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_method_headers_and_body),
		cmocka_unit_test(large_body_goes_out_without_expect),
		cmocka_unit_test(keeps_connections),
		cmocka_unit_test(idle_connection_closed_by_the_app),
		cmocka_unit_test(kept_connection_dies_under_a_request),
		cmocka_unit_test(slow_replies_hold_up_nobody),
		cmocka_unit_test(ipv6),
		cmocka_unit_test(interim_replies_and_trailers_are_passed_over),
		cmocka_unit_test(replies_have_a_maximum),
		cmocka_unit_test(good_encodings_are_undone),
		cmocka_unit_test(bad_encodings_are_errors),
		cmocka_unit_test(shutdown_ends_what_is_under_way),
		cmocka_unit_test(starts_and_stops_without_work),
		cmocka_unit_test(done_may_start_the_next),
	};
	return cmocka_run_group_tests(tests, open_client, close_client);
}
