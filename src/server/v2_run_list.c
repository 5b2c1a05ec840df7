// GET /v2/runs, /v2/apps/{app}/functions/{function}/runs, /v2/runs/{id} and /v2/events/{id}/runs (05 §13.10).
#include "server/v2.h"

static void write_runs(struct request *request, const struct v2_run_names *names, const struct run_row *rows,
		       size_t count, bool with_output) {
	v2_list_open(request);
	for (size_t i = 0; i < count; i++) {
		v2_element_open(&request->out);
		v2_run_write(request, names, &rows[i], with_output);
		v2_object_close(&request->out);
	}
}

// ---- lists ---------------------------------------------------------------------------------------------------------

static void list(struct request *request, struct reading *reading, struct str app, struct str function) {
	struct v2_run_query asked;
	if (!v2_run_query_read(request, reading, app, function, &asked)) return;
	struct run_page found;
	struct v2_run_names names;
	struct error error;
	struct arena *arena = &request->arena;
	enum err err = history_runs(reading->history, arena, &asked.query, &found, &error);
	if (err == ERR_OK) err = v2_run_names_read(reading, arena, found.rows, found.count, &names, &error);
	if (err != ERR_OK) {
		v2_reply_internal(request, &error);
		return;
	}
	struct v2_page page = {.limit = asked.query.limit,
			       .has_more = found.has_more,
			       .has_range = asked.has_range,
			       .from_ns = asked.query.from_ns,
			       .until_ns = asked.query.until_ns};
	if (found.has_more) page.cursor = v2_run_cursor(arena, &asked.order, &found.end);
	write_runs(request, &names, found.rows, found.count, asked.query.with_output);
	v2_list_send(request, &page);
}

void v2_runs_work(struct request *request) {
	struct reading reading;
	if (!reading_open(&reading, request)) return;
	list(request, &reading, (struct str){NULL, 0}, (struct str){NULL, 0});
	reading_close(&reading);
}

void v2_function_runs_work(struct request *request) {
	struct reading reading;
	if (!reading_open(&reading, request)) return;
	list(request, &reading, request->params[0], request->params[1]);
	reading_close(&reading);
}

// ---- one run -------------------------------------------------------------------------------------------------------

static bool read_include_output(struct request *request, bool *out) {
	static const struct v2_query_rule rules[] = {{"includeOutput", "include_output", V2_QUERY_BOOL, 0}};
	enum tristate include = UNSET;
	bool valid = v2_query_read(request, rules, ARRAY_LEN(rules), &include);
	*out = include == YES;
	return valid;
}

static void send_run(struct request *request, struct reading *reading, const struct ulid *id, bool with_output) {
	struct run_row *rows;
	struct v2_run_names names = {.function_count = 0};
	size_t count;
	struct error error;
	struct arena *arena = &request->arena;
	enum err err = history_runs_by_id(reading->history, arena, id, 1, with_output, &rows, &count, &error);
	if (err == ERR_OK) err = v2_run_names_read(reading, arena, rows, count, &names, &error);
	if (err != ERR_OK) {
		v2_reply_internal(request, &error);
	} else if (count == 0) {
		v2_reply_error(request, 404, STR("not_found"), STR("Run not found"));
	} else if (names.function_count == 0) {
		v2_reply_error(request, 404, STR("not_found"), STR("Function not found"));
	} else {
		v2_envelope_open(request);
		buf_byte(&request->out, '{');
		v2_run_write(request, &names, rows, with_output);
		v2_object_close(&request->out);
		v2_envelope_close(request);
		respond_out(request, 200);
	}
}

void v2_run_work(struct request *request) {
	struct ulid id;
	bool with_output;
	struct reading reading;
	if (!v2_run_id(request, &id) || !read_include_output(request, &with_output) ||
	    !reading_open(&reading, request)) {
		return;
	}
	send_run(request, &reading, &id, with_output);
	reading_close(&reading);
}

