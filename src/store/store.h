// The store: records durable in one transaction per group of batches (docs/architecture.md, "Durability").
//
// One writer thread (the journal) owns `struct store`; `struct store_reader` is a second handle for fetching bodies,
// one thread at a time each. The store knows nothing of what a record means.
#ifndef INNGEST_STORE_STORE_H
#define INNGEST_STORE_STORE_H

#include "base/error.h"
#include "model/record.h"

struct store;
struct store_reader;
struct sqlite3;

enum durability {
	DURABILITY_NONE,  // nothing is promised after the process ends
	DURABILITY_OS,    // survives kill -9 of the process
	DURABILITY_FSYNC, // survives power loss
};

// In memory only (simulation, tests).
struct store *store_open_memory(void);
// `path` NULL: a temporary file (in $TMPDIR or /tmp) that is unlinked at once; then `readers` further connections are
// opened before it disappears and handed out by store_reader_open (ERR_BUSY when all are taken). Creates the engine's
// tables (names start with engine_) beside the reference server's. The directory must exist. ERR_BUSY when another
// process has the store open, ERR_CORRUPT when the file is no database; messages name the path.
ERR_CHECKED enum err store_open_sqlite(const char *path, enum durability durability, unsigned readers,
				       struct store **out, struct error *error);
void store_close(struct store *store); // commits nothing; truncates the WAL after a clean run

// Calls `record` for every record, kinds and keys ascending. When it returns an error the record moves to the
// quarantine (table engine_quarantine with the reason) in a transaction of its own, and loading goes on;
// `*quarantined` counts them.
typedef enum err store_load_fn(void *context, uint8_t kind, struct str key, struct str head, struct error *error);
ERR_CHECKED enum err store_load(struct store *store, store_load_fn *record, void *context, uint64_t *quarantined,
				struct error *error);

// One transaction: begin, any number of writes, commit. After a failed write or commit call store_rollback.
ERR_CHECKED enum err store_begin(struct store *store, struct error *error);
ERR_CHECKED enum err store_write(struct store *store, const struct record *record, struct error *error);
ERR_CHECKED enum err store_commit(struct store *store, struct error *error);
void store_rollback(struct store *store);
// Body of a record as the writer sees it, uncommitted changes included. ERR_NOT_FOUND when absent or without body.
ERR_CHECKED enum err store_body(struct store *store, uint8_t kind, struct str key, struct payload **out,
				struct error *error);
// The SQLite connection inside the open transaction, for history (NULL for the memory store).
struct sqlite3 *store_sql(struct store *store);

ERR_CHECKED enum err store_reader_open(struct store *store, struct store_reader **out, struct error *error);
void store_reader_close(struct store_reader *reader);
// Body of a committed record; a new payload with one reference for the caller.
ERR_CHECKED enum err store_reader_body(struct store_reader *reader, uint8_t kind, struct str key, struct payload **out,
				       struct error *error);
// The reader's own read-only SQLite connection, for history queries (NULL for the memory store).
struct sqlite3 *store_reader_sql(struct store_reader *reader);

#endif
