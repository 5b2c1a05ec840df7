#include "cel/lexer.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define NUMBER_TEXT_MAX 400

// 0 behind the end: no token holds a NUL.
static char peek(const struct lexer *lexer, size_t ahead) {
	return lexer->at + ahead < lexer->text.len ? lexer->text.ptr[lexer->at + ahead] : '\0';
}

static void skip_blanks(struct lexer *lexer) {
	for (;;) {
		char c = peek(lexer, 0);
		if (c == '/' && peek(lexer, 1) == '/') {
			while (lexer->at < lexer->text.len && peek(lexer, 0) != '\n') lexer->at++;
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f') {
			lexer->at++;
		} else {
			return;
		}
	}
}

static void bad(struct lexer *lexer, struct token *out, size_t at, const char *what) {
	out->kind = TOKEN_BAD;
	cel_fail_at(lexer->failure, lexer->text, at, "Syntax error: %s", what);
}

// ---- numbers ---------------------------------------------------------------------------------------------------

static void skip_digits(struct lexer *lexer) {
	while (char_is_digit(peek(lexer, 0))) lexer->at++;
}

static bool skip_exponent(struct lexer *lexer) {
	if (peek(lexer, 0) != 'e' && peek(lexer, 0) != 'E') return false;
	size_t sign = peek(lexer, 1) == '+' || peek(lexer, 1) == '-' ? 1 : 0;
	if (!char_is_digit(peek(lexer, 1 + sign))) return false;
	lexer->at += 1 + sign;
	skip_digits(lexer);
	return true;
}

static void number_token(struct lexer *lexer, struct token *out) {
	bool fraction = false;
	if (peek(lexer, 0) == '0' && (peek(lexer, 1) == 'x' || peek(lexer, 1) == 'X') &&
	    char_hex(peek(lexer, 2)) >= 0) {
		lexer->at += 2;
		while (char_hex(peek(lexer, 0)) >= 0) lexer->at++;
	} else {
		skip_digits(lexer);
		if (peek(lexer, 0) == '.' && char_is_digit(peek(lexer, 1))) {
			fraction = true;
			lexer->at++;
			skip_digits(lexer);
		}
		if (skip_exponent(lexer)) fraction = true;
	}
	if (!fraction && (peek(lexer, 0) == 'u' || peek(lexer, 0) == 'U')) lexer->at++;
	out->kind = TOKEN_LITERAL;
	out->is_number = true;
	out->text = str_make(lexer->text.ptr + out->at, lexer->at - out->at);
	if (char_is_name(peek(lexer, 0)) || char_hex(peek(lexer, 0)) >= 0)
		bad(lexer, out, lexer->at, "a number may not be followed by a name");
}

