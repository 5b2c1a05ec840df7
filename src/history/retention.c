#include "history/retention.h"

#include <stdlib.h>

#include "history/history_internal.h"
#include "history/runs.h"

#define SLICE_RUNS 16              // looked at in one slice
#define SLICE_EVENTS 100           // the same
#define VACUUM_FREE_MIN 256        // pages that may be free: new rows soon take them
#define VACUUM_PAGES 64            // given back in one slice
#define SWEEP_MS (60u * 60 * 1000) // events that had to stay are looked at again after this

#define STEPS_OF_RUN "FROM engine_record WHERE kind = 5 AND key >= ?3 AND key <= ?4"
#define STEPS_DELETE ("DELETE " STEPS_OF_RUN)
// In brackets: no comma is missing in the tables.
#define BODIES_DELETE ("DELETE FROM engine_body WHERE id IN (SELECT body_id " STEPS_OF_RUN " AND body_id IS NOT NULL)")

// What is stored of a run, in the order of 09 §7: ?1 its id, ?2 its id as text, ?3 and ?4 bounds of its step records.
static const char *const run_deletes[] = {
	"DELETE FROM spans WHERE run_id = ?2",
	"DELETE FROM engine_trace WHERE run_id = ?1",
	"DELETE FROM engine_annotations WHERE run_id = ?1",
	"DELETE FROM engine_debug_runs WHERE run_id = ?1",
	"DELETE FROM engine_defers WHERE run_id = ?1",
	BODIES_DELETE,
	STEPS_DELETE,
	"DELETE FROM history WHERE run_id = ?1",
	"DELETE FROM function_finishes WHERE run_id = ?1",
	"DELETE FROM trace_runs WHERE run_id = ?1",
	"DELETE FROM event_batches WHERE run_id = ?1",
	"DELETE FROM function_runs WHERE run_id = ?1",
};
// The same for its payloads alone.
static const char *const payload_deletes[] = {
	"UPDATE spans SET output = NULL, input = NULL WHERE run_id = ?2",
	BODIES_DELETE,
	STEPS_DELETE,
	"UPDATE function_finishes SET output = 'null' WHERE run_id = ?1",
	"UPDATE trace_runs SET output = NULL WHERE run_id = ?1",
	"UPDATE function_runs SET engine_flags = coalesce(engine_flags, 0) | 8 WHERE run_id = ?1", // RUN_ROW_BARE
};
// Of an event ?1 that no run needs any more.
static const char *const event_deletes[] = {
	"DELETE FROM engine_event_outcomes WHERE event_id = ?1",
	"DELETE FROM history WHERE event_id = ?1 AND type = 'FunctionSkipped'",
	"DELETE FROM engine_batch_events WHERE event_id = ?1",
	"DELETE FROM events WHERE internal_id = ?1",
};

