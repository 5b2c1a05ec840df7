#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "model/cron.h"

#define MS_PER_S 1000

static bool zones_are_installed(void) {
	return access("/usr/share/zoneinfo/America/New_York", R_OK) == 0;
}

// ---- Texts ----

static const char *const valid[] = {
	"* * * * *",
	"*/5 * * * *",
	"0 0 1 1 0",
	"59 23 31 12 6",
	"0-30/5,45 1,2,3 ? * MON-fri",
	"5/10 * * jan,DEC *",
	"  0   0  *\t* *  ",
	"05 007 * * *",
	"0 0 31 2 *", // never fires
	"*/99999999999 * * * *",
	"*/18446744073709551615 * * * *",
	"0 0 * * sun-sat,3",
	"TZ=UTC 0 0 * * *",
	"CRON_TZ=UTC 0 0 * * *",
	"TZ= * * * * *",
	"TZ=UTC    0 0 * * *",
	// Seconds first.
	"* * * * * *",
	"0 0 0 1 1 0",
	"59 59 23 31 12 6",
	"*/10 0-5 ? * * ?",
	"TZ=UTC 1,2 * * * * *",
	// Descriptors.
	"@yearly",
	"@annually",
	"@monthly",
	"@weekly",
	"@daily",
	"@midnight",
	"@hourly",
	"@Daily",
	"  @daily ",
	"TZ=UTC @daily",
	"CRON_TZ=  @monthly",
	"@every 1s",
	"@every 1h30m",
	"@EVERY\t+1.5s ",
	"@every 2562047h47m16.854775807s",
	"TZ=UTC @every 1000ms",
};

static const char *const invalid[] = {
	"",
	" ",
	"*",
	"* * * *",
	"* * * * * * *",
	"0 0 0 0 1 1 0",
	"60 * * * *",
	"* 24 * * *",
	"* * 0 * *",
	"* * 32 * *",
	"* * * 0 *",
	"* * * 13 *",
	"* * * * 7",
	"* * * * 0-7",
	"60 * * * * *",
	"* 60 * * * *",
	"* * 24 * * *",
	"* * * 0 * *",
	"* * * * 13 *",
	"* * * * * 7",
	"*/0 * * * *",
	"*/x * * * *",
	"*/ * * * *",
	"*/-1 * * * *",
	"*/2/3 * * * *",
	"/2 * * * *",
	"5-1 * * * *",
	"* * * dec-jan *",
	"1-2-3 * * * *",
	"1- * * * *",
	"*-5 * * * *",
	"-1 * * * *",
	"+1 * * * *",
	"1.0 * * * *",
	"1, * * * *",
	",1 * * * *",
	", * * * *",
	"** * * * *",
	"mon * * * *",
	"* * * mon *",
	"* * * * jan",
	"* * * foo *",
	"* * * janu *",
	"* * ja * *",
	"* * * 2/feb *",
	"* * L * *",
	"* * * * 5#3",
	"99999999999999999999 * * * *",
	"*/99999999999999999999 * * * *",
	"TZ=UTC",
	"TZ=UTC ",
	"CRON_TZ=UTC",
	"TZ=UTC\t* * * * *",
	"TZ=No/Such_Zone * * * * *",
	"TZ=../UTC * * * * *",
	"TZ=/etc/passwd * * * * *",
	"TZ=Europe/../../../../etc/passwd * * * * *",
	"TZ=zone.tab * * * * *",
	" TZ=UTC * * * * *",
	"tz=UTC * * * * *",
	"TZ=UTC TZ=UTC * * * * *",
	"TZ=No/Such_Zone @daily",
	"TZ=No/Such_Zone @every 1h",
	"@",
	"@reboot",
	"@dailyx",
	"@dail",
	"daily",
	"@daily @daily",
	"@daily * * * * *",
	"* * * * @daily",
	"@ daily",
	"@every",
	"@every ",
	"@every 0",
	"@every 0s",
	"@every 999ms",
	"@every -1h",
	"@every 1",
	"@every 1d",
	"@every 1 h",
	"@every 1h 1m",
	"@every x",
	"@every1h",
	"@every 9999999h",
};

