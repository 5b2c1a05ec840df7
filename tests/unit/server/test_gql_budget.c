// What a single request to GraphQL may cost: memory, counted in the arena of its execution, time, and work. Straight to
// the executor, so that all of it can be counted.
#include "server/gql/gql.h"
#include "v2_fixture.h"

#define TOO_LARGE "{\"errors\":[{\"message\":\"" GQL_TOO_LARGE "\"}],\"data\":null}"
#define MIB ((size_t)1 << 20)

enum { RUNS = 40, ALIASES = 1400, ALIASES_OF_ROOTS = 700, TEXT_BYTES = 1 << 20 }; // GQL_TOKENS_MAX allows no more
static const struct uuid app_id = {{1}}, function_id = {{2}};
static struct ulid event_id;
static char event_id_text[ULID_TEXT_LEN + 1], run_text[ULID_TEXT_LEN + 1];

// A JSON string.
static struct payload *large_text(void) {
	struct buf text;
	buf_init(&text, 2 * TEXT_BYTES);
	buf_lit(&text, "{\"text\":\"");
	while (text.len < TEXT_BYTES) buf_lit(&text, "xxxxxxxxxxxxxxxx");
	buf_lit(&text, "\"}");
	struct payload *payload = payload_new(buf_view(&text));
	buf_free(&text);
	return payload;
}

static void write_one_run(struct history_writer *writer, uint64_t now_ms, uint8_t i, struct payload *output) {
	struct history_item item = {.kind = HISTORY_RUN, .at_ms = now_ms - 1000};
	item.run.run_id = make_id(now_ms - 1000, i);
	item.run.event_id = event_id;
	item.run.function_id = function_id;
	write_item(writer, &item);
	if (i == 0) ulid_text(&item.run.run_id, run_text);
	struct history_item end = {.kind = HISTORY_FINISH, .at_ms = now_ms};
	end.finish.run_id = item.run.run_id;
	end.finish.status = "Completed";
	end.finish.output = output;
	write_item(writer, &end);
}

static void write_history(struct history_writer *writer, uint64_t now_ms) {
	struct payload *large = large_text();
	write_app(writer, now_ms, &app_id, "app");
	write_function(writer, now_ms, &app_id, &function_id, "app-hello");
	for (uint8_t i = 0; i < RUNS; i++) {
		struct history_item event = {.kind = HISTORY_EVENT, .at_ms = now_ms - 2000};
		event.event.internal_id = make_id(now_ms - 2000, i);
		event.event.id = STR("mine");
		event.event.name = STR("a/b");
		event.event.text = large;
		event.event.data = payload_str(large);
		event.event.ts_ms = 1700000000123;
		write_item(writer, &event);
		event_id = event.event.internal_id;
	}
	ulid_text(&event_id, event_id_text);
	for (uint8_t i = 0; i < RUNS; i++) write_one_run(writer, now_ms, i, large);
	payload_unref(large);
}

struct world {
	struct fixture *fixture;
	struct server server;
	struct gql_schema *schema;
	struct gql_limits limits;
	size_t reply_max;
	size_t arena_bytes; // of the last execution
	struct buf reply;
};

static int setup(void **state) {
	struct world *world = mem_calloc(1, sizeof *world);
	world->fixture = history_fixture_start(write_history);
	world->server.config = (struct server_config){.post = fixture_post,
						      .reader_borrow = fixture_borrow,
						      .reader_return = fixture_return,
						      .history_of = fixture_history,
						      .context = world->fixture};
	world->limits = (struct gql_limits){.depth = GQL_DEPTH_MAX, .cost = GQL_COST_MAX, .bytes = GQL_MEMORY_MAX};
	world->reply_max = GQL_REPLY_MAX;
	struct error error;
	if (gql_api_schema(&world->schema, &error) != ERR_OK) fail_msg("%s", error.message);
	*state = world;
	return 0;
}
static int teardown(void **state) {
	struct world *world = *state;
	gql_schema_free(world->schema);
	history_fixture_stop(world->fixture);
	buf_free(&world->reply);
	free(world);
	return 0;
}

// Leaves the reply and what it took.
static struct str ask(struct world *world, struct str query) {
	struct arena arena = {0};
	struct gql_context context = {.server = &world->server,
				      .arena = &arena,
				      .deadline_ns =
					      world->limits.deadline_ns != NULL ? *world->limits.deadline_ns : 0};
	struct gql_request request = {.query = query};
	buf_free(&world->reply);
	buf_init(&world->reply, world->reply_max);
	assert_int_equal(gql_execute(world->schema, &context, &arena, &request, &world->limits, &world->reply), 200);
	context_end(&context);
	world->arena_bytes = arena.bytes;
	arena_free(&arena);
	return buf_view(&world->reply);
}

