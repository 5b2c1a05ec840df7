// The bodies of REST v2: names, types, what is required.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/check.h"
#include "model/limits.h"
#include "model/v2_body.h"

#define NOW 1700000000123ull

static const struct ulid id = {{0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x7b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}};
#define ID_TEXT "01HF7YAT3V041061050R3GG28A"
static const struct uuid function_id = {{0x12, 0x34}};
#define FUNCTION "12340000-0000-0000-0000-000000000000"

struct fixture {
	struct arena arena;
	struct v2_refusal refusal;
	struct v2_rerun rerun;
	struct v2_invoke invoke;
	struct event event;
};

static int setup(void **state) {
	*state = mem_calloc(1, sizeof(struct fixture));
	return 0;
}
static int teardown(void **state) {
	struct fixture *fixture = *state;
	payload_unref(fixture->rerun.input);
	event_release(&fixture->invoke.event);
	event_release(&fixture->event);
	arena_free(&fixture->arena);
	memset(fixture, 0, sizeof *fixture);
	return 0;
}
static int free_state(void **state) {
	teardown(state);
	free(*state);
	return 0;
}

typedef enum err parse_fn(struct fixture *fixture, struct str body);

static enum err parse_cancel(struct fixture *fixture, struct str body) {
	return v2_cancel_parse(&fixture->arena, body, &fixture->refusal);
}
static enum err parse_rerun(struct fixture *fixture, struct str body) {
	return v2_rerun_parse(&fixture->arena, body, &fixture->rerun, &fixture->refusal);
}
static enum err parse_invoke(struct fixture *fixture, struct str body) {
	return v2_invoke_parse(&fixture->arena, body, &function_id, &id, NOW, &fixture->invoke, &fixture->refusal);
}
static enum err parse_event(struct fixture *fixture, struct str body) {
	return v2_event_parse(&fixture->arena, body, &id, NOW, &fixture->event, &fixture->refusal);
}

// `text` NULL: any.
static void refuses(void **state, parse_fn *parse, const char *body, int status, const char *code, const char *text) {
	struct fixture *fixture = *state;
	teardown(state);
	if (parse(fixture, str_from_cstr(body)) == ERR_OK) fail_msg("taken: %s", body);
	const struct v2_refusal *refusal = &fixture->refusal;
	if (refusal->status != status || strcmp(refusal->code, code) != 0 || refusal->text.len == 0 ||
	    (text != NULL && !str_eq_cstr(refusal->text, text))) {
		fail_msg("%s\ngave %d %s %.*s", body, refusal->status, refusal->code, STR_ARG(refusal->text));
	}
}

static struct fixture *takes(void **state, parse_fn *parse, const char *body) {
	struct fixture *fixture = *state;
	teardown(state);
	if (parse(fixture, str_from_cstr(body)) != ERR_OK) {
		fail_msg("%s\ngave %.*s", body, STR_ARG(fixture->refusal.text));
	}
	return fixture;
}

#define expect_str(s, text)                                                                    \
	do {                                                                                   \
		if (!str_eq_cstr((s), (text))) fail_msg("%.*s is not %s", STR_ARG(s), (text)); \
	} while (0)

