// Binary encoding of stored records: fixed-width little-endian numbers and length-prefixed text, appended to a buffer
// and read back with a sticky failure flag. The first byte of every head is the encoding's version.
#ifndef INNGEST_BASE_CODEC_H
#define INNGEST_BASE_CODEC_H

#include "base/buf.h"

static inline void put_uint(struct buf *out, uint64_t value, unsigned bytes) {
	unsigned char raw[8];
	for (unsigned i = 0; i < bytes; i++) raw[i] = (unsigned char)(value >> (8 * i));
	buf_append(out, raw, bytes);
}
static inline void put_u8(struct buf *out, uint8_t value) {
	put_uint(out, value, 1);
}
static inline void put_u32(struct buf *out, uint32_t value) {
	put_uint(out, value, 4);
}
static inline void put_u64(struct buf *out, uint64_t value) {
	put_uint(out, value, 8);
}
static inline void put_text(struct buf *out, struct str s) {
	put_u32(out, (uint32_t)s.len);
	buf_str(out, s);
}
// Seven bits a byte, lowest first: small numbers take little.
static inline void put_varint(struct buf *out, uint64_t value) {
	unsigned char raw[10];
	unsigned n = 0;
	for (; value >= 0x80; value >>= 7) raw[n++] = (unsigned char)(value | 0x80);
	raw[n++] = (unsigned char)value;
	buf_append(out, raw, n);
}
static inline void put_short_text(struct buf *out, struct str s) {
	put_varint(out, s.len);
	buf_str(out, s);
}

struct decoder {
	struct str rest;
	bool failed;     // something was missing: every later read gives zero
	uint8_t version; // of the encoding, for those who take what came later
};
static inline const unsigned char *take(struct decoder *d, size_t bytes) {
	if (d->failed || d->rest.len < bytes) {
		d->failed = true;
		return NULL;
	}
	const unsigned char *at = (const unsigned char *)d->rest.ptr;
	d->rest = (struct str){d->rest.ptr + bytes, d->rest.len - bytes};
	return at;
}
static inline uint64_t take_uint(struct decoder *d, unsigned bytes) {
	const unsigned char *at = take(d, bytes);
	uint64_t value = 0;
	for (unsigned i = 0; at != NULL && i < bytes; i++) value |= (uint64_t)at[i] << (8 * i);
	return value;
}
static inline uint8_t take_u8(struct decoder *d) {
	return (uint8_t)take_uint(d, 1);
}
static inline uint32_t take_u32(struct decoder *d) {
	return (uint32_t)take_uint(d, 4);
}
static inline uint64_t take_u64(struct decoder *d) {
	return take_uint(d, 8);
}
static inline void take_bytes(struct decoder *d, void *out, size_t bytes) {
	const unsigned char *at = take(d, bytes);
	if (at != NULL)
		memcpy(out, at, bytes);
	else
		memset(out, 0, bytes);
}
static inline struct str take_text(struct decoder *d) {
	uint32_t len = take_u32(d);
	const unsigned char *at = take(d, len);
	return at != NULL ? str_make(at, len) : (struct str){NULL, 0};
}
static inline uint64_t take_varint(struct decoder *d) {
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		const unsigned char *at = take(d, 1);
		if (at == NULL) return 0;
		value |= (uint64_t)(*at & 0x7F) << shift;
		if ((*at & 0x80) == 0) return value;
	}
	d->failed = true;
	return 0;
}
static inline struct str take_short_text(struct decoder *d) {
	uint64_t len = take_varint(d);
	if (len > d->rest.len) d->failed = true;
	const unsigned char *at = d->failed ? NULL : take(d, (size_t)len);
	return at != NULL ? str_make(at, (size_t)len) : (struct str){NULL, 0};
}

#endif
