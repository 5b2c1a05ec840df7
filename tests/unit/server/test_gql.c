// GraphQL over HTTP where the JS tests do not reach: servers without it, a store or an engine that cannot be had, what
// happens between two looks at history, and the cache of persisted queries.
#include <sqlite3.h>

#include "base/hash.h"
#include "server/gql/persisted.h"
#include "v2_fixture.h"

enum { RUNNING, COMPLETED, RUNS };
static struct ulid runs[RUNS];
static char run_texts[RUNS][ULID_TEXT_LEN + 1];
static const struct uuid app_id = {{1}}, function_id = {{2}}, handler_id = {{2, 1}};

// An app of the same name that is no more, and its functions; ids that come behind those of today.
static void write_archived(struct history_writer *writer, uint64_t now_ms) {
	static const struct uuid old_app = {{9}}, old_function = {{9}}, old_handler = {{9, 1}};
	write_app(writer, now_ms, &old_app, "app");
	write_function(writer, now_ms, &old_app, &old_function, "app-hello");
	write_function(writer, now_ms, &old_app, &old_handler, "app-hello-failure");
	struct history_item item = {.kind = HISTORY_APP_ARCHIVE, .at_ms = now_ms};
	item.app.id = old_app;
	write_item(writer, &item);
}

static void write_defer(struct history_writer *writer, const struct ulid *run_id) {
	struct history_item item = {.kind = HISTORY_DEFER};
	item.defer.run_id = *run_id;
	item.defer.id = STR("hashed");
	item.defer.name = STR("later");
	item.defer.function = STR("app-hello");
	item.defer.status = DEFER_SCHEDULED;
	write_item(writer, &item);
}

static void write_history(struct history_writer *writer, uint64_t now_ms) {
	static const char *const statuses[RUNS] = {[COMPLETED] = "Completed"};
	write_archived(writer, now_ms);
	write_app(writer, now_ms, &app_id, "app");
	write_function(writer, now_ms, &app_id, &function_id, "app-hello");
	write_function(writer, now_ms, &app_id, &handler_id, "app-hello-failure");
	struct history_item event = {.kind = HISTORY_EVENT, .at_ms = now_ms - 2000};
	event.event.internal_id = make_id(now_ms - 2000, 1);
	event.event.id = STR("mine");
	event.event.name = STR("a/b");
	event.event.text = payload_new(STR("{}"));
	event.event.data = payload_str(event.event.text);
	event.event.ts_ms = 1700000000123;
	write_item(writer, &event);
	payload_unref(event.event.text);
	for (uint8_t i = 0; i < RUNS; i++) {
		runs[i] = make_id(now_ms - 1000, i);
		ulid_text(&runs[i], run_texts[i]);
		struct history_item item = {.kind = HISTORY_RUN};
		item.run.run_id = runs[i];
		item.run.event_id = event.event.internal_id;
		item.run.function_id = function_id;
		write_run(writer, now_ms, &item, statuses[i], "{\"x\":1}");
	}
	write_defer(writer, &runs[COMPLETED]);
}

static int setup(void **state) {
	struct fixture *fixture = history_fixture_start(write_history);
	fixture->engine = engine_notes;
	fixture->noted[0] = '\0';
	answer.kind = REPLY_OK;
	answer.status = 200;
	answer.code = answer.text = NULL;
	commands = 0;
	*state = fixture;
	return 0;
}
static int teardown(void **state) {
	history_fixture_stop(*state);
	return 0;
}

static struct http ask(const struct fixture *fixture, const char *query) {
	struct buf body;
	buf_init(&body, 1 << 20);
	buf_lit(&body, "{\"query\":");
	buf_json_str(&body, str_from_cstr(query));
	buf_lit(&body, "}");
	buf_byte(&body, '\0');
	struct http http = call_with(fixture, "POST", "/v0/gql", "Content-Type: application/json\r\n", body.ptr);
	buf_free(&body);
	return http;
}

static void without_it(void **state) {
	(void)state;
	struct fixture *fixture = mem_calloc(1, sizeof *fixture);
	fixture->no_ui = true;
	fixture_start(fixture);
	static const char *const paths[] = {"/v0/gql?query={__typename}", "/graphql", "/v0", "/v0/"};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct http http = call(fixture, "GET", paths[i], NULL);
		assert_int_equal(http.status, 404);
		http_free(&http);
	}
	struct http http = ask(fixture, "{ __typename }");
	assert_int_equal(http.status, 404);
	http_free(&http);
	fixture_stop(fixture);
	free(fixture);
}

