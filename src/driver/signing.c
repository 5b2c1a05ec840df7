#include "driver/signing.h"

#include <stdio.h>

#include "base/hash.h"

static bool is_word(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

struct str signing_key_strip(struct str key) {
	if (!str_starts_with(key, STR("signkey-"))) return key;
	struct str rest = str_skip(key, sizeof "signkey-" - 1);
	size_t word = 0;
	while (word < rest.len && is_word(rest.ptr[word])) word++;
	if (word == 0 || word == rest.len || rest.ptr[word] != '-') return key;
	return str_skip(rest, word + 1);
}

void signature_append(struct buf *out, struct str key, struct str body, uint64_t unix_s) {
	char seconds[24];
	int digits = snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)unix_s);
	struct str time = str_make(seconds, (size_t)digits);
	uint8_t mac[32];
	char hex[2 * sizeof mac + 1];
	hash_hmac_sha256(signing_key_strip(key), body, time, mac);
	hex_text(mac, sizeof mac, hex);
	buf_lit(out, "t=");
	buf_str(out, time);
	buf_lit(out, "&s=");
	buf_append(out, hex, 2 * sizeof mac);
}
