#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <regex.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/rng.h"
#include "cel/regex.h"

struct example {
	struct str pattern;
	struct str text;
	bool matches;
};
#define ROW(pattern, text, matches) \
	{ STR_INIT(pattern), STR_INIT(text), matches }

static bool search(struct str pattern, struct str text) {
	struct arena arena, scratch;
	arena_init(&arena, 0);
	arena_init(&scratch, 0);
	struct error error;
	const struct cel_regex *regex = cel_regex_compile(&arena, pattern, &error);
	if (regex == NULL) print_error("%.*s: %s\n", STR_ARG(pattern), error.message);
	assert_non_null(regex);
	bool found = cel_regex_search(regex, text, NULL, &scratch);
	assert_true(found == cel_regex_search(regex, text, NULL, &scratch)); // nothing is left over from the first time
	arena_free(&scratch);
	arena_free(&arena);
	return found;
}

static void check_examples(const struct example *examples, size_t count) {
	size_t wrong = 0;
	for (size_t i = 0; i < count; i++) {
		if (search(examples[i].pattern, examples[i].text) == examples[i].matches) continue;
		print_error("`%.*s` on \"%.*s\" should be %d\n", STR_ARG(examples[i].pattern),
			    STR_ARG(examples[i].text), examples[i].matches);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}
#define CHECK_EXAMPLES(examples) check_examples((examples), ARRAY_LEN(examples))

static void finds_literals(void **state) {
	(void)state;
	static const struct example examples[] = {
		ROW("", "", true),
		ROW("", "abc", true),
		ROW("hello", "say hello!", true),
		ROW("hello", "hell", false),
		ROW("hello", "", false),
		ROW("^hello", "hello you", true),
		ROW("^hello", "say hello", false),
		ROW("hello$", "say hello", true),
		ROW("hello$", "hello\n", false),
		ROW("^hello$", "hello", true),
		ROW("^hello$", "hello!", false),
		ROW("^h.*o$", "hello", true),
		ROW("\\Ahello\\z", "hello", true),
		ROW("\\Ahello\\z", "hello hello", false),
		ROW("^", "abc", true),
		ROW("$", "abc", true),
		ROW("^$", "", true),
		ROW("^$", "a", false),
		ROW("a\\.b", "a.b", true),
		ROW("a\\.b", "axb", false),
		ROW("(?:a)(b)(c)", "xabcx", true),
		ROW("a(?:)b", "ab", true),
		ROW("\xc3\xa9t\xc3\xa9", "un \xc3\xa9t\xc3\xa9 long", true),
		ROW("\\x{20ac}$", "5 \xe2\x82\xac", true),
		ROW("\\x{1f600}", "smile \xf0\x9f\x98\x80", true),
		ROW("a\\x00b", "a\0b", true),
		ROW("a\0b", "a\0b", true),
		ROW("a\0b", "a", false),
		ROW("]", "]", true),
		ROW("}", "}", true),
		ROW("{", "{", true),
		ROW("a{,2}", "a{,2}", true),
		ROW("a{,2}", "aa", false),
		ROW("a{x", "a{x", true),
		ROW("a{1", "a{1", true),
		ROW("a{01}", "a{01}", true),
		ROW("a^b", "a^b", false),
		ROW("a\\^b", "a^b", true),
		ROW("a$b", "a$b", false),
	};
	CHECK_EXAMPLES(examples);
}

static void reads_escapes(void **state) {
	(void)state;
	static const struct example examples[] = {
		ROW("^\\t\\n\\r\\f\\v\\a$", "\t\n\r\f\v\a", true),
		ROW("^\\x41\\x7a$", "Az", true),
		ROW("\\xe9", "\xc3\xa9", true),
		ROW("^\\x{41}\\x{0000042}$", "AB", true),
		ROW("^\\101\\060$", "A0", true),
		ROW("^\\0$", "\0", true),
		ROW("^\\01$", "\1", true),
		ROW("^\\0123$", "\n3", true),
		ROW("^\\377$", "\xc3\xbf", true),
		ROW("^\\_\\-\\/\\ \\\"$", "_-/ \"", true),
		ROW("^\\\\\\*\\+\\?\\(\\)\\[\\]\\{\\}\\|$", "\\*+?()[]{}|", true),
		ROW("^\\Qa.b*[\\E+$", "a.b*[[[", true),
		ROW("^\\Qa.b", "a.b", true),
		ROW("^\\Qa.b", "axb", false),
		ROW("^\\Q\\E$", "", true),
		ROW("^a\\Q\\E*$", "aaa", true),
		ROW("^\\Qa\\d\\E$", "a\\d", true),
		ROW("(?i)\\QaB\\E", "Ab", true),
		ROW("^[\\n\\x41\\x{42}\\103\\]\\^\\-\\\\]+$", "\nABC]^-\\", true),
		ROW("\\x{d800}", "\xed\xa0\x80", false),
	};
	CHECK_EXAMPLES(examples);
}

static void reads_classes(void **state) {
	(void)state;
	static const struct example examples[] = {
		ROW("^[abc]+$", "cab", true),
		ROW("^[a-c]+$", "abd", false),
		ROW("^[^a-c]+$", "xyz", true),
		ROW("^[^a-c]+$", "xaz", false),
		ROW("[^a]", "\n", true),
		ROW("[^a]", "a", false),
		ROW("^[]a]+$", "a]", true),
		ROW("^[^]a]$", "]", false),
		ROW("^[a-]+$", "a-", true),
		ROW("^[-a]+$", "a-", true),
		ROW("^[a-c-e]+$", "b-e", true),
		ROW("^[a-c-e]+$", "d", false),
		ROW("^[\\d-z]+$", "5-z", true),
		ROW("^[a^]+$", "a^", true),
		ROW("^[.*+?$|(){}]+$", ".*+?$|(){}", true),
		ROW("^[[]$", "[", true),
		ROW("^[[:]+$", "[:", true),
		ROW("^[[:a]+$", "a:[", true),
		ROW("^[\xce\xb1-\xcf\x89]+$", "\xce\xb2\xcf\x89", true),
		ROW("^[\xce\xb1-\xcf\x89]+$", "\xce\x91", false),
		ROW("^[^\xc3\xa9]$", "e", true),
		ROW("^[^\xc3\xa9]$", "\xc3\xa9", false),
		ROW("^[a-a]$", "a", true),
		ROW("[^\\x00-\\x{10FFFF}]", "any \xc3\xa9\xff", false),
		ROW("^[\\x00-\\x{10FFFF}]$", "\xff", true),
		ROW("^\\d+$", "0123456789", true),
		ROW("\\d", "\xd9\xa3", false), // Arabic-Indic three
		ROW("^\\D$", "\xd9\xa3", true),
		ROW("^\\w+$", "aZ_09", true),
		ROW("\\w", "\xc3\xa9", false),
		ROW("^\\W+$", "-\xc3\xa9 ", true),
		ROW("^\\s+$", " \t\n\r\f", true),
		ROW("\\s", "\v", false),
		ROW("^\\S+$", "a\v", true),
		ROW("^[\\w.-]+@[\\w-]+\\.\\w{2,}$", "first.last@example.com", true),
		ROW("^[\\w.-]+@[\\w-]+\\.\\w{2,}$", "first.last@example", false),
		ROW("^[^\\d\\s]+$", "ab-c", true),
		ROW("^[^\\d\\s]+$", "ab c", false),
		ROW("^[\\D]+$", "abc", true),
		ROW("^[\\D5]+$", "a5", true),
		ROW("^[[:alpha:]]+$", "azAZ", true),
		ROW("^[[:alpha:]]+$", "a1", false),
		ROW("^[[:alnum:]_]+$", "a_1", true),
		ROW("^[[:^alpha:]]+$", "1-2", true),
		ROW("^[^[:^digit:]]+$", "12", true),
		ROW("^[[:space:]]$", "\v", true),
		ROW("^[[:upper:][:digit:]]+$", "A1", true),
		ROW("^[[:upper:][:digit:]]+$", "a1", false),
		ROW("^[[:xdigit:]]+$", "09afAF", true),
		ROW("^[[:punct:]]+$", "!/:@[`{~", true),
		ROW("^[[:blank:][:cntrl:]]+$", " \t\x7f", true),
		ROW("^[[:graph:]]+$", "a b", false),
		ROW("^[[:print:]]+$", "a b", true),
		ROW("^[[:word:]]+$", "a_1", true),
		ROW("^[[:ascii:]]+$", "a\x7f", true),
		ROW("^[[:lower:]]$", "A", false),
	};
	CHECK_EXAMPLES(examples);
}

static void knows_unicode(void **state) {
	(void)state;
	static const struct example examples[] = {
		ROW("^\\pL+$", "a\xc3\xa9\xce\xb2\xe4\xb8\xad", true),
		ROW("\\pL", "1 -\xe2\x82\xac", false),
		ROW("^\\PL+$", "12", true),
		ROW("^\\p{L}\\p{Lu}\\p{Ll}$", "xYz", true),
		ROW("^\\p{Lu}$", "\xc3\x89", true),
		ROW("^\\p{Lu}$", "\xc3\xa9", false),
		ROW("^\\p{^Lu}$", "\xc3\xa9", true),
		ROW("^\\P{^Lu}$", "\xc3\x89", true),
		ROW("^\\p{Nd}+$", "1\xd9\xa3", true),
		ROW("^\\pN$", "\xc2\xbd", true),
		ROW("^\\p{Sc}$", "\xe2\x82\xac", true),
		ROW("^\\pZ$", "\xe2\x80\x83", true),
		ROW("^[\\p{Greek}\\d]+$",
		    "\xce\xb1\xce\xa9"
		    "7",
		    true),
		ROW("\\p{Greek}", "abc", false),
		ROW("^\\p{Cyrillic}+$", "\xd0\x96\xd1\x8f", true),
		ROW("^\\p{Han}+$", "\xe4\xb8\xad\xe6\x96\x87", true),
		ROW("^[^\\p{Han}]+$", "ab\xe4\xb8\xad", false),
		ROW("^\\p{Any}$", "\xf0\x9f\x98\x80", true),
		ROW("^\\p{Yi}$", "\xea\x80\x80", true),
		ROW("(?i)^\\p{Lu}+$", "aB", true),
		ROW("(?i)^\\P{Lu}+$", "a", false),
		ROW("^.$", "\xf0\x9f\x98\x80", true),
		ROW("^..$", "\xf0\x9f\x98\x80", false),
		ROW("^.$", "\xff", true),
		ROW("^...$", "\xf0\x9f\x98", true),      // cut: three bad bytes
		ROW("^..$", "\xc0\xaf", true),           // overlong
		ROW("^...$", "\xed\xa0\x80", true),      // surrogate
		ROW("^....$", "\xf4\x90\x80\x80", true), // beyond U+10FFFF
		ROW("^a\\x{fffd}b$",
		    "a\xff"
		    "b",
		    true),
		ROW("^a\xef\xbf\xbd"
		    "b$",
		    "a\x80"
		    "b",
		    true),
		ROW("\\x{fffd}", "\xef\xbf\xbd", true),
		ROW("[\\x80-\\xff]", "\x80", false), // a byte is no character
		ROW("\xc3\xa9", "\xe2\xc3\xa9", true),
	};
	CHECK_EXAMPLES(examples);
}

static void asserts_places(void **state) {
	(void)state;
	static const struct example examples[] = {
		ROW("^b", "a\nb", false),
		ROW("(?m)^b", "a\nb", true),
		ROW("a$", "a\nb", false),
		ROW("(?m)a$", "a\nb", true),
		ROW("(?m)^$", "a\n\nb", true),
		ROW("(?m)^$", "a\nb", false),
		ROW("(?m)\\Ab", "a\nb", false),
		ROW("(?m)a\\z", "a\nb", false),
		ROW("(?m:^b)$", "a\nb", true),
		ROW("(^a|b)c", "bc ac", true),
		ROW("(^a|^b)c", "xac", false),
		ROW("x^|b$", "ab", true),
		ROW("\\bcat\\b", "the cat sat", true),
		ROW("\\bcat\\b", "concatenate", false),
		ROW("\\Bcat\\B", "concatenate", true),
		ROW("\\Bcat", "cat", false),
		ROW("\\b", "", false),
		ROW("\\B", "", true),
		ROW("\\b", "-", false),
		ROW("a\\b\xc3\xa9", "a\xc3\xa9", true), // words are ASCII
		ROW("^\\b\\w+\\b$", "word_1", true),
		ROW("^*a", "a", true),
		ROW("(?:^)*b", "ab", true),
		ROW("(?:$)+", "a", true),
		ROW("\\b*a", "xa", true),
		ROW("a(?:\\b|c)", "ac", true),
		ROW("(?:\\b\\B)a", "a", false),
	};
	CHECK_EXAMPLES(examples);
}

static void repeats(void **state) {
	(void)state;
	static const struct example examples[] = {
		ROW("^a*$", "", true),
		ROW("^a*$", "aaa", true),
		ROW("^a*$", "aab", false),
		ROW("^a+$", "", false),
		ROW("^a+$", "aaa", true),
		ROW("^colou?r$", "color", true),
		ROW("^colou?r$", "colouur", false),
		ROW("^a{3}$", "aaa", true),
		ROW("^a{3}$", "aa", false),
		ROW("^a{3}$", "aaaa", false),
		ROW("^a{2,}$", "a", false),
		ROW("^a{2,}$", "aaaaa", true),
		ROW("^a{2,4}$", "a", false),
		ROW("^a{2,4}$", "aa", true),
		ROW("^a{2,4}$", "aaaa", true),
		ROW("^a{2,4}$", "aaaaa", false),
		ROW("^a{0}$", "", true),
		ROW("^a{0}$", "a", false),
		ROW("^ba{0}$", "b", true),
		ROW("^a{0,}$", "aaa", true),
		ROW("^a{0,2}$", "aaa", false),
		ROW("^a{0,2}$", "", true),
		ROW("^a{1}$", "a", true),
		ROW("^a{1,1}$", "aa", false),
		ROW("^(?:ab){2,3}c$", "ababc", true),
		ROW("^(?:ab){2,3}c$", "abc", false),
		ROW("^(?:ab){2,3}c$", "ababababc", false),
		ROW("^(?:a|bc){2}$", "bca", true),
		ROW("^(?:(?:a{2}){3}){2}$", "aaaaaaaaaaaa", true),
		ROW("^(?:(?:a{2}){3}){2}$", "aaaaaaaaaaa", false),
		ROW("^(?:a*)*$", "aaa", true),
		ROW("^(?:a*)+$", "b", false),
		ROW("^(?:a?){3}$", "aa", true),
		ROW("^(?:)*$", "", true),
		ROW("^(?:(?:){5})+a$", "a", true),
		ROW("^a*?$", "aa", true),
		ROW("^a+?b$", "aab", true),
		ROW("^a??b$", "b", true),
		ROW("^a{2,3}?$", "aaaa", false),
		ROW("^a{2}?$", "aa", true),
		ROW("(?U)^a+$", "aaa", true),
		ROW("(?U)^a+?$", "aaa", true),
		ROW("^ab*$", "abab", false),
		ROW("^\xc3\xa9{2}$", "\xc3\xa9\xc3\xa9", true),
		ROW("^a(?i)*$", "aaa", true),
		ROW("^x{1000}$", "x", false),
		ROW("^(?:x{0,1000})$", "xxx", true),
		ROW("^(?:a{1000}){0}$", "", true),
		ROW("^(?:(?:a{1000}){0}b){2}$", "bb", true),
	};
	CHECK_EXAMPLES(examples);
}

static void groups_and_chooses(void **state) {
	(void)state;
	static const struct example examples[] = {
		ROW("cat|dog", "hotdog", true),
		ROW("cat|dog", "bird", false),
		ROW("^(?:cat|dog|bird)s?$", "birds", true),
		ROW("^(?:cat|dog|bird)s?$", "birdss", false),
		ROW("^cat|dog$", "catalogue", true),
		ROW("^cat|dog$", "a cat", false),
		ROW("^(a|)b$", "b", true),
		ROW("^(|a)b$", "ab", true),
		ROW("|", "", true),
		ROW("a||b", "c", true),
		ROW("^(?:a||b)$", "c", false),
		ROW("^((a|b)|(c|(d|e)))+$", "abcde", true),
		ROW("^((a|b)|(c|(d|e)))+$", "abcdef", false),
		ROW("^(?P<year>\\d{4})-(?<month>\\d\\d)$", "2024-05", true),
		ROW("^(?P<year>\\d{4})-(?<month>\\d\\d)$", "2024-5", false),
		ROW("()", "x", true),
		ROW("^(?:a|b)*c$", "abbac", true),
		ROW("^(?:ab|a)(?:bc|c)$", "abc", true),
		ROW("^(?:x|y{2,3}|[z-]+)+$", "xyy--zyyyx", true),
		ROW("^(?:x|y{2,3}|[z-]+)+$", "xyzx", false),
		ROW("(?:a|b|c|d|e|f|g)z", "gz", true),
		ROW("\xe4\xb8\xad|\xc3\xa9", "\xc3\xa9", true),
	};
	CHECK_EXAMPLES(examples);
}

static void obeys_flags(void **state) {
	(void)state;
	static const struct example examples[] = {
		ROW("a.b", "a\nb", false),
		ROW("(?s)a.b", "a\nb", true),
		ROW("(?s:a.)b.", "a\nb\n", false),
		ROW("(?s-s:a.b)", "a\nb", false),
		ROW("(?i)hello", "HeLLo", true),
		ROW("hello", "Hello", false),
		ROW("(?i:h)ello", "Hello", true),
		ROW("(?i:h)ello", "HELLO", false),
		ROW("(?i)h(?-i:ell)o", "HellO", true),
		ROW("(?i)h(?-i:ell)o", "HELLO", false),
		ROW("(?i)a(?-i)b", "Ab", true),
		ROW("(?i)a(?-i)b", "AB", false),
		ROW("(a(?i)b)c", "aBc", true),
		ROW("(a(?i)b)c", "aBC", false),
		ROW("a(?i)b|c", "C", true),
		ROW("(?i)[a-c]x", "BX", true),
		ROW("(?i)[^a-c]", "B", false),
		ROW("(?i)^[[:upper:]]$", "a", true),
		ROW("(?i)^[^[:upper:]]$", "a", false),
		ROW("(?i)\xc3\xa9", "\xc3\x89", true),
		ROW("(?i)\xcf\x83", "\xce\xa3", true), // sigma, capital, final
		ROW("(?i)\xce\xa3", "\xcf\x82", true),
		ROW("(?i)k", "\xe2\x84\xaa", true), // Kelvin
		ROW("(?i)\xe2\x84\xaa", "K", true),
		ROW("(?i)[k]", "\xe2\x84\xaa", true),
		ROW("(?i)s", "\xc5\xbf", true), // long s
		ROW("(?i)[\xc5\xbf]", "S", true),
		ROW("(?i)i", "\xc4\xb0", false), // dotted capital I folds to itself
		ROW("(?i)\\W", "\xe2\x84\xaa", false),
		ROW("(?i)\xd0\xb6", "\xd0\x96", true),
		ROW("(?i)[\xd0\xb0-\xd1\x8f]+$", "\xd0\x96\xd0\xb6", true),
		ROW("(?i)straSSe", "STRASSE", true),
		ROW("(?im)^b.$", "a\nBc", true),
		ROW("(?ims)^b.$", "a\nB\n", true),
		ROW("(?)a", "a", true),
		ROW("(?:a)(?i)", "a", true),
		ROW("(?i-m)A$", "a", true),
	};
	CHECK_EXAMPLES(examples);
}

static void explains_errors(void **state) {
	(void)state;
	static const struct {
		struct str pattern;
		const char *message;
	} cases[] = {
		{STR_INIT("["), "missing closing ]: `[`"},
		{STR_INIT("a[b"), "missing closing ]: `[b`"},
		{STR_INIT("[]"), "missing closing ]: `[]`"},
		{STR_INIT("[a-"), "missing closing ]: `[a-`"},
		{STR_INIT("[a-b"), "missing closing ]: `[a-b`"},
		{STR_INIT("[^"), "missing closing ]: `[^`"},
		{STR_INIT("[[:alpha:]"), "missing closing ]: `[[:alpha:]`"},
		{STR_INIT("("), "missing closing ): `(`"},
		{STR_INIT("a(b|c"), "missing closing ): `a(b|c`"},
		{STR_INIT("(?i"), "missing closing ): `(?i`"},
		{STR_INIT("a)b"), "unexpected ): `a)`"},
		{STR_INIT("a|b)"), "unexpected ): `a|b)`"},
		{STR_INIT("a\\"), "trailing backslash at end of expression: ``"},
		{STR_INIT("[\\"), "trailing backslash at end of expression: ``"},
		{STR_INIT("*"), "missing argument to repetition operator: `*`"},
		{STR_INIT("(+)"), "missing argument to repetition operator: `+`"},
		{STR_INIT("a|?"), "missing argument to repetition operator: `?`"},
		{STR_INIT("{2}"), "missing argument to repetition operator: `{2}`"},
		{STR_INIT("(?i)*"), "missing argument to repetition operator: `*`"},
		{STR_INIT("a**"), "invalid nested repetition operator: `**`"},
		{STR_INIT("a*??"), "invalid nested repetition operator: `*??`"},
		{STR_INIT("a{2}{3}"), "invalid nested repetition operator: `{2}{3}`"},
		{STR_INIT("a+*"), "invalid nested repetition operator: `+*`"},
		{STR_INIT("a{1001}"), "invalid repeat count: `{1001}`"},
		{STR_INIT("a{1,1001}"), "invalid repeat count: `{1,1001}`"},
		{STR_INIT("a{1001,}"), "invalid repeat count: `{1001,}`"},
		{STR_INIT("a{99999999999999999999}"), "invalid repeat count: `{99999999999999999999}`"},
		{STR_INIT("a{3,2}"), "invalid repeat count: `{3,2}`"},
		{STR_INIT("(?:a{100}){11}"), "invalid repeat count: `{11}`"},
		{STR_INIT("(?:b(?:a{10})*){10,}{2}"), "invalid nested repetition operator: `{10,}{2}`"},
		{STR_INIT("((a{10}){10}b){1,11}"), "invalid repeat count: `{1,11}`"},
		{STR_INIT("[z-a]"), "invalid character class range: `z-a`"},
		{STR_INIT("[[:foo:]]"), "invalid character class range: `[:foo:]`"},
		{STR_INIT("\\p{Nope}"), "invalid character class range: `\\p{Nope}`"},
		{STR_INIT("\\pX"), "invalid character class range: `\\pX`"},
		{STR_INIT("\\p"), "invalid character class range: `\\p`"},
		{STR_INIT("\\p{L"), "invalid character class range: `\\p{L`"},
		{STR_INIT("\\p{}"), "invalid character class range: `\\p{}`"},
		{STR_INIT("[\\p{Lx}]"), "invalid character class range: `\\p{Lx}`"},
		{STR_INIT("\\q"), "invalid escape sequence: `\\q`"},
		{STR_INIT("a\\C"), "invalid escape sequence: `\\C`"},
		{STR_INIT("\\Z"), "invalid escape sequence: `\\Z`"},
		{STR_INIT("\\E"), "invalid escape sequence: `\\E`"},
		{STR_INIT("(a)\\1"), "invalid escape sequence: `\\1`"},
		{STR_INIT("\\8"), "invalid escape sequence: `\\8`"},
		{STR_INIT("\\xg"), "invalid escape sequence: `\\x`"},
		{STR_INIT("\\x4"), "invalid escape sequence: `\\x4`"},
		{STR_INIT("\\x{}"), "invalid escape sequence: `\\x{`"},
		{STR_INIT("\\x{41"), "invalid escape sequence: `\\x{41`"},
		{STR_INIT("\\x{110000}"), "invalid escape sequence: `\\x{11000`"},
		{STR_INIT("\\\xc3\xa9"), "invalid escape sequence: `\\\xc3\xa9`"},
		{STR_INIT("[\\b]"), "invalid escape sequence: `\\b`"},
		{STR_INIT("[a-\\d]"), "invalid escape sequence: `\\d`"},
		{STR_INIT("(?=a)"), "invalid or unsupported Perl syntax: `(?=`"},
		{STR_INIT("(?!a)"), "invalid or unsupported Perl syntax: `(?!`"},
		{STR_INIT("(?<=a)"), "invalid named capture: `(?<=a)`"},
		{STR_INIT("(?P=n)"), "invalid or unsupported Perl syntax: `(?P`"},
		{STR_INIT("(?ix)a"), "invalid or unsupported Perl syntax: `(?ix`"},
		{STR_INIT("(?\xc5\xa9)a"), "invalid or unsupported Perl syntax: `(?\xc5\xa9`"},
		{STR_INIT("(?i-)a"), "invalid or unsupported Perl syntax: `(?i-)`"},
		{STR_INIT("(?i--s)a"), "invalid or unsupported Perl syntax: `(?i--`"},
		{STR_INIT("(?>a)"), "invalid or unsupported Perl syntax: `(?>`"},
		{STR_INIT("(?P<n"), "invalid named capture: `(?P<n`"},
		{STR_INIT("(?P<>a)"), "invalid named capture: `(?P<>`"},
		{STR_INIT("(?<a-b>a)"), "invalid named capture: `(?<a-b>`"},
		{STR_INIT("(?P<n>a)|(?<n>b)"), "duplicate capture group name: `n`"},
		{STR_INIT("ab\xff"), "invalid UTF-8 at byte 2"},
		{STR_INIT("[\xed\xa0\x80]"), "invalid UTF-8 at byte 1"},
	};
	struct arena arena;
	arena_init(&arena, 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static const char prefix[] = "error parsing regexp: ";
		struct error error = {0};
		assert_null(cel_regex_compile(&arena, cases[i].pattern, &error));
		assert_int_equal(error.code, ERR_INVALID);
		assert_memory_equal(error.message, prefix, strlen(prefix));
		assert_string_equal(error.message + strlen(prefix), cases[i].message);
	}
	assert_null(arena.head); // a failed compilation takes nothing
	assert_null(cel_regex_compile(&arena, STR("["), NULL));
	arena_free(&arena);
}

static struct str repeated(struct buf *buf, struct str part, size_t times) {
	buf_init(buf, 16 * 1024 * 1024);
	for (size_t i = 0; i < times; i++) buf_str(buf, part);
	assert_false(buf->overflow);
	return buf_view(buf);
}

// Compiles `part` so many times in a row; ERR_OK or what is wrong.
static enum err compile_repeated(struct str part, size_t times) {
	struct buf buf;
	struct arena arena;
	struct error error = {0};
	arena_init(&arena, 0);
	bool compiled = cel_regex_compile(&arena, repeated(&buf, part, times), &error) != NULL;
	assert_true(compiled == (error.code == ERR_OK));
	arena_free(&arena);
	buf_free(&buf);
	return error.code;
}

static void keeps_limits(void **state) {
	(void)state;
	static const struct {
		struct str part;
		size_t times;
		enum err err;
	} cases[] = {
		{STR_INIT("a"), CEL_REGEX_PROGRAM_MAX - 1, ERR_OK},
		{STR_INIT("a"), CEL_REGEX_PROGRAM_MAX, ERR_TOO_LARGE},
		{STR_INIT("(?i)"), CEL_REGEX_PATTERN_MAX / 4, ERR_OK},
		{STR_INIT("(?i)"), CEL_REGEX_PATTERN_MAX / 4 + 1, ERR_TOO_LARGE},
		{STR_INIT("a{1000}"), 16, ERR_OK},
		{STR_INIT("a{1000}"), 17, ERR_TOO_LARGE},
		{STR_INIT("(?:abcdefghij){1000}"), 1, ERR_OK},
		{STR_INIT("(?:abcdefghij){1000}"), 2, ERR_TOO_LARGE},
		{STR_INIT("(?:a|b|c|d|e){0,1000}"), 2, ERR_TOO_LARGE},
		{STR_INIT("a*"), 5000, ERR_OK},
		{STR_INIT("\\pL"), 100, ERR_OK},
		{STR_INIT("\\pL"), 1000, ERR_TOO_LARGE},
		{STR_INIT("(?i)[\\pL]"), 1000, ERR_TOO_LARGE},
		{STR_INIT("(?i)[\\PL\\x80-\\x{ffff}]"), 1000, ERR_TOO_LARGE},
		{STR_INIT("()"), 32 * 1024, ERR_OK},
		{STR_INIT("("), CEL_REGEX_NESTING_MAX, ERR_INVALID},
		{STR_INIT("("), CEL_REGEX_NESTING_MAX + 1, ERR_TOO_LARGE},
		{STR_INIT("("), 60000, ERR_TOO_LARGE},
		{STR_INIT("("), 100000, ERR_TOO_LARGE},
		{STR_INIT("(?:"), 20000, ERR_TOO_LARGE},
		{STR_INIT("(|"), 20000, ERR_TOO_LARGE},
		{STR_INIT("["), 60000, ERR_INVALID},
		{STR_INIT("[[:"), 20000, ERR_INVALID},
		{STR_INIT("x{2}("), 10000, ERR_TOO_LARGE},
		{STR_INIT("\\"), 60000, ERR_TOO_LARGE},
		{STR_INIT("a|"), 5000, ERR_OK},
		{STR_INIT("|"), 60000, ERR_TOO_LARGE},
		{STR_INIT("(?P<n>a)"), 5000, ERR_INVALID},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum err err = compile_repeated(cases[i].part, cases[i].times);
		if (err != cases[i].err) print_error("%.*s %s\n", STR_ARG(cases[i].part), err_name(err));
		assert_int_equal(err, cases[i].err);
	}
}

// As deep as it gets: open, something, close with an operator.
static void nests(void **state) {
	(void)state;
	static const struct {
		struct str open, middle, close, text;
		bool matches;
	} cases[] = {
		{STR_INIT("("), STR_INIT("a"), STR_INIT(")"), STR_INIT("xa"), true},
		{STR_INIT("("), STR_INIT("a"), STR_INIT(")*"), STR_INIT(""), true},
		{STR_INIT("(?:"), STR_INIT("a"), STR_INIT(")+"), STR_INIT("aaa"), true},
		{STR_INIT("(?:"), STR_INIT("a"), STR_INIT("?b)"), STR_INIT("aaaa"), false},
		{STR_INIT("(?:b|"), STR_INIT("a"), STR_INIT("|c)"), STR_INIT("c"), true},
		{STR_INIT("(?:b?"), STR_INIT("a"), STR_INIT("|c){1}"), STR_INIT("bbba"), true},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf pattern;
		repeated(&pattern, cases[i].open, CEL_REGEX_NESTING_MAX);
		buf_str(&pattern, cases[i].middle);
		for (int k = 0; k < CEL_REGEX_NESTING_MAX; k++) buf_str(&pattern, cases[i].close);
		assert_true(search(buf_view(&pattern), cases[i].text) == cases[i].matches);
		buf_free(&pattern);
	}
}

// With backtracking these would not come to an end.
static void stays_linear(void **state) {
	(void)state;
	static const struct {
		struct str pattern, part;
		struct str end; // of the text, after 50,000 parts
		bool matches;
	} cases[] = {
		{STR_INIT("(a*)*b"), STR_INIT("a"), STR_INIT(""), false},
		{STR_INIT("(a*)*b"), STR_INIT("a"), STR_INIT("b"), true},
		{STR_INIT("(a|a)*b"), STR_INIT("a"), STR_INIT(""), false},
		{STR_INIT("^(a|a|aa)*$"), STR_INIT("a"), STR_INIT("b"), false},
		{STR_INIT("(x+x+)+y"), STR_INIT("x"), STR_INIT(""), false},
		{STR_INIT("(x+x+)+y"), STR_INIT("x"), STR_INIT("y"), true},
		{STR_INIT("^(([a-z])+.)+[A-Z]([a-z])+$"), STR_INIT("a"), STR_INIT(""), false},
		{STR_INIT("(.*)(.*)(.*)(.*)(.*)[^a]"), STR_INIT("a"), STR_INIT(""), false},
		{STR_INIT("a?a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaaab"), STR_INIT("a"), STR_INIT(""), false},
		{STR_INIT("(?:a?){30}a{30}$"), STR_INIT("a"), STR_INIT("b"), false},
		{STR_INIT("([\\w.]+)+@"), STR_INIT("\xc3\xa9."), STR_INIT(""), false},
		{STR_INIT("(?i)(\xc3\xa9*)*z"), STR_INIT("\xc3\x89"), STR_INIT("Z"), true},
		{STR_INIT(".*.*.*$z"), STR_INIT("a\n"), STR_INIT(""), false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf text;
		repeated(&text, cases[i].part, 50000);
		buf_str(&text, cases[i].end);
		assert_true(search(cases[i].pattern, buf_view(&text)) == cases[i].matches);
		buf_free(&text);
	}
}

static void bounds_scratch(void **state) {
	(void)state;
	struct arena arena, scratch;
	arena_init(&arena, 0);
	arena_init(&scratch, 0);
	struct error error;
	const struct cel_regex *literal = cel_regex_compile(&arena, STR("^key-\\d?"), &error);
	const struct cel_regex *large = cel_regex_compile(&arena, STR("[ab]{1000}c"), &error);
	assert_true(cel_regex_search(literal, STR("key-1"), NULL, &scratch));
	assert_null(scratch.head);

	struct buf text;
	repeated(&text, STR("ab"), 600);
	assert_false(cel_regex_search(large, buf_view(&text), NULL, &scratch));
	assert_non_null(scratch.head);
	arena_free(&scratch);
	buf_lit(&text, "c");
	assert_true(cel_regex_search(large, buf_view(&text), NULL, &scratch));
	assert_false(cel_regex_search(large, (struct str){NULL, 0}, NULL, &scratch));
	arena_free(&scratch);
	buf_free(&text);
	arena_free(&arena);
}

// The pattern may go away after it was compiled.
static void owns_itself(void **state) {
	(void)state;
	struct arena arena, scratch;
	arena_init(&arena, 0);
	arena_init(&scratch, 0);
	struct error error;
	char *pattern = str_to_cstr(STR("(?i)(?P<word>[^\\d]+|z)x"));
	const struct cel_regex *regex = cel_regex_compile(&arena, str_from_cstr(pattern), &error);
	memset(pattern, '(', strlen(pattern));
	free(pattern);
	assert_true(cel_regex_search(regex, STR("abX"), NULL, &scratch));
	assert_false(cel_regex_search(regex, STR("12X"), NULL, &scratch));
	arena_free(&arena);
	arena_free(&scratch);
}

// --- Against the C library, for the syntax that both understand

#define RANDOM_DEPTH 2

static void add_random_alternatives(struct rng *rng, struct buf *out, int depth);

static void add_random_item(struct rng *rng, struct buf *out, int depth) {
	static const char *const atoms[] = {"a",    "b",       "c",    "d",           ".",   "[ab]",
					    "[^a]", "[^b-cd]", "[a-]", "[[:alpha:]]", "\\.", "[0-9b]"};
	static const char *const operators[] = {"", "", "", "*", "+", "?", "{2}", "{0,2}", "{1,}", "{1,3}"};
	uint64_t kind = rng_below(rng, 10);
	if (kind < 2 && depth == RANDOM_DEPTH) { // deeper, the C library loses anchors when it copies what is repeated
		buf_byte(out, kind == 0 ? '^' : '$');
		return;
	}
	if (kind < 4 && depth > 0) {
		buf_lit(out, "(");
		add_random_alternatives(rng, out, depth - 1);
		buf_lit(out, ")");
	} else {
		buf_str(out, str_from_cstr(atoms[rng_below(rng, ARRAY_LEN(atoms))]));
	}
	buf_str(out, str_from_cstr(operators[rng_below(rng, ARRAY_LEN(operators))]));
}

static void add_random_alternatives(struct rng *rng, struct buf *out, int depth) {
	uint64_t branches = 1 + rng_below(rng, 5) / 3;
	for (uint64_t i = 0; i < branches; i++) {
		if (i > 0) buf_lit(out, "|");
		uint64_t items = 1 + rng_below(rng, 3);
		for (uint64_t k = 0; k < items; k++) add_random_item(rng, out, depth);
	}
}

static void add_random_text(struct rng *rng, struct buf *out) {
	static const char letters[] = "aaabbbccd.0-";
	for (uint64_t len = rng_below(rng, 10); len > 0; len--) {
		buf_byte(out, letters[rng_below(rng, sizeof(letters) - 1)]);
	}
	buf_byte(out, '\0');
}

static void agrees_with_posix(void **state) {
	(void)state;
	struct rng rng;
	rng_seed(&rng, 20240607);
	struct buf pattern, text;
	buf_init(&pattern, 64 * 1024);
	buf_init(&text, 1024);
	size_t compared = 0, found = 0, wrong = 0;
	for (int i = 0; i < 3000; i++) {
		struct arena arena;
		struct error error;
		regex_t posix;
		buf_clear(&pattern);
		add_random_alternatives(&rng, &pattern, RANDOM_DEPTH);
		buf_byte(&pattern, '\0');
		if (regcomp(&posix, pattern.ptr, REG_EXTENDED | REG_NOSUB) != 0) continue;
		arena_init(&arena, 0);
		const struct cel_regex *regex = cel_regex_compile(&arena, str_from_cstr(pattern.ptr), &error);
		assert_non_null(regex);
		for (int k = 0; k < 8; k++) {
			buf_clear(&text);
			add_random_text(&rng, &text);
			bool expected = regexec(&posix, text.ptr, 0, NULL, 0) == 0;
			bool got = cel_regex_search(regex, str_from_cstr(text.ptr), NULL, &arena);
			if (got != expected) {
				print_error("`%s` on \"%s\": %d, not %d\n", pattern.ptr, text.ptr, got, expected);
				wrong++;
			}
			compared++;
			found += got;
		}
		regfree(&posix);
		arena_free(&arena);
	}
	buf_free(&pattern);
	buf_free(&text);
	assert_int_equal(wrong, 0);
	assert_true(compared > 20000 && found > compared / 10 && found < compared / 10 * 9);
}

// Whatever bytes come as a pattern: an answer, or an error that says something.
static void survives_noise(void **state) {
	(void)state;
	static const char *const parts[] = {"(",   ")", "(?:",  "(?i)", "(?P<n", ">",   "|",           "*",
					    "+",   "?", "{2",   ",",    "}",     "{3}", "[",           "]",
					    "[^",  "-", "[:",   ":]",   "\\",    "\\p", "\\Q",         "\\E",
					    "\\x", "{", "\\pL", "^",    "$",     "\\b", "\\w",         "a",
					    "Z",   "9", "\xc3", "\xa9", ".",     "\\d", "[[:upper:]]", "k"};
	struct rng rng;
	rng_seed(&rng, 7);
	for (int i = 0; i < 20000; i++) {
		struct buf pattern;
		buf_init(&pattern, 1024);
		for (uint64_t n = 1 + rng_below(&rng, 12); n > 0; n--) {
			buf_str(&pattern, str_from_cstr(parts[rng_below(&rng, ARRAY_LEN(parts))]));
		}
		// A copy of exactly this size, so that a read past the end is noticed.
		char *copy = mem_alloc(pattern.len);
		memcpy(copy, pattern.ptr, pattern.len);
		struct arena arena;
		arena_init(&arena, 0);
		struct error error = {0};
		const struct cel_regex *regex = cel_regex_compile(&arena, str_make(copy, pattern.len), &error);
		assert_true((regex == NULL) == (error.code != ERR_OK));
		if (regex != NULL) (void)cel_regex_search(regex, str_make(copy, pattern.len), NULL, &arena);
		arena_free(&arena);
		free(copy);
		buf_free(&pattern);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_literals),
		cmocka_unit_test(reads_escapes),
		cmocka_unit_test(reads_classes),
		cmocka_unit_test(knows_unicode),
		cmocka_unit_test(asserts_places),
		cmocka_unit_test(repeats),
		cmocka_unit_test(obeys_flags),
		cmocka_unit_test(groups_and_chooses),
		cmocka_unit_test(explains_errors),
		cmocka_unit_test(keeps_limits),
		cmocka_unit_test(nests),
		cmocka_unit_test(stays_linear),
		cmocka_unit_test(bounds_scratch),
		cmocka_unit_test(owns_itself),
		cmocka_unit_test(agrees_with_posix),
		cmocka_unit_test(survives_noise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
