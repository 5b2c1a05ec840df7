// `inngest expr` on a terminal and not, within one process. tests/sdk/expr.test.mjs has the rest.
#include "fixture.h"

static const char *const on_event[] = {"expr", "event.data.n > 1 && event.data.x", "--event", "event.json", NULL};

static void colours_on_a_terminal_only(void **state) {
	(void)state;
	file_write("event.json", "{\"data\":{\"n\":2}}");
	struct cli_result result = cli_run_on(false, on_event);
	assert_int_equal(result.code, 1);
	assert_null(strchr(result.out, '\033'));
	result = cli_run_on(true, on_event);
	assert_int_equal(result.code, 1);
	assert_contains(result.out, "\033[31mfalse (bool)\033[0m\n\n\033[1mBecause\033[0m\n");
	assert_contains(result.out, "event.data.x\033[33m is missing\033[0m\n");
	setenv("NO_COLOR", "1", 1);
	assert_null(strchr(cli_run_on(true, on_event).out, '\033'));
}

// Errors go to standard error, which may be no terminal when the output is one.
static void errors_have_no_colour(void **state) {
	(void)state;
	static const char *const expressions[] = {"1 / 0", "1 /"};
	for (size_t i = 0; i < 2; i++) {
		struct cli_result result = cli_run_on(true, (const char *const[]){"expr", expressions[i], NULL});
		assert_int_equal(result.code, 2);
		assert_string_equal(result.out, "");
		assert_contains(result.err, "Error: ");
		assert_null(strchr(result.err, '\033'));
	}
}

static void json_has_no_colour(void **state) {
	(void)state;
	struct cli_result result = cli_run_on(true, (const char *const[]){"expr", "1 + 1", "--json", NULL});
	assert_int_equal(result.code, 0);
	assert_string_equal(result.out, "{\"type\":\"int\",\"result\":2,\"str\":\"2\"}\n");
}

static void one_word_only(void **state) {
	(void)state;
	assert_int_equal(CLI("expr", "true", "false").code, 2);
	assert_int_equal(CLI("expr").code, 2);
	assert_int_equal(CLI("expr", "--", "-1 < 0").code, 0);
	assert_int_equal(CLI("expr", "--", "true", "--json").code, 2);
	assert_int_equal(CLI("dev", "word").code, 1);
	assert_int_equal(notes.runs, 0);
}

// The options of one command are none of another, and never come from the environment.
static void options_are_its_own(void **state) {
	(void)state;
	file_write("event.json", "{\"data\":{\"n\":2}}");
	assert_int_equal(CLI("dev", "--event", "event.json").code, 1);
	setenv("INNGEST_EVENT", "event.json", 1);
	setenv("INNGEST_JSON", "true", 1);
	struct cli_result result = CLI("expr", "event.data.n");
	assert_int_equal(result.code, 1);
	assert_contains(result.out, "false (bool)\n");
	assert_contains(result.out, "there is no \"event\"; give it with --event FILE");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(colours_on_a_terminal_only), SCRATCH_TEST(errors_have_no_colour),
		SCRATCH_TEST(json_has_no_colour),         SCRATCH_TEST(one_word_only),
		SCRATCH_TEST(options_are_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
