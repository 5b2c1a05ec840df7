#include "cli/reply.h"

#include "base/clock.h"
#include "cli/show.h"
#include "model/utf8.h"

struct str reply_str(yyjson_val *object, const char *name) {
	return json_str(reply_get(object, name));
}

bool reply_time(yyjson_val *object, const char *name, int64_t *out_ns) {
	return date_parse_rfc3339(reply_str(object, name), out_ns);
}

bool reply_count(yyjson_val *object, const char *name, unsigned long long *out) {
	yyjson_val *value = reply_get(object, name);
	if (!yyjson_is_uint(value)) return false;
	*out = yyjson_get_uint(value);
	return true;
}

bool reply_count_text(yyjson_val *object, const char *name, uint64_t *out) {
	return str_to_u64(reply_str(object, name), out);
}

yyjson_val *reply_data(yyjson_doc *doc) {
	return reply_get(yyjson_doc_get_root(doc), "data");
}

bool reply_fetched_at(yyjson_doc *doc, int64_t *out_ns) {
	yyjson_val *metadata = reply_get(yyjson_doc_get_root(doc), "metadata");
	return reply_time(metadata, "fetchedAt", out_ns) || reply_time(metadata, "fetched_at", out_ns);
}

bool reply_run_id(struct str reply, struct ulid *out) {
	struct error error;
	yyjson_doc *doc = json_read(reply, false, NULL, &error);
	bool found = ulid_parse(reply_str(reply_data(doc), "runId"), out);
	yyjson_doc_free(doc);
	return found;
}

void reply_function(struct buf *out, yyjson_val *run) {
	struct str app = reply_str(reply_get(run, "app"), "id"), name = reply_str(reply_get(run, "function"), "id");
	if (app.len == 0 && name.len == 0) return;
	show_text(out, app);
	buf_byte(out, '/');
	show_text(out, name);
}

static yyjson_val *first_of_errors(yyjson_doc *doc) {
	return yyjson_arr_get_first(reply_get(yyjson_doc_get_root(doc), "errors"));
}

void reply_error_text(struct buf *out, struct str reply) {
	struct error error;
	yyjson_doc *doc = json_read(reply, false, NULL, &error);
	struct str text = reply_str(first_of_errors(doc), "message");
	if (text.len == 0) text = reply_str(yyjson_doc_get_root(doc), "error");
	if (text.len > 0) {
		show_text(out, text);
	} else {
		struct buf repaired;
		buf_init(&repaired, SIZE_MAX);
		utf8_repair(&repaired, str_trim(str_first(reply, 4 * (size_t)SHOW_TEXT_MAX)));
		show_text(out, buf_view(&repaired));
		buf_free(&repaired);
	}
	yyjson_doc_free(doc);
}

bool reply_is_no_route(struct str reply) {
	struct error error;
	yyjson_doc *doc = json_read(reply, false, NULL, &error);
	bool no_route = doc == NULL || str_eq_cstr(reply_str(first_of_errors(doc), "code"), "api_error");
	yyjson_doc_free(doc);
	return no_route;
}
