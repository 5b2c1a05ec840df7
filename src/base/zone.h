// Time zones by name, out of the system's zone files (TZif, RFC 8536): expressions and schedules name them.
//
// Zones are read once and kept for the life of the process, so a `const struct zone *` never dies and all that is
// asked of it is pure. Any thread; finding a zone that is known already takes no lock. Zone files are outside input:
// whatever is wrong with one makes it unknown.
// Spec 04 §B7 (the zone argument of the time getters).
#ifndef INNGEST_BASE_ZONE_H
#define INNGEST_BASE_ZONE_H

#include "base/str.h"

#define ZONE_NAME_MAX 128
#define ZONE_FILE_MAX (256 * 1024)
#define ZONES_MAX 2048 // in memory; the system has 1300 names with all its aliases

struct zone;

// NULL when there is no such zone, or no room for one more. "" and "UTC" are UTC and need no file; "Local" does not
// exist. Looks in the directory that $ZONEINFO names, then in /usr/share/zoneinfo. Case matters.
const struct zone *zone_find(struct str name);

// What holds at an instant: seconds east of UTC, and the abbreviation (may be NULL if nobody asks), which lives as long
// as the zone.
void zone_at(const struct zone *zone, int64_t unix_s, int32_t *offset_s, const char **abbreviation);

// The next instant after `unix_s` at which something else may hold: until then what zone_at tells stays the same.
// INT64_MAX when it does for ever.
int64_t zone_next_change(const struct zone *zone, int64_t unix_s);

// The instant at which the zone's clocks show a civil time, given as date_civil_to_s gives it. Where clocks show it
// twice or never, the choice is that of Go's time.Date. It takes the offset at the moment when UTC shows that civil
// time, and if that leads to a moment with another offset, that other one. With clocks that go one hour forward at
// 02:00, 02:30 becomes:
//	west of Greenwich  01:30 before the change; a doubled time is the first of the two
//	east of Greenwich  03:30 after the change; a doubled time is the second
int64_t zone_resolve_local(const struct zone *zone, int64_t civil_s);

// A zone from the bytes of a file, NULL when they are none: for tests. The caller frees it.
struct zone *zone_parse(struct str tzif);
void zone_free(struct zone *zone);

#endif
