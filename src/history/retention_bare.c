// Payloads of runs that are over, while the rest of them stays: outputs, results of steps, inputs, and what trace facts
// have of them. What a run was called, when and how it went stays.
#include "history/retention_internal.h"
#include "model/trace_fact.h"

// Only rows that still have something: so each slice finds those that the last one left.
static const struct part bare_parts[BARE_PARTS] = {
	{"SELECT rowid, coalesce(length(output), 0) + coalesce(length(input), 0) FROM spans WHERE run_id = ?2"
	 " AND (output IS NOT NULL OR input IS NOT NULL)",
	 {"UPDATE spans SET output = NULL, input = NULL WHERE rowid = ?1"}},
	// An older form of the same spans, which has its payloads among the attributes; nothing here reads it.
	{"SELECT rowid, length(span_attributes) + length(events) FROM traces WHERE run_id = ?1",
	 {"DELETE FROM traces WHERE rowid = ?1"}},
	{"SELECT key, (SELECT length(body) FROM engine_body WHERE id = body_id) FROM engine_record"
	 " WHERE kind = 5 AND key >= ?3 AND key <= ?4",
	 {"DELETE FROM engine_body WHERE id = (SELECT body_id FROM engine_record WHERE kind = 5 AND key = ?1)",
	  "DELETE FROM engine_record WHERE kind = 5 AND key = ?1"}},
	{"SELECT rowid, length(result) FROM history WHERE run_id = ?1 AND coalesce(result, 'null') <> 'null'",
	 {"UPDATE history SET result = 'null' WHERE rowid = ?1"}},
	{"SELECT rowid, length(output) FROM function_finishes WHERE run_id = ?1 AND output <> 'null'",
	 {"UPDATE function_finishes SET output = 'null' WHERE rowid = ?1"}},
	{"SELECT rowid, length(output) FROM trace_runs WHERE run_id = ?1 AND output IS NOT NULL",
	 {"UPDATE trace_runs SET output = NULL WHERE rowid = ?1"}},
};

// ---- facts ---------------------------------------------------------------------------------------------------------

// Errors that were retried, inputs of AI steps, headers of replies, and the run's own values in conditions.
static bool take(struct str *text) {
	bool had = text->len > 0;
	*text = (struct str){NULL, 0};
	return had;
}

static bool fact_strip(struct trace_fact *fact) {
	bool had = take(&fact->output);
	had |= take(&fact->headers);
	had |= take(&fact->expression);
	for (size_t i = 0; i < fact->op_count; i++) {
		had |= take(&fact->ops[i].output);
		had |= take(&fact->ops[i].input);
	}
	return had;
}

// A fact that cannot be read shows nothing either.
static enum err strip_row(struct history_keeper *keeper, int64_t id, struct str data, struct error *error) {
	struct trace_fact fact;
	struct arena arena;
	enum err err = ERR_OK;
	arena_init(&arena, 0);
	if (trace_fact_decode(&arena, data, &fact, NULL) == ERR_OK && fact_strip(&fact)) {
		struct buf slim;
		buf_init(&slim, TRACE_FACT_MAX);
		trace_fact_encode(&fact, &slim);
		sqlite3_bind_int64(keeper->fact_change, 1, id);
		sqlite3_bind_blob64(keeper->fact_change, 2, slim.ptr, slim.overflow ? 0 : slim.len, SQLITE_STATIC);
		err = sql_run(keeper->fact_change, error);
		buf_free(&slim);
	}
	arena_free(&arena);
	return err;
}

