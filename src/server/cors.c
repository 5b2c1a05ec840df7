// CORS: every origin may do everything, as 05 §4 tabulates.
#include "server/server_internal.h"

static const char *const methods_allowed[] = {"GET", "POST", "PUT", "DELETE", "OPTIONS"};

static bool method_allowed(struct str method) {
	for (size_t i = 0; i < ARRAY_LEN(methods_allowed); i++) {
		if (str_eq_cstr(method, methods_allowed[i])) return true;
	}
	return false;
}

bool cors_preflight(const struct request *request) {
	return str_eq(request->method, STR("OPTIONS")) &&
	       request_header(request, "Access-Control-Request-Method").len > 0;
}

static bool is_separator(char c) {
	return c == ',' || c == ' ' || c == '\t';
}

// "x-foo,content-type" → "X-Foo, Content-Type"; whatever cannot be part of a header name is left out.
static struct str canonical_names(struct arena *arena, struct str names) {
	char *text = arena_alloc(arena, names.len * 2 + 1);
	size_t len = 0;
	bool upper = true, start = true;
	for (size_t i = 0; i < names.len; i++) {
		char c = names.ptr[i];
		if (is_separator(c)) {
			start = upper = true;
			continue;
		}
		bool lower_case = c >= 'a' && c <= 'z', upper_case = c >= 'A' && c <= 'Z';
		if (!lower_case && !upper_case && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.') continue;
		if (start && len > 0) {
			text[len++] = ',';
			text[len++] = ' ';
		}
		if (lower_case && upper) c = (char)(c - 'a' + 'A');
		if (upper_case && !upper) c = (char)(c - 'A' + 'a');
		text[len++] = c;
		upper = c == '-';
		start = false;
	}
	text[len] = '\0';
	return str_make(text, len);
}

void cors_add_preflight(struct request *request, struct MHD_Response *response) {
	(void)MHD_add_response_header(response, "Vary", "Origin");
	(void)MHD_add_response_header(response, "Vary", "Access-Control-Request-Method");
	(void)MHD_add_response_header(response, "Vary", "Access-Control-Request-Headers");
	struct str origin = request_header(request, "Origin");
	struct str method = request_header(request, "Access-Control-Request-Method");
	if (origin.len == 0 || !method_allowed(method)) return;
	(void)MHD_add_response_header(response, "Access-Control-Allow-Origin", origin.ptr);
	(void)MHD_add_response_header(response, "Access-Control-Allow-Methods", method.ptr);
	struct str names = canonical_names(&request->arena, request_header(request, "Access-Control-Request-Headers"));
	if (names.len > 0) (void)MHD_add_response_header(response, "Access-Control-Allow-Headers", names.ptr);
	(void)MHD_add_response_header(response, "Access-Control-Max-Age", "3600");
}

void cors_add(const struct request *request, struct MHD_Response *response) {
	(void)MHD_add_response_header(response, "Vary", "Origin");
	struct str origin = request_header(request, "Origin");
	if (origin.len == 0 || !method_allowed(request->method)) return;
	(void)MHD_add_response_header(response, "Access-Control-Allow-Origin", origin.ptr);
	(void)MHD_add_response_header(response, "Access-Control-Expose-Headers", "Link, Mcp-Session-Id");
}
