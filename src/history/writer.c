// Rows for history items, with the encodings of spec 09 §3.3 and the upserts of §6.
#include <stdlib.h>

#include "history/annotations.h"
#include "history/history_internal.h"
#include "history/runs.h"
#include "model/limits.h"
#include "trace/span.h"

enum insert {
	INSERT_APP,
	APP_YIELD_NAME,
	APP_SET_ERROR,
	APP_ARCHIVE,
	INSERT_FUNCTION,
	FUNCTION_YIELD_SLUG,
	FUNCTION_ARCHIVE,
	INSERT_EVENT,
	INSERT_EVENT_ONCE,
	EVENT_RESTORE,
	INSERT_SKEW,
	INSERT_RUN,
	INSERT_DEBUG,
	UPSERT_DEFER,
	RUN_START,
	RUN_END,
	RUN_END_CHECKED,
	RUN_LATEST,
	RUN_AI,
	INSERT_TRACE,
	FUNCTION_PAUSE,
	INSERT_FINISH,
	INSERT_STRAY,
	INSERT_BATCH,
	INSERT_BATCH_LINK,
	INSERT_OUTCOME,
	INSERT_SKIPPED,
	MOVE_CURSOR,
	DELETE_CURSOR,
	INSERT_CURSOR,
	INSERT_COUNT,
};

struct history_writer {
	sqlite3 *db;
	sqlite3_stmt *inserts[INSERT_COUNT];
	struct history_annotator *annotator;
	struct buf at; // texts of the times that the current row binds
	struct buf other;
	uint64_t latest_ms; // of all starts and ends of runs
};

#define EVENT_COLUMNS                                                                                       \
	"events(internal_id, received_at, event_id, event_name, event_data, event_user, event_v, event_ts," \
	" engine_meta)"

