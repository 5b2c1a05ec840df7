// What the files of src/history share: the schema as data, and small helpers over SQLite.
#ifndef INNGEST_HISTORY_HISTORY_INTERNAL_H
#define INNGEST_HISTORY_HISTORY_INTERNAL_H

#include <sqlite3.h>

#include "base/check.h"
#include "base/clock.h"
#include "history/history.h"

// Events whose internal id says another time than they were received at, by more than this, are listed in
// engine_event_skew: so a search by time needs only a range of ids and that (mostly empty) table.
#define EVENT_SKEW_MS 10000

#define NS_PER_MS 1000000

// Ids may claim any time; what 64 bits of nanoseconds cannot hold is cut.
static inline int64_t ns_of_ms(uint64_t ms) {
	return ms < INT64_MAX / NS_PER_MS ? (int64_t)ms * NS_PER_MS : INT64_MAX;
}

// ---- The schema as data (schema.c) ----

struct column {
	const char *name;
	const char *type;
	const char *rest; // constraints and default
};
struct table {
	const char *name;
	const struct column *columns;
	size_t column_count;
	const char *key; // further table constraint, or NULL
};
// When a worker's connection was last heard of.
#define WORKER_SEEN "coalesce(disconnected_at, last_heartbeat_at, recorded_at)"
extern const struct table history_tables[];
extern const size_t history_table_count;
extern const char history_plain_indexes[]; // of the reference server: the ones that cannot fail
extern const char history_own_schema[];    // ours: names start with engine_

// ---- SQLite (sql.c) ----

enum err sql_fail(sqlite3 *db, const char *what, struct error *error);
enum err sql_exec(sqlite3 *db, const char *sql, struct error *error);
enum err sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct error *error);
// Steps a statement that returns no rows, and resets it.
enum err sql_run(sqlite3_stmt *statement, struct error *error);
// Steps to the next row: true while there is one. At the end resets the statement and sets *err.
bool sql_row(sqlite3_stmt *statement, enum err *err, struct error *error);

// Bound memory must stay until the statement is reset.
void sql_bind_text(sqlite3_stmt *statement, int index, struct str text);
void sql_bind_text_or_null(sqlite3_stmt *statement, int index, struct str text); // empty: NULL
void sql_bind_ulid(sqlite3_stmt *statement, int index, const struct ulid *ulid);
void sql_bind_ulid_or_null(sqlite3_stmt *statement, int index, const struct ulid *ulid); // zero: NULL
void sql_bind_uuid(sqlite3_stmt *statement, int index, const struct uuid *uuid);         // as text, copied

struct str sql_text(sqlite3_stmt *statement, int column, struct arena *arena); // NULL gives the empty slice
struct str sql_bytes(sqlite3_stmt *statement, int column); // until the next step; NULL gives the empty slice
bool sql_ulid(sqlite3_stmt *statement, int column, struct ulid *out);
bool sql_uuid(sqlite3_stmt *statement, int column, struct uuid *out);
// Any of the time texts of 09 §3.3, as nanoseconds; `otherwise` when it is none of them.
int64_t sql_time(sqlite3_stmt *statement, int column, int64_t otherwise);

// The first and the last id of a millisecond.
struct ulid ulid_floor(uint64_t ms);
struct ulid ulid_ceiling(uint64_t ms);
bool ulid_is_zero(const struct ulid *ulid); // what stands for none in the reference server's tables

// ---- Batches (batches.c) ----

extern const char batch_link_sql[];
// One link for each event of a batch, with the prepared batch_link_sql. `known`: they were there already. May be NULL.
ERR_CHECKED enum err batch_link(sqlite3_stmt *insert, struct str event_ids, const struct ulid *run_id, bool *known,
				struct error *error);
// Links of the batches that the reference server has added: the last rows, back to the first one that has links.
ERR_CHECKED enum err batches_link(sqlite3 *db, struct error *error);

// ---- Runs that others have written (migrate_runs.c) ----

// Fills the columns of ours in function_runs where they are missing (runs.h).
ERR_CHECKED enum err runs_migrate(sqlite3 *db, struct error *error);

// ---- Queries (reader.c) ----

enum query {
	QUERY_EVENT,
	QUERY_RUN,
	QUERY_EVENT_RUNS,
	QUERY_EVENT_OUTCOMES,
	QUERY_APPS,
	QUERY_FUNCTIONS,
	QUERY_APP_FUNCTIONS,
	QUERY_FUNCTION_NAMED,
	QUERY_COUNT,
};
// Statements that are put together at run time, by their texts; the one that was not used for the longest goes.
// (statements.c)
#define STATEMENTS_MAX 64
struct statement_slot {
	struct str sql; // NUL-terminated, owned; without a statement: free
	sqlite3_stmt *statement;
	uint64_t used;
};
struct statements {
	struct statement_slot slots[STATEMENTS_MAX];
	uint64_t clock;
};
struct history_reader {
	sqlite3 *db;
	sqlite3_stmt *queries[QUERY_COUNT];
	struct statements statements;
	uint64_t try_steps;   // RUNS_TRY_STEPS; tests have fewer
	uint64_t deadline_ns; // history_deadline
};
#define PROGRESS_STEPS 20000 // of the library's machine between two looks at the clock
// Ends statements when the reader's time is over (reader.c); searches put their own in its place for a while.
void reader_watch(struct history_reader *reader);
uint64_t reader_deadline(const struct history_reader *reader, uint64_t budget_ms); // of a search that begins now
// ERR_TOO_LARGE when the arena is spent.
ERR_CHECKED enum err room_check(const struct arena *arena, struct error *error);
// Steps of the library's machine that a plan gets at first, when there are several (runs_walk.c): about 1 ms.
#define RUNS_TRY_STEPS 100000
// Reset, without bindings; stays for the next few calls. The same text must not be asked for while it is in use.
ERR_CHECKED enum err statement_get(struct history_reader *reader, struct str sql, sqlite3_stmt **out,
				   struct error *error);
void statements_free(struct statements *statements);
// Statements between the two see the same rows, and lock the file once. Not nested: the inner one does nothing.
bool reading_begin(struct history_reader *reader);
// Goes on with what has been written meanwhile: for work that takes long, as the log cannot start over while somebody
// reads what was there before.
void reading_renew(struct history_reader *reader);
void reading_end(struct history_reader *reader, bool began);

// ---- Events (reader.c) ----

// What read_event reads, from `events e`.
#define EVENT_COLUMNS_SELECT                                                                              \
	"e.internal_id, e.received_at, e.event_id, e.event_name, e.event_data, e.event_user, e.event_v, " \
	"e.event_ts, e.engine_flags"
// The same without data and user.
#define EVENT_BARE_SELECT                                                                             \
	"e.internal_id, e.received_at, e.event_id, e.event_name, NULL, NULL, e.event_v, e.event_ts, " \
	"e.engine_flags"
// False when the row has no id.
// Empty for {} and null, which mean that the event has no user.
struct str history_event_user(struct str user);
bool history_event_read(sqlite3_stmt *row, struct arena *arena, struct history_event *out);
// The texts between which a time column's are: `end` is "" for the first instant, "," for the last one (reader.c says
// why).
struct str event_time_text(struct arena *arena, int64_t ns, const char *end);

// An array in the arena that grows by doubling; returns the new last element, zeroed.
struct rows {
	struct arena *arena;
	size_t row_size;
	char *items;
	size_t count, cap;
};
void *rows_add(struct rows *rows);

#endif
