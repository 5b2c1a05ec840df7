#include "load_run.h"

#include <stdio.h>

#include "base/check.h"
#include "base/json.h"

#define OUTPUT_MAX 65536
#define ARGUMENTS_MAX 32
#define NUMBER_LEN 12

static enum err read_figures(struct str text, struct load_figures *out, struct error *error) {
	yyjson_doc *doc = json_read(text, false, NULL, error);
	if (doc == NULL) return ERR_INVALID;
	yyjson_val *root = yyjson_doc_get_root(doc);
	*out = (struct load_figures){
		.per_second = yyjson_get_num(yyjson_obj_get(root, "per_second")),
		.p50_us = yyjson_get_num(yyjson_obj_get(root, "p50_us")),
		.p99_us = yyjson_get_num(yyjson_obj_get(root, "p99_us")),
		.requests = yyjson_get_num(yyjson_obj_get(root, "requests")),
	};
	unsigned long long refused = yyjson_get_uint(yyjson_obj_get(root, "refused"));
	yyjson_doc_free(doc);
	if (refused == 0) return ERR_OK;
	return error_set(error, ERR_IO, "%llu requests were refused", refused);
}

// What is not named is the load generator's default.
static size_t fill_options(const struct measure *measure, const struct load_job *job, const char **argv,
			   char (*numbers)[NUMBER_LEN]) {
	const struct {
		const char *option, *text;
		unsigned number;
	} options[] = {
		{"--client", job->client, 0},
		{"--function", job->function, 0},
		{"--event", job->event, 0},
		{"--last", job->last, 0},
		{"--port", NULL, job->port},
		{"--connections", NULL, job->connections},
		{"--batch", NULL, job->batch},
		{"--keys", NULL, job->keys},
		{"--count", NULL, job->count},
		{"--warmup-ms", NULL, measure->warmup_ms},
		{"--duration-ms", NULL, job->duration_ms},
	};
	size_t argc = 0;
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (options[i].text == NULL && options[i].number == 0) continue;
		snprintf(numbers[i], NUMBER_LEN, "%u", options[i].number);
		argv[argc++] = options[i].option;
		argv[argc++] = options[i].text != NULL ? options[i].text : numbers[i];
	}
	return argc;
}

enum err load_run(const struct measure *measure, const struct load_job *job, struct load_figures *out,
		  struct error *error) {
	char program[600], numbers[ARGUMENTS_MAX][NUMBER_LEN];
	const char *argv[ARGUMENTS_MAX] = {program, job->mode};
	struct buf output;
	snprintf(program, sizeof program, "%s/bench_load", measure->config.programs);
	argv[2 + fill_options(measure, job, argv + 2, numbers)] = NULL;
	buf_init(&output, OUTPUT_MAX);
	enum err err = process_capture(argv, &output, error);
	if (err == ERR_OK) err = read_figures(buf_view(&output), out, error);
	buf_free(&output);
	return err;
}

enum err load_run_events(const struct measure *measure, const struct stand *stand, enum scenario_id scenario,
			 unsigned count, unsigned keys, double *per_second, struct error *error) {
	struct load_figures figures = {0};
	struct load_job job = {.port = stand->server_port,
			       .mode = "events",
			       .client = "sockets",
			       .connections = LOAD_BATCH_CONNECTIONS,
			       .event = scenarios[scenario].name,
			       .batch = STAND_EVENTS_PER_POST,
			       .keys = keys,
			       .count = count / STAND_EVENTS_PER_POST};
	enum err err = load_run(measure, &job, &figures, error);
	if (err == ERR_OK && per_second != NULL) *per_second = figures.per_second * STAND_EVENTS_PER_POST;
	return err;
}