// ?1 and ?2 bounds, ?3 how many.
enum {
	OLD_RUNS,
	OLDEST_RUNS,
	OLD_PAYLOADS,
	OLD_EVENTS,
	OLD_SKEWED,
	COUNT_RUNS,
	EVENT_NEEDED,
	EVENT_BARE,
	SKEW_DELETE,
	RUN_DELETES,
	PAYLOAD_DELETES = RUN_DELETES + (int)ARRAY_LEN(run_deletes),
	EVENT_DELETES = PAYLOAD_DELETES + (int)ARRAY_LEN(payload_deletes),
	STATEMENT_COUNT = EVENT_DELETES + (int)ARRAY_LEN(event_deletes)
};
static const char *const statement_sql[] = {
	[OLD_RUNS] = "SELECT run_id FROM function_runs WHERE engine_ended_at >= ?1 AND engine_ended_at < ?2"
		     " ORDER BY engine_ended_at LIMIT ?3",
	[OLDEST_RUNS] = "SELECT run_id FROM function_runs WHERE engine_ended_at >= ?1 AND engine_ended_at < ?2"
			" ORDER BY engine_ended_at LIMIT ?3",
	[OLD_PAYLOADS] = "SELECT run_id, engine_ended_at, engine_flags FROM function_runs WHERE engine_ended_at >= ?1"
			 " AND engine_ended_at < ?2 ORDER BY engine_ended_at LIMIT ?3",
	[OLD_EVENTS] = "SELECT internal_id, received_at FROM events WHERE internal_id > ?1 AND internal_id < ?2"
		       " ORDER BY internal_id LIMIT ?3",
	[OLD_SKEWED] = "SELECT internal_id, received_ns FROM engine_event_skew WHERE received_ns >= ?1 AND"
		       " received_ns < ?2 ORDER BY received_ns LIMIT ?3",
	[COUNT_RUNS] = "SELECT count(*) FROM function_runs WHERE engine_ended_at IS NOT NULL",
	[EVENT_NEEDED] = "SELECT 1 WHERE EXISTS (SELECT 1 FROM function_runs WHERE event_id = ?1) OR EXISTS"
			 " (SELECT 1 FROM engine_batch_events l JOIN function_runs r ON r.run_id = l.run_id"
			 " WHERE l.event_id = ?1)",
	[EVENT_BARE] = "UPDATE events SET event_data = 'null', event_user = 'null' WHERE internal_id = ?1"
		       " AND event_data <> 'null'",
	[SKEW_DELETE] = "DELETE FROM engine_event_skew WHERE received_ns = ?2 AND internal_id = ?1",
};

// Where a walk through old things has got to; what has to stay is passed by.
struct walk {
	struct ulid after;  // events, by id
	int64_t after_time; // runs by their end, skewed events by when they came
};

struct history_keeper {
	sqlite3 *db;
	struct retention retention;
	sqlite3_stmt *statements[STATEMENT_COUNT];
	uint64_t ended_runs; // counted once in a sweep
	uint64_t sweep_ms;   // when the present one began; 0: none
	bool has_dropped;    // the last event that drop_event looked at
	struct walk events, bare_events, bare_runs, skewed;
};

// One thing that a slice looks at.
struct found {
	struct ulid id;
	int64_t time; // end of a run in ms; when an event came in ns
	bool is_bare; // its payloads are gone
};
#define SLICE_MAX SLICE_EVENTS

// ---- looking -------------------------------------------------------------------------------------------------------

// Rows of one of the first statements: they are read before anything is deleted.
static enum err look(sqlite3_stmt *row, struct found out[SLICE_MAX], size_t *count, struct error *error) {
	enum err err;
	*count = 0;
	while (sql_row(row, &err, error)) {
		struct found found = {0};
		if (!sql_ulid(row, 0, &found.id)) continue;
		if (sqlite3_column_count(row) > 1) {
			bool is_text = sqlite3_column_type(row, 1) == SQLITE_TEXT;
			int64_t id_ns = ns_of_ms(ulid_time_ms(&found.id));
			found.time = is_text ? sql_time(row, 1, id_ns) : sqlite3_column_int64(row, 1);
		}
		if (sqlite3_column_count(row) > 2) found.is_bare = (sqlite3_column_int(row, 2) & RUN_ROW_BARE) != 0;
		if (*count < SLICE_MAX) out[(*count)++] = found;
	}
	return err;
}

static enum err look_between(struct history_keeper *keeper, int which, int64_t from, int64_t until, int limit,
			     struct found out[SLICE_MAX], size_t *count, struct error *error) {
	sqlite3_stmt *row = keeper->statements[which];
	sqlite3_bind_int64(row, 1, from);
	sqlite3_bind_int64(row, 2, until);
	sqlite3_bind_int(row, 3, limit);
	return look(row, out, count, error);
}

static enum err look_events(struct history_keeper *keeper, const struct ulid *after, uint64_t cutoff_ms,
			    struct found out[SLICE_MAX], size_t *count, struct error *error) {
	static const uint8_t zeros[10];
	struct ulid end = ulid_make(cutoff_ms, zeros);
	sqlite3_stmt *row = keeper->statements[OLD_EVENTS];
	sql_bind_ulid(row, 1, after);
	sql_bind_ulid(row, 2, &end);
	sqlite3_bind_int(row, 3, SLICE_EVENTS);
	return look(row, out, count, error);
}

