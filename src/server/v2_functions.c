// GET /v2/apps/{app}/functions and /v2/apps/{app}/functions/{function} (05 §13.8).
#include "model/function_view.h"
#include "server/v2.h"

// ---- the configuration ---------------------------------------------------------------------------------------------

static void write_cancellations(struct buf *out, const struct function_view *view) {
	if (view->cancellation_count == 0) return;
	v2_member(out, "cancellations");
	buf_byte(out, '[');
	for (size_t i = 0; i < view->cancellation_count; i++) {
		v2_element_open(out);
		v2_text(out, "condition", view->cancellations[i].condition);
		v2_text(out, "event", view->cancellations[i].event);
		v2_text(out, "timeout", view->cancellations[i].timeout);
		v2_object_close(out);
	}
	buf_byte(out, ']');
}

// Of what says whether a value is the default, false is written, too.
static void write_flag(struct buf *out, const char *name, bool value) {
	v2_member(out, name);
	buf_str(out, value ? STR("true") : STR("false"));
}

static void write_concurrency(struct buf *out, const struct function_view *view) {
	static const char *const scopes[SCOPE_COUNT] = {"FUNCTION", "ENVIRONMENT", "ACCOUNT"};
	v2_member(out, "concurrency");
	buf_byte(out, '[');
	for (size_t i = 0; i < view->concurrency_count; i++) {
		const struct view_limit *limit = &view->concurrency[i];
		v2_element_open(out);
		v2_text(out, "key", limit->key);
		v2_object_open(out, "limit");
		write_flag(out, "isPlanLimit", limit->is_plan_limit);
		v2_int(out, "value", limit->value);
		v2_object_close(out);
		v2_cstr(out, "scope", scopes[limit->scope]);
		v2_object_close(out);
	}
	buf_byte(out, ']');
}

static void write_debounce(struct buf *out, const struct function_view *view) {
	if (!view->has_debounce) return;
	v2_object_open(out, "debounce");
	v2_text(out, "key", view->debounce.key);
	v2_text(out, "period", view->debounce.period);
	v2_object_close(out);
}

static void write_batch(struct buf *out, const struct function_view *view) {
	if (!view->has_batch) return;
	v2_object_open(out, "eventsBatch");
	v2_text(out, "key", view->batch.key);
	v2_int(out, "maxSize", view->batch.size_max);
	v2_text(out, "timeout", view->batch.timeout);
	v2_object_close(out);
}

static void write_rate_limit(struct buf *out, const struct function_view *view) {
	if (!view->has_rate_limit) return;
	v2_object_open(out, "rateLimit");
	v2_text(out, "key", view->rate_limit.key);
	v2_int(out, "limit", view->rate_limit.limit);
	v2_text(out, "period", view->rate_limit.period);
	v2_object_close(out);
}

static void write_retries(struct buf *out, const struct function_view *view) {
	v2_object_open(out, "retries");
	write_flag(out, "isDefault", view->retries_default);
	v2_int(out, "value", view->retries);
	v2_object_close(out);
}

static void write_singleton(struct buf *out, const struct function_view *view) {
	if (!view->has_singleton) return;
	v2_object_open(out, "singleton");
	v2_text(out, "key", view->singleton.key);
	v2_cstr(out, "mode", view->singleton.mode == SINGLETON_CANCEL ? "CANCEL" : "SKIP");
	v2_object_close(out);
}

static void write_throttle(struct buf *out, const struct function_view *view) {
	if (!view->has_throttle) return;
	v2_object_open(out, "throttle");
	v2_int(out, "burst", view->throttle.burst);
	v2_text(out, "key", view->throttle.key);
	v2_int(out, "limit", view->throttle.limit);
	v2_text(out, "period", view->throttle.period);
	v2_object_close(out);
}

static void write_configuration(struct buf *out, const struct function_view *view) {
	v2_object_open(out, "configuration");
	write_cancellations(out, view);
	write_concurrency(out, view);
	write_debounce(out, view);
	write_batch(out, view);
	v2_text(out, "priority", view->priority);
	write_rate_limit(out, view);
	write_retries(out, view);
	write_singleton(out, view);
	write_throttle(out, view);
	v2_object_close(out);
}

// ---- the function --------------------------------------------------------------------------------------------------

