// Values as text: the text form of spec 04 §B8, and JSON.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/json.h"
#include "cel/value.h"

// ---- numbers ---------------------------------------------------------------------------------------------------

// The shortest digits that give the same double, and the exponent of the first; digits needs 18 bytes.
static int shortest_digits(double value, char *digits) {
	char text[40];
	int precision = 14; // digits after the first
	do {
		snprintf(text, sizeof text, "%.*e", precision, value);
	} while (strtod(text, NULL) != value && ++precision <= 16);
	char *mark = strchr(text, 'e');
	size_t count = 0;
	for (const char *at = text; at < mark; at++) {
		if (*at != '.') digits[count++] = *at;
	}
	while (count > 1 && digits[count - 1] == '0') count--;
	digits[count] = '\0';
	return atoi(mark + 1);
}

static void text_plain(struct buf *out, const char *digits, int exponent) {
	int count = (int)strlen(digits);
	if (exponent < 0) {
		buf_lit(out, "0.");
		for (int i = exponent + 1; i < 0; i++) buf_byte(out, '0');
		buf_append(out, digits, (size_t)count);
		return;
	}
	for (int i = 0; i < count || i <= exponent; i++) {
		if (i == exponent + 1) buf_byte(out, '.');
		buf_byte(out, i < count ? digits[i] : '0');
	}
}

