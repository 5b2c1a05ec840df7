// Child processes: starting, stopping, and what they use. Children die with the benchmark. One thread.
#ifndef INNGEST_BENCH_PROCESS_H
#define INNGEST_BENCH_PROCESS_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

struct process_usage { // of a child and all that it started
	uint64_t cpu_ns;
	uint64_t rss_bytes;
	uint64_t wakeups; // times that a thread went to sleep by itself
};

// Starts a program in a session of its own; its output is appended to the file `log`. -1 when that fails.
pid_t process_start(const char *const argv[], const char *log);
// Asks the session to end, waits, and kills what is still there after `grace_ms`.
void process_stop(pid_t pid, unsigned grace_ms);
// Ends the session at once, as a crash would.
void process_kill(pid_t pid);
bool process_alive(pid_t pid);
// Runs a program to its end and appends its output to `out`.
ERR_CHECKED enum err process_capture(const char *const argv[], struct buf *out, struct error *error);
struct process_usage process_usage(pid_t pid);

#endif