static void schedules_are_told_from_other_texts(void **state) {
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(valid); i++) {
		if (!cron_valid(str_from_cstr(valid[i]))) fail_msg("refused: %s", valid[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(invalid); i++) {
		struct cron_schedule schedule, before;
		memset(&schedule, 0x55, sizeof(schedule));
		memcpy(&before, &schedule, sizeof(before));
		if (cron_parse(str_from_cstr(invalid[i]), &schedule)) fail_msg("taken: %s", invalid[i]);
		if (cron_valid(str_from_cstr(invalid[i]))) fail_msg("valid: %s", invalid[i]);
		assert_memory_equal(&schedule, &before, sizeof(schedule));
	}
	assert_false(cron_valid((struct str){NULL, 0}));
	assert_false(cron_valid(STR("* * * * *\0")));
	assert_false(cron_valid(STR("* * * *\0 *")));
}

static void zones_are_those_of_the_machine(void **state) {
	(void)state;
	bool installed = zones_are_installed();
	assert_int_equal(cron_valid(STR("TZ=America/New_York 0 9 * * 1-5")), installed);
	assert_int_equal(cron_valid(STR("CRON_TZ=America/New_York   0 9 * * 1-5")), installed);
	assert_int_equal(cron_valid(STR("TZ=America/New_York @weekly")), installed);
	assert_false(cron_valid(STR("TZ=America 0 9 * * 1-5")));
}

static void long_texts_do_no_harm(void **state) {
	(void)state;
	static char text[100000];
	memset(text, 'A', sizeof(text));
	memcpy(text, "TZ=", 3);
	memcpy(text + sizeof(text) - 10, " * * * * *", 10);
	assert_false(cron_valid(str_make(text, sizeof(text))));
	assert_false(cron_valid(STR("TZ=UTC\0x * * * * *")));
	for (size_t i = 0; i < sizeof(text); i++) text[i] = i % 2 == 0 ? '7' : ',';
	memcpy(text + sizeof(text) - 9, " * * * * ", 9);
	assert_true(cron_valid(str_make(text, sizeof(text))));
}

static struct cron_schedule parsed(const char *text) {
	struct cron_schedule schedule;
	if (!cron_parse(str_from_cstr(text), &schedule)) fail_msg("refused: %s", text);
	return schedule;
}

static bool is_same(const struct cron_schedule *a, const struct cron_schedule *b) {
	return a->zone == b->zone && memcmp(a->masks, b->masks, sizeof(a->masks)) == 0 &&
	       a->either_day == b->either_day && a->interval_s == b->interval_s;
}

static void texts_of_one_meaning(void **state) {
	(void)state;
	static const char *const pairs[][2] = {
		{"* * * * *", "0 * * * * *"},
		{"? ? ? ? ?", "* * * * *"},
		{"*/1 * ?/1 * *", "* * * * *"},
		{"@yearly", "0 0 1 1 *"},
		{"@annually", "0 0 1 jan ?"},
		{"@monthly", "0 0 0 1 * *"},
		{"@weekly", "0 0 * * sun"},
		{"@daily", "0 0 * * *"},
		{"@midnight", "@daily"},
		{"@hourly", "0 * * * *"},
		{"CRON_TZ=UTC @hourly", "TZ= 0 * * * *"},
		{"*/15 * * * *", "0,15,30,45 * * * *"},
		{"5/20 * * * *", "5,25,45 * * * *"},
		{"5-30/20 * * * *", "5,25 * * * *"},
		{"7/1 * * * *", "7-59 * * * *"},
		{"*/60 * * * *", "0 * * * *"},
		{"*/61 * * * *", "0 * * * *"},
		{"59/2 * * * *", "59 * * * *"},
		{"5/99999999999 * * * *", "5 * * * *"},
		{"3,1,2,1-3 * * * *", "1-3 * * * *"},
		{"0 0 */10 * *", "0 0 1,11,21,31 * *"},
		{"0 0 1 */3 *", "0 0 1 jan,apr,jul,oct *"},
		{"0 0 1 mar-MAY,Dec *", "0 0 1 3,4,5,12 *"},
		{"0 0 * * mon-Fri", "0 0 * * 1-5"},
		{"0 0 * * tue/2", "0 0 * * 2,4,6"},
		{"0 0 * * Thu,SAT,wed,sun,mon,tue", "0 0 * * 0,1-4,6"},
		{"0 0 1,* * 5", "0 0 * * 5"}, // a star among others is one
		{"@every 1h30m", "@every 5400s"},
		{"@every 1999ms", "@every 1s"},
		{"@every 1.5m", "@every 90s"},
		{"@every 1h", "@every 1h0m0.999999999s"},
	};
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct cron_schedule a = parsed(pairs[i][0]), b = parsed(pairs[i][1]);
		if (!is_same(&a, &b)) fail_msg("%s is not %s", pairs[i][0], pairs[i][1]);
	}
	struct cron_schedule star = parsed("0 0 1 * *"), full = parsed("0 0 1 * 0-6"), half = parsed("0 0 1 * */2");
	assert_false(star.either_day);
	assert_true(full.either_day && half.either_day);
}

