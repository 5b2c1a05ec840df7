// Requests of the command line to a running server: one at a time with its whole reply in memory (spec 05 §17.5), and
// a stream that is read as it comes. Main thread. Errors are sentences for people that say what to do.
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

struct client_request {
	const char *method; // "GET" or "POST"
	struct str path;    // with its query
	struct str body;    // JSON
};
// A reply of any status is ERR_OK; ERR_IO when there is none. `body` is appended to.
ERR_CHECKED enum err client_send(const struct client *client, const struct client_request *request, int *status,
				 struct buf *body, struct error *error);
// Appends `text` as a part of a path or of a query.
void client_escape(struct buf *out, struct str text);

// ---- a reply without an end ------------------------------------------------------------------------------------

#define CLIENT_CHUNK_MAX (8u << 20) // bytes that come at once
#define CLIENT_SILENCE_MS 60000     // a server sends heartbeats far more often

struct client_stream;

// Asks for `path`, and returns once the head of the reply is there. With any status but 200 *out is NULL, and `body`
// has the reply. Ends early, with ERR_CLOSED, when `wake_fd` gets readable; so does reading.
ERR_CHECKED enum err client_stream_open(const struct client *client, struct str path, int wake_fd, int *status,
					struct buf *body, struct client_stream **out, struct error *error);
// Waits for bytes; they are the stream's until it is used again. ERR_IO: it has ended, or is silent for too long.
ERR_CHECKED enum err client_stream_read(struct client_stream *stream, struct str *bytes, struct error *error);
void client_stream_close(struct client_stream *stream); // NULL is fine

#endif
