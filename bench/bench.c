// bench: starts servers, measures them, prints a table and writes JSON.
#include <libgen.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "measure.h"

#define SUBJECTS_MAX 8
#define COMMAND_MAX 1200

static const char help[] =
	"usage: bench [OPTION]…\n"
	"  --server CMD    measure the server that CMD starts, instead of our own in its three durability levels;\n"
	"                  {port} and {dir} in it are replaced; with {dir} it is expected to keep its state there\n"
	"  --label NAME    what the table calls it (server)\n"
	"  --binary PATH   our own server (inngest in the directory above this program's)\n"
	"  --level NAME    only this durability level of it: none, os or fsync\n"
	"  --only NAME     only this measurement, may be repeated: start, idle, latency, zero, sequential, parallel,\n"
	"                  ingest, ingest100, dispatch, expressions, sleep, sleepers, waits,\n"
	"                  sleepers-restart, waits-restart, queue, fairness, throttle, debounce,\n"
	"                  history, lists, dashboards\n"
	"  --out FILE      write JSON too\n"
	"  --work-dir DIR  where the servers keep their files ($TMPDIR, or /var/tmp)\n"
	"  --quick         a second for each figure, and 20,000 sleeping or waiting runs instead of 100,000,\n"
	"                  200,000 queued ones instead of 1,000,000, 100,000 listed instead of 1,000,000\n"
	"  --check         exit 1 when a target is missed\n";

static const char *const levels[] = {"none", "os", "fsync"};

struct options {
	const char *server, *label, *binary, *level, *out, *work_dir;
	uint32_t only; // bits of parts[]
	bool quick, check;
};

// ---- the parts -------------------------------------------------------------------------------------------------

typedef enum err measure_fn(const struct measure *measure, double *values, struct error *error);

static enum err calls_zero(const struct measure *measure, double *values, struct error *error) {
	return measure_calls(measure, SCENARIO_ZERO, values, error);
}
static enum err calls_sequential(const struct measure *measure, double *values, struct error *error) {
	return measure_calls(measure, SCENARIO_SEQUENTIAL, values, error);
}
static enum err calls_parallel(const struct measure *measure, double *values, struct error *error) {
	return measure_calls(measure, SCENARIO_PARALLEL, values, error);
}
static enum err ingest_one(const struct measure *measure, double *values, struct error *error) {
	return measure_ingest(measure, 1, values, error);
}
static enum err ingest_many(const struct measure *measure, double *values, struct error *error) {
	return measure_ingest(measure, 100, values, error);
}

static const struct {
	const char *name;
	measure_fn *run;
	const char *levels; // those of our own server that it is measured in, unless one is named; NULL: each
	bool is_own;        // says nothing of other servers
} parts[] = {
	{"start", .run = measure_start},
	{"idle", .run = measure_idle},
	{"latency", .run = measure_latency},
	{"zero", .run = calls_zero},
	{"sequential", .run = calls_sequential},
	{"parallel", .run = calls_parallel},
	{"ingest", .run = ingest_one},
	{"ingest100", .run = ingest_many},
	{"dispatch", .run = measure_dispatch},
	{"expressions", .run = measure_expressions, .is_own = true},
	{"sleep", .run = measure_sleep},
	{"sleepers", .run = measure_sleepers},
	{"waits", .run = measure_waits},
	{"sleepers-restart", .run = measure_sleepers_restart},
	{"waits-restart", .run = measure_waits_restart},
	{"queue", .run = measure_queue, .levels = "none os"},
	{"fairness", .run = measure_fairness, .levels = "os"},
	{"throttle", .run = measure_throttle, .levels = "none"},
	{"debounce", .run = measure_debounce, .levels = "os"},
	{"history", .run = measure_history, .levels = "os", .is_own = true},
	{"lists", .run = measure_lists, .levels = "os"},
	{"dashboards", .run = measure_dashboards, .levels = "none os"},
};

static bool part_wanted(const struct options *options, const char *label, size_t part) {
	bool any_level = options->server != NULL || options->level != NULL || parts[part].levels == NULL;
	if (!any_level && strstr(parts[part].levels, label) == NULL) return false;
	return options->only == 0 || (options->only >> part & 1) != 0;
}

// ---- options ---------------------------------------------------------------------------------------------------

static bool add_part(struct options *options, const char *name) {
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (strcmp(parts[i].name, name) != 0) continue;
		options->only |= 1u << i;
		return true;
	}
	return false;
}

