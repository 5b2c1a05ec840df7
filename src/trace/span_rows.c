#include "trace/span_rows.h"

#include "base/check.h"
#include "base/hash.h"
#include "trace/row_attributes.h"

#define ATTRIBUTES_MAX (16u << 20) // headers are the largest, and those have a maximum

// ---- ids and attributes that all rows have -------------------------------------------------------------------------

// Of an update or a record, which the reference server draws: rows of one moment are read in the order of their ids.
static struct str next_id(struct arena *arena, const struct span_rows_run *run, uint32_t *number) {
	uint64_t hash = hash_xxh64(str_make(run->id.bytes, sizeof run->id.bytes));
	return arena_printf(arena, "%08x%08x", (unsigned)(hash >> 32) | 1u, ++*number);
}

static void put_identity(struct buf *out, const struct span_rows_run *run) {
	char text[ULID_TEXT_LEN + 1];
	ulid_text(&run->id, text);
	row_attribute_text(out, "run.id", str_make(text, ULID_TEXT_LEN));
	row_attribute_text(out, "account.id", run->account_id);
	row_attribute_text(out, "env.id", run->env_id);
	if (run->app_id.len > 0) row_attribute_text(out, "app.id", run->app_id);
	if (run->function_id.len > 0) row_attribute_text(out, "function.id", run->function_id);
}

static struct str attributes_of(struct arena *arena, const struct span_rows_run *run, const struct span *before,
				const struct span *span) {
	struct buf out;
	buf_init(&out, ATTRIBUTES_MAX);
	buf_byte(&out, '{');
	put_identity(&out, run);
	row_attribute_text(&out, "dynamic.span.id", span->id);
	if (before != NULL) row_attribute_text(&out, "dynamic.trace.id", span->trace_id);
	if (before == NULL && span->kind == SPAN_RUN) buf_str(&out, run->root);
	row_attributes_append(&out, before, span);
	buf_byte(&out, '}');
	struct str text = out.overflow ? STR("{}") : arena_dup(arena, buf_view(&out));
	buf_free(&out);
	return text;
}

void span_rows_add_json(struct buf *root, const char *name, struct str json) {
	buf_printf(root, ",\"_inngest.%s\":", name);
	buf_str(root, json);
}

void span_rows_add_text(struct buf *root, const char *name, struct str value) {
	span_rows_add_json(root, name, STR(""));
	buf_json_str(root, value);
}

// ---- what was known when ------------------------------------------------------------------------------------------

static bool is_wait(const struct span *span) {
	return span->kind == SPAN_STEP && (span->op == OPCODE_SLEEP || span->op == OPCODE_WAIT_FOR_EVENT ||
					   span->op == OPCODE_WAIT_FOR_SIGNAL || span->op == OPCODE_INVOKE_FUNCTION);
}

static enum span_status status_at_first(const struct span *span) {
	if (span->status == SPAN_SKIPPED) return SPAN_SKIPPED;
	if (span->kind == SPAN_RUN) return SPAN_QUEUED;
	if (span->kind == SPAN_EXECUTION) return SPAN_RUNNING;
	if (span->op == OPCODE_SLEEP) return SPAN_SLEEPING;
	return span->op == OPCODE_INVOKE_FUNCTION ? SPAN_INVOKING : SPAN_WAITING;
}

// The span as it began: what an answer, an end or a result brought is not there yet.
static struct span span_at_first(const struct span *span) {
	struct span first = *span;
	const struct str none = {NULL, 0};
	const struct span_text nothing = {.source = SPAN_NOTHING};
	first.status = status_at_first(span);
	first.ended_ns = 0;
	first.has_response = first.has_headers = first.has_output_bytes = false;
	first.is_dropped = first.is_output = false;
	first.is_expired = UNSET;
	first.matched_event_id = first.invoke_run_id = none;
	first.output = nothing;
	if (is_wait(span)) return first;
	first.op = OPCODE_NONE;
	first.step_id = first.step_name = first.run_type = none;
	if (span->kind == SPAN_EXECUTION) first.input = nothing;
	if (span->kind != SPAN_RUN) return first;
	first.started_ns = 0;
	first.group_id = none;
	return first;
}

// ---- rows ----------------------------------------------------------------------------------------------------------

struct rows_out {
	struct arena *arena;
	const struct span_rows_run *run;
	uint32_t *number;
	struct span_row_out *items;
	size_t count;
};

