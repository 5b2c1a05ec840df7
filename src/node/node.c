#include "node/node.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "history/exports.h"
#include "node/exporter.h"
#include "node/node_internal.h"

#define PORT_SHIFT_MAX 1000u
#define DESCRIPTORS_MAX 65536u

struct node {
	const struct node_config *config;
	struct store *store;
	struct history_writer *history;
	struct history_keeper *keeper;
	struct store_reader *bodies; // the driver's
	pthread_mutex_t bodies_mutex;
	struct readers readers;
	bool readers_open;
	struct export_settings export_settings;
	struct reader export_reader;         // the exporter's
	_Atomic(struct exporter *) exporter; // NULL: spans are not exported, or not yet
	bool journal_is_over;
	struct engine *engine;
	struct mailbox *commands;
	pthread_t engine_thread;
	struct journal *journal;
	struct http_client *clients[DRIVER_CLIENTS_MAX];
	unsigned client_count;
	struct driver *driver;
	struct server *server;
	_Atomic(struct poller *) poller; // NULL until it runs
	atomic_bool ready;
	atomic_bool stopping; // answers of calls that are cut off are not attempts: dropped
};

// ---- the engine's thread -------------------------------------------------------------------------------------------

static void apply_tick(struct node *node, uint64_t now, struct batch *batch) {
	struct command *tick = command_new(COMMAND_TICK);
	engine_apply(node->engine, now, tick, batch);
	command_free(tick);
}

static void *engine_main(void *context) {
	struct node *node = context;
	while (mailbox_wait(node->commands, engine_deadline(node->engine))) {
		struct batch *batch = batch_new();
		uint64_t now = clock_wall_ms();
		for (struct message *m = mailbox_take(node->commands, NODE_BATCH_COMMANDS), *next; m != NULL;
		     m = next) {
			next = m->next;
			engine_apply(node->engine, now, (struct command *)m, batch);
			command_free((struct command *)m);
		}
		if (engine_deadline(node->engine) <= now) apply_tick(node, now, batch);
		if (batch_is_empty(batch))
			batch_free(batch);
		else
			journal_post(node->journal, batch);
	}
	return NULL;
}

// ---- the seams between the threads ---------------------------------------------------------------------------------

static bool stores_an_app(const struct batch *batch) {
	for (size_t i = 0; i < batch->history_count; i++) {
		if (batch->history[i].kind == HISTORY_APP) return true;
	}
	return false;
}

static bool has_facts(const struct batch *batch) {
	for (size_t i = 0; i < batch->history_count; i++) {
		if (batch->history[i].kind == HISTORY_TRACE) return true;
	}
	return false;
}

static void post_always(void *context, struct command *command);
static enum err load_body(void *context, uint8_t kind, struct str key, struct payload **out, struct error *error);

// False when it may be there but cannot be read: the next start asks for it again.
static bool read_load(struct node *node, const struct event_load *load, struct payload **out) {
	if (load->data != NULL) {
		*out = payload_ref(load->data->text);
		return true;
	}
	struct error error;
	enum err err = load_body(node, (uint8_t)load_records[load->kind],
				 str_make(load->id.bytes, sizeof load->id.bytes), out, &error);
	if (err == ERR_OK || load->kind == LOAD_RUN) return true; // a run may have ended meanwhile
	LOG_ERROR("an event cannot be read; no function is started by it", LOG_CSTR("error", error.message));
	return err == ERR_NOT_FOUND || err == ERR_CORRUPT;
}

// Text of events goes back to the engine.
static void load_event(struct node *node, const struct event_load *load) {
	struct command *command = command_new(COMMAND_EVENT_LOADED);
	command->loaded.kind = load->kind;
	command->loaded.id = load->id;
	command->loaded.cancellation_id = load->cancellation_id;
	if (read_load(node, load, &command->loaded.data))
		post_always(node, command);
	else
		command_free(command);
}

// Journal thread: the batch is durable, what it asked for may happen.
static void committed(void *context, struct batch *batch) {
	struct node *node = context;
	struct message *calls = batch->calls;
	struct message *replies = batch->replies;
	batch->calls = batch->calls_last = NULL;
	batch->replies = batch->replies_last = NULL;
	for (size_t i = 0; i < batch->complaint_count; i++) {
		const struct complaint *complaint = &batch->complaints[i];
		LOG_WARN(complaint->what, LOG_STR("function", complaint->function), LOG_STR("text", complaint->text),
			 LOG_STR("reason", complaint->problem));
	}
	if (node->server != NULL) server_publish(node->server, batch);
	if (calls != NULL) driver_call(node->driver, (struct call *)calls);
	if (replies != NULL) server_reply(node->server, replies);
	for (size_t i = 0; i < batch->load_count; i++) load_event(node, &batch->loads[i]);
	struct poller *poller = atomic_load(&node->poller);
	if (poller != NULL && stores_an_app(batch)) poller_wake(poller);
	struct exporter *exporter = atomic_load(&node->exporter);
	if (exporter != NULL && has_facts(batch)) exporter_wake(exporter);
}

