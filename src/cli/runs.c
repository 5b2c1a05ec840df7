// `inngest runs list|get|cancel|rerun`.
#include "cli/runs.h"

#include "base/check.h"

#define PAGE_MAX 100          // 05 §13.5
#define INPUT_MAX (25u << 20) // as much as a reply may have: the server has its own limits, and tells them

// ---- list ------------------------------------------------------------------------------------------------------

// --function app/function, or --app with or without --function function
static enum err query_function(struct buf *path, const struct settings *settings, struct error *error) {
	struct str function = settings_text(settings, FLAG_ID_FUNCTION), app = settings_text(settings, FLAG_ID_APP);
	struct function_name name = {app, function};
	bool whole = str_find(function, '/') >= 0 || app.len == 0;
	if (function.len > 0 && whole) {
		enum err err = remote_function_name(function, &name, error);
		if (err != ERR_OK) return err;
	}
	if (app.len > 0 && !str_eq(app, name.app))
		return error_set(error, ERR_INVALID, "--function %.100s is not of --app %.100s; leave out --app",
				 function.ptr, app.ptr);
	if (name.app.len > 0) remote_query_add(path, "appId", name.app);
	if (name.function.len > 0) remote_query_add(path, "functionId", name.function);
	return ERR_OK;
}

static enum err query_statuses(struct buf *path, const struct settings *settings, struct error *error) {
	static const char *const names[] = {"QUEUED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"};
	const struct setting *statuses = &settings->values[FLAG_ID_STATUS];
	for (size_t i = 0; i < statuses->item_count; i++) {
		bool known = false;
		for (size_t n = 0; n < ARRAY_LEN(names); n++)
			known |= str_eq_nocase(statuses->items[i], str_from_cstr(names[n]));
		if (!known)
			return error_set(
				error, ERR_INVALID,
				"\"%.100s\" is no status of a run: there are QUEUED, RUNNING, COMPLETED, FAILED "
				"and CANCELLED",
				statuses->items[i].ptr);
		remote_query_add(path, "status", statuses->items[i]);
	}
	return ERR_OK;
}

static enum err list_path(struct buf *path, const struct settings *settings, struct error *error) {
	buf_lit(path, "/v2/runs?");
	enum err err = query_statuses(path, settings, error);
	if (err == ERR_OK) err = query_function(path, settings, error);
	if (err == ERR_OK) err = remote_query_times(path, "from", "until", settings, error);
	return err;
}

static enum err list_command(struct remote *remote, struct error *error) {
	static const struct list_kind kind = {.headings = runs_list_headings,
					      .columns = RUNS_LIST_COLUMNS,
					      .row = runs_report_row,
					      .path = list_path,
					      .page_max = PAGE_MAX};
	size_t count;
	bool left;
	enum err err = list_run(remote, &kind, &count, &left, error);
	if (err == ERR_OK && count == 0)
		remote_note(remote, "There are no such runs. `inngest events send NAME` sends an event that may start "
				    "one.\n");
	if (err == ERR_OK && left) remote_note(remote, "There are more: --limit N or --all shows them.\n");
	return err;
}

int runs_list_run(struct cli *cli, struct settings *settings) {
	return remote_run(cli, settings, list_command);
}

// ---- one run ---------------------------------------------------------------------------------------------------

// "/v2/runs/{id}" and what is behind it
static enum err send_about(struct remote *remote, const struct ulid *run_id, const char *method, const char *rest,
			   struct str body, struct error *error) {
	char id[ULID_TEXT_LEN + 1];
	ulid_text(run_id, id);
	struct remote_request request = {
		.http = {.method = method,
			 .path = arena_printf(remote->settings->arena, "/v2/runs/%s%s", id, rest),
			 .body = body},
		.unknown = remote_unknown_run(remote, run_id).ptr,
	};
	return remote_send(remote, &request, error);
}

static enum err ask_about(struct remote *remote, const struct ulid *run_id, const char *rest, struct error *error) {
	return send_about(remote, run_id, "GET", rest, STR(""), error);
}

// A run that has not been called yet has no trace on some servers.
static enum err report_trace(struct remote *remote, const struct run_report *report, const struct ulid *run_id,
			     struct error *error) {
	enum err err = ask_about(remote, run_id, "/trace?includeOutput=true", error);
	if (err == ERR_TOO_LARGE) {
		remote_say(remote, "Warning: what its steps returned is too much to be shown here\n");
		err = ask_about(remote, run_id, "/trace", error);
	}
	if (err == ERR_NOT_FOUND) return ERR_OK;
	if (err != ERR_OK) return err;
	return remote_unreadable(remote, runs_report_trace(report, buf_view(&remote->reply), error), error);
}

