// The load through the HTTP library that the server calls apps with: one client (thread) for every core, as in the
// server, and one exchange under way on each connection.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "driver/http_client.h"
#include "load.h"

#define CLIENTS_MAX 8
#define TIMEOUT_MS 60000
#define REPLY_MAX (4u << 20)

struct call { // a request of the plan, in the parts that the library wants
	char *url;
	struct buf headers;
	struct str body;
};

struct drive;
struct lane { // one connection
	struct http_exchange exchange;
	struct drive *drive;
	struct http_client *client;
	unsigned next; // call
	uint64_t answered, refused;
};

struct drive {
	struct call *calls;
	unsigned call_count;
	uint64_t measure_from_ns;
	uint64_t stop_ns;
	pthread_mutex_t mutex;
	pthread_cond_t ended;
	unsigned open; // lanes
	bool failed;
	char failure[256];
};

// ---- requests --------------------------------------------------------------------------------------------------

static bool is_added_by_library(struct str line) {
	static const char *const names[] = {"Host:", "Content-Length:", "Accept-Encoding:"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_starts_with(line, str_from_cstr(names[i]))) return true;
	}
	return false;
}

static void take_apart(struct call *call, const struct load_plan *plan, struct str request) {
	struct str line, target, rest = request;
	struct buf url;
	CHECK(str_cut(rest, '\n', &line, &rest));
	CHECK(str_cut(line, ' ', &target, &line) && str_cut(line, ' ', &target, &line)); // POST, target
	buf_init(&url, request.len + 64);
	buf_printf(&url, "http://127.0.0.1:%u%.*s", plan->port, STR_ARG(target));
	buf_byte(&url, '\0');
	call->url = url.ptr;
	buf_init(&call->headers, request.len);
	while (str_cut(rest, '\n', &line, &rest) && str_trim(line).len > 0) {
		if (is_added_by_library(line)) continue;
		buf_str(&call->headers, str_trim(line));
		buf_byte(&call->headers, '\n');
	}
	call->body = rest;
	CHECK(!url.overflow && !call->headers.overflow);
}

static void calls_free(struct drive *drive) {
	for (unsigned i = 0; i < drive->call_count; i++) {
		free(drive->calls[i].url);
		buf_free(&drive->calls[i].headers);
	}
	free(drive->calls);
}

// ---- lanes -----------------------------------------------------------------------------------------------------

static void on_done(struct http_exchange *exchange);

static void lane_send(struct lane *lane) {
	const struct call *call = &lane->drive->calls[lane->next];
	struct http_exchange *exchange = &lane->exchange;
	http_exchange_init(exchange);
	exchange->method = "POST";
	exchange->url = mem_strndup(call->url, strlen(call->url));
	buf_str(&exchange->headers, buf_view(&call->headers));
	buf_str(&exchange->body, call->body);
	exchange->timeout_ms = exchange->connect_timeout_ms = TIMEOUT_MS;
	exchange->reply_max_bytes = REPLY_MAX;
	exchange->done = on_done;
	exchange->context = lane;
	http_client_start(lane->client, exchange);
}

static void lane_end(struct lane *lane) {
	struct drive *drive = lane->drive;
	const struct http_exchange *exchange = &lane->exchange;
	pthread_mutex_lock(&drive->mutex);
	if (exchange->failure != HTTP_FAILURE_NONE) {
		drive->failed = true;
		snprintf(drive->failure, sizeof drive->failure, "%s", exchange->failure_text);
	}
	drive->open--;
	pthread_cond_signal(&drive->ended);
	pthread_mutex_unlock(&drive->mutex);
}

static void on_done(struct http_exchange *exchange) {
	struct lane *lane = exchange->context;
	struct drive *drive = lane->drive;
	uint64_t now_ns = clock_mono_ns();
	bool ends = exchange->failure != HTTP_FAILURE_NONE || now_ns >= drive->stop_ns;
	if (!ends && now_ns >= drive->measure_from_ns) {
		lane->answered++;
		lane->refused += exchange->status / 100 != 2;
	}
	if (ends) lane_end(lane);
	http_exchange_clear(exchange);
	lane->next = (lane->next + 1) % drive->call_count;
	if (!ends) lane_send(lane);
}

// ---- the whole -------------------------------------------------------------------------------------------------

struct clients {
	struct http_client *all[CLIENTS_MAX];
	unsigned count;
};

static void clients_close(struct clients *clients) {
	while (clients->count > 0) http_client_free(clients->all[--clients->count]);
}

static enum err clients_open(struct clients *clients, struct error *error) {
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned wanted = cores < 1 ? 1 : cores > CLIENTS_MAX ? CLIENTS_MAX : (unsigned)cores;
	for (; clients->count < wanted; clients->count++) {
		enum err err = http_client_new(&clients->all[clients->count], error);
		if (err != ERR_OK) return err;
	}
	return ERR_OK;
}

static void lanes_run(struct drive *drive, struct lane *lanes, unsigned count) {
	drive->open = count;
	for (unsigned i = 0; i < count; i++) lane_send(&lanes[i]);
	pthread_mutex_lock(&drive->mutex);
	while (drive->open > 0) pthread_cond_wait(&drive->ended, &drive->mutex);
	pthread_mutex_unlock(&drive->mutex);
}

// Closes the clients: a lane that has ended may still be in its callback.
static enum err drive_clients(struct drive *drive, const struct load_plan *plan, struct clients *clients,
			      struct load_result *out, struct error *error) {
	struct lane *lanes = mem_calloc(plan->connections, sizeof *lanes);
	for (unsigned i = 0; i < plan->connections; i++) {
		lanes[i].drive = drive;
		lanes[i].client = clients->all[i % clients->count];
		lanes[i].next = i % drive->call_count;
	}
	lanes_run(drive, lanes, plan->connections);
	clients_close(clients);
	for (unsigned i = 0; i < plan->connections; i++) {
		out->answered += lanes[i].answered;
		out->refused += lanes[i].refused;
	}
	free(lanes);
	return drive->failed ? error_set(error, ERR_IO, "%s", drive->failure) : ERR_OK;
}

enum err load_drive_library(const struct load_plan *plan, struct load_result *out, struct error *error) {
	uint64_t now_ns = clock_mono_ns();
	struct clients clients = {.count = 0};
	struct drive drive = {
		.calls = mem_calloc(plan->request_count, sizeof *drive.calls),
		.call_count = plan->request_count,
		.measure_from_ns = now_ns + plan->warmup_ns,
		.stop_ns = now_ns + plan->warmup_ns + plan->duration_ns,
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.ended = PTHREAD_COND_INITIALIZER,
	};
	*out = (struct load_result){.seconds = (double)plan->duration_ns / 1e9};
	for (unsigned i = 0; i < plan->request_count; i++)
		take_apart(&drive.calls[i], plan, buf_view(&plan->requests[i]));
	enum err err = clients_open(&clients, error);
	if (err == ERR_OK) err = drive_clients(&drive, plan, &clients, out, error);
	clients_close(&clients);
	calls_free(&drive);
	return err;
}
