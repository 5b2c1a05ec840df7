// `inngest runs watch`, and waiting for the end of a run.
#include "cli/watch.h"

#include "cli/directory.h"
#include "cli/interrupt.h"
#include "cli/sse.h"

#define TRIES_MAX 60 // a server that is being replaced may take its time
#define TRY_AGAIN_MS 1000

struct watch {
	struct remote *remote;
	const struct watch_filter *filter;
	struct buf path;
	struct watch_report report;
	struct directory_names names;
	struct buf run_function;
	struct sse sse;
	int wake_fd;
	int tries;      // to connect again, since something came
	bool connected; // at least once
	bool stale;     // the server left something out
	bool ended, completed;
};

static void make_path(struct watch *watch) {
	const struct watch_filter *filter = watch->filter;
	bool filtered = filter->run_id != NULL || filter->function_id.len > 0;
	char id[ULID_TEXT_LEN + 1];
	buf_init(&watch->path, SIZE_MAX);
	buf_printf(&watch->path, "/v1/stream?kinds=run,step%s", filtered ? "" : ",event");
	if (filter->run_id != NULL) {
		ulid_text(filter->run_id, id);
		buf_printf(&watch->path, "&run_id=%s", id);
	}
	if (filter->function_id.len > 0) buf_printf(&watch->path, "&function_id=%.*s", STR_ARG(filter->function_id));
}

static struct str find_name(void *context, struct str function_id) {
	return directory_names_find(context, function_id);
}

static void take_update(struct watch *watch, const struct watch_update *update) {
	const struct ulid *run_id = watch->filter->run_id;
	bool ours = run_id != NULL && update->kind == WATCH_RUN && ulid_cmp(run_id, &update->run_id) == 0;
	if (ours && update->ended) {
		watch->ended = true;
		watch->completed = update->completed;
	}
	if (update->kind != WATCH_LAGGED) return;
	watch->stale = true;
	remote_say(watch->remote, "Warning: the server left out %llu updates, which came too fast\n", update->dropped);
}

static void print(struct watch *watch) {
	if (watch->filter->quiet)
		buf_clear(&watch->remote->out);
	else
		remote_flush(watch->remote);
}

static void on_message(void *context, struct str event, struct str data) {
	struct watch *watch = context;
	struct watch_update update;
	if (watch->ended) return;
	if (watch_report_message(&watch->report, event, data, &update))
		take_update(watch, &update);
	else
		remote_say(watch->remote, "Warning: the server sent an update that cannot be read; it is left out\n");
	print(watch);
}

// Asks how the run is now.
static enum err read_state(struct watch *watch, struct error *error) {
	struct watch_update update;
	struct remote *remote = watch->remote;
	char id[ULID_TEXT_LEN + 1];
	watch->stale = false;
	if (watch->filter->run_id == NULL) return ERR_OK;
	ulid_text(watch->filter->run_id, id);
	struct remote_request request = {
		.http = {.method = "GET", .path = arena_printf(remote->settings->arena, "/v2/runs/%s", id)},
		.unknown = remote_unknown_run(remote, watch->filter->run_id).ptr,
	};
	enum err err = remote_send(remote, &request, error);
	if (err != ERR_OK) return err;
	err = watch_report_state(&watch->report, buf_view(&remote->reply), &update, error);
	print(watch);
	watch->ended = update.ended;
	watch->completed = update.completed;
	return remote_unreadable(remote, err, error);
}

static enum err follow_stream(struct watch *watch, struct client_stream *stream, struct error *error) {
	// The stream is there before the state is read: nothing can happen between the two.
	enum err err = read_state(watch, error);
	while (err == ERR_OK && !watch->ended && !remote_is_deaf(watch->remote)) {
		struct str bytes;
		err = client_stream_read(stream, &bytes, error);
		if (err != ERR_OK) return err;
		watch->tries = 0;
		if (!sse_feed(&watch->sse, bytes, on_message, watch))
			err = error_set(error, ERR_INVALID, "the server sent an update of more than %u bytes",
					SSE_MESSAGE_MAX);
		if (err == ERR_OK && watch->stale && !watch->ended) err = read_state(watch, error);
	}
	return err;
}

