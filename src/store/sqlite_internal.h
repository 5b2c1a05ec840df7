// The SQLite back end: one writing connection, reading connections beside it, write-ahead log.
//
//	engine_record      kind, key, head, and the id of its body; also those that are retired
//	engine_body        bodies in the order of their arrival: appended, never moved by a change of a head. Measured:
//	                   a body beside its head costs more at any length, as heads then spread over more pages.
//	engine_quarantine  records that the engine could not read at start
//	engine_meta        version of this format
#ifndef INNGEST_STORE_SQLITE_INTERNAL_H
#define INNGEST_STORE_SQLITE_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>

#include "store/store_internal.h"

// Pages in the log before they are copied into the main file, and after which the writer waits for the readers so
// that the log can start over.
#define CHECKPOINT_PAGES 4000
#define CHECKPOINT_PAGES_HARD 16000
#define CHECKPOINT_WAIT_MS 100
#define BUSY_TIMEOUT_MS 5000

enum statement {
	STATEMENT_BEGIN,
	STATEMENT_COMMIT,
	STATEMENT_PUT,
	STATEMENT_HEAD,
	STATEMENT_DELETE_PLAIN,
	STATEMENT_DELETE,
	STATEMENT_DELETE_RANGE,
	STATEMENT_BODY_ADD,
	STATEMENT_BODY_DELETE,
	STATEMENT_BODY_UNLINK,
	STATEMENT_BODY_DELETE_RANGE,
	STATEMENT_BODY_GET,
	STATEMENT_COUNT,
};

struct sqlite_reader {
	struct store_reader base;
	struct sqlite_store *store;
	sqlite3 *db;
	sqlite3_stmt *body_get;
	struct sqlite_reader *next; // while it is idle
};

struct sqlite_store {
	struct store base;
	char *path;
	bool temporary; // the file has no name any more
	int lock_fd;    // keeps a second server away from the file; -1 for a temporary one
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENT_COUNT];
	int64_t next_body_id;
	int log_pages;     // after the last commit
	int checkpoint_at; // pages
	pthread_mutex_t readers_lock;
	struct sqlite_reader *idle_readers;
};

static inline struct sqlite_store *sqlite_of(struct store *store) {
	return container_of(store, struct sqlite_store, base);
}

// Turns what SQLite last said about `db` into our error; `what` says what was being done.
enum err sqlite_fail(sqlite3 *db, const char *what, struct error *error);
enum err sqlite_exec(sqlite3 *db, const char *what, const char *sql, struct error *error);
enum err sqlite_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct error *error);

// sqlite_schema.c: tables, version and prepared statements of the writing connection.
enum err sqlite_schema_create(struct sqlite_store *store, struct error *error);
enum err sqlite_statements_prepare(struct sqlite_store *store, struct error *error);
void sqlite_statements_finalize(struct sqlite_store *store);

// sqlite_write.c
enum err sqlite_begin(struct store *store, struct error *error);
enum err sqlite_write(struct store *store, const struct record *record, struct error *error);
enum err sqlite_commit(struct store *store, struct error *error);
void sqlite_rollback(struct store *store);

// sqlite_load.c
enum err sqlite_load(struct store *store, store_load_fn *record, void *context, uint64_t *quarantined,
		     struct error *error);

// sqlite_read.c
extern const char sqlite_body_sql[];
enum err sqlite_body(struct store *store, uint8_t kind, struct str key, struct payload **out, struct error *error);
struct sqlite3 *sqlite_sql(struct store *store);
enum err sqlite_reader_connect(struct sqlite_store *store, struct sqlite_reader **out, struct error *error);
void sqlite_reader_disconnect(struct sqlite_reader *reader);
enum err sqlite_reader_open(struct store *store, struct store_reader **out, struct error *error);
void sqlite_reader_close(struct store_reader *reader);
enum err sqlite_reader_body(struct store_reader *reader, uint8_t kind, struct str key, struct payload **out,
			    struct error *error);
struct sqlite3 *sqlite_reader_sql(struct store_reader *reader);

#endif
