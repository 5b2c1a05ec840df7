#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/json.h"
#include "base/rng.h"

static void expect_canonical(struct str text, struct str expected) {
	struct buf out;
	struct error error = {0};
	buf_init(&out, SIZE_MAX);
	if (json_canonicalise(&out, text, &error) != ERR_OK) fail_msg("%.*s: %s", STR_ARG(text), error.message);
	if (!str_eq(buf_view(&out), expected)) {
		fail_msg("%.*s gave %.*s, not %.*s", STR_ARG(text), STR_ARG(buf_view(&out)), STR_ARG(expected));
	}
	buf_free(&out);
}

static void numbers_read_as_in_ecmascript(void **state) {
	(void)state;
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"0", "0"},
		{"-0", "0"},
		{"-0.0", "0"},
		{"1.10", "1.1"},
		{"1.0", "1"},
		{"-1", "-1"},
		{"1e21", "1e+21"},
		{"1e20", "100000000000000000000"},
		{"123456789012345678901234567890", "1.2345678901234568e+29"},
		{"12345678901234567890", "12345678901234567000"},
		{"-12345678901234567890", "-12345678901234567000"},
		{"9007199254740991", "9007199254740991"},
		{"-9007199254740991", "-9007199254740991"},
		{"9007199254740992", "9007199254740992"},
		{"9007199254740993", "9007199254740992"},
		{"9223372036854775807", "9223372036854776000"},
		{"-9223372036854775808", "-9223372036854776000"},
		{"18446744073709551615", "18446744073709552000"},
		{"0.000001", "0.000001"},
		{"0.0000001", "1e-7"},
		{"-0.00000012", "-1.2e-7"},
		{"1E-2", "0.01"},
		{"100.5", "100.5"},
		{"5e-324", "5e-324"},
		{"1.7976931348623157e308", "1.7976931348623157e+308"},
		{"5.6843418860808015e-14", "5.684341886080802e-14"}, // 2^-44
		{"333333333.33333329", "333333333.3333333"},
		{"1E30", "1e+30"},
		{"4.50", "4.5"},
		{"2e-3", "0.002"},
		{"0.000000000000000000000000001", "1e-27"},
		{"1795247902496", "1795247902496"},
		{"123456789012345.678", "123456789012345.67"},
		{"123456789012345680000.5", "123456789012345680000"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		expect_canonical(str_from_cstr(cases[i].text), str_from_cstr(cases[i].expected));
	}
}

// Every finite double reads back as itself, in no more digits than 17.
static void numbers_round_trip(void **state) {
	(void)state;
	struct rng rng;
	rng_seed(&rng, 11);
	struct buf out;
	buf_init(&out, SIZE_MAX);
	for (int i = 0; i < 20000; i++) {
		uint64_t bits = rng_next(&rng);
		double value, back;
		memcpy(&value, &bits, sizeof(value));
		if (value != value || value - value != 0) continue;
		buf_clear(&out);
		json_number(&out, value);
		buf_byte(&out, '\0');
		back = strtod(out.ptr, NULL);
		assert_true(back == value);
		assert_true(out.len <= 26);
	}
	buf_free(&out);
}

static void keys_sort_by_utf16(void **state) {
	(void)state;
	expect_canonical(STR("{ \"b\" : 1 , \"a\" : [ 1 , { } , [ ] ] }"), STR("{\"a\":[1,{},[]],\"b\":1}"));
	expect_canonical(STR("{\"a\":1,\"b\":2}"), STR("{\"a\":1,\"b\":2}"));
	expect_canonical(STR("{\"aa\":1,\"a\":2,\"\":3,\"B\":4}"), STR("{\"\":3,\"B\":4,\"a\":2,\"aa\":1}"));
	// RFC 8785 §3.2.3; U+FB33 comes after the surrogate pair of U+1F600.
	expect_canonical(
		STR("{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}"),
		STR("{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\u00f6\":7,\"\u20ac\":1,\"\U0001F600\":5,\"\ufb33\":3}"));
	expect_canonical(STR("{\"\\uffff\":1,\"\\ud7ff\":2,\"\\ud800\\udc00\":3,\"\\udbff\\udfff\":4,\"\\ue000\":5}"),
			 STR("{\"\ud7ff\":2,\"\U00010000\":3,\"\U0010FFFF\":4,\"\ue000\":5,\"\uffff\":1}"));
}

static void the_last_duplicate_wins(void **state) {
	(void)state;
	expect_canonical(STR("{\"a\":1,\"a\":2}"), STR("{\"a\":2}"));
	expect_canonical(STR("{\"b\":0,\"a\":1,\"c\":{},\"a\":2,\"b\":[],\"a\":3}"),
			 STR("{\"a\":3,\"b\":[],\"c\":{}}"));
}

