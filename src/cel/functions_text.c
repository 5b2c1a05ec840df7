// Functions over text (spec 04 §B7).
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <wctype.h>

#include "base/check.h"
#include "base/json.h"
#include "cel/functions.h"
#include "cel/regex.h"

static bool give(struct cel_value *out, struct cel_value value) {
	*out = value;
	return true;
}

// ---- case ------------------------------------------------------------------------------------------------------

static locale_t unicode;
static void open_unicode(void) {
	unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	CHECK(unicode != (locale_t)0); // built into the C library
}

// The code point at `at`, which moves on; bytes that are no UTF-8 stand for themselves.
static uint32_t next_code(struct str text, size_t *at, bool *valid) {
	static const uint8_t lengths[16] = {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 2, 2, 3, 4};
	unsigned char lead = (unsigned char)text.ptr[*at];
	size_t length = lengths[lead >> 4];
	struct str piece = str_first(str_skip(text, *at), length);
	*valid = length > 0 && piece.len == length && str_utf8_prefix(piece) == length;
	if (!*valid) length = 1;
	uint32_t code = length == 1 ? lead : lead & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) code = code << 6 | ((unsigned char)text.ptr[*at + i] & 0x3f);
	*at += length;
	return code;
}

static void append_code(struct buf *out, uint32_t code) {
	if (code < 0x80) {
		buf_byte(out, (char)code);
	} else if (code < 0x800) {
		buf_byte(out, (char)(0xc0 | code >> 6));
	} else if (code < 0x10000) {
		buf_byte(out, (char)(0xe0 | code >> 12));
	} else {
		buf_byte(out, (char)(0xf0 | code >> 18));
		buf_byte(out, (char)(0x80 | (code >> 12 & 0x3f)));
	}
	if (code >= 0x800) buf_byte(out, (char)(0x80 | (code >> 6 & 0x3f)));
	if (code >= 0x80) buf_byte(out, (char)(0x80 | (code & 0x3f)));
}

// Simple case mapping: one code point for one.
static struct str map_case(struct arena *scratch, struct str text, wint_t (*map)(wint_t, locale_t)) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct buf out;
	bool valid;
	CHECK(pthread_once(&once, open_unicode) == 0);
	buf_init(&out, 4 * text.len + 4);
	for (size_t at = 0; at < text.len;) {
		size_t from = at;
		uint32_t code = next_code(text, &at, &valid);
		if (valid)
			append_code(&out, (uint32_t)map(code, unicode));
		else
			buf_byte(&out, text.ptr[from]);
	}
	struct str mapped = arena_dup(scratch, buf_view(&out));
	buf_free(&out);
	return mapped;
}

static bool change_case(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
			struct cel_value *out, wint_t (*map)(wint_t, locale_t)) {
	if (count != 1) return false;
	if (args[0].type != CEL_STRING) return give(out, cel_string(STR("")));
	return give(out, cel_string(map_case(evaluation->scratch, args[0].text, map)));
}

static bool lowercase(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		      struct cel_value *out) {
	return change_case(evaluation, args, count, out, towlower_l);
}

static bool uppercase(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		      struct cel_value *out) {
	return change_case(evaluation, args, count, out, towupper_l);
}

// ---- searching -------------------------------------------------------------------------------------------------

static bool are_strings(const struct cel_value *args, uint32_t count) {
	return count == 2 && args[0].type == CEL_STRING && args[1].type == CEL_STRING;
}

static bool contains(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		     struct cel_value *out) {
	(void)evaluation;
	return are_strings(args, count) && give(out, cel_bool(str_find_str(args[0].text, args[1].text) >= 0));
}

static bool starts_with(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
			struct cel_value *out) {
	(void)evaluation;
	return are_strings(args, count) && give(out, cel_bool(str_starts_with(args[0].text, args[1].text)));
}

static bool ends_with(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		      struct cel_value *out) {
	(void)evaluation;
	return are_strings(args, count) && give(out, cel_bool(str_ends_with(args[0].text, args[1].text)));
}

// Steps that a byte of a pattern, or of JSON, is worth: in time for the one, in memory for the other.
#define COMPILE_STEPS 1000
#define PARSE_STEPS 12

static bool matches(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		    struct cel_value *out) {
	struct error error;
	if (!are_strings(args, count)) return false;
	const struct cel_regex *regex = evaluation->regex;
	if (regex == NULL) {
		uint64_t steps = (uint64_t)args[1].text.len * COMPILE_STEPS;
		if (!cel_step(&evaluation->steps_left, steps)) return give(out, cel_bool(false));
		regex = cel_regex_compile(evaluation->scratch, args[1].text, &error);
	}
	if (regex == NULL) {
		struct str why = arena_dup(evaluation->scratch, str_from_cstr(error.message));
		return give(out, cel_error(CEL_BAD_REGEX, why));
	}
	return give(out, cel_bool(cel_regex_search(regex, args[0].text, &evaluation->steps_left, evaluation->scratch)));
}

// ---- decoding --------------------------------------------------------------------------------------------------

