// Cron schedules: a text, and after a line feed the time (milliseconds, decimal) from which on the next one is sought.
#include "base/clock.h"
#include "base/hash.h"
#include "base/zone.h"
#include "fuzz.h"
#include "model/cron.h"

#define MS_PER_S 1000
#define YEAR_MS (INT64_C(366) * 86400 * MS_PER_S)

static bool has_bit(uint64_t mask, int bit) {
	return (mask >> bit & 1) != 0;
}

static bool matches(const struct cron_schedule *schedule, int64_t unix_s) {
	if (schedule->interval_s > 0) return unix_s % schedule->interval_s == 0;
	int32_t offset_s;
	zone_at(schedule->zone, unix_s, &offset_s, NULL);
	struct date_civil civil = date_civil_from_s(unix_s + offset_s);
	const uint64_t *masks = schedule->masks;
	bool day = has_bit(masks[CRON_DAY], civil.day), weekday = has_bit(masks[CRON_WEEKDAY], civil.weekday);
	return has_bit(masks[CRON_SECOND], civil.second) && has_bit(masks[CRON_MINUTE], civil.minute) &&
	       has_bit(masks[CRON_HOUR], civil.hour) && has_bit(masks[CRON_MONTH], civil.month) &&
	       (schedule->either_day ? day || weekday : day && weekday);
}

static void check_none(const struct cron_schedule *schedule, int64_t from_s, int64_t end_s) {
	for (int64_t at_s = from_s; at_s < end_s && at_s < from_s + 90; at_s++) CHECK(!matches(schedule, at_s));
	for (int64_t at_s = end_s - 90 > from_s ? end_s - 90 : from_s; at_s < end_s; at_s++)
		CHECK(!matches(schedule, at_s));
}

// The tick after `after_ms` is one, and there is none between. Returns it, or INT64_MAX.
static int64_t check_next(const struct cron_schedule *schedule, int64_t after_ms) {
	int64_t next_ms, again_ms;
	if (!cron_next(schedule, after_ms, &next_ms)) return INT64_MAX;
	CHECK(next_ms > after_ms && next_ms % MS_PER_S == 0 && matches(schedule, next_ms / MS_PER_S));
	CHECK(cron_next(schedule, next_ms - 1, &again_ms) && again_ms == next_ms);
	int64_t middle_ms = after_ms + (next_ms - after_ms) / 2;
	CHECK(cron_next(schedule, middle_ms, &again_ms) && again_ms == next_ms);
	if (schedule->interval_s == 0) CHECK(next_ms - after_ms < 6 * YEAR_MS);
	bool is_up = after_ms < 0 && after_ms % MS_PER_S != 0; // division has rounded up to a later second
	check_none(schedule, after_ms / MS_PER_S + (is_up ? 0 : 1), next_ms / MS_PER_S);
	return next_ms;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct str text, time;
	(void)str_cut(str_make(data, size), '\n', &text, &time);
	int64_t after_ms;
	if (!str_to_i64(time, &after_ms)) after_ms = FUZZ_NOW_MS;
	struct cron_schedule schedule;
	bool valid = cron_parse(text, &schedule);
	CHECK(valid == cron_valid(text));
	if (!valid) return 0;
	CHECK(schedule.interval_s > 0 || (schedule.interval_s == 0 && schedule.masks[CRON_SECOND] != 0));
	for (int i = 0; i < 3 && after_ms < INT64_MAX; i++) after_ms = check_next(&schedule, after_ms);
	// Some second until the year 2106, which the text chooses.
	(void)check_next(&schedule, (int64_t)(hash_xxh64(text) >> 32) * MS_PER_S);
	return 0;
}
