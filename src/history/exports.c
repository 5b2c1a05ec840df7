#include "history/exports.h"

#include "history/history_internal.h"
#include "history/traces.h"
#include "trace/export.h"

// ---- the cursor ----------------------------------------------------------------------------------------------------

enum err history_exports_forget(struct sqlite3 *db, struct error *error) {
	return sql_exec(db, "DELETE FROM engine_trace WHERE run_id = x''", error);
}

enum err history_exports_cursor(struct history_reader *reader, uint64_t *out, bool *is_new, struct error *error) {
	static const char sql[] = "SELECT coalesce((SELECT max(data) FROM engine_trace WHERE run_id = x''), -1),"
				  " coalesce((SELECT max(id) FROM engine_trace), 0)";
	sqlite3_stmt *row;
	*out = 0;
	*is_new = false;
	enum err err = statement_get(reader, STR(sql), &row, error);
	if (err != ERR_OK) return err;
	int64_t stored = -1, last = 0;
	while (sql_row(row, &err, error)) {
		stored = sqlite3_column_int64(row, 0);
		last = sqlite3_column_int64(row, 1);
	}
	if (err != ERR_OK) return err;
	*is_new = stored < 0;
	*out = (uint64_t)(stored < 0 ? last : stored);
	return ERR_OK;
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

// How many facts stand before `id` or at it.
static size_t facts_until(const struct trace_loaded *loaded, uint64_t id) {
	size_t count = 0;
	while (count < loaded->fact_count && loaded->fact_ids[count] <= id) count++;
	return count;
}

enum err history_exports_run(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
			     uint64_t after, uint64_t last, struct otlp_span **out, size_t *count,
			     struct error *error) {
	struct trace_loaded loaded;
	*count = 0;
	bool began = reading_begin(reader);
	enum err err = history_trace(reader, arena, run_id, NULL, 0, &loaded, error);
	reading_end(reader, began);
	if (err != ERR_OK) return err == ERR_NOT_FOUND ? ERR_OK : err;
	struct attributes all = {.arena = arena}, root = {.arena = arena};
	of_all(&all, &loaded);
	of_root(&root, &loaded);
	struct trace_export export = {.run_id = *run_id,
				      .ended_ns = loaded.run.ended_ns,
				      .facts = loaded.facts,
				      .fact_count = facts_until(&loaded, last),
				      .first_new = facts_until(&loaded, after),
				      .spans = &loaded.spans,
				      .function_slug = loaded.subject.function_slug,
				      .all = all.all,
				      .all_count = all.count,
				      .root = root.all,
				      .root_count = root.count};
	trace_export(arena, &export, out, count);
	return ERR_OK;
}