static const char *const insert_sql[INSERT_COUNT] = {
	[INSERT_APP] = "INSERT INTO apps(id, name, sdk_language, sdk_version, framework, metadata, status, error,"
		       " checksum, created_at, url, method, app_version)"
		       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, '', ?7, ?8, ?9, ?10, ?11, ?12)"
		       " ON CONFLICT(id) DO UPDATE SET name = iif(excluded.name = '', name, excluded.name),"
		       " sdk_language = excluded.sdk_language, sdk_version = excluded.sdk_version,"
		       " framework = excluded.framework, metadata = excluded.metadata, status = excluded.status,"
		       " error = excluded.error, checksum = excluded.checksum, url = excluded.url,"
		       " method = excluded.method, app_version = excluded.app_version, archived_at = NULL",
	// Names are unique: another row that has this one, left by somebody else, becomes history.
	[APP_YIELD_NAME] =
		"UPDATE apps SET name = name || ' (id:' || id || ')', archived_at = coalesce(archived_at, ?3)"
		" WHERE name = ?2 AND id <> ?1 AND name <> ''",
	[APP_SET_ERROR] = "UPDATE apps SET error = ?2 WHERE id = ?1",
	[APP_ARCHIVE] = "UPDATE apps SET archived_at = ?2 WHERE id = ?1 AND archived_at IS NULL",
	[INSERT_FUNCTION] = "INSERT INTO functions(id, app_id, name, slug, config, created_at)"
			    " VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(id) DO UPDATE SET app_id = excluded.app_id,"
			    " name = excluded.name, slug = excluded.slug, config = excluded.config, archived_at = NULL",
	// So are the slugs of an app's active functions.
	[FUNCTION_YIELD_SLUG] = "UPDATE functions SET archived_at = ?4"
				" WHERE app_id = ?2 AND slug = ?3 AND id <> ?1 AND archived_at IS NULL",
	[FUNCTION_ARCHIVE] = "UPDATE functions SET archived_at = ?2 WHERE id = ?1 AND archived_at IS NULL",
	[INSERT_EVENT] = "INSERT INTO " EVENT_COLUMNS " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[INSERT_EVENT_ONCE] = "INSERT INTO " EVENT_COLUMNS " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9"
			      " WHERE NOT EXISTS (SELECT 1 FROM events WHERE internal_id = ?1)",
	[EVENT_RESTORE] = "UPDATE events SET event_data = ?5, event_user = ?6, engine_meta = ?9,"
			  " engine_flags = engine_flags & ~1 WHERE internal_id = ?1" // EVENT_ROW_BARE
			  " AND coalesce(engine_flags, 0) & 1 <> 0",
	[INSERT_SKEW] = "INSERT OR IGNORE INTO engine_event_skew(received_ns, internal_id) VALUES(?1, ?2)",
	[INSERT_RUN] = "INSERT INTO function_runs(run_id, run_started_at, function_id, function_version, trigger_type,"
		       " event_id, batch_id, original_run_id, cron, workspace_id, engine_status, engine_started_at,"
		       " engine_flags)"
		       " VALUES(?1, ?2, ?3, 0, 'event', ?4, zeroblob(16), ?5, ?6, '" ENV_ID "', ?7, ?8, ?9)",
	[INSERT_DEBUG] =
		"INSERT OR REPLACE INTO engine_debug_runs(run_id, debug_run_id, session_id) VALUES(?1, ?2, ?3)",
	[UPSERT_DEFER] = "INSERT OR REPLACE INTO engine_defers(run_id, hashed_id, userland_id, fn_slug, status)"
			 " VALUES(?1, ?2, ?3, ?4, ?5)",
	[RUN_START] = "UPDATE function_runs SET engine_status = ?3, engine_started_at = ?2 WHERE run_id = ?1",
	[RUN_END] = "UPDATE function_runs SET engine_status = ?2, engine_ended_at = ?3 WHERE run_id = ?1",
	[RUN_END_CHECKED] = "UPDATE function_runs SET engine_status = ?2,"
			    " engine_ended_at = max(?3, coalesce(engine_started_at, 0)) WHERE run_id = ?1",
	[RUN_LATEST] = "SELECT max(engine_ended_at), (SELECT max(run_id) FROM function_runs) FROM function_runs"
		       " INDEXED BY engine_runs_ended WHERE engine_ended_at IS NOT NULL",
	[RUN_AI] = "UPDATE function_runs SET engine_flags = engine_flags | ?2 WHERE run_id = ?1",
	[INSERT_TRACE] = "INSERT INTO engine_trace(run_id, data) VALUES(?1, ?2)",
	// Said again at each start: since when stays.
	[FUNCTION_PAUSE] =
		"UPDATE functions SET engine_paused_at = iif(?2 IS NULL, NULL, coalesce(engine_paused_at, ?2))"
		" WHERE id = ?1",
	[INSERT_FINISH] = "INSERT INTO function_finishes(run_id, status, output, completed_step_count, created_at)"
			  " VALUES(?1, ?2, ?3, 0, ?4)",
	[INSERT_STRAY] = "INSERT OR IGNORE INTO engine_strays(run_id) VALUES(?1)",
	[INSERT_BATCH] = "INSERT INTO event_batches(id, account_id, workspace_id, app_id, workflow_id, run_id,"
			 " started_at, executed_at, event_ids)"
			 " VALUES(?1, '" ACCOUNT_ID "', '" ENV_ID "', ?2, ?3, ?4, ?5, ?6, ?7)",
	[INSERT_BATCH_LINK] = batch_link_sql,
	[INSERT_OUTCOME] = "INSERT INTO engine_event_outcomes(event_id, function_id, outcome, reason, run_id, other_id,"
			   " at) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	// exports.h says why the row's own id counts.
	[MOVE_CURSOR] = "UPDATE engine_trace SET data = ?1 WHERE run_id = x'' AND id >= ?1",
	[DELETE_CURSOR] = "DELETE FROM engine_trace WHERE run_id = x''",
	[INSERT_CURSOR] = "INSERT INTO engine_trace(id, run_id, data)"
			  " VALUES(max(?1, coalesce((SELECT max(id) FROM engine_trace), 0)) + 1, x'', ?1)",
	// With the zeros and nulls of the reference server (09 §4.4, §4.5).
	[INSERT_SKIPPED] = "INSERT INTO history(id, created_at, run_started_at, function_id, function_version, run_id,"
			   " event_id, batch_id, idempotency_key, type, attempt, cancel_request, sleep, wait_for_event,"
			   " wait_result, invoke_function, invoke_function_result, result)"
			   " VALUES(zeroblob(16), '1970-01-01 00:00:00 +0000 UTC', ?1, ?2, 0, ?3, ?4, zeroblob(16), '',"
			   " 'FunctionSkipped', 0, 'null', 'null', 'null', 'null', 'null', 'null', 'null')",
};

