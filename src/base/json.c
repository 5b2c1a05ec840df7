// Reading with our limits, and looking into what was read. Canonical text is made in json_canonical.c.
#include "base/json.h"

#include <stdlib.h>

#include "base/check.h"

static int hex4(const char *text) {
	int value = 0;
	for (int i = 0; i < 4; i++) {
		char c = text[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;
		if (digit < 0) return -1;
		value = value << 4 | digit;
	}
	return value;
}

// The code unit of an escape \uXXXX at `at`, or -1.
static int unicode_escape(struct str text, size_t at) {
	if (text.len - at < 6 || text.ptr[at] != '\\' || text.ptr[at + 1] != 'u') return -1;
	return hex4(text.ptr + at + 2);
}

// How many bytes at `at` to copy as they are: a paired surrogate escape, the start of any other escape, or one
// well-formed character. 0: something to be replaced stands there.
static size_t sound_prefix(struct str text, size_t at) {
	struct str rest = str_skip(text, at);
	unsigned char lead = (unsigned char)rest.ptr[0];
	if (lead != '\\') {
		size_t len = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
		return str_utf8_prefix(str_first(rest, len)) == len ? len : 0;
	}
	int unit = unicode_escape(text, at);
	if (unit < 0xd800 || unit > 0xdfff) return rest.len > 1 ? 1 + (rest.ptr[1] == '\\' || rest.ptr[1] == '"') : 1;
	int low = unit < 0xdc00 && rest.len > 6 ? unicode_escape(text, at + 6) : -1;
	return low >= 0xdc00 && low <= 0xdfff ? 12 : 0;
}

// Copies `text` with U+FFFD for unpaired surrogate escapes and for malformed UTF-8, until `stop_at` bytes are written.
// Returns how much of `text` that took.
static size_t repair(struct buf *out, struct str text, size_t stop_at) {
	size_t at = 0;
	while (at < text.len && out->len < stop_at) {
		size_t sound = sound_prefix(text, at);
		if (sound > stop_at - out->len) sound = stop_at - out->len;
		buf_append(out, text.ptr + at, sound);
		at += sound;
		if (sound > 0) continue;
		bool escape = text.ptr[at] == '\\';
		buf_str(out, escape ? STR("\\ufffd") : STR("\ufffd"));
		at += escape ? 6 : 1;
	}
	return at;
}

static yyjson_doc *read_text(struct str text, yyjson_read_flag flags, yyjson_read_err *failure) {
	// Without YYJSON_READ_INSITU the text is copied, never written to.
	return yyjson_read_opts((char *)(uintptr_t)text.ptr, text.len, flags, NULL, failure);
}

// `text` is valid JSON; strings are skipped. Most texts have too few brackets to be deep, and a plain count shows that.
static bool too_deep(struct str text) {
	if (text.len <= JSON_DEPTH_MAX) return false;
	size_t openers = 0;
	for (size_t i = 0; i < text.len; i++) openers += (text.ptr[i] | 0x20) == '{';
	if (openers <= JSON_DEPTH_MAX) return false;
	size_t depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (in_string) {
			if (c == '\\') i++;
			in_string = c != '"';
		} else if (c == '"') {
			in_string = true;
		} else if ((c | 0x20) == '{') {
			if (++depth > JSON_DEPTH_MAX) return true;
		} else if ((c | 0x20) == '}') {
			depth--;
		}
	}
	return false;
}

static void describe(const yyjson_read_err *failure, struct error *error) {
	if (failure->code == YYJSON_READ_ERROR_EMPTY_CONTENT || failure->code == YYJSON_READ_ERROR_UNEXPECTED_END) {
		(void)error_set(error, ERR_INVALID, "unexpected end of JSON input");
	} else {
		(void)error_set(error, ERR_INVALID, "invalid JSON: %s at byte %zu", failure->msg, failure->pos);
	}
}

static yyjson_doc *read_checked(struct str text, yyjson_read_flag flags, yyjson_read_err *failure) {
	yyjson_doc *doc = read_text(text, flags, failure);
	if (doc != NULL && too_deep(str_first(text, yyjson_doc_get_read_size(doc)))) {
		*failure = (yyjson_read_err){YYJSON_READ_ERROR_JSON_STRUCTURE, "nested too deep", 0};
		yyjson_doc_free(doc);
		return NULL;
	}
	return doc;
}

// The rare text that is sound but for its characters: read again from a repaired copy.
static yyjson_doc *read_repaired(struct str text, yyjson_read_flag flags, size_t *used, yyjson_read_err *failure) {
	struct buf copy;
	buf_init(&copy, SIZE_MAX);
	(void)repair(&copy, text, SIZE_MAX);
	yyjson_doc *doc = read_checked(buf_view(&copy), flags, failure);
	if (doc != NULL) {
		buf_clear(&copy);
		*used = repair(&copy, text, yyjson_doc_get_read_size(doc));
	}
	buf_free(&copy);
	return doc;
}

yyjson_doc *json_read(struct str text, bool stop_when_done, size_t *consumed, struct error *error) {
	yyjson_read_err failure = {.code = YYJSON_READ_ERROR_EMPTY_CONTENT, .msg = "", .pos = 0};
	yyjson_read_flag flags = stop_when_done ? YYJSON_READ_STOP_WHEN_DONE : YYJSON_READ_NOFLAG;
	yyjson_doc *doc = text.len > 0 ? read_checked(text, flags, &failure) : NULL;
	size_t used = doc != NULL ? yyjson_doc_get_read_size(doc) : 0;
	if (doc == NULL && failure.code == YYJSON_READ_ERROR_INVALID_STRING) {
		doc = read_repaired(text, flags, &used, &failure);
	}
	if (doc == NULL) {
		describe(&failure, error);
	} else if (consumed != NULL) {
		*consumed = used;
	}
	return doc;
}

static yyjson_val *find_member(yyjson_val *object, struct str name, bool (*equal)(struct str, struct str)) {
	yyjson_obj_iter iter;
	if (!yyjson_obj_iter_init(object, &iter)) return NULL;
	yyjson_val *found = NULL, *key;
	while ((key = yyjson_obj_iter_next(&iter)) != NULL) {
		if (equal(json_str(key), name)) found = yyjson_obj_iter_get_val(key);
	}
	return found;
}

yyjson_val *json_get_exact(yyjson_val *object, struct str name) {
	return find_member(object, name, str_eq);
}

yyjson_val *json_get(yyjson_val *object, struct str name) {
	yyjson_val *found = json_get_exact(object, name);
	return found != NULL ? found : find_member(object, name, str_eq_nocase);
}
