// POST /v2/apps/{app}/functions/{function}/invoke.
#include "v2_fixture.h"

static const struct uuid app_id = {{1}}, other_app_id = {{9}};

static void write_history(struct history_writer *writer, uint64_t now_ms) {
	static const struct uuid hello = {{2}}, prefixed = {{3}}, other = {{4}}, foreign = {{5}};
	write_app(writer, now_ms, &app_id, "shop");
	write_app(writer, now_ms, &other_app_id, "my/app");
	write_function(writer, now_ms, &app_id, &hello, "shop-hello");
	write_function(writer, now_ms, &app_id, &prefixed, "shop-shop-hello");
	write_function(writer, now_ms, &app_id, &other, "shop-other");
	write_function(writer, now_ms, &other_app_id, &foreign, "my/app-fn");
}

static int setup(void **state) {
	struct fixture *fixture = history_fixture_start(write_history);
	fixture->engine = engine_notes;
	*state = fixture;
	return 0;
}
static int teardown(void **state) {
	history_fixture_stop(*state);
	return 0;
}
static int reset(void **state) {
	(void)state;
	commands = 0;
	answer.kind = REPLY_STARTED;
	answer.status = 200;
	answer.code = answer.text = NULL;
	(void)ulid_parse(STR("01JQDAE4RQF8MBCR55T5AK4KXT"), &answer.run_id);
	return 0;
}

static struct http invoke(void **state, const char *app, const char *function, const char *body) {
	char path[200];
	(void)snprintf(path, sizeof path, "/v2/apps/%s/functions/%s/invoke", app, function);
	return call(*state, "POST", path, body);
}

#define STARTED "{\"runId\":\"01JQDAE4RQF8MBCR55T5AK4KXT\"}"

static void function_is_found_by_both_its_names(void **state) {
	struct fixture *fixture = *state;
	static const struct {
		const char *app, *function, *uuid;
	} cases[] = {
		{"shop", "hello", "02000000-0000-0000-0000-000000000000"},
		// The id within the app goes before the full slug.
		{"shop", "shop-hello", "03000000-0000-0000-0000-000000000000"},
		{"shop", "shop-other", "04000000-0000-0000-0000-000000000000"},
		{"my%2Fapp", "fn", "05000000-0000-0000-0000-000000000000"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http http = invoke(state, cases[i].app, cases[i].function, "{\"data\":{}}");
		assert_data(http, 200, STARTED);
		char start[100];
		(void)snprintf(start, sizeof start, "start %s new {\"data\":{\"_inngest\":", cases[i].uuid);
		if (strncmp(fixture->noted, start, strlen(start)) != 0) fail_msg("%s", fixture->noted);
		assert_non_null(strstr(fixture->noted, cases[i].uuid));
	}
}

static void event_of_an_invocation(void **state) {
	struct fixture *fixture = *state;
	struct http http = invoke(state, "shop", "hello",
				  "{\"idempotency_key\":\"abc\",\"appId\":\"other\",\"function_id\":\"other\","
				  "\"data\":{\"z\":null,\"_inngest\":{\"fn_id\":\"mine\"},\"A\":[1]}}");
	assert_data(http, 200, STARTED);
	// All of it but the id and the time.
	static const char start[] =
		"start 02000000-0000-0000-0000-000000000000 new key=11mo2jbx36f89 "
		"{\"data\":{\"A\":[1],\"_inngest\":{\"expire\":0,\"fn_id\":\"02000000-0000-0000-0000-000000000000\","
		"\"gid\":\"\",\"invoke_idempotency\":\"11mo2jbx36f89\",\"name\":\"\",\"source_app_id\":\"\","
		"\"source_fn_id\":\"\",\"source_fn_v\":0,\"type\":\"api\"},\"z\":null},\"id\":\"01";
	if (strncmp(fixture->noted, start, sizeof start - 1) != 0) fail_msg("%s", fixture->noted);
	const char *rest = fixture->noted + sizeof start - 3 + ULID_TEXT_LEN;
	static const char middle[] = "\",\"name\":\"inngest/function.invoked\",\"ts\":1";
	if (strncmp(rest, middle, sizeof middle - 1) != 0) fail_msg("%s", rest);
	assert_string_equal(rest + sizeof middle - 2 + 13, ",\"user\":{}}");
	// Without a key there is no hash of one.
	http = invoke(state, "shop", "hello", "{\"data\":{\"a\":1},\"idempotencyKey\":\"\"}");
	assert_data(http, 200, STARTED);
	assert_null(strstr(fixture->noted, "idempotency"));
	assert_null(strstr(fixture->noted, "key="));
}

static void same_key_again(void **state) {
	answer.status = 409;
	struct http http = invoke(state, "shop", "hello", "{\"data\":{},\"idempotencyKey\":\"k\"}");
	assert_data(http, 409, STARTED);
}

static void invocation_is_refused(void **state) {
	static const char *const no_data[] = {NULL, "{}", "{\"data\":null}", "{\"idempotencyKey\":\"k\"}"};
	for (size_t i = 0; i < ARRAY_LEN(no_data); i++) {
		struct http http = invoke(state, i % 2 == 0 ? "shop" : "nobody", "hello", no_data[i]);
		assert_reply(http, 400, V2_ERROR("missing_field", "Input data is required"));
	}
	static const char *const not_decoded[] = {"[]", "{\"data\":1}", "{\"data\":{},\"idempotencyKey\":1}",
						  "{\"data\":{},\"Data\":{}}", "{\"data\":{},\"data\":{}}"};
	for (size_t i = 0; i < ARRAY_LEN(not_decoded); i++) {
		struct http http = invoke(state, "shop", "hello", not_decoded[i]);
		assert_error_code(http, 400, "api_error");
	}
	static const char *const unknown[][2] = {{"shop", "nothing"}, {"nobody", "hello"}, {"nobody", "shop-hello"}};
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
		struct http http = invoke(state, unknown[i][0], unknown[i][1], "{\"data\":{}}");
		assert_reply(http, 404, V2_ERROR("not_found", "Function not found"));
	}
	assert_int_equal(commands, 0);
}