void cel_text_double(struct buf *out, double value) {
	char digits[24];
	if (isnan(value)) {
		buf_lit(out, "NaN");
		return;
	}
	if (isinf(value)) {
		buf_str(out, value > 0 ? STR("+Inf") : STR("-Inf"));
		return;
	}
	if (signbit(value)) buf_byte(out, '-');
	int exponent = shortest_digits(fabs(value), digits);
	if (exponent >= -4 && exponent <= 5) {
		text_plain(out, digits, exponent);
		return;
	}
	buf_byte(out, digits[0]);
	if (digits[1] != '\0') {
		buf_byte(out, '.');
		buf_str(out, str_from_cstr(digits + 1));
	}
	buf_printf(out, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
}

// ---- text form -------------------------------------------------------------------------------------------------

static void text_in(struct buf *out, const struct cel_value *value, bool json) {
	if (value->type == CEL_NULL)
		buf_str(out, json ? STR("<nil>") : STR("0"));
	else
		cel_text(out, value);
}

static void text_list(struct buf *out, const struct cel_value *list) {
	struct cel_walk walk;
	struct cel_value item;
	bool first = true;
	buf_byte(out, '[');
	for (cel_walk_start(&walk, list); !out->overflow && cel_walk_next(&walk, NULL, &item); first = false) {
		if (!first) buf_byte(out, ' ');
		text_in(out, &item, list->is_json);
	}
	buf_byte(out, ']');
}

struct entry {
	struct cel_value key, value;
};

static int by_key(const void *a, const void *b) {
	const struct cel_value *x = &((const struct entry *)a)->key, *y = &((const struct entry *)b)->key;
	int order = 0;
	if (cel_order(x, y, &order)) return order;
	return (x->type > y->type) - (x->type < y->type);
}

// Sorted by key; the caller frees.
static struct entry *entries_of(const struct cel_value *map, size_t *count) {
	struct cel_walk walk;
	*count = cel_map_size(map);
	struct entry *entries = mem_calloc(*count + 1, sizeof *entries);
	size_t i = 0;
	for (cel_walk_start(&walk, map); i < *count && cel_walk_next(&walk, &entries[i].key, &entries[i].value);) i++;
	qsort(entries, *count, sizeof *entries, by_key);
	return entries;
}

static void text_map(struct buf *out, const struct cel_value *map) {
	size_t count;
	struct entry *entries = entries_of(map, &count);
	buf_lit(out, "map[");
	for (size_t i = 0; i < count && !out->overflow; i++) {
		if (i > 0) buf_byte(out, ' ');
		cel_text(out, &entries[i].key);
		buf_byte(out, ':');
		text_in(out, &entries[i].value, map->is_json);
	}
	buf_byte(out, ']');
	free(entries);
}

void cel_text(struct buf *out, const struct cel_value *value) {
	switch ((enum cel_type)value->type) {
	case CEL_NULL:
		buf_lit(out, "NULL_VALUE");
		break;
	case CEL_BOOL:
		buf_str(out, value->boolean ? STR("true") : STR("false"));
		break;
	case CEL_INT:
		buf_i64(out, value->integer);
		break;
	case CEL_UINT:
		buf_u64(out, value->uinteger);
		break;
	case CEL_DOUBLE:
		cel_text_double(out, value->number);
		break;
	case CEL_STRING:
	case CEL_BYTES:
		buf_str(out, value->text);
		break;
	case CEL_LIST:
		text_list(out, value);
		break;
	case CEL_MAP:
		text_map(out, value);
		break;
	case CEL_TIMESTAMP:
		cel_time_text(out, value->time);
		break;
	case CEL_DURATION:
		cel_duration_text(out, value->integer);
		break;
	case CEL_TYPE:
		buf_str(out, str_from_cstr(cel_type_name(value->named)));
		break;
	case CEL_ERROR:
		cel_error_text(out, value);
		break;
	default:
		buf_lit(out, "false");
	}
}

// ---- JSON ------------------------------------------------------------------------------------------------------

static void json_list(struct buf *out, const struct cel_value *list) {
	struct cel_walk walk;
	struct cel_value item;
	bool first = true;
	buf_byte(out, '[');
	for (cel_walk_start(&walk, list); cel_walk_next(&walk, NULL, &item); first = false) {
		if (!first) buf_byte(out, ',');
		cel_json(out, &item);
	}
	buf_byte(out, ']');
}

static void json_map(struct buf *out, const struct cel_value *map) {
	struct buf key;
	size_t count;
	struct entry *entries = entries_of(map, &count);
	buf_init(&key, SIZE_MAX);
	buf_byte(out, '{');
	for (size_t i = 0; i < count; i++) {
		if (i > 0) buf_byte(out, ',');
		buf_clear(&key);
		cel_text(&key, &entries[i].key);
		buf_json_str(out, buf_view(&key));
		buf_byte(out, ':');
		cel_json(out, &entries[i].value);
	}
	buf_byte(out, '}');
	buf_free(&key);
	free(entries);
}

static void text_time_utc(struct buf *out, struct cel_time time) {
	time.offset_s = 0;
	cel_time_string(out, time);
}

static void json_text(struct buf *out, const struct cel_value *value) {
	struct buf text;
	buf_init(&text, SIZE_MAX);
	if (value->type == CEL_TIMESTAMP)
		text_time_utc(&text, value->time);
	else
		cel_text(&text, value);
	buf_json_str(out, buf_view(&text));
	buf_free(&text);
}

void cel_json(struct buf *out, const struct cel_value *value) {
	switch ((enum cel_type)value->type) {
	case CEL_NULL:
		buf_lit(out, "null");
		break;
	case CEL_BOOL:
	case CEL_INT:
	case CEL_UINT:
		cel_text(out, value);
		break;
	case CEL_DOUBLE:
		if (isfinite(value->number))
			json_number(out, value->number);
		else
			json_text(out, value);
		break;
	case CEL_LIST:
		json_list(out, value);
		break;
	case CEL_MAP:
		json_map(out, value);
		break;
	default:
		json_text(out, value);
	}
}

// ---- errors ----------------------------------------------------------------------------------------------------

static const struct {
	const char *name, *text;
} errors[CEL_ERROR_COUNT] = {
	[CEL_OK] = {"ok", "ok"},
	[CEL_COMPILE] = {"compile", "error compiling expression"},
	[CEL_NO_SUCH_OVERLOAD] = {"no_such_overload", "no such overload"},
	[CEL_NO_SUCH_ATTRIBUTE] = {"no_such_attribute", "no such attribute"},
	[CEL_NO_SUCH_KEY] = {"no_such_key", "no such key"},
	[CEL_NO_RESULT] = {"no_result", "no result"},
	[CEL_CONVERSION] = {"conversion", "type conversion error"},
	[CEL_INDEX_OUT_OF_BOUNDS] = {"index_out_of_bounds", "index out of bounds"},
	[CEL_INDEX_TYPE] = {"index_type", "unsupported index type"},
	[CEL_DIVIDE_BY_ZERO] = {"divide_by_zero", "division by zero"},
	[CEL_OVERFLOW] = {"overflow", "integer overflow"},
	[CEL_NOT_ITERABLE] = {"not_iterable", "got a value that cannot be iterated over"},
	[CEL_BAD_REGEX] = {"bad_regex", "bad regular expression"},
	[CEL_BAD_TIMEZONE] = {"bad_timezone", "unknown time zone"},
	[CEL_COST] = {"cost", "the expression takes too long to evaluate"},
};

const char *cel_error_name(enum cel_error_code code) {
	return errors[code].name;
}

void cel_error_text(struct buf *out, const struct cel_value *error) {
	buf_str(out, str_from_cstr(errors[error->error].text));
	if (error->text.len == 0) return;
	buf_lit(out, ": ");
	buf_str(out, error->text);
}
