// Logical spans of a run (spec 06 §13): one for each thing that people see in a trace, whatever it was stored as. Made
// from trace facts (facts.c, our own runs) or from rows of the reference server's table `spans` (rows.c), which also
// has what comes in from outside: metadata and userland spans.
//
// Plain data in one arena; no I/O, any thread.
#ifndef INNGEST_TRACE_SPAN_H
#define INNGEST_TRACE_SPAN_H

#include "base/arena.h"
#include "base/error.h"
#include "model/opcode.h"
#include "model/trace_fact.h"
#include "trace/ids.h"

enum span_kind { // 06 §13 "name"
	SPAN_RUN,
	SPAN_DISCOVERY, // one for each queued request to the app
	SPAN_EXECUTION, // one for each attempt of it
	SPAN_STEP,
	SPAN_NONSTEP, // a result of the function itself
	SPAN_USERLAND,
	SPAN_OTHER,
	SPAN_KIND_COUNT,
};
extern const char *const span_kind_names[SPAN_KIND_COUNT]; // executor.run, …; NULL for SPAN_OTHER

enum span_status { // 06 §13; names as stored
	SPAN_STATUS_NONE,
	SPAN_UNKNOWN,
	SPAN_SCHEDULED,
	SPAN_QUEUED,
	SPAN_RUNNING,
	SPAN_WAITING,
	SPAN_SLEEPING,
	SPAN_INVOKING,
	SPAN_COMPLETED,
	SPAN_FAILED,
	SPAN_ERRORED,
	SPAN_CANCELLED,
	SPAN_TIMED_OUT,
	SPAN_SKIPPED,
	SPAN_STATUS_COUNT,
};
extern const char *const span_status_names[SPAN_STATUS_COUNT]; // NULL for the first
enum span_status span_status_of(struct str name);              // SPAN_STATUS_NONE when it is none

// Where the text of an output or input is. It is only fetched when somebody asks for it (06 §17).
enum span_source {
	SPAN_NOTHING,
	SPAN_INLINE,       // `text`
	SPAN_OF_STEP,      // memoised value of the step `text`
	SPAN_OF_RUN,       // the run's output
	SPAN_OF_EVENTS,    // the array of the run's events
	SPAN_OF_ROW,       // column `output` of the row in `spans` whose id is `text`
	SPAN_OF_ROW_INPUT, // its column `input`
};
struct span_text {
	enum span_source source;
	struct str text;
	struct str row_id; // `sid` or `in_sid` of the output id (06 §17.1)
	bool is_result;    // SPAN_OF_RUN of a run that has failed: an error
};

enum tristate { UNSET, NO, YES };

struct span {
	enum span_kind kind;
	struct str id;     // logical ("dynamic") id, 16 hex digits
	struct str parent; // id or row id of the parent; empty or SPAN_ID_NONE: root
	struct str trace_id;
	struct str name;     // stored name: that of the kind; of a userland span its own
	struct str *row_ids; // other ids that mean this span
	size_t row_id_count;
	enum span_status status;
	uint32_t rank; // order among spans that start at the same moment, before their ids; 0: none (rows)
	int64_t first_ns,
		last_ns; // of its rows: earliest start, latest end (§15.1 step 1, before started_at and ended_at)
	// Attributes; times in nanoseconds, 0: not set.
	int64_t queued_ns, scheduled_ns, started_ns, ended_ns;
	bool has_attempt, is_dropped, is_output; // executor.drop; is.function.output
	uint32_t attempt, max_attempts;
	struct str group_id;                     // empty: none
	struct str step_id, step_name, run_type; // empty: none
	enum opcode_kind op;                     // OPCODE_NONE: none
	bool has_response;                       // a status, with or without headers
	bool has_headers;
	int status_code;
	struct str headers; // JSON object
	bool has_output_bytes;
	uint32_t output_bytes; // of the reply's body; of a step that was reported without one: of its result
	struct span_text input, output;
	struct str output_ref; // takes its output from the span with this id; empty: none
	// waiting
	bool has_sleep, has_expiry;
	int64_t sleep_ms, expiry_ns;
	enum tristate is_expired;
	struct str wait_event, wait_expression, signal, invoke_function; // empty: none
	struct str trigger_event_id, matched_event_id, invoke_run_id; // ULID text; finish event of an invoke is matched
	// the run
	struct str skip_reason, skip_existing_run_id, debug_run_id, debug_session_id;
	// userland
	struct str user_kind, service_name, scope_name, scope_version, user_attributes; // attributes: JSON object
};

// One metadata record (06 §18), in the order of writing.
struct span_metadata {
	struct str parent;          // logical id or row id of the span that it hangs on
	struct str scope, kind, op; // step_attempt, inngest.ai, merge
	struct str values;          // JSON object
	int64_t updated_ns;
};

struct trace_spans {
	struct span *spans; // as they came about
	size_t count;
	struct span_metadata *metadata;
	size_t metadata_count;
};

// ---- of our own runs (facts.c) -------------------------------------------------------------------------------------

enum trace_run_status { // also enum codes of the run list
	TRACE_RUN_QUEUED = 100,
	TRACE_RUN_RUNNING = 200,
	TRACE_RUN_COMPLETED = 300,
	TRACE_RUN_FAILED = 400,
	TRACE_RUN_CANCELLED = 500,
	TRACE_RUN_SKIPPED = 600,
};
// A step whose result is memoised.
struct trace_step {
	struct str id, name;
	enum opcode_kind op;
	uint32_t bytes; // of its result
};
// What is known of a run.
struct trace_run {
	struct ulid id;
	struct uuid app_id, function_id;
	enum trace_run_status status;
	uint64_t scheduled_ms;         // 0: as its id says; else the planned start, or later
	uint64_t started_ms, ended_ms; // 0: not yet
	bool has_output;               // a function_finishes row with an output
	struct str skip_reason, skip_existing_run_id;
	struct str debug_run_id, debug_session_id;
	const struct trace_fact *facts;
	size_t fact_count;
	const struct trace_step *steps;
	size_t step_count;
	const struct trace_live *live; // of a run under way
	size_t live_count;
};
// The spans of §14, and the metadata that the server itself knows (timings, AI, HTTP, experiments; 06 §18.2).
void trace_spans_of_facts(struct arena *arena, const struct trace_run *run, struct trace_spans *out);

// ---- of rows (rows.c) ----------------------------------------------------------------------------------------------

struct span_row { // of the table `spans`; empty texts for NULL
	struct str span_id, trace_id, parent_id, dynamic_id, name, status;
	int64_t start_ns, end_ns;
	struct str attributes; // JSON object, or a string with one
	bool has_output, has_input;
	struct str debug_run_id, debug_session_id;
	bool is_made;  // of facts (span_rows.h)
	uint32_t rank; // as in struct span; of such a row
};
// Adds to `out`. Rows may come in any order, but of metadata that was written at the same moment the earlier comes
// first. Rows that cannot be read are left out.
void trace_spans_of_rows(struct arena *arena, const struct span_row *rows, size_t count, struct trace_spans *out);

#endif
