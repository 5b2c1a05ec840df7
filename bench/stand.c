#include "stand.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

#define START_LIMIT_NS 60000000000ull
#define STALL_LIMIT_NS 20000000000ull
#define STOP_GRACE_MS 20000
#define BODY_MAX (1u << 20)

// ---- preparation -----------------------------------------------------------------------------------------------

static uint16_t free_port(void) {
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
		     getsockname(fd, (struct sockaddr *)&address, &len) == 0;
	if (fd >= 0) close(fd);
	return bound ? ntohs(address.sin_port) : 0;
}

enum err stand_open(struct stand *stand, const struct stand_config *config, struct error *error) {
	*stand = (struct stand){.config = *config, .server = -1, .app = -1, .next_number = STAND_FIRST_NUMBER};
	snprintf(stand->dir, sizeof stand->dir, "%s/bench-XXXXXX", config->work_dir);
	stand->server_port = free_port();
	stand->app_port = free_port();
	client_init(&stand->to_server, stand->server_port, 60);
	client_init(&stand->to_app, stand->app_port, 60);
	if (mkdtemp(stand->dir) == NULL) {
		enum err err = error_set(error, ERR_IO, "%s: %s", stand->dir, strerror(errno));
		stand->dir[0] = '\0';
		return err;
	}
	snprintf(stand->log, sizeof stand->log, "%s/server.log", stand->dir);
	if (stand->server_port != 0 && stand->app_port != 0) return ERR_OK;
	return error_set(error, ERR_IO, "no free port");
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *walk) {
	(void)stat, (void)type, (void)walk;
	return remove(path);
}

