#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/check.h"
#include "model/function.h"

#define STEPS                                                                                                       \
	"\"steps\":{\"step\":{\"id\":\"step\",\"name\":\"step\",\"runtime\":{\"type\":\"http\",\"url\":\"http://h/" \
	"x\"}}}"
#define FUNCTION(members) "{\"id\":\"app-f\",\"name\":\"F\"," STEPS members "}"
#define BODY(functions) "{\"appName\":\"app\",\"url\":\"http://h/x\",\"functions\":[" functions "]}"
#define COMPILING(place) "error compiling expression: ERROR: <input>:" place ": "
#define EMPTY COMPILING("1:1") "Syntax error: mismatched input '<EOF>'\n | \n | ^"
#define UNKNOWN_X COMPILING("1:1") "undeclared reference to 'x' (in container '')\n | x\n | ^"
#define SECOND_Y COMPILING("1:3") "Syntax error: extraneous input y\n | x y\n | ..^"

struct validation_case {
	const char *function;
	const char *problems; // after "N errors occurred: * ", joined by " * "; NULL: valid
};

static size_t count_problems(const char *text) {
	size_t count = 1;
	while ((text = strstr(text, " * ")) != NULL) {
		text += 3;
		count += text[0] != '*' && strncmp(text, "* *", 3) != 0; // a quoted cron has stars of its own
	}
	return count;
}

static void expect(const struct validation_case *c, size_t count) {
	struct arena arena;
	struct registration out;
	struct error error;
	struct buf body;
	struct buf expected;
	arena_init(&arena, 0);
	buf_init(&body, SIZE_MAX);
	buf_init(&expected, SIZE_MAX);
	buf_printf(&body, BODY("%s"), c->function);
	if (registration_parse(&arena, buf_view(&body), &out, &error) != ERR_OK)
		fail_msg("%s: %s", c->function, error.message);
	if (c->problems != NULL)
		buf_printf(&expected, "%zu errors occurred: * %s", count > 0 ? count : count_problems(c->problems),
			   c->problems);
	if (!str_eq(out.problems, buf_view(&expected)))
		fail_msg("%s\ngave %.*s\nnot  %.*s", c->function, STR_ARG(out.problems), STR_ARG(buf_view(&expected)));
	assert_int_equal(out.function_count, c->problems == NULL);
	assert_int_equal(out.problems_json.len > 0, c->problems != NULL);
	buf_free(&expected);
	buf_free(&body);
	arena_free(&arena);
}

static void expect_all(const struct validation_case *cases, size_t count) {
	for (size_t i = 0; i < count; i++) expect(&cases[i], 0);
}
#define EXPECT_ALL(cases) expect_all((cases), sizeof(cases) / sizeof((cases)[0]))

static void conversion_ends_a_function(void **state) {
	(void)state;
	static const struct validation_case cases[] = {
		{FUNCTION(""), NULL},
		{"{\"steps\":{\"a\":{}}}", "No SDK URL provided for function ''"},
		{"{\"name\":\"F\",\"steps\":{\"a\":{\"runtime\":{\"URL\":\"http://h\"}}}}",
		 "No SDK URL provided for function 'F'"},
		{"{\"name\":\"F\",\"steps\":{\"a\":{\"runtime\":{\"url\":7}}}}",
		 "No SDK URL provided for function 'F'"},
		{FUNCTION(",\"batchEvents\":{\"maxSize\":\"x\"}"),
		 "failed to decode batch config: batchEvents.maxSize should be an integer, got a string"},
		{FUNCTION(",\"batchEvents\":{}"), "failed to parse time duration: time: invalid duration \"\""},
		{FUNCTION(",\"batchEvents\":{\"maxSize\":5,\"timeout\":\"1d\"}"),
		 "failed to parse time duration: time: unknown unit \"d\" in duration \"1d\""},
	};
	EXPECT_ALL(cases);
}

