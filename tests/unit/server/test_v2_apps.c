// What REST v2 tells of the account, its keys, apps and functions; and what it does not have (05 §13.3, §13.6, §13.8).
#include "v2_fixture.h"

static const struct uuid apps[] = {{{1}}, {{2}}, {{3}}};

static void add_function(struct history_writer *writer, uint8_t n, size_t app, const char *slug, const char *config) {
	struct history_item item = {.kind = HISTORY_FUNCTION, .at_ms = 1700000000000};
	item.function.id = (struct uuid){{n}};
	item.function.app_id = apps[app];
	item.function.name = STR("A name");
	item.function.slug = str_from_cstr(slug);
	item.function.config = str_from_cstr(config);
	write_item(writer, &item);
}

static void write_history(struct history_writer *writer, uint64_t now_ms) {
	(void)now_ms;
	write_app(writer, 1700000000000, &apps[0], "shop");
	write_app(writer, 1700000000123, &apps[1], "");
	write_app(writer, 1700000000000, &apps[2], "old");
	struct history_item item = {.kind = HISTORY_APP_ARCHIVE, .at_ms = 1700000001000};
	item.app.id = apps[2];
	write_item(writer, &item);
	add_function(writer, 0x11, 0, "shop-plain", "{}");
	add_function(
		writer, 0x12, 0, "shop-full",
		"{\"batchEvents\":{\"key\":\"event.data.k\",\"maxSize\":10,\"timeout\":\"5s\"},"
		"\"cancel\":[{\"event\":\"a/stop\",\"if\":\"event.x\",\"timeout\":\"1h\"},{\"event\":\"b\"}],"
		"\"concurrency\":[{\"limit\":2,\"scope\":\"Fn\"},{\"key\":\"event.u\",\"limit\":3,\"scope\":\"Env\"}],"
		"\"debounce\":{\"period\":\"10s\"},\"priority\":{\"run\":\"event.p\"},"
		"\"rateLimit\":{\"key\":\"r\",\"limit\":1,\"period\":\"24h0m0s\"},"
		"\"singleton\":{\"mode\":\"cancel\"},\"steps\":[{\"retries\":0,\"uri\":\"http://x\"}],"
		"\"throttle\":{\"burst\":2,\"limit\":5,\"period\":\"2d\"},"
		"\"triggers\":[{\"event\":\"a/b\",\"expression\":\"true\"},{\"cron\":\"* * * * *\"}]}");
}

static const struct str keys[] = {STR_INIT("k1"), STR_INIT("k2")};

static int setup(void **state) {
	*state = history_fixture_start(write_history);
	return 0;
}
static int teardown(void **state) {
	history_fixture_stop(*state);
	return 0;
}

static void the_account(void **state) {
	struct http http = call(*state, "GET", "/api/v2/account", NULL);
	assert_timeless(http, 200,
			"{\"data\":{\"createdAt\":\"2021-05-13T09:30:04Z\",\"email\":\"dev@inngest.local\","
			"\"id\":\"00000000-0000-4000-a000-000000000000\",\"name\":\"Dev Server\","
			"\"updatedAt\":\"2021-05-13T09:30:04Z\"}," METADATA "}");
	http = call(*state, "GET", "/v2/envs", NULL);
	assert_timeless(http, 200,
			"{\"data\":[{\"createdAt\":\"2021-05-13T09:30:04Z\","
			"\"id\":\"00000000-0000-4000-b000-000000000000\",\"name\":\"dev\",\"type\":\"TEST\"}]," METADATA
			"}");
	http = call(*state, "GET", "/v2/envs?limit=0", NULL);
	assert_reply(http, 400, V2_ERROR("invalid_field_format", "Limit must be at least 1"));
	http = call(*state, "GET", "/v2/envs?limit=251", NULL);
	assert_reply(http, 400, V2_ERROR("invalid_field_format", "Limit cannot exceed 250"));
	http = call(*state, "GET", "/v2/keys/events", NULL);
	assert_timeless(http, 200, "{" METADATA "}");
	http = call(*state, "GET", "/v2/keys/signing", NULL);
	assert_timeless(http, 200, "{" METADATA "}");
}

static size_t count_of(const char *text, const char *piece) {
	size_t count = 0;
	for (const char *at = text; (at = strstr(at, piece)) != NULL; at++) count++;
	return count;
}

