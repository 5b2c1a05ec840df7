// From spans to rows of history (spec 06 §8.2).
#include "history/run_history.h"

#include <stdlib.h>

#include "base/hash.h"
#include "history/runs_internal.h"

struct making {
	struct arena *arena;
	const struct history_subject *of;
	const struct trace_spans *spans;
	struct history_rows *out;
};

static struct history_row *add(struct making *making, const char *type, int64_t at_ns, const struct span *span) {
	struct history_rows *rows = making->out;
	if (rows->count == rows->cap) {
		size_t cap = rows->cap == 0 ? 32 : rows->cap * 2;
		struct history_row *grown = ARENA_ARRAY(making->arena, struct history_row, cap);
		if (rows->count > 0) memcpy(grown, rows->items, rows->count * sizeof *grown);
		rows->items = grown;
		rows->cap = cap;
	}
	struct history_row *row = &rows->items[rows->count];
	*row = (struct history_row){
		.of = making->of, .type = type, .at_ns = at_ns, .span = span, .order = rows->count++};
	return row;
}

// Ids are derived, so that the same row has the same id whenever somebody looks.
static struct ulid row_id(struct arena *arena, const struct history_row *row) {
	char run_id[ULID_TEXT_LEN + 1];
	ulid_text(&row->of->run->id, run_id);
	struct str span_id = row->span != NULL ? row->span->id : STR("");
	struct str seed = arena_printf(arena, "%s/%s/%.*s", run_id, row->type, STR_ARG(span_id));
	uint8_t hash[32];
	hash_sha256(seed, hash);
	return ulid_make(row->at_ns > 0 ? (uint64_t)row->at_ns / 1000000 : 0, hash);
}

// `span`: whose answer it is; NULL: not known.
static void set_result(struct history_row *row, const struct span *span, int64_t from_ns, int64_t to_ns) {
	row->has_result = true;
	row->size_bytes = span != NULL && span->has_output_bytes ? span->output_bytes : 0;
	row->duration_ms = to_ns > from_ns ? (to_ns - from_ns) / 1000000 : 0;
}

// ---- the run -------------------------------------------------------------------------------------------------------

static void add_run(struct making *making) {
	const struct run_row *run = making->of->run;
	if (run->status == TRACE_RUN_SKIPPED) {
		(void)add(making, "FunctionSkipped", run->queued_ns, NULL);
		return;
	}
	(void)add(making, "FunctionScheduled", run->queued_ns, NULL);
	if (run->started_ns != RUN_NO_TIME) (void)add(making, "FunctionStarted", run->started_ns, NULL);
}

static const struct span *root_of(const struct trace_spans *spans) {
	for (size_t i = 0; i < spans->count; i++)
		if (spans->spans[i].kind == SPAN_RUN) return &spans->spans[i];
	return NULL;
}

static void add_end(struct making *making) {
	const struct run_row *run = making->of->run;
	if (!run_row_is_over(run) || run->ended_ns == RUN_NO_TIME) return;
	if (run->status == TRACE_RUN_CANCELLED) {
		add(making, "FunctionCancelled", run->ended_ns, NULL)->cause = root_of(making->spans);
		return;
	}
	bool failed = run->status == TRACE_RUN_FAILED;
	struct history_row *row = add(making, failed ? "FunctionFailed" : "FunctionCompleted", run->ended_ns, NULL);
	set_result(row, root_of(making->spans), run->started_ns != RUN_NO_TIME ? run->started_ns : run->queued_ns,
		   run->ended_ns);
}

// ---- requests ------------------------------------------------------------------------------------------------------

static const char *step_type_of(const struct span *span) {
	if (str_eq(span->run_type, STR("step.sendEvent"))) return "Send";
	switch (span->op) {
	case OPCODE_STEP:
	case OPCODE_STEP_RUN:
	case OPCODE_STEP_ERROR:
	case OPCODE_STEP_FAILED:
		return "Run";
	case OPCODE_SLEEP:
		return "Sleep";
	case OPCODE_WAIT_FOR_EVENT:
	case OPCODE_WAIT_FOR_SIGNAL:
		return "Wait";
	default:
		return NULL;
	}
}

// Whether another attempt of the same request was made, or is to be made.
static bool is_retried(const struct span *span) {
	return span->max_attempts > 0 && span->attempt + 1 < span->max_attempts;
}

static bool has_failed(const struct span *span) {
	return (span->status == SPAN_FAILED || span->status == SPAN_ERRORED) && span->op != OPCODE_STEP_FAILED;
}

