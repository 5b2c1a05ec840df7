// Keeping apps in sync: pings every poll interval, and discovery of apps on this machine until one is there
// (spec 01 §3). All pings of a round go out together; apps with the same URL share one.
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "driver/ping.h"
#include "model/function.h"
#include "node/node_internal.h"
#include "node/told.h"

#define POLL_INTERVAL_DEFAULT_S 5u

struct found_url { // the set of discovered URLs only grows
	struct list all;
	char *url;
};

struct poller {
	struct poller_config config;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	bool stopping;
	bool changed; // an app was stored since the last round
	bool discovering;
	bool quiet;        // the last round had nobody to ping: the next one waits for a change
	struct list found; // under the mutex
	struct gate gate;
	struct told told; // the thread's own
};

struct ping {
	struct poller *poller;
	struct waiter *waiter;
	struct uuid app_id; // zero: a discovered URL
	struct str url;
	bool tells;        // people are told how it ends
	struct str stored; // error of the app before
	char *error;       // how it ended: owned, NULL while it has not
};

static void report(struct poller *poller, const struct ping *ping, const struct ping_result *result) {
	struct command *command = command_new(COMMAND_APP_ERROR);
	command->app.url = arena_dup(&command->arena, ping->url);
	command->app.error = arena_dup(&command->arena, result->error);
	command->app.sdk = result->is_sdk;
	command->app.app_id = ping->app_id;
	poller->config.post(poller->config.context, command);
}

static void tell(struct poller *poller, const struct ping *ping) {
	struct str error = str_from_cstr(ping->error);
	switch (told_next(&poller->told, ping->url, ping->stored, error)) {
	case TELL_NOTHING:
		return;
	case TELL_PROBLEM:
		LOG_WARN("app cannot be synced", LOG_STR("url", ping->url), LOG_STR("error", error));
		return;
	case TELL_SYNCED:
		LOG_INFO("app synced", LOG_STR("url", ping->url));
		return;
	}
}

static void ping_done(void *context, const struct ping_result *result) {
	struct ping *ping = context;
	if (!result->cancelled && ping->tells) ping->error = mem_strndup(result->error.ptr, result->error.len);
	if (result->error.len > 0 && !result->cancelled) report(ping->poller, ping, result);
	waiter_done(ping->waiter);
}

static bool pings(const struct poller *poller, const struct history_app *app) {
	if (str_eq(app->method, STR("connect")) || str_eq(app->method, STR("api"))) return false;
	bool polling = poller->config.node->poll && poller->config.node->dev;
	return polling || app->error.len > 0;
}

static bool seen(const struct ping *list, size_t count, struct str url) {
	for (size_t i = 0; i < count; i++) {
		if (str_eq(list[i].url, url)) return true;
	}
	return false;
}

static bool is_app(const struct history_app *apps, size_t count, struct str url) {
	for (size_t i = 0; i < count; i++) {
		if (str_eq(apps[i].url, url)) return true;
	}
	return false;
}

// Who is to be pinged in this round.
static size_t gather(struct poller *poller, struct arena *arena, const struct history_app *apps, size_t app_count,
		     struct ping **out) {
	size_t most = app_count;
	list_for_each(node, &poller->found) most++;
	*out = ARENA_ARRAY(arena, struct ping, most + 1);
	size_t count = 0;
	for (size_t i = 0; i < app_count; i++) {
		if (!pings(poller, &apps[i]) || seen(*out, count, apps[i].url)) continue;
		(*out)[count++] =
			(struct ping){.app_id = apps[i].id, .url = apps[i].url, .tells = true, .stored = apps[i].error};
	}
	if (!poller->discovering) return count;
	list_for_each(node, &poller->found) {
		struct str url = str_from_cstr(list_entry(node, struct found_url, all)->url);
		if (!is_app(apps, app_count, url)) (*out)[count++] = (struct ping){.url = url};
	}
	return count;
}

bool poller_discovered(struct poller *poller, struct str url) {
	bool found = false;
	pthread_mutex_lock(&poller->mutex);
	list_for_each(node, &poller->found) found |= str_eq_cstr(url, list_entry(node, struct found_url, all)->url);
	pthread_mutex_unlock(&poller->mutex);
	return found;
}

static void add_found(void *context, struct str url) {
	struct poller *poller = context;
	if (poller_discovered(poller, url)) return;
	struct found_url *found = mem_calloc(1, sizeof *found);
	found->url = str_to_cstr(url);
	pthread_mutex_lock(&poller->mutex);
	list_push_back(&poller->found, &found->all);
	pthread_mutex_unlock(&poller->mutex);
	LOG_INFO("found an app", LOG_STR("url", url));
}

static void load_apps(struct poller *poller, struct arena *arena, struct history_app **apps, size_t *count) {
	struct error error;
	struct reader *reader = readers_take(poller->config.readers);
	if (history_apps(reader->history, arena, apps, count, &error) != ERR_OK) {
		LOG_ERROR("cannot list apps", LOG_CSTR("error", error.message));
		*count = 0;
	}
	readers_give(poller->config.readers, reader);
}

static void send_ping(struct poller *poller, struct ping *ping) {
	pthread_mutex_lock(&poller->gate.mutex);
	if (poller->gate.closed)
		waiter_done(ping->waiter);
	else
		ping_send(poller->config.client, ping->url, poller->config.server_kind, STR(""), ping_done, ping);
	pthread_mutex_unlock(&poller->gate.mutex);
}

struct sync {
	struct ping ping; // first
	struct buf *problem;
};

static void sync_done(void *context, const struct ping_result *result) {
	struct sync *sync = context;
	buf_str(sync->problem, result->cancelled ? STR("the server is stopping") : result->error);
	ping_done(context, result);
}

