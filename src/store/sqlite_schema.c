// Our tables in the database file, and the statements over them.
#include <inttypes.h>

#include "store/sqlite_internal.h"

#define FORMAT_VERSION 1

static const char tables[] = "CREATE TABLE IF NOT EXISTS engine_meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
			     "CREATE TABLE IF NOT EXISTS engine_record(kind INTEGER NOT NULL, key BLOB NOT NULL, head "
			     "BLOB NOT NULL, body BLOB,"
			     " body_id INTEGER, PRIMARY KEY(kind, key)) WITHOUT ROWID;"
			     "CREATE TABLE IF NOT EXISTS engine_body(id INTEGER PRIMARY KEY, body BLOB NOT NULL);"
			     "CREATE TABLE IF NOT EXISTS engine_quarantine(id INTEGER PRIMARY KEY, kind INTEGER, key "
			     "BLOB, head BLOB, body BLOB,"
			     " reason TEXT NOT NULL, quarantined_at TEXT NOT NULL DEFAULT (datetime('now')));"
			     "INSERT OR IGNORE INTO engine_meta VALUES('format', 1);";

static const char *const statement_sql[STATEMENT_COUNT] = {
	[STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
	[STATEMENT_COMMIT] = "COMMIT",
	// Changes nothing when the record that is there has a body: the caller then removes that first.
	[STATEMENT_PUT] = "INSERT INTO engine_record(kind, key, head, body_id) VALUES(?1, ?2, ?3, ?4)"
			  " ON CONFLICT(kind, key) DO UPDATE SET head = excluded.head, body_id = excluded.body_id"
			  " WHERE body_id IS NULL",
	[STATEMENT_HEAD] = "INSERT INTO engine_record(kind, key, head) VALUES(?1, ?2, ?3)"
			   " ON CONFLICT(kind, key) DO UPDATE SET head = excluded.head",
	[STATEMENT_DELETE_PLAIN] = "DELETE FROM engine_record WHERE kind = ?1 AND key = ?2 AND body_id IS NULL",
	[STATEMENT_DELETE] = "DELETE FROM engine_record WHERE kind = ?1 AND key = ?2",
	[STATEMENT_DELETE_RANGE] = "DELETE FROM engine_record WHERE kind = ?1 AND key >= ?2 AND key <= ?3",
	[STATEMENT_BODY_ADD] = "INSERT INTO engine_body(id, body) VALUES(?1, ?2)",
	[STATEMENT_BODY_DELETE] = "DELETE FROM engine_body WHERE id ="
				  " (SELECT body_id FROM engine_record WHERE kind = ?1 AND key = ?2)",
	[STATEMENT_BODY_UNLINK] = "UPDATE engine_record SET body_id = NULL WHERE kind = ?1 AND key = ?2",
	[STATEMENT_BODY_DELETE_RANGE] = "DELETE FROM engine_body WHERE id IN (SELECT body_id FROM engine_record"
					" WHERE kind = ?1 AND key >= ?2 AND key <= ?3 AND body_id IS NOT NULL)",
	[STATEMENT_BODY_GET] = sqlite_body_sql,
};

static enum err read_number(sqlite3 *db, const char *sql, int64_t *out, struct error *error) {
	sqlite3_stmt *statement;
	enum err err = sqlite_prepare(db, sql, &statement, error);
	if (err != ERR_OK) return err;
	int rc = sqlite3_step(statement);
	*out = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE) err = sqlite_fail(db, "read", error);
	sqlite3_finalize(statement);
	return err;
}

static enum err create_all(struct sqlite_store *store, struct error *error) {
	enum err err = sqlite_exec(store->db, "create the engine's tables", tables, error);
	if (err != ERR_OK) return err;
	int64_t format;
	err = read_number(store->db, "SELECT value FROM engine_meta WHERE name = 'format'", &format, error);
	if (err != ERR_OK) return err;
	if (format != FORMAT_VERSION)
		return error_set(error, ERR_UNSUPPORTED,
				 "it has format %" PRId64 " of the engine's tables, this program knows format %d",
				 format, FORMAT_VERSION);
	err = read_number(store->db, "SELECT max(id) + 1 FROM engine_body", &store->next_body_id, error);
	if (store->next_body_id < 1) store->next_body_id = 1;
	return err;
}

enum err sqlite_schema_create(struct sqlite_store *store, struct error *error) {
	enum err err = sqlite_exec(store->db, "lock", "BEGIN IMMEDIATE", error);
	if (err != ERR_OK) return err;
	err = create_all(store, error);
	if (err == ERR_OK) err = sqlite_exec(store->db, "create the engine's tables", "COMMIT", error);
	if (err != ERR_OK) sqlite_rollback(&store->base);
	return err;
}

enum err sqlite_statements_prepare(struct sqlite_store *store, struct error *error) {
	for (size_t i = 0; i < STATEMENT_COUNT; i++) {
		enum err err = sqlite_prepare(store->db, statement_sql[i], &store->statements[i], error);
		if (err != ERR_OK) return err;
	}
	return ERR_OK;
}

void sqlite_statements_finalize(struct sqlite_store *store) {
	for (size_t i = 0; i < STATEMENT_COUNT; i++) {
		sqlite3_finalize(store->statements[i]);
		store->statements[i] = NULL;
	}
}