// ---- Ticks ----

struct ticks {
	const char *text, *after, *next[6]; // all that come next, up to NULL; less than 6: then there is none
};
#define MORE "more"

static int64_t instant_ms(const char *rfc3339) {
	int64_t ns;
	struct date_instant instant;
	if (date_parse_rfc3339(str_from_cstr(rfc3339), &ns) && ns > INT64_MIN && ns < INT64_MAX) return ns / 1000000;
	if (!date_instant_parse_rfc3339(str_from_cstr(rfc3339), &instant)) fail_msg("%s", rfc3339);
	return instant.unix_s * MS_PER_S;
}

static void fail_at(const char *text, int64_t after_ms, int64_t got_ms) {
	struct buf times;
	buf_init(&times, 256);
	struct date_instant instant = {.unix_s = after_ms / MS_PER_S};
	date_instant_format_rfc3339(&times, &instant);
	buf_lit(&times, " gave ");
	instant.unix_s = got_ms / MS_PER_S;
	date_instant_format_rfc3339(&times, &instant);
	print_error("%s after %.*s\n", text, STR_ARG(buf_view(&times)));
	buf_free(&times);
	fail();
}

static void check_ticks(const struct ticks *ticks) {
	struct cron_schedule schedule = parsed(ticks->text);
	int64_t at_ms = instant_ms(ticks->after);
	for (size_t i = 0; i < ARRAY_LEN(ticks->next); i++) {
		int64_t next_ms = -1;
		bool found = cron_next(&schedule, at_ms, &next_ms);
		const char *wanted = ticks->next[i];
		if (wanted != NULL && strcmp(wanted, MORE) == 0) {
			assert_true(found);
			return;
		}
		if (found != (wanted != NULL) || (found && next_ms != instant_ms(wanted)))
			fail_at(ticks->text, at_ms, next_ms);
		if (!found) return;
		at_ms = next_ms;
	}
}

static void check_all_ticks(const struct ticks *cases, size_t count) {
	for (size_t i = 0; i < count; i++) check_ticks(&cases[i]);
}

