#include "driver/ping.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "driver/http_internal.h"
#include "driver/lambda.h"
#include "driver/signing.h"
#include "model/limits.h"

#define PROBE_TIMEOUT_MS 2000u // 01 §3.1
#define PROBE_REDIRECTS_MAX 10
#define PING_ERROR_MAX (64u << 10)

struct ping {
	struct http_exchange exchange;
	bool lambda;
	void (*done)(void *context, const struct ping_result *result);
	void *context;
};

// ---- results (01 §4.4) ----------------------------------------------------------------------------------------

static const struct {
	int status;
	struct str error;
} by_status[] = {
	{401, STR_INIT("unauthorized")},
	{403, STR_INIT("forbidden")},
	{404, STR_INIT("url_not_found")},
	{500, STR_INIT("internal_server_error")},
};

static const struct {
	struct str text;
	bool whole; // the message is the text, not merely contains it
	struct str error;
} by_message[] = {
	{STR_INIT("Your signing key is invalid"), true, STR_INIT("invalid_signing_key")},
	{STR_INIT("No functions registered"), false, STR_INIT("no_functions")},
	{STR_INIT("function is invalid"), false, STR_INIT("invalid_function")},
	{STR_INIT("You didn't specify your workspace's signing key"), false, STR_INIT("missing_signing_key")},
	{STR_INIT("No INNGEST_ENV branch name found"), false, STR_INIT("missing_branch_env_name")},
};

static struct str message_error(struct str message) {
	for (size_t i = 0; i < ARRAY_LEN(by_message); i++) {
		bool found = by_message[i].whole ? str_eq(message, by_message[i].text)
						 : str_find_str(message, by_message[i].text) >= 0;
		if (found) return by_message[i].error;
	}
	return message;
}

// A 400 carries {"message": "…"}.
static void bad_request_error(const struct http_exchange *exchange, struct buf *out) {
	struct error error;
	yyjson_doc *doc = json_read(buf_view(&exchange->reply), false, NULL, &error);
	yyjson_val *root = yyjson_doc_get_root(doc), *message = json_get(root, STR("message"));
	if (doc == NULL)
		buf_str(out, str_from_cstr(error.message));
	else if (!yyjson_is_obj(root) && !yyjson_is_null(root))
		buf_printf(out, "json: cannot unmarshal %s into an object", yyjson_get_type_desc(root));
	else if (message != NULL && !yyjson_is_str(message) && !yyjson_is_null(message))
		buf_printf(out, "json: cannot unmarshal %s into field message of type string",
			   yyjson_get_type_desc(message));
	else
		buf_str(out, message_error(json_str(message)));
	yyjson_doc_free(doc);
}

void ping_error(const struct http_exchange *exchange, struct buf *out) {
	switch (exchange->failure) {
	case HTTP_FAILURE_NONE:
	case HTTP_FAILURE_ENCODING: // the status stands; the body is as good as none
		break;
	case HTTP_FAILURE_RECV: // so does it when only the body broke
		if (exchange->status != 400) break;
		buf_str(out, STR("unreachable"));
		return;
	case HTTP_FAILURE_CLOSED:
		return;
	case HTTP_FAILURE_URL:
		buf_str(out, str_from_cstr(exchange->failure_text));
		return;
	case HTTP_FAILURE_PROTOCOL:
		buf_str(out, STR("unsupported_protocol"));
		return;
	default:
		buf_str(out, STR("unreachable"));
		return;
	}
	if (exchange->status == 400) bad_request_error(exchange, out);
	for (size_t i = 0; i < ARRAY_LEN(by_status); i++) {
		if (by_status[i].status == exchange->status) buf_str(out, by_status[i].error);
	}
}

// ---- sending --------------------------------------------------------------------------------------------------

static void on_done(struct http_exchange *exchange) {
	struct ping *ping = exchange->context;
	if (ping->lambda) lambda_unwrap(exchange);
	struct buf text;
	buf_init(&text, PING_ERROR_MAX);
	ping_error(exchange, &text);
	struct ping_result result = {
		.error = buf_view(&text),
		.is_sdk = http_exchange_reply_header(exchange, STR("X-Inngest-SDK")).len > 0,
		.cancelled = exchange->failure == HTTP_FAILURE_CLOSED,
	};
	ping->done(ping->context, &result);
	buf_free(&text);
	http_exchange_clear(exchange);
	free(ping);
}

static struct ping *ping_new(struct str url, void (*done)(void *context, const struct ping_result *result),
			     void *context) {
	struct ping *ping = mem_calloc(1, sizeof *ping);
	struct http_exchange *exchange = &ping->exchange;
	ping->done = done;
	ping->context = context;
	http_exchange_init(exchange);
	exchange->url = str_to_cstr(url);
	exchange->done = on_done;
	exchange->context = ping;
	exchange->reply_max_bytes = PING_BODY_MAX;
	(void)http_exchange_header(exchange, STR("User-Agent"), STR("inngest-c/" INNGEST_VERSION));
	return ping;
}

static void sign(struct http_exchange *exchange, struct str signing_key) {
	struct buf signature;
	buf_init(&signature, 256);
	signature_append(&signature, signing_key, buf_view(&exchange->body), clock_wall_ms() / 1000);
	(void)http_exchange_header(exchange, STR("X-Inngest-Signature"), buf_view(&signature));
	buf_free(&signature);
}

void ping_send(struct http_client *client, struct str url, const char *server_kind, struct str signing_key,
	       void (*done)(void *context, const struct ping_result *result), void *context) {
	struct ping *ping = ping_new(url, done, context);
	struct http_exchange *exchange = &ping->exchange;
	exchange->method = "PUT";
	exchange->timeout_ms = exchange->connect_timeout_ms = PING_TIMEOUT_MS;
	exchange->keep_method_on_redirect = true;
	exchange->redirects_max = CALL_REDIRECTS_MAX;
	buf_lit(&exchange->body, "{\"url\":");
	buf_json_str(&exchange->body, url);
	buf_byte(&exchange->body, '}');
	(void)http_exchange_header(exchange, STR("Content-Type"), STR("application/json"));
	(void)http_exchange_header(exchange, STR("X-Inngest-Server-Kind"), str_from_cstr(server_kind));
	if (signing_key.len > 0) sign(exchange, signing_key);
	ping->lambda = lambda_is_target(url);
	if (ping->lambda) lambda_wrap(exchange);
	http_client_start(client, exchange);
}

void probe_send(struct http_client *client, struct str url,
		void (*done)(void *context, const struct ping_result *result), void *context) {
	struct ping *ping = ping_new(url, done, context);
	ping->exchange.timeout_ms = ping->exchange.connect_timeout_ms = PROBE_TIMEOUT_MS;
	ping->exchange.redirects_max = PROBE_REDIRECTS_MAX;
	http_client_start(client, &ping->exchange);
}
