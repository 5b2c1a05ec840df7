// Why events started nothing.
#include "history/history_internal.h"

enum err history_event_outcomes(struct history_reader *reader, struct arena *arena, const struct ulid *event_id,
				struct history_outcome **out, size_t *count, struct error *error) {
	sqlite3_stmt *row = reader->queries[QUERY_EVENT_OUTCOMES];
	struct rows rows = {.arena = arena, .row_size = sizeof(struct history_outcome)};
	sql_bind_ulid(row, 1, event_id);
	enum err err;
	while (sql_row(row, &err, error)) {
		struct history_outcome *outcome = rows_add(&rows);
		(void)sql_uuid(row, 0, &outcome->function_id);
		outcome->outcome = sql_text(row, 1, arena);
		outcome->reason = sql_text(row, 2, arena);
		outcome->has_run = sql_ulid(row, 3, &outcome->run_id);
		outcome->has_other = sql_ulid(row, 4, &outcome->other_id);
		outcome->at_ns = sql_time(row, 5, 0);
	}
	*out = (struct history_outcome *)(void *)rows.items;
	*count = rows.count;
	return err;
}
