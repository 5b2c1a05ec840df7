// Runs that are over and old, or too many.
#include "history/retention_internal.h"

#define BY_ROWID(table) "DELETE FROM " table " WHERE rowid = ?1"

_Static_assert(RECORD_RUN == 4 && RECORD_STEP == 5, "the numbers in the texts");

// What is stored of a run, in the order of 09 §7. Its batch and its own row go last, together: they say what its
// events are.
static const struct part run_parts[RUN_PARTS] = {
	{"SELECT rowid, length(attributes) + coalesce(length(output), 0) + coalesce(length(input), 0) FROM spans"
	 " WHERE run_id = ?2",
	 {BY_ROWID("spans")}},
	{"SELECT rowid, length(span_attributes) + length(events) FROM traces WHERE run_id = ?1", {BY_ROWID("traces")}},
	{"SELECT id, length(data) FROM engine_trace WHERE run_id = ?1", {"DELETE FROM engine_trace WHERE id = ?1"}},
	{"SELECT run_id, 16 FROM engine_annotations WHERE run_id = ?1",
	 {"DELETE FROM engine_annotations WHERE run_id = ?1"}},
	{"SELECT key, (SELECT length(body) FROM engine_body WHERE id = body_id) FROM engine_record"
	 " WHERE kind = 5 AND key >= ?3 AND key <= ?4",
	 {"DELETE FROM engine_body WHERE id = (SELECT body_id FROM engine_record WHERE kind = 5 AND key = ?1)",
	  "DELETE FROM engine_record WHERE kind = 5 AND key = ?1"}},
	{"SELECT rowid, length(result) FROM history WHERE run_id = ?1", {BY_ROWID("history")}},
	{"SELECT rowid, length(output) FROM function_finishes WHERE run_id = ?1", {BY_ROWID("function_finishes")}},
	{"SELECT rowid, length(output) FROM trace_runs WHERE run_id = ?1", {BY_ROWID("trace_runs")}},
	{"SELECT run_id, 48 FROM engine_debug_runs WHERE run_id = ?1",
	 {"DELETE FROM engine_debug_runs WHERE run_id = ?1"}},
	{"SELECT DISTINCT run_id, 256 FROM engine_defers WHERE run_id = ?1",
	 {"DELETE FROM engine_defers WHERE run_id = ?1"}},
	{"SELECT run_id, 16 FROM engine_open_runs WHERE run_id = ?1",
	 {"DELETE FROM engine_open_runs WHERE run_id = ?1"}},
};

static const char *const run_sql[RUN_STATEMENTS] = {
	[RUN_OLD] = "SELECT run_id, engine_ended_at FROM function_runs WHERE engine_ended_at >= ?1"
		    " AND engine_ended_at < ?2 ORDER BY engine_ended_at LIMIT ?3",
	// In the order of the index engine_runs_ended, read backwards: many runs may end in one millisecond.
	[RUN_NEXT] = "SELECT run_id, engine_ended_at FROM function_runs WHERE engine_ended_at >= ?1"
		     " AND engine_ended_at < ?3 AND (engine_ended_at > ?1 OR run_id < ?2)"
		     " ORDER BY engine_ended_at, run_id DESC LIMIT ?4",
	[RUN_BOUND] = "SELECT engine_ended_at FROM function_runs WHERE engine_ended_at > ?1"
		      " ORDER BY engine_ended_at LIMIT 1 OFFSET ?2",
	[RUN_LAST] = "SELECT max(engine_ended_at) FROM function_runs WHERE engine_ended_at IS NOT NULL",
	[RUN_ENDS] = "SELECT count(*) FROM function_runs WHERE engine_ended_at > ?1 AND engine_ended_at <= ?2",
	[RUN_EVENTS] = "SELECT r.event_id, b.event_ids FROM function_runs r LEFT JOIN event_batches b"
		       " ON b.run_id = r.run_id WHERE r.run_id = ?1",
	[RUN_BARE] = "UPDATE function_runs SET engine_flags = coalesce(engine_flags, 0) | 8 WHERE run_id = ?1"
		     " AND coalesce(engine_flags, 0) & 8 = 0", // RUN_ROW_BARE
	[RUN_KNOWN] = "SELECT 1 FROM function_runs WHERE run_id = ?1 LIMIT 1",
	[RUN_GONE] = "DELETE FROM function_runs WHERE run_id = ?1",
	[RUN_BATCH_GONE] = "DELETE FROM event_batches WHERE run_id = ?1",
	[RUN_STRAY_NEXT] = "SELECT run_id FROM engine_strays LIMIT ?1",
	[RUN_STRAY_GONE] = "DELETE FROM engine_strays WHERE run_id = ?1",
	// Ids of rows are used again: no new row may have one that migrate_runs.c has seen.
	[RUN_SEEN] = "UPDATE engine_migration SET value = coalesce((SELECT max(rowid) FROM trace_runs), 0)"
		     " WHERE name = 'trace_runs' AND value > coalesce((SELECT max(rowid) FROM trace_runs), 0)",
};

