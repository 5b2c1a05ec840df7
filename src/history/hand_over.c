#include "history/hand_over.h"

#include "history/hand_over_internal.h"
#include "model/limits.h"

// A transaction ends after so many runs, or bytes.
#define RUNS_AT_ONCE 64
#define BYTES_AT_ONCE (8u << 20)
#define ZERO_TIME_MS INT64_C(-62135596800000) // what the reference server has for none (09 §4.7)

// Those that have no row in trace_runs which says how they ended.
#define RUNS_LEFT                                                 \
	" FROM function_runs r WHERE r.rowid > ?1 AND NOT EXISTS" \
	" (SELECT 1 FROM trace_runs t WHERE t.run_id = r.run_id AND t.status IN (50, 300, 400, 500, 600))"
#define SKIPPED_LEFT                                                                 \
	" FROM engine_event_outcomes r WHERE r.rowid > ?1 AND r.outcome = 'Skipped'" \
	" AND r.run_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM trace_runs t WHERE t.run_id = r.run_id)"

static const char *const sql_texts[HAND_OVER_SQL_COUNT] = {
	[HAND_OVER_COUNT] = "SELECT count(*)" RUNS_LEFT,
	[HAND_OVER_RUNS] = "SELECT r.rowid, r.run_id" RUNS_LEFT " ORDER BY r.rowid LIMIT ?2",
	[HAND_OVER_SKIPPED_COUNT] = "SELECT count(*)" SKIPPED_LEFT,
	[HAND_OVER_SKIPPED] = "SELECT r.rowid, r.run_id" SKIPPED_LEFT " ORDER BY r.rowid LIMIT ?2",
	// Rows of trace_runs that migrate_runs.c need not look at.
	[HAND_OVER_SEEN] = "INSERT OR REPLACE INTO engine_migration(name, value)"
			   " SELECT 'trace_runs', coalesce(max(rowid), 0) FROM trace_runs",
	// ?1 the run, ?2 its id as text. Rows of a run that are not made of facts are the reference server's.
	[HAND_OVER_IS_FOREIGN] =
		"SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM engine_trace WHERE run_id = ?1) AND NOT EXISTS"
		" (SELECT 1 FROM spans WHERE run_id = ?2 AND name = 'executor.run' AND engine_rank IS NOT NULL) AND ("
		"EXISTS (SELECT 1 FROM spans WHERE run_id = ?2 AND name = 'executor.run')"
		" OR EXISTS (SELECT 1 FROM trace_runs WHERE run_id = ?1)"
		" OR EXISTS (SELECT 1 FROM history WHERE run_id = ?1))",
	[HAND_OVER_FUNCTION] = "SELECT f.name, iif(json_valid(f.config), json_extract(f.config, '$.fv'), 0), a.name,"
			       " a.url, a.sdk_language, a.sdk_version FROM functions f"
			       " LEFT JOIN apps a ON a.id = f.app_id WHERE f.id = ?1",
	[HAND_OVER_STEPS] = "SELECT head, body_id FROM engine_record WHERE kind = ?1 AND key >= ?2 AND key <= ?3",
	[HAND_OVER_BODY] = "SELECT body FROM engine_body WHERE id = ?1",
	[HAND_OVER_NAMED] = "SELECT DISTINCT parent_span_id FROM spans WHERE run_id = ?1 AND engine_rank IS NULL",
	[HAND_OVER_SPANS_DELETE] = "DELETE FROM spans WHERE run_id = ?1 AND engine_rank IS NOT NULL",
	[HAND_OVER_SPAN] = "INSERT OR IGNORE INTO spans(span_id, trace_id, parent_span_id, name, start_time, end_time,"
			   " attributes, links, dynamic_span_id, account_id, app_id, function_id, run_id, env_id,"
			   " output, debug_run_id, debug_session_id, status, input, event_ids, engine_rank,"
			   " is_deferred)"
			   " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 'null', ?8, '" ACCOUNT_ID "', ?9, ?10, ?11, '" ENV_ID
			   "', ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
	[HAND_OVER_TRACE_RUN] =
		"INSERT OR REPLACE INTO trace_runs(run_id, account_id, workspace_id, app_id, function_id, trace_id,"
		" queued_at, started_at, ended_at, status, source_id, trigger_ids, output, is_debounce, batch_id,"
		" cron_schedule, has_ai) VALUES(?1, '" ACCOUNT_ID "', '" ENV_ID "', ?2, ?3, ?4, ?5, ?6, ?7, ?8, '',"
		" ?9, (SELECT CAST(output AS BLOB) FROM function_finishes WHERE run_id = ?1 AND status <> 'Cancelled'"
		" ORDER BY rowid LIMIT 1), 0, ?10, ?11, ?12)",
	[HAND_OVER_HISTORY_DELETE] = "DELETE FROM history WHERE run_id = ?1",
	[HAND_OVER_HISTORY] =
		"INSERT INTO history(id, created_at, run_started_at, function_id, function_version, run_id, event_id,"
		" batch_id, group_id, idempotency_key, type, attempt, latency_ms, step_name, step_id, cancel_request,"
		" sleep, wait_for_event, wait_result, invoke_function, invoke_function_result, result, step_type, url)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,"
		" ?21, ?22, ?23, ?24)",
};

