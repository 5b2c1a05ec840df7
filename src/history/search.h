// Search over runs and events by expressions (spec 06 §6): lines of comparisons that are ANDed. What SQL can decide
// goes into the query, the rest is evaluated row by row.
//
// Semantics are those of §6.3 ("Intended semantics"): a line's event comparisons are evaluated against each of the
// run's triggering events, and any one that satisfies the line will do; output and error against the final result; a
// missing path makes a comparison false.
#ifndef INNGEST_HISTORY_SEARCH_H
#define INNGEST_HISTORY_SEARCH_H

#include "base/arena.h"
#include "base/error.h"
#include "base/id.h"

#define SEARCH_TEXT_MAX 16384 // bytes
#define SEARCH_LINES_MAX 100

struct run_search;
// Lives in the arena. ERR_INVALID with the messages of §6.1, without `error retrieving runs: `. A text of blank lines
// gives NULL: no search.
ERR_CHECKED enum err run_search_new(struct arena *arena, struct str text, struct run_search **out, struct error *error);

// The JSON texts that a run is judged by.
struct search_event {
	struct ulid internal_id;
	struct str id, name, v;
	int64_t ts_ms;
	struct str data, user; // JSON; user empty: none
};
struct search_subject {
	const struct search_event *events;
	size_t event_count;
	bool has_result, has_failed;
	struct str result; // JSON: output, or the error when it has failed
};
bool run_search_matches(const struct run_search *search, const struct search_subject *subject);

#endif
