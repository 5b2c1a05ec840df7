#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/clock.h"

#define MS INT64_C(1000000)
#define S (1000 * MS)
#define H (3600 * S)

static void durations_read(void **state) {
	(void)state;
	static const struct {
		struct str text;
		int64_t ns;
	} cases[] = {
		{STR_INIT("0"), 0},
		{STR_INIT("-0"), 0},
		{STR_INIT("0s"), 0},
		{STR_INIT("1s"), S},
		{STR_INIT("+1.5h"), H + H / 2},
		{STR_INIT(".5s"), S / 2},
		{STR_INIT("1.s"), S},
		{STR_INIT("500ms"), 500 * MS},
		{STR_INIT("1d2h30m"), 26 * H + H / 2},
		{STR_INIT("2w"), 336 * H},
		{STR_INIT("1s1h1s"), H + 2 * S},
		{STR_INIT("-1m"), -60 * S},
		{STR_INIT("3us"), 3000},
		{STR_INIT("3\u00b5s"), 3000},
		{STR_INIT("3\u03bcs"), 3000},
		{STR_INIT("7ns"), 7},
		{STR_INIT("0.0000000001s"), 0},
		{STR_INIT("0.3333333333333333333333h"), 1200 * S},
		{STR_INIT("9223372036854775807ns"), INT64_MAX},
		{STR_INIT("-9223372036854775808ns"), INT64_MIN},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ns = 1;
		assert_int_equal(duration_parse(cases[i].text, &ns, NULL), ERR_OK);
		if (ns != cases[i].ns) fail_msg("%.*s: %lld", STR_ARG(cases[i].text), (long long)ns);
	}
}

static void bad_durations_are_refused(void **state) {
	(void)state;
	static const struct {
		struct str text;
		const char *message;
	} cases[] = {
		{STR_INIT(""), "time: invalid duration \"\""},
		{STR_INIT("x"), "time: invalid duration \"x\""},
		{STR_INIT("-"), "time: invalid duration \"-\""},
		{STR_INIT("."), "time: invalid duration \".\""},
		{STR_INIT(".s"), "time: invalid duration \".s\""},
		{STR_INIT("5"), "time: missing unit in duration \"5\""},
		{STR_INIT("1h5"), "time: missing unit in duration \"1h5\""},
		{STR_INIT("1.5.s"), "time: missing unit in duration \"1.5.s\""},
		{STR_INIT("5x"), "time: unknown unit \"x\" in duration \"5x\""},
		{STR_INIT("5 s"), "time: unknown unit \" s\" in duration \"5 s\""},
		{STR_INIT("5S"), "time: unknown unit \"S\" in duration \"5S\""},
		{STR_INIT("1s-1s"), "time: unknown unit \"s-\" in duration \"1s-1s\""},
		{STR_INIT("\"30s\""), "time: invalid duration \"\\\"30s\\\"\""},
		{STR_INIT("\u00e9\n"), "time: invalid duration \"\\xc3\\xa9\\x0a\""},
		{STR_INIT("9223372036854775808ns"), "time: invalid duration \"9223372036854775808ns\""},
		{STR_INIT("-9223372036854775809ns"), "time: invalid duration \"-9223372036854775809ns\""},
		{STR_INIT("99999999999999999999h"), "time: invalid duration \"99999999999999999999h\""},
		{STR_INIT("15251w"), "time: invalid duration \"15251w\""},
		{STR_INIT("15250w15250w"), "time: invalid duration \"15250w15250w\""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ns;
		struct error error;
		assert_int_equal(duration_parse(cases[i].text, &ns, &error), ERR_INVALID);
		assert_string_equal(error.message, cases[i].message);
	}
	char large[5000];
	memset(large, '9', sizeof(large));
	int64_t ns;
	struct error error;
	assert_int_equal(duration_parse(str_make(large, sizeof(large)), &ns, &error), ERR_INVALID);
	assert_int_equal(duration_parse(str_make(large, sizeof(large)), &ns, NULL), ERR_INVALID);
}

static void go_durations_know_no_days(void **state) {
	(void)state;
	int64_t ns;
	struct error error;
	assert_int_equal(duration_parse_go(STR("1h1m"), &ns, &error), ERR_OK);
	assert_true(ns == H + 60 * S);
	assert_int_equal(duration_parse_go(STR("1d"), &ns, &error), ERR_INVALID);
	assert_string_equal(error.message, "time: unknown unit \"d\" in duration \"1d\"");
	assert_int_equal(duration_parse_go(STR("1w"), &ns, &error), ERR_INVALID);
}

static void durations_print(void **state) {
	(void)state;
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{0, "0s"},
		{90 * 60 * S, "1h30m"},
		{8 * 24 * H, "1w1d"},
		{24 * H, "1d"},
		{1500 * MS, "1s500ms"},
		{-1001, "-1us1ns"},
		{INT64_MIN, "-15250w1d23h47m16s854ms775us808ns"},
	};
	struct buf out;
	buf_init(&out, SIZE_MAX);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_clear(&out);
		duration_format(&out, cases[i].ns);
		assert_int_equal(out.len, strlen(cases[i].text));
		assert_memory_equal(out.ptr, cases[i].text, out.len);
		int64_t back;
		assert_int_equal(duration_parse(buf_view(&out), &back, NULL), ERR_OK);
		assert_true(back == cases[i].ns);
	}
	buf_free(&out);
}

