#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/zone.h"
#include "cel/time.h"

#define MS INT64_C(1000000)
#define S (1000 * MS)
#define H (3600 * S)
#define T_10H 1714557600 // 2024-05-01T10:00:00Z, a Wednesday

static struct cel_time date(const char *text) {
	struct cel_time time;
	if (!cel_time_parse_date(str_from_cstr(text), &time)) fail_msg("%s", text);
	return time;
}

static struct cel_time timestamp(const char *text) {
	struct cel_time time;
	if (!cel_time_parse_rfc3339(str_from_cstr(text), &time)) fail_msg("%s", text);
	return time;
}

static int64_t duration(const char *text) {
	int64_t ns;
	if (duration_parse_go(str_from_cstr(text), &ns, NULL) != ERR_OK) fail_msg("%s", text);
	return ns;
}

static void check_text(const struct buf *out, const char *text) {
	assert_false(out->overflow);
	if (!str_eq_cstr(buf_view(out), text)) fail_msg("%.*s, not %s", STR_ARG(buf_view(out)), text);
}

// ---- Making ----

// What date() reads: the instant, and its two texts.
static void dates_read_and_print(void **state) {
	(void)state;
	static const struct {
		const char *date;
		int64_t seconds;
		int32_t nanos;
		const char *text, *string;
	} cases[] = {
		{"2024-05-01T10:00:00Z", T_10H, 0, "2024-05-01 10:00:00 +0000 UTC", "2024-05-01T10:00:00Z"},
		{"2024-05-01T12:00:00+02:00", T_10H, 0, "2024-05-01 12:00:00 +0200 +0200", "2024-05-01T12:00:00+02:00"},
		{"2024-05-01T04:30:00-05:30", T_10H, 0, "2024-05-01 04:30:00 -0530 -0530", "2024-05-01T04:30:00-05:30"},
		{"2024-05-01T09:45:00-00:15", T_10H, 0, "2024-05-01 09:45:00 -0015 -0015", "2024-05-01T09:45:00-00:15"},
		{"2024-05-01T10:00:00+00:00", T_10H, 0, "2024-05-01 10:00:00 +0000 UTC", "2024-05-01T10:00:00Z"},
		{"2024-05-01T10:00:00.25Z", T_10H, 250000000, "2024-05-01 10:00:00.25 +0000 UTC",
		 "2024-05-01T10:00:00.25Z"},
		{"2024-05-01T10:00:00.123456789Z", T_10H, 123456789, "2024-05-01 10:00:00.123456789 +0000 UTC",
		 "2024-05-01T10:00:00.123456789Z"},
		{"2024-05-01T12:00:00.5+02:00", T_10H, 500000000, "2024-05-01 12:00:00.5 +0200 +0200",
		 "2024-05-01T12:00:00.5+02:00"},
		{"2024-01-01", 1704067200, 0, "2024-01-01 00:00:00 +0000 UTC", "2024-01-01T00:00:00Z"},
		{"2024-01-01T05:06:07", 1704085567, 0, "2024-01-01 05:06:07 +0000 UTC", "2024-01-01T05:06:07Z"},
		{"2024-05-01T10:00:00", T_10H, 0, "2024-05-01 10:00:00 +0000 UTC", "2024-05-01T10:00:00Z"},
		{"Wed, 01 May 2024 10:00:00 UTC", T_10H, 0, "2024-05-01 10:00:00 +0000 UTC", "2024-05-01T10:00:00Z"},
		{"Mon, 02 Jan 2006 15:04:05 MST", 1136214245, 0, "2006-01-02 15:04:05 +0000 UTC",
		 "2006-01-02T15:04:05Z"},
		{"01 May 24 10:00 UTC", T_10H, 0, "2024-05-01 10:00:00 +0000 UTC", "2024-05-01T10:00:00Z"},
		{"01 May 24 12:00 +0200", T_10H, 0, "2024-05-01 12:00:00 +0200 +0200", "2024-05-01T12:00:00+02:00"},
		{"Wednesday, 01-May-24 10:00:00 UTC", T_10H, 0, "2024-05-01 10:00:00 +0000 UTC",
		 "2024-05-01T10:00:00Z"},
		{"Wed May 01 12:00:00 +0200 2024", T_10H, 0, "2024-05-01 12:00:00 +0200 +0200",
		 "2024-05-01T12:00:00+02:00"},
		{"Wed May  1 10:00:00 UTC 2024", T_10H, 0, "2024-05-01 10:00:00 +0000 UTC", "2024-05-01T10:00:00Z"},
		{"Wed May  1 10:00:00 2024", T_10H, 0, "2024-05-01 10:00:00 +0000 UTC", "2024-05-01T10:00:00Z"},
		{"Jan  2 15:04:05", -62167078555, 0, "0000-01-02 15:04:05 +0000 UTC", "0000-01-02T15:04:05Z"},
		{"Jan 12 15:04:05.025", -62166214555, 25000000, "0000-01-12 15:04:05.025 +0000 UTC",
		 "0000-01-12T15:04:05.025Z"},
		{"2024-05-01 10:00:00 +0000 UTC", T_10H, 0, "2024-05-01 10:00:00 +0000 UTC", "2024-05-01T10:00:00Z"},
		{"2024-05-01 12:00:00.5 +0200 CEST", T_10H, 500000000, "2024-05-01 12:00:00.5 +0200 +0200",
		 "2024-05-01T12:00:00.5+02:00"},
		{"2024-05-01 12:00:00 +0200 +0200", T_10H, 0, "2024-05-01 12:00:00 +0200 +0200",
		 "2024-05-01T12:00:00+02:00"},
		{"0001-01-01T00:00:00Z", CEL_TIME_MIN_S, 0, "0001-01-01 00:00:00 +0000 UTC", "0001-01-01T00:00:00Z"},
		{"9999-12-31T23:59:59Z", CEL_TIME_MAX_S, 0, "9999-12-31 23:59:59 +0000 UTC", "9999-12-31T23:59:59Z"},
		{"9999-12-31T23:59:59-01:00", CEL_TIME_MAX_S + 3600, 0, "9999-12-31 23:59:59 -0100 -0100",
		 "9999-12-31T23:59:59-01:00"},
		{"1969-12-31T23:59:59.9Z", -1, 900000000, "1969-12-31 23:59:59.9 +0000 UTC", "1969-12-31T23:59:59.9Z"},
	};
	struct buf out;
	buf_init(&out, 100);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cel_time time = date(cases[i].date);
		if (time.seconds != cases[i].seconds || time.nanos != cases[i].nanos)
			fail_msg("%s: %lld", cases[i].date, (long long)time.seconds);
		buf_clear(&out);
		cel_time_text(&out, time);
		check_text(&out, cases[i].text);
		struct cel_time again = date(cases[i].text); // the text form is one of the formats
		assert_int_equal(cel_time_compare(again, time), 0);
		assert_int_equal(again.offset_s, time.offset_s);
		buf_clear(&out);
		cel_time_string(&out, time);
		check_text(&out, cases[i].string);
	}
	buf_free(&out);
}

