// `inngest db hand-over`: the database file made ready for the reference server, with no server on it.
#ifndef INNGEST_NODE_HAND_OVER_H
#define INNGEST_NODE_HAND_OVER_H

#include "history/hand_over.h"

struct hand_over_result {
	struct hand_over_counts counts;
	char path[4096]; // of the file
};

// `sqlite_dir` NULL or empty: ./.inngest. ERR_NOT_FOUND: there is no database; ERR_BUSY: a server uses it. At the end
// the file is as the reference server makes its own: without a write-ahead log.
ERR_CHECKED enum err node_hand_over(const char *sqlite_dir, hand_over_progress *progress, void *context,
				    struct hand_over_result *out, struct error *error);

#endif
