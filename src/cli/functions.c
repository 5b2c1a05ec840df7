// `inngest functions list|invoke|pause|unpause`.
#include "cli/directory.h"
#include "cli/functions_report.h"
#include "cli/watch.h"

#define PAGE_MAX 100 // 05 §13.5
#define STATUS_CONFLICT 409
#define DATA_MAX (25u << 20) // the server has its own limit, and tells it

// ---- list ------------------------------------------------------------------------------------------------------

static enum err list_of_app(struct list *list, struct str app, struct error *error) {
	struct buf path;
	bool left;
	buf_init(&path, SIZE_MAX);
	buf_lit(&path, "/v2/apps/");
	client_escape(&path, app);
	buf_lit(&path, "/functions?");
	struct list_source source = {.path = buf_view(&path), .page_max = PAGE_MAX};
	enum err err = list_print(list, &source, LIST_ALL, &left, error);
	buf_free(&path);
	return err;
}

static enum err list_of_all(struct list *list, struct error *error) {
	struct directory_apps apps;
	enum err err = directory_apps(list->remote, list->remote->settings->arena, &apps, error);
	list->gathers = true;
	for (size_t i = 0; i < apps.count && err == ERR_OK; i++) err = list_of_app(list, apps.list[i], error);
	return err;
}

// No functions, or a slip of the pen?
static enum err need_app(struct remote *remote, struct str app, struct error *error) {
	struct directory_apps apps;
	enum err err = directory_apps(remote, remote->settings->arena, &apps, error);
	for (size_t i = 0; i < apps.count && err == ERR_OK; i++)
		if (str_eq(apps.list[i], app)) return ERR_OK;
	if (err != ERR_OK) return err;
	return error_set(error, ERR_NOT_FOUND, "the server at %.*s knows no app %.100s; `inngest apps list` lists them",
			 STR_ARG(str_first(remote->client.url, 100)), app.ptr);
}

static enum err list_command(struct remote *remote, struct error *error) {
	struct list list;
	struct str app = settings_text(remote->settings, FLAG_ID_APP);
	list_init(&list, remote, functions_list_headings, FUNCTIONS_LIST_COLUMNS, functions_report_row);
	list.sorts = true; // the server has them by ids that say nothing
	enum err err = app.len > 0 ? list_of_app(&list, app, error) : list_of_all(&list, error);
	if (err == ERR_OK && list.count == 0 && app.len > 0) err = need_app(remote, app, error);
	list_finish(&list, err == ERR_OK);
	if (err == ERR_OK && list.count == 0)
		remote_note(remote,
			    "There are no functions. `inngest apps list` lists the apps, `inngest apps sync URL` "
			    "adds one.\n");
	return err;
}

int functions_list_run(struct cli *cli, struct settings *settings) {
	return remote_run(cli, settings, list_command);
}

// ---- one function ----------------------------------------------------------------------------------------------

// POST /v2/apps/{app}/functions/{function}/`what`
static enum err post(struct remote *remote, const char *what, struct str body, int also, struct error *error) {
	struct function_name name;
	struct buf path;
	enum err err = remote_function_name(settings_word(remote->settings, 0), &name, error);
	if (err != ERR_OK) return err;
	buf_init(&path, SIZE_MAX);
	buf_lit(&path, "/v2/apps/");
	client_escape(&path, name.app);
	buf_lit(&path, "/functions/");
	client_escape(&path, name.function);
	buf_printf(&path, "/%s", what);
	struct remote_request request = {
		.http = {.method = "POST", .path = buf_view(&path), .body = body},
		.unknown = remote_unknown_function(remote, &name).ptr,
		.also = also,
	};
	err = remote_send(remote, &request, error);
	buf_free(&path);
	return err;
}

static enum err switch_function(struct remote *remote, const char *what, const char *done, struct error *error) {
	enum err err = post(remote, what, STR("{}"), 0, error);
	if (err != ERR_OK) return err;
	if (remote->json)
		remote_print_reply(remote);
	else
		buf_printf(&remote->out, "%s%s\n", remote->cli->terminal ? done : "",
			   settings_word(remote->settings, 0).ptr);
	return ERR_OK;
}

static enum err pause_command(struct remote *remote, struct error *error) {
	return switch_function(remote, "pause", "Paused ", error);
}

static enum err unpause_command(struct remote *remote, struct error *error) {
	return switch_function(remote, "unpause", "Unpaused ", error);
}

