// int(), uint(), double(), string(), bool(), bytes(), dyn(), type() (spec 04 §B7, Conversions).
#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "cel/functions.h"

#define NUMBER_TEXT_MAX 400

static bool give(struct cel_value *out, struct cel_value value) {
	*out = value;
	return true;
}
static bool give_error(struct cel_value *out, enum cel_error_code code) {
	return give(out, cel_error(code, STR("")));
}

// Go's strconv.ParseInt(s, 10, 64): a sign, then digits.
static bool parse_int(struct str text, int64_t *out) {
	uint64_t magnitude;
	bool negative = str_starts_with(text, STR("-"));
	if (negative || str_starts_with(text, STR("+"))) text = str_skip(text, 1);
	if (!str_to_u64(text, &magnitude) || magnitude > (uint64_t)INT64_MAX + negative) return false;
	*out = (int64_t)(negative ? 0 - magnitude : magnitude);
	return true;
}

static bool to_int(struct evaluation *evaluation, const struct cel_value *args, uint32_t count, struct cel_value *out) {
	(void)evaluation;
	if (count != 1) return false;
	const struct cel_value *value = &args[0];
	int64_t parsed;
	switch ((enum cel_type)value->type) {
	case CEL_INT:
		return give(out, *value);
	case CEL_UINT:
		if (value->uinteger > INT64_MAX) return give_error(out, CEL_OVERFLOW);
		return give(out, cel_int((int64_t)value->uinteger));
	case CEL_DOUBLE: // the bounds themselves are out of range, as in cel-go
		if (!(value->number > -9223372036854775808.0 && value->number < 9223372036854775808.0))
			return give_error(out, CEL_OVERFLOW);
		return give(out, cel_int((int64_t)value->number));
	case CEL_STRING:
		return parse_int(value->text, &parsed) ? give(out, cel_int(parsed)) : give_error(out, CEL_CONVERSION);
	case CEL_TIMESTAMP:
		return give(out, cel_int(value->time.seconds));
	case CEL_DURATION:
		return give(out, cel_int(value->integer));
	default:
		return false;
	}
}

static bool to_uint(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		    struct cel_value *out) {
	(void)evaluation;
	if (count != 1) return false;
	const struct cel_value *value = &args[0];
	uint64_t parsed;
	switch ((enum cel_type)value->type) {
	case CEL_INT:
		if (value->integer < 0) return give_error(out, CEL_OVERFLOW);
		return give(out, cel_uint((uint64_t)value->integer));
	case CEL_UINT:
		return give(out, *value);
	case CEL_DOUBLE:
		if (!(value->number >= 0 && value->number < 18446744073709551616.0))
			return give_error(out, CEL_OVERFLOW);
		return give(out, cel_uint((uint64_t)value->number));
	case CEL_STRING:
		if (!str_to_u64(value->text, &parsed)) return give_error(out, CEL_CONVERSION);
		return give(out, cel_uint(parsed));
	default:
		return false;
	}
}

// Go's strconv.ParseFloat without hexadecimal forms: digits, point, exponent, or the names of the special values.
static bool parse_double(struct str text, double *out) {
	char copy[NUMBER_TEXT_MAX];
	struct str bare = text;
	if (str_starts_with(bare, STR("-")) || str_starts_with(bare, STR("+"))) bare = str_skip(bare, 1);
	if (str_eq_nocase(text, STR("nan"))) {
		*out = NAN;
		return true;
	}
	if (str_eq_nocase(bare, STR("inf")) || str_eq_nocase(bare, STR("infinity"))) {
		*out = text.ptr[0] == '-' ? -INFINITY : INFINITY;
		return true;
	}
	if (bare.len == 0 || text.len >= sizeof copy) return false;
	for (size_t i = 0; i < bare.len; i++) {
		if (strchr("0123456789.eE+-", bare.ptr[i]) == NULL || bare.ptr[i] == '\0') return false;
	}
	if (bare.ptr[0] == '+' || bare.ptr[0] == '-') return false;
	char *end;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	*out = strtod(copy, &end);
	return end == copy + text.len && isfinite(*out);
}

static bool to_double(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		      struct cel_value *out) {
	(void)evaluation;
	if (count != 1) return false;
	const struct cel_value *value = &args[0];
	double parsed;
	switch ((enum cel_type)value->type) {
	case CEL_INT:
		return give(out, cel_double((double)value->integer));
	case CEL_UINT:
		return give(out, cel_double((double)value->uinteger));
	case CEL_DOUBLE:
		return give(out, *value);
	case CEL_STRING:
		if (!parse_double(value->text, &parsed)) return give_error(out, CEL_CONVERSION);
		return give(out, cel_double(parsed));
	default:
		return false;
	}
}

