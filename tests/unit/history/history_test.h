// Shared by the history tests: a database in memory with the schema, a writer, a reader, and ways to look at rows.
#ifndef INNGEST_TESTS_HISTORY_TEST_H
#define INNGEST_TESTS_HISTORY_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/check.h"
#include "base/clock.h"
#include "history/history.h"

#define assert_ok(call, error) assert_ok_at((call), (error), __FILE__, __LINE__)
static inline void assert_ok_at(enum err err, const struct error *error, const char *file, int line) {
	if (err != ERR_OK) fail_msg("%s:%d: %s", file, line, error->message);
}

struct fixture {
	sqlite3 *db;
	struct history_writer *writer;
	struct history_reader *reader;
	struct arena arena;
	struct error error;
};

static inline void exec(sqlite3 *db, const char *sql) {
	char *message = NULL;
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s: %s", sql, message);
}

static inline int set_up(void **state) {
	struct fixture *f = mem_calloc(1, sizeof *f);
	assert_int_equal(sqlite3_open(":memory:", &f->db), SQLITE_OK);
	assert_ok(history_migrate(f->db, &f->error), &f->error);
	assert_ok(history_writer_new(f->db, &f->writer, &f->error), &f->error);
	assert_ok(history_reader_new(f->db, &f->reader, &f->error), &f->error);
	arena_init(&f->arena, 0);
	*state = f;
	return 0;
}

static inline int tear_down(void **state) {
	struct fixture *f = *state;
	history_writer_free(f->writer);
	history_reader_free(f->reader);
	arena_free(&f->arena);
	assert_int_equal(sqlite3_close(f->db), SQLITE_OK); // busy if a statement were left over
	free(f);
	return 0;
}

static inline void write_item(struct fixture *f, const struct history_item *item) {
	assert_ok(history_write(f->writer, item, &f->error), &f->error);
}

// All rows of a query: columns parted by '|', rows by ';'; NULL, and blobs as x'…'.
static inline const char *rows_of(sqlite3 *db, const char *sql) {
	static char text[32768];
	size_t len = 0;
	sqlite3_stmt *row;
	if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	text[0] = '\0';
	while (sqlite3_step(row) == SQLITE_ROW) {
		if (len > 0) len += (size_t)snprintf(text + len, sizeof text - len, ";");
		for (int i = 0; i < sqlite3_column_count(row); i++) {
			if (i > 0) len += (size_t)snprintf(text + len, sizeof text - len, "|");
			int type = sqlite3_column_type(row, i);
			if (type == SQLITE_NULL) len += (size_t)snprintf(text + len, sizeof text - len, "NULL");
			if (type == SQLITE_NULL) continue;
			if (type != SQLITE_BLOB) {
				len += (size_t)snprintf(text + len, sizeof text - len, "%s",
							sqlite3_column_text(row, i));
				continue;
			}
			const unsigned char *bytes = sqlite3_column_blob(row, i);
			for (int k = 0; k < sqlite3_column_bytes(row, i); k++)
				len += (size_t)snprintf(text + len, sizeof text - len, "%02x", bytes[k]);
		}
	}
	sqlite3_finalize(row);
	return text;
}

#define assert_rows(db, sql, expected) assert_string_equal(rows_of((db), (sql)), (expected))

// The id of number `n` in a millisecond.
static inline struct ulid make_ulid(uint64_t ms, uint8_t n) {
	return ulid_make(ms, (const uint8_t[10]){0, 0, 0, 0, 0, 0, 0, 0, 0, n});
}

static inline struct uuid make_uuid(const char *text) {
	return uuid_v5(str_from_cstr(text));
}

static inline const char *uuid_of(const char *text) {
	static char out[UUID_TEXT_LEN + 1];
	struct uuid uuid = make_uuid(text);
	uuid_text(&uuid, out);
	return out;
}

#define assert_str(actual, expected)                                                            \
	do {                                                                                    \
		struct str actual_ = (actual);                                                  \
		assert_int_equal(actual_.len, strlen(expected));                                \
		if (actual_.len > 0) assert_memory_equal(actual_.ptr, (expected), actual_.len); \
	} while (0)

// Steps of all statements since the last call.
static inline int steps_taken(sqlite3 *db) {
	int steps = 0;
	for (sqlite3_stmt *next = sqlite3_next_stmt(db, NULL); next != NULL; next = sqlite3_next_stmt(db, next))
		steps += sqlite3_stmt_status(next, SQLITE_STMTSTATUS_VM_STEP, 1);
	return steps;
}

#endif
