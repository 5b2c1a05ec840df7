// Search: which texts are searches, what they match, and searches over lists of runs.
#include "history/search.h"
#include "runs_test.h"

// ---- Texts ---------------------------------------------------------------------------------------------------------

#define NAMES ": searches compare event.id, event.name, event.ts, event.v, event.data, event.user, output and error"

static const struct {
	const char *text, *message; // NULL message: it is a search
} texts[] = {
	{"event.name == \"a\"", NULL},
	{"event.data.a.b >= 1.5 && (output.x != null || !(error.message == \"m\"))", NULL},
	{"\n \t\nevent.ts < 5\r\n\n", NULL},
	{"output == \"done\" || error == null || event.data != null", NULL},
	{"foo.bar == 1", "nothing is called 'foo.bar'" NAMES},
	{"outputs == 1", "nothing is called 'outputs'" NAMES},
	{"event == 1", "nothing is called 'event'" NAMES},
	{"event.user.id == 1 || event.name == \"a\"", NULL},
	{"event.users.x == 1 || event.name == \"a\"", "nothing is called 'event.users.x'" NAMES},
	{"event.name == \"a\" && !(event.name.x == 1)", "nothing is called 'event.name.x'" NAMES},
	{"event.data.k", "macros are currently not supported"},
	{"event.name == \"a\" && event.data.k", "macros are currently not supported"},
	{"has(event.data.k)", "macros are currently not supported"},
	{"event.data.l.exists(x, x == 1)", "macros are currently not supported"},
	{"size(event.data.l.filter(x, x > 1)) == 1", "macros are currently not supported"},
	{"true", "invalid syntax detected"},
	{"1", "invalid syntax detected"},
	{"size(event.data.l) == 1", "invalid syntax detected"},
	{"event.data.s.startsWith(\"a\")", "invalid syntax detected"},
	{"event.data.s.contains(\"a\")", "invalid syntax detected"},
	{"event.data.n in [1, 2]", "invalid syntax detected"},
	{"event.data.n + 1 == 2", "invalid syntax detected"},
	{"event.data[\"s\"] == \"a\"", "invalid syntax detected"},
	{"event.data.a == event.data.b", "invalid syntax detected"},
	{"1 == 1", "invalid syntax detected"},
	{"event.data.a == [1]", "invalid syntax detected"},
	{"event.data.a == b\"x\"", "invalid syntax detected"},
	{"event.data.a == 1 ? event.data.b == 1 : event.data.c == 1", "invalid syntax detected"},
	{"event.ts == \"x\"", "expects 'event.ts' to be an integer: x"},
	{"event.ts == 1.5", "expects 'event.ts' to be an integer: 1.5"},
	{"event.id == 1", "expects 'event.id' to be a string: 1"},
	{"event.name == true", "expects 'event.name' to be a string: true"},
	{"null == event.v", "expects 'event.v' to be a string: null"},
	{"event.name >= \"a\"", "unsupported string operator: _>=_"},
	{"\"a\" < event.name", "unsupported string operator: _>_"},
	{"!(event.data.s > \"a\")", "unsupported string operator: _<=_"},
	{"event.data.b > true", "unsupported bool operator: _>_"},
	{"output.x <= null", "unsupported null operator: _<=_"},
	{"event.name ==", "Syntax error: mismatched input '<EOF>'\n | event.name =="},
	{"event.name == \"a\"\n(", "Syntax error: mismatched input '<EOF>'\n | ("},
};

static void test_texts(void **state) {
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct run_search *search;
		enum err err = run_search_new(&f->arena, str_from_cstr(texts[i].text), &search, &f->error);
		if ((err == ERR_OK) != (texts[i].message == NULL))
			fail_msg("%s: %s", texts[i].text, err == ERR_OK ? "taken" : f->error.message);
		if (err == ERR_OK) continue;
		assert_int_equal(err, ERR_INVALID);
		assert_string_equal(f->error.message, texts[i].message);
	}
}

static void test_empty_texts(void **state) {
	struct fixture *f = *state;
	static const char *const empty[] = {"", "\n", " \n\t\r\n  "};
	for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
		struct run_search *search;
		assert_ok(run_search_new(&f->arena, str_from_cstr(empty[i]), &search, &f->error), &f->error);
		assert_null(search);
	}
}

