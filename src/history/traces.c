// What a run's trace is made from, read: its row, facts, memoised steps, and rows of `spans`.
#include "history/traces.h"

#include "engine/step_record.h"
#include "history/debug_runs.h"
#include "history/step_range.h"

// Of one run: bounds of the memory that somebody takes who looks at it. What comes later is left out.
#define TRACE_FACTS_MAX 20000
#define TRACE_ROWS_MAX 20000
#define TRACE_PAYLOADS_MAX (32u << 20) // bytes, after which facts are read without outputs, inputs and metadata
#define TRACE_BYTES_MAX (64u << 20)    // bytes of facts, and of attributes

// ---- the run -------------------------------------------------------------------------------------------------------

// A run finished twice has two finish rows: the first one counts (09 §4.4).
static const char run_sql[] =
	"SELECT r.function_id, f.app_id, f.slug, r.engine_status, r.engine_started_at, r.engine_ended_at,"
	" r.engine_flags, r.event_id, r.original_run_id, r.cron, n.status, n.created_at,"
	" (SELECT id FROM event_batches WHERE run_id = r.run_id LIMIT 1),"
	" (SELECT event_name FROM events WHERE internal_id = r.event_id LIMIT 1)"
	" FROM function_runs r LEFT JOIN functions f ON f.id = r.function_id"
	" LEFT JOIN function_finishes n ON n.rowid ="
	" (SELECT min(rowid) FROM function_finishes WHERE run_id = r.run_id)"
	" WHERE r.run_id = ?1 ORDER BY r.rowid LIMIT 1";
// One that was never executed has no row there.
static const char skipped_sql[] = "SELECT o.function_id, f.app_id, f.slug, o.reason, o.other_id, o.event_id,"
				  " (SELECT event_name FROM events WHERE internal_id = o.event_id LIMIT 1)"
				  " FROM engine_event_outcomes o LEFT JOIN functions f ON f.id = o.function_id"
				  " WHERE o.run_id = ?1 AND o.outcome = 'Skipped' ORDER BY o.rowid LIMIT 1";

struct loading {
	struct history_reader *reader;
	struct arena *arena;
	const struct ulid *run_id;
	struct trace_loaded *out;
	struct trace_run run;
	struct rows facts, steps, spans;
	bool facts_only, facts_given;
	bool found, has_status; // of the run: its row, and what that says
	bool finished;
	size_t bytes;
	struct error *error;
};

static struct str id_text(struct loading *l, const struct ulid *id) {
	char text[ULID_TEXT_LEN + 1];
	if (ulid_is_zero(id)) return (struct str){NULL, 0};
	ulid_text(id, text);
	return arena_dup(l->arena, str_make(text, ULID_TEXT_LEN));
}

static int64_t column_ms(sqlite3_stmt *row, int column, int64_t otherwise_ns) {
	if (sqlite3_column_type(row, column) == SQLITE_NULL) return otherwise_ns;
	sqlite3_int64 ms = sqlite3_column_int64(row, column);
	return ms > 0 ? ns_of_ms((uint64_t)ms) : otherwise_ns;
}

static bool status_of_text(struct str text, enum trace_run_status *out) {
	static const struct {
		struct str text;
		enum trace_run_status status;
	} ends[] = {{STR_INIT("Completed"), TRACE_RUN_COMPLETED},
		    {STR_INIT("Failed"), TRACE_RUN_FAILED},
		    {STR_INIT("Cancelled"), TRACE_RUN_CANCELLED}};
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_eq(text, ends[i].text)) return *out = ends[i].status, true;
	return false;
}

static bool status_of_code(int code, enum trace_run_status *out) {
	static const enum trace_run_status codes[] = {TRACE_RUN_QUEUED, TRACE_RUN_RUNNING,   TRACE_RUN_COMPLETED,
						      TRACE_RUN_FAILED, TRACE_RUN_CANCELLED, TRACE_RUN_SKIPPED};
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if ((int)codes[i] == code) return *out = codes[i], true;
	return false;
}

static void read_function(struct loading *l, sqlite3_stmt *row) {
	(void)sql_uuid(row, 0, &l->out->run.function_id);
	(void)sql_uuid(row, 1, &l->out->run.app_id);
	l->out->subject.function_slug = sql_text(row, 2, l->arena);
}

