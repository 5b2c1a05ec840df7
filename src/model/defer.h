// Functions that are to run when a run has ended (02 §7.12, 03 §24.1, 06 §20).
#ifndef INNGEST_MODEL_DEFER_H
#define INNGEST_MODEL_DEFER_H

#include "base/id.h"

#define DEFER_EVENT STR("inngest/deferred.schedule")

enum defer_status { // stored, as the reference server does
	DEFER_SCHEDULED = 1,
	DEFER_AFTER_RUN = 2, // to be scheduled when the run ends, or scheduled
	DEFER_ABORTED = 3,
	DEFER_REJECTED = 4,
};

// Id of the event that starts it: the same whenever it is derived. Pure.
struct ulid defer_event_id(const struct ulid *run_id, struct str hashed_id);

#endif
