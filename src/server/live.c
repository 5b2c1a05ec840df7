#include "server/live.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "server/server_internal.h"

enum live_kind { LIVE_RUN, LIVE_STEP, LIVE_EVENT, LIVE_KIND_COUNT };
static const char *const kind_names[LIVE_KIND_COUNT] = {"run", "step", "event"};

struct watcher {
	struct list all;
	struct live *live;
	struct MHD_Connection *connection;
	unsigned kinds; // bits
	bool has_run, has_function;
	struct ulid run_id;
	struct uuid function_id;
	struct buf unread;
	size_t read; // bytes of it that are out
	uint64_t dropped;
	bool suspended;
};

// ---- messages ------------------------------------------------------------------------------------------------------

struct subject {
	enum live_kind kind;
	const struct ulid *run_id; // NULL: an event
	const struct uuid *function_id;
	uint64_t at_ms;
};

static bool wants(const struct watcher *watcher, const struct subject *subject) {
	if ((watcher->kinds & 1u << subject->kind) == 0) return false;
	if (watcher->has_run && (subject->run_id == NULL || ulid_cmp(subject->run_id, &watcher->run_id) != 0))
		return false;
	return !watcher->has_function ||
	       (subject->function_id != NULL && uuid_eq(subject->function_id, &watcher->function_id));
}

static void wake(struct watcher *watcher) {
	if (!watcher->suspended) return;
	watcher->suspended = false;
	MHD_resume_connection(watcher->connection);
}

// What is out makes room, when that is worth moving the rest.
static void compact(struct watcher *watcher) {
	struct buf *unread = &watcher->unread;
	if (watcher->read < unread->len / 2) return;
	memmove(unread->ptr, unread->ptr + watcher->read, unread->len - watcher->read);
	unread->len -= watcher->read;
	watcher->read = 0;
}

static void append(struct watcher *watcher, struct str message) {
	if (watcher->unread.len + message.len > LIVE_BUFFER_MAX && watcher->read > 0) compact(watcher);
	if (watcher->unread.len + message.len > LIVE_BUFFER_MAX) {
		watcher->dropped++;
		return;
	}
	buf_str(&watcher->unread, message);
	wake(watcher);
}

static bool is_wanted(const struct live *live, const struct subject *subject) {
	list_for_each(node, &live->watchers) {
		if (wants(list_entry(node, struct watcher, all), subject)) return true;
	}
	return false;
}

static void message_begin(struct live *live, struct buf *out, const struct subject *subject) {
	buf_clear(out);
	buf_printf(out, "id: %llu\nevent: %s\ndata: {", (unsigned long long)++live->sequence,
		   kind_names[subject->kind]);
	if (subject->run_id == NULL) return;
	buf_lit(out, "\"run_id\":");
	json_ulid(out, subject->run_id);
	buf_lit(out, ",\"function_id\":");
	json_uuid(out, subject->function_id);
	buf_byte(out, ',');
}

static void message_send(struct live *live, struct buf *out, const struct subject *subject) {
	buf_lit(out, ",\"at\":");
	json_time(out, (int64_t)subject->at_ms * 1000000);
	buf_lit(out, "}\n\n");
	list_for_each(node, &live->watchers) {
		struct watcher *watcher = list_entry(node, struct watcher, all);
		if (wants(watcher, subject)) append(watcher, buf_view(out));
	}
}

static void tell_run(struct live *live, struct buf *out, const struct ulid *run_id, const struct uuid *function_id,
		     const char *status, uint64_t at_ms) {
	struct subject subject = {LIVE_RUN, run_id, function_id, at_ms};
	if (!is_wanted(live, &subject)) return;
	message_begin(live, out, &subject);
	buf_printf(out, "\"status\":\"%s\"", status);
	message_send(live, out, &subject);
}

static void tell_step(struct live *live, struct buf *out, const struct subject *subject, enum opcode_kind op,
		      struct str id, struct str name, const char *status, uint32_t attempt) {
	message_begin(live, out, subject);
	buf_lit(out, "\"step_id\":");
	buf_json_str(out, id);
	buf_lit(out, ",\"name\":");
	buf_json_str(out, name);
	buf_printf(out, ",\"op\":\"%s\",\"status\":\"%s\",\"attempt\":%u", opcode_table[op].name, status, attempt);
	message_send(live, out, subject);
}

static const char *op_status(enum opcode_kind op) {
	switch (op) {
	case OPCODE_STEP:
	case OPCODE_STEP_RUN:
		return "COMPLETED";
	case OPCODE_STEP_ERROR:
	case OPCODE_STEP_FAILED:
		return "FAILED";
	case OPCODE_STEP_PLANNED:
		return "QUEUED";
	default:
		return NULL; // told by a fact of its own, or no step
	}
}

