// Transactions over records, and the care for the write-ahead log.
#include "store/sqlite_internal.h"

// Runs a bound statement that returns no rows.
static enum err run(struct sqlite_store *store, enum statement which, const char *what, struct error *error) {
	sqlite3_stmt *statement = store->statements[which];
	int rc = sqlite3_step(statement);
	enum err err = rc == SQLITE_DONE ? ERR_OK : sqlite_fail(store->db, what, error);
	sqlite3_reset(statement);
	return err;
}

static void bind_blob(sqlite3_stmt *statement, int index, struct str bytes) {
	sqlite3_bind_blob64(statement, index, bytes.len > 0 ? bytes.ptr : "", bytes.len, SQLITE_STATIC);
}

static void bind_key(struct sqlite_store *store, enum statement which, const struct record *record) {
	sqlite3_stmt *statement = store->statements[which];
	sqlite3_bind_int(statement, 1, record->kind);
	bind_blob(statement, 2, record_key(record));
}

static enum err run_on_key(struct sqlite_store *store, enum statement which, const struct record *record,
			   struct error *error) {
	bind_key(store, which, record);
	return run(store, which, "delete a record", error);
}

enum err sqlite_begin(struct store *base, struct error *error) {
	struct sqlite_store *store = sqlite_of(base);
	CHECK(sqlite3_get_autocommit(store->db));
	return run(store, STATEMENT_BEGIN, "begin a transaction", error);
}

static enum err add_body(struct sqlite_store *store, struct str body, int64_t *id, struct error *error) {
	sqlite3_stmt *statement = store->statements[STATEMENT_BODY_ADD];
	*id = store->next_body_id++;
	sqlite3_bind_int64(statement, 1, *id);
	bind_blob(statement, 2, body);
	return run(store, STATEMENT_BODY_ADD, "write a body", error);
}

static enum err put(struct sqlite_store *store, const struct record *record, struct error *error) {
	sqlite3_stmt *statement = store->statements[STATEMENT_PUT];
	bind_key(store, STATEMENT_PUT, record);
	bind_blob(statement, 3, record->head);
	sqlite3_bind_null(statement, 4);
	struct payload *body = record_body(record);
	if (body != NULL) {
		int64_t id;
		enum err err = add_body(store, payload_str(body), &id, error);
		if (err != ERR_OK) return err;
		sqlite3_bind_int64(statement, 4, id);
	}
	enum err err = run(store, STATEMENT_PUT, "write a record", error);
	if (err != ERR_OK || sqlite3_changes(store->db) > 0) return err;
	// The record had a body: that goes first, then nothing stands in the way.
	err = run_on_key(store, STATEMENT_BODY_DELETE, record, error);
	if (err == ERR_OK) err = run_on_key(store, STATEMENT_BODY_UNLINK, record, error);
	if (err == ERR_OK) err = run(store, STATEMENT_PUT, "write a record", error);
	return err;
}

static enum err put_head(struct sqlite_store *store, const struct record *record, struct error *error) {
	bind_key(store, STATEMENT_HEAD, record);
	bind_blob(store->statements[STATEMENT_HEAD], 3, record->head);
	return run(store, STATEMENT_HEAD, "write a record's head", error);
}

static enum err delete_one(struct sqlite_store *store, const struct record *record, struct error *error) {
	enum err err = run_on_key(store, STATEMENT_DELETE_PLAIN, record, error);
	if (err != ERR_OK || sqlite3_changes(store->db) > 0) return err;
	err = run_on_key(store, STATEMENT_BODY_DELETE, record, error);
	return err == ERR_OK ? run_on_key(store, STATEMENT_DELETE, record, error) : err;
}

// Keys with a prefix are those from the prefix itself to the prefix filled up with 0xFF.
static enum err run_on_range(struct sqlite_store *store, enum statement which, const struct record *record,
			     struct error *error) {
	uint8_t last[RECORD_KEY_MAX];
	memset(last, 0xFF, sizeof last);
	memcpy(last, record->key, record->key_len);
	bind_key(store, which, record);
	bind_blob(store->statements[which], 3, str_make(last, sizeof last));
	return run(store, which, "delete records", error);
}

static enum err delete_prefix(struct sqlite_store *store, const struct record *record, struct error *error) {
	enum err err = run_on_range(store, STATEMENT_BODY_DELETE_RANGE, record, error);
	return err == ERR_OK ? run_on_range(store, STATEMENT_DELETE_RANGE, record, error) : err;
}

// Retired records stay where they are: loading passes them by, as the record that they belong to is gone.
static enum err retire_prefix(struct sqlite_store *store, const struct record *record, struct error *error) {
	(void)store, (void)error;
	CHECK(record->kind == RECORD_STEP);
	return ERR_OK;
}

enum err sqlite_write(struct store *base, const struct record *record, struct error *error) {
	static enum err (*const writers[])(struct sqlite_store *, const struct record *, struct error *) = {
		[RECORD_PUT] = put,
		[RECORD_HEAD] = put_head,
		[RECORD_DELETE] = delete_one,
		[RECORD_DELETE_PREFIX] = delete_prefix,
		[RECORD_RETIRE_PREFIX] = retire_prefix,
	};
	CHECK((size_t)record->op < ARRAY_LEN(writers));
	return writers[record->op](sqlite_of(base), record, error);
}

// Copies the log into the main file, so that the next commit can start the log over. That succeeds only while no
// reader looks at the log: readers that overlap for ever would make it grow without end, so past the hard limit the
// writer waits for them a moment (new readers then use the main file).
static void checkpoint(struct sqlite_store *store) {
	if (store->log_pages < CHECKPOINT_PAGES) store->checkpoint_at = CHECKPOINT_PAGES;
	if (store->log_pages < store->checkpoint_at) return;
	bool wait = store->log_pages >= CHECKPOINT_PAGES_HARD;
	if (wait) sqlite3_busy_timeout(store->db, CHECKPOINT_WAIT_MS);
	sqlite3_wal_checkpoint_v2(store->db, "main", wait ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, NULL,
				  NULL);
	if (wait) sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
	// When it was in vain the next attempt comes a good piece later, not at each commit.
	store->checkpoint_at = store->log_pages + CHECKPOINT_PAGES;
}

enum err sqlite_commit(struct store *base, struct error *error) {
	struct sqlite_store *store = sqlite_of(base);
	enum err err = run(store, STATEMENT_COMMIT, "commit", error);
	if (err == ERR_OK) checkpoint(store);
	return err;
}

void sqlite_rollback(struct store *base) {
	struct sqlite_store *store = sqlite_of(base);
	// A full disk makes SQLite roll back by itself.
	if (!sqlite3_get_autocommit(store->db)) sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}
