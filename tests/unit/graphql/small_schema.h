// A schema with one of everything, for tests and the fuzz target: nothing is ever resolved.
#ifndef INNGEST_TESTS_GRAPHQL_SMALL_SCHEMA_H
#define INNGEST_TESTS_GRAPHQL_SMALL_SCHEMA_H

#include "base/check.h"
#include "base/json.h"
#include "graphql/graphql.h"

static inline void small_resolve(struct gql_call *call) {
	(void)call;
}
static inline bool small_is_time(yyjson_val *value, struct error *error) {
	struct str text = json_str(value);
	if (str_find(text, 'T') > 0) return true;
	(void)error_set(error, ERR_INVALID, "not a time");
	return false;
}
static inline bool small_is_uuid(yyjson_val *value, struct error *error) {
	struct uuid id;
	(void)error;
	return uuid_parse(json_str(value), &id);
}
static inline bool small_is_map(yyjson_val *value, struct error *error) {
	(void)error;
	return yyjson_is_obj(value);
}

#define FIELD(name, type) GQL_RESOLVED(name, type, small_resolve)
#define CALL(name, type, inputs) GQL_RESOLVED_WITH(name, type, small_resolve, inputs)

static const struct gql_type small_time = {.kind = GQL_SCALAR, .name = "Time", .accepts = small_is_time};
static const struct gql_type small_uuid = {.kind = GQL_SCALAR, .name = "UUID", .accepts = small_is_uuid};
static const struct gql_type small_map = {.kind = GQL_SCALAR, .name = "Map", .accepts = small_is_map};
static const struct gql_type small_any = {.kind = GQL_SCALAR, .name = "Unknown"};

static const struct gql_enum_value small_methods[] = {{.name = "SERVE"}, {.name = "CONNECT"}, {.name = "API"}, {0}};
static const struct gql_type small_method = {.kind = GQL_ENUM, .name = "AppMethod", .values = small_methods};
static const struct gql_enum_value small_orders[] = {{.name = "QUEUED_AT"}, {.name = "ENDED_AT"}, {0}};
static const struct gql_type small_order = {.kind = GQL_ENUM, .name = "OrderField", .values = small_orders};

static const struct gql_input small_order_by_inputs[] = {
	{.name = "field", .type = "OrderField!"},
	{.name = "up", .type = "Boolean!", .fallback = "false"},
	{0},
};
static const struct gql_type small_order_by = {
	.kind = GQL_INPUT_TYPE, .name = "OrderBy", .inputs = small_order_by_inputs};
static const struct gql_input small_filter_inputs[] = {
	{.name = "from", .type = "Time!"},
	{.name = "until", .type = "Time"},
	{.name = "timeField", .type = "OrderField", .fallback = "QUEUED_AT"},
	{.name = "methods", .type = "[AppMethod!]"},
	{.name = "limit", .type = "Int!", .fallback = "20"},
	{.name = "inner", .type = "RunsFilter"},
	{0},
};
static const struct gql_type small_filter = {
	.kind = GQL_INPUT_TYPE, .name = "RunsFilter", .inputs = small_filter_inputs};

static const struct gql_input small_id_inputs[] = {{.name = "id", .type = "UUID!"}, {0}};
static const struct gql_input small_apps_inputs[] = {{.name = "method", .type = "AppMethod"}, {0}};
static const struct gql_input small_runs_inputs[] = {
	{.name = "first", .type = "Int!", .fallback = "100"},
	{.name = "after", .type = "String"},
	{.name = "orderBy", .type = "[OrderBy!]!"},
	{.name = "filter", .type = "RunsFilter!"},
	{0},
};
static const struct gql_input small_echo_inputs[] = {
	{.name = "int", .type = "Int"},
	{.name = "float", .type = "Float"},
	{.name = "text", .type = "String"},
	{.name = "yes", .type = "Boolean"},
	{.name = "id", .type = "ID"},
	{.name = "map", .type = "Map"},
	{.name = "any", .type = "Unknown"},
	{.name = "ints", .type = "[Int!]"},
	{.name = "grid", .type = "[[Int]]"},
	{.name = "texts", .type = "[String]", .fallback = "[\"a\", null]"},
	{0},
};

static const struct gql_field small_app_fields[] = {
	FIELD("id", "ID!"),       FIELD("name", "String!"),      FIELD("url", "String"),
	FIELD("error", "String"), FIELD("method", "AppMethod!"), FIELD("functions", "[Function!]!"),
	FIELD("parent", "App"),   FIELD("parents", "[App]"),     {0},
};
static const struct gql_type small_app = {.kind = GQL_OBJECT_TYPE, .name = "App", .fields = small_app_fields};
static const struct gql_field small_function_fields[] = {
	FIELD("id", "String!"),
	FIELD("name", "String!"),
	FIELD("app", "App!"),
	CALL("echo", "Int", small_echo_inputs),
	{0},
};
static const struct gql_type small_function = {
	.kind = GQL_OBJECT_TYPE, .name = "Function", .fields = small_function_fields};
static const struct gql_field small_invoke_fields[] = {
	FIELD("runID", "String"), FIELD("until", "Int"), FIELD("app", "App"), FIELD("stop", "Time!"), {0},
};
static const struct gql_type small_invoke = {
	.kind = GQL_OBJECT_TYPE, .name = "InvokeInfo", .fields = small_invoke_fields};
static const struct gql_field small_sleep_fields[] = {
	FIELD("until", "Time!"), FIELD("seconds", "Int"), FIELD("app", "App"), FIELD("stop", "Time!"), {0},
};
static const struct gql_type small_sleep = {.kind = GQL_OBJECT_TYPE, .name = "SleepInfo", .fields = small_sleep_fields};
static const char *const small_info_members[] = {"InvokeInfo", "SleepInfo", NULL};
static const struct gql_type small_info = {.kind = GQL_UNION, .name = "StepInfo", .members = small_info_members};
static const char *const small_other_members[] = {"SleepInfo", "App", NULL};
static const struct gql_type small_other = {.kind = GQL_UNION, .name = "OtherInfo", .members = small_other_members};

static const struct gql_field small_query_fields[] = {
	CALL("app", "App", small_id_inputs),
	CALL("apps", "[App!]!", small_apps_inputs),
	CALL("runs", "[Function!]!", small_runs_inputs),
	CALL("echo", "Int", small_echo_inputs),
	FIELD("info", "StepInfo"),
	FIELD("other", "OtherInfo!"),
	{0},
};
static const struct gql_type small_query = {.kind = GQL_OBJECT_TYPE, .name = "Query", .fields = small_query_fields};
static const struct gql_input small_invoke_inputs[] = {
	{.name = "data", .type = "Map"}, {.name = "slug", .type = "String!"}, {0}};
static const struct gql_field small_mutation_fields[] = {CALL("invoke", "Boolean", small_invoke_inputs), {0}};
static const struct gql_type small_mutation = {
	.kind = GQL_OBJECT_TYPE, .name = "Mutation", .fields = small_mutation_fields};

#undef FIELD
#undef CALL

static inline struct gql_schema *small_schema_new(void) {
	static const struct gql_type *const tables[] = {
		&small_time,     &small_uuid,   &small_map,   &small_any,      &small_method, &small_order,
		&small_order_by, &small_filter, &small_app,   &small_function, &small_invoke, &small_sleep,
		&small_info,     &small_other,  &small_query, &small_mutation,
	};
	struct gql_schema *schema;
	struct error error = {.message = ""};
	CHECK(gql_schema_new(tables, ARRAY_LEN(tables), "Query", "Mutation", &schema, &error) == ERR_OK);
	return schema;
}

#endif