static void read_run(struct loading *l, sqlite3_stmt *row) {
	struct run_row *run = &l->out->run;
	l->found = true;
	read_function(l, row);
	l->finished = sqlite3_column_type(row, 10) != SQLITE_NULL;
	l->has_status = status_of_code(sqlite3_column_int(row, 3), &run->status) ||
			status_of_text(sql_text(row, 10, l->arena), &run->status);
	run->started_ns = column_ms(row, 4, INT64_MIN);
	run->ended_ns = column_ms(row, 5, l->finished ? sql_time(row, 11, INT64_MIN) : INT64_MIN);
	run->flags = (unsigned)sqlite3_column_int(row, 6);
	(void)sql_ulid(row, 7, &run->event_id);
	(void)sql_ulid(row, 8, &run->original_run_id);
	run->cron = sql_text(row, 9, l->arena);
	(void)sql_ulid(row, 12, &run->batch_id);
	if (run->cron.len == 0 && ulid_is_zero(&run->batch_id)) run->event_name = sql_text(row, 13, l->arena);
}

static void read_skipped(struct loading *l, sqlite3_stmt *row) {
	struct run_row *run = &l->out->run;
	struct ulid other;
	if (!l->found) {
		read_function(l, row);
		(void)sql_ulid(row, 5, &run->event_id);
		run->event_name = sql_text(row, 6, l->arena);
	}
	l->found = l->has_status = true;
	run->status = TRACE_RUN_SKIPPED;
	l->run.skip_reason = sql_text(row, 3, l->arena);
	if (!sql_ulid(row, 4, &other)) return;
	l->run.skip_existing_run_id = id_text(l, &other);
}

// ---- what belongs to it --------------------------------------------------------------------------------------------

static const char facts_sql[] = "SELECT data FROM engine_trace WHERE run_id = ?1 ORDER BY id LIMIT ?2";
static const char steps_sql[] = "SELECT head FROM engine_record WHERE kind = ?1 AND key >= ?2 AND key <= ?3"
				" ORDER BY key";
static const char spans_sql[] =
	"SELECT span_id, trace_id, parent_span_id, dynamic_span_id, name, status, start_time, end_time, attributes,"
	" output IS NOT NULL, input IS NOT NULL, debug_run_id, debug_session_id, engine_rank FROM spans"
	" WHERE run_id = ?1 ORDER BY rowid LIMIT ?2";

// Without those that hand_over.c has made of the facts, which say the same.
static const char came_in_sql[] =
	"SELECT span_id, trace_id, parent_span_id, dynamic_span_id, name, status, start_time, end_time, attributes,"
	" output IS NOT NULL, input IS NOT NULL, debug_run_id, debug_session_id, NULL FROM spans"
	" WHERE run_id = ?1 AND engine_rank IS NULL ORDER BY rowid LIMIT ?2";

static void drop_payloads(struct trace_fact *fact) {
	const struct str none = {NULL, 0};
	fact->output = fact->headers = none;
	for (size_t i = 0; i < fact->op_count; i++)
		fact->ops[i].output = fact->ops[i].input = fact->ops[i].metadata = none;
}

// The encoding, in the arena; without its payloads when there are too many of them. Empty: it cannot be read.
static struct str keep_fact(struct loading *l, struct str data) {
	if (l->bytes + data.len <= TRACE_PAYLOADS_MAX) return arena_dup(l->arena, data);
	struct arena scratch;
	struct trace_fact fact;
	struct buf slim;
	struct str out = {NULL, 0};
	arena_init(&scratch, 1024);
	buf_init(&slim, TRACE_FACT_MAX);
	if (trace_fact_decode(&scratch, data, &fact, NULL) == ERR_OK) {
		drop_payloads(&fact);
		trace_fact_encode(&fact, &slim);
		if (!slim.overflow) out = arena_dup(l->arena, buf_view(&slim));
	}
	buf_free(&slim);
	arena_free(&scratch);
	return out;
}

