// Signatures of requests to apps (spec 02 §2.4, 01 §14.1). Pure, any thread.
#ifndef INNGEST_DRIVER_SIGNING_H
#define INNGEST_DRIVER_SIGNING_H

#include "base/buf.h"

// The key text without a leading "signkey-<word>-".
struct str signing_key_strip(struct str key);
// Appends `t=<seconds>&s=<hex HMAC-SHA256(key, body ‖ seconds)>`; the key may carry its prefix.
void signature_append(struct buf *out, struct str key, struct str body, uint64_t unix_s);

#endif
