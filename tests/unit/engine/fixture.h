// One engine with one app, driven command by command; batches are kept until the next command.
#ifndef INNGEST_TESTS_UNIT_ENGINE_FIXTURE_H
#define INNGEST_TESTS_UNIT_ENGINE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/hash.h"
#include "engine/engine.h"
#include "model/limits.h"
#include "store/late.h"
#include "store/store.h"

#define T0 1800000000000ull

struct fixture {
	struct engine_config config;
	struct engine *engine;
	struct store *store;
	struct batch *batch; // of the last command, committed
	uint64_t now;
	uint64_t next_request;
	uint8_t events;
	bool without_events_of_failures;  // failed answers do not bring the run's events: nothing was loaded yet
	bool joins;                       // commands share one batch: fixture_join
	void (*watch)(struct fixture *f); // called when a batch is out, or NULL
};

static inline void fixture_commit(struct fixture *f) {
	struct error error;
	assert_int_equal(store_begin(f->store, &error), ERR_OK);
	for (size_t i = 0; i < f->batch->late_count; i++) {
		assert_int_equal(late_resolve(f->store, f->batch->late[i], &error), ERR_OK);
	}
	for (size_t i = 0; i < f->batch->record_count; i++) {
		struct record record = f->batch->records[i];
		if (record.late_body != NULL) record.body = record.late_body->text;
		assert_int_equal(store_write(f->store, &record, &error), ERR_OK);
	}
	assert_int_equal(store_commit(f->store, &error), ERR_OK);
}

static inline void fixture_out(struct fixture *f) {
	fixture_commit(f);
	if (f->watch != NULL) f->watch(f);
}

static inline void fixture_apply(struct fixture *f, struct command *command) {
	if (!f->joins) {
		batch_free(f->batch);
		f->batch = batch_new();
	}
	engine_apply(f->engine, f->now, command, f->batch);
	command_free(command);
	engine_verify(f->engine);
	if (!f->joins) fixture_out(f);
}

// All commands until fixture_part share one batch, as those do that the engine finds waiting.
static inline void fixture_join(struct fixture *f) {
	batch_free(f->batch);
	f->batch = batch_new();
	f->joins = true;
}
static inline void fixture_part(struct fixture *f) {
	f->joins = false;
	fixture_out(f);
}

static inline void fixture_open(struct fixture *f) {
	*f = (struct fixture){.now = T0, .config = f->config};
	f->store = store_open_memory();
	f->engine = engine_new(&f->config, 7);
}

static inline void fixture_close(struct fixture *f) {
	batch_free(f->batch);
	engine_free(f->engine);
	store_close(f->store);
}

// For cmocka: every test has an engine of its own.
static inline int fixture_setup(void **state) {
	struct fixture *f = mem_calloc(1, sizeof *f);
	fixture_open(f);
	*state = f;
	return 0;
}
static inline int fixture_teardown(void **state) {
	fixture_close(*state);
	free(*state);
	return 0;
}

static inline enum err fixture_restore_one(void *context, uint8_t kind, struct str key, struct str head,
					   struct error *error) {
	return engine_restore(((struct fixture *)context)->engine, kind, key, head, error);
}

// The file is damaged: the first record of a kind loses its body, or its head says nothing that makes sense.
struct fixture_damage {
	uint8_t kind;
	struct record record; // its head copied
	bool found;
};
static inline enum err fixture_find_first(void *context, uint8_t kind, struct str key, struct str head,
					  struct error *error) {
	struct fixture_damage *damage = context;
	(void)error;
	if (kind != damage->kind || damage->found) return ERR_OK;
	damage->found = true;
	damage->record = (struct record){.op = RECORD_PUT, .kind = kind, .key_len = (uint8_t)key.len};
	memcpy(damage->record.key, key.ptr, key.len);
	damage->record.head = str_make(mem_strndup(head.ptr, head.len), head.len);
	return ERR_OK;
}
static inline void fixture_replace(struct fixture *f, uint8_t kind, bool keep_head, struct payload *body) {
	struct fixture_damage damage = {.kind = kind};
	uint64_t quarantined;
	struct error error;
	assert_int_equal(store_load(f->store, fixture_find_first, &damage, &quarantined, &error), ERR_OK);
	assert_true(damage.found);
	char *head = (char *)(uintptr_t)damage.record.head.ptr;
	if (!keep_head) damage.record.head.len = 1;
	damage.record.body = body;
	assert_int_equal(store_begin(f->store, &error), ERR_OK);
	assert_int_equal(store_write(f->store, &damage.record, &error), ERR_OK);
	assert_int_equal(store_commit(f->store, &error), ERR_OK);
	free(head);
}
static inline void fixture_damage(struct fixture *f, uint8_t kind, bool keep_head) {
	fixture_replace(f, kind, keep_head, NULL);
}

