// Flow control in the simulation (spec 04 part A): settings that functions are registered with (flow_world.c), and a
// model of what has to follow from them (flow.c: calls and their limits; flow_gates.c: what events become).
//
// The model looks at batches as they are committed, with the moment and the cause of each, so it never has to take
// anything back: what a crash undoes it has not seen. It is written from the spec alone.
#ifndef INNGEST_TESTS_SIM_FLOW_H
#define INNGEST_TESTS_SIM_FLOW_H

#include "sim.h"

#define FLOW_PROGRAMS_MAX 6
#define FLOW_STEPS_MAX 2
#define FLOW_BATCH_MAX 8
#define NOBODY UINT32_MAX // no program

// ---- settings (flow_world.c) ---------------------------------------------------------------------------------------

// What keys look at; KEY_BAD fails on every event that has the field.
enum flow_key { KEY_NONE, KEY_A, KEY_B, KEY_N, KEY_SHARED, KEY_BAD, KEY_COUNT };
enum flow_priority {
	PRIORITY_NONE,
	PRIORITY_HIGH,
	PRIORITY_HUGE,
	PRIORITY_BY_A,
	PRIORITY_BY_N,
	PRIORITY_NO_INTEGER,
	PRIORITY_COUNT
};
extern const char *const flow_key_texts[KEY_COUNT], *const flow_priority_texts[PRIORITY_COUNT];
extern const char *const flow_batch_condition; // event.data.n > 0

struct flow_limit {
	int limit; // of calls: 0 and less are none
	enum concurrency_scope scope;
	enum flow_key key;
};
struct flow_settings {  // of one program, as registered
	bool is_absent; // it is not: these were its last
	struct flow_limit steps[FLOW_STEPS_MAX];
	unsigned step_count;
	struct flow_limit runs; // limit 0: none
	struct {
		bool on;
		unsigned limit, burst;
		uint64_t period_ms;
		enum flow_key key;
	} throttle;
	struct {
		unsigned limit; // 0: none
		uint64_t period_ms;
		enum flow_key key;
	} rate;
	enum flow_key idempotency;
	struct {
		uint64_t period_ms, timeout_ms; // 0: none
		enum flow_key key;
	} debounce;
	struct {
		unsigned size; // 0: none
		uint64_t timeout_ms;
		enum flow_key key;
		bool is_conditional;
	} batch;
	enum flow_priority priority;
	struct {
		enum singleton_mode mode;
		enum flow_key key;
	} singleton;
};

// ---- the model -----------------------------------------------------------------------------------------------------

struct flow_text {     // a key's value
	uint64_t hash; // of its text form
	bool is_false, is_error;
};
struct flow_field {
	enum { FIELD_MISSING, FIELD_FALSE, FIELD_TRUE, FIELD_NULL, FIELD_OTHER } kind;
	char text[24];
};
struct flow_event {
	struct map_node node;
	struct ulid id;     // internal
	uint64_t client_id; // hash of the id that can come again; 0: it has none
	uint64_t ts_ms;
	unsigned value;         // data.n, VALUES: none
	struct flow_field a, b; // data.a, data.b
	unsigned plain, target; // programs that it is due: t/fN; invoked, ticking. NOBODY: none
	bool is_tick, is_cancelled, is_held;
	bool is_new;        // of the batch at hand, and not looked at yet
	struct ulid caller; // of an invoke: the run
	uint64_t step;      // … and the hash of the step's id
};

// Who shares a limit: settings that are for keys of this text, and its value.
struct flow_identity {
	bool on;
	enum concurrency_scope scope;
	unsigned program; // NOBODY: any
	enum flow_key key;
	uint64_t value;
};
struct flow_run {
	struct map_node node;
	struct list live, items; // in flow->live_runs; struct flow_item
	struct ulid id;
	unsigned program;
	uint64_t order; // of arrival
	int64_t score;
	struct flow_identity steps[FLOW_STEPS_MAX], throttle, runs, singleton;
	bool is_called, has_ended;
	bool holds; // a slot of `runs` for sure; a run that has been called may hold it
};
struct flow_item { // of the queue
	struct list all, of_run;
	struct list busy; // in flow->busy while it is called or held
	struct map_node node;
	struct flow_run *run;
	uint32_t slot, attempt;
	uint8_t kind;
	uint64_t due_ms, target;
	uint64_t dispatch; // of the call under way
	bool is_called;
	bool is_late;              // was put off by more than two seconds: keeps its own time
	bool has_time;             // had to wait for its time
	bool is_orphan;            // its run has ended, the app is at work yet: in `busy` only
	bool is_held;              // it was, when the server was killed
	bool is_counted;           // the function had a limit as a whole
	bool took[FLOW_STEPS_MAX]; // of the run's identities: it has a slot for sure
};

