// `inngest runs why RUN_ID`: asks a running server what a run waits for.
#include "cli/why.h"

#include "cli/client.h"
#include "cli/command.h"
#include "cli/logging.h"

#define OUTPUT_MAX (1u << 20)
#define STATUS_OK 200
#define STATUS_UNAUTHORISED 401
#define STATUS_NOT_FOUND 404

struct why {
	struct client client;
	struct ulid run_id;
	bool json;
	struct buf reply;
	struct buf out;
};

static enum err fail_unknown(const struct why *why, struct error *error) {
	char id[ULID_TEXT_LEN + 1];
	ulid_text(&why->run_id, id);
	return error_set(error, ERR_NOT_FOUND,
			 "the server at %.*s knows no run %s. Without --persist a server forgets its runs when it "
			 "stops. GET /v1/events/EVENT_ID/runs lists the runs of an event, by the id that sending it "
			 "returned, and /v1/events/EVENT_ID/outcomes tells why it started none",
			 (int)(why->client.url.len > 100 ? 100 : why->client.url.len), why->client.url.ptr, id);
}

static enum err fail_status(const struct why *why, int status, struct error *error) {
	struct buf text;
	if (status == STATUS_NOT_FOUND) return fail_unknown(why, error);
	if (status == STATUS_UNAUTHORISED)
		return error_set(error, ERR_INVALID,
				 "the server %s; give its key with --signing-key or "
				 "INNGEST_SIGNING_KEY",
				 why->client.signing_key.len > 0 ? "refuses this signing key" : "wants a signing key");
	buf_init(&text, OUTPUT_MAX);
	why_report_error(&text, buf_view(&why->reply));
	(void)error_set(error, ERR_INVALID, "the server answered with status %d: %.*s", status,
			STR_ARG(buf_view(&text)));
	buf_free(&text);
	return ERR_INVALID;
}

// The reply to GET /v1/runs/{id}`rest`.
static enum err ask(struct why *why, const char *rest, struct error *error) {
	char id[ULID_TEXT_LEN + 1];
	int status;
	struct buf path;
	buf_init(&path, OUTPUT_MAX);
	ulid_text(&why->run_id, id);
	buf_printf(&path, "/v1/runs/%s%s", id, rest);
	buf_clear(&why->reply);
	enum err err = client_get(&why->client, buf_view(&path), &status, &why->reply, error);
	if (err == ERR_OK && status != STATUS_OK) err = fail_status(why, status, error);
	buf_free(&path);
	return err;
}

static enum err read_settings(struct why *why, struct settings *settings, struct error *error) {
	enum err err = settings_read_environment(settings, error);
	if (err == ERR_OK) err = client_init(&why->client, settings, error);
	if (err == ERR_OK && !ulid_parse(settings->word, &why->run_id))
		err = error_set(error, ERR_INVALID,
				"\"%.100s\" is no id of a run: it has 26 letters and digits, as in "
				"01M7ZY6CWGA1JCD60V59ARPN14",
				settings->word.ptr);
	return err;
}

static enum err unreadable(const struct why *why, enum err err, struct error *error) {
	if (err != ERR_OK)
		error_prefix(error, "the reply of %.*s cannot be read, so it may be no Inngest server",
			     (int)(why->client.url.len > 200 ? 200 : why->client.url.len), why->client.url.ptr);
	return err;
}

// What is to be printed, in why->out. *count: of jobs.
static enum err answer(struct why *why, bool colour, size_t *count, struct error *error) {
	struct why_report report = {&why->out, colour, &why->run_id, why->client.url};
	enum err err = ask(why, "/jobs", error);
	if (err != ERR_OK) return err;
	err = unreadable(why, why_report_jobs(&report, buf_view(&why->reply), count, error), error);
	if (err != ERR_OK || why->json || *count > 0) return err;
	err = ask(why, "", error);
	if (err != ERR_OK) return err;
	return unreadable(why, why_report_run(&report, buf_view(&why->reply), error), error);
}

static int run(struct cli *cli, struct settings *settings, struct why *why) {
	struct error error;
	size_t count = 0;
	bool colour = cli->terminal && logging_choose(settings, true).colour;
	enum err err = read_settings(why, settings, &error);
	if (err == ERR_OK) err = answer(why, colour, &count, &error);
	if (err != ERR_OK) {
		fprintf(cli->err, "Error: %s\n", error.message);
		return CLI_EXIT_ERROR;
	}
	const struct buf *printed = why->json ? &why->reply : &why->out;
	fwrite(printed->ptr, 1, printed->len, cli->out);
	return count > 0 ? CLI_EXIT_OK : CLI_EXIT_ERROR;
}

int why_run(struct cli *cli, struct settings *settings) {
	// Before the environment: INNGEST_JSON is about the log.
	struct why why = {.json = settings_on(settings, FLAG_ID_CLIENT_JSON) || settings_on(settings, FLAG_ID_JSON)};
	if (settings->word.ptr == NULL) {
		fputs("Incorrect Usage: no run was given; write inngest runs why RUN_ID\n", cli->err);
		return CLI_EXIT_ERROR;
	}
	buf_init(&why.reply, CLIENT_REPLY_MAX);
	buf_init(&why.out, OUTPUT_MAX);
	int code = run(cli, settings, &why);
	buf_free(&why.reply);
	buf_free(&why.out);
	return code;
}
