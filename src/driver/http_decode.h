// Undoing a reply's Content-Encoding (spec 02 §4.3). libcurl could, but takes a stream that ends early for a whole one.
#ifndef INNGEST_DRIVER_HTTP_DECODE_H
#define INNGEST_DRIVER_HTTP_DECODE_H

#include "base/buf.h"

enum http_decoded {
	HTTP_DECODED,
	HTTP_DECODED_TOO_LARGE, // `out` holds its maximum
	HTTP_DECODED_BROKEN,    // damaged, or cut short
};
// `encoding` is gzip or br, in any letter case. Appends to `out`, whose max_bytes bounds the decoded text.
enum http_decoded http_decode(struct str encoding, struct str body, struct buf *out);

#endif