// The theoretical arrival time of one throttle or rate limit. When the clock goes back or the settings change it may be
// forgotten or cut, at once or when it is looked at: then it is between the two.
struct flow_rate {
	struct flow_rate *next;
	struct flow_identity identity;
	int64_t low_ns, high_ns;
};
// Debounces and batches: open, then closed, while the engine reads their events from the store.
struct flow_window { // a debounce
	struct list all;
	unsigned program;
	struct ulid id; // of the engine's
	bool is_read;   // closed: the engine has asked for it
	uint64_t value, due_ms, max_ms;
	const struct flow_event *winner;
};
struct flow_open_batch {
	struct list all;
	unsigned program;
	struct ulid id;
	bool is_read;
	uint64_t value, due_ms;
	const struct flow_event *events[FLOW_BATCH_MAX];
	unsigned count;
	uint64_t bytes; // of what the store has of it
};
struct flow_claim { // of an event's id
	struct flow_claim *next;
	unsigned program;
	uint64_t client_id, at_ms;
	struct ulid run_id;
};
struct flow_seen { // history that must have a reason
	const struct history_item *item;
	unsigned program;
	const struct flow_event *event;
	bool is_used;
};

struct flow {
	struct arena arena;
	struct flow_settings *wanted; // as registered next, of each program
	enum concurrency_scope scopes[FLOW_PROGRAMS_MAX][KEY_COUNT];
	bool batches[FLOW_PROGRAMS_MAX]; // programs that batch, or do what excludes it

	// As of the last commit:
	struct sim *sim;
	const struct flow_settings *settings; // in force
	bool paused[FLOW_PROGRAMS_MAX];
	uint64_t now, latest; // latest: the clock may have gone back since
	struct map events, runs, items_by_slot;
	struct list live_runs, items, busy;
	uint64_t arrivals;
	uint32_t calls;   // under way
	uint64_t next_ms; // when a throttle lets the next one go
	struct flow_rate *throttles, *rates;
	struct list windows, open_batches;          // open
	struct list closed_windows, closed_batches; // on their way
	struct flow_claim *claims, *admissions;     // by rate limits
	const struct batch *batch;                  // at hand
	struct flow_seen *seen;                     // in it
	size_t seen_count, seen_cap;
	unsigned reruns;                       // … runs that are none of an event's own
	const struct flow_event *answered[64]; // … invokes that come to nothing
	unsigned answered_count;
};
struct flow *flow_new(struct sim *sim);
unsigned flow_program(const struct flow *flow, const struct uuid *function_id);

// flow_gates.c
struct flow_text flow_key_value(enum flow_key key, const struct flow_event *event);
int64_t flow_factor(enum flow_priority priority, const struct flow_event *event);
void flow_gates_records(struct flow *flow, const struct batch *batch); // after flow_gates
void flow_gates(struct flow *flow, const struct flow_note *note, const struct batch *batch);
struct flow_event *flow_event_find(const struct flow *flow, const struct ulid *id);
struct flow_run *flow_run_find(const struct flow *flow, const struct ulid *id);
// GCRA (04 §A6): whether it admits one more now, for sure or perhaps, and from when on it will.
struct flow_rate *flow_rate_need(struct flow *flow, struct flow_rate **list, const struct flow_identity *identity);
struct flow_gcra {
	int64_t interval_ns, tolerance_ns; // T, tau
};
bool flow_rate_may(const struct flow *flow, const struct flow_rate *rate, struct flow_gcra gcra);
bool flow_rate_must(const struct flow *flow, const struct flow_rate *rate, struct flow_gcra gcra);
uint64_t flow_rate_next_ms(const struct flow_rate *rate, struct flow_gcra gcra);
bool flow_has_rate(const struct flow_settings *settings); // a rate limit, or idempotency
struct flow_gcra flow_rate_of(const struct flow_settings *settings);
void flow_rate_cut(const struct flow *flow, struct flow_rate *rate, struct flow_gcra gcra); // from now on, perhaps
void flow_rate_take(const struct flow *flow, struct flow_rate *rate, struct flow_gcra gcra);

static inline bool flow_identity_eq(const struct flow_identity *a, const struct flow_identity *b) {
	return a->on == b->on && (!a->on || (a->scope == b->scope && a->program == b->program && a->key == b->key &&
					     a->value == b->value));
}

#endif
