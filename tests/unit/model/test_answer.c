// Answers: status table, headers, stream envelope, body forms (spec 02 §4).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "model/answer.h"
#include "model/limits.h"
#include "text_asserts.h"

#define NOW 1795249333896ull
#define BASE 1795249333000ull
#define SDK "inngest-js:v4.24.0"
#define NOT_SDK "The response did not come from an Inngest SDK"

struct fixture {
	struct arena arena;
	struct answer_header headers[8];
	size_t header_count;
	struct answer answer;
};

static int setup(void **state) {
	struct fixture *f = mem_calloc(1, sizeof(*f));
	arena_init(&f->arena, 4096);
	*state = f;
	return 0;
}

static int teardown(void **state) {
	struct fixture *f = *state;
	answer_release(&f->answer);
	arena_free(&f->arena);
	free(f);
	return 0;
}

static void header(struct fixture *f, const char *name, const char *value) {
	f->headers[f->header_count++] = (struct answer_header){str_from_cstr(name), str_from_cstr(value)};
}

// Reads a reply with the headers so far and forgets them.
static const struct answer *read_str(struct fixture *f, int status, struct str body) {
	answer_release(&f->answer);
	const struct http_reply reply = {
		.status = status, .headers = f->headers, .header_count = f->header_count, .body = body};
	answer_read(&f->arena, &reply, NOW, &f->answer);
	f->header_count = 0;
	return &f->answer;
}

static const struct answer *read(struct fixture *f, int status, const char *body) {
	return read_str(f, status, str_from_cstr(body));
}

static const struct answer *read_sdk(struct fixture *f, int status, const char *body) {
	header(f, "x-inngest-sdk", SDK);
	return read(f, status, body);
}

static void assert_payload(const struct payload *payload, const char *expected) {
	if (expected == NULL) {
		assert_null(payload);
		return;
	}
	assert_non_null(payload);
	assert_text(payload_str(payload), expected);
}

static void assert_failure(const struct answer *answer, const char *error) {
	assert_int_equal(answer->kind, ANSWER_ERROR);
	assert_text(answer->error, error);
	assert_false(answer->no_retry);
	assert_int_equal(answer->retry_at_ms, 0);
	assert_non_null(answer->standard_error);
	assert_int_equal(answer->op_count, 0);
}

