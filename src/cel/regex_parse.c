// The grammar: alternatives, groups, repetition, flags, anchors. Code is emitted while the pattern is read; what is
// open at a time stands on a stack of groups, so nesting costs no recursion.
#include "cel/regex_internal.h"

#include <stdlib.h>

#include "base/check.h"
#include "cel/regex.h"

#define NO_JUMP (-1)
#define NO_ATOM UINT32_MAX

struct group {
	uint32_t start;     // its first instruction
	uint32_t branch;    // the first instruction of the current alternative
	int32_t jumps;      // newest jump to the end of the group, each holds the one before it until the end is known
	unsigned repeats;   // largest product of nested repeat counts within
	unsigned old_flags; // to come back after it
};

struct parser {
	struct regex_reader reader;
	struct regex_code *code;
	struct regex_set set;  // of the class that is being read
	uint32_t atom;         // first instruction of what a repetition would apply to
	unsigned atom_repeats; // product of nested repeat counts within
	size_t repeat_start;   // where the last repetition begins and ends in the pattern
	size_t repeat_end;
	struct str *names; // of groups
	size_t name_count;
	size_t name_cap;
	size_t depth;
	struct group groups[CEL_REGEX_NESTING_MAX + 1]; // [0] is the whole pattern
};

static size_t pattern_len(const struct parser *parser) {
	return parser->reader.pattern.len;
}

static char peek(const struct parser *parser, size_t offset) {
	size_t at = parser->reader.at + offset;
	return at < pattern_len(parser) ? parser->reader.pattern.ptr[at] : '\0';
}

static enum err fail(const struct parser *parser, const char *what, size_t from) {
	return regex_fail(&parser->reader, what, from, parser->reader.at);
}

// --- What is repeated

static void end_atom(struct parser *parser) {
	struct group *group = &parser->groups[parser->depth];
	if (parser->atom_repeats > group->repeats) group->repeats = parser->atom_repeats;
	parser->atom = NO_ATOM;
	parser->atom_repeats = 1;
}

static void begin_atom(struct parser *parser) {
	end_atom(parser);
	parser->atom = parser->code->count;
}

static enum err add(struct parser *parser, enum regex_op op, int32_t arg) {
	begin_atom(parser);
	return regex_code_add(parser->code, op, arg) ? ERR_OK : regex_fail_size(&parser->reader);
}

static enum err add_literal(struct parser *parser, uint32_t rune) {
	if ((parser->reader.flags & REGEX_FLAG_FOLD) && regex_has_variants(rune)) {
		return add(parser, REGEX_FOLD, (int32_t)regex_fold_key(rune));
	}
	return add(parser, REGEX_CHAR, (int32_t)rune);
}

static enum err add_set(struct parser *parser) {
	begin_atom(parser);
	regex_set_merge(&parser->set);
	bool fits = regex_code_add_set(parser->code, &parser->set);
	parser->set.count = 0;
	return fits ? ERR_OK : regex_fail_size(&parser->reader);
}

// --- Repetition

// Digits without a leading zero; counts far beyond the limit are all the same.
static bool read_count(struct parser *parser, int *count) {
	size_t start = parser->reader.at;
	int value = 0;
	for (; peek(parser, 0) >= '0' && peek(parser, 0) <= '9'; parser->reader.at++) {
		value = value * 10 + (peek(parser, 0) - '0');
		if (value > CEL_REGEX_REPEAT_MAX) value = CEL_REGEX_REPEAT_MAX + 1;
	}
	*count = value;
	size_t digits = parser->reader.at - start;
	return digits == 1 || (digits > 1 && parser->reader.pattern.ptr[start] != '0');
}

// At '{': {n}, {n,} or {n,m}. Otherwise false, and nothing is read.
static bool read_counts(struct parser *parser, int *min, int *max) {
	size_t start = parser->reader.at++;
	if (!read_count(parser, min)) goto none;
	*max = *min;
	if (peek(parser, 0) == ',') {
		parser->reader.at++;
		*max = -1;
		if (peek(parser, 0) != '}' && !read_count(parser, max)) goto none;
	}
	if (peek(parser, 0) != '}') goto none;
	parser->reader.at++;
	return true;
none:
	parser->reader.at = start;
	return false;
}

