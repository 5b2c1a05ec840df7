#include "graphql/lexer.h"

const char *const gql_token_names[GQL_TOKEN_KINDS] = {
	[GQL_TOKEN_END] = "<EOF>",      [GQL_TOKEN_BAD] = "<Invalid>",   [GQL_TOKEN_NAME] = "Name",
	[GQL_TOKEN_INT] = "Int",        [GQL_TOKEN_FLOAT] = "Float",     [GQL_TOKEN_STRING] = "String",
	[GQL_TOKEN_BANG] = "!",         [GQL_TOKEN_DOLLAR] = "$",        [GQL_TOKEN_AMP] = "&",
	[GQL_TOKEN_PAREN_OPEN] = "(",   [GQL_TOKEN_PAREN_CLOSE] = ")",   [GQL_TOKEN_SPREAD] = "...",
	[GQL_TOKEN_COLON] = ":",        [GQL_TOKEN_EQUALS] = "=",        [GQL_TOKEN_AT] = "@",
	[GQL_TOKEN_BRACKET_OPEN] = "[", [GQL_TOKEN_BRACKET_CLOSE] = "]", [GQL_TOKEN_BRACE_OPEN] = "{",
	[GQL_TOKEN_PIPE] = "|",         [GQL_TOKEN_BRACE_CLOSE] = "}",
};

// 0 behind the end: no token holds a NUL.
static char peek(const struct gql_lexer *lexer, size_t ahead) {
	return lexer->at + ahead < lexer->text.len ? lexer->text.ptr[lexer->at + ahead] : '\0';
}
static bool is_at(const struct gql_lexer *lexer, struct str text) {
	return str_starts_with(str_skip(lexer->text, lexer->at), text);
}

// Each byte is counted once: offsets only grow.
static struct gql_location locate(struct gql_lexer *lexer, size_t offset) {
	for (; lexer->seen < offset && lexer->seen < lexer->text.len; lexer->seen++) {
		char c = lexer->text.ptr[lexer->seen];
		bool is_crlf =
			c == '\r' && lexer->seen + 1 < lexer->text.len && lexer->text.ptr[lexer->seen + 1] == '\n';
		if (c == '\n' || (c == '\r' && !is_crlf)) {
			lexer->location.line++;
			lexer->location.column = 1;
		} else if (((unsigned char)c & 0xc0) != 0x80) {
			lexer->location.column++;
		}
	}
	return lexer->location;
}

static bool fail(struct gql_lexer *lexer, size_t offset, struct str problem) {
	lexer->problem = problem;
	lexer->problem_at = locate(lexer, offset);
	return false;
}

// The character at an offset, as people read it.
static struct str show(struct gql_lexer *lexer, size_t offset) {
	if (offset >= lexer->text.len) return STR("<EOF>");
	unsigned char c = (unsigned char)lexer->text.ptr[offset];
	if (c < 0x20 || c == 0x7f) return arena_printf(lexer->arena, "\\u%04X", c);
	size_t len = 1;
	while (offset + len < lexer->text.len && ((unsigned char)lexer->text.ptr[offset + len] & 0xc0) == 0x80) len++;
	return str_make(lexer->text.ptr + offset, len);
}

static bool is_control(char c) {
	return (unsigned char)c < 0x20 && c != '\t' && c != '\n' && c != '\r';
}

static void skip_ignored(struct gql_lexer *lexer) {
	while (lexer->at < lexer->text.len) {
		char c = peek(lexer, 0);
		if (c == '#') {
			while (lexer->at < lexer->text.len && peek(lexer, 0) != '\n' && peek(lexer, 0) != '\r' &&
			       !is_control(peek(lexer, 0)))
				lexer->at++;
		} else if (c == ' ' || c == '\t' || c == ',' || c == '\n' || c == '\r') {
			lexer->at++;
		} else {
			return;
		}
	}
}

// ---- numbers -------------------------------------------------------------------------------------------------------

static bool digits(struct gql_lexer *lexer) {
	if (!char_is_digit(peek(lexer, 0))) {
		struct str found = show(lexer, lexer->at);
		return fail(
			lexer, lexer->at,
			arena_printf(lexer->arena, "Invalid number, expected digit but got: %.*s.", STR_ARG(found)));
	}
	while (char_is_digit(peek(lexer, 0))) lexer->at++;
	return true;
}

