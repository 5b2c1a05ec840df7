// Triggers with expressions: which events start which functions, by look-up and by evaluation.
#include "fixture.h"

#include "base/json.h"
#include "base/rng.h"
#include "cel/cel.h"

struct trigger_row {
	const char *slug, *event, *expression; // rows of one function stand together; "": no expression
};

static void register_rows(struct fixture *f, const char *app, const struct trigger_row *rows, size_t count) {
	struct buf body;
	buf_init(&body, 16 << 20);
	buf_printf(&body,
		   "{\"appName\":\"%s\",\"url\":\"http://localhost:3000/%s\",\"sdk\":\"js:v4.24.0\",\"functions\":[",
		   app, app);
	for (size_t i = 0; i < count; i++) {
		bool first = i == 0 || strcmp(rows[i].slug, rows[i - 1].slug) != 0;
		bool last = i + 1 == count || strcmp(rows[i].slug, rows[i + 1].slug) != 0;
		if (first) {
			buf_printf(&body, "%s{\"id\":\"%s\",\"name\":\"%s\",\"triggers\":[", i > 0 ? "," : "",
				   rows[i].slug, rows[i].slug);
		}
		buf_printf(&body, "%s{\"event\":\"%s\"", first ? "" : ",", rows[i].event);
		if (rows[i].expression[0] != '\0') {
			buf_lit(&body, ",\"expression\":");
			buf_json_str(&body, str_from_cstr(rows[i].expression));
		}
		buf_lit(&body, "}");
		if (!last) continue;
		buf_printf(&body,
			   "],\"steps\":{\"step\":{\"id\":\"step\",\"name\":\"step\",\"runtime\":{\"type\":\"http\","
			   "\"url\":\"http://localhost:3000/%s?fnId=%s&stepId=step\"},\"retries\":{\"attempts\":0}}}}",
			   app, rows[i].slug);
	}
	buf_lit(&body, "]}");
	const struct reply *reply = fixture_register_body(f, buf_view(&body));
	buf_free(&body);
	if (reply->kind != REPLY_REGISTERED) print_error("%.*s %.*s\n", STR_ARG(reply->text), STR_ARG(reply->data));
	assert_int_equal(reply->kind, REPLY_REGISTERED);
}
#define REGISTER(f, rows) register_rows((f), "app", (rows), ARRAY_LEN(rows))

// How many runs of the function the last batch created.
static unsigned started(const struct fixture *f, const char *slug) {
	char needle[64];
	unsigned count = 0;
	snprintf(needle, sizeof needle, "fnId=%s&", slug);
	for (unsigned i = 0; i < fixture_calls(f); i++)
		count += str_find_str(fixture_call(f, i)->url, str_from_cstr(needle)) >= 0;
	return count;
}

static void check_starts(struct fixture *f, const char *event, const char *expected) {
	fixture_event(f, event);
	char found[256] = "";
	for (char letter = 'a'; letter <= 'z'; letter++) {
		char slug[8];
		snprintf(slug, sizeof slug, "app-%c", letter);
		for (unsigned n = started(f, slug); n > 0; n--) snprintf(strchr(found, '\0'), 8, "%c", letter);
	}
	if (strcmp(found, expected) != 0) print_error("%s: %s instead of %s\n", event, found, expected);
	assert_string_equal(found, expected);
}

static void test_conditions(void **state) {
	static const struct trigger_row rows[] = {
		{"app-a", "x/y", "event.data.k == 'one'"},
		{"app-b", "x/y", "event.data.k == 'two' && event.data.n > 5"},
		{"app-c", "x/y", "event.data.n > 5"},
		{"app-d", "x/y", ""},
		{"app-e", "x/*", "event.name == 'x/z'"},
		{"app-f", "x/y", "event.data.k != 'one'"},
		{"app-g", "x/y", "event.data.list.exists(v, v == 'in')"},
		{"app-h", "x/y", "event.data.flag == true"},
		{"app-i", "x/y", "event.user.name == 'ann'"},
	};
	struct fixture *f = *state;
	f->config.workers = 1000;
	fixture_restart(f);
	REGISTER(f, rows);
	check_starts(f, "{\"name\":\"x/y\",\"data\":{\"k\":\"one\"}}", "ad");
	check_starts(f, "{\"name\":\"x/y\",\"data\":{\"k\":\"two\",\"n\":5}}", "df");
	check_starts(f, "{\"name\":\"x/y\",\"data\":{\"k\":\"two\",\"n\":6}}", "bcdf");
	check_starts(f, "{\"name\":\"x/z\",\"data\":{\"k\":\"one\"}}", "e");
	check_starts(f, "{\"name\":\"x/q\"}", "");
	check_starts(f, "{\"name\":\"x/y\"}", "df");
	check_starts(f, "{\"name\":\"x/y\",\"data\":{\"list\":[\"out\",\"in\"],\"flag\":true}}", "dfgh");
	check_starts(f, "{\"name\":\"x/y\",\"data\":{\"flag\":1},\"user\":{\"name\":\"ann\"}}", "dfi");
	f->now++;
	fixture_restart(f);
	check_starts(f, "{\"name\":\"x/y\",\"data\":{\"k\":\"two\",\"n\":6}}", "bcdf");
}

