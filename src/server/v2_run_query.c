// What a list of runs is asked for: parameters of GET /v2/runs and of its relatives (05 §13.10), and cursors (§13.5).
#include "base/hash.h"
#include "server/v2.h"

struct run_parameters {
	int64_t limit, from_ns, until_ns;
	struct str cursor, time_field, order;
	enum tristate include_output, is_deferred;
	struct v2_texts statuses, apps, functions;
};
#define RULE(name, snake, type, member) \
	{ name, snake, type, offsetof(struct run_parameters, member) }
static const struct v2_query_rule run_rules[] = {
	RULE("limit", NULL, V2_QUERY_INT, limit),
	RULE("cursor", NULL, V2_QUERY_TEXT, cursor),
	RULE("includeOutput", "include_output", V2_QUERY_BOOL, include_output),
	RULE("from", NULL, V2_QUERY_TIME, from_ns),
	RULE("until", NULL, V2_QUERY_TIME, until_ns),
	RULE("timeField", "time_field", V2_QUERY_TEXT, time_field),
	RULE("order", NULL, V2_QUERY_TEXT, order),
	RULE("status", NULL, V2_QUERY_TEXTS, statuses),
	RULE("isDeferred", "is_deferred", V2_QUERY_BOOL, is_deferred),
	// not of a function's runs:
	RULE("appId", "app_id", V2_QUERY_TEXTS, apps),
	RULE("functionId", "function_id", V2_QUERY_TEXTS, functions),
};
#define FILTER_RULES 2

// ---- words ---------------------------------------------------------------------------------------------------------

struct word {
	const char *text, *other; // in any case; other: as the enumeration has it
	unsigned value;
};
static const struct word time_fields[] = {{"queuedAt", "QUEUED_AT", RUN_TIME_QUEUED},
					  {"startedAt", "STARTED_AT", RUN_TIME_STARTED},
					  {"endedAt", "ENDED_AT", RUN_TIME_ENDED}};
static const struct word orders[] = {{"ASC", "ASC", false}, {"DESC", "DESC", true}};
static const struct word statuses[] = {{"QUEUED", "QUEUED", TRACE_RUN_QUEUED},
				       {"RUNNING", "RUNNING", TRACE_RUN_RUNNING},
				       {"COMPLETED", "COMPLETED", TRACE_RUN_COMPLETED},
				       {"FAILED", "FAILED", TRACE_RUN_FAILED},
				       {"CANCELLED", "CANCELLED", TRACE_RUN_CANCELLED}};
#define STATUS_BIT(status) (1u << ((status) / 100))
#define ENDED_STATUSES \
	(STATUS_BIT(TRACE_RUN_COMPLETED) | STATUS_BIT(TRACE_RUN_FAILED) | STATUS_BIT(TRACE_RUN_CANCELLED))

static bool find_word(const struct word *words, size_t count, struct str text, unsigned *out) {
	for (size_t i = 0; i < count; i++) {
		if (!str_eq_nocase(text, str_from_cstr(words[i].text)) &&
		    !str_eq_nocase(text, str_from_cstr(words[i].other)))
			continue;
		*out = words[i].value;
		return true;
	}
	return false;
}

static bool read_words(struct request *request, const struct run_parameters *given, struct v2_run_query *out) {
	unsigned by = RUN_TIME_QUEUED, descending = true, status;
	if (given->time_field.len > 0 && !find_word(time_fields, ARRAY_LEN(time_fields), given->time_field, &by))
		return v2_query_refuse(request, STR("timeField is invalid"));
	if (given->order.len > 0 && !find_word(orders, ARRAY_LEN(orders), given->order, &descending))
		return v2_query_refuse(request, STR("order is invalid"));
	for (size_t i = 0; i < given->statuses.count; i++) {
		if (!find_word(statuses, ARRAY_LEN(statuses), given->statuses.items[i], &status))
			return v2_query_refuse(request, STR("Status is invalid"));
		out->query.statuses |= STATUS_BIT(status);
	}
	out->query.time = (enum run_time)by;
	// The start that is meant is that of the run's root: its queueing (06 §5.1).
	if (by == RUN_TIME_STARTED) by = RUN_TIME_QUEUED;
	out->order = (struct run_order){(enum run_time)by, descending};
	return true;
}

