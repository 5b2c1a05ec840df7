// What the export of our own spans reads (spec 05 §24; trace/export.h says which spans): trace facts behind a cursor,
// in the order of the table, and the spans of a run that such facts have ended.
//
// The cursor is durable: a row of the table engine_trace itself that belongs to no run (its run_id is empty) and stands
// behind all facts that have been exported, so that ids, which SQLite may use again when the last rows are deleted,
// only grow; retention, which may remove the last rows before the cursor moves on, sees to that, too. It is written
// with HISTORY_EXPORTED.
//
// Facts that retention takes before they are exported leave holes among the ids, which are counted.
#ifndef INNGEST_HISTORY_EXPORTS_H
#define INNGEST_HISTORY_EXPORTS_H

#include "history/export_memory.h"
#include "history/history.h"
#include "trace/otlp.h"

// What is not exported stays so: without an export there is no cursor. On the store's own connection, at start.
ERR_CHECKED enum err history_exports_forget(struct sqlite3 *db, struct error *error);
// Likewise with one: behind what there is when there is no cursor yet, before this process writes the first fact. So
// none is missed, none told twice, whenever the process ends.
ERR_CHECKED enum err history_exports_begin(struct sqlite3 *db, struct error *error);

// Where to go on. ERR_NOT_FOUND: there is no cursor.
ERR_CHECKED enum err history_exports_cursor(struct history_reader *reader, uint64_t *out, struct error *error);

struct export_window {
	uint64_t last;     // the cursor behind it
	size_t count;      // of rows
	uint64_t lost;     // facts that are no longer there
	struct ulid *runs; // that facts in it are of, each once
	size_t run_count;
};
// Up to `max` facts behind `after`. Count 0: there are none.
ERR_CHECKED enum err history_exports_window(struct history_reader *reader, struct arena *arena, uint64_t after,
					    size_t max, struct export_window *out, struct error *error);

// The spans of a run that facts behind `after`, up to `last`, have ended. None for a run that is gone. Reads a bounded
// part of them: while *more is set there are others, to be had by calling it again. What has been read is remembered;
// the memory has to be cleared when that does not reach the other side.
ERR_CHECKED enum err history_exports_run(struct history_reader *reader, struct export_memory *memory,
					 struct arena *arena, const struct ulid *run_id, uint64_t after, uint64_t last,
					 struct otlp_span **out, size_t *count, bool *more, struct error *error);

#endif
