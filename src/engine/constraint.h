// What holds ready work back, and where it waits (spec 04 §A11–A15). Private to src/engine.
//
// A *constraint* is one value of one key of a limit: how much of it is in use. A *backlog* holds the ready items of one
// function that the same constraints apply to, in the order in which they go; so only its first item has to be looked
// at. A backlog that may go is in its function's `ready`, where backlogs take turns; one that a constraint blocks
// stands in that constraint's *line*. When the constraint gets room, one backlog of the line, its scout, goes back to
// `ready`; when the scout has taken its turn, and there is room yet, the next one follows. So a freed slot wakes
// who can use it, and nothing is ever searched. Where functions share a constraint each has a line, and each line a
// scout.
#ifndef INNGEST_ENGINE_CONSTRAINT_H
#define INNGEST_ENGINE_CONSTRAINT_H

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/str.h"
#include "cel/cel.h"
#include "model/function.h"

struct run;

enum constraint_kind {           // stored
	CONSTRAINT_CALLS = 0,    // concurrency: calls in flight
	CONSTRAINT_RUNS = 1,     // run-level concurrency: runs between their first call and their end
	CONSTRAINT_THROTTLE = 2, // first calls of runs
};

struct constraint {
	struct map_node by_id; // in engine->constraints; its hash is the id
	struct list lines;     // of struct line: one per function that waits for it
	struct heap_node wake; // of a throttle: in engine->throttles while somebody waits
	uint64_t key_hash;     // xxh64 of the key expression's text: limits that do not have it any more do not count
	uint32_t in_use;       // not of a throttle
	uint32_t refs;         // runs that have it
	uint32_t counted, counted_refs; // by engine_verify
	uint32_t value_len;
	uint8_t kind, scope;
	char value[]; // of the key, as text
};

struct line {
	struct map_node by_pair; // in engine->lines
	struct list of_constraint;
	struct list of_function; // in function->lines
	struct constraint *constraint;
	struct function *function;
	struct list backlogs[2]; // first come, first served; those of starts in the second
	struct backlog *scout;   // NULL: none
};

struct backlog {
	struct map_node by_id; // in engine->backlogs, unless it is embedded in a function
	struct function *function;
	struct constraint *calls[FUNCTION_CONCURRENCY_MAX];
	struct constraint *runs, *throttle; // only before a run's first call
	struct heap items;                  // by score
	struct list link;                   // in function->ready or line->backlogs while it has items
	struct line *line;                  // where it waits
	struct line *scouted;               // whose scout it is
	bool is_embedded;
};

// What a run was given when it was scheduled; later configurations change limits, not keys (04 §A4).
struct run_limits {
	struct map_node by_singleton; // in engine->singletons, when is_singleton
	struct run *run;
	struct constraint *calls[FUNCTION_CONCURRENCY_MAX]; // NULL: none
	struct constraint *runs, *throttle;                 // NULL: none
	int32_t priority_s;                                 // 04 §A9
	bool is_singleton;                                  // holds the function's lock until it ends
};

// Expressions of a function's settings, in its arena; NULL: none, or one that cannot be used.
struct flow_programs {
	const struct cel_program *calls[FUNCTION_CONCURRENCY_MAX];
	const struct cel_program *runs, *throttle, *rate_limit, *debounce, *batch_key, *batch_if, *priority, *singleton;
	uint64_t calls_hash[FUNCTION_CONCURRENCY_MAX], runs_hash, throttle_hash; // of the keys' texts
	bool lack; // one of them reads what late_event leaves out, or wants events whole anyway
};

#endif
