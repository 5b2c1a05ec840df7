// Events (spec 06 §7.1, §7.2).
#include "history/events.h"
#include "base/clock.h"
#include "history/search.h"
#include "server/gql/types.h"

#include <stdlib.h>

#define PAGE_DEFAULT 40
#define PAGE_MAX 51
#define HOUR_NS 3600000000000ll

// ---- loading -------------------------------------------------------------------------------------------------------

static struct api_event *events_make(struct arena *arena, const struct history_event *found, size_t count) {
	struct api_event *events = ARENA_ARRAY(arena, struct api_event, count);
	for (size_t i = 0; i < count; i++) events[i].event = found[i];
	return events;
}

static int event_order(const void *a, const void *b) {
	const struct api_event *left = a, *right = b;
	return ulid_cmp(&left->event.internal_id, &right->event.internal_id);
}

static struct api_event *find_event(struct api_event *events, size_t count, const struct ulid *id) {
	struct api_event key = {.event.internal_id = *id};
	return count > 0 ? bsearch(&key, events, count, sizeof *events, event_order) : NULL;
}

enum err events_load(struct gql_context *context, struct arena *arena, const struct ulid *ids, size_t count,
		     struct api_event **out, struct error *error) {
	struct ids wanted = {.arena = arena};
	for (size_t i = 0; i < count; i++) ids_add(&wanted, ids[i].bytes);
	ids_sort(&wanted);
	struct history_reader *reader = context_reader(context, error);
	struct history_event *found;
	size_t found_count;
	if (reader == NULL) return ERR_BUSY;
	enum err err =
		history_events_by_id(reader, arena, ids_ulids(&wanted), wanted.count, &found, &found_count, error);
	if (err != ERR_OK) return err;
	struct api_event *events = events_make(arena, found, found_count);
	if (found_count > 1) qsort(events, found_count, sizeof *events, event_order);
	for (size_t i = 0; i < count; i++) out[i] = find_event(events, found_count, &ids[i]);
	return ERR_OK;
}

static void give_runs(struct arena *arena, struct api_event *event, size_t index, const struct event_run_row *rows,
		      size_t count) {
	size_t own = 0;
	for (size_t i = 0; i < count; i++) own += rows[i].event_index == index;
	event->runs = ARENA_ARRAY(arena, struct api_run *, own);
	for (size_t i = 0; i < count; i++) {
		if (rows[i].event_index == index)
			event->runs[event->run_count++] = runs_make(arena, &rows[i].run, 1, false);
	}
}

static enum err load_runs_of(struct gql_context *context, struct arena *arena, struct api_event *const *waiting,
			     size_t count, struct error *error) {
	struct ulid *ids = ARENA_ARRAY(arena, struct ulid, count);
	for (size_t i = 0; i < count; i++) ids[i] = waiting[i]->event.internal_id;
	struct history_reader *reader = context_reader(context, error);
	struct event_run_row *rows;
	size_t row_count;
	if (reader == NULL) return ERR_BUSY;
	enum err err = history_runs_of_events(reader, arena, ids, count, &rows, &row_count, error);
	for (size_t i = 0; err == ERR_OK && i < count; i++) give_runs(arena, waiting[i], i, rows, row_count);
	return err;
}

// An event stands in the list once for each of its parents that are asked for it, as those are spans of one run.
enum err events_load_runs(struct gql_context *context, struct arena *arena, struct api_event *const *events,
			  size_t count, struct error *error) {
	struct api_event **waiting = ARENA_ARRAY(arena, struct api_event *, count);
	size_t waiting_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (events[i] == NULL || events[i]->has_runs) continue;
		events[i]->has_runs = true; // it is in the list
		waiting[waiting_count++] = events[i];
	}
	if (waiting_count == 0) return ERR_OK;
	enum err err = load_runs_of(context, arena, waiting, waiting_count, error);
	for (size_t i = 0; err != ERR_OK && i < waiting_count; i++) waiting[i]->has_runs = false;
	return err;
}

// ---- texts ---------------------------------------------------------------------------------------------------------

