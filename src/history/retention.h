// Retention: history does not grow for ever. Runs that are over go some days after their end, with all that is stored
// of them, and so do events; payloads (data of events, results of steps, outputs) may go earlier than the rest. The
// reference server keeps everything (spec 09 §7, "Retention").
//
// Runs under way are never touched, nor are the events of runs that are still there; nor is the data of an event while
// a run that is under way, or that has its payloads, was started by it. What has lost its payloads says so
// (RUN_ROW_BARE, EVENT_ROW_BARE) and cannot be run again. Work is done in slices on the journal's thread, each bounded
// by rows and bytes, inside a transaction that it has opened; how far they have got to is stored with them.
#ifndef INNGEST_HISTORY_RETENTION_H
#define INNGEST_HISTORY_RETENTION_H

#include "base/error.h"
#include "base/id.h"

struct sqlite3;
struct history_keeper;

struct retention {
	uint64_t age_ms;         // since the end of a run, or since an event came; 0: for ever
	uint64_t payload_age_ms; // the same for payloads; 0: as long as the rest
	uint64_t runs_max;       // ended runs; 0: any number
};

ERR_CHECKED enum err history_keeper_new(struct sqlite3 *db, const struct retention *retention,
					struct history_keeper **out, struct error *error);
void history_keeper_free(struct history_keeper *keeper);
bool history_keeper_wants(const struct history_keeper *keeper); // false: everything is kept
// Between two looks for what is old: the less is kept, the shorter.
uint64_t history_keeper_interval_ms(const struct history_keeper *keeper);
// One slice; *more says that there is work left to do at once. After an error of any write in the same transaction the
// caller rolls back and may simply call again.
ERR_CHECKED enum err history_keep(struct history_keeper *keeper, uint64_t now_ms, bool *more, struct error *error);

#endif
