// Deterministic simulation: one engine, one store in memory, simulated apps, clients, time and faults, all from a seed.
//
// What the world does between two commands is drawn from `rng`; nothing else varies, so a seed replays exactly.
#ifndef INNGEST_TESTS_SIM_SIM_H
#define INNGEST_TESTS_SIM_SIM_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/rng.h"
#include "engine/engine.h"
#include "store/store.h"

// ---- what apps do (app.c) ------------------------------------------------------------------------------------------

enum block_kind { BLOCK_STEP, BLOCK_SLEEP, BLOCK_WAIT, BLOCK_INVOKE, BLOCK_SIGNAL, BLOCK_PARALLEL, BLOCK_THROW };
#define WAIT_EVENTS 3 // names of events that are waited for: w/e0 …
#define SIGNALS 3     // names of signals: g/0 …
#define BLOCKS_MAX 6
#define BRANCHES_MAX 5
#define ALWAYS 1000        // fails every time
#define FLOW_FIELDS_MAX 48 // JSON members of an event's data that flow control looks at

struct block {
	enum block_kind kind;
	char id[24];
	unsigned fails;      // BLOCK_STEP, BLOCK_THROW: attempts that fail before one passes
	bool caught;         // the program goes on after the step's final failure
	unsigned sleep_ms;   // BLOCK_WAIT, BLOCK_SIGNAL: the timeout
	unsigned wait_event; // BLOCK_WAIT: w/eN
	bool wait_for_own;   // … with the data.n of the event that began the run
	unsigned invoked;    // BLOCK_INVOKE: program, which gets data.n = wait_event, and these fields
	char fields[FLOW_FIELDS_MAX];
	bool for_ever;   // BLOCK_INVOKE: the timeout is longer than any run takes
	unsigned signal; // BLOCK_SIGNAL: g/N
	bool replaces;   // BLOCK_SIGNAL: takes the name from who has it, instead of failing
	unsigned branch_count;
	struct block *branches[BRANCHES_MAX];
	unsigned branch_len[BRANCHES_MAX];
};
// When a trigger starts its program: an expression over the event's data.n, 0 … VALUES - 1, of the event that began it
// all.
#define VALUES 4
struct condition {
	char expression[128];   // empty: always
	bool holds[VALUES + 1]; // the last: when there is no n
};
struct program {
	char slug[24];
	char trigger[32];
	struct condition condition;
	bool handles_failures; // its trigger is inngest/function.failed
	const char *failing;   // whose failures it handles: a slug, or NULL for all
	int version;           // request version: 1 or 2
	bool checkpoint;       // reports sequential steps while the call goes on
	unsigned retries;
	struct block *blocks;
	unsigned count;
	// lifecycle.c
	bool cancels_on_own;        // cancelOn c/e0 with the same n
	bool cancels_on_any;        // cancelOn c/e1, for five minutes
	bool is_idempotent;         // one run a day for each n
	unsigned finish_timeout_ms; // 0: none
	unsigned every_s;           // a schedule; 0: none
	bool runs_on_cancelled;     // cancelled runs start it, too
};

// What the app does next in a call: report a step, or give its answer.
struct reaction {
	bool checkpoint;
	struct str body; // ops array, or the answer's body
	int status;
	bool no_retry;
	struct str step_id; // of the checkpoint
};

// ---- the world (world.c) -------------------------------------------------------------------------------------------

enum delivery_kind {
	DELIVER_EVENT,
	DELIVER_WORK,
	DELIVER_ANSWER,
	DELIVER_CHECKPOINT,
	DELIVER_CANCEL,
	DELIVER_REGISTER,
	DELIVER_LOADED,
	DELIVER_WAIT_EVENT,
	DELIVER_SIGNAL,
	DELIVER_CANCEL_EVENT,
	DELIVER_CANCEL_MANY,
	DELIVER_RERUN,
	DELIVER_PAUSE,
	DELIVER_RETIRE, // a registration without schedules
};

// One call that the app has received.
struct app_call {
	struct call *call;
	const struct program *program;
	unsigned epoch; // of the server process that made it: its answer goes nowhere after a crash
	unsigned refs;  // deliveries and waits that hold it
	bool answered;
	struct str known; // ops checkpointed in this call
	struct arena arena;
	struct str fallback; // ops whose checkpoint was refused: go into the answer
};
struct delivery {
	struct heap_node node;
	enum delivery_kind kind;
	struct app_call *call;
	struct reaction reaction;
	unsigned client;    // event; DELIVER_WAIT_EVENT, DELIVER_SIGNAL, DELIVER_CANCEL_EVENT: its number; others: a
			    // program's
	unsigned value;     // of events: data.n; DELIVER_PAUSE: whether; DELIVER_REGISTER: whether it is the last
	struct ulid run_id; // DELIVER_LOADED: the id in the load
	enum load_kind load;
	struct ulid cancellation_id;
	struct payload *data; // DELIVER_LOADED
};
// An event that a client wants to have accepted.
struct client {
	char id[32];
	unsigned program;
	unsigned value; // data.n
	char fields[FLOW_FIELDS_MAX];
	int64_t ts_offset_ms; // 0: none of its own
	bool stable;
	bool acked;
	unsigned tries;
	uint64_t token;      // of the attempt under way
	struct ulid last_id; // internal id of the last attempt
};

