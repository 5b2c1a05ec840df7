// What the commands that ask a server make of its replies.
#include "cli/directory.h"
#include "cli/events_report.h"
#include "cli/functions_report.h"
#include "cli/runs.h"
#include "cli/watch.h"
#include "cli/why.h"
#include "fuzz.h"

static struct buf out;

static void check_text(void) {
	fuzz_check_utf8(buf_view(&out));
	buf_clear(&out);
}

static void report_why(struct str reply) {
	struct ulid run_id = {0};
	struct error error;
	size_t count;
	struct why_report report = {.out = &out, .run_id = &run_id, .url = STR("http://localhost:8288")};
	(void)!why_report_jobs(&report, reply, &count, &error);
	check_text();
	(void)!why_report_run(&report, reply, &error);
	check_text();
}

static void report_list(struct str reply, const char *const *headings, size_t columns, list_row_fn *row,
			bool terminal) {
	struct page page;
	struct table table;
	struct error error;
	size_t i, max;
	yyjson_val *item;
	if (page_read(&page, reply, terminal, 1, &error) != ERR_OK) return;
	table_init(&table, headings, columns, terminal, terminal);
	yyjson_arr_foreach(page.items, i, max, item) row(&table, item, &page);
	table_print(&table, &out);
	table_free(&table);
	page_free(&page);
	check_text();
}

static void report_lists(struct str reply, bool terminal) {
	report_list(reply, runs_list_headings, RUNS_LIST_COLUMNS, runs_report_row, terminal);
	report_list(reply, events_list_headings, EVENTS_LIST_COLUMNS, events_report_row, terminal);
	report_list(reply, functions_list_headings, FUNCTIONS_LIST_COLUMNS, functions_report_row, terminal);
	report_list(reply, apps_list_headings, APPS_LIST_COLUMNS, apps_report_row, terminal);
}

static void report_runs(struct str reply, bool terminal) {
	struct error error;
	struct run_report report = {&out, terminal, terminal};
	(void)!runs_report_run(&report, reply, &error);
	check_text();
	(void)!runs_report_output(&report, reply, &error);
	check_text();
	(void)!runs_report_trace(&report, reply, &error);
	check_text();
	(void)!functions_report_result(&out, terminal, reply, &error);
	check_text();
	(void)!functions_report_failure(&out, reply, &error);
	check_text();
	(void)!apps_report_sync(&out, terminal, reply, &error);
	check_text();
	(void)!events_report_sent(&out, terminal, reply, &error);
	check_text();
}

static void report_state(struct str reply, bool terminal) {
	struct error error;
	struct watch_update update;
	struct buf function;
	buf_init(&function, 64u << 20);
	struct watch_report report = {
		.out = &out, .terminal = terminal, .colour = terminal, .json = false, .run_function = &function};
	(void)!watch_report_state(&report, reply, &update, &error);
	check_text();
	report.json = true;
	(void)!watch_report_state(&report, reply, &update, &error);
	check_text();
	buf_free(&function);
}

static void note_function(void *context, const struct directory_function *function) {
	(void)context;
	buf_str(&out, function->name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct str reply = str_make(data, size);
	struct error error;
	struct ulid run_id;
	buf_init(&out, 64u << 20);
	report_why(reply);
	for (int terminal = 0; terminal < 2; terminal++) {
		report_lists(reply, terminal != 0);
		report_runs(reply, terminal != 0);
		report_state(reply, terminal != 0);
	}
	(void)!directory_read_functions(reply, STR("app"), note_function, NULL, &error);
	check_text();
	(void)!reply_run_id(reply, &run_id);
	(void)!reply_is_no_route(reply);
	reply_error_text(&out, reply);
	buf_free(&out); // of an arbitrary text: as it came
	return 0;
}
