// The filter of a query, and the statements that find runs. The index is always named: a plan that the library chose
// by itself might sort a million rows.
#include <stdlib.h>

#include "history/runs_internal.h"

// ---- The filter ----------------------------------------------------------------------------------------------------

static const char app_functions_sql[] = "SELECT id FROM functions WHERE app_id = ?1";

static struct str uuid_str(struct arena *arena, const struct uuid *uuid) {
	char text[UUID_TEXT_LEN + 1];
	uuid_text(uuid, text);
	return arena_dup(arena, str_make(text, UUID_TEXT_LEN));
}

struct texts {
	struct str *items;
	size_t count;
};

static int compare_texts(const void *a, const void *b) {
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

// Sorted, each once.
static struct texts texts_of(struct rows *rows) {
	struct texts texts = {.items = (struct str *)(void *)rows->items};
	if (rows->count > 0) qsort(texts.items, rows->count, sizeof *texts.items, compare_texts);
	for (size_t i = 0; i < rows->count; i++) {
		if (i > 0 && str_eq(texts.items[i], texts.items[i - 1])) continue;
		texts.items[texts.count++] = texts.items[i];
	}
	return texts;
}

static bool texts_have(const struct texts *texts, struct str text) {
	return texts->count > 0 &&
	       bsearch(&text, texts->items, texts->count, sizeof *texts->items, compare_texts) != NULL;
}

static enum err add_app(struct history_reader *reader, const struct uuid *app, const struct texts *asked,
			struct rows *functions, struct error *error) {
	sqlite3_stmt *row;
	enum err err = statement_get(reader, str_from_cstr(app_functions_sql), &row, error);
	if (err != ERR_OK) return err;
	sql_bind_uuid(row, 1, app);
	while (sql_row(row, &err, error)) {
		struct str id = sql_text(row, 0, functions->arena);
		if (asked == NULL || texts_have(asked, id)) *(struct str *)rows_add(functions) = id;
	}
	return err;
}

static struct str json_list(struct arena *arena, const struct str *texts, size_t count) {
	struct buf out;
	buf_init(&out, 64 + count * 300);
	buf_byte(&out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0) buf_byte(&out, ',');
		buf_json_str(&out, texts[i]);
	}
	buf_byte(&out, ']');
	struct str list = arena_dup(arena, buf_view(&out));
	buf_free(&out);
	return list;
}

// Functions that are asked for, and belong to an app that is.
static enum err find_functions(struct history_reader *reader, struct arena *arena, const struct run_query *query,
			       struct run_filter *out, struct error *error) {
	struct rows given = {.arena = arena, .row_size = sizeof(struct str)}, of_apps = given;
	out->has_functions = query->has_functions || query->has_apps;
	if (!out->has_functions) return ERR_OK;
	for (size_t i = 0; i < query->function_count && query->has_functions; i++)
		*(struct str *)rows_add(&given) = uuid_str(arena, &query->functions[i]);
	struct texts asked = texts_of(&given);
	enum err err = ERR_OK;
	for (size_t i = 0; i < query->app_count && query->has_apps && err == ERR_OK; i++)
		err = add_app(reader, &query->apps[i], query->has_functions ? &asked : NULL, &of_apps, error);
	if (query->has_apps) asked = texts_of(&of_apps);
	out->functions = asked.items;
	out->function_count = asked.count;
	out->function_list = json_list(arena, asked.items, asked.count);
	return err;
}

static int64_t floor_ms(int64_t ns) {
	return ns / NS_PER_MS - (ns % NS_PER_MS < 0 ? 1 : 0);
}

