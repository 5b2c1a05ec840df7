// The engine's structures and the seams between its files. Private to src/engine.
#ifndef INNGEST_ENGINE_ENGINE_INTERNAL_H
#define INNGEST_ENGINE_ENGINE_INTERNAL_H

#include "base/hash.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/rng.h"
#include "cel/cel.h"
#include "engine/cancellations.h"
#include "engine/constraint.h"
#include "engine/defers.h"
#include "engine/engine.h"
#include "engine/limits.h"
#include "engine/reset.h"
#include "model/limits.h"

struct cron;        // crons.c
struct debounce;    // debounces.c
struct event_batch; // event_batches.c
struct gcra;
struct decoder; // codec.h
struct run_start;
struct source;

// ---- registry (registry.c) -----------------------------------------------------------------------------------------

struct app {
	struct map_node by_id;
	struct list all;       // engine->apps, in order of creation
	struct list functions; // of struct function, in order of creation
	struct uuid id;
	char *name, *url, *error, *method, *checksum; // never NULL; error empty: healthy
	char *sdk_language, *sdk_version, *framework, *app_version, *metadata;
	bool archived;

	// queue (queue.c)
	uint32_t calls;    // of its functions, in flight
	struct list turns; // of struct function with ready items
	struct list turn;  // in engine->turns while it has turns and may make another call
};

struct function {
	struct map_node by_id;
	struct map_node by_slug; // in engine->slugs while active
	struct list of_app;
	struct app *app;
	struct uuid id;
	char id_text[UUID_TEXT_LEN + 1];
	uint64_t id_hash; // xxh64 of id_text: first half of every idempotency key
	uint32_t version;
	bool archived;
	bool paused;                   // starts nothing, and its runs make no call
	bool indexed;                  // in slugs and triggers: active, in an active app
	struct arena arena;            // holds `config`
	struct function_config config; // current version
	struct trigger_entry *entries; // one per event trigger, linked into engine->triggers while active
	size_t entry_count;
	uint64_t matched;         // engine->match_stamp of the last event that started it: once per event
	struct list runs;         // of struct run, in order of creation
	bool complained;          // about an expression that fails for event after event
	uint64_t cancel_until_ms; // some bulk cancellation takes runs that begin until then
	uint64_t limits[RUN_LIMIT_COUNT];
	uint64_t tallies[TALLY_COUNT];
	struct list crons; // of struct cron, one per schedule

	struct flow_programs flow;

	// queue (queue.c, backlogs.c)
	struct backlog plain; // items without constraints
	struct backlog kept;  // items that were in a call when the server stopped: they have their slots yet
	struct list ready[2]; // of struct backlog that may go, kept apart: starts in the second
	struct list lines;    // of struct line: constraints that it waits for
	struct list turn;     // in app->turns while it has something that may go
	uint32_t calls;       // of its items, in flight or kept
	uint32_t call_limit;  // UINT32_MAX: none
};

// Conditions on events by name and demanded value (match_index.c). An entry that was never added has no name.
struct match_name;
struct match_group;
struct match_entry {
	struct list link;         // in a list of its name, unless it stands in a group
	struct map_node by_value; // in group->values
	struct match_name *name;
	struct match_group *group; // NULL: not found by a value
	bool needs_all;
};
struct match_index {
	struct map names;
	struct str root; // what the conditions call the event
};

// One event trigger (triggers.c).
struct trigger_entry {
	struct match_entry match;
	struct function *function;
	const struct cel_program *condition; // in function->arena; NULL: none
	bool is_pattern;
	bool complained; // about an evaluation that failed
};

// Events that wait for data that is in the store (held.c).
struct held_event {
	struct map_node by_id;
	struct ulid internal_id;
	uint64_t ts_ms;
	char *name, *id, *meta;
	uint8_t depth;
};

// ---- runs (run.c) --------------------------------------------------------------------------------------------------

enum step_flag {
	STEP_DISCOVERED = 1, // the discovery after it was queued: at most once (03 §28.4)
	STEP_INPUT = 2,      // not done: the value is what a rerun calls the step with (03 §21.2)
};
struct step {
	uint64_t hash;         // of the id, to search quickly
	char *id;              // and behind it the name that people know it by
	struct payload *value; // memoised form; NULL while at rest
	uint32_t size;         // bytes of it
	uint32_t position;     // in the record key: grows, may have gaps
	uint16_t id_len;
	uint8_t name_len;
	uint8_t op; // enum opcode_kind that it came from
	uint8_t flags;
};
#define STEP_NAME_MAX 255 // bytes; longer ones are cut

// A step's result on its way to being memoised.
struct step_result {
	struct str id, name;
	enum opcode_kind op;
	struct payload *value; // stays the caller's
};

