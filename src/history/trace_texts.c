// The texts behind a trace, fetched one by one: results of steps, the run's output, its events, columns of rows.
#include "engine/step_record.h"
#include "history/step_range.h"
#include "history/traces.h"

#define EVENTS_TEXT_MAX (64u << 20) // of all events of a run: a batch holds EVENT_BATCH_BYTES_MAX

struct text_query {
	struct history_reader *reader;
	struct arena *arena;
	const struct ulid *run_id;
	const struct span_text *text;
	struct error *error;
};

static enum err not_found(const struct text_query *q) {
	return error_set(q->error, ERR_NOT_FOUND, "no output found");
}

// Runs a statement that gives at most one row with one text; `none` when there is no row or it is NULL.
static enum err one_text(const struct text_query *q, sqlite3_stmt *row, struct str *out) {
	bool found = false;
	enum err err;
	while (sql_row(row, &err, q->error)) {
		found = sqlite3_column_type(row, 0) != SQLITE_NULL;
		if (found) *out = arena_dup(q->arena, sql_bytes(row, 0));
	}
	sqlite3_finalize(row);
	return err == ERR_OK && !found ? not_found(q) : err;
}

// ---- steps ---------------------------------------------------------------------------------------------------------

static const char heads_sql[] = "SELECT head, body_id FROM engine_record WHERE kind = ?1 AND key >= ?2 AND key <= ?3"
				" ORDER BY key";

// The body of the step; 0: there is none.
static enum err find_body(const struct text_query *q, sqlite3_int64 *body_id) {
	sqlite3_stmt *row;
	enum err err = sql_prepare(q->reader->db, heads_sql, &row, q->error);
	if (err != ERR_OK) return err;
	struct step_range range;
	step_range_bind(row, q->run_id, &range);
	*body_id = 0;
	while (sql_row(row, &err, q->error)) {
		struct step_record record;
		if (step_record_read(sql_bytes(row, 0), &record, NULL) != ERR_OK || record.is_input) continue;
		if (str_eq(record.id, q->text->text)) *body_id = sqlite3_column_int64(row, 1);
	}
	sqlite3_finalize(row);
	return err;
}

static enum err step_text(const struct text_query *q, struct str *out) {
	sqlite3_int64 body_id;
	enum err err = find_body(q, &body_id);
	if (err != ERR_OK) return err;
	if (body_id == 0) return not_found(q);
	sqlite3_stmt *row;
	err = sql_prepare(q->reader->db, "SELECT body FROM engine_body WHERE id = ?1", &row, q->error);
	if (err != ERR_OK) return err;
	sqlite3_bind_int64(row, 1, body_id);
	return one_text(q, row, out);
}

// ---- the run -------------------------------------------------------------------------------------------------------

// As a span has it: what the function returned under `data`, or its error under `error`.
static enum err run_text(const struct text_query *q, struct str *out) {
	sqlite3_stmt *row;
	enum err err = sql_prepare(q->reader->db,
				   "SELECT output FROM function_finishes WHERE run_id = ?1 ORDER BY rowid LIMIT 1",
				   &row, q->error);
	if (err != ERR_OK) return err;
	sql_bind_ulid(row, 1, q->run_id);
	struct str output = {NULL, 0};
	err = one_text(q, row, &output);
	if (err != ERR_OK) return err;
	struct str before = q->text->is_result ? STR("{\"error\":") : STR("{\"data\":");
	*out = arena_cat(q->arena, arena_cat(q->arena, before, output), STR("}"));
	return ERR_OK;
}

// ---- events --------------------------------------------------------------------------------------------------------

// Ids of the run's events: one, or those of its batch as text.
static const char events_sql[] =
	"SELECT r.event_id, (SELECT event_ids FROM event_batches WHERE run_id = r.run_id"
	" LIMIT 1) FROM function_runs r WHERE r.run_id = ?1"
	" UNION ALL SELECT event_id, NULL FROM engine_event_outcomes WHERE run_id = ?1 LIMIT 1";

static void add_member(struct buf *out, const char *name, struct str json) {
	if (json.len == 0) return;
	buf_printf(out, ",\"%s\":", name);
	buf_str(out, json);
}

static void add_event(struct buf *out, const struct history_event *event) {
	buf_lit(out, "{\"data\":");
	buf_str(out, event->data.len > 0 ? event->data : STR("{}"));
	buf_lit(out, ",\"id\":");
	buf_json_str(out, event->id);
	buf_lit(out, ",\"name\":");
	buf_json_str(out, event->name);
	buf_printf(out, ",\"ts\":%lld", (long long)event->ts_ms);
	add_member(out, "user", event->user);
	if (event->v.len > 0) {
		buf_lit(out, ",\"v\":");
		buf_json_str(out, event->v);
	}
	buf_byte(out, '}');
}

