// One key has a long queue; single events of other keys must not notice it.
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "load_run.h"

#define SINGLE_EVENTS 500
#define PAUSE_BETWEEN_EVENTS_US 5000
#define STALL_LIMIT_NS 20000000000ull

// What the calls are scarce by, and how long each takes: the long queue always has all that it may have.
static const struct bottleneck {
	enum scenario_id scenario;
	unsigned call_ms;
	enum metric metric;
} bottlenecks[] = {
	{SCENARIO_KEYED, 0, METRIC_FAIR_KEY},
	{SCENARIO_SHARED, 20, METRIC_FAIR_FUNCTION},
	{SCENARIO_CROWD, 20, METRIC_FAIR_WORKERS},
};

// Only the single events tell when they were sent, so only they are counted here.
static enum err wait_called(struct stand *stand, struct app_counts *counts, struct error *error) {
	uint64_t from_ns = clock_mono_ns();
	do {
		enum err err = stand_wait(stand, UINT64_MAX, 0, 10, counts, error);
		if (err != ERR_OK || counts->event_to_call.count == SINGLE_EVENTS) return err;
	} while (clock_mono_ns() - from_ns < STALL_LIMIT_NS);
	return error_set(error, ERR_IO, "only %llu of %u single events led to a call",
			 (unsigned long long)counts->event_to_call.count, SINGLE_EVENTS);
}

static enum err send_single_events(struct stand *stand, const struct bottleneck *bottleneck, double *longest_ms,
				   struct error *error) {
	struct app_counts counts;
	enum err err = stand_set_delay(stand, bottleneck->call_ms, error);
	if (err == ERR_OK) err = stand_reset_counts(stand, error);
	for (unsigned i = 0; i < SINGLE_EVENTS && err == ERR_OK; i++) {
		err = stand_send_events(stand, bottleneck->scenario, 1, error);
		usleep(PAUSE_BETWEEN_EVENTS_US);
	}
	if (err == ERR_OK) err = wait_called(stand, &counts, error);
	if (err == ERR_OK) *longest_ms = counts.event_to_call.max_us / 1000;
	return err;
}

enum err measure_fairness(const struct measure *measure, double *values, struct error *error) {
	enum err err = ERR_OK;
	for (size_t i = 0; i < ARRAY_LEN(bottlenecks) && err == ERR_OK; i++) {
		const struct bottleneck *bottleneck = &bottlenecks[i];
		struct stand stand;
		err = measure_open(measure, &stand, error);
		if (err == ERR_OK) err = stand_set_delay(&stand, STAND_HOLD_MS, error);
		if (err == ERR_OK)
			err = load_run_events(measure, &stand, bottleneck->scenario, measure->queued_runs / 2, 1, NULL,
					      error);
		if (err == ERR_OK) (void)measure_settled_rss(&stand);
		if (err == ERR_OK) err = send_single_events(&stand, bottleneck, &values[bottleneck->metric], error);
		measure_close(&stand, err);
	}
	return err;
}
