#include "model/v2_body.h"

#include "base/hash.h"
#include "model/event_read.h"
#include "model/fields.h"
#include "model/limits.h"

// What a body parser reads: the arena for what it keeps, and the document.
struct body {
	struct arena *arena;
	yyjson_doc *doc;
	yyjson_val *root;
	struct v2_refusal *refusal;
};

static enum err refuse(struct body *body, int status, const char *code, struct str text) {
	*body->refusal = (struct v2_refusal){status, code, arena_dup(body->arena, text)};
	return ERR_INVALID;
}

static enum err refuse_error(struct body *body, const char *code, const struct error *error) {
	return refuse(body, 400, code, str_from_cstr(error->message));
}

// Opens the body and reads its fields; body_close in any case.
static enum err body_open(struct body *body, struct arena *arena, struct str text, struct v2_refusal *refusal,
			  const struct field_rule *rules, size_t count, yyjson_val **values) {
	struct error error;
	*body = (struct body){.arena = arena, .refusal = refusal};
	body->doc = json_read(str_trim(text).len > 0 ? text : STR("{}"), true, NULL, &error);
	if (body->doc == NULL) return refuse_error(body, "api_error", &error);
	body->root = yyjson_doc_get_root(body->doc);
	if (fields_read(body->root, rules, count, values, &error) == ERR_OK) return ERR_OK;
	return refuse_error(body, "api_error", &error);
}

static void body_close(struct body *body) {
	yyjson_doc_free(body->doc);
}

// ---- environments --------------------------------------------------------------------------------------------------

static const struct field_rule env_fields[] = {{STR_INIT("name"), STR_INIT(""), FIELD_STRING}};
enum { ENV_NAME, ENV_FIELDS };

enum err v2_env_parse(struct arena *arena, struct str text, struct v2_refusal *refusal) {
	struct body body;
	yyjson_val *fields[ENV_FIELDS];
	enum err err = body_open(&body, arena, text, refusal, env_fields, ENV_FIELDS, fields);
	if (err == ERR_OK && json_str(fields[ENV_NAME]).len == 0)
		err = refuse(&body, 400, "missing_field", STR("Environment name is required"));
	body_close(&body);
	return err;
}

// ---- runs --------------------------------------------------------------------------------------------------------

// What the path says may be said again: the path wins.
static const struct field_rule cancel_fields[] = {{STR_INIT("runId"), STR_INIT("run_id"), FIELD_STRING}};
enum { CANCEL_RUN, CANCEL_FIELDS };

enum err v2_cancel_parse(struct arena *arena, struct str text, struct v2_refusal *refusal) {
	struct body body;
	yyjson_val *fields[CANCEL_FIELDS];
	enum err err = body_open(&body, arena, text, refusal, cancel_fields, CANCEL_FIELDS, fields);
	body_close(&body);
	return err;
}

static const struct field_rule rerun_fields[] = {
	{STR_INIT("runId"), STR_INIT("run_id"), FIELD_STRING},
	{STR_INIT("fromStep"), STR_INIT("from_step"), FIELD_OBJECT},
};
enum { RERUN_RUN, RERUN_FROM_STEP, RERUN_FIELDS };

static const struct field_rule step_fields[] = {
	{STR_INIT("stepId"), STR_INIT("step_id"), FIELD_STRING},
	{STR_INIT("input"), STR_INIT(""), FIELD_ARRAY},
};
enum { STEP_ID, STEP_INPUT, STEP_FIELDS };

static enum err read_input(struct body *body, yyjson_val *input, struct v2_rerun *out) {
	if (input == NULL) return ERR_OK;
	out->input = json_canonical_payload(STR("{\"input\":"), input, STR("}"), V2_INPUT_MAX);
	if (out->input != NULL) return ERR_OK;
	return refuse(body, 413, "invalid_request",
		      arena_printf(body->arena, "Step input cannot exceed %u bytes", V2_INPUT_MAX));
}

static enum err read_step(struct body *body, yyjson_val *from_step, struct v2_rerun *out) {
	struct error error;
	yyjson_val *fields[STEP_FIELDS];
	out->from_step = from_step != NULL;
	if (from_step == NULL) return ERR_OK;
	if (fields_read(from_step, step_fields, STEP_FIELDS, fields, &error) != ERR_OK)
		return refuse_error(body, "api_error", &error);
	out->step_id = arena_dup(body->arena, json_str(fields[STEP_ID]));
	if (out->step_id.len == 0) return refuse(body, 400, "missing_field", STR("Step ID is required"));
	return read_input(body, fields[STEP_INPUT], out);
}

enum err v2_rerun_parse(struct arena *arena, struct str text, struct v2_rerun *out, struct v2_refusal *refusal) {
	struct body body;
	yyjson_val *fields[RERUN_FIELDS];
	*out = (struct v2_rerun){.from_step = false};
	enum err err = body_open(&body, arena, text, refusal, rerun_fields, RERUN_FIELDS, fields);
	if (err == ERR_OK) err = read_step(&body, fields[RERUN_FROM_STEP], out);
	body_close(&body);
	return err;
}

// ---- invoke ------------------------------------------------------------------------------------------------------

