// A growable byte buffer with a hard maximum.
//
// Failure is sticky: an append that would pass `max_bytes` is dropped whole and `overflow` stays true, so a
// writer checks once at the end. One owner, one thread at a time.
#ifndef INNGEST_BASE_BUF_H
#define INNGEST_BASE_BUF_H

#include "base/str.h"

struct buf {
	char *ptr;
	size_t len;
	size_t cap;
	size_t max_bytes;
	bool overflow;
};

void buf_init(struct buf *buf, size_t max_bytes); // allocates nothing yet
void buf_free(struct buf *buf);
void buf_clear(struct buf *buf); // keeps the memory
// Room for `extra` more bytes, false on overflow.
bool buf_reserve(struct buf *buf, size_t extra);
void buf_append(struct buf *buf, const void *ptr, size_t len);
static inline void buf_str(struct buf *buf, struct str s) {
	buf_append(buf, s.ptr, s.len);
}
#define buf_lit(buf, literal) buf_append((buf), (literal), sizeof(literal) - 1)
void buf_byte(struct buf *buf, char c);
void buf_u64(struct buf *buf, uint64_t value);
void buf_i64(struct buf *buf, int64_t value);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
// A JSON string, quoted and escaped minimally (RFC 8785): only '"', '\\' and control characters.
void buf_json_str(struct buf *buf, struct str s);
static inline struct str buf_view(const struct buf *buf) {
	return (struct str){buf->ptr, buf->len};
}

#endif
