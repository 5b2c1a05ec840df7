// Functions and their settings (spec 06 §4.1, §4.3).
#include <stdlib.h>

#include "model/function_view.h"
#include "server/gql/types.h"

typedef struct catalogue_function function;
typedef struct function_view view;

// ---- queries -------------------------------------------------------------------------------------------------------

void resolve_functions(struct gql_call *call) {
	static const struct catalogue_query live = {.which = CATALOGUE_LIVE};
	struct error error;
	struct history_reader *reader = call_reader(call, &error);
	function *functions;
	size_t count;
	if (reader == NULL || catalogue_functions(reader, call->arena, &live, &functions, &count, &error) != ERR_OK)
		fail_all(call, "%s", error.message);
	else
		resolve_all(call, list_of(call->arena, functions, count, sizeof *functions));
}

void resolve_function_by_slug(struct gql_call *call) {
	struct str slug = member_str(gql_argument_get(call, "query"), "functionSlug");
	struct error error;
	struct history_reader *reader = call_reader(call, &error);
	function *functions;
	size_t count;
	if (reader == NULL ||
	    catalogue_functions_by_slug(reader, call->arena, &slug, 1, &functions, &count, &error) != ERR_OK)
		fail_all(call, "%s", error.message);
	else if (count == 0)
		fail_all(call, NO_ROWS);
	else
		resolve_all(call, gql_object(functions));
}

// ---- look-ups ------------------------------------------------------------------------------------------------------

void look_up_functions(struct gql_call *call, size_t id_at, bool is_required) {
	struct ids ids = {.arena = call->arena};
	for (size_t i = 0; i < call->count; i++) ids_add(&ids, (const uint8_t *)call->parents[i] + id_at);
	ids_sort(&ids);
	struct error error;
	struct history_reader *reader = call_reader(call, &error);
	function *functions = NULL;
	size_t count = 0;
	if (reader == NULL || catalogue_functions_by_id(reader, call->arena, ids_uuids(&ids), ids.count, &functions,
							&count, &error) != ERR_OK) {
		fail_all(call, "%s", error.message);
		return;
	}
	for (size_t i = 0; i < call->count; i++) {
		const struct uuid *id = (const void *)((const char *)call->parents[i] + id_at);
		const function *found = catalogue_find_function(functions, count, id);
		if (found != NULL || !is_required)
			call->out[i] = gql_object(found);
		else
			call->out[i] = gql_fail(call->arena, NO_ROWS);
	}
}

static int slug_order(const void *a, const void *b) {
	return str_cmp(((const function *)a)->slug, ((const function *)b)->slug);
}

// Live ones first: an archived app may have had a function of the same name.
static int slug_and_life_order(const void *a, const void *b) {
	const function *left = a, *right = b;
	int order = slug_order(a, b);
	return order != 0 ? order : (int)left->is_archived - (int)right->is_archived;
}

static size_t keep_first_of_slug(function *functions, size_t count) {
	size_t kept = 0;
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || slug_order(&functions[kept - 1], &functions[i]) != 0) functions[kept++] = functions[i];
	return kept;
}

void look_up_functions_by_slug(struct gql_call *call, const struct str *slugs) {
	struct error error;
	struct history_reader *reader = call_reader(call, &error);
	function *functions;
	size_t count;
	if (reader == NULL || catalogue_functions_by_slug(reader, call->arena, slugs, call->count, &functions, &count,
							  &error) != ERR_OK) {
		fail_all(call, "%s", error.message);
		return;
	}
	if (count > 1) qsort(functions, count, sizeof *functions, slug_and_life_order);
	count = keep_first_of_slug(functions, count);
	for (size_t i = 0; i < call->count && count > 0; i++) {
		function key = {.slug = slugs[i]};
		call->out[i] = gql_object(bsearch(&key, functions, count, sizeof *functions, slug_order));
	}
}

