#include "history/annotations.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/rng.h"
#include "history/history_internal.h"
#include "model/limits.h"
#include "trace/prices.h"

enum annotation_sql { FIND_RUN, COUNT_UP, INSERT_SPAN, ANNOTATION_SQL_COUNT };

// engine_annotations has what was counted of a run.
static const char *const annotation_sql[ANNOTATION_SQL_COUNT] = {
	[FIND_RUN] = "SELECT r.function_id, f.app_id, a.metadata_bytes, a.spans FROM function_runs r"
		     " LEFT JOIN functions f ON f.id = r.function_id"
		     " LEFT JOIN engine_annotations a ON a.run_id = r.run_id WHERE r.run_id = ?1 LIMIT 1",
	[COUNT_UP] = "INSERT INTO engine_annotations(run_id, metadata_bytes, spans) VALUES(?1, ?2, ?3)"
		     " ON CONFLICT(run_id) DO UPDATE SET metadata_bytes = metadata_bytes + excluded.metadata_bytes,"
		     " spans = spans + excluded.spans",
	[INSERT_SPAN] =
		"INSERT OR IGNORE INTO spans(span_id, trace_id, parent_span_id, name, start_time, end_time,"
		" attributes, links, dynamic_span_id, account_id, app_id, function_id, run_id, env_id, status)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 'null', ?8, '" ACCOUNT_ID "', ?9, ?10, ?11, '" ENV_ID "', ?12)",
};

struct history_annotator {
	sqlite3 *db;
	sqlite3_stmt *statements[ANNOTATION_SQL_COUNT];
	struct arena arena; // of one call
	struct buf text;    // attributes of a row of metadata
	struct buf start, end;
	int64_t last_ns; // time of the newest record
};

// What a run's rows have in common, and what there is of it already.
struct annotated {
	const struct ulid *run_id;
	char run_text[ULID_TEXT_LEN + 1];
	struct str function_id, app_id; // empty: not known
	uint64_t metadata_bytes, spans;
	uint64_t new_bytes, new_spans;
};

struct row {
	struct str id, trace_id, parent_id, name, dynamic_id, attributes;
	struct str function_id, app_id;
	const char *status; // NULL: none
	int64_t start_ns, end_ns;
};

enum err history_annotator_new(sqlite3 *db, struct history_annotator **out, struct error *error) {
	struct history_annotator *annotator = mem_calloc(1, sizeof *annotator);
	enum err err = ERR_OK;
	annotator->db = db;
	arena_init(&annotator->arena, 0);
	buf_init(&annotator->text, SIZE_MAX / 2);
	buf_init(&annotator->start, 64);
	buf_init(&annotator->end, 64);
	for (int i = 0; i < ANNOTATION_SQL_COUNT && err == ERR_OK; i++)
		err = sql_prepare(db, annotation_sql[i], &annotator->statements[i], error);
	if (err != ERR_OK) {
		history_annotator_free(annotator);
		annotator = NULL;
	}
	*out = annotator;
	return err;
}

void history_annotator_free(struct history_annotator *annotator) {
	if (annotator == NULL) return;
	for (int i = 0; i < ANNOTATION_SQL_COUNT; i++) sqlite3_finalize(annotator->statements[i]);
	arena_free(&annotator->arena);
	buf_free(&annotator->text);
	buf_free(&annotator->start);
	buf_free(&annotator->end);
	free(annotator);
}

static void call_end(struct history_annotator *annotator) {
	arena_free(&annotator->arena);
	arena_init(&annotator->arena, 0);
}

// ---- runs -----------------------------------------------------------------------------------------------------

// *found: there is such a run.
static enum err run_open(struct history_annotator *annotator, const struct ulid *run_id, struct annotated *out,
			 bool *found, struct error *error) {
	sqlite3_stmt *find = annotator->statements[FIND_RUN];
	enum err err = ERR_OK;
	*out = (struct annotated){.run_id = run_id};
	ulid_text(run_id, out->run_text);
	sql_bind_ulid(find, 1, run_id);
	*found = sql_row(find, &err, error);
	if (*found) {
		out->function_id = sql_text(find, 0, &annotator->arena);
		out->app_id = sql_text(find, 1, &annotator->arena);
		out->metadata_bytes = (uint64_t)sqlite3_column_int64(find, 2);
		out->spans = (uint64_t)sqlite3_column_int64(find, 3);
		sqlite3_reset(find);
	}
	return err;
}

