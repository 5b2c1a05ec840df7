// The columns of ours in function_runs (runs.h), for runs of the reference server and of older files of ours: from the
// finish rows, the older traces (trace_runs) and the spans. Costs next to nothing when there is nothing new.
#include "engine/run_record.h"
#include "history/history_internal.h"
#include "history/runs.h"
#include "model/limits.h"

#define ROWS_AT_ONCE 1000 // changed between two looks at the index of what is left

enum work {
	SEEN_READ,
	SEEN_WRITE,
	TRACE_LAST,
	TRACE_MISSING,
	RUN_INSERT,
	RUN_NEXT,
	OPEN_NEXT,
	OPEN_INSERT,
	OPEN_DELETE,
	FIND_FINISH,
	FIND_TRACE,
	FIND_FLAGS,
	FIND_SPAN,
	DEBUG_INSERT,
	FIND_RECORD, // NULL in a file without the engine's tables
	RUN_UPDATE,
	WORK_COUNT,
};

static const char *const work_sql[WORK_COUNT] = {
	// trace_runs knows runs that function_runs does not. How far it has been looked at: a row's id grows with time
	// (retention, which takes rows away, sees to it that no new one has an id that was seen).
	[SEEN_READ] = "SELECT value FROM engine_migration WHERE name = 'trace_runs'",
	[SEEN_WRITE] = "INSERT OR REPLACE INTO engine_migration(name, value)"
		       " SELECT 'trace_runs', coalesce(max(rowid), 0) FROM trace_runs",
	[TRACE_LAST] = "SELECT coalesce(max(rowid), 0) FROM trace_runs",
	[TRACE_MISSING] =
		"SELECT run_id, function_id, status, trigger_ids, cron_schedule FROM trace_runs t"
		" WHERE rowid > ?1 AND NOT EXISTS (SELECT 1 FROM function_runs WHERE run_id = t.run_id) ORDER BY rowid",
	[RUN_INSERT] = "INSERT INTO function_runs(run_id, run_started_at, function_id, function_version, trigger_type,"
		       " event_id, batch_id, original_run_id, cron, workspace_id)"
		       " VALUES(?1, ?2, ?3, 0, 'event', ?4, zeroblob(16), zeroblob(16), ?5, '" ENV_ID "')",
	[RUN_NEXT] = "SELECT rowid, run_id FROM function_runs INDEXED BY engine_runs_new WHERE engine_status IS NULL"
		     " LIMIT ?1",
	// CROSS: in this order.
	[OPEN_NEXT] =
		"SELECT r.rowid, o.run_id FROM engine_open_runs o CROSS JOIN function_runs r ON r.run_id = o.run_id",
	[OPEN_INSERT] = "INSERT OR IGNORE INTO engine_open_runs(run_id) VALUES(?1)",
	[OPEN_DELETE] = "DELETE FROM engine_open_runs WHERE run_id = ?1",
	[FIND_FINISH] = "SELECT status, created_at FROM function_finishes WHERE run_id = ?1 ORDER BY rowid LIMIT 1",
	[FIND_TRACE] = "SELECT status, started_at, ended_at, has_ai FROM trace_runs WHERE run_id = ?1",
	[FIND_FLAGS] = "SELECT max(coalesce(debug_run_id, '')), max(coalesce(debug_session_id, '')),"
		       " max(coalesce(is_deferred, 0)) FROM spans"
		       " WHERE run_id = ?1 AND name = 'executor.run'",
	// Of the rows of its root the last one that has a status (06 §5.2).
	[FIND_SPAN] = "SELECT status, end_time FROM spans WHERE run_id = ?1 AND status <> '' AND dynamic_span_id ="
		      " (SELECT dynamic_span_id FROM spans WHERE run_id = ?1 AND name = 'executor.run'"
		      " ORDER BY start_time LIMIT 1) ORDER BY end_time DESC, span_id DESC LIMIT 1",
	[DEBUG_INSERT] = "INSERT OR REPLACE INTO engine_debug_runs(run_id, debug_run_id, session_id)"
			 " VALUES(?1, ?2, ?3)",
	[FIND_RECORD] = "SELECT head FROM engine_record WHERE kind = ?2 AND key = ?1",
	[RUN_UPDATE] = "UPDATE function_runs SET engine_status = ?2, engine_started_at = ?3, engine_ended_at = ?4,"
		       " engine_flags = ?5 WHERE rowid = ?1",
};

struct migration {
	sqlite3 *db;
	sqlite3_stmt *work[WORK_COUNT];
};