static void put_member(struct buf *out, const char *before, struct str json) {
	buf_str(out, str_from_cstr(before));
	buf_str(out, json);
}

static struct str finish(struct arena *arena, struct buf *out) {
	struct str text = arena_dup(arena, buf_view(out));
	buf_free(out);
	return text;
}

struct str event_text(struct arena *arena, const struct history_event *event) {
	struct buf out;
	buf_init(&out, SIZE_MAX / 2);
	buf_lit(&out, "{\"id\":");
	buf_json_str(&out, event->id);
	buf_lit(&out, ",\"name\":");
	buf_json_str(&out, event->name);
	put_member(&out, ",\"data\":", event->data.len > 0 ? event->data : STR("null"));
	buf_lit(&out, ",\"ts\":");
	buf_i64(&out, event->ts_ms);
	if (event->v.len > 0) {
		buf_lit(&out, ",\"v\":");
		buf_json_str(&out, event->v);
	}
	if (event->user.len > 0) put_member(&out, ",\"user\":", event->user);
	buf_byte(&out, '}');
	return finish(arena, &out);
}

// The same with sorted names, and v always.
static struct str event_v2_text(struct arena *arena, const struct history_event *event) {
	struct buf out;
	buf_init(&out, SIZE_MAX / 2);
	put_member(&out, "{\"data\":", event->data.len > 0 ? event->data : STR("null"));
	buf_lit(&out, ",\"id\":");
	buf_json_str(&out, event->id);
	buf_lit(&out, ",\"name\":");
	buf_json_str(&out, event->name);
	buf_lit(&out, ",\"ts\":");
	buf_i64(&out, event->ts_ms);
	if (event->user.len > 0) put_member(&out, ",\"user\":", event->user);
	buf_lit(&out, ",\"v\":");
	if (event->v.len > 0)
		buf_json_str(&out, event->v);
	else
		buf_lit(&out, "null");
	buf_byte(&out, '}');
	return finish(arena, &out);
}

// ---- eventsV2 ------------------------------------------------------------------------------------------------------

struct event_list { // EventsConnection
	struct history_events_filter query;
	struct api_event *events;
	size_t count;
	struct page_info info;
};

static struct str write_cursor(struct arena *arena, const struct ulid *id) {
	char text[ULID_TEXT_LEN + 1];
	ulid_text(id, text);
	return base64_text(arena, arena_printf(arena, "{\"ID\":\"%s\"}", text));
}

static enum err read_cursor(struct arena *arena, struct str text, struct ulid *out, struct error *error) {
	struct str json;
	if (!base64_bytes(arena, text, &json))
		return error_set(error, ERR_INVALID, "error decoding eventsv2 cursor: illegal base64 data");
	yyjson_doc *doc = json_read(json, false, NULL, error);
	if (doc == NULL) {
		error_prefix(error, "error decoding eventsv2 cursor");
		return ERR_INVALID;
	}
	bool ok = ulid_parse(json_str(yyjson_obj_get(yyjson_doc_get_root(doc), "ID")), out);
	yyjson_doc_free(doc);
	if (ok) return ERR_OK;
	return error_set(error, ERR_INVALID, "error parsing eventsv2 cursor: ulid: bad data size when unmarshaling");
}

static void read_names(struct arena *arena, yyjson_val *filter, struct history_events_filter *query) {
	yyjson_val *list = member(filter, "eventNames"), *item;
	struct str *names = ARENA_ARRAY(arena, struct str, yyjson_arr_size(list));
	yyjson_arr_iter iter = yyjson_arr_iter_with(list);
	while ((item = yyjson_arr_iter_next(&iter)) != NULL) names[query->name_count++] = json_str(item);
	query->names = names;
	query->has_names = query->name_count > 0;
}

