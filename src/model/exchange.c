#include "model/exchange.h"

#include "base/check.h"
#include "model/utf8.h"

#define FIRST_BYTES 1024 // of the JSON of most replies

static const struct str secret_names[] = {
	STR_INIT("authorization"),    STR_INIT("proxy-authorization"), STR_INIT("cookie"),
	STR_INIT("set-cookie"),       STR_INIT("x-api-key"),           STR_INIT("x-auth-token"),
	STR_INIT("www-authenticate"), STR_INIT("proxy-authenticate"),
};

bool exchange_header_is_secret(struct str name) {
	for (size_t i = 0; i < ARRAY_LEN(secret_names); i++)
		if (name.len == secret_names[i].len && str_eq_nocase(name, secret_names[i])) return true;
	return false;
}

static unsigned char lower(char c) {
	unsigned char byte = (unsigned char)c;
	return byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte;
}

static int compare_names(struct str a, struct str b) {
	size_t common = a.len < b.len ? a.len : b.len;
	for (size_t i = 0; i < common; i++) {
		unsigned char x = lower(a.ptr[i]), y = lower(b.ptr[i]);
		if (x != y) return x < y ? -1 : 1;
	}
	return (a.len > b.len) - (a.len < b.len);
}

// Headers by name, those of one name in their order. Few, and mostly in some order already: insertion it is.
static size_t sort(const struct answer_header *headers, size_t count, const struct answer_header **out) {
	if (count > EXCHANGE_HEADERS_MAX) count = EXCHANGE_HEADERS_MAX;
	for (size_t i = 0; i < count; i++) {
		size_t at = i;
		for (; at > 0 && compare_names(out[at - 1]->name, headers[i].name) > 0; at--) out[at] = out[at - 1];
		out[at] = &headers[i];
	}
	return count;
}

static bool is_token(struct str name) {
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.ptr[i];
		if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL) return false;
	}
	return true;
}

// In canonical form: X-Inngest-Sdk. What is no token stays as it is, as in Go.
static void append_name(struct buf *out, struct str name) {
	if (!is_token(name)) {
		utf8_json_str(out, name);
		return;
	}
	bool upper = true;
	if (!buf_reserve(out, name.len + 2)) return;
	buf_byte(out, '"');
	for (size_t i = 0; i < name.len; i++) {
		char c = (char)lower(name.ptr[i]);
		buf_byte(out, upper && c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c);
		upper = c == '-';
	}
	buf_byte(out, '"');
}

// One member of the object: headers[0 … count-1] are of one name.
static void append_member(struct buf *out, const struct answer_header **headers, size_t count) {
	bool secret = exchange_header_is_secret(headers[0]->name);
	append_name(out, headers[0]->name);
	buf_byte(out, ':');
	if (count > 1) buf_byte(out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0) buf_byte(out, ',');
		utf8_json_str(out, secret ? STR("[REDACTED]") : headers[i]->value);
	}
	if (count > 1) buf_byte(out, ']');
}

struct str exchange_headers_json(struct arena *arena, const struct answer_header *headers, size_t count) {
	const struct answer_header *sorted[EXCHANGE_HEADERS_MAX];
	struct buf out;
	count = sort(headers, count, sorted);
	if (count == 0) return (struct str){NULL, 0};
	buf_init(&out, ANSWER_HEADERS_MAX - 1); // and the closing brace
	buf_reserve(&out, FIRST_BYTES);
	for (size_t i = 0, end; i < count; i = end) {
		size_t before = out.len;
		for (end = i + 1; end < count && compare_names(sorted[end]->name, sorted[i]->name) == 0;) end++;
		buf_byte(&out, before == 0 ? '{' : ',');
		append_member(&out, sorted + i, end - i);
		if (!out.overflow) continue;
		out.overflow = false; // it does not fit, another one may
		out.len = before;
	}
	struct str json = out.len > 0 ? arena_cat(arena, buf_view(&out), STR("}")) : (struct str){NULL, 0};
	buf_free(&out);
	return json;
}
