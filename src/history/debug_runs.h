// Runs that carry ids of the step debugger (06 §11), in the table engine_debug_runs.
//
// One thread at a time per reader, as in history.h. Results live in the arena.
#ifndef INNGEST_HISTORY_DEBUG_RUNS_H
#define INNGEST_HISTORY_DEBUG_RUNS_H

#include "history/history.h"
#include "model/debug_ids.h"

// The ids of one run; zero when it has none.
ERR_CHECKED enum err history_debug_ids(struct history_reader *reader, const struct ulid *run_id, struct debug_ids *out,
				       struct error *error);
// Runs with this debug run id, or of this session, in the order of their scheduling; the last `limit` of them.
struct debug_row {
	struct ulid run_id;
	struct debug_ids ids;
};
ERR_CHECKED enum err history_debug_runs(struct history_reader *reader, struct arena *arena, bool of_session,
					const struct ulid *id, uint32_t limit, struct debug_row **out, size_t *count,
					struct error *error);

#endif