struct facts {
	enum trace_run_status status; // 0: nothing says so
	int64_t started_ms, ended_ms; // 0: unknown
	unsigned flags;
	struct debug_ids debug;
	bool is_ours; // the engine has it
};

static bool is_end(enum trace_run_status status) {
	return status == TRACE_RUN_COMPLETED || status == TRACE_RUN_FAILED || status == TRACE_RUN_CANCELLED;
}

// ---- What is known of a run ----------------------------------------------------------------------------------------

static const struct name {
	const char *text;
	enum trace_run_status status;
} names[] = {
	// Of finish rows, and of spans (06 §5.2).
	{"Completed", TRACE_RUN_COMPLETED}, {"Failed", TRACE_RUN_FAILED},      {"Cancelled", TRACE_RUN_CANCELLED},
	{"Errored", TRACE_RUN_FAILED},      {"TimedOut", TRACE_RUN_CANCELLED}, {"Scheduled", TRACE_RUN_QUEUED},
	{"Queued", TRACE_RUN_QUEUED},
};

static enum trace_run_status status_named(struct str text) {
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eq_cstr(text, names[i].text)) return names[i].status;
	}
	return TRACE_RUN_RUNNING;
}

// trace_runs holds codes, or the numbers of the run's state (09 §1.4).
static enum trace_run_status status_coded(int code) {
	static const enum trace_run_status states[] = {
		TRACE_RUN_RUNNING, TRACE_RUN_COMPLETED, TRACE_RUN_FAILED,  TRACE_RUN_CANCELLED,
		TRACE_RUN_FAILED,  TRACE_RUN_QUEUED,    TRACE_RUN_RUNNING, TRACE_RUN_SKIPPED,
	};
	if (code >= 0 && code < (int)ARRAY_LEN(states)) return states[code];
	if (code == 50) return TRACE_RUN_FAILED; // Overflowed
	bool known = code % 100 == 0 && code >= TRACE_RUN_QUEUED && code <= TRACE_RUN_SKIPPED;
	return known ? (enum trace_run_status)code : TRACE_RUN_RUNNING;
}

static void take_end(struct facts *facts, enum trace_run_status status, int64_t ended_ms) {
	if (is_end(facts->status)) return; // said before, and better
	facts->status = status;
	facts->ended_ms = is_end(status) && ended_ms > 0 ? ended_ms : 0;
}

static enum err find_finish(struct migration *migration, const struct ulid *run_id, struct facts *facts,
			    struct error *error) {
	sqlite3_stmt *row = migration->work[FIND_FINISH];
	sql_bind_ulid(row, 1, run_id);
	enum err err;
	while (sql_row(row, &err, error)) {
		enum trace_run_status status = status_named(str_from_cstr((const char *)sqlite3_column_text(row, 0)));
		take_end(facts, is_end(status) ? status : TRACE_RUN_COMPLETED, sql_time(row, 1, 0) / NS_PER_MS);
	}
	return err;
}

static enum err find_trace(struct migration *migration, const struct ulid *run_id, struct facts *facts,
			   struct error *error) {
	sqlite3_stmt *row = migration->work[FIND_TRACE];
	sql_bind_ulid(row, 1, run_id);
	enum err err;
	while (sql_row(row, &err, error)) {
		take_end(facts, status_coded(sqlite3_column_int(row, 0)), sqlite3_column_int64(row, 2));
		facts->started_ms = sqlite3_column_int64(row, 1);
		if (sqlite3_column_int(row, 3) != 0) facts->flags |= RUN_ROW_AI;
	}
	return err;
}

static enum err find_spans(struct migration *migration, const struct ulid *run_id, struct facts *facts,
			   struct error *error) {
	char text[ULID_TEXT_LEN + 1];
	sqlite3_stmt *row = migration->work[FIND_FLAGS];
	ulid_text(run_id, text);
	sql_bind_text(row, 1, str_from_cstr(text));
	enum err err;
	while (sql_row(row, &err, error)) {
		(void)ulid_parse(sql_bytes(row, 0), &facts->debug.run_id);
		(void)ulid_parse(sql_bytes(row, 1), &facts->debug.session_id);
		if (sqlite3_column_bytes(row, 0) > 0) facts->flags |= RUN_ROW_DEBUG;
		if (sqlite3_column_int(row, 2) != 0) facts->flags |= RUN_ROW_DEFERRED;
	}
	if (err != ERR_OK || is_end(facts->status)) return err;
	row = migration->work[FIND_SPAN];
	sql_bind_text(row, 1, str_from_cstr(text));
	while (sql_row(row, &err, error)) {
		enum trace_run_status status = status_named(str_from_cstr((const char *)sqlite3_column_text(row, 0)));
		take_end(facts, status, sql_time(row, 1, 0) / NS_PER_MS);
	}
	return err;
}