// kill -9 and start.
static inline uint64_t fixture_restart(struct fixture *f) {
	engine_free(f->engine);
	f->engine = engine_new(&f->config, 8);
	uint64_t quarantined = 0;
	struct error error;
	assert_int_equal(store_load(f->store, fixture_restore_one, f, &quarantined, &error), ERR_OK);
	batch_free(f->batch);
	f->batch = batch_new();
	engine_start(f->engine, f->now, f->batch);
	engine_verify(f->engine);
	fixture_out(f);
	return quarantined;
}

// Memory tells the same as the store, record by record.
static inline enum err fixture_compare_one(void *context, uint8_t kind, struct str key, struct str head,
					   struct error *error) {
	(void)error;
	const struct batch *batch = ((void **)context)[0];
	size_t *count = ((void **)context)[1];
	for (size_t i = 0; i < batch->record_count; i++) {
		const struct record *record = &batch->records[i];
		if (record->kind != kind || !str_eq(str_make(record->key, record->key_len), key)) continue;
		assert_true(str_eq(record->head, head));
		(*count)++;
		return ERR_OK;
	}
	fail_msg("a record of kind %u is in the store only", kind);
	return ERR_OK;
}
static inline void fixture_assert_stored(struct fixture *f) {
	struct batch *batch = batch_new();
	engine_export(f->engine, batch);
	size_t count = 0;
	uint64_t quarantined = 0;
	struct error error;
	assert_int_equal(store_load(f->store, fixture_compare_one, (void *[]){batch, &count}, &quarantined, &error),
			 ERR_OK);
	assert_int_equal(count, batch->record_count);
	batch_free(batch);
}

static inline struct reply *fixture_register_body(struct fixture *f, struct str body) {
	struct command *command = command_new(COMMAND_REGISTER);
	command->request = ++f->next_request;
	struct error error;
	assert_int_equal(registration_parse(&command->arena, body, &command->registration, &error), ERR_OK);
	fixture_apply(f, command);
	assert_non_null(f->batch->replies);
	return (struct reply *)f->batch->replies;
}

// Registers functions given as `id|trigger[,trigger…]|retries`, separated by spaces.
static inline struct reply *fixture_register(struct fixture *f, const char *app, const char *functions) {
	struct buf body;
	buf_init(&body, 1 << 20);
	buf_printf(&body,
		   "{\"appName\":\"%s\",\"url\":\"http://localhost:3000/api\",\"sdk\":\"js:v4.24.0\",\"functions\":[",
		   app);
	struct str rest = str_from_cstr(functions), one;
	for (bool more = rest.len > 0, first = true; more; first = false) {
		more = str_cut(rest, ' ', &one, &rest);
		struct str id, triggers, retries, trigger;
		str_cut(one, '|', &id, &triggers);
		str_cut(triggers, '|', &triggers, &retries);
		buf_printf(&body, "%s{\"id\":\"%.*s\",\"name\":\"%.*s\",\"triggers\":[", first ? "" : ",", STR_ARG(id),
			   STR_ARG(id));
		for (bool again = triggers.len > 0, head = true; again; head = false) {
			again = str_cut(triggers, ',', &trigger, &triggers);
			buf_printf(&body, "%s{\"event\":\"%.*s\"}", head ? "" : ",", STR_ARG(trigger));
		}
		buf_printf(&body,
			   "],\"steps\":{\"step\":{\"id\":\"step\",\"name\":\"step\",\"runtime\":{\"type\":\"http\","
			   "\"url\":"
			   "\"http://localhost:3000/api?fnId=%.*s&stepId=step\"},\"retries\":{\"attempts\":%.*s}}}}",
			   STR_ARG(id), STR_ARG(retries));
	}
	buf_lit(&body, "]}");
	struct reply *reply = fixture_register_body(f, buf_view(&body));
	buf_free(&body);
	return reply;
}

