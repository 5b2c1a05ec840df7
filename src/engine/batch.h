// Batches: what engine_apply decided. Records and history are written in one transaction; effects leave after it.
#ifndef INNGEST_ENGINE_BATCH_H
#define INNGEST_ENGINE_BATCH_H

#include "base/arena.h"
#include "base/mailbox.h"
#include "engine/load.h"
#include "engine/stats.h"
#include "model/history_item.h"
#include "model/record.h"
#include "model/trace_fact.h"

// One call to the app, complete: the driver builds the request of 02 §2 from it. A heap object with its own arena;
// ownership passes to the driver, which posts COMMAND_ANSWER with the same run id, slot and dispatch.
struct call_step {
	struct str id;
	bool is_input;            // not done: not in the stack
	struct payload_ref value; // memoised form
};
struct call {
	struct message message;
	struct arena arena;
	struct ulid run_id;
	uint32_t slot;
	uint32_t generation; // of the job as the app sees it, ≥ 1
	uint64_t dispatch;   // unique per call made by this process: goes back in the answer
	struct uuid function_id;
	struct uuid app_id;
	struct str url;    // step URL as registered
	struct str target; // hashed id of a targeted step; empty: discovery ("step")
	uint32_t attempt;  // 0-based
	uint32_t max_attempts;
	int request_version; // -1 … 2
	bool disable_immediate_execution;
	uint64_t job_hash; // xxh64 of the job id string; wire form is base 36 of it
	uint32_t stack_current;
	uint64_t state_bytes;      // events + step outputs: decides use_api (02 §2.8)
	struct payload_ref events; // body of the run: JSON array of the events
	uint32_t first_event_len;  // bytes of its first element (after the '[')
	struct call_step *steps;   // in completion order
	size_t step_count;
	struct str defers; // JSON object (02 §2.5)
};
void call_free(struct call *call);

enum reply_kind {
	REPLY_OK, // events stored, app added …: nothing more to say
	REPLY_REGISTERED,
	REPLY_FAILED, // `status`, `code`, `text` say why
	REPLY_RUN_STATE,
	REPLY_TEXT,      // `text` is JSON: jobs (05 §12.7), a cancellation or all of them (05 §12.11)
	REPLY_STARTED,   // `run_id` began, or with status 409 had begun before
	REPLY_STATS,     // `stats`
	REPLY_RUN_TRACE, // `live`: what is under way of a run; none when the engine does not know it
};
// The answer to a request. A heap object with its own arena; ownership passes to the server.
struct reply {
	struct message message;
	struct arena arena;
	uint64_t request;
	enum reply_kind kind;
	int status;      // HTTP status
	struct str code; // public error code, may be empty
	struct str text; // error message; REPLY_TEXT: JSON
	struct str data; // JSON for the error's `data` member, empty for null
	// REPLY_REGISTERED
	bool modified;
	struct uuid app_id;
	struct ulid run_id; // REPLY_STARTED; REPLY_OK of a signal: the run that it resumed
	// REPLY_RUN_STATE: the caller resolves the references from the store
	struct payload_ref events;
	struct call_step *steps;
	size_t step_count;
	struct trace_live *live; // REPLY_RUN_TRACE
	size_t live_count;
	struct engine_stats stats;        // REPLY_STATS
	struct function_stats *functions; // REPLY_STATS: those that are active
	size_t function_count;
	struct annotation_result annotated; // REPLY_OK of an annotation
};
struct reply *reply_new(uint64_t request, enum reply_kind kind, int status);
void reply_free(struct reply *reply);

// What people should know of a function's settings, for the log.
struct complaint {
	const char *what;    // has happened
	struct str function; // its slug
	struct str text;     // of the expression or schedule that it is about
	struct str problem;  // may be empty
};

struct batch {
	struct message message; // link for the journal's mailbox
	uint32_t commands;      // that it is of
	struct arena arena;
	struct record *records;
	size_t record_count, record_cap;
	struct history_item *history;
	size_t history_count, history_cap;
	struct late_text **late; // to be resolved before writing
	size_t late_count, late_cap;
	struct event_load *loads;
	size_t load_count, load_cap;
	struct complaint *complaints;
	size_t complaint_count, complaint_cap;
	struct message *calls; // chain of struct call, in order
	struct message *calls_last;
	struct message *replies; // chain of struct reply, in order
	struct message *replies_last;
};
struct batch *batch_new(void);
void batch_free(struct batch *batch); // also frees calls and replies that were not taken out
bool batch_is_empty(const struct batch *batch);
// A new item of history, to be filled.
struct history_item *batch_history(struct batch *batch, enum history_kind kind, uint64_t at_ms);
// Deterministic digest of records, history and effects: equal batches give equal digests (tests, simulation).
uint64_t batch_digest(const struct batch *batch);

#endif
