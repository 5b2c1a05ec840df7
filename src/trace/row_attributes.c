#include "trace/row_attributes.h"

#include "base/check.h"
#include "trace/builder.h"

#define TEXT_MAX (16u << 20) // of a JSON value as text: more than any row holds

// ---- values --------------------------------------------------------------------------------------------------------

static struct str keep(struct arena *arena, yyjson_val *value) {
	struct str text = json_str(value);
	return text.len > 0 ? arena_dup(arena, text) : (struct str){NULL, 0};
}

// A number, or one as text.
static bool integer(yyjson_val *value, int64_t *out) {
	if (yyjson_is_str(value)) return str_to_i64(json_str(value), out);
	if (yyjson_is_uint(value) && yyjson_get_uint(value) > INT64_MAX) return false;
	if (yyjson_is_int(value)) return *out = yyjson_get_sint(value), true;
	if (!yyjson_is_real(value)) return false;
	double number = yyjson_get_real(value);
	if (!(number > -9e15 && number < 9e15)) return false;
	*out = (int64_t)number;
	return true;
}

static bool boolean(yyjson_val *value, bool *out) {
	if (yyjson_is_bool(value)) return *out = yyjson_get_bool(value), true;
	struct str text = json_str(value);
	*out = str_eq(text, STR("true"));
	return *out || str_eq(text, STR("false"));
}

// JSON text of an object; null, which says that there is nothing in it, is an empty one.
static struct str object_text(struct arena *arena, yyjson_val *value) {
	struct str text = {NULL, 0};
	yyjson_doc *doc = NULL;
	if (yyjson_is_str(value)) {
		doc = json_read(json_str(value), false, NULL, NULL);
		value = yyjson_doc_get_root(doc);
	}
	if (yyjson_is_null(value)) text = STR("{}");
	if (yyjson_is_obj(value)) {
		struct buf buf;
		buf_init(&buf, TEXT_MAX);
		json_canonical(&buf, value);
		if (!buf.overflow) text = arena_dup(arena, buf_view(&buf));
		buf_free(&buf);
	}
	yyjson_doc_free(doc);
	return text;
}

// ---- into members --------------------------------------------------------------------------------------------------

#define AT(type) (*(type *)(void *)at)

static bool set_text(struct arena *arena, char *at, enum attribute_type type, yyjson_val *value) {
	struct str text = type == ATTRIBUTE_OBJECT ? object_text(arena, value) : keep(arena, value);
	if (text.len == 0) return false;
	AT(struct str) = type == ATTRIBUTE_NAME ? span_step_name(text) : text;
	return true;
}

static bool set_number(char *at, enum attribute_type type, yyjson_val *value) {
	int64_t number;
	if (!integer(value, &number)) return false;
	switch (type) {
	case ATTRIBUTE_TIME:
		AT(int64_t) = number > 0 ? span_time((uint64_t)number) : 0;
		return true;
	case ATTRIBUTE_MS:
		if (number < 0 || number > SPAN_TIME_MAX_NS / 1000000) return false;
		AT(int64_t) = number;
		return true;
	case ATTRIBUTE_INT:
		if (number < INT32_MIN || number > INT32_MAX) return false;
		AT(int) = (int)number;
		return true;
	default:
		if (number < 0 || number > INT32_MAX) return false;
		AT(uint32_t) = (uint32_t)number;
		return true;
	}
}

static bool set_bool(char *at, enum attribute_type type, yyjson_val *value) {
	bool flag;
	if (!boolean(value, &flag)) return false;
	if (type == ATTRIBUTE_TRISTATE)
		AT(enum tristate) = flag ? YES : NO;
	else
		AT(bool) = flag;
	return true;
}

static bool set_name(char *at, enum attribute_type type, yyjson_val *value) {
	if (type == ATTRIBUTE_OP) return opcode_from_name(json_str(value), (enum opcode_kind *)(void *)at);
	enum span_status status = span_status_of(json_str(value));
	if (status == SPAN_STATUS_NONE) return false;
	AT(enum span_status) = status;
	return true;
}

