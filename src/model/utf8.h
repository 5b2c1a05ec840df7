// Text from the wire that need not be UTF-8, on its way into JSON.
#ifndef INNGEST_MODEL_UTF8_H
#define INNGEST_MODEL_UTF8_H

#include "base/buf.h"
#include "base/str.h"

// Length of the well-formed sequence at the start of `s`, 0 when there is none.
size_t utf8_sequence(struct str s);
bool utf8_valid(struct str s);
// The longest prefix of at most `max` bytes that does not cut a character.
struct str utf8_clip(struct str s, size_t max);
// Appends `s` with each ill-formed byte replaced by U+FFFD.
void utf8_repair(struct buf *out, struct str s);
// A JSON string of any bytes: repaired, quoted, escaped.
void utf8_json_str(struct buf *out, struct str s);

#endif
