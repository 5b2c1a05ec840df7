// Sync pings and discovery probes (spec 01 §3, §4): PUT to an app so that it registers; GET to see if an app is there.
#ifndef INNGEST_DRIVER_PING_H
#define INNGEST_DRIVER_PING_H

#include "driver/http_client.h"

struct ping_result {
	struct str error; // string of 01 §4.4, empty when there is none
	bool is_sdk;      // the reply carried a non-empty X-Inngest-SDK
	bool cancelled;   // the client was shut down: nothing is known about the app
};
// `done` runs on the client's thread; the result's slices die after it.
void ping_send(struct http_client *client, struct str url, const char *server_kind, struct str signing_key,
	       void (*done)(void *context, const struct ping_result *result), void *context);
// 01 §3.1: GET with 2 s in all; `is_sdk` alone counts.
void probe_send(struct http_client *client, struct str url,
		void (*done)(void *context, const struct ping_result *result), void *context);
// Maps a finished exchange to the error string of 01 §4.4, in `out`.
void ping_error(const struct http_exchange *exchange, struct buf *out);

#endif