static enum err strip_facts(struct history_keeper *keeper, const struct ulid *run_id, bool *done, struct error *error) {
	struct place *place = &keeper->places[PLACE_BARE_FACTS];
	struct place_value after = place_get(place);
	if (ulid_cmp(&after.id, run_id) != 0) after.number = 0;
	enum err err = ERR_OK, changed = ERR_OK;
	sql_bind_ulid(keeper->facts, 1, run_id);
	sqlite3_bind_int64(keeper->facts, 2, (int64_t)after.number);
	*done = true;
	while (changed == ERR_OK && *done && sql_row(keeper->facts, &err, error)) {
		struct str data = sql_bytes(keeper->facts, 1);
		*done = !slice_is_over(&keeper->slice);
		if (!*done) break;
		after.number = (uint64_t)sqlite3_column_int64(keeper->facts, 0);
		slice_take(&keeper->slice, 1, (int64_t)data.len);
		changed = strip_row(keeper, (int64_t)after.number, data, error);
	}
	sqlite3_reset(keeper->facts);
	if (!*done) place_set(place, after.number, run_id);
	return changed != ERR_OK ? changed : err;
}

// ---- runs ----------------------------------------------------------------------------------------------------------

// Marked first: nobody takes over half of its steps.
static enum err strip_run(struct history_keeper *keeper, const struct found *run, uint64_t cutoff_ms, bool *done,
			  struct error *error) {
	struct ulid *events = NULL;
	size_t count = 0;
	enum err err = keeper_mark_bare(keeper, &run->id, error);
	if (err == ERR_OK) err = keeper_parts(keeper, keeper->bare, BARE_PARTS, &run->id, done, error);
	if (err == ERR_OK && *done) err = strip_facts(keeper, &run->id, done, error);
	if (err != ERR_OK || !*done) return err;
	slice_take(&keeper->slice, 1, 0);
	err = keeper_run_events(keeper, &run->id, &events, &count, error);
	for (size_t i = 0; i < count && err == ERR_OK; i++)
		err = keeper_event_bare(keeper, &events[i], cutoff_ms, error);
	return err;
}

static enum err look(struct history_keeper *keeper, uint64_t cutoff_ms, struct found out[FOUND_MAX], size_t *count,
		     struct error *error) {
	struct place_value after = place_get(&keeper->places[PLACE_BARE_RUNS]);
	if (after.number > cutoff_ms) after = (struct place_value){0}; // payloads are kept longer than before
	if (after.number == 0) memset(&after.id, 0xFF, sizeof after.id);
	sqlite3_stmt *row = keeper->runs[RUN_NEXT];
	sqlite3_bind_int64(row, 1, (int64_t)after.number);
	sql_bind_ulid(row, 2, &after.id);
	sqlite3_bind_int64(row, 3, (int64_t)cutoff_ms);
	sqlite3_bind_int(row, 4, FOUND_MAX);
	enum err err;
	*count = 0;
	while (sql_row(row, &err, error)) {
		if (*count == FOUND_MAX || !sql_ulid(row, 0, &out[*count].id)) continue;
		out[(*count)++].time = sqlite3_column_int64(row, 1);
	}
	return err;
}

enum err keep_bare_runs(struct history_keeper *keeper, uint64_t cutoff_ms, struct error *error) {
	struct found found[FOUND_MAX];
	size_t count;
	bool done = true;
	enum err err = look(keeper, cutoff_ms, found, &count, error);
	for (size_t i = 0; i < count && err == ERR_OK && done; i++) {
		done = !slice_is_over(&keeper->slice);
		if (done) err = strip_run(keeper, &found[i], cutoff_ms, &done, error);
		if (done) place_set(&keeper->places[PLACE_BARE_RUNS], (uint64_t)found[i].time, &found[i].id);
	}
	keeper->slice.more = !done || count == FOUND_MAX;
	return err;
}

enum err keeper_bare_prepare(struct history_keeper *keeper, struct error *error) {
	enum err err = keeper_prepare_parts(keeper->db, bare_parts, BARE_PARTS, keeper->bare, error);
	if (err == ERR_OK)
		err = sql_prepare(keeper->db,
				  "SELECT id, data FROM engine_trace WHERE run_id = ?1 AND id > ?2 ORDER BY id",
				  &keeper->facts, error);
	if (err == ERR_OK)
		err = sql_prepare(keeper->db, "UPDATE engine_trace SET data = ?2 WHERE id = ?1", &keeper->fact_change,
				  error);
	return err;
}
