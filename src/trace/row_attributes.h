// Attributes of a row of `spans` (spec 06 §13) into the members of a span. Private to this layer.
#ifndef INNGEST_TRACE_ROW_ATTRIBUTES_H
#define INNGEST_TRACE_ROW_ATTRIBUTES_H

#include "base/json.h"
#include "trace/otlp.h"
#include "trace/span.h"

// NULL when the text is no object, nor a string that holds one. The caller frees.
yyjson_doc *row_attributes_read(struct str text);
// Those of a later row override what is there; what cannot be read is left out. Texts are copied into the arena.
void row_attributes_apply(struct arena *arena, yyjson_val *attributes, struct span *span);
// The app's own ones of a userland span, as a JSON object; empty when there are none.
struct str row_attributes_of_user(struct arena *arena, yyjson_val *attributes);
// Of a row named `metadata`; false when it is none.
bool row_attributes_metadata(struct arena *arena, yyjson_val *attributes, struct span_metadata *out);

// The other way round: what a span has, under the names of §13, for others to read. Headers are not among it.
#define ROW_ATTRIBUTES_MAX 40
size_t row_attributes_tell(struct arena *arena, const struct span *span, struct otlp_attribute out[ROW_ATTRIBUTES_MAX]);

#endif
