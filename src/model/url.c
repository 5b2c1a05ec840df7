// URL references as the reference reads and writes them (spec 01 §5.4).
#include <ctype.h>

#include "base/buf.h"
#include "model/form.h"
#include "model/function.h"

// The pieces of a URL reference, borrowed from the text. `authority`, `query` and `fragment` may be absent.
struct url_parts {
	struct str scheme; // without the colon, letter case as given
	struct str opaque; // mailto:this
	struct str userinfo;
	struct str host; // with the port
	struct str path;
	struct str query;
	struct str fragment;
	bool has_authority;
	bool has_userinfo;
	bool lone_question_mark;
};

static bool is_alpha(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static bool is_one_of(char c, const char *set) {
	return c != '\0' && strchr(set, c) != NULL;
}
static bool is_unreserved(char c) {
	return is_alpha(c) || char_is_digit(c) || is_one_of(c, "-_.~");
}

// The byte that the escape at `s[at]` stands for, -1 when it is not an escape.
static int escape_value(struct str s, size_t at) {
	if (s.len - at < 3) return -1;
	int high = char_hex(s.ptr[at + 1]);
	int low = char_hex(s.ptr[at + 2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool escapes_valid(struct str s) {
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '%' && escape_value(s, i) < 0) return false;
	}
	return true;
}

static void append_escaped(struct buf *out, char c) {
	static const char digits[] = "0123456789ABCDEF";
	buf_byte(out, '%');
	buf_byte(out, digits[(unsigned char)c >> 4]);
	buf_byte(out, digits[(unsigned char)c & 15]);
}

// False when the text cannot be a URL; otherwise the scheme (may be empty) and what follows its colon.
static bool cut_scheme(struct str text, struct str *scheme, struct str *rest) {
	*scheme = (struct str){NULL, 0};
	*rest = text;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (is_alpha(c)) continue;
		if (i > 0 && (char_is_digit(c) || is_one_of(c, "+-."))) continue;
		if (c != ':') return true;
		if (i == 0) return false;
		*scheme = str_first(text, i);
		*rest = str_make(text.ptr + i + 1, text.len - i - 1);
		return true;
	}
	return true;
}

// Nothing, or a colon and digits.
static bool port_valid(struct str s) {
	if (s.len == 0) return true;
	if (s.ptr[0] != ':') return false;
	for (size_t i = 1; i < s.len; i++) {
		if (!char_is_digit(s.ptr[i])) return false;
	}
	return true;
}

static bool host_valid(struct str host) {
	if (host.len > 0 && host.ptr[0] == '[') {
		ptrdiff_t end = str_rfind(host, ']');
		if (end < 0 || !port_valid(str_skip(host, (size_t)end + 1))) return false;
	} else {
		ptrdiff_t colon = str_rfind(host, ':');
		if (colon >= 0 && !port_valid(str_skip(host, (size_t)colon))) return false;
	}
	bool bracketed = host.len > 0 && host.ptr[0] == '[';
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];
		if (c == '%') {
			int value = escape_value(host, i);
			// Only bytes outside ASCII may be escaped, and the % before an IPv6 zone.
			if (value < 0x80 && !(bracketed && value == '%')) return false;
			i += 2;
		} else if ((unsigned char)c < 0x80 && !is_unreserved(c) && !is_one_of(c, "!$&'()*+,;=:[]<>\"")) {
			return false;
		}
	}
	return true;
}

static bool userinfo_valid(struct str s) {
	for (size_t i = 0; i < s.len; i++) {
		if (!is_unreserved(s.ptr[i]) && !is_one_of(s.ptr[i], ":!$&'()*+,;=%@")) return false;
	}
	return escapes_valid(s);
}

static bool cut_authority(struct str rest, struct url_parts *url, struct str *path) {
	size_t end = 0;
	while (end < rest.len && rest.ptr[end] != '/') end++;
	struct str authority = str_first(rest, end);
	*path = str_skip(rest, end);
	url->has_authority = true;
	ptrdiff_t at = str_rfind(authority, '@');
	url->host = at < 0 ? authority : str_skip(authority, (size_t)at + 1);
	url->has_userinfo = at >= 0;
	if (at >= 0) url->userinfo = str_first(authority, (size_t)at);
	return userinfo_valid(url->userinfo) && host_valid(url->host);
}

static bool url_parse(struct str text, struct url_parts *url) {
	memset(url, 0, sizeof(*url));
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) return false;
	}
	struct str rest;
	str_cut(text, '#', &rest, &url->fragment);
	if (!escapes_valid(url->fragment) || !cut_scheme(rest, &url->scheme, &rest)) return false;
	struct str before;
	if (str_cut(rest, '?', &before, &url->query)) {
		url->lone_question_mark = url->query.len == 0;
		rest = before;
	}
	bool rooted = rest.len > 0 && rest.ptr[0] == '/';
	if (!rooted && url->scheme.len > 0) {
		url->opaque = rest;
		return true;
	}
	if (!rooted) { // a relative path must not look like scheme:rest
		struct str segment;
		struct str unused;
		str_cut(rest, '/', &segment, &unused);
		if (str_find(segment, ':') >= 0) return false;
	}
	bool slashes = str_starts_with(rest, STR("//"));
	if (slashes && (url->scheme.len > 0 || !str_starts_with(rest, STR("///")))) {
		if (!cut_authority(str_skip(rest, 2), url, &rest)) return false;
	}
	url->path = rest;
	return escapes_valid(rest);
}

