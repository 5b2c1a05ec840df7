// Arena, buffer, payload, error.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/error.h"
#include "base/payload.h"

static void arena_gives_aligned_separate_pieces(void **state) {
	(void)state;
	struct arena arena;
	arena_init(&arena, 100);
	char *pieces[300];
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		size_t size = i * 7 % 200;
		pieces[i] = arena_alloc(&arena, size);
		assert_int_equal((uintptr_t)pieces[i] % 16, 0);
		memset(pieces[i], (int)(i & 0xff), size);
	}
	char *large = arena_alloc(&arena, 3000000);
	memset(large, 1, 3000000);
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		for (size_t k = 0; k < i * 7 % 200; k++) assert_int_equal((unsigned char)pieces[i][k], i & 0xff);
	}
	assert_non_null(arena_alloc(&arena, 0));
	int *zeros = ARENA_ARRAY(&arena, int, 1000);
	for (int i = 0; i < 1000; i++) assert_int_equal(zeros[i], 0);
	arena_free(&arena);
	arena_free(&arena); // twice is harmless
}

static void arena_makes_text(void **state) {
	(void)state;
	struct arena arena = {0}; // zeroed is as good as initialised
	struct str text = arena_dup(&arena, STR("abc"));
	assert_string_equal(text.ptr, "abc");
	assert_string_equal(arena_dup(&arena, (struct str){NULL, 0}).ptr, "");
	assert_string_equal(arena_cat(&arena, text, STR("def")).ptr, "abcdef");
	assert_string_equal(arena_printf(&arena, "%s-%d", "n", 42).ptr, "n-42");
	struct str wide = arena_printf(&arena, "%5000d", 7);
	assert_int_equal(wide.len, 5000);
	assert_int_equal(strlen(wide.ptr), 5000);
	arena_free(&arena);
}

static void buf_appends(void **state) {
	(void)state;
	struct buf buf;
	buf_init(&buf, SIZE_MAX);
	buf_lit(&buf, "x=");
	buf_u64(&buf, UINT64_MAX);
	buf_byte(&buf, ' ');
	buf_i64(&buf, INT64_MIN);
	buf_i64(&buf, 0);
	buf_printf(&buf, " %s", "end");
	buf_str(&buf, (struct str){NULL, 0});
	assert_true(str_eq_cstr(buf_view(&buf), "x=18446744073709551615 -92233720368547758080 end"));
	buf_clear(&buf);
	buf_printf(&buf, "%1000d", 1);
	assert_int_equal(buf.len, 1000);
	buf_free(&buf);
	assert_null(buf.ptr);
}

static void buf_refuses_to_outgrow_its_maximum(void **state) {
	(void)state;
	struct buf buf;
	buf_init(&buf, 10);
	buf_lit(&buf, "12345678");
	assert_false(buf.overflow);
	buf_lit(&buf, "abc");
	assert_true(buf.overflow);
	assert_int_equal(buf.len, 8);
	buf_byte(&buf, 'x'); // sticky
	assert_int_equal(buf.len, 8);
	assert_true(buf.cap <= 10);
	buf_clear(&buf);
	buf_lit(&buf, "1234567890");
	assert_false(buf.overflow);
	buf_byte(&buf, 'x');
	assert_true(buf.overflow);
	buf_clear(&buf);
	buf_json_str(&buf, STR("1234567\n")); // 11 bytes escaped: dropped whole
	assert_true(buf.overflow);
	assert_int_equal(buf.len, 0);
	buf_clear(&buf);
	buf_json_str(&buf, STR("123456\n"));
	assert_false(buf.overflow);
	assert_true(str_eq_cstr(buf_view(&buf), "\"123456\\n\""));
	buf_clear(&buf);
	buf_printf(&buf, "%300d", 1);
	assert_true(buf.overflow);
	buf_free(&buf);
	buf_init(&buf, 3);
	buf_i64(&buf, -12345);
	assert_true(buf.overflow);
	assert_int_equal(buf.len, 0);
	buf_clear(&buf);
	buf_i64(&buf, -12);
	assert_true(str_eq_cstr(buf_view(&buf), "-12"));
	buf_free(&buf);
}

