#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

static _Noreturn void run_child(const char *const argv[], int output, bool errors_too) {
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	dup2(output, STDOUT_FILENO);
	if (errors_too) dup2(output, STDERR_FILENO);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

pid_t process_start(const char *const argv[], const char *log) {
	int output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (output < 0) return -1;
	pid_t pid = fork();
	if (pid == 0) run_child(argv, output, true);
	close(output);
	return pid;
}

bool process_alive(pid_t pid) {
	return waitpid(pid, NULL, WNOHANG) == 0;
}

void process_stop(pid_t pid, unsigned grace_ms) {
	uint64_t deadline = clock_mono_ns() + grace_ms * 1000000ull;
	kill(pid, SIGTERM);
	while (process_alive(pid) && clock_mono_ns() < deadline) usleep(2000);
	process_kill(pid);
}

void process_kill(pid_t pid) {
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

enum err process_capture(const char *const argv[], struct buf *out, struct error *error) {
	int pipe_ends[2], status = 0;
	ssize_t got;
	if (pipe2(pipe_ends, O_CLOEXEC) != 0) return error_set(error, ERR_IO, "pipe: %s", strerror(errno));
	pid_t pid = fork();
	if (pid == 0) run_child(argv, pipe_ends[1], false);
	close(pipe_ends[1]);
	while (buf_reserve(out, 4096) && (got = read(pipe_ends[0], out->ptr + out->len, out->cap - out->len)) > 0)
		out->len += (size_t)got;
	close(pipe_ends[0]);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0) return ERR_OK;
	return error_set(error, ERR_IO, "%s failed", argv[0]);
}

// ---- /proc -----------------------------------------------------------------------------------------------------

static struct str read_file(const char *path, char *text, size_t size) {
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? 0 : read(fd, text, size);
	if (fd >= 0) close(fd);
	return str_make(text, got > 0 ? (size_t)got : 0);
}

// The n-th blank-separated field, counted from 0.
static uint64_t number_field(struct str text, unsigned n) {
	struct str field = {NULL, 0};
	uint64_t value = 0;
	for (unsigned i = 0; i <= n; i++) str_cut(text, ' ', &field, &text);
	return str_to_u64(field, &value) ? value : 0;
}

// The number after `name` in /proc/…/status.
static uint64_t status_number(struct str text, struct str name) {
	ptrdiff_t at = str_find_str(text, name);
	uint64_t value = 0;
	if (at < 0) return 0;
	for (struct str rest = str_skip(text, (size_t)at + name.len); rest.len > 0; rest = str_skip(rest, 1)) {
		char c = rest.ptr[0];
		if (c >= '0' && c <= '9')
			value = value * 10 + (uint64_t)(c - '0');
		else if (value > 0 || c == '\n')
			break;
	}
	return value;
}

static void add_process(const char *pid, struct process_usage *usage) {
	char path[300], text[8192];
	snprintf(path, sizeof path, "/proc/%s/stat", pid);
	struct str stat = read_file(path, text, sizeof text);
	stat = str_skip(stat, (size_t)(str_rfind(stat, ')') + 2)); // what follows the name: state is field 0
	uint64_t ns_per_tick = 1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK);
	usage->cpu_ns += (number_field(stat, 11) + number_field(stat, 12)) * ns_per_tick;
	usage->rss_bytes += number_field(stat, 21) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void add_wakeups(const char *pid, struct process_usage *usage) {
	char path[300], text[8192];
	snprintf(path, sizeof path, "/proc/%s/task", pid);
	DIR *tasks = opendir(path);
	if (tasks == NULL) return;
	for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
		char status[600];
		if (task->d_name[0] == '.') continue;
		snprintf(status, sizeof status, "%s/%s/status", path, task->d_name);
		usage->wakeups +=
			status_number(read_file(status, text, sizeof text), STR("\nvoluntary_ctxt_switches:"));
	}
	closedir(tasks);
}

static bool in_session(const char *pid, pid_t session) {
	char path[300], text[4096];
	snprintf(path, sizeof path, "/proc/%s/stat", pid);
	struct str stat = read_file(path, text, sizeof text);
	return number_field(str_skip(stat, (size_t)(str_rfind(stat, ')') + 2)), 3) == (uint64_t)session;
}

struct process_usage process_usage(pid_t pid) {
	struct process_usage usage = {0};
	DIR *all = opendir("/proc");
	if (all == NULL) return usage;
	for (struct dirent *entry; (entry = readdir(all)) != NULL;) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9' || !in_session(entry->d_name, pid)) continue;
		add_process(entry->d_name, &usage);
		add_wakeups(entry->d_name, &usage);
	}
	closedir(all);
	return usage;
}
