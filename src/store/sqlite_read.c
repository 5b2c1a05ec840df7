// Bodies, for the writer and for readers on connections of their own.
#include <stdlib.h>

#include "store/sqlite_internal.h"

const char sqlite_body_sql[] = "SELECT body FROM engine_body WHERE id ="
			       " (SELECT body_id FROM engine_record WHERE kind = ?1 AND key = ?2)";

static enum err fetch_body(sqlite3 *db, sqlite3_stmt *statement, uint8_t kind, struct str key, struct payload **out,
			   struct error *error) {
	*out = NULL;
	sqlite3_bind_int(statement, 1, kind);
	sqlite3_bind_blob(statement, 2, key.len > 0 ? key.ptr : "", (int)key.len, SQLITE_STATIC);
	int rc = sqlite3_step(statement);
	enum err err = ERR_OK;
	if (rc == SQLITE_ROW) {
		const void *bytes = sqlite3_column_blob(statement, 0);
		int len = sqlite3_column_bytes(statement, 0);
		if (bytes != NULL || len == 0)
			*out = payload_new(str_make(bytes, (size_t)len));
		else
			err = sqlite_fail(db, "read a body", error);
	} else if (rc == SQLITE_DONE) {
		err = error_set(error, ERR_NOT_FOUND, "record has no body");
	} else {
		err = sqlite_fail(db, "read a body", error);
	}
	sqlite3_reset(statement);
	return err;
}

enum err sqlite_body(struct store *base, uint8_t kind, struct str key, struct payload **out, struct error *error) {
	struct sqlite_store *store = sqlite_of(base);
	return fetch_body(store->db, store->statements[STATEMENT_BODY_GET], kind, key, out, error);
}

struct sqlite3 *sqlite_sql(struct store *store) {
	return sqlite_of(store)->db;
}

static enum err reader_configure(struct sqlite_reader *reader, struct error *error) {
	sqlite3_busy_timeout(reader->db, BUSY_TIMEOUT_MS);
	enum err err = sqlite_exec(reader->db, "configure a reader",
				   "PRAGMA query_only = ON; PRAGMA cache_size = -512; PRAGMA mmap_size = 0;"
				   "PRAGMA temp_store = MEMORY",
				   error);
	// The first read opens the log and its index; after that their names are not needed any more.
	if (err == ERR_OK) err = sqlite_prepare(reader->db, sqlite_body_sql, &reader->body_get, error);
	if (err == ERR_OK) err = sqlite_exec(reader->db, "read", "SELECT count(*) FROM engine_meta", error);
	return err;
}

enum err sqlite_reader_connect(struct sqlite_store *store, struct sqlite_reader **out, struct error *error) {
	struct sqlite_reader *reader = mem_calloc(1, sizeof *reader);
	reader->base.ops = store->base.ops;
	reader->store = store;
	int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
	enum err err = ERR_OK;
	if (sqlite3_open_v2(store->path, &reader->db, flags, NULL) != SQLITE_OK)
		err = sqlite_fail(reader->db, "open", error);
	if (err == ERR_OK) err = reader_configure(reader, error);
	if (err != ERR_OK) {
		error_prefix(error, "database %s", store->path);
		sqlite_reader_disconnect(reader);
		return err;
	}
	*out = reader;
	return ERR_OK;
}

void sqlite_reader_disconnect(struct sqlite_reader *reader) {
	sqlite3_finalize(reader->body_get);
	sqlite3_close_v2(reader->db); // statements that history still holds keep it until they are gone
	free(reader);
}

enum err sqlite_reader_open(struct store *base, struct store_reader **out, struct error *error) {
	struct sqlite_store *store = sqlite_of(base);
	pthread_mutex_lock(&store->readers_lock);
	struct sqlite_reader *reader = store->idle_readers;
	if (reader != NULL) store->idle_readers = reader->next;
	pthread_mutex_unlock(&store->readers_lock);
	if (reader == NULL) {
		if (store->temporary)
			return error_set(error, ERR_BUSY, "all readers of the temporary database are taken");
		enum err err = sqlite_reader_connect(store, &reader, error);
		if (err != ERR_OK) return err;
	}
	reader->next = NULL;
	*out = &reader->base;
	return ERR_OK;
}

void sqlite_reader_close(struct store_reader *base) {
	struct sqlite_reader *reader = container_of(base, struct sqlite_reader, base);
	struct sqlite_store *store = reader->store;
	if (!store->temporary) {
		sqlite_reader_disconnect(reader);
		return;
	}
	pthread_mutex_lock(&store->readers_lock);
	reader->next = store->idle_readers;
	store->idle_readers = reader;
	pthread_mutex_unlock(&store->readers_lock);
}

enum err sqlite_reader_body(struct store_reader *base, uint8_t kind, struct str key, struct payload **out,
			    struct error *error) {
	struct sqlite_reader *reader = container_of(base, struct sqlite_reader, base);
	return fetch_body(reader->db, reader->body_get, kind, key, out, error);
}

struct sqlite3 *sqlite_reader_sql(struct store_reader *base) {
	return container_of(base, struct sqlite_reader, base)->db;
}