static enum err get_command(struct remote *remote, struct error *error) {
	struct ulid run_id;
	struct buf output;
	bool trace_only = remote->json && settings_on(remote->settings, FLAG_ID_TRACE);
	enum err err = remote_run_id(settings_word(remote->settings, 0), &run_id, error);
	if (err != ERR_OK) return err;
	err = ask_about(remote, &run_id, trace_only ? "/trace?includeOutput=true" : "?includeOutput=true", error);
	if (err != ERR_OK) return err;
	if (remote->json) {
		remote_print_reply(remote);
		return ERR_OK;
	}
	buf_init(&output, remote->out.max_bytes);
	struct run_report report = {&remote->out, remote->cli->terminal, remote->colour};
	struct run_report last = {&output, remote->cli->terminal, remote->colour};
	err = runs_report_run(&report, buf_view(&remote->reply), error);
	if (err == ERR_OK) err = runs_report_output(&last, buf_view(&remote->reply), error);
	err = remote_unreadable(remote, err, error);
	if (err == ERR_OK) err = report_trace(remote, &report, &run_id, error);
	buf_str(&remote->out, buf_view(&output));
	remote->out.overflow |= output.overflow;
	buf_free(&output);
	return err;
}

int runs_get_run(struct cli *cli, struct settings *settings) {
	return remote_run(cli, settings, get_command);
}

// ---- cancel ----------------------------------------------------------------------------------------------------

static enum err cancel_one(struct remote *remote, struct str word, struct error *error) {
	struct ulid run_id;
	char id[ULID_TEXT_LEN + 1];
	enum err err = remote_run_id(word, &run_id, error);
	if (err == ERR_OK) err = send_about(remote, &run_id, "POST", "/cancel", STR("{}"), error);
	if (err != ERR_OK) return err;
	ulid_text(&run_id, id);
	if (remote->json)
		remote_print_reply(remote);
	else
		buf_printf(&remote->out, "%s%s\n", remote->cli->terminal ? "Cancelled " : "", id);
	remote_flush(remote);
	return ERR_OK;
}

// One that cannot be cancelled keeps no other from it; but without a server none can.
static enum err cancel_command(struct remote *remote, struct error *error) {
	for (size_t i = 0; i < remote->settings->word_count; i++) {
		struct str word = remote->settings->words[i];
		enum err err = cancel_one(remote, word, error);
		if (err == ERR_IO) return err;
		if (err == ERR_OK) continue;
		fprintf(remote->cli->err, "Error: run %.100s: %s\n", word.ptr, error->message);
		remote->exit_code = CLI_EXIT_ERROR;
	}
	return ERR_OK;
}

int runs_cancel_run(struct cli *cli, struct settings *settings) {
	return remote_run(cli, settings, cancel_command);
}

// ---- rerun -----------------------------------------------------------------------------------------------------

// A list has the arguments of the step; any other value is its only argument.
static enum err append_input(struct buf *body, const struct settings *settings, struct error *error) {
	struct buf input;
	buf_init(&input, INPUT_MAX);
	enum err err = remote_json(settings, FLAG_ID_INPUT, &input, error);
	struct str text = str_trim(buf_view(&input));
	bool is_list = str_starts_with(text, STR("["));
	buf_str(body, is_list ? STR(",\"input\":") : STR(",\"input\":["));
	buf_str(body, text);
	if (!is_list) buf_byte(body, ']');
	buf_free(&input);
	return err;
}

static enum err rerun_body(struct buf *body, const struct settings *settings, struct error *error) {
	enum err err = ERR_OK;
	struct str step = settings_text(settings, FLAG_ID_FROM_STEP);
	if (step.len == 0) {
		buf_lit(body, "{}");
		if (!settings_given(settings, FLAG_ID_INPUT)) return ERR_OK;
		return error_set(error, ERR_INVALID, "--input requires --from-step: name the step that it is for");
	}
	buf_lit(body, "{\"fromStep\":{\"stepId\":");
	buf_json_str(body, step);
	if (settings_given(settings, FLAG_ID_INPUT)) err = append_input(body, settings, error);
	buf_lit(body, "}}");
	return err;
}

// The run may be there, and what it ran not.
static enum err explain_not_found(const struct remote *remote, enum err err, struct error *error) {
	struct buf text;
	buf_init(&text, SIZE_MAX);
	reply_error_text(&text, buf_view(&remote->reply));
	if (str_eq(buf_view(&text), STR("Function not found")))
		err = error_set(
			error, ERR_NOT_FOUND,
			"no app serves the function of this run any more; `inngest functions list` lists those that "
			"are served, `inngest apps sync` looks for new ones");
	buf_free(&text);
	return err;
}

static enum err rerun_command(struct remote *remote, struct error *error) {
	struct ulid run_id, started;
	struct buf body;
	buf_init(&body, SIZE_MAX);
	enum err err = remote_run_id(settings_word(remote->settings, 0), &run_id, error);
	if (err == ERR_OK) err = rerun_body(&body, remote->settings, error);
	if (err == ERR_OK) err = send_about(remote, &run_id, "POST", "/rerun", buf_view(&body), error);
	if (err == ERR_NOT_FOUND) err = explain_not_found(remote, err, error);
	buf_free(&body);
	if (err == ERR_OK) err = remote_started(remote, &started, error);
	if (err == ERR_OK) remote_print_started(remote, &started);
	return err;
}

int runs_rerun_run(struct cli *cli, struct settings *settings) {
	return remote_run(cli, settings, rerun_command);
}