// What needs no store is answered; the rest says why not, field by field.
static void without_a_store(void **state) {
	(void)state;
	struct fixture *fixture = mem_calloc(1, sizeof *fixture);
	fixture_start(fixture);
	struct http http = ask(fixture, "{ __typename functions { id } }");
	assert_reply(http, 200,
		     "{\"errors\":[{\"message\":\"The server cannot read its store at the "
		     "moment\",\"path\":[\"functions\"]}],"
		     "\"data\":{\"__typename\":\"Query\",\"functions\":null}}");
	fixture_stop(fixture);
	free(fixture);
}

#define FAILS(text) "{\"errors\":[{\"message\":\"" text "\",\"path\":[\"it\"]}],\"data\":null}"
#define FAILS_NULL(text) "{\"errors\":[{\"message\":\"" text "\",\"path\":[\"it\"]}],\"data\":{\"it\":null}}"

static void a_busy_engine(void **state) {
	struct fixture *fixture = *state;
	fixture->post_result = ERR_BUSY;
	struct http http = ask(fixture, "mutation { it: invokeFunction(functionSlug: \"x\") }");
	assert_reply(http, 200, FAILS_NULL("The server is busy; please try again"));
	char query[200];
	(void)snprintf(query, sizeof query, "mutation { it: cancelRun(runID: \"%s\") { id } }", run_texts[RUNNING]);
	http = ask(fixture, query);
	assert_reply(http, 200, FAILS("The server is busy; please try again"));
	(void)snprintf(query, sizeof query, "mutation { it: rerun(runID: \"%s\") }", run_texts[COMPLETED]);
	http = ask(fixture, query);
	assert_reply(http, 200, FAILS("The server is busy; please try again"));
	(void)snprintf(query, sizeof query, "{ it: runTrace(runID: \"%s\") { status } }", run_texts[RUNNING]);
	http = ask(fixture, query);
	assert_reply(http, 200, FAILS("error retrieving trace: The server has too much to do at the moment"));
}

// The engine no longer knows a run that history has as running: it ends at this moment, or its row is all there is.
static void a_cancel_that_comes_too_late(void **state) {
	struct fixture *fixture = *state;
	answer.kind = REPLY_FAILED;
	answer.status = 404;
	char query[200];
	(void)snprintf(query, sizeof query, "mutation { it: cancelRun(runID: \"%s\") { id } }", run_texts[RUNNING]);
	struct http http = ask(fixture, query);
	assert_reply(http, 200, FAILS("not found"));
	answer.status = 500;
	answer.text = "broken";
	http = ask(fixture, query);
	assert_reply(http, 200, FAILS("broken"));
	assert_int_equal(commands, 2);
}

static void a_rerun_that_does_not_start(void **state) {
	struct fixture *fixture = *state;
	answer.kind = REPLY_FAILED;
	answer.status = 422;
	answer.text = "Function invocation was debounced.";
	char query[200];
	(void)snprintf(query, sizeof query, "mutation { it: rerun(runID: \"%s\") }", run_texts[COMPLETED]);
	struct http http = ask(fixture, query);
	assert_reply(http, 200, FAILS("Function invocation was debounced."));
	assert_non_null(strstr(fixture->noted, "start 02000000-0000-0000-0000-000000000000 of="));
}

// One look-up for all objects of a place, and nulls only where the schema has them.
static void rows_of_a_list(void **state) {
	struct fixture *fixture = *state;
	struct http http = ask(
		fixture, "{ runs(orderBy: [{field: QUEUED_AT, direction: ASC}], filter: {from: "
			 "\"2020-01-01T00:00:00Z\"}) { edges { node { status app { name } function { slug } } } } }");
	assert_int_equal(http.status, 200);
	assert_non_null(strstr(http.body, "\"app\":{\"name\":\"app\"},\"function\":{\"slug\":\"app-hello\"}"));
	assert_non_null(strstr(http.body, "{\"node\":{\"status\":\"COMPLETED\",\"app\":"));
	http_free(&http);
}

