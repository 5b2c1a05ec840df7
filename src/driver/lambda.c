#include "driver/lambda.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/json.h"
#include "driver/url.h"
#include "model/limits.h"

#define INVOCATION_PATH "2015-03-31/functions/function/invocations"

// The path with what stands around it.
static void split_url(struct str url, struct str *scheme, struct str *host, struct str *path, struct str *query) {
	struct str base, rest, authority;
	url_split(url, &base, query);
	ptrdiff_t colon = str_find_str(base, STR("://"));
	*scheme = colon > 0 ? str_first(base, (size_t)colon) : STR("http");
	rest = colon > 0 ? str_skip(base, (size_t)colon + 3) : base;
	ptrdiff_t slash = str_find(rest, '/');
	authority = slash >= 0 ? str_first(rest, (size_t)slash) : rest;
	*path = slash >= 0 ? str_skip(rest, (size_t)slash) : STR("/");
	*host = str_skip(authority, (size_t)(str_rfind(authority, '@') + 1));
}

bool lambda_is_target(struct str url) {
	struct str scheme, host, path, query;
	if (str_find_str(url, STR(INVOCATION_PATH)) < 0) return false;
	split_url(url, &scheme, &host, &path, &query);
	return str_find_str(path, STR(INVOCATION_PATH)) >= 0;
}

// ---- the request ----------------------------------------------------------------------------------------------

struct field {
	struct str name;
	struct str value;
	size_t order;
};

