// POST /v2/apps/{app}/functions/{function}/pause and …/unpause: ours, the reference offers it in its cloud only. A
// paused function starts nothing, and its runs stand still until it goes on (03 §6.2 step 9).
#include "server/server_internal.h"

static void post(struct request *request, bool paused) {
	struct command *command = command_new(COMMAND_FUNCTION_PAUSE);
	command->pause.app_name = arena_dup(&command->arena, request->params[0]);
	command->pause.function = arena_dup(&command->arena, request->params[1]);
	command->pause.paused = paused;
	request_post(request, command);
}

void v2_pause_start(struct request *request) {
	post(request, true);
}

void v2_unpause_start(struct request *request) {
	post(request, false);
}

static void answer(struct request *request, bool paused) {
	v2_envelope_open(request);
	buf_lit(&request->out, "{\"id\":");
	buf_json_str(&request->out, request->params[1]);
	if (paused) buf_lit(&request->out, ",\"isPaused\":true"); // members that are false are left out (05 §13.2)
	buf_byte(&request->out, '}');
	v2_envelope_close(request);
	respond_out(request, 200);
}

void v2_pause_finish(struct request *request, struct reply *reply) {
	(void)reply;
	answer(request, true);
}

void v2_unpause_finish(struct request *request, struct reply *reply) {
	(void)reply;
	answer(request, false);
}

bool v2_pause_failed(struct request *request, struct reply *reply) {
	v2_reply_not_started(request, reply, STR("Unable to pause function"));
	return true;
}

bool v2_unpause_failed(struct request *request, struct reply *reply) {
	v2_reply_not_started(request, reply, STR("Unable to unpause function"));
	return true;
}
