// Introspection: the schema as objects of itself (GraphQL October 2021 §4), by tables like any other.
//
// The objects: __Schema is the schema, __Type a reference (so that lists and required ones are types as well), the
// others are the rows of the tables.
#include "graphql/internal.h"

#define PLACES_MAX 32 // bits of `places`

// ---- types and references ------------------------------------------------------------------------------------------

static const struct gql_ref *ref_of_type(const struct gql_call *call, const char *name) {
	return gql_ref_of_text(call->schema, name);
}

static bool argument_is_true(const struct gql_call *call, const char *name) {
	return yyjson_get_bool(gql_argument_get(call, name));
}

// The named type that the parent is; NULL: a list or a required type.
static const struct gql_type *type_at(const struct gql_call *call, size_t i) {
	const struct gql_ref *ref = call->parents[i];
	return ref->is_required ? NULL : ref->type;
}

static const char *kind_of(const struct gql_ref *ref) {
	static const char *const names[] = {
		[GQL_SCALAR] = "SCALAR", [GQL_OBJECT_TYPE] = "OBJECT",      [GQL_UNION] = "UNION",
		[GQL_ENUM] = "ENUM",     [GQL_INPUT_TYPE] = "INPUT_OBJECT",
	};
	if (ref->is_required) return "NON_NULL";
	return ref->type == NULL ? "LIST" : names[ref->type->kind];
}

static void resolve_kind(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) call->out[i] = gql_text(str_from_cstr(kind_of(call->parents[i])));
}

static void resolve_name(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct gql_type *type = type_at(call, i);
		if (type != NULL) call->out[i] = gql_text(str_from_cstr(type->name));
	}
}

static void resolve_description(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct gql_type *type = type_at(call, i);
		if (type != NULL) call->out[i] = gql_text(str_from_cstr(type->description));
	}
}

static void resolve_null(struct gql_call *call) {
	(void)call;
}

static void resolve_false(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) call->out[i] = gql_bool(false);
}

static void resolve_of_type(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct gql_ref *ref = call->parents[i];
		if (ref->is_required) {
			struct gql_ref *plain = ARENA_NEW(call->arena, struct gql_ref);
			*plain = *ref;
			plain->is_required = false;
			call->out[i] = gql_object(plain);
		} else {
			call->out[i] = gql_object(ref->of);
		}
	}
}

static void resolve_is_one_of(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct gql_type *type = type_at(call, i);
		if (type != NULL && type->kind == GQL_INPUT_TYPE) call->out[i] = gql_bool(false);
	}
}

// ---- what types are made of ----------------------------------------------------------------------------------------

static struct gql_value fields_of(struct gql_call *call, const struct gql_type *type, bool with_deprecated) {
	size_t count = 0;
	while (type->fields[count].name != NULL) count++;
	struct gql_value list = gql_list(call->arena, count);
	list.count = 0;
	for (const struct gql_field *field = type->fields; field->name != NULL; field++) {
		if (field->deprecated == NULL || with_deprecated) list.items[list.count++] = gql_object(field);
	}
	return list;
}

static void resolve_fields(struct gql_call *call) {
	bool with_deprecated = argument_is_true(call, "includeDeprecated");
	for (size_t i = 0; i < call->count; i++) {
		const struct gql_type *type = type_at(call, i);
		if (type == NULL || type->kind != GQL_OBJECT_TYPE) continue;
		call->out[i] = fields_of(call, type, with_deprecated);
	}
}

static void resolve_interfaces(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct gql_type *type = type_at(call, i);
		if (type != NULL && type->kind == GQL_OBJECT_TYPE) call->out[i] = gql_list(call->arena, 0);
	}
}

static struct gql_value members_of(struct gql_call *call, const struct gql_type *type) {
	size_t count = 0;
	while (type->members[count] != NULL) count++;
	struct gql_value list = gql_list(call->arena, count);
	for (size_t i = 0; i < count; i++) list.items[i] = gql_object(ref_of_type(call, type->members[i]));
	return list;
}

