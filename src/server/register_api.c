// POST /fn/register (01 §5, §6): the server decodes, the engine compares and stores.
#include "base/rng.h"
#include "server/server_internal.h"

// Before anything is known of the app (05 §5).
static void refuse(struct request *request, struct str text) {
	struct buf *out = respond_begin(request);
	buf_lit(out, "{\"error\":");
	buf_json_str(out, text);
	buf_lit(out, "}\n");
	respond_out(request, 400);
}

// An SDK that was configured for the other kind of server must not register here.
static bool kind_expected(struct request *request) {
	struct str expected = request_header(request, "X-Inngest-Expected-Server-Kind");
	const char *kind = request->server->config.server_kind;
	if (expected.len == 0 || str_eq_cstr(expected, kind)) return true;
	refuse(request, arena_printf(&request->arena, "Expected server kind %s, got %.*s", kind, STR_ARG(expected)));
	return false;
}

void register_start(struct request *request) {
	if (!kind_expected(request)) return;
	struct command *command = command_new(COMMAND_REGISTER);
	struct error error;
	enum err err = registration_parse(&command->arena, buf_view(&request->body), &command->registration, &error);
	if (err == ERR_OK && command->registration.app_name.len > 0) {
		request_post(request, command);
		return;
	}
	command_free(command);
	if (err == ERR_OK)
		json_reply_error(request, 400, STR("App ID required"));
	else
		refuse(request, str_from_cstr(error.message));
}

void register_finish(struct request *request, struct reply *reply) {
	uint8_t random[16];
	random_bytes(random, sizeof random);
	struct uuid sync_id = uuid_v4(random);
	struct buf *out = respond_begin(request);
	buf_lit(out, "{\"ok\":true,\"modified\":");
	buf_str(out, reply->modified ? STR("true") : STR("false"));
	buf_lit(out, ",\"sync_id\":");
	json_uuid(out, &sync_id);
	buf_lit(out, ",\"app_id\":");
	json_uuid(out, &reply->app_id);
	buf_lit(out, "}\n");
	respond_out(request, 200);
}
