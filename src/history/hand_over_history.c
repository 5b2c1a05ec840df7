// The rows of the table `history` (spec 09 §4.5) of a run.
#include <inttypes.h>

#include "history/hand_over_internal.h"

// The columns with JSON, in the order of the table.
enum part { CANCEL, SLEEP, WAIT, WAIT_RESULT, INVOKE, INVOKE_RESULT, RESULT, PART_COUNT };
#define PART_FIRST 16 // parameter of the first one

struct writing {
	struct hand_over_run *run;
	struct arena scratch;
	const struct history_row *row;
	struct buf parts[PART_COUNT]; // empty: null
};

static bool is_type(const struct history_row *row, const char *type) {
	return strcmp(row->type, type) == 0;
}

static bool is_of_step(const struct history_row *row) {
	return row->span != NULL && row->span->kind == SPAN_STEP;
}

// ---- JSON ----------------------------------------------------------------------------------------------------------

static void put_text(struct buf *out, const char *before, struct str text) {
	buf_str(out, str_from_cstr(before));
	if (text.len > 0)
		buf_json_str(out, text);
	else
		buf_lit(out, "null");
}

static void put_time(struct buf *out, const char *before, int64_t ns) {
	buf_str(out, str_from_cstr(before));
	buf_byte(out, '"');
	date_format_rfc3339(out, ns);
	buf_byte(out, '"');
}

static void put_timed_out(struct buf *out, const struct span *span) {
	buf_printf(out, ",\"timeout\":%s}", span->is_expired == YES ? "true" : "false");
}

static void put_begun(struct writing *w) {
	const struct span *span = w->row->span;
	struct buf *out = w->parts;
	if (is_type(w->row, "StepSleeping")) {
		put_time(&out[SLEEP], "{\"until\":", span->queued_ns + span->sleep_ms * NS_PER_MS);
		buf_byte(&out[SLEEP], '}');
	} else if (is_type(w->row, "StepWaiting") && span->op == OPCODE_WAIT_FOR_EVENT) {
		put_text(&out[WAIT], "{\"event_name\":", span->wait_event);
		put_text(&out[WAIT], ",\"expression\":", span->wait_expression);
		put_time(&out[WAIT], ",\"timeout\":", span->expiry_ns);
		buf_byte(&out[WAIT], '}');
	} else if (is_type(w->row, "StepInvoking")) {
		struct str correlation = arena_printf(&w->scratch, "%s.%.*s", w->run->id_text, STR_ARG(span->step_id));
		put_text(&out[INVOKE], "{\"correlation_id\":", correlation);
		put_text(&out[INVOKE], ",\"event_id\":", span->trigger_event_id);
		put_text(&out[INVOKE], ",\"function_id\":", span->invoke_function);
		put_time(&out[INVOKE], ",\"timeout\":", span->expiry_ns);
		buf_byte(&out[INVOKE], '}');
	}
}

static void put_ended(struct writing *w) {
	const struct span *span = w->row->span;
	struct buf *out = w->parts;
	if (!is_type(w->row, "StepCompleted") && !is_type(w->row, "StepFailed")) return;
	if (span->op == OPCODE_INVOKE_FUNCTION) {
		put_text(&out[INVOKE_RESULT], "{\"event_id\":", span->matched_event_id);
		put_text(&out[INVOKE_RESULT], ",\"run_id\":", span->invoke_run_id);
		put_timed_out(&out[INVOKE_RESULT], span);
	} else if (span->op == OPCODE_WAIT_FOR_EVENT || span->op == OPCODE_WAIT_FOR_SIGNAL) {
		put_text(&out[WAIT_RESULT], "{\"event_id\":", span->matched_event_id);
		put_timed_out(&out[WAIT_RESULT], span);
	}
}

// What the function returned, bare; a step's result as it is memoised.
static enum err output_of(struct writing *w, struct str *out) {
	const struct history_row *row = w->row;
	struct run_row *runs;
	size_t count;
	if (row->span != NULL) return hand_over_text(w->run, &w->scratch, &row->span->output, out);
	*out = (struct str){NULL, 0};
	enum err err = history_runs_by_id(w->run->of->reader, &w->scratch, &w->run->id, 1, true, &runs, &count,
					  w->run->of->error);
	if (err == ERR_OK && count > 0) *out = runs[0].output;
	return err;
}

static enum err put_result(struct writing *w) {
	const struct history_row *row = w->row;
	const struct history_subject *subject = &w->run->subject;
	struct buf *out = &w->parts[RESULT];
	bool is_invoke = is_of_step(row) && row->span->op == OPCODE_INVOKE_FUNCTION && w->parts[INVOKE_RESULT].len > 0;
	if (!row->has_result && !is_invoke) return ERR_OK;
	struct str output, none = {NULL, 0};
	enum err err = output_of(w, &output);
	if (err != ERR_OK) return err;
	bool is_answer = row->span != NULL && !is_invoke;
	buf_printf(out, "{\"response_duration_ms\":%" PRId64, row->duration_ms);
	buf_lit(out, ",\"error_code\":null,\"framework\":null,\"response_headers\":");
	buf_str(out, is_answer && row->span->has_headers ? row->span->headers : STR("null"));
	buf_lit(out, ",\"output\":");
	buf_json_str(out, output.len > 0 ? output : STR(""));
	put_text(out,
		 ",\"raw_output\":null,\"platform\":null,\"sdk_language\":", is_answer ? subject->sdk_language : none);
	put_text(out, ",\"sdk_version\":", is_answer ? subject->sdk_version : none);
	buf_printf(out, ",\"response_size_bytes\":%" PRId64 ",\"stack\":null}", row->size_bytes);
	return ERR_OK;
}