// ---- rows of a run -------------------------------------------------------------------------------------------------

struct run_ids {
	char text[ULID_TEXT_LEN + 1];
	uint8_t low[20], high[20];
};

static void bind_ids(sqlite3_stmt *statement, const struct ulid *run_id, struct run_ids *ids) {
	int parameters = sqlite3_bind_parameter_count(statement);
	ulid_text(run_id, ids->text);
	memset(ids->low, 0, sizeof ids->low);
	memset(ids->high, 0xFF, sizeof ids->high);
	memcpy(ids->low, run_id->bytes, sizeof run_id->bytes);
	memcpy(ids->high, run_id->bytes, sizeof run_id->bytes);
	sql_bind_ulid(statement, 1, run_id);
	if (parameters > 1) sql_bind_text(statement, 2, str_make(ids->text, ULID_TEXT_LEN));
	if (parameters > 2) sqlite3_bind_blob(statement, 3, ids->low, sizeof ids->low, SQLITE_STATIC);
	if (parameters > 3) sqlite3_bind_blob(statement, 4, ids->high, sizeof ids->high, SQLITE_STATIC);
}

// The row that a statement stands on may be changed under it.
static enum err change_row(const struct part_statements *part, struct error *error) {
	enum err err = ERR_OK;
	for (size_t i = 0; i < PART_CHANGES && part->change[i] != NULL && err == ERR_OK; i++) {
		sqlite3_bind_value(part->change[i], 1, sqlite3_column_value(part->find, 0));
		err = sql_run(part->change[i], error);
	}
	return err;
}

static enum err part_do(struct history_keeper *keeper, const struct part_statements *part, const struct ulid *run_id,
			bool *done, struct error *error) {
	struct run_ids ids;
	enum err err = ERR_OK, changed = ERR_OK;
	bind_ids(part->find, run_id, &ids);
	*done = true;
	while (changed == ERR_OK && sql_row(part->find, &err, error)) {
		if (slice_is_over(&keeper->slice)) {
			*done = false;
			break;
		}
		slice_take(&keeper->slice, 1, sqlite3_column_int64(part->find, 1));
		changed = change_row(part, error);
	}
	sqlite3_reset(part->find);
	return changed != ERR_OK ? changed : err;
}

enum err keeper_parts(struct history_keeper *keeper, const struct part_statements *parts, size_t count,
		      const struct ulid *run_id, bool *done, struct error *error) {
	enum err err = ERR_OK;
	*done = true;
	for (size_t i = 0; i < count && err == ERR_OK && *done; i++)
		err = part_do(keeper, &parts[i], run_id, done, error);
	return err;
}

enum err keeper_mark_bare(struct history_keeper *keeper, const struct ulid *run_id, struct error *error) {
	sql_bind_ulid(keeper->runs[RUN_BARE], 1, run_id);
	return sql_run(keeper->runs[RUN_BARE], error);
}

enum err keeper_exists(sqlite3_stmt *statement, const struct ulid *id, bool *out, struct error *error) {
	enum err err;
	*out = false;
	sql_bind_ulid(statement, 1, id);
	while (sql_row(statement, &err, error)) *out = true;
	return err;
}

static void add_event(struct rows *rows, const struct ulid *id) {
	if (!ulid_is_zero(id)) *(struct ulid *)rows_add(rows) = *id;
}

enum err keeper_run_events(struct history_keeper *keeper, const struct ulid *run_id, struct ulid **out, size_t *count,
			   struct error *error) {
	struct rows rows = {.arena = &keeper->arena, .row_size = sizeof(struct ulid)};
	sqlite3_stmt *row = keeper->runs[RUN_EVENTS];
	enum err err;
	sql_bind_ulid(row, 1, run_id);
	while (sql_row(row, &err, error)) {
		struct ulid id;
		struct str list = sql_bytes(row, 1), text;
		if (sql_ulid(row, 0, &id)) add_event(&rows, &id);
		for (bool more = list.len > 0; more;) {
			more = str_cut(list, ',', &text, &list);
			if (ulid_parse(text, &id)) add_event(&rows, &id);
		}
	}
	*out = (struct ulid *)(void *)rows.items;
	*count = rows.count;
	return err;
}

