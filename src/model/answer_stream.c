#include "model/answer_stream.h"

#include "model/members.h"
#include "model/utf8.h"

#define STREAM_UNREADABLE "error parsing stream: error reading response body to check for status code"
#define STREAM_ERROR_SHOWN_MAX 400u

enum { STATUS, BODY, HEADERS, ERROR, MEMBERS };
static const struct member_rule rules[MEMBERS] = {
	[STATUS] = {STR_INIT("status"), MEMBER_INTEGER},
	[BODY] = {STR_INIT("body"), MEMBER_ANY},
	[HEADERS] = {STR_INIT("headers"), MEMBER_OBJECT},
	[ERROR] = {STR_INIT("error"), MEMBER_STRING},
};

static enum err check_headers(yyjson_val *headers, struct error *error) {
	yyjson_obj_iter iter;
	if (!yyjson_obj_iter_init(headers, &iter)) return ERR_OK;
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		yyjson_val *value = yyjson_obj_iter_get_val(key);
		if (!yyjson_is_str(value) && !yyjson_is_null(value))
			return error_set(error, ERR_INVALID, STREAM_UNREADABLE ": headers should hold strings, got %s",
					 json_type_text(value));
	}
	return ERR_OK;
}

static enum err read_envelope(yyjson_val *root, struct answer_stream *out, struct error *error) {
	if (!yyjson_is_obj(root) && !yyjson_is_null(root))
		return error_set(error, ERR_INVALID, STREAM_UNREADABLE ": expected a JSON object, got %s",
				 json_type_text(root));
	yyjson_val *values[MEMBERS];
	enum err err = members_read(root, rules, MEMBERS, values, STREAM_UNREADABLE ": ", error);
	if (err == ERR_OK) err = check_headers(values[HEADERS], error);
	if (err != ERR_OK) return err;
	struct str failure = utf8_clip(json_str(values[ERROR]), STREAM_ERROR_SHOWN_MAX);
	if (failure.len > 0) return error_set(error, ERR_INVALID, "error parsing stream: %.*s", STR_ARG(failure));
	int64_t status = yyjson_get_sint(values[STATUS]);
	out->status = status >= INT32_MIN && status <= INT32_MAX ? (int)status : 0;
	out->headers = values[HEADERS];
	if (yyjson_is_str(values[BODY]))
		out->text = json_str(values[BODY]);
	else
		out->body = values[BODY];
	return ERR_OK;
}

enum err answer_stream_read(struct str reply, struct answer_stream *out, struct error *error) {
	*out = (struct answer_stream){0};
	out->doc = json_read(reply, false, NULL, error);
	if (out->doc == NULL) {
		error_prefix(error, STREAM_UNREADABLE);
		return ERR_INVALID;
	}
	enum err err = read_envelope(yyjson_doc_get_root(out->doc), out, error);
	if (err != ERR_OK) answer_stream_clear(out);
	return err;
}

void answer_stream_clear(struct answer_stream *stream) {
	yyjson_doc_free(stream->doc);
	*stream = (struct answer_stream){0};
}
