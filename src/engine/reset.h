// What each part of the engine does for a clean start (reset.c): afterwards neither memory nor the store has anything
// of it. Private to src/engine.
#ifndef INNGEST_ENGINE_RESET_H
#define INNGEST_ENGINE_RESET_H

struct command;
struct engine;
struct run;

void apply_queue_size(struct engine *engine, struct command *command);
void apply_reset(struct engine *engine, struct command *command);

// Ends it as cancelled without a word to anybody: no event tells of it, and its caller hears nothing (finish.c).
void run_discard(struct engine *engine, struct run *run);
void debounces_clear(struct engine *engine);     // their events begin no run
void event_batches_clear(struct engine *engine); // nor do these
void held_clear(struct engine *engine);          // nobody sees them any more
void cancellations_clear(struct engine *engine);
void idem_clear(struct engine *engine);
void rates_clear(struct engine *engine);

#endif
