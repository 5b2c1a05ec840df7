// More runs than a throttle lets start: how near their starts come to what it allows.
#include <math.h>
#include <unistd.h>

#include "base/clock.h"
#include "load_run.h"

#define SAMPLE_US 1000000
#define SPARE_S 10 // the backlog must not end before the measurement does

struct sample {
	uint64_t starts;
	uint64_t at_ns;
};

static enum err take_sample(struct stand *stand, struct sample *out, struct error *error) {
	struct app_counts counts;
	enum err err = stand_wait(stand, 0, 0, 0, &counts, error);
	*out = (struct sample){counts.calls, clock_mono_ns()};
	return err;
}

static double deviation_percent(const struct sample *from, const struct sample *to) {
	double seconds = (double)(to->at_ns - from->at_ns) / 1e9;
	return fabs((double)(to->starts - from->starts) / (SCENARIO_THROTTLE * seconds) - 1) * 100;
}

static enum err watch(const struct measure *measure, struct stand *stand, double *values, struct error *error) {
	struct sample first, last, next;
	double worst = 0;
	enum err err = take_sample(stand, &first, error);
	last = first;
	for (unsigned i = 0; i < measure->throttle_s && err == ERR_OK; i++) {
		usleep(SAMPLE_US);
		err = take_sample(stand, &next, error);
		worst = fmax(worst, deviation_percent(&last, &next));
		last = next;
	}
	if (err != ERR_OK) return err;
	values[METRIC_THROTTLE_OFF] = deviation_percent(&first, &last);
	values[METRIC_THROTTLE_OFF_WORST] = worst;
	return ERR_OK;
}

enum err measure_throttle(const struct measure *measure, double *values, struct error *error) {
	struct stand stand;
	unsigned runs = SCENARIO_THROTTLE * (measure->throttle_s + SPARE_S);
	enum err err = measure_open(measure, &stand, error);
	if (err == ERR_OK) err = load_run_events(measure, &stand, SCENARIO_THROTTLED, runs, 0, NULL, error);
	if (err == ERR_OK) err = watch(measure, &stand, values, error);
	measure_close(&stand, err);
	return err;
}
