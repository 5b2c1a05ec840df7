// Prepared statements by their texts; several of them as one reading.
#include <stdlib.h>

#include "history/history_internal.h"

static void slot_free(struct statement_slot *slot) {
	sqlite3_finalize(slot->statement);
	free((char *)slot->sql.ptr);
	*slot = (struct statement_slot){0};
}

// The slot with this text, or the one that it takes.
static struct statement_slot *find_slot(struct statements *statements, struct str sql) {
	struct statement_slot *oldest = &statements->slots[0];
	for (size_t i = 0; i < STATEMENTS_MAX; i++) {
		struct statement_slot *slot = &statements->slots[i];
		if (slot->statement != NULL && str_eq(sql, slot->sql)) return slot;
		if (slot->used < oldest->used) oldest = slot;
	}
	slot_free(oldest);
	return oldest;
}

enum err statement_get(struct history_reader *reader, struct str sql, sqlite3_stmt **out, struct error *error) {
	struct statement_slot *slot = find_slot(&reader->statements, sql);
	if (slot->statement == NULL) {
		slot->sql = str_make(mem_strndup(sql.ptr, sql.len), sql.len);
		enum err err = sql_prepare(reader->db, slot->sql.ptr, &slot->statement, error);
		if (err != ERR_OK) {
			slot_free(slot);
			return err;
		}
	}
	slot->used = ++reader->statements.clock;
	sqlite3_reset(slot->statement);
	sqlite3_clear_bindings(slot->statement);
	*out = slot->statement;
	return ERR_OK;
}

void statements_free(struct statements *statements) {
	for (size_t i = 0; i < STATEMENTS_MAX; i++) slot_free(&statements->slots[i]);
}

// What this cannot do goes on without: it is for speed, and for one view of all.
static void run_once(struct history_reader *reader, struct str sql) {
	struct error error;
	sqlite3_stmt *statement;
	if (statement_get(reader, sql, &statement, &error) == ERR_OK && sql_run(statement, &error) != ERR_OK)
		sqlite3_reset(statement);
}

bool reading_begin(struct history_reader *reader) {
	if (sqlite3_get_autocommit(reader->db) == 0) return false;
	run_once(reader, STR("BEGIN"));
	return true;
}

void reading_renew(struct history_reader *reader) {
	if (sqlite3_get_autocommit(reader->db) != 0) return;
	run_once(reader, STR("COMMIT"));
	run_once(reader, STR("BEGIN"));
}

void reading_end(struct history_reader *reader, bool began) {
	if (began && sqlite3_get_autocommit(reader->db) == 0) run_once(reader, STR("COMMIT"));
}