// Path and fragment: escapes stay as they are, bytes that may not stand there are escaped.
static void append_escaped_text(struct buf *out, struct str s, const char *also_allowed) {
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (is_unreserved(c) || is_one_of(c, "$&+,/:;=@!'()*[]%") || is_one_of(c, also_allowed)) {
			buf_byte(out, c);
		} else {
			append_escaped(out, c);
		}
	}
}

struct query_pair {
	struct str name; // decoded
	struct str value;
	size_t position;
};

static void form_encode(struct buf *out, struct str s) {
	for (size_t i = 0; i < s.len; i++) {
		if (is_unreserved(s.ptr[i])) {
			buf_byte(out, s.ptr[i]);
		} else if (s.ptr[i] == ' ') {
			buf_byte(out, '+');
		} else {
			append_escaped(out, s.ptr[i]);
		}
	}
}

static int compare_pairs(const void *left, const void *right) {
	const struct query_pair *a = left;
	const struct query_pair *b = right;
	int order = str_cmp(a->name, b->name);
	if (order != 0) return order;
	return a->position < b->position ? -1 : a->position > b->position;
}

// Everything except deployId and probe, sorted by name. Pairs that no form decoder takes are dropped.
static void append_query(struct arena *arena, struct buf *out, struct str query) {
	size_t max = 1;
	for (size_t i = 0; i < query.len; i++) max += query.ptr[i] == '&';
	struct query_pair *pairs = ARENA_ARRAY(arena, struct query_pair, max);
	size_t count = 0;
	bool more = query.len > 0;
	while (more) {
		struct str pair;
		struct str name;
		struct str value = {NULL, 0};
		more = str_cut(query, '&', &pair, &query);
		if (pair.len == 0 || str_find(pair, ';') >= 0) continue;
		str_cut(pair, '=', &name, &value);
		struct query_pair *entry = &pairs[count];
		if (!form_decode(arena, name, &entry->name) || !form_decode(arena, value, &entry->value)) continue;
		if (str_eq(entry->name, STR("deployId")) || str_eq(entry->name, STR("probe"))) continue;
		entry->position = count++;
	}
	if (count > 1) qsort(pairs, count, sizeof(*pairs), compare_pairs);
	for (size_t i = 0; i < count; i++) {
		buf_byte(out, i == 0 ? '?' : '&');
		form_encode(out, pairs[i].name);
		buf_byte(out, '=');
		form_encode(out, pairs[i].value);
	}
}

// Escapes in a host stand for bytes outside ASCII; they are written in upper case.
static void append_host(struct buf *out, struct str host) {
	for (size_t i = 0; i < host.len; i++) {
		if (host.ptr[i] == '%') {
			append_escaped(out, (char)escape_value(host, i));
			i += 2;
		} else if ((unsigned char)host.ptr[i] >= 0x80) {
			append_escaped(out, host.ptr[i]);
		} else {
			buf_byte(out, host.ptr[i]);
		}
	}
}

// Rule 4: default ports go, the loopback names become one. Nothing happens to an authority without a colon.
static void append_authority(struct buf *out, struct str scheme, struct str host) {
	ptrdiff_t colon = str_rfind(host, ':');
	bool bracketed = host.len > 0 && host.ptr[0] == '[';
	bool ambiguous = !bracketed && colon != str_find(host, ':'); // several colons: no host and port
	if (colon < 0 || ambiguous || (bracketed && colon < str_rfind(host, ']'))) {
		append_host(out, host);
		return;
	}
	struct str name = str_first(host, (size_t)colon);
	struct str port = str_skip(host, (size_t)colon + 1);
	bool plain = str_eq_nocase(scheme, STR("http")) || str_eq_nocase(scheme, STR("ws"));
	bool secure = str_eq_nocase(scheme, STR("https")) || str_eq_nocase(scheme, STR("wss"));
	bool standard = (plain && str_eq(port, STR("80"))) || (secure && str_eq(port, STR("443")));
	if (str_eq(name, STR("127.0.0.1")) || str_eq(name, STR("0.0.0.0"))) name = STR("localhost");
	append_host(out, name);
	if (!standard) {
		buf_byte(out, ':');
		buf_str(out, port);
	}
}

static void url_write(struct arena *arena, struct buf *out, const struct url_parts *url) {
	for (size_t i = 0; i < url->scheme.len; i++) buf_byte(out, (char)tolower((unsigned char)url->scheme.ptr[i]));
	if (url->scheme.len > 0) buf_byte(out, ':');
	buf_str(out, url->opaque);
	if (url->has_authority) {
		buf_lit(out, "//");
		buf_str(out, url->userinfo);
		if (url->has_userinfo) buf_byte(out, '@');
		append_authority(out, url->scheme, url->host);
	}
	append_escaped_text(out, url->path, "");
	if (url->lone_question_mark) buf_byte(out, '?');
	append_query(arena, out, url->query);
	if (url->fragment.len > 0) {
		buf_byte(out, '#');
		append_escaped_text(out, url->fragment, "?");
	}
}

struct str url_normalise(struct arena *arena, struct str url, bool *valid) {
	struct url_parts parts;
	bool parsed = url_parse(url, &parts);
	if (valid != NULL) *valid = parsed;
	if (!parsed) return url;
	struct buf out;
	buf_init(&out, SIZE_MAX / 2);
	url_write(arena, &out, &parts);
	struct str text = arena_dup(arena, buf_view(&out));
	buf_free(&out);
	return text;
}
