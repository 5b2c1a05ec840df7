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

// Any of the date layouts of 02 §7.5 (RFC 3339, 2006-01-02T15:04:05, RFC 1123(Z), RFC 822(Z), RFC 850, ANSI C,
// Unix, Ruby, stamps, 2006-01-02, Go's printed form); no zone means UTC. Nanoseconds since the epoch.
bool date_parse(struct str text, int64_t *out_ns);
bool date_parse_rfc3339(struct str text, int64_t *out_ns);
// RFC 3339 UTC with up to 9 fraction digits, trailing zeros trimmed: 2026-11-21T08:22:13.896Z
void date_format_rfc3339(struct buf *out, int64_t ns);
// Go's printed form: 2026-11-21 08:22:13.896 +0000 UTC (what the SQL columns hold, 09 §3.3)
void date_format_go(struct buf *out, int64_t ns);

#endif
