#include "history/retention.h"

#include <stdlib.h>

#include "history/retention_internal.h"

#define VACUUM_FREE_MIN 256 // pages that may be free: new rows soon take them
#define VACUUM_PAGES 64     // given back in one slice
#define LOOK_MS 60000       // between two looks for what is old …
#define LOOK_MIN_MS 250
#define LOOKS_IN_AGE 16 // … or more of them when little is kept

static enum err pragma(sqlite3 *db, const char *sql, int64_t *out, struct error *error) {
	sqlite3_stmt *row;
	enum err err = sql_prepare(db, sql, &row, error);
	if (err != ERR_OK) return err;
	while (sql_row(row, &err, error)) *out = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	return err;
}

static enum err give_back(struct history_keeper *keeper, uint64_t cutoff_ms, struct error *error) {
	(void)cutoff_ms;
	int64_t pages = 0, kind = 0;
	enum err err = pragma(keeper->db, "PRAGMA freelist_count", &pages, error);
	if (err != ERR_OK || pages <= VACUUM_FREE_MIN + VACUUM_PAGES) return err;
	char sql[64];
	snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
	err = sql_exec(keeper->db, sql, error);
	if (err == ERR_OK) err = pragma(keeper->db, "PRAGMA auto_vacuum", &kind, error);
	keeper->slice.more = kind == 2; // else another server made the file
	return err;
}

// By what they go: the age of all, or that of payloads.
static const struct {
	stage *slice;
	bool of_payloads, always;
} stages[] = {
	{keep_old_runs, false, false},      {keep_counted_runs, false, true}, {keep_old_events, false, false},
	{keep_skewed_events, false, false}, {keep_bare_runs, true, false},    {keep_bare_events, true, false},
	{keep_bare_skewed, true, false},    {keep_strays, false, false},      {keep_marked_strays, false, true},
	{keep_stray_runs, false, false},    {keep_workers, false, false},     {give_back, false, true},
};

static enum err run_stages(struct history_keeper *keeper, uint64_t now_ms, struct error *error) {
	enum err err = ERR_OK;
	for (size_t i = 0; i < ARRAY_LEN(stages) && err == ERR_OK && !keeper->slice.more; i++) {
		uint64_t age = stages[i].of_payloads ? keeper->retention.payload_age_ms : keeper->retention.age_ms;
		if (stages[i].always) age = 0;
		if (!stages[i].always && (age == 0 || age >= now_ms)) continue;
		keeper->slice.more = slice_is_over(&keeper->slice); // the next stage begins with a slice of its own
		if (!keeper->slice.more) err = stages[i].slice(keeper, now_ms - age, error);
	}
	return err;
}

// Facts that are read behind a cursor (exports.h) must not get ids that others have had: when the last ones have gone,
// the cursor's row takes the place of the very last.
static enum err last_fact(struct history_keeper *keeper, int64_t *out, struct error *error) {
	enum err err;
	while (sql_row(keeper->fact_last, &err, error)) *out = sqlite3_column_int64(keeper->fact_last, 0);
	return err;
}

static enum err hold_last_fact(struct history_keeper *keeper, int64_t before, struct error *error) {
	int64_t last = 0;
	enum err err = last_fact(keeper, &last, error);
	if (err != ERR_OK || last >= before) return err;
	sqlite3_bind_int64(keeper->cursor_move, 1, before);
	return sql_run(keeper->cursor_move, error);
}

enum err history_keep(struct history_keeper *keeper, uint64_t now_ms, bool *more, struct error *error) {
	keeper->slice = (struct slice){SLICE_ROWS, SLICE_BYTES, false};
	arena_free(&keeper->arena);
	arena_init(&keeper->arena, 0);
	int64_t last = 0;
	enum err err = places_load(keeper, error);
	if (err == ERR_OK) err = last_fact(keeper, &last, error);
	if (err == ERR_OK) err = run_stages(keeper, now_ms, error);
	if (err == ERR_OK) err = hold_last_fact(keeper, last, error);
	if (err == ERR_OK) err = keeper_strays_clamp(keeper, error);
	if (err == ERR_OK) err = places_save(keeper, error);
	*more = keeper->slice.more;
	return err;
}