struct fact { // (key → value) that must never change, or a count
	struct map_node node;
	uint64_t value;
};

struct flow_note { // what led to a batch, for flow.c
	uint64_t now;
	enum command_kind cause;
	struct ulid run_id; // of an answer, as are the next two; COMMAND_EVENT_LOADED: the id in the load
	enum load_kind load;
	uint32_t slot;
	uint64_t dispatch;
	const struct flow_settings *settings; // of a registration
	unsigned program;                     // COMMAND_START, COMMAND_FUNCTION_PAUSE
	bool paused;
};

struct failure { // a run that failed, and whether that must start the program that handles failures
	struct ulid run_id;
	bool due;
};

struct sim {
	uint64_t seed;
	struct rng rng;
	struct engine_config config;
	struct engine *engine;
	struct store *store;
	uint64_t now;
	uint64_t next_token, sequence;
	unsigned epoch;
	bool faults, crashes, jumps, cancels;
	bool crash_soon;
	unsigned commands, calls, commits, signals_sent;
	uint64_t digest;

	unsigned generating; // program
	struct program *programs;
	unsigned program_count;
	struct client *clients;
	unsigned client_count;
	struct heap deliveries;
	struct batch *pending[64]; // applied, not yet committed
	struct flow_note notes[64];
	struct flow_note note; // of the command being applied
	unsigned pending_count;
	struct list waiting; // struct checkpoint_wait
	struct arena arena;

	struct map facts;      // memoised values, runs of events, finishes
	struct map executions; // how often a step was tried, per run
	struct map stories;    // of struct story (stories.c)
	unsigned runs_started, runs_finished;
	struct failure *failures;
	unsigned failure_count, failure_cap;
	bool exact; // no faults of any kind: every run's end is known beforehand

	bool flows;        // functions have flow control
	struct flow *flow; // flow.h; NULL: they have not

	// lifecycle.c
	bool lives;      // functions have settings of their own, and people rerun, pause and cancel
	bool pauses;     // … so an event may start nothing
	bool retired;    // the registrations have no schedules any more
	uint64_t *ticks; // of the program with a schedule, seconds
	size_t tick_count, tick_cap;
	struct bulk {
		uint64_t token;
		const struct program *program;
		unsigned value; // VALUES: whatever it is
		uint64_t before_ms;
	} bulks[8];
	unsigned bulk_count;
};

struct checkpoint_wait {
	struct list all;
	uint64_t token;
	struct app_call *call;
	struct reaction reaction;
};