static void go_durations_print(void **state) {
	(void)state;
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{0, "0s"},
		{1, "1ns"},
		{1100, "1.1\302\265s"},
		{2200000, "2.2ms"},
		{3300 * MS, "3.3s"},
		{60 * S, "1m0s"},
		{48 * H, "48h0m0s"},
		{3661 * S + 1 * MS, "1h1m1.001s"},
		{-90 * S, "-1m30s"},
		{INT64_MAX, "2562047h47m16.854775807s"},
		{INT64_MIN, "-2562047h47m16.854775808s"},
	};
	struct buf out;
	buf_init(&out, SIZE_MAX);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_clear(&out);
		duration_format_go(&out, cases[i].ns);
		assert_int_equal(out.len, strlen(cases[i].text));
		assert_memory_equal(out.ptr, cases[i].text, out.len);
	}
	buf_free(&out);
}

#define INSTANT (INT64_C(1795249333) * S) // 2026-11-21T08:22:13Z, a Saturday
static const char *const texts_of_instant[] = {
	"2026-11-21T08:22:13Z",
	"2026-11-21T10:22:13+02:00",
	"2026-11-20T23:52:13-08:30",
	"2026-11-21T08:22:13",
	"2026-11-21T8:22:13Z",
	"Sat, 21 Nov 2026 08:22:13 UTC",
	"Sat, 21 Nov 2026 08:22:13 GMT",
	"Sat, 21 Nov 2026 08:22:13 CEST",
	"Sat, 21 Nov 2026 09:22:13 +0100",
	"Saturday, 21-Nov-26 08:22:13 UTC",
	"Sat Nov 21 08:22:13 2026",
	"Sat Nov 21 08:22:13 UTC 2026",
	"Sat Nov 21 10:22:13 GMT+2 2026",
	"Sat Nov 21 10:22:13 +0200 2026",
	"2026-11-21 08:22:13 +0000 UTC",
	"2026-11-21 08:22:13 +0000 UTC m=+12.345678901",
	"2026-11-21 10:22:13 +0200 CEST",
	"2026-11-21 10:22:13 +0200 +0200",
	"2026-11-21 08:22:13+00:00",
	"2026-11-21 08:22:13",
	"sat nov 21 08:22:13 2026",
};

static void dates_read(void **state) {
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts_of_instant); i++) {
		int64_t ns = 0;
		if (!date_parse(str_from_cstr(texts_of_instant[i]), &ns)) fail_msg("%s", texts_of_instant[i]);
		if (ns != INSTANT) fail_msg("%s: %lld", texts_of_instant[i], (long long)ns);
	}
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{"21 Nov 26 08:22 UTC", INSTANT - 13 * S},
		{"21 Nov 26 09:22 +0100", INSTANT - 13 * S},
		{"2026-11-21", INSTANT - 8 * H - 22 * 60 * S - 13 * S},
		{"2026-11-21T08:22", INSTANT - 13 * S},
		{"2026-11-21T08:22:13.896Z", INSTANT + 896 * MS},
		{"2026-11-21T08:22:13.123456789123Z", INSTANT + 123456789},
		{"2026-11-21 08:22:13.896 +0000 UTC", INSTANT + 896 * MS},
		{"2026-11-21 08:22:13.085+00:00", INSTANT + 85 * MS},
		{"1970-01-01T00:00:00Z", 0},
		{"1969-12-31T23:59:59.5Z", -S / 2},
		{"2000-02-29", INT64_C(951782400) * S},
		{"Nov 21 08:22:13", INT64_MIN}, // a stamp: of year 0
		{"Nov  1 08:22:13.000", INT64_MIN},
		{"Sun Nov  1 00:00:00 1970", INT64_C(26265600) * S},
		{"9999-12-31T23:59:59Z", INT64_MAX},
		{"0000-01-01T00:00:00Z", INT64_MIN},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ns = 1;
		if (!date_parse(str_from_cstr(cases[i].text), &ns)) fail_msg("%s", cases[i].text);
		if (ns != cases[i].ns) fail_msg("%s: %lld", cases[i].text, (long long)ns);
	}
}

