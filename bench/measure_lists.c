// Lists of runs, and searches in them, with very many runs in the file, while the server executes others.
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "gql.h"
#include "histogram.h"
#include "load_run.h"
#include "pacer.h"

// Of each round of runs most are of `zero`, one of them with the key that is searched for, and every hundredth fails.
#define ROUND_RUNS 10000
#define ROUND_SLEEPING 99
#define ROUND_FOUND 1
#define ROUND_OTHERS (ROUND_RUNS - ROUND_SLEEPING - ROUND_FOUND)
#define BACKLOG_RUNS 30000
#define PAGE_ROWS 100
#define PAGES_MAX 10000

#define CALLS_PER_S 5000
#define PACE (CALLS_PER_S * 1.02) // so that they are reached after all
#define SAMPLE_NS 1000000000ull
#define SETTLE_US 1000000

struct lists {
	const struct measure *measure;
	struct stand *stand;
	uint64_t from_ns, window_ns, window_end_ns; // wall clock: the first run, and a part of the time in the middle
	char function[GQL_TEXT_MAX];                // id of `failing`
	char cursor[GQL_TEXT_MAX];                  // of a run in the middle
	uint64_t sampled_ns, sampled_calls, first_ns, first_calls;
	double slowest; // calls a second
};

// ---- the runs --------------------------------------------------------------------------------------------------

static enum err fill_round(struct lists *lists, uint64_t results, struct error *error) {
	struct stand *stand = lists->stand;
	struct app_counts counts;
	struct load_figures figures;
	struct load_job job = {.port = stand->server_port,
			       .mode = "events",
			       .client = "sockets",
			       .connections = LOAD_BATCH_CONNECTIONS,
			       .event = scenarios[SCENARIO_ZERO].name,
			       .last = scenarios[SCENARIO_FAILING].name,
			       .batch = STAND_EVENTS_PER_POST,
			       .keys = ROUND_RUNS,
			       .count = ROUND_OTHERS / STAND_EVENTS_PER_POST};
	enum err err = load_run(lists->measure, &job, &figures, error);
	if (err == ERR_OK) err = stand_send_events(stand, SCENARIO_SLEEPER, ROUND_SLEEPING, error);
	if (err == ERR_OK) err = stand_send_events(stand, SCENARIO_FOUND, ROUND_FOUND, error);
	return err == ERR_OK ? stand_wait_all(stand, 0, results, &counts, error) : err;
}

static enum err fill(struct lists *lists, double *values, struct error *error) {
	unsigned rounds = lists->measure->listed_runs / ROUND_RUNS;
	uint64_t ended = ROUND_RUNS - ROUND_SLEEPING, from_ns = clock_mono_ns();
	struct app_counts counts;
	enum err err = ERR_OK;
	lists->from_ns = clock_wall_ns();
	for (unsigned i = 0; i < rounds && err == ERR_OK; i++) {
		if (i == rounds * 2 / 5) lists->window_ns = clock_wall_ns();
		if (i == rounds * 3 / 5) lists->window_end_ns = clock_wall_ns();
		uint64_t sent = (i + 1) * ended;
		err = fill_round(lists, sent > BACKLOG_RUNS ? sent - BACKLOG_RUNS : 0, error);
	}
	if (err == ERR_OK) err = stand_wait_all(lists->stand, rounds * ROUND_RUNS, rounds * ended, &counts, error);
	values[METRIC_LISTS_FILLED] = lists->measure->listed_runs / ((double)(clock_mono_ns() - from_ns) / 1e9);
	if (err == ERR_OK && measure_is_durable(lists->measure)) {
		usleep(SETTLE_US);
		values[METRIC_LISTS_DISK] = measure_disk(lists->stand) / lists->measure->listed_runs;
	}
	return err;
}

// ---- the queries -----------------------------------------------------------------------------------------------

enum { ROWS_ANY = -1 };