// ---- one run -------------------------------------------------------------------------------------------------------

static void text_of_uuid(const struct uuid *id, char out[UUID_TEXT_LEN + 1]) {
	static const struct uuid none;
	out[0] = '\0';
	if (!uuid_eq(id, &none)) uuid_text(id, out);
}

static enum err load_function(struct hand_over_run *run) {
	sqlite3_stmt *row = run->of->sql[HAND_OVER_FUNCTION];
	enum err err = ERR_OK;
	sql_bind_text(row, 1, str_from_cstr(run->function_id));
	while (sql_row(row, &err, run->of->error)) {
		run->function_name = sql_text(row, 0, &run->arena);
		run->subject.function_version = sqlite3_column_int64(row, 1);
		run->app_name = sql_text(row, 2, &run->arena);
		run->subject.url = sql_text(row, 3, &run->arena);
		run->subject.sdk_language = sql_text(row, 4, &run->arena);
		run->subject.sdk_version = sql_text(row, 5, &run->arena);
	}
	return err;
}

static enum err load_run(struct hand_over_run *run) {
	struct hand_over *h = run->of;
	enum err err = history_trace_facts(h->reader, &run->arena, &run->id, &run->trace, h->error);
	if (err != ERR_OK) return err;
	text_of_uuid(&run->trace.run.app_id, run->app_id);
	text_of_uuid(&run->trace.run.function_id, run->function_id);
	run->subject.run = &run->trace.run;
	err = history_run_event_ids(h->reader, &run->arena, &run->id, &run->event_ids, &run->event_count, h->error);
	return err == ERR_OK ? load_function(run) : err;
}

static struct str trigger_ids(struct hand_over_run *run) {
	char *text = arena_alloc(&run->arena, run->event_count * (ULID_TEXT_LEN + 1) + 1);
	size_t len = 0;
	for (size_t i = 0; i < run->event_count; i++) {
		if (i > 0) text[len++] = ',';
		ulid_text(&run->event_ids[i], text + len);
		len += ULID_TEXT_LEN;
	}
	return str_make(text, len);
}

static int64_t ms_or_none(int64_t ns) {
	return ns > 0 ? ns / NS_PER_MS : ZERO_TIME_MS;
}

static const char *uuid_or_zeros(const char *text) {
	return text[0] != '\0' ? text : "00000000-0000-0000-0000-000000000000";
}

static enum err write_trace_run(struct hand_over_run *run) {
	const struct run_row *row = &run->trace.run;
	sqlite3_stmt *insert = run->of->sql[HAND_OVER_TRACE_RUN];
	struct str ids = trigger_ids(run);
	char trace_id[TRACE_ID_LEN + 1];
	span_trace_id(&run->id, trace_id);
	sql_bind_ulid(insert, 1, &run->id);
	sql_bind_text(insert, 2, str_from_cstr(uuid_or_zeros(run->app_id)));
	sql_bind_text(insert, 3, str_from_cstr(uuid_or_zeros(run->function_id)));
	sqlite3_bind_blob(insert, 4, trace_id, TRACE_ID_LEN, SQLITE_STATIC);
	sqlite3_bind_int64(insert, 5, row->queued_ns / NS_PER_MS);
	sqlite3_bind_int64(insert, 6, ms_or_none(row->started_ns));
	sqlite3_bind_int64(insert, 7, ms_or_none(row->ended_ns));
	sqlite3_bind_int(insert, 8, row->status);
	sqlite3_bind_blob64(insert, 9, ids.ptr, ids.len, SQLITE_STATIC);
	sql_bind_ulid(insert, 10, &row->batch_id);
	sql_bind_text_or_null(insert, 11, row->cron);
	sqlite3_bind_int(insert, 12, (row->flags & RUN_ROW_AI) != 0);
	return sql_run(insert, run->of->error);
}

static enum err write_run(struct hand_over_run *run) {
	struct hand_over_counts *counts = run->of->counts;
	enum err err = load_run(run);
	if (err != ERR_OK) return err;
	bool is_skipped = run->trace.run.status == TRACE_RUN_SKIPPED;
	err = hand_over_spans(run);
	if (err == ERR_OK && !is_skipped) err = hand_over_history(run); // that row is there
	if (err == ERR_OK) err = write_trace_run(run);
	if (err != ERR_OK) return err;
	if (is_skipped)
		counts->skipped_runs++;
	else if (!run_row_is_over(&run->trace.run))
		counts->open++;
	return ERR_OK;
}

static enum err is_foreign(const struct hand_over_run *run, bool *out) {
	sqlite3_stmt *row = run->of->sql[HAND_OVER_IS_FOREIGN];
	enum err err = ERR_OK;
	*out = false;
	sql_bind_ulid(row, 1, &run->id);
	sql_bind_text(row, 2, str_from_cstr(run->id_text));
	while (sql_row(row, &err, run->of->error)) *out = true;
	return err;
}

