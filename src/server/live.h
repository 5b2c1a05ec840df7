// Live updates: what has just become durable, as server-sent events to those who watch (docs/api.md, "Live updates").
//
//   GET /v1/stream?run_id=ULID&function_id=UUID&kinds=run,step,event
//
// Each message is one line of JSON under its kind:
//   run    {"run_id","function_id","status":"QUEUED|RUNNING|COMPLETED|FAILED|CANCELLED","at"}
//   step   {"run_id","function_id","step_id","name","op","status","attempt","at"}
//   event  {"id","name","at"}
//   lagged {"dropped":N}: the watcher read too slowly and has missed so many
// Nothing is kept for those who come later: a watcher reads the present state first, or again after `lagged`.
//
// Threads: the journal's thread publishes, connections' threads read; one lock. Nobody waits for a watcher: what does
// not fit into its buffer is dropped. Without watchers publishing costs one load.
#ifndef INNGEST_SERVER_LIVE_H
#define INNGEST_SERVER_LIVE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "engine/batch.h"

struct request;

#define LIVE_WATCHERS_MAX 64         // further ones get 503
#define LIVE_BUFFER_MAX (256u << 10) // bytes that a watcher has not read
#define LIVE_HEARTBEAT_S 15          // a comment, so that a client that is gone is noticed

struct live {
	pthread_mutex_t lock;
	pthread_cond_t changed; // a first watcher, or the end
	struct list watchers;
	atomic_uint watcher_count;
	uint64_t sequence;     // of messages
	uint32_t heartbeat_ms; // tests have less
	bool closed;
	bool beats; // the heart's thread runs
	pthread_t heart;
};
void live_init(struct live *live);
void live_publish(struct live *live, const struct batch *batch);
// Ends all streams and takes no more; then, when the server's connections are gone, live_free.
void live_close(struct live *live);
void live_free(struct live *live);

#endif
