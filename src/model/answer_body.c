#include "model/answer_body.h"

#include "base/check.h"
#include "model/utf8.h"

// The object inside a string such as "{\"a\":1}" (02 §4.6 rule 3), NULL when there is none.
static yyjson_doc *object_in_string(struct str text) {
	if (text.len < 2 || text.ptr[0] != '{' || text.ptr[text.len - 1] != '}') return NULL;
	yyjson_doc *doc = json_read(text, false, NULL, NULL);
	if (doc != NULL && !yyjson_is_obj(yyjson_doc_get_root(doc))) {
		yyjson_doc_free(doc);
		return NULL;
	}
	return doc;
}

void answer_body_from_value(yyjson_val *value, struct answer_body *out) {
	*out = (struct answer_body){.kind = BODY_EMPTY, .value = value};
	if (value == NULL) return;
	out->kind = yyjson_is_obj(value) ? BODY_OBJECT : BODY_VALUE;
	if (!yyjson_is_str(value)) return;
	out->docs[1] = object_in_string(json_str(value));
	if (out->docs[1] == NULL) return;
	out->kind = BODY_OBJECT;
	out->value = yyjson_doc_get_root(out->docs[1]);
}

void answer_body_from_text(struct str text, struct answer_body *out) {
	*out = (struct answer_body){.kind = BODY_EMPTY};
	if (text.len == 0) return;
	yyjson_doc *doc = json_read(text, false, NULL, NULL);
	if (doc == NULL) {
		*out = (struct answer_body){.kind = BODY_TEXT, .text = text};
		return;
	}
	answer_body_from_value(yyjson_doc_get_root(doc), out);
	out->docs[0] = doc;
}

void answer_body_clear(struct answer_body *body) {
	for (size_t i = 0; i < ARRAY_LEN(body->docs); i++) yyjson_doc_free(body->docs[i]);
	*body = (struct answer_body){.kind = BODY_EMPTY};
}

struct payload *answer_body_output(const struct answer_body *body) {
	if (body->kind == BODY_EMPTY) return NULL;
	if (body->kind != BODY_TEXT)
		return json_canonical_payload((struct str){NULL, 0}, body->value, (struct str){NULL, 0},
					      ANSWER_OUTPUT_MAX);
	struct buf out;
	buf_init(&out, ANSWER_OUTPUT_MAX);
	utf8_json_str(&out, body->text);
	struct payload *payload = payload_new(buf_view(&out));
	buf_free(&out);
	return payload;
}