static void ticks_in_utc(void **state) {
	(void)state;
	static const struct ticks cases[] = {
		// Strictly after, at whole minutes.
		{"* * * * *", "2026-01-01T00:00:00Z", {"2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z", MORE}},
		{"* * * * *", "2026-01-01T00:00:00.001Z", {"2026-01-01T00:01:00Z", MORE}},
		{"* * * * *", "2026-01-01T00:00:59.999Z", {"2026-01-01T00:01:00Z", MORE}},
		{"* * * * *", "2025-12-31T23:59:59.999Z", {"2026-01-01T00:00:00Z", MORE}},
		{"*/5 * * * *", "2026-01-01T10:03:00Z", {"2026-01-01T10:05:00Z", "2026-01-01T10:10:00Z", MORE}},
		{"*/25 * * * *", "2026-01-01T10:26:00Z", {"2026-01-01T10:50:00Z", "2026-01-01T11:00:00Z", MORE}},
		{"30 * * * *", "2026-01-01T10:30:00Z", {"2026-01-01T11:30:00Z", MORE}},
		{"30 * * * *", "2026-01-01T23:30:00Z", {"2026-01-02T00:30:00Z", MORE}},
		{"0 9-17/4 * * *",
		 "2026-01-01T00:00:00Z",
		 {"2026-01-01T09:00:00Z", "2026-01-01T13:00:00Z", "2026-01-01T17:00:00Z", "2026-01-02T09:00:00Z",
		  MORE}},
		{"15,45 22 * * *", "2026-02-28T22:30:00Z", {"2026-02-28T22:45:00Z", "2026-03-01T22:15:00Z", MORE}},
		// Ends of months and years.
		{"59 23 31 12 *", "2025-12-31T23:59:00Z", {"2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z", MORE}},
		{"0 0 1 1 *", "2025-12-31T23:59:59Z", {"2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", MORE}},
		{"0 0 31 * *",
		 "2026-01-31T00:00:00Z",
		 {"2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z", "2026-07-31T00:00:00Z", "2026-08-31T00:00:00Z",
		  MORE}},
		{"0 0 30 * *", "2026-01-30T00:00:00Z", {"2026-03-30T00:00:00Z", MORE}},
		{"0 12 * feb *", "2026-02-28T12:00:00Z", {"2027-02-01T12:00:00Z", MORE}},
		{"0 0 * 6 *", "2026-06-30T00:00:00Z", {"2027-06-01T00:00:00Z", MORE}},
		// Leap days.
		{"0 0 29 2 *", "2026-01-01T00:00:00Z", {"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z", MORE}},
		{"0 0 29 2 *", "2024-02-29T00:00:00Z", {"2028-02-29T00:00:00Z", MORE}},
		{"0 0 29 2 *", "1999-01-01T00:00:00Z", {"2000-02-29T00:00:00Z", MORE}},
		{"0 0 29 2 *", "2092-03-01T00:00:00Z", {"2096-02-29T00:00:00Z", NULL}}, // 2100 has none
		{"0 0 29 2 *", "2098-12-31T23:59:58.999Z", {NULL}},
		{"0 0 29 2 *", "2098-12-31T23:59:59Z", {"2104-02-29T00:00:00Z", MORE}}, // the fifth year
		{"0 0 28 2 *", "2100-02-01T00:00:00Z", {"2100-02-28T00:00:00Z", "2101-02-28T00:00:00Z", MORE}},
		{"0 0 29 2 1", // or Mondays in February
		 "2023-02-20T00:00:00Z",
		 {"2023-02-27T00:00:00Z", "2024-02-05T00:00:00Z", MORE}},
		// Never.
		{"0 0 31 2 *", "2026-01-01T00:00:00Z", {NULL}},
		{"0 0 30 2 *", "2026-01-01T00:00:00Z", {NULL}},
		{"0 0 31 4,6,9,11 *", "2026-01-01T00:00:00Z", {NULL}},
		{"* * * 31 2 *", "2026-01-01T00:00:00Z", {NULL}},
		// Days of the week; 2026-01-01 is a Thursday.
		{"0 9 * * mon-fri",
		 "2026-01-01T09:00:00Z",
		 {"2026-01-02T09:00:00Z", "2026-01-05T09:00:00Z", "2026-01-06T09:00:00Z", MORE}},
		{"0 0 * * 0", "2026-01-01T00:00:00Z", {"2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z", MORE}},
		{"0 0 ? * SAT", "2026-02-27T00:00:00Z", {"2026-02-28T00:00:00Z", "2026-03-07T00:00:00Z", MORE}},
		// Either day field, when both are restricted.
		{"0 0 13 * 5",
		 "2026-02-01T00:00:00Z",
		 {"2026-02-06T00:00:00Z", "2026-02-13T00:00:00Z", "2026-02-20T00:00:00Z", "2026-02-27T00:00:00Z",
		  "2026-03-06T00:00:00Z", "2026-03-13T00:00:00Z"}},
		{"0 0 1 * 3",
		 "2026-01-01T00:00:00Z",
		 {"2026-01-07T00:00:00Z", "2026-01-14T00:00:00Z", "2026-01-21T00:00:00Z", "2026-01-28T00:00:00Z",
		  "2026-02-01T00:00:00Z", MORE}},
		{"0 0 1-31 * 3", "2026-01-01T00:00:00Z", {"2026-01-02T00:00:00Z", MORE}},
		{"0 0 1 * 0-6", "2026-01-01T00:00:00Z", {"2026-01-02T00:00:00Z", MORE}},
		{"0 0 31 2 3", // no such day, but the Wednesdays
		 "2026-01-01T00:00:00Z",
		 {"2026-02-04T00:00:00Z", MORE}},
		// A step above 1 makes a star a restriction.
		{"0 0 */15 * 3",
		 "2026-01-01T00:00:00Z",
		 {"2026-01-07T00:00:00Z", "2026-01-14T00:00:00Z", "2026-01-16T00:00:00Z", MORE}},
		{"0 0 13 * */6", "2026-01-01T00:00:00Z", {"2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z", MORE}},
		// Both, when one has a star.
		{"0 0 */1 * 3", "2026-01-01T00:00:00Z", {"2026-01-07T00:00:00Z", "2026-01-14T00:00:00Z", MORE}},
		{"0 0 ? * 3", "2026-01-01T00:00:00Z", {"2026-01-07T00:00:00Z", MORE}},
		{"0 0 1,* * 3", "2026-01-01T00:00:00Z", {"2026-01-07T00:00:00Z", MORE}},
		{"0 0 13 * ?", "2026-01-01T00:00:00Z", {"2026-01-13T00:00:00Z", "2026-02-13T00:00:00Z", MORE}},
		{"0 0 13 * 5,*", "2026-01-01T00:00:00Z", {"2026-01-13T00:00:00Z", "2026-02-13T00:00:00Z", MORE}},
	};
	check_all_ticks(cases, ARRAY_LEN(cases));
}

