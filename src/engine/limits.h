// Limits of single functions (limits.c). Private to src/engine.
#ifndef INNGEST_ENGINE_LIMITS_H
#define INNGEST_ENGINE_LIMITS_H

struct command;
struct engine;
struct function;

void apply_function_limit(struct engine *engine, struct command *command);
void limits_begin(const struct engine *engine, struct function *function); // it is new
void limits_clear(struct engine *engine);                                  // the usual ones again

#endif
