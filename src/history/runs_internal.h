// How a list of runs is found. A query becomes a filter and one or two walks (an order, and which runs), a walk becomes
// streams: one statement each, over one index. The best of what the streams give are the page.
//
//   runs.c         the query, pages, counts
//   runs_sql.c     filters and statements
//   runs_walk.c    orders, walks, streams
//   runs_load.c    rows with all that is shown of them
//   runs_search.c  search by expressions, row by row
#ifndef INNGEST_HISTORY_RUNS_INTERNAL_H
#define INNGEST_HISTORY_RUNS_INTERNAL_H

#include "history/history_internal.h"
#include "history/runs.h"

#define RUN_NO_TIME INT64_MIN // of what has not ended, has not started

#define RUN_STATUS_BIT(code) (1u << (code) / 100)
#define RUN_LIVE_BITS (RUN_STATUS_BIT(TRACE_RUN_QUEUED) | RUN_STATUS_BIT(TRACE_RUN_RUNNING))
#define RUN_ENDED_BITS \
	(RUN_STATUS_BIT(TRACE_RUN_COMPLETED) | RUN_STATUS_BIT(TRACE_RUN_FAILED) | RUN_STATUS_BIT(TRACE_RUN_CANCELLED))

// ---- Filters and statements (runs_sql.c) ---------------------------------------------------------------------------

struct run_filter {
	bool is_empty; // nothing can match
	bool has_functions;
	struct str *functions; // texts of ids
	size_t function_count;
	struct str function_list;  // the same as a JSON array
	unsigned statuses;         // bits; 0: all
	struct ulid first, last;   // ids
	bool has_id_bounds;        // they leave something out
	bool is_over;              // only runs that have ended, from … until
	int64_t from_ms, until_ms; // of their end
	unsigned flag_mask, flags; // engine_flags & flag_mask = flags
};
ERR_CHECKED enum err run_filter_make(struct history_reader *reader, struct arena *arena, const struct run_query *query,
				     struct run_filter *out, struct error *error);
unsigned run_filter_live(const struct run_filter *filter); // status bits of runs under way that may match; 0: none
unsigned run_filter_ended(const struct run_filter *filter);

enum run_driver {       // what a stream goes through, in which order
	DRIVE_ALL,      // all runs, by id
	DRIVE_FUNCTION, // those of a function, by id
	DRIVE_STATUS,   // those that ended with a status, by id
	DRIVE_ENDED,    // those that ended, by the time of that
	DRIVE_FLAGGED,  // debug and deferred runs, by id
	DRIVE_LIVE,     // those under way, by id
	DRIVE_OPEN,     // those that another server has not finished, by id
};
struct run_stream {
	enum run_driver driver;
	struct str function; // DRIVE_FUNCTION
	int status;          // DRIVE_STATUS
	bool only_ended;     // of drivers that know both kinds
	bool is_sorted;      // in the order of the walk; else in any
};

enum run_statement {
	RUNS_ASCENDING, // rowid, id, end; in the driver's order
	RUNS_DESCENDING,
	RUNS_UNSORTED,
	RUNS_COUNT,         // with the filter's flags
	RUNS_COUNT_COVERED, // whatever the flags are: needs the index only
	RUNS_COUNT_SOME,    // all that the stream goes through, but not beyond collect_max + 1
	RUNS_COUNT_FLAGGED, // DRIVE_FLAGGED: those that RUNS_COUNT_COVERED should not have counted
};

struct run_bounds {
	struct ulid first, last;
	int64_t from_ms, until_ms;
};
struct run_bounds run_filter_bounds(const struct run_filter *filter);
// Prepares the statement and binds all of it; bound memory: the filter, the stream and the bounds.
ERR_CHECKED enum err run_statement_get(struct history_reader *reader, const struct run_filter *filter,
				       const struct run_stream *stream, enum run_statement which,
				       const struct run_bounds *bounds, sqlite3_stmt **out, struct error *error);

// ---- Orders and walks (runs_walk.c) --------------------------------------------------------------------------------

// By what the first order says, then the second (of the other time), then by id. Runs that have not ended stand before
// all others in the order of ends.
struct run_sort {
	bool by_end, descending;
	bool has_second, second_descending;
};
struct run_sort run_sort_of(const struct run_query *query);

struct run_pick {
	int64_t keys[2]; // smaller is earlier in the order
	struct ulid id;
	int64_t rowid;
	int64_t ended_ms; // RUN_NO_TIME
};
struct run_pick run_pick_of(const struct run_sort *sort, const struct ulid *id, int64_t ended_ms);

// The next `need` runs of the order behind `after` (NULL: from the first); fewer when there are no more.
ERR_CHECKED enum err runs_pick(struct history_reader *reader, struct arena *arena, const struct run_filter *filter,
			       const struct run_sort *sort, const struct run_pick *after, size_t need,
			       struct run_pick **out, size_t *count, struct error *error);
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