enum run_flag {
	RUN_FORCE_PLAN = 1, // disable_immediate_execution
	RUN_QUIET = 2,      // triggered by function.finished/failed: emits nothing (03 §15.3)
	RUN_STARTED = 4,
	RUN_NO_DATA = 8,     // its first event has none
	RUN_EMPTY_USER = 16, // the text of its first event ends with an empty one
	RUN_OF_BATCH = 32,   // nothing cancels it before it starts (03 §18)
	RUN_AI = 64,         // some step was an AI step
	RUN_DEBUGGED = 128,  // its head ends with its debug ids
};

struct run {
	struct map_node by_id;
	struct ulid id;
	struct function *function;
	struct list of_function;
	struct list items;
	struct list dirty; // in engine->dirty_runs, or afterwards in engine->resting
	struct step *steps;
	struct payload *events;              // JSON array; NULL while at rest
	const struct late_text *late_events; // instead, until the batch that began it is out: not in the store yet
	struct run_limits *limits;           // NULL: none
	char *correlation;                   // of the invoke that started it, or NULL
	struct defer *defers;                // what is to run when it has ended, in the order of coming
	struct debug_ids *debug;             // NULL: of no debug run
	char *meta;                          // of its first event: JSON object with sessions, or NULL
	uint64_t *group;                     // hashes of the ids of the current parallel group (spec: pending set)
	uint64_t key_hash;                   // xxh64 of the user part of the idempotency key
	uint64_t state_bytes;                // events + outputs
	uint64_t started_ms;
	uint64_t coalesce; // key of the current parallel group, 0: none (02 §10.5)
	uint64_t joined;   // coalesce key whose joined discovery was queued
	struct ulid event_id;
	uint32_t function_version, step_count, step_cap;
	uint32_t defer_count;
	uint32_t work_count; // items that carry it on: all but those that only watch it
	uint32_t group_count, pending_count;
	uint32_t events_len, first_event_len;
	uint32_t next_slot, next_position;
	uint32_t free_slot;     // freed in this command and not yet reused: SLOT_NONE when none
	uint32_t history_index; // of its HISTORY_RUN, in the batch that began it
	int8_t request_version;
	uint8_t flags;
	uint8_t depth;       // of the event that began it
	uint8_t stalls;      // re-drives since the last progress
	uint8_t input_count; // steps with STEP_INPUT
	uint8_t dirty_what;
	bool is_restored; // it was there at the start: it may have begun with history though we keep none
	bool is_answered; // there are opcodes of an answer still to come: what looks like a standstill is none
};
#define SLOT_NONE UINT32_MAX
enum dirty { DIRTY_HEAD = 1, DIRTY_NEW = 2, DIRTY_LISTED = 4 };

enum item_kind { // stored
	ITEM_START = 0,
	ITEM_DISCOVERY = 1,
	ITEM_STEP = 2,          // targeted at one step
	ITEM_SLEEP = 3,         // due: saves null for its target, then is the discovery
	ITEM_WAIT = 4,          // for an event; due: saves null for its target, which its pause may do before (waits.c)
	ITEM_INVOKE = 5,        // for another run's end; due: saves an error for its target (invokes.c)
	ITEM_SIGNAL = 6,        // for a signal; due: saves null for its target (signals.c)
	ITEM_CANCEL_ON = 7,     // for an event that cancels the run; due: it is over (cancels.c)
	ITEM_START_TIMEOUT = 8, // due: cancels the run, as does the next (timeouts.c)
	ITEM_FINISH_TIMEOUT = 9,
	ITEM_KIND_COUNT,
};
struct item_info {
	const char *job_kind; // 05 §12.7
	bool is_timer;        // never ready for a call
	bool watches;         // does not carry the run on
	bool has_target;
	bool has_pause;
};
extern const struct item_info item_table[ITEM_KIND_COUNT]; // queue.c; no name: not a kind
enum item_state { ITEM_READY, ITEM_LATER, ITEM_IN_CALL };

struct item {
	struct list of_run;
	struct list dirty;     // in engine->dirty_items
	struct heap_node node; // in backlog->items (READY) or engine->timers (LATER)
	struct run *run;
	struct backlog *backlog;    // while READY
	char *target;               // hashed step id, and behind it the step's name; or NULL
	struct pause *pause;        // of kinds that have one
	struct signal_wait *signal; // of an ITEM_SIGNAL
	uint64_t due_ms, job_hash, coalesce;
	uint64_t called_ms;  // when its present attempt was called, as far as its record says so; 0: not
	uint64_t dispatch;   // of the call in flight
	uint64_t started_ms; // when it was made
	uint64_t queued_ms;  // of the present attempt
	uint64_t parent_job; // job of the call that led to it; 0: none
	uint32_t slot;
	uint32_t attempt, generation;
	uint32_t call_attempt; // attempt that the call in flight carries
	uint32_t lead;         // ctx.stack.current
	uint16_t target_len;
	uint8_t name_len;
	uint8_t kind, state, parallel;
	bool holds;     // slots of its limits: in a call, or kept from one
	bool is_leased; // and that is recorded
	bool is_late;   // was put off, so it keeps its own time (04 §A15)
	bool is_after_sleep;
};

