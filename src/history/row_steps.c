// Steps of a run that has left no records, from its spans (spec 03 §21.2): in the order of their completion, as in the
// records (03 §7.2).
#include <stdlib.h>

#include "history/row_steps.h"
#include "history/traces.h"
#include "model/limits.h"

struct done {
	const struct span *span;
	size_t index;
};

static bool is_wait(enum opcode_kind op) {
	return op == OPCODE_SLEEP || op == OPCODE_WAIT_FOR_EVENT || op == OPCODE_WAIT_FOR_SIGNAL ||
	       op == OPCODE_INVOKE_FUNCTION;
}

// Attempts that failed and were made again have spans of their own.
static bool is_done(const struct span *span) {
	if (span->kind != SPAN_STEP || span->step_id.len == 0 || span->step_id.len > STEP_ID_MAX) return false;
	if (span->status == SPAN_COMPLETED || span->status == SPAN_FAILED || span->status == SPAN_TIMED_OUT)
		return true;
	return span->status == SPAN_ERRORED && is_wait(span->op);
}

static int compare_done(const void *a, const void *b) {
	const struct done *left = a, *right = b;
	if (left->span->ended_ns != right->span->ended_ns) return left->span->ended_ns < right->span->ended_ns ? -1 : 1;
	return (left->index > right->index) - (left->index < right->index);
}

// ERR_NOT_FOUND: there is none.
static enum err value_of(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
			 const struct span *span, struct str *out, struct error *error) {
	bool is_null = span->op == OPCODE_SLEEP ||
		       (span->output.source == SPAN_NOTHING && is_wait(span->op) && span->op != OPCODE_INVOKE_FUNCTION);
	*out = STR("null");
	return is_null ? ERR_OK : history_trace_text(reader, arena, run_id, &span->output, out, error);
}

static enum err add_steps(struct history_reader *reader, const struct ulid *run_id, const struct done *done,
			  size_t count, struct rows *out, struct error *error) {
	for (size_t i = 0; i < count; i++) {
		const struct span *span = done[i].span;
		struct str value;
		enum err err = value_of(reader, out->arena, run_id, span, &value, error);
		if (err == ERR_NOT_FOUND) continue; // it is run again
		if (err != ERR_OK) return err;
		*(struct history_step *)rows_add(out) = (struct history_step){
			.id = span->step_id, .name = span->step_name, .op = span->op, .value = value};
	}
	return ERR_OK;
}

enum err row_steps(struct history_reader *reader, const struct ulid *run_id, struct rows *out, struct error *error) {
	struct trace_loaded trace;
	enum err err = history_trace(reader, out->arena, run_id, NULL, 0, &trace, error);
	if (err != ERR_OK) return err == ERR_NOT_FOUND ? ERR_OK : err;
	struct done *done = ARENA_ARRAY(out->arena, struct done, trace.spans.count);
	size_t count = 0;
	for (size_t i = 0; i < trace.spans.count; i++)
		if (is_done(&trace.spans.spans[i])) done[count++] = (struct done){&trace.spans.spans[i], i};
	if (count > 0) qsort(done, count, sizeof *done, compare_done);
	return add_steps(reader, run_id, done, count, out, error);
}
