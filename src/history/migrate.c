// Brings a database to the schema, whoever made it. Everything goes by what is there, not by what the version rows say:
// so nothing fails on what exists, and what is missing is made.
#include "history/history_internal.h"

#define COLUMNS_MAX 32
#define VERSION_LAST 5 // 09 §3.2; never add rows with other numbers

static void append_columns(struct buf *sql, const struct table *table) {
	for (size_t i = 0; i < table->column_count; i++) {
		const struct column *column = &table->columns[i];
		buf_printf(sql, "%s%s %s %s", i > 0 ? ", " : "", column->name, column->type, column->rest);
	}
	if (table->key != NULL) buf_printf(sql, ", %s", table->key);
}

static enum err exec_buf(sqlite3 *db, struct buf *sql, struct error *error) {
	buf_byte(sql, '\0');
	CHECK(!sql->overflow);
	return sql_exec(db, sql->ptr, error);
}

static enum err create_table(sqlite3 *db, const struct table *table, const char *name, struct error *error) {
	struct buf sql;
	buf_init(&sql, 8192);
	buf_printf(&sql, "CREATE TABLE IF NOT EXISTS %s (", name);
	append_columns(&sql, table);
	buf_lit(&sql, ")");
	enum err err = exec_buf(db, &sql, error);
	buf_free(&sql);
	return err;
}

// True when the query about this name returns a row.
static enum err has_row(sqlite3 *db, const char *sql, const char *name, bool *out, struct error *error) {
	sqlite3_stmt *statement;
	enum err err = sql_prepare(db, sql, &statement, error);
	if (err != ERR_OK) return err;
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	*out = sql_row(statement, &err, error);
	sqlite3_finalize(statement);
	return err;
}

static enum err add_column(sqlite3 *db, const struct table *table, const struct column *column, struct error *error) {
	struct buf sql;
	buf_init(&sql, 1024);
	buf_printf(&sql, "ALTER TABLE %s ADD COLUMN %s %s", table->name, column->name, column->type);
	enum err err = exec_buf(db, &sql, error);
	buf_free(&sql);
	return err;
}

static void mark_column(const struct table *table, struct str name, bool *present) {
	for (size_t i = 0; i < table->column_count; i++)
		if (str_eq_nocase(name, str_from_cstr(table->columns[i].name))) present[i] = true;
}

// Columns that an older schema does not have (is_deferred is version 5) come as nullable ones.
static enum err add_missing_columns(sqlite3 *db, const struct table *table, struct error *error) {
	bool present[COLUMNS_MAX] = {false};
	CHECK(table->column_count <= COLUMNS_MAX);
	sqlite3_stmt *statement;
	enum err err = sql_prepare(db, "SELECT name FROM pragma_table_info(?1)", &statement, error);
	if (err != ERR_OK) return err;
	sqlite3_bind_text(statement, 1, table->name, -1, SQLITE_STATIC);
	while (sql_row(statement, &err, error))
		mark_column(table, str_from_cstr((const char *)sqlite3_column_text(statement, 0)), present);
	sqlite3_finalize(statement);
	for (size_t i = 0; i < table->column_count && err == ERR_OK; i++)
		if (!present[i]) err = add_column(db, table, &table->columns[i], error);
	return err;
}

static enum err create_tables(sqlite3 *db, struct error *error) {
	for (size_t i = 0; i < history_table_count; i++) {
		const struct table *table = &history_tables[i];
		bool present;
		enum err err = has_row(db, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1",
				       table->name, &present, error);
		if (err == ERR_OK)
			err = present ? add_missing_columns(db, table, error)
				      : create_table(db, table, table->name, error);
		if (err != ERR_OK) return err;
	}
	return sql_exec(db, history_plain_indexes, error);
}

