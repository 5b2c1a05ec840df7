#include "trace/trace_id.h"

#include "base/hash.h"

// The first 24 bytes of the "chacha8rand" stream: four ChaCha blocks of 8 rounds, their words interleaved. Words 0
// and 1 of a block are constants in its start state, which this generator does not add back, so they are the
// permutation's plain output.

static uint32_t rotate(uint32_t x, unsigned n) {
	return x << n | x >> (32 - n);
}

static void quarter_round(uint32_t s[16], unsigned a, unsigned b, unsigned c, unsigned d) {
	s[a] += s[b], s[d] = rotate(s[d] ^ s[a], 16);
	s[c] += s[d], s[b] = rotate(s[b] ^ s[c], 12);
	s[a] += s[b], s[d] = rotate(s[d] ^ s[a], 8);
	s[c] += s[d], s[b] = rotate(s[b] ^ s[c], 7);
}

static void permute(uint32_t s[16]) {
	for (int double_round = 0; double_round < 4; double_round++) {
		for (unsigned column = 0; column < 4; column++)
			quarter_round(s, column, 4 + column, 8 + column, 12 + column);
		for (unsigned diagonal = 0; diagonal < 4; diagonal++)
			quarter_round(s, diagonal, 4 + (diagonal + 1) % 4, 8 + (diagonal + 2) % 4,
				      12 + (diagonal + 3) % 4);
	}
}

static uint32_t load_le32(const uint8_t *p) {
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void store_le32(uint8_t *p, uint32_t value) {
	for (unsigned i = 0; i < 4; i++) p[i] = (uint8_t)(value >> 8 * i);
}

struct trace_id trace_id_derive(struct str seed) {
	uint8_t key[32];
	hash_sha256(seed, key);
	struct trace_id out;
	for (uint32_t block = 0; block < 4; block++) {
		uint32_t state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}; // "expand 32-byte k"
		for (unsigned i = 0; i < 8; i++) state[4 + i] = load_le32(key + 4 * i);
		state[12] = block;
		permute(state);
		store_le32(out.trace + 4 * block, state[0]);
		if (block < 2) store_le32(out.span + 4 * block, state[1]);
	}
	return out;
}
