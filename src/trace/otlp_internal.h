// What the readers of both encodings share: spans are added one by one, within the limits.
#ifndef INNGEST_TRACE_OTLP_INTERNAL_H
#define INNGEST_TRACE_OTLP_INTERNAL_H

#include "base/json.h"
#include "trace/otlp.h"

struct otlp_reader {
	struct arena *arena;
	struct otlp_request *out;
	size_t span_cap;
	struct otlp_span *span;                // the current one
	size_t attribute_cap, attribute_bytes; // of the current span
	struct buf scratch;                    // of one attribute's value
};
void otlp_reader_init(struct otlp_reader *reader, struct arena *arena, struct otlp_request *out);
void otlp_reader_free(struct otlp_reader *reader);

// Begins a span with room for attributes; false when there are too many, and it is left out.
bool otlp_span_begin(struct otlp_reader *reader, const struct otlp_scope *scope, size_t attribute_count);
// Adds an attribute to the current span. What is too much is left out.
void otlp_add_text(struct otlp_reader *reader, struct str key, struct str text);
void otlp_add_json(struct otlp_reader *reader, struct str key, struct str json);
struct str otlp_text(struct arena *arena, struct str text); // a copy in valid UTF-8

enum otlp_kind otlp_kind_of(int64_t number);
enum otlp_status otlp_status_of(int64_t number);
// Attributes and values whose forms are those of both encodings.
void otlp_add_double(struct otlp_reader *reader, struct str key, double value);
void otlp_append_double(struct buf *out, double value); // inside of arrays and lists

ERR_CHECKED enum err otlp_read_json(struct otlp_reader *reader, struct str body, struct error *error);
ERR_CHECKED enum err otlp_read_protobuf(struct otlp_reader *reader, struct str body, struct error *error);
// ---- writing (otlp_pack.c: protobuf; otlp_print.c: JSON) ----

void otlp_pack_response(struct buf *out, uint64_t rejected);
void otlp_pack_error(struct buf *out, struct str message);
void otlp_pack_export(struct buf *out, const struct otlp_export *batch);
void otlp_print_export(struct buf *out, const struct otlp_export *batch);

// What an attribute's value is in OTLP. Arrays and objects are texts of JSON: not every backend takes nested values.
enum otlp_value_kind { OTLP_VALUE_TEXT, OTLP_VALUE_BOOL, OTLP_VALUE_INT, OTLP_VALUE_DOUBLE };
struct otlp_value {
	enum otlp_value_kind kind;
	bool truth;
	int64_t number;
	double real;
};
struct otlp_value otlp_value_of(const struct otlp_attribute *attribute);

#endif
