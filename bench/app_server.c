// The app's event loop: epoll, kept-alive connections, one read and one write per call.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/list.h"

#define REQUEST_MAX (8u << 20)
#define EVENTS_PER_WAIT 256
#define READ_BYTES 16384
#define WAIT_MAX_MS 60000
#define NS_PER_MS 1000000ull

struct connection {
	int fd;
	bool writing; // `out` waits for room in the socket
	bool closing; // close once `out` is sent
	struct buf in;
	struct buf out;
	struct list held; // in server.held while its answer is held back; a connection has one call at a time
	struct app_answer answer;
	uint64_t called_ns;
};

struct waiter { // the one client that waits for a number of calls or results
	struct connection *connection;
	uint64_t calls;
	uint64_t results;
	uint64_t until_ns;
};

struct server {
	int epoll;
	int listener;
	struct waiter waiter;
	uint64_t delay_ns; // from a call to its answer
	struct list held;  // of struct connection, in the order of their calls
};

static struct server server;

// ---- connections -----------------------------------------------------------------------------------------------

static void watch(struct connection *connection, int operation, uint32_t events) {
	struct epoll_event event = {.events = events, .data.ptr = connection};
	CHECK(epoll_ctl(server.epoll, operation, connection->fd, &event) == 0);
}

static void connection_close(struct connection *connection) {
	if (server.waiter.connection == connection) server.waiter.connection = NULL;
	list_remove(&connection->held);
	close(connection->fd);
	buf_free(&connection->in);
	buf_free(&connection->out);
	free(connection);
}

