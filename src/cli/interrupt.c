#include "cli/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

static int pipe_fds[2];
static struct sigaction before;

static void on_signal(int number) {
	int saved = errno;
	(void)number;
	(void)!write(pipe_fds[1], "", 1);
	errno = saved;
}

int interrupt_catch(void) {
	struct sigaction action;
	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	action.sa_flags = (int)SA_RESETHAND;
	CHECK(pipe(pipe_fds) == 0);
	CHECK(fcntl(pipe_fds[0], F_SETFD, FD_CLOEXEC) == 0 && fcntl(pipe_fds[1], F_SETFD, FD_CLOEXEC) == 0);
	CHECK(sigaction(SIGINT, &action, &before) == 0);
	return pipe_fds[0];
}

void interrupt_release(void) {
	CHECK(sigaction(SIGINT, &before, NULL) == 0);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

bool interrupt_wait(int timeout_ms) {
	struct pollfd fd = {.fd = pipe_fds[0], .events = POLLIN};
	return poll(&fd, 1, timeout_ms) > 0;
}
