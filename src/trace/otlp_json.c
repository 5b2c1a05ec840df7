// OTLP as JSON: lowerCamelCase names (or those of the .proto files), ids in hex, 64-bit numbers as text or numbers,
// enumerations as numbers or names. What is not known is passed over, a value of the wrong type is an error.
#include <math.h>

#include "base/check.h"
#include "base/hash.h"
#include "model/limits.h"
#include "trace/otlp_internal.h"

struct json_reader {
	struct otlp_reader *reader;
	const char *bad; // name of a member of the wrong type; NULL: none yet
};

struct name {
	const char *camel, *snake;
};
#define NAME(camel, snake) (&(const struct name){(camel), (snake)})
#define WORD(word) (&(const struct name){(word), NULL})

// NULL when absent or null.
static yyjson_val *member(yyjson_val *object, const struct name *name) {
	yyjson_val *value = json_get_exact(object, str_from_cstr(name->camel));
	if (value == NULL && name->snake != NULL) value = json_get_exact(object, str_from_cstr(name->snake));
	return yyjson_is_null(value) ? NULL : value;
}

static void check(struct json_reader *json, bool good, const struct name *name) {
	if (!good && json->bad == NULL) json->bad = name->camel;
}

static struct str text_of(struct json_reader *json, yyjson_val *object, const struct name *name) {
	yyjson_val *value = member(object, name);
	check(json, value == NULL || yyjson_is_str(value), name);
	return json_str(value);
}

static yyjson_val *object_of(struct json_reader *json, yyjson_val *object, const struct name *name) {
	yyjson_val *value = member(object, name);
	check(json, value == NULL || yyjson_is_obj(value), name);
	return yyjson_is_obj(value) ? value : NULL;
}

static yyjson_val *array_of(struct json_reader *json, yyjson_val *object, const struct name *name) {
	yyjson_val *value = member(object, name);
	check(json, value == NULL || yyjson_is_arr(value), name);
	return yyjson_is_arr(value) ? value : NULL;
}

static bool int64_read(yyjson_val *value, int64_t *out) {
	if (yyjson_is_str(value)) return str_to_i64(json_str(value), out);
	if (yyjson_is_real(value)) {
		double number = yyjson_get_real(value);
		if (!(number >= -0x1p63 && number < 0x1p63)) return false;
		*out = (int64_t)number;
		return true;
	}
	if (!yyjson_is_int(value) || (yyjson_is_uint(value) && yyjson_get_uint(value) > INT64_MAX)) return false;
	*out = yyjson_get_sint(value);
	return true;
}

// Nanoseconds since the epoch; an absent time is 0.
static uint64_t time_of(struct json_reader *json, yyjson_val *object, const struct name *name) {
	yyjson_val *value = member(object, name);
	uint64_t number = 0;
	int64_t sint = 0;
	bool good = value == NULL || (yyjson_is_str(value) && str_to_u64(json_str(value), &number));
	if (!good && yyjson_is_uint(value)) {
		number = yyjson_get_uint(value);
		good = true;
	} else if (!good && int64_read(value, &sint) && sint >= 0) {
		number = (uint64_t)sint;
		good = true;
	}
	check(json, good, name);
	return number;
}

static int64_t enum_of(struct json_reader *json, yyjson_val *object, const struct name *name, const char *const *names,
		       size_t count) {
	yyjson_val *value = member(object, name);
	int64_t number = 0;
	if (value == NULL) return 0;
	for (size_t i = 0; i < count; i++)
		if (str_eq_cstr(json_str(value), names[i])) return (int64_t)i;
	check(json, int64_read(value, &number), name);
	return number;
}

// `out` has 2 * bytes digits and a NUL.
static void hex_of(struct str text, size_t bytes, char *out) {
	uint8_t raw[16];
	out[0] = '\0';
	CHECK(bytes <= sizeof raw);
	if (hex_parse(text, raw, bytes)) hex_text(raw, bytes, out);
}

// ---- attributes -----------------------------------------------------------------------------------------------

static void append_value(struct json_reader *json, struct buf *out, yyjson_val *value, unsigned depth);

static void append_array(struct json_reader *json, struct buf *out, yyjson_val *array, unsigned depth) {
	yyjson_arr_iter iter;
	bool first = true;
	buf_byte(out, '[');
	yyjson_arr_iter_init(array_of(json, array, WORD("values")), &iter);
	for (yyjson_val *value; (value = yyjson_arr_iter_next(&iter)) != NULL; first = false) {
		if (!first) buf_byte(out, ',');
		append_value(json, out, value, depth);
	}
	buf_byte(out, ']');
}

