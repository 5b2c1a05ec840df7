// Requests of the command line to a running server: one GET at a time, its whole reply in memory (spec 05 §17.5).
// Main thread. Errors are sentences for people that say what to do.
#ifndef INNGEST_CLI_CLIENT_H
#define INNGEST_CLI_CLIENT_H

#include "base/buf.h"
#include "cli/settings.h"

#define CLIENT_REPLY_MAX 26214400u // 05 §17.5
#define CLIENT_TIMEOUT_MS 30000l

struct client {
	struct str url; // without a slash at the end; lives in the arena of the settings
	struct str signing_key;
	bool local; // the server is on this machine
};

// Where the server is and what it wants, from the settings of the command.
ERR_CHECKED enum err client_init(struct client *client, const struct settings *settings, struct error *error);
// Gets `path` of the server. A reply of any status is ERR_OK; ERR_IO when there is none. `body` is appended to.
ERR_CHECKED enum err client_get(const struct client *client, struct str path, int *status, struct buf *body,
				struct error *error);

#endif