// How far spans have been exported: through the journal, or when that has ended, beside it.
static void save_cursor(void *context, uint64_t cursor) {
	struct node *node = context;
	struct batch *batch = batch_new();
	struct error error;
	batch_history(batch, HISTORY_EXPORTED, clock_wall_ms())->exported.cursor = cursor;
	if (!node->journal_is_over) {
		journal_post(node->journal, batch);
		return;
	}
	struct journal_config config = {.store = node->store, .history = node->history};
	if (journal_write(&config, batch, &error) != ERR_OK)
		LOG_WARN("spans may be exported again", LOG_CSTR("error", error.message));
	batch_free(batch);
}

static void free_commands(struct message *commands) {
	for (struct message *next; commands != NULL; commands = next) {
		next = commands->next;
		command_free((struct command *)commands);
	}
}

static void post_answers(void *context, struct message *answers) {
	struct node *node = context;
	if (atomic_load(&node->stopping))
		free_commands(answers);
	else
		mailbox_post_chain(node->commands, answers);
}

static void post_always(void *context, struct command *command) {
	command->message.next = NULL;
	post_answers(context, &command->message);
}

static enum err post(void *context, struct command *command) {
	struct node *node = context;
	return mailbox_post(node->commands, &command->message);
}

static enum err load_body(void *context, uint8_t kind, struct str key, struct payload **out, struct error *error) {
	struct node *node = context;
	pthread_mutex_lock(&node->bodies_mutex);
	enum err err = store_reader_body(node->bodies, kind, key, out, error);
	pthread_mutex_unlock(&node->bodies_mutex);
	return err;
}

static struct store_reader *borrow_reader(void *context) {
	struct node *node = context;
	return readers_take(&node->readers)->store;
}

static void return_reader(void *context, struct store_reader *reader) {
	struct node *node = context;
	readers_give(&node->readers, readers_of(&node->readers, reader));
}

static struct history_reader *history_of(void *context, struct store_reader *reader) {
	struct node *node = context;
	return readers_of(&node->readers, reader)->history;
}

static bool is_ready(void *context) {
	return atomic_load(&((struct node *)context)->ready);
}

static void sync_app(void *context, struct str url, struct buf *problem) {
	struct poller *poller = atomic_load(&((struct node *)context)->poller);
	if (poller != NULL)
		poller_sync(poller, url, problem);
	else
		buf_lit(problem, "the server is starting");
}

static bool is_discovered(void *context, struct str url) {
	struct poller *poller = atomic_load(&((struct node *)context)->poller);
	return poller != NULL && poller_discovered(poller, url);
}

// ---- start ---------------------------------------------------------------------------------------------------------

static enum err make_path(const struct node_config *config, char *out, size_t size, struct error *error) {
	const char *dir =
		config->sqlite_dir != NULL && config->sqlite_dir[0] != '\0' ? config->sqlite_dir : NODE_SQLITE_DIR;
	if (mkdir(dir, 0750) != 0 && errno != EEXIST) {
		return error_set(error, ERR_IO, "mkdir %s: %s", dir, strerror(errno));
	}
	int len = snprintf(out, size, "%s/%s", dir, NODE_SQLITE_FILE);
	if (len < 0 || (size_t)len >= size) return error_set(error, ERR_INVALID, "--sqlite-dir is too long");
	return ERR_OK;
}

static enum err open_export(struct node *node, struct error *error) {
	struct reader *reader = &node->export_reader;
	if (!node->export_settings.is_on) return history_exports_forget(store_sql(node->store), error);
	enum err err = history_exports_begin(store_sql(node->store), error);
	if (err == ERR_OK) err = store_reader_open(node->store, &reader->store, error);
	return err != ERR_OK ? err : history_reader_new(store_reader_sql(reader->store), &reader->history, error);
}

// What cannot be exported does not keep the server from its work.
static void read_export_settings(struct node *node) {
	struct error error;
	enum err err = export_settings_read(&node->export_settings, getenv, node->config->version, &error);
	if (err != ERR_OK) LOG_WARN("spans are not exported", LOG_CSTR("reason", error.message));
	if (!node->export_settings.is_on || !node->config->no_history) return;
	LOG_WARN("spans are not exported", LOG_CSTR("reason", "without history there are none"));
	node->export_settings.is_on = false;
}

