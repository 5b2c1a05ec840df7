// What a step was and did (spec 06 §15.3, §15.5).
#include "trace/tree_internal.h"

static const struct op_info {
	struct str name; // GraphQL's StepOp; empty: null
	enum trace_info_kind info;
} op_table[OPCODE_COUNT] = {
	[OPCODE_STEP_RUN] = {STR_INIT("RUN"), TRACE_INFO_RUN},
	[OPCODE_STEP_ERROR] = {STR_INIT("RUN"), TRACE_INFO_RUN},
	[OPCODE_STEP_PLANNED] = {STR_INIT("RUN"), TRACE_INFO_RUN},
	[OPCODE_AI_GATEWAY] = {STR_INIT("AI_GATEWAY"), TRACE_INFO_NONE},
	[OPCODE_GATEWAY] = {STR_INIT("AI_GATEWAY"), TRACE_INFO_NONE},
	[OPCODE_INVOKE_FUNCTION] = {STR_INIT("INVOKE"), TRACE_INFO_INVOKE},
	[OPCODE_SLEEP] = {STR_INIT("SLEEP"), TRACE_INFO_SLEEP},
	[OPCODE_WAIT_FOR_EVENT] = {STR_INIT("WAIT_FOR_EVENT"), TRACE_INFO_WAIT},
	[OPCODE_WAIT_FOR_SIGNAL] = {STR_INIT("WAIT_FOR_SIGNAL"), TRACE_INFO_SIGNAL},
};

struct str trace_step_op(enum opcode_kind op) {
	return op_table[op].name;
}

// Far future rather than overflow: the duration may come from anywhere.
static int64_t after_ms(int64_t ns, int64_t ms) {
	if (ms <= 0) return ns;
	return ms < (INT64_MAX - (ns > 0 ? ns : 0)) / 1000000 ? ns + ms * 1000000 : INT64_MAX;
}

static struct str ulid_or_zero(struct str text) {
	return text.len > 0 ? text : STR("00000000000000000000000000");
}

struct trace_info trace_info_of(const struct span *span, int64_t queued_ns) {
	struct trace_info info = {.kind = op_table[span->op].info};
	int64_t timeout_ns = span->has_expiry ? span->expiry_ns : TRACE_NO_TIME;
	switch (info.kind) {
	case TRACE_INFO_NONE:
		break;
	case TRACE_INFO_RUN:
		info.type = span->run_type;
		break;
	case TRACE_INFO_SLEEP:
		if (!span->has_sleep) info.kind = TRACE_INFO_NONE;
		info.sleep_until_ns = after_ms(queued_ns, span->sleep_ms);
		break;
	case TRACE_INFO_WAIT:
		info.event_name = span->wait_event;
		info.expression = span->wait_expression;
		info.timeout_ns = timeout_ns;
		info.found_event_id = span->matched_event_id;
		info.timed_out = span->is_expired;
		break;
	case TRACE_INFO_SIGNAL:
		info.signal = span->signal;
		info.timeout_ns = timeout_ns;
		info.timed_out = span->is_expired;
		break;
	case TRACE_INFO_INVOKE:
		info.triggering_event_id = ulid_or_zero(span->trigger_event_id);
		info.function = span->invoke_function;
		info.timeout_ns = timeout_ns;
		info.return_event_id = span->matched_event_id;
		info.run_id = span->invoke_run_id;
		info.timed_out = span->is_expired;
		break;
	}
	return info;
}
