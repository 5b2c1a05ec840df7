// Form encoding (application/x-www-form-urlencoded): bodies, queries, and texts that are encoded like parts of them.
//
// Pure; any bytes may be given. Results live in the arena.
#ifndef INNGEST_MODEL_FORM_H
#define INNGEST_MODEL_FORM_H

#include "base/arena.h"
#include "base/str.h"

// '+' is a space, %XX a byte; false when an escape is broken.
bool form_decode(struct arena *arena, struct str text, struct str *out);
// The first value of that name; false when there is none. Pairs that cannot be decoded do not count.
bool form_find(struct arena *arena, struct str form, struct str name, struct str *out);

#endif
