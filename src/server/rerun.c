// Running a run again (03 §21.1, §21.2): what history has of it, as a command. For REST v2 and GraphQL.
#include "history/runs.h"
#include "history/traces.h"
#include "server/server_internal.h"

// What history has of the run that is to be run again.
struct original {
	struct history_run run;
	struct ulid root;             // the first of its chain of reruns
	struct history_event *events; // the run's, in their order
	struct str *metas;            // of these
	size_t event_count;
	struct history_step *steps; // of the root
	size_t step_count;
	size_t memoised; // how many of them have a result; the others come after these
};

// Steps that were taken over are those of the root, whose payloads may have gone, or all of it, while this run has its
// own.
static enum rerun_problem read_steps(struct history_reader *reader, struct arena *arena, struct original *original,
				     struct error *error) {
	struct run_row *root;
	size_t count;
	enum err err = history_runs_by_id(reader, arena, &original->root, 1, false, &root, &count, error);
	if (err != ERR_OK) return RERUN_UNREADABLE;
	if (count == 0 || (root[0].flags & RUN_ROW_BARE) != 0) return RERUN_REMOVED;
	err = history_run_steps(reader, arena, &original->root, &original->steps, &original->step_count, error);
	original->memoised = original->step_count;
	return err == ERR_OK ? RERUN_FINE : RERUN_UNREADABLE;
}

// One, or those of a batch: all of them have to be there.
static enum err read_events(struct history_reader *reader, struct arena *arena, struct original *out,
			    struct error *error) {
	struct ulid *ids = &out->run.event_id;
	size_t count = 1;
	enum err err = ERR_OK;
	if (out->run.has_batch) err = history_run_event_ids(reader, arena, &out->run.run_id, &ids, &count, error);
	out->events = ARENA_ARRAY(arena, struct history_event, count + 1);
	out->metas = ARENA_ARRAY(arena, struct str, count + 1);
	for (size_t i = 0; i < count && err == ERR_OK; i++) {
		err = history_event(reader, arena, &ids[i], &out->events[i], error);
		if (err == ERR_OK) err = history_event_meta(reader, arena, &ids[i], &out->metas[i], error);
		if (err == ERR_OK) out->event_count++;
	}
	return err != ERR_OK || count > 0 ? err : error_set(error, ERR_NOT_FOUND, "event not found");
}

static enum rerun_problem read_original(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
					bool with_steps, struct original *out, struct error *error) {
	*out = (struct original){.step_count = 0};
	enum err err = history_run(reader, arena, run_id, &out->run, error);
	if (err != ERR_OK) return err == ERR_NOT_FOUND ? RERUN_UNKNOWN_RUN : RERUN_UNREADABLE;
	out->root = out->run.has_original ? out->run.original_run_id : *run_id;
	if (read_events(reader, arena, out, error) != ERR_OK) return RERUN_NO_EVENT;
	for (size_t i = 0; i < out->event_count; i++)
		if (out->events[i].is_bare) return RERUN_REMOVED;
	return with_steps ? read_steps(reader, arena, out, error) : RERUN_FINE;
}

// The step with this id, else the only one with this name.
static enum rerun_problem find_step(const struct original *original, struct str id, const struct history_step **out) {
	size_t named_count = 0;
	for (size_t i = 0; i < original->step_count; i++) {
		const struct history_step *step = &original->steps[i];
		bool is_it = str_eq(step->id, id);
		if (!is_it && !str_eq(step->name, id)) continue;
		*out = step;
		if (is_it) return RERUN_FINE;
		named_count++;
	}
	return named_count == 1 ? RERUN_FINE : named_count == 0 ? RERUN_STEP_UNKNOWN : RERUN_STEP_AMBIGUOUS;
}

