// Windows of time over events, and the statements for them.
#include <stdlib.h>

#include "history/events_internal.h"

// ---- Windows -------------------------------------------------------------------------------------------------------

bool event_id_before(const struct ulid *id, struct ulid *out) {
	*out = *id;
	for (size_t i = sizeof out->bytes; i-- > 0;) {
		if (out->bytes[i]-- != 0) return true;
	}
	return false;
}

bool event_id_behind(const struct ulid *id, struct ulid *out) {
	*out = *id;
	for (size_t i = sizeof out->bytes; i-- > 0;) {
		if (++out->bytes[i] != 0) return true;
	}
	return false;
}

static int compare_names(const void *a, const void *b) {
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void set_names(struct arena *arena, const struct history_events_filter *filter, struct event_window *out) {
	out->has_names = filter->has_names;
	if (!out->has_names) return;
	out->names = ARENA_ARRAY(arena, struct str, filter->name_count);
	for (size_t i = 0; i < filter->name_count; i++) out->names[i] = filter->names[i];
	if (filter->name_count > 0) qsort(out->names, filter->name_count, sizeof *out->names, compare_names);
	struct buf list;
	buf_init(&list, SIZE_MAX / 2);
	for (size_t i = 0; i < filter->name_count; i++) {
		if (i > 0 && str_eq(out->names[i], out->names[i - 1])) continue;
		out->names[out->name_count++] = out->names[i];
		buf_byte(&list, out->name_count == 1 ? '[' : ',');
		buf_json_str(&list, out->names[out->name_count - 1]);
	}
	buf_byte(&list, ']');
	out->name_list = arena_dup(arena, buf_view(&list));
	buf_free(&list);
	if (out->name_count == 0) out->is_empty = true;
}

static uint64_t ms_of(int64_t ns) {
	return ns > 0 ? (uint64_t)ns / NS_PER_MS : 0;
}

void event_window_make(struct arena *arena, const struct history_events_filter *filter, struct event_window *out) {
	*out = (struct event_window){.from_ns = filter->from_ns, .until_ns = filter->until_ns, .scope = filter->scope};
	bool has_from = filter->from_ns != INT64_MIN, has_until = filter->until_ns != INT64_MAX;
	uint64_t from_ms = ms_of(filter->from_ns), until_ms = ms_of(filter->until_ns);
	out->is_empty = filter->from_ns > filter->until_ns || filter->until_ns < 0;
	out->from_text = event_time_text(arena, filter->from_ns, "");
	out->until_text = event_time_text(arena, filter->until_ns, ",");
	out->first = ulid_floor(has_from && from_ms > EVENT_SKEW_MS ? from_ms - EVENT_SKEW_MS : 0);
	out->last = ulid_ceiling(has_until ? until_ms + EVENT_SKEW_MS : UINT64_MAX);
	out->inner_first = ulid_floor(has_from ? from_ms + EVENT_SKEW_MS + 1 : 0);
	out->inner_last = ulid_ceiling(!has_until                     ? UINT64_MAX
				       : until_ms > EVENT_SKEW_MS + 1 ? until_ms - EVENT_SKEW_MS - 1
								      : 0);
	out->has_inner = ulid_cmp(&out->inner_first, &out->inner_last) < 0;
	set_names(arena, filter, out);
}

// ---- Statements ----------------------------------------------------------------------------------------------------

// ?1, ?2: ids; ?3, ?4: texts of the times; ?5: name, or a list of them; ?6, ?7: times; ?8, ?9: ids of the window.
#define IDS " e.internal_id BETWEEN ?1 AND ?2"
#define TIMES " AND e.received_at >= ?3 AND e.received_at < ?4"
#define SKEWED \
	"engine_event_skew s CROSS JOIN events e INDEXED BY engine_events_id ON e.internal_id = s.internal_id WHERE"
#define OF_APPS "(e.event_name < 'inngest/' OR e.event_name >= 'inngest0')"
#define BEGAN_RUNS                                                                            \
	"(" OF_APPS " OR EXISTS (SELECT 1 FROM function_runs WHERE event_id = e.internal_id)" \
	" OR EXISTS (SELECT 1 FROM engine_batch_events WHERE event_id = e.internal_id))"

static const char *const froms[] = {
	[EVENTS_BY_ID] = "events e INDEXED BY engine_events_id WHERE" IDS TIMES,
	[EVENTS_BY_NAME] = "events e INDEXED BY engine_events_name WHERE e.event_name = ?5 AND" IDS TIMES,
	[EVENTS_BY_SKEW] = SKEWED " s.received_ns BETWEEN ?6 AND ?7 AND s.internal_id BETWEEN ?1 AND ?2"
				  " AND s.internal_id NOT BETWEEN ?8 AND ?9" TIMES,
};

static void append_matter(struct buf *sql, const struct event_window *window, bool names_done) {
	if (window->has_names && !names_done) buf_lit(sql, " AND e.event_name IN (SELECT value FROM json_each(?5))");
	if (window->scope == EVENTS_OF_APPS) buf_lit(sql, " AND " OF_APPS);
	if (window->scope == EVENTS_THAT_BEGAN_RUNS) buf_lit(sql, " AND " BEGAN_RUNS);
}

static enum err prepare(struct history_reader *reader, const struct event_window *window,
			const struct event_stream *stream, struct buf *sql, sqlite3_stmt **out, struct error *error) {
	enum err err = statement_get(reader, buf_view(sql), out, error);
	buf_free(sql);
	if (err != ERR_OK) return err;
	sql_bind_ulid(*out, 1, &stream->first);
	sql_bind_ulid(*out, 2, &stream->last);
	sql_bind_text(*out, 3, window->from_text);
	sql_bind_text(*out, 4, window->until_text);
	sql_bind_text(*out, 5, stream->driver == EVENTS_BY_NAME ? stream->name : window->name_list);
	sqlite3_bind_int64(*out, 6, window->from_ns);
	sqlite3_bind_int64(*out, 7, window->until_ns);
	sql_bind_ulid(*out, 8, &window->first);
	sql_bind_ulid(*out, 9, &window->last);
	return ERR_OK;
}

enum err event_statement_get(struct history_reader *reader, const struct event_window *window,
			     const struct event_stream *stream, enum event_statement which, sqlite3_stmt **out,
			     struct error *error) {
	struct buf sql;
	buf_init(&sql, 4096);
	buf_printf(&sql, "SELECT %s FROM %s", which == EVENTS_COUNT ? "count(*)" : "e.rowid, e.internal_id",
		   froms[stream->driver]);
	append_matter(&sql, window, stream->driver == EVENTS_BY_NAME);
	if (which == EVENTS_PICK && stream->driver != EVENTS_BY_SKEW) buf_lit(&sql, " ORDER BY e.internal_id DESC");
	return prepare(reader, window, stream, &sql, out, error);
}

// Over the index alone.
static const char edge_sql[] = "SELECT internal_id FROM events e INDEXED BY engine_events_id WHERE" IDS
			       " ORDER BY internal_id DESC LIMIT 1 OFFSET ?3";

// ---- Names ---------------------------------------------------------------------------------------------------------

static const char next_name_sql[] = "SELECT event_name FROM events INDEXED BY engine_events_name"
				    " WHERE event_name > ?1 ORDER BY event_name LIMIT 1";

static bool is_internal(struct str name) {
	return str_starts_with(name, STR("inngest/"));
}

static enum err next_name(struct history_reader *reader, struct arena *arena, struct str *name, bool *found,
			  struct error *error) {
	sqlite3_stmt *row;
	enum err err = statement_get(reader, str_from_cstr(next_name_sql), &row, error);
	if (err != ERR_OK) return err;
	sql_bind_text(row, 1, *name);
	*found = false;
	struct str next = {NULL, 0};
	while (sql_row(row, &err, error)) {
		next = sql_text(row, 0, arena);
		*found = true;
	}
	*name = next;
	return err;
}

enum err event_next_app_name(struct history_reader *reader, struct arena *arena, struct str *name, bool *found,
			     struct error *error) {
	enum err err = next_name(reader, arena, name, found, error);
	if (err != ERR_OK || !*found || !is_internal(*name)) return err;
	*name = STR("inngest/\xFF"); // behind all of them: no character starts like that
	return next_name(reader, arena, name, found, error);
}

enum err event_app_names(struct history_reader *reader, struct arena *arena, size_t max, struct str *out, size_t *count,
			 struct error *error) {
	struct str name = {NULL, 0};
	bool found = true;
	enum err err = ERR_OK;
	for (*count = 0; *count < max && err == ERR_OK;) {
		err = event_next_app_name(reader, arena, &name, &found, error);
		if (!found) break;
		out[(*count)++] = name;
	}
	return err;
}

enum err event_stream_edge(struct history_reader *reader, const struct event_stream *stream, uint32_t rows,
			   struct ulid *out, bool *found, struct error *error) {
	sqlite3_stmt *row;
	enum err err = statement_get(reader, str_from_cstr(edge_sql), &row, error);
	*found = false;
	if (err != ERR_OK) return err;
	sql_bind_ulid(row, 1, &stream->first);
	sql_bind_ulid(row, 2, &stream->last);
	sqlite3_bind_int64(row, 3, rows);
	while (sql_row(row, &err, error)) *found = sql_ulid(row, 0, out);
	return err;
}

// ---- Counts --------------------------------------------------------------------------------------------------------

// Within the inner ids the index alone knows: all, those of a name, those listed as skewed that do not belong there.
static const char inner_sql[] = "SELECT count(*) FROM events e INDEXED BY engine_events_id WHERE" IDS;
static const char inner_name_sql[] =
	"SELECT count(*) FROM events e INDEXED BY engine_events_name WHERE e.event_name = ?5 AND" IDS;
#define NOT_RECEIVED SKEWED " s.internal_id BETWEEN ?1 AND ?2 AND s.received_ns NOT BETWEEN ?6 AND ?7"
static const char internal_name_sql[] = "SELECT event_name FROM events INDEXED BY engine_events_name"
					" WHERE event_name > ?1 AND event_name >= 'inngest/'"
					" AND event_name < 'inngest0' ORDER BY event_name LIMIT 1";

struct counting {
	struct history_reader *reader;
	const struct event_window *window;
	struct error *error;
	enum err err;
};

static uint64_t count_rows(struct counting *counting, sqlite3_stmt *row) {
	uint64_t count = 0;
	while (sql_row(row, &counting->err, counting->error)) count += (uint64_t)sqlite3_column_int64(row, 0);
	return count;
}

static uint64_t count_sql(struct counting *counting, const struct event_stream *stream, const char *text,
			  bool is_of_matter) {
	struct buf sql;
	sqlite3_stmt *row;
	if (counting->err != ERR_OK) return 0;
	buf_init(&sql, 4096);
	buf_str(&sql, str_from_cstr(text));
	if (is_of_matter) append_matter(&sql, counting->window, false);
	counting->err = prepare(counting->reader, counting->window, stream, &sql, &row, counting->error);
	return counting->err == ERR_OK ? count_rows(counting, row) : 0;
}

// Exactly, row by row.
static uint64_t count_stream(struct counting *counting, enum event_driver driver, struct ulid first, struct ulid last) {
	const struct event_window *window = counting->window;
	struct event_stream stream = {.driver = driver, .first = first, .last = last};
	size_t names = driver == EVENTS_BY_ID && window->has_names ? window->name_count : 1;
	uint64_t count = 0;
	for (size_t i = 0; i < names && counting->err == ERR_OK; i++) {
		sqlite3_stmt *row;
		if (driver == EVENTS_BY_ID && window->has_names) stream.driver = EVENTS_BY_NAME;
		if (stream.driver == EVENTS_BY_NAME) stream.name = window->names[i];
		counting->err =
			event_statement_get(counting->reader, window, &stream, EVENTS_COUNT, &row, counting->error);
		if (counting->err == ERR_OK) count += count_rows(counting, row);
	}
	return count;
}

// The next name of an internal event; empty: no more.
static struct str next_internal(struct counting *counting, struct str name, struct arena *arena) {
	sqlite3_stmt *row;
	struct str next = {NULL, 0};
	if (counting->err == ERR_OK)
		counting->err =
			statement_get(counting->reader, str_from_cstr(internal_name_sql), &row, counting->error);
	if (counting->err != ERR_OK) return next;
	sql_bind_text(row, 1, name);
	while (sql_row(row, &counting->err, counting->error)) next = sql_text(row, 0, arena);
	return next;
}

static uint64_t count_inner(struct counting *counting) {
	const struct event_window *window = counting->window;
	struct event_stream stream = {EVENTS_BY_ID, window->inner_first, window->inner_last, {NULL, 0}};
	uint64_t count = 0;
	struct arena arena;
	if (!window->has_names) count = count_sql(counting, &stream, inner_sql, false);
	stream.driver = EVENTS_BY_NAME;
	for (size_t i = 0; i < window->name_count; i++) {
		stream.name = window->names[i];
		if (window->scope == EVENTS_OF_APPS && is_internal(stream.name)) continue;
		count += count_sql(counting, &stream, inner_name_sql, false);
	}
	arena_init(&arena, 0);
	stream.name = STR("");
	while (!window->has_names && window->scope == EVENTS_OF_APPS) { // their names are few
		stream.name = next_internal(counting, stream.name, &arena);
		if (stream.name.len == 0) break;
		count -= count_sql(counting, &stream, inner_name_sql, false);
	}
	arena_free(&arena);
	stream.driver = EVENTS_BY_SKEW;
	return count - count_sql(counting, &stream, "SELECT count(*) FROM " NOT_RECEIVED, true);
}

enum err events_count(struct history_reader *reader, const struct event_window *window, uint64_t *out,
		      struct error *error) {
	struct counting counting = {reader, window, error, ERR_OK};
	struct ulid lowest = ulid_floor(0), highest = ulid_ceiling(UINT64_MAX), edge;
	*out = count_stream(&counting, EVENTS_BY_SKEW, lowest, highest);
	if (!window->has_inner || window->scope == EVENTS_THAT_BEGAN_RUNS) {
		*out += count_stream(&counting, EVENTS_BY_ID, window->first, window->last);
		return counting.err;
	}
	*out += count_inner(&counting);
	if (event_id_before(&window->inner_first, &edge))
		*out += count_stream(&counting, EVENTS_BY_ID, window->first, edge);
	if (event_id_behind(&window->inner_last, &edge))
		*out += count_stream(&counting, EVENTS_BY_ID, edge, window->last);
	return counting.err;
}