static void names_and_steps(void **state) {
	(void)state;
	static const struct validation_case cases[] = {
		{"{}", "A function name is required * Functions must contain one step"},
		{"null", "A function name is required * Functions must contain one step"},
		{"{\"id\":\"x\"," STEPS "}", "A function name is required"},
		{"{\"name\":\"\\u2603 \\u2603\"," STEPS "}",
		 "No id can be made from the function name '\u2603 \u2603': a function id is required"},
		{"{\"name\":\"F\",\"steps\":null}", "Functions must contain one step"},
		{"{\"name\":\"F\",\"steps\":{\"a\":{\"runtime\":{\"url\":\"ftp://h\"}}}}",
		 "All steps must have a name * Non-supported step schema: ftp"},
		{"{\"name\":\"F\",\"steps\":{\"a\":{\"name\":\"a\",\"runtime\":{\"url\":\"http://a b/c\"}}}}",
		 "Non-supported step schema: "},
		{"{\"name\":\"F\",\"steps\":{\"a\":{\"name\":\"a\",\"runtime\":{\"url\":\"\"}}}}",
		 "Non-supported step schema: "},
		{"{\"name\":\"F\",\"steps\":{\"a\":{\"name\":\"a\",\"runtime\":{\"url\":\"WSS://connect\"}}}}", NULL},
		{"{\"name\":\"F\",\"steps\":{\"a\":{\"name\":\"a\",\"runtime\":{\"url\":\"ws://a\"}},"
		 "\"b\":{\"name\":\"b\",\"runtime\":{\"url\":\"https://b\"}}}}",
		 "Functions must contain one step"},
	};
	EXPECT_ALL(cases);
}

static void concurrency(void **state) {
	(void)state;
	static const struct validation_case cases[] = {
		{FUNCTION(",\"concurrency\":5"), NULL},
		{FUNCTION(",\"concurrency\":[{\"limit\":1},{\"limit\":2},{\"limit\":3,\"scope\":\"env\"}]"),
		 "There are more concurrency limits specified than the allowed max of: 2"},
		{FUNCTION(",\"concurrency\":{\"scope\":\"ENV\",\"limit\":1}"),
		 "A concurrency key must be specified for Env scoped limits"},
		{FUNCTION(",\"concurrency\":[{\"scope\":\"account\"},{\"scope\":\"env\"}]"),
		 "A concurrency key must be specified for Account scoped limits"},
		{FUNCTION(",\"concurrency\":{\"key\":\"event.data.id\",\"limit\":1}"), NULL},
		{FUNCTION(",\"concurrency\":{\"key\":\"\",\"limit\":1}"), "Invalid concurrency key '': " EMPTY},
		{FUNCTION(",\"concurrency\":[{\"key\":\"x y\",\"limit\":1},{\"scope\":\"env\",\"limit\":2}]"),
		 "Invalid concurrency key 'x y': " SECOND_Y},
		{FUNCTION(",\"concurrency\":{\"fn\":[{\"limit\":1},{\"limit\":2}]}"),
		 "Only one function concurrency limit is allowed"},
		{FUNCTION(",\"concurrency\":{\"fn\":[{\"limit\":0,\"scope\":\"app\"}]}"),
		 "function concurrency limit must be > 0"},
		{FUNCTION(",\"concurrency\":{\"fn\":[{\"limit\":1,\"key\":\"event.x\",\"scope\":\"app\"}]}"),
		 "app-scoped function concurrency cannot be set by users"},
		{FUNCTION(",\"concurrency\":{\"fn\":[{\"limit\":1,\"key\":\"x y\",\"scope\":\"app\"}]}"),
		 "invalid function concurrency key 'x y': " SECOND_Y},
		{FUNCTION(",\"concurrency\":{\"fn\":[{\"limit\":1,\"key\":\"\"}]}"),
		 "invalid function concurrency key '': " EMPTY},
		{FUNCTION(",\"concurrency\":{\"fn\":[{\"limit\":1,\"scope\":\"app\"}]}"),
		 "app-scoped function concurrency cannot be set by users"},
		{FUNCTION(",\"concurrency\":{\"fn\":[{\"limit\":1,\"scope\":\"env\"}]}"),
		 "invalid function concurrency scope: env"},
		{FUNCTION(",\"concurrency\":{\"fn\":[{\"limit\":1,\"scope\":\"fn\"}]}"), NULL},
	};
	EXPECT_ALL(cases);
}