static void bad_dates_are_refused(void **state) {
	(void)state;
	static const char *const wrong[] = {
		"",
		"1d",
		"10s",
		"tomorrow",
		"2026-11-21T08:22:13Zx",
		"2026-13-01",
		"2026-00-01",
		"2026-02-29",
		"2026-11-31",
		"2026-11-00",
		"1900-02-29",
		"2026-11-21T24:00:00Z",
		"2026-11-21T08:60:00Z",
		"2026-11-21T08:22:60Z",
		"2026-11-21T08:22:13+2500",
		"2026-11-21T08:22:13+02:60",
		"2026-11-21T08:22:13.",
		"2026-11-21T08:22:13.Z",
		"26-11-21",
		"2026-1-1",
		"Xxx, 21 Nov 2026 08:22:13 UTC",
		"Sat, 21 Xxx 2026 08:22:13 UTC",
		"Sat, 21 Nov 2026 08:22:13",
		"Sat, 21 Nov 2026 08:22:13 utc",
		"2026-11-21T08:22:13 +02:00",
		" 2026-11-21",
		"2026-11-21 ",
		"1795249333",
	};
	int64_t ns;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		if (date_parse(str_from_cstr(wrong[i]), &ns)) fail_msg("%s", wrong[i]);
	}
	assert_false(date_parse((struct str){NULL, 0}, &ns));
	assert_true(date_parse_rfc3339(STR("2026-11-21T08:22:13.5+02:00"), &ns));
	assert_false(date_parse_rfc3339(STR("2026-11-21"), &ns));
	assert_false(date_parse_rfc3339(STR("2026-11-21T08:22:13"), &ns));
}

static void dates_print(void **state) {
	(void)state;
	static const struct {
		int64_t ns;
		const char *rfc3339, *go;
	} cases[] = {
		{INSTANT + 896 * MS, "2026-11-21T08:22:13.896Z", "2026-11-21 08:22:13.896 +0000 UTC"},
		{INSTANT, "2026-11-21T08:22:13Z", "2026-11-21 08:22:13 +0000 UTC"},
		{1, "1970-01-01T00:00:00.000000001Z", "1970-01-01 00:00:00.000000001 +0000 UTC"},
		{-1, "1969-12-31T23:59:59.999999999Z", "1969-12-31 23:59:59.999999999 +0000 UTC"},
		{INT64_MAX, "2262-04-11T23:47:16.854775807Z", "2262-04-11 23:47:16.854775807 +0000 UTC"},
		{INT64_MIN, "1677-09-21T00:12:43.145224192Z", "1677-09-21 00:12:43.145224192 +0000 UTC"},
	};
	struct buf out;
	buf_init(&out, SIZE_MAX);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_clear(&out);
		date_format_rfc3339(&out, cases[i].ns);
		assert_true(str_eq_cstr(buf_view(&out), cases[i].rfc3339));
		buf_clear(&out);
		date_format_go(&out, cases[i].ns);
		assert_true(str_eq_cstr(buf_view(&out), cases[i].go));
	}
	// Every day of four centuries goes both ways.
	for (int64_t day = -100000; day < 100000; day++) {
		int64_t ns = day * 24 * H + 12345678, back = 0;
		buf_clear(&out);
		date_format_rfc3339(&out, ns);
		assert_true(date_parse_rfc3339(buf_view(&out), &back) && back == ns);
	}
	buf_free(&out);
}

static void clocks_run(void **state) {
	(void)state;
	assert_true(clock_wall_ms() > 1600000000000u);
	assert_true(clock_wall_ns() / 1000000000u >= clock_wall_ms() / 1000 - 1);
	uint64_t before = clock_mono_ns();
	assert_true(clock_mono_ns() >= before);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_read),
		cmocka_unit_test(bad_durations_are_refused),
		cmocka_unit_test(go_durations_know_no_days),
		cmocka_unit_test(durations_print),
		cmocka_unit_test(go_durations_print),
		cmocka_unit_test(dates_read),
		cmocka_unit_test(bad_dates_are_refused),
		cmocka_unit_test(dates_print),
		cmocka_unit_test(clocks_run),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
