// Opening and closing the database: locks, settings, and the temporary file that loses its name at once.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/sqlite_internal.h"

#define FILE_MODE 0644 // 05 §21
#define PAGE_BYTES "4096"
// A longer log is cut when it starts over, which may take the file system long: more than CHECKPOINT_PAGES_HARD.
#define LOG_BYTES_KEPT "100663296"

static const struct store_ops sqlite_ops;

static enum err code_of(int rc) {
	switch (rc & 0xFF) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_BUSY;
	case SQLITE_TOOBIG:
		return ERR_TOO_LARGE;
	default:
		return ERR_IO;
	}
}

enum err sqlite_fail(sqlite3 *db, const char *what, struct error *error) {
	return error_set(error, code_of(sqlite3_errcode(db)), "%s: %s", what, sqlite3_errmsg(db));
}

enum err sqlite_exec(sqlite3 *db, const char *what, const char *sql, struct error *error) {
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? ERR_OK : sqlite_fail(db, what, error);
}

enum err sqlite_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct error *error) {
	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK) return ERR_OK;
	return sqlite_fail(db, "prepare", error);
}

// Nobody reads SQLite's memory statistics, and counting them takes a lock at each allocation.
static void configure_library(void) {
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

// Two engines on one file would overwrite each other's state. The lock is of another family than SQLite's own and
// goes with the process. Closing any descriptor of the file drops SQLite's locks, so this one is closed last.
static enum err lock_file(struct sqlite_store *store, struct error *error) {
	store->lock_fd = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
	if (store->lock_fd < 0) return error_set(error, ERR_IO, "%s", strerror(errno));
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return ERR_OK;
	return error_set(error, ERR_BUSY, "in use by another inngest process");
}

static enum err set_log_mode(struct sqlite_store *store, struct error *error) {
	sqlite3_stmt *statement;
	enum err err = sqlite_prepare(store->db, "PRAGMA journal_mode = WAL", &statement, error);
	if (err != ERR_OK) return err;
	if (sqlite3_step(statement) != SQLITE_ROW)
		err = sqlite_fail(store->db, "switch to write-ahead logging", error);
	else if (strcmp((const char *)sqlite3_column_text(statement, 0), "wal") != 0)
		err = error_set(error, ERR_IO, "write-ahead logging does not work here");
	sqlite3_finalize(statement);
	return err;
}

static int count_log_pages(void *context, sqlite3 *db, const char *name, int pages) {
	(void)db;
	(void)name;
	((struct sqlite_store *)context)->log_pages = pages;
	return SQLITE_OK;
}

static enum err configure(struct sqlite_store *store, enum durability durability, struct error *error) {
	static const char *const synchronous[] = {
		[DURABILITY_NONE] = "PRAGMA synchronous = OFF",
		[DURABILITY_OS] = "PRAGMA synchronous = NORMAL",
		[DURABILITY_FSYNC] = "PRAGMA synchronous = FULL",
	};
	sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
	enum err err = sqlite_exec(store->db, "configure",
				   "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA page_size = " PAGE_BYTES
				   "; PRAGMA cache_size = -2000; PRAGMA mmap_size = 0;"
				   "PRAGMA temp_store = MEMORY; PRAGMA secure_delete = OFF",
				   error);
	if (err == ERR_OK) err = sqlite_exec(store->db, "configure", synchronous[durability], error);
	if (err == ERR_OK) err = set_log_mode(store, error);
	if (err == ERR_OK)
		err = sqlite_exec(store->db, "configure", "PRAGMA journal_size_limit = " LOG_BYTES_KEPT, error);
	if (err == ERR_OK) sqlite3_wal_hook(store->db, count_log_pages, store);
	return err;
}

static enum err open_database(struct sqlite_store *store, enum durability durability, struct error *error) {
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	enum err err = ERR_OK;
	if (sqlite3_open_v2(store->path, &store->db, flags, NULL) != SQLITE_OK)
		err = sqlite_fail(store->db, "open", error);
	if (err == ERR_OK) err = configure(store, durability, error);
	if (err == ERR_OK) err = sqlite_schema_create(store, error);
	if (err == ERR_OK) err = sqlite_statements_prepare(store, error);
	return err;
}

static enum err make_temporary_path(struct sqlite_store *store, struct error *error) {
	const char *parent = getenv("TMPDIR");
	if (parent == NULL || parent[0] == '\0') parent = "/tmp";
	size_t size = strlen(parent) + sizeof "/inngest-XXXXXX/main.db";
	char *path = mem_alloc(size);
	int dir_len = snprintf(path, size, "%s/inngest-XXXXXX", parent);
	store->path = path;
	if (mkdtemp(path) == NULL) return error_set(error, ERR_IO, "make temporary directory: %s", strerror(errno));
	snprintf(path + dir_len, size - (size_t)dir_len, "/main.db");
	return ERR_OK;
}

// From here on only the open connections hold the file.
static void unlink_temporary(const char *path) {
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	size_t size = strlen(path) + sizeof "-journal";
	char *name = mem_alloc(size);
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		snprintf(name, size, "%s%s", path, suffixes[i]);
		unlink(name);
	}
	snprintf(name, size, "%s", path);
	char *slash = strrchr(name, '/');
	if (slash != NULL) {
		*slash = '\0';
		rmdir(name);
	}
	free(name);
}

