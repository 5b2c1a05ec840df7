#include "cli/flag.h"

#include <stdint.h>

#include "base/check.h"

#define PORT_MAX 65535
#define COUNT_MAX 1000000
#define DAYS_MAX 36500
// The commands that ask a running server.
// clang-format off
#define EACH_CLIENT(how) \
	[COMMAND_ID_RUNS_LIST] = (how), [COMMAND_ID_RUNS_GET] = (how), [COMMAND_ID_RUNS_WATCH] = (how), \
	[COMMAND_ID_RUNS_WHY] = (how), [COMMAND_ID_RUNS_CANCEL] = (how), [COMMAND_ID_RUNS_RERUN] = (how), \
	[COMMAND_ID_EVENTS_LIST] = (how), [COMMAND_ID_EVENTS_SEND] = (how), \
	[COMMAND_ID_FUNCTIONS_LIST] = (how), [COMMAND_ID_FUNCTIONS_INVOKE] = (how), \
	[COMMAND_ID_FUNCTIONS_PAUSE] = (how), [COMMAND_ID_FUNCTIONS_UNPAUSE] = (how), \
	[COMMAND_ID_APPS_LIST] = (how), [COMMAND_ID_APPS_SYNC] = (how)
// clang-format on
#define ON_BOTH .use = {[COMMAND_ID_DEV] = FLAG_SHOWN, [COMMAND_ID_START] = FLAG_SHOWN}
#define ON_SERVERS_AND_DB(on_dev) \
	.use = {[COMMAND_ID_DEV] = (on_dev), [COMMAND_ID_START] = FLAG_SHOWN, [COMMAND_ID_DB_HAND_OVER] = FLAG_SHOWN}
#define ON_DEV .use = {[COMMAND_ID_DEV] = FLAG_SHOWN}
#define ON_DEV_HIDDEN .use = {[COMMAND_ID_DEV] = FLAG_HIDDEN}
#define ON_START .use = {[COMMAND_ID_START] = FLAG_SHOWN}
#define ON_EXPR .arguments_only = true, .use = {[COMMAND_ID_EXPR] = FLAG_SHOWN}
#define ON_CLIENT .use = {EACH_CLIENT(FLAG_SHOWN)}
#define ON_CLIENT_HIDDEN .use = {EACH_CLIENT(FLAG_HIDDEN)}
#define ON_COMMAND(id) .arguments_only = true, .use = {[id] = FLAG_SHOWN}
#define ON_COMMANDS(first, second) .arguments_only = true, .use = {[first] = FLAG_SHOWN, [second] = FLAG_SHOWN}
#define ON_START_DEV_HIDDEN .use = {[COMMAND_ID_DEV] = FLAG_HIDDEN, [COMMAND_ID_START] = FLAG_SHOWN}

