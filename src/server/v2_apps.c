// GET /v2/apps and /v2/apps/{id} (05 §13.8).
#include "server/v2.h"

struct str v2_app_id(struct arena *arena, const struct catalogue_app *app) {
	if (app->name.len > 0) return app->name;
	char text[UUID_TEXT_LEN + 1];
	uuid_text(&app->id, text);
	return arena_dup(arena, str_make(text, UUID_TEXT_LEN));
}

static void write_method(struct buf *out, struct str method) {
	static const char *const names[][2] = {{"serve", "SERVE"}, {"connect", "CONNECT"}, {"api", "API"}};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq_nocase(method, str_from_cstr(names[i][0]))) v2_cstr(out, "method", names[i][1]);
}

static void write_app(struct request *request, const void *item) {
	const struct catalogue_app *app = item;
	struct buf *out = &request->out;
	v2_text(out, "appVersion", app->app_version);
	v2_time(out, "archivedAt", app->is_archived ? app->archived_ns : INT64_MIN);
	v2_time(out, "createdAt", app->created_ns);
	v2_int(out, "functionCount", (int64_t)app->function_count);
	v2_text(out, "id", v2_app_id(&request->arena, app));
	v2_bool(out, "isArchived", app->is_archived);
	v2_object_open(out, "latestSync");
	v2_text(out, "appVersion", app->app_version);
	v2_text(out, "error", app->error);
	v2_text(out, "framework", app->framework);
	v2_text(out, "sdkLanguage", app->sdk_language);
	v2_text(out, "sdkVersion", app->sdk_version);
	v2_text(out, "url", app->url);
	v2_object_close(out);
	write_method(out, app->method);
	v2_text(out, "name", app->name);
}

struct app_parameters {
	int64_t limit;
	struct str cursor;
	enum tristate archived;
};
static const struct v2_query_rule app_rules[] = {
	{"limit", NULL, V2_QUERY_INT, offsetof(struct app_parameters, limit)},
	{"cursor", NULL, V2_QUERY_TEXT, offsetof(struct app_parameters, cursor)},
	{"archived", NULL, V2_QUERY_BOOL, offsetof(struct app_parameters, archived)},
};

void v2_apps_work(struct request *request) {
	struct app_parameters given = {.limit = V2_NOT_GIVEN};
	struct catalogue_query query = {.which = CATALOGUE_LIVE};
	struct uuid after;
	struct reading reading;
	if (!v2_query_read(request, app_rules, ARRAY_LEN(app_rules), &given) ||
	    !v2_catalogue_ask(request, given.limit, given.cursor, &after, &query) || !reading_open(&reading, request)) {
		return;
	}
	if (given.archived == YES) query.which = CATALOGUE_ARCHIVED;
	struct catalogue_app *apps;
	struct v2_items items = {.size = sizeof *apps, .id_at = offsetof(struct catalogue_app, id), .write = write_app};
	struct error error;
	enum err err = catalogue_apps(reading.history, &request->arena, &query, &apps, &items.count, &error);
	reading_close(&reading);
	items.first = apps;
	if (err == ERR_OK)
		v2_catalogue_send(request, &items, &query);
	else
		v2_reply_internal(request, &error);
}

void v2_app_work(struct request *request) {
	struct reading reading;
	if (!reading_open(&reading, request)) return;
	struct catalogue_app app;
	struct error error;
	enum err err = catalogue_app(reading.history, &request->arena, request->params[0], &app, &error);
	reading_close(&reading);
	if (err == ERR_NOT_FOUND) {
		v2_reply_error(request, 404, STR("not_found"), STR("App not found"));
		return;
	}
	if (err != ERR_OK) {
		v2_reply_internal(request, &error);
		return;
	}
	v2_envelope_open(request);
	buf_byte(&request->out, '{');
	write_app(request, &app);
	v2_object_close(&request->out);
	v2_envelope_close(request);
	respond_out(request, 200);
}
