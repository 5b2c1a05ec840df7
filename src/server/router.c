// Routes as data: method, path, body limit, error shape and the functions that serve it.
#include "server/server_internal.h"

static const struct route routes[] = {
	// The paths that carry the load come first.
	{"POST", "/e/:", EVENT_BODY_MAX, false, SHAPE_EVENT, events_start, events_finish, NULL},
	{"POST", "/v1/checkpoint/:/async", CHECKPOINT_BODY_MAX, false, SHAPE_PUB, checkpoint_start, checkpoint_finish,
	 NULL},
	{"POST", "/v1/http/runs/:/async", CHECKPOINT_BODY_MAX, false, SHAPE_PUB, checkpoint_start, checkpoint_finish,
	 NULL},
	{"GET", "/v0/runs/:/actions", 0, false, SHAPE_PUB, v0_state_start, v0_actions_finish, v0_state_failed},
	{"GET", "/v0/runs/:/batch", 0, false, SHAPE_PUB, v0_state_start, v0_batch_finish, v0_state_failed},
	{"POST", "/api/events", EVENT_BODY_MAX, false, SHAPE_EVENT, events_start, events_finish, NULL},
	{"POST", "/invoke/:", EVENT_BODY_MAX, false, SHAPE_PUB, invoke_start, invoke_finish, NULL},
	{"GET", "/health", 0, true, SHAPE_PUB, health_start, NULL, NULL},
	{"GET", "/ready", 0, true, SHAPE_PUB, ready_start, NULL, NULL},
	{"GET", "/dev", 0, false, SHAPE_PUB, dev_start, NULL, NULL},
	{"POST", "/fn/register", REGISTER_BODY_MAX, false, SHAPE_PUB, register_start, register_finish, NULL},
	{"DELETE", "/fn/remove", 0, false, SHAPE_PUB, fn_remove_start, fn_remove_finish, fn_remove_failed},
	{"DELETE", "/v0/runs/:", 0, false, SHAPE_PUB, v0_cancel_start, v0_cancel_finish, v0_cancel_failed},
	{"POST", "/v0/telemetry", 0, false, SHAPE_PUB, v0_telemetry_start, NULL, NULL},
	{"GET", "/v1/events", 0, false, SHAPE_PUB, v1_events_start, NULL, NULL},
	{"GET", "/v1/events/:", 0, false, SHAPE_PUB, v1_event_start, NULL, NULL},
	{"GET", "/v1/events/:/outcomes", 0, false, SHAPE_PUB, v1_event_outcomes_start, NULL, NULL},
	{"GET", "/v1/events/:/runs", 0, false, SHAPE_PUB, v1_event_runs_start, NULL, NULL},
	{"GET", "/v1/runs/:", 0, false, SHAPE_PUB, v1_run_start, NULL, NULL},
	{"DELETE", "/v1/runs/:", 0, false, SHAPE_PUB, v1_cancel_start, v1_cancel_finish, v1_cancel_failed},
	{"GET", "/v1/runs/:/jobs", 0, false, SHAPE_PUB, v1_jobs_start, v1_jobs_finish, v1_jobs_failed},
	{"POST", "/v1/signals", SIGNAL_BODY_MAX, false, SHAPE_PUB, v1_signal_start, v1_signal_finish, NULL},
	{"GET", "/v1/apps/:/functions", 0, false, SHAPE_PUB, v1_app_functions_start, NULL, NULL},
	{"POST", "/v1/cancellations", CANCELLATION_BODY_MAX, false, SHAPE_PUB, v1_cancellation_start,
	 v1_cancellations_finish, NULL},
	{"GET", "/v1/cancellations", 0, false, SHAPE_PUB, v1_cancellations_start, v1_cancellations_finish, NULL},
	{"DELETE", "/v1/cancellations/:", 0, false, SHAPE_PUB, v1_cancellation_remove_start,
	 v1_cancellation_remove_finish, NULL},
	// Also under /api: v2_path.
	{"GET", "/v2/health", 0, false, SHAPE_V2, v2_health_start, NULL, NULL},
	{"POST", "/v2/events", V2_EVENT_BODY_MAX, false, SHAPE_V2, v2_event_start, v2_event_finish, v2_event_failed},
	{"POST", "/v2/runs/:/cancel", V2_BODY_MAX, false, SHAPE_V2, v2_cancel_start, v2_cancel_finish,
	 v2_cancel_failed},
	{"POST", "/v2/runs/:/rerun", V2_BODY_MAX, false, SHAPE_V2, v2_rerun_start, v2_rerun_finish, v2_rerun_failed},
	{"POST", "/v2/apps/:/functions/:/invoke", V2_BODY_MAX, false, SHAPE_V2, v2_invoke_start, v2_invoke_finish,
	 v2_invoke_failed},
	{"POST", "/v2/apps/:/functions/:/pause", V2_BODY_MAX, false, SHAPE_V2, v2_pause_start, v2_pause_finish,
	 v2_pause_failed},
	{"POST", "/v2/apps/:/functions/:/unpause", V2_BODY_MAX, false, SHAPE_V2, v2_unpause_start, v2_unpause_finish,
	 v2_pause_failed},
};

// Matches segment by segment; `params` get the raw texts of the ":" segments.
static bool path_matches(const char *pattern, struct str path, struct str params[ROUTE_PARAMS_MAX]) {
	size_t at = 0, param = 0;
	for (; *pattern != '\0'; pattern++) {
		if (*pattern != ':') {
			if (at == path.len || path.ptr[at] != *pattern) return false;
			at++;
			continue;
		}
		size_t start = at;
		while (at < path.len && path.ptr[at] != '/') at++;
		if (at == start) return false;
		params[param++] = str_make(path.ptr + start, at - start);
	}
	return at == path.len;
}

static bool method_matches(const struct route *route, struct str method) {
	return str_eq_cstr(method, route->method) || (route->head && str_eq(method, STR("HEAD")));
}

enum route_result route_find(struct request *request, struct str path, struct str *allow) {
	*allow = (struct str){NULL, 0};
	path = v2_path(path);
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		const struct route *route = &routes[i];
		struct str params[ROUTE_PARAMS_MAX] = {{NULL, 0}};
		if (!path_matches(route->path, path, params)) continue;
		if (!method_matches(route, request->method)) {
			*allow = arena_printf(&request->arena, "%.*s%s%s%s", STR_ARG(*allow),
					      allow->len > 0 ? ", " : "", route->method, route->head ? ", HEAD" : "");
			continue;
		}
		request->route = route;
		for (size_t p = 0; p < ROUTE_PARAMS_MAX; p++) {
			if (!percent_decode(&request->arena, params[p], &request->params[p])) return ROUTE_BAD_PATH;
		}
		return ROUTE_FOUND;
	}
	return allow->len > 0 ? ROUTE_WRONG_METHOD : ROUTE_UNKNOWN;
}
