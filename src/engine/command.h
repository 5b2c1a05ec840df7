// Commands: everything that can change the engine's state.
//
// A command is one heap object with an arena of its own that holds all its slices; ownership passes to the engine
// thread, which frees it after engine_apply (command_free releases owned payloads). Replies are addressed by the
// request token that the sender put in; token 0 means that nobody waits.
#ifndef INNGEST_ENGINE_COMMAND_H
#define INNGEST_ENGINE_COMMAND_H

#include "base/mailbox.h"
#include "engine/load.h"
#include "model/answer.h"
#include "model/event.h"
#include "model/function.h"
#include "model/history_item.h"

enum command_kind {
	COMMAND_TICK,         // time has come: see engine_deadline
	COMMAND_EVENTS,       // events received
	COMMAND_EVENT_LOADED, // text of events from the store: struct event_load
	COMMAND_ANSWER,       // an app answered a call
	COMMAND_CHECKPOINT,   // steps reported while the call goes on (02 §13)
	COMMAND_REGISTER,     // POST /fn/register
	COMMAND_APP_ADD,      // placeholder for a URL (-u): 01 §3.2
	COMMAND_APP_ERROR,    // result of a failed sync ping: 01 §3.3
	COMMAND_APP_REMOVE,   // DELETE /fn/remove, deleteApp
	COMMAND_APP_URL,      // updateApp: where the app is served now
	COMMAND_CANCEL,       // DELETE /v1/runs/{id}
	COMMAND_SIGNAL,       // POST /v1/signals
	COMMAND_START,        // a run of one function: invoke through the API, rerun
	COMMAND_CANCEL_MANY,  // POST /v1/cancellations
	COMMAND_CANCELLATION_REMOVE,
	COMMAND_FUNCTION_PAUSE,
	COMMAND_FUNCTION_LIMIT, // POST and DELETE /fn/step-limit, /fn/state-size-limit
	COMMAND_CANCELLATIONS,  // GET /v1/cancellations: reads, changes nothing
	COMMAND_RUN_STATE,      // GET /v0/runs/{id}/actions and /batch: reads, changes nothing
	COMMAND_RUN_JOBS,       // GET /v1/runs/{id}/jobs: reads, changes nothing
	COMMAND_STATS,          // GET /metrics: reads, changes nothing
	COMMAND_ANNOTATE,       // metadata or spans of users: on to history
	COMMAND_RUN_TRACE,      // what is under way of a run: reads, changes nothing
	COMMAND_QUEUE_SIZE,     // GET /test/queue/function-queue-size: reads, changes nothing
	COMMAND_RESET,          // POST /test/reset
};

// What a run may have at most; each function has its own (05 §11.4).
enum run_limit {
	RUN_LIMIT_STEPS,
	RUN_LIMIT_STATE, // bytes of events and outputs
	RUN_LIMIT_COUNT,
};

// A step that a run starts with (03 §21.2).
struct given_step {
	struct str id;
	struct str name;
	uint8_t op;            // enum opcode_kind that it came from
	bool is_input;         // no result, but what the step is to be called with: {"input":[…]}
	struct payload *value; // owned
};

struct command {
	struct message message; // first: mailbox link
	enum command_kind kind;
	uint64_t request; // reply token
	struct arena arena;
	union {
		struct {
			struct event *events; // owned: released with the command
			size_t count;
		} events;
		struct {
			enum load_kind kind; // as in struct event_load
			struct ulid id;
			struct ulid cancellation_id;
			struct payload *data; // owned; NULL: it cannot be read
		} loaded;
		struct {
			struct ulid run_id;
			uint32_t slot;     // queue item, from struct call
			uint64_t dispatch; // from struct call; an answer to another dispatch is dropped
			struct answer answer;
			struct payload *events; // owned: the run's, when they had to be loaded for the call; or NULL
		} answer;
		struct {
			struct ulid run_id;
			struct str item;    // qi_id as given; may be empty
			struct opcode *ops; // owned payloads
			size_t op_count;
			struct str parse_error; // not empty: ops could not be read at `parse_error_at`; those before it
						// count
			bool too_large;         // the parse error is a size error (413)
		} checkpoint;
		struct registration registration;
		struct {
			struct str url;   // normalised
			struct str error; // APP_ERROR: the string of 01 §4.4
			bool sdk;         // APP_ERROR: the reply came from an SDK (a placeholder may be made, 01 §3.1)
			struct uuid app_id; // APP_ERROR: app pinged; zero for a merely discovered URL. APP_REMOVE:
					    // instead of the URL, when it is not zero. APP_URL
		} app;
		struct {
			struct ulid run_id;
		} run;
		struct {
			struct str name;
			struct payload *data; // owned: JSON
		} signal;
		struct {
			struct str function;  // id, or full slug
			struct event event;   // owned
			struct event *others; // owned: of a rerun of a batch, the events after `event`
			size_t other_count;
			bool is_new_event;           // to be recorded; it starts nothing else
			struct str key;              // of idempotency; empty: every command is a run
			struct debug_ids debug;      // of a rerun that the debugger asked for
			struct ulid original_run_id; // of a rerun, the first in its chain; zero: none
			struct given_step *steps;    // in the order of their completion
			size_t step_count;
			struct str target; // id of the step to go on with directly; empty: ask the function
		} start;
		struct annotation *annotation; // owned
		struct {
			struct str app_name, function; // as in `cancellation`
			struct uuid function_id;       // instead, when it is not zero
			bool paused;
		} pause;
		struct {
			struct uuid function_id;
			enum run_limit limit;
			uint64_t value;
			bool removed; // the usual one again
		} limit;
		struct {
			struct uuid function_id;
		} queue_size;
		struct {
			struct ulid id;                // made by the sender
			struct str app_name, function; // full slug, or the function's own id within the app
			bool has_after;
			uint64_t after_ms, before_ms; // bounds of the runs' scheduling times, both inclusive
			struct str condition;         // CEL over `event`; checked by the sender; empty: none
		} cancellation;                       // CANCELLATION_REMOVE: only `id`
	};
};

struct command *command_new(enum command_kind kind);
void command_free(struct command *command);

#endif
