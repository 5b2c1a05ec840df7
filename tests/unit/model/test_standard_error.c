// Error standardisation (spec 02 §5, 03 §12.4).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/check.h"
#include "model/answer.h"
#include "model/answer_body.h"
#include "model/limits.h"
#include "model/utf8.h"
#include "text_asserts.h"

static struct payload *standardise(struct str text) {
	struct answer_body body;
	answer_body_from_text(text, &body);
	struct payload *payload = standard_error_from_body(&body, STR("E500"));
	answer_body_clear(&body);
	return payload;
}

static void test_bodies(void **state) {
	(void)state;
	static const struct {
		const char *body, *expected;
	} cases[] = {
		{"{\"name\":\"MyErr\",\"message\":\"fn boom\",\"stack\":\"at x\"}",
		 "{\"error\":\"E500\",\"message\":\"fn boom\",\"name\":\"MyErr\",\"stack\":\"at x\"}"},
		{"just text", "{\"error\":\"E500\",\"message\":\"just text\",\"name\":\"Error\"}"},
		{"", "{\"error\":\"E500\",\"message\":\"E500\",\"name\":\"Error\"}"},
		{"\"text\"", "{\"error\":\"E500\",\"message\":\"E500\",\"name\":\"Error\"}"},
		{"[1,2]", "{\"error\":\"E500\",\"message\":\"E500\",\"name\":\"Error\"}"},
		{"null", "{\"error\":\"E500\",\"message\":\"E500\",\"name\":\"Error\"}"},
		{"{\"body\":\"{\\\"name\\\":\\\"InnerErr\\\",\\\"message\\\":\\\"deep\\\"}\"}",
		 "{\"error\":\"E500\",\"message\":\"deep\",\"name\":\"InnerErr\"}"},
		{"{\"body\":\"\\\"{\\\\\\\"message\\\\\\\":\\\\\\\"twice\\\\\\\"}\\\"\"}",
		 "{\"error\":\"E500\",\"message\":\"twice\",\"name\":\"Error\"}"},
		{"{\"error\":{\"name\":\"N2\",\"message\":\"m2\",\"cause\":{\"b\":2,\"a\":1}}}",
		 "{\"cause\":{\"a\":1,\"b\":2},\"error\":\"E500\",\"message\":\"m2\",\"name\":\"N2\"}"},
		{"{\"error\":\"plain err\",\"message\":\"mm\"}",
		 "{\"error\":\"plain err\",\"message\":\"mm\",\"name\":\"Error\"}"},
		{"{\"error\":{\"message\":\"first\"},\"body\":{\"message\":\"second\"}}",
		 "{\"error\":\"E500\",\"message\":\"first\",\"name\":\"Error\"}"},
		{"{\"error\":\"[1]\",\"body\":{\"message\":\"second\"}}",
		 "{\"error\":\"E500\",\"message\":\"second\",\"name\":\"Error\"}"},
		{"{\"error\":5,\"name\":\"\",\"message\":7,\"stack\":null}",
		 "{\"error\":\"E500\",\"message\":\"E500\",\"name\":\"Error\"}"},
		{"{\"Message\":\"m\"}", "{\"error\":\"E500\",\"message\":\"E500\",\"name\":\"Error\"}"},
		{"{\"message\":\"Function execution error\"}",
		 "{\"error\":\"E500\",\"message\":\"E500\",\"name\":\"Error\"}"},
		{"\"{\\\"message\\\":\\\"in a string\\\"}\"",
		 "{\"error\":\"E500\",\"message\":\"in a string\",\"name\":\"Error\"}"},
		{"bytes \xc0\x80",
		 "{\"error\":\"E500\",\"message\":\"bytes \xEF\xBF\xBD\xEF\xBF\xBD\",\"name\":\"Error\"}"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct payload *payload = standardise(str_from_cstr(cases[i].body));
		assert_text(payload_str(payload), cases[i].expected);
		payload_unref(payload);
	}
}

// An inner error in a string counts up to 32 KiB.
static void test_inner_limit(void **state) {
	(void)state;
	static const char before[] = "{\"body\":\"{\\\"message\\\":\\\"in\\\",\\\"pad\\\":\\\"", after[] = "\\\"}\"}";
	static const size_t inner = sizeof("{\"message\":\"in\",\"pad\":\"\"}") - 1;
	for (size_t extra = 0; extra < 2; extra++) {
		struct buf body;
		buf_init(&body, 1u << 20);
		buf_append(&body, before, sizeof(before) - 1);
		for (size_t i = inner; i < CALL_INNER_ERROR_MAX + extra; i++) buf_byte(&body, 'p');
		buf_append(&body, after, sizeof(after) - 1);
		struct payload *payload = standardise(buf_view(&body));
		assert_int_equal(str_find_str(payload_str(payload), STR("\"message\":\"in\"")) > 0, extra == 0);
		payload_unref(payload);
		buf_free(&body);
	}
}

static void test_make(void **state) {
	(void)state;
	struct payload *payload = standard_error_make(STR("e\""), STR("n"), STR("m\n"), (struct str){NULL, 0});
	assert_text(payload_str(payload), "{\"error\":\"e\\\"\",\"message\":\"m\\n\",\"name\":\"n\"}");
	payload_unref(payload);
	payload = standard_error_make(STR("e"), STR("n"), STR("m"), STR("s\xff"));
	assert_text(payload_str(payload),
		    "{\"error\":\"e\",\"message\":\"m\",\"name\":\"n\",\"stack\":\"s\xEF\xBF\xBD\"}");
	payload_unref(payload);
}

static void test_utf8(void **state) {
	(void)state;
	assert_true(utf8_valid(STR("")) && utf8_valid(STR("aé€😀")));
	static const struct str bad[] = {STR_INIT("\x80"),
					 STR_INIT("\xc0\x80"),
					 STR_INIT("\xe0\x80\x80"),
					 STR_INIT("\xed\xa0\x80"),
					 STR_INIT("\xf4\x90\x80\x80"),
					 STR_INIT("\xf5"),
					 STR_INIT("\xe2\x82"),
					 STR_INIT("\xff")};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(utf8_valid(bad[i]));
		assert_int_equal(utf8_sequence(bad[i]), 0);
	}
	assert_int_equal(utf8_sequence(STR("€x")), 3);
	assert_text(utf8_clip(STR("a€"), 3), "a");
	assert_text(utf8_clip(STR("a€"), 4), "a€");
	assert_text(utf8_clip(STR("a€"), 0), "");
	assert_text(utf8_clip(STR("\x80\x80\x80\x80\x80\x80"), 5), "\x80\x80");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_inner_limit),
		cmocka_unit_test(test_make),
		cmocka_unit_test(test_utf8),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
