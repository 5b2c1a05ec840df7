// Lists of runs (spec 06 §5.1, §5.4): arguments into a query of history, its page into a connection, and cursors.
//
// There is one list. What the reference server has as two, preview and legacy, differs in the form of the cursor, in
// whether outputs are there, and in small things at the edges.
#include "base/clock.h"
#include "history/search.h"
#include "server/gql/types.h"

#define PAGE_DEFAULT 40
#define PAGE_MAX 399

struct run_list { // RunsV2Connection
	struct run_query query;
	struct run_page page;
	struct api_run *runs;
	struct page_info info;
	bool is_legacy, is_ordered; // somebody asked for the order
};

// ---- arguments -----------------------------------------------------------------------------------------------------

// Bounds of a start are about the queueing; so is its order, but for the legacy list, which pages by each time's own
// value.
static const struct {
	const char *field;
	enum run_time by, legacy_by;
	const char *key, *legacy_key; // in cursors
} times[] = {
	{"QUEUED_AT", RUN_TIME_QUEUED, RUN_TIME_QUEUED, "start_time", "queued_at"},
	{"STARTED_AT", RUN_TIME_QUEUED, RUN_TIME_STARTED, "start_time", "started_at"},
	{"ENDED_AT", RUN_TIME_ENDED, RUN_TIME_ENDED, "end_time", "ended_at"},
};

static enum run_time read_time_field(struct str text, bool is_legacy) {
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		if (str_eq_cstr(text, times[i].field)) return is_legacy ? times[i].legacy_by : times[i].by;
	return RUN_TIME_QUEUED;
}

static void read_statuses(yyjson_val *filter, struct run_query *query) {
	static const struct {
		const char *name;
		enum trace_run_status status;
	} listed[] = {{"QUEUED", TRACE_RUN_QUEUED},
		      {"RUNNING", TRACE_RUN_RUNNING},
		      {"COMPLETED", TRACE_RUN_COMPLETED},
		      {"FAILED", TRACE_RUN_FAILED},
		      {"CANCELLED", TRACE_RUN_CANCELLED}}; // not SKIPPED, which is in no list
	yyjson_val *item;
	yyjson_arr_iter iter = yyjson_arr_iter_with(member(filter, "status"));
	while ((item = yyjson_arr_iter_next(&iter)) != NULL) {
		for (size_t i = 0; i < ARRAY_LEN(listed); i++)
			if (str_eq_cstr(json_str(item), listed[i].name))
				query->statuses |= 1u << (listed[i].status / 100);
	}
}

static void read_filter(struct arena *arena, yyjson_val *filter, struct run_query *query) {
	query->functions = member_uuids(arena, filter, "functionIDs", &query->function_count);
	query->has_functions = query->function_count > 0;
	query->apps = member_uuids(arena, filter, "appIDs", &query->app_count);
	query->has_apps = query->app_count > 0;
	read_statuses(filter, query);
	query->time = read_time_field(member_str(filter, "timeField"), false);
	query->from_ns = member_time(filter, "from", INT64_MIN);
	query->until_ns = member_time(filter, "until", (int64_t)clock_wall_ns());
	yyjson_val *deferred = member(filter, "isDeferred");
	query->is_deferred = deferred == NULL ? UNSET : yyjson_is_true(deferred) ? YES : NO;
}

static bool is_ordered_by(const struct run_query *query, enum run_time by) {
	for (size_t i = 0; i < query->order_count; i++)
		if (query->orders[i].by == by) return true;
	return false;
}

// Each time once: what comes twice decides nothing.
static void read_orders(yyjson_val *list, bool is_legacy, struct run_query *query) {
	yyjson_val *item;
	yyjson_arr_iter iter = yyjson_arr_iter_with(list);
	while ((item = yyjson_arr_iter_next(&iter)) != NULL && query->order_count < RUN_ORDERS_MAX) {
		enum run_time by = read_time_field(member_str(item, "field"), is_legacy);
		if (is_ordered_by(query, by)) continue;
		bool descending = str_eq(member_str(item, "direction"), STR("DESC"));
		query->orders[query->order_count++] = (struct run_order){.by = by, .descending = descending};
	}
}

// ---- cursors -------------------------------------------------------------------------------------------------------

static const char *cursor_key(const struct run_list *list, size_t order) {
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		enum run_time by = list->is_legacy ? times[i].legacy_by : times[i].by;
		if (by == list->query.orders[order].by) return list->is_legacy ? times[i].legacy_key : times[i].key;
	}
	return "";
}

