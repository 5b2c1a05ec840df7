// Starts runs of a function at a steady rate from a thread of its own, whatever goes on beside it: an open loop, which
// makes up for what a slow answer has cost it.
#ifndef INNGEST_BENCH_PACER_H
#define INNGEST_BENCH_PACER_H

#include <pthread.h>
#include <stdatomic.h>

#include "stand.h"

struct pacer {
	struct stand stand; // of the same server
	enum scenario_id scenario;
	double runs_per_s;
	pthread_t thread;
	atomic_bool is_stopping;
	enum err err;
	struct error error;
};

ERR_CHECKED enum err pacer_start(struct pacer *pacer, const struct stand *stand, enum scenario_id scenario,
				 double runs_per_s, struct error *error);
// Fails when the pacer has: then it did not go on to the end.
ERR_CHECKED enum err pacer_stop(struct pacer *pacer, struct error *error);

#endif
