// How a list of runs is found. A query becomes a filter and walks (an order, and which runs), a walk becomes plans of
// which the first that comes to its end is taken, and a plan streams: one statement each, over one index. The best of
// what the streams give are the page.
//
//   runs.c         the query, pages, counts
//   runs_sql.c     filters and statements
//   runs_order.c   orders, and the best of what comes in any order
//   runs_walk.c    walks, plans, streams
//   runs_count.c   counts
//   runs_load.c    rows with all that is shown of them
//   runs_search.c  search by expressions, row by row
//
// A run is not started before it is queued, nor ended before it is started: the writer sees to that. So each of the
// three times says something of the others.
#ifndef INNGEST_HISTORY_RUNS_INTERNAL_H
#define INNGEST_HISTORY_RUNS_INTERNAL_H

#include "history/history_internal.h"
#include "history/runs.h"

#define RUN_NO_TIME INT64_MIN // of what has not ended, has not started

#define RUN_STATUS_BIT(code) (1u << (code) / 100)
#define RUN_LIVE_BITS (RUN_STATUS_BIT(TRACE_RUN_QUEUED) | RUN_STATUS_BIT(TRACE_RUN_RUNNING))
#define RUN_ENDED_BITS \
	(RUN_STATUS_BIT(TRACE_RUN_COMPLETED) | RUN_STATUS_BIT(TRACE_RUN_FAILED) | RUN_STATUS_BIT(TRACE_RUN_CANCELLED))
#define RUN_ALL_BITS (RUN_LIVE_BITS | RUN_ENDED_BITS)
#define RUN_STARTED_BITS (RUN_ALL_BITS & ~RUN_STATUS_BIT(TRACE_RUN_QUEUED)) // those that may have started
#define RUN_UNSTARTED_BITS (RUN_LIVE_BITS | RUN_STATUS_BIT(TRACE_RUN_CANCELLED))

// ---- Filters and statements (runs_sql.c) ---------------------------------------------------------------------------

struct run_filter {
	bool is_empty; // nothing can match
	bool has_functions;
	struct str *functions; // texts of ids
	size_t function_count;
	struct str function_list;  // the same as a JSON array
	unsigned statuses;         // bits of those that may match
	enum tristate has_start;   // UNSET: both
	struct ulid first, last;   // ids
	bool has_id_bounds;        // they leave something out
	bool is_over;              // only runs that have ended, from … until
	int64_t from_ms, until_ms; // of their end
	unsigned flag_mask, flags; // engine_flags & flag_mask = flags
};
ERR_CHECKED enum err run_filter_make(struct history_reader *reader, struct arena *arena, const struct run_query *query,
				     struct run_filter *out, struct error *error);
// Of those the runs that have such a time, or have it not.
struct run_filter run_filter_part(const struct run_filter *filter, enum run_time by, bool has);
// Leaves out some of the runs with such a status (bits), whatever their times are.
bool run_filter_is_narrow(const struct run_filter *filter, unsigned statuses);

enum run_driver {        // what a stream goes through, in which order
	DRIVE_ALL,       // all runs, by id
	DRIVE_FUNCTION,  // those of a function that have a status, by id
	DRIVE_STARTED,   // those that started, by the time of that
	DRIVE_ENDED,     // those that ended, by the time of that
	DRIVE_UNSTARTED, // those that have not started, but are not queued, by id
	DRIVE_FLAGGED,   // debug and deferred runs, by id
};
struct run_stream {
	enum run_driver driver;
	struct str function; // DRIVE_FUNCTION
	int status;          // DRIVE_FUNCTION
	bool is_sorted;      // what is behind a row of it is behind its time in the walk, too
	bool with_start;     // the walk wants to know it
	bool with_ends;      // bounds of ends matter
};

enum run_statement {
	RUNS_ASCENDING, // rowid, id, end, start (NULL when nobody wants it); in the driver's order
	RUNS_DESCENDING,
	RUNS_COUNT,         // with the filter's flags
	RUNS_COUNT_COVERED, // whatever the flags are: needs the index only
	RUNS_COUNT_FLAGGED, // DRIVE_FLAGGED: those that RUNS_COUNT_COVERED should not have counted
};

