// Runs as REST v2 and v1 list them (05 §13.10, §12.4, §12.5).
#include "runs_fixture.h"

// ---- v2 ------------------------------------------------------------------------------------------------------------

// The runs of a reply, as letters in their order: d f c r q s.
static const char *letters(const struct http *http, const char *name) {
	static char text[32];
	size_t len = 0;
	yyjson_doc *doc = yyjson_read(http->body, http->body_len, 0);
	yyjson_val *list = yyjson_obj_get(yyjson_doc_get_root(doc), "data");
	yyjson_val *run;
	size_t i, max;
	yyjson_arr_foreach(list, i, max, run) {
		const char *id = yyjson_get_str(yyjson_obj_get(run, name));
		for (size_t r = 0; r < RUNS; r++)
			if (id != NULL && strcmp(id, ids[r]) == 0) text[len++] = "dfcrqs"[r];
	}
	text[len] = '\0';
	yyjson_doc_free(doc);
	return text;
}

static void lists(void **state) {
	static const struct {
		const char *path, *runs;
	} cases[] = {
		{"/v2/runs", "qrcfd"},
		{"/v2/runs?order=asc", "dfcrq"},
		{"/v2/runs?status=COMPLETED&status=failed", "fd"},
		{"/v2/runs?timeField=endedAt", "cfd"},
		{"/v2/runs?time_field=ENDED_AT&order=ASC&status=RUNNING&status=COMPLETED", "d"},
		{"/v2/runs?timeField=endedAt&status=RUNNING", ""},
		{"/v2/runs?appId=shop&functionId=two", "f"},
		{"/v2/runs?app_id=shop&function_id=shop-two", "f"},
		{"/v2/runs?appId=none", ""},
		{"/v2/runs?appId=shop&functionId=none", ""},
		{"/v2/runs?appId=none&appId=shop", "qrcfd"},
		{"/v2/apps/shop/functions/one/runs", "qrcd"},
		{"/v2/apps/shop/functions/one/runs?appId=none&order=ASC", "dcrq"}, // no such parameter here
		{"/v2/apps/none/functions/one/runs", ""},
		{"/v2/runs?from=2026-09-21T14:13:21Z&until=2026-09-21T14:13:22Z", "cf"},
		{"/v2/runs?isDeferred=true", ""},
		{"/v2/runs?isDeferred=false", "qrcfd"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http http = call(*state, "GET", cases[i].path, NULL);
		assert_int_equal(http.status, 200);
		if (strcmp(letters(&http, "id"), cases[i].runs) != 0)
			fail_msg("%s: %s", cases[i].path, letters(&http, "id"));
		http_free(&http);
	}
}

static void metadata_of_lists(void **state) {
	struct http http = call(*state, "GET", "/v2/runs?from=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00.5Z", NULL);
	assert_timeless(http, 200,
			"{\"metadata\":{\"fetchedAt\":\"T\",\"timeRange\":{\"from\":\"2020-01-01T00:00:00Z\","
			"\"until\":\"2020-01-02T00:00:00.500Z\"}},\"page\":{\"limit\":20}}");
}

static void pages(void **state) {
	static const char *const queries[] = {"", "&timeField=endedAt", "&order=ASC", "&timeField=startedAt"};
	static const char *const expected[] = {"qrcfd", "cfd", "dfcrq", "qrcfd"};
	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		char cursor[200] = "", got[32] = "";
		for (size_t page = 0; page < 5; page++) {
			char path[400];
			(void)snprintf(path, sizeof path, "/v2/runs?limit=2%s%s%s", queries[i],
				       cursor[0] != '\0' ? "&cursor=" : "", cursor);
			struct http http = call(*state, "GET", path, NULL);
			strcat(got, letters(&http, "id"));
			const char *at = strstr(http.body, "\"cursor\":\"");
			if (at != NULL) (void)sscanf(at, "\"cursor\":\"%199[^\"]", cursor);
			http_free(&http);
			if (at == NULL) break;
		}
		assert_string_equal(got, expected[i]);
	}
	// An id is a cursor too, whatever time it claims.
	struct http last = call(*state, "GET", "/v2/runs?cursor=7ZZZZZZZZZZZZZZZZZZZZZZZZZ", NULL);
	assert_string_equal(letters(&last, "id"), "qrcfd");
	http_free(&last);
	last = call(*state, "GET", "/v2/runs?order=ASC&cursor=7ZZZZZZZZZZZZZZZZZZZZZZZZZ", NULL);
	assert_string_equal(letters(&last, "id"), "");
	http_free(&last);
	// The cursor is the one of the reference server.
	struct http http = call(*state, "GET", "/v2/runs?limit=5&order=ASC&status=COMPLETED&status=FAILED", NULL);
	assert_null(strstr(http.body, "hasMore"));
	http_free(&http);
}

