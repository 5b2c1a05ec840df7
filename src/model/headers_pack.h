// The headers of an app's reply, as JSON (exchange.h), inside a trace fact: nearly the same with each reply of each
// app, and several times as long as all else that a fact holds. LZ4 with a dictionary of what SDKs send leaves about a
// third of them.
//
// The form is part of the file format, the dictionary too: whoever changes them gives trace facts a new version.
// Pure; any bytes may be read.
#ifndef INNGEST_MODEL_HEADERS_PACK_H
#define INNGEST_MODEL_HEADERS_PACK_H

#include "base/arena.h"
#include "base/codec.h"

// Text longer than ANSWER_HEADERS_MAX, or that does not get shorter, stands there as it is.
void put_headers(struct buf *out, struct str json);
// A slice of what is read, or in the arena: at most ANSWER_HEADERS_MAX bytes.
struct str take_headers(struct decoder *d, struct arena *arena);

#endif
