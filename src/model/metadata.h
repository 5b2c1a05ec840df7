// Records of span metadata (spec 06 §18): typed key-value pairs that hang on a span of a run.
//
// Pure, any thread.
#ifndef INNGEST_MODEL_METADATA_H
#define INNGEST_MODEL_METADATA_H

#include "base/json.h"

enum metadata_scope {
	METADATA_UNKNOWN,
	METADATA_RUN,
	METADATA_STEP,
	METADATA_STEP_ATTEMPT,
	METADATA_EXTENDED_TRACE,
	METADATA_REQUEST,
	METADATA_SCOPE_COUNT,
};
extern const char *const metadata_scope_names[METADATA_SCOPE_COUNT];

enum metadata_op {
	METADATA_MERGE,
	METADATA_SET,
	METADATA_DELETE,
	METADATA_ADD,
	METADATA_OP_COUNT,
};
extern const char *const metadata_op_names[METADATA_OP_COUNT];
bool metadata_op_of(struct str name, enum metadata_op *out); // any letter case

struct metadata_record {
	enum metadata_scope scope;
	struct str kind;
	enum metadata_op op;
	struct str values; // JSON object
	size_t size;       // as the limits count it: its keys and the JSON texts of its values
};

#define METADATA_STEP_LEN 40 // hex digits of SHA-1
#define METADATA_SPAN_LEN 16

// What a record hangs on.
struct metadata_target {
	enum metadata_scope scope;        // run, step, extended trace
	char step[METADATA_STEP_LEN + 1]; // its hashed id; empty: none
	bool has_attempt;                 // else the last one
	uint32_t attempt;
	char span_id[METADATA_SPAN_LEN + 1]; // of an extended trace: lower-case hex
};
// The hashed id of a user's step, of which there may be several (05 §12.9).
void metadata_target_step(struct metadata_target *target, struct str step_id, int64_t index);

#define METADATA_KIND_AI "inngest.ai"
#define METADATA_KIND_HTTP "inngest.http"
#define METADATA_KIND_RESPONSE_HEADERS "inngest.response_headers"
#define METADATA_KIND_EXPERIMENT "inngest.experiment"
#define METADATA_KIND_SCORE "inngest.score"

// That an SDK may report: not empty, not too long, and of the kinds that begin with inngest. one of those that are
// known.
bool metadata_kind_is_allowed(struct str kind);
// Of an inngest.score: a name that a score may have.
bool metadata_score_name_is_good(struct str name);
// A finite number or a bool.
bool metadata_score_value_is_good(yyjson_val *value);
// What the limits count of an object's members.
size_t metadata_size(yyjson_val *values);

#endif
