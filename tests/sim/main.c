// sim [--seeds N] [--first-seed S] [--seed S] [--jobs J] [--plant BUG] [--verbose]
//
// Runs seeds in worker processes; a worker that dies names its seed and the command that replays it. With --plant the
// engine breaks one rule on purpose, and the run passes when some seed notices.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim.h"

#define JOBS_MAX 64
// Every so many seeds the same seed runs twice: its batches must be byte-identical.
#define REPEAT_EVERY 16

struct options {
	uint64_t first, count;
	unsigned jobs, plant;
	bool verbose;
};

static uint64_t number(const char *text) {
	return strtoull(text, NULL, 10);
}

static struct options parse(int argc, char **argv) {
	struct options o = {.first = 1, .count = 1000, .jobs = (unsigned)sysconf(_SC_NPROCESSORS_ONLN)};
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		if (strcmp(argv[i], "--verbose") == 0) {
			o.verbose = true;
			continue;
		}
		if (strcmp(argv[i], "--seeds") == 0)
			o.count = number(value);
		else if (strcmp(argv[i], "--first-seed") == 0)
			o.first = number(value);
		else if (strcmp(argv[i], "--seed") == 0)
			o.first = number(value), o.count = 1, o.verbose = true;
		else if (strcmp(argv[i], "--jobs") == 0)
			o.jobs = (unsigned)number(value);
		else if (strcmp(argv[i], "--plant") == 0)
			o.plant = (unsigned)number(value);
		else {
			fprintf(stderr, "sim: unknown option %s\n", argv[i]);
			exit(2);
		}
		i++;
	}
	if (o.jobs == 0 || o.jobs > JOBS_MAX) o.jobs = 1;
	return o;
}

// Runs its share of the seeds, noting each before it begins.
static void work(const struct options *o, unsigned job, uint64_t from, volatile uint64_t *at) {
	for (uint64_t i = from; i < o->count; i += o->jobs) {
		at[job] = i;
		uint64_t digest = sim_run(o->first + i, o->plant, o->verbose);
		if (i % REPEAT_EVERY == 0 && sim_run(o->first + i, o->plant, false) != digest) {
			fprintf(stderr, "seed %llu: two runs differ\n", (unsigned long long)(o->first + i));
			_exit(1);
		}
	}
	fflush(NULL);
	_exit(0);
}

static pid_t start(const struct options *o, unsigned job, uint64_t from, volatile uint64_t *at) {
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) work(o, job, from, at);
	return pid;
}

int main(int argc, char **argv) {
	struct options o = parse(argc, argv);
	volatile uint64_t *at =
		mmap(NULL, sizeof(uint64_t) * JOBS_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED) return 2;
	pid_t pids[JOBS_MAX];
	for (unsigned j = 0; j < o.jobs; j++) pids[j] = start(&o, j, j, at);
	uint64_t failed = 0;
	for (unsigned running = o.jobs; running > 0;) {
		int status;
		pid_t pid = wait(&status);
		unsigned job = 0;
		while (job < o.jobs && pids[job] != pid) job++;
		if (job == o.jobs) continue;
		running--;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
		failed++;
		if (o.plant == 0) {
			fprintf(stderr, "FAILED: replay with: %s --seed %llu\n", argv[0],
				(unsigned long long)(o.first + at[job]));
		}
		if (o.plant > 0) break;
		pids[job] = start(&o, job, at[job] + o.jobs, at);
		running++;
	}
	if (o.plant > 0) {
		for (unsigned j = 0; j < o.jobs; j++) kill(pids[j], SIGKILL);
		printf("planted bug %u: %s\n%d passed, %d failed\n", o.plant, failed > 0 ? "caught" : "NOT caught",
		       failed > 0, failed == 0);
		return failed > 0 ? 0 : 1;
	}
	printf("%llu passed, %llu failed\n", (unsigned long long)(o.count - failed), (unsigned long long)failed);
	return failed > 0 ? 1 : 0;
}
