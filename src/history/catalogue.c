// Apps and functions as people list them. The statements are few and cheap to prepare, so none is kept.
#include "history/catalogue.h"

#include "history/history_internal.h"

#define APP_SELECT                                                                                         \
	"SELECT a.id, a.name, a.sdk_language, a.sdk_version, a.framework, a.url, a.method, a.app_version," \
	" a.checksum, a.metadata, a.status, a.error, a.created_at, a.archived_at,"                         \
	" (SELECT count(*) FROM functions f WHERE f.app_id = a.id AND f.archived_at IS NULL) FROM apps a WHERE "
#define FUNCTION_SELECT                                                          \
	"SELECT f.id, f.app_id, a.name, f.name, f.slug, f.config, f.created_at," \
	" coalesce(f.archived_at, a.archived_at), f.engine_paused_at"            \
	" FROM functions f LEFT JOIN apps a ON a.id = f.app_id WHERE "
// ?1 1: archived, 0: live, NULL: all; ?2 cursor; ?3 limit.
#define PAGE(table, archived) \
	"(?1 IS NULL OR (" archived ") = ?1) AND (?2 IS NULL OR " table ".id > ?2) ORDER BY " table ".id LIMIT ?3"
#define FUNCTION_PAGE PAGE("f", "f.archived_at IS NOT NULL OR a.archived_at IS NOT NULL")
#define LIVE " AND f.archived_at IS NULL AND a.archived_at IS NULL"
#define ANY_OF "IN (SELECT value FROM json_each(?4))"

static const char apps_sql[] = APP_SELECT PAGE("a", "a.archived_at IS NOT NULL");
static const char apps_by_id_sql[] = APP_SELECT "a.id " ANY_OF " ORDER BY a.id";
static const char app_sql[] =
	APP_SELECT "a.name = ?5 OR a.id = ?5 ORDER BY a.archived_at IS NOT NULL, a.name = ?5 DESC LIMIT 1";
static const char functions_sql[] = FUNCTION_SELECT FUNCTION_PAGE;
static const char functions_of_apps_sql[] = FUNCTION_SELECT "f.app_id " ANY_OF " AND " FUNCTION_PAGE;
static const char functions_by_id_sql[] = FUNCTION_SELECT "f.id " ANY_OF " ORDER BY f.id";
// Those of archived apps too: they are not archived themselves when somebody removes their app (01 §7.3).
static const char functions_by_slug_sql[] =
	FUNCTION_SELECT "f.slug " ANY_OF " AND f.archived_at IS NULL ORDER BY a.archived_at IS NOT NULL, f.id";
static const char function_sql[] =
	FUNCTION_SELECT "a.name = ?5 AND f.slug IN (?6, ?7)" LIVE " ORDER BY f.slug = ?6 DESC LIMIT 1";

// ---- rows ----------------------------------------------------------------------------------------------------------

static bool is_null(sqlite3_stmt *row, int column) {
	return sqlite3_column_type(row, column) == SQLITE_NULL;
}

static void read_app(sqlite3_stmt *row, struct rows *rows) {
	struct uuid id;
	if (!sql_uuid(row, 0, &id)) return;
	struct catalogue_app *app = rows_add(rows);
	struct str *const texts[] = {&app->name,     &app->sdk_language, &app->sdk_version, &app->framework,
				     &app->url,      &app->method,       &app->app_version, &app->checksum,
				     &app->metadata, &app->status,       &app->error};
	app->id = id;
	for (int i = 0; i < (int)ARRAY_LEN(texts); i++) *texts[i] = sql_text(row, 1 + i, rows->arena);
	app->created_ns = sql_time(row, 12, 0);
	app->is_archived = !is_null(row, 13);
	app->archived_ns = sql_time(row, 13, 0);
	app->function_count = (uint64_t)sqlite3_column_int64(row, 14);
}