static void keys_are_listed(void **state) {
	(void)state;
	static const struct {
		const char *key, *shown;
	} cases[] = {{"signkey-prod-0123456789abcdef0123", "signkey-prod-0123\xe2\x80\xa6"},
		     {"0123456789abcdef0123", "0123\xe2\x80\xa6"},
		     {"deadbeef", "de\xe2\x80\xa6"},
		     {"ab", "\xe2\x80\xa6"},
		     {"signkey-", "si\xe2\x80\xa6"},
		     {"signkey-x-", "signkey-x-\xe2\x80\xa6"}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture fixture = {
			.event_keys = keys, .event_key_count = 2, .signing_key = str_from_cstr(cases[i].key)};
		fixture_start_as(&fixture, "cloud");
		struct http http = call(&fixture, "GET", "/v2/keys/signing", NULL);
		char key[100];
		(void)snprintf(key, sizeof key, "\"environment\":\"dev\",\"key\":\"%s\"}]", cases[i].shown);
		if (strstr(http.body, key) == NULL) fail_msg("%s: %s", key, http.body);
		http_free(&http);
		http = call_with(&fixture, "GET", "/v2/keys/events", "X-Inngest-Env: dev\r\n", NULL);
		assert_int_equal(count_of(http.body, "\"createdAt\""), 2);
		assert_non_null(strstr(http.body, "\"key\":\"k1\"},{\"createdAt\""));
		http_free(&http);
		http = call_with(&fixture, "GET", "/v2/keys/events", "X-Inngest-Env: prod\r\n", NULL);
		assert_timeless(http, 200, "{" METADATA "}");
		fixture_stop(&fixture);
	}
}

// ---- apps ----------------------------------------------------------------------------------------------------------

#define SYNC                                                            \
	"\"latestSync\":{\"sdkLanguage\":\"js\",\"sdkVersion\":\"v4\"," \
	"\"url\":\"http://localhost:3000/api/inngest\"},\"method\":\"SERVE\""
#define SHOP "{\"createdAt\":\"2023-11-14T22:13:20Z\",\"functionCount\":2,\"id\":\"shop\"," SYNC ",\"name\":\"shop\"}"
#define NAMELESS_ID "02000000-0000-0000-0000-000000000000"
#define NAMELESS "{\"createdAt\":\"2023-11-14T22:13:20Z\",\"id\":\"" NAMELESS_ID "\"," SYNC "}"
#define OLD                                                                                \
	"{\"archivedAt\":\"2023-11-14T22:13:21Z\",\"createdAt\":\"2023-11-14T22:13:20Z\"," \
	"\"id\":\"old\",\"isArchived\":true," SYNC ",\"name\":\"old\"}"

static void apps_are_listed(void **state) {
	struct http http = call(*state, "GET", "/v2/apps", NULL);
	assert_timeless(http, 200, "{\"data\":[" SHOP "," NAMELESS "]," METADATA ",\"page\":{\"limit\":20}}");
	http = call(*state, "GET", "/v2/apps?archived=true&limit=0", NULL);
	assert_timeless(http, 200, "{\"data\":[" OLD "]," METADATA ",\"page\":{\"limit\":20}}");
	http = call(*state, "GET", "/v2/apps?limit=1", NULL);
	assert_timeless(
		http, 200,
		"{\"data\":[" SHOP "]," METADATA
		",\"page\":{\"cursor\":\"01000000-0000-0000-0000-000000000000\",\"hasMore\":true,\"limit\":1}}");
	http = call(*state, "GET", "/v2/apps?limit=1&cursor=01000000-0000-0000-0000-000000000000", NULL);
	assert_timeless(http, 200, "{\"data\":[" NAMELESS "]," METADATA ",\"page\":{\"limit\":1}}");
	http = call(*state, "GET", "/v2/apps?cursor=" NAMELESS_ID, NULL);
	assert_timeless(http, 200, "{" METADATA ",\"page\":{\"limit\":20}}");
	// A form means the same (13.1).
	http = call_with(*state, "POST", "/v2/apps?limit=1", "Content-Type: application/x-www-form-urlencoded\r\n", "");
	assert_int_equal(http.status, 200);
	http_free(&http);
	http = call(*state, "POST", "/v2/apps", "{}");
	assert_reply(http, 501, V2_ERROR("api_error", "Method Not Allowed"));
}

