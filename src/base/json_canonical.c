// RFC 8785 canonical text: sorted keys, no white space, ECMAScript numbers, minimal escapes.
#include "base/json.h"

#include <stdlib.h>

#include "base/check.h"

// ---- Numbers ----

#define SAFE_INTEGER_MAX 9007199254740992.0 // 2^53: every integer up to here is itself as a double

struct decimal {
	char digits[32]; // no leading or trailing zeros
	int count;
	int point; // the value is 0.DIGITS × 10^point
	bool negative;
};

// Takes apart what yyjson printed: the shortest digits that read back as the same double, in any notation.
static struct decimal decimal_parse(struct str text) {
	struct decimal decimal = {.count = 0, .point = 0, .negative = text.len > 0 && text.ptr[0] == '-'};
	bool after_point = false;
	for (size_t i = decimal.negative ? 1 : 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '.') {
			after_point = true;
		} else if (c == 'e' || c == 'E') {
			decimal.point += (int)strtol(text.ptr + i + 1, NULL, 10);
			break;
		} else if (decimal.count == 0 && c == '0') {
			decimal.point -= after_point ? 1 : 0;
		} else {
			CHECK(decimal.count < (int)sizeof(decimal.digits));
			decimal.digits[decimal.count++] = c;
			decimal.point += after_point ? 0 : 1;
		}
	}
	while (decimal.count > 0 && decimal.digits[decimal.count - 1] == '0') decimal.count--;
	return decimal;
}

static void put_zeros(struct buf *out, int count) {
	for (int i = 0; i < count; i++) buf_byte(out, '0');
}

// The four notations of ECMAScript's Number::toString.
static void decimal_write(struct buf *out, const struct decimal *decimal) {
	int count = decimal->count, point = decimal->point;
	if (decimal->negative) buf_byte(out, '-');
	if (point >= count && point <= 21) {
		buf_append(out, decimal->digits, (size_t)count);
		put_zeros(out, point - count);
	} else if (point > 0 && point <= 21) {
		buf_append(out, decimal->digits, (size_t)point);
		buf_byte(out, '.');
		buf_append(out, decimal->digits + point, (size_t)(count - point));
	} else if (point > -6 && point <= 0) {
		buf_lit(out, "0.");
		put_zeros(out, -point);
		buf_append(out, decimal->digits, (size_t)count);
	} else {
		buf_byte(out, decimal->digits[0]);
		if (count > 1) {
			buf_byte(out, '.');
			buf_append(out, decimal->digits + 1, (size_t)count - 1);
		}
		buf_byte(out, 'e');
		buf_byte(out, point > 0 ? '+' : '-');
		buf_u64(out, (uint64_t)(point > 0 ? point - 1 : 1 - point));
	}
}

void json_number(struct buf *out, double value) {
	if (value >= -SAFE_INTEGER_MAX && value <= SAFE_INTEGER_MAX && value == (double)(int64_t)value) {
		buf_i64(out, (int64_t)value); // -0 becomes 0
		return;
	}
	yyjson_val number;
	number.tag = YYJSON_TYPE_NUM | YYJSON_SUBTYPE_REAL;
	number.uni.f64 = value;
	char memory[1024];
	yyjson_alc allocator;
	CHECK(yyjson_alc_pool_init(&allocator, memory, sizeof(memory)));
	size_t len;
	char *text = yyjson_val_write_opts(&number, YYJSON_WRITE_NOFLAG, &allocator, &len, NULL);
	if (text == NULL) { // not finite: JSON has no such number
		buf_lit(out, "null");
		return;
	}
	struct decimal decimal = decimal_parse(str_make(text, len));
	decimal_write(out, &decimal);
}

static void write_number(struct buf *out, yyjson_val *value) {
	double number = yyjson_get_num(value);
	if (yyjson_is_uint(value) && number < SAFE_INTEGER_MAX) {
		buf_u64(out, yyjson_get_uint(value));
	} else if (yyjson_is_sint(value) && number > -SAFE_INTEGER_MAX) {
		buf_i64(out, yyjson_get_sint(value));
	} else {
		json_number(out, number);
	}
}

// ---- Keys ----

// Order of UTF-16 code units, found in UTF-8: it is the order of bytes, except that surrogate pairs (lead byte F0 and
// up) come before U+E000…U+FFFF (lead bytes EE and EF).
static int key_cmp(struct str a, struct str b) {
	size_t common = a.len < b.len ? a.len : b.len;
	for (size_t i = 0; i < common; i++) {
		unsigned x = (unsigned char)a.ptr[i], y = (unsigned char)b.ptr[i];
		if (x == y) continue;
		if (x >= 0xee && y >= 0xee) x ^= 0x10, y ^= 0x10;
		return x < y ? -1 : 1;
	}
	return (a.len > b.len) - (a.len < b.len);
}

// Equal keys stay in the order of the document (a document's values lie in one array).
static bool key_before(yyjson_val *a, yyjson_val *b) {
	int order = key_cmp(json_str(a), json_str(b));
	return order != 0 ? order < 0 : a < b;
}

static int key_order(const void *a, const void *b) {
	yyjson_val *x = *(yyjson_val *const *)a, *y = *(yyjson_val *const *)b;
	return key_before(x, y) ? -1 : key_before(y, x);
}

