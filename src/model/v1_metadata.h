// The body of POST /v1/runs/{id}/metadata (spec 05 §12.9).
//
// Pure; any bytes may be given. Slices live in the arena.
#ifndef INNGEST_MODEL_V1_METADATA_H
#define INNGEST_MODEL_V1_METADATA_H

#include "base/arena.h"
#include "base/error.h"
#include "model/metadata.h"

struct v1_metadata {
	struct metadata_target target;
	struct metadata_record *records;
	size_t count;
	bool is_cut; // a record is too large: those before it are to be written, then the request is refused (413)
};
#define V1_METADATA_TOO_LARGE "Metadata span exceeds maximum size of 64KB"
#define V1_METADATA_FULL "Cumulative metadata size exceeds limit" // also 413: the run has too much

// ERR_INVALID with the text of the reply in `problem` (400).
ERR_CHECKED enum err v1_metadata_parse(struct arena *arena, struct str body, struct v1_metadata *out,
				       struct str *problem);

#endif
