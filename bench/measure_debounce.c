// Several events for each of many keys, whose debounces all fire a while later.
#include <unistd.h>

#include "load_run.h"

#define EVENTS_PER_KEY 3
#define SETTLE_US 500000

// Each key has one run, which is made when its silence was long enough.
static enum err wait_fired(const struct measure *measure, struct stand *stand, struct app_counts *counts,
			   struct error *error) {
	unsigned keys = measure->sleeping_runs;
	enum err err = stand_wait_all(stand, keys, keys, counts, error);
	if (err != ERR_OK) return err;
	usleep(SETTLE_US);
	err = stand_wait(stand, 0, 0, 0, counts, error);
	if (err != ERR_OK || (counts->calls == keys && counts->early == 0)) return err;
	return error_set(error, ERR_IO, "%u keys led to %llu runs, %llu of them too early", keys,
			 (unsigned long long)counts->calls, (unsigned long long)counts->early);
}

enum err measure_debounce(const struct measure *measure, double *values, struct error *error) {
	struct stand stand;
	struct app_counts counts;
	double per_second = 0;
	unsigned keys = measure->sleeping_runs;
	enum err err = measure_open(measure, &stand, error);
	if (err == ERR_OK)
		err = load_run_events(measure, &stand, SCENARIO_DEBOUNCED, keys * EVENTS_PER_KEY, keys, &per_second,
				      error);
	if (err == ERR_OK) err = wait_fired(measure, &stand, &counts, error);
	if (err == ERR_OK) {
		values[METRIC_DEBOUNCE_RATE] = per_second;
		values[METRIC_DEBOUNCE_FIRED_P50] = counts.fired.p50_us / 1000;
		values[METRIC_DEBOUNCE_FIRED_MAX] = counts.fired.max_us / 1000;
		values[METRIC_DEBOUNCE_CALLED_MAX] = counts.resume.max_us / 1000;
	}
	measure_close(&stand, err);
	return err;
}