static void ticks_with_seconds_and_of_descriptors(void **state) {
	(void)state;
	static const struct ticks cases[] = {
		{"* * * * * *", "2025-12-31T23:59:58Z", {"2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", MORE}},
		{"* * * * * *", "2025-12-31T23:59:58.5Z", {"2025-12-31T23:59:59Z", MORE}},
		{"*/20 * * * * *",
		 "2026-01-01T00:00:20Z",
		 {"2026-01-01T00:00:40Z", "2026-01-01T00:01:00Z", "2026-01-01T00:01:20Z", MORE}},
		{"30 59 23 31 12 *", "2026-01-01T00:00:00Z", {"2026-12-31T23:59:30Z", "2027-12-31T23:59:30Z", MORE}},
		{"15,45 30 9 * * 1",
		 "2026-01-01T00:00:00Z",
		 {"2026-01-05T09:30:15Z", "2026-01-05T09:30:45Z", "2026-01-12T09:30:15Z", MORE}},
		{"10 */30 * * * *", "2026-01-01T00:30:10Z", {"2026-01-01T01:00:10Z", MORE}},
		{"59 59 * * * *", "2026-01-01T00:59:59Z", {"2026-01-01T01:59:59Z", MORE}},
		{"@yearly", "2026-01-01T00:00:00Z", {"2027-01-01T00:00:00Z", MORE}},
		{"@monthly", "2026-01-01T00:00:00Z", {"2026-02-01T00:00:00Z", MORE}},
		{"@weekly", "2026-01-01T00:00:00Z", {"2026-01-04T00:00:00Z", MORE}},
		{"@daily", "2026-01-01T00:00:00Z", {"2026-01-02T00:00:00Z", MORE}},
		{"@hourly", "2026-01-01T00:00:00Z", {"2026-01-01T01:00:00Z", MORE}},
		{"@every 1s", "2026-01-01T00:00:00.999Z", {"2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z", MORE}},
		{"@every 90m", "1970-01-01T00:00:00Z", {"1970-01-01T01:30:00Z", "1970-01-01T03:00:00Z", MORE}},
		{"@every 90m", "1970-01-01T01:29:59.999Z", {"1970-01-01T01:30:00Z", MORE}},
		{"@every 7s", "1970-01-01T00:00:08Z", {"1970-01-01T00:00:14Z", "1970-01-01T00:00:21Z", MORE}},
		{"@every 7s", "1969-12-31T23:59:53Z", {"1970-01-01T00:00:00Z", MORE}},
		{"@every 7s", "1969-12-31T23:59:52.999Z", {"1969-12-31T23:59:53Z", MORE}},
		{"@every 24h", "2026-01-01T12:00:00Z", {"2026-01-02T00:00:00Z", MORE}},
		{"@every 100000h", "2026-01-01T00:00:00Z", {"2027-01-15T08:00:00Z", "2038-06-13T00:00:00Z", MORE}},
	};
	check_all_ticks(cases, ARRAY_LEN(cases));
}

