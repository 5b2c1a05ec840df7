// Lists of events (spec 06 §7): a window of time, names, search, pages and counts.
//
// One thread at a time per reader, as in history.h. Results live in the arena.
#ifndef INNGEST_HISTORY_EVENTS_H
#define INNGEST_HISTORY_EVENTS_H

#include "history/history.h"
#include "history/search.h"

#define EVENT_SEARCH_BUDGET_MS 700

enum event_scope {
	EVENTS_OF_APPS,         // none whose name starts with inngest/
	EVENTS_ALL,             // those too
	EVENTS_THAT_BEGAN_RUNS, // those of apps, and of the others those that began a run (06 §7.3)
};
struct history_events_filter {
	int64_t from_ns, until_ns; // when they were received, inclusive; INT64_MIN and INT64_MAX: none
	const struct str *names;   // any of; count 0 with has_names: nothing matches
	size_t name_count;
	bool has_names;
	enum event_scope scope;
	const struct ulid *before; // only smaller internal ids: where the page before ended; NULL: none
	const struct ulid *after;  // only greater ones; NULL: none
	size_t limit;
	bool is_bare;                    // without data and user, which may be large
	const struct run_search *search; // comparisons with output and error match nothing; NULL: none
	uint64_t budget_ms;              // of a search, in real time; 0: EVENT_SEARCH_BUDGET_MS
};
struct history_events_page {
	struct history_event *events; // newest internal id first
	size_t count;
	bool has_more; // there may be another one behind `end`
	struct ulid
		end; // the last one, or where a search that ran out of time got to; valid when count > 0 or has_more
	bool is_cut; // the time was up before the page was full
};
ERR_CHECKED enum err history_events_search(struct history_reader *reader, struct arena *arena,
					   const struct history_events_filter *filter, struct history_events_page *out,
					   struct error *error);
// How many match, whatever `before`, `after` and the limit. `is_cut`: the budget was used up: at least so many.
ERR_CHECKED enum err history_events_count(struct history_reader *reader, const struct history_events_filter *filter,
					  uint64_t *out, bool *is_cut, struct error *error);
// Several events by internal id, in the order of the ids; those that are not known are left out.
ERR_CHECKED enum err history_events_by_id(struct history_reader *reader, struct arena *arena, const struct ulid *ids,
					  size_t id_count, struct history_event **out, size_t *count,
					  struct error *error);

#endif