static void other_texts_are_no_dates(void **state) {
	(void)state;
	static const char *const texts[] = {
		"",
		"garbage",
		"05/01/2024",
		"1714557600",
		"2024-02-30",
		"2024-13-01",
		"2024-05-01 ",
		"2024-05-01T10:00",
		"2024-05-01 10:00:00", // the SQL columns' forms are not date()'s
		"2024-05-01 10:00:00Z",
		"2024-05-01 10:00:00+00:00",
		"2024-05-01Z",
		"Wed, 01 May 2024 10:00:00 +0200",
		"2024-05-01 10:00:00 +0000 UTC m=+1.5",
		"10000-01-01T00:00:00Z",
		"-001-01-01T00:00:00Z",
		"2024-05-01T10:00:00+25:00",
	};
	struct cel_time time;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (cel_time_parse_date(str_from_cstr(texts[i]), &time)) fail_msg("%s", texts[i]);
	}
	assert_false(cel_time_parse_date((struct str){NULL, 0}, &time));
}

static void timestamps_read(void **state) {
	(void)state;
	struct cel_time time = timestamp("2024-05-01T10:00:00+02:00");
	assert_int_equal(time.seconds, T_10H - 7200);
	assert_int_equal(time.offset_s, 7200);
	static const char *const texts[] = {
		"2024-05-01",
		"garbage",
		"2024-05-01T10:00:00",
		"Wed, 01 May 2024 10:00:00 UTC",
		"0000-12-31T23:59:59Z",
		"0001-01-01T00:00:00+00:01",
		"9999-12-31T23:59:59-00:01",
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (cel_time_parse_rfc3339(str_from_cstr(texts[i]), &time)) fail_msg("%s", texts[i]);
	}
	assert_true(cel_time_from_unix(T_10H, &time) && time.seconds == T_10H && time.offset_s == 0);
	assert_true(cel_time_from_unix(-1, &time) && cel_time_from_unix(0, &time));
	assert_true(cel_time_from_unix(CEL_TIME_MIN_S, &time) && cel_time_from_unix(CEL_TIME_MAX_S, &time));
	assert_false(cel_time_from_unix(CEL_TIME_MIN_S - 1, &time) || cel_time_from_unix(CEL_TIME_MAX_S + 1, &time));
	assert_false(cel_time_from_unix(INT64_MIN, &time) || cel_time_from_unix(INT64_MAX, &time));
}