// ---- deleting ------------------------------------------------------------------------------------------------------

static enum err run_each(struct history_keeper *keeper, int first, size_t count, const struct ulid *run_id,
			 struct error *error) {
	char text[ULID_TEXT_LEN + 1];
	uint8_t low[20] = {0}, high[20];
	ulid_text(run_id, text);
	memset(high, 0xFF, sizeof high);
	memcpy(low, run_id->bytes, sizeof run_id->bytes);
	memcpy(high, run_id->bytes, sizeof run_id->bytes);
	enum err err = ERR_OK;
	for (size_t i = 0; i < count && err == ERR_OK; i++) {
		sqlite3_stmt *statement = keeper->statements[first + (int)i];
		int parameters = sqlite3_bind_parameter_count(statement);
		sql_bind_ulid(statement, 1, run_id);
		if (parameters > 1) sql_bind_text(statement, 2, str_make(text, ULID_TEXT_LEN));
		if (parameters > 2) sqlite3_bind_blob(statement, 3, low, sizeof low, SQLITE_STATIC);
		if (parameters > 3) sqlite3_bind_blob(statement, 4, high, sizeof high, SQLITE_STATIC);
		err = sql_run(statement, error);
	}
	return err;
}

static enum err drop_run(struct history_keeper *keeper, const struct ulid *run_id, struct error *error) {
	if (keeper->ended_runs > 0) keeper->ended_runs--;
	return run_each(keeper, RUN_DELETES, ARRAY_LEN(run_deletes), run_id, error);
}

static enum err drop_runs(struct history_keeper *keeper, const struct found *found, size_t count, struct error *error) {
	enum err err = ERR_OK;
	for (size_t i = 0; i < count && err == ERR_OK; i++) err = drop_run(keeper, &found[i].id, error);
	return err;
}

static enum err drop_event(struct history_keeper *keeper, const struct ulid *id, struct error *error) {
	sqlite3_stmt *needed = keeper->statements[EVENT_NEEDED];
	bool is_needed = false;
	enum err err;
	sql_bind_ulid(needed, 1, id);
	while (sql_row(needed, &err, error)) is_needed = true;
	keeper->has_dropped = !is_needed;
	for (size_t i = 0; i < ARRAY_LEN(event_deletes) && err == ERR_OK && !is_needed; i++) {
		sqlite3_stmt *statement = keeper->statements[EVENT_DELETES + (int)i];
		sql_bind_ulid(statement, 1, id);
		err = sql_run(statement, error);
	}
	return err;
}

static enum err bare_event(struct history_keeper *keeper, const struct ulid *id, struct error *error) {
	sqlite3_stmt *statement = keeper->statements[EVENT_BARE];
	sql_bind_ulid(statement, 1, id);
	return sql_run(statement, error);
}

// ---- the stages of a sweep: each does a slice and says whether there is more
// ------------------------------------------

typedef enum err stage(struct history_keeper *keeper, uint64_t cutoff_ms, bool *more, struct error *error);

static enum err old_runs(struct history_keeper *keeper, uint64_t cutoff_ms, bool *more, struct error *error) {
	struct found found[SLICE_MAX];
	size_t count;
	enum err err = look_between(keeper, OLD_RUNS, 0, (int64_t)cutoff_ms, SLICE_RUNS, found, &count, error);
	*more = count == SLICE_RUNS;
	return err != ERR_OK ? err : drop_runs(keeper, found, count, error);
}

