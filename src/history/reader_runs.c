// Runs with their first finish row.
#include "history/history_internal.h"

static bool read_run(sqlite3_stmt *row, struct arena *arena, struct history_run *out) {
	if (!sql_ulid(row, 0, &out->run_id) || !sql_ulid(row, 1, &out->event_id)) return false;
	out->has_original = sql_ulid(row, 2, &out->original_run_id) && !ulid_is_zero(&out->original_run_id);
	out->has_batch = sql_ulid(row, 8, &out->batch_id);
	if (!sql_uuid(row, 3, &out->function_id)) out->function_id = (struct uuid){{0}};
	out->cron = sql_text(row, 4, arena);
	out->ended = sqlite3_column_type(row, 5) != SQLITE_NULL;
	if (!out->ended) return true;
	out->status = sql_text(row, 5, arena);
	out->output = sql_text(row, 6, arena);
	out->ended_ns = sql_time(row, 7, ns_of_ms(ulid_time_ms(&out->run_id)));
	return true;
}

enum err history_run(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
		     struct history_run *out, struct error *error) {
	sqlite3_stmt *statement = reader->queries[QUERY_RUN];
	sql_bind_ulid(statement, 1, run_id);
	*out = (struct history_run){0};
	bool found = false;
	enum err err;
	while (sql_row(statement, &err, error)) found = read_run(statement, arena, out);
	if (err == ERR_OK && !found) return error_set(error, ERR_NOT_FOUND, "run not found");
	return err;
}

enum err history_event_runs(struct history_reader *reader, struct arena *arena, const struct ulid *event_id,
			    const struct ulid *after, size_t limit, struct history_run **out, size_t *count,
			    struct error *error) {
	sqlite3_stmt *statement = reader->queries[QUERY_EVENT_RUNS];
	struct rows rows = {.arena = arena, .row_size = sizeof(struct history_run)};
	size_t before = arena->bytes;
	sql_bind_ulid(statement, 1, event_id);
	if (after != NULL)
		sql_bind_ulid(statement, 2, after);
	else
		sqlite3_bind_null(statement, 2);
	sqlite3_bind_int64(statement, 3, (sqlite3_int64)limit);
	enum err err;
	while (sql_row(statement, &err, error)) {
		struct history_run run = {0};
		if (read_run(statement, arena, &run)) *(struct history_run *)rows_add(&rows) = run;
		if (arena->bytes - before <= HISTORY_PAGE_BYTES) continue;
		sqlite3_reset(statement);
		err = ERR_OK;
		break;
	}
	*out = (struct history_run *)(void *)rows.items;
	*count = rows.count;
	return err;
}