static void numbers_are_dates_by_their_size(void **state) {
	(void)state;
	static const struct {
		int64_t number, seconds; // 0: no date
		int32_t nanos;
	} cases[] = {
		{1714557600, T_10H, 0},
		{1714557600000, T_10H, 0},
		{1714557600000000000, T_10H, 0},
		{1730000000000, 1730000000, 0},
		{1730000000123, 1730000000, 123000000},
		{1714557600000000001, T_10H, 1},
		{946684799, 0, 0},
		{946684800, 946684800, 0},
		{9999999998, 9999999998, 0},
		{9999999999, 9999999, 999000000},
		{9999999999998, 9999999999, 998000000},
		{9999999999999, 9999, 999999999},
		{INT64_MAX, 9223372036, 854775807},
		{0, 0, 0},
		{-1, 0, 0},
		{INT64_MIN, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cel_time time = {0};
		if (cel_time_from_int(cases[i].number, &time) != (cases[i].seconds != 0) ||
		    time.seconds != cases[i].seconds || time.nanos != cases[i].nanos || time.offset_s != 0)
			fail_msg("%lld", (long long)cases[i].number);
	}
	struct cel_time before = cel_time_from_ns(-1);
	assert_true(before.seconds == -1 && before.nanos == 999999999);
	before = cel_time_from_ns(INT64_MIN);
	assert_true(before.seconds == -9223372037 && before.nanos == 145224192);
}

// ---- Asking ----

static void getters(void **state) {
	(void)state;
	static const struct {
		const char *time;
		enum cel_time_field field;
		const char *zone;
		int64_t value;
	} cases[] = {
		{"2024-05-01T10:00:00Z", CEL_TIME_FULL_YEAR, "", 2024},
		{"2024-05-01T10:00:00Z", CEL_TIME_MONTH, "", 4},
		{"2024-05-01T10:00:00Z", CEL_TIME_DATE, "", 1},
		{"2024-05-01T10:00:00Z", CEL_TIME_DAY_OF_MONTH, "", 0},
		{"2024-05-01T10:00:00Z", CEL_TIME_DAY_OF_WEEK, "", 3},
		{"2024-05-01T10:00:00Z", CEL_TIME_DAY_OF_YEAR, "", 121},
		{"2024-05-01T10:00:00Z", CEL_TIME_HOURS, "", 10},
		{"2024-05-01T10:00:00Z", CEL_TIME_MINUTES, "", 0},
		{"2024-05-01T10:00:00Z", CEL_TIME_SECONDS, "", 0},
		{"2024-05-01T10:00:00Z", CEL_TIME_MILLISECONDS, "", 0},
		{"2024-12-31T23:58:59.987654321Z", CEL_TIME_MONTH, "", 11},
		{"2024-12-31T23:58:59.987654321Z", CEL_TIME_DATE, "", 31},
		{"2024-12-31T23:58:59.987654321Z", CEL_TIME_DAY_OF_MONTH, "", 30},
		{"2024-12-31T23:58:59.987654321Z", CEL_TIME_DAY_OF_YEAR, "", 365},
		{"2024-12-31T23:58:59.987654321Z", CEL_TIME_MINUTES, "", 58},
		{"2024-12-31T23:58:59.987654321Z", CEL_TIME_SECONDS, "", 59},
		{"2024-12-31T23:58:59.987654321Z", CEL_TIME_MILLISECONDS, "", 987},
		{"2024-12-31T23:58:59.987654321Z", CEL_TIME_FULL_YEAR, "00:02", 2025},
		{"2024-12-31T23:58:59.987654321Z", CEL_TIME_DAY_OF_YEAR, "+00:02", 0},
		{"2024-05-05T10:00:00Z", CEL_TIME_DAY_OF_WEEK, "", 0}, // a Sunday
		{"2024-05-04T23:59:59Z", CEL_TIME_DAY_OF_WEEK, "UTC", 6},
		{"2024-05-01T12:00:00+02:00", CEL_TIME_HOURS, "", 10}, // UTC, however it was written
		{"2024-05-01T10:00:00Z", CEL_TIME_HOURS, "+05:30", 15},
		{"2024-05-01T10:00:00Z", CEL_TIME_MINUTES, "+05:30", 30},
		{"2024-05-01T10:00:00Z", CEL_TIME_HOURS, "05:30", 15},
		{"2024-05-01T10:00:00Z", CEL_TIME_HOURS, "-05:30", 4},
		{"2024-05-01T10:00:00Z", CEL_TIME_MINUTES, "-05:30", 30},
		{"2024-05-01T10:00:00Z", CEL_TIME_HOURS, "-00:30", 9},
		{"2024-05-01T10:00:00Z", CEL_TIME_DATE, "-11:00", 30},
		{"0001-01-01T00:00:00Z", CEL_TIME_FULL_YEAR, "-01:00", 0},
		{"0001-01-01T00:00:00Z", CEL_TIME_DAY_OF_WEEK, "", 1},
		{"0000-01-01T00:00:00Z", CEL_TIME_FULL_YEAR, "-01:00", -1},
		{"0000-01-01T00:00:00Z", CEL_TIME_DAY_OF_YEAR, "-01:00", 364},
		{"0000-12-31T00:00:00Z", CEL_TIME_DAY_OF_YEAR, "", 365},
		{"9999-12-31T23:59:59Z", CEL_TIME_FULL_YEAR, "+01:00", 10000},
		{"1969-12-31T23:59:59.25Z", CEL_TIME_SECONDS, "", 59},
		{"1969-12-31T23:59:59.25Z", CEL_TIME_MILLISECONDS, "", 250},
		{"1969-12-31T23:59:59.25Z", CEL_TIME_DAY_OF_WEEK, "", 3},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t value = -100;
		if (!cel_time_get(cases[i].field, date(cases[i].time), str_from_cstr(cases[i].zone), &value) ||
		    value != cases[i].value)
			fail_msg("%s %d %s: %lld", cases[i].time, cases[i].field, cases[i].zone, (long long)value);
	}
	struct cel_time time = date("2024-05-01T10:00:00Z");
	int64_t value;
	static const char *const zones[] = {"Mars",    "Local",  "utc",    ":",      "+:",     "05:",     ":30",
					    "+05:60",  "+25:00", "+05:3x", "x05:30", "+-5:30", "+005:30", "05:030",
					    "+05:30 ", " 05:30", "+0530",  "+05",    "Z",      "5:30:00"};
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		if (cel_time_get(CEL_TIME_HOURS, time, str_from_cstr(zones[i]), &value)) fail_msg("%s", zones[i]);
	}
	if (zone_find(STR("America/New_York")) == NULL) skip();
	assert_true(cel_time_get(CEL_TIME_HOURS, time, STR("America/New_York"), &value) && value == 6);
	assert_true(cel_time_get(CEL_TIME_MINUTES, time, STR("Asia/Kathmandu"), &value) && value == 45);
	assert_true(cel_time_get(CEL_TIME_HOURS, date("2024-01-01T10:00:00Z"), STR("America/New_York"), &value));
	assert_int_equal(value, 5);
}