static void query_that_is_no_text(void **state) {
	struct fixture *fixture = *state;
	struct http http = call(fixture, "GET", "/v0/gql?query=%FF", NULL);
	assert_int_equal(http.status, 422);
	http_free(&http);
	http = call(fixture, "GET", "/v0/gql", NULL);
	assert_int_equal(http.status, 422);
	http_free(&http);
}

#define PART(name, content) "--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" content "\r\n"
#define OPERATIONS PART("operations", "{\"query\":\"{__typename}\"}")
#define REFUSED(text) "{\"errors\":[{\"message\":\"" text "\"}],\"data\":null}"

// The form in which clients send files; nothing here takes files.
static void a_form(void **state) {
	static const struct {
		const char *type, *body;
		int status;
		const char *reply;
	} cases[] = {
		{"multipart/form-data; boundary=b",
		 OPERATIONS PART("map", "{\"0\":[\"variables.file\"]}")
			 PART("0\"; filename=\"a.txt", "abc") "--b--\r\n",
		 200, "{\"data\":{\"__typename\":\"Query\"}}"},
		{"Multipart/Form-Data; charset=x; Boundary=\"b\"",
		 "what is this\r\n" OPERATIONS PART("map", "{}") "--b--", 200, "{\"data\":{\"__typename\":\"Query\"}}"},
		{"multipart/form-data", OPERATIONS, 422, REFUSED("failed to parse multipart form")},
		{"multipart/form-data; boundary=c", OPERATIONS, 422, REFUSED("failed to parse multipart form")},
		{"multipart/form-data; boundary=b", PART("map", "{}") OPERATIONS "--b--", 422,
		 REFUSED("first part must be operations")},
		{"multipart/form-data; boundary=b", "--b--\r\n", 422, REFUSED("first part must be operations")},
		{"multipart/form-data; boundary=b",
		 "--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{", 422,
		 REFUSED("first part must be operations")},
		{"multipart/form-data; boundary=b", PART("operations", "{") PART("map", "{}") "--b--", 422,
		 REFUSED("operations form field could not be decoded")},
		{"multipart/form-data; boundary=b", PART("operations", "") PART("map", "{}") "--b--", 422,
		 REFUSED("operations form field could not be decoded")},
		{"multipart/form-data; boundary=b", OPERATIONS "--b--", 422, REFUSED("second part must be map")},
		{"multipart/form-data; boundary=b", OPERATIONS PART("map", "[]") "--b--", 422,
		 REFUSED("map form field could not be decoded")},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char header[200];
		(void)snprintf(header, sizeof header, "Content-Type: %s\r\n", cases[i].type);
		struct http http = call_with(*state, "POST", "/v0/gql", header, cases[i].body);
		assert_reply(http, cases[i].status, cases[i].reply);
	}
}

static void a_web_socket(void **state) {
	struct http http = call_with(*state, "GET", "/v0/gql",
				     "Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n"
				     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
				     NULL);
	assert_reply(http, 400, REFUSED("transport not supported"));
}

// ---- the cache -----------------------------------------------------------------------------------------------------

static bool note(struct gql_cache *cache, const char *query) {
	uint8_t hash[32];
	char text[65];
	hash_sha256(str_from_cstr(query), hash);
	hex_text(hash, sizeof hash, text);
	return gql_cache_note(cache, str_from_cstr(text), str_from_cstr(query));
}

static bool knows(struct gql_cache *cache, const char *query) {
	uint8_t hash[32];
	char text[65];
	struct arena arena;
	struct str found;
	arena_init(&arena, 0);
	hash_sha256(str_from_cstr(query), hash);
	hex_text(hash, sizeof hash, text);
	for (size_t i = 0; i < 64; i++) // of any case
		if (text[i] >= 'a') text[i] = (char)(text[i] - 'a' + 'A');
	bool known = gql_cache_find(cache, &arena, str_from_cstr(text), &found);
	if (known) assert_true(str_eq_cstr(found, query));
	arena_free(&arena);
	return known;
}