// A function of app "app" with these further members of its configuration, as JSON.
#define FIXTURE_FUNCTION(id, members)                                                                                \
	"{\"id\":\"" id "\",\"name\":\"" id "\"," members ",\"steps\":{\"step\":{\"id\":\"step\",\"name\":\"step\"," \
	"\"runtime\":{\"type\":\"http\",\"url\":\"http://localhost:3000/api?fnId=" id                                \
	"&stepId=step\"},\"retries\":{\"attempts\":0}}}}"
static inline struct reply *fixture_register_app(struct fixture *f, const char *app, const char *functions) {
	char body[8192];
	snprintf(body, sizeof body,
		 "{\"appName\":\"%s\",\"url\":\"http://localhost:3000/api\",\"sdk\":\"js:v4.24.0\",\"functions\":[%s]}",
		 app, functions);
	struct reply *reply = fixture_register_body(f, str_from_cstr(body));
	if (reply->kind != REPLY_REGISTERED) print_error("%.*s %.*s\n", STR_ARG(reply->text), STR_ARG(reply->data));
	assert_int_equal(reply->kind, REPLY_REGISTERED);
	return reply;
}
static inline struct reply *fixture_register_functions(struct fixture *f, const char *functions) {
	return fixture_register_app(f, "app", functions);
}

// The id that a function gets, or will get, which is registered as above (01 §6.2).
static inline struct uuid fixture_function_id(const char *slug) {
	char seed[256];
	int len = snprintf(seed, sizeof seed, "%shttp://localhost:3000/api?fnId=%s&stepId=step", slug, slug);
	return uuid_v5(str_make(seed, (size_t)len));
}

static inline struct command *fixture_event_command(struct fixture *f, const char *json) {
	struct command *command = command_new(COMMAND_EVENTS);
	command->request = ++f->next_request;
	uint8_t entropy[10] = {++f->events};
	struct ulid id = ulid_make(f->now, entropy);
	struct error error;
	yyjson_doc *doc = json_read(str_from_cstr(json), false, NULL, &error);
	assert_non_null(doc);
	command->events.events = ARENA_NEW(&command->arena, struct event);
	command->events.count = 1;
	bool stable = yyjson_is_str(json_get(yyjson_doc_get_root(doc), STR("id")));
	assert_int_equal(event_parse(&command->arena, yyjson_doc_get_root(doc), &id, stable, f->now,
				     command->events.events, &error),
			 ERR_OK);
	yyjson_doc_free(doc);
	return command;
}

static inline void fixture_event(struct fixture *f, const char *json) {
	fixture_apply(f, fixture_event_command(f, json));
}

// The n-th call of the last batch; NULL when there is none.
static inline const struct call *fixture_call(const struct fixture *f, unsigned n) {
	const struct message *m = f->batch->calls;
	while (m != NULL && n-- > 0) m = m->next;
	return (const struct call *)m;
}
static inline unsigned fixture_calls(const struct fixture *f) {
	unsigned count = 0;
	for (const struct message *m = f->batch->calls; m != NULL; m = m->next) count++;
	return count;
}

struct target { // what is needed to answer a call whose batch is gone
	struct ulid run_id;
	uint32_t slot;
	uint64_t dispatch;
};
static inline struct target fixture_target(const struct call *call) {
	assert_non_null(call);
	return (struct target){call->run_id, call->slot, call->dispatch};
}

static inline void fixture_answer(struct fixture *f, struct target to, int status, const char *version,
				  const char *body) {
	struct command *command = command_new(COMMAND_ANSWER);
	command->answer.run_id = to.run_id;
	command->answer.slot = to.slot;
	command->answer.dispatch = to.dispatch;
	struct answer_header headers[] = {{STR("X-Inngest-SDK"), STR("inngest-js:v4.24.0")},
					  {STR("X-Inngest-Req-Version"), str_from_cstr(version)},
					  {STR("X-Inngest-No-Retry"), status == 400 ? STR("true") : STR("false")}};
	struct http_reply reply = {
		.status = status, .headers = headers, .header_count = 3, .body = str_from_cstr(body)};
	answer_read(&command->arena, &reply, f->now, &command->answer.answer);
	struct error error; // as the driver, which has them from the call
	if (status < 400 || !f->without_events_of_failures)
		(void)!store_body(f->store, RECORD_RUN, str_make(to.run_id.bytes, 16), &command->answer.events, &error);
	fixture_apply(f, command);
}

