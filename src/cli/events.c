// `inngest events list|send`.
#include "base/clock.h"
#include "cli/events_report.h"

#define PAGE_MAX 51          // 05 §12.2
#define DATA_MAX (25u << 20) // the server has its own limit, and tells it
#define STATUS_UNAUTHORISED 401

// ---- list ------------------------------------------------------------------------------------------------------

static enum err list_path(struct buf *path, const struct settings *settings, struct error *error) {
	struct str name = settings_text(settings, FLAG_ID_EVENT_NAME);
	buf_lit(path, "/v1/events?");
	if (name.len > 0) remote_query_add(path, "name", name);
	return remote_query_times(path, "received_after", "received_before", settings, error);
}

static enum err list_command(struct remote *remote, struct error *error) {
	static const struct list_kind kind = {.headings = events_list_headings,
					      .columns = EVENTS_LIST_COLUMNS,
					      .row = events_report_row,
					      .path = list_path,
					      .page_max = PAGE_MAX,
					      .by_id = true};
	const struct settings *settings = remote->settings;
	size_t count;
	bool left;
	enum err err = list_run(remote, &kind, &count, &left, error);
	bool internal = str_starts_with(settings_text(settings, FLAG_ID_EVENT_NAME), STR("inngest/"));
	if (err == ERR_OK && count == 0 && internal)
		remote_note(remote,
			    "Events that the server makes itself are not listed here; eventsV2 of GraphQL has them.\n");
	else if (err == ERR_OK && count == 0)
		remote_note(remote, "There are no such events%s. `inngest events send NAME` sends one.\n",
			    settings_given(settings, FLAG_ID_SINCE) ? ""
								    : " of the last hour; --since 7d looks further");
	if (err == ERR_OK && left) remote_note(remote, "There may be more: --limit N or --all shows them.\n");
	return err;
}

int events_list_run(struct cli *cli, struct settings *settings) {
	return remote_run(cli, settings, list_command);
}

// ---- send ------------------------------------------------------------------------------------------------------

// Milliseconds since 1970, or a date.
static enum err append_ts(struct buf *body, const struct settings *settings, struct error *error) {
	struct str text = settings_text(settings, FLAG_ID_EVENT_TS);
	int64_t ms, at_ns;
	if (!settings_given(settings, FLAG_ID_EVENT_TS)) return ERR_OK;
	if (!str_to_i64(text, &ms)) {
		if (!date_parse(text, &at_ns))
			return error_set(error, ERR_INVALID,
					 "\"%.100s\" is no time for --ts; write milliseconds since 1970 or a date like "
					 "2027-03-01T10:00:00Z",
					 text.ptr);
		ms = at_ns / 1000000;
	}
	buf_printf(body, ",\"ts\":%lld", (long long)ms);
	return ERR_OK;
}

static enum err make_body(struct buf *body, const struct settings *settings, struct error *error) {
	struct buf data;
	buf_init(&data, DATA_MAX);
	enum err err = remote_json_object(settings, FLAG_ID_DATA, &data, error);
	buf_lit(body, "{\"name\":");
	buf_json_str(body, settings_word(settings, 0));
	buf_lit(body, ",\"data\":");
	buf_str(body, buf_view(&data));
	buf_free(&data);
	if (settings_given(settings, FLAG_ID_EVENT_ID)) {
		buf_lit(body, ",\"id\":");
		buf_json_str(body, settings_text(settings, FLAG_ID_EVENT_ID));
	}
	if (err == ERR_OK) err = append_ts(body, settings, error);
	buf_byte(body, '}');
	return err;
}

static void make_path(struct buf *path, const struct settings *settings) {
	const struct setting *keys = &settings->values[FLAG_ID_CLIENT_EVENT_KEY];
	buf_lit(path, "/e/");
	client_escape(path, keys->item_count > 0 ? keys->items[0] : STR("cli"));
}

static enum err send(struct remote *remote, struct str path, struct str body, struct error *error) {
	struct remote_request request = {.http = {.method = "POST", .path = path, .body = body},
					 .also = STATUS_UNAUTHORISED};
	enum err err = remote_send(remote, &request, error);
	if (err == ERR_OK && remote->status == STATUS_UNAUTHORISED)
		return error_set(error, ERR_INVALID,
				 "the server does not take this event key; give one of its keys with --event-key or "
				 "INNGEST_EVENT_KEY");
	return err;
}

static enum err send_command(struct remote *remote, struct error *error) {
	struct buf body, path;
	buf_init(&body, SIZE_MAX);
	buf_init(&path, SIZE_MAX);
	make_path(&path, remote->settings);
	enum err err = make_body(&body, remote->settings, error);
	if (err == ERR_OK) err = send(remote, buf_view(&path), buf_view(&body), error);
	buf_free(&body);
	buf_free(&path);
	if (err != ERR_OK) return err;
	if (remote->json) {
		remote_print_reply(remote);
		return ERR_OK;
	}
	err = events_report_sent(&remote->out, remote->cli->terminal, buf_view(&remote->reply), error);
	remote_flush(remote);
	if (err == ERR_OK) remote_note(remote, "`inngest runs list --since 1m` shows what it started.\n");
	return remote_unreadable(remote, err, error);
}

int events_send_run(struct cli *cli, struct settings *settings) {
	return remote_run(cli, settings, send_command);
}
