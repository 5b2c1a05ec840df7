// Function-level errors in the one form that users see (spec 02 §5).
#include "base/check.h"
#include "model/answer.h"
#include "model/answer_body.h"
#include "model/limits.h"
#include "model/utf8.h"

#define ERROR_DEFAULT STR("Function execution error")
#define NAME_DEFAULT STR("Error")
// A body of CALL_RESPONSE_MAX in its longest escaped form fits.
#define STANDARD_ERROR_MAX (2u * ANSWER_OUTPUT_MAX)

struct standard_error {
	yyjson_val *cause;
	struct str error, message, name, stack;
};

static struct payload *write_error(const struct standard_error *from) {
	struct buf out;
	buf_init(&out, STANDARD_ERROR_MAX);
	buf_byte(&out, '{');
	if (from->cause != NULL) {
		buf_lit(&out, "\"cause\":");
		json_canonical(&out, from->cause);
		buf_byte(&out, ',');
	}
	buf_lit(&out, "\"error\":");
	utf8_json_str(&out, from->error);
	buf_lit(&out, ",\"message\":");
	utf8_json_str(&out, from->message);
	buf_lit(&out, ",\"name\":");
	utf8_json_str(&out, from->name);
	if (from->stack.len > 0) {
		buf_lit(&out, ",\"stack\":");
		utf8_json_str(&out, from->stack);
	}
	buf_byte(&out, '}');
	struct payload *payload = payload_new(buf_view(&out));
	buf_free(&out);
	return payload;
}

struct payload *standard_error_make(struct str error, struct str name, struct str message, struct str stack) {
	return write_error(&(struct standard_error){.error = error, .message = message, .name = name, .stack = stack});
}

// The object in a string that holds JSON, or JSON of a string that holds it; NULL when it holds none.
static yyjson_doc *parse_inner(struct str text) {
	if (text.len > CALL_INNER_ERROR_MAX) return NULL;
	yyjson_doc *doc = json_read(text, false, NULL, NULL);
	if (doc != NULL && yyjson_is_str(yyjson_doc_get_root(doc))) {
		yyjson_doc *quoted = doc;
		doc = json_read(json_str(yyjson_doc_get_root(quoted)), false, NULL, NULL);
		yyjson_doc_free(quoted);
	}
	if (doc != NULL && !yyjson_is_obj(yyjson_doc_get_root(doc))) {
		yyjson_doc_free(doc);
		doc = NULL;
	}
	return doc;
}

// The object that describes the error: one level down under `error` or `body`, else the object itself.
// `*doc` owns what was parsed for it.
static yyjson_val *error_object(yyjson_val *object, yyjson_doc **doc) {
	const struct str names[] = {STR("error"), STR("body")};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		yyjson_val *inner = json_get_exact(object, names[i]);
		if (yyjson_is_obj(inner)) return inner;
		if (!yyjson_is_str(inner)) continue;
		*doc = parse_inner(json_str(inner));
		if (*doc != NULL) return yyjson_doc_get_root(*doc);
	}
	return object;
}

struct payload *standard_error_from_body(const struct answer_body *body, struct str attempt_error) {
	struct standard_error standard = {.name = NAME_DEFAULT};
	yyjson_doc *doc = NULL;
	if (body->kind == BODY_TEXT) standard.message = body->text;
	if (body->kind == BODY_OBJECT) {
		yyjson_val *object = error_object(body->value, &doc);
		struct str name = json_str(json_get_exact(object, STR("name")));
		if (name.len > 0) standard.name = name;
		standard.error = json_str(json_get_exact(object, STR("error")));
		standard.message = json_str(json_get_exact(object, STR("message")));
		standard.stack = json_str(json_get_exact(object, STR("stack")));
		standard.cause = json_get_exact(object, STR("cause"));
	}
	if (standard.error.len == 0 || str_eq(standard.error, ERROR_DEFAULT)) standard.error = attempt_error;
	if (standard.message.len == 0 || str_eq(standard.message, ERROR_DEFAULT)) standard.message = attempt_error;
	struct payload *payload = write_error(&standard);
	yyjson_doc_free(doc);
	return payload;
}

struct payload *standard_error_upstream(int status, struct str content_type, struct str body) {
	struct buf stack;
	buf_init(&stack, CALL_UPSTREAM_BODY_KEPT + 2 * HTTP_HEADER_MAX);
	buf_lit(&stack,
		"The reply does not carry the header X-Inngest-SDK, so it was made by something in front of the "
		"SDK: a proxy, a load balancer, the hosting platform, or your web framework before the Inngest "
		"handler ran. Check that the URL of the app is right and reaches the handler.");
	if (body.len > 0) {
		struct str type = content_type.len > 0 ? str_first(content_type, 1024) : STR("unknown content-type");
		buf_lit(&stack, "\n\nUpstream response (");
		buf_str(&stack, type);
		buf_lit(&stack, "):\n");
		buf_str(&stack, utf8_clip(body, CALL_UPSTREAM_BODY_KEPT));
		if (body.len > CALL_UPSTREAM_BODY_KEPT) buf_lit(&stack, "\n… (truncated)");
	}
	struct buf message;
	buf_init(&message, 256);
	buf_printf(&message, "Your server returned HTTP %d before the SDK responded.", status);
	struct payload *payload = standard_error_make(buf_view(&message), STR("Server returned a fatal error"),
						      buf_view(&message), buf_view(&stack));
	buf_free(&message);
	buf_free(&stack);
	return payload;
}
