// The commands that ask a server, against one with canned replies: what they ask, print and end with.
#include "stub.h"

#include "cli/command.h"

#define RUN "01M8054F4GA1JCD60V59ARPN14"
#define RUN2 "01M8054F4GA1JCD60V59ARPN15"
#define ID "c0a80101-0000-4000-8000-000000000001"

// What a command does with a server that replies like this.
static struct cli_result asked(bool terminal, const struct stub_reply *replies, size_t count,
			       const char *const *arguments) {
	stub_start(replies, count);
	struct cli_result result = cli_run_on(terminal, arguments);
	stub_stop();
	return result;
}
#define ASK(replies, ...) \
	asked(false, replies, sizeof(replies) / sizeof(replies[0]), (const char *const[]){__VA_ARGS__, NULL})
#define ASK_TERMINAL(replies, ...) \
	asked(true, replies, sizeof(replies) / sizeof(replies[0]), (const char *const[]){__VA_ARGS__, NULL})
#define ONE(request_, status_, body_)                                           \
	(const struct stub_reply[]) {                                           \
		{ .request = (request_), .status = (status_), .body = (body_) } \
	}

static void assert_result(struct cli_result result, int code, const char *out, const char *err) {
	if (result.code != code || strcmp(result.out, out) != 0 || strcmp(result.err, err) != 0)
		fail_msg("%d \"%s\" \"%s\"", result.code, result.out, result.err);
}

static void assert_error(struct cli_result result, const char *part) {
	assert_int_equal(result.code, 1);
	assert_string_equal(result.out, "");
	assert_contains(result.err, part);
}

// ---- lists -----------------------------------------------------------------------------------------------------

#define ITEM(id) "{\"id\":\"" id "\",\"status\":\"RUNNING\"}"
#define ROW(id) id "\tRUNNING\t\t\t\n"

static void runs_in_one_page(void **state) {
	(void)state;
	static const char body[] = "{\"data\":[" ITEM(RUN) "],\"page\":{\"limit\":20}}";
	assert_result(ASK(ONE("GET /v2/runs?limit=20", 200, body), "runs", "list"), 0, ROW(RUN), "");
	assert_string_equal(stub.seen, "GET /v2/runs?limit=20\n");
	assert_result(ASK(ONE("GET /v2/runs", 200, body), "runs", "list", "--json"), 0,
		      "{\"data\":[" ITEM(RUN) "],\"page\":{\"limit\":20}}\n", "");
	assert_result(ASK(ONE("GET /v2/runs", 200, "{\"page\":{}}"), "runs", "list"), 0, "", "");
	assert_contains(ASK_TERMINAL(ONE("GET /v2/runs", 200, "{\"page\":{}}"), "runs", "list").err,
			"There are no such runs.");
}

#define EMPTY "{\"page\":{}}"