static inline void fixture_tick(struct fixture *f, uint64_t ms) {
	f->now += ms;
	fixture_apply(f, command_new(COMMAND_TICK));
}

static inline const struct history_item *fixture_history(const struct fixture *f, enum history_kind kind, unsigned n) {
	for (size_t i = 0; i < f->batch->history_count; i++) {
		if (f->batch->history[i].kind == kind && n-- == 0) return &f->batch->history[i];
	}
	return NULL;
}
static inline const char *fixture_status(const struct fixture *f) {
	const struct history_item *item = fixture_history(f, HISTORY_FINISH, 0);
	return item != NULL ? item->finish.status : "none";
}
static inline unsigned fixture_histories(const struct fixture *f, enum history_kind kind) {
	unsigned count = 0;
	for (size_t i = 0; i < f->batch->history_count; i++) count += f->batch->history[i].kind == kind;
	return count;
}
static inline bool fixture_finished(const struct fixture *f, const struct ulid *run_id, const char *status) {
	for (size_t i = 0; i < f->batch->history_count; i++) {
		const struct history_item *item = &f->batch->history[i];
		if (item->kind == HISTORY_FINISH && ulid_cmp(&item->finish.run_id, run_id) == 0)
			return strcmp(item->finish.status, status) == 0;
	}
	return false;
}
// Hands back what the engine asked for.
static inline void fixture_load(struct fixture *f, const struct event_load *load) {
	struct command *command = command_new(COMMAND_EVENT_LOADED);
	struct error error;
	command->loaded.kind = load->kind;
	command->loaded.id = load->id;
	command->loaded.cancellation_id = load->cancellation_id;
	if (load->data != NULL)
		command->loaded.data = payload_ref(load->data->text);
	else
		(void)!store_body(f->store, (uint8_t)load_records[load->kind], str_make(load->id.bytes, 16),
				  &command->loaded.data, &error);
	fixture_apply(f, command);
}
// Hands the held events of the last batch back; counts the runs that this and the last batch begin.
static inline unsigned fixture_load_held(struct fixture *f) {
	struct ulid ids[16];
	size_t count = f->batch->load_count;
	unsigned begun = fixture_histories(f, HISTORY_RUN);
	assert_true(count <= ARRAY_LEN(ids));
	for (size_t i = 0; i < count; i++) ids[i] = f->batch->loads[i].id;
	for (size_t i = 0; i < count; i++) {
		struct command *command = command_new(COMMAND_EVENT_LOADED);
		struct str key = str_make(ids[i].bytes, sizeof ids[i].bytes);
		struct error error;
		command->loaded.id = ids[i];
		assert_int_equal(store_body(f->store, RECORD_EVENT, key, &command->loaded.data, &error), ERR_OK);
		fixture_apply(f, command);
		begun += fixture_histories(f, HISTORY_RUN);
	}
	return begun;
}
static inline void fixture_cancel(struct fixture *f, const struct ulid *run_id) {
	struct command *command = command_new(COMMAND_CANCEL);
	command->run.run_id = *run_id;
	fixture_apply(f, command);
}
// Lets the engine do what it wants to do at once, loads of runs' events included, until it wants nothing more; counts
// the runs that end meanwhile, in the present batch too.
static inline unsigned fixture_settle(struct fixture *f) {
	static struct event_load loads[4096];
	static struct late_text texts[4096];
	size_t count = 0, done = 0;
	for (unsigned ended = 0;;) {
		ended += fixture_histories(f, HISTORY_FINISH);
		for (size_t i = 0; i < f->batch->load_count; i++) {
			assert_true(count < ARRAY_LEN(loads));
			loads[count] = f->batch->loads[i];
			texts[count] = (struct late_text){0};
			if (loads[count].data != NULL) texts[count].text = payload_ref(loads[count].data->text);
			if (loads[count].data != NULL) loads[count].data = &texts[count];
			count++;
		}
		if (done < count) {
			fixture_load(f, &loads[done]);
			payload_unref(texts[done++].text);
		} else if (engine_deadline(f->engine) <= f->now)
			fixture_tick(f, 0);
		else
			return ended;
	}
}
static inline uint64_t fixture_runs(const struct fixture *f) {
	struct engine_stats stats;
	engine_stats(f->engine, &stats);
	return stats.runs;
}

#endif