static void many_keys_sort(void **state) {
	(void)state;
	struct buf text, expected;
	buf_init(&text, SIZE_MAX);
	buf_init(&expected, SIZE_MAX);
	for (int i = 0; i < 1000; i++) {
		buf_printf(&text, "%s\"k%03d\":%d", i > 0 ? "," : "{\"k500\":0,", (i * 617 + 5) % 1000,
			   (i * 617 + 5) % 1000);
		buf_printf(&expected, "%s\"k%03d\":%d", i > 0 ? "," : "{", i, i);
	}
	buf_byte(&text, '}');
	buf_byte(&expected, '}');
	expect_canonical(buf_view(&text), buf_view(&expected));
	buf_free(&text);
	buf_free(&expected);
}

static void strings_escape_minimally(void **state) {
	(void)state;
	expect_canonical(STR("\"\\u0041\\/\\u003c\\u2028\\u00e9\\u000A\\u001F\\u007f\\\"\\\\\""),
			 STR("\"A/<\u2028\u00e9\\n\\u001f\x7f\\\"\\\\\""));
	expect_canonical(STR("[\"\\u0000\",true,false,null]"), STR("[\"\\u0000\",true,false,null]"));
}

static void unsound_characters_are_replaced(void **state) {
	(void)state;
	expect_canonical(STR("\"\\ud800\""), STR("\"\ufffd\""));
	expect_canonical(STR("\"\\udc00x\""), STR("\"\ufffdx\""));
	expect_canonical(STR("\"\\ud800\\ud83d\\ude00\""), STR("\"\ufffd\U0001F600\""));
	expect_canonical(STR("\"\\ud800\\n\\\\udc00\\\"\\ud800\""), STR("\"\ufffd\\n\\\\udc00\\\"\ufffd\""));
	expect_canonical(STR("{\"\\uDFFF\":\"a\xff\xc3z\",\"b\":\"\xed\xa0\x80\"}"),
			 STR("{\"b\":\"\ufffd\ufffd\ufffd\",\"\ufffd\":\"a\ufffd\ufffdz\"}"));
	size_t consumed = 0;
	struct str text = STR("\"\xff\\ud800\"  tail \\ud800");
	char copy[64];
	memcpy(copy, text.ptr, text.len);
	yyjson_doc *doc = json_read(str_make(copy, text.len), true, &consumed, NULL);
	assert_non_null(doc);
	assert_int_equal(consumed, 9);
	assert_memory_equal(copy, text.ptr, text.len); // the text itself stays
	yyjson_doc_free(doc);
}