static void test_results(void **state) {
	struct fixture *f = *state;
	static const struct {
		int status;
		const char *body, *output;
	} cases[] = {
		{200, "{\"hi\":\"bob\",\"n\":1.0}", "{\"hi\":\"bob\",\"n\":1}"},
		{202, "{\"data\":1}", "{\"data\":1}"}, // nothing is unwrapped
		{204, "", NULL},
		{299, " null ", "null"},
		{200, "[1, 2]", "[1,2]"},
		{200, "\"text\"", "\"text\""},
		{200, "\"{\\\"b\\\":1,\\\"a\\\":2}\"", "{\"a\":2,\"b\":1}"},
		{200, "\"{not json}\"", "\"{not json}\""},
		{200, "\"[1]\"", "\"[1]\""},
		{200, "plain \"text\"\n", "\"plain \\\"text\\\"\\n\""},
		{200, "{\"a\":", "\"{\\\"a\\\":\""},
		{200, "\xff\xfe!", "\"\xEF\xBF\xBD\xEF\xBF\xBD!\""},
		{200, " ", "\" \""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct answer *answer = read_sdk(f, cases[i].status, cases[i].body);
		assert_int_equal(answer->kind, ANSWER_RESULT);
		assert_int_equal(answer->status, cases[i].status);
		assert_payload(answer->output, cases[i].output);
		assert_null(answer->standard_error);
		assert_int_equal(answer->error.len, 0);
	}
}

static void test_opcodes(void **state) {
	struct fixture *f = *state;
	header(f, "X-Inngest-Req-Version", "2");
	header(f, "X-Inngest-No-Retry", "true");
	header(f, "Retry-After", "2");
	const struct answer *answer =
		read_sdk(f, 206, "[{\"id\":\"a\",\"op\":\"StepError\",\"error\":{\"name\":\"E\",\"message\":\"m\"}}]");
	assert_int_equal(answer->kind, ANSWER_OPCODES);
	assert_int_equal(answer->request_version, 2);
	assert_true(answer->no_retry);
	assert_int_equal(answer->retry_at_ms, BASE + 2000);
	assert_int_equal(answer->op_count, 1);
	assert_payload(answer->ops[0].output, "{\"error\":{\"message\":\"m\",\"name\":\"E\",\"noRetry\":true}}");
	assert_null(answer->output);
	assert_null(answer->standard_error);

	// Trouble with the opcodes is retried, whatever the headers say.
	header(f, "X-Inngest-Req-Version", "2");
	header(f, "X-Inngest-No-Retry", "true");
	header(f, "Retry-After", "2");
	answer = read_sdk(f, 206, "[{\"op\":\"StepNotFound\"}]");
	assert_failure(answer, "StepNotFound does not belong to Opcode values");
	assert_int_equal(answer->status, 206);
	assert_int_equal(answer->request_version, 2);
	assert_payload(answer->standard_error, "{\"error\":\"StepNotFound does not belong to Opcode values\","
					       "\"message\":\"StepNotFound does not belong to Opcode values\","
					       "\"name\":\"Error\"}");
	assert_failure(read_sdk(f, 206, ""), "no response data");
	assert_failure(read_sdk(f, 206, "<html>"), "expected JSON object or array");

	header(f, "X-Inngest-No-Retry", "true");
	assert_failure(read(f, 206, "[{\"op\":\"StepRun\",\"id\":\"a\"}]"), NOT_SDK);
}

static void test_request_version(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *text;
		int version;
	} cases[] = {{"1", 1}, {"+2", 2}, {"-1", -1}, {" 2 ", 2}, {"", 0}, {"x", 0}, {"2.0", 0}, {"99999999999", 0}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		header(f, "x-inngest-req-version", cases[i].text);
		assert_int_equal(read_sdk(f, 200, "1")->request_version, cases[i].version);
	}
	assert_int_equal(read_sdk(f, 200, "1")->request_version, 0);
	// Of doubled headers the first counts.
	header(f, "x-inngest-req-version", "1");
	header(f, "X-INNGEST-REQ-VERSION", "2");
	assert_int_equal(read_sdk(f, 200, "1")->request_version, 1);
}

static void test_status_errors(void **state) {
	struct fixture *f = *state;
	const struct answer *answer = read_sdk(f, 500, "{\"name\":\"MyErr\",\"message\":\"boom\"}");
	assert_failure(answer, "invalid status code: 500");
	assert_payload(answer->output, "{\"message\":\"boom\",\"name\":\"MyErr\"}");
	assert_payload(answer->standard_error,
		       "{\"error\":\"invalid status code: 500\",\"message\":\"boom\",\"name\":\"MyErr\"}");

	assert_failure(read_sdk(f, 404, ""), "invalid status code: 404");
	assert_payload(f->answer.output, NULL);
	assert_failure(read_sdk(f, 301, ""), "invalid status code: 301");
	assert_failure(read_sdk(f, 101, ""), "invalid status code: 101");

	// Old SDKs meant every 4xx as final.
	header(f, "x-inngest-sdk", "inngest-js:v1.9.0");
	answer = read(f, 404, "{}");
	assert_true(answer->no_retry);
	assert_text(answer->error, "NonRetriableError");
}

