#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json.h"
#include "call_helper.h"
#include "model/limits.h"
#include "trace/ids.h"

static enum err load(void *context, uint8_t kind, struct str key, struct payload **out, struct error *error) {
	(void)context;
	if (kind == RECORD_RUN) {
		*out = payload_new(STR("[{\"id\":\"1\"},{\"id\":\"2\"}]"));
		return ERR_OK;
	}
	if (key.len == 1 && key.ptr[0] == 'x') return error_set(error, ERR_NOT_FOUND, "no such record");
	if (key.len == 1 && key.ptr[0] == 'y') return error_set(error, ERR_IO, "disk on fire");
	*out = payload_new(STR("{\"data\":\"loaded\"}"));
	return ERR_OK;
}

static const struct driver_config config = {.load = load};
static const uint64_t now_ms = 1795247902496;

static void build(const struct driver_config *with, struct call *call, struct http_exchange *out) {
	struct error error = {.message = ""};
	http_exchange_init(out);
	assert_int_equal(call_request_build(with, call, now_ms, out, &error), ERR_OK);
}

static void build_error(struct call *call, enum err expected, const char *text) {
	struct http_exchange exchange;
	struct error error = {.message = ""};
	http_exchange_init(&exchange);
	assert_int_equal(call_request_build(&config, call, now_ms, &exchange, &error), expected);
	assert_string_equal(error.message, text);
	http_exchange_clear(&exchange);
	call_free(call);
}

static void expect_canonical(const struct http_exchange *exchange) {
	struct buf out;
	struct error error;
	buf_init(&out, 64u << 20);
	assert_int_equal(json_canonicalise(&out, buf_view(&exchange->body), &error), ERR_OK);
	assert_int_equal(out.len, exchange->body.len);
	assert_memory_equal(out.ptr, exchange->body.ptr, out.len);
	buf_free(&out);
}

static void expect_body(struct http_exchange *exchange, const char *expected) {
	buf_byte(&exchange->body, '\0');
	assert_string_equal(exchange->body.ptr, expected);
	exchange->body.len--;
}

static bool has_header(const struct http_exchange *exchange, const char *line) {
	struct str rest = buf_view(&exchange->headers), found;
	while (str_cut(rest, '\n', &found, &rest)) {
		if (str_eq_cstr(found, line)) return true;
	}
	return false;
}

static void whole_request(void **state) {
	(void)state;
	struct call *call = call_make("http://localhost:3000/api/inngest?stepId=step&fnId=app-hello#x", 2);
	struct http_exchange exchange;
	call_set_step(call, 0, "e9d71f", "{\"data\":2}");
	call_set_step(call, 1, "86f7e4", "{\"data\":{\"x\":1}}");
	call->stack_current = 2;
	build(&config, call, &exchange);
	assert_string_equal(exchange.method, "POST");
	assert_string_equal(exchange.url, "http://localhost:3000/api/inngest?fnId=app-hello&stepId=step");
	char job[BASE36_LEN + 1], expected[4096], line[512];
	base36_text(call->job_hash, job);
	struct buf item;
	buf_init(&item, 100);
	buf_printf(&item, "%s::default", job);
	struct buf encoded;
	buf_init(&encoded, 100);
	base64_append(&encoded, buf_view(&item), true);
	// The request id: time, then the first 10 bytes of SHA-256("<job>:<generation>").
	struct buf seed;
	uint8_t digest[32];
	buf_init(&seed, 100);
	buf_printf(&seed, "%s:2", job);
	hash_sha256(buf_view(&seed), digest);
	struct ulid request = ulid_make(now_ms, digest);
	char request_id[ULID_TEXT_LEN + 1];
	ulid_text(&request, request_id);
	snprintf(expected, sizeof expected,
		 "{\"ctx\":{\"attempt\":1,\"disable_immediate_execution\":false,\"env\":\"\",\"fn_id\":\"" CALL_FUNCTION
		 "\",\"generation_id\":2,\"job_id\":\"%s\",\"max_attempts\":5,\"qi_id\":\"%.*s\",\"request_id\":\"%s\","
		 "\"run_id\":\"" CALL_RUN "\",\"stack\":{\"current\":2,\"stack\":[\"e9d71f\",\"86f7e4\"]},"
		 "\"step_id\":\"step\",\"use_api\":false},\"defers\":{},\"event\":" CALL_EVENT
		 ",\"events\":[" CALL_EVENT "],\"steps\":{\"86f7e4\":{\"data\":{\"x\":1}},\"e9d71f\":{\"data\":2}},"
		 "\"use_api\":false,\"version\":1}",
		 job, STR_ARG(buf_view(&encoded)), request_id);
	expect_body(&exchange, expected);
	expect_canonical(&exchange);
	assert_true(has_header(&exchange, "User-Agent: Inngest"));
	assert_true(has_header(&exchange, "Content-Type: application/json"));
	assert_true(has_header(&exchange, "Account-Id: " ACCOUNT_ID));
	assert_true(has_header(&exchange, "X-Run-Id: " CALL_RUN));
	assert_true(has_header(&exchange, "X-Inngest-Generation-Id: 2"));
	assert_true(has_header(&exchange, "X-Inngest-Req-Version: 1"));
	assert_true(has_header(&exchange, "X-Inngest-Step-Id: step"));
	snprintf(line, sizeof line, "X-Request-Id: %s", request_id);
	assert_true(has_header(&exchange, line));
	snprintf(line, sizeof line, "X-Inngest-Job-Id: %s", job);
	assert_true(has_header(&exchange, line));
	char parent[100];
	struct span_id span = span_id_execution(&call->run_id, call->job_hash, 1);
	snprintf(parent, sizeof parent, "00-b121a60e3d546423982561ed81a7b13b-%s-01", span.text);
	snprintf(line, sizeof line, "Traceparent: %s", parent);
	assert_true(has_header(&exchange, line));
	snprintf(line, sizeof line,
		 "Tracestate: "
		 "inngest@traceref=%%7B%%22tp%%22%%3A%%22%s%%22%%2C%%22ts%%22%%3A%%22%%22%%7D,inngest@fn=" CALL_FUNCTION
		 ",inngest@app=" CALL_APP,
		 parent);
	assert_true(has_header(&exchange, line));
	assert_true(str_find_str(buf_view(&exchange.headers), STR("X-Inngest-Signature")) < 0);
	buf_free(&item);
	buf_free(&encoded);
	buf_free(&seed);
	http_exchange_clear(&exchange);
	call_free(call);
}

