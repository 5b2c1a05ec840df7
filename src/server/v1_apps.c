// GET /v1/apps/{app}/functions, a bare array (05 §12.10), and our own GET /v1/functions, all of them in an envelope.
#include "history/catalogue.h"
#include "server/server_internal.h"

static void write_function(struct buf *out, const struct catalogue_function *function) {
	buf_lit(out, "{\"internal_id\":");
	json_uuid(out, &function->id);
	buf_lit(out, ",\"env_id\":\"" ZERO_ID "\",\"app_id\":");
	json_uuid(out, &function->app_id);
	buf_lit(out, ",\"id\":");
	buf_json_str(out, function->slug);
	buf_lit(out, ",\"name\":");
	buf_json_str(out, function->name);
	buf_lit(out, ",\"config\":");
	buf_str(out, function->config.len > 0 ? function->config : STR("null"));
	buf_lit(out, ",\"created_at\":");
	json_time(out, function->created_ns);
	buf_lit(out, ",\"archived_at\":\"0001-01-01T00:00:00Z\"}");
}

static void write_functions(struct buf *out, const struct catalogue_function *functions, size_t count) {
	buf_byte(out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0) buf_byte(out, ',');
		write_function(out, &functions[i]);
	}
	buf_byte(out, ']');
}

static const struct catalogue_query live = {.which = CATALOGUE_LIVE};

// None for an app that is not known.
static enum err read_app_functions(struct request *request, struct reading *reading, struct catalogue_function **out,
				   size_t *count, struct error *error) {
	struct catalogue_app app;
	enum err err = catalogue_app(reading->history, &request->arena, request->params[0], &app, error);
	if (err == ERR_NOT_FOUND || (err == ERR_OK && !str_eq(app.name, request->params[0]))) return ERR_OK;
	if (err != ERR_OK) return err;
	return catalogue_functions_of_apps(reading->history, &request->arena, &app.id, 1, &live, out, count, error);
}

void v1_app_functions_work(struct request *request) {
	struct reading reading;
	if (!reading_open(&reading, request)) return;
	struct catalogue_function *functions = NULL;
	size_t count = 0;
	struct error error;
	enum err err = read_app_functions(request, &reading, &functions, &count, &error);
	reading_close(&reading);
	if (err != ERR_OK) {
		json_reply_error(request, reading_status(&error), str_from_cstr(error.message));
		return;
	}
	struct buf *out = respond_begin(request);
	write_functions(out, functions, count);
	buf_byte(out, '\n');
	respond_out(request, 200);
}

void v1_functions_work(struct request *request) {
	struct reading reading;
	if (!reading_open(&reading, request)) return;
	struct catalogue_function *functions = NULL;
	size_t count = 0;
	struct error error;
	enum err err = catalogue_functions(reading.history, &request->arena, &live, &functions, &count, &error);
	reading_close(&reading);
	if (err != ERR_OK) {
		json_reply_error(request, reading_status(&error), str_from_cstr(error.message));
		return;
	}
	json_envelope_open(request);
	write_functions(&request->out, functions, count);
	json_envelope_send(request, 0);
}
