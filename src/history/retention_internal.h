// What the files of retention share: slices, places, statements. Private to src/history/retention*.c.
//
// A slice is bounded by rows and by bytes, whatever is removed. How far each walk has got to (a place) is stored in the
// same transaction, so that nothing is walked through twice: what has to stay is passed by, and goes with the run that
// held it.
#ifndef INNGEST_HISTORY_RETENTION_INTERNAL_H
#define INNGEST_HISTORY_RETENTION_INTERNAL_H

#include "history/history_internal.h"
#include "history/retention.h"
#include "history/runs.h"

#define SLICE_ROWS 400        // looked at, changed or removed in one slice
#define SLICE_BYTES (1 << 20) // read and written by it; a larger row is a slice of its own
#define SLICE_COUNTED 5000    // ends of runs that are counted in one slice

struct slice {
	int64_t rows, bytes; // left
	bool more;           // there is work left
};
static inline bool slice_is_over(const struct slice *slice) {
	return slice->rows <= 0 || slice->bytes <= 0;
}
static inline void slice_take(struct slice *slice, int64_t rows, int64_t bytes) {
	slice->rows -= rows;
	slice->bytes -= bytes;
}

// ---- places (retention_places.c) -----------------------------------------------------------------------------------

enum place_id { // their names are stored
	PLACE_EVENTS,
	PLACE_SKEWED,
	PLACE_BARE_EVENTS,
	PLACE_BARE_SKEWED,
	PLACE_BARE_RUNS,
	PLACE_BARE_FACTS, // within a run
	PLACE_COUNTED,
	PLACE_RUNS_OF, // one for each kind of rows by their run: retention_strays.c
	PLACE_STEPS = PLACE_RUNS_OF,
	PLACE_FACTS,
	PLACE_DEFERS,
	PLACE_ANNOTATIONS,
	PLACE_DEBUG_RUNS,
	PLACE_STRAYS, // one for each table: retention_strays.c
	PLACE_COUNT = PLACE_STRAYS + 7,
};
#define PLACE_MAX 32
struct place {
	uint8_t bytes[PLACE_MAX];
	size_t len; // 0: the beginning
	bool is_changed;
};
// A number in front and an id, a number, or nothing behind it; their order is that of the bytes.
struct place_value {
	uint64_t number;
	struct ulid id;
};
struct place_value place_get(const struct place *place); // zeros: the beginning
void place_set(struct place *place, uint64_t number, const struct ulid *id);
void place_reset(struct place *place);

// ---- the keeper ----------------------------------------------------------------------------------------------------

enum run_statement {
	RUN_OLD,   // ended in [?1, ?2), oldest first
	RUN_NEXT,  // the same behind the place (?1, ?2), before ?3
	RUN_BOUND, // the end of a run that is ?2 places behind the first one after ?1
	RUN_LAST,
	RUN_ENDS,   // how many are in (?1, ?2]
	RUN_EVENTS, // first event, events of the batch, end
	RUN_BARE,   // sets the flag
	RUN_KNOWN,
	RUN_GONE,       // the last of its rows
	RUN_BATCH_GONE, // and the one before
	RUN_STRAY_NEXT, // up to ?1 of those that have left no row of their own
	RUN_STRAY_GONE,
	RUN_SEEN, // lowers what migrate_runs.c remembers of trace_runs
	RUN_STATEMENTS,
};
enum event_statement {
	EVENT_NEXT,        // ids in (?1, ?2)
	EVENT_SKEWED_NEXT, // came in behind (?1, ?2), before ?3
	EVENT_FIND,
	EVENT_NEEDED,      // by a run
	EVENT_BARE_NEEDED, // by one that is open or has its payloads
	EVENT_BARE,
	EVENT_GONE_FIRST,
	EVENT_GONE_LAST = EVENT_GONE_FIRST + 3,
	EVENT_SKEW_GONE,
	EVENT_STATEMENTS,
};
#define PART_CHANGES 2
#define RUN_PARTS 11
#define BARE_PARTS 6
#define STRAY_TABLES 7
#define STRAY_KINDS 5