// Idempotency of runs whose event id can come again (03 §6.3).
struct idem {
	struct map_node by_key;
	struct list by_age;
	uint64_t function_hash, key_hash;
	uint64_t expires_ms;
	struct ulid run_id; // zero: not known (records of older releases), or there is none
};

// ---- the engine ----------------------------------------------------------------------------------------------------

struct engine {
	struct engine_config config;
	struct rng rng;
	uint64_t now;
	struct batch *batch; // of the command being applied

	struct list apps;
	struct map apps_by_id;
	struct map functions;
	struct map slugs;
	struct map limit_overrides; // limits.c
	bool limits_changed;        // some run may have more steps than the usual limit
	struct match_index triggers;
	uint32_t pattern_triggers; // whose name is a pattern: 0 saves the look-ups
	uint64_t match_stamp;
	struct match_index waits; // of pauses
	struct map signals;       // of struct signal_wait by name: its owner only
	void *json_pool;          // memory to read an event in, when nobody does
	struct map held;
	struct list cancellations; // of struct cancellation that people made
	struct list cancelling;    // those that have runs left to look at
	struct heap crons;         // of struct cron

	struct deferred_event *deferred; // events that came up while another was being matched (schedule.c)
	size_t deferred_count, deferred_cap;
	uint32_t cascade;   // events matched after others in this command
	uint64_t cause_job; // of the answer that is being applied, or that led to the wait that ends; 0: none
	struct buf fact_text;
	bool is_matching;

	struct map constraints, backlogs, lines; // by their ids
	struct heap throttles;                   // of struct constraint that somebody waits for
	struct map rates;                        // of struct rate
	struct heap rates_old;                   // by when they can be forgotten, at the earliest
	struct list dirty_rates;
	struct map singletons; // of struct run_limits
	struct map orphans;
	struct map debounces, debounces_by_id;
	struct heap debounces_due;
	struct map event_batches, event_batches_by_id;
	struct heap event_batches_due;
	struct list fresh_batches; // whose last events are not in the store yet

	struct map runs;
	struct list dirty_runs, dirty_items;
	struct list resting; // runs that may drop their payloads once the batch is out
	struct ulid last_run_id;
	struct list idem_age;
	struct map idem;

	struct heap timers;
	struct list turns; // of struct app
	uint64_t sequence; // order of arrival in the heaps
	uint64_t dispatches;
	uint32_t calls;
	uint64_t ready_count;
};

// ---- seams ---------------------------------------------------------------------------------------------------------

// batch_write.c: what a batch is made of
struct record *batch_record(struct batch *batch, enum record_op op, uint8_t kind, struct str key);
struct late_text *batch_late(struct batch *batch, size_t parts);
void batch_call(struct batch *batch, struct call *call);
void batch_reply(struct batch *batch, struct reply *reply);
struct event_load *batch_load(struct batch *batch);
struct complaint *batch_complaint(struct batch *batch);
// For the log, about a function's expression or schedule `text`; complain_value tells why a value is no use.
void complain(struct engine *engine, const struct function *function, struct str text, struct str problem,
	      const char *what);
void complain_value(struct engine *engine, const struct function *function, struct str text,
		    const struct cel_value *result, const char *what);

// records.c: encodings
void record_app(struct engine *engine, const struct app *app);
void record_function(struct engine *engine, const struct function *function);
void record_run(struct engine *engine, const struct run *run); // with its body when it is new
void record_item(struct engine *engine, const struct item *item);
void record_step(struct engine *engine, const struct run *run, const struct step *step, bool with_body);
void record_defer(struct engine *engine, const struct run *run, uint32_t index, bool with_body);
void record_step_delete(struct engine *engine, const struct run *run, uint32_t position);
void record_idem(struct engine *engine, const struct idem *idem, bool remove);
void record_held(struct engine *engine, const struct held_event *held, struct late_text *data); // NULL: head only
void record_cancellation(struct engine *engine, const struct cancellation *cancellation, bool remove);
void record_cron(struct engine *engine, const struct function *function, struct str text, uint64_t next_ms);
void record_cron_delete(struct engine *engine, const struct function *function, struct str text);
void record_run_delete(struct engine *engine, const struct run *run);
void record_slot_delete(struct engine *engine, const struct run *run, uint32_t slot);
void record_rate(struct engine *engine, uint64_t id, uint64_t tat_ns); // 0: none any more
void record_debounce(struct engine *engine, const struct debounce *debounce, struct payload *event);
void record_debounce_delete(struct engine *engine, const struct ulid *id);
void record_event_batch(struct engine *engine, const struct event_batch *event_batch);
void record_batch_event(struct engine *engine, const struct event_batch *event_batch, uint32_t member,
			struct payload *event);
