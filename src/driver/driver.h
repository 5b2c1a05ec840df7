// The HTTP driver: turns a struct call into the request of spec 02 §2, and the reply into a COMMAND_ANSWER.
// Threads: driver_call from the journal thread; the rest happens on the threads of the HTTP clients.
#ifndef INNGEST_DRIVER_DRIVER_H
#define INNGEST_DRIVER_DRIVER_H

#include "driver/http_client.h"
#include "engine/batch.h"
#include "engine/command.h"

#define DRIVER_CLIENTS_MAX 8

struct driver;

struct driver_config {
	// Each call is made by the client with the fewest calls under way; while all is quiet that is the first, whose
	// connections are warm.
	struct http_client *clients[DRIVER_CLIENTS_MAX];
	unsigned client_count;
	struct str signing_key; // empty in dev: requests are not signed; a signkey-…- prefix is stripped (02 §2.4)
	// Bodies that are only in the store. Called on any client's thread, also at once.
	enum err (*load)(void *context, uint8_t kind, struct str key, struct payload **out, struct error *error);
	// Takes over the answers of one round of events: a chain of struct command. Called on any client's thread.
	void (*post)(void *context, struct message *answers);
	void *context;
};
struct driver *driver_new(const struct driver_config *config);
void driver_free(struct driver *driver); // after http_client_free of all clients
// Takes over a chain of calls (by `message`). Any thread. A call that the client's shutdown cuts off posts nothing:
// what is in flight then is called again at the next start.
void driver_call(struct driver *driver, struct call *calls);
// The request of a call, for tests: fills url, headers and body of the exchange. ERR_INVALID, ERR_IO, … when the
// body cannot be built. Events that had to be loaded are the call's afterwards.
ERR_CHECKED enum err call_request_build(const struct driver_config *config, struct call *call, uint64_t now_ms,
					struct http_exchange *out, struct error *error);

#endif
