// `inngest runs why`: what it prints of what a server says, and what it makes of its arguments.
// tests/sdk/why.test.mjs asks servers.
#include "fixture.h"

#include "cli/client.h"
#include "cli/reply.h"
#include "cli/why.h"

#define RUN "01M8054F4GA1JCD60V59ARPN14"
#define SCHEDULED "2026-11-21T22:55:19.184Z"
#define METADATA ",\"metadata\":{\"fetched_at\":\"2026-11-21T22:55:22.384Z\"}}\n"
#define HEADING "Run " RUN ", scheduled at " SCHEDULED " (3.2 s ago), has 1 job:\n\n"

typedef enum err report_fn(const struct why_report *report, struct str reply, struct error *error);

static size_t job_count;
static enum err report_jobs(const struct why_report *report, struct str reply, struct error *error) {
	return why_report_jobs(report, reply, &job_count, error);
}

// What a report makes of a reply; of a reply that it does not take the error.
static const char *reported(report_fn *fn, bool colour, const char *reply) {
	static char text[16384];
	struct buf out;
	struct error error;
	struct ulid run_id;
	assert_true(ulid_parse(STR(RUN), &run_id));
	buf_init(&out, sizeof(text) - 1);
	struct why_report report = {&out, colour, &run_id, STR("http://localhost:8288")};
	enum err err = fn(&report, str_from_cstr(reply), &error);
	assert_false(out.overflow);
	snprintf(text, sizeof(text), "%.*s", STR_ARG(buf_view(&out)));
	if (err != ERR_OK) {
		assert_int_equal(out.len, 0);
		snprintf(text, sizeof(text), "%s", error.message);
	}
	buf_free(&out);
	return text;
}

static const char *jobs(const char *list) {
	struct buf reply;
	buf_init(&reply, 65536);
	buf_printf(&reply, "{\"data\":%s" METADATA, list);
	buf_byte(&reply, '\0');
	const char *text = reported(report_jobs, false, reply.ptr);
	buf_free(&reply);
	return text;
}

// What is printed of one job, without the heading.
static const char *job(const char *members) {
	struct buf list;
	buf_init(&list, 32768);
	buf_printf(&list, "[{%s}]", members);
	buf_byte(&list, '\0');
	const char *text = jobs(list.ptr);
	buf_free(&list);
	assert_int_equal(strncmp(text, HEADING, strlen(HEADING)), 0);
	return text + strlen(HEADING);
}

// The sentence about a call that waits like this.
static const char *waiting(const char *on) {
	struct buf members;
	buf_init(&members, 16384);
	buf_printf(&members,
		   "\"kind\":\"edge\",\"attempt\":0,\"Raw\":{\"state\":\"waiting\",\"step\":\"s\",\"waiting\":{%s}}",
		   on);
	static const char before[] = "step \"s\": waiting, attempt 0\n  ";
	buf_byte(&members, '\0');
	const char *text = job(members.ptr);
	buf_free(&members);
	assert_int_equal(strncmp(text, before, strlen(before)), 0);
	return text + strlen(before);
}

