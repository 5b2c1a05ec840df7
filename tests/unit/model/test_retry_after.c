// Retry-After and no-retry (spec 02 §4.5, §9.3).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/check.h"
#include "model/answer.h"
#include "model/limits.h"
#include "model/semver.h"

#define NOW 1795249333896ull // 2026-11-21T08:22:13.896Z
#define BASE 1795249333000ull

static void test_retry_after(void **state) {
	(void)state;
	static const struct {
		const char *value;
		uint64_t at_ms;
	} cases[] = {
		{"4", BASE + 4000},
		{"+4", BASE + 4000},
		{" 4 ", BASE + 4000},
		{"1", BASE + 1000},
		{"86400", BASE + RETRY_AFTER_MAX_MS},
		{"86401", BASE + RETRY_AFTER_MAX_MS},
		{"9999999", BASE + RETRY_AFTER_MAX_MS},
		{"10000000", 0}, // eight digits are no number of seconds
		{"0", 0},
		{"-5", 0},
		{"++5", 0},
		{"+", 0},
		{"1.5", 0},
		{"soon", 0},
		{"", 0},
		{"2026-11-21T08:23:13Z", BASE + 60000},
		{"2026-11-21T08:23:13.250Z", BASE + 60250},
		{"2026-11-21T09:23:13+01:00", BASE + 60000},
		{"Sat, 21 Nov 2026 08:23:13 GMT", BASE + 60000},
		{"2020-01-01T00:00:00Z", BASE + RETRY_AFTER_MIN_MS},
		{"1960-01-01T00:00:00Z", BASE + RETRY_AFTER_MIN_MS},
		{"2090-01-01T00:00:00Z", BASE + RETRY_AFTER_MAX_MS},
		{"2026-13-41T00:00:00Z", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t at_ms = retry_after_parse(str_from_cstr(cases[i].value), NOW);
		if (at_ms != cases[i].at_ms)
			fail_msg("`%s`: got %llu, expected %llu", cases[i].value, (unsigned long long)at_ms,
				 (unsigned long long)cases[i].at_ms);
	}
}

static void test_no_retry(void **state) {
	(void)state;
	static const struct {
		const char *header;
		int status;
		const char *sdk;
		bool no_retry;
	} cases[] = {
		{"true", 200, "", true},
		{"true", 500, "inngest-js:v4.0.0", true},
		{"TRUE", 404, "inngest-js:v1.9.0", false}, // the header is there: it alone decides
		{"false", 404, "inngest-js:v1.9.0", false},
		{"", 404, "inngest-js:v1.9.0", true},
		{"", 404, "inngest-js:v1.10.0", true},
		{"", 404, "inngest-js:v1.10.1", false},
		{"", 404, "inngest-js:v1.10.1-beta.2", true},
		{"", 400, "inngest-js:v2.4.0", true},
		{"", 499, "inngest-js:v2.4.1", false},
		{"", 404, "inngest-js:v2", true},
		{"", 404, "inngest-js:v3.0.0", false},
		{"", 404, "inngest-js:v0.9.0", false},
		{"", 404, "inngest-js:1.9.0", false},
		{"", 404, "inngest-js:v1.9.x", false},
		{"", 404, "inngest-js", false},
		{"", 404, "inngest-py:v1.9.0", false},
		{"", 404, "", false},
		{"", 500, "inngest-js:v1.9.0", false},
		{"", 399, "inngest-js:v1.9.0", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (no_retry_decide(str_from_cstr(cases[i].header), cases[i].status, str_from_cstr(cases[i].sdk)) !=
		    cases[i].no_retry)
			fail_msg("`%s` %d `%s`", cases[i].header, cases[i].status, cases[i].sdk);
}

static void test_semver(void **state) {
	(void)state;
	static const char *const good[] = {"1",        "1.2",         "1.2.3", "1.2.3-a.1",
					   "1.2.3+01", "1.2.3-a+b.c", "0.0.0", "99999999999999999999999.1.1"};
	static const char *const bad[] = {"",       "v1",     "1.",     "1.2.",      "1.2.3.",   "1.2.3.4",
					  "01.2.3", "1.2.3-", "1.2.3+", "1.2-a",     "1.2.3-01", "1.2.3-a..b",
					  "1.2.3 ", "1..2",   "-1.2.3", "1.2.3+a+b", "a.b.c"};
	struct semver a, b;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) assert_true(semver_parse(str_from_cstr(good[i]), &a));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (semver_parse(str_from_cstr(bad[i]), &a)) fail_msg("`%s` is no version", bad[i]);
	assert_true(semver_parse(STR("1.10.0"), &a) && semver_parse(STR("1.9.9"), &b));
	assert_true(semver_cmp(&a, &b) > 0 && semver_cmp(&b, &a) < 0 && semver_cmp(&a, &a) == 0);
	assert_true(semver_parse(STR("1.10.0-rc.1"), &b));
	assert_true(semver_cmp(&b, &a) < 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_no_retry),
		cmocka_unit_test(test_semver),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
