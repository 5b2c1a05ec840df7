// Trace facts: what happened to a run, one small record each, from which its trace is made when people look at it
// (spec 06 §13, §14). The engine writes them with the state that they tell of; src/trace turns them into spans.
//
// Nothing is in them that is stored elsewhere: results of steps are in the step records, the end of the run and its
// output in function_finishes, its events in events. Ids of spans are derived (06 §12.1), never stored.
//
// Stored in engine_trace, one row a fact, in the order in which they came about. The encoding is part of the file
// format: never reuse a number; what a later version adds stands at the end.
#ifndef INNGEST_MODEL_TRACE_FACT_H
#define INNGEST_MODEL_TRACE_FACT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/id.h"
#include "model/opcode.h"

enum trace_fact_kind {       // stored
	FACT_CALL = 1,       // a call to the app has been answered, has failed, or its run ended meanwhile
	FACT_CHECKPOINT = 2, // steps reported while a call goes on
	FACT_WAIT = 3,       // a sleep, a wait or an invoke has begun
	FACT_RESUMED = 4,    // and is over; a sleep leaves none: it ends at its time, when its step is memoised
	FACT_INVOKED = 5,    // the run that an invoke started
	FACT_CANCELLED = 6,  // why
	FACT_ENDED = 7, // the run is over, and this is its last one; only written when spans are exported (05 §24)
};

enum trace_outcome {     // stored; of a call
	TRACE_OPCODES,   // the app reported opcodes
	TRACE_RESULT,    // of the function: its output is the run's
	TRACE_ERROR,     // a failed attempt of the function or of the request itself
	TRACE_CANCELLED, // the run ended while it was under way
};

// What an app reported of one step.
struct trace_op {
	enum opcode_kind op;
	struct str id, name;           // hashed id; display name
	struct str type;               // opts.type, as step.sendEvent; empty: none
	uint64_t started_ms, ended_ms; // by the app's clock; 0: it did not say
	struct str output;   // JSON, memoised form, of an error that no step record has: TRACE_ERROR_CUT. Else empty
	struct str input;    // JSON: opts.input of AI steps; empty: none
	struct str metadata; // JSON array as reported; empty: none
};

struct trace_fact {
	enum trace_fact_kind kind;
	uint64_t at_ms;

	// CALL. `job` is the queue item's, the same for all attempts: group ids and span ids come from it.
	uint64_t job, parent_job; // parent_job: of the call that led to this one; 0: none, or a timeout
	struct str target;        // step that it was to run (planned); empty: a discovery
	struct str slept;         // step that it came after, when that was a sleep
	// Attempts count on where a checkpoint has given the job a fresh budget, so that no two of them have one
	// number; max_attempts moves along. told_attempt is the one that the app got.
	uint32_t attempt, max_attempts, told_attempt;
	uint64_t queued_ms, due_ms, started_ms; // enqueued, wanted, made; its end is at_ms
	enum trace_outcome outcome;
	bool will_retry;       // another attempt follows
	struct str output;     // JSON: of a TRACE_ERROR that is retried: TRACE_ERROR_CUT. Else empty: it is the run's
	uint32_t status;       // HTTP; 0: no reply
	struct str headers;    // of the reply: JSON object, see trace_headers; empty: no reply
	uint32_t output_bytes; // of the reply's body
	uint32_t dns_ms, connect_ms, tls_ms, server_ms, transfer_ms; // what the time was spent on
	uint32_t total_ms;
	// CALL with TRACE_OPCODES, CHECKPOINT
	struct trace_op *ops;
	size_t op_count;

	// WAIT, RESUMED, INVOKED: the step, and which kind of waiting it is (Sleep, WaitForEvent, InvokeFunction, …).
	enum opcode_kind op;
	struct str step_id, name;
	uint64_t parent;              // WAIT: job of the call that began it
	uint64_t until_ms;            // WAIT: when it is over at the latest
	struct str event, expression; // of a wait for an event: name; condition with the run's own values in it
	struct str signal;
	struct str function;       // of an invoke: slug
	struct ulid event_id;      // WAIT: of the invoke. RESUMED: that ended it; zero: none. CANCELLED: that caused it
	struct ulid run_id;        // RESUMED of an invoke, INVOKED: the other run; zero: none
	bool is_timeout, is_error; // RESUMED: by its time; with an error
};

// Writes the encoding, in TRACE_FACT_MAX bytes at most: texts that are too long for people to read are cut, and what
// is large is left out (inputs, metadata, headers) or has TRACE_ERROR_CUT in its place (errors). Of a fact that is too
// long even so, the last ops are missing. `out` may hold that much; what was in it is gone.
void trace_fact_encode(const struct trace_fact *fact, struct buf *out);
// Slices point into `data`, arrays live in the arena. ERR_CORRUPT.
ERR_CHECKED enum err trace_fact_decode(struct arena *arena, struct str data, struct trace_fact *out,
				       struct error *error);

#define TRACE_TEXT_MAX 4096            // bytes of a name, expression, header block entry
#define TRACE_PAYLOAD_MAX (256u << 10) // bytes of an output, input or metadata inside a fact
#define TRACE_FACT_MAX (8u << 20)      // bytes of a fact
#define TRACE_ERROR_CUT "{\"error\":{\"message\":\"The error was too large to be kept.\",\"name\":\"Error\"}}"

// One queue item of a run that has not ended, as the engine has it: work that is to come or under way. The facts of it
// are only written when it is over.
struct trace_live {
	uint64_t job, parent_job;
	uint64_t queued_ms, due_ms;
	uint64_t started_ms;            // of the call under way; 0: none
	uint32_t attempt, max_attempts; // as in a fact
	bool is_call;                   // it makes a call (start, discovery, planned step); else it waits
	bool is_planned;
	struct str target, name; // step; may be empty
	struct str slept;        // as in a fact
};

#endif
