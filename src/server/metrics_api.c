// GET /metrics in Prometheus' text format (05 §9). GET /v1/prom/{env} is the same for the one environment, where the
// reference server has nothing (§12.12).
#include <stdlib.h>

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

// ---- Counters by function ------------------------------------------------------------------------------------------

struct counter {
	const char *name, *help;
	enum tally first, last;
	const char *status[3]; // labels; NULL: none
};

static const struct counter counters[] = {
	{"inngest_function_run_scheduled_total",
	 "Runs that were created",
	 TALLY_RUN_SCHEDULED,
	 TALLY_RUN_SCHEDULED,
	 {NULL}},
	{"inngest_function_run_started_total",
	 "Runs that made their first call",
	 TALLY_RUN_STARTED,
	 TALLY_RUN_STARTED,
	 {NULL}},
	{"inngest_function_run_ended_total",
	 "Runs that ended",
	 TALLY_RUN_COMPLETED,
	 TALLY_RUN_CANCELLED,
	 {"completed", "failed", "cancelled"}},
	{"inngest_sdk_req_started_total",
	 "Calls to apps that were made",
	 TALLY_CALL_STARTED,
	 TALLY_CALL_STARTED,
	 {NULL}},
	{"inngest_sdk_req_ended_total",
	 "Calls to apps that ended; errored ones are made again",
	 TALLY_CALL_SUCCEEDED,
	 TALLY_CALL_FAILED,
	 {"success", "errored", "failed"}},
};

static int compare_slugs(const void *a, const void *b) {
	const struct function_stats *x = a, *y = b;
	return str_cmp(x->slug, y->slug);
}

// Sorted, each slug once: a series that came twice would spoil the whole page for its reader.
static size_t merge_slugs(struct function_stats *functions, size_t count) {
	size_t kept = 0;
	if (count > 0) qsort(functions, count, sizeof *functions, compare_slugs);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || !str_eq(functions[kept - 1].slug, functions[i].slug)) {
			functions[kept++] = functions[i];
			continue;
		}
		for (int t = 0; t < TALLY_COUNT; t++) functions[kept - 1].tallies[t] += functions[i].tallies[t];
	}
	return kept;
}

static void write_label(struct buf *out, struct str text) {
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '\\' || c == '"' || c == '\n') buf_byte(out, '\\');
		buf_byte(out, c == '\n' ? 'n' : c);
	}
}

static void write_sample(struct buf *out, const struct counter *counter, struct str slug, const char *status,
			 uint64_t value) {
	buf_printf(out, "%s{fn=\"", counter->name);
	write_label(out, slug);
	if (status != NULL) buf_printf(out, "\",status=\"%s", status);
	buf_printf(out, "\"} %llu\n", (unsigned long long)value);
}

// Each appears with its first increment, as the reference server's do.
static void write_counter(struct buf *out, const struct counter *counter, const struct function_stats *functions,
			  size_t count) {
	bool is_first = true;
	for (size_t i = 0; i < count; i++) {
		for (int tally = (int)counter->first; tally <= (int)counter->last; tally++) {
			uint64_t value = functions[i].tallies[tally];
			if (value == 0) continue;
			if (is_first)
				buf_printf(out, "# HELP %s %s\n# TYPE %s counter\n", counter->name, counter->help,
					   counter->name);
			is_first = false;
			write_sample(out, counter, functions[i].slug, counter->status[tally - (int)counter->first],
				     value);
		}
	}
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
	size_t count = merge_slugs(reply->functions, reply->function_count);
	for (size_t i = 0; i < ARRAY_LEN(counters); i++) write_counter(out, &counters[i], reply->functions, count);
	respond(request, 200, TYPE_PROMETHEUS, buf_view(out));
}