// ---- removing ------------------------------------------------------------------------------------------------------

// The place of the count: the end of the last run counted, and how many there are (where others have an id).
static uint64_t number_in(const struct ulid *id) {
	uint64_t number = 0;
	for (size_t i = 0; i < 8; i++) number = number << 8 | id->bytes[i];
	return number;
}

static void set_count(struct history_keeper *keeper, uint64_t until_ms, uint64_t count) {
	struct ulid id = {{0}};
	for (size_t i = 0; i < 8; i++) id.bytes[i] = (uint8_t)(count >> (56 - 8 * i));
	place_set(&keeper->places[PLACE_COUNTED], until_ms, &id);
}

static void uncount(struct history_keeper *keeper, int64_t ended_ms) {
	struct place_value counted = place_get(&keeper->places[PLACE_COUNTED]);
	uint64_t count = number_in(&counted.id);
	if (ended_ms >= 0 && (uint64_t)ended_ms <= counted.number && count > 0)
		set_count(keeper, counted.number, count - 1);
}

static enum err drop_rows(struct history_keeper *keeper, const struct found *run, struct error *error) {
	static const enum run_statement last[] = {RUN_BATCH_GONE, RUN_GONE};
	enum err err = ERR_OK;
	for (size_t i = 0; i < ARRAY_LEN(last) && err == ERR_OK; i++) {
		sql_bind_ulid(keeper->runs[last[i]], 1, &run->id);
		err = sql_run(keeper->runs[last[i]], error);
	}
	slice_take(&keeper->slice, 1, 0);
	uncount(keeper, run->time);
	return err;
}

// With its events: those that are as old as events may be, and that no other run needs.
static enum err drop_run(struct history_keeper *keeper, const struct found *run, uint64_t events_cutoff_ms, bool *done,
			 struct error *error) {
	struct ulid *events;
	size_t count;
	enum err err = keeper_parts(keeper, keeper->gone, RUN_PARTS, &run->id, done, error);
	if (err != ERR_OK) return err;
	if (!*done) return keeper_mark_bare(keeper, &run->id, error); // nobody takes over half of its steps
	err = keeper_run_events(keeper, &run->id, &events, &count, error);
	if (err == ERR_OK) err = drop_rows(keeper, run, error);
	for (size_t i = 0; i < count && err == ERR_OK && events_cutoff_ms > 0; i++)
		err = keeper_event_gone(keeper, &events[i], events_cutoff_ms, error);
	return err;
}

static enum err look(sqlite3_stmt *row, struct found out[FOUND_MAX], size_t *count, struct error *error) {
	enum err err;
	*count = 0;
	while (sql_row(row, &err, error)) {
		if (*count == FOUND_MAX || !sql_ulid(row, 0, &out[*count].id)) continue;
		out[(*count)++].time = sqlite3_column_int64(row, 1);
	}
	return err;
}

static enum err drop_oldest(struct history_keeper *keeper, uint64_t until_ms, uint64_t limit, uint64_t events_cutoff_ms,
			    struct error *error) {
	struct found found[FOUND_MAX];
	size_t count;
	int max = limit < FOUND_MAX ? (int)limit : FOUND_MAX;
	sqlite3_stmt *row = keeper->runs[RUN_OLD];
	sqlite3_bind_int64(row, 1, 0);
	sqlite3_bind_int64(row, 2, (int64_t)until_ms);
	sqlite3_bind_int(row, 3, max);
	enum err err = look(row, found, &count, error);
	bool done = true;
	for (size_t i = 0; i < count && err == ERR_OK; i++) {
		done = !slice_is_over(&keeper->slice);
		if (done) err = drop_run(keeper, &found[i], events_cutoff_ms, &done, error);
		if (!done) break;
	}
	keeper->slice.more = !done || count == (size_t)max;
	return err;
}

enum err keep_old_runs(struct history_keeper *keeper, uint64_t cutoff_ms, struct error *error) {
	return drop_oldest(keeper, cutoff_ms, FOUND_MAX, cutoff_ms, error);
}

