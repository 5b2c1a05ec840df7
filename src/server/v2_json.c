// JSON as REST v2 writes it: members without zero values, and lists in their envelope (05 §13.2).
#include "server/v2.h"

void v2_member(struct buf *out, const char *name) {
	if (out->len > 0 && out->ptr[out->len - 1] != '{') buf_byte(out, ',');
	buf_json_str(out, str_from_cstr(name));
	buf_byte(out, ':');
}

void v2_object_open(struct buf *out, const char *name) {
	v2_member(out, name);
	buf_byte(out, '{');
}

void v2_object_close(struct buf *out) {
	buf_byte(out, '}');
}

void v2_text(struct buf *out, const char *name, struct str text) {
	if (text.len == 0) return;
	v2_member(out, name);
	buf_json_str(out, text);
}

void v2_cstr(struct buf *out, const char *name, const char *text) {
	v2_text(out, name, str_from_cstr(text));
}

void v2_int(struct buf *out, const char *name, int64_t value) {
	if (value == 0) return;
	v2_member(out, name);
	buf_i64(out, value);
}

void v2_bool(struct buf *out, const char *name, bool value) {
	if (!value) return;
	v2_member(out, name);
	buf_lit(out, "true");
}

void v2_ulid(struct buf *out, const char *name, const struct ulid *id) {
	static const struct ulid none;
	if (ulid_cmp(id, &none) == 0) return;
	v2_member(out, name);
	json_ulid(out, id);
}

void v2_time(struct buf *out, const char *name, int64_t ns) {
	if (ns == INT64_MIN) return;
	v2_member(out, name);
	v2_write_time(out, ns);
}

void v2_free_form(struct buf *out, const char *name, struct str json) {
	if (json.len == 0) return;
	v2_member(out, name);
	bool is_object = str_starts_with(str_trim(json), STR("{"));
	if (!is_object) buf_lit(out, "{\"data\":");
	buf_str(out, json);
	if (!is_object) buf_byte(out, '}');
}

void v2_element_open(struct buf *out) {
	if (out->len > 0 && out->ptr[out->len - 1] != '[') buf_byte(out, ',');
	buf_byte(out, '{');
}

// ---- lists ---------------------------------------------------------------------------------------------------------

#define LIST_START "{\"data\":["

void v2_list_open(struct request *request) {
	buf_lit(respond_begin(request), LIST_START);
}

void v2_list_send(struct request *request, const struct v2_page *page) {
	struct buf *out = &request->out;
	bool is_empty = out->len == sizeof LIST_START - 1;
	if (is_empty) out->len = 1; // no member `data`
	if (!is_empty) buf_byte(out, ']');
	v2_metadata(out, page != NULL && page->has_range ? page : NULL);
	if (page != NULL && page->limit > 0) {
		v2_object_open(out, "page");
		if (page->has_more) v2_text(out, "cursor", page->cursor);
		v2_bool(out, "hasMore", page->has_more);
		v2_int(out, "limit", (int64_t)page->limit);
		v2_object_close(out);
	}
	buf_byte(out, '}');
	respond_out(request, 200);
}

void v2_reply_internal(struct request *request, const struct error *error) {
	v2_query_error(request, reading_status(error), STR("internal_error"), str_from_cstr(error->message));
}
