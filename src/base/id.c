#include "base/id.h"

#include "base/hash.h"

static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

struct ulid ulid_make(uint64_t time_ms, const uint8_t entropy[10]) {
	struct ulid ulid;
	for (int i = 0; i < 6; i++) ulid.bytes[i] = (uint8_t)(time_ms >> (40 - 8 * i));
	memcpy(ulid.bytes + 6, entropy, 10);
	return ulid;
}

uint64_t ulid_time_ms(const struct ulid *ulid) {
	uint64_t time_ms = 0;
	for (int i = 0; i < 6; i++) time_ms = time_ms << 8 | ulid->bytes[i];
	return time_ms;
}

int64_t ulid_time_ns(const struct ulid *ulid) {
	uint64_t ms = ulid_time_ms(ulid);
	return ms < INT64_MAX / 1000000 ? (int64_t)ms * 1000000 : INT64_MAX;
}

// The 128 bits are written as 26 groups of 5, the first one holding only 3: two zero bits stand before them.
void ulid_text(const struct ulid *ulid, char out[ULID_TEXT_LEN + 1]) {
	uint32_t bits = 0;
	int count = 2;
	const uint8_t *in = ulid->bytes;
	for (int i = 0; i < ULID_TEXT_LEN; i++) {
		if (count < 5) {
			bits = bits << 8 | *in++;
			count += 8;
		}
		count -= 5;
		out[i] = crockford[bits >> count & 31];
	}
	out[ULID_TEXT_LEN] = '\0';
}

static int crockford_digit(char c) {
	if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
	const char *found = c != '\0' ? strchr(crockford, c) : NULL;
	return found != NULL ? (int)(found - crockford) : -1;
}

bool ulid_parse(struct str text, struct ulid *out) {
	if (text.len != ULID_TEXT_LEN || text.ptr[0] > '7') return false;
	uint32_t bits = 0;
	int count = -2;
	struct ulid ulid;
	uint8_t *to = ulid.bytes;
	for (int i = 0; i < ULID_TEXT_LEN; i++) {
		int digit = crockford_digit(text.ptr[i]);
		if (digit < 0) return false;
		bits = bits << 5 | (uint32_t)digit;
		count += 5;
		if (count >= 8) {
			count -= 8;
			*to++ = (uint8_t)(bits >> count);
		}
	}
	*out = ulid;
	return true;
}

int ulid_cmp(const struct ulid *a, const struct ulid *b) {
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static bool hyphen_at(size_t index) {
	return index == 8 || index == 13 || index == 18 || index == 23;
}

void uuid_text(const struct uuid *uuid, char out[UUID_TEXT_LEN + 1]) {
	char hex[33];
	hex_text(uuid->bytes, sizeof(uuid->bytes), hex);
	for (size_t i = 0, from = 0; i < UUID_TEXT_LEN; i++) out[i] = hyphen_at(i) ? '-' : hex[from++];
	out[UUID_TEXT_LEN] = '\0';
}

bool uuid_parse(struct str text, struct uuid *out) {
	if (text.len != UUID_TEXT_LEN) return false;
	char hex[32];
	for (size_t i = 0, to = 0; i < UUID_TEXT_LEN; i++) {
		if (hyphen_at(i) != (text.ptr[i] == '-')) return false;
		if (!hyphen_at(i)) hex[to++] = text.ptr[i];
	}
	struct uuid uuid;
	if (!hex_parse(str_make(hex, sizeof(hex)), uuid.bytes, sizeof(uuid.bytes))) return false;
	*out = uuid;
	return true;
}

bool uuid_eq(const struct uuid *a, const struct uuid *b) {
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static struct uuid with_version(const uint8_t bytes[16], int version) {
	struct uuid uuid;
	memcpy(uuid.bytes, bytes, sizeof(uuid.bytes));
	uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | version << 4);
	uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80);
	return uuid;
}

struct uuid uuid_v5(struct str data) {
	static const uint8_t namespace_oid[16] = {0x6b, 0xa7, 0xb8, 0x12, 0x9d, 0xad, 0x11, 0xd1,
						  0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
	struct buf text;
	buf_init(&text, SIZE_MAX);
	buf_append(&text, namespace_oid, sizeof(namespace_oid));
	buf_str(&text, data);
	uint8_t digest[20];
	hash_sha1(buf_view(&text), digest);
	buf_free(&text);
	return with_version(digest, 5);
}

struct uuid uuid_v4(const uint8_t random[16]) {
	return with_version(random, 4);
}
