// bench_load events|calls …: prints what it measured as one line of JSON.
#include <stdio.h>
#include <stdlib.h>

#include "load.h"

#define NS_PER_MS 1000000ull

static int usage(void) {
	fprintf(stderr,
		"usage: bench_load events --port PORT [--key KEY] [--event NAME] [--last NAME] [--batch EVENTS]\n"
		"                        [--keys N] [--count REQUESTS] [OPTION]\n"
		"       bench_load calls --port PORT --function zero|sequential|parallel\n"
		"                        [--client sockets|library] [OPTION]\n"
		"options: --connections N (100)  --warmup-ms MS (1000)  --duration-ms MS (5000)\n");
	return 2;
}

struct options {
	const char *key;
	const char *event;
	const char *last;
	const char *function;
	const char *client;
	uint64_t port, batch, keys, count, connections, warmup_ms, duration_ms;
};

static bool read_options(int argc, char **argv, struct options *out) {
	const struct {
		struct str name;
		const char **text;
		uint64_t *number;
	} known[] = {
		{STR("--key"), .text = &out->key},
		{STR("--event"), .text = &out->event},
		{STR("--last"), .text = &out->last},
		{STR("--function"), .text = &out->function},
		{STR("--client"), .text = &out->client},
		{STR("--port"), .number = &out->port},
		{STR("--batch"), .number = &out->batch},
		{STR("--keys"), .number = &out->keys},
		{STR("--count"), .number = &out->count},
		{STR("--connections"), .number = &out->connections},
		{STR("--warmup-ms"), .number = &out->warmup_ms},
		{STR("--duration-ms"), .number = &out->duration_ms},
	};
	for (int i = 2; i < argc; i += 2) {
		size_t k = 0;
		while (k < sizeof known / sizeof *known && !str_eq_cstr(known[k].name, argv[i])) k++;
		if (k == sizeof known / sizeof *known || i + 1 == argc) return false;
		if (known[k].text != NULL)
			*known[k].text = argv[i + 1];
		else if (!str_to_u64(str_from_cstr(argv[i + 1]), known[k].number))
			return false;
	}
	bool library = strcmp(out->client, "library") == 0;
	bool client_known = library ? out->count == 0 : strcmp(out->client, "sockets") == 0;
	return client_known && out->port > 0 && out->port <= UINT16_MAX && out->connections > 0 && out->batch > 0;
}

static bool make_plan(struct str mode, const struct options *options, struct load_plan *plan) {
	*plan = (struct load_plan){
		.port = (uint16_t)options->port,
		.connections = (unsigned)options->connections,
		.warmup_ns = options->warmup_ms * NS_PER_MS,
		.duration_ns = options->duration_ms * NS_PER_MS,
		.count = options->count,
	};
	struct load_events events = {options->event, options->last, (unsigned)options->batch, (unsigned)options->keys};
	enum scenario_id function = scenario_by_name(str_from_cstr(options->function));
	if (str_eq(mode, STR("events")))
		load_requests_events(plan, options->key, &events);
	else if (str_eq(mode, STR("calls")) && function != SCENARIO_COUNT)
		load_requests_calls(plan, function);
	else
		return false;
	return true;
}

int main(int argc, char **argv) {
	static struct load_result result;
	struct options options = {.key = "bench",
				  .event = "unmatched",
				  .function = "",
				  .client = "sockets",
				  .batch = 1,
				  .connections = 100,
				  .warmup_ms = 1000,
				  .duration_ms = 5000};
	struct load_plan plan;
	struct error error = {0};
	if (argc < 2 || !read_options(argc, argv, &options) || !make_plan(str_from_cstr(argv[1]), &options, &plan))
		return usage();
	bool library = strcmp(options.client, "library") == 0;
	enum err err = (library ? load_drive_library : load_drive)(&plan, &result, &error);
	load_requests_free(&plan);
	if (err != ERR_OK) {
		fprintf(stderr, "bench_load: %s\n", error.message);
		return 1;
	}
	printf("{\"requests\":%llu,\"refused\":%llu,\"per_second\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f}\n",
	       (unsigned long long)result.answered, (unsigned long long)result.refused,
	       (double)result.answered / result.seconds, histogram_percentile_us(&result.latency, 0.50),
	       histogram_percentile_us(&result.latency, 0.99));
	return 0;
}
