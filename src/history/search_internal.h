// A search as a tree of comparisons (spec 06 §6).
#ifndef INNGEST_HISTORY_SEARCH_INTERNAL_H
#define INNGEST_HISTORY_SEARCH_INTERNAL_H

#include "cel/value.h"
#include "history/search.h"

enum search_subject_kind {
	SEARCH_EVENT_ID,
	SEARCH_EVENT_NAME,
	SEARCH_EVENT_V,
	SEARCH_EVENT_TS,
	SEARCH_EVENT_DATA,
	SEARCH_EVENT_USER,
	SEARCH_OUTPUT,
	SEARCH_ERROR,
};
enum search_op { SEARCH_EQUAL, SEARCH_NOT_EQUAL, SEARCH_LESS, SEARCH_AT_MOST, SEARCH_MORE, SEARCH_AT_LEAST };

enum search_node_kind { SEARCH_COMPARISON, SEARCH_AND, SEARCH_OR };
struct search_node {
	enum search_node_kind kind;
	// COMPARISON
	enum search_subject_kind subject;
	enum search_op op;
	struct str *path; // EVENT_DATA, EVENT_USER, OUTPUT, ERROR: names below it; none for the whole
	uint32_t path_count;
	struct cel_value value;
	// AND, OR
	struct search_node *a, *b;
};

enum search_need { // what has to be loaded
	SEARCH_NEEDS_EVENT = 1,
	SEARCH_NEEDS_TS = 2,
	SEARCH_NEEDS_DATA = 4, // and the user
	SEARCH_NEEDS_RESULT = 8,
};
struct run_search {
	struct search_node *lines[SEARCH_LINES_MAX];
	size_t count;
	unsigned needs;
};

#endif