// Times are whole milliseconds: the bounds, which are inclusive, shrink to those within.
static void set_times(const struct run_query *query, struct run_filter *out) {
	bool has_from = query->from_ns != INT64_MIN, has_until = query->until_ns != INT64_MAX;
	int64_t from_ms = has_from ? floor_ms(query->from_ns) + (query->from_ns % NS_PER_MS != 0) : INT64_MIN + 1;
	int64_t until_ms = has_until ? floor_ms(query->until_ns) : INT64_MAX;
	out->first = ulid_floor(0);
	out->last = ulid_ceiling(UINT64_MAX);
	out->from_ms = INT64_MIN + 1; // above RUN_NO_TIME
	out->until_ms = INT64_MAX;
	out->is_over = query->time == RUN_TIME_ENDED;
	if (from_ms > until_ms || until_ms < 0) out->is_empty = true;
	if (out->is_over) {
		out->from_ms = from_ms;
		out->until_ms = until_ms;
	} else if (!out->is_empty) {
		if (from_ms > 0) out->first = ulid_floor((uint64_t)from_ms);
		out->last = ulid_ceiling((uint64_t)until_ms);
		out->has_id_bounds = from_ms > 0 || has_until;
	}
}

enum err run_filter_make(struct history_reader *reader, struct arena *arena, const struct run_query *query,
			 struct run_filter *out, struct error *error) {
	*out = (struct run_filter){.flag_mask = RUN_ROW_DEBUG};
	// What has been skipped is in no list; asking for nothing else asks for everything (06 §5.1).
	out->statuses = query->statuses & RUN_ALL_BITS;
	if (out->statuses == 0) out->statuses = RUN_ALL_BITS;
	if (query->is_deferred != UNSET) out->flag_mask |= RUN_ROW_DEFERRED;
	if (query->is_deferred == YES) out->flags = RUN_ROW_DEFERRED;
	set_times(query, out);
	if (out->is_over) out->statuses &= RUN_ENDED_BITS;
	enum err err = find_functions(reader, arena, query, out, error);
	if (out->has_functions && out->function_count == 0) out->is_empty = true;
	if (out->statuses == 0) out->is_empty = true;
	return err;
}

struct run_filter run_filter_part(const struct run_filter *filter, enum run_time by, bool has) {
	struct run_filter part = *filter;
	if (by == RUN_TIME_ENDED) part.statuses &= has ? RUN_ENDED_BITS : RUN_LIVE_BITS;
	if (by == RUN_TIME_STARTED) part.statuses &= has ? RUN_STARTED_BITS : RUN_UNSTARTED_BITS;
	if (by == RUN_TIME_STARTED) part.has_start = has ? YES : NO;
	if (part.statuses == 0) part.is_empty = true;
	return part;
}

bool run_filter_is_narrow(const struct run_filter *filter, unsigned statuses) {
	return filter->has_functions || (filter->statuses & statuses) != statuses;
}

// ---- Bounds --------------------------------------------------------------------------------------------------------

void run_bounds_from(struct run_bounds *bounds, enum run_time by, int64_t ms) {
	if (ms <= 0) return;
	struct ulid first = ulid_floor((uint64_t)ms);
	if (by == RUN_TIME_QUEUED && ulid_cmp(&first, &bounds->first) > 0) bounds->first = first;
	if (ms > bounds->from_ms) bounds->from_ms = ms;
	if (by != RUN_TIME_ENDED && ms > bounds->started_from_ms) bounds->started_from_ms = ms;
}

void run_bounds_until(struct run_bounds *bounds, enum run_time by, int64_t ms) {
	struct ulid last = ulid_ceiling(ms > 0 ? (uint64_t)ms : 0);
	if (ulid_cmp(&last, &bounds->last) < 0) bounds->last = last;
	if (by == RUN_TIME_ENDED && ms < bounds->until_ms) bounds->until_ms = ms;
	if (by != RUN_TIME_QUEUED && ms < bounds->started_until_ms) bounds->started_until_ms = ms;
}

struct run_bounds run_filter_bounds(const struct run_filter *filter) {
	struct run_bounds bounds = {
		filter->first, filter->last, filter->from_ms, filter->until_ms, (int64_t)ulid_time_ms(&filter->first),
		INT64_MAX};
	if (filter->is_over) run_bounds_until(&bounds, RUN_TIME_ENDED, filter->until_ms);
	return bounds;
}

