// Throughput: app calls with a steady backlog of runs, ingest, and the loopback ceiling.
#include "base/check.h"
#include "feed.h"
#include "load_run.h"
#include "measure.h"

#define CALL_CONNECTIONS 100 // as many calls as a server makes at once
#define INGEST_CONNECTIONS 64

// ---- calls -----------------------------------------------------------------------------------------------------

struct round {
	double ceiling; // calls/s with no server between, by the HTTP library
	double sockets; // the same over bare sockets
	struct feed_figures server;
};

// The ceilings, with the server idle beside them, and at once the server's own figure.
static enum err run_round(const struct measure *measure, struct stand *stand, enum scenario_id scenario,
			  struct round *out, struct error *error) {
	struct load_figures figures = {0};
	unsigned window_ms = measure->duration_ms / FEED_ROUNDS;
	struct load_job job = {.port = stand->app_port,
			       .mode = "calls",
			       .client = "library",
			       .function = scenarios[scenario].name,
			       .connections = CALL_CONNECTIONS,
			       .duration_ms = window_ms};
	enum err err = load_run(measure, &job, &figures, error);
	out->ceiling = figures.per_second;
	job.client = "sockets";
	if (err == ERR_OK) err = load_run(measure, &job, &figures, error);
	out->sockets = figures.per_second;
	return err == ERR_OK ? feed_window(measure, stand, scenario, window_ms, &out->server, error) : err;
}

static double median(const struct round *rounds, double (*figure)(const struct round *)) {
	double figures[FEED_ROUNDS];
	for (unsigned i = 0; i < FEED_ROUNDS; i++) figures[i] = figure(&rounds[i]);
	return measure_median(figures, FEED_ROUNDS);
}

static double round_ceiling(const struct round *round) {
	return round->ceiling;
}
static double round_calls(const struct round *round) {
	return round->server.calls_per_s;
}
static double round_ratio(const struct round *round) {
	return round->server.calls_per_s / round->ceiling;
}
static double round_sockets(const struct round *round) {
	return round->sockets;
}
static double round_sockets_ratio(const struct round *round) {
	return round->server.calls_per_s / round->sockets;
}
static double round_cpu(const struct round *round) {
	return round->server.cpu_us;
}

// A machine's speed changes from one second to the next, so ceiling and server take turns and the ratio is that of
// neighbours; each row is the median of the rounds.
enum err measure_calls(const struct measure *measure, enum scenario_id scenario, double *values, struct error *error) {
	static const struct {
		double (*figure)(const struct round *round);
		enum metric metrics[SCENARIO_COUNT];
	} rows[] = {
#define ROW(figure, name)                                                                    \
	{                                                                                    \
		figure, {                                                                    \
			METRIC_ZERO_##name, METRIC_SEQUENTIAL_##name, METRIC_PARALLEL_##name \
		}                                                                            \
	}
		ROW(round_ceiling, CEILING),
		ROW(round_calls, CALLS),
		ROW(round_ratio, RATIO),
		ROW(round_sockets, SOCKETS),
		ROW(round_sockets_ratio, SOCKETS_RATIO),
		ROW(round_cpu, CPU),
#undef ROW
	};
	struct stand stand;
	struct round rounds[FEED_ROUNDS] = {0};
	enum err err = measure_open(measure, &stand, error);
	for (unsigned i = 0; i < FEED_ROUNDS && err == ERR_OK; i++)
		err = run_round(measure, &stand, scenario, &rounds[i], error);
	for (size_t i = 0; i < ARRAY_LEN(rows) && err == ERR_OK; i++)
		values[rows[i].metrics[scenario]] = median(rounds, rows[i].figure);
	measure_close(&stand, err);
	return err;
}

// ---- ingest ----------------------------------------------------------------------------------------------------

static void store_ingest(unsigned batch, const struct load_figures *figures, double cpu_us, double *values) {
	if (batch > 1) {
		values[METRIC_BATCH_RATE] = figures->per_second * batch;
		values[METRIC_BATCH_P99] = figures->p99_us / 1000;
		values[METRIC_BATCH_CPU] = cpu_us;
		return;
	}
	values[METRIC_INGEST_RATE] = figures->per_second;
	values[METRIC_INGEST_P50] = figures->p50_us / 1000;
	values[METRIC_INGEST_P99] = figures->p99_us / 1000;
	values[METRIC_INGEST_CPU] = cpu_us;
}

static enum err load_events(const struct measure *measure, const struct stand *stand, const char *event, unsigned batch,
			    struct load_figures *out, struct error *error) {
	struct load_job job = {.port = stand->server_port,
			       .mode = "events",
			       .client = "sockets",
			       .event = event,
			       .batch = batch,
			       .connections = batch > 1 ? LOAD_BATCH_CONNECTIONS : INGEST_CONNECTIONS,
			       .duration_ms = measure->duration_ms};
	return load_run(measure, &job, out, error);
}

enum err measure_events(const struct measure *measure, struct stand *stand, const char *event, unsigned batch,
			double *per_second, struct error *error) {
	struct load_figures figures = {0};
	enum err err = load_events(measure, stand, event, batch, &figures, error);
	if (err == ERR_OK) *per_second = figures.per_second * batch;
	return err;
}

enum err measure_ingest(const struct measure *measure, unsigned batch, double *values, struct error *error) {
	struct stand stand;
	struct load_figures figures = {0};
	enum err err = measure_open(measure, &stand, error);
	struct process_usage before = {0}, after = {0};
	if (err == ERR_OK) {
		before = process_usage(stand.server);
		err = load_events(measure, &stand, MEASURE_UNMATCHED, batch, &figures, error);
		after = process_usage(stand.server);
	}
	if (err == ERR_OK) {
		// The warm-up's events are counted into the CPU time, so they are counted here too.
		double share = (double)measure->duration_ms / (measure->duration_ms + measure->warmup_ms);
		double events = figures.requests * batch / share;
		store_ingest(batch, &figures, (double)(after.cpu_ns - before.cpu_ns) / 1000 / events, values);
	}
	measure_close(&stand, err);
	return err;
}
