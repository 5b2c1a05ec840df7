// The parts of the syntax that stand for one character: escapes, named classes, bracket expressions.
#include "cel/regex_internal.h"

#include "base/check.h"

#define QUOTED_MAX 200 // bytes of the pattern in a message

enum err regex_fail(const struct regex_reader *reader, const char *what, size_t from, size_t to) {
	struct str part = str_make(reader->pattern.ptr + from, to - from);
	if (part.len > QUOTED_MAX) part.len = str_utf8_prefix(str_first(part, QUOTED_MAX));
	return error_set(reader->error, ERR_INVALID, "error parsing regexp: %s: `%.*s`", what, STR_ARG(part));
}

enum err regex_fail_size(const struct regex_reader *reader) {
	return error_set(reader->error, ERR_TOO_LARGE, "error parsing regexp: expression too large");
}

uint32_t regex_read_rune(struct regex_reader *reader) {
	uint32_t rune;
	reader->at += regex_decode(reader->pattern.ptr + reader->at, reader->pattern.len - reader->at, &rune);
	return rune;
}

// The byte at an offset from here, 0 past the end.
static char peek(const struct regex_reader *reader, size_t offset) {
	size_t at = reader->at + offset;
	return at < reader->pattern.len ? reader->pattern.ptr[at] : '\0';
}

// --- Escapes

// After "\x": two digits, or any number of them in braces.
static bool read_hex(struct regex_reader *reader, uint32_t *rune) {
	bool braces = peek(reader, 0) == '{';
	if (braces) reader->at++;
	*rune = 0;
	size_t digits = 0;
	for (int digit; (braces || digits < 2) && (digit = char_hex(peek(reader, 0))) >= 0; digits++) {
		*rune = *rune * 16 + (uint32_t)digit;
		if (*rune > REGEX_RUNE_MAX) return false;
		reader->at++;
	}
	if (!braces) return digits == 2;
	if (digits == 0 || peek(reader, 0) != '}') return false;
	reader->at++;
	return true;
}

// At a digit: up to three octal ones. A single digit other than 0 would be a back reference, which there are not.
static bool read_octal(struct regex_reader *reader, uint32_t *rune) {
	if (peek(reader, 0) != '0' && !(peek(reader, 1) >= '0' && peek(reader, 1) <= '7')) return false;
	*rune = 0;
	for (int i = 0; i < 3 && peek(reader, 0) >= '0' && peek(reader, 0) <= '7'; i++) {
		*rune = *rune * 8 + (uint32_t)(peek(reader, 0) - '0');
		reader->at++;
	}
	return true;
}

static bool is_alnum(uint32_t rune) {
	return (rune >= '0' && rune <= '9') || ((rune | 0x20) >= 'a' && (rune | 0x20) <= 'z');
}

enum err regex_read_escape(struct regex_reader *reader, uint32_t *rune) {
	static const char letters[] = "afnrtv", values[] = "\a\f\n\r\t\v";
	size_t start = reader->at++;
	if (reader->at >= reader->pattern.len) {
		return regex_fail(reader, "trailing backslash at end of expression", start + 1, start + 1);
	}
	char c = peek(reader, 0);
	if (c >= '0' && c <= '7') {
		if (read_octal(reader, rune)) return ERR_OK;
		reader->at++;
		return regex_fail(reader, "invalid escape sequence", start, reader->at);
	}
	*rune = regex_read_rune(reader);
	if (*rune < 0x80 && !is_alnum(*rune)) return ERR_OK;
	const char *letter = c != '\0' ? strchr(letters, c) : NULL;
	if (letter != NULL) {
		*rune = (unsigned char)values[letter - letters];
		return ERR_OK;
	}
	if (c == 'x' && read_hex(reader, rune)) return ERR_OK;
	return regex_fail(reader, "invalid escape sequence", start, reader->at);
}

// --- Named classes

struct named_class {
	struct str name;
	uint32_t range_count;
	struct regex_range ranges[4];
};