static enum err read_arguments(struct gql_call *call, struct history_events_filter *query, struct error *error) {
	yyjson_val *filter = gql_argument_get(call, "filter");
	if (filter_check(filter, error) != ERR_OK) {
		error_prefix(error, "error retrieving events");
		return ERR_INVALID;
	}
	int64_t first = yyjson_get_sint(gql_argument_get(call, "first"));
	query->limit = first >= 1 && first <= PAGE_MAX ? (size_t)first : PAGE_DEFAULT;
	read_names(call->arena, filter, query);
	query->scope = member_bool(filter, "includeInternalEvents", false) ? EVENTS_ALL : EVENTS_OF_APPS;
	query->from_ns = member_time(filter, "from", INT64_MIN);
	query->until_ns = member_time(filter, "until", (int64_t)clock_wall_ns());
	struct str after = gql_argument_str(call, "after"), search = member_str(filter, "query");
	if (after.len > 0) {
		struct ulid *id = ARENA_NEW(call->arena, struct ulid);
		enum err err = read_cursor(call->arena, after, id, error);
		if (err != ERR_OK) return err;
		query->before = id;
	}
	query->is_bare = !gql_selects(call, "edges.node.raw");
	struct run_search *compiled = NULL;
	enum err err = search.len > 0 ? run_search_new(call->arena, search, &compiled, error) : ERR_OK;
	query->search = compiled;
	if (err != ERR_OK) error_prefix(error, "error retrieving events");
	return err;
}

void resolve_events_v2(struct gql_call *call) {
	struct event_list *list = ARENA_NEW(call->arena, struct event_list);
	struct history_events_page page = {.count = 0};
	struct error error;
	enum err err = read_arguments(call, &list->query, &error);
	if (err == ERR_OK && (gql_selects(call, "edges") || gql_selects(call, "pageInfo"))) {
		struct history_reader *reader = context_list_reader(call->context, list->query.search, &error);
		err = reader == NULL ? ERR_BUSY
				     : history_events_search(reader, call->arena, &list->query, &page, &error);
	}
	if (err != ERR_OK) {
		fail_all(call, "%s", error.message);
		return;
	}
	list->events = events_make(call->arena, page.events, page.count);
	list->count = page.count;
	list->info.has_next = page.has_more;
	list->info.has_previous = gql_argument_str(call, "after").len > 0;
	if (page.count > 0) list->info.start = write_cursor(call->arena, &page.events[0].internal_id);
	if (page.count > 0 || page.has_more) list->info.end = write_cursor(call->arena, &page.end);
	resolve_all(call, gql_object(list));
}

static void resolve_edges(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct event_list *list = PARENT(struct event_list, i);
		call->out[i] = list_of(call->arena, list->events, list->count, sizeof *list->events);
	}
}

static void resolve_total_count(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct error error;
		const struct history_events_filter *filter = &PARENT(struct event_list, i)->query;
		struct history_reader *reader = context_list_reader(call->context, filter->search, &error);
		uint64_t count = 0;
		bool is_cut;
		if (reader == NULL || history_events_count(reader, filter, &count, &is_cut, &error) != ERR_OK)
			call->out[i] = gql_fail(call->arena, "error retrieving count for events: %s", error.message);
		else
			call->out[i] = gql_int((int64_t)count);
	}
}

static void resolve_cursor(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_text(write_cursor(call->arena, &PARENT(struct api_event, i)->event.internal_id));
}

// ---- single events, and the last hour ------------------------------------------------------------------------------

// NULL, with an error or without, when there is none.
static struct api_event *load_one(struct gql_call *call, struct str text, enum err *err, struct error *error) {
	struct ulid id;
	struct api_event *event = NULL;
	*err = ERR_OK;
	if (!ulid_parse(text, &id)) return NULL;
	void **known = context_memo(call->context, "event", str_make(id.bytes, sizeof id.bytes));
	if (*known == NULL) {
		*err = events_load(call->context, call->arena, &id, 1, &event, error);
		*known = event;
	}
	return *known;
}

void resolve_event_v2(struct gql_call *call) {
	struct str id = gql_argument_str(call, "id");
	struct error error;
	enum err err;
	const struct api_event *event = load_one(call, id, &err, &error);
	if (event != NULL)
		resolve_all(call, gql_object(event));
	else if (err != ERR_OK)
		fail_all(call, "%s", error.message);
	else
		fail_all(call, "event not found: %.*s", STR_ARG(id));
}

