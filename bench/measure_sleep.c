// What a sleeping run costs: memory, disk, and time to come back after a restart.
#include "measure.h"

static enum err fill(const struct measure *measure, struct stand *stand, double *values, struct error *error) {
	struct rest_cost cost;
	enum err err = measure_rest_cost(measure, stand, SCENARIO_SLEEPER, &cost, error);
	if (err != ERR_OK) return err;
	values[METRIC_SLEEP_RATE] = cost.started_per_s;
	values[METRIC_SLEEP_BYTES] = cost.rss_bytes;
	values[METRIC_SLEEP_DISK] = cost.disk_bytes;
	return ERR_OK;
}

enum err measure_sleep(const struct measure *measure, double *values, struct error *error) {
	struct stand stand;
	enum err err = measure_open(measure, &stand, error);
	if (err == ERR_OK) err = fill(measure, &stand, values, error);
	if (err == ERR_OK && measure_is_durable(measure)) {
		double took_ms;
		stand_stop_server(&stand);
		err = stand_start_server(&stand, &took_ms, error);
		if (err == ERR_OK) values[METRIC_RECOVERY] = took_ms;
	}
	measure_close(&stand, err);
	return err;
}