static void assert_starts(struct str reply, const char *start) {
	if (!str_starts_with(reply, str_from_cstr(start))) fail_msg("%.*s", STR_ARG(str_first(reply, 300)));
}

// `before`, so many fields that `format` makes out of their number, `after`.
static struct str query_of(struct buf *query, const char *before, const char *field, size_t count, const char *after) {
	buf_init(query, SIZE_MAX);
	buf_str(query, str_from_cstr(before));
	for (size_t i = 0; i < count; i++) buf_printf(query, " a%zu: %s", i, field);
	buf_str(query, str_from_cstr(after));
	return buf_view(query);
}

static void expect_bounded(struct world *world, const char *before, const char *field, const char *after) {
	struct buf query;
	// As many as fit: one text, however often it is shown.
	struct str reply = ask(world, query_of(&query, before, field, 8, after));
	if (!str_starts_with(reply, STR("{\"data\":{"))) fail_msg("%.*s", STR_ARG(str_first(reply, 300)));
	assert_true(reply.len > 8 * (size_t)TEXT_BYTES);
	assert_in_range(world->arena_bytes, TEXT_BYTES, 4 * TEXT_BYTES);
	buf_free(&query);
	bool of_root = strcmp(before, "{") == 0;
	reply = ask(world, query_of(&query, before, field, of_root ? ALIASES_OF_ROOTS : ALIASES, after));
	assert_starts(reply, TOO_LARGE);
	// Places and values for each alias; the reply is not even begun.
	assert_in_range(world->arena_bytes, TEXT_BYTES, 8 * MIB);
	assert_in_range(world->reply.cap, 1, MIB);
	buf_free(&query);
}

static void aliases_share_their_text(void **state) {
	struct world *world = *state;
	char before[200], field[200];
	(void)snprintf(before, sizeof before, "{run(runID: \"%s\") {", run_text);
	expect_bounded(world, before, "output", "}}");
	(void)snprintf(before, sizeof before, "{eventV2(id: \"%s\") {", event_id_text);
	expect_bounded(world, before, "raw", "}}");
	(void)snprintf(before, sizeof before, "{event(query: {eventId: \"%s\"}) {", event_id_text);
	expect_bounded(world, before, "payload", "}}");
	expect_bounded(world, before, "raw", "}}");
	(void)snprintf(field, sizeof field, "run(runID: \"%s\") {output}", run_text);
	expect_bounded(world, "{", field, "}");
	(void)snprintf(field, sizeof field, "functionRun(query: {functionRunId: \"%s\"}) {output}", run_text);
	expect_bounded(world, "{", field, "}");
	(void)snprintf(field, sizeof field, "event(query: {eventId: \"%s\"}) {raw}", event_id_text);
	expect_bounded(world, "{", field, "}");
}

#define RUN_LIST(selection) "{runs(orderBy: [], filter: {from: \"2020-01-01T00:00:00Z\"}) {" selection "}}"

// Of different objects each has its text, as long as there is room.
static void loading_ends_when_the_memory_is_spent(void **state) {
	struct world *world = *state;
	char query[300];
	(void)snprintf(query, sizeof query, "{eventV2(id: \"%s\") {runs {output}}}", event_id_text);
	assert_starts(ask(world, str_from_cstr(query)), "{\"data\":{\"eventV2\":{\"runs\":[{\"output\":\"{\\\"text");
	assert_in_range(world->arena_bytes, RUNS * TEXT_BYTES, (RUNS + 4) * TEXT_BYTES);
	world->limits.bytes = 10 * MIB;
	assert_starts(ask(world, str_from_cstr(query)), TOO_LARGE);
	assert_in_range(world->arena_bytes, 10 * MIB, 14 * MIB);
	// What nobody asks for is not loaded.
	assert_starts(ask(world, STR("{eventsV2(filter: {from: \"2020-01-01T00:00:00Z\"}) {edges {node {name}}}}")),
		      "{\"data\":{\"eventsV2\":{\"edges\":[{\"node\":{\"name\":\"a/b\"}},");
	assert_in_range(world->arena_bytes, 1, MIB);
	assert_starts(ask(world, STR("{stream(query: {limit: 40}) {id}}")), "{\"data\":{\"stream\":[{\"id\":");
	assert_in_range(world->arena_bytes, 1, MIB);
	assert_starts(ask(world, STR(RUN_LIST("edges {node {id}}"))), "{\"data\":{\"runs\":{\"edges\":[{");
	assert_in_range(world->arena_bytes, 1, MIB);
}

