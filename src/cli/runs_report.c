#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/runs.h"
#include "cli/show.h"

#define ERROR_LINE_MAX 1000u

const char *const runs_list_headings[RUNS_LIST_COLUMNS] = {"RUN", "STATUS", "FUNCTION", "QUEUED", "DURATION"};

// ---- parts of a run --------------------------------------------------------------------------------------------

static void append_function(struct table *table, yyjson_val *run) {
	reply_function(table_cell_start(table), run);
	table_cell_end(table, NULL);
}

static void append_time(struct table *table, yyjson_val *run, const char *member, const int64_t *now_ns) {
	int64_t at_ns;
	struct buf *cell = table_cell_start(table);
	if (reply_time(run, member, &at_ns)) show_time(cell, at_ns, table->terminal ? now_ns : NULL);
	table_cell_end(table, NULL);
}

static void append_duration(struct table *table, yyjson_val *run) {
	uint64_t ms;
	struct buf *cell = table_cell_start(table);
	if (reply_count_text(run, "durationMs", &ms)) show_elapsed(cell, ms);
	table_cell_end(table, NULL);
}

void runs_report_row(struct table *table, yyjson_val *run, const struct page *page) {
	struct str status = reply_str(run, "status");
	table_text(table, reply_str(run, "id"));
	table_coloured(table, status, show_status_colour(status));
	append_function(table, run);
	append_time(table, run, "queuedAt", page->has_now ? &page->now_ns : NULL);
	append_duration(table, run);
}

// ---- one run ---------------------------------------------------------------------------------------------------

static void fact_text(struct table *facts, const char *name, struct str text, const char *colour) {
	if (text.len == 0) return;
	table_text(facts, str_from_cstr(name));
	table_coloured(facts, text, colour);
}

static void fact_time(struct table *facts, const char *name, yyjson_val *run, const char *member,
		      const int64_t *now_ns) {
	if (reply_str(run, member).len == 0) return;
	table_text(facts, str_from_cstr(name));
	append_time(facts, run, member, now_ns);
}

static void fact_trigger(struct table *facts, yyjson_val *trigger) {
	yyjson_val *ids = reply_get(trigger, "eventIds");
	size_t count = yyjson_arr_size(ids);
	fact_text(facts, "schedule", reply_str(trigger, "cronSchedule"), NULL);
	fact_text(facts, "batch", reply_str(trigger, "batchId"), NULL);
	if (count == 0) return;
	table_text(facts, STR("event"));
	struct buf *cell = table_cell_start(facts);
	show_text(cell, json_str(yyjson_arr_get_first(ids)));
	if (count > 1) buf_printf(cell, " and %zu more", count - 1);
	table_cell_end(facts, NULL);
}

static void report_facts(struct table *facts, yyjson_val *run, const int64_t *now_ns) {
	struct str status = reply_str(run, "status");
	uint64_t ms;
	fact_text(facts, "run", reply_str(run, "id"), SHOW_BOLD);
	fact_text(facts, "status", status, show_status_colour(status));
	table_text(facts, STR("function"));
	append_function(facts, run);
	fact_trigger(facts, reply_get(run, "trigger"));
	fact_time(facts, "queued", run, "queuedAt", now_ns);
	fact_time(facts, "started", run, "startedAt", now_ns);
	fact_time(facts, "ended", run, "endedAt", now_ns);
	if (!reply_count_text(run, "durationMs", &ms)) return;
	table_text(facts, STR("duration"));
	append_duration(facts, run);
}

// The run in a reply; NULL: it is no such reply. *doc is to be freed in any case.
static yyjson_val *read_run(struct str reply, yyjson_doc **doc, struct error *error) {
	*doc = json_read(reply, false, NULL, error);
	yyjson_val *run = reply_data(*doc);
	if (*doc != NULL && reply_str(run, "status").len == 0) {
		(void)error_set(error, ERR_INVALID, "there is no run in it");
		return NULL;
	}
	return run;
}

enum err runs_report_run(const struct run_report *report, struct str reply, struct error *error) {
	yyjson_doc *doc;
	int64_t now_ns;
	struct table facts;
	yyjson_val *run = read_run(reply, &doc, error);
	if (run != NULL) {
		table_init(&facts, NULL, 2, report->terminal, report->colour);
		report_facts(&facts, run, reply_fetched_at(doc, &now_ns) ? &now_ns : NULL);
		table_print(&facts, report->out);
		table_free(&facts);
	}
	yyjson_doc_free(doc);
	return run != NULL ? ERR_OK : error->code;
}

// ---- what it returned ------------------------------------------------------------------------------------------

void runs_report_error_line(struct buf *out, yyjson_val *error, size_t max) {
	struct str name = reply_str(error, "name"), message = reply_str(error, "message");
	show_text(out, name);
	if (name.len > 0 && message.len > 0) buf_lit(out, ": ");
	show_text_first(out, message, max);
}

void runs_report_value(struct buf *out, yyjson_val *value, bool terminal) {
	size_t len;
	char *text = yyjson_val_write(value, terminal ? YYJSON_WRITE_PRETTY_TWO_SPACES : 0, &len);
	if (text == NULL) return; // no value of a document that was read
	show_lines(out, str_make(text, len), 0);
	free(text);
}

// The error of a run that has none but its output.
static yyjson_val *error_in(yyjson_val *run, yyjson_val *output) {
	yyjson_val *error = reply_get(output, "error");
	if (!str_eq_cstr(reply_str(run, "status"), "FAILED")) return NULL;
	return yyjson_is_obj(error) ? error : output;
}

// Version 2 wraps what is no object (05 §13.2).
static yyjson_val *unwrapped(yyjson_val *output) {
	yyjson_val *data = reply_get(output, "data");
	return yyjson_obj_size(output) == 1 && data != NULL && !yyjson_is_obj(data) ? data : output;
}

static void report_error(const struct run_report *report, yyjson_val *error) {
	struct str stack = reply_str(error, "stack");
	buf_byte(report->out, '\n');
	show_colour_start(report->out, report->colour, SHOW_RED);
	runs_report_error_line(report->out, error, ERROR_LINE_MAX);
	show_colour_end(report->out, report->colour, SHOW_RED);
	buf_byte(report->out, '\n');
	show_lines(report->out, stack, 2);
}

enum err runs_report_output(const struct run_report *report, struct str reply, struct error *error) {
	yyjson_doc *doc;
	yyjson_val *run = read_run(reply, &doc, error);
	yyjson_val *output = reply_get(run, "output"), *failure = error_in(run, output);
	if (output != NULL && failure != NULL) {
		report_error(report, failure);
	} else if (output != NULL) {
		buf_byte(report->out, '\n');
		runs_report_value(report->out, unwrapped(output), report->terminal);
	}
	yyjson_doc_free(doc);
	return run != NULL ? ERR_OK : error->code;
}
