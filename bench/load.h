// The load generator: a closed loop over kept-alive connections, one request under way on each, no pipelining.
#ifndef INNGEST_BENCH_LOAD_H
#define INNGEST_BENCH_LOAD_H

#include "base/buf.h"
#include "base/error.h"
#include "histogram.h"
#include "scenario.h"

#define LOAD_REQUESTS_MAX 16

struct load_plan {
	uint16_t port;
	unsigned connections;
	uint64_t warmup_ns;
	uint64_t duration_ns;
	struct buf requests[LOAD_REQUESTS_MAX]; // whole HTTP requests; each connection sends them in turn
	unsigned request_count;
};

struct load_result {
	uint64_t answered; // within the measured time
	uint64_t refused;  // of these, with a status other than 2xx
	double seconds;
	struct histogram latency;
};

// POST /e/KEY with `batch` events bench/NAME, which nothing is to match; one event is sent bare, more as an array.
void load_requests_events(struct load_plan *plan, const char *key, const char *name, unsigned batch);
// The calls that a server makes for one run of the function.
void load_requests_calls(struct load_plan *plan, enum scenario_id function);
void load_requests_free(struct load_plan *plan);

// Over bare sockets: what the machine allows.
ERR_CHECKED enum err load_drive(const struct load_plan *plan, struct load_result *out, struct error *error);
// The same with the HTTP library and as many threads as the server uses: what a server can reach that costs nothing
// itself. Latencies are not taken.
ERR_CHECKED enum err load_drive_library(const struct load_plan *plan, struct load_result *out, struct error *error);

#endif