static bool set_member(struct arena *arena, char *at, enum attribute_type type, yyjson_val *value) {
	switch (type) {
	case ATTRIBUTE_TEXT:
	case ATTRIBUTE_NAME:
	case ATTRIBUTE_OBJECT:
		return set_text(arena, at, type, value);
	case ATTRIBUTE_BOOL:
	case ATTRIBUTE_TRISTATE:
		return set_bool(at, type, value);
	case ATTRIBUTE_STATUS:
	case ATTRIBUTE_OP:
		return set_name(at, type, value);
	case ATTRIBUTE_TIME:
	case ATTRIBUTE_MS:
	case ATTRIBUTE_INT:
	case ATTRIBUTE_COUNT:
		return set_number(at, type, value);
	}
	return false;
}

static const struct span_attribute *attribute_named(struct str name) {
	for (size_t i = 0; i < span_attribute_count; i++)
		if (str_eq(span_attributes[i].name, name)) return &span_attributes[i];
	return NULL;
}

void row_attributes_apply(struct arena *arena, yyjson_val *object, struct span *span) {
	yyjson_obj_iter iter;
	if (!yyjson_obj_iter_init(object, &iter)) return;
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		struct str name = json_str(key);
		if (!str_starts_with(name, SPAN_ATTRIBUTE_PREFIX)) continue;
		const struct span_attribute *attribute = attribute_named(str_skip(name, SPAN_ATTRIBUTE_PREFIX.len));
		if (attribute == NULL) continue;
		char *base = (char *)span;
		if (!set_member(arena, base + attribute->offset, attribute->type, yyjson_obj_iter_get_val(key)))
			continue;
		if (attribute->flag != SPAN_ATTRIBUTE_UNFLAGGED) *(bool *)(base + attribute->flag) = true;
	}
}

// ---- the rest ------------------------------------------------------------------------------------------------------

yyjson_doc *row_attributes_read(struct str text) {
	yyjson_doc *doc = json_read(text, false, NULL, NULL);
	if (doc != NULL && yyjson_is_str(yyjson_doc_get_root(doc))) { // as older files have it (09 §3.3)
		yyjson_doc *inner = json_read(json_str(yyjson_doc_get_root(doc)), false, NULL, NULL);
		yyjson_doc_free(doc);
		doc = inner;
	}
	if (yyjson_is_obj(yyjson_doc_get_root(doc))) return doc;
	yyjson_doc_free(doc);
	return NULL;
}

struct str row_attributes_of_user(struct arena *arena, yyjson_val *object) {
	struct buf text;
	buf_init(&text, TEXT_MAX);
	yyjson_obj_iter iter;
	yyjson_obj_iter_init(object, &iter);
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)) != NULL;) {
		if (str_starts_with(json_str(key), SPAN_ATTRIBUTE_PREFIX)) continue;
		buf_byte(&text, text.len == 0 ? '{' : ',');
		buf_json_str(&text, json_str(key));
		buf_byte(&text, ':');
		json_canonical(&text, yyjson_obj_iter_get_val(key));
	}
	if (text.len > 0) buf_byte(&text, '}');
	struct str out = text.len > 0 && !text.overflow ? arena_dup(arena, buf_view(&text)) : (struct str){NULL, 0};
	buf_free(&text);
	return out;
}

bool row_attributes_metadata(struct arena *arena, yyjson_val *object, struct span_metadata *out) {
	out->kind = keep(arena, json_get_exact(object, STR("_inngest.metadata.kind")));
	out->scope = keep(arena, json_get_exact(object, STR("_inngest.metadata.scope")));
	out->op = keep(arena, json_get_exact(object, STR("_inngest.metadata.op")));
	out->values = object_text(arena, json_get_exact(object, STR("_inngest.metadata.values")));
	return out->kind.len > 0 && out->values.len > 0;
}
