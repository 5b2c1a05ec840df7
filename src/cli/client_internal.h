// What both kinds of requests share.
#ifndef INNGEST_CLI_CLIENT_INTERNAL_H
#define INNGEST_CLI_CLIENT_INTERNAL_H

#include <curl/curl.h>

#include "cli/client.h"

// A request of `path`, to be freed, and after it the headers, to which it adds. `detail` gets CURL_ERROR_SIZE bytes
// about a failure.
CURL *client_easy(const struct client *client, struct str path, char *detail, struct curl_slist **headers);
// Why there is no reply, or no whole one.
enum err client_failure(const struct client *client, CURLcode code, const char *detail, const struct buf *body,
			struct error *error);

#endif
