// The JSON shapes of errors and of v1 replies (05 §5, §6, §12.1).
#include "base/clock.h"
#include "server/server_internal.h"

static void send_pub(struct request *request, int status, struct str data) {
	struct buf *out = &request->out;
	buf_lit(out, ",\"data\":");
	buf_str(out, data.len > 0 ? data : STR("null"));
	buf_lit(out, ",\"status\":");
	buf_i64(out, status);
	buf_lit(out, "}\n");
	respond(request, status, TYPE_JSON, buf_view(out));
}

void json_reply_pub(struct request *request, int status, struct str code, struct str text, struct str data) {
	struct buf *out = respond_begin(request);
	buf_byte(out, '{');
	if (code.len > 0) {
		buf_lit(out, "\"code\":");
		buf_json_str(out, code);
		buf_byte(out, ',');
	}
	buf_lit(out, "\"error\":");
	buf_json_str(out, text);
	send_pub(request, status, data);
}

void json_reply_about(struct request *request, int status, struct str text, struct str value) {
	json_reply_pub(request, status, (struct str){NULL, 0}, arena_cat(&request->arena, text, value),
		       (struct str){NULL, 0});
}

static void reply_event(struct request *request, int status, struct str text) {
	struct buf *out = respond_begin(request);
	buf_lit(out, "{\"ids\":[\"\"],\"status\":");
	buf_i64(out, status);
	buf_lit(out, ",\"error\":");
	buf_json_str(out, text);
	buf_lit(out, "}\n");
	respond(request, status, TYPE_JSON, buf_view(out));
}

void json_reply_error(struct request *request, int status, struct str text) {
	switch (request->route != NULL ? request->route->shape : SHAPE_TEXT) {
	case SHAPE_EVENT:
		reply_event(request, status, text);
		break;
	case SHAPE_PUB:
		json_reply_pub(request, status, (struct str){NULL, 0}, text, (struct str){NULL, 0});
		break;
	case SHAPE_V2:
		v2_reply_error(request, status, (struct str){NULL, 0}, text);
		break;
	case SHAPE_OTLP:
		otlp_refuse(request, status, text);
		break;
	case SHAPE_TEXT:
		respond(request, status, TYPE_TEXT, arena_cat(&request->arena, text, STR("\n")));
		break;
	}
}

void json_time(struct buf *out, int64_t ns) {
	buf_byte(out, '"');
	date_format_rfc3339(out, ns);
	buf_byte(out, '"');
}

void json_ulid(struct buf *out, const struct ulid *ulid) {
	char text[ULID_TEXT_LEN + 3];
	text[0] = '"';
	ulid_text(ulid, text + 1);
	text[ULID_TEXT_LEN + 1] = '"';
	buf_append(out, text, ULID_TEXT_LEN + 2);
}

void json_uuid(struct buf *out, const struct uuid *uuid) {
	char text[UUID_TEXT_LEN + 3];
	text[0] = '"';
	uuid_text(uuid, text + 1);
	text[UUID_TEXT_LEN + 1] = '"';
	buf_append(out, text, UUID_TEXT_LEN + 2);
}

void json_envelope_open(struct request *request) {
	buf_lit(respond_begin(request), "{\"data\":");
}

void json_envelope_send(struct request *request, unsigned max_age_s) {
	struct buf *out = &request->out;
	int64_t now_ns = (int64_t)clock_wall_ns();
	buf_lit(out, ",\"metadata\":{\"fetched_at\":");
	json_time(out, now_ns);
	if (max_age_s > 0) {
		buf_lit(out, ",\"cached_until\":");
		json_time(out, now_ns + (int64_t)max_age_s * 1000000000);
		struct str value = arena_printf(&request->arena, "private, max-age=%u", max_age_s);
		respond_header(request, "Cache-Control", value.ptr);
	}
	buf_lit(out, "}}\n");
	respond_out(request, 200);
}