// A page of large events ends early, and can be gone on from.
static void pages_of_large_events_end_early(void **state) {
	struct world *world = *state;
	char query[400];
	const char *ask_format = "{eventsV2(filter: {from: \"2020-01-01T00:00:00Z\"}%s) {"
				 "edges {node {id raw}} pageInfo {hasNextPage endCursor}}}";
	char after[200] = "";
	size_t seen = 0, pages = 0;
	bool has_more = true;
	for (; has_more; pages++) {
		(void)snprintf(query, sizeof query, ask_format, after);
		struct str reply = ask(world, str_from_cstr(query));
		assert_in_range(world->arena_bytes, MIB, 3 * (size_t)HISTORY_PAGE_BYTES);
		yyjson_doc *doc = json_read(reply, false, NULL, NULL);
		yyjson_val *list = yyjson_ptr_get(yyjson_doc_get_root(doc), "/data/eventsV2");
		seen += yyjson_arr_size(yyjson_obj_get(list, "edges"));
		yyjson_val *info = yyjson_obj_get(list, "pageInfo");
		has_more = yyjson_is_true(yyjson_obj_get(info, "hasNextPage"));
		const char *end = yyjson_get_str(yyjson_obj_get(info, "endCursor"));
		assert_true(!has_more || end != NULL);
		(void)snprintf(after, sizeof after, ", after: \"%s\"", end != NULL ? end : "");
		yyjson_doc_free(doc);
	}
	assert_int_equal(seen, RUNS);
	assert_in_range(pages, 2, 4);
}

// Lists and counts are few in a request; they are counted before the first is begun.
static void lists_and_counts_cost_more(void **state) {
	struct world *world = *state;
	struct buf query;
	assert_starts(ask(world, query_of(&query, "{runs(orderBy: [], filter: {from: \"2020-01-01T00:00:00Z\"}) {",
					  "totalCount", 100, "}}")),
		      "{\"data\":{\"runs\":{\"a0\":40,\"a1\":40,");
	buf_free(&query);
	assert_starts(ask(world, query_of(&query, "{runs(orderBy: [], filter: {from: \"2020-01-01T00:00:00Z\"}) {",
					  "totalCount", ALIASES, "}}")),
		      TOO_LARGE);
	buf_free(&query);
	assert_starts(ask(world, query_of(&query, "{",
					  "runs(orderBy: [], filter: {from: \"2020-01-01T00:00:00Z\", query: "
					  "\"event.data.x == 1\"}) {edges {node {id}}}",
					  ALIASES_OF_ROOTS, "}")),
		      TOO_LARGE);
	assert_in_range(world->arena_bytes, 1, 8 * MIB);
	buf_free(&query);
}

// So do fields that read for each object.
static void what_reads_for_each_object_costs_more(void **state) {
	static const char *const fields[] = {"defers {fnSlug}", "siblingDefers {fnSlug}", "deferredFrom {runID}"};
	static const char *const roots[] = {"debugSession(query: {functionSlug: \"x\", debugSessionID: "
					    "\"01K00000000000000000000000\"}) {debugRuns {status}}",
					    "debugRun(query: {functionSlug: \"x\", debugRunID: "
					    "\"01K00000000000000000000000\"}) {debugTraces {name}}"};
	struct world *world = *state;
	struct buf query;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const char *before = "{runs(orderBy: [], filter: {from: \"2020-01-01T00:00:00Z\"}) {edges {node {";
		assert_starts(ask(world, query_of(&query, before, fields[i], 10, "}}}}")),
			      "{\"data\":{\"runs\":{\"edges\":[{");
		buf_free(&query);
		assert_starts(ask(world, query_of(&query, before, fields[i], 500, "}}}}")), TOO_LARGE);
		buf_free(&query);
	}
	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		assert_starts(ask(world, query_of(&query, "{", roots[i], 10, "}")), "{\"data\":{\"a0\":");
		buf_free(&query);
		assert_starts(ask(world, query_of(&query, "{", roots[i], 400, "}")), TOO_LARGE);
		buf_free(&query);
	}
}

static void time_is_limited(void **state) {
	struct world *world = *state;
	static const uint64_t over_ns = 1;
	world->limits.deadline_ns = &over_ns;
	static const char late[] =
		"{\"errors\":[{\"message\":\"" GQL_TOO_LATE "\",\"path\":[\"runs\"]}],\"data\":null}";
	assert_starts(ask(world, STR(RUN_LIST("totalCount"))), late);
	// A reader that is given back has no limit.
	assert_non_null(fixture_borrow(world->fixture));
	struct error error;
	uint64_t count;
	bool is_cut;
	struct run_query all = {.from_ns = INT64_MIN, .until_ns = INT64_MAX};
	assert_int_equal(history_runs_count(world->fixture->history, &all, &count, &is_cut, &error), ERR_OK);
	fixture_return(world->fixture, world->fixture->reader);
	assert_int_equal(count, RUNS);
	// Whoever reads before each of many things hears of it, too.
	struct arena arena = {0};
	struct gql_context context = {.server = &world->server, .arena = &arena, .deadline_ns = 1};
	assert_null(context_reader(&context, &error));
	assert_string_equal(error.message, GQL_TOO_LATE);
	context.deadline_ns = 0;
	arena_limit(&arena, 1);
	(void)arena_alloc(&arena, 100);
	assert_null(context_reader(&context, &error));
	assert_string_equal(error.message, GQL_TOO_LARGE);
	context_end(&context);
	arena_free(&arena);
}