void poller_sync(struct poller *poller, struct str url, struct buf *problem) {
	struct waiter waiter;
	struct sync sync = {.ping = {.poller = poller, .waiter = &waiter, .url = url}, .problem = problem};
	waiter_init(&waiter, 1);
	pthread_mutex_lock(&poller->gate.mutex);
	bool is_closed = poller->gate.closed;
	if (!is_closed) ping_send(poller->config.client, url, poller->config.server_kind, STR(""), sync_done, &sync);
	pthread_mutex_unlock(&poller->gate.mutex);
	if (is_closed) {
		buf_lit(problem, "the server is stopping");
		waiter_done(&waiter);
	}
	waiter_wait(&waiter);
}

static void poll_once(struct poller *poller) {
	struct arena arena;
	arena_init(&arena, 4096);
	struct history_app *apps = NULL;
	size_t app_count = 0;
	load_apps(poller, &arena, &apps, &app_count);
	if (app_count > 0 && poller->discovering) {
		poller->discovering = false;
		LOG_INFO("apps synced, disabling auto-discovery");
	}
	if (poller->discovering) {
		discover_scan(poller->config.client, &poller->gate, poller->config.own_port, add_found, poller);
	}
	struct ping *list;
	size_t count = gather(poller, &arena, apps, app_count, &list);
	poller->quiet = count == 0 && !poller->discovering;
	struct waiter waiter;
	waiter_init(&waiter, (unsigned)count);
	for (size_t i = 0; i < count; i++) {
		list[i].poller = poller;
		list[i].waiter = &waiter;
		send_ping(poller, &list[i]);
	}
	waiter_wait(&waiter);
	for (size_t i = 0; i < count; i++) {
		if (list[i].error != NULL) tell(poller, &list[i]);
		free(list[i].error);
	}
	arena_free(&arena);
}

static void add_sdk_urls(struct poller *poller) {
	const struct node_config *node = poller->config.node;
	for (size_t i = 0; i < node->sdk_url_count; i++) {
		struct command *command = command_new(COMMAND_APP_ADD);
		struct str url = str_from_cstr(node->sdk_urls[i]);
		if (str_find_str(url, STR("://")) < 0) url = arena_cat(&command->arena, STR("http://"), url);
		command->app.url = url_normalise(&command->arena, arena_dup(&command->arena, url), NULL);
		poller->config.post(poller->config.context, command);
	}
}

// False when the poller is to stop.
static bool sleep_interval(struct poller *poller, uint64_t ms) {
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	uint64_t ns = (uint64_t)until.tv_nsec + ms * 1000000u;
	until.tv_sec += (time_t)(ns / 1000000000u);
	until.tv_nsec = (long)(ns % 1000000000u);
	pthread_mutex_lock(&poller->mutex);
	int timed_out = 0;
	while (!poller->stopping && timed_out == 0) {
		timed_out = pthread_cond_timedwait(&poller->wake, &poller->mutex, &until);
	}
	while (!poller->stopping && poller->quiet && !poller->changed) {
		pthread_cond_wait(&poller->wake, &poller->mutex);
	}
	poller->changed = false;
	bool go_on = !poller->stopping;
	pthread_mutex_unlock(&poller->mutex);
	return go_on;
}

void poller_wake(struct poller *poller) {
	pthread_mutex_lock(&poller->mutex);
	poller->changed = true;
	pthread_cond_signal(&poller->wake);
	pthread_mutex_unlock(&poller->mutex);
}

#define FIRST_POLL_MS 50u // the placeholders of --sdk-url are stored by then (01 §3.2: within about 100 ms)

static void *poller_main(void *context) {
	struct poller *poller = context;
	uint32_t interval = poller->config.node->poll_interval_s;
	if (interval == 0) interval = POLL_INTERVAL_DEFAULT_S;
	add_sdk_urls(poller);
	if (poller->discovering) LOG_INFO("autodiscovering locally hosted SDKs");
	for (uint64_t pause = FIRST_POLL_MS; sleep_interval(poller, pause); pause = interval * 1000ull)
		poll_once(poller);
	return NULL;
}

struct poller *poller_start(const struct poller_config *config) {
	struct poller *poller = mem_calloc(1, sizeof *poller);
	poller->config = *config;
	poller->discovering = config->node->dev && config->node->discovery;
	list_init(&poller->found);
	told_init(&poller->told);
	pthread_mutex_init(&poller->mutex, NULL);
	pthread_mutex_init(&poller->gate.mutex, NULL);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&poller->wake, &attr);
	pthread_condattr_destroy(&attr);
	CHECK(pthread_create(&poller->thread, NULL, poller_main, poller) == 0);
	return poller;
}

void poller_close(struct poller *poller) {
	pthread_mutex_lock(&poller->gate.mutex);
	poller->gate.closed = true;
	pthread_mutex_unlock(&poller->gate.mutex);
	pthread_mutex_lock(&poller->mutex);
	poller->stopping = true;
	pthread_cond_signal(&poller->wake);
	pthread_mutex_unlock(&poller->mutex);
}

void poller_stop(struct poller *poller) {
	pthread_join(poller->thread, NULL);
}

void poller_free(struct poller *poller) {
	if (poller == NULL) return;
	for (struct list *node; (node = list_pop_front(&poller->found)) != NULL;) {
		struct found_url *found = list_entry(node, struct found_url, all);
		free(found->url);
		free(found);
	}
	told_free(&poller->told);
	pthread_mutex_destroy(&poller->gate.mutex);
	pthread_cond_destroy(&poller->wake);
	pthread_mutex_destroy(&poller->mutex);
	free(poller);
}