static void resolve_possible_types(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct gql_type *type = type_at(call, i);
		if (type != NULL && type->kind == GQL_UNION) call->out[i] = members_of(call, type);
	}
}

static struct gql_value enum_values_of(struct gql_call *call, const struct gql_type *type, bool with_deprecated) {
	size_t count = 0;
	while (type->values[count].name != NULL) count++;
	struct gql_value list = gql_list(call->arena, count);
	list.count = 0;
	for (const struct gql_enum_value *value = type->values; value->name != NULL; value++) {
		if (value->deprecated == NULL || with_deprecated) list.items[list.count++] = gql_object(value);
	}
	return list;
}

static void resolve_enum_values(struct gql_call *call) {
	bool with_deprecated = argument_is_true(call, "includeDeprecated");
	for (size_t i = 0; i < call->count; i++) {
		const struct gql_type *type = type_at(call, i);
		if (type == NULL || type->kind != GQL_ENUM) continue;
		call->out[i] = enum_values_of(call, type, with_deprecated);
	}
}

static struct gql_value inputs_list(struct gql_call *call, const struct gql_input *inputs) {
	size_t count = 0;
	while (inputs != NULL && inputs[count].name != NULL) count++;
	struct gql_value list = gql_list(call->arena, count);
	for (size_t i = 0; i < count; i++) list.items[i] = gql_object(&inputs[i]);
	return list;
}

static void resolve_input_fields(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct gql_type *type = type_at(call, i);
		if (type != NULL && type->kind == GQL_INPUT_TYPE) call->out[i] = inputs_list(call, type->inputs);
	}
}

// ---- fields, arguments, enum values --------------------------------------------------------------------------------

static void resolve_field_arguments(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct gql_field *field = call->parents[i];
		call->out[i] = inputs_list(call, field->arguments);
	}
}

static void resolve_field_type(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct gql_field *field = call->parents[i];
		call->out[i] = gql_object(ref_of_type(call, field->type));
	}
}

static void resolve_field_deprecated(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct gql_field *field = call->parents[i];
		call->out[i] = gql_bool(field->deprecated != NULL);
	}
}

static void resolve_input_type(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct gql_input *input = call->parents[i];
		call->out[i] = gql_object(ref_of_type(call, input->type));
	}
}

static void resolve_value_deprecated(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct gql_enum_value *value = call->parents[i];
		call->out[i] = gql_bool(value->deprecated != NULL);
	}
}

// ---- directives ----------------------------------------------------------------------------------------------------

static struct gql_value places_of(struct gql_call *call, const struct gql_directive_type *type) {
	struct gql_value list = gql_list(call->arena, PLACES_MAX);
	list.count = 0;
	for (unsigned i = 0; i < PLACES_MAX; i++) {
		if ((type->places & 1u << i) == 0) continue;
		list.items[list.count++] = gql_text(str_from_cstr(gql_place_name((enum gql_place)(1u << i))));
	}
	return list;
}

static void resolve_locations(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) call->out[i] = places_of(call, call->parents[i]);
}

static void resolve_directive_arguments(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct gql_directive_type *type = call->parents[i];
		call->out[i] = inputs_list(call, type->arguments);
	}
}

// ---- the schema ----------------------------------------------------------------------------------------------------

// There is one schema, but its selection may stand at several places; each of these has one parent.
static void resolve_types(struct gql_call *call) {
	const struct gql_schema *schema = call->schema;
	for (size_t i = 0; i < call->count; i++) {
		call->out[i] = gql_list(call->arena, schema->type_count);
		for (size_t k = 0; k < schema->type_count; k++) {
			call->out[i].items[k] = gql_object(ref_of_type(call, schema->types[k]->name));
		}
	}
}

static void resolve_query_type(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		call->out[i] = gql_object(ref_of_type(call, call->schema->query->name));
	}
}

