// A server on a free port, a fake engine behind it and a small HTTP client, for the tests of the server layer.
#ifndef INNGEST_TESTS_SERVER_FIXTURE_H
#define INNGEST_TESTS_SERVER_FIXTURE_H

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/mailbox.h"
#include "server/server.h"

// The steps of runs, which the tests play: the linker puts this in front of history's own.
static struct {
	struct ulid run_id; // that was asked for last
	struct history_step steps[8];
	size_t count;
	bool broken;
} played;

enum err __wrap_history_run_steps(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
				  struct history_step **out, size_t *count, struct error *error);
enum err __wrap_history_run_steps(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
				  struct history_step **out, size_t *count, struct error *error) {
	(void)reader;
	(void)arena;
	played.run_id = *run_id;
	*out = played.steps;
	*count = played.count;
	return played.broken ? error_set(error, ERR_IO, "broken") : ERR_OK;
}

struct fixture;
// What the fake engine answers; NULL: nothing (the command is dropped). Runs on the engine's thread.
typedef struct reply *engine_fn(struct fixture *fixture, struct command *command);

struct fixture {
	struct server *server;
	bool no_ui, test_mode;
	struct mailbox *mailbox;
	pthread_t thread;
	engine_fn *engine;
	enum err post_result; // not ERR_OK: post refuses with it
	bool not_ready;
	struct store *store;
	struct store_reader *reader;
	struct history_reader *history;
	struct store_reader *(*borrow)(void *context); // instead of lending `reader`
	pthread_mutex_t reader_lock;
	const struct str *event_keys;
	size_t event_key_count;
	struct str signing_key;
	// What the last command held, as the test's engine function notes it.
	char noted[4096];
};

static enum err fixture_post(void *context, struct command *command) {
	struct fixture *fixture = context;
	if (fixture->post_result != ERR_OK) return fixture->post_result;
	return mailbox_post(fixture->mailbox, &command->message);
}
static struct store_reader *fixture_borrow(void *context) {
	struct fixture *fixture = context;
	if (fixture->borrow != NULL) return fixture->borrow(fixture);
	if (fixture->reader == NULL) return NULL;
	pthread_mutex_lock(&fixture->reader_lock);
	return fixture->reader;
}
static void fixture_return(void *context, struct store_reader *reader) {
	struct fixture *fixture = context;
	(void)reader;
	pthread_mutex_unlock(&fixture->reader_lock);
}
static struct history_reader *fixture_history(void *context, struct store_reader *reader) {
	(void)reader;
	return ((struct fixture *)context)->history;
}
static bool fixture_ready(void *context) {
	return !((struct fixture *)context)->not_ready;
}

static inline struct reply *engine_says_ok(struct fixture *fixture, struct command *command) {
	(void)fixture;
	return reply_new(command->request, REPLY_OK, 200);
}

static void *fixture_engine(void *context) {
	struct fixture *fixture = context;
	while (mailbox_wait(fixture->mailbox, UINT64_MAX)) {
		for (struct message *m = mailbox_take(fixture->mailbox, 0), *next; m != NULL; m = next) {
			next = m->next;
			struct command *command = (struct command *)m;
			struct reply *reply = fixture->engine(fixture, command);
			command_free(command);
			if (reply != NULL) server_reply(fixture->server, &reply->message);
		}
	}
	return NULL;
}

static inline void fixture_start_as(struct fixture *fixture, const char *kind) {
	struct server_config config = {.host = STR("127.0.0.1"),
				       .threads = 2,
				       .server_kind = kind,
				       .version = STR("0.1.0-test"),
				       .dev_start_opts = STR("{\"poll\":true}"),
				       .no_ui = fixture->no_ui,
				       .test_mode = fixture->test_mode,
				       .post = fixture_post,
				       .reader_borrow = fixture_borrow,
				       .reader_return = fixture_return,
				       .history_of = fixture_history,
				       .ready = fixture_ready,
				       .event_keys = fixture->event_keys,
				       .event_key_count = fixture->event_key_count,
				       .signing_key = fixture->signing_key,
				       .context = fixture};
	pthread_mutex_init(&fixture->reader_lock, NULL);
	if (fixture->engine == NULL) fixture->engine = engine_says_ok;
	fixture->mailbox = mailbox_new(1000, NULL, NULL);
	struct error error = {0};
	if (server_start(&config, &fixture->server, &error) != ERR_OK) fail_msg("%s", error.message);
	assert_int_equal(pthread_create(&fixture->thread, NULL, fixture_engine, fixture), 0);
}
static inline void fixture_start(struct fixture *fixture) {
	fixture_start_as(fixture, "dev");
}

