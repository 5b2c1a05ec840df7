#include "base/rng.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"

static uint64_t rotate_left(uint64_t value, int bits) {
	return (value << bits) | (value >> (64 - bits));
}

// splitmix64 spreads the seed over the state, as the generator's authors advise.
void rng_seed(struct rng *rng, uint64_t seed) {
	for (int i = 0; i < 4; i++) {
		seed += 0x9e3779b97f4a7c15u;
		uint64_t mixed = seed;
		mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
		mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
		rng->state[i] = mixed ^ (mixed >> 31);
	}
}

uint64_t rng_next(struct rng *rng) {
	uint64_t *s = rng->state;
	uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t shifted = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = rotate_left(s[3], 45);
	return result;
}

uint64_t rng_below(struct rng *rng, uint64_t bound) {
	CHECK(bound > 0);
	// The lowest (2^64 mod bound) values would make small results likelier: draw again.
	uint64_t skip = (0 - bound) % bound;
	uint64_t value;
	do {
		value = rng_next(rng);
	} while (value < skip);
	return value % bound;
}

void rng_bytes(struct rng *rng, void *out, size_t len) {
	unsigned char *bytes = out;
	while (len > 0) {
		uint64_t value = rng_next(rng);
		for (int i = 0; i < 8 && len > 0; i++, len--) {
			*bytes++ = (unsigned char)value;
			value >>= 8;
		}
	}
}

static void system_random(void *out, size_t len) {
	unsigned char *bytes = out;
	while (len > 0) {
		ssize_t got = getrandom(bytes, len, 0);
		if (got < 0 && errno == EINTR) continue;
		CHECK(got > 0);
		bytes += got;
		len -= (size_t)got;
	}
}

void random_bytes(void *out, size_t len) {
	static _Thread_local unsigned char pool[256];
	static _Thread_local size_t left;
	if (len > sizeof(pool)) {
		system_random(out, len);
		return;
	}
	if (len > left) {
		system_random(pool, sizeof(pool));
		left = sizeof(pool);
	}
	left -= len;
	memcpy(out, pool + left, len);
	memset(pool + left, 0, len); // handed out once
}

uint64_t random_u64(void) {
	uint64_t value;
	random_bytes(&value, sizeof(value));
	return value;
}