static void test_no_retry(void **state) {
	struct fixture *f = *state;
	header(f, "x-inngest-no-retry", "true");
	const struct answer *answer = read_sdk(f, 400, "{\"name\":\"Error\",\"message\":\"stop\"}");
	assert_int_equal(answer->kind, ANSWER_ERROR);
	assert_true(answer->no_retry);
	assert_payload(answer->standard_error,
		       "{\"error\":\"NonRetriableError\",\"message\":\"stop\",\"name\":\"Error\"}");
	// Even a success.
	header(f, "x-inngest-no-retry", "true");
	answer = read_sdk(f, 200, "{\"a\":1}");
	assert_int_equal(answer->kind, ANSWER_ERROR);
	assert_true(answer->no_retry);
	assert_payload(answer->output, "{\"a\":1}");
	assert_payload(answer->standard_error,
		       "{\"error\":\"NonRetriableError\",\"message\":\"NonRetriableError\",\"name\":\"Error\"}");
	header(f, "x-inngest-no-retry", "false");
	assert_int_equal(read_sdk(f, 200, "1")->kind, ANSWER_RESULT);
}

static void test_retry_after(void **state) {
	struct fixture *f = *state;
	header(f, "Retry-After", "3");
	const struct answer *answer = read_sdk(f, 500, "x");
	assert_int_equal(answer->kind, ANSWER_ERROR);
	assert_text(answer->error, "invalid status code: 500");
	assert_int_equal(answer->retry_at_ms, BASE + 3000);
	header(f, "Retry-After", "3");
	answer = read_sdk(f, 200, "x");
	assert_int_equal(answer->kind, ANSWER_ERROR);
	assert_text(answer->error, "retry at");
	assert_int_equal(answer->retry_at_ms, BASE + 3000);
	header(f, "Retry-After", "0");
	assert_int_equal(read_sdk(f, 200, "x")->kind, ANSWER_RESULT);
}

static void test_not_sdk(void **state) {
	struct fixture *f = *state;
	const struct answer *answer = read(f, 200, "{\"ok\":true}");
	assert_failure(answer, NOT_SDK);
	assert_payload(answer->output, "{\"ok\":true}");
	assert_payload(answer->standard_error,
		       "{\"error\":\"" NOT_SDK "\",\"message\":\"" NOT_SDK "\",\"name\":\"Error\"}");
	header(f, "x-inngest-sdk", "  ");
	assert_failure(read(f, 200, ""), NOT_SDK);
	assert_payload(f->answer.output, NULL);
}

static void test_upstream(void **state) {
	struct fixture *f = *state;
	header(f, "Content-Type", "text/html");
	const struct answer *answer = read(f, 502, "<h1>Bad \xff Gateway</h1>");
	assert_failure(answer, "invalid status code: 502");
	struct str output = payload_str(answer->output);
	assert_true(str_eq(output, payload_str(answer->standard_error)));
	const char *message = "Your server returned HTTP 502 before the SDK responded.";
	struct str start = arena_printf(&f->arena,
					"{\"error\":\"%s\",\"message\":\"%s\",\"name\":\"Server returned a fatal "
					"error\",\"stack\":\"",
					message, message);
	assert_true(str_starts_with(output, start));
	assert_true(str_find_str(output,
				 STR("\\n\\nUpstream response (text/html):\\n<h1>Bad \xEF\xBF\xBD Gateway</h1>\"}")) >
		    0);

	answer = read(f, 404, "");
	assert_true(str_find_str(payload_str(answer->output), STR("Upstream response")) < 0);
	answer = read(f, 404, "x");
	assert_true(str_find_str(payload_str(answer->output), STR("Upstream response (unknown content-type)")) > 0);
	// A long body is cut, not within a character.
	char body[CALL_UPSTREAM_BODY_KEPT + 100];
	memset(body, 'y', sizeof(body));
	memcpy(body + CALL_UPSTREAM_BODY_KEPT - 1, "é", 2);
	answer = read_str(f, 503, str_make(body, sizeof(body)));
	assert_true(str_ends_with(payload_str(answer->output), STR("yyy\\n… (truncated)\"}")));
	assert_true(answer->output->len < CALL_UPSTREAM_BODY_KEPT + 1024);

	// A client of the SDK's own refusals does not blame somebody in front of it.
	header(f, "x-inngest-sdk-handled", "true");
	answer = read(f, 401, "{\"message\":\"bad signature\"}");
	assert_failure(answer, "invalid status code: 401");
	assert_payload(answer->output, "{\"message\":\"bad signature\"}");
}

