#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "model/event.h"
#include "model/limits.h"

#define NOW 1700000000123ull

static const struct ulid id = {{0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x7b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}};
#define ID_TEXT "01HF7YAT3V041061050R3GG28A"

struct fixture {
	struct arena arena;
	struct event event;
	struct error error;
	yyjson_doc *doc;
};

static int setup(void **state) {
	struct fixture *fixture = mem_calloc(1, sizeof(*fixture));
	arena_init(&fixture->arena, 0);
	*state = fixture;
	return 0;
}

static void clear(struct fixture *fixture) {
	event_release(&fixture->event);
	yyjson_doc_free(fixture->doc);
	fixture->doc = NULL;
	memset(&fixture->event, 0, sizeof(fixture->event));
}

static int teardown(void **state) {
	struct fixture *fixture = *state;
	clear(fixture);
	arena_free(&fixture->arena);
	free(fixture);
	return 0;
}

static enum err parse(struct fixture *fixture, const char *text) {
	clear(fixture);
	fixture->doc = json_read(str_from_cstr(text), false, NULL, &fixture->error);
	if (fixture->doc == NULL) fail_msg("%s: %s", text, fixture->error.message);
	return event_parse(&fixture->arena, yyjson_doc_get_root(fixture->doc), &id, false, NOW, &fixture->event,
			   &fixture->error);
}

static void expect_text(struct fixture *fixture, const char *text, const char *stored) {
	if (parse(fixture, text) != ERR_OK) fail_msg("%s: %s", text, fixture->error.message);
	struct str found = payload_str(fixture->event.text);
	if (!str_eq_cstr(found, stored)) fail_msg("%s\ngave %.*s", text, STR_ARG(found));
	struct buf canonical;
	buf_init(&canonical, SIZE_MAX);
	assert_int_equal(json_canonicalise(&canonical, found, NULL), ERR_OK);
	assert_true(str_eq(buf_view(&canonical), found));
	buf_free(&canonical);
}

static void expect_error(struct fixture *fixture, const char *text, const char *message) {
	if (parse(fixture, text) == ERR_OK) fail_msg("taken: %s", text);
	if (strcmp(fixture->error.message, message) != 0) fail_msg("%s\ngave %s", text, fixture->error.message);
}

#define expect_str(s, text)                                                                    \
	do {                                                                                   \
		if (!str_eq_cstr((s), (text))) fail_msg("%.*s is not %s", STR_ARG(s), (text)); \
	} while (0)

static void stored_form_is_canonical(void **state) {
	expect_text(*state, "{\"name\":\"a\"}",
		    "{\"data\":null,\"id\":\"" ID_TEXT "\",\"name\":\"a\",\"ts\":1700000000123,\"user\":{}}");
	expect_text(*state,
		    "{\"v\":\"2\",\"ts\":1600000000000,\"name\":\"a/b\",\"id\":\"x\",\"user\":{\"z\":1,\"y\":2},"
		    "\"data\":{\"b\":1.50,\"a\":[]},\"other\":1}",
		    "{\"data\":{\"a\":[],\"b\":1.5},\"id\":\"x\",\"name\":\"a/b\",\"ts\":1600000000000,"
		    "\"user\":{\"y\":2,\"z\":1},\"v\":\"2\"}");
	expect_text(*state,
		    "{\"name\":\"a\",\"data\":null,\"user\":null,\"ts\":null,\"v\":null,\"id\":null,\"meta\":null}",
		    "{\"data\":null,\"id\":\"" ID_TEXT "\",\"name\":\"a\",\"ts\":1700000000123,\"user\":{}}");
}