static void test_limits(void **state) {
	struct fixture *f = *state;
	struct run_search *search;
	struct buf text;
	buf_init(&text, 1u << 20);
	for (int i = 0; i < SEARCH_LINES_MAX; i++) buf_lit(&text, "event.ts > 1\n");
	assert_ok(run_search_new(&f->arena, buf_view(&text), &search, &f->error), &f->error);
	buf_lit(&text, "\n\nevent.ts > 1");
	assert_int_equal(run_search_new(&f->arena, buf_view(&text), &search, &f->error), ERR_INVALID);
	while (text.len <= SEARCH_TEXT_MAX) buf_lit(&text, "                ");
	assert_int_equal(run_search_new(&f->arena, buf_view(&text), &search, &f->error), ERR_INVALID);
	buf_clear(&text);
	for (int i = 0; i < 8000; i++) buf_byte(&text, i % 2 == 0 ? '!' : '(');
	assert_int_equal(run_search_new(&f->arena, buf_view(&text), &search, &f->error), ERR_INVALID);
	assert_non_null(strstr(f->error.message, "recursion"));
	buf_free(&text);
}

// ---- Matches -------------------------------------------------------------------------------------------------------

static bool matches(struct fixture *f, const char *text, const struct search_subject *subject) {
	struct run_search *search;
	assert_ok(run_search_new(&f->arena, str_from_cstr(text), &search, &f->error), &f->error);
	assert_non_null(search);
	return run_search_matches(search, subject);
}

static struct search_event make_event(const char *name, const char *data) {
	return (struct search_event){.internal_id = make_ulid(AT, 7),
				     .id = STR("client"),
				     .name = str_from_cstr(name),
				     .ts_ms = (int64_t)AT,
				     .data = str_from_cstr(data)};
}

#define DATA                                                                                                    \
	"{\"n\":5,\"big\":9007199254740993,\"f\":1.5,\"s\":\"text\",\"t\":true,\"z\":null,\"o\":{\"p\":{\"q\":" \
	"\"deep\"}},"                                                                                           \
	"\"l\":[1],\"d\":1,\"d\":2}"

static const struct {
	const char *text;
	bool matched;
} cases[] = {
	{"event.name == \"shop/order\"", true},
	{"event.name != \"shop/order\"", false},
	{"event.id == \"client\"", true},
	{"event.id == \"01M7YK5SQR0000000000000007\"", true},
	{"event.id != \"01M7YK5SQR0000000000000007\"", false},
	{"event.id != \"other\"", true},
	{"event.v == \"1\"", false}, // it has none
	{"event.v != \"1\"", false},
	{"event.ts == 1795249334008", true},
	{"event.ts > 1795249334007 && event.ts <= 1795249334008", true},
	{"event.ts < 1795249334008", false},
	{"event.data.n == 5", true},
	{"event.data.n == 5.0", true},
	{"event.data.n == 5u", true},
	{"event.data.n == -5", false},
	{"event.data.n > -5", true},
	{"4 < event.data.n", true}, // mirrored
	{"4 > event.data.n", false},
	{"event.data.f >= 1.5", true},
	{"event.data.s == \"text\"", true},
	{"event.data.s != \"other\"", true},
	{"event.data.s == 5", false},
	{"event.data.s != 5", true},
	{"event.data.s > 5", false},
	{"event.data.t == true", true},
	{"event.data.t != true", false},
	{"event.data.z == null", true},
	{"event.data.z != null", false},
	{"event.data.n != null", true},
	{"event.data.none == null", false},
	{"event.data.none != null", false},
	{"event.data.none != 5", false},
	{"!(event.data.none == 5)", false},
	{"event.data.o.p.q == \"deep\"", true},
	{"event.data.o.p.q.r == \"deep\"", false},
	{"event.data.l == 1", false},
	{"event.data.d == 2", true},
	{"!(event.data.n == 5 && event.data.t == false)", true}, // De Morgan
	{"!(event.data.n == 5 || event.data.t == false)", false},
	{"!(event.data.n < 5)", true},
	{"event.data.n == 5\nevent.data.t == true", true},
	{"event.data.n == 5\n\nevent.data.t == false", false},
	{"event.data != null", true}, // the whole
	{"event.data == null", false},
	{"event.user.id == \"u1\"", true},
	{"event.user.id != \"u1\"", false},
	{"event.user.none == null", false},
	{"event.user != null", true},
	{"output != null", true},
	{"output == \"ok\"", false},
	{"output.ok == true", true},
	{"output.sub.n == 1", true},
	{"output.none == 1", false},
	{"error.message == \"m\"", false},
	{"error.message != \"m\"", false},
	{"event.data.n == 5 && output.ok == true", true},
	{"event.data.n == 5 && output.ok == false", false},
};

