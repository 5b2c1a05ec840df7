// The exchange as an object: filling it, and reading the reply's headers. Any thread that owns it.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "driver/http_internal.h"

#define HTTP_REQUEST_HEADERS_MAX (1u << 20)
#define HTTP_REQUEST_BODY_MAX (64u << 20)

void http_exchange_init(struct http_exchange *exchange) {
	*exchange = (struct http_exchange){.method = "GET"};
	buf_init(&exchange->headers, HTTP_REQUEST_HEADERS_MAX);
	buf_init(&exchange->body, HTTP_REQUEST_BODY_MAX);
	buf_init(&exchange->reply_headers, HTTP_REPLY_HEADERS_MAX);
	buf_init(&exchange->reply, 0);
}

void http_exchange_clear(struct http_exchange *exchange) {
	free(exchange->url);
	exchange->url = NULL;
	buf_free(&exchange->headers);
	buf_free(&exchange->body);
	buf_free(&exchange->reply_headers);
	buf_free(&exchange->reply);
}

void http_exchange_fail(struct http_exchange *exchange, enum http_failure failure, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	exchange->failure = failure;
	vsnprintf(exchange->failure_text, sizeof exchange->failure_text, format, arguments);
	va_end(arguments);
}

static bool is_token(struct str name) {
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.ptr[i];
		if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL) return false;
	}
	return name.len > 0;
}

static bool is_header_value(struct str value) {
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];
		if ((c < ' ' && c != '\t') || c == 0x7f) return false;
	}
	return true;
}

bool http_exchange_header(struct http_exchange *exchange, struct str name, struct str value) {
	if (!is_token(name) || !is_header_value(value)) return false;
	struct buf *out = &exchange->headers;
	if (!buf_reserve(out, name.len + value.len + 3)) return false;
	buf_str(out, name);
	if (str_trim(value).len == 0) {
		buf_lit(out, ";\n"); // how curl is told of an empty header
	} else {
		buf_lit(out, ": ");
		buf_str(out, value);
		buf_byte(out, '\n');
	}
	return true;
}

bool http_header_next(struct str *rest, struct answer_header *out) {
	while (rest->len > 0) {
		struct str line, tail = STR("");
		if (!str_cut(*rest, '\n', &line, &tail)) tail = STR("");
		*rest = tail;
		if (line.len == 0 || line.ptr[0] == ' ' || line.ptr[0] == '\t') continue;
		if (!str_cut(line, ':', &out->name, &out->value)) continue;
		out->name = str_trim(out->name);
		out->value = str_trim(out->value);
		return true;
	}
	return false;
}

size_t http_exchange_reply_headers(const struct http_exchange *exchange, struct arena *arena,
				   struct answer_header **out) {
	struct answer_header header;
	size_t count = 0, filled = 0;
	for (struct str rest = buf_view(&exchange->reply_headers); http_header_next(&rest, &header);) count++;
	struct answer_header *headers = ARENA_ARRAY(arena, struct answer_header, count);
	for (struct str rest = buf_view(&exchange->reply_headers); http_header_next(&rest, &header);)
		headers[filled++] = header;
	*out = headers;
	return filled;
}

struct str http_exchange_reply_header(const struct http_exchange *exchange, struct str name) {
	struct answer_header header;
	for (struct str rest = buf_view(&exchange->reply_headers); http_header_next(&rest, &header);) {
		if (str_eq_nocase(header.name, name)) return header.value;
	}
	return STR("");
}