static void one_run(void **state) {
	char path[200], data[1000];
	(void)snprintf(path, sizeof path, "/v2/runs/%s?includeOutput=true", ids[DONE]);
	(void)snprintf(data, sizeof data,
		       "{\"app\":{\"id\":\"shop\"},\"durationMs\":\"400\",\"endedAt\":\"2026-09-21T14:13:20.500Z\","
		       "\"function\":{\"id\":\"one\",\"name\":\"Hello\"},\"id\":\"%s\",\"output\":{\"data\":[1,2]},"
		       "\"queuedAt\":\"2026-09-21T14:13:20Z\",\"startedAt\":\"2026-09-21T14:13:20.100Z\","
		       "\"status\":\"COMPLETED\",\"trigger\":{\"eventIds\":[\"%s\"]}}",
		       ids[DONE], event_text);
	struct http http = call(*state, "GET", path, NULL);
	assert_data(http, 200, data);
	(void)snprintf(path, sizeof path, "/v2/runs/%s?include_output=1", ids[FAILED]);
	http = call(*state, "GET", path, NULL);
	assert_non_null(strstr(http.body, "\"output\":{\"error\":{\"name\":\"E\"}}"));
	http_free(&http);
	(void)snprintf(path, sizeof path, "/v2/runs/%s?includeOutput=true", ids[CANCELLED]);
	(void)snprintf(data, sizeof data, "\"trigger\":{\"batchId\":\"%s\",\"eventIds\":[\"%s\"],\"isBatch\":true}",
		       batch_text, event_text);
	http = call(*state, "GET", path, NULL);
	if (strstr(http.body, data) == NULL) fail_msg("%s", http.body);
	assert_null(strstr(http.body, "output"));
	http_free(&http);
	(void)snprintf(path, sizeof path, "/v2/runs/%s", ids[RUNNING]);
	http = call(*state, "GET", path, NULL);
	assert_non_null(strstr(http.body, "\"status\":\"RUNNING\",\"trigger\":{\"cronSchedule\":\"* * * * *\""));
	assert_null(strstr(http.body, "endedAt"));
	http_free(&http);
}

static void runs_that_are_not_there(void **state) {
	struct http http = call(*state, "GET", "/v2/runs/01JQDAE4RQF8MBCR55T5AK4KXS", NULL);
	assert_reply(http, 404, V2_ERROR("not_found", "Run not found"));
	http = call(*state, "GET", "/v2/runs/x", NULL);
	assert_reply(http, 400, V2_ERROR("invalid_field_format", "Run ID must be a valid ULID"));
	http = call(*state, "GET", "/v2/events/x/runs", NULL);
	assert_reply(http, 400, V2_ERROR("invalid_field_format", "Event ID must be a valid ULID"));
	http = call(*state, "GET", "/v2/events/01JQDAE4RQF8MBCR55T5AK4KXS/runs", NULL);
	assert_timeless(http, 200, "{" METADATA ",\"page\":{\"limit\":20}}");
}

static void wrong_parameters(void **state) {
	static const struct {
		const char *query, *reply;
	} cases[] = {
		{"functionId=one", V2_ERROR("invalid_field_format", "appId is required when filtering by functionId")},
		{"from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
		 V2_ERROR("invalid_field_format", "from must be before until")},
		{"status=NEVER", V2_ERROR("invalid_field_format", "Status is invalid")},
		{"status=COMPLETED,FAILED", V2_ERROR("invalid_field_format", "Status is invalid")},
		{"timeField=x", V2_ERROR("invalid_field_format", "timeField is invalid")},
		{"order=x", V2_ERROR("invalid_field_format", "order is invalid")},
		{"cursor=x", V2_ERROR("invalid_field_format", "Cursor is invalid")},
		{"cursor=e30=", V2_ERROR("invalid_field_format", "Cursor is invalid")}, // {}
		{"limit=101", V2_ERROR("invalid_field_format", "Limit cannot exceed 100")},
		{"from=2026-01-02",
		 V2_ERROR("api_error", "parsing field \\\"from\\\": invalid value \\\"2026-01-02\\\"")},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char path[200];
		(void)snprintf(path, sizeof path, "/v2/runs?%s", cases[i].query);
		struct http http = call(*state, "GET", path, NULL);
		assert_reply(http, 400, cases[i].reply);
	}
}

static void runs_of_an_event(void **state) {
	char path[300], cursor[200] = "";
	(void)snprintf(path, sizeof path, "/v2/events/%s/runs?limit=3&includeOutput=true", event_text);
	struct http http = call(*state, "GET", path, NULL);
	assert_string_equal(letters(&http, "id"), "qrc");
	const char *at = strstr(http.body, "\"cursor\":\"");
	assert_non_null(at);
	(void)sscanf(at, "\"cursor\":\"%199[^\"]", cursor);
	http_free(&http);
	(void)snprintf(path, sizeof path, "/v2/events/%s/runs?limit=3&includeOutput=true&cursor=%s", event_text,
		       cursor);
	http = call(*state, "GET", path, NULL);
	assert_string_equal(letters(&http, "id"), "fd");
	assert_non_null(strstr(http.body, "{\"data\":[1,2]}"));
	assert_null(strstr(http.body, "hasMore"));
	http_free(&http);
	(void)snprintf(path, sizeof path, "/v2/events/%s/runs?limit=41", event_text);
	http = call(*state, "GET", path, NULL);
	assert_reply(http, 400, V2_ERROR("invalid_field_format", "Limit cannot exceed 40"));
}

