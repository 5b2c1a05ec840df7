// What the commands print of canned replies. No server: tests/unit/cli/test_remote.c and tests/sdk/commands.test.mjs.
#include "out_test.h"

#include "cli/directory.h"
#include "cli/events_report.h"
#include "cli/functions_report.h"
#include "cli/runs.h"
#include "cli/watch.h"

#define RUN "01M8054F4GA1JCD60V59ARPN14"
#define EVENT "01M8054F4GA1JCD60V59ARPN15"
#define ID "c0a80101-0000-4000-8000-000000000001"
#define META "\"metadata\":{\"fetchedAt\":\"2026-11-21T22:55:22.384Z\"}"

// ---- lists -----------------------------------------------------------------------------------------------------

static const char *listed(const char *const *headings, size_t columns, list_row_fn *row, bool terminal,
			  const char *reply) {
	struct page page;
	struct error error;
	struct table table;
	size_t i, max;
	yyjson_val *item;
	enum err err = page_read(&page, str_from_cstr(reply), false, 0, &error);
	if (err != ERR_OK) fail_msg("%s", error.message);
	table_init(&table, headings, columns, terminal, false);
	yyjson_arr_foreach(page.items, i, max, item) row(&table, item, &page);
	table_print(&table, &out);
	table_free(&table);
	page_free(&page);
	return written();
}

static void a_list_of_runs(void **state) {
	(void)state;
	static const char reply[] =
		"{\"data\":[{\"id\":\"" RUN "\",\"app\":{\"id\":\"shop\"},\"function\":{\"id\":\"confirm\"},\"status\":"
		"\"COMPLETED\",\"queuedAt\":\"2026-11-21T22:55:19.184Z\",\"durationMs\":\"1234\"},"
		"{\"id\":\"" EVENT "\",\"status\":\"QUEUED\"},7]," META "}";
	assert_string_equal(
		listed(runs_list_headings, RUNS_LIST_COLUMNS, runs_report_row, true, reply),
		"RUN                         STATUS     FUNCTION      QUEUED                                "
		"DURATION\n" RUN "  COMPLETED  shop/confirm  2026-11-21T22:55:19.184Z (3.2 s ago)  1.2 s\n" EVENT
		"  QUEUED\n"
		"\n");
	assert_string_equal(listed(runs_list_headings, RUNS_LIST_COLUMNS, runs_report_row, false, reply),
			    RUN "\tCOMPLETED\tshop/confirm\t2026-11-21T22:55:19.184Z\t1.2 s\n" EVENT
				"\tQUEUED\t\t\t\n\t\t\t\t\n");
}

static void a_list_of_events(void **state) {
	(void)state;
	static const char reply[] =
		"{\"data\":[{\"internal_id\":\"" EVENT "\",\"name\":\"shop/order.placed\",\"received_at\":"
		"\"2026-11-21T22:54:22.384Z\",\"data\":{\"id\":7,\"text\":\"a\\tb\\u001b\"}},{\"name\":\"x\",\"data\":"
		"null}],"
		"\"metadata\":{\"fetched_at\":\"2026-11-21T22:55:22.384Z\"}}";
	assert_string_equal(
		listed(events_list_headings, EVENTS_LIST_COLUMNS, events_report_row, true, reply),
		"EVENT                       NAME               RECEIVED                              DATA\n" EVENT
		"  shop/order.placed  2026-11-21T22:54:22.384Z (1 min ago)  "
		"{\"id\":7,\"text\":\"a\\tb\\u001B\"}\n"
		"                            x                                                        null\n");
	assert_string_equal(listed(events_list_headings, EVENTS_LIST_COLUMNS, events_report_row, false, reply), EVENT
			    "\tshop/order.placed\t2026-11-21T22:54:22.384Z\t{\"id\":7,\"text\":\"a\\tb\\u001B\"}\n"
			    "\tx\t\tnull\n");
}

