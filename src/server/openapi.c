// The OpenAPI document, put together from its tables.
#include "server/openapi.h"

#include "server/server_internal.h"

static bool is_v2(const struct openapi_operation *operation) {
	return str_starts_with(str_from_cstr(operation->path), STR("/v2"));
}

static void write_text(struct buf *out, const char *name, const char *text) {
	buf_json_str(out, str_from_cstr(name));
	buf_byte(out, ':');
	buf_json_str(out, str_from_cstr(text));
}

// ---- parameters ----------------------------------------------------------------------------------------------------

static void write_path_parameters(struct buf *out, struct str path, bool *first) {
	struct str name;
	for (ptrdiff_t at; (at = str_find(path, '{')) >= 0;) {
		(void)str_cut(str_skip(path, (size_t)at + 1), '}', &name, &path);
		if (!*first) buf_byte(out, ',');
		*first = false;
		buf_lit(out, "{\"name\":");
		buf_json_str(out, name);
		buf_lit(out, ",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}}");
	}
}

static void write_query_parameters(struct buf *out, struct str names, bool *first) {
	struct str name;
	while (names.len > 0) {
		(void)str_cut(names, ' ', &name, &names);
		if (!*first) buf_byte(out, ',');
		*first = false;
		buf_lit(out, "{\"$ref\":\"#/components/parameters/");
		buf_str(out, name);
		buf_lit(out, "\"}");
	}
}

static void write_parameters(struct buf *out, const struct openapi_operation *operation) {
	bool first = true;
	buf_lit(out, ",\"parameters\":[");
	write_path_parameters(out, str_from_cstr(operation->path), &first);
	write_query_parameters(out, str_from_cstr(operation->parameters), &first);
	buf_byte(out, ']');
}

// ---- bodies --------------------------------------------------------------------------------------------------------

static void write_envelope(struct buf *out, const struct openapi_operation *operation) {
	static const char *const forms[] = {
		[OPENAPI_V2] = "data:%s metadata:Metadata",
		[OPENAPI_V2_ONCE] = "data:%s metadata:Metadata",
		[OPENAPI_V2_LIST] = "data?:%s metadata:Metadata page?:Page",
		[OPENAPI_V1] = "data:%s metadata:V1Metadata",
	};
	if (operation->reply == OPENAPI_BARE || operation->reply == OPENAPI_OTLP) {
		(void)openapi_write_type(out, operation->type);
		return;
	}
	// The type stands in the place of %s.
	struct str form = str_from_cstr(forms[operation->reply]), before, after;
	(void)str_cut(form, '%', &before, &after);
	struct buf members;
	buf_init(&members, 4096);
	buf_str(&members, before);
	buf_str(&members, str_from_cstr(operation->type));
	buf_str(&members, str_skip(after, 1));
	buf_byte(&members, '\0');
	openapi_write_members(out, members.ptr);
	buf_free(&members);
}

static const char *error_type(const struct openapi_operation *operation) {
	if (operation->reply == OPENAPI_OTLP) return "OtlpStatus";
	return is_v2(operation) ? "Errors" : "V1Error";
}

static void write_protobuf(struct buf *out, const struct openapi_operation *operation) {
	if (operation->reply == OPENAPI_OTLP) buf_lit(out, ",\"application/x-protobuf\":{}");
}

static void write_success(struct buf *out, const struct openapi_operation *operation) {
	if (operation->reply == OPENAPI_EMPTY) return;
	const char *text = operation->reply == OPENAPI_EVENTS    ? "text/event-stream"
			   : operation->reply == OPENAPI_METRICS ? "text/plain"
								 : NULL;
	if (text != NULL) {
		buf_printf(out, ",\"content\":{\"%s\":{\"schema\":{\"type\":\"string\"}}}", text);
		return;
	}
	buf_lit(out, ",\"content\":{\"application/json\":{\"schema\":");
	write_envelope(out, operation);
	buf_byte(out, '}');
	write_protobuf(out, operation);
	buf_byte(out, '}');
}

