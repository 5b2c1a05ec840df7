// Immutable, reference-counted text: event data, step outputs. Validated once, stored once, passed by reference.
// The count is atomic: any thread may hold one. `bytes` is also NUL-terminated (not counted).
#ifndef INNGEST_BASE_PAYLOAD_H
#define INNGEST_BASE_PAYLOAD_H

#include <stdatomic.h>

#include "base/str.h"

struct payload {
	atomic_uint refs;
	uint32_t len;
	char bytes[];
};

struct payload *payload_new(struct str text);         // one reference, for the caller
struct payload *payload_alloc(size_t len);            // to be filled by the caller before it is shared
struct payload *payload_ref(struct payload *payload); // NULL stays NULL
void payload_unref(struct payload *payload);          // NULL is fine
static inline struct str payload_str(const struct payload *payload) {
	return payload != NULL ? (struct str){payload->bytes, payload->len} : (struct str){NULL, 0};
}

#endif
