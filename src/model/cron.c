// Schedules of cron.h: reading them, and finding the next time by jumps over what cannot match.
#include "model/cron.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/zone.h"
#include "model/limits.h"

#define NS_PER_S 1000000000
#define NS_PER_MS 1000000
#define MS_PER_S 1000
#define S_PER_DAY 86400

// ---- Reading ----

struct field_rule {
	unsigned min, max;
	const char *names; // three letters each, the first one means `min`
};

static const struct field_rule rules[CRON_FIELDS] = {
	[CRON_SECOND] = {0, 59, ""},
	[CRON_MINUTE] = {0, 59, ""},
	[CRON_HOUR] = {0, 23, ""},
	[CRON_DAY] = {1, 31, ""},
	[CRON_MONTH] = {1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
	[CRON_WEEKDAY] = {0, 6, "sunmontuewedthufrisat"},
};

static const struct {
	struct str name, fields;
} descriptors[] = {
	{STR_INIT("@yearly"), STR_INIT("0 0 1 1 *")},  {STR_INIT("@annually"), STR_INIT("0 0 1 1 *")},
	{STR_INIT("@monthly"), STR_INIT("0 0 1 * *")}, {STR_INIT("@weekly"), STR_INIT("0 0 * * 0")},
	{STR_INIT("@daily"), STR_INIT("0 0 * * *")},   {STR_INIT("@midnight"), STR_INIT("0 0 * * *")},
	{STR_INIT("@hourly"), STR_INIT("0 * * * *")},
};

// A number within the field's bounds, or one of its names.
static bool read_value(const struct field_rule *rule, struct str text, uint64_t *out) {
	for (unsigned i = 0; text.len == 3 && i < strlen(rule->names) / 3; i++) {
		if (!str_eq_nocase(text, str_make(rule->names + 3 * (size_t)i, 3))) continue;
		*out = rule->min + i;
		return true;
	}
	return str_to_u64(text, out) && *out >= rule->min && *out <= rule->max;
}

// Adds an item of a field's list to the mask. *is_star: it is `*` or `?`, and so leaves days to the other day field.
static bool read_item(const struct field_rule *rule, struct str item, uint64_t *mask, bool *is_star) {
	struct str range, step_text, from, to;
	uint64_t first = rule->min, last = rule->max, step = 1;
	bool has_step = str_cut(item, '/', &range, &step_text);
	if (has_step && (!str_to_u64(step_text, &step) || step == 0)) return false;
	if (step > rule->max) step = rule->max + 1; // the first value only
	*is_star = str_eq(range, STR("*")) || str_eq(range, STR("?"));
	if (!*is_star) {
		bool has_end = str_cut(range, '-', &from, &to);
		if (!read_value(rule, from, &first) || (has_end && !read_value(rule, to, &last))) return false;
		if (!has_end && !has_step) last = first;
	}
	for (uint64_t value = first; value <= last; value += step) *mask |= UINT64_C(1) << value;
	*is_star = *is_star && step == 1;
	return first <= last;
}

static bool read_field(const struct field_rule *rule, struct str text, uint64_t *mask, bool *has_star) {
	bool more = true;
	*mask = 0;
	*has_star = false;
	while (more) {
		struct str item;
		bool is_star;
		more = str_cut(text, ',', &item, &text);
		if (!read_item(rule, item, mask, &is_star)) return false;
		*has_star = *has_star || is_star;
	}
	return true;
}

static bool is_blank(char c) {
	return c == ' ' || (c >= '\t' && c <= '\r');
}

// The next word separated by white space; empty at the end.
static struct str take_word(struct str *rest) {
	*rest = str_trim(*rest);
	size_t len = 0;
	while (len < rest->len && !is_blank(rest->ptr[len])) len++;
	struct str word = str_first(*rest, len);
	*rest = str_skip(*rest, len);
	return word;
}

static bool read_fields(struct str text, struct cron_schedule *out) {
	struct str words[CRON_FIELDS];
	size_t count = 0;
	while (count < CRON_FIELDS && (words[count] = take_word(&text)).len > 0) count++;
	if (count < CRON_FIELDS - 1 || str_trim(text).len > 0) return false;
	size_t skipped = CRON_FIELDS - count; // the seconds may be left out
	bool has_star[CRON_FIELDS];
	out->masks[CRON_SECOND] = 1;
	for (size_t i = skipped; i < CRON_FIELDS; i++) {
		if (!read_field(&rules[i], words[i - skipped], &out->masks[i], &has_star[i])) return false;
	}
	out->either_day = !has_star[CRON_DAY] && !has_star[CRON_WEEKDAY];
	return true;
}

static bool read_descriptor(struct str text, struct cron_schedule *out) {
	struct str name = take_word(&text);
	text = str_trim(text);
	if (str_eq_nocase(name, STR("@every"))) {
		int64_t ns;
		if (duration_parse_go(text, &ns, NULL) != ERR_OK || ns < NS_PER_S) return false;
		out->interval_s = ns / NS_PER_S;
		return true;
	}
	for (size_t i = 0; text.len == 0 && i < ARRAY_LEN(descriptors); i++) {
		if (str_eq_nocase(name, descriptors[i].name)) return read_fields(descriptors[i].fields, out);
	}
	return false;
}

bool cron_parse(struct str text, struct cron_schedule *out) {
	struct str zone = {NULL, 0}, prefix;
	if (str_starts_with(text, STR("TZ=")) || str_starts_with(text, STR("CRON_TZ="))) {
		if (!str_cut(text, ' ', &prefix, &text)) return false;
		(void)str_cut(prefix, '=', &prefix, &zone);
	}
	text = str_trim(text);
	struct cron_schedule schedule = {0};
	bool is_descriptor = str_starts_with(text, STR("@"));
	if (!(is_descriptor ? read_descriptor(text, &schedule) : read_fields(text, &schedule))) return false;
	schedule.zone = zone_find(zone);
	if (schedule.zone == NULL) return false;
	*out = schedule;
	return true;
}

bool cron_valid(struct str text) {
	struct cron_schedule ignored;
	return cron_parse(text, &ignored);
}

// ---- The next time ----

static int64_t floor_div(int64_t a, int64_t b) {
	return a / b - (a % b < 0 ? 1 : 0);
}

// The lowest value from `from` on that the mask has, or -1.
static int value_from(uint64_t mask, int from) {
	for (int value = from; value < 64; value++) {
		if ((mask >> value & 1) != 0) return value;
	}
	return -1;
}

// The first matching second of a day from the given one on, or -1.
static int time_from(const struct cron_schedule *schedule, int second_of_day) {
	const uint64_t *masks = schedule->masks;
	int hour_now = second_of_day / 3600, minute_now = second_of_day / 60 % 60;
	// A field with nothing left carries into the one above it.
	int second = value_from(masks[CRON_SECOND], second_of_day % 60);
	int minute = value_from(masks[CRON_MINUTE], second < 0 ? minute_now + 1 : minute_now);
	int hour = value_from(masks[CRON_HOUR], minute < 0 ? hour_now + 1 : hour_now);
	if (hour < 0) return -1;
	// Below a field that moved on, all begin anew.
	if (hour != hour_now) minute = value_from(masks[CRON_MINUTE], 0);
	if (hour != hour_now || minute != minute_now) second = value_from(masks[CRON_SECOND], 0);
	return hour * 3600 + minute * 60 + second;
}

// The days of a month that match, as a mask, given the day of the week of its first.
static uint64_t matching_days(const struct cron_schedule *schedule, int first_weekday, int day_count) {
	uint64_t days = 0;
	for (int day = 1; day <= day_count; day++) {
		bool in_month = (schedule->masks[CRON_DAY] >> day & 1) != 0;
		bool in_week = (schedule->masks[CRON_WEEKDAY] >> ((first_weekday + day - 1) % 7) & 1) != 0;
		if (schedule->either_day ? in_month || in_week : in_month && in_week) days |= UINT64_C(1) << day;
	}
	return days;
}

// The first matching civil time from `from_s` on within its month; INT64_MAX when there is none. *next_month_s is when
// the following month begins.
static int64_t next_in_month(const struct cron_schedule *schedule, int64_t from_s, int64_t *next_month_s) {
	struct date_civil from = date_civil_from_s(from_s);
	struct date_civil first = {.year = from.year, .month = from.month, .day = 1};
	struct date_civil next = {.year = from.year + from.month / 12, .month = from.month % 12 + 1, .day = 1};
	int64_t month_s = date_civil_to_s(&first);
	*next_month_s = date_civil_to_s(&next);
	if ((schedule->masks[CRON_MONTH] >> from.month & 1) == 0) return INT64_MAX;
	int first_weekday = (from.weekday + 7 * 5 - (from.day - 1)) % 7;
	uint64_t days = matching_days(schedule, first_weekday, (int)((*next_month_s - month_s) / S_PER_DAY));
	int second = -1, day = value_from(days, from.day);
	if (day == from.day) {
		second = time_from(schedule, from.hour * 3600 + from.minute * 60 + from.second);
		if (second < 0) day = value_from(days, from.day + 1);
	}
	if (day < 0) return INT64_MAX;
	if (second < 0) second = time_from(schedule, 0);
	return month_s + (int64_t)(day - 1) * S_PER_DAY + second;
}

// The first matching civil time from `from_s` on; `end_s` when there is none before it.
static int64_t next_civil(const struct cron_schedule *schedule, int64_t from_s, int64_t end_s) {
	while (from_s < end_s) {
		int64_t next_month_s, found = next_in_month(schedule, from_s, &next_month_s);
		if (found != INT64_MAX) return found < end_s ? found : end_s;
		from_s = next_month_s;
	}
	return end_s;
}

// Civil time passes as time does from one change of the zone's clocks to the next, so each such span is searched alone.
static bool next_second(const struct cron_schedule *schedule, int64_t from_s, int64_t *next_s) {
	int32_t offset_s;
	zone_at(schedule->zone, from_s, &offset_s, NULL);
	struct date_civil limit = {
		.year = date_civil_from_s(from_s + offset_s).year + CRON_YEARS_MAX + 1, .month = 1, .day = 1};
	int64_t limit_s = date_civil_to_s(&limit);
	for (;;) {
		int64_t end_s = zone_next_change(schedule->zone, from_s);
		bool is_last = end_s >= limit_s - offset_s;
		if (is_last) end_s = limit_s - offset_s;
		*next_s = next_civil(schedule, from_s + offset_s, end_s + offset_s) - offset_s;
		if (*next_s < end_s) return true;
		if (is_last) return false;
		from_s = end_s;
		zone_at(schedule->zone, from_s, &offset_s, NULL);
	}
}

bool cron_next(const struct cron_schedule *schedule, int64_t after_ms, int64_t *next_ms) {
	int64_t after_s = floor_div(after_ms, MS_PER_S), next_s;
	if (schedule->interval_s > 0) {
		next_s = (floor_div(after_s, schedule->interval_s) + 1) * schedule->interval_s;
	} else if (!next_second(schedule, after_s + 1, &next_s)) {
		return false;
	}
	if (next_s > INT64_MAX / MS_PER_S) return false;
	*next_ms = next_s * MS_PER_S;
	return true;
}

uint64_t cron_jitter_ms(uint64_t job_hash, int64_t jitter_ns) {
	if (jitter_ns <= 0) return 0;
	uint64_t range_ns = jitter_ns > CRON_JITTER_MIN_NS ? (uint64_t)(jitter_ns - CRON_JITTER_MIN_NS) : 1;
	return (CRON_JITTER_MIN_NS + job_hash % range_ns) / NS_PER_MS;
}