// ---- apps and functions --------------------------------------------------------------------------------------------

static enum err find_apps(struct reading *reading, struct arena *arena, const struct v2_texts *names, struct uuid **out,
			  size_t *count, struct error *error) {
	*out = ARENA_ARRAY(arena, struct uuid, names->count);
	*count = 0;
	for (size_t i = 0; i < names->count; i++) {
		struct catalogue_app app;
		enum err err = catalogue_app(reading->history, arena, names->items[i], &app, error);
		if (err == ERR_OK)
			(*out)[(*count)++] = app.id;
		else if (err != ERR_NOT_FOUND)
			return err;
	}
	return ERR_OK;
}

static bool is_named(const struct catalogue_function *function, const struct v2_texts *names) {
	struct str own = catalogue_own_id(function);
	for (size_t i = 0; i < names->count; i++)
		if (str_eq(own, names->items[i]) || str_eq(function->slug, names->items[i])) return true;
	return false;
}

static enum err find_functions(struct reading *reading, struct arena *arena, const struct v2_texts *names,
			       struct run_query *query, struct error *error) {
	struct catalogue_function *functions;
	size_t count;
	const struct catalogue_query all = {.which = CATALOGUE_ALL};
	enum err err = catalogue_functions_of_apps(reading->history, arena, query->apps, query->app_count, &all,
						   &functions, &count, error);
	if (err != ERR_OK) return err;
	struct uuid *ids = ARENA_ARRAY(arena, struct uuid, count);
	query->functions = ids;
	query->has_functions = true;
	for (size_t i = 0; i < count; i++)
		if (is_named(&functions[i], names)) ids[query->function_count++] = functions[i].id;
	return ERR_OK;
}

static bool read_filters(struct request *request, struct reading *reading, const struct run_parameters *given,
			 struct run_query *query) {
	if (given->apps.count == 0) {
		if (given->functions.count == 0) return true;
		return v2_query_refuse(request, STR("appId is required when filtering by functionId"));
	}
	struct error error;
	struct uuid *apps;
	enum err err = find_apps(reading, &request->arena, &given->apps, &apps, &query->app_count, &error);
	query->apps = apps;
	query->has_apps = true;
	if (err == ERR_OK && given->functions.count > 0)
		err = find_functions(reading, &request->arena, &given->functions, query, &error);
	if (err != ERR_OK) v2_reply_internal(request, &error);
	return err == ERR_OK;
}

// ---- the whole -----------------------------------------------------------------------------------------------------

static bool read_cursor(struct request *request, struct reading *reading, struct str text, struct v2_run_query *out) {
	if (text.len == 0) return true;
	if (!v2_run_cursor_read(request, reading, text, &out->order, &out->cursor))
		return v2_query_refuse(request, STR("Cursor is invalid"));
	out->query.after = &out->cursor;
	return true;
}

static bool read_times(struct request *request, const struct run_parameters *given, struct v2_run_query *out) {
	bool has_from = given->from_ns != V2_NOT_GIVEN, has_until = given->until_ns != V2_NOT_GIVEN;
	out->query.from_ns = has_from ? given->from_ns : INT64_MIN;
	out->query.until_ns = has_until ? given->until_ns : INT64_MAX;
	out->has_range = has_from && has_until;
	if (out->has_range && given->from_ns >= given->until_ns)
		return v2_query_refuse(request, STR("from must be before until"));
	return true;
}

// Runs that have not ended have no time of their end.
static void leave_out_running(struct v2_run_query *out) {
	if (out->query.time != RUN_TIME_ENDED) return;
	bool none = out->query.statuses != 0 && (out->query.statuses & ENDED_STATUSES) == 0;
	out->query.statuses = out->query.statuses == 0 ? ENDED_STATUSES : out->query.statuses & ENDED_STATUSES;
	if (!none) return;
	out->query.has_functions = true; // none: nothing matches
	out->query.function_count = 0;
}