static void test_matches(void **state) {
	struct fixture *f = *state;
	struct search_event event = make_event("shop/order", DATA);
	event.user = STR("{\"id\":\"u1\"}");
	struct search_subject subject = {.events = &event,
					 .event_count = 1,
					 .has_result = true,
					 .result = STR("{\"ok\":true,\"sub\":{\"n\":1}}")};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (matches(f, cases[i].text, &subject) != cases[i].matched) fail_msg("%s", cases[i].text);
	}
}

static void test_errors_and_texts(void **state) {
	struct fixture *f = *state;
	struct search_event event = make_event("e", "not json");
	struct search_subject subject = {.events = &event, .event_count = 1, .has_result = true, .has_failed = true};
	subject.result = STR("{\"name\":\"Error\",\"message\":\"m\"}");
	assert_true(matches(f, "error.message == \"m\"", &subject));
	assert_true(matches(f, "error.message != \"other\"", &subject));
	assert_false(matches(f, "output.message == \"m\"", &subject));
	assert_false(matches(f, "event.data.n == 5", &subject));
	assert_false(matches(f, "event.user == null", &subject));
	assert_false(matches(f, "event.user.id != \"u1\"", &subject));
	subject.has_failed = false;
	subject.result = STR("\"a bare string\"");
	assert_false(matches(f, "output.message == \"m\"", &subject));
	assert_true(matches(f, "output == \"a bare string\"", &subject));
	assert_false(matches(f, "output != \"a bare string\"", &subject));
	assert_false(matches(f, "error == \"a bare string\"", &subject));
	subject.result = STR("41");
	assert_true(matches(f, "output > 40", &subject));
	subject.has_result = false; // under way
	assert_false(matches(f, "output.message != \"m\"", &subject));
}

// Any one event of a batch, but one for the whole line.
static void test_batch(void **state) {
	struct fixture *f = *state;
	struct search_event events[] = {make_event("a", "{\"n\":1}"), make_event("b", "{\"n\":2}")};
	struct search_subject subject = {
		.events = events, .event_count = 2, .has_result = true, .result = STR("{\"x\":1}")};
	assert_true(matches(f, "event.data.n == 2", &subject));
	assert_true(matches(f, "event.data.n == 1\nevent.data.n == 2", &subject));
	assert_false(matches(f, "event.data.n == 1 && event.name == \"b\"", &subject));
	assert_true(matches(f, "event.data.n == 2 && output.x == 1", &subject));
	subject.event_count = 0;
	assert_false(matches(f, "event.data.n == 2", &subject));
	assert_true(matches(f, "output.x == 1", &subject));
}

// ---- Over runs -----------------------------------------------------------------------------------------------------

#define RUNS 200

static void add_searched_runs(struct fixture *f) {
	for (int i = 0; i < RUNS; i++) {
		char data[64];
		struct test_run run = {.id = make_ulid(AT + (uint64_t)i / 3, (uint8_t)i),
				       .function_id = make_uuid("f0")};
		run.event_id = make_ulid(AT, (uint8_t)i);
		run.status = i % 10 == 0 ? TRACE_RUN_FAILED : i % 7 == 0 ? TRACE_RUN_RUNNING : TRACE_RUN_COMPLETED;
		run.started_ms = (int64_t)AT + i;
		run.ended_ms = run.status == TRACE_RUN_RUNNING ? NONE : (int64_t)AT + 1000 - i;
		(void)snprintf(data, sizeof data, "{\"n\":%d}", i);
		add_event_data(f, &run.event_id, i % 2 == 0 ? "even" : "odd", data);
		add_run(f, &run);
		(void)snprintf(data, sizeof data, "{\"message\":\"m%d\"}", i);
		if (run.ended_ms != NONE)
			add_finish(f, &run.id, run.status == TRACE_RUN_FAILED ? "Failed" : "Completed", data);
	}
}

static struct run_query search_query(struct fixture *f, const char *text) {
	struct run_query query = make_query();
	struct run_search *search;
	assert_ok(run_search_new(&f->arena, str_from_cstr(text), &search, &f->error), &f->error);
	query.search = search;
	query.orders[0].descending = true;
	query.order_count = 1;
	query.budget_ms = 3600000;
	return query;
}

static size_t count_found(struct fixture *f, const char *text) {
	struct run_query query = search_query(f, text);
	uint64_t count;
	bool is_cut;
	assert_ok(history_runs_count(f->reader, &query, &count, &is_cut, &f->error), &f->error);
	assert_false(is_cut);
	return (size_t)count;
}