static void triggers(void **state) {
	(void)state;
	static const struct validation_case cases[] = {
		{FUNCTION(",\"triggers\":[{\"event\":\"a\"},{\"event\":\"b/*\"},{\"cron\":\"* * * * *\"}]"), NULL},
		{FUNCTION(",\"triggers\":[{}]"), "A trigger must supply an event name or a cron schedule"},
		{FUNCTION(",\"triggers\":[null,{}]"), "A trigger must supply an event name or a cron schedule"
						      " * A trigger must supply an event name or a cron schedule"},
		{FUNCTION(",\"triggers\":[{\"event\":\"a\",\"jitter\":null}]"),
		 "A trigger cannot have both an event and a cron trigger"},
		{FUNCTION(",\"triggers\":[{\"expression\":null}]"), "An event trigger must specify an event name"},
		{FUNCTION(",\"triggers\":[{\"event\":\"a\",\"expression\":null}]"), NULL},
		{FUNCTION(",\"triggers\":[{\"event\":\"a\",\"expression\":\"event.data.x\"}]"), NULL},
		{FUNCTION(",\"triggers\":[{\"event\":\"a\",\"expression\":\"x\"}]"),
		 "invalid trigger expression on 'a': " UNKNOWN_X},
		{FUNCTION(",\"triggers\":[{\"event\":\"\",\"expression\":\"x\"}]"),
		 "An event trigger must specify an event name"},
		{FUNCTION(",\"triggers\":[{\"cron\":\"* * * * *\",\"expression\":\"x\"}]"),
		 "A trigger cannot have both an event and a cron trigger"},
		{FUNCTION(",\"triggers\":[{\"event\":\"a\",\"expression\":\"event.x\"},{\"event\":\"a\"}]"), NULL},
		{FUNCTION(",\"triggers\":[{\"event\":\"a\",\"expression\":\"x\"},{\"event\":\"a\",\"expression\":\"x\"}"
			  "]"),
		 "invalid trigger expression on 'a': " UNKNOWN_X " * duplicate trigger event: a"
		 " * invalid trigger expression on 'a': " UNKNOWN_X},
		{FUNCTION(",\"triggers\":[{\"event\":\"a\",\"expression\":\"\"}]"),
		 "invalid trigger expression on 'a': " EMPTY},
		{FUNCTION(",\"triggers\":[{\"event\":\"a\"},{\"event\":\"a\"}]"), "duplicate trigger event: a"},
		{FUNCTION(",\"triggers\":[{\"event\":\"a\"},{\"EVENT\":\"b\"}]"), NULL},
		{FUNCTION(",\"triggers\":[{\"jitter\":\"1s\"}]"), "'' isn't a valid cron schedule"},
		{FUNCTION(",\"triggers\":[{\"cron\":\"TZ=UTC\"}]"), "'TZ=UTC' isn't a valid cron schedule"},
		{FUNCTION(",\"triggers\":[{\"cron\":\"@reboot\"}]"), "'@reboot' isn't a valid cron schedule"},
		{FUNCTION(",\"triggers\":[{\"cron\":\"@every 1ms\"}]"), "'@every 1ms' isn't a valid cron schedule"},
		{FUNCTION(",\"triggers\":[{\"cron\":\"@daily\"},{\"cron\":\"TZ=UTC @every 90s\"},"
			  "{\"cron\":\"30 0 0 1 1 *\",\"jitter\":\"1m\"}]"),
		 NULL},
		{FUNCTION(",\"triggers\":[{\"cron\":\"0 0 * * *\",\"jitter\":\"x\"}]"),
		 "'x' isn't a valid jitter duration"},
		{FUNCTION(",\"triggers\":[{\"cron\":\"0 0 * * *\",\"jitter\":\"-1s\"}]"),
		 "cron jitter must be greater than or equal to zero"},
		{FUNCTION(",\"triggers\":[{\"cron\":\"0 0 * * *\",\"jitter\":\"999ms\"}]"),
		 "cron jitter must be at least 1s"},
		{FUNCTION(",\"triggers\":[{\"cron\":\"0 0 * * *\",\"jitter\":\"301s\"}]"),
		 "cron jitter must be less than or equal to 5m0s"},
		{FUNCTION(",\"triggers\":[{\"cron\":\"0 0 * * *\",\"jitter\":\" \"},"
			  "{\"cron\":\"1 0 * * *\",\"jitter\":\"0\"},{\"cron\":\"2 0 * * *\",\"jitter\":\"5m\"}]"),
		 NULL},
	};
	EXPECT_ALL(cases);
	// Texts with stars in them.
	static const struct validation_case duplicates = {
		FUNCTION(",\"triggers\":[{\"cron\":\"0 0 * * *\"},{\"cron\":\"0 0 * * *\"},"
			 "{\"cron\":\"0 0 * * *\",\"jitter\":\"1s\"}]"),
		"duplicate trigger cron: 0 0 * * * * duplicate cron expression: 0 0 * * *"
		" * duplicate cron expression: 0 0 * * *"};
	expect(&duplicates, 3);
	static const struct validation_case many = {
		FUNCTION(",\"triggers\":[{\"event\":\"1\"},{\"event\":\"2\"},{\"event\":\"3\"},{\"event\":\"4\"},"
			 "{\"event\":\"5\"},{\"event\":\"6\"},{\"event\":\"7\"},{\"event\":\"8\"},{\"event\":\"9\"},"
			 "{\"event\":\"10\"},{\"event\":\"11\"}]"),
		"This function exceeds the max number of triggers: 10"};
	expect(&many, 1);
}

