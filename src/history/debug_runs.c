#include "history/debug_runs.h"

#include "history/history_internal.h"

#define COLUMNS "SELECT run_id, debug_run_id, session_id FROM engine_debug_runs"

static void read_ids(sqlite3_stmt *row, struct debug_ids *out) {
	*out = (struct debug_ids){0};
	(void)sql_ulid(row, 1, &out->run_id);
	(void)sql_ulid(row, 2, &out->session_id);
}

enum err history_debug_ids(struct history_reader *reader, const struct ulid *run_id, struct debug_ids *out,
			   struct error *error) {
	sqlite3_stmt *row;
	*out = (struct debug_ids){0};
	enum err err = statement_get(reader, STR(COLUMNS " WHERE run_id = ?1"), &row, error);
	if (err != ERR_OK) return err;
	sql_bind_ulid(row, 1, run_id);
	while (sql_row(row, &err, error)) read_ids(row, out);
	return err;
}

static void reverse(struct debug_row *rows, size_t count) {
	for (size_t i = 0; i < count / 2; i++) {
		struct debug_row row = rows[i];
		rows[i] = rows[count - 1 - i];
		rows[count - 1 - i] = row;
	}
}

enum err history_debug_runs(struct history_reader *reader, struct arena *arena, bool of_session, const struct ulid *id,
			    uint32_t limit, struct debug_row **out, size_t *count, struct error *error) {
	struct str sql = of_session ? STR(COLUMNS " WHERE session_id = ?1 ORDER BY run_id DESC LIMIT ?2")
				    : STR(COLUMNS " WHERE debug_run_id = ?1 ORDER BY run_id DESC LIMIT ?2");
	struct rows rows = {.arena = arena, .row_size = sizeof(struct debug_row)};
	sqlite3_stmt *row;
	enum err err = statement_get(reader, sql, &row, error);
	if (err != ERR_OK) return err;
	sql_bind_ulid(row, 1, id);
	sqlite3_bind_int64(row, 2, limit);
	while (sql_row(row, &err, error)) {
		struct debug_row found = {0};
		if (!sql_ulid(row, 0, &found.run_id)) continue;
		read_ids(row, &found.ids);
		*(struct debug_row *)rows_add(&rows) = found;
	}
	*out = (struct debug_row *)(void *)rows.items;
	*count = rows.count;
	reverse(*out, rows.count);
	return err;
}
