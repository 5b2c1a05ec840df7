// Latencies in nanoseconds, counted in buckets less than 1 % wide. One owner; nothing allocates, nothing fails.
#ifndef INNGEST_BENCH_HISTOGRAM_H
#define INNGEST_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 7
#define HISTOGRAM_SUB (1u << HISTOGRAM_SUB_BITS)
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_SUB_BITS) * HISTOGRAM_SUB)

struct histogram {
	uint64_t count;
	uint32_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_clear(struct histogram *histogram);
void histogram_add(struct histogram *histogram, uint64_t ns);
// Adds the samples of another.
void histogram_merge(struct histogram *histogram, const struct histogram *other);
// The value that `share` (0 … 1) of the samples do not exceed, in microseconds; 0 without samples.
double histogram_percentile_us(const struct histogram *histogram, double share);

#endif