static void slices_show_the_parts(void **state) {
	struct fixture *fixture = *state;
	assert_int_equal(parse(fixture,
			       "{\"name\":\"q\\\"\\n\\u00e9\",\"id\":\"plain\",\"v\":\"\\\\\",\"data\":{\"a\":1},"
			       "\"user\":{\"b\":2},\"ts\":1600000000000}"),
			 ERR_OK);
	expect_str(fixture->event.name, "q\"\n\xc3\xa9");
	expect_str(fixture->event.id, "plain");
	expect_str(fixture->event.v, "\\");
	expect_str(fixture->event.data, "{\"a\":1}");
	expect_str(fixture->event.user, "{\"b\":2}");
	assert_int_equal(fixture->event.ts_ms, 1600000000000);
	assert_int_equal(fixture->event.received_ms, NOW);
	assert_true(fixture->event.stable_id);
	assert_int_equal(fixture->event.invoke_fn_id.len, 0);
	assert_int_equal(parse(fixture, "{\"name\":\"a\"}"), ERR_OK);
	expect_str(fixture->event.id, ID_TEXT);
	expect_str(fixture->event.data, "null");
	assert_false(fixture->event.stable_id);
}

static void names_match_in_any_case_and_objects_merge(void **state) {
	expect_text(
		*state, "{\"Name\":\"a\",\"DATA\":{\"a\":1,\"c\":3},\"data\":{\"b\":2,\"a\":9},\"ID\":\"i\"}",
		"{\"data\":{\"a\":9,\"b\":2,\"c\":3},\"id\":\"i\",\"name\":\"a\",\"ts\":1700000000123,\"user\":{}}");
	expect_text(*state, "{\"name\":\"a\",\"name\":\"b\",\"user\":{\"a\":1},\"USER\":{\"b\":1}}",
		    "{\"data\":null,\"id\":\"" ID_TEXT
		    "\",\"name\":\"b\",\"ts\":1700000000123,\"user\":{\"a\":1,\"b\":1}}");
}

static void reserved_member_of_data_is_dropped(void **state) {
	expect_text(*state, "{\"name\":\"a\",\"data\":{\"b\":1,\"_inngest\":{\"fn_id\":\"x\"},\"a\":{\"_inngest\":1}}}",
		    "{\"data\":{\"a\":{\"_inngest\":1},\"b\":1},\"id\":\"" ID_TEXT
		    "\",\"name\":\"a\",\"ts\":1700000000123,\"user\":{}}");
	expect_text(*state, "{\"name\":\"a\",\"data\":{\"_inngest\":1}}",
		    "{\"data\":{},\"id\":\"" ID_TEXT "\",\"name\":\"a\",\"ts\":1700000000123,\"user\":{}}");
}

static void times_may_be_numbers_or_rfc_3339(void **state) {
	struct fixture *fixture = *state;
	static const struct {
		const char *ts;
		uint64_t ms;
	} cases[] = {
		{"0", NOW},
		{"315532800000", 315532800000},
		{"4102444800000", 4102444800000},
		{"\"2023-11-14T22:13:20.5Z\"", 1700000000500},
		{"\"2023-11-14T23:13:20+01:00\"", 1700000000000},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[128];
		snprintf(text, sizeof(text), "{\"name\":\"a\",\"ts\":%s}", cases[i].ts);
		assert_int_equal(parse(fixture, text), ERR_OK);
		assert_int_equal(fixture->event.ts_ms, cases[i].ms);
	}
	expect_error(fixture, "{\"name\":\"a\",\"ts\":1}", "timestamp is before Jan 1, 1980");
	expect_error(fixture, "{\"name\":\"a\",\"ts\":-5}", "timestamp is before Jan 1, 1980");
	expect_error(fixture, "{\"name\":\"a\",\"ts\":\"1970-01-02T00:00:00Z\"}", "timestamp is before Jan 1, 1980");
	expect_error(fixture, "{\"name\":\"a\",\"ts\":4102444800001}", "timestamp is after Jan 1, 2100");
	expect_error(fixture, "{\"name\":\"a\",\"ts\":\"yesterday\"}",
		     "event member ts is not RFC 3339 text: yesterday");
	expect_error(fixture, "{\"name\":\"a\",\"ts\":1.5}",
		     "event member ts should be an integer of milliseconds or RFC 3339 text, got a number");
	expect_error(fixture, "{\"name\":\"a\",\"ts\":[]}",
		     "event member ts should be an integer of milliseconds or RFC 3339 text, got an array");
}

