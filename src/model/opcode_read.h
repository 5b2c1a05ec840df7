// Opcodes from a value that is already parsed, for the readers inside this layer.
#ifndef INNGEST_MODEL_OPCODE_READ_H
#define INNGEST_MODEL_OPCODE_READ_H

#include "model/opcode.h"

enum opcode_source {
	OPCODES_OF_ANSWER,     // a 206 answer: all or nothing, `[]` is one None, input sizes count
	OPCODES_OF_CHECKPOINT, // 02 §13.3: an output that is too large leaves the ops before it
};

// Of a DeferAdd or DeferAbort; `opts` may be anything, or NULL.
void opcode_read_defer(struct arena *arena, yyjson_val *opts, struct opcode *op); // opcode_defer.c

ERR_CHECKED enum err opcodes_read(struct arena *arena, yyjson_val *value, enum opcode_source source, bool no_retry,
				  struct opcode **ops, size_t *count, struct error *error);

#endif