// The function that runs when this one has failed for good: `<slug>-failure`.
static void resolve_failure_handler(struct gql_call *call) {
	struct str *slugs = ARENA_ARRAY(call->arena, struct str, call->count);
	for (size_t i = 0; i < call->count; i++)
		slugs[i] = arena_cat(call->arena, PARENT(function, i)->slug, STR("-failure"));
	look_up_functions_by_slug(call, slugs);
}

static void resolve_function_app(struct gql_call *call) {
	look_up_apps(call, offsetof(function, app_id), true);
}

// ---- fields that are in the configuration ------------------------------------------------------------------------

static const view *view_of(struct gql_call *call, size_t i) {
	const function *of = PARENT(function, i);
	void **known = context_memo(call->context, "view", str_make(of->id.bytes, sizeof of->id.bytes));
	if (*known != NULL) return *known;
	view *made = ARENA_NEW(call->arena, view);
	function_view_read(call->arena, of->config, made);
	*known = made;
	return made;
}

static void resolve_configuration(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) call->out[i] = gql_object(view_of(call, i));
}

static void resolve_concurrency(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) call->out[i] = gql_int(view_of(call, i)->concurrency_limit);
}

static void resolve_url(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		struct str url = view_of(call, i)->url;
		call->out[i] = gql_text(url.ptr != NULL ? url : STR(""));
	}
}

static void resolve_triggers(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const view *of = view_of(call, i);
		call->out[i] = list_of(call->arena, of->triggers, of->trigger_count, sizeof *of->triggers);
	}
}

static void resolve_trigger_type(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_text(PARENT(struct view_trigger, i)->is_cron ? STR("CRON") : STR("EVENT"));
}

// ---- settings ------------------------------------------------------------------------------------------------------

static void resolve_cancellations(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const view *of = call->parents[i];
		call->out[i] =
			list_of(call->arena, of->cancellations, of->cancellation_count, sizeof *of->cancellations);
	}
}

static void resolve_limits(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		const view *of = call->parents[i];
		call->out[i] = list_of(call->arena, of->concurrency, of->concurrency_count, sizeof *of->concurrency);
	}
}

// The view itself as the object of a setting that it may not have.
#define RESOLVE_SETTING(name)                                                  \
	static void resolve_##name(struct gql_call *call) {                    \
		for (size_t i = 0; i < call->count; i++) {                     \
			const view *of = call->parents[i];                     \
			call->out[i] = gql_object(of->has_##name ? of : NULL); \
		}                                                              \
	}
RESOLVE_SETTING(batch)
RESOLVE_SETTING(rate_limit)
RESOLVE_SETTING(debounce)
RESOLVE_SETTING(throttle)
RESOLVE_SETTING(singleton)

static void resolve_scope(struct gql_call *call) {
	static const char *const names[SCOPE_COUNT] = {
		[SCOPE_FN] = "FUNCTION", [SCOPE_ENV] = "ENVIRONMENT", [SCOPE_ACCOUNT] = "ACCOUNT"};
	for (size_t i = 0; i < call->count; i++)
		call->out[i] = gql_text(str_from_cstr(names[PARENT(struct view_limit, i)->scope]));
}

static void resolve_mode(struct gql_call *call) {
	for (size_t i = 0; i < call->count; i++) {
		bool cancels = PARENT(view, i)->singleton.mode == SINGLETON_CANCEL;
		call->out[i] = gql_text(cancels ? STR("CANCEL") : STR("SKIP"));
	}
}

// ---- types ---------------------------------------------------------------------------------------------------------

FIELDS(type_function) = {
	READ("id", "String!", UUID, function, id),
	READ("name", "String!", STR, function, name),
	READ("slug", "String!", STR, function, slug),
	CALL("failureHandler", "Function", resolve_failure_handler),
	READ("config", "String!", STR, function, config),
	CALL("configuration", "FunctionConfiguration!", resolve_configuration),
	CALL("concurrency", "Int!", resolve_concurrency),
	CALL("triggers", "[FunctionTrigger!]", resolve_triggers),
	CALL("url", "String!", resolve_url),
	READ("appID", "String!", UUID, function, app_id),
	CALL("app", "App!", resolve_function_app),
	END,
};
OBJECT(type_function, "Function")

