// Attributes of a row of `spans` (spec 06 §13) into the members of a span, and back. Private to this layer.
#ifndef INNGEST_TRACE_ROW_ATTRIBUTES_H
#define INNGEST_TRACE_ROW_ATTRIBUTES_H

#include "base/json.h"
#include "trace/otlp.h"
#include "trace/span.h"

// ---- the attributes as data (row_attribute_table.c) ----

#define SPAN_ATTRIBUTE_PREFIX STR("_inngest.") // of all names of the server's own

enum attribute_type {
	ATTRIBUTE_TEXT,
	ATTRIBUTE_NAME, // text that is cut
	ATTRIBUTE_TIME, // ms as text
	ATTRIBUTE_MS,
	ATTRIBUTE_BOOL,
	ATTRIBUTE_TRISTATE,
	ATTRIBUTE_INT,
	ATTRIBUTE_COUNT,
	ATTRIBUTE_STATUS,
	ATTRIBUTE_OP,
	ATTRIBUTE_OBJECT, // JSON, or a text with it
};

#define SPAN_ATTRIBUTE_UNFLAGGED SIZE_MAX

struct span_attribute {
	struct str name; // after the prefix
	enum attribute_type type;
	bool is_read_only; // never written: said elsewhere in the row
	size_t offset;     // of the member of struct span
	size_t flag;       // of the member that says that it is there
};
extern const struct span_attribute span_attributes[];
extern const size_t span_attribute_count;

// ---- reading (row_attributes.c) ----

// NULL when the text is no object, nor a string that holds one. The caller frees.
yyjson_doc *row_attributes_read(struct str text);
// Those of a later row override what is there; what cannot be read is left out. Texts are copied into the arena.
void row_attributes_apply(struct arena *arena, yyjson_val *attributes, struct span *span);
// The app's own ones of a userland span, as a JSON object; empty when there are none.
struct str row_attributes_of_user(struct arena *arena, yyjson_val *attributes);
// Of a row named `metadata`; false when it is none.
bool row_attributes_metadata(struct arena *arena, yyjson_val *attributes, struct span_metadata *out);

// ---- writing (row_attributes_write.c) ----

// Appends a member of the object, with a comma before it unless it is the first.
void row_attribute_text(struct buf *out, const char *name, struct str value);
// Those that `span` has and `before` has not, or otherwise. `before` NULL: all.
void row_attributes_append(struct buf *out, const struct span *before, const struct span *span);
// The same, but for headers, one by one: for those who read them elsewhere.
#define ROW_ATTRIBUTES_MAX 40
size_t row_attributes_tell(struct arena *arena, const struct span *span, struct otlp_attribute out[ROW_ATTRIBUTES_MAX]);

#endif
