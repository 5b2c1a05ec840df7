// Dates of clock.h: one small layout language, and the layouts in a table.
//
//	Y 2006  y 06  m 01  b Jan  d 02  e _2  a Mon  A Monday  H 15  M 04  S 05 (with any fraction)
//	z -0700  Z Z07:00  N MST  G MST or -0700; a space stands for one or more; everything else for itself
#include "base/check.h"
#include "base/clock.h"

#define NS_PER_S 1000000000
#define S_PER_DAY 86400

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
				     "July",    "August",   "September", "October", "November", "December"};
static const char *const days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

struct date {
	int year, month, day; // month and day from 1
	int hour, minute, second, ns;
	int offset_s; // east of UTC
};

// ---- The calendar ----

static int64_t floor_div(int64_t a, int64_t b) {
	return a / b - (a % b < 0 ? 1 : 0);
}

static bool is_leap(int64_t year) {
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_before_month(int64_t year, int month) {
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
	return before[month - 1] + (month > 2 && is_leap(year) ? 1 : 0);
}

static int days_in_month(int64_t year, int month) {
	return month == 12 ? 31 : days_before_month(year, month + 1) - days_before_month(year, month);
}

// Days from 1 January of year 0 to 1 January of `year`.
static int64_t days_before_year(int64_t year) {
	int64_t last = year - 1;
	return year * 365 + floor_div(last, 4) - floor_div(last, 100) + floor_div(last, 400) +
	       1; // year 0 was a leap year
}

#define EPOCH_DAYS 719528 // days_before_year(1970)

int64_t date_civil_to_s(const struct date_civil *civil) {
	int64_t day = days_before_year(civil->year) - EPOCH_DAYS + days_before_month(civil->year, civil->month) +
		      civil->day - 1;
	return day * S_PER_DAY + civil->hour * 3600 + civil->minute * 60 + civil->second;
}

struct date_civil date_civil_from_s(int64_t civil_s) {
	int64_t day = floor_div(civil_s, S_PER_DAY);
	int second = (int)((civil_s % S_PER_DAY + S_PER_DAY) % S_PER_DAY);
	int weekday = (int)((day % 7 + 7 + 4) % 7); // 1970 began on a Thursday
	day += EPOCH_DAYS;
	int64_t year = floor_div(day * 400, 146097); // at most one too early or late
	while (days_before_year(year) > day) year--;
	while (days_before_year(year + 1) <= day) year++;
	int in_year = (int)(day - days_before_year(year)), month = 12;
	while (days_before_month(year, month) > in_year) month--;
	return (struct date_civil){
		.year = year,
		.month = month,
		.day = in_year - days_before_month(year, month) + 1,
		.hour = second / 3600,
		.minute = second / 60 % 60,
		.second = second % 60,
		.weekday = weekday,
		.day_of_year = in_year,
	};
}

static struct date_instant instant_from_date(const struct date *date) {
	struct date_civil civil = {
		.year = date->year,
		.month = date->month,
		.day = date->day,
		.hour = date->hour,
		.minute = date->minute,
		.second = date->second,
	};
	return (struct date_instant){
		.unix_s = date_civil_to_s(&civil) - date->offset_s, .ns = date->ns, .offset_s = date->offset_s};
}

static struct date_instant instant_from_ns(int64_t ns) {
	int64_t seconds = floor_div(ns, NS_PER_S);
	return (struct date_instant){.unix_s = seconds, .ns = (int32_t)(((ns % NS_PER_S) + NS_PER_S) % NS_PER_S)};
}

// Nanoseconds since the epoch; instants that 64 bits cannot hold become the nearest that they can.
static int64_t instant_to_ns(const struct date_instant *instant) {
	const int64_t limit = INT64_MAX / NS_PER_S; // whole seconds on either side
	if (instant->unix_s >= limit) return INT64_MAX;
	if (instant->unix_s <= -limit) return INT64_MIN;
	return instant->unix_s * NS_PER_S + instant->ns;
}

// ---- Reading ----

static bool is_digit(struct str s, size_t at) {
	return at < s.len && s.ptr[at] >= '0' && s.ptr[at] <= '9';
}

// Between `min` and `max` digits.
static bool take_number(struct str *text, size_t min, size_t max, int *out) {
	size_t len = 0;
	int value = 0;
	while (len < max && is_digit(*text, len)) value = value * 10 + (text->ptr[len++] - '0');
	if (len < min) return false;
	*text = str_skip(*text, len);
	*out = value;
	return true;
}

// Index of the name at the start of the text, in full or as its first three letters; -1 when there is none.
static int take_name(struct str *text, const char *const *names, int count, bool full) {
	for (int i = 0; i < count; i++) {
		struct str name = str_first(str_from_cstr(names[i]), full ? SIZE_MAX : 3);
		if (!str_starts_with_nocase(*text, name)) continue;
		*text = str_skip(*text, name.len);
		return i;
	}
	return -1;
}

// A fraction may follow the seconds in every layout, as in Go; digits after the ninth are dropped.
static void take_fraction(struct str *text, int *ns) {
	if (text->len == 0 || (text->ptr[0] != '.' && text->ptr[0] != ',') || !is_digit(*text, 1)) return;
	size_t at = 1;
	int unit = NS_PER_S / 10;
	for (; is_digit(*text, at); at++, unit /= 10) *ns += (text->ptr[at] - '0') * unit;
	*text = str_skip(*text, at);
}

static bool take_offset(struct str *text, bool colon, int *offset_s) {
	if (text->len == 0 || (text->ptr[0] != '+' && text->ptr[0] != '-')) return false;
	int sign = text->ptr[0] == '-' ? -1 : 1, hours, minutes;
	*text = str_skip(*text, 1);
	if (!take_number(text, 2, 2, &hours)) return false;
	if (colon) {
		if (text->len == 0 || text->ptr[0] != ':') return false;
		*text = str_skip(*text, 1);
	}
	if (!take_number(text, 2, 2, &minutes) || hours > 24 || minutes > 59) return false;
	*offset_s = sign * (hours * 3600 + minutes * 60);
	return true;
}

// An abbreviation of three to five capitals says nothing about the offset (the server's zone is UTC), except GMT±h.
static bool take_zone_name(struct str *text, int *offset_s) {
	size_t len = 0;
	while (len < text->len && text->ptr[len] >= 'A' && text->ptr[len] <= 'Z') len++;
	if (len < 3 || len > 5) return false;
	bool gmt = str_eq(str_first(*text, len), STR("GMT"));
	*text = str_skip(*text, len);
	if (gmt && text->len > 0 && (text->ptr[0] == '+' || text->ptr[0] == '-') && is_digit(*text, 1)) {
		int sign = text->ptr[0] == '-' ? -1 : 1, hours;
		*text = str_skip(*text, 1);
		if (!take_number(text, 1, 2, &hours) || hours > 23) return false;
		*offset_s = sign * hours * 3600;
	}
	return true;
}

// The name behind an offset, which is the offset again where the zone has none. It adds nothing.
static bool take_printed_zone(struct str *text) {
	int ignored;
	if (text->len == 0 || (text->ptr[0] != '+' && text->ptr[0] != '-')) return take_zone_name(text, &ignored);
	*text = str_skip(*text, 1);
	return take_number(text, 2, 4, &ignored);
}

static bool take_literal(struct str *text, char c) {
	if (text->len == 0 || text->ptr[0] != c) return false;
	*text = str_skip(*text, 1);
	while (c == ' ' && text->len > 0 && text->ptr[0] == ' ') *text = str_skip(*text, 1);
	return true;
}

static bool take_field(struct str *text, char field, struct date *date) {
	int index;
	switch (field) {
	case 'Y':
		return take_number(text, 4, 4, &date->year);
	case 'y':
		if (!take_number(text, 2, 2, &date->year)) return false;
		date->year += date->year >= 69 ? 1900 : 2000;
		return true;
	case 'm':
		return take_number(text, 2, 2, &date->month);
	case 'b':
		index = take_name(text, months, ARRAY_LEN(months), false);
		date->month = index + 1;
		return index >= 0;
	case 'd':
		return take_number(text, 2, 2, &date->day);
	case 'e':
		while (text->len > 0 && text->ptr[0] == ' ') *text = str_skip(*text, 1);
		return take_number(text, 1, 2, &date->day);
	case 'a':
		return take_name(text, days, ARRAY_LEN(days), false) >= 0;
	case 'A':
		return take_name(text, days, ARRAY_LEN(days), true) >= 0;
	case 'H':
		return take_number(text, 1, 2, &date->hour);
	case 'M':
		return take_number(text, 2, 2, &date->minute);
	case 'S':
		if (!take_number(text, 2, 2, &date->second)) return false;
		take_fraction(text, &date->ns);
		return true;
	case 'z':
		return take_offset(text, false, &date->offset_s);
	case 'Z':
		if (take_literal(text, 'Z')) return true;
		return take_offset(text, true, &date->offset_s);
	case 'N':
		return take_zone_name(text, &date->offset_s);
	case 'G':
		return take_printed_zone(text);
	default:
		return take_literal(text, field);
	}
}

static bool in_range(const struct date *date) {
	return date->month >= 1 && date->month <= 12 && date->day >= 1 &&
	       date->day <= days_in_month(date->year, date->month) && date->hour < 24 && date->minute < 60 &&
	       date->second < 60;
}

static bool parse_layout(struct str text, const char *layout, struct date_instant *out) {
	struct date date = {.year = 0, .month = 1, .day = 1};
	for (; *layout != '\0'; layout++) {
		// A letter of the layout that must stand for itself is written in lower case 't'.
		if (*layout == 't' ? !take_literal(&text, 'T') : !take_field(&text, *layout, &date)) return false;
	}
	if (text.len > 0 || !in_range(&date)) return false;
	*out = instant_from_date(&date);
	return true;
}

#define RFC3339 "Y-m-dtH:M:SZ"

static const struct {
	const char *layout;
	bool in_expressions; // one of date()'s (04 §B7)
} layouts[] = {
	{RFC3339, true},
	{"Y-m-dtH:M:S", true},
	{"a, d b Y H:M:S N", true},  // RFC 1123
	{"a, d b Y H:M:S z", false}, // RFC 1123 with a number
	{"d b y H:M N", true},       // RFC 822
	{"d b y H:M z", true},
	{"A, d-b-y H:M:S N", true}, // RFC 850
	{"a b e H:M:S Y", true},    // ANSI C
	{"a b e H:M:S N Y", true},  // Unix
	{"a b d H:M:S z Y", true},  // Ruby
	{"b e H:M:S", true},        // stamps: of year 0
	{"Y-m-d", true},
	{"Y-m-d H:M:S z G", true}, // Go's printed form
	// Other forms that the SQL columns hold (spec 09 §3.3).
	{"Y-m-d H:M:SZ", false},
	{"Y-m-d H:M:S", false},
	{"Y-m-d H:M", false},
	{"Y-m-dtH:M", false},
	{"Y-m-dtH:MZ", false},
	{"Y-m-d H:MZ", false},
	{"Y-m-dZ", false},
};

static bool parse_any(struct str text, bool in_expressions, struct date_instant *out) {
	for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
		if (in_expressions && !layouts[i].in_expressions) continue;
		if (parse_layout(text, layouts[i].layout, out)) return true;
	}
	return false;
}

