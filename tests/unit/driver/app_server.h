// A small HTTP app for the driver's tests: a listener thread, and a thread per connection that reads requests and lets
// the test's handler write the raw reply. What was received is recorded.
#ifndef TESTS_UNIT_DRIVER_APP_SERVER_H
#define TESTS_UNIT_DRIVER_APP_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"

enum app_next { APP_KEEP, APP_CLOSE, APP_RESET };

#define APP_CONNECTIONS_MAX 256
struct app;
struct app_request {
	struct app *app;
	int fd;
	int connection; // 1 for the first connection, …
	int number;     // 1 for the first request, over all connections
	struct str line;
	struct str headers; // the whole head
	struct str body;
};
struct app {
	int listener;
	int port;
	bool ipv6;
	const char *greeting; // written at once to a new connection, which is then read to its end
	enum app_next (*handler)(struct app_request *request);
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int connections;
	int requests;
	int open;
	bool gate; // see app_wait_gate
	bool stopping;
	int fds[APP_CONNECTIONS_MAX];
	pthread_t threads[APP_CONNECTIONS_MAX];
	struct buf last; // head and body of the last request
	size_t last_head;
};

static inline void app_write(int fd, const void *bytes, size_t len) {
	for (size_t done = 0; done < len;) {
		ssize_t n = send(fd, (const char *)bytes + done, len - done, MSG_NOSIGNAL);
		if (n <= 0) return;
		done += (size_t)n;
	}
}

static inline void app_text(const struct app_request *request, const char *text) {
	app_write(request->fd, text, strlen(text));
}

// A whole reply with Content-Length. `headers` are lines with "\r\n".
static inline void app_reply_bytes(const struct app_request *request, int status, const char *headers, const void *body,
				   size_t len) {
	char head[2048];
	int n = snprintf(head, sizeof head, "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n\r\n", status, headers, len);
	app_write(request->fd, head, (size_t)n);
	app_write(request->fd, body, len);
}

static inline void app_reply(const struct app_request *request, int status, const char *headers, const char *body) {
	app_reply_bytes(request, status, headers, body, strlen(body));
}

// Blocks a handler until app_open_gate or app_stop.
static inline void app_wait_gate(struct app *app) {
	pthread_mutex_lock(&app->mutex);
	while (!app->gate && !app->stopping) pthread_cond_wait(&app->changed, &app->mutex);
	pthread_mutex_unlock(&app->mutex);
}

static inline void app_open_gate(struct app *app) {
	pthread_mutex_lock(&app->mutex);
	app->gate = true;
	pthread_cond_broadcast(&app->changed);
	pthread_mutex_unlock(&app->mutex);
}

// Blocks the test until that many requests have come in.
static inline void app_wait_requests(struct app *app, int requests) {
	pthread_mutex_lock(&app->mutex);
	while (app->requests < requests) pthread_cond_wait(&app->changed, &app->mutex);
	pthread_mutex_unlock(&app->mutex);
}

static inline void app_wait_no_connection(struct app *app) {
	pthread_mutex_lock(&app->mutex);
	while (app->open > 0) pthread_cond_wait(&app->changed, &app->mutex);
	pthread_mutex_unlock(&app->mutex);
}

static inline bool app_read(int fd, struct buf *in) {
	char chunk[16384];
	ssize_t n = recv(fd, chunk, sizeof chunk, 0);
	if (n > 0) buf_append(in, chunk, (size_t)n);
	return n > 0;
}

static inline size_t app_content_length(struct str head) {
	ptrdiff_t at = str_find_str(head, STR("Content-Length: "));
	return at < 0 ? 0 : (size_t)strtoul(head.ptr + at + 16, NULL, 10);
}

// Reads one request from the connection; `in` keeps what is beyond it. False at the end of the connection.
static inline bool app_next_request(struct app_request *request, struct buf *in, size_t used) {
	memmove(in->ptr, in->ptr + used, in->len - used);
	in->len -= used;
	ptrdiff_t end;
	while ((end = str_find_str(buf_view(in), STR("\r\n\r\n"))) < 0) {
		if (!app_read(request->fd, in)) return false;
	}
	size_t head = (size_t)end + 4, body = app_content_length(str_first(buf_view(in), head));
	while (in->len < head + body) {
		if (!app_read(request->fd, in)) return false;
	}
	request->headers = str_make(in->ptr, head);
	request->line = str_first(request->headers, (size_t)str_find(request->headers, '\r'));
	request->body = str_make(in->ptr + head, body);
	struct app *app = request->app;
	pthread_mutex_lock(&app->mutex);
	request->number = ++app->requests;
	buf_clear(&app->last);
	buf_append(&app->last, in->ptr, head + body);
	app->last_head = head;
	pthread_cond_broadcast(&app->changed);
	pthread_mutex_unlock(&app->mutex);
	return true;
}

