// Inside the HTTP client: what its files share. Everything here happens on the client's thread.
//   http_client.c    thread, loop, mailbox, curl's timer
//   http_transfer.c  one exchange on one pooled easy handle: options, callbacks, redirects, outcome
//   http_timing.c    what an exchange spends its time on
//   http_socket.c    the sockets that curl opens, and their place in the loop
#ifndef INNGEST_DRIVER_HTTP_INTERNAL_H
#define INNGEST_DRIVER_HTTP_INTERNAL_H

#include <curl/curl.h>
#include <stdatomic.h>
#include <uv.h>

#include "base/list.h"
#include "driver/http_client.h"

// Connections kept open for the next call, over all apps.
#define HTTP_CONNECTIONS_KEPT 512
// Easy handles kept for the next exchange.
#define HTTP_HANDLES_KEPT 128
// Header bytes of one reply.
#define HTTP_REPLY_HEADERS_MAX (256u << 10)
// Bytes of a redirecting reply's body that are read to keep its connection.
#define HTTP_REDIRECT_BODY_MAX (64u << 10)

struct http_socket;
struct http_client {
	uv_thread_t thread;
	struct mailbox *mailbox;
	atomic_bool stop;
	bool joined; // the thread is gone: what is left is done by whoever frees the client
	// The client's thread alone:
	uv_loop_t loop;
	uv_async_t wake;
	uv_timer_t timer;     // curl's next deadline
	uv_prepare_t prepare; // what has to be done before the loop waits: the round's end
	bool due;             // curl asked for a time-out of 0
	bool closing;
	CURLM *multi;                 // NULL until the first exchange: http_client_multi
	struct http_socket **sockets; // by file descriptor
	size_t socket_cap;
	struct list round_tasks; // of struct http_round_task
	struct list active;      // of struct http_transfer
	struct list spare;
	size_t spare_count;
};

struct http_transfer {
	struct list link; // in `active` or `spare`
	struct http_client *client;
	CURL *easy;
	struct http_exchange *exchange;
	struct curl_slist *lines; // request headers, pointing into the exchange; grown, never shrunk
	size_t line_cap;
	uint64_t hop_ns;      // when the current hop was begun
	uint64_t reply_ns;    // when its reply began; 0: not yet
	uint64_t deadline_ns; // of the whole exchange, hops included; 0: none
	unsigned redirects;
	const char *method;   // of the current hop
	bool retried;         // on a fresh connection
	bool headers_done;    // the final reply's
	bool following;       // the reply is a redirect that will be followed
	bool encoding_bad;    // a Content-Encoding that we do not take
	size_t dropped_bytes; // of a redirecting reply's body
	char error_text[CURL_ERROR_SIZE];
};

CURLM *http_client_multi(struct http_client *client);
// Completes every transfer that curl has finished.
void http_client_reap(struct http_client *client);

// Begins an exchange; one that cannot begin is done at once.
void http_transfer_begin(struct http_client *client, struct http_exchange *exchange);
void http_transfer_finish(struct http_transfer *transfer, CURLcode code);
// Ends all that is under way with HTTP_FAILURE_CLOSED and gives the handles back.
void http_transfer_end_all(struct http_client *client);
// Adds what the current hop took to the times of the exchange.
void http_timing_add(struct http_transfer *transfer);
void http_exchange_fail(struct http_exchange *exchange, enum http_failure failure, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
// Takes the next "name: value" line off `rest`; false at the end. Lines without a colon are passed over.
bool http_header_next(struct str *rest, struct answer_header *out);

// curl's CURLMOPT_SOCKETFUNCTION, CURLOPT_OPENSOCKETFUNCTION and CURLOPT_CLOSESOCKETFUNCTION; context: the client.
int http_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *context, void *socket);
curl_socket_t http_socket_open(void *context, curlsocktype purpose, struct curl_sockaddr *address);
int http_socket_close(void *context, curl_socket_t fd);
// Forgets the sockets that libcurl has closed without telling; after curl_multi_cleanup.
void http_socket_drop_all(struct http_client *client);

#endif
