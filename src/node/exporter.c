#include "node/exporter.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/gzip.h"
#include "base/log.h"
#include "base/rng.h"
#include "history/exports.h"

#define WINDOW_FACTS 512u            // read at once
#define BODY_MAX (64u << 20)         // of a request
#define REPLY_MAX 65536u             // of what the other side says
#define RETRY_FIRST_MS 1000u         // doubles with each attempt
#define RETRY_MAX_MS 60000u          // unless Retry-After says more
#define COMPLAIN_MS (5u * 60 * 1000) // between complaints while nothing goes out

struct exporter {
	struct exporter_config config;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	atomic_bool pending; // facts may be behind the cursor
	bool stopping;       // under the mutex
	bool has_cursor;
	uint64_t cursor;
	struct export_memory *memory;
	// while sending; the thread's own
	uint64_t flush_until_ms; // on the monotonic clock; 0: not flushing
	uint64_t complained_ms;  // likewise; 0: all is well
};

static uint64_t now_ms(void) {
	return clock_mono_ns() / 1000000;
}

// ---- waiting -------------------------------------------------------------------------------------------------------

static struct timespec instant(uint64_t ms) {
	return (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
}

// False when the exporter is to stop.
static bool wait_until(struct exporter *exporter, uint64_t ms) {
	struct timespec until = instant(ms);
	pthread_mutex_lock(&exporter->mutex);
	while (!exporter->stopping && pthread_cond_timedwait(&exporter->wake, &exporter->mutex, &until) != ETIMEDOUT)
		continue;
	bool go_on = !exporter->stopping;
	pthread_mutex_unlock(&exporter->mutex);
	return go_on;
}

static bool wait_pending(struct exporter *exporter) {
	pthread_mutex_lock(&exporter->mutex);
	while (!exporter->stopping && !atomic_load(&exporter->pending))
		pthread_cond_wait(&exporter->wake, &exporter->mutex);
	bool go_on = !exporter->stopping;
	pthread_mutex_unlock(&exporter->mutex);
	return go_on;
}

void exporter_wake(struct exporter *exporter) {
	if (atomic_exchange(&exporter->pending, true)) return;
	pthread_mutex_lock(&exporter->mutex);
	pthread_cond_signal(&exporter->wake);
	pthread_mutex_unlock(&exporter->mutex);
}

// ---- one exchange --------------------------------------------------------------------------------------------------

// Shared by the exporter and the client's thread: whoever is last frees it.
struct sending {
	struct http_exchange exchange;
	struct exporter *exporter;
	bool is_done, is_abandoned; // under the exporter's mutex
};

static void sending_free(struct sending *sending) {
	http_exchange_clear(&sending->exchange);
	free(sending);
}

// The exporter is there as long as the client.
static void on_done(struct http_exchange *exchange) {
	struct sending *sending = exchange->context;
	struct exporter *exporter = sending->exporter;
	pthread_mutex_lock(&exporter->mutex);
	sending->is_done = true;
	bool is_abandoned = sending->is_abandoned;
	pthread_cond_signal(&exporter->wake);
	pthread_mutex_unlock(&exporter->mutex);
	if (is_abandoned) sending_free(sending);
}

static struct sending *sending_new(struct exporter *exporter, struct str body) {
	const struct export_settings *settings = exporter->config.settings;
	struct sending *sending = mem_calloc(1, sizeof *sending);
	struct http_exchange *exchange = &sending->exchange;
	sending->exporter = exporter;
	http_exchange_init(exchange);
	exchange->method = "POST";
	exchange->url = str_to_cstr(settings->url);
	exchange->done = on_done;
	exchange->context = sending;
	exchange->timeout_ms = exchange->connect_timeout_ms = settings->timeout_ms;
	exchange->reply_max_bytes = REPLY_MAX;
	(void)http_exchange_header(exchange, STR("User-Agent"), STR("inngest-c/" INNGEST_VERSION));
	(void)http_exchange_header(exchange, STR("Content-Type"),
				   settings->encoding == OTLP_JSON ? STR("application/json")
								   : STR("application/x-protobuf"));
	if (settings->gzips) (void)http_exchange_header(exchange, STR("Content-Encoding"), STR("gzip"));
	for (size_t i = 0; i < settings->header_count; i++)
		(void)http_exchange_header(exchange, settings->headers[i].name, settings->headers[i].value);
	if (settings->gzips)
		gzip_pack(&exchange->body, body);
	else
		buf_str(&exchange->body, body);
	return sending;
}

// False when the exporter stops, or has no more time: then the client's thread frees it.
static bool sending_wait(struct sending *sending) {
	struct exporter *exporter = sending->exporter;
	struct timespec until = instant(exporter->flush_until_ms);
	bool is_flush = exporter->flush_until_ms > 0;
	pthread_mutex_lock(&exporter->mutex);
	while (!sending->is_done && (is_flush || !exporter->stopping)) {
		if (!is_flush)
			pthread_cond_wait(&exporter->wake, &exporter->mutex);
		else if (pthread_cond_timedwait(&exporter->wake, &exporter->mutex, &until) == ETIMEDOUT)
			break;
	}
	sending->is_abandoned = !sending->is_done;
	bool is_done = sending->is_done;
	pthread_mutex_unlock(&exporter->mutex);
	return is_done;
}

// ---- what came of it -----------------------------------------------------------------------------------------------

enum result { SENT, REFUSED, LATER, STOPPED };

// What is worth another attempt, by the protocol's rules.
static enum result result_of(const struct http_exchange *exchange) {
	if (exchange->failure == HTTP_FAILURE_URL || exchange->failure == HTTP_FAILURE_PROTOCOL) return REFUSED;
	bool has_status = exchange->failure == HTTP_FAILURE_NONE || exchange->failure == HTTP_FAILURE_ENCODING;
	int status = exchange->status;
	if (!has_status || status == 429 || status == 408 || status == 502 || status == 503 || status == 504)
		return LATER;
	return status >= 200 && status < 300 ? SENT : REFUSED;
}

static void complain(struct exporter *exporter, const struct http_exchange *exchange, const char *what) {
	uint64_t now = now_ms();
	if (exporter->complained_ms != 0 && now - exporter->complained_ms < COMPLAIN_MS) return;
	exporter->complained_ms = now;
	LOG_WARN(what, LOG_STR("endpoint", exporter->config.settings->shown_url), LOG_INT("status", exchange->status),
		 LOG_CSTR("error", exchange->failure_text));
}

// When to try again, in ms from now: what the other side asks for, else later each time, and not all at once.
static uint64_t pause_of(const struct http_exchange *exchange, unsigned attempt) {
	uint64_t wall = clock_wall_ms();
	uint64_t asked = retry_after_parse(http_exchange_reply_header(exchange, STR("Retry-After")), wall);
	if (asked > wall) return asked - wall;
	uint64_t pause = attempt < 6 ? RETRY_FIRST_MS << attempt : RETRY_MAX_MS;
	return pause / 2 + random_u64() % (pause / 2 + 1);
}

static enum result send_once(struct exporter *exporter, struct str body, unsigned attempt, uint64_t *pause_ms) {
	struct sending *sending = sending_new(exporter, body);
	http_client_start(exporter->config.client, &sending->exchange);
	if (!sending_wait(sending)) return STOPPED;
	enum result result = result_of(&sending->exchange);
	if (result == LATER) complain(exporter, &sending->exchange, "spans cannot be exported, trying again");
	if (result == REFUSED) complain(exporter, &sending->exchange, "exported spans were refused, they are dropped");
	if (result == SENT && exporter->complained_ms != 0)
		LOG_INFO("spans are exported again", LOG_STR("endpoint", exporter->config.settings->shown_url));
	if (result == SENT) exporter->complained_ms = 0;
	*pause_ms = pause_of(&sending->exchange, attempt);
	sending_free(sending);
	return result;
}

// False when the cursor must stay where it is.
static bool send_body(struct exporter *exporter, struct str body) {
	for (unsigned attempt = 0;; attempt++) {
		uint64_t pause_ms = 0;
		enum result result = send_once(exporter, body, attempt, &pause_ms);
		if (result == SENT || result == REFUSED) return true;
		if (result == STOPPED || exporter->flush_until_ms > 0) return false;
		if (!wait_until(exporter, now_ms() + pause_ms)) return false;
	}
}

// ---- what is sent --------------------------------------------------------------------------------------------------

static bool send_spans(struct exporter *exporter, const struct otlp_span *spans, size_t count) {
	const struct export_settings *settings = exporter->config.settings;
	bool go_on = true;
	for (size_t i = 0; i < count && go_on; i += settings->batch_max) {
		struct otlp_export batch = {.resource = settings->resource,
					    .resource_count = settings->resource_count,
					    .scope_name = STR("inngest"),
					    .scope_version = STR(INNGEST_VERSION),
					    .spans = spans + i,
					    .count = count - i < settings->batch_max ? count - i : settings->batch_max};
		struct buf body;
		buf_init(&body, BODY_MAX);
		otlp_write_export(&body, settings->encoding, &batch);
		if (body.overflow)
			LOG_WARN("spans are too large to be exported, they are dropped", LOG_INT("spans", batch.count));
		else
			go_on = send_body(exporter, buf_view(&body));
		buf_free(&body);
	}
	return go_on;
}

// Spans of several runs that go out together.
struct gathered {
	struct arena arena;
	struct otlp_span *spans;
	size_t count, cap;
};

// Copies: what a run's trace was made from may be large, and goes.
static struct otlp_span copy(struct arena *arena, const struct otlp_span *span) {
	struct otlp_span out = *span;
	out.name = arena_dup(arena, span->name);
	out.attributes = ARENA_ARRAY(arena, struct otlp_attribute, span->attribute_count + 1);
	for (size_t i = 0; i < span->attribute_count; i++) {
		out.attributes[i] = span->attributes[i];
		out.attributes[i].key = arena_dup(arena, span->attributes[i].key);
		out.attributes[i].value = arena_dup(arena, span->attributes[i].value);
	}
	return out;
}

static void gathered_add(struct gathered *gathered, const struct otlp_span *spans, size_t count) {
	if (gathered->count + count > gathered->cap) {
		size_t cap = 2 * (gathered->count + count);
		struct otlp_span *grown = arena_alloc(&gathered->arena, cap * sizeof *grown);
		if (gathered->count > 0) memcpy(grown, gathered->spans, gathered->count * sizeof *grown);
		gathered->spans = grown;
		gathered->cap = cap;
	}
	for (size_t i = 0; i < count; i++) gathered->spans[gathered->count++] = copy(&gathered->arena, &spans[i]);
}

static bool send_gathered(struct exporter *exporter, struct gathered *gathered) {
	bool go_on = send_spans(exporter, gathered->spans, gathered->count);
	arena_free(&gathered->arena);
	*gathered = (struct gathered){.count = 0};
	arena_init(&gathered->arena, 0);
	return go_on;
}

// False when there is no more of the run's.
static bool gather_part(struct exporter *exporter, const struct export_window *window, const struct ulid *run_id,
			struct gathered *out) {
	struct arena arena;
	struct otlp_span *spans;
	size_t count;
	bool more;
	struct error error;
	arena_init(&arena, 0);
	enum err err = history_exports_run(exporter->config.history, exporter->memory, &arena, run_id, exporter->cursor,
					   window->last, &spans, &count, &more, &error);
	if (err != ERR_OK) LOG_ERROR("a run cannot be exported", LOG_CSTR("error", error.message));
	if (err == ERR_OK) gathered_add(out, spans, count);
	arena_free(&arena);
	return more;
}

static bool send_window(struct exporter *exporter, const struct export_window *window) {
	struct gathered gathered = {.count = 0};
	bool go_on = true;
	arena_init(&gathered.arena, 0);
	for (size_t i = 0; i < window->run_count && go_on; i++) {
		bool more = true;
		while (more && go_on) {
			more = gather_part(exporter, window, &window->runs[i], &gathered);
			if (gathered.count >= exporter->config.settings->batch_max)
				go_on = send_gathered(exporter, &gathered);
		}
	}
	if (go_on && gathered.count > 0) go_on = send_gathered(exporter, &gathered);
	arena_free(&gathered.arena);
	if (!go_on) export_memory_clear(exporter->memory); // the cursor stays
	return go_on;
}

static void tell_lost(const struct export_window *window) {
	if (window->lost > 0)
		LOG_WARN("retention has removed runs before their spans were exported", LOG_INT("facts", window->lost));
}

// False: it cannot be read, and without it all there is would go out again.
static bool find_cursor(struct exporter *exporter) {
	struct error error;
	if (exporter->has_cursor) return true;
	enum err err = history_exports_cursor(exporter->config.history, &exporter->cursor, &error);
	if (err != ERR_OK) LOG_ERROR("cannot read how far spans were exported", LOG_CSTR("error", error.message));
	exporter->has_cursor = err == ERR_OK;
	return exporter->has_cursor;
}

// All that is behind the cursor; false when it had to stop before.
static bool export_all(struct exporter *exporter) {
	while (find_cursor(exporter)) {
		struct arena arena;
		struct export_window window;
		struct error error;
		arena_init(&arena, 0);
		enum err err = history_exports_window(exporter->config.history, &arena, exporter->cursor, WINDOW_FACTS,
						      &window, &error);
		if (err != ERR_OK) LOG_ERROR("cannot read what is to be exported", LOG_CSTR("error", error.message));
		bool is_end = err != ERR_OK || window.count == 0;
		bool sent = !is_end && send_window(exporter, &window);
		if (sent) tell_lost(&window);
		if (sent && window.run_count > 0) exporter->config.save(exporter->config.context, window.last);
		if (sent) exporter->cursor = window.last;
		arena_free(&arena);
		if (!sent) return is_end;
	}
	return true;
}

// ---- life ----------------------------------------------------------------------------------------------------------

static void *exporter_main(void *context) {
	struct exporter *exporter = context;
	while (wait_pending(exporter)) {
		if (!wait_until(exporter, now_ms() + exporter->config.settings->delay_ms)) break;
		atomic_store(&exporter->pending, false);
		if (!export_all(exporter)) break;
	}
	return NULL;
}

struct exporter *exporter_start(const struct exporter_config *config) {
	struct exporter *exporter = mem_calloc(1, sizeof *exporter);
	exporter->config = *config;
	exporter->memory = export_memory_new(EXPORT_MEMORY_MAX);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&exporter->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&exporter->mutex, NULL);
	atomic_init(&exporter->pending, true); // what an earlier process has left
	(void)find_cursor(exporter);
	CHECK(pthread_create(&exporter->thread, NULL, exporter_main, exporter) == 0);
	LOG_INFO("exporting spans", LOG_STR("endpoint", config->settings->shown_url));
	return exporter;
}

void exporter_stop(struct exporter *exporter) {
	pthread_mutex_lock(&exporter->mutex);
	exporter->stopping = true;
	pthread_cond_broadcast(&exporter->wake);
	pthread_mutex_unlock(&exporter->mutex);
	pthread_join(exporter->thread, NULL);
}

void exporter_flush(struct exporter *exporter) {
	exporter->flush_until_ms = now_ms() + EXPORT_FLUSH_MS;
	(void)export_all(exporter);
}

void exporter_free(struct exporter *exporter) {
	if (exporter == NULL) return;
	pthread_cond_destroy(&exporter->wake);
	pthread_mutex_destroy(&exporter->mutex);
	export_memory_free(exporter->memory);
	free(exporter);
}
