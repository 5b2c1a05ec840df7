#include "history/exports.h"

#include "history/history_internal.h"
#include "history/traces.h"
#include "trace/export.h"

// Of one run, read at once.
#define PART_FACTS 512
#define PART_BYTES ((size_t)8 << 20)

// ---- the cursor ----------------------------------------------------------------------------------------------------

enum err history_exports_forget(struct sqlite3 *db, struct error *error) {
	return sql_exec(db, "DELETE FROM engine_trace WHERE run_id = x''", error);
}

enum err history_exports_begin(struct sqlite3 *db, struct error *error) {
	return sql_exec(db,
			"INSERT INTO engine_trace(run_id, data)"
			" SELECT x'', coalesce((SELECT max(id) FROM engine_trace), 0)"
			" WHERE NOT EXISTS (SELECT 1 FROM engine_trace WHERE run_id = x'')",
			error);
}

enum err history_exports_cursor(struct history_reader *reader, uint64_t *out, struct error *error) {
	sqlite3_stmt *row;
	*out = 0;
	enum err err = statement_get(reader, STR("SELECT max(data) FROM engine_trace WHERE run_id = x''"), &row, error);
	if (err != ERR_OK) return err;
	bool found = false;
	while (sql_row(row, &err, error)) {
		found = sqlite3_column_type(row, 0) == SQLITE_INTEGER;
		*out = (uint64_t)sqlite3_column_int64(row, 0);
	}
	if (err != ERR_OK || found) return err;
	return error_set(error, ERR_NOT_FOUND, "there is no cursor");
}

// ---- facts behind it -----------------------------------------------------------------------------------------------

static void note_run(struct export_window *out, const struct ulid *run_id) {
	for (size_t i = out->run_count; i > 0; i--)
		if (ulid_cmp(&out->runs[i - 1], run_id) == 0) return;
	out->runs[out->run_count++] = *run_id;
}

enum err history_exports_window(struct history_reader *reader, struct arena *arena, uint64_t after, size_t max,
				struct export_window *out, struct error *error) {
	static const char sql[] = "SELECT id, run_id FROM engine_trace WHERE id > ?1 ORDER BY id LIMIT ?2";
	sqlite3_stmt *row;
	*out = (struct export_window){.last = after};
	enum err err = statement_get(reader, STR(sql), &row, error);
	if (err != ERR_OK) return err;
	out->runs = ARENA_ARRAY(arena, struct ulid, max + 1);
	sqlite3_bind_int64(row, 1, (int64_t)after);
	sqlite3_bind_int64(row, 2, (int64_t)max);
	while (sql_row(row, &err, error)) {
		struct ulid run_id;
		out->last = (uint64_t)sqlite3_column_int64(row, 0);
		out->count++;
		if (sql_ulid(row, 1, &run_id)) note_run(out, &run_id);
	}
	out->lost = out->last - after - out->count;
	return err;
}

// ---- spans of a run ------------------------------------------------------------------------------------------------

#define ATTRIBUTES_MAX 8
struct attributes {
	struct arena *arena;
	struct otlp_attribute all[ATTRIBUTES_MAX];
	size_t count;
};

static void add(struct attributes *out, const char *key, struct str value) {
	CHECK(out->count < ATTRIBUTES_MAX);
	if (value.len == 0) return;
	out->all[out->count++] = (struct otlp_attribute){.key = str_from_cstr(key), .is_text = true, .value = value};
}

static void add_ulid(struct attributes *out, const char *key, const struct ulid *id) {
	char text[ULID_TEXT_LEN + 1];
	ulid_text(id, text);
	if (!ulid_is_zero(id)) add(out, key, arena_dup(out->arena, str_from_cstr(text)));
}

static void add_uuid(struct attributes *out, const char *key, const struct uuid *id) {
	char text[UUID_TEXT_LEN + 1];
	uuid_text(id, text);
	add(out, key, arena_dup(out->arena, str_from_cstr(text)));
}

static void of_all(struct attributes *out, const struct trace_loaded *loaded) { // 06 §13 "identity"
	add_ulid(out, "_inngest.run.id", &loaded->run.id);
	add_uuid(out, "_inngest.app.id", &loaded->run.app_id);
	add_uuid(out, "_inngest.function.id", &loaded->run.function_id);
	add(out, "_inngest.function.slug", loaded->subject.function_slug);
}

static void of_root(struct attributes *out, const struct trace_loaded *loaded) { // 06 §13 "trigger", "run facts"
	const struct run_row *run = &loaded->run;
	add_ulid(out, "_inngest.event.ids", &run->event_id);
	add(out, "_inngest.event.trigger.name", run->event_name);
	add_ulid(out, "_inngest.batch.id", &run->batch_id);
	add(out, "_inngest.cron.schedule", run->cron);
	add_ulid(out, "_inngest.run.replay_original_run_id", &run->original_run_id);
}

