#include "feed.h"

#include "base/clock.h"

#define BACKLOG_RUNS 1000
// A slow server gets no more runs than it can finish in reasonable time afterwards.
#define FIRST_RUNS 200

struct feed {
	struct stand *stand;
	enum scenario_id scenario;
	uint64_t sent;
	unsigned backlog;
	struct app_counts counts;
};

static uint64_t left_of(uint64_t all, uint64_t done) {
	return all > done ? all - done : 0;
}

static enum err feed_until(struct feed *feed, uint64_t end_ns, struct error *error) {
	for (;;) {
		uint64_t now_ns = clock_mono_ns();
		if (now_ns >= end_ns) return ERR_OK;
		enum err err = ERR_OK;
		if (left_of(feed->sent, feed->counts.results) + STAND_EVENTS_PER_POST <= feed->backlog) {
			err = stand_send_events(feed->stand, feed->scenario, STAND_EVENTS_PER_POST, error);
			feed->sent += STAND_EVENTS_PER_POST;
		}
		uint64_t results = left_of(feed->sent + STAND_EVENTS_PER_POST, feed->backlog);
		unsigned limit_ms = (unsigned)((end_ns - now_ns) / 1000000);
		if (err == ERR_OK) err = stand_wait(feed->stand, 0, results, limit_ms, &feed->counts, error);
		if (err != ERR_OK) return err;
	}
}

static enum err count(struct feed *feed, unsigned duration_ms, struct feed_figures *out, struct error *error) {
	uint64_t from_ns = clock_mono_ns(), calls = feed->counts.calls;
	struct process_usage before = process_usage(feed->stand->server);
	enum err err = feed_until(feed, from_ns + duration_ms * 1000000ull, error);
	if (err == ERR_OK) err = stand_wait(feed->stand, 0, 0, 0, &feed->counts, error);
	if (err != ERR_OK) return err;
	struct process_usage after = process_usage(feed->stand->server);
	double made = (double)(feed->counts.calls - calls);
	out->calls_per_s = made / ((double)(clock_mono_ns() - from_ns) / 1e9);
	out->cpu_us = made > 0 ? (double)(after.cpu_ns - before.cpu_ns) / 1000 / made : 0;
	return ERR_OK;
}

// After the warm-up the backlog grows, unless the server is too slow to work it off.
enum err feed_window(const struct measure *measure, struct stand *stand, enum scenario_id scenario,
		     unsigned duration_ms, struct feed_figures *out, struct error *error) {
	struct feed feed = {.stand = stand, .scenario = scenario, .backlog = FIRST_RUNS};
	uint64_t start_ns = clock_mono_ns();
	enum err err = stand_reset_counts(stand, error);
	if (err == ERR_OK) err = feed_until(&feed, start_ns + measure->warmup_ms * 1000000ull, error);
	if (err == ERR_OK) err = stand_wait(stand, 0, 0, 0, &feed.counts, error);
	if (err != ERR_OK) return err;
	if (feed.counts.results > BACKLOG_RUNS / 4) feed.backlog = BACKLOG_RUNS;
	err = count(&feed, duration_ms, out, error);
	return err == ERR_OK ? stand_wait_all(stand, 0, feed.sent, &feed.counts, error) : err; // nothing may be lost
}