uint32_t event_batch_number(const struct event_batch *event_batch, uint32_t member);
void record_event_batch_delete(struct engine *engine, const struct ulid *id);
void records_flush(struct engine *engine); // what is dirty → records
void runs_rest(struct engine *engine);     // a new batch begins
size_t run_key(const struct ulid *id, uint32_t number, uint8_t out[20]);

// registry.c
struct app *app_find(const struct engine *engine, const struct uuid *id);
struct app *app_find_name(const struct engine *engine, struct str name);
struct app *app_new(struct engine *engine, const struct uuid *id);
void app_free(struct app *app);
void app_set(char **field, struct str value);
void app_save(struct engine *engine, const struct app *app);
void app_archive(struct engine *engine, struct app *app); // its functions leave the indexes, unarchived
struct function *function_find(const struct engine *engine, const struct uuid *id);
struct function *function_find_slug(const struct engine *engine, struct str slug);
// By its own id within the app, `<app>-<id>`, else by its full slug.
struct function *function_of_app(struct engine *engine, struct str app_name, struct str id);
struct function *function_new(struct engine *engine, struct app *app, const struct uuid *id);
void function_free(struct function *function);
void function_index(struct engine *engine, struct function *function);   // into slugs and triggers, if active
void function_unindex(struct engine *engine, struct function *function); // harmless when absent
// Takes over a configuration (copied) under a version.
enum err function_configure(struct function *function, uint32_t version, struct str members, struct error *error);
void function_archive(struct engine *engine, struct function *function);
// register.c
void apply_register(struct engine *engine, struct command *command);
void apply_app_add(struct engine *engine, struct command *command);
void apply_app_error(struct engine *engine, struct command *command);
void apply_app_remove(struct engine *engine, struct command *command);
void apply_app_url(struct engine *engine, struct command *command);

// event_form.c: what expressions see of an event; `known_data`: what is known of the data of a late one
struct event_form {
	const struct event *event; // NULL: `stored` alone
	struct str stored;         // its text, when that is complete
	struct str known_data;
	struct str root; // what expressions call it
	struct buf text;
	struct arena scratch; // for evaluations
	yyjson_doc *doc;
	void *pool; // that holds it
	struct cel_binding binding;
	bool is_read;
};
void event_form_init(struct event_form *form, const struct event *event, struct str known_data);
void event_form_init_text(struct event_form *form, struct str stored);
void event_form_free(struct engine *engine, struct event_form *form);
struct cel_input event_form_input(struct engine *engine, struct event_form *form); // lives as long as the form
struct payload *event_form_payload(struct event_form *form);
bool event_form_value(struct engine *engine, struct event_form *form, const struct cel_path *path,
		      struct cel_value *out);
struct cel_value event_form_eval(struct engine *engine, struct event_form *form, const struct cel_program *program);

// match_index.c
void match_index_init(struct match_index *index, struct str root);
void match_index_free(struct match_index *index); // empty
// `condition`: NULL for none; not kept. `needs_all`: the entry wants events whole (match_index_needs_all).
void match_index_add(struct match_index *index, struct match_entry *entry, struct str name,
		     const struct cel_program *condition, bool needs_all);
void match_index_remove(struct match_index *index, struct match_entry *entry); // harmless when it is not there
// Calls `visit` for each entry under the name that may be met, which has to be evaluated. It may not change the index.
typedef void match_visit(void *context, struct match_entry *entry);
void match_index_visit(struct engine *engine, const struct match_index *index, struct str name, struct event_form *form,
		       match_visit *visit, void *context);
bool match_index_needs_all(const struct match_index *index, struct str name);
size_t match_index_verify(const struct match_index *index); // how many entries there are

// triggers.c
void triggers_add(struct engine *engine, struct function *function);
void triggers_remove(struct engine *engine, struct function *function); // harmless when they are not there
// Calls `start` once for each function that the event is due by one of its triggers.
void triggers_match(struct engine *engine, struct str name, struct event_form *form,
		    void (*start)(void *context, struct function *function), void *context);
// Whether a trigger under this name reads what late events lack.
bool triggers_need_all(const struct engine *engine, struct str name);

// schedule.c
void apply_events(struct engine *engine, struct command *command);
void apply_function_pause(struct engine *engine, struct command *command);
void apply_start(struct engine *engine, struct command *command);
// An event that is not complete in memory yet: its data, and the JSON array that holds it alone (a run's body).
struct late_event {
	struct late_text *data;
	struct late_text *array;
	uint32_t array_len;
	struct str known_data; // JSON of the data, with null for what is missing
};
// Stores one event and starts the functions that it is due; `late` is NULL when event->text is there. `direct`, which
// may be NULL, is started by it whatever its triggers say; its result is filled in. What comes up while another event
// is being matched waits for its turn, so that ends of runs that end others do not pile up.
void event_handle(struct engine *engine, const struct event *event, const struct late_event *late,
		  struct run_start *direct);
