#include "driver/driver.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "driver/lambda.h"
#include "model/exchange.h"

struct lane { // one client
	struct driver *driver;
	struct http_client *client;
	atomic_uint calls; // handed to it and not yet ended
	// The client's thread alone: the answers of this round, which go to the engine together.
	struct message *answers;
	struct message **answers_end;
	struct http_round_task round_end;
};

struct driver {
	struct driver_config config;
	struct lane lanes[DRIVER_CLIENTS_MAX];
};

// A call under way. What the answer has to carry is kept; the call itself ends once its request is built.
struct flight {
	struct http_exchange exchange;
	struct lane *lane;
	struct ulid run_id;
	uint32_t slot;
	uint64_t dispatch;
	struct payload *events; // owned: those that were loaded, which the engine may need with the answer; or NULL
	bool lambda;
};

static void post_answers(struct http_round_task *task) {
	struct lane *lane = container_of(task, struct lane, round_end);
	struct message *answers = lane->answers;
	lane->answers = NULL;
	lane->answers_end = &lane->answers;
	lane->driver->config.post(lane->driver->config.context, answers);
}

static void add_answer(struct lane *lane, struct command *command) {
	command->message.next = NULL;
	*lane->answers_end = &command->message;
	lane->answers_end = &command->message.next;
	http_client_at_round_end(lane->client, &lane->round_end);
}

static void lane_init(struct lane *lane, struct driver *driver, struct http_client *client) {
	lane->driver = driver;
	lane->client = client;
	lane->answers_end = &lane->answers;
	atomic_init(&lane->calls, 0);
	http_round_task_init(&lane->round_end, post_answers);
}

struct driver *driver_new(const struct driver_config *config) {
	struct driver *driver = mem_calloc(1, sizeof *driver);
	driver->config = *config;
	for (unsigned i = 0; i < config->client_count; i++) lane_init(&driver->lanes[i], driver, config->clients[i]);
	return driver;
}

void driver_free(struct driver *driver) {
	free(driver);
}

static void flight_end(struct flight *flight) {
	atomic_fetch_sub_explicit(&flight->lane->calls, 1, memory_order_relaxed);
	http_exchange_clear(&flight->exchange);
	payload_unref(flight->events);
	free(flight);
}

static struct command *answer_new(const struct flight *flight) {
	struct command *command = command_new(COMMAND_ANSWER);
	command->answer.run_id = flight->run_id;
	command->answer.slot = flight->slot;
	command->answer.dispatch = flight->dispatch;
	command->answer.events = payload_ref(flight->events);
	return command;
}

// The attempt error of an exchange without a reply (02 §4.8).
static struct str failure_text(struct arena *arena, const struct http_exchange *exchange) {
	switch (exchange->failure) {
	case HTTP_FAILURE_CONNECT:
		return STR("Unable to reach SDK URL");
	case HTTP_FAILURE_RECV:
		return STR("Your server reset the connection while we were reading the reply: "
			   "Unexpected ending response");
	case HTTP_FAILURE_ENCODING:
		return arena_dup(arena, str_from_cstr(exchange->failure_text));
	default:
		return arena_printf(arena, "error performing request: %s", exchange->failure_text);
	}
}

static uint32_t whole_ms(uint64_t us) {
	return us / 1000 < UINT32_MAX ? (uint32_t)(us / 1000) : UINT32_MAX;
}

static void add_times(struct answer_exchange *out, const struct http_timing *timing) {
	out->dns_ms = whole_ms(timing->dns_us);
	out->connect_ms = whole_ms(timing->connect_us);
	out->tls_ms = whole_ms(timing->tls_us);
	out->server_ms = whole_ms(timing->server_us);
	out->transfer_ms = whole_ms(timing->transfer_us);
	out->total_ms = whole_ms(timing->total_us);
}

static void read_reply(struct command *command, const struct http_exchange *exchange) {
	struct answer_header *headers;
	struct http_reply reply = {
		.status = exchange->status,
		.body = buf_view(&exchange->reply),
		.body_too_large = exchange->reply_too_large,
	};
	reply.header_count = http_exchange_reply_headers(exchange, &command->arena, &headers);
	reply.headers = headers;
	answer_read(&command->arena, &reply, clock_wall_ms(), &command->answer.answer);
}