static void long_trigger_texts(void **state) {
	(void)state;
	char name[257];
	char function[1024];
	char problems[1024];
	memset(name, 'n', 256);
	name[256] = '\0';
	snprintf(function, sizeof(function), FUNCTION(",\"triggers\":[{\"event\":\"%s\"}]"), name);
	const struct validation_case event = {function, "event name is too long. maximum length is 255 characters"};
	expect(&event, 1);
	snprintf(function, sizeof(function), FUNCTION(",\"triggers\":[{\"cron\":\"%s\"}]"), name);
	snprintf(problems, sizeof(problems),
		 "'%s' isn't a valid cron schedule * cron is too long. maximum length is 255 characters", name);
	const struct validation_case cron = {function, problems};
	expect(&cron, 2);
}

#define BATCH ",\"batchEvents\":{\"maxSize\":2,\"timeout\":\"1s\"}"

static void batches_and_combinations(void **state) {
	(void)state;
	static const struct validation_case cases[] = {
		{FUNCTION(BATCH), NULL},
		{FUNCTION(",\"batchEvents\":{\"maxSize\":1,\"timeout\":\"1ms\"}"),
		 "batch size cannot be smaller than 2: 1"},
		{FUNCTION(",\"batchEvents\":{\"timeout\":\"1s\"}"), "batch size cannot be smaller than 2: 0"},
		{FUNCTION(",\"batchEvents\":{\"maxSize\":-3,\"timeout\":\"1s\"}"),
		 "batch size cannot be smaller than 2: -3"},
		{FUNCTION(",\"batchEvents\":{\"maxSize\":2,\"timeout\":\"999ms\"}"),
		 "batch timeout should be more than 1s"},
		{FUNCTION(",\"batchEvents\":{\"maxSize\":2,\"timeout\":\"1s\",\"key\":\"x\",\"if\":\"x y\"}"),
		 "batch key expression is invalid: " UNKNOWN_X},
		{FUNCTION(",\"batchEvents\":{\"maxSize\":2,\"timeout\":\"1s\",\"if\":\"x\"}"),
		 "conditional batch expression is invalid " UNKNOWN_X},
		{FUNCTION(",\"batchEvents\":{\"maxSize\":2,\"timeout\":\"1s\",\"key\":\"\"}"),
		 "batch key expression is invalid: " EMPTY},
		{FUNCTION(",\"batchEvents\":{\"maxSize\":2,\"timeout\":\"1s\",\"if\":\"\"}"),
		 "conditional batch expression is invalid " EMPTY},
		{FUNCTION(BATCH ",\"cancel\":[{\"event\":\"a\"}],\"debounce\":{\"period\":\"1s\"},\"singleton\":{}"),
		 "Batching and cancellation are mutually exclusive"
		 " * Batching and debouncing are mutually exclusive * Batching and singletons are mutually exclusive"},
		{FUNCTION(BATCH ",\"cancel\":[]"), NULL},
		{FUNCTION(BATCH ",\"rateLimit\":{\"limit\":1,\"period\":\"1m\"},\"throttle\":{\"period\":\"1m\"},"
				"\"concurrency\":3"),
		 NULL},
		{FUNCTION(BATCH ",\"priority\":{\"run\":\"1\"}"),
		 "A function cannot specify Priority.Run and Batch together"},
		{FUNCTION(BATCH ",\"priority\":{\"run\":\"\"}"),
		 "Priority.Run expression is invalid: " EMPTY
		 " * A function cannot specify Priority.Run and Batch together"},
		{FUNCTION(BATCH ",\"priority\":{}"), NULL},
		{FUNCTION(",\"priority\":{\"run\":\"\"}"), "Priority.Run expression is invalid: " EMPTY},
		{FUNCTION(",\"priority\":{\"run\":null}"), NULL},
	};
	EXPECT_ALL(cases);
}

