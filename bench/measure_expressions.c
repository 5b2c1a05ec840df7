// Expressions: by themselves, and as the triggers of many functions on one event.
#include <stdio.h>

#include "base/json.h"
#include "measure.h"

#define FUNCTIONS 10000
#define BODY_MAX (8u << 20)
#define OUTPUT_MAX 65536

enum err measure_expressions(const struct measure *measure, double *values, struct error *error) {
	char program[600];
	struct buf output;
	snprintf(program, sizeof program, "%s/bench_expressions", measure->config.programs);
	buf_init(&output, OUTPUT_MAX);
	enum err err = process_capture((const char *const[]){program, NULL}, &output, error);
	yyjson_doc *doc = err == ERR_OK ? json_read(buf_view(&output), false, NULL, error) : NULL;
	buf_free(&output);
	if (doc == NULL) return err != ERR_OK ? err : ERR_INVALID;
	yyjson_val *root = yyjson_doc_get_root(doc);
	values[METRIC_EVALUATIONS] = yyjson_get_num(yyjson_obj_get(root, "evaluations_per_s"));
	values[METRIC_COMPILE] = yyjson_get_num(yyjson_obj_get(root, "compile_us"));
	yyjson_doc_free(doc);
	return ERR_OK;
}

// Each of the load generator's events meets the first term of one function and the second of none: one look-up, one
// evaluation, no run.
static void append_filters(struct buf *body, uint16_t app_port) {
	buf_printf(body,
		   "{\"url\":\"http://127.0.0.1:%u/api/filters\",\"deployType\":\"ping\",\"framework\":\"bench\","
		   "\"appName\":\"filters\",\"sdk\":\"js:v3.54.2\",\"v\":\"0.1\",\"functions\":[",
		   app_port);
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		buf_printf(body,
			   "%s{\"id\":\"filters-%u\",\"name\":\"%u\",\"triggers\":[{\"event\":\"" SCENARIO_APP
			   "/unmatched\",\"expression\":\"event.data.user == 'user-%u' && event.data.amount < 0\"}],"
			   "\"steps\":{\"step\":{\"id\":\"step\",\"name\":\"step\",\"runtime\":{\"type\":\"http\","
			   "\"url\":\"http://127.0.0.1:%u/api/filters?fnId=filters-%u&stepId=step\"}}}}",
			   i > 0 ? "," : "", i, i, 100000 + i, app_port, i);
	}
	buf_lit(body, "]}");
}

enum err measure_dispatch(const struct measure *measure, double *values, struct error *error) {
	struct stand stand;
	struct buf body;
	buf_init(&body, BODY_MAX);
	enum err err = measure_open(measure, &stand, error);
	if (err == ERR_OK) {
		append_filters(&body, stand.app_port);
		err = client_exchange(&stand.to_server, "POST", "/fn/register", buf_view(&body), NULL, error);
	}
	if (err == ERR_OK)
		err = measure_events(measure, &stand, MEASURE_UNMATCHED, 100, &values[METRIC_DISPATCH], error);
	measure_close(&stand, err);
	buf_free(&body);
	return err;
}
