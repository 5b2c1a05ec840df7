// `inngest runs why RUN_ID`: asks a running server what a run waits for.
#include "cli/why.h"

#include "cli/remote.h"

struct why {
	struct ulid run_id;
	char id[ULID_TEXT_LEN + 1];
};

// The reply to GET /v1/runs/{id}`rest`.
static enum err ask(struct remote *remote, const struct why *why, const char *rest, struct error *error) {
	struct arena *arena = remote->settings->arena;
	struct str unknown =
		arena_printf(arena,
			     "no run %s. Without --persist a server forgets its runs when it stops. GET "
			     "/v1/events/EVENT_ID/runs lists the runs of an event, by the id that sending it "
			     "returned, and /v1/events/EVENT_ID/outcomes tells why it started none",
			     why->id);
	struct remote_request request = {
		.http = {.method = "GET", .path = arena_printf(arena, "/v1/runs/%s%s", why->id, rest)},
		.unknown = unknown.ptr,
	};
	return remote_send(remote, &request, error);
}

static enum err why_command(struct remote *remote, struct error *error) {
	struct why why;
	size_t count = 0;
	enum err err = remote_run_id(settings_word(remote->settings, 0), &why.run_id, error);
	if (err != ERR_OK) return err;
	ulid_text(&why.run_id, why.id);
	struct why_report report = {&remote->out, remote->colour, &why.run_id, remote->client.url};
	err = ask(remote, &why, "/jobs", error);
	if (err != ERR_OK) return err;
	err = remote_unreadable(remote, why_report_jobs(&report, buf_view(&remote->reply), &count, error), error);
	if (err != ERR_OK) return err;
	remote->exit_code = count > 0 ? CLI_EXIT_OK : CLI_EXIT_ERROR;
	if (remote->json) {
		buf_clear(&remote->out);
		remote_print_reply(remote);
	}
	if (remote->json || count > 0) return ERR_OK;
	err = ask(remote, &why, "", error);
	if (err != ERR_OK) return err;
	return remote_unreadable(remote, why_report_run(&report, buf_view(&remote->reply), error), error);
}

int why_run(struct cli *cli, struct settings *settings) {
	return remote_run(cli, settings, why_command);
}
