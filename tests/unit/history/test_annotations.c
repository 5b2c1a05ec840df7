// Metadata and spans of users as rows of the table `spans`.
#include "history/annotations.h"
#include "history_test.h"
#include "model/limits.h"

#define AT 1795249333896ull
#define AT_NS (AT * 1000000)

static struct history_annotator *annotator;
static struct ulid run;
static char run_text[ULID_TEXT_LEN + 1];

static int open_annotator(void **state) {
	set_up(state);
	struct fixture *f = *state;
	struct history_item item = {.kind = HISTORY_RUN, .at_ms = AT};
	run = make_ulid(AT, 1);
	ulid_text(&run, run_text);
	item.run.run_id = run;
	item.run.event_id = make_ulid(AT, 2);
	item.run.function_id = make_uuid("f");
	write_item(f, &item);
	item = (struct history_item){.kind = HISTORY_FUNCTION, .at_ms = AT};
	item.function.id = make_uuid("f");
	item.function.app_id = make_uuid("a");
	item.function.name = item.function.slug = STR("f");
	item.function.config = STR("{}");
	write_item(f, &item);
	assert_ok(history_annotator_new(f->db, &annotator, &f->error), &f->error);
	return 0;
}
static int close_annotator(void **state) {
	history_annotator_free(annotator);
	return tear_down(state);
}

static struct metadata_record record(const char *kind, const char *values, size_t size) {
	return (struct metadata_record){.scope = METADATA_RUN,
					.kind = str_from_cstr(kind),
					.op = METADATA_MERGE,
					.values = str_from_cstr(values),
					.size = size};
}

static const struct metadata_target of_run = {.scope = METADATA_RUN};

static enum err annotate(struct fixture *f, const struct metadata_record *records, size_t count) {
	return history_annotate(annotator, &run, &of_run, records, count, AT_NS, &f->error);
}

static void metadata_rows(void **state) {
	struct fixture *f = *state;
	const struct metadata_record records[] = {
		record("userland.x", "{\"a\":\"\\\"\"}", 5),
		record("inngest.ai", "{\"request_model\":\"gpt-4o\",\"input_tokens\":1000,\"output_tokens\":500}", 60),
	};
	assert_ok(annotate(f, records, 2), &f->error);
	char expected[1024], trace_id[TRACE_ID_LEN + 1];
	struct span_id parent = span_id_run(&run);
	struct span_id dynamic = span_id_metadata(str_from_cstr(parent.text), STR("userland.x"));
	span_trace_id(&run, trace_id);
	snprintf(expected, sizeof expected,
		 "%s|%s|metadata|2026-11-21 08:22:13.896 +0000 UTC|2026-11-21 08:22:13.896 +0000 UTC|null|%s|"
		 "00000000-0000-4000-a000-000000000000|%s|",
		 trace_id, parent.text, dynamic.text, uuid_of("a"));
	snprintf(expected + strlen(expected), sizeof expected - strlen(expected),
		 "%s|%s|00000000-0000-4000-b000-000000000000|NULL|NULL|NULL", uuid_of("f"), run_text);
	assert_rows(
		f->db,
		"SELECT trace_id, parent_span_id, name, start_time, end_time, links, dynamic_span_id, account_id,"
		" app_id, function_id, run_id, env_id, status, output, input FROM spans ORDER BY start_time LIMIT 1",
		expected);
	snprintf(expected, sizeof expected,
		 "{\"_inngest.metadata.kind\":\"userland.x\",\"_inngest.metadata.op\":\"merge\","
		 "\"_inngest.metadata.scope\":\"run\",\"_inngest.metadata.values\":\"{\\\"a\\\":\\\"\\\\\\\"\\\"}\","
		 "\"_inngest.run.id\":\"%s\"}",
		 run_text);
	assert_rows(f->db, "SELECT attributes FROM spans ORDER BY start_time LIMIT 1", expected);
	assert_rows(f->db,
		    "SELECT start_time, json_extract(attributes, '$.\"_inngest.metadata.values\"') ->> 'estimated_cost'"
		    " FROM spans ORDER BY start_time LIMIT 1 OFFSET 1",
		    "2026-11-21 08:22:13.896000001 +0000 UTC|0.0075");
	assert_rows(f->db,
		    "SELECT count(*), count(DISTINCT span_id), min(length(span_id)), min(span_id = lower(span_id)) FROM"
		    " spans",
		    "2|2|16|1");
	assert_rows(f->db, "SELECT metadata_bytes, spans FROM engine_annotations", "65|0");
}

