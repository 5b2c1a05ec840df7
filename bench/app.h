// The fake SDK app: answers the calls of spec 02 as fast as one thread can, counts them, and notes how long the server
// took between sending an event and the first call, and between an answer and the run's next call.
// One process, one thread.
#ifndef INNGEST_BENCH_APP_H
#define INNGEST_BENCH_APP_H

#include "base/buf.h"
#include "base/error.h"
#include "histogram.h"
#include "scenario.h"
#include "wire.h"

// ---- answers: whole HTTP responses, made once ------------------------------------------------------------------

struct app_call {
	enum scenario_id function;
	struct str step_id; // `step`, or the targeted step
	struct str body;
	unsigned memoised; // steps in the stack
	bool first;        // the run's first call
};

struct app_answer {
	struct str response;
	bool ends_run;
};

void app_answers_init(void);
// From now on the functions with REST_UNTIL sleep until this moment, in seconds since the epoch.
void app_answers_set_due(uint64_t due_s);
// Finds out which call a request is; false for a stray.
bool app_call_read(const struct wire_message *request, struct app_call *out);
struct app_answer app_answer_of(const struct app_call *call);
// Text of the member `"name":"…"` in canonical JSON; empty when absent.
struct str app_json_text(struct str body, struct str quoted_name);
// The same of a number, as text.
struct str app_json_number(struct str body, struct str quoted_name);

// ---- counts and times (app_stats.c) ----------------------------------------------------------------------------

struct app_stats {
	uint64_t calls;
	uint64_t results; // calls that ended their run; runs that rested count once, however often they are called
	uint64_t strays;  // calls that no function of ours explains
	struct histogram event_to_call; // of events that tell when they were sent
	struct histogram step_to_step;
	struct histogram resume; // from what ended a rest, the due moment or the sending of the event, to the next call
	struct histogram fired;  // from the due moment of a debounce to the making of its run
	uint64_t early;          // next calls, or runs, before the due moment
};
extern struct app_stats app_stats;

// The moment that functions with REST_UNTIL sleep until.
void app_stats_set_due(uint64_t due_s);
void app_stats_called(const struct app_call *call, uint64_t now_ns);
void app_stats_answered(const struct app_call *call);
// Whether a result counts: false when that of the run was counted before.
bool app_stats_first_result(const struct app_call *call);
void app_stats_json(struct buf *out);

// ---- registration and serving ----------------------------------------------------------------------------------

// POST /fn/register at the server, as an SDK does.
ERR_CHECKED enum err app_register(uint16_t server_port, uint16_t app_port, struct error *error);
// Serves until SIGTERM; never returns otherwise.
ERR_CHECKED enum err app_serve(int listener, struct error *error);

#endif