// clang-format off
const struct flag cli_flags[FLAG_ID_COUNT] = {
	[FLAG_ID_CONFIG] = {"config", .type = FLAG_STRING, ON_SERVERS_AND_DB(FLAG_SHOWN), .unit = "path",
		.help = "Configuration file (JSON or YAML)"},
	[FLAG_ID_HOST] = {"host", .type = FLAG_STRING, ON_BOTH, .unit = "address",
		.help = "Address to listen on; all interfaces when empty"},
	[FLAG_ID_PORT] = {"port", 'p', .type = FLAG_INT, ON_BOTH, .fallback = "8288", .max = PORT_MAX,
		.help = "Port to listen on"},
	[FLAG_ID_SDK_URL] = {"sdk-url", 'u', .type = FLAG_LIST, ON_BOTH, .unit = "url",
		.help = "URL where an app serves its functions; repeat it or separate several with commas"},
	[FLAG_ID_NO_DISCOVERY] = {"no-discovery", .type = FLAG_BOOL, ON_DEV,
		.help = "Do not look for apps on the usual local ports"},
	[FLAG_ID_NO_POLL] = {"no-poll", .type = FLAG_BOOL, ON_DEV,
		.help = "Do not ask known apps for changed functions again and again"},
	[FLAG_ID_POLL_INTERVAL] = {"poll-interval", .type = FLAG_INT, ON_BOTH, .fallback = "5", .max = 86400, .unit = "seconds",
		.help = "Time between two looks at the apps"},
	[FLAG_ID_RETRY_INTERVAL] = {"retry-interval", .type = FLAG_INT, ON_BOTH, .fallback = "0", .max = 86400, .unit = "seconds",
		.help = "Wait exactly this long before each retry; 0 uses growing waits"},
	[FLAG_ID_QUEUE_WORKERS] = {"queue-workers", .type = FLAG_INT, ON_BOTH, .fallback = "100", .max = COUNT_MAX,
		.help = "Steps that may be executing at the same time, in each app"},
	[FLAG_ID_TICK] = {"tick", .type = FLAG_INT, ON_BOTH, .fallback = "150", .max = 3600000, .unit = "ms",
		.help = "Accepted for compatibility; the queue is never polled"},
	[FLAG_ID_PERSIST] = {"persist", .type = FLAG_BOOL, ON_DEV,
		.help = "Keep apps, events and runs on disk between restarts"},
	[FLAG_ID_SQLITE_DIR] = {"sqlite-dir", .type = FLAG_STRING, ON_SERVERS_AND_DB(FLAG_HIDDEN), .unit = "path",
		.help = "Directory of the database file main.db; ./.inngest when empty"},
	[FLAG_ID_DURABILITY] = {"durability", .type = FLAG_CHOICE, ON_BOTH, .choices = "none|os|fsync",
		.help = "What an accepted event survives: none = nothing, os = a crash of the server, fsync = a power loss"},
	[FLAG_ID_HISTORY] = {"history", .type = FLAG_CHOICE, ON_BOTH, .choices = "all|none",
		.help = "What people can look at later: all events, runs and traces, or none, which is faster"},
	[FLAG_ID_RETENTION] = {"retention", .type = FLAG_DAYS, ON_BOTH, .fallback = "30", .max = DAYS_MAX, .unit = "days",
		.help = "Events, and runs that are over, are removed after so many days, or a time like 12h; 0: never"},
	[FLAG_ID_RETENTION_PAYLOADS] = {"retention-payloads", .type = FLAG_DAYS, ON_BOTH, .fallback = "0", .max = DAYS_MAX,
		.unit = "days", .help = "The same for their data and results alone; 0: together with the rest"},
	[FLAG_ID_RETENTION_RUNS] = {"retention-runs", .type = FLAG_INT, ON_BOTH, .fallback = "0", .max = INT64_MAX,
		.help = "Runs that are over are kept up to this number, the latest; 0: any number"},
	[FLAG_ID_REDIS_URI] = {"redis-uri", .type = FLAG_STRING, ON_START, .unit = "uri",
		.help = "Redis server for queue and run state"},
	[FLAG_ID_POSTGRES_URI] = {"postgres-uri", .type = FLAG_STRING, ON_START_DEV_HIDDEN, .unit = "uri",
		.help = "PostgreSQL server for apps, events and history"},
	[FLAG_ID_POSTGRES_MAX_IDLE_CONNS] = {"postgres-max-idle-conns", .type = FLAG_INT, ON_START_DEV_HIDDEN, .fallback = "10",
		.max = COUNT_MAX, .help = "Idle PostgreSQL connections that are kept"},
	[FLAG_ID_POSTGRES_MAX_OPEN_CONNS] = {"postgres-max-open-conns", .type = FLAG_INT, ON_START_DEV_HIDDEN, .fallback = "100",
		.max = COUNT_MAX, .help = "PostgreSQL connections at most"},
	[FLAG_ID_POSTGRES_CONN_MAX_IDLE_TIME] = {"postgres-conn-max-idle-time", .type = FLAG_INT, ON_START_DEV_HIDDEN,
		.fallback = "5", .max = COUNT_MAX, .unit = "minutes", .help = "Idle PostgreSQL connections are closed after this"},
	[FLAG_ID_POSTGRES_CONN_MAX_LIFETIME] = {"postgres-conn-max-lifetime", .type = FLAG_INT, ON_START_DEV_HIDDEN,
		.fallback = "30", .max = COUNT_MAX, .unit = "minutes", .help = "PostgreSQL connections are renewed after this"},
	[FLAG_ID_SIGNING_KEY] = {"signing-key", .type = FLAG_STRING, ON_START, .unit = "hex",
		.help = "Key that signs requests between server and apps"},
	[FLAG_ID_EVENT_KEY] = {"event-key", .type = FLAG_LIST, ON_START, .unit = "key",
		.help = "Key that may send events; repeat it or separate several with commas"},
	[FLAG_ID_NO_UI] = {"no-ui", .type = FLAG_BOOL, ON_START,
		.help = "Serve neither the dashboard nor GraphQL"},
	[FLAG_ID_CONNECT_GATEWAY_PORT] = {"connect-gateway-port", .type = FLAG_INT, ON_BOTH, .fallback = "8289", .max = PORT_MAX,
		.unit = "port", .help = "Port for Connect workers"},
	[FLAG_ID_CONNECT_GATEWAY_GRPC_PORT] = {"connect-gateway-grpc-port", .type = FLAG_INT, ON_BOTH, .fallback = "50052",
		.max = PORT_MAX, .unit = "port", .help = "Accepted for compatibility; one process needs no gRPC"},
	[FLAG_ID_CONNECT_EXECUTOR_GRPC_PORT] = {"connect-executor-grpc-port", .type = FLAG_INT, ON_BOTH, .fallback = "50053",
		.max = PORT_MAX, .unit = "port", .help = "Accepted for compatibility; one process needs no gRPC"},
	[FLAG_ID_CONNECT_GATEWAY_GRPC_IP] = {"connect-gateway-grpc-ip", .type = FLAG_STRING, ON_BOTH, .fallback = "127.0.0.1",
		.unit = "ip", .help = "Accepted for compatibility; one process needs no gRPC"},
	[FLAG_ID_CONNECT_EXECUTOR_GRPC_IP] = {"connect-executor-grpc-ip", .type = FLAG_STRING, ON_BOTH, .fallback = "127.0.0.1",
		.unit = "ip", .help = "Accepted for compatibility; one process needs no gRPC"},
	[FLAG_ID_DEBUG_API_PORT] = {"debug-api-port", .type = FLAG_INT, ON_DEV_HIDDEN, .fallback = "7777", .max = PORT_MAX,
		.unit = "port", .help = "Accepted for compatibility"},
	[FLAG_ID_SYSTEM_TRACE_ENDPOINT] = {"system-trace-endpoint", .type = FLAG_STRING, ON_DEV_HIDDEN, .unit = "host:port",
		.help = "Accepted for compatibility"},
	[FLAG_ID_SYSTEM_TRACE_URL_PATH] = {"system-trace-url-path", .type = FLAG_STRING, ON_DEV_HIDDEN, .unit = "path",
		.help = "Accepted for compatibility"},
	[FLAG_ID_EVENT] = {"event", .type = FLAG_STRING, ON_EXPR, .unit = "file",
		.help = "JSON that the expression sees as event; - reads it from standard input"},
	[FLAG_ID_ASYNC] = {"async", .type = FLAG_STRING, ON_EXPR, .unit = "file",
		.help = "JSON that it sees as async: the later event that waitForEvent and cancelOn look at"},
	[FLAG_ID_VARS] = {"vars", .type = FLAG_STRING, ON_EXPR, .unit = "file",
		.help = "JSON object of variables: each member is one; --event and --async go before it"},
	[FLAG_ID_EXPR_JSON] = {"json", .type = FLAG_BOOL, ON_EXPR,
		.help = "Print one line of JSON: the type, the result and its text form, or the error"},
	[FLAG_ID_STATUS] = {"status", .type = FLAG_LIST, ON_COMMAND(COMMAND_ID_RUNS_LIST), .unit = "status",
		.help = "Only runs that are QUEUED, RUNNING, COMPLETED, FAILED or CANCELLED; repeat it, or use commas"},
	[FLAG_ID_APP] = {"app", .type = FLAG_STRING, ON_COMMANDS(COMMAND_ID_RUNS_LIST, COMMAND_ID_FUNCTIONS_LIST),
		.unit = "app", .help = "Only those of this app"},
	[FLAG_ID_FUNCTION] = {"function", .type = FLAG_STRING, ON_COMMANDS(COMMAND_ID_RUNS_LIST, COMMAND_ID_RUNS_WATCH),
		.unit = "app/function", .help = "Only runs of this function"},
	[FLAG_ID_EVENT_NAME] = {"name", .type = FLAG_STRING, ON_COMMAND(COMMAND_ID_EVENTS_LIST), .unit = "name",
		.help = "Only events of this name"},
	[FLAG_ID_SINCE] = {"since", .type = FLAG_STRING, ON_COMMANDS(COMMAND_ID_RUNS_LIST, COMMAND_ID_EVENTS_LIST),
		.unit = "time", .help = "Only from this time on: 10m, 2h or 7d ago, or a date like 2027-03-01T10:00:00Z"},
	[FLAG_ID_UNTIL] = {"until", .type = FLAG_STRING, ON_COMMANDS(COMMAND_ID_RUNS_LIST, COMMAND_ID_EVENTS_LIST),
		.unit = "time", .help = "Only up to this time; the same forms"},
	[FLAG_ID_LIMIT] = {"limit", .type = FLAG_INT, ON_COMMANDS(COMMAND_ID_RUNS_LIST, COMMAND_ID_EVENTS_LIST),
		.fallback = "20", .min = 1, .max = COUNT_MAX, .help = "So many at most, the latest"},
	[FLAG_ID_ALL] = {"all", .type = FLAG_BOOL, ON_COMMANDS(COMMAND_ID_RUNS_LIST, COMMAND_ID_EVENTS_LIST),
		.help = "All of them, however many there are"},
	[FLAG_ID_TRACE] = {"trace", .type = FLAG_BOOL, ON_COMMAND(COMMAND_ID_RUNS_GET),
		.help = "With --json: print the trace, instead of the run"},
	[FLAG_ID_FROM_STEP] = {"from-step", .type = FLAG_STRING, ON_COMMAND(COMMAND_ID_RUNS_RERUN), .unit = "step",
		.help = "Begin at this step, with the results of those before it"},
	[FLAG_ID_INPUT] = {"input", .type = FLAG_STRING, ON_COMMAND(COMMAND_ID_RUNS_RERUN), .unit = "json",
		.help = "New input for that step: JSON, a list is one argument each; @file and - (standard input) too"},
	[FLAG_ID_DATA] = {"data", .type = FLAG_STRING, ON_COMMANDS(COMMAND_ID_EVENTS_SEND, COMMAND_ID_FUNCTIONS_INVOKE),
		.fallback = "{}", .unit = "json", .help = "Its data: a JSON object, @file, or - for standard input"},
	[FLAG_ID_EVENT_ID] = {"id", .type = FLAG_STRING, ON_COMMAND(COMMAND_ID_EVENTS_SEND), .unit = "id",
		.help = "Id of your own: an event with the same one starts each function once"},
	[FLAG_ID_EVENT_TS] = {"ts", .type = FLAG_STRING, ON_COMMAND(COMMAND_ID_EVENTS_SEND), .unit = "time",
		.help = "When it happened: milliseconds since 1970, or a date; its runs start then if that is in the future"},
	// Its environment variable may be that of `start`, which has many.
	[FLAG_ID_CLIENT_EVENT_KEY] = {"event-key", .type = FLAG_LIST,
		.use = {[COMMAND_ID_EVENTS_SEND] = FLAG_SHOWN}, .fallback = "cli", .unit = "key",
		.help = "Event key of the server; the development server takes any"},
	[FLAG_ID_IDEMPOTENCY_KEY] = {"idempotency-key", .type = FLAG_STRING, ON_COMMAND(COMMAND_ID_FUNCTIONS_INVOKE),
		.unit = "key", .help = "Requests with the same key start one run"},
	[FLAG_ID_WAIT] = {"wait", .type = FLAG_BOOL, ON_COMMAND(COMMAND_ID_FUNCTIONS_INVOKE),
		.help = "Wait for the end of the run, and print what it returned"},
	[FLAG_ID_URL] = {"url", .type = FLAG_STRING, ON_CLIENT, .fallback = "http://localhost:8288", .unit = "url",
		.help = "Where the server is"},
	// The names that the reference's client has for the same (05 §17.5).
	[FLAG_ID_API_HOST] = {"api-host", .type = FLAG_STRING, ON_CLIENT_HIDDEN, .unit = "host",
		.help = "The same as --url"},
	[FLAG_ID_API_PORT] = {"api-port", .type = FLAG_INT, ON_CLIENT_HIDDEN, .min = 1, .max = PORT_MAX, .unit = "port",
		.help = "Port of a server on this machine"},
	[FLAG_ID_CLIENT_SIGNING_KEY] = {"signing-key", .type = FLAG_STRING, ON_CLIENT, .unit = "key",
		.help = "Signing key of the server; the development server wants none"},
	[FLAG_ID_CLIENT_JSON] = {"json", .arguments_only = true, .type = FLAG_BOOL, ON_CLIENT,
		.help = "Print the server's reply as it is"},

	[FLAG_ID_DB_JSON] = {"json", .type = FLAG_BOOL, ON_COMMAND(COMMAND_ID_DB_HAND_OVER),
		.help = "Print what was done as JSON"},

	[FLAG_ID_JSON] = {"json", .global = true, .type = FLAG_BOOL,
		.help = "Write logs as JSON lines; always so when the output is no terminal"},
	[FLAG_ID_VERBOSE] = {"verbose", .global = true, .type = FLAG_BOOL,
		.help = "Log level debug, unless --log-level is set"},
	[FLAG_ID_LOG_LEVEL] = {"log-level", 'l', .global = true, .type = FLAG_STRING, .fallback = "info", .unit = "level",
		.help = "trace, debug, info, notice, warn, error or emergency"},
	[FLAG_ID_HELP] = {"help", 'h', .global = true, .arguments_only = true, .type = FLAG_BOOL,
		.help = "Show help"},
	[FLAG_ID_VERSION] = {"version", 'v', .global = true, .arguments_only = true, .type = FLAG_BOOL,
		.help = "Print the version"},
};
// clang-format on

enum flag_id flag_find(enum command_id command, struct str name) {
	for (unsigned id = 0; id < ARRAY_LEN(cli_flags); id++) {
		const struct flag *flag = &cli_flags[id];
		bool named = str_eq_cstr(name, flag->name) ||
			     (name.len == 1 && flag->letter != 0 && name.ptr[0] == flag->letter);
		if (named && flag_allowed(flag, command)) return (enum flag_id)id;
	}
	return FLAG_ID_COUNT;
}
