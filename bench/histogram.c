#include "histogram.h"

#include <string.h>

void histogram_clear(struct histogram *histogram) {
	memset(histogram, 0, sizeof *histogram);
}

// Values below HISTOGRAM_SUB have a bucket each; above, each power of two is cut into HISTOGRAM_SUB / 2 … buckets by
// the bits that follow the highest one.
static uint32_t bucket_of(uint64_t ns) {
	if (ns < HISTOGRAM_SUB) return (uint32_t)ns;
	unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - (HISTOGRAM_SUB_BITS - 1);
	uint32_t bucket = shift * (HISTOGRAM_SUB / 2) + (uint32_t)(ns >> shift);
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static double value_of(uint32_t bucket) {
	if (bucket < HISTOGRAM_SUB) return bucket;
	unsigned shift = bucket / (HISTOGRAM_SUB / 2) - 1;
	uint64_t top = bucket - shift * (HISTOGRAM_SUB / 2);
	return ((double)top + 0.5) * (double)(1ull << shift);
}

void histogram_add(struct histogram *histogram, uint64_t ns) {
	histogram->buckets[bucket_of(ns)]++;
	histogram->count++;
}

void histogram_merge(struct histogram *histogram, const struct histogram *other) {
	histogram->count += other->count;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) histogram->buckets[i] += other->buckets[i];
}

double histogram_percentile_us(const struct histogram *histogram, double share) {
	uint64_t wanted = (uint64_t)((double)histogram->count * share + 0.5);
	uint64_t seen = 0;
	if (wanted == 0) wanted = 1;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if (seen >= wanted) return value_of(i) / 1000.0;
	}
	return 0;
}
