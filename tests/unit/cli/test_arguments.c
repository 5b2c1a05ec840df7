// Flags and commands: forms, help, errors and exit codes (spec 05 §17, §20.4).
#include "base/check.h"
#include "fixture.h"

#include "cli/command.h"

static void assert_one_line(const char *text) {
	const char *newline = strchr(text, '\n');
	assert_non_null(newline);
	assert_string_equal(newline, "\n");
}

static void defaults_of_dev(void **state) {
	(void)state;
	assert_int_equal(CLI("dev").code, 0);
	assert_int_equal(notes.runs, 1);
	assert_string_equal(notes.host, "");
	assert_int_equal(notes.config.port, 8288);
	assert_true(notes.config.port_shift && notes.config.dev && notes.config.discovery && notes.config.poll);
	assert_false(notes.config.persist);
	assert_int_equal(notes.config.poll_interval_s, 5);
	assert_int_equal(notes.config.retry_interval_s, 0);
	assert_int_equal(notes.config.queue_workers, 100);
	assert_int_equal(notes.config.durability, DURABILITY_NONE);
	assert_int_equal(notes.config.steps_max, 1000);
	assert_string_equal(notes.sqlite_dir, "");
	assert_int_equal(notes.config.sdk_url_count, 0);
}

static void every_form_of_a_flag(void **state) {
	(void)state;
	static const char *const forms[][3] = {{"--port", "9000"}, {"--port=9000"}, {"-p", "9000"}, {"-p=9000"},
					       {"-port", "9000"},  {"-port=9000"},  {"--p", "9000"}};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct cli_result result = CLI("dev", forms[i][0], forms[i][1]);
		assert_int_equal(result.code, 0);
		assert_int_equal(notes.config.port, 9000);
	}
	CLI("dev", "--port", "1", "--port", "2");
	assert_int_equal(notes.config.port, 2);
}

static void booleans(void **state) {
	(void)state;
	CLI("dev", "--persist", "--no-poll=true", "--no-discovery=1");
	assert_true(notes.config.persist && !notes.config.poll && !notes.config.discovery);
	CLI("dev", "--persist=false", "--no-poll=F", "-no-discovery=0");
	assert_true(!notes.config.persist && notes.config.poll && notes.config.discovery);
	assert_int_equal(CLI("dev", "--persist=maybe").code, 1);
	assert_int_equal(CLI("dev", "--persist=").code, 1);
}

static void lists_repeat_or_take_commas(void **state) {
	(void)state;
	CLI("dev", "-u", "localhost:3000/api/inngest,https://b/x", "--sdk-url=http://c/y", "-u", " ,d, ");
	assert_string_equal(notes.urls, "localhost:3000/api/inngest https://b/x http://c/y d ");
}

static void durability(void **state) {
	(void)state;
	CLI("dev", "--persist");
	assert_int_equal(notes.config.durability, DURABILITY_OS);
	CLI("dev", "--persist", "--durability", "fsync");
	assert_int_equal(notes.config.durability, DURABILITY_FSYNC);
	CLI("dev", "--persist", "--durability", "none");
	assert_int_equal(notes.config.durability, DURABILITY_NONE);
	assert_false(notes.config.no_history);
	assert_int_equal(notes.config.retention.age_ms, 30ull * 86400 * 1000);
	assert_int_equal(notes.config.retention.payload_age_ms, 0);
	CLI("dev", "--retention=0", "--retention-payloads", "7", "--retention-runs", "1000");
	assert_int_equal(notes.config.retention.age_ms, 0);
	assert_int_equal(notes.config.retention.payload_age_ms, 7ull * 86400 * 1000);
	assert_int_equal(notes.config.retention.runs_max, 1000);
	CLI("dev", "--retention=36h", "--retention-payloads", "90m10s");
	assert_int_equal(notes.config.retention.age_ms, 36ull * 3600 * 1000);
	assert_int_equal(notes.config.retention.payload_age_ms, 5410000);
	static const char *const no_ages[] = {"-1", "36501", "x", "-1h", "1ns", "0s", "1.5", "40000d"};
	for (size_t i = 0; i < ARRAY_LEN(no_ages); i++) {
		struct cli_result refused = CLI("dev", "--retention", no_ages[i]);
		assert_int_equal(refused.code, 1);
		assert_contains(refused.err, "it takes days, up to 36500, or a time like 36h or 90m");
	}
	CLI("dev", "--history", "none");
	assert_true(notes.config.no_history);
	CLI("dev", "--durability=os", "--sqlite-dir", "/tmp/x");
	assert_int_equal(notes.config.durability, DURABILITY_OS);
	assert_string_equal(notes.sqlite_dir, "/tmp/x");
	struct cli_result result = CLI("dev", "--durability", "disk");
	assert_int_equal(result.code, 1);
	assert_contains(result.err, "none|os|fsync");
}

