// POST /v1/checkpoint/{run}/async: steps that an SDK reports while its call goes on (02 §13).
#include "server/server_internal.h"

// A member that is absent, null or a string; false otherwise.
static bool read_text(yyjson_val *body, struct str name, struct str *out) {
	yyjson_val *value = json_get(body, name);
	*out = json_str(value);
	return value == NULL || yyjson_is_null(value) || yyjson_is_str(value);
}

// Members around the steps. The path's run id is not used: the body's is.
static enum err read_envelope(yyjson_val *body, struct command *command, struct error *error) {
	if (!yyjson_is_obj(body)) return error_set(error, ERR_INVALID, "a JSON object is expected");
	struct str run_id, function_id, item;
	struct uuid ignored;
	if (!read_text(body, STR("run_id"), &run_id) ||
	    (run_id.len > 0 && !ulid_parse(run_id, &command->checkpoint.run_id))) {
		return error_set(error, ERR_INVALID, "run_id is not a ULID");
	}
	if (!read_text(body, STR("fn_id"), &function_id) ||
	    (function_id.len > 0 && !uuid_parse(function_id, &ignored))) {
		return error_set(error, ERR_INVALID, "fn_id is not a UUID");
	}
	if (!read_text(body, STR("qi_id"), &item)) return error_set(error, ERR_INVALID, "qi_id is not a string");
	yyjson_val *steps = json_get(body, STR("steps"));
	if (steps != NULL && !yyjson_is_null(steps) && !yyjson_is_arr(steps)) {
		return error_set(error, ERR_INVALID, "steps is not an array");
	}
	command->checkpoint.item = arena_dup(&command->arena, item);
	return ERR_OK;
}

static enum err read_body(struct str text, struct command *command, struct error *error) {
	yyjson_doc *doc = json_read(text, true, NULL, error);
	if (doc == NULL) return ERR_INVALID;
	yyjson_val *body = yyjson_doc_get_root(doc);
	enum err err = read_envelope(body, command, error);
	if (err == ERR_OK) {
		err = opcodes_parse_value(&command->arena, json_get(body, STR("steps")), false,
					  &command->checkpoint.ops, &command->checkpoint.op_count, error);
	}
	yyjson_doc_free(doc);
	if (err != ERR_TOO_LARGE) return err;
	// The steps before the one that is too large are saved all the same; the engine then answers with the error.
	command->checkpoint.parse_error = arena_dup(&command->arena, str_from_cstr(error->message));
	command->checkpoint.too_large = true;
	return ERR_OK;
}

void checkpoint_start(struct request *request) {
	struct command *command = command_new(COMMAND_CHECKPOINT);
	struct error error;
	if (read_body(buf_view(&request->body), command, &error) == ERR_OK) {
		request_post(request, command);
		return;
	}
	command_free(command);
	json_reply_about(request, 400, STR("invalid request body: "), str_from_cstr(error.message));
}

void checkpoint_finish(struct request *request, struct reply *reply) {
	(void)reply;
	respond(request, 200, TYPE_JSON, (struct str){NULL, 0});
}
