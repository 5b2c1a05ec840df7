// Rows that no run of function_runs leads to: of skipped runs, of runs that another server wrote in part, of workers
// that have gone, and what runs have left that began without history. They go by their own age, but for the last, which
// the end of such a run marks, as nobody can find them.
#include "history/retention_internal.h"

#define RUNS_AT_ONCE 50

// In the order of their writing, which is about that of their times.
static const struct stray {
	const char
		*find; // rowid, a time (ms, text or id), whose it is (id of a run, as bytes or text), bytes; behind ?1
	const char *gone; // by rowid
	const char *last; // rowid
	bool of_event;    // it is an event's
} strays[STRAY_TABLES] = {
#define STRAYS(table, time, of, bytes)                                                                        \
	"SELECT rowid, " time ", " of ", " bytes " FROM " table " WHERE rowid > ?1 ORDER BY rowid LIMIT 100", \
		"DELETE FROM " table " WHERE rowid = ?1", "SELECT max(rowid) FROM " table
	{STRAYS("traces", "timestamp_unix_ms", "run_id", "length(span_attributes) + length(events)"), false},
	{STRAYS("spans", "start_time", "run_id", "length(attributes) + coalesce(length(output), 0)"), false},
	{STRAYS("trace_runs", "run_id", "run_id", "length(output)"), false},
	{STRAYS("history", "run_id", "run_id", "length(result)"), false},
	{STRAYS("function_finishes", "run_id", "run_id", "length(output)"), false},
	{STRAYS("event_batches", "run_id", "run_id", "length(event_ids)"), false},
	{STRAYS("engine_event_outcomes", "event_id", "event_id", "100"), true},
};

static bool id_of(sqlite3_stmt *row, int column, struct ulid *out) {
	if (sql_ulid(row, column, out)) return !ulid_is_zero(out);
	return sqlite3_column_type(row, column) == SQLITE_TEXT && ulid_parse(sql_bytes(row, column), out);
}

// INT64_MAX: it says none that can be read; it stays.
static int64_t time_of(sqlite3_stmt *row) {
	struct ulid id;
	if (sqlite3_column_type(row, 1) == SQLITE_INTEGER) return sqlite3_column_int64(row, 1);
	if (id_of(row, 1, &id)) return (int64_t)ulid_time_ms(&id);
	int64_t ns = sql_time(row, 1, INT64_MAX);
	if (ns != INT64_MAX) return ns / NS_PER_MS;
	return id_of(row, 2, &id) ? (int64_t)ulid_time_ms(&id) : INT64_MAX;
}

static enum err stray_row(struct history_keeper *keeper, size_t i, struct error *error) {
	sqlite3_stmt *row = keeper->strays[i], *gone = keeper->stray_gone[i];
	struct ulid owner;
	bool is_known = false;
	enum err err = ERR_OK;
	sqlite3_stmt *known = strays[i].of_event ? keeper->events[EVENT_FIND] : keeper->runs[RUN_KNOWN];
	if (id_of(row, 2, &owner)) err = keeper_exists(known, &owner, &is_known, error);
	slice_take(&keeper->slice, 1, is_known ? 0 : sqlite3_column_int64(row, 3));
	if (err != ERR_OK || is_known) return err;
	sqlite3_bind_int64(gone, 1, sqlite3_column_int64(row, 0));
	return sql_run(gone, error);
}

static enum err walk_table(struct history_keeper *keeper, size_t i, uint64_t cutoff_ms, struct error *error) {
	struct place *place = &keeper->places[PLACE_STRAYS + i];
	sqlite3_stmt *row = keeper->strays[i];
	enum err err = ERR_OK, done = ERR_OK;
	int count = 0;
	bool is_due = true;
	sqlite3_bind_int64(row, 1, (int64_t)place_get(place).number);
	while (done == ERR_OK && is_due && !slice_is_over(&keeper->slice) && sql_row(row, &err, error)) {
		int64_t time = time_of(row);
		is_due = time == INT64_MAX || time < (int64_t)cutoff_ms;
		if (!is_due) break;
		if (time != INT64_MAX) done = stray_row(keeper, i, error);
		place_set(place, (uint64_t)sqlite3_column_int64(row, 0), NULL);
		count++;
	}
	sqlite3_reset(row);
	keeper->slice.more = slice_is_over(&keeper->slice) || (is_due && count == 100);
	return done != ERR_OK ? done : err;
}

