// Regular expressions of the CEL function `matches`: RE2 syntax and semantics, yes or no only (spec 04 §B7).
//
// A pattern becomes a program for an automaton that is in all its states at once, so a search takes time linear in
// the text (times the size of the program) whatever the pattern is, and nothing here recurses.
// Ownership: a compiled expression lives in the arena it was compiled into and keeps no pointer to the pattern.
// Threads: it is immutable, any thread may search with it; the scratch arena belongs to the caller.
// Failures: a pattern that is malformed (ERR_INVALID) or exceeds a limit below (ERR_TOO_LARGE); a search cannot fail.
// Text: UTF-8; each byte that is not part of a well-formed character counts as U+FFFD. Patterns must be well-formed.
// Unlike RE2: the limits below, and Unicode tables of version 14 (categories, scripts, case folding).
#ifndef INNGEST_CEL_REGEX_H
#define INNGEST_CEL_REGEX_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#define CEL_REGEX_PATTERN_MAX (64 * 1024) // bytes
#define CEL_REGEX_PROGRAM_MAX 16384       // instructions of 8 bytes, about one for each character to match
#define CEL_REGEX_RANGES_MAX (128 * 1024) // code point ranges of 8 bytes, all classes together
#define CEL_REGEX_NESTING_MAX 1000        // groups in groups
#define CEL_REGEX_REPEAT_MAX 1000         // of a count, and of the product of nested counts

struct cel_regex;

// NULL on a bad pattern; the message names what is wrong and where: "error parsing regexp: missing closing ]: `[`".
const struct cel_regex *cel_regex_compile(struct arena *arena, struct str pattern, struct error *error);
// Does the expression match anywhere in the text? Takes at most 256 KiB from `scratch`, by the size of the program;
// small programs and plain literals take nothing. `steps`: how many states may be looked at, over all characters;
// false, with 0 left, when they do not suffice. NULL: any number.
bool cel_regex_search(const struct cel_regex *regex, struct str text, uint64_t *steps, struct arena *scratch);

#endif
