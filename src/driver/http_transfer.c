// One exchange on one easy handle. Handles are pooled with everything set that is the same for all exchanges; per
// exchange only the URL, the method, the body and the header list change, and the list points into the exchange.
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "driver/http_decode.h"
#include "driver/http_internal.h"
#include "driver/url.h"

// ---- reading the reply ----------------------------------------------------------------------------------------

static bool is_redirect(int status) {
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// The reply's encoding is none, gzip or br, named once.
static bool encoding_is_good(const struct http_exchange *exchange, struct str *encoding) {
	struct answer_header header;
	bool seen = false, good = true;
	*encoding = STR("");
	for (struct str rest = buf_view(&exchange->reply_headers); good && http_header_next(&rest, &header);) {
		if (!str_eq_nocase(header.name, STR("Content-Encoding")) || header.value.len == 0) continue;
		*encoding = header.value;
		good = !seen && (str_eq_nocase(header.value, STR("gzip")) || str_eq_nocase(header.value, STR("br")));
		seen = true;
	}
	return good;
}

// The blank line after the headers: what is to be done with the body? False ends the transfer.
static bool reply_headers_end(struct http_transfer *transfer) {
	struct http_exchange *exchange = transfer->exchange;
	if (exchange->status < 200) return true; // an interim reply: the final one follows
	transfer->headers_done = true;
	transfer->following =
		is_redirect(exchange->status) && http_exchange_reply_header(exchange, STR("Location")).len > 0;
	if (transfer->following) return true;
	struct str encoding;
	transfer->encoding_bad = !encoding_is_good(exchange, &encoding);
	return !transfer->encoding_bad;
}

static size_t on_header(char *line, size_t size, size_t count, void *context) {
	struct http_transfer *transfer = context;
	struct http_exchange *exchange = transfer->exchange;
	size_t len = size * count;
	struct str text = str_make(line, len);
	if (transfer->headers_done) return len; // trailers
	if (str_starts_with(text, STR("HTTP/"))) {
		long status = 0;
		curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
		exchange->status = (int)status;
		transfer->reply_ns = clock_mono_ns();
		buf_clear(&exchange->reply_headers);
		return len;
	}
	if (str_trim(text).len == 0) return reply_headers_end(transfer) ? len : 0;
	buf_str(&exchange->reply_headers, text);
	return exchange->reply_headers.overflow ? 0 : len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
	struct http_transfer *transfer = context;
	struct http_exchange *exchange = transfer->exchange;
	size_t len = size * count;
	if (transfer->following) {
		transfer->dropped_bytes += len;
		return transfer->dropped_bytes <= HTTP_REDIRECT_BODY_MAX ? len : 0;
	}
	size_t room = exchange->reply_max_bytes - exchange->reply.len;
	buf_append(&exchange->reply, bytes, len < room ? len : room);
	exchange->reply_too_large = len > room;
	return exchange->reply_too_large ? 0 : len;
}

// ---- handles --------------------------------------------------------------------------------------------------

static void set_constant_options(struct http_transfer *transfer) {
	CURL *easy = transfer->easy;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error_text);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, http_socket_open);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer->client);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, http_socket_close);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->client);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); // never wait for a resolver thread that hangs
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); // not even from the environment
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L); // http_decode does it
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 5L);     // 02 §2.1
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 15L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 15L);
}

static struct http_transfer *transfer_take(struct http_client *client) {
	struct list *node = list_pop_front(&client->spare);
	if (node != NULL) {
		client->spare_count--;
		return list_entry(node, struct http_transfer, link);
	}
	(void)http_client_multi(client); // starts the library
	struct http_transfer *transfer = mem_calloc(1, sizeof *transfer);
	transfer->client = client;
	transfer->easy = curl_easy_init();
	CHECK(transfer->easy != NULL);
	list_init(&transfer->link);
	set_constant_options(transfer);
	return transfer;
}

static void transfer_free(struct http_transfer *transfer) {
	curl_easy_cleanup(transfer->easy);
	free(transfer->lines);
	free(transfer);
}