// The same for a new one that is held first: it comes back when its data is in the store.
void event_hold_new(struct engine *engine, const struct event *event, const struct late_event *late);
// The same without storing, of one that was held until now.
void event_match_held(struct engine *engine, const struct event *event);
// Tells history once more of one that waited for long when its run begins, with which it goes: it may be gone by now.
void event_write_again(struct engine *engine, const struct event *event);
#define EVENT_STAYS_MS 60000
// inngest/function.finished with just this data, a canonical JSON object.
void event_finished(struct engine *engine, struct str data, uint8_t depth);
void run_begin_alone(struct engine *engine, struct source *source, struct run_start *start);
struct function *function_named(const struct engine *engine, struct str name); // active, by id or full slug; or NULL

// start.c
// What the runs of one event share: the array text is made once, for the first run.
struct source {
	const struct event *event; // the first
	const struct late_event *late;
	struct event_form *form;
	struct payload *array;
	uint32_t first_len; // of the first event's text, when there are several: 0
};
enum start_result {
	START_UNKNOWN, // there is no such function
	START_DONE,
	START_REPEATED,  // the key is not new
	START_LIMITED,   // by the rate limit
	START_BATCHED,   // it waits for others
	START_DEBOUNCED, // it waits for a later one to take its place
	START_REPLACED,  // one that waits has taken its place
	START_SINGLETON, // skipped
	START_PAUSED,    // skipped
	START_DROPPED,   // an expression failed
};
struct run_skip {
	enum outcome_reason reason;
	struct ulid run_id;   // that never was
	struct ulid other_id; // of the run that holds the singleton; zero: none
};
enum start_gate { GATE_BATCH = 1, GATE_RATE = 2, GATE_DEBOUNCE = 4, GATES_ALL = 7 }; // 04 §A21
struct run_start {
	struct function *function;
	struct str key;         // user part of the idempotency key; empty: the run's id
	bool is_claimed;        // the same key starts nothing else for a day
	bool is_batch;          // of several events, or that could have been several: nothing cancels it (04 §A8)
	uint8_t passes;         // gates that do not count
	struct str correlation; // of the invoke; empty: none
	uint64_t at_ms;         // 0: when the event says
	struct str cron;
	struct ulid original_run_id;
	struct debug_ids debug;
	const struct given_step *steps;
	size_t step_count;
	struct str target;
	// out:
	enum start_result result;
	struct ulid run_id;   // of START_DONE; of START_REPEATED when it is known
	struct run_skip skip; // of START_SINGLETON and START_PAUSED: written for the source's event
};
// Whoever is not in the middle of matching an event uses run_begin_alone, which sees to what comes of it.
void run_begin(struct engine *engine, struct source *source, struct run_start *start);
void source_free(struct source *source);
void outcome_write(struct engine *engine, const struct function *function, const struct ulid *event_id,
		   enum event_outcome outcome, enum outcome_reason reason, const struct ulid *other_id); // NULL: none
void skip_write(struct engine *engine, const struct function *function, const struct ulid *event_id,
		const struct run_skip *skip);

// idempotency.c
const struct idem *idem_find(const struct engine *engine, const struct function *function, uint64_t key_hash);
void idem_claim(struct engine *engine, const struct function *function, uint64_t key_hash, const struct ulid *run_id);
void idem_add(struct engine *engine, const struct idem *idem); // a copy
void idem_expire(struct engine *engine, uint32_t limit);

// flow.c: the expressions of a function's flow control
void flow_compile(struct function *function);
enum key_result { KEY_VALUE, KEY_FALSE, KEY_ERROR }; // KEY_FALSE: or missing (04 §A4)
// The text of the key's value, or of what went wrong, lives in the batch's arena.
enum key_result flow_key(struct engine *engine, struct event_form *form, const struct cel_program *program,
			 struct str *out);
int32_t flow_priority(struct engine *engine, const struct function *function, struct event_form *form);
uint64_t flow_id(unsigned tag, const struct uuid *owner, uint64_t key_hash, struct str value); // of a key's value
// The same where nobody may find two values with one id: events of both would come together.
struct event_key {
	uint64_t a, b;
};
struct event_key event_key_make(unsigned tag, const struct uuid *owner, struct str value);

// constraints.c
struct constraint *constraint_get(struct engine *engine, enum constraint_kind kind, enum concurrency_scope scope,
				  const struct function *function, uint64_t key_hash, struct str value);
struct constraint *constraint_restore(struct engine *engine, enum constraint_kind kind, enum concurrency_scope scope,
				      uint64_t id, uint64_t key_hash, struct str value);
void constraint_drop(struct engine *engine, struct constraint *constraint); // one reference; NULL is fine
// What holds the function's next item with these constraints back; NULL: nothing.
struct constraint *constraint_blocking(const struct engine *engine, const struct backlog *backlog);
bool constraint_has_room(const struct engine *engine, const struct function *function,
			 const struct constraint *constraint);
const struct concurrency_limit *constraint_limit(const struct function *function, const struct constraint *constraint);
uint64_t throttle_next_ms(const struct engine *engine, const struct function *function,
			  const struct constraint *constraint); // 0: now