static void flow_control(void **state) {
	(void)state;
	static const struct validation_case cases[] = {
		{FUNCTION(",\"cancel\":[{\"event\":\"a\",\"if\":\"event.x\"},{\"event\":\"b\",\"if\":\"x\"},"
			  "{\"event\":\"c\",\"if\":\"event.x + 1 == 2\"}]"),
		 "Cancellation expression is invalid: " UNKNOWN_X
		 " * Cancellation expression is invalid: validation failed: 1 error occurred:"
		 "\n\t* function calls are disallowed (uses '_+_')\n\n"},
		{FUNCTION(",\"cancel\":[{\"event\":\"a\",\"if\":\"\"},{},{},{},{},{}]"),
		 "Cancellation expression is invalid: " EMPTY
		 " * This function exceeds the max number of cancellation events: 5"},
		{FUNCTION(",\"cancel\":[{\"timeout\":\"nonsense\"},null]"), NULL},
		{FUNCTION(",\"debounce\":{\"period\":\"1s\",\"key\":\"\",\"timeout\":\"nonsense\"}"), NULL},
		{FUNCTION(",\"debounce\":{\"period\":\"x\",\"key\":\"x\"}"),
		 "Debounce expression is invalid: " UNKNOWN_X
		 " * The debounce period of 'x' is invalid: time: invalid duration \"x\""
		 " * The debounce period of 'x' is less than the min of: 1s"},
		{FUNCTION(",\"debounce\":{\"period\":\"7d\"}"), NULL},
		{FUNCTION(",\"debounce\":{\"period\":\"169h\"}"),
		 "The debounce period of '169h' is greater than the max of: 168h0m0s"},
		{FUNCTION(",\"rateLimit\":{\"limit\":1,\"period\":\"24h\"}"), NULL},
		{FUNCTION(",\"rateLimit\":{}"), "limit must be greater than 0"},
		{FUNCTION(",\"rateLimit\":{\"limit\":1}"), "period must be specified"},
		{FUNCTION(",\"rateLimit\":{\"limit\":1,\"key\":\"x\"}"), "key is invalid: " UNKNOWN_X},
		{FUNCTION(",\"rateLimit\":{\"limit\":1,\"period\":\"5\"}"),
		 "failed to parse time duration: time: missing unit in duration \"5\""},
		{FUNCTION(",\"rateLimit\":{\"limit\":1,\"period\":\"25h\"}"), "period must be less than 24h0m0s"},
		{FUNCTION(",\"rateLimit\":{},\"idempotency\":\"event.id\""), NULL},
		{FUNCTION(",\"idempotency\":\"\""), "key is invalid: " EMPTY},
		{FUNCTION(
			 ",\"throttle\":{\"limit\":1,\"period\":\"1s\",\"key\":\"k ==\"},\"singleton\":{\"key\":\"\"}"),
		 NULL},
		{FUNCTION(",\"debounce\":{\"period\":\"1s\"},\"singleton\":{\"mode\":\"Cancel\"}"), NULL},
		{FUNCTION(",\"timeouts\":{\"start\":\"nonsense\"}"), NULL},
	};
	EXPECT_ALL(cases);
}

