// Many sleeps that end at the same moment: when the calls come that follow them, with and without a crash before.
#include <unistd.h>

#include "base/clock.h"
#include "measure.h"

#define PROBE_RUNS 1000
// The moment has to be named before the first run sleeps and must not come before the last one does.
#define MARGIN_FACTOR 3
#define MARGIN_S 3
#define NS_PER_S 1000000000ull

// How many seconds it will take at most until all are asleep, by the time that other runs take.
static enum err probe(const struct measure *measure, struct stand *stand, uint64_t *seconds, struct error *error) {
	uint64_t from_ns = clock_mono_ns();
	enum err err = measure_put_to_rest(stand, SCENARIO_SLEEPER, 0, PROBE_RUNS, error);
	uint64_t all_ns = (clock_mono_ns() - from_ns) / PROBE_RUNS * measure->sleeping_runs;
	*seconds = MARGIN_FACTOR * all_ns / NS_PER_S + MARGIN_S;
	return err;
}

static enum err fall_asleep(const struct measure *measure, struct stand *stand, uint64_t *due_ns, struct error *error) {
	uint64_t seconds;
	enum err err = probe(measure, stand, &seconds, error);
	if (err != ERR_OK) return err;
	uint64_t due_s = clock_wall_ns() / NS_PER_S + 1 + seconds;
	*due_ns = due_s * NS_PER_S;
	err = stand_set_due(stand, due_s, error);
	if (err == ERR_OK) err = stand_reset_counts(stand, error);
	if (err == ERR_OK) err = measure_put_to_rest(stand, SCENARIO_ALARM, 0, measure->sleeping_runs, error);
	if (err == ERR_OK && clock_wall_ns() >= *due_ns)
		return error_set(error, ERR_IO, "not all runs were asleep before the moment that they sleep until");
	return err;
}

static void wait_until(uint64_t wall_ns) {
	for (uint64_t now_ns; (now_ns = clock_wall_ns()) < wall_ns;)
		usleep((useconds_t)((wall_ns - now_ns) / 1000 % 1000000 + 1));
}

// Nobody may sleep too long for ever, nor wake too early.
static enum err wait_awake(const struct measure *measure, struct stand *stand, struct app_counts *counts,
			   struct error *error) {
	enum err err = stand_wait_all(stand, 0, measure->sleeping_runs, counts, error);
	if (err != ERR_OK || counts->early == 0) return err;
	return error_set(error, ERR_IO, "%llu runs were called before their sleep ended",
			 (unsigned long long)counts->early);
}

enum err measure_sleepers(const struct measure *measure, double *values, struct error *error) {
	struct stand stand;
	struct app_counts counts;
	uint64_t due_ns;
	enum err err = measure_open(measure, &stand, error);
	if (err == ERR_OK) err = fall_asleep(measure, &stand, &due_ns, error);
	if (err == ERR_OK) {
		wait_until(due_ns);
		err = wait_awake(measure, &stand, &counts, error);
	}
	if (err == ERR_OK) {
		values[METRIC_DUE_MEDIAN] = counts.resume.p50_us / 1000;
		values[METRIC_DUE_LAST] = counts.resume.max_us / 1000;
	}
	measure_close(&stand, err);
	return err;
}

// The server is killed as soon as the app has sent its last answer, and starts when all sleeps are over.
enum err measure_sleepers_restart(const struct measure *measure, double *values, struct error *error) {
	struct stand stand;
	struct app_counts counts;
	uint64_t due_ns, ready_ns = 0;
	if (!measure_is_durable(measure)) return ERR_OK;
	enum err err = measure_open(measure, &stand, error);
	if (err == ERR_OK) err = fall_asleep(measure, &stand, &due_ns, error);
	if (err == ERR_OK) {
		stand_kill_server(&stand);
		wait_until(due_ns);
		err = stand_start_server(&stand, NULL, error);
		ready_ns = clock_mono_ns();
	}
	if (err == ERR_OK) err = wait_awake(measure, &stand, &counts, error);
	if (err == ERR_OK) values[METRIC_KILL_SLEEPERS] = (double)(clock_mono_ns() - ready_ns) / 1e6;
	measure_close(&stand, err);
	return err;
}