static struct cel_value from_buf(struct arena *scratch, struct buf *text) {
	struct cel_value value = cel_string(arena_dup(scratch, buf_view(text)));
	buf_free(text);
	return value;
}

static bool to_string(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		      struct cel_value *out) {
	if (count != 1) return false;
	const struct cel_value *value = &args[0];
	struct buf text;
	buf_init(&text, 256);
	switch ((enum cel_type)value->type) {
	case CEL_STRING:
		return give(out, *value);
	case CEL_BYTES:
		if (str_utf8_prefix(value->text) != value->text.len) return give_error(out, CEL_CONVERSION);
		return give(out, cel_string(value->text));
	case CEL_BOOL:
	case CEL_INT:
	case CEL_UINT:
	case CEL_DOUBLE:
		cel_text(&text, value);
		break;
	case CEL_TIMESTAMP:
		cel_time_string(&text, value->time);
		break;
	case CEL_DURATION:
		cel_duration_string(&text, value->integer);
		break;
	default:
		return false;
	}
	return give(out, from_buf(evaluation->scratch, &text));
}

static bool to_bool(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		    struct cel_value *out) {
	static const char *const texts[] = {"0", "f", "F", "FALSE", "false", "False",
					    "1", "t", "T", "TRUE",  "true",  "True"};
	(void)evaluation;
	if (count != 1) return false;
	if (args[0].type == CEL_BOOL) return give(out, args[0]);
	if (args[0].type != CEL_STRING) return false;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (str_eq_cstr(args[0].text, texts[i])) return give(out, cel_bool(i >= ARRAY_LEN(texts) / 2));
	}
	return give_error(out, CEL_CONVERSION);
}

static bool to_bytes(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		     struct cel_value *out) {
	(void)evaluation;
	if (count != 1) return false;
	if (args[0].type != CEL_STRING && args[0].type != CEL_BYTES) return false;
	*out = args[0];
	out->type = CEL_BYTES;
	return true;
}

static bool to_dyn(struct evaluation *evaluation, const struct cel_value *args, uint32_t count, struct cel_value *out) {
	(void)evaluation;
	if (count != 1) return false;
	return give(out, args[0]);
}

static bool type_of(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		    struct cel_value *out) {
	(void)evaluation;
	if (count != 1) return false;
	return give(out, (struct cel_value){.type = CEL_TYPE, .named = (enum cel_type)args[0].type});
}

// Code points.
static int64_t text_size(struct str text) {
	int64_t size = 0;
	for (size_t i = 0; i < text.len; i++) size += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
	return size;
}

static bool size_of(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		    struct cel_value *out) {
	(void)evaluation;
	if (count != 1) return false;
	switch ((enum cel_type)args[0].type) {
	case CEL_STRING:
		return give(out, cel_int(text_size(args[0].text)));
	case CEL_BYTES:
		return give(out, cel_int((int64_t)args[0].text.len));
	case CEL_LIST:
		return give(out, cel_int((int64_t)cel_list_size(&args[0])));
	case CEL_MAP:
		return give(out, cel_int((int64_t)cel_map_size(&args[0])));
	default:
		return false;
	}
}

const struct cel_function cel_conversion_table[] = {
	{"int", OPERATOR_OTHER, false, true, to_int,
	 "(int)int (uint)int (double)int (string)int (timestamp)int (duration)int"},
	{"uint", OPERATOR_OTHER, false, true, to_uint, "(int)uint (uint)uint (double)uint (string)uint"},
	{"double", OPERATOR_OTHER, false, true, to_double, "(int)double (uint)double (double)double (string)double"},
	{"string", OPERATOR_OTHER, false, false, to_string,
	 "(string)string (bytes)string (bool)string (int)string (uint)string (double)string (timestamp)string "
	 "(duration)string"},
	{"bool", OPERATOR_OTHER, false, false, to_bool, "(bool)bool (string)bool"},
	{"bytes", OPERATOR_OTHER, false, false, to_bytes, "(bytes)bytes (string)bytes"},
	{"dyn", OPERATOR_OTHER, false, false, to_dyn, "(dyn)dyn"},
	{"type", OPERATOR_OTHER, false, false, type_of, "(dyn)type"},
	{"size", OPERATOR_SIZE, false, false, size_of,
	 "(string)int (bytes)int (list(dyn))int (map(dyn,dyn))int "
	 ".(string)int .(bytes)int .(list(dyn))int .(map(dyn,dyn))int"},
	{NULL, 0, false, false, NULL, NULL},
};