static void read_failure(struct command *command, const struct http_exchange *exchange) {
	struct answer *answer = &command->answer.answer;
	struct answer_header *headers;
	answer_from_failure(&command->arena, STR(""), failure_text(&command->arena, exchange), answer);
	if (exchange->status < 200) return;
	// The reply began well.
	size_t count = http_exchange_reply_headers(exchange, &command->arena, &headers);
	answer->exchange.status = (uint32_t)exchange->status;
	answer->exchange.headers = exchange_headers_json(&command->arena, headers, count);
	answer->exchange.output_bytes = (uint32_t)exchange->reply.len;
}

static void on_done(struct http_exchange *exchange) {
	struct flight *flight = exchange->context;
	if (exchange->failure != HTTP_FAILURE_CLOSED) {
		struct command *command = answer_new(flight);
		if (flight->lambda) lambda_unwrap(exchange);
		if (exchange->failure == HTTP_FAILURE_NONE)
			read_reply(command, exchange);
		else
			read_failure(command, exchange);
		add_times(&command->answer.answer.exchange, &exchange->timing);
		add_answer(flight->lane, command);
	}
	flight_end(flight);
}

static void post_build_error(struct flight *flight, const struct error *error) {
	struct command *command = answer_new(flight);
	struct str text = arena_dup(&command->arena, str_from_cstr(error->message));
	answer_from_failure(&command->arena, STR(""), text, &command->answer.answer);
	add_answer(flight->lane, command);
	flight_end(flight);
}

static void begin_call(struct lane *lane, struct call *call) {
	const struct driver_config *config = &lane->driver->config;
	struct flight *flight = mem_calloc(1, sizeof *flight);
	struct error error = {.message = ""};
	http_exchange_init(&flight->exchange);
	flight->lane = lane;
	flight->run_id = call->run_id;
	flight->slot = call->slot;
	flight->dispatch = call->dispatch;
	flight->lambda = lambda_is_target(call->url);
	bool at_rest = call->events.data == NULL;
	enum err err = call_request_build(config, call, clock_wall_ms(), &flight->exchange, &error);
	if (at_rest) flight->events = payload_ref(call->events.data);
	call_free(call);
	if (err != ERR_OK) {
		post_build_error(flight, &error);
		return;
	}
	if (flight->lambda) lambda_wrap(&flight->exchange);
	flight->exchange.done = on_done;
	flight->exchange.context = flight;
	http_client_start(lane->client, &flight->exchange);
}

static void begin_calls(struct message *calls, void *context) {
	for (struct message *next; calls != NULL; calls = next) {
		next = calls->next;
		begin_call(context, container_of(calls, struct call, message));
	}
}

static struct lane *choose_lane(struct driver *driver) {
	struct lane *chosen = &driver->lanes[0];
	unsigned fewest = atomic_load_explicit(&chosen->calls, memory_order_relaxed);
	for (unsigned i = 1; i < driver->config.client_count && fewest > 0; i++) {
		unsigned calls = atomic_load_explicit(&driver->lanes[i].calls, memory_order_relaxed);
		if (calls >= fewest) continue;
		chosen = &driver->lanes[i];
		fewest = calls;
	}
	return chosen;
}

void driver_call(struct driver *driver, struct call *calls) {
	struct message *chains[DRIVER_CLIENTS_MAX] = {NULL}, **ends[DRIVER_CLIENTS_MAX];
	for (unsigned i = 0; i < driver->config.client_count; i++) ends[i] = &chains[i];
	for (struct message *call = &calls->message, *next; call != NULL; call = next) {
		struct lane *lane = choose_lane(driver);
		struct message ***end = &ends[lane - driver->lanes];
		next = call->next;
		call->next = NULL;
		**end = call;
		*end = &call->next;
		atomic_fetch_add_explicit(&lane->calls, 1, memory_order_relaxed);
	}
	for (unsigned i = 0; i < driver->config.client_count; i++) {
		if (chains[i] != NULL)
			http_client_post(driver->lanes[i].client, chains[i], begin_calls, &driver->lanes[i]);
	}
}