enum level { LEVEL_NONE, LEVEL_SYNTAX, LEVEL_TYPED, LEVEL_RESTRICTIVE };

struct place {
	const char *before, *after; // of the expression, in the function
	enum level level;
	const char *code;
	const char *message;
	bool quotes; // the message goes on with the expression and "': "
	bool empty_is_none;
};
static const struct place places[] = {
	{",\"concurrency\":{\"limit\":1,\"key\":\"", "\"}", LEVEL_SYNTAX, "unknown", "Invalid concurrency key '", true,
	 false},
	{",\"concurrency\":[{\"limit\":1},{\"limit\":2,\"scope\":\"env\",\"key\":\"", "\"}]", LEVEL_SYNTAX, "unknown",
	 "Invalid concurrency key '", true, false},
	{",\"concurrency\":{\"fn\":[{\"limit\":1,\"key\":\"", "\"}]}", LEVEL_SYNTAX, "unknown",
	 "invalid function concurrency key '", true, false},
	{",\"triggers\":[{\"event\":\"a/b\",\"expression\":\"", "\"}]", LEVEL_TYPED, "unknown",
	 "invalid trigger expression on 'a/b': ", false, false},
	{",\"batchEvents\":{\"maxSize\":2,\"timeout\":\"1s\",\"key\":\"", "\"}", LEVEL_TYPED,
	 "batch_key_expression_invalid", "batch key expression is invalid: ", false, false},
	{",\"batchEvents\":{\"maxSize\":2,\"timeout\":\"1s\",\"if\":\"", "\"}", LEVEL_TYPED,
	 "batch_if_expression_invalid", "conditional batch expression is invalid ", false, false},
	{",\"priority\":{\"run\":\"", "\"}", LEVEL_SYNTAX, "unknown", "Priority.Run expression is invalid: ", false,
	 false},
	{",\"cancel\":[{},{\"event\":\"a\",\"if\":\"", "\"}]", LEVEL_RESTRICTIVE, "unknown",
	 "Cancellation expression is invalid: ", false, false},
	{",\"debounce\":{\"period\":\"1s\",\"key\":\"", "\"}", LEVEL_TYPED, "unknown",
	 "Debounce expression is invalid: ", false, true},
	{",\"rateLimit\":{\"limit\":1,\"period\":\"1m\",\"key\":\"", "\"}", LEVEL_TYPED, "unknown",
	 "key is invalid: ", false, false},
	{",\"idempotency\":\"", "\"", LEVEL_TYPED, "unknown", "key is invalid: ", false, false},
	{",\"throttle\":{\"period\":\"1m\",\"key\":\"", "\"}", LEVEL_NONE, "", "", false, true},
	{",\"singleton\":{\"key\":\"", "\"}", LEVEL_NONE, "", "", false, true},
};