static void write_triggers(struct buf *out, const struct function_view *view) {
	if (view->trigger_count == 0) return;
	v2_member(out, "triggers");
	buf_byte(out, '[');
	for (size_t i = 0; i < view->trigger_count; i++) {
		const struct view_trigger *trigger = &view->triggers[i];
		v2_element_open(out);
		v2_text(out, "if", trigger->condition);
		v2_cstr(out, "type", trigger->is_cron ? "CRON" : "EVENT");
		v2_text(out, "value", trigger->value);
		v2_object_close(out);
	}
	buf_byte(out, ']');
}

static void write_function(struct request *request, const struct catalogue_function *function, struct str app_id) {
	struct buf *out = &request->out;
	struct function_view view;
	function_view_read(&request->arena, function->config, &view);
	struct str id = catalogue_own_id(function);
	v2_object_open(out, "app");
	v2_text(out, "id", app_id);
	v2_object_close(out);
	write_configuration(out, &view);
	v2_text(out, "id", id);
	v2_bool(out, "isArchived", function->is_archived);
	v2_bool(out, "isPaused", function->is_paused);
	v2_text(out, "name", function->name);
	v2_text(out, "slug", id);
	write_triggers(out, &view);
}

// Of the app that the path names.
static void write_function_of_path(struct request *request, const void *item) {
	write_function(request, item, request->params[0]);
}

// ---- the routes ----------------------------------------------------------------------------------------------------

struct function_parameters {
	int64_t limit;
	struct str cursor;
};
static const struct v2_query_rule function_rules[] = {
	{"limit", NULL, V2_QUERY_INT, offsetof(struct function_parameters, limit)},
	{"cursor", NULL, V2_QUERY_TEXT, offsetof(struct function_parameters, cursor)},
};

// Apps go by their id here, not by the internal one. None for an app that is not known.
static enum err read_functions(struct request *request, struct reading *reading, const struct catalogue_query *query,
			       struct catalogue_function **out, size_t *count, struct error *error) {
	struct catalogue_app app;
	struct arena *arena = &request->arena;
	*count = 0;
	enum err err = catalogue_app(reading->history, arena, request->params[0], &app, error);
	bool known = err == ERR_OK && str_eq(v2_app_id(arena, &app), request->params[0]);
	if (err == ERR_NOT_FOUND || (err == ERR_OK && !known)) return ERR_OK;
	if (err != ERR_OK) return err;
	return catalogue_functions_of_apps(reading->history, arena, &app.id, 1, query, out, count, error);
}

void v2_functions_work(struct request *request) {
	struct function_parameters given = {.limit = V2_NOT_GIVEN};
	struct catalogue_query query = {.which = CATALOGUE_LIVE};
	struct uuid after;
	struct reading reading;
	if (!v2_query_read(request, function_rules, ARRAY_LEN(function_rules), &given) ||
	    !v2_catalogue_ask(request, given.limit, given.cursor, &after, &query) || !reading_open(&reading, request)) {
		return;
	}
	struct catalogue_function *functions = NULL;
	struct v2_items items = {.size = sizeof *functions,
				 .id_at = offsetof(struct catalogue_function, id),
				 .write = write_function_of_path};
	struct error error;
	enum err err = read_functions(request, &reading, &query, &functions, &items.count, &error);
	reading_close(&reading);
	items.first = functions;
	if (err == ERR_OK)
		v2_catalogue_send(request, &items, &query);
	else
		v2_reply_internal(request, &error);
}

void v2_function_work(struct request *request) {
	struct reading reading;
	if (!reading_open(&reading, request)) return;
	struct catalogue_function function;
	struct error error;
	enum err err = catalogue_function(reading.history, &request->arena, request->params[0], request->params[1],
					  &function, &error);
	reading_close(&reading);
	if (err == ERR_NOT_FOUND) {
		v2_reply_error(request, 404, STR("not_found"), STR("Function not found"));
		return;
	}
	if (err != ERR_OK) {
		v2_reply_internal(request, &error);
		return;
	}
	v2_envelope_open(request);
	buf_byte(&request->out, '{');
	write_function(request, &function, request->params[0]);
	v2_object_close(&request->out);
	v2_envelope_close(request);
	respond_out(request, 200);
}