static void traces(void **state) {
	char path[200], start[200];
	(void)snprintf(path, sizeof path, "/v2/runs/%s/trace?includeOutput=true", ids[DONE]);
	struct http http = call(*state, "GET", path, NULL);
	assert_int_equal(http.status, 200);
	assert_non_null(strstr(http.body, "{\"data\":{\"rootSpan\":{"));
	(void)snprintf(start, sizeof start, "\"status\":\"COMPLETED\"},\"runId\":\"%s\"}", ids[DONE]);
	if (strstr(http.body, start) == NULL) fail_msg("%s", http.body);
	assert_non_null(strstr(http.body, "{\"data\":[1,2]}"));
	http_free(&http);
	http = call(*state, "GET", "/v2/runs/01JQDAE4RQF8MBCR55T5AK4KXS/trace", NULL);
	assert_reply(http, 404, V2_ERROR("not_found", "Trace not found"));
}

// ---- v1 ------------------------------------------------------------------------------------------------------------

static void v1_lists_runs(void **state) {
	char path[200];
	(void)snprintf(path, sizeof path, "/api/v1/runs?limit=2&cursor=%s", ids[QUEUED]);
	const struct {
		const char *path, *runs;
	} cases[] = {{"/v1/runs", "qrcfd"}, {"/api/v1/runs?status=FAILED", "f"}, {path, "rc"}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http http = call(*state, "GET", cases[i].path, NULL);
		assert_int_equal(http.status, 200);
		assert_string_equal(letters(&http, "run_id"), cases[i].runs);
		http_free(&http);
	}
	struct http http = call(*state, "GET", "/v1/runs?status=COMPLETED&includeOutput=true", NULL);
	char body[1000];
	(void)snprintf(body, sizeof body,
		       "{\"data\":[{\"run_id\":\"%s\",\"run_started_at\":\"2026-09-21T14:13:20Z\","
		       "\"function_id\":\"02000000-0000-0000-0000-000000000000\",\"function_version\":0,"
		       "\"environment_id\":\"00000000-0000-4000-b000-000000000000\",\"event_id\":\"%s\","
		       "\"status\":\"Completed\",\"ended_at\":\"2026-09-21T14:13:20.5Z\",\"output\":[1,2]}],"
		       "\"metadata\":{\"fetched_at\":\"T\"}}\n",
		       ids[DONE], event_text);
	assert_timeless(http, 200, body);
	http = call(*state, "GET", "/v1/runs?order=x", NULL);
	assert_reply(http, 400, "{\"error\":\"order is invalid\",\"data\":null,\"status\":400}\n");
}

static void v1_tells_the_status(void **state) {
	static const struct {
		size_t run;
		int status;
		const char *text;
	} cases[] = {{QUEUED, 200, "\"status\":\"Scheduled\""},
		     {RUNNING, 200, "\"status\":\"Running\""},
		     {DONE, 200, "\"status\":\"Completed\""},
		     {SKIPPED, 404, "Unable to load function run"}};
	char path[100];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		(void)snprintf(path, sizeof path, "/v1/runs/%s", ids[cases[i].run]);
		struct http http = call(*state, "GET", path, NULL);
		assert_int_equal(http.status, cases[i].status);
		if (strstr(http.body, cases[i].text) == NULL) fail_msg("%s", http.body);
		http_free(&http);
	}
	(void)snprintf(path, sizeof path, "/v1/events/%s/runs", event_text);
	struct http http = call(*state, "GET", path, NULL);
	assert_string_equal(letters(&http, "run_id"), "dfcrq");
	http_free(&http);
}

static void v1_lists_functions(void **state) {
	struct http http = call(*state, "GET", "/api/v1/functions", NULL);
	assert_int_equal(http.status, 200);
	assert_non_null(strstr(http.body, "{\"data\":[{\"internal_id\":\"02000000-"));
	assert_non_null(strstr(http.body, "\"id\":\"shop-two\""));
	http_free(&http);
	http = call(*state, "GET", "/api/v1/apps/shop/functions", NULL);
	assert_int_equal(http.status, 200);
	assert_true(http.body[0] == '[');
	http_free(&http);
	http = call(*state, "GET", "/v1/apps/none/functions", NULL);
	assert_reply(http, 200, "[]\n");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(metadata_of_lists),
		cmocka_unit_test(pages),
		cmocka_unit_test(one_run),
		cmocka_unit_test(runs_that_are_not_there),
		cmocka_unit_test(wrong_parameters),
		cmocka_unit_test(runs_of_an_event),
		cmocka_unit_test(traces),
		cmocka_unit_test(v1_lists_runs),
		cmocka_unit_test(v1_tells_the_status),
		cmocka_unit_test(v1_lists_functions),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