// ---- Times as text ----

static struct str go_time(struct buf *buf, uint64_t ms) {
	buf_clear(buf);
	date_format_go(buf, ns_of_ms(ms));
	return buf_view(buf);
}

// What SQL's datetime('now') writes: the first 19 characters of the other form.
static struct str sql_now(struct buf *buf, uint64_t ms) {
	return str_first(go_time(buf, ms), sizeof "2006-01-02 15:04:05" - 1);
}

// ---- Apps and functions ----

static enum err yield_app_name(struct history_writer *writer, const struct history_item *item, struct error *error) {
	sqlite3_stmt *yield = writer->inserts[APP_YIELD_NAME];
	sql_bind_uuid(yield, 1, &item->app.id);
	sql_bind_text(yield, 2, item->app.name);
	sql_bind_text(yield, 3, sql_now(&writer->at, item->at_ms));
	return sql_run(yield, error);
}

static enum err write_app(struct history_writer *writer, const struct history_item *item, struct error *error) {
	enum err err = yield_app_name(writer, item, error);
	if (err != ERR_OK) return err;
	sqlite3_stmt *insert = writer->inserts[INSERT_APP];
	sql_bind_uuid(insert, 1, &item->app.id);
	sql_bind_text(insert, 2, item->app.name);
	sql_bind_text(insert, 3, item->app.sdk_language);
	sql_bind_text(insert, 4, item->app.sdk_version);
	sql_bind_text_or_null(insert, 5, item->app.framework);
	sql_bind_text(insert, 6, item->app.metadata);
	sql_bind_text_or_null(insert, 7, item->app.error);
	sql_bind_text(insert, 8, item->app.checksum);
	sql_bind_text(insert, 9, sql_now(&writer->at, item->at_ms));
	sql_bind_text(insert, 10, item->app.url);
	sql_bind_text(insert, 11, item->app.method.len > 0 ? item->app.method : STR("serve"));
	sql_bind_text_or_null(insert, 12, item->app.app_version);
	return sql_run(insert, error);
}

static enum err write_app_error(struct history_writer *writer, const struct history_item *item, struct error *error) {
	sqlite3_stmt *update = writer->inserts[APP_SET_ERROR];
	sql_bind_uuid(update, 1, &item->app.id);
	sql_bind_text_or_null(update, 2, item->app.error);
	return sql_run(update, error);
}

static enum err archive(struct history_writer *writer, enum insert which, const struct uuid *id, uint64_t at_ms,
			struct error *error) {
	sqlite3_stmt *update = writer->inserts[which];
	sql_bind_uuid(update, 1, id);
	sql_bind_text(update, 2, sql_now(&writer->at, at_ms));
	return sql_run(update, error);
}

static enum err write_app_archive(struct history_writer *writer, const struct history_item *item, struct error *error) {
	return archive(writer, APP_ARCHIVE, &item->app.id, item->at_ms, error);
}

static enum err write_function(struct history_writer *writer, const struct history_item *item, struct error *error) {
	sqlite3_stmt *yield = writer->inserts[FUNCTION_YIELD_SLUG];
	sql_bind_uuid(yield, 1, &item->function.id);
	sql_bind_uuid(yield, 2, &item->function.app_id);
	sql_bind_text(yield, 3, item->function.slug);
	sql_bind_text(yield, 4, sql_now(&writer->at, item->at_ms));
	enum err err = sql_run(yield, error);
	if (err != ERR_OK) return err;
	sqlite3_stmt *insert = writer->inserts[INSERT_FUNCTION];
	sql_bind_uuid(insert, 1, &item->function.id);
	sql_bind_uuid(insert, 2, &item->function.app_id);
	sql_bind_text(insert, 3, item->function.name);
	sql_bind_text(insert, 4, item->function.slug);
	sql_bind_text(insert, 5, item->function.config);
	sql_bind_text(insert, 6, go_time(&writer->at, item->at_ms));
	return sql_run(insert, error);
}