static void connection_accept(void) {
	int fd, on = 1;
	while ((fd = accept4(server.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *connection = mem_calloc(1, sizeof *connection);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		connection->fd = fd;
		list_init(&connection->held);
		buf_init(&connection->in, REQUEST_MAX);
		buf_init(&connection->out, REQUEST_MAX);
		watch(connection, EPOLL_CTL_ADD, EPOLLIN);
	}
}

// False when the connection is over.
static bool flush(struct connection *connection) {
	struct buf *out = &connection->out;
	size_t done = 0;
	while (done < out->len) {
		ssize_t sent = send(connection->fd, out->ptr + done, out->len - done, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR) continue;
		if (sent < 0 && errno != EAGAIN) return false;
		if (sent < 0) break;
		done += (size_t)sent;
	}
	memmove(out->ptr, out->ptr + done, out->len - done);
	out->len -= done;
	bool writing = out->len > 0;
	if (writing != connection->writing) watch(connection, EPOLL_CTL_MOD, writing ? EPOLLOUT : EPOLLIN);
	connection->writing = writing;
	return writing || !connection->closing;
}

// Sends a response; straight from its text when nothing is waiting, which is nearly always.
static bool respond(struct connection *connection, struct str text) {
	if (connection->out.len == 0 && !connection->closing) {
		ssize_t sent = send(connection->fd, text.ptr, text.len, MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
		if (sent > 0) text = str_skip(text, (size_t)sent);
		if (text.len == 0) return true;
	}
	buf_str(&connection->out, text);
	return flush(connection);
}

static bool respond_json(struct connection *connection, const char *status, struct str body) {
	char head[160];
	int len = snprintf(head, sizeof head,
			   "HTTP/1.1 %s\r\nContent-Type: application/json\r\nx-inngest-sdk: inngest-js:v3.54.2\r\n"
			   "Content-Length: %zu\r\n\r\n",
			   status, body.len);
	struct buf text;
	buf_init(&text, REQUEST_MAX);
	buf_append(&text, head, (size_t)len);
	buf_str(&text, body);
	bool alive = respond(connection, buf_view(&text));
	buf_free(&text);
	return alive;
}

// ---- what the orchestrator asks --------------------------------------------------------------------------------

static bool respond_stats(struct connection *connection) {
	struct buf body;
	buf_init(&body, 4096);
	app_stats_json(&body);
	bool alive = respond_json(connection, "200 OK", buf_view(&body));
	buf_free(&body);
	return alive;
}

static uint64_t query_number(const struct wire_message *request, struct str name) {
	uint64_t value = 0;
	return str_to_u64(wire_query(request->first_line, name), &value) ? value : 0;
}

static bool waiter_served(uint64_t now_ns) {
	const struct waiter *waiter = &server.waiter;
	return (app_stats.calls >= waiter->calls && app_stats.results >= waiter->results) || now_ns >= waiter->until_ns;
}

static void waiter_check(uint64_t now_ns) {
	struct connection *connection = server.waiter.connection;
	if (connection == NULL || !waiter_served(now_ns)) return;
	server.waiter.connection = NULL;
	if (!respond_stats(connection)) connection_close(connection);
}

// GET /bench/wait?calls=N&results=N&ms=N answers with the counts once they are reached, or the time is over.
static bool handle_wait(struct connection *connection, const struct wire_message *request) {
	server.waiter = (struct waiter){
		.connection = connection,
		.calls = query_number(request, STR("calls=")),
		.results = query_number(request, STR("results=")),
		.until_ns = clock_mono_ns() + query_number(request, STR("ms=")) * NS_PER_MS,
	};
	return true;
}

// GET /bench/due?s=N names the moment that sleeps with REST_UNTIL end.
static bool handle_due(struct connection *connection, const struct wire_message *request) {
	uint64_t due_s = query_number(request, STR("s="));
	app_stats_set_due(due_s);
	app_answers_set_due(due_s);
	return respond_json(connection, "200 OK", STR("{}"));
}

// GET /bench/delay?ms=N has calls answered after so long, those that are held back already too.
static bool handle_delay(struct connection *connection, const struct wire_message *request) {
	server.delay_ns = query_number(request, STR("ms=")) * NS_PER_MS;
	return respond_json(connection, "200 OK", STR("{}"));
}

static bool handle_control(struct connection *connection, const struct wire_message *request) {
	if (str_find_str(request->first_line, STR(" /bench/wait")) >= 0) return handle_wait(connection, request);
	if (str_find_str(request->first_line, STR(" /bench/due")) >= 0) return handle_due(connection, request);
	if (str_find_str(request->first_line, STR(" /bench/delay")) >= 0) return handle_delay(connection, request);
	if (str_find_str(request->first_line, STR(" /bench/reset")) >= 0) {
		app_stats = (struct app_stats){0};
		return respond_json(connection, "200 OK", STR("{}"));
	}
	// What a server's poll or look-around wants to see.
	if (!str_starts_with(request->first_line, STR("POST ")))
		return respond_json(connection, "200 OK", STR("{\"message\":\"Successfully registered\"}"));
	app_stats.strays++;
	return respond_json(connection, "404 Not Found", STR("{\"message\":\"no such function\"}"));
}

// ---- calls -----------------------------------------------------------------------------------------------------

static bool handle_request(struct connection *connection, const struct wire_message *request, uint64_t now_ns) {
	struct app_call call;
	connection->closing = request->close;
	if (!str_starts_with(request->first_line, STR("POST ")) || !app_call_read(request, &call))
		return handle_control(connection, request);
	app_stats_called(&call, now_ns);
	struct app_answer answer = app_answer_of(&call);
	answer.ends_run = answer.ends_run && app_stats_first_result(&call);
	if (server.delay_ns > 0) {
		connection->answer = answer;
		connection->called_ns = now_ns;
		list_push_back(&server.held, &connection->held);
		return true;
	}
	bool alive = respond(connection, answer.response);
	app_stats_answered(&call);
	app_stats.results += answer.ends_run;
	return alive;
}

static uint64_t next_answer_ns(void) {
	if (list_empty(&server.held)) return UINT64_MAX;
	return list_entry(server.held.next, struct connection, held)->called_ns + server.delay_ns;
}

static void answer_held(void) {
	if (list_empty(&server.held)) return;
	uint64_t now_ns = clock_mono_ns();
	while (next_answer_ns() <= now_ns) {
		struct connection *connection = list_entry(list_pop_front(&server.held), struct connection, held);
		app_stats.results += connection->answer.ends_run;
		if (!respond(connection, connection->answer.response)) connection_close(connection);
	}
}

static bool handle_input(struct connection *connection, uint64_t now_ns) {
	struct buf *in = &connection->in;
	size_t done = 0;
	struct wire_message request;
	enum wire_state state;
	while ((state = wire_parse(str_make(in->ptr + done, in->len - done), &request)) == WIRE_WHOLE) {
		if (!handle_request(connection, &request, now_ns)) return false;
		done += request.size;
		if (done == in->len) break;
	}
	if (done > 0) memmove(in->ptr, in->ptr + done, in->len - done);
	in->len -= done;
	return state != WIRE_MALFORMED;
}

static bool handle_readable(struct connection *connection) {
	struct buf *in = &connection->in;
	if (in->cap - in->len < READ_BYTES / 2 && !buf_reserve(in, READ_BYTES)) return false;
	ssize_t got = recv(connection->fd, in->ptr + in->len, in->cap - in->len, 0);
	if (got < 0) return errno == EAGAIN || errno == EINTR;
	if (got == 0) return false;
	in->len += (size_t)got;
	return handle_input(connection, clock_mono_ns());
}

static int wait_ms(void) {
	uint64_t next_ns = next_answer_ns(), now_ns = clock_mono_ns();
	if (server.waiter.connection != NULL && server.waiter.until_ns < next_ns) next_ns = server.waiter.until_ns;
	if (next_ns <= now_ns) return 0;
	uint64_t ms = (next_ns - now_ns) / NS_PER_MS + 1;
	return ms <= WAIT_MAX_MS ? (int)ms : WAIT_MAX_MS;
}

enum err app_serve(int listener, struct error *error) {
	struct epoll_event events[EVENTS_PER_WAIT];
	struct epoll_event accepting = {.events = EPOLLIN, .data.ptr = NULL};
	server.listener = listener;
	list_init(&server.held);
	server.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (server.epoll < 0 || epoll_ctl(server.epoll, EPOLL_CTL_ADD, listener, &accepting) != 0)
		return error_set(error, ERR_IO, "epoll: %s", strerror(errno));
	for (;;) {
		int count = epoll_wait(server.epoll, events, EVENTS_PER_WAIT, wait_ms());
		if (count < 0 && errno != EINTR) return error_set(error, ERR_IO, "epoll: %s", strerror(errno));
		for (int i = 0; i < count; i++) {
			struct connection *connection = events[i].data.ptr;
			if (connection == NULL)
				connection_accept();
			else if (!(connection->writing ? flush(connection) : handle_readable(connection)))
				connection_close(connection);
		}
		answer_held();
		if (server.waiter.connection != NULL) waiter_check(clock_mono_ns());
	}
}
