// How much the engine has to do at a moment; cheap to tell. For metrics and tests.
#ifndef INNGEST_ENGINE_STATS_H
#define INNGEST_ENGINE_STATS_H

#include <stdint.h>

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

#endif