static void lists_of_functions_and_apps(void **state) {
	(void)state;
	static const char functions[] =
		"{\"data\":[{\"app\":{\"id\":\"shop\"},\"id\":\"confirm\",\"name\":\"Confirm\",\"triggers\":[{\"type\":"
		"\"EVENT\",\"value\":\"shop/order.placed\",\"if\":\"event.data.a > "
		"1\"},{\"type\":\"CRON\",\"value\":\"* * "
		"* * *\"}]},{\"app\":{\"id\":\"shop\"},\"id\":\"b\",\"isPaused\":true}]}";
	assert_string_equal(
		listed(functions_list_headings, FUNCTIONS_LIST_COLUMNS, functions_report_row, false, functions),
		"shop/confirm\tactive\tshop/order.placed if event.data.a > 1, * * * * *\tConfirm\n"
		"shop/b\tpaused\t\t\n");
	static const char apps[] =
		"{\"data\":[{\"id\":\"shop\",\"functionCount\":2,\"method\":\"SERVE\",\"latestSync\":{\"url\":\"http://"
		"localhost:3000/api/inngest\",\"sdkLanguage\":\"js\",\"sdkVersion\":\"v4.24.0\"}},{\"id\":\"b\","
		"\"latestSync\":{\"error\":\"unreachable\"}}]}";
	assert_string_equal(
		listed(apps_list_headings, APPS_LIST_COLUMNS, apps_report_row, false, apps),
		"shop\t2\tSERVE\tjs v4.24.0\thttp://localhost:3000/api/inngest\t\nb\t0\t\t\t\tunreachable\n");
}

static void pages(void **state) {
	(void)state;
	static const struct {
		const char *reply;
		bool by_id;
		size_t asked, count;
		const char *cursor;
	} cases[] = {
		{"{\"data\":[1,2],\"page\":{\"cursor\":\"c\",\"hasMore\":true}}", false, 2, 2, "c"},
		{"{\"page\":{},\"metadata\":{}}", false, 20, 0, ""},
		{"{\"data\":[{\"internal_id\":\"a\"},{\"internal_id\":\"b\"}]}", true, 2, 2, "b"},
		{"{\"data\":[{\"internal_id\":\"a\"}]}", true, 2, 1, ""},
		{"{\"data\":[]}", true, 2, 0, ""},
		{"{" META "}", false, 20, 0, ""},
	};
	struct page page;
	struct error error;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
			page_read(&page, str_from_cstr(cases[i].reply), cases[i].by_id, cases[i].asked, &error),
			ERR_OK);
		assert_int_equal(yyjson_arr_size(page.items), cases[i].count);
		assert_true(str_eq_cstr(page.cursor, cases[i].cursor));
		page_free(&page);
	}
	static char large[2u << 20]; // which the server has ended early
	memset(large, ' ', sizeof large - 1);
	memcpy(large, cases[3].reply, strlen(cases[3].reply));
	assert_int_equal(page_read(&page, str_from_cstr(large), true, 2, &error), ERR_OK);
	assert_true(str_eq_cstr(page.cursor, "a"));
	page_free(&page);
	static const char *const wrong[] = {
		"", "7", "[]", "{\"data\":{}}", "{\"data\":null}", "<html>", "{}", "{\"mode\":\"dev\"}"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(page_read(&page, str_from_cstr(wrong[i]), false, 0, &error), ERR_INVALID);
}

// ---- one run ---------------------------------------------------------------------------------------------------

typedef enum err run_fn(const struct run_report *report, struct str reply, struct error *error);

static const char *reported(run_fn *fn, bool terminal, bool colour, const char *reply) {
	struct run_report report = {&out, terminal, colour};
	static struct error error;
	if (fn(&report, str_from_cstr(reply), &error) == ERR_OK) return written();
	assert_int_equal(out.len, 0);
	return error.message;
}

#define HEAD "\"id\":\"" RUN "\",\"app\":{\"id\":\"shop\"},\"function\":{\"id\":\"confirm\"}"

