// Keeps so many runs of a function waiting at a server that it is busy all the time, and counts its calls to the app.
#ifndef INNGEST_BENCH_FEED_H
#define INNGEST_BENCH_FEED_H

#include "measure.h"

#define FEED_ROUNDS 5 // of what takes turns; each row is the median of them

struct feed_figures {
	double calls_per_s;
	double cpu_us; // of the server, per call
};

// One window: warm up, count for so long, work the backlog off. The app's counts begin anew.
ERR_CHECKED enum err feed_window(const struct measure *measure, struct stand *stand, enum scenario_id scenario,
				 unsigned duration_ms, struct feed_figures *out, struct error *error);

#endif
