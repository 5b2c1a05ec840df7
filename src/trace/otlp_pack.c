// OTLP that we write as protobuf: replies, and exports of our own spans.
#include "base/hash.h"
#include "otlp.pb-c.h"
#include "trace/otlp_internal.h"

static void pack(struct buf *out, const ProtobufCMessage *message) {
	size_t size = protobuf_c_message_get_packed_size(message);
	if (!buf_reserve(out, size)) return;
	out->len += protobuf_c_message_pack(message, (uint8_t *)out->ptr + out->len);
}

// ---- replies --------------------------------------------------------------------------------------------------

void otlp_pack_response(struct buf *out, uint64_t rejected) {
	Otlp__PartialSuccess partial = OTLP__PARTIAL_SUCCESS__INIT;
	Otlp__TraceResponse response = OTLP__TRACE_RESPONSE__INIT;
	partial.rejected_spans = (int64_t)rejected;
	if (rejected > 0) response.partial_success = &partial;
	pack(out, &response.base);
}

void otlp_pack_error(struct buf *out, struct str message) {
	Otlp__RpcStatus status = OTLP__RPC_STATUS__INIT;
	struct arena arena;
	arena_init(&arena, message.len + 1);
	status.message = (char *)arena_dup(&arena, message).ptr;
	pack(out, &status.base);
	arena_free(&arena);
}

// ---- exports --------------------------------------------------------------------------------------------------

// Their strings end with NUL.
static char *text_of(struct arena *arena, struct str text) {
	return (char *)arena_dup(arena, text).ptr;
}

static ProtobufCBinaryData bytes_of(struct arena *arena, const char *digits, size_t len) {
	ProtobufCBinaryData out = {0, NULL};
	uint8_t *bytes = arena_alloc(arena, len);
	if (hex_parse(str_from_cstr(digits), bytes, len)) out = (ProtobufCBinaryData){len, bytes};
	return out;
}

static void fill_value(struct arena *arena, const struct otlp_attribute *from, Otlp__Value *out) {
	struct otlp_value value = otlp_value_of(from);
	switch (value.kind) {
	case OTLP_VALUE_BOOL:
		out->value_case = OTLP__VALUE__VALUE_BOOL_VALUE;
		out->bool_value = value.truth;
		break;
	case OTLP_VALUE_INT:
		out->value_case = OTLP__VALUE__VALUE_INT_VALUE;
		out->int_value = value.number;
		break;
	case OTLP_VALUE_DOUBLE:
		out->value_case = OTLP__VALUE__VALUE_DOUBLE_VALUE;
		out->double_value = value.real;
		break;
	case OTLP_VALUE_TEXT:
		out->value_case = OTLP__VALUE__VALUE_STRING_VALUE;
		out->string_value = text_of(arena, from->value);
		break;
	}
}

static Otlp__KeyValue **attributes_of(struct arena *arena, const struct otlp_attribute *from, size_t count) {
	Otlp__KeyValue **out = ARENA_ARRAY(arena, Otlp__KeyValue *, count + 1);
	for (size_t i = 0; i < count; i++) {
		out[i] = ARENA_NEW(arena, Otlp__KeyValue);
		otlp__key_value__init(out[i]);
		out[i]->key = text_of(arena, from[i].key);
		out[i]->value = ARENA_NEW(arena, Otlp__Value);
		otlp__value__init(out[i]->value);
		fill_value(arena, &from[i], out[i]->value);
	}
	return out;
}

static Otlp__Span *span_of(struct arena *arena, const struct otlp_span *from) {
	Otlp__Span *out = ARENA_NEW(arena, Otlp__Span);
	otlp__span__init(out);
	out->trace_id = bytes_of(arena, from->trace_id, 16);
	out->span_id = bytes_of(arena, from->id, 8);
	out->parent_span_id = bytes_of(arena, from->parent_id, 8);
	out->name = text_of(arena, from->name);
	out->kind = (int32_t)from->kind;
	out->start_time_unix_nano = from->start_ns;
	out->end_time_unix_nano = from->end_ns;
	out->n_attributes = from->attribute_count;
	out->attributes = attributes_of(arena, from->attributes, from->attribute_count);
	out->status = ARENA_NEW(arena, Otlp__SpanStatus);
	otlp__span_status__init(out->status);
	out->status->code = (int32_t)from->status;
	return out;
}

void otlp_pack_export(struct buf *out, const struct otlp_export *batch) {
	struct arena arena;
	arena_init(&arena, 1024 * (batch->count + 1));
	Otlp__Span **spans = ARENA_ARRAY(&arena, Otlp__Span *, batch->count + 1);
	for (size_t i = 0; i < batch->count; i++) spans[i] = span_of(&arena, &batch->spans[i]);
	Otlp__Scope scope = OTLP__SCOPE__INIT;
	scope.name = text_of(&arena, batch->scope_name);
	scope.version = text_of(&arena, batch->scope_version);
	Otlp__ScopeSpans scope_spans = OTLP__SCOPE_SPANS__INIT, *scopes[] = {&scope_spans};
	scope_spans.scope = &scope;
	scope_spans.n_spans = batch->count;
	scope_spans.spans = spans;
	Otlp__Resource resource = OTLP__RESOURCE__INIT;
	resource.n_attributes = batch->resource_count;
	resource.attributes = attributes_of(&arena, batch->resource, batch->resource_count);
	Otlp__ResourceSpans resource_spans = OTLP__RESOURCE_SPANS__INIT, *resources[] = {&resource_spans};
	resource_spans.resource = &resource;
	resource_spans.n_scope_spans = 1;
	resource_spans.scope_spans = scopes;
	Otlp__TraceRequest request = OTLP__TRACE_REQUEST__INIT;
	request.n_resource_spans = 1;
	request.resource_spans = resources;
	pack(out, &request.base);
	arena_free(&arena);
}