static enum err run_close(struct history_annotator *annotator, const struct annotated *run, struct error *error) {
	sqlite3_stmt *count_up = annotator->statements[COUNT_UP];
	if (run->new_bytes == 0 && run->new_spans == 0) return ERR_OK;
	sql_bind_ulid(count_up, 1, run->run_id);
	sqlite3_bind_int64(count_up, 2, (int64_t)run->new_bytes);
	sqlite3_bind_int64(count_up, 3, (int64_t)run->new_spans);
	return sql_run(count_up, error);
}

// ---- rows -----------------------------------------------------------------------------------------------------

static struct str go_time(struct buf *buf, int64_t ns) {
	buf_clear(buf);
	date_format_go(buf, ns);
	return buf_view(buf);
}

static enum err insert(struct history_annotator *annotator, const struct annotated *run, const struct row *row,
		       bool *inserted, struct error *error) {
	sqlite3_stmt *statement = annotator->statements[INSERT_SPAN];
	sql_bind_text(statement, 1, row->id);
	sql_bind_text(statement, 2, row->trace_id);
	sql_bind_text(statement, 3, row->parent_id);
	sql_bind_text(statement, 4, row->name);
	sql_bind_text(statement, 5, go_time(&annotator->start, row->start_ns));
	sql_bind_text(statement, 6, go_time(&annotator->end, row->end_ns));
	sql_bind_text(statement, 7, row->attributes);
	sql_bind_text(statement, 8, row->dynamic_id);
	sql_bind_text(statement, 9, row->app_id);
	sql_bind_text(statement, 10, row->function_id);
	sql_bind_text(statement, 11, str_make(run->run_text, ULID_TEXT_LEN));
	sql_bind_text_or_null(statement, 12, str_from_cstr(row->status));
	enum err err = sql_run(statement, error);
	*inserted = err == ERR_OK && sqlite3_changes(annotator->db) > 0;
	return err;
}

static void append_member(struct buf *out, const char *before, struct str text) {
	buf_str(out, str_from_cstr(before));
	buf_json_str(out, text);
}

static struct str metadata_attributes(struct history_annotator *annotator, const struct annotated *run,
				      const struct metadata_record *record) {
	struct buf *out = &annotator->text;
	struct str values = record->values;
	if (str_eq_cstr(record->kind, METADATA_KIND_AI)) values = price_complete(&annotator->arena, values);
	buf_clear(out);
	append_member(out, "{\"_inngest.metadata.kind\":", record->kind);
	append_member(out, ",\"_inngest.metadata.op\":", str_from_cstr(metadata_op_names[record->op]));
	append_member(out, ",\"_inngest.metadata.scope\":", str_from_cstr(metadata_scope_names[record->scope]));
	append_member(out, ",\"_inngest.metadata.values\":", values);
	append_member(out, ",\"_inngest.run.id\":", str_make(run->run_text, ULID_TEXT_LEN));
	buf_byte(out, '}');
	return buf_view(out);
}

// ERR_TOO_LARGE when the run has no room for it.
static enum err insert_metadata(struct history_annotator *annotator, struct annotated *run, struct str parent_id,
				const struct metadata_record *record, int64_t at_ns, struct error *error) {
	char id[SPAN_ID_LEN + 1], trace_id[TRACE_ID_LEN + 1];
	uint8_t random[SPAN_ID_LEN / 2];
	bool inserted;
	if (run->metadata_bytes + run->new_bytes + record->size > METADATA_RUN_MAX)
		return error_set(error, ERR_TOO_LARGE, "the run has too much metadata");
	random_bytes(random, sizeof random);
	hex_text(random, sizeof random, id);
	span_trace_id(run->run_id, trace_id);
	struct span_id dynamic_id = span_id_metadata(parent_id, record->kind);
	struct row row = {
		.id = str_make(id, SPAN_ID_LEN),
		.trace_id = str_make(trace_id, TRACE_ID_LEN),
		.parent_id = parent_id,
		.name = STR("metadata"),
		.dynamic_id = str_make(dynamic_id.text, SPAN_ID_LEN),
		.attributes = metadata_attributes(annotator, run, record),
		.function_id = run->function_id,
		.app_id = run->app_id,
		.start_ns = at_ns,
		.end_ns = at_ns,
	};
	run->new_bytes += record->size;
	return insert(annotator, run, &row, &inserted, error);
}

// Rows are read back by their times, so each has one of its own, also when requests come within a tick of the clock.
static int64_t next_time(struct history_annotator *annotator, int64_t now_ns) {
	annotator->last_ns = now_ns > annotator->last_ns ? now_ns : annotator->last_ns + 1;
	return annotator->last_ns;
}