// Of two requests within a tick of the clock.
static void records_keep_their_order(void **state) {
	struct fixture *f = *state;
	const struct metadata_record first[] = {record("a", "{}", 0), record("b", "{}", 0)};
	const struct metadata_record second[] = {record("c", "{}", 0), record("d", "{}", 0)};
	assert_ok(annotate(f, first, 2), &f->error);
	assert_ok(annotate(f, second, 2), &f->error);
	assert_rows(f->db, "SELECT attributes ->> '$.\"_inngest.metadata.kind\"' FROM spans ORDER BY start_time",
		    "a;b;c;d");
	assert_rows(f->db, "SELECT count(DISTINCT start_time) FROM spans", "4");
}

static void targets(void **state) {
	struct fixture *f = *state;
	const struct metadata_record one = record("userland.x", "{}", 0);
	struct metadata_target step = {.scope = METADATA_STEP}, attempt, span;
	metadata_target_step(&step, STR("a"), 0);
	attempt = span = step;
	attempt.has_attempt = true;
	attempt.attempt = 3;
	span.scope = METADATA_EXTENDED_TRACE;
	memcpy(span.span_id, "1222ceb2701ceb83", SPAN_ID_LEN + 1);
	const struct metadata_target *all[] = {&of_run, &step, &attempt, &span};
	for (unsigned i = 0; i < ARRAY_LEN(all); i++)
		assert_ok(history_annotate(annotator, &run, all[i], &one, 1, AT_NS + i, &f->error), &f->error);
	struct str id = str_from_cstr(step.step);
	char expected[256];
	snprintf(expected, sizeof expected, "%s;%s;%s;1222ceb2701ceb83", span_id_run(&run).text, span_id_step(id).text,
		 span_id_attempt(id, 3).text);
	assert_rows(f->db, "SELECT parent_span_id FROM spans ORDER BY start_time", expected);
}

static void a_run_has_only_so_much(void **state) {
	struct fixture *f = *state;
	const struct metadata_record records[] = {
		record("a", "{}", METADATA_RUN_MAX - 10),
		record("b", "{}", 10),
		record("c", "{}", 1),
		record("d", "{}", 0),
	};
	assert_int_equal(annotate(f, records, 4), ERR_TOO_LARGE);
	const char *kinds = "SELECT attributes ->> '$.\"_inngest.metadata.kind\"' FROM spans ORDER BY start_time";
	assert_rows(f->db, kinds, "a;b");
	assert_int_equal(annotate(f, &records[2], 1), ERR_TOO_LARGE);
	assert_ok(annotate(f, &records[3], 1), &f->error);
	assert_rows(f->db, "SELECT metadata_bytes FROM engine_annotations", "1048576");
	assert_rows(f->db, "SELECT count(*) FROM spans", "3");
}

static void unknown_runs_get_nothing(void **state) {
	struct fixture *f = *state;
	struct ulid other = make_ulid(AT, 9);
	const struct metadata_record one = record("userland.x", "{\"a\":1}", 2);
	assert_ok(history_annotate(annotator, &other, &of_run, &one, 1, AT_NS, &f->error), &f->error);
	assert_ok(annotate(f, NULL, 0), &f->error);
	assert_rows(f->db, "SELECT (SELECT count(*) FROM spans), (SELECT count(*) FROM engine_annotations)", "0|0");
}

