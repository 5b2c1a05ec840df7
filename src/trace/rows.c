// Spans of rows of the reference server's table `spans` (spec 09 §4.8): the rows of one logical span merged, the later
// ones on top of the earlier ones.
#include <stdlib.h>

#include "base/check.h"
#include "trace/builder.h"
#include "trace/row_attributes.h"

#define DEFER_NAME STR("executor.defer")
#define METADATA_NAME STR("metadata")
#define UPDATE_NAME STR("EXTEND")

// A row, and whose it is.
struct placed {
	const struct span_row *row;
	struct str id; // of the logical span
};

static struct str logical_id(const struct span_row *row) {
	return row->dynamic_id.len > 0 ? row->dynamic_id : row->span_id;
}

// By logical span, in it as they are merged: start, end, row id.
static int compare_placed(const void *left, const void *right) {
	const struct placed *a = left, *b = right;
	int order = str_cmp(a->id, b->id);
	if (order != 0) return order;
	if (a->row->start_ns != b->row->start_ns) return a->row->start_ns < b->row->start_ns ? -1 : 1;
	if (a->row->end_ns != b->row->end_ns) return a->row->end_ns < b->row->end_ns ? -1 : 1;
	order = str_cmp(a->row->span_id, b->row->span_id);
	return order != 0 ? order : (a->row > b->row) - (a->row < b->row);
}

// The rows of one logical span, the first of them first.
struct group {
	const struct placed *rows;
	size_t count;
};

// As they came about: those made of facts say so, others by their start.
static int compare_groups(const void *left, const void *right) {
	const struct span_row *a = ((const struct group *)left)->rows->row;
	const struct span_row *b = ((const struct group *)right)->rows->row;
	if (a->is_made != b->is_made) return a->is_made ? -1 : 1;
	if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
	if (a->start_ns != b->start_ns) return a->start_ns < b->start_ns ? -1 : 1;
	return compare_placed(((const struct group *)left)->rows, ((const struct group *)right)->rows);
}

static int64_t cut_time(int64_t ns) {
	return ns < 0 ? 0 : ns < SPAN_TIME_MAX_NS ? ns : SPAN_TIME_MAX_NS;
}

// ---- metadata ------------------------------------------------------------------------------------------------------

static void add_metadata(struct span_builder *builder, const struct span_row *row) {
	yyjson_doc *doc = row_attributes_read(row->attributes);
	if (doc == NULL) return;
	struct span_metadata metadata = {.parent = row->parent_id, .updated_ns = cut_time(row->end_ns)};
	if (row_attributes_metadata(builder->arena, yyjson_doc_get_root(doc), &metadata))
		span_metadata_add(builder, &metadata);
	yyjson_doc_free(doc);
}

// Records of all parents, in the order of writing: what came at the same moment stays in the order of the rows.
static int compare_metadata(const void *left, const void *right) {
	const struct span_row *a = *(const struct span_row *const *)left, *b = *(const struct span_row *const *)right;
	if (a->start_ns != b->start_ns) return a->start_ns < b->start_ns ? -1 : 1;
	return (a > b) - (a < b);
}

static void add_all_metadata(struct span_builder *builder, const struct span_row *rows, size_t count) {
	const struct span_row **records = ARENA_ARRAY(builder->arena, const struct span_row *, count);
	size_t found = 0;
	for (size_t i = 0; i < count; i++)
		if (str_eq(rows[i].name, METADATA_NAME)) records[found++] = &rows[i];
	if (found > 0) qsort(records, found, sizeof *records, compare_metadata);
	for (size_t i = 0; i < found; i++) add_metadata(builder, records[i]);
}

// ---- spans ---------------------------------------------------------------------------------------------------------

// The name that a logical span began with: its updates have none of their own.
static struct str first_name(const struct placed *rows, size_t count) {
	for (size_t i = 0; i < count; i++)
		if (!str_eq(rows[i].row->name, UPDATE_NAME)) return rows[i].row->name;
	return UPDATE_NAME;
}

static enum span_kind kind_named(struct str name) {
	for (int kind = 0; kind < SPAN_KIND_COUNT; kind++)
		if (str_eq_cstr(name, span_kind_names[kind])) return (enum span_kind)kind;
	return SPAN_OTHER;
}