// ---- runs of an event ----------------------------------------------------------------------------------------------

struct event_parameters {
	int64_t limit;
	struct str cursor;
	enum tristate include_output;
};
static const struct v2_query_rule event_rules[] = {
	{"limit", NULL, V2_QUERY_INT, offsetof(struct event_parameters, limit)},
	{"cursor", NULL, V2_QUERY_TEXT, offsetof(struct event_parameters, cursor)},
	{"includeOutput", "include_output", V2_QUERY_BOOL, offsetof(struct event_parameters, include_output)},
};
static const struct run_order newest_first = {RUN_TIME_QUEUED, true};

// As many as a page holds. `looked`: ids that have been looked up; a run may have been removed meanwhile.
static enum err load_event_runs(struct request *request, struct reading *reading, const struct ulid *ids,
				size_t id_count, bool with_output, struct run_row *out, size_t *count, size_t *looked,
				struct error *error) {
	struct arena *arena = &request->arena;
	size_t before = arena->bytes, i = 0;
	*count = 0;
	for (; i < id_count && arena->bytes - before <= HISTORY_PAGE_BYTES; i++) {
		struct run_row *row;
		size_t found;
		enum err err =
			history_runs_by_id(reading->history, arena, &ids[i], 1, with_output, &row, &found, error);
		if (err != ERR_OK) return err;
		if (found > 0) out[(*count)++] = *row;
	}
	*looked = i;
	return ERR_OK;
}

static void send_event_runs(struct request *request, struct reading *reading, const struct ulid *event_id,
			    const struct run_cursor *after, size_t limit, bool with_output) {
	struct ulid ids[V2_EVENT_RUNS_MAX + 1];
	struct run_row rows[V2_EVENT_RUNS_MAX];
	struct v2_run_names names = {.function_count = 0};
	size_t found, count = 0, looked = 0;
	struct error error;
	struct arena *arena = &request->arena;
	enum err err = history_event_run_ids(reading->history, event_id, after != NULL ? &after->run_id : NULL,
					     limit + 1, ids, &found, &error);
	size_t shown = found < limit ? found : limit;
	if (err == ERR_OK)
		err = load_event_runs(request, reading, ids, shown, with_output, rows, &count, &looked, &error);
	if (err == ERR_OK) err = v2_run_names_read(reading, arena, rows, count, &names, &error);
	if (err != ERR_OK) {
		v2_reply_internal(request, &error);
		return;
	}
	struct v2_page page = {.limit = limit, .has_more = found > looked};
	if (page.has_more) {
		struct run_cursor end = {.run_id = ids[looked - 1], .at_ns = {ulid_time_ns(&ids[looked - 1])}};
		page.cursor = v2_run_cursor(arena, &newest_first, &end);
	}
	write_runs(request, &names, rows, count, with_output);
	v2_list_send(request, &page);
}

void v2_event_runs_work(struct request *request) {
	struct event_parameters given = {.limit = V2_NOT_GIVEN};
	struct ulid event_id;
	struct run_cursor after;
	struct reading reading;
	size_t limit;
	if (!ulid_parse(request->params[0], &event_id)) {
		(void)v2_query_refuse(request, STR("Event ID must be a valid ULID"));
		return;
	}
	if (!v2_query_read(request, event_rules, ARRAY_LEN(event_rules), &given) ||
	    !v2_query_limit(request, given.limit, V2_EVENT_RUNS_MAX, &limit) || !reading_open(&reading, request)) {
		return;
	}
	if (given.cursor.len > 0 && !v2_run_cursor_read(request, &reading, given.cursor, &newest_first, &after))
		(void)v2_query_refuse(request, STR("Cursor is invalid"));
	else
		send_event_runs(request, &reading, &event_id, given.cursor.len > 0 ? &after : NULL, limit,
				given.include_output == YES);
	reading_close(&reading);
}