static void read_function(sqlite3_stmt *row, struct rows *rows) {
	struct uuid id;
	if (!sql_uuid(row, 0, &id)) return;
	struct catalogue_function *function = rows_add(rows);
	function->id = id;
	if (!sql_uuid(row, 1, &function->app_id)) function->app_id = (struct uuid){{0}};
	function->app_name = sql_text(row, 2, rows->arena);
	function->name = sql_text(row, 3, rows->arena);
	function->slug = sql_text(row, 4, rows->arena);
	function->config = sql_text(row, 5, rows->arena);
	function->created_ns = sql_time(row, 6, 0);
	function->is_archived = !is_null(row, 7);
	function->archived_ns = sql_time(row, 7, 0);
	function->is_paused = !is_null(row, 8);
	int64_t paused_ms = sqlite3_column_int64(row, 8);
	function->paused_ns = paused_ms > 0 ? ns_of_ms((uint64_t)paused_ms) : 0;
}

// ---- queries -------------------------------------------------------------------------------------------------------

// What a query may ask for; the rest stays NULL.
struct wanted {
	const struct catalogue_query *page;
	struct str any_of; // JSON array of texts
	struct str texts[3];
};

static void bind(sqlite3_stmt *statement, const struct wanted *wanted) {
	const struct catalogue_query *page = wanted->page;
	if (page != NULL) {
		if (page->which != CATALOGUE_ALL) sqlite3_bind_int(statement, 1, page->which == CATALOGUE_ARCHIVED);
		if (page->after != NULL) sql_bind_uuid(statement, 2, page->after);
		bool limited = page->limit > 0 && page->limit < INT64_MAX;
		sqlite3_bind_int64(statement, 3, limited ? (int64_t)page->limit : -1);
	}
	if (wanted->any_of.len > 0) sql_bind_text(statement, 4, wanted->any_of);
	for (int i = 0; i < (int)ARRAY_LEN(wanted->texts); i++)
		if (wanted->texts[i].ptr != NULL) sql_bind_text(statement, 5 + i, wanted->texts[i]);
}

static enum err query(struct history_reader *reader, const char *sql, const struct wanted *wanted,
		      void (*read)(sqlite3_stmt *row, struct rows *rows), struct rows *rows, struct error *error) {
	sqlite3_stmt *statement;
	enum err err = sql_prepare(reader->db, sql, &statement, error);
	if (err != ERR_OK) return err;
	bind(statement, wanted);
	while (sql_row(statement, &err, error)) read(statement, rows);
	sqlite3_finalize(statement);
	return err;
}

static enum err query_apps(struct history_reader *reader, struct arena *arena, const char *sql,
			   const struct wanted *wanted, struct catalogue_app **out, size_t *count,
			   struct error *error) {
	struct rows rows = {.arena = arena, .row_size = sizeof(struct catalogue_app)};
	enum err err = query(reader, sql, wanted, read_app, &rows, error);
	*out = (struct catalogue_app *)(void *)rows.items;
	*count = rows.count;
	return err;
}

static enum err query_functions(struct history_reader *reader, struct arena *arena, const char *sql,
				const struct wanted *wanted, struct catalogue_function **out, size_t *count,
				struct error *error) {
	struct rows rows = {.arena = arena, .row_size = sizeof(struct catalogue_function)};
	enum err err = query(reader, sql, wanted, read_function, &rows, error);
	*out = (struct catalogue_function *)(void *)rows.items;
	*count = rows.count;
	return err;
}

static void list_add(struct buf *list, struct str text) {
	buf_byte(list, list->len == 0 ? '[' : ',');
	buf_json_str(list, text);
}

static struct str list_end(struct arena *arena, struct buf *list) {
	if (list->len == 0) buf_byte(list, '[');
	buf_byte(list, ']');
	struct str text = arena_dup(arena, buf_view(list));
	buf_free(list);
	return text;
}

static struct str id_list(struct arena *arena, const struct uuid *ids, size_t count) {
	struct buf list;
	buf_init(&list, SIZE_MAX / 2);
	for (size_t i = 0; i < count; i++) {
		char text[UUID_TEXT_LEN + 1];
		uuid_text(&ids[i], text);
		list_add(&list, str_make(text, UUID_TEXT_LEN));
	}
	return list_end(arena, &list);
}

static struct str text_list(struct arena *arena, const struct str *texts, size_t count) {
	struct buf list;
	buf_init(&list, SIZE_MAX / 2);
	for (size_t i = 0; i < count; i++) list_add(&list, texts[i]);
	return list_end(arena, &list);
}

// ---- apps ----------------------------------------------------------------------------------------------------------

enum err catalogue_apps(struct history_reader *reader, struct arena *arena, const struct catalogue_query *page,
			struct catalogue_app **out, size_t *count, struct error *error) {
	return query_apps(reader, arena, apps_sql, &(struct wanted){.page = page}, out, count, error);
}

