// OTLP as protobuf, by protobuf-c and otlp.proto. Its unpacking keeps what it makes until the end, in an arena with a
// maximum: a short body may ask for many small objects.
#include "base/hash.h"
#include "model/limits.h"
#include "otlp.pb-c.h"
#include "trace/otlp_internal.h"

struct unpacker {
	struct otlp_reader *reader;
	ProtobufCAllocator allocator;
	struct arena memory;
	size_t left_bytes;
	bool failed; // some value could not be unpacked
};

static void *allocate(void *context, size_t size) {
	struct unpacker *unpacker = context;
	size_t taken = size + 16; // what aligning it may cost
	if (size > OTLP_MEMORY_MAX || taken > unpacker->left_bytes) {
		unpacker->left_bytes = 0;
		return NULL;
	}
	unpacker->left_bytes -= taken;
	return arena_alloc(&unpacker->memory, size);
}

static void keep(void *context, void *pointer) {
	(void)context;
	(void)pointer;
}

static struct str bytes_of(ProtobufCBinaryData data) {
	return str_make(data.data, data.len);
}

// ---- attributes -----------------------------------------------------------------------------------------------

static void append_value(struct unpacker *unpacker, struct buf *out, const Otlp__Value *value, unsigned depth);

static void append_text(struct unpacker *unpacker, struct buf *out, const char *text) {
	buf_json_str(out, otlp_text(&unpacker->memory, str_from_cstr(text)));
}

static void append_array(struct unpacker *unpacker, struct buf *out, ProtobufCBinaryData data, unsigned depth) {
	Otlp__ArrayValue *array = otlp__array_value__unpack(&unpacker->allocator, data.len, data.data);
	unpacker->failed = unpacker->failed || array == NULL;
	if (array == NULL) return;
	buf_byte(out, '[');
	for (size_t i = 0; i < array->n_values && !unpacker->failed; i++) {
		if (i > 0) buf_byte(out, ',');
		append_value(unpacker, out, array->values[i], depth);
	}
	buf_byte(out, ']');
}

static void append_list(struct unpacker *unpacker, struct buf *out, ProtobufCBinaryData data, unsigned depth) {
	Otlp__KeyValueList *list = otlp__key_value_list__unpack(&unpacker->allocator, data.len, data.data);
	unpacker->failed = unpacker->failed || list == NULL;
	if (list == NULL) return;
	buf_byte(out, '{');
	for (size_t i = 0; i < list->n_values && !unpacker->failed; i++) {
		if (i > 0) buf_byte(out, ',');
		append_text(unpacker, out, list->values[i]->key);
		buf_byte(out, ':');
		append_value(unpacker, out, list->values[i]->value, depth);
	}
	buf_byte(out, '}');
}

static void append_base64(struct buf *out, ProtobufCBinaryData data) {
	buf_byte(out, '"');
	base64_append(out, bytes_of(data), true);
	buf_byte(out, '"');
}

static void append_nested(struct unpacker *unpacker, struct buf *out, const Otlp__Value *value, unsigned depth) {
	if (depth == OTLP_DEPTH_MAX)
		buf_lit(out, "null");
	else if (value->value_case == OTLP__VALUE__VALUE_ARRAY_VALUE)
		append_array(unpacker, out, value->array_value, depth + 1);
	else
		append_list(unpacker, out, value->kvlist_value, depth + 1);
}

static void append_value(struct unpacker *unpacker, struct buf *out, const Otlp__Value *value, unsigned depth) {
	switch (value != NULL ? value->value_case : OTLP__VALUE__VALUE__NOT_SET) {
	case OTLP__VALUE__VALUE_STRING_VALUE:
		append_text(unpacker, out, value->string_value);
		break;
	case OTLP__VALUE__VALUE_BOOL_VALUE:
		buf_str(out, value->bool_value ? STR("true") : STR("false"));
		break;
	case OTLP__VALUE__VALUE_INT_VALUE:
		buf_i64(out, value->int_value);
		break;
	case OTLP__VALUE__VALUE_DOUBLE_VALUE:
		otlp_append_double(out, value->double_value);
		break;
	case OTLP__VALUE__VALUE_BYTES_VALUE:
		append_base64(out, value->bytes_value);
		break;
	case OTLP__VALUE__VALUE_ARRAY_VALUE:
	case OTLP__VALUE__VALUE_KVLIST_VALUE:
		append_nested(unpacker, out, value, depth);
		break;
	default:
		buf_lit(out, "null");
		break;
	}
}

static void add_bytes(struct otlp_reader *reader, struct str key, ProtobufCBinaryData data) {
	buf_clear(&reader->scratch);
	base64_append(&reader->scratch, bytes_of(data), true);
	if (!reader->scratch.overflow) otlp_add_text(reader, key, buf_view(&reader->scratch));
}

