// Documents as text, printed again from what the parser made of them; mistakes with their places.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "graphql/lexer.h"
#include "print.h"

static void parses(const char *text, const char *expected) {
	struct arena arena;
	struct gql_document document;
	struct gql_errors errors = {.count = 0};
	struct buf out;
	arena_init(&arena, 0);
	buf_init(&out, 1u << 20);
	bool good = gql_parse(&arena, str_from_cstr(text), &document, &errors);
	if (!good) print_error("%s: %.*s\n", text, STR_ARG(errors.items[0].message));
	assert_true(good);
	print_document(&out, &document);
	buf_byte(&out, '\0');
	assert_string_equal(out.ptr, expected);
	buf_free(&out);
	arena_free(&arena);
}

static void fails_text(struct str text, const char *message, unsigned line, unsigned column) {
	struct arena arena;
	struct gql_document document;
	struct gql_errors errors = {.count = 0};
	arena_init(&arena, 0);
	assert_false(gql_parse(&arena, text, &document, &errors));
	assert_int_equal(errors.count, 1);
	struct str found = arena_dup(&arena, errors.items[0].message);
	assert_string_equal(found.ptr, message);
	assert_int_equal(errors.items[0].location.line, line);
	assert_int_equal(errors.items[0].location.column, column);
	assert_string_equal(errors.items[0].code, "GRAPHQL_PARSE_FAILED");
	arena_free(&arena);
}
static void fails(const char *text, const char *message, unsigned line, unsigned column) {
	fails_text(str_from_cstr(text), message, line, column);
}

// `{f(a:TEXT)}` has a string of this content.
static void is_string(const char *text, const char *expected) {
	struct arena arena;
	struct gql_literal literal;
	struct gql_errors errors = {.count = 0};
	arena_init(&arena, 0);
	bool good = gql_parse_literal(&arena, str_from_cstr(text), &literal, &errors);
	if (!good) print_error("%s: %.*s\n", text, STR_ARG(errors.items[0].message));
	assert_true(good);
	assert_int_equal(literal.kind, GQL_LITERAL_STRING);
	assert_string_equal(arena_dup(&arena, literal.text).ptr, expected);
	arena_free(&arena);
}

static void test_operations(void **state) {
	(void)state;
	parses("{a}", "query{a}");
	parses("\xef\xbb\xbf{a}", "query{a}");
	parses(" # comment\r\n,,{ a, b #x\n}\n#end", "query{a b}");
	parses("query{a} query Q{a} mutation M{b} subscription S{c}",
	       "query{a}query Q{a}mutation M{b}subscription S{c}");
	parses("query query{query}", "query query{query}");
	parses("query ($a: Int!, $b: [[String!]]! = [\"x\"] @d, $c: X = {k: 1}) @e(f: 1) {a}",
	       "query($a:Int!$b:[[String!]]!=[\"x\"]@d $c:X={k:1})@e(f:1){a}");
	parses("", "");
	parses(" # nothing", "");
}

static void test_selections(void **state) {
	(void)state;
	parses("{a:b c:d(x:1){e}}", "query{a:b c:d(x:1){e}}");
	parses("{on true null fragment}", "query{on true null fragment}");
	parses("{...F ... on T{a} ...{b} ...@skip(if:$x){c} ...F@d}",
	       "query{...F ...on T{a} ...{b} ...@skip(if:$x){c} ...F@d}");
	parses("fragment F on T @d {a} {a}", "query{a}fragment F on T@d{a}");
	parses("{a @include(if: true) @skip(if: $b)}", "query{a@include(if:true)@skip(if:$b)}");
}

static void test_values(void **state) {
	(void)state;
	parses("{a(i:0 j:-12 f:1.5e-3 g:1E9 s:\"x\" t:true n:null e:RED v:$v l:[] m:[1,[2]] o:{} p:{a:{b:$c}})}",
	       "query{a(i:0 j:-12 f:1.5e-3 g:1E9 s:\"x\" t:true n:null e:RED v:$v l:[] m:[1 [2]] o:{} p:{a:{b:$c}})}");
}