static void bad_events_are_refused_in_order(void **state) {
	expect_error(*state, "{}", "event name is empty");
	expect_error(*state, "null", "event name is empty");
	expect_error(*state, "{\"name\":\"\",\"ts\":1}", "event name is empty");
	expect_error(*state, "{\"name\":\"InnGest/x\",\"ts\":1}", "event name is reserved for internal use: InnGest/x");
	expect_error(*state, "{\"name\":1}", "event member name should be a string, got a number");
	expect_error(*state, "{\"name\":\"inngest/x\",\"data\":[]}",
		     "event member data should be an object, got an array");
	expect_error(*state, "{\"name\":\"a\",\"user\":\"u\"}", "event member user should be an object, got a string");
	expect_error(*state, "{\"name\":\"a\",\"id\":7}", "event member id should be a string, got a number");
	expect_error(*state, "{\"name\":\"a\",\"meta\":7}", "event member meta should be an object, got a number");
	expect_error(*state, "[]", "an event should be an object, got an array");
	expect_error(*state, "7", "an event should be an object, got a number");
}

#define WITH_META(meta) "{\"name\":\"a\",\"meta\":" meta "}"
#define STORED_META(meta) \
	"{\"data\":null,\"id\":\"" ID_TEXT "\"," meta "\"name\":\"a\",\"ts\":1700000000123,\"user\":{}}"

static void sessions_are_merged(void **state) {
	expect_text(*state, WITH_META("{}"), STORED_META(""));
	expect_text(*state, WITH_META("{\"sessions\":{}}"), STORED_META(""));
	expect_text(*state, WITH_META("{\"sessions\":{\"b\":\"1\",\"a\":2,\"c\":-3,\"d\":1.5},\"x\":1}"),
		    STORED_META("\"meta\":{\"sessions\":{\"a\":\"2\",\"b\":\"1\",\"c\":\"-3\",\"d\":\"1.5\"}},"));
	expect_text(*state, WITH_META("{\"propagated_sessions\":{\"p\":\"1\"}}"),
		    STORED_META("\"meta\":{\"sessions\":{\"p\":\"1\"}},"));
	expect_text(*state, WITH_META("{\"sessions\":null,\"propagated_sessions\":{\"p\":\"1\"}}"), STORED_META(""));
	expect_text(*state,
		    WITH_META("{\"sessions\":{\"p\":null,\"q\":\"m\"},\"propagated_sessions\":"
			      "{\"p\":\"1\",\"q\":\"2\",\"r\":\"3\"}}"),
		    STORED_META("\"meta\":{\"sessions\":{\"q\":\"m\",\"r\":\"3\"}},"));
	expect_text(
		*state,
		WITH_META("{\"sessions\":{\"z\":\"m\",\"y\":\"m\"},\"propagated_sessions\":"
			  "{\"e\":1,\"d\":2,\"c\":3,\"b\":4,\"a\":5,\"b\":6}}"),
		STORED_META("\"meta\":{\"sessions\":{\"a\":\"5\",\"b\":\"6\",\"c\":\"3\",\"y\":\"m\",\"z\":\"m\"}},"));
	expect_text(
		*state,
		WITH_META("{\"sessions\":{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1},\"propagated_sessions\":{\"0\":1}}"),
		STORED_META("\"meta\":{\"sessions\":{\"a\":\"1\",\"b\":\"1\",\"c\":\"1\",\"d\":\"1\",\"e\":\"1\"}},"));
}

