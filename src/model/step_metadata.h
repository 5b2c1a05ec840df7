// What the server itself notes of a step besides what its app reports (spec 06 §18.2): the tokens that an AI model
// took, and the experiment that the step was part of.
//
// Pure, any thread.
#ifndef INNGEST_MODEL_STEP_METADATA_H
#define INNGEST_MODEL_STEP_METADATA_H

#include "model/opcode.h"

// A JSON array of records as apps report them, the server's first: what the app says goes on top. Lives in the arena,
// or is the op's own; empty: there are none.
struct str step_metadata(struct arena *arena, const struct opcode *op);

#endif