static enum err put_parts(struct writing *w) {
	for (size_t i = 0; i < PART_COUNT; i++) buf_clear(&w->parts[i]);
	if (is_type(w->row, "FunctionCancelled"))
		buf_lit(&w->parts[CANCEL], "{\"EventID\":null,\"Expression\":null,\"UserID\":null,"
					   "\"CancellationID\":null,\"ForceLifecycleHook\":false}");
	if (is_of_step(w->row)) put_begun(w);
	if (is_of_step(w->row)) put_ended(w);
	return put_result(w);
}

// ---- columns -------------------------------------------------------------------------------------------------------

// Of what was started: how long it had to wait.
static void bind_latency(sqlite3_stmt *insert, int index, const struct history_row *row) {
	int64_t from_ns = row->span == NULL              ? row->of->run->queued_ns
			  : row->span->scheduled_ns != 0 ? row->span->scheduled_ns
							 : row->span->queued_ns;
	bool is_start = is_type(row, "StepStarted") || is_type(row, "FunctionStarted");
	if (is_start && row->at_ns >= from_ns)
		sqlite3_bind_int64(insert, index, (row->at_ns - from_ns) / NS_PER_MS);
	else
		sqlite3_bind_null(insert, index);
}

static struct str step_id_of(const struct history_row *row) {
	const struct str none = {NULL, 0};
	if (row->span == NULL) return none;
	if (is_type(row, "StepScheduled")) return STR("step");
	if (is_of_step(row) && (is_type(row, "StepCompleted") || is_type(row, "StepFailed")) && !row->has_result)
		return none; // what was waited for
	bool is_step = row->span->step_id.len > 0 && !str_eq(row->step_name, STR("step"));
	return is_step ? row->span->step_id : STR("step");
}

static void bind_row(struct writing *w, sqlite3_stmt *insert) {
	struct hand_over_run *run = w->run;
	struct hand_over *h = run->of;
	const struct history_row *row = w->row;
	buf_clear(&h->start);
	date_format_go(&h->start, row->at_ns);
	sql_bind_ulid(insert, 1, &row->id);
	sql_bind_text(insert, 2, buf_view(&h->start));
	sql_bind_text(insert, 3, buf_view(&h->end)); // of the run
	sql_bind_text(insert, 4, str_from_cstr(run->function_id));
	sqlite3_bind_int64(insert, 5, run->subject.function_version);
	sql_bind_ulid(insert, 6, &run->id);
	sql_bind_ulid(insert, 7, &run->trace.run.event_id);
	sql_bind_ulid(insert, 8, &run->trace.run.batch_id);
	sql_bind_text_or_null(insert, 9, row->span != NULL ? row->span->group_id : (struct str){NULL, 0});
	sql_bind_text(insert, 10, arena_printf(&w->scratch, "%s:%s", run->function_id, run->id_text));
	sql_bind_text(insert, 11, str_from_cstr(row->type));
	sqlite3_bind_int64(insert, 12, row->span != NULL ? row->span->attempt : 0);
	bind_latency(insert, 13, row);
	sql_bind_text_or_null(insert, 14, row->step_name);
	sql_bind_text_or_null(insert, 15, step_id_of(row));
	for (int i = 0; i < PART_COUNT; i++)
		sql_bind_text(insert, PART_FIRST + i, w->parts[i].len > 0 ? buf_view(&w->parts[i]) : STR("null"));
	int after = PART_FIRST + PART_COUNT;
	sql_bind_text_or_null(insert, after, str_from_cstr(row->step_type));
	sql_bind_text_or_null(insert, after + 1, row->span != NULL ? run->subject.url : (struct str){NULL, 0});
}

static enum err write_row(struct hand_over_run *run, const struct history_row *row) {
	struct writing w = {.run = run, .row = row};
	sqlite3_stmt *insert = run->of->sql[HAND_OVER_HISTORY];
	arena_init(&w.scratch, 1024);
	for (size_t i = 0; i < PART_COUNT; i++) buf_init(&w.parts[i], SIZE_MAX);
	enum err err = put_parts(&w);
	if (err == ERR_OK) {
		bind_row(&w, insert);
		run->of->bytes += w.parts[RESULT].len;
		err = sql_run(insert, run->of->error);
	}
	if (err == ERR_OK) run->of->counts->history++;
	for (size_t i = 0; i < PART_COUNT; i++) buf_free(&w.parts[i]);
	arena_free(&w.scratch);
	return err;
}

enum err hand_over_history(struct hand_over_run *run) {
	struct hand_over *h = run->of;
	struct history_rows rows;
	sqlite3_stmt *clear = h->sql[HAND_OVER_HISTORY_DELETE];
	sql_bind_ulid(clear, 1, &run->id);
	enum err err = sql_run(clear, h->error);
	history_rows_make(&run->arena, &run->subject, &run->trace.spans, &rows);
	buf_clear(&h->end);
	date_format_go(&h->end, run->trace.run.queued_ns);
	for (size_t i = 0; i < rows.count && err == ERR_OK; i++) err = write_row(run, &rows.items[i]);
	return err;
}
