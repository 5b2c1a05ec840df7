#include "driver/url.h"

#include <stdlib.h>

#include "base/check.h"

static bool is_alpha(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static bool is_unreserved(char c) {
	return is_alpha(c) || char_is_digit(c) || (c != '\0' && strchr("-_.~", c) != NULL);
}

static bool is_escape(struct str s, size_t at) {
	return at + 2 < s.len && char_hex(s.ptr[at + 1]) >= 0 && char_hex(s.ptr[at + 2]) >= 0;
}

// ---- checking -------------------------------------------------------------------------------------------------

static enum err bad_escape(struct str s, size_t at, struct error *error) {
	struct str shown = str_first(str_skip(s, at), 3);
	return error_set(error, ERR_INVALID, "invalid URL escape \"%.*s\"", STR_ARG(shown));
}

static enum err check_escapes(struct str s, struct error *error) {
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '%' && !is_escape(s, i)) return bad_escape(s, i, error);
	}
	return ERR_OK;
}

static enum err check_port(struct str port, struct error *error) {
	bool good = port.len == 0 || port.ptr[0] == ':';
	for (size_t i = 1; i < port.len; i++) good = good && char_is_digit(port.ptr[i]);
	if (good) return ERR_OK;
	return error_set(error, ERR_INVALID, "invalid port \"%.*s\" after host", STR_ARG(port));
}

static enum err check_host_characters(struct str host, struct error *error) {
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];
		if ((unsigned char)c >= 0x80 || is_unreserved(c)) continue;
		if (c == '%') {
			// Only a zone's percent sign or a byte beyond ASCII may be escaped in a host.
			if (!is_escape(host, i)) return bad_escape(host, i, error);
			if (char_hex(host.ptr[i + 1]) < 8 && memcmp(host.ptr + i, "%25", 3) != 0)
				return bad_escape(host, i, error);
			continue;
		}
		if (strchr("!$&'()*+,;=:[]<>\"", c) == NULL) {
			return error_set(error, ERR_INVALID, "invalid character \"%s%c\" in host name",
					 c == '\\' ? "\\" : "", c);
		}
	}
	return ERR_OK;
}

static enum err check_authority(struct str authority, struct error *error) {
	ptrdiff_t at = str_rfind(authority, '@');
	struct str host = str_skip(authority, (size_t)(at + 1));
	for (ptrdiff_t i = 0; i < at; i++) {
		char c = authority.ptr[i];
		if (!is_unreserved(c) && (c == '\0' || strchr(":!$&'()*+,;=%@", c) == NULL))
			return error_set(error, ERR_INVALID, "net/url: invalid userinfo");
	}
	ptrdiff_t colon;
	if (host.len > 0 && host.ptr[0] == '[') {
		ptrdiff_t close = str_rfind(host, ']');
		if (close < 0) return error_set(error, ERR_INVALID, "missing ']' in host");
		colon = close + 1;
	} else {
		colon = str_rfind(host, ':');
		if (colon < 0) colon = (ptrdiff_t)host.len;
	}
	enum err err = check_port(str_skip(host, (size_t)colon), error);
	return err != ERR_OK ? err : check_host_characters(host, error);
}

// Length of the scheme, 0 when there is none, -1 when the text starts with a colon.
static ptrdiff_t scheme_length(struct str url) {
	for (size_t i = 0; i < url.len; i++) {
		char c = url.ptr[i];
		if (is_alpha(c)) continue;
		if (c == ':') return i > 0 ? (ptrdiff_t)i : -1;
		if (i == 0 || !(char_is_digit(c) || c == '+' || c == '-' || c == '.')) return 0;
	}
	return 0;
}

static enum err check_parts(struct str url, struct str *scheme, bool *has_host, struct error *error) {
	for (size_t i = 0; i < url.len; i++) {
		if ((unsigned char)url.ptr[i] < 0x20 || url.ptr[i] == 0x7f)
			return error_set(error, ERR_INVALID, "net/url: invalid control character in URL");
	}
	struct str base, fragment;
	str_cut(url, '#', &base, &fragment);
	ptrdiff_t length = scheme_length(base);
	if (length < 0) return error_set(error, ERR_INVALID, "missing protocol scheme");
	*scheme = str_first(base, (size_t)length);
	struct str rest = str_skip(base, length > 0 ? (size_t)length + 1 : 0), query;
	str_cut(rest, '?', &rest, &query);
	if (length == 0 && !str_starts_with(rest, STR("/"))) {
		struct str segment = str_first(rest, SIZE_MAX), tail;
		str_cut(rest, '/', &segment, &tail);
		if (str_find(segment, ':') >= 0)
			return error_set(error, ERR_INVALID, "first path segment in URL cannot contain colon");
	}
	if (length > 0 && str_starts_with(rest, STR("//"))) {
		struct str authority = str_skip(rest, 2);
		ptrdiff_t slash = str_find(authority, '/');
		if (slash >= 0) authority = str_first(authority, (size_t)slash);
		enum err err = check_authority(authority, error);
		if (err != ERR_OK) return err;
		*has_host = authority.len > 0;
		rest = str_skip(rest, 2 + authority.len);
	}
	return check_escapes(rest, error);
}