// The first trigger that passes starts the function, once (03 §5.2).
static void test_several_triggers(void **state) {
	static const struct trigger_row rows[] = {
		{"app-a", "x/y", "event.data.k == 1"}, {"app-a", "x/y", "event.data.k == 2"},
		{"app-a", "x/*", "event.data.k > 1"},  {"app-a", "q/r", ""},
		{"app-b", "x/y", "event.data.k == 3"},
	};
	struct fixture *f = *state;
	REGISTER(f, rows);
	check_starts(f, "{\"name\":\"x/y\",\"data\":{\"k\":1}}", "a");
	check_starts(f, "{\"name\":\"x/y\",\"data\":{\"k\":2}}", "a");
	check_starts(f, "{\"name\":\"x/y\",\"data\":{\"k\":3}}", "ab");
	check_starts(f, "{\"name\":\"x/y\",\"data\":{\"k\":0}}", "");
	check_starts(f, "{\"name\":\"x/z\",\"data\":{\"k\":2}}", "a");
	check_starts(f, "{\"name\":\"q/r\"}", "a");
}

static void test_registration_replaces(void **state) {
	static const struct trigger_row first[] = {{"app-a", "x/y", "event.data.k == 1"}, {"app-b", "x/y", ""}};
	static const struct trigger_row second[] = {{"app-a", "x/y", "event.data.k == 2"}};
	struct fixture *f = *state;
	REGISTER(f, first);
	check_starts(f, "{\"name\":\"x/y\",\"data\":{\"k\":1}}", "ab");
	REGISTER(f, second);
	check_starts(f, "{\"name\":\"x/y\",\"data\":{\"k\":1}}", "");
	check_starts(f, "{\"name\":\"x/y\",\"data\":{\"k\":2}}", "a");
}

// What fails is not met and is said once; others start.
static void test_errors(void **state) {
	static const struct trigger_row rows[] = {
		{"app-a", "x/y", "event.data.k > true"},
		{"app-b", "x/y", "event.data.k == 1"},
		{"app-c", "x/y", "event.data.k"},
	};
	struct fixture *f = *state;
	REGISTER(f, rows);
	check_starts(f, "{\"name\":\"x/y\",\"data\":{\"k\":1}}", "b");
	assert_int_equal(f->batch->complaint_count, 2);
	const struct complaint *first = &f->batch->complaints[0];
	assert_true(str_eq(first->function, STR("app-a")));
	assert_true(str_eq(first->text, STR("event.data.k > true")));
	assert_true(str_find_str(first->problem, STR("no such overload")) >= 0);
	assert_true(str_find_str(f->batch->complaints[1].problem, STR("double")) >= 0);
	check_starts(f, "{\"name\":\"x/y\",\"data\":{\"k\":1}}", "b");
	assert_int_equal(f->batch->complaint_count, 0);
	check_starts(f, "{\"name\":\"x/y\",\"data\":{\"k\":true}}", "c");
}

// ---- the index against evaluating everything -----------------------------------------------------------------------

#define FUNCTIONS 120
#define EVENTS 300

static void random_value(struct rng *rng, struct buf *out, bool expression) {
	static const char *const texts[] = {"a", "b", "", "A", "1"};
	switch (rng_below(rng, 4)) {
	case 0:
		buf_printf(out, expression ? "'%s'" : "\"%s\"", texts[rng_below(rng, ARRAY_LEN(texts))]);
		break;
	case 1:
		buf_printf(out, "%u", (unsigned)rng_below(rng, 3));
		break;
	case 2:
		buf_printf(out, "%u.%u", (unsigned)rng_below(rng, 2), (unsigned)rng_below(rng, 2) * 5);
		break;
	default:
		buf_printf(out, "%s", rng_below(rng, 2) ? "true" : "false");
	}
}

static void random_term(struct rng *rng, struct buf *out) {
	static const char *const paths[] = {"event.data.p", "event.data.q", "event.data.o.p", "event.data[\"q\"]",
					    "event.user.p"};
	static const char *const operators[] = {"==", "==", "==", "!=", "<"};
	const char *path = paths[rng_below(rng, ARRAY_LEN(paths))];
	const char *operator= operators[rng_below(rng, ARRAY_LEN(operators))];
	if (rng_below(rng, 4) == 0) {
		random_value(rng, out, true);
		buf_printf(out, " %s %s", operator, path);
	} else {
		buf_printf(out, "%s %s ", path, operator);
		random_value(rng, out, true);
	}
}