static inline void fixture_stop(struct fixture *fixture) {
	mailbox_close(fixture->mailbox);
	pthread_join(fixture->thread, NULL);
	server_stop(fixture->server);
	mailbox_free(fixture->mailbox);
	pthread_mutex_destroy(&fixture->reader_lock);
}

// For groups of tests that share a server.
static inline int fixture_setup(void **state) {
	struct fixture *fixture = mem_calloc(1, sizeof *fixture);
	fixture_start(fixture);
	*state = fixture;
	return 0;
}
static inline int fixture_teardown(void **state) {
	fixture_stop(*state);
	free(*state);
	return 0;
}

// --- client ---------------------------------------------------------------------------------------------------

struct http {
	int status;
	char *head; // status line and headers, NUL-terminated
	char *body;
	size_t body_len;
};

static inline void http_free(struct http *http) {
	free(http->head);
	free(http->body);
	*http = (struct http){0};
}

static inline int client_connect(const struct fixture *fixture) {
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(server_port(fixture->server))};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	struct timeval limit = {.tv_sec = 60}; // a lost answer fails the test instead of hanging it
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static inline void client_send(int fd, const char *bytes, size_t len) {
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
		if (n <= 0) return; // closed by the server: seen when reading
		bytes += n;
		len -= (size_t)n;
	}
}
static inline void client_text(int fd, const char *text) {
	client_send(fd, text, strlen(text));
}

// Value of a header into a static buffer; NULL when absent.
static inline const char *http_header(const struct http *http, const char *name) {
	static _Thread_local char value[1024];
	size_t len = strlen(name);
	for (const char *line = strstr(http->head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, len) != 0 || line[len] != ':') continue;
		const char *start = line + len + 1 + strspn(line + len + 1, " ");
		(void)snprintf(value, sizeof value, "%.*s", (int)strcspn(start, "\r"), start);
		return value;
	}
	return NULL;
}

// One response; status 0 when the connection ended before it. Reads byte by byte up to the body: simple.
static inline struct http client_read(int fd, bool head_only) {
	struct http http = {0};
	size_t len = 0, cap = 65536;
	http.head = mem_alloc(cap);
	while (len + 1 < cap) {
		if (recv(fd, http.head + len, 1, 0) != 1) break;
		len++;
		http.head[len] = '\0';
		if (len >= 4 && memcmp(http.head + len - 4, "\r\n\r\n", 4) == 0) break;
	}
	http.head[len] = '\0';
	if (sscanf(http.head, "HTTP/1.%*d %d", &http.status) != 1) http.status = 0;
	const char *length = http.status != 0 ? http_header(&http, "Content-Length") : NULL;
	http.body_len = length != NULL && !head_only ? strtoul(length, NULL, 10) : 0;
	http.body = mem_calloc(1, http.body_len + 1);
	for (size_t got = 0; got < http.body_len;) {
		ssize_t n = recv(fd, http.body + got, http.body_len - got, 0);
		if (n <= 0) fail_msg("the body is cut short");
		got += (size_t)n;
	}
	return http;
}

// One request on a connection of its own. `headers`: whole lines with CRLF, may be NULL; `body` may be NULL.
static inline struct http call_with(const struct fixture *fixture, const char *method, const char *path,
				    const char *headers, const char *body) {
	int fd = client_connect(fixture);
	size_t body_len = body != NULL ? strlen(body) : 0;
	char head[32768];
	int len = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s", method, path,
			   headers != NULL ? headers : "");
	if (body != NULL) len += snprintf(head + len, sizeof head - (size_t)len, "Content-Length: %zu\r\n", body_len);
	len += snprintf(head + len, sizeof head - (size_t)len, "\r\n");
	client_send(fd, head, (size_t)len);
	if (body != NULL) client_send(fd, body, body_len);
	struct http http = client_read(fd, strcmp(method, "HEAD") == 0);
	close(fd);
	return http;
}
static inline struct http call(const struct fixture *fixture, const char *method, const char *path, const char *body) {
	return call_with(fixture, method, path, NULL, body);
}

#define assert_reply(http, expected_status, expected_body)          \
	do {                                                        \
		assert_int_equal((http).status, (expected_status)); \
		assert_string_equal((http).body, (expected_body));  \
		http_free(&(http));                                 \
	} while (0)

#endif
