// Apps and their functions.
#include "history/history_internal.h"

enum err history_apps(struct history_reader *reader, struct arena *arena, struct history_app **out, size_t *count,
		      struct error *error) {
	sqlite3_stmt *row = reader->queries[QUERY_APPS];
	struct rows rows = {.arena = arena, .row_size = sizeof(struct history_app)};
	enum err err;
	while (sql_row(row, &err, error)) {
		struct uuid id;
		if (!sql_uuid(row, 0, &id)) continue;
		struct history_app *app = rows_add(&rows);
		app->id = id;
		app->name = sql_text(row, 1, arena);
		app->url = sql_text(row, 2, arena);
		app->error = sql_text(row, 3, arena);
		app->method = sql_text(row, 4, arena);
		app->sdk_language = sql_text(row, 5, arena);
		app->sdk_version = sql_text(row, 6, arena);
		app->framework = sql_text(row, 7, arena);
	}
	*out = (struct history_app *)(void *)rows.items;
	*count = rows.count;
	return err;
}

enum err history_functions(struct history_reader *reader, struct arena *arena, struct str **configs, size_t *count,
			   struct error *error) {
	sqlite3_stmt *row = reader->queries[QUERY_FUNCTIONS];
	struct rows rows = {.arena = arena, .row_size = sizeof(struct str)};
	enum err err;
	while (sql_row(row, &err, error)) *(struct str *)rows_add(&rows) = sql_text(row, 0, arena);
	*configs = (struct str *)(void *)rows.items;
	*count = rows.count;
	return err;
}

enum err history_function_named(struct history_reader *reader, struct str app_name, struct str id, struct uuid *out,
				struct error *error) {
	sqlite3_stmt *row = reader->queries[QUERY_FUNCTION_NAMED];
	struct arena arena;
	arena_init(&arena, 256);
	sql_bind_text(row, 1, app_name);
	sql_bind_text(row, 2, arena_printf(&arena, "%.*s-%.*s", STR_ARG(app_name), STR_ARG(id)));
	sql_bind_text(row, 3, id);
	bool found = false;
	enum err err;
	while (sql_row(row, &err, error)) found = sql_uuid(row, 0, out);
	arena_free(&arena);
	if (err == ERR_OK && !found) return error_set(error, ERR_NOT_FOUND, "function not found");
	return err;
}

enum err history_app_functions(struct history_reader *reader, struct arena *arena, struct str app_name,
			       struct history_function **out, size_t *count, struct error *error) {
	sqlite3_stmt *row = reader->queries[QUERY_APP_FUNCTIONS];
	struct rows rows = {.arena = arena, .row_size = sizeof(struct history_function)};
	sql_bind_text(row, 1, app_name);
	enum err err;
	while (sql_row(row, &err, error)) {
		struct uuid id, app_id;
		if (!sql_uuid(row, 0, &id) || !sql_uuid(row, 1, &app_id)) continue;
		struct history_function *function = rows_add(&rows);
		function->id = id;
		function->app_id = app_id;
		function->slug = sql_text(row, 2, arena);
		function->name = sql_text(row, 3, arena);
		function->config = sql_text(row, 4, arena);
		function->created_ns = sql_time(row, 5, 0);
	}
	*out = (struct history_function *)(void *)rows.items;
	*count = rows.count;
	return err;
}