static void test_strings(void **state) {
	(void)state;
	is_string("\"\"", "");
	is_string("\"a\\n\\\"\\\\\\/\\b\\f\\r\\t\"", "a\n\"\\/\b\f\r\t");
	is_string("\"\\u00e9 \\u{1F600} \\u{00000041} \\ud83d\\ude00\"",
		  "\xc3\xa9 \xf0\x9f\x98\x80 A \xf0\x9f\x98\x80");
	is_string("\"\xc3\xa9 # no comment\"", "\xc3\xa9 # no comment");
	is_string("\"\"\"\"\"\"", "");
	is_string("\"\"\"one\"\"\"", "one");
	is_string("\"\"\" \"quoted\" \\n \\\"\"\" \"\"\"", " \"quoted\" \\n \"\"\" ");
	is_string("\"\"\"\n    Hello,\r\n      World!\n\n    Yours,\r      GraphQL.\n  \"\"\"",
		  "Hello,\n  World!\n\nYours,\n  GraphQL.");
	is_string("\"\"\"  first\n    second\n   third\n\n\"\"\"", "  first\n second\nthird");
	is_string("\"\"\"\n \n\t\n\"\"\"", "");
}

static void test_string_mistakes(void **state) {
	(void)state;
	fails("{a(b:\"x)}", "Unterminated string.", 1, 10);
	fails("{a(b:\"x\n\")}", "Unterminated string.", 1, 8);
	fails("{a(b:\"\"\"x\n\"\")}", "Unterminated string.", 2, 5);
	fails("{a(b:\"\\x\")}", "Invalid character escape sequence: \\x.", 1, 7);
	fails("{a(b:\"\\", "Invalid character escape sequence: \\<EOF>.", 1, 7);
	fails("{a(b:\"\\u12\")}", "Invalid Unicode escape sequence: \\u12.", 1, 7);
	fails("{a(b:\"\\ud800\")}", "Invalid Unicode escape sequence: \\ud800.", 1, 7);
	fails("{a(b:\"\\udc00\\ud800\")}", "Invalid Unicode escape sequence: \\udc00.", 1, 7);
	fails("{a(b:\"\\ud800\\u0041\")}", "Invalid Unicode escape sequence: \\ud800\\u0041.", 1, 7);
	fails("{a(b:\"\\u{110000}\")}", "Invalid Unicode escape sequence: \\u{110000}.", 1, 7);
	fails("{a(b:\"\\u{}\")}", "Invalid Unicode escape sequence: \\u{.", 1, 7);
	fails("{a(b:\"\\u{d83d}\\u{de00}\")}", "Invalid Unicode escape sequence: \\u{d83d}.", 1, 7);
	fails("{a(b:\"\x07\")}", "Invalid character within String: \\u0007.", 1, 7);
}

static void test_number_mistakes(void **state) {
	(void)state;
	fails("{a(b:01)}", "Invalid number, unexpected digit after 0: 1.", 1, 7);
	fails("{a(b:-)}", "Invalid number, expected digit but got: ).", 1, 7);
	fails("{a(b:1.)}", "Invalid number, expected digit but got: ).", 1, 8);
	fails("{a(b:1.2.3)}", "Invalid number, expected digit but got: ..", 1, 9);
	fails("{a(b:1e)}", "Invalid number, expected digit but got: ).", 1, 8);
	fails("{a(b:0x1)}", "Invalid number, expected digit but got: x.", 1, 7);
	fails("{a(b:1", "Expected Name, found <EOF>", 1, 7);
	fails("{a(b:-", "Invalid number, expected digit but got: <EOF>.", 1, 7);
}

static void test_mistakes(void **state) {
	(void)state;
	fails("{", "Expected Name, found <EOF>", 1, 2);
	fails("{}", "Expected Name, found }", 1, 2);
	fails("{a", "Expected Name, found <EOF>", 1, 3);
	fails("{a()}", "Expected Name, found )", 1, 4);
	fails("{a(b)}", "Expected :, found )", 1, 5);
	fails("{a(b:)}", "Unexpected )", 1, 6);
	fails("{a:{}}", "Expected Name, found {", 1, 4);
	fails("{a}}", "Unexpected }", 1, 4);
	fails("...", "Unexpected ...", 1, 1);
	fails("type A {a}", "Unexpected Name \"type\"", 1, 1);
	fails("\"description\" {a}", "Unexpected String \"description\"", 1, 1);
	fails("query", "Expected {, found <EOF>", 1, 6);
	fails("query($a){a}", "Expected :, found )", 1, 9);
	fails("query($a:[Int){a}", "Expected ], found )", 1, 14);
	fails("query(){a}", "Expected $, found )", 1, 7);
	fails("query($a:I={a:[$b]}){a}", "Unexpected $", 1, 16);
	fails("{...on}", "Expected Name, found }", 1, 7);
	fails("{...F}\nfragment F T{a}", "Expected \"on\", found Name", 2, 12);
	fails("fragment on on T{a}", "Unexpected Name \"on\"", 1, 10);
	fails("{a(b:'x')}", "Unexpected single quote character ('), did you mean to use a double quote (\")?", 1, 6);
	fails("{a?}", "Cannot parse the unexpected character \"?\".", 1, 3);
	fails("{\xc3\xa9}", "Cannot parse the unexpected character \"\xc3\xa9\".", 1, 2);
	fails("{a..b}", "Cannot parse the unexpected character \".\".", 1, 3);
	fails("\r\n{\n a(x:\"\xf0\x9f\x98\x80\") ?}", "Cannot parse the unexpected character \"?\".", 3, 11);
	fails("{\ra\r\n\r\n?}", "Cannot parse the unexpected character \"?\".", 4, 1);
	fails_text(STR("{a\0}"), "Cannot contain the invalid character \"\\u0000\".", 1, 3);
	fails_text(STR("{a # \x01\n}"), "Cannot contain the invalid character \"\\u0001\".", 1, 6);
	fails("{a(b:\"\xff\")}", "The document is not valid UTF-8.", 1, 1);
}

