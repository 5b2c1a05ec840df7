// Ids of spans (spec 06 §12.1): those that everybody derives alike, and those that the reference server draws at
// random, which are derived here from what they are of, so that they need not be stored. Pure, any thread.
#ifndef INNGEST_TRACE_IDS_H
#define INNGEST_TRACE_IDS_H

#include "base/arena.h"
#include "base/id.h"
#include "model/metadata.h"

#define SPAN_ID_LEN 16 // hex digits
#define TRACE_ID_LEN 32
#define SPAN_ID_NONE "0000000000000000" // parent of a root

struct span_id {
	char text[SPAN_ID_LEN + 1];
};

// Of every span of a run; `out` gets TRACE_ID_LEN digits and a NUL.
void span_trace_id(const struct ulid *run_id, char out[TRACE_ID_LEN + 1]);
struct span_id span_id_run(const struct ulid *run_id);
struct span_id span_id_step(struct str step_id);                      // finished
struct span_id span_id_attempt(struct str step_id, uint32_t attempt); // failed, to be retried
struct span_id span_id_sleep(struct str step_id);
struct span_id span_id_after_sleep(struct str step_id);
struct span_id span_id_nonstep(const struct uuid *group_id, uint32_t attempt);
struct span_id span_id_metadata(struct str parent_span_id, struct str kind);
// Of what a record of metadata hangs on (05 §12.9). The attempt of a step that ended it well has the id of the finished
// step as its own, so a record that names it by its number has to be looked for under this one too.
struct span_id span_id_target(const struct ulid *run_id, const struct metadata_target *target);
// Derived, where the reference server draws:
struct span_id span_id_discovery(const struct ulid *run_id, uint64_t job);
struct span_id span_id_execution(const struct ulid *run_id, uint64_t job, uint32_t attempt);
struct span_id span_id_wait(const struct ulid *run_id, struct str step_id);
struct uuid span_group_id(const struct ulid *run_id, uint64_t job); // of a queue item

#endif