static void invocation_that_does_not_start(void **state) {
	static const struct {
		int status;
		const char *code;
		int expected;
		const char *reply;
	} cases[] = {
		{404, "", 404, V2_ERROR("not_found", "Function not found")},
		{422, "rate_limited", 422,
		 V2_ERROR("rate_limited", "Function execution rate limit exceeded. Please try again later.")},
		{422, "function_debounced", 422, V2_ERROR("function_debounced", "Function invocation was debounced.")},
		{422, "function_skipped", 422,
		 V2_ERROR("function_skipped",
			  "Function invocation was skipped because the function is paused or draining.")},
		{500, "", 500, V2_ERROR("internal_error", "There was an error invoking your function")},
	};
	answer.kind = REPLY_FAILED;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		answer.status = cases[i].status;
		answer.code = cases[i].code;
		struct http http = invoke(state, "shop", "hello", "{\"data\":{}}");
		assert_reply(http, cases[i].expected, cases[i].reply);
	}
}

static void no_reader(void **state) {
	struct fixture *fixture = *state;
	struct store_reader *reader = fixture->reader;
	fixture->reader = NULL;
	struct http http = invoke(state, "shop", "hello", "{\"data\":{}}");
	fixture->reader = reader;
	assert_string_equal(http_header(&http, "Retry-After"), "1");
	assert_error_code(http, 503, "internal_server_error");
}

// ---- pause and unpause, which find functions in the same way -------------------------------------------------------

static void function_is_paused(void **state) {
	struct fixture *fixture = *state;
	answer.kind = REPLY_OK;
	struct http http = call(*state, "POST", "/v2/apps/shop/functions/hello/pause", NULL);
	assert_data(http, 200, "{\"id\":\"hello\",\"isPaused\":true}");
	assert_string_equal(fixture->noted, "pause shop/hello");
	http = call(*state, "POST", "/api/v2/apps/my%2Fapp/functions/fn/unpause", "{}");
	assert_data(http, 200, "{\"id\":\"fn\"}");
	assert_string_equal(fixture->noted, "unpause my/app/fn");
	answer.kind = REPLY_FAILED;
	answer.status = 404;
	http = call(*state, "POST", "/v2/apps/shop/functions/nope/pause", NULL);
	assert_reply(http, 404, V2_ERROR("not_found", "Function not found"));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup(name, reset)
	const struct CMUnitTest tests[] = {
		TEST(function_is_found_by_both_its_names),
		TEST(event_of_an_invocation),
		TEST(same_key_again),
		TEST(invocation_is_refused),
		TEST(invocation_that_does_not_start),
		TEST(no_reader),
		TEST(function_is_paused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