bool v2_run_query_read(struct request *request, struct reading *reading, struct str app, struct str function,
		       struct v2_run_query *out) {
	struct run_parameters given = {.limit = V2_NOT_GIVEN, .from_ns = V2_NOT_GIVEN, .until_ns = V2_NOT_GIVEN};
	bool in_path = app.len > 0;
	size_t limit;
	*out = (struct v2_run_query){.has_range = false};
	if (!v2_query_read(request, run_rules, ARRAY_LEN(run_rules) - (in_path ? FILTER_RULES : 0), &given) ||
	    !v2_query_limit(request, given.limit, V2_PAGE_MAX, &limit) || !read_words(request, &given, out) ||
	    !read_times(request, &given, out) || !read_cursor(request, reading, given.cursor, out)) {
		return false;
	}
	if (in_path) {
		given.apps = (struct v2_texts){&app, 1};
		given.functions = (struct v2_texts){&function, 1};
	}
	if (!read_filters(request, reading, &given, &out->query)) return false;
	leave_out_running(out);
	out->query.orders[0] = out->order;
	out->query.order_count = 1;
	out->query.limit = limit;
	out->query.with_output = given.include_output == YES;
	out->query.is_deferred = given.is_deferred;
	return true;
}

// ---- cursors -------------------------------------------------------------------------------------------------------

static const char *cursor_field(const struct run_order *order) {
	return order->by == RUN_TIME_ENDED ? "end_time" : "start_time";
}

struct str v2_run_cursor(struct arena *arena, const struct run_order *order, const struct run_cursor *cursor) {
	char id[ULID_TEXT_LEN + 1];
	ulid_text(&cursor->run_id, id);
	const char *field = cursor_field(order);
	struct str json = arena_printf(arena, "{\"id\":\"%s\",\"c\":{\"%s\":{\"f\":\"%s\",\"v\":%lld}}}", id, field,
				       field, (long long)(cursor->at_ns[0] / 1000));
	struct buf out;
	buf_init(&out, SIZE_MAX / 2);
	base64_append(&out, json, true);
	struct str text = arena_dup(arena, buf_view(&out));
	buf_free(&out);
	return text;
}

static bool read_cursor_json(struct str json, const struct run_order *order, struct run_cursor *out) {
	yyjson_doc *doc = json_read(json, false, NULL, NULL);
	yyjson_val *root = yyjson_doc_get_root(doc);
	yyjson_val *at = json_get_exact(json_get_exact(root, STR("c")), str_from_cstr(cursor_field(order)));
	yyjson_val *value = json_get_exact(at, STR("v"));
	bool valid = ulid_parse(json_str(json_get_exact(root, STR("id"))), &out->run_id) && yyjson_is_int(value);
	int64_t us = valid ? yyjson_get_sint(value) : 0;
	valid = valid && us < INT64_MAX / 1000 && us > INT64_MIN / 1000;
	if (valid) out->at_ns[0] = us * 1000;
	yyjson_doc_free(doc);
	return valid;
}

// Of a run that is not known any more, the id says when it was queued.
static bool read_cursor_id(struct request *request, struct reading *reading, const struct ulid *id,
			   const struct run_order *order, struct run_cursor *out) {
	struct run_row *rows;
	size_t count;
	struct error error;
	enum err err = history_runs_by_id(reading->history, &request->arena, id, 1, false, &rows, &count, &error);
	if (err != ERR_OK) return false;
	bool known = count > 0;
	out->run_id = *id;
	if (order->by == RUN_TIME_ENDED) {
		out->at_ns[0] = known ? rows[0].ended_ns : INT64_MIN;
		return out->at_ns[0] != INT64_MIN;
	}
	out->at_ns[0] = known ? rows[0].queued_ns : ulid_time_ns(id);
	return true;
}

bool v2_run_cursor_read(struct request *request, struct reading *reading, struct str text,
			const struct run_order *order, struct run_cursor *out) {
	*out = (struct run_cursor){.at_ns = {0}};
	struct ulid id;
	if (ulid_parse(text, &id)) return read_cursor_id(request, reading, &id, order, out);
	struct buf json;
	buf_init(&json, HTTP_HEADER_MAX);
	bool valid = base64_parse(text, true, &json) && read_cursor_json(buf_view(&json), order, out);
	buf_free(&json);
	return valid;
}