static void test_stream(void **state) {
	struct fixture *f = *state;
	const struct answer *answer = read_sdk(
		f, 201,
		"   \n {\"status\":206,\"headers\":{\"x-inngest-sdk\":\"inngest-js:v4.24.0\",\"X-Inngest-No-Retry\":"
		"\"false\",\"retry-after\":\"2\",\"x-inngest-req-version\":\"2\"},\"body\":"
		"\"[{\\\"op\\\":\\\"StepRun\\\",\\\"id\\\":\\\"a\\\",\\\"data\\\":1}]\",\"version\":2} ");
	assert_int_equal(answer->kind, ANSWER_OPCODES);
	assert_int_equal(answer->status, 206);
	assert_int_equal(answer->request_version, 2);
	assert_int_equal(answer->retry_at_ms, BASE + 2000);
	assert_payload(answer->ops[0].output, "{\"data\":1}");

	// Raw JSON as body, headers null: the Go SDK.
	answer = read_sdk(f, 201, "{\"status\":206,\"headers\":null,\"body\":[{\"op\":\"Sleep\",\"name\":\"1s\"}]}");
	assert_int_equal(answer->kind, ANSWER_OPCODES);
	assert_text(answer->ops[0].duration, "1s");
	answer = read_sdk(f, 201, "{\"status\":200,\"body\":{\"b\":1,\"a\":2}}");
	assert_int_equal(answer->kind, ANSWER_RESULT);
	assert_payload(answer->output, "{\"a\":2,\"b\":1}");
	answer = read_sdk(f, 201, "{\"status\":200,\"body\":null}");
	assert_payload(answer->output, "null");
	answer = read_sdk(f, 201, "{\"status\":200,\"body\":\"{\\\"x\\\":1}\"}");
	assert_payload(answer->output, "{\"x\":1}");
	answer = read_sdk(f, 201, "{\"status\":200,\"body\":\"\"}");
	assert_payload(answer->output, NULL);
	answer = read_sdk(f, 201, "{\"STATUS\":201,\"Body\":5}");
	assert_int_equal(answer->kind, ANSWER_RESULT);
	assert_payload(answer->output, "5");
}

static void test_stream_headers(void **state) {
	struct fixture *f = *state;
	// The SDK may name itself inside only, and what is inside replaces what is outside.
	header(f, "x-inngest-no-retry", "true");
	const struct answer *answer = read(f, 201,
					   "{\"status\":200,\"body\":1,\"headers\":{\"X-INNGEST-SDK\":\"go\","
					   "\"x-inngest-no-retry\":\"false\",\"other\":null}}");
	assert_int_equal(answer->kind, ANSWER_RESULT);
	header(f, "x-inngest-no-retry", "true");
	answer = read_sdk(f, 201, "{\"status\":500,\"body\":\"oops\"}");
	assert_text(answer->error, "NonRetriableError");
	// Raw JSON from somebody else is shown as such.
	answer = read(f, 201, "{\"status\":502,\"body\":{\"why\":1}}");
	assert_true(str_ends_with(payload_str(answer->output), STR("{\\\"why\\\":1}\"}")));
}

static void test_stream_errors(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *body, *error;
	} cases[] = {
		{"{\"status\":200,\"error\":\"it broke\"}", "error parsing stream: it broke"},
		{"   ", "error parsing stream: error reading response body to check for status code: "
			"unexpected end of JSON input"},
		{"[1]", "error parsing stream: error reading response body to check for status code: "
			"expected a JSON object, got an array"},
		{"{\"status\":\"200\"}", "error parsing stream: error reading response body to check for status code: "
					 "status should be an integer, got a string"},
		{"{\"status\":200,\"headers\":{\"a\":1}}",
		 "error parsing stream: error reading response body to check for status code: "
		 "headers should hold strings, got a number"},
		{"{\"body\":\"x\"}", "invalid status code: 0"},
		{"null", "invalid status code: 0"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) assert_failure(read_sdk(f, 201, cases[i].body), cases[i].error);
	assert_failure(read_sdk(f, 201, "{\"status\":99999999999}"), "invalid status code: 0");
	assert_int_equal(read_sdk(f, 201, "{\"status\":200} x")->kind, ANSWER_ERROR);
}

