// Search row by row, in the order of the list, until the page is full or the time is up. Measured, parsing what a row
// has and comparing it here is cheaper than having SQL do it, and it is the same for everything that can be asked.
#include "history/runs_internal.h"
#include "history/search_internal.h"

#define CHUNK_FIRST 64 // runs that are picked at once
#define CHUNK_MAX 1024 // some 10 ms: the log of the file cannot start over meanwhile (reading_renew)

// Of one run: ?1 is its rowid; of one event: its id.
#define EVENT_FIELDS(data) "SELECT e.internal_id, e.event_id, e.event_name, e.event_v, e.event_ts, " data " FROM "
#define OF_RUN(data)                                                                                    \
	EVENT_FIELDS(data)                                                                              \
	"function_runs r CROSS JOIN events e INDEXED BY engine_events_id ON e.internal_id = r.event_id" \
	" WHERE r.rowid = ?1 LIMIT 1"
#define OF_EVENT(data) EVENT_FIELDS(data) "events e WHERE e.internal_id = ?1 ORDER BY e.rowid LIMIT 1"
#define WITH_DATA "e.event_data, e.event_user"
static const struct str of_run_sql[] = {STR_INIT(OF_RUN("NULL, NULL")), STR_INIT(OF_RUN(WITH_DATA))};
static const struct str of_event_sql[] = {STR_INIT(OF_EVENT("NULL, NULL")), STR_INIT(OF_EVENT(WITH_DATA))};
static const struct str has_batches_sql = STR_INIT("SELECT 1 FROM event_batches LIMIT 1");
static const struct str result_sql =
	STR_INIT("SELECT output, status FROM function_finishes WHERE run_id = ?1 ORDER BY rowid LIMIT 1");

// ---- What a run is judged by ---------------------------------------------------------------------------------------

static void read_event(sqlite3_stmt *row, struct arena *arena, unsigned needs, struct search_event *out) {
	(void)sql_ulid(row, 0, &out->internal_id);
	out->id = sql_text(row, 1, arena);
	out->name = sql_text(row, 2, arena);
	out->v = sql_text(row, 3, arena);
	if ((needs & SEARCH_NEEDS_TS) != 0) out->ts_ms = sql_time(row, 4, 0) / NS_PER_MS;
	out->data = sql_text(row, 5, arena);
	out->user = history_event_user(sql_text(row, 6, arena));
}

// Appends the event of the run, or the event with the id.
static enum err add_event(struct run_search_walk *walk, const struct run_pick *pick, const struct ulid *event_id,
			  struct rows *events, struct error *error) {
	unsigned needs = walk->search->needs;
	size_t with_data = (needs & SEARCH_NEEDS_DATA) != 0;
	sqlite3_stmt *row;
	enum err err = statement_get(walk->reader, event_id != NULL ? of_event_sql[with_data] : of_run_sql[with_data],
				     &row, error);
	if (err != ERR_OK) return err;
	if (event_id != NULL)
		sql_bind_ulid(row, 1, event_id);
	else
		sqlite3_bind_int64(row, 1, pick->rowid);
	while (sql_row(row, &err, error)) read_event(row, events->arena, needs, rows_add(events));
	return err;
}

static enum err load_events(struct run_search_walk *walk, struct arena *arena, const struct run_pick *pick,
			    struct search_subject *out, struct error *error) {
	struct rows events = {.arena = arena, .row_size = sizeof(struct search_event)};
	struct ulid *ids;
	size_t count = 0;
	enum err err = ERR_OK;
	if (walk->has_batches) err = history_run_event_ids(walk->reader, arena, &pick->id, &ids, &count, error);
	for (size_t i = 0; i < count && err == ERR_OK; i++) err = add_event(walk, pick, &ids[i], &events, error);
	if (count == 0 && err == ERR_OK) err = add_event(walk, pick, NULL, &events, error);
	out->events = (struct search_event *)(void *)events.items;
	out->event_count = events.count;
	return err;
}

