// Cron schedules: which texts are one, and at which instants they fire.
//
// A schedule is a plain value: copying it is fine and nothing needs to be freed. Reading one looks its time zone up
// (base/zone.h), which may read a file; everything else is pure. Any thread. A wrong text gives false and no reason.
//
// A text is, after an optional `TZ=<zone> ` or `CRON_TZ=<zone> ` at its very start, one of
//	minute hour day-of-month month day-of-week
//	second minute hour day-of-month month day-of-week
//	@yearly @annually @monthly @weekly @daily @midnight @hourly
//	@every <Go duration of 1 s or more>
// A field is a list of `*`, `?` (the same), `n` and `n-m`, each with an optional `/step`; `n/step` goes on to the
// field's maximum. Months and days of the week have names (jan, sun); Sunday is 0 and never 7. Letters in names of
// months, days and descriptors may be of either case. A day must match both day fields, or one of them when neither
// has a `*` or `?` (one with a step above 1 does not count). Without a zone it is UTC. Seconds and @… are more than
// the reference takes.
//
// It fires at each instant at which the zone's clocks show a matching time. So, where they are changed:
//	a time that they skip does not fire that day
//	a time that they show twice fires twice
//	`0 * * * *` fires whenever they show a full hour: every hour, unless they change by a part of one
// @every fires at the multiples of its interval, whole seconds, counted from the Unix epoch: whatever the zone, and
// the same after a restart.
// Spec 03 §20.1 and §20.3, 01 §9.2.
#ifndef INNGEST_MODEL_CRON_H
#define INNGEST_MODEL_CRON_H

#include "base/str.h"

struct zone;

enum cron_field {
	CRON_SECOND,
	CRON_MINUTE,
	CRON_HOUR,
	CRON_DAY,
	CRON_MONTH,
	CRON_WEEKDAY,
	CRON_FIELDS,
};

struct cron_schedule {
	const struct zone *zone;
	uint64_t masks[CRON_FIELDS]; // bit n: the value n matches
	bool either_day;             // one of the day fields is enough
	int64_t interval_s;          // of @every, for which all of the above has no meaning; else 0
};

// False when the text is no schedule, or its zone is not known on this machine; *out stays as it is.
bool cron_parse(struct str text, struct cron_schedule *out);
// True when cron_parse would be.
bool cron_valid(struct str text);

// The first instant strictly after `after_ms` at which it fires, both in milliseconds since the epoch. False when there
// is none until the end of the fifth calendar year after that of the second that follows, in the zone, which does not
// concern @every; or none that 64 bits can hold. Costs microseconds, whatever the schedule.
bool cron_next(const struct cron_schedule *schedule, int64_t after_ms, int64_t *next_ms);

// How long after its tick a run starts: 0 without jitter, else from 1 s up to the jitter, given by the hash of the
// tick's job (03 §20.3). A jitter of 1 s or less is exactly 1 s.
uint64_t cron_jitter_ms(uint64_t job_hash, int64_t jitter_ns);

#endif
