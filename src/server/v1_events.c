// GET /v1/events and /v1/events/{id} (05 §12.2, §12.3), and our own /v1/events/{id}/outcomes.
#include "base/clock.h"
#include "server/server_internal.h"

#define HOUR_NS 3600000000000ll

static void write_event(struct buf *out, const struct history_event *event) {
	buf_lit(out, "{\"internal_id\":");
	json_ulid(out, &event->internal_id);
	buf_lit(out, ",\"account_id\":\"" ZERO_ID "\",\"environment_id\":\"" ZERO_ID "\",\"source\":\"\","
		     "\"source_id\":null,\"received_at\":");
	json_time(out, event->received_ns);
	buf_lit(out, ",\"id\":");
	buf_json_str(out, event->id);
	buf_lit(out, ",\"name\":");
	buf_json_str(out, event->name);
	buf_lit(out, ",\"data\":");
	buf_str(out, event->data.len > 0 ? event->data : STR("null"));
	if (event->is_bare) buf_lit(out, ",\"data_removed\":true"); // ours: by retention
	if (event->user.len > 0) {
		buf_lit(out, ",\"user\":");
		buf_str(out, event->user);
	}
	buf_lit(out, ",\"ts\":");
	buf_i64(out, event->ts_ms);
	if (event->v.len > 0) {
		buf_lit(out, ",\"v\":");
		buf_json_str(out, event->v);
	}
	buf_byte(out, '}');
}

// A limit that is no number, or 0, means the default; others are clipped.
static uint32_t read_limit(struct request *request) {
	struct str text;
	int64_t limit = 0;
	if (!request_query(request, "limit", &text) || !str_to_i64(text, &limit) || limit == 0) {
		return EVENTS_PAGE_DEFAULT;
	}
	if (limit < 1) return 1;
	return limit > EVENTS_PAGE_MAX ? EVENTS_PAGE_MAX : (uint32_t)limit;
}

// A date parameter; absent or empty keeps the default.
static bool read_date(struct request *request, const char *name, int64_t *out_ns) {
	struct str text;
	if (!request_query(request, name, &text) || text.len == 0) return true;
	return date_parse(text, out_ns);
}

static bool read_query(struct request *request, struct history_events_query *query) {
	int64_t now_ns = (int64_t)clock_wall_ns();
	*query = (struct history_events_query){
		.limit = read_limit(request), .after_ns = now_ns - HOUR_NS, .before_ns = now_ns};
	struct str cursor;
	if (request_query(request, "cursor", &cursor) && cursor.len > 0) {
		query->has_cursor = ulid_parse(cursor, &query->cursor);
		if (!query->has_cursor) {
			json_reply_error(request, 400, STR("Invalid cursor query parameter"));
			return false;
		}
	}
	if (!read_date(request, "received_after", &query->after_ns) ||
	    !read_date(request, "received_before", &query->before_ns)) {
		json_reply_error(request, 400, STR("Invalid received_after query parameter"));
		return false;
	}
	(void)request_query(request, "name", &query->name);
	return true;
}

void v1_events_work(struct request *request) {
	struct history_events_query query;
	struct reading reading;
	if (!read_query(request, &query) || !reading_open(&reading, request)) return;
	struct history_event *events = NULL;
	size_t count = 0;
	struct error error;
	enum err err = history_events(reading.history, &request->arena, &query, &events, &count, &error);
	reading_close(&reading);
	if (err != ERR_OK) {
		json_reply_error(request, reading_status(&error), STR("Unable to query events"));
		return;
	}
	json_envelope_open(request);
	buf_byte(&request->out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0) buf_byte(&request->out, ',');
		write_event(&request->out, &events[i]);
	}
	buf_byte(&request->out, ']');
	json_envelope_send(request, 0);
}

bool v1_event_id(struct request *request, struct ulid *out) {
	if (ulid_parse(request->params[0], out)) return true;
	json_reply_about(request, 400, STR("Invalid event ID: "), request->params[0]);
	return false;
}

void v1_event_work(struct request *request) {
	struct ulid id;
	struct reading reading;
	if (!v1_event_id(request, &id) || !reading_open(&reading, request)) return;
	struct history_event event;
	struct error error;
	enum err err = history_event(reading.history, &request->arena, &id, &event, &error);
	reading_close(&reading);
	if (err == ERR_NOT_FOUND) {
		json_reply_error(request, 404, STR("Event not found"));
		return;
	}
	if (err != ERR_OK) {
		json_reply_error(request, reading_status(&error), STR("Unable to query events"));
		return;
	}
	json_envelope_open(request);
	write_event(&request->out, &event);
	json_envelope_send(request, 5);
}

static void write_ulid_or_null(struct buf *out, bool present, const struct ulid *id) {
	if (present)
		json_ulid(out, id);
	else
		buf_lit(out, "null");
}

static void write_outcome(struct buf *out, const struct history_outcome *outcome) {
	buf_lit(out, "{\"function_id\":");
	json_uuid(out, &outcome->function_id);
	buf_lit(out, ",\"outcome\":");
	buf_json_str(out, outcome->outcome);
	buf_lit(out, ",\"reason\":");
	buf_json_str(out, outcome->reason);
	buf_lit(out, ",\"run_id\":");
	write_ulid_or_null(out, outcome->has_run, &outcome->run_id);
	buf_lit(out, ",\"other_id\":");
	write_ulid_or_null(out, outcome->has_other, &outcome->other_id);
	buf_lit(out, ",\"at\":");
	json_time(out, outcome->at_ns);
	buf_byte(out, '}');
}

void v1_event_outcomes_work(struct request *request) {
	struct ulid id;
	struct reading reading;
	if (!v1_event_id(request, &id) || !reading_open(&reading, request)) return;
	struct history_outcome *outcomes = NULL;
	size_t count = 0;
	struct error error;
	enum err err = history_event_outcomes(reading.history, &request->arena, &id, &outcomes, &count, &error);
	reading_close(&reading);
	if (err != ERR_OK) {
		json_reply_error(request, reading_status(&error), str_from_cstr(error.message));
		return;
	}
	json_envelope_open(request);
	buf_byte(&request->out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0) buf_byte(&request->out, ',');
		write_outcome(&request->out, &outcomes[i]);
	}
	buf_byte(&request->out, ']');
	json_envelope_send(request, 5);
}