// ---- a part of its facts --------------------------------------------------------------------------------------------

struct part {
	struct trace_fact *facts;
	bool *needed;
	size_t count, first_new; // behind the cursor
	uint64_t read, until;
	bool more;
};

// They are of no interest here, and may be large.
static void drop_payloads(struct trace_fact *fact) {
	const struct str none = {NULL, 0};
	fact->output = fact->headers = none;
	for (size_t i = 0; i < fact->op_count; i++)
		fact->ops[i].output = fact->ops[i].input = fact->ops[i].metadata = none;
}

// Facts of a later version, or damaged ones, are left out.
static void part_add(struct part *part, struct arena *arena, sqlite3_stmt *row, uint64_t after) {
	struct trace_fact *fact = &part->facts[part->count];
	part->until = (uint64_t)sqlite3_column_int64(row, 0);
	part->read++;
	if (trace_fact_decode(arena, arena_dup(arena, sql_bytes(row, 1)), fact, NULL) != ERR_OK) return;
	drop_payloads(fact);
	part->count++;
	if (part->until <= after) part->first_new = part->count;
}

static enum err part_read(struct history_reader *reader, const struct export_run *run, struct arena *arena,
			  uint64_t after, uint64_t last, struct part *part, struct error *error) {
	static const char sql[] = "SELECT id, data FROM engine_trace WHERE run_id = ?1 AND id > ?2 AND id <= ?3"
				  " ORDER BY id LIMIT ?4";
	sqlite3_stmt *row;
	size_t bytes = 0;
	enum err err = statement_get(reader, STR(sql), &row, error);
	if (err != ERR_OK) return err;
	part->facts = export_run_facts(run, arena, PART_FACTS);
	part->count = part->first_new = run->fact_count;
	part->until = run->until;
	sql_bind_ulid(row, 1, &run->id);
	sqlite3_bind_int64(row, 2, (int64_t)run->until);
	sqlite3_bind_int64(row, 3, (int64_t)last);
	sqlite3_bind_int64(row, 4, PART_FACTS);
	while (bytes < PART_BYTES && sql_row(row, &err, error)) {
		bytes += (size_t)sqlite3_column_bytes(row, 1);
		part_add(part, arena, row, after);
	}
	sqlite3_reset(row);
	part->more = part->read == PART_FACTS || bytes >= PART_BYTES;
	part->needed = ARENA_ARRAY(arena, bool, part->count + 1);
	return err;
}

static enum err part_tell(struct history_reader *reader, struct export_run *run, struct arena *arena,
			  const struct part *part, struct otlp_span **out, size_t *count, struct error *error) {
	struct trace_loaded loaded;
	enum err err = history_trace_given(reader, arena, &run->id, part->facts, part->count, &loaded, error);
	if (err != ERR_OK) return err;
	struct attributes all = {.arena = arena}, root = {.arena = arena};
	of_all(&all, &loaded);
	of_root(&root, &loaded);
	struct trace_export export = {.run_id = run->id,
				      .ended_ns = loaded.run.ended_ns,
				      .facts = part->facts,
				      .fact_count = part->count,
				      .first_new = part->first_new,
				      .spans = &loaded.spans,
				      .function_slug = loaded.subject.function_slug,
				      .all = all.all,
				      .all_count = all.count,
				      .root = root.all,
				      .root_count = root.count,
				      .told = &run->told,
				      .needed = part->needed};
	trace_export(arena, &export, out, count);
	return ERR_OK;
}

static bool is_over(const struct part *part) {
	return part->count > 0 && part->facts[part->count - 1].kind == FACT_ENDED;
}

enum err history_exports_run(struct history_reader *reader, struct export_memory *memory, struct arena *arena,
			     const struct ulid *run_id, uint64_t after, uint64_t last, struct otlp_span **out,
			     size_t *count, bool *more, struct error *error) {
	struct export_run *run = export_memory_open(memory, run_id);
	struct part part = {.facts = NULL};
	*count = 0;
	*more = false;
	bool began = reading_begin(reader);
	enum err err = part_read(reader, run, arena, after, last, &part, error);
	if (err == ERR_OK && part.read > 0) err = part_tell(reader, run, arena, &part, out, count, error);
	reading_end(reader, began);
	if (err == ERR_OK && part.read > 0) {
		export_run_keep(run, part.facts, part.needed, part.count);
		run->until = part.until;
		run->read += part.read;
	}
	*more = err == ERR_OK && part.more;
	bool is_long = run->read > EXPORT_SHORT_MAX && !is_over(&part);
	export_memory_close(memory, run, err == ERR_OK && (part.more || is_long));
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}
