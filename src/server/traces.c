// Opening a run's trace, for REST v2 and GraphQL.
#include "server/traces.h"

enum err trace_open(struct reading *reading, struct arena *arena, const struct ulid *run_id, struct trace_loaded *out,
		    struct error *error) {
	// Where the engine is to say what a run under way does at this moment: ask it here, before history is read.
	return history_trace(reading->history, arena, run_id, NULL, 0, out, error);
}
