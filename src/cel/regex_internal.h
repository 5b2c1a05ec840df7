// What the files of the regular expression engine share. The way of a pattern:
//   regex_parse.c   groups, repetition, anchors  } syntax (reads through a regex_reader)
//   regex_class.c   [...], \d, \pL, escapes      }
//   regex_set.c     sets of code points, on the tables of regex_unicode.c
//   regex_code.c    the program while it grows
//   regex.c         the finished program, and the search
// The growing things (set, code) own malloc'd memory and belong to one compilation; a zeroed one is empty.
#ifndef INNGEST_CEL_REGEX_INTERNAL_H
#define INNGEST_CEL_REGEX_INTERNAL_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#define REGEX_RUNE_MAX 0x10ffff
#define REGEX_RUNE_BAD 0xfffd // stands for a malformed byte

// --- regex.c: characters

uint32_t regex_decode_multibyte(const unsigned char *bytes, size_t len, uint32_t *rune);
// The character at the start of `len` > 0 bytes; returns its length.
static inline uint32_t regex_decode(const char *text, size_t len, uint32_t *rune) {
	*rune = (unsigned char)*text;
	return *rune < 0x80 ? 1 : regex_decode_multibyte((const unsigned char *)text, len, rune);
}

// --- regex_set.c: sets of code points

struct regex_range {
	uint32_t first;
	uint32_t last;
};
struct regex_set {
	struct regex_range *ranges;
	size_t count;
	size_t cap;
};
void regex_set_add(struct regex_set *set, uint32_t first, uint32_t last);
void regex_set_add_all(struct regex_set *set, const struct regex_set *other);
// A general category ("L", "Lu"), a script ("Greek") or "Any"; false when there is none of this name.
bool regex_set_add_unicode(struct regex_set *set, struct str name);
void regex_set_merge(struct regex_set *set); // ranges ascending and apart, as the next two leave them too
void regex_set_negate(struct regex_set *set);
void regex_set_fold(struct regex_set *set); // adds what differs from a member only in case
void regex_set_free(struct regex_set *set);
// What all case variants of a character have in common (one of them), and whether there are any.
uint32_t regex_fold_key(uint32_t rune);
bool regex_has_variants(uint32_t rune);

// --- regex_unicode.c: tables

struct regex_run { // first, first + step, …, first + length
	uint32_t first;
	uint16_t length;
	uint16_t step;
};
struct regex_name {
	struct str name;
	uint32_t first_run;
	uint32_t run_count;
};
struct regex_fold { // first, first + step, …, last: each folds to itself + delta
	uint32_t first;
	uint32_t last;
	int32_t step;
	int32_t delta;
};
extern const struct regex_run regex_unicode_runs[];
extern const struct regex_name regex_unicode_names[]; // the categories, then the scripts
extern const size_t regex_unicode_category_count;
extern const size_t regex_unicode_name_count;
extern const struct regex_fold regex_unicode_folds[]; // ascending and apart
extern const size_t regex_unicode_fold_count;

// --- regex_code.c: programs

enum regex_op {
	REGEX_CHAR,        // this character
	REGEX_FOLD,        // a character with this fold key
	REGEX_ANY,         // any character
	REGEX_NOT_NEWLINE, // any but \n
	REGEX_CLASS,       // a character of the class with this index
	REGEX_ASSERT,      // go on if one of these regex_place bits holds here
	REGEX_SPLIT,       // go on here and `arg` instructions from here
	REGEX_JUMP,        // go on `arg` instructions from here
	REGEX_MATCH,
};
enum regex_place {
	REGEX_TEXT_BEGIN = 1,
	REGEX_TEXT_END = 2,
	REGEX_LINE_BEGIN = 4,
	REGEX_LINE_END = 8,
	REGEX_WORD_EDGE = 16,
	REGEX_NO_WORD_EDGE = 32,
};
// Jumps are relative, so a piece of code can be moved and copied as it is.
struct regex_inst {
	uint32_t op;
	int32_t arg;
};
struct regex_class {
	uint32_t first_range;
	uint32_t range_count;
	uint64_t ascii[2]; // a bit for each
};
struct regex_code {
	struct regex_inst *insts;
	uint32_t count;
	uint32_t cap;
	struct regex_class *classes;
	uint32_t class_count;
	uint32_t class_cap;
	struct regex_set ranges; // of all classes; never merged
};

// These fail when the program gets too large, with nothing said yet.
bool regex_code_add(struct regex_code *code, enum regex_op op, int32_t arg) ERR_CHECKED;
bool regex_code_insert(struct regex_code *code, uint32_t at, enum regex_op op, int32_t arg) ERR_CHECKED;
// One character of a merged set.
bool regex_code_add_set(struct regex_code *code, const struct regex_set *set) ERR_CHECKED;
// Repeats the code from `start` on; max < 0 means no maximum.
bool regex_code_repeat(struct regex_code *code, uint32_t start, int min, int max) ERR_CHECKED;
void regex_code_free(struct regex_code *code);

// --- Syntax

enum regex_flag {
	REGEX_FLAG_FOLD = 1,      // i
	REGEX_FLAG_MULTILINE = 2, // m
	REGEX_FLAG_DOT_ALL = 4,   // s
	REGEX_FLAG_UNGREEDY = 8,  // U, without effect on yes or no
};
struct regex_reader {
	struct str pattern;
	size_t at;
	unsigned flags; // enum regex_flag
	size_t ranges_left;
	bool no_posix_end; // there is no ":]" further on
	struct error *error;
};

static inline bool regex_reader_sees(const struct regex_reader *reader, struct str prefix) {
	return str_starts_with(str_skip(reader->pattern, reader->at), prefix);
}
// "error parsing regexp: WHAT: `the pattern between from and to`"
enum err regex_fail(const struct regex_reader *reader, const char *what, size_t from, size_t to);
enum err regex_fail_size(const struct regex_reader *reader);
// The next character, which is there.
uint32_t regex_read_rune(struct regex_reader *reader);
// At a backslash: an escape that stands for one character.
enum err regex_read_escape(struct regex_reader *reader, uint32_t *rune) ERR_CHECKED;
// At a backslash: \d and the like, \p{...}. Adds to the set; *found is false if something else is there.
enum err regex_read_named(struct regex_reader *reader, struct regex_set *set, bool *found) ERR_CHECKED;
// At '[': adds what the class contains.
enum err regex_read_class(struct regex_reader *reader, struct regex_set *set) ERR_CHECKED;
// The whole pattern.
enum err regex_parse(struct str pattern, struct regex_code *code, struct error *error) ERR_CHECKED;

#endif
