// Handing over to the reference server (spec 09 §7): for each run whose trace is kept as facts, the rows that it reads
// instead: spans, trace_runs and history (its table `traces` only serves an older view). Everything else is in its
// tables already.
//
// Nothing is removed, so this server goes on with the same file as before: it prefers the facts. A run is done in one
// transaction, several runs in each. A run that is over and has been done is passed by, one that goes on is done anew;
// so the work may be broken off at any time and begun again. Runs of the reference server are left alone.
//
// Needs the only connection that writes, and no server on the file.
#ifndef INNGEST_HISTORY_HAND_OVER_H
#define INNGEST_HISTORY_HAND_OVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct sqlite3;

struct hand_over_counts {
	uint64_t total; // runs to be done
	uint64_t done;  // of these
	uint64_t open;  // of those done: not over, so the reference server shows them and does not go on with them
	uint64_t skipped_runs, spans, history; // of those done: runs that were skipped; rows written
	bool is_complete;
};

// Called after each transaction; false: enough.
typedef bool hand_over_progress(void *context, const struct hand_over_counts *counts);

ERR_CHECKED enum err history_hand_over(struct sqlite3 *db, hand_over_progress *progress, void *context,
				       struct hand_over_counts *out, struct error *error);

#endif
