// Spans that users' code reports (spec 06 §19.1): OTLP spans that belong to a run, as rows of the table `spans` (09
// §4.8), and the metadata that is found in their attributes.
//
// Pure; everything lives in the arena, any thread.
#ifndef INNGEST_TRACE_USERLAND_H
#define INNGEST_TRACE_USERLAND_H

#include "model/metadata.h"
#include "trace/otlp.h"

struct userland_span {
	struct ulid run_id;
	struct uuid function_id, app_id;
	char trace_id[TRACE_ID_LEN + 1];
	char id[SPAN_ID_LEN + 1];
	char parent_id[SPAN_ID_LEN + 1];
	int64_t start_ns, end_ns;
	const char *status;               // as stored: Completed, …
	struct str attributes;            // JSON object: keys of 06 §13 that begin with _inngest., then the user's own
	struct metadata_record *metadata; // that hang on it
	size_t metadata_count;
};

struct userland {
	struct userland_span *spans;
	size_t count;
	size_t rejected; // did not say which run they are of, or are too many
};

// Whether there is such a function that is not archived, and of which app.
typedef bool userland_function(void *context, const struct uuid *function_id, struct uuid *app_id);

void userland_read(struct arena *arena, const struct otlp_request *request, userland_function *find, void *context,
		   struct userland *out);

// The metadata of one span (§19.1, last paragraph); USERLAND_METADATA_MAX at most.
#define USERLAND_METADATA_MAX 4
size_t userland_metadata(struct arena *arena, const struct otlp_span *span, struct metadata_record *out);

// The attribute with this key, the last one of several; NULL: none.
const struct otlp_attribute *otlp_attribute_find(const struct otlp_span *span, const char *key);

#endif
