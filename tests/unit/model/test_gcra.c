// How often something may begin (spec 04 §A6, §A11).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/gcra.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define MS 1000000ull
#define SECOND (1000 * MS)
#define NOW (1795249333896 * MS)
#define AT_ONCE_MAX 10000u // more are not counted

// How many are admitted at `now`, one after another.
static uint32_t take_all(const struct gcra *gcra, uint64_t *tat, uint64_t now) {
	uint32_t count = 0;
	for (; count < AT_ONCE_MAX && gcra_admits(gcra, *tat, now); count++) *tat = gcra_admit(gcra, *tat, now);
	return count;
}

// A key that was never seen admits `at_once`, then exactly one per `interval`, each as early as it is promised.
static void expect_rhythm(struct gcra gcra, uint32_t at_once, uint64_t interval) {
	uint64_t tat = 0;
	assert_int_equal(gcra_next_ns(&gcra, tat), 0);
	assert_int_equal(take_all(&gcra, &tat, NOW), at_once);
	for (uint64_t i = 1; i <= 5; i++) {
		uint64_t next = NOW + i * interval;
		assert_int_equal(gcra_next_ns(&gcra, tat), next);
		assert_false(gcra_admits(&gcra, tat, next - 1));
		assert_int_equal(take_all(&gcra, &tat, next), 1);
	}
}

static void test_a6_two_per_10_s_are_one_every_5_s(void **state) {
	(void)state;
	expect_rhythm(gcra_of_rate_limit(2, 10 * SECOND), 1, 5 * SECOND);
}

static void test_a6_twenty_per_10_s_are_three_then_one_every_500_ms(void **state) {
	(void)state;
	expect_rhythm(gcra_of_rate_limit(20, 10 * SECOND), 3, 500 * MS);
}

static void test_a6_a_tenth_of_the_limit_is_the_burst(void **state) {
	(void)state;
	static const struct {
		uint32_t limit, at_once;
	} cases[] = {{0, 1}, {1, 1}, {9, 1}, {10, 2}, {19, 2}, {20, 3}, {100, 11}, {1000, 101}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t limit = cases[i].limit == 0 ? 1 : cases[i].limit;
		expect_rhythm(gcra_of_rate_limit(cases[i].limit, 3600 * SECOND), cases[i].at_once,
			      3600 * SECOND / limit);
	}
}

static void test_a11_limit_and_burst_begin_at_once(void **state) {
	(void)state;
	expect_rhythm(gcra_of_throttle(2, 0, 5 * SECOND), 2, 2500 * MS);
	expect_rhythm(gcra_of_throttle(2, 1, 5 * SECOND), 3, 2500 * MS);
	expect_rhythm(gcra_of_throttle(1, 0, 5 * SECOND), 1, 5 * SECOND);
	expect_rhythm(gcra_of_throttle(1, 9, 5 * SECOND), 10, 5 * SECOND);
	expect_rhythm(gcra_of_throttle(0, 0, 5 * SECOND), 1, 5 * SECOND); // a limit of 0 counts as 1
}

static void test_periods_are_exact(void **state) {
	(void)state;
	expect_rhythm(gcra_of_throttle(1, 0, 500 * MS), 1, 500 * MS);
	expect_rhythm(gcra_of_throttle(1, 0, 1500 * MS), 1, 1500 * MS);
	expect_rhythm(gcra_of_rate_limit(2, 1), 1, 1);
	expect_rhythm(gcra_of_throttle(3, 0, 10 * SECOND), 3, 3333333333); // whole nanoseconds
	expect_rhythm(gcra_of_throttle(7, 2, SECOND), 9, 142857142);
}

static void test_rest_is_saved_up_to_the_burst_only(void **state) {
	(void)state;
	struct gcra gcra = gcra_of_throttle(4, 0, 8 * SECOND);
	uint64_t tat = 0;
	assert_int_equal(take_all(&gcra, &tat, NOW), 4);
	assert_int_equal(take_all(&gcra, &tat, NOW + 5 * SECOND), 2);
	assert_int_equal(take_all(&gcra, &tat, NOW + 6 * SECOND), 1);
	assert_int_equal(take_all(&gcra, &tat, NOW + 3600 * SECOND), 4);
}