static void bad_sessions_are_refused(void **state) {
	expect_error(*state, WITH_META("{\"sessions\":{\"k\":true}}"),
		     "event session \"k\" must be a string, number, or null");
	expect_error(*state, WITH_META("{\"propagated_sessions\":{\"k\":null}}"),
		     "event session \"k\" must be a string or number");
	expect_error(*state, WITH_META("{\"sessions\":[]}"), "event sessions must be an object");
	expect_error(*state, WITH_META("{\"sessions\":{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1}}"),
		     "event sessions can include at most 5 entries");
	expect_error(*state, WITH_META("{\"sessions\":{\"\":1}}"), "event session keys cannot be empty");
	expect_error(*state, WITH_META("{\"sessions\":{\"k\":\"\"}}"), "event session \"k\" cannot have an empty ID");
	char key[130];
	char text[2048];
	char message[512];
	memset(key, 'k', 129);
	key[129] = '\0';
	snprintf(text, sizeof(text), WITH_META("{\"sessions\":{\"%s\":1}}"), key);
	snprintf(message, sizeof(message), "event session key \"%s\" exceeds 128 bytes", key);
	expect_error(*state, text, message);
	char value[514];
	memset(value, 'v', 513);
	value[513] = '\0';
	snprintf(text, sizeof(text), WITH_META("{\"propagated_sessions\":{\"k\":\"%s\"}}"), value);
	expect_error(*state, text, "event session \"k\" exceeds 512 bytes");
}

static enum err invoke(struct fixture *fixture, const char *text, struct str slug) {
	clear(fixture);
	fixture->doc = json_read(str_from_cstr(text), false, NULL, &fixture->error);
	assert_non_null(fixture->doc);
	return event_parse_invoke(&fixture->arena, yyjson_doc_get_root(fixture->doc), slug, NULL, &id, false, NOW,
				  &fixture->event, &fixture->error);
}

static void invocations_name_their_function(void **state) {
	struct fixture *fixture = *state;
	assert_int_equal(
		invoke(fixture, "{\"name\":\"mine\",\"data\":{\"z\":1,\"_inngest\":7,\"A\":2}}", STR("app-f\"n")),
		ERR_OK);
	expect_str(payload_str(fixture->event.text),
		   "{\"data\":{\"A\":2,\"_inngest\":{\"expire\":0,\"fn_id\":\"app-f\\\"n\",\"gid\":\"\",\"name\":\"\","
		   "\"source_app_id\":\"\",\"source_fn_id\":\"\",\"source_fn_v\":0},\"z\":1},\"id\":\"" ID_TEXT
		   "\",\"name\":\"inngest/function.invoked\",\"ts\":1700000000123,\"user\":{}}");
	expect_str(fixture->event.invoke_fn_id, "app-f\"n");
	expect_str(fixture->event.name, "inngest/function.invoked");
	assert_int_equal(invoke(fixture, "{}", STR("f")), ERR_OK);
	expect_str(fixture->event.data,
		   "{\"_inngest\":{\"expire\":0,\"fn_id\":\"f\",\"gid\":\"\",\"name\":\"\",\"source_app_id\":\"\","
		   "\"source_fn_id\":\"\",\"source_fn_v\":0}}");
	assert_int_equal(invoke(fixture, "{\"data\":null}", STR("\xff")), ERR_OK);
	assert_int_equal(invoke(fixture, "[]", STR("f")), ERR_INVALID);
	assert_string_equal(fixture->error.message, "Unable to read post data request");
	assert_int_equal(invoke(fixture, "{\"data\":1}", STR("f")), ERR_INVALID);
	assert_string_equal(fixture->error.message, "Unable to read post data request");
	assert_int_equal(invoke(fixture, "{\"ts\":1}", STR("f")), ERR_INVALID);
	assert_string_equal(fixture->error.message, "Invalid invocation event");
}

