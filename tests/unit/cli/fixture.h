// What the tests of the command line share: a clean environment, captured output and a node that only takes notes.
#ifndef INNGEST_TESTS_UNIT_CLI_FIXTURE_H
#define INNGEST_TESTS_UNIT_CLI_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/cli.h"

extern char **environ;

struct node_notes {
	int runs;
	struct node_config config;
	char host[64], sqlite_dir[256], start_opts[8192], urls[512];
	uint16_t online_port;           // given to `online` when not 0
	const char *failure;            // what the node answers, or NULL
	struct hand_over_counts handed; // what a hand-over answers
};
static struct node_notes notes;

static inline enum err hand_over_fake(const char *sqlite_dir, hand_over_progress *progress, void *context,
				      struct hand_over_result *out, struct error *error) {
	notes.runs++;
	snprintf(notes.sqlite_dir, sizeof(notes.sqlite_dir), "%s", sqlite_dir);
	if (notes.failure != NULL) return error_set(error, ERR_BUSY, "%s", notes.failure);
	snprintf(out->path, sizeof(out->path), "%.200s/main.db", sqlite_dir);
	out->counts = notes.handed;
	assert_true(progress(context, &out->counts));
	return ERR_OK;
}

static inline enum err node_fake(const struct node_config *config, void (*online)(void *context, uint16_t port),
				 void *context, struct error *error) {
	notes.runs++;
	notes.config = *config;
	snprintf(notes.host, sizeof(notes.host), "%.*s", STR_ARG(config->host));
	snprintf(notes.sqlite_dir, sizeof(notes.sqlite_dir), "%s", config->sqlite_dir);
	snprintf(notes.start_opts, sizeof(notes.start_opts), "%.*s", STR_ARG(config->start_opts_json));
	notes.urls[0] = '\0';
	for (size_t i = 0; i < config->sdk_url_count; i++) {
		size_t used = strlen(notes.urls);
		snprintf(notes.urls + used, sizeof(notes.urls) - used, "%s ", config->sdk_urls[i]);
	}
	if (notes.failure != NULL) return error_set(error, ERR_IO, "%s", notes.failure);
	if (notes.online_port != 0) online(context, notes.online_port);
	return ERR_OK;
}

struct cli_result {
	int code;
	char out[16384], err[4096];
};

static inline void assert_contains(const char *text, const char *part) {
	if (strstr(text, part) == NULL) fail_msg("no \"%s\" in \"%s\"", part, text);
}

#define CLI_ARGUMENTS_MAX 32

// Runs `inngest ARGUMENTS…` (a NULL ends them) and keeps what it printed.
static inline struct cli_result cli_run_on(bool terminal, const char *const *arguments) {
	static struct cli_result result;
	char *argv[CLI_ARGUMENTS_MAX] = {(char *)"inngest"}, *out, *err;
	int argc = 1;
	for (; arguments[argc - 1] != NULL; argc++) argv[argc] = (char *)arguments[argc - 1];
	size_t out_len, err_len;
	struct cli cli = {.out = open_memstream(&out, &out_len),
			  .err = open_memstream(&err, &err_len),
			  .terminal = terminal,
			  .run_node = node_fake,
			  .hand_over = hand_over_fake};
	memset(&notes.config, 0, sizeof(notes.config));
	notes.runs = 0;
	result.code = cli_main(&cli, argc, argv);
	fclose(cli.out);
	fclose(cli.err);
	snprintf(result.out, sizeof(result.out), "%s", out);
	snprintf(result.err, sizeof(result.err), "%s", err);
	free(out);
	free(err);
	return result;
}
#define CLI(...) cli_run_on(false, (const char *const[]){__VA_ARGS__, NULL})

// An empty directory as working directory and home, no environment variable that the program reads.
static inline int scratch_setup(void **state) {
	static char directory[] = "/tmp/inngest-cli-XXXXXX", path[sizeof(directory)];
	memcpy(path, directory, sizeof(path));
	if (mkdtemp(path) == NULL || chdir(path) != 0) return -1;
	char *search_path = getenv("PATH") != NULL ? strdup(getenv("PATH")) : NULL;
	clearenv();
	if (search_path != NULL) setenv("PATH", search_path, 1);
	free(search_path);
	setenv("HOME", path, 1);
	setenv("LOG_LEVEL", "emergency", 1); // quiet
	memset(&notes, 0, sizeof(notes));
	*state = path;
	return 0;
}

static inline int scratch_teardown(void **state) {
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", (const char *)*state);
	return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static inline void file_write(const char *path, const char *text) {
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

#define SCRATCH_TEST(function) cmocka_unit_test_setup_teardown(function, scratch_setup, scratch_teardown)

#endif
