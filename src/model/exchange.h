// The headers of an app's reply as people see them in a trace (spec 06 §13, §18.3).
//
// Pure; any bytes may be given.
#ifndef INNGEST_MODEL_EXCHANGE_H
#define INNGEST_MODEL_EXCHANGE_H

#include "base/arena.h"
#include "model/answer.h"

// Headers that are looked at; what comes after them is left out.
#define EXCHANGE_HEADERS_MAX 128

// JSON object, sorted by name: canonical name to value, or to an array of values when the header came more than once.
// Values of secret headers are replaced. At most ANSWER_HEADERS_MAX bytes: a header that does not fit is left out.
// Empty when there are no headers. Lives in the arena.
struct str exchange_headers_json(struct arena *arena, const struct answer_header *headers, size_t count);

// That nobody is to see (06 §18.3).
bool exchange_header_is_secret(struct str name);

#endif