// A call of the item begins, or ends; a run ends.
void constraints_take(struct engine *engine, struct item *item);
void call_ended(struct engine *engine, struct function *function, struct constraint *const *calls); // calls: or NULL
void constraints_keep(struct item *item); // from a call before the start
void constraints_release(struct engine *engine, struct item *item);
void throttle_adapt(struct engine *engine, const struct function *function, const struct constraint *constraint);
void throttles_reconsider(struct engine *engine); // the clock has gone back
void throttles_wake(struct engine *engine, uint32_t limit);

// run_limits.c
void run_limits_begin(struct engine *engine, struct run *run, struct event_form *form);
void run_limits_end(struct engine *engine, struct run *run);
void run_limits_encode(const struct run *run, struct buf *out);
bool run_limits_decode(struct engine *engine, struct run *run, struct decoder *d); // false: unreadable

// singletons.c
// The run that holds the function's lock for this event; NULL: none. *id: of the lock, 0 when there is none.
struct run *singleton_holder(struct engine *engine, struct function *function, struct event_form *form, uint64_t *id);
void singleton_lock(struct engine *engine, struct run *run, uint64_t id);

// orphans.c
void orphan_adopt(struct engine *engine, struct item *item); // in a call, and about to go
void orphan_answered(struct engine *engine, uint64_t dispatch, enum tally outcome);
void orphans_free(struct engine *engine);
void orphans_verify(const struct engine *engine, bool is_first_pass);

// backlogs.c
void backlog_init(struct backlog *backlog, struct function *function); // an embedded one
void backlog_push(struct engine *engine, struct item *item, uint64_t score);
void backlog_remove(struct engine *engine, struct item *item);
struct item *backlog_next(struct engine *engine, struct function *function); // NULL: none may go; it stays where it is
void backlog_taken(struct engine *engine, struct item *item);                // it has taken its slots
void backlogs_reconsider(struct engine *engine, struct function *function);  // its limits have changed
void constraint_freed(struct engine *engine, struct constraint *constraint); // there may be room
size_t backlog_ahead(const struct item *item); // items of its backlog that go before it; looks at all of them
void function_offer(struct engine *engine, struct function *function); // takes part in the turns if it may
void backlogs_verify(const struct engine *engine);

// rates.c: GCRA states, and marks that something has happened (04 §A6, §A11)
uint64_t rate_get(const struct engine *engine, uint64_t id); // theoretical arrival time in ns, 0: none
void rate_set(struct engine *engine, uint64_t id, uint64_t tat_ns);
// The limit may have changed since, or the clock been put right: what was used counts for no more than all there is.
void rate_adapt(struct engine *engine, uint64_t id, const struct gcra *gcra);
void rate_restore(struct engine *engine, uint64_t id, uint64_t tat_ns);
void rates_expire(struct engine *engine, uint32_t limit);
void rates_flush(struct engine *engine);
void rates_free(struct engine *engine);
void rates_export(struct engine *engine);
// Whether the function's rate limit lets the event pass, which then counts.
enum start_result rate_limit_check(struct engine *engine, struct function *function, struct event_form *form,
				   const struct run_start *start);

// debounces.c
bool debounce_take(struct engine *engine, struct source *source, struct run_start *start); // false: no debounce
void debounces_wake(struct engine *engine, uint32_t limit);
void debounce_loaded(struct engine *engine, struct command *command);
void debounces_free(struct engine *engine);
void debounces_export(struct engine *engine);
void debounce_encode(const struct debounce *debounce, struct buf *out);
bool debounce_decode(struct engine *engine, const struct ulid *id, struct decoder *d);
struct ulid debounce_id(const struct debounce *debounce);

// event_batches.c
bool event_batch_take(struct engine *engine, struct source *source, struct run_start *start); // false: not batched
void event_batches_wake(struct engine *engine, uint32_t limit);
void event_batch_loaded(struct engine *engine, struct command *command);
void event_batches_start(struct engine *engine);
void event_batches_rest(struct engine *engine); // a new batch of the engine begins
void event_batches_free(struct engine *engine);
void event_batches_export(struct engine *engine);
void event_batch_encode(const struct event_batch *event_batch, struct buf *out);
void event_batch_encode_event(const struct event_batch *event_batch, uint32_t member, struct buf *out);
bool event_batch_decode(struct engine *engine, const struct ulid *id, struct decoder *d);
bool event_batch_decode_event(struct engine *engine, const struct ulid *id, uint32_t number, struct decoder *d);
struct ulid event_batch_id(const struct event_batch *event_batch);
// For people: which events a run is of, in their order, when these are several.
void event_batch_write(struct engine *engine, const struct function *function, const struct ulid *id,
		       const struct ulid *run_id, const struct ulid *event_ids, size_t count);
void invoke_fail(struct engine *engine, struct str correlation, struct str message); // invokes.c