static void filters_of_runs(void **state) {
	(void)state;
	static const struct {
		const char *arguments[10], *query;
	} cases[] = {
		{{"--status", "FAILED,RUNNING", "--status", "queued"}, "status=FAILED&status=RUNNING&status=queued&"},
		{{"--function", "my shop/confirm/x"}, "appId=my%20shop&functionId=confirm%2Fx&"},
		{{"--app", "shop"}, "appId=shop&"},
		{{"--app", "shop", "--function", "confirm"}, "appId=shop&functionId=confirm&"},
		{{"--app", "shop", "--function", "shop/confirm"}, "appId=shop&functionId=confirm&"},
		{{"--since", "2027-03-01", "--until", "2027-03-01T10:00:00+02:00"},
		 "from=2027-03-01T00%3A00%3A00Z&until=2027-03-01T08%3A00%3A00Z&"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *arguments[16] = {"runs", "list"};
		char wanted[256];
		memcpy(arguments + 2, cases[i].arguments, sizeof(cases[i].arguments));
		struct cli_result result = asked(false, ONE("GET /v2/runs", 200, EMPTY), 1, arguments);
		snprintf(wanted, sizeof(wanted), "GET /v2/runs?%slimit=20\n", cases[i].query);
		assert_result(result, 0, "", "");
		assert_string_equal(stub.seen, wanted);
	}
	assert_int_equal(ASK(ONE("GET /v2/runs", 200, EMPTY), "runs", "list", "--since", "2h", "--limit", "7").code, 0);
	assert_contains(stub.seen, "GET /v2/runs?from=2");
	assert_contains(stub.seen, "Z&limit=7\n");
}

static void filters_that_are_none(void **state) {
	(void)state;
	static const struct {
		const char *arguments[4], *err;
	} cases[] = {
		{{"--function", "confirm"},
		 "\"confirm\" is no name of a function: write APP/FUNCTION; `inngest functions "},
		{{"--function", "/b"}, "is no name of a function"},
		{{"--function", "a/b", "--app", "c"}, "--function a/b is not of --app c; leave out --app"},
		{{"--since", "yesterday"},
		 "\"yesterday\" is no time for --since; write how long ago (10m, 2h, 7d) or a date"},
		{{"--until", "-5m"}, "is no time for --until"},
		{{"--since", "1h", "--until", "2h"}, "--since has to be before --until: nothing is between 1h and 2h"},
		{{"--status", "FAILED,done"}, "\"done\" is no status of a run: there are QUEUED, RUNNING, COMPLETED, "},
		{{"--limit", "0"}, "invalid value \"0\" for flag -limit"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *arguments[8] = {"runs", "list"};
		memcpy(arguments + 2, cases[i].arguments, sizeof(cases[i].arguments));
		assert_error(cli_run_on(false, arguments), cases[i].err);
	}
}

static const struct stub_reply two_pages[] = {
	{.request = "GET /v2/runs?limit=100&cursor=a%2Fb",
	 .status = 200,
	 .body = "{\"data\":[" ITEM(RUN2) "],\"page\":{\"limit\":100}}"},
	{.request = "GET /v2/runs?limit=100",
	 .status = 200,
	 .body = "{\"data\":[" ITEM(RUN) "],\"page\":{\"cursor\":\"a/b\",\"hasMore\":true}}"},
	{.request = "GET /v2/runs?limit=1",
	 .status = 200,
	 .body = "{\"data\":[" ITEM(RUN) "],\"page\":{\"cursor\":\"a/b\",\"hasMore\":true}}"},
};

static void runs_in_many_pages(void **state) {
	(void)state;
	assert_result(ASK(two_pages, "runs", "list", "--all"), 0, ROW(RUN) ROW(RUN2), "");
	assert_result(ASK(two_pages, "runs", "list", "--all", "--json"), 0,
		      "{\"data\":[" ITEM(RUN) "," ITEM(RUN2) "]}\n", "");
	assert_contains(ASK_TERMINAL(two_pages, "runs", "list", "--limit", "1").err,
			"There are more: --limit N or --all");
	// A page that comes again and again ends the list.
	static const struct stub_reply loop[] = {
		{.request = "GET", .status = 200, .body = "{\"data\":[" ITEM(RUN) "],\"page\":{\"cursor\":\"c\"}}"}};
	struct cli_result result = ASK(loop, "runs", "list", "--all", "--json");
	assert_int_equal(result.code, 1);
	assert_contains(result.err, "the server gives the same page again and again");
	assert_int_equal(strncmp(result.out, "{\"data\":[", 9), 0);
	assert_null(strstr(result.out, "]}\n"));
}

static void events(void **state) {
	(void)state;
	static const struct stub_reply replies[] = {
		{.request = "GET /v1/events?name=a%2Fb&limit=1 ", .status = 200, .body = ""},
		{.request = "GET /v1/events?name=a%2Fb&limit=2",
		 .status = 200,
		 .body = "{\"data\":[{\"internal_id\":\"i1\",\"name\":\"n\"},{\"internal_id\":\"i2\",\"name\":\"n\"}]"
			 "}"},
		{.request = "GET /v1/events?limit=51&cursor=i2", .status = 200, .body = "{\"data\":[]}"},
		{.request = "GET /v1/events?limit=51", .status = 200, .body = "{\"data\":[{\"internal_id\":\"i2\"}]}"},
	};
	static const char none[] = "{\"data\":[]}";
	assert_contains(ASK_TERMINAL(ONE("GET", 200, none), "events", "list", "--name", "a/b").err,
			"There are no such events of the last hour; ");
	assert_contains(ASK_TERMINAL(ONE("GET", 200, none), "events", "list", "--name", "inngest/function.failed").err,
			"Events that the server makes itself are not listed here");
	assert_result(ASK(replies, "events", "list", "--name", "a/b", "--limit", "2"), 0, "i1\tn\t\t\ni2\tn\t\t\n", "");
	assert_result(ASK(replies, "events", "list", "--all"), 0, "i2\t\t\t\n", "");
}

static void functions_and_apps(void **state) {
	(void)state;
	static const struct stub_reply replies[] = {
		{.request = "GET /v2/apps?", .status = 200, .body = "{\"data\":[{\"id\":\"c\"},{\"id\":\"a b\"}]}"},
		{.request = "GET /v2/apps/a%20b/functions?limit=100",
		 .status = 200,
		 .body = "{\"data\":[{\"app\":{\"id\":\"a b\"},\"id\":\"f\"}]}"},
		{.request = "GET /v2/apps/c/functions?limit=100",
		 .status = 200,
		 .body = "{\"data\":[{\"app\":{\"id\":\"c\"},\"id\":\"g\",\"isPaused\":true}]}"},
	};
	assert_result(ASK(replies, "apps", "list"), 0, "a b\t0\t\t\t\t\nc\t0\t\t\t\t\n", "");
	assert_result(ASK(replies, "functions", "list"), 0, "a b/f\tactive\t\t\nc/g\tpaused\t\t\n", "");
	assert_result(ASK(replies, "functions", "list", "--json"), 0,
		      "{\"data\":[{\"app\":{\"id\":\"c\"},\"id\":\"g\",\"isPaused\":true},"
		      "{\"app\":{\"id\":\"a b\"},\"id\":\"f\"}]}\n",
		      "");
	assert_result(ASK(replies, "functions", "list", "--app", "c", "--json"), 0,
		      "{\"data\":[{\"app\":{\"id\":\"c\"},\"id\":\"g\",\"isPaused\":true}]}\n", "");
	assert_result(ASK(ONE("GET", 200, EMPTY), "functions", "list", "--json"), 0, "{\"data\":[]}\n", "");
	assert_contains(ASK_TERMINAL(ONE("GET", 200, EMPTY), "apps", "list").err, "`inngest apps sync URL` adds one");
}

// ---- one run ---------------------------------------------------------------------------------------------------

static void a_run(void **state) {
	(void)state;
	static const struct stub_reply replies[] = {
		{.request = "GET /v2/runs/" RUN "/trace?includeOutput=true",
		 .status = 200,
		 .body = "{\"data\":{\"rootSpan\":{\"name\":\"Run\",\"status\":\"COMPLETED\"}}}"},
		{.request = "GET /v2/runs/" RUN "?includeOutput=true",
		 .status = 200,
		 .body = "{\"data\":{\"id\":\"" RUN "\",\"status\":\"COMPLETED\",\"output\":{\"data\":7}}}"},
	};
	assert_result(ASK(replies, "runs", "get", RUN), 0,
		      "run\t" RUN "\nstatus\tCOMPLETED\nfunction\t\n\nRun\tCOMPLETED\t\t\t\n\n7\n", "");
	struct cli_result json = ASK(replies, "runs", "get", RUN, "--json");
	assert_string_equal(json.out,
			    "{\"data\":{\"id\":\"" RUN "\",\"status\":\"COMPLETED\",\"output\":{\"data\":7}}}\n");
	assert_string_equal(stub.seen, "GET /v2/runs/" RUN "?includeOutput=true\n");
	assert_contains(ASK(replies, "runs", "get", RUN, "--json", "--trace").out, "{\"data\":{\"rootSpan\"");
	// No trace yet.
	assert_result(ASK(ONE("GET /v2/runs/" RUN "?", 200, "{\"data\":{\"status\":\"QUEUED\"}}"), "runs", "get", RUN),
		      0, "status\tQUEUED\nfunction\t\n", "");
}

static void cancelled_runs(void **state) {
	(void)state;
	static const struct stub_reply replies[] = {
		{.request = "POST /v2/runs/" RUN "/cancel",
		 .status = 200,
		 .body = "{\"data\":{\"runId\":\"" RUN "\"}}"},
		{.request = "POST /v2/runs/" RUN2 "/cancel",
		 .status = 409,
		 .body = "{\"errors\":[{\"code\":\"run_already_ended\",\"message\":\"Cannot cancel an ended run\"}]}"},
	};
	assert_result(ASK(replies, "runs", "cancel", RUN), 0, RUN "\n", "");
	assert_string_equal(stub.seen, "POST /v2/runs/" RUN "/cancel {}\n");
	struct cli_result result = ASK(replies, "runs", "cancel", RUN2, "nonsense", RUN);
	assert_int_equal(result.code, 1);
	assert_string_equal(result.out, RUN "\n");
	assert_contains(result.err,
			"Error: run " RUN2 ": the server answered with status 409: Cannot cancel an ended run\n");
	assert_contains(result.err, "Error: run nonsense: \"nonsense\" is no id of a run");
	assert_result(ASK(replies, "runs", "cancel", RUN, "--json"), 0, "{\"data\":{\"runId\":\"" RUN "\"}}\n", "");
	// Without a server all of them are one error.
	setenv("INNGEST_URL", "http://127.0.0.1:1", 1);
	result = CLI("runs", "cancel", RUN, RUN2);
	assert_error(result, "Error: no server can be reached");
	assert_null(strstr(strstr(result.err, "Error") + 1, "Error"));
}

static void reruns(void **state) {
	(void)state;
	static const char body[] = "{\"data\":{\"runId\":\"" RUN2 "\"}}";
	static const struct {
		const char *arguments[4], *body;
	} cases[] = {
		{{NULL}, "{}"},
		{{"--from-step", "a \"b\""}, "{\"fromStep\":{\"stepId\":\"a \\\"b\\\"\"}}"},
		{{"--from-step", "a", "--input", " [1,2] "}, "{\"fromStep\":{\"stepId\":\"a\",\"input\":[1,2]}}"},
		{{"--from-step", "a", "--input", "{\"b\":1}"},
		 "{\"fromStep\":{\"stepId\":\"a\",\"input\":[{\"b\":1}]}}"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *arguments[10] = {"runs", "rerun", RUN};
		char wanted[256];
		memcpy(arguments + 3, cases[i].arguments, sizeof(cases[i].arguments));
		assert_result(asked(false, ONE("POST", 200, body), 1, arguments), 0, RUN2 "\n", "");
		snprintf(wanted, sizeof(wanted), "POST /v2/runs/" RUN "/rerun %s\n", cases[i].body);
		assert_string_equal(stub.seen, wanted);
	}
	assert_contains(ASK_TERMINAL(ONE("POST", 200, body), "runs", "rerun", RUN).out, "Started run " RUN2 "\n");
	assert_error(CLI("runs", "rerun", RUN, "--input", "[]"), "--input requires --from-step");
	assert_error(CLI("runs", "rerun", RUN, "--from-step", "a", "--input", "{"), "--input takes JSON, @FILE, or -");
	assert_error(ASK(ONE("POST", 200, "{}"), "runs", "rerun", RUN), "there is no id of a run in it");
}

// ---- events and functions --------------------------------------------------------------------------------------

static void sent_events(void **state) {
	(void)state;
	static const char body[] = "{\"ids\":[\"" RUN "\"],\"status\":200}";
	file_write("order.json", "{\"id\": 8}\n");
	static const struct {
		const char *arguments[8], *request;
	} cases[] = {
		{{"a/b"}, "POST /e/cli {\"name\":\"a/b\",\"data\":{}}\n"},
		{{"a\"", "--data", "{\"id\":12345678901234567890}", "--event-key", "k/1"},
		 "POST /e/k%2F1 {\"name\":\"a\\\"\",\"data\":{\"id\":12345678901234567890}}\n"},
		{{"a", "--data", "@order.json", "--id", "i", "--ts", "5"},
		 "POST /e/cli {\"name\":\"a\",\"data\":{\"id\": 8}\n,\"id\":\"i\",\"ts\":5}\n"},
		{{"a", "--ts", "1970-01-01T00:00:01Z"}, "POST /e/cli {\"name\":\"a\",\"data\":{},\"ts\":1000}\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *arguments[12] = {"events", "send"};
		memcpy(arguments + 2, cases[i].arguments, sizeof(cases[i].arguments));
		assert_result(asked(false, ONE("POST", 200, body), 1, arguments), 0, RUN "\n", "");
		assert_string_equal(stub.seen, cases[i].request);
	}
	assert_result(ASK(ONE("POST", 200, body), "events", "send", "a", "--json"), 0,
		      "{\"ids\":[\"" RUN "\"],\"status\":200}\n", "");
	setenv("INNGEST_EVENT_KEY", "one,two", 1);
	(void)ASK(ONE("POST", 200, body), "events", "send", "a");
	assert_contains(stub.seen, "POST /e/one ");
}

static void events_that_are_none(void **state) {
	(void)state;
	assert_error(CLI("events", "send", "a", "--data", "[1]"), "it is no object; write {\"name\": VALUE, …}");
	assert_error(CLI("events", "send", "a", "--data", "{"),
		     "--data takes JSON, @FILE, or - for standard input, and { is none");
	assert_error(CLI("events", "send", "a", "--data", "@no.json"), "@no.json is none: No such file or directory");
	assert_error(CLI("events", "send", "a", "--ts", "soon"), "\"soon\" is no time for --ts");
	assert_error(CLI("events", "send"), "Incorrect Usage: no name was given; write inngest events send NAME");
	assert_error(ASK(ONE("POST", 401, "{\"status\":401,\"error\":\"Event key not found\"}"), "events", "send", "a"),
		     "does not take this event key; give one of its keys with --event-key");
	assert_error(ASK(ONE("POST", 400, "{\"ids\":[\"\"],\"status\":400,\"error\":\"event name is empty\"}"),
			 "events", "send", ""),
		     "the server answered with status 400: event name is empty");
}

static void paused_functions(void **state) {
	(void)state;
	static const char body[] = "{\"data\":{\"id\":\"f\",\"isPaused\":true}}";
	assert_result(ASK(ONE("POST", 200, body), "functions", "pause", "a b/f"), 0, "a b/f\n", "");
	assert_string_equal(stub.seen, "POST /v2/apps/a%20b/functions/f/pause {}\n");
	assert_result(ASK(ONE("POST", 200, body), "functions", "unpause", "a/f", "--json"), 0,
		      "{\"data\":{\"id\":\"f\",\"isPaused\":true}}\n", "");
	assert_string_equal(stub.seen, "POST /v2/apps/a/functions/f/unpause {}\n");
	assert_string_equal(ASK_TERMINAL(ONE("POST", 200, body), "functions", "pause", "a/f").out, "Paused a/f\n");
	assert_error(ASK(ONE("POST", 404, "{\"errors\":[{\"code\":\"not_found\",\"message\":\"Function not found\"}]}"),
			 "functions", "pause", "a/f"),
		     " knows no function a/f; `inngest functions list` lists them\n");
	assert_error(CLI("functions", "pause", "f"), "is no name of a function: write APP/FUNCTION");
}

// ---- replies that are none -------------------------------------------------------------------------------------

static void replies_that_are_none(void **state) {
	(void)state;
	static const struct {
		int status;
		const char *body, *err;
	} cases[] = {
		{404, "{\"errors\":[{\"code\":\"not_found\",\"message\":\"Run not found\"}]}",
		 " knows no run " RUN "; `inngest runs list` lists the runs. Without --persist"},
		{404, "{\"errors\":[{\"code\":\"api_error\",\"message\":\"Not Found\"}]}",
		 " does not offer GET /v2/runs/" RUN "; is it an Inngest server, and as new as this program?"},
		{404, "404 page not found\n", " does not offer GET /v2/runs/" RUN ";"},
		{401, "Authentication failed\n", "the server wants a signing key; give its key with --signing-key"},
		{500, "{\"errors\":[{\"code\":\"internal_error\",\"message\":\"disk\\u001bfull\"}]}",
		 "the server answered with status 500: disk full\n"},
		{200, "<html>", "cannot be read, so it may be no Inngest server: "},
		{200, "{\"data\":7}", "there is no run in it"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_error(ASK(ONE("GET", cases[i].status, cases[i].body), "runs", "get", RUN), cases[i].err);
}

static void without_a_server(void **state) {
	(void)state;
	static const char *const commands[][4] = {
		{"runs", "list"},
		{"runs", "get", RUN},
		{"runs", "watch"},
		{"runs", "watch", RUN},
		{"runs", "rerun", RUN},
		{"events", "list"},
		{"events", "send", "a"},
		{"functions", "list"},
		{"functions", "invoke", "a/f"},
		{"functions", "pause", "a/f"},
		{"apps", "list"},
		{"apps", "sync", "a"},
	};
	setenv("INNGEST_URL", "http://127.0.0.1:1", 1);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		assert_error(CLI(commands[i][0], commands[i][1], commands[i][2],
				 commands[i][2] != NULL ? commands[i][3] : NULL),
			     "Error: no server can be reached at http://127.0.0.1:1: ");
}

// ---- apps sync -------------------------------------------------------------------------------------------------

static void synced_apps(void **state) {
	(void)state;
	static const struct stub_reply replies[] = {
		{.request = "GET /v2/apps?",
		 .status = 200,
		 .body = "{\"data\":[{\"id\":\"b\"},{\"id\":\"shop\",\"latestSync\":{\"url\":\"http://h/x\"}}]}"},
		{.request = "POST /v0/gql",
		 .status = 200,
		 .body = "{\"data\":{\"createApp\":{\"name\":\"shop\",\"url\":\"http://h/x\",\"error\":\"\"}}}"},
	};
	assert_result(ASK(replies, "apps", "sync", "shop"), 0, "shop\thttp://h/x\n", "");
	assert_contains(stub.seen, "POST /v0/gql {\"query\":\"mutation($u:String!){createApp(input:{url:$u}){name url "
				   "error}}\",\"variables\":{\"u\":\"http://h/x\"}}\n");
	(void)ASK(replies, "apps", "sync", "https://other/y");
	assert_contains(stub.seen, "{\"u\":\"https://other/y\"}");
	assert_null(strstr(stub.seen, "GET"));
	(void)ASK(replies, "apps", "sync", "localhost:3000/api/inngest");
	assert_contains(stub.seen, "{\"u\":\"localhost:3000/api/inngest\"}");
	assert_error(ASK(replies, "apps", "sync", "nope"),
		     " knows no app \"nope\" with a URL; `inngest apps list` lists");
	assert_error(ASK(ONE("POST", 200, "{\"errors\":[{\"message\":\"unreachable\"}],\"data\":null}"), "apps", "sync",
			 "http://a"),
		     "the app at http://a cannot be synced: unreachable. Does it run, and serve its functions there?");
}

// ---- watch -----------------------------------------------------------------------------------------------------

#define AT ",\"at\":\"2026-11-21T22:55:19Z\"}\n\n"
#define RUN_UPDATE(status) \
	"event: run\ndata: {\"run_id\":\"" RUN "\",\"function_id\":\"" ID "\",\"status\":\"" status "\"" AT
#define STATE(status) "{\"data\":{\"id\":\"" RUN "\",\"status\":\"" status "\"}}"
#define STATE_LINE(status) "\tstate\t" RUN "\t\t\t\t" status "\t\n"
#define RUN_LINE(status) "2026-11-21T22:55:19.000Z\trun\t" RUN "\t\t\t\t" status "\t\n"
#define STREAM "GET /v1/stream?"

// The same as assert_result, behind what the command says at its start.
static void assert_watched(struct cli_result result, int code, const char *out, const char *err) {
	char text[1024];
	snprintf(text, sizeof(text), "Watching %s; Ctrl-C ends it.\n%s", stub.url, err);
	assert_result(result, code, out, text);
}

static void a_run_until_its_end(void **state) {
	(void)state;
	static const struct stub_reply replies[] = {
		{.request = STREAM,
		 .status = 200,
		 .stream = true,
		 .body = ": watching\n\nevent: run\ndata: {\"run_id\":\"" RUN2
			 "\",\"status\":\"FAILED\"" AT RUN_UPDATE("COMPLETED")},
		{.request = "GET /v2/runs/" RUN, .status = 200, .body = STATE("RUNNING")},
	};
	struct cli_result result = ASK(replies, "runs", "watch", RUN);
	assert_watched(result, 0,
		       STATE_LINE("RUNNING") "2026-11-21T22:55:19.000Z\trun\t" RUN2
					     "\t\t\t\tFAILED\t\n" RUN_LINE("COMPLETED"),
		       "");
	// The stream is there before the state is read, so that nothing is missed.
	assert_string_equal(stub.seen, "GET /v1/stream?kinds=run,step&run_id=" RUN "\nGET /v2/runs/" RUN "\n");
	static const struct stub_reply failing[] = {
		{.request = STREAM, .status = 200, .stream = true, .body = RUN_UPDATE("FAILED")},
		{.request = "GET /v2/runs/" RUN, .status = 200, .body = STATE("QUEUED")},
	};
	assert_int_equal(ASK(failing, "runs", "watch", RUN, "--json").code, 1);
	assert_watched(ASK(failing, "runs", "watch", RUN, "--json"), 1,
		       "{\"event\":\"state\",\"data\":{\"id\":\"" RUN "\",\"status\":\"QUEUED\"}}\n"
		       "{\"event\":\"run\",\"data\":{\"run_id\":\"" RUN "\",\"function_id\":\"" ID
		       "\",\"status\":\"FAILED\",\"at\":\"2026-11-21T22:55:19Z\"}}\n",
		       "");
}

static void a_run_that_has_ended(void **state) {
	(void)state;
	static const struct stub_reply replies[] = {
		{.request = STREAM, .status = 200, .stream = true, .body = ": watching\n\n"},
		{.request = "GET /v2/runs/" RUN, .status = 200, .body = STATE("CANCELLED")},
	};
	assert_watched(ASK(replies, "runs", "watch", RUN), 1, STATE_LINE("CANCELLED"), "");
	static const struct stub_reply unknown[] = {
		{.request = STREAM, .status = 200, .stream = true, .body = ": watching\n\n"},
		{.request = "GET", .status = 404, .body = "{\"errors\":[{\"code\":\"not_found\",\"message\":\"x\"}]}"},
	};
	assert_error(ASK(unknown, "runs", "watch", RUN), " knows no run " RUN "; `inngest runs list`");
	assert_error(ASK(ONE(STREAM, 404, "404 page not found\n"), "runs", "watch"),
		     " does not offer GET /v1/stream; ");
	assert_error(ASK(ONE(STREAM, 503, "{\"error\":\"too many watchers\",\"status\":503}"), "runs", "watch"),
		     "the server answered with status 503: too many watchers");
}

static void a_connection_that_breaks(void **state) {
	(void)state;
	static const struct stub_reply replies[] = {
		{.request = STREAM, .status = 200, .stream = true, .ends = true, .body = RUN_UPDATE("RUNNING")},
		{.request = STREAM, .status = 200, .stream = true, .body = ": watching\n\n"},
		{.request = "GET /v2/runs/" RUN, .status = 200, .body = STATE("QUEUED")},
		{.request = "GET /v2/runs/" RUN, .status = 200, .body = STATE("COMPLETED")},
	};
	assert_watched(ASK(replies, "runs", "watch", RUN), 0,
		       STATE_LINE("QUEUED") RUN_LINE("RUNNING") STATE_LINE("COMPLETED"),
		       "Warning: the connection is lost: the server has ended it; connecting again\n");
}

static void updates_that_were_left_out(void **state) {
	(void)state;
	static const struct stub_reply replies[] = {
		{.request = STREAM,
		 .status = 200,
		 .stream = true,
		 .body = "event: run\ndata: nonsense\n\nevent: lagged\ndata: {\"dropped\":3}\n\n"},
		{.request = "GET /v2/runs/" RUN, .status = 200, .body = STATE("RUNNING")},
		{.request = "GET /v2/runs/" RUN, .status = 200, .body = STATE("COMPLETED")},
	};
	assert_watched(ASK(replies, "runs", "watch", RUN), 0, STATE_LINE("RUNNING") STATE_LINE("COMPLETED"),
		       "Warning: the server sent an update that cannot be read; it is left out\n"
		       "Warning: the server left out 3 updates, which came too fast\n");
}

static const struct stub_reply functions_of_shop = {
	.request = "GET /v1/apps/shop/functions",
	.status = 200,
	.body = "[{\"internal_id\":\"" ID "\",\"id\":\"shop-confirm\"}]",
};

static void everything_until_an_interrupt(void **state) {
	(void)state;
	const struct stub_reply replies[] = {
		{.request = STREAM,
		 .status = 200,
		 .stream = true,
		 .body = RUN_UPDATE("RUNNING") "event: event\ndata: {\"id\":\"" RUN2 "\",\"name\":\"a/b\"" AT},
		{.request = "GET /v2/apps?", .status = 200, .body = "{\"data\":[{\"id\":\"shop\"}]}"},
		functions_of_shop,
	};
	struct stub_reply interrupted[3];
	memcpy(interrupted, replies, sizeof(replies));
	interrupted[2].interrupts = true; // while the names are read, so what came before is printed
	struct cli_result result = ASK(interrupted, "runs", "watch");
	assert_watched(result, 0,
		       "2026-11-21T22:55:19.000Z\trun\t" RUN "\tshop/confirm\t\t\tRUNNING\t\n"
		       "2026-11-21T22:55:19.000Z\tevent\t" RUN2 "\t\ta/b\t\t\t\n",
		       "");
	assert_contains(stub.seen, "GET /v1/stream?kinds=run,step,event\n");
}

static void updates_of_a_function(void **state) {
	(void)state;
	const struct stub_reply replies[] = {
		{.request = STREAM, .status = 200, .stream = true, .interrupts = true, .body = ": watching\n\n"},
		functions_of_shop,
	};
	assert_watched(ASK(replies, "runs", "watch", "--function", "shop/confirm"), 0, "", "");
	assert_string_equal(stub.seen,
			    "GET /v1/apps/shop/functions\nGET /v1/stream?kinds=run,step&function_id=" ID "\n");
	assert_error(ASK(replies, "runs", "watch", "--function", "shop/nope"),
		     " knows no function shop/nope; `inngest ");
}

// ---- invoke ----------------------------------------------------------------------------------------------------

static void invoked_functions(void **state) {
	(void)state;
	static const char body[] = "{\"data\":{\"runId\":\"" RUN "\"}}";
	assert_result(ASK(ONE("POST", 200, body), "functions", "invoke", "a/f"), 0, RUN "\n", "");
	assert_string_equal(stub.seen, "POST /v2/apps/a/functions/f/invoke {\"data\":{}}\n");
	assert_result(ASK(ONE("POST", 409, body), "functions", "invoke", "a/f", "--data", "{\"b\":1}",
			  "--idempotency-key", "k"),
		      0, RUN "\n", "");
	assert_contains(stub.seen, " {\"data\":{\"b\":1},\"idempotencyKey\":\"k\"}\n");
	assert_result(ASK(ONE("POST", 200, body), "functions", "invoke", "a/f", "--json"), 0,
		      "{\"data\":{\"runId\":\"" RUN "\"}}\n", "");
	assert_error(ASK(ONE("POST", 422, "{\"errors\":[{\"code\":\"rate_limited\",\"message\":\"later\"}]}"),
			 "functions", "invoke", "a/f"),
		     "the server answered with status 422: later");
}

#define STARTED "Started run " RUN "; waiting for its end.\n"

static void waiting_for_the_end(void **state) {
	(void)state;
	struct stub_reply replies[] = {
		{.request = "POST", .status = 200, .body = "{\"data\":{\"runId\":\"" RUN "\"}}"},
		{.request = STREAM, .status = 200, .stream = true, .body = RUN_UPDATE("COMPLETED")},
		{.request = "GET /v2/runs/" RUN, .status = 200, .body = STATE("RUNNING")},
		{.request = "GET /v1/runs/" RUN,
		 .status = 200,
		 .body = "{\"data\":{\"status\":\"Completed\",\"output\":{\"data\":[1, 2]}}}"},
	};
	assert_result(ASK(replies, "functions", "invoke", "a/f", "--wait"), 0, "{\"data\":[1,2]}\n", STARTED);
	assert_result(ASK(replies, "functions", "invoke", "a/f", "--wait", "--json"), 0, STATE("RUNNING") "\n",
		      STARTED);
	assert_contains(stub.seen, "GET /v2/runs/" RUN "?includeOutput=true\n");
	replies[1].body = RUN_UPDATE("FAILED");
	replies[3].body = "{\"data\":{\"status\":\"Failed\",\"output\":{\"name\":\"Error\",\"message\":\"no\"}}}";
	assert_result(ASK(replies, "functions", "invoke", "a/f", "--wait"), 1, "",
		      STARTED "Error: run " RUN ": Failed: Error: no; `inngest runs get " RUN "` shows more\n");
	assert_int_equal(ASK(replies, "functions", "invoke", "a/f", "--wait", "--json").code, 1);
	replies[1].body = ": watching\n\n";
	replies[2].interrupts = true;
	assert_error(ASK(replies, "functions", "invoke", "a/f", "--wait"),
		     "Error: interrupted; the run goes on, `inngest runs watch " RUN "` follows it\n");
}

// ---- help ------------------------------------------------------------------------------------------------------

static void help_of_every_command(void **state) {
	(void)state;
	static const char *const groups[][8] = {
		{"runs", "list", "get", "watch", "why", "cancel", "rerun"},
		{"events", "list", "send"},
		{"functions", "list", "invoke", "pause", "unpause"},
		{"apps", "list", "sync"},
	};
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct cli_result group = CLI(groups[i][0]);
		assert_int_equal(group.code, 0);
		assert_contains(CLI("help").out, groups[i][0]);
		for (size_t j = 1; groups[i][j] != NULL; j++) {
			char line[64], usage[64];
			group = CLI(groups[i][0]);
			snprintf(line, sizeof(line), "\n   %-11s", groups[i][j]);
			snprintf(usage, sizeof(usage), "inngest %s %s ", groups[i][0], groups[i][j]);
			assert_contains(group.out, line);
			struct cli_result help = CLI(groups[i][0], groups[i][j], "--help");
			assert_int_equal(help.code, 0);
			assert_contains(help.out, usage);
			assert_contains(help.out, "\nEXAMPLES:\n   inngest ");
			assert_contains(help.out, "   --url url");
			assert_contains(help.out, "   --json ");
		}
	}
}

static bool guide_has(const char *guide, const char *name) {
	char text[64];
	snprintf(text, sizeof(text), "--%s", name);
	for (const char *at = guide; (at = strstr(at, text)) != NULL; at++)
		if (strchr("` =,;:.", at[strlen(text)]) != NULL) return true;
	return false;
}

// The guide has every command and each of their options.
static void the_guide_is_whole(void **state) {
	(void)state;
	static char guide[65536];
	FILE *file = fopen(TESTS_DIR "/../docs/cli.md", "r");
	assert_non_null(file);
	assert_true(fread(guide, 1, sizeof(guide) - 1, file) > 0);
	fclose(file);
	for (unsigned id = COMMAND_ID_RUNS; id < COMMAND_ID_COUNT; id++) {
		char text[64];
		snprintf(text, sizeof(text), "inngest %s", cli_commands[id].name);
		assert_contains(guide, text);
		for (unsigned flag = 0; flag < FLAG_ID_COUNT; flag++) {
			bool shown = !cli_flags[flag].global && cli_flags[flag].use[id] == FLAG_SHOWN;
			if (shown && !guide_has(guide, cli_flags[flag].name)) fail_msg("no --%s", cli_flags[flag].name);
		}
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(runs_in_one_page),
		SCRATCH_TEST(filters_of_runs),
		SCRATCH_TEST(filters_that_are_none),
		SCRATCH_TEST(runs_in_many_pages),
		SCRATCH_TEST(events),
		SCRATCH_TEST(functions_and_apps),
		SCRATCH_TEST(a_run),
		SCRATCH_TEST(cancelled_runs),
		SCRATCH_TEST(reruns),
		SCRATCH_TEST(sent_events),
		SCRATCH_TEST(events_that_are_none),
		SCRATCH_TEST(paused_functions),
		SCRATCH_TEST(replies_that_are_none),
		SCRATCH_TEST(without_a_server),
		SCRATCH_TEST(synced_apps),
		SCRATCH_TEST(a_run_until_its_end),
		SCRATCH_TEST(a_run_that_has_ended),
		SCRATCH_TEST(a_connection_that_breaks),
		SCRATCH_TEST(updates_that_were_left_out),
		SCRATCH_TEST(everything_until_an_interrupt),
		SCRATCH_TEST(updates_of_a_function),
		SCRATCH_TEST(invoked_functions),
		SCRATCH_TEST(waiting_for_the_end),
		SCRATCH_TEST(help_of_every_command),
		SCRATCH_TEST(the_guide_is_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
