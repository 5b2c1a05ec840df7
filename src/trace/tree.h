// The trees that people see: spans folded as spec 06 §15 (preview) and §16 (plain) say. Also §17.1 (output ids).
//
// Pure: spans in, nodes out, all in the arena; any thread. What a node shows is ready for an API: names, statuses and
// times are final.
#ifndef INNGEST_TRACE_TREE_H
#define INNGEST_TRACE_TREE_H

#include "trace/span.h"

#define TRACE_NO_TIME INT64_MIN
#define TRACE_DEPTH_MAX 200 // ours: levels below the root; spans from outside (06 §19) may nest deeper and are cut

enum trace_status { // GraphQL's RunTraceSpanStatus
	TRACE_FAILED,
	TRACE_QUEUED,
	TRACE_RUNNING,
	TRACE_COMPLETED,
	TRACE_WAITING,
	TRACE_CANCELLED_NODE,
	TRACE_SKIPPED,
	TRACE_STATUS_COUNT,
};
extern const char *const trace_status_names[TRACE_STATUS_COUNT];

// §15.5; kind NONE: no step information.
enum trace_info_kind {
	TRACE_INFO_NONE,
	TRACE_INFO_INVOKE,
	TRACE_INFO_SLEEP,
	TRACE_INFO_WAIT,
	TRACE_INFO_SIGNAL,
	TRACE_INFO_RUN,
};
struct trace_info {
	enum trace_info_kind kind;
	struct str type;                                   // RUN; empty: null
	int64_t sleep_until_ns, timeout_ns;                // TRACE_NO_TIME: missing, shown as the year 1
	struct str event_name, expression, found_event_id; // WAIT
	struct str signal;                                 // SIGNAL
	struct str triggering_event_id, function, return_event_id, run_id; // INVOKE
	enum tristate timed_out;
};

struct trace_metadata {
	struct str scope, kind;
	struct str values; // JSON object, folded (§18.1)
	int64_t updated_ns;
};

struct trace_node {
	struct str span_id, trace_id, parent_id; // parent_id empty: null
	struct str group_id, name;               // group_id empty: null
	enum trace_status status;
	int64_t attempts;
	bool has_duration;
	int64_t duration_ms;
	struct str output_id;                                  // empty: null
	int64_t queued_ns, scheduled_ns, started_ns, ended_ns; // TRACE_NO_TIME: null
	struct str step_op, step_id, step_type; // names of GraphQL's StepOp; step_op, step_id empty: null
	struct trace_info info;
	bool is_root, is_userland;
	struct str user_name, user_kind, service_name, scope_name, scope_version, user_attributes;
	struct str debug_run_id, debug_session_id;
	struct str skip_reason, skip_existing_run_id;
	struct trace_metadata *metadata;
	size_t metadata_count;
	bool has_response;
	int64_t status_code;
	struct str headers; // JSON object
	struct trace_node **children;
	size_t child_count;
	// Where the texts are, for those who show them without an output id.
	struct span_text input, output;
};

// Constant facts that both trees need.
struct trace_subject {
	struct ulid run_id;
	struct uuid app_id, function_id;
	struct str function_slug;
	enum trace_run_status status; // of the run itself
	bool keeps_open; // what the run's end leaves open stays WAITING or RUNNING, as in the reference server
	int64_t now_ns;  // plain tree: durations of what is under way; 0: they are 0
};

// §15. NULL when there is no root.
struct trace_node *trace_tree(struct arena *arena, const struct trace_subject *subject,
			      const struct trace_spans *spans);
// §16; NULL when there is no root.
struct trace_node *trace_tree_plain(struct arena *arena, const struct trace_subject *subject,
				    const struct trace_spans *spans);

// ---- output ids (output.c; §17) ------------------------------------------------------------------------------------

struct trace_output_id {
	bool is_preview;
	struct ulid run_id; // zero: none. The reference server has it in preview ids only and finds the others by
			    // their trace id
	struct uuid app_id, function_id; // plain only
	struct str trace_id;             // plain only
	struct str row_id, input_row_id; // empty: none
};
struct str trace_output_id_text(struct arena *arena, const struct trace_output_id *id); // base64 of JSON
// ERR_INVALID with the text of §17.2, without the prefix that says which query it was.
ERR_CHECKED enum err trace_output_id_parse(struct arena *arena, struct str text, struct trace_output_id *out,
					   struct error *error);

// A stored output as it is shown (§17.2): `data` is JSON text, or `error` is set.
struct trace_output {
	struct str data; // may be empty
	bool has_error;
	struct str message, name, stack, cause; // name, stack empty: null; cause: JSON, empty: null
};
void trace_output_show(struct arena *arena, struct str stored, struct trace_output *out);

#endif