static void internal_events_are_built_from_data(void **state) {
	struct fixture *fixture = *state;
	event_make_internal(&fixture->arena, STR("inngest/function.finished"), STR(""), &id,
			    STR("{\"correlation_id\":\"run.step\",\"result\":1}"), STR(""), NOW, &fixture->event);
	expect_str(payload_str(fixture->event.text),
		   "{\"data\":{\"correlation_id\":\"run.step\",\"result\":1},\"id\":\"" ID_TEXT
		   "\",\"name\":\"inngest/function.finished\",\"ts\":1700000000123,\"user\":{}}");
	expect_str(fixture->event.correlation_id, "run.step");
	assert_false(fixture->event.stable_id);
	clear(fixture);
	event_make_internal(&fixture->arena, STR("inngest/function.invoked"), STR("run-id"), &id,
			    STR("{\"_inngest\":{\"correlation_id\":\"c\",\"fn_id\":\"f\"}}"), STR(""), NOW,
			    &fixture->event);
	expect_str(fixture->event.id, "run-id");
	expect_str(fixture->event.invoke_fn_id, "f");
	expect_str(fixture->event.correlation_id, "c");
	clear(fixture);
	event_make_internal(&fixture->arena, STR("inngest/function.failed"), STR("r"), &id,
			    STR("{\"correlation_id\":\"run.step\"}"), STR("{\"sessions\":{\"a\":\"b\"}}"), NOW,
			    &fixture->event);
	assert_int_equal(fixture->event.correlation_id.len, 0);
	expect_str(fixture->event.meta, "{\"sessions\":{\"a\":\"b\"}}");
	expect_str(payload_str(fixture->event.text),
		   "{\"data\":{\"correlation_id\":\"run.step\"},\"id\":\"r\",\"meta\":{\"sessions\":{\"a\":\"b\"}}"
		   ",\"name\":\"inngest/function.failed\",\"ts\":1700000000123,\"user\":{}}");
}

static void invocations_by_the_api_say_so(void **state) {
	struct fixture *fixture = *state;
	const struct invocation invocation = {.fn_id = STR("f"), .type = STR("api"), .idempotency = STR("h\"")};
	clear(fixture);
	fixture->doc = json_read(STR("{\"data\":{\"_inngest\":1,\"a\":1}}"), false, NULL, &fixture->error);
	assert_int_equal(event_parse_invocation(&fixture->arena, yyjson_doc_get_root(fixture->doc), &invocation, &id,
						NOW, &fixture->event, &fixture->error),
			 ERR_OK);
	expect_str(fixture->event.data,
		   "{\"_inngest\":{\"expire\":0,\"fn_id\":\"f\",\"gid\":\"\",\"invoke_idempotency\":\"h\\\"\","
		   "\"name\":\"\",\"source_app_id\":\"\",\"source_fn_id\":\"\",\"source_fn_v\":0,\"type\":\"api\"},"
		   "\"a\":1}");
	expect_str(fixture->event.invoke_fn_id, "f");
}

static enum err restore(struct fixture *fixture, const struct event_parts *parts) {
	clear(fixture);
	return event_restore(&fixture->arena, parts, &fixture->event, &fixture->error);
}

static struct event_parts parts_of(const struct event *event) {
	return (struct event_parts){.internal_id = event->internal_id,
				    .id = event->id,
				    .name = event->name,
				    .v = event->v,
				    .data = event->data,
				    .user = event->user,
				    .ts_ms = event->ts_ms,
				    .received_ms = event->received_ms};
}

static void stored_events_come_back(void **state) {
	struct fixture *fixture = *state;
	static const char *const texts[] = {
		"{\"name\":\"a\"}",
		"{\"name\":\"a\",\"data\":null,\"user\":null}",
		"{\"name\":\"a\",\"data\":{},\"ts\":1600000000000}",
		"{\"name\":\"q\\\"\\n\\u00e9\",\"id\":\"mine\\\"\",\"v\":\"\\\\\",\"data\":{\"z\":null,\"a\":[1.50]}}",
		"{\"name\":\"a\",\"user\":{\"b\":{\"c\":2}}}",
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(parse(fixture, texts[i]), ERR_OK);
		struct event before = fixture->event;
		fixture->event.text = NULL;
		struct event_parts parts = parts_of(&before);
		assert_int_equal(restore(fixture, &parts), ERR_OK);
		const struct event *after = &fixture->event;
		assert_true(str_eq(payload_str(after->text), payload_str(before.text)));
		assert_int_equal(ulid_cmp(&after->internal_id, &before.internal_id), 0);
		assert_true(str_eq(after->id, before.id) && str_eq(after->name, before.name));
		assert_true(str_eq(after->data, before.data) && str_eq(after->user, before.user));
		assert_true(str_eq(after->v, before.v));
		assert_true(after->ts_ms == before.ts_ms && after->received_ms == before.received_ms);
		assert_int_equal(after->stable_id, before.stable_id);
		event_release(&before);
	}
}

