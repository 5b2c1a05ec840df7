// POST /v2/runs/{id}/rerun: the function again, with the same event, and on demand with the results of the steps before
// a certain one (05 §13.10, 03 §21.1, §21.2).
#include "server/server_internal.h"

// What history has of the run that is to be run again.
struct original {
	struct history_run run;
	struct ulid root; // the first of its chain of reruns
	struct history_event event;
	struct history_step *steps; // of the root
	size_t step_count;
};

static void answer_unable(struct request *request) {
	v2_reply_error(request, 500, STR("internal_error"), STR("Unable to rerun run"));
}

// False when there is no such run, or it cannot be read; the request is then answered.
static bool read_original(struct request *request, const struct ulid *run_id, bool with_steps, struct original *out) {
	*out = (struct original){.step_count = 0};
	struct reading reading;
	if (!reading_open(&reading, request)) return false;
	struct arena *arena = &request->arena;
	struct error error;
	enum err err = history_run(reading.history, arena, run_id, &out->run, &error);
	bool known = err != ERR_NOT_FOUND;
	if (err == ERR_OK) {
		out->root = out->run.has_original ? out->run.original_run_id : *run_id;
		err = history_event(reading.history, arena, &out->run.event_id, &out->event, &error);
	}
	if (err == ERR_OK && with_steps) {
		err = history_run_steps(reading.history, arena, &out->root, &out->steps, &out->step_count, &error);
	}
	reading_close(&reading);
	if (err == ERR_OK) return true;
	if (known)
		answer_unable(request);
	else
		v2_reply_error(request, 404, STR("not_found"), STR("Run not found"));
	return false;
}

// The step with this id, else the only one with this name; else the request is answered.
static const struct history_step *find_step(struct request *request, const struct original *original, struct str id) {
	const struct history_step *named = NULL;
	size_t named_count = 0;
	for (size_t i = 0; i < original->step_count; i++) {
		const struct history_step *step = &original->steps[i];
		if (str_eq(step->id, id)) return step;
		if (!str_eq(step->name, id)) continue;
		named = step;
		named_count++;
	}
	if (named_count == 1) return named;
	v2_reply_error(request, 400, STR("invalid_request"),
		       named_count == 0 ? STR("Step not found in original run")
					: STR("Step name matches multiple steps in original run"));
	return NULL;
}

// Whether the step is called by itself. Of one that failed the function is asked, as it may have gone another way
// since; but not when there is new input, because an SDK that checkpoints loses the result of a step that it comes upon
// with input of ours (seen with TypeScript 4.24).
static bool is_direct(const struct history_step *step, bool has_input) {
	bool failed = step->op == OPCODE_STEP_ERROR || step->op == OPCODE_STEP_FAILED;
	bool plain = step->op == OPCODE_STEP || step->op == OPCODE_STEP_RUN;
	if (plain) failed = str_starts_with(step->value, STR("{\"error\":"));
	return failed ? has_input : plain;
}

static struct given_step *give(struct command *command, const struct history_step *step) {
	struct given_step *given = &command->start.steps[command->start.step_count++];
	given->id = arena_dup(&command->arena, step->id);
	given->name = arena_dup(&command->arena, step->name);
	given->op = (uint8_t)step->op;
	return given;
}

// Results of the steps before this one, then its new input, which the command takes over.
static void give_steps(struct command *command, const struct original *original, const struct history_step *chosen,
		       struct v2_rerun *wanted) {
	size_t before = (size_t)(chosen - original->steps);
	command->start.steps = ARENA_ARRAY(&command->arena, struct given_step, before + 1);
	for (size_t i = 0; i < before; i++)
		give(command, &original->steps[i])->value = payload_new(original->steps[i].value);
	if (is_direct(chosen, wanted->input != NULL)) command->start.target = arena_dup(&command->arena, chosen->id);
	if (wanted->input != NULL) {
		struct given_step *given = give(command, chosen);
		given->is_input = true;
		given->value = wanted->input;
		wanted->input = NULL;
	}
}

// A run of a batch is run again with its first event only, as by the reference server. To run it with all of them:
// read the others in read_original (event_batches names them), and let the command carry a list.
static enum err restore_event(struct command *command, const struct history_event *event, struct error *error) {
	struct event_parts parts = {.internal_id = event->internal_id,
				    .id = event->id,
				    .name = event->name,
				    .v = event->v,
				    .data = event->data,
				    .user = event->user,
				    .ts_ms = event->ts_ms > 0 ? (uint64_t)event->ts_ms : 0,
				    .received_ms = event->received_ns > 0 ? (uint64_t)event->received_ns / 1000000 : 0};
	return event_restore(&command->arena, &parts, &command->start.event, error);
}

static struct command *make_command(const struct original *original, struct error *error) {
	char function[UUID_TEXT_LEN + 1];
	uuid_text(&original->run.function_id, function);
	struct command *command = command_new(COMMAND_START);
	command->start.function = arena_dup(&command->arena, str_make(function, UUID_TEXT_LEN));
	command->start.original_run_id = original->root;
	if (restore_event(command, &original->event, error) == ERR_OK) return command;
	command_free(command);
	return NULL;
}

static void rerun(struct request *request, const struct ulid *run_id, struct v2_rerun *wanted) {
	struct original original;
	const struct history_step *chosen = NULL;
	if (!read_original(request, run_id, wanted->from_step, &original)) return;
	if (wanted->from_step && (chosen = find_step(request, &original, wanted->step_id)) == NULL) return;
	struct error error;
	struct command *command = make_command(&original, &error);
	if (command == NULL) {
		answer_unable(request);
		return;
	}
	if (chosen != NULL) give_steps(command, &original, chosen, wanted);
	request_post(request, command);
}

void v2_rerun_start(struct request *request) {
	struct ulid run_id;
	struct v2_rerun wanted;
	struct v2_refusal refusal;
	if (v2_rerun_parse(&request->arena, buf_view(&request->body), &wanted, &refusal) != ERR_OK) {
		v2_refuse(request, &refusal);
		return;
	}
	if (v2_run_id(request, &run_id)) rerun(request, &run_id, &wanted);
	payload_unref(wanted.input);
}

void v2_rerun_finish(struct request *request, struct reply *reply) {
	v2_write_id(request, STR("runId"), &reply->run_id);
	respond_out(request, 200);
}

bool v2_rerun_failed(struct request *request, struct reply *reply) {
	v2_reply_not_started(request, reply, STR("Unable to rerun run"));
	return true;
}