static void durations_in_units(void **state) {
	(void)state;
	static const struct {
		const char *duration;
		int64_t hours, minutes, seconds, milliseconds;
	} cases[] = {
		{"1h", 1, 60, 3600, 3600000},
		{"90m", 1, 90, 5400, 5400000},
		{"90s", 0, 1, 90, 90000},
		{"1.5s", 0, 0, 1, 1500},
		{"-90m", -1, -90, -5400, -5400000},
		{"-999us", 0, 0, 0, 0},
		{"0", 0, 0, 0, 0},
		{"9223372036854775807ns", 2562047, 153722867, 9223372036, 9223372036854},
		{"-9223372036854775808ns", -2562047, -153722867, -9223372036, -9223372036854},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ns = duration(cases[i].duration), value;
		assert_true(cel_duration_get(CEL_TIME_HOURS, ns, &value) && value == cases[i].hours);
		assert_true(cel_duration_get(CEL_TIME_MINUTES, ns, &value) && value == cases[i].minutes);
		assert_true(cel_duration_get(CEL_TIME_SECONDS, ns, &value) && value == cases[i].seconds);
		assert_true(cel_duration_get(CEL_TIME_MILLISECONDS, ns, &value) && value == cases[i].milliseconds);
		for (int field = CEL_TIME_FULL_YEAR; field < CEL_TIME_HOURS; field++)
			assert_false(cel_duration_get((enum cel_time_field)field, ns, &value));
	}
}

