// The spans of a run as rows, with their texts.
#include <stdlib.h>

#include "engine/step_record.h"
#include "history/defers.h"
#include "history/hand_over_internal.h"
#include "history/step_range.h"
#include "model/limits.h"

// ---- texts ---------------------------------------------------------------------------------------------------------

static int compare_steps(const void *a, const void *b) {
	const struct hand_over_step *left = a, *right = b;
	return str_cmp(left->id, right->id);
}

static enum err find_steps(struct hand_over_run *run) {
	sqlite3_stmt *row = run->of->sql[HAND_OVER_STEPS];
	struct rows steps = {.arena = &run->arena, .row_size = sizeof(struct hand_over_step)};
	struct step_range range;
	enum err err = ERR_OK;
	if (row == NULL) return ERR_OK;
	step_range_bind(row, &run->id, &range);
	while (sql_row(row, &err, run->of->error)) {
		struct step_record record;
		if (step_record_read(sql_bytes(row, 0), &record, NULL) != ERR_OK || record.is_input) continue;
		struct hand_over_step *step = rows_add(&steps);
		step->id = arena_dup(&run->arena, record.id);
		step->body_id = sqlite3_column_int64(row, 1);
	}
	run->steps = (struct hand_over_step *)(void *)steps.items;
	run->step_count = steps.count;
	if (steps.count > 0) qsort(run->steps, run->step_count, sizeof *run->steps, compare_steps);
	return err;
}

static enum err step_text(struct hand_over_run *run, struct arena *arena, struct str id, struct str *out) {
	const struct hand_over_step wanted = {.id = id}, *step = NULL;
	sqlite3_stmt *row = run->of->sql[HAND_OVER_BODY];
	enum err err = ERR_OK;
	if (run->step_count > 0)
		step = bsearch(&wanted, run->steps, run->step_count, sizeof *run->steps, compare_steps);
	if (step == NULL) return ERR_OK;
	sqlite3_bind_int64(row, 1, step->body_id);
	while (sql_row(row, &err, run->of->error)) *out = arena_dup(arena, sql_bytes(row, 0));
	return err;
}

