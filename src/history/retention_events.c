// Events that are old: the whole of them, or their data. The walks pass by what a run still needs; it goes when the
// last of those runs does.
#include "history/retention_internal.h"

static const char *const event_sql[EVENT_STATEMENTS] = {
	[EVENT_NEXT] = "SELECT internal_id, received_at FROM events WHERE internal_id > ?1 AND internal_id < ?2"
		       " ORDER BY internal_id LIMIT ?3",
	[EVENT_SKEWED_NEXT] = "SELECT internal_id, received_ns FROM engine_event_skew"
			      " WHERE (received_ns, internal_id) > (?1, ?2) AND received_ns < ?3"
			      " ORDER BY received_ns, internal_id LIMIT ?4",
	[EVENT_FIND] = "SELECT received_at, length(event_data) FROM events WHERE internal_id = ?1 LIMIT 1",
	[EVENT_NEEDED] = "SELECT 1 WHERE EXISTS (SELECT 1 FROM function_runs WHERE event_id = ?1) OR EXISTS"
			 " (SELECT 1 FROM engine_batch_events l CROSS JOIN function_runs r ON r.run_id = l.run_id"
			 " WHERE l.event_id = ?1)",
#define HAS_PAYLOADS(r) "(" r ".engine_ended_at IS NULL OR coalesce(" r ".engine_flags, 0) & 8 = 0)" // RUN_ROW_BARE
	[EVENT_BARE_NEEDED] =
		"SELECT 1 WHERE EXISTS (SELECT 1 FROM function_runs r WHERE r.event_id = ?1 AND " HAS_PAYLOADS(
			"r") ") OR EXISTS (SELECT 1 FROM engine_batch_events l CROSS JOIN function_runs r ON r.run_id "
			     "= "
			     "l.run_id"
			     " WHERE l.event_id = ?1 AND " HAS_PAYLOADS("r") ")",
	[EVENT_BARE] = "UPDATE events SET event_data = 'null', event_user = 'null', engine_meta = NULL,"
		       " engine_flags = coalesce(engine_flags, 0) | 1 WHERE internal_id = ?1" // EVENT_ROW_BARE
		       " AND coalesce(engine_flags, 0) & 1 = 0",
	[EVENT_GONE_FIRST] = "DELETE FROM engine_event_outcomes WHERE event_id = ?1",
	[EVENT_GONE_FIRST + 1] = "DELETE FROM history WHERE event_id = ?1 AND type = 'FunctionSkipped'",
	[EVENT_GONE_FIRST + 2] = "DELETE FROM engine_batch_events WHERE event_id = ?1",
	[EVENT_GONE_LAST] = "DELETE FROM events WHERE internal_id = ?1",
	[EVENT_SKEW_GONE] = "DELETE FROM engine_event_skew WHERE received_ns = ?2 AND internal_id = ?1",
};

// ---- one event -----------------------------------------------------------------------------------------------------

static int64_t id_ns(const struct ulid *id) {
	return ns_of_ms(ulid_time_ms(id));
}

// *received_ns: INT64_MAX when there is no such event.
static enum err find(struct history_keeper *keeper, const struct ulid *id, int64_t *received_ns, struct error *error) {
	sqlite3_stmt *row = keeper->events[EVENT_FIND];
	enum err err;
	*received_ns = INT64_MAX;
	sql_bind_ulid(row, 1, id);
	while (sql_row(row, &err, error)) {
		*received_ns = sql_time(row, 0, id_ns(id));
		slice_take(&keeper->slice, 1, sqlite3_column_int64(row, 1));
	}
	return err;
}

static enum err is_free(struct history_keeper *keeper, const struct ulid *id, uint64_t cutoff_ms,
			enum event_statement needed, int64_t *received_ns, bool *out, struct error *error) {
	bool is_needed = true;
	enum err err = find(keeper, id, received_ns, error);
	if (err == ERR_OK && *received_ns < ns_of_ms(cutoff_ms))
		err = keeper_exists(keeper->events[needed], id, &is_needed, error);
	*out = !is_needed;
	return err;
}

enum err keeper_event_gone(struct history_keeper *keeper, const struct ulid *id, uint64_t cutoff_ms,
			   struct error *error) {
	bool go;
	int64_t received_ns;
	enum err err = is_free(keeper, id, cutoff_ms, EVENT_NEEDED, &received_ns, &go, error);
	for (int i = EVENT_GONE_FIRST; i <= EVENT_SKEW_GONE && err == ERR_OK && go; i++) {
		sql_bind_ulid(keeper->events[i], 1, id);
		if (i == EVENT_SKEW_GONE) sqlite3_bind_int64(keeper->events[i], 2, received_ns);
		err = sql_run(keeper->events[i], error);
	}
	return err;
}