bool date_parse(struct str text, int64_t *out_ns) {
	ptrdiff_t monotonic = str_find_str(text, STR(" m=")); // the tail of Go's printed "now"
	if (monotonic >= 0) text = str_first(text, (size_t)monotonic);
	struct date_instant instant;
	if (!parse_any(text, false, &instant)) return false;
	*out_ns = instant_to_ns(&instant);
	return true;
}

bool date_parse_rfc3339(struct str text, int64_t *out_ns) {
	struct date_instant instant;
	if (!date_instant_parse_rfc3339(text, &instant)) return false;
	*out_ns = instant_to_ns(&instant);
	return true;
}

bool date_instant_parse_rfc3339(struct str text, struct date_instant *out) {
	return parse_layout(text, RFC3339, out);
}

bool date_instant_parse_expression(struct str text, struct date_instant *out) {
	return parse_any(text, true, out);
}

// ---- Writing ----

static void put_two(struct buf *out, int value) {
	buf_byte(out, (char)('0' + value / 10));
	buf_byte(out, (char)('0' + value % 10));
}

// Four digits, and a sign or more digits for the years that need them.
static void put_year(struct buf *out, int64_t year) {
	if (year < 0) buf_byte(out, '-');
	int64_t magnitude = year < 0 ? -year : year;
	if (magnitude >= 10000) {
		buf_i64(out, magnitude);
		return;
	}
	put_two(out, (int)(magnitude / 100));
	put_two(out, (int)(magnitude % 100));
}

