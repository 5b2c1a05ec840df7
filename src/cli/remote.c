#include "cli/remote.h"

#include <errno.h>
#include <stdarg.h>

#include "cli/logging.h"
#include "cli/reply.h"

#define OUTPUT_MAX (64u << 20)
#define STATUS_OK 200
#define STATUS_UNAUTHORISED 401
#define STATUS_NOT_FOUND 404

static struct str shown_url(const struct remote *remote) {
	return str_first(remote->client.url, 100);
}

// ---- replies that are none --------------------------------------------------------------------------------------

static enum err refuse_key(const struct remote *remote, struct error *error) {
	return error_set(error, ERR_INVALID, "the server %s; give its key with --signing-key or INNGEST_SIGNING_KEY",
			 remote->client.signing_key.len > 0 ? "refuses this signing key" : "wants a signing key");
}

static enum err refuse_path(const struct remote *remote, const struct remote_request *request, struct error *error) {
	struct str path = request->http.path, head, tail;
	(void)str_cut(path, '?', &head, &tail);
	return error_set(error, ERR_NOT_FOUND,
			 "the server at %.*s does not offer %s %.*s; is it an Inngest server, and as new as this "
			 "program? `inngest version` prints the version",
			 STR_ARG(shown_url(remote)), request->http.method, STR_ARG(str_first(head, 100)));
}

enum err remote_refused(const struct remote *remote, const struct remote_request *request, struct error *error) {
	struct buf text;
	if (remote->status == STATUS_UNAUTHORISED) return refuse_key(remote, error);
	if (remote->status == STATUS_NOT_FOUND && reply_is_no_route(buf_view(&remote->reply)))
		return refuse_path(remote, request, error);
	if (remote->status == STATUS_NOT_FOUND && request->unknown != NULL)
		return error_set(error, ERR_NOT_FOUND, "the server at %.*s knows %s", STR_ARG(shown_url(remote)),
				 request->unknown);
	buf_init(&text, OUTPUT_MAX);
	reply_error_text(&text, buf_view(&remote->reply));
	(void)error_set(error, ERR_INVALID, "the server answered with status %d: %.*s", remote->status,
			STR_ARG(buf_view(&text)));
	buf_free(&text);
	return ERR_INVALID;
}

enum err remote_send(struct remote *remote, const struct remote_request *request, struct error *error) {
	buf_clear(&remote->reply);
	remote->reply.overflow = false;
	enum err err = client_send(&remote->client, &request->http, &remote->status, &remote->reply, error);
	if (err != ERR_OK || remote->status == STATUS_OK) return err;
	if (request->also != 0 && remote->status == request->also) return ERR_OK;
	return remote_refused(remote, request, error);
}

enum err remote_unreadable(const struct remote *remote, enum err err, struct error *error) {
	if (err != ERR_OK)
		error_prefix(error, "the reply of %.*s cannot be read, so it may be no Inngest server",
			     STR_ARG(shown_url(remote)));
	return err;
}

// ---- what is printed -------------------------------------------------------------------------------------------

static void print(struct remote *remote, struct str text) {
	struct cli *cli = remote->cli;
	bool is_written = fwrite(text.ptr, 1, text.len, cli->out) == text.len && fflush(cli->out) == 0;
	if (!is_written && cli->output_errno == 0) cli->output_errno = errno;
}

bool remote_is_deaf(const struct remote *remote) {
	return ferror(remote->cli->out) != 0;
}

void remote_flush(struct remote *remote) {
	print(remote, buf_view(&remote->out));
	buf_clear(&remote->out);
}

void remote_print_reply(struct remote *remote) {
	if (!str_ends_with(buf_view(&remote->reply), STR("\n"))) buf_byte(&remote->reply, '\n');
	print(remote, buf_view(&remote->reply));
}

void remote_say(const struct remote *remote, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	vfprintf(remote->cli->err, format, arguments);
	va_end(arguments);
	fflush(remote->cli->err);
}

void remote_note(const struct remote *remote, const char *format, ...) {
	va_list arguments;
	if (!remote->cli->terminal || remote->json) return;
	va_start(arguments, format);
	vfprintf(remote->cli->err, format, arguments);
	va_end(arguments);
	fflush(remote->cli->err);
}

enum err remote_started(const struct remote *remote, struct ulid *out, struct error *error) {
	if (reply_run_id(buf_view(&remote->reply), out)) return ERR_OK;
	return remote_unreadable(remote, error_set(error, ERR_INVALID, "there is no id of a run in it"), error);
}

void remote_print_started(struct remote *remote, const struct ulid *run_id) {
	char id[ULID_TEXT_LEN + 1];
	ulid_text(run_id, id);
	if (remote->json) {
		remote_print_reply(remote);
		return;
	}
	buf_printf(&remote->out, "%s%s\n", remote->cli->terminal ? "Started run " : "", id);
	remote_flush(remote);
	remote_note(remote, "`inngest runs watch %s` follows it.\n", id);
}

// ---- a command -------------------------------------------------------------------------------------------------

int remote_run(struct cli *cli, struct settings *settings, remote_fn *fn) {
	struct error error;
	// Before the environment: INNGEST_JSON is about the log.
	struct remote remote = {
		.cli = cli,
		.settings = settings,
		.json = settings_on(settings, FLAG_ID_CLIENT_JSON) || settings_on(settings, FLAG_ID_JSON),
	};
	buf_init(&remote.reply, CLIENT_REPLY_MAX);
	buf_init(&remote.out, OUTPUT_MAX);
	enum err err = settings_read_environment(settings, &error);
	remote.colour = cli->terminal && logging_choose(settings, true).colour;
	if (err == ERR_OK) err = client_init(&remote.client, settings, &error);
	if (err == ERR_OK) err = fn(&remote, &error);
	if (err == ERR_OK && remote.out.overflow)
		err = error_set(&error, ERR_TOO_LARGE, "there is more to print than %u bytes; try --json", OUTPUT_MAX);
	remote_flush(&remote);
	if (err != ERR_OK) {
		fprintf(cli->err, "Error: %s\n", error.message);
		remote.exit_code = CLI_EXIT_ERROR;
	}
	buf_free(&remote.reply);
	buf_free(&remote.out);
	return remote.exit_code;
}