static int base64_digit(char c) {
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c != '\0' ? strchr(digits, c) : NULL;
	return found != NULL ? (int)(found - digits) : -1;
}

// One group of four; false when it is bad, or padded and so the last.
static bool base64_group(const char *group, struct buf *out) {
	size_t digits = 4;
	if (group[3] == '=') digits = group[2] == '=' ? 2 : 3;
	uint32_t bits = 0;
	for (size_t i = 0; i < 4; i++) {
		int digit = i < digits ? base64_digit(group[i]) : 0;
		if (digit < 0) return false;
		bits = bits << 6 | (uint32_t)digit;
	}
	for (size_t i = 0; i + 1 < digits; i++) buf_byte(out, (char)(bits >> (16 - 8 * i)));
	return digits == 4;
}

static bool b64decode(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		      struct cel_value *out) {
	struct buf bytes, text;
	if (count != 1) return false;
	if (args[0].type != CEL_STRING) return give(out, cel_string(STR("")));
	buf_init(&text, args[0].text.len + 1);
	for (size_t i = 0; i < args[0].text.len; i++) { // line ends are passed over, as Go does
		char c = args[0].text.ptr[i];
		if (c != '\r' && c != '\n') buf_byte(&text, c);
	}
	buf_init(&bytes, text.len + 1);
	for (size_t at = 0; at + 4 <= text.len; at += 4) {
		if (!base64_group(text.ptr + at, &bytes)) break;
	}
	*out = cel_string(arena_dup(evaluation->scratch, buf_view(&bytes)));
	buf_free(&bytes);
	buf_free(&text);
	return true;
}

static struct cel_value arena_copy(struct arena *arena, yyjson_val *json);

static struct cel_value arena_list(struct arena *arena, yyjson_val *json) {
	struct cel_list *list = ARENA_NEW(arena, struct cel_list);
	yyjson_arr_iter items = yyjson_arr_iter_with(json);
	list->items = ARENA_ARRAY(arena, struct cel_value, yyjson_arr_size(json));
	for (yyjson_val *item = yyjson_arr_iter_next(&items); item != NULL; item = yyjson_arr_iter_next(&items))
		list->items[list->count++] = arena_copy(arena, item);
	return (struct cel_value){.type = CEL_LIST, .list = list};
}

static struct cel_value arena_map(struct arena *arena, yyjson_val *json) {
	struct cel_map *map = ARENA_NEW(arena, struct cel_map);
	yyjson_obj_iter keys = yyjson_obj_iter_with(json);
	map->keys = ARENA_ARRAY(arena, struct cel_value, yyjson_obj_size(json));
	map->values = ARENA_ARRAY(arena, struct cel_value, yyjson_obj_size(json));
	for (yyjson_val *key = yyjson_obj_iter_next(&keys); key != NULL; key = yyjson_obj_iter_next(&keys)) {
		map->keys[map->count] = arena_copy(arena, key);
		map->values[map->count++] = arena_copy(arena, yyjson_obj_iter_get_val(key));
	}
	return (struct cel_value){.type = CEL_MAP, .map = map};
}

// Depth: JSON_DEPTH_MAX.
static struct cel_value arena_copy(struct arena *arena, yyjson_val *json) {
	struct cel_value value = cel_from_json(json);
	if (value.type == CEL_STRING) value.text = arena_dup(arena, value.text);
	if (value.type == CEL_LIST) return arena_list(arena, json);
	return value.type == CEL_MAP ? arena_map(arena, json) : value;
}

static bool json_parse(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		       struct cel_value *out) {
	static const struct cel_map nothing;
	struct error error;
	if (count != 1) return false;
	*out = (struct cel_value){.type = CEL_MAP, .map = &nothing};
	if (args[0].type != CEL_STRING) return true;
	if (!cel_step(&evaluation->steps_left, (uint64_t)args[0].text.len * PARSE_STEPS)) return true;
	yyjson_doc *doc = json_read(args[0].text, false, NULL, &error);
	if (doc == NULL) return true;
	if (yyjson_is_obj(yyjson_doc_get_root(doc))) *out = arena_copy(evaluation->scratch, yyjson_doc_get_root(doc));
	yyjson_doc_free(doc);
	return true;
}

const struct cel_function cel_text_table[] = {
	{"lowercase", OPERATOR_OTHER, false, false, lowercase, "(string)string"},
	{"uppercase", OPERATOR_OTHER, false, false, uppercase, "(string)string"},
	{"contains", OPERATOR_OTHER, false, false, contains, ".(string,string)bool"},
	{"startsWith", OPERATOR_OTHER, false, false, starts_with, ".(string,string)bool"},
	{"endsWith", OPERATOR_OTHER, false, false, ends_with, ".(string,string)bool"},
	{"matches", OPERATOR_OTHER, false, false, matches, ".(string,string)bool (string,string)bool"},
	{"b64decode", OPERATOR_OTHER, false, false, b64decode, "(string)string"},
	{"json_parse", OPERATOR_OTHER, false, false, json_parse, "(string)dyn"},
	{NULL, 0, false, false, NULL, NULL},
};
