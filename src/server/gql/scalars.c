// The scalars of the API (spec 06 §2.1), and what a client may give for them.
#include "server/gql/types.h"

#include "base/clock.h"

static bool is_time(yyjson_val *value, struct error *error) {
	int64_t ns;
	if (yyjson_is_str(value) && date_parse_rfc3339(json_str(value), &ns)) return true;
	(void)error_set(error, ERR_INVALID, "Time should be a string in RFC 3339 format");
	return false;
}

static bool is_ulid(yyjson_val *value, struct error *error) {
	struct ulid id;
	if (yyjson_is_str(value) && ulid_parse(json_str(value), &id)) return true;
	(void)error_set(error, ERR_INVALID, "ulid: bad data size when unmarshaling");
	return false;
}

static bool is_uuid(yyjson_val *value, struct error *error) {
	struct uuid id;
	if (yyjson_is_str(value) && uuid_parse(json_str(value), &id)) return true;
	(void)error_set(error, ERR_INVALID, "invalid UUID length: %zu", yyjson_get_len(value));
	return false;
}

static bool is_text(yyjson_val *value, struct error *error) {
	if (yyjson_is_str(value)) return true;
	(void)error_set(error, ERR_INVALID, "should be a string");
	return false;
}

static bool is_map(yyjson_val *value, struct error *error) {
	if (yyjson_is_obj(value)) return true;
	(void)error_set(error, ERR_INVALID, "should be an object");
	return false;
}

static bool is_integer(yyjson_val *value, struct error *error) {
	if (yyjson_is_int(value)) return true;
	(void)error_set(error, ERR_INVALID, "should be an integer");
	return false;
}

#define SCALAR(variable, scalar_name, check) \
	const struct gql_type variable = {.kind = GQL_SCALAR, .name = (scalar_name), .accepts = (check)};

SCALAR(type_time, "Time", is_time)
SCALAR(type_ulid, "ULID", is_ulid)
SCALAR(type_uuid, "UUID", is_uuid)
SCALAR(type_bytes, "Bytes", is_text)
SCALAR(type_unknown, "Unknown", NULL)
SCALAR(type_map, "Map", is_map)
SCALAR(type_int64, "Int64", is_integer)
SCALAR(type_uint, "Uint", is_integer)
SCALAR(type_environment, "Environment", is_text)
SCALAR(type_span_metadata_kind, "SpanMetadataKind", is_text)
SCALAR(type_span_metadata_scope, "SpanMetadataScope", is_text)
SCALAR(type_span_metadata_values, "SpanMetadataValues", is_map)
SCALAR(type_http_headers, "HTTPHeaders", is_map)