static int compare_fields(const void *a, const void *b) {
	const struct field *x = a, *y = b;
	int order = str_cmp(x->name, y->name);
	return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static struct str lower_case(struct arena *arena, struct str text) {
	struct str copy = arena_dup(arena, text);
	char *bytes = (char *)copy.ptr;
	for (size_t i = 0; i < copy.len; i++) {
		if (bytes[i] >= 'A' && bytes[i] <= 'Z') bytes[i] = (char)(bytes[i] + ('a' - 'A'));
	}
	return copy;
}

// The exchange's headers, and those that its transfer would add; sorted.
static struct field *collect_headers(const struct http_exchange *exchange, struct arena *arena, struct str scheme,
				     struct str host, size_t *out_count) {
	struct str lines = buf_view(&exchange->headers);
	size_t cap = 3, count = 0;
	for (size_t i = 0; i < lines.len; i++) cap += lines.ptr[i] == '\n';
	struct field *fields = ARENA_ARRAY(arena, struct field, cap);
	fields[count++] = (struct field){.name = STR("host"), .value = host};
	fields[count++] = (struct field){.name = STR("x-forwarded-proto"), .value = scheme};
	fields[count++] =
		(struct field){.name = STR("content-length"), .value = arena_printf(arena, "%zu", exchange->body.len)};
	struct str line;
	while (count < cap && str_cut(lines, '\n', &line, &lines)) {
		struct str name, value;
		if (!str_cut(line, ':', &name, &value)) name = str_first(line, line.len - 1); // "Name;": empty
		fields[count++] = (struct field){lower_case(arena, name), str_trim(value), 0};
	}
	for (size_t i = 0; i < count; i++) fields[i].order = i;
	qsort(fields, count, sizeof *fields, compare_fields);
	*out_count = count;
	return fields;
}

// {"name":"first value",…} or {"name":["value",…],…}; fields are sorted by name.
static void append_fields(struct buf *out, const struct field *fields, size_t count, bool all) {
	buf_byte(out, '{');
	for (size_t i = 0; i < count;) {
		size_t end = i + 1;
		while (end < count && str_eq(fields[end].name, fields[i].name)) end++;
		if (i > 0) buf_byte(out, ',');
		buf_json_str(out, fields[i].name);
		buf_byte(out, ':');
		if (all) buf_byte(out, '[');
		for (size_t value = i; value < (all ? end : i + 1); value++) {
			if (value > i) buf_byte(out, ',');
			buf_json_str(out, fields[value].value);
		}
		if (all) buf_byte(out, ']');
		i = end;
	}
	buf_byte(out, '}');
}

static void append_query(struct buf *out, struct arena *arena, struct str text) {
	struct url_query query;
	url_query_init(&query, arena);
	url_query_parse(&query, text, false);
	struct field *fields = ARENA_ARRAY(arena, struct field, query.count);
	for (size_t i = 0; i < query.count; i++)
		fields[i] = (struct field){query.pairs[i].name, query.pairs[i].value, i};
	if (query.count > 1) qsort(fields, query.count, sizeof *fields, compare_fields);
	append_fields(out, fields, query.count, false);
}

void lambda_wrap(struct http_exchange *exchange) {
	struct arena arena;
	struct buf event;
	struct str scheme, host, path, query;
	size_t count;
	arena_init(&arena, 4096);
	buf_init(&event, exchange->body.max_bytes);
	split_url(str_from_cstr(exchange->url), &scheme, &host, &path, &query);
	struct field *headers = collect_headers(exchange, &arena, scheme, host, &count);
	buf_lit(&event, "{\"body\":\"");
	base64_append(&event, buf_view(&exchange->body), false);
	buf_lit(&event, "\",\"headers\":");
	append_fields(&event, headers, count, false);
	buf_lit(&event, ",\"httpMethod\":");
	buf_json_str(&event, str_from_cstr(exchange->method));
	buf_lit(&event, ",\"isBase64Encoded\":true,\"multiValueHeaders\":");
	append_fields(&event, headers, count, true);
	buf_lit(&event, ",\"path\":");
	buf_json_str(&event, path);
	buf_lit(&event, ",\"queryStringParameters\":");
	append_query(&event, &arena, query);
	buf_byte(&event, '}');
	arena_free(&arena);
	buf_free(&exchange->body);
	exchange->body = event;
	exchange->method = "POST";
	buf_clear(&exchange->headers);
	buf_lit(&exchange->headers, "Content-Type: application/json\n");
}

// ---- the reply ------------------------------------------------------------------------------------------------

static void append_header(struct buf *out, struct str name, yyjson_val *value) {
	struct str text = json_str(value);
	if (!yyjson_is_str(value) || str_find(name, '\n') >= 0 || str_find(text, '\n') >= 0) return;
	buf_str(out, name);
	buf_lit(out, ": ");
	buf_str(out, text);
	buf_lit(out, "\r\n");
}

static void unwrap_headers(struct buf *out, yyjson_val *response) {
	yyjson_val *single = json_get(response, STR("headers")), *multi = json_get(response, STR("multiValueHeaders"));
	size_t i, max, j, values;
	yyjson_val *key, *value, *item;
	if (yyjson_is_obj(single)) {
		yyjson_obj_foreach(single, i, max, key, value) append_header(out, json_str(key), value);
	}
	if (yyjson_is_obj(multi)) {
		yyjson_obj_foreach(multi, i, max, key, value) {
			if (!yyjson_is_arr(value)) continue;
			yyjson_arr_foreach(value, j, values, item) append_header(out, json_str(key), item);
		}
	}
}

// False for a body that says it is base64 and is not.
static bool unwrap_body(struct buf *out, yyjson_val *response) {
	struct str body = json_str(json_get(response, STR("body")));
	if (yyjson_is_true(json_get(response, STR("isBase64Encoded")))) return base64_parse(body, true, out);
	buf_str(out, body);
	return true;
}

void lambda_unwrap(struct http_exchange *exchange) {
	if (exchange->failure != HTTP_FAILURE_NONE || exchange->reply_too_large) return;
	struct error error;
	yyjson_doc *doc = json_read(buf_view(&exchange->reply), false, NULL, &error);
	yyjson_val *response = yyjson_doc_get_root(doc), *status = json_get(response, STR("statusCode"));
	struct buf body, headers;
	buf_init(&body, exchange->reply_max_bytes);
	buf_init(&headers, exchange->reply_headers.max_bytes);
	if (yyjson_is_int(status) && yyjson_get_sint(status) >= 100 && yyjson_get_sint(status) <= 999 &&
	    unwrap_body(&body, response)) {
		unwrap_headers(&headers, response);
		exchange->status = (int)yyjson_get_sint(status);
		buf_free(&exchange->reply);
		buf_free(&exchange->reply_headers);
		exchange->reply = body;
		exchange->reply_headers = headers;
	} else {
		buf_free(&body);
		buf_free(&headers);
	}
	yyjson_doc_free(doc);
}
