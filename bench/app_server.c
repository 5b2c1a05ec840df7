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
#include "base/hash.h"

#define REQUEST_MAX (8u << 20)
#define EVENTS_PER_WAIT 256
#define READ_BYTES 16384
// Runs whose last answer is remembered; a slot taken by another run costs one sample.
#define RUN_SLOTS 65536
// Numbers of runs that are counted once, see first_result().
#define RUN_NUMBERS (1u << 24)

struct connection {
	int fd;
	bool writing; // `out` waits for room in the socket
	bool closing; // close once `out` is sent
	struct buf in;
	struct buf out;
};

struct waiter { // the one client that waits for a number of calls or results
	struct connection *connection;
	uint64_t calls;
	uint64_t results;
	uint64_t until_ns;
};

struct answered {
	uint64_t run;
	uint64_t at_ns;
};

struct server {
	int epoll;
	int listener;
	struct waiter waiter;
	struct app_stats stats;
	uint64_t due_ns; // of the functions with REST_UNTIL; wall clock
	struct answered answered[RUN_SLOTS];
	uint8_t ended[RUN_NUMBERS / 8]; // bits
};

static struct server server;

// ---- connections -----------------------------------------------------------------------------------------------

static void watch(struct connection *connection, int operation, uint32_t events) {
	struct epoll_event event = {.events = events, .data.ptr = connection};
	CHECK(epoll_ctl(server.epoll, operation, connection->fd, &event) == 0);
}

static void connection_close(struct connection *connection) {
	if (server.waiter.connection == connection) server.waiter.connection = NULL;
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

static void append_percentiles(struct buf *out, const char *name, const struct histogram *histogram) {
	buf_printf(out, ",\"%s\":{\"count\":%llu,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f}", name,
		   (unsigned long long)histogram->count, histogram_percentile_us(histogram, 0.50),
		   histogram_percentile_us(histogram, 0.99), histogram_percentile_us(histogram, 1));
}

static bool respond_stats(struct connection *connection) {
	const struct app_stats *stats = &server.stats;
	struct buf body;
	buf_init(&body, 4096);
	buf_printf(&body, "{\"calls\":%llu,\"results\":%llu,\"strays\":%llu,\"early\":%llu",
		   (unsigned long long)stats->calls, (unsigned long long)stats->results,
		   (unsigned long long)stats->strays, (unsigned long long)stats->early);
	append_percentiles(&body, "event_to_call", &stats->event_to_call);
	append_percentiles(&body, "step_to_step", &stats->step_to_step);
	append_percentiles(&body, "resume", &stats->resume);
	buf_byte(&body, '}');
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
	return (server.stats.calls >= waiter->calls && server.stats.results >= waiter->results) ||
	       now_ns >= waiter->until_ns;
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
		.until_ns = clock_mono_ns() + query_number(request, STR("ms=")) * 1000000,
	};
	return true;
}

// GET /bench/due?s=N names the moment that sleeps with REST_UNTIL end.
static bool handle_due(struct connection *connection, const struct wire_message *request) {
	uint64_t due_s = query_number(request, STR("s="));
	server.due_ns = due_s * 1000000000;
	app_answers_set_due(due_s);
	return respond_json(connection, "200 OK", STR("{}"));
}

static bool handle_control(struct connection *connection, const struct wire_message *request) {
	if (str_find_str(request->first_line, STR(" /bench/wait")) >= 0) return handle_wait(connection, request);
	if (str_find_str(request->first_line, STR(" /bench/due")) >= 0) return handle_due(connection, request);
	if (str_find_str(request->first_line, STR(" /bench/reset")) >= 0) {
		server.stats = (struct app_stats){0};
		return respond_json(connection, "200 OK", STR("{}"));
	}
	// What a server's poll or look-around wants to see.
	if (!str_starts_with(request->first_line, STR("POST ")))
		return respond_json(connection, "200 OK", STR("{\"message\":\"Successfully registered\"}"));
	server.stats.strays++;
	return respond_json(connection, "404 Not Found", STR("{\"message\":\"no such function\"}"));
}

// ---- calls -----------------------------------------------------------------------------------------------------

static struct answered *run_slot(const struct app_call *call, uint64_t *run) {
	*run = hash_xxh64(app_json_text(call->body, STR("\"run_id\"")));
	return &server.answered[*run % RUN_SLOTS];
}

static void note_resumed(const struct app_call *call, uint64_t now_ns) {
	uint64_t from_ns = server.due_ns;
	if (scenarios[call->function].rest == REST_UNTIL) {
		now_ns = clock_wall_ns();
	} else {
		ptrdiff_t steps = str_find_str(call->body, STR("\"steps\":{"));
		struct str step = steps < 0 ? STR("") : str_skip(call->body, (size_t)steps);
		if (!str_to_u64(app_json_text(step, STR("\"sent\"")), &from_ns)) return;
	}
	if (now_ns >= from_ns)
		histogram_add(&server.stats.resume, now_ns - from_ns);
	else
		server.stats.early++;
}

static void note_arrival(const struct app_call *call, uint64_t now_ns) {
	uint64_t sent_ns, run;
	if (call->first) {
		struct str sent = app_json_text(call->body, STR("\"sent\""));
		if (str_to_u64(sent, &sent_ns) && sent_ns < now_ns)
			histogram_add(&server.stats.event_to_call, now_ns - sent_ns);
	} else if (call->function == SCENARIO_SEQUENTIAL) {
		const struct answered *answered = run_slot(call, &run);
		if (answered->run == run) histogram_add(&server.stats.step_to_step, now_ns - answered->at_ns);
	} else if (scenarios[call->function].rest != REST_NOT && call->memoised > 0) {
		note_resumed(call, now_ns);
	}
}

static void note_answer(const struct app_call *call) {
	uint64_t run;
	if (call->function != SCENARIO_SEQUENTIAL) return;
	struct answered *answered = run_slot(call, &run);
	*answered = (struct answered){run, clock_mono_ns()};
}

// A call may be repeated after a crash; a run that rested is counted once, by the number in its event's data, so that
// no repetition hides a loss.
static bool first_result(const struct app_call *call) {
	uint64_t number;
	if (scenarios[call->function].rest == REST_NOT) return true;
	if (!str_to_u64(app_json_number(call->body, STR("\"i\"")), &number) || number >= RUN_NUMBERS) return false;
	uint8_t bit = (uint8_t)(1u << (number % 8)), *bits = &server.ended[number / 8];
	bool first = (*bits & bit) == 0;
	*bits |= bit;
	return first;
}

static bool handle_request(struct connection *connection, const struct wire_message *request, uint64_t now_ns) {
	struct app_call call;
	connection->closing = request->close;
	if (!str_starts_with(request->first_line, STR("POST ")) || !app_call_read(request, &call))
		return handle_control(connection, request);
	note_arrival(&call, now_ns);
	struct app_answer answer = app_answer_of(&call);
	bool alive = respond(connection, answer.response);
	note_answer(&call);
	server.stats.calls++;
	server.stats.results += answer.ends_run && first_result(&call);
	return alive;
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
	if (server.waiter.connection == NULL) return -1;
	uint64_t now = clock_mono_ns();
	return now >= server.waiter.until_ns ? 0 : (int)((server.waiter.until_ns - now) / 1000000) + 1;
}

enum err app_serve(int listener, struct error *error) {
	struct epoll_event events[EVENTS_PER_WAIT];
	struct epoll_event accepting = {.events = EPOLLIN, .data.ptr = NULL};
	server.listener = listener;
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
		if (server.waiter.connection != NULL) waiter_check(clock_mono_ns());
	}
}
