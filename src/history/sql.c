// Small helpers over SQLite: errors, binding, columns.
#include "history/history_internal.h"

enum err sql_fail(sqlite3 *db, const char *what, struct error *error) {
	int rc = sqlite3_errcode(db) & 0xFF;
	if (rc == SQLITE_INTERRUPT) return error_set(error, ERR_BUSY, "the request takes too long");
	enum err code = rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB ? ERR_CORRUPT
			: rc == SQLITE_BUSY || rc == SQLITE_LOCKED  ? ERR_BUSY
								    : ERR_IO;
	return error_set(error, code, "history: %s: %s", what, sqlite3_errmsg(db));
}

enum err sql_exec(sqlite3 *db, const char *sql, struct error *error) {
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? ERR_OK : sql_fail(db, "schema", error);
}

enum err sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct error *error) {
	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK) return ERR_OK;
	return sql_fail(db, "prepare", error);
}

enum err sql_run(sqlite3_stmt *statement, struct error *error) {
	enum err err = ERR_OK;
	if (sqlite3_step(statement) != SQLITE_DONE) err = sql_fail(sqlite3_db_handle(statement), "write", error);
	sqlite3_reset(statement);
	return err;
}

bool sql_row(sqlite3_stmt *statement, enum err *err, struct error *error) {
	int rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW) return true;
	*err = rc == SQLITE_DONE ? ERR_OK : sql_fail(sqlite3_db_handle(statement), "read", error);
	sqlite3_reset(statement);
	return false;
}

void sql_bind_text(sqlite3_stmt *statement, int index, struct str text) {
	sqlite3_bind_text64(statement, index, text.len > 0 ? text.ptr : "", text.len, SQLITE_STATIC, SQLITE_UTF8);
}

void sql_bind_text_or_null(sqlite3_stmt *statement, int index, struct str text) {
	if (text.len > 0)
		sql_bind_text(statement, index, text);
	else
		sqlite3_bind_null(statement, index);
}

void sql_bind_ulid(sqlite3_stmt *statement, int index, const struct ulid *ulid) {
	sqlite3_bind_blob(statement, index, ulid->bytes, sizeof ulid->bytes, SQLITE_STATIC);
}

void sql_bind_ulid_or_null(sqlite3_stmt *statement, int index, const struct ulid *ulid) {
	if (ulid_is_zero(ulid))
		sqlite3_bind_null(statement, index);
	else
		sql_bind_ulid(statement, index, ulid);
}

void sql_bind_uuid(sqlite3_stmt *statement, int index, const struct uuid *uuid) {
	char text[UUID_TEXT_LEN + 1];
	uuid_text(uuid, text);
	sqlite3_bind_text(statement, index, text, UUID_TEXT_LEN, SQLITE_TRANSIENT);
}

static struct str column_text(sqlite3_stmt *statement, int column) {
	const unsigned char *text = sqlite3_column_text(statement, column);
	return str_make(text, text != NULL ? (size_t)sqlite3_column_bytes(statement, column) : 0);
}

struct str sql_text(sqlite3_stmt *statement, int column, struct arena *arena) {
	struct str text = column_text(statement, column);
	return text.len > 0 ? arena_dup(arena, text) : (struct str){NULL, 0};
}

struct str sql_bytes(sqlite3_stmt *statement, int column) {
	const void *bytes = sqlite3_column_blob(statement, column);
	return str_make(bytes != NULL ? bytes : "", (size_t)sqlite3_column_bytes(statement, column));
}

bool ulid_is_zero(const struct ulid *ulid) {
	static const struct ulid zero;
	return ulid_cmp(ulid, &zero) == 0;
}

#define ULID_TIME_MAX_MS ((1ull << 48) - 1)

static struct ulid ulid_filled(uint64_t ms, int byte) {
	uint8_t rest[10];
	memset(rest, byte, sizeof rest);
	return ulid_make(ms < ULID_TIME_MAX_MS ? ms : ULID_TIME_MAX_MS, rest);
}

struct ulid ulid_floor(uint64_t ms) {
	return ulid_filled(ms, 0);
}

struct ulid ulid_ceiling(uint64_t ms) {
	return ulid_filled(ms, 0xFF);
}

bool sql_ulid(sqlite3_stmt *statement, int column, struct ulid *out) {
	const void *bytes = sqlite3_column_blob(statement, column);
	if (bytes == NULL || sqlite3_column_bytes(statement, column) != (int)sizeof out->bytes) return false;
	memcpy(out->bytes, bytes, sizeof out->bytes);
	return true;
}

bool sql_uuid(sqlite3_stmt *statement, int column, struct uuid *out) {
	return uuid_parse(column_text(statement, column), out);
}

int64_t sql_time(sqlite3_stmt *statement, int column, int64_t otherwise) {
	int64_t ns;
	return date_parse(column_text(statement, column), &ns) ? ns : otherwise;
}

void *rows_add(struct rows *rows) {
	if (rows->count == rows->cap) {
		size_t cap = rows->cap == 0 ? 8 : rows->cap * 2;
		char *items = arena_calloc(rows->arena, cap, rows->row_size);
		if (rows->count > 0) memcpy(items, rows->items, rows->count * rows->row_size);
		rows->items = items;
		rows->cap = cap;
	}
	return rows->items + rows->row_size * rows->count++;
}
