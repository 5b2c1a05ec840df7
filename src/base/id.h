// Identifiers: ULID and UUID as 16 bytes, and their texts.
#ifndef INNGEST_BASE_ID_H
#define INNGEST_BASE_ID_H

#include "base/str.h"

#define ULID_TEXT_LEN 26
#define UUID_TEXT_LEN 36

struct ulid {
	uint8_t bytes[16]; // 6 bytes of big-endian milliseconds, then 10 of entropy; sorts by memcmp
};
struct uuid {
	uint8_t bytes[16];
};

// Texts are written with a NUL after them: give ULID_TEXT_LEN + 1 / UUID_TEXT_LEN + 1 bytes.
struct ulid ulid_make(uint64_t time_ms, const uint8_t entropy[10]);
uint64_t ulid_time_ms(const struct ulid *ulid);
int64_t ulid_time_ns(const struct ulid *ulid); // what 64 bits do not hold is cut: ids may claim any time
void ulid_text(const struct ulid *ulid, char out[ULID_TEXT_LEN + 1]); // upper-case Crockford base 32
bool ulid_parse(struct str text, struct ulid *out);                   // any letter case; exactly 26 characters
int ulid_cmp(const struct ulid *a, const struct ulid *b);

void uuid_text(const struct uuid *uuid, char out[UUID_TEXT_LEN + 1]); // lower case, hyphens
bool uuid_parse(struct str text, struct uuid *out);
bool uuid_eq(const struct uuid *a, const struct uuid *b);
// Version 5 over the OID namespace (spec 01 §13: U5). `data` may be any bytes.
struct uuid uuid_v5(struct str data);
// Version 4 from 16 random bytes.
struct uuid uuid_v4(const uint8_t random[16]);

#endif
