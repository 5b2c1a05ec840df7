// Reading what a server replies. It may be of any form: members that are missing or of another type are empty.
#ifndef INNGEST_CLI_REPLY_H
#define INNGEST_CLI_REPLY_H

#include "base/id.h"
#include "base/json.h"

struct str reply_str(yyjson_val *object, const char *name);
bool reply_time(yyjson_val *object, const char *name, int64_t *out_ns); // of RFC 3339 text
bool reply_count(yyjson_val *object, const char *name, unsigned long long *out);
// The same of a number as text, which is what v2 writes (05 §13.2).
bool reply_count_text(yyjson_val *object, const char *name, uint64_t *out);
static inline yyjson_val *reply_get(yyjson_val *object, const char *name) {
	return json_get_exact(object, str_from_cstr(name));
}
// The member "data" of the whole.
yyjson_val *reply_data(yyjson_doc *doc);
// When the server wrote it, by its clock.
bool reply_fetched_at(yyjson_doc *doc, int64_t *out_ns);

// Of {"data":{"runId":…}}; false: it is no such reply.
bool reply_run_id(struct str reply, struct ulid *out);

// "app/function" of a run as version 2 shows it.
void reply_function(struct buf *out, yyjson_val *run);

// What a reply says about an error (05 §5), or else its whole text; cut, on one line.
void reply_error_text(struct buf *out, struct str reply);
// A 404 with this text is about the path, which the server does not have; not about the thing that was asked for.
bool reply_is_no_route(struct str reply);

#endif