// As another server may have written them, and as they are when a column is empty.
static void stored_parts_need_not_be_in_order(void **state) {
	struct fixture *fixture = *state;
	struct event_parts parts = {.internal_id = id, .name = STR("a"), .ts_ms = 5};
	assert_int_equal(restore(fixture, &parts), ERR_OK);
	expect_str(payload_str(fixture->event.text),
		   "{\"data\":null,\"id\":\"" ID_TEXT "\",\"name\":\"a\",\"ts\":5,\"user\":{}}");
	parts.data = STR(" { \"b\" : 1.0 , \"a\":null}");
	parts.user = STR("null");
	assert_int_equal(restore(fixture, &parts), ERR_OK);
	expect_str(fixture->event.data, "{\"a\":null,\"b\":1}");
	expect_str(fixture->event.user, "{}");
	parts.data = STR("[1]");
	assert_int_equal(restore(fixture, &parts), ERR_OK);
	expect_str(fixture->event.data, "null");
	parts.data = STR("{");
	assert_int_equal(restore(fixture, &parts), ERR_CORRUPT);
	parts.data = STR("{}");
	parts.user = STR("nothing");
	assert_int_equal(restore(fixture, &parts), ERR_CORRUPT);
}

static void stored_invocations_keep_their_function(void **state) {
	struct fixture *fixture = *state;
	struct event_parts parts = {.internal_id = id,
				    .id = STR(ID_TEXT),
				    .name = STR("inngest/function.invoked"),
				    .data = STR("{\"_inngest\":{\"correlation_id\":\"c\",\"fn_id\":\"f\"}}"),
				    .ts_ms = NOW};
	assert_int_equal(restore(fixture, &parts), ERR_OK);
	expect_str(fixture->event.data, "{\"_inngest\":{\"correlation_id\":\"c\",\"fn_id\":\"f\"}}");
	expect_str(fixture->event.invoke_fn_id, "f");
	expect_str(fixture->event.correlation_id, "c");
}

static void expect_reread(struct fixture *fixture, const char *text) {
	assert_int_equal(parse(fixture, text), ERR_OK);
	struct event again;
	struct ulid internal_id = fixture->event.internal_id;
	assert_int_equal(event_reread(&fixture->arena, payload_str(fixture->event.text), &internal_id, NOW + 5, &again,
				      &fixture->error),
			 ERR_OK);
	assert_true(str_eq(payload_str(again.text), payload_str(fixture->event.text)));
	const struct str *before[] = {&fixture->event.name, &fixture->event.id, &fixture->event.data,
				      &fixture->event.user, &fixture->event.v,  &fixture->event.meta};
	const struct str *after[] = {&again.name, &again.id, &again.data, &again.user, &again.v, &again.meta};
	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		if (!str_eq(*before[i], *after[i])) fail_msg("%s: %.*s", text, STR_ARG(*after[i]));
	}
	assert_int_equal(again.ts_ms, fixture->event.ts_ms);
	assert_int_equal(again.received_ms, NOW + 5);
	assert_true(ulid_cmp(&again.internal_id, &internal_id) == 0);
	assert_false(again.stable_id); // not known
	event_release(&again);
}

