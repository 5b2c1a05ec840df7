// OTLP traces, JSON or protobuf: exports that are read (spec 06 §19.1, 05 §12.13) and the replies to them, and exports
// of our own that are written (05 §24).
//
// Pure; any bytes may be given, any thread. What is read lives in the arena.
#ifndef INNGEST_TRACE_OTLP_H
#define INNGEST_TRACE_OTLP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "trace/ids.h"

enum otlp_encoding { OTLP_JSON, OTLP_PROTOBUF };
enum otlp_encoding otlp_encoding_of(struct str content_type); // JSON when it says so anywhere

struct otlp_attribute {
	struct str key;
	bool is_text;     // `value` is a text, else JSON
	struct str value; // bytes are base64 text; numbers that JSON does not have are text
};

// What the spans of one scope have in common.
struct otlp_scope {
	struct str service_name, name, version; // empty: not said
};

enum otlp_kind {
	OTLP_UNSPECIFIED,
	OTLP_INTERNAL,
	OTLP_SERVER,
	OTLP_CLIENT,
	OTLP_PRODUCER,
	OTLP_CONSUMER,
	OTLP_KIND_COUNT,
};
extern const char *const otlp_kind_names[OTLP_KIND_COUNT]; // lower case

enum otlp_status { OTLP_UNSET, OTLP_OK, OTLP_ERROR };

struct otlp_span {
	const struct otlp_scope *scope;
	char trace_id[TRACE_ID_LEN + 1]; // lower-case hex digits; empty: none, or none that is an id
	char id[SPAN_ID_LEN + 1];
	char parent_id[SPAN_ID_LEN + 1];
	struct str name;
	enum otlp_kind kind;
	uint64_t start_ns, end_ns;
	enum otlp_status status;
	struct otlp_attribute *attributes; // OTLP_ATTRIBUTES_MAX at most; a key may come twice: the last one counts
	size_t attribute_count;
};

struct otlp_request {
	struct otlp_span *spans;
	size_t count;
	size_t left_out; // beyond OTLP_SPANS_MAX
};

// ERR_INVALID; ERR_TOO_LARGE when unpacking takes too much memory.
ERR_CHECKED enum err otlp_read(struct arena *arena, enum otlp_encoding encoding, struct str body,
			       struct otlp_request *out, struct error *error);

// An ExportTraceServiceRequest. Scopes of the spans are not looked at: all have that of the export. Texts are valid
// UTF-8; ids without digits are left out.
struct otlp_export {
	const struct otlp_attribute *resource;
	size_t resource_count;
	struct str scope_name, scope_version;
	const struct otlp_span *spans;
	size_t count;
};
void otlp_write_export(struct buf *out, enum otlp_encoding encoding, const struct otlp_export *batch);

// An ExportTraceServiceResponse; partialSuccess only when spans were rejected.
void otlp_write_response(struct buf *out, enum otlp_encoding encoding, uint64_t rejected);
// A google.rpc.Status with this message.
void otlp_write_error(struct buf *out, enum otlp_encoding encoding, struct str message);

#endif
