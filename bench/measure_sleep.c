// What a sleeping run costs: memory, disk, and time to come back after a restart.
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "measure.h"

#define FIRST_RUNS 1000 // so that what the first runs bring with them is not counted
#define BACKLOG_RUNS 2000
#define SETTLE_US 1000000

static uint64_t disk_bytes;

static int add_entry(const char *path, const struct stat *entry, int type, struct FTW *walk) {
	(void)path, (void)type, (void)walk;
	disk_bytes += (uint64_t)entry->st_blocks * 512;
	return 0;
}

static uint64_t directory_bytes(const char *path) {
	disk_bytes = 0;
	nftw(path, add_entry, 16, FTW_PHYS);
	return disk_bytes;
}

// Each run makes one call and then sleeps.
static enum err put_to_sleep(struct stand *stand, unsigned from, unsigned to, struct error *error) {
	struct app_counts counts;
	enum err err = ERR_OK;
	for (unsigned sent = from; sent < to && err == ERR_OK;) {
		unsigned batch = to - sent < STAND_EVENTS_PER_POST ? to - sent : STAND_EVENTS_PER_POST;
		err = stand_send_events(stand, SCENARIO_SLEEPER, batch, error);
		sent += batch;
		if (err == ERR_OK && sent > BACKLOG_RUNS)
			err = stand_wait_all(stand, sent - BACKLOG_RUNS, 0, &counts, error);
	}
	return err == ERR_OK ? stand_wait_all(stand, to, 0, &counts, error) : err;
}

static enum err fill(const struct measure *measure, struct stand *stand, double *values, struct error *error) {
	unsigned runs = measure->sleeping_runs;
	enum err err = put_to_sleep(stand, 0, FIRST_RUNS, error);
	if (err != ERR_OK) return err;
	usleep(SETTLE_US);
	uint64_t rss = process_usage(stand->server).rss_bytes, disk = directory_bytes(stand->dir);
	uint64_t from_ns = clock_mono_ns();
	err = put_to_sleep(stand, FIRST_RUNS, FIRST_RUNS + runs, error);
	if (err != ERR_OK) return err;
	values[METRIC_SLEEP_RATE] = runs / ((double)(clock_mono_ns() - from_ns) / 1e9);
	usleep(SETTLE_US);
	uint64_t rss_after = process_usage(stand->server).rss_bytes;
	values[METRIC_SLEEP_BYTES] = ((double)rss_after - (double)rss) / runs;
	if (strstr(measure->config.command, "{dir}") != NULL)
		values[METRIC_SLEEP_DISK] = ((double)directory_bytes(stand->dir) - (double)disk) / runs;
	return ERR_OK;
}

enum err measure_sleep(const struct measure *measure, double *values, struct error *error) {
	struct stand stand;
	enum err err = measure_open(measure, &stand, error);
	if (err == ERR_OK) err = fill(measure, &stand, values, error);
	if (err == ERR_OK && strstr(measure->config.command, "{dir}") != NULL) {
		double took_ms;
		stand_stop_server(&stand);
		err = stand_start_server(&stand, &took_ms, error);
		if (err == ERR_OK) values[METRIC_RECOVERY] = took_ms;
	}
	measure_close(&stand, err);
	return err;
}
