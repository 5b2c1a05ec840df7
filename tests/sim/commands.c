// Commands as the real server and driver would make them.
#include <stdio.h>

#include "base/check.h"
#include "sim.h"

struct command *command_event(struct sim *sim, struct client *client) {
	struct command *command = command_new(COMMAND_EVENTS);
	client->tries++;
	client->token = command->request = ++sim->next_token;
	uint8_t entropy[10];
	rng_bytes(&sim->rng, entropy, sizeof entropy);
	client->last_id = ulid_make(sim->now, entropy);
	char text[256];
	int len = client->stable ? snprintf(text, sizeof text,
					    "{\"name\":\"t/f%u\",\"id\":\"%s\",\"data\":{\"k\":1,\"n\":%u}}",
					    client->program, client->id, client->value)
				 : snprintf(text, sizeof text, "{\"name\":\"t/f%u\",\"data\":{\"k\":%u,\"n\":%u}}",
					    client->program, client->tries, client->value);
	struct error error;
	yyjson_doc *doc = json_read(str_make(text, (size_t)len), false, NULL, &error);
	CHECK(doc != NULL);
	command->events.events = ARENA_NEW(&command->arena, struct event);
	command->events.count = 1;
	enum err err = event_parse(&command->arena, yyjson_doc_get_root(doc), &client->last_id, client->stable,
				   sim->now, command->events.events, &error);
	CHECK(err == ERR_OK);
	yyjson_doc_free(doc);
	return command;
}

struct command *command_named_event(struct sim *sim, const char *name, unsigned value) {
	struct command *command = command_new(COMMAND_EVENTS);
	uint8_t entropy[10];
	rng_bytes(&sim->rng, entropy, sizeof entropy);
	struct ulid id = ulid_make(sim->now, entropy);
	char text[100];
	int len = snprintf(text, sizeof text, "{\"name\":\"%s\",\"data\":{\"n\":%u}}", name, value);
	struct error error;
	yyjson_doc *doc = json_read(str_make(text, (size_t)len), false, NULL, &error);
	CHECK(doc != NULL);
	command->events.events = ARENA_NEW(&command->arena, struct event);
	command->events.count = 1;
	enum err err = event_parse(&command->arena, yyjson_doc_get_root(doc), &id, false, sim->now,
				   command->events.events, &error);
	CHECK(err == ERR_OK);
	yyjson_doc_free(doc);
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

struct command *command_checkpoint(struct sim *sim, const struct app_call *call, const struct reaction *reaction,
				   uint64_t token) {
	(void)sim;
	struct command *command = command_new(COMMAND_CHECKPOINT);
	command->request = token;
	command->checkpoint.run_id = call->call->run_id;
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
