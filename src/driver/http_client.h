// The outgoing HTTP client: libcurl's multi interface on one libuv loop in a thread of its own. Keep-alive pools, DNS
// off the loop, IPv4 and IPv6, redirects as spec 02 §4.7 says, hard limits on what is kept of a reply.
#ifndef INNGEST_DRIVER_HTTP_CLIENT_H
#define INNGEST_DRIVER_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/list.h"
#include "base/mailbox.h"
#include "model/answer.h"

struct http_client;

enum http_failure {
	HTTP_FAILURE_NONE,
	HTTP_FAILURE_CONNECT, // refused, unreachable, closed before any byte of the reply
	HTTP_FAILURE_RESOLVE,
	HTTP_FAILURE_TIMEOUT,
	HTTP_FAILURE_RECV, // broke while the body was read
	HTTP_FAILURE_TLS,
	HTTP_FAILURE_REDIRECTS,
	HTTP_FAILURE_URL,      // cannot be parsed: the text is the parser's (01 §4.4)
	HTTP_FAILURE_PROTOCOL, // a scheme that is not http/https, or plain HTTP where TLS was expected
	HTTP_FAILURE_ENCODING, // a Content-Encoding that is not offered or cannot be undone (02 §4.3)
	HTTP_FAILURE_OTHER,
	HTTP_FAILURE_CLOSED, // the client was shut down: nothing is known about the app
};

// What an exchange spent its time on, over all redirects. A phase that did not end lasted until the exchange did.
struct http_timing {
	uint64_t dns_us, connect_us, tls_us;
	uint64_t server_us;   // from the request's first byte to the reply's
	uint64_t transfer_us; // of the reply
	uint64_t total_us;
};

// One exchange. The caller allocates it (usually inside its own request object), fills the first part and starts it;
// `done` is called once on the client's thread, where the reply part may be read; it may start further exchanges
// and may free the object (after http_exchange_clear).
struct http_exchange {
	// to be filled
	const char *method; // GET, POST, PUT
	char *url;          // NUL-terminated, owned by the exchange (free'd by clear)
	struct buf headers; // lines "Name: value\n" (see http_exchange_header); not readable once started
	struct buf body;    // sent with Content-Length
	uint32_t timeout_ms;
	uint32_t connect_timeout_ms;
	size_t reply_max_bytes;       // decoded bytes kept; more sets reply_too_large and ends the transfer
	bool keep_method_on_redirect; // 301/302/303 keep method too
	unsigned redirects_max;
	void (*done)(struct http_exchange *exchange);
	void *context;
	// the reply
	enum http_failure failure;
	char failure_text[256];
	int status;
	struct buf reply_headers; // raw: "name: value\r\n" of the final reply only
	struct buf reply;         // decoded: Accept-Encoding gzip is offered, gzip and br are undone (02 §4.3)
	bool reply_too_large;
	struct http_timing timing;
	// internal
	struct message message;
	void *handle;
};
void http_exchange_init(struct http_exchange *exchange);
void http_exchange_clear(struct http_exchange *exchange);
// Adds one header line; a name that is not a token, or a value with control characters, is refused (false).
bool http_exchange_header(struct http_exchange *exchange, struct str name, struct str value);
// Splits the reply headers into an arena array.
size_t http_exchange_reply_headers(const struct http_exchange *exchange, struct arena *arena,
				   struct answer_header **out);
// Value of a reply header (the first of that name), empty when absent.
struct str http_exchange_reply_header(const struct http_exchange *exchange, struct str name);

ERR_CHECKED enum err http_client_new(struct http_client **out, struct error *error);
// Any thread. The exchange must stay alive until `done`, which on the client's own thread may come before this returns.
void http_client_start(struct http_client *client, struct http_exchange *exchange);
// Ends all transfers (done with HTTP_FAILURE_CLOSED), joins the thread. Nobody may start or post any more.
void http_client_free(struct http_client *client);
// Runs `work` on the client's thread soon, in the order of the posts; for messages that become exchanges there.
void http_client_post(struct http_client *client, struct message *message,
		      void (*work)(struct message *message, void *context), void *context);

// Something to be done once at the end of the current round of events, just before the client waits for new ones:
// what several exchanges of one round have in common is done once. On the client's thread only; belongs to the caller.
struct http_round_task {
	struct list link;
	void (*run)(struct http_round_task *task);
};
void http_round_task_init(struct http_round_task *task, void (*run)(struct http_round_task *task));
// Without effect when the task is waiting already.
void http_client_at_round_end(struct http_client *client, struct http_round_task *task);

#endif