static void tell_fact(struct live *live, struct buf *out, const struct history_item *item) {
	struct subject subject = {LIVE_STEP, &item->trace.run_id, &item->trace.function_id, item->at_ms};
	struct trace_fact fact;
	struct arena arena;
	struct error error;
	if (!is_wanted(live, &subject)) return;
	arena_init(&arena, 2048);
	if (trace_fact_decode(&arena, item->trace.data, &fact, &error) == ERR_OK) {
		for (size_t i = 0; i < fact.op_count; i++) {
			const struct trace_op *op = &fact.ops[i];
			const char *status = op_status(op->op);
			if (status != NULL)
				tell_step(live, out, &subject, op->op, op->id, op->name, status, fact.attempt);
		}
		if (fact.kind == FACT_WAIT)
			tell_step(live, out, &subject, fact.op, fact.step_id, fact.name, "WAITING", 0);
		if (fact.kind == FACT_RESUMED)
			tell_step(live, out, &subject, fact.op, fact.step_id, fact.name,
				  fact.is_error ? "FAILED" : "COMPLETED", 0);
	}
	arena_free(&arena);
}

static void tell_event(struct live *live, struct buf *out, const struct history_item *item) {
	struct subject subject = {.kind = LIVE_EVENT, .at_ms = item->at_ms};
	if (!is_wanted(live, &subject)) return;
	message_begin(live, out, &subject);
	buf_lit(out, "\"id\":");
	json_ulid(out, &item->event.internal_id);
	buf_lit(out, ",\"name\":");
	buf_json_str(out, item->event.name);
	message_send(live, out, &subject);
}

static const char *end_status(const char *status) {
	return status[0] == 'F' ? "FAILED" : status[1] == 'a' ? "CANCELLED" : "COMPLETED";
}

static void tell(struct live *live, struct buf *out, const struct history_item *item) {
	switch (item->kind) {
	case HISTORY_RUN:
		return tell_run(live, out, &item->run.run_id, &item->run.function_id,
				item->run.started_ms > 0 ? "RUNNING" : "QUEUED", item->at_ms);
	case HISTORY_RUN_STARTED:
		return tell_run(live, out, &item->run.run_id, &item->run.function_id, "RUNNING", item->at_ms);
	case HISTORY_FINISH:
		return tell_run(live, out, &item->finish.run_id, &item->finish.function_id,
				end_status(item->finish.status), item->at_ms);
	case HISTORY_TRACE:
		return tell_fact(live, out, item);
	case HISTORY_EVENT:
		return tell_event(live, out, item);
	default:
		return;
	}
}

void live_publish(struct live *live, const struct batch *batch) {
	if (atomic_load_explicit(&live->watcher_count, memory_order_relaxed) == 0) return;
	struct buf out;
	buf_init(&out, LIVE_BUFFER_MAX);
	pthread_mutex_lock(&live->lock);
	for (size_t i = 0; i < batch->history_count; i++) tell(live, &out, &batch->history[i]);
	pthread_mutex_unlock(&live->lock);
	buf_free(&out);
}

// ---- reading -------------------------------------------------------------------------------------------------------

static void tell_lag(struct watcher *watcher) {
	if (watcher->dropped == 0 || watcher->unread.len > 0) return;
	buf_printf(&watcher->unread, "event: lagged\ndata: {\"dropped\":%llu}\n\n",
		   (unsigned long long)watcher->dropped);
	watcher->dropped = 0;
}

static ssize_t read_some(void *context, uint64_t position, char *out, size_t max) {
	(void)position;
	struct watcher *watcher = context;
	struct live *live = watcher->live;
	ssize_t count = 0;
	pthread_mutex_lock(&live->lock);
	if (watcher->read == watcher->unread.len) {
		buf_clear(&watcher->unread);
		watcher->read = 0;
	}
	tell_lag(watcher);
	size_t unread = watcher->unread.len - watcher->read;
	if (unread > 0) {
		count = (ssize_t)(unread < max ? unread : max);
		memcpy(out, watcher->unread.ptr + watcher->read, (size_t)count);
		watcher->read += (size_t)count;
	} else if (live->closed) {
		count = MHD_CONTENT_READER_END_OF_STREAM;
	} else {
		watcher->suspended = true;
		MHD_suspend_connection(watcher->connection);
	}
	pthread_mutex_unlock(&live->lock);
	return count;
}

static void forget(void *context) {
	struct watcher *watcher = context;
	struct live *live = watcher->live;
	pthread_mutex_lock(&live->lock);
	list_remove(&watcher->all);
	atomic_fetch_sub(&live->watcher_count, 1);
	pthread_mutex_unlock(&live->lock);
	buf_free(&watcher->unread);
	free(watcher);
}

// ---- the heart: notices clients that are gone ----------------------------------------------------------------------

// Those who have something to read notice it by that.
static void beat(struct live *live) {
	list_for_each(node, &live->watchers) {
		struct watcher *watcher = list_entry(node, struct watcher, all);
		if (watcher->read == watcher->unread.len) append(watcher, STR(": \n\n"));
	}
}