_Noreturn void sim_fail(const struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool sim_chance(struct sim *sim, unsigned percent);
struct delivery *deliver(struct sim *sim, enum delivery_kind kind, uint64_t in_ms);

// One whole seed; returns the digest of all batches.
uint64_t sim_run(uint64_t seed, unsigned planted_bug, bool verbose);

// app.c
void app_generate(struct sim *sim);
struct str app_register_body(struct sim *sim, unsigned version);
struct reaction app_react(struct sim *sim, struct app_call *call);
// Not 0: in a call of this run that was no first attempt a step got through and the next one began, with what was left
// of its attempts.
struct fact *app_shares_budget(struct sim *sim, const struct ulid *run_id);

// commands.c
struct command *command_event(struct sim *sim, struct client *client);
struct command *command_answer(struct sim *sim, const struct app_call *call, const struct reaction *reaction);
struct command *command_failure(struct sim *sim, const struct app_call *call);
struct command *command_checkpoint(struct sim *sim, const struct app_call *call, const struct reaction *reaction,
				   uint64_t token);
struct command *command_loaded(const struct delivery *delivery);
struct command *command_named_event(struct sim *sim, const char *name, unsigned value);
struct command *command_register(struct sim *sim, unsigned version);

// lifecycle.c
void lifecycle_generate(struct sim *sim, struct program *program);
void lifecycle_settings(const struct sim *sim, const struct program *program, struct buf *out); // JSON members
void lifecycle_populate(struct sim *sim);
struct command *lifecycle_command(struct sim *sim, const struct delivery *delivery);
void lifecycle_reply(struct sim *sim, const struct reply *reply); // it was sent
void lifecycle_check_history(struct sim *sim, const struct history_item *item);
void lifecycle_check_record(struct sim *sim, const struct record *record);
void lifecycle_check_end(struct sim *sim);
// An event that runs may be cancelled by, applied: exactly those end that it is for.
struct watched *check_cancels_before(struct sim *sim, unsigned number, unsigned value);
void check_cancels_after(struct sim *sim, struct watched *watched); // frees

// check.c
void check_batch(struct sim *sim, const struct batch *batch); // as it is committed
void check_call(struct sim *sim, const struct call *call);    // as it leaves
void check_state(struct sim *sim);                            // nothing pending: memory equals store
void check_end(struct sim *sim);
// An event that waits may want, applied: exactly those waits end that it is for.
struct waits *check_waits_before(struct sim *sim, unsigned number, unsigned value);
void check_waits_after(struct sim *sim, struct waits *waits); // frees
// What a wait got: an event that it was for, or null.
void check_wait_value(struct sim *sim, const struct ulid *run_id, const struct block *block, struct str value);
// What an invoke got: a result or an error, and in time.
void check_invoke_value(struct sim *sim, const struct ulid *run_id, const struct block *block, struct str value);
// signals.c
struct str signal_op(struct arena *arena, const struct block *block);
struct command *command_signal(struct sim *sim, unsigned number); // a signal of its own, by its data
// Every wait for a signal, and who gets the one that is to come (SIGNALS: none); a signal has one owner at most.
struct signals *check_signals_before(struct sim *sim, unsigned number);
// That signal, applied: exactly the wait ends that has the name, and the reply tells of it. Frees `before`.
void check_signal_after(struct sim *sim, struct signals *before, const struct batch *batch);
// An answer that asks for waits, applied: they have their names, whose owners wait on. Frees `before`.
void check_signal_waits_after(struct sim *sim, struct signals *before, const struct ulid *run_id, struct str body,
			      const struct batch *batch);
// What a wait got: a signal that no other wait got, or null.
void check_signal_value(struct sim *sim, const struct ulid *run_id, const struct block *block, struct str value);

// flow_world.c
void flow_generate(struct sim *sim);
void flow_populate(struct sim *sim);
void flow_settings_text(const struct sim *sim, unsigned program, struct buf *out); // JSON members
bool flow_is_absent(const struct sim *sim, unsigned program);
void flow_change(struct sim *sim, bool is_last); // before a registration; the last has all functions
void flow_client(struct sim *sim, struct client *client, struct client *other); // other: may be NULL
void flow_fields(struct sim *sim, char out[FLOW_FIELDS_MAX]);                   // `,"a":…,"b":…`

// flow.c; does nothing in worlds without flow control
struct flow_note flow_note(const struct sim *sim, const struct command *command);
void flow_check_batch(struct sim *sim, const struct flow_note *note, const struct batch *batch); // as it is committed
void flow_check_idle(const struct sim *sim); // nothing pending: the engine wants to be woken in time
void flow_crash(struct sim *sim);
bool flow_is_settled(const struct sim *sim);
bool flow_is_calm(const struct sim *sim); // nothing is being read: where the clock may go back
void flow_check_end(const struct sim *sim);
void flow_free(struct sim *sim);

// What the record of a queue item of this kind says; `d` is left at what the kind has of its own (see record_item).
// False for other records.
struct decoder;
bool read_item(const struct record *record, uint8_t kind, struct decoder *d, struct str *target, uint64_t *due_ms);
struct work_record { // of any item
	uint8_t kind;
	uint32_t attempt;
	uint64_t due_ms;
	struct str target;
};
bool read_work(const struct record *record, struct work_record *out);
struct pause_record { // of a wait, or of a rule that cancels
	struct str event;
	bool is_conditional;
	uint64_t due_ms;
};
bool read_pause(const struct record *record, uint8_t kind, struct pause_record *out);
struct debounce_record {
	struct uuid function_id;
	uint64_t due_ms;
	struct ulid event_id; // that it has
};
bool read_debounce(const struct record *record, struct debounce_record *out);
bool read_event_batch(const struct record *record, struct uuid *function_id);
bool read_batch_event(const struct record *record, struct ulid *event_id);
bool run_lives(const struct batch *batch, const void *run_id); // batch: an export
// The value that began a run; VALUES when its event has none, and UINT64_MAX when the run is not committed yet.
uint64_t began_with(struct sim *sim, const void *run_id);
const struct program *program_of(struct sim *sim, const struct uuid *function_id);
uint64_t fact_key(const char *what, const void *a, size_t a_len, const void *b, size_t b_len);
struct fact *fact_find(struct map *map, uint64_t key);
struct fact *fact_need(struct map *map, uint64_t key); // made with value 0 when absent
void facts_free(struct map *map);

#endif