// Facts of a later version, or damaged ones, are left out: the rest is still worth seeing.
static void read_fact(struct loading *l, sqlite3_stmt *row) {
	struct trace_fact fact;
	struct str data = sql_bytes(row, 0);
	if (l->bytes + data.len > TRACE_BYTES_MAX) return;
	data = keep_fact(l, data);
	l->bytes += data.len;
	if (trace_fact_decode(l->arena, data, &fact, NULL) != ERR_OK) return;
	*(struct trace_fact *)rows_add(&l->facts) = fact;
}

static void read_step(struct loading *l, sqlite3_stmt *row) {
	struct step_record record;
	if (step_record_read(sql_bytes(row, 0), &record, NULL) != ERR_OK || record.is_input) return;
	*(struct trace_step *)rows_add(&l->steps) = (struct trace_step){.id = arena_dup(l->arena, record.id),
									.name = arena_dup(l->arena, record.name),
									.op = record.op,
									.bytes = record.bytes};
}

static void read_span(struct loading *l, sqlite3_stmt *row) {
	size_t bytes = (size_t)sqlite3_column_bytes(row, 8);
	if (l->bytes + bytes > TRACE_BYTES_MAX) return;
	l->bytes += bytes;
	struct span_row *span = rows_add(&l->spans);
	struct str *const texts[] = {&span->span_id,    &span->trace_id, &span->parent_id,
				     &span->dynamic_id, &span->name,     &span->status};
	for (int i = 0; i < (int)ARRAY_LEN(texts); i++) *texts[i] = sql_text(row, i, l->arena);
	span->start_ns = sql_time(row, 6, 0);
	span->end_ns = sql_time(row, 7, span->start_ns);
	span->attributes = sql_text(row, 8, l->arena);
	span->has_output = sqlite3_column_int(row, 9) != 0;
	span->has_input = sqlite3_column_int(row, 10) != 0;
	span->debug_run_id = sql_text(row, 11, l->arena);
	span->debug_session_id = sql_text(row, 12, l->arena);
	span->is_made = sqlite3_column_type(row, 13) != SQLITE_NULL;
	span->rank = (uint32_t)sqlite3_column_int64(row, 13);
}

// ---- queries -------------------------------------------------------------------------------------------------------

static enum err read_rows(struct loading *l, sqlite3_stmt *row, void (*read)(struct loading *, sqlite3_stmt *)) {
	enum err err;
	while (sql_row(row, &err, l->error)) read(l, row);
	sqlite3_finalize(row);
	return err;
}

// By the id as bytes, or as text.
static enum err query_run(struct loading *l, const char *sql, int limit, bool as_text,
			  void (*read)(struct loading *, sqlite3_stmt *)) {
	sqlite3_stmt *row;
	enum err err = sql_prepare(l->reader->db, sql, &row, l->error);
	if (err != ERR_OK) return err;
	char text[ULID_TEXT_LEN + 1];
	ulid_text(l->run_id, text);
	if (as_text)
		sql_bind_text(row, 1, str_from_cstr(text));
	else
		sql_bind_ulid(row, 1, l->run_id);
	if (limit > 0) sqlite3_bind_int(row, 2, limit);
	return read_rows(l, row, read);
}

static enum err query_steps(struct loading *l) {
	sqlite3_stmt *row;
	enum err err = sql_prepare(l->reader->db, steps_sql, &row, l->error);
	if (err != ERR_OK) return err;
	struct step_range range;
	step_range_bind(row, l->run_id, &range);
	return read_rows(l, row, read_step);
}

static enum err query_debug(struct loading *l) {
	struct debug_ids ids;
	enum err err = history_debug_ids(l->reader, l->run_id, &ids, l->error);
	l->run.debug_run_id = id_text(l, &ids.run_id);
	l->run.debug_session_id = id_text(l, &ids.session_id);
	return err;
}

