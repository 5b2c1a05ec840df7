// What the benchmark's app offers: the one table that the app, the load generator and the orchestrator share.
#ifndef INNGEST_BENCH_SCENARIO_H
#define INNGEST_BENCH_SCENARIO_H

#include "base/str.h"

#define SCENARIO_APP "bench"
#define SCENARIO_STEPS_MAX 10
#define SCENARIO_STEP_ID_LEN 40
#define SCENARIO_REPLY "reply" // the event bench/reply ends waits
#define SCENARIO_THROTTLE 1000 // starts a second of `throttled`
#define SCENARIO_DEBOUNCE_S 10
#define SCENARIO_NEEDLE "needle" // output.found of `found`, and of no other

enum scenario_id {
	SCENARIO_ZERO,
	SCENARIO_SEQUENTIAL,
	SCENARIO_PARALLEL,
	SCENARIO_SLEEPER,
	SCENARIO_ALARM,
	SCENARIO_WAITER,
	SCENARIO_KEYED,
	SCENARIO_SHARED,
	SCENARIO_CROWD,
	SCENARIO_THROTTLED,
	SCENARIO_DEBOUNCED,
	SCENARIO_FAILING,
	SCENARIO_FOUND,
	SCENARIO_DOZING,
	SCENARIO_COUNT
};

// What the last step of a function does, if it is not run; those before it are.
enum scenario_rest {
	REST_NOT,
	REST_LONG,  // sleeps as long as sleeps may be, nearly: it must not end while it is looked at
	REST_UNTIL, // sleeps until the moment that the orchestrator names
	REST_EVENT, // waits for an event bench/reply with the data.user of the run's own event
};

struct scenario {
	const char *name; // function bench-NAME, started by event bench/NAME
	unsigned steps;
	unsigned calls_per_run; // until its result
	int request_version;
	bool parallel; // all steps are planned at once
	enum scenario_rest rest;
	const char *flow;     // flow control: members of what is registered, or NULL; its events carry data.key
	unsigned debounce_ms; // as in `flow`
	const char *result;   // its JSON; NULL: that of most
	bool fails;           // at once: the result is an error, and there is no other attempt
};
extern const struct scenario scenarios[SCENARIO_COUNT];

// The function whose slug is `slug` (`bench-zero`), or whose name is `name`; SCENARIO_COUNT when there is none.
enum scenario_id scenario_by_slug(struct str slug);
enum scenario_id scenario_by_name(struct str name);
// The hashed id of the i-th step (0 …), as an SDK derives it from "step-i".
const char *scenario_step_id(unsigned index);

#endif