static enum err write_function_archive(struct history_writer *writer, const struct history_item *item,
				       struct error *error) {
	return archive(writer, FUNCTION_ARCHIVE, &item->function.id, item->at_ms, error);
}

// ---- Events ----

static enum err write_skew(struct history_writer *writer, const struct history_item *item, struct error *error) {
	uint64_t id_ms = ulid_time_ms(&item->event.internal_id);
	uint64_t apart_ms = id_ms > item->at_ms ? id_ms - item->at_ms : item->at_ms - id_ms;
	if (apart_ms <= EVENT_SKEW_MS) return ERR_OK;
	sqlite3_stmt *insert = writer->inserts[INSERT_SKEW];
	sqlite3_bind_int64(insert, 1, ns_of_ms(item->at_ms));
	sql_bind_ulid(insert, 2, &item->event.internal_id);
	return sql_run(insert, error);
}

static enum err write_event_row(struct history_writer *writer, enum insert which, const struct history_item *item,
				struct str data, struct error *error) {
	sqlite3_stmt *insert = writer->inserts[which];
	sql_bind_ulid(insert, 1, &item->event.internal_id);
	sql_bind_text(insert, 2, go_time(&writer->at, item->at_ms));
	sql_bind_text(insert, 3, item->event.id);
	sql_bind_text(insert, 4, item->event.name);
	sql_bind_text(insert, 5, data.len > 0 ? data : STR("null"));
	sql_bind_text(insert, 6, item->event.user.len > 0 ? item->event.user : STR("null"));
	sql_bind_text_or_null(insert, 7, item->event.v);
	sql_bind_text(insert, 8, go_time(&writer->other, item->event.ts_ms));
	sql_bind_text_or_null(insert, 9, item->event.meta);
	return sql_run(insert, error);
}

static enum err write_event(struct history_writer *writer, const struct history_item *item, struct error *error) {
	struct str data = item->event.data;
	if (item->event.late_data != NULL) {
		CHECK(item->event.late_data->text != NULL);
		data = payload_str(item->event.late_data->text);
		if (data.len == 0) return ERR_OK; // it is lost (store/late.h), and nobody will act on it
	}
	bool again = item->kind == HISTORY_EVENT_AGAIN, once = again || item->event.maybe_stored;
	enum err err = write_event_row(writer, once ? INSERT_EVENT_ONCE : INSERT_EVENT, item, data, error);
	if (err != ERR_OK || sqlite3_changes(writer->db) > 0)
		return err != ERR_OK ? err : write_skew(writer, item, error);
	// It is there; but its data may have been removed while it waited.
	return again ? write_event_row(writer, EVENT_RESTORE, item, data, error) : ERR_OK;
}

// ---- Runs ----

// Clocks are set back; but a run does not start or end before it was queued (runs.h).
static int64_t since_queued(struct history_writer *writer, const struct ulid *run_id, uint64_t ms) {
	uint64_t queued_ms = ulid_time_ms(run_id);
	if (ms < queued_ms) ms = queued_ms;
	if (ms > writer->latest_ms) writer->latest_ms = ms;
	return (int64_t)ms;
}

static enum err write_debug(struct history_writer *writer, const struct history_item *item, struct error *error) {
	sqlite3_stmt *insert = writer->inserts[INSERT_DEBUG];
	sql_bind_ulid(insert, 1, &item->run.run_id);
	sql_bind_ulid_or_null(insert, 2, &item->run.debug.run_id);
	sql_bind_ulid_or_null(insert, 3, &item->run.debug.session_id);
	return sql_run(insert, error);
}

static int run_flags(const struct history_item *item) {
	int flags = item->run.is_deferred ? RUN_ROW_DEFERRED : 0;
	return debug_ids_has_run(&item->run.debug) ? flags | RUN_ROW_DEBUG : flags;
}