static void resolve_mutation_type(struct gql_call *call) {
	const struct gql_type *type = call->schema->mutation;
	for (size_t i = 0; i < call->count && type != NULL; i++) {
		call->out[i] = gql_object(ref_of_type(call, type->name));
	}
}

static void resolve_directives(struct gql_call *call) {
	size_t count = 0;
	while (gql_directive_types[count].name != NULL) count++;
	for (size_t i = 0; i < call->count; i++) {
		call->out[i] = gql_list(call->arena, count);
		for (size_t k = 0; k < count; k++) call->out[i].items[k] = gql_object(&gql_directive_types[k]);
	}
}

static void resolve_schema(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) call->out[i] = gql_object(call->schema);
}

static void resolve_type(struct gql_call *call) {
	const struct gql_type *type = gql_type_find(call->schema, gql_argument_str(call, "name"));
	for (size_t i = 0; i < call->count && type != NULL; i++) {
		call->out[i] = gql_object(ref_of_type(call, type->name));
	}
}

static void resolve_typename(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) call->out[i] = gql_text(str_from_cstr(call->type->name));
}

// ---- tables --------------------------------------------------------------------------------------------------------

static const struct gql_input name_argument[] = {{.name = "name", .type = "String!"}, {0}};
static const struct gql_input with_deprecated_argument[] = {
	{.name = "includeDeprecated", .type = "Boolean", .fallback = "false"},
	{0},
};

const struct gql_field gql_typename_field = GQL_RESOLVED("__typename", "String!", resolve_typename);
const struct gql_field gql_schema_field = GQL_RESOLVED("__schema", "__Schema!", resolve_schema);
const struct gql_field gql_type_field = GQL_RESOLVED_WITH("__type", "__Type", resolve_type, name_argument);