// why.c
void waiting_write(const struct engine *engine, const struct item *item, struct buf *out);
bool is_waiting(const struct engine *engine, const struct item *item); // ready, and held back by something

// cancels.c
void cancels_begin(struct engine *engine, struct run *run, struct event_form *form);
bool cancels_lack(const struct function *function); // some rule reads what late_event leaves out

// timeouts.c
void timeout_begin(struct engine *engine, struct run *run); // it is scheduled
void timeout_started(struct engine *engine, struct run *run);
void timeout_due(struct engine *engine, struct item *item);
bool timeout_reached(const struct engine *engine, const struct run *run);

// crons.c
void crons_update(struct engine *engine, struct function *function); // its configuration or activity has changed
void crons_start(struct engine *engine);
void crons_wake(struct engine *engine, uint32_t limit);
void crons_free(struct engine *engine, struct function *function);
bool cron_restore(struct function *function, struct str text, uint64_t next_ms);
size_t crons_verify(const struct engine *engine, const struct function *function); // how many will tick
void crons_export(struct engine *engine, const struct function *function);

// held.c
struct held_event *held_new(struct engine *engine, const struct ulid *internal_id, struct str name, struct str id,
			    struct str meta, uint64_t ts_ms); // NULL when it is there
void held_free(struct engine *engine, struct held_event *held);
void held_start(struct engine *engine);
void event_hold(struct engine *engine, const struct event *event, const struct late_event *late);
void held_loaded(struct engine *engine, struct command *command);

// run.c
struct run *run_find(const struct engine *engine, const struct ulid *id);
struct run *run_new(struct engine *engine, const struct ulid *id, struct function *function);
void run_drop_items(struct engine *engine, struct run *run); // memory and indexes only: nothing reaches it any more
void run_free(struct engine *engine, struct run *run);       // the same, all of it
void run_touch(struct engine *engine, struct run *run);      // its head changed
void run_note(struct engine *engine, struct run *run);       // looked at when the command ends
void run_rest(struct run *run);                              // drops payloads
struct step *run_step(const struct run *run, struct str id); // inputs too
uint32_t run_lead(const struct run *run, const struct step *step); // its place in the stack, from 1
enum save_result { SAVE_NEW, SAVE_EXISTS, SAVE_TOO_MANY, SAVE_TOO_LARGE };
enum save_result run_save_step(struct engine *engine, struct run *run, const struct step_result *result);
struct step *run_append_step(struct run *run, struct str id, struct str name, uint32_t size, uint32_t position);
void run_group_set(struct engine *engine, struct run *run, const uint64_t *hashes, uint32_t count, uint64_t key);
void run_group_done(struct run *run, uint64_t hash);
static inline uint64_t id_hash(struct str id) {
	return hash_xxh64(id);
}

// queue.c
struct item *item_new(struct engine *engine, struct run *run, enum item_kind kind, uint64_t due_ms);
void item_set_target(struct item *item, struct str target);
void item_set_step(struct item *item, const struct opcode *op); // its target, name and mode
struct str item_target(const struct item *item);
struct str item_name(const struct item *item); // of the step
void item_set_label(struct item *item, struct str target, struct str name);
// What it memoises for its target; the texts live in the batch's arena.
struct step_result item_result(struct engine *engine, const struct item *item, struct payload *value);
void item_queue(struct engine *engine, struct item *item);         // new or changed: READY or LATER by its due time
void item_resume(struct engine *engine, struct item *item);        // the same for one that is stored as it stands
void item_reset_attempt(struct engine *engine, struct item *item); // the job has its whole budget again
void item_unqueue(struct engine *engine, struct item *item);
void item_call_ended(struct engine *engine, struct item *item); // IN_CALL no more, neither in a heap
void item_finish(struct engine *engine, struct item *item);     // done: record deleted, memory freed
void item_free(struct item *item);
void item_touch(struct engine *engine, struct item *item);
struct item *run_item_for(const struct run *run, struct str target); // live plan or sleep of a step
struct item *run_item_job(const struct run *run, uint64_t job_hash);
// A paused function starts nothing, and its runs make no further call until it goes on.
void function_pause(struct engine *engine, struct function *function, bool paused);
// Tells history which ones are: it may come from before it knew.
void pauses_start(struct engine *engine);
void queue_wake(struct engine *engine, uint32_t limit); // due timers
void queue_dispatch(struct engine *engine);             // ready items → calls
uint32_t max_attempts(const struct run *run);
uint64_t job_hash_make(const struct run *run, struct str step_id, const char *suffix);

// opcodes.c
void apply_answer(struct engine *engine, struct command *command);
// The step is memoised: go on after it, subject to the parallel group (02 §10).
void discover_after(struct engine *engine, struct run *run, struct step *step, uint64_t coalesce,
		    enum parallel_mode mode, const char *suffix);
