#include "history/defers.h"

#include "base/json.h"
#include "history/history_internal.h"
#include "history/runs.h"

static const char defers_sql[] = "SELECT hashed_id, userland_id, fn_slug, status FROM engine_defers WHERE run_id = ?1"
				 " ORDER BY hashed_id";
// Runs of one event and one function, without reruns: an event batch names its events in a table of its own.
static const char run_sql[] =
	"SELECT min(r.run_id) FROM function_runs r JOIN functions f ON f.id = r.function_id"
	" WHERE (r.event_id = ?1 OR r.run_id IN (SELECT run_id FROM engine_batch_events WHERE event_id = ?1))"
	" AND f.slug = ?2 AND (r.original_run_id IS NULL OR r.original_run_id = zeroblob(16))";

static enum err find_run(struct history_reader *reader, struct history_defer *defer, struct error *error) {
	sqlite3_stmt *row;
	struct ulid event_id = defer_event_id(&defer->parent_id, defer->hashed_id);
	enum err err = statement_get(reader, STR(run_sql), &row, error);
	if (err != ERR_OK) return err;
	sql_bind_ulid(row, 1, &event_id);
	sql_bind_text(row, 2, defer->function);
	while (sql_row(row, &err, error)) (void)sql_ulid(row, 0, &defer->run_id);
	return err;
}

enum err history_defers(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
			struct history_defer **out, size_t *count, struct error *error) {
	struct rows rows = {.arena = arena, .row_size = sizeof(struct history_defer)};
	sqlite3_stmt *row;
	enum err err = statement_get(reader, STR(defers_sql), &row, error);
	if (err != ERR_OK) return err;
	sql_bind_ulid(row, 1, run_id);
	while (sql_row(row, &err, error)) {
		struct history_defer *defer = rows_add(&rows);
		*defer = (struct history_defer){.parent_id = *run_id,
						.hashed_id = sql_text(row, 0, arena),
						.userland_id = sql_text(row, 1, arena),
						.function = sql_text(row, 2, arena),
						.status = (enum defer_status)sqlite3_column_int(row, 3)};
	}
	*out = (struct history_defer *)(void *)rows.items;
	*count = rows.count;
	for (size_t i = 0; i < rows.count && err == ERR_OK; i++)
		if ((*out)[i].status == DEFER_AFTER_RUN) err = find_run(reader, &(*out)[i], error);
	return err;
}

// `_inngest.parent_run_id` of the event's data.
static bool parent_of(struct str data, struct ulid *out) {
	struct error unused;
	yyjson_doc *doc = json_read(data, false, NULL, &unused);
	if (doc == NULL) return false;
	yyjson_val *reserved = json_get_exact(yyjson_doc_get_root(doc), STR("_inngest"));
	bool found = ulid_parse(json_str(json_get_exact(reserved, STR("parent_run_id"))), out);
	yyjson_doc_free(doc);
	return found;
}

enum err history_deferred_from(struct history_reader *reader, struct arena *arena, const struct ulid *run_id,
			       struct ulid **out, size_t *count, struct error *error) {
	struct ulid *events;
	size_t event_count;
	enum err err = history_run_event_ids(reader, arena, run_id, &events, &event_count, error);
	*out = ARENA_ARRAY(arena, struct ulid, event_count + 1);
	*count = 0;
	for (size_t i = 0; i < event_count && err == ERR_OK; i++) {
		struct history_event event;
		struct ulid parent;
		err = history_event(reader, arena, &events[i], &event, error);
		if (err == ERR_NOT_FOUND) {
			err = ERR_OK; // retention has taken it
			continue;
		}
		if (err != ERR_OK || !str_eq(event.name, DEFER_EVENT) || !parent_of(event.data, &parent)) continue;
		bool is_known = false;
		for (size_t k = 0; k < *count; k++) is_known |= ulid_cmp(&(*out)[k], &parent) == 0;
		if (!is_known) (*out)[(*count)++] = parent;
	}
	return err;
}