// As after a crash, or when someone sets the clock: what was given remains given.
static void test_clock_that_goes_back_admits_no_more(void **state) {
	(void)state;
	struct gcra gcra = gcra_of_throttle(2, 0, 10 * SECOND);
	uint64_t tat = 0;
	assert_int_equal(take_all(&gcra, &tat, NOW), 2);
	assert_int_equal(take_all(&gcra, &tat, NOW - 60 * SECOND), 0);
	assert_int_equal(gcra_next_ns(&gcra, tat), NOW + 5 * SECOND);
}

static uint64_t mix(uint64_t *seed) {
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return *seed >> 33;
}

// In any stretch of time no more than what may begin at once and one per interval.
static void test_no_stretch_has_more_than_its_share(void **state) {
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		uint64_t random = seed;
		uint32_t limit = (uint32_t)(mix(&random) % 20 + 1);
		uint32_t burst = (uint32_t)(mix(&random) % 5);
		uint64_t period = mix(&random) % (10 * SECOND) + 100;
		struct gcra gcra = gcra_of_throttle(limit, burst, period);
		uint64_t at[200];
		uint64_t now = NOW, tat = 0;
		size_t count = 0;
		while (count < ARRAY_LEN(at)) {
			uint64_t next = gcra_next_ns(&gcra, tat);
			if (mix(&random) % 3 > 0 && next > now) now = next; // at the first chance, or later
			now += mix(&random) % 4 == 0 ? mix(&random) % (2 * period) : 0;
			assert_int_equal(gcra_admits(&gcra, tat, now), now >= next);
			if (!gcra_admits(&gcra, tat, now)) continue;
			tat = gcra_admit(&gcra, tat, now);
			at[count++] = now;
		}
		for (size_t i = 0; i < count; i++) {
			for (size_t j = i; j < count; j++)
				assert_true(j - i + 1 <= limit + burst + (at[j] - at[i]) / gcra.interval_ns);
		}
	}
}

static void test_huge_values_do_not_overflow(void **state) {
	(void)state;
	struct gcra fast = gcra_of_throttle(UINT32_MAX, UINT32_MAX, SECOND);
	assert_int_equal(fast.interval_ns, 1);
	assert_int_equal(fast.tolerance_ns, 2ull * UINT32_MAX - 1);
	uint64_t tat = 0;
	assert_int_equal(take_all(&fast, &tat, NOW), AT_ONCE_MAX);

	struct gcra slow = gcra_of_rate_limit(1, UINT64_MAX);
	assert_int_equal(slow.interval_ns, UINT64_MAX);
	tat = 0;
	assert_int_equal(take_all(&slow, &tat, NOW), 1);
	assert_int_equal(tat, UINT64_MAX);
	assert_int_equal(gcra_next_ns(&slow, tat), UINT64_MAX);

	struct gcra wide = gcra_of_throttle(1, UINT32_MAX, INT64_MAX);
	assert_int_equal(wide.tolerance_ns, UINT64_MAX);
	tat = 0;
	assert_int_equal(take_all(&wide, &tat, NOW), AT_ONCE_MAX);
	assert_int_equal(gcra_next_ns(&wide, tat), 0);

	struct gcra none = gcra_of_throttle(5, 0, 0);
	assert_int_equal(none.interval_ns, 1);
	assert_true(gcra_admits(&none, UINT64_MAX, UINT64_MAX));
	assert_int_equal(gcra_admit(&none, UINT64_MAX, UINT64_MAX), UINT64_MAX);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a6_two_per_10_s_are_one_every_5_s),
		cmocka_unit_test(test_a6_twenty_per_10_s_are_three_then_one_every_500_ms),
		cmocka_unit_test(test_a6_a_tenth_of_the_limit_is_the_burst),
		cmocka_unit_test(test_a11_limit_and_burst_begin_at_once),
		cmocka_unit_test(test_periods_are_exact),
		cmocka_unit_test(test_rest_is_saved_up_to_the_burst_only),
		cmocka_unit_test(test_clock_that_goes_back_admits_no_more),
		cmocka_unit_test(test_no_stretch_has_more_than_its_share),
		cmocka_unit_test(test_huge_values_do_not_overflow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