static enum err annotate(struct history_annotator *annotator, struct annotated *run,
			 const struct metadata_target *target, const struct metadata_record *records, size_t count,
			 uint64_t now_ns, struct error *error) {
	struct span_id parent = span_id_target(run->run_id, target);
	enum err err = ERR_OK;
	for (size_t i = 0; i < count && err == ERR_OK; i++)
		err = insert_metadata(annotator, run, str_make(parent.text, SPAN_ID_LEN), &records[i],
				      next_time(annotator, (int64_t)now_ns), error);
	enum err close_err = err == ERR_OK || err == ERR_TOO_LARGE ? run_close(annotator, run, error) : ERR_OK;
	return close_err != ERR_OK ? close_err : err;
}

enum err history_annotate(struct history_annotator *annotator, const struct ulid *run_id,
			  const struct metadata_target *target, const struct metadata_record *records, size_t count,
			  uint64_t now_ns, struct error *error) {
	struct annotated run;
	bool found;
	enum err err = run_open(annotator, run_id, &run, &found, error);
	if (err == ERR_OK && found) err = annotate(annotator, &run, target, records, count, now_ns, error);
	call_end(annotator);
	return err;
}

// ---- spans of users -------------------------------------------------------------------------------------------

static enum err insert_userland(struct history_annotator *annotator, struct annotated *run,
				const struct userland_span *span, struct error *error) {
	char function_id[UUID_TEXT_LEN + 1], app_id[UUID_TEXT_LEN + 1];
	bool inserted;
	struct str id = str_make(span->id, SPAN_ID_LEN);
	uuid_text(&span->function_id, function_id);
	uuid_text(&span->app_id, app_id);
	struct row row = {
		.id = id,
		.trace_id = str_make(span->trace_id, TRACE_ID_LEN),
		.parent_id = str_make(span->parent_id, SPAN_ID_LEN),
		.name = STR("userland"),
		.dynamic_id = id,
		.attributes = span->attributes,
		.function_id = str_make(function_id, UUID_TEXT_LEN),
		.app_id = str_make(app_id, UUID_TEXT_LEN),
		.status = span->status,
		.start_ns = span->start_ns,
		.end_ns = span->end_ns,
	};
	enum err err = insert(annotator, run, &row, &inserted, error);
	if (err != ERR_OK || !inserted) return err;
	run->new_spans++;
	for (size_t i = 0; i < span->metadata_count && err == ERR_OK; i++) {
		err = insert_metadata(annotator, run, id, &span->metadata[i], span->end_ns, error);
		if (err == ERR_TOO_LARGE) err = ERR_OK;
	}
	return err;
}

enum err history_add_userland(struct history_annotator *annotator, const struct userland_span *spans, size_t count,
			      size_t *rejected, struct error *error) {
	struct annotated run = {.run_id = NULL};
	bool found = false;
	enum err err = ERR_OK;
	*rejected = 0;
	for (size_t i = 0; i < count && err == ERR_OK; i++) {
		if (run.run_id == NULL || ulid_cmp(run.run_id, &spans[i].run_id) != 0) {
			if (run.run_id != NULL) err = run_close(annotator, &run, error);
			if (err == ERR_OK) err = run_open(annotator, &spans[i].run_id, &run, &found, error);
		}
		if (err == ERR_OK && found && run.spans + run.new_spans < RUN_USER_SPANS_MAX)
			err = insert_userland(annotator, &run, &spans[i], error);
		else if (err == ERR_OK)
			++*rejected;
	}
	if (err == ERR_OK && run.run_id != NULL) err = run_close(annotator, &run, error);
	call_end(annotator);
	return err;
}

// ---- from the server to the journal --------------------------------------------------------------------------------

static void annotation_free(struct annotation *base) {
	struct history_annotation *annotation = (struct history_annotation *)base;
	arena_free(&annotation->arena);
	free(annotation);
}

struct history_annotation *history_annotation_new(void) {
	struct history_annotation *annotation = mem_calloc(1, sizeof *annotation);
	annotation->base.free = annotation_free;
	arena_init(&annotation->arena, 4096);
	return annotation;
}

enum err history_annotation_write(struct history_annotator *annotator, const struct history_annotation *annotation,
				  uint64_t now_ns, struct annotation_result *result, struct error *error) {
	enum err err = ERR_OK;
	*result = (struct annotation_result){0};
	for (size_t i = 0; i < annotation->note_count && err == ERR_OK; i++) {
		const struct history_note *note = &annotation->notes[i];
		err = history_annotate(annotator, &annotation->run_id, &note->target, note->records, note->count,
				       now_ns, error);
	}
	if (err == ERR_TOO_LARGE) return result->is_full = true, ERR_OK;
	if (err != ERR_OK || annotation->span_count == 0) return err;
	size_t rejected = 0;
	err = history_add_userland(annotator, annotation->spans, annotation->span_count, &rejected, error);
	result->rejected = (uint32_t)rejected;
	return err;
}
