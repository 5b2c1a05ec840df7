// Texts of the request line: query parameters and percent escapes. libmicrohttpd is told not to decode anything, so
// that an escaped slash does not split a path segment (05 §1).
#include "model/form.h"
#include "server/server_internal.h"

bool percent_decode(struct arena *arena, struct str text, struct str *out) {
	*out = text;
	if (str_find(text, '%') < 0) return true;
	char *decoded = arena_alloc(arena, text.len);
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] != '%') {
			decoded[len++] = text.ptr[i];
			continue;
		}
		int high = i + 2 < text.len ? char_hex(text.ptr[i + 1]) : -1;
		int low = i + 2 < text.len ? char_hex(text.ptr[i + 2]) : -1;
		if (high < 0 || low < 0) return false;
		decoded[len++] = (char)(high << 4 | low);
		i += 2;
	}
	*out = str_make(decoded, len);
	return true;
}

bool request_query(struct request *request, const char *name, struct str *out) {
	const char *value = NULL;
	size_t len = 0;
	*out = (struct str){NULL, 0};
	if (MHD_lookup_connection_value_n(request->connection, MHD_GET_ARGUMENT_KIND, name, strlen(name), &value,
					  &len) != MHD_YES) {
		return false;
	}
	// A parameter with a broken escape counts as not given.
	return percent_decode(&request->arena, str_make(value, value != NULL ? len : 0), out);
}

static bool has_form(const struct request *request) {
	struct str media, rest;
	str_cut(request_header(request, "Content-Type"), ';', &media, &rest);
	return str_eq_nocase(str_trim(media), STR("application/x-www-form-urlencoded"));
}

bool request_parameter(struct request *request, const char *name, struct str *out) {
	*out = (struct str){NULL, 0};
	if (has_form(request) && form_find(&request->arena, buf_view(&request->body), str_from_cstr(name), out))
		return true;
	return request_query(request, name, out);
}

bool bool_parse(struct str text, bool *out) {
	static const struct {
		const char *text;
		bool value;
	} words[] = {{"1", true},  {"t", true},  {"T", true},  {"true", true},   {"TRUE", true},   {"True", true},
		     {"0", false}, {"f", false}, {"F", false}, {"false", false}, {"FALSE", false}, {"False", false}};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!str_eq_cstr(text, words[i].text)) continue;
		*out = words[i].value;
		return true;
	}
	return false;
}

struct str request_header(const struct request *request, const char *name) {
	const char *value = NULL;
	size_t len = 0;
	if (MHD_lookup_connection_value_n(request->connection, MHD_HEADER_KIND, name, strlen(name), &value, &len) !=
		    MHD_YES ||
	    value == NULL) {
		return (struct str){NULL, 0};
	}
	return str_make(value, len);
}
