#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "driver/lambda.h"

#define URL "http://user@127.0.0.1:9000/2015-03-31/functions/function/invocations?stepId=a+b&fnId=x&stepId=c"

static void targets(void **state) {
	(void)state;
	assert_true(lambda_is_target(STR(URL)));
	assert_false(lambda_is_target(STR("http://x/api?u=2015-03-31/functions/function/invocations")));
	assert_false(lambda_is_target(STR("http://x/api/inngest")));
	assert_false(lambda_is_target(STR("")));
}

static void wraps(void **state) {
	(void)state;
	struct http_exchange exchange;
	http_exchange_init(&exchange);
	exchange.method = "PUT";
	exchange.url = mem_strndup(URL, sizeof URL - 1);
	assert_true(http_exchange_header(&exchange, STR("X-B"), STR("two \"words\"")));
	assert_true(http_exchange_header(&exchange, STR("X-A"), STR("1")));
	assert_true(http_exchange_header(&exchange, STR("X-b"), STR("again")));
	assert_true(http_exchange_header(&exchange, STR("X-Empty"), STR("")));
	buf_lit(&exchange.body, "{\"a\":1}");
	lambda_wrap(&exchange);
	buf_byte(&exchange.body, '\0');
	assert_string_equal(exchange.method, "POST");
	assert_string_equal(
		exchange.body.ptr,
		"{\"body\":\"eyJhIjoxfQ\",\"headers\":{\"content-length\":\"7\",\"host\":\"127.0.0.1:9000\",\"x-a\":"
		"\"1\","
		"\"x-b\":\"two \\\"words\\\"\",\"x-empty\":\"\",\"x-forwarded-proto\":\"http\"},\"httpMethod\":\"PUT\","
		"\"isBase64Encoded\":true,\"multiValueHeaders\":{\"content-length\":[\"7\"],\"host\":[\"127.0.0.1:"
		"9000\"],"
		"\"x-a\":[\"1\"],\"x-b\":[\"two \\\"words\\\"\",\"again\"],\"x-empty\":[\"\"],"
		"\"x-forwarded-proto\":[\"http\"]},\"path\":\"/2015-03-31/functions/function/invocations\","
		"\"queryStringParameters\":{\"fnId\":\"x\",\"stepId\":\"a b\"}}");
	assert_true(str_eq_cstr(buf_view(&exchange.headers), "Content-Type: application/json\n"));
	http_exchange_clear(&exchange);
}

static void unwrap(struct http_exchange *exchange, const char *reply) {
	http_exchange_init(exchange);
	exchange->reply_max_bytes = exchange->reply.max_bytes = 1000;
	exchange->status = 200;
	buf_lit(&exchange->reply_headers, "Content-Type: application/json\r\n");
	buf_append(&exchange->reply, reply, strlen(reply));
	lambda_unwrap(exchange);
}

static void unwraps(void **state) {
	(void)state;
	struct http_exchange exchange;
	unwrap(&exchange, "{\"statusCode\":206,\"headers\":{\"x-inngest-sdk\":\"js:v1.2.3\",\"n\":1,\"e\\nvil\":\"x\"},"
			  "\"multiValueHeaders\":{\"x-m\":[\"1\",\"2\",3],\"y\":\"z\"},\"body\":\"[]\"}");
	assert_int_equal(exchange.status, 206);
	assert_true(str_eq_cstr(buf_view(&exchange.reply), "[]"));
	assert_true(str_eq_cstr(buf_view(&exchange.reply_headers), "x-inngest-sdk: js:v1.2.3\r\nx-m: 1\r\nx-m: 2\r\n"));
	http_exchange_clear(&exchange);
	unwrap(&exchange, "{\"statusCode\":200,\"body\":\"eyJhIjoxfQ==\",\"isBase64Encoded\":true}");
	assert_true(str_eq_cstr(buf_view(&exchange.reply), "{\"a\":1}"));
	assert_int_equal(exchange.reply_headers.len, 0);
	http_exchange_clear(&exchange);
	unwrap(&exchange, "{\"statusCode\":204}");
	assert_int_equal(exchange.status, 204);
	assert_int_equal(exchange.reply.len, 0);
	http_exchange_clear(&exchange);
}

static void leaves_other_replies(void **state) {
	(void)state;
	static const char *const replies[] = {
		"",
		"not json",
		"[]",
		"{\"errorMessage\":\"boom\"}",
		"{\"statusCode\":\"200\"}",
		"{\"statusCode\":99}",
		"{\"statusCode\":200,\"body\":\"!!\",\"isBase64Encoded\":true}",
	};
	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		struct http_exchange exchange;
		unwrap(&exchange, replies[i]);
		assert_int_equal(exchange.status, 200);
		assert_true(str_eq_cstr(buf_view(&exchange.reply), replies[i]));
		assert_true(exchange.reply_headers.len > 0);
		http_exchange_clear(&exchange);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets),
		cmocka_unit_test(wraps),
		cmocka_unit_test(unwraps),
		cmocka_unit_test(leaves_other_replies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