int functions_pause_run(struct cli *cli, struct settings *settings) {
	return remote_run(cli, settings, pause_command);
}

int functions_unpause_run(struct cli *cli, struct settings *settings) {
	return remote_run(cli, settings, unpause_command);
}

// ---- invoke ----------------------------------------------------------------------------------------------------

static enum err invoke_body(struct buf *body, const struct settings *settings, struct error *error) {
	struct buf data;
	buf_init(&data, DATA_MAX);
	enum err err = remote_json_object(settings, FLAG_ID_DATA, &data, error);
	buf_lit(body, "{\"data\":");
	buf_str(body, buf_view(&data));
	if (settings_given(settings, FLAG_ID_IDEMPOTENCY_KEY)) {
		buf_lit(body, ",\"idempotencyKey\":");
		buf_json_str(body, settings_text(settings, FLAG_ID_IDEMPOTENCY_KEY));
	}
	buf_byte(body, '}');
	buf_free(&data);
	return err;
}

// GET `base``id``rest`
static enum err ask_run(struct remote *remote, const char *base, const struct ulid *run_id, const char *rest,
			struct error *error) {
	char id[ULID_TEXT_LEN + 1];
	ulid_text(run_id, id);
	struct remote_request request = {
		.http = {.method = "GET", .path = arena_printf(remote->settings->arena, "%s%s%s", base, id, rest)},
		.unknown = remote_unknown_run(remote, run_id).ptr,
	};
	return remote_send(remote, &request, error);
}

static enum err tell_failure(struct remote *remote, const struct ulid *run_id, struct error *error) {
	char id[ULID_TEXT_LEN + 1];
	struct buf text;
	ulid_text(run_id, id);
	buf_init(&text, SIZE_MAX);
	enum err err = functions_report_failure(&text, buf_view(&remote->reply), error);
	err = remote_unreadable(remote, err, error);
	if (err == ERR_OK)
		err = error_set(error, ERR_INVALID, "run %s: %.*s; `inngest runs get %s` shows more", id,
				(int)(text.len > 400 ? 400 : text.len), text.ptr, id);
	buf_free(&text);
	return err;
}

// Version 1 tells what a run returned as it is; version 2 is what --json prints of runs.
static enum err print_end(struct remote *remote, const struct ulid *run_id, bool completed, struct error *error) {
	enum err err;
	if (remote->json) {
		err = ask_run(remote, "/v2/runs/", run_id, "?includeOutput=true", error);
		if (err == ERR_OK) remote_print_reply(remote);
		if (!completed) remote->exit_code = CLI_EXIT_ERROR;
		return err;
	}
	err = ask_run(remote, "/v1/runs/", run_id, "", error);
	if (err != ERR_OK) return err;
	if (!completed) return tell_failure(remote, run_id, error);
	err = functions_report_result(&remote->out, remote->cli->terminal, buf_view(&remote->reply), error);
	return remote_unreadable(remote, err, error);
}

static enum err wait_for_end(struct remote *remote, const struct ulid *run_id, struct error *error) {
	struct watch_filter filter = {.run_id = run_id, .quiet = true};
	enum watch_end end;
	char id[ULID_TEXT_LEN + 1];
	ulid_text(run_id, id);
	remote_say(remote, "Started run %s; waiting for its end.\n", id);
	enum err err = watch_follow(remote, &filter, &end, error);
	if (err != ERR_OK) return err;
	if (end == WATCH_INTERRUPTED)
		return error_set(error, ERR_CLOSED, "interrupted; the run goes on, `inngest runs watch %s` follows it",
				 id);
	return print_end(remote, run_id, end == WATCH_COMPLETED, error);
}

// A request with an idempotency key that another had names the run of that one.
static enum err invoke_command(struct remote *remote, struct error *error) {
	struct ulid run_id;
	struct buf body;
	buf_init(&body, SIZE_MAX);
	enum err err = invoke_body(&body, remote->settings, error);
	if (err == ERR_OK) err = post(remote, "invoke", buf_view(&body), STATUS_CONFLICT, error);
	buf_free(&body);
	if (err == ERR_OK) err = remote_started(remote, &run_id, error);
	if (err != ERR_OK) return err;
	if (settings_on(remote->settings, FLAG_ID_WAIT)) return wait_for_end(remote, &run_id, error);
	remote_print_started(remote, &run_id);
	return ERR_OK;
}

int functions_invoke_run(struct cli *cli, struct settings *settings) {
	return remote_run(cli, settings, invoke_command);
}
