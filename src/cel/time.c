// Time values of time.h. Calendar, formats and zones are those of base/clock.h and base/zone.h.
#include "cel/time.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/zone.h"

#define NS_PER_S 1000000000
#define NS_PER_MS 1000000

// ---- Making ----

static bool in_range(int64_t seconds) {
	return seconds >= CEL_TIME_MIN_S && seconds <= CEL_TIME_MAX_S;
}

static struct cel_time from_instant(struct date_instant instant) {
	return (struct cel_time){.seconds = instant.unix_s, .nanos = instant.ns, .offset_s = instant.offset_s};
}

static struct date_instant to_instant(struct cel_time time) {
	return (struct date_instant){.unix_s = time.seconds, .ns = time.nanos, .offset_s = time.offset_s};
}

bool cel_time_parse_date(struct str text, struct cel_time *out) {
	struct date_instant instant;
	if (!date_instant_parse_expression(text, &instant)) return false;
	*out = from_instant(instant);
	return true;
}

bool cel_time_parse_rfc3339(struct str text, struct cel_time *out) {
	struct date_instant instant;
	if (!date_instant_parse_rfc3339(text, &instant) || !in_range(instant.unix_s)) return false;
	*out = from_instant(instant);
	return true;
}

struct cel_time cel_time_from_ns(int64_t unix_ns) {
	int64_t seconds = unix_ns / NS_PER_S, rest = unix_ns % NS_PER_S;
	if (rest < 0) rest += NS_PER_S, seconds--;
	return (struct cel_time){.seconds = seconds, .nanos = (int32_t)rest};
}

bool cel_time_from_int(int64_t x, struct cel_time *out) {
	if (x < 946684800) return false; // 2000-01-01: a smaller number is hardly meant as a time
	if (x < 9999999999)
		*out = (struct cel_time){.seconds = x};
	else if (x < 9999999999999)
		*out = (struct cel_time){.seconds = x / 1000, .nanos = (int32_t)(x % 1000) * NS_PER_MS};
	else
		*out = cel_time_from_ns(x);
	return true;
}

bool cel_time_from_unix(int64_t seconds, struct cel_time *out) {
	if (!in_range(seconds)) return false;
	*out = (struct cel_time){.seconds = seconds};
	return true;
}

// ---- Asking ----

static bool take_two_digits(struct str *text, int max, int *out) {
	size_t len = 0;
	int value = 0;
	for (; len < 2 && len < text->len && text->ptr[len] >= '0' && text->ptr[len] <= '9'; len++)
		value = value * 10 + (text->ptr[len] - '0');
	*text = str_skip(*text, len);
	*out = value;
	return len > 0 && value <= max;
}

// [+-]hh:mm
static bool parse_offset(struct str text, int32_t *offset_s) {
	int hours, minutes;
	bool negative = text.len > 0 && text.ptr[0] == '-';
	if (negative || (text.len > 0 && text.ptr[0] == '+')) text = str_skip(text, 1);
	if (!take_two_digits(&text, 24, &hours) || text.len == 0 || text.ptr[0] != ':') return false;
	text = str_skip(text, 1);
	if (!take_two_digits(&text, 59, &minutes) || text.len > 0) return false;
	*offset_s = (negative ? -60 : 60) * (hours * 60 + minutes);
	return true;
}

static bool offset_in(struct str zone_name, int64_t unix_s, int32_t *offset_s) {
	if (str_find(zone_name, ':') >= 0) return parse_offset(zone_name, offset_s);
	const struct zone *zone = zone_find(zone_name);
	if (zone == NULL) return false;
	zone_at(zone, unix_s, offset_s, NULL);
	return true;
}

bool cel_time_get(enum cel_time_field field, struct cel_time time, struct str zone, int64_t *out) {
	int32_t offset_s;
	if (!offset_in(zone, time.seconds, &offset_s)) return false;
	struct date_civil civil = date_civil_from_s(time.seconds + offset_s);
	switch (field) {
	case CEL_TIME_FULL_YEAR:
		*out = civil.year;
		return true;
	case CEL_TIME_MONTH:
		*out = civil.month - 1;
		return true;
	case CEL_TIME_DATE:
		*out = civil.day;
		return true;
	case CEL_TIME_DAY_OF_MONTH:
		*out = civil.day - 1;
		return true;
	case CEL_TIME_DAY_OF_WEEK:
		*out = civil.weekday;
		return true;
	case CEL_TIME_DAY_OF_YEAR:
		*out = civil.day_of_year;
		return true;
	case CEL_TIME_HOURS:
		*out = civil.hour;
		return true;
	case CEL_TIME_MINUTES:
		*out = civil.minute;
		return true;
	case CEL_TIME_SECONDS:
		*out = civil.second;
		return true;
	case CEL_TIME_MILLISECONDS:
		*out = time.nanos / NS_PER_MS;
		return true;
	}
	return false;
}

