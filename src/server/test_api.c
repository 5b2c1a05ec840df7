// The testing API (05 §16): served when the environment has TEST_MODE=true, to whoever asks.
#include "server/server_internal.h"

static bool read_uuid(struct request *request, const char *name, struct uuid *out) {
	struct str text;
	(void)request_parameter(request, name, &text);
	if (uuid_parse(text, out)) return true;
	json_reply_error(request, 400, arena_printf(&request->arena, "Invalid %s", name));
	return false;
}

static bool read_run(struct request *request, struct ulid *out) {
	struct str text;
	(void)request_parameter(request, "runId", &text);
	if (ulid_parse(text, out)) return true;
	json_reply_error(request, 400, STR("Invalid runId"));
	return false;
}

void test_start(struct request *request) {
	respond(request, 200, TYPE_TEXT, STR("OK"));
}

void test_pause_start(struct request *request) {
	struct uuid function_id;
	if (!read_uuid(request, "fnId", &function_id)) return;
	struct command *command = command_new(COMMAND_FUNCTION_PAUSE);
	command->pause.function_id = function_id;
	command->pause.paused = true;
	request_post(request, command);
}

// There is one account, and the run knows its function.
void test_cancel_start(struct request *request) {
	struct uuid unused;
	struct ulid run_id;
	if (!read_uuid(request, "accountId", &unused) || !read_uuid(request, "fnId", &unused)) return;
	if (!read_run(request, &run_id)) return;
	struct command *command = command_new(COMMAND_CANCEL);
	command->run.run_id = run_id;
	request_post(request, command);
}

void test_reset_start(struct request *request) {
	request_post(request, command_new(COMMAND_RESET));
}

void test_done_finish(struct request *request, struct reply *reply) {
	(void)reply;
	respond(request, 200, TYPE_TEXT, STR("ok"));
}

void test_queue_size_start(struct request *request) {
	struct uuid unused, function_id;
	if (!read_uuid(request, "accountId", &unused) || !read_uuid(request, "fnId", &function_id)) return;
	struct command *command = command_new(COMMAND_QUEUE_SIZE);
	command->queue_size.function_id = function_id;
	request_post(request, command);
}

void test_queue_size_finish(struct request *request, struct reply *reply) {
	buf_str(respond_begin(request), reply->text);
	respond_out(request, 200);
}
