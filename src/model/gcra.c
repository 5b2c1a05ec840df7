#include "model/gcra.h"

static uint64_t add(uint64_t a, uint64_t b) {
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t multiply(uint64_t a, uint64_t b) {
	return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

// `surplus`: how many may begin at once besides the first.
static struct gcra make(uint32_t limit, uint64_t surplus, uint64_t period_ns) {
	uint64_t interval_ns = period_ns / limit;
	if (interval_ns == 0) interval_ns = 1;
	return (struct gcra){interval_ns, multiply(interval_ns, surplus)};
}

struct gcra gcra_of_throttle(uint32_t limit, uint32_t burst, uint64_t period_ns) {
	if (limit == 0) limit = 1;
	return make(limit, (uint64_t)limit + burst - 1, period_ns);
}

struct gcra gcra_of_rate_limit(uint32_t limit, uint64_t period_ns) {
	if (limit == 0) limit = 1;
	return make(limit, limit / 10, period_ns);
}

bool gcra_admits(const struct gcra *gcra, uint64_t tat_ns, uint64_t now_ns) {
	return now_ns >= gcra_next_ns(gcra, tat_ns);
}

uint64_t gcra_admit(const struct gcra *gcra, uint64_t tat_ns, uint64_t now_ns) {
	return add(tat_ns > now_ns ? tat_ns : now_ns, gcra->interval_ns);
}

uint64_t gcra_next_ns(const struct gcra *gcra, uint64_t tat_ns) {
	return tat_ns > gcra->tolerance_ns ? tat_ns - gcra->tolerance_ns : 0;
}

uint64_t gcra_most(const struct gcra *gcra, uint64_t now_ns) {
	return add(add(now_ns, gcra->tolerance_ns), gcra->interval_ns);
}
