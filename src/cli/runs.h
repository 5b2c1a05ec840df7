// What `inngest runs list` and `runs get` print, made from what the server says. No I/O and no clock; replies may be of
// any form, and what is printed holds no control characters of theirs.
#ifndef INNGEST_CLI_RUNS_H
#define INNGEST_CLI_RUNS_H

#include "cli/list.h"

#define RUNS_LIST_COLUMNS 5
extern const char *const runs_list_headings[RUNS_LIST_COLUMNS];
list_row_fn runs_report_row;

struct run_report {
	struct buf *out;
	bool terminal;
	bool colour;
};
// Of a reply of GET /v2/runs/{id}: a line for each fact.
ERR_CHECKED enum err runs_report_run(const struct run_report *report, struct str reply, struct error *error);
// Of the same reply with its output: what the run returned, or its error. Nothing while there is neither.
ERR_CHECKED enum err runs_report_output(const struct run_report *report, struct str reply, struct error *error);
// Of a reply of GET /v2/runs/{id}/trace: an indented tree.
ERR_CHECKED enum err runs_report_trace(const struct run_report *report, struct str reply, struct error *error);

// Of an error of a run or a step: "name: message", on one line.
void runs_report_error_line(struct buf *out, yyjson_val *error, size_t max);
// A value as JSON on one line, or, on a terminal, indented.
void runs_report_value(struct buf *out, yyjson_val *value, bool terminal);

#endif
