// JSON over yyjson: reading with our limits, and RFC 8785 (JCS) canonical text.
//
// Everything that reaches an app is canonical (spec 02 §2.9): keys sorted by UTF-16 code units, no white space, ES6
// number format, minimal escapes. Canonical pieces spliced in key order make a canonical whole, so a payload is
// canonicalised once, when it arrives.
#ifndef INNGEST_BASE_JSON_H
#define INNGEST_BASE_JSON_H

#include <yyjson.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/payload.h"
#include "base/str.h"

// Deeper values are refused with ERR_INVALID: keeps every recursive walk within the stack.
#define JSON_DEPTH_MAX 1000

// Reads one whole document. Unpaired surrogate escapes and malformed UTF-8 become U+FFFD, as in Go (yyjson refuses).
// NULL on failure, with `error` saying what and where ("unexpected end of JSON input" for an empty text).
// `stop_when_done`: trailing bytes are ignored and *consumed (may be NULL) tells how far it read.
yyjson_doc *json_read(struct str text, bool stop_when_done, size_t *consumed, struct error *error);

// Member look-up: exact name first, then ASCII case-insensitively (spec 01 §5.3, 02 §6.1). The last duplicate wins.
yyjson_val *json_get(yyjson_val *object, struct str name);
// Exact name only.
yyjson_val *json_get_exact(yyjson_val *object, struct str name);
static inline struct str json_str(yyjson_val *value) {
	return yyjson_is_str(value) ? (struct str){yyjson_get_str(value), yyjson_get_len(value)}
				    : (struct str){NULL, 0};
}

// Canonical text of a value, appended. Duplicate keys: the last one wins. NULL writes null.
void json_canonical(struct buf *out, yyjson_val *value);
// Canonical text as a payload with optional text before and after (e.g. {"data": … }); NULL when over `max_bytes`.
struct payload *json_canonical_payload(struct str before, yyjson_val *value, struct str after, size_t max_bytes);
// Canonical text of a JSON text; ERR_INVALID when it is not JSON.
ERR_CHECKED enum err json_canonicalise(struct buf *out, struct str text, struct error *error);
// ES6 Number::toString of a finite double.
void json_number(struct buf *out, double value);

#endif
