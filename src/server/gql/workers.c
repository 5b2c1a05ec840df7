// Connections of workers (spec 06 §9).
#include "history/workers.h"

#include "base/clock.h"
#include "server/gql/types.h"

#define PAGE_DEFAULT 40
#define PAGE_MAX 399

typedef struct worker_row worker;

static const struct {
	const char *field, *key; // key: in cursors
} times[WORKER_TIME_COUNT] = {
	[WORKER_TIME_CONNECTED] = {"CONNECTED_AT", "connected_at"},
	[WORKER_TIME_HEARTBEAT] = {"LAST_HEARTBEAT_AT", "last_heartbeat_at"},
	[WORKER_TIME_DISCONNECTED] = {"DISCONNECTED_AT", "disconnected_at"},
};
static const char *const statuses[WORKER_STATUS_COUNT] = {[WORKER_CONNECTED] = "CONNECTED",
							  [WORKER_READY] = "READY",
							  [WORKER_DRAINING] = "DRAINING",
							  [WORKER_DISCONNECTING] = "DISCONNECTING",
							  [WORKER_DISCONNECTED] = "DISCONNECTED"};

struct worker_list { // ConnectV1WorkerConnectionsConnection
	struct worker_query query;
	struct worker_edge *edges;
	size_t count;
	struct page_info info;
};
struct worker_edge {
	worker row;
	struct str cursor;
};

// ---- arguments -----------------------------------------------------------------------------------------------------

static enum worker_time read_time_field(struct str text) {
	for (size_t i = 0; i < WORKER_TIME_COUNT; i++)
		if (str_eq_cstr(text, times[i].field)) return (enum worker_time)i;
	return WORKER_TIME_CONNECTED;
}

static uint64_t ms_of(int64_t ns) {
	return ns > 0 ? (uint64_t)ns / 1000000 : 0;
}

static void read_filter(struct arena *arena, yyjson_val *filter, struct worker_query *query) {
	query->apps = member_uuids(arena, filter, "appIDs", &query->app_count);
	query->time = read_time_field(member_str(filter, "timeField"));
	query->from_ms = ms_of(member_time(filter, "from", 0));
	// What has just happened is in the list, too.
	query->until_ms = ms_of(member_time(filter, "until", (int64_t)clock_wall_ns() + 1000000));
	yyjson_val *item;
	yyjson_arr_iter iter = yyjson_arr_iter_with(member(filter, "status"));
	while ((item = yyjson_arr_iter_next(&iter)) != NULL) {
		for (size_t i = 0; i < WORKER_STATUS_COUNT; i++)
			if (str_eq_cstr(json_str(item), statuses[i])) query->statuses |= 1u << i;
	}
}

static bool is_ordered_by(const struct worker_query *query, enum worker_time by) {
	for (size_t i = 0; i < query->order_count; i++)
		if (query->orders[i].by == by) return true;
	return false;
}

static void read_orders(yyjson_val *list, struct worker_query *query) {
	yyjson_val *item;
	yyjson_arr_iter iter = yyjson_arr_iter_with(list);
	while ((item = yyjson_arr_iter_next(&iter)) != NULL && query->order_count < WORKER_ORDERS_MAX) {
		enum worker_time by = read_time_field(member_str(item, "field"));
		if (is_ordered_by(query, by)) continue;
		bool descending = str_eq(member_str(item, "direction"), STR("DESC"));
		query->orders[query->order_count++] = (struct worker_order){.by = by, .descending = descending};
	}
}

// ---- cursors -------------------------------------------------------------------------------------------------------

// `next`: the row behind, or NULL. Where that is of the same connection, the cursor says of which app this one is.
static struct str write_cursor(struct arena *arena, const struct worker_query *query, const worker *row,
			       const worker *next) {
	char id[ULID_TEXT_LEN + 1];
	ulid_text(&row->id, id);
	struct buf text;
	buf_init(&text, SIZE_MAX / 2);
	buf_printf(&text, "{\"id\":\"%s\",\"c\":{", id);
	for (size_t i = 0; i < query->order_count; i++) {
		enum worker_time by = query->orders[i].by;
		buf_printf(&text, "%s\"%s\":{\"f\":\"%s\",\"v\":%llu}", i > 0 ? "," : "", times[by].key, times[by].key,
			   (unsigned long long)row->at_ms[by]);
	}
	buf_byte(&text, '}');
	if (next != NULL && ulid_cmp(&row->id, &next->id) == 0) {
		buf_lit(&text, ",\"app\":");
		buf_json_str(&text, row->app_name);
	}
	buf_byte(&text, '}');
	struct str cursor = base64_text(arena, buf_view(&text));
	buf_free(&text);
	return cursor;
}

