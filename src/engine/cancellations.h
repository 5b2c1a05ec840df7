// Bulk cancellations (cancellations.c). Private to src/engine.
#ifndef INNGEST_ENGINE_CANCELLATIONS_H
#define INNGEST_ENGINE_CANCELLATIONS_H

#include "base/buf.h"
#include "base/id.h"

struct cancellation;
struct command;
struct decoder;
struct engine;
struct function;
struct run;

void apply_cancel_many(struct engine *engine, struct command *command);
void apply_cancellations(struct engine *engine, struct command *command);
void apply_cancellation_remove(struct engine *engine, struct command *command);
void cancellations_start(struct engine *engine);
void cancellations_work(struct engine *engine); // a bounded piece
bool cancellations_ready(const struct engine *engine);
void cancellations_run_begun(struct engine *engine, const struct run *run);
void cancellations_run_loaded(struct engine *engine, struct command *command);
void cancel_unstarted(struct engine *engine, struct function *function); // runs that have made no call
void cancellations_free(struct engine *engine);
void cancellation_encode(const struct cancellation *cancellation, struct buf *out);
bool cancellation_decode(struct engine *engine, const struct ulid *id, struct decoder *d); // false: unreadable
struct ulid cancellation_id(const struct cancellation *cancellation);
void cancellations_verify(const struct engine *engine);
void cancellations_export(struct engine *engine);

#endif
