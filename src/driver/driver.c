#include "driver/driver.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "driver/lambda.h"

struct driver {
	struct driver_config config;
};

// A call under way. What the answer has to carry is kept; the call itself ends once its request is built.
struct flight {
	struct http_exchange exchange;
	struct driver *driver;
	struct ulid run_id;
	uint32_t slot;
	uint64_t dispatch;
	bool lambda;
};

struct driver *driver_new(const struct driver_config *config) {
	struct driver *driver = mem_calloc(1, sizeof *driver);
	driver->config = *config;
	return driver;
}

void driver_free(struct driver *driver) {
	free(driver);
}

static void flight_free(struct flight *flight) {
	http_exchange_clear(&flight->exchange);
	free(flight);
}

static struct command *answer_new(const struct flight *flight) {
	struct command *command = command_new(COMMAND_ANSWER);
	command->answer.run_id = flight->run_id;
	command->answer.slot = flight->slot;
	command->answer.dispatch = flight->dispatch;
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

static void on_done(struct http_exchange *exchange) {
	struct flight *flight = exchange->context;
	const struct driver_config *config = &flight->driver->config;
	if (exchange->failure != HTTP_FAILURE_CLOSED) {
		struct command *command = answer_new(flight);
		if (flight->lambda) lambda_unwrap(exchange);
		if (exchange->failure == HTTP_FAILURE_NONE)
			read_reply(command, exchange);
		else
			answer_from_failure(&command->arena, STR(""), failure_text(&command->arena, exchange),
					    &command->answer.answer);
		config->post(config->context, command);
	}
	flight_free(flight);
}

static void post_build_error(struct flight *flight, const struct error *error) {
	const struct driver_config *config = &flight->driver->config;
	struct command *command = answer_new(flight);
	struct str text = arena_dup(&command->arena, str_from_cstr(error->message));
	answer_from_failure(&command->arena, STR(""), text, &command->answer.answer);
	config->post(config->context, command);
	flight_free(flight);
}

static void begin_call(struct message *message, void *context) {
	struct driver *driver = context;
	struct call *call = container_of(message, struct call, message);
	struct flight *flight = mem_calloc(1, sizeof *flight);
	struct error error = {.message = ""};
	http_exchange_init(&flight->exchange);
	flight->driver = driver;
	flight->run_id = call->run_id;
	flight->slot = call->slot;
	flight->dispatch = call->dispatch;
	flight->lambda = lambda_is_target(call->url);
	enum err err = call_request_build(&driver->config, call, clock_wall_ms(), &flight->exchange, &error);
	call_free(call);
	if (err != ERR_OK) {
		post_build_error(flight, &error);
		return;
	}
	if (flight->lambda) lambda_wrap(&flight->exchange);
	flight->exchange.done = on_done;
	flight->exchange.context = flight;
	http_client_start(driver->config.client, &flight->exchange);
}

void driver_call(struct driver *driver, struct call *call) {
	http_client_post(driver->config.client, &call->message, begin_call, driver);
}