static const struct worker_cursor *read_cursor(struct arena *arena, const struct worker_query *query, struct str text) {
	struct str json;
	struct error unused;
	if (text.len == 0 || !base64_bytes(arena, text, &json)) return NULL;
	yyjson_doc *doc = json_read(json, false, NULL, &unused);
	if (doc == NULL) return NULL;
	struct worker_cursor *cursor = ARENA_NEW(arena, struct worker_cursor);
	yyjson_val *root = yyjson_doc_get_root(doc), *values = yyjson_obj_get(root, "c");
	bool ok = ulid_parse(json_str(yyjson_obj_get(root, "id")), &cursor->id);
	cursor->has_app = yyjson_is_str(yyjson_obj_get(root, "app"));
	cursor->app_name = arena_dup(arena, json_str(yyjson_obj_get(root, "app")));
	for (size_t i = 0; ok && i < query->order_count; i++) {
		yyjson_val *value = yyjson_obj_get(yyjson_obj_get(values, times[query->orders[i].by].key), "v");
		ok = yyjson_is_uint(value);
		cursor->at_ms[i] = yyjson_get_uint(value);
	}
	yyjson_doc_free(doc);
	return ok ? cursor : NULL;
}

// ---- queries -------------------------------------------------------------------------------------------------------

static void give_edges(struct arena *arena, struct worker_list *list, const worker *rows, size_t count) {
	list->edges = ARENA_ARRAY(arena, struct worker_edge, count);
	list->count = count;
	for (size_t i = 0; i < count; i++) {
		list->edges[i].row = rows[i];
		const worker *next = i + 1 < count || list->info.has_next ? &rows[i + 1] : NULL;
		list->edges[i].cursor = write_cursor(arena, &list->query, &rows[i], next);
	}
	if (count == 0) return;
	list->info.start = list->edges[0].cursor;
	list->info.end = list->edges[count - 1].cursor;
}

void resolve_workers(struct gql_call *call) {
	struct worker_list *list = ARENA_NEW(call->arena, struct worker_list);
	struct worker_query *query = &list->query;
	int64_t first = yyjson_get_sint(gql_argument_get(call, "first"));
	query->limit = first > 0 && first <= PAGE_MAX ? (size_t)first : PAGE_DEFAULT;
	struct error error;
	yyjson_val *filter = gql_argument_get(call, "filter");
	if (filter_check(filter, &error) != ERR_OK) {
		fail_all(call, "error retrieving worker connections: %s", error.message);
		return;
	}
	read_filter(call->arena, filter, query);
	read_orders(gql_argument_get(call, "orderBy"), query);
	query->after = read_cursor(call->arena, query, gql_argument_str(call, "after"));
	struct history_reader *reader = call_reader(call, &error);
	worker *rows;
	size_t count;
	if (reader == NULL ||
	    history_workers(reader, call->arena, query, &rows, &count, &list->info.has_next, &error) != ERR_OK) {
		fail_all(call, "error retrieving worker connections: %s", error.message);
		return;
	}
	give_edges(call->arena, list, rows, count);
	resolve_all(call, gql_object(list));
}

void resolve_worker(struct gql_call *call) {
	struct ulid id = {{0}};
	(void)ulid_parse(gql_argument_str(call, "connectionId"), &id);
	worker *row = ARENA_NEW(call->arena, worker);
	struct error error;
	struct history_reader *reader = call_reader(call, &error);
	enum err err = reader != NULL ? history_worker(reader, call->arena, &id, row, &error) : ERR_BUSY;
	if (err == ERR_OK)
		resolve_all(call, gql_object(row));
	else
		fail_all(call, "error retrieving worker connection: %s",
			 err == ERR_NOT_FOUND ? NO_ROWS : error.message);
}

