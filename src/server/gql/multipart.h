// The parts of a multipart/form-data body (RFC 7578), as GraphQL clients that upload files send their requests. Pure:
// slices of the body, whatever it holds.
#ifndef INNGEST_SERVER_GQL_MULTIPART_H
#define INNGEST_SERVER_GQL_MULTIPART_H

#include "base/str.h"

#define MULTIPART_BOUNDARY_MAX 70 // RFC 2046 §5.1.1

struct multipart {
	struct str rest;
	char delimiter[MULTIPART_BOUNDARY_MAX + 4]; // CR LF -- boundary
	size_t delimiter_len;
};
// Whether a Content-Type is multipart/form-data, with a boundary or without.
bool multipart_is_form(struct str type);
// False when the type names no boundary, or the body does not have it.
bool multipart_begin(struct multipart *form, struct str type, struct str body);
// The next part: the name of its field (empty: it has none) and its content. False: there is none that is whole.
bool multipart_next(struct multipart *form, struct str *name, struct str *content);

#endif