enum err hand_over_text(struct hand_over_run *run, struct arena *arena, const struct span_text *text, struct str *out) {
	*out = (struct str){NULL, 0};
	if (text->source == SPAN_NOTHING) return ERR_OK;
	if (text->source == SPAN_OF_STEP) return step_text(run, arena, text->text, out);
	enum err err = history_trace_text(run->of->reader, arena, &run->id, text, out, run->of->error);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

// ---- rows ----------------------------------------------------------------------------------------------------------

static struct str ids_json(struct arena *arena, const struct ulid *ids, size_t count) {
	struct buf out;
	buf_init(&out, SIZE_MAX);
	for (size_t i = 0; i < count; i++) {
		char text[ULID_TEXT_LEN + 1];
		ulid_text(&ids[i], text);
		buf_printf(&out, "%s\"%s\"", i == 0 ? "[" : ",", text);
	}
	buf_lit(&out, "]");
	struct str json = count > 0 ? arena_dup(arena, buf_view(&out)) : STR("[]");
	buf_free(&out);
	return json;
}

static struct str event_ids_json(struct hand_over_run *run) {
	return ids_json(&run->arena, run->event_ids, run->event_count);
}

static bool is_deferred(const struct hand_over_run *run) {
	return (run->trace.run.flags & RUN_ROW_DEFERRED) != 0;
}

static struct str go_time(struct buf *buf, int64_t ns) {
	buf_clear(buf);
	date_format_go(buf, ns);
	return buf_view(buf);
}

// `event_ids`: of the root's first row only.
static enum err write_row(struct hand_over_run *run, struct arena *scratch, const struct span_row_out *item,
			  struct str event_ids) {
	struct hand_over *h = run->of;
	const struct span_row *row = &item->row;
	sqlite3_stmt *insert = h->sql[HAND_OVER_SPAN];
	struct str output, input;
	enum err err = hand_over_text(run, scratch, &item->output, &output);
	if (err == ERR_OK) err = hand_over_text(run, scratch, &item->input, &input);
	if (err != ERR_OK) return err;
	sql_bind_text(insert, 1, row->span_id);
	sql_bind_text(insert, 2, row->trace_id);
	sql_bind_text(insert, 3, row->parent_id);
	sql_bind_text(insert, 4, row->name);
	sql_bind_text(insert, 5, go_time(&h->start, row->start_ns));
	sql_bind_text(insert, 6, go_time(&h->end, row->end_ns));
	sql_bind_text(insert, 7, row->attributes);
	sql_bind_text(insert, 8, row->dynamic_id);
	sql_bind_text(insert, 9, str_from_cstr(run->app_id));
	sql_bind_text(insert, 10, str_from_cstr(run->function_id));
	sql_bind_text(insert, 11, str_from_cstr(run->id_text));
	sql_bind_text_or_null(insert, 12, output);
	sql_bind_text_or_null(insert, 13, row->debug_run_id);
	sql_bind_text_or_null(insert, 14, row->debug_session_id);
	sql_bind_text_or_null(insert, 15, row->status);
	sql_bind_text_or_null(insert, 16, input);
	sql_bind_text_or_null(insert, 17, event_ids);
	sqlite3_bind_int64(insert, 18, row->rank);
	if (event_ids.len > 0 && is_deferred(run))
		sqlite3_bind_int(insert, 19, 1);
	else
		sqlite3_bind_null(insert, 19);
	h->bytes += row->attributes.len + output.len + input.len;
	err = sql_run(insert, h->error);
	if (err == ERR_OK && sqlite3_changes(h->db) > 0) h->counts->spans++;
	return err;
}

static enum err write_span(struct hand_over_run *run, const struct span_rows_run *common, const struct span *span) {
	struct span_row_out rows[SPAN_ROWS_MAX];
	struct arena scratch;
	arena_init(&scratch, 4096);
	size_t count = span_rows_of_span(&scratch, common, span, &run->number, rows);
	enum err err = ERR_OK;
	for (size_t i = 0; i < count && err == ERR_OK; i++) {
		bool is_root = span->kind == SPAN_RUN && i == 0;
		err = write_row(run, &scratch, &rows[i], is_root ? event_ids_json(run) : (struct str){NULL, 0});
	}
	arena_free(&scratch);
	return err;
}

static enum err write_metadata(struct hand_over_run *run, const struct span_rows_run *common,
			       const struct span_metadata *metadata) {
	struct span_row_out row;
	struct arena scratch;
	arena_init(&scratch, 4096);
	span_row_of_metadata(&scratch, common, metadata, &run->number, &row);
	enum err err = write_row(run, &scratch, &row, (struct str){NULL, 0});
	arena_free(&scratch);
	return err;
}

// ---- ids that records name -----------------------------------------------------------------------------------------

struct named {
	struct str *ids;
	size_t count;
};

static int compare_ids(const void *a, const void *b) {
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

// What the records and the spans that have come in hang on.
static enum err find_named(struct hand_over_run *run, struct named *out) {
	sqlite3_stmt *row = run->of->sql[HAND_OVER_NAMED];
	struct rows ids = {.arena = &run->arena, .row_size = sizeof(struct str)};
	enum err err = ERR_OK;
	sql_bind_text(row, 1, str_from_cstr(run->id_text));
	while (sql_row(row, &err, run->of->error)) *(struct str *)rows_add(&ids) = sql_text(row, 0, &run->arena);
	*out = (struct named){(struct str *)(void *)ids.items, ids.count};
	if (ids.count > 0) qsort(out->ids, out->count, sizeof *out->ids, compare_ids);
	return err;
}

static bool is_named(const struct named *named, struct str id) {
	return named->count > 0 && bsearch(&id, named->ids, named->count, sizeof id, compare_ids) != NULL;
}

static enum err write_aliases(struct hand_over_run *run, const struct span_rows_run *common, const struct named *named,
			      const struct span *span) {
	enum err err = ERR_OK;
	for (size_t i = 0; i < span->row_id_count && err == ERR_OK; i++) {
		if (!is_named(named, span->row_ids[i])) continue;
		struct span_row_out row;
		span_row_of_alias(&run->arena, common, span, span->row_ids[i], &row);
		err = write_row(run, &run->arena, &row, (struct str){NULL, 0});
	}
	return err;
}

// ---- the run -------------------------------------------------------------------------------------------------------

static void add_batch(struct buf *root, const struct run_row *row) {
	char text[ULID_TEXT_LEN + 1];
	if (ulid_is_zero(&row->batch_id)) return;
	ulid_text(&row->batch_id, text);
	span_rows_add_text(root, "batch.id", str_from_cstr(text));
	span_rows_add_json(root, "batch.ts", STR("\""));
	buf_u64(root, ulid_time_ms(&row->batch_id));
	buf_byte(root, '"');
}

static enum err find_parents(struct hand_over_run *run, struct str *out) {
	struct ulid *parents;
	size_t count = 0;
	enum err err = ERR_OK;
	if (is_deferred(run))
		err = history_deferred_from(run->of->reader, &run->arena, &run->id, &parents, &count, run->of->error);
	*out = count > 0 ? ids_json(&run->arena, parents, count) : (struct str){NULL, 0};
	return err;
}

// What only the root's first row says (06 §13: identity, trigger, run facts).
static struct str root_attributes(struct hand_over_run *run, struct str parents) {
	const struct run_row *row = &run->trace.run;
	struct buf root;
	char text[ULID_TEXT_LEN + 1];
	buf_init(&root, SIZE_MAX);
	if (run->app_name.len > 0) span_rows_add_text(&root, "app.name", run->app_name);
	if (run->function_name.len > 0) span_rows_add_text(&root, "function.name", run->function_name);
	if (run->trace.subject.function_slug.len > 0)
		span_rows_add_text(&root, "function.slug", run->trace.subject.function_slug);
	span_rows_add_json(&root, "function.version", STR(""));
	buf_i64(&root, run->subject.function_version);
	span_rows_add_json(&root, "event.ids", event_ids_json(run));
	if (row->event_name.len > 0) span_rows_add_text(&root, "event.trigger.name", row->event_name);
	if (row->cron.len > 0) span_rows_add_text(&root, "cron.schedule", row->cron);
	add_batch(&root, row);
	if (!ulid_is_zero(&row->original_run_id)) {
		ulid_text(&row->original_run_id, text);
		span_rows_add_text(&root, "run.replay_original_run_id", str_from_cstr(text));
	}
	if (parents.len > 0) span_rows_add_json(&root, "defer.parent_run_ids", parents);
	struct str out = arena_dup(&run->arena, buf_view(&root));
	buf_free(&root);
	return out;
}

static enum err write_spans(struct hand_over_run *run) {
	struct str parents;
	enum err err = find_parents(run, &parents);
	if (err != ERR_OK) return err;
	const struct span_rows_run common = {.id = run->id,
					     .account_id = STR(ACCOUNT_ID),
					     .env_id = STR(ENV_ID),
					     .app_id = str_from_cstr(run->app_id),
					     .function_id = str_from_cstr(run->function_id),
					     .root = root_attributes(run, parents)};
	const struct trace_spans *spans = &run->trace.spans;
	struct named named;
	err = find_named(run, &named);
	for (size_t i = 0; i < spans->count && err == ERR_OK; i++) {
		err = write_span(run, &common, &spans->spans[i]);
		if (err == ERR_OK) err = write_aliases(run, &common, &named, &spans->spans[i]);
	}
	for (size_t i = 0; i < spans->metadata_count && err == ERR_OK; i++)
		err = write_metadata(run, &common, &spans->metadata[i]);
	return err;
}

enum err hand_over_spans(struct hand_over_run *run) {
	sqlite3_stmt *clear = run->of->sql[HAND_OVER_SPANS_DELETE];
	sql_bind_text(clear, 1, str_from_cstr(run->id_text));
	enum err err = sql_run(clear, run->of->error);
	if (err == ERR_OK) err = find_steps(run);
	return err == ERR_OK ? write_spans(run) : err;
}