// ---- fields --------------------------------------------------------------------------------------------------------

static void resolve_edges(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct worker_list *list = PARENT(struct worker_list, i);
		call->out[i] = list_of(call->arena, list->edges, list->count, sizeof *list->edges);
	}
}

static void resolve_total_count(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct error error;
		struct history_reader *reader = call_reader(call, &error);
		uint64_t count;
		if (reader == NULL ||
		    history_workers_count(reader, &PARENT(struct worker_list, i)->query, &count, &error) != ERR_OK)
			call->out[i] = gql_fail(call->arena, "%s", error.message);
		else
			call->out[i] = gql_int((int64_t)count);
	}
}

static void resolve_app_of_worker(struct gql_call *call) {
	look_up_apps(call, offsetof(worker, app_id), false);
}

static void resolve_status(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		int64_t status = PARENT(worker, i)->status;
		call->out[i] = status >= 0 && status < WORKER_STATUS_COUNT
				       ? gql_text(str_from_cstr(statuses[status]))
				       : gql_fail(call->arena, "unknown connection status: %lld", (long long)status);
	}
}

FIELDS(type_connect_v1_worker_connections_connection) = {
	CALL("edges", "[ConnectV1WorkerConnectionEdge!]!", resolve_edges),
	READ("pageInfo", "PageInfo!", SELF, struct worker_list, info),
	CALL_DEAR("totalCount", "Int!", resolve_total_count, NULL, COST_LIST),
	END,
};
OBJECT(type_connect_v1_worker_connections_connection, "ConnectV1WorkerConnectionsConnection")

FIELDS(type_connect_v1_worker_connection_edge) = {
	SELF("node", "ConnectV1WorkerConnection!"), // a row is what an edge begins with
	READ("cursor", "String!", STR, struct worker_edge, cursor),
	END,
};
OBJECT(type_connect_v1_worker_connection_edge, "ConnectV1WorkerConnectionEdge")

FIELDS(type_connect_v1_worker_connection) = {
	READ("id", "ULID!", ULID, worker, id),
	READ("gatewayId", "ULID!", ULID, worker, gateway_id),
	READ("instanceId", "String!", STR, worker, instance_id),
	READ("workerIp", "String!", STR, worker, ip),
	READ("maxWorkerConcurrency", "Int64!", INT, worker, concurrency_max),
	READ("appName", "String", STR_OR_NULL, worker, app_name),
	READ("appID", "UUID", UUID_OR_NULL, worker, app_id),
	CALL("app", "App", resolve_app_of_worker),
	READ("connectedAt", "Time!", TIME_MS, worker, at_ms[WORKER_TIME_CONNECTED]),
	READ("lastHeartbeatAt", "Time", TIME_MS, worker, at_ms[WORKER_TIME_HEARTBEAT]),
	READ("disconnectedAt", "Time", TIME_MS, worker, at_ms[WORKER_TIME_DISCONNECTED]),
	READ("disconnectReason", "String", STR_OR_NULL, worker, disconnect_reason),
	CALL("status", "ConnectV1ConnectionStatus!", resolve_status),
	READ("groupHash", "String!", STR, worker, group_hash),
	READ("sdkLang", "String!", STR, worker, sdk_language),
	READ("sdkVersion", "String!", STR, worker, sdk_version),
	READ("sdkPlatform", "String!", STR, worker, sdk_platform),
	// The reference server marks this one and means buildId.
	{.name = "syncId",
	 .type = "UUID",
	 .member = GQL_MEMBER_STR_OR_NULL,
	 .offset = offsetof(worker, sync_id),
	 .deprecated = "buildId is deprecated. Use appVersion instead."},
	READ("buildId", "String", STR_OR_NULL, worker, app_version),
	READ("appVersion", "String", STR_OR_NULL, worker, app_version),
	READ("functionCount", "Int!", INT, worker, function_count),
	READ("cpuCores", "Int!", INT, worker, cpu_cores),
	READ("memBytes", "Int!", INT, worker, memory_bytes),
	READ("os", "String!", STR, worker, os),
	END,
};
OBJECT(type_connect_v1_worker_connection, "ConnectV1WorkerConnection")
