// A run as REST v1 shows it (05 §12.5).
#include "server/v1.h"

static void write_ulid_member(struct buf *out, const char *name, const struct ulid *id) {
	buf_printf(out, ",\"%s\":", name);
	json_ulid(out, id);
}

void v1_run_write(struct buf *out, const struct history_run *run) {
	buf_lit(out, "{\"run_id\":");
	json_ulid(out, &run->run_id);
	buf_lit(out, ",\"run_started_at\":");
	json_time(out, ulid_time_ns(&run->run_id));
	buf_lit(out, ",\"function_id\":");
	json_uuid(out, &run->function_id);
	buf_lit(out, ",\"function_version\":0,\"environment_id\":\"" ENV_ID "\"");
	write_ulid_member(out, "event_id", &run->event_id);
	if (run->has_batch) write_ulid_member(out, "batch_id", &run->batch_id);
	if (run->has_original) write_ulid_member(out, "original_run_id", &run->original_run_id);
	if (run->cron.len > 0) {
		buf_lit(out, ",\"cron\":");
		buf_json_str(out, run->cron);
	}
	buf_lit(out, ",\"status\":");
	buf_json_str(out, run->status.len > 0 ? run->status : STR("Running"));
	buf_lit(out, ",\"ended_at\":");
	if (run->ended)
		json_time(out, run->ended_ns);
	else
		buf_lit(out, "null");
	if (run->output.len > 0) {
		buf_lit(out, ",\"output\":");
		buf_str(out, run->output);
	}
	buf_byte(out, '}');
}

void v1_runs_send(struct request *request, const struct history_run *runs, size_t count, unsigned max_age_s) {
	json_envelope_open(request);
	buf_byte(&request->out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0) buf_byte(&request->out, ',');
		v1_run_write(&request->out, &runs[i]);
	}
	buf_byte(&request->out, ']');
	json_envelope_send(request, max_age_s);
}

// ---- statuses ------------------------------------------------------------------------------------------------------

struct str v1_status_name(enum trace_run_status status) {
	static const struct {
		enum trace_run_status status;
		const char *name;
	} names[] = {{TRACE_RUN_QUEUED, "Scheduled"},    {TRACE_RUN_RUNNING, "Running"},
		     {TRACE_RUN_COMPLETED, "Completed"}, {TRACE_RUN_FAILED, "Failed"},
		     {TRACE_RUN_CANCELLED, "Cancelled"}, {TRACE_RUN_SKIPPED, "Skipped"}};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].status == status) return str_from_cstr(names[i].name);
	return STR("Unknown");
}

static const struct run_row *find_row(const struct run_row *rows, size_t count, const struct ulid *id) {
	for (size_t i = 0; i < count; i++)
		if (ulid_cmp(&rows[i].id, id) == 0) return &rows[i];
	return NULL;
}

enum err v1_runs_complete(struct reading *reading, struct arena *arena, struct history_run *runs, size_t *count,
			  struct error *error) {
	struct ulid *open = ARENA_ARRAY(arena, struct ulid, *count);
	size_t open_count = 0, kept = 0, row_count;
	for (size_t i = 0; i < *count; i++)
		if (runs[i].status.len == 0) open[open_count++] = runs[i].run_id;
	if (open_count == 0) return ERR_OK;
	struct run_row *rows;
	enum err err = history_runs_by_id(reading->history, arena, open, open_count, false, &rows, &row_count, error);
	if (err != ERR_OK) return err;
	for (size_t i = 0; i < *count; i++) {
		bool is_open = runs[i].status.len == 0;
		const struct run_row *row = is_open ? find_row(rows, row_count, &runs[i].run_id) : NULL;
		if (row != NULL && row->status == TRACE_RUN_SKIPPED) continue;
		if (row != NULL && row->status == TRACE_RUN_QUEUED) runs[i].status = v1_status_name(row->status);
		runs[kept++] = runs[i];
	}
	*count = kept;
	return ERR_OK;
}
