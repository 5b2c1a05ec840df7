#include "trace/row_attributes.h"

#include "base/check.h"

#define MEMBER(name, type, member) \
	{ STR_INIT(name), ATTRIBUTE_##type, false, offsetof(struct span, member), SPAN_ATTRIBUTE_UNFLAGGED }
#define FLAGGED(name, type, member, flag) \
	{ STR_INIT(name), ATTRIBUTE_##type, false, offsetof(struct span, member), offsetof(struct span, flag) }
#define READ_ONLY(name, type, member) \
	{ STR_INIT(name), ATTRIBUTE_##type, true, offsetof(struct span, member), SPAN_ATTRIBUTE_UNFLAGGED }

const struct span_attribute span_attributes[] = {
	MEMBER("queued_at", TIME, queued_ns),
	MEMBER("scheduled_at", TIME, scheduled_ns),
	MEMBER("started_at", TIME, started_ns),
	MEMBER("ended_at", TIME, ended_ns),
	MEMBER("dynamic.status", STATUS, status),
	READ_ONLY("dynamic.trace.id", TEXT, trace_id),
	MEMBER("job.group.id", TEXT, group_id),
	FLAGGED("response.status_code", INT, status_code, has_response),
	FLAGGED("response.headers", OBJECT, headers, has_headers),
	FLAGGED("response.output_size", COUNT, output_bytes, has_output_bytes),
	MEMBER("step.id", TEXT, step_id),
	MEMBER("step.name", NAME, step_name),
	MEMBER("step.op", OP, op),
	MEMBER("step.run.type", TEXT, run_type),
	FLAGGED("step.attempt", COUNT, attempt, has_attempt),
	MEMBER("step.max_attempts", COUNT, max_attempts),
	MEMBER("step.output_ref", TEXT, output_ref),
	MEMBER("is.function.output", BOOL, is_output),
	MEMBER("executor.drop", BOOL, is_dropped),
	FLAGGED("step.sleep.duration", MS, sleep_ms, has_sleep),
	FLAGGED("step.wait.expiry", TIME, expiry_ns, has_expiry),
	MEMBER("step.wait.expired", TRISTATE, is_expired),
	MEMBER("step.wait_for_event.name", TEXT, wait_event),
	MEMBER("step.wait_for_event.if", TEXT, wait_expression),
	MEMBER("step.wait_for_event.matched_id", TEXT, matched_event_id),
	MEMBER("step.signal.name", TEXT, signal),
	MEMBER("step.invoke.function.id", TEXT, invoke_function),
	MEMBER("step.invoke.trigger.event.id", TEXT, trigger_event_id),
	MEMBER("step.invoke.finish.event.id", TEXT, matched_event_id),
	MEMBER("step.invoke.run.id", TEXT, invoke_run_id),
	MEMBER("run.skip_reason", TEXT, skip_reason),
	MEMBER("run.skip_existing_run_id", TEXT, skip_existing_run_id),
	MEMBER("debug.run.id", TEXT, debug_run_id),
	MEMBER("debug.session.id", TEXT, debug_session_id),
	READ_ONLY("userland.name", TEXT, name),
	READ_ONLY("userland.kind", TEXT, user_kind),
	READ_ONLY("userland.service.name", TEXT, service_name),
	READ_ONLY("userland.scope.name", TEXT, scope_name),
	READ_ONLY("userland.scope.version", TEXT, scope_version),
};
const size_t span_attribute_count = ARRAY_LEN(span_attributes);