static void append_list(struct json_reader *json, struct buf *out, yyjson_val *list, unsigned depth) {
	yyjson_arr_iter iter;
	bool first = true;
	buf_byte(out, '{');
	yyjson_arr_iter_init(array_of(json, list, WORD("values")), &iter);
	for (yyjson_val *pair; (pair = yyjson_arr_iter_next(&iter)) != NULL; first = false) {
		if (!first) buf_byte(out, ',');
		buf_json_str(out, text_of(json, pair, WORD("key")));
		buf_byte(out, ':');
		append_value(json, out, object_of(json, pair, WORD("value")), depth);
	}
	buf_byte(out, '}');
}

// NaN and the infinities are texts in JSON.
static double double_read(struct json_reader *json, yyjson_val *value) {
	struct str text = json_str(value);
	if (yyjson_is_num(value)) return yyjson_get_num(value);
	if (str_eq(text, STR("Infinity"))) return (double)INFINITY;
	if (str_eq(text, STR("-Infinity"))) return -(double)INFINITY;
	check(json, str_eq(text, STR("NaN")), NAME("doubleValue", NULL));
	return (double)NAN;
}

// A value that is one thing; false for what is none of them.
static bool append_plain(struct json_reader *json, struct buf *out, yyjson_val *object) {
	yyjson_val *value;
	int64_t number = 0;
	if ((value = member(object, NAME("boolValue", "bool_value"))) != NULL) {
		check(json, yyjson_is_bool(value), WORD("boolValue"));
		buf_str(out, yyjson_is_true(value) ? STR("true") : STR("false"));
	} else if ((value = member(object, NAME("intValue", "int_value"))) != NULL) {
		check(json, int64_read(value, &number), WORD("intValue"));
		buf_i64(out, number);
	} else if ((value = member(object, NAME("doubleValue", "double_value"))) != NULL) {
		otlp_append_double(out, double_read(json, value));
	} else {
		return false;
	}
	return true;
}

// A text, or bytes in base64; NULL for what is neither.
static yyjson_val *text_value(struct json_reader *json, yyjson_val *object) {
	yyjson_val *value = member(object, NAME("stringValue", "string_value"));
	if (value == NULL) value = member(object, NAME("bytesValue", "bytes_value"));
	check(json, value == NULL || yyjson_is_str(value), WORD("stringValue"));
	return value;
}

static void append_value(struct json_reader *json, struct buf *out, yyjson_val *object, unsigned depth) {
	yyjson_val *value = text_value(json, object);
	check(json, object == NULL || yyjson_is_obj(object), WORD("value"));
	if (value != NULL)
		buf_json_str(out, json_str(value));
	else if (append_plain(json, out, object))
		return;
	else if (depth == OTLP_DEPTH_MAX)
		buf_lit(out, "null");
	else if ((value = object_of(json, object, NAME("arrayValue", "array_value"))) != NULL)
		append_array(json, out, value, depth + 1);
	else if ((value = object_of(json, object, NAME("kvlistValue", "kvlist_value"))) != NULL)
		append_list(json, out, value, depth + 1);
	else
		buf_lit(out, "null");
}

static void add_attribute(struct json_reader *json, yyjson_val *pair) {
	check(json, yyjson_is_obj(pair), WORD("attributes"));
	struct str key = text_of(json, pair, WORD("key"));
	yyjson_val *object = object_of(json, pair, WORD("value")), *text = text_value(json, object), *number;
	struct buf *scratch = &json->reader->scratch;
	if (text != NULL) {
		otlp_add_text(json->reader, key, json_str(text));
	} else if ((number = member(object, NAME("doubleValue", "double_value"))) != NULL) {
		otlp_add_double(json->reader, key, double_read(json, number));
	} else {
		buf_clear(scratch);
		append_value(json, scratch, object, 0);
		if (!scratch->overflow) otlp_add_json(json->reader, key, buf_view(scratch));
	}
}

// ---- spans ----------------------------------------------------------------------------------------------------

static const char *const kind_names[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER",
					 "SPAN_KIND_CLIENT",      "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"};