// From the text alone: as a debounce or a batch has it.
static void stored_texts_are_read_again(void **state) {
	static const char *const texts[] = {
		"{\"name\":\"a\"}",
		"{\"name\":\"a\",\"data\":null,\"user\":null}",
		"{\"name\":\"a\",\"data\":{}}",
		"{\"name\":\"q\\\"\\n\\u00e9\",\"id\":\"i \\\\\",\"v\":\"2024-01-01.1\"}",
		"{\"name\":\"a\",\"data\":{\"b\":[1.5,null,\"\\u0000\"]}}",
		"{\"name\":\"a\",\"data\":{\"a\":12345678901234567890,\"_x\":1e300}}",
		"{\"name\":\"a\",\"user\":{\"z\":1,\"y\":{\"x\":[]}},\"ts\":1600000000000}",
		"{\"name\":\"a\",\"meta\":{\"sessions\":{\"k\":\"v\",\"a\":\"b\"}},\"data\":{\"a\":1}}",
		"{\"name\":\"a\",\"meta\":{\"propagated_sessions\":{\"k\":\"v\"}},\"v\":\"1\",\"user\":{\"a\":1}}",
	};
	struct fixture *fixture = *state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) expect_reread(fixture, texts[i]);
}

// What says whom it is for is kept, where users' own would be dropped.
static void stored_texts_of_invocations_are_read_again(void **state) {
	struct fixture *fixture = *state;
	struct invocation invocation = {.fn_id = STR("app-f"), .correlation_id = STR("run.step"), .name = STR("n")};
	fixture->doc = json_read(STR("{\"data\":{\"a\":1}}"), false, NULL, &fixture->error);
	assert_int_equal(event_parse_invocation(&fixture->arena, yyjson_doc_get_root(fixture->doc), &invocation, &id,
						NOW, &fixture->event, &fixture->error),
			 ERR_OK);
	struct event again;
	assert_int_equal(
		event_reread(&fixture->arena, payload_str(fixture->event.text), &id, NOW, &again, &fixture->error),
		ERR_OK);
	assert_true(str_eq(payload_str(again.text), payload_str(fixture->event.text)));
	expect_str(again.invoke_fn_id, "app-f");
	expect_str(again.correlation_id, "run.step");
	event_release(&again);
	assert_int_equal(event_reread(&fixture->arena, STR("{\"name\":"), &id, NOW, &again, &fixture->error),
			 ERR_CORRUPT);
}

static void many_hostile_members_cost_little(void **state) {
	struct fixture *fixture = *state;
	struct buf text;
	buf_init(&text, SIZE_MAX);
	buf_lit(&text, "{\"name\":\"a\",\"meta\":{\"sessions\":{");
	for (int i = 0; i < 100; i++) buf_printf(&text, "%s\"m%d\":null", i > 0 ? "," : "", i);
	buf_lit(&text, "},\"propagated_sessions\":{");
	for (int i = 20000; i > 0; i--) buf_printf(&text, "%s\"p%06d\":1", i < 20000 ? "," : "", i);
	buf_lit(&text, "}}");
	for (int i = 0; i < 20000; i++) buf_lit(&text, ",\"data\":{\"a\":1}");
	buf_lit(&text, "}");
	buf_byte(&text, '\0');
	assert_int_equal(parse(fixture, text.ptr), ERR_OK);
	expect_str(fixture->event.data, "{\"a\":1}");
	assert_true(str_find_str(payload_str(fixture->event.text), STR("\"p000005\":\"1\"}")) > 0);
	buf_free(&text);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(stored_form_is_canonical),
		TEST(slices_show_the_parts),
		TEST(names_match_in_any_case_and_objects_merge),
		TEST(reserved_member_of_data_is_dropped),
		TEST(times_may_be_numbers_or_rfc_3339),
		TEST(bad_events_are_refused_in_order),
		TEST(sessions_are_merged),
		TEST(bad_sessions_are_refused),
		TEST(invocations_name_their_function),
		TEST(internal_events_are_built_from_data),
		TEST(invocations_by_the_api_say_so),
		TEST(stored_events_come_back),
		TEST(stored_parts_need_not_be_in_order),
		TEST(stored_invocations_keep_their_function),
		TEST(stored_texts_are_read_again),
		TEST(stored_texts_of_invocations_are_read_again),
		TEST(many_hostile_members_cost_little),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