// Version 2: `functions` got its primary key; the last row of an id stays.
static enum err rebuild_functions(sqlite3 *db, struct error *error) {
	bool keyed;
	enum err err = has_row(db, "SELECT 1 FROM pragma_table_info(?1) WHERE name = 'id' AND pk = 1", "functions",
			       &keyed, error);
	if (err != ERR_OK || keyed) return err;
	for (size_t i = 0; i < history_table_count && err == ERR_OK; i++) {
		if (strcmp(history_tables[i].name, "functions") == 0)
			err = create_table(db, &history_tables[i], "engine_functions", error);
	}
	if (err != ERR_OK) return err;
	return sql_exec(db,
			"INSERT INTO engine_functions(id, app_id, name, slug, config, created_at, archived_at) SELECT "
			"id, app_id, name, slug, config, created_at, archived_at"
			" FROM functions WHERE rowid IN (SELECT max(rowid) FROM functions GROUP BY id);"
			"DROP TABLE functions;"
			"ALTER TABLE engine_functions RENAME TO functions",
			error);
}

// Unique indexes, each with the clean-up that makes room for it.
static const struct unique_index {
	const char *name, *sql;
} unique_indexes[] = {
	{"version_unique", "CREATE UNIQUE INDEX version_unique ON migrations(version)"},
	{"functions_app_id_slug_active_key", // version 3
	 "UPDATE functions SET archived_at = datetime('now') WHERE archived_at IS NULL AND app_id IS NOT NULL"
	 " AND rowid NOT IN (SELECT max(rowid) FROM functions WHERE archived_at IS NULL GROUP BY app_id, slug);"
	 "CREATE UNIQUE INDEX functions_app_id_slug_active_key ON functions(app_id, slug)"
	 " WHERE archived_at IS NULL"},
	{"apps_name_unique_key", // version 4
	 "UPDATE apps SET archived_at = coalesce(archived_at, datetime('now')), name = name || ' (id:' || id || ')'"
	 " WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY name ORDER BY"
	 " archived_at IS NOT NULL, (SELECT count(*) FROM functions f WHERE f.app_id = apps.id"
	 " AND f.archived_at IS NULL) DESC, created_at DESC, id DESC) AS place FROM apps WHERE name <> '')"
	 " WHERE place > 1);"
	 "CREATE UNIQUE INDEX apps_name_unique_key ON apps(name) WHERE name <> ''"},
};

static enum err create_unique_indexes(sqlite3 *db, struct error *error) {
	enum err err = ERR_OK;
	for (size_t i = 0; i < ARRAY_LEN(unique_indexes) && err == ERR_OK; i++) {
		bool present;
		err = has_row(db, "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?1",
			      unique_indexes[i].name, &present, error);
		if (err == ERR_OK && !present) err = sql_exec(db, unique_indexes[i].sql, error);
	}
	return err;
}

// The reference server refuses a file that lacks a version below the highest one present.
static enum err record_versions(sqlite3 *db, struct error *error) {
	sqlite3_stmt *statement = NULL;
	enum err err = sql_prepare(db,
				   "INSERT INTO goose_db_version(version_id, is_applied) SELECT ?1, 1"
				   " WHERE NOT EXISTS (SELECT 1 FROM goose_db_version WHERE version_id = ?1)",
				   &statement, error);
	for (int version = 0; version <= VERSION_LAST && err == ERR_OK; version++) {
		sqlite3_bind_int(statement, 1, version);
		err = sql_run(statement, error);
	}
	sqlite3_finalize(statement);
	return err;
}

static enum err migrate(sqlite3 *db, struct error *error) {
	enum err err = create_tables(db, error);
	if (err == ERR_OK) err = rebuild_functions(db, error);
	if (err == ERR_OK) err = create_unique_indexes(db, error);
	if (err == ERR_OK) err = record_versions(db, error);
	if (err == ERR_OK) err = sql_exec(db, history_own_schema, error);
	if (err == ERR_OK) err = batches_link(db, error);
	if (err == ERR_OK) err = runs_migrate(db, error);
	return err;
}

enum err history_migrate(struct sqlite3 *db, struct error *error) {
	enum err err = sql_exec(db, "SAVEPOINT history_migrate", error);
	if (err != ERR_OK) return err;
	err = migrate(db, error);
	if (err == ERR_OK) return sql_exec(db, "RELEASE history_migrate", error);
	sqlite3_exec(db, "ROLLBACK TO history_migrate; RELEASE history_migrate", NULL, NULL, NULL);
	return err;
}