static enum err write_run(struct history_writer *writer, const struct history_item *item, struct error *error) {
	sqlite3_stmt *insert = writer->inserts[INSERT_RUN];
	sql_bind_ulid(insert, 1, &item->run.run_id);
	sql_bind_text(insert, 2, go_time(&writer->at, ulid_time_ms(&item->run.run_id)));
	sql_bind_uuid(insert, 3, &item->run.function_id);
	sql_bind_ulid(insert, 4, &item->run.event_id);
	sql_bind_ulid(insert, 5, &item->run.original_run_id);
	sql_bind_text_or_null(insert, 6, item->run.cron);
	bool started = item->run.started_ms > 0;
	sqlite3_bind_int(insert, 7, started ? TRACE_RUN_RUNNING : TRACE_RUN_QUEUED);
	if (started) sqlite3_bind_int64(insert, 8, since_queued(writer, &item->run.run_id, item->run.started_ms));
	if (!started) sqlite3_bind_null(insert, 8);
	sqlite3_bind_int(insert, 9, run_flags(item));
	enum err err = sql_run(insert, error);
	if (err != ERR_OK || !debug_ids_has_any(&item->run.debug)) return err;
	return write_debug(writer, item, error);
}

static enum err write_defer(struct history_writer *writer, const struct history_item *item, struct error *error) {
	sqlite3_stmt *upsert = writer->inserts[UPSERT_DEFER];
	sql_bind_ulid(upsert, 1, &item->defer.run_id);
	sql_bind_text(upsert, 2, item->defer.id);
	sql_bind_text(upsert, 3, item->defer.name);
	sql_bind_text(upsert, 4, item->defer.function);
	sqlite3_bind_int(upsert, 5, (int)item->defer.status);
	return sql_run(upsert, error);
}

static enum err write_run_started(struct history_writer *writer, const struct history_item *item, struct error *error) {
	sqlite3_stmt *update = writer->inserts[RUN_START];
	sql_bind_ulid(update, 1, &item->run.run_id);
	sqlite3_bind_int64(update, 2, since_queued(writer, &item->run.run_id, item->at_ms));
	sqlite3_bind_int(update, 3, TRACE_RUN_RUNNING);
	return sql_run(update, error);
}

static enum err write_run_ended(struct history_writer *writer, const struct history_item *item, struct error *error) {
	static const struct {
		const char *text;
		enum trace_run_status status;
	} ends[] = {
		{"Completed", TRACE_RUN_COMPLETED}, {"Failed", TRACE_RUN_FAILED}, {"Cancelled", TRACE_RUN_CANCELLED}};
	// Only after the clock has been set back it may have started later; looking costs time.
	bool may_be_early = item->at_ms < writer->latest_ms;
	sqlite3_stmt *update = writer->inserts[may_be_early ? RUN_END_CHECKED : RUN_END];
	sql_bind_ulid(update, 1, &item->finish.run_id);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		if (strcmp(item->finish.status, ends[i].text) == 0) sqlite3_bind_int(update, 2, ends[i].status);
	}
	sqlite3_bind_int64(update, 3, since_queued(writer, &item->finish.run_id, item->at_ms));
	return sql_run(update, error);
}

static enum err write_run_ai(struct history_writer *writer, const struct history_item *item, struct error *error) {
	sqlite3_stmt *update = writer->inserts[RUN_AI];
	sql_bind_ulid(update, 1, &item->run.run_id);
	sqlite3_bind_int(update, 2, RUN_ROW_AI);
	return sql_run(update, error);
}

static enum err write_trace(struct history_writer *writer, const struct history_item *item, struct error *error) {
	sqlite3_stmt *insert = writer->inserts[INSERT_TRACE];
	sql_bind_ulid(insert, 1, &item->trace.run_id);
	sqlite3_bind_blob64(insert, 2, item->trace.data.ptr, item->trace.data.len, SQLITE_STATIC);
	return sql_run(insert, error);
}

static enum err write_annotation(struct history_writer *writer, const struct history_item *item, struct error *error) {
	const struct history_annotation *annotation = (const struct history_annotation *)item->annotation.content;
	return history_annotation_write(writer->annotator, annotation, (uint64_t)ns_of_ms(item->at_ms),
					item->annotation.result, error);
}

