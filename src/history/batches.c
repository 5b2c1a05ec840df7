// Which events a batch holds: event_batches has them as one text, and the links beside it lead from each event to the
// run.
#include "history/history_internal.h"

const char batch_link_sql[] = "INSERT OR IGNORE INTO engine_batch_events(event_id, run_id) VALUES(?1, ?2)";

// One text of the list, which becomes shorter by it.
static struct str next_id(struct str *list) {
	ptrdiff_t comma = str_find(*list, ',');
	struct str id = comma < 0 ? *list : str_first(*list, (size_t)comma);
	*list = str_skip(*list, comma < 0 ? list->len : id.len + 1);
	return id;
}

enum err batch_link(sqlite3_stmt *insert, struct str event_ids, const struct ulid *run_id, bool *known,
		    struct error *error) {
	sql_bind_ulid(insert, 2, run_id);
	int links = 0, added = 0;
	while (event_ids.len > 0) {
		struct ulid event_id;
		if (!ulid_parse(next_id(&event_ids), &event_id)) continue; // another program wrote it
		sql_bind_ulid(insert, 1, &event_id);
		enum err err = sql_run(insert, error);
		if (err != ERR_OK) return err;
		links++;
		added += sqlite3_changes(sqlite3_db_handle(insert));
	}
	if (known != NULL) *known = links > 0 && added == 0;
	return ERR_OK;
}

static enum err link_rows(sqlite3_stmt *row, sqlite3_stmt *insert, struct error *error) {
	enum err err;
	while (sql_row(row, &err, error)) {
		struct ulid run_id;
		struct str event_ids = sql_bytes(row, 1);
		bool known;
		if (!sql_ulid(row, 0, &run_id) || event_ids.len == 0) continue;
		err = batch_link(insert, event_ids, &run_id, &known, error);
		if (err != ERR_OK || known) return err;
	}
	return err;
}

enum err batches_link(sqlite3 *db, struct error *error) {
	sqlite3_stmt *row = NULL, *insert = NULL;
	enum err err = sql_prepare(db, "SELECT run_id, event_ids FROM event_batches ORDER BY rowid DESC", &row, error);
	if (err == ERR_OK) err = sql_prepare(db, batch_link_sql, &insert, error);
	if (err == ERR_OK) err = link_rows(row, insert, error);
	sqlite3_finalize(row);
	sqlite3_finalize(insert);
	return err;
}