static int64_t cursor_unit_ns(const struct run_list *list) {
	return list->is_legacy ? 1000000 : 1000;
}

// {"id":"…","c":{"start_time":{"f":"start_time","v":…}}}; v null: it has no such time yet.
static struct str write_cursor(struct arena *arena, const struct run_list *list, const struct run_cursor *cursor) {
	char id[ULID_TEXT_LEN + 1];
	ulid_text(&cursor->run_id, id);
	struct str text = arena_printf(arena, "{\"id\":\"%s\",\"c\":{", id);
	for (size_t i = 0; list->is_ordered && i < list->query.order_count; i++) {
		const char *key = cursor_key(list, i);
		int64_t at_ns = cursor->at_ns[i];
		struct str value = at_ns == NO_TIME
					   ? STR("null")
					   : arena_printf(arena, "%lld", (long long)(at_ns / cursor_unit_ns(list)));
		text = arena_printf(arena, "%.*s%s\"%s\":{\"f\":\"%s\",\"v\":%.*s}", STR_ARG(text), i > 0 ? "," : "",
				    key, key, STR_ARG(value));
	}
	return base64_text(arena, arena_cat(arena, text, STR("}}")));
}

static bool read_cursor_time(const struct run_list *list, yyjson_val *values, size_t order, struct run_cursor *out) {
	yyjson_val *value = yyjson_obj_get(yyjson_obj_get(values, cursor_key(list, order)), "v");
	int64_t *at_ns = &out->at_ns[order];
	*at_ns = NO_TIME;
	if (yyjson_is_null(value)) return true;
	if (!yyjson_is_int(value)) {
		// A cursor of the default order names no time: it is in the id.
		*at_ns = ulid_time_ns(&out->run_id);
		return value == NULL && list->query.orders[order].by == RUN_TIME_QUEUED;
	}
	int64_t units = yyjson_get_sint(value), unit_ns = cursor_unit_ns(list);
	if (units > INT64_MAX / unit_ns || units < -(INT64_MAX / unit_ns)) return false;
	*at_ns = units * unit_ns;
	return true;
}

// NULL, as for none, when it cannot be read (§5.1).
static const struct run_cursor *read_cursor(struct arena *arena, const struct run_list *list, struct str text) {
	struct str json;
	struct error unused;
	if (text.len == 0 || !base64_bytes(arena, text, &json)) return NULL;
	yyjson_doc *doc = json_read(json, false, NULL, &unused);
	if (doc == NULL) return NULL;
	struct run_cursor *cursor = ARENA_NEW(arena, struct run_cursor);
	yyjson_val *root = yyjson_doc_get_root(doc), *values = yyjson_obj_get(root, "c");
	bool ok = ulid_parse(json_str(yyjson_obj_get(root, "id")), &cursor->run_id);
	for (size_t i = 0; ok && i < list->query.order_count; i++) ok = read_cursor_time(list, values, i, cursor);
	yyjson_doc_free(doc);
	return ok ? cursor : NULL;
}

static struct run_cursor cursor_of(const struct run_list *list, const struct run_row *row) {
	struct run_cursor cursor = {.run_id = row->id};
	for (size_t i = 0; i < list->query.order_count; i++) {
		enum run_time by = list->query.orders[i].by;
		cursor.at_ns[i] = by == RUN_TIME_ENDED     ? row->ended_ns
				  : by == RUN_TIME_STARTED ? row->started_ns
							   : row->queued_ns;
	}
	return cursor;
}

// ---- the list ------------------------------------------------------------------------------------------------------

struct api_run *runs_make(struct arena *arena, const struct run_row *rows, size_t count, bool has_output) {
	struct api_run *runs = ARENA_ARRAY(arena, struct api_run, count);
	for (size_t i = 0; i < count; i++) runs[i] = (struct api_run){.row = rows[i], .has_output = has_output};
	return runs;
}

static void read_page_size(struct gql_call *call, struct run_query *query) {
	int64_t first = yyjson_get_sint(gql_argument_get(call, "first"));
	query->limit = first > 0 && first <= PAGE_MAX ? (size_t)first : PAGE_DEFAULT;
}