static enum err load(struct loading *l) {
	enum err err = query_run(l, run_sql, 0, false, read_run);
	bool maybe_skipped = !l->found || (l->has_status && l->out->run.status == TRACE_RUN_SKIPPED);
	if (err == ERR_OK && maybe_skipped) err = query_run(l, skipped_sql, 0, false, read_skipped);
	if (err == ERR_OK && !l->found) return error_set(l->error, ERR_NOT_FOUND, "run not found");
	if (err == ERR_OK) err = query_debug(l);
	if (err == ERR_OK && !l->facts_given) err = query_run(l, facts_sql, TRACE_FACTS_MAX, false, read_fact);
	if (err == ERR_OK) err = query_steps(l); // after the facts: what those tell of is memoised
	l->bytes = 0;
	if (err != ERR_OK || l->facts_only) return err;
	bool has_facts = l->facts.count > 0 || l->run.live_count > 0;
	return query_run(l, has_facts ? came_in_sql : spans_sql, TRACE_ROWS_MAX, true, read_span);
}

// ---- put together --------------------------------------------------------------------------------------------------

static const struct span_row *row_of_root(const struct loading *l) {
	const struct span_row *rows = (const struct span_row *)(const void *)l->spans.items;
	for (size_t i = 0; i < l->spans.count; i++)
		if (str_eq_cstr(rows[i].name, span_kind_names[SPAN_RUN])) return &rows[i];
	return NULL;
}

// Rows were made while the run was under way, and it has ended since without a fact.
static bool is_outdated(const struct loading *l, const struct span_row *root) {
	const struct span_row *rows = (const struct span_row *)(const void *)l->spans.items;
	if (!root->is_made || !l->has_status || !run_row_is_over(&l->out->run)) return false;
	for (size_t i = 0; i < l->spans.count; i++) {
		if (!str_eq(rows[i].dynamic_id, root->dynamic_id)) continue;
		switch (span_status_of(rows[i].status)) {
		case SPAN_COMPLETED:
		case SPAN_FAILED:
		case SPAN_CANCELLED:
			return false;
		default:
			break;
		}
	}
	return true;
}

static bool has_own_rows(const struct loading *l) {
	const struct span_row *root = row_of_root(l);
	return root != NULL && !is_outdated(l, root);
}

static uint64_t ms_or_0(int64_t ns) {
	return ns > 0 ? (uint64_t)(ns / NS_PER_MS) : 0;
}

// A call under way, or one that has been made, may be newer than the run's row.
static void note_start(struct loading *l) {
	uint64_t started_ms = 0;
	for (size_t i = 0; i < l->run.live_count && started_ms == 0; i++) started_ms = l->run.live[i].started_ms;
	for (size_t i = 0; i < l->run.fact_count; i++) {
		const struct trace_fact *fact = &l->run.facts[i];
		if (fact->kind != FACT_CALL) continue;
		started_ms = fact->started_ms;
		break;
	}
	struct run_row *run = &l->out->run;
	if (started_ms == 0 || (l->has_status && run->status != TRACE_RUN_QUEUED)) return;
	run->status = TRACE_RUN_RUNNING;
	if (run->started_ns == INT64_MIN) run->started_ns = ns_of_ms(started_ms);
}

static void spans_of_facts(struct loading *l) {
	struct trace_run *run = &l->run;
	const struct run_row *row = &l->out->run;
	run->id = *l->run_id;
	run->app_id = row->app_id;
	run->function_id = row->function_id;
	run->status = row->status;
	run->started_ms = ms_or_0(row->started_ns);
	run->ended_ms = ms_or_0(row->ended_ns);
	bool is_bare = (row->flags & RUN_ROW_BARE) != 0;
	run->has_output = l->finished && !is_bare && row->status != TRACE_RUN_CANCELLED;
	trace_spans_of_facts(l->arena, run, &l->out->spans);
}

static enum trace_run_status status_of_root(enum span_status status) { // 06 §5.2
	switch (status) {
	case SPAN_SCHEDULED:
	case SPAN_QUEUED:
		return TRACE_RUN_QUEUED;
	case SPAN_COMPLETED:
		return TRACE_RUN_COMPLETED;
	case SPAN_FAILED:
	case SPAN_ERRORED:
		return TRACE_RUN_FAILED;
	case SPAN_CANCELLED:
	case SPAN_TIMED_OUT:
		return TRACE_RUN_CANCELLED;
	case SPAN_SKIPPED:
		return TRACE_RUN_SKIPPED;
	default:
		return TRACE_RUN_RUNNING;
	}
}

