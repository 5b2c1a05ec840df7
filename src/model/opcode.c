#include "model/opcode.h"

const struct opcode_info opcode_table[OPCODE_COUNT] = {
	[OPCODE_NONE] = {.name = "None"},
	[OPCODE_STEP] = {.name = "Step", .sync = true},
	[OPCODE_STEP_RUN] = {.name = "StepRun", .sync = true},
	[OPCODE_STEP_ERROR] = {.name = "StepError"},
	[OPCODE_STEP_PLANNED] = {.name = "StepPlanned", .sync = true, .plan = true},
	[OPCODE_SLEEP] = {.name = "Sleep", .plan = true},
	[OPCODE_WAIT_FOR_EVENT] = {.name = "WaitForEvent", .plan = true},
	[OPCODE_INVOKE_FUNCTION] = {.name = "InvokeFunction", .plan = true},
	[OPCODE_AI_GATEWAY] = {.name = "AIGateway", .plan = true},
	[OPCODE_GATEWAY] = {.name = "Gateway", .plan = true},
	[OPCODE_WAIT_FOR_SIGNAL] = {.name = "WaitForSignal", .plan = true},
	[OPCODE_RUN_COMPLETE] = {.name = "RunComplete", .sync = true},
	[OPCODE_STEP_FAILED] = {.name = "StepFailed", .sync = true},
	[OPCODE_SYNC_RUN_COMPLETE] = {.name = "SyncRunComplete", .sync = true},
	[OPCODE_DISCOVERY_REQUEST] = {.name = "DiscoveryRequest"},
	[OPCODE_DEFER_ADD] = {.name = "DeferAdd", .sync = true, .lazy = true},
	[OPCODE_DEFER_ABORT] = {.name = "DeferAbort", .sync = true, .lazy = true},
};

bool opcode_from_name(struct str name, enum opcode_kind *out) {
	for (int kind = 0; kind < OPCODE_COUNT; kind++) {
		if (!str_eq_nocase(name, str_from_cstr(opcode_table[kind].name))) continue;
		*out = (enum opcode_kind)kind;
		return true;
	}
	return false;
}

void opcode_release(struct opcode *op) {
	payload_unref(op->output);
	op->output = NULL;
}