// A step that the run began and that has no result: its end came first, or it is under way. What is memoised came
// before.
static enum err add_unfinished(struct history_reader *reader, struct arena *arena, struct original *original,
			       struct error *error) {
	struct trace_loaded trace;
	enum err err = history_trace(reader, arena, &original->root, NULL, 0, &trace, error);
	if (err != ERR_OK) return err == ERR_NOT_FOUND ? ERR_OK : err;
	size_t memoised = original->step_count;
	struct history_step *steps = ARENA_ARRAY(arena, struct history_step, memoised + trace.spans.count + 1);
	if (memoised > 0) memcpy(steps, original->steps, memoised * sizeof *steps);
	original->steps = steps;
	for (size_t i = 0; i < trace.spans.count; i++) {
		const struct span *span = &trace.spans.spans[i];
		bool is_known = span->kind != SPAN_STEP || span->step_id.len == 0 || span->step_id.len > STEP_ID_MAX;
		for (size_t k = 0; k < original->step_count && !is_known; k++)
			is_known = str_eq(steps[k].id, span->step_id);
		if (is_known) continue;
		steps[original->step_count++] =
			(struct history_step){.id = span->step_id, .name = span->step_name, .op = span->op};
	}
	original->memoised = memoised;
	return ERR_OK;
}

static enum rerun_problem choose(struct history_reader *reader, struct arena *arena, struct original *original,
				 struct str id, const struct history_step **out, struct error *error) {
	enum rerun_problem problem = find_step(original, id, out);
	if (problem != RERUN_STEP_UNKNOWN) return problem;
	if (add_unfinished(reader, arena, original, error) != ERR_OK) return RERUN_UNREADABLE;
	return find_step(original, id, out);
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
	if (before > original->memoised) before = original->memoised;
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

static enum err restore_event(struct command *command, const struct history_event *event, struct str meta,
			      struct event *out, struct error *error) {
	struct event_parts parts = {.internal_id = event->internal_id,
				    .id = event->id,
				    .name = event->name,
				    .v = event->v,
				    .data = event->data,
				    .user = event->user,
				    .meta = meta,
				    .ts_ms = event->ts_ms > 0 ? (uint64_t)event->ts_ms : 0,
				    .received_ms = event->received_ns > 0 ? (uint64_t)event->received_ns / 1000000 : 0};
	return event_restore(&command->arena, &parts, out, error);
}

static enum err restore_events(struct command *command, const struct original *original, struct error *error) {
	enum err err = restore_event(command, &original->events[0], original->metas[0], &command->start.event, error);
	command->start.others = ARENA_ARRAY(&command->arena, struct event, original->event_count);
	for (size_t i = 1; i < original->event_count && err == ERR_OK; i++) {
		err = restore_event(command, &original->events[i], original->metas[i], &command->start.others[i - 1],
				    error);
		if (err == ERR_OK) command->start.other_count++;
	}
	return err;
}

static struct command *make_command(const struct original *original, struct error *error) {
	char function[UUID_TEXT_LEN + 1];
	uuid_text(&original->run.function_id, function);
	struct command *command = command_new(COMMAND_START);
	command->start.function = arena_dup(&command->arena, str_make(function, UUID_TEXT_LEN));
	command->start.original_run_id = original->root;
	if (restore_events(command, original, error) == ERR_OK) return command;
	command_free(command);
	return NULL;
}

enum rerun_problem rerun_make(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
			      struct v2_rerun *wanted, struct command **out, struct error *error) {
	struct original original;
	const struct history_step *chosen = NULL;
	enum rerun_problem problem = read_original(reader, arena, run_id, wanted->from_step, &original, error);
	if (problem == RERUN_FINE && wanted->from_step)
		problem = choose(reader, arena, &original, wanted->step_id, &chosen, error);
	if (problem != RERUN_FINE) return problem;
	*out = make_command(&original, error);
	if (*out == NULL) return RERUN_UNREADABLE;
	if (chosen != NULL) give_steps(*out, &original, chosen, wanted);
	return RERUN_FINE;
}
