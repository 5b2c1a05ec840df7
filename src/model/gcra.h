// How often something may begin: the generic cell rate algorithm of rate limits and throttles (spec 04 §A6, §A11).
//
// What is known of one key is a single instant, the theoretical arrival time `tat`: when the key will have rested from
// all that it was given. Something is admitted while that lies no further ahead than the tolerance, and moves it on by
// one interval. A key that was never seen has a tat of 0. Instants are nanoseconds of any one clock, exact (A6 and A11,
// May improve); sums that do not fit stay at the largest number. Pure. Any thread.
#ifndef INNGEST_MODEL_GCRA_H
#define INNGEST_MODEL_GCRA_H

#include <stdbool.h>
#include <stdint.h>

struct gcra {
	uint64_t interval_ns;  // between two, in the long run; at least 1
	uint64_t tolerance_ns; // this many intervals and one more may begin at once
};

// A limit of 0 counts as 1. Intervals are rounded down to whole nanoseconds.

// A11: limit + burst at once, then one each period / limit.
struct gcra gcra_of_throttle(uint32_t limit, uint32_t burst, uint64_t period_ns);
// A6: a tenth of the limit, rounded down, and one more at once, then one each period / limit.
struct gcra gcra_of_rate_limit(uint32_t limit, uint64_t period_ns);

bool gcra_admits(const struct gcra *gcra, uint64_t tat_ns, uint64_t now_ns);
// The new tat, for what gcra_admits has let pass.
uint64_t gcra_admit(const struct gcra *gcra, uint64_t tat_ns, uint64_t now_ns);
// The tat of a key that has been given all that it may have: no state of this rate lies further ahead.
uint64_t gcra_most(const struct gcra *gcra, uint64_t now_ns);
// The first instant at which it admits; 0: it does at any.
uint64_t gcra_next_ns(const struct gcra *gcra, uint64_t tat_ns);

#endif
