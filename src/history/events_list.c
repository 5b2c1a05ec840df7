// Lists of events: walks over their ids, newest first.
//
// An event's id says when it was received, to EVENT_SKEW_MS; those that say another time are listed in
// engine_event_skew. So a window of time is a range of ids, and what that table has besides.
#include <stdlib.h>

#include "history/events.h"
#include "history/events_internal.h"

// ---- The best ------------------------------------------------------------------------------------------------------

static int newest_first(const void *a, const void *b) {
	return ulid_cmp(&((const struct event_pick *)b)->id, &((const struct event_pick *)a)->id);
}

struct event_picks {
	struct event_pick *items;
	size_t count, cap, need;
};

static void picks_cut(struct event_picks *picks) {
	size_t kept = 0;
	if (picks->count > 0) qsort(picks->items, picks->count, sizeof *picks->items, newest_first);
	for (size_t i = 0; i < picks->count && kept < picks->need; i++) {
		if (kept > 0 && ulid_cmp(&picks->items[kept - 1].id, &picks->items[i].id) == 0) continue;
		picks->items[kept++] = picks->items[i];
	}
	picks->count = kept;
}

static void picks_add(struct event_picks *picks, const struct event_pick *pick) {
	if (picks->count == picks->cap) {
		picks->cap = picks->cap == 0 ? 64 : picks->cap * 2;
		picks->items = mem_realloc(picks->items, picks->cap * sizeof *picks->items);
	}
	picks->items[picks->count++] = *pick;
	if (picks->count >= 2 * picks->need + 64) picks_cut(picks);
}

// ---- Walks ---------------------------------------------------------------------------------------------------------

static enum err stream_read(struct history_reader *reader, const struct event_window *window,
			    const struct event_stream *stream, struct event_picks *picks, struct error *error) {
	struct event_stream from = *stream;
	// What is older than the worst of a full page does not matter.
	if (picks->count == picks->need && ulid_cmp(&picks->items[picks->need - 1].id, &from.first) > 0)
		from.first = picks->items[picks->need - 1].id;
	sqlite3_stmt *row;
	enum err err = event_statement_get(reader, window, &from, EVENTS_PICK, &row, error);
	struct ulid last;
	size_t given = 0;
	while (err == ERR_OK && sql_row(row, &err, error)) {
		struct event_pick pick = {.rowid = sqlite3_column_int64(row, 0)};
		if (!sql_ulid(row, 1, &pick.id)) continue;
		// A file of the reference server may have an event twice.
		if (given > 0 && ulid_cmp(&pick.id, &last) == 0) continue;
		last = pick.id;
		picks_add(picks, &pick);
		if (stream->driver == EVENTS_BY_SKEW || ++given < picks->need) continue;
		sqlite3_reset(row);
		break;
	}
	picks_cut(picks);
	return err;
}

// Internal events may be nearly all there are, and would all be looked at for a page of the others.
#define APP_NAMES_MAX 32
#define APP_NAMES_PAGE_MAX 512 // longer ones are of searches, which end in time
// With more names than that a page is mostly found among the latest events; else all the names are gone through.
#define LATEST_FIRST 512u
#define LATEST_MAX 4096u

// The names to go by; SIZE_MAX: there are none, or more than `space` has room for.
static enum err find_names(struct history_reader *reader, struct arena *arena, const struct event_window *window,
			   size_t need, struct str *space, const struct str **names, size_t *count,
			   struct error *error) {
	*names = window->names;
	*count = window->has_names ? window->name_count : SIZE_MAX;
	if (window->has_names || window->scope != EVENTS_OF_APPS || need > APP_NAMES_PAGE_MAX) return ERR_OK;
	enum err err = event_app_names(reader, arena, APP_NAMES_MAX + 1, space, count, error);
	*names = space;
	if (*count > APP_NAMES_MAX) *count = SIZE_MAX;
	return err;
}

