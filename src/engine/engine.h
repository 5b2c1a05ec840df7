// The engine: all workflow state in memory, a deterministic state machine (docs/architecture.md, "The engine's
// contract"). No I/O, no threads, no clock, no randomness but its seed, no global state. One thread at a time.
//
// Same records, same seed, same commands with the same times: byte-identical batches.
#ifndef INNGEST_ENGINE_ENGINE_H
#define INNGEST_ENGINE_ENGINE_H

#include "base/error.h"
#include "engine/batch.h"
#include "engine/command.h"

struct engine;

struct engine_config {
	uint32_t workers;           // calls in flight at once per app (--queue-workers); 0 means 100
	uint64_t retry_interval_ms; // > 0 replaces the back-off table (--retry-interval)
	uint32_t steps_max;         // 0 means RUN_STEPS_MAX
	uint64_t rest_after_ms;     // a run whose next work is further away than this drops its payloads; 0 means 1 s
	bool no_history;            // events, runs and traces leave nothing for people
	bool exports_spans;         // the end of a run is a trace fact as well (05 §24)
	unsigned planted_bug;       // tests of the simulator only: breaks one rule on purpose; 0 for none
};

struct engine *engine_new(const struct engine_config *config, uint64_t seed);
void engine_free(struct engine *engine);

// Hands in one stored record; called for all of them, kinds in ascending order, keys ascending within a kind, before
// anything else. An error means that the record is unreadable: the caller sets it aside and goes on.
ERR_CHECKED enum err engine_restore(struct engine *engine, uint8_t kind, struct str key, struct str head,
				    struct error *error);
// After the last record: queues what was in flight. Its batch may hold records (repairs) and calls.
void engine_start(struct engine *engine, uint64_t now_ms, struct batch *batch);

// The only way state changes. The command stays the caller's. `now_ms` may jump either way between commands.
// A tick does a bounded amount of work: when more is due, engine_deadline stays in the past.
void engine_apply(struct engine *engine, uint64_t now_ms, struct command *command, struct batch *batch);

// When the engine wants a COMMAND_TICK; UINT64_MAX: never.
uint64_t engine_deadline(const struct engine *engine);

void engine_stats(const struct engine *engine, struct engine_stats *out);
// Aborts (CHECK) when an internal index disagrees with the state it indexes. O(everything): tests and simulation.
void engine_verify(const struct engine *engine);

// Every record that the store must hold at the last commit, from memory, into `batch` (heads only). O(everything):
// tests and simulation.
void engine_export(struct engine *engine, struct batch *batch);

#endif
