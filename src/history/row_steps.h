// The steps of a run whose trace is rows: one of the reference server's. Private to this layer.
#ifndef INNGEST_HISTORY_ROW_STEPS_H
#define INNGEST_HISTORY_ROW_STEPS_H

#include "history/history_internal.h"

// Adds a struct history_step for each that is done and has a result; none for a run that is not known.
ERR_CHECKED enum err row_steps(struct history_reader *reader, const struct ulid *run_id, struct rows *out,
			       struct error *error);

#endif
