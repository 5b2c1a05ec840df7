// Defers of a run (03 §24.1). Private to src/engine.
#ifndef INNGEST_ENGINE_DEFERS_H
#define INNGEST_ENGINE_DEFERS_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/opcode.h"

struct decoder;
struct defer;
struct engine;
struct run;

// A DeferAdd or DeferAbort; false when it changes nothing.
bool defer_take(struct engine *engine, struct run *run, const struct opcode *op);
void defers_emit(struct engine *engine, const struct run *run);     // the run ends: the events of what it has deferred
struct str defers_text(const struct run *run, struct arena *arena); // JSON, for the app
void defers_rest(struct run *run);
void defers_free(struct run *run);
void defer_encode(const struct run *run, uint32_t index, struct buf *out);
bool defer_decode(struct run *run, uint32_t number, struct decoder *d); // false: unreadable
// What its record is of.
void defer_stored(const struct run *run, uint32_t index, uint32_t *number, struct payload **input);
void defers_verify(const struct run *run);

#endif