// The operator between `start` and here.
static enum err repeat(struct parser *parser, size_t start, int min, int max) {
	size_t operator_end = parser->reader.at;
	if (peek(parser, 0) == '?') parser->reader.at++; // lazy, which does not matter for yes or no
	if (parser->repeat_end == start && start > 0) {
		return fail(parser, "invalid nested repetition operator", parser->repeat_start);
	}
	if (parser->atom == NO_ATOM) {
		return regex_fail(&parser->reader, "missing argument to repetition operator", start, operator_end);
	}
	// The product is bounded too, as in (x{100}){100}.
	unsigned times = max > 0 ? (unsigned)max : max < 0 && min > 0 ? (unsigned)min : 1;
	parser->atom_repeats = max == 0 ? 1 : parser->atom_repeats * times;
	if (parser->atom_repeats > CEL_REGEX_REPEAT_MAX) return fail(parser, "invalid repeat count", start);
	if (!regex_code_repeat(parser->code, parser->atom, min, max)) return regex_fail_size(&parser->reader);
	parser->repeat_start = start;
	parser->repeat_end = parser->reader.at;
	return ERR_OK;
}

static enum err parse_counts(struct parser *parser) {
	size_t start = parser->reader.at;
	int min, max;
	if (!read_counts(parser, &min, &max)) {
		parser->reader.at++;
		return add_literal(parser, '{');
	}
	if (min > CEL_REGEX_REPEAT_MAX || max > CEL_REGEX_REPEAT_MAX || (max >= 0 && min > max)) {
		return fail(parser, "invalid repeat count", start);
	}
	return repeat(parser, start, min, max);
}

// --- Groups

static enum err begin_group(struct parser *parser, unsigned flags) {
	if (parser->depth == CEL_REGEX_NESTING_MAX) {
		return error_set(parser->reader.error, ERR_TOO_LARGE,
				 "error parsing regexp: expression nests too deeply");
	}
	end_atom(parser);
	parser->groups[++parser->depth] = (struct group){.start = parser->code->count,
							 .branch = parser->code->count,
							 .jumps = NO_JUMP,
							 .repeats = 1,
							 .old_flags = parser->reader.flags};
	parser->reader.flags = flags;
	return ERR_OK;
}

static bool is_name(struct str name) {
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i], lower = (char)(c | 0x20);
		if (c != '_' && !(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'z')) return false;
	}
	return name.len > 0;
}

// At the name of (?P<name> or (?<name>; the group begins at `start`.
static enum err begin_named_group(struct parser *parser, size_t start) {
	struct str name;
	struct str rest = str_skip(parser->reader.pattern, parser->reader.at);
	if (!str_cut(rest, '>', &name, &rest)) {
		parser->reader.at = pattern_len(parser);
		return fail(parser, "invalid named capture", start);
	}
	parser->reader.at += name.len + 1;
	if (!is_name(name)) return fail(parser, "invalid named capture", start);
	if (parser->name_count == parser->name_cap) {
		parser->name_cap = parser->name_cap > 0 ? parser->name_cap * 2 : 8;
		parser->names = mem_realloc(parser->names, parser->name_cap * sizeof(*parser->names));
	}
	parser->names[parser->name_count++] = name;
	return begin_group(parser, parser->reader.flags);
}

