// What the record of a memoised step says, for those who read it outside the engine: reruns take steps over from runs
// that have ended (spec 03 §21.2). Pure; any thread; the texts are slices of the head.
#ifndef INNGEST_ENGINE_STEP_RECORD_H
#define INNGEST_ENGINE_STEP_RECORD_H

#include "base/error.h"
#include "model/opcode.h"

struct step_record {
	struct str id, name;
	enum opcode_kind op; // that it came from
	uint32_t bytes;      // of its body
	bool is_input;       // not done: its body is what it was to be called with
};
ERR_CHECKED enum err step_record_read(struct str head, struct step_record *out, struct error *error);

#endif
