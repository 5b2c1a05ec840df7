// Rows with all that is shown of them; runs by id, runs of events, events of runs.
#include <stdlib.h>

#include "history/runs_internal.h"

#define NUMBER_TEXT_OF(number) #number
#define NUMBER_TEXT(number) NUMBER_TEXT_OF(number)
#define RUN_COLUMNS                                                                                            \
	"r.run_id, r.function_id, r.engine_status, r.engine_started_at, r.engine_ended_at, r.event_id,"        \
	" r.original_run_id, r.cron, r.engine_flags, (SELECT app_id FROM functions WHERE id = r.function_id)," \
	" (SELECT id FROM event_batches WHERE run_id = r.run_id LIMIT 1)"
// A run finished twice has two finish rows: the first one counts (09 §4.4).
static const char load_sql[] = "SELECT " RUN_COLUMNS " FROM function_runs r WHERE r.rowid = ?1";
static const char output_sql[] = "SELECT output FROM function_finishes WHERE run_id = ?1 ORDER BY rowid LIMIT 1";
static const char name_sql[] = "SELECT event_name FROM events WHERE internal_id = ?1 LIMIT 1";
static const char by_id_sql[] = "SELECT rowid FROM function_runs WHERE run_id = ?1 ORDER BY rowid LIMIT 1";
static const char of_event_sql[] = "SELECT rowid FROM function_runs WHERE event_id = ?1 UNION"
				   " SELECT b.rowid FROM engine_batch_events l CROSS JOIN function_runs b"
				   " ON b.run_id = l.run_id WHERE l.event_id = ?1 ORDER BY 1 DESC"
				   " LIMIT " NUMBER_TEXT(EVENT_RUNS_MAX);
static const char ids_of_event_sql[] =
	"SELECT run_id FROM function_runs WHERE event_id = ?1 AND run_id < ?2 UNION"
	" SELECT b.run_id FROM engine_batch_events l CROSS JOIN function_runs b ON b.run_id = l.run_id"
	" WHERE l.event_id = ?1 AND l.run_id < ?2 ORDER BY 1 DESC LIMIT ?3";
#define SKIPPED(column)                                                                                          \
	"SELECT h.run_id, h.function_id, h.event_id, (SELECT app_id FROM functions WHERE id = h.function_id),"   \
	" (SELECT id FROM event_batches WHERE run_id = h.run_id LIMIT 1) FROM history h WHERE h." column " = ?1" \
	" AND h.type = 'FunctionSkipped' ORDER BY h.rowid"
static const char skipped_by_id_sql[] = SKIPPED("run_id") " LIMIT 1";
static const char skipped_of_event_sql[] = SKIPPED("event_id") " LIMIT " NUMBER_TEXT(EVENT_RUNS_MAX);
static const char batch_sql[] = "SELECT event_ids FROM event_batches WHERE run_id = ?1 LIMIT 1";
static const char first_event_sql[] = "SELECT event_id FROM function_runs WHERE run_id = ?1 UNION ALL"
				      " SELECT event_id FROM history WHERE run_id = ?1 AND type = 'FunctionSkipped'"
				      " LIMIT 1";

static enum err get(struct history_reader *reader, const char *sql, sqlite3_stmt **out, struct error *error) {
	return statement_get(reader, str_from_cstr(sql), out, error);
}

// ---- One row -------------------------------------------------------------------------------------------------------

static struct ulid ulid_or_zero(sqlite3_stmt *row, int column) {
	struct ulid id = {{0}};
	(void)sql_ulid(row, column, &id);
	return id;
}

static struct uuid uuid_or_zero(sqlite3_stmt *row, int column) {
	struct uuid id = {{0}};
	return sql_uuid(row, column, &id) ? id : (struct uuid){{0}};
}

static int64_t time_ns(sqlite3_stmt *row, int column) {
	if (sqlite3_column_type(row, column) == SQLITE_NULL) return RUN_NO_TIME;
	int64_t ms = sqlite3_column_int64(row, column);
	return ms > 0 ? ns_of_ms((uint64_t)ms) : 0;
}

static bool read_row(sqlite3_stmt *row, struct arena *arena, struct run_row *out) {
	if (!sql_ulid(row, 0, &out->id)) return false;
	out->function_id = uuid_or_zero(row, 1);
	out->status = (enum trace_run_status)sqlite3_column_int(row, 2);
	if (out->status == 0) out->status = TRACE_RUN_RUNNING; // came in since the start
	out->queued_ns = ns_of_ms(ulid_time_ms(&out->id));
	out->started_ns = time_ns(row, 3);
	out->ended_ns = time_ns(row, 4);
	out->event_id = ulid_or_zero(row, 5);
	out->original_run_id = ulid_or_zero(row, 6);
	out->cron = sql_text(row, 7, arena);
	out->flags = (unsigned)sqlite3_column_int(row, 8);
	out->app_id = uuid_or_zero(row, 9);
	out->batch_id = ulid_or_zero(row, 10);
	return true;
}

