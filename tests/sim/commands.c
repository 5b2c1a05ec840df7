// Commands as the real server and driver would make them.
#include <stdio.h>

#include "base/check.h"
#include "sim.h"

static struct ulid new_id(struct sim *sim) {
	uint8_t entropy[10];
	rng_bytes(&sim->rng, entropy, sizeof entropy);
	return ulid_make(sim->now, entropy);
}

static void parse_event(struct sim *sim, struct command *command, struct str text, const struct ulid *id,
			bool is_stable) {
	struct error error;
	yyjson_doc *doc = json_read(text, false, NULL, &error);
	CHECK(doc != NULL);
	struct event *event = &command->events.events[command->events.count++];
	enum err err = event_parse(&command->arena, yyjson_doc_get_root(doc), id, is_stable, sim->now, event, &error);
	CHECK(err == ERR_OK);
	yyjson_doc_free(doc);
}

static struct str client_text(struct sim *sim, struct arena *arena, const struct client *client) {
	struct str id = STR(""), ts = STR("");
	if (client->stable) id = arena_printf(arena, "\"id\":\"%s\",", client->id);
	if (client->ts_offset_ms != 0)
		ts = arena_printf(arena, "\"ts\":%lld,", (long long)sim->now + client->ts_offset_ms);
	return arena_printf(arena, "{\"name\":\"t/f%u\",%.*s%.*s\"data\":{\"k\":%u,\"n\":%u%s}}", client->program,
			    STR_ARG(id), STR_ARG(ts), client->stable ? 1 : client->tries, client->value,
			    client->fields);
}

#define COMPANY_MAX 3

// With flow control others may come along, which nobody asks for again when they get lost.
static void add_company(struct sim *sim, struct command *command, const struct client *client) {
	unsigned count = sim->flows && sim_chance(sim, 20) ? 1 + (unsigned)rng_below(&sim->rng, COMPANY_MAX) : 0;
	for (unsigned i = 0; i < count; i++) {
		struct client other = {.program = client->program, .value = (unsigned)rng_below(&sim->rng, VALUES)};
		struct ulid id = new_id(sim);
		flow_client(sim, &other, NULL);
		parse_event(sim, command, client_text(sim, &command->arena, &other), &id, false);
	}
}

struct command *command_event(struct sim *sim, struct client *client) {
	struct command *command = command_new(COMMAND_EVENTS);
	client->tries++;
	client->token = command->request = ++sim->next_token;
	client->last_id = new_id(sim);
	command->events.events = ARENA_ARRAY(&command->arena, struct event, 1 + COMPANY_MAX);
	parse_event(sim, command, client_text(sim, &command->arena, client), &client->last_id, client->stable);
	add_company(sim, command, client);
	return command;
}

struct command *command_named_event(struct sim *sim, const char *name, unsigned value) {
	struct command *command = command_new(COMMAND_EVENTS);
	struct ulid id = new_id(sim);
	command->events.events = ARENA_NEW(&command->arena, struct event);
	parse_event(sim, command, arena_printf(&command->arena, "{\"name\":\"%s\",\"data\":{\"n\":%u}}", name, value),
		    &id, false);
	return command;
}

struct command *command_loaded(const struct delivery *delivery) {
	struct command *command = command_new(COMMAND_EVENT_LOADED);
	command->loaded.kind = delivery->load;
	command->loaded.id = delivery->run_id;
	command->loaded.cancellation_id = delivery->cancellation_id;
	command->loaded.data = payload_ref(delivery->data);
	return command;
}

static struct command *answer_for(struct sim *sim, const struct app_call *call, bool is_failure) {
	struct command *command = command_new(COMMAND_ANSWER);
	command->answer.run_id = call->call->run_id;
	command->answer.slot = call->call->slot;
	command->answer.dispatch = call->call->dispatch;
	// As the driver: what the engine did not have comes back with the answer; in most worlds only with those
	// that are no failures, which may come from before it was loaded.
	if (is_failure && sim->seed % 4 != 0) return command;
	const struct payload_ref *ref = &call->call->events;
	struct error error;
	if (ref->data == NULL)
		(void)!store_body(sim->store, ref->kind, str_make(ref->key, ref->key_len), &command->answer.events,
				  &error);
	return command;
}

struct command *command_answer(struct sim *sim, const struct app_call *call, const struct reaction *reaction) {
	struct command *command = answer_for(sim, call, reaction->status != 206);
	struct answer_header headers[] = {
		{STR("X-Inngest-SDK"), STR("inngest-js:v4.24.0")},
		{STR("X-Inngest-Req-Version"), call->program->version == 2 ? STR("2") : STR("1")},
		{STR("X-Inngest-No-Retry"), reaction->no_retry ? STR("true") : STR("false")},
	};
	struct http_reply reply = {
		.status = reaction->status, .headers = headers, .header_count = 3, .body = reaction->body};
	answer_read(&command->arena, &reply, sim->now, &command->answer.answer);
	return command;
}

struct command *command_failure(struct sim *sim, const struct app_call *call) {
	struct command *command = answer_for(sim, call, true);
	answer_from_failure(&command->arena, STR(""), STR("Unable to reach SDK URL"), &command->answer.answer);
	return command;
}

// As the app was told it (ctx.qi_id).
static struct str queue_item(struct arena *arena, uint64_t job) {
	char wire[BASE36_LEN + 1];
	base36_text(job, wire);
	struct buf text;
	buf_init(&text, 128);
	base64_append(&text, arena_printf(arena, "%s::default", wire), true);
	struct str out = arena_dup(arena, buf_view(&text));
	buf_free(&text);
	return out;
}

struct command *command_checkpoint(struct sim *sim, const struct app_call *call, const struct reaction *reaction,
				   uint64_t token) {
	(void)sim;
	struct command *command = command_new(COMMAND_CHECKPOINT);
	command->request = token;
	command->checkpoint.run_id = call->call->run_id;
	command->checkpoint.item = queue_item(&command->arena, call->call->job_hash);
	struct error error;
	enum err err = opcodes_parse(&command->arena, reaction->body, false, &command->checkpoint.ops,
				     &command->checkpoint.op_count, &error);
	CHECK(err == ERR_OK);
	return command;
}

struct command *command_register(struct sim *sim, unsigned version) {
	struct command *command = command_new(COMMAND_REGISTER);
	struct error error;
	enum err err =
		registration_parse(&command->arena, app_register_body(sim, version), &command->registration, &error);
	CHECK(err == ERR_OK);
	CHECK(command->registration.problems.len == 0);
	return command;
}