// Waiting for an app is not the request's own time, and has an end of its own.
static void waiting_outside_does_not_count(void **state) {
	struct world *world = *state;
	struct work *work = &world->server.work;
	work_init(work);
	work->busy = 1; // this thread
	struct arena arena = {0};
	struct error error;
	struct gql_context context = {.server = &world->server, .arena = &arena};
	uint64_t deadline_ns = clock_mono_ns() + 600000000000ull;
	context.deadline_ns = deadline_ns;
	assert_non_null(context_reader(&context, &error));
	assert_true(context_step_out(&context, &error));
	assert_null(context.reading.store); // others may have it
	uint64_t before_ns = clock_mono_ns();
	while (clock_mono_ns() < before_ns + 1000000) continue;
	context_step_in(&context);
	assert_true(context.deadline_ns >= deadline_ns + 1000000);
	assert_true(context.outside_ns >= 1000000);
	assert_int_equal(context.deadline_ns - deadline_ns, context.outside_ns);
	context.outside_ns = OUTSIDE_TIME_MAX_MS * 1000000ull;
	assert_false(context_step_out(&context, &error));
	assert_string_equal(error.message, "the request waits too long for apps");
	context_end(&context);
	arena_free(&arena);
	work_stop(work);
	work_free(work);
}

static void filters_have_so_many_values(void **state) {
	static const struct {
		const char *before, *value, *after, *message;
	} cases[] = {
		{"{it: runs(orderBy: [], filter: {from: \"2020-01-01T00:00:00Z\", functionIDs: [",
		 "\"00000000-0000-0000-0000-000000000001\"", "]}) {totalCount}}",
		 "error retrieving runs: functionIDs has more than 1000 values"},
		{"{it: runs(orderBy: [], filter: {from: \"2020-01-01T00:00:00Z\", status: [", "RUNNING",
		 "]}) {totalCount}}", "error retrieving runs: status has more than 1000 values"},
		{"{it: eventsV2(filter: {from: \"2020-01-01T00:00:00Z\", eventNames: [", "\"a\"", "]}) {totalCount}}",
		 "error retrieving events: eventNames has more than 1000 values"},
		{"{it: workerConnections(orderBy: [], filter: {appIDs: [", "\"00000000-0000-0000-0000-000000000001\"",
		 "]}) {totalCount}}", "error retrieving worker connections: appIDs has more than 1000 values"},
	};
	struct world *world = *state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t count = FILTER_VALUES_MAX; count <= FILTER_VALUES_MAX + 1; count++) {
			char refusal[300];
			struct buf query;
			buf_init(&query, SIZE_MAX);
			buf_str(&query, str_from_cstr(cases[i].before));
			for (size_t k = 0; k < count; k++) buf_printf(&query, " %s", cases[i].value);
			buf_str(&query, str_from_cstr(cases[i].after));
			(void)snprintf(refusal, sizeof refusal,
				       "{\"errors\":[{\"message\":\"%s\",\"path\":[\"it\"]}],\"data\":null}",
				       cases[i].message);
			bool is_fine = count == FILTER_VALUES_MAX;
			assert_starts(ask(world, buf_view(&query)), is_fine ? "{\"data\":{\"it\":{" : refusal);
			buf_free(&query);
		}
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(aliases_share_their_text, setup, teardown),
		cmocka_unit_test_setup_teardown(loading_ends_when_the_memory_is_spent, setup, teardown),
		cmocka_unit_test_setup_teardown(pages_of_large_events_end_early, setup, teardown),
		cmocka_unit_test_setup_teardown(lists_and_counts_cost_more, setup, teardown),
		cmocka_unit_test_setup_teardown(what_reads_for_each_object_costs_more, setup, teardown),
		cmocka_unit_test_setup_teardown(time_is_limited, setup, teardown),
		cmocka_unit_test_setup_teardown(waiting_outside_does_not_count, setup, teardown),
		cmocka_unit_test_setup_teardown(filters_have_so_many_values, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
