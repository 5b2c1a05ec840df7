// The measurements. Each fills its rows of the subject's values; on failure the rows stay unmeasured and `error` says
// why.
#ifndef INNGEST_BENCH_MEASURE_H
#define INNGEST_BENCH_MEASURE_H

#include "report.h"
#include "stand.h"

struct measure {
	struct stand_config config;
	bool quick;
	unsigned warmup_ms;
	unsigned duration_ms;
	unsigned sleeping_runs;
};

// Exec to the first good answer of /health: the median of several starts.
ERR_CHECKED enum err measure_start(const struct measure *measure, double *values, struct error *error);
// Memory, CPU and wake-ups of a server that nobody uses.
ERR_CHECKED enum err measure_idle(const struct measure *measure, double *values, struct error *error);
// Event to call and step to step, one run at a time.
ERR_CHECKED enum err measure_latency(const struct measure *measure, double *values, struct error *error);
// App calls, in turns with the same calls made by the load generator (the loopback ceiling).
ERR_CHECKED enum err measure_calls(const struct measure *measure, enum scenario_id scenario, double *values,
				   struct error *error);
// Events that start nothing, `batch` (1 or 100) a POST.
ERR_CHECKED enum err measure_ingest(const struct measure *measure, unsigned batch, double *values, struct error *error);
// The same with 10,000 functions whose expressions have to be looked at.
ERR_CHECKED enum err measure_dispatch(const struct measure *measure, double *values, struct error *error);
// The expression library by itself, whatever the server.
ERR_CHECKED enum err measure_expressions(const struct measure *measure, double *values, struct error *error);
// Memory of sleeping runs; recovery too when the server keeps its state in {dir}.
ERR_CHECKED enum err measure_sleep(const struct measure *measure, double *values, struct error *error);

// For the files of this module: a stand with a running server and a registered app.
ERR_CHECKED enum err measure_open(const struct measure *measure, struct stand *stand, struct error *error);
void measure_close(struct stand *stand, enum err err);
// Events that start nothing at a running server, a second.
ERR_CHECKED enum err measure_events(const struct measure *measure, struct stand *stand, unsigned batch,
				    double *per_second, struct error *error);

#endif