static int compare_names(const void *a, const void *b) {
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static enum err check_names(struct parser *parser) {
	if (parser->name_count < 2) return ERR_OK;
	qsort(parser->names, parser->name_count, sizeof(*parser->names), compare_names);
	for (size_t i = 1; i < parser->name_count; i++) {
		if (!str_eq(parser->names[i - 1], parser->names[i])) continue;
		size_t at = (size_t)(parser->names[i].ptr - parser->reader.pattern.ptr);
		return regex_fail(&parser->reader, "duplicate capture group name", at, at + parser->names[i].len);
	}
	return ERR_OK;
}

static unsigned flag_of(char letter) {
	switch (letter) {
	case 'i':
		return REGEX_FLAG_FOLD;
	case 'm':
		return REGEX_FLAG_MULTILINE;
	case 's':
		return REGEX_FLAG_DOT_ALL;
	case 'U':
		return REGEX_FLAG_UNGREEDY;
	default:
		return 0;
	}
}

// After "(?": (?i-s) for the rest of the enclosing group, (?i-s:...) for a group of its own.
static enum err parse_flags(struct parser *parser, size_t start) {
	unsigned flags = parser->reader.flags;
	bool off = false, dangling = false;
	while (parser->reader.at < pattern_len(parser)) {
		char letter = peek(parser, 0);
		regex_read_rune(&parser->reader); // whole, also in the message
		unsigned flag = flag_of(letter);
		if (flag != 0) {
			flags = off ? flags & ~flag : flags | flag;
			dangling = false;
		} else if (letter == '-' && !off) {
			off = dangling = true;
		} else if (letter == ':' && !dangling) {
			return begin_group(parser, flags);
		} else if (letter == ')' && !dangling) {
			parser->reader.flags = flags;
			return ERR_OK;
		} else {
			return fail(parser, "invalid or unsupported Perl syntax", start);
		}
	}
	return fail(parser, "missing closing )", 0);
}

static enum err parse_open(struct parser *parser) {
	static const struct str named[] = {STR_INIT("?P<"), STR_INIT("?<")};
	size_t start = parser->reader.at++;
	for (size_t i = 0; i < ARRAY_LEN(named); i++) {
		if (!regex_reader_sees(&parser->reader, named[i])) continue;
		parser->reader.at += named[i].len;
		return begin_named_group(parser, start);
	}
	if (peek(parser, 0) != '?') return begin_group(parser, parser->reader.flags);
	parser->reader.at++;
	return parse_flags(parser, start);
}

// a|b|c becomes: split to 2, a, jump to the end; 2: split to 3, b, jump to the end; 3: c.
static enum err parse_bar(struct parser *parser) {
	parser->reader.at++;
	end_atom(parser);
	struct group *group = &parser->groups[parser->depth];
	struct regex_code *code = parser->code;
	int32_t len = (int32_t)(code->count - group->branch);
	if (!regex_code_insert(code, group->branch, REGEX_SPLIT, len + 2) ||
	    !regex_code_add(code, REGEX_JUMP, group->jumps)) {
		return regex_fail_size(&parser->reader);
	}
	group->jumps = (int32_t)(code->count - 1);
	group->branch = code->count;
	return ERR_OK;
}

static void end_alternatives(struct parser *parser) {
	int32_t next;
	for (int32_t at = parser->groups[parser->depth].jumps; at != NO_JUMP; at = next) {
		struct regex_inst *jump = &parser->code->insts[at];
		next = jump->arg;
		jump->arg = (int32_t)parser->code->count - at;
	}
}

static enum err parse_close(struct parser *parser) {
	parser->reader.at++;
	if (parser->depth == 0) return fail(parser, "unexpected )", 0);
	end_atom(parser);
	end_alternatives(parser);
	const struct group *group = &parser->groups[parser->depth--];
	parser->reader.flags = group->old_flags;
	parser->atom = group->start;
	parser->atom_repeats = group->repeats;
	return ERR_OK;
}

// --- The rest

// \Q...\E, or up to the end.
static enum err parse_quoted(struct parser *parser) {
	struct str text = str_skip(parser->reader.pattern, parser->reader.at + 2);
	ptrdiff_t len = str_find_str(text, STR("\\E"));
	size_t end = len < 0 ? pattern_len(parser) : parser->reader.at + 2 + (size_t)len;
	parser->reader.at += 2;
	enum err err = ERR_OK;
	while (err == ERR_OK && parser->reader.at < end) err = add_literal(parser, regex_read_rune(&parser->reader));
	if (len >= 0) parser->reader.at += 2;
	return err;
}

static enum err parse_backslash(struct parser *parser) {
	static const struct {
		char letter;
		enum regex_place place;
	} anchors[] = {
		{'A', REGEX_TEXT_BEGIN}, {'z', REGEX_TEXT_END}, {'b', REGEX_WORD_EDGE}, {'B', REGEX_NO_WORD_EDGE}};
	for (size_t i = 0; i < ARRAY_LEN(anchors); i++) {
		if (peek(parser, 1) != anchors[i].letter) continue;
		parser->reader.at += 2;
		return add(parser, REGEX_ASSERT, anchors[i].place);
	}
	if (peek(parser, 1) == 'Q') return parse_quoted(parser);
	bool found;
	enum err err = regex_read_named(&parser->reader, &parser->set, &found);
	if (err != ERR_OK) return err;
	if (found) return add_set(parser);
	uint32_t rune;
	err = regex_read_escape(&parser->reader, &rune);
	return err != ERR_OK ? err : add_literal(parser, rune);
}

static enum err parse_operator(struct parser *parser, int min, int max) {
	size_t start = parser->reader.at++;
	return repeat(parser, start, min, max);
}

static enum err parse_single(struct parser *parser, enum regex_op op, enum regex_place place) {
	parser->reader.at++;
	return add(parser, op, op == REGEX_ASSERT ? (int32_t)place : 0);
}

static enum err parse_next(struct parser *parser) {
	bool lines = parser->reader.flags & REGEX_FLAG_MULTILINE;
	bool dot_all = parser->reader.flags & REGEX_FLAG_DOT_ALL;
	switch (peek(parser, 0)) {
	case '(':
		return parse_open(parser);
	case '|':
		return parse_bar(parser);
	case ')':
		return parse_close(parser);
	case '*':
		return parse_operator(parser, 0, -1);
	case '+':
		return parse_operator(parser, 1, -1);
	case '?':
		return parse_operator(parser, 0, 1);
	case '{':
		return parse_counts(parser);
	case '\\':
		return parse_backslash(parser);
	case '^':
		return parse_single(parser, REGEX_ASSERT, lines ? REGEX_LINE_BEGIN : REGEX_TEXT_BEGIN);
	case '$':
		return parse_single(parser, REGEX_ASSERT, lines ? REGEX_LINE_END : REGEX_TEXT_END);
	case '.':
		return parse_single(parser, dot_all ? REGEX_ANY : REGEX_NOT_NEWLINE, 0);
	case '[': {
		enum err err = regex_read_class(&parser->reader, &parser->set);
		return err != ERR_OK ? err : add_set(parser);
	}
	default:
		return add_literal(parser, regex_read_rune(&parser->reader));
	}
}

static enum err parse_pattern(struct parser *parser) {
	size_t sound = str_utf8_prefix(parser->reader.pattern);
	if (sound < pattern_len(parser)) {
		return error_set(parser->reader.error, ERR_INVALID, "error parsing regexp: invalid UTF-8 at byte %zu",
				 sound);
	}
	while (parser->reader.at < pattern_len(parser)) {
		enum err err = parse_next(parser);
		if (err != ERR_OK) return err;
	}
	if (parser->depth > 0) return fail(parser, "missing closing )", 0);
	end_alternatives(parser);
	enum err err = check_names(parser);
	if (err != ERR_OK) return err;
	return regex_code_add(parser->code, REGEX_MATCH, 0) ? ERR_OK : regex_fail_size(&parser->reader);
}

enum err regex_parse(struct str pattern, struct regex_code *code, struct error *error) {
	if (pattern.len > CEL_REGEX_PATTERN_MAX) {
		return error_set(error, ERR_TOO_LARGE, "error parsing regexp: expression too large");
	}
	struct parser *parser = mem_calloc(1, sizeof(*parser)); // the stack of groups is too large for a small thread's
	parser->reader = (struct regex_reader){.pattern = pattern, .ranges_left = CEL_REGEX_RANGES_MAX, .error = error};
	parser->code = code;
	parser->groups[0] = (struct group){.jumps = NO_JUMP, .repeats = 1};
	end_atom(parser);
	enum err err = parse_pattern(parser);
	regex_set_free(&parser->set);
	free(parser->names);
	free(parser);
	return err;
}
