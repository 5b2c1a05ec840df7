// POST /v2/events (05 §13.7).
#include "base/clock.h"
#include "server/server_internal.h"

void v2_event_start(struct request *request) {
	static const struct event_seed no_seed = {.present = false};
	uint64_t now_ms = clock_wall_ms();
	struct ulid id = event_id_make(&no_seed, 0, now_ms);
	struct command *command = command_new(COMMAND_EVENTS);
	command->events.events = ARENA_NEW(&command->arena, struct event);
	struct v2_refusal refusal;
	if (v2_event_parse(&command->arena, buf_view(&request->body), &id, now_ms, command->events.events, &refusal) !=
	    ERR_OK) {
		v2_refuse(request, &refusal);
		command_free(command);
		return;
	}
	command->events.count = 1;
	// The whole reply is known before the engine sees the event.
	v2_write_id(request, STR("eventId"), &id);
	request_post(request, command);
}

void v2_event_finish(struct request *request, struct reply *reply) {
	(void)reply;
	respond_out(request, 200);
}

bool v2_event_failed(struct request *request, struct reply *reply) {
	(void)reply;
	v2_reply_error(request, 500, STR("internal_error"), STR("Unable to send event"));
	return true;
}
