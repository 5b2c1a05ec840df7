// Time: the wall clock in milliseconds, and its texts. Durations are nanoseconds where the name says so.
// Implements the grammars of spec 01 §9.1, 02 §7.5 and 09 §3.3.
#ifndef INNGEST_BASE_CLOCK_H
#define INNGEST_BASE_CLOCK_H

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

uint64_t clock_wall_ms(void);
uint64_t clock_wall_ns(void);
uint64_t clock_mono_ns(void);

// Grammar E: sign, then numbers with units ns us µs ms s m h d w, or "0". Errors read as Go's do:
// `time: invalid duration "x"`, `time: missing unit in duration "5"`, `time: unknown unit "x" in duration "5x"`.
ERR_CHECKED enum err duration_parse(struct str text, int64_t *out_ns, struct error *error);
// Grammar G: E without d and w.
ERR_CHECKED enum err duration_parse_go(struct str text, int64_t *out_ns, struct error *error);
// Formatter E: largest unit first over w d h m s ms us ns, zero units left out; "0s" for zero.
void duration_format(struct buf *out, int64_t ns);
// As Go prints it: 48h0m0s, 1m0.5s, 100ms; "0s" for zero.
void duration_format_go(struct buf *out, int64_t ns);

// Any of the date layouts of 02 §7.5 (RFC 3339, 2006-01-02T15:04:05, RFC 1123(Z), RFC 822(Z), RFC 850, ANSI C,
// Unix, Ruby, stamps, 2006-01-02, Go's printed form); no zone means UTC. Nanoseconds since the epoch.
bool date_parse(struct str text, int64_t *out_ns);
bool date_parse_rfc3339(struct str text, int64_t *out_ns);
// RFC 3339 UTC with up to 9 fraction digits, trailing zeros trimmed: 2026-11-21T08:22:13.896Z
void date_format_rfc3339(struct buf *out, int64_t ns);
// Go's printed form: 2026-11-21 08:22:13.896 +0000 UTC (what the SQL columns hold, 09 §3.3)
void date_format_go(struct buf *out, int64_t ns);

// An instant together with the offset that it was written with, of any year that a date can name.
struct date_instant {
	int64_t unix_s;
	int32_t ns;       // 0 to 999999999, after unix_s
	int32_t offset_s; // east of UTC
};
bool date_instant_parse_rfc3339(struct str text, struct date_instant *out);
// The layouts of date() in expressions (04 §B7), which are fewer than date_parse's. Years 0000 to 9999.
bool date_instant_parse_expression(struct str text, struct date_instant *out);
// As the two above, at the instant's offset: 2026-11-21T10:22:13+02:00, 2026-11-21 10:22:13 +0200 +0200
void date_instant_format_rfc3339(struct buf *out, const struct date_instant *instant);
void date_instant_format_go(struct buf *out, const struct date_instant *instant);

// A time of day on a day of the Gregorian calendar, which is continued to before its invention; of no zone.
struct date_civil {
	int64_t year;
	int month, day; // from 1
	int hour, minute, second;
	int weekday;     // 0 is Sunday
	int day_of_year; // from 0
};
// Civil time as a number: what the Unix time would be if the civil time were UTC. `civil_s` may be anything.
struct date_civil date_civil_from_s(int64_t civil_s);
// The fields have to be in range, the year within ±200000000000; weekday and day_of_year are not read.
int64_t date_civil_to_s(const struct date_civil *civil);

#endif
