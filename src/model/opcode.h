// Opcodes: what an SDK asks for in a 206 answer or a checkpoint (spec 02 §6, §7).
#ifndef INNGEST_MODEL_OPCODE_H
#define INNGEST_MODEL_OPCODE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/payload.h"

enum opcode_kind { // numeric values of 02 §6.3: used in storage
	OPCODE_NONE = 0,
	OPCODE_STEP,
	OPCODE_STEP_RUN,
	OPCODE_STEP_ERROR,
	OPCODE_STEP_PLANNED,
	OPCODE_SLEEP,
	OPCODE_WAIT_FOR_EVENT,
	OPCODE_INVOKE_FUNCTION,
	OPCODE_AI_GATEWAY,
	OPCODE_GATEWAY,
	OPCODE_WAIT_FOR_SIGNAL,
	OPCODE_RUN_COMPLETE,
	OPCODE_STEP_FAILED,
	OPCODE_SYNC_RUN_COMPLETE,
	OPCODE_DISCOVERY_REQUEST,
	OPCODE_DEFER_ADD,
	OPCODE_DEFER_ABORT,
	OPCODE_COUNT,
};
enum parallel_mode { PARALLEL_NONE, PARALLEL_WAIT, PARALLEL_RACE };

struct opcode {
	enum opcode_kind kind;
	struct str id; // hashed step id, opaque
	struct str name;
	struct str display_name; // displayName, else name, else id
	enum parallel_mode parallel;
	struct str opts;      // canonical JSON of opts, empty when absent
	struct str duration;  // Sleep: opts.duration, else name (02 §7.5)
	struct str opts_type; // opts.type, e.g. step.ai.wrap
	// WaitForEvent (02 §7.6):
	struct str wait_event, wait_timeout, wait_if;
	bool wait_is_conditional; // there is an `if`, perhaps an empty one
	// InvokeFunction (02 §7.7); the payload is canonical JSON of an object, or empty
	struct str invoke_fn_id, invoke_payload, invoke_timeout;
	// WaitForSignal (02 §7.9); a timeout that is no string is JSON
	struct str signal_name, signal_timeout;
	bool signal_replaces;
	// DeferAdd, DeferAbort (02 §7.12). The output of a DeferAdd is what stands between the braces of its data, as
	// the event will have it: `_inngest` belongs at the byte `defer_split`.
	struct str defer_function; // full slug
	struct str defer_meta;     // {"sessions":…} of the event; empty: none
	struct str defer_target;   // id of the DeferAdd that a DeferAbort takes back
	struct str defer_name;     // the id in the code
	uint32_t defer_split;
	const char *defer_refusal; // why it is no good; NULL: it is
	bool defer_is_unreadable;  // so that there is nothing to keep of it
	// Owned payload (opcode_release) in memoised form (02 §8), NULL for kinds without one:
	// StepRun {"data":…}, Step verbatim, StepError/StepFailed {"error":UserError}, RunComplete the bare data,
	// others their data.
	struct payload *output;
	struct str error_name, error_message; // StepError/StepFailed, for people
	int64_t timing_start_ns, timing_ns;   // 0 when absent
	struct str metadata;                  // canonical JSON array, for traces; empty when there is none
};

// Facts about each kind, one table (02 §6.3).
struct opcode_info {
	const char *name;
	bool sync; // may appear in a checkpoint
	bool plan; // opens a parallel group (02 §6.5 step 7)
	bool lazy; // DeferAdd, DeferAbort
};
extern const struct opcode_info opcode_table[OPCODE_COUNT];
bool opcode_from_name(struct str name, enum opcode_kind *out); // any letter case

// Parses a body of opcodes: an object or an array (02 §6.1). Nothing is applied on error; messages are the
// reference's. `*ops` is an arena array; release each. An empty array gives one None with an empty id. Of more than
// ANSWER_OPCODES_MAX ops only the first ANSWER_OPCODES_MAX + 1 are kept: the engine fails the run by the count.
// `no_retry` puts noRetry:true into the memoised error of StepErrors (02 §5.1).
ERR_CHECKED enum err opcodes_parse(struct arena *arena, struct str body, bool no_retry, struct opcode **ops,
				   size_t *count, struct error *error);
// The same from the `steps` of a checkpoint (02 §13.3): NULL, null and [] give none, inputs are not measured. An output
// that is too large gives ERR_TOO_LARGE and leaves the ops before it in `*ops`, `*count`: they are still saved.
ERR_CHECKED enum err opcodes_parse_value(struct arena *arena, yyjson_val *value, bool no_retry, struct opcode **ops,
					 size_t *count, struct error *error);
void opcode_release(struct opcode *op);

#endif