static enum err load_text(struct history_reader *reader, struct arena *arena, const char *sql, const struct ulid *id,
			  struct str *out, struct error *error) {
	sqlite3_stmt *row;
	enum err err = get(reader, sql, &row, error);
	if (err != ERR_OK) return err;
	sql_bind_ulid(row, 1, id);
	while (sql_row(row, &err, error)) *out = sql_text(row, 0, arena);
	return err;
}

static enum err load_texts(struct history_reader *reader, struct arena *arena, bool with_output, struct run_row *run,
			   struct error *error) {
	enum err err = ERR_OK;
	if (ulid_is_zero(&run->batch_id) && run->cron.len == 0)
		err = load_text(reader, arena, name_sql, &run->event_id, &run->event_name, error);
	// What stands there for a cancelled run is no output.
	if (err == ERR_OK && with_output && run->status != TRACE_RUN_CANCELLED)
		err = load_text(reader, arena, output_sql, &run->id, &run->output, error);
	return err;
}

enum err run_load(struct history_reader *reader, struct arena *arena, int64_t rowid, bool with_output,
		  struct run_row *out, struct error *error) {
	sqlite3_stmt *row;
	bool found = false;
	*out = (struct run_row){.started_ns = RUN_NO_TIME, .ended_ns = RUN_NO_TIME};
	enum err err = get(reader, load_sql, &row, error);
	if (err != ERR_OK) return err;
	sqlite3_bind_int64(row, 1, rowid);
	while (sql_row(row, &err, error)) found = read_row(row, arena, out);
	if (err != ERR_OK) return err;
	if (!found) return error_set(error, ERR_NOT_FOUND, "run not found");
	return load_texts(reader, arena, with_output, out, error);
}

// ---- Rows by id, of events -----------------------------------------------------------------------------------------

// It was never executed; being looked at was its start (06 §5.3).
static bool read_skipped(sqlite3_stmt *row, struct run_row *out) {
	*out = (struct run_row){.status = TRACE_RUN_SKIPPED, .ended_ns = RUN_NO_TIME};
	if (!sql_ulid(row, 0, &out->id)) return false;
	out->queued_ns = out->started_ns = ns_of_ms(ulid_time_ms(&out->id));
	out->function_id = uuid_or_zero(row, 1);
	out->event_id = ulid_or_zero(row, 2);
	out->app_id = uuid_or_zero(row, 3);
	out->batch_id = ulid_or_zero(row, 4);
	return true;
}

// Appends runs that were skipped.
static enum err add_skipped(struct history_reader *reader, const char *sql, const struct ulid *id, struct rows *out,
			    struct error *error) {
	sqlite3_stmt *row;
	size_t before = out->count;
	enum err err = get(reader, sql, &row, error);
	if (err != ERR_OK) return err;
	sql_bind_ulid(row, 1, id);
	while (sql_row(row, &err, error)) {
		struct run_row run;
		if (read_skipped(row, &run)) *(struct run_row *)rows_add(out) = run;
	}
	for (size_t i = before; i < out->count && err == ERR_OK; i++) {
		struct run_row *run = &((struct run_row *)(void *)out->items)[i];
		err = load_texts(reader, out->arena, false, run, error);
		if (err == ERR_OK) err = room_check(out->arena, error);
	}
	return err;
}

// Appends the runs whose rowids the statement gives.
static enum err add_runs(struct history_reader *reader, const char *sql, const struct ulid *id, bool with_output,
			 struct rows *out, struct error *error) {
	struct rows rowids = {.arena = out->arena, .row_size = sizeof(int64_t)};
	sqlite3_stmt *row;
	enum err err = get(reader, sql, &row, error);
	if (err != ERR_OK) return err;
	sql_bind_ulid(row, 1, id);
	while (sql_row(row, &err, error)) *(int64_t *)rows_add(&rowids) = sqlite3_column_int64(row, 0);
	for (size_t i = 0; i < rowids.count && err == ERR_OK; i++) {
		struct run_row run;
		err = run_load(reader, out->arena, ((int64_t *)(void *)rowids.items)[i], with_output, &run, error);
		if (err == ERR_OK) *(struct run_row *)rows_add(out) = run;
		if (err == ERR_NOT_FOUND) err = ERR_OK;
		if (err == ERR_OK) err = room_check(out->arena, error);
	}
	return err;
}

