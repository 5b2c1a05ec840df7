// Many waits for one event name, each with a value of its own.
#include <unistd.h>

#include "base/clock.h"
#include "measure.h"

#define BACKLOG_RUNS 2000
#define PAUSE_BETWEEN_EVENTS_US 2000
#define WARMUP_EVENTS 20
// Consecutive events are meant for runs that are this far from each other: a prime, so that none is met twice.
#define STRIDE 7919
// An answer that is lost with the server begins its wait anew, maybe after the event that it waits for.
#define SETTLE_US 1000000

struct waits { // of consecutive runs
	uint64_t first_number;
	unsigned count;
};

// ---- one event, one run ----------------------------------------------------------------------------------------

static enum err end_one_by_one(struct stand *stand, const struct waits *waits, unsigned from, unsigned to,
			       struct app_counts *counts, struct error *error) {
	enum err err = stand_reset_counts(stand, error);
	for (unsigned i = from; i < to && err == ERR_OK; i++) {
		uint64_t number = waits->first_number + (uint64_t)i * STRIDE % waits->count;
		err = stand_send_replies(stand, number, 1, error);
		if (err == ERR_OK) err = stand_wait_all(stand, 0, i - from + 1, counts, error);
		usleep(PAUSE_BETWEEN_EVENTS_US);
	}
	return err;
}

static enum err measure_wake(const struct measure *measure, struct stand *stand, const struct waits *waits,
			     double *values, struct error *error) {
	unsigned events = measure->quick ? 100 : 500;
	struct app_counts counts;
	enum err err = end_one_by_one(stand, waits, 0, WARMUP_EVENTS, &counts, error);
	if (err == ERR_OK) err = end_one_by_one(stand, waits, WARMUP_EVENTS, WARMUP_EVENTS + events, &counts, error);
	if (err != ERR_OK) return err;
	if (counts.calls != events)
		return error_set(error, ERR_IO, "%u events ended %llu waits", events, (unsigned long long)counts.calls);
	values[METRIC_WAIT_P50] = counts.resume.p50_us / 1000;
	values[METRIC_WAIT_P99] = counts.resume.p99_us / 1000;
	return ERR_OK;
}

enum err measure_waits(const struct measure *measure, double *values, struct error *error) {
	struct stand stand;
	struct waits waits;
	struct rest_cost cost;
	enum err err = measure_open(measure, &stand, error);
	if (err == ERR_OK) {
		waits.first_number = stand.next_number;
		err = measure_rest_cost(measure, &stand, SCENARIO_WAITER, &cost, error);
		waits.count = (unsigned)(stand.next_number - waits.first_number);
	}
	if (err == ERR_OK) {
		values[METRIC_WAIT_BYTES] = cost.rss_bytes;
		err = measure_wake(measure, &stand, &waits, values, error);
	}
	if (err == ERR_OK)
		err = measure_events(measure, &stand, SCENARIO_REPLY, 100, &values[METRIC_WAIT_INGEST], error);
	measure_close(&stand, err);
	return err;
}

// ---- after a crash ---------------------------------------------------------------------------------------------

static enum err end_all(struct stand *stand, const struct waits *waits, struct error *error) {
	struct app_counts counts;
	enum err err = stand_reset_counts(stand, error);
	for (unsigned sent = 0; sent < waits->count && err == ERR_OK;) {
		unsigned left = waits->count - sent;
		unsigned batch = left < STAND_EVENTS_PER_POST ? left : STAND_EVENTS_PER_POST;
		err = stand_send_replies(stand, waits->first_number + sent, batch, error);
		sent += batch;
		if (err == ERR_OK && sent > BACKLOG_RUNS)
			err = stand_wait_all(stand, 0, sent - BACKLOG_RUNS, &counts, error);
	}
	return err == ERR_OK ? stand_wait_all(stand, 0, waits->count, &counts, error) : err;
}

enum err measure_waits_restart(const struct measure *measure, double *values, struct error *error) {
	struct stand stand;
	if (!measure_is_durable(measure)) return ERR_OK;
	enum err err = measure_open(measure, &stand, error);
	struct waits waits = {stand.next_number, measure->sleeping_runs};
	if (err == ERR_OK) err = measure_put_to_rest(&stand, SCENARIO_WAITER, 0, waits.count, error);
	double took_ms = 0;
	if (err == ERR_OK) {
		usleep(SETTLE_US);
		stand_kill_server(&stand);
		err = stand_start_server(&stand, &took_ms, error);
	}
	uint64_t from_ns = clock_mono_ns();
	if (err == ERR_OK) err = end_all(&stand, &waits, error);
	if (err == ERR_OK) {
		values[METRIC_KILL_WAITS_RECOVERY] = took_ms;
		values[METRIC_KILL_WAITS_ENDED] = waits.count / ((double)(clock_mono_ns() - from_ns) / 1e9);
	}
	measure_close(&stand, err);
	return err;
}
