// Runs the load generator, a program of its own, and reads its figures.
#ifndef INNGEST_BENCH_LOAD_RUN_H
#define INNGEST_BENCH_LOAD_RUN_H

#include "measure.h"

#define LOAD_BATCH_CONNECTIONS 8 // of POSTs with many events

struct load_job {
	uint16_t port;
	const char *mode;   // events or calls
	const char *client; // sockets or library
	unsigned connections;
	const char *function; // of calls
	const char *event;    // and the next four: of events
	const char *last;     // of each POST; NULL: as the others
	unsigned batch;
	unsigned keys;        // 0: their data has no key
	unsigned count;       // requests; 0: as many as the time allows
	unsigned duration_ms; // unless they are counted
};

struct load_figures {
	double per_second; // requests
	double p50_us;
	double p99_us;
	double requests;
};

// An error too when a request is refused.
ERR_CHECKED enum err load_run(const struct measure *measure, const struct load_job *job, struct load_figures *out,
			      struct error *error);
// Sends `count` events of the scenario, whose data.key goes round `keys` values; *per_second may be NULL.
ERR_CHECKED enum err load_run_events(const struct measure *measure, const struct stand *stand,
				     enum scenario_id scenario, unsigned count, unsigned keys, double *per_second,
				     struct error *error);

#endif