static bool number(struct gql_lexer *lexer, struct gql_token *out) {
	size_t start = lexer->at;
	out->kind = GQL_TOKEN_INT;
	if (peek(lexer, 0) == '-') lexer->at++;
	if (peek(lexer, 0) == '0' && char_is_digit(peek(lexer, 1)))
		return fail(
			lexer, lexer->at + 1,
			arena_printf(lexer->arena, "Invalid number, unexpected digit after 0: %c.", peek(lexer, 1)));
	if (!digits(lexer)) return false;
	if (peek(lexer, 0) == '.') {
		out->kind = GQL_TOKEN_FLOAT;
		lexer->at++;
		if (!digits(lexer)) return false;
	}
	if (peek(lexer, 0) == 'e' || peek(lexer, 0) == 'E') {
		out->kind = GQL_TOKEN_FLOAT;
		lexer->at += peek(lexer, 1) == '+' || peek(lexer, 1) == '-' ? 2 : 1;
		if (!digits(lexer)) return false;
	}
	// 0x10 and 1.2.3 are mistakes, not two tokens.
	if (peek(lexer, 0) == '.' || char_is_name(peek(lexer, 0))) return digits(lexer);
	out->text = str_make(lexer->text.ptr + start, lexer->at - start);
	return true;
}

// ---- strings -------------------------------------------------------------------------------------------------------

static void append_utf8(struct buf *out, uint32_t c) {
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
}

// XXXX or {X…}, behind "\u".
static bool code_digits(struct gql_lexer *lexer, uint32_t *out) {
	bool braced = peek(lexer, 0) == '{';
	size_t count = 0;
	*out = 0;
	if (braced) lexer->at++;
	for (int digit; (braced || count < 4) && (digit = char_hex(peek(lexer, 0))) >= 0; count++, lexer->at++) {
		if (*out > 0x10ffff) return false;
		*out = *out << 4 | (uint32_t)digit;
	}
	if (!braced) return count == 4;
	return count > 0 && peek(lexer, 0) == '}' && ++lexer->at > 0;
}

static bool is_surrogate(uint32_t code) {
	return code >= 0xd800 && code <= 0xdfff;
}

// \u…, at the backslash; two of them when they are a surrogate pair.
static bool unicode_escape(struct gql_lexer *lexer, uint32_t *out) {
	uint32_t low;
	lexer->at += 2;
	bool braced = peek(lexer, 0) == '{';
	if (!code_digits(lexer, out) || *out > 0x10ffff) return false;
	if (!is_surrogate(*out)) return true;
	if (braced || *out >= 0xdc00 || !is_at(lexer, STR("\\u"))) return false;
	lexer->at += 2;
	if (peek(lexer, 0) == '{' || !code_digits(lexer, &low) || low < 0xdc00 || low > 0xdfff) return false;
	*out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
	return true;
}

static bool escape(struct gql_lexer *lexer, struct buf *out) {
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	size_t start = lexer->at;
	char c = peek(lexer, 1);
	const char *name = c != '\0' ? strchr(names, c) : NULL;
	if (name != NULL) {
		buf_byte(out, values[name - names]);
		lexer->at += 2;
		return true;
	}
	uint32_t code;
	struct str problem;
	if (c != 'u') {
		struct str found = show(lexer, start + 1);
		problem = arena_printf(lexer->arena, "Invalid character escape sequence: \\%.*s.", STR_ARG(found));
	} else if (!unicode_escape(lexer, &code)) {
		struct str found = str_first(str_skip(lexer->text, start), lexer->at - start);
		problem =
			arena_printf(lexer->arena, "Invalid Unicode escape sequence: %.*s.", STR_ARG(gql_clip(found)));
	} else {
		append_utf8(out, code);
		return true;
	}
	return fail(lexer, start, problem);
}

static bool bad_string_character(struct gql_lexer *lexer) {
	char c = peek(lexer, 0);
	if (lexer->at >= lexer->text.len || c == '\n' || c == '\r')
		return fail(lexer, lexer->at, STR("Unterminated string."));
	struct str found = show(lexer, lexer->at);
	return fail(lexer, lexer->at,
		    arena_printf(lexer->arena, "Invalid character within String: %.*s.", STR_ARG(found)));
}

