#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

#define FIRST_CAPACITY 256

void buf_init(struct buf *buf, size_t max_bytes) {
	*buf = (struct buf){.max_bytes = max_bytes};
}

void buf_free(struct buf *buf) {
	free(buf->ptr);
	*buf = (struct buf){.max_bytes = buf->max_bytes};
}

void buf_clear(struct buf *buf) {
	buf->len = 0;
	buf->overflow = false;
}

bool buf_reserve(struct buf *buf, size_t extra) {
	if (buf->overflow) return false;
	if (extra <= buf->cap - buf->len) return true;
	if (buf->len > buf->max_bytes || extra > buf->max_bytes - buf->len) {
		buf->overflow = true;
		return false;
	}
	size_t wanted = buf->len + extra;
	size_t cap = buf->cap > 0 ? buf->cap : FIRST_CAPACITY;
	while (cap < wanted) cap = cap <= SIZE_MAX / 2 ? cap * 2 : wanted;
	if (cap > buf->max_bytes) cap = buf->max_bytes;
	buf->ptr = mem_realloc(buf->ptr, cap);
	buf->cap = cap;
	return true;
}

void buf_append(struct buf *buf, const void *ptr, size_t len) {
	if (len == 0 || !buf_reserve(buf, len)) return;
	memcpy(buf->ptr + buf->len, ptr, len);
	buf->len += len;
}

void buf_byte(struct buf *buf, char c) {
	if (buf_reserve(buf, 1)) buf->ptr[buf->len++] = c;
}

static void put_decimal(struct buf *buf, uint64_t magnitude, bool negative) {
	char text[21];
	size_t at = sizeof(text);
	do {
		text[--at] = (char)('0' + magnitude % 10);
		magnitude /= 10;
	} while (magnitude > 0);
	if (negative) text[--at] = '-';
	buf_append(buf, text + at, sizeof(text) - at);
}

void buf_u64(struct buf *buf, uint64_t value) {
	put_decimal(buf, value, false);
}

void buf_i64(struct buf *buf, int64_t value) {
	put_decimal(buf, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0);
}

void buf_printf(struct buf *buf, const char *format, ...) {
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	char small[256];
	int len = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	CHECK(len >= 0);
	if ((size_t)len < sizeof(small)) {
		buf_append(buf, small, (size_t)len);
	} else {
		char *large = mem_alloc((size_t)len + 1);
		vsnprintf(large, (size_t)len + 1, format, again);
		buf_append(buf, large, (size_t)len);
		free(large);
	}
	va_end(again);
}

// Bytes that cannot stand as they are in a JSON string: 1 = \u00xx, else the letter after the backslash.
static const char escapes[256] = {
	[0x00] = 1, [0x01] = 1,   [0x02] = 1,   [0x03] = 1,   [0x04] = 1,  [0x05] = 1,    [0x06] = 1,
	[0x07] = 1, ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', [0x0b] = 1,  ['\f'] = 'f',  ['\r'] = 'r',
	[0x0e] = 1, [0x0f] = 1,   [0x10] = 1,   [0x11] = 1,   [0x12] = 1,  [0x13] = 1,    [0x14] = 1,
	[0x15] = 1, [0x16] = 1,   [0x17] = 1,   [0x18] = 1,   [0x19] = 1,  [0x1a] = 1,    [0x1b] = 1,
	[0x1c] = 1, [0x1d] = 1,   [0x1e] = 1,   [0x1f] = 1,   ['"'] = '"', ['\\'] = '\\',
};

#define ONES 0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

// True when one of eight bytes must be escaped (never misses one; that suffices).
static bool word_needs_escape(uint64_t word) {
	uint64_t quote = word ^ (ONES * '"');
	uint64_t slash = word ^ (ONES * '\\');
	uint64_t control = (word - ONES * 0x20) & ~word;
	return ((control | ((quote - ONES) & ~quote) | ((slash - ONES) & ~slash)) & HIGHS) != 0;
}

// Length of the prefix that needs no escape.
static size_t plain_prefix(const char *ptr, size_t len) {
	size_t i = 0;
	for (; i + 8 <= len; i += 8) {
		uint64_t word;
		memcpy(&word, ptr + i, 8);
		if (word_needs_escape(word)) break;
	}
	while (i < len && escapes[(unsigned char)ptr[i]] == 0) i++;
	return i;
}

static size_t escape_byte(char *out, unsigned char byte) {
	out[0] = '\\';
	if (escapes[byte] != 1) {
		out[1] = escapes[byte];
		return 2;
	}
	static const char hex[] = "0123456789abcdef";
	memcpy(out + 1, "u00", 3);
	out[4] = hex[byte >> 4];
	out[5] = hex[byte & 15];
	return 6;
}

void buf_json_str(struct buf *buf, struct str s) {
	size_t start = buf->len;
	if (s.len > SIZE_MAX - 2 || !buf_reserve(buf, s.len + 2)) return;
	buf_byte(buf, '"');
	while (s.len > 0) {
		size_t plain = plain_prefix(s.ptr, s.len);
		buf_append(buf, s.ptr, plain);
		if (plain == s.len) break;
		char escaped[6];
		buf_append(buf, escaped, escape_byte(escaped, (unsigned char)s.ptr[plain]));
		s = (struct str){s.ptr + plain + 1, s.len - plain - 1};
	}
	buf_byte(buf, '"');
	if (buf->overflow) buf->len = start;
}
