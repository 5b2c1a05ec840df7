// A fixture with a store and its history, for tests of what is read there.
#ifndef INNGEST_TESTS_SERVER_HISTORY_FIXTURE_H
#define INNGEST_TESTS_SERVER_HISTORY_FIXTURE_H

#include "base/clock.h"
#include "fixture.h"

static inline struct ulid make_id(uint64_t time_ms, uint8_t n) {
	uint8_t entropy[10] = {n};
	return ulid_make(time_ms, entropy);
}

static inline void write_item(struct history_writer *writer, const struct history_item *item) {
	struct error error;
	if (history_write(writer, item, &error) != ERR_OK) fail_msg("%s", error.message);
}

static inline void write_app(struct history_writer *writer, uint64_t now_ms, const struct uuid *id, const char *name) {
	struct history_item item = {.kind = HISTORY_APP, .at_ms = now_ms};
	item.app.id = *id;
	item.app.name = str_from_cstr(name);
	item.app.sdk_language = STR("js");
	item.app.sdk_version = STR("v4");
	item.app.metadata = STR("{}");
	item.app.url = STR("http://localhost:3000/api/inngest");
	item.app.method = STR("serve");
	write_item(writer, &item);
}

static inline void write_function(struct history_writer *writer, uint64_t now_ms, const struct uuid *app_id,
				  const struct uuid *id, const char *slug) {
	struct history_item item = {.kind = HISTORY_FUNCTION, .at_ms = now_ms};
	item.function.id = *id;
	item.function.app_id = *app_id;
	item.function.name = STR("Hello");
	item.function.slug = str_from_cstr(slug);
	item.function.config = STR("{\"id\":\"x\",\"name\":\"Hello\"}");
	write_item(writer, &item);
}

// `run` says the rest; `status` NULL: it has not ended.
static inline void write_run(struct history_writer *writer, uint64_t now_ms, struct history_item *run,
			     const char *status, const char *output) {
	run->kind = HISTORY_RUN;
	run->at_ms = now_ms;
	write_item(writer, run);
	if (status == NULL) return;
	struct history_item item = {.kind = HISTORY_FINISH, .at_ms = 1700000000500};
	item.finish.run_id = run->run.run_id;
	item.finish.status = status;
	item.finish.output = output != NULL ? payload_new(str_from_cstr(output)) : NULL;
	write_item(writer, &item);
	payload_unref(item.finish.output);
}

// A store with what `write` writes to its history, and the server in front of it.
static inline struct fixture *history_fixture_start(void (*write)(struct history_writer *writer, uint64_t now_ms)) {
	struct fixture *fixture = mem_calloc(1, sizeof *fixture);
	struct error error;
	if (store_open_sqlite(NULL, DURABILITY_NONE, 1, &fixture->store, &error) != ERR_OK)
		fail_msg("%s", error.message);
	if (history_migrate(store_sql(fixture->store), &error) != ERR_OK) fail_msg("%s", error.message);
	struct history_writer *writer = NULL;
	if (history_writer_new(store_sql(fixture->store), &writer, &error) != ERR_OK) fail_msg("%s", error.message);
	assert_int_equal(store_begin(fixture->store, &error), ERR_OK);
	write(writer, clock_wall_ms());
	assert_int_equal(store_commit(fixture->store, &error), ERR_OK);
	history_writer_free(writer);
	if (store_reader_open(fixture->store, &fixture->reader, &error) != ERR_OK) fail_msg("%s", error.message);
	if (history_reader_new(store_reader_sql(fixture->reader), &fixture->history, &error) != ERR_OK) {
		fail_msg("%s", error.message);
	}
	fixture_start(fixture);
	return fixture;
}

static inline void history_fixture_stop(struct fixture *fixture) {
	fixture_stop(fixture);
	history_reader_free(fixture->history);
	store_reader_close(fixture->reader);
	store_close(fixture->store);
	free(fixture);
}

#endif
