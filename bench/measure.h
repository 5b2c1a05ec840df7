// The measurements. Each fills its rows of the subject's values; on failure the rows stay unmeasured and `error` says
// why.
#ifndef INNGEST_BENCH_MEASURE_H
#define INNGEST_BENCH_MEASURE_H

#include "report.h"
#include "stand.h"

#define MEASURE_UNMATCHED "unmatched" // bench/unmatched: no run begins with it

struct measure {
	struct stand_config config;
	bool quick;
	unsigned warmup_ms;
	unsigned duration_ms;
	unsigned sleeping_runs; // or waiting ones
	unsigned queued_runs;
	unsigned throttle_s;
	unsigned listed_runs;
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
// Many waits for one event name, each with a value of its own: from an event to the run that it wakes, ingest of events
// that wake none, memory.
ERR_CHECKED enum err measure_waits(const struct measure *measure, double *values, struct error *error);
// Many sleeps that end at the same moment: the delay of the calls that follow.
ERR_CHECKED enum err measure_sleepers(const struct measure *measure, double *values, struct error *error);
// Both again after the server was killed; nothing is measured of a server that does not keep its state in {dir}.
ERR_CHECKED enum err measure_sleepers_restart(const struct measure *measure, double *values, struct error *error);
ERR_CHECKED enum err measure_waits_restart(const struct measure *measure, double *values, struct error *error);
// Runs that wait in the queue, with and without a limit for each of many keys: their rates and memory.
ERR_CHECKED enum err measure_queue(const struct measure *measure, double *values, struct error *error);
// Single events beside a key with a long queue.
ERR_CHECKED enum err measure_fairness(const struct measure *measure, double *values, struct error *error);
// Starts under a throttle against what it allows.
ERR_CHECKED enum err measure_throttle(const struct measure *measure, double *values, struct error *error);
// Many debounces: the rate of their events, and how late they fire.
ERR_CHECKED enum err measure_debounce(const struct measure *measure, double *values, struct error *error);

// Calls of a server that writes history, in turns with one that does not.
ERR_CHECKED enum err measure_history(const struct measure *measure, double *values, struct error *error);
// Lists of very many runs, and searches in them, while the server executes others.
ERR_CHECKED enum err measure_lists(const struct measure *measure, double *values, struct error *error);
// Step to step with ten dashboards that poll, and without.
ERR_CHECKED enum err measure_dashboards(const struct measure *measure, double *values, struct error *error);

// For the files of this module: a stand with a running server and a registered app.
ERR_CHECKED enum err measure_open(const struct measure *measure, struct stand *stand, struct error *error);
void measure_close(struct stand *stand, enum err err);
double measure_median(double *values, unsigned count); // sorts them
bool measure_is_durable(const struct measure *measure);
// Events bench/EVENT that start nothing at a running server, a second.
ERR_CHECKED enum err measure_events(const struct measure *measure, struct stand *stand, const char *event,
				    unsigned batch, double *per_second, struct error *error);
// Runs of `sequential`, each when the one before has ended; the app's counts begin anew.
ERR_CHECKED enum err measure_one_by_one(struct stand *stand, unsigned runs, struct app_counts *counts,
					struct error *error);
// The same with dashboards that poll.
struct dashboard_cost {
	struct app_counts counts;
	double rounds_per_s; // of queries, by all dashboards
	double round_p50_ms;
	double round_max_ms;
};
ERR_CHECKED enum err measure_beside_dashboards(const struct measure *measure, struct stand *stand,
					       struct dashboard_cost *out, struct error *error);
// Waits until the server rests; in bytes.
double measure_settled_rss(const struct stand *stand);
// Starts the runs `from` to `to` of a function that rests, counted since the app's counts were reset, and waits until
// each has made its first call.
ERR_CHECKED enum err measure_put_to_rest(struct stand *stand, enum scenario_id scenario, unsigned from, unsigned to,
					 struct error *error);
double measure_disk(const struct stand *stand); // bytes of the server's directory
// The same, more of them, and by how much each has the server grow.
struct rest_cost {
	double started_per_s;
	double rss_bytes;
	double disk_bytes; // NAN when nothing is kept
};
ERR_CHECKED enum err measure_rest_cost(const struct measure *measure, struct stand *stand, enum scenario_id scenario,
				       struct rest_cost *out, struct error *error);

#endif