// Among the latest events of the stream, which ends before them then. *done: there is nothing else to look at.
static enum err read_latest(struct history_reader *reader, const struct event_window *window,
			    struct event_stream *stream, struct event_picks *picks, bool *done, struct error *error) {
	enum err err = ERR_OK;
	*done = false;
	for (uint32_t rows = LATEST_FIRST; rows <= LATEST_MAX && err == ERR_OK && !*done; rows *= 8) {
		struct event_stream latest = *stream;
		bool found;
		err = event_stream_edge(reader, stream, rows, &latest.first, &found, error);
		if (err == ERR_OK) err = stream_read(reader, window, &latest, picks, error);
		*done = !found || picks->count == picks->need || !event_id_before(&latest.first, &stream->last);
	}
	return err;
}

static enum err read_all_names(struct history_reader *reader, const struct event_window *window,
			       struct event_stream stream, struct event_picks *picks, struct error *error) {
	struct arena arenas[2] = {{0}}; // of a name, and of the one before
	bool found = true;
	enum err err = ERR_OK;
	stream.driver = EVENTS_BY_NAME;
	for (unsigned i = 0; err == ERR_OK; i ^= 1) {
		arena_free(&arenas[i]);
		arena_init(&arenas[i], 0);
		err = event_next_app_name(reader, &arenas[i], &stream.name, &found, error);
		if (err != ERR_OK || !found) break;
		err = stream_read(reader, window, &stream, picks, error);
	}
	arena_free(&arenas[0]);
	arena_free(&arenas[1]);
	return err;
}

static enum err read_streams(struct history_reader *reader, struct arena *arena, const struct event_window *window,
			     struct event_stream stream, struct event_picks *picks, struct error *error) {
	struct str space[APP_NAMES_MAX + 1];
	const struct str *names;
	size_t count;
	bool is_short = picks->need <= APP_NAMES_PAGE_MAX, done;
	enum err err = find_names(reader, arena, window, picks->need, space, &names, &count, error);
	if (err == ERR_OK && count == SIZE_MAX && window->scope == EVENTS_OF_APPS && is_short) {
		err = read_latest(reader, window, &stream, picks, &done, error);
		return err == ERR_OK && !done ? read_all_names(reader, window, stream, picks, error) : err;
	}
	if (err == ERR_OK && count == SIZE_MAX) return stream_read(reader, window, &stream, picks, error);
	stream.driver = EVENTS_BY_NAME;
	for (size_t i = 0; i < count && err == ERR_OK; i++) {
		stream.name = names[i];
		err = stream_read(reader, window, &stream, picks, error);
	}
	return err;
}

// The next `need` events below `before`.
static enum err events_pick(struct history_reader *reader, const struct event_window *window,
			    const struct history_events_filter *filter, const struct ulid *before,
			    struct event_picks *picks, struct error *error) {
	struct event_stream stream = {.driver = EVENTS_BY_ID, .first = window->first, .last = window->last};
	struct ulid lowest = ulid_floor(0), highest = ulid_ceiling(UINT64_MAX);
	if (before != NULL && !event_id_before(before, &highest)) return ERR_OK;
	if (filter->after != NULL && !event_id_behind(filter->after, &lowest)) return ERR_OK;
	if (ulid_cmp(&highest, &stream.last) < 0) stream.last = highest;
	if (ulid_cmp(&lowest, &stream.first) > 0) stream.first = lowest;
	struct arena arena;
	arena_init(&arena, 0);
	enum err err = read_streams(reader, &arena, window, stream, picks, error);
	arena_free(&arena);
	stream = (struct event_stream){.driver = EVENTS_BY_SKEW, .first = lowest, .last = highest};
	return err == ERR_OK ? stream_read(reader, window, &stream, picks, error) : err;
}

static enum err event_load(struct history_reader *reader, struct arena *arena, int64_t rowid, bool is_bare,
			   struct history_event *out, bool *found, struct error *error) {
	static const struct str bare = STR_INIT("SELECT " EVENT_BARE_SELECT " FROM events e WHERE e.rowid = ?1"),
				all = STR_INIT("SELECT " EVENT_COLUMNS_SELECT " FROM events e WHERE e.rowid = ?1");
	sqlite3_stmt *row;
	enum err err = statement_get(reader, is_bare ? bare : all, &row, error);
	*found = false;
	if (err != ERR_OK) return err;
	sqlite3_bind_int64(row, 1, rowid);
	*out = (struct history_event){0};
	while (sql_row(row, &err, error)) *found = history_event_read(row, arena, out);
	return err;
}

