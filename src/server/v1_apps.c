// GET /v1/apps/{app}/functions: a bare array (05 §12.10).
#include "server/server_internal.h"

static void write_function(struct buf *out, const struct history_function *function) {
	buf_lit(out, "{\"internal_id\":");
	json_uuid(out, &function->id);
	buf_lit(out, ",\"env_id\":\"" ENV_ID "\",\"app_id\":");
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

void v1_app_functions_start(struct request *request) {
	struct reading reading;
	if (!reading_open(&reading, request)) return;
	struct history_function *functions = NULL;
	size_t count = 0;
	struct error error;
	enum err err =
		history_app_functions(reading.history, &request->arena, request->params[0], &functions, &count, &error);
	reading_close(&reading);
	if (err != ERR_OK) {
		json_reply_error(request, 500, str_from_cstr(error.message));
		return;
	}
	struct buf *out = respond_begin(request);
	buf_byte(out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0) buf_byte(out, ',');
		write_function(out, &functions[i]);
	}
	buf_lit(out, "]\n");
	respond_out(request, 200);
}
