// What runs have deferred, in the table engine_defers, and which runs came of it (06 §20).
//
// One thread at a time per reader, as in history.h. Results live in the arena.
#ifndef INNGEST_HISTORY_DEFERS_H
#define INNGEST_HISTORY_DEFERS_H

#include "history/history.h"

struct history_defer {
	struct ulid parent_id; // the run that deferred it
	struct str hashed_id, userland_id, function;
	enum defer_status status;
	struct ulid run_id; // that came of it; zero: none yet
};
// Of one run, by their hashed ids.
ERR_CHECKED enum err history_defers(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
				    struct history_defer **out, size_t *count, struct error *error);
// The runs that deferred this one: of its event, or of each in a batch, in that order and once each.
ERR_CHECKED enum err history_deferred_from(struct history_reader *reader, struct arena *arena,
					   const struct ulid *run_id, struct ulid **out, size_t *count,
					   struct error *error);

#endif
