// Runs that rest, asleep or waiting for an event: starting many, and what each costs the server.
#include <ftw.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "measure.h"

#define FIRST_RUNS 1000 // so that what the first runs bring with them is not counted
#define BACKLOG_RUNS 2000
#define SETTLE_US 1000000
#define REST_US 200000
#define REST_CPU_NS 10000000u // at most, in this time

bool measure_is_durable(const struct measure *measure) {
	return strstr(measure->config.command, "{dir}") != NULL;
}

enum err measure_put_to_rest(struct stand *stand, enum scenario_id scenario, unsigned from, unsigned to,
			     struct error *error) {
	struct app_counts counts;
	enum err err = ERR_OK;
	for (unsigned sent = from; sent < to && err == ERR_OK;) {
		unsigned batch = to - sent < STAND_EVENTS_PER_POST ? to - sent : STAND_EVENTS_PER_POST;
		err = stand_send_events(stand, scenario, batch, error);
		sent += batch;
		if (err == ERR_OK && sent > BACKLOG_RUNS)
			err = stand_wait_all(stand, sent - BACKLOG_RUNS, 0, &counts, error);
	}
	return err == ERR_OK ? stand_wait_all(stand, to, 0, &counts, error) : err;
}

// Its history may still be written when the server has answered all.
double measure_settled_rss(const struct stand *stand) {
	struct process_usage last, now = process_usage(stand->server);
	do {
		last = now;
		usleep(REST_US);
		now = process_usage(stand->server);
	} while (now.cpu_ns - last.cpu_ns > REST_CPU_NS);
	return (double)now.rss_bytes;
}

// ---- cost ------------------------------------------------------------------------------------------------------

static uint64_t disk_bytes;

static int add_entry(const char *path, const struct stat *entry, int type, struct FTW *walk) {
	(void)path, (void)type, (void)walk;
	disk_bytes += (uint64_t)entry->st_blocks * 512;
	return 0;
}

double measure_disk(const struct stand *stand) {
	disk_bytes = 0;
	nftw(stand->dir, add_entry, 16, FTW_PHYS);
	return (double)disk_bytes;
}

enum err measure_rest_cost(const struct measure *measure, struct stand *stand, enum scenario_id scenario,
			   struct rest_cost *out, struct error *error) {
	unsigned runs = measure->sleeping_runs;
	enum err err = measure_put_to_rest(stand, scenario, 0, FIRST_RUNS, error);
	if (err != ERR_OK) return err;
	usleep(SETTLE_US);
	double rss = (double)process_usage(stand->server).rss_bytes, disk = measure_disk(stand);
	uint64_t from_ns = clock_mono_ns();
	err = measure_put_to_rest(stand, scenario, FIRST_RUNS, FIRST_RUNS + runs, error);
	if (err != ERR_OK) return err;
	out->started_per_s = runs / ((double)(clock_mono_ns() - from_ns) / 1e9);
	usleep(SETTLE_US);
	out->rss_bytes = ((double)process_usage(stand->server).rss_bytes - rss) / runs;
	out->disk_bytes = measure_is_durable(measure) ? (measure_disk(stand) - disk) / runs : NAN;
	return ERR_OK;
}