static void times_compare(void **state) {
	(void)state;
	// Ascending; equal where the number is the same.
	static const struct {
		const char *time;
		int rank;
	} cases[] = {
		{"0001-01-01T00:00:00Z", 0},      {"1969-12-31T23:59:59.5Z", 1},
		{"1970-01-01T00:00:00Z", 2},      {"2024-05-01T10:00:00Z", 3},
		{"2024-05-01T12:00:00+02:00", 3}, {"2024-05-01T10:00:00.000000001Z", 4},
		{"2024-05-01T10:00:00.25Z", 5},   {"2024-05-01T09:00:00.25-01:00", 5},
		{"2024-05-01T12:00:01+02:00", 6}, {"9999-12-31T23:59:59Z", 7},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t j = 0; j < ARRAY_LEN(cases); j++) {
			int order = cel_time_compare(date(cases[i].time), date(cases[j].time));
			int ranks = (cases[i].rank > cases[j].rank) - (cases[i].rank < cases[j].rank);
			assert_int_equal((order > 0) - (order < 0), ranks);
		}
	}
	assert_true(cel_time_compare(date("2024-05-01"), date("2024-05-01T00:00:01Z")) < 0);
	assert_int_equal(cel_time_compare(timestamp("2024-05-01T10:00:00Z"), date("2024-05-01T10:00:00Z")), 0);
}

// ---- Arithmetic ----