static enum err connect_and_follow(struct watch *watch, struct error *error) {
	struct remote *remote = watch->remote;
	struct client_stream *stream;
	buf_clear(&remote->reply);
	enum err err = client_stream_open(&remote->client, buf_view(&watch->path), watch->wake_fd, &remote->status,
					  &remote->reply, &stream, error);
	if (err != ERR_OK) return err;
	if (stream == NULL) {
		struct remote_request request = {.http = {.method = "GET", .path = buf_view(&watch->path)}};
		return remote_refused(remote, &request, error);
	}
	if (!watch->connected && !watch->filter->quiet)
		remote_say(remote, "Watching %.*s; Ctrl-C ends it.\n", STR_ARG(str_first(remote->client.url, 100)));
	watch->connected = true;
	sse_init(&watch->sse);
	err = follow_stream(watch, stream, error);
	sse_free(&watch->sse);
	client_stream_close(stream);
	return err;
}

// What stands before a server says that it is not there at the moment.
static bool is_away(const struct watch *watch, enum err err) {
	int status = watch->remote->status;
	return err == ERR_IO || (err == ERR_INVALID && status >= 502 && status <= 504);
}

// ERR_CLOSED: interrupted.
static enum err follow(struct watch *watch, struct error *error) {
	for (;;) {
		enum err err = connect_and_follow(watch, error);
		if (!is_away(watch, err) || !watch->connected || ++watch->tries > TRIES_MAX) return err;
		if (watch->tries == 1)
			remote_say(watch->remote, "Warning: the connection is lost: %s; connecting again\n",
				   error->message);
		if (interrupt_wait(TRY_AGAIN_MS)) return ERR_CLOSED;
	}
}

enum err watch_follow(struct remote *remote, const struct watch_filter *filter, enum watch_end *end,
		      struct error *error) {
	struct watch watch = {.remote = remote, .filter = filter};
	directory_names_init(&watch.names, remote);
	buf_init(&watch.run_function, SIZE_MAX);
	watch.report = (struct watch_report){.out = &remote->out,
					     .json = remote->json,
					     .terminal = remote->cli->terminal,
					     .colour = remote->colour,
					     .run_function = filter->run_id != NULL ? &watch.run_function : NULL,
					     .name = find_name,
					     .context = &watch.names};
	make_path(&watch);
	watch.wake_fd = interrupt_catch();
	enum err err = follow(&watch, error);
	interrupt_release();
	directory_names_free(&watch.names);
	buf_free(&watch.path);
	buf_free(&watch.run_function);
	*end = watch.completed ? WATCH_COMPLETED : WATCH_OTHER_END;
	if (err != ERR_CLOSED) return err;
	*end = WATCH_INTERRUPTED;
	return ERR_OK;
}

// ---- the command -----------------------------------------------------------------------------------------------

static enum err watch_command(struct remote *remote, struct error *error) {
	const struct settings *settings = remote->settings;
	struct str word = settings_word(settings, 0), function = settings_text(settings, FLAG_ID_FUNCTION);
	struct ulid run_id;
	struct function_name name;
	struct watch_filter filter = {.run_id = word.ptr != NULL ? &run_id : NULL};
	enum watch_end end;
	enum err err = filter.run_id != NULL ? remote_run_id(word, &run_id, error) : ERR_OK;
	if (err == ERR_OK && function.len > 0) err = remote_function_name(function, &name, error);
	if (err == ERR_OK && function.len > 0) err = directory_function_id(remote, &name, &filter.function_id, error);
	if (err == ERR_OK) err = watch_follow(remote, &filter, &end, error);
	if (err == ERR_OK && end == WATCH_OTHER_END) remote->exit_code = CLI_EXIT_ERROR;
	return err;
}

int runs_watch_run(struct cli *cli, struct settings *settings) {
	return remote_run(cli, settings, watch_command);
}
