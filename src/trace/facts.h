// What the files that make spans of facts share. Private to this layer.
#ifndef INNGEST_TRACE_FACTS_H
#define INNGEST_TRACE_FACTS_H

#include "trace/builder.h"

struct step_node {
	struct map_node by_id;
	const struct trace_step *step;
};

struct facts {
	struct span_builder spans;
	struct arena *arena;
	const struct trace_run *run;
	struct str trace_id, root_id; // of all spans; of the root
	struct map steps;             // memoised
	const struct trace_fact *end; // call whose answer ended the run, or the last one; NULL: none
	size_t metadata_bytes;        // that ops have brought
};

// One attempt of a queue item, over or under way.
struct request {
	uint64_t job, parent_job;
	uint64_t queued_ms, due_ms, started_ms;
	uint32_t attempt, max_attempts, told_attempt;
	bool is_planned;
	struct str slept;
};

// ---- facts.c ----

struct span *facts_span(struct facts *facts, enum span_kind kind, const struct span_id *id, struct str parent,
			bool *is_new);
struct str facts_text(struct facts *facts, const struct span_id *id);
// Of a queue item; empty for none.
struct str facts_group(struct facts *facts, uint64_t job);
struct str facts_ulid(struct facts *facts, const struct ulid *id); // empty for zeros
// NULL: it has no result, or not yet.
const struct trace_step *facts_step(const struct facts *facts, struct str step_id);
// That the text is the step's result, the run's output, or nothing when there is none; `span` is whose output it is.
struct span_text facts_step_output(const struct facts *facts, struct str step_id, const struct span *span);
struct span_text facts_run_output(const struct facts *facts, const struct span *span);
struct span_text facts_inline(struct str text, const struct span *span);
bool facts_is_result(const struct trace_fact *call); // an answer of the function itself

// ---- facts_call.c: calls to the app and what they reported ----

void facts_call(struct facts *facts, const struct trace_fact *fact);
void facts_live(struct facts *facts, const struct trace_live *live);

// ---- facts_step.c: steps that were run ----

struct op_context {
	uint64_t at_ms;
	const struct request *request; // NULL: a checkpoint
	bool will_retry;
};
void facts_op(struct facts *facts, const struct op_context *context, const struct trace_op *op);
void facts_checkpoint(struct facts *facts, const struct trace_fact *fact);
// What an op says of its step; also on the execution and the root.
void facts_op_attributes(struct span *span, const struct trace_op *op);
bool facts_is_error_op(enum opcode_kind op);
bool facts_is_gateway(enum opcode_kind op);
bool facts_is_done(const struct facts *facts, struct str step_id); // of a gateway's

// ---- facts_wait.c: sleeps, waits and invokes ----

void facts_wait(struct facts *facts, const struct trace_fact *fact);
void facts_resumed(struct facts *facts, const struct trace_fact *fact);
void facts_invoked(struct facts *facts, const struct trace_fact *fact);

void facts_start_with_sleep(const struct facts *facts, struct span *span, struct str slept);

// ---- facts_metadata.c ----

void facts_timing(struct facts *facts, const struct trace_fact *call, const struct span *execution);
// What the app said of an op whose span is `span`; NULL: it makes none itself. Waits that are reported again, as apps
// do when they are asked once more, say nothing new.
void facts_op_metadata(struct facts *facts, const struct trace_op *op, const struct span *span, uint64_t at_ms);

#endif