static enum err open_store(struct node *node, struct error *error) {
	char path[4096];
	const char *file = NULL;
	if (node->config->persist) {
		enum err err = make_path(node->config, path, sizeof path, error);
		if (err != ERR_OK) return err;
		file = path;
	}
	unsigned readers = NODE_READERS + 1 + node->export_settings.is_on;
	enum err err = store_open_sqlite(file, node->config->durability, readers, &node->store, error);
	if (err == ERR_OK) err = history_migrate(store_sql(node->store), error);
	if (err == ERR_OK) err = history_writer_new(store_sql(node->store), &node->history, error);
	if (err == ERR_OK)
		err = history_keeper_new(store_sql(node->store), &node->config->retention, &node->keeper, error);
	if (err == ERR_OK) err = store_reader_open(node->store, &node->bodies, error);
	if (err == ERR_OK) err = open_export(node, error);
	if (err == ERR_OK) {
		node->readers_open = true;
		err = readers_open(&node->readers, node->store, error);
	}
	if (err != ERR_OK) return err;
	LOG_INFO("initialized database", LOG_CSTR("db", "sqlite"),
		 LOG_CSTR("mode", node->config->persist ? "persisted" : "memory"));
	return ERR_OK;
}

static enum err restore_one(void *context, uint8_t kind, struct str key, struct str head, struct error *error) {
	struct node *node = context;
	return engine_restore(node->engine, kind, key, head, error);
}

static enum err restore(struct node *node, struct error *error) {
	struct engine_config config = {.workers = node->config->queue_workers,
				       .retry_interval_ms = node->config->retry_interval_s * 1000ull,
				       .steps_max = node->config->steps_max,
				       .no_history = node->config->no_history,
				       .exports_spans = node->export_settings.is_on};
	node->engine = engine_new(&config, random_u64());
	uint64_t quarantined = 0;
	enum err err = store_load(node->store, restore_one, node, &quarantined, error);
	if (err != ERR_OK) return err;
	if (quarantined > 0) {
		LOG_WARN("some stored records could not be read; they are in table engine_quarantine",
			 LOG_INT("count", quarantined));
	}
	return ERR_OK;
}

static enum err start_server(struct node *node, struct error *error) {
	struct server_config config = {.host = node->config->host,
				       .port = node->config->port,
				       .server_kind = node->config->dev ? "dev" : "cloud",
				       .version = node->config->version,
				       .dev_start_opts = node->config->start_opts_json,
				       .no_ui = node->config->no_ui,
				       .test_mode = node->config->test_mode,
				       .post = post,
				       .reader_borrow = borrow_reader,
				       .reader_return = return_reader,
				       .history_of = history_of,
				       .ready = is_ready,
				       .sync = sync_app,
				       .discovered = is_discovered,
				       .context = node};
	unsigned tries = node->config->port_shift && node->config->port != 0 ? PORT_SHIFT_MAX : 1;
	enum err err = ERR_IO;
	for (unsigned i = 0; i < tries && (unsigned)node->config->port + i <= 65535; i++) {
		config.port = (uint16_t)(node->config->port + i);
		err = server_start(&config, &node->server, error);
		if (err != ERR_BUSY && err != ERR_EXISTS) break;
	}
	if (err != ERR_OK) return err;
	if (config.test_mode) LOG_WARN("TEST_MODE: /test is served, to whoever asks");
	if (config.port != node->config->port) {
		LOG_INFO("Port conflict, using new port", LOG_CSTR("name", "dev server api"),
			 LOG_INT("from", node->config->port), LOG_INT("to", config.port));
	}
	return ERR_OK;
}

// Calls in flight at the end of the last process are made again.
static enum err first_batch(struct node *node, struct batch **out, struct error *error) {
	*out = batch_new();
	engine_start(node->engine, clock_wall_ms(), *out);
	struct journal_config config = {.store = node->store, .history = node->history};
	return journal_write(&config, *out, error);
}

// Calling the apps is most of the server's work: a client, and so a thread, for every core.
static enum err start_clients(struct node *node, struct error *error) {
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned wanted = cores < 1 ? 1 : cores > DRIVER_CLIENTS_MAX ? DRIVER_CLIENTS_MAX : (unsigned)cores;
	enum err err = ERR_OK;
	while (err == ERR_OK && node->client_count < wanted) {
		err = http_client_new(&node->clients[node->client_count], error);
		if (err == ERR_OK) node->client_count++;
	}
	return err;
}