static struct span_row *add(struct rows_out *out, const struct span *before, const struct span *span) {
	CHECK(out->count < SPAN_ROWS_MAX);
	struct span_row_out *item = &out->items[out->count++];
	*item = (struct span_row_out){0};
	item->row = (struct span_row){
		.span_id = before == NULL ? span->id : next_id(out->arena, out->run, out->number),
		.trace_id = span->trace_id,
		.parent_id = span->parent.len > 0 ? span->parent : STR(SPAN_ID_NONE),
		.dynamic_id = span->id,
		.name = before == NULL ? span->name : STR("EXTEND"),
		.status = str_from_cstr(span_status_names[span->status]),
		.attributes = attributes_of(out->arena, out->run, before, span),
		.debug_run_id = span->debug_run_id,
		.debug_session_id = span->debug_session_id,
		.rank = span->rank,
	};
	if (before == NULL || before->output.source == SPAN_NOTHING) item->output = span->output;
	if (before == NULL || before->input.source == SPAN_NOTHING) item->input = span->input;
	return &item->row;
}

// Rows are put together in the order of their times: an update is later than what it changes.
static void add_update(struct rows_out *out, const struct span *before, const struct span *span, int64_t at_ns) {
	int64_t last_ns = out->items[out->count - 1].row.end_ns;
	struct span_row *row = add(out, before, span);
	row->start_ns = row->end_ns = at_ns > last_ns ? at_ns : last_ns + 1;
}

static bool has_update(const struct span *span) {
	switch (span->kind) {
	case SPAN_RUN:
		return span->status != SPAN_QUEUED && span->status != SPAN_RUNNING && span->status != SPAN_SKIPPED;
	case SPAN_EXECUTION:
		return span->ended_ns != 0 || span->status != SPAN_RUNNING;
	default:
		return span->ended_ns != 0 || span->invoke_run_id.len > 0;
	}
}

static void add_phases(struct rows_out *out, const struct span *span) {
	struct span before = span_at_first(span);
	struct span_row *row = add(out, NULL, &before);
	row->start_ns = row->end_ns = span->first_ns;
	if (span->kind == SPAN_RUN && span->started_ns != 0 && span->status != SPAN_SKIPPED) {
		struct span started = before;
		started.started_ns = span->started_ns;
		started.status = SPAN_RUNNING;
		add_update(out, &before, &started, span->started_ns);
		before = started;
	}
	if (has_update(span)) add_update(out, &before, span, span->last_ns);
}

size_t span_rows_of_span(struct arena *arena, const struct span_rows_run *run, const struct span *span,
			 uint32_t *number, struct span_row_out items[SPAN_ROWS_MAX]) {
	struct rows_out out = {.arena = arena, .run = run, .number = number, .items = items};
	if (span->kind == SPAN_RUN || span->kind == SPAN_EXECUTION || is_wait(span)) {
		add_phases(&out, span);
	} else {
		struct span_row *row = add(&out, NULL, span);
		row->start_ns = span->first_ns;
		row->end_ns = span->last_ns > span->first_ns ? span->last_ns : span->first_ns;
	}
	return out.count;
}

void span_row_of_alias(struct arena *arena, const struct span_rows_run *run, const struct span *span, struct str id,
		       struct span_row_out *item) {
	uint32_t unused = 0;
	struct rows_out out = {.arena = arena, .run = run, .number = &unused, .items = item};
	struct span same = *span;
	same.output = same.input = (struct span_text){.source = SPAN_NOTHING};
	struct span_row *row = add(&out, &same, &same);
	row->span_id = id;
	row->start_ns = row->end_ns = span->last_ns + 1;
}

void span_row_of_metadata(struct arena *arena, const struct span_rows_run *run, const struct span_metadata *metadata,
			  uint32_t *number, struct span_row_out *out) {
	struct span_id dynamic_id = span_id_metadata(metadata->parent, metadata->kind);
	char trace_id[TRACE_ID_LEN + 1];
	struct buf text;
	span_trace_id(&run->id, trace_id);
	buf_init(&text, ATTRIBUTES_MAX);
	buf_byte(&text, '{');
	put_identity(&text, run);
	row_attribute_text(&text, "metadata.kind", metadata->kind);
	row_attribute_text(&text, "metadata.op", metadata->op);
	row_attribute_text(&text, "metadata.scope", metadata->scope);
	row_attribute_text(&text, "metadata.values", metadata->values);
	buf_byte(&text, '}');
	*out = (struct span_row_out){
		.row = {.span_id = next_id(arena, run, number),
			.trace_id = arena_dup(arena, str_make(trace_id, TRACE_ID_LEN)),
			.parent_id = metadata->parent,
			.dynamic_id = arena_dup(arena, str_make(dynamic_id.text, SPAN_ID_LEN)),
			.name = STR("metadata"),
			.attributes = arena_dup(arena, buf_view(&text)),
			.start_ns = metadata->updated_ns,
			.end_ns = metadata->updated_ns,
			.rank = *number},
	};
	buf_free(&text);
}
