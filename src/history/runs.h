// Lists of runs: filters, orders, pages, counts and search (spec 06 §5, §6; 05 §13.10). The run table is
// `function_runs` with columns of ours, so that a list needs one index and no look at spans:
//   engine_status      INT   code of enum trace_run_status (spec 09 §1.4); NULL: a row of the reference server that has
//                            not been looked at yet (history_migrate fills it in)
//   engine_started_at  INT   ms, first call; NULL: none yet
//   engine_ended_at    INT   ms; NULL: not over
//   engine_flags       INT   enum run_row_flag
// Run ids grow with time, so their order is that of queueing. No run starts before that, or ends before it starts.
//
// One thread at a time per reader, as in history.h. Results live in the arena.
#ifndef INNGEST_HISTORY_RUNS_H
#define INNGEST_HISTORY_RUNS_H

#include "history/history.h"
#include "trace/span.h"

enum run_row_flag {           // stored
	RUN_ROW_DEBUG = 1,    // of a debug run: in no list
	RUN_ROW_DEFERRED = 2, // 06 §20
	RUN_ROW_AI = 4,       // some step was an AI step
	RUN_ROW_BARE = 8,     // retention has taken its payloads
};

enum run_time { RUN_TIME_QUEUED, RUN_TIME_STARTED, RUN_TIME_ENDED };
struct run_order {
	enum run_time by;
	bool descending;
};
#define RUN_ORDERS_MAX 3

// Where a page ends: the place of its last run in the order. Values of a query's orders, in ns.
struct run_cursor {
	struct ulid run_id;
	int64_t at_ns[RUN_ORDERS_MAX];
};

struct run_search; // search.h

struct run_query {
	const struct uuid *functions; // any of; count 0 with has_functions: nothing matches
	size_t function_count;
	bool has_functions;
	const struct uuid *apps; // any of: their functions, archived ones too
	size_t app_count;
	bool has_apps;
	unsigned statuses;  // 0: all but SKIPPED, which is in no list; else bits 1 << (code / 100)
	enum run_time time; // that the bounds are about; STARTED means QUEUED (06 §5.1); ENDED: only runs that are over
	int64_t from_ns, until_ns; // inclusive; INT64_MIN and INT64_MAX: none
	enum tristate is_deferred; // UNSET: both
	// Applied one after the other, then by run id ascending. A run that is not over stands before all that are in
	// the order of ends, and one that has not started before all that have in that of starts.
	struct run_order orders[RUN_ORDERS_MAX];
	size_t order_count;
	const struct run_cursor *after; // NULL: from the first
	size_t limit;
	bool with_output;
	const struct run_search *search; // NULL: none
	uint64_t budget_ms;              // of a search, in real time; 0: RUN_SEARCH_BUDGET_MS
};
#define RUN_SEARCH_BUDGET_MS 700

struct run_row {
	struct ulid id;
	struct uuid function_id, app_id; // app_id zero: its function is unknown
	enum trace_run_status status;
	int64_t queued_ns, started_ns, ended_ns;         // INT64_MIN: not yet. queued: time of the id
	struct ulid event_id, batch_id, original_run_id; // zero: none. event_id: the first
	struct str event_name;                           // of that event; empty for batches and schedules
	struct str cron;                                 // empty: none
	unsigned flags;
	struct str output; // as stored; only when it was asked for; empty: none
};

struct run_page {
	struct run_row *rows;
	size_t count;
	bool has_more;         // there may be another run behind `end`
	struct run_cursor end; // of the last row, or of where a search that ran out of time got to; valid when count >
			       // 0 or has_more
	bool is_cut;           // the time was up before the page was full
};
static inline bool run_row_is_over(const struct run_row *run) {
	return run->status >= TRACE_RUN_COMPLETED && run->status <= TRACE_RUN_CANCELLED;
}
ERR_CHECKED enum err history_runs(struct history_reader *reader, struct arena *arena, const struct run_query *query,
				  struct run_page *out, struct error *error);
// How many match, whatever the cursor and the limit. `is_cut`: the budget was used up: at least so many.
ERR_CHECKED enum err history_runs_count(struct history_reader *reader, const struct run_query *query, uint64_t *out,
					bool *is_cut, struct error *error);
// Several runs by id, in the order of the ids; those that are not known are left out. Skipped runs too.
ERR_CHECKED enum err history_runs_by_id(struct history_reader *reader, struct arena *arena, const struct ulid *ids,
					size_t id_count, bool with_output, struct run_row **out, size_t *count,
					struct error *error);
// Runs of several events at once, skipped ones too, oldest first within an event; `event_index` says whose a row is.
struct event_run_row {
	size_t event_index;
	struct run_row run;
};
ERR_CHECKED enum err history_runs_of_events(struct history_reader *reader, struct arena *arena,
					    const struct ulid *event_ids, size_t event_count,
					    struct event_run_row **out, size_t *count, struct error *error);
// Internal ids of a run's events, in their order (one, or those of its batch).
ERR_CHECKED enum err history_run_event_ids(struct history_reader *reader, struct arena *arena,
					   const struct ulid *run_id, struct ulid **out, size_t *count,
					   struct error *error);

#endif
