// Time values of the expression language (spec 04 §B6, §B7, §B8): instants that remember the offset they were written
// with, and durations, which are plain nanoseconds. duration() itself is duration_parse_go of base/clock.h.
//
// Pure functions, any thread (time zones come from base/zone.h). What can fail returns false and leaves *out alone.
#ifndef INNGEST_CEL_TIME_H
#define INNGEST_CEL_TIME_H

#include "base/buf.h"
#include "base/str.h"

// Years 0001 to 9999, as arithmetic and timestamp() have them. Only date() also makes instants of year 0, out of texts
// without a year.
#define CEL_TIME_MIN_S INT64_C(-62135596800)
#define CEL_TIME_MAX_S INT64_C(253402300799)

struct cel_time {
	int64_t seconds;  // since 1970 in UTC
	int32_t nanos;    // 0 to 999999999, after `seconds`
	int32_t offset_s; // as written, east of UTC; matters to the text forms only
};

// ---- Making ----

bool cel_time_parse_date(struct str text, struct cel_time *out);    // date(string): the formats of §B7
bool cel_time_parse_rfc3339(struct str text, struct cel_time *out); // timestamp(string)
bool cel_time_from_int(int64_t x, struct cel_time *out);            // date(int): seconds, milliseconds or nanoseconds
bool cel_time_from_unix(int64_t seconds, struct cel_time *out);     // timestamp(int)
struct cel_time cel_time_from_ns(int64_t unix_ns);                  // now()

// ---- Asking ----

enum cel_time_field {
	CEL_TIME_FULL_YEAR,
	CEL_TIME_MONTH,        // 0 is January
	CEL_TIME_DATE,         // day of the month, from 1
	CEL_TIME_DAY_OF_MONTH, // from 0
	CEL_TIME_DAY_OF_WEEK,  // 0 is Sunday
	CEL_TIME_DAY_OF_YEAR,  // from 0
	CEL_TIME_HOURS,
	CEL_TIME_MINUTES,
	CEL_TIME_SECONDS,
	CEL_TIME_MILLISECONDS, // of the second
};
// In `zone`: a name, an offset ("+05:30", "-05:30", "05:30"), or empty for UTC. False when there is no such zone.
bool cel_time_get(enum cel_time_field field, struct cel_time time, struct str zone, int64_t *out);
// The whole duration in hours, minutes, seconds or milliseconds, rounded towards zero; false for the other fields.
bool cel_duration_get(enum cel_time_field field, int64_t ns, int64_t *out);
// <0, 0, >0; the offset is not compared.
int cel_time_compare(struct cel_time a, struct cel_time b);

// ---- Arithmetic: false when the result is out of range ----

bool cel_time_add(struct cel_time time, int64_t ns, struct cel_time *out);
bool cel_time_subtract(struct cel_time time, int64_t ns, struct cel_time *out);
bool cel_time_difference(struct cel_time a, struct cel_time b, int64_t *out_ns); // a - b
bool cel_duration_add(int64_t a_ns, int64_t b_ns, int64_t *out_ns);
bool cel_duration_subtract(int64_t a_ns, int64_t b_ns, int64_t *out_ns);
bool cel_duration_negate(int64_t ns, int64_t *out_ns);

// ---- Text ----

void cel_time_text(struct buf *out, struct cel_time time);   // §B8: 2024-05-01 10:00:00 +0200 +0200
void cel_time_string(struct buf *out, struct cel_time time); // string(): 2024-05-01T10:00:00+02:00
void cel_duration_text(struct buf *out, int64_t ns);         // §B8, as Go prints it: 1h30m0s, 1.5ms
void cel_duration_string(struct buf *out, int64_t ns);       // string(): 5400s, 1.5s

#endif
