// gzip and br: whole, in several members, cut short, damaged, too large.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/check.h"
#include "driver/http_decode.h"

static struct str gzip(struct str text, unsigned char *out, size_t size) {
	z_stream stream = {.next_in = (Bytef *)(uintptr_t)text.ptr,
			   .avail_in = (uInt)text.len,
			   .next_out = out,
			   .avail_out = (uInt)size};
	assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	struct str result = str_make(out, stream.total_out);
	deflateEnd(&stream);
	return result;
}

static enum http_decoded decode(const char *encoding, struct str body, size_t max, const char *expected) {
	struct buf out;
	buf_init(&out, max);
	enum http_decoded result = http_decode(str_from_cstr(encoding), body, &out);
	if (expected != NULL) assert_true(str_eq_cstr(buf_view(&out), expected));
	buf_free(&out);
	return result;
}

static void test_gzip(void **state) {
	(void)state;
	unsigned char bytes[256];
	struct str body = gzip(STR("{\"a\":1}"), bytes, sizeof bytes);
	assert_int_equal(decode("GZip", body, 100, "{\"a\":1}"), HTTP_DECODED);
	assert_int_equal(decode("gzip", body, 7, "{\"a\":1}"), HTTP_DECODED);
	assert_int_equal(decode("gzip", body, 6, "{\"a\":1"), HTTP_DECODED_TOO_LARGE);
	struct str more = gzip(STR("!"), bytes + body.len, sizeof bytes - body.len);
	assert_int_equal(decode("gzip", str_make(bytes, body.len + more.len), 100, "{\"a\":1}!"), HTTP_DECODED);
}

static void test_every_cut_is_noticed(void **state) {
	(void)state;
	unsigned char bytes[256];
	struct str body = gzip(STR("a text that is a little longer"), bytes, sizeof bytes);
	for (size_t len = 0; len < body.len; len++) {
		assert_int_equal(decode("gzip", str_first(body, len), 100, NULL), HTTP_DECODED_BROKEN);
	}
	bytes[body.len - 6] ^= 1; // the checksum
	assert_int_equal(decode("gzip", body, 100, NULL), HTTP_DECODED_BROKEN);
	assert_int_equal(decode("gzip", STR("not gzip at all"), 100, NULL), HTTP_DECODED_BROKEN);
}

// "ok" as brotli: one uncompressed meta-block and the empty last one.
static const unsigned char brotli_ok[] = {0x8b, 0x00, 0x80, 'o', 'k', 0x03};

static void test_brotli(void **state) {
	(void)state;
	struct str body = str_make(brotli_ok, sizeof brotli_ok);
	assert_int_equal(decode("br", body, 100, NULL), HTTP_DECODED);
	assert_int_equal(decode("br", body, 1, NULL), HTTP_DECODED_TOO_LARGE);
	for (size_t len = 0; len < body.len; len++) {
		assert_int_equal(decode("br", str_first(body, len), 100, NULL), HTTP_DECODED_BROKEN);
	}
	assert_int_equal(decode("br", STR("\xff\xff\xff\xff"), 100, NULL), HTTP_DECODED_BROKEN);
}

// A few bytes that unfold to gigabytes stop at the maximum.
static void test_bomb(void **state) {
	(void)state;
	size_t size = 32u << 20;
	char *zeros = mem_calloc(1, size);
	unsigned char *bytes = mem_alloc(size / 100);
	struct str body = gzip(str_make(zeros, size), bytes, size / 100);
	assert_int_equal(decode("gzip", body, 1u << 20, NULL), HTTP_DECODED_TOO_LARGE);
	free(zeros);
	free(bytes);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_every_cut_is_noticed),
		cmocka_unit_test(test_brotli),
		cmocka_unit_test(test_bomb),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