static void every_limit(void **state) {
	(void)state;
	static const struct {
		const char *waiting, *sentence;
	} cases[] = {
		{"\"on\":\"concurrency\",\"scope\":\"fn\",\"key\":\"event.data.user\",\"value\":\"u1\",\"limit\":2,"
		 "\"in_use\":2,\"ahead\":17",
		 "waits for the concurrency of the function: key event.data.user = \"u1\", 2 of 2 calls in use, 17 "
		 "ahead of it\n"},
		{"\"on\":\"concurrency\",\"scope\":\"fn\",\"limit\":1,\"in_use\":1,\"ahead\":0",
		 "waits for the concurrency of the function: 1 of 1 calls in use, it is the next one\n"},
		{"\"on\":\"concurrency\",\"scope\":\"env\",\"key\":\"'all'\",\"value\":\"all\",\"limit\":5,"
		 "\"in_use\":5,\"ahead\":1",
		 "waits for the concurrency of the environment: key 'all' = \"all\", 5 of 5 calls in use, 1 ahead of "
		 "it\n"},
		{"\"on\":\"concurrency\",\"scope\":\"account\",\"key\":\"'all'\",\"value\":\"\",\"limit\":5,"
		 "\"in_use\":5,\"ahead\":1",
		 "waits for the concurrency of the account: key 'all' = \"\", 5 of 5 calls in use, 1 ahead of it\n"},
		{"\"on\":\"runs\",\"scope\":\"fn\",\"limit\":3,\"in_use\":3,\"ahead\":2",
		 "waits for the end of a run of the function: 3 of 3 runs under way, 2 ahead of it\n"},
		{"\"on\":\"throttle\",\"key\":\"event.data.user\",\"value\":\"u1\",\"limit\":5,\"burst\":2,"
		 "\"period\":\"10s\",\"next_at\":\"2026-11-21T22:55:25.584Z\",\"ahead\":4",
		 "waits for the throttle of the function: key event.data.user = \"u1\", 5 per 10s and a burst of 2, "
		 "next start at 2026-11-21T22:55:25.584Z (in 3.2 s), 4 ahead of it\n"},
		{"\"on\":\"throttle\",\"limit\":1,\"burst\":0,\"period\":\"1h\",\"next_at\":\"x\",\"ahead\":0",
		 "waits for the throttle of the function: 1 per 1h, it is the next one\n"},
		{"\"on\":\"workers\",\"limit\":100,\"in_use\":100,\"ahead\":5",
		 "no worker is free: 100 of 100 calls to the app under way, 5 ahead of it\n"},
		{"\"on\":\"paused\"", "the function is paused; the run goes on once it is unpaused\n"},
		{"\"on\":\"time\",\"at\":\"2026-11-22T22:56:22.384Z\"",
		 "is called at 2026-11-22T22:56:22.384Z (in 1 d)\n"},
		{"\"on\":\"moon\",\"limit\":1,\"in_use\":1,\"ahead\":3",
		 "waits for \"moon\": 1 of 1 in use, 3 ahead of it\n"},
		{"\"on\":\"concurrency\"", "waits for the concurrency of the function\n"},
		{"\"on\":\"throttle\",\"limit\":-1,\"burst\":1.5,\"period\":7,\"next_at\":null,\"ahead\":\"3\"",
		 "waits for the throttle of the function\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(waiting(cases[i].waiting), cases[i].sentence);
}

static void every_kind_of_job(void **state) {
	(void)state;
	static const struct {
		const char *members, *text;
	} cases[] = {
		{"\"kind\":\"start\",\"attempt\":0,\"Raw\":{\"state\":\"ready\"}",
		 "start: ready, attempt 0\n  waits for nothing, and is about to be called\n"},
		{"\"kind\":\"start\",\"attempt\":0,\"at\":\"2026-11-21T22:56:22.384Z\",\"Raw\":{\"state\":"
		 "\"scheduled\"}",
		 "start: scheduled, attempt 0\n  starts at 2026-11-21T22:56:22.384Z (in 1 min)\n"},
		{"\"kind\":\"edge\",\"attempt\":2,\"at\":\"2026-11-21T22:55:23.384Z\",\"Raw\":{\"state\":\"running\"}",
		 "call: running, attempt 2\n  is being called now\n"},
		{"\"kind\":\"edge\",\"attempt\":1,\"at\":\"2026-11-22T01:57:22.384Z\",\"Raw\":{\"state\":\"scheduled\","
		 "\"step\":\"abc\",\"name\":\"charge\"}",
		 "step \"charge\": scheduled, attempt 1\n  is tried again at 2026-11-22T01:57:22.384Z (in 3 h 2 "
		 "min)\n"},
		{"\"kind\":\"sleep\",\"attempt\":0,\"at\":\"2026-11-21T22:55:10Z\",\"Raw\":{\"state\":\"scheduled\","
		 "\"step\":\"abc\"}",
		 "sleep \"abc\": scheduled, attempt 0\n  sleeps until 2026-11-21T22:55:10.000Z (12.3 s ago)\n"},
		{"\"kind\":\"sleep\",\"at\":\"2026-11-21T22:55:10Z\",\"Raw\":{\"state\":\"scheduled\",\"waiting\":{"
		 "\"on\":\"time\",\"at\":\"2026-11-21T23:55:20.384Z\"}}",
		 "sleep: scheduled, attempt 0\n  sleeps until 2026-11-21T23:55:20.384Z (in 59 min 58 s)\n"},
		{"\"kind\":\"pause\",\"attempt\":0,\"at\":\"2027-11-21T22:55:22.384Z\",\"Raw\":{\"state\":"
		 "\"scheduled\",\"step\":\"w\"}",
		 "wait \"w\": scheduled, attempt 0\n  waits for an event, a signal or another run, until "
		 "2027-11-21T22:55:22.384Z (in 365 d)\n"},
		{"\"kind\":\"dance\",\"at\":\"2026-11-21T22:55:22.384Z\",\"Raw\":{\"state\":\"scheduled\"}",
		 "dance: scheduled, attempt 0\n  is due at 2026-11-21T22:55:22.384Z (0.0 s ago)\n"},
		{"\"kind\":\"sleep\",\"Raw\":{\"state\":\"scheduled\"}",
		 "sleep: scheduled, attempt 0\n  is not due yet\n"},
		{"", ": , attempt 0\n  waits for nothing, and is about to be called\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(job(cases[i].members), cases[i].text);
}

static void one_block_for_each_job(void **state) {
	(void)state;
	assert_string_equal(jobs("[{\"kind\":\"edge\",\"Raw\":{\"state\":\"ready\"}},{\"kind\":\"edge\",\"attempt\":1,"
				 "\"Raw\":{\"state\":\"running\"}}]"),
			    "Run " RUN ", scheduled at " SCHEDULED " (3.2 s ago), has 2 jobs:\n\n"
			    "call: ready, attempt 0\n  waits for nothing, and is about to be called\n\n"
			    "call: running, attempt 1\n  is being called now\n");
	assert_int_equal(job_count, 2);
	const char *text = jobs("[1,2,3,4,5,6,7,8,9,10]");
	assert_contains(text, "has 10 jobs or more:\n");
	assert_string_equal(jobs("[]"), "");
	assert_int_equal(job_count, 0);
}

// A newer server, another program, a hostile one: whatever comes, it ends, and the terminal is not touched.
static void replies_of_any_form(void **state) {
	(void)state;
	assert_string_equal(reported(report_jobs, false, "{\"data\":null}"), "there is no list of jobs in it");
	assert_string_equal(reported(report_jobs, false, "[]"), "there is no list of jobs in it");
	assert_string_equal(reported(report_jobs, false, ""), "unexpected end of JSON input");
	assert_non_null(reported(report_jobs, false, "<html>"));
	assert_string_equal(reported(report_jobs, false, "{\"data\":[7]}"),
			    "Run " RUN ", scheduled at " SCHEDULED ", has 1 job:\n\n"
			    ": , attempt 0\n  waits for nothing, and is about to be called\n");
	assert_string_equal(reported(why_report_run, false, "{\"data\":{}}"), "there is no run in it");
	assert_string_equal(reported(why_report_run, false, "7"), "there is no run in it");
	char *deep = malloc(100001);
	memset(deep, '[', 100000);
	deep[100000] = '\0';
	assert_non_null(reported(report_jobs, false, deep));
	free(deep);
}

static void control_characters_are_blanks(void **state) {
	(void)state;
	assert_string_equal(
		job("\"kind\":\"edge\",\"Raw\":{\"state\":\"\\u0007x\",\"step\":\"a\\u001b[31mb\\u009b2Jc"
		    "\\n\\u00e9\\u007f\"}"),
		"step \"a [31mb 2Jc \u00e9 \":  x, attempt 0\n  waits for nothing, and is about to be called\n");
	char step[1024];
	snprintf(step, sizeof(step), "\"kind\":\"edge\",\"Raw\":{\"state\":\"ready\",\"step\":\"%0500d\"}", 0);
	char wanted[512];
	snprintf(wanted, sizeof(wanted), "step \"%0200d…\": ready", 0);
	assert_contains(job(step), wanted);
}

static void colours_when_wanted(void **state) {
	(void)state;
	static const char reply[] = "{\"data\":[{\"kind\":\"edge\",\"Raw\":{\"step\":\"s\",\"state\":\"running\"}},"
				    "{\"kind\":\"start\",\"Raw\":{\"state\":\"waiting\"}}]" METADATA;
	const char *text = reported(report_jobs, true, reply);
	assert_contains(text, "\033[1mstep \"s\"\033[0m: \033[32mrunning\033[0m, attempt 0\n");
	assert_contains(text, "\033[1mstart\033[0m: \033[33mwaiting\033[0m, attempt 0\n");
	assert_null(strchr(reported(report_jobs, false, reply), '\033'));
}

static void a_run_that_has_ended(void **state) {
	(void)state;
	static const char reply[] =
		"{\"data\":{\"status\":\"Failed\",\"ended_at\":\"2026-11-21T22:55:20.384Z\"}" METADATA;
	assert_string_equal(reported(why_report_run, false, reply),
			    "Run " RUN " has ended and waits for nothing: Failed at 2026-11-21T22:55:20.384Z (2.0 s "
			    "ago).\n\n"
			    "What it returned:  inngest runs get " RUN "\n"
			    "To run it again:   inngest runs rerun " RUN "\n");
	assert_contains(reported(why_report_run, true, reply), ": \033[31mFailed\033[0m at ");
	assert_string_equal(
		reported(why_report_run, false, "{\"data\":{\"status\":\"Running\",\"ended_at\":null}" METADATA),
		"Run " RUN " has no job at this moment, but has not ended: ask again.\n");
}

// The example of docs/runs.md is what is printed.
static void the_guide_is_right(void **state) {
	(void)state;
	static char guide[131072];
	FILE *file = fopen(TESTS_DIR "/../docs/runs.md", "r");
	assert_non_null(file);
	assert_true(fread(guide, 1, sizeof(guide) - 1, file) > 0);
	fclose(file);
	const char *text =
		jobs("[{\"kind\":\"edge\",\"attempt\":0,\"Raw\":{\"state\":\"waiting\",\"step\":\"b07\",\"name\":"
		     "\"charge\",\"waiting\":{\"on\":\"concurrency\",\"scope\":\"fn\",\"key\":\"event.data.user\","
		     "\"value\":\"u1\",\"limit\":2,\"in_use\":2,\"ahead\":17}}},"
		     "{\"kind\":\"sleep\",\"attempt\":0,\"Raw\":{\"state\":\"scheduled\",\"step\":\"b08\",\"name\":"
		     "\"a day\",\"waiting\":{\"on\":\"time\",\"at\":\"2026-11-22T22:55:20.384Z\"}}}]");
	assert_contains(guide, text);
}

static void errors_of_a_server(void **state) {
	(void)state;
	static const struct {
		const char *reply, *text;
	} cases[] = {
		{"{\"error\":\"no\\nway\",\"status\":500}", "no way"},
		{"{\"errors\":[{\"code\":\"not_found\",\"message\":\"Run not\\nfound\"}]}", "Run not found"},
		{"<h1>Bad\r\nGateway</h1>\n", "<h1>Bad  Gateway</h1>"},
		{"\xff\x1b", "\xef\xbf\xbd "},
		{"", ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;
		buf_init(&out, 1024);
		reply_error_text(&out, str_from_cstr(cases[i].reply));
		assert_int_equal(out.len, strlen(cases[i].text));
		assert_memory_equal(out.ptr != NULL ? out.ptr : "", cases[i].text, out.len);
		buf_free(&out);
	}
}

// ---- the command -----------------------------------------------------------------------------------------------

// The address that the client takes, or its complaint.
static const char *address(const char *const *arguments) {
	static char text[600];
	struct arena arena;
	struct settings settings;
	struct client client;
	struct error error;
	int argc = 0, used;
	arena_init(&arena, 0);
	settings_init(&settings, &arena, COMMAND_ID_RUNS_WHY);
	while (arguments[argc] != NULL) argc++;
	enum err err = settings_read_arguments(&settings, argc, (char **)(uintptr_t)arguments, false, &used, &error);
	if (err == ERR_OK) err = settings_read_environment(&settings, &error);
	if (err == ERR_OK) err = client_init(&client, &settings, &error);
	if (err == ERR_OK)
		snprintf(text, sizeof(text), "%.*s%s", STR_ARG(client.url), client.local ? " local" : "");
	else
		snprintf(text, sizeof(text), "%s", error.message);
	arena_free(&arena);
	return text;
}
#define ADDRESS(...) address((const char *const[]){__VA_ARGS__, NULL})

static void where_the_server_is(void **state) {
	(void)state;
	assert_string_equal(ADDRESS(NULL), "http://localhost:8288 local");
	assert_string_equal(ADDRESS("--url", "http://127.0.0.1:9000/"), "http://127.0.0.1:9000 local");
	assert_string_equal(ADDRESS("--url", "[::1]:9000"), "http://[::1]:9000 local");
	assert_string_equal(ADDRESS("--url", "LOCALHOST:1"), "http://LOCALHOST:1 local");
	assert_string_equal(ADDRESS("--url", "example.com"), "https://example.com");
	assert_string_equal(ADDRESS("--url", "http://example.com:80/behind/"), "http://example.com:80/behind");
	assert_string_equal(ADDRESS("--api-host", "localhost:7"), "http://localhost:7 local");
	assert_string_equal(ADDRESS("--api-port", "7"), "http://localhost:7 local");
	assert_string_equal(ADDRESS("--api-port", "7", "--url", "https://a:1"), "https://a:1");
	setenv("INNGEST_API_PORT", "8", 1);
	assert_string_equal(ADDRESS(NULL), "http://localhost:8 local");
	setenv("INNGEST_URL", "http://localhost:9", 1);
	assert_string_equal(ADDRESS(NULL), "http://localhost:9 local");
	assert_string_equal(ADDRESS("--api-port", "7"), "http://localhost:7 local");
}

static void addresses_that_are_none(void **state) {
	(void)state;
	static const char *const wrong[] = {"ftp://h", "http://",   "http://a b", "http://u:p@h", "http://h/?a",
					    "",        "http://h#", "http://h:x", "h\n",          "http://h/\r\nX: y"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *text = ADDRESS("--url", wrong[i]);
		if (strcmp(text, "https://h") == 0) continue; // white space around it does not matter
		if (strcmp(text, "http://h") == 0) continue;  // nor does a fragment that is empty
		assert_contains(text, " is no address for --url: ");
		assert_contains(text, "; write http://HOST:PORT");
	}
	assert_contains(ADDRESS("--api-port", "0"), "invalid value");
	assert_contains(ADDRESS("--api-host", "ftp://h"), "is no address for --api-host");
}

static void keys_do_not_travel_in_the_open(void **state) {
	(void)state;
	setenv("INNGEST_SIGNING_KEY", "abcd", 1);
	assert_string_equal(ADDRESS(NULL), "http://localhost:8288 local");
	assert_string_equal(ADDRESS("--url", "example.com"), "https://example.com");
	assert_string_equal(ADDRESS("--url", "http://example.com"),
			    "refusing to send credentials over plaintext HTTP to http://example.com; use an https:// "
			    "target");
	assert_string_equal(ADDRESS("--signing-key", "ab\ncd"),
			    "the signing key has control characters; give it on one line");
}

static void help_of_the_group(void **state) {
	(void)state;
	static const char *const forms[][3] = {{"runs"}, {"runs", "--help"}, {"help", "runs"}, {"--json", "runs"}};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct cli_result result = CLI(forms[i][0], forms[i][1]);
		assert_int_equal(result.code, 0);
		assert_contains(result.out, "inngest runs <command> [options]\n");
		assert_contains(result.out, "   why      ");
		assert_null(strstr(result.out, "   dev "));
	}
	assert_null(strstr(CLI("help").out, "   why "));
}

static void help_of_the_command(void **state) {
	(void)state;
	static const char *const forms[][4] = {{"runs", "why", "--help"},
					       {"runs", "--help", "why"},
					       {"help", "runs", "why"},
					       {"runs", "why", RUN, "-h"}};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct cli_result result =
			cli_run_on(false, (const char *const[]){forms[i][0], forms[i][1], forms[i][2],
								i == 3 ? forms[i][3] : NULL, NULL});
		assert_int_equal(result.code, 0);
		assert_contains(result.out, i == 1 ? "inngest runs <command>" : "inngest runs why RUN_ID [options]\n");
	}
	const char *out = CLI("runs", "why", "--help").out;
	assert_contains(out, "--url url");
	assert_contains(out, "(default: http://localhost:8288)");
	assert_contains(out, "--signing-key key");
	assert_null(strstr(out, "--api-host"));
	assert_null(strstr(out, "Write logs as JSON lines"));
}

static void wrong_usage(void **state) {
	(void)state;
	static const struct {
		const char *arguments[5];
		int code;
		const char *err;
	} cases[] = {
		{{"runs", "nope"}, 3, "No help topic for 'nope'\n"},
		{{"help", "runs", "nope"}, 3, "No help topic for 'nope'\n"},
		{{"why"}, 3, "No help topic for 'why'\n"},
		{{"runs", "dev"}, 3, "No help topic for 'dev'\n"},
		{{"runs", "why"}, 1, "Incorrect Usage: no run was given; write inngest runs why RUN_ID\n"},
		{{"runs", "--url", "x", "why"}, 1, "not defined: -url; run 'inngest runs --help'"},
		{{"runs", "why", RUN, "--port=1"}, 1, "not defined: -port; run 'inngest runs why --help'"},
		{{"runs", "why", RUN, "x"}, 1, "unexpected argument \"x\""},
		{{"runs", "why", "x"}, 1, "Error: \"x\" is no id of a run: it has 26 letters and digits"},
		{{"runs", "why", RUN "/.."}, 1, "is no id of a run"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cli_result result = cli_run_on(false, cases[i].arguments);
		assert_int_equal(result.code, cases[i].code);
		assert_string_equal(result.out, "");
		assert_contains(result.err, cases[i].err);
	}
}

static void no_server(void **state) {
	(void)state;
	setenv("INNGEST_URL", "http://127.0.0.1:1", 1);
	struct cli_result result = CLI("runs", "why", RUN);
	assert_int_equal(result.code, 1);
	assert_string_equal(result.out, "");
	assert_contains(result.err, "Error: no server can be reached at http://127.0.0.1:1: ");
	assert_contains(result.err, "start one with `inngest dev`");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(every_limit),
		SCRATCH_TEST(every_kind_of_job),
		SCRATCH_TEST(one_block_for_each_job),
		SCRATCH_TEST(replies_of_any_form),
		SCRATCH_TEST(control_characters_are_blanks),
		SCRATCH_TEST(colours_when_wanted),
		SCRATCH_TEST(a_run_that_has_ended),
		SCRATCH_TEST(the_guide_is_right),
		SCRATCH_TEST(errors_of_a_server),
		SCRATCH_TEST(where_the_server_is),
		SCRATCH_TEST(addresses_that_are_none),
		SCRATCH_TEST(keys_do_not_travel_in_the_open),
		SCRATCH_TEST(help_of_the_group),
		SCRATCH_TEST(help_of_the_command),
		SCRATCH_TEST(wrong_usage),
		SCRATCH_TEST(no_server),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
