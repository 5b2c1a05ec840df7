// The memoised steps of a run, which stay among the engine's records when it has ended; of a run without any, those
// that its spans tell of.
#include "engine/step_record.h"
#include "history/row_steps.h"
#include "history/step_range.h"

static const char steps_sql[] =
	"SELECT r.key, r.head, b.body FROM engine_record r JOIN engine_body b ON b.id = r.body_id"
	" WHERE r.kind = ?1 AND r.key >= ?2 AND r.key <= ?3 ORDER BY r.key";

static enum err read_step(sqlite3_stmt *row, struct rows *rows, struct error *error) {
	struct step_record record;
	enum err err = step_record_read(sql_bytes(row, 1), &record, error);
	if (err != ERR_OK || record.is_input) return err;
	struct history_step *step = rows_add(rows);
	step->id = arena_dup(rows->arena, record.id);
	step->name = arena_dup(rows->arena, record.name);
	step->op = record.op;
	step->value = arena_dup(rows->arena, sql_bytes(row, 2));
	return ERR_OK;
}

enum err history_run_steps(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
			   struct history_step **out, size_t *count, struct error *error) {
	sqlite3_stmt *statement;
	enum err err = sql_prepare(reader->db, steps_sql, &statement, error); // rare: not kept
	if (err != ERR_OK) return err;
	struct step_range range;
	step_range_bind(statement, run_id, &range);
	struct rows rows = {.arena = arena, .row_size = sizeof(struct history_step)};
	enum err read = ERR_OK;
	while (sql_row(statement, &err, error)) {
		if (read == ERR_OK) read = read_step(statement, &rows, error);
	}
	sqlite3_finalize(statement);
	if (err == ERR_OK && read == ERR_OK && rows.count == 0) err = row_steps(reader, run_id, &rows, error);
	*out = (struct history_step *)(void *)rows.items;
	*count = rows.count;
	return err != ERR_OK ? err : read;
}