static enum err too_many_runs(struct history_keeper *keeper, uint64_t cutoff_ms, bool *more, struct error *error) {
	(void)cutoff_ms;
	struct found found[SLICE_MAX];
	size_t count;
	uint64_t max = keeper->retention.runs_max;
	if (max == 0 || keeper->ended_runs <= max) return *more = false, ERR_OK;
	uint64_t over = keeper->ended_runs - max;
	int limit = over < SLICE_RUNS ? (int)over : SLICE_RUNS;
	enum err err = look_between(keeper, OLDEST_RUNS, 0, INT64_MAX, limit, found, &count, error);
	if (err == ERR_OK) err = drop_runs(keeper, found, count, error);
	*more = count > 0 && keeper->ended_runs > max;
	return err;
}

// What has the same time as the last one is looked at again, unless that fills a whole slice.
static void walk_on(struct walk *walk, const struct found *found, size_t count) {
	if (count == 0) return;
	bool is_stuck = count == SLICE_EVENTS && found[count - 1].time == walk->after_time;
	walk->after_time = found[count - 1].time + is_stuck;
}

static enum err bare_runs(struct history_keeper *keeper, uint64_t cutoff_ms, bool *more, struct error *error) {
	struct walk *walk = &keeper->bare_runs;
	struct found found[SLICE_MAX];
	size_t count;
	enum err err = look_between(keeper, OLD_PAYLOADS, walk->after_time, (int64_t)cutoff_ms, SLICE_EVENTS, found,
				    &count, error);
	for (size_t i = 0; i < count && err == ERR_OK; i++) {
		if (!found[i].is_bare)
			err = run_each(keeper, PAYLOAD_DELETES, ARRAY_LEN(payload_deletes), &found[i].id, error);
	}
	*more = count == SLICE_EVENTS;
	walk_on(walk, found, count);
	return err;
}

// Events whose ids say another time than they came at are found by that.
static enum err walk_events(struct history_keeper *keeper, struct walk *walk, uint64_t cutoff_ms,
			    enum err (*act)(struct history_keeper *, const struct ulid *, struct error *), bool *more,
			    struct error *error) {
	struct found found[SLICE_MAX];
	size_t count;
	enum err err = look_events(keeper, &walk->after, cutoff_ms, found, &count, error);
	for (size_t i = 0; i < count && err == ERR_OK; i++) {
		if (found[i].time < ns_of_ms(cutoff_ms)) err = act(keeper, &found[i].id, error);
	}
	*more = count == SLICE_EVENTS;
	if (count > 0) walk->after = found[count - 1].id;
	return err;
}

static enum err old_events(struct history_keeper *keeper, uint64_t cutoff_ms, bool *more, struct error *error) {
	return walk_events(keeper, &keeper->events, cutoff_ms, drop_event, more, error);
}

static enum err bare_events(struct history_keeper *keeper, uint64_t cutoff_ms, bool *more, struct error *error) {
	return walk_events(keeper, &keeper->bare_events, cutoff_ms, bare_event, more, error);
}

static enum err skewed_events(struct history_keeper *keeper, uint64_t cutoff_ms, bool *more, struct error *error) {
	struct walk *walk = &keeper->skewed;
	struct found found[SLICE_MAX];
	size_t count;
	enum err err = look_between(keeper, OLD_SKEWED, walk->after_time, ns_of_ms(cutoff_ms), SLICE_EVENTS, found,
				    &count, error);
	for (size_t i = 0; i < count && err == ERR_OK; i++) {
		err = drop_event(keeper, &found[i].id, error);
		if (err != ERR_OK || !keeper->has_dropped) continue;
		sqlite3_stmt *statement = keeper->statements[SKEW_DELETE];
		sql_bind_ulid(statement, 1, &found[i].id);
		sqlite3_bind_int64(statement, 2, found[i].time);
		err = sql_run(statement, error);
	}
	*more = count == SLICE_EVENTS;
	walk_on(walk, found, count);
	return err;
}

