// What the record of a run says, for those who read it outside the engine (records.c writes it). Pure, any thread.
#ifndef INNGEST_ENGINE_RUN_RECORD_H
#define INNGEST_ENGINE_RUN_RECORD_H

#include "base/codec.h"

// When its first call was made, in ms; 0: not yet, or the head is cut short.
static inline uint64_t run_record_started_ms(struct str head) {
	struct decoder d = {.rest = head};
	(void)take(&d, 1 + 16 + 4 + 16 + 8 + 4 + 4); // version, function, its version, event, key, lengths of events
	return take_u64(&d);
}

#endif