static void add_attribute(struct unpacker *unpacker, const Otlp__KeyValue *pair) {
	struct otlp_reader *reader = unpacker->reader;
	struct str key = str_from_cstr(pair->key);
	const Otlp__Value *value = pair->value;
	switch (value != NULL ? value->value_case : OTLP__VALUE__VALUE__NOT_SET) {
	case OTLP__VALUE__VALUE_STRING_VALUE:
		otlp_add_text(reader, key, str_from_cstr(value->string_value));
		break;
	case OTLP__VALUE__VALUE_BYTES_VALUE:
		add_bytes(reader, key, value->bytes_value);
		break;
	case OTLP__VALUE__VALUE_DOUBLE_VALUE:
		otlp_add_double(reader, key, value->double_value);
		break;
	default:
		buf_clear(&reader->scratch);
		append_value(unpacker, &reader->scratch, value, 0);
		if (!reader->scratch.overflow) otlp_add_json(reader, key, buf_view(&reader->scratch));
		break;
	}
}

// ---- spans ----------------------------------------------------------------------------------------------------

// `out` has 2 * bytes digits and a NUL.
static void hex_of(ProtobufCBinaryData data, size_t bytes, char *out) {
	out[0] = '\0';
	if (data.len == bytes) hex_text(data.data, bytes, out);
}

static void read_span(struct unpacker *unpacker, const struct otlp_scope *scope, const Otlp__Span *from) {
	if (!otlp_span_begin(unpacker->reader, scope, from->n_attributes)) return;
	struct otlp_span *span = unpacker->reader->span;
	hex_of(from->trace_id, 16, span->trace_id);
	hex_of(from->span_id, 8, span->id);
	hex_of(from->parent_span_id, 8, span->parent_id);
	span->name = otlp_text(unpacker->reader->arena, str_from_cstr(from->name));
	span->kind = otlp_kind_of(from->kind);
	span->start_ns = from->start_time_unix_nano;
	span->end_ns = from->end_time_unix_nano;
	span->status = otlp_status_of(from->status != NULL ? from->status->code : 0);
	for (size_t i = 0; i < from->n_attributes && !unpacker->failed; i++)
		add_attribute(unpacker, from->attributes[i]);
}

static void read_scope_spans(struct unpacker *unpacker, struct str service_name, const Otlp__ScopeSpans *from) {
	struct arena *arena = unpacker->reader->arena;
	struct otlp_scope *scope = ARENA_NEW(arena, struct otlp_scope);
	scope->service_name = service_name;
	if (from->scope != NULL) {
		scope->name = otlp_text(arena, str_from_cstr(from->scope->name));
		scope->version = otlp_text(arena, str_from_cstr(from->scope->version));
	}
	for (size_t i = 0; i < from->n_spans && !unpacker->failed; i++) read_span(unpacker, scope, from->spans[i]);
}

static struct str service_name_of(struct arena *arena, const Otlp__Resource *resource) {
	const char *name = "";
	for (size_t i = 0; resource != NULL && i < resource->n_attributes; i++) {
		const Otlp__KeyValue *pair = resource->attributes[i];
		bool is_text = pair->value != NULL && pair->value->value_case == OTLP__VALUE__VALUE_STRING_VALUE;
		if (is_text && strcmp(pair->key, "service.name") == 0) name = pair->value->string_value;
	}
	return otlp_text(arena, str_from_cstr(name));
}

static enum err read_request(struct unpacker *unpacker, struct str body, struct error *error) {
	Otlp__TraceRequest *request =
		otlp__trace_request__unpack(&unpacker->allocator, body.len, (const uint8_t *)body.ptr);
	unpacker->failed = request == NULL;
	for (size_t i = 0; request != NULL && i < request->n_resource_spans; i++) {
		const Otlp__ResourceSpans *resource = request->resource_spans[i];
		struct str service_name = service_name_of(unpacker->reader->arena, resource->resource);
		for (size_t k = 0; k < resource->n_scope_spans && !unpacker->failed; k++)
			read_scope_spans(unpacker, service_name, resource->scope_spans[k]);
	}
	if (!unpacker->failed) return ERR_OK;
	if (unpacker->left_bytes == 0) return error_set(error, ERR_TOO_LARGE, "the body takes too much memory");
	return error_set(error, ERR_INVALID, "the body is not an export of traces in protobuf");
}

enum err otlp_read_protobuf(struct otlp_reader *reader, struct str body, struct error *error) {
	struct unpacker unpacker = {.reader = reader, .left_bytes = OTLP_MEMORY_MAX};
	unpacker.allocator = (ProtobufCAllocator){.alloc = allocate, .free = keep, .allocator_data = &unpacker};
	arena_init(&unpacker.memory, 4 * body.len + 1024);
	enum err err = read_request(&unpacker, body, error);
	arena_free(&unpacker.memory);
	return err;
}
