// gzip (RFC 1952) of whole texts, by zlib. Any bytes may be given to the reading side; any thread.
#ifndef INNGEST_BASE_GZIP_H
#define INNGEST_BASE_GZIP_H

#include "base/buf.h"
#include "base/error.h"

// Appends `plain` packed.
void gzip_pack(struct buf *out, struct str plain);
// Appends what `packed` unpacks to, all of its members (RFC 1952 §2.2). ERR_TOO_LARGE: it is more than `out` may hold;
// ERR_INVALID: it is no gzip, or there is not all of it.
ERR_CHECKED enum err gzip_unpack(struct buf *out, struct str packed);

#endif