// A run that the engine has is under way, whatever else is written of it.
static enum err find_record(struct migration *migration, const struct ulid *run_id, struct facts *facts,
			    struct error *error) {
	sqlite3_stmt *row = migration->work[FIND_RECORD];
	enum err err = ERR_OK;
	if (row == NULL || is_end(facts->status)) return err;
	sql_bind_ulid(row, 1, run_id);
	sqlite3_bind_int(row, 2, RECORD_RUN);
	while (sql_row(row, &err, error)) {
		uint64_t started_ms = run_record_started_ms(sql_bytes(row, 0));
		facts->is_ours = true;
		facts->status = started_ms > 0 ? TRACE_RUN_RUNNING : TRACE_RUN_QUEUED;
		facts->started_ms = started_ms < INT64_MAX ? (int64_t)started_ms : 0;
	}
	return err;
}

static enum err find_facts(struct migration *migration, const struct ulid *run_id, struct facts *out,
			   struct error *error) {
	*out = (struct facts){0};
	enum err err = find_finish(migration, run_id, out, error);
	if (err == ERR_OK) err = find_trace(migration, run_id, out, error);
	if (err == ERR_OK) err = find_spans(migration, run_id, out, error);
	if (err == ERR_OK) err = find_record(migration, run_id, out, error);
	if (out->status == 0) out->status = TRACE_RUN_RUNNING;
	int64_t queued_ms = (int64_t)ulid_time_ms(run_id);
	bool is_over = is_end(out->status);
	if (is_over && out->ended_ms < queued_ms) out->ended_ms = queued_ms;
	if (out->started_ms > 0 && out->started_ms < queued_ms) out->started_ms = queued_ms;
	if (is_over && out->started_ms > out->ended_ms) out->started_ms = 0;
	// What had a result has been called.
	if (is_over && out->started_ms <= 0 && out->status != TRACE_RUN_CANCELLED) out->started_ms = queued_ms;
	return err;
}

// ---- Changes -------------------------------------------------------------------------------------------------------

static void bind_ms(sqlite3_stmt *statement, int index, int64_t ms) {
	if (ms > 0)
		sqlite3_bind_int64(statement, index, ms);
	else
		sqlite3_bind_null(statement, index);
}

static enum err write_debug(struct migration *migration, const struct ulid *run_id, const struct debug_ids *ids,
			    struct error *error) {
	if (!debug_ids_has_any(ids)) return ERR_OK;
	sqlite3_stmt *insert = migration->work[DEBUG_INSERT];
	sql_bind_ulid(insert, 1, run_id);
	sql_bind_ulid_or_null(insert, 2, &ids->run_id);
	sql_bind_ulid_or_null(insert, 3, &ids->session_id);
	return sql_run(insert, error);
}

static enum err write_facts(struct migration *migration, int64_t rowid, const struct ulid *run_id,
			    const struct facts *facts, struct error *error) {
	sqlite3_stmt *update = migration->work[RUN_UPDATE];
	sqlite3_bind_int64(update, 1, rowid);
	sqlite3_bind_int(update, 2, facts->status);
	bind_ms(update, 3, facts->started_ms);
	if (is_end(facts->status))
		sqlite3_bind_int64(update, 4, facts->ended_ms);
	else
		sqlite3_bind_null(update, 4);
	sqlite3_bind_int64(update, 5, facts->flags);
	enum err err = sql_run(update, error);
	if (err == ERR_OK) err = write_debug(migration, run_id, &facts->debug, error);
	if (err != ERR_OK) return err;
	bool is_open = !is_end(facts->status) && !facts->is_ours;
	sqlite3_stmt *open = migration->work[is_open ? OPEN_INSERT : OPEN_DELETE];
	sql_bind_ulid(open, 1, run_id);
	return sql_run(open, error);
}

struct row_id {
	int64_t rowid;
	struct ulid run_id;
};

