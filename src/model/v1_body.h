// The bodies of REST v1 that are not events (spec 05 §12).
//
// Pure; any bytes may be given. Slices live in the arena.
#ifndef INNGEST_MODEL_V1_BODY_H
#define INNGEST_MODEL_V1_BODY_H

#include "base/arena.h"
#include "base/error.h"

// POST /v1/cancellations (05 §12.11): the runs of a function that were scheduled in a time range.
struct v1_cancellation {
	struct str app_id, function_id; // as given: the function's full slug, or its own id within the app
	bool has_after;
	uint64_t after_ms, before_ms; // both inclusive
	struct str condition;         // CEL over `event`, well-formed and well-typed; empty: none
};
// ERR_INVALID with the text of the reply in `problem`, several of them on a line each.
ERR_CHECKED enum err v1_cancellation_parse(struct arena *arena, struct str body, uint64_t now_ms,
					   struct v1_cancellation *out, struct str *problem);

#endif