// ---- Pages and searches --------------------------------------------------------------------------------------------

#define CHUNK_FIRST 64
#define CHUNK_MAX 1024 // as in runs_search.c

struct event_walk {
	struct history_reader *reader;
	struct arena *arena;
	const struct history_events_filter *filter;
	const struct event_window *window;
	struct rows *out;     // struct history_event; NULL: matches are only counted
	size_t need;          // matches
	uint64_t deadline_ns; // of a search
	size_t bytes_before;  // of the arena
	bool is_cut, has_got;
	bool is_full;    // the page holds no more
	bool has_more;   // some have not been looked at, or there may be some behind the last chunk
	struct ulid got; // the last one that was looked at
	uint64_t found;
};

static int is_time_up(void *argument) {
	struct event_walk *walk = argument;
	walk->is_cut = clock_mono_ns() >= walk->deadline_ns;
	return walk->is_cut;
}

static bool event_matches(const struct run_search *search, const struct history_event *event) {
	if (search == NULL) return true;
	struct search_event only = {event->internal_id, event->id,   event->name, event->v,
				    event->ts_ms,       event->data, event->user};
	struct search_subject subject = {.events = &only, .event_count = 1};
	return run_search_matches(search, &subject);
}

static enum err walk_look(struct event_walk *walk, const struct event_pick *pick, struct error *error) {
	struct arena scratch;
	struct history_event event;
	bool found, is_bare = walk->filter->is_bare;
	arena_init(&scratch, 0);
	struct arena *arena = walk->filter->search == NULL ? walk->arena : &scratch;
	enum err err = event_load(walk->reader, arena, pick->rowid, is_bare && walk->filter->search == NULL, &event,
				  &found, error);
	bool matched = err == ERR_OK && found && event_matches(walk->filter->search, &event);
	if (matched && walk->out != NULL && walk->filter->search != NULL)
		err = event_load(walk->reader, walk->arena, pick->rowid, is_bare, &event, &found, error);
	if (matched && err == ERR_OK) walk->found++;
	if (matched && err == ERR_OK && walk->out != NULL) *(struct history_event *)rows_add(walk->out) = event;
	walk->is_full = walk->out != NULL && walk->arena->bytes - walk->bytes_before > HISTORY_PAGE_BYTES;
	arena_free(&scratch);
	return err;
}

static enum err walk_chunk(struct event_walk *walk, size_t chunk, bool *goes_on, struct error *error) {
	struct event_picks picks = {.need = chunk};
	const struct ulid *before = walk->has_got ? &walk->got : walk->filter->before;
	enum err err = events_pick(walk->reader, walk->window, walk->filter, before, &picks, error);
	size_t i = 0;
	for (; i < picks.count && err == ERR_OK && walk->found < walk->need && !walk->is_full; i++) {
		if (walk->filter->search != NULL && walk->has_got && is_time_up(walk)) break;
		err = walk_look(walk, &picks.items[i], error);
		if (err != ERR_OK) break;
		walk->got = picks.items[i].id;
		walk->has_got = true;
	}
	walk->has_more = i < picks.count || picks.count == chunk;
	*goes_on = err == ERR_OK && picks.count == chunk && walk->found < walk->need && !walk->is_cut && !walk->is_full;
	free(picks.items);
	return err;
}

static enum err walk_run(struct event_walk *walk, struct error *error) {
	bool is_search = walk->filter->search != NULL, goes_on = true;
	size_t chunk = is_search ? CHUNK_FIRST : walk->need;
	uint64_t budget_ms = walk->filter->budget_ms > 0 ? walk->filter->budget_ms : EVENT_SEARCH_BUDGET_MS;
	enum err err = ERR_OK;
	walk->deadline_ns = reader_deadline(walk->reader, budget_ms);
	walk->bytes_before = walk->arena->bytes;
	for (; goes_on && err == ERR_OK; chunk *= chunk < CHUNK_MAX ? 2 : 1) {
		err = walk_chunk(walk, chunk, &goes_on, error);
		if (!is_search) continue;
		sqlite3_progress_handler(walk->reader->db, 0, NULL, NULL);
		if (goes_on) reading_renew(walk->reader);
		sqlite3_progress_handler(walk->reader->db, PROGRESS_STEPS, is_time_up, walk);
	}
	reader_watch(walk->reader);
	return walk->is_cut ? ERR_OK : err;
}

