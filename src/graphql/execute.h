// An execution and what becomes of it: the files execute.c, collect.c, complete.c and write.c share it.
//
// A group is all objects of one type at one place of the selection (`runs.edges.node`), whatever parents and lists hold
// them. A column is one field of a group: it has a value for each of the group's rows, all from one call of the
// resolver. Groups are made parents first, so that running through them is breadth first and running back is bottom up;
// nothing recurses with the depth of a response, which documents can make large by means of introspection.
#ifndef INNGEST_GRAPHQL_EXECUTE_H
#define INNGEST_GRAPHQL_EXECUTE_H

#include "base/list.h"
#include "graphql/internal.h"

struct gql_group;
struct gql_row {
	const struct gql_group *group;
	bool is_null; // since a required value in it is
};

// Selections of one place: fields with the same key share theirs.
struct gql_sets {
	const struct gql_selections **items;
	size_t count, capacity;
};
struct gql_selected {
	struct gql_execution *execution;
	struct gql_sets sets;
};

struct gql_column {
	struct gql_column *next;
	struct map_node by_key; // while the group's fields are collected
	struct str key;
	const struct gql_field *field;
	const struct gql_selection *selection; // the first one: the arguments of all are equal
	const struct gql_ref *ref;
	struct gql_selected selected;
	struct gql_value *values; // once completed, `object` of an object is its struct gql_row
	struct gql_group *groups; // of the objects in the values, one for each type
};

struct gql_group {
	struct list all;           // of the execution
	struct gql_group *sibling; // next in the column's
	const struct gql_type *type;
	struct gql_group *parent; // NULL: the root
	struct gql_column *column;
	struct gql_row *rows;
	const void **objects; // of the rows
	size_t count;
	struct gql_column *columns;
	bool has_nulls; // some row is null
};

// Where a walk over selections is.
struct gql_frame {
	const struct gql_selections *in;
	size_t at;
};

struct gql_execution {
	const struct gql_schema *schema;
	void *context;
	struct arena *arena;
	struct gql_document document;
	const struct gql_operation *operation;
	struct yyjson_alc alc; // allocates in the arena
	yyjson_mut_doc *doc;   // holds the variables and arguments
	yyjson_mut_val *variables;
	struct gql_errors errors;
	struct list groups;
	struct list *done; // the last group that has been executed
	size_t cost, cost_max;
	size_t text_bytes, text_bytes_max; // of all texts of the response, as often as they stand in it
	const uint64_t *deadline_ns;
	size_t places; // columns of all groups
	bool is_too_large;
	// of walks, one at a time:
	struct gql_frame *stack;
	size_t stack_capacity;
	uint32_t *seen; // for each fragment the number of the last walk that took it
	uint32_t walk_count;
	size_t visits, visits_max;
};

// values.c
void gql_members_read(struct gql_call *call);
// The text itself, or one with U+FFFD for what is not UTF-8: stored text may be anything.
struct str gql_repair(struct arena *arena, struct str text);

// collect.c
// The columns of a group, in the order of the selection; `sets` are the selections of its place.
void gql_collect(struct gql_execution *execution, struct gql_group *group, const struct gql_sets *sets);
void gql_sets_add(struct arena *arena, struct gql_sets *sets, const struct gql_selections *selections);

// complete.c
// Checks the values against the field's type, puts nulls and errors where they do not fit, and makes the groups of the
// objects among them.
void gql_complete(struct gql_execution *execution, struct gql_group *group, struct gql_column *column);
// No values at all: what goes wrong is in `errors` already.
void gql_complete_failed(struct gql_group *group, const struct gql_column *column);
struct gql_group *gql_group_new(struct gql_execution *execution, const struct gql_type *type);
void gql_group_fill(struct gql_execution *execution, struct gql_group *group, size_t count);
// The response path of a field of a row.
const struct gql_step *gql_path(struct gql_execution *execution, const struct gql_group *group, size_t row,
				const struct gql_column *column);
// Lets nulls in required places rise, once everything is resolved.
void gql_settle(struct gql_execution *execution);
// Counts values of the response; false and `is_too_large` when there are too many, or too much work is done for them.
// Also when the memory is spent.
bool gql_charge(struct gql_execution *execution, size_t count);

// write.c
void gql_data_write(const struct gql_execution *execution, struct buf *out);

#endif