static void ticks_where_clocks_change(void **state) {
	(void)state;
	static const struct ticks cases[] = {
		// New York skips 02:00 to 03:00 on 10 March 2024 …
		{"TZ=America/New_York 30 2 * * *",
		 "2024-03-09T00:00:00Z",
		 {"2024-03-09T07:30:00Z", "2024-03-11T06:30:00Z", "2024-03-12T06:30:00Z", MORE}},
		{"TZ=America/New_York 0 2 * * *", "2024-03-09T08:00:00Z", {"2024-03-11T06:00:00Z", MORE}},
		{"TZ=America/New_York 0 3 * * *", "2024-03-09T09:00:00Z", {"2024-03-10T07:00:00Z", MORE}},
		{"TZ=America/New_York 30 2 10 3 *", // which is a Sunday in 2024; the next ones are not skipped
		 "2024-01-01T00:00:00Z",
		 {"2025-03-10T06:30:00Z", "2026-03-10T06:30:00Z", MORE}},
		{"TZ=America/New_York 0 * * * *",
		 "2024-03-10T05:00:00Z",
		 {"2024-03-10T06:00:00Z", "2024-03-10T07:00:00Z", "2024-03-10T08:00:00Z", MORE}},
		{"TZ=America/New_York */30 1-3 * * *",
		 "2024-03-10T06:00:00Z",
		 {"2024-03-10T06:30:00Z", "2024-03-10T07:00:00Z", "2024-03-10T07:30:00Z", "2024-03-11T05:00:00Z",
		  MORE}},
		// … and shows 01:00 to 02:00 twice on 3 November.
		{"TZ=America/New_York 30 1 * * *",
		 "2024-11-02T06:00:00Z",
		 {"2024-11-03T05:30:00Z", "2024-11-03T06:30:00Z", "2024-11-04T06:30:00Z", MORE}},
		{"TZ=America/New_York 0 1 3 11 *",
		 "2024-11-01T00:00:00Z",
		 {"2024-11-03T05:00:00Z", "2024-11-03T06:00:00Z", "2025-11-03T06:00:00Z", MORE}},
		{"TZ=America/New_York 0 2 * * *", "2024-11-02T07:00:00Z", {"2024-11-03T07:00:00Z", MORE}},
		{"TZ=America/New_York 0 * * * *",
		 "2024-11-03T04:00:00Z",
		 {"2024-11-03T05:00:00Z", "2024-11-03T06:00:00Z", "2024-11-03T07:00:00Z", MORE}},
		{"TZ=America/New_York 59 59 1 * * 0",
		 "2024-11-03T00:00:00Z",
		 {"2024-11-03T05:59:59Z", "2024-11-03T06:59:59Z", "2024-11-10T06:59:59Z", MORE}},
		{"TZ=America/New_York @daily",
		 "2024-11-03T00:00:00Z",
		 {"2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z", MORE}},
		{"TZ=America/New_York @every 24h", "2024-11-03T00:00:00Z", {"2024-11-04T00:00:00Z", MORE}},
		// Far years, for which a rule holds.
		{"TZ=America/New_York 30 2 * 3 0",
		 "2400-03-05T12:00:00Z",
		 {"2400-03-19T06:30:00Z", "2400-03-26T06:30:00Z", "2401-03-04T07:30:00Z", "2401-03-18T06:30:00Z",
		  MORE}},
		{"TZ=America/New_York 0 0 1 1 *", "9998-06-01T00:00:00Z", {"9999-01-01T05:00:00Z", MORE}},
		// Half an hour of summer time.
		{"TZ=Australia/Lord_Howe */15 2 6 10 *", // skips 02:00 to 02:30
		 "2024-10-05T00:00:00Z",
		 {"2024-10-05T15:30:00Z", "2024-10-05T15:45:00Z", "2025-10-05T15:00:00Z", MORE}},
		{"TZ=Australia/Lord_Howe */15 1 7 4 *", // shows 01:30 to 02:00 twice
		 "2024-04-06T00:00:00Z",
		 {"2024-04-06T14:00:00Z", "2024-04-06T14:15:00Z", "2024-04-06T14:30:00Z", "2024-04-06T14:45:00Z",
		  "2024-04-06T15:00:00Z", "2024-04-06T15:15:00Z"}},
		{"TZ=Australia/Lord_Howe 0 * * * *", // its full hours
		 "2024-04-06T13:00:00Z",
		 {"2024-04-06T14:00:00Z", "2024-04-06T15:30:00Z", "2024-04-06T16:30:00Z", MORE}},
		// Offsets that are no full hours.
		{"TZ=Asia/Kathmandu 0 0 * * *", "2026-01-01T00:00:00Z", {"2026-01-01T18:15:00Z", MORE}},
		{"TZ=Asia/Kolkata 0 9 1 * *", "2026-01-01T00:00:00Z", {"2026-01-01T03:30:00Z", MORE}},
		{"TZ=America/New_York 0 0 * * *", // 4:56:02 behind
		 "1880-01-01T00:00:00Z",
		 {"1880-01-01T04:56:02Z", "1880-01-02T04:56:02Z", MORE}},
		{"TZ=America/New_York 0 12 * * *", // clocks went back by 3:58 at noon
		 "1883-11-17T17:00:00Z",
		 {"1883-11-18T16:56:02Z", "1883-11-18T17:00:00Z", "1883-11-19T17:00:00Z", MORE}},
		// A midnight that is skipped, and one that comes twice.
		{"TZ=America/Sao_Paulo 0 0 * * *",
		 "2018-11-03T04:00:00Z",
		 {"2018-11-05T02:00:00Z", "2018-11-06T02:00:00Z", MORE}},
		{"TZ=America/Sao_Paulo 30 23 17 2 *",
		 "2018-01-01T00:00:00Z",
		 {"2018-02-18T01:30:00Z", "2018-02-18T02:30:00Z", "2019-02-18T02:30:00Z", MORE}},
		// The day that Samoa left out.
		{"TZ=Pacific/Apia 0 12 * * *",
		 "2011-12-29T00:00:00Z",
		 {"2011-12-29T22:00:00Z", "2011-12-30T22:00:00Z", "2011-12-31T22:00:00Z", MORE}},
		{"TZ=Pacific/Apia 0 12 30 12 *", "2011-01-01T00:00:00Z", {"2012-12-29T22:00:00Z", MORE}},
		// The year counts in the zone: there it is 2099 already, or still 2098.
		{"TZ=Asia/Kolkata 0 0 29 2 *", "2098-12-31T20:00:00Z", {"2104-02-28T18:30:00Z", MORE}},
		{"TZ=America/New_York 0 0 29 2 *", "2099-01-01T03:00:00Z", {NULL}},
	};
	if (!zones_are_installed()) skip();
	check_all_ticks(cases, ARRAY_LEN(cases));
}

