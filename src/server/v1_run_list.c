// GET /v1/runs: ours; takes the parameters of GET /v2/runs (05 §13.10). The next page begins behind `cursor`, which may
// be the last element's run_id.
#include "server/v1.h"
#include "server/v2.h"

static struct history_run of_row(const struct run_row *row) {
	static const struct ulid none;
	struct history_run run = {.run_id = row->id,
				  .event_id = row->event_id,
				  .original_run_id = row->original_run_id,
				  .batch_id = row->batch_id,
				  .has_original = ulid_cmp(&row->original_run_id, &none) != 0,
				  .has_batch = ulid_cmp(&row->batch_id, &none) != 0,
				  .function_id = row->function_id,
				  .cron = row->cron,
				  .status = v1_status_name(row->status),
				  .output = row->output,
				  .ended = row->ended_ns != INT64_MIN,
				  .ended_ns = row->ended_ns};
	return run;
}

static void list(struct request *request, struct reading *reading) {
	struct v2_run_query asked;
	struct str none = {NULL, 0};
	struct run_page found;
	struct error error;
	if (!v2_run_query_read(request, reading, none, none, &asked)) return;
	if (history_runs(reading->history, &request->arena, &asked.query, &found, &error) != ERR_OK) {
		json_reply_error(request, reading_status(&error), str_from_cstr(error.message));
		return;
	}
	struct history_run *runs = ARENA_ARRAY(&request->arena, struct history_run, found.count);
	for (size_t i = 0; i < found.count; i++) runs[i] = of_row(&found.rows[i]);
	v1_runs_send(request, runs, found.count, 0);
}

void v1_runs_work(struct request *request) {
	struct reading reading;
	if (!reading_open(&reading, request)) return;
	list(request, &reading);
	reading_close(&reading);
}
