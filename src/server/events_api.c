// POST /e/{key} and POST /api/events (05 §7).
#include "base/clock.h"
#include "server/server_internal.h"

// The whole reply is known before the engine sees the events: their ids in order, then what stopped the rest.
static void write_reply(struct request *request, const struct event *events, size_t count,
			const struct error *problem) {
	struct buf *out = respond_begin(request);
	request->status = problem == NULL ? 200 : 400;
	buf_lit(out, "{\"ids\":[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0) buf_byte(out, ',');
		json_ulid(out, &events[i].internal_id);
	}
	if (count == 0 && problem != NULL) buf_lit(out, "\"\"");
	buf_lit(out, "],\"status\":");
	buf_i64(out, request->status);
	if (problem != NULL) {
		buf_lit(out, ",\"error\":");
		buf_json_str(out, str_from_cstr(problem->message));
	}
	buf_lit(out, "}\n");
}

void events_start(struct request *request) {
	struct event_seed seed;
	(void)event_seed_parse(request_header(request, "x-inngest-event-id-seed"), &seed);
	struct command *command = command_new(COMMAND_EVENTS);
	struct error error;
	enum err err =
		events_parse_body(&command->arena, buf_view(&request->body), request_header(request, "Content-Type"),
				  &seed, clock_wall_ms(), &command->events.events, &command->events.count, &error);
	write_reply(request, command->events.events, command->events.count, err == ERR_OK ? NULL : &error);
	if (command->events.count > 0) {
		request_post(request, command);
		return;
	}
	command_free(command);
	respond_out(request, request->status);
}

void events_finish(struct request *request, struct reply *reply) {
	(void)reply;
	respond_out(request, request->status);
}
