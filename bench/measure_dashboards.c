// Steps of runs while people look at their lists and traces.
#include <unistd.h>

#include "base/clock.h"
#include "dashboards.h"
#include "load_run.h"

#define FIRST_RUNS 20000 // that the lists are about
#define WARMUP_RUNS 20
#define SETTLE_US 500000

enum err measure_beside_dashboards(const struct measure *measure, struct stand *stand, struct dashboard_cost *out,
				   struct error *error) {
	static struct histogram rounds;
	struct dashboards *dashboards;
	struct error second = {0};
	enum err err = dashboards_open(&dashboards, stand, error);
	if (err != ERR_OK) return err;
	uint64_t from_ns = clock_mono_ns();
	usleep(SETTLE_US);
	err = measure_one_by_one(stand, measure->quick ? 200 : 1000, &out->counts, error);
	double seconds = (double)(clock_mono_ns() - from_ns) / 1e9;
	enum err close_err = dashboards_close(dashboards, &rounds, &second);
	out->rounds_per_s = (double)rounds.count / seconds;
	out->round_p50_ms = histogram_percentile_us(&rounds, 0.5) / 1000;
	out->round_max_ms = histogram_percentile_us(&rounds, 1) / 1000;
	if (err == ERR_OK && close_err != ERR_OK) *error = second;
	return err == ERR_OK ? close_err : err;
}

static enum err fill(const struct measure *measure, struct stand *stand, struct error *error) {
	struct app_counts counts;
	enum err err = load_run_events(measure, stand, SCENARIO_ZERO, FIRST_RUNS, 1, NULL, error);
	return err == ERR_OK ? stand_wait_all(stand, 0, FIRST_RUNS, &counts, error) : err;
}

enum err measure_dashboards(const struct measure *measure, double *values, struct error *error) {
	struct stand stand;
	struct app_counts alone = {0};
	struct dashboard_cost cost = {0};
	enum err err = measure_open(measure, &stand, error);
	if (err == ERR_OK) err = fill(measure, &stand, error);
	if (err == ERR_OK) (void)measure_settled_rss(&stand);
	if (err == ERR_OK) err = measure_one_by_one(&stand, WARMUP_RUNS, &alone, error);
	if (err == ERR_OK) err = measure_one_by_one(&stand, measure->quick ? 200 : 1000, &alone, error);
	if (err == ERR_OK) err = measure_beside_dashboards(measure, &stand, &cost, error);
	if (err == ERR_OK) {
		values[METRIC_DASHBOARDS_P50] = cost.counts.step_to_step.p50_us / 1000;
		values[METRIC_DASHBOARDS_P99] = cost.counts.step_to_step.p99_us / 1000;
		values[METRIC_DASHBOARDS_OFF_P50] = alone.step_to_step.p50_us / 1000;
		values[METRIC_DASHBOARDS_OFF_P99] = alone.step_to_step.p99_us / 1000;
		values[METRIC_DASHBOARDS_ROUNDS] = cost.rounds_per_s;
		values[METRIC_DASHBOARDS_ROUND_P50] = cost.round_p50_ms;
		values[METRIC_DASHBOARDS_ROUND_MAX] = cost.round_max_ms;
	}
	measure_close(&stand, err);
	return err;
}