// A kind of rows of a run: which they are, and what is done with each.
struct part {
	const char *find;                 // key and bytes; ?1 run id, ?2 as text, ?3 and ?4 bounds of its step records
	const char *change[PART_CHANGES]; // ?1 key
};
struct part_statements {
	sqlite3_stmt *find, *change[PART_CHANGES];
};

struct history_keeper {
	sqlite3 *db;
	struct retention retention;
	sqlite3_stmt *places_load, *place_save;
	sqlite3_stmt *runs[RUN_STATEMENTS], *events[EVENT_STATEMENTS];
	struct part_statements gone[RUN_PARTS], bare[BARE_PARTS];
	sqlite3_stmt *facts, *fact_change, *fact_last, *cursor_move;
	sqlite3_stmt *strays[STRAY_TABLES], *stray_gone[STRAY_TABLES], *stray_last[STRAY_TABLES];
	sqlite3_stmt *run_next[STRAY_KINDS], *record_known, *workers_gone;
	struct place places[PLACE_COUNT];
	bool is_counting; // the place of the count is of this process
	struct slice slice;
	struct arena arena; // of a slice
};

// One row of a look: they are read before anything is changed.
struct found {
	struct ulid id;
	int64_t time; // end of a run in ms; when an event came in ns
};
#define FOUND_MAX 100

ERR_CHECKED enum err places_load(struct history_keeper *keeper, struct error *error);
ERR_CHECKED enum err places_save(struct history_keeper *keeper, struct error *error);

// Prepare and finalize what each file has.
ERR_CHECKED enum err keeper_prepare(sqlite3 *db, const char *const *sql, size_t count, sqlite3_stmt **out,
				    struct error *error);
ERR_CHECKED enum err keeper_runs_prepare(struct history_keeper *keeper, struct error *error);
ERR_CHECKED enum err keeper_events_prepare(struct history_keeper *keeper, struct error *error);
ERR_CHECKED enum err keeper_bare_prepare(struct history_keeper *keeper, struct error *error);
ERR_CHECKED enum err keeper_strays_prepare(struct history_keeper *keeper, struct error *error);

// ---- runs (retention_runs.c) ---------------------------------------------------------------------------------------

// Does as much as the slice allows; *done: nothing of it is left.
ERR_CHECKED enum err keeper_parts(struct history_keeper *keeper, const struct part_statements *parts, size_t count,
				  const struct ulid *run_id, bool *done, struct error *error);
ERR_CHECKED enum err keeper_mark_bare(struct history_keeper *keeper, const struct ulid *run_id, struct error *error);
// Ids of its events, in the slice's arena.
ERR_CHECKED enum err keeper_run_events(struct history_keeper *keeper, const struct ulid *run_id, struct ulid **out,
				       size_t *count, struct error *error);
ERR_CHECKED enum err keeper_exists(sqlite3_stmt *statement, const struct ulid *id, bool *out, struct error *error);
ERR_CHECKED enum err keeper_prepare_parts(sqlite3 *db, const struct part *parts, size_t count,
					  struct part_statements *out, struct error *error);
void keeper_parts_free(struct part_statements *parts, size_t count);

// ---- events (retention_events.c) -----------------------------------------------------------------------------------

// When it came before the cutoff, and no run needs it.
ERR_CHECKED enum err keeper_event_gone(struct history_keeper *keeper, const struct ulid *id, uint64_t cutoff_ms,
				       struct error *error);
// Its data: when no run that is open or has its payloads needs it.
ERR_CHECKED enum err keeper_event_bare(struct history_keeper *keeper, const struct ulid *id, uint64_t cutoff_ms,
				       struct error *error);

// ---- stages: each does what is left of the slice, and says in it whether there is more
// -------------------------------

typedef enum err stage(struct history_keeper *keeper, uint64_t cutoff_ms, struct error *error);
stage keep_old_runs, keep_counted_runs;                                        // retention_runs.c
stage keep_old_events, keep_skewed_events, keep_bare_events, keep_bare_skewed; // retention_events.c
stage keep_bare_runs;                                                          // retention_bare.c
stage keep_strays, keep_marked_strays, keep_stray_runs, keep_workers;          // retention_strays.c
// SQLite uses the ids of the last rows again when those are gone: no place lies behind the last row of its table.
ERR_CHECKED enum err keeper_strays_clamp(struct history_keeper *keeper, struct error *error);

#endif
