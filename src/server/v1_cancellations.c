// /v1/cancellations: runs of a function to be cancelled, by the time of their scheduling and an expression (05 §12.11).
#include "base/clock.h"
#include "base/rng.h"
#include "model/v1_body.h"
#include "server/server_internal.h"

static struct ulid make_id(uint64_t now_ms) {
	uint8_t entropy[10];
	random_bytes(entropy, sizeof entropy);
	return ulid_make(now_ms, entropy);
}

void v1_cancellation_start(struct request *request) {
	uint64_t now_ms = clock_wall_ms();
	struct command *command = command_new(COMMAND_CANCEL_MANY);
	struct v1_cancellation wanted;
	struct str problem;
	if (v1_cancellation_parse(&command->arena, buf_view(&request->body), now_ms, &wanted, &problem) != ERR_OK) {
		struct str text = arena_dup(&request->arena, problem);
		command_free(command);
		json_reply_error(request, 400, text);
		return;
	}
	command->cancellation.id = make_id(now_ms);
	command->cancellation.app_name = wanted.app_id;
	command->cancellation.function = wanted.function_id;
	command->cancellation.has_after = wanted.has_after;
	command->cancellation.after_ms = wanted.after_ms;
	command->cancellation.before_ms = wanted.before_ms;
	command->cancellation.condition = wanted.condition;
	request_post(request, command);
}

void v1_cancellations_start(struct request *request) {
	request_post(request, command_new(COMMAND_CANCELLATIONS));
}

// One cancellation, or all of them.
static void answer(struct request *request, const struct reply *reply) {
	json_envelope_open(request);
	buf_str(&request->out, reply->text);
	json_envelope_send(request, 0);
}

void v1_cancellation_finish(struct request *request, struct reply *reply) {
	answer(request, reply);
}

void v1_cancellations_finish(struct request *request, struct reply *reply) {
	answer(request, reply);
}

void v1_cancellation_remove_start(struct request *request) {
	struct ulid id;
	if (!ulid_parse(request->params[0], &id)) {
		json_reply_error(request, 400, STR("Invalid cancellation ID"));
		return;
	}
	struct command *command = command_new(COMMAND_CANCELLATION_REMOVE);
	command->cancellation.id = id;
	request_post(request, command);
}

void v1_cancellation_remove_finish(struct request *request, struct reply *reply) {
	(void)reply;
	json_envelope_open(request);
	buf_lit(&request->out, "{\"ok\":true}");
	json_envelope_send(request, 0);
}
