// `inngest db hand-over`: where the file is, and what is said of the work.
#include "fixture.h"

static void test_text(void **state) {
	(void)state;
	notes.handed = (struct hand_over_counts){.total = 1, .done = 1, .spans = 1, .history = 1, .is_complete = true};
	struct cli_result result = CLI("db", "hand-over", "--sqlite-dir", "here");
	assert_int_equal(result.code, CLI_EXIT_OK);
	assert_string_equal(notes.sqlite_dir, "here");
	assert_string_equal(result.out, "here/main.db: 1 run handed over, 1 span, 1 row of history\n");
	assert_string_equal(result.err, "");
	notes.handed = (struct hand_over_counts){
		.total = 7, .done = 7, .open = 2, .spans = 30, .history = 20, .is_complete = true};
	result = CLI("db", "hand-over", "--sqlite-dir", "here");
	assert_string_equal(result.out,
			    "here/main.db: 7 runs handed over, 30 spans, 20 rows of history\n"
			    "2 of them are not over: the other server shows them, but does not go on with them.\n");
	notes.handed.open = 1;
	result = CLI("db", "hand-over", "--sqlite-dir", "here");
	assert_non_null(strstr(result.out,
			       "\n1 of them is not over: the other server shows it, but does not go on with it.\n"));
}

static void test_json(void **state) {
	(void)state;
	notes.handed = (struct hand_over_counts){
		.total = 7, .done = 7, .open = 2, .skipped_runs = 1, .spans = 30, .history = 20, .is_complete = true};
	struct cli_result result = CLI("db", "hand-over", "--json", "--sqlite-dir", "a\"b");
	assert_int_equal(result.code, CLI_EXIT_OK);
	assert_string_equal(result.out, "{\"file\":\"a\\\"b/main.db\",\"complete\":true,\"runs\":7,\"openRuns\":2,"
					"\"skippedRuns\":1,\"spans\":30,\"historyRows\":20}\n");
}

static void test_broken_off(void **state) {
	(void)state;
	notes.handed = (struct hand_over_counts){.total = 7, .done = 3};
	struct cli_result result = CLI("db", "hand-over", "--json");
	assert_int_equal(result.code, CLI_EXIT_ERROR);
	assert_non_null(strstr(result.out, "\"complete\":false,\"runs\":3,"));
	assert_string_equal(result.err, "Broken off; 4 are left. The same command goes on with them.\n");
}

static void test_failure(void **state) {
	(void)state;
	notes.failure = "database x: in use by another inngest process";
	struct cli_result result = CLI("db", "hand-over");
	assert_int_equal(result.code, CLI_EXIT_ERROR);
	assert_string_equal(result.out, "");
	assert_string_equal(result.err, "Error: database x: in use by another inngest process\n");
	result = CLI("db", "hand-over", "--port", "1");
	assert_int_equal(result.code, CLI_EXIT_ERROR);
	assert_non_null(strstr(result.err, "Incorrect Usage"));
	assert_non_null(strstr(CLI("db").out, "hand-over"));
}

// As for the server.
static void test_where(void **state) {
	(void)state;
	notes.handed.is_complete = true;
	(void)CLI("db", "hand-over");
	assert_string_equal(notes.sqlite_dir, "");
	file_write("inngest.yaml", "sqlite-dir: from-file\n");
	(void)CLI("db", "hand-over");
	assert_string_equal(notes.sqlite_dir, "from-file");
	setenv("INNGEST_SQLITE_DIR", "from-environment", 1);
	(void)CLI("db", "hand-over");
	assert_string_equal(notes.sqlite_dir, "from-environment");
	file_write("inngest.yaml", "sqlite-dir: [\n");
	struct cli_result result = CLI("db", "hand-over", "--config", "inngest.yaml");
	assert_int_equal(result.code, CLI_EXIT_ERROR);
	assert_non_null(strstr(result.err, "Error: error reading config file inngest.yaml"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(test_text),    SCRATCH_TEST(test_json),  SCRATCH_TEST(test_broken_off),
		SCRATCH_TEST(test_failure), SCRATCH_TEST(test_where),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