static void assert_exchange(const struct answer *answer, uint32_t status, const char *headers, uint32_t bytes) {
	assert_int_equal(answer->exchange.status, status);
	assert_text(answer->exchange.headers, headers);
	assert_int_equal(answer->exchange.output_bytes, bytes);
	assert_int_equal(answer->exchange.total_ms, 0);
}

static void test_exchange(void **state) {
	struct fixture *f = *state;
	assert_exchange(read(f, 200, "1234"), 200, "", 4);
	assert_exchange(read_sdk(f, 500, ""), 500, "{\"X-Inngest-Sdk\":\"" SDK "\"}", 0);
	assert_exchange(read_sdk(f, 206, "[]"), 206, "{\"X-Inngest-Sdk\":\"" SDK "\"}", 2);
	// A stream: what the envelope says replaces what the reply says.
	header(f, "Date", "today");
	header(f, "set-cookie", "secret");
	header(f, "retry-after", "1");
	assert_exchange(
		read(f, 201, "{\"status\":206,\"body\":\"[]\",\"headers\":{\"x-a\":null,\"Retry-After\":\"2\"}}"), 206,
		"{\"Date\":\"today\",\"Retry-After\":\"2\",\"Set-Cookie\":\"[REDACTED]\",\"X-A\":\"\"}", 2);
	header(f, "date", "today");
	assert_exchange(read(f, 201, "no envelope"), 201, "{\"Date\":\"today\"}", 11);
	assert_exchange(read(f, 201, "{\"status\":-1,\"body\":[]}"), 201, "", 23);
	const struct http_reply large = {.status = 200, .body = STR_INIT("{"), .body_too_large = true};
	answer_release(&f->answer);
	answer_read(&f->arena, &large, NOW, &f->answer);
	assert_exchange(&f->answer, 200, "", 1);
}

static void test_failures(void **state) {
	struct fixture *f = *state;
	const struct http_reply large = {.status = 200, .body = STR_INIT("{"), .body_too_large = true};
	answer_read(&f->arena, &large, NOW, &f->answer);
	assert_failure(&f->answer, "output_too_large");
	const char *message = "Your function's response body exceeds the maximum size limit";
	assert_text(payload_str(f->answer.standard_error),
		    arena_printf(&f->arena,
				 "{\"error\":\"output_too_large\",\"message\":\"%s\",\"name\":"
				 "\"output_too_large\"}",
				 message)
			    .ptr);
	assert_text(payload_str(f->answer.output),
		    arena_printf(&f->arena,
				 "{\"error\":\"output_too_large: %s\",\"message\":\"%s\",\"name\":"
				 "\"output_too_large\"}",
				 message, message)
			    .ptr);
	answer_release(&f->answer);

	answer_from_failure(&f->arena, (struct str){NULL, 0}, STR("Unable to reach SDK URL"), &f->answer);
	assert_failure(&f->answer, "Unable to reach SDK URL");
	assert_int_equal(f->answer.status, 0);
	assert_payload(f->answer.output, "{\"error\":\"Unable to reach SDK URL\",\"message\":"
					 "\"Unable to reach SDK URL\",\"name\":\"Error\"}");
	assert_payload(f->answer.standard_error, payload_str(f->answer.output).ptr);
	answer_release(&f->answer);

	answer_from_failure(&f->arena, (struct str){NULL, 0}, STR("bad \xc3 name"), &f->answer);
	assert_failure(&f->answer, "bad \xEF\xBF\xBD name");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_results, setup, teardown),
		cmocka_unit_test_setup_teardown(test_opcodes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_request_version, setup, teardown),
		cmocka_unit_test_setup_teardown(test_status_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_retry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retry_after, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_sdk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_upstream, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stream, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stream_headers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stream_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exchange, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
