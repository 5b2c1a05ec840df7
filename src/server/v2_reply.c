// What all of REST v2 shares: its paths, its errors and its envelope (05 §13.1, §13.2, §13.4).
#include "base/clock.h"
#include "server/v2.h"

// ---- paths -------------------------------------------------------------------------------------------------------

static bool is_below(struct str path, struct str base) {
	return str_starts_with(path, base) && (path.len == base.len || path.ptr[base.len] == '/');
}

bool v2_reads_by_form(const struct request *request, struct str path) {
	static const struct str form = STR_INIT("application/x-www-form-urlencoded");
	return is_below(path, STR("/v2")) && str_eq(request->method, STR("POST")) &&
	       str_starts_with_nocase(request_header(request, "Content-Type"), form);
}

bool v2_unrouted(struct request *request, struct str path, enum route_result found) {
	path = route_path(path);
	if (!is_below(path, STR("/v2")) || found == ROUTE_BAD_PATH) return false;
	if (found == ROUTE_WRONG_METHOD && str_eq(path, STR("/v2/operations"))) return false; // 05 §14.3: 405
	struct str code = STR("api_error");
	if (path.len == sizeof "/v2" - 1)
		v2_reply_error(request, 400, code, STR("Bad Request"));
	else if (found == ROUTE_WRONG_METHOD)
		v2_reply_error(request, 501, code, STR("Method Not Allowed"));
	else
		v2_reply_error(request, 404, code, STR("Not Found"));
	return true;
}

bool v2_run_id(struct request *request, struct ulid *out) {
	if (ulid_parse(request->params[0], out)) return true;
	v2_reply_error(request, 400, STR("invalid_field_format"), STR("Run ID must be a valid ULID"));
	return false;
}

// ---- errors ------------------------------------------------------------------------------------------------------

static struct str usual_code(int status) {
	static const struct {
		int status;
		const char *code;
	} codes[] = {{400, "api_error"}, {404, "not_found"}, {413, "invalid_request"}, {500, "internal_error"}};
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		if (codes[i].status == status) return str_from_cstr(codes[i].code);
	}
	return STR("internal_server_error");
}

void v2_reply_error(struct request *request, int status, struct str code, struct str text) {
	struct buf *out = respond_begin(request);
	buf_lit(out, "{\"errors\":[{\"code\":");
	buf_json_str(out, code.len > 0 ? code : usual_code(status));
	buf_lit(out, ",\"message\":");
	buf_json_str(out, text.len > 0 ? text : STR("An unexpected error occurred"));
	buf_lit(out, "}]}");
	respond(request, status, TYPE_JSON, buf_view(out));
}

void v2_refuse(struct request *request, const struct v2_refusal *refusal) {
	v2_reply_error(request, refusal->status, str_from_cstr(refusal->code), refusal->text);
}

void v2_reply_not_started(struct request *request, const struct reply *reply, struct str text) {
	static const struct {
		int status;
		const char *code, *text;
	} reasons[] = {
		{404, "not_found", "Function not found"},
		{422, "rate_limited", "Function execution rate limit exceeded. Please try again later."},
		{422, "function_debounced", "Function invocation was debounced."},
		{422, "function_skipped",
		 "Function invocation was skipped because the function is paused or draining."},
	};
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (reply->status != reasons[i].status) continue;
		if (reply->status != 404 && !str_eq_cstr(reply->code, reasons[i].code)) continue;
		v2_reply_error(request, reply->status, str_from_cstr(reasons[i].code), str_from_cstr(reasons[i].text));
		return;
	}
	v2_reply_error(request, 500, STR("internal_error"), text);
}

// ---- the envelope ------------------------------------------------------------------------------------------------

// Seconds with 0, 3, 6 or 9 digits behind the point.
void v2_write_time(struct buf *out, int64_t ns) {
	struct buf text;
	buf_init(&text, 64);
	date_format_rfc3339(&text, ns);
	struct str time = str_first(buf_view(&text), text.len - 1); // without the Z
	ptrdiff_t point = str_find(time, '.');
	size_t digits = point < 0 ? 0 : time.len - (size_t)point - 1;
	buf_byte(out, '"');
	buf_str(out, time);
	for (; digits % 3 != 0; digits++) buf_byte(out, '0');
	buf_lit(out, "Z\"");
	buf_free(&text);
}

void v2_metadata(struct buf *out, const struct v2_page *range) {
	v2_object_open(out, "metadata");
	v2_time(out, "fetchedAt", (int64_t)clock_wall_ns());
	if (range != NULL) {
		v2_object_open(out, "timeRange");
		v2_time(out, "from", range->from_ns);
		v2_time(out, "until", range->until_ns);
		v2_object_close(out);
	}
	v2_object_close(out);
}

void v2_envelope_open(struct request *request) {
	buf_lit(respond_begin(request), "{\"data\":");
}

void v2_envelope_close(struct request *request) {
	v2_metadata(&request->out, NULL);
	buf_byte(&request->out, '}');
}

void v2_write_id(struct request *request, struct str name, const struct ulid *id) {
	v2_envelope_open(request);
	buf_byte(&request->out, '{');
	buf_json_str(&request->out, name);
	buf_byte(&request->out, ':');
	json_ulid(&request->out, id);
	buf_byte(&request->out, '}');
	v2_envelope_close(request);
}