void run_stall_guard(struct engine *engine, struct run *run);
void run_fail_steps(struct engine *engine, struct run *run); // over the step limit
bool sleep_due(struct engine *engine, struct item *item);    // false: the item is gone
// Memoises and goes on after it; false when the run has ended.
bool save_and_discover(struct engine *engine, struct run *run, const struct step_result *result, uint64_t coalesce,
		       enum parallel_mode mode, const char *suffix);
// Milliseconds until a time or for a duration; ERR_INVALID for what is neither. Empty: 0 (02 §7.5).
ERR_CHECKED enum err delay_parse(struct str text, uint64_t now, uint64_t *out, struct error *error);

// waits.c
struct pause;
void pause_new(struct engine *engine, struct item *item, struct str event, struct str expression, bool is_conditional);
void pause_free(struct pause *pause); // NULL is fine
void pause_encode(const struct pause *pause, struct str *event, struct str *expression, bool *is_conditional);
bool wait_begin(struct engine *engine, struct run *run, const struct opcode *op, uint64_t coalesce); // false: it ended
void wait_timeout(struct engine *engine, struct item *item); // of waits for signals, too
// Ends the waits and the runs that the event is meant for. `is_held`: it has come earlier than it is looked at.
void waits_match(struct engine *engine, const struct event *event, bool is_held);
struct wait_result { // how a wait ended, for people
	bool is_timeout, is_error;
	struct ulid event_id, run_id; // that ended it; zero: none
};
void wait_end(struct engine *engine, struct item *item, struct payload *value, const char *suffix,
	      const struct wait_result *result);

// invokes.c
bool invoke_begin(struct engine *engine, struct run *run, const struct opcode *op,
		  uint64_t coalesce); // false: it ended
// The run that has this correlation id has ended: its caller goes on, if it still waits.
void invoke_end(struct engine *engine, struct str correlation, struct payload *value, const struct wait_result *result);
void invoke_timeout(struct engine *engine, struct item *item);

// signals.c
struct signal_wait;
// False when another wait is the owner of the name already; nothing is made then.
ERR_CHECKED bool signal_new(struct engine *engine, struct item *item, struct str name, bool is_owner);
void signal_free(struct signal_wait *wait); // NULL is fine
void signal_encode(const struct signal_wait *wait, struct str *name, bool *is_owner);
bool signal_begin(struct engine *engine, struct run *run, const struct opcode *op,
		  uint64_t coalesce); // false: it ended
void apply_signal(struct engine *engine, struct command *command);
void signals_verify(const struct engine *engine, uint64_t owners); // how many the items say that there are

// checkpoint.c
void apply_checkpoint(struct engine *engine, struct command *command);

// finish.c
enum run_end { RUN_END_COMPLETED, RUN_END_FAILED, RUN_END_CANCELLED };
// `output` and `error` stay the caller's. The run and its items are gone afterwards.
void run_finish(struct engine *engine, struct run *run, enum run_end end, struct payload *output,
		struct payload *error);
// What a caller gets of an end (invokes.c).
struct payload *invoke_value(struct arena *arena, enum run_end end, const struct payload *output,
			     const struct payload *error);
// Whether an expression reads what late_event leaves out of the events about runs.
bool finish_lacks(const struct cel_program *program);
// A failure that the engine decides: {error, name, message} (02 §5.4).
void run_fail(struct engine *engine, struct run *run, struct str error, struct str name, struct str message);

// trace.c: facts for people. Those about an item are written while it is there.
void trace_init(struct engine *engine);
// `keep_errors`: errors of its steps are memoised nowhere. Gives its place in the batch's history.
size_t trace_answer(struct engine *engine, struct item *item, const struct answer *answer, bool will_retry,
		    bool keep_errors);
void trace_not_retried(struct engine *engine, size_t index);    // for another of its ops has ended the run
void trace_ended(struct engine *engine, const struct run *run); // its calls under way, and that it is over
void trace_checkpoint(struct engine *engine, struct run *run, const struct opcode *const *ops, size_t count);
void trace_wait(struct engine *engine, const struct item *item, const struct opcode *op,
		const struct ulid *event_id); // of an invoke; else NULL
void trace_conflict(struct engine *engine, const struct run *run, const struct opcode *op,
		    uint64_t until_ms); // a wait for a signal that another has: over at once
void trace_resumed(struct engine *engine, const struct item *item, const struct wait_result *result);
void trace_invoked(struct engine *engine, struct str correlation, const struct ulid *run_id);
void trace_cancelled(struct engine *engine, const struct item *item, const struct event *event); // by cancelOn
void apply_run_trace(struct engine *engine, struct command *command);
void apply_annotate(struct engine *engine, struct command *command);

// read.c
void apply_run_state(struct engine *engine, struct command *command);
void apply_run_jobs(struct engine *engine, struct command *command);
void apply_stats(struct engine *engine, struct command *command);
void apply_cancel(struct engine *engine, struct command *command);
void run_refs(const struct run *run, struct arena *arena, struct payload_ref *events, struct call_step **steps,
	      size_t *count);

#endif
