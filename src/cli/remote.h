// What the commands that ask a running server share: where it is, one request after the other, and what to say when one
// does not give what it should. Main thread.
//
// A command is a remote_fn. What it leaves in `out` is printed at the end, also after an error, which is told on the
// error output and makes the exit code 1.
#ifndef INNGEST_CLI_REMOTE_H
#define INNGEST_CLI_REMOTE_H

#include "base/id.h"
#include "cli/client.h"
#include "cli/command.h"

struct remote {
	struct cli *cli;
	const struct settings *settings;
	struct client client;
	bool json; // print what the server says as it is
	bool colour;
	struct buf reply; // to the latest request
	int status;       // of that
	struct buf out;
	int exit_code;
};

typedef enum err remote_fn(struct remote *remote, struct error *error);
// Runs a command with what it says on the command line and in the environment. Returns its exit code.
int remote_run(struct cli *cli, struct settings *settings, remote_fn *fn);

struct remote_request {
	struct client_request http;
	// What the server does not have when the status is 404, and how to find what it has: "no run X. `inngest …`"
	const char *unknown;
	int also; // a status that is fine, besides 200
};
// Sends it. ERR_OK: `reply` holds what came, with status 200 or `also`.
ERR_CHECKED enum err remote_send(struct remote *remote, const struct remote_request *request, struct error *error);
// The error that `status` and `reply` of this request mean.
enum err remote_refused(const struct remote *remote, const struct remote_request *request, struct error *error);
// Adds to an error in a reply whose it was.
enum err remote_unreadable(const struct remote *remote, enum err err, struct error *error);
// The run that `reply` says was started, and telling it.
ERR_CHECKED enum err remote_started(const struct remote *remote, struct ulid *out, struct error *error);
void remote_print_started(struct remote *remote, const struct ulid *run_id);
// Prints `out` now.
void remote_flush(struct remote *remote);
// The last reply as it is, on lines of its own.
void remote_print_reply(struct remote *remote);
// What has been printed could not be written: there is no use in going on.
bool remote_is_deaf(const struct remote *remote);
// A line on the error output about what takes long, so that nobody wonders.
void remote_say(const struct remote *remote, const char *format, ...) __attribute__((format(printf, 2, 3)));
// The same for people who look at a terminal only: what could be done next.
void remote_note(const struct remote *remote, const char *format, ...) __attribute__((format(printf, 2, 3)));

// ---- arguments -------------------------------------------------------------------------------------------------

ERR_CHECKED enum err remote_run_id(struct str text, struct ulid *out, struct error *error);
// What a 404 about a run means.
struct str remote_unknown_run(const struct remote *remote, const struct ulid *run_id);

struct function_name {
	struct str app, function;
};
// "app/function"
ERR_CHECKED enum err remote_function_name(struct str text, struct function_name *out, struct error *error);
struct str remote_unknown_function(const struct remote *remote, const struct function_name *name);

// Reads a text argument that is JSON, @FILE, or - for standard input, into `out`. It is valid JSON.
ERR_CHECKED enum err remote_json(const struct settings *settings, enum flag_id flag, struct buf *out,
				 struct error *error);
// The same; what it holds has to be an object.
ERR_CHECKED enum err remote_json_object(const struct settings *settings, enum flag_id flag, struct buf *out,
					struct error *error);
// Adds a parameter to a path that ends in '?' or has some.
void remote_query_add(struct buf *path, const char *name, struct str value);
// The same with the times that --since and --until give: how long ago ("2h", by this machine's clock), or a date.
// Nothing for a flag that was not given.
ERR_CHECKED enum err remote_query_times(struct buf *path, const char *since, const char *until,
					const struct settings *settings, struct error *error);

#endif
