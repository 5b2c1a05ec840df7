// The load generator: a closed loop over kept-alive connections, one request under way on each, no pipelining.
#ifndef INNGEST_BENCH_LOAD_H
#define INNGEST_BENCH_LOAD_H

#include "base/buf.h"
#include "base/error.h"
#include "histogram.h"
#include "scenario.h"

struct load_plan {
	uint16_t port;
	unsigned connections;
	uint64_t warmup_ns;
	uint64_t duration_ns;
	uint64_t count;       // ends after so many requests; 0: when the time is over
	struct buf *requests; // whole HTTP requests; the connections send them in turn
	unsigned request_count;
};

struct load_events {
	const char *name; // bench/NAME
	const char *last; // the same of each POST's last event; NULL: as the others
	unsigned batch;   // events a POST; one event is sent bare, more as an array
	unsigned keys;    // that data.key goes round; 0: there is none
};

struct load_result {
	uint64_t answered; // within the measured time, or until `count` is reached
	uint64_t refused;  // of these, with a status other than 2xx
	double seconds;
	struct histogram latency;
};

// POST /e/KEY; as many requests as it takes to name all keys.
void load_requests_events(struct load_plan *plan, const char *key, const struct load_events *events);
// The calls that a server makes for one run of the function.
void load_requests_calls(struct load_plan *plan, enum scenario_id function);
void load_requests_free(struct load_plan *plan);

// Over bare sockets: what the machine allows.
ERR_CHECKED enum err load_drive(const struct load_plan *plan, struct load_result *out, struct error *error);
// The same with the HTTP library and as many threads as the server uses: what a server can reach that costs nothing
// itself. Latencies are not taken, and it ends only with the time.
ERR_CHECKED enum err load_drive_library(const struct load_plan *plan, struct load_result *out, struct error *error);

#endif