static const struct kind {
	const char *what;
	const char *query;
	const char *filter; // a member of the variables
	const char *search;
	bool is_of_function, is_deep;
	int rows; // of the page
	enum metric p50, worst;
} kinds[] = {
	{"first page", gql_runs, .rows = PAGE_ROWS, .p50 = METRIC_LISTS_FIRST_P50, .worst = METRIC_LISTS_FIRST_MAX},
	{"by status", gql_runs, .filter = "\"status\":[\"FAILED\"]", .rows = PAGE_ROWS, .p50 = METRIC_LISTS_STATUS_P50,
	 .worst = METRIC_LISTS_STATUS_MAX},
	{"by function and time", gql_runs, .is_of_function = true, .rows = PAGE_ROWS, .p50 = METRIC_LISTS_FUNCTION_P50,
	 .worst = METRIC_LISTS_FUNCTION_MAX},
	{"deep in the list", gql_runs, .is_deep = true, .rows = PAGE_ROWS, .p50 = METRIC_LISTS_DEEP_P50,
	 .worst = METRIC_LISTS_DEEP_MAX},
	{"count", gql_count, .rows = ROWS_ANY, .p50 = METRIC_LISTS_COUNT_P50, .worst = METRIC_LISTS_COUNT_MAX},
	{"search by event", gql_runs, .search = "event.data.key == 'key-104242'", .rows = ROWS_ANY,
	 .p50 = METRIC_LISTS_EVENT_P50, .worst = METRIC_LISTS_EVENT_MAX},
	{"search by output", gql_runs, .search = "output.found == '" SCENARIO_NEEDLE "'", .rows = ROWS_ANY,
	 .p50 = METRIC_LISTS_OUTPUT_P50, .worst = METRIC_LISTS_OUTPUT_MAX},
	{"search for nothing", gql_runs, .search = "event.data.key == 'no such key'", .rows = 0,
	 .p50 = METRIC_LISTS_NOTHING_P50, .worst = METRIC_LISTS_NOTHING_MAX},
};
#define KIND_SEARCH_EVENT 5
#define KIND_SEARCH_OUTPUT 6

static void append_time(struct buf *out, const char *name, uint64_t ns) {
	buf_printf(out, ",\"%s\":\"", name);
	date_format_rfc3339(out, (int64_t)ns);
	buf_byte(out, '"');
}

static void append_text(struct buf *out, const char *name, const char *text) {
	buf_printf(out, ",\"%s\":", name);
	buf_json_str(out, str_from_cstr(text));
}

static void append_variables(struct buf *out, const struct lists *lists, const struct kind *kind, const char *cursor) {
	buf_lit(out, "{\"timeField\":\"QUEUED_AT\"");
	append_time(out, "startTime", kind->is_of_function ? lists->window_ns : lists->from_ns);
	if (kind->is_of_function) append_time(out, "endTime", lists->window_end_ns);
	if (kind->is_of_function) buf_printf(out, ",\"functionIDs\":[\"%s\"]", lists->function);
	if (kind->filter != NULL) buf_printf(out, ",%s", kind->filter);
	if (kind->search != NULL) append_text(out, "celQuery", kind->search);
	if (cursor[0] != '\0') append_text(out, "functionRunCursor", cursor);
	buf_byte(out, '}');
}

struct page {
	size_t rows;
	bool has_next;
	char end[GQL_TEXT_MAX];
	uint64_t total; // of a count
	uint64_t took_ns;
};

static enum err read_page(struct lists *lists, const struct kind *kind, const char *cursor, struct page *out,
			  struct error *error) {
	struct buf variables;
	struct str reply;
	buf_init(&variables, 65536);
	append_variables(&variables, lists, kind, cursor);
	uint64_t from_ns = clock_mono_ns();
	enum err err = gql_exchange(&lists->stand->to_server, kind->query, buf_view(&variables), &reply, error);
	out->took_ns = clock_mono_ns() - from_ns;
	buf_free(&variables);
	yyjson_doc *doc = err == ERR_OK ? json_read(reply, false, NULL, error) : NULL;
	if (doc == NULL) return err == ERR_OK ? ERR_INVALID : err;
	out->rows = yyjson_arr_size(yyjson_doc_ptr_get(doc, "/data/runs/edges"));
	out->has_next = yyjson_is_true(yyjson_doc_ptr_get(doc, "/data/runs/pageInfo/hasNextPage"));
	out->total = yyjson_get_uint(yyjson_doc_ptr_get(doc, "/data/runs/totalCount"));
	gql_text(doc, "/data/runs/pageInfo/endCursor", out->end);
	yyjson_doc_free(doc);
	return ERR_OK;
}