static void times_and_durations_add(void **state) {
	(void)state;
	static const struct {
		const char *time, *duration, *sum; // sum NULL: out of range
	} cases[] = {
		{"2024-05-01T10:00:00Z", "1h", "2024-05-01T11:00:00Z"},
		{"2024-05-01T00:00:00Z", "24h", "2024-05-02T00:00:00Z"},
		{"2024-05-01T12:00:00+02:00", "1h", "2024-05-01T13:00:00+02:00"},
		{"2024-05-01T10:00:00Z", "0", "2024-05-01T10:00:00Z"},
		{"2024-05-01T10:00:00.75Z", "500ms", "2024-05-01T10:00:01.25Z"},
		{"2024-05-01T10:00:00.25Z", "-500ms", "2024-05-01T09:59:59.75Z"},
		{"1970-01-01T00:00:00Z", "-1ns", "1969-12-31T23:59:59.999999999Z"},
		{"1969-12-31T23:59:59.999999999Z", "1ns", "1970-01-01T00:00:00Z"},
		{"1970-01-01T00:00:00Z", "9223372036854775807ns", "2262-04-11T23:47:16.854775807Z"},
		{"1970-01-01T00:00:00Z", "-9223372036854775808ns", "1677-09-21T00:12:43.145224192Z"},
		{"9999-12-31T23:59:59Z", "999999999ns", "9999-12-31T23:59:59.999999999Z"},
		{"9999-12-31T23:59:59Z", "1s", NULL},
		{"9999-12-31T23:59:59.999999999Z", "1ns", NULL},
		{"0001-01-01T00:00:00Z", "-1ns", NULL},
		{"0001-01-01T00:00:00Z", "-2000000h", NULL},
		{"0000-01-01T00:00:00Z", "1h", NULL}, // from year 0 only into the range
		{"0000-01-01T00:00:00Z", "8784h", "0001-01-01T00:00:00Z"},
	};
	struct buf out;
	buf_init(&out, 100);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cel_time time = date(cases[i].time), sum, back;
		int64_t ns = duration(cases[i].duration), negative, between;
		bool has_negative = cel_duration_negate(ns, &negative);
		assert_true(has_negative == (ns != INT64_MIN));
		if (cases[i].sum == NULL) {
			if (cel_time_add(time, ns, &sum)) fail_msg("%s %s", cases[i].time, cases[i].duration);
			assert_false(cel_time_subtract(time, negative, &sum));
			continue;
		}
		assert_true(cel_time_add(time, ns, &sum));
		buf_clear(&out);
		cel_time_string(&out, sum);
		check_text(&out, cases[i].sum);
		if (time.seconds >= CEL_TIME_MIN_S) {
			assert_true(cel_time_subtract(sum, ns, &back));
			assert_true(cel_time_compare(back, time) == 0 && back.offset_s == time.offset_s);
		}
		assert_true(cel_time_difference(sum, time, &between) && between == ns);
		assert_true(cel_time_difference(time, sum, &between) == has_negative);
		if (has_negative) assert_true(between == negative);
	}
	buf_free(&out);
}

static void differences(void **state) {
	(void)state;
	int64_t ns;
	assert_true(cel_time_difference(date("2024-05-01T12:00:00+02:00"), date("2024-05-01T10:00:00Z"), &ns));
	assert_int_equal(ns, 0);
	assert_true(cel_time_difference(timestamp("2024-05-02T00:00:00Z"), timestamp("2024-05-01T00:00:00Z"), &ns));
	assert_int_equal(ns, duration("24h"));
	struct cel_time first = date("0001-01-01T00:00:00Z"), last = date("9999-12-31T23:59:59.5Z");
	struct cel_time epoch = {0}, largest = cel_time_from_ns(INT64_MAX), least = cel_time_from_ns(INT64_MIN);
	assert_false(cel_time_difference(last, first, &ns) || cel_time_difference(first, last, &ns));
	assert_true(cel_time_difference(largest, epoch, &ns) && ns == INT64_MAX);
	assert_true(cel_time_difference(epoch, largest, &ns) && ns == -INT64_MAX);
	assert_true(cel_time_difference(least, epoch, &ns) && ns == INT64_MIN);
	assert_false(cel_time_difference(epoch, least, &ns));
	largest.nanos++;
	assert_false(cel_time_difference(largest, epoch, &ns));
	assert_true(cel_time_difference(epoch, largest, &ns) && ns == INT64_MIN);
	least.nanos--;
	assert_false(cel_time_difference(least, epoch, &ns));
}