struct sample {
	const char *text;
	enum level level; // from which on it is refused; LEVEL_NONE: never
	const char *reason;
};
static const struct sample samples[] = {
	{"event.data.id == 'a' && !(event.ts > 5)", LEVEL_NONE, ""},
	{"event.data.größe == 1", LEVEL_SYNTAX, COMPILING("1:14") "Syntax error: token recognition error\n | event"},
	{"event.data.id ==", LEVEL_SYNTAX, COMPILING("1:17") "Syntax error: mismatched input '<EOF>'\n | event"},
	{"", LEVEL_SYNTAX, EMPTY},
	{"user.id", LEVEL_TYPED, COMPILING("1:1") "undeclared reference to 'user' (in container '')\n | user.id"},
	{"event.x && lower(event.y)", LEVEL_TYPED,
	 COMPILING("1:12") "undeclared reference to 'lower' (in container '')"},
	{"event.data.x || 'none'", LEVEL_TYPED, COMPILING("1:17") "expected type 'bool' but found 'string'\n | event"},
	{"event.data.n + 1 == 2", LEVEL_RESTRICTIVE,
	 "validation failed: 1 error occurred:\n\t* function calls are disallowed (uses '_+_')\n\n"},
	{"event.l.exists(x, x == 1)", LEVEL_RESTRICTIVE,
	 "validation failed: 1 error occurred:\n\t* macros are disallowed (contains 'exists')\n\n"},
};

// The one problem of a registration, as the reply tells it.
static void expect_problem(const struct registration *out, const char *code, struct str message) {
	yyjson_doc *doc = json_read(out->problems_json, false, NULL, NULL);
	yyjson_val *problem = yyjson_arr_get_first(yyjson_doc_get_root(doc));
	assert_int_equal(yyjson_arr_size(yyjson_doc_get_root(doc)), 1);
	assert_string_equal(yyjson_get_str(yyjson_obj_get(problem, "code")), code);
	struct str told = json_str(yyjson_obj_get(problem, "message"));
	if (!str_starts_with(told, message)) fail_msg("gave %.*s\nnot  %.*s", STR_ARG(told), STR_ARG(message));
	assert_true(str_find_str(out->problems, message) == (ptrdiff_t)strlen("1 errors occurred: * "));
	yyjson_doc_free(doc);
}

static void expect_sample(const struct place *place, const struct sample *sample) {
	struct arena arena;
	struct registration out;
	struct error error;
	struct buf body, message;
	arena_init(&arena, 0);
	buf_init(&body, SIZE_MAX);
	buf_init(&message, SIZE_MAX);
	buf_printf(&body, BODY(FUNCTION("%s%s%s")), place->before, sample->text, place->after);
	assert_int_equal(registration_parse(&arena, buf_view(&body), &out, &error), ERR_OK);
	bool refused = sample->level != LEVEL_NONE && sample->level <= place->level;
	if (sample->text[0] == '\0' && place->empty_is_none) refused = false;
	if (refused != (out.problems.len > 0)) fail_msg("%s: %.*s", body.ptr, STR_ARG(out.problems));
	if (refused) {
		buf_printf(&message, "%s%s%s%s", place->message, place->quotes ? sample->text : "",
			   place->quotes ? "': " : "", sample->reason);
		expect_problem(&out, place->code, buf_view(&message));
	}
	buf_free(&message);
	buf_free(&body);
	arena_free(&arena);
}

static void expressions(void **state) {
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		for (size_t j = 0; j < ARRAY_LEN(samples); j++) expect_sample(&places[i], &samples[j]);
	}
}

static void problems_of_all_functions_are_joined(void **state) {
	(void)state;
	struct arena arena;
	struct registration out;
	struct error error;
	arena_init(&arena, 0);
	assert_int_equal(
		registration_parse(
			&arena,
			STR(BODY(FUNCTION("") ",{\"name\":\"G\"},{\"id\":\"q\\\"\",\"name\":\"H\","
					      "\"batchEvents\":{\"maxSize\":1,\"timeout\":\"1s\"}," STEPS "}")),
			&out, &error),
		ERR_OK);
	assert_true(str_eq(out.problems, STR("2 errors occurred: * Functions must contain one step"
					     " * batch size cannot be smaller than 2: 1")));
	assert_true(str_eq(out.problems_json,
			   STR("[{\"code\":\"unknown\",\"data\":null,\"message\":\"Functions must contain one step\"},"
			       "{\"code\":\"batch_size_invalid\",\"data\":null,"
			       "\"message\":\"batch size cannot be smaller than 2: 1\"}]")));
	assert_int_equal(out.function_count, 1);
	arena_free(&arena);
}