static enum err check_page(const struct lists *lists, const struct kind *kind, const struct page *page,
			   struct error *error) {
	if (kind->query == gql_count && page->total < lists->measure->listed_runs)
		return error_set(error, ERR_INVALID, "%llu runs are counted of %u", (unsigned long long)page->total,
				 lists->measure->listed_runs);
	if (kind->rows != ROWS_ANY && page->rows != (size_t)kind->rows)
		return error_set(error, ERR_INVALID, "%s: %zu rows", kind->what, page->rows);
	if (page->has_next && page->end[0] == '\0')
		return error_set(error, ERR_INVALID, "%s: a page has no cursor to go on from", kind->what);
	return ERR_OK;
}

// ---- what they ask for -----------------------------------------------------------------------------------------

static enum err find_function(struct lists *lists, struct error *error) {
	yyjson_doc *doc;
	yyjson_val *item;
	size_t at, count;
	enum err err = gql_read(&lists->stand->to_server, "{ functions { id name } }", STR("{}"), &doc, error);
	if (err != ERR_OK) return err;
	yyjson_val *functions = yyjson_doc_ptr_get(doc, "/data/functions");
	yyjson_arr_foreach(functions, at, count, item) {
		const char *name = yyjson_get_str(yyjson_obj_get(item, "name"));
		const char *id = yyjson_get_str(yyjson_obj_get(item, "id"));
		if (name == NULL || id == NULL || strcmp(name, scenarios[SCENARIO_FAILING].name) != 0) continue;
		snprintf(lists->function, sizeof lists->function, "%s", id);
	}
	yyjson_doc_free(doc);
	return lists->function[0] != '\0' ? ERR_OK : error_set(error, ERR_NOT_FOUND, "the function is not listed");
}

static enum err find_cursor(struct lists *lists, struct error *error) {
	static const struct kind in_the_middle = {
		.what = "a page in the middle", .query = gql_runs, .is_of_function = true};
	struct page page;
	enum err err = read_page(lists, &in_the_middle, "", &page, error);
	if (err == ERR_OK) snprintf(lists->cursor, sizeof lists->cursor, "%s", page.end);
	if (err != ERR_OK || page.end[0] != '\0') return err;
	return error_set(error, ERR_INVALID, "a page has no cursor");
}

// ---- beside the load -------------------------------------------------------------------------------------------

static enum err sample_calls(struct lists *lists, struct error *error) {
	struct app_counts counts;
	uint64_t now_ns = clock_mono_ns();
	if (lists->sampled_ns != 0 && now_ns - lists->sampled_ns < SAMPLE_NS) return ERR_OK;
	enum err err = stand_wait(lists->stand, 0, 0, 0, &counts, error);
	if (err != ERR_OK) return err;
	now_ns = clock_mono_ns();
	if (lists->sampled_ns == 0) {
		lists->first_ns = now_ns;
		lists->first_calls = counts.calls;
	} else {
		double rate =
			(double)(counts.calls - lists->sampled_calls) / ((double)(now_ns - lists->sampled_ns) / 1e9);
		if (lists->slowest == 0 || rate < lists->slowest) lists->slowest = rate;
	}
	lists->sampled_ns = now_ns;
	lists->sampled_calls = counts.calls;
	return ERR_OK;
}

static enum err query_all(struct lists *lists, double *values, struct error *error) {
	static struct histogram times[ARRAY_LEN(kinds)];
	unsigned queries = lists->measure->quick ? 10 : 50;
	struct page page;
	enum err err = ERR_OK;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) histogram_clear(&times[k]);
	for (size_t i = 0; i < queries * ARRAY_LEN(kinds) && err == ERR_OK; i++) {
		const struct kind *kind = &kinds[i % ARRAY_LEN(kinds)];
		err = read_page(lists, kind, kind->is_deep ? lists->cursor : "", &page, error);
		if (err == ERR_OK) err = check_page(lists, kind, &page, error);
		if (err == ERR_OK) err = sample_calls(lists, error);
		histogram_add(&times[i % ARRAY_LEN(kinds)], page.took_ns);
	}
	for (size_t k = 0; k < ARRAY_LEN(kinds) && err == ERR_OK; k++) {
		values[kinds[k].p50] = histogram_percentile_us(&times[k], 0.5) / 1000;
		values[kinds[k].worst] = histogram_percentile_us(&times[k], 1) / 1000;
	}
	return err;
}

