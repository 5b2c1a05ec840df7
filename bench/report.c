#include "report.h"

#include <math.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"

#define OUTPUT_MAX (1u << 20)

#define METRIC_INFO(name, key, title, unit, decimals) [METRIC_##name] = {key, title, unit, decimals},
static const struct {
	const char *key;
	const char *title;
	const char *unit;
	int decimals;
} metrics[METRIC_COUNT] = {METRICS(METRIC_INFO)};

// What the project promises of its own server, by durability level. Sign: values below it (+) or above it (-) miss.
static const struct target {
	enum metric metric;
	const char *level; // NULL: each
	double at_least;
	double at_most;
} targets[] = {
	{METRIC_SEQUENTIAL_RATIO, "none", .at_least = 0.30, .at_most = INFINITY},
	{METRIC_SEQUENTIAL_RATIO, "os", .at_least = 0.25, .at_most = INFINITY},
	{METRIC_SEQUENTIAL_RATIO, "fsync", .at_least = 0.20, .at_most = INFINITY},
	{METRIC_EVENT_CALL_P50, "none", .at_most = 2},
	{METRIC_STEP_STEP_P50, "none", .at_most = 1},
	{METRIC_INGEST_RATE, "os", .at_least = 25000, .at_most = INFINITY},
	{METRIC_DISPATCH, NULL, .at_least = 100000, .at_most = INFINITY},
	{METRIC_EVALUATIONS, NULL, .at_least = 3000000, .at_most = INFINITY},
	{METRIC_COMPILE, NULL, .at_most = 20},
	{METRIC_IDLE_RSS, NULL, .at_most = 15},
	{METRIC_IDLE_CPU, NULL, .at_most = 0.05},
	{METRIC_START, NULL, .at_most = 30},
	{METRIC_SLEEP_BYTES, NULL, .at_most = 1200},
	{METRIC_WAIT_P50, NULL, .at_most = 1},
	{METRIC_WAIT_INGEST, NULL, .at_least = 20000, .at_most = INFINITY},
	{METRIC_KEYED_RATE_RATIO, NULL, .at_least = 0.5, .at_most = INFINITY},
	{METRIC_KEYED_ENDED_RATIO, NULL, .at_least = 0.5, .at_most = INFINITY},
	{METRIC_KEYED_BYTES, NULL, .at_most = 700},
	{METRIC_FAIR_KEY, NULL, .at_most = 100},
	{METRIC_FAIR_FUNCTION, NULL, .at_most = 100},
	{METRIC_FAIR_WORKERS, NULL, .at_most = 100},
	{METRIC_THROTTLE_OFF, NULL, .at_most = 1},
	{METRIC_HISTORY_RATIO, NULL, .at_least = 0.75, .at_most = INFINITY},
	{METRIC_LISTS_CALLS, NULL, .at_least = 5000, .at_most = INFINITY},
	{METRIC_LISTS_FIRST_P50, NULL, .at_most = 50},
	{METRIC_LISTS_FIRST_MAX, NULL, .at_most = 50},
	{METRIC_LISTS_STATUS_P50, NULL, .at_most = 50},
	{METRIC_LISTS_STATUS_MAX, NULL, .at_most = 50},
	{METRIC_LISTS_FUNCTION_P50, NULL, .at_most = 50},
	{METRIC_LISTS_FUNCTION_MAX, NULL, .at_most = 50},
	{METRIC_LISTS_DEEP_P50, NULL, .at_most = 50},
	{METRIC_LISTS_DEEP_MAX, NULL, .at_most = 50},
	{METRIC_LISTS_EVENT_MAX, NULL, .at_most = 1000},
	{METRIC_LISTS_OUTPUT_MAX, NULL, .at_most = 1000},
	{METRIC_LISTS_NOTHING_MAX, NULL, .at_most = 1000},
	{METRIC_DASHBOARDS_P99, NULL, .at_most = 5},
};

