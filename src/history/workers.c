// Connections of workers. The statements are made of fixed pieces for what a query asks, and are few.
#include "history/workers.h"

#include "history/history_internal.h"

#define COLUMNS                                                                                                \
	"id, gateway_id, app_id, app_name, instance_id, worker_ip, disconnect_reason, group_hash, sdk_lang, "  \
	"sdk_version,"                                                                                         \
	" sdk_platform, sync_id, app_version, os, status, max_worker_concurrency, function_count, cpu_cores, " \
	"mem_bytes,"                                                                                           \
	" connected_at, last_heartbeat_at, disconnected_at"

static const char *const time_columns[WORKER_TIME_COUNT] = {[WORKER_TIME_CONNECTED] = "connected_at",
							    [WORKER_TIME_HEARTBEAT] = "coalesce(last_heartbeat_at, 0)",
							    [WORKER_TIME_DISCONNECTED] =
								    "coalesce(disconnected_at, 0)"};

// Places of what is bound; the values of a cursor come last.
enum { BIND_FROM = 1, BIND_UNTIL, BIND_STATUSES, BIND_APPS, BIND_ID, BIND_APP_NAME, BIND_LIMIT, BIND_VALUES };

// ---- the statement -------------------------------------------------------------------------------------------------

static void put_window(struct buf *sql, const struct worker_query *query) {
	const char *at = time_columns[query->time];
	buf_printf(sql, " FROM worker_connections WHERE %s >= ?%d AND %s < ?%d", at, BIND_FROM, at, BIND_UNTIL);
	if (query->time != WORKER_TIME_CONNECTED) buf_printf(sql, " AND %s > 0", at);
	if (query->statuses != 0) buf_printf(sql, " AND (1 << status) & ?%d", BIND_STATUSES);
	if (query->app_count > 0) buf_printf(sql, " AND app_id IN (SELECT value FROM json_each(?%d))", BIND_APPS);
}

// Rows behind the cursor: alike in the first orders and beyond in the next one, or alike in all with a greater id. A
// connection that serves several apps has a row for each.
static void put_cursor(struct buf *sql, const struct worker_query *query) {
	buf_lit(sql, " AND (");
	for (size_t i = 0; i <= query->order_count; i++) {
		if (i > 0) buf_lit(sql, " OR ");
		buf_byte(sql, '(');
		for (size_t k = 0; k < i; k++) {
			buf_printf(sql, "%s = ?%d AND ", time_columns[query->orders[k].by], BIND_VALUES + (int)k);
		}
		if (i == query->order_count)
			buf_printf(sql, query->after->has_app ? "(id, app_name) > (?%d, ?%d))" : "id > ?%d)", BIND_ID,
				   BIND_APP_NAME);
		else
			buf_printf(sql, "%s %c ?%d)", time_columns[query->orders[i].by],
				   query->orders[i].descending ? '<' : '>', BIND_VALUES + (int)i);
	}
	buf_byte(sql, ')');
}

static void put_order(struct buf *sql, const struct worker_query *query) {
	buf_lit(sql, " ORDER BY ");
	for (size_t i = 0; i < query->order_count; i++) {
		buf_printf(sql, "%s %s, ", time_columns[query->orders[i].by],
			   query->orders[i].descending ? "DESC" : "ASC");
	}
	buf_printf(sql, "id, app_name LIMIT ?%d", BIND_LIMIT);
}

static struct str app_list(struct arena *arena, const struct worker_query *query) {
	struct buf list;
	buf_init(&list, SIZE_MAX / 2);
	buf_byte(&list, '[');
	for (size_t i = 0; i < query->app_count; i++) {
		char text[UUID_TEXT_LEN + 1];
		uuid_text(&query->apps[i], text);
		buf_printf(&list, "%s\"%s\"", i > 0 ? "," : "", text);
	}
	buf_byte(&list, ']');
	struct str text = arena_dup(arena, buf_view(&list));
	buf_free(&list);
	return text;
}

static int64_t number(uint64_t value) {
	return value < INT64_MAX ? (int64_t)value : INT64_MAX;
}

static void bind(sqlite3_stmt *statement, struct arena *arena, const struct worker_query *query, bool is_page) {
	sqlite3_bind_int64(statement, BIND_FROM, number(query->from_ms));
	sqlite3_bind_int64(statement, BIND_UNTIL, number(query->until_ms));
	if (query->statuses != 0) sqlite3_bind_int64(statement, BIND_STATUSES, query->statuses);
	if (query->app_count > 0) sql_bind_text(statement, BIND_APPS, app_list(arena, query));
	if (!is_page) return;
	sqlite3_bind_int64(statement, BIND_LIMIT, number((uint64_t)query->limit + 1));
	if (query->after == NULL) return;
	sql_bind_ulid(statement, BIND_ID, &query->after->id);
	sql_bind_text(statement, BIND_APP_NAME, query->after->app_name);
	for (size_t i = 0; i < query->order_count; i++)
		sqlite3_bind_int64(statement, BIND_VALUES + (int)i, number(query->after->at_ms[i]));
}

