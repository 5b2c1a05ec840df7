// What the node's threads share. Private to src/node.
#ifndef INNGEST_NODE_NODE_INTERNAL_H
#define INNGEST_NODE_NODE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/mailbox.h"
#include "driver/driver.h"
#include "engine/engine.h"
#include "history/history.h"
#include "history/retention.h"
#include "node/node.h"
#include "server/server.h"

// Commands that may wait for the engine before clients are told to come back later.
#define NODE_COMMANDS_MAX 20000u
// Batches that may wait for the journal before the engine pauses: what gathers meanwhile commits together.
#define NODE_BATCHES_MAX 4u
// Commands in one batch.
#define NODE_BATCH_COMMANDS 512u
// Read connections: for the threads of the pool (WORK_THREADS), and two for all that is short: the server's own
// threads, the poller.
#define NODE_READERS 6u

// Where the database is.
#define NODE_SQLITE_DIR ".inngest"
#define NODE_SQLITE_FILE "main.db"

struct reader {
	struct store_reader *store;
	struct history_reader *history;
	bool taken;
};

// A small pool of read connections (readers.c). Each is opened when all the others are taken for the first time: most
// servers never need more than a few, and each holds the schema.
struct readers {
	struct store *from;
	pthread_mutex_t mutex;
	pthread_cond_t free;
	size_t count; // opened
	struct reader all[NODE_READERS];
};
ERR_CHECKED enum err readers_open(struct readers *readers, struct store *store, struct error *error);
void readers_close(struct readers *readers);
struct reader *readers_take(struct readers *readers); // blocks until one is free
void readers_give(struct readers *readers, struct reader *reader);
struct reader *readers_of(struct readers *readers, const struct store_reader *store);

struct journal; // journal.c
struct journal_config {
	struct store *store;
	struct history_writer *history;
	struct history_keeper *keeper;                         // NULL: everything is kept
	void (*committed)(void *context, struct batch *batch); // takes the effects out; the journal frees the batch
	void *context;
};
struct journal *journal_start(const struct journal_config *config);
// Takes over the batch; blocks while NODE_BATCHES_MAX wait. Any thread: what is written must not depend on the order.
void journal_post(struct journal *journal, struct batch *batch);
void journal_stop(struct journal *journal); // commits what was posted, joins
// Everything of one transaction, for the batches of a chain; used at start as well.
ERR_CHECKED enum err journal_write(const struct journal_config *config, struct batch *batches, struct error *error);

struct poller; // poller.c
struct poller_config {
	const struct node_config *node;
	struct http_client *client;
	struct readers *readers;
	uint16_t own_port;
	const char *server_kind;
	void (*post)(void *context, struct command *command);
	void *context;
};
struct poller *poller_start(const struct poller_config *config);
// Apps have changed: a poller with nobody to ping looks again. Any thread.
void poller_wake(struct poller *poller);
// One ping on demand; blocks until its result is there. Any thread but the client's and the engine's.
void poller_sync(struct poller *poller, struct str url, struct buf *problem);
bool poller_discovered(struct poller *poller, struct str url); // any thread
// In two steps, with http_client_free between them: no exchange begins any more; then the thread, whose exchanges have
// been ended, is joined.
void poller_close(struct poller *poller);
void poller_stop(struct poller *poller);
void poller_free(struct poller *poller); // when nobody can ask it any more; NULL is fine

// Lets exchanges begin until it is closed; then their callbacks come at once, with an empty result.
struct gate {
	pthread_mutex_t mutex;
	bool closed;
};
// discover.c: URLs of apps found on this machine (spec 01 §3.1); `found` is called for each.
void discover_scan(struct http_client *client, struct gate *gate, uint16_t own_port,
		   void (*found)(void *context, struct str url), void *context);
// A blocking wrapper around the client's callbacks: counts down to zero.
struct waiter {
	pthread_mutex_t mutex;
	pthread_cond_t zero;
	unsigned count;
};
void waiter_init(struct waiter *waiter, unsigned count);
void waiter_done(struct waiter *waiter);
void waiter_wait(struct waiter *waiter);

#endif
