// The plain functions, though OpenSSL would rather see its providers asked: those cost 2 MB of memory once they are
// there and a look-up at each call.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/hash.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <xxhash.h>

#include "base/check.h"

// libcrypto wants a valid pointer even for nothing.
static const unsigned char *bytes_of(struct str s) {
	return (const unsigned char *)(s.len > 0 ? s.ptr : "");
}

uint64_t hash_xxh64(struct str data) {
	return XXH64(bytes_of(data), data.len, 0);
}

size_t base36_text(uint64_t value, char out[BASE36_LEN + 1]) {
	char digits[BASE36_LEN];
	size_t at = BASE36_LEN;
	do {
		digits[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[value % 36];
		value /= 36;
	} while (value > 0);
	size_t len = BASE36_LEN - at;
	memcpy(out, digits + at, len);
	out[len] = '\0';
	return len;
}

void hash_sha1(struct str data, uint8_t out[20]) {
	SHA_CTX context;
	CHECK(SHA1_Init(&context) == 1 && SHA1_Update(&context, bytes_of(data), data.len) == 1);
	CHECK(SHA1_Final(out, &context) == 1);
}

void hash_sha256(struct str data, uint8_t out[32]) {
	SHA256_CTX context;
	CHECK(SHA256_Init(&context) == 1 && SHA256_Update(&context, bytes_of(data), data.len) == 1);
	CHECK(SHA256_Final(out, &context) == 1);
}

// Looking up an algorithm is the dear part of an HMAC, so it is done once and the context copied.
static EVP_MAC_CTX *hmac_template;

static void hmac_prepare(void) {
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	CHECK(mac != NULL);
	hmac_template = EVP_MAC_CTX_new(mac);
	CHECK(hmac_template != NULL);
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	CHECK(EVP_MAC_CTX_set_params(hmac_template, params) == 1);
	EVP_MAC_free(mac); // the context holds its own reference
}

void hash_hmac_sha256(struct str key, struct str a, struct str b, uint8_t out[32]) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	CHECK(pthread_once(&once, hmac_prepare) == 0);
	EVP_MAC_CTX *context = EVP_MAC_CTX_dup(hmac_template);
	size_t len;
	CHECK(context != NULL);
	CHECK(EVP_MAC_init(context, bytes_of(key), key.len, NULL) == 1);
	CHECK(EVP_MAC_update(context, bytes_of(a), a.len) == 1);
	CHECK(EVP_MAC_update(context, bytes_of(b), b.len) == 1);
	CHECK(EVP_MAC_final(context, out, &len, 32) == 1 && len == 32);
	EVP_MAC_CTX_free(context);
}

void hex_text(const void *bytes, size_t len, char *out) {
	const uint8_t *in = bytes;
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = "0123456789abcdef"[in[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[in[i] & 15];
	}
	out[2 * len] = '\0';
}

bool hex_parse(struct str text, uint8_t *out, size_t out_len) {
	if (text.len % 2 != 0 || text.len / 2 != out_len) return false;
	for (size_t i = 0; i < out_len; i++) {
		int high = char_hex(text.ptr[2 * i]), low = char_hex(text.ptr[2 * i + 1]);
		if (high < 0 || low < 0) return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_append(struct buf *out, struct str bytes, bool padded) {
	size_t start = out->len;
	const unsigned char *in = bytes_of(bytes);
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t have = bytes.len - i < 3 ? bytes.len - i : 3;
		uint32_t group = (uint32_t)in[i] << 16;
		if (have > 1) group |= (uint32_t)in[i + 1] << 8;
		if (have > 2) group |= in[i + 2];
		char text[4];
		for (int k = 0; k < 4; k++) text[k] = base64_alphabet[group >> (18 - 6 * k) & 63];
		for (size_t k = have + 1; k < 4; k++) text[k] = '=';
		buf_append(out, text, padded ? 4 : have + 1);
	}
	if (out->overflow) out->len = start;
}

static int base64_digit(char c) {
	if (c >= 'A' && c <= 'Z') return c - 'A';
	if (c >= 'a' && c <= 'z') return c - 'a' + 26;
	if (c >= '0' && c <= '9') return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_parse(struct str text, bool padded, struct buf *out) {
	if (padded) {
		if (text.len % 4 != 0) return false;
		for (int i = 0; i < 2 && text.len > 0 && text.ptr[text.len - 1] == '='; i++) text.len--;
	}
	if (text.len % 4 == 1) return false;
	size_t start = out->len;
	uint32_t bits = 0;
	int count = 0;
	for (size_t i = 0; i < text.len; i++) {
		int digit = base64_digit(text.ptr[i]);
		if (digit < 0) {
			out->len = start;
			return false;
		}
		bits = bits << 6 | (uint32_t)digit;
		count += 6;
		if (count >= 8) {
			count -= 8;
			buf_byte(out, (char)(bits >> count & 255));
		}
	}
	if (out->overflow) out->len = start;
	return !out->overflow;
}

bool bytes_eq_constant_time(struct str a, struct str b) {
	return a.len == b.len && CRYPTO_memcmp(bytes_of(a), bytes_of(b), a.len) == 0;
}
