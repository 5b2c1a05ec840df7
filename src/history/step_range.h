// The records of a run's memoised steps, which stand together (model/record.h). Private to this layer.
#ifndef INNGEST_HISTORY_STEP_RANGE_H
#define INNGEST_HISTORY_STEP_RANGE_H

#include "history/history_internal.h"

#define STEP_KEY_LEN 20 // run id and position

struct step_range {
	uint8_t first[STEP_KEY_LEN], last[STEP_KEY_LEN];
};
// Binds ?1 to ?3 of `kind = ?1 AND key >= ?2 AND key <= ?3`; the range stays until the statement is reset.
static inline void step_range_bind(sqlite3_stmt *statement, const struct ulid *run_id, struct step_range *range) {
	memset(range->first, 0, sizeof range->first);
	memset(range->last, 0xFF, sizeof range->last);
	memcpy(range->first, run_id->bytes, sizeof run_id->bytes);
	memcpy(range->last, run_id->bytes, sizeof run_id->bytes);
	sqlite3_bind_int(statement, 1, RECORD_STEP);
	sqlite3_bind_blob(statement, 2, range->first, sizeof range->first, SQLITE_STATIC);
	sqlite3_bind_blob(statement, 3, range->last, sizeof range->last, SQLITE_STATIC);
}

#endif
