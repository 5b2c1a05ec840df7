// Every flag of every command as data: parsing, help, environment names and configuration keys follow from the table.
//
// Constant data, any thread. Spec 05 §17.1, §17.3.
#ifndef INNGEST_CLI_FLAG_H
#define INNGEST_CLI_FLAG_H

#include "base/str.h"

enum command_id {
	COMMAND_ID_ROOT,
	COMMAND_ID_HELP,
	COMMAND_ID_VERSION,
	COMMAND_ID_DEV,
	COMMAND_ID_START,
	COMMAND_ID_EXPR,
	COMMAND_ID_RUNS,
	COMMAND_ID_RUNS_LIST,
	COMMAND_ID_RUNS_GET,
	COMMAND_ID_RUNS_WATCH,
	COMMAND_ID_RUNS_WHY,
	COMMAND_ID_RUNS_CANCEL,
	COMMAND_ID_RUNS_RERUN,
	COMMAND_ID_EVENTS,
	COMMAND_ID_EVENTS_LIST,
	COMMAND_ID_EVENTS_SEND,
	COMMAND_ID_FUNCTIONS,
	COMMAND_ID_FUNCTIONS_LIST,
	COMMAND_ID_FUNCTIONS_INVOKE,
	COMMAND_ID_FUNCTIONS_PAUSE,
	COMMAND_ID_FUNCTIONS_UNPAUSE,
	COMMAND_ID_APPS,
	COMMAND_ID_APPS_LIST,
	COMMAND_ID_APPS_SYNC,
	COMMAND_ID_DB,
	COMMAND_ID_DB_HAND_OVER,
	COMMAND_ID_COUNT
};

enum flag_type {
	FLAG_BOOL,
	FLAG_INT,
	FLAG_STRING,
	FLAG_CHOICE,
	FLAG_LIST,
	FLAG_DAYS, // or a shorter time, as 12h
};
enum flag_use { FLAG_ABSENT, FLAG_SHOWN, FLAG_HIDDEN };

enum flag_id {
	FLAG_ID_CONFIG,
	FLAG_ID_HOST,
	FLAG_ID_PORT,
	FLAG_ID_SDK_URL,
	FLAG_ID_NO_DISCOVERY,
	FLAG_ID_NO_POLL,
	FLAG_ID_POLL_INTERVAL,
	FLAG_ID_RETRY_INTERVAL,
	FLAG_ID_QUEUE_WORKERS,
	FLAG_ID_TICK,
	FLAG_ID_PERSIST,
	FLAG_ID_SQLITE_DIR,
	FLAG_ID_DURABILITY,
	FLAG_ID_HISTORY,
	FLAG_ID_RETENTION,
	FLAG_ID_RETENTION_PAYLOADS,
	FLAG_ID_RETENTION_RUNS,
	FLAG_ID_REDIS_URI,
	FLAG_ID_POSTGRES_URI,
	FLAG_ID_POSTGRES_MAX_IDLE_CONNS,
	FLAG_ID_POSTGRES_MAX_OPEN_CONNS,
	FLAG_ID_POSTGRES_CONN_MAX_IDLE_TIME,
	FLAG_ID_POSTGRES_CONN_MAX_LIFETIME,
	FLAG_ID_SIGNING_KEY,
	FLAG_ID_EVENT_KEY,
	FLAG_ID_NO_UI,
	FLAG_ID_CONNECT_GATEWAY_PORT,
	FLAG_ID_CONNECT_GATEWAY_GRPC_PORT,
	FLAG_ID_CONNECT_EXECUTOR_GRPC_PORT,
	FLAG_ID_CONNECT_GATEWAY_GRPC_IP,
	FLAG_ID_CONNECT_EXECUTOR_GRPC_IP,
	FLAG_ID_DEBUG_API_PORT,
	FLAG_ID_SYSTEM_TRACE_ENDPOINT,
	FLAG_ID_SYSTEM_TRACE_URL_PATH,
	FLAG_ID_EVENT,
	FLAG_ID_ASYNC,
	FLAG_ID_VARS,
	FLAG_ID_EXPR_JSON,
	FLAG_ID_STATUS,
	FLAG_ID_APP,
	FLAG_ID_FUNCTION,
	FLAG_ID_EVENT_NAME,
	FLAG_ID_SINCE,
	FLAG_ID_UNTIL,
	FLAG_ID_LIMIT,
	FLAG_ID_ALL,
	FLAG_ID_TRACE,
	FLAG_ID_FROM_STEP,
	FLAG_ID_INPUT,
	FLAG_ID_DATA,
	FLAG_ID_EVENT_ID,
	FLAG_ID_EVENT_TS,
	FLAG_ID_CLIENT_EVENT_KEY,
	FLAG_ID_IDEMPOTENCY_KEY,
	FLAG_ID_WAIT,
	FLAG_ID_URL,
	FLAG_ID_API_HOST,
	FLAG_ID_API_PORT,
	FLAG_ID_CLIENT_SIGNING_KEY,
	FLAG_ID_CLIENT_JSON,
	FLAG_ID_DB_JSON,
	FLAG_ID_JSON,
	FLAG_ID_VERBOSE,
	FLAG_ID_LOG_LEVEL,
	FLAG_ID_HELP,
	FLAG_ID_VERSION,
	FLAG_ID_COUNT,
};

struct flag {
	const char *name;
	char letter;         // short form, or 0
	bool global;         // every command has it
	bool arguments_only; // neither environment nor file sets it
	enum flag_type type;
	enum flag_use use[COMMAND_ID_COUNT];
	const char *fallback; // default as text; NULL: false, 0, empty
	int64_t min, max;     // FLAG_INT, FLAG_DAYS
	const char *choices;  // FLAG_CHOICE: "a|b|c"
	const char *unit;     // what stands for the value in help, instead of the type's name
	const char *help;
};

extern const struct flag cli_flags[FLAG_ID_COUNT];

static inline bool flag_allowed(const struct flag *flag, enum command_id command) {
	return flag->global || flag->use[command] != FLAG_ABSENT;
}
// The flag that `name` (long, or one letter) means for the command; FLAG_ID_COUNT when there is none. A command's own
// flag hides the global one of the same name.
enum flag_id flag_find(enum command_id command, struct str name);

#endif
