#include "dashboards.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "gql.h"

#define INTERVAL_NS 400000000ull
#define POLL_US 2000
#define VARIABLES_MAX 512
#define DAY_NS (86400ull * 1000000000)

struct dashboard {
	struct dashboards *all;
	pthread_t thread;
	struct client client;
	uint64_t next_ns;
	struct histogram rounds;
	enum err err;
	struct error error;
};

struct dashboards {
	atomic_bool is_closing;
	char run_id[GQL_TEXT_MAX];
	unsigned started;
	struct dashboard each[DASHBOARD_COUNT];
};

// The last day, as the page does by itself.
static void append_list_variables(struct buf *out) {
	buf_lit(out, "{\"timeField\":\"QUEUED_AT\",\"startTime\":\"");
	date_format_rfc3339(out, (int64_t)(clock_wall_ns() - DAY_NS));
	buf_lit(out, "\"}");
}

static enum err ask(struct dashboard *dashboard) {
	struct buf variables;
	struct str reply;
	buf_init(&variables, VARIABLES_MAX);
	append_list_variables(&variables);
	struct client *client = &dashboard->client;
	enum err err = gql_exchange(client, gql_runs, buf_view(&variables), &reply, &dashboard->error);
	if (err == ERR_OK) err = gql_exchange(client, gql_count, buf_view(&variables), &reply, &dashboard->error);
	buf_clear(&variables);
	buf_printf(&variables, "{\"runID\":\"%s\"}", dashboard->all->run_id);
	if (err == ERR_OK) err = gql_exchange(client, gql_run, buf_view(&variables), &reply, &dashboard->error);
	buf_free(&variables);
	return err;
}

// A round that takes longer than the interval makes the dashboard miss the next ones.
static void *poll(void *context) {
	struct dashboard *dashboard = context;
	while (dashboard->err == ERR_OK && !atomic_load(&dashboard->all->is_closing)) {
		uint64_t now_ns = clock_mono_ns();
		if (now_ns < dashboard->next_ns) {
			usleep(POLL_US);
			continue;
		}
		dashboard->err = ask(dashboard);
		histogram_add(&dashboard->rounds, clock_mono_ns() - now_ns);
		while (dashboard->next_ns <= clock_mono_ns()) dashboard->next_ns += INTERVAL_NS;
	}
	return NULL;
}

// ---- a run to look at ------------------------------------------------------------------------------------------

static enum err check_run(struct stand *stand, const char *run_id, struct error *error) {
	char variables[VARIABLES_MAX + GQL_TEXT_MAX], status[GQL_TEXT_MAX];
	yyjson_doc *doc;
	snprintf(variables, sizeof variables, "{\"runID\":\"%s\"}", run_id);
	enum err err = gql_read(&stand->to_server, gql_run, str_from_cstr(variables), &doc, error);
	if (err != ERR_OK) return err;
	gql_text(doc, "/data/run/status", status);
	size_t spans = yyjson_arr_size(yyjson_doc_ptr_get(doc, "/data/run/trace/childrenSpans"));
	yyjson_doc_free(doc);
	if (strcmp(status, "RUNNING") == 0 && spans >= scenarios[SCENARIO_DOZING].steps) return ERR_OK;
	return error_set(error, ERR_INVALID, "a run under way has status %s and %zu spans", status, spans);
}

// It is the newest.
static enum err begin_run(struct stand *stand, char run_id[GQL_TEXT_MAX], struct error *error) {
	struct app_counts counts;
	struct buf variables;
	yyjson_doc *doc;
	enum err err = stand_reset_counts(stand, error);
	if (err == ERR_OK) err = stand_send_events(stand, SCENARIO_DOZING, 1, error);
	if (err == ERR_OK) err = stand_wait_all(stand, scenarios[SCENARIO_DOZING].steps, 0, &counts, error);
	if (err != ERR_OK) return err;
	usleep(POLL_US * 100); // until the server has written what it did with the last answer
	buf_init(&variables, VARIABLES_MAX);
	append_list_variables(&variables);
	err = gql_read(&stand->to_server, gql_runs, buf_view(&variables), &doc, error);
	buf_free(&variables);
	if (err != ERR_OK) return err;
	gql_text(doc, "/data/runs/edges/0/node/id", run_id);
	yyjson_doc_free(doc);
	return check_run(stand, run_id, error);
}

// ---- all of them -----------------------------------------------------------------------------------------------

static enum err start_one(struct dashboards *all, const struct stand *stand, struct error *error) {
	struct dashboard *dashboard = &all->each[all->started];
	dashboard->all = all;
	dashboard->next_ns = clock_mono_ns() + all->started * INTERVAL_NS / DASHBOARD_COUNT;
	client_init(&dashboard->client, stand->server_port, 60);
	if (pthread_create(&dashboard->thread, NULL, poll, dashboard) != 0)
		return error_set(error, ERR_IO, "cannot start a thread");
	all->started++;
	return ERR_OK;
}

static void join_all(struct dashboards *all) {
	atomic_store(&all->is_closing, true);
	for (unsigned i = 0; i < all->started; i++) {
		pthread_join(all->each[i].thread, NULL);
		client_free(&all->each[i].client);
	}
}

enum err dashboards_open(struct dashboards **out, struct stand *stand, struct error *error) {
	struct dashboards *all = mem_calloc(1, sizeof *all);
	enum err err = begin_run(stand, all->run_id, error);
	while (err == ERR_OK && all->started < DASHBOARD_COUNT) err = start_one(all, stand, error);
	*out = err == ERR_OK ? all : NULL;
	if (err == ERR_OK) return err;
	join_all(all);
	free(all);
	return err;
}

enum err dashboards_close(struct dashboards *all, struct histogram *rounds, struct error *error) {
	enum err err = ERR_OK;
	histogram_clear(rounds);
	join_all(all);
	for (unsigned i = 0; i < all->started; i++) {
		const struct dashboard *dashboard = &all->each[i];
		histogram_merge(rounds, &dashboard->rounds);
		if (dashboard->err == ERR_OK) continue;
		err = dashboard->err;
		*error = dashboard->error;
	}
	free(all);
	return err;
}