static const char *const status_names[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"};

static void read_span(struct json_reader *json, const struct otlp_scope *scope, yyjson_val *from) {
	yyjson_val *attributes = array_of(json, from, WORD("attributes"));
	check(json, yyjson_is_obj(from), WORD("spans"));
	if (!otlp_span_begin(json->reader, scope, yyjson_arr_size(attributes))) return;
	struct otlp_span *span = json->reader->span;
	yyjson_val *status = object_of(json, from, WORD("status"));
	hex_of(text_of(json, from, NAME("traceId", "trace_id")), 16, span->trace_id);
	hex_of(text_of(json, from, NAME("spanId", "span_id")), 8, span->id);
	hex_of(text_of(json, from, NAME("parentSpanId", "parent_span_id")), 8, span->parent_id);
	span->name = arena_dup(json->reader->arena, text_of(json, from, WORD("name")));
	span->kind = otlp_kind_of(enum_of(json, from, WORD("kind"), kind_names, ARRAY_LEN(kind_names)));
	span->start_ns = time_of(json, from, NAME("startTimeUnixNano", "start_time_unix_nano"));
	span->end_ns = time_of(json, from, NAME("endTimeUnixNano", "end_time_unix_nano"));
	span->status = otlp_status_of(enum_of(json, status, WORD("code"), status_names, ARRAY_LEN(status_names)));
	yyjson_arr_iter iter;
	yyjson_arr_iter_init(attributes, &iter);
	for (yyjson_val *pair; (pair = yyjson_arr_iter_next(&iter)) != NULL;) add_attribute(json, pair);
}

static void read_scope_spans(struct json_reader *json, struct str service_name, yyjson_val *from) {
	struct arena *arena = json->reader->arena;
	struct otlp_scope *out = ARENA_NEW(arena, struct otlp_scope);
	yyjson_val *scope = object_of(json, from, WORD("scope"));
	check(json, yyjson_is_obj(from), NAME("scopeSpans", NULL));
	out->service_name = service_name;
	out->name = arena_dup(arena, text_of(json, scope, WORD("name")));
	out->version = arena_dup(arena, text_of(json, scope, WORD("version")));
	yyjson_arr_iter iter;
	yyjson_arr_iter_init(array_of(json, from, WORD("spans")), &iter);
	for (yyjson_val *span; json->bad == NULL && (span = yyjson_arr_iter_next(&iter)) != NULL;)
		read_span(json, out, span);
}

static struct str service_name_of(struct json_reader *json, yyjson_val *resource) {
	struct str name = STR("");
	yyjson_arr_iter iter;
	yyjson_arr_iter_init(array_of(json, resource, WORD("attributes")), &iter);
	for (yyjson_val *pair; (pair = yyjson_arr_iter_next(&iter)) != NULL;) {
		if (!str_eq(text_of(json, pair, WORD("key")), STR("service.name"))) continue;
		name = json_str(text_value(json, object_of(json, pair, WORD("value"))));
	}
	return arena_dup(json->reader->arena, name);
}

static void read_resource_spans(struct json_reader *json, yyjson_val *from) {
	check(json, yyjson_is_obj(from), NAME("resourceSpans", NULL));
	struct str service_name = service_name_of(json, object_of(json, from, WORD("resource")));
	yyjson_arr_iter iter;
	yyjson_arr_iter_init(array_of(json, from, NAME("scopeSpans", "scope_spans")), &iter);
	for (yyjson_val *scope; json->bad == NULL && (scope = yyjson_arr_iter_next(&iter)) != NULL;)
		read_scope_spans(json, service_name, scope);
}

enum err otlp_read_json(struct otlp_reader *reader, struct str body, struct error *error) {
	struct json_reader json = {.reader = reader};
	yyjson_doc *doc = json_read(body, false, NULL, error);
	if (doc == NULL) return ERR_INVALID;
	yyjson_val *root = yyjson_doc_get_root(doc);
	yyjson_arr_iter iter;
	check(&json, yyjson_is_obj(root), WORD("the body"));
	yyjson_arr_iter_init(array_of(&json, root, NAME("resourceSpans", "resource_spans")), &iter);
	for (yyjson_val *resource; json.bad == NULL && (resource = yyjson_arr_iter_next(&iter)) != NULL;)
		read_resource_spans(&json, resource);
	yyjson_doc_free(doc);
	if (json.bad == NULL) return ERR_OK;
	return error_set(error, ERR_INVALID, "%s is of the wrong type", json.bad);
}