static void zero_means_the_default(void **state) {
	(void)state;
	CLI("dev", "--poll-interval", "0", "--queue-workers=0", "--tick=0");
	assert_int_equal(notes.config.poll_interval_s, 5);
	assert_int_equal(notes.config.queue_workers, 100);
	assert_contains(notes.start_opts, "\"tick\":150000000,");
}

static void every_flag_of_dev_is_taken(void **state) {
	(void)state;
	for (size_t i = 0; i < FLAG_ID_COUNT; i++) {
		const struct flag *flag = &cli_flags[i];
		if (flag->arguments_only || i == FLAG_ID_CONFIG || i == FLAG_ID_POSTGRES_URI) continue;
		char argument[128];
		struct str value = str_from_cstr(flag->fallback != NULL ? flag->fallback : "x");
		if (flag->type == FLAG_BOOL) value = STR("true");
		if (flag->type == FLAG_CHOICE) str_cut(str_from_cstr(flag->choices), '|', &value, &(struct str){0});
		snprintf(argument, sizeof(argument), "--%s=%.*s", flag->name, STR_ARG(value));
		assert_int_equal(CLI("dev", argument).code, flag_allowed(flag, COMMAND_ID_DEV) ? 0 : 1);
	}
}

static void wrong_flags_say_what_to_do(void **state) {
	(void)state;
	static const struct {
		const char *arguments[4];
		const char *part;
	} cases[] = {
		{{"dev", "--nope"}, "flag provided but not defined: -nope; run 'inngest dev --help'"},
		{{"dev", "--signing-key", "ab"}, "flag provided but not defined: -signing-key"},
		{{"dev", "--no-ui"}, "not defined: -no-ui"},
		{{"dev", "--=5"}, "not defined: -"},
		{{"--port", "1", "dev"}, "not defined: -port; run 'inngest --help'"},
		{{"dev", "--port"}, "flag needs an argument: -port; write --port=VALUE"},
		{{"dev", "--host", "--persist"}, "flag needs an argument: -host"},
		{{"dev", "--port", "x"}, "invalid value \"x\" for flag -port: it takes a whole number from 0 to 65535"},
		{{"dev", "--port", "65536"}, "from 0 to 65535"},
		{{"dev", "--port", "-1"}, "from 0 to 65535"},
		{{"dev", "--port", ""}, "invalid value \"\""},
		{{"dev", "--tick=99999999999999999999"}, "invalid value"},
		{{"dev", "http://localhost:3000"}, "unexpected argument \"http://localhost:3000\""},
		{{"dev", "--", "--port"}, "unexpected argument \"--port\""},
		{{"version", "x"}, "unexpected argument \"x\""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cli_result result = cli_run_on(false, cases[i].arguments);
		assert_int_equal(result.code, 1);
		assert_string_equal(result.out, "");
		assert_contains(result.err, "Incorrect Usage: ");
		assert_contains(result.err, cases[i].part);
		assert_one_line(result.err);
		assert_int_equal(notes.runs, 0);
	}
}

static void long_nonsense_is_cut(void **state) {
	(void)state;
	char *nonsense = malloc(100001);
	memset(nonsense, 'x', 100000);
	nonsense[100000] = '\0';
	struct cli_result result = CLI("dev", "--port", nonsense);
	assert_int_equal(result.code, 1);
	assert_true(strlen(result.err) < 600);
	memcpy(nonsense, "--", 2);
	assert_int_equal(CLI("dev", nonsense).code, 1);
	free(nonsense);
}

static void connect_addresses_must_be_ips(void **state) {
	(void)state;
	struct cli_result result = CLI("dev", "--connect-gateway-grpc-ip", "zz");
	assert_int_equal(result.code, 1);
	assert_string_equal(result.out, "invalid connect gateway gRPC IP \"zz\": must be an IP address\n");
	result = CLI("dev", "--connect-executor-grpc-ip=1.2.3");
	assert_string_equal(result.out, "invalid connect executor gRPC IP \"1.2.3\": must be an IP address\n");
	assert_int_equal(CLI("dev", "--connect-executor-grpc-ip=::1").code, 0);
}

static void other_databases_are_refused(void **state) {
	(void)state;
	assert_string_equal(CLI("dev", "--postgres-uri", "mysql://x/y").out, "unsupported database URL: mysql://x/y\n");
	struct cli_result result = CLI("dev", "--postgres-uri", "postgres://x/y");
	assert_int_equal(result.code, 1);
	assert_contains(result.out, "not available yet");
	assert_int_equal(notes.runs, 0);
}

static void help_everywhere(void **state) {
	(void)state;
	assert_contains(CLI(NULL).out, "COMMANDS:");
	assert_contains(CLI("help").out, "COMMANDS:");
	assert_contains(CLI("--help").out, "COMMANDS:");
	assert_contains(CLI("-h").out, "COMMANDS:");
	static const char *const forms[][2] = {{"dev", "--help"}, {"dev", "-h"}, {"help", "dev"}, {"dev", "-help"}};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct cli_result result = CLI(forms[i][0], forms[i][1]);
		assert_int_equal(result.code, 0);
		assert_contains(result.out, "--port number, -p number");
		assert_contains(result.out, "(default: 8288)");
		assert_contains(result.out, "--log-level level, -l level");
		assert_null(strstr(result.out, "--signing-key"));
		assert_null(strstr(result.out, "--debug-api-port")); // hidden
	}
	assert_contains(CLI("help", "start").out, "--signing-key hex");
	assert_contains(CLI("version", "--help").out, "Print the version");
	assert_contains(CLI("--help").out, "Write logs as JSON lines");
	assert_null(strstr(CLI("runs").out, "Write logs as JSON lines")); // its commands have a --json of their own
	assert_contains(CLI("runs").out, "--log-level level");
	assert_int_equal(CLI("dev", "--help", "--nonsense").code, 0);
	assert_int_equal(notes.runs, 0);
}

