// A blocking HTTP/1.1 client over one kept-alive loopback connection, for the calls that are not measured themselves.
#ifndef INNGEST_BENCH_CLIENT_H
#define INNGEST_BENCH_CLIENT_H

#include "base/buf.h"
#include "base/error.h"
#include "wire.h"

struct client {
	uint16_t port;
	int fd; // -1: not connected
	unsigned timeout_s;
	struct buf in;
	struct buf out;
};

void client_init(struct client *client, uint16_t port, unsigned timeout_s);
void client_free(struct client *client);
// A connected loopback socket without Nagle's delay, or -1.
int client_connect(uint16_t port);
// One exchange. *reply (may be NULL) is valid until the next one. ERR_IO when nobody answers, ERR_INVALID for a status
// other than 2xx.
ERR_CHECKED enum err client_exchange(struct client *client, const char *method, const char *target, struct str body,
				     struct str *reply, struct error *error);

#endif
