// Runs single exchanges to their end, for the tests of the HTTP client.
#ifndef TESTS_UNIT_DRIVER_EXCHANGE_HELPER_H
#define TESTS_UNIT_DRIVER_EXCHANGE_HELPER_H

#include "app_server.h"
#include "driver/http_client.h"

struct trial {
	struct http_exchange exchange;
	struct signal done;
};

static inline void trial_done(struct http_exchange *exchange) {
	signal_raise(&((struct trial *)exchange->context)->done);
}

static inline void trial_init(struct trial *trial, const char *method, int port, const char *path, const char *body) {
	char url[4096];
	snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
	*trial = (struct trial){.done = SIGNAL_INIT};
	http_exchange_init(&trial->exchange);
	trial->exchange.method = method;
	trial->exchange.url = mem_strndup(url, strlen(url));
	trial->exchange.timeout_ms = 60000;
	trial->exchange.connect_timeout_ms = 5000;
	trial->exchange.reply_max_bytes = 100000;
	trial->exchange.redirects_max = 60;
	trial->exchange.done = trial_done;
	trial->exchange.context = trial;
	buf_append(&trial->exchange.body, body, strlen(body));
}

static inline void trial_set_url(struct trial *trial, const char *url) {
	free(trial->exchange.url);
	trial->exchange.url = mem_strndup(url, strlen(url));
}

static inline void trial_run(struct trial *trial, struct http_client *client) {
	http_client_start(client, &trial->exchange);
	signal_wait(&trial->done, 1);
}

static inline void trial_clear(struct trial *trial) {
	http_exchange_clear(&trial->exchange);
}

static inline struct http_client *client_open(void) {
	struct http_client *client = NULL;
	struct error error;
	CHECK(http_client_new(&client, &error) == ERR_OK);
	return client;
}

// The phases of an exchange are parts of it.
static inline void check_timing(const struct http_timing *timing) {
	uint64_t phases_us =
		timing->dns_us + timing->connect_us + timing->tls_us + timing->server_us + timing->transfer_us;
	assert_true(phases_us > 0 && phases_us <= timing->total_us);
}

#define assert_str(actual, expected)                  \
	do {                                          \
		struct str actual_ = (actual);        \
		char *text_ = str_to_cstr(actual_);   \
		assert_string_equal(text_, expected); \
		free(text_);                          \
	} while (0)

// For tests that share one client.
static struct http_client *client;
static inline int open_client(void **state) {
	(void)state;
	client = client_open();
	return 0;
}
static inline int close_client(void **state) {
	(void)state;
	http_client_free(client);
	return 0;
}

#endif