static void versions(void **state) {
	(void)state;
	char line[64];
	snprintf(line, sizeof(line), "%s\n", cli_version());
	assert_string_equal(CLI("version").out, line);
	assert_non_null(strchr(line, '-'));
	snprintf(line, sizeof(line), "inngest version %s\n", cli_version());
	assert_string_equal(CLI("--version").out, line);
	assert_string_equal(CLI("-v").out, line);
	assert_string_equal(CLI("dev", "-v").out, line);
}

static void unknown_commands(void **state) {
	(void)state;
	static const char *const forms[][2] = {{"serve"}, {"help", "serve"}, {"--json", "serve"}};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct cli_result result = CLI(forms[i][0], forms[i][1]);
		assert_int_equal(result.code, 3);
		assert_string_equal(result.err, "No help topic for 'serve'\n");
		assert_string_equal(result.out, "");
	}
}

static void start_is_refused_clearly(void **state) {
	(void)state;
	struct cli_result result = CLI("start", "--signing-key", "abcd", "--event-key", "x");
	assert_int_equal(result.code, 1);
	assert_contains(result.out, "not available yet");
	assert_one_line(result.out);
	assert_int_equal(notes.runs, 0);
}

static void global_flags_before_and_after(void **state) {
	(void)state;
	assert_int_equal(CLI("--json", "-l", "debug", "dev", "-p", "9001").code, 0);
	assert_int_equal(notes.config.port, 9001);
	assert_int_equal(CLI("dev", "--verbose", "--log-level=warn").code, 0);
}

static void failure_of_the_node(void **state) {
	(void)state;
	notes.failure = "mkdir .inngest: permission denied";
	struct cli_result result = CLI("dev", "--persist");
	assert_int_equal(result.code, 1);
	assert_string_equal(result.out, "mkdir .inngest: permission denied\n");
}

static void banner_on_a_terminal_only(void **state) {
	(void)state;
	notes.online_port = 8299;
	assert_string_equal(CLI("dev").out, "");
	struct cli_result result = cli_run_on(true, (const char *const[]){"dev", NULL});
	assert_contains(result.out, "Inngest Dev Server online ");
	assert_contains(result.out, "at 0.0.0.0:8299, visible at the following URLs:");
	assert_contains(result.out, "http://127.0.0.1:8299 (http://localhost:8299)");
	assert_contains(result.out, "--no-discovery");
	result = cli_run_on(true, (const char *const[]){"dev", "--host=::1", "--no-discovery", NULL});
	assert_contains(result.out, " - http://[::1]:8299\n");
	assert_null(strstr(result.out, "--no-discovery"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(defaults_of_dev),
		SCRATCH_TEST(every_form_of_a_flag),
		SCRATCH_TEST(booleans),
		SCRATCH_TEST(lists_repeat_or_take_commas),
		SCRATCH_TEST(durability),
		SCRATCH_TEST(zero_means_the_default),
		SCRATCH_TEST(every_flag_of_dev_is_taken),
		SCRATCH_TEST(wrong_flags_say_what_to_do),
		SCRATCH_TEST(long_nonsense_is_cut),
		SCRATCH_TEST(connect_addresses_must_be_ips),
		SCRATCH_TEST(other_databases_are_refused),
		SCRATCH_TEST(help_everywhere),
		SCRATCH_TEST(versions),
		SCRATCH_TEST(unknown_commands),
		SCRATCH_TEST(start_is_refused_clearly),
		SCRATCH_TEST(global_flags_before_and_after),
		SCRATCH_TEST(failure_of_the_node),
		SCRATCH_TEST(banner_on_a_terminal_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
