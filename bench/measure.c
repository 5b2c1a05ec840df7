#include "measure.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

#define STARTS 7
#define SETTLE_US 1000000
#define PAUSE_BETWEEN_RUNS_US 2000

enum err measure_open(const struct measure *measure, struct stand *stand, struct error *error) {
	enum err err = stand_open(stand, &measure->config, error);
	if (err == ERR_OK) err = stand_start_server(stand, NULL, error);
	if (err == ERR_OK) err = stand_start_app(stand, error);
	return err;
}

void measure_close(struct stand *stand, enum err err) {
	if (err != ERR_OK) stand_print_log(stand);
	stand_close(stand);
}

static int compare_doubles(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double measure_median(double *values, unsigned count) {
	qsort(values, count, sizeof *values, compare_doubles);
	return values[count / 2];
}

// ---- start -----------------------------------------------------------------------------------------------------

enum err measure_start(const struct measure *measure, double *values, struct error *error) {
	struct stand stand;
	double took_ms[STARTS];
	enum err err = stand_open(&stand, &measure->config, error);
	for (unsigned i = 0; i < STARTS && err == ERR_OK; i++) {
		err = stand_start_server(&stand, &took_ms[i], error);
		if (err == ERR_OK) stand_stop_server(&stand);
	}
	if (err == ERR_OK) {
		values[METRIC_START] = measure_median(took_ms, STARTS);
	}
	measure_close(&stand, err);
	return err;
}

// ---- idle ------------------------------------------------------------------------------------------------------

static void watch_idle(const struct stand *stand, unsigned duration_ms, double *values) {
	usleep(SETTLE_US);
	uint64_t from_ns = clock_mono_ns();
	struct process_usage before = process_usage(stand->server);
	usleep(duration_ms * 1000);
	struct process_usage after = process_usage(stand->server);
	double seconds = (double)(clock_mono_ns() - from_ns) / 1e9;
	values[METRIC_IDLE_RSS] = (double)after.rss_bytes / 1e6;
	values[METRIC_IDLE_CPU] = (double)(after.cpu_ns - before.cpu_ns) / 1e7 / seconds;
	values[METRIC_IDLE_WAKEUPS] = (double)(after.wakeups - before.wakeups) / seconds;
}

enum err measure_idle(const struct measure *measure, double *values, struct error *error) {
	struct stand stand;
	enum err err = measure_open(measure, &stand, error);
	if (err == ERR_OK) watch_idle(&stand, measure->quick ? 2000 : 5000, values);
	measure_close(&stand, err);
	return err;
}

// ---- latency ---------------------------------------------------------------------------------------------------

enum err measure_one_by_one(struct stand *stand, unsigned runs, struct app_counts *counts, struct error *error) {
	enum err err = stand_reset_counts(stand, error);
	for (unsigned i = 0; i < runs && err == ERR_OK; i++) {
		err = stand_send_events(stand, SCENARIO_SEQUENTIAL, 1, error);
		if (err == ERR_OK) err = stand_wait_all(stand, 0, i + 1, counts, error);
		usleep(PAUSE_BETWEEN_RUNS_US);
	}
	return err;
}

enum err measure_latency(const struct measure *measure, double *values, struct error *error) {
	struct stand stand;
	struct app_counts counts = {0};
	enum err err = measure_open(measure, &stand, error);
	if (err == ERR_OK) err = measure_one_by_one(&stand, 20, &counts, error);
	if (err == ERR_OK) err = measure_one_by_one(&stand, measure->quick ? 100 : 500, &counts, error);
	if (err == ERR_OK) {
		values[METRIC_EVENT_CALL_P50] = counts.event_to_call.p50_us / 1000;
		values[METRIC_EVENT_CALL_P99] = counts.event_to_call.p99_us / 1000;
		values[METRIC_STEP_STEP_P50] = counts.step_to_step.p50_us / 1000;
		values[METRIC_STEP_STEP_P99] = counts.step_to_step.p99_us / 1000;
	}
	measure_close(&stand, err);
	return err;
}