void stand_close(struct stand *stand) {
	if (stand->app >= 0) process_stop(stand->app, STOP_GRACE_MS);
	stand->app = -1;
	stand_stop_server(stand);
	client_free(&stand->to_server);
	client_free(&stand->to_app);
	if (stand->dir[0] != '\0') nftw(stand->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void stand_join(struct stand *stand, const struct stand *of) {
	*stand = *of;
	stand->server = stand->app = -1;
	client_init(&stand->to_server, of->server_port, 60);
	client_init(&stand->to_app, of->app_port, 60);
}

void stand_leave(struct stand *stand) {
	client_free(&stand->to_server);
	client_free(&stand->to_app);
}

// ---- processes -------------------------------------------------------------------------------------------------

static void fill_command(const struct stand *stand, struct buf *out) {
	struct str rest = str_from_cstr(stand->config.command);
	if (str_find(rest, '&') < 0 && str_find(rest, ';') < 0 && str_find(rest, '|') < 0) buf_lit(out, "exec ");
	while (rest.len > 0) {
		if (str_starts_with(rest, STR("{port}"))) {
			buf_u64(out, stand->server_port);
			rest = str_skip(rest, sizeof "{port}" - 1);
		} else if (str_starts_with(rest, STR("{dir}"))) {
			buf_str(out, str_from_cstr(stand->dir));
			rest = str_skip(rest, sizeof "{dir}" - 1);
		} else {
			buf_byte(out, rest.ptr[0]);
			rest = str_skip(rest, 1);
		}
	}
	buf_byte(out, '\0');
}

static enum err wait_healthy(struct stand *stand, uint64_t from_ns, struct error *error) {
	while (client_exchange(&stand->to_server, "GET", "/health", STR(""), NULL, error) != ERR_OK) {
		if (!process_alive(stand->server)) {
			stand->server = -1;
			return error_set(error, ERR_IO, "the server ended at once");
		}
		if (clock_mono_ns() - from_ns > START_LIMIT_NS)
			return error_set(error, ERR_IO, "the server does not answer /health");
		usleep(200);
	}
	return ERR_OK;
}

enum err stand_start_server(struct stand *stand, double *took_ms, struct error *error) {
	struct buf command;
	buf_init(&command, 65536);
	fill_command(stand, &command);
	uint64_t from_ns = clock_mono_ns();
	stand->server = process_start((const char *const[]){"/bin/sh", "-c", command.ptr, NULL}, stand->log);
	buf_free(&command);
	if (stand->server < 0) return error_set(error, ERR_IO, "cannot start the server: %s", strerror(errno));
	enum err err = wait_healthy(stand, from_ns, error);
	if (took_ms != NULL) *took_ms = (double)(clock_mono_ns() - from_ns) / 1e6;
	return err;
}

static void forget_server(struct stand *stand) {
	stand->server = -1;
	client_free(&stand->to_server);
	client_init(&stand->to_server, stand->server_port, 60);
}

void stand_stop_server(struct stand *stand) {
	if (stand->server >= 0) process_stop(stand->server, STOP_GRACE_MS);
	forget_server(stand);
}

void stand_kill_server(struct stand *stand) {
	if (stand->server >= 0) process_kill(stand->server);
	forget_server(stand);
}

enum err stand_start_app(struct stand *stand, struct error *error) {
	char program[600], port[8], server_port[8], log[600];
	snprintf(program, sizeof program, "%s/bench_app", stand->config.programs);
	snprintf(port, sizeof port, "%u", stand->app_port);
	snprintf(server_port, sizeof server_port, "%u", stand->server_port);
	snprintf(log, sizeof log, "%s/app.log", stand->dir);
	const char *argv[] = {program, "--port", port, stand->server >= 0 ? "--server-port" : NULL, server_port, NULL};
	stand->app = process_start(argv, log);
	uint64_t from_ns = clock_mono_ns();
	while (stand_reset_counts(stand, error) != ERR_OK) {
		if (stand->app < 0 || !process_alive(stand->app) || clock_mono_ns() - from_ns > START_LIMIT_NS) {
			stand->app = -1;
			return error_set(error, ERR_IO, "the app could not register");
		}
		usleep(1000);
	}
	return ERR_OK;
}

void stand_print_log(const struct stand *stand) {
	char command[700];
	snprintf(command, sizeof command, "tail -n 5 '%s'/*.log >&2", stand->dir);
	if (system(command) != 0) fprintf(stderr, "no log\n");
}

// ---- events and counts -----------------------------------------------------------------------------------------

struct event_list {
	const char *name;
	bool numbered; // with `i`
	bool user;     // with `user`, by which events find waits
	bool key;      // with a `key` of its own, by which limits know it
	uint64_t number;
	unsigned count;
};

static void append_event(struct buf *out, const struct event_list *list, uint64_t number, uint64_t now_ns) {
	buf_printf(out, "{\"name\":\"" SCENARIO_APP "/%s\",\"data\":{", list->name);
	if (list->numbered) buf_printf(out, "\"i\":%llu,", (unsigned long long)number);
	if (list->user) buf_printf(out, "\"user\":\"waiter-%llu\",", (unsigned long long)number);
	if (list->key) buf_printf(out, "\"key\":\"single-%llu\",", (unsigned long long)number);
	buf_printf(out, "\"sent\":\"%llu\"}}", (unsigned long long)now_ns);
}

static enum err send_list(struct stand *stand, const struct event_list *list, struct error *error) {
	struct buf body;
	uint64_t now_ns = clock_mono_ns();
	buf_init(&body, BODY_MAX);
	buf_byte(&body, '[');
	for (unsigned i = 0; i < list->count; i++) {
		if (i > 0) buf_byte(&body, ',');
		append_event(&body, list, list->number + i, now_ns);
	}
	buf_byte(&body, ']');
	struct str text = buf_view(&body);
	if (list->count == 1) text = str_make(text.ptr + 1, text.len - 2);
	enum err err = client_exchange(&stand->to_server, "POST", "/e/bench", text, NULL, error);
	buf_free(&body);
	return err;
}

enum err stand_send_events(struct stand *stand, enum scenario_id scenario, unsigned count, struct error *error) {
	enum err err = ERR_OK;
	while (count > 0 && err == ERR_OK) {
		unsigned batch = count < STAND_EVENTS_PER_POST ? count : STAND_EVENTS_PER_POST;
		struct event_list list = {.name = scenarios[scenario].name,
					  .numbered = true,
					  .user = scenarios[scenario].rest == REST_EVENT,
					  .key = scenarios[scenario].flow != NULL,
					  .number = stand->next_number,
					  .count = batch};
		err = send_list(stand, &list, error);
		stand->next_number += batch;
		count -= batch;
	}
	return err;
}

enum err stand_send_replies(struct stand *stand, uint64_t number, unsigned count, struct error *error) {
	struct event_list list = {.name = SCENARIO_REPLY, .user = true, .number = number, .count = count};
	return send_list(stand, &list, error);
}

enum err stand_set_due(struct stand *stand, uint64_t due_s, struct error *error) {
	char target[64];
	snprintf(target, sizeof target, "/bench/due?s=%llu", (unsigned long long)due_s);
	return client_exchange(&stand->to_app, "GET", target, STR(""), NULL, error);
}

enum err stand_set_delay(struct stand *stand, unsigned delay_ms, struct error *error) {
	char target[64];
	snprintf(target, sizeof target, "/bench/delay?ms=%u", delay_ms);
	return client_exchange(&stand->to_app, "GET", target, STR(""), NULL, error);
}

static struct app_latency read_latency(yyjson_val *object) {
	return (struct app_latency){
		yyjson_get_uint(yyjson_obj_get(object, "count")), yyjson_get_num(yyjson_obj_get(object, "p50_us")),
		yyjson_get_num(yyjson_obj_get(object, "p99_us")), yyjson_get_num(yyjson_obj_get(object, "max_us"))};
}

enum err stand_wait(struct stand *stand, uint64_t calls, uint64_t results, unsigned limit_ms, struct app_counts *out,
		    struct error *error) {
	char target[128];
	struct str reply;
	snprintf(target, sizeof target, "/bench/wait?calls=%llu&results=%llu&ms=%u", (unsigned long long)calls,
		 (unsigned long long)results, limit_ms);
	enum err err = client_exchange(&stand->to_app, "GET", target, STR(""), &reply, error);
	if (err != ERR_OK) return err;
	yyjson_doc *doc = json_read(reply, false, NULL, error);
	if (doc == NULL) return ERR_INVALID;
	yyjson_val *root = yyjson_doc_get_root(doc);
	*out = (struct app_counts){
		.calls = yyjson_get_uint(yyjson_obj_get(root, "calls")),
		.results = yyjson_get_uint(yyjson_obj_get(root, "results")),
		.early = yyjson_get_uint(yyjson_obj_get(root, "early")),
		.event_to_call = read_latency(yyjson_obj_get(root, "event_to_call")),
		.step_to_step = read_latency(yyjson_obj_get(root, "step_to_step")),
		.resume = read_latency(yyjson_obj_get(root, "resume")),
		.fired = read_latency(yyjson_obj_get(root, "fired")),
	};
	yyjson_doc_free(doc);
	return ERR_OK;
}

enum err stand_wait_all(struct stand *stand, uint64_t calls, uint64_t results, struct app_counts *out,
			struct error *error) {
	uint64_t last_calls = UINT64_MAX, moved_ns = clock_mono_ns();
	for (;;) {
		enum err err = stand_wait(stand, calls, results, 1000, out, error);
		if (err != ERR_OK || (out->calls >= calls && out->results >= results)) return err;
		if (out->calls != last_calls) moved_ns = clock_mono_ns();
		last_calls = out->calls;
		if (clock_mono_ns() - moved_ns > STALL_LIMIT_NS)
			return error_set(error, ERR_IO, "the server stalls at %llu of %llu calls, %llu of %llu results",
					 (unsigned long long)out->calls, (unsigned long long)calls,
					 (unsigned long long)out->results, (unsigned long long)results);
	}
}

enum err stand_reset_counts(struct stand *stand, struct error *error) {
	return client_exchange(&stand->to_app, "GET", "/bench/reset", STR(""), NULL, error);
}
