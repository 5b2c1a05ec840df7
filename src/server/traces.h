// A run's trace as it is at this moment (spec 06 §13 to §17), for REST v2 and GraphQL. Private to src/server; on a
// thread of the pool, because the engine may be asked as well.
#ifndef INNGEST_SERVER_TRACES_H
#define INNGEST_SERVER_TRACES_H

#include "history/traces.h"
#include "server/server_internal.h"

// ERR_NOT_FOUND: no such run.
ERR_CHECKED enum err trace_open(struct reading *reading, struct arena *arena, const struct ulid *run_id,
				struct trace_loaded *out, struct error *error);

#endif