static const struct target *target_of(const char *label, enum metric metric) {
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		if (targets[i].metric != metric) continue;
		if (targets[i].level == NULL ? strcmp(label, "server") != 0 : strcmp(label, targets[i].level) == 0)
			return &targets[i];
	}
	return NULL;
}

static bool misses(const struct subject *subject, enum metric metric) {
	const struct target *target = target_of(subject->label, metric);
	double value = subject->values[metric];
	return target != NULL && (value < target->at_least || value > target->at_most);
}

unsigned report_missed(const struct report *report) {
	unsigned missed = 0;
	for (unsigned s = 0; s < report->subject_count; s++)
		for (unsigned m = 0; m < METRIC_COUNT; m++) missed += misses(&report->subjects[s], (enum metric)m);
	return missed;
}

// ---- text ------------------------------------------------------------------------------------------------------

static void print_row(const struct report *report, enum metric metric, FILE *out) {
	bool measured = false;
	for (unsigned s = 0; s < report->subject_count; s++) measured |= !isnan(report->subjects[s].values[metric]);
	if (!measured) return;
	fprintf(out, "%-34s", metrics[metric].title);
	for (unsigned s = 0; s < report->subject_count; s++) {
		double value = report->subjects[s].values[metric];
		if (isnan(value))
			fprintf(out, " %14s ", "-");
		else
			fprintf(out, " %14.*f%c", metrics[metric].decimals, value,
				misses(&report->subjects[s], metric) ? '!' : ' ');
	}
	fprintf(out, " %s\n", metrics[metric].unit);
}

void report_print(const struct report *report, FILE *out) {
	fprintf(out, "\n%-34s", "");
	for (unsigned s = 0; s < report->subject_count; s++) fprintf(out, " %14s ", report->subjects[s].label);
	fprintf(out, "\n");
	for (unsigned m = 0; m < METRIC_COUNT; m++) print_row(report, (enum metric)m, out);
	fprintf(out, "\n%u sleeping or waiting runs%s; ! misses its target\n", report->sleeping_runs,
		report->quick ? "; quick: figures are rough" : "");
}

// ---- JSON ------------------------------------------------------------------------------------------------------

static void append_number(struct buf *out, const char *key, double value) {
	buf_json_str(out, str_from_cstr(key));
	if (isnan(value))
		buf_lit(out, ":null");
	else
		buf_printf(out, ":%.4f", value);
}

static void append_subject(struct buf *out, const struct subject *subject) {
	buf_lit(out, "{\"label\":");
	buf_json_str(out, str_from_cstr(subject->label));
	buf_lit(out, ",\"command\":");
	buf_json_str(out, str_from_cstr(subject->command));
	buf_printf(out, ",\"failures\":%u,\"values\":{", subject->failures);
	for (unsigned m = 0; m < METRIC_COUNT; m++) {
		if (m > 0) buf_byte(out, ',');
		append_number(out, metrics[m].key, subject->values[m]);
	}
	buf_lit(out, "}}");
}

enum err report_write_json(const struct report *report, const char *path, struct error *error) {
	struct buf text;
	buf_init(&text, OUTPUT_MAX);
	buf_printf(&text, "{\"version\":1,\"cores\":%ld,\"quick\":%s,\"sleeping_runs\":%u,\"servers\":[",
		   sysconf(_SC_NPROCESSORS_ONLN), report->quick ? "true" : "false", report->sleeping_runs);
	for (unsigned s = 0; s < report->subject_count; s++) {
		if (s > 0) buf_byte(&text, ',');
		append_subject(&text, &report->subjects[s]);
	}
	buf_lit(&text, "]}\n");
	FILE *file = fopen(path, "w");
	bool written = file != NULL && fwrite(text.ptr, 1, text.len, file) == text.len;
	if (file != NULL && fclose(file) != 0) written = false;
	buf_free(&text);
	return written ? ERR_OK : error_set(error, ERR_IO, "cannot write %s", path);
}
