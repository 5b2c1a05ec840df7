// A small store with its history, and requests to the GraphQL API over it. The engine is always busy.
#ifndef INNGEST_TESTS_FUZZ_API_WORLD_H
#define INNGEST_TESTS_FUZZ_API_WORLD_H

#include "fuzz.h"
#include "server/gql/gql.h"
#include "store/store.h"

#define COST_MAX 50000
#define BYTES_MAX ((size_t)64 << 20)
#define BODY_MAX (16 << 20)

static struct {
	struct server server;
	struct store *store;
	struct store_reader *reader;
	struct history_reader *history;
	struct gql_schema *schema;
} world;

static inline enum err refuse(void *context, struct command *command) {
	(void)context;
	(void)command;
	return ERR_BUSY;
}
static inline struct store_reader *borrow(void *context) {
	(void)context;
	return world.reader;
}
static inline void give_back(void *context, struct store_reader *reader) {
	(void)context;
	(void)reader;
}
static inline struct history_reader *history_of(void *context, struct store_reader *reader) {
	(void)context;
	(void)reader;
	return world.history;
}

static inline void write_item(struct history_writer *writer, const struct history_item *item) {
	CHECK(history_write(writer, item, NULL) == ERR_OK);
}

static inline void write_catalogue(struct history_writer *writer) {
	struct history_item app = {.kind = HISTORY_APP, .at_ms = FUZZ_NOW_MS};
	app.app.id = (struct uuid){{1}};
	app.app.name = STR("app");
	app.app.metadata = STR("{\"featureObservations\":\"{\\\"extendedTraces\\\":{\\\"readinessReason\\\":1}}\"}");
	app.app.method = STR("serve");
	write_item(writer, &app);
	struct history_item function = {.kind = HISTORY_FUNCTION, .at_ms = FUZZ_NOW_MS};
	function.function.id = (struct uuid){{2}};
	function.function.app_id = (struct uuid){{1}};
	function.function.name = STR("f");
	function.function.slug = STR("app-f");
	function.function.config = STR("{\"fv\":1,\"triggers\":[{\"event\":\"a\"}],\"cancel\":[{\"event\":\"b\"}]}");
	write_item(writer, &function);
}

// The corpus knows their ids.
static inline void write_runs(struct history_writer *writer) {
	for (uint8_t n = 1; n < 5; n++) {
		uint8_t entropy[10] = {[9] = n};
		struct history_item event = {.kind = HISTORY_EVENT, .at_ms = FUZZ_NOW_MS};
		event.event.internal_id = ulid_make(FUZZ_NOW_MS, entropy);
		event.event.id = STR("mine");
		event.event.name = n == 4 ? STR("inngest/x") : STR("a");
		event.event.text = payload_new(STR("{\"k\":1}"));
		event.event.data = payload_str(event.event.text);
		event.event.ts_ms = FUZZ_NOW_MS;
		write_item(writer, &event);
		payload_unref(event.event.text);
		struct history_item run = {.kind = HISTORY_RUN, .at_ms = FUZZ_NOW_MS};
		run.run.run_id = run.run.event_id = event.event.internal_id;
		run.run.function_id = (struct uuid){{2}};
		run.run.started_ms = FUZZ_NOW_MS + n;
		write_item(writer, &run);
		if (n == 1) continue;
		struct history_item end = {.kind = HISTORY_FINISH, .at_ms = FUZZ_NOW_MS + 10};
		end.finish.run_id = run.run.run_id;
		end.finish.status = n == 2 ? "Completed" : n == 3 ? "Failed" : "Cancelled";
		end.finish.output = payload_new(n == 3 ? STR("{\"message\":\"m\"}") : STR("{\"k\":[1]}"));
		write_item(writer, &end);
		payload_unref(end.finish.output);
	}
}

static inline void open_world(void) {
	if (world.schema != NULL) return;
	struct history_writer *writer;
	CHECK(store_open_sqlite(NULL, DURABILITY_NONE, 1, &world.store, NULL) == ERR_OK);
	CHECK(history_migrate(store_sql(world.store), NULL) == ERR_OK);
	CHECK(history_writer_new(store_sql(world.store), &writer, NULL) == ERR_OK);
	CHECK(store_begin(world.store, NULL) == ERR_OK);
	write_catalogue(writer);
	write_runs(writer);
	CHECK(store_commit(world.store, NULL) == ERR_OK);
	history_writer_free(writer);
	CHECK(store_reader_open(world.store, &world.reader, NULL) == ERR_OK);
	CHECK(history_reader_new(store_reader_sql(world.reader), &world.history, NULL) == ERR_OK);
	world.server.config = (struct server_config){
		.post = refuse, .reader_borrow = borrow, .reader_return = give_back, .history_of = history_of};
	pending_init(&world.server.pending);
	CHECK(gql_api_schema(&world.schema, NULL) == ERR_OK);
}

static inline void check_body(struct str body, int status) {
	yyjson_doc *doc = json_read(body, false, NULL, NULL);
	yyjson_val *errors = yyjson_obj_get(yyjson_doc_get_root(doc), "errors");
	yyjson_val *data = yyjson_obj_get(yyjson_doc_get_root(doc), "data");
	fuzz_check_utf8(body);
	CHECK(data != NULL && (errors == NULL || yyjson_arr_size(errors) > 0));
	CHECK(status == 200 || status == 406 || status == 422);
	yyjson_doc_free(doc);
}

// Any request has an answer; gives its status.
static inline int ask_world(struct str query, yyjson_val *variables) {
	struct gql_request request = {.query = query, .variables = variables};
	struct gql_limits limits = {.depth = GQL_DEPTH_MAX, .cost = COST_MAX, .bytes = BYTES_MAX};
	struct arena arena = {0};
	struct gql_context context = {.server = &world.server, .arena = &arena};
	struct buf body;
	buf_init(&body, BODY_MAX);
	int status = gql_execute(world.schema, &context, &arena, &request, &limits, &body);
	context_end(&context);
	CHECK(!body.overflow);
	check_body(buf_view(&body), status);
	buf_free(&body);
	arena_free(&arena);
	return status;
}

#endif
