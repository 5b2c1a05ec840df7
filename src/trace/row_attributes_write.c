#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "trace/row_attributes.h"

#define NS_PER_MS 1000000

#define AT(type, span, attribute) (*(const type *)(const void *)((const char *)(span) + (attribute)->offset))

static bool is_flagged(const struct span *span, const struct span_attribute *attribute) {
	return attribute->flag == SPAN_ATTRIBUTE_UNFLAGGED ||
	       *(const bool *)(const void *)((const char *)span + attribute->flag);
}

// ---- as JSON -------------------------------------------------------------------------------------------------------

static void put_time(struct buf *out, int64_t ns) {
	buf_printf(out, "\"%" PRId64 "\"", ns / NS_PER_MS);
}

static void put_bool(struct buf *out, bool value) {
	buf_str(out, value ? STR("true") : STR("false"));
}

static void put_value(struct buf *out, const struct span *span, const struct span_attribute *attribute) {
	switch (attribute->type) {
	case ATTRIBUTE_TEXT:
	case ATTRIBUTE_NAME:
	case ATTRIBUTE_OBJECT: // as text
		buf_json_str(out, AT(struct str, span, attribute));
		break;
	case ATTRIBUTE_TIME:
		put_time(out, AT(int64_t, span, attribute));
		break;
	case ATTRIBUTE_MS:
		buf_i64(out, AT(int64_t, span, attribute));
		break;
	case ATTRIBUTE_BOOL:
		put_bool(out, AT(bool, span, attribute));
		break;
	case ATTRIBUTE_TRISTATE:
		put_bool(out, AT(enum tristate, span, attribute) == YES);
		break;
	case ATTRIBUTE_INT:
		buf_i64(out, AT(int, span, attribute));
		break;
	case ATTRIBUTE_COUNT:
		buf_u64(out, AT(uint32_t, span, attribute));
		break;
	case ATTRIBUTE_STATUS:
		buf_json_str(out, str_from_cstr(span_status_names[AT(enum span_status, span, attribute)]));
		break;
	case ATTRIBUTE_OP:
		buf_json_str(out, str_from_cstr(opcode_table[AT(enum opcode_kind, span, attribute)].name));
		break;
	}
}

// ---- which ones ----------------------------------------------------------------------------------------------------

// Whether a member that has no flag says something.
static bool is_set(const struct span *span, const struct span_attribute *attribute) {
	switch (attribute->type) {
	case ATTRIBUTE_TEXT:
	case ATTRIBUTE_NAME:
	case ATTRIBUTE_OBJECT:
		return AT(struct str, span, attribute).len > 0;
	case ATTRIBUTE_TIME:
	case ATTRIBUTE_MS:
		return AT(int64_t, span, attribute) != 0;
	case ATTRIBUTE_BOOL:
		return AT(bool, span, attribute);
	case ATTRIBUTE_TRISTATE:
		return AT(enum tristate, span, attribute) != UNSET;
	case ATTRIBUTE_INT:
		return AT(int, span, attribute) != 0;
	case ATTRIBUTE_COUNT:
		return AT(uint32_t, span, attribute) != 0;
	case ATTRIBUTE_STATUS:
		return AT(enum span_status, span, attribute) != SPAN_STATUS_NONE;
	case ATTRIBUTE_OP:
		return AT(enum opcode_kind, span, attribute) != OPCODE_NONE;
	}
	return false;
}

static bool has(const struct span *span, const struct span_attribute *attribute) {
	bool is_flag = attribute->flag != SPAN_ATTRIBUTE_UNFLAGGED;
	return is_flag ? is_flagged(span, attribute) : is_set(span, attribute);
}

