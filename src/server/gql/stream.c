// The stream of what has happened (spec 06 §7.3): events, newest first, with what they started.
#include "history/events.h"
#include "server/gql/types.h"

#include <stdlib.h>

#define STREAM_MAX 400 // ours: items of one answer

static bool read_bound(struct str text, struct ulid *id, const struct ulid **bound) {
	if (text.len == 0) return true;
	*bound = id;
	return ulid_parse(text, id);
}

// False when all is answered. Events of the server itself are only of interest when they have started something.
static bool read_arguments(struct gql_call *call, struct history_events_filter *filter) {
	yyjson_val *query = gql_argument_get(call, "query");
	int64_t limit = yyjson_get_sint(member(query, "limit"));
	struct ulid *bounds = ARENA_ARRAY(call->arena, struct ulid, 2);
	bool with_internal = member_bool(query, "includeInternalEvents", false);
	*filter = (struct history_events_filter){.scope = with_internal ? EVENTS_ALL : EVENTS_THAT_BEGAN_RUNS,
						 .limit = limit < 1            ? 0
							  : limit > STREAM_MAX ? STREAM_MAX
									       : (size_t)limit,
						 .is_bare = true,
						 .from_ns = INT64_MIN,
						 .until_ns = INT64_MAX};
	if (read_bound(member_str(query, "after"), &bounds[0], &filter->after) &&
	    read_bound(member_str(query, "before"), &bounds[1], &filter->before))
		return true;
	fail_all(call, "ulid: bad data size when unmarshaling");
	return false;
}

// With their runs, of which every field tells something.
static enum err load(struct gql_call *call, const struct history_events_filter *filter, struct api_event ***out,
		     size_t *count, struct error *error) {
	struct history_events_page page = {.count = 0};
	struct history_reader *reader = call_reader(call, error);
	if (reader == NULL) return ERR_BUSY;
	enum err err = filter->limit == 0 ? ERR_OK : history_events_search(reader, call->arena, filter, &page, error);
	*out = ARENA_ARRAY(call->arena, struct api_event *, page.count);
	*count = page.count;
	for (size_t i = 0; i < page.count; i++) {
		(*out)[i] = ARENA_NEW(call->arena, struct api_event);
		(*out)[i]->event = page.events[i];
	}
	return err == ERR_OK ? events_load_runs(call->context, call->arena, *out, page.count, error) : err;
}

static int newest_first(const void *a, const void *b) {
	const struct api_event *left = *(struct api_event *const *)a, *right = *(struct api_event *const *)b;
	if (left->event.ts_ms != right->event.ts_ms) return left->event.ts_ms < right->event.ts_ms ? 1 : -1;
	return -ulid_cmp(&left->event.internal_id, &right->event.internal_id);
}

void resolve_stream(struct gql_call *call) {
	struct history_events_filter filter;
	if (!read_arguments(call, &filter)) return;
	struct api_event **events;
	size_t count;
	struct error error;
	if (load(call, &filter, &events, &count, &error) != ERR_OK) {
		fail_all(call, "%s", error.message);
		return;
	}
	if (count > 1) qsort(events, count, sizeof *events, newest_first);
	struct gql_value list = gql_list(call->arena, count);
	for (size_t i = 0; i < count; i++) list.items[i] = gql_object(events[i]);
	resolve_all(call, list);
}

// ---- fields --------------------------------------------------------------------------------------------------------

// Empty when no run is a schedule's.
static struct str cron_of(const struct api_event *event) {
	for (size_t i = 0; i < event->run_count; i++)
		if (event->runs[i]->row.cron.len > 0) return event->runs[i]->row.cron;
	return STR("");
}

static void resolve_trigger(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct api_event *event = PARENT(struct api_event, i);
		struct str cron = cron_of(event);
		call->out[i] = gql_text(cron.len > 0 ? cron : event->event.name);
	}
}

static void resolve_type(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		bool is_cron = cron_of(PARENT(struct api_event, i)).len > 0;
		call->out[i] = gql_text(is_cron ? STR("CRON") : STR("EVENT"));
	}
}

static void resolve_created(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_time(call->arena, PARENT(struct api_event, i)->event.ts_ms * 1000000);
}

static void resolve_item_runs(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct api_event *event = PARENT(struct api_event, i);
		call->out[i] = gql_list(call->arena, event->run_count);
		for (size_t k = 0; k < event->run_count; k++) call->out[i].items[k] = gql_object(event->runs[k]);
	}
}

static void resolve_in_batch(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const struct api_event *event = PARENT(struct api_event, i);
		bool in_batch = false;
		for (size_t k = 0; k < event->run_count; k++) in_batch |= !ulid_is_none(&event->runs[k]->row.batch_id);
		call->out[i] = gql_bool(in_batch);
	}
}

FIELDS(type_stream_item) = {
	READ("id", "ID!", ULID, struct api_event, event.internal_id),
	CALL("trigger", "String!", resolve_trigger),
	CALL("type", "StreamType!", resolve_type),
	CALL("createdAt", "Time!", resolve_created),
	CALL("runs", "[FunctionRun]", resolve_item_runs),
	CALL("inBatch", "Boolean!", resolve_in_batch),
	END,
};
OBJECT(type_stream_item, "StreamItem")