// What the row of a run of the reference server does not say, its root does.
static void complete_from_root(struct loading *l) {
	const struct span *root = NULL;
	for (size_t i = 0; i < l->out->spans.count && root == NULL; i++)
		if (l->out->spans.spans[i].kind == SPAN_RUN) root = &l->out->spans.spans[i];
	if (root == NULL) return;
	struct run_row *run = &l->out->run;
	if (!l->has_status) run->status = status_of_root(root->status);
	if (run->started_ns == INT64_MIN && root->started_ns != 0) run->started_ns = root->started_ns;
	if (run_row_is_over(run) && run->ended_ns == INT64_MIN && root->ended_ns != 0) run->ended_ns = root->ended_ns;
}

static void drop_made_rows(struct loading *l) {
	struct span_row *rows = (struct span_row *)(void *)l->spans.items;
	size_t kept = 0;
	for (size_t i = 0; i < l->spans.count; i++)
		if (!rows[i].is_made) rows[kept++] = rows[i];
	l->spans.count = kept;
}

static void assemble(struct loading *l) {
	struct trace_loaded *out = l->out;
	if (!l->facts_given) {
		l->run.facts = (const struct trace_fact *)(const void *)l->facts.items;
		l->run.fact_count = l->facts.count;
	}
	out->facts = l->run.facts;
	out->fact_count = l->run.fact_count;
	l->run.steps = (const struct trace_step *)(const void *)l->steps.items;
	l->run.step_count = l->steps.count;
	bool is_ours = l->run.fact_count > 0 || l->run.live_count > 0 || !has_own_rows(l);
	if (!l->has_status) out->run.status = TRACE_RUN_QUEUED;
	if (is_ours) note_start(l);
	if (is_ours) spans_of_facts(l);
	if (is_ours) drop_made_rows(l);
	trace_spans_of_rows(l->arena, (const struct span_row *)(const void *)l->spans.items, l->spans.count,
			    &out->spans);
	if (!is_ours) complete_from_root(l);
	out->subject.run_id = *l->run_id;
	out->subject.app_id = out->run.app_id;
	out->subject.function_id = out->run.function_id;
	out->subject.status = out->run.status;
}

static struct trace_loaded nothing_of(const struct ulid *run_id) {
	struct trace_loaded none = {0};
	none.run = (struct run_row){.id = *run_id,
				    .queued_ns = ns_of_ms(ulid_time_ms(run_id)),
				    .started_ns = INT64_MIN,
				    .ended_ns = INT64_MIN};
	return none;
}

static enum err load_and_assemble(struct loading *l) {
	*l->out = nothing_of(l->run_id);
	l->facts = (struct rows){.arena = l->arena, .row_size = sizeof(struct trace_fact)};
	l->steps = (struct rows){.arena = l->arena, .row_size = sizeof(struct trace_step)};
	l->spans = (struct rows){.arena = l->arena, .row_size = sizeof(struct span_row)};
	bool began = reading_begin(l->reader);
	enum err err = load(l);
	reading_end(l->reader, began);
	if (err == ERR_OK) assemble(l);
	return err;
}

enum err history_trace(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
		       const struct trace_live *live, size_t live_count, struct trace_loaded *out,
		       struct error *error) {
	struct loading l = {
		.reader = reader,
		.arena = arena,
		.run_id = run_id,
		.out = out,
		.run = {.live = live, .live_count = live != NULL ? live_count : 0},
		.error = error,
	};
	return load_and_assemble(&l);
}

enum err history_trace_facts(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
			     struct trace_loaded *out, struct error *error) {
	struct loading l = {
		.reader = reader, .arena = arena, .run_id = run_id, .out = out, .facts_only = true, .error = error};
	return load_and_assemble(&l);
}

enum err history_trace_given(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
			     const struct trace_fact *facts, size_t count, struct trace_loaded *out,
			     struct error *error) {
	struct loading l = {.reader = reader,
			    .arena = arena,
			    .run_id = run_id,
			    .out = out,
			    .run = {.facts = facts, .fact_count = count},
			    .facts_only = true,
			    .facts_given = true,
			    .error = error};
	return load_and_assemble(&l);
}