static void random_expression(struct rng *rng, struct buf *out) {
	static const char *const joints[] = {" && ", " && ", " || "};
	unsigned terms = 1 + (unsigned)rng_below(rng, 3);
	for (unsigned i = 0; i < terms; i++) {
		if (i > 0) buf_printf(out, "%s", joints[rng_below(rng, ARRAY_LEN(joints))]);
		random_term(rng, out);
	}
}

static void random_event(struct rng *rng, struct buf *out) {
	buf_lit(out, "{\"name\":\"x/y\",\"data\":{");
	const char *separator = "";
	static const char *const members[] = {"\"p\":", "\"q\":"};
	for (unsigned i = 0; i < ARRAY_LEN(members); i++) {
		if (rng_below(rng, 3) == 0) continue;
		buf_printf(out, "%s%s", separator, members[i]);
		separator = ",";
		random_value(rng, out, false);
	}
	if (rng_below(rng, 2)) {
		buf_printf(out, "%s\"o\":{\"p\":", separator);
		random_value(rng, out, false);
		buf_byte(out, '}');
	}
	buf_lit(out, "},\"user\":{\"p\":");
	random_value(rng, out, false);
	buf_lit(out, "}}");
}

static bool is_true(struct arena *arena, const char *expression, const char *event) {
	const struct cel_program *program = cel_compile(arena, str_from_cstr(expression), CEL_EVALUATE, NULL);
	assert_non_null(program);
	yyjson_doc *doc = yyjson_read(event, strlen(event), 0);
	struct cel_binding binding = {STR("event"), yyjson_doc_get_root(doc)};
	struct cel_value value = cel_eval(program, &(struct cel_input){.bindings = &binding, .count = 1}, arena);
	bool result = value.type == CEL_BOOL && value.boolean;
	yyjson_doc_free(doc);
	return result;
}

static void test_same_as_evaluating_all(void **state) {
	struct fixture *f = *state;
	f->config.workers = 1u << 30;
	fixture_restart(f);
	struct rng rng;
	struct arena arena;
	rng_seed(&rng, 20);
	arena_init(&arena, 1 << 16);
	static struct trigger_row rows[FUNCTIONS];
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		struct buf text;
		buf_init(&text, 4096);
		random_expression(&rng, &text);
		rows[i] = (struct trigger_row){arena_printf(&arena, "app-f%u", i).ptr, "x/y",
					       arena_dup(&arena, buf_view(&text)).ptr};
		buf_free(&text);
	}
	REGISTER(f, rows);
	unsigned starts = 0;
	for (unsigned e = 0; e < EVENTS; e++) {
		struct buf text;
		buf_init(&text, 4096);
		random_event(&rng, &text);
		const char *event = arena_dup(&arena, buf_view(&text)).ptr;
		buf_free(&text);
		fixture_event(f, event);
		for (unsigned i = 0; i < FUNCTIONS; i++) {
			struct arena scratch;
			arena_init(&scratch, 4096);
			bool due = is_true(&scratch, rows[i].expression, event);
			arena_free(&scratch);
			if (started(f, rows[i].slug) != due)
				print_error("%s on %s: due %d\n", rows[i].expression, event, due);
			assert_int_equal(started(f, rows[i].slug), due);
			starts += due;
		}
	}
	assert_true(starts > EVENTS); // it is not nothing that was compared
	arena_free(&arena);
}

// ---- events about runs ---------------------------------------------------------------------------------------------

// A run that has slept: its events are only in the store. Ends it, failing.
static void fail_after_sleep(struct fixture *f, unsigned k) {
	char event[64];
	snprintf(event, sizeof event, "{\"name\":\"x/y\",\"data\":{\"k\":%u}}", k);
	fixture_event(f, event);
	struct target to = fixture_target(fixture_call(f, 0));
	fixture_answer(f, to, 206, "1", "[{\"op\":\"Sleep\",\"id\":\"z\",\"name\":\"1h\"}]");
	fixture_tick(f, 3600000);
	to = fixture_target(fixture_call(f, 0));
	f->without_events_of_failures = true;
	fixture_answer(f, to, 400, "1", "{\"name\":\"Error\",\"message\":\"no\"}");
	assert_string_equal(fixture_status(f), "Failed");
}

