// POST /invoke/{slug} (05 §8).
#include "base/clock.h"
#include "model/form.h"
#include "server/server_internal.h"

// The event of the invocation, in a command; NULL when the request is wrong, and then it is answered.
static struct command *make_command(struct request *request, struct str slug) {
	struct error error;
	yyjson_doc *doc = json_read(buf_view(&request->body), true, NULL, &error);
	if (doc == NULL) {
		json_reply_error(request, 400, STR("Unable to read post data request"));
		return NULL;
	}
	uint64_t now_ms = clock_wall_ms();
	struct event_seed seed;
	bool stable = event_seed_parse(request_header(request, "x-inngest-event-id-seed"), &seed);
	struct ulid id = event_id_make(&seed, 0, now_ms);
	struct command *command = command_new(COMMAND_EVENTS);
	command->events.events = ARENA_NEW(&command->arena, struct event);
	enum err err = event_parse_invoke(&command->arena, yyjson_doc_get_root(doc), slug, NULL, &id, stable, now_ms,
					  command->events.events, &error);
	yyjson_doc_free(doc);
	if (err == ERR_OK) {
		command->events.count = 1;
		return command;
	}
	command_free(command);
	json_reply_error(request, 400, str_from_cstr(error.message));
	return NULL;
}

void invoke_start(struct request *request) {
	struct str slug; // once more
	if (!form_decode(&request->arena, request->params[0], &slug)) {
		json_reply_error(request, 400, STR("Unable to decode function slug"));
		return;
	}
	struct command *command = make_command(request, slug);
	if (command == NULL) return;
	struct buf *out = respond_begin(request);
	buf_lit(out, "{\"id\":");
	json_ulid(out, &command->events.events[0].internal_id);
	buf_lit(out, ",\"status\":200}\n");
	request_post(request, command);
}

void invoke_finish(struct request *request, struct reply *reply) {
	(void)reply;
	respond_out(request, 200);
}