static enum err read_arguments(struct gql_call *call, struct run_list *list, struct error *error) {
	struct run_query *query = &list->query;
	yyjson_val *filter = gql_argument_get(call, "filter");
	struct str search = member_str(filter, "query");
	read_page_size(call, query);
	read_filter(call->arena, filter, query);
	list->is_legacy = yyjson_is_false(gql_argument_get(call, "preview")) ||
			  (query->time == RUN_TIME_ENDED && search.len == 0);
	read_orders(gql_argument_get(call, "orderBy"), list->is_legacy, query);
	list->is_ordered = query->order_count > 0;
	if (list->is_legacy && query->until_ns > INT64_MIN) query->until_ns--; // exclusive there
	if (!list->is_ordered && !list->is_legacy)
		query->orders[query->order_count++] = (struct run_order){.by = RUN_TIME_QUEUED, .descending = true};
	query->after = read_cursor(call->arena, list, gql_argument_str(call, "after"));
	struct run_search *compiled = NULL;
	enum err err = search.len > 0 ? run_search_new(call->arena, search, &compiled, error) : ERR_OK;
	query->search = compiled;
	return err;
}

static void finish_list(struct arena *arena, struct run_list *list) {
	const struct run_page *page = &list->page;
	list->runs = runs_make(arena, page->rows, page->count, false);
	for (size_t i = 0; i < page->count; i++) {
		list->runs[i].list = list;
		list->runs[i].is_preview = !list->is_legacy;
	}
	list->info.has_next = page->has_more;
	if (page->count > 0) {
		struct run_cursor first = cursor_of(list, &page->rows[0]);
		list->info.start = write_cursor(arena, list, &first);
	}
	if (page->count > 0 || page->has_more) list->info.end = write_cursor(arena, list, &page->end);
}

void resolve_runs(struct gql_call *call) {
	struct run_list *list = ARENA_NEW(call->arena, struct run_list);
	struct error error;
	enum err err = read_arguments(call, list, &error);
	bool wants_rows = gql_selects(call, "edges") || gql_selects(call, "pageInfo");
	if (err == ERR_OK && wants_rows) {
		struct history_reader *reader = context_list_reader(call->context, list->query.search, &error);
		err = reader == NULL ? ERR_BUSY : history_runs(reader, call->arena, &list->query, &list->page, &error);
	}
	if (err != ERR_OK) {
		fail_all(call, "error retrieving runs: %s", error.message);
		return;
	}
	finish_list(call->arena, list);
	resolve_all(call, gql_object(list));
}

static void resolve_edges(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct run_list *list = PARENT(struct run_list, i);
		call->out[i] = list_of(call->arena, list->runs, list->page.count, sizeof *list->runs);
	}
}

static void resolve_page_info(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) call->out[i] = gql_object(&PARENT(struct run_list, i)->info);
}

static void resolve_total_count(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct error error;
		const struct run_query *query = &PARENT(struct run_list, i)->query;
		struct history_reader *reader = context_list_reader(call->context, query->search, &error);
		uint64_t count = 0;
		bool is_cut;
		if (reader == NULL || history_runs_count(reader, query, &count, &is_cut, &error) != ERR_OK)
			call->out[i] = gql_fail(call->arena, "error retrieving count for runs: %s", error.message);
		else
			call->out[i] = gql_int((int64_t)count);
	}
}

static void resolve_cursor(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct api_run *run = PARENT(struct api_run, i);
		struct run_cursor cursor = cursor_of(run->list, &run->row);
		call->out[i] = gql_text(write_cursor(call->arena, run->list, &cursor));
	}
}

ARGUMENTS(count_inputs, ARGUMENT("preview", "Boolean"))

FIELDS(type_runs_v2_connection) = {
	CALL("edges", "[FunctionRunV2Edge!]!", resolve_edges),
	CALL("pageInfo", "PageInfo!", resolve_page_info),
	CALL_WITH("totalCount", "Int!", resolve_total_count, count_inputs),
	END,
};
OBJECT(type_runs_v2_connection, "RunsV2Connection")

FIELDS(type_function_run_v2_edge) = {
	SELF("node", "FunctionRunV2!"),
	CALL("cursor", "String!", resolve_cursor),
	END,
};
OBJECT(type_function_run_v2_edge, "FunctionRunV2Edge")

FIELDS(type_page_info) = {
	READ("hasNextPage", "Boolean!", BOOL, struct page_info, has_next),
	READ("hasPreviousPage", "Boolean!", BOOL, struct page_info, has_previous),
	READ("startCursor", "String", STR_OR_NULL, struct page_info, start),
	READ("endCursor", "String", STR_OR_NULL, struct page_info, end),
	END,
};
OBJECT(type_page_info, "PageInfo")