static void transfer_give_back(struct http_transfer *transfer) {
	struct http_client *client = transfer->client;
	list_remove(&transfer->link);
	transfer->exchange = NULL;
	if (client->closing || client->spare_count >= HTTP_HANDLES_KEPT) {
		transfer_free(transfer);
		return;
	}
	if (transfer->retried) curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 0L);
	list_push_front(&client->spare, &transfer->link);
	client->spare_count++;
}

// ---- sending --------------------------------------------------------------------------------------------------

// Makes curl's list out of the header lines, without copies: each line end becomes a NUL.
static struct curl_slist *header_list(struct http_transfer *transfer) {
	static char no_expect[] = "Expect:", no_accept[] = "Accept:"; // headers that curl would add
	struct buf *text = &transfer->exchange->headers;
	size_t count = 2;
	for (size_t at = 0; at < text->len; count++) { // a second start finds the NULs of the first
		char *line = text->ptr + at, *newline = memchr(line, '\n', text->len - at);
		if (newline != NULL) *newline = '\0';
		at += strlen(line) + 1;
	}
	if (count > transfer->line_cap) {
		transfer->lines = mem_realloc(transfer->lines, count * sizeof *transfer->lines);
		transfer->line_cap = count;
	}
	struct curl_slist *lines = transfer->lines;
	lines[0].data = no_expect;
	lines[1].data = no_accept;
	for (size_t at = 0, i = 2; i < count; i++) {
		lines[i].data = text->ptr + at;
		at += strlen(lines[i].data) + 1;
	}
	for (size_t i = 0; i < count; i++) lines[i].next = i + 1 < count ? &lines[i + 1] : NULL;
	return lines;
}

static void set_method(struct http_transfer *transfer) {
	CURL *easy = transfer->easy;
	const struct buf *body = &transfer->exchange->body;
	bool post = strcmp(transfer->method, "POST") == 0, get = strcmp(transfer->method, "GET") == 0;
	if (get && body->len == 0) {
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
		return;
	}
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->len > 0 ? body->ptr : "");
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, post ? NULL : transfer->method);
}

// Milliseconds left for the exchange, 0 for no limit; false when there are none.
static bool time_left(const struct http_transfer *transfer, long *out_ms) {
	*out_ms = 0;
	if (transfer->deadline_ns == 0) return true;
	uint64_t now = clock_mono_ns();
	if (now >= transfer->deadline_ns) return false;
	*out_ms = (long)((transfer->deadline_ns - now + 999999) / 1000000);
	return true;
}

static void transfer_complete(struct http_transfer *transfer) {
	struct http_exchange *exchange = transfer->exchange;
	exchange->handle = NULL;
	transfer_give_back(transfer);
	exchange->done(exchange);
}

// Sends the request of the current hop.
static void transfer_send(struct http_transfer *transfer) {
	struct http_exchange *exchange = transfer->exchange;
	long left_ms;
	if (!time_left(transfer, &left_ms)) {
		http_exchange_fail(exchange, HTTP_FAILURE_TIMEOUT, "time-out while redirects were followed");
		transfer_complete(transfer);
		return;
	}
	exchange->status = 0;
	exchange->reply_too_large = false;
	buf_clear(&exchange->reply_headers);
	buf_clear(&exchange->reply);
	transfer->headers_done = transfer->following = transfer->encoding_bad = false;
	transfer->dropped_bytes = 0;
	transfer->reply_ns = 0;
	transfer->hop_ns = clock_mono_ns();
	transfer->error_text[0] = '\0';
	CURL *easy = transfer->easy;
	set_method(transfer);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, header_list(transfer));
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)exchange->connect_timeout_ms);
	CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, exchange->url);
	if (code == CURLE_OK && curl_multi_add_handle(transfer->client->multi, easy) != CURLM_OK)
		code = CURLE_FAILED_INIT;
	if (code != CURLE_OK) {
		http_exchange_fail(exchange, HTTP_FAILURE_OTHER, "%s", curl_easy_strerror(code));
		transfer_complete(transfer);
	}
}

// Fails the exchange when its URL cannot be called.
static bool url_is_good(struct http_exchange *exchange) {
	struct error error;
	enum err err = url_check(str_from_cstr(exchange->url), &error);
	if (err == ERR_OK) return true;
	http_exchange_fail(exchange, err == ERR_UNSUPPORTED ? HTTP_FAILURE_PROTOCOL : HTTP_FAILURE_URL, "%s",
			   error.message);
	return false;
}

