// The OpenAPI 3.1 document of REST v1 and v2, served at /openapi.json: made from tables. Private to src/server.
//
// Types of members are written shortly (openapi_types.c reads them):
//	string integer boolean any object   as in JSON Schema
//	time uuid ulid int64                texts of a form
//	Name                                a schema of the table
//	[T]  {T}  T~                        array of T, object whose members are T, T or null
//	A|B|C                               one of these texts
#ifndef INNGEST_SERVER_OPENAPI_H
#define INNGEST_SERVER_OPENAPI_H

#include "base/buf.h"

struct openapi_schema {
	const char *name;
	const char *members; // "name:type name?:type …"; `?`: may be missing
};
extern const struct openapi_schema openapi_schemas[]; // openapi_schemas.c
extern const size_t openapi_schema_count;

struct openapi_parameter {
	const char *name;
	const char *type; // an array: may be given again and again
	const char *summary;
};
extern const struct openapi_parameter openapi_parameters[];
extern const size_t openapi_parameter_count;

enum openapi_reply {
	OPENAPI_V2,      // {data, metadata}
	OPENAPI_V2_ONCE, // so too; with 409 it tells what an earlier request did
	OPENAPI_V2_LIST, // {data?, metadata, page?}
	OPENAPI_V1,      // {data, metadata}
	OPENAPI_BARE,    // the type itself
	OPENAPI_OTLP,    // so too, errors with it; either JSON or protobuf, as the request
	OPENAPI_EMPTY,
	OPENAPI_EVENTS,  // server-sent events
	OPENAPI_METRICS, // Prometheus' text format
};
struct openapi_operation {
	const char *method, *path; // "{name}" is a parameter
	const char *summary;
	enum openapi_reply reply;
	const char *type;       // of the data; NULL: none
	const char *parameters; // names of query parameters, with blanks between; NULL: none
	const char *body;       // its type; NULL: none
};
extern const struct openapi_operation openapi_operations[]; // openapi_operations.c
extern const size_t openapi_operation_count;

// The JSON Schema of a type; returns what is behind it.
const char *openapi_write_type(struct buf *out, const char *type);
// The schema of an object with these members.
void openapi_write_members(struct buf *out, const char *members);
void openapi_write(struct buf *out, struct str version);

#endif
