// Starting and stopping the HTTP server, and the way back from the engine.
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "graphql/graphql.h"
#include "server/gql/persisted.h"
#include "server/server_internal.h"

#define STOP_GRACE_MS 1000 // for answers that are being sent

// libmicrohttpd must leave escapes alone: see query.c.
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text) {
	(void)context;
	(void)connection;
	return strlen(text);
}

static unsigned thread_count(unsigned wanted) {
	if (wanted > 0) return wanted;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	return cores > 1 ? (unsigned)cores : 1;
}

// The library spins when it runs out of file descriptors, so some are always left for the rest of the process.
static unsigned connections_max(void) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / 4 * 3 >= HTTP_CONNECTIONS_MAX) {
		return HTTP_CONNECTIONS_MAX;
	}
	return (unsigned)(limit.rlim_cur / 4 * 3);
}

static struct MHD_Daemon *start_daemon(struct server *server) {
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
	unsigned threads = thread_count(server->config.threads);
	struct MHD_OptionItem options[] = {
		{MHD_OPTION_LISTEN_SOCKET, server->listen_fd, NULL},
		{MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)request_completed, server},
		{MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)keep_escapes, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_CONNECTION_MEMORY, NULL},
		{MHD_OPTION_CONNECTION_LIMIT, connections_max(), NULL},
		{MHD_OPTION_CONNECTION_TIMEOUT, HTTP_IDLE_TIMEOUT_S, NULL},
		{MHD_OPTION_THREAD_STACK_SIZE, HTTP_THREAD_STACK, NULL},
		// A pool of one would be refused: without one, there is one thread.
		{threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, threads, NULL},
		{MHD_OPTION_END, 0, NULL},
	};
	return MHD_start_daemon(flags, 0, NULL, NULL, request_access, server, MHD_OPTION_ARRAY, options,
				MHD_OPTION_END);
}

static enum err start_threads(struct server *server, struct error *error) {
	// Signals are the main thread's: the server's threads are born with all of them blocked.
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	enum err err = work_start(&server->work, error);
	if (err == ERR_OK) {
		server->daemon = start_daemon(server);
		if (server->daemon == NULL) {
			err = error_set(error, ERR_IO, "cannot start the HTTP server: %s", strerror(errno));
		}
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

static struct server *server_new(const struct server_config *config) {
	struct server *server = mem_calloc(1, sizeof *server);
	server->config = *config;
	server->listen_fd = -1;
	arena_init(&server->arena, 0);
	server->config.host = arena_dup(&server->arena, config->host);
	server->config.version = arena_dup(&server->arena, config->version);
	server->config.signing_key = arena_dup(&server->arena, config->signing_key);
	server->config.dev_start_opts =
		config->dev_start_opts.len > 0 ? arena_dup(&server->arena, config->dev_start_opts) : STR("{}");
	server->features = dev_features(&server->arena);
	pending_init(&server->pending);
	work_init(&server->work);
	live_init(&server->live);
	pthread_condattr_t attributes;
	CHECK(pthread_condattr_init(&attributes) == 0);
	CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&server->idle, &attributes) == 0);
	CHECK(pthread_mutex_init(&server->idle_lock, NULL) == 0);
	pthread_condattr_destroy(&attributes);
	return server;
}

static void server_free(struct server *server) {
	if (server->listen_fd >= 0) close(server->listen_fd);
	pthread_cond_destroy(&server->idle);
	pthread_mutex_destroy(&server->idle_lock);
	pending_free(&server->pending);
	work_free(&server->work);
	live_free(&server->live);
	gql_cache_free(server->gql_cache);
	if (server->gql != NULL) gql_schema_free(server->gql);
	arena_free(&server->arena);
	free(server);
}

static enum err start_gql(struct server *server, struct error *error) {
	if (server->config.no_ui) return ERR_OK;
	server->gql_cache = gql_cache_new();
	return gql_api_schema(&server->gql, error);
}

enum err server_start(const struct server_config *config, struct server **out, struct error *error) {
	*out = NULL;
	struct server *server = server_new(config);
	enum err err = start_gql(server, error);
	if (err == ERR_OK) err = listen_open(config->host, config->port, &server->listen_fd, &server->port, error);
	if (err == ERR_OK) err = start_threads(server, error);
	if (err != ERR_OK) {
		work_stop(&server->work);
		server_free(server);
		return err;
	}
	*out = server;
	return ERR_OK;
}

uint16_t server_port(const struct server *server) {
	return server->port;
}

void server_reply(struct server *server, struct message *replies) {
	for (struct message *message = replies, *next; message != NULL; message = next) {
		next = message->next;
		struct reply *reply = (struct reply *)message;
		struct waiter *waiter = pending_take(&server->pending, reply->request);
		if (waiter != NULL)
			waiter->resume(waiter, reply);
		else
			reply_free(reply);
	}
}

void server_publish(struct server *server, const struct batch *batch) {
	live_publish(&server->live, batch);
}

void server_quiesce(struct server *server) {
	if (atomic_exchange(&server->quiescing, true)) return;
	live_close(&server->live);
	// From here on the socket is ours again; closing it sends waiting clients away at once.
	MHD_socket fd = MHD_quiesce_daemon(server->daemon);
	server->listen_fd = -1;
	if (fd != MHD_INVALID_SOCKET) close(fd);
}

// Lets the answers that are under way leave; a client that does not read them cannot delay the end for long.
static void wait_idle(struct server *server) {
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += STOP_GRACE_MS / 1000;
	pthread_mutex_lock(&server->idle_lock);
	while (atomic_load(&server->requests) > 0) {
		if (pthread_cond_timedwait(&server->idle, &server->idle_lock, &until) == ETIMEDOUT) break;
	}
	pthread_mutex_unlock(&server->idle_lock);
}

void server_stop(struct server *server) {
	if (server == NULL) return;
	server_quiesce(server);
	for (struct waiter *waiter; (waiter = pending_close(&server->pending)) != NULL;) waiter->resume(waiter, NULL);
	work_stop(&server->work); // its threads find the engine gone, so they come back
	wait_idle(server);
	MHD_stop_daemon(server->daemon);
	server_free(server);
}
