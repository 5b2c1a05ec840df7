// GET /dev: what the server is and what it serves (01 §16, 05 §11.1). POST /dev/traces.
#include <stdlib.h>

#include "server/server_internal.h"
#include "trace/otlp.h"

static void append_feature(struct buf *out, struct str name, bool value) {
	if (out->len > 1) buf_byte(out, ',');
	buf_json_str(out, name);
	buf_byte(out, ':');
	buf_str(out, value ? STR("true") : STR("false"));
}

struct str dev_features(struct arena *arena) {
	static const struct {
		const char *name;
		bool fallback;
	} features[] = {{"FEATURE_CEL_SEARCH", false}, {"run-details-v4", true}, {"enable-step-metadata", true}};
	struct buf out;
	buf_init(&out, HTTP_BODY_DEFAULT_MAX);
	buf_byte(&out, '{');
	for (size_t i = 0; i < ARRAY_LEN(features); i++) {
		bool value = features[i].fallback;
		(void)bool_parse(str_from_cstr(getenv(features[i].name)), &value);
		append_feature(&out, str_from_cstr(features[i].name), value);
	}
	struct str rest = str_from_cstr(getenv("INNGEST_FEATURE_FLAGS")), pair, name, text;
	while (rest.len > 0) {
		(void)str_cut(rest, ',', &pair, &rest);
		bool value;
		if (str_cut(pair, '=', &name, &text) && bool_parse(str_trim(text), &value)) {
			append_feature(&out, str_trim(name), value);
		}
	}
	buf_byte(&out, '}');
	struct str json = out.overflow ? STR("{}") : arena_dup(arena, buf_view(&out));
	buf_free(&out);
	return json;
}

static void write_body(struct request *request, const struct str *functions, size_t count) {
	const struct server *server = request->server;
	struct buf *out = respond_begin(request);
	buf_lit(out, "{\"version\":");
	buf_json_str(out, server->config.version);
	buf_lit(out, ",\"authed\":false,\"startOpts\":");
	buf_str(out, server->config.dev_start_opts);
	buf_lit(out, ",\"functions\":[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0) buf_byte(out, ',');
		buf_str(out, functions[i]);
	}
	buf_lit(out, "],\"handlers\":null,\"isSingleNodeService\":false,\"isMissingSigningKey\":false,"
		     "\"isMissingEventKeys\":false,\"features\":");
	buf_str(out, server->features);
	buf_lit(out, "}\n");
}

void dev_work(struct request *request) {
	if (strcmp(request->server->config.server_kind, "dev") != 0) {
		respond_not_found(request);
		return;
	}
	struct reading reading;
	if (!reading_open(&reading, request)) return;
	struct str *functions = NULL;
	size_t count = 0;
	struct error error;
	enum err err = history_functions(reading.history, &request->arena, &functions, &count, &error);
	reading_close(&reading);
	if (err != ERR_OK) {
		json_reply_error(request, reading_status(&error), str_from_cstr(error.message));
		return;
	}
	write_body(request, functions, count);
	respond(request, 200, TYPE_JSON "; charset=utf-8", buf_view(&request->out));
}

// Where the reference server sends spans of its own, which nobody else has a use for: they are looked at and dropped
// (05 §11.5, 06 §19.2).
void dev_traces_work(struct request *request) {
	static const struct str json = STR_INIT(TYPE_JSON), protobuf = STR_INIT("application/x-protobuf");
	struct str type = request_header(request, "Content-Type");
	struct otlp_request sent;
	struct error error;
	if (!str_eq(type, json) && !str_eq(type, protobuf)) {
		json_reply_about(request, 400, STR("unable to handle unknown content type for traces: "), type);
		return;
	}
	enum otlp_encoding encoding = str_eq(type, json) ? OTLP_JSON : OTLP_PROTOBUF;
	if (otlp_read(&request->arena, encoding, buf_view(&request->body), &sent, &error) == ERR_OK)
		respond_empty(request, 200);
	else
		json_reply_error(request, 400, arena_dup(&request->arena, str_from_cstr(error.message)));
}
