// The sockets of the HTTP client in its loop.
//
// A socket of an idle connection stays registered for reading: the next call over it then needs no system call to
// watch it, where curl alone would have it removed and added again for every call. If the app closes the idle
// connection, the event only ends the watching; curl finds out when it wants to use the connection.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "driver/http_internal.h"

struct http_socket {
	uv_poll_t poll;
	struct http_client *client;
	curl_socket_t fd;
	bool ours;   // opened by http_socket_open, so http_socket_close tells its end
	int wanted;  // UV_READABLE, UV_WRITABLE: what curl waits for
	int watched; // what the loop looks for
};

static struct http_socket *socket_find(const struct http_client *client, curl_socket_t fd) {
	return (size_t)fd < client->socket_cap ? client->sockets[fd] : NULL;
}

static void free_socket(uv_handle_t *handle) {
	free(handle->data);
}

static void socket_drop(struct http_socket *sock) {
	sock->client->sockets[sock->fd] = NULL;
	uv_close((uv_handle_t *)&sock->poll, free_socket);
}

static struct http_socket *socket_add(struct http_client *client, curl_socket_t fd, bool ours) {
	// libcurl closes a socket whose connection never came about without telling: its number is free again by now.
	struct http_socket *stale = socket_find(client, fd);
	if (stale != NULL) socket_drop(stale);
	if ((size_t)fd >= client->socket_cap) {
		size_t cap = client->socket_cap > 0 ? client->socket_cap : 64;
		while (cap <= (size_t)fd) cap *= 2;
		client->sockets = mem_realloc(client->sockets, cap * sizeof(struct http_socket *));
		for (size_t i = client->socket_cap; i < cap; i++) client->sockets[i] = NULL;
		client->socket_cap = cap;
	}
	struct http_socket *sock = mem_calloc(1, sizeof *sock);
	if (uv_poll_init_socket(&client->loop, &sock->poll, fd) != 0) {
		free(sock);
		return NULL;
	}
	sock->client = client;
	sock->fd = fd;
	sock->ours = ours;
	sock->poll.data = sock;
	client->sockets[fd] = sock;
	return sock;
}

static void on_event(uv_poll_t *poll, int status, int events);

// Makes the loop look for what curl wants.
static void socket_watch(struct http_socket *sock) {
	if (sock->wanted == sock->watched) return;
	if (sock->wanted == 0) {
		uv_poll_stop(&sock->poll);
		sock->watched = 0;
	} else if (uv_poll_start(&sock->poll, sock->wanted, on_event) == 0) {
		sock->watched = sock->wanted;
	}
}

static void on_event(uv_poll_t *poll, int status, int events) {
	struct http_socket *sock = poll->data;
	struct http_client *client = sock->client;
	curl_socket_t fd = sock->fd;
	if (status < 0) sock->watched = 0; // libuv has stopped it
	if (sock->wanted == 0) {
		socket_watch(sock);
		return;
	}
	int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
	int running;
	curl_multi_socket_action(client->multi, fd, status < 0 ? CURL_CSELECT_ERR : flags, &running);
	http_client_reap(client);
	sock = socket_find(client, fd); // curl may have closed it, and even opened another in its place
	if (sock != NULL && sock->wanted != 0) socket_watch(sock);
}

int http_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *context, void *socket) {
	(void)easy;
	(void)socket;
	struct http_client *client = context;
	struct http_socket *sock = socket_find(client, fd);
	if (what == CURL_POLL_REMOVE) {
		if (sock == NULL) return 0;
		sock->wanted = 0;
		if (!sock->ours)
			socket_drop(sock);
		else if (sock->watched != UV_READABLE)
			socket_watch(sock);
		return 0;
	}
	if (sock == NULL) sock = socket_add(client, fd, false);
	if (sock == NULL) return -1;
	sock->wanted = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
	socket_watch(sock);
	return 0;
}

curl_socket_t http_socket_open(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
	(void)purpose;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
	if (fd < 0) return CURL_SOCKET_BAD;
	if (socket_add(context, fd, true) == NULL) {
		close(fd);
		return CURL_SOCKET_BAD;
	}
	return fd;
}

int http_socket_close(void *context, curl_socket_t fd) {
	struct http_socket *sock = socket_find(context, fd);
	if (sock != NULL) socket_drop(sock);
	return close(fd);
}

void http_socket_drop_all(struct http_client *client) {
	for (size_t fd = 0; fd < client->socket_cap; fd++) {
		if (client->sockets[fd] != NULL) socket_drop(client->sockets[fd]);
	}
}