enum err catalogue_apps_by_id(struct history_reader *reader, struct arena *arena, const struct uuid *ids,
			      size_t id_count, struct catalogue_app **out, size_t *count, struct error *error) {
	struct wanted wanted = {.any_of = id_list(arena, ids, id_count)};
	return query_apps(reader, arena, apps_by_id_sql, &wanted, out, count, error);
}

enum err catalogue_app(struct history_reader *reader, struct arena *arena, struct str name, struct catalogue_app *out,
		       struct error *error) {
	struct catalogue_app *found;
	size_t count;
	struct wanted wanted = {.texts = {name}};
	enum err err = query_apps(reader, arena, app_sql, &wanted, &found, &count, error);
	if (err != ERR_OK) return err;
	if (count == 0) return error_set(error, ERR_NOT_FOUND, "app not found");
	*out = found[0];
	return ERR_OK;
}

// ---- functions -----------------------------------------------------------------------------------------------------

enum err catalogue_functions(struct history_reader *reader, struct arena *arena, const struct catalogue_query *page,
			     struct catalogue_function **out, size_t *count, struct error *error) {
	return query_functions(reader, arena, functions_sql, &(struct wanted){.page = page}, out, count, error);
}

enum err catalogue_functions_of_apps(struct history_reader *reader, struct arena *arena, const struct uuid *app_ids,
				     size_t app_count, const struct catalogue_query *page,
				     struct catalogue_function **out, size_t *count, struct error *error) {
	struct wanted wanted = {.page = page, .any_of = id_list(arena, app_ids, app_count)};
	return query_functions(reader, arena, functions_of_apps_sql, &wanted, out, count, error);
}

enum err catalogue_functions_by_id(struct history_reader *reader, struct arena *arena, const struct uuid *ids,
				   size_t id_count, struct catalogue_function **out, size_t *count,
				   struct error *error) {
	struct wanted wanted = {.any_of = id_list(arena, ids, id_count)};
	return query_functions(reader, arena, functions_by_id_sql, &wanted, out, count, error);
}

enum err catalogue_functions_by_slug(struct history_reader *reader, struct arena *arena, const struct str *slugs,
				     size_t slug_count, struct catalogue_function **out, size_t *count,
				     struct error *error) {
	struct wanted wanted = {.any_of = text_list(arena, slugs, slug_count)};
	return query_functions(reader, arena, functions_by_slug_sql, &wanted, out, count, error);
}

enum err catalogue_function(struct history_reader *reader, struct arena *arena, struct str app_name, struct str id,
			    struct catalogue_function *out, struct error *error) {
	struct catalogue_function *found;
	size_t count;
	struct str slug = arena_printf(arena, "%.*s-%.*s", STR_ARG(app_name), STR_ARG(id));
	struct wanted wanted = {.texts = {app_name, slug, id}};
	enum err err = query_functions(reader, arena, function_sql, &wanted, &found, &count, error);
	if (err != ERR_OK) return err;
	if (count == 0) return error_set(error, ERR_NOT_FOUND, "function not found");
	*out = found[0];
	return ERR_OK;
}

// ---- what was found ------------------------------------------------------------------------------------------------

// Rows begin with their id. Ids are ordered as texts, which is the order of their bytes.
static const void *find(const void *rows, size_t count, size_t row_size, const struct uuid *id) {
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *row = (const char *)rows + middle * row_size;
		int order = memcmp(row, id->bytes, sizeof id->bytes);
		if (order == 0) return row;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct catalogue_app *catalogue_find_app(const struct catalogue_app *apps, size_t count, const struct uuid *id) {
	return find(apps, count, sizeof *apps, id);
}

const struct catalogue_function *catalogue_find_function(const struct catalogue_function *functions, size_t count,
							 const struct uuid *id) {
	return find(functions, count, sizeof *functions, id);
}

struct str catalogue_own_id(const struct catalogue_function *function) {
	struct str slug = function->slug, app = function->app_name;
	bool prefixed = app.len > 0 && slug.len > app.len + 1 && str_starts_with(slug, app) && slug.ptr[app.len] == '-';
	return prefixed ? str_skip(slug, app.len + 1) : slug;
}