bool cel_duration_get(enum cel_time_field field, int64_t ns, int64_t *out) {
	switch (field) {
	case CEL_TIME_HOURS:
		*out = ns / (3600 * INT64_C(1000000000));
		return true;
	case CEL_TIME_MINUTES:
		*out = ns / (60 * INT64_C(1000000000));
		return true;
	case CEL_TIME_SECONDS:
		*out = ns / NS_PER_S;
		return true;
	case CEL_TIME_MILLISECONDS:
		*out = ns / NS_PER_MS;
		return true;
	default:
		return false;
	}
}

int cel_time_compare(struct cel_time a, struct cel_time b) {
	if (a.seconds != b.seconds) return a.seconds < b.seconds ? -1 : 1;
	return (a.nanos > b.nanos) - (a.nanos < b.nanos);
}

// ---- Arithmetic ----

// `nanos` within a second of its range.
static bool make_time(int64_t seconds, int64_t nanos, int32_t offset_s, struct cel_time *out) {
	if (nanos < 0) nanos += NS_PER_S, seconds--;
	if (nanos >= NS_PER_S) nanos -= NS_PER_S, seconds++;
	if (!in_range(seconds)) return false;
	*out = (struct cel_time){.seconds = seconds, .nanos = (int32_t)nanos, .offset_s = offset_s};
	return true;
}

bool cel_time_add(struct cel_time time, int64_t ns, struct cel_time *out) {
	return make_time(time.seconds + ns / NS_PER_S, time.nanos + ns % NS_PER_S, time.offset_s, out);
}

bool cel_time_subtract(struct cel_time time, int64_t ns, struct cel_time *out) {
	return make_time(time.seconds - ns / NS_PER_S, time.nanos - ns % NS_PER_S, time.offset_s, out);
}

bool cel_time_difference(struct cel_time a, struct cel_time b, int64_t *out_ns) {
	int64_t seconds = a.seconds - b.seconds, nanos = a.nanos - b.nanos, ns;
	// Both of one sign, so that the product overflows only when the sum would.
	if (seconds < 0 && nanos > 0) seconds++, nanos -= NS_PER_S;
	if (__builtin_mul_overflow(seconds, (int64_t)NS_PER_S, &ns)) return false;
	return cel_duration_add(ns, nanos, out_ns);
}

bool cel_duration_add(int64_t a_ns, int64_t b_ns, int64_t *out_ns) {
	int64_t ns;
	if (__builtin_add_overflow(a_ns, b_ns, &ns)) return false;
	*out_ns = ns;
	return true;
}

bool cel_duration_subtract(int64_t a_ns, int64_t b_ns, int64_t *out_ns) {
	int64_t ns;
	if (__builtin_sub_overflow(a_ns, b_ns, &ns)) return false;
	*out_ns = ns;
	return true;
}

bool cel_duration_negate(int64_t ns, int64_t *out_ns) {
	return cel_duration_subtract(0, ns, out_ns);
}

// ---- Text ----

void cel_time_text(struct buf *out, struct cel_time time) {
	struct date_instant instant = to_instant(time);
	date_instant_format_go(out, &instant);
}

void cel_time_string(struct buf *out, struct cel_time time) {
	struct date_instant instant = to_instant(time);
	date_instant_format_rfc3339(out, &instant);
}

// `value` in units of which each is `unit` (a power of ten), without trailing zeros.
static void put_decimal(struct buf *out, uint64_t value, uint64_t unit) {
	buf_u64(out, value / unit);
	uint64_t rest = value % unit;
	if (rest == 0) return;
	buf_byte(out, '.');
	for (unit /= 10; rest > 0; rest %= unit, unit /= 10) {
		buf_byte(out, (char)('0' + rest / unit));
		if (unit == 1) break;
	}
}

void cel_duration_text(struct buf *out, int64_t ns) {
	uint64_t left = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	if (ns < 0) buf_byte(out, '-');
	if (left == 0) {
		buf_lit(out, "0s");
	} else if (left < 1000) {
		buf_u64(out, left);
		buf_lit(out, "ns");
	} else if (left < NS_PER_MS) {
		put_decimal(out, left, 1000);
		buf_lit(out, "\u00b5s");
	} else if (left < NS_PER_S) {
		put_decimal(out, left, NS_PER_MS);
		buf_lit(out, "ms");
	} else {
		const uint64_t minute = UINT64_C(60) * NS_PER_S;
		if (left >= 60 * minute) {
			buf_u64(out, left / minute / 60);
			buf_byte(out, 'h');
		}
		if (left >= minute) {
			buf_u64(out, left / minute % 60);
			buf_byte(out, 'm');
		}
		put_decimal(out, left % minute, NS_PER_S);
		buf_byte(out, 's');
	}
}

// The reference goes through a double here, so very long durations lose their last digits.
void cel_duration_string(struct buf *out, int64_t ns) {
	int64_t whole = ns / NS_PER_S, rest = ns % NS_PER_S;
	double seconds = (double)whole + (double)rest / NS_PER_S;
	char text[64];
	int len = 0;
	for (int digits = 0; digits <= 27; digits++) {
		len = snprintf(text, sizeof(text), "%.*f", digits, seconds);
		if (strtod(text, NULL) == seconds) break; // the shortest that means the same number
	}
	buf_append(out, text, (size_t)len);
	buf_byte(out, 's');
}
