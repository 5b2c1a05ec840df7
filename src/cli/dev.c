// `inngest dev`: from settings to a running node.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/log.h"
#include "cli/banner.h"
#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/logging.h"
#include "cli/start_opts.h"
#include "model/limits.h"

#define POLL_INTERVAL_DEFAULT_S 5
#define QUEUE_WORKERS_DEFAULT 100
#define TICK_DEFAULT_MS 150
#define START_OPTS_MAX (16u << 20)

static int configuration_error(struct cli *cli, const struct error *error) {
	fprintf(cli->out, "%s\n", error->message);
	return CLI_EXIT_ERROR;
}

// Environment and file join what the arguments said. The log follows as soon as it can.
static enum err settings_complete(struct cli *cli, struct settings *settings, struct error *error) {
	struct str path;
	enum err err = settings_read_environment(settings, error);
	if (err != ERR_OK) return err;
	logging_apply(settings, cli->terminal);
	err = config_file_load(settings, &path, error);
	if (err != ERR_OK) return err;
	logging_apply(settings, cli->terminal);
	if (path.len > 0) LOG_INFO("using config", LOG_STR("file", path));
	return ERR_OK;
}

// For some numbers 0 means the default.
static void zero_to_default(struct settings *settings, enum flag_id id, int64_t fallback) {
	if (settings->values[id].number == 0) settings->values[id].number = fallback;
}

static enum err ip_check(const struct settings *settings, enum flag_id id, const char *whose, struct error *error) {
	uint8_t address[sizeof(struct in6_addr)];
	struct str ip = settings_text(settings, id);
	if (inet_pton(AF_INET, ip.ptr, address) == 1 || inet_pton(AF_INET6, ip.ptr, address) == 1) return ERR_OK;
	return error_set(error, ERR_INVALID, "invalid connect %s gRPC IP \"%.100s\": must be an IP address", whose,
			 ip.ptr);
}

static enum err postgres_check(const struct settings *settings, struct error *error) {
	struct str uri = settings_text(settings, FLAG_ID_POSTGRES_URI);
	if (uri.len == 0) return ERR_OK;
	if (!str_starts_with(uri, STR("postgres://")) && !str_starts_with(uri, STR("postgresql://")))
		return error_set(error, ERR_INVALID, "unsupported database URL: %.200s", uri.ptr);
	return error_set(error, ERR_UNSUPPORTED,
			 "Error: postgres-uri is not available yet; leave it out and use --persist for SQLite");
}

static enum err settings_check(const struct settings *settings, struct error *error) {
	enum err err = ip_check(settings, FLAG_ID_CONNECT_GATEWAY_GRPC_IP, "gateway", error);
	if (err == ERR_OK) err = ip_check(settings, FLAG_ID_CONNECT_EXECUTOR_GRPC_IP, "executor", error);
	if (err == ERR_OK) err = postgres_check(settings, error);
	return err;
}

// As given: the node adds what is missing.
static char **sdk_urls(const struct settings *settings) {
	const struct setting *setting = &settings->values[FLAG_ID_SDK_URL];
	char **urls = ARENA_ARRAY(settings->arena, char *, setting->item_count + 1);
	for (size_t i = 0; i < setting->item_count; i++) urls[i] = (char *)(uintptr_t)setting->items[i].ptr;
	return urls;
}

static enum durability durability_choose(const struct settings *settings) {
	struct str text = settings_text(settings, FLAG_ID_DURABILITY);
	if (str_eq_cstr(text, "none")) return DURABILITY_NONE;
	if (str_eq_cstr(text, "os")) return DURABILITY_OS;
	if (str_eq_cstr(text, "fsync")) return DURABILITY_FSYNC;
	return settings_on(settings, FLAG_ID_PERSIST) ? DURABILITY_OS : DURABILITY_NONE;
}

static struct retention retention_make(const struct settings *settings) {
	return (struct retention){
		.age_ms = (uint64_t)settings_number(settings, FLAG_ID_RETENTION),
		.payload_age_ms = (uint64_t)settings_number(settings, FLAG_ID_RETENTION_PAYLOADS),
		.runs_max = (uint64_t)settings_number(settings, FLAG_ID_RETENTION_RUNS),
	};
}

static struct node_config node_config_make(const struct settings *settings, struct str start_opts) {
	return (struct node_config){
		.host = settings_text(settings, FLAG_ID_HOST),
		.port = (uint16_t)settings_number(settings, FLAG_ID_PORT),
		.port_shift = true,
		.dev = true,
		.sdk_urls = sdk_urls(settings),
		.sdk_url_count = settings->values[FLAG_ID_SDK_URL].item_count,
		.discovery = !settings_on(settings, FLAG_ID_NO_DISCOVERY),
		.poll = !settings_on(settings, FLAG_ID_NO_POLL),
		.poll_interval_s = (uint32_t)settings_number(settings, FLAG_ID_POLL_INTERVAL),
		.retry_interval_s = (uint32_t)settings_number(settings, FLAG_ID_RETRY_INTERVAL),
		.queue_workers = (uint32_t)settings_number(settings, FLAG_ID_QUEUE_WORKERS),
		.persist = settings_on(settings, FLAG_ID_PERSIST),
		.sqlite_dir = settings_text(settings, FLAG_ID_SQLITE_DIR).ptr,
		.durability = durability_choose(settings),
		.retention = retention_make(settings),
		.no_history = str_eq_cstr(settings_text(settings, FLAG_ID_HISTORY), "none"),
		.version = str_from_cstr(cli_version()),
		.start_opts_json = start_opts,
		.no_ui = settings_on(settings, FLAG_ID_NO_UI),
		.test_mode = str_eq(str_from_cstr(getenv("TEST_MODE")), STR("true")),
		.steps_max = RUN_STEPS_MAX,
	};
}

struct online_context {
	struct cli *cli;
	struct banner banner;
};

static void online(void *context, uint16_t port) {
	struct online_context *self = context;
	if (self->cli->terminal) banner_print(&self->banner, port);
}

static int node_start(struct cli *cli, struct settings *settings) {
	struct buf start_opts;
	buf_init(&start_opts, START_OPTS_MAX);
	start_opts_append(&start_opts, settings);
	struct error error = {0};
	if (start_opts.overflow) {
		error_set(&error, ERR_TOO_LARGE, "Error: the configuration is larger than %u bytes", START_OPTS_MAX);
		buf_free(&start_opts);
		return configuration_error(cli, &error);
	}
	struct node_config config = node_config_make(settings, buf_view(&start_opts));
	bool colour = logging_choose(settings, cli->terminal).colour;
	struct online_context context = {cli, {cli->out, colour, config.host, config.discovery}};
	enum err err = cli->run_node(&config, online, &context, &error);
	buf_free(&start_opts);
	if (err == ERR_OK) return CLI_EXIT_OK;
	return configuration_error(cli, &error);
}

int dev_run(struct cli *cli, struct settings *settings) {
	struct error error;
	if (settings_complete(cli, settings, &error) != ERR_OK || settings_check(settings, &error) != ERR_OK)
		return configuration_error(cli, &error);
	zero_to_default(settings, FLAG_ID_POLL_INTERVAL, POLL_INTERVAL_DEFAULT_S);
	zero_to_default(settings, FLAG_ID_QUEUE_WORKERS, QUEUE_WORKERS_DEFAULT);
	zero_to_default(settings, FLAG_ID_TICK, TICK_DEFAULT_MS);
	return node_start(cli, settings);
}