void resolve_event(struct gql_call *call) {
	struct error error;
	enum err err;
	const struct api_event *event =
		load_one(call, member_str(gql_argument_get(call, "query"), "eventId"), &err, &error);
	if (event != NULL)
		resolve_all(call, gql_object(event));
	else
		fail_all(call, "%s", err != ERR_OK ? error.message : NO_ROWS);
}

void resolve_events(struct gql_call *call) {
	int64_t now_ns = (int64_t)clock_wall_ns();
	struct history_events_filter query = {.limit = PAGE_MAX, .from_ns = now_ns - HOUR_NS, .until_ns = now_ns};
	query.is_bare = !gql_selects(call, "raw") && !gql_selects(call, "payload");
	struct history_events_page page;
	struct error error;
	struct history_reader *reader = call_reader(call, &error);
	if (reader == NULL || history_events_search(reader, call->arena, &query, &page, &error) != ERR_OK) {
		fail_all(call, "%s", error.message);
		return;
	}
	struct api_event *events = events_make(call->arena, page.events, page.count);
	resolve_all(call, list_of(call->arena, events, page.count, sizeof *events));
}

// ---- fields --------------------------------------------------------------------------------------------------------

// To put what is loaded where other fields find it.
static struct api_event *own_event(const struct gql_call *call, size_t i) {
	struct api_event *event;
	memcpy(&event, &call->parents[i], sizeof event);
	return event;
}

static void resolve_occurred(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_time(call->arena, PARENT(struct api_event, i)->event.ts_ms * 1000000);
}

static void resolve_created(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct api_event *event = PARENT(struct api_event, i);
		int64_t at_ns = event->event.ts_ms != 0 ? event->event.ts_ms * 1000000
							: ulid_time_ns(&event->event.internal_id);
		call->out[i] = gql_time(call->arena, event->is_received_time ? event->event.received_ns : at_ns);
	}
}

// Each is made once and belongs to the object.
static void resolve_raw_v2(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct api_event *event = own_event(call, i);
		if (event->raw_v2.ptr == NULL) event->raw_v2 = event_v2_text(call->arena, &event->event);
		call->out[i] = gql_text(event->raw_v2);
	}
}

static void resolve_raw(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct api_event *event = own_event(call, i);
		if (event->raw.ptr == NULL) event->raw = event_text(call->arena, &event->event);
		call->out[i] = gql_text(event->raw);
	}
}

static void resolve_payload(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct str data = PARENT(struct api_event, i)->event.data;
		call->out[i] = gql_text(data.len > 0 ? data : STR("null"));
	}
}

// The runs of all parents at once; false when all is answered.
static bool load_runs(struct gql_call *call) {
	struct api_event **events = ARENA_ARRAY(call->arena, struct api_event *, call->count);
	for (size_t i = 0; i < call->count; i++) events[i] = own_event(call, i);
	struct error error;
	if (events_load_runs(call->context, call->arena, events, call->count, &error) == ERR_OK) return true;
	fail_all(call, "%s", error.message);
	return false;
}

static struct gql_value run_list_of(struct arena *arena, const struct api_event *event) {
	struct gql_value list = gql_list(arena, event->run_count);
	for (size_t i = 0; i < list.count; i++) list.items[i] = gql_object(event->runs[i]);
	return list;
}

static void resolve_event_runs(struct gql_call *call) {
	if (!load_runs(call)) return;
	for (size_t i = 0; i < call->count; i++) call->out[i] = run_list_of(call->arena, PARENT(struct api_event, i));
}

static void resolve_function_runs(struct gql_call *call) {
	if (!load_runs(call)) return;
	for (size_t i = 0; i < call->count; i++) {
		const struct api_event *event = PARENT(struct api_event, i);
		if (event->run_count > 0) call->out[i] = run_list_of(call->arena, event);
	}
}