static void test_late_events_by_what_is_known(void **state) {
	static const struct trigger_row rows[] = {
		{"app-a", "x/y", ""},
		{"app-b", "inngest/function.failed", "event.data.function_id == 'app-a'"},
		{"app-c", "inngest/function.failed", "event.data.function_id == 'app-q'"},
		{"app-d", "inngest/function.failed", "event.data.error.message == 'no' && event.name != 'x'"},
		{"app-e", "inngest/function.finished", "has(event.data.error)"},
	};
	struct fixture *f = *state;
	REGISTER(f, rows);
	fail_after_sleep(f, 1);
	assert_int_equal(f->batch->load_count, 0);
	assert_int_equal(started(f, "app-b"), 1);
	assert_int_equal(started(f, "app-c"), 0);
	assert_int_equal(started(f, "app-d"), 1);
	assert_int_equal(started(f, "app-e"), 1);
	assert_int_equal(fixture_calls(f), 3);
}

// What the node does with the loads of a batch.
static struct command *loaded(const struct fixture *f, unsigned n) {
	assert_true(n < f->batch->load_count);
	const struct event_load *load = &f->batch->loads[n];
	struct command *command = command_new(COMMAND_EVENT_LOADED);
	command->loaded.id = load->id;
	struct error error;
	if (load->data != NULL)
		command->loaded.data = payload_ref(load->data->text);
	else
		assert_int_equal(store_body(f->store, RECORD_EVENT, str_make(load->id.bytes, sizeof load->id.bytes),
					    &command->loaded.data, &error),
				 ERR_OK);
	return command;
}

static uint64_t events_held(const struct fixture *f) {
	struct engine_stats stats;
	engine_stats(f->engine, &stats);
	return stats.events_held;
}

static void test_late_events_that_are_read_as_a_whole(void **state) {
	static const struct trigger_row rows[] = {
		{"app-a", "x/y", ""},
		{"app-b", "inngest/function.failed", "event.data.event.data.k == 2"},
		{"app-c", "inngest/function.failed", ""},
	};
	struct fixture *f = *state;
	REGISTER(f, rows);
	fail_after_sleep(f, 2);
	assert_int_equal(fixture_calls(f), 0);
	assert_int_equal(f->batch->load_count, 1);
	assert_int_equal(events_held(f), 1);
	assert_non_null(fixture_history(f, HISTORY_EVENT, 1)); // finished and failed are stored at once
	struct command *first = loaded(f, 0), *again = loaded(f, 0);
	fixture_apply(f, first);
	assert_int_equal(started(f, "app-b"), 1);
	assert_int_equal(started(f, "app-c"), 1);
	assert_null(fixture_history(f, HISTORY_EVENT, 0));
	assert_int_equal(events_held(f), 0);
	fixture_apply(f, again);
	assert_int_equal(fixture_calls(f), 0);
}

static void test_held_events_survive(void **state) {
	static const struct trigger_row rows[] = {
		{"app-a", "x/y", ""},
		{"app-b", "inngest/*", "size(event.data) > 0 && event.data.event.data.k == 3"},
	};
	struct fixture *f = *state;
	REGISTER(f, rows);
	fail_after_sleep(f, 3);
	assert_int_equal(f->batch->load_count, 2); // finished and failed
	fixture_restart(f);
	assert_int_equal(f->batch->load_count, 2);
	struct command *commands[] = {loaded(f, 0), loaded(f, 1)};
	fixture_apply(f, commands[0]);
	assert_int_equal(started(f, "app-b"), 1);
	fixture_apply(f, commands[1]);
	assert_int_equal(started(f, "app-b"), 1);
	fixture_restart(f);
	assert_int_equal(f->batch->load_count, 0);
	assert_int_equal(fixture_calls(f), 2); // those two, again
}

static void test_unreadable_held_event_starts_nothing(void **state) {
	static const struct trigger_row rows[] = {
		{"app-a", "x/y", ""},
		{"app-b", "inngest/function.failed", "event.data.event.data.k == 3"},
	};
	struct fixture *f = *state;
	REGISTER(f, rows);
	fail_after_sleep(f, 3);
	struct command *command = command_new(COMMAND_EVENT_LOADED);
	command->loaded.id = f->batch->loads[0].id;
	fixture_apply(f, command);
	assert_int_equal(fixture_calls(f), 0);
	assert_int_equal(events_held(f), 0);
	fixture_restart(f);
	assert_int_equal(f->batch->load_count, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_conditions),
		TEST(test_several_triggers),
		TEST(test_registration_replaces),
		TEST(test_errors),
		TEST(test_same_as_evaluating_all),
		TEST(test_late_events_by_what_is_known),
		TEST(test_late_events_that_are_read_as_a_whole),
		TEST(test_held_events_survive),
		TEST(test_unreadable_held_event_starts_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