static void far_times(void **state) {
	(void)state;
	static const char *const texts[] = {"* * * * *",
					    "* * * * * *",
					    "0 0 29 2 *",
					    "@yearly",
					    "@every 1s",
					    "@every 2562047h",
					    "TZ=America/New_York 30 2 * * 0"};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (!zones_are_installed() && str_starts_with(str_from_cstr(texts[i]), STR("TZ="))) continue;
		struct cron_schedule schedule = parsed(texts[i]);
		int64_t next_ms = 7;
		assert_false(cron_next(&schedule, INT64_MAX, &next_ms));
		assert_false(cron_next(&schedule, INT64_MAX - 807, &next_ms)); // the last whole second
		assert_int_equal(next_ms, 7);
		for (int shift = 2; shift < 64; shift++) {
			int64_t after_ms = (int64_t)(UINT64_MAX >> shift);
			if (cron_next(&schedule, after_ms, &next_ms)) assert_true(next_ms > after_ms);
			if (cron_next(&schedule, -after_ms, &next_ms)) assert_true(next_ms > -after_ms);
		}
		(void)cron_next(&schedule, INT64_MIN, &next_ms);
	}
	struct cron_schedule schedule = parsed("* * * * * *");
	int64_t next_ms;
	assert_true(cron_next(&schedule, INT64_MIN, &next_ms) && next_ms == INT64_MIN / MS_PER_S * MS_PER_S);
	assert_true(cron_next(&schedule, INT64_MAX - 808, &next_ms) && next_ms == INT64_MAX - 807);
	assert_true(cron_next(&schedule, -1, &next_ms) && next_ms == 0);
	assert_true(cron_next(&schedule, 0, &next_ms) && next_ms == 1000);
	assert_true(cron_next(&schedule, 999, &next_ms) && next_ms == 1000);
	assert_true(cron_next(&schedule, -1000, &next_ms) && next_ms == 0);
	assert_true(cron_next(&schedule, -1001, &next_ms) && next_ms == -1000);
}