static enum err prepare(struct history_reader *reader, struct arena *arena, const struct worker_query *query,
			bool is_page, sqlite3_stmt **out, struct error *error) {
	struct buf sql;
	buf_init(&sql, 8192);
	buf_str(&sql, is_page ? STR("SELECT " COLUMNS) : STR("SELECT count(*)"));
	put_window(&sql, query);
	if (is_page && query->after != NULL) put_cursor(&sql, query);
	if (is_page) put_order(&sql, query);
	buf_byte(&sql, '\0');
	CHECK(!sql.overflow); // its pieces are fixed
	enum err err = sql_prepare(reader->db, sql.ptr, out, error);
	buf_free(&sql);
	if (err == ERR_OK) bind(*out, arena, query, is_page);
	return err;
}

// ---- rows ----------------------------------------------------------------------------------------------------------

static uint64_t column_ms(sqlite3_stmt *row, int column) {
	int64_t ms = sqlite3_column_int64(row, column);
	return ms > 0 ? (uint64_t)ms : 0;
}

static void read_row(sqlite3_stmt *row, struct arena *arena, struct worker_row *out) {
	*out = (struct worker_row){.status = 0};
	(void)sql_ulid(row, 0, &out->id);
	(void)sql_ulid(row, 1, &out->gateway_id);
	if (!sql_uuid(row, 2, &out->app_id)) out->app_id = (struct uuid){{0}};
	struct str *const texts[] = {&out->app_name,   &out->instance_id,  &out->ip,          &out->disconnect_reason,
				     &out->group_hash, &out->sdk_language, &out->sdk_version, &out->sdk_platform,
				     &out->sync_id,    &out->app_version,  &out->os};
	int column = 3;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) *texts[i] = sql_text(row, column++, arena);
	int64_t *const numbers[] = {&out->status, &out->concurrency_max, &out->function_count, &out->cpu_cores,
				    &out->memory_bytes};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) *numbers[i] = sqlite3_column_int64(row, column++);
	for (size_t i = 0; i < WORKER_TIME_COUNT; i++) out->at_ms[i] = column_ms(row, column++);
}

enum err history_workers(struct history_reader *reader, struct arena *arena, const struct worker_query *query,
			 struct worker_row **out, size_t *count, bool *has_more, struct error *error) {
	struct rows rows = {.arena = arena, .row_size = sizeof(struct worker_row)};
	sqlite3_stmt *statement;
	enum err err = prepare(reader, arena, query, true, &statement, error);
	if (err != ERR_OK) return err;
	while (sql_row(statement, &err, error)) read_row(statement, arena, rows_add(&rows));
	sqlite3_finalize(statement);
	*has_more = rows.count > query->limit;
	*count = *has_more ? query->limit : rows.count;
	*out = (struct worker_row *)(void *)rows.items;
	return err;
}

enum err history_workers_count(struct history_reader *reader, const struct worker_query *query, uint64_t *out,
			       struct error *error) {
	struct arena arena;
	arena_init(&arena, 256);
	sqlite3_stmt *statement;
	*out = 0;
	enum err err = prepare(reader, &arena, query, false, &statement, error);
	if (err == ERR_OK) {
		while (sql_row(statement, &err, error)) *out = (uint64_t)sqlite3_column_int64(statement, 0);
		sqlite3_finalize(statement);
	}
	arena_free(&arena);
	return err;
}

enum err history_worker(struct history_reader *reader, struct arena *arena, const struct ulid *id,
			struct worker_row *out, struct error *error) {
	static const char sql[] = "SELECT " COLUMNS " FROM worker_connections WHERE id = ?1 ORDER BY app_name LIMIT 1";
	sqlite3_stmt *statement;
	enum err err = sql_prepare(reader->db, sql, &statement, error);
	if (err != ERR_OK) return err;
	sql_bind_ulid(statement, 1, id);
	bool found = false;
	while (sql_row(statement, &err, error)) {
		read_row(statement, arena, out);
		found = true;
	}
	sqlite3_finalize(statement);
	if (err == ERR_OK && !found) return error_set(error, ERR_NOT_FOUND, "worker connection not found");
	return err;
}
