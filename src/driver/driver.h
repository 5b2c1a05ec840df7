// The HTTP driver: turns a struct call into the request of spec 02 §2, and the reply into a COMMAND_ANSWER.
// Threads: driver_call from the journal thread; the rest happens on the HTTP client's thread.
#ifndef INNGEST_DRIVER_DRIVER_H
#define INNGEST_DRIVER_DRIVER_H

#include "driver/http_client.h"
#include "engine/batch.h"
#include "engine/command.h"

struct driver;

struct driver_config {
	struct http_client *client;
	struct str signing_key; // empty in dev: requests are not signed; a signkey-…- prefix is stripped (02 §2.4)
	// Bodies that are only in the store. Called on the client's thread.
	enum err (*load)(void *context, uint8_t kind, struct str key, struct payload **out, struct error *error);
	// Takes over the command. Called on the client's thread.
	void (*post)(void *context, struct command *command);
	void *context;
};
struct driver *driver_new(const struct driver_config *config);
void driver_free(struct driver *driver); // after http_client_free
// Takes over the call. Any thread. A call that the client's shutdown cuts off posts nothing: what is in flight then is
// called again at the next start.
void driver_call(struct driver *driver, struct call *call);
// The request of a call, for tests: fills url, headers and body of the exchange. ERR_INVALID, ERR_IO, … when the
// body cannot be built.
ERR_CHECKED enum err call_request_build(const struct driver_config *config, const struct call *call, uint64_t now_ms,
					struct http_exchange *out, struct error *error);

#endif
