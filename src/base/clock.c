#include "base/clock.h"

#include <time.h>

#include "base/check.h"

static uint64_t now_ns(clockid_t clock) {
	struct timespec now;
	CHECK(clock_gettime(clock, &now) == 0);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_wall_ns(void) {
	return now_ns(CLOCK_REALTIME);
}
uint64_t clock_wall_ms(void) {
	return clock_wall_ns() / 1000000;
}
uint64_t clock_mono_ns(void) {
	return now_ns(CLOCK_MONOTONIC);
}