// ---- Statements ----------------------------------------------------------------------------------------------------

// ?1, ?2: ids; ?3, ?4: ends; ?5: function, or a list of them; ?6: status; ?7, ?8: starts.
#define IDS "r.run_id BETWEEN ?1 AND ?2"
#define ENDS "r.engine_ended_at BETWEEN ?3 AND ?4 AND r.engine_ended_at IS NOT NULL"
#define STARTS "r.engine_started_at BETWEEN ?7 AND ?8 AND r.engine_started_at IS NOT NULL"

static const struct driver {
	const char *from, *condition; // NULL: none
	const char *order, *reverse;
} drivers[] = {
	[DRIVE_ALL] = {"function_runs r INDEXED BY engine_runs_id", NULL, "r.run_id", "r.run_id DESC"},
	[DRIVE_FUNCTION] = {"function_runs r INDEXED BY engine_runs_of_function",
			    "r.function_id = ?5 AND r.engine_status = ?6", "r.run_id", "r.run_id DESC"},
	[DRIVE_STARTED] = {"function_runs r INDEXED BY engine_runs_started", STARTS, "r.engine_started_at",
			   "r.engine_started_at DESC"},
	[DRIVE_ENDED] = {"function_runs r INDEXED BY engine_runs_ended", ENDS, "r.engine_ended_at, r.run_id DESC",
			 "r.engine_ended_at DESC, r.run_id"},
	[DRIVE_UNSTARTED] = {"function_runs r INDEXED BY engine_runs_unstarted",
			     "r.engine_started_at IS NULL AND r.engine_status >= 200", "r.run_id", "r.run_id DESC"},
	[DRIVE_FLAGGED] = {"function_runs r INDEXED BY engine_runs_flagged", "r.engine_flags & 3", "r.run_id",
			   "r.run_id DESC"},
};

// WHERE, then AND.
struct text {
	struct buf *sql;
	bool has_where;
};

static void append_condition(struct text *text, const char *condition) {
	if (condition == NULL) return;
	buf_printf(text->sql, "%s%s", text->has_where ? " AND " : " WHERE ", condition);
	text->has_where = true;
}

static void append_statuses(struct text *text, unsigned bits) {
	const char *comma = "";
	append_condition(text, "r.engine_status IN (");
	for (int code = TRACE_RUN_QUEUED; code <= TRACE_RUN_CANCELLED; code += 100) {
		if ((bits & RUN_STATUS_BIT(code)) == 0) continue;
		buf_printf(text->sql, "%s%d", comma, code);
		comma = ", ";
	}
	buf_lit(text->sql, ")");
}

// Only few runs have flags, and an index of their own: that is cheaper than to look at the row.
#define FLAGGED                                                                                               \
	"EXISTS (SELECT 1 FROM function_runs d INDEXED BY engine_runs_flagged WHERE d.run_id = r.run_id AND " \
	"d.engine_flags & 3"

static void append_flags(struct text *text, const struct run_filter *filter, enum run_driver driver,
			 enum run_statement which) {
	if (which == RUNS_COUNT_COVERED) return;
	if (driver == DRIVE_FLAGGED) {
		append_condition(text, "(r.engine_flags");
		buf_printf(text->sql, " & %u) %s %u", filter->flag_mask, which == RUNS_COUNT_FLAGGED ? "<>" : "=",
			   filter->flags);
	} else if (filter->flags == 0) {
		append_condition(text, "NOT " FLAGGED);
		buf_printf(text->sql, " AND d.engine_flags & %u)", filter->flag_mask);
	} else {
		append_condition(text, FLAGGED);
		buf_printf(text->sql, " AND (d.engine_flags & %u) = %u)", filter->flag_mask, filter->flags);
	}
}