static enum err do_run(struct hand_over *h, enum hand_over_sql which, const struct ulid *id) {
	struct hand_over_run run = {.of = h, .id = *id};
	bool foreign = false;
	ulid_text(id, run.id_text);
	arena_init(&run.arena, 16384);
	enum err err = which == HAND_OVER_RUNS ? is_foreign(&run, &foreign) : ERR_OK;
	if (err == ERR_OK && !foreign) err = write_run(&run);
	if (err == ERR_NOT_FOUND) err = ERR_OK; // a row that is no run's
	if (err != ERR_OK) error_prefix(h->error, "run %s", run.id_text);
	arena_free(&run.arena);
	h->counts->done++;
	return err;
}

// ---- all of them ---------------------------------------------------------------------------------------------------

struct found {
	int64_t rowid;
	struct ulid id;
};

static enum err find_runs(struct hand_over *h, enum hand_over_sql which, int64_t after, struct found out[RUNS_AT_ONCE],
			  size_t *count) {
	sqlite3_stmt *row = h->sql[which];
	enum err err = ERR_OK;
	*count = 0;
	sqlite3_bind_int64(row, 1, after);
	sqlite3_bind_int(row, 2, RUNS_AT_ONCE);
	while (sql_row(row, &err, h->error)) {
		struct found *found = &out[(*count)++];
		found->rowid = sqlite3_column_int64(row, 0);
		if (!sql_ulid(row, 1, &found->id)) found->id = (struct ulid){{0}};
	}
	return err;
}

static enum err do_runs(struct hand_over *h, enum hand_over_sql which, const struct found *found, size_t count,
			int64_t *after) {
	enum err err = sql_exec(h->db, "BEGIN IMMEDIATE", h->error);
	if (err != ERR_OK) return err;
	h->bytes = 0;
	for (size_t i = 0; i < count && h->bytes < BYTES_AT_ONCE && err == ERR_OK; i++) {
		err = do_run(h, which, &found[i].id);
		*after = found[i].rowid;
	}
	if (err == ERR_OK) err = sql_exec(h->db, "COMMIT", h->error);
	if (err != ERR_OK) sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

static enum err walk(struct hand_over *h, enum hand_over_sql which, hand_over_progress *progress, void *context,
		     bool *go_on) {
	struct found found[RUNS_AT_ONCE];
	int64_t after = 0;
	size_t count = 1;
	enum err err = ERR_OK;
	while (err == ERR_OK && *go_on) {
		err = find_runs(h, which, after, found, &count);
		if (err != ERR_OK || count == 0) break;
		err = do_runs(h, which, found, count, &after);
		if (err == ERR_OK) *go_on = progress(context, h->counts);
	}
	return err;
}

static enum err count_runs(struct hand_over *h, enum hand_over_sql which) {
	sqlite3_stmt *row = h->sql[which];
	enum err err = ERR_OK;
	sqlite3_bind_int64(row, 1, 0);
	while (sql_row(row, &err, h->error)) h->counts->total += (uint64_t)sqlite3_column_int64(row, 0);
	return err;
}

static enum err prepare(struct hand_over *h) {
	bool has_records = sqlite3_table_column_metadata(h->db, NULL, "engine_record", "head", NULL, NULL, NULL, NULL,
							 NULL) == SQLITE_OK;
	enum err err = history_reader_new(h->db, &h->reader, h->error);
	for (int i = 0; i < HAND_OVER_SQL_COUNT && err == ERR_OK; i++) {
		if ((i == HAND_OVER_STEPS || i == HAND_OVER_BODY) && !has_records) continue;
		err = sql_prepare(h->db, sql_texts[i], &h->sql[i], h->error);
	}
	return err;
}

static enum err hand_over(struct hand_over *h, hand_over_progress *progress, void *context) {
	bool go_on = true;
	enum err err = prepare(h);
	if (err == ERR_OK) err = count_runs(h, HAND_OVER_COUNT);
	if (err == ERR_OK) err = count_runs(h, HAND_OVER_SKIPPED_COUNT);
	if (err == ERR_OK) err = walk(h, HAND_OVER_RUNS, progress, context, &go_on);
	if (err == ERR_OK) err = walk(h, HAND_OVER_SKIPPED, progress, context, &go_on);
	if (err == ERR_OK) err = sql_run(h->sql[HAND_OVER_SEEN], h->error);
	h->counts->is_complete = err == ERR_OK && go_on;
	return err;
}

enum err history_hand_over(struct sqlite3 *db, hand_over_progress *progress, void *context,
			   struct hand_over_counts *out, struct error *error) {
	struct hand_over h = {.db = db, .counts = out, .error = error};
	*out = (struct hand_over_counts){0};
	buf_init(&h.start, 64);
	buf_init(&h.end, 64);
	enum err err = hand_over(&h, progress, context);
	for (int i = 0; i < HAND_OVER_SQL_COUNT; i++) sqlite3_finalize(h.sql[i]);
	history_reader_free(h.reader);
	buf_free(&h.start);
	buf_free(&h.end);
	return err;
}
