// A slug for a function that names itself only for people (spec 01 §10, member `id`).
#include "base/buf.h"
#include "model/function.h"
#include "model/utf8.h"

// ASCII for U+00C0 … U+017F, in lower case; the other scripts have no slug letters.
static const char *const latin[] = {
	"a", "a",  "a",  "a",  "a", "a", "ae", "c", "e",  "e",  "e",  "e", "i", "i", "i",  "i", // U+00C0
	"d", "n",  "o",  "o",  "o", "o", "o",  "x", "o",  "u",  "u",  "u", "u", "y", "th", "ss", "a",  "a", "a",
	"a", "a",  "a",  "ae", "c", "e", "e",  "e", "e",  "i",  "i",  "i", "i", "d", "n",  "o",  "o",  "o", "o",
	"o", "-",  "o",  "u",  "u", "u", "u",  "y", "th", "y",  "a",  "a", "a", "a", "a",  "a",  "c",  "c", "c",
	"c", "c",  "c",  "c",  "c", "d", "d", // U+0100
	"d", "d",  "e",  "e",  "e", "e", "e",  "e", "e",  "e",  "e",  "e", "g", "g", "g",  "g",  "g",  "g", "g",
	"g", "h",  "h",  "h",  "h", "i", "i",  "i", "i",  "i",  "i",  "i", "i", "i", "i",  "ij", "ij", "j", "j",
	"k", "k",  "k",  "l",  "l", "l", "l",  "l", "l",  "l",  "l",  "l", "l", "n", "n",  "n",  "n",  "n", "n",
	"n", "ng", "ng", "o",  "o", "o", "o",  "o", "o",  "oe", "oe", "r", "r", "r", "r",  "r",  "r",  "s", "s",
	"s", "s",  "s",  "s",  "s", "s", "t",  "t", "t",  "t",  "t",  "t", "u", "u", "u",  "u",  "u",  "u", "u",
	"u", "u",  "u",  "u",  "u", "w", "w",  "y", "y",  "y",  "z",  "z", "z", "z", "z",  "z",  "s",
};
#define LATIN_FIRST 0xC0u
#define LATIN_COUNT (sizeof(latin) / sizeof(latin[0]))
#define APOSTROPHE 0x2019u

// The code point of a well-formed sequence of two or three bytes; 0 for the others, which no table holds.
static uint32_t code_point(struct str s) {
	const uint8_t *b = (const uint8_t *)s.ptr;
	if (s.len == 2) return ((uint32_t)(b[0] & 0x1F) << 6) | (b[1] & 0x3Fu);
	if (s.len == 3) return ((uint32_t)(b[0] & 0x0F) << 12) | ((uint32_t)(b[1] & 0x3F) << 6) | (b[2] & 0x3Fu);
	return 0;
}

// What one character becomes.
static struct str character_slug(struct str character, char *letter) {
	*letter = character.ptr[0];
	if (character.len > 1) {
		uint32_t code = code_point(character);
		if (code == APOSTROPHE) return STR("");
		if (code >= LATIN_FIRST && code < LATIN_FIRST + LATIN_COUNT)
			return str_from_cstr(latin[code - LATIN_FIRST]);
		return STR("-");
	}
	if (*letter >= 'A' && *letter <= 'Z') *letter = (char)(*letter - 'A' + 'a');
	if ((*letter >= 'a' && *letter <= 'z') || (*letter >= '0' && *letter <= '9') || *letter == '_')
		return str_make(letter, 1);
	switch (*letter) {
	case '"':
	case '\'':
		return STR("");
	case '&':
		return STR("and");
	case '@':
		return STR("at");
	default:
		return STR("-");
	}
}

struct str slug_from_name(struct arena *arena, struct str name) {
	name = str_trim(name);
	char *slug = arena_alloc(arena, 3 * name.len + 1);
	size_t len = 0;
	while (name.len > 0) {
		char letter;
		size_t size = utf8_sequence(name);
		struct str piece = size > 0 ? character_slug(str_first(name, size), &letter) : STR("-");
		name = str_skip(name, size > 0 ? size : 1);
		if (str_eq(piece, STR("-")) && len > 0 && slug[len - 1] == '-') continue;
		if (piece.len > 0) memcpy(slug + len, piece.ptr, piece.len);
		len += piece.len;
	}
	struct str text = str_make(slug, len);
	while (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '_')) text = str_skip(text, 1);
	while (text.len > 0 && (text.ptr[text.len - 1] == '-' || text.ptr[text.len - 1] == '_')) text.len--;
	return text;
}