// Up to the closing quote, which is passed.
static bool string_content(struct gql_lexer *lexer, struct buf *out) {
	for (;;) {
		size_t start = lexer->at;
		while (lexer->at < lexer->text.len && peek(lexer, 0) != '"' && peek(lexer, 0) != '\\' &&
		       ((unsigned char)peek(lexer, 0) >= 0x20 || peek(lexer, 0) == '\t'))
			lexer->at++;
		buf_append(out, lexer->text.ptr + start, lexer->at - start);
		if (peek(lexer, 0) == '"') {
			lexer->at++;
			return true;
		}
		if (peek(lexer, 0) != '\\') return bad_string_character(lexer);
		if (!escape(lexer, out)) return false;
	}
}

// Up to the closing quotes, which are passed; with the raw lines.
static bool block_content(struct gql_lexer *lexer, struct buf *out) {
	for (;;) {
		size_t start = lexer->at;
		while (lexer->at < lexer->text.len && peek(lexer, 0) != '"' && peek(lexer, 0) != '\\' &&
		       !is_control(peek(lexer, 0)))
			lexer->at++;
		buf_append(out, lexer->text.ptr + start, lexer->at - start);
		if (is_at(lexer, STR("\"\"\""))) {
			lexer->at += 3;
			return true;
		}
		if (is_at(lexer, STR("\\\"\"\""))) {
			buf_lit(out, "\"\"\"");
			lexer->at += 4;
		} else if (peek(lexer, 0) == '"' || peek(lexer, 0) == '\\') {
			buf_byte(out, peek(lexer, 0));
			lexer->at++;
		} else {
			return bad_string_character(lexer);
		}
	}
}

static bool string(struct gql_lexer *lexer, struct gql_token *out) {
	struct buf content;
	size_t start = lexer->at;
	bool is_block = is_at(lexer, STR("\"\"\""));
	out->kind = GQL_TOKEN_STRING;
	buf_init(&content, GQL_STRING_MAX);
	lexer->at += is_block ? 3 : 1;
	bool good = is_block ? block_content(lexer, &content) : string_content(lexer, &content);
	if (good && content.overflow) good = fail(lexer, start, STR("String is too long."));
	if (good)
		out->text = is_block ? gql_block_string(lexer->arena, buf_view(&content))
				     : arena_dup(lexer->arena, buf_view(&content));
	buf_free(&content);
	return good;
}

// ---- block strings -------------------------------------------------------------------------------------------------

// Takes one line; false behind the last one.
static bool next_line(struct str *rest, struct str *line) {
	if (rest->ptr == NULL) return false;
	size_t len = 0;
	while (len < rest->len && rest->ptr[len] != '\n' && rest->ptr[len] != '\r') len++;
	*line = str_first(*rest, len);
	if (len == rest->len) {
		*rest = (struct str){NULL, 0};
		return true;
	}
	len += rest->ptr[len] == '\r' && len + 1 < rest->len && rest->ptr[len + 1] == '\n' ? 2 : 1;
	*rest = str_make(rest->ptr + len, rest->len - len); // may be empty, and is a line all the same
	return true;
}

static size_t indentation(struct str line) {
	size_t count = 0;
	while (count < line.len && (line.ptr[count] == ' ' || line.ptr[count] == '\t')) count++;
	return count;
}

struct block {
	size_t indent;      // common to all lines but the first
	size_t first, last; // lines that are not blank, from 1; 0: none
};

static struct block measure(struct str raw) {
	struct block block = {.indent = SIZE_MAX};
	struct str line;
	for (size_t number = 1; next_line(&raw, &line); number++) {
		size_t indent = indentation(line);
		if (indent == line.len) continue;
		if (number > 1 && indent < block.indent) block.indent = indent;
		if (block.first == 0) block.first = number;
		block.last = number;
	}
	return block;
}