static bool read_integer(struct str digits, unsigned base, uint64_t *out) {
	uint64_t value = 0;
	for (size_t i = 0; i < digits.len; i++) {
		uint64_t digit = (uint64_t)char_hex(digits.ptr[i]);
		if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*out = value;
	return true;
}

static bool read_double(struct str text, bool negative, struct cel_value *out) {
	char copy[NUMBER_TEXT_MAX];
	if (text.len >= sizeof copy) return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	double value = strtod(copy, NULL);
	*out = cel_double(negative ? -value : value);
	return isfinite(value);
}

bool lexer_number(struct lexer *lexer, const struct token *token, bool negative, struct cel_value *out) {
	struct str digits = token->text;
	bool hex = digits.len > 2 && (digits.ptr[1] == 'x' || digits.ptr[1] == 'X');
	char last = digits.ptr[digits.len - 1];
	bool is_unsigned = last == 'u' || last == 'U', good;
	uint64_t value = 0;
	if (!hex && (str_find(digits, '.') >= 0 || str_find(digits, 'e') >= 0 || str_find(digits, 'E') >= 0)) {
		good = read_double(digits, negative, out);
	} else {
		if (is_unsigned) digits.len--;
		if (hex) digits = str_skip(digits, 2);
		good = read_integer(digits, hex ? 16 : 10, &value);
		if (is_unsigned) {
			good = good && !negative;
			*out = cel_uint(value);
		} else {
			good = good && value <= (uint64_t)INT64_MAX + (negative ? 1 : 0);
			*out = cel_int((int64_t)(negative ? 0 - value : value));
		}
	}
	if (!good)
		cel_fail_at(lexer->failure, lexer->text, token->at, "Syntax error: %s literal out of range: %.*s",
			    is_unsigned ? "uint" : "number", STR_ARG(str_first(token->text, 60)));
	return good;
}

// ---- strings ---------------------------------------------------------------------------------------------------

static bool append_utf8(struct buf *out, uint32_t c) {
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) return false;
	if (c < 0x80) {
		buf_byte(out, (char)c);
	} else if (c < 0x800) {
		buf_byte(out, (char)(0xc0 | c >> 6));
		buf_byte(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_byte(out, (char)(0xe0 | c >> 12));
		buf_byte(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_byte(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_byte(out, (char)(0xf0 | c >> 18));
		buf_byte(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_byte(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_byte(out, (char)(0x80 | (c & 0x3f)));
	}
	return true;
}

// The digits of \x41, \u00e9, \U0001f600 and \101, from `at`.
static bool read_code(struct str text, size_t *at, unsigned count, unsigned base, uint32_t *out) {
	*out = 0;
	for (unsigned i = 0; i < count; i++, (*at)++) {
		int digit = *at < text.len ? char_hex(text.ptr[*at]) : -1;
		if (digit < 0 || digit >= (int)base) return false;
		*out = *out * base + (uint32_t)digit;
	}
	return true;
}

// One escape; `at` stands behind the backslash. In bytes \x and octal codes are bytes, and \u is not allowed.
static bool read_escape(struct str text, size_t *at, bool bytes, struct buf *out) {
	static const char names[] = "abfnrtv\\?\"'`", values[] = "\a\b\f\n\r\t\v\\?\"'`";
	if (*at >= text.len) return false;
	char c = text.ptr[*at];
	const char *name = c != '\0' ? strchr(names, c) : NULL;
	uint32_t code;
	if (name != NULL) {
		buf_byte(out, values[name - names]);
		++*at;
		return true;
	}
	if (c == 'x' || c == 'X') {
		++*at;
		if (!read_code(text, at, 2, 16, &code)) return false;
	} else if (c >= '0' && c <= '3') {
		if (!read_code(text, at, 3, 8, &code)) return false;
	} else if (!bytes && (c == 'u' || c == 'U')) {
		++*at;
		return read_code(text, at, c == 'u' ? 4 : 8, 16, &code) && append_utf8(out, code);
	} else {
		return false;
	}
	if (!bytes) return append_utf8(out, code);
	buf_byte(out, (char)code);
	return true;
}

static bool decode(struct lexer *lexer, struct str content, bool bytes, struct str *out) {
	*out = content;
	if (str_find(content, '\\') < 0) return true;
	struct buf decoded;
	buf_init(&decoded, 4 * content.len + 4);
	bool good = true;
	for (size_t i = 0; i < content.len && good;) {
		char c = content.ptr[i++];
		if (c == '\\')
			good = read_escape(content, &i, bytes, &decoded);
		else
			buf_byte(&decoded, c);
	}
	if (good) *out = arena_dup(lexer->arena, buf_view(&decoded));
	buf_free(&decoded);
	return good;
}

// Where the quotes end; SIZE_MAX when they do not. Newlines only stand in triple quotes, and in raw contents.
static size_t find_end(const struct lexer *lexer, struct str quotes, bool escapes) {
	for (size_t i = lexer->at; i < lexer->text.len; i++) {
		char c = lexer->text.ptr[i];
		if (c == '\\' && escapes)
			i++;
		else if (str_starts_with(str_skip(lexer->text, i), quotes))
			return i;
		else if ((c == '\n' || c == '\r') && quotes.len == 1 && !lexer->raw_strings)
			return SIZE_MAX;
	}
	return SIZE_MAX;
}

static void string_token(struct lexer *lexer, struct token *out, bool raw, bool bytes) {
	size_t start = lexer->at;
	struct str quotes = str_first(str_skip(lexer->text, start), 3);
	bool triple = quotes.len == 3 && quotes.ptr[1] == quotes.ptr[0] && quotes.ptr[2] == quotes.ptr[0];
	if (!triple) quotes.len = 1;
	bool plain = !raw && !bytes && !triple;
	bool as_written = raw || (plain && lexer->raw_strings);
	lexer->at += quotes.len;
	size_t end = find_end(lexer, quotes, !raw);
	if (end == SIZE_MAX && plain && lexer->raw_strings) {
		end = lexer->text.len; // §B3: an unterminated string extends to the end of the text
		quotes.len = 0;
	}
	if (end == SIZE_MAX) {
		bad(lexer, out, start, "the string is not closed");
		return;
	}
	struct str content = str_make(lexer->text.ptr + lexer->at, end - lexer->at);
	lexer->at = end + quotes.len;
	out->kind = TOKEN_LITERAL;
	out->text = str_make(lexer->text.ptr + out->at, lexer->at - out->at);
	out->value = cel_string(content);
	if (bytes) out->value.type = CEL_BYTES;
	if (!as_written && !decode(lexer, content, bytes, &out->value.text))
		bad(lexer, out, start, "the string holds an unknown escape sequence");
}

// True when a string with a prefix starts here; the prefix is passed over.
static bool string_prefix(struct lexer *lexer, bool *raw, bool *bytes) {
	*raw = *bytes = false;
	size_t length = 0;
	for (; length < 2; length++) {
		char c = peek(lexer, length);
		bool *flag = c == 'r' || c == 'R' ? raw : c == 'b' || c == 'B' ? bytes : NULL;
		if (flag == NULL || *flag) break;
		*flag = true;
	}
	char quote = peek(lexer, length);
	if (quote != '"' && quote != '\'') return false;
	lexer->at += length;
	return true;
}

// ---- the rest --------------------------------------------------------------------------------------------------

static void symbol_token(struct lexer *lexer, struct token *out) {
	static const char pairs[][3] = {"===", "!=n", "<=l", ">=g", "&&&", "|||"};
	out->kind = TOKEN_SYMBOL;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		if (peek(lexer, 0) != pairs[i][0] || peek(lexer, 1) != pairs[i][1]) continue;
		out->symbol = pairs[i][2];
		lexer->at += 2;
		return;
	}
	char c = peek(lexer, 0);
	if (c == '\0' || strchr("()[]{}.,:?+-*/%<>!", c) == NULL) {
		bad(lexer, out, lexer->at, "token recognition error");
		return;
	}
	out->symbol = c;
	lexer->at++;
}

void lexer_next(struct lexer *lexer, struct token *out) {
	bool raw, bytes;
	skip_blanks(lexer);
	*out = (struct token){.kind = TOKEN_END, .at = lexer->at};
	if (lexer->at >= lexer->text.len) return;
	char c = peek(lexer, 0);
	if (char_is_digit(c) || (c == '.' && char_is_digit(peek(lexer, 1)))) {
		number_token(lexer, out);
	} else if (string_prefix(lexer, &raw, &bytes)) {
		string_token(lexer, out, raw, bytes);
	} else if (char_is_name(c)) {
		while (char_is_name(peek(lexer, 0)) || char_is_digit(peek(lexer, 0))) lexer->at++;
		out->kind = TOKEN_NAME;
	} else {
		symbol_token(lexer, out);
	}
	out->text = str_make(lexer->text.ptr + out->at, lexer->at - out->at);
}