static void durations_add(void **state) {
	(void)state;
	int64_t ns;
	assert_true(cel_duration_add(duration("1h"), duration("30m"), &ns) && ns == duration("1h30m"));
	assert_true(cel_duration_subtract(duration("1h"), duration("90m"), &ns) && ns == duration("-30m"));
	assert_true(cel_duration_negate(duration("1h"), &ns) && ns < 0 && ns == -H);
	assert_true(cel_duration_add(INT64_MAX, INT64_MIN, &ns) && ns == -1);
	ns = 7;
	assert_false(cel_duration_add(INT64_MAX, 1, &ns) || cel_duration_add(INT64_MIN, -1, &ns));
	assert_false(cel_duration_subtract(INT64_MIN, 1, &ns) || cel_duration_subtract(0, INT64_MIN, &ns));
	assert_false(cel_duration_negate(INT64_MIN, &ns));
	assert_int_equal(ns, 7);
	assert_int_equal(duration("1h30m"), duration("90m"));
	assert_int_equal(duration("24h"), duration("1440m"));
	assert_int_not_equal(duration_parse_go(STR("1d"), &ns, NULL), ERR_OK);
	assert_int_not_equal(duration_parse_go(STR("xyz"), &ns, NULL), ERR_OK);
}

// ---- Text ----

static void durations_print(void **state) {
	(void)state;
	static const struct {
		int64_t ns;
		const char *text, *string;
	} cases[] = {
		{0, "0s", "0s"},
		{H, "1h0m0s", "3600s"},
		{90 * 60 * S, "1h30m0s", "5400s"},
		{S + S / 2, "1.5s", "1.5s"},
		{60 * S, "1m0s", "60s"},
		{61 * S + 1, "1m1.000000001s", "61.000000001s"},
		{100 * H + S, "100h0m1s", "360001s"},
		{1, "1ns", "0.000000001s"},
		{999, "999ns", "0.000000999s"},
		{1000, "1\u00b5s", "0.000001s"},
		{1500, "1.5\u00b5s", "0.0000015s"},
		{999999, "999.999\u00b5s", "0.000999999s"},
		{MS, "1ms", "0.001s"},
		{1010 * 1000, "1.01ms", "0.00101s"},
		{S - 1, "999.999999ms", "0.999999999s"},
		{S, "1s", "1s"},
		{-1, "-1ns", "-0.000000001s"},
		{-S / 2, "-500ms", "-0.5s"},
		{-90 * 60 * S, "-1h30m0s", "-5400s"},
		{INT64_MAX, "2562047h47m16.854775807s", "9223372036.854776s"},
		{INT64_MIN, "-2562047h47m16.854775808s", "-9223372036.854776s"},
	};
	struct buf out;
	buf_init(&out, 100);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_clear(&out);
		cel_duration_text(&out, cases[i].ns);
		check_text(&out, cases[i].text);
		int64_t back;
		assert_int_equal(duration_parse_go(buf_view(&out), &back, NULL), ERR_OK);
		assert_true(back == cases[i].ns);
		buf_clear(&out);
		cel_duration_string(&out, cases[i].ns);
		check_text(&out, cases[i].string);
	}
	buf_free(&out);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_read_and_print),
		cmocka_unit_test(other_texts_are_no_dates),
		cmocka_unit_test(timestamps_read),
		cmocka_unit_test(numbers_are_dates_by_their_size),
		cmocka_unit_test(getters),
		cmocka_unit_test(durations_in_units),
		cmocka_unit_test(times_compare),
		cmocka_unit_test(times_and_durations_add),
		cmocka_unit_test(differences),
		cmocka_unit_test(durations_add),
		cmocka_unit_test(durations_print),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
