// What the files of REST v1 share about runs (spec 05 §12.4, §12.5). Private to src/server.
#ifndef INNGEST_SERVER_V1_H
#define INNGEST_SERVER_V1_H

#include "history/runs.h"
#include "server/server_internal.h"

void v1_run_write(struct buf *out, const struct history_run *run);
// The whole answer: an array in its envelope.
void v1_runs_send(struct request *request, const struct history_run *runs, size_t count, unsigned max_age_s);
struct str v1_status_name(enum trace_run_status status);
// Of runs that have no finish row: tells those that have not begun from those under way, and drops those that were
// skipped.
ERR_CHECKED enum err v1_runs_complete(struct reading *reading, struct arena *arena, struct history_run *runs,
				      size_t *count, struct error *error);

#endif