struct str gql_block_string(struct arena *arena, struct str raw) {
	if (raw.len == 0) return STR("");
	struct block block = measure(raw);
	char *text = arena_alloc(arena, raw.len);
	size_t len = 0;
	struct str line;
	for (size_t number = 1; next_line(&raw, &line) && number <= block.last; number++) {
		if (number < block.first) continue;
		if (number > 1) line = str_skip(line, block.indent);
		if (number > block.first) text[len++] = '\n';
		if (line.len > 0) memcpy(text + len, line.ptr, line.len);
		len += line.len;
	}
	return str_make(text, len);
}

// ---- tokens --------------------------------------------------------------------------------------------------------

static bool name(struct gql_lexer *lexer, struct gql_token *out) {
	size_t start = lexer->at;
	while (char_is_name(peek(lexer, 0)) || char_is_digit(peek(lexer, 0))) lexer->at++;
	out->kind = GQL_TOKEN_NAME;
	out->text = str_make(lexer->text.ptr + start, lexer->at - start);
	return true;
}

static bool unexpected(struct gql_lexer *lexer) {
	char c = peek(lexer, 0);
	if (c == '\'')
		return fail(lexer, lexer->at,
			    STR("Unexpected single quote character ('), did you mean to use a double quote (\")?"));
	struct str found = show(lexer, lexer->at);
	const char *what = is_control(c) ? "contain the invalid" : "parse the unexpected";
	return fail(lexer, lexer->at,
		    arena_printf(lexer->arena, "Cannot %s character \"%.*s\".", what, STR_ARG(found)));
}

static bool punctuator(struct gql_lexer *lexer, struct gql_token *out) {
	static const uint8_t kinds[128] = {
		['!'] = GQL_TOKEN_BANG,          ['$'] = GQL_TOKEN_DOLLAR,      ['&'] = GQL_TOKEN_AMP,
		['('] = GQL_TOKEN_PAREN_OPEN,    [')'] = GQL_TOKEN_PAREN_CLOSE, [':'] = GQL_TOKEN_COLON,
		['='] = GQL_TOKEN_EQUALS,        ['@'] = GQL_TOKEN_AT,          ['['] = GQL_TOKEN_BRACKET_OPEN,
		[']'] = GQL_TOKEN_BRACKET_CLOSE, ['{'] = GQL_TOKEN_BRACE_OPEN,  ['|'] = GQL_TOKEN_PIPE,
		['}'] = GQL_TOKEN_BRACE_CLOSE,
	};
	unsigned char c = (unsigned char)peek(lexer, 0);
	size_t len = 1;
	if (is_at(lexer, STR("..."))) {
		out->kind = GQL_TOKEN_SPREAD;
		len = 3;
	} else if (c < sizeof(kinds) && kinds[c] != 0) {
		out->kind = kinds[c];
	} else {
		return unexpected(lexer);
	}
	out->text = str_make(lexer->text.ptr + lexer->at, len);
	lexer->at += len;
	return true;
}

static bool token(struct gql_lexer *lexer, struct gql_token *out) {
	if (lexer->problem.len > 0) return false;
	if (lexer->at >= lexer->text.len) return true;
	if (lexer->tokens++ >= GQL_TOKENS_MAX)
		return fail(lexer, lexer->at, arena_printf(lexer->arena, "exceeded token limit of %d", GQL_TOKENS_MAX));
	char c = peek(lexer, 0);
	if (char_is_name(c)) return name(lexer, out);
	if (char_is_digit(c) || c == '-') return number(lexer, out);
	if (c == '"') return string(lexer, out);
	return punctuator(lexer, out);
}

void gql_lexer_init(struct gql_lexer *lexer, struct arena *arena, struct str text) {
	struct str mark = STR("\xef\xbb\xbf");
	if (str_starts_with(text, mark)) text = str_skip(text, mark.len);
	*lexer = (struct gql_lexer){.arena = arena, .text = text, .location = {1, 1}};
}

void gql_lexer_next(struct gql_lexer *lexer, struct gql_token *out) {
	skip_ignored(lexer);
	*out = (struct gql_token){.kind = GQL_TOKEN_END, .location = locate(lexer, lexer->at)};
	if (!token(lexer, out)) *out = (struct gql_token){.kind = GQL_TOKEN_BAD, .location = lexer->problem_at};
}
