// GET /metrics in Prometheus' text format (05 §9). GET /v1/prom/{env} is the same for the one environment, where the
// reference server has nothing (§12.12).
#include "server/server_internal.h"

#define TYPE_PROMETHEUS "text/plain; version=0.0.4; charset=utf-8"
#define QUEUE_DEPTH_MAX 1000000000u // 05 §9

// All that waits in the reference server's queues: what may run, timers of all kinds, calls, schedules.
static uint64_t queue_depth(const struct engine_stats *stats) {
	uint64_t depth = stats->items_ready + stats->items_later + stats->calls_in_flight + stats->events_waiting +
			 stats->schedules;
	return depth < QUEUE_DEPTH_MAX ? depth : QUEUE_DEPTH_MAX;
}

static void write_gauge(struct buf *out, const char *name, const char *help, uint64_t value) {
	buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %llu\n", name, help, name, name, (unsigned long long)value);
}

void metrics_start(struct request *request) {
	request_post(request, command_new(COMMAND_STATS));
}

void metrics_finish(struct request *request, struct reply *reply) {
	const struct engine_stats *stats = &reply->stats;
	const struct {
		const char *name, *help;
		uint64_t value;
	} gauges[] = {
		{"inngest_queue_depth", "Items in all queues, those that are not due yet included", queue_depth(stats)},
		{"inngest_queue_ready", "Items that are due and wait for a worker", stats->items_ready},
		{"inngest_calls_in_flight", "Calls to apps under way", stats->calls_in_flight},
		{"inngest_runs_active", "Runs that have not ended", stats->runs},
		{"inngest_functions", "Functions that are registered", stats->functions},
		{"inngest_apps", "Apps that are registered", stats->apps},
	};
	struct buf *out = respond_begin(request);
	for (size_t i = 0; i < ARRAY_LEN(gauges); i++)
		write_gauge(out, gauges[i].name, gauges[i].help, gauges[i].value);
	respond(request, 200, TYPE_PROMETHEUS, buf_view(out));
}
