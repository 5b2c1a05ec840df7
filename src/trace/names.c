// Names of kinds and statuses, as stored and as shown (spec 06 §13, §15.3).
#include "trace/span.h"
#include "trace/tree.h"

const char *const span_kind_names[SPAN_KIND_COUNT] = {
	[SPAN_RUN] = "executor.run",
	[SPAN_DISCOVERY] = "executor.step.discovery",
	[SPAN_EXECUTION] = "executor.execution",
	[SPAN_STEP] = "executor.step",
	[SPAN_NONSTEP] = "executor.nonstep",
	[SPAN_USERLAND] = "userland",
};

const char *const span_status_names[SPAN_STATUS_COUNT] = {
	[SPAN_UNKNOWN] = "Unknown",   [SPAN_SCHEDULED] = "Scheduled", [SPAN_QUEUED] = "Queued",
	[SPAN_RUNNING] = "Running",   [SPAN_WAITING] = "Waiting",     [SPAN_SLEEPING] = "Sleeping",
	[SPAN_INVOKING] = "Invoking", [SPAN_COMPLETED] = "Completed", [SPAN_FAILED] = "Failed",
	[SPAN_ERRORED] = "Errored",   [SPAN_CANCELLED] = "Cancelled", [SPAN_TIMED_OUT] = "TimedOut",
	[SPAN_SKIPPED] = "Skipped",
};

enum span_status span_status_of(struct str name) {
	for (size_t i = SPAN_STATUS_NONE + 1; i < SPAN_STATUS_COUNT; i++)
		if (str_eq_cstr(name, span_status_names[i])) return (enum span_status)i;
	return SPAN_STATUS_NONE;
}

const char *const trace_status_names[TRACE_STATUS_COUNT] = {
	[TRACE_FAILED] = "FAILED",       [TRACE_QUEUED] = "QUEUED",   [TRACE_RUNNING] = "RUNNING",
	[TRACE_COMPLETED] = "COMPLETED", [TRACE_WAITING] = "WAITING", [TRACE_CANCELLED_NODE] = "CANCELLED",
	[TRACE_SKIPPED] = "SKIPPED",
};