enum err keeper_event_bare(struct history_keeper *keeper, const struct ulid *id, uint64_t cutoff_ms,
			   struct error *error) {
	bool go;
	int64_t received_ns;
	enum err err = is_free(keeper, id, cutoff_ms, EVENT_BARE_NEEDED, &received_ns, &go, error);
	if (err != ERR_OK || !go) return err;
	sql_bind_ulid(keeper->events[EVENT_BARE], 1, id);
	return sql_run(keeper->events[EVENT_BARE], error);
}

// ---- walks ---------------------------------------------------------------------------------------------------------

typedef enum err event_act(struct history_keeper *keeper, const struct ulid *id, uint64_t cutoff_ms,
			   struct error *error);

static enum err look(sqlite3_stmt *row, struct found out[FOUND_MAX], size_t *count, struct error *error) {
	enum err err;
	*count = 0;
	while (sql_row(row, &err, error)) {
		struct found *found = &out[*count];
		if (*count == FOUND_MAX || !sql_ulid(row, 0, &found->id)) continue;
		bool is_text = sqlite3_column_type(row, 1) == SQLITE_TEXT;
		found->time = is_text ? sql_time(row, 1, id_ns(&found->id)) : sqlite3_column_int64(row, 1);
		(*count)++;
	}
	return err;
}

// Its id says about when it came, and that was too lately: it is the next one to go. The others are listed as skewed.
static bool is_next(const struct found *found, int64_t cutoff_ns) {
	int64_t skew_ns = (int64_t)EVENT_SKEW_MS * NS_PER_MS, by_id_ns = id_ns(&found->id);
	return found->time >= cutoff_ns && found->time - by_id_ns <= skew_ns;
}

static enum err walk(struct history_keeper *keeper, enum place_id place, uint64_t cutoff_ms, event_act *act,
		     struct error *error) {
	struct found found[FOUND_MAX];
	size_t count, i = 0;
	struct ulid end = ulid_floor(cutoff_ms), after = place_get(&keeper->places[place]).id;
	if (ulid_cmp(&after, &end) > 0) memset(&after, 0, sizeof after); // events are kept longer than before
	sqlite3_stmt *row = keeper->events[EVENT_NEXT];
	sql_bind_ulid(row, 1, &after);
	sql_bind_ulid(row, 2, &end);
	sqlite3_bind_int(row, 3, FOUND_MAX);
	enum err err = look(row, found, &count, error);
	for (; i < count && err == ERR_OK && !slice_is_over(&keeper->slice); i++) {
		if (is_next(&found[i], ns_of_ms(cutoff_ms))) return ERR_OK;
		err = act(keeper, &found[i].id, cutoff_ms, error);
		if (err == ERR_OK) place_set(&keeper->places[place], 0, &found[i].id);
	}
	keeper->slice.more = i < count || count == FOUND_MAX;
	return err;
}

// Events whose ids say another time than they came at are found by that.
static enum err walk_skewed(struct history_keeper *keeper, enum place_id place, uint64_t cutoff_ms, event_act *act,
			    struct error *error) {
	struct found found[FOUND_MAX];
	size_t count, i = 0;
	struct place_value after = place_get(&keeper->places[place]);
	if (after.number > (uint64_t)ns_of_ms(cutoff_ms)) after = (struct place_value){0};
	sqlite3_stmt *row = keeper->events[EVENT_SKEWED_NEXT];
	sqlite3_bind_int64(row, 1, (int64_t)after.number);
	sql_bind_ulid(row, 2, &after.id);
	sqlite3_bind_int64(row, 3, ns_of_ms(cutoff_ms));
	sqlite3_bind_int(row, 4, FOUND_MAX);
	enum err err = look(row, found, &count, error);
	for (; i < count && err == ERR_OK && !slice_is_over(&keeper->slice); i++) {
		err = act(keeper, &found[i].id, cutoff_ms, error);
		if (err == ERR_OK) place_set(&keeper->places[place], (uint64_t)found[i].time, &found[i].id);
	}
	keeper->slice.more = i < count || count == FOUND_MAX;
	return err;
}

enum err keep_old_events(struct history_keeper *keeper, uint64_t cutoff_ms, struct error *error) {
	return walk(keeper, PLACE_EVENTS, cutoff_ms, keeper_event_gone, error);
}

enum err keep_skewed_events(struct history_keeper *keeper, uint64_t cutoff_ms, struct error *error) {
	return walk_skewed(keeper, PLACE_SKEWED, cutoff_ms, keeper_event_gone, error);
}

enum err keep_bare_events(struct history_keeper *keeper, uint64_t cutoff_ms, struct error *error) {
	return walk(keeper, PLACE_BARE_EVENTS, cutoff_ms, keeper_event_bare, error);
}

enum err keep_bare_skewed(struct history_keeper *keeper, uint64_t cutoff_ms, struct error *error) {
	return walk_skewed(keeper, PLACE_BARE_SKEWED, cutoff_ms, keeper_event_bare, error);
}

enum err keeper_events_prepare(struct history_keeper *keeper, struct error *error) {
	return keeper_prepare(keeper->db, event_sql, EVENT_STATEMENTS, keeper->events, error);
}