static void buf_escapes_json_minimally(void **state) {
	(void)state;
	struct buf buf;
	buf_init(&buf, SIZE_MAX);
	buf_json_str(&buf, STR("<&>/ \"q\" \\ \b\t\n\f\r \x01\x1f\x7f \u00e9\u2028\U0001F600 and a long plain tail"));
	assert_true(str_eq_cstr(buf_view(&buf), "\"<&>/ \\\"q\\\" \\\\ \\b\\t\\n\\f\\r \\u0001\\u001f\x7f "
						"\u00e9\u2028\U0001F600 and a long plain tail\""));
	// Every byte at every place of a word.
	for (int place = 0; place < 20; place++) {
		for (int byte = 0; byte < 256; byte++) {
			char text[20];
			memset(text, 'a', sizeof(text));
			text[place] = (char)byte;
			buf_clear(&buf);
			buf_json_str(&buf, str_make(text, sizeof(text)));
			size_t extra = byte == '"' || byte == '\\' || (byte >= 8 && byte <= 13 && byte != 11) ? 1
				       : byte < 32                                                            ? 5
													      : 0;
			assert_int_equal(buf.len, 22 + extra);
		}
	}
	buf_clear(&buf);
	buf_json_str(&buf, (struct str){"\0", 1});
	assert_true(str_eq_cstr(buf_view(&buf), "\"\\u0000\""));
	buf_clear(&buf);
	buf_json_str(&buf, (struct str){NULL, 0});
	assert_true(str_eq_cstr(buf_view(&buf), "\"\""));
	buf_free(&buf);
}

static void payload_counts(void **state) {
	(void)state;
	struct payload *payload = payload_new(STR("{}"));
	assert_string_equal(payload->bytes, "{}");
	assert_ptr_equal(payload_ref(payload), payload);
	payload_unref(payload);
	assert_true(str_eq_cstr(payload_str(payload), "{}"));
	payload_unref(payload);
	payload_unref(NULL);
	assert_null(payload_ref(NULL));
	assert_int_equal(payload_str(NULL).len, 0);
	payload = payload_alloc(3);
	assert_int_equal(payload->bytes[3], 0);
	payload_unref(payload);
}

static void error_carries_a_message(void **state) {
	(void)state;
	struct error error;
	assert_int_equal(error_set(&error, ERR_INVALID, "bad port %d", 99), ERR_INVALID);
	assert_int_equal(error.code, ERR_INVALID);
	assert_string_equal(error.message, "bad port 99");
	error_prefix(&error, "flag --%s", "port");
	assert_string_equal(error.message, "flag --port: bad port 99");
	assert_int_equal(error_set(NULL, ERR_IO, "x"), ERR_IO);
	error_prefix(NULL, "x");
	assert_string_equal(err_name(ERR_OK), "ok");
	assert_string_equal(err_name((enum err)99), "unknown");
}

static void error_cuts_between_characters(void **state) {
	(void)state;
	struct error error;
	for (int lead = 500; lead < 516; lead++) {
		assert_int_equal(error_set(&error, ERR_INVALID, "%*d\U0001F600\U0001F600", lead, 1), ERR_INVALID);
		struct str message = str_from_cstr(error.message);
		assert_true(message.len < sizeof(error.message));
		assert_int_equal(str_utf8_prefix(message), message.len);
		if (lead + 4 < (int)sizeof(error.message)) assert_true(message.len >= (size_t)lead + 4);
	}
	error_prefix(&error, "%600d", 1);
	assert_int_equal(strlen(error.message), sizeof(error.message) - 1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_gives_aligned_separate_pieces),
		cmocka_unit_test(arena_makes_text),
		cmocka_unit_test(buf_appends),
		cmocka_unit_test(buf_refuses_to_outgrow_its_maximum),
		cmocka_unit_test(buf_escapes_json_minimally),
		cmocka_unit_test(payload_counts),
		cmocka_unit_test(error_carries_a_message),
		cmocka_unit_test(error_cuts_between_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