static void facts_of_a_run(void **state) {
	(void)state;
	static const char reply[] =
		"{\"data\":{" HEAD ",\"status\":\"FAILED\",\"queuedAt\":\"2026-11-21T22:55:19.184Z\",\"startedAt\":"
		"\"2026-11-21T22:55:19.384Z\",\"endedAt\":\"2026-11-21T22:55:20.384Z\",\"durationMs\":\"1000\","
		"\"trigger\":{\"eventIds\":[\"" EVENT "\",\"x\"],\"cronSchedule\":\"@daily\"}}," META "}";
	assert_string_equal(reported(runs_report_run, true, false, reply),
			    "run       " RUN
			    "\nstatus    FAILED\nfunction  shop/confirm\nschedule  @daily\nevent     " EVENT
			    " and 1 more\n"
			    "queued    2026-11-21T22:55:19.184Z (3.2 s ago)\n"
			    "started   2026-11-21T22:55:19.384Z (3.0 s ago)\n"
			    "ended     2026-11-21T22:55:20.384Z (2.0 s ago)\n"
			    "duration  1.0 s\n");
	assert_non_null(strstr(reported(runs_report_run, true, true, reply), "\033[31mFAILED\033[0m\n"));
	assert_string_equal(reported(runs_report_run, false, false, "{\"data\":{" HEAD ",\"status\":\"QUEUED\"}}"),
			    "run\t" RUN "\nstatus\tQUEUED\nfunction\tshop/confirm\n");
	assert_string_equal(reported(runs_report_run, false, false, "{\"data\":{}}"), "there is no run in it");
	assert_string_equal(reported(runs_report_run, false, false, "[]"), "there is no run in it");
}