static enum err load_result(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
			    struct search_subject *out, struct error *error) {
	sqlite3_stmt *row;
	enum err err = statement_get(reader, result_sql, &row, error);
	if (err != ERR_OK) return err;
	sql_bind_ulid(row, 1, run_id);
	while (sql_row(row, &err, error)) {
		struct str status = sql_text(row, 1, arena);
		out->has_failed = str_eq(status, STR("Failed"));
		out->has_result = out->has_failed || str_eq(status, STR("Completed"));
		if (out->has_result) out->result = sql_text(row, 0, arena);
	}
	return err;
}

static enum err judge(struct run_search_walk *walk, const struct run_pick *pick, bool *matched, struct error *error) {
	struct search_subject subject = {0};
	unsigned needs = walk->search->needs;
	struct arena arena;
	enum err err = ERR_OK;
	arena_init(&arena, 0);
	if ((needs & SEARCH_NEEDS_EVENT) != 0) err = load_events(walk, &arena, pick, &subject, error);
	if (err == ERR_OK && (needs & SEARCH_NEEDS_RESULT) != 0 && pick->ended_ms != RUN_NO_TIME)
		err = load_result(walk->reader, &arena, &pick->id, &subject, error);
	*matched = err == ERR_OK && run_search_matches(walk->search, &subject);
	arena_free(&arena);
	return err;
}

// ---- The walk ------------------------------------------------------------------------------------------------------

static int is_time_up(void *argument) {
	struct run_search_walk *walk = argument;
	walk->is_cut = clock_mono_ns() >= walk->deadline_ns;
	return walk->is_cut;
}

// One chunk; false when it was the last.
static enum err search_chunk(struct run_search_walk *walk, const struct run_pick *after, size_t chunk, size_t need,
			     struct run_pick *out, bool *goes_on, struct error *error) {
	struct arena arena;
	struct run_pick *picks;
	size_t count;
	bool matched;
	arena_init(&arena, 0);
	uint64_t deadline_ns = walk->has_got ? walk->deadline_ns : 0;
	enum err err = runs_pick(walk->reader, &arena, walk->filter, walk->sort, after, chunk, deadline_ns, &picks,
				 &count, error);
	if (err != ERR_OK && deadline_ns != 0) (void)is_time_up(walk);
	for (size_t i = 0; i < count && err == ERR_OK && walk->found < need; i++) {
		if (walk->has_got && is_time_up(walk)) break;
		err = judge(walk, &picks[i], &matched, error);
		if (err != ERR_OK) break;
		if (matched && out != NULL) out[walk->found] = picks[i];
		if (matched) walk->found++;
		walk->got = picks[i];
		walk->has_got = true;
	}
	*goes_on = err == ERR_OK && count == chunk && walk->found < need && !walk->is_cut;
	arena_free(&arena);
	return err;
}

static enum err find_batches(struct run_search_walk *walk, struct error *error) {
	sqlite3_stmt *row;
	enum err err = statement_get(walk->reader, has_batches_sql, &row, error);
	while (err == ERR_OK && sql_row(row, &err, error)) walk->has_batches = true;
	return err;
}

// However short the time is, the first chunk is picked and its first run looked at: so a search always gets on.
enum err runs_search(struct run_search_walk *walk, const struct run_pick *after, size_t need, struct run_pick *out,
		     struct error *error) {
	bool goes_on = true;
	enum err err = find_batches(walk, error);
	for (size_t chunk = CHUNK_FIRST; goes_on && err == ERR_OK; chunk *= chunk < CHUNK_MAX ? 2 : 1) {
		struct run_pick from = walk->got;
		err = search_chunk(walk, walk->has_got ? &from : after, chunk, need, out, &goes_on, error);
		sqlite3_progress_handler(walk->reader->db, 0, NULL, NULL);
		if (goes_on) reading_renew(walk->reader);
		sqlite3_progress_handler(walk->reader->db, PROGRESS_STEPS, is_time_up, walk);
	}
	reader_watch(walk->reader);
	return walk->is_cut ? ERR_OK : err;
}