static inline void app_connection_end(struct app_request *request, enum app_next next) {
	struct app *app = request->app;
	struct linger linger = {1, 0};
	if (next == APP_RESET) setsockopt(request->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	pthread_mutex_lock(&app->mutex);
	app->fds[request->connection - 1] = -1;
	close(request->fd);
	app->open--;
	pthread_cond_broadcast(&app->changed);
	pthread_mutex_unlock(&app->mutex);
}

static inline void *app_serve(void *context) {
	struct app_request *request = context;
	struct app *app = request->app;
	struct buf in;
	size_t used = 0;
	enum app_next next = APP_KEEP;
	buf_init(&in, 64u << 20);
	buf_reserve(&in, 1);
	if (app->greeting != NULL) {
		app_text(request, app->greeting);
		while (app_read(request->fd, &in)) {}
	}
	while (app->greeting == NULL && next == APP_KEEP && app_next_request(request, &in, used)) {
		used = request->headers.len + request->body.len;
		next = app->handler(request);
	}
	app_connection_end(request, next);
	buf_free(&in);
	free(request);
	return NULL;
}

static inline void *app_listen(void *context) {
	struct app *app = context;
	for (;;) {
		int fd = accept(app->listener, NULL, NULL);
		if (fd < 0) return NULL;
		struct app_request *request = mem_calloc(1, sizeof *request);
		pthread_mutex_lock(&app->mutex);
		CHECK(app->connections < APP_CONNECTIONS_MAX);
		request->app = app;
		request->fd = fd;
		request->connection = ++app->connections;
		app->open++;
		app->fds[request->connection - 1] = fd;
		CHECK(pthread_create(&app->threads[request->connection - 1], NULL, app_serve, request) == 0);
		if (app->stopping) shutdown(fd, SHUT_RDWR);
		pthread_mutex_unlock(&app->mutex);
	}
}

// False when the machine has no such addresses.
static inline bool app_start(struct app *app, enum app_next (*handler)(struct app_request *request)) {
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr *address = app->ipv6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
	socklen_t len = app->ipv6 ? sizeof v6 : sizeof v4;
	app->handler = handler;
	app->listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (app->listener < 0) return false;
	if (bind(app->listener, address, len) != 0) {
		close(app->listener);
		return false;
	}
	CHECK(listen(app->listener, 128) == 0 && getsockname(app->listener, address, &len) == 0);
	app->port = ntohs(app->ipv6 ? v6.sin6_port : v4.sin_port);
	pthread_mutex_init(&app->mutex, NULL);
	pthread_cond_init(&app->changed, NULL);
	buf_init(&app->last, 64u << 20);
	CHECK(pthread_create(&app->thread, NULL, app_listen, app) == 0);
	return true;
}

static inline void app_stop(struct app *app) {
	pthread_mutex_lock(&app->mutex);
	app->stopping = true;
	pthread_cond_broadcast(&app->changed);
	for (int i = 0; i < app->connections; i++)
		if (app->fds[i] >= 0) shutdown(app->fds[i], SHUT_RDWR);
	pthread_mutex_unlock(&app->mutex);
	shutdown(app->listener, SHUT_RDWR);
	pthread_join(app->thread, NULL);
	close(app->listener);
	for (int i = 0; i < app->connections; i++) pthread_join(app->threads[i], NULL);
	buf_free(&app->last);
	pthread_cond_destroy(&app->changed);
	pthread_mutex_destroy(&app->mutex);
}

static inline struct str app_last_head(const struct app *app) {
	return str_make(app->last.ptr, app->last_head);
}
static inline struct str app_last_body(const struct app *app) {
	return str_make(app->last.ptr + app->last_head, app->last.len - app->last_head);
}
static inline struct str app_last_line(const struct app *app) {
	return str_first(app_last_head(app), (size_t)str_find(app_last_head(app), '\r'));
}

// Value of a header of the last request, {NULL, 0} when absent.
static inline struct str app_last_header(const struct app *app, const char *name) {
	struct str head = app_last_head(app), line, field, value;
	while (str_cut(head, '\n', &line, &head)) {
		if (str_cut(line, ':', &field, &value) && str_eq_nocase(field, str_from_cstr(name)))
			return value.len > 1 ? str_trim(value) : STR("");
	}
	return (struct str){NULL, 0};
}

// A one-shot signal between the client's thread and the test.
struct signal {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	int count;
};
#define SIGNAL_INIT \
	{ PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 }
static inline void signal_raise(struct signal *signal) {
	pthread_mutex_lock(&signal->mutex);
	signal->count++;
	pthread_cond_broadcast(&signal->cond);
	pthread_mutex_unlock(&signal->mutex);
}
static inline void signal_wait(struct signal *signal, int count) {
	pthread_mutex_lock(&signal->mutex);
	while (signal->count < count) pthread_cond_wait(&signal->cond, &signal->mutex);
	pthread_mutex_unlock(&signal->mutex);
}

#endif