static void write_replies(struct buf *out, const struct openapi_operation *operation) {
	buf_lit(out, ",\"responses\":{\"200\":{\"description\":\"OK\"");
	write_success(out, operation);
	if (operation->reply == OPENAPI_V2_ONCE) {
		buf_lit(out, "},\"409\":{\"description\":\"was done already\"");
		write_success(out, operation);
	}
	buf_lit(out, "},\"default\":{\"description\":\"an error\",\"content\":{\"application/json\":{\"schema\":");
	(void)openapi_write_type(out, error_type(operation));
	buf_byte(out, '}');
	write_protobuf(out, operation);
	buf_lit(out, "}}}");
}

// ---- the whole -----------------------------------------------------------------------------------------------------

static void write_operation(struct buf *out, const struct openapi_operation *operation) {
	buf_byte(out, '"');
	for (const char *c = operation->method; *c != '\0'; c++) buf_byte(out, (char)(*c - 'A' + 'a'));
	buf_lit(out, "\":{");
	write_text(out, "summary", operation->summary);
	buf_printf(out, ",\"tags\":[\"%s\"]", is_v2(operation) ? "v2" : "v1");
	write_parameters(out, operation);
	if (operation->body != NULL) {
		buf_lit(out, ",\"requestBody\":{\"content\":{\"application/json\":{\"schema\":");
		(void)openapi_write_type(out, operation->body);
		buf_byte(out, '}');
		write_protobuf(out, operation);
		buf_lit(out, "}}");
	}
	write_replies(out, operation);
	buf_byte(out, '}');
}

// Whether an earlier row has this path: all of a path is written at its first one.
static bool is_written(size_t row) {
	for (size_t i = 0; i < row; i++)
		if (strcmp(openapi_operations[i].path, openapi_operations[row].path) == 0) return true;
	return false;
}

static void write_paths(struct buf *out) {
	buf_lit(out, ",\"paths\":{");
	for (size_t i = 0; i < openapi_operation_count; i++) {
		const char *path = openapi_operations[i].path;
		if (is_written(i)) continue;
		if (i > 0) buf_byte(out, ',');
		buf_json_str(out, str_from_cstr(path));
		buf_lit(out, ":{");
		for (size_t j = i; j < openapi_operation_count; j++) {
			if (strcmp(openapi_operations[j].path, path) != 0) continue;
			if (j > i) buf_byte(out, ',');
			write_operation(out, &openapi_operations[j]);
		}
		buf_byte(out, '}');
	}
	buf_byte(out, '}');
}

static void write_components(struct buf *out) {
	buf_lit(out, ",\"components\":{\"parameters\":{");
	for (size_t i = 0; i < openapi_parameter_count; i++) {
		const struct openapi_parameter *parameter = &openapi_parameters[i];
		if (i > 0) buf_byte(out, ',');
		buf_json_str(out, str_from_cstr(parameter->name));
		buf_lit(out, ":{\"in\":\"query\",");
		write_text(out, "name", parameter->name);
		buf_byte(out, ',');
		write_text(out, "description", parameter->summary);
		buf_lit(out, ",\"schema\":");
		(void)openapi_write_type(out, parameter->type);
		buf_byte(out, '}');
	}
	buf_lit(out, "},\"schemas\":{");
	for (size_t i = 0; i < openapi_schema_count; i++) {
		if (i > 0) buf_byte(out, ',');
		buf_json_str(out, str_from_cstr(openapi_schemas[i].name));
		buf_byte(out, ':');
		openapi_write_members(out, openapi_schemas[i].members);
	}
	buf_lit(out, "},\"securitySchemes\":{\"signingKey\":{\"type\":\"http\",\"scheme\":\"bearer\"}}}");
}

void openapi_write(struct buf *out, struct str version) {
	buf_lit(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Inngest REST API\",\"version\":");
	buf_json_str(out, version);
	buf_lit(out, "},\"servers\":[{\"url\":\"/\"},{\"url\":\"/api\"}]");
	buf_lit(out, ",\"security\":[{},{\"signingKey\":[]}]");
	write_paths(out);
	write_components(out);
	buf_lit(out, "}\n");
}

void openapi_start(struct request *request) {
	openapi_write(respond_begin(request), request->server->config.version);
	respond_out(request, 200);
}