enum err history_events_search(struct history_reader *reader, struct arena *arena,
			       const struct history_events_filter *filter, struct history_events_page *out,
			       struct error *error) {
	struct event_window window;
	struct rows rows = {.arena = arena, .row_size = sizeof(struct history_event)};
	*out = (struct history_events_page){0};
	event_window_make(arena, filter, &window);
	if (window.is_empty || filter->limit == 0) return ERR_OK;
	struct event_walk walk = {.reader = reader, .arena = arena, .filter = filter, .window = &window, .out = &rows};
	walk.need = filter->limit + 1;
	bool began = reading_begin(reader);
	enum err err = walk_run(&walk, error);
	reading_end(reader, began);
	if (err != ERR_OK) return err;
	out->events = (struct history_event *)(void *)rows.items;
	out->count = rows.count < filter->limit ? rows.count : filter->limit;
	out->has_more = walk.is_cut || (walk.is_full && walk.has_more) || rows.count > filter->limit;
	out->is_cut = walk.is_cut && rows.count < filter->limit;
	if (out->count > 0) out->end = out->events[out->count - 1].internal_id;
	if (walk.is_cut && walk.has_got) out->end = walk.got;
	return ERR_OK;
}

enum err history_events(struct history_reader *reader, struct arena *arena, const struct history_events_query *query,
			struct history_event **out, size_t *count, struct error *error) {
	struct history_events_filter filter = {.from_ns = query->after_ns,
					       .until_ns = query->before_ns,
					       .names = &query->name,
					       .name_count = 1,
					       .has_names = query->name.len > 0,
					       .scope = EVENTS_OF_APPS,
					       .before = query->has_cursor ? &query->cursor : NULL,
					       .limit = query->limit};
	struct history_events_page page;
	enum err err = history_events_search(reader, arena, &filter, &page, error);
	*out = page.events;
	*count = page.count;
	return err;
}

// ---- Counts --------------------------------------------------------------------------------------------------------

static enum err count_search(struct history_reader *reader, struct arena *arena,
			     const struct history_events_filter *filter, const struct event_window *window,
			     uint64_t *out, bool *is_cut, struct error *error) {
	struct history_events_filter all = *filter;
	all.before = all.after = NULL;
	struct event_walk walk = {.reader = reader, .arena = arena, .filter = &all, .window = window, .need = SIZE_MAX};
	enum err err = walk_run(&walk, error);
	*out = walk.found;
	*is_cut = walk.is_cut;
	return err;
}

enum err history_events_count(struct history_reader *reader, const struct history_events_filter *filter, uint64_t *out,
			      bool *is_cut, struct error *error) {
	struct event_window window;
	struct arena arena;
	enum err err = ERR_OK;
	*out = 0;
	*is_cut = false;
	arena_init(&arena, 0);
	event_window_make(&arena, filter, &window);
	bool began = reading_begin(reader);
	if (!window.is_empty) {
		err = filter->search != NULL ? count_search(reader, &arena, filter, &window, out, is_cut, error)
					     : events_count(reader, &window, out, error);
	}
	reading_end(reader, began);
	arena_free(&arena);
	return err;
}

// ---- By id ---------------------------------------------------------------------------------------------------------

enum err history_events_by_id(struct history_reader *reader, struct arena *arena, const struct ulid *ids,
			      size_t id_count, struct history_event **out, size_t *count, struct error *error) {
	struct rows rows = {.arena = arena, .row_size = sizeof(struct history_event)};
	bool began = reading_begin(reader);
	enum err err = ERR_OK;
	for (size_t i = 0; i < id_count && err == ERR_OK; i++) {
		struct history_event event = {0};
		err = history_event(reader, arena, &ids[i], &event, error);
		if (err == ERR_OK) *(struct history_event *)rows_add(&rows) = event;
		if (err == ERR_NOT_FOUND) err = ERR_OK;
		if (err == ERR_OK) err = room_check(arena, error);
	}
	reading_end(reader, began);
	*out = (struct history_event *)(void *)rows.items;
	*count = rows.count;
	return err;
}