// ---- the number of them --------------------------------------------------------------------------------------------

static enum err one_number(sqlite3_stmt *row, int64_t *out, struct error *error) {
	enum err err;
	while (sql_row(row, &err, error)) *out = sqlite3_column_int64(row, 0);
	return err;
}

static enum err count_between(struct history_keeper *keeper, int64_t after_ms, int64_t until_ms, int64_t *out,
			      struct error *error) {
	sqlite3_stmt *row = keeper->runs[RUN_ENDS];
	sqlite3_bind_int64(row, 1, after_ms);
	sqlite3_bind_int64(row, 2, until_ms);
	return one_number(row, out, error);
}

// The end of what this slice counts: so many rows further, or the last millisecond, in which others may still end.
static enum err find_bound(struct history_keeper *keeper, int64_t after_ms, int64_t *until_ms, bool *more,
			   struct error *error) {
	sqlite3_stmt *row = keeper->runs[RUN_BOUND];
	sqlite3_bind_int64(row, 1, after_ms);
	sqlite3_bind_int(row, 2, SLICE_COUNTED);
	enum err err = one_number(row, until_ms, error);
	*more = *until_ms > 0;
	if (err != ERR_OK || *more) return err;
	err = one_number(keeper->runs[RUN_LAST], until_ms, error);
	*until_ms -= *until_ms > 0;
	return err;
}

// Counts on from where the last slice has got to.
static enum err count_on(struct history_keeper *keeper, uint64_t now_ms, uint64_t *count, bool *more,
			 struct error *error) {
	struct place *place = &keeper->places[PLACE_COUNTED];
	if (!keeper->is_counting) place_reset(place);
	struct place_value counted = place_get(place);
	if (counted.number > now_ms) counted = (struct place_value){0}; // the clock was set back
	int64_t after_ms = (int64_t)counted.number, until_ms = 0, added = 0, rest = 0;
	enum err err = find_bound(keeper, after_ms, &until_ms, more, error);
	if (until_ms < after_ms) until_ms = after_ms;
	if (err == ERR_OK) err = count_between(keeper, after_ms, until_ms, &added, error);
	if (err == ERR_OK && !*more) err = count_between(keeper, until_ms, INT64_MAX, &rest, error);
	if (err != ERR_OK) return err;
	*count = number_in(&counted.id) + (uint64_t)added;
	keeper->is_counting = true;
	if (until_ms > after_ms) set_count(keeper, (uint64_t)until_ms, *count);
	*count += (uint64_t)rest;
	return err;
}

enum err keep_counted_runs(struct history_keeper *keeper, uint64_t now_ms, struct error *error) {
	uint64_t max = keeper->retention.runs_max, age_ms = keeper->retention.age_ms, count;
	if (max == 0) return ERR_OK;
	enum err err = count_on(keeper, now_ms, &count, &keeper->slice.more, error);
	if (err != ERR_OK || keeper->slice.more || count <= max) return err;
	uint64_t events_cutoff_ms = age_ms > 0 && age_ms < now_ms ? now_ms - age_ms : 0;
	return drop_oldest(keeper, now_ms, count - max, events_cutoff_ms, error);
}

// ---- life ----------------------------------------------------------------------------------------------------------

enum err keeper_prepare_parts(sqlite3 *db, const struct part *parts, size_t count, struct part_statements *out,
			      struct error *error) {
	enum err err = ERR_OK;
	for (size_t i = 0; i < count && err == ERR_OK; i++) {
		err = sql_prepare(db, parts[i].find, &out[i].find, error);
		for (size_t c = 0; c < PART_CHANGES && parts[i].change[c] != NULL && err == ERR_OK; c++)
			err = sql_prepare(db, parts[i].change[c], &out[i].change[c], error);
	}
	return err;
}

void keeper_parts_free(struct part_statements *parts, size_t count) {
	for (size_t i = 0; i < count; i++) {
		sqlite3_finalize(parts[i].find);
		for (size_t c = 0; c < PART_CHANGES; c++) sqlite3_finalize(parts[i].change[c]);
	}
}

enum err keeper_runs_prepare(struct history_keeper *keeper, struct error *error) {
	enum err err = keeper_prepare(keeper->db, run_sql, RUN_STATEMENTS, keeper->runs, error);
	return err != ERR_OK ? err : keeper_prepare_parts(keeper->db, run_parts, RUN_PARTS, keeper->gone, error);
}