// Events that are no longer there are left out.
static enum err append_event(const struct text_query *q, const struct ulid *id, struct buf *out) {
	struct history_event event;
	enum err err = history_event(q->reader, q->arena, id, &event, q->error);
	if (err == ERR_NOT_FOUND) return ERR_OK;
	if (err != ERR_OK) return err;
	if (out->len > 1) buf_byte(out, ',');
	add_event(out, &event);
	return out->overflow ? error_set(q->error, ERR_TOO_LARGE, "the events are too large") : ERR_OK;
}

static enum err append_batch(const struct text_query *q, struct str ids, struct buf *out) {
	while (ids.len > 0) {
		struct str text;
		struct ulid id;
		if (!str_cut(ids, ',', &text, &ids)) ids = (struct str){NULL, 0};
		if (!ulid_parse(text, &id)) continue; // another program wrote it
		enum err err = append_event(q, &id, out);
		if (err != ERR_OK) return err;
	}
	return ERR_OK;
}

static enum err append_events(const struct text_query *q, struct buf *out) {
	sqlite3_stmt *row;
	enum err err = sql_prepare(q->reader->db, events_sql, &row, q->error);
	if (err != ERR_OK) return err;
	sql_bind_ulid(row, 1, q->run_id);
	struct ulid event_id = {0};
	struct str batch = {NULL, 0};
	bool found = false;
	while (sql_row(row, &err, q->error)) {
		found = sql_ulid(row, 0, &event_id);
		if (sqlite3_column_type(row, 1) != SQLITE_NULL) batch = arena_dup(q->arena, sql_bytes(row, 1));
	}
	sqlite3_finalize(row);
	if (err != ERR_OK) return err;
	if (!found) return not_found(q);
	return batch.len > 0 ? append_batch(q, batch, out) : append_event(q, &event_id, out);
}

static enum err events_text(const struct text_query *q, struct str *out) {
	struct buf text;
	buf_init(&text, EVENTS_TEXT_MAX);
	buf_byte(&text, '[');
	enum err err = append_events(q, &text);
	buf_byte(&text, ']');
	if (err == ERR_OK) *out = arena_dup(q->arena, buf_view(&text));
	buf_free(&text);
	return err;
}

// ---- rows ----------------------------------------------------------------------------------------------------------

// Older rows hold a JSON string with the JSON in it (09 §3.3).
static struct str unwrapped(struct arena *arena, struct str text) {
	if (text.len == 0 || text.ptr[0] != '"') return text;
	yyjson_doc *outer = json_read(text, false, NULL, NULL);
	struct str inner = json_str(yyjson_doc_get_root(outer));
	yyjson_doc *doc = inner.len > 0 ? json_read(inner, false, NULL, NULL) : NULL;
	if (yyjson_is_ctn(yyjson_doc_get_root(doc))) text = arena_dup(arena, inner);
	yyjson_doc_free(doc);
	yyjson_doc_free(outer);
	return text;
}

static enum err row_text(const struct text_query *q, struct str *out) {
	static const char output_sql[] = "SELECT output FROM spans WHERE run_id = ?1 AND span_id = ?2 LIMIT 1";
	static const char input_sql[] = "SELECT input FROM spans WHERE run_id = ?1 AND span_id = ?2 LIMIT 1";
	sqlite3_stmt *row;
	enum err err =
		sql_prepare(q->reader->db, q->text->source == SPAN_OF_ROW ? output_sql : input_sql, &row, q->error);
	if (err != ERR_OK) return err;
	char run_id[ULID_TEXT_LEN + 1];
	ulid_text(q->run_id, run_id);
	sql_bind_text(row, 1, str_from_cstr(run_id));
	sql_bind_text(row, 2, q->text->text);
	err = one_text(q, row, out);
	if (err == ERR_OK) *out = unwrapped(q->arena, *out);
	return err;
}

enum err history_trace_text(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
			    const struct span_text *text, struct str *out, struct error *error) {
	const struct text_query q = {reader, arena, run_id, text, error};
	switch (text->source) {
	case SPAN_NOTHING:
		break;
	case SPAN_INLINE:
		*out = text->text;
		return ERR_OK;
	case SPAN_OF_STEP:
		return step_text(&q, out);
	case SPAN_OF_RUN:
		return run_text(&q, out);
	case SPAN_OF_EVENTS:
		return events_text(&q, out);
	case SPAN_OF_ROW:
	case SPAN_OF_ROW_INPUT:
		return row_text(&q, out);
	}
	return not_found(&q);
}
