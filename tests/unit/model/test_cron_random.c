// The ticks of random schedules around random times, against a matcher that tries each minute or second.
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
#include "base/rng.h"
#include "base/zone.h"
#include "model/cron.h"

#define MS_PER_S 1000
#define S_PER_DAY 86400

static bool zones_are_installed(void) {
	return access("/usr/share/zoneinfo/America/New_York", R_OK) == 0;
}

static struct cron_schedule parsed(const char *text) {
	struct cron_schedule schedule;
	if (!cron_parse(str_from_cstr(text), &schedule)) fail_msg("refused: %s", text);
	return schedule;
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

// A random schedule: its text, and what it means.
struct sample {
	struct buf text;
	bool allowed[CRON_FIELDS][64];
	bool has_star[CRON_FIELDS];
	const struct zone *zone;
};

static const struct {
	int min, max;
	const char *names;
} bounds[CRON_FIELDS] = {
	{0, 59, ""},
	{0, 59, ""},
	{0, 23, ""},
	{1, 31, ""},
	{1, 12, "JanFebMarAprMayJunJulAugSepOctNovDec"},
	{0, 6, "SUNMONTUEWEDTHUFRISAT"},
};

static int random_between(struct rng *rng, int min, int max) {
	return min + (int)rng_below(rng, (uint64_t)(max - min + 1));
}

static void put_value(struct rng *rng, struct buf *out, int field, int value) {
	if (bounds[field].names[0] != '\0' && rng_below(rng, 2) == 0)
		buf_append(out, bounds[field].names + (ptrdiff_t)3 * (value - bounds[field].min), 3);
	else
		buf_printf(out, "%d", value);
}

static void put_item(struct rng *rng, struct sample *sample, int field) {
	int first = bounds[field].min, last = bounds[field].max, step = 1;
	bool is_star = rng_below(rng, 3) == 0, has_step = rng_below(rng, 3) == 0;
	if (is_star) {
		buf_byte(&sample->text, rng_below(rng, 4) == 0 ? '?' : '*');
	} else {
		first = random_between(rng, first, last);
		put_value(rng, &sample->text, field, first);
		if (rng_below(rng, 2) == 0) {
			last = random_between(rng, first, last);
			buf_byte(&sample->text, '-');
			put_value(rng, &sample->text, field, last);
		} else if (!has_step) {
			last = first;
		}
	}
	if (has_step) {
		step = random_between(rng, 1, bounds[field].max / 2 + 2);
		buf_printf(&sample->text, "/%d", step);
	}
	for (int value = first; value <= last; value += step) sample->allowed[field][value] = true;
	if (is_star && step == 1) sample->has_star[field] = true;
}

// In a zone and with seconds or without; `dense`: stars in all fields but those of the time of day.
static void make_sample(struct rng *rng, struct sample *sample, const char *zone, bool seconds, bool dense) {
	memset(sample, 0, sizeof(*sample));
	buf_init(&sample->text, 1024);
	sample->zone = zone_find(str_from_cstr(zone));
	assert_non_null(sample->zone);
	buf_printf(&sample->text, "TZ=%s ", zone);
	sample->allowed[CRON_SECOND][0] = !seconds;
	for (int field = seconds ? CRON_SECOND : CRON_MINUTE; field < CRON_FIELDS; field++) {
		if (dense && field > CRON_HOUR) {
			buf_lit(&sample->text, "*");
			sample->has_star[field] = true;
			for (int value = 0; value < 64; value++) sample->allowed[field][value] = true;
		} else {
			put_item(rng, sample, field);
			while (rng_below(rng, 3) == 0) {
				buf_byte(&sample->text, ',');
				put_item(rng, sample, field);
			}
		}
		buf_byte(&sample->text, field + 1 < CRON_FIELDS ? ' ' : '\0');
	}
}

static bool sample_matches(const struct sample *sample, int64_t unix_s) {
	int32_t offset_s;
	zone_at(sample->zone, unix_s, &offset_s, NULL);
	struct date_civil civil = date_civil_from_s(unix_s + offset_s);
	bool day = sample->allowed[CRON_DAY][civil.day], weekday = sample->allowed[CRON_WEEKDAY][civil.weekday];
	bool both = sample->has_star[CRON_DAY] || sample->has_star[CRON_WEEKDAY];
	return sample->allowed[CRON_SECOND][civil.second] && sample->allowed[CRON_MINUTE][civil.minute] &&
	       sample->allowed[CRON_HOUR][civil.hour] && sample->allowed[CRON_MONTH][civil.month] &&
	       (both ? day && weekday : day || weekday);
}

// All ticks of a window, and none that is not one; `step_s` divides all instants at which it can fire.
static size_t compare_window(const struct sample *sample, int64_t from_s, int64_t end_s, int64_t step_s) {
	const char *text = sample->text.ptr;
	struct cron_schedule schedule = parsed(text);
	int64_t next_ms = 0;
	bool found = cron_next(&schedule, (from_s - step_s) * MS_PER_S, &next_ms);
	size_t count = 0;
	for (int64_t at_s = from_s; at_s < end_s; at_s += step_s) {
		if (!sample_matches(sample, at_s)) continue;
		if (!found || next_ms != at_s * MS_PER_S) fail_at(text, at_s * MS_PER_S, found ? next_ms : -1);
		found = cron_next(&schedule, next_ms, &next_ms);
		count++;
	}
	if (found && next_ms < end_s * MS_PER_S) fail_at(text, end_s * MS_PER_S, next_ms);
	return count;
}

static const char *const sample_zones[] = {
	"UTC",
	"America/New_York",
	"Europe/Berlin",
	"Europe/Dublin",
	"Australia/Lord_Howe",
	"Asia/Kathmandu",
	"Asia/Kolkata",
	"America/Sao_Paulo",
	"America/St_Johns",
	"Africa/Casablanca",
	"Pacific/Apia",
	"Pacific/Chatham",
	"Asia/Gaza",
	"Antarctica/Troll",
};

// Some minute in 1990 to 2110, mostly around a change of the zone's clocks.
static int64_t random_instant(struct rng *rng, const struct zone *zone) {
	int64_t at_s = (int64_t)(20 * 365 + rng_below(rng, UINT64_C(120) * 365)) * S_PER_DAY;
	at_s += (int64_t)rng_below(rng, S_PER_DAY / 60) * 60;
	int64_t change_s = zone_next_change(zone, at_s);
	return rng_below(rng, 4) == 0 || change_s > at_s + 3 * 366 * (int64_t)S_PER_DAY ? at_s : change_s / 60 * 60;
}

static const char *random_zone(struct rng *rng) {
	return sample_zones[zones_are_installed() ? rng_below(rng, ARRAY_LEN(sample_zones)) : 0];
}

static void windows_of_minutes(void **state) {
	(void)state;
	struct rng rng;
	rng_seed(&rng, 1);
	size_t ticks = 0;
	for (int i = 0; i < 1000; i++) {
		struct sample sample;
		make_sample(&rng, &sample, random_zone(&rng), false, i % 2 == 0);
		int64_t from_s = random_instant(&rng, sample.zone) - (int64_t)rng_below(&rng, 36 * 60) * 60;
		ticks += compare_window(&sample, from_s, from_s + 2 * S_PER_DAY, 60);
		buf_free(&sample.text);
	}
	assert_true(ticks > 1000);
}

static void windows_of_seconds(void **state) {
	(void)state;
	struct rng rng;
	rng_seed(&rng, 2);
	size_t ticks = 0;
	for (int i = 0; i < 400; i++) {
		struct sample sample;
		make_sample(&rng, &sample, random_zone(&rng), true, i % 8 != 0);
		int64_t from_s = random_instant(&rng, sample.zone) - (int64_t)rng_below(&rng, 5400);
		ticks += compare_window(&sample, from_s, from_s + 5400, 1);
		buf_free(&sample.text);
	}
	assert_true(ticks > 1000);
}

static void allow_only(struct sample *sample, int field, int value) {
	memset(sample->allowed[field], 0, sizeof(sample->allowed[field]));
	sample->allowed[field][value] = true;
	buf_printf(&sample->text, "%d ", value);
}

// Years, by quarters of an hour: schedules of one minute on one day, often a rare one.
static void long_distances(void **state) {
	(void)state;
	struct rng rng;
	rng_seed(&rng, 3);
	for (int i = 0; i < 100; i++) {
		const char *zone = random_zone(&rng);
		struct sample sample;
		make_sample(&rng, &sample, zone, false, true);
		buf_clear(&sample.text);
		buf_printf(&sample.text, "TZ=%s ", zone);
		allow_only(&sample, CRON_MINUTE, 15 * random_between(&rng, 0, 3));
		allow_only(&sample, CRON_HOUR, random_between(&rng, 0, 3));
		allow_only(&sample, CRON_DAY, random_between(&rng, 28, 31));
		allow_only(&sample, CRON_MONTH, random_between(&rng, 1, 12));
		buf_append(&sample.text, "*", 2);
		struct cron_schedule schedule = parsed(sample.text.ptr);
		int64_t after_s = random_instant(&rng, sample.zone) / 900 * 900, next_ms;
		bool found = cron_next(&schedule, after_s * MS_PER_S, &next_ms);
		int64_t end_s = found ? next_ms / MS_PER_S : after_s + 5 * 365 * (int64_t)S_PER_DAY;
		assert_true(!found || sample_matches(&sample, end_s));
		for (int64_t at_s = after_s + 900; at_s < end_s; at_s += 900) {
			if (sample_matches(&sample, at_s))
				fail_at(sample.text.ptr, after_s * MS_PER_S, end_s * MS_PER_S);
		}
		buf_free(&sample.text);
	}
}

// Day by day over all that cron_next looks at, in UTC.
static void whole_calendars(void **state) {
	(void)state;
	struct rng rng;
	rng_seed(&rng, 4);
	for (int i = 0; i < 1000; i++) {
		struct sample sample;
		make_sample(&rng, &sample, "UTC", false, false);
		struct cron_schedule schedule = parsed(sample.text.ptr);
		// At midnight only, so that days are all there is to search.
		schedule.masks[CRON_MINUTE] = schedule.masks[CRON_HOUR] = 1;
		sample.allowed[CRON_MINUTE][0] = sample.allowed[CRON_HOUR][0] = true;
		int64_t at_s = (int64_t)rng_below(&rng, 80000) * S_PER_DAY, next_ms;
		for (int tick = 0; tick < 20; tick++) {
			bool found = cron_next(&schedule, at_s * MS_PER_S, &next_ms);
			int64_t year = date_civil_from_s(at_s).year, wanted_s = at_s;
			do {
				wanted_s += S_PER_DAY;
			} while (!sample_matches(&sample, wanted_s) && date_civil_from_s(wanted_s).year <= year + 5);
			assert_int_equal(found, date_civil_from_s(wanted_s).year <= year + 5);
			if (!found) break;
			if (next_ms != wanted_s * MS_PER_S) fail_at(sample.text.ptr, at_s * MS_PER_S, next_ms);
			at_s = wanted_s;
		}
		buf_free(&sample.text);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_of_minutes),
		cmocka_unit_test(windows_of_seconds),
		cmocka_unit_test(long_distances),
		cmocka_unit_test(whole_calendars),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
