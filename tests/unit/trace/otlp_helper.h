// Bodies for the tests of OTLP: protobuf put together by hand, and the span that the tests are mostly about.
#ifndef TESTS_UNIT_TRACE_OTLP_HELPER_H
#define TESTS_UNIT_TRACE_OTLP_HELPER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"
#include "trace/otlp.h"

#define assert_str(actual, expected)                                                                                  \
	do {                                                                                                          \
		struct str actual_ = (actual);                                                                        \
		if (!str_eq_cstr(actual_, expected))                                                                  \
			fail_msg("%s:%d: got `%.*s`, expected `%s`", __FILE__, __LINE__, STR_ARG(actual_), expected); \
	} while (0)

static inline void pb_uint(struct buf *out, unsigned field, uint64_t value) {
	put_varint(out, field << 3);
	put_varint(out, value);
}
static inline void pb_fixed64(struct buf *out, unsigned field, uint64_t value) {
	put_varint(out, field << 3 | 1);
	put_u64(out, value);
}
static inline void pb_double(struct buf *out, unsigned field, double value) {
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	pb_fixed64(out, field, bits);
}
static inline void pb_bytes(struct buf *out, unsigned field, struct str bytes) {
	put_varint(out, field << 3 | 2);
	put_short_text(out, bytes);
}
static inline void pb_hex(struct buf *out, unsigned field, const char *digits) {
	uint8_t raw[16];
	size_t len = strlen(digits) / 2;
	CHECK(hex_parse(str_from_cstr(digits), raw, len));
	pb_bytes(out, field, str_make(raw, len));
}
// Moves a message into another one as its field.
static inline void pb_message(struct buf *out, unsigned field, struct buf *message) {
	pb_bytes(out, field, buf_view(message));
	buf_free(message);
	buf_init(message, SIZE_MAX / 2);
}
static inline void pb_pair(struct buf *out, unsigned field, const char *key, struct buf *value) {
	struct buf pair;
	buf_init(&pair, SIZE_MAX / 2);
	pb_bytes(&pair, 1, str_from_cstr(key));
	pb_message(&pair, 2, value);
	pb_message(out, field, &pair);
}
static inline void pb_text_pair(struct buf *out, unsigned field, const char *key, const char *text) {
	struct buf value;
	buf_init(&value, SIZE_MAX / 2);
	pb_bytes(&value, 1, str_from_cstr(text));
	pb_pair(out, field, key, &value);
}
// A request of one span, which is given as its message.
static inline void pb_request(struct buf *out, struct buf *span) {
	struct buf scope_spans, resource_spans;
	buf_init(&scope_spans, SIZE_MAX / 2);
	buf_init(&resource_spans, SIZE_MAX / 2);
	pb_message(&scope_spans, 2, span);
	pb_message(&resource_spans, 2, &scope_spans);
	pb_message(out, 1, &resource_spans);
}

#endif
