// Trace and span ids that everybody derives alike (spec 09 §1.2, 06 §12.1). Pure, any thread.
#ifndef INNGEST_TRACE_TRACE_ID_H
#define INNGEST_TRACE_TRACE_ID_H

#include "base/str.h"

struct trace_id {
	uint8_t trace[16];
	uint8_t span[8];
};
struct trace_id trace_id_derive(struct str seed);

#endif