void http_transfer_begin(struct http_client *client, struct http_exchange *exchange) {
	exchange->failure = HTTP_FAILURE_NONE;
	exchange->failure_text[0] = '\0';
	exchange->timing = (struct http_timing){.total_us = 0};
	if (client->closing) {
		http_exchange_fail(exchange, HTTP_FAILURE_CLOSED, "shutting down");
		exchange->done(exchange);
		return;
	}
	if (!url_is_good(exchange)) {
		exchange->done(exchange);
		return;
	}
	struct http_transfer *transfer = transfer_take(client);
	transfer->exchange = exchange;
	transfer->method = exchange->method;
	transfer->redirects = 0;
	transfer->retried = false;
	transfer->deadline_ns =
		exchange->timeout_ms > 0 ? clock_mono_ns() + (uint64_t)exchange->timeout_ms * 1000000 : 0;
	exchange->handle = transfer;
	exchange->reply.max_bytes = exchange->reply_max_bytes;
	list_push_back(&client->active, &transfer->link);
	transfer_send(transfer);
}

// ---- redirects (02 §4.7) --------------------------------------------------------------------------------------

// Location, read relative to the URL of the reply; malloc'd by curl, NULL when it is no URL.
static char *resolve_location(const struct http_exchange *exchange) {
	char *location = str_to_cstr(http_exchange_reply_header(exchange, STR("Location")));
	char *resolved = NULL;
	CURLU *url = curl_url();
	unsigned flags = CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS | CURLU_URLENCODE;
	if (url != NULL && curl_url_set(url, CURLUPART_URL, exchange->url, flags) == CURLUE_OK &&
	    curl_url_set(url, CURLUPART_URL, location, flags) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_URL, &resolved, 0) != CURLUE_OK)
		resolved = NULL;
	curl_url_cleanup(url);
	free(location);
	return resolved;
}

// The target with the query of the URL that redirected: its parameters win over the target's own.
static char *merge_queries(struct str target, struct str source) {
	struct arena arena;
	struct buf out;
	struct str base, query, target_query;
	struct url_query pairs;
	arena_init(&arena, 1024);
	buf_init(&out, target.len + 3 * (target.len + source.len) + 16);
	url_query_init(&pairs, &arena);
	url_split(source, &base, &query);
	url_query_parse(&pairs, query, false);
	bool merge = pairs.count > 0;
	url_split(target, &base, &target_query);
	url_query_parse(&pairs, target_query, true);
	buf_str(&out, merge ? base : target);
	if (merge) {
		buf_byte(&out, '?');
		url_query_append(&out, &pairs);
	}
	char *merged = str_to_cstr(buf_view(&out));
	buf_free(&out);
	arena_free(&arena);
	return merged;
}

// Points the exchange at the next hop; false when it has to fail.
static bool transfer_redirect(struct http_transfer *transfer) {
	struct http_exchange *exchange = transfer->exchange;
	if (transfer->redirects == exchange->redirects_max) {
		http_exchange_fail(exchange, HTTP_FAILURE_REDIRECTS, "stopped after %u redirects",
				   exchange->redirects_max);
		return false;
	}
	transfer->redirects++;
	char *resolved = resolve_location(exchange);
	if (resolved == NULL) {
		http_exchange_fail(exchange, HTTP_FAILURE_OTHER, "failed to parse Location header");
		return false;
	}
	char *merged = merge_queries(str_from_cstr(resolved), str_from_cstr(exchange->url));
	curl_free(resolved);
	free(exchange->url);
	exchange->url = merged;
	bool keeps = exchange->status == 307 || exchange->status == 308 || exchange->keep_method_on_redirect;
	if (!keeps) transfer->method = "GET";
	return url_is_good(exchange);
}

// ---- the outcome ----------------------------------------------------------------------------------------------

