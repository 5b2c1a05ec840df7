// POST /v2/apps/{app}/functions/{function}/invoke (05 §13.9).
#include "base/clock.h"
#include "server/server_internal.h"

// ERR_NOT_FOUND when there is none. Answers itself on other errors, and then returns ERR_CLOSED.
static enum err read_function(struct request *request, struct uuid *out) {
	struct reading reading;
	if (!reading_open(&reading, request)) return ERR_CLOSED;
	struct error error;
	enum err err = history_function_named(reading.history, request->params[0], request->params[1], out, &error);
	reading_close(&reading);
	if (err == ERR_OK || err == ERR_NOT_FOUND) return err;
	v2_reply_error(request, 500, STR("internal_error"), str_from_cstr(error.message));
	return ERR_CLOSED;
}

static void invoke(struct request *request, struct command *command, struct v2_invoke *wanted,
		   const struct uuid *function_id) {
	char function[UUID_TEXT_LEN + 1];
	uuid_text(function_id, function);
	command->start.function = arena_dup(&command->arena, str_make(function, UUID_TEXT_LEN));
	command->start.event = wanted->event;
	command->start.is_new_event = true;
	command->start.key = wanted->key;
	request_post(request, command);
}

void v2_invoke_start(struct request *request) {
	static const struct event_seed no_seed = {.present = false};
	struct uuid function_id = {{0}};
	enum err found = read_function(request, &function_id);
	if (found == ERR_CLOSED) return;
	uint64_t now_ms = clock_wall_ms();
	struct ulid event_id = event_id_make(&no_seed, 0, now_ms);
	struct command *command = command_new(COMMAND_START);
	struct v2_invoke wanted;
	struct v2_refusal refusal;
	if (v2_invoke_parse(&command->arena, buf_view(&request->body), &function_id, &event_id, now_ms, &wanted,
			    &refusal) != ERR_OK) {
		v2_refuse(request, &refusal);
		command_free(command);
	} else if (found != ERR_OK) {
		// What is wrong with the body is said first.
		event_release(&wanted.event);
		command_free(command);
		v2_reply_error(request, 404, STR("not_found"), STR("Function not found"));
	} else {
		invoke(request, command, &wanted, &function_id);
	}
}

// Status 409: the key has been used, and this is the run that it began.
void v2_invoke_finish(struct request *request, struct reply *reply) {
	v2_write_id(request, STR("runId"), &reply->run_id);
	respond_out(request, reply->status);
}

bool v2_invoke_failed(struct request *request, struct reply *reply) {
	v2_reply_not_started(request, reply, STR("There was an error invoking your function"));
	return true;
}