// ---- life ----------------------------------------------------------------------------------------------------------

bool history_keeper_wants(const struct history_keeper *keeper) {
	const struct retention *retention = &keeper->retention;
	return retention->age_ms > 0 || retention->payload_age_ms > 0 || retention->runs_max > 0;
}

uint64_t history_keeper_interval_ms(const struct history_keeper *keeper) {
	const uint64_t ages[] = {keeper->retention.age_ms, keeper->retention.payload_age_ms};
	uint64_t interval = LOOK_MS;
	for (size_t i = 0; i < ARRAY_LEN(ages); i++) {
		uint64_t part = ages[i] / LOOKS_IN_AGE;
		if (ages[i] > 0 && part < interval) interval = part;
	}
	return interval > LOOK_MIN_MS ? interval : LOOK_MIN_MS;
}

enum err keeper_prepare(sqlite3 *db, const char *const *sql, size_t count, sqlite3_stmt **out, struct error *error) {
	enum err err = ERR_OK;
	for (size_t i = 0; i < count && err == ERR_OK; i++) err = sql_prepare(db, sql[i], &out[i], error);
	return err;
}

static enum err prepare(struct history_keeper *keeper, struct error *error) {
	enum err err = sql_prepare(keeper->db, "SELECT name, at FROM engine_retention", &keeper->places_load, error);
	if (err == ERR_OK)
		err = sql_prepare(keeper->db, "INSERT OR REPLACE INTO engine_retention(name, at) VALUES(?1, ?2)",
				  &keeper->place_save, error);
	if (err == ERR_OK) err = sql_prepare(keeper->db, "SELECT max(id) FROM engine_trace", &keeper->fact_last, error);
	if (err == ERR_OK)
		err = sql_prepare(keeper->db, "UPDATE engine_trace SET id = ?1 WHERE run_id = x''",
				  &keeper->cursor_move, error);
	if (err == ERR_OK) err = keeper_runs_prepare(keeper, error);
	if (err == ERR_OK) err = keeper_events_prepare(keeper, error);
	if (err == ERR_OK) err = keeper_bare_prepare(keeper, error);
	return err != ERR_OK ? err : keeper_strays_prepare(keeper, error);
}

enum err history_keeper_new(struct sqlite3 *db, const struct retention *retention, struct history_keeper **out,
			    struct error *error) {
	struct history_keeper *keeper = mem_calloc(1, sizeof *keeper);
	keeper->db = db;
	keeper->retention = *retention;
	arena_init(&keeper->arena, 0);
	enum err err = prepare(keeper, error);
	if (err == ERR_OK)
		*out = keeper;
	else
		history_keeper_free(keeper);
	return err;
}

static void finalize(sqlite3_stmt **statements, size_t count) {
	for (size_t i = 0; i < count; i++) sqlite3_finalize(statements[i]);
}

void history_keeper_free(struct history_keeper *keeper) {
	if (keeper == NULL) return;
	sqlite3_stmt *others[] = {keeper->places_load,  keeper->place_save,   keeper->facts,     keeper->fact_change,
				  keeper->record_known, keeper->workers_gone, keeper->fact_last, keeper->cursor_move};
	finalize(others, ARRAY_LEN(others));
	finalize(keeper->runs, RUN_STATEMENTS);
	finalize(keeper->events, EVENT_STATEMENTS);
	finalize(keeper->run_next, STRAY_KINDS);
	finalize(keeper->strays, STRAY_TABLES);
	finalize(keeper->stray_gone, STRAY_TABLES);
	finalize(keeper->stray_last, STRAY_TABLES);
	keeper_parts_free(keeper->gone, RUN_PARTS);
	keeper_parts_free(keeper->bare, BARE_PARTS);
	arena_free(&keeper->arena);
	free(keeper);
}