static const struct named_class posix_classes[] = {
	{STR_INIT("alnum"), 3, {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
	{STR_INIT("alpha"), 2, {{'A', 'Z'}, {'a', 'z'}}},
	{STR_INIT("ascii"), 1, {{0, 0x7f}}},
	{STR_INIT("blank"), 2, {{'\t', '\t'}, {' ', ' '}}},
	{STR_INIT("cntrl"), 2, {{0, 0x1f}, {0x7f, 0x7f}}},
	{STR_INIT("digit"), 1, {{'0', '9'}}},
	{STR_INIT("graph"), 1, {{'!', '~'}}},
	{STR_INIT("lower"), 1, {{'a', 'z'}}},
	{STR_INIT("print"), 1, {{' ', '~'}}},
	{STR_INIT("punct"), 4, {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
	{STR_INIT("space"), 2, {{'\t', '\r'}, {' ', ' '}}},
	{STR_INIT("upper"), 1, {{'A', 'Z'}}},
	{STR_INIT("word"), 4, {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}, {'_', '_'}}},
	{STR_INIT("xdigit"), 3, {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
};
static const struct named_class perl_classes[] = {
	{STR_INIT("d"), 1, {{'0', '9'}}},
	{STR_INIT("s"), 3, {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}}}, // without \v
	{STR_INIT("w"), 4, {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}, {'_', '_'}}},
};

static bool add_named(struct regex_set *set, const struct named_class *table, size_t count, struct str name) {
	for (size_t i = 0; i < count; i++) {
		if (!str_eq(table[i].name, name)) continue;
		for (size_t k = 0; k < table[i].range_count; k++) {
			regex_set_add(set, table[i].ranges[k].first, table[i].ranges[k].last);
		}
		return true;
	}
	return false;
}

// Moves a named class into the set: case is folded before it is negated, so that (?i)\W has no letter in it.
static enum err give_named(struct regex_reader *reader, struct regex_set *named, bool negate, struct regex_set *set) {
	if (reader->flags & REGEX_FLAG_FOLD) regex_set_fold(named);
	if (negate) regex_set_negate(named);
	regex_set_merge(named);
	bool fits = named->count <= reader->ranges_left;
	if (fits) {
		reader->ranges_left -= named->count;
		regex_set_add_all(set, named);
	}
	regex_set_free(named);
	return fits ? ERR_OK : regex_fail_size(reader);
}

// After "\p" or "\P": one letter, or a name in braces, which ^ negates.
static bool read_unicode_name(struct regex_reader *reader, struct str *name, bool *negate) {
	if (reader->at >= reader->pattern.len) return false;
	size_t start = reader->at;
	if (regex_read_rune(reader) != '{') {
		*name = str_make(reader->pattern.ptr + start, reader->at - start);
		return true;
	}
	struct str rest = str_skip(reader->pattern, reader->at);
	ptrdiff_t end = str_find(rest, '}');
	if (end < 0) {
		reader->at = reader->pattern.len;
		return false;
	}
	reader->at += (size_t)end + 1;
	*name = str_first(rest, (size_t)end);
	if (str_starts_with(*name, STR("^"))) {
		*negate = !*negate;
		*name = str_skip(*name, 1);
	}
	return true;
}

enum err regex_read_named(struct regex_reader *reader, struct regex_set *set, bool *found) {
	size_t start = reader->at;
	char letter = peek(reader, 1);
	bool negate = letter >= 'A' && letter <= 'Z';
	char lower = (char)(letter | 0x20);
	struct regex_set named = {0};
	*found = true;
	if (letter == 'p' || letter == 'P') {
		struct str name;
		reader->at += 2;
		if (!read_unicode_name(reader, &name, &negate) || !regex_set_add_unicode(&named, name)) {
			return regex_fail(reader, "invalid character class range", start, reader->at);
		}
	} else if (add_named(&named, perl_classes, ARRAY_LEN(perl_classes), str_make(&lower, 1))) {
		reader->at += 2;
	} else {
		*found = false;
		return ERR_OK;
	}
	return give_named(reader, &named, negate, set);
}

// --- Bracket expressions

// At "[" within brackets: [:alpha:], [:^alpha:].
static enum err read_posix(struct regex_reader *reader, struct regex_set *set, bool *found) {
	*found = false;
	if (reader->no_posix_end || !regex_reader_sees(reader, STR("[:"))) return ERR_OK;
	struct str name = str_skip(reader->pattern, reader->at + 2);
	ptrdiff_t len = str_find_str(name, STR(":]"));
	if (len < 0) {
		reader->no_posix_end = true; // looked for once, or a row of "[:" would take quadratic time
		return ERR_OK;
	}
	size_t start = reader->at;
	reader->at += (size_t)len + 4;
	name.len = (size_t)len;
	bool negate = str_starts_with(name, STR("^"));
	struct regex_set named = {0};
	if (!add_named(&named, posix_classes, ARRAY_LEN(posix_classes), str_skip(name, negate))) {
		return regex_fail(reader, "invalid character class range", start, reader->at);
	}
	*found = true;
	return give_named(reader, &named, negate, set);
}

static enum err read_member(struct regex_reader *reader, size_t class_start, uint32_t *rune) {
	if (reader->at >= reader->pattern.len) {
		return regex_fail(reader, "missing closing ]", class_start, reader->pattern.len);
	}
	if (peek(reader, 0) == '\\') return regex_read_escape(reader, rune);
	*rune = regex_read_rune(reader);
	return ERR_OK;
}

static enum err read_range(struct regex_reader *reader, size_t class_start, struct regex_set *set) {
	size_t start = reader->at;
	uint32_t first, last;
	enum err err = read_member(reader, class_start, &first);
	if (err != ERR_OK) return err;
	last = first;
	bool more = reader->at + 1 < reader->pattern.len;
	if (more && peek(reader, 0) == '-' && peek(reader, 1) != ']') {
		reader->at++;
		err = read_member(reader, class_start, &last);
		if (err != ERR_OK) return err;
		if (last < first) return regex_fail(reader, "invalid character class range", start, reader->at);
	}
	regex_set_add(set, first, last);
	return ERR_OK;
}

enum err regex_read_class(struct regex_reader *reader, struct regex_set *set) {
	size_t start = reader->at++;
	bool negate = peek(reader, 0) == '^';
	if (negate) reader->at++;
	struct regex_set ranges = {0}; // those that are folded together; named classes are done already
	enum err err = ERR_OK;
	for (bool first = true; first || peek(reader, 0) != ']' || reader->at >= reader->pattern.len; first = false) {
		bool found = false;
		if (peek(reader, 0) == '[') {
			err = read_posix(reader, set, &found);
		} else if (peek(reader, 0) == '\\') {
			err = regex_read_named(reader, set, &found);
		}
		if (err == ERR_OK && !found) err = read_range(reader, start, &ranges);
		if (err != ERR_OK) goto done;
	}
	reader->at++;
	if (reader->flags & REGEX_FLAG_FOLD) regex_set_fold(&ranges);
	regex_set_add_all(set, &ranges);
	if (negate) {
		regex_set_negate(set);
	} else {
		regex_set_merge(set);
	}
done:
	regex_set_free(&ranges);
	return err;
}
