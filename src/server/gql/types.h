// The tables of the types of spec 06 §2: each is defined where its resolvers are.
#ifndef INNGEST_SERVER_GQL_TYPES_H
#define INNGEST_SERVER_GQL_TYPES_H

#include "server/gql/gql.h"

// In the order of §2; schema.c has the list.
extern const struct gql_type type_time, type_ulid, type_uuid, type_bytes, type_unknown, type_map, type_int64, type_uint,
	type_environment, type_span_metadata_kind, type_span_metadata_scope, type_span_metadata_values,
	type_http_headers, type_app_method, type_function_trigger_types, type_function_run_status, type_function_status,
	type_function_event_type, type_event_status, type_stream_type, type_step_event_type, type_concurrency_scope,
	type_singleton_mode, type_history_type, type_history_step_type, type_runs_v2_order_by_field,
	type_runs_order_by_direction, type_run_trace_span_status, type_step_op, type_run_defer_status,
	type_connect_v1_connection_status, type_connect_v1_worker_connections_order_by_field,
	type_connect_v1_worker_connections_order_by_direction, type_apps_filter_v1, type_function_query,
	type_function_run_query, type_function_runs_query, type_event_query, type_events_query, type_events_filter,
	type_stream_query, type_runs_filter_v2, type_runs_v2_order_by, type_connect_v1_worker_connections_filter,
	type_connect_v1_worker_connections_order_by, type_debug_run_query, type_debug_session_query,
	type_action_version_query, type_create_app_input, type_update_app_input, type_rerun_from_step_input,
	type_create_debug_session_input, type_page_info, type_workspace, type_app, type_sdk_feature_readiness,
	type_sdk_feature_status, type_function, type_function_trigger, type_function_configuration,
	type_cancellation_configuration, type_retry_configuration, type_events_batch_configuration,
	type_concurrency_configuration, type_concurrency_limit_configuration, type_rate_limit_configuration,
	type_debounce_configuration, type_throttle_configuration, type_singleton_configuration, type_function_version,
	type_stream_item, type_event, type_events_connection, type_events_edge, type_event_v2, type_event_source,
	type_function_run, type_function_event, type_step_event, type_step_event_wait, type_run_history_item,
	type_run_history_cancel, type_run_history_result, type_run_history_sleep, type_run_history_wait_for_event,
	type_run_history_wait_result, type_run_history_invoke_function, type_run_history_invoke_function_result,
	type_runs_v2_connection, type_function_run_v2_edge, type_function_run_v2, type_run_defer,
	type_run_deferred_from, type_run_trace_trigger, type_run_trace_span, type_run_trace_span_response_info,
	type_span_metadata, type_userland_span, type_invoke_step_info, type_sleep_step_info,
	type_wait_for_event_step_info, type_wait_for_signal_step_info, type_run_step_info, type_run_trace_span_output,
	type_step_error, type_run_step, type_debug_run, type_debug_session, type_debug_session_run,
	type_create_debug_session_response, type_connect_v1_worker_connection,
	type_connect_v1_worker_connections_connection, type_connect_v1_worker_connection_edge, type_query,
	type_mutation, type_step_info, type_function_run_event;

// A type and its fields: FIELDS(type_x) = {…, END}; OBJECT(type_x, "X")
#define FIELDS(variable) static const struct gql_field variable##_fields[]
#define END \
	{ .name = NULL }
#define OBJECT(variable, type_name) \
	const struct gql_type variable = {.kind = GQL_OBJECT_TYPE, .name = (type_name), .fields = variable##_fields};
// A member of the parent; a resolver; one with arguments; always null.
#define READ(field, field_type, how, structure, place) GQL_READ(field, field_type, GQL_MEMBER_##how, structure, place)
#define CALL GQL_RESOLVED
#define CALL_WITH GQL_RESOLVED_WITH
#define NEVER(field, field_type) GQL_RESOLVED(field, field_type, resolve_null)
// That reads at length; `price`: see COST_LIST.
#define CALL_DEAR(field, field_type, function, inputs, price) \
	{ .name = (field), .type = (field_type), .resolve = (function), .arguments = (inputs), .cost = (price) }
// The parent itself, as another type.
#define SELF(field, field_type) \
	{ .name = (field), .type = (field_type), .member = GQL_MEMBER_SELF }

// Arguments of a field, fields of an input type.
#define ARGUMENTS(variable, ...) static const struct gql_input variable[] = {__VA_ARGS__, {.name = NULL}};
#define ARGUMENT(argument_name, argument_type) \
	{ .name = (argument_name), .type = (argument_type) }
#define ARGUMENT_OR(argument_name, argument_type, otherwise) \
	{ .name = (argument_name), .type = (argument_type), .fallback = (otherwise) }

// A resolver's parent.
#define PARENT(parent_type, index) ((const parent_type *)call->parents[index])

#endif
