// Lists of runs in GraphQL where the JS tests do not reach: runs that start in another order than they were queued in,
// debug runs, and cursors that somebody made up (06 §5.1, §5.4, §11).
#include "base/hash.h"
#include "runs_fixture.h"

static struct http ask(const struct fixture *fixture, const char *query) {
	struct buf body;
	buf_init(&body, 1 << 20);
	buf_lit(&body, "{\"query\":");
	buf_json_str(&body, str_from_cstr(query));
	buf_lit(&body, "}");
	buf_byte(&body, '\0');
	struct http http = call_with(fixture, "POST", "/v0/gql", "Content-Type: application/json\r\n", body.ptr);
	buf_free(&body);
	assert_int_equal(http.status, 200);
	return http;
}

static void update(struct fixture *fixture, const char *sql) {
	assert_int_equal(sqlite3_exec(store_sql(fixture->store), sql, NULL, NULL, NULL), SQLITE_OK);
}

// Pages of a list, as letters in their order: d f c r q s; a blank between two pages.
static const char *pages(const struct fixture *fixture, const char *arguments, unsigned first) {
	static char text[64];
	char query[1024], cursor[512] = "";
	bool goes_on = true;
	size_t len = 0;
	for (unsigned page = 0; goes_on && page < 10; page++) {
		(void)snprintf(query, sizeof query,
			       "{ runs(first: %u, after: \"%s\", %s) { edges { node { id } } pageInfo { hasNextPage "
			       "endCursor } } }",
			       first, cursor, arguments);
		struct http http = ask(fixture, query);
		yyjson_doc *doc = yyjson_read(http.body, http.body_len, 0);
		yyjson_val *edge, *edges = yyjson_doc_ptr_get(doc, "/data/runs/edges");
		size_t i, max;
		if (page > 0) text[len++] = ' ';
		yyjson_arr_foreach(edges, i, max, edge) {
			const char *id = yyjson_get_str(yyjson_ptr_get(edge, "/node/id"));
			for (size_t r = 0; r < RUNS; r++)
				if (id != NULL && strcmp(id, ids[r]) == 0) text[len++] = "dfcrqs"[r];
		}
		goes_on = yyjson_get_bool(yyjson_doc_ptr_get(doc, "/data/runs/pageInfo/hasNextPage"));
		const char *end = yyjson_get_str(yyjson_doc_ptr_get(doc, "/data/runs/pageInfo/endCursor"));
		(void)snprintf(cursor, sizeof cursor, "%s", end != NULL ? end : "");
		yyjson_doc_free(doc);
		http_free(&http);
	}
	text[len] = '\0';
	return text;
}

#define SINCE "filter: {from: \"2020-01-01T00:00:00Z\", until: \"2100-01-01T00:00:00Z\"}"
#define BY(field, direction) "orderBy: [{field: " field ", direction: " direction "}], " SINCE

