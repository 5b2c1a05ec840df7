#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define REPLY_MAX (16u << 20)

void client_init(struct client *client, uint16_t port, unsigned timeout_s) {
	*client = (struct client){.port = port, .fd = -1, .timeout_s = timeout_s};
	buf_init(&client->in, REPLY_MAX);
	buf_init(&client->out, REPLY_MAX);
}

static void disconnect(struct client *client) {
	if (client->fd >= 0) close(client->fd);
	client->fd = -1;
	buf_clear(&client->in);
}

void client_free(struct client *client) {
	disconnect(client);
	buf_free(&client->in);
	buf_free(&client->out);
}

int client_connect(uint16_t port) {
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0) return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
		close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static bool send_all(int fd, struct str data) {
	while (data.len > 0) {
		ssize_t sent = send(fd, data.ptr, data.len, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR) continue;
		if (sent <= 0) return false;
		data = str_skip(data, (size_t)sent);
	}
	return true;
}

static bool receive(struct client *client, struct wire_message *message) {
	for (;;) {
		enum wire_state state = wire_parse(buf_view(&client->in), message);
		if (state == WIRE_WHOLE) return true;
		if (state == WIRE_MALFORMED || !buf_reserve(&client->in, 16384)) return false;
		ssize_t got = recv(client->fd, client->in.ptr + client->in.len, client->in.cap - client->in.len, 0);
		if (got < 0 && errno == EINTR) continue;
		if (got <= 0) return false;
		client->in.len += (size_t)got;
	}
}

static bool exchange_once(struct client *client, struct wire_message *message) {
	struct timeval limit = {.tv_sec = client->timeout_s};
	if (client->fd < 0) client->fd = client_connect(client->port);
	if (client->fd < 0) return false;
	setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	return send_all(client->fd, buf_view(&client->out)) && receive(client, message);
}

enum err client_exchange(struct client *client, const char *method, const char *target, struct str body,
			 struct str *reply, struct error *error) {
	struct wire_message message;
	buf_clear(&client->in);
	buf_clear(&client->out);
	buf_printf(&client->out,
		   "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/json\r\n"
		   "Content-Length: %zu\r\n\r\n",
		   method, target, client->port, body.len);
	buf_str(&client->out, body);
	if (client->out.overflow) return error_set(error, ERR_TOO_LARGE, "%s %s: body too large", method, target);
	if (!exchange_once(client, &message)) {
		disconnect(client);
		return error_set(error, ERR_IO, "%s %s: no answer on port %u", method, target, client->port);
	}
	unsigned status = wire_status(message.first_line);
	if (reply != NULL) *reply = message.body;
	if (status / 100 != 2)
		return error_set(error, ERR_INVALID, "%s %s: %.*s %.*s", method, target, STR_ARG(message.first_line),
				 STR_ARG(str_first(message.body, 200)));
	if (message.close) {
		close(client->fd);
		client->fd = -1;
	}
	return ERR_OK;
}
