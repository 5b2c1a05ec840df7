// The read side: prepared queries, and single events.
#include <stdlib.h>

#include "history/history_internal.h"

#define EVENT_SELECT "SELECT " EVENT_COLUMNS_SELECT
// A run finished twice has two finish rows: the first one counts (09 §4.4).
#define RUN_SQL(condition)                                                                                         \
	"SELECT r.run_id, r.event_id, r.original_run_id, r.function_id, r.cron, f.status, f.output, f.created_at," \
	" (SELECT id FROM event_batches WHERE run_id = r.run_id LIMIT 1)"                                          \
	" FROM function_runs r LEFT JOIN function_finishes f ON f.rowid ="                                         \
	" (SELECT min(rowid) FROM function_finishes WHERE run_id = r.run_id) WHERE r." condition " ORDER BY r.rowid"
// Runs whose first event it is, and those of its batches.
#define EVENT_RUN_ROWS                                                                                 \
	"SELECT rowid FROM function_runs WHERE event_id = ?1 UNION"                                    \
	" SELECT b.rowid FROM engine_batch_events l CROSS JOIN function_runs b ON b.run_id = l.run_id" \
	" WHERE l.event_id = ?1"

static const char *const query_sql[QUERY_COUNT] = {
	[QUERY_EVENT] = EVENT_SELECT " FROM events e WHERE e.internal_id = ?1 ORDER BY e.rowid LIMIT 1",
	[QUERY_RUN] = RUN_SQL("run_id = ?1") " LIMIT 1",
	[QUERY_EVENT_RUNS] = RUN_SQL("rowid IN (" EVENT_RUN_ROWS ") AND r.rowid > ifnull("
				     "(SELECT max(rowid) FROM function_runs WHERE run_id = ?2), 0)") " LIMIT ?3",
	[QUERY_EVENT_OUTCOMES] = "SELECT function_id, outcome, reason, run_id, other_id, at FROM engine_event_outcomes"
				 " WHERE event_id = ?1 ORDER BY rowid",
	[QUERY_APPS] = "SELECT id, name, url, error, method, sdk_language, sdk_version, framework FROM apps"
		       " WHERE archived_at IS NULL ORDER BY id",
	[QUERY_FUNCTIONS] = "SELECT f.config FROM functions f JOIN apps a ON a.id = f.app_id"
			    " WHERE f.archived_at IS NULL AND a.archived_at IS NULL ORDER BY f.id",
	[QUERY_APP_FUNCTIONS] = "SELECT f.id, f.app_id, f.slug, f.name, f.config, f.created_at FROM apps a"
				" JOIN functions f ON f.app_id = a.id"
				" WHERE a.name = ?1 AND f.archived_at IS NULL ORDER BY f.id",
	[QUERY_FUNCTION_NAMED] = "SELECT f.id FROM apps a JOIN functions f ON f.app_id = a.id"
				 " WHERE a.name = ?1 AND f.slug IN (?2, ?3) AND f.archived_at IS NULL"
				 " AND a.archived_at IS NULL ORDER BY f.slug = ?2 DESC LIMIT 1",
};

enum err history_reader_new(struct sqlite3 *db, struct history_reader **out, struct error *error) {
	struct history_reader *reader = mem_calloc(1, sizeof *reader);
	reader->db = db;
	reader->try_steps = RUNS_TRY_STEPS;
	for (size_t i = 0; i < QUERY_COUNT; i++) {
		enum err err = sql_prepare(db, query_sql[i], &reader->queries[i], error);
		if (err == ERR_OK) continue;
		history_reader_free(reader);
		return err;
	}
	*out = reader;
	return ERR_OK;
}

static int is_time_over(void *argument) {
	const struct history_reader *reader = argument;
	return clock_mono_ns() >= reader->deadline_ns;
}

