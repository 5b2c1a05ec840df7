#include "cli/functions_report.h"

#include "cli/runs.h"
#include "cli/show.h"

#define ERROR_LINE_MAX 1000u

const char *const functions_list_headings[FUNCTIONS_LIST_COLUMNS] = {"FUNCTION", "STATE", "TRIGGERS", "NAME"};

// ---- functions -------------------------------------------------------------------------------------------------

static void cell_triggers(struct table *table, yyjson_val *triggers) {
	size_t i, max;
	yyjson_val *trigger;
	struct buf *cell = table_cell_start(table);
	yyjson_arr_foreach(triggers, i, max, trigger) {
		struct str condition = reply_str(trigger, "if");
		if (i > 0) buf_lit(cell, ", ");
		show_text(cell, reply_str(trigger, "value"));
		if (condition.len == 0) continue;
		buf_lit(cell, " if ");
		show_text(cell, condition);
	}
	table_cell_end(table, NULL);
}

void functions_report_row(struct table *table, yyjson_val *function, const struct page *page) {
	bool paused = yyjson_is_true(reply_get(function, "isPaused"));
	struct buf *cell = table_cell_start(table);
	(void)page;
	show_text(cell, reply_str(reply_get(function, "app"), "id"));
	buf_byte(cell, '/');
	show_text(cell, reply_str(function, "id"));
	table_cell_end(table, NULL);
	table_coloured(table, paused ? STR("paused") : STR("active"), paused ? SHOW_YELLOW : NULL);
	cell_triggers(table, reply_get(function, "triggers"));
	table_text(table, reply_str(function, "name"));
}

// ---- the end of an invoked run ---------------------------------------------------------------------------------

static yyjson_val *read_run(struct str reply, yyjson_doc **doc, struct error *error) {
	*doc = json_read(reply, false, NULL, error);
	yyjson_val *run = reply_data(*doc);
	if (*doc == NULL || reply_str(run, "status").len > 0) return run;
	(void)error_set(error, ERR_INVALID, "there is no run in it");
	return NULL;
}

enum err functions_report_result(struct buf *out, bool terminal, struct str reply, struct error *error) {
	yyjson_doc *doc;
	yyjson_val *run = read_run(reply, &doc, error), *output = reply_get(run, "output");
	if (output != NULL)
		runs_report_value(out, output, terminal);
	else if (run != NULL)
		buf_lit(out, "null\n");
	yyjson_doc_free(doc);
	return run != NULL ? ERR_OK : error->code;
}

enum err functions_report_failure(struct buf *out, struct str reply, struct error *error) {
	yyjson_doc *doc;
	yyjson_val *run = read_run(reply, &doc, error), *output = reply_get(run, "output");
	if (run != NULL) show_text(out, reply_str(run, "status"));
	if (reply_str(output, "message").len > 0 || reply_str(output, "name").len > 0) {
		buf_lit(out, ": ");
		runs_report_error_line(out, output, ERROR_LINE_MAX);
	}
	yyjson_doc_free(doc);
	return run != NULL ? ERR_OK : error->code;
}