static struct span_text row_text(enum span_source source, const struct span_row *row) {
	return (struct span_text){.source = source, .text = row->span_id, .row_id = row->span_id};
}

static void merge_attributes(struct span_builder *builder, const struct span_row *row, struct span *span) {
	yyjson_doc *doc = row_attributes_read(row->attributes);
	if (doc == NULL) return;
	yyjson_val *attributes = yyjson_doc_get_root(doc);
	row_attributes_apply(builder->arena, attributes, span);
	if (span->kind == SPAN_USERLAND) {
		struct str own = row_attributes_of_user(builder->arena, attributes);
		if (own.len > 0) span->user_attributes = own;
	}
	yyjson_doc_free(doc);
}

static void merge(struct span_builder *builder, const struct span_row *row, struct span *span) {
	enum span_status status = span_status_of(row->status);
	if (span->parent.len == 0) span->parent = row->parent_id;
	if (span->trace_id.len == 0) span->trace_id = row->trace_id;
	if (status != SPAN_STATUS_NONE) span->status = status;
	if (row->debug_run_id.len > 0) span->debug_run_id = row->debug_run_id;
	if (row->debug_session_id.len > 0) span->debug_session_id = row->debug_session_id;
	span_seen(span, cut_time(row->start_ns));
	span_seen(span, cut_time(row->end_ns));
	if (row->has_output) span->output = row_text(SPAN_OF_ROW, row);
	if (row->has_input) span->input = row_text(SPAN_OF_ROW_INPUT, row);
	merge_attributes(builder, row, span);
}

// Ids of rows that are not the span's own.
static void add_row_ids(struct span_builder *builder, const struct placed *rows, size_t count, struct span *span) {
	struct str *ids = ARENA_ARRAY(builder->arena, struct str, span->row_id_count + count);
	if (span->row_id_count > 0) memcpy(ids, span->row_ids, span->row_id_count * sizeof *ids);
	span->row_ids = ids;
	for (size_t i = 0; i < count; i++)
		if (!str_eq(rows[i].row->span_id, span->id)) ids[span->row_id_count++] = rows[i].row->span_id;
}

static void add_span(struct span_builder *builder, const struct placed *rows, size_t count) {
	struct str name = first_name(rows, count);
	if (str_eq(name, METADATA_NAME) || str_eq(name, DEFER_NAME)) return;
	bool is_new;
	struct span *span = span_open(builder, kind_named(name), rows[0].id, (struct str){NULL, 0}, &is_new);
	add_row_ids(builder, rows, count, span);
	if (!is_new) return; // facts know more
	span->name = name;
	span->rank = rows[0].row->rank;
	for (size_t i = 0; i < count; i++) merge(builder, rows[i].row, span);
	if (span->kind != SPAN_USERLAND) return;
	if (span->started_ns == 0) span->started_ns = span->first_ns; // what the app measured
	if (span->ended_ns == 0) span->ended_ns = span->last_ns;
}

void trace_spans_of_rows(struct arena *arena, const struct span_row *rows, size_t count, struct trace_spans *out) {
	struct placed *placed = ARENA_ARRAY(arena, struct placed, count);
	size_t found = 0;
	for (size_t i = 0; i < count; i++) {
		struct str id = logical_id(&rows[i]);
		if (id.len > 0) placed[found++] = (struct placed){&rows[i], id};
	}
	if (found > 0) qsort(placed, found, sizeof *placed, compare_placed);
	struct span_builder builder;
	span_builder_init(&builder, arena, out);
	struct group *groups = ARENA_ARRAY(arena, struct group, found);
	size_t group_count = 0;
	for (size_t first = 0, next; first < found; first = next) {
		for (next = first + 1; next < found && str_eq(placed[next].id, placed[first].id);) next++;
		groups[group_count++] = (struct group){placed + first, next - first};
	}
	if (group_count > 0) qsort(groups, group_count, sizeof *groups, compare_groups);
	for (size_t i = 0; i < group_count; i++) add_span(&builder, groups[i].rows, groups[i].count);
	add_all_metadata(&builder, rows, count);
	span_builder_finish(&builder, out);
}