static enum err write_pause(struct history_writer *writer, const struct history_item *item, struct error *error) {
	sqlite3_stmt *update = writer->inserts[FUNCTION_PAUSE];
	sql_bind_uuid(update, 1, &item->pause.function_id);
	if (item->pause.is_paused) sqlite3_bind_int64(update, 2, (int64_t)item->at_ms);
	if (!item->pause.is_paused) sqlite3_bind_null(update, 2);
	return sql_run(update, error);
}

// A run that has begun without history has no row: what it has left goes (retention_strays.c).
static enum err write_stray(struct history_writer *writer, const struct history_item *item, struct error *error) {
	sqlite3_stmt *insert = writer->inserts[INSERT_STRAY];
	sql_bind_ulid(insert, 1, &item->finish.run_id);
	return sql_run(insert, error);
}

static enum err write_finish(struct history_writer *writer, const struct history_item *item, struct error *error) {
	enum err err = write_run_ended(writer, item, error);
	if (err != ERR_OK) return err;
	if (sqlite3_changes(writer->db) == 0) return write_stray(writer, item, error);
	sqlite3_stmt *insert = writer->inserts[INSERT_FINISH];
	sql_bind_ulid(insert, 1, &item->finish.run_id);
	sql_bind_text(insert, 2, str_from_cstr(item->finish.status));
	sql_bind_text(insert, 3, item->finish.output != NULL ? payload_str(item->finish.output) : STR("{}"));
	sql_bind_text(insert, 4, go_time(&writer->at, item->at_ms));
	return sql_run(insert, error);
}

// A batch of one event has no row (09 §4.6).
static enum err write_event_batch(struct history_writer *writer, const struct history_item *item, struct error *error) {
	struct str event_ids = item->event_batch.event_ids;
	if (str_find(event_ids, ',') < 0) return ERR_OK;
	sqlite3_stmt *insert = writer->inserts[INSERT_BATCH];
	sql_bind_ulid(insert, 1, &item->event_batch.batch_id);
	sql_bind_uuid(insert, 2, &item->event_batch.app_id);
	sql_bind_uuid(insert, 3, &item->event_batch.function_id);
	sql_bind_ulid(insert, 4, &item->event_batch.run_id);
	sql_bind_text(insert, 5, go_time(&writer->at, ulid_time_ms(&item->event_batch.batch_id)));
	sql_bind_text(insert, 6, go_time(&writer->other, ulid_time_ms(&item->event_batch.run_id)));
	sqlite3_bind_blob64(insert, 7, event_ids.ptr, event_ids.len, SQLITE_STATIC);
	enum err err = sql_run(insert, error);
	if (err != ERR_OK) return err;
	return batch_link(writer->inserts[INSERT_BATCH_LINK], event_ids, &item->event_batch.run_id, NULL, error);
}

// ---- What became of events that started nothing ----

// The reference server's trace of a run that was skipped.
static enum err write_skipped(struct history_writer *writer, const struct history_item *item, struct error *error) {
	sqlite3_stmt *insert = writer->inserts[INSERT_SKIPPED];
	sql_bind_text(insert, 1, go_time(&writer->at, ulid_time_ms(&item->outcome.run_id)));
	sql_bind_uuid(insert, 2, &item->outcome.function_id);
	sql_bind_ulid(insert, 3, &item->outcome.run_id);
	sql_bind_ulid(insert, 4, &item->outcome.event_id);
	return sql_run(insert, error);
}

static enum err write_outcome(struct history_writer *writer, const struct history_item *item, struct error *error) {
	CHECK(item->outcome.outcome < OUTCOME_COUNT && item->outcome.reason < REASON_COUNT);
	sqlite3_stmt *insert = writer->inserts[INSERT_OUTCOME];
	sql_bind_ulid(insert, 1, &item->outcome.event_id);
	sql_bind_uuid(insert, 2, &item->outcome.function_id);
	sql_bind_text(insert, 3, str_from_cstr(outcome_names[item->outcome.outcome]));
	sql_bind_text(insert, 4, str_from_cstr(outcome_reason_names[item->outcome.reason]));
	sql_bind_ulid_or_null(insert, 5, &item->outcome.run_id);
	sql_bind_ulid_or_null(insert, 6, &item->outcome.other_id);
	sql_bind_text(insert, 7, go_time(&writer->at, item->at_ms));
	enum err err = sql_run(insert, error);
	bool skipped = item->outcome.outcome == OUTCOME_SKIPPED && !ulid_is_zero(&item->outcome.run_id);
	return err != ERR_OK || !skipped ? err : write_skipped(writer, item, error);
}