static void start_export(struct node *node) {
	if (!node->export_settings.is_on) return;
	struct exporter_config config = {.settings = &node->export_settings,
					 .client = node->clients[0],
					 .history = node->export_reader.history,
					 .save = save_cursor,
					 .context = node};
	atomic_store(&node->exporter, exporter_start(&config));
}

static enum err start(struct node *node, struct error *error) {
	struct batch *batch = NULL;
	read_export_settings(node);
	enum err err = open_store(node, error);
	if (err == ERR_OK) err = restore(node, error);
	if (err == ERR_OK) err = start_clients(node, error);
	if (err == ERR_OK) err = start_server(node, error);
	if (err == ERR_OK) err = first_batch(node, &batch, error);
	if (err != ERR_OK) {
		batch_free(batch);
		return err;
	}
	struct driver_config driver = {
		.client_count = node->client_count, .load = load_body, .post = post_answers, .context = node};
	memcpy(driver.clients, node->clients, sizeof node->clients);
	node->driver = driver_new(&driver);
	struct journal_config journal = {.store = node->store,
					 .history = node->history,
					 .keeper = node->keeper,
					 .committed = committed,
					 .context = node};
	node->journal = journal_start(&journal);
	start_export(node);
	committed(node, batch);
	batch_free(batch);
	CHECK(pthread_create(&node->engine_thread, NULL, engine_main, node) == 0);
	struct poller_config poller = {.node = node->config,
				       .client = node->clients[0],
				       .readers = &node->readers,
				       .own_port = server_port(node->server),
				       .server_kind = node->config->dev ? "dev" : "cloud",
				       .post = post_always,
				       .context = node};
	atomic_store(&node->poller, poller_start(&poller));
	atomic_store(&node->ready, true);
	LOG_INFO("starting server", LOG_INT("port", server_port(node->server)));
	return ERR_OK;
}

// ---- stop ----------------------------------------------------------------------------------------------------------

// Stop taking; finish and commit what was taken; then cut the calls to the apps (they are made again at the next
// start) and let go of everything. Also undoes a start that failed half way.
static void stop(struct node *node) {
	atomic_store(&node->ready, false);
	if (node->server != NULL) server_quiesce(node->server);
	atomic_store(&node->stopping, true);
	mailbox_close(node->commands);
	struct exporter *exporter = atomic_load(&node->exporter);
	if (node->journal != NULL) {
		pthread_join(node->engine_thread, NULL);
		if (exporter != NULL) exporter_stop(exporter); // it posts to the journal
		journal_stop(node->journal);
		node->journal_is_over = true;
	}
	if (exporter != NULL) exporter_flush(exporter);
	struct poller *poller = atomic_load(&node->poller);
	if (poller != NULL) poller_close(poller);
	// Their pings end too, so that the poller comes back.
	for (unsigned i = 0; i < node->client_count; i++) http_client_free(node->clients[i]);
	if (poller != NULL) poller_stop(poller);
	exporter_free(exporter);
	if (node->driver != NULL) driver_free(node->driver);
	if (node->server != NULL) server_stop(node->server);
	poller_free(poller);
	free_commands(mailbox_take(node->commands, 0));
	mailbox_free(node->commands);
	engine_free(node->engine);
	if (node->history != NULL) history_writer_free(node->history);
	history_keeper_free(node->keeper);
	if (node->bodies != NULL) store_reader_close(node->bodies);
	if (node->export_reader.history != NULL) history_reader_free(node->export_reader.history);
	if (node->export_reader.store != NULL) store_reader_close(node->export_reader.store);
	export_settings_free(&node->export_settings);
	if (node->readers_open) readers_close(&node->readers);
	if (node->store != NULL) store_close(node->store);
}

// Every client and every call needs a descriptor: use what the system allows rather than the cautious default.
static void raise_descriptor_limit(void) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

enum err node_run(const struct node_config *config, void (*online)(void *context, uint16_t port), void *context,
		  struct error *error) {
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGQUIT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	raise_descriptor_limit();
	struct node node = {.config = config, .bodies_mutex = PTHREAD_MUTEX_INITIALIZER};
	node.commands = mailbox_new(NODE_COMMANDS_MAX, NULL, NULL);
	enum err err = start(&node, error);
	if (err == ERR_OK) {
		if (online != NULL) online(context, server_port(node.server));
		int caught = 0;
		while (sigwait(&signals, &caught) != 0) continue;
		LOG_INFO("stopping", LOG_INT("signal", caught));
	}
	stop(&node);
	return err;
}