static struct userland_span user_span(const char *id) {
	struct userland_span span = {.run_id = run,
				     .function_id = make_uuid("f"),
				     .app_id = make_uuid("a"),
				     .trace_id = "41a0847972bf9c6fa980989993b092a2",
				     .parent_id = "00000000000000e1",
				     .start_ns = AT_NS + 1,
				     .end_ns = AT_NS + 2000000,
				     .status = "Completed",
				     .attributes = STR("{\"_inngest.userland\":true,\"k\":\"v\"}")};
	memcpy(span.id, id, SPAN_ID_LEN + 1);
	return span;
}

static void spans_of_users(void **state) {
	struct fixture *f = *state;
	struct metadata_record found = record("inngest.http", "{\"method\":\"GET\"}", 11);
	found.scope = METADATA_EXTENDED_TRACE;
	struct userland_span spans[4] = {user_span("00000000000000a1"), user_span("00000000000000a2"),
					 user_span("00000000000000a3"), user_span("00000000000000a1")};
	spans[0].metadata = spans[3].metadata = &found;
	spans[0].metadata_count = spans[3].metadata_count = 1;
	spans[1].run_id = make_ulid(AT, 9);
	spans[2].status = "Failed";
	size_t rejected;
	assert_ok(history_add_userland(annotator, spans, 4, &rejected, &f->error), &f->error);
	assert_int_equal(rejected, 1);
	char expected[512];
	snprintf(expected, sizeof expected,
		 "00000000000000a1|41a0847972bf9c6fa980989993b092a2|00000000000000e1|userland|"
		 "2026-11-21 08:22:13.896000001 +0000 UTC|2026-11-21 08:22:13.898 +0000 UTC|"
		 "{\"_inngest.userland\":true,\"k\":\"v\"}|null|00000000000000a1|%s|",
		 uuid_of("a"));
	snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%s|%s|Completed", uuid_of("f"),
		 run_text);
	assert_rows(
		f->db,
		"SELECT span_id, trace_id, parent_span_id, name, start_time, end_time, attributes, links,"
		" dynamic_span_id, app_id, function_id, run_id, status FROM spans WHERE span_id = '00000000000000a1'",
		expected);
	// The metadata of a span that was there already is not written again.
	assert_rows(
		f->db, "SELECT name, parent_span_id, status FROM spans ORDER BY name, span_id",
		"metadata|00000000000000a1|NULL;userland|00000000000000e1|Completed;userland|00000000000000e1|Failed");
	assert_rows(f->db, "SELECT metadata_bytes, spans FROM engine_annotations", "11|2");
}

static void a_run_has_only_so_many_spans(void **state) {
	struct fixture *f = *state;
	struct metadata_record large = record("inngest.http", "{}", METADATA_RUN_MAX + 1);
	struct userland_span spans[3] = {user_span("00000000000000a1"), user_span("00000000000000a2"),
					 user_span("00000000000000a3")};
	spans[0].metadata = &large;
	spans[0].metadata_count = 1;
	size_t rejected;
	assert_ok(history_add_userland(annotator, spans, 1, &rejected, &f->error), &f->error);
	assert_int_equal(rejected, 0);
	assert_rows(f->db, "SELECT count(*) FROM spans", "1");
	char sql[100];
	snprintf(sql, sizeof sql, "UPDATE engine_annotations SET spans = %u", RUN_USER_SPANS_MAX - 1);
	exec(f->db, sql);
	assert_ok(history_add_userland(annotator, spans + 1, 2, &rejected, &f->error), &f->error);
	assert_int_equal(rejected, 1);
	assert_rows(f->db, "SELECT count(*) FROM spans", "2");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(metadata_rows, open_annotator, close_annotator),
		cmocka_unit_test_setup_teardown(records_keep_their_order, open_annotator, close_annotator),
		cmocka_unit_test_setup_teardown(targets, open_annotator, close_annotator),
		cmocka_unit_test_setup_teardown(a_run_has_only_so_much, open_annotator, close_annotator),
		cmocka_unit_test_setup_teardown(unknown_runs_get_nothing, open_annotator, close_annotator),
		cmocka_unit_test_setup_teardown(spans_of_users, open_annotator, close_annotator),
		cmocka_unit_test_setup_teardown(a_run_has_only_so_many_spans, open_annotator, close_annotator),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