static size_t count_runs(const struct api_event *event, enum trace_run_status status) {
	size_t count = 0;
	for (size_t i = 0; i < event->run_count; i++) count += event->runs[i]->row.status == status;
	return count;
}

static size_t pending_runs(const struct api_event *event) {
	return count_runs(event, TRACE_RUN_RUNNING) + count_runs(event, TRACE_RUN_QUEUED);
}

static struct str event_status(const struct api_event *event) {
	size_t failed = count_runs(event, TRACE_RUN_FAILED);
	if (event->run_count == 0) return STR("NO_FUNCTIONS");
	if (failed == event->run_count) return STR("FAILED");
	if (failed > 0) return STR("PARTIALLY_FAILED");
	return pending_runs(event) > 0 ? STR("RUNNING") : STR("COMPLETED");
}

static void resolve_status(struct gql_call *call) {
	if (!load_runs(call)) return;
	for (size_t i = 0; i < call->count; i++) call->out[i] = gql_text(event_status(PARENT(struct api_event, i)));
}

static void resolve_pending_runs(struct gql_call *call) {
	if (!load_runs(call)) return;
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_int((int64_t)pending_runs(PARENT(struct api_event, i)));
}

static void resolve_total_runs(struct gql_call *call) {
	if (!load_runs(call)) return;
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_int((int64_t)PARENT(struct api_event, i)->run_count);
}

// ---- types ---------------------------------------------------------------------------------------------------------

FIELDS(type_events_connection) = {
	CALL("edges", "[EventsEdge!]!", resolve_edges),
	READ("pageInfo", "PageInfo!", SELF, struct event_list, info),
	CALL_DEAR("totalCount", "Int!", resolve_total_count, NULL, COST_LIST),
	END,
};
OBJECT(type_events_connection, "EventsConnection")

FIELDS(type_events_edge) = {
	SELF("node", "EventV2!"),
	CALL("cursor", "String!", resolve_cursor),
	END,
};
OBJECT(type_events_edge, "EventsEdge")

FIELDS(type_event_v2) = {
	CALL("envID", "UUID!", resolve_zero_uuid),
	READ("id", "ULID!", ULID, struct api_event, event.internal_id),
	READ("idempotencyKey", "String", STR, struct api_event, event.id),
	READ("name", "String!", STR, struct api_event, event.name),
	CALL("occurredAt", "Time!", resolve_occurred),
	CALL("raw", "String!", resolve_raw_v2),
	READ("receivedAt", "Time!", TIME_NS, struct api_event, event.received_ns),
	CALL_DEAR("runs", "[FunctionRunV2!]!", resolve_event_runs, NULL, COST_RUNS),
	NEVER("source", "EventSource"),
	READ("version", "String", STR, struct api_event, event.v),
	END,
};
OBJECT(type_event_v2, "EventV2")

FIELDS(type_event_source) = {
	NEVER("id", "ID!"),
	NEVER("name", "String"),
	NEVER("sourceKind", "String!"),
	END,
};
OBJECT(type_event_source, "EventSource")

FIELDS(type_event) = {
	READ("id", "ULID!", ULID, struct api_event, event.internal_id),
	READ("externalID", "String", STR, struct api_event, event.id),
	NEVER("workspace", "Workspace"),
	READ("name", "String", STR, struct api_event, event.name),
	CALL("createdAt", "Time", resolve_created),
	CALL("payload", "String", resolve_payload),
	NEVER("schema", "String"),
	CALL_DEAR("status", "EventStatus", resolve_status, NULL, COST_RUNS),
	CALL_DEAR("pendingRuns", "Int", resolve_pending_runs, NULL, COST_RUNS),
	CALL_DEAR("totalRuns", "Int", resolve_total_runs, NULL, COST_RUNS),
	CALL("raw", "String", resolve_raw),
	CALL_DEAR("functionRuns", "[FunctionRun!]", resolve_function_runs, NULL, COST_RUNS),
	END,
};
OBJECT(type_event, "Event")
