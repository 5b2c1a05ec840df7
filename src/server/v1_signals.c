// POST /v1/signals (05 §12.8).
#include "server/server_internal.h"

static enum err read_signal(struct str text, struct command *command) {
	yyjson_doc *doc = json_read(text, true, NULL, NULL);
	if (doc == NULL) return ERR_INVALID;
	yyjson_val *body = yyjson_doc_get_root(doc);
	struct str name = yyjson_is_obj(body) ? json_str(json_get(body, STR("signal"))) : STR("");
	enum err err = ERR_INVALID;
	if (name.len > 0) {
		command->signal.name = arena_dup(&command->arena, name);
		command->signal.data =
			json_canonical_payload(STR(""), json_get(body, STR("data")), STR(""), SIGNAL_DATA_MAX);
		err = command->signal.data != NULL ? ERR_OK : ERR_TOO_LARGE;
	}
	yyjson_doc_free(doc);
	return err;
}

void v1_signal_start(struct request *request) {
	struct command *command = command_new(COMMAND_SIGNAL);
	enum err err = read_signal(buf_view(&request->body), command);
	if (err == ERR_OK) {
		request_post(request, command);
		return;
	}
	command_free(command);
	if (err == ERR_TOO_LARGE)
		json_reply_error(request, 413, STR("Signal data is too large"));
	else
		json_reply_error(request, 400, STR("Invalid signal data"));
}

void v1_signal_finish(struct request *request, struct reply *reply) {
	json_envelope_open(request);
	buf_lit(&request->out, "{\"run_id\":");
	json_ulid(&request->out, &reply->run_id);
	buf_byte(&request->out, '}');
	json_envelope_send(request, 0);
}