static void bad_texts_are_refused(void **state) {
	(void)state;
	static const char *const truncated[] = {
		"", " \n", "{", "[1,", "{\"a\":", "{\"a\"", "\"abc", "tru", "[", "{\"a\":1"};
	static const char *const wrong[] = {
		"}",         "{a:1}", "[1,]", "01",     "1e400",   "NaN",         "'x'",
		"{} {}",     "nul0",  "+1",   "\"\n\"", "\"\\x\"", "\"\\u12g4\"", "\"\\ud800\\u12\"x",
		"1 /* c */", "\xff"};
	struct error error;
	for (size_t i = 0; i < ARRAY_LEN(truncated); i++) {
		assert_null(json_read(str_from_cstr(truncated[i]), false, NULL, &error));
		assert_int_equal(error.code, ERR_INVALID);
		if (strcmp(error.message, "unexpected end of JSON input") != 0) {
			fail_msg("%s: %s", truncated[i], error.message);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_null(json_read(str_from_cstr(wrong[i]), false, NULL, &error));
		assert_int_equal(error.code, ERR_INVALID);
		if (strstr(error.message, " at byte ") == NULL) fail_msg("%s: %s", wrong[i], error.message);
	}
	assert_null(json_read((struct str){NULL, 0}, false, NULL, NULL));
}

static void trailing_bytes_can_be_left(void **state) {
	(void)state;
	size_t consumed = 0;
	yyjson_doc *doc = json_read(STR(" {\"a\":1} {\"b\":2}"), true, &consumed, NULL);
	assert_non_null(doc);
	assert_int_equal(consumed, 8);
	yyjson_doc_free(doc);
	assert_null(json_read(STR("{} x"), false, NULL, NULL));
}

static void nest(struct buf *text, size_t depth, struct str inside, const char *open, const char *close) {
	buf_clear(text);
	for (size_t i = 0; i < depth; i++) buf_str(text, str_from_cstr(open));
	buf_str(text, inside);
	for (size_t i = 0; i < depth; i++) buf_str(text, str_from_cstr(close));
}

static void depth_is_limited(void **state) {
	(void)state;
	struct buf text, out;
	struct error error;
	buf_init(&text, SIZE_MAX);
	buf_init(&out, SIZE_MAX);
	nest(&text, JSON_DEPTH_MAX, STR(""), "[", "]");
	expect_canonical(buf_view(&text), buf_view(&text));
	nest(&text, JSON_DEPTH_MAX, STR("1"), "{\"b\":0,\"a\":", "}");
	assert_int_equal(json_canonicalise(&out, buf_view(&text), &error), ERR_OK);
	nest(&text, JSON_DEPTH_MAX + 1, STR(""), "[", "]");
	assert_int_equal(json_canonicalise(&out, buf_view(&text), &error), ERR_INVALID);
	nest(&text, 2000000, STR("\"\\ud800\""), "[", "]");
	assert_int_equal(json_canonicalise(&out, buf_view(&text), &error), ERR_INVALID);
	nest(&text, 2000000, STR(""), "[", "");
	assert_int_equal(json_canonicalise(&out, buf_view(&text), &error), ERR_INVALID);
	nest(&text, 2000, STR(""), "[", "");
	buf_clear(&out);
	buf_lit(&out, "[{\"x\":[]},\"\\\"");
	buf_str(&out, buf_view(&text)); // brackets in a string are not depth
	buf_lit(&out, "\\\\\"");
	for (int i = 0; i < 2000; i++) buf_lit(&out, ",[]"); // nor are brackets side by side
	buf_lit(&out, "]");
	yyjson_doc *doc = json_read(buf_view(&out), false, NULL, NULL);
	assert_non_null(doc);
	yyjson_doc_free(doc);
	buf_free(&text);
	buf_free(&out);
}

static void members_are_found(void **state) {
	(void)state;
	yyjson_doc *doc =
		json_read(STR("{\"Name\":1,\"name\":2,\"NAME\":3,\"Id\":4,\"iD\":5,\"Id\":6}"), false, NULL, NULL);
	yyjson_val *root = yyjson_doc_get_root(doc);
	assert_int_equal(yyjson_get_int(json_get(root, STR("name"))), 2);
	assert_int_equal(yyjson_get_int(json_get(root, STR("id"))), 6);
	assert_int_equal(yyjson_get_int(json_get(root, STR("Id"))), 6);
	assert_int_equal(yyjson_get_int(json_get(root, STR("iD"))), 5);
	assert_null(json_get_exact(root, STR("id")));
	assert_null(json_get(root, STR("x")));
	assert_null(json_get(NULL, STR("x")));
	assert_null(json_get(json_get(root, STR("name")), STR("x")));
	assert_int_equal(json_str(json_get(root, STR("name"))).len, 0);
	yyjson_doc_free(doc);
}

static void payloads_are_built_in_place(void **state) {
	(void)state;
	yyjson_doc *doc = json_read(STR("{\"b\":2,\"a\":\"x\"}"), false, NULL, NULL);
	yyjson_val *root = yyjson_doc_get_root(doc);
	struct payload *payload = json_canonical_payload(STR("{\"data\":"), root, STR("}"), 1000);
	assert_non_null(payload);
	assert_string_equal(payload->bytes, "{\"data\":{\"a\":\"x\",\"b\":2}}");
	assert_int_equal(payload->len, strlen(payload->bytes));
	size_t len = payload->len;
	payload_unref(payload);
	payload = json_canonical_payload(STR("{\"data\":"), root, STR("}"), len);
	assert_non_null(payload);
	payload_unref(payload);
	assert_null(json_canonical_payload(STR("{\"data\":"), root, STR("}"), len - 1));
	assert_null(json_canonical_payload(STR(""), root, STR(""), 0));
	struct str none = {NULL, 0};
	payload = json_canonical_payload(none, NULL, none, SIZE_MAX);
	assert_string_equal(payload->bytes, "null");
	payload_unref(payload);
	struct buf small;
	struct error error;
	buf_init(&small, 5);
	assert_int_equal(json_canonicalise(&small, STR("[1,2,3]"), &error), ERR_TOO_LARGE);
	buf_free(&small);
	yyjson_doc_free(doc);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_read_as_in_ecmascript),
		cmocka_unit_test(numbers_round_trip),
		cmocka_unit_test(keys_sort_by_utf16),
		cmocka_unit_test(the_last_duplicate_wins),
		cmocka_unit_test(many_keys_sort),
		cmocka_unit_test(strings_escape_minimally),
		cmocka_unit_test(unsound_characters_are_replaced),
		cmocka_unit_test(bad_texts_are_refused),
		cmocka_unit_test(trailing_bytes_can_be_left),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(members_are_found),
		cmocka_unit_test(payloads_are_built_in_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
