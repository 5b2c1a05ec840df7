// How much the engine has to do at a moment, and what each function has done since the start. For metrics and tests.
#ifndef INNGEST_ENGINE_STATS_H
#define INNGEST_ENGINE_STATS_H

#include <stdint.h>

#include "base/str.h"

struct engine_stats {
	uint64_t runs;        // not finished
	uint64_t items_ready; // due, waiting for a worker
	uint64_t items_later; // sleeps, retries
	uint64_t calls_in_flight;
	uint64_t events_held;    // wait for their data
	uint64_t events_waiting; // in debounces and event batches, which count as one each
	uint64_t schedules;
	uint64_t apps, functions;
};

enum tally {
	TALLY_RUN_SCHEDULED,
	TALLY_RUN_STARTED,
	TALLY_RUN_COMPLETED, // these three in the order of enum run_end
	TALLY_RUN_FAILED,
	TALLY_RUN_CANCELLED,
	TALLY_CALL_STARTED,
	TALLY_CALL_SUCCEEDED,
	TALLY_CALL_ERRORED, // another attempt follows
	TALLY_CALL_FAILED,
	TALLY_COUNT,
};

struct function_stats {
	struct str slug;
	uint64_t tallies[TALLY_COUNT];
};

#endif