// Beats at fixed times, whoever comes and goes between them.
static void *heart_main(void *context) {
	struct live *live = context;
	uint64_t beat_ms = 0; // on the monotonic clock; 0: nobody watches
	pthread_mutex_lock(&live->lock);
	while (!live->closed) {
		uint64_t now_ms = clock_mono_ns() / 1000000;
		if (list_empty(&live->watchers)) {
			beat_ms = 0;
			pthread_cond_wait(&live->changed, &live->lock);
			continue;
		}
		if (beat_ms != 0 && now_ms >= beat_ms) beat(live);
		if (now_ms >= beat_ms) beat_ms = now_ms + live->heartbeat_ms;
		struct timespec until = {.tv_sec = (time_t)(beat_ms / 1000),
					 .tv_nsec = (long)(beat_ms % 1000) * 1000000};
		pthread_cond_timedwait(&live->changed, &live->lock, &until);
	}
	pthread_mutex_unlock(&live->lock);
	return NULL;
}

// ---- the route -----------------------------------------------------------------------------------------------------

static bool read_kinds(struct str text, unsigned *out) {
	for (bool more = true; more;) {
		struct str name;
		more = str_cut(text, ',', &name, &text);
		unsigned kind = 0;
		while (kind < LIVE_KIND_COUNT && !str_eq_cstr(name, kind_names[kind])) kind++;
		if (kind == LIVE_KIND_COUNT) return false;
		*out |= 1u << kind;
	}
	return true;
}

static bool read_filters(struct request *request, struct watcher *watcher) {
	struct str text;
	if (request_query(request, "run_id", &text)) {
		watcher->has_run = ulid_parse(text, &watcher->run_id);
		if (!watcher->has_run) json_reply_about(request, 400, STR("Invalid run ID: "), text);
		if (!watcher->has_run) return false;
	}
	if (request_query(request, "function_id", &text)) {
		watcher->has_function = uuid_parse(text, &watcher->function_id);
		if (!watcher->has_function) json_reply_about(request, 400, STR("Invalid function ID: "), text);
		if (!watcher->has_function) return false;
	}
	watcher->kinds = 1u << LIVE_RUN | 1u << LIVE_STEP;
	if (!request_query(request, "kinds", &text)) return true;
	watcher->kinds = 0;
	if (read_kinds(text, &watcher->kinds)) return true;
	json_reply_about(request, 400, STR("kinds may be run, step and event, divided by commas: "), text);
	return false;
}

// False when there is no room, or the server is going down.
static bool join(struct live *live, struct watcher *watcher) {
	pthread_mutex_lock(&live->lock);
	bool joins = !live->closed && atomic_load(&live->watcher_count) < LIVE_WATCHERS_MAX;
	if (joins && !live->beats) joins = live->beats = pthread_create(&live->heart, NULL, heart_main, live) == 0;
	if (joins) {
		if (list_empty(&live->watchers)) pthread_cond_signal(&live->changed);
		list_push_back(&live->watchers, &watcher->all);
		atomic_fetch_add(&live->watcher_count, 1);
	}
	pthread_mutex_unlock(&live->lock);
	return joins;
}

void v1_stream_start(struct request *request) {
	struct live *live = &request->server->live;
	struct watcher *watcher = mem_calloc(1, sizeof *watcher);
	watcher->live = live;
	watcher->connection = request->connection;
	buf_init(&watcher->unread, LIVE_BUFFER_MAX + 4096);
	buf_lit(&watcher->unread, ": watching\n\n"); // so that the client sees at once that it is served
	list_init(&watcher->all);
	bool reads = read_filters(request, watcher);
	if (reads && join(live, watcher)) {
		struct MHD_Response *response =
			MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, read_some, watcher, forget);
		if (response == NULL) forget(watcher);
		respond_stream(request, "text/event-stream", response);
		return;
	}
	buf_free(&watcher->unread);
	free(watcher);
	if (!reads) return;
	respond_header(request, "Retry-After", "5");
	json_reply_error(request, 503, STR("Too many clients are watching at the moment"));
}

// ---- life ----------------------------------------------------------------------------------------------------------

void live_init(struct live *live) {
	*live = (struct live){0};
	pthread_mutex_init(&live->lock, NULL);
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&live->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	live->heartbeat_ms = LIVE_HEARTBEAT_S * 1000;
	list_init(&live->watchers);
	atomic_init(&live->watcher_count, 0);
}

void live_close(struct live *live) {
	pthread_mutex_lock(&live->lock);
	bool joins = live->beats && !live->closed;
	live->closed = true;
	pthread_cond_signal(&live->changed);
	list_for_each(node, &live->watchers) wake(list_entry(node, struct watcher, all));
	pthread_mutex_unlock(&live->lock);
	if (joins) pthread_join(live->heart, NULL);
}

void live_free(struct live *live) {
	CHECK(list_empty(&live->watchers));
	pthread_cond_destroy(&live->changed);
	pthread_mutex_destroy(&live->lock);
}