static enum err fill_rows(struct migration *migration, sqlite3_stmt *row, size_t *count, struct error *error) {
	struct arena arena;
	enum err err;
	arena_init(&arena, 0);
	struct rows rows = {.arena = &arena, .row_size = sizeof(struct row_id)};
	while (sql_row(row, &err, error)) {
		struct row_id *id = rows_add(&rows);
		id->rowid = sqlite3_column_int64(row, 0);
		(void)sql_ulid(row, 1, &id->run_id); // one that is none has a status too
	}
	for (size_t i = 0; i < rows.count && err == ERR_OK; i++) {
		const struct row_id *id = &((struct row_id *)(void *)rows.items)[i];
		struct facts facts;
		err = find_facts(migration, &id->run_id, &facts, error);
		if (err == ERR_OK) err = write_facts(migration, id->rowid, &id->run_id, &facts, error);
	}
	*count = rows.count;
	arena_free(&arena);
	return err;
}

static enum err fill_new(struct migration *migration, struct error *error) {
	enum err err = ERR_OK;
	for (size_t count = ROWS_AT_ONCE; count == ROWS_AT_ONCE && err == ERR_OK;) {
		sqlite3_bind_int(migration->work[RUN_NEXT], 1, ROWS_AT_ONCE);
		err = fill_rows(migration, migration->work[RUN_NEXT], &count, error);
	}
	return err;
}

// The other server may have gone on with its runs since.
static enum err fill_open(struct migration *migration, struct error *error) {
	size_t count;
	return fill_rows(migration, migration->work[OPEN_NEXT], &count, error);
}

static enum err insert_missing(struct migration *migration, sqlite3_stmt *row, struct error *error) {
	sqlite3_stmt *insert = migration->work[RUN_INSERT];
	struct ulid run_id, event_id = {{0}};
	struct str first, rest;
	struct buf at;
	if (!sql_ulid(row, 0, &run_id) || status_coded(sqlite3_column_int(row, 2)) == TRACE_RUN_SKIPPED) return ERR_OK;
	(void)str_cut(sql_bytes(row, 3), ',', &first, &rest);
	if (!ulid_parse(first, &event_id)) event_id = (struct ulid){{0}};
	buf_init(&at, 64);
	date_format_go(&at, ns_of_ms(ulid_time_ms(&run_id)));
	sql_bind_ulid(insert, 1, &run_id);
	sql_bind_text(insert, 2, buf_view(&at));
	sqlite3_bind_value(insert, 3, sqlite3_column_value(row, 1));
	sql_bind_ulid(insert, 4, &event_id);
	sqlite3_bind_value(insert, 5, sqlite3_column_value(row, 4));
	enum err err = sql_run(insert, error);
	buf_free(&at);
	return err;
}

static enum err read_number(sqlite3_stmt *row, int64_t *out, struct error *error) {
	enum err err;
	while (sql_row(row, &err, error)) *out = sqlite3_column_int64(row, 0);
	return err;
}

static enum err add_missing(struct migration *migration, struct error *error) {
	int64_t seen = 0, last = 0;
	enum err inserted = ERR_OK, err = read_number(migration->work[SEEN_READ], &seen, error);
	if (err == ERR_OK) err = read_number(migration->work[TRACE_LAST], &last, error);
	if (err != ERR_OK || seen == last) return err;
	sqlite3_stmt *row = migration->work[TRACE_MISSING];
	sqlite3_bind_int64(row, 1, seen < last ? seen : 0); // the file was rewritten, with other ids
	while (inserted == ERR_OK && sql_row(row, &err, error)) inserted = insert_missing(migration, row, error);
	sqlite3_reset(row);
	if (inserted != ERR_OK || err != ERR_OK) return inserted != ERR_OK ? inserted : err;
	return sql_run(migration->work[SEEN_WRITE], error);
}

// ---- All of it -----------------------------------------------------------------------------------------------------

static enum err prepare(struct migration *migration, struct error *error) {
	bool has_records = sqlite3_table_column_metadata(migration->db, NULL, "engine_record", "head", NULL, NULL, NULL,
							 NULL, NULL) == SQLITE_OK;
	for (size_t i = 0; i < WORK_COUNT; i++) {
		if (i == FIND_RECORD && !has_records) continue;
		enum err err = sql_prepare(migration->db, work_sql[i], &migration->work[i], error);
		if (err != ERR_OK) return err;
	}
	return ERR_OK;
}

enum err runs_migrate(sqlite3 *db, struct error *error) {
	struct migration migration = {.db = db};
	enum err err = prepare(&migration, error);
	if (err == ERR_OK) err = add_missing(&migration, error);
	if (err == ERR_OK) err = fill_open(&migration, error);
	if (err == ERR_OK) err = fill_new(&migration, error);
	for (size_t i = 0; i < WORK_COUNT; i++) sqlite3_finalize(migration.work[i]);
	return err;
}
