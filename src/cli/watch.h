// Following what happens on a server, as it happens: GET /v1/stream, server-sent events.
#ifndef INNGEST_CLI_WATCH_H
#define INNGEST_CLI_WATCH_H

#include "cli/remote.h"
#include "cli/reply.h"

enum watch_end {
	WATCH_COMPLETED,   // the run has completed
	WATCH_OTHER_END,   // it has ended in another way
	WATCH_INTERRUPTED, // Ctrl-C
};
struct watch_filter {
	const struct ulid *run_id; // NULL: any, and it ends with Ctrl-C only
	struct str function_id;    // UUID; empty: any
	bool quiet;                // print nothing
};
// Follows what the filter lets through. A connection that breaks is made again for some time.
ERR_CHECKED enum err watch_follow(struct remote *remote, const struct watch_filter *filter, enum watch_end *end,
				  struct error *error);

// ---- what is printed: no I/O -----------------------------------------------------------------------------------

struct watch_report {
	struct buf *out;
	bool json; // each update as a line of JSON
	bool terminal, colour;
	struct buf *run_function; // of the only run that is followed: its state sets "app/function"; or NULL
	// The name of a function by its id.
	struct str (*name)(void *context, struct str function_id);
	void *context;
};
enum watch_kind { WATCH_UNKNOWN, WATCH_RUN, WATCH_STEP, WATCH_EVENT, WATCH_LAGGED };
struct watch_update {
	enum watch_kind kind;
	struct ulid run_id;         // of a run
	bool ended, completed;      // the run, with this
	unsigned long long dropped; // updates, by a server that could not send them
};
// One message: a line, and what it means. false: it cannot be read.
bool watch_report_message(const struct watch_report *report, struct str event, struct str data,
			  struct watch_update *update);
// The state of the run in a reply of GET /v2/runs/{id}.
ERR_CHECKED enum err watch_report_state(const struct watch_report *report, struct str reply,
					struct watch_update *update, struct error *error);

#endif
