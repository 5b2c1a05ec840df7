// URLs as the driver needs them: the reference's complaints about bad ones, and query strings (spec 02 §2.2, §4.7).
// Pure functions over slices; decoded names and values live in the caller's arena.
#ifndef INNGEST_DRIVER_URL_H
#define INNGEST_DRIVER_URL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

struct url_pair {
	struct str name; // decoded
	struct str value;
	bool weak; // gives way to any pair of the same name that is not weak
	size_t order;
};
struct url_query {
	struct arena *arena;
	struct url_pair *pairs;
	size_t count;
	size_t cap;
};

// ERR_INVALID with the text of Go's URL parser (01 §4.4), e.g. `parse "http://a b/c": invalid character " " in host
// name`. ERR_UNSUPPORTED when the scheme is not http or https: `unsupported protocol scheme "ftp"`.
ERR_CHECKED enum err url_check(struct str url, struct error *error);
// What stands before the '?', and between it and the fragment. The fragment is dropped.
void url_split(struct str url, struct str *base, struct str *query);

void url_query_init(struct url_query *query, struct arena *arena);
// Reads `text`; pairs that are malformed (bad escape, a semicolon) are left out, as the reference does.
void url_query_parse(struct url_query *query, struct str text, bool weak);
void url_query_add(struct url_query *query, struct str name, struct str value);
// Form encoding, sorted by name. Reorders the pairs.
void url_query_append(struct buf *out, struct url_query *query);

#endif
