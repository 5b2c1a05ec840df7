// What the export of our own spans remembers of long runs between two looks at them (spec 05 §24): how far their facts
// have been read, those that tell of spans which are still open, and what has been told. So each fact is read once, and
// what a look costs depends on what has come since, not on how long the run is.
//
// Bounded: beyond EXPORT_MEMORY_MAX the run that was not looked at for the longest is forgotten, and read from its
// beginning when there is more of it. Short runs are not worth remembering. Plain memory, one thread.
#ifndef INNGEST_HISTORY_EXPORT_MEMORY_H
#define INNGEST_HISTORY_EXPORT_MEMORY_H

#include "base/buf.h"
#include "base/id.h"
#include "base/list.h"
#include "trace/export.h"

#define EXPORT_MEMORY_MAX ((size_t)32 << 20) // bytes
#define EXPORT_SHORT_MAX 256u                // facts of a run that is read again each time

struct export_run {
	struct map_node by_id;
	struct list by_use;
	struct ulid id;
	uint64_t until;   // facts up to this one have been read
	uint64_t read;    // how many that were
	struct buf facts; // those that are needed on, encoded
	size_t fact_count;
	struct trace_told told;
	size_t bytes; // as it was counted
};

struct export_memory;
struct export_memory *export_memory_new(size_t max_bytes);
void export_memory_free(struct export_memory *memory); // NULL is fine
// Everything is read from its beginning again: the cursor is not where it has got to.
void export_memory_clear(struct export_memory *memory);

// New when it is not remembered: nothing has been read. It has to be closed before another is opened.
struct export_run *export_memory_open(struct export_memory *memory, const struct ulid *run_id);
void export_memory_close(struct export_memory *memory, struct export_run *run, bool remember);

// The facts that are needed, as they came about; they point into the arena.
struct trace_fact *export_run_facts(const struct export_run *run, struct arena *arena, size_t room);
// In their place those of `facts` that are.
void export_run_keep(struct export_run *run, const struct trace_fact *facts, const bool *needed, size_t count);

#endif
