// History: the tables people look at, in the reference server's schema (spec 09 §3–§6), written inside the store's
// transaction and read through connections of their own.
#ifndef INNGEST_HISTORY_HISTORY_H
#define INNGEST_HISTORY_HISTORY_H

#include "base/arena.h"
#include "base/error.h"
#include "model/history_item.h"
#include "model/opcode.h"

struct sqlite3;
struct history_writer;
struct history_reader;

// Creates the missing tables and indexes exactly as spec 09 §4–§5 says and records the goose versions (§3.2).
// Own extra indexes are allowed (§3.2).
ERR_CHECKED enum err history_migrate(struct sqlite3 *db, struct error *error);

// Prepared statements over the writer's connection; used by the journal thread inside an open transaction.
ERR_CHECKED enum err history_writer_new(struct sqlite3 *db, struct history_writer **out, struct error *error);
void history_writer_free(struct history_writer *writer);
ERR_CHECKED enum err history_write(struct history_writer *writer, const struct history_item *item, struct error *error);

// Queries; one thread at a time per reader. Slices of the results live in the given arena.
ERR_CHECKED enum err history_reader_new(struct sqlite3 *db, struct history_reader **out, struct error *error);
void history_reader_free(struct history_reader *reader);
// For who borrows it: statements that are still at work at this time (clock_mono_ns) end with ERR_BUSY, searches with
// what they have found; 0: no such time.
void history_deadline(struct history_reader *reader, uint64_t deadline_ns);

// A page ends early, and says that there is more, when its rows have taken so much memory: a hundred outputs or events
// of the largest size would be half a gigabyte. What is loaded otherwise is ERR_TOO_LARGE when the arena is spent.
#define HISTORY_PAGE_BYTES (16u << 20)

enum event_row_flag {       // stored
	EVENT_ROW_BARE = 1, // retention has taken its data and user
};
struct history_event {
	struct ulid internal_id;
	int64_t received_ns;
	struct str id, name, data, user, v; // data, user: JSON; empty user for {} or null
	int64_t ts_ms;
	bool is_bare; // EVENT_ROW_BARE: `data` is null
};
struct history_events_query { // 05 §12.2
	uint32_t limit;
	bool has_cursor;
	struct ulid cursor;          // only smaller internal ids
	int64_t after_ns, before_ns; // inclusive
	struct str name;             // empty: any
};
// Those of apps, newest internal id first; fewer when they are large (HISTORY_PAGE_BYTES).
ERR_CHECKED enum err history_events(struct history_reader *reader, struct arena *arena,
				    const struct history_events_query *query, struct history_event **out, size_t *count,
				    struct error *error);
// ERR_NOT_FOUND when unknown.
ERR_CHECKED enum err history_event(struct history_reader *reader, struct arena *arena, const struct ulid *internal_id,
				   struct history_event *out, struct error *error);

// The sessions that an event brought, as JSON; empty when there are none, or the event is not known.
ERR_CHECKED enum err history_event_meta(struct history_reader *reader, struct arena *arena,
					const struct ulid *internal_id, struct str *out, struct error *error);

struct history_run {
	struct ulid run_id, event_id, original_run_id;
	struct ulid batch_id; // of a batch of several events; event_id is the first of them
	bool has_original, has_batch;
	struct uuid function_id;
	struct str cron;
	struct str status; // Completed, Failed, Cancelled; empty while it has no finish row
	struct str output; // JSON, empty while running
	bool ended;
	int64_t ended_ns;
};
ERR_CHECKED enum err history_run(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
				 struct history_run *out, struct error *error);
// In the order of their scheduling, behind the run `after` (NULL, or one that is not known: from the first), at most
// `limit` and as many as a page holds; a run of a batch is found by each of its events.
ERR_CHECKED enum err history_event_runs(struct history_reader *reader, struct arena *arena, const struct ulid *event_id,
					const struct ulid *after, size_t limit, struct history_run **out, size_t *count,
					struct error *error);

// Why an event has not become a run of a function that it was due.
struct history_outcome {
	struct uuid function_id;
	struct str outcome, reason;   // outcome_names, outcome_reason_names, or those of a later version
	struct ulid run_id, other_id; // see history_item.h
	bool has_run, has_other;
	int64_t at_ns;
};
// In the order in which they came about.
ERR_CHECKED enum err history_event_outcomes(struct history_reader *reader, struct arena *arena,
					    const struct ulid *event_id, struct history_outcome **out, size_t *count,
					    struct error *error);

// Steps that a run has memoised, whether it has ended or not, in the order of their completion; none for a run that is
// not known.
struct history_step {
	struct str id, name;
	enum opcode_kind op; // that it came from: StepRun, Sleep, …
	struct str value;    // memoised form (03 §7.2)
};
ERR_CHECKED enum err history_run_steps(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
				       struct history_step **out, size_t *count, struct error *error);

struct history_app {
	struct uuid id;
	struct str name, url, error, method, sdk_language, sdk_version, framework;
};
// Apps that are not archived, by id.
ERR_CHECKED enum err history_apps(struct history_reader *reader, struct arena *arena, struct history_app **out,
				  size_t *count, struct error *error);
// Normalised configurations of active functions of active apps, by function id.
ERR_CHECKED enum err history_functions(struct history_reader *reader, struct arena *arena, struct str **configs,
				       size_t *count, struct error *error);
// One row per active function of the named app, for GET /v1/apps/{name}/functions (05 §12.10).
struct history_function {
	struct uuid id, app_id;
	struct str slug, name, config;
	int64_t created_ns;
};
ERR_CHECKED enum err history_app_functions(struct history_reader *reader, struct arena *arena, struct str app_name,
					   struct history_function **out, size_t *count, struct error *error);

// An active function of the named app: by its own id within the app, `<app>-<id>`, else by its full slug.
// ERR_NOT_FOUND.
ERR_CHECKED enum err history_function_named(struct history_reader *reader, struct str app_name, struct str id,
					    struct uuid *out, struct error *error);

#endif