enum err history_runs_by_id(struct history_reader *reader, struct arena *arena, const struct ulid *ids, size_t id_count,
			    bool with_output, struct run_row **out, size_t *count, struct error *error) {
	struct rows rows = {.arena = arena, .row_size = sizeof(struct run_row)};
	bool began = reading_begin(reader);
	enum err err = ERR_OK;
	for (size_t i = 0; i < id_count && err == ERR_OK; i++) {
		size_t before = rows.count;
		err = add_runs(reader, by_id_sql, &ids[i], with_output, &rows, error);
		if (err == ERR_OK && rows.count == before)
			err = add_skipped(reader, skipped_by_id_sql, &ids[i], &rows, error);
	}
	reading_end(reader, began);
	*out = (struct run_row *)(void *)rows.items;
	*count = rows.count;
	return err;
}

static int compare_runs(const void *left, const void *right) {
	const struct run_row *a = left, *b = right;
	return ulid_cmp(&a->id, &b->id);
}

static enum err add_of_event(struct history_reader *reader, const struct ulid *event_id, size_t event_index,
			     struct rows *out, struct error *error) {
	struct rows rows = {.arena = out->arena, .row_size = sizeof(struct run_row)};
	enum err err = add_runs(reader, of_event_sql, event_id, false, &rows, error);
	if (err == ERR_OK) err = add_skipped(reader, skipped_of_event_sql, event_id, &rows, error);
	struct run_row *runs = (struct run_row *)(void *)rows.items;
	if (rows.count > 0) qsort(runs, rows.count, sizeof *runs, compare_runs);
	for (size_t i = 0; i < rows.count && err == ERR_OK; i++) {
		if (i > 0 && ulid_cmp(&runs[i].id, &runs[i - 1].id) == 0) continue;
		*(struct event_run_row *)rows_add(out) = (struct event_run_row){event_index, runs[i]};
	}
	return err;
}

enum err history_runs_of_events(struct history_reader *reader, struct arena *arena, const struct ulid *event_ids,
				size_t event_count, struct event_run_row **out, size_t *count, struct error *error) {
	struct rows rows = {.arena = arena, .row_size = sizeof(struct event_run_row)};
	bool began = reading_begin(reader);
	enum err err = ERR_OK;
	for (size_t i = 0; i < event_count && err == ERR_OK; i++)
		err = add_of_event(reader, &event_ids[i], i, &rows, error);
	reading_end(reader, began);
	*out = (struct event_run_row *)(void *)rows.items;
	*count = rows.count;
	return err;
}

enum err history_event_run_ids(struct history_reader *reader, const struct ulid *event_id, const struct ulid *before,
			       size_t limit, struct ulid *out, size_t *count, struct error *error) {
	struct ulid none = ulid_ceiling(UINT64_MAX);
	sqlite3_stmt *row;
	*count = 0;
	enum err err = get(reader, ids_of_event_sql, &row, error);
	if (err != ERR_OK) return err;
	sql_bind_ulid(row, 1, event_id);
	sql_bind_ulid(row, 2, before != NULL ? before : &none);
	sqlite3_bind_int64(row, 3, (sqlite3_int64)limit);
	while (sql_row(row, &err, error)) *count += sql_ulid(row, 0, &out[*count]);
	return err;
}

// ---- Events of a run -----------------------------------------------------------------------------------------------

static void add_event_ids(struct str list, struct rows *out) {
	for (struct str id; list.len > 0;) {
		struct ulid event_id;
		(void)str_cut(list, ',', &id, &list);
		if (ulid_parse(str_trim(id), &event_id)) *(struct ulid *)rows_add(out) = event_id;
	}
}

enum err history_run_event_ids(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
			       struct ulid **out, size_t *count, struct error *error) {
	struct rows rows = {.arena = arena, .row_size = sizeof(struct ulid)};
	sqlite3_stmt *row;
	enum err err = get(reader, batch_sql, &row, error);
	if (err != ERR_OK) return err;
	sql_bind_ulid(row, 1, run_id);
	while (sql_row(row, &err, error)) add_event_ids(sql_bytes(row, 0), &rows);
	if (err == ERR_OK && rows.count == 0) {
		err = get(reader, first_event_sql, &row, error);
		if (err == ERR_OK) sql_bind_ulid(row, 1, run_id);
		while (err == ERR_OK && sql_row(row, &err, error)) {
			struct ulid event_id;
			if (sql_ulid(row, 0, &event_id) && !ulid_is_zero(&event_id))
				*(struct ulid *)rows_add(&rows) = event_id;
		}
	}
	*out = (struct ulid *)(void *)rows.items;
	*count = rows.count;
	return err;
}
