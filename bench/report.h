// The metrics, as one table of data, and their two outputs: text for people, JSON for programs.
#ifndef INNGEST_BENCH_REPORT_H
#define INNGEST_BENCH_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

// One row each; X(name, key, title, unit, decimals)
#define METRICS(X)                                                                                        \
	X(START, "start_ms", "start: exec to /health", "ms", 1)                                           \
	X(IDLE_RSS, "idle_rss_mb", "idle RSS", "MB", 1)                                                   \
	X(IDLE_CPU, "idle_cpu_percent", "idle CPU", "%", 1)                                               \
	X(IDLE_WAKEUPS, "idle_wakeups_per_s", "idle wake-ups", "/s", 1)                                   \
	X(EVENT_CALL_P50, "event_to_call_p50_ms", "event to first call, p50", "ms", 3)                    \
	X(EVENT_CALL_P99, "event_to_call_p99_ms", "event to first call, p99", "ms", 3)                    \
	X(STEP_STEP_P50, "step_to_step_p50_ms", "step to step, p50", "ms", 3)                             \
	X(STEP_STEP_P99, "step_to_step_p99_ms", "step to step, p99", "ms", 3)                             \
	X(ZERO_CEILING, "zero_ceiling_calls_per_s", "0 steps: loopback ceiling", "/s", 0)                 \
	X(ZERO_CALLS, "zero_calls_per_s", "0 steps: app calls", "/s", 0)                                  \
	X(ZERO_RATIO, "zero_ratio", "0 steps: share of the ceiling", "", 3)                               \
	X(ZERO_SOCKETS, "zero_sockets_calls_per_s", "0 steps: bare sockets", "/s", 0)                     \
	X(ZERO_SOCKETS_RATIO, "zero_sockets_ratio", "0 steps: share of bare sockets", "", 3)              \
	X(ZERO_CPU, "zero_cpu_us_per_call", "0 steps: CPU per call", "us", 1)                             \
	X(SEQUENTIAL_CEILING, "sequential_ceiling_calls_per_s", "10 steps: loopback ceiling", "/s", 0)    \
	X(SEQUENTIAL_CALLS, "sequential_calls_per_s", "10 steps: app calls", "/s", 0)                     \
	X(SEQUENTIAL_RATIO, "sequential_ratio", "10 steps: share of the ceiling", "", 3)                  \
	X(SEQUENTIAL_SOCKETS, "sequential_sockets_calls_per_s", "10 steps: bare sockets", "/s", 0)        \
	X(SEQUENTIAL_SOCKETS_RATIO, "sequential_sockets_ratio", "10 steps: share of bare sockets", "", 3) \
	X(SEQUENTIAL_CPU, "sequential_cpu_us_per_call", "10 steps: CPU per call", "us", 1)                \
	X(PARALLEL_CEILING, "parallel_ceiling_calls_per_s", "10 parallel: loopback ceiling", "/s", 0)     \
	X(PARALLEL_CALLS, "parallel_calls_per_s", "10 parallel: app calls", "/s", 0)                      \
	X(PARALLEL_RATIO, "parallel_ratio", "10 parallel: share of the ceiling", "", 3)                   \
	X(PARALLEL_SOCKETS, "parallel_sockets_calls_per_s", "10 parallel: bare sockets", "/s", 0)         \
	X(PARALLEL_SOCKETS_RATIO, "parallel_sockets_ratio", "10 parallel: share of bare sockets", "", 3)  \
	X(PARALLEL_CPU, "parallel_cpu_us_per_call", "10 parallel: CPU per call", "us", 1)                 \
	X(INGEST_RATE, "ingest_events_per_s", "ingest, 1 a POST: events", "/s", 0)                        \
	X(INGEST_P50, "ingest_p50_ms", "ingest, 1 a POST: p50", "ms", 3)                                  \
	X(INGEST_P99, "ingest_p99_ms", "ingest, 1 a POST: p99", "ms", 3)                                  \
	X(INGEST_CPU, "ingest_cpu_us_per_event", "ingest, 1 a POST: CPU per event", "us", 1)              \
	X(BATCH_RATE, "ingest100_events_per_s", "ingest, 100 a POST: events", "/s", 0)                    \
	X(BATCH_P99, "ingest100_p99_ms", "ingest, 100 a POST: p99", "ms", 3)                              \
	X(BATCH_CPU, "ingest100_cpu_us_per_event", "ingest, 100 a POST: CPU per event", "us", 1)          \
	X(DISPATCH, "dispatch_events_per_s", "ingest, 10,000 expressions", "/s", 0)                       \
	X(EVALUATIONS, "evaluations_per_s", "expression: evaluations", "/s", 0)                           \
	X(COMPILE, "compile_us", "expression: compiling it", "us", 2)                                     \
	X(SLEEP_RATE, "sleeping_started_per_s", "sleeping runs started", "/s", 0)                         \
	X(SLEEP_BYTES, "sleeping_bytes_per_run", "memory per sleeping run", "B", 0)                       \
	X(SLEEP_DISK, "sleeping_disk_bytes_per_run", "disk per sleeping run", "B", 0)                     \
	X(RECOVERY, "recovery_ms", "recovery with the sleeping runs", "ms", 1)                            \
	X(DUE_MEDIAN, "due_median_ms", "sleepers due at once: median delay", "ms", 0)                     \
	X(DUE_LAST, "due_last_ms", "sleepers due at once: last", "ms", 0)                                 \
	X(WAIT_P50, "wait_to_call_p50_ms", "waits: event to next call, p50", "ms", 3)                     \
	X(WAIT_P99, "wait_to_call_p99_ms", "waits: event to next call, p99", "ms", 3)                     \
	X(WAIT_INGEST, "wait_ingest_events_per_s", "waits: ingest, none matches", "/s", 0)                \
	X(WAIT_BYTES, "waiting_bytes_per_run", "memory per waiting run", "B", 0)                          \
	X(KILL_SLEEPERS, "kill_sleepers_last_ms", "killed: last of the due sleepers", "ms", 0)            \
	X(KILL_WAITS_RECOVERY, "kill_waits_recovery_ms", "killed: recovery with the waits", "ms", 1)      \
	X(KILL_WAITS_ENDED, "kill_waits_ended_per_s", "killed: waits ended by events", "/s", 0)           \
	X(QUEUE_RATE, "queue_queued_per_s", "queue, no limits: runs queued", "/s", 0)                     \
	X(QUEUE_ENDED, "queue_ended_per_s", "queue, no limits: runs ended", "/s", 0)                      \
	X(QUEUE_BYTES, "queue_bytes_per_run", "queue, no limits: memory per run", "B", 0)                 \
	X(KEYED_RATE, "keyed_queued_per_s", "queue, 10,000 keys: runs queued", "/s", 0)                   \
	X(KEYED_RATE_RATIO, "keyed_queued_ratio", "queue, 10,000 keys: share of that", "", 3)             \
	X(KEYED_ENDED, "keyed_ended_per_s", "queue, 10,000 keys: runs ended", "/s", 0)                    \
	X(KEYED_ENDED_RATIO, "keyed_ended_ratio", "queue, 10,000 keys: share of that", "", 3)             \
	X(KEYED_BYTES, "keyed_bytes_per_run", "queue, 10,000 keys: memory per run", "B", 0)               \
	X(FAIR_KEY, "fair_key_max_ms", "beside a busy key: longest wait", "ms", 1)                        \
	X(FAIR_FUNCTION, "fair_function_max_ms", "... in a full function", "ms", 1)                       \
	X(FAIR_WORKERS, "fair_workers_max_ms", "... when all workers are busy", "ms", 1)                  \
	X(THROTTLE_OFF, "throttle_off_percent", "throttle: off by", "%", 2)                               \
	X(THROTTLE_OFF_WORST, "throttle_off_worst_percent", "throttle: in the worst second", "%", 2)      \
	X(DEBOUNCE_RATE, "debounce_events_per_s", "debounce: events", "/s", 0)                            \
	X(DEBOUNCE_FIRED_P50, "debounce_late_p50_ms", "debounce: late by, p50", "ms", 1)                  \
	X(DEBOUNCE_FIRED_MAX, "debounce_late_max_ms", "debounce: late by, the last", "ms", 1)             \
	X(DEBOUNCE_CALLED_MAX, "debounce_called_max_ms", "debounce: call of the last", "ms", 1)           \
	X(HISTORY_ON, "history_on_calls_per_s", "10 steps: calls with history", "/s", 0)                  \
	X(HISTORY_OFF, "history_off_calls_per_s", "10 steps: calls without it", "/s", 0)                  \
	X(HISTORY_RATIO, "history_ratio", "10 steps: share of that", "", 3)                               \
	X(LISTS_FILLED, "lists_filled_per_s", "lists: runs made", "/s", 0)                                \
	X(LISTS_DISK, "lists_disk_bytes_per_run", "lists: disk per run", "B", 0)                          \
	X(LISTS_CALLS, "lists_calls_per_s", "lists: app calls beside them", "/s", 0)                      \
	X(LISTS_CALLS_MIN, "lists_calls_min_per_s", "... in the slowest second", "/s", 0)                 \
	X(LISTS_FIRST_P50, "lists_first_p50_ms", "lists: first page, p50", "ms", 1)                       \
	X(LISTS_FIRST_MAX, "lists_first_max_ms", "lists: first page, worst", "ms", 1)                     \
	X(LISTS_STATUS_P50, "lists_status_p50_ms", "lists: failed runs, p50", "ms", 1)                    \
	X(LISTS_STATUS_MAX, "lists_status_max_ms", "lists: failed runs, worst", "ms", 1)                  \
	X(LISTS_FUNCTION_P50, "lists_function_p50_ms", "lists: of a function, time, p50", "ms", 1)        \
	X(LISTS_FUNCTION_MAX, "lists_function_max_ms", "lists: of a function, time, worst", "ms", 1)      \
	X(LISTS_DEEP_P50, "lists_deep_p50_ms", "lists: page in the middle, p50", "ms", 1)                 \
	X(LISTS_DEEP_MAX, "lists_deep_max_ms", "lists: page in the middle, worst", "ms", 1)               \
	X(LISTS_COUNT_P50, "lists_count_p50_ms", "lists: number of all, p50", "ms", 1)                    \
	X(LISTS_COUNT_MAX, "lists_count_max_ms", "lists: number of all, worst", "ms", 1)                  \
	X(LISTS_EVENT_P50, "lists_event_p50_ms", "lists: search in events, p50", "ms", 1)                 \
	X(LISTS_EVENT_MAX, "lists_event_max_ms", "lists: search in events, worst", "ms", 1)               \
	X(LISTS_EVENT_ALL, "lists_event_all_s", "... to the last page", "s", 1)                           \
	X(LISTS_OUTPUT_P50, "lists_output_p50_ms", "lists: search in outputs, p50", "ms", 1)              \
	X(LISTS_OUTPUT_MAX, "lists_output_max_ms", "lists: search in outputs, worst", "ms", 1)            \
	X(LISTS_OUTPUT_ALL, "lists_output_all_s", "... to the last page", "s", 1)                         \
	X(LISTS_NOTHING_P50, "lists_nothing_p50_ms", "lists: search for nothing, p50", "ms", 1)           \
	X(LISTS_NOTHING_MAX, "lists_nothing_max_ms", "lists: search for nothing, worst", "ms", 1)         \
	X(LISTS_DASHBOARDS_P50, "lists_dashboards_step_p50_ms", "lists, dashboards: step, p50", "ms", 3)  \
	X(LISTS_DASHBOARDS_P99, "lists_dashboards_step_p99_ms", "lists, dashboards: step, p99", "ms", 3)  \
	X(LISTS_ROUNDS, "lists_dashboards_rounds_per_s", "... rounds of queries", "/s", 1)                \
	X(LISTS_ROUND_P50, "lists_dashboards_round_p50_ms", "... a round, p50", "ms", 1)                  \
	X(LISTS_ROUND_MAX, "lists_dashboards_round_max_ms", "... a round, worst", "ms", 1)                \
	X(DASHBOARDS_OFF_P50, "dashboards_off_step_p50_ms", "0 dashboards: step to step, p50", "ms", 3)   \
	X(DASHBOARDS_OFF_P99, "dashboards_off_step_p99_ms", "0 dashboards: step to step, p99", "ms", 3)   \
	X(DASHBOARDS_P50, "dashboards_step_p50_ms", "10 dashboards: step to step, p50", "ms", 3)          \
	X(DASHBOARDS_P99, "dashboards_step_p99_ms", "10 dashboards: step to step, p99", "ms", 3)          \
	X(DASHBOARDS_ROUNDS, "dashboards_rounds_per_s", "... rounds of queries", "/s", 1)                 \
	X(DASHBOARDS_ROUND_P50, "dashboards_round_p50_ms", "... a round, p50", "ms", 1)                   \
	X(DASHBOARDS_ROUND_MAX, "dashboards_round_max_ms", "... a round, worst", "ms", 1)

#define METRIC_ENUM(name, key, title, unit, decimals) METRIC_##name,
enum metric { METRICS(METRIC_ENUM) METRIC_COUNT };

struct subject { // one server under test and what was measured; NAN: not measured
	const char *label;
	const char *command;
	double values[METRIC_COUNT];
	unsigned failures;
};

struct report {
	bool quick;
	unsigned sleeping_runs;
	const struct subject *subjects;
	unsigned subject_count;
};

void report_print(const struct report *report, FILE *out);
ERR_CHECKED enum err report_write_json(const struct report *report, const char *path, struct error *error);
// Measured values that miss the target of their durability level (the subject's label).
unsigned report_missed(const struct report *report);

#endif