static void test_literals(void **state) {
	struct arena arena;
	struct gql_literal literal;
	struct gql_errors errors = {.count = 0};
	(void)state;
	arena_init(&arena, 0);
	assert_true(gql_parse_literal(&arena, STR("100"), &literal, &errors));
	assert_int_equal(literal.kind, GQL_LITERAL_INT);
	assert_true(gql_parse_literal(&arena, STR("{a: [X]}"), &literal, &errors));
	assert_int_equal(literal.kind, GQL_LITERAL_OBJECT);
	assert_false(gql_parse_literal(&arena, STR("1 2"), &literal, &errors));
	assert_false(gql_parse_literal(&arena, STR("$a"), &literal, &errors));
	assert_false(gql_parse_literal(&arena, STR(""), &literal, &errors));
	assert_int_equal(errors.count, 3);
	arena_free(&arena);
}

// open × count, middle, close × count
static struct str nested(struct buf *out, const char *open, const char *middle, const char *close, size_t count) {
	buf_init(out, 64u << 20);
	for (size_t i = 0; i < count; i++) buf_str(out, str_from_cstr(open));
	buf_str(out, str_from_cstr(middle));
	for (size_t i = 0; i < count; i++) buf_str(out, str_from_cstr(close));
	return buf_view(out);
}

static bool is_parsed(struct str text) {
	struct arena arena;
	struct gql_document document;
	struct gql_errors errors = {.count = 0};
	arena_init(&arena, 0);
	bool good = gql_parse(&arena, text, &document, &errors);
	assert_int_equal(errors.count, good ? 0 : 1);
	arena_free(&arena);
	return good;
}

static void test_limits(void **state) {
	static const struct { const char *open, *close; } pairs[] = {{"{a", "}"}, {"{...", "}"}};
	struct buf text;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		bool is_field = i == 0;
		assert_true(is_parsed(nested(&text, pairs[i].open, is_field ? "" : "{a}", pairs[i].close,
					     GQL_NESTING_MAX - (is_field ? 0 : 1))));
		buf_free(&text);
		assert_false(is_parsed(nested(&text, pairs[i].open, is_field ? "" : "{a}", pairs[i].close, 100000)));
		buf_free(&text);
	}
	fails_text(nested(&text, "[", "1", "]", 300), "Unexpected [", 1, 1);
	buf_free(&text);
	struct buf value, whole;
	buf_init(&whole, 1u << 20);
	struct str inner = nested(&value, "[{x:", "1", "}]", 200);
	buf_printf(&whole, "{a(b:%.*s)}", STR_ARG(inner));
	fails_text(buf_view(&whole), "exceeded nesting limit of 200", 1, 403);
	buf_free(&value);
	buf_clear(&whole);
	inner = nested(&value, "[", "A", "]", 201);
	buf_printf(&whole, "query($a:%.*s){b}", STR_ARG(inner));
	fails_text(buf_view(&whole), "exceeded nesting limit of 200", 1, 210);
	buf_free(&value);
	buf_free(&whole);
	assert_true(is_parsed(nested(&text, "", "{", "a ", GQL_TOKENS_MAX - 2)) == false); // no "}"
	buf_str(&text, STR("}"));
	assert_true(is_parsed(buf_view(&text)));
	buf_str(&text, STR(" {a}"));
	assert_false(is_parsed(buf_view(&text)));
	buf_free(&text);
	assert_false(is_parsed(nested(&text, "-1 ", "", "", 100000)));
	buf_free(&text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operations),      cmocka_unit_test(test_selections),
		cmocka_unit_test(test_values),          cmocka_unit_test(test_strings),
		cmocka_unit_test(test_string_mistakes), cmocka_unit_test(test_number_mistakes),
		cmocka_unit_test(test_mistakes),        cmocka_unit_test(test_literals),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