static void wrong_parameters(void **state) {
	static const struct {
		const char *query, *reply;
	} cases[] = {
		{"limit=101", V2_ERROR("invalid_field_format", "Limit cannot exceed 100")},
		{"limit=-1", V2_ERROR("invalid_field_format", "Limit must be at least 1")},
		{"cursor=x", V2_ERROR("invalid_field_format", "Cursor is invalid")},
		{"limit=1&limit=2", V2_ERROR("api_error", "too many values for field \\\"limit\\\": 1, 2")},
		{"limit=x", V2_ERROR("api_error", "parsing field \\\"limit\\\": invalid value \\\"x\\\"")},
		{"limit=99999999999",
		 V2_ERROR("api_error", "parsing field \\\"limit\\\": invalid value \\\"99999999999\\\"")},
		{"archived=maybe",
		 V2_ERROR("api_error", "parsing field \\\"archived\\\": invalid value \\\"maybe\\\"")},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char path[100];
		(void)snprintf(path, sizeof path, "/v2/apps?%s", cases[i].query);
		struct http http = call(*state, "GET", path, NULL);
		assert_reply(http, 400, cases[i].reply);
	}
}

static void one_app(void **state) {
	static const struct {
		const char *path, *data;
	} cases[] = {{"/v2/apps/shop", SHOP},
		     {"/v2/apps/01000000-0000-0000-0000-000000000000", SHOP},
		     {"/v2/apps/" NAMELESS_ID, NAMELESS},
		     {"/v2/apps/old", OLD}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http http = call(*state, "GET", cases[i].path, NULL);
		assert_data(http, 200, cases[i].data);
	}
	struct http http = call(*state, "GET", "/v2/apps/none", NULL);
	assert_reply(http, 404, V2_ERROR("not_found", "App not found"));
}

// ---- functions -----------------------------------------------------------------------------------------------------

#define PLAIN_FUNCTION                                                                                          \
	"{\"app\":{\"id\":\"shop\"},\"configuration\":{\"concurrency\":[{\"limit\":{\"isPlanLimit\":true,"      \
	"\"value\":-1},\"scope\":\"ACCOUNT\"}],\"retries\":{\"isDefault\":true,\"value\":4}},\"id\":\"plain\"," \
	"\"name\":\"A name\",\"slug\":\"plain\"}"
#define FULL_FUNCTION                                                                                            \
	"{\"app\":{\"id\":\"shop\"},\"configuration\":{\"cancellations\":[{\"condition\":\"event.x\","           \
	"\"event\":\"a/stop\",\"timeout\":\"1h\"},{\"event\":\"b\"}],\"concurrency\":[{\"limit\":{"              \
	"\"isPlanLimit\":false,\"value\":2},\"scope\":\"FUNCTION\"},{\"key\":\"event.u\",\"limit\":{"            \
	"\"isPlanLimit\":false,\"value\":3},\"scope\":\"ENVIRONMENT\"}],\"debounce\":{\"period\":\"10s\"},"      \
	"\"eventsBatch\":{\"key\":\"event.data.k\",\"maxSize\":10,\"timeout\":\"5s\"},\"priority\":\"event.p\"," \
	"\"rateLimit\":{\"key\":\"r\",\"limit\":1,\"period\":\"24h0m0s\"},\"retries\":{\"isDefault\":false},"    \
	"\"singleton\":{\"mode\":\"CANCEL\"},\"throttle\":{\"burst\":2,\"limit\":5,\"period\":\"48h0m0s\"}},"    \
	"\"id\":\"full\",\"name\":\"A name\",\"slug\":\"full\",\"triggers\":[{\"if\":\"true\","                  \
	"\"type\":\"EVENT\",\"value\":\"a/b\"},{\"type\":\"CRON\",\"value\":\"* * * * *\"}]}"

static void functions_are_listed(void **state) {
	struct http http = call(*state, "GET", "/v2/apps/shop/functions", NULL);
	assert_timeless(http, 200,
			"{\"data\":[" PLAIN_FUNCTION "," FULL_FUNCTION "]," METADATA ",\"page\":{\"limit\":20}}");
	http = call(*state, "GET", "/v2/apps/shop/functions?cursor=11000000-0000-0000-0000-000000000000", NULL);
	assert_timeless(http, 200, "{\"data\":[" FULL_FUNCTION "]," METADATA ",\"page\":{\"limit\":20}}");
	http = call(*state, "GET", "/v2/apps/shop/functions?limit=1", NULL);
	assert_timeless(
		http, 200,
		"{\"data\":[" PLAIN_FUNCTION "]," METADATA
		",\"page\":{\"cursor\":\"11000000-0000-0000-0000-000000000000\",\"hasMore\":true,\"limit\":1}}");
	static const char *const none[] = {"none", "old", "01000000-0000-0000-0000-000000000000"};
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		char path[100];
		(void)snprintf(path, sizeof path, "/v2/apps/%s/functions", none[i]);
		http = call(*state, "GET", path, NULL);
		assert_timeless(http, 200, "{" METADATA ",\"page\":{\"limit\":20}}");
	}
}

