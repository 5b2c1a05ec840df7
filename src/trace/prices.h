// What AI models cost, for the estimates in metadata (spec 06 §18.2). Pure, any thread.
#ifndef INNGEST_TRACE_PRICES_H
#define INNGEST_TRACE_PRICES_H

#include "base/arena.h"
#include "base/json.h"

// USD of so many tokens, rounded to 6 decimals; false for a model that has no price. A name is looked up in lower case,
// without one "-…" after the other at its end until there is one that is known.
bool price_estimate(struct str model, double input_tokens, double output_tokens, double *out);

// The values of an inngest.ai record, a JSON object, with `estimated_cost` added where it is missing and known. Lives
// in the arena, or is what was given.
struct str price_complete(struct arena *arena, struct str values);

#endif
