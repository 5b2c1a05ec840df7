// A server for tests of the commands: canned replies to expected requests, one connection after the other on a thread.
#ifndef INNGEST_TESTS_UNIT_CLI_STUB_H
#define INNGEST_TESTS_UNIT_CLI_STUB_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include "fixture.h"

struct stub_reply {
	const char *request; // "GET /v2/runs": how the request line begins
	int status;
	const char *body;
	bool stream; // has no length, and stays open until the client or, with `ends`, this end closes it
	bool ends;
	bool interrupts; // then sends SIGINT to the test
};

#define STUB_REPLIES_MAX 16
static struct {
	struct stub_reply replies[STUB_REPLIES_MAX]; // each is used once, the last one that fits again and again
	bool used[STUB_REPLIES_MAX];
	size_t count;
	int listener;
	uint16_t port;
	pthread_t thread;
	char url[64];
	char seen[8192]; // "GET /path BODY\n" of each request
	int open[STUB_REPLIES_MAX];
	size_t open_count;
} stub;

static inline const struct stub_reply *stub_choose(const char *request) {
	const struct stub_reply *found = NULL;
	for (size_t i = 0; i < stub.count; i++) {
		const struct stub_reply *reply = &stub.replies[i];
		if (strncmp(request, reply->request, strlen(reply->request)) != 0) continue;
		found = reply;
		if (stub.used[i]) continue;
		stub.used[i] = true;
		return found;
	}
	return found;
}

static inline void stub_write(int fd, const char *text) {
	for (size_t len = strlen(text); len > 0;) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
		if (n <= 0) return;
		text += n;
		len -= (size_t)n;
	}
}

// The whole request, NUL-terminated; its body, or NULL when the client is gone.
static inline char *stub_read(int fd, char *text, size_t size) {
	size_t len = 0;
	for (;;) {
		text[len] = '\0';
		char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");
		size_t wanted = length != NULL && end != NULL && length < end ? strtoul(length + 16, NULL, 10) : 0;
		if (end != NULL && strlen(end + 4) >= wanted) return end + 4;
		ssize_t n = read(fd, text + len, size - 1 - len);
		if (n <= 0) return NULL;
		len += (size_t)n;
	}
}

static inline void stub_serve(int fd) {
	static char text[65536];
	char head[256], *body = stub_read(fd, text, sizeof(text));
	if (body == NULL) return;
	*strstr(text, " HTTP/1.1") = '\0';
	size_t used = strlen(stub.seen);
	snprintf(stub.seen + used, sizeof(stub.seen) - used, "%s%s%s\n", text, body[0] != '\0' ? " " : "", body);
	const struct stub_reply *reply = stub_choose(text),
				none = {"", 404, "404 page not found\n", false, false, false};
	if (reply == NULL) reply = &none;
	snprintf(head, sizeof(head), "HTTP/1.1 %d x\r\nConnection: close\r\nContent-Type: %s\r\n", reply->status,
		 reply->stream ? "text/event-stream" : "application/json");
	stub_write(fd, head);
	if (!reply->stream) {
		snprintf(head, sizeof(head), "Content-Length: %zu\r\n", strlen(reply->body));
		stub_write(fd, head);
	}
	stub_write(fd, "\r\n");
	stub_write(fd, reply->body);
	if (reply->interrupts) kill(getpid(), SIGINT);
	if (reply->stream && !reply->ends && stub.open_count < STUB_REPLIES_MAX) stub.open[stub.open_count++] = dup(fd);
}

static inline void *stub_main(void *context) {
	(void)context;
	for (;;) {
		int fd = accept(stub.listener, NULL, NULL);
		if (fd < 0) return NULL;
		stub_serve(fd);
		close(fd);
	}
}

// Also names it in INNGEST_URL.
static inline void stub_start(const struct stub_reply *replies, size_t count) {
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	assert_true(count <= STUB_REPLIES_MAX);
	memset(&stub, 0, sizeof(stub));
	memcpy(stub.replies, replies, count * sizeof(*replies));
	stub.count = count;
	stub.listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(stub.listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(stub.listener, 16), 0);
	assert_int_equal(getsockname(stub.listener, (struct sockaddr *)&address, &len), 0);
	snprintf(stub.url, sizeof(stub.url), "http://127.0.0.1:%d", ntohs(address.sin_port));
	setenv("INNGEST_URL", stub.url, 1);
	assert_int_equal(pthread_create(&stub.thread, NULL, stub_main, NULL), 0);
}

static inline void stub_stop(void) {
	shutdown(stub.listener, SHUT_RDWR);
	pthread_join(stub.thread, NULL);
	close(stub.listener);
	for (size_t i = 0; i < stub.open_count; i++) close(stub.open[i]);
}

#endif
