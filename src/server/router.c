// From a path to its route (the table: routes.c).
#include "server/server_internal.h"

// Matches segment by segment; `params` get the raw texts of the ":" segments, and of "*".
static bool path_matches(const char *pattern, struct str path, struct str params[ROUTE_PARAMS_MAX]) {
	size_t at = 0, param = 0;
	for (; *pattern != '\0'; pattern++) {
		if (*pattern == '*') {
			struct str rest = str_skip(path, at), end = str_from_cstr(pattern + 1);
			if (rest.len <= end.len || !str_ends_with(rest, end)) return false;
			params[param] = str_first(rest, rest.len - end.len);
			return true;
		}
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
	return route->method[0] == '*' || str_eq_cstr(method, route->method) ||
	       (route->head && str_eq(method, STR("HEAD")));
}

static enum route_result take(struct request *request, const struct route *route,
			      const struct str params[ROUTE_PARAMS_MAX]) {
	request->route = route;
	for (size_t p = 0; p < ROUTE_PARAMS_MAX; p++) {
		if (!percent_decode(&request->arena, params[p], &request->params[p])) return ROUTE_BAD_PATH;
	}
	return ROUTE_FOUND;
}

static enum route_result find(struct request *request, struct str method, struct str path, struct str *allow) {
	for (size_t i = 0; i < route_count; i++) {
		const struct route *route = &routes[i];
		struct str params[ROUTE_PARAMS_MAX] = {{NULL, 0}};
		if (!path_matches(route->path, path, params)) continue;
		if (route->is_test && !request->server->config.test_mode) continue;
		if (method_matches(route, method)) return take(request, route, params);
		*allow = arena_printf(&request->arena, "%.*s%s%s%s", STR_ARG(*allow), allow->len > 0 ? ", " : "",
				      route->method, route->head ? ", HEAD" : "");
	}
	return allow->len > 0 ? ROUTE_WRONG_METHOD : ROUTE_UNKNOWN;
}

enum route_result route_find(struct request *request, struct str path, struct str *allow) {
	struct str unused;
	*allow = (struct str){NULL, 0};
	if (!percent_decode(&request->arena, path, &unused)) return ROUTE_BAD_PATH; // also of what is not served
	path = route_path(path);
	enum route_result found = find(request, request->method, path, allow);
	if (found != ROUTE_WRONG_METHOD || !v2_reads_by_form(request, path)) return found;
	unused = (struct str){NULL, 0};
	return find(request, STR("GET"), path, &unused) == ROUTE_FOUND ? ROUTE_FOUND : found;
}

static bool is_below(struct str path, struct str base) {
	return str_starts_with(path, base) && (path.len == base.len || path.ptr[base.len] == '/');
}

struct str route_path(struct str path) {
	bool aliased = is_below(path, STR("/api/v1")) || is_below(path, STR("/api/v2"));
	return aliased ? str_skip(path, sizeof "/api" - 1) : path;
}