static enum err give_back(struct history_keeper *keeper, uint64_t cutoff_ms, bool *more, struct error *error) {
	(void)cutoff_ms;
	sqlite3_stmt *count;
	enum err err = sql_prepare(keeper->db, "PRAGMA freelist_count", &count, error);
	if (err != ERR_OK) return err;
	int64_t pages = sql_row(count, &err, error) ? sqlite3_column_int64(count, 0) : 0;
	sqlite3_finalize(count);
	*more = pages > VACUUM_FREE_MIN + VACUUM_PAGES;
	if (!*more || err != ERR_OK) return err;
	char sql[64];
	snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
	err = sql_exec(keeper->db, sql, error);
	if (err != ERR_OK) return err;
	err = sql_prepare(keeper->db, "PRAGMA auto_vacuum", &count, error);
	if (err != ERR_OK) return err;
	*more = sql_row(count, &err, error) && sqlite3_column_int(count, 0) == 2; // a file that another server made
	sqlite3_finalize(count);
	return err;
}

// By what they go: the age of all, or that of payloads.
static const struct {
	stage *slice;
	bool of_payloads, always;
} stages[] = {
	{old_runs, false, false},      {too_many_runs, false, true}, {old_events, false, false},
	{skewed_events, false, false}, {bare_runs, true, false},     {bare_events, true, false},
	{give_back, false, true},
};

static enum err sweep_begin(struct history_keeper *keeper, uint64_t now_ms, struct error *error) {
	keeper->sweep_ms = now_ms;
	keeper->events = keeper->bare_events = keeper->bare_runs = keeper->skewed = (struct walk){0};
	keeper->ended_runs = 0;
	if (keeper->retention.runs_max == 0) return ERR_OK;
	sqlite3_stmt *row = keeper->statements[COUNT_RUNS];
	enum err err;
	while (sql_row(row, &err, error)) keeper->ended_runs = (uint64_t)sqlite3_column_int64(row, 0);
	return err;
}

enum err history_keep(struct history_keeper *keeper, uint64_t now_ms, bool *more, struct error *error) {
	enum err err = ERR_OK;
	*more = false;
	if (keeper->sweep_ms == 0 || now_ms < keeper->sweep_ms || now_ms - keeper->sweep_ms >= SWEEP_MS)
		err = sweep_begin(keeper, now_ms, error);
	for (size_t i = 0; i < ARRAY_LEN(stages) && err == ERR_OK && !*more; i++) {
		uint64_t age = stages[i].of_payloads ? keeper->retention.payload_age_ms : keeper->retention.age_ms;
		if (!stages[i].always && (age == 0 || age >= now_ms)) continue;
		err = stages[i].slice(keeper, now_ms - (age < now_ms ? age : 0), more, error);
	}
	return err;
}

// ---- life ----------------------------------------------------------------------------------------------------------

static const char *sql_of(int which) {
	if (which >= EVENT_DELETES) return event_deletes[which - EVENT_DELETES];
	if (which >= PAYLOAD_DELETES) return payload_deletes[which - PAYLOAD_DELETES];
	return which >= RUN_DELETES ? run_deletes[which - RUN_DELETES] : statement_sql[which];
}

bool history_keeper_wants(const struct history_keeper *keeper) {
	const struct retention *retention = &keeper->retention;
	return retention->age_ms > 0 || retention->payload_age_ms > 0 || retention->runs_max > 0;
}

enum err history_keeper_new(struct sqlite3 *db, const struct retention *retention, struct history_keeper **out,
			    struct error *error) {
	struct history_keeper *keeper = mem_calloc(1, sizeof *keeper);
	keeper->db = db;
	keeper->retention = *retention;
	for (int i = 0; i < STATEMENT_COUNT; i++) {
		enum err err = sql_prepare(db, sql_of(i), &keeper->statements[i], error);
		if (err == ERR_OK) continue;
		history_keeper_free(keeper);
		return err;
	}
	*out = keeper;
	return ERR_OK;
}

void history_keeper_free(struct history_keeper *keeper) {
	if (keeper == NULL) return;
	for (int i = 0; i < STATEMENT_COUNT; i++) sqlite3_finalize(keeper->statements[i]);
	free(keeper);
}