FIELDS(type_function_trigger) = {
	CALL("type", "FunctionTriggerTypes!", resolve_trigger_type),
	READ("value", "String!", STR, struct view_trigger, value),
	READ("condition", "String", STR_OR_NULL, struct view_trigger, condition),
	END,
};
OBJECT(type_function_trigger, "FunctionTrigger")

FIELDS(type_function_configuration) = {
	CALL("cancellations", "[CancellationConfiguration!]!", resolve_cancellations),
	SELF("retries", "RetryConfiguration!"),
	READ("priority", "String", STR_OR_NULL, view, priority),
	CALL("eventsBatch", "EventsBatchConfiguration", resolve_batch),
	CALL("concurrency", "[ConcurrencyConfiguration!]!", resolve_limits),
	CALL("rateLimit", "RateLimitConfiguration", resolve_rate_limit),
	CALL("debounce", "DebounceConfiguration", resolve_debounce),
	CALL("throttle", "ThrottleConfiguration", resolve_throttle),
	CALL("singleton", "SingletonConfiguration", resolve_singleton),
	END,
};
OBJECT(type_function_configuration, "FunctionConfiguration")

FIELDS(type_cancellation_configuration) = {
	READ("event", "String!", STR, struct view_cancellation, event),
	READ("timeout", "String", STR_OR_NULL, struct view_cancellation, timeout),
	READ("condition", "String", STR_OR_NULL, struct view_cancellation, condition),
	END,
};
OBJECT(type_cancellation_configuration, "CancellationConfiguration")

FIELDS(type_retry_configuration) = {
	READ("value", "Int!", INT, view, retries),
	READ("isDefault", "Boolean", BOOL, view, retries_default),
	END,
};
OBJECT(type_retry_configuration, "RetryConfiguration")

FIELDS(type_events_batch_configuration) = {
	READ("maxSize", "Int!", INT, view, batch.size_max),
	READ("timeout", "String!", STR, view, batch.timeout),
	READ("key", "String", STR_OR_NULL, view, batch.key),
	END,
};
OBJECT(type_events_batch_configuration, "EventsBatchConfiguration")

FIELDS(type_concurrency_configuration) = {
	CALL("scope", "ConcurrencyScope!", resolve_scope),
	SELF("limit", "ConcurrencyLimitConfiguration!"),
	READ("key", "String", STR_OR_NULL, struct view_limit, key),
	END,
};
OBJECT(type_concurrency_configuration, "ConcurrencyConfiguration")

FIELDS(type_concurrency_limit_configuration) = {
	READ("value", "Int!", INT, struct view_limit, value),
	READ("isPlanLimit", "Boolean", BOOL, struct view_limit, is_plan_limit),
	END,
};
OBJECT(type_concurrency_limit_configuration, "ConcurrencyLimitConfiguration")

FIELDS(type_rate_limit_configuration) = {
	READ("limit", "Int!", INT, view, rate_limit.limit),
	READ("period", "String!", STR, view, rate_limit.period),
	READ("key", "String", STR_OR_NULL, view, rate_limit.key),
	END,
};
OBJECT(type_rate_limit_configuration, "RateLimitConfiguration")

FIELDS(type_debounce_configuration) = {
	READ("period", "String!", STR, view, debounce.period),
	READ("key", "String", STR_OR_NULL, view, debounce.key),
	END,
};
OBJECT(type_debounce_configuration, "DebounceConfiguration")

FIELDS(type_throttle_configuration) = {
	READ("burst", "Int!", INT, view, throttle.burst),
	READ("key", "String", STR_OR_NULL, view, throttle.key),
	READ("limit", "Int!", INT, view, throttle.limit),
	READ("period", "String!", STR, view, throttle.period),
	END,
};
OBJECT(type_throttle_configuration, "ThrottleConfiguration")

FIELDS(type_singleton_configuration) = {
	CALL("mode", "SingletonMode!", resolve_mode),
	READ("key", "String", STR_OR_NULL, view, singleton.key),
	END,
};
OBJECT(type_singleton_configuration, "SingletonConfiguration")
