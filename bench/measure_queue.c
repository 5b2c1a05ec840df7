// Many runs in the queue, of a function whose keys hold them back and of one without limits: how fast they get there,
// what they cost there, and how fast they leave once the app answers.
#include "base/clock.h"
#include "load_run.h"

#define FIRST_RUNS 10000 // so that what the first runs bring with them is not counted
#define RUNS_PER_KEY 100
// The rate at which runs end is that of the first part; to save time, the rest of those without limits is left.
#define TIMED_PART 4

struct backlog {
	double queued_per_s;
	double ended_per_s;
	double rss_bytes; // of a run
};

// The app has its calls and does not answer, so all the rest has to wait.
static enum err fill(const struct measure *measure, struct stand *stand, enum scenario_id scenario, struct backlog *out,
		     struct error *error) {
	unsigned keys = measure->queued_runs / RUNS_PER_KEY, runs = measure->queued_runs - FIRST_RUNS;
	enum err err = stand_set_delay(stand, STAND_HOLD_MS, error);
	if (err == ERR_OK) err = load_run_events(measure, stand, scenario, FIRST_RUNS, keys, NULL, error);
	if (err != ERR_OK) return err;
	double rss = measure_settled_rss(stand);
	err = load_run_events(measure, stand, scenario, runs, keys, &out->queued_per_s, error);
	if (err == ERR_OK) out->rss_bytes = (measure_settled_rss(stand) - rss) / runs;
	return err;
}

static enum err drain(const struct measure *measure, struct stand *stand, struct backlog *out, struct error *error) {
	struct app_counts counts;
	unsigned runs = measure->queued_runs / TIMED_PART;
	uint64_t from_ns = clock_mono_ns();
	enum err err = stand_set_delay(stand, 0, error);
	if (err == ERR_OK) err = stand_wait_all(stand, 0, runs, &counts, error);
	out->ended_per_s = runs / ((double)(clock_mono_ns() - from_ns) / 1e9);
	return err;
}

static enum err measure_backlog(const struct measure *measure, enum scenario_id scenario, struct backlog *out,
				struct error *error) {
	struct stand stand;
	struct app_counts counts;
	enum err err = measure_open(measure, &stand, error);
	if (err == ERR_OK) err = fill(measure, &stand, scenario, out, error);
	if (err == ERR_OK) err = drain(measure, &stand, out, error);
	if (err == ERR_OK && scenario == SCENARIO_KEYED) // a limit may lose no run
		err = stand_wait_all(&stand, 0, measure->queued_runs, &counts, error);
	measure_close(&stand, err);
	return err;
}

enum err measure_queue(const struct measure *measure, double *values, struct error *error) {
	struct backlog plain, keyed;
	enum err err = measure_backlog(measure, SCENARIO_ZERO, &plain, error);
	if (err == ERR_OK) {
		values[METRIC_QUEUE_RATE] = plain.queued_per_s;
		values[METRIC_QUEUE_ENDED] = plain.ended_per_s;
		values[METRIC_QUEUE_BYTES] = plain.rss_bytes;
		err = measure_backlog(measure, SCENARIO_KEYED, &keyed, error);
	}
	if (err == ERR_OK) {
		values[METRIC_KEYED_RATE] = keyed.queued_per_s;
		values[METRIC_KEYED_RATE_RATIO] = keyed.queued_per_s / plain.queued_per_s;
		values[METRIC_KEYED_ENDED] = keyed.ended_per_s;
		values[METRIC_KEYED_ENDED_RATIO] = keyed.ended_per_s / plain.ended_per_s;
		values[METRIC_KEYED_BYTES] = keyed.rss_bytes;
	}
	return err;
}