struct run_bounds {
	struct ulid first, last;
	int64_t from_ms, until_ms; // of the end
	int64_t started_from_ms, started_until_ms;
};
struct run_bounds run_filter_bounds(const struct run_filter *filter);
// What it means for all of them that such a time is not before, or not behind, an instant.
void run_bounds_from(struct run_bounds *bounds, enum run_time by, int64_t ms);
void run_bounds_until(struct run_bounds *bounds, enum run_time by, int64_t ms);
// Prepares the statement and binds all of it; bound memory: the filter, the stream and the bounds.
ERR_CHECKED enum err run_statement_get(struct history_reader *reader, const struct run_filter *filter,
				       const struct run_stream *stream, enum run_statement which,
				       const struct run_bounds *bounds, sqlite3_stmt **out, struct error *error);
// The functions of a filter, one after the other; without any: all that have runs.
struct run_functions {
	const struct run_filter *filter;
	struct arena *arena;
	struct str current; // of the last call
	size_t next;
};
// False: no more.
ERR_CHECKED enum err run_functions_next(struct history_reader *reader, struct run_functions *functions, bool *found,
					struct error *error);

// ---- Orders (runs_order.c) -----------------------------------------------------------------------------------------

// By the first order, then the next one, then by id. Runs that do not have a time stand before all that do.
struct run_sort {
	struct run_order orders[RUN_ORDERS_MAX]; // each time once
	size_t count;
};
struct run_sort run_sort_of(const struct run_query *query);
struct run_order run_sort_first(const struct run_sort *sort); // without any it is as by ids
struct run_sort run_sort_rest(const struct run_sort *sort);   // but the first
bool run_sort_has(const struct run_sort *sort, enum run_time by);

struct run_pick {
	int64_t keys[RUN_ORDERS_MAX]; // smaller is earlier in the order
	struct ulid id;
	int64_t rowid;
	int64_t started_ms; // RUN_NO_TIME; unless an order asks for it
	int64_t ended_ms;   // RUN_NO_TIME
};
int64_t run_pick_time(const struct run_pick *pick, enum run_time by);
int64_t run_order_key(int64_t ms, bool descending);
void run_pick_key(const struct run_sort *sort, struct run_pick *pick);
int run_pick_compare(const struct run_pick *a, const struct run_pick *b);

struct run_picks {
	struct run_pick *items; // owned
	size_t count, cap, need;
	bool is_full; // items[need - 1] is the worst that may still count
};
void run_picks_add(struct run_picks *picks, const struct run_pick *pick);
void run_picks_cut(struct run_picks *picks); // sorts and keeps the best, each run once

// ---- Walks (runs_walk.c) -------------------------------------------------------------------------------------------

// The next `need` runs of the order behind `after` (NULL: from the first; its keys do not matter); fewer when there are
// no more. With a deadline (clock_mono_ns; 0: none) it may fail when that has passed.
ERR_CHECKED enum err runs_pick(struct history_reader *reader, struct arena *arena, const struct run_filter *filter,
			       const struct run_sort *sort, const struct run_pick *after, size_t need,
			       uint64_t deadline_ns, struct run_pick **out, size_t *count, struct error *error);

// ---- Counts (runs_count.c) -----------------------------------------------------------------------------------------

// May leave out bounds that do not matter.
ERR_CHECKED enum err runs_count(struct history_reader *reader, struct run_filter *filter, uint64_t *out,
				struct error *error);

// ---- Rows (runs_load.c) --------------------------------------------------------------------------------------------

// ERR_NOT_FOUND when it is gone.
ERR_CHECKED enum err run_load(struct history_reader *reader, struct arena *arena, int64_t rowid, bool with_output,
			      struct run_row *out, struct error *error);

// ---- Search (runs_search.c) ----------------------------------------------------------------------------------------

struct run_search_walk {
	struct history_reader *reader;
	const struct run_filter *filter;
	const struct run_sort *sort;
	const struct run_search *search;
	uint64_t deadline_ns; // clock_mono_ns
	bool has_batches;     // there are some at all
	// Result
	bool is_cut;  // the time was up
	bool has_got; // `got` is the last run that was looked at
	struct run_pick got;
	uint64_t found;
};
// Matches behind `after`, up to `need`. With `out` NULL they are only counted.
ERR_CHECKED enum err runs_search(struct run_search_walk *walk, const struct run_pick *after, size_t need,
				 struct run_pick *out, struct error *error);

#endif
