// GraphQL over tables: a schema is data (types, fields, arguments, resolvers), requests are executed against it.
//
// A field is resolved once for *all* objects of its place in the selection: a page of 100 runs that selects
// `function { name }` calls the resolver of `function` once, with 100 parents. So a resolver looks up in batches, and
// nothing costs a query per row.
//
// Threads: a schema is immutable once made and shared; an execution belongs to one thread. Resolvers may block.
// Spec 06 §1 (transport, errors), §2 (schema). Knows nothing of HTTP or of what the types mean.
#ifndef INNGEST_GRAPHQL_GRAPHQL_H
#define INNGEST_GRAPHQL_GRAPHQL_H

#include <yyjson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/id.h"
#include "graphql/document.h"

// ---- values that resolvers give ------------------------------------------------------------------------------------

enum gql_kind {
	GQL_NULL, // what a value is until the resolver says otherwise
	GQL_TEXT, // a JSON string of `text`; enum values too
	GQL_JSON, // `text` is JSON already
	GQL_INT,
	GQL_BOOL,
	GQL_OBJECT, // `object`: the parent that its own fields get; of a union: `type` says which member it is
	GQL_LIST,
	GQL_ERROR, // `text` is the message; the value is null
};
struct gql_value {
	enum gql_kind kind;
	union {
		struct str text; // borrowed: lives as long as the execution's arena
		int64_t number;
		bool boolean;
		struct {
			const void *object;
			const char *type; // union member's name; NULL: the field's own type
		};
		struct {
			struct gql_value *items;
			size_t count;
		};
	};
};
// Short forms. The text versions give null for an empty slice with a NULL pointer.
struct gql_value gql_text(struct str text);
struct gql_value gql_json(struct str json);
struct gql_value gql_int(int64_t number);
struct gql_value gql_bool(bool boolean);
struct gql_value gql_object(const void *object); // NULL: null
struct gql_value gql_fail(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct gql_value gql_list(struct arena *arena, size_t count); // items are null
struct gql_value gql_ulid(struct arena *arena, const struct ulid *id);
struct gql_value gql_uuid(struct arena *arena, const struct uuid *id);
struct gql_value gql_time(struct arena *arena, int64_t ns); // RFC 3339, UTC, trailing zeros dropped (06 §2.1)

// ---- the schema ----------------------------------------------------------------------------------------------------

struct gql_call; // one field, for all parents
typedef void gql_resolve(struct gql_call *call);

// How a field without a resolver is read from the parent: the member at `offset` of the object.
enum gql_member {
	GQL_MEMBER_NONE,
	GQL_MEMBER_STR,         // struct str
	GQL_MEMBER_STR_OR_NULL, // struct str; empty gives null
	GQL_MEMBER_JSON,        // struct str with JSON; empty gives null
	GQL_MEMBER_CSTR,        // const char *; NULL gives null
	GQL_MEMBER_ULID,
	GQL_MEMBER_ULID_OR_NULL, // all zero gives null
	GQL_MEMBER_UUID,
	GQL_MEMBER_UUID_OR_NULL,
	GQL_MEMBER_INT, // int64_t
	GQL_MEMBER_U32, // uint32_t
	GQL_MEMBER_BOOL,
	GQL_MEMBER_TIME_NS, // int64_t nanoseconds; INT64_MIN gives null
	GQL_MEMBER_TIME_MS, // uint64_t milliseconds; 0 gives null
	GQL_MEMBER_SELF,    // an object whose parent is this same object
};

struct gql_input {               // an argument, or a field of an input type
	const char *name, *type; // type as written: "[RunsV2OrderBy!]!"
	const char *fallback;    // a GraphQL literal: "100", "QUEUED_AT"; NULL: none
	const char *description; // NULL: none
};
struct gql_field {
	const char *name, *type;
	gql_resolve *resolve; // NULL: `member`
	enum gql_member member;
	size_t offset;
	const struct gql_input *arguments; // ends with a NULL name; NULL: none
	const char *deprecated;            // the reason; NULL: it is not
	const char *description;           // NULL: none
	size_t cost;                       // of resolving it for one parent, as if it were so many values
};
enum gql_type_kind { GQL_SCALAR, GQL_OBJECT_TYPE, GQL_UNION, GQL_ENUM, GQL_INPUT_TYPE };
struct gql_enum_value {
	const char *name, *deprecated;
};
struct gql_type {
	enum gql_type_kind kind;
	const char *name, *description;
	const struct gql_field *fields;      // OBJECT_TYPE; ends with a NULL name
	const struct gql_input *inputs;      // INPUT_TYPE; ends with a NULL name
	const struct gql_enum_value *values; // ENUM; ends with a NULL name
	const char *const *members;          // UNION: names; ends with NULL
	// SCALAR: whether a JSON value given by the client is one; NULL: any value is. May say why not.
	bool (*accepts)(yyjson_val *value, struct error *error);
};

// Short forms for tables.
#define GQL_READ(field, field_type, how, structure, place) \
	{ .name = (field), .type = (field_type), .member = (how), .offset = offsetof(structure, place) }
#define GQL_RESOLVED(field, field_type, function) \
	{ .name = (field), .type = (field_type), .resolve = (function) }
#define GQL_RESOLVED_WITH(field, field_type, function, inputs) \
	{ .name = (field), .type = (field_type), .resolve = (function), .arguments = (inputs) }

struct gql_schema;
// Resolves every type name and literal of the tables and adds String, Int, Float, Boolean, ID, the directives and the
// introspection types. `tables` has one pointer for each type. A mistake in the tables is ERR_INVALID with a text that
// names it. `query` and `mutation` are names of root types; `mutation` may be NULL.
ERR_CHECKED enum err gql_schema_new(const struct gql_type *const *tables, size_t count, const char *query,
				    const char *mutation, struct gql_schema **out, struct error *error);
void gql_schema_free(struct gql_schema *schema);
// The schema in the schema definition language.
void gql_schema_write(const struct gql_schema *schema, struct buf *out);

// ---- resolvers -----------------------------------------------------------------------------------------------------

struct gql_selected;
struct gql_call {
	void *context;       // of the request
	struct arena *arena; // of the execution
	const struct gql_schema *schema;
	const struct gql_type *type; // of the parents
	const struct gql_field *field;
	const void *const *parents; // of the roots: one NULL
	size_t count;
	struct gql_value *out; // one for each parent, null at first
	// Object: coerced, fallbacks in their place; what was not given is not there. NULL: the field takes none.
	yyjson_val *arguments;
	const struct gql_selected *selected;
};
yyjson_val *gql_argument_get(const struct gql_call *call, const char *name); // NULL: not given; may be a JSON null
struct str gql_argument_str(const struct gql_call *call, const char *name);  // empty when not given or null
// Whether the field's selection has a field of that name, at a path of names divided by '.', whatever the type.
bool gql_selects(const struct gql_call *call, const char *path);

// ---- requests ------------------------------------------------------------------------------------------------------

struct gql_limits {
	size_t depth; // of the selection, fragments in their place; introspection does not count
	size_t cost;  // values in the response, and what their fields cost
	size_t bytes; // of memory in the arena, from the beginning of the execution: soft, see arena_limit; 0: any
	// When it is over (clock_mono_ns): fields that have not been resolved by then are errors. Resolvers may move
	// it. NULL or 0: never.
	const uint64_t *deadline_ns;
};
#define GQL_DEPTH_MAX 40
#define GQL_COST_MAX 1000000
#define GQL_TOO_LARGE "the response would be too large"
#define GQL_TOO_LATE "the request takes too long"

struct gql_request {
	struct str query, operation_name;
	yyjson_val *variables; // object, null or NULL
	bool queries_only;     // a GET: mutations are refused with 406
};
// Parses, validates and executes; writes the whole body ({"errors":…,"data":…}) and returns the HTTP status: 200, also
// with errors of resolvers; 422 for a document or variables that are wrong; 406. Root fields of a mutation are resolved
// one after the other. What is too large, by the limits or for `out`, is a single error without data.
int gql_execute(const struct gql_schema *schema, void *context, struct arena *arena, const struct gql_request *request,
		const struct gql_limits *limits, struct buf *out);
// The body of an error that comes before all this.
void gql_write_error(struct buf *out, struct str message, const char *code);

#endif