// From page to page through all runs: it has to find each that matches.
static enum err search_all(struct lists *lists, const struct kind *kind, double *seconds, struct error *error) {
	struct page page = {.has_next = true};
	size_t found = 0, wanted = lists->measure->listed_runs / ROUND_RUNS;
	uint64_t from_ns = clock_mono_ns();
	enum err err = ERR_OK;
	for (unsigned pages = 0; page.has_next && err == ERR_OK; pages++) {
		char cursor[GQL_TEXT_MAX];
		memcpy(cursor, page.end, sizeof cursor);
		if (pages == PAGES_MAX) return error_set(error, ERR_INVALID, "%s: no end of pages", kind->what);
		err = read_page(lists, kind, cursor, &page, error);
		if (err == ERR_OK) err = check_page(lists, kind, &page, error);
		if (err == ERR_OK) err = sample_calls(lists, error);
		if (err == ERR_OK) found += page.rows;
	}
	*seconds = (double)(clock_mono_ns() - from_ns) / 1e9;
	if (err != ERR_OK || found == wanted) return err;
	return error_set(error, ERR_INVALID, "%s: %zu of %zu runs are found", kind->what, found, wanted);
}

static enum err query_under_load(struct lists *lists, double *values, struct error *error) {
	struct pacer pacer;
	struct error second = {0};
	double runs_per_s = PACE / scenarios[SCENARIO_SEQUENTIAL].calls_per_run;
	enum err err = pacer_start(&pacer, lists->stand, SCENARIO_SEQUENTIAL, runs_per_s, error);
	if (err != ERR_OK) return err;
	usleep(SETTLE_US);
	err = sample_calls(lists, error);
	if (err == ERR_OK) err = query_all(lists, values, error);
	if (err == ERR_OK) err = search_all(lists, &kinds[KIND_SEARCH_EVENT], &values[METRIC_LISTS_EVENT_ALL], error);
	if (err == ERR_OK) err = search_all(lists, &kinds[KIND_SEARCH_OUTPUT], &values[METRIC_LISTS_OUTPUT_ALL], error);
	enum err pace_err = pacer_stop(&pacer, &second);
	if (err == ERR_OK && pace_err != ERR_OK) *error = second;
	if (err == ERR_OK) err = pace_err;
	if (err != ERR_OK) return err;
	double seconds = (double)(lists->sampled_ns - lists->first_ns) / 1e9;
	values[METRIC_LISTS_CALLS] = (double)(lists->sampled_calls - lists->first_calls) / seconds;
	values[METRIC_LISTS_CALLS_MIN] = lists->slowest;
	return ERR_OK;
}

enum err measure_lists(const struct measure *measure, double *values, struct error *error) {
	struct stand stand;
	struct dashboard_cost cost = {0};
	struct lists lists = {.measure = measure, .stand = &stand};
	enum err err = measure_open(measure, &stand, error);
	if (err == ERR_OK) err = fill(&lists, values, error);
	if (err == ERR_OK) err = find_function(&lists, error);
	if (err == ERR_OK) err = find_cursor(&lists, error);
	if (err == ERR_OK) err = query_under_load(&lists, values, error);
	if (err == ERR_OK) (void)measure_settled_rss(&stand);
	if (err == ERR_OK) err = measure_beside_dashboards(measure, &stand, &cost, error);
	if (err == ERR_OK) {
		values[METRIC_LISTS_DASHBOARDS_P50] = cost.counts.step_to_step.p50_us / 1000;
		values[METRIC_LISTS_DASHBOARDS_P99] = cost.counts.step_to_step.p99_us / 1000;
		values[METRIC_LISTS_ROUNDS] = cost.rounds_per_s;
		values[METRIC_LISTS_ROUND_P50] = cost.round_p50_ms;
		values[METRIC_LISTS_ROUND_MAX] = cost.round_max_ms;
	}
	measure_close(&stand, err);
	return err;
}
