// The HTTP face: libmicrohttpd's epoll threads, a route table, and requests that wait for the engine suspended.
// It never decides workflow: it parses, validates, authenticates, posts a command and writes the reply.
#ifndef INNGEST_SERVER_SERVER_H
#define INNGEST_SERVER_SERVER_H

#include "engine/batch.h"
#include "engine/command.h"
#include "history/history.h"
#include "store/store.h"

struct server;

struct server_config {
	struct str host; // empty: all interfaces, dual stack
	uint16_t port;
	unsigned threads;             // 0: one per core
	const char *server_kind;      // "dev" or "cloud"; must stay valid
	struct str version;           // "<version>-<commit>"
	struct str dev_start_opts;    // JSON object for GET /dev startOpts
	const struct str *event_keys; // configured ones; must stay valid
	size_t event_key_count;
	struct str signing_key; // empty: none
	bool no_ui;             // neither dashboard nor GraphQL
	bool test_mode;         // the testing API is served (05 §16)
	// Hands a command to the engine; ERR_BUSY when its mailbox is full (the command stays the caller's).
	enum err (*post)(void *context, struct command *command);
	// Borrow a reader for one request; blocks until one is free (NULL: none, answered with 503). Returned with
	// reader_return.
	struct store_reader *(*reader_borrow)(void *context);
	void (*reader_return)(void *context, struct store_reader *reader);
	struct history_reader *(*history_of)(void *context, struct store_reader *reader);
	bool (*ready)(void *context); // GET /ready
	// Asks the app at a normalised URL to register, and blocks until it has answered; what went wrong is appended
	// to `problem` (01 §4.4). NULL: nobody can.
	void (*sync)(void *context, struct str url, struct buf *problem);
	// Whether the URL is one that the search for apps on this machine has found. NULL: there is none.
	bool (*discovered)(void *context, struct str url);
	void *context;
};
// ERR_EXISTS: the address is in use. The configuration's texts are copied. The server's threads take no signals.
ERR_CHECKED enum err server_start(const struct server_config *config, struct server **out, struct error *error);
uint16_t server_port(const struct server *server); // the port bound (config.port 0: any)
// Takes over a chain of replies (struct reply) and resumes their requests. Any thread.
void server_reply(struct server *server, struct message *replies);
// Tells those who watch what a batch that is durable now has brought. Any thread; cheap when nobody watches.
void server_publish(struct server *server, const struct batch *batch);
// Stops accepting; requests already in work may finish, connections close with their next answer. Then server_stop.
void server_quiesce(struct server *server);
void server_stop(struct server *server); // answers what still waits with 503, joins the threads, frees

#endif
