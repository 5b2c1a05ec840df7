// The listening socket: one that speaks IPv4 and IPv6 for the wildcard addresses (05 §1).
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/server_internal.h"

static bool is_wildcard(struct str host) {
	return host.len == 0 || str_eq(host, STR("0.0.0.0")) || str_eq(host, STR("::")) || str_eq(host, STR("[::]"));
}

static int open_address(int family, const struct sockaddr *address, socklen_t len, bool dual) {
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) return -1;
	int on = 1, off = 0;
	int saved;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) goto failed;
	if (dual && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0) goto failed;
	if (bind(fd, address, len) < 0 || listen(fd, SOMAXCONN) < 0) goto failed;
	return fd;
failed:
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int open_wildcard(uint16_t port) {
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_ANY_INIT};
	int fd = open_address(AF_INET6, (const struct sockaddr *)&six, sizeof six, true);
	if (fd >= 0 || errno == EADDRINUSE || errno == EACCES) return fd;
	// A machine without IPv6.
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
	return open_address(AF_INET, (const struct sockaddr *)&four, sizeof four, false);
}

static int open_named(struct str host, uint16_t port, const char **reason) {
	char *name = str_to_cstr(host);
	char service[8];
	(void)snprintf(service, sizeof service, "%u", port);
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	int fd = -1;
	int code = getaddrinfo(name, service, &hints, &found);
	free(name);
	if (code != 0) {
		*reason = gai_strerror(code);
		return -1;
	}
	for (struct addrinfo *a = found; a != NULL && fd < 0; a = a->ai_next) {
		fd = open_address(a->ai_family, a->ai_addr, a->ai_addrlen, false);
		if (fd < 0 && errno == EADDRINUSE) break;
	}
	int saved = errno;
	freeaddrinfo(found);
	errno = saved;
	return fd;
}

static uint16_t bound_port(int fd) {
	struct sockaddr_storage address;
	socklen_t len = sizeof address;
	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0) return 0;
	return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
						   : ((struct sockaddr_in *)&address)->sin_port);
}

enum err listen_open(struct str host, uint16_t port, int *fd, uint16_t *bound, struct error *error) {
	const char *reason = NULL;
	errno = 0;
	*fd = is_wildcard(host) ? open_wildcard(port) : open_named(host, port, &reason);
	if (*fd < 0) {
		enum err code = reason == NULL && errno == EADDRINUSE ? ERR_EXISTS : ERR_IO;
		char text[128];
		if (reason == NULL) reason = strerror_r(errno, text, sizeof text);
		return error_set(error, code, "cannot listen on %.*s:%u: %s", STR_ARG(host), port, reason);
	}
	*bound = bound_port(*fd);
	return ERR_OK;
}
