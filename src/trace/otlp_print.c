// Exports of our own spans as OTLP/JSON: ids are hex digits there, and 64-bit numbers texts.
#include "trace/otlp_internal.h"

static void print_number(struct buf *out, uint64_t number) {
	buf_byte(out, '"');
	buf_u64(out, number);
	buf_byte(out, '"');
}

static void print_value(struct buf *out, const struct otlp_attribute *attribute) {
	struct otlp_value value = otlp_value_of(attribute);
	switch (value.kind) {
	case OTLP_VALUE_BOOL:
		buf_str(out, value.truth ? STR("{\"boolValue\":true}") : STR("{\"boolValue\":false}"));
		break;
	case OTLP_VALUE_INT:
		buf_lit(out, "{\"intValue\":\"");
		buf_i64(out, value.number);
		buf_lit(out, "\"}");
		break;
	case OTLP_VALUE_DOUBLE:
		buf_lit(out, "{\"doubleValue\":");
		buf_str(out, attribute->value);
		buf_byte(out, '}');
		break;
	case OTLP_VALUE_TEXT:
		buf_lit(out, "{\"stringValue\":");
		buf_json_str(out, attribute->value);
		buf_byte(out, '}');
		break;
	}
}

static void print_attributes(struct buf *out, const struct otlp_attribute *attributes, size_t count) {
	buf_lit(out, "\"attributes\":[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0) buf_byte(out, ',');
		buf_lit(out, "{\"key\":");
		buf_json_str(out, attributes[i].key);
		buf_lit(out, ",\"value\":");
		print_value(out, &attributes[i]);
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
}

static void print_id(struct buf *out, const char *member, const char *id) {
	if (id[0] != '\0') buf_printf(out, "\"%s\":\"%s\",", member, id);
}

static void print_span(struct buf *out, const struct otlp_span *span) {
	buf_byte(out, '{');
	print_id(out, "traceId", span->trace_id);
	print_id(out, "spanId", span->id);
	print_id(out, "parentSpanId", span->parent_id);
	buf_lit(out, "\"name\":");
	buf_json_str(out, span->name);
	buf_printf(out, ",\"kind\":%d,\"startTimeUnixNano\":", (int)span->kind);
	print_number(out, span->start_ns);
	buf_lit(out, ",\"endTimeUnixNano\":");
	print_number(out, span->end_ns);
	buf_byte(out, ',');
	print_attributes(out, span->attributes, span->attribute_count);
	if (span->status != OTLP_UNSET)
		buf_printf(out, ",\"status\":{\"code\":%d}}", (int)span->status);
	else
		buf_lit(out, ",\"status\":{}}");
}

void otlp_print_export(struct buf *out, const struct otlp_export *batch) {
	buf_lit(out, "{\"resourceSpans\":[{\"resource\":{");
	print_attributes(out, batch->resource, batch->resource_count);
	buf_lit(out, "},\"scopeSpans\":[{\"scope\":{\"name\":");
	buf_json_str(out, batch->scope_name);
	buf_lit(out, ",\"version\":");
	buf_json_str(out, batch->scope_version);
	buf_lit(out, "},\"spans\":[");
	for (size_t i = 0; i < batch->count; i++) {
		if (i > 0) buf_byte(out, ',');
		print_span(out, &batch->spans[i]);
	}
	buf_lit(out, "]}]}]}");
}
