#include "trace/otlp.h"

#include <math.h>
#include <stdlib.h>

#include "model/limits.h"
#include "model/utf8.h"
#include "trace/otlp_internal.h"

#define FIRST_SPANS 16

const char *const otlp_kind_names[OTLP_KIND_COUNT] = {
	[OTLP_UNSPECIFIED] = "unspecified", [OTLP_INTERNAL] = "internal", [OTLP_SERVER] = "server",
	[OTLP_CLIENT] = "client",           [OTLP_PRODUCER] = "producer", [OTLP_CONSUMER] = "consumer",
};

enum otlp_encoding otlp_encoding_of(struct str content_type) {
	for (struct str rest = content_type; rest.len >= 4; rest = str_skip(rest, 1))
		if (str_starts_with_nocase(rest, STR("json"))) return OTLP_JSON;
	return OTLP_PROTOBUF;
}

enum otlp_kind otlp_kind_of(int64_t number) {
	return number > 0 && number < OTLP_KIND_COUNT ? (enum otlp_kind)number : OTLP_UNSPECIFIED;
}

enum otlp_status otlp_status_of(int64_t number) {
	return number == OTLP_OK || number == OTLP_ERROR ? (enum otlp_status)number : OTLP_UNSET;
}

// ---- the reader -----------------------------------------------------------------------------------------------

void otlp_reader_init(struct otlp_reader *reader, struct arena *arena, struct otlp_request *out) {
	*out = (struct otlp_request){.spans = NULL};
	*reader = (struct otlp_reader){.arena = arena, .out = out};
	buf_init(&reader->scratch, OTLP_ATTRIBUTES_BYTES_MAX);
}

void otlp_reader_free(struct otlp_reader *reader) {
	buf_free(&reader->scratch);
}

static void grow(struct otlp_reader *reader) {
	size_t cap = reader->span_cap > 0 ? reader->span_cap * 2 : FIRST_SPANS;
	struct otlp_span *spans = arena_alloc(reader->arena, cap * sizeof *spans);
	if (reader->out->count > 0) memcpy(spans, reader->out->spans, reader->out->count * sizeof *spans);
	reader->out->spans = spans;
	reader->span_cap = cap;
}

bool otlp_span_begin(struct otlp_reader *reader, const struct otlp_scope *scope, size_t attribute_count) {
	struct otlp_request *out = reader->out;
	if (out->count >= OTLP_SPANS_MAX) {
		out->left_out++;
		return false;
	}
	if (out->count == reader->span_cap) grow(reader);
	if (attribute_count > OTLP_ATTRIBUTES_MAX) attribute_count = OTLP_ATTRIBUTES_MAX;
	reader->span = &out->spans[out->count++];
	*reader->span = (struct otlp_span){.scope = scope};
	reader->attribute_cap = attribute_count;
	reader->span->attributes = ARENA_ARRAY(reader->arena, struct otlp_attribute, attribute_count);
	reader->attribute_bytes = 0;
	return true;
}

struct str otlp_text(struct arena *arena, struct str text) {
	if (utf8_valid(text)) return arena_dup(arena, text);
	struct buf repaired;
	buf_init(&repaired, 3 * text.len);
	utf8_repair(&repaired, text);
	struct str copy = arena_dup(arena, buf_view(&repaired));
	buf_free(&repaired);
	return copy;
}

// Room for an attribute; NULL when it is too much.
static struct otlp_attribute *attribute_new(struct otlp_reader *reader, struct str key, struct str value) {
	struct otlp_span *span = reader->span;
	size_t room = OTLP_ATTRIBUTES_BYTES_MAX - reader->attribute_bytes;
	if (span->attribute_count >= reader->attribute_cap || key.len == 0 || key.len > room ||
	    value.len > room - key.len)
		return NULL;
	reader->attribute_bytes += key.len + value.len;
	struct otlp_attribute *attribute = &span->attributes[span->attribute_count++];
	attribute->key = otlp_text(reader->arena, key);
	return attribute;
}

void otlp_add_text(struct otlp_reader *reader, struct str key, struct str text) {
	struct otlp_attribute *attribute = attribute_new(reader, key, text);
	if (attribute == NULL) return;
	attribute->is_text = true;
	attribute->value = otlp_text(reader->arena, text);
}

void otlp_add_json(struct otlp_reader *reader, struct str key, struct str json) {
	struct otlp_attribute *attribute = attribute_new(reader, key, json);
	if (attribute != NULL) attribute->value = arena_dup(reader->arena, json);
}

static struct str special_name(double value) {
	return isnan(value) ? STR("NaN") : value > 0 ? STR("Infinity") : STR("-Infinity");
}

void otlp_add_double(struct otlp_reader *reader, struct str key, double value) {
	if (!isfinite(value)) {
		otlp_add_text(reader, key, special_name(value));
		return;
	}
	buf_clear(&reader->scratch);
	json_number(&reader->scratch, value);
	otlp_add_json(reader, key, buf_view(&reader->scratch));
}

void otlp_append_double(struct buf *out, double value) {
	if (isfinite(value))
		json_number(out, value);
	else
		buf_json_str(out, special_name(value));
}

// ---- both encodings -------------------------------------------------------------------------------------------

enum err otlp_read(struct arena *arena, enum otlp_encoding encoding, struct str body, struct otlp_request *out,
		   struct error *error) {
	struct otlp_reader reader;
	otlp_reader_init(&reader, arena, out);
	enum err err =
		encoding == OTLP_JSON ? otlp_read_json(&reader, body, error) : otlp_read_protobuf(&reader, body, error);
	otlp_reader_free(&reader);
	if (err != ERR_OK) *out = (struct otlp_request){.spans = NULL};
	return err;
}

struct otlp_value otlp_value_of(const struct otlp_attribute *attribute) {
	struct otlp_value out = {.kind = OTLP_VALUE_TEXT};
	struct str text = attribute->value;
	if (attribute->is_text || text.len == 0 || text.ptr[0] == '{' || text.ptr[0] == '[') return out;
	out.truth = str_eq(text, STR("true"));
	char *end = NULL;
	char digits[64] = {0};
	if (out.truth || str_eq(text, STR("false"))) {
		out.kind = OTLP_VALUE_BOOL;
	} else if (str_to_i64(text, &out.number)) {
		out.kind = OTLP_VALUE_INT;
	} else if (text.len < sizeof digits) {
		memcpy(digits, text.ptr, text.len);
		out.real = strtod(digits, &end);
		if (*end == '\0') out.kind = OTLP_VALUE_DOUBLE;
	}
	return out;
}

void otlp_write_export(struct buf *out, enum otlp_encoding encoding, const struct otlp_export *batch) {
	if (encoding == OTLP_PROTOBUF)
		otlp_pack_export(out, batch);
	else
		otlp_print_export(out, batch);
}

void otlp_write_response(struct buf *out, enum otlp_encoding encoding, uint64_t rejected) {
	if (encoding == OTLP_PROTOBUF) {
		otlp_pack_response(out, rejected);
	} else if (rejected == 0) {
		buf_lit(out, "{}");
	} else {
		buf_lit(out, "{\"partialSuccess\":{\"rejectedSpans\":\"");
		buf_u64(out, rejected);
		buf_lit(out, "\"}}");
	}
}

void otlp_write_error(struct buf *out, enum otlp_encoding encoding, struct str message) {
	if (encoding == OTLP_PROTOBUF) {
		otlp_pack_error(out, message);
		return;
	}
	buf_lit(out, "{\"message\":");
	buf_json_str(out, message);
	buf_byte(out, '}');
}