enum err url_check(struct str url, struct error *error) {
	struct str scheme = STR("");
	bool has_host = false;
	enum err err = check_parts(url, &scheme, &has_host, error);
	if (err != ERR_OK) {
		error_prefix(error, "parse \"%.*s\"", (int)(url.len < 300 ? url.len : 300), url.ptr);
		return err;
	}
	if (!str_eq_nocase(scheme, STR("http")) && !str_eq_nocase(scheme, STR("https")))
		return error_set(error, ERR_UNSUPPORTED, "unsupported protocol scheme \"%.*s\"", STR_ARG(scheme));
	return has_host ? ERR_OK : error_set(error, ERR_INVALID, "http: no Host in request URL");
}

void url_split(struct str url, struct str *base, struct str *query) {
	struct str rest, fragment;
	str_cut(url, '#', &rest, &fragment);
	if (!str_cut(rest, '?', base, query)) *query = STR("");
}

// ---- query strings --------------------------------------------------------------------------------------------

void url_query_init(struct url_query *query, struct arena *arena) {
	*query = (struct url_query){.arena = arena};
}

static void query_push(struct url_query *query, struct str name, struct str value, bool weak) {
	if (query->count == query->cap) {
		size_t cap = query->cap > 0 ? 2 * query->cap : 8;
		struct url_pair *pairs = ARENA_ARRAY(query->arena, struct url_pair, cap);
		if (query->count > 0) memcpy(pairs, query->pairs, query->count * sizeof *pairs);
		query->pairs = pairs;
		query->cap = cap;
	}
	query->pairs[query->count] = (struct url_pair){name, value, weak, query->count};
	query->count++;
}

// False for a bad escape.
static bool query_decode(struct arena *arena, struct str text, struct str *out) {
	*out = text;
	if (str_find(text, '%') < 0 && str_find(text, '+') < 0) return true;
	char *decoded = arena_alloc(arena, text.len);
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '%') {
			if (!is_escape(text, i)) return false;
			c = (char)(char_hex(text.ptr[i + 1]) * 16 + char_hex(text.ptr[i + 2]));
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		decoded[len++] = c;
	}
	*out = str_make(decoded, len);
	return true;
}

void url_query_parse(struct url_query *query, struct str text, bool weak) {
	while (text.len > 0) {
		struct str pair = text, name, value, rest = STR("");
		if (!str_cut(text, '&', &pair, &rest)) rest = STR("");
		text = rest;
		if (pair.len == 0 || str_find(pair, ';') >= 0) continue;
		if (!str_cut(pair, '=', &name, &value)) value = STR("");
		if (query_decode(query->arena, name, &name) && query_decode(query->arena, value, &value))
			query_push(query, name, value, weak);
	}
}

void url_query_add(struct url_query *query, struct str name, struct str value) {
	query_push(query, name, value, false);
}

static int compare_pairs(const void *a, const void *b) {
	const struct url_pair *x = a, *y = b;
	int order = str_cmp(x->name, y->name);
	if (order != 0) return order;
	if (x->weak != y->weak) return x->weak ? 1 : -1;
	return (x->order > y->order) - (x->order < y->order);
}

static void append_escaped(struct buf *out, struct str text) {
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (is_unreserved((char)c)) {
			buf_byte(out, (char)c);
		} else if (c == ' ') {
			buf_byte(out, '+');
		} else {
			char escape[3] = {'%', digits[c >> 4], digits[c & 15]};
			buf_append(out, escape, sizeof escape);
		}
	}
}

void url_query_append(struct buf *out, struct url_query *query) {
	if (query->count > 1) qsort(query->pairs, query->count, sizeof *query->pairs, compare_pairs);
	bool strong = false; // the pairs of the current name start with one that is not weak
	for (size_t i = 0; i < query->count; i++) {
		const struct url_pair *pair = &query->pairs[i];
		if (i == 0 || !str_eq(pair->name, query->pairs[i - 1].name)) strong = !pair->weak;
		if (pair->weak && strong) continue;
		if (i > 0) buf_byte(out, '&');
		append_escaped(out, pair->name);
		buf_byte(out, '=');
		append_escaped(out, pair->value);
	}
}