static void append_filter(struct text *text, const struct run_filter *filter, const struct run_stream *stream,
			  enum run_statement which) {
	unsigned all = stream->driver == DRIVE_ENDED ? RUN_ENDED_BITS : RUN_ALL_BITS;
	if (stream->driver != DRIVE_ENDED && (filter->is_over || stream->with_ends)) append_condition(text, ENDS);
	if (stream->driver != DRIVE_FUNCTION && (filter->statuses & all) != all)
		append_statuses(text, filter->statuses);
	if (filter->has_functions && stream->driver != DRIVE_FUNCTION)
		append_condition(text, "r.function_id IN (SELECT value FROM json_each(?5))");
	if (filter->has_start == YES) append_condition(text, "r.engine_started_at IS NOT NULL");
	if (filter->has_start == NO && stream->driver != DRIVE_UNSTARTED)
		append_condition(text, "r.engine_started_at IS NULL");
	append_flags(text, filter, stream->driver, which);
}

static void append_statement(struct buf *sql, const struct run_filter *filter, const struct run_stream *stream,
			     enum run_statement which) {
	const struct driver *driver = &drivers[stream->driver];
	struct text text = {.sql = sql};
	bool is_page = which == RUNS_ASCENDING || which == RUNS_DESCENDING;
	buf_printf(sql, "SELECT %s%s FROM %s", is_page ? "r.rowid, r.run_id, r.engine_ended_at, " : "count(*)",
		   !is_page             ? ""
		   : stream->with_start ? "r.engine_started_at"
					: "NULL",
		   driver->from);
	append_condition(&text, driver->condition);
	// A page has bounds of its own, and needs the index for the order.
	if (filter->has_id_bounds || is_page) append_condition(&text, IDS);
	append_filter(&text, filter, stream, which);
	if (which == RUNS_ASCENDING) buf_printf(sql, " ORDER BY %s", driver->order);
	if (which == RUNS_DESCENDING) buf_printf(sql, " ORDER BY %s", driver->reverse);
}

enum err run_statement_get(struct history_reader *reader, const struct run_filter *filter,
			   const struct run_stream *stream, enum run_statement which, const struct run_bounds *bounds,
			   sqlite3_stmt **out, struct error *error) {
	struct buf sql;
	buf_init(&sql, 4096);
	append_statement(&sql, filter, stream, which);
	enum err err = statement_get(reader, buf_view(&sql), out, error);
	buf_free(&sql);
	if (err != ERR_OK) return err;
	// What the statement does not have is out of range, which does no harm.
	sql_bind_ulid(*out, 1, &bounds->first);
	sql_bind_ulid(*out, 2, &bounds->last);
	sqlite3_bind_int64(*out, 3, bounds->from_ms);
	sqlite3_bind_int64(*out, 4, bounds->until_ms);
	sql_bind_text(*out, 5, stream->driver == DRIVE_FUNCTION ? stream->function : filter->function_list);
	sqlite3_bind_int(*out, 6, stream->status);
	sqlite3_bind_int64(*out, 7, bounds->started_from_ms);
	sqlite3_bind_int64(*out, 8, bounds->started_until_ms);
	return ERR_OK;
}

// ---- Functions -----------------------------------------------------------------------------------------------------

static const char next_function_sql[] = "SELECT function_id FROM function_runs INDEXED BY engine_runs_of_function"
					" WHERE function_id > ?1 ORDER BY function_id LIMIT 1";

enum err run_functions_next(struct history_reader *reader, struct run_functions *functions, bool *found,
			    struct error *error) {
	const struct run_filter *filter = functions->filter;
	*found = false;
	if (filter->has_functions) {
		*found = functions->next < filter->function_count;
		if (*found) functions->current = filter->functions[functions->next++];
		return ERR_OK;
	}
	sqlite3_stmt *row;
	struct str next = {NULL, 0};
	enum err err = statement_get(reader, str_from_cstr(next_function_sql), &row, error);
	if (err != ERR_OK) return err;
	sql_bind_text(row, 1, functions->current);
	while (sql_row(row, &err, error)) {
		next = sql_text(row, 0, functions->arena);
		*found = true;
	}
	functions->current = next;
	return err;
}