static void output_of_a_run(void **state) {
	(void)state;
	static const struct {
		const char *members, *plain, *terminal;
	} cases[] = {
		{"\"status\":\"RUNNING\"", "", ""},
		{"\"status\":\"COMPLETED\",\"output\":{\"a\":1}", "\n{\"a\":1}\n", "\n{\n  \"a\": 1\n}\n"},
		{"\"status\":\"COMPLETED\",\"output\":{\"data\":\"text\"}", "\n\"text\"\n", "\n\"text\"\n"},
		{"\"status\":\"COMPLETED\",\"output\":{\"data\":null}", "\nnull\n", "\nnull\n"},
		{"\"status\":\"COMPLETED\",\"output\":{\"data\":{}}", "\n{\"data\":{}}\n", "\n{\n  \"data\": {}\n}\n"},
		{"\"status\":\"COMPLETED\",\"output\":{\"error\":{\"name\":\"mine\"}}",
		 "\n{\"error\":{\"name\":\"mine\"}}\n", NULL},
		{"\"status\":\"FAILED\",\"output\":{\"error\":{\"name\":\"Error\",\"message\":\"no\\u001b\",\"stack\":"
		 "\"Error: no\\n    at x\"}}",
		 "\nError: no \n  Error: no\n      at x\n", "\nError: no \n  Error: no\n      at x\n"},
		{"\"status\":\"FAILED\",\"output\":{\"message\":\"only\"}", "\nonly\n", "\nonly\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char reply[512];
		snprintf(reply, sizeof(reply), "{\"data\":{%s}}", cases[i].members);
		assert_string_equal(reported(runs_report_output, false, false, reply), cases[i].plain);
		if (cases[i].terminal != NULL)
			assert_string_equal(reported(runs_report_output, true, false, reply), cases[i].terminal);
	}
}

static void a_trace(void **state) {
	(void)state;
	static const char reply[] =
		// clang-format off
		"{\"data\":{\"rootSpan\":{\"name\":\"0737c22d\",\"status\":\"FAILED\",\"durationMs\":\"1234\",\"children\":["
		"{\"name\":\"mail\",\"status\":\"COMPLETED\",\"stepId\":\"a\",\"stepOp\":\"RUN\"},"
		"{\"name\":\"mail\",\"status\":\"COMPLETED\",\"durationMs\":\"7\",\"stepId\":\"a\",\"stepOp\":\"RUN\"},"
		"{\"name\":\"flaky\",\"status\":\"FAILED\",\"startedAt\":\"2026-11-21T22:55:19Z\",\"endedAt\":\"2026-11-21T22:56:20Z\",\"stepId\":\"b\",\"stepOp\":\"RUN\",\"children\":["
		"{\"name\":\"Attempt 0\",\"status\":\"FAILED\",\"output\":{\"error\":{\"name\":\"Error\",\"message\":\"not\\nyet\"}},\"stepId\":\"b\",\"stepOp\":\"RUN\"},"
		"{\"name\":\"Attempt 1\",\"status\":\"RUNNING\",\"stepId\":\"b\",\"stepOp\":\"RUN\"}"
		"]},"
		"{\"name\":\"flaky\",\"status\":\"FAILED\",\"stepId\":\"b\",\"stepOp\":\"RUN\"},"
		"{\"name\":\"nap\",\"status\":\"WAITING\",\"stepId\":\"c\",\"stepOp\":\"SLEEP\"},"
		"{\"name\":\"executor.nonstep\",\"status\":\"FAILED\"}"
		"]}}}";
	// clang-format on
	assert_string_equal(reported(runs_report_trace, true, false, reply),
			    "\nSTEP           STATUS     DURATION   OP     ERROR\n"
			    "Run            FAILED     1.2 s\n"
			    "  mail         COMPLETED  7 ms       RUN\n"
			    "  flaky        FAILED     1 min 1 s  RUN\n"
			    "    Attempt 0  FAILED                RUN    Error: not yet\n"
			    "    Attempt 1  RUNNING               RUN\n"
			    "  nap          WAITING               SLEEP\n");
	assert_string_equal(
		reported(runs_report_trace, false, false, reply),
		"\nRun\tFAILED\t1.2 s\t\t\n  mail\tCOMPLETED\t7 ms\tRUN\t\n  flaky\tFAILED\t1 min 1 s\tRUN\t\n"
		"    Attempt 0\tFAILED\t\tRUN\tError: not yet\n    Attempt 1\tRUNNING\t\tRUN\t\n  "
		"nap\tWAITING\t\tSLEEP\t\n");
	assert_string_equal(reported(runs_report_trace, true, false, "{\"data\":{}}"), "there is no trace in it");
}

// A step stands where it began: after those that its request ran before it, and after the sleep that it follows. What
// waits for its turn has no status in version 2.
static void order_of_steps(void **state) {
	(void)state;
	static const char reply[] = "{\"data\":{\"rootSpan\":{\"children\":["
				    "{\"name\":\"bad\",\"stepId\":\"b\",\"children\":[{\"name\":\"Attempt 0\"}]},"
				    "{\"name\":\"good\",\"stepId\":\"g\"},"
				    "{\"name\":\"bad\",\"stepId\":\"b\"},"
				    "{\"name\":\"after\",\"stepId\":\"a\",\"durationMs\":\"2000\"},"
				    "{\"name\":\"nap\",\"stepId\":\"n\"},"
				    "{\"name\":\"after\",\"stepId\":\"a\",\"durationMs\":\"6\"},"
				    "{\"name\":\"bad\",\"stepId\":\"b\"}]}}}";
	assert_string_equal(reported(runs_report_trace, false, false, reply),
			    "\nRun\tQUEUED\t\t\t\n  good\tQUEUED\t\t\t\n  bad\tQUEUED\t\t\t\n"
			    "    Attempt 0\tQUEUED\t\t\t\n  nap\tQUEUED\t\t\t\n  after\tQUEUED\t6 ms\t\t\n");
}

// However deep and wide the server's tree is.
static void large_traces(void **state) {
	(void)state;
	struct buf reply;
	buf_init(&reply, 16u << 20);
	buf_lit(&reply, "{\"data\":{\"rootSpan\":{\"name\":\"r\",\"children\":[");
	for (int i = 0; i < 490; i++) buf_lit(&reply, "{\"name\":\"d\",\"children\":[");
	for (int i = 0; i < 490; i++) buf_lit(&reply, "]}");
	for (int i = 0; i < 20000; i++) buf_printf(&reply, ",{\"name\":\"w\",\"stepId\":\"%d\"}", i / 2);
	buf_lit(&reply, "]}}}");
	buf_byte(&reply, '\0');
	const char *trace = reported(runs_report_trace, false, false, reply.ptr);
	size_t lines = 0;
	for (const char *c = trace; *c != '\0'; c++) lines += *c == '\n';
	assert_int_equal(lines, 1 + 1 + 490 + 10000);
	buf_free(&reply);
}

// ---- what was sent, invoked and synced -------------------------------------------------------------------------

static void answers_to_requests(void **state) {
	(void)state;
	struct error error;
	assert_int_equal(events_report_sent(&out, false, STR("{\"ids\":[\"" EVENT "\",7],\"status\":200}"), &error),
			 ERR_OK);
	assert_string_equal(written(), EVENT "\n\n");
	assert_int_equal(events_report_sent(&out, true, STR("{\"ids\":[\"" EVENT "\"]}"), &error), ERR_OK);
	assert_string_equal(written(), "Sent event " EVENT "\n");
	assert_int_equal(events_report_sent(&out, true, STR("{}"), &error), ERR_INVALID);
	struct ulid id;
	assert_true(reply_run_id(STR("{\"data\":{\"runId\":\"" RUN "\"}}"), &id));
	assert_false(reply_run_id(STR("{\"data\":{\"runId\":\"x\"}}"), &id));
	assert_false(reply_run_id(STR("nothing"), &id));
}

static void results_and_failures(void **state) {
	(void)state;
	struct error error;
	assert_int_equal(functions_report_result(&out, false,
						 STR("{\"data\":{\"status\":\"Completed\",\"output\":{\"data\":"
						     "[1]}}}"),
						 &error),
			 ERR_OK);
	assert_string_equal(written(), "{\"data\":[1]}\n");
	assert_int_equal(functions_report_result(&out, false, STR("{\"data\":{\"status\":\"Completed\"}}"), &error),
			 ERR_OK);
	assert_string_equal(written(), "null\n");
	assert_int_equal(functions_report_result(&out, false, STR("{}"), &error), ERR_INVALID);
	assert_int_equal(functions_report_failure(&out,
						  STR("{\"data\":{\"status\":\"Failed\",\"output\":{\"name\":\"Error\","
						      "\"message\":\"no\"}}}"),
						  &error),
			 ERR_OK);
	assert_string_equal(written(), "Failed: Error: no");
	assert_int_equal(
		functions_report_failure(&out, STR("{\"data\":{\"status\":\"Cancelled\",\"output\":{}}}"), &error),
		ERR_OK);
	assert_string_equal(written(), "Cancelled");
	assert_int_equal(functions_report_failure(&out, STR("[]"), &error), ERR_INVALID);
}

static void syncs(void **state) {
	(void)state;
	static const struct {
		const char *reply;
		enum err err;
		const char *text; // or the error
	} cases[] = {
		{"{\"data\":{\"createApp\":{\"name\":\"shop\",\"url\":\"http://a/b\",\"error\":\"\"}}}", ERR_OK,
		 "shop\thttp://a/b\n"},
		{"{\"data\":{\"createApp\":{\"name\":\"shop\",\"url\":\"http://a/b\",\"error\":null}}}", ERR_OK,
		 "shop\thttp://a/b\n"},
		{"{\"data\":{\"createApp\":{\"name\":\"\",\"error\":\"unreach\\u001bable\"}}}", ERR_UNSUPPORTED,
		 "unreach able"},
		{"{\"errors\":[{\"message\":\"url_not_found\"}],\"data\":null}", ERR_UNSUPPORTED, "url_not_found"},
		{"{\"data\":null}", ERR_INVALID, "there is no app in it"},
		{"", ERR_INVALID, "unexpected end of JSON input"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error error;
		assert_int_equal(apps_report_sync(&out, false, str_from_cstr(cases[i].reply), &error), cases[i].err);
		assert_string_equal(cases[i].err == ERR_OK ? written() : error.message, cases[i].text);
	}
}

static void note_function(void *context, const struct directory_function *function) {
	(void)context;
	buf_printf(&out, "%.*s=%.*s ", STR_ARG(function->id), STR_ARG(function->name));
}

static void functions_of_an_app(void **state) {
	(void)state;
	struct error error;
	static const char reply[] = "[{\"internal_id\":\"" ID "\",\"id\":\"shop-confirm\"},{\"internal_id\":\"" ID
				    "\",\"id\":\"shop-\"},{\"internal_id\":\"x\",\"id\":\"shop-b\"},7]";
	assert_int_equal(directory_read_functions(str_from_cstr(reply), STR("shop"), note_function, NULL, &error),
			 ERR_OK);
	assert_string_equal(written(), ID "=confirm " ID "=shop- ");
	assert_int_equal(directory_read_functions(STR("{}"), STR("shop"), note_function, NULL, &error), ERR_INVALID);
}

// ---- updates ---------------------------------------------------------------------------------------------------

static struct str named(void *context, struct str function_id) {
	(void)context;
	return str_eq_cstr(function_id, ID) ? STR("shop/confirm") : function_id;
}

static struct watch_update update;

static const char *message(bool terminal, bool json, const char *event, const char *data) {
	struct watch_report report = {.out = &out, .json = json, .terminal = terminal, .name = named};
	bool read = watch_report_message(&report, str_from_cstr(event), str_from_cstr(data), &update);
	const char *text = written();
	return read ? text : "unreadable";
}

static void updates(void **state) {
	(void)state;
#define WHOSE "\"run_id\":\"" RUN "\",\"function_id\":\"" ID "\","
#define AT ",\"at\":\"2026-11-21T22:55:19.184Z\"}"
	static const char run[] = "{" WHOSE "\"status\":\"RUNNING\"" AT;
	static const char step[] =
		"{" WHOSE
		"\"step_id\":\"a\",\"name\":\"mail\",\"op\":\"StepRun\",\"status\":\"FAILED\",\"attempt\":2" AT;
	assert_string_equal(message(true, false, "run", run), "22:55:19.184  run    " RUN "  shop/confirm  RUNNING\n");
	assert_true(update.kind == WATCH_RUN && !update.ended && !update.completed);
	assert_string_equal(message(false, false, "run", run),
			    "2026-11-21T22:55:19.184Z\trun\t" RUN "\tshop/confirm\t\t\tRUNNING\t\n");
	assert_string_equal(message(false, true, "run", run),
			    "{\"event\":\"run\",\"data\":{\"run_id\":\"" RUN "\",\"function_id\":\"" ID
			    "\",\"status\":\"RUNNING\",\"at\":\"2026-11-21T22:55:19.184Z\"}}\n");
	assert_string_equal(message(true, false, "step", step),
			    "22:55:19.184  step   " RUN "  shop/confirm  mail  StepRun  FAILED  attempt 2\n");
	assert_int_equal(update.kind, WATCH_STEP);
	assert_false(update.ended);
	assert_string_equal(message(false, false, "step", step),
			    "2026-11-21T22:55:19.184Z\tstep\t" RUN "\tshop/confirm\tmail\tStepRun\tFAILED\t2\n");
	assert_string_equal(message(true, false, "event", "{\"id\":\"" EVENT "\",\"name\":\"a/b\"" AT),
			    "22:55:19.184  event  " EVENT "  a/b\n");
	assert_string_equal(message(true, false, "lagged", "{\"dropped\":7}"), "");
	assert_true(update.kind == WATCH_LAGGED && update.dropped == 7);
	assert_string_equal(message(false, true, "lagged", "{\"dropped\":7}"),
			    "{\"event\":\"lagged\",\"data\":{\"dropped\":7}}\n");
	static const char own[] = "{\"id\":\"" EVENT "\",\"name\":\"inngest/function.finished\"" AT;
	assert_string_equal(message(true, false, "event", own), "");
	assert_string_equal(message(false, false, "event", own), "");
	assert_contains(message(true, true, "event", own), "function.finished");
	// Of a newer server
	assert_string_equal(message(true, false, "moon", "{}"), "");
	assert_string_equal(message(true, true, "moon\"", "{}"), "{\"event\":\"moon\\\"\",\"data\":{}}\n");
	assert_string_equal(message(true, false, "run", "7"), "unreadable");
	assert_string_equal(message(true, false, "run", "{"), "unreadable");
	assert_string_equal(message(true, false, "run", "{\"at\":\"\\u001b\",\"status\":7}"), "   run  \n");
}

static void ends(void **state) {
	(void)state;
	static const struct {
		const char *status;
		bool ended, completed;
	} cases[] = {{"QUEUED", false, false}, {"RUNNING", false, false},  {"COMPLETED", true, true},
		     {"FAILED", true, false},  {"CANCELLED", true, false}, {"MOON", false, false}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char data[256];
		snprintf(data, sizeof(data), "{" WHOSE "\"status\":\"%s\"" AT, cases[i].status);
		(void)message(true, false, "run", data);
		assert_true(update.ended == cases[i].ended && update.completed == cases[i].completed);
		(void)message(true, false, "step", data);
		assert_true(!update.ended && !update.completed);
	}
}

static const char *state_of(bool terminal, bool json, const char *reply) {
	struct buf function;
	static struct error error;
	buf_init(&function, SIZE_MAX);
	struct watch_report report = {
		.out = &out, .json = json, .terminal = terminal, .run_function = &function, .name = named};
	enum err err = watch_report_state(&report, str_from_cstr(reply), &update, &error);
	buf_free(&function);
	return err == ERR_OK ? written() : error.message;
}

static void the_state_of_a_run(void **state) {
	(void)state;
	static const char reply[] =
		"{\"data\":{" HEAD ",\"status\":\"FAILED\",\"queuedAt\":\"2026-11-21T22:55:19.184Z\"}," META "}";
	assert_string_equal(state_of(true, false, reply),
			    "Run " RUN " of shop/confirm: FAILED, queued at 2026-11-21T22:55:19.184Z (3.2 s ago)\n");
	assert_true(update.ended && !update.completed);
	assert_string_equal(state_of(false, false, reply),
			    "2026-11-21T22:55:22.384Z\tstate\t" RUN "\tshop/confirm\t\t\tFAILED\t\n");
	assert_string_equal(state_of(false, true, "{\"data\":{" HEAD ",\"status\":\"RUNNING\"}}"),
			    "{\"event\":\"state\",\"data\":{" HEAD ",\"status\":\"RUNNING\"}}\n");
	assert_string_equal(state_of(true, false, "{}"), "there is no run in it");
	assert_string_equal(state_of(true, false, ""), "unexpected end of JSON input");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		BUF_TEST(a_list_of_runs),
		BUF_TEST(a_list_of_events),
		BUF_TEST(lists_of_functions_and_apps),
		BUF_TEST(pages),
		BUF_TEST(facts_of_a_run),
		BUF_TEST(output_of_a_run),
		BUF_TEST(a_trace),
		BUF_TEST(order_of_steps),
		BUF_TEST(large_traces),
		BUF_TEST(answers_to_requests),
		BUF_TEST(results_and_failures),
		BUF_TEST(syncs),
		BUF_TEST(functions_of_an_app),
		BUF_TEST(updates),
		BUF_TEST(ends),
		BUF_TEST(the_state_of_a_run),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