static void one_function(void **state) {
	static const char *const paths[] = {"/v2/apps/shop/functions/full", "/v2/apps/shop/functions/shop-full",
					    "/api/v2/apps/sh%6fp/functions/full"};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct http http = call(*state, "GET", paths[i], NULL);
		assert_data(http, 200, FULL_FUNCTION);
	}
	static const char *const unknown[] = {"/v2/apps/shop/functions/none", "/v2/apps/none/functions/full"};
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
		struct http http = call(*state, "GET", unknown[i], NULL);
		assert_reply(http, 404, V2_ERROR("not_found", "Function not found"));
	}
}

// ---- what the hosted platform has ----------------------------------------------------------------------------------

static void absent_operations(void **state) {
	static const struct {
		const char *method, *path, *body, *message;
	} cases[] = {
		{"POST", "/v2/envs", "{\"name\":\"x\"}", "Environments"},
		{"PATCH", "/v2/envs/x", "{}", "Environments"},
		{"GET", "/v2/partner/accounts", NULL, "Accounts"},
		{"POST", "/v2/apps/shop/syncs", "{}", "App sync"},
		{"GET", "/v2/insights/tables", NULL, "Insights"},
		{"POST", "/v2/insights/query/prompt", "{}", "Insights"},
		{"GET", "/v2/experiments", NULL, "Experiments"},
		{"GET", "/v2/apps/a/functions/f/experiments", NULL, "Experiments"},
		{"GET", "/v2/apps/a/functions/f/experiments/with/slash", NULL, "Experiments"},
		{"GET", "/v2/sessions/key", NULL, "Sessions"},
		{"GET", "/v2/sessions/key/id/of/one/runs", NULL, "Sessions"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char body[200];
		(void)snprintf(body, sizeof body, V2_ERROR("not_implemented", "%s not implemented in OSS"),
			       cases[i].message);
		struct http http = call(*state, cases[i].method, cases[i].path, cases[i].body);
		assert_reply(http, 501, body);
	}
	struct http http = call(*state, "GET", "/v2/sessions/key/runs", NULL);
	assert_reply(http, 404, V2_ERROR("api_error", "Not Found"));
	http = call(*state, "POST", "/v2/partner/accounts", "{}");
	assert_reply(http, 501,
		     "{\"errors\":[{\"code\":\"not_implemented\",\"message\":\"Accounts not implemented in OSS\"},"
		     "{\"code\":\"not_implemented\",\"message\":\"Partners not implemented in OSS\"}]}");
}

static void absent_operations_check_first(void **state) {
	struct http http = call(*state, "POST", "/v2/envs", "{\"name\":\"\"}");
	assert_reply(http, 400, V2_ERROR("missing_field", "Environment name is required"));
	http = call(*state, "POST", "/v2/envs", "[]");
	assert_error_code(http, 400, "api_error");
	static const char *const methods[] = {"GET", "POST"};
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		http = call(*state, methods[i], "/v2/env/webhooks", NULL);
		assert_reply(http, 400, V2_ERROR("missing_field", "X-Inngest-Env header is required"));
		http = call_with(*state, methods[i], "/v2/env/webhooks", "X-Inngest-Env: dev\r\n", NULL);
		assert_reply(http, 501, V2_ERROR("not_implemented", "Webhooks not implemented in OSS"));
	}
	http = call(*state, "DELETE", "/v2/sandboxes/x", NULL);
	assert_reply(http, 501, V2_ERROR("api_error", "method DestroySandbox not implemented"));
	http = call(*state, "GET", "/v2/sandboxes/x/processes/1/output/stream", NULL);
	assert_reply(http, 501,
		     V2_ERROR("api_error", "streaming calls are not yet supported in the in-process transport"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_account),
		cmocka_unit_test(keys_are_listed),
		cmocka_unit_test(apps_are_listed),
		cmocka_unit_test(wrong_parameters),
		cmocka_unit_test(one_app),
		cmocka_unit_test(functions_are_listed),
		cmocka_unit_test(one_function),
		cmocka_unit_test(absent_operations),
		cmocka_unit_test(absent_operations_check_first),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