static void targeted_request(void **state) {
	(void)state;
	struct call *call = call_make("http://x/?token=a%20b", 0);
	struct http_exchange exchange;
	call->target = arena_dup(&call->arena, STR("86f7e4"));
	call->request_version = -1;
	call->disable_immediate_execution = true;
	build(&config, call, &exchange);
	assert_string_equal(exchange.url, "http://x/?stepId=86f7e4&token=a+b");
	assert_true(has_header(&exchange, "X-Inngest-Step-Id: 86f7e4"));
	assert_true(has_header(&exchange, "X-Inngest-Req-Version: -1"));
	struct str body = buf_view(&exchange.body);
	assert_true(str_find_str(body, STR("\"step_id\":\"step\"")) > 0);
	assert_true(str_find_str(body, STR("\"disable_immediate_execution\":true")) > 0);
	assert_true(str_find_str(body, STR("\"stack\":{\"current\":0,\"stack\":[]}")) > 0);
	assert_true(str_ends_with(body, STR(",\"steps\":{},\"use_api\":false,\"version\":-1}")));
	expect_canonical(&exchange);
	http_exchange_clear(&exchange);
	call_free(call);
}

static void odd_step_ids(void **state) {
	(void)state;
	// In UTF-16 order: a quote, "a", U+D55C, U+1F600 (a surrogate pair), U+FF01.
	static const char *const ids[] = {"\xef\xbc\x81", "\xf0\x9f\x98\x80", "a\x01\n", "\xed\x95\x9c", "a", "\"\\"};
	struct call *call = call_make("http://x/", ARRAY_LEN(ids));
	struct http_exchange exchange;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) call_set_step(call, i, ids[i], "null");
	build(&config, call, &exchange);
	expect_canonical(&exchange);
	http_exchange_clear(&exchange);
	call_free(call);
	call = call_make("http://x/", 0);
	call->target = arena_dup(&call->arena, STR("a\r\nX-Evil: 1"));
	build_error(call, ERR_INVALID, "invalid header field value for \"X-Inngest-Step-Id\"");
}

static void signed_request(void **state) {
	(void)state;
	struct driver_config signing = config;
	signing.signing_key = STR("signkey-prod-0123456789abcdef");
	struct call *call = call_make("http://x/", 0);
	struct http_exchange exchange;
	uint8_t mac[32];
	char hex[65], line[128];
	build(&signing, call, &exchange);
	hash_hmac_sha256(STR("0123456789abcdef"), buf_view(&exchange.body), STR("1795247902"), mac);
	hex_text(mac, sizeof mac, hex);
	snprintf(line, sizeof line, "X-Inngest-Signature: t=1795247902&s=%s", hex);
	assert_true(has_header(&exchange, line));
	http_exchange_clear(&exchange);
	call_free(call);
}

