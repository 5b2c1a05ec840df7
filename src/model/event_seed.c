// Internal ids of events: random, or from the seed header (spec 05 §7.5).
#include "base/hash.h"
#include "base/rng.h"
#include "model/event.h"

#define ENTROPY_LEN 10u
#define ENTROPY_TEXT_LEN 16u // padded base 64 of it
#define ULID_TIME_MAX ((1ull << 48) - 1)

bool event_seed_parse(struct str header, struct event_seed *out) {
	struct str millis;
	struct str text;
	memset(out, 0, sizeof(*out));
	if (!str_cut(header, ',', &millis, &text) || text.len != ENTROPY_TEXT_LEN) return false;
	if (!str_to_u64(millis, &out->time_ms) || out->time_ms == 0 || out->time_ms > ULID_TIME_MAX) return false;
	struct buf entropy;
	buf_init(&entropy, ENTROPY_TEXT_LEN);
	out->present = base64_parse(text, true, &entropy) && entropy.len == ENTROPY_LEN;
	if (out->present) memcpy(out->entropy, entropy.ptr, ENTROPY_LEN);
	buf_free(&entropy);
	return out->present;
}

// The position is added to the last four bytes, big-endian, wrapping.
static void entropy_add(uint8_t entropy[ENTROPY_LEN], uint32_t position) {
	uint32_t low = 0;
	for (size_t i = 6; i < ENTROPY_LEN; i++) low = low << 8 | entropy[i];
	low += position;
	for (size_t i = ENTROPY_LEN; i-- > 6; low >>= 8) entropy[i] = (uint8_t)low;
}

struct ulid event_id_make(const struct event_seed *seed, uint32_t position, uint64_t now_ms) {
	uint8_t entropy[ENTROPY_LEN];
	if (seed == NULL || !seed->present) {
		random_bytes(entropy, sizeof(entropy));
		return ulid_make(now_ms, entropy);
	}
	memcpy(entropy, seed->entropy, sizeof(entropy));
	entropy_add(entropy, position);
	return ulid_make(seed->time_ms, entropy);
}