enum err keep_strays(struct history_keeper *keeper, uint64_t cutoff_ms, struct error *error) {
	enum err err = ERR_OK;
	for (size_t i = 0; i < STRAY_TABLES && err == ERR_OK && !keeper->slice.more; i++)
		err = walk_table(keeper, i, cutoff_ms, error);
	return err;
}

enum err keeper_strays_clamp(struct history_keeper *keeper, struct error *error) {
	enum err err = sql_run(keeper->runs[RUN_SEEN], error);
	for (size_t i = 0; i < STRAY_TABLES && err == ERR_OK; i++) {
		struct place *place = &keeper->places[PLACE_STRAYS + i];
		uint64_t last = 0;
		while (sql_row(keeper->stray_last[i], &err, error))
			last = (uint64_t)sqlite3_column_int64(keeper->stray_last[i], 0);
		if (place_get(place).number > last) place_set(place, last, NULL);
	}
	return err;
}

// ---- by runs -------------------------------------------------------------------------------------------------------

// Whose rows there are: the next run behind ?1. Keys of steps begin with their run.
static const char *const run_next_sql[STRAY_KINDS] = {
	"SELECT key FROM engine_record WHERE kind = 5 AND key > ?1 ORDER BY key LIMIT 1",
#define RUN_BEHIND(table) "SELECT run_id FROM " table " WHERE run_id > ?1 ORDER BY run_id LIMIT 1"
	RUN_BEHIND("engine_trace"),
	RUN_BEHIND("engine_defers"),
	RUN_BEHIND("engine_annotations"),
	RUN_BEHIND("engine_debug_runs"),
};

// The cursor of the export, whose run is empty, stands before all others.
static enum err next_run(sqlite3_stmt *row, const struct ulid *after, struct ulid *out, bool *found,
			 struct error *error) {
	uint8_t behind[20];
	enum err err;
	memset(behind, 0xFF, sizeof behind);
	memcpy(behind, after->bytes, sizeof after->bytes);
	sqlite3_bind_blob(row, 1, behind, ulid_is_zero(after) ? 0 : sizeof behind, SQLITE_STATIC);
	*found = false;
	while (sql_row(row, &err, error)) {
		struct str key = sql_bytes(row, 0);
		*found = key.len >= sizeof out->bytes;
		if (*found) memcpy(out->bytes, key.ptr, sizeof out->bytes);
	}
	return err;
}

static enum err rows_of(struct history_keeper *keeper, const struct ulid *run_id, bool *done, struct error *error) {
	bool is_known, is_open = false;
	enum err err = keeper_exists(keeper->runs[RUN_KNOWN], run_id, &is_known, error);
	if (err == ERR_OK && !is_known) err = keeper_exists(keeper->record_known, run_id, &is_open, error);
	slice_take(&keeper->slice, 1, 0);
	*done = true;
	if (err != ERR_OK || is_known || is_open) return err;
	return keeper_parts(keeper, keeper->gone, RUN_PARTS, run_id, done, error);
}

// What an earlier version has left without a mark. One that is open will have its mark.
static enum err walk_runs(struct history_keeper *keeper, size_t i, uint64_t cutoff_ms, struct error *error) {
	struct place *place = &keeper->places[PLACE_RUNS_OF + i];
	struct ulid run_id, after = place_get(place).id;
	bool found = true, done = true;
	enum err err = ERR_OK;
	int count = 0;
	for (; count < RUNS_AT_ONCE && err == ERR_OK && done; count++) {
		err = next_run(keeper->run_next[i], &after, &run_id, &found, error);
		if (err != ERR_OK || !found || ulid_time_ms(&run_id) >= cutoff_ms) break;
		done = !slice_is_over(&keeper->slice);
		if (done) err = rows_of(keeper, &run_id, &done, error);
		if (done && err == ERR_OK) place_set(place, 0, &run_id);
		after = run_id;
	}
	keeper->slice.more = !done || count == RUNS_AT_ONCE;
	return err;
}