static void names_and_types_are_exact(void **state) {
	static const struct {
		const char *body, *text;
	} cases[] = {
		{"null", "it should be an object, got null"},
		{"[]", "it should be an object, got an array"},
		{"\"\"", "it should be an object, got a string"},
		{"{\"x\":1}", "unknown field \"x\""},
		{"{\"\":null}", "unknown field \"\""},
		{"{\"RunId\":\"x\"}", "unknown field \"RunId\""},
		{"{\"runId\":\"x\",\"run_id\":\"x\"}", "duplicate field \"run_id\""},
		{"{\"runId\":null,\"runId\":null}", "duplicate field \"runId\""},
		{"{\"run_id\":7}", "invalid value for field \"run_id\": it should be a string, got a number"},
		{"{\"fromStep\":[]}", "invalid value for field \"fromStep\": it should be an object, got an array"},
		{"{\"fromStep\":{\"stepId\":[]}}",
		 "invalid value for field \"stepId\": it should be a string, got an array"},
		{"{\"fromStep\":{\"stepId\":\"a\",\"input\":{}}}",
		 "invalid value for field \"input\": it should be an array, got an object"},
		{"{", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		refuses(state, parse_rerun, cases[i].body, 400, "api_error", cases[i].text);
	// However long, a name does not make a long message.
	struct buf long_name;
	buf_init(&long_name, 100000);
	buf_lit(&long_name, "{\"");
	for (int i = 0; i < 10000; i++) buf_lit(&long_name, "\xc3\xa9");
	buf_lit(&long_name, "\":1}");
	buf_byte(&long_name, '\0');
	refuses(state, parse_cancel, long_name.ptr, 400, "api_error", NULL);
	assert_true(((struct fixture *)*state)->refusal.text.len < 100);
	buf_free(&long_name);
}

static void nothing_is_an_empty_object(void **state) {
	static const char *const bodies[] = {
		"", " \r\n\t", "{}", "{} and more", "{\"runId\":\"x\"}", "{\"run_id\":null}"};
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		takes(state, parse_cancel, bodies[i]);
		assert_false(takes(state, parse_rerun, bodies[i])->rerun.from_step);
	}
	refuses(state, parse_cancel, "{\"fromStep\":{}}", 400, "api_error", NULL);
}

static void reruns(void **state) {
	struct fixture *fixture = takes(state, parse_rerun, "{\"fromStep\":{\"stepId\":\"a\\n\"}}");
	assert_true(fixture->rerun.from_step);
	expect_str(fixture->rerun.step_id, "a\n");
	assert_null(fixture->rerun.input);
	fixture = takes(state, parse_rerun, "{\"from_step\":{\"input\":[{\"b\":1.0,\"a\":null}],\"step_id\":\"x\"}}");
	expect_str(payload_str(fixture->rerun.input), "{\"input\":[{\"a\":null,\"b\":1}]}");
	assert_false(takes(state, parse_rerun, "{\"fromStep\":null}")->rerun.from_step);
	refuses(state, parse_rerun, "{\"fromStep\":{}}", 400, "missing_field", "Step ID is required");
	refuses(state, parse_rerun, "{\"fromStep\":{\"stepId\":null,\"input\":[]}}", 400, "missing_field",
		"Step ID is required");
}

static void input_has_a_maximum(void **state) {
	struct buf body;
	buf_init(&body, 2 * V2_INPUT_MAX);
	buf_lit(&body, "{\"fromStep\":{\"stepId\":\"a\",\"input\":[1e20");
	while (body.len < V2_INPUT_MAX / 2) buf_lit(&body, ",1e20"); // written in full it is longer
	buf_lit(&body, "]}}");
	buf_byte(&body, '\0');
	refuses(state, parse_rerun, body.ptr, 413, "invalid_request", "Step input cannot exceed 4194304 bytes");
	buf_free(&body);
}

static void invocations(void **state) {
	struct fixture *fixture = takes(state, parse_invoke, "{\"data\":{\"b\":1},\"idempotencyKey\":\"abc\"}");
	expect_str(fixture->invoke.key, "11mo2jbx36f89");
	expect_str(
		payload_str(fixture->invoke.event.text),
		"{\"data\":{\"_inngest\":{\"expire\":0,\"fn_id\":\"" FUNCTION "\",\"gid\":\"\","
		"\"invoke_idempotency\":\"11mo2jbx36f89\",\"name\":\"\",\"source_app_id\":\"\",\"source_fn_id\":\"\","
		"\"source_fn_v\":0,\"type\":\"api\"},\"b\":1},\"id\":\"" ID_TEXT
		"\",\"name\":\"inngest/function.invoked\",\"ts\":1700000000123,\"user\":{}}");
	expect_str(fixture->invoke.event.invoke_fn_id, FUNCTION);
	assert_false(fixture->invoke.event.stable_id);
	fixture = takes(state, parse_invoke,
			"{\"data\":{},\"idempotency_key\":\"\",\"app_id\":\"x\",\"functionId\":\"y\"}");
	assert_int_equal(fixture->invoke.key.len, 0);
	refuses(state, parse_invoke, "", 400, "missing_field", "Input data is required");
	refuses(state, parse_invoke, "{\"data\":null}", 400, "missing_field", "Input data is required");
	refuses(state, parse_invoke, "{\"data\":[]}", 400, "api_error", NULL);
	refuses(state, parse_invoke, "{\"data\":{},\"ts\":5}", 400, "api_error", "unknown field \"ts\"");
}

static void events(void **state) {
	struct fixture *fixture = takes(state, parse_event, "{\"name\":\"a\"}");
	expect_str(payload_str(fixture->event.text),
		   "{\"data\":{},\"id\":\"" ID_TEXT "\",\"name\":\"a\",\"ts\":1700000000123,\"user\":{}}");
	assert_false(fixture->event.stable_id);
	fixture = takes(state, parse_event, "{\"name\":\"a\",\"data\":null,\"id\":\"\",\"ts\":null,\"user\":null}");
	expect_str(fixture->event.data, "{}");
	fixture = takes(
		state, parse_event,
		"{\"user\":{\"u\":1},\"id\":\"mine\",\"name\":\"a\",\"data\":{\"b\":1,\"_inngest\":{},\"a\":null}}");
	expect_str(payload_str(fixture->event.text), "{\"data\":{\"a\":null,\"b\":1},\"id\":\"mine\",\"name\":\"a\","
						     "\"ts\":1700000000123,\"user\":{\"u\":1}}");
	assert_true(fixture->event.stable_id);
}

static void times_are_64_bit_integers(void **state) {
	static const char *const good[] = {"1600000000000", "\"1600000000000\"", "1600000000000.0", "1.6e12"};
	static const char *const bad[] = {"1.5",
					  "\"1.5\"",
					  "\"\"",
					  "\"2023-11-14T22:13:20Z\"",
					  "true",
					  "{}",
					  "1e300",
					  "18446744073709551615",
					  "\"9223372036854775808\""};
	char body[100];
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		(void)snprintf(body, sizeof body, "{\"name\":\"a\",\"ts\":%s}", good[i]);
		assert_int_equal(takes(state, parse_event, body)->event.ts_ms, 1600000000000);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		(void)snprintf(body, sizeof body, "{\"name\":\"a\",\"ts\":%s}", bad[i]);
		refuses(state, parse_event, body, 400, "api_error", NULL);
	}
	assert_int_equal(takes(state, parse_event, "{\"name\":\"a\",\"ts\":0}")->event.ts_ms, NOW);
	refuses(state, parse_event, "{\"name\":\"a\",\"ts\":-1}", 400, "validation_error",
		"timestamp is before Jan 1, 1980");
	refuses(state, parse_event, "{\"name\":\"a\",\"ts\":\"9000000000000000000\"}", 400, "validation_error",
		"timestamp is after Jan 1, 2100");
}

