// The node: one process put together. Opens the store, restores the engine, starts the threads, carries commands,
// batches and effects between them, and takes everything down again.
#ifndef INNGEST_NODE_NODE_H
#define INNGEST_NODE_NODE_H

#include "base/error.h"
#include "base/str.h"
#include "history/retention.h"
#include "store/store.h"

struct node_config {
	struct str host; // empty: all interfaces
	uint16_t port;
	bool port_shift; // take the next free port when `port` is taken (dev)
	bool dev;        // server kind dev, else cloud
	char **sdk_urls; // as given; a missing scheme becomes http://
	size_t sdk_url_count;
	bool discovery, poll;
	uint32_t poll_interval_s;  // 0: 5
	uint32_t retry_interval_s; // 0: the back-off table
	uint32_t queue_workers;    // per app; 0: 100
	bool persist;
	const char *sqlite_dir; // NULL or empty: ./.inngest; only with persist
	enum durability durability;
	struct retention retention;
	bool no_history; // events, runs and traces leave nothing for people
	struct str version;
	struct str start_opts_json;
	bool no_ui;         // neither dashboard nor GraphQL
	bool test_mode;     // the testing API is served, to whoever asks
	uint32_t steps_max; // 0: the default
};

// Blocks until SIGINT, SIGTERM or SIGQUIT; ERR_OK after a clean stop. Call it from the main thread before any other
// thread exists (it blocks those signals everywhere). `online` is called once, when requests are accepted.
ERR_CHECKED enum err node_run(const struct node_config *config, void (*online)(void *context, uint16_t port),
			      void *context, struct error *error);

#endif