static void put_fraction(struct buf *out, int32_t ns) {
	if (ns == 0) return;
	char digits[10] = {'.'};
	size_t len = 10;
	for (int i = 9; i > 0; i--, ns /= 10) digits[i] = (char)('0' + ns % 10);
	while (digits[len - 1] == '0') len--;
	buf_append(out, digits, len);
}

static void put_time(struct buf *out, const struct date_instant *instant, char separator) {
	struct date_civil civil = date_civil_from_s(instant->unix_s + instant->offset_s);
	put_year(out, civil.year);
	buf_byte(out, '-');
	put_two(out, civil.month);
	buf_byte(out, '-');
	put_two(out, civil.day);
	buf_byte(out, separator);
	put_two(out, civil.hour);
	buf_byte(out, ':');
	put_two(out, civil.minute);
	buf_byte(out, ':');
	put_two(out, civil.second);
	put_fraction(out, instant->ns);
}

static void put_offset(struct buf *out, int32_t offset_s, struct str separator) {
	int minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
	buf_byte(out, offset_s < 0 ? '-' : '+');
	put_two(out, minutes / 60);
	buf_str(out, separator);
	put_two(out, minutes % 60);
}

void date_instant_format_rfc3339(struct buf *out, const struct date_instant *instant) {
	put_time(out, instant, 'T');
	if (instant->offset_s == 0)
		buf_byte(out, 'Z');
	else
		put_offset(out, instant->offset_s, STR(":"));
}

void date_instant_format_go(struct buf *out, const struct date_instant *instant) {
	put_time(out, instant, ' ');
	if (instant->offset_s == 0) {
		buf_lit(out, " +0000 UTC");
		return;
	}
	// An offset is also the name of the zone that has no other.
	for (int i = 0; i < 2; i++) {
		buf_byte(out, ' ');
		put_offset(out, instant->offset_s, STR(""));
	}
}

void date_format_rfc3339(struct buf *out, int64_t ns) {
	struct date_instant instant = instant_from_ns(ns);
	date_instant_format_rfc3339(out, &instant);
}

void date_format_go(struct buf *out, int64_t ns) {
	struct date_instant instant = instant_from_ns(ns);
	date_instant_format_go(out, &instant);
}
