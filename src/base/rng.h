// Two sources of randomness: a seeded generator (deterministic, for the engine and the simulator) and the system's.
#ifndef INNGEST_BASE_RNG_H
#define INNGEST_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t state[4]; // xoshiro256**
};
void rng_seed(struct rng *rng, uint64_t seed);
uint64_t rng_next(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t bound); // 0 … bound-1, bound > 0
void rng_bytes(struct rng *rng, void *out, size_t len);

// From the operating system; aborts if there is none. Any thread; buffered per thread, so it is cheap.
void random_bytes(void *out, size_t len);
uint64_t random_u64(void);

#endif