void reader_watch(struct history_reader *reader) {
	bool is_limited = reader->deadline_ns != 0;
	sqlite3_progress_handler(reader->db, is_limited ? PROGRESS_STEPS : 0, is_limited ? is_time_over : NULL, reader);
}

void history_deadline(struct history_reader *reader, uint64_t deadline_ns) {
	reader->deadline_ns = deadline_ns;
	reader_watch(reader);
}

uint64_t reader_deadline(const struct history_reader *reader, uint64_t budget_ms) {
	uint64_t own_ns = clock_mono_ns() + budget_ms * NS_PER_MS;
	return reader->deadline_ns != 0 && reader->deadline_ns < own_ns ? reader->deadline_ns : own_ns;
}

enum err room_check(const struct arena *arena, struct error *error) {
	return arena_is_spent(arena) ? error_set(error, ERR_TOO_LARGE, "the response would be too large") : ERR_OK;
}

void history_reader_free(struct history_reader *reader) {
	if (reader == NULL) return;
	for (size_t i = 0; i < QUERY_COUNT; i++) sqlite3_finalize(reader->queries[i]);
	statements_free(&reader->statements);
	free(reader);
}

// ---- Events ----

// Times are compared as text. Behind the last digit the stored text has nothing, or a zone that starts with ' ' or '+',
// or, when the time is later, '.' or a digit. So the bare digits are the lowest text of their instant, and the digits
// with ',' are above all texts of the instant and below all later ones: ' ' < '+' < ',' < '.' < '0'.
struct str event_time_text(struct arena *arena, int64_t ns, const char *end) {
	struct buf buf;
	buf_init(&buf, 64);
	date_format_go(&buf, ns);
	struct str zone = STR(" +0000 UTC");
	struct str prefix = str_first(buf_view(&buf), buf.len - zone.len);
	prefix = arena_cat(arena, prefix, str_from_cstr(end));
	buf_free(&buf);
	return prefix;
}

struct str history_event_user(struct str user) {
	return str_eq(user, STR("{}")) || str_eq(user, STR("null")) ? (struct str){NULL, 0} : user;
}

bool history_event_read(sqlite3_stmt *row, struct arena *arena, struct history_event *out) {
	if (!sql_ulid(row, 0, &out->internal_id)) return false;
	int64_t id_ns = ns_of_ms(ulid_time_ms(&out->internal_id));
	out->received_ns = sql_time(row, 1, id_ns);
	out->id = sql_text(row, 2, arena);
	out->name = sql_text(row, 3, arena);
	out->data = sql_text(row, 4, arena);
	out->user = history_event_user(sql_text(row, 5, arena));
	out->v = sql_text(row, 6, arena);
	out->ts_ms = sql_time(row, 7, id_ns) / NS_PER_MS;
	out->is_bare = (sqlite3_column_int(row, 8) & EVENT_ROW_BARE) != 0;
	return true;
}

enum err history_event_meta(struct history_reader *reader, struct arena *arena, const struct ulid *internal_id,
			    struct str *out, struct error *error) {
	sqlite3_stmt *row;
	*out = (struct str){NULL, 0};
	enum err err = statement_get(reader, STR("SELECT engine_meta FROM events WHERE internal_id = ?1 LIMIT 1"), &row,
				     error);
	if (err != ERR_OK) return err;
	sql_bind_ulid(row, 1, internal_id);
	while (sql_row(row, &err, error)) *out = sql_text(row, 0, arena);
	return err;
}

enum err history_event(struct history_reader *reader, struct arena *arena, const struct ulid *internal_id,
		       struct history_event *out, struct error *error) {
	sqlite3_stmt *statement = reader->queries[QUERY_EVENT];
	sql_bind_ulid(statement, 1, internal_id);
	bool found = false;
	enum err err;
	while (sql_row(statement, &err, error)) found = history_event_read(statement, arena, out);
	if (err == ERR_OK && !found) return error_set(error, ERR_NOT_FOUND, "Event not found");
	return err;
}