static void order_of_starts(void **state) {
	struct fixture *fixture = *state;
	update(fixture, "UPDATE function_runs SET engine_started_at = engine_started_at + 10000,"
			" engine_ended_at = engine_ended_at + 10000 WHERE rowid = 1");
	update(fixture, "UPDATE function_runs SET engine_started_at = NULL WHERE rowid = 3"); // cancelled before
	const struct {
		const char *arguments, *paged, *whole;
	} cases[] = {
		{BY("STARTED_AT", "ASC") ", preview: false", "cq fr d", "cqfrd"},
		{BY("STARTED_AT", "DESC") ", preview: false", "dr fc q", "drfcq"},
		{BY("QUEUED_AT", "ASC") ", preview: false", "df cr q", "dfcrq"},
		{BY("ENDED_AT", "ASC") ", preview: false", "rq fc d", "rqfcd"},
		{"orderBy: [{field: STARTED_AT, direction: DESC}, {field: QUEUED_AT, direction: DESC}], "
		 "preview: false, " SINCE,
		 "dr fq c", "drfqc"},
		// There it means the time of queueing.
		{BY("STARTED_AT", "ASC"), "df cr q", "dfcrq"},
		{BY("STARTED_AT", "DESC"), "qr cf d", "qrcfd"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(pages(fixture, cases[i].arguments, 2), cases[i].paged);
		assert_string_equal(pages(fixture, cases[i].arguments, 5), cases[i].whole);
	}
}

static void assert_member(struct http http, const char *path, const char *expected) {
	yyjson_doc *doc = yyjson_read(http.body, http.body_len, 0);
	char *text = yyjson_val_write(yyjson_doc_ptr_get(doc, path), 0, NULL);
	assert_string_equal(text != NULL ? text : "nothing", expected);
	free(text);
	yyjson_doc_free(doc);
	http_free(&http);
}

// In no list and no count; but there for those who know its id.
static void debug_runs(void **state) {
	struct fixture *fixture = *state;
	char query[256];
	update(fixture, "UPDATE function_runs SET engine_flags = 1 WHERE rowid = 2"); // the failed one
	update(fixture, "UPDATE function_runs SET engine_flags = 5 WHERE rowid = 4"); // the running one, with AI steps
	update(fixture, "UPDATE function_runs SET engine_flags = 4 WHERE rowid = 1");
	assert_string_equal(pages(fixture, BY("QUEUED_AT", "ASC"), 5), "dcq");
	assert_string_equal(pages(fixture, BY("ENDED_AT", "ASC") ", preview: false", 5), "qdc");
	assert_string_equal(pages(fixture, BY("STARTED_AT", "DESC") ", preview: false", 5), "cdq");
	assert_string_equal(
		pages(fixture, "orderBy: [], filter: {from: \"2020-01-01T00:00:00Z\", status: [FAILED]}", 5), "");
	assert_member(ask(fixture, "{ runs(orderBy: [], " SINCE ") { totalCount } }"), "/data/runs/totalCount", "3");
	assert_member(ask(fixture, "{ runs(orderBy: [], filter: {from: \"2020-01-01T00:00:00Z\", "
				   "status: [RUNNING, FAILED, CANCELLED]}) { totalCount } }"),
		      "/data/runs/totalCount", "1");
	(void)snprintf(query, sizeof query, "{ run(runID: \"%s\") { status } }", ids[FAILED]);
	assert_member(ask(fixture, query), "/data/run/status", "\"FAILED\"");
	assert_member(call(fixture, "GET", "/v2/runs?status=FAILED&status=COMPLETED", NULL), "/data/0/status",
		      "\"COMPLETED\"");
	assert_member(call(fixture, "GET", "/v2/runs?status=FAILED", NULL), "/data/0", "nothing");
}

// What cannot be read is none (06 §5.1); what can be leads somewhere, wherever that is.
static void cursors_made_up(void **state) {
	struct fixture *fixture = *state;
	static const char *const contents[] = {
		"",
		"{}",
		"{\"id\":\"\"}",
		"{\"id\":\"7ZZZZZZZZZZZZZZZZZZZZZZZZZ\",\"c\":{}}",
		"{\"id\":\"7ZZZZZZZZZZZZZZZZZZZZZZZZZ\",\"c\":{\"start_time\":{\"v\":9223372036854775807}}}",
		"{\"id\":\"00000000000000000000000000\",\"c\":{\"end_time\":{\"v\":-9223372036854775808},"
		"\"ended_at\":{\"v\":-9223372036854775808},\"started_at\":{\"v\":-9223372036854775808}}}",
		"{\"id\":\"00000000000000000000000000\",\"c\":{\"end_time\":{\"v\":9223372036854775},"
		"\"ended_at\":{\"v\":9223372036854},\"started_at\":{\"v\":9223372036854}}}",
		"{\"id\":\"00000000000000000000000000\",\"c\":{\"end_time\":{\"v\":-1},\"ended_at\":{\"v\":-1},"
		"\"started_at\":{\"v\":-1}}}",
		"{\"id\":\"00000000000000000000000000\",\"c\":{\"end_time\":{\"v\":18446744073709551615},"
		"\"ended_at\":{\"v\":18446744073709551615},\"started_at\":{\"v\":18446744073709551615}}}",
		"{\"id\":\"00000000000000000000000000\",\"c\":{\"end_time\":{\"v\":1e300},\"ended_at\":{\"v\":null},"
		"\"started_at\":{\"v\":\"x\"}}}",
		"{\"id\":[],\"c\":[[]]}",
		"[{\"id\":{}}]",
		"{\"id\":\"00000000000000000000000\\u0000\\u0000\\u0000\"}",
	};
	static const char *const fields[] = {"QUEUED_AT", "STARTED_AT", "ENDED_AT"};
	for (size_t i = 0; i < ARRAY_LEN(contents) * ARRAY_LEN(fields) * 4; i++) {
		char query[2048];
		struct buf cursor;
		buf_init(&cursor, 4096);
		base64_append(&cursor, str_from_cstr(contents[i / 4 % ARRAY_LEN(contents)]), true);
		(void)snprintf(query, sizeof query,
			       "{ runs(after: \"%.*s\", orderBy: [{field: %s, direction: %s}], preview: %s, " SINCE
			       ") { edges { cursor } pageInfo { endCursor } totalCount } }",
			       STR_ARG(buf_view(&cursor)), fields[i / 4 / ARRAY_LEN(contents)],
			       i % 2 == 0 ? "ASC" : "DESC", i / 2 % 2 == 0 ? "true" : "false");
		buf_free(&cursor);
		struct http http = ask(fixture, query);
		assert_null(strstr(http.body, "\"errors\""));
		assert_member(http, "/data/runs/totalCount", "5");
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(order_of_starts, setup, teardown),
		cmocka_unit_test_setup_teardown(debug_runs, setup, teardown),
		cmocka_unit_test_setup_teardown(cursors_made_up, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
