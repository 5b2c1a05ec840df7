#include "engine/command.h"

#include <stdlib.h>

#include "base/check.h"

struct command *command_new(enum command_kind kind) {
	struct command *command = mem_calloc(1, sizeof *command);
	command->kind = kind;
	arena_init(&command->arena, 1024);
	return command;
}

void command_free(struct command *command) {
	if (command == NULL) return;
	switch (command->kind) {
	case COMMAND_EVENTS:
		for (size_t i = 0; i < command->events.count; i++) event_release(&command->events.events[i]);
		break;
	case COMMAND_EVENT_LOADED:
		payload_unref(command->loaded.data);
		break;
	case COMMAND_ANSWER:
		answer_release(&command->answer.answer);
		payload_unref(command->answer.events);
		break;
	case COMMAND_CHECKPOINT:
		for (size_t i = 0; i < command->checkpoint.op_count; i++) opcode_release(&command->checkpoint.ops[i]);
		break;
	case COMMAND_ANNOTATE:
		if (command->annotation != NULL) command->annotation->free(command->annotation);
		break;
	case COMMAND_SIGNAL:
		payload_unref(command->signal.data);
		break;
	case COMMAND_START:
		event_release(&command->start.event);
		for (size_t i = 0; i < command->start.other_count; i++) event_release(&command->start.others[i]);
		for (size_t i = 0; i < command->start.step_count; i++) payload_unref(command->start.steps[i].value);
		break;
	default:
		break;
	}
	arena_free(&command->arena);
	free(command);
}