// Ten thousand that look at all of five years: a search by minutes would take hours.
static void impossible_days_are_found_out_by_jumps(void **state) {
	(void)state;
	const char *text = zones_are_installed() ? "TZ=America/New_York * * * 31 2 *" : "* * * 31 2 *";
	struct cron_schedule schedule = parsed(text);
	for (int64_t i = 0; i < 10000; i++) {
		int64_t next_ms;
		assert_false(cron_next(&schedule, i * 400000000, &next_ms));
	}
}

// ---- Jitter ----

static void jitter_is_from_one_second_up(void **state) {
	(void)state;
	static const struct {
		uint64_t hash;
		int64_t jitter_ns;
		uint64_t ms;
	} cases[] = {
		{0, 0, 0},
		{UINT64_MAX, 0, 0},
		{12345, -1, 0},
		{12345, INT64_MIN, 0},
		{0, 1000000000, 1000},
		{UINT64_MAX, 1000000000, 1000},
		{UINT64_MAX, 1, 1000},
		{UINT64_MAX, 1000000001, 1000},
		{0, 2000000000, 1000},
		{999999, 2000000000, 1000},
		{1000000, 2000000000, 1001},
		{999999999, 2000000000, 1999},
		{1000000000, 2000000000, 1000},
		{298999999999, 300000000000, 299999},
		{299000000000, 300000000000, 1000},
		{UINT64_MAX, 300000000000, 1000 + UINT64_MAX % 299000000000 / 1000000},
		{UINT64_MAX, INT64_MAX, 1000 + UINT64_MAX % (INT64_MAX - 1000000000) / 1000000},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(cron_jitter_ms(cases[i].hash, cases[i].jitter_ns), cases[i].ms);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schedules_are_told_from_other_texts),
		cmocka_unit_test(zones_are_those_of_the_machine),
		cmocka_unit_test(long_texts_do_no_harm),
		cmocka_unit_test(texts_of_one_meaning),
		cmocka_unit_test(ticks_in_utc),
		cmocka_unit_test(ticks_with_seconds_and_of_descriptors),
		cmocka_unit_test(ticks_where_clocks_change),
		cmocka_unit_test(far_times),
		cmocka_unit_test(impossible_days_are_found_out_by_jumps),
		cmocka_unit_test(jitter_is_from_one_second_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