static bool read_value(struct options *options, const char *name, const char *value) {
	const struct {
		const char *name;
		const char **value;
	} known[] = {
		{"--server", &options->server}, {"--label", &options->label}, {"--binary", &options->binary},
		{"--level", &options->level},   {"--out", &options->out},     {"--work-dir", &options->work_dir},
	};
	if (strcmp(name, "--only") == 0) return add_part(options, value);
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(known[i].name, name) != 0) continue;
		*known[i].value = value;
		return true;
	}
	return false;
}

static bool read_options(int argc, char **argv, struct options *options) {
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--quick") == 0)
			options->quick = true;
		else if (strcmp(argv[i], "--check") == 0)
			options->check = true;
		else if (i + 1 == argc || !read_value(options, argv[i], argv[i + 1]))
			return false;
		else
			i++;
	}
	return true;
}

// ---- subjects --------------------------------------------------------------------------------------------------

static void add_subject(struct subject *subject, const char *label, const char *command) {
	*subject = (struct subject){.label = label, .command = command};
	for (unsigned m = 0; m < METRIC_COUNT; m++) subject->values[m] = NAN;
}

// Our own server: `none` is what `dev` does by itself; the other levels only make sense with a file.
static unsigned add_own(const struct options *options, const char *binary, struct subject *subjects) {
	static char commands[ARRAY_LEN(levels)][COMMAND_MAX];
	unsigned count = 0;
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		if (options->level != NULL && strcmp(options->level, levels[i]) != 0) continue;
		snprintf(commands[i], COMMAND_MAX, "%s dev --no-discovery --no-poll --port {port} --durability %s%s",
			 binary, levels[i], i == 0 ? "" : " --persist --sqlite-dir {dir}");
		add_subject(&subjects[count++], levels[i], commands[i]);
	}
	return count;
}

static void run_parts(const struct options *options, struct measure *measure, struct subject *subject) {
	measure->config.command = subject->command;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct error error = {0};
		if (!part_wanted(options, subject->label, i)) continue;
		if (options->server != NULL && parts[i].is_own) continue;
		fprintf(stderr, "%s: %s\n", subject->label, parts[i].name);
		if (parts[i].run(measure, subject->values, &error) == ERR_OK) continue;
		fprintf(stderr, "%s: %s: %s\n", subject->label, parts[i].name, error.message);
		subject->failures++;
	}
}

static int finish(const struct options *options, const struct report *report) {
	unsigned failures = 0;
	struct error error = {0};
	report_print(report, stdout);
	if (options->out != NULL && report_write_json(report, options->out, &error) != ERR_OK) {
		fprintf(stderr, "bench: %s\n", error.message);
		failures++;
	}
	for (unsigned i = 0; i < report->subject_count; i++) failures += report->subjects[i].failures;
	return failures > 0 || (options->check && report_missed(report) > 0) ? 1 : 0;
}

int main(int argc, char **argv) {
	struct options options = {.label = "server", .work_dir = getenv("TMPDIR")};
	char programs[600], binary[700];
	struct subject subjects[SUBJECTS_MAX];
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(help, stdout);
		return 0;
	}
	if (!read_options(argc, argv, &options)) {
		fputs(help, stderr);
		return 2;
	}
	ssize_t len = readlink("/proc/self/exe", programs, sizeof programs - 1);
	programs[len > 0 ? len : 0] = '\0';
	dirname(programs);
	snprintf(binary, sizeof binary, "%s/../inngest", programs);
	struct measure measure = {
		.config = {.programs = programs, .work_dir = options.work_dir != NULL ? options.work_dir : "/var/tmp"},
		.quick = options.quick,
		.warmup_ms = options.quick ? 200 : 500,
		.duration_ms = options.quick ? 1000 : 7500,
		.sleeping_runs = options.quick ? 20000 : 100000,
		.queued_runs = options.quick ? 200000 : 1000000,
		.throttle_s = options.quick ? 5 : 60,
		.listed_runs = options.quick ? 100000 : 1000000,
	};
	struct report report = {.quick = options.quick, .sleeping_runs = measure.sleeping_runs, .subjects = subjects};
	if (options.server != NULL)
		add_subject(&subjects[report.subject_count++], options.label, options.server);
	else
		report.subject_count = add_own(&options, options.binary != NULL ? options.binary : binary, subjects);
	for (unsigned i = 0; i < report.subject_count; i++) run_parts(&options, &measure, &subjects[i]);
	return finish(&options, &report);
}
