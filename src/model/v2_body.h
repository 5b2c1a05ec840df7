// The bodies of REST v2 (spec 05 §13): an empty one is {}, names are camelCase or snake_case, and what is not known is
// refused (§13.2).
//
// Pure; any bytes may be given. Slices live in the arena. A body that is refused owns nothing.
#ifndef INNGEST_MODEL_V2_BODY_H
#define INNGEST_MODEL_V2_BODY_H

#include "model/event.h"
#include "model/metadata.h"

// Why a request is refused, in the terms of §13.4; filled with every error.
struct v2_refusal {
	int status;
	const char *code;
	struct str text;
};

// POST /runs/{runId}/cancel: nothing is asked.
ERR_CHECKED enum err v2_cancel_parse(struct arena *arena, struct str body, struct v2_refusal *refusal);

// POST /envs: a name is asked (§13.3).
ERR_CHECKED enum err v2_env_parse(struct arena *arena, struct str body, struct v2_refusal *refusal);

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

// POST /runs/{runId}/scores (§13.11, v2_scores.c): the body is an array.
struct v2_score {
	struct str name;
	struct str value;                  // JSON: a number or a bool
	struct str step_id;                // as the user named it; empty: of the run
	struct str experiment_id, variant; // empty: none
};
ERR_CHECKED enum err v2_scores_parse(struct arena *arena, struct str body, struct v2_score **out, size_t *count,
				     struct v2_refusal *refusal);
// What is stored of a score: one record, or two with an experiment; and what they hang on.
#define V2_SCORE_RECORDS_MAX 2
size_t v2_score_records(struct arena *arena, const struct v2_score *score, struct metadata_target *target,
			struct metadata_record out[V2_SCORE_RECORDS_MAX]);

#endif
