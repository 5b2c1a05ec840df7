// Hashes, MACs and text encodings of bytes. Pure, any thread.
#ifndef INNGEST_BASE_HASH_H
#define INNGEST_BASE_HASH_H

#include "base/buf.h"
#include "base/str.h"

uint64_t hash_xxh64(struct str data); // seed 0, as the reference derives job ids
static inline uint64_t hash_bytes(const void *ptr, size_t len) {
	return hash_xxh64(str_make(ptr, len));
}

// Base 36, lower case, no padding; returns the length. Give 14 bytes (NUL included).
#define BASE36_LEN 13
size_t base36_text(uint64_t value, char out[BASE36_LEN + 1]);

void hash_sha1(struct str data, uint8_t out[20]);
void hash_sha256(struct str data, uint8_t out[32]);
void hash_hmac_sha256(struct str key, struct str a, struct str b, uint8_t out[32]); // over a ‖ b
// Lower-case hex with a NUL: 2 * len + 1 bytes.
void hex_text(const void *bytes, size_t len, char *out);
bool hex_parse(struct str text, uint8_t *out, size_t out_len); // exactly 2 * out_len digits
void base64_append(struct buf *out, struct str bytes, bool padded);
// Standard alphabet, padding required iff `padded`; appends to `out`, false when malformed.
bool base64_parse(struct str text, bool padded, struct buf *out);
// Constant time in the length of the texts.
bool bytes_eq_constant_time(struct str a, struct str b);

#endif