static const struct field_rule invoke_fields[] = {
	{STR_INIT("appId"), STR_INIT("app_id"), FIELD_STRING},
	{STR_INIT("functionId"), STR_INIT("function_id"), FIELD_STRING},
	{STR_INIT("data"), STR_INIT(""), FIELD_OBJECT},
	{STR_INIT("idempotencyKey"), STR_INIT("idempotency_key"), FIELD_STRING},
};
enum { INVOKE_APP, INVOKE_FUNCTION, INVOKE_DATA, INVOKE_KEY, INVOKE_FIELDS };

static struct str hash_key(struct arena *arena, struct str key) {
	char text[BASE36_LEN + 1];
	size_t len = key.len > 0 ? base36_text(hash_xxh64(key), text) : 0;
	return arena_dup(arena, str_make(text, len));
}

static enum err read_invoke(struct body *body, yyjson_val *const *fields, const struct uuid *function_id,
			    const struct ulid *internal_id, uint64_t now_ms, struct v2_invoke *out) {
	if (fields[INVOKE_DATA] == NULL) return refuse(body, 400, "missing_field", STR("Input data is required"));
	char id_text[UUID_TEXT_LEN + 1];
	uuid_text(function_id, id_text);
	out->key = hash_key(body->arena, json_str(fields[INVOKE_KEY]));
	struct invocation invocation = {
		.fn_id = str_make(id_text, UUID_TEXT_LEN), .type = STR("api"), .idempotency = out->key};
	struct error error;
	// Of the body's fields only `data` is one of an event's.
	if (event_parse_invocation(body->arena, body->root, &invocation, internal_id, now_ms, &out->event, &error) ==
	    ERR_OK) {
		return ERR_OK;
	}
	return refuse_error(body, "validation_error", &error);
}

enum err v2_invoke_parse(struct arena *arena, struct str text, const struct uuid *function_id,
			 const struct ulid *internal_id, uint64_t now_ms, struct v2_invoke *out,
			 struct v2_refusal *refusal) {
	struct body body;
	yyjson_val *fields[INVOKE_FIELDS];
	*out = (struct v2_invoke){.key = {NULL, 0}};
	enum err err = body_open(&body, arena, text, refusal, invoke_fields, INVOKE_FIELDS, fields);
	if (err == ERR_OK) err = read_invoke(&body, fields, function_id, internal_id, now_ms, out);
	body_close(&body);
	return err;
}

// ---- events ------------------------------------------------------------------------------------------------------

static const struct field_rule event_fields[] = {
	{STR_INIT("name"), STR_INIT(""), FIELD_STRING}, {STR_INIT("data"), STR_INIT(""), FIELD_OBJECT},
	{STR_INIT("user"), STR_INIT(""), FIELD_OBJECT}, {STR_INIT("id"), STR_INIT(""), FIELD_STRING},
	{STR_INIT("ts"), STR_INIT(""), FIELD_INT64},
};
enum { EVENT_NAME, EVENT_DATA, EVENT_USER, EVENT_ID, EVENT_TS, EVENT_FIELDS };

static enum err check_name(struct body *body, struct str name) {
	struct error error;
	if (name.len == 0) return refuse(body, 400, "missing_field", STR("Event name is required"));
	if (name.len > V2_EVENT_NAME_MAX)
		return refuse(body, 400, "invalid_field_format",
			      arena_printf(body->arena, "Event name cannot exceed %u characters", V2_EVENT_NAME_MAX));
	if (event_name_check(name, &error) == ERR_OK) return ERR_OK;
	return refuse_error(body, "invalid_field_format", &error);
}

static enum err read_event(struct body *body, yyjson_val *const *fields, const struct ulid *internal_id,
			   uint64_t now_ms, struct event *out) {
	struct error error;
	struct event_members members = {.object = body->root,
					.data = fields[EVENT_DATA],
					.user = fields[EVENT_USER],
					.name = json_str(fields[EVENT_NAME]),
					.id = json_str(fields[EVENT_ID]),
					.ts_ms = fields_int64(fields[EVENT_TS])};
	enum err err = event_read_members(body->arena, &members, internal_id, now_ms, out, &error);
	if (err == ERR_OK && payload_str(out->text).len <= EVENT_SIZE_MAX) return ERR_OK;
	event_release(out);
	if (err == ERR_INVALID) return refuse_error(body, "validation_error", &error);
	return refuse(body, 400, "validation_error",
		      arena_printf(body->arena, "Event payload cannot exceed %u bytes", EVENT_SIZE_MAX));
}

enum err v2_event_parse(struct arena *arena, struct str text, const struct ulid *internal_id, uint64_t now_ms,
			struct event *out, struct v2_refusal *refusal) {
	struct body body;
	yyjson_val *fields[EVENT_FIELDS];
	memset(out, 0, sizeof *out);
	enum err err = body_open(&body, arena, text, refusal, event_fields, EVENT_FIELDS, fields);
	if (err == ERR_OK) err = check_name(&body, json_str(fields[EVENT_NAME]));
	if (err == ERR_OK) err = read_event(&body, fields, internal_id, now_ms, out);
	body_close(&body);
	return err;
}
