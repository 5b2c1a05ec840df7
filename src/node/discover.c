// Looking for apps on this machine (spec 01 §3.1): which usual ports are open, and which usual paths answer as an SDK.
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "driver/ping.h"
#include "model/function.h"
#include "node/node_internal.h"

#define CONNECT_TIMEOUT_MS 2000

struct range {
	uint16_t from, to;
};
static const struct range ranges[] = {{80, 80},     {443, 443},   {3000, 3010}, {4321, 4321},
				      {5000, 5000}, {5173, 5173}, {8000, 8000}, {8080, 8081},
				      {8888, 8888}, {8910, 8915}, {8787, 8787}};
static const char *const paths[] = {"/api/inngest", "/x/inngest", "/.netlify/functions/inngest",
				    "/.redwood/functions/inngest"};
#define PORTS_MAX 64

void waiter_init(struct waiter *waiter, unsigned count) {
	pthread_mutex_init(&waiter->mutex, NULL);
	pthread_cond_init(&waiter->zero, NULL);
	waiter->count = count;
}

void waiter_done(struct waiter *waiter) {
	pthread_mutex_lock(&waiter->mutex);
	if (--waiter->count == 0) pthread_cond_signal(&waiter->zero);
	pthread_mutex_unlock(&waiter->mutex);
}

void waiter_wait(struct waiter *waiter) {
	pthread_mutex_lock(&waiter->mutex);
	while (waiter->count > 0) pthread_cond_wait(&waiter->zero, &waiter->mutex);
	pthread_mutex_unlock(&waiter->mutex);
	pthread_cond_destroy(&waiter->zero);
	pthread_mutex_destroy(&waiter->mutex);
}

static size_t list_ports(uint16_t own_port, uint16_t ports[PORTS_MAX]) {
	size_t count = 0;
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		for (unsigned port = ranges[i].from; port <= ranges[i].to; port++) {
			if (port != own_port) ports[count++] = (uint16_t)port;
		}
	}
	uint64_t extra;
	if (str_to_u64(str_from_cstr(getenv("PORT")), &extra) && extra > 0 && extra <= 65535 && extra != own_port) {
		ports[count++] = (uint16_t)extra;
	}
	return count;
}

static int connect_start(uint16_t port) {
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) return -1;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)connect(fd, (struct sockaddr *)&address, sizeof address);
	return fd;
}

// Keeps the ports that accept a connection; returns how many.
static size_t open_ports(uint16_t *ports, size_t count) {
	struct pollfd fds[PORTS_MAX];
	for (size_t i = 0; i < count; i++) fds[i] = (struct pollfd){.fd = connect_start(ports[i]), .events = POLLOUT};
	size_t waiting = count;
	for (int ready = 1; waiting > 0 && ready > 0;) {
		ready = poll(fds, count, CONNECT_TIMEOUT_MS);
		for (size_t i = 0; i < count; i++) {
			if (fds[i].fd < 0 || fds[i].events == 0 || fds[i].revents == 0) continue;
			fds[i].events = 0; // decided; a closed port also reports POLLERR or POLLHUP
			int error = 0;
			socklen_t len = sizeof error;
			getsockopt(fds[i].fd, SOL_SOCKET, SO_ERROR, &error, &len);
			if (error != 0 || (fds[i].revents & (POLLERR | POLLHUP)) != 0) ports[i] = 0;
			close(fds[i].fd);
			fds[i].fd = -1;
			waiting--;
		}
	}
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		bool open = fds[i].fd < 0 && fds[i].events == 0 && ports[i] != 0;
		if (fds[i].fd >= 0) close(fds[i].fd);
		if (open) ports[kept++] = ports[i];
	}
	return kept;
}

struct probe {
	struct waiter waiter;
	bool is_sdk;
};

static void probe_done(void *context, const struct ping_result *result) {
	struct probe *probe = context;
	probe->is_sdk = result->is_sdk;
	waiter_done(&probe->waiter);
}

static bool probe_url(struct http_client *client, struct gate *gate, struct str url) {
	struct probe probe = {.is_sdk = false};
	waiter_init(&probe.waiter, 1);
	pthread_mutex_lock(&gate->mutex);
	if (gate->closed)
		waiter_done(&probe.waiter);
	else
		probe_send(client, url, probe_done, &probe);
	pthread_mutex_unlock(&gate->mutex);
	waiter_wait(&probe.waiter);
	return probe.is_sdk;
}

void discover_scan(struct http_client *client, struct gate *gate, uint16_t own_port,
		   void (*found)(void *context, struct str url), void *context) {
	uint16_t ports[PORTS_MAX];
	size_t count = open_ports(ports, list_ports(own_port, ports));
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < ARRAY_LEN(paths); j++) {
			char text[128];
			snprintf(text, sizeof text, "http://localhost:%u%s", ports[i], paths[j]);
			struct arena arena;
			arena_init(&arena, 512);
			struct str url = url_normalise(&arena, str_from_cstr(text), NULL);
			if (probe_url(client, gate, url)) found(context, url);
			arena_free(&arena);
		}
	}
}