static bool is_same(const struct span *a, const struct span *b, const struct span_attribute *attribute) {
	switch (attribute->type) {
	case ATTRIBUTE_TEXT:
	case ATTRIBUTE_NAME:
	case ATTRIBUTE_OBJECT:
		return str_eq(AT(struct str, a, attribute), AT(struct str, b, attribute));
	case ATTRIBUTE_TIME:
	case ATTRIBUTE_MS:
		return AT(int64_t, a, attribute) == AT(int64_t, b, attribute);
	case ATTRIBUTE_BOOL:
		return AT(bool, a, attribute) == AT(bool, b, attribute);
	case ATTRIBUTE_TRISTATE:
		return AT(enum tristate, a, attribute) == AT(enum tristate, b, attribute);
	case ATTRIBUTE_INT:
		return AT(int, a, attribute) == AT(int, b, attribute);
	case ATTRIBUTE_COUNT:
		return AT(uint32_t, a, attribute) == AT(uint32_t, b, attribute);
	case ATTRIBUTE_STATUS:
		return AT(enum span_status, a, attribute) == AT(enum span_status, b, attribute);
	case ATTRIBUTE_OP:
		return AT(enum opcode_kind, a, attribute) == AT(enum opcode_kind, b, attribute);
	}
	return false;
}

// Two names mean the event that ended a waiting: one is an invoke's, the other everything else's.
static bool is_named_so(const struct span *span, const struct span_attribute *attribute) {
	if (attribute->offset != offsetof(struct span, matched_event_id)) return true;
	bool is_invoke = str_starts_with(attribute->name, STR("step.invoke."));
	return is_invoke == (span->op == OPCODE_INVOKE_FUNCTION);
}

// ---- members -------------------------------------------------------------------------------------------------------

static void put_name(struct buf *out, struct str name) {
	buf_str(out, out->len > 0 && out->ptr[out->len - 1] != '{' ? STR(",\"") : STR("\""));
	buf_str(out, SPAN_ATTRIBUTE_PREFIX);
	buf_str(out, name);
	buf_lit(out, "\":");
}

void row_attribute_text(struct buf *out, const char *name, struct str value) {
	put_name(out, str_from_cstr(name));
	buf_json_str(out, value);
}

void row_attributes_append(struct buf *out, const struct span *before, const struct span *span) {
	for (size_t i = 0; i < span_attribute_count; i++) {
		const struct span_attribute *attribute = &span_attributes[i];
		if (attribute->is_read_only || !has(span, attribute) || !is_named_so(span, attribute)) continue;
		if (before != NULL && has(before, attribute) && is_same(before, span, attribute)) continue;
		put_name(out, attribute->name);
		put_value(out, span, attribute);
	}
}

// ---- one by one ----------------------------------------------------------------------------------------------------

static struct otlp_attribute tell(struct arena *arena, const struct span *span,
				  const struct span_attribute *attribute) {
	struct otlp_attribute out = {.is_text = true};
	char digits[24];
	struct buf json;
	switch (attribute->type) {
	case ATTRIBUTE_TEXT:
	case ATTRIBUTE_NAME:
	case ATTRIBUTE_OBJECT:
		out.value = AT(struct str, span, attribute);
		break;
	case ATTRIBUTE_STATUS:
		out.value = str_from_cstr(span_status_names[AT(enum span_status, span, attribute)]);
		break;
	case ATTRIBUTE_OP:
		out.value = str_from_cstr(opcode_table[AT(enum opcode_kind, span, attribute)].name);
		break;
	case ATTRIBUTE_TIME:
		snprintf(digits, sizeof digits, "%" PRId64, AT(int64_t, span, attribute) / NS_PER_MS);
		out.value = arena_dup(arena, str_from_cstr(digits));
		break;
	default:
		buf_init(&json, sizeof digits);
		put_value(&json, span, attribute);
		out.is_text = false;
		out.value = arena_dup(arena, buf_view(&json));
		buf_free(&json);
		break;
	}
	return out;
}

size_t row_attributes_tell(struct arena *arena, const struct span *span,
			   struct otlp_attribute out[ROW_ATTRIBUTES_MAX]) {
	size_t count = 0;
	CHECK(span_attribute_count <= ROW_ATTRIBUTES_MAX);
	for (size_t i = 0; i < span_attribute_count; i++) {
		const struct span_attribute *attribute = &span_attributes[i];
		if (attribute->is_read_only || attribute->type == ATTRIBUTE_OBJECT) continue;
		if (!has(span, attribute) || !is_named_so(span, attribute)) continue;
		out[count] = tell(arena, span, attribute);
		if (out[count].value.len == 0) continue;
		out[count++].key = arena_cat(arena, SPAN_ATTRIBUTE_PREFIX, attribute->name);
	}
	return count;
}
