// Start: every record once, in order; those that nobody can read are set aside.
#include <stdlib.h>

#include "store/sqlite_internal.h"

// A record that was refused; moved after the scan, which must not be disturbed. Kind and key may be of any type.
struct refused {
	sqlite3_value *kind, *key;
	char *reason;
};
struct refused_list {
	struct refused *items;
	size_t count, cap;
};

static void refuse(struct refused_list *list, sqlite3_stmt *row, const char *reason) {
	if (list->count == list->cap) {
		list->cap = list->cap == 0 ? 16 : list->cap * 2;
		list->items = mem_realloc(list->items, list->cap * sizeof *list->items);
	}
	struct refused *item = &list->items[list->count++];
	item->kind = sqlite3_value_dup(sqlite3_column_value(row, 0));
	item->key = sqlite3_value_dup(sqlite3_column_value(row, 1));
	item->reason = mem_strndup(reason, strlen(reason));
}

static void refused_free(struct refused_list *list) {
	for (size_t i = 0; i < list->count; i++) {
		sqlite3_value_free(list->items[i].kind);
		sqlite3_value_free(list->items[i].key);
		free(list->items[i].reason);
	}
	free(list->items);
}

static struct str column_bytes(sqlite3_stmt *statement, int column) {
	const void *bytes = sqlite3_column_blob(statement, column);
	return str_make(bytes != NULL ? bytes : "", (size_t)sqlite3_column_bytes(statement, column));
}

static void load_row(sqlite3_stmt *row, store_load_fn *record, void *context, struct refused_list *refused) {
	int64_t kind = sqlite3_column_int64(row, 0);
	bool typed = sqlite3_column_type(row, 0) == SQLITE_INTEGER && sqlite3_column_type(row, 1) == SQLITE_BLOB;
	struct error reason = {0};
	if (!typed || kind < 0 || kind > UINT8_MAX || sqlite3_column_bytes(row, 1) > RECORD_KEY_MAX) {
		refuse(refused, row, "kind or key out of range");
	} else if (record(context, (uint8_t)kind, column_bytes(row, 1), column_bytes(row, 2), &reason) != ERR_OK) {
		refuse(refused, row, reason.message);
	}
}

static enum err scan(sqlite3 *db, const char *sql, store_load_fn *record, void *context, struct refused_list *refused,
		     struct error *error) {
	sqlite3_stmt *row;
	enum err err = sqlite_prepare(db, sql, &row, error);
	if (err != ERR_OK) return err;
	int rc;
	while ((rc = sqlite3_step(row)) == SQLITE_ROW) load_row(row, record, context, refused);
	if (rc != SQLITE_DONE) err = sqlite_fail(db, "load the records", error);
	sqlite3_finalize(row);
	return err;
}

// Steps stay when their run is gone, and there are many of those: only the steps of runs that are there are looked at.
// A key that is longer than its run's by at most 5 bytes lies below the run's key and 5 bytes of 0xFF.
static enum err scan_all(sqlite3 *db, store_load_fn *record, void *context, struct refused_list *refused,
			 struct error *error) {
	_Static_assert(RECORD_RUN == 4 && RECORD_STEP == 5, "the numbers in the texts");
	static const char *const scans[] = {
		"SELECT kind, key, head FROM engine_record WHERE kind < 5 ORDER BY kind, key",
		"SELECT s.kind, s.key, s.head FROM engine_record r CROSS JOIN engine_record s ON s.kind = 5"
		" AND s.key > r.key AND s.key < CAST(r.key || x'FFFFFFFFFF' AS BLOB) WHERE r.kind = 4"
		" ORDER BY r.key, s.key",
		"SELECT kind, key, head FROM engine_record WHERE kind > 5 ORDER BY kind, key",
	};
	enum err err = ERR_OK;
	for (size_t i = 0; i < ARRAY_LEN(scans) && err == ERR_OK; i++)
		err = scan(db, scans[i], record, context, refused, error);
	return err;
}

static enum err run_for(sqlite3 *db, const char *sql, const struct refused *item, struct error *error) {
	sqlite3_stmt *statement;
	enum err err = sqlite_prepare(db, sql, &statement, error);
	if (err != ERR_OK) return err;
	sqlite3_bind_value(statement, 1, item->kind);
	sqlite3_bind_value(statement, 2, item->key);
	if (sqlite3_bind_parameter_count(statement) > 2)
		sqlite3_bind_text(statement, 3, item->reason, -1, SQLITE_STATIC);
	if (sqlite3_step(statement) != SQLITE_DONE) err = sqlite_fail(db, "quarantine a record", error);
	sqlite3_finalize(statement);
	return err;
}

static enum err quarantine_one(sqlite3 *db, const struct refused *item, struct error *error) {
	static const char *const steps[] = {
		"INSERT INTO engine_quarantine(kind, key, head, body, reason)"
		" SELECT r.kind, r.key, r.head, b.body, ?3 FROM engine_record r"
		" LEFT JOIN engine_body b ON b.id = r.body_id WHERE r.kind = ?1 AND r.key = ?2",
		"DELETE FROM engine_body WHERE id = (SELECT body_id FROM engine_record WHERE kind = ?1 AND key = ?2)",
		"DELETE FROM engine_record WHERE kind = ?1 AND key = ?2",
	};
	enum err err = ERR_OK;
	for (size_t i = 0; i < ARRAY_LEN(steps) && err == ERR_OK; i++) err = run_for(db, steps[i], item, error);
	return err;
}

static enum err quarantine(struct sqlite_store *store, const struct refused_list *refused, struct error *error) {
	if (refused->count == 0) return ERR_OK;
	enum err err = sqlite_begin(&store->base, error);
	if (err != ERR_OK) return err;
	for (size_t i = 0; i < refused->count && err == ERR_OK; i++)
		err = quarantine_one(store->db, &refused->items[i], error);
	if (err == ERR_OK) err = sqlite_commit(&store->base, error);
	if (err != ERR_OK) sqlite_rollback(&store->base);
	return err;
}

enum err sqlite_load(struct store *base, store_load_fn *record, void *context, uint64_t *quarantined,
		     struct error *error) {
	struct sqlite_store *store = sqlite_of(base);
	struct refused_list refused = {0};
	enum err err = scan_all(store->db, record, context, &refused, error);
	if (err == ERR_OK) err = quarantine(store, &refused, error);
	*quarantined = refused.count;
	refused_free(&refused);
	if (err != ERR_OK) error_prefix(error, "database %s", store->path);
	return err;
}