static void the_cache_forgets_the_oldest(void **state) {
	(void)state;
	struct gql_cache *cache = gql_cache_new();
	assert_false(knows(cache, "first"));
	assert_true(note(cache, "first"));
	assert_true(note(cache, "second"));
	assert_true(knows(cache, "first"));
	for (int i = 0; i < GQL_CACHE_MAX - 1; i++) {
		char query[20];
		(void)snprintf(query, sizeof query, "query %d", i);
		assert_true(note(cache, query));
	}
	assert_true(knows(cache, "first"));
	assert_false(knows(cache, "second"));
	assert_true(note(cache, "first")); // again
	assert_false(gql_cache_note(cache, STR("00"), STR("x")));
	assert_false(gql_cache_note(cache, STR(""), STR("x")));
	char *large = mem_calloc(1, GQL_CACHE_QUERY_MAX + 2);
	memset(large, 'x', GQL_CACHE_QUERY_MAX + 1);
	assert_true(note(cache, large));
	assert_false(knows(cache, large));
	free(large);
	gql_cache_free(cache);
}

// What goes by slugs finds the function of today, though an archived app had one of the same name.
static void live_functions_come_first(void **state) {
	char query[200];
	(void)snprintf(query, sizeof query,
		       "{ run(runID: \"%s\") { function { failureHandler { id } } defers { function { id } } } }",
		       run_texts[COMPLETED]);
	struct http http = ask(*state, query);
	assert_int_equal(http.status, 200);
	static const char expected[] =
		"{\"data\":{\"run\":{\"function\":{\"failureHandler\":{\"id\":\"02010000-0000-0000-0000-000000000000\"}"
		"},"
		"\"defers\":[{\"function\":{\"id\":\"02000000-0000-0000-0000-000000000000\"}}]}}}";
	assert_string_equal(http.body, expected);
	http_free(&http);
	http = ask(*state, "{ functionBySlug(query: {functionSlug: \"app-hello\"}) { id } }");
	assert_reply(http, 200, "{\"data\":{\"functionBySlug\":{\"id\":\"02000000-0000-0000-0000-000000000000\"}}}");
}

// A connection that serves several apps has a row for each: cursors between them say which one was the last.
static void pages_of_workers(void **state) {
	struct fixture *fixture = *state;
	static const char insert[] =
		"WITH a(name) AS (VALUES('one'), ('t\"wo'), ('three')) INSERT INTO worker_connections"
		" SELECT '', '', name, NULL, zeroblob(16), zeroblob(16), 'i', 1, '', 0, 1000, NULL, NULL, 0, 0, NULL,"
		" x'', '', '', '', NULL, NULL, 0, 0, 0, '' FROM a";
	assert_int_equal(sqlite3_exec(store_sql(fixture->store), insert, NULL, NULL, NULL), SQLITE_OK);
	static const char *const names[] = {"one", "t\\\"wo", "three"};
	char after[200] = "";
	size_t seen = 0;
	for (bool more = true; more; seen++) {
		char query[400], expected[100];
		(void)snprintf(
			query, sizeof query,
			"{ workerConnections(first: 1, after: \"%s\", filter: {}, orderBy: [{field: CONNECTED_AT, "
			"direction: DESC}]) { edges { node { appName } } pageInfo { hasNextPage endCursor } } }",
			after);
		struct http http = ask(fixture, query);
		(void)snprintf(expected, sizeof expected, "\"edges\":[{\"node\":{\"appName\":\"%s\"}}]", names[seen]);
		assert_non_null(strstr(http.body, expected));
		more = strstr(http.body, "\"hasNextPage\":true") != NULL;
		const char *cursor = strstr(http.body, "\"endCursor\":\"");
		assert_non_null(cursor);
		assert_int_equal(sscanf(cursor, "\"endCursor\":\"%199[^\"]", after), 1);
		http_free(&http);
		assert_true(seen < ARRAY_LEN(names));
	}
	assert_int_equal(seen, ARRAY_LEN(names));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(live_functions_come_first, setup, teardown),
		cmocka_unit_test_setup_teardown(pages_of_workers, setup, teardown),
		cmocka_unit_test(without_it),
		cmocka_unit_test(without_a_store),
		cmocka_unit_test_setup_teardown(a_busy_engine, setup, teardown),
		cmocka_unit_test_setup_teardown(a_cancel_that_comes_too_late, setup, teardown),
		cmocka_unit_test_setup_teardown(a_rerun_that_does_not_start, setup, teardown),
		cmocka_unit_test_setup_teardown(rows_of_a_list, setup, teardown),
		cmocka_unit_test_setup_teardown(query_that_is_no_text, setup, teardown),
		cmocka_unit_test_setup_teardown(a_form, setup, teardown),
		cmocka_unit_test_setup_teardown(a_web_socket, setup, teardown),
		cmocka_unit_test(the_cache_forgets_the_oldest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