static void payloads_from_the_store(void **state) {
	(void)state;
	struct call *call = call_make("http://x/", 2);
	struct http_exchange exchange;
	call_set_step(call, 0, "b", "{\"data\":1}");
	call->steps[1] = (struct call_step){.id = STR("a"), .value = {.kind = RECORD_STEP, .key_len = 1, .key = "z"}};
	payload_unref(call->events.data);
	call->events = (struct payload_ref){.kind = RECORD_RUN, .key_len = 16};
	call->first_event_len = sizeof "{\"id\":\"1\"}" - 1;
	build(&config, call, &exchange);
	assert_true(str_find_str(buf_view(&exchange.body),
				 STR("\"event\":{\"id\":\"1\"},\"events\":[{\"id\":\"1\"},{\"id\":\"2\"}],"
				     "\"steps\":{\"a\":{\"data\":\"loaded\"},\"b\":{\"data\":1}}")) > 0);
	expect_canonical(&exchange);
	http_exchange_clear(&exchange);
	call->steps[1].value.key[0] = 'x';
	build_error(call, ERR_NOT_FOUND,
		    "state and stack mismatch: step a has no saved value; the function has probably ended");
	call = call_make("http://x/", 1);
	call->steps[0] = (struct call_step){.id = STR("a"), .value = {.kind = RECORD_STEP, .key_len = 1, .key = "y"}};
	build_error(call, ERR_IO, "disk on fire");
	call = call_make("http://x/", 0);
	call->first_event_len = 1000;
	build_error(call, ERR_CORRUPT, "the run's events are shorter than they should be");
}

static struct payload *filler(size_t size) {
	struct payload *payload = payload_alloc(size);
	memset(payload->bytes, 'x', size);
	payload->bytes[0] = payload->bytes[size - 1] = '"';
	return payload;
}

static void large_state_is_left_to_the_api(void **state) {
	(void)state;
	struct call *call = call_make("http://x/", 1);
	struct http_exchange exchange;
	call->steps[0] = (struct call_step){.id = STR("a"), .value = {.kind = RECORD_STEP, .key_len = 1, .key = "x"}};
	call->state_bytes = CALL_STATE_EMBED_MAX + 1; // the step is not even fetched
	build(&config, call, &exchange);
	struct str body = buf_view(&exchange.body);
	assert_true(str_find_str(body, STR("\"stack\":[\"a\"]")) > 0);
	assert_true(str_find_str(body, STR("\"event\":" CALL_EVENT ",\"events\":[" CALL_EVENT "],\"steps\":{}")) > 0);
	assert_true(str_find_str(body, STR("\"step_id\":\"step\",\"use_api\":true}")) > 0);
	assert_true(str_ends_with(body, STR("\"use_api\":true,\"version\":1}")));
	http_exchange_clear(&exchange);
	call_free(call);
}

static void large_request_loses_its_events(void **state) {
	(void)state;
	struct call *call = call_make("http://x/", 1);
	struct http_exchange exchange;
	call->steps[0].id = STR("a");
	call->steps[0].value.data = filler(CALL_REQUEST_MAX - 100);
	call->state_bytes = CALL_STATE_EMBED_MAX;
	build(&config, call, &exchange);
	struct str body = buf_view(&exchange.body);
	assert_true(str_find_str(body, STR("\"event\":" CALL_EVENT ",\"events\":[],\"steps\":{},\"use_api\":true")) >
		    0);
	expect_canonical(&exchange);
	http_exchange_clear(&exchange);
	call_free(call);
}

static void largest_request_is_sent_whole(void **state) {
	(void)state;
	struct http_exchange exchange;
	struct call *call = call_make("http://x/", 1);
	call->steps[0].id = STR("a");
	call->steps[0].value.data = filler(100000);
	build(&config, call, &exchange);
	size_t rest = CALL_REQUEST_MAX - exchange.body.len + 100000;
	http_exchange_clear(&exchange);
	for (size_t extra = 0; extra < 2; extra++) {
		payload_unref(call->steps[0].value.data);
		call->steps[0].value.data = filler(rest + extra);
		build(&config, call, &exchange);
		assert_int_equal(exchange.body.len == CALL_REQUEST_MAX, extra == 0);
		assert_int_equal(str_find_str(buf_view(&exchange.body), STR("\"use_api\":true")) > 0, extra == 1);
		http_exchange_clear(&exchange);
	}
	call_free(call);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_request),
		cmocka_unit_test(targeted_request),
		cmocka_unit_test(odd_step_ids),
		cmocka_unit_test(signed_request),
		cmocka_unit_test(payloads_from_the_store),
		cmocka_unit_test(large_state_is_left_to_the_api),
		cmocka_unit_test(large_request_loses_its_events),
		cmocka_unit_test(largest_request_is_sent_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