static void test_runs(void **state) {
	struct fixture *f = *state;
	add_searched_runs(f);
	assert_int_equal(count_found(f, "event.name == \"even\""), RUNS / 2);
	assert_int_equal(count_found(f, "event.data.n < 50"), 50);
	exec(f->db, "UPDATE events SET event_user = CASE event_data WHEN '{\"n\":3}' THEN '{\"id\":\"u3\"}' WHEN"
		    " '{\"n\":4}' THEN '{}' ELSE event_user END");
	assert_int_equal(count_found(f, "event.user.id == \"u3\""), 1);
	assert_int_equal(count_found(f, "event.user != 1"), 1); // others have none
	assert_int_equal(count_found(f, "error.message == \"m20\""), 1);
	assert_int_equal(count_found(f, "output.message == \"m20\""), 0);
	assert_int_equal(count_found(f, "output.message == \"m21\""), 0); // under way
	assert_int_equal(count_found(f, "output.message == \"m22\" && event.data.n == 22"), 1);
	struct run_query query = search_query(f, "event.data.n >= 100 && event.name == \"even\"");
	struct run_page page;
	query.limit = 10;
	struct run_cursor cursor;
	int expected = RUNS - 2;
	for (bool more = true; more; query.after = &cursor, more = page.has_more) {
		assert_ok(history_runs(f->reader, &f->arena, &query, &page, &f->error), &f->error);
		for (size_t i = 0; i < page.count; i++) {
			if (page.rows[i].event_id.bytes[15] % 2 != 0) fail_msg("an odd one");
			expected -= 2;
		}
		assert_int_equal(page.count, 10);
		cursor = page.end;
	}
	assert_int_equal(expected, 98);
}

// However short the time is, a search gets on from page to page, and finds everything in the end.
static void test_cut_searches_get_on(void **state) {
	struct fixture *f = *state;
	static const enum run_time orders[] = {RUN_TIME_QUEUED, RUN_TIME_ENDED};
	add_searched_runs(f);
	for (size_t i = 0; i < 4; i++) {
		struct run_query query =
			search_query(f, "event.data.n == 3 || event.data.n == 21 || event.data.n == 150");
		struct run_page page = {.has_more = true};
		struct run_cursor cursor;
		size_t found = 0, pages = 0;
		query.orders[0] = (struct run_order){orders[i / 2], i % 2 == 0};
		query.budget_ms = 1;
		query.limit = 2;
		for (; page.has_more; query.after = &cursor, pages++) {
			assert_ok(history_runs(f->reader, &f->arena, &query, &page, &f->error), &f->error);
			found += page.count;
			cursor = page.end;
			assert_true(pages <= RUNS);
		}
		assert_int_equal(found, 3);
	}
}

static void test_runs_of_a_batch(void **state) {
	struct fixture *f = *state;
	struct test_run run = {
		.id = make_ulid(AT, 1), .status = TRACE_RUN_COMPLETED, .started_ms = NONE, .ended_ms = 5};
	struct ulid other = make_ulid(AT, 9);
	struct history_item item = {.kind = HISTORY_EVENT_BATCH, .at_ms = AT};
	char ids[80], first[ULID_TEXT_LEN + 1], second[ULID_TEXT_LEN + 1];
	run.event_id = make_ulid(AT, 8);
	ulid_text(&run.event_id, first);
	ulid_text(&other, second);
	(void)snprintf(ids, sizeof ids, "%s,%s", first, second);
	add_event_data(f, &run.event_id, "a", "{\"n\":1}");
	add_event_data(f, &other, "b", "{\"n\":2}");
	add_run(f, &run);
	item.event_batch.batch_id = make_ulid(AT, 3);
	item.event_batch.run_id = run.id;
	item.event_batch.event_ids = str_from_cstr(ids);
	write_item(f, &item);
	assert_int_equal(count_found(f, "event.data.n == 2"), 1);
	assert_int_equal(count_found(f, "event.data.n == 2 && event.name == \"a\""), 0);
	assert_int_equal(count_found(f, "event.ts == 1795249334008"), 1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_texts, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_empty_texts, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_limits, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_matches, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_errors_and_texts, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_batch, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_runs, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_cut_searches_get_on, set_up_runs, tear_down),
		cmocka_unit_test_setup_teardown(test_runs_of_a_batch, set_up_runs, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