enum err keep_stray_runs(struct history_keeper *keeper, uint64_t cutoff_ms, struct error *error) {
	enum err err = ERR_OK;
	for (size_t i = 0; i < STRAY_KINDS && err == ERR_OK && !keeper->slice.more; i++)
		err = walk_runs(keeper, i, cutoff_ms, error);
	return err;
}

// ---- marked --------------------------------------------------------------------------------------------------------

static enum err look_marked(struct history_keeper *keeper, struct ulid out[RUNS_AT_ONCE], int *count,
			    struct error *error) {
	sqlite3_stmt *row = keeper->runs[RUN_STRAY_NEXT];
	enum err err;
	*count = 0;
	sqlite3_bind_int(row, 1, RUNS_AT_ONCE);
	while (sql_row(row, &err, error))
		if (*count < RUNS_AT_ONCE && sql_ulid(row, 0, &out[*count])) (*count)++;
	return err;
}

enum err keep_marked_strays(struct history_keeper *keeper, uint64_t now_ms, struct error *error) {
	struct ulid runs[RUNS_AT_ONCE];
	int count;
	bool done = true;
	(void)now_ms;
	enum err err = look_marked(keeper, runs, &count, error);
	for (int i = 0; i < count && err == ERR_OK && done; i++) {
		done = !slice_is_over(&keeper->slice);
		if (done) err = rows_of(keeper, &runs[i], &done, error);
		if (err != ERR_OK || !done) break;
		sql_bind_ulid(keeper->runs[RUN_STRAY_GONE], 1, &runs[i]);
		err = sql_run(keeper->runs[RUN_STRAY_GONE], error);
	}
	keeper->slice.more = !done || count == RUNS_AT_ONCE;
	return err;
}

// ---- workers -------------------------------------------------------------------------------------------------------

enum err keep_workers(struct history_keeper *keeper, uint64_t cutoff_ms, struct error *error) {
	sqlite3_bind_int64(keeper->workers_gone, 1, (int64_t)cutoff_ms);
	enum err err = sql_run(keeper->workers_gone, error);
	keeper->slice.more = sqlite3_changes(keeper->db) == 100;
	return err;
}

enum err keeper_strays_prepare(struct history_keeper *keeper, struct error *error) {
	enum err err = ERR_OK;
	for (size_t i = 0; i < STRAY_TABLES && err == ERR_OK; i++) {
		err = sql_prepare(keeper->db, strays[i].find, &keeper->strays[i], error);
		if (err == ERR_OK) err = sql_prepare(keeper->db, strays[i].gone, &keeper->stray_gone[i], error);
		if (err == ERR_OK) err = sql_prepare(keeper->db, strays[i].last, &keeper->stray_last[i], error);
	}
	if (err == ERR_OK) err = keeper_prepare(keeper->db, run_next_sql, STRAY_KINDS, keeper->run_next, error);
	const struct {
		const char *sql;
		sqlite3_stmt **out;
	} others[] = {
		{"SELECT 1 FROM engine_record WHERE kind = 4 AND key = ?1", &keeper->record_known},
		{"DELETE FROM worker_connections WHERE rowid IN (SELECT rowid FROM worker_connections"
		 " WHERE " WORKER_SEEN " < ?1 LIMIT 100)",
		 &keeper->workers_gone},
	};
	for (size_t i = 0; i < ARRAY_LEN(others) && err == ERR_OK; i++)
		err = sql_prepare(keeper->db, others[i].sql, others[i].out, error);
	return err;
}
