// bench_app --port P [--server-port S]: serves the functions of scenario.h, after registering them at the server.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app.h"

static int listen_on(uint16_t port) {
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0) return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 1024) == 0) return fd;
	close(fd);
	return -1;
}

static bool read_port(const char *text, uint16_t *out) {
	uint64_t value;
	if (!str_to_u64(str_from_cstr(text), &value) || value == 0 || value > UINT16_MAX) return false;
	*out = (uint16_t)value;
	return true;
}

int main(int argc, char **argv) {
	uint16_t port = 0, server_port = 0;
	struct error error = {0};
	bool valid = argc % 2 == 1;
	for (int i = 1; i + 1 < argc && valid; i += 2) {
		struct str name = str_from_cstr(argv[i]);
		uint16_t *value = str_eq(name, STR("--port"))          ? &port
				  : str_eq(name, STR("--server-port")) ? &server_port
								       : NULL;
		valid = value != NULL && read_port(argv[i + 1], value);
	}
	if (!valid || port == 0) {
		fprintf(stderr, "usage: bench_app --port PORT [--server-port PORT]\n");
		return 2;
	}
	int listener = listen_on(port);
	if (listener < 0) {
		fprintf(stderr, "bench_app: cannot listen on port %u\n", port);
		return 1;
	}
	app_answers_init();
	if ((server_port != 0 && app_register(server_port, port, &error) != ERR_OK) ||
	    app_serve(listener, &error) != ERR_OK) {
		fprintf(stderr, "bench_app: %s\n", error.message);
		return 1;
	}
	return 0;
}