static void bad_events_are_refused_in_order(void **state) {
	char body[V2_EVENT_NAME_MAX + 100];
	refuses(state, parse_event, "{\"ts\":1}", 400, "missing_field", "Event name is required");
	refuses(state, parse_event, "{\"name\":\"INNGEST/a\",\"ts\":1}", 400, "invalid_field_format",
		"event name is reserved for internal use: INNGEST/a");
	refuses(state, parse_event, "{\"name\":\"a\",\"meta\":{}}", 400, "api_error", "unknown field \"meta\"");
	(void)snprintf(body, sizeof body, "{\"name\":\"%0*d\"}", (int)V2_EVENT_NAME_MAX, 0);
	assert_int_equal(takes(state, parse_event, body)->event.name.len, V2_EVENT_NAME_MAX);
	(void)snprintf(body, sizeof body, "{\"name\":\"inngest/%0*d\",\"ts\":1}", (int)V2_EVENT_NAME_MAX, 0);
	refuses(state, parse_event, body, 400, "invalid_field_format", "Event name cannot exceed 512 characters");
}

static void stored_event_has_a_maximum(void **state) {
	struct buf body;
	buf_init(&body, 2 * EVENT_SIZE_MAX);
	for (int times = 1; times <= 2; times++) {
		// Three times as long when it is written in full, then more than may be written at all.
		buf_clear(&body);
		buf_lit(&body, "{\"name\":\"a\",\"data\":{\"a\":[1e20");
		while (body.len < EVENT_SIZE_MAX * (times == 1 ? 0.5 : 1.99)) {
			buf_str(&body, times == 1 ? STR(",1e20") : STR(",1e20,1e19,1e18"));
		}
		buf_lit(&body, "]}}");
		buf_byte(&body, '\0');
		refuses(state, parse_event, body.ptr, 400, "validation_error",
			"Event payload cannot exceed 3145728 bytes");
	}
	buf_free(&body);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, free_state)
	const struct CMUnitTest tests[] = {
		TEST(names_and_types_are_exact),
		TEST(nothing_is_an_empty_object),
		TEST(reruns),
		TEST(input_has_a_maximum),
		TEST(invocations),
		TEST(events),
		TEST(times_are_64_bit_integers),
		TEST(bad_events_are_refused_in_order),
		TEST(stored_event_has_a_maximum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