static void add_execution(struct making *making, const struct span *span) {
	// The first attempt is scheduled with its request.
	if (span->attempt > 0 && span->queued_ns != 0) {
		struct history_row *retry = add(making, "StepScheduled", span->queued_ns, span);
		retry->step_name = span->step_name.len > 0 ? span->step_name : STR("step");
	}
	if (span->started_ns == 0) return;
	add(making, "StepStarted", span->started_ns, span)->step_name = STR("step");
	if (span->ended_ns == 0) return;
	const char *type = !has_failed(span) ? "StepCompleted" : is_retried(span) ? "StepErrored" : "StepFailed";
	struct history_row *row = add(making, type, span->ended_ns, span);
	set_result(row, span, span->started_ns, span->ended_ns);
	bool is_single = span->op != OPCODE_NONE && span->op != OPCODE_STEP_FAILED && span->step_name.len > 0;
	row->step_name = is_single ? span->step_name : STR("step");
	row->step_type = is_single ? step_type_of(span) : NULL;
}

static bool is_first_request(const struct making *making, const struct span *span) {
	for (size_t i = 0; i < making->spans->count; i++)
		if (making->spans->spans[i].kind == SPAN_DISCOVERY) return &making->spans->spans[i] == span;
	return false;
}

static void add_request(struct making *making, const struct span *span) {
	if (span->queued_ns != 0 && !is_first_request(making, span))
		(void)add(making, "StepScheduled", span->queued_ns, span);
}

// ---- steps ---------------------------------------------------------------------------------------------------------

static void add_wait(struct making *making, const struct span *span) {
	const char *begun = span->op == OPCODE_SLEEP             ? "StepSleeping"
			    : span->op == OPCODE_INVOKE_FUNCTION ? "StepInvoking"
								 : "StepWaiting";
	int64_t from_ns = span->started_ns != 0 ? span->started_ns : span->queued_ns;
	struct history_row *row = add(making, begun, from_ns, span);
	row->step_name = span->step_name;
	row->step_type = step_type_of(span);
	if (span->ended_ns == 0 || span->op == OPCODE_SLEEP) return; // what comes after a sleep is a request
	bool failed =
		span->op == OPCODE_INVOKE_FUNCTION && (span->status == SPAN_ERRORED || span->status == SPAN_FAILED);
	row = add(making, failed ? "StepFailed" : "StepCompleted", span->ended_ns, span);
	row->step_name = span->step_name;
	row->step_type = step_type_of(span);
}

// A step that was reported while a request went on has no request of its own, and so no group.
static void add_reported(struct making *making, const struct span *span) {
	if (span->group_id.len > 0 || span->ended_ns == 0) return;
	bool failed = span->status == SPAN_FAILED || span->status == SPAN_ERRORED;
	struct history_row *row = add(making, failed ? "StepFailed" : "StepCompleted", span->ended_ns, span);
	row->step_name = span->step_name;
	row->step_type = step_type_of(span);
	set_result(row, span, span->started_ns, span->ended_ns);
}

static void add_step(struct making *making, const struct span *span) {
	switch (span->op) {
	case OPCODE_SLEEP:
	case OPCODE_WAIT_FOR_EVENT:
	case OPCODE_WAIT_FOR_SIGNAL:
	case OPCODE_INVOKE_FUNCTION:
		add_wait(making, span);
		break;
	default:
		add_reported(making, span);
	}
}

static int oldest_first(const void *a, const void *b) {
	const struct history_row *left = a, *right = b;
	if (left->at_ns != right->at_ns) return left->at_ns < right->at_ns ? -1 : 1;
	return left->order < right->order ? -1 : left->order > right->order;
}

void history_rows_make(struct arena *arena, const struct history_subject *of, const struct trace_spans *spans,
		       struct history_rows *out) {
	struct making making = {.arena = arena, .of = of, .spans = spans, .out = out};
	*out = (struct history_rows){.count = 0};
	add_run(&making);
	for (size_t i = 0; i < spans->count; i++) {
		const struct span *span = &spans->spans[i];
		if (span->kind == SPAN_EXECUTION) add_execution(&making, span);
		if (span->kind == SPAN_DISCOVERY) add_request(&making, span);
		if (span->kind == SPAN_STEP) add_step(&making, span);
	}
	add_end(&making);
	qsort(out->items, out->count, sizeof *out->items, oldest_first);
	for (size_t i = 0; i < out->count; i++) out->items[i].id = row_id(arena, &out->items[i]);
}