static enum http_failure classify(const struct http_transfer *transfer, CURLcode code) {
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		return HTTP_FAILURE_CONNECT;
	case CURLE_COULDNT_RESOLVE_HOST:
		return HTTP_FAILURE_RESOLVE;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_FAILURE_TIMEOUT;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		if (transfer->headers_done) return HTTP_FAILURE_RECV;
		return transfer->exchange->status == 0 ? HTTP_FAILURE_CONNECT : HTTP_FAILURE_OTHER;
	case CURLE_SSL_CONNECT_ERROR:
		// What TLS makes of an answer in plain text.
		return strstr(transfer->error_text, "wrong version number") != NULL ? HTTP_FAILURE_PROTOCOL
										    : HTTP_FAILURE_TLS;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
		return HTTP_FAILURE_TLS;
	case CURLE_URL_MALFORMAT:
		return HTTP_FAILURE_URL;
	default:
		return HTTP_FAILURE_OTHER;
	}
}

// The body as the app meant it, in place of the one on the wire.
static void decode_reply(struct http_exchange *exchange) {
	struct str encoding;
	if (!encoding_is_good(exchange, &encoding) || encoding.len == 0) return;
	struct buf decoded;
	buf_init(&decoded, exchange->reply_max_bytes);
	enum http_decoded result = http_decode(encoding, buf_view(&exchange->reply), &decoded);
	buf_free(&exchange->reply);
	exchange->reply = decoded;
	exchange->reply_too_large = result == HTTP_DECODED_TOO_LARGE;
	if (result != HTTP_DECODED_BROKEN) return;
	http_exchange_fail(exchange, HTTP_FAILURE_ENCODING, "error decoding %.*s response body: damaged or cut short",
			   STR_ARG(encoding));
}

static void set_outcome(struct http_transfer *transfer, CURLcode code) {
	struct http_exchange *exchange = transfer->exchange;
	const char *detail = transfer->error_text[0] != '\0' ? transfer->error_text : curl_easy_strerror(code);
	struct str encoding;
	if (transfer->encoding_bad) {
		(void)encoding_is_good(exchange, &encoding);
		http_exchange_fail(exchange, HTTP_FAILURE_ENCODING, "unsupported content encoding: \"%.*s\"",
				   STR_ARG(encoding));
	} else if (exchange->reply_too_large) {
		return; // the reply counts as received
	} else if (exchange->reply_headers.overflow) {
		http_exchange_fail(exchange, HTTP_FAILURE_OTHER, "the reply's headers are too large");
	} else if (code != CURLE_OK) {
		http_exchange_fail(exchange, classify(transfer, code), "%s", detail);
	} else if (!transfer->headers_done) {
		http_exchange_fail(exchange, HTTP_FAILURE_OTHER, "unexpected EOF");
	} else {
		decode_reply(exchange);
	}
}

// A kept connection that the app had closed: the request never got a reply, so it goes out once more on a new one.
// libcurl does this by itself, except when it notices only while sending.
static bool is_stale_connection(const struct http_transfer *transfer, CURLcode code) {
	if (transfer->retried || transfer->exchange->status != 0) return false;
	if (code != CURLE_SEND_ERROR && code != CURLE_RECV_ERROR && code != CURLE_GOT_NOTHING) return false;
	long connects = 0;
	curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connects);
	return connects == 0;
}

void http_transfer_finish(struct http_transfer *transfer, CURLcode code) {
	curl_multi_remove_handle(transfer->client->multi, transfer->easy);
	http_timing_add(transfer);
	if (transfer->headers_done && transfer->following) {
		if (transfer_redirect(transfer))
			transfer_send(transfer);
		else
			transfer_complete(transfer);
		return;
	}
	if (is_stale_connection(transfer, code)) {
		transfer->retried = true;
		curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
		transfer_send(transfer);
		return;
	}
	set_outcome(transfer, code);
	transfer_complete(transfer);
}

void http_transfer_end_all(struct http_client *client) {
	struct list *node;
	while ((node = list_pop_front(&client->active)) != NULL) {
		struct http_transfer *transfer = list_entry(node, struct http_transfer, link);
		curl_multi_remove_handle(client->multi, transfer->easy);
		http_exchange_fail(transfer->exchange, HTTP_FAILURE_CLOSED, "shutting down");
		transfer_complete(transfer);
	}
	while ((node = list_pop_front(&client->spare)) != NULL)
		transfer_free(list_entry(node, struct http_transfer, link));
	client->spare_count = 0;
}