static void problems_are_bounded(void **state) {
	(void)state;
	struct arena arena;
	struct registration out;
	struct error error;
	struct buf body;
	arena_init(&arena, 0);
	buf_init(&body, SIZE_MAX);
	buf_lit(&body, "{\"appName\":\"a\",\"functions\":[{}");
	for (int i = 1; i < 9999; i++) buf_lit(&body, ",{}");
	buf_lit(&body, ",{\"triggers\":[{}");
	for (int i = 1; i < 100000; i++) buf_lit(&body, ",{}");
	buf_lit(&body, "]}]}");
	assert_int_equal(registration_parse(&arena, buf_view(&body), &out, &error), ERR_OK);
	// Two for each function, one for the number of triggers, one for each of the first hundred.
	assert_true(str_starts_with(out.problems, STR("20101 errors occurred: * A function name is required")));
	assert_true(out.problems.len < 100000);
	buf_clear(&body);
	buf_lit(&body, "{\"functions\":[{}");
	for (int i = 1; i < 10001; i++) buf_lit(&body, ",{}");
	buf_lit(&body, "]}");
	assert_int_equal(registration_parse(&arena, buf_view(&body), &out, &error), ERR_INVALID);
	assert_string_equal(error.message, "Invalid request: more than 10000 functions");
	buf_free(&body);
	arena_free(&arena);
}

#define HOSTILE_BYTES 99000 // of each expression

// Pieces that cost a lot wherever more than a look at the text is taken.
static void long_expressions_take_little(void **state) {
	(void)state;
	static const char *const pieces[] = {
		"event.a%zu == 1 || ",
		"event == event.a%zu || ",
		"''.matches('(?i)\\\\\\\\pL{%zu}') || ",
		"[{'a':[{'b':%zu}]}] == [] || ",
		"event.l.all(x, x == %zu) || ",
	};
	struct arena arena;
	struct registration out;
	struct error error;
	struct buf body;
	arena_init(&arena, 0);
	buf_init(&body, SIZE_MAX);
	buf_lit(&body, "{\"appName\":\"a\",\"functions\":[{\"name\":\"F\"," STEPS ",\"triggers\":[");
	for (size_t i = 0; i < 100; i++) {
		buf_printf(&body, "%s{\"event\":\"e\",\"expression\":\"", i > 0 ? "," : "");
		size_t end = body.len + HOSTILE_BYTES;
		for (size_t j = 0; body.len < end; j++) buf_printf(&body, pieces[i % ARRAY_LEN(pieces)], j);
		buf_printf(&body, "event.t == %zu\"}", i);
	}
	buf_lit(&body, "]}]}");
	assert_int_equal(registration_parse(&arena, buf_view(&body), &out, &error), ERR_OK);
	assert_true(str_eq(out.problems, STR("1 errors occurred: * "
					     "This function exceeds the max number of triggers: 10")));
	buf_free(&body);
	arena_free(&arena);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversion_ends_a_function),
		cmocka_unit_test(names_and_steps),
		cmocka_unit_test(concurrency),
		cmocka_unit_test(triggers),
		cmocka_unit_test(long_trigger_texts),
		cmocka_unit_test(batches_and_combinations),
		cmocka_unit_test(flow_control),
		cmocka_unit_test(expressions),
		cmocka_unit_test(problems_of_all_functions_are_joined),
		cmocka_unit_test(problems_are_bounded),
		cmocka_unit_test(long_expressions_take_little),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
