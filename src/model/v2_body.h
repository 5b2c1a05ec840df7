// The bodies of REST v2 (spec 05 §13): an empty one is {}, names are camelCase or snake_case, and what is not known is
// refused (§13.2).
//
// Pure; any bytes may be given. Slices live in the arena. A body that is refused owns nothing.
#ifndef INNGEST_MODEL_V2_BODY_H
#define INNGEST_MODEL_V2_BODY_H

#include "model/event.h"

// Why a request is refused, in the terms of §13.4; filled with every error.
struct v2_refusal {
	int status;
	const char *code;
	struct str text;
};

// POST /runs/{runId}/cancel: nothing is asked.
ERR_CHECKED enum err v2_cancel_parse(struct arena *arena, struct str body, struct v2_refusal *refusal);

// POST /runs/{runId}/rerun.
struct v2_rerun {
	bool from_step;
	struct str step_id;    // or its name
	struct payload *input; // owned: {"input":[…]}; NULL: none
};
ERR_CHECKED enum err v2_rerun_parse(struct arena *arena, struct str body, struct v2_rerun *out,
				    struct v2_refusal *refusal);

// POST /apps/{appId}/functions/{functionId}/invoke, for the function with this id.
struct v2_invoke {
	struct str key;     // hash of the idempotency key; empty: none was given
	struct event event; // owned
};
ERR_CHECKED enum err v2_invoke_parse(struct arena *arena, struct str body, const struct uuid *function_id,
				     const struct ulid *internal_id, uint64_t now_ms, struct v2_invoke *out,
				     struct v2_refusal *refusal);

// POST /events (§13.7); the event is the caller's to release.
ERR_CHECKED enum err v2_event_parse(struct arena *arena, struct str body, const struct ulid *internal_id,
				    uint64_t now_ms, struct event *out, struct v2_refusal *refusal);

#endif