#define STACK_KEYS 24 // per level of a walk that may be JSON_DEPTH_MAX deep

static void sort_keys(yyjson_val **keys, size_t count) {
	if (count > STACK_KEYS) {
		qsort(keys, count, sizeof(*keys), key_order);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		yyjson_val *key = keys[i];
		size_t at = i;
		for (; at > 0 && key_before(key, keys[at - 1]); at--) keys[at] = keys[at - 1];
		keys[at] = key;
	}
}

static bool keys_ascend(yyjson_val *object) {
	yyjson_obj_iter iter;
	yyjson_obj_iter_init(object, &iter);
	yyjson_val *last = yyjson_obj_iter_next(&iter), *key;
	while ((key = yyjson_obj_iter_next(&iter)) != NULL) {
		if (key_cmp(json_str(last), json_str(key)) >= 0) return false;
		last = key;
	}
	return true;
}

// ---- Values ----

static void write_member(struct buf *out, yyjson_val *key) {
	buf_json_str(out, json_str(key));
	buf_byte(out, ':');
	json_canonical(out, yyjson_obj_iter_get_val(key));
}

static void write_in_order(struct buf *out, yyjson_val *object) {
	yyjson_obj_iter iter;
	yyjson_obj_iter_init(object, &iter);
	yyjson_val *key;
	bool first = true;
	while ((key = yyjson_obj_iter_next(&iter)) != NULL && !out->overflow) {
		if (!first) buf_byte(out, ',');
		first = false;
		write_member(out, key);
	}
}

static void write_keys(struct buf *out, yyjson_val **keys, size_t count) {
	bool first = true;
	for (size_t i = 0; i < count && !out->overflow; i++) {
		if (i + 1 < count && str_eq(json_str(keys[i]), json_str(keys[i + 1]))) continue; // the last one wins
		if (!first) buf_byte(out, ',');
		first = false;
		write_member(out, keys[i]);
	}
}

static void write_sorted(struct buf *out, yyjson_val *object) {
	yyjson_val *few[STACK_KEYS];
	size_t count = yyjson_obj_size(object), i = 0;
	yyjson_val **keys = count > STACK_KEYS ? mem_alloc(count * sizeof(yyjson_val *)) : few;
	yyjson_obj_iter iter;
	yyjson_obj_iter_init(object, &iter);
	while (i < count) keys[i++] = yyjson_obj_iter_next(&iter);
	sort_keys(keys, count);
	write_keys(out, keys, count);
	if (keys != few) free(keys);
}

static void write_array(struct buf *out, yyjson_val *array) {
	yyjson_arr_iter iter;
	yyjson_arr_iter_init(array, &iter);
	yyjson_val *element;
	buf_byte(out, '[');
	bool first = true;
	while ((element = yyjson_arr_iter_next(&iter)) != NULL && !out->overflow) {
		if (!first) buf_byte(out, ',');
		first = false;
		json_canonical(out, element);
	}
	buf_byte(out, ']');
}

void json_canonical(struct buf *out, yyjson_val *value) {
	switch (yyjson_get_type(value)) {
	case YYJSON_TYPE_OBJ:
		buf_byte(out, '{');
		if (keys_ascend(value)) {
			write_in_order(out, value);
		} else {
			write_sorted(out, value);
		}
		buf_byte(out, '}');
		break;
	case YYJSON_TYPE_ARR:
		write_array(out, value);
		break;
	case YYJSON_TYPE_STR:
		buf_json_str(out, json_str(value));
		break;
	case YYJSON_TYPE_NUM:
		write_number(out, value);
		break;
	case YYJSON_TYPE_BOOL:
		buf_str(out, yyjson_get_bool(value) ? STR("true") : STR("false"));
		break;
	default:
		buf_lit(out, "null");
		break;
	}
}

struct payload *json_canonical_payload(struct str before, yyjson_val *value, struct str after, size_t max_bytes) {
	// Written behind room for the payload's own members: the buffer's memory becomes the payload, uncopied.
	const size_t header = offsetof(struct payload, bytes);
	if (max_bytes > UINT32_MAX - 1) max_bytes = UINT32_MAX - 1;
	struct buf out;
	buf_init(&out, header + max_bytes + 1);
	if (buf_reserve(&out, header)) out.len = header;
	buf_str(&out, before);
	json_canonical(&out, value);
	buf_str(&out, after);
	buf_byte(&out, '\0');
	if (out.overflow) {
		buf_free(&out);
		return NULL;
	}
	struct payload *payload = mem_realloc(out.ptr, out.len);
	atomic_init(&payload->refs, 1);
	payload->len = (uint32_t)(out.len - header - 1);
	return payload;
}

enum err json_canonicalise(struct buf *out, struct str text, struct error *error) {
	yyjson_doc *doc = json_read(text, false, NULL, error);
	if (doc == NULL) return ERR_INVALID;
	json_canonical(out, yyjson_doc_get_root(doc));
	yyjson_doc_free(doc);
	return out->overflow ? error_set(error, ERR_TOO_LARGE, "JSON larger than %zu bytes", out->max_bytes) : ERR_OK;
}