static enum err open_temporary(struct sqlite_store *store, unsigned readers, struct error *error) {
	enum err err = make_temporary_path(store, error);
	if (err != ERR_OK) return err;
	err = open_database(store, DURABILITY_NONE, error);
	for (unsigned i = 0; i < readers && err == ERR_OK; i++) {
		struct sqlite_reader *reader;
		err = sqlite_reader_connect(store, &reader, error);
		if (err != ERR_OK) break;
		sqlite3_db_release_memory(reader->db); // most are never used
		sqlite_reader_close(&reader->base);
	}
	unlink_temporary(store->path);
	return err;
}

static enum err open_named(struct sqlite_store *store, const char *path, enum durability durability,
			   struct error *error) {
	// SQLite would read "file:…" and ":memory:" as something else than a name.
	size_t size = strlen(path) + sizeof "./";
	store->path = mem_alloc(size);
	snprintf(store->path, size, "%s%s", path[0] == '/' ? "" : "./", path);
	enum err err = lock_file(store, error);
	return err == ERR_OK ? open_database(store, durability, error) : err;
}

static void close_writer(struct sqlite_store *store) {
	if (store->db == NULL) return;
	sqlite_rollback(&store->base);
	sqlite_statements_finalize(store);
	if (store->temporary)
		sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	else
		sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_close_v2(store->db);
}

static void sqlite_close(struct store *base) {
	struct sqlite_store *store = sqlite_of(base);
	for (struct sqlite_reader *reader = store->idle_readers, *next; reader != NULL; reader = next) {
		next = reader->next;
		sqlite_reader_disconnect(reader);
	}
	close_writer(store);
	if (store->lock_fd >= 0) close(store->lock_fd);
	pthread_mutex_destroy(&store->readers_lock);
	free(store->path);
	free(store);
}

enum err store_open_sqlite(const char *path, enum durability durability, unsigned readers, struct store **out,
			   struct error *error) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, configure_library);
	struct sqlite_store *store = mem_calloc(1, sizeof *store);
	store->base.ops = &sqlite_ops;
	store->lock_fd = -1;
	store->temporary = path == NULL;
	store->checkpoint_at = CHECKPOINT_PAGES;
	pthread_mutex_init(&store->readers_lock, NULL);
	enum err err =
		store->temporary ? open_temporary(store, readers, error) : open_named(store, path, durability, error);
	if (err == ERR_OK) {
		*out = &store->base;
		return ERR_OK;
	}
	error_prefix(error, "database %s", store->temporary ? store->path : path);
	sqlite_close(&store->base);
	return err;
}

static const struct store_ops sqlite_ops = {
	.close = sqlite_close,
	.load = sqlite_load,
	.begin = sqlite_begin,
	.write = sqlite_write,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.body = sqlite_body,
	.sql = sqlite_sql,
	.reader_open = sqlite_reader_open,
	.reader_close = sqlite_reader_close,
	.reader_body = sqlite_reader_body,
	.reader_sql = sqlite_reader_sql,
};