// ---- The export of spans ----

static enum err write_exported(struct history_writer *writer, const struct history_item *item, struct error *error) {
	sqlite3_stmt *move = writer->inserts[MOVE_CURSOR], *insert = writer->inserts[INSERT_CURSOR];
	sqlite3_bind_int64(move, 1, (int64_t)item->exported.cursor);
	enum err err = sql_run(move, error);
	if (err != ERR_OK || sqlite3_changes(writer->db) > 0) return err;
	err = sql_run(writer->inserts[DELETE_CURSOR], error);
	if (err != ERR_OK) return err;
	sqlite3_bind_int64(insert, 1, (int64_t)item->exported.cursor);
	return sql_run(insert, error);
}

enum err history_write(struct history_writer *writer, const struct history_item *item, struct error *error) {
	static enum err (*const writers[])(struct history_writer *, const struct history_item *, struct error *) = {
		[HISTORY_APP] = write_app,
		[HISTORY_APP_ERROR] = write_app_error,
		[HISTORY_APP_ARCHIVE] = write_app_archive,
		[HISTORY_FUNCTION] = write_function,
		[HISTORY_FUNCTION_ARCHIVE] = write_function_archive,
		[HISTORY_EVENT] = write_event,
		[HISTORY_EVENT_AGAIN] = write_event,
		[HISTORY_RUN] = write_run,
		[HISTORY_FINISH] = write_finish,
		[HISTORY_EVENT_BATCH] = write_event_batch,
		[HISTORY_OUTCOME] = write_outcome,
		[HISTORY_RUN_STARTED] = write_run_started,
		[HISTORY_TRACE] = write_trace,
		[HISTORY_RUN_AI] = write_run_ai,
		[HISTORY_FUNCTION_PAUSE] = write_pause,
		[HISTORY_DEFER] = write_defer,
		[HISTORY_ANNOTATION] = write_annotation,
		[HISTORY_EXPORTED] = write_exported,
	};
	CHECK((size_t)item->kind < ARRAY_LEN(writers));
	return writers[item->kind](writer, item, error);
}

static enum err find_latest(struct history_writer *writer, struct error *error) {
	sqlite3_stmt *row = writer->inserts[RUN_LATEST];
	enum err err;
	while (sql_row(row, &err, error)) {
		struct ulid newest;
		int64_t ended_ms = sqlite3_column_int64(row, 0);
		writer->latest_ms = ended_ms > 0 ? (uint64_t)ended_ms : 0;
		if (sql_ulid(row, 1, &newest) && ulid_time_ms(&newest) > writer->latest_ms)
			writer->latest_ms = ulid_time_ms(&newest);
	}
	return err;
}

enum err history_writer_new(struct sqlite3 *db, struct history_writer **out, struct error *error) {
	struct history_writer *writer = mem_calloc(1, sizeof *writer);
	writer->db = db;
	buf_init(&writer->at, 64);
	buf_init(&writer->other, 64);
	for (size_t i = 0; i < INSERT_COUNT; i++) {
		enum err err = sql_prepare(db, insert_sql[i], &writer->inserts[i], error);
		if (err == ERR_OK) continue;
		history_writer_free(writer);
		return err;
	}
	enum err err = history_annotator_new(db, &writer->annotator, error);
	if (err == ERR_OK) err = find_latest(writer, error);
	if (err != ERR_OK) {
		history_writer_free(writer);
		return err;
	}
	*out = writer;
	return ERR_OK;
}

void history_writer_free(struct history_writer *writer) {
	if (writer == NULL) return;
	for (size_t i = 0; i < INSERT_COUNT; i++) sqlite3_finalize(writer->inserts[i]);
	history_annotator_free(writer->annotator);
	buf_free(&writer->at);
	buf_free(&writer->other);
	free(writer);
}
