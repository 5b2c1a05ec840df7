#include "cli/start_opts.h"

#include "base/check.h"

// What a member shows of its flag.
enum shown {
	SHOWN_EMPTY, // "" whatever is set
	SHOWN_FALSE, // false whatever is set
	SHOWN_ON,    // the boolean
	SHOWN_OFF,   // its opposite
	SHOWN_NUMBER,
	SHOWN_NANOSECONDS, // a number of milliseconds
	SHOWN_TEXT,
	SHOWN_LIST,    // null when empty
	SHOWN_LITERAL, // `text`: punctuation of a nested object
};

static const struct {
	const char *name; // NULL: no name and no comma
	enum shown shown;
	enum flag_id flag;
	const char *text;
} members[] = {
	{"dir", SHOWN_EMPTY, 0, NULL},
	{"urls", SHOWN_LIST, FLAG_ID_SDK_URL, NULL},
	{"autodiscover", SHOWN_OFF, FLAG_ID_NO_DISCOVERY, NULL},
	{"poll", SHOWN_OFF, FLAG_ID_NO_POLL, NULL},
	{"poll_interval", SHOWN_NUMBER, FLAG_ID_POLL_INTERVAL, NULL},
	{"tick", SHOWN_NANOSECONDS, FLAG_ID_TICK, NULL},
	{"retry_interval", SHOWN_NUMBER, FLAG_ID_RETRY_INTERVAL, NULL},
	{"queue_workers", SHOWN_NUMBER, FLAG_ID_QUEUE_WORKERS, NULL},
	{"require_keys", SHOWN_FALSE, 0, NULL},
	{"connectGatewayPort", SHOWN_NUMBER, FLAG_ID_CONNECT_GATEWAY_PORT, NULL},
	{"connectGatewayHost", SHOWN_EMPTY, 0, NULL},
	{"connectGRPCConfig", SHOWN_LITERAL, 0, "{\"Gateway\":{"},
	{"IP", SHOWN_TEXT, FLAG_ID_CONNECT_GATEWAY_GRPC_IP, NULL},
	{"Port", SHOWN_NUMBER, FLAG_ID_CONNECT_GATEWAY_GRPC_PORT, NULL},
	{NULL, SHOWN_LITERAL, 0, "},\"Executor\":{"},
	{"IP", SHOWN_TEXT, FLAG_ID_CONNECT_EXECUTOR_GRPC_IP, NULL},
	{"Port", SHOWN_NUMBER, FLAG_ID_CONNECT_EXECUTOR_GRPC_PORT, NULL},
	{NULL, SHOWN_LITERAL, 0, "}}"},
	{"NoUI", SHOWN_ON, FLAG_ID_NO_UI, NULL},
	{"persist", SHOWN_ON, FLAG_ID_PERSIST, NULL},
	{"redis_uri", SHOWN_TEXT, FLAG_ID_REDIS_URI, NULL},
	{"postgres_uri", SHOWN_TEXT, FLAG_ID_POSTGRES_URI, NULL},
	{"postgres-max-idle-conns", SHOWN_NUMBER, FLAG_ID_POSTGRES_MAX_IDLE_CONNS, NULL},
	{"postgres-max-open-conns", SHOWN_NUMBER, FLAG_ID_POSTGRES_MAX_OPEN_CONNS, NULL},
	{"postgres-conn-max-idle-time", SHOWN_NUMBER, FLAG_ID_POSTGRES_CONN_MAX_IDLE_TIME, NULL},
	{"postgres-conn-max-lifetime", SHOWN_NUMBER, FLAG_ID_POSTGRES_CONN_MAX_LIFETIME, NULL},
	{"sqlite_dir", SHOWN_TEXT, FLAG_ID_SQLITE_DIR, NULL},
	{"debugAPIPort", SHOWN_NUMBER, FLAG_ID_DEBUG_API_PORT, NULL},
};

static void append_bool(struct buf *out, bool on) {
	buf_str(out, on ? STR("true") : STR("false"));
}

static void append_list(struct buf *out, const struct setting *setting) {
	if (setting->item_count == 0) {
		buf_lit(out, "null");
		return;
	}
	for (size_t i = 0; i < setting->item_count; i++) {
		buf_byte(out, i == 0 ? '[' : ',');
		buf_json_str(out, setting->items[i]);
	}
	buf_byte(out, ']');
}

void start_opts_append(struct buf *out, const struct settings *settings) {
	buf_byte(out, '{');
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const struct setting *setting = &settings->values[members[i].flag];
		if (members[i].name != NULL) {
			char last = out->len > 0 ? out->ptr[out->len - 1] : '{';
			if (last != '{') buf_byte(out, ',');
			buf_json_str(out, str_from_cstr(members[i].name));
			buf_byte(out, ':');
		}
		switch (members[i].shown) {
		case SHOWN_EMPTY:
			buf_lit(out, "\"\"");
			break;
		case SHOWN_FALSE:
			append_bool(out, false);
			break;
		case SHOWN_ON:
			append_bool(out, setting->on);
			break;
		case SHOWN_OFF:
			append_bool(out, !setting->on);
			break;
		case SHOWN_NUMBER:
			buf_i64(out, setting->number);
			break;
		case SHOWN_NANOSECONDS:
			buf_i64(out, setting->number * 1000000);
			break;
		case SHOWN_TEXT:
			buf_json_str(out, setting->text);
			break;
		case SHOWN_LIST:
			append_list(out, setting);
			break;
		case SHOWN_LITERAL:
			buf_str(out, str_from_cstr(members[i].text));
			break;
		}
	}
	buf_byte(out, '}');
}