static const struct gql_field schema_fields[] = {
	GQL_RESOLVED("description", "String", resolve_null),
	GQL_RESOLVED("types", "[__Type!]!", resolve_types),
	GQL_RESOLVED("queryType", "__Type!", resolve_query_type),
	GQL_RESOLVED("mutationType", "__Type", resolve_mutation_type),
	GQL_RESOLVED("subscriptionType", "__Type", resolve_null),
	GQL_RESOLVED("directives", "[__Directive!]!", resolve_directives),
	{0},
};
static const struct gql_field type_fields[] = {
	GQL_RESOLVED("kind", "__TypeKind!", resolve_kind),
	GQL_RESOLVED("name", "String", resolve_name),
	GQL_RESOLVED("description", "String", resolve_description),
	GQL_RESOLVED("specifiedByURL", "String", resolve_null),
	GQL_RESOLVED_WITH("fields", "[__Field!]", resolve_fields, with_deprecated_argument),
	GQL_RESOLVED("interfaces", "[__Type!]", resolve_interfaces),
	GQL_RESOLVED("possibleTypes", "[__Type!]", resolve_possible_types),
	GQL_RESOLVED_WITH("enumValues", "[__EnumValue!]", resolve_enum_values, with_deprecated_argument),
	GQL_RESOLVED_WITH("inputFields", "[__InputValue!]", resolve_input_fields, with_deprecated_argument),
	GQL_RESOLVED("ofType", "__Type", resolve_of_type),
	GQL_RESOLVED("isOneOf", "Boolean", resolve_is_one_of),
	{0},
};
static const struct gql_field field_fields[] = {
	GQL_READ("name", "String!", GQL_MEMBER_CSTR, struct gql_field, name),
	GQL_READ("description", "String", GQL_MEMBER_CSTR, struct gql_field, description),
	GQL_RESOLVED_WITH("args", "[__InputValue!]!", resolve_field_arguments, with_deprecated_argument),
	GQL_RESOLVED("type", "__Type!", resolve_field_type),
	GQL_RESOLVED("isDeprecated", "Boolean!", resolve_field_deprecated),
	GQL_READ("deprecationReason", "String", GQL_MEMBER_CSTR, struct gql_field, deprecated),
	{0},
};
static const struct gql_field input_fields[] = {
	GQL_READ("name", "String!", GQL_MEMBER_CSTR, struct gql_input, name),
	GQL_READ("description", "String", GQL_MEMBER_CSTR, struct gql_input, description),
	GQL_RESOLVED("type", "__Type!", resolve_input_type),
	GQL_READ("defaultValue", "String", GQL_MEMBER_CSTR, struct gql_input, fallback),
	GQL_RESOLVED("isDeprecated", "Boolean!", resolve_false),
	GQL_RESOLVED("deprecationReason", "String", resolve_null),
	{0},
};
static const struct gql_field value_fields[] = {
	GQL_READ("name", "String!", GQL_MEMBER_CSTR, struct gql_enum_value, name),
	GQL_RESOLVED("description", "String", resolve_null),
	GQL_RESOLVED("isDeprecated", "Boolean!", resolve_value_deprecated),
	GQL_READ("deprecationReason", "String", GQL_MEMBER_CSTR, struct gql_enum_value, deprecated),
	{0},
};
static const struct gql_field directive_fields[] = {
	GQL_READ("name", "String!", GQL_MEMBER_CSTR, struct gql_directive_type, name),
	GQL_READ("description", "String", GQL_MEMBER_CSTR, struct gql_directive_type, description),
	GQL_RESOLVED("locations", "[__DirectiveLocation!]!", resolve_locations),
	GQL_RESOLVED_WITH("args", "[__InputValue!]!", resolve_directive_arguments, with_deprecated_argument),
	GQL_RESOLVED("isRepeatable", "Boolean!", resolve_false),
	{0},
};
static const struct gql_enum_value kinds[] = {
	{.name = "SCALAR"}, {.name = "OBJECT"},   {.name = "INTERFACE"},
	{.name = "UNION"},  {.name = "ENUM"},     {.name = "INPUT_OBJECT"},
	{.name = "LIST"},   {.name = "NON_NULL"}, {0},
};
static const struct gql_enum_value locations[] = {
	{.name = "QUERY"},
	{.name = "MUTATION"},
	{.name = "SUBSCRIPTION"},
	{.name = "FIELD"},
	{.name = "FRAGMENT_DEFINITION"},
	{.name = "FRAGMENT_SPREAD"},
	{.name = "INLINE_FRAGMENT"},
	{.name = "VARIABLE_DEFINITION"},
	{.name = "SCHEMA"},
	{.name = "SCALAR"},
	{.name = "OBJECT"},
	{.name = "FIELD_DEFINITION"},
	{.name = "ARGUMENT_DEFINITION"},
	{.name = "INTERFACE"},
	{.name = "UNION"},
	{.name = "ENUM"},
	{.name = "ENUM_VALUE"},
	{.name = "INPUT_OBJECT"},
	{.name = "INPUT_FIELD_DEFINITION"},
	{0},
};

#define OBJECT(type_name, table) \
	{ .kind = GQL_OBJECT_TYPE, .name = (type_name), .fields = (table) }
#define ENUM(type_name, table) \
	{ .kind = GQL_ENUM, .name = (type_name), .values = (table) }
static const struct gql_type directive_object = OBJECT("__Directive", directive_fields);
static const struct gql_type location_enum = ENUM("__DirectiveLocation", locations);
static const struct gql_type value_object = OBJECT("__EnumValue", value_fields);
static const struct gql_type field_object = OBJECT("__Field", field_fields);
static const struct gql_type input_object = OBJECT("__InputValue", input_fields);
static const struct gql_type schema_object = OBJECT("__Schema", schema_fields);
static const struct gql_type type_object = OBJECT("__Type", type_fields);
static const struct gql_type kind_enum = ENUM("__TypeKind", kinds);

const struct gql_type *const gql_introspection_types[] = {
	&directive_object, &location_enum, &value_object, &field_object, &input_object,
	&schema_object,    &type_object,   &kind_enum,    NULL,
};
